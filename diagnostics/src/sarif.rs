//! The `sarif` form: one SARIF 2.1.0 log for the run, the trace of a finding as its code flow (diagnostics.md §3.4).

use crate::{Code, Diagnostic, Entry, EntryKind, Location, Position, Severity, Source, SourceMap, explain, human};
use serde_json::{Value, json};

/// The log of all findings.
pub(crate) fn render(findings: &[Diagnostic], sources: &SourceMap) -> String {
    let mut codes: Vec<Code> = Vec::new();
    for code in findings.iter().filter_map(|finding| finding.code) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let rules: Vec<Value> = codes.iter().copied().map(rule).collect();
    let rule_of = |finding: &Diagnostic| codes.iter().position(|code| finding.code == Some(*code));
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, rule_of(finding), sources)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "viuac", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    format!("{log}\n")
}

fn rule(code: Code) -> Value {
    let row = code.row();
    json!({
        "id": row.code,
        "name": row.lint.unwrap_or(explain::title(code)),
        "shortDescription": { "text": explain::title(code) },
        "help": { "text": explain::text(code), "markdown": explain::page(code) },
    })
}

fn result(finding: &Diagnostic, rule: Option<usize>, sources: &SourceMap) -> Value {
    let fault = &finding.fault;
    let mut text = fault.message.clone().unwrap_or_default();
    for note in &fault.notes {
        text.push('\n');
        text.push_str(note);
    }
    let mut result = json!({ "level": level(finding.severity), "message": { "text": text } });
    if let Some(code) = finding.code {
        result["ruleId"] = json!(code.as_str());
        result["ruleIndex"] = json!(rule);
    }
    if let Some(location) = location(fault, sources) {
        result["locations"] = json!([location]);
    }
    let entries = |kind| finding.trace.iter().filter(move |entry| entry.kind == kind);
    let places: Vec<Value> = entries(EntryKind::Place).filter_map(|entry| told_location(entry, sources)).collect();
    if !places.is_empty() {
        result["relatedLocations"] = json!(places);
    }
    let mut steps: Vec<Value> = entries(EntryKind::Step).filter_map(|entry| told_location(entry, sources)).collect();
    if !steps.is_empty() {
        steps.reverse();
        steps.extend(told_location(fault, sources));
        let steps: Vec<Value> = steps.into_iter().map(|location| json!({ "location": location })).collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    if let Some(suggestion) = &finding.suggestion {
        let source = sources.source(suggestion.at.file);
        result["fixes"] = json!([{
            "description": { "text": fault.hint.as_ref().map_or("replace", |hint| &hint.message) },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(&source.path) },
                "replacements": [{
                    "deletedRegion": region(suggestion.at, source),
                    "insertedContent": { "text": suggestion.replacement },
                }],
            }],
        }]);
    }
    result
}

const fn level(severity: Severity) -> &'static str {
    severity.name()
}

/// A location with the text of its entry.
fn told_location(entry: &Entry, sources: &SourceMap) -> Option<Value> {
    let mut location = location(entry, sources)?;
    let text: Vec<&str> = entry.message.iter().chain(&entry.notes).map(String::as_str).collect();
    location["message"] = json!({ "text": text.join("\n") });
    Some(location)
}

fn location(entry: &Entry, sources: &SourceMap) -> Option<Value> {
    if let Some(at) = human::entry_location(entry, sources) {
        let source = sources.source(at.file);
        return Some(json!({ "physicalLocation": {
            "artifactLocation": { "uri": uri(&source.path) },
            "region": region(at, source),
        }}));
    }
    match &entry.at {
        Position::File(path) | Position::FileTight(path) => {
            Some(json!({ "physicalLocation": { "artifactLocation": { "uri": uri(path) } } }))
        }
        Position::At(_) | Position::Nowhere => None,
    }
}

fn region(at: Location, source: &Source) -> Value {
    let length = source.text.len() as u32;
    let (start, end) = (at.span.start.min(length), at.span.end.min(length));
    let (start_line, start_column) = utf16_position(source, start);
    let (end_line, end_column) = utf16_position(source, end);
    json!({
        "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column,
        "byteOffset": start, "byteLength": end.saturating_sub(start),
    })
}

/// Line and column, the column in UTF-16 code units from 1.
fn utf16_position(source: &Source, offset: u32) -> (usize, usize) {
    let (line, column) = source.line_column(offset);
    let bytes = source.line(line);
    let before = String::from_utf8_lossy(&bytes[..(column - 1).min(bytes.len())]).encode_utf16().count();
    (line, before + 1)
}

/// A path as a URI reference; a relative path stays relative.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte as char),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
