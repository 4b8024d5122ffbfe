//! The instruction set of Viua, declared once.
//!
//! [`table`] holds one row per instruction; everything that has to know the instructions is derived from
//! it: completion of short forms in the parser, kind checks and transfer functions in the analyser, the
//! encoder, decoder and verifier of the container, the decoder of the interpreter, `viuac explain add`
//! and the tables of the reference manual. No other crate lists instructions.
//!
//! The crate imports nothing. Rendering the manual ([`manual`]) apart, it allocates the mnemonic index and the
//! parsed steps, once.

pub mod manual;
mod operand;
pub mod steps;
mod table;
mod words;

pub use operand::{Access, AccessMode, Default, Expected, Forms, Operand, RegisterSet, SetRule};
pub use table::{Instruction, Opcode, TABLE};
pub use words::{
    LITERAL_WORDS, MAX_REGISTER_INDEX, RESERVED_WORDS, is_reserved_word, opcode_of, register_set_of, suggest,
};
