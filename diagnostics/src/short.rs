//! The `short` form: one line per message, nothing else (diagnostics.md §3.1). Editors and the conformance tests
//! read it, so every byte binds.

use crate::text::escape;
use crate::{Diagnostic, Entry, Position, Severity, SourceMap};
use std::fmt::Write;

/// Appends a finding.
pub(crate) fn render(out: &mut String, finding: &Diagnostic, sources: &SourceMap) {
    entry(out, &finding.fault, finding.severity, sources);
    trace(out, finding, sources);
}

/// Appends the places and steps of a finding.
pub(crate) fn trace(out: &mut String, finding: &Diagnostic, sources: &SourceMap) {
    for place in &finding.trace {
        entry(out, place, finding.severity, sources);
    }
}

fn entry(out: &mut String, entry: &Entry, severity: Severity, sources: &SourceMap) {
    let at = prefix(&entry.at, sources);
    if let Some(message) = &entry.message {
        line(out, &at, severity, message);
    }
    notes(out, entry, sources);
    if let Some(hint) = &entry.hint {
        let written = writeln!(out, "    ^ {}", escape(&hint.message));
        debug_assert!(written.is_ok());
    }
}

/// Appends the notes of an entry.
pub(crate) fn notes(out: &mut String, entry: &Entry, sources: &SourceMap) {
    let at = prefix(&entry.at, sources);
    for note in &entry.notes {
        line(out, &at, Severity::Note, note);
    }
}

fn line(out: &mut String, at: &str, severity: Severity, text: &str) {
    let written = writeln!(out, "{at}{}: {}", severity.name(), escape(text));
    debug_assert!(written.is_ok());
}

/// Everything before the severity.
pub(crate) fn prefix(at: &Position, sources: &SourceMap) -> String {
    match at {
        Position::At(location) => {
            let source = sources.source(location.file);
            let (line, column) = source.line_column(location.span.start);
            format!("{}:{line}:{column}: ", escape(&source.path))
        }
        Position::File(path) => format!("{}: ", escape(path)),
        Position::FileTight(path) => format!("{}:", escape(path)),
        Position::Nowhere => "viuac: ".to_owned(),
    }
}
