//! Whether a trace is a path of the control flow graph: every step is followed from the start of the body, along edges
//! that need no step (analyser-flow.md §8.1), to the instruction of the next one, and so to the fault.

use std::collections::{BTreeMap, BTreeSet};
use viua_diagnostics::{Diagnostic, Entry, EntryKind, Position, Span};
use viua_ir::cfg::{self, EdgeKind};
use viua_ir::{BodyId, BodyKind, Module, OperandKind, TargetForm};
use viua_isa::Opcode;

/// An instruction: body and number.
type Place = (BodyId, u32);

/// Where control is, and who has entered the blocks around it. Of an `enter` without a step the block has to be left
/// again; one with a step is still open at the fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    at: Place,
    callers: Vec<(Place, bool)>,
}

/// Tokens of a module: where they start, and what they belong to.
pub struct Tokens<'a> {
    module: &'a Module,
    instructions: BTreeMap<u32, Place>,
    names: BTreeMap<u32, BodyId>,
}

impl<'a> Tokens<'a> {
    pub fn new(module: &'a Module) -> Tokens<'a> {
        let mut tokens = Tokens { module, instructions: BTreeMap::new(), names: BTreeMap::new() };
        for (id, body) in module.bodies_with_ids() {
            tokens.names.insert(body.name_span.start, id);
            for (number, instruction) in module.instructions(body).iter().enumerate() {
                tokens.instructions.insert(instruction.mnemonic.start, (id, number as u32));
            }
        }
        tokens
    }

    /// The instruction on whose line a token stands.
    fn place(&self, entry: &Entry) -> Result<Place, String> {
        let at = span(entry)?;
        match self.instructions.range(..=at.start).next_back() {
            Some((_, place)) => Ok(*place),
            None => Err(format!("{entry:?} is at no instruction")),
        }
    }

    fn opcode(&self, (body, number): Place) -> Opcode {
        self.module.instructions(self.module.body(body))[number as usize].opcode
    }

    fn operands(&self, (body, number): Place) -> &'a [viua_ir::Operand] {
        self.module.operands(&self.module.instructions(self.module.body(body))[number as usize])
    }

    fn edges(&self, (body, number): Place) -> Vec<cfg::Edge> {
        cfg::successors(self.module, self.module.body(body), number).collect()
    }

    /// Whether an edge has a step of its own.
    fn is_told(&self, from: Place, edge: &cfg::Edge) -> bool {
        match edge.kind {
            EdgeKind::True | EdgeKind::False => true,
            EdgeKind::Jump => {
                let is_marker = |operand: &viua_ir::Operand| {
                    matches!(operand.kind, OperandKind::Target { form: TargetForm::Marker, .. })
                };
                edge.to < from.1 || !self.operands(from).first().is_some_and(is_marker)
            }
            EdgeKind::Next | EdgeKind::Enter | EdgeKind::Leave | EdgeKind::Catch => false,
        }
    }

    fn entered(&self, place: Place) -> Option<BodyId> {
        let instruction = &self.module.instructions(self.module.body(place.0))[place.1 as usize];
        cfg::named_block(self.module, instruction)
    }

    /// All that can be reached without a step.
    fn without_steps(&self, from: &BTreeSet<State>) -> BTreeSet<State> {
        let mut seen = from.clone();
        let mut rest: Vec<State> = from.iter().cloned().collect();
        while let Some(state) = rest.pop() {
            for next in self.next_without_step(&state) {
                if seen.insert(next.clone()) {
                    rest.push(next);
                }
            }
        }
        seen
    }

    fn next_without_step(&self, state: &State) -> Vec<State> {
        let is_block = self.module.body(state.at.0).kind == BodyKind::Block;
        match self.opcode(state.at) {
            Opcode::Enter => {
                let Some(block) = self.entered(state.at) else { return Vec::new() };
                let mut callers = state.callers.clone();
                callers.push((state.at, false));
                vec![State { at: (block, 0), callers }]
            }
            Opcode::Leave if is_block => {
                let mut callers = state.callers.clone();
                match callers.pop() {
                    Some((enter, false)) => vec![State { at: (enter.0, enter.1 + 1), callers }],
                    _ => Vec::new(),
                }
            }
            _ => self
                .edges(state.at)
                .iter()
                .filter(|edge| !self.is_told(state.at, edge))
                .map(|edge| State { at: (state.at.0, edge.to), ..state.clone() })
                .collect(),
        }
    }

    /// Follows one step from the instruction it is at.
    fn follow(&self, state: &State, step: &str, later: &mut bool) -> Vec<State> {
        let opcode = self.opcode(state.at);
        let side = match step {
            "after taking true branch here:" => Some(EdgeKind::True),
            "after taking false branch here:" => Some(EdgeKind::False),
            "after a jump here:" => Some(EdgeKind::Jump),
            _ => None,
        };
        let goes_back = step == "after jumping back here:";
        *later |= goes_back;
        if opcode == Opcode::Enter && step.starts_with("after entering block ") {
            let Some(block) = self.entered(state.at) else { return Vec::new() };
            let mut callers = state.callers.clone();
            callers.push((state.at, true));
            return vec![State { at: (block, 0), callers }];
        }
        self.edges(state.at)
            .iter()
            .filter(|edge| self.is_told(state.at, edge) && (edge.to < state.at.1) == goes_back)
            .filter(|edge| side.is_none_or(|side| side == edge.kind) && (side.is_some() || goes_back))
            .map(|edge| {
                *later |= edge.is_later;
                State { at: (state.at.0, edge.to), ..state.clone() }
            })
            .collect()
    }

    /// From an `enter` that this `catch` is in force at into its block.
    fn caught(&self, states: &BTreeSet<State>, catch: Place) -> BTreeSet<State> {
        let Some(block) = self.entered(catch) else { return BTreeSet::new() };
        let catchers = cfg::catchers(self.module, self.module.body(catch.0));
        let is_caught = |state: &&State| {
            state.at.0 == catch.0
                && self.opcode(state.at) == Opcode::Enter
                && catchers.of(state.at.1).contains(&catch.1)
        };
        let enters = states.iter().filter(is_caught);
        let inside = enters.map(|state| {
            let mut callers = state.callers.clone();
            callers.push((state.at, true));
            State { at: (block, 0), callers }
        });
        // A catcher that has been left again has a step all the same.
        inside
            .flat_map(|state| {
                let mut left = state.clone();
                if let Some(last) = left.callers.last_mut() {
                    last.1 = false;
                }
                [state, left]
            })
            .collect()
    }

    /// Follows the whole trace of a fault. What is wrong with it, if anything is.
    pub fn check(&self, finding: &Diagnostic) -> Result<(), String> {
        let fault = self.place(&finding.fault)?;
        let mut steps = finding.trace.iter().rev().filter(|entry| entry.kind == EntryKind::Step);
        let first = steps.next().ok_or("no steps at all")?;
        let function = *self.names.get(&span(first)?.start).ok_or("the first step is at no name")?;
        if first.message != Some(format!("in function {}", self.module.body(function).name)) {
            return Err(format!("the first step is {:?}", first.message));
        }
        let mut later = false;
        let mut states = BTreeSet::from([State { at: (function, 0), callers: Vec::new() }]);
        while let Some(step) = steps.next() {
            let text = step.message.as_deref().or(step.notes.first().map(String::as_str)).unwrap_or_default();
            let place = self.place(step)?;
            let reached: BTreeSet<State> = self.without_steps(&states);
            if text == "when instantiated here:" {
                let is_there = |state: &State| state.at == place && state.callers.iter().all(|(_, is_open)| *is_open);
                if self.opcode(place) != Opcode::Closure || !reached.iter().any(is_there) {
                    return Err(format!("no way to the closure at {place:?}"));
                }
                let name = steps.next().ok_or("no closure")?;
                if name.message.as_deref() != Some("in a closure defined here:") {
                    return Err(format!("{:?} behind a creation", name.message));
                }
                let body = *self.names.get(&span(name)?.start).ok_or("a closure without a name")?;
                states = BTreeSet::from([State { at: (body, 0), callers: Vec::new() }]);
                continue;
            }
            states = if text.starts_with("after catching with block ") {
                later = true;
                self.caught(&reached, place)
            } else {
                let here = reached.iter().filter(|state| state.at == place);
                here.flat_map(|state| self.follow(state, text, &mut later)).collect()
            };
            if states.is_empty() {
                return Err(format!("no way to '{text}' at {place:?}"));
            }
        }
        let is_there = |state: &State| state.at == fault && state.callers.iter().all(|(_, is_open)| *is_open);
        if !self.without_steps(&states).iter().any(is_there) {
            return Err(format!("no way to the fault at {fault:?}"));
        }
        if finding.is_error() && later {
            return Err("an error with a later path".to_owned());
        }
        Ok(())
    }
}

fn span(entry: &Entry) -> Result<Span, String> {
    match &entry.at {
        Position::At(location) => Ok(location.span),
        other => Err(format!("an entry at {other:?}")),
    }
}
