use crate::format;
use proptest::prelude::*;
use viua_diagnostics::FileId;

#[track_caller]
fn formatted(source: &str) -> String {
    let once = format(source.as_bytes(), FileId(0)).unwrap();
    let once = String::from_utf8(once).unwrap();
    let twice = format(once.as_bytes(), FileId(0)).unwrap();
    assert_eq!(String::from_utf8(twice).unwrap(), once);
    once
}

/// The lines of a function body, laid out.
#[track_caller]
fn body(lines: &str) -> String {
    let whole = formatted(&format!(".function: f/0\n{lines}\n.end\n"));
    let body = whole.strip_prefix(".function: f/0\n").and_then(|rest| rest.strip_suffix(".end\n"));
    body.unwrap_or_else(|| panic!("{whole}")).to_owned()
}

#[test]
fn a_messy_example() {
    let source = "\r
; greets\r
.info:   author\t'me  too'
.signature:  other/0
; the main function
.function:[[ no_sa ,x{ 1 }y]]main/1;entry


\tallocate_registers   % 3 local--three
     .name: %1   greeting   ; a name

        ; the greeting

        ; two
  text %greeting \"hello ;
   there\"   ; twice


    print (  text  %2 local \"x\" )local
 frame ^ [ (copy %iota arguments %1 local)(copy %iota arguments %2 local) ]
    try
    catch 'A' .block: [[ a ]] handler ; why
    draw void

    leave

    ; over
    .end
      .mark:here   \r
    izero %0 local
    return
    ; the end

.end ; done
; also
.closure: c/0
nop
return
.end


";
    let expected = "\
; greets
.info: author 'me  too'
.signature: other/0

; the main function
.function: [[no_sa, x{1} y]] main/1  ;entry
    allocate_registers %3 local  --three
    .name: %1 greeting           ; a name

    ; the greeting

    ; two
    text %greeting \"hello ;
   there\"  ; twice

    print (text %2 local \"x\") local
    frame ^[(copy %iota arguments %1 local) (copy %iota arguments %2 local)]
    try
    catch 'A' .block: [[a]] handler  ; why
        draw void

        leave

        ; over
    .end
    .mark: here
    izero %0 local
    return
    ; the end
.end  ; done

; also
.closure: c/0
    nop
    return
.end
";
    assert_eq!(formatted(source), expected);
}

#[test]
fn nothing_stays_nothing() {
    assert_eq!(formatted(""), "");
    assert_eq!(formatted(" \n\t\r\n\n"), "");
    assert_eq!(formatted("\n\n;x"), ";x\n");
    assert_eq!(formatted(";x \t\r\n\n\n\n--y"), ";x\n\n--y\n");
}

#[test]
fn what_does_not_parse_is_refused() {
    for source in ["nonsense", ".function: f/0\nprint 'x\n.end\n", ".function: f/0\nprnit %1\n.end\n"] {
        assert!(!format(source.as_bytes(), FileId(0)).unwrap_err().is_empty());
    }
    // Structure and types are not its business.
    assert_eq!(body("print %1"), "    print %1\n");
}

#[test]
fn definitions_stand_apart() {
    let source = ".signature: a/0\n\n\n.signature: b/0\n.bsignature: c\n.block: d\nleave\n.end\n.import: e\n";
    let expected = ".signature: a/0\n\n.signature: b/0\n.bsignature: c\n\n.block: d\n    leave\n.end\n\n.import: e\n";
    assert_eq!(formatted(source), expected);
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let header = ";@ run\n;@ stdout: x\n.function: f/0\n    nop\n.end\n";
    assert_eq!(formatted(header), header);
    let sections = ".signature: a/0\n; section\n\n; f\n.function: f/0\n    nop\n.end\n";
    assert_eq!(formatted(sections), sections);
    assert_eq!(
        formatted(".function: f/0\nnop\n.end\n; old\n\n\n; g\n.function: g/0\nnop\n.end\n"),
        ".function: f/0\n    nop\n.end\n\n; old\n\n; g\n.function: g/0\n    nop\n.end\n"
    );
}

#[test]
fn comments_of_adjacent_lines_are_aligned() {
    assert_eq!(
        body("nop ; a\nizero %1 ; b\nnop\nnop\t;c\n\nprint %1;d"),
        "    nop       ; a\n    izero %1  ; b\n    nop\n    nop  ;c\n\n    print %1  ;d\n"
    );
    let long = format!("text %1 \"{}\" ;a\nnop ;b", "x".repeat(100));
    assert_eq!(body(&long), format!("    text %1 \"{}\"  ;a\n    nop  ;b\n", "x".repeat(100)));
    assert_eq!(
        body("text %1 \"\u{17c}\u{17c}\" ;a\ntext %1 \"zz\" ;b"),
        "    text %1 \"\u{17c}\u{17c}\"  ;a\n    text %1 \"zz\"  ;b\n"
    );
}

#[test]
fn long_lists_are_broken() {
    let element = "(copy %iota arguments %1 local)";
    let short = format!("    frame ^[{element} {element}]\n");
    assert_eq!(body(&short), short);
    assert_eq!(
        body(&format!("frame ^[{element} {element}{element}]")),
        format!("    frame ^[\n        {element}\n        {element}\n        {element}\n    ]\n")
    );
    // Exactly a hundred characters, and one more.
    let text = "x".repeat(100 - "    frame [(text %1 local \"\")] local".len());
    let fits = format!("    frame [(text %1 local \"{text}\")] local\n");
    assert_eq!(body(&fits), fits);
    assert_eq!(
        body(&format!("frame [(text %1 local \"{text}x\")] local")),
        format!("    frame [\n        (text %1 local \"{text}x\")\n    ] local\n")
    );
}

#[test]
fn lists_in_lists_are_broken_only_if_they_must() {
    let inner = "(text %1 local \"a long text, but not too long\")";
    assert_eq!(
        body(&format!("frame [(call %2 (frame [{inner}{inner}])) (call %2 (frame [{inner}{inner}{inner}]))]")),
        format!(
            "    frame [\n        (call %2 (frame [\n            {inner}\n            {inner}\n        ]))\n        \
             (call %2 (frame [\n            {inner}\n            {inner}\n            {inner}\n        ]))\n    ]\n"
        )
    );
    assert_eq!(
        body(&format!("frame [(call %2 (frame [(izero %1)])) {inner} {inner}]")),
        format!("    frame [\n        (call %2 (frame [(izero %1)]))\n        {inner}\n        {inner}\n    ]\n")
    );
}

#[test]
fn lists_written_on_several_lines_stay_so() {
    let source = "    frame [\n        (izero %1)\n        .iota: 5\n        (izero %2)\n    ]\n";
    assert_eq!(body(source), source);
    assert_eq!(
        body("frame [\n(izero %1)(izero %2)\n\n.iota: 5 (izero %iota)]"),
        body("frame [\n(izero %1)\n(izero %2)\n.iota: 5\n(izero %iota)\n]")
    );
    assert_eq!(body("frame [(izero %1)\n(izero %2)\n]"), "    frame [(izero %1) (izero %2)]\n");
    assert_eq!(body("frame [\n\n] local"), "    frame [] local\n");
}

#[test]
fn comments_in_brackets_keep_their_line_ends() {
    assert_eq!(
        body("frame ^[ ; a\n(izero %1) ; b\n\n ; c\n(izero (\n\n; d\nizero %2; e\n) ) ] ; f"),
        "    frame ^[  ; a\n        (izero %1)  ; b\n        ; c\n        (izero (\n            ; d\n            \
         izero %2  ; e\n        ))\n    ]  ; f\n"
    );
    assert_eq!(
        body("print (;a\n\n.iota: 3 izero %iota\n--b\n) local [[maybe_unused]]"),
        "    print (  ;a\n        .iota: 3 izero %iota\n        --b\n    ) local [[maybe_unused]]\n"
    );
    assert_eq!(body("frame [\n;c\n]"), "    frame [\n        ;c\n    ]\n");
    assert_eq!(body("print (\nizero %1\n) local"), "    print (izero %1) local\n");
}

#[test]
fn inline_blocks_are_indented_deeper() {
    let source = "    enter .block: b  ; why\n        nop\n\n        leave\n    .end\n    nop\n";
    assert_eq!(body(source), source);
    assert_eq!(
        body("enter .block: b\n\n  frame [(izero %1 ; c\n)]\nleave\n\n.end local ; x"),
        "    enter .block: b\n        frame [\n            (\n                izero %1  ; c\n            )\n        ]\n        leave\n    .end local  ; x\n"
    );
}

#[test]
fn iota_stays_where_it_counts() {
    let source = "    .iota: 0\n    move %x local .iota: 0 %iota parameters\n    frame ^[.iota: 2 (izero %iota)]\n";
    assert_eq!(body(source), source);
}

#[test]
fn tokens_are_not_joined() {
    for source in [
        ".info: % 1 'x'\n",
        ".info: .end 'x'\n",
        ".info: * 'x'\n",
        ".function: [[a{[}, ]]] f/0\n    nop\n.end\n",
        ".function: [[.end {x::y}, . ]] f/0\n    nop\n.end\n",
    ] {
        if format(source.as_bytes(), FileId(0)).is_ok() {
            check(source.as_bytes());
        }
    }
    assert_eq!(formatted(".info:%  1 'x'"), ".info: %  1 'x'\n");
    assert_eq!(body("izero %  1"), "    izero %1\n");
    assert_eq!(body("print * (ptr %1 %2)"), "    print *(ptr %1 %2)\n");
    assert_eq!(body("integer %1 -5--x"), "    integer %1 -5  --x\n");
}

/// The tokens of a text as they must stay: registers without the blanks in them, and no line ends, whose number may
/// change in brackets.
fn tokens(source: &[u8]) -> Vec<Vec<u8>> {
    let all = viua_lexer::lex(source);
    let kept = all.iter().filter(|token| token.kind != viua_lexer::Kind::Newline);
    let text = |token: &viua_lexer::Token| {
        let text = token.text(source);
        match token.kind {
            viua_lexer::Kind::Register => text.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect(),
            _ => text.to_vec(),
        }
    };
    kept.map(text).collect()
}

fn comments(source: &[u8]) -> Vec<&[u8]> {
    let comments = viua_lexer::raw(source).filter(|token| token.kind == viua_lexer::RawKind::Comment);
    comments.map(|token| source[token.span.range()].trim_ascii_end()).collect()
}

/// What is built of a text, without debug information; or what is wrong with it.
fn built(source: &[u8]) -> Result<Vec<u8>, Vec<String>> {
    let parsed = viua_parser::parse(source, FileId(0));
    let messages = |findings: Vec<viua_diagnostics::Diagnostic>| {
        findings.into_iter().map(|finding| finding.fault.message.unwrap_or_default()).collect::<Vec<_>>()
    };
    if parsed.has_errors() {
        return Err(messages(parsed.diagnostics));
    }
    let unit = viua_ir::lower(&source.into(), FileId(0), &parsed.tree);
    let options = viua_codegen::Options { debug: viua_codegen::DebugLevel::None, ..Default::default() };
    match viua_codegen::generate(&unit, &options) {
        Ok(object) => Ok(viua_bytecode::write(&object)),
        Err(findings) => Err(messages(viua_ir::verify(&unit).into_iter().chain(findings).collect())),
    }
}

/// All that is promised about the layout of a text that parses.
#[track_caller]
fn check(source: &[u8]) {
    let shown = String::from_utf8_lossy(source);
    let once = format(source, FileId(0)).unwrap();
    assert_eq!(tokens(&once), tokens(source), "{shown}");
    assert_eq!(comments(&once), comments(source), "{shown}");
    assert_eq!(built(&once), built(source), "{shown}");
    let twice = format(&once, FileId(0)).unwrap();
    assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once), "{shown}");
    let mut behind = None;
    for token in viua_lexer::raw(&once) {
        let is_blank = token.kind == viua_lexer::RawKind::Blank;
        assert!(!(behind == Some(true) && token.kind == viua_lexer::RawKind::Newline), "{shown}");
        assert!(!(is_blank && once[token.span.range()] == *b"\t"), "{shown}");
        behind = Some(is_blank);
    }
    assert!(!once.starts_with(b"\n") && !once.ends_with(b"\n\n"), "{shown}");
    assert!(once.is_empty() || once.ends_with(b"\n"), "{shown}");
}

/// What may stand in a body, in any order. Names get a number of their own in the place of `#`.
const IN_BODY: &[&str] = &[
    "nop\n",
    "izero % 1 local\n",
    "print (text %1 local \"a\nb\") local\n",
    "print *(ptr %2 local %1)\n",
    "add %1 ^(idec %2 local) [[a{b}, c]]\n",
    "frame [(izero %iota local) (izero %iota)]\n",
    "frame ^[\n(copy %iota arguments %1 local)\n\n(nop %1)\n]\n",
    "frame [] local\n",
    "frame [ ; c\n(izero ( ; d\nizero %1 local\n;e\n))\n.iota: 3\n]; f\n",
    "call %1 f/0\n",
    "print (call %1 (frame [(text %1 local 'a long literal in it') (text %1 local 'and another one')]) f/0) local ;c\n",
    ".name: % iota n_#\n",
    ".iota: 7\n",
    ".iota: 7 integer %iota local iota\n",
    ".mark: m\n",
    ".unused: %1\n",
    "jump +1\n",
    "try\ncatch \"T\" .block: [[x]] b#\nleave\n.end [[y]]\n",
    "enter .block: c# ; h\n\n.mark: n\nprint (izero %1 ; z\n) local\nleave\n; x\n.end\n",
    "print (enter .block: d#\nnop\n.end) local\n",
    "frame [(izero %1 .block: e#\nnop\n.end)]\n",
    "return; behind\n",
];

/// What may stand anywhere.
const BETWEEN: &[&str] = &["", "", "", "\n", "\n\n\n", "; a comment \t\n", "  -- another\r\n", "\t ", "\r\n"];

/// What may stand outside of definitions.
const DECLARATIONS: &[&str] = &[
    ".signature: s#/0\n",
    ".bsignature: t# ; c\n",
    ".info: % 1 \"v\"\n",
    ".import: [[static]] a#::b\n",
    ".block: b#\n\n;c\nleave\n\n.end;d\n",
];

const HEADERS: &[&str] = &[".function: f#/0\n", ".closure:[[no_sa]] c#/0;x\n", " .function:\tg#/1 \r\n\n"];

fn some(of: &'static [&'static str], count: usize) -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec((prop::sample::select(of), prop::sample::select(BETWEEN)), 0..count);
    pieces.prop_map(|pieces| pieces.iter().flat_map(|(piece, between)| [*piece, between]).collect())
}

fn program() -> impl Strategy<Value = String> {
    let ends = prop::sample::select(&[".end\n", "\t.end ; c\n", ".end\n; about the next\n", ".end\n\n\n"][..]);
    let definition = (some(DECLARATIONS, 3), prop::sample::select(HEADERS), some(IN_BODY, 12), ends);
    prop::collection::vec(definition, 1..4).prop_map(|definitions| {
        let text: String = definitions.iter().flat_map(|(a, b, c, d)| [a, *b, c, "nop\n", *d]).collect();
        let mut parts = text.split('#');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.enumerate().fold(first, |text, (number, part)| format!("{text}{number}{part}"))
    })
}

/// Tokens that may stand behind each other in an instruction.
const OPERANDS: &[&str] = &[
    "%1",
    "@ 2",
    "*n",
    "%iota",
    "local",
    "static",
    "5",
    "-5",
    "+5",
    "1.5",
    "0xf",
    "5ms",
    "\"t\"",
    "'a\n'",
    "true",
    "void",
    "default",
    "infinity",
    "iota",
    "f/0",
    "a::b",
    "m",
    "[[a]]",
    "[[ . {x}]]",
    "[[.end {x::y},]]",
    "[[%  1{[}, ]]]",
    "(izero %1)",
    "^(izero %1)",
    "*(ptr %1 %2)",
    "[(nop %1)]",
    "^[\n(nop %2)\n;c\n]",
    "[]",
    "(",
    ")",
    "[",
    "]",
    ".iota: 3",
    "(\n",
    "\n)",
    "[\n",
    "\n]",
    "(nop ",
    "(;c\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn programs(source in program()) {
        check(source.as_bytes());
    }

    #[test]
    fn operands(
        pieces in prop::collection::vec((prop::sample::select(OPERANDS), prop::sample::select(&["", " ", "\t "][..])), 0..8),
    ) {
        let operands: String = pieces.iter().flat_map(|(piece, blank)| [*piece, blank]).collect();
        let source = format!(".function: z/0\nprint %1 {operands}\nreturn\n.end");
        if !viua_parser::parse(source.as_bytes(), FileId(0)).has_errors() {
            check(source.as_bytes());
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = format(&bytes, FileId(0));
        let mut comment = b";".to_vec();
        comment.extend(bytes.iter().filter(|byte| **byte != b'\n'));
        check(&comment);
    }
}

/// Time and result stay linear in the length of the text, and nothing recurses.
#[test]
fn deep_and_long() {
    const DEPTH: usize = 20_000;
    let lists = format!("frame {}{}", "[(frame ".repeat(DEPTH), "%1)]".repeat(DEPTH));
    assert!(body(&lists).len() < lists.len() * 20);
    let parens = format!("print {}%1{}", "(not ".repeat(DEPTH), ")".repeat(DEPTH));
    assert_eq!(body(&parens), format!("    {parens}\n"));
    body(&format!("print {}%1{}", "(not (;c\nnot ".repeat(DEPTH), "))".repeat(DEPTH)));
    body(&("; c\n\n".repeat(DEPTH) + "nop"));
    body(&"nop ;c\n".repeat(DEPTH));
    formatted(&"; c\n".repeat(DEPTH));
}

/// Every program in this repository.
#[test]
fn all_programs() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<_> = ["tests", "examples", "stdlib", "bench"].iter().map(|name| root.join(name)).collect();
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "asm") {
                let source = std::fs::read(&path).unwrap();
                if !viua_parser::parse(&source, FileId(0)).has_errors() {
                    check(&source);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 700, "{count}");
}
