//! The engine: facts per node of the value graph, joined by union, up to the fixpoint.
//!
//! A value is a pair of sets: the facts on forward paths, and those on all paths. The passes are a sweep in textual
//! order, along which all forward edges lead, and then whatever has changed behind it, lowest instruction first.
//!
//! A function is solved in one *context* that begins with the facts of its start. A block is never solved for a state
//! as a whole: each register and incoming fact is a context of its own, and one more holds what the block defines by
//! itself. Contexts are made on demand, once, and shared by all `enter`s; what comes out of them is their summary. This
//! is right because every operation works on each fact alone (see `facts`).

use crate::facts::{Fact, Facts, UNKNOWN, each, one};
use crate::graph::Node;
use crate::ops::{Key, Op, Var};
use crate::program::Entered;
use crate::scope::{Place, Scope, UnitId};
use crate::transfer::{HasFailed, Observer, Pair, run};
use crate::unit::{Ending, Enter, Unit};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Index into the contexts of a [`Solution`].
pub type ContextId = u32;

/// What a context begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The start of the body, all registers; or, for a block, no register: what it defines by itself.
    Itself,
    /// One fact of one register of a block.
    Fact(Var, Fact),
}

#[derive(Debug)]
struct Context {
    unit: UnitId,
    origin: Origin,
    values: Values,
    /// Registers behind `leave`.
    leave: FxHashMap<Var, Pair>,
    /// Registers at any place of the block, and of those it enters.
    any: FxHashMap<Var, Facts>,
    /// Who enters: context and item.
    callers: FxHashSet<(ContextId, u32)>,
    /// Who is entered, and whether on a forward path.
    calls: FxHashMap<ContextId, bool>,
    /// All items behind this one are still to come in the sweep.
    position: u32,
    dirty: BinaryHeap<Reverse<u32>>,
    faulty: Vec<u32>,
    is_forward: bool,
}

#[derive(Debug)]
enum Values {
    Dense(Vec<Pair>),
    Sparse(FxHashMap<Node, Pair>),
}

impl Values {
    fn get(&self, node: Node) -> Pair {
        match self {
            Values::Dense(values) => values[node as usize],
            Values::Sparse(values) => values.get(&node).copied().unwrap_or_default(),
        }
    }
    /// Adds facts; tells whether some are new.
    fn add(&mut self, node: Node, facts: Pair) -> bool {
        match self {
            Values::Dense(values) => add(&mut values[node as usize], facts),
            Values::Sparse(values) => facts[1] != 0 && add(values.entry(node).or_default(), facts),
        }
    }
}

fn add(value: &mut Pair, facts: Pair) -> bool {
    let joined = [value[0] | facts[0], value[1] | facts[1]];
    std::mem::replace(value, joined) != joined
}

/// The fixpoint of a body.
#[derive(Debug)]
pub struct Solution<'s, 'p> {
    scope: &'s Scope<'p>,
    contexts: Vec<Context>,
    by_origin: FxHashMap<(UnitId, Origin), ContextId>,
    waiting: Vec<ContextId>,
    made: Vec<ContextId>,
    scratch: Vec<Pair>,
}

/// A rule that fails for some facts of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The instruction.
    pub place: Place,
    /// Index into [`Unit::ops_of`].
    pub op: u32,
    /// The facts for which it fails.
    pub facts: Pair,
}

impl<'s, 'p> Solution<'s, 'p> {
    /// Solves a body that begins with the given facts; registers that are not mentioned are empty.
    pub fn new(scope: &'s Scope<'p>, start: impl Fn(Key) -> Pair) -> Solution<'s, 'p> {
        let mut solution = Solution {
            scope,
            contexts: Vec::new(),
            by_origin: FxHashMap::default(),
            waiting: Vec::new(),
            made: Vec::new(),
            scratch: Vec::new(),
        };
        let root = solution.context(0, Origin::Itself);
        let unit = scope.unit(0);
        for (var, key) in unit.vars().keys.iter().enumerate() {
            solution.contexts[root as usize].values.add(unit.graph.start_of(var as Var), start(*key));
        }
        solution.waiting.append(&mut solution.made);
        while let Some(context) = solution.waiting.pop() {
            solution.advance(context);
        }
        solution.find_forward_contexts();
        solution
    }

    /// The context with that origin; a new one waits to be solved.
    fn context(&mut self, unit: UnitId, origin: Origin) -> ContextId {
        if let Some(known) = self.by_origin.get(&(unit, origin)) {
            return *known;
        }
        let id = self.contexts.len() as ContextId;
        self.by_origin.insert((unit, origin), id);
        let compiled = self.scope.unit(unit);
        let mut context = Context {
            unit,
            origin,
            values: Values::Sparse(FxHashMap::default()),
            leave: FxHashMap::default(),
            any: FxHashMap::default(),
            callers: FxHashSet::default(),
            calls: FxHashMap::default(),
            position: 0,
            dirty: BinaryHeap::new(),
            faulty: Vec::new(),
            is_forward: false,
        };
        match origin {
            Origin::Itself => context.values = Values::Dense(vec![[0, 0]; compiled.graph.len()]),
            Origin::Fact(var, fact) => {
                let node = compiled.graph.start_of(var);
                context.values.add(node, [one(fact); 2]);
                context.any.insert(var, one(fact));
                context.position = u32::MAX;
                context.dirty.extend(compiled.graph.users(compiled, node).iter().map(|item| Reverse(*item)));
            }
        }
        self.contexts.push(context);
        self.made.push(id);
        id
    }

    /// Goes on with a context until nothing is left to do, or until others have been made that must be solved first.
    fn advance(&mut self, id: ContextId) {
        let unit = self.scope.unit(self.contexts[id as usize].unit);
        loop {
            let context = &mut self.contexts[id as usize];
            if let Some(Reverse(item)) = context.dirty.pop() {
                while context.dirty.peek() == Some(&Reverse(item)) {
                    context.dirty.pop();
                }
                self.process(id, unit, item);
            } else if context.position == u32::MAX {
                return;
            } else {
                // The sweep: the next basic block.
                let next = context.position.div_ceil(2);
                let block = unit.blocks.partition_point(|block| block.first < next);
                let Some(block) = unit.blocks.get(block) else {
                    context.position = u32::MAX;
                    continue;
                };
                context.position = 2 * block.first;
                self.join(id, unit, unit.block_of(block.first));
                for instruction in block.first..block.end {
                    self.contexts[id as usize].position = 2 * instruction + 1;
                    self.step(id, unit, instruction);
                }
            }
            if !self.made.is_empty() {
                self.waiting.push(id);
                self.waiting.append(&mut self.made);
                return;
            }
        }
    }

    fn process(&mut self, id: ContextId, unit: &'p Unit, item: u32) {
        let instruction = item / 2;
        if item.is_multiple_of(2) {
            self.join(id, unit, unit.block_of(instruction));
        } else {
            self.step(id, unit, instruction);
        }
    }

    fn store(&mut self, id: ContextId, unit: &Unit, node: Node, facts: Pair) {
        let context = &mut self.contexts[id as usize];
        // Without circles a sweep sees everything; a context of a single fact has none.
        let is_swept = !unit.graph.is_cyclic && context.origin == Origin::Itself;
        if context.values.add(node, facts) && !is_swept {
            for item in unit.graph.users(unit, node) {
                if *item <= context.position {
                    context.dirty.push(Reverse(*item));
                }
            }
        }
    }

    fn join(&mut self, id: ContextId, unit: &'p Unit, block: u32) {
        for join in unit.graph.joins_of(block) {
            let mut value = [0, 0];
            for arg in unit.graph.args(*join) {
                let [forward, all] = self.contexts[id as usize].values.get(arg.node);
                add(&mut value, [if arg.is_forward { forward } else { 0 }, all]);
            }
            self.store(id, unit, unit.graph.join_node(*join), value);
        }
    }

    /// The facts of the slots of an instruction before it.
    fn inputs(&self, id: ContextId, unit: &Unit, instruction: u32, slots: &mut Vec<Pair>) {
        let is_forward = unit.blocks[unit.block_of(instruction) as usize].is_forward;
        let values = &self.contexts[id as usize].values;
        slots.clear();
        slots.extend(unit.slots_of(instruction).map(|slot| {
            let [forward, all] = unit.graph.input(slot).map_or([0, 0], |node| values.get(node));
            [if is_forward { forward } else { 0 }, all]
        }));
    }

    /// What an instruction may define by itself in a context.
    fn generated(&self, id: ContextId, unit: &Unit, instruction: u32) -> Pair {
        match self.contexts[id as usize].origin {
            Origin::Itself => {
                let is_forward = unit.blocks[unit.block_of(instruction) as usize].is_forward;
                [if is_forward { Facts::MAX } else { 0 }, Facts::MAX]
            }
            Origin::Fact(..) => [0, 0],
        }
    }

    fn step(&mut self, id: ContextId, unit: &'p Unit, instruction: u32) {
        let block = &unit.blocks[unit.block_of(instruction) as usize];
        if instruction + 1 == block.end {
            match block.ending {
                Ending::Plain => {}
                Ending::Enter(enter) => return self.enter(id, unit, &unit.enters[enter as usize]),
                Ending::Leave => return self.leave(id, unit, instruction),
            }
        }
        let mut slots = std::mem::take(&mut self.scratch);
        self.inputs(id, unit, instruction, &mut slots);
        let mut failed = HasFailed(false);
        run(unit, instruction, &mut slots, self.generated(id, unit, instruction), &mut failed);
        if failed.0 {
            self.contexts[id as usize].faulty.push(instruction);
        }
        let mut is_news = false;
        for (slot, facts) in unit.slots_of(instruction).zip(&slots) {
            self.store(id, unit, unit.graph.node_of(slot), *facts);
            if unit.is_block {
                is_news |= self.is_anywhere(id, unit.var_of(slot), facts[1]);
            }
        }
        if is_news {
            self.tell_callers(id);
        }
        self.scratch = slots;
    }

    /// Notes that a register has these facts somewhere in a block.
    fn is_anywhere(&mut self, id: ContextId, var: Var, facts: Facts) -> bool {
        if facts == 0 {
            return false;
        }
        let known = self.contexts[id as usize].any.entry(var).or_default();
        let joined = *known | facts;
        std::mem::replace(known, joined) != joined
    }

    fn tell_callers(&mut self, id: ContextId) {
        let callers = std::mem::take(&mut self.contexts[id as usize].callers);
        for (caller, item) in &callers {
            let context = &mut self.contexts[*caller as usize];
            if *item <= context.position {
                context.dirty.push(Reverse(*item));
                self.waiting.push(*caller);
            }
        }
        self.contexts[id as usize].callers = callers;
    }

    fn leave(&mut self, id: ContextId, unit: &Unit, instruction: u32) {
        let mut slots = std::mem::take(&mut self.scratch);
        self.inputs(id, unit, instruction, &mut slots);
        let mut is_news = false;
        for (slot, facts) in unit.slots_of(instruction).zip(&slots) {
            if facts[1] != 0 {
                let var = unit.var_of(slot);
                is_news |= add(self.contexts[id as usize].leave.entry(var).or_default(), *facts);
            }
        }
        self.scratch = slots;
        if is_news {
            self.tell_callers(id);
        }
    }

    fn enter(&mut self, id: ContextId, unit: &'p Unit, enter: &Enter) {
        let mut slots = Vec::new();
        self.inputs(id, unit, enter.instruction, &mut slots);
        let generated = self.generated(id, unit, enter.instruction);
        let mut passage = Passage {
            caller: id,
            unit,
            instruction: enter.instruction,
            generated,
            out: vec![[0, 0]; slots.len()],
            anywhere: slots.iter().map(|facts| facts[1]).collect(),
        };
        self.pass(&mut passage, enter.entered, &slots);
        if !enter.catchers.is_empty() {
            // Later edges lead from everywhere in the block to its catchers.
            let thrown: Vec<Pair> = passage.anywhere.iter().map(|facts| [0, *facts]).collect();
            passage.generated[0] = 0;
            for (_, catcher) in &enter.catchers {
                self.pass(&mut passage, *catcher, &thrown);
            }
        }
        let mut is_news = false;
        for ((slot, facts), anywhere) in unit.slots_of(enter.instruction).zip(&passage.out).zip(&passage.anywhere) {
            self.store(id, unit, unit.graph.node_of(slot), *facts);
            if unit.is_block {
                is_news |= self.is_anywhere(id, unit.var_of(slot), *anywhere | facts[1]);
            }
        }
        if is_news {
            self.tell_callers(id);
        }
    }

    /// Takes the facts of an `enter` through a block, by way of its summaries.
    fn pass(&mut self, passage: &mut Passage<'_>, entered: Entered, slots: &[Pair]) {
        let block = match entered {
            Entered::Block(block) => block,
            Entered::Unchecked(_) | Entered::External => return passage.forget_locals(slots),
            Entered::Nothing => return slots.iter().enumerate().for_each(|(at, facts)| passage.go_on(at, *facts)),
        };
        let Some(callee) = self.scope.unit_of(block) else { return };
        let compiled = self.scope.unit(callee);
        let info = &self.scope.program.blocks[block.0 as usize];
        if passage.generated[1] != 0 {
            let context = self.context(callee, Origin::Itself);
            self.connect(passage, context, passage.generated[0] != 0);
            self.add_summary(passage, context, None, passage.generated[0] != 0);
        }
        for (at, facts) in slots.iter().enumerate() {
            let key = passage.key(at);
            let Some(var) = counterpart(compiled, key) else {
                // The block does not know the register: it goes through as it is, if anything does.
                let [forward, all] = *facts;
                let forward = if info.forward_leaves > 0 { forward } else { 0 };
                passage.go_on(at, [forward, if info.leaves { all } else { 0 }]);
                continue;
            };
            for fact in each(facts[1]) {
                let is_forward = facts[0] & one(fact) != 0;
                let context = self.context(callee, Origin::Fact(var, fact));
                self.connect(passage, context, is_forward);
                self.add_summary(passage, context, Some(at), is_forward);
            }
        }
    }

    fn connect(&mut self, passage: &Passage<'_>, callee: ContextId, is_forward: bool) {
        let item = 2 * passage.instruction + 1;
        *self.contexts[passage.caller as usize].calls.entry(callee).or_default() |= is_forward;
        self.contexts[callee as usize].callers.insert((passage.caller, item));
    }

    /// Adds what comes out of a context; `own` is the slot whose register the block knows as [`Key::REST`].
    fn add_summary(&self, passage: &mut Passage<'_>, context: ContextId, own: Option<usize>, is_forward: bool) {
        let context = &self.contexts[context as usize];
        let compiled = self.scope.unit(context.unit);
        for (var, [forward, all]) in &context.leave {
            let facts = [if is_forward { *forward } else { 0 }, *all];
            for at in passage.slots_of(compiled, *var, own) {
                passage.go_on(at, facts);
            }
        }
        for (var, facts) in &context.any {
            for at in passage.slots_of(compiled, *var, own) {
                passage.anywhere[at] |= facts;
            }
        }
    }

    /// Which contexts are entered on forward paths.
    fn find_forward_contexts(&mut self) {
        self.contexts[0].is_forward = true;
        let mut rest = vec![0];
        while let Some(id) = rest.pop() {
            let forward: Vec<ContextId> = self.contexts[id as usize]
                .calls
                .iter()
                .filter(|(callee, is_forward)| **is_forward && !self.contexts[**callee as usize].is_forward)
                .map(|(callee, _)| *callee)
                .collect();
            for callee in forward {
                self.contexts[callee as usize].is_forward = true;
                rest.push(callee);
            }
        }
    }

    /// Runs an instruction again in every context, with facts as seen from the start of the body.
    pub fn observe(&self, place: Place, observer: &mut impl Observer) {
        let unit = self.scope.unit(place.unit);
        for (id, context) in self.contexts.iter().enumerate().filter(|(_, context)| context.unit == place.unit) {
            self.observe_in(id as ContextId, unit, context.is_forward, place.instruction, observer);
        }
    }

    fn observe_in(&self, id: ContextId, unit: &Unit, is_forward: bool, instruction: u32, observer: &mut impl Observer) {
        let mut slots = Vec::new();
        self.inputs(id, unit, instruction, &mut slots);
        let mut generated = self.generated(id, unit, instruction);
        if !is_forward {
            slots.iter_mut().for_each(|facts| facts[0] = 0);
            generated[0] = 0;
        }
        run(unit, instruction, &mut slots, generated, observer);
    }

    /// The facts of a slot behind its instruction, over all contexts.
    pub fn behind(&self, unit: UnitId, slot: u32) -> Pair {
        let node = self.scope.unit(unit).graph.node_of(slot);
        let mut joined = [0, 0];
        for context in self.contexts.iter().filter(|context| context.unit == unit) {
            let [forward, all] = context.values.get(node);
            add(&mut joined, [if context.is_forward { forward } else { 0 }, all]);
        }
        joined
    }

    /// All rules that fail, by place.
    pub fn failures(&self) -> Vec<Failure> {
        let mut failures: Vec<Failure> = Vec::new();
        for (id, context) in self.contexts.iter().enumerate() {
            let mut faulty = context.faulty.clone();
            faulty.sort_unstable();
            faulty.dedup();
            let unit = self.scope.unit(context.unit);
            for instruction in faulty {
                let place = Place { unit: context.unit, instruction };
                let mut collector = Collector { place, failures: &mut failures };
                self.observe_in(id as ContextId, unit, context.is_forward, instruction, &mut collector);
            }
        }
        failures.sort_by_key(|failure| (failure.place, failure.op));
        failures.dedup_by(|later, earlier| {
            let is_same = later.place == earlier.place && later.op == earlier.op;
            if is_same {
                add(&mut earlier.facts, later.facts);
            }
            is_same
        });
        failures
    }

    /// The context of one fact of a register of a block, if it has come up.
    pub fn context_of(&self, unit: UnitId, origin: Origin) -> Option<ContextId> {
        self.by_origin.get(&(unit, origin)).copied()
    }

    /// The unit of a context.
    pub fn unit_of(&self, context: ContextId) -> UnitId {
        self.contexts[context as usize].unit
    }

    /// What the registers hold somewhere in a context.
    pub fn anywhere(&self, context: ContextId) -> impl Iterator<Item = (Var, Facts)> + '_ {
        self.contexts[context as usize].any.iter().map(|(var, facts)| (*var, *facts))
    }

    /// What a register holds when a context is left.
    pub fn left(&self, context: ContextId) -> impl Iterator<Item = (Var, Pair)> + '_ {
        self.contexts[context as usize].leave.iter().map(|(var, facts)| (*var, *facts))
    }
}

struct Collector<'a> {
    place: Place,
    failures: &'a mut Vec<Failure>,
}

impl Observer for Collector<'_> {
    fn see(&mut self, _: &Op, _: u32, _: &[Pair], _: u32) {}
    fn fail(&mut self, number: u32, facts: Pair) {
        self.failures.push(Failure { place: self.place, op: number, facts });
    }
}

/// The register of a block that stands for a register of who enters it.
pub fn counterpart(block: &Unit, key: Key) -> Option<Var> {
    block.vars().find(key).or_else(|| block.vars().find(Key::REST).filter(|_| key.is_local()))
}

/// The way of all registers through an `enter`.
struct Passage<'a> {
    caller: ContextId,
    unit: &'a Unit,
    instruction: u32,
    generated: Pair,
    out: Vec<Pair>,
    anywhere: Vec<Facts>,
}

impl Passage<'_> {
    fn key(&self, at: usize) -> Key {
        self.unit.key_of(self.unit.slots_of(self.instruction).start + at as u32)
    }

    fn go_on(&mut self, at: usize, facts: Pair) {
        add(&mut self.out[at], facts);
        self.anywhere[at] |= facts[1];
    }

    fn forget_locals(&mut self, slots: &[Pair]) {
        let unknown = self.generated.map(|mask| mask & one(UNKNOWN));
        for (at, facts) in slots.iter().enumerate() {
            self.go_on(at, if self.key(at).is_local() { unknown } else { *facts });
        }
    }

    /// The slots that a register of the block stands for.
    fn slots_of(&self, block: &Unit, var: Var, own: Option<usize>) -> Vec<usize> {
        let key = block.vars().keys[var as usize];
        let slots = self.unit.slots_of(self.instruction);
        if key == Key::REST {
            return match own {
                Some(at) => vec![at],
                None => (0..slots.len())
                    .filter(|at| self.key(*at).is_local() && block.vars().find(self.key(*at)).is_none_or(|v| v == var))
                    .collect(),
            };
        }
        let first = slots.start;
        let count = slots.len();
        let at = partition(count, |at| self.unit.key_of(first + at as u32) < key);
        if at < count && self.unit.key_of(first + at as u32) == key { vec![at] } else { Vec::new() }
    }
}

/// The first index for which the test fails.
fn partition(count: usize, test: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if test(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
