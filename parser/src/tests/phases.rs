//! Precedence: one file with a mistake of every phase, mended one by one.

use super::errors;

#[test]
fn the_first_phase_that_has_a_finding_is_the_last() {
    let lines = [
        ".function: f/0",
        "    frobnicatedly", // D
        "    return",
        ".end",
        ".function: f/0", // C
        "    if",         // B
        "    return",
        "end",                // A, inline blocks and `end`
        "    .name: 1 frame", // A, register names
        "    print ()",       // A, wrapped instructions
        "    .iota: x",       // A, iota
        "    .mark x",        // A, colons
        ".end",
        ".info: a \"", // A, literals
    ];
    let first = |mended: &[usize]| {
        let kept: Vec<_> =
            lines.iter().enumerate().map(|(i, line)| if mended.contains(&i) { "nop" } else { line }).collect();
        errors(kept.join("\n")).remove(0)
    };
    assert_eq!(first(&[]), "14:10: error: unterminated literal");
    let fixed = [13, 11, 10, 9, 8, 7, 5, 4];
    let expected = [
        "12:6: error: missing ':' after `mark'",
        "11:12: error: invalid argument to '.iota:' directive: x",
        "10:11: error: at least two tokens are required in a wrapped instruction",
        "9:14: error: invalid register name: 'frame' is a registered keyword",
        "8:1: error: missing '.' character before 'end'",
        "6:5: error: branch without operands",
        "5:12: error: duplicated name: f/0",
        "2:5: error: unknown instruction",
    ];
    for (i, expected) in expected.iter().enumerate() {
        assert_eq!(first(&fixed[..=i]), *expected);
    }
}

#[test]
fn findings_of_one_phase_come_in_source_order() {
    let found = errors(".function: f/0\n print 5x\n.end\n.block: 5\n print 6x\n.end\n.signature:\n");
    let faults: Vec<_> = found.iter().filter(|line| !line.contains("error: in ")).collect();
    assert_eq!(
        faults,
        [
            "2:8: error: invalid operand",
            "4:9: error: invalid block name: 5",
            "5:8: error: invalid operand",
            "7:1: error: missing function name"
        ]
    );
}
