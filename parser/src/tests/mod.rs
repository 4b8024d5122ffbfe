//! Snippets and what is said about them, in the `short` form: one file per phase.

mod definitions;
mod instructions;
mod phases;
mod robustness;
mod short_forms;
mod tokens;
mod tree;

use crate::parse;
use viua_diagnostics::{Entry, FileId, Position, Source};

/// All errors in the `short` form, without the path.
fn errors(source: impl AsRef<[u8]>) -> Vec<String> {
    shown(source.as_ref(), true)
}

/// All warnings in the `short` form, without the path.
fn warnings(source: impl AsRef<[u8]>) -> Vec<String> {
    shown(source.as_ref(), false)
}

fn shown(source: &[u8], errors: bool) -> Vec<String> {
    let map = Source::new("x", source);
    let mut out = Vec::new();
    for finding in parse(source, FileId(0)).diagnostics.iter().filter(|finding| finding.is_error() == errors) {
        for entry in std::iter::once(&finding.fault).chain(&finding.trace) {
            show(&map, entry, finding.severity.name(), &mut out);
        }
    }
    out
}

fn show(map: &Source, entry: &Entry, severity: &str, out: &mut Vec<String>) {
    let Position::At(location) = &entry.at else { panic!("no position") };
    let (line, column) = map.line_column(location.span.start);
    if let Some(message) = &entry.message {
        out.push(format!("{line}:{column}: {severity}: {message}"));
    }
    out.extend(entry.notes.iter().map(|note| format!("{line}:{column}: note: {note}")));
    out.extend(entry.hint.iter().map(|hint| format!("^ {}", hint.message)));
}

/// The errors of lines in a function `f/0`, whose first line is line 2; `in function f/0` is left out.
fn errors_in_body(lines: &str) -> Vec<String> {
    let mut found = errors(format!(".function: f/0\n{lines}\n    return\n.end\n"));
    found.retain(|line| line != "1:12: error: in function f/0");
    found
}

/// A correct function after the snippet, so that the file could be a program.
fn with_main(snippet: &str) -> String {
    format!("{snippet}\n.function: main/0\n    izero %0 local\n    return\n.end\n")
}
