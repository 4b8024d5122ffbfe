//! Threads between bodies: into entered blocks and back, and from anywhere in them to their catchers.
//!
//! An entered block is a context with the thread that comes in. It is searched once; its results are kept, and given to
//! whoever enters with the same thread, with his own path before them.

use super::Search;
use super::chain::{Caught, Chain, ChainId, Label, Parent, Task, Thread};
use crate::facts::UNKNOWN;
use crate::fresh::is_head;
use crate::ops::{Key, NONE, Var};
use crate::program::Entered;
use crate::scope::UnitId;
use crate::solve::counterpart;
use crate::unit::Ending;
use rustc_hash::FxHashSet;
use viua_ir::cfg::EdgeKind;

/// Somebody who has entered a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    caller: ChainId,
    /// The thread of the caller that the block does not know.
    carried: Option<Thread>,
    caught: Option<Caught>,
    label: Label,
}

#[derive(Debug)]
pub(super) struct Context {
    pub(super) unit: UnitId,
    entry: Thread,
    label: Label,
    frames: Vec<Frame>,
    ends: Vec<(Thread, ChainId)>,
    anywhere: Vec<(Thread, ChainId)>,
    seen_anywhere: FxHashSet<Thread>,
}

/// Decisions that may be copied for those who enter a block that was searched before. Blocks that enter blocks twice
/// each have paths of exponential length; beyond this their decisions do not count.
pub(super) const COPIED_DECISIONS: usize = 1 << 20;

impl Search<'_, '_, '_> {
    /// Enters a block, or a catcher, with a thread of a chain.
    pub(super) fn enter(
        &mut self,
        id: ChainId,
        thread: Thread,
        entered: Entered,
        label: Label,
        caught: Option<Caught>,
    ) {
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

    pub(super) fn leave(&mut self, id: ChainId, thread: Thread) {
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
            self.go_on_behind(
                frame.caller,
                Parent::Left { caller: frame.caller, caught: frame.caught, inner: end },
                thread,
                label,
            );
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
    pub(super) fn changes(&mut self, id: ChainId, instruction: u32, thread: Thread) {
        let chain = self.chains[id as usize];
        if self.has_catchers && chain.context != 0 {
            let parent = Parent::Same { chain: id };
            let label = self.label_behind(id, instruction);
            let line = self.line(chain.context, thread);
            self.push(Chain { parent, start: instruction + 1, thread, label, line, task: Task::Throw, ..chain });
        }
    }

    /// A thread exists somewhere in a block: later edges lead from there to the catchers of whoever entered.
    pub(super) fn is_anywhere(&mut self, id: ChainId, thread: Thread) {
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

    pub(super) fn catch(&mut self, id: ChainId, number: u32, inner: ChainId) {
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
            let parent = Parent::Left { caller: frame.caller, caught: frame.caught, inner };
            let line = self.line(caller.context, thread);
            self.push(Chain { parent, start: end, thread, label, line, task: Task::Throw, ..caller });
        }
    }
}

pub(super) fn new_context(unit: UnitId, entry: Thread, label: Label) -> Context {
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
