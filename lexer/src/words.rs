//! Words, and the classes by hand: the longest class that can be made of the words and characters that touch.
//!
//! The automaton of [`crate::lex`] works on bytes and may stop inside a word (`1.5e3` begins like a float, `%1x` like a
//! register). Such tokens come here and are built again from whole words, as language.md §3 defines them. The
//! automaton never finds a shorter token than this, so looking at what follows its token is enough.

use crate::Kind;

/// The characters that end a word, besides the line end (language.md §3).
const ENDS_WORD: &[u8] = b"\n \t-~`!@#$%^&*()+={}[]|:;,.<>/?'\"";

const WORD_BYTES: [bool; 256] = {
    let mut table = [true; 256];
    let mut i = 0;
    while i < ENDS_WORD.len() {
        table[ENDS_WORD[i] as usize] = false;
        i += 1;
    }
    table
};

/// Whether the byte at that offset is part of a word. A carriage return is, unless a line feed follows.
#[inline]
pub(crate) fn continues_at(source: &[u8], at: usize) -> bool {
    match source.get(at) {
        Some(b'\r') => source.get(at + 1) != Some(&b'\n'),
        Some(&byte) => WORD_BYTES[byte as usize],
        None => false,
    }
}

/// The offset behind the word that begins at `at`; `at` itself if none does.
pub(crate) fn word_end(source: &[u8], mut at: usize) -> usize {
    while continues_at(source, at) {
        at += 1;
    }
    at
}

/// Class and end of the token that begins at `start`, by the definition. Not for blanks, comments, line ends, literals
/// and directives, which the automaton always gets right.
pub(crate) fn longest(source: &[u8], start: usize) -> (Kind, usize) {
    let end = word_end(source, start);
    if end > start {
        let word = &source[start..end];
        return if is_name(word) {
            name(source, start, end)
        } else if is_digits(word) {
            number(source, end)
        } else {
            (class_of_word(word), end)
        };
    }
    let rest = start + 1;
    let word = &source[rest..word_end(source, rest)];
    match source[start] {
        b'-' if is_digits(word) => number(source, rest + word.len()),
        b'+' if is_digits(word) => (Kind::Offset, rest + word.len()),
        b'.' if word == b"end" => (Kind::End, rest + word.len()),
        b'.' => (Kind::Dot, rest),
        sigil @ (b'%' | b'@' | b'*') => {
            let lone = if sigil == b'*' { Kind::Star } else { Kind::Other };
            register(source, rest).map_or((lone, rest), |end| (Kind::Register, end))
        }
        _ => (Kind::Other, rest),
    }
}

/// The end of a register whose sigil ends at `at`.
fn register(source: &[u8], mut at: usize) -> Option<usize> {
    while matches!(source.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    let negative = source.get(at) == Some(&b'-');
    let begin = at + usize::from(negative);
    let end = word_end(source, begin);
    let word = &source[begin..end];
    if is_digits(word) {
        Some(end)
    } else if is_name(word) && !negative {
        Some(path_end(source, end))
    } else {
        None
    }
}

/// The end of `a::b::c` whose first word ends at `at`.
fn path_end(source: &[u8], mut at: usize) -> usize {
    while source[at..].starts_with(b"::") {
        let end = word_end(source, at + 2);
        if !is_name(&source[at + 2..end]) {
            break;
        }
        at = end;
    }
    at
}

fn name(source: &[u8], start: usize, first_end: usize) -> (Kind, usize) {
    let end = path_end(source, first_end);
    if source.get(end) != Some(&b'/') {
        let kind = if end == first_end { class_of_word(&source[start..end]) } else { Kind::Label };
        return (kind, end);
    }
    let behind = word_end(source, end + 1);
    let word = &source[end + 1..behind];
    if word.is_empty() || is_digits(word) {
        return (Kind::FunctionName, behind);
    }
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if is_name(&word[digits..]) { (Kind::Label, behind) } else { (Kind::FunctionName, end + 1) }
}

/// An integer that ends at `at`, or the float that it begins.
fn number(source: &[u8], at: usize) -> (Kind, usize) {
    if source.get(at) == Some(&b'.') {
        let end = word_end(source, at + 1);
        if is_digits(&source[at + 1..end]) {
            return (Kind::Float, end);
        }
    }
    (Kind::Integer, at)
}

fn class_of_word(word: &[u8]) -> Kind {
    match word {
        b"local" | b"static" | b"global" | b"arguments" | b"parameters" => Kind::SetName,
        b"true" => Kind::True,
        b"false" => Kind::False,
        b"void" => Kind::Void,
        b"default" => Kind::Default,
        b"infinity" => Kind::Infinity,
        b"iota" => Kind::Iota,
        _ if is_name(word) => Kind::Label,
        _ if is_bits(word) => Kind::Bits,
        _ if is_duration(word) => Kind::Duration,
        _ => Kind::Other,
    }
}

fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn is_digits(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

fn is_bits(word: &[u8]) -> bool {
    let digits = |allowed: &[u8]| word.len() > 2 && word[2..].iter().all(|byte| allowed.contains(byte));
    match word {
        [b'0', b'b', ..] => digits(b"01"),
        [b'0', b'o', ..] => digits(b"01234567"),
        [b'0', b'x', ..] => digits(b"0123456789abcdef"),
        _ => false,
    }
}

fn is_duration(word: &[u8]) -> bool {
    word.strip_suffix(b"ms").or_else(|| word.strip_suffix(b"s")).is_some_and(is_digits)
}
