//! Tokens of the assembly language (language.md §2, §3): bytes in, classified tokens out.
//!
//! Any bytes are legal input: what belongs to no class becomes [`Kind::Other`], and the parser says where that is
//! wrong. Three stages can be looked at: [`raw`] splits into words and single characters, [`lex`] joins what touches
//! into the classes of §3 and drops blanks and comments. The joining is done by a generated automaton; `words` has
//! the few cases it cannot see, because they need to know what follows a token.

mod raw;
mod words;

pub use raw::{RawKind, RawToken, raw};

use logos::Logos;
use viua_diagnostics::Span;

/// The class of a token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(utf8 = false)]
#[logos(skip r"[ \t]+")]
#[logos(skip(r"(;|--)(?-u:[^\n])*", allow_greedy = true))]
#[logos(subpattern name = r"[A-Za-z_][A-Za-z0-9_]*")]
#[logos(subpattern path = r"(?&name)(::(?&name))*")]
#[repr(u8)]
pub enum Kind {
    /// One or more line ends, with blanks and comments between them. The span is that of the first one.
    #[regex(r"\r?\n([ \t]*((;|--)(?-u:[^\n])*|\r)?\n)*", allow_greedy = true)]
    Newline,
    /// `.name:`, known or not.
    #[regex(r#"\.(?-u:[^\s:.;"'\-])+:"#)]
    Directive,
    /// `.end`
    #[token(".end")]
    End,
    /// A dot that belongs to nothing.
    #[token(".")]
    Dot,
    /// `[[`
    #[token("[[")]
    AttributesOpen,
    /// `]]`
    #[token("]]")]
    AttributesClose,
    /// `%1`, `@ total`, `*iota`; the index may be negative or too large.
    #[regex(r"[%@*][ \t]*(-?[0-9]+|(?&path))")]
    Register,
    /// `f/1`, `a::f/`
    #[regex(r"(?&path)/[0-9]*", priority = 40)]
    FunctionName,
    /// Any other name, keywords and mnemonics included.
    #[regex(r"(?&path)(/[0-9]*(?&name))?", priority = 40)]
    Label,
    /// `local` `static` `global` `arguments` `parameters`
    #[token("local", priority = 60)]
    #[token("static", priority = 60)]
    #[token("global", priority = 60)]
    #[token("arguments", priority = 60)]
    #[token("parameters", priority = 60)]
    SetName,
    /// `true`
    #[token("true", priority = 60)]
    True,
    /// `false`
    #[token("false", priority = 60)]
    False,
    /// `void`
    #[token("void", priority = 60)]
    Void,
    /// `default`
    #[token("default", priority = 60)]
    Default,
    /// `infinity`
    #[token("infinity", priority = 60)]
    Infinity,
    /// `iota`
    #[token("iota", priority = 60)]
    Iota,
    /// `5`, `-5`; negative offsets are spelled like this, too.
    #[regex(r"-?[0-9]+", priority = 40)]
    Integer,
    /// `+5`
    #[regex(r"\+[0-9]+", priority = 40)]
    Offset,
    /// `1.5`
    #[regex(r"-?[0-9]+\.[0-9]+", priority = 40)]
    Float,
    /// `0b1`, `0o7`, `0xf`
    #[regex(r"0b[01]+|0o[0-7]+|0x[0-9a-f]+", priority = 40)]
    Bits,
    /// `5s`, `10ms`
    #[regex(r"[0-9]+(ms|s)", priority = 40)]
    Duration,
    /// `"…"`
    #[regex(r#""(?-u:[^"\\]|\\[\x00-\xff])*""#)]
    Text,
    /// `'…'`
    #[regex(r"'(?-u:[^'\\]|\\[\x00-\xff])*'")]
    Atom,
    /// A literal without its closing quote; it reaches to the end of the source.
    #[regex(r#""(?-u:[^"\\]|\\[\x00-\xff])*\\?"#, allow_greedy = true)]
    #[regex(r"'(?-u:[^'\\]|\\[\x00-\xff])*\\?", allow_greedy = true)]
    Unterminated,
    /// `(`
    #[token("(")]
    ParenOpen,
    /// `)`
    #[token(")")]
    ParenClose,
    /// `[`
    #[token("[")]
    BracketOpen,
    /// `]`
    #[token("]")]
    BracketClose,
    /// `^`
    #[token("^")]
    Caret,
    /// `*` that belongs to no register
    #[token("*")]
    Star,
    /// `{`
    #[token("{")]
    BraceOpen,
    /// `}`
    #[token("}")]
    BraceClose,
    /// `,`
    #[token(",")]
    Comma,
    /// A word or a character of no class.
    #[regex(r#"(?-u:[^\n\t\r \-~`!@#$%^&*()+={}\[\]|:;,.<>/?'"])+"#, priority = 1)]
    #[regex(r"[\-~`!@#$%&+=|:<>/?]", priority = 1)]
    Other,
}

impl Kind {
    /// The name of the class, for listings of tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Newline => "newline",
            Kind::Directive | Kind::End => "directive",
            Kind::AttributesOpen | Kind::AttributesClose => "attribute-bracket",
            Kind::Register => "register",
            Kind::FunctionName => "function-name",
            Kind::SetName => "set-name",
            Kind::Label | Kind::Void | Kind::Default | Kind::Infinity | Kind::Iota => "label",
            Kind::True | Kind::False => "boolean",
            Kind::Integer => "integer",
            Kind::Offset => "offset",
            Kind::Float => "float",
            Kind::Bits => "bits",
            Kind::Duration => "duration",
            Kind::Text | Kind::Unterminated => "text",
            Kind::Atom => "atom",
            Kind::ParenOpen | Kind::ParenClose | Kind::BracketOpen | Kind::BracketClose | Kind::Caret | Kind::Star => {
                "wrapping"
            }
            Kind::BraceOpen | Kind::BraceClose | Kind::Comma => "attribute-punctuation",
            Kind::Dot | Kind::Other => "other",
        }
    }

    /// Whether a word character right behind a token of this class would belong to its last word.
    const fn ends_in_a_word(self) -> bool {
        match self {
            Kind::End
            | Kind::Register
            | Kind::FunctionName
            | Kind::Label
            | Kind::SetName
            | Kind::True
            | Kind::False
            | Kind::Void
            | Kind::Default
            | Kind::Infinity
            | Kind::Iota
            | Kind::Integer
            | Kind::Offset
            | Kind::Float
            | Kind::Bits
            | Kind::Duration
            | Kind::Other => true,
            Kind::Newline
            | Kind::Directive
            | Kind::Dot
            | Kind::AttributesOpen
            | Kind::AttributesClose
            | Kind::Text
            | Kind::Atom
            | Kind::Unterminated
            | Kind::ParenOpen
            | Kind::ParenClose
            | Kind::BracketOpen
            | Kind::BracketClose
            | Kind::Caret
            | Kind::Star
            | Kind::BraceOpen
            | Kind::BraceClose
            | Kind::Comma => false,
        }
    }
}

/// A token: 12 bytes, so that the passes over a large file stay in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
    /// The class.
    pub kind: Kind,
}

impl Token {
    /// Where it stands.
    pub const fn span(self) -> Span {
        Span::new(self.start, self.end)
    }
    /// Its bytes.
    pub fn text(self, source: &[u8]) -> &[u8] {
        &source[self.span().range()]
    }
}

/// The tokens of a file.
pub type Tokens = Vec<Token>;

/// Splits a source text into tokens. Leading line ends are left out, a missing one at the end of the file is supplied
/// (with an empty span). O(n); never fails. Texts of 4 GiB and more must be refused before.
pub fn lex(source: &[u8]) -> Tokens {
    // Real programs have a token for every four to six bytes; growing once more is cheaper than a first look.
    let mut tokens = Vec::with_capacity(source.len() / 5 + 16);
    tokens.extend(Lexer::new(source));
    tokens
}

/// The tokens of [`lex`], one by one.
pub struct Lexer<'s> {
    source: &'s [u8],
    inner: logos::Lexer<'s, Kind>,
    /// Offset at which the source of `inner` begins.
    base: usize,
    /// Whether the last token was a newline, or there was none.
    at_line_start: bool,
}

impl<'s> Lexer<'s> {
    /// A lexer at the beginning of a text.
    pub fn new(source: &'s [u8]) -> Lexer<'s> {
        Lexer { source, inner: Kind::lexer(source), base: 0, at_line_start: true }
    }

    /// A token that is not what the automaton took it for.
    #[cold]
    fn by_words(&mut self, start: usize) -> Token {
        let (kind, end) = words::longest(self.source, start);
        self.base = end;
        self.inner = Kind::lexer(&self.source[end..]);
        Token { start: start as u32, end: end as u32, kind }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        loop {
            let Some(result) = self.inner.next() else {
                let end = self.source.len() as u32;
                let missing = !std::mem::replace(&mut self.at_line_start, true);
                return missing.then_some(Token { start: end, end, kind: Kind::Newline });
            };
            let span = self.inner.span();
            let (start, end) = (self.base + span.start, self.base + span.end);
            match result {
                Ok(Kind::Newline) => {
                    if std::mem::replace(&mut self.at_line_start, true) {
                        continue;
                    }
                    let start = if self.source[start] == b'\r' { start + 1 } else { start } as u32;
                    return Some(Token { start, end: start + 1, kind: Kind::Newline });
                }
                Ok(kind) if !(kind.ends_in_a_word() && words::continues_at(self.source, end)) => {
                    self.at_line_start = false;
                    return Some(Token { start: start as u32, end: end as u32, kind });
                }
                Ok(_) | Err(()) => {
                    self.at_line_start = false;
                    return Some(self.by_words(start));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
