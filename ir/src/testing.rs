//! What the tests of this crate share: from a snippet of assembly to lines of the `short` format without the path.

use crate::{Module, lower, verify};
use std::sync::Arc;
use viua_diagnostics::{Diagnostic, Entry, FileId, Position, Severity, Source};

/// The IR of a snippet without syntax errors.
pub fn lowered(source: &str) -> Module {
    let source: Arc<[u8]> = source.as_bytes().into();
    let parsed = viua_parser::parse(&source, FileId(0));
    let errors: Vec<_> = parsed.diagnostics.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    lower(&source, FileId(0), &parsed.tree)
}

/// The findings of the verification of a snippet.
pub fn short(source: &str) -> Vec<String> {
    let module = lowered(source);
    render(&module, &verify(&module))
}

/// The first of them.
pub fn first(source: &str) -> Vec<String> {
    let module = lowered(source);
    render(&module, verify(&module).get(..1).unwrap_or_default())
}

/// One line per message.
pub fn render(module: &Module, findings: &[Diagnostic]) -> Vec<String> {
    let source = Source::new("", module.source.clone());
    let mut lines = Vec::new();
    for finding in findings {
        for entry in std::iter::once(&finding.fault).chain(&finding.trace) {
            render_entry(&source, entry, finding.severity, &mut lines);
        }
    }
    lines
}

fn render_entry(source: &Source, entry: &Entry, severity: Severity, lines: &mut Vec<String>) {
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
