//! Closures (analyser-flow.md §6): which values are captured into which creation of a closure.
//!
//! A closure that a body makes is one fact in the engine, whichever instruction made it. Here each creation is followed
//! on its own through the solved value graph to the captures into it.

use crate::facts::{CREATED, FAILED, Fact, Facts, Kind, UNKNOWN, one, plain};
use crate::graph::Node;
use crate::ops::{Key, NONE, Op, OpKind};
use crate::program::{Entered, Reached};
use crate::scope::{Place, Scope};
use crate::solve::{ContextId, Origin, Solution, counterpart};
use crate::transfer::{Observer, Pair, run_one};
use crate::unit::{Ending, Unit};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use viua_diagnostics::Span;
use viua_ir::BodyId;
use viua_ir::cfg::EdgeKind;

/// A `closure` instruction: body and number.
pub type CreationId = (BodyId, u32);

/// What a slot of a closure may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapturedSlot {
    /// All facts.
    pub facts: Pair,
    /// The facts of each capture, by its token, in source order.
    pub sources: BTreeMap<Span, Pair>,
}

/// What a body has to say about a `closure` instruction in it.
#[derive(Clone, Debug)]
pub struct Creation {
    /// Which one.
    pub id: CreationId,
    /// Whether no forward path leads to it.
    pub is_later: bool,
    /// The slots that are captured on some path.
    pub slots: BTreeMap<u16, CapturedSlot>,
}

/// A capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Site {
    place: Place,
    op: u32,
}

/// All creations of a body, with what is captured into them.
pub fn creations(scope: &Scope, solution: &Solution) -> Vec<Creation> {
    let mut found: Vec<(Place, FxHashMap<Site, bool>)> = Vec::new();
    for (unit_id, unit) in scope.numbered() {
        for instruction in &unit.ops.creations {
            let place = Place { unit: unit_id, instruction: *instruction };
            found.push((place, Follow::new(scope, solution).from(place)));
        }
    }
    let mut reaching: FxHashMap<Site, u32> = FxHashMap::default();
    for (_, sites) in &found {
        sites.keys().for_each(|site| *reaching.entry(*site).or_default() += 1);
    }
    found
        .iter()
        .map(|(place, sites)| Creation {
            id: (scope.unit(place.unit).body, place.instruction),
            is_later: scope.reached(*place) != Reached::Forward,
            slots: captured_slots(scope, solution, *place, sites, &reaching),
        })
        .collect()
}

fn captured_slots(
    scope: &Scope,
    solution: &Solution,
    creation: Place,
    sites: &FxHashMap<Site, bool>,
    reaching: &FxHashMap<Site, u32>,
) -> BTreeMap<u16, CapturedSlot> {
    let mut by_slot: BTreeMap<u16, Vec<(Site, bool)>> = BTreeMap::new();
    for (site, is_forward) in sites {
        let slot = scope.operands(site.place).get(1).and_then(|slot| slot.register()).and_then(|slot| slot.number());
        if let Some(slot) = slot {
            by_slot.entry(slot).or_default().push((*site, *is_forward));
        }
    }
    let mut slots = BTreeMap::new();
    for (slot, sites) in by_slot {
        let replacing: FxHashSet<Place> = sites
            .iter()
            .filter(|(site, _)| reaching.get(site) == Some(&1) && closure_facts(solution, *site)[1] == one(CREATED))
            .map(|(site, _)| site.place)
            .collect();
        let mut captured = CapturedSlot::default();
        for (site, is_forward) in &sites {
            if sites.len() > 1 && !survives(scope, creation, site.place, &replacing) {
                continue;
            }
            let [forward, all] = source_facts(solution, *site).map(as_captured);
            let facts = [if *is_forward { forward } else { 0 }, all];
            let Some(token) = scope.operands(site.place).get(1) else { continue };
            join(captured.sources.entry(token.span).or_default(), facts);
            join(&mut captured.facts, facts);
        }
        if captured.facts[1] != 0 {
            slots.insert(slot, captured);
        }
    }
    slots
}

/// Adds facts; tells whether some are new.
pub fn join(to: &mut Pair, facts: Pair) -> bool {
    let joined = [to[0] | facts[0], to[1] | facts[1]];
    std::mem::replace(to, joined) != joined
}

/// A captured closure was made in another body.
fn as_captured(facts: Facts) -> Facts {
    let mut captured = facts & !(one(CREATED) | one(FAILED));
    if facts & one(CREATED) != 0 {
        captured |= one(plain(Kind::Closure));
    }
    if facts & one(FAILED) != 0 {
        captured |= one(UNKNOWN);
    }
    captured
}

struct At {
    op: u32,
    seen: Pair,
    what: fn(&Op) -> u32,
}

impl Observer for At {
    fn see(&mut self, op: &Op, number: u32, slots: &[Pair], first_slot: u32) {
        if number == self.op {
            let facts = match (self.what)(op) {
                NONE => slots[(op.slot - first_slot) as usize].map(|facts| if facts == 0 { 0 } else { VALUE }),
                slot => slots[(slot - first_slot) as usize],
            };
            join(&mut self.seen, facts);
        }
    }
    fn fail(&mut self, _: u32, _: Pair) {}
}

const VALUE: Facts = one(plain(Kind::Value));

fn source_facts(solution: &Solution, site: Site) -> Pair {
    let mut at = At { op: site.op, seen: [0, 0], what: |op| op.other };
    solution.observe(site.place, &mut at);
    at.seen
}

fn closure_facts(solution: &Solution, site: Site) -> Pair {
    let mut at = At { op: site.op, seen: [0, 0], what: |op| op.slot };
    solution.observe(site.place, &mut at);
    at.seen
}

/// Whether what is captured here is still in the slot at an end of the body, at a later edge, or when the closure is
/// made again.
fn survives(scope: &Scope, creation: Place, site: Place, replacing: &FxHashSet<Place>) -> bool {
    let mut seen = FxHashSet::default();
    let mut rest = vec![Place { instruction: site.instruction + 1, ..site }];
    while let Some(place) = rest.pop() {
        if !seen.insert(place) {
            continue;
        }
        let unit = scope.unit(place.unit);
        if place.instruction >= unit.len() {
            return true;
        }
        // Captures end no basic block, so that the instruction behind one is in the same block.
        let block = &unit.blocks[unit.block_of(place.instruction) as usize];
        let mut is_stopped = false;
        for instruction in place.instruction..block.end {
            let place = Place { instruction, ..place };
            if place == creation {
                return true;
            }
            if replacing.contains(&place) {
                is_stopped = true;
                break;
            }
        }
        if is_stopped {
            continue;
        }
        if block.ending == Ending::Leave {
            for (caller_id, caller) in scope.numbered() {
                for enter in caller.enters.iter().filter(|enter| enter.entered == Entered::Block(unit.body)) {
                    let behind = caller.blocks[caller.block_of(enter.instruction) as usize].successors[0];
                    if let Some(edge) = behind {
                        let instruction = caller.blocks[edge.block as usize].first;
                        rest.push(Place { unit: caller_id, instruction });
                    }
                }
            }
            continue;
        }
        let mut edges = block.successors.into_iter().flatten().peekable();
        if edges.peek().is_none() {
            return true;
        }
        for edge in edges {
            if !edge.is_forward && edge.kind != EdgeKind::Leave {
                return true;
            }
            rest.push(Place { instruction: unit.blocks[edge.block as usize].first, ..place });
        }
    }
    false
}

/// Follows one creation through the value graph.
struct Follow<'a, 's, 'p> {
    scope: &'a Scope<'p>,
    solution: &'a Solution<'s, 'p>,
    /// Where the closure may be, and whether on a forward path.
    seen: FxHashMap<(ContextId, Node), bool>,
    rest: Vec<(ContextId, Node)>,
    sites: FxHashMap<Site, bool>,
}

impl<'a, 's, 'p> Follow<'a, 's, 'p> {
    fn new(scope: &'a Scope<'p>, solution: &'a Solution<'s, 'p>) -> Self {
        Follow { scope, solution, seen: FxHashMap::default(), rest: Vec::new(), sites: FxHashMap::default() }
    }

    fn from(mut self, creation: Place) -> FxHashMap<Site, bool> {
        let unit = self.scope.unit(creation.unit);
        let made = unit.ops_of(creation.instruction).iter().find(|op| op.kind == OpKind::Define && op.arg == CREATED);
        let Some(made) = made else { return self.sites };
        let is_forward = self.scope.reached(creation) == Reached::Forward;
        if let Some(context) = self.solution.context_of(creation.unit, Origin::Itself) {
            self.add(context, unit.graph.node_of(made.slot), is_forward);
        }
        while let Some((context, node)) = self.rest.pop() {
            self.visit(context, node);
        }
        self.sites
    }

    fn add(&mut self, context: ContextId, node: Node, is_forward: bool) {
        match self.seen.insert((context, node), is_forward) {
            None => self.rest.push((context, node)),
            Some(true) => {
                self.seen.insert((context, node), true);
            }
            Some(false) if is_forward => self.rest.push((context, node)),
            Some(false) => {}
        }
    }

    fn visit(&mut self, context: ContextId, node: Node) {
        let is_forward = self.seen[&(context, node)];
        let unit_id = self.solution.unit_of(context);
        let unit = self.scope.unit(unit_id);
        for item in unit.graph.users(unit, node) {
            let instruction = item / 2;
            let block_id = unit.block_of(instruction);
            if item % 2 == 0 {
                for join in unit.graph.joins_of(block_id) {
                    for arg in unit.graph.args(*join).iter().filter(|arg| arg.node == node) {
                        self.add(context, unit.graph.join_node(*join), is_forward && arg.is_forward);
                    }
                }
                continue;
            }
            let block = &unit.blocks[block_id as usize];
            let is_forward = is_forward && block.is_forward;
            let slot = unit.slots_of(instruction).find(|slot| unit.graph.input(*slot) == Some(node));
            let Some(slot) = slot else { continue };
            match block.ending {
                Ending::Enter(enter) if instruction + 1 == block.end => {
                    self.enter(context, unit, enter, slot, is_forward);
                }
                Ending::Leave if instruction + 1 == block.end => {}
                Ending::Plain | Ending::Enter(_) | Ending::Leave => {
                    let place = Place { unit: unit_id, instruction };
                    self.pass(context, unit, place, slot, is_forward);
                }
            }
        }
    }

    fn pass(&mut self, context: ContextId, unit: &Unit, place: Place, slot: u32, is_forward: bool) {
        for (number, op) in unit.ops_of(place.instruction).iter().enumerate() {
            if op.kind == OpKind::Capture && op.slot == slot {
                *self.sites.entry(Site { place, op: number as u32 }).or_default() |= is_forward;
            }
        }
        let mut slots = Vec::new();
        run_one(unit, place.instruction, slot, CREATED, &mut slots);
        for (slot, facts) in unit.slots_of(place.instruction).zip(slots) {
            if facts[1] & one(CREATED) != 0 {
                self.add(context, unit.graph.node_of(slot), is_forward);
            }
        }
    }

    fn enter(&mut self, context: ContextId, unit: &Unit, enter: u32, slot: u32, is_forward: bool) {
        let enter = &unit.enters[enter as usize];
        let key = unit.key_of(slot);
        let mut anywhere = vec![key];
        self.enter_block(context, unit, (enter.instruction, slot), key, enter.entered, is_forward, &mut anywhere);
        for (_, catcher) in &enter.catchers {
            for key in anywhere.clone() {
                self.enter_block(context, unit, (enter.instruction, slot), key, *catcher, false, &mut anywhere);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn enter_block(
        &mut self,
        context: ContextId,
        unit: &Unit,
        (instruction, slot): (u32, u32),
        key: Key,
        entered: Entered,
        is_forward: bool,
        anywhere: &mut Vec<Key>,
    ) {
        let Entered::Block(block) = entered else {
            if entered == Entered::Nothing || !key.is_local() {
                self.add(context, unit.graph.node_of(slot), is_forward);
            }
            return;
        };
        let Some(callee) = self.scope.unit_of(block) else { return };
        let compiled = self.scope.unit(callee);
        let info = &self.scope.program.blocks[block.0 as usize];
        let Some(var) = counterpart(compiled, key) else {
            if info.leaves {
                self.add(context, unit.graph.node_of(slot), is_forward && info.forward_leaves > 0);
            }
            return;
        };
        let created: Fact = CREATED;
        let Some(inner) = self.solution.context_of(callee, Origin::Fact(var, created)) else { return };
        self.add(inner, compiled.graph.start_of(var), is_forward);
        let outer_key = |var: u32| match compiled.vars().keys[var as usize] {
            Key::REST => key,
            named => named,
        };
        for (var, facts) in self.solution.left(inner) {
            if facts[1] & one(CREATED) != 0
                && let Some(slot) = unit.slots_of(instruction).find(|slot| unit.key_of(*slot) == outer_key(var))
            {
                self.add(context, unit.graph.node_of(slot), is_forward && facts[0] & one(CREATED) != 0);
            }
        }
        for (var, facts) in self.solution.anywhere(inner) {
            if facts & one(CREATED) != 0 && !anywhere.contains(&outer_key(var)) {
                anywhere.push(outer_key(var));
            }
        }
    }
}
