//! Phase C, and what phase D says about the top level, headers, declarations, imports and attributes.

use super::{errors, errors_in_body, warnings, with_main};

const JUNK: &str = "error: expected a function or a block definition (or signature), or a newline";

#[test]
fn names_are_unique() {
    assert_eq!(
        errors(".function: f/0\n return\n.end\n.closure: f/0\n return\n.end\n.signature: f/0"),
        [
            "4:11: error: duplicated name: f/0",
            "1:12: error: already defined here:",
            "7:13: error: duplicated name: f/0",
            "1:12: error: already defined here:"
        ]
    );
    assert_eq!(
        errors(with_main(".bsignature: b\n.block: b\n leave\n.end")),
        ["2:9: error: duplicated name: b", "1:14: error: already defined here:"]
    );
    assert_eq!(errors(".signature: f/0\n.signature: f/1\n.signature: f/\n"), [""; 0]);
}

#[test]
fn names_of_inline_blocks_are_mangled() {
    let inline = " enter .block: b\n  leave\n .end\n";
    assert_eq!(
        errors(format!(".function: f/0\n{inline}{inline} return\n.end\n")),
        ["5:16: error: duplicated name: f/0__nested__b", "2:16: error: already defined here:"]
    );
    assert_eq!(
        errors(format!(".bsignature: f/0__nested__b\n.function: f/0\n{inline} return\n.end\n")),
        ["3:16: error: duplicated name: f/0__nested__b", "1:14: error: already defined here:"]
    );
    assert_eq!(
        errors(format!(".function: f/0\n{inline} return\n.end\n.function: g/0\n{inline} return\n.end\n.bsignature: b")),
        [""; 0]
    );
}

#[test]
fn reserved_names() {
    assert_eq!(errors(".signature: draw"), ["1:13: error: invalid function name: 'draw' is a registered keyword"]);
    assert_eq!(
        errors(".function: int\n return\n.end"),
        ["1:12: error: invalid function name: 'int' is a registered keyword"]
    );
    assert_eq!(
        errors(".block: void\n leave\n.end\n.bsignature: void\n"),
        [
            "1:9: error: invalid block name: 'void' is a registered keyword",
            "4:14: error: invalid block name: 'void' is a registered keyword"
        ]
    );
    // The whole name is compared; closures may have any; inline blocks have a longer name.
    assert_eq!(
        errors(
            ".function: move/0\n enter .block: draw\n  leave\n .end\n return\n.end\n.closure: draw/0\n return\n.end"
        ),
        [""; 0]
    );
    assert_eq!(errors(".closure: draw\n return\n.end"), ["1:11: error: invalid function name: draw"]);
}

#[test]
fn definitions_do_not_nest() {
    let another = "opened before assembler reached .end after";
    for kind in ["function", "closure"] {
        assert_eq!(
            errors(format!(".{kind}: f/0\n return\n.{kind}: g/0\n return\n.end\n")),
            [format!("3:1: error: another {kind} {another} 'f/0' {kind}")]
        );
    }
    assert_eq!(
        errors_in_body(" enter .block: one\n  enter .block: two\n   leave\n  .end\n  leave\n .end"),
        [format!("3:9: error: another block {another} 'f/0__nested__one' block")]
    );
    // Inline blocks do not hide the function that is open.
    assert_eq!(
        errors(".function: f/0\n enter .block: b\n leave\n.function: g/0\n return\n.end\n"),
        [format!("4:1: error: another function {another} 'f/0' function")]
    );
}

#[test]
fn definitions_of_another_kind_are_a_matter_of_parsing() {
    assert_eq!(
        errors(".closure: f/0\n return\n.function: g/0\n return\n.end\n"),
        ["3:1: error: no '.end' between definitions", "1:11: error: in function f/0"]
    );
    assert_eq!(
        errors(".block: b\n leave\n.closure: g/0\n return\n.end\n"),
        ["3:1: error: no '.end' between definitions", "1:9: error: in block b"]
    );
}

#[test]
fn definitions_have_an_end() {
    let message = "error: no '.end' at the end of a block";
    assert_eq!(errors(".function: f/0\n return"), [format!("1:1: {message}")]);
    assert_eq!(errors("\n .block: b\n leave\n"), [format!("2:2: {message}")]);
    assert_eq!(errors(".function: f/0\n enter .block: b\n  leave"), [format!("2:8: {message}")]);
    assert_eq!(errors(".function: f/0\n enter .block: b\n  leave\n .end"), [format!("1:1: {message}")]);
    assert_eq!(errors(".block: a\n leave\n.block: b\n leave\n.end\n"), [format!("1:1: {message}")]);
    assert_eq!(errors(".function:"), [format!("1:1: {message}")]);
}

#[test]
fn top_level() {
    let illegal = ["error: illegal directive", "note: expected a function or block definition (or signature)"];
    for line in [".mark: x", ".name: 1 x", ".unused: x", ".foo: x", ". x", ".unused x", ".end:"] {
        assert_eq!(errors(line), illegal.map(|text| format!("1:1: {text}")), "{line}");
    }
    assert_eq!(errors(".end\n"), ["1:1: error: stray .end marker"]);
    for line in ["main/1", "print %1 local", "local", "(nop 1)", "5", "\"x\"", "]]", "[[x]]", "- x"] {
        assert_eq!(errors(line), [format!("1:1: {JUNK}")], "{line}");
    }
    assert_eq!(errors(with_main(".block: b\n leave\n.end again")), [format!("3:6: {JUNK}")]);
    assert_eq!(errors(".block: b\n leave\n.end .end"), [format!("3:6: {JUNK}")]);
    assert_eq!(errors(".info: author \"someone\" \"else\""), [format!("1:25: {JUNK}")]);
}

#[test]
fn one_mistake_at_top_level_gives_one_finding() {
    // The first `.end` comes too early.
    assert_eq!(
        errors(
            ".function: f/0\n nop\n.end\n print %1 local\n .mark: x\n jump x\n.end\n.function: g/0\n return\n.end\n"
        ),
        [format!("4:2: {JUNK}")]
    );
    // Blocks behind one that is not closed; a function then closes all.
    let block = ".block: b\n leave\n.end\n";
    assert_eq!(
        errors(format!(".block: a\n leave\n{block}{}.function: f/0\n return\n.end\n", block.replace(" b", " c"))),
        ["3:9: error: unknown instruction", "1:9: error: in block a"]
    );
    assert_eq!(errors_in_body(" print %1 .end local\n nop"), ["2:11: error: invalid operand"]);
    assert_eq!(errors("one\n.signature: f/0\ntwo\n"), [format!("1:1: {JUNK}"), format!("3:1: {JUNK}")]);
}

#[test]
fn missing_names() {
    for (directive, what) in [
        (".signature:", "function"),
        (".function:", "function"),
        (".closure:", "function"),
        (".bsignature:", "block"),
        (".block:", "block"),
        (".function: [[no_sa]]", "function"),
    ] {
        let body = if directive.contains("signature") { "" } else { " leave\n.end\n" };
        assert_eq!(errors(format!("{directive} ; what?\n{body}")), [format!("1:1: error: missing {what} name")]);
    }
}

#[test]
fn invalid_names() {
    for name in ["f", "f/one", "5", "%1", "\"f/0\"", "a::", ".x:", "f/99999"] {
        let shown = name.trim_end_matches(':');
        for directive in [".function:", ".closure:"] {
            let found = errors(format!("{directive} {name}\n return\n.end\n"));
            let shown = if name == ".x:" { name } else { shown };
            assert_eq!(found, [format!("1:{}: error: invalid function name: {shown}", directive.len() + 2)], "{name}");
        }
    }
    assert_eq!(
        errors(".function: f/65535\n return\n.end\n.function: f/65536\n return\n.end\n"),
        ["4:12: error: invalid function name: f/65536"]
    );
    assert_eq!(errors(".signature: a::b"), ["1:13: error: not a valid function name"]);
    assert_eq!(errors(".signature: 5 x"), ["1:13: error: not a valid function name"]);
    for name in ["5", "\"b\"", "%1", "5x"] {
        assert_eq!(errors(format!(".bsignature: {name}")), [format!("1:14: error: invalid block name: {name}")]);
        assert_eq!(
            errors(format!(".block: {name}\n leave\n.end")),
            [format!("1:9: error: invalid block name: {name}")]
        );
    }
    assert_eq!(errors(".block: b/0\n leave\n.end\n.bsignature: a::b"), [""; 0]);
    assert_eq!(errors(".closure: f/\n return\n.end"), ["1:11: error: function with undefined arity: f/"]);
    assert_eq!(errors(".function: f/\n return\n.end"), [""; 0]);
}

#[test]
fn surplus_behind_names() {
    let message = "error: unexpected token after";
    assert_eq!(errors(".function: f/0 local\n return\n.end"), [format!("1:16: {message} function name")]);
    assert_eq!(errors(".function: f/0 [[no_sa]]\n return\n.end"), [format!("1:16: {message} function name")]);
    assert_eq!(errors(".closure: f/0 .end"), [format!("1:15: {message} function name")]);
    assert_eq!(errors(".signature: f/0 (x y)"), [format!("1:17: {message} function name")]);
    assert_eq!(errors(".block: b 5 6\n leave\n.end"), [format!("1:11: {message} block name")]);
    assert_eq!(errors(".bsignature: b :"), [format!("1:16: {message} block name")]);
    assert_eq!(errors(".import: m m"), [format!("1:12: {message} module name")]);
    assert_eq!(errors_in_body(" enter .block: b leave\n .end"), [format!("2:18: {message} block name")]);
}

#[test]
fn empty_bodies() {
    assert_eq!(errors(".function: f/0\n.end"), ["1:12: error: function with empty body: f/0"]);
    assert_eq!(errors(".closure: f/0\n; nothing\n\n.end"), ["1:11: error: function with empty body: f/0"]);
    assert_eq!(errors(".block: b\n.iota: 4\n.end"), ["1:9: error: block with empty body: b"]);
    assert_eq!(errors_in_body(" enter .block: b\n .end"), ["2:16: error: block with empty body: b"]);
    assert_eq!(errors(".block: b\n.unused: x\n.end"), [""; 0]);
}

#[test]
fn imports() {
    assert_eq!(errors(".import:"), ["1:1: error: missing module name in import directive"]);
    assert_eq!(errors(".import: [[static]]"), ["1:1: error: missing module name in import directive"]);
    assert_eq!(
        errors(".import: [[static]] a::b\n.import: [[dynamic]] a::b ; again\n"),
        ["2:34: error: double import", "2:34: note: module a::b was already imported"]
    );
    assert_eq!(
        errors(".import: a\n.import: \"b\"\n.import: 5\n.import: move\n.import: [[static, dynamic]] c"),
        [""; 0]
    );
}

#[test]
fn meta_information() {
    assert_eq!(errors(".info:"), ["1:1: error: missing key and value in .info: directive"]);
    assert_eq!(errors(".info: author"), ["1:1: error: missing value in .info: directive"]);
    assert_eq!(errors(".info: author someone \"else\""), ["1:15: error: invalid operand"]);
    assert_eq!(errors(".info: a 'b'\n.info: \"a\" \"b\"\n.info: : \"b\"\n.info: .x: ''"), [""; 0]);
}

#[test]
fn attributes_of_definitions() {
    let behind_key = "error: expected ',' or '{' or ']]'";
    let rest = " f/0\n return\n.end\n";
    assert_eq!(errors(format!(".function: [[first second]]{rest}")), [format!("1:20: {behind_key}")]);
    assert_eq!(errors(".function: [[first\n return\n.end\n"), [format!("1:19: {behind_key}")]);
    assert_eq!(errors(".function: [[\n return\n.end\n"), [format!("1:14: {behind_key}")]);
    assert_eq!(errors(format!(".function: [[a,,b]]{rest}")), [format!("1:16: {behind_key}")]);
    assert_eq!(errors(format!(".function: [[a{{b c}}]]{rest}")), ["1:18: error: expected '}'"]);
    assert_eq!(errors(".function: [[a{b\n return\n.end\n"), ["1:17: error: expected '}'"]);
    assert_eq!(errors(".import: [[static dynamic]] a"), [format!("1:19: {behind_key}")]);
    assert_eq!(errors(".import: [[static"), [format!("1:18: {behind_key}")]);
    for list in ["[[]]", "[[a]]", "[[a,]]", "[[a, b,]]", "[[a{}]]", "[[a{}, b{2}, c{'3'} d]]", "[[a{b}c]]"] {
        assert_eq!(errors(format!(".function: {list}{rest}")), [""; 0], "{list}");
    }
    assert_eq!(errors(".function: [[a]] [[b]] f/0\n return\n.end\n"), ["1:18: error: invalid function name: [["]);
}

#[test]
fn attributes_of_operands() {
    assert_eq!(errors_in_body(" print %1 [[a b]]"), ["2:15: error: expected ',' or '{' or ']]'"]);
    assert_eq!(errors_in_body(" print %1 [[a"), ["2:14: error: expected ',' or '{' or ']]'"]);
    assert_eq!(errors_in_body(" print %1 [[a{b"), ["2:16: error: expected '}'"]);
    assert_eq!(errors_in_body(" nop [[a]]"), ["2:6: error: invalid operand"]);
    assert_eq!(errors_in_body(" print %1 [[a]] [[b]]"), ["2:17: error: invalid operand"]);
    assert_eq!(errors_in_body(" integer %1 local [[maybe_unused, other{value}]] 3"), [""; 0]);
}

#[test]
fn unknown_attributes_are_a_lint() {
    let source = "\
.import: [[fast, static]] m
.function: [[no_sa, maybe_unused]] f/0
    integer %1 [[maybe_unused]] 1 [[maybe_unused]]
    float %1 [[maybe_unused]] 1
    return
.end
";
    assert_eq!(
        warnings(source),
        [
            "1:12: warning: unknown attribute: fast",
            "2:21: warning: unknown attribute: maybe_unused",
            "3:37: warning: unknown attribute: maybe_unused",
            "4:16: warning: unknown attribute: maybe_unused"
        ]
    );
    assert_eq!(errors(source), [""; 0]);
    // Earlier phases end the run before attributes are read.
    assert_eq!(warnings(format!("{source}.signature: f/0\n")), [""; 0]);
}
