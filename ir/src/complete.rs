//! Completion of short forms (language.md §12.1): the operands that were written become those of the canonical form.
//! What each instruction lets out is told by the instruction table; nothing here knows an instruction by name.

use crate::module::{Destination, Operand, OperandKind, Origin, Register, RegisterIndex, TargetForm};
use viua_diagnostics::Span;
use viua_isa::{self as isa, AccessMode, Default, Forms, RegisterSet, SetRule};

/// What became of the operands of an instruction; what is not listed in `operands` is missing.
pub struct Completed {
    /// The canonical operands.
    pub operands: [Option<Operand>; 4],
    /// The first operand that the instruction does not take.
    pub surplus: Option<Operand>,
}

/// Completes an instruction. Registers in `written` whose set name is left out say `local`. `own` is the number of
/// the instruction in its body. The list may be lengthened.
pub fn complete(row: &isa::Instruction, mnemonic: Span, own: u32, written: &mut Vec<Operand>) -> Completed {
    supply_result(row, mnemonic, written);
    split_slot(row, written);
    if row.two_operand_form && written.len() == 2 {
        written.insert(1, Operand { origin: Origin::Inserted, ..written[0] });
    }
    let mut operands: [Option<Operand>; 4] = [None; 4];
    for (at, spec) in row.operands.iter().enumerate() {
        let operand = match written.get(at) {
            Some(operand) if operand.kind == OperandKind::Default && spec.takes_default => {
                match default_of(spec, &operands[..at], operand.span, own) {
                    Some(supplied) => Operand { origin: Origin::Default, ..supplied },
                    None => *operand,
                }
            }
            Some(operand) => *operand,
            // Only `call` and `process` can do without a result, and they have been given one.
            None if at == 0 && spec.default == Default::Void => break,
            None => {
                let near = operands[..at].iter().flatten().next_back().map_or(mnemonic, |operand| operand.span);
                match default_of(spec, &operands[..at], near, own) {
                    Some(supplied) => supplied,
                    None => break,
                }
            }
        };
        operands[at] = Some(with_set(spec, operand, operands[0].as_ref()));
    }
    Completed { operands, surplus: written.get(row.operands.len()).copied() }
}

/// `call f/0` is `call void f/0`: a result is a register, `void` or `default`.
fn supply_result(row: &isa::Instruction, mnemonic: Span, written: &mut Vec<Operand>) {
    let [result, callee, ..] = row.operands else { return };
    if result.default != Default::Void || !callee.forms.has(Forms::FUNCTION) {
        return;
    }
    let has_result = written
        .first()
        .is_some_and(|first| matches!(first.kind, OperandKind::Register(_) | OperandKind::Void | OperandKind::Default));
    if !has_result {
        let span = written.first().map_or(mnemonic, |first| first.span);
        written.insert(0, inserted(OperandKind::Void, span));
    }
}

/// A set name behind the slot of a capture is not part of it but an operand of its own, of a wrong kind.
fn split_slot(row: &isa::Instruction, written: &mut Vec<Operand>) {
    let Some(at) = row.operands.iter().position(|spec| spec.default == Default::LocalOfIndex) else { return };
    if let Some(slot) = written.get_mut(at - 1)
        && let OperandKind::Register(register) = slot.kind
        && let Some(set) = register.set_span()
    {
        slot.kind = OperandKind::Register(Register::new(register.mode, register.index, RegisterSet::Local, None));
        let label = Operand {
            kind: OperandKind::Label(crate::Name::Unknown),
            span: set,
            origin: Origin::Written,
            maybe_unused: false,
        };
        written.insert(at, label);
    }
}

fn default_of(spec: &isa::Operand, before: &[Option<Operand>], near: Span, own: u32) -> Option<Operand> {
    let register = |index| OperandKind::Register(Register::new(AccessMode::Direct, index, RegisterSet::Local, None));
    let kind = match spec.default {
        Default::None => return None,
        Default::Void => OperandKind::Void,
        Default::Infinity => OperandKind::Infinity,
        Default::Zero => OperandKind::Integer(0),
        Default::ZeroFloat => OperandKind::Float,
        Default::EmptyString => OperandKind::Text,
        Default::IndexZero => register(RegisterIndex::Number(0)),
        Default::NextInstruction => {
            OperandKind::Target { form: TargetForm::Forward, to: Destination::Instruction(own + 1) }
        }
        Default::SameAsFirst => {
            let first = before.first().copied().flatten()?;
            return Some(Operand { origin: Origin::Inserted, maybe_unused: false, ..first });
        }
        Default::LocalOfIndex => match before.last().copied().flatten()?.kind {
            OperandKind::Register(slot) => register(slot.index),
            other => other,
        },
    };
    Some(inserted(kind, near))
}

fn inserted(kind: OperandKind, span: Span) -> Operand {
    Operand { kind, span, origin: Origin::Inserted, maybe_unused: false }
}

/// Supplies a set name that is left out.
fn with_set(spec: &isa::Operand, mut operand: Operand, first: Option<&Operand>) -> Operand {
    if let OperandKind::Register(register) = &mut operand.kind
        && register.set_span().is_none()
        && spec.set == SetRule::LikeFirst
    {
        register.set = first.and_then(Operand::register).map_or(RegisterSet::Local, |first| first.set);
    }
    operand
}
