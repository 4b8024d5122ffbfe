//! The module container: what a compiled module consists of, how instructions are encoded, how the file is laid
//! out, and the verifier that stands before everything else (modules.md §12); also the text form of a module, its
//! disassembly (tools.md §6).

mod debug;
mod disassemble;
mod draft;
pub mod instruction;
pub mod layout;
pub mod module;
pub mod names;
mod reader;
mod verifier;
mod verify_code;
mod writer;

pub use disassemble::{DisassembleOptions, NoSuchSymbol, disassemble, disassemble_unverified};
pub use draft::Draft;
pub use instruction::{DecodeError, Instruction, Operand, Register};
pub use module::{
    DataId, Debug, External, ExternalKind, Instructions, Kind, LineEntry, Module, NO_ENTRY, NameId, Reference, Symbol,
    SymbolKind, strip,
};
pub use reader::{Container, Damage, ReadError, SectionInfo, is_container, read, read_container};
pub use verifier::is_main;
pub use writer::{LimitError, check_limits, write};
