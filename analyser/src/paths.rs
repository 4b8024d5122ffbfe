//! The paths that findings are shown with (analyser-flow.md §5.2, §10.3): one search over (instruction, register,
//! fact) for all faults of a body, fewest `if` decisions first. Runs only if there is something to report.
//!
//! What is followed from the start of a body is a *thread*: the bare path, or on top of it one fact of one register,
//! the freshness of a register, or a register count. A thread is searched for from a basic block on as a whole
//! ([`Chain`]). An entered block is a context with the thread that comes in: it is searched once, and whoever enters
//! with the same thread later gets its results, with his own path before them.

use crate::facts::{Fact, Facts, UNKNOWN, each, one};
use crate::fresh::is_head;
use crate::ops::{Key, NONE, Op, OpKind, Var};
use crate::program::Entered;
use crate::scope::{Place, Scope, UnitId};
use crate::solve::{Observer, Pair, counterpart, run};
use crate::trie::{Decisions, Trie};
use crate::unit::{BasicBlock, Ending, Unit};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use viua_ir::cfg::EdgeKind;

/// What is followed along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thread {
    /// Nothing but the path.
    Bare,
    /// A fact of a register.
    Fact(Var, Fact),
    /// That a register is fresh; [`NONE`] is one that a block does not know.
    Fresh(Var),
    /// The number of local registers.
    Count(u32),
}

/// How long a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its `if` decisions.
    pub decisions: Decisions,
    /// Its instructions.
    pub length: u64,
}

/// Index into [`Search::chains`].
pub type ChainId = u32;

/// A thread from some instruction to the end of its basic block.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// Where it came from.
    pub parent: Parent,
    /// The context it is in.
    pub context: u32,
    /// The basic block.
    pub block: u32,
    /// The first instruction; the end of the basic block if there is none left.
    pub start: u32,
    /// What is followed.
    pub thread: Thread,
    /// The path up to here.
    pub label: Label,
    /// Number of the context and the thread together.
    line: u32,
    /// What is to be done when its turn comes.
    task: Task,
}

/// What is done with a chain. Each of these waits until its path is the shortest of all that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// The thread is followed to the end of the basic block.
    Run,
    /// The last instruction of the basic block enters or leaves a block.
    End,
    /// The thread may be thrown from here.
    Throw,
    /// A catcher of the `enter` at the end of the basic block begins.
    Catch {
        /// Which of its catchers.
        number: u32,
        /// Where the entered block was left.
        inner: ChainId,
    },
}

/// What comes before a chain.
#[derive(Clone, Copy, Debug)]
pub enum Parent {
    /// The start of the body.
    Start,
    /// The end of another basic block.
    Flow {
        /// That one.
        chain: ChainId,
        /// The edge.
        kind: EdgeKind,
    },
    /// The end of another basic block, behind which the register is unknown.
    Forgotten {
        /// That one.
        chain: ChainId,
    },
    /// A definition in the same basic block.
    Definition {
        /// The chain up to there.
        chain: ChainId,
        /// The instruction, and its operation.
        definition: (u32, u32),
    },
    /// The same thread, or the same register with another fact, before the first instruction of the chain.
    Same {
        /// The chain up to there.
        chain: ChainId,
    },
    /// The start of an entered block.
    Entered {
        /// The first to enter.
        caller: ChainId,
        /// For a catcher: the `catch` instruction, and where in the entered block it was left.
        caught: Option<(u32, ChainId)>,
    },
    /// The end of a block that has been left again.
    Left {
        /// Who entered.
        caller: ChainId,
        /// The end in the block.
        inner: ChainId,
    },
}

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

/// What a search looks at.
#[derive(Debug, Default)]
pub struct Plan {
    /// Whether only forward edges are followed.
    pub forward: bool,
    /// Where to.
    pub goals: Vec<(Place, Goal)>,
    /// Registers whose facts are followed.
    pub facts_of: FxHashSet<Key>,
    /// Registers whose freshness is followed.
    pub freshness_of: FxHashSet<Key>,
    /// Whether the register count is followed.
    pub counts: bool,
}

/// Somebody who has entered a block.
#[derive(Clone, Copy, Debug)]
struct Frame {
    caller: ChainId,
    /// The thread of the caller that the block does not know.
    carried: Option<Thread>,
    caught: Option<(u32, ChainId)>,
    label: Label,
}

#[derive(Debug)]
struct Context {
    unit: UnitId,
    entry: Thread,
    label: Label,
    frames: Vec<Frame>,
    ends: Vec<(Thread, ChainId)>,
    anywhere: Vec<(Thread, ChainId)>,
    seen_anywhere: FxHashSet<Thread>,
}

/// A search and what it has found.
#[derive(Debug)]
pub struct Search<'s, 'p, 'a> {
    scope: &'s Scope<'p>,
    plan: &'a Plan,
    trie: &'a mut Trie,
    /// All chains.
    pub chains: Vec<Chain>,
    contexts: Vec<Context>,
    by_entry: FxHashMap<(UnitId, Thread), u32>,
    agenda: Agenda,
    lines: FxHashMap<(u32, Thread), u32>,
    /// By line: a bit for each basic block.
    visited: Vec<Vec<u64>>,
    goals: FxHashMap<Place, Vec<usize>>,
    /// The best path to each goal, by fact.
    found: Vec<Vec<Found>>,
    /// Registers out of bounds.
    pub out_of_bounds: FxHashMap<(Place, u32), Vec<Found>>,
    has_catchers: bool,
    budget: usize,
}

/// Decisions that may be copied for those who enter a block that was searched before. Blocks that enter blocks twice
/// each have paths of exponential length; beyond this their decisions do not count.
const COPIED_DECISIONS: usize = 1 << 20;

/// The facts that the registers of a body start with, and whether they are fresh.
pub trait Start {
    /// The facts, on forward paths and on all.
    fn facts(&self, key: Key) -> Pair;
    /// Whether the register is fresh.
    fn is_fresh(&self, key: Key) -> bool;
}

/// Searches a body.
pub fn search<'s, 'p, 'a>(
    scope: &'s Scope<'p>,
    start: &dyn Start,
    plan: &'a Plan,
    trie: &'a mut Trie,
) -> Search<'s, 'p, 'a> {
    let mut goals: FxHashMap<Place, Vec<usize>> = FxHashMap::default();
    for (at, (place, _)) in plan.goals.iter().enumerate() {
        goals.entry(*place).or_default().push(at);
    }
    let mut search = Search {
        scope,
        plan,
        trie,
        chains: Vec::new(),
        contexts: Vec::new(),
        by_entry: FxHashMap::default(),
        agenda: Agenda::default(),
        lines: FxHashMap::default(),
        visited: Vec::new(),
        found: vec![Vec::new(); plan.goals.len()],
        goals,
        out_of_bounds: FxHashMap::default(),
        has_catchers: !plan.forward
            && scope.units.iter().any(|unit| unit.enters.iter().any(|enter| !enter.catchers.is_empty())),
        budget: COPIED_DECISIONS,
    };
    search.begin(start);
    while let Some(chain) = search.agenda.next(search.trie) {
        if search.is_first_visit(chain) {
            search.follow(chain);
        }
    }
    search
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

    /// The unit of a chain.
    pub fn unit_of(&self, chain: ChainId) -> UnitId {
        self.contexts[self.chains[chain as usize].context as usize].unit
    }

    fn unit(&self, context: u32) -> &'p Unit {
        self.scope.unit(self.contexts[context as usize].unit)
    }

    fn block_at(&self, context: u32, block: u32) -> &'p BasicBlock {
        &self.unit(context).blocks[block as usize]
    }

    fn begin(&mut self, start: &dyn Start) {
        let unit = self.scope.unit(0);
        if unit.blocks.is_empty() {
            return;
        }
        let label = Label { decisions: 0, length: 0 };
        self.contexts.push(new_context(0, Thread::Bare, label));
        let mut threads = vec![Thread::Bare];
        for (var, key) in unit.vars().keys.iter().enumerate() {
            if self.plan.facts_of.contains(key) {
                let [forward, all] = start.facts(*key);
                let facts = if self.plan.forward { forward } else { all };
                threads.extend(each(facts).map(|fact| Thread::Fact(var as Var, fact)));
            }
            if self.plan.freshness_of.contains(key) && start.is_fresh(*key) {
                threads.push(Thread::Fresh(var as Var));
            }
        }
        for thread in threads {
            let line = self.line(0, thread);
            self.push(Chain {
                parent: Parent::Start,
                context: 0,
                block: 0,
                start: 0,
                thread,
                label,
                line,
                task: Task::Run,
            });
        }
    }

    fn line(&mut self, context: u32, thread: Thread) -> u32 {
        let new = self.visited.len() as u32;
        let line = *self.lines.entry((context, thread)).or_insert(new);
        if line == new {
            self.visited.push(vec![0; self.unit(context).blocks.len().div_ceil(32)]);
        }
        line
    }

    /// The bit of a chain that is followed but once: at the start of a basic block, or at an end with other bodies.
    fn visit_bit(&self, chain: &Chain) -> Option<(usize, u64)> {
        let bit = match chain.task {
            Task::Run if chain.start == self.block_at(chain.context, chain.block).first => 2 * chain.block,
            Task::End => 2 * chain.block + 1,
            Task::Run | Task::Throw | Task::Catch { .. } => return None,
        };
        Some((bit as usize / 64, 1 << (bit % 64)))
    }

    fn is_first_visit(&mut self, id: ChainId) -> bool {
        let chain = self.chains[id as usize];
        let Some((word, bit)) = self.visit_bit(&chain) else { return true };
        let visited = &mut self.visited[chain.line as usize][word];
        let is_first = *visited & bit == 0;
        *visited |= bit;
        is_first
    }

    fn follow(&mut self, id: ChainId) {
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
    fn label_behind(&self, id: ChainId, instruction: u32) -> Label {
        let chain = &self.chains[id as usize];
        Label { length: chain.label.length.saturating_add(u64::from(instruction + 1 - chain.start)), ..chain.label }
    }

    fn label_before(&self, id: ChainId, instruction: u32) -> Label {
        let chain = &self.chains[id as usize];
        Label { length: chain.label.length.saturating_add(u64::from(instruction - chain.start)), ..chain.label }
    }

    fn look_for_goals(&mut self, id: ChainId, place: Place, thread: Thread) {
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

    /// Takes a thread over an instruction; other threads that begin there are chains of their own.
    fn step(&mut self, id: ChainId, unit: &Unit, instruction: u32, thread: Thread) -> Option<Thread> {
        match thread {
            Thread::Bare => {
                for (number, op) in unit.ops_of(instruction).iter().enumerate() {
                    let number = number as u32;
                    if op.kind == OpKind::Allocate && self.plan.counts {
                        self.spawn(id, instruction, number, Thread::Count(op.other));
                    }
                    if !is_definition(op.kind) && op.kind != OpKind::Recover {
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
                        && (is_definition(op.kind)
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
        crate::solve::run_one(unit, instruction, own, fact, &mut slots);
        let mut now = None;
        for (slot, facts) in unit.slots_of(instruction).zip(&slots) {
            let Some(fact) = each(facts[1]).next() else { continue };
            let definition = unit.ops_of(instruction).iter().rposition(|op| op.slot == slot && is_definition(op.kind));
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

    /// Enters a block, or a catcher, with a thread of a chain.
    fn enter(&mut self, id: ChainId, thread: Thread, entered: Entered, label: Label, caught: Option<(u32, ChainId)>) {
        let unit = self.scope.unit(self.unit_of(id));
        let block = match entered {
            Entered::Block(block) => block,
            Entered::Unchecked(_) | Entered::External => {
                return self.pass_unchecked(id, thread, label, caught.is_none());
            }
            Entered::Nothing => {
                return self.go_on_behind(id, Parent::Flow { chain: id, kind: EdgeKind::Leave }, thread, label);
            }
        };
        let Some(callee) = self.scope.unit_of(block) else { return };
        let compiled = self.scope.unit(callee);
        let (entry, carried) = match thread {
            Thread::Bare | Thread::Count(_) => (thread, None),
            Thread::Fact(var, fact) => match counterpart(compiled, unit.vars().keys[var as usize]) {
                Some(inner) if compiled.vars().keys[inner as usize] == Key::REST => {
                    (Thread::Fact(inner, fact), Some(thread))
                }
                Some(inner) => (Thread::Fact(inner, fact), None),
                None => (Thread::Bare, Some(thread)),
            },
            Thread::Fresh(NONE) => (thread, None),
            Thread::Fresh(var) => match compiled.vars().find(unit.vars().keys[var as usize]) {
                Some(inner) => (Thread::Fresh(inner), None),
                None => (Thread::Fresh(NONE), Some(thread)),
            },
        };
        let frame = Frame { caller: id, carried, caught, label };
        match self.by_entry.get(&(callee, entry)) {
            Some(known) => {
                let known = *known;
                self.contexts[known as usize].frames.push(frame);
                for at in 0..self.contexts[known as usize].ends.len() {
                    let (thread, end) = self.contexts[known as usize].ends[at];
                    self.give_back(known, frame, thread, end);
                }
                for at in 0..self.contexts[known as usize].anywhere.len() {
                    let (thread, inner) = self.contexts[known as usize].anywhere[at];
                    self.throw(known, frame, thread, inner);
                }
            }
            None => {
                let context = self.contexts.len() as u32;
                self.by_entry.insert((callee, entry), context);
                let mut new = new_context(callee, entry, label);
                new.frames.push(frame);
                self.contexts.push(new);
                let parent = Parent::Entered { caller: id, caught };
                let line = self.line(context, entry);
                self.push(Chain { parent, context, block: 0, start: 0, thread: entry, label, line, task: Task::Run });
            }
        }
    }

    /// Goes past a block that is not looked into: behind it every local register is unknown. What it throws its catchers
    /// catch, with the registers as they were or unknown.
    fn pass_unchecked(&mut self, id: ChainId, thread: Thread, label: Label, throws: bool) {
        let Chain { context, block, .. } = self.chains[id as usize];
        let unit = self.unit(context);
        let keys = &unit.vars().keys;
        let catchers = match unit.blocks[block as usize].ending {
            Ending::Enter(enter) if throws && !self.plan.forward => unit.enters[enter as usize].catchers.len() as u32,
            _ => 0,
        };
        let is_forgotten = |var: Var| keys[var as usize].is_local();
        let goes_on = match thread {
            Thread::Fact(var, _) => !is_forgotten(var),
            Thread::Bare | Thread::Count(_) => true,
            Thread::Fresh(_) => false,
        };
        if goes_on {
            self.go_on_behind(id, Parent::Flow { chain: id, kind: EdgeKind::Leave }, thread, label);
        }
        for number in 0..catchers {
            self.wait_for_catch(id, thread, label, number, id);
        }
        if thread != Thread::Bare {
            return;
        }
        let forgotten = (0..keys.len() as Var).filter(|var| is_forgotten(*var));
        for var in forgotten.filter(|var| self.plan.facts_of.contains(&keys[*var as usize])).collect::<Vec<_>>() {
            let unknown = Thread::Fact(var, UNKNOWN);
            self.go_on_behind(id, Parent::Forgotten { chain: id }, unknown, label);
            for number in 0..catchers {
                self.wait_for_catch(id, unknown, label, number, id);
            }
        }
    }

    fn leave(&mut self, id: ChainId, thread: Thread) {
        let context = self.chains[id as usize].context;
        if self.contexts[context as usize].ends.iter().any(|(known, _)| *known == thread) {
            return;
        }
        self.contexts[context as usize].ends.push((thread, id));
        for at in 0..self.contexts[context as usize].frames.len() {
            let frame = self.contexts[context as usize].frames[at];
            self.give_back(context, frame, thread, id);
        }
    }

    /// Goes on behind an `enter`, with a thread that has come to the end of the block.
    fn give_back(&mut self, context: u32, frame: Frame, thread: Thread, end: ChainId) {
        if matches!(thread, Thread::Fresh(_)) {
            let block = self.unit(context).body;
            if self.scope.program.blocks[block.0 as usize].forward_leaves > 1 {
                return;
            }
        }
        let last = self.block_at(context, self.chains[end as usize].block).end - 1;
        let inner = self.label_behind(end, last);
        let label = self.prefixed(context, frame, inner);
        for thread in self.outer_threads(context, frame, thread) {
            self.go_on_behind(frame.caller, Parent::Left { caller: frame.caller, inner: end }, thread, label);
        }
    }

    /// What a thread in a block is for the one who entered: mostly one thread, but many registers that are forgotten.
    fn outer_threads(&self, context: u32, frame: Frame, thread: Thread) -> Vec<Thread> {
        let inner = &self.contexts[context as usize];
        let compiled = self.scope.unit(inner.unit);
        let unit = self.scope.unit(self.unit_of(frame.caller));
        if let Some(carried) = frame.carried {
            return match (carried, thread) {
                (Thread::Fact(var, _), Thread::Fact(rest, fact))
                    if compiled.vars().keys[rest as usize] == Key::REST && inner.entry != Thread::Bare =>
                {
                    vec![Thread::Fact(var, fact)]
                }
                (_, thread) if thread == inner.entry => vec![carried],
                _ => Vec::new(),
            };
        }
        let find = |var: Var| unit.vars().find(compiled.vars().keys[var as usize]);
        match thread {
            Thread::Bare | Thread::Count(_) | Thread::Fresh(NONE) => vec![thread],
            Thread::Fact(var, fact) if compiled.vars().keys[var as usize] == Key::REST => {
                let keys = unit.vars().keys.iter().enumerate();
                keys.filter(|(_, key)| self.plan.facts_of.contains(key) && counterpart(compiled, **key) == Some(var))
                    .map(|(outer, _)| Thread::Fact(outer as Var, fact))
                    .collect()
            }
            Thread::Fact(var, fact) => find(var).map(|var| Thread::Fact(var, fact)).into_iter().collect(),
            Thread::Fresh(var) => find(var).map(Thread::Fresh).into_iter().collect(),
        }
    }

    /// The path of the caller followed by that part of an inner path that lies in the block.
    fn prefixed(&mut self, context: u32, frame: Frame, inner: Label) -> Label {
        let first = self.contexts[context as usize].label;
        if frame.label == first {
            return inner;
        }
        let length = frame.label.length.saturating_add(inner.length.saturating_sub(first.length));
        let skip = self.trie.depth(first.decisions);
        let added = (self.trie.depth(inner.decisions) - skip) as usize;
        if added > self.budget {
            return Label { length, ..frame.label };
        }
        self.budget -= added;
        let sides = self.trie.tail(inner.decisions, skip);
        let decisions = sides.into_iter().fold(frame.label.decisions, |list, side| self.trie.append(list, side));
        Label { decisions, length }
    }

    fn go_on_behind(&mut self, caller: ChainId, parent: Parent, thread: Thread, label: Label) {
        let Chain { context, block, .. } = self.chains[caller as usize];
        let unit = self.unit(context);
        let [Some(edge), _] = unit.blocks[block as usize].successors else { return };
        let is_fresh = matches!(thread, Thread::Fresh(_));
        if (self.plan.forward && !edge.is_forward) || (is_fresh && is_head(self.scope.program, unit, edge.block)) {
            return;
        }
        let start = unit.blocks[edge.block as usize].first;
        let line = self.line(context, thread);
        self.push(Chain { parent, context, block: edge.block, start, thread, label, line, task: Task::Run });
    }

    /// A fact of a register has become another one in the middle of a chain.
    fn changes(&mut self, id: ChainId, instruction: u32, thread: Thread) {
        let chain = self.chains[id as usize];
        if self.has_catchers && chain.context != 0 {
            let parent = Parent::Same { chain: id };
            let label = self.label_behind(id, instruction);
            let line = self.line(chain.context, thread);
            self.push(Chain { parent, start: instruction + 1, thread, label, line, task: Task::Throw, ..chain });
        }
    }

    /// A thread exists somewhere in a block: later edges lead from there to the catchers of whoever entered.
    fn is_anywhere(&mut self, id: ChainId, thread: Thread) {
        let context = self.chains[id as usize].context;
        if !self.has_catchers || context == 0 || !self.contexts[context as usize].seen_anywhere.insert(thread) {
            return;
        }
        self.contexts[context as usize].anywhere.push((thread, id));
        for at in 0..self.contexts[context as usize].frames.len() {
            let frame = self.contexts[context as usize].frames[at];
            self.throw(context, frame, thread, id);
        }
    }

    fn throw(&mut self, context: u32, frame: Frame, thread: Thread, inner: ChainId) {
        let label = self.prefixed(context, frame, self.chains[inner as usize].label);
        for thread in self.outer_threads(context, frame, thread) {
            self.throw_from(frame, thread, inner, label);
        }
    }

    fn wait_for_catch(&mut self, caller: ChainId, thread: Thread, label: Label, number: u32, inner: ChainId) {
        let chain = self.chains[caller as usize];
        let line = self.line(chain.context, thread);
        let (parent, task) = (Parent::Same { chain: caller }, Task::Catch { number, inner });
        self.push(Chain { parent, thread, label, line, task, ..chain });
    }

    fn catch(&mut self, id: ChainId, number: u32, inner: ChainId) {
        let chain = self.chains[id as usize];
        let (Parent::Same { chain: caller }, Ending::Enter(enter)) =
            (chain.parent, self.block_at(chain.context, chain.block).ending)
        else {
            return;
        };
        let (catch, entered) = self.unit(chain.context).enters[enter as usize].catchers[number as usize];
        self.enter(caller, chain.thread, entered, chain.label, Some((catch, inner)));
    }

    fn throw_from(&mut self, frame: Frame, thread: Thread, inner: ChainId, label: Label) {
        let caller = self.chains[frame.caller as usize];
        let unit = self.unit(caller.context);
        if frame.caught.is_none()
            && let Ending::Enter(enter) = unit.blocks[caller.block as usize].ending
        {
            for number in 0..unit.enters[enter as usize].catchers.len() as u32 {
                self.wait_for_catch(frame.caller, thread, label, number, inner);
            }
        }
        if caller.context != 0 {
            // What is thrown on passes the block around it, too.
            let end = unit.blocks[caller.block as usize].end;
            let parent = Parent::Left { caller: frame.caller, inner };
            let line = self.line(caller.context, thread);
            self.push(Chain { parent, start: end, thread, label, line, task: Task::Throw, ..caller });
        }
    }

    fn push(&mut self, chain: Chain) {
        let is_visited = |(word, bit)| self.visited[chain.line as usize][word] & bit != 0;
        if !self.visit_bit(&chain).is_some_and(is_visited) {
            let id = self.chains.len() as ChainId;
            self.chains.push(chain);
            self.agenda.add(self.trie, chain.label, id);
        }
    }
}

/// The chains that are still to be followed, best path first. All with the same number of decisions are ranked
/// together when their turn comes, so that paths are compared by numbers.
#[derive(Debug, Default)]
struct Agenda {
    now: BinaryHeap<Reverse<(u32, u64, ChainId)>>,
    depth: u32,
    later: BTreeMap<u32, Vec<(Label, ChainId)>>,
    /// The lists of decisions of this depth, in order, and the rank of each: twice its index. Odd ranks are for those
    /// that come up while their turn is running.
    ranked: Vec<Decisions>,
    ranks: FxHashMap<Decisions, u32>,
}

impl Agenda {
    fn add(&mut self, trie: &Trie, label: Label, chain: ChainId) {
        let depth = trie.depth(label.decisions);
        if depth > self.depth {
            self.later.entry(depth).or_default().push((label, chain));
        } else {
            let rank = self.rank(trie, label.decisions);
            self.now.push(Reverse((rank, label.length, chain)));
        }
    }

    fn rank(&mut self, trie: &Trie, decisions: Decisions) -> u32 {
        let ranked = &self.ranked;
        *self.ranks.entry(decisions).or_insert_with(|| {
            let before = |other: &Decisions| trie.compare_traces(*other, decisions) == Ordering::Less;
            (2 * ranked.partition_point(before) as u32).saturating_sub(1)
        })
    }

    fn next(&mut self, trie: &Trie) -> Option<ChainId> {
        if self.now.is_empty() {
            let (depth, all) = self.later.pop_first()?;
            self.depth = depth;
            self.ranked = all.iter().map(|(label, _)| label.decisions).collect();
            self.ranked.sort_unstable();
            self.ranked.dedup();
            self.ranked.sort_unstable_by(|a, b| trie.compare_paths(*a, *b));
            self.ranks = self.ranked.iter().enumerate().map(|(at, list)| (*list, 2 * at as u32)).collect();
            for (label, chain) in all {
                let rank = self.rank(trie, label.decisions);
                self.now.push(Reverse((rank, label.length, chain)));
            }
        }
        self.now.pop().map(|Reverse((_, _, chain))| chain)
    }
}

fn new_context(unit: UnitId, entry: Thread, label: Label) -> Context {
    Context {
        unit,
        entry,
        label,
        frames: Vec::new(),
        ends: Vec::new(),
        anywhere: Vec::new(),
        seen_anywhere: FxHashSet::default(),
    }
}

fn compare(trie: &Trie, a: Label, b: Label) -> Ordering {
    trie.compare_paths(a.decisions, b.decisions).then(a.length.cmp(&b.length))
}

/// Keeps the best path for each thread.
fn keep_best(trie: &Trie, all: &mut Vec<Found>, found: Found) {
    match all.iter_mut().find(|known| known.thread == found.thread) {
        Some(known) if compare(trie, found.label, known.label) == Ordering::Less => *known = found,
        Some(_) => {}
        None => all.push(found),
    }
}

/// Whether an operation is a D step.
pub fn is_definition(kind: OpKind) -> bool {
    matches!(kind, OpKind::Define | OpKind::DefineFrom | OpKind::DefineSaved)
}

fn is_last(unit: &Unit, instruction: u32, number: u32) -> bool {
    let ops = unit.ops_of(instruction);
    let slot = ops[number as usize].slot;
    !ops[number as usize + 1..].iter().any(|op| op.slot == slot && is_definition(op.kind))
}

fn is_used_after(unit: &Unit, instruction: u32, number: u32) -> bool {
    let ops = unit.ops_of(instruction);
    let slot = ops[number as usize].slot;
    ops[number as usize + 1..].iter().any(|op| op.slot == slot && op.kind == OpKind::MarkUsed)
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
        if is_definition(other.kind) || matches!(other.kind, OpKind::Use | OpKind::Pack) {
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
