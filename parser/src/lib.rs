//! Syntax tree and grammar of the assembly language.
pub mod ast;
