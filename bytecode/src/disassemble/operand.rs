//! Operands as text (tools.md §6.3).

use super::names::BodyNames;
use super::{literal, put};
use crate::instruction::{Operand, Register};
use crate::module::Module;
use crate::verify_code::tag_quote;
use viua_isa::{Forms, Operand as Spec};

/// Prints one operand.
pub(super) fn print(module: &Module, names: &BodyNames, spec: &Spec, operand: &Operand, text: &mut Vec<u8>) {
    match *operand {
        Operand::Void => put(text, "void"),
        Operand::Register(Register { mode, set, index }) => {
            put(text, mode.sigil());
            match names.register(index, set) {
                Some(name) => put(text, name),
                None => put(text, index),
            }
            put(text, format_args!(" {}", set.name()));
        }
        // Where a register may be written only for its number, a set belongs to the canonical form.
        Operand::Index(index) if spec.forms.has(Forms::REGISTER) => put(text, format_args!("%{index} local")),
        Operand::Index(index) => put(text, format_args!("%{index}")),
        Operand::Integer(value) => put(text, value),
        Operand::Float(value) => put(text, literal::float(value)),
        Operand::Boolean(value) => put(text, value),
        Operand::Timeout(None) => put(text, "infinity"),
        Operand::Timeout(Some(milliseconds)) => put(text, format_args!("{milliseconds}ms")),
        Operand::Data(id) => {
            let bytes = module.bytes(id);
            match DataForm::of(spec) {
                DataForm::String => literal::print_full(bytes, text),
                DataForm::Atom => literal::print_simple(bytes, b'\'', text),
                DataForm::Tag => {
                    let quote = tag_quote(bytes).unwrap_or(b'"');
                    text.push(quote);
                    text.extend_from_slice(bytes);
                    text.push(quote);
                }
                DataForm::Module => text.extend_from_slice(bytes),
            }
        }
        Operand::Bits(id) => put(text, literal::bits(module.bytes(id))),
        Operand::Name(reference) => put(text, module.reference_name(reference)),
        Operand::Target(number) => put(text, names.label(number)),
    }
}

/// What a piece of data is written as.
pub(super) enum DataForm {
    String,
    Atom,
    /// Stored as written, between the quotes.
    Tag,
    /// Stored as written, quotes included.
    Module,
}

impl DataForm {
    pub(super) fn of(spec: &Spec) -> DataForm {
        if spec.forms.has(Forms::ATOM) {
            DataForm::Atom
        } else if spec.forms.has(Forms::TAG) {
            DataForm::Tag
        } else if spec.forms.has(Forms::MODULE) {
            DataForm::Module
        } else {
            DataForm::String
        }
    }
}
