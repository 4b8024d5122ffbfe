//! Figures about a running machine. Each worker counts for itself, so that counting costs no more than an addition.

use super::Scheduler;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What one worker has done.
#[derive(Default)]
pub struct Counters {
    pub born: AtomicU64,
    pub ended: AtomicU64,
    pub sent: AtomicU64,
    pub received: AtomicU64,
    /// Messages that were destroyed with their mailbox.
    pub dropped: AtomicU64,
    pub reductions: AtomicU64,
    pub runs: AtomicU64,
    pub preempted: AtomicU64,
    pub steals: AtomicU64,
    pub sleeps: AtomicU64,
    /// What its thread has taken from the allocator and not given back.
    pub allocated: AtomicI64,
}

/// Adds to a counter that only one thread changes.
#[inline(always)]
pub fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
}

/// Figures of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Reductions that its processes have used.
    pub reductions: u64,
    /// How often it has begun or gone on with a process.
    pub runs: u64,
    /// How often a process has used up its slice.
    pub preempted: u64,
    /// How often it has taken work from another worker.
    pub steals: u64,
    /// How often it has gone to sleep.
    pub sleeps: u64,
    /// Runnable processes in its queue now.
    pub queue: u64,
}

/// Figures of a machine. Taken while it runs they are a snapshot, piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Processes that were started.
    pub started: u64,
    /// Processes that have ended.
    pub ended: u64,
    /// Processes that are alive.
    pub alive: u64,
    /// Messages that were sent to a living process.
    pub sent: u64,
    /// Messages that were received.
    pub received: u64,
    /// Messages that wait in mailboxes.
    pub waiting_messages: u64,
    /// Reductions of all processes.
    pub reductions: u64,
    /// Bytes in registers, stacks and values of all processes, and in what the machine keeps for them; 0 if the
    /// program has no counting allocator.
    pub memory: u64,
    /// Each worker.
    pub workers: Vec<WorkerStats>,
}

impl Stats {
    /// Bytes for each living process.
    pub fn memory_per_process(&self) -> u64 {
        self.memory / self.alive.max(1)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "processes: {} started, {} ended, {} alive", self.started, self.ended, self.alive)?;
        writeln!(f, "messages: {} sent, {} received, {} waiting", self.sent, self.received, self.waiting_messages)?;
        writeln!(f, "reductions: {}", self.reductions)?;
        writeln!(f, "memory: {} bytes, {} per process", self.memory, self.memory_per_process())?;
        for (number, worker) in self.workers.iter().enumerate() {
            writeln!(
                f,
                "scheduler {number}: {} reductions, {} runs, {} preempted, {} steals, {} sleeps, {} in queue",
                worker.reductions, worker.runs, worker.preempted, worker.steals, worker.sleeps, worker.queue
            )?;
        }
        Ok(())
    }
}

/// What a process does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs or could run.
    Runnable,
    /// It waits.
    Waiting,
    /// It has ended, and its outcome waits for a join.
    Ended,
}

/// A process, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its pid.
    pub pid: u64,
    /// What it does.
    pub condition: Condition,
    /// It can be joined.
    pub is_joinable: bool,
    /// The function it was started with.
    pub function: &'static str,
    /// The pid of the process that started it, if there is one.
    pub parent: Option<u64>,
}

impl Scheduler {
    /// Figures of this moment.
    pub fn stats(&self) -> Stats {
        let sum = |counter: fn(&Counters) -> &AtomicU64| {
            self.lanes.iter().map(|lane| counter(&lane.counters).load(Ordering::Relaxed)).sum::<u64>()
        };
        // What ends is counted before what begins, so that nothing has ended that has not begun.
        let (ended, received, dropped) = (sum(|c| &c.ended), sum(|c| &c.received), sum(|c| &c.dropped));
        let (started, sent) = (sum(|c| &c.born), sum(|c| &c.sent) + self.posted.load(Ordering::Relaxed));
        Stats {
            started,
            ended,
            alive: started.saturating_sub(ended),
            sent,
            received,
            waiting_messages: sent.saturating_sub(received + dropped),
            reductions: sum(|c| &c.reductions),
            memory: u64::try_from(self.memory()).unwrap_or(0),
            workers: self
                .lanes
                .iter()
                .map(|lane| {
                    let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                    WorkerStats {
                        reductions: value(&lane.counters.reductions),
                        runs: value(&lane.counters.runs),
                        preempted: value(&lane.counters.preempted),
                        steals: value(&lane.counters.steals),
                        sleeps: value(&lane.counters.sleeps),
                        queue: lane.shares.len() as u64,
                    }
                })
                .collect(),
        }
    }

    /// What all threads have taken from the allocator, as of their last look.
    pub fn memory(&self) -> i64 {
        let workers = self.lanes.iter().map(|lane| lane.counters.allocated.load(Ordering::Relaxed));
        workers.sum::<i64>() + super::memory::elsewhere()
    }

    /// The processes there are.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.table
            .all()
            .filter_map(|slot| {
                let pid = slot.pid();
                let (function, parent) = slot.origin(pid)?;
                let info = ProcessInfo {
                    pid,
                    condition: if slot.exit.has_ended() {
                        Condition::Ended
                    } else if slot.mailbox.is_parked() {
                        Condition::Waiting
                    } else {
                        Condition::Runnable
                    },
                    is_joinable: slot.exit.is_joinable(),
                    function: function.name(),
                    parent: (parent != 0).then_some(parent),
                };
                // It may have ended meanwhile, and its slot be another's.
                slot.is(pid).then_some(info)
            })
            .collect()
    }
}
