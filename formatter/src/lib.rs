//! Canonical layout of assembly sources (tools.md §8, `viuac fmt`).
//!
//! [`format`] never looks at what a program means: it takes the tokens and comments of a text, and writes them again
//! with other blanks and line ends between them. Since a text that does not parse is refused, every line end in it is
//! either the end of a statement, which stays, or one of those inside brackets that mean nothing (language.md §8).
//! The steps: [`pieces`] splits, [`shape`] finds out what belongs together, [`layout`] decides where lines begin, and
//! [`lines`] puts comments beside them.

mod layout;
mod lines;
mod pieces;
mod shape;

#[cfg(test)]
mod tests;

use viua_diagnostics::{Diagnostic, FileId};

/// Lines longer than this many characters have their lists broken.
const WIDTH: u64 = 100;
/// Blanks for each level of indentation.
const INDENT: u32 = 4;

/// Lays out a source text, or says why it cannot be parsed (phases A to D of language.md §1.2). The result has the same
/// tokens and comments in the same order, so it builds the same bytes; laid out again, it does not change. O(n),
/// without recursion. Texts of 4 GiB and more must be refused before.
pub fn format(source: &[u8], file: FileId) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let parsed = viua_parser::parse(source, file);
    if parsed.has_errors() {
        return Err(parsed.diagnostics);
    }
    let mut pieces = pieces::split(source);
    shape::find(source, &mut pieces);
    Ok(layout::layout(source, &pieces))
}
