//! Properties that hold for any program: nothing panics, and the text form lowers to what it was printed from.

use crate::{cfg, check_main, check_undefined, lower, print, tokens, verify};
use proptest::prelude::*;
use std::sync::Arc;
use viua_diagnostics::FileId;
use viua_isa::TABLE;

const OPERANDS: [&str; 30] = [
    "%1 local",
    "%2",
    "@name",
    "%name static",
    "%other",
    "*3 static",
    "%0 arguments",
    "void",
    "default",
    "5",
    "-1",
    "+1",
    "0.5",
    "0xff",
    "\"a\\n\"",
    "'b'",
    "true",
    "main/0",
    "g/",
    "label",
    "local",
    "10ms",
    "infinity",
    "iota",
    "%iota [[maybe_unused]]",
    "(izero %4) global",
    "^(izero %5 ^(not %iota))",
    "[(izero %6) (add (izero %7) %8)]",
    "*(ptr (.name: %9 other) %name)",
    ".block: inner\n.name: %3 name\nprint %name\nleave\n.end",
];

fn line() -> impl Strategy<Value = String> {
    let instruction = (0..TABLE.len(), prop::collection::vec(prop::sample::select(&OPERANDS[..29]), 0..5))
        .prop_map(|(number, operands)| format!("{} {}", TABLE[number].mnemonic, operands.join(" ")));
    prop_oneof![
        8 => instruction,
        1 => Just(".mark: label".to_owned()),
        1 => Just(".name: %7 name".to_owned()),
        1 => Just("frame %1".to_owned()),
    ]
}

fn program() -> impl Strategy<Value = String> {
    (prop::collection::vec(line(), 1..12), any::<bool>(), any::<bool>()).prop_map(|(lines, block, unchecked)| {
        let inline = if block { format!("enter {}\n", OPERANDS[29]) } else { String::new() };
        let attribute = if unchecked { "[[no_sa]] " } else { "" };
        format!(".function: {attribute}main/0\n.name: %1 name\n{inline}{}\nreturn\n.end\n", lines.join("\n"))
    })
}

proptest! {
    #[test]
    fn the_text_form_is_a_fixpoint(source in program()) {
        let source: Arc<[u8]> = source.into_bytes().into();
        let parsed = viua_parser::parse(&source, FileId(0));
        // A tree with errors is of no use, but nothing may fall over it.
        let module = lower(&source, FileId(0), &parsed.tree);
        verify(&module);
        check_main(&module, false);
        check_undefined(&module, &|_| false);
        cfg::dot(&module);
        for body in &module.bodies {
            cfg::cfg(&module, body).loops();
        }
        tokens::tokens(&module, &parsed.tree);
        let text = print(&module);
        if !parsed.has_errors() {
            let again: Arc<[u8]> = text.as_bytes().into();
            let parsed = viua_parser::parse(&again, FileId(0));
            prop_assert!(!parsed.has_errors(), "{:?}\n{text}", parsed.diagnostics);
            prop_assert_eq!(print(&lower(&again, FileId(0), &parsed.tree)), text);
        }
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = 50_000;
    let wrapped = format!("{}izero %1{}", "not (".repeat(deep), ")".repeat(deep));
    let after = format!("{}izero %1{}", "add %1 %2 ^(".repeat(deep), ")".repeat(deep));
    let module = crate::testing::lowered(&format!(".function: f/0\n{wrapped}\n{after}\nreturn\n.end\n"));
    assert_eq!(module.instructions.len(), 2 * deep + 3);
    assert!(module.instructions(&module.bodies[0]).iter().all(|instruction| !instruction.is_incomplete()));
}
