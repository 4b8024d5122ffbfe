//! One body, from its start facts to its findings: solve, collect what fails, search the paths, write the messages, and
//! put them in order (analyser-flow.md §5).

use crate::Options;
use crate::closures::{self, CapturedSlot, Creation};
use crate::facts::{DEFINED, EMPTY, Fact, Facts, Kind, UNKNOWN, one, plain};
use crate::fresh::{self, Definition};
use crate::lints;
use crate::messages::{Messages, Names};
use crate::ops::{Key, NONE, Op, OpKind, StaticFault};
use crate::paths::{Found, Goal, Plan, Search, Start, Thread, search};
use crate::program::{Program, Reached};
use crate::scope::{Place, Scope};
use crate::solve::{Failure, Solution};
use crate::trace::{history, steps};
use crate::transfer::{Observer, Pair};
use crate::trie::Trie;
use crate::unit::Unit;
use crate::unused::{self, Usage};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use viua_diagnostics::{Diagnostic, Entry, Severity, Span};
use viua_ir::BodyId;
use viua_isa::RegisterSet;

/// What a body begins with.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The function or closure.
    pub body: BodyId,
    /// Its name token, which defines the parameters.
    pub name: Span,
    /// The number of its parameters; `None` if any number may be passed.
    pub arity: Option<u16>,
    /// What is captured, for a closure.
    pub captures: BTreeMap<u16, CapturedSlot>,
    /// Whether no forward path leads to where the closure is made.
    pub is_later: bool,
}

impl Beginning {
    /// How a function begins, or a closure without captures.
    pub fn new(program: &Program, body: BodyId) -> Beginning {
        let definition = program.module.body(body);
        Beginning {
            body,
            name: definition.name_span,
            arity: definition.arity,
            captures: BTreeMap::new(),
            is_later: false,
        }
    }

    fn defined_by(&self, key: Key, fact: Option<Fact>) -> Option<Span> {
        match key.set() {
            RegisterSet::Parameters => self.arity.filter(|arity| key.index() < *arity).map(|_| self.name),
            RegisterSet::Local if key != Key::REST => {
                let slot = self.captures.get(&key.index())?;
                let gives = |at: usize| {
                    let wanted = fact.map_or(Facts::MAX, one);
                    slot.sources.iter().find(|(_, facts)| facts[at] & wanted != 0).map(|(token, _)| *token)
                };
                gives(0).or_else(|| gives(1)).or_else(|| slot.sources.keys().next().copied())
            }
            _ => None,
        }
    }
}

impl Start for Beginning {
    fn facts(&self, key: Key) -> Pair {
        const VALUE: Facts = one(plain(Kind::Value));
        match key.set() {
            RegisterSet::Parameters => match self.arity {
                None => [one(UNKNOWN); 2],
                Some(arity) if key.index() < arity => [VALUE; 2],
                Some(_) => [one(EMPTY); 2],
            },
            RegisterSet::Local => match self.captures.get(&key.index()).filter(|_| key != Key::REST) {
                Some(slot) if self.is_later => [slot.facts[1]; 2],
                Some(slot) => slot.facts,
                None => [one(EMPTY); 2],
            },
            RegisterSet::Static | RegisterSet::Global | RegisterSet::Arguments => [one(EMPTY); 2],
        }
    }

    fn is_fresh(&self, key: Key) -> bool {
        match key.set() {
            RegisterSet::Parameters => self.arity.is_some_and(|arity| key.index() < arity),
            RegisterSet::Local => key != Key::REST && self.captures.contains_key(&key.index()),
            RegisterSet::Static | RegisterSet::Global | RegisterSet::Arguments => false,
        }
    }
}

/// A fault of a kind that one body may show on behalf of several: a static one, by body, instruction and step.
pub type StaticId = (BodyId, u32, u8);

/// A fault, without the end of its trace.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What is reported.
    pub diagnostic: Diagnostic,
    /// Set for faults that do not depend on facts.
    pub id: Option<StaticId>,
}

/// What the analysis of a body gives.
#[derive(Debug, Default)]
pub struct Analysed {
    /// The faults, in order.
    pub faults: Vec<Fault>,
    /// Unused registers and values, in order.
    pub unused: Vec<Diagnostic>,
    /// The closures that it makes, in source order.
    pub creations: Vec<Creation>,
    /// The lints of the body itself.
    pub lints: Vec<Diagnostic>,
    /// The lints of the blocks it reaches.
    pub block_lints: Vec<(BodyId, Diagnostic)>,
    /// The blocks it reaches.
    pub blocks: Vec<BodyId>,
    /// What it passes to functions of the file.
    pub passes: Vec<lints::unread_parameter::Pass>,
    /// The parameters that it uses.
    pub used_parameters: FxHashSet<u16>,
}

/// Analyses a body.
pub fn analyse(program: &Program, beginning: &Beginning, options: &Options) -> Analysed {
    let unit = Unit::compile(program, beginning.body);
    let scope = Scope::new(program, &unit);
    let solution = Solution::new(&scope, |key| beginning.facts(key));
    let suspects = Suspects::collect(&scope, &solution, beginning);
    let mut analysed =
        Analysed { blocks: scope.units[1..].iter().map(|unit| unit.body).collect(), ..Analysed::default() };
    let mut has_forward_fault = false;
    if !suspects.are_none() {
        let names = Names::new(program.module, program.module.body(beginning.body));
        let sorted = Report { scope: &scope, beginning, names: &names, trie: Trie::default() }.faults(&suspects);
        has_forward_fault = sorted.iter().any(|fault| fault.is_forward);
        analysed.faults = sorted.into_iter().map(|fault| fault.fault).collect();
    }
    analysed.creations = made_closures(&scope, &solution);
    let usage = Usage::collect(&scope, beginning);
    if !has_forward_fault {
        analysed.unused = unused::findings(&scope, &solution, beginning, &usage, options);
    }
    lints::of_body(&scope, &solution, &usage, &suspects.overwrites, options, &mut analysed);
    analysed.used_parameters = usage.used_parameters();
    analysed
}

/// Only the closures that a body makes.
pub fn creations(program: &Program, beginning: &Beginning) -> Vec<Creation> {
    let unit = Unit::compile(program, beginning.body);
    let scope = Scope::new(program, &unit);
    let solution = Solution::new(&scope, |key| beginning.facts(key));
    made_closures(&scope, &solution)
}

fn made_closures(scope: &Scope, solution: &Solution) -> Vec<Creation> {
    if scope.units.iter().all(|unit| unit.ops.creations.is_empty()) {
        return Vec::new();
    }
    let module = scope.program.module;
    let mut creations = closures::creations(scope, solution);
    creations.sort_by_key(|creation| {
        let (body, number) = creation.id;
        module.instructions(module.body(body))[number as usize].mnemonic
    });
    creations
}

/// The steps of the path to an instruction, for closures that are made there.
pub fn steps_to(program: &Program, beginning: &Beginning, to: (BodyId, u32), is_later: bool) -> Vec<Entry> {
    let unit = Unit::compile(program, beginning.body);
    let scope = Scope::new(program, &unit);
    let (body, instruction) = to;
    let unit_id = if body == beginning.body { Some(0) } else { scope.unit_of(body) };
    let Some(unit) = unit_id else { return Vec::new() };
    let goals = vec![(Place { unit, instruction }, Goal::Instruction)];
    let plan = Plan { forward: !is_later, goals, ..Plan::default() };
    let mut trie = Trie::default();
    let search = search(&scope, beginning, &plan, &mut trie);
    search.path_to(0).map_or(Vec::new(), |found| steps(&search, &scope, &found))
}

/// What is to be reported, before its paths are known.
struct Suspects {
    faults: Vec<(Place, StaticFault)>,
    /// Those that no forward path reaches.
    later_faults: Vec<(Place, StaticFault)>,
    failures: Vec<Failure>,
    overwrites: Vec<Definition>,
    bounds: bool,
}

impl Suspects {
    fn collect(scope: &Scope, solution: &Solution, beginning: &Beginning) -> Suspects {
        let mut failures = first_of_ranges(scope, solution.failures());
        failures.extend(checks_of_all_paths(scope, solution));
        let mut faults = Vec::new();
        let mut later_faults = Vec::new();
        for (unit, compiled) in scope.numbered() {
            for fault in &compiled.ops.faults {
                let place = Place { unit, instruction: fault.instruction };
                match scope.reached(place) {
                    Reached::Forward => faults.push((place, *fault)),
                    // The others are found when code is made.
                    Reached::Later if fault.cause.is_only_ours() => later_faults.push((place, *fault)),
                    Reached::Later | Reached::Never => {}
                }
            }
        }
        let mut overwrites = fresh::freshness(scope.program, scope.unit(0), |key| beginning.is_fresh(key)).overwrites;
        for (unit, compiled) in scope.numbered().skip(1) {
            if scope.reached[unit as usize] == Reached::Forward
                && let Some(freshness) = scope.program.freshness(compiled.body)
            {
                overwrites.extend(&freshness.overwrites);
            }
        }
        overwrites.sort_unstable();
        overwrites.dedup();
        Suspects { faults, later_faults, failures, overwrites, bounds: may_be_out_of_bounds(scope) }
    }

    fn are_none(&self) -> bool {
        let has_static = !self.faults.is_empty() || !self.later_faults.is_empty();
        !has_static && self.failures.is_empty() && self.overwrites.is_empty() && !self.bounds
    }
}

/// Of a packed range the first register that fails is reported.
fn first_of_ranges(scope: &Scope, failures: Vec<Failure>) -> Vec<Failure> {
    let mut kept: Vec<Failure> = Vec::with_capacity(failures.len());
    for failure in failures {
        let ops = scope.unit(failure.place.unit).ops_of(failure.place.instruction);
        match kept.last_mut().filter(|last| {
            last.place == failure.place
                && ops[last.op as usize].kind == OpKind::Pack
                && ops[failure.op as usize].kind == OpKind::Pack
        }) {
            Some(last) if last.facts[0] == 0 && failure.facts[0] != 0 => *last = failure,
            Some(_) => {}
            None => kept.push(failure),
        }
    }
    kept
}

/// Whether the register count has to be followed: not if there is one for the whole body, and it is enough.
fn may_be_out_of_bounds(scope: &Scope) -> bool {
    let mut allocations = scope.units.iter().flat_map(|unit| &unit.ops.allocations);
    let Some((_, count)) = allocations.next() else { return false };
    let highest = scope.units.iter().filter_map(|unit| unit.ops.highest).max();
    allocations.next().is_some() || highest.is_some_and(|highest| highest >= *count)
}

struct AllFacts {
    facts: Vec<(u32, OpKind, Pair)>,
}

impl Observer for AllFacts {
    fn see(&mut self, op: &Op, number: u32, slots: &[Pair], first_slot: u32) {
        if matches!(op.kind, OpKind::Null | OpKind::Conversion) {
            let facts = slots[(op.slot - first_slot) as usize];
            match self.facts.iter_mut().find(|(known, ..)| *known == number) {
                Some((_, _, known)) => {
                    closures::join(known, facts);
                }
                None => self.facts.push((number, op.kind, facts)),
            }
        }
    }
    fn fail(&mut self, _: u32, _: Pair) {}
}

/// The rules about all paths: `isnull` of what is always defined, `text` of what is always a text.
fn checks_of_all_paths(scope: &Scope, solution: &Solution) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (unit, compiled) in scope.numbered() {
        for instruction in &compiled.ops.checks {
            let place = Place { unit, instruction: *instruction };
            let mut seen = AllFacts { facts: Vec::new() };
            solution.observe(place, &mut seen);
            for (op, kind, facts) in seen.facts {
                let is_useless = match kind {
                    OpKind::Null => facts[1] != 0 && facts[1] & !DEFINED == 0,
                    _ => facts[1] == one(plain(Kind::Text)),
                };
                if is_useless {
                    failures.push(Failure { place, op, facts });
                }
            }
        }
    }
    failures
}

/// A fault with what it is sorted by.
struct Sorted {
    fault: Fault,
    is_forward: bool,
    found: Found,
    step: (u8, u8),
}

/// What a goal of a search is about.
#[derive(Clone, Copy)]
enum About {
    Static(StaticFault),
    Failure(u32),
    Overwrite(u32),
}

struct Report<'a, 's, 'p> {
    scope: &'s Scope<'p>,
    beginning: &'a Beginning,
    names: &'a Names,
    trie: Trie,
}

impl Report<'_, '_, '_> {
    fn faults(mut self, suspects: &Suspects) -> Vec<Sorted> {
        let mut sorted = Vec::new();
        let mut bounded: FxHashSet<Key> = FxHashSet::default();
        let mut out_of_bounds: FxHashSet<(Place, u32)> = FxHashSet::default();
        if suspects.bounds {
            for forward in [true, false] {
                let plan = Plan { forward, counts: true, ..Plan::default() };
                self.bounds(&plan, &mut out_of_bounds, &mut bounded, &mut sorted);
            }
        }
        let mut forward = Goals::default();
        let mut later = Goals::default();
        for (place, fault) in &suspects.faults {
            forward.add(*place, Goal::Instruction, About::Static(*fault));
        }
        for (place, fault) in &suspects.later_faults {
            later.add(*place, Goal::Instruction, About::Static(*fault));
        }
        for failure in &suspects.failures {
            let unit = self.scope.unit(failure.place.unit);
            let op = unit.ops_of(failure.place.instruction)[failure.op as usize];
            let key = unit.key_of(op.slot);
            // A register that is out of bounds is one mistake already.
            if op.kind == OpKind::Use && bounded.contains(&key) {
                continue;
            }
            let goals = if failure.facts[0] != 0 { &mut forward } else { &mut later };
            let facts = if failure.facts[0] != 0 { failure.facts[0] } else { failure.facts[1] };
            goals.add(failure.place, Goal::Failure(failure.op, facts), About::Failure(failure.op));
            goals.keys.insert(key);
        }
        for overwrite in &suspects.overwrites {
            let unit = if overwrite.body == self.beginning.body { Some(0) } else { self.scope.unit_of(overwrite.body) };
            let Some(unit) = unit else { continue };
            let place = Place { unit, instruction: overwrite.instruction };
            let compiled = self.scope.unit(unit);
            let op = compiled.ops_of(overwrite.instruction)[overwrite.op as usize];
            let goal = match overwritten_here(compiled, overwrite.instruction, overwrite.op) {
                Some(_) => Goal::Instruction,
                None => Goal::Overwrite(overwrite.op),
            };
            forward.fresh.insert(compiled.key_of(op.slot));
            forward.add(place, goal, About::Overwrite(overwrite.op));
        }
        let sources = (!forward.keys.is_empty() || !later.keys.is_empty()).then(|| sources_of(self.scope));
        for (is_forward, mut goals) in [(true, forward), (false, later)] {
            if let Some(sources) = &sources {
                add_sources(sources, &mut goals.keys);
                // It stands for all of them in blocks.
                goals.keys.insert(Key::REST);
            }
            self.search(is_forward, goals, &mut sorted);
        }
        let trie = &self.trie;
        sorted.sort_by(|a, b| {
            trie.compare_traces(a.found.label.decisions, b.found.label.decisions)
                .then_with(|| a.found.label.length.cmp(&b.found.label.length))
                .then_with(|| (a.found.place, a.step).cmp(&(b.found.place, b.step)))
        });
        sorted
    }

    fn bounds(
        &mut self,
        plan: &Plan,
        known: &mut FxHashSet<(Place, u32)>,
        bounded: &mut FxHashSet<Key>,
        sorted: &mut Vec<Sorted>,
    ) {
        let defined = |key, fact| self.beginning.defined_by(key, fact);
        let messages = Messages { scope: self.scope, names: self.names, defined_at_start: &defined };
        let search = search(self.scope, self.beginning, plan, &mut self.trie);
        for (place, out) in search.bounds() {
            if !known.insert((place, out.op)) {
                continue;
            }
            let op = self.scope.unit(place.unit).ops_of(place.instruction)[out.op as usize];
            bounded.insert(Key::new(RegisterSet::Local, op.other as u16));
            let Thread::Count(count) = out.found.thread else { continue };
            let allocated = history(&search, self.scope, &out.found, out.op).defined;
            let diagnostic = messages.out_of_bounds(place, out.op, count, allocated);
            let step = (op.step, op.operand);
            sorted.push(self.beginning.finish(plan.forward, &search, self.scope, out.found, step, diagnostic, None));
        }
    }

    fn search(&mut self, forward: bool, goals: Goals, sorted: &mut Vec<Sorted>) {
        if goals.goals.is_empty() {
            return;
        }
        let plan = Plan { forward, goals: goals.goals, facts_of: goals.keys, freshness_of: goals.fresh, counts: false };
        let defined = |key, fact| self.beginning.defined_by(key, fact);
        let messages = Messages { scope: self.scope, names: self.names, defined_at_start: &defined };
        let search = search(self.scope, self.beginning, &plan, &mut self.trie);
        for (at, about) in goals.about.iter().enumerate() {
            let Some(found) = search.path_to(at) else { continue };
            let place = found.place;
            let unit = self.scope.unit(place.unit);
            let op_step = |op: u32| {
                let op = unit.ops_of(place.instruction)[op as usize];
                (op.step, op.operand)
            };
            let (diagnostic, step, id) = match *about {
                About::Static(fault) => {
                    let id = (unit.body, place.instruction, fault.step);
                    (messages.static_fault(place, &fault), (fault.step, fault.operand), Some(id))
                }
                About::Failure(op) => (messages.failure(&search, self.scope, &found, op), op_step(op), None),
                About::Overwrite(op) => {
                    let defined = match overwritten_here(unit, place.instruction, op) {
                        Some(operand) => {
                            self.scope.operands(place).get(usize::from(operand)).map(|operand| operand.span)
                        }
                        None => {
                            let key = unit.key_of(unit.ops_of(place.instruction)[op as usize].slot);
                            let history = history(&search, self.scope, &found, op);
                            history.defined.or_else(|| self.beginning.defined_by(key, None))
                        }
                    };
                    (messages.overwrite(place, op, defined), op_step(op), None)
                }
            };
            sorted.push(self.beginning.finish(forward, &search, self.scope, found, step, diagnostic, id));
        }
    }
}

impl Beginning {
    /// Adds the steps of its path to a fault, and gives it its level.
    #[allow(clippy::too_many_arguments)]
    fn finish(
        &self,
        is_forward: bool,
        search: &Search,
        scope: &Scope,
        found: Found,
        step: (u8, u8),
        mut diagnostic: Diagnostic,
        id: Option<StaticId>,
    ) -> Sorted {
        diagnostic.trace.extend(steps(search, scope, &found));
        if !is_forward || self.is_later {
            diagnostic.severity = Severity::Warning;
            diagnostic.lint = Some(crate::LATER_PATHS);
        }
        Sorted { fault: Fault { diagnostic, id }, is_forward, found, step }
    }
}

/// The goals of a search.
#[derive(Default)]
struct Goals {
    goals: Vec<(Place, Goal)>,
    about: Vec<About>,
    keys: FxHashSet<Key>,
    fresh: FxHashSet<Key>,
}

impl Goals {
    fn add(&mut self, place: Place, goal: Goal, about: About) {
        self.goals.push((place, goal));
        self.about.push(about);
    }
}

/// The operand that has defined the register earlier in the same instruction, which nothing has used since.
pub fn overwritten_here(unit: &Unit, instruction: u32, op: u32) -> Option<u8> {
    let ops = unit.ops_of(instruction);
    let slot = ops[op as usize].slot;
    let earlier = ops[..op as usize].iter().rev().find(|earlier| {
        earlier.slot == slot && (earlier.kind.is_definition() || matches!(earlier.kind, OpKind::Use))
    })?;
    earlier.kind.is_definition().then_some(earlier.operand)
}

/// For each register, those whose facts may become its own.
fn sources_of(scope: &Scope) -> FxHashMap<Key, Vec<Key>> {
    let mut sources: FxHashMap<Key, Vec<Key>> = FxHashMap::default();
    for unit in &scope.units {
        for op in &unit.ops.ops {
            if matches!(op.kind, OpKind::DefineFrom | OpKind::DefineSaved) && op.other != NONE {
                let from = unit.key_of(op.other);
                let known = sources.entry(unit.key_of(op.slot)).or_default();
                if !known.contains(&from) {
                    known.push(from);
                }
            }
        }
    }
    sources
}

fn add_sources(sources: &FxHashMap<Key, Vec<Key>>, keys: &mut FxHashSet<Key>) {
    let mut rest: Vec<Key> = keys.iter().copied().collect();
    while let Some(key) = rest.pop() {
        for source in sources.get(&key).into_iter().flatten() {
            if keys.insert(*source) {
                rest.push(*source);
            }
        }
    }
}
