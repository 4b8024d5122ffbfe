//! Source texts and positions in them. Spans are byte offsets; lines and columns are computed when a finding is shown.

use std::sync::Arc;

/// A stretch of bytes of one file, `start..end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }
    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
    /// The number of bytes.
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
    /// Whether it covers no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
    /// As a range for indexing the source.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
    /// In that file.
    pub const fn in_file(self, file: FileId) -> Location {
        Location { file, span: self }
    }
}

/// A file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A stretch of bytes of some file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Span,
}

/// One source text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as given (`<stdin>` for standard input).
    pub path: String,
    /// The bytes as read.
    pub text: Arc<[u8]>,
    line_starts: Vec<u32>,
}

impl Source {
    /// Indexes the lines of a text. O(n). Texts of 4 GiB and more must be refused before.
    pub fn new(path: impl Into<String>, text: impl Into<Arc<[u8]>>) -> Source {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(memchr_lines(&text));
        Source { path: path.into(), text, line_starts }
    }

    /// Line and column of an offset, both counted from 1, the column in bytes. O(log lines).
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start <= offset) - 1;
        (line + 1, (offset - self.line_starts[line]) as usize + 1)
    }

    /// The bytes of a line (counted from 1), without its line feed.
    pub fn line(&self, line: usize) -> &[u8] {
        let start = self.line_starts[line - 1] as usize;
        let end = self.line_starts.get(line).map_or(self.text.len(), |&next| next as usize - 1);
        &self.text[start..end]
    }

    /// The number of lines; a final line feed opens one more, empty line.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The offset at which a line (counted from 1) begins.
    pub fn line_start(&self, line: usize) -> u32 {
        self.line_starts[line - 1]
    }
}

fn memchr_lines(text: &[u8]) -> impl Iterator<Item = u32> + '_ {
    text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at as u32 + 1)
}

/// The source texts of a run.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a text.
    pub fn add(&mut self, source: Source) -> FileId {
        self.sources.push(source);
        FileId(self.sources.len() as u32 - 1)
    }

    /// The file with that path.
    pub fn find(&self, path: &str) -> Option<FileId> {
        self.sources.iter().position(|source| source.path == path).map(|at| FileId(at as u32))
    }

    /// The text of a file.
    pub fn source(&self, file: FileId) -> &Source {
        &self.sources[file.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_bytes_from_one() {
        let source = Source::new("x", "ab\n\u{17c}c\n".as_bytes());
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(2), (1, 3));
        assert_eq!(source.line_column(5), (2, 3));
        assert_eq!(source.line(2), "\u{17c}c".as_bytes());
        assert_eq!(source.line_count(), 3);
        assert_eq!(source.line(3), b"");
    }
}
