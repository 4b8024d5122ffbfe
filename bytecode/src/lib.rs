//! The module container: what a compiled module consists of, how instructions are encoded, how the file is laid
//! out, and the verifier that stands before everything else (modules.md §12).

pub mod instruction;
pub mod module;

pub use instruction::{DecodeError, Instruction, Operand, Register};
pub use module::{
    DataId, Debug, External, ExternalKind, Kind, LineEntry, Module, NO_ENTRY, NameId, Reference, Symbol, SymbolKind,
};
