//! The `human` form: our header, a picture of the fault and its places, the path as a numbered list in order of
//! execution, help (diagnostics.md §3.2). The list is ours, since neither drawing library orders by execution.

use crate::draw::{Look, draw, gutter};
use crate::excerpt::{Limits, Mark, digits, prepare};
use crate::short;
use crate::text::{cut, escape, width};
use crate::{Code, Diagnostic, Entry, EntryKind, Location, Position, Severity, SourceMap};

/// A place further away from the fault than this gets a picture of its own.
const NEAR: usize = 500;

/// Steps shown of a long path.
const FIRST_STEPS: usize = 4;
const LAST_STEPS: usize = 8;

/// How to print for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub color: bool,
    pub unicode: bool,
    pub width: usize,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Red,
    Yellow,
    Blue,
    Cyan,
    Dim,
}

impl Screen {
    fn paint(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Red => "1;31",
            Ink::Yellow => "1;33",
            Ink::Blue => "1;34",
            Ink::Cyan => "36",
            Ink::Dim => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    const fn bar(self) -> &'static str {
        if self.unicode { "│" } else { "|" }
    }

    const fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

const fn severity_ink(severity: Severity) -> Ink {
    match severity {
        Severity::Error => Ink::Red,
        Severity::Warning => Ink::Yellow,
        Severity::Note => Ink::Blue,
    }
}

/// Appends a finding; `explain` adds the line that points to `viuac explain`.
pub(crate) fn render(out: &mut String, finding: &Diagnostic, sources: &SourceMap, screen: Screen, explain: bool) {
    let mut lines = Vec::new();
    lines.push(header(finding, sources, screen));
    pictures(&mut lines, finding, sources, screen);
    steps(&mut lines, finding, sources, screen);
    help(&mut lines, finding, sources, screen, explain);
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
}

fn header(finding: &Diagnostic, sources: &SourceMap, screen: Screen) -> String {
    let at = match fault_location(finding, sources) {
        Some(location) => short::prefix(&Position::At(location), sources),
        None => match &finding.fault.at {
            Position::FileTight(path) => format!("{}: ", escape(path)),
            other => short::prefix(other, sources),
        },
    };
    let code = finding.code.map_or(String::new(), |code| format!("[{code}]"));
    let severity = format!("{}{code}:", finding.severity.name());
    let message = escape(finding.fault.message.as_deref().unwrap_or_default());
    let lint = finding.lint.map_or(String::new(), |lint| format!(" ({lint})"));
    let severity = screen.paint(severity_ink(finding.severity), &severity);
    format!("{}{severity} {}{lint}", screen.paint(Ink::Bold, &at), screen.paint(Ink::Bold, &message))
}

/// Where the fault is; the faults of imports have no position in the `short` form, but mark the module name.
pub(crate) fn fault_location(finding: &Diagnostic, sources: &SourceMap) -> Option<Location> {
    entry_location(&finding.fault, sources)
}

pub(crate) fn entry_location(entry: &Entry, sources: &SourceMap) -> Option<Location> {
    match &entry.at {
        Position::At(location) => Some(*location),
        Position::File(path) | Position::FileTight(path) => {
            let mark = entry.marks.first()?;
            Some(mark.in_file(sources.find(path)?))
        }
        Position::Nowhere => None,
    }
}

fn line_of(location: Location, sources: &SourceMap) -> usize {
    sources.source(location.file).line_column(location.span.start).0
}

/// What a place or step says, on one line and without the words that lead to an excerpt.
fn reason(entry: &Entry) -> String {
    let text = match (&entry.message, entry.notes.first()) {
        (Some(message), _) => message,
        (None, Some(note)) => note,
        (None, None) => return String::new(),
    };
    escape([":", " at"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text)).into_owned()
}

/// The notes that [`reason`] does not say.
fn further_notes(entry: &Entry) -> &[String] {
    if entry.message.is_some() { &entry.notes } else { entry.notes.get(1..).unwrap_or_default() }
}

fn pictures(lines: &mut Vec<String>, finding: &Diagnostic, sources: &SourceMap, screen: Screen) {
    let places = finding.trace.iter().filter(|entry| entry.kind == EntryKind::Place);
    let Some(at) = fault_location(finding, sources) else {
        notes(lines, &finding.fault, "", 0, screen);
        for place in places {
            own_picture(lines, place, finding.severity, sources, screen);
        }
        return;
    };
    let fault_line = line_of(at, sources);
    let is_near =
        |location: Location| location.file == at.file && line_of(location, sources).abs_diff(fault_line) <= NEAR;
    let mut marks = marks_of(&finding.fault, at, true, String::new());
    let mut far = Vec::new();
    let mut near = Vec::new();
    for place in places {
        match entry_location(place, sources) {
            Some(location) if is_near(location) => {
                marks.extend(marks_of(place, location, false, reason(place)));
                near.push(place);
            }
            _ => far.push(place),
        }
    }
    let indent = picture(lines, marks, at, finding.severity, sources, screen);
    notes(lines, &finding.fault, "", indent, screen);
    for place in near {
        let at = short::prefix(&place.at, sources);
        for note in further_notes(place) {
            lines.push(note_line(&format!("{at}{note}"), "note", indent, screen));
        }
    }
    for place in far {
        own_picture(lines, place, finding.severity, sources, screen);
    }
}

/// A place too far away to share the picture of the fault.
fn own_picture(lines: &mut Vec<String>, place: &Entry, severity: Severity, sources: &SourceMap, screen: Screen) {
    let severity = if place.message.is_some() { severity } else { Severity::Note };
    let text = place.message.as_ref().or(place.notes.first()).map(String::as_str).unwrap_or_default();
    let at = short::prefix(&place.at, sources);
    let word = screen.paint(severity_ink(severity), &format!("{}:", severity.name()));
    lines.push(format!("{}{word} {}", screen.paint(Ink::Bold, &at), escape(text)));
    let indent = match entry_location(place, sources) {
        Some(location) => {
            picture(lines, marks_of(place, location, true, String::new()), location, Severity::Note, sources, screen)
        }
        None => 0,
    };
    for note in further_notes(place) {
        lines.push(note_line(note, "note", indent, screen));
    }
}

/// The marks of an entry; its text goes to the last mark, where both libraries print it on the line of the mark.
fn marks_of(entry: &Entry, at: Location, primary: bool, message: String) -> Vec<Mark> {
    let mut marks = vec![Mark { at, primary, message: String::new() }];
    for span in &entry.marks {
        let further = span.in_file(at.file);
        if marks.iter().all(|mark| mark.at != further) {
            marks.push(Mark { at: further, primary: false, message: String::new() });
        }
    }
    if let Some(last) = marks.iter_mut().max_by_key(|mark| mark.at.span.start) {
        last.message = message;
    }
    if let Some(hint) = &entry.hint {
        let under = hint.at.unwrap_or(at);
        let message = escape(&hint.message).into_owned();
        match marks.iter_mut().find(|mark| mark.at == under) {
            Some(mark) => mark.message = message,
            None => marks.push(Mark { at: under, primary: false, message }),
        }
    }
    marks
}

/// Draws; gives the indentation that puts notes under the gutter.
fn picture(
    lines: &mut Vec<String>,
    marks: Vec<Mark>,
    at: Location,
    severity: Severity,
    sources: &SourceMap,
    screen: Screen,
) -> usize {
    let source = sources.source(at.file);
    // ariadne knows no lines of context.
    let context = if screen.color { 0 } else { 1 };
    let room = screen.width.saturating_sub(digits(source.line_count()) + 6);
    let excerpt = prepare(source, marks, Limits { context, width: room, unicode: screen.unicode });
    lines.extend(draw(&excerpt, Look { color: screen.color, unicode: screen.unicode, severity }));
    gutter(&excerpt) + 1
}

fn notes(lines: &mut Vec<String>, entry: &Entry, at: &str, indent: usize, screen: Screen) {
    for note in &entry.notes {
        lines.push(note_line(&format!("{at}{note}"), "note", indent, screen));
    }
}

fn note_line(text: &str, word: &str, indent: usize, screen: Screen) -> String {
    let label = screen.paint(Ink::Bold, &format!("{word}:"));
    format!("{:indent$}{} {label} {}", "", screen.paint(Ink::Dim, "="), escape(text))
}

/// A row of the list of steps.
struct Row {
    position: String,
    code: String,
    /// The marked token in `code`.
    token: std::ops::Range<usize>,
    reason: String,
    /// It stands above the row before.
    upwards: bool,
}

fn steps(lines: &mut Vec<String>, finding: &Diagnostic, sources: &SourceMap, screen: Screen) {
    let path: Vec<&Entry> = finding.trace.iter().filter(|entry| entry.kind == EntryKind::Step).rev().collect();
    if path.is_empty() {
        return;
    }
    if path.len() > 1 {
        lines.push("  how execution gets there:".to_owned());
    }
    let fault_file = fault_location(finding, sources).map(|location| location.file);
    let mut rows: Vec<Row> = Vec::with_capacity(path.len() + 1);
    let mut before = None;
    for entry in path.iter().copied().chain([&finding.fault]) {
        let location = entry_location(entry, sources);
        let place = location.map(|location| {
            let (line, column) = sources.source(location.file).line_column(location.span.start);
            (location.file, line, column)
        });
        let position = match place {
            Some((file, line, column)) if Some(file) == fault_file => format!("{line}:{column}"),
            _ => short::prefix(&entry.at, sources).trim_end_matches([' ', ':']).to_owned(),
        };
        let upwards = match (before, place) {
            (Some((file, line)), Some((this_file, this_line, _))) => file == this_file && this_line < line,
            _ => false,
        };
        before = place.map(|(file, line, _)| (file, line)).or(before);
        let (code, token) = location.map_or((String::new(), 0..0), |location| bare_line(location, sources, screen));
        rows.push(Row { position, code, token, reason: reason(entry), upwards });
    }
    print_rows(lines, &rows, screen);
}

/// The source line of a step without its indentation, and the marked token in it.
fn bare_line(at: Location, sources: &SourceMap, screen: Screen) -> (String, std::ops::Range<usize>) {
    let mark = Mark { at, primary: true, message: String::new() };
    let limits = Limits { context: 0, width: screen.width.max(20), unicode: screen.unicode };
    let excerpt = prepare(sources.source(at.file), vec![mark], limits);
    let Some(label) = excerpt.labels.first() else { return (String::new(), 0..0) };
    let range = excerpt.lines[label.line].range.clone();
    let line = &excerpt.text[range.clone()];
    let indentation = line.len() - line.trim_start_matches(' ').len();
    let shift = |at: usize| (at - range.start).saturating_sub(indentation);
    let bare = line.trim_matches(' ');
    let start = shift(label.range.start).min(bare.len());
    (bare.to_owned(), start..shift(label.range.end).clamp(start, bare.len()))
}

fn print_rows(lines: &mut Vec<String>, rows: &[Row], screen: Screen) {
    let fault = rows.len() - 1;
    let number_width = digits(rows.len());
    let position_width = rows.iter().map(|row| width(&row.position)).max().unwrap_or(0);
    let reason_width = rows[..fault].iter().map(|row| width(&row.reason)).max().unwrap_or(0);
    let code_limit = screen.width.saturating_sub(12 + position_width + reason_width).max(20);
    let code_width = rows.iter().map(|row| width(&row.code)).max().unwrap_or(0).min(code_limit);
    let steps = rows.len() - 1;
    let left_out = if steps > FIRST_STEPS + LAST_STEPS { FIRST_STEPS..steps - LAST_STEPS } else { 0..0 };
    for (at, row) in rows.iter().enumerate() {
        if left_out.contains(&at) {
            if at == left_out.start {
                let count = left_out.len();
                let noun = if count == 1 { "step" } else { "steps" };
                let text = format!("   {:number_width$} ({count} more {noun})", screen.ellipsis());
                lines.push(screen.paint(Ink::Dim, &text));
            }
            continue;
        }
        let arrow = match (row.upwards, screen.unicode) {
            (false, _) => " ",
            (true, true) => "↑",
            (true, false) => "^",
        };
        let head = format!("   {:>number_width$} {arrow} {:>position_width$} {}", at + 1, row.position, screen.bar());
        let code = cut(&row.code, code_width, screen.ellipsis());
        let padding = " ".repeat(code_width - width(&code).min(code_width));
        let ink = if at == fault { Ink::Red } else { Ink::Cyan };
        let code = match row.code.get(row.token.clone()) {
            Some(token) if code.starts_with(&row.code[..row.token.end]) => {
                let behind = &code[row.token.end..];
                format!("{}{}{behind}", &row.code[..row.token.start], screen.paint(ink, token))
            }
            _ => code.into_owned(),
        };
        // The message of the fault stands in the header in full.
        let room = screen.width.saturating_sub(width(&head) + code_width + 4);
        let reason =
            if at == fault { cut(&row.reason, room.max(8), screen.ellipsis()) } else { row.reason.as_str().into() };
        let line = format!("{} {code}{padding}   {reason}", screen.paint(Ink::Dim, &head));
        lines.push(line.trim_end().to_owned());
    }
}

fn help(lines: &mut Vec<String>, finding: &Diagnostic, sources: &SourceMap, screen: Screen, explain: bool) {
    let label = screen.paint(Ink::Cyan, "help:");
    for help in &finding.help {
        lines.push(format!("  {label} {}", escape(help)));
    }
    if let Some(suggestion) = &finding.suggestion
        && let Some((number, line)) = replaced_line(suggestion.at, &suggestion.replacement, sources)
    {
        if finding.help.is_empty() {
            let hint = finding.fault.hint.as_ref().map_or("write", |hint| &hint.message);
            lines.push(format!("  {label} {}", escape(hint)));
        }
        let line = escape(line.trim_end()).replace("\\t", "    ");
        lines.push(format!("    {} {line}", screen.paint(Ink::Dim, &format!("{number} {}", screen.bar()))));
    }
    if let (true, Some(code)) = (explain, finding.code) {
        lines.push(format!("  {label} run 'viuac explain {code}' for details"));
    }
}

/// The first line of a replacement, with its number.
fn replaced_line(at: Location, replacement: &str, sources: &SourceMap) -> Option<(usize, String)> {
    let source = sources.source(at.file);
    let end = at.span.end as usize;
    let (number, column) = source.line_column(at.span.start.min(source.text.len() as u32));
    let line = source.line(number);
    let behind = end.checked_sub(source.line_start(number) as usize)?;
    // A picture of more than one screen line helps nobody.
    if line.len() > 400 {
        return None;
    }
    let before = String::from_utf8_lossy(line.get(..column - 1)?);
    let after = String::from_utf8_lossy(line.get(behind..)?);
    Some((number, format!("{before}{replacement}{after}")))
}

/// The last line of a run: how much was found.
pub(crate) fn summary(errors: usize, warnings: usize, hidden_errors: usize, screen: Screen) -> String {
    let count = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(screen.paint(Ink::Red, &count(errors, "error")));
    }
    if warnings > 0 {
        parts.push(screen.paint(Ink::Yellow, &count(warnings, "warning")));
    }
    let mut line = parts.join(", ");
    if hidden_errors > 0 {
        line.push_str(&format!(" ({} not shown)", count(hidden_errors, "more error")));
    }
    line
}

/// Remembers for which codes the pointer to `viuac explain` was printed.
#[derive(Debug, Default)]
pub(crate) struct Explained(Vec<&'static str>);

impl Explained {
    /// True the first time.
    pub(crate) fn first(&mut self, code: Option<Code>) -> bool {
        let Some(code) = code else { return false };
        let new = !self.0.contains(&code.as_str());
        if new {
            self.0.push(code.as_str());
        }
        new
    }
}
