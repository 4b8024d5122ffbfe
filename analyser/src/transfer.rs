//! The transfer functions: what the operations of an instruction do to sets of facts. Each works on each fact alone, so
//! that they distribute over union.

use crate::facts::{DEFINED, EMPTY, ERASED, FAILED, Fact, Facts, Map, NOT_DEFINED, REQUIREMENTS, UNKNOWN, one};
use crate::ops::{Op, OpKind};
use crate::unit::Unit;

/// Facts on forward paths, and on all paths.
pub type Pair = [Facts; 2];

/// What happens in [`run`] before each operation.
pub trait Observer {
    /// The operation, its number, and the slots of the instruction so far.
    fn see(&mut self, op: &Op, number: u32, slots: &[Pair], first_slot: u32);
    /// An operation has failed for these facts.
    fn fail(&mut self, number: u32, facts: Pair);
}

/// Looks at nothing, and tells whether something has failed.
#[derive(Debug, Default)]
pub struct HasFailed(pub bool);

impl Observer for HasFailed {
    #[inline]
    fn see(&mut self, _: &Op, _: u32, _: &[Pair], _: u32) {}
    #[inline]
    fn fail(&mut self, _: u32, _: Pair) {
        self.0 = true;
    }
}

/// Runs the operations of an instruction on the facts of its slots. `generated` masks what the instruction defines
/// whatever the facts: nothing in the context of a single fact, nothing on forward paths where none leads.
pub fn run(unit: &Unit, instruction: u32, slots: &mut [Pair], generated: Pair, observer: &mut impl Observer) {
    let first_slot = unit.slots_of(instruction).start;
    let mut saved = [0, 0];
    for (number, op) in unit.ops_of(instruction).iter().enumerate() {
        let number = number as u32;
        observer.see(op, number, slots, first_slot);
        let at = op.slot.wrapping_sub(first_slot) as usize;
        let mut fail = |value: &mut Pair, failing: Facts| {
            let facts = [value[0] & failing, value[1] & failing];
            if facts[1] != 0 {
                observer.fail(number, facts);
            }
        };
        match op.kind {
            OpKind::Use => {
                fail(&mut slots[at], NOT_DEFINED);
                slots[at] = slots[at].map(must_be_defined);
            }
            OpKind::Pack => {
                fail(&mut slots[at], NOT_DEFINED);
                slots[at] = slots[at].map(|facts| erase(must_be_defined(facts), 0));
            }
            OpKind::Type => {
                let requirement = REQUIREMENTS[usize::from(op.arg)];
                fail(&mut slots[at], requirement.fail);
                slots[at] = slots[at].map(|facts| requirement.apply(facts));
            }
            OpKind::Erase => {
                let kept = if op.arg == 1 { one(EMPTY) } else { 0 };
                slots[at] = slots[at].map(|facts| erase(facts, kept));
            }
            OpKind::Define => slots[at] = generated.map(|mask| mask & one(op.arg)),
            OpKind::Recover => slots[at] = generated.map(|mask| mask & one(UNKNOWN)),
            OpKind::DefineFrom => {
                let source = slots[op.other.wrapping_sub(first_slot) as usize];
                // What is wrong with a register that is defined from itself stays wrong.
                let kept = if op.other == op.slot { one(FAILED) } else { 0 };
                slots[at] = source.map(|facts| Map::numbered(op.arg).apply(facts & !kept) | facts & kept);
            }
            OpKind::Save => saved = slots[at],
            OpKind::DefineSaved => slots[at] = saved.map(|facts| Map::numbered(op.arg).apply(facts)),
            OpKind::MarkUsed
            | OpKind::Null
            | OpKind::Conversion
            | OpKind::Capture
            | OpKind::Bound
            | OpKind::Allocate => {}
        }
    }
    for value in slots.iter_mut() {
        if value[1] & one(FAILED) != 0 {
            *value = value.map(|facts| {
                let unknown = if facts & one(FAILED) != 0 { one(UNKNOWN) } else { 0 };
                facts & !one(FAILED) | unknown
            });
        }
    }
}

fn must_be_defined(facts: Facts) -> Facts {
    facts & !NOT_DEFINED | if facts & NOT_DEFINED != 0 { one(FAILED) } else { 0 }
}

fn erase(facts: Facts, kept: Facts) -> Facts {
    let erased = DEFINED | one(UNKNOWN) | NOT_DEFINED & !kept;
    facts & !erased | if facts & erased != 0 { one(ERASED) } else { 0 }
}

/// Runs the operations of an instruction on a single fact of one slot: its own facts behind it, per slot.
pub fn run_one(unit: &Unit, instruction: u32, slot: u32, fact: Fact, slots: &mut Vec<Pair>) {
    let range = unit.slots_of(instruction);
    slots.clear();
    slots.resize(range.len(), [0, 0]);
    slots[(slot - range.start) as usize] = [one(fact); 2];
    run(unit, instruction, slots, [0, 0], &mut HasFailed(false));
}
