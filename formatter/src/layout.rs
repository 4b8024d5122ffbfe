//! Where lines begin, how far they are indented, and where an empty line stands.
//!
//! Statements begin lines as they were written. A list is broken, one element a line, if it must be (see `shape`) or if
//! its line would be too long; then the lists inside its elements are looked at in the same way.

use crate::lines::Lines;
use crate::pieces::{Piece, Role, What};
use crate::{INDENT, WIDTH};

/// Deeper levels are not indented further, so that the length of the result stays linear.
const MAX_INDENT: u32 = 64;

/// What is open.
#[derive(Clone, Copy)]
enum Frame {
    Body {
        /// Indentation of the line that it begins on.
        outer: u32,
    },
    Bracket {
        outer: u32,
        is_list: bool,
        is_broken: bool,
        /// The last token of the line, if nothing more of it is broken.
        tail: usize,
    },
}

struct Layout<'p> {
    pieces: &'p [Piece],
    lines: Lines<'p>,
    frames: Vec<Frame>,
    /// The line that is being written: its indentation, its first token, and its last one if nothing is broken.
    indent: u32,
    first: usize,
    tail: usize,
    /// The token before.
    before: Option<usize>,
    /// Whether nothing of the innermost body is written yet.
    at_body_start: bool,
    /// Whether the last line ended a definition at top level.
    behind_definition: bool,
    /// Whether the last line was a comment.
    behind_comment: bool,
}

/// Lays out the pieces of a text. O(n).
pub(crate) fn layout(source: &[u8], pieces: &[Piece]) -> Vec<u8> {
    let mut layout = Layout {
        pieces,
        lines: Lines::new(source),
        frames: Vec::new(),
        indent: 0,
        first: 0,
        tail: 0,
        before: None,
        at_body_start: false,
        behind_definition: false,
        behind_comment: false,
    };
    for (at, piece) in pieces.iter().enumerate() {
        match piece.what {
            What::Comment if piece.newlines == 0 && at > 0 => layout.lines.end(Some(piece.span)),
            What::Comment => layout.comment(at),
            What::Token(_) => layout.token(at),
        }
    }
    layout.lines.finish()
}

impl Layout<'_> {
    /// A comment on a line of its own.
    fn comment(&mut self, at: usize) {
        self.begin_line(at, self.content_indent());
        self.lines.write(self.pieces[at].span);
        self.lines.end(None);
        self.behind_comment = true;
    }

    fn token(&mut self, at: usize) {
        let piece = &self.pieces[at];
        let closed = match piece.role {
            Role::Close | Role::End => self.frames.pop(),
            Role::Plain | Role::Open { .. } | Role::Definition | Role::Iota => None,
        };
        if let Some((indent, tail)) = self.new_line(at, closed) {
            self.begin_line(at, indent);
            self.behind_comment = false;
            (self.first, self.tail) = (at, tail);
        } else if piece.blank_before {
            self.lines.blank();
        }
        self.lines.write_token(piece);
        match piece.role {
            Role::Open { close, is_list, breaks } => {
                let is_broken = breaks || (is_list && close > at + 1 && self.is_too_long());
                self.frames.push(Frame::Bracket { outer: self.indent, is_list, is_broken, tail: self.tail });
            }
            Role::Definition => {
                self.frames.push(Frame::Body { outer: self.indent });
                self.at_body_start = true;
            }
            Role::End => self.behind_definition = self.frames.is_empty(),
            Role::Plain | Role::Close | Role::Iota => {}
        }
        self.before = Some(at);
    }

    /// If the token begins a line: how far that is indented, and the last token on it.
    fn new_line(&self, at: usize, closed: Option<Frame>) -> Option<(u32, usize)> {
        let piece = &self.pieces[at];
        match closed {
            Some(Frame::Body { outer }) => return Some((outer, piece.line_end.unwrap_or(at))),
            Some(Frame::Bracket { outer, is_broken: true, tail, .. }) => return Some((outer, tail)),
            Some(Frame::Bracket { is_broken: false, .. }) => return None,
            None => {}
        }
        if let Some(end) = piece.line_end {
            return Some((self.content_indent(), end));
        }
        let before = self.before.map(|before| self.pieces[before].role);
        let tail = match (self.frames.last(), before, piece.role) {
            (Some(Frame::Bracket { is_list: true, is_broken: true, .. }), Some(Role::Iota), _) => None,
            (Some(Frame::Bracket { is_list: true, is_broken: true, .. }), _, Role::Open { close, .. }) => Some(close),
            (Some(Frame::Bracket { is_list: true, is_broken: true, .. }), _, Role::Iota) => Some(at + 1),
            (Some(Frame::Bracket { is_list: true, is_broken: true, .. }), ..) => Some(at),
            // The last token in parentheses stands before the closing one.
            (Some(Frame::Bracket { is_broken: true, .. }), Some(Role::Open { close, .. }), _) => Some(close - 1),
            // Behind a comment there is no choice.
            _ => self.lines.is_at_start().then_some(at),
        };
        tail.map(|tail| (self.content_indent(), tail))
    }

    /// Whether the line is too long as it is.
    fn is_too_long(&self) -> bool {
        let written = self.pieces[self.tail].column_end().saturating_sub(self.pieces[self.first].column);
        u64::from(self.indent) + written > WIDTH
    }

    /// The indentation of what stands in the innermost body or broken bracket.
    fn content_indent(&self) -> u32 {
        match self.frames.last() {
            None => 0,
            Some(Frame::Body { outer } | Frame::Bracket { outer, is_broken: true, .. }) => {
                (outer + INDENT).min(MAX_INDENT)
            }
            Some(Frame::Bracket { is_broken: false, .. }) => self.indent,
        }
    }

    fn begin_line(&mut self, at: usize, indent: u32) {
        if !self.lines.is_at_start() {
            self.lines.end(None);
        }
        if self.wants_empty_line(at) {
            self.lines.end(None);
        }
        self.at_body_start = false;
        self.behind_definition = false;
        self.indent = indent;
        self.lines.indent(indent);
    }

    fn wants_empty_line(&self, at: usize) -> bool {
        let piece = &self.pieces[at];
        match self.frames.last() {
            _ if self.lines.is_empty() || piece.role == Role::End => false,
            Some(Frame::Bracket { .. }) => false,
            Some(Frame::Body { .. }) => piece.newlines > 1 && !self.at_body_start,
            None => piece.newlines > 1 || self.behind_definition || self.leads_to_definition(at),
        }
    }

    /// Whether a definition, or the comment right above one, begins here.
    fn leads_to_definition(&self, at: usize) -> bool {
        // Comments were asked for when the first of them came.
        if self.behind_comment {
            return false;
        }
        let mut above = self.pieces[at..].iter().enumerate();
        let next = above.find(|(distance, piece)| piece.what != What::Comment || (*distance > 0 && piece.newlines > 1));
        next.is_some_and(|(distance, piece)| piece.role == Role::Definition && (distance == 0 || piece.newlines == 1))
    }
}
