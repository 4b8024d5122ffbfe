//! The run queue of a worker.
//!
//! * *hot*: the process that was made runnable last. It runs next, on what is left of the slice, so that a chain of
//!   messages goes from process to process without a queue, but for one slice only.
//! * *warm*: processes that were made or woken here, newest first: their data is in the cache, and a tree of
//!   processes is worked off in depth, so that few of them live at the same time. Others steal the oldest.
//! * *waiting*: preempted processes, oldest first.
//!
//! Newest first would be unfair without a bound, so from time to time the queue *turns*: what is warm goes to the
//! end of what is waiting, and all of that runs once. A turn comes at the latest when as many slices have passed as
//! there are processes. So everybody runs again after at most about a slice of each other, twice.

use super::table::Slot;
use crate::dispatch::SLICE;
use crossbeam::deque::{Injector, Steal, Stealer, Worker};

/// A runnable process: who has it has the process.
pub type Task = &'static Slot;

/// What thieves see of a run queue.
pub struct Shares {
    warm: Stealer<Task>,
    waiting: Stealer<Task>,
}

impl Shares {
    /// Whether there is nothing to steal.
    pub fn is_empty(&self) -> bool {
        self.warm.is_empty() && self.waiting.is_empty()
    }
    /// About how many could be stolen.
    pub fn len(&self) -> usize {
        self.warm.len() + self.waiting.len()
    }
}

/// The run queue of a worker.
pub struct RunQueue {
    hot: Option<Task>,
    warm: Worker<Task>,
    waiting: Worker<Task>,
    /// What is left of the slice.
    left: i64,
    /// Reductions spent here.
    clock: i64,
    /// When the queue turns at the latest.
    turn_at: i64,
    /// That many of `waiting` run before anything else.
    old: usize,
    runs: u32,
}

/// After that many runs the time of the next turn is calculated anew, and the other sources of work are looked at.
const RUNS: u32 = 64;

impl RunQueue {
    /// An empty queue.
    pub fn new() -> RunQueue {
        RunQueue {
            hot: None,
            warm: Worker::new_lifo(),
            waiting: Worker::new_fifo(),
            left: SLICE,
            clock: 0,
            turn_at: SLICE,
            old: 0,
            runs: 0,
        }
    }

    /// For thieves.
    pub fn shares(&self) -> Shares {
        Shares { warm: self.warm.stealer(), waiting: self.waiting.stealer() }
    }

    /// A process has become runnable: it runs next.
    #[inline]
    pub fn push(&mut self, task: Task) {
        if let Some(cooler) = self.hot.replace(task) {
            self.warm.push(cooler);
        }
    }

    /// A process has used up its slice.
    pub fn push_preempted(&mut self, task: Task) {
        self.waiting.push(task);
        self.reckon();
    }

    /// Whether no other process is runnable here.
    pub fn is_empty(&self) -> bool {
        self.hot.is_none() && self.has_nothing_to_steal()
    }

    /// Whether thieves would find nothing.
    pub fn has_nothing_to_steal(&self) -> bool {
        self.warm.is_empty() && self.waiting.is_empty()
    }

    /// The number of processes in it.
    pub fn len(&self) -> usize {
        usize::from(self.hot.is_some()) + self.warm.len() + self.waiting.len()
    }

    /// A process has run. `left` is what is left of its slice, `used` what it counts for.
    #[inline]
    pub fn charge(&mut self, used: i64, left: i64) {
        self.clock += used;
        self.left = left;
        self.runs += 1;
    }

    /// Whether it is time to look at other sources of work.
    #[inline]
    pub fn is_round(&mut self) -> bool {
        if self.runs < RUNS {
            return false;
        }
        self.runs = 0;
        self.reckon();
        true
    }

    fn reckon(&mut self) {
        self.turn_at = self.turn_at.min(self.clock + (self.len() as i64 + 1) * SLICE);
    }

    /// The process to run next, and its slice.
    #[inline]
    pub fn pop(&mut self) -> Option<(Task, i64)> {
        if let Some(task) = self.hot.take() {
            if self.left > 0 {
                return Some((task, self.left));
            }
            if self.has_nothing_to_steal() {
                self.left = SLICE;
                return Some((task, SLICE));
            }
            self.waiting.push(task);
        }
        self.left = SLICE;
        let task = self.pop_fairly()?;
        Some((task, SLICE))
    }

    fn pop_fairly(&mut self) -> Option<Task> {
        if self.old == 0 && self.clock >= self.turn_at {
            let warm = self.warm.stealer();
            loop {
                match warm.steal() {
                    Steal::Success(task) => self.waiting.push(task),
                    Steal::Retry => {}
                    Steal::Empty => break,
                }
            }
            self.old = self.waiting.len();
            // Until these have run; then it is reckoned.
            self.turn_at = i64::MAX;
        }
        if self.old > 0 {
            self.old -= 1;
            let task = self.waiting.pop();
            if self.old == 0 || task.is_none() {
                self.old = 0;
                self.reckon();
            }
            if task.is_some() {
                return task;
            }
        }
        if self.turn_at == i64::MAX {
            self.reckon();
        }
        self.warm.pop().or_else(|| self.waiting.pop())
    }

    /// Takes work from elsewhere: some for later, one to run.
    pub fn steal(&mut self, shares: &Shares) -> Option<Task> {
        loop {
            match shares.waiting.steal_batch_and_pop(&self.waiting) {
                Steal::Success(task) => return Some(task),
                Steal::Retry => continue,
                Steal::Empty => {}
            }
            match shares.warm.steal_batch_and_pop(&self.warm) {
                Steal::Success(task) => return Some(task),
                Steal::Retry => {}
                Steal::Empty => return None,
            }
        }
    }

    /// Takes processes that threads outside have made runnable.
    pub fn fetch(&mut self, injector: &Injector<Task>) -> Option<Task> {
        loop {
            match injector.steal_batch_and_pop(&self.waiting) {
                Steal::Success(task) => return Some(task),
                Steal::Retry => {}
                Steal::Empty => return None,
            }
        }
    }
}
