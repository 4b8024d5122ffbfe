//! Where paths are to lead, and the best one to each goal.

use super::Search;
use super::chain::{ChainId, Label, Thread};
use crate::facts::{Fact, Facts, each, one};
use crate::ops::{NONE, Op, OpKind, Var};
use crate::scope::Place;
use crate::transfer::{Observer, Pair, run};
use crate::trie::Trie;
use crate::unit::Unit;
use std::cmp::Ordering;

/// Where a path is to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// To the instruction.
    Instruction,
    /// To an operation that fails for, or is asked about, one of these facts.
    Failure(u32, Facts),
    /// To a definition that overwrites a fresh value.
    Overwrite(u32),
}

/// The end of a path.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The last chain.
    pub chain: ChainId,
    /// The instruction it is followed to.
    pub place: Place,
    /// What was followed.
    pub thread: Thread,
    /// The whole path.
    pub label: Label,
}

/// A register out of bounds, found on the way.
#[derive(Clone, Copy, Debug)]
pub struct OutOfBounds {
    /// The operation.
    pub op: u32,
    /// The path, with the count.
    pub found: Found,
}

impl<'p> Search<'_, 'p, '_> {
    /// The path to a goal: of the fact with the earliest trace.
    pub fn path_to(&self, goal: usize) -> Option<Found> {
        self.earliest(&self.found[goal])
    }

    /// All registers out of bounds.
    pub fn bounds(&self) -> Vec<(Place, OutOfBounds)> {
        let mut all: Vec<_> = self
            .out_of_bounds
            .iter()
            .filter_map(|((place, op), found)| {
                self.earliest(found).map(|found| (*place, OutOfBounds { op: *op, found }))
            })
            .collect();
        all.sort_by_key(|(place, found)| (*place, found.op));
        all
    }

    fn earliest(&self, found: &[Found]) -> Option<Found> {
        found.iter().copied().min_by(|a, b| {
            self.trie.compare_traces(a.label.decisions, b.label.decisions).then(a.label.length.cmp(&b.label.length))
        })
    }

    /// Notes the goals that a thread reaches at an instruction.
    pub(super) fn look_for_goals(&mut self, id: ChainId, place: Place, thread: Thread) {
        let Some(goals) = self.goals.get(&place) else { return };
        let unit = self.scope.unit(place.unit);
        let reached = match thread {
            Thread::Fact(var, fact) => failing(unit, place.instruction, var, fact),
            Thread::Bare | Thread::Fresh(_) | Thread::Count(_) => Vec::new(),
        };
        let label = self.label_behind(id, place.instruction);
        for goal in goals {
            let is_reached = match (self.plan.goals[*goal].1, thread) {
                (Goal::Instruction, Thread::Bare) => true,
                (Goal::Failure(op, facts), Thread::Fact(..)) => {
                    reached.iter().any(|(failing, fact)| *failing == op && facts & one(*fact) != 0)
                }
                (Goal::Overwrite(op), Thread::Fresh(var)) => overwrites(unit, place.instruction, op, var),
                _ => false,
            };
            if is_reached {
                let found = Found { chain: id, place, thread, label };
                keep_best(self.trie, &mut self.found[*goal], found);
            }
        }
    }
}

/// Keeps the best path for each thread.
pub(super) fn keep_best(trie: &Trie, all: &mut Vec<Found>, found: Found) {
    match all.iter_mut().find(|known| known.thread == found.thread) {
        Some(known) if found.label.compare(&known.label, trie) == Ordering::Less => *known = found,
        Some(_) => {}
        None => all.push(found),
    }
}

/// Whether a definition overwrites the register before the instruction uses it.
fn overwrites(unit: &Unit, instruction: u32, op: u32, var: Var) -> bool {
    for (number, other) in unit.ops_of(instruction).iter().enumerate() {
        if other.slot == NONE || unit.var_of(other.slot) != var {
            continue;
        }
        if number as u32 == op {
            return true;
        }
        if other.kind.is_definition() || matches!(other.kind, OpKind::Use | OpKind::Pack) {
            return false;
        }
    }
    false
}

struct Failing {
    asked: Vec<(u32, Fact)>,
    now: Facts,
    slot: u32,
}

impl Observer for Failing {
    fn see(&mut self, op: &Op, number: u32, slots: &[Pair], first_slot: u32) {
        self.now = slots[(self.slot - first_slot) as usize][1];
        let is_asked = op.slot == self.slot && matches!(op.kind, OpKind::Null | OpKind::Conversion);
        if is_asked {
            self.asked.extend(each(self.now).map(|fact| (number, fact)));
        }
    }
    fn fail(&mut self, number: u32, facts: Pair) {
        self.asked.extend(each(facts[1]).map(|fact| (number, fact)));
    }
}

/// The operations of an instruction that fail for a fact, or ask for it, with the fact at that point.
fn failing(unit: &Unit, instruction: u32, var: Var, fact: Fact) -> Vec<(u32, Fact)> {
    let range = unit.slots_of(instruction);
    let Some(slot) = range.clone().find(|slot| unit.var_of(*slot) == var) else { return Vec::new() };
    let mut slots = vec![[0, 0]; range.len()];
    slots[(slot - range.start) as usize] = [one(fact); 2];
    let mut failing = Failing { asked: Vec::new(), now: 0, slot };
    run(unit, instruction, &mut slots, [0, 0], &mut failing);
    failing.asked
}
