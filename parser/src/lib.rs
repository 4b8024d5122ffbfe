//! Syntax tree and grammar of the assembly language.
//!
//! [`parse`] never fails: it returns a tree and what is wrong with the text. The way from bytes to tree:
//! [`viua_lexer::lex`] classifies tokens, `arrange` gives each its part (and makes a stream that the grammar accepts
//! whatever the text), the grammar calls the actions of `builder`, and two small walks over the result look for short
//! forms that cannot be completed and for names that clash. Findings of all phases of language.md §1.2 come up on the
//! way; those of the first phase that has any are reported.

pub mod ast;

mod arrange;
mod attributes;
mod builder;
mod definitions;
mod directives;
mod findings;
mod short_forms;
mod terminal;
mod words;

#[cfg(test)]
mod tests;

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, missing_docs, unused)]
    grammar
);

use arrange::Arranged;
use ast::Tree;
use builder::Builder;
use viua_diagnostics::{Code, Diagnostic, FileId, Span};

/// What [`parse`] makes of a file.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The tree. If there are errors it must not be used.
    pub tree: Tree,
    /// The findings of the first of the phases A, B, C, D that has an error, in the order in which they are reported;
    /// in phase D also those of lints.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether the file is refused.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Parses a file. O(n), without recursion; any bytes are legal input. Texts of 4 GiB and more must be refused before.
pub fn parse(source: &[u8], file: FileId) -> Parsed {
    let mut terminals = Arranged::new(source, file);
    let mut builder = Builder::new(source, file);
    let result = grammar::FileParser::new().parse(&mut builder, terminals.by_ref().map(Ok::<_, ()>));
    let Builder { mut findings, tree, declared, .. } = builder;
    findings.merge(terminals.into_findings());
    if let Err(error) = result {
        // The grammar accepts whatever `arrange` makes; should it not, the file is refused rather than misread.
        let at = error_place(&error).unwrap_or(source.len() as u32);
        let finding = findings.error(Code::E0115, Span::new(at, at), "invalid operand");
        findings.parsing.push(finding);
        debug_assert!(false, "{error:?}");
    }
    short_forms::check_short_forms(&tree, &mut findings);
    definitions::check_names(source, &declared, &mut findings);
    Parsed { tree, diagnostics: findings.of_first_phase() }
}

fn error_place(error: &lalrpop_util::ParseError<u32, terminal::Terminal, ()>) -> Option<u32> {
    use lalrpop_util::ParseError;
    match error {
        ParseError::InvalidToken { location } | ParseError::UnrecognizedEof { location, .. } => Some(*location),
        ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token } => Some(token.0),
        ParseError::User { .. } => None,
    }
}
