//! Phase D in bodies: registers, directives, wrapped instructions, operands.

use super::{errors, errors_in_body};

#[test]
fn register_indexes() {
    assert_eq!(errors_in_body(" print %-10 local"), ["2:8: error: register indexes cannot be negative: -10"]);
    let large = "error: register index outside of defined range (max allowed register index is 65535)";
    assert_eq!(errors_in_body(" print *65536"), [format!("2:8: {large}")]);
    assert_eq!(errors_in_body(" print % 99999999999999999999 local"), [format!("2:8: {large}")]);
    assert_eq!(errors_in_body(" .iota: 65535\n print %iota\n print @iota"), [format!("4:8: {large}")]);
    assert_eq!(errors_in_body(" .name: 65536 x"), [format!("2:9: {large}")]);
    assert_eq!(errors_in_body(" print %0000065535 local"), [""; 0]);
}

#[test]
fn register_sets() {
    let illegal = "error: current register set is illegal";
    assert_eq!(errors_in_body(" print %1 current"), [format!("2:11: {illegal}")]);
    assert_eq!(errors_in_body(" print (not %1) current"), [format!("2:17: {illegal}")]);
    assert_eq!(errors_in_body(" jump current\n .mark: current"), [""; 0]);
    let alone = "error: register set specifier does not follow register index";
    for set in ["local", "static", "global", "arguments", "parameters"] {
        assert_eq!(errors_in_body(&format!(" {set} %1")), [format!("2:2: {alone}")]);
    }
    assert_eq!(errors_in_body(" print (local %1)"), [format!("2:9: {alone}")]);
    assert_eq!(errors_in_body(" print local"), [""; 0]);
}

#[test]
fn unknown_directives() {
    assert_eq!(errors_in_body(" .nane: %1 counter"), ["2:2: error: unknown directive", "^ did you mean '.name:'?"]);
    assert_eq!(errors_in_body(" .something: 5x ("), ["2:17: error: unbalanced parenthesis in wrapped instruction"]);
    assert_eq!(errors_in_body(" .something: 5x"), ["2:2: error: unknown directive"]);
    assert_eq!(errors_in_body(" .mark : x")[0], "2:2: error: unknown directive");
    assert_eq!(errors_in_body(" .end:"), ["2:2: error: unknown directive", "^ did you mean '.end'?"]);
}

#[test]
fn surplus_in_directives() {
    let message = "error: extra parameters to a directive";
    assert_eq!(errors_in_body(" .name: %1 counter limit more"), [format!("2:20: {message}")]);
    assert_eq!(
        errors_in_body(" .name: %1 local counter"),
        ["2:12: error: invalid register name: 'local' is a registered keyword"]
    );
    assert_eq!(errors_in_body(" .mark: a b"), [format!("2:11: {message}")]);
    assert_eq!(errors_in_body(" .unused: %1 local"), [format!("2:14: {message}")]);
    assert_eq!(errors_in_body(" .mark: a [[b]]"), [format!("2:11: {message}")]);
    for directive in [".info:", ".import:", ".signature:", ".bsignature:"] {
        let column = directive.len() + 3;
        assert_eq!(errors_in_body(&format!(" {directive} foo/0 x")), [format!("2:{column}: {message}")]);
        assert_eq!(errors_in_body(&format!(" {directive} [[a]] x")), [format!("2:{column}: {message}")]);
        assert_eq!(errors_in_body(&format!(" {directive}")), [format!("2:2: {message}")]);
    }
}

#[test]
fn too_little_in_directives() {
    let message = "error: missing parameters to a directive";
    for line in [".name:", ".name: %1", ".name: foo", ".unused:"] {
        assert_eq!(errors_in_body(&format!(" {line}")), [format!("2:2: {message}")], "{line}");
    }
}

#[test]
fn markers() {
    for operand in ["12", "f/0", "%1", "iota", "5x", "\"x\"", ".mark:", "(not %1)"] {
        assert_eq!(errors_in_body(&format!(" .mark: {operand}")), ["2:9: error: invalid marker"], "{operand}");
    }
    assert_eq!(errors_in_body(" .mark:   ; where"), ["2:18: error: invalid marker"]);
    // Reserved words are refused later, repeated markers never.
    assert_eq!(errors_in_body(" .mark: return\n .mark: a::b\n .mark: a::b\n .mark: void"), [""; 0]);
}

#[test]
fn unknown_instructions() {
    let message = "error: unknown instruction";
    assert_eq!(errors_in_body(" prnt %1 local"), [format!("2:2: {message}").as_str(), "^ did you mean 'print'?"]);
    assert_eq!(errors_in_body(" prinz %1 5x 6x"), [format!("2:2: {message}").as_str(), "^ did you mean 'print'?"]);
    assert_eq!(errors_in_body(" completely_different"), [format!("2:2: {message}")]);
    assert_eq!(errors_in_body(" \"a longer literal\" print"), [format!("2:2: {message}")]);
    assert_eq!(errors_in_body(" %total_count 1"), [format!("2:2: {message}")]);
}

#[test]
fn a_line_that_begins_with_an_operand_begins_with_its_register() {
    let message = "error: unknown instruction";
    assert_eq!(errors_in_body(" (izero %total_count local) local"), [format!("2:9: {message}")]);
    assert_eq!(errors_in_body(" ^(izero %total_count local)"), [format!("2:10: {message}")]);
    assert_eq!(errors_in_body(" *(not (izero %total_count) %2)"), [format!("2:15: {message}")]);
    assert_eq!(errors_in_body(" ((izero %total_count))"), [format!("2:10: {message}")]);
    assert_eq!(errors_in_body(" [(izero %1)]")[0], format!("2:3: {message}"));
    assert_eq!(errors_in_body(" (.name: %1 n)")[0], format!("2:10: {message}"));
    assert_eq!(errors_in_body(" .block: body\n  leave\n .end local"), [format!("2:10: {message}")]);
}

#[test]
fn invalid_operands() {
    let message = "error: invalid operand";
    assert_eq!(errors_in_body(" integer %1 local 5 print %1 local"), [format!("2:21: {message}")]);
    assert_eq!(errors_in_body(" bits %1 local 0xFF"), [format!("2:16: {message}")]);
    assert_eq!(errors_in_body(" float %1 local 1.5e3"), [format!("2:18: {message}")]);
    for operand in [
        "5x", "-", "- 5", "%", "% -", "/", "a::", ":", "]]", "{", "}", ",", ".mark: x", ".foo:", ".", ")", "]", "^",
        "*", "żółw", "print",
    ] {
        let column = if operand == "a::" { 9 } else { 8 };
        assert_eq!(errors_in_body(&format!(" print {operand}")), [format!("2:{column}: {message}")], "{operand}");
    }
    assert_eq!(errors_in_body(" print %1 .end"), [format!("2:11: {message}")]);
    assert_eq!(errors(".block: b\n print \\\n.end"), ["2:8: error: invalid operand", "1:9: error: in block b"]);
}

#[test]
fn operands_that_only_later_checks_refuse() {
    for operand in [
        "5", "+5", "1.5", "0xff", "5ms", "'a'", "\"a\"", "true", "void", "default", "infinity", "iota", "f/1", "a/x",
        "end", "local",
    ] {
        assert_eq!(errors_in_body(&format!(" print {operand} {operand}")), [""; 0], "{operand}");
    }
}

#[test]
fn wrapping() {
    let message = "error: invalid operand";
    assert_eq!(errors_in_body(" print ^%1"), [format!("2:8: {message}")]);
    assert_eq!(errors_in_body(" print @(not %1)"), [format!("2:8: {message}")]);
    assert_eq!(errors_in_body(" print *[(not %1)]"), [format!("2:8: {message}")]);
    assert_eq!(errors_in_body(" ) %1"), [format!("2:2: {message}")]);
    assert_eq!(errors_in_body(" frame [(not %1) %2 5]"), [format!("2:18: {message}")]);
    assert_eq!(errors_in_body(" frame [print ^(not %1)]"), [format!("2:9: {message}")]);
    assert_eq!(errors_in_body(" frame [(not %1) local]"), [format!("2:18: {message}")]);
    assert_eq!(errors_in_body(" frame [[(not %1)]]"), [format!("2:8: {message}")]);
    assert_eq!(errors_in_body(" frame [ [(not %1)] ]"), [format!("2:10: {message}")]);
    assert_eq!(errors_in_body(" print (not %1\n %2)"), [format!("2:15: {message}")]);
    assert_eq!(errors_in_body(" print (.mark: x)"), [format!("2:9: {message}")]);
    assert_eq!(errors_in_body(" print (.nane: 1 x)")[0], "2:9: error: unknown directive");
    assert_eq!(errors_in_body(" print (prnt %1)")[0], "2:9: error: unknown instruction");
}

#[test]
fn newlines_in_wrapped_operands() {
    assert_eq!(
        errors_in_body(
            " print (\n\n not %1 local ; c\n ) local\n frame ^[ ; list\n (not %1)\n\n (not %2) (\nnot %3)\n ]"
        ),
        [""; 0]
    );
}

#[test]
fn brackets_and_definitions_that_cross() {
    let message = "error: invalid operand";
    assert_eq!(
        errors(".function: f/0\n print (not %1\n.end\n.function: g/0\n print %2)\n.end"),
        [format!("2:15: {message}").as_str(), "1:12: error: in function f/0"]
    );
    assert_eq!(
        errors_in_body(" enter (try .block: b\n  leave)\n .end"),
        ["3:8: error: invalid operand", "2:21: error: in block f/0__nested__b"]
    );
}

#[test]
fn traces_name_the_definition() {
    assert_eq!(
        errors(".closure: c/1\n frobnicatedly\n enter .block: b\n  frobnicatedly\n .end\n frobnicatedly\n.end"),
        [
            "2:2: error: unknown instruction",
            "1:11: error: in function c/1",
            "4:3: error: unknown instruction",
            "3:16: error: in block c/1__nested__b",
            "6:2: error: unknown instruction",
            "1:11: error: in function c/1"
        ]
    );
}
