//! Pictures of findings, compared with the snapshots beside this file. After a wanted change:
//! `INSTA_UPDATE=always cargo test -p viua-diagnostics`, then look at the difference.

use viua_diagnostics::{
    Code, Diagnostic, Entry, FileId, Format, Location, Position, RenderOptions, Severity, Source, SourceMap, Span,
    Suggestion, render,
};

const ERASED: &str = "\
.function: main/0
    allocate_registers %4 local
    integer %1 local 1
    integer %2 local 2
    integer %3 local 3
    if %2 local one two
    .mark: one
    if %3 local two gone
    .mark: gone
    delete %1 local
    nop
    .mark: two
    print %1 local
    izero %0 local
    return
.end
";

fn map(path: &str, text: impl AsRef<[u8]>) -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add(Source::new(path, text.as_ref()));
    sources
}

/// The `nth` place (from 0) where a token stands.
fn at(sources: &SourceMap, token: &str, nth: usize) -> Location {
    let text = &sources.source(FileId(0)).text;
    let starts = (0..text.len()).filter(|&start| text[start..].starts_with(token.as_bytes()));
    let start = starts.into_iter().nth(nth).expect("the token stands there") as u32;
    Span::new(start, start + token.len() as u32).in_file(FileId(0))
}

fn erased(sources: &SourceMap) -> Diagnostic {
    Diagnostic::error(Code::E0301, at(sources, "%1", 2), "use of erased local register \"1\"")
        .mark(at(sources, "print", 0).span)
        .then(Entry::place_note(at(sources, "delete", 0), "erased here:").mark(at(sources, "%1", 1).span))
        .then(Entry::step(at(sources, "if", 1), "after taking false branch here:"))
        .then(Entry::step(at(sources, "if", 0), "after taking true branch here:"))
        .then(Entry::step(at(sources, "main/0", 0), "in function main/0"))
}

fn human(width: usize, color: bool) -> RenderOptions {
    RenderOptions { width, color, ..RenderOptions::default() }
}

fn form(format: Format) -> RenderOptions {
    RenderOptions { format, ..RenderOptions::default() }
}

#[test]
fn a_traced_finding() {
    let sources = map("erased.asm", ERASED);
    let findings = [erased(&sources)];
    insta::assert_snapshot!("traced_80", render(&findings, &sources, &human(80, false)));
    insta::assert_snapshot!("traced_120", render(&findings, &sources, &human(120, false)));
    insta::assert_snapshot!("traced_color", render(&findings, &sources, &human(80, true)).replace('\x1b', "␛"));
    let ascii = RenderOptions { unicode: false, ..human(80, false) };
    insta::assert_snapshot!("traced_ascii", render(&findings, &sources, &ascii));
    insta::assert_snapshot!("traced_short", render(&findings, &sources, &form(Format::Short)));
    insta::assert_snapshot!("traced_github", render(&findings, &sources, &form(Format::Github)));
    insta::assert_snapshot!("traced_json", render(&findings, &sources, &form(Format::Json)));
    insta::assert_snapshot!("traced_sarif", render(&findings, &sources, &form(Format::Sarif)));
}

#[test]
fn a_hint_stands_under_its_token() {
    let sources = map("hint.asm", ".function: main/0\n    prnit %1 local\n    return\n.end\n");
    let word = at(&sources, "prnit", 0);
    let mut finding = Diagnostic::error(Code::E0114, word, "unknown instruction")
        .hint(word, "did you mean 'print'?")
        .then(Entry::step(at(&sources, "main/0", 0), "in function main/0"));
    finding.suggestion = Some(Suggestion { at: word, replacement: "print".into() });
    insta::assert_snapshot!("hint", render(std::slice::from_ref(&finding), &sources, &human(80, false)));
    insta::assert_snapshot!("hint_color", render(&[finding], &sources, &human(80, true)).replace('\x1b', "␛"));
}

#[test]
fn long_paths_are_shortened_and_far_places_stand_alone() {
    let mut text = String::from(".function: main/0\n");
    for line in 0..1200 {
        text.push_str(&format!("    if %{line} local +1 +2\n"));
    }
    let sources = map("long.asm", &text);
    let mut finding =
        Diagnostic::error(Code::E0300, at(&sources, "%1199", 0), "read from empty local register \"1199\"")
            .note("a note of the fault")
            .then(Entry::place_note(at(&sources, "%3 ", 0), "register defined here"));
    for step in (10..30).rev() {
        finding = finding.then(Entry::step_note(at(&sources, "if", step * 40), "after jumping back here:"));
    }
    finding = finding.then(Entry::step(at(&sources, "main/0", 0), "in function main/0"));
    insta::assert_snapshot!("long_80", render(&[finding.clone()], &sources, &human(80, false)));
    insta::assert_snapshot!("long_color", render(&[finding], &sources, &human(80, true)).replace('\x1b', "␛"));
}

#[test]
fn odd_sources() {
    let cases: &[(&str, &[u8], std::ops::Range<u32>)] = &[
        ("tabs", b"\tprint\t%1\tlocal\n", 7..9),
        ("wide", "    text %1 local \"日本\" oops\n".as_bytes(), 27..31),
        ("combining", "    text %1 local \"e\u{301}\" oops\n".as_bytes(), 24..28),
        ("carriage_returns", b"    nop\r\n    oops\r\n    nop\r\n", 13..17),
        ("line_end", b"    nop\n    if\n    nop\n", 14..15),
        ("line_end_of_carriage_return", b"    if\r\n", 6..7),
        ("no_final_newline", b"    oops", 4..8),
        ("end_of_file", b"    nop\n", 8..8),
        ("empty_file", b"", 0..0),
        ("behind_the_end", b"nop", 90..99),
        ("not_utf8", b"    text \xff\xfe oops\n", 12..16),
        ("inside_a_character", "    \u{20ac}\u{20ac}\n".as_bytes(), 5..6),
        ("controls", b"    \x1b[31m\x0b\x0c oops \x07\n", 12..16),
        ("several_lines", b"    text \"a\n  b\n  c\" x\n", 9..19),
    ];
    let mut all = String::new();
    for (name, text, span) in cases {
        let sources = map(name, text);
        let finding =
            Diagnostic::error(Code::E0115, Span::new(span.start, span.end).in_file(FileId(0)), "invalid operand");
        for color in [false, true] {
            let options = RenderOptions { explain_hint: false, ..human(80, color) };
            let picture = render(std::slice::from_ref(&finding), &sources, &options);
            for line in picture.lines().take_while(|line| !line.is_empty()) {
                all.push_str(&plain(line));
                all.push('\n');
            }
        }
        for format in [Format::Short, Format::Json, Format::Sarif, Format::Github] {
            assert!(!render(std::slice::from_ref(&finding), &sources, &form(format)).contains('\x1b'));
        }
    }
    insta::assert_snapshot!("odd_sources", all);
}

/// Without colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, behind)| behind));
    }
    text
}

#[test]
fn findings_without_a_position() {
    let sources = map("a.asm", ".import: [[dynamic]] std::nope\n");
    let mut missing = Diagnostic::new(
        Severity::Error,
        Some(Code::E0710),
        Position::FileTight("a.asm".into()),
        "did not find module \"std::nope\"".into(),
    );
    missing.fault.marks.push(at(&sources, "std::nope", 0).span);
    let candidate = |path: &str| {
        let text = format!("main/0 function found in module {path}");
        Diagnostic::new(Severity::Note, None, Position::File("a.asm".into()), text)
    };
    let findings = [
        missing,
        candidate("a.asm"),
        candidate("b.module"),
        Diagnostic::file_error(Code::E0705, "a.asm", "more than one candidate for main function"),
        Diagnostic::new(Severity::Warning, None, Position::Nowhere, "odd".into()),
    ];
    insta::assert_snapshot!("positionless_short", render(&findings, &sources, &form(Format::Short)));
    insta::assert_snapshot!("positionless_human", render(&findings, &sources, &human(80, false)));
}

#[test]
fn nothing_is_printed_after_the_last_error_allowed() {
    let sources = map("a.asm", "nop\n");
    let error = || Diagnostic::file_error(Code::E0704, "a.asm", "main function is not defined");
    let mut warning = error();
    warning.severity = Severity::Warning;
    let findings = [warning.clone(), error(), warning, error(), error()];
    let one = RenderOptions { max_errors: 1, format: Format::Short, ..RenderOptions::default() };
    let text = render(&findings, &sources, &one);
    assert_eq!(text, "a.asm: warning: main function is not defined\na.asm: error: main function is not defined\n");
    let text = render(&findings, &sources, &RenderOptions { max_errors: 1, ..RenderOptions::default() });
    assert!(text.ends_with("\n1 error, 1 warning (2 more errors not shown)\n"), "{text}");
}
