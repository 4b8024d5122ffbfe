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

    /// Takes processes that threads outside have made runnable, for later.
    pub fn take_in(&mut self, injector: &Injector<Task>) {
        while !injector.is_empty() {
            if injector.steal_batch(&self.waiting).is_success() {
                return self.reckon();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// What a process of the simulation does with its slice.
    #[derive(Clone, Copy)]
    enum Habit {
        /// Uses it up.
        Endless,
        /// Uses it up, after it has started that many processes that end at once.
        Spawns(usize),
        /// Ends after that many reductions.
        Brief(i64),
        /// Wakes its partner after that many reductions and waits to be woken by it.
        Talks(i64, usize),
    }

    /// Processes live until the simulation is over.
    #[derive(Default)]
    struct Slots(std::cell::RefCell<Vec<Task>>);

    impl Slots {
        fn make(&self) -> Task {
            let slot: Task = Box::leak(Box::default());
            self.0.borrow_mut().push(slot);
            slot
        }
    }

    impl Drop for Slots {
        fn drop(&mut self) {
            for slot in self.0.take() {
                // SAFETY: made by `make`; the queue is gone.
                drop(unsafe { Box::from_raw(std::ptr::from_ref(slot).cast_mut()) });
            }
        }
    }

    /// Runs a queue for a while. Gives the longest time that a process was runnable without running, in slices, and
    /// the largest number of runnable processes.
    fn simulate(habits: &[Habit], runs: usize) -> (f64, usize) {
        let all = Slots::default();
        let mut queue = RunQueue::new();
        let mut slots: Vec<Task> = Vec::new();
        let mut habit_of: HashMap<*const Slot, (usize, Habit)> = HashMap::new();
        let mut since: HashMap<*const Slot, i64> = HashMap::new();
        let mut spare: Vec<Task> = Vec::new();
        for (number, habit) in habits.iter().enumerate() {
            let slot = all.make();
            slots.push(slot);
            habit_of.insert(slot, (number, *habit));
            // Of each pair only one is awake.
            if !matches!(habit, Habit::Talks(_, partner) if *partner < number) {
                since.insert(slot, 0);
                queue.push(slot);
            }
        }
        let (mut clock, mut longest, mut most) = (0, 0, 0);
        for _ in 0..runs {
            most = most.max(queue.len());
            queue.is_round();
            let Some((task, slice)) = queue.pop() else { break };
            let waited = clock - since.remove(&std::ptr::from_ref(task)).expect("it was runnable");
            longest = longest.max(waited);
            let habit = habit_of[&std::ptr::from_ref(task)].1;
            let used = match habit {
                Habit::Endless | Habit::Spawns(_) => slice,
                Habit::Brief(used) | Habit::Talks(used, _) => used.min(slice),
            };
            clock += used;
            let mut start = |queue: &mut RunQueue, slot: Task| {
                assert!(since.insert(slot, clock).is_none());
                queue.push(slot);
            };
            match habit {
                Habit::Spawns(count) => {
                    for _ in 0..count {
                        let slot = spare.pop().unwrap_or_else(|| all.make());
                        habit_of.insert(slot, (usize::MAX, Habit::Brief(40)));
                        start(&mut queue, slot);
                    }
                }
                Habit::Talks(_, partner) => start(&mut queue, slots[partner]),
                Habit::Brief(_) => spare.push(task),
                Habit::Endless => {}
            }
            queue.charge(used, slice - used);
            if matches!(habit, Habit::Endless | Habit::Spawns(_)) {
                since.insert(task, clock);
                queue.push_preempted(task);
            }
        }
        (longest as f64 / SLICE as f64, most)
    }

    #[test]
    fn endless_processes_take_turns() {
        let (longest, _) = simulate(&[Habit::Endless; 10], 1000);
        assert!(longest <= 10.0, "{longest}");
    }

    #[test]
    fn a_conversation_does_not_starve_others() {
        let habits = [Habit::Endless, Habit::Talks(30, 2), Habit::Talks(30, 1), Habit::Endless];
        let (longest, most) = simulate(&habits, 100_000);
        assert!(longest <= 2.0 * (most as f64 + 1.0), "{longest} of {most}");
    }

    #[test]
    fn processes_that_start_others_do_not_starve_anybody() {
        let mut habits = vec![Habit::Endless; 20];
        habits.extend([Habit::Spawns(3), Habit::Spawns(100), Habit::Spawns(1000)]);
        habits.extend([Habit::Talks(10, 24), Habit::Talks(10, 23)]);
        let (longest, most) = simulate(&habits, 100_000);
        assert!(longest <= 2.0 * (most as f64 + 1.0), "{longest} of {most}");
    }
}
