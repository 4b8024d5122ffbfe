//! The words of the language: mnemonics, register sets, reserved words (language.md §3.1), and the hints of §17.

use crate::{Opcode, RegisterSet, TABLE};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The largest index a register operand may have (values.md §3).
pub const MAX_REGISTER_INDEX: u32 = 65535;

/// Words that stand for literals or for nothing.
pub const LITERAL_WORDS: [&str; 6] = ["true", "false", "void", "default", "infinity", "iota"];

/// Words that may not be names, besides the mnemonics (language.md §3.1).
pub const RESERVED_WORDS: [&str; 32] = [
    "infinity",
    "local",
    "static",
    "global",
    "auto",
    "default",
    "undefined",
    "null",
    "void",
    "iota",
    "const",
    "true",
    "false",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "string",
    "boolean",
    "coroutine",
    "yield",
    "channel",
    "publish",
    "subscribe",
];

static MNEMONICS: LazyLock<HashMap<&'static str, Opcode>> =
    LazyLock::new(|| TABLE.iter().map(|row| (row.mnemonic, row.opcode)).collect());

/// The opcode of a mnemonic. O(1).
pub fn opcode_of(word: &str) -> Option<Opcode> {
    // No mnemonic is longer than this, and none has an upper-case letter or a digit: most labels end here.
    if word.len() > 24 {
        return None;
    }
    MNEMONICS.get(word).copied()
}

/// The register set of that name.
pub fn register_set_of(word: &str) -> Option<RegisterSet> {
    match word {
        "local" => Some(RegisterSet::Local),
        "static" => Some(RegisterSet::Static),
        "global" => Some(RegisterSet::Global),
        "arguments" => Some(RegisterSet::Arguments),
        "parameters" => Some(RegisterSet::Parameters),
        _ => None,
    }
}

/// Whether a word may not be the name of a register, marker, function or block.
pub fn is_reserved_word(word: &str) -> bool {
    RESERVED_WORDS.contains(&word) || opcode_of(word).is_some()
}

/// The candidate with the smallest Levenshtein distance to `word`, if that is at most 4; ties go to the
/// first candidate (language.md §17). O(length of the word times all candidates).
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const FARTHEST: usize = 4;
    let mut best: Option<(usize, &str)> = None;
    let mut row = Vec::new();
    for candidate in candidates {
        if candidate.len().abs_diff(word.len()) > FARTHEST {
            continue;
        }
        let distance = levenshtein(word.as_bytes(), candidate.as_bytes(), &mut row);
        if distance <= FARTHEST && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn levenshtein(from: &[u8], to: &[u8], row: &mut Vec<usize>) -> usize {
    row.clear();
    row.extend(0..=to.len());
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnemonics_are_found_and_nothing_else() {
        for row in &TABLE {
            assert_eq!(opcode_of(row.mnemonic), Some(row.opcode));
        }
        assert_eq!(opcode_of("prnt"), None);
        assert_eq!(opcode_of(""), None);
    }

    #[test]
    fn hints_are_the_nearest_word_and_the_first_of_equals() {
        let all = || TABLE.iter().map(|row| row.mnemonic);
        assert_eq!(suggest("prnt", all()), Some("print"));
        assert_eq!(suggest("integr", all()), Some("integer"));
        assert_eq!(suggest("completely_different", all()), None);
        assert_eq!(suggest("ab", ["ax", "ay"]), Some("ax"));
    }
}
