//! The `json` form: one object per finding and line (diagnostics.md §3.3).

use crate::human::{self, Screen};
use crate::{Diagnostic, Entry, EntryKind, Hint, Location, Position, Severity, SourceMap, Span};
use serde::Serialize;

/// Where something stands; all keys are null for what has no position.
#[derive(Serialize, Default)]
struct Place {
    line: Option<usize>,
    column: Option<usize>,
    offset: Option<u32>,
    length: Option<usize>,
}

#[derive(Serialize)]
struct HintObject<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct EntryObject<'a> {
    kind: &'static str,
    severity: &'static str,
    message: Option<&'a str>,
    file: Option<&'a str>,
    #[serde(flatten)]
    place: Place,
    marks: Vec<Place>,
    notes: &'a [String],
    hint: Option<HintObject<'a>>,
}

#[derive(Serialize)]
struct SuggestionObject<'a> {
    file: &'a str,
    offset: u32,
    length: usize,
    replacement: &'a str,
}

#[derive(Serialize)]
struct FindingObject<'a> {
    format: u32,
    severity: &'static str,
    code: Option<&'static str>,
    lint: Option<&'static str>,
    message: &'a str,
    file: Option<&'a str>,
    #[serde(flatten)]
    place: Place,
    marks: Vec<Place>,
    notes: &'a [String],
    hint: Option<HintObject<'a>>,
    trace: Vec<EntryObject<'a>>,
    help: &'a [String],
    suggestion: Option<SuggestionObject<'a>>,
    rendered: String,
}

/// Appends a finding.
pub(crate) fn render(out: &mut String, finding: &Diagnostic, sources: &SourceMap) {
    let mut rendered = String::new();
    let screen = Screen { color: false, unicode: true, width: 100 };
    human::render(&mut rendered, finding, sources, screen, false);
    let fault = &finding.fault;
    let object = FindingObject {
        format: 1,
        severity: finding.severity.name(),
        code: finding.code.map(|code| code.as_str()),
        lint: finding.lint,
        message: fault.message.as_deref().unwrap_or_default(),
        file: file_of(fault, sources),
        place: place_of(human::entry_location(fault, sources), sources),
        marks: marks_of(fault, sources),
        notes: &fault.notes,
        hint: fault.hint.as_ref().map(|hint| hint_object(hint, fault, sources)),
        trace: finding.trace.iter().map(|entry| entry_object(entry, finding.severity, sources)).collect(),
        help: &finding.help,
        suggestion: finding.suggestion.as_ref().map(|suggestion| SuggestionObject {
            file: &sources.source(suggestion.at.file).path,
            offset: suggestion.at.span.start,
            length: suggestion.at.span.len(),
            replacement: &suggestion.replacement,
        }),
        rendered,
    };
    // Strings and numbers only: this cannot fail.
    out.push_str(&serde_json::to_string(&object).unwrap_or_default());
    out.push('\n');
}

fn entry_object<'a>(entry: &'a Entry, severity: Severity, sources: &'a SourceMap) -> EntryObject<'a> {
    let severity = if entry.message.is_some() { severity } else { Severity::Note };
    EntryObject {
        kind: if entry.kind == EntryKind::Step { "step" } else { "place" },
        severity: severity.name(),
        message: entry.message.as_deref(),
        file: file_of(entry, sources),
        place: place_of(human::entry_location(entry, sources), sources),
        marks: marks_of(entry, sources),
        notes: &entry.notes,
        hint: entry.hint.as_ref().map(|hint| hint_object(hint, entry, sources)),
    }
}

fn hint_object<'a>(hint: &'a Hint, entry: &Entry, sources: &SourceMap) -> HintObject<'a> {
    let at = hint.at.or_else(|| human::entry_location(entry, sources));
    HintObject { message: &hint.message, place: place_of(at, sources) }
}

fn file_of<'a>(entry: &'a Entry, sources: &'a SourceMap) -> Option<&'a str> {
    match &entry.at {
        Position::At(location) => Some(&sources.source(location.file).path),
        Position::File(path) | Position::FileTight(path) => Some(path),
        Position::Nowhere => None,
    }
}

/// All marked tokens, the one of the position first.
pub(crate) fn marked_spans(entry: &Entry, at: Location) -> Vec<Span> {
    let mut spans = vec![at.span];
    spans.extend(entry.marks.iter().copied().filter(|span| *span != at.span));
    spans
}

fn marks_of(entry: &Entry, sources: &SourceMap) -> Vec<Place> {
    let Some(at) = human::entry_location(entry, sources) else { return Vec::new() };
    marked_spans(entry, at).into_iter().map(|span| place_of(Some(span.in_file(at.file)), sources)).collect()
}

fn place_of(at: Option<Location>, sources: &SourceMap) -> Place {
    let Some(at) = at else { return Place::default() };
    let (line, column) = sources.source(at.file).line_column(at.span.start);
    Place { line: Some(line), column: Some(column), offset: Some(at.span.start), length: Some(at.span.len()) }
}
