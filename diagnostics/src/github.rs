//! The `github` form: one workflow command per finding, shown beside the line in a pull request (diagnostics.md §3.5).

use crate::text::escape;
use crate::{Diagnostic, Position, Severity, SourceMap, human, short};

/// Appends a finding.
pub(crate) fn render(out: &mut String, finding: &Diagnostic, sources: &SourceMap) {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    match (human::fault_location(finding, sources), &finding.fault.at) {
        (Some(at), _) => {
            let source = sources.source(at.file);
            let (line, column) = source.line_column(at.span.start);
            // A mark ends on its line.
            let line_length = source.line(line).len() + 1;
            let end = (column + at.span.len()).min(line_length.max(column));
            properties.push(format!("file={}", property(&source.path)));
            properties.push(format!("line={line},endLine={line},col={column},endColumn={end}"));
        }
        (None, Position::File(path) | Position::FileTight(path)) => {
            properties.push(format!("file={}", property(path)));
        }
        (None, Position::At(_) | Position::Nowhere) => {}
    }
    if let Some(code) = finding.code {
        properties.push(format!("title={code}"));
    }
    let mut text = escape(finding.fault.message.as_deref().unwrap_or_default()).into_owned();
    text.push('\n');
    short::notes(&mut text, &finding.fault, sources);
    if let Some(hint) = &finding.fault.hint {
        text.push_str(&format!("^ {}\n", escape(&hint.message)));
    }
    short::trace(&mut text, finding, sources);
    out.push_str(&format!("::{command} {}::{}\n", properties.join(","), data(text.trim_end_matches('\n'))));
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&escape(text)).replace(':', "%3A").replace(',', "%2C")
}
