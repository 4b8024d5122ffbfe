//! What belongs together: which tokens begin lines, which brackets are partners and hold line ends that must stay,
//! and between which tokens there is no blank. The rules for line ends are those by which the parser drops them.

use crate::pieces::{Piece, Role, What};
use viua_lexer::Kind;

/// What is open.
enum Context {
    Body,
    Bracket {
        open: usize,
        is_list: bool,
        /// A comment stands in it, or it is a list that was written on several lines.
        breaks: bool,
        /// A line end must stand somewhere inside it.
        holds_line_end: bool,
    },
}

struct Walk<'s> {
    source: &'s [u8],
    contexts: Vec<Context>,
    in_attributes: bool,
}

/// Completes the pieces of a text without syntax errors. O(n).
pub(crate) fn find(source: &[u8], pieces: &mut [Piece]) {
    let mut walk = Walk { source, contexts: Vec::new(), in_attributes: false };
    let mut line = None;
    let mut last: Option<usize> = None;
    let mut column = 0;
    for at in 0..pieces.len() {
        let What::Token(kind) = pieces[at].what else {
            walk.must_break();
            pieces[at].column = column;
            continue;
        };
        if !walk.in_bracket() && (last.is_none() || pieces[at].newlines > 0) {
            end_line(pieces, line.replace(at), last);
            walk.in_attributes = false;
        }
        let before = last.map(|last| &pieces[last]);
        let is_list = before.is_some_and(|before| before.what == What::Token(Kind::BracketOpen));
        if is_list && pieces[at].newlines > 0 && kind != Kind::BracketClose {
            walk.must_break();
        }
        let blank = before.is_some_and(|before| !walk.touch(before.what, kind));
        let gap = if kind == Kind::Register { walk.gap(&pieces[at]) } else { 0 };
        column += u64::from(blank);
        let piece = &mut pieces[at];
        (piece.blank_before, piece.gap, piece.column) = (blank, gap, column);
        piece.width = piece.text(source).iter().map(|part| width(part)).sum();
        column = piece.column_end();
        walk.token(kind, at, pieces);
        last = Some(at);
    }
    end_line(pieces, line, last);
}

fn end_line(pieces: &mut [Piece], first: Option<usize>, last: Option<usize>) {
    if let Some(first) = first {
        pieces[first].line_end = last;
    }
}

/// The number of characters.
pub(crate) fn width(text: &[u8]) -> u64 {
    // All bytes of UTF-8 but those that continue a character.
    text.iter().filter(|byte| (**byte & 0xc0) != 0x80).count() as u64
}

impl Walk<'_> {
    fn in_bracket(&self) -> bool {
        matches!(self.contexts.last(), Some(Context::Bracket { .. }))
    }

    /// The innermost bracket cannot stand on one line.
    fn must_break(&mut self) {
        if let Some(Context::Bracket { breaks, .. }) = self.contexts.last_mut() {
            *breaks = true;
        }
    }

    fn token(&mut self, kind: Kind, at: usize, pieces: &mut [Piece]) {
        if self.in_attributes {
            self.in_attributes = kind != Kind::AttributesClose;
            return;
        }
        match kind {
            Kind::AttributesOpen => self.in_attributes = true,
            Kind::Directive => pieces[at].role = self.directive(&self.source[pieces[at].span.range()]),
            Kind::End => {
                if let Some(Context::Body) = self.contexts.last() {
                    self.contexts.pop();
                    self.holds_line_end();
                    pieces[at].role = Role::End;
                }
            }
            Kind::ParenOpen | Kind::BracketOpen => {
                let is_list = kind == Kind::BracketOpen;
                self.contexts.push(Context::Bracket { open: at, is_list, breaks: false, holds_line_end: false });
            }
            Kind::ParenClose | Kind::BracketClose => {
                if let Some((open, role)) = self.close(kind == Kind::BracketClose, at) {
                    pieces[open].role = role;
                    pieces[at].role = Role::Close;
                }
            }
            _ => {}
        }
        if pieces[at].role == Role::Definition {
            self.contexts.push(Context::Body);
        }
    }

    fn directive(&self, text: &[u8]) -> Role {
        match text {
            b".function:" | b".closure:" | b".block:" => Role::Definition,
            b".iota:" => Role::Iota,
            _ => Role::Plain,
        }
    }

    /// Closes the innermost context, if it is a bracket of that kind: where it opens, and its role.
    fn close(&mut self, closes_list: bool, close: usize) -> Option<(usize, Role)> {
        let &Context::Bracket { open, is_list, breaks, holds_line_end } = self.contexts.last()? else { return None };
        if is_list != closes_list {
            return None;
        }
        self.contexts.pop();
        if breaks || holds_line_end {
            self.holds_line_end();
        }
        Some((open, Role::Open { close, is_list, breaks: breaks || (is_list && holds_line_end) }))
    }

    fn holds_line_end(&mut self) {
        if let Some(Context::Bracket { holds_line_end, .. }) = self.contexts.last_mut() {
            *holds_line_end = true;
        }
    }

    /// Blanks between sigil and index mean nothing, unless any token is welcome: in attributes, and in declarations.
    fn gap(&self, register: &Piece) -> u32 {
        if self.in_attributes || self.contexts.is_empty() {
            return 0;
        }
        let rest = &self.source[register.span.range()][1..];
        (rest.len() - rest.trim_ascii_start().len()) as u32
    }

    /// Whether there is no blank between two tokens. Only where they cannot be taken for one.
    fn touch(&self, before: What, kind: Kind) -> bool {
        let What::Token(before) = before else { return false };
        // What follows a dot may make a directive of it.
        if matches!(before, Kind::Dot | Kind::End) && self.in_attributes {
            return false;
        }
        if self.in_attributes {
            return match (before, kind) {
                (Kind::BracketClose, Kind::AttributesClose) => false,
                (Kind::AttributesOpen | Kind::BraceOpen, _) => true,
                (_, Kind::AttributesClose | Kind::BraceOpen | Kind::BraceClose | Kind::Comma) => true,
                _ => false,
            };
        }
        match (before, kind) {
            (Kind::Caret | Kind::Star, Kind::ParenOpen | Kind::BracketOpen) => true,
            (Kind::BracketOpen, Kind::BracketOpen | Kind::AttributesOpen) => false,
            (Kind::BracketClose, Kind::BracketClose) => false,
            (Kind::ParenOpen | Kind::BracketOpen, _) | (_, Kind::ParenClose | Kind::BracketClose) => self.in_bracket(),
            _ => false,
        }
    }
}
