//! A second, slow analysis to test the first one against: it goes along every path, one fact for each register, and
//! notes what fails and by which path first. Random programs must give the same. `ORACLE_SEED` chooses others of them.

use crate::body::Beginning;
use crate::facts::{Fact, UNKNOWN, one};
use crate::fresh::{freshness, is_head};
use crate::ops::{Key, NONE, Op, OpKind};
use crate::paths::{Goal, Plan, Start, search};
use crate::program::{Entered, Program, Reached};
use crate::scope::{Place, Scope};
use crate::solve::Solution;
use crate::transfer::{Observer, Pair, run};
use crate::trie::Trie;
use crate::unit::{Ending, Unit};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use viua_diagnostics::FileId;
use viua_ir::cfg::EdgeKind;
use viua_ir::{BodyId, Module};
use viua_isa::RegisterSet;

/// What fails: where, which operation, for which fact.
type Failed = (Place, u32, Fact);
/// The path that shows it: number of decisions, decisions, instructions.
type Path = (usize, Vec<u8>, u64);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    path: Path,
    is_forward: bool,
    place: Place,
    /// Who has entered: where, and whether as a catcher.
    callers: Vec<(Place, bool)>,
    registers: BTreeMap<Key, Fact>,
    fresh: BTreeSet<Key>,
}

/// All that is told apart: places, who has entered, facts, freshness.
type Seen = (Place, Vec<(Place, bool)>, BTreeMap<Key, Fact>, BTreeSet<Key>);

struct Fails<'a> {
    place: Place,
    path: Path,
    failed: &'a mut BTreeMap<Failed, Path>,
}

impl Observer for Fails<'_> {
    fn see(&mut self, _: &Op, _: u32, _: &[Pair], _: u32) {}
    fn fail(&mut self, number: u32, facts: Pair) {
        let failed = (self.place, number, facts[1].trailing_zeros() as Fact);
        self.failed.entry(failed).or_insert_with(|| self.path.clone());
    }
}

struct Oracle<'s, 'p> {
    scope: &'s Scope<'p>,
    keys: BTreeSet<Key>,
    seen: BTreeSet<Seen>,
    rest: BinaryHeap<Reverse<State>>,
    failed: BTreeMap<Failed, Path>,
    overwrites: BTreeMap<Failed, Path>,
}

/// All that fails along forward paths, or along all, and what is overwritten on forward paths; `None` if there is too
/// much to look at.
fn failures(scope: &Scope, beginning: &Beginning, forward: bool) -> Option<[BTreeMap<Failed, Path>; 2]> {
    const MOST_STATES: usize = 20_000;
    let keys = scope.units.iter().flat_map(|unit| unit.vars().keys.iter().copied()).filter(|key| *key != Key::REST);
    let mut oracle = Oracle {
        scope,
        keys: keys.collect(),
        seen: BTreeSet::new(),
        rest: BinaryHeap::new(),
        failed: BTreeMap::new(),
        overwrites: BTreeMap::new(),
    };
    let fact = |key: &Key| beginning.facts(*key)[1].trailing_zeros() as Fact;
    let registers = oracle.keys.iter().map(|key| (*key, fact(key))).collect();
    let fresh = oracle.keys.iter().copied().filter(|key| forward && beginning.is_fresh(*key)).collect();
    let place = Place { unit: 0, instruction: 0 };
    let path = (0, Vec::new(), 0);
    oracle.add(State { path, is_forward: true, place, callers: Vec::new(), registers, fresh });
    while let Some(Reverse(state)) = oracle.rest.pop() {
        if oracle.seen.len() > MOST_STATES {
            return None;
        }
        if (state.is_forward || !forward)
            && oracle.seen.insert((state.place, state.callers.clone(), state.registers.clone(), state.fresh.clone()))
        {
            oracle.step(state, forward);
        }
    }
    Some([oracle.failed, oracle.overwrites])
}

impl Oracle<'_, '_> {
    fn add(&mut self, state: State) {
        self.throw(&state);
        self.rest.push(Reverse(state));
    }

    /// From everywhere in an entered block later edges lead to the catchers of whoever entered.
    fn throw(&mut self, state: &State) {
        for (depth, (enter, is_catcher)) in state.callers.iter().enumerate() {
            let unit = self.scope.unit(enter.unit);
            if *is_catcher {
                continue;
            }
            for (_, catcher) in enter_at(unit, enter.instruction).map_or(&[][..], |enter| &enter.catchers) {
                let mut caught = State { is_forward: false, callers: state.callers[..depth].to_vec(), ..state.clone() };
                match catcher {
                    Entered::Block(block) => {
                        let Some(unit) = self.scope.unit_of(*block) else { continue };
                        caught.callers.push((*enter, true));
                        caught.place = Place { unit, instruction: 0 };
                        self.add(caught);
                    }
                    Entered::Unchecked(_) | Entered::External | Entered::Nothing => {
                        caught.place = *enter;
                        self.forget(&mut caught);
                        self.go_on(caught, unit);
                    }
                }
            }
        }
    }

    fn forget(&self, state: &mut State) {
        state.fresh.clear();
        for key in self.keys.iter().filter(|key| key.is_local()) {
            state.registers.insert(*key, UNKNOWN);
        }
    }

    fn step(&mut self, mut state: State, forward: bool) {
        let place = state.place;
        let unit = self.scope.unit(place.unit);
        state.path.2 += 1;
        let block = &unit.blocks[unit.block_of(place.instruction) as usize];
        if place.instruction + 1 == block.end {
            match block.ending {
                Ending::Plain => {}
                Ending::Enter(enter) => return self.enter(state, unit.enters[enter as usize].entered),
                Ending::Leave => return self.leave(state),
            }
        }
        if forward {
            self.refresh(&mut state, unit);
        }
        let slots = unit.slots_of(place.instruction);
        let mut facts: Vec<Pair> = slots.clone().map(|slot| [one(state.registers[&unit.key_of(slot)]); 2]).collect();
        let mut fails = Fails { place, path: state.path.clone(), failed: &mut self.failed };
        run(unit, place.instruction, &mut facts, [u64::MAX; 2], &mut fails);
        for (slot, facts) in slots.zip(facts) {
            state.registers.insert(unit.key_of(slot), facts[1].trailing_zeros() as Fact);
        }
        self.throw(&state);
        if place.instruction + 1 < block.end {
            let place = Place { instruction: place.instruction + 1, ..place };
            return self.add(State { place, ..state });
        }
        self.go_on(state, unit);
    }

    fn refresh(&mut self, state: &mut State, unit: &Unit) {
        for (number, op) in unit.ops_of(state.place.instruction).iter().enumerate() {
            let is_tracked = |key: &Key| matches!(key.set(), RegisterSet::Local | RegisterSet::Parameters);
            let Some(key) = (op.slot != NONE).then(|| unit.key_of(op.slot)).filter(is_tracked) else { continue };
            let was_fresh = state.fresh.contains(&key);
            if matches!(op.kind, OpKind::Use | OpKind::Pack | OpKind::MarkUsed | OpKind::Recover) {
                state.fresh.remove(&key);
            } else if op.kind.is_definition() {
                if was_fresh {
                    let path = state.path.clone();
                    self.overwrites.entry((state.place, number as u32, 0)).or_insert(path);
                }
                state.fresh.insert(key);
            }
        }
    }

    fn go_on(&mut self, state: State, unit: &Unit) {
        let block = &unit.blocks[unit.block_of(state.place.instruction) as usize];
        for edge in block.successors.into_iter().flatten() {
            let mut next = state.clone();
            let side = match edge.kind {
                EdgeKind::True => Some(0),
                EdgeKind::False => Some(1),
                _ => None,
            };
            if let Some(side) = side {
                next.path.0 += 1;
                next.path.1.push(side);
            }
            // Behind an `enter` the edge is as forward as the way through the block was.
            next.is_forward &= edge.is_forward || edge.kind == EdgeKind::Leave;
            if is_head(self.scope.program, unit, edge.block) {
                next.fresh.clear();
            }
            next.place.instruction = unit.blocks[edge.block as usize].first;
            self.add(next);
        }
    }

    fn enter(&mut self, mut state: State, entered: Entered) {
        match entered {
            Entered::Block(block) => {
                let Some(unit) = self.scope.unit_of(block) else { return };
                state.callers.push((state.place, false));
                self.add(State { place: Place { unit, instruction: 0 }, ..state });
            }
            Entered::Unchecked(_) | Entered::External => {
                state.callers.push((state.place, false));
                self.throw(&state);
                self.forget(&mut state);
                self.throw(&state);
                state.callers.pop();
                let unit = self.scope.unit(state.place.unit);
                self.go_on(state, unit);
            }
            Entered::Nothing => {}
        }
    }

    fn leave(&mut self, mut state: State) {
        if let Some((enter, _)) = state.callers.pop() {
            let unit = self.scope.unit(enter.unit);
            self.go_on(State { place: enter, ..state }, unit);
        }
    }
}

fn enter_at(unit: &Unit, instruction: u32) -> Option<&crate::unit::Enter> {
    unit.enters.iter().find(|enter| enter.instruction == instruction)
}

/// Small numbers by a linear congruence, so that a test that fails can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
    fn register(&mut self) -> String {
        let set = self.pick(&["local", "local", "local", "local", "local", "local", "static"]);
        format!("%{} {set}", 1 + self.below(3))
    }
}

fn simple_line(random: &mut Random) -> String {
    let (a, b, c) = (random.register(), random.register(), random.register());
    let star = a.replace('%', "*");
    match random.below(19) {
        0 => format!("integer {a} 1"),
        1 => format!("text {a} \"x\""),
        2 => format!("float {a} 1.0"),
        3 => format!("iinc {a}"),
        4 => format!("print {a}"),
        5 => format!("delete {a}"),
        6 => format!("move {a} {b}"),
        7 => format!("copy {a} {b}"),
        8 => format!("ptr {a} {b}"),
        9 => format!("print {star}"),
        10 => format!("add {a} {b} {c}"),
        11 => format!("swap {a} {b}"),
        12 => format!("copy {a} {star}"),
        13 => format!("move {a} %0 parameters"),
        14 => format!("vector {a} %1 local %2"),
        15 => format!("textlength {a} {b}"),
        16 => format!("ftoi {a} {b}"),
        17 => format!("print @{}", &b[1..]),
        _ => "nop".to_owned(),
    }
}

/// A body of lines with jumps to anywhere; `blocks` may be entered and catch.
fn body(random: &mut Random, blocks: &[String], is_block: bool) -> String {
    let count = 3 + random.below(8);
    let mut text = String::new();
    for at in 0..count {
        text.push_str(&format!(".mark: m{at}\n"));
        // Mostly forward, sometimes to anywhere.
        let target = |random: &mut Random| {
            let anywhere = random.below(4) == 0;
            let to = if anywhere { random.below(count) } else { at + 1 + random.below(count - at) };
            if to == at { at + 1 } else { to }
        };
        let (to, other) = (target(random), target(random));
        let line = match random.below(10) {
            0 | 1 if to != other => format!("if %1 local m{to} m{other}"),
            2 if random.below(2) == 0 => format!("jump m{to}"),
            3 | 4 if !blocks.is_empty() => {
                let catches = (0..random.below(2))
                    .map(|_| format!("catch \"X\" {}\n", blocks[random.below(blocks.len() as u64) as usize]))
                    .collect::<String>();
                format!("try\n{catches}enter {}", blocks[random.below(blocks.len() as u64) as usize])
            }
            5 if is_block && random.below(4) == 0 => "leave".to_owned(),
            6 if random.below(6) == 0 => "return".to_owned(),
            _ => simple_line(random),
        };
        text.push_str(&line);
        text.push('\n');
    }
    format!("{text}.mark: m{count}\n{}\n.end\n", if is_block { "leave" } else { "return" })
}

fn program(random: &mut Random) -> String {
    let mut text = String::new();
    let mut blocks = Vec::new();
    for at in 0..random.below(4) {
        let attribute = if random.below(8) == 0 { "[[no_sa]] " } else { "" };
        text.push_str(&format!(".block: {attribute}b{at}\n"));
        text.push_str(&body(random, &blocks, true));
        blocks.push(format!("b{at}"));
    }
    text.push_str(".function: f/1\nallocate_registers %4 local\n");
    text.push_str(&body(random, &blocks, false));
    text
}

fn lowered(source: &str) -> Module {
    let text: Arc<[u8]> = source.as_bytes().into();
    let parsed = viua_parser::parse(&text, FileId(0));
    assert!(!parsed.has_errors(), "{:?}\n{source}", parsed.diagnostics);
    viua_ir::lower(&text, FileId(0), &parsed.tree)
}

/// What the engine and the search say, in the oracle's terms.
fn solved(scope: &Scope, beginning: &Beginning, forward: bool) -> [BTreeMap<Failed, Path>; 2] {
    let solution = Solution::new(scope, |key| beginning.facts(key));
    let mut plan = Plan { forward, ..Plan::default() };
    plan.facts_of.extend(scope.units.iter().flat_map(|unit| unit.vars().keys.iter().copied()));
    plan.freshness_of.clone_from(&plan.facts_of);
    let mut failed = Vec::new();
    for failure in solution.failures() {
        for fact in crate::facts::each(failure.facts[usize::from(!forward)]) {
            failed.push((failure.place, failure.op, fact));
            plan.goals.push((failure.place, Goal::Failure(failure.op, one(fact))));
        }
    }
    let failures = failed.len();
    if forward {
        for (place, op) in overwrites(scope, beginning) {
            let unit = scope.unit(place.unit);
            let is_here = crate::body::overwritten_here(unit, place.instruction, op).is_some();
            failed.push((place, op, 0));
            plan.goals.push((place, if is_here { Goal::Instruction } else { Goal::Overwrite(op) }));
        }
    }
    let mut trie = Trie::default();
    let search = search(scope, beginning, &plan, &mut trie);
    let paths: Vec<_> = (0..failed.len()).map(|goal| search.path_to(goal)).collect();
    let mut all: Vec<(Failed, Path)> = Vec::new();
    for (failed, found) in failed.into_iter().zip(paths) {
        let path = found.map_or((usize::MAX, Vec::new(), 0), |found| {
            let decisions = trie.tail(found.label.decisions, 0);
            (decisions.len(), decisions, found.label.length)
        });
        all.push((failed, path));
    }
    let overwrites = all.split_off(failures);
    [all.into_iter().collect(), overwrites.into_iter().collect()]
}

fn overwrites(scope: &Scope, beginning: &Beginning) -> BTreeSet<(Place, u32)> {
    let mut all = freshness(scope.program, scope.unit(0), |key| beginning.is_fresh(key)).overwrites;
    for (unit, compiled) in scope.numbered().skip(1) {
        if scope.reached[unit as usize] == Reached::Forward {
            all.extend(scope.program.freshness(compiled.body).map_or(&[][..], |known| &known.overwrites));
        }
    }
    all.iter()
        .map(|definition| {
            let unit = scope.unit_of(definition.body).unwrap_or(0);
            (Place { unit, instruction: definition.instruction }, definition.op)
        })
        .collect()
}

#[test]
fn engine_and_search_agree_with_all_paths() {
    let seed = std::env::var("ORACLE_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let mut compared = [0, 0];
    for _ in 0..3000 {
        let source = program(&mut random);
        let module = lowered(&source);
        let program = Program::new(&module);
        let function = BodyId(module.bodies.len() as u32 - 1);
        let unit = Unit::compile(&program, function);
        let scope = Scope::new(&program, &unit);
        let beginning = Beginning::new(&program, function);
        for forward in [true, false] {
            let Some(expected) = failures(&scope, &beginning, forward) else { continue };
            for (kind, (actual, expected)) in solved(&scope, &beginning, forward).iter().zip(&expected).enumerate() {
                let show = |all: &BTreeMap<Failed, Path>| {
                    let line = |((place, op, fact), path): (&Failed, &Path)| {
                        let name = &module.body(scope.unit(place.unit).body).name;
                        format!("{name} {} op {op} fact {fact}: {path:?}", place.instruction)
                    };
                    all.iter().map(line).collect::<Vec<_>>()
                };
                let (found, wanted) = (show(actual), show(expected));
                let differs = |here: &[String], there: &[String]| {
                    here.iter().filter(|line| !there.contains(line)).cloned().collect::<Vec<_>>()
                };
                let (more, less) = (differs(&found, &wanted), differs(&wanted, &found));
                assert!(more == less, "forward: {forward}\nfound: {more:#?}\nwanted: {less:#?}\n{source}");
                compared[kind] += expected.len();
            }
        }
    }
    assert!(compared.iter().all(|count| *count > 100), "the programs are too tame: {compared:?}");
}
