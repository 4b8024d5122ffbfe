//! Phase B.

use super::{errors, errors_in_body};

#[test]
fn branches() {
    assert_eq!(errors_in_body("    if"), ["2:5: error: branch without operands"]);
    for operand in ["%1", "%1 local", "*x global", "(izero %1)", "(izero %1) local", "%1 [[a]]", "%1 .iota: 4"] {
        assert_eq!(errors_in_body(&format!("    if {operand}")), ["2:5: error: branch without a target"], "{operand}");
    }
    // Not a register: the condition is wrong, and that is found later.
    assert_eq!(errors_in_body("    if 5"), [""; 0]);
    assert_eq!(errors_in_body("    if %1 +1"), [""; 0]);
}

#[test]
fn missing_second_operands() {
    for mnemonic in "move copy swap ptr isnull send textlength structkeys bits bitset bitat".split(' ') {
        let position = mnemonic.len() + 17;
        let line = format!("{mnemonic} %1 local   ;  why");
        assert_eq!(errors_in_body(&line), [format!("2:{}: error: missing second operand", line.len() + 1)]);
        assert_eq!(errors_in_body(&format!("{mnemonic} void")).len(), 1);
        assert_eq!(errors_in_body(&format!("{mnemonic} %1 local %2")), [""; 0]);
        assert_eq!(errors_in_body(mnemonic), [""; 0]);
        let line = format!("print (not %1) (  {mnemonic} %1 local)");
        assert_eq!(errors_in_body(&line), ["2:16: error: missing second operand"], "{position}");
    }
    for line in ["vlen %1", "add %1", "itof %1", "ptrlive %1", "vat %1"] {
        assert_eq!(errors_in_body(line), [""; 0], "{line}");
    }
}

#[test]
fn a_line_at_the_end_of_the_file() {
    assert_eq!(errors(".function: f/0\n move %1 local")[0], "2:15: error: missing second operand");
}

#[test]
fn the_whole_file_is_looked_at() {
    assert_eq!(
        errors("if\n.function: f/0\n    enter .block: b\n        copy %1 local\n    .end\n.end\n"),
        ["1:1: error: branch without operands", "4:22: error: missing second operand"]
    );
}
