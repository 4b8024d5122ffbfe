//! The lines of the result: text first, and the comments behind it when all lines of a run are known.

use crate::WIDTH;
use crate::pieces::Piece;
use crate::shape::width;
use viua_diagnostics::Span;

/// Blanks before a comment that follows something.
const BEFORE_COMMENT: u64 = 2;

struct Line {
    indent: u32,
    /// Where it ends in the text.
    end: usize,
    /// Characters since the last line feed.
    width: u64,
    comment: Option<Span>,
}

/// Lines, and the one that is being written.
pub(crate) struct Lines<'s> {
    source: &'s [u8],
    text: Vec<u8>,
    lines: Vec<Line>,
    /// Where the line that is being written begins.
    start: usize,
    indent: u32,
}

impl<'s> Lines<'s> {
    pub fn new(source: &'s [u8]) -> Lines<'s> {
        Lines { source, text: Vec::with_capacity(source.len()), lines: Vec::new(), start: 0, indent: 0 }
    }

    /// Whether there is no line yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.lines.is_empty()
    }

    /// Whether nothing is written on this line.
    pub fn is_at_start(&self) -> bool {
        self.text.len() == self.start
    }

    /// Begins the line.
    pub fn indent(&mut self, blanks: u32) {
        self.indent = blanks;
        self.text.resize(self.text.len() + blanks as usize, b' ');
    }

    pub fn blank(&mut self) {
        self.text.push(b' ');
    }

    pub fn write(&mut self, span: Span) {
        self.text.extend_from_slice(&self.source[span.range()]);
    }

    pub fn write_token(&mut self, token: &Piece) {
        for part in token.text(self.source) {
            self.text.extend_from_slice(part);
        }
    }

    /// Ends the line, with a comment behind it.
    pub fn end(&mut self, comment: Option<Span>) {
        let written = &self.text[self.start..];
        // A literal may hold line feeds.
        let last = written.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        self.lines.push(Line { indent: self.indent, end: self.text.len(), width: width(last), comment });
        self.start = self.text.len();
    }

    /// Everything, with comments of adjacent lines below each other if the lines are equally indented.
    pub fn finish(mut self) -> Vec<u8> {
        if !self.is_at_start() {
            self.end(None);
        }
        let mut result = Vec::with_capacity(self.text.len() + self.source.len() / 4);
        let mut start = 0;
        // A long line stays out of it: its neighbours would become as long.
        let can_follow = |line: &Line| line.comment.is_some() && line.width <= WIDTH;
        let together = |a: &Line, b: &Line| can_follow(a) && can_follow(b) && a.indent == b.indent;
        for run in self.lines.chunk_by(together) {
            let column = BEFORE_COMMENT + run.iter().map(|line| line.width).max().unwrap_or_default();
            for line in run {
                result.extend_from_slice(&self.text[start..line.end]);
                if let Some(comment) = line.comment {
                    result.resize(result.len() + (column - line.width) as usize, b' ');
                    result.extend_from_slice(&self.source[comment.range()]);
                }
                result.push(b'\n');
                start = line.end;
            }
        }
        result
    }
}
