//! Text of strangers made safe to print: control characters are escaped, widths are measured in terminal cells.

use std::borrow::Cow;
use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Escapes control characters, line separators and characters that turn the direction of writing.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe(character) {
            push_escaped(&mut escaped, character);
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character could steer the terminal or hide what is written.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Appends the escape of a character for which [`is_unsafe`] holds.
pub(crate) fn push_escaped(out: &mut String, character: char) {
    let written = match character {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        _ if character.is_ascii() => write!(out, "\\x{:02x}", character as u32),
        _ => write!(out, "\\u{{{:x}}}", character as u32),
    };
    debug_assert!(written.is_ok(), "a String takes everything");
}

/// Cells that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Cells that a character takes on a terminal.
pub(crate) fn char_width(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// The text, cut to so many cells with `ellipsis` at its end.
pub(crate) fn cut<'a>(text: &'a str, cells: usize, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let limit = cells.saturating_sub(width(ellipsis));
    let mut used = 0;
    let end = text
        .char_indices()
        .find(|(_, character)| {
            used += char_width(*character);
            used > limit
        })
        .map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}{ellipsis}", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        assert_eq!(escape("a\x1b[2J\nb\u{202e}\u{85}"), "a\\x1b[2J\\nb\\u{202e}\\u{85}");
        assert!(matches!(escape("zażółć"), Cow::Borrowed(_)));
    }

    #[test]
    fn cutting_counts_cells() {
        assert_eq!(cut("日本語", 6, "…"), "日本語");
        assert_eq!(cut("日本語", 5, "…"), "日本…");
        assert_eq!(cut("abc", 2, "…"), "a…");
    }
}
