//! Whatever the source holds and wherever the spans point: rendering ends, without a panic, and steers no terminal.

use proptest::prelude::*;
use viua_diagnostics::{
    Code, Diagnostic, Entry, FileId, Format, Location, RenderOptions, Source, SourceMap, Span, Suggestion, render,
};

/// Pieces that are hard on renderers: wide, combining and invalid characters, controls, tabs, all ends of lines.
fn source() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\t".as_bytes().to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just("日本".as_bytes().to_vec()),
        Just("e\u{301}".as_bytes().to_vec()),
        Just("\u{202e}\u{2028}\u{85}".as_bytes().to_vec()),
        Just(b"\x1b[2J\x0b\x0c\0".to_vec()),
        Just(b"print %1 local ".to_vec()),
        Just(vec![b'x'; 300]),
        any::<Vec<u8>>(),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn location(length: usize) -> impl Strategy<Value = Location> {
    let end = length as u32 + 3;
    (0..=end, 0..=end).prop_map(|(a, b)| Span::new(a.min(b), a.max(b)).in_file(FileId(0)))
}

fn finding() -> impl Strategy<Value = (Vec<u8>, Diagnostic)> {
    source().prop_flat_map(|text| {
        let places = prop::collection::vec(location(text.len()), 8);
        (Just(text), places).prop_map(|(text, at)| {
            let mut finding = Diagnostic::error(Code::E0301, at[0], "use of \x1b[31merased")
                .mark(at[1].span)
                .note("a\nnote")
                .hint(at[2], "did you mean this?")
                .then(Entry::place_note(at[3], "erased here:").mark(at[4].span))
                .then(Entry::step_note(at[5], "after jumping back here:"))
                .then(Entry::step(at[6], "in function main/0"))
                .help("a \x07 help");
            finding.suggestion = Some(Suggestion { at: at[7], replacement: "\x1bother".into() });
            (text, finding)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_renderer_copes((text, finding) in finding(), width in 0usize..200, unicode: bool) {
        let mut sources = SourceMap::default();
        sources.add(Source::new("odd\n\x1b.asm", text));
        for format in [Format::Human, Format::Short, Format::Json, Format::Sarif, Format::Github] {
            let options = RenderOptions { format, width, unicode, ..RenderOptions::default() };
            let text = render(std::slice::from_ref(&finding), &sources, &options);
            prop_assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
        }
        let options = RenderOptions { color: true, width, unicode, ..RenderOptions::default() };
        let text = render(&[finding], &sources, &options);
        let is_allowed = |character: char| matches!(character, '\n' | '\x1b') || !character.is_control();
        prop_assert!(text.chars().all(is_allowed), "{text:?}");
    }
}
