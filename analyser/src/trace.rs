//! From the end of a path back to its start: the steps of a trace (analyser-flow.md §8), and the tokens that notes are
//! about, which are those met last on the path that is shown.

use crate::facts::{Fact, UNKNOWN};
use crate::ops::{Key, NONE, OpKind};
use crate::paths::{Caught, Chain, ChainId, Found, Parent, Search, Thread};
use crate::scope::{Place, Scope};
use crate::transfer::run_one;
use crate::unit::Ending;
use viua_diagnostics::{Entry, Span};
use viua_ir::cfg::EdgeKind;
use viua_ir::{OperandKind, TargetForm};
use viua_isa::Opcode;

/// A path of more segments than this is cut: blocks that enter blocks twice each have paths of any length.
const LONGEST: usize = 1 << 20;
const MOST_STEPS: usize = 1 << 16;

/// A stretch of instructions of a path.
#[derive(Clone, Copy, Debug)]
struct Segment {
    chain: ChainId,
    /// Behind its last instruction.
    end: u32,
}

/// How an entered block was come into.
#[derive(Clone, Copy, Debug)]
struct Entrance {
    caller: ChainId,
    caught: Option<Caught>,
    /// Whether the path leaves it again.
    is_left: bool,
}

/// Goes back along a path, segment by segment.
struct Backward<'a, 's, 'p> {
    search: &'a Search<'s, 'p, 'a>,
    scope: &'s Scope<'p>,
    next: Option<Segment>,
    /// Who entered the blocks that are being gone through backwards, having been left again, and how.
    callers: Vec<(ChainId, Option<Caught>)>,
    /// Whether the way into a catcher goes through the block it catches from.
    through_throws: bool,
    rest: usize,
}

impl<'a, 's, 'p> Backward<'a, 's, 'p> {
    fn new(search: &'a Search<'s, 'p, 'a>, scope: &'s Scope<'p>, found: &Found, through_throws: bool) -> Self {
        let next = Some(Segment { chain: found.chain, end: found.place.instruction });
        Backward { search, scope, next, callers: Vec::new(), through_throws, rest: LONGEST }
    }

    fn chain(&self, id: ChainId) -> &'a Chain {
        &self.search.chains[id as usize]
    }

    fn whole(&self, chain: ChainId) -> Segment {
        let unit = self.scope.unit(self.search.unit_of(chain));
        Segment { chain, end: unit.blocks[self.chain(chain).block as usize].end }
    }

    /// The next segment back. If it is the start of an entered block, also who entered it, how, and whether it has been
    /// left again.
    fn step(&mut self) -> Option<(Segment, Option<Entrance>)> {
        let now = self.next?;
        self.rest = self.rest.checked_sub(1)?;
        let mut entrance = None;
        self.next = match self.chain(now.chain).parent {
            Parent::Start => None,
            Parent::Flow { chain, .. } | Parent::Forgotten { chain } => Some(self.whole(chain)),
            Parent::Definition { chain, definition: (instruction, _) } => Some(Segment { chain, end: instruction + 1 }),
            Parent::Same { chain } => Some(Segment { chain, end: self.chain(now.chain).start }),
            Parent::Entered { caller, caught } => {
                // Others may have entered it before.
                let left = self.callers.pop();
                let (caller, caught) = left.unwrap_or((caller, caught));
                entrance = Some(Entrance { caller, caught, is_left: left.is_some() });
                match caught {
                    Some((_, inner)) if self.through_throws && inner != caller => {
                        self.callers.push((caller, None));
                        Some(Segment { chain: inner, end: self.chain(inner).start })
                    }
                    _ => Some(self.whole(caller)),
                }
            }
            Parent::Left { caller, caught, inner } => {
                self.callers.push((caller, caught));
                let segment = self.whole(inner);
                let unit = self.scope.unit(self.search.unit_of(inner));
                let has_left = unit.blocks[self.chain(inner).block as usize].ending == Ending::Leave;
                Some(if has_left { segment } else { Segment { end: self.chain(inner).start, ..segment } })
            }
        };
        Some((now, entrance))
    }
}

/// The steps of a path, the last one first; without `in function`.
pub fn steps<'s, 'p>(search: &Search<'s, 'p, '_>, scope: &'s Scope<'p>, found: &Found) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut backward = Backward::new(search, scope, found, false);
    while let Some((segment, entrance)) = backward.step() {
        if entries.len() >= MOST_STEPS {
            break;
        }
        if let Parent::Flow { chain, kind } = search.chains[segment.chain as usize].parent {
            let last = backward.whole(chain).end - 1;
            entries.extend(edge(scope, Place { unit: search.unit_of(chain), instruction: last }, kind));
        }
        let Some(Entrance { caller, caught, is_left }) = entrance else { continue };
        let unit = search.unit_of(caller);
        let module = scope.program.module;
        match caught {
            Some((catch, _)) => {
                if let Some(name) = scope.operands(Place { unit, instruction: catch }).get(1) {
                    let text = format!("after catching with block {} here:", module.name(name));
                    entries.push(Entry::step_note(module.at(name.span), text));
                }
            }
            None if is_left => {}
            None => {
                let enter = Place { unit, instruction: backward.whole(caller).end - 1 };
                if let Some(name) = scope.operands(enter).first() {
                    let text = format!("after entering block {}", module.name(name));
                    entries.push(Entry::step(module.at(name.span), text));
                }
            }
        }
    }
    entries
}

/// The step that an edge is, if it is one.
fn edge(scope: &Scope, place: Place, kind: EdgeKind) -> Option<Entry> {
    let instruction = scope.instruction(place);
    let operands = scope.operands(place);
    let module = scope.program.module;
    let at = module.at(instruction.mnemonic);
    let (target, text) = match (instruction.opcode, kind) {
        (Opcode::If, EdgeKind::True) => (operands.get(1)?, "after taking true branch here:"),
        (Opcode::If, EdgeKind::False) => (operands.get(2)?, "after taking false branch here:"),
        (Opcode::Jump, _) => (operands.first()?, "after a jump here:"),
        _ => return None,
    };
    if target.target().is_some_and(|to| to < place.instruction) {
        return Some(Entry::step_note(at, "after jumping back here:").mark(target.span));
    }
    let is_marker = matches!(target.kind, OperandKind::Target { form: TargetForm::Marker, .. });
    if instruction.opcode == Opcode::Jump && is_marker {
        return None;
    }
    Some(Entry::step(at, text).mark(target.span))
}

/// Where the fact of a register came from.
#[derive(Clone, Copy, Debug, Default)]
pub struct History {
    /// The token that defined it; `None` if it was there at the start.
    pub defined: Option<Span>,
    /// The fact it began with.
    pub began: Option<Fact>,
    /// The token that made the analyser infer the type, if the type was inferred.
    pub inferred: Option<Span>,
    /// The mnemonic that erased it.
    pub erased: Option<Span>,
}

/// The history of the register that a path was followed for, up to an operation of its last instruction.
pub fn history<'s, 'p>(search: &Search<'s, 'p, '_>, scope: &'s Scope<'p>, found: &Found, op: u32) -> History {
    let mut history = History::default();
    let var = match found.thread {
        Thread::Fact(var, _) | Thread::Fresh(var) => var,
        Thread::Bare | Thread::Count(_) => NONE,
    };
    let key = scope.unit(found.place.unit).vars().keys.get(var as usize).copied();
    // The places that name the register since it was defined, the last one first.
    let mut places = Vec::new();
    let mut backward = Backward::new(search, scope, found, true);
    while let Some((segment, _)) = backward.step() {
        let chain = &search.chains[segment.chain as usize];
        let unit_id = search.unit_of(segment.chain);
        let unit = scope.unit(unit_id);
        if let Some(var) = key.and_then(|key| unit.vars().find(key))
            && chain.start < segment.end
            && matches!(found.thread, Thread::Fact(..))
        {
            let slots = unit.mentions_in(var, chain.start..segment.end).iter().rev();
            places.extend(slots.map(|slot| (unit_id, *slot)));
        }
        match chain.parent {
            Parent::Start => {
                if let Thread::Fact(_, fact) = chain.thread {
                    history.began = Some(fact);
                }
                break;
            }
            Parent::Forgotten { .. } => {
                history.began = Some(UNKNOWN);
                break;
            }
            Parent::Definition { definition: (instruction, number), .. } => {
                let place = Place { unit: unit_id, instruction };
                let operation = &unit.ops_of(instruction)[number as usize];
                history.defined = scope.operands(place).get(usize::from(operation.operand)).map(|token| token.span);
                if let Thread::Fact(_, fact) = chain.thread {
                    history.began = Some(fact);
                }
                break;
            }
            _ => {}
        }
    }
    let began = if matches!(found.thread, Thread::Fact(..)) { history.began.or(Some(UNKNOWN)) } else { None };
    let Some(mut fact) = began else { return history };
    let own = scope.unit(found.place.unit);
    let own_slot = own.slots_of(found.place.instruction).find(|slot| own.var_of(*slot) == var);
    for (unit_id, slot) in places.into_iter().rev() {
        let unit = scope.unit(unit_id);
        let instruction = unit.instruction_of(slot);
        let place = Place { unit: unit_id, instruction };
        replay(scope, place, slot, u32::MAX, &mut fact, &mut history);
    }
    if let Some(slot) = own_slot {
        replay(scope, found.place, slot, op, &mut fact, &mut history);
    }
    history
}

/// Takes the fact of a register over the operations of an instruction, noting tokens.
fn replay(scope: &Scope, place: Place, slot: u32, up_to: u32, fact: &mut Fact, history: &mut History) {
    let unit = scope.unit(place.unit);
    for op in unit.ops_of(place.instruction).iter().take(up_to as usize).filter(|op| op.slot == slot) {
        match op.kind {
            OpKind::Type => {
                let after = crate::facts::REQUIREMENTS[usize::from(op.arg)].apply_one(*fact);
                if after != *fact {
                    history.inferred = scope.operands(place).get(usize::from(op.operand)).map(|token| token.span);
                    *fact = after;
                }
            }
            OpKind::Erase | OpKind::Pack => history.erased = Some(scope.instruction(place).mnemonic),
            _ => {}
        }
    }
    if up_to == u32::MAX {
        let mut slots = Vec::new();
        run_one(unit, place.instruction, slot, *fact, &mut slots);
        let behind = slots[(slot - unit.slots_of(place.instruction).start) as usize][1];
        if behind != 0 {
            *fact = behind.trailing_zeros() as Fact;
        }
    }
}

/// What happened last to a register on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It was defined by this token.
    Defined(Span),
    /// It was erased, or forgotten.
    Gone,
    /// Nothing since the start.
    Nothing,
}

/// What happened last to a register before an operation at the end of a path.
pub fn last_event<'s, 'p>(search: &Search<'s, 'p, '_>, scope: &'s Scope<'p>, found: &Found, key: Key) -> Last {
    let mut backward = Backward::new(search, scope, found, true);
    while let Some((segment, _)) = backward.step() {
        let chain = &search.chains[segment.chain as usize];
        let unit_id = search.unit_of(segment.chain);
        let unit = scope.unit(unit_id);
        let Some(var) = unit.vars().find(key) else { continue };
        if chain.start >= segment.end {
            continue;
        }
        for slot in unit.mentions_in(var, chain.start..segment.end).iter().rev() {
            let place = Place { unit: unit_id, instruction: unit.instruction_of(*slot) };
            for op in unit.ops_of(place.instruction).iter().rev().filter(|op| op.slot == *slot) {
                if op.kind.is_definition() {
                    let token = scope.operands(place).get(usize::from(op.operand));
                    return token.map_or(Last::Gone, |token| Last::Defined(token.span));
                }
                let is_erased = match op.kind {
                    OpKind::Erase => op.arg == 0,
                    OpKind::Pack | OpKind::Recover => true,
                    _ => false,
                };
                if is_erased {
                    return Last::Gone;
                }
            }
        }
    }
    Last::Nothing
}
