//! Deadlines of waiting processes: the wheel, and the thread that sleeps until the next one. The thread is started
//! when the first deadline is set.

use super::deadline::Reached;
use super::memory::settle;
use super::table::{Slot, Table};
use super::wheel::Wheel;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// About a quarter of a millisecond: deadlines are kept within a millisecond, rounded up.
const TICK: u64 = 1 << 18;

/// The timers of a machine.
pub struct Timers {
    start: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wheel: Wheel,
    /// The thread sleeps until this tick.
    asleep_until: u64,
    is_running: bool,
    is_stopped: bool,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers { start: Instant::now(), state: Mutex::default(), changed: Condvar::new() }
    }
}

impl Timers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first tick at which a deadline has passed.
    fn tick_of(&self, deadline: Instant) -> u64 {
        let nanoseconds = deadline.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanoseconds / u128::from(TICK)).unwrap_or(u64::MAX - 2) + 1
    }

    /// Wakes a process when the deadline has passed, unless its deadline is cleared before. True if the thread has
    /// to be started.
    pub fn set(&self, slot: &Slot, deadline: Instant) -> bool {
        let due = self.tick_of(deadline);
        if !slot.deadline.set(due) {
            return false;
        }
        let mut state = self.lock();
        let Some((due, replaces)) = slot.deadline.arm() else { return false };
        if replaces {
            state.wheel.remove(slot.timer.load(Ordering::Relaxed));
        }
        let timer = state.wheel.insert(due, slot.pid());
        slot.timer.store(timer, Ordering::Relaxed);
        let must_start = !std::mem::replace(&mut state.is_running, true);
        if due < state.asleep_until {
            drop(state);
            self.changed.notify_one();
        }
        must_start
    }

    /// A process has ended.
    pub fn end(&self, slot: &Slot) {
        if slot.deadline.end() {
            let mut state = self.lock();
            if slot.deadline.disarm() {
                state.wheel.remove(slot.timer.load(Ordering::Relaxed));
            }
        }
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_one();
    }

    /// What the thread does until it is stopped: wakes processes.
    pub fn run(&self, table: &Table, mut wake: impl FnMut(&'static Slot)) {
        let mut reached = Vec::new();
        let mut due = Vec::new();
        let mut state = self.lock();
        while !state.is_stopped {
            state.asleep_until = 0;
            let now = (self.start.elapsed().as_nanos() / u128::from(TICK)) as u64;
            state.wheel.advance(now, |pid| reached.push(pid));
            for pid in reached.drain(..) {
                let Some(slot) = table.get(pid) else { continue };
                match slot.deadline.reached(now) {
                    Reached::Due => due.push(slot),
                    Reached::Later(later) => slot.timer.store(state.wheel.insert(later, pid), Ordering::Relaxed),
                    Reached::Idle => {}
                }
            }
            if !due.is_empty() {
                drop(state);
                due.drain(..).for_each(&mut wake);
                settle();
                state = self.lock();
                continue;
            }
            state = match state.wheel.next() {
                None => {
                    state.asleep_until = u64::MAX;
                    self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
                Some(next) => {
                    state.asleep_until = next;
                    let until = self.start + Duration::from_nanos(next.saturating_mul(TICK));
                    let left = until.saturating_duration_since(Instant::now());
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
