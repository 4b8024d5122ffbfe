//! What is found wrong, sorted into the phases of language.md §1.2.
//!
//! Tokens are read once and the tree is built once, and findings of all phases turn up on the way; only those of the
//! first phase that has an error are reported.

use viua_diagnostics::{Code, Diagnostic, FileId, Position, Severity, Span};

/// Findings by phase; those of phase A by sub-pass.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) file: FileId,
    pub(crate) literals: Vec<Diagnostic>,
    pub(crate) colons: Vec<Diagnostic>,
    pub(crate) iota: Vec<Diagnostic>,
    pub(crate) wrapping: Vec<Diagnostic>,
    pub(crate) register_names: Vec<Diagnostic>,
    pub(crate) ends: Vec<Diagnostic>,
    /// Phase B.
    pub(crate) short_forms: Vec<Diagnostic>,
    /// Phase C.
    pub(crate) definitions: Vec<Diagnostic>,
    /// Phase D.
    pub(crate) parsing: Vec<Diagnostic>,
    /// Findings of lints; they belong to phase D.
    pub(crate) lints: Vec<Diagnostic>,
}

impl Findings {
    /// An error in the file.
    pub(crate) fn error(&self, code: Code, at: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, at.in_file(self.file), message)
    }

    /// Adds those of another part of the front end.
    pub(crate) fn merge(&mut self, other: Findings) {
        self.literals.extend(other.literals);
        self.colons.extend(other.colons);
        self.iota.extend(other.iota);
        self.wrapping.extend(other.wrapping);
        self.register_names.extend(other.register_names);
        self.ends.extend(other.ends);
        self.short_forms.extend(other.short_forms);
        self.definitions.extend(other.definitions);
        self.parsing.extend(other.parsing);
        self.lints.extend(other.lints);
    }

    /// The findings of the first phase that has any, in the order in which they are reported.
    pub(crate) fn of_first_phase(self) -> Vec<Diagnostic> {
        let Findings {
            file: _,
            literals,
            colons,
            iota,
            wrapping,
            register_names,
            ends,
            short_forms,
            definitions,
            parsing,
            lints,
        } = self;
        let tokens: Vec<_> =
            [literals, colons, iota, wrapping, register_names, ends].into_iter().flat_map(in_source_order).collect();
        let mut last = parsing;
        last.extend(lints);
        [tokens, in_source_order(short_forms), in_source_order(definitions)]
            .into_iter()
            .find(|phase| !phase.is_empty())
            .unwrap_or_else(|| in_source_order(last))
    }
}

fn in_source_order(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings.sort_by_key(|finding| (start(finding), std::cmp::Reverse(finding.severity)));
    findings.dedup_by(|second, first| {
        second.severity == Severity::Error && start(second) == start(first) && second.fault == first.fault
    });
    findings
}

fn start(finding: &Diagnostic) -> u32 {
    match &finding.fault.at {
        Position::At(location) => location.span.start,
        Position::File(_) | Position::FileTight(_) | Position::Nowhere => 0,
    }
}

/// Token text as messages show it: blanks inside a register do not belong to it.
pub(crate) fn text(source: &[u8], span: Span) -> String {
    let bytes = &source[span.range()];
    match bytes.first() {
        Some(b'%' | b'@' | b'*') => {
            String::from_utf8_lossy(bytes).chars().filter(|char| !matches!(char, ' ' | '\t')).collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// *quoted(t)* of language.md §1.1, without the quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            '"' => out.push_str("\\\""),
            _ => out.push(char),
        }
    }
    out
}
