//! What the tests share: from a snippet of assembly to lines of the `short` format without the path.

use crate::{Options, analyse};
use std::sync::Arc;
use viua_diagnostics::{Diagnostic, Entry, FileId, Levels, Position, Severity, Source};

/// The findings of a snippet, lints at level *warn* left out.
pub fn errors(source: &str) -> Vec<String> {
    short(source, |finding| finding.is_error())
}

/// The findings of one lint.
pub fn linted(lint: &str, source: &str) -> Vec<String> {
    short(source, |finding| finding.lint == Some(lint))
}

fn short(source: &str, wanted: impl Fn(&Diagnostic) -> bool) -> Vec<String> {
    let text: Arc<[u8]> = source.as_bytes().into();
    let parsed = viua_parser::parse(&text, FileId(0));
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    let module = viua_ir::lower(&text, FileId(0), &parsed.tree);
    let verified = viua_ir::verify(&module);
    assert!(!verified.iter().any(Diagnostic::is_error), "{verified:?}");
    let options = Options { library: false, levels: Levels::default() };
    let source = Source::new("", text);
    let mut lines = Vec::new();
    for finding in analyse(&module, &options).iter().filter(|finding| wanted(finding)) {
        for entry in std::iter::once(&finding.fault).chain(&finding.trace) {
            write(&source, entry, finding.severity, &mut lines);
        }
    }
    lines
}

fn write(source: &Source, entry: &Entry, severity: Severity, lines: &mut Vec<String>) {
    let place = match &entry.at {
        Position::At(location) => {
            let (line, column) = source.line_column(location.span.start);
            format!("{line}:{column}")
        }
        Position::File(_) | Position::FileTight(_) | Position::Nowhere => String::new(),
    };
    lines.extend(entry.message.iter().map(|message| format!("{place}: {}: {message}", severity.name())));
    lines.extend(entry.notes.iter().map(|note| format!("{place}: note: {note}")));
    lines.extend(entry.hint.iter().map(|hint| format!("^ {}", hint.message)));
}
