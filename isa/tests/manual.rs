//! The reference manual tells what the instruction table says.
//!
//! `UPDATE_MANUAL=1 cargo test -p viua-isa --test manual` rewrites the generated blocks in docs/reference.

use std::path::{Path, PathBuf};
use viua_isa::{TABLE, manual};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference")
}

fn read(part: &str) -> String {
    let path = folder().join(part);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn generated_blocks_are_current() {
    let update = std::env::var_os("UPDATE_MANUAL").is_some();
    for (part, blocks) in
        [("README.md", &["index"][..]), ("language.md", &["short forms"]), ("instructions.md", &["instructions"])]
    {
        let text = read(part);
        for block in blocks {
            assert!(text.contains(&format!("<!-- generated: {block} -->")), "{part} has no block '{block}'");
        }
        let filled = manual::fill(&text);
        if text == filled {
            continue;
        }
        assert!(update, "docs/reference/{part} is out of date; UPDATE_MANUAL=1 rewrites it");
        std::fs::write(folder().join(part), filled).expect("the manual is writable");
    }
}

#[test]
fn sections_exist() {
    for row in &TABLE {
        let section = manual::section(row.opcode);
        let heading = section.heading();
        assert!(
            read(section.part).lines().any(|line| line == heading),
            "{}: {} has no '{heading}'",
            row.mnemonic,
            section.part
        );
    }
}

/// The rules of the analyser stand in analyser-rules.md §6 for readers and in the table for the program. Where the
/// manual gives steps for an instruction, all of them are in the table, in that order.
#[test]
fn analyser_rules_are_those_of_the_table() {
    let rules = read("analyser-rules.md");
    let start = rules.find("## 6. Rules per instruction").expect("section 6");
    let end = rules.find("## 7. ").expect("section 7");
    let mut seen = 0;
    let mut latest = String::new();
    for line in rules[start..end].lines() {
        let Some((names, rule)) = line.strip_prefix("| `").and_then(|line| line.split_once(" | ")) else { continue };
        latest = match rule.starts_with("the same") {
            true => latest + " " + &steps_in(rule),
            false => steps_in(rule),
        };
        for name in names.split(['`', ' ']).filter(|name| !name.is_empty()) {
            let row = TABLE.iter().find(|row| row.mnemonic == name).unwrap_or_else(|| panic!("no instruction {name}"));
            seen += 1;
            // `move` and `copy` are described in prose; special steps and those after prose are not compared.
            let (stated, actual) = (plain(&latest), plain(row.steps));
            assert!(actual.starts_with(&stated), "{name}: the manual says '{stated}', the table '{actual}'");
        }
    }
    assert_eq!(seen, TABLE.len(), "every instruction has a line in analyser-rules.md §6");
}

/// The code spans of a rule that come before its first prose.
fn steps_in(rule: &str) -> String {
    let rule = rule.trim_end_matches('|').trim().replace(['†'], "");
    let mut steps = String::new();
    let mut rest = rule.strip_prefix("the same, then ").unwrap_or(&rule);
    while let Some((span, after)) = rest.strip_prefix('`').and_then(|text| text.split_once('`')) {
        steps.push_str(span);
        steps.push(' ');
        rest = after.strip_prefix(", pack, ").or(after.strip_prefix(", ")).unwrap_or(after);
    }
    steps
}

/// Steps in the spelling of the table without those that have a rule of their own.
fn plain(steps: &str) -> String {
    let mut steps = steps.to_owned();
    for (from, to) in [
        ("I/O port-like", "port-like"),
        ("I/O request", "request"),
        ("I/O port", "port"),
        ("pointer to value", "pointer"),
        ("pointer to", "pointer"),
        ("pointer_to1", "pointer"),
        (", conversion check]", "]"),
        (" !conversion]", "]"),
    ] {
        steps = steps.replace(from, to);
    }
    // Rules of their own, and definitions whose type the manual tells in prose, are not compared.
    let compared = |word: &&str| !word.is_empty() && !word.starts_with('!') && !word.ends_with("0:");
    steps.split(' ').filter(compared).collect::<Vec<_>>().join(" ")
}
