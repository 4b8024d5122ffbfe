//! One function turns findings into text, whatever the format. It decides which findings are printed at all
//! (`--max-errors`) and what stands after the last one.

use crate::human::{self, Explained, Screen};
use crate::{Diagnostic, Severity, SourceMap, github, json, sarif, short};

/// `--error-format` (diagnostics.md §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Excerpts, for people.
    #[default]
    Human,
    /// One line per message.
    Short,
    /// One object per finding and line.
    Json,
    /// One SARIF log for the run.
    Sarif,
    /// Workflow commands.
    Github,
}

/// How to print findings.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// The form.
    pub format: Format,
    /// Whether `human` uses colours.
    pub color: bool,
    /// Whether `human` draws with more than ASCII.
    pub unicode: bool,
    /// Columns that `human` may use.
    pub width: usize,
    /// Errors printed at most; 0: all. Nothing is printed after the last of them.
    pub max_errors: usize,
    /// Whether `human` points to `viuac explain`.
    pub explain_hint: bool,
}

impl Default for RenderOptions {
    fn default() -> RenderOptions {
        RenderOptions {
            format: Format::Human,
            color: false,
            unicode: true,
            width: 100,
            max_errors: 0,
            explain_hint: true,
        }
    }
}

/// The text of all findings of a run, in the order given, with the summary where the format has one.
pub fn render(findings: &[Diagnostic], sources: &SourceMap, options: &RenderOptions) -> String {
    let (shown, hidden_errors) = within(findings, options.max_errors);
    let mut out = String::new();
    match options.format {
        Format::Short => shown.iter().for_each(|finding| short::render(&mut out, finding, sources)),
        Format::Json => shown.iter().for_each(|finding| json::render(&mut out, finding, sources)),
        Format::Github => shown.iter().for_each(|finding| github::render(&mut out, finding, sources)),
        Format::Sarif => out = sarif::render(shown, sources),
        Format::Human => {
            let screen = Screen { color: options.color, unicode: options.unicode, width: options.width.max(40) };
            let mut explained = Explained::default();
            for finding in shown {
                let explain = options.explain_hint && explained.first(finding.code);
                human::render(&mut out, finding, sources, screen, explain);
                // Notes belong to what follows them.
                if finding.severity != Severity::Note {
                    out.push('\n');
                }
            }
            let number = |severity| shown.iter().filter(|finding| finding.severity == severity).count();
            let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
            if errors + warnings > 0 {
                out.push_str(&human::summary(errors, warnings, hidden_errors, screen));
                out.push('\n');
            }
        }
    }
    out
}

/// The findings up to the last error to be printed, and the number of errors behind it.
fn within(findings: &[Diagnostic], max_errors: usize) -> (&[Diagnostic], usize) {
    if max_errors == 0 {
        return (findings, 0);
    }
    let last = findings.iter().enumerate().filter(|(_, finding)| finding.is_error()).nth(max_errors - 1);
    let (shown, hidden) = findings.split_at(last.map_or(findings.len(), |(at, _)| at + 1));
    (shown, hidden.iter().filter(|finding| finding.is_error()).count())
}
