//! What the layout keeps of a text: its tokens and comments, and how many line ends stood before each.

use viua_diagnostics::Span;
use viua_lexer::{Kind, Lexer, RawKind, raw};

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Token(Kind),
    Comment,
}

/// What a token does to the lines around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing.
    Plain,
    /// A bracket that has a partner. `breaks`: its content stands on lines of its own, however short it is.
    Open { close: usize, is_list: bool, breaks: bool },
    /// The partner of an opening bracket.
    Close,
    /// The directive that begins a definition.
    Definition,
    /// The `.end` of a definition.
    End,
    /// `.iota:`; the token behind it belongs to it.
    Iota,
}

/// A token or a comment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub what: What,
    pub span: Span,
    /// Line ends since the piece before; all that matters is whether there are none, one or more.
    pub newlines: u8,
    pub role: Role,
    /// Whether there is a blank before it when it does not begin a line.
    pub blank_before: bool,
    /// Blanks behind its first byte, to be left out.
    pub gap: u32,
    /// If it begins a statement, or goes on with one behind an inline block: the last token up to the end of the
    /// statement or to the next such block.
    pub line_end: Option<usize>,
    /// Where it would begin if the whole text were a single line.
    pub column: u64,
    /// Its characters.
    pub width: u64,
}

impl Piece {
    fn new(what: What, span: Span, newlines: u8) -> Piece {
        Piece {
            what,
            span,
            newlines,
            role: Role::Plain,
            blank_before: true,
            gap: 0,
            line_end: None,
            column: 0,
            width: 0,
        }
    }

    /// Its bytes, in two parts.
    pub fn text(self, source: &[u8]) -> [&[u8]; 2] {
        let (first, rest) = source[self.span.range()].split_at(1);
        [first, &rest[self.gap as usize..]]
    }

    /// Where it would end if the whole text were a single line.
    pub fn column_end(self) -> u64 {
        self.column + self.width
    }
}

/// The tokens and comments of a text. O(n).
pub(crate) fn split(source: &[u8]) -> Vec<Piece> {
    // The raw tokens know of comments and blank lines, the others know what belongs together.
    let mut tokens = Lexer::new(source).filter(|token| token.kind != Kind::Newline).peekable();
    let mut pieces = Vec::with_capacity(source.len() / 4);
    let (mut covered, mut newlines) = (0, 0u8);
    for raw in raw(source) {
        if raw.span.start < covered {
            continue;
        }
        let what = match raw.kind {
            RawKind::Blank => continue,
            RawKind::Newline => {
                newlines = newlines.saturating_add(1);
                continue;
            }
            RawKind::Comment => (What::Comment, trimmed(source, raw.span)),
            RawKind::Word | RawKind::Punctuation | RawKind::Literal => {
                let Some(token) = tokens.next() else { break };
                covered = token.end;
                (What::Token(token.kind), token.span())
            }
        };
        pieces.push(Piece::new(what.0, what.1, std::mem::take(&mut newlines)));
    }
    pieces
}

fn trimmed(source: &[u8], comment: Span) -> Span {
    Span::new(comment.start, comment.start + source[comment.range()].trim_ascii_end().len() as u32)
}
