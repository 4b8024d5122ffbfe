use super::*;

/// The tokens as `kind text` with blanks escaped, one per line.
fn listing(source: impl AsRef<[u8]>) -> Vec<String> {
    let source = source.as_ref();
    lex(source).iter().map(|token| format!("{:?} {}", token.kind, token.text(source).escape_ascii())).collect()
}

#[test]
fn a_function() {
    let source = ".function: main/0 ; start\n    izero %0 local\n    return\n.end\n";
    assert_eq!(
        listing(source),
        [
            "Directive .function:",
            "FunctionName main/0",
            r"Newline \n",
            "Label izero",
            "Register %0",
            "SetName local",
            r"Newline \n",
            "Label return",
            r"Newline \n",
            "End .end",
            r"Newline \n"
        ]
    );
}

#[test]
fn tokens_are_small() {
    assert_eq!(size_of::<Token>(), 12);
}

#[test]
fn runs_of_newlines_count_as_one_and_leading_ones_as_none() {
    assert_eq!(listing("\n\n ; x\n a\n  \n--b\n\t\n\r\n c"), ["Label a", r"Newline \n", "Label c", "Newline "]);
    assert_eq!(lex(b"; nothing").len(), 0);
    assert_eq!(lex(b"").len(), 0);
}

#[test]
fn the_end_of_a_line_is_at_its_line_feed() {
    let tokens = lex(b"if ; c\n");
    assert_eq!(tokens[1].span(), Span::new(6, 7));
    let tokens = lex(b"if \r\nx");
    assert_eq!(tokens[1].span(), Span::new(4, 5));
    let tokens = lex(b"if ; c");
    assert_eq!(tokens[1].span(), Span::new(6, 6));
}

#[test]
fn classes() {
    for (text, kind) in [
        (".name:", Kind::Directive),
        (".end", Kind::End),
        (".end:", Kind::Directive),
        ("%0", Kind::Register),
        ("@  total", Kind::Register),
        ("*\tiota", Kind::Register),
        ("%-10", Kind::Register),
        ("%a::b", Kind::Register),
        ("main/0", Kind::FunctionName),
        ("a::b/", Kind::FunctionName),
        ("main/0__nested__x", Kind::Label),
        ("a/x", Kind::Label),
        ("a::b", Kind::Label),
        ("print", Kind::Label),
        ("local", Kind::SetName),
        ("locals", Kind::Label),
        ("void", Kind::Void),
        ("true", Kind::True),
        ("iota", Kind::Iota),
        ("-5", Kind::Integer),
        ("+5", Kind::Offset),
        ("-1.50", Kind::Float),
        ("0b1", Kind::Bits),
        ("0xff", Kind::Bits),
        ("0xFF", Kind::Other),
        ("0b", Kind::Other),
        ("10ms", Kind::Duration),
        ("10m", Kind::Other),
        ("12abc", Kind::Other),
        ("\"a\nb\\\"\"", Kind::Text),
        ("'x'", Kind::Atom),
        ("żółw", Kind::Other),
        ("a\rb", Kind::Other),
        ("a\\b", Kind::Other),
        ("[[", Kind::AttributesOpen),
    ] {
        let tokens = lex(text.as_bytes());
        assert_eq!((tokens[0].kind, tokens[0].text(text.as_bytes())), (kind, text.as_bytes()), "{text}");
    }
}

#[test]
fn classes_end_with_words() {
    assert_eq!(listing("1.5e3"), ["Integer 1", "Dot .", "Other 5e3", "Newline "]);
    assert_eq!(listing("%1x"), ["Other %", "Other 1x", "Newline "]);
    assert_eq!(listing("% 1x"), ["Other %", "Other 1x", "Newline "]);
    assert_eq!(listing("a::b\\"), ["Label a", "Other :", "Other :", r"Other b\\", "Newline "]);
    assert_eq!(listing("a/1\\"), ["FunctionName a/", r"Other 1\\", "Newline "]);
    assert_eq!(listing("-5x +5x"), ["Other -", "Other 5x", "Other +", "Other 5x", "Newline "]);
    assert_eq!(listing("-5.5x"), ["Integer -5", "Dot .", "Other 5x", "Newline "]);
    assert_eq!(listing(".endx"), ["Dot .", "Label endx", "Newline "]);
    assert_eq!(listing("local\\"), [r"Other local\\", "Newline "]);
}

#[test]
fn directives_touch() {
    assert_eq!(listing(".mark : x"), ["Dot .", "Label mark", "Other :", "Label x", "Newline "]);
    assert_eq!(listing(". mark: x"), ["Dot .", "Label mark", "Other :", "Label x", "Newline "]);
    assert_eq!(listing(".mark x"), ["Dot .", "Label mark", "Label x", "Newline "]);
    assert_eq!(listing("(.name:%iota n)")[..3], ["ParenOpen (", "Directive .name:", "Register %iota"]);
}

#[test]
fn comments() {
    assert_eq!(listing("5--x \"\n6"), ["Integer 5", r"Newline \n", "Integer 6", "Newline "]);
    assert_eq!(listing("- -"), ["Other -", "Other -", "Newline "]);
    assert_eq!(listing("\"; no\""), ["Text \\\"; no\\\"", "Newline "]);
    assert_eq!(listing(".a;b:"), ["Dot .", "Label a", "Newline "]);
}

#[test]
fn carriage_returns_are_blanks_before_line_feeds_only() {
    assert_eq!(listing("a\r\nb\r\n\r\nc"), ["Label a", r"Newline \n", "Label b", r"Newline \n", "Label c", "Newline "]);
    assert_eq!(listing("a \r b"), ["Label a", r"Other \r", "Label b", "Newline "]);
    assert_eq!(listing("a\r\r\nb"), [r"Other a\r", r"Newline \n", "Label b", "Newline "]);
    assert_eq!(listing("\r"), [r"Other \r", "Newline "]);
}

#[test]
fn literals_without_their_closing_quote() {
    assert_eq!(listing("a \"b\nc"), ["Label a", "Unterminated \\\"b\\nc", "Newline "]);
    assert_eq!(listing("'\\"), [r"Unterminated \'\\", "Newline "]);
    assert_eq!(listing("\"\\\""), [r#"Unterminated \"\\\""#, "Newline "]);
}

#[test]
fn raw_tokens_cover_the_source() {
    let source = b"print %1 -- hi\r\n.end \"a\nb\" \xff\r(";
    let tokens: Vec<_> = raw(source).collect();
    assert!(tokens.windows(2).all(|pair| pair[0].span.end == pair[1].span.start));
    let kinds: Vec<_> = tokens.iter().map(|token| token.kind).collect();
    use RawKind::*;
    assert_eq!(
        kinds,
        [
            Word,
            Blank,
            Punctuation,
            Word,
            Blank,
            Comment,
            Newline,
            Punctuation,
            Word,
            Blank,
            Literal,
            Blank,
            Word,
            Punctuation
        ]
    );
}

/// A million bytes of each: the automaton must not recurse, nor look at anything again and again.
#[test]
fn long_tokens_and_long_lines() {
    for unit in [
        "a", "a::", "1", ";", "\"", "\"\\\"", "'", "\n", " ", "%", "% ", ".", ".a", "[", "-", "- ", "\r", "\u{17c}",
        " \n;",
    ] {
        lex(unit.repeat(1_000_000 / unit.len()).as_bytes());
    }
}

proptest::proptest! {
    #[test]
    fn the_automaton_agrees_with_the_definition(source in "[-+%@*/.: 015abefxlocamsd_\r\n\\\\~\u{17c}]{0,40}") {
        let bytes = source.as_bytes();
        for token in lex(bytes) {
            if token.kind.ends_in_a_word() || matches!(token.kind, Kind::Dot | Kind::Star) {
                let expected = words::longest(bytes, token.start as usize);
                proptest::prop_assert_eq!((token.kind, token.end as usize), expected, "{:?}", source);
            }
        }
    }

    #[test]
    fn any_bytes_are_split_into_tokens(source in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
        let tokens = lex(&source);
        proptest::prop_assert!(tokens.windows(2).all(|pair| pair[0].end <= pair[1].start));
        let covered: usize = raw(&source).map(|token| token.span.len()).sum();
        proptest::prop_assert_eq!(covered, source.len());
    }
}
