//! The paths that findings are shown with (analyser-flow.md §5.2, §10.3): one search over (instruction, register,
//! fact) for all faults of a body, fewest `if` decisions first. Runs only if there is something to report.
//!
//! What is followed from the start of a body is a *thread*: the bare path, or on top of it one fact of one register,
//! the freshness of a register, or a register count. A thread is searched for from a basic block on as a whole
//! ([`Chain`]). An entered block is a context with the thread that comes in: it is searched once, and whoever enters
//! with the same thread later gets its results, with his own path before them.

mod agenda;
mod blocks;
mod chain;
mod follow;
mod goals;

pub use chain::{Caught, Chain, ChainId, Parent, Thread};
pub use goals::{Found, Goal};

use crate::facts::each;
use crate::ops::{Key, Var};
use crate::scope::{Place, Scope, UnitId};
use crate::transfer::Pair;
use crate::trie::Trie;
use crate::unit::{BasicBlock, Unit};
use agenda::Agenda;
use blocks::{COPIED_DECISIONS, Context, new_context};
use chain::{Label, Task};
use rustc_hash::{FxHashMap, FxHashSet};

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

    fn push(&mut self, chain: Chain) {
        let is_visited = |(word, bit)| self.visited[chain.line as usize][word] & bit != 0;
        if !self.visit_bit(&chain).is_some_and(is_visited) {
            let id = self.chains.len() as ChainId;
            self.chains.push(chain);
            // What an `enter` or a `leave` leads to is one instruction further on: its turn comes with the paths as long.
            let own = u64::from(chain.task == Task::End);
            let due = Label { length: chain.label.length.saturating_add(own), ..chain.label };
            self.agenda.add(self.trie, due, id);
        }
    }
}
