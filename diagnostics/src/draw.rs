//! Pictures of prepared excerpts. The header lines of both libraries are dropped: ours stands above.

use crate::Severity;
use crate::excerpt::{Excerpt, digits};
use ariadne::{CharSet, Color, IndexType, LabelAttach, Report, ReportKind};
use codespan_reporting::diagnostic::{Diagnostic, Label, Severity as CodespanSeverity};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term;
use std::ops::Range;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub color: bool,
    pub unicode: bool,
    pub severity: Severity,
}

/// The lines of the picture, without blanks at their ends.
pub(crate) fn draw(excerpt: &Excerpt, look: Look) -> Vec<String> {
    let mut lines: Vec<String> = if look.color {
        let width = gutter(excerpt);
        let first = excerpt.lines.first().map_or(1, |line| line.number);
        with_ariadne(excerpt, look).lines().skip(2).filter_map(|line| renumber(line, first, width)).collect()
    } else {
        with_codespan(excerpt, look).lines().skip(2).map(|line| line.trim_end().to_owned()).collect()
    };
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The width of the line numbers.
pub(crate) fn gutter(excerpt: &Excerpt) -> usize {
    excerpt.labels.iter().map(|label| digits(excerpt.lines[label.line].number)).max().unwrap_or(1)
}

fn with_codespan(excerpt: &Excerpt, look: Look) -> String {
    let mut chars = if look.unicode { term::Chars::box_drawing() } else { term::Chars::ascii() };
    chars.single_secondary_caret = '~';
    let config =
        term::Config { before_label_lines: 1, after_label_lines: 1, tab_width: 4, chars, ..term::Config::default() };
    let labels = excerpt.labels.iter().map(|label| {
        let made = if label.primary {
            Label::primary((), label.range.clone())
        } else {
            Label::secondary((), label.range.clone())
        };
        made.with_message(label.message.clone())
    });
    let severity = match look.severity {
        Severity::Note => CodespanSeverity::Note,
        Severity::Warning => CodespanSeverity::Warning,
        Severity::Error => CodespanSeverity::Error,
    };
    let diagnostic = Diagnostic::new(severity).with_message("-").with_labels(labels.collect());
    // The excerpt holds every place the picture asks for, so this cannot fail; no picture is better than no report.
    term::emit_into_string(&config, &SparseLines(excerpt), &diagnostic).unwrap_or_default()
}

/// The excerpt as a file in which most lines are missing.
struct SparseLines<'a>(&'a Excerpt);

impl SparseLines<'_> {
    fn line_at(&self, byte: usize) -> usize {
        self.0.lines.partition_point(|line| line.range.start <= byte).saturating_sub(1)
    }
}

impl<'f> Files<'f> for SparseLines<'f> {
    type FileId = ();
    type Name = &'static str;
    type Source = &'f str;

    fn name(&'f self, (): ()) -> Result<&'static str, Error> {
        Ok("-")
    }

    fn source(&'f self, (): ()) -> Result<&'f str, Error> {
        Ok(&self.0.text)
    }

    fn line_index(&'f self, (): (), byte_index: usize) -> Result<usize, Error> {
        self.0.lines.get(self.line_at(byte_index)).map(|line| line.number - 1).ok_or(Error::FileMissing)
    }

    fn line_range(&'f self, (): (), line_index: usize) -> Result<Range<usize>, Error> {
        match self.0.lines.binary_search_by_key(&(line_index + 1), |line| line.number) {
            // With its line feed.
            Ok(at) => Ok(self.0.lines[at].range.start..self.0.lines[at].range.end + 1),
            Err(_) => Err(Error::LineTooLarge { given: line_index, max: 0 }),
        }
    }
}

fn with_ariadne(excerpt: &Excerpt, look: Look) -> String {
    // It wants adjacent lines: those left out are given as empty ones, it skips them.
    let first = excerpt.lines.first().map_or(1, |line| line.number);
    let mut text = String::with_capacity(excerpt.text.len());
    let mut starts = Vec::with_capacity(excerpt.lines.len());
    let mut next = first;
    for line in &excerpt.lines {
        while next < line.number {
            text.push('\n');
            next += 1;
        }
        starts.push(text.len());
        text.push_str(&excerpt.text[line.range.clone()]);
        text.push('\n');
        next += 1;
    }
    let config = ariadne::Config::new()
        .with_index_type(IndexType::Byte)
        .with_tab_width(4)
        .with_label_attach(LabelAttach::Middle)
        .with_cross_gap(false)
        .with_compact(false)
        .with_underlines(true)
        .with_char_set(if look.unicode { CharSet::Unicode } else { CharSet::Ascii })
        .with_color(look.color);
    let (kind, fault_color) = match look.severity {
        Severity::Note => (ReportKind::Advice, Color::Blue),
        Severity::Warning => (ReportKind::Warning, Color::Yellow),
        Severity::Error => (ReportKind::Error, Color::Red),
    };
    let mut report = Report::build(kind, 0..0).with_config(config);
    for label in &excerpt.labels {
        let line = &excerpt.lines[label.line];
        let shift = |at: usize| starts[label.line] + at - line.range.start;
        let color = if label.primary { fault_color } else { Color::Blue };
        let mut made = ariadne::Label::new(shift(label.range.start)..shift(label.range.end)).with_color(color);
        // Without a message ariadne draws no underline, and if such a label comes first it draws none on the line;
        // labels out of the order of lines would open a new section.
        let message = if label.primary && label.message.is_empty() { "here" } else { &label.message };
        made = made.with_order(2 * label.line as i32 + i32::from(message.is_empty()));
        if !message.is_empty() {
            made = made.with_message(message);
        }
        report = report.with_label(made);
    }
    let mut picture = Vec::new();
    match report.finish().write(ariadne::Source::from(text), &mut picture) {
        Ok(()) => String::from_utf8(picture).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// A line of ariadne's picture with the number of the file instead of that of the excerpt, which its gutter shows
/// whatever the offset given; `None` for the closing corner.
fn renumber(line: &str, first: usize, width: usize) -> Option<String> {
    const BARS: [char; 4] = ['│', '┆', '|', ':'];
    let (at, bar) = line.char_indices().find(|(_, character)| BARS.contains(character))?;
    let behind = &line[at + bar.len_utf8()..];
    let behind = behind.strip_prefix("\x1b[0m").unwrap_or(behind).trim_end();
    let number = without_escapes(&line[..at]).trim().parse::<usize>().ok();
    let number = number.map_or(String::new(), |number| (number + first - 1).to_string());
    Some(format!("\x1b[2m{number:>width$} {bar}\x1b[0m{behind}"))
}

/// The text without its colours.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, behind)| behind));
    }
    plain
}
