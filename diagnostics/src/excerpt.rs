//! The few lines of source that a picture needs, made safe to draw: controls escaped, tabs widened, bytes that are
//! not UTF-8 shown as such, long lines cut around their marks, marks clamped to their line and to characters.
//!
//! Both drawing libraries are given nothing but this, which cures their pitfalls: offsets inside characters,
//! spans behind the end, control characters that end lines or steer the terminal, sources of any size.

use crate::text::{char_width, is_unsafe, push_escaped};
use crate::{Location, Source};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

const TAB_WIDTH: usize = 4;

/// Bytes of a line looked at before and behind its marks; no terminal shows more.
const REACH: usize = 2000;

/// A stretch of source to mark.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub at: Location,
    /// The fault itself; others are underlined more softly.
    pub primary: bool,
    /// Text beside the underline; may be empty.
    pub message: String,
}

/// A prepared line.
#[derive(Debug)]
pub(crate) struct Line {
    /// From 1.
    pub number: usize,
    /// Its bytes in [`Excerpt::text`], without the line feed.
    pub range: Range<usize>,
}

/// A prepared mark.
#[derive(Debug)]
pub(crate) struct Label {
    /// Index into [`Excerpt::lines`].
    pub line: usize,
    /// Its bytes in [`Excerpt::text`]; may be empty.
    pub range: Range<usize>,
    pub primary: bool,
    pub message: String,
}

/// What is drawn.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    pub text: String,
    /// In order of their numbers; not all adjacent.
    pub lines: Vec<Line>,
    /// In order of lines.
    pub labels: Vec<Label>,
}

/// How much to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Lines before and after a marked one.
    pub context: usize,
    /// Cells for the text of a line.
    pub width: usize,
    /// Whether `…` may be drawn.
    pub unicode: bool,
}

/// Prepares the lines that hold the marks.
pub(crate) fn prepare(source: &Source, marks: Vec<Mark>, limits: Limits) -> Excerpt {
    let mut by_line: BTreeMap<usize, Vec<Mark>> = BTreeMap::new();
    for mark in marks {
        let start = (mark.at.span.start as usize).min(source.text.len());
        by_line.entry(source.line_column(start as u32).0).or_default().push(mark);
    }
    let mut excerpt = Excerpt::default();
    for number in shown_lines(source, by_line.keys().copied().collect(), limits.context) {
        let marks = by_line.remove(&number).unwrap_or_default();
        push_line(&mut excerpt, source, number, marks, limits);
    }
    excerpt
}

/// The marked lines with their context, and lone lines between those; blank lines at the edges are left out.
fn shown_lines(source: &Source, marked: Vec<usize>, context: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = Vec::new();
    for &line in &marked {
        let last = (line + context).min(source.line_count());
        for number in line.saturating_sub(context).max(1)..=last {
            // The gutter is as wide as the last marked number; a longer one behind it would stand out.
            if number <= line || digits(number) == digits(line) || marked.binary_search(&number).is_ok() {
                shown.push(number);
            }
        }
    }
    shown.sort_unstable();
    shown.dedup();
    if context > 0 {
        let lone = |pair: &[usize]| (pair[1] == pair[0] + 2).then_some(pair[0] + 1);
        let between: Vec<usize> = shown.windows(2).filter_map(lone).collect();
        shown.extend(between);
        shown.sort_unstable();
    }
    let is_edge = |at: usize, step: isize| {
        let neighbour = shown[at].checked_add_signed(step);
        neighbour.is_none_or(|neighbour| shown.binary_search(&neighbour).is_err())
    };
    let drop: Vec<bool> = (0..shown.len())
        .map(|at| {
            let blank = source.line(shown[at]).iter().all(u8::is_ascii_whitespace);
            blank && marked.binary_search(&shown[at]).is_err() && (is_edge(at, -1) || is_edge(at, 1))
        })
        .collect();
    shown.into_iter().zip(drop).filter(|(_, drop)| !drop).map(|(number, _)| number).collect()
}

/// The decimal digits of a number.
pub(crate) fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn push_line(excerpt: &mut Excerpt, source: &Source, number: usize, mut marks: Vec<Mark>, limits: Limits) {
    let raw = source.line(number);
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    let line_start = source.line_start(number) as usize;
    marks.sort_by_key(|mark| (mark.at.span.start, mark.at.span.end));
    let offset = |at: u32| (at as usize).saturating_sub(line_start).min(raw.len());
    let focus = marks.iter().find(|mark| mark.primary).or(marks.first());
    let focus = focus.map_or(0..0, |mark| offset(mark.at.span.start)..offset(mark.at.span.end));
    let piece = shown_piece(raw, focus, limits);
    let base = excerpt.text.len();
    excerpt.text.push_str(&piece.text);
    let line = excerpt.lines.len();
    excerpt.lines.push(Line { number, range: base..excerpt.text.len() });
    excerpt.text.push('\n');
    excerpt.labels.extend(marks.into_iter().map(|mark| {
        let start = piece.start_of(offset(mark.at.span.start));
        let end = piece.end_of(offset(mark.at.span.end)).max(start);
        Label { line, range: base + start..base + end, primary: mark.primary, message: mark.message }
    }));
}

/// The part of a line that is shown, and where its bytes went.
struct Piece {
    text: String,
    /// Offset in the raw line and offset in the text, of every character shown and of the end.
    places: Vec<(usize, usize)>,
}

impl Piece {
    /// Where the character that holds this byte begins.
    fn start_of(&self, raw: usize) -> usize {
        let at = self.places.partition_point(|(from, _)| *from <= raw);
        self.places[at.saturating_sub(1)].1
    }
    /// Where the character before this byte ends.
    fn end_of(&self, raw: usize) -> usize {
        let at = self.places.partition_point(|(from, _)| *from < raw);
        self.places[at.min(self.places.len() - 1)].1
    }
}

fn shown_piece(raw: &[u8], focus: Range<usize>, limits: Limits) -> Piece {
    let from = focus.start.saturating_sub(REACH);
    let to = focus.end.min(focus.start + REACH).saturating_add(REACH).min(raw.len());
    let characters = printable(raw, from..to);
    let total = characters.last().map_or(0, |character| character.cell + character.cells);
    if from == 0 && to == raw.len() && total <= limits.width {
        return join(&characters, to, "", "");
    }
    // Keep the mark, with a quarter of the width before it.
    let (ellipsis, ellipsis_cells) = if limits.unicode { ("…", 1) } else { ("...", 3) };
    let room = limits.width.saturating_sub(2 * ellipsis_cells).max(8);
    let cell_of = |offset: usize| {
        let at = characters.partition_point(|character| character.raw < offset);
        characters.get(at).map_or(total, |character| character.cell)
    };
    let (focus_start, focus_end) = (cell_of(focus.start), cell_of(focus.end));
    let first_cell = if focus_end <= room && from == 0 { 0 } else { focus_start.saturating_sub(room / 4) };
    let start = characters.partition_point(|character| character.cell < first_cell);
    let end = characters.partition_point(|character| character.cell + character.cells <= first_cell + room);
    let shown = &characters[start..end.max(start)];
    let behind = characters.get(end).map_or(to, |character| character.raw);
    let before = if start > 0 || from > 0 { ellipsis } else { "" };
    let after = if end < characters.len() || to < raw.len() { ellipsis } else { "" };
    join(shown, behind, before, after)
}

fn join(characters: &[Printable], behind: usize, before: &str, after: &str) -> Piece {
    let mut text = before.to_owned();
    let mut places = Vec::with_capacity(characters.len() + 1);
    for character in characters {
        places.push((character.raw, text.len()));
        text.push_str(&character.text);
    }
    places.push((behind, text.len()));
    text.push_str(after);
    Piece { text, places }
}

/// What is printed for one character, or for one byte that is not part of one.
struct Printable {
    raw: usize,
    text: String,
    cell: usize,
    cells: usize,
}

fn printable(raw: &[u8], window: Range<usize>) -> Vec<Printable> {
    let mut characters: Vec<Printable> = Vec::with_capacity(window.len());
    let mut at = window.start;
    let mut cell = 0;
    let mut push = |raw: usize, text: String, cells: usize| {
        characters.push(Printable { raw, text, cell, cells });
        cell += cells;
        cell
    };
    let mut column = 0;
    for chunk in raw[window].utf8_chunks() {
        for character in chunk.valid().chars() {
            let (text, cells) = match character {
                '\t' => {
                    let cells = TAB_WIDTH - column % TAB_WIDTH;
                    (" ".repeat(cells), cells)
                }
                _ if is_unsafe(character) => {
                    let mut escaped = String::new();
                    push_escaped(&mut escaped, character);
                    let cells = escaped.len();
                    (escaped, cells)
                }
                _ => (character.to_string(), char_width(character)),
            };
            column = push(at, text, cells);
            at += character.len_utf8();
        }
        for byte in chunk.invalid() {
            let mut escaped = String::new();
            let written = write!(escaped, "\\x{byte:02x}");
            debug_assert!(written.is_ok());
            column = push(at, escaped, 4);
            at += 1;
        }
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileId, Span};

    /// The line with the marked part in brackets.
    fn marked(text: &[u8], span: Range<u32>, width: usize) -> String {
        let source = Source::new("x", text);
        let at = Span::new(span.start, span.end).in_file(FileId(0));
        let mark = Mark { at, primary: true, message: String::new() };
        let excerpt = prepare(&source, vec![mark], Limits { context: 0, width, unicode: true });
        let label = &excerpt.labels[0];
        let line = &excerpt.lines[label.line].range;
        let text = &excerpt.text;
        format!(
            "{}[{}]{}",
            &text[line.start..label.range.start],
            &text[label.range.clone()],
            &text[label.range.end..line.end]
        )
    }

    #[test]
    fn marks_follow_tabs_and_escapes() {
        assert_eq!(marked(b"\tprint\t%1", 7..9, 80), "    print   [%1]");
        assert_eq!(marked(b"a\x1bb", 1..2, 80), "a[\\x1b]b");
        assert_eq!(marked(b"a\xffb", 2..3, 80), "a\\xff[b]");
    }

    #[test]
    fn marks_are_clamped_to_characters_and_lines() {
        let euro = "a\u{20ac}b".as_bytes();
        assert_eq!(marked(euro, 2..3, 80), "a[\u{20ac}]b");
        assert_eq!(marked(b"ab\r\ncd", 1..6, 80), "a[b]");
        assert_eq!(marked(b"ab\n", 2..3, 80), "ab[]");
        assert_eq!(marked(b"ab\n", 3..3, 80), "[]");
        assert_eq!(marked(b"", 0..0, 80), "[]");
        assert_eq!(marked(b"ab", 90..95, 80), "ab[]");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let line = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        assert_eq!(marked(line.as_bytes(), 5000..5001, 26), "…aaaaaa[X]bbbbbbbbbbbbbbbbb…");
        assert_eq!(marked(line.as_bytes(), 0..1, 26), "[a]aaaaaaaaaaaaaaaaaaaaaaa…");
    }
}
