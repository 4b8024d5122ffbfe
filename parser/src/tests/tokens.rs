//! Phase A.

use super::{errors, errors_in_body, with_main};

#[test]
fn literals_must_be_closed() {
    assert_eq!(errors_in_body("    text %1 local \"open \\\"\n"), ["2:19: error: unterminated literal"]);
    assert_eq!(errors_in_body("    atom %1 local 'open"), ["2:19: error: unterminated literal"]);
    // What the literal swallows is no second mistake.
    assert_eq!(errors("print (text %1 \"x\n.function: f/0"), ["1:16: error: unterminated literal"]);
}

#[test]
fn directives_need_their_colon() {
    for name in "function closure block signature bsignature info name import mark iota".split(' ') {
        let message = format!("1:2: error: missing ':' after `{name}'");
        assert_eq!(errors(format!(".{name} x\n")), [message.as_str()]);
        assert_eq!(errors(format!(".{name}")), [message.as_str()]);
        assert_eq!(errors(format!(".{name}/0\n")), [message.as_str()]);
        assert_eq!(errors_in_body(&format!("    . {name} x")), [format!("2:7: error: missing ':' after `{name}'")]);
    }
    // The colon does not touch, or it is another name.
    for line in [".mark : x", ". mark: x", ".marks x", ".unused x", ".mark\\ x"] {
        assert_eq!(errors(line)[0], "1:1: error: illegal directive", "{line}");
    }
}

#[test]
fn iota_needs_a_scope() {
    assert_eq!(errors(".iota: 4\n"), ["1:1: error: '.iota:' directive used outside of iota scope"]);
    assert_eq!(errors("@iota\n"), ["1:1: error: @iota used outside of iota scope"]);
    assert_eq!(errors("% iota\n"), ["1:1: error: %iota used outside of iota scope"]);
    assert_eq!(errors(".info: a iota"), ["1:10: error: iota used outside of iota scope"]);
    assert_eq!(
        errors(with_main(".block: b\n leave\n.end\n.iota: 1"))[0],
        "4:1: error: '.iota:' directive used outside of iota scope"
    );
}

#[test]
fn arguments_of_iota() {
    let message = |shown: &str| format!("2:8: error: invalid argument to '.iota:' directive: {shown}");
    for (argument, shown) in [
        ("some", "some"),
        ("-4", "-4"),
        ("4294967296", "4294967296"),
        ("\"a\\n\"", "\\\"a\\\\n\\\""),
        ("%1", "%1"),
        ("iota", "iota"),
        ("1.5", "1.5"),
        ("(1)", "("),
    ] {
        assert_eq!(errors_in_body(&format!(".iota: {argument}"))[0], message(shown));
    }
    assert_eq!(errors_in_body(".iota:"), ["2:7: error: invalid argument to '.iota:' directive: \\n"]);
    assert_eq!(errors_in_body(".iota: 4294967295\nprint %1"), [""; 0]);
}

#[test]
fn brackets_must_be_balanced() {
    let message = "unbalanced parenthesis in wrapped instruction";
    assert_eq!(errors_in_body("    print ("), [format!("2:11: error: {message}")]);
    assert_eq!(errors_in_body("    frame ^[(copy %0 arguments %1)"), [format!("2:12: error: {message}")]);
    assert_eq!(errors_in_body("    frame [(copy %1 (text %2 [) \"x\")]"), [format!("2:30: error: {message}")]);
    // One mistake in a line, but lines are independent.
    assert_eq!(errors_in_body(" print (((("), [format!("2:8: error: {message}")]);
    assert_eq!(
        errors_in_body(" print (not %1\n print (not %1"),
        [format!("2:8: error: {message}"), format!("3:8: error: {message}")]
    );
}

#[test]
fn wrapped_instructions_have_two_tokens() {
    let message = "at least two tokens are required in a wrapped instruction";
    assert_eq!(errors_in_body("    print (izero) local"), [format!("2:11: error: {message}")]);
    assert_eq!(errors_in_body("    print () local"), [format!("2:11: error: {message}")]);
    assert_eq!(errors_in_body("    print (\n; nothing\n\n) local"), [format!("2:11: error: {message}")]);
    assert_eq!(
        errors_in_body("    frame [(nop) (nop)]"),
        [format!("2:12: error: {message}"), format!("2:18: error: {message}")]
    );
    assert_eq!(errors_in_body("    print (nop .iota: 4) local"), [format!("2:11: error: {message}")]);
}

#[test]
fn register_names() {
    assert_eq!(
        errors_in_body("    .name: %1 frame"),
        ["2:15: error: invalid register name: 'frame' is a registered keyword"]
    );
    assert_eq!(
        errors_in_body("    .name: 1 void"),
        ["2:14: error: invalid register name: 'void' is a registered keyword"]
    );
    assert_eq!(
        errors_in_body("    integer (.name: %1 local) 1"),
        ["2:24: error: invalid register name: 'local' is a registered keyword"]
    );
    for (index, quoted) in [
        ("\"one\"", "\\\"one\\\""),
        ("-1", "-1"),
        ("%-1", "%-1"),
        ("% other", "%other"),
        ("one", "one"),
        ("1.5", "1.5"),
        ("5x", "5x"),
    ] {
        assert_eq!(
            errors_in_body(&format!("    .name: {index} n")),
            [format!("2:12: error: invalid register index: n := \"{quoted}\"")]
        );
    }
    // `arguments` and `parameters` are no reserved words, and any token may be a name.
    for line in
        [".name: 1 arguments", ".name: @1 n", ".name: *2 n", ".name: %iota n", ".name: iota n", ".name: 1 \"n\""]
    {
        assert_eq!(errors_in_body(line), [""; 0], "{line}");
    }
}

#[test]
fn end_needs_its_dot() {
    assert_eq!(errors(".function: main/0\n    return\n  end\n"), ["3:3: error: missing '.' character before 'end'"]);
    assert_eq!(errors_in_body("    jump end\n    .mark: end"), [""; 0]);
    assert_eq!(errors("end"), ["1:1: error: missing '.' character before 'end'"]);
}

#[test]
fn sub_passes_run_one_after_the_other() {
    let source = "end\n.name: x frame\nprint ()\niota\n.mark\n\"";
    assert_eq!(
        errors(source),
        [
            "6:1: error: unterminated literal",
            "5:2: error: missing ':' after `mark'",
            "4:1: error: iota used outside of iota scope",
            "3:7: error: at least two tokens are required in a wrapped instruction",
            "2:10: error: invalid register name: 'frame' is a registered keyword",
            "1:1: error: missing '.' character before 'end'",
        ]
    );
}
