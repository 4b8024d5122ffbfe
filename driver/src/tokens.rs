//! Listings of tokens, as text and as JSON (tools.md §8).

use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write;
use viua_diagnostics::{FileId, Source, Span};
use viua_lexer::RawKind;
use viua_parser::ast::Tree;

/// A token of a listing.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Where it stands, or where what it was derived from stands.
    pub span: Span,
    /// Its class.
    pub kind: &'static str,
    /// Its text after all replacements; `None`: as written.
    pub text: Option<String>,
    /// It was not written.
    pub inserted: bool,
}

impl Listed {
    fn written(span: Span, kind: &'static str) -> Listed {
        Listed { span, kind, text: None, inserted: false }
    }
}

/// Every byte of the source.
pub fn raw(source: &[u8]) -> Vec<Listed> {
    viua_lexer::raw(source).map(|token| Listed::written(token.span, token.kind.name())).collect()
}

/// Without blanks, comments and repeated line ends.
pub fn without_blanks(source: &[u8]) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for token in viua_lexer::raw(source) {
        let is_repeated = || listed.last().is_none_or(|last| last.kind == RawKind::Newline.name());
        match token.kind {
            RawKind::Blank | RawKind::Comment => {}
            RawKind::Newline if is_repeated() => {}
            RawKind::Newline | RawKind::Word | RawKind::Punctuation | RawKind::Literal => {
                listed.push(Listed::written(token.span, token.kind.name()));
            }
        }
    }
    listed
}

/// Joined into the classes of language.md §3.
pub fn joined(source: &[u8]) -> Vec<Listed> {
    let tokens = viua_lexer::lex(source);
    tokens.iter().map(|token| Listed::written(token.span(), token.kind.name())).collect()
}

/// Canonical: short forms completed, names and `iota` replaced, wrapped instructions and inline blocks taken out.
pub fn canonical(source: &Source, file: FileId, tree: &Tree) -> Vec<Listed> {
    let module = viua_ir::lower(&source.text, file, tree);
    let listed = |token: viua_ir::tokens::Token| Listed {
        span: token.span,
        kind: token.kind,
        text: Some(token.text.into_owned()),
        inserted: token.inserted,
    };
    viua_ir::tokens::tokens(&module, tree).into_iter().map(listed).collect()
}

fn original<'a>(token: &Listed, source: &'a Source) -> Cow<'a, str> {
    String::from_utf8_lossy(source.text.get(token.span.range()).unwrap_or_default())
}

/// One token per line: `L:C kind "text"`.
pub fn text(tokens: &[Listed], source: &Source) -> String {
    let mut out = String::new();
    for token in tokens {
        let (line, column) = source.line_column(token.span.start);
        let text = token.text.as_deref().map_or_else(|| original(token, source), Cow::Borrowed);
        let quoted = serde_json::to_string(&text).unwrap_or_default();
        let written = writeln!(out, "{line}:{column} {} {quoted}", token.kind);
        debug_assert!(written.is_ok());
    }
    out
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    file: &'a str,
    stage: &'a str,
    tokens: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    line: usize,
    column: usize,
    offset: u32,
    length: usize,
    kind: &'static str,
    text: Cow<'a, str>,
    original: Cow<'a, str>,
    inserted: bool,
}

/// One document.
pub fn json(tokens: &[Listed], source: &Source, stage: &str) -> String {
    let entry = |token: &Listed| {
        let Listed { span, kind, ref text, inserted } = *token;
        let (line, column) = source.line_column(span.start);
        let original = original(token, source);
        let text = text.clone().map_or_else(|| original.clone(), Cow::Owned);
        Entry { line, column, offset: span.start, length: span.len(), kind, text, original, inserted }
    };
    let document = Document { format: 1, file: &source.path, stage, tokens: tokens.iter().map(entry).collect() };
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&document).unwrap_or_default() + "\n"
}
