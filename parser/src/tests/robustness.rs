//! Any bytes: no panic, no recursion, no quadratic work.

use super::{errors, errors_in_body};
use crate::parse;
use proptest::prelude::*;
use viua_diagnostics::FileId;

const DEPTH: usize = 1_000_000;

#[test]
fn deep_nesting() {
    let open = "print ".to_owned() + &"(not ".repeat(DEPTH);
    let balanced = format!(".function: f/0\n{open}%1{}\n.end\n", ")".repeat(DEPTH));
    let parsed = parse(balanced.as_bytes(), FileId(0));
    assert!(parsed.diagnostics.is_empty());
    assert_eq!(parsed.tree.wrapped.len(), DEPTH);
    drop(parsed.clone());

    assert_eq!(errors_in_body(&open), ["2:7: error: unbalanced parenthesis in wrapped instruction"]);
    let lists = format!(".function: f/0\nframe {}{}\n.end\n", "[(frame ".repeat(DEPTH), ")]".repeat(DEPTH));
    assert_eq!(parse(lists.as_bytes(), FileId(0)).diagnostics.len(), 1);
    let blocks = ".function: f/0\n".to_owned() + &"enter .block: b\n".repeat(DEPTH / 10);
    parse(blocks.as_bytes(), FileId(0));
}

#[test]
fn a_line_that_begins_with_nested_parentheses() {
    let source = format!("{}izero %total_count local{}", "(".repeat(DEPTH / 10), ")".repeat(DEPTH / 10));
    assert_eq!(errors_in_body(&source), [format!("2:{}: error: unknown instruction", DEPTH / 10 + 7)]);
}

/// Repetitions of what an implementation could look at again and again.
#[test]
fn repetitions() {
    for unit in [
        ".",
        "..",
        ".a",
        ".a:",
        "-",
        "- ",
        "'",
        "\\",
        "\"\\",
        "[",
        "]",
        "[[",
        "]]",
        "(",
        ")",
        "([",
        ")]",
        "^",
        "*",
        "*(",
        "%",
        "% ",
        "%a::",
        "a::",
        "a/",
        "1.",
        "1.1.",
        "\r",
        "a\r",
        "\r\n",
        "\n",
        " \n;",
        "\n--",
        "iota ",
        ".iota: 1 ",
        ".block: b\n",
        ".end\n",
        ".function: f/0\n",
        ".closure: c/0\nnop\n",
        "{",
        "{a}",
        ",",
        "[[a",
        "[[a]]",
        ".name: ",
        "if\n",
        "nop (",
        "nop [",
        "print %1 ",
        "x ",
        "x\n",
        "local ",
        "%1 local ",
        "current ",
        "end\n",
        ".mark ",
        "\u{17c}",
    ] {
        let repeated = unit.repeat(20_000 / unit.len());
        errors(&repeated);
        errors(format!(".function: f/0\n{repeated}"));
        errors(format!(".function: f/0\nprint {repeated}\n.end\n"));
        errors(format!(".function: f/0\nprint (print %1 {repeated}\n.end\n"));
        errors(format!(".function: f/0\nprint [(print %1) {repeated}\n.end\n"));
        errors(format!(".function: [[{repeated}"));
    }
}

/// Tokens of all classes, and pieces that make them touch.
const SOUP: &[&str] = &[
    "\n",
    "\n",
    "\n",
    " ",
    ".function:",
    ".closure:",
    ".block:",
    ".end",
    ".end\n",
    "\n.end\n",
    ".signature:",
    ".bsignature:",
    ".info:",
    ".import:",
    ".name:",
    ".mark:",
    ".unused:",
    ".iota:",
    ".foo:",
    ".",
    "f/0",
    "f/",
    "a::b",
    "name",
    "end",
    "print",
    "if",
    "move",
    "integer",
    "local",
    "parameters",
    "current",
    "void",
    "true",
    "default",
    "infinity",
    "iota",
    "%iota",
    "%1",
    "@x",
    "*2",
    "%-1",
    "%99999",
    "% ",
    "5",
    "-5",
    "+5",
    "1.5",
    "0xf",
    "5ms",
    "\"t\"",
    "'a'",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "[[",
    "]]",
    "^",
    "*",
    "{",
    "}",
    ",",
    ":",
    "5x",
    "\\",
    ";c\n",
    "-",
    "\"",
    "\r",
    "\u{17c}",
    "\n.function: g/1\n",
    "[[a]]",
    "(izero %1)",
    "enter .block: b\n",
    "print (",
    "frame ^[",
    "\n)",
    "]\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        errors(&bytes);
    }

    #[test]
    fn arbitrary_punctuation(bytes in "[-.:\\[\\]()^*%@{},;'\"\\\\/ a1\n\r]{0,80}") {
        errors(&bytes);
    }

    #[test]
    fn token_soup(pieces in prop::collection::vec(prop::sample::select(SOUP), 0..60), blanks in any::<bool>()) {
        let source = pieces.join(if blanks { " " } else { "" });
        errors(&source);
        errors(format!(".function: f/0\n{source}"));
    }
}
