//! Register IR, control flow graphs, and the whole-module checks that need no data flow.
//!
//! [`lower`] turns the syntax tree of a file into a [`Module`]: wrapped instructions are flattened in order of
//! execution, inline blocks are bodies of their own, short forms are completed, register names, jump targets and
//! names of definitions are resolved. It never fails: what cannot be resolved stays visible in the operand
//! ([`RegisterIndex::Unresolved`], [`Destination::Unknown`], [`Name::Unknown`], a missing operand, an operand of
//! the wrong kind) and is reported by whoever is in charge of it (language.md §13.2).
//!
//! A module is a few flat pools. A [`Body`] owns a range of instructions, an [`Instruction`] a range of operands;
//! texts are never copied, an operand refers to the source by its span:
//!
//! ```text
//! for body in &module.bodies {
//!     for (number, instruction) in module.instructions(body).iter().enumerate() {
//!         for operand in module.operands(instruction) { … module.text(operand.span) … }
//!     }
//! }
//! ```
//!
//! The operands of an instruction are those of its canonical form (language.md §12.3), in number and order: never
//! more than the row of the instruction table has (surplus ones are set aside in [`Module::surplus`]), fewer if
//! some are missing. Each is of the class that was written, which need not be the class that is wanted. An operand
//! that nobody wrote is marked by [`Operand::origin`] and has the span of the token it was derived from.
//!
//! Further rooms: [`mod@cfg`] (edges, basic blocks, dominators, loops, call graph), [`verify()`] (phase E and the two
//! lints that belong to it), [`check_main`] and [`check_undefined`] (phase H), [`print()`] (the text form, which
//! parses again), [`tokens`] (the canonical tokens of `viuac lex`).

pub mod cfg;
mod complete;
mod frames;
mod jumps;
pub mod literal;
mod lower;
mod module;
mod print;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;
pub mod tokens;
mod verify;
mod whole;

pub use jumps::byte_address_or_nonsense;
pub use lower::lower;
pub use module::{
    Body, BodyId, BodyKind, Destination, Import, Instruction, Line, Marker, Meta, Module, Name, Operand, OperandKind,
    Origin, PoolRange, Register, RegisterIndex, RegisterName, Signature, Surplus, TargetForm,
};
pub use print::{instruction_text, print};
pub use verify::{missing_operand, verify};
pub use whole::{check_main, check_undefined, main_function};
