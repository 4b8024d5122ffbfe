//! Threads inside a body: over instructions and along edges.

use super::Search;
use super::chain::{Chain, ChainId, Label, Parent, Task, Thread};
use super::goals::{Found, keep_best};
use crate::facts::{Fact, UNKNOWN, each};
use crate::fresh::is_head;
use crate::ops::{NONE, OpKind, Var};
use crate::scope::Place;
use crate::unit::{BasicBlock, Ending, Unit};
use viua_ir::cfg::EdgeKind;

impl Search<'_, '_, '_> {
    /// Does what a chain waits for.
    pub(super) fn follow(&mut self, id: ChainId) {
        let Chain { context, block, start, thread, task, .. } = self.chains[id as usize];
        let unit = self.unit(context);
        let basic_block = &unit.blocks[block as usize];
        match task {
            Task::Run => self.is_anywhere(id, thread),
            Task::Throw => return self.is_anywhere(id, thread),
            Task::Catch { number, inner } => return self.catch(id, number, inner),
            Task::End => {}
        }
        let mut now = Some(thread);
        // A register concerns only the instructions that name it.
        let mut mentions = match thread {
            Thread::Fact(var, _) | Thread::Fresh(var) if var != NONE => {
                Some(unit.mentions_in(var, start..basic_block.end).iter())
            }
            Thread::Fresh(_) => Some([].iter()),
            Thread::Bare | Thread::Fact(..) | Thread::Count(_) => None,
        };
        let mut next = start;
        while next < basic_block.end {
            let Some(thread) = now else { return };
            let instruction = match &mut mentions {
                None => next,
                Some(mentions) => match mentions.next() {
                    Some(slot) => unit.instruction_of(*slot),
                    None if basic_block.ending == Ending::Plain => break,
                    None => basic_block.end - 1,
                },
            };
            next = instruction + 1;
            if instruction + 1 == basic_block.end && basic_block.ending != Ending::Plain && task != Task::End {
                let parent = Parent::Same { chain: id };
                let label = self.label_before(id, instruction);
                let line = self.line(context, thread);
                let chain = self.chains[id as usize];
                return self.push(Chain { parent, start: instruction, thread, label, line, task: Task::End, ..chain });
            }
            let place = Place { unit: self.contexts[context as usize].unit, instruction };
            self.look_for_goals(id, place, thread);
            match basic_block.ending {
                Ending::Enter(enter) if task == Task::End => {
                    let entered = unit.enters[enter as usize].entered;
                    return self.enter(id, thread, entered, self.label_behind(id, instruction), None);
                }
                Ending::Leave if task == Task::End => return self.leave(id, thread),
                Ending::Plain | Ending::Enter(_) | Ending::Leave => {}
            }
            now = self.step(id, unit, instruction, thread);
            if now != Some(thread)
                && let Some(new) = now
            {
                self.changes(id, instruction, new);
            }
        }
        if let Some(thread) = now {
            self.follow_edges(id, unit, basic_block, thread);
        }
    }

    /// The path up to and including an instruction of a chain.
    pub(super) fn label_behind(&self, id: ChainId, instruction: u32) -> Label {
        let chain = &self.chains[id as usize];
        Label { length: chain.label.length.saturating_add(u64::from(instruction + 1 - chain.start)), ..chain.label }
    }

    fn label_before(&self, id: ChainId, instruction: u32) -> Label {
        let chain = &self.chains[id as usize];
        Label { length: chain.label.length.saturating_add(u64::from(instruction - chain.start)), ..chain.label }
    }

    /// Takes a thread over an instruction; other threads that begin there are chains of their own.
    fn step(&mut self, id: ChainId, unit: &Unit, instruction: u32, thread: Thread) -> Option<Thread> {
        match thread {
            Thread::Bare => {
                for (number, op) in unit.ops_of(instruction).iter().enumerate() {
                    let number = number as u32;
                    if op.kind == OpKind::Allocate && self.plan.counts {
                        self.spawn(id, instruction, number, Thread::Count(op.other));
                    }
                    if !op.kind.is_definition() && op.kind != OpKind::Recover {
                        continue;
                    }
                    let key = unit.key_of(op.slot);
                    if op.kind == OpKind::Recover {
                        if self.plan.facts_of.contains(&key) {
                            self.spawn(id, instruction, number, Thread::Fact(unit.var_of(op.slot), UNKNOWN));
                        }
                        continue;
                    }
                    if op.kind == OpKind::Define
                        && self.plan.facts_of.contains(&key)
                        && is_last(unit, instruction, number)
                    {
                        self.spawn(id, instruction, number, Thread::Fact(unit.var_of(op.slot), op.arg));
                    }
                    if self.plan.freshness_of.contains(&key) && !is_used_after(unit, instruction, number) {
                        self.spawn(id, instruction, number, Thread::Fresh(unit.var_of(op.slot)));
                    }
                }
                Some(thread)
            }
            Thread::Fact(var, fact) => self.step_fact(id, unit, instruction, var, fact),
            Thread::Fresh(var) => {
                let ends = unit.ops_of(instruction).iter().any(|op| {
                    op.slot != NONE
                        && unit.var_of(op.slot) == var
                        && (op.kind.is_definition()
                            || matches!(op.kind, OpKind::Use | OpKind::Pack | OpKind::MarkUsed | OpKind::Recover))
                });
                (!ends).then_some(thread)
            }
            Thread::Count(count) => {
                for (number, op) in unit.ops_of(instruction).iter().enumerate() {
                    if op.kind == OpKind::Bound && op.other >= count {
                        let place = Place { unit: self.unit_of(id), instruction };
                        let label = self.label_behind(id, instruction);
                        let found = Found { chain: id, place, thread, label };
                        keep_best(self.trie, self.out_of_bounds.entry((place, number as u32)).or_default(), found);
                        // Behind a fault the count is unknown.
                        return None;
                    }
                    if op.kind == OpKind::Allocate {
                        return None;
                    }
                }
                Some(thread)
            }
        }
    }

    fn step_fact(&mut self, id: ChainId, unit: &Unit, instruction: u32, var: Var, fact: Fact) -> Option<Thread> {
        let Some(own) = unit.slots_of(instruction).find(|slot| unit.var_of(*slot) == var) else {
            return Some(Thread::Fact(var, fact));
        };
        let mut slots = Vec::new();
        crate::transfer::run_one(unit, instruction, own, fact, &mut slots);
        let mut now = None;
        for (slot, facts) in unit.slots_of(instruction).zip(&slots) {
            let Some(fact) = each(facts[1]).next() else { continue };
            let definition = unit.ops_of(instruction).iter().rposition(|op| op.slot == slot && op.kind.is_definition());
            match definition {
                Some(number) if self.plan.facts_of.contains(&unit.key_of(slot)) => {
                    self.spawn(id, instruction, number as u32, Thread::Fact(unit.var_of(slot), fact));
                }
                None if slot == own => now = Some(Thread::Fact(var, fact)),
                _ => {}
            }
        }
        now
    }

    fn spawn(&mut self, id: ChainId, instruction: u32, op: u32, thread: Thread) {
        let chain = self.chains[id as usize];
        let new = Chain {
            parent: Parent::Definition { chain: id, definition: (instruction, op) },
            start: instruction + 1,
            thread,
            label: self.label_behind(id, instruction),
            line: self.line(chain.context, thread),
            task: Task::Run,
            ..chain
        };
        self.push(new);
    }

    fn follow_edges(&mut self, id: ChainId, unit: &Unit, block: &BasicBlock, thread: Thread) {
        let Chain { context, .. } = self.chains[id as usize];
        let label = self.label_behind(id, block.end - 1);
        let line = self.line(context, thread);
        for edge in block.successors.into_iter().flatten() {
            if self.plan.forward && !(edge.is_forward && block.is_forward) {
                continue;
            }
            if matches!(thread, Thread::Fresh(_)) && is_head(self.scope.program, unit, edge.block) {
                continue;
            }
            let decisions = match edge.kind {
                EdgeKind::True => self.trie.append(label.decisions, 0),
                EdgeKind::False => self.trie.append(label.decisions, 1),
                _ => label.decisions,
            };
            let parent = Parent::Flow { chain: id, kind: edge.kind };
            let start = unit.blocks[edge.block as usize].first;
            let label = Label { decisions, ..label };
            self.push(Chain { parent, context, block: edge.block, start, thread, label, line, task: Task::Run });
        }
    }
}

fn is_last(unit: &Unit, instruction: u32, number: u32) -> bool {
    let ops = unit.ops_of(instruction);
    let slot = ops[number as usize].slot;
    !ops[number as usize + 1..].iter().any(|op| op.slot == slot && op.kind.is_definition())
}

fn is_used_after(unit: &Unit, instruction: u32, number: u32) -> bool {
    let ops = unit.ops_of(instruction);
    let slot = ops[number as usize].slot;
    ops[number as usize + 1..].iter().any(|op| op.slot == slot && op.kind == OpKind::MarkUsed)
}
