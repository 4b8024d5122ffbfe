//! The first stage: words, literals, comments, and every other character for itself (tools.md §5, `--stage=raw`).

use crate::words::{continues_at, word_end};
use viua_diagnostics::Span;

/// What a raw token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RawKind {
    /// A space or a tab, or a carriage return before a line feed.
    Blank,
    /// A line feed.
    Newline,
    /// A comment, without the line end.
    Comment,
    /// A word.
    Word,
    /// A character that ends words.
    Punctuation,
    /// A quoted literal; it may lack its closing quote at the end of the source.
    Literal,
}

impl RawKind {
    /// The name, for listings of tokens.
    pub const fn name(self) -> &'static str {
        match self {
            RawKind::Blank => "blank",
            RawKind::Newline => "newline",
            RawKind::Comment => "comment",
            RawKind::Word => "word",
            RawKind::Punctuation => "punctuation",
            RawKind::Literal => "literal",
        }
    }
}

/// A token of the raw stage. Together they cover every byte of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawToken {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: RawKind,
}

/// Iterates over the raw tokens of a source text. O(n) in all.
pub fn raw(source: &[u8]) -> impl Iterator<Item = RawToken> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = *source.get(at)?;
        let start = at;
        let (kind, end) = match first {
            b'\n' => (RawKind::Newline, at + 1),
            b' ' | b'\t' => (RawKind::Blank, at + 1),
            b'"' | b'\'' => (RawKind::Literal, literal_end(source, at)),
            b';' => (RawKind::Comment, line_end(source, at)),
            b'-' if source.get(at + 1) == Some(&b'-') => (RawKind::Comment, line_end(source, at)),
            _ if continues_at(source, at) => (RawKind::Word, word_end(source, at)),
            b'\r' => (RawKind::Blank, at + 1),
            _ => (RawKind::Punctuation, at + 1),
        };
        at = end;
        Some(RawToken { span: Span::new(start as u32, end as u32), kind })
    })
}

fn line_end(source: &[u8], at: usize) -> usize {
    source[at..].iter().position(|byte| *byte == b'\n').map_or(source.len(), |length| at + length)
}

fn literal_end(source: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = source.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == source[start] => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}
