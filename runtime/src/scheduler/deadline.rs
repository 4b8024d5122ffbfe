//! The deadline of a process, seen by the process that sets it and by the timer thread that watches it.
//!
//! Most waits end long before their deadline, so a process that waits again and again should not touch the wheel
//! each time. Its entry stays in the wheel when the wait is over; when the entry is reached the timer thread looks
//! what the deadline is by now and moves the entry there, if there is one. Only a deadline before the entry needs
//! the wheel at once.

use super::sync::{AtomicU64, Ordering, fence};

/// No deadline; no entry.
const NONE: u64 = 0;
/// The timer thread is about to decide whether there is an entry. Later than any deadline, so a process that sees this
/// asks for the lock of the wheel and gets the answer; if it saw [`NONE`] it could end, and leave an entry behind.
const UNDECIDED: u64 = u64::MAX;

/// In ticks, which are never 0.
#[derive(Default)]
pub struct Deadline {
    /// When the present wait ends.
    due: AtomicU64,
    /// Where the entry in the wheel is.
    armed: AtomicU64,
}

/// What the timer thread has to do when it has reached the entry of a process, which is out of the wheel then.
#[derive(Debug, PartialEq, Eq)]
pub enum Reached {
    /// Wake the process.
    Due,
    /// Put an entry there.
    Later(u64),
    /// The process waits for no deadline.
    Idle,
}

impl Deadline {
    /// The process waits until `due`. True if the wheel must be told ([`Deadline::arm`]).
    pub fn set(&self, due: u64) -> bool {
        self.due.store(due, Ordering::Relaxed);
        // Either this sees that the entry has been reached, or the timer thread sees the new deadline.
        fence(Ordering::SeqCst);
        let armed = self.armed.load(Ordering::Relaxed);
        armed == NONE || armed > due
    }

    /// The wait is over.
    pub fn clear(&self) {
        self.due.store(NONE, Ordering::Relaxed);
    }

    /// The entry that the wheel must have and the one that it has to give up for that; `None` if it is well as it
    /// is. The wheel is locked.
    pub fn arm(&self) -> Option<(u64, bool)> {
        let due = self.due.load(Ordering::Relaxed);
        let armed = self.armed.load(Ordering::Relaxed);
        if due == NONE || armed != NONE && armed <= due {
            return None;
        }
        self.armed.store(due, Ordering::Relaxed);
        Some((due, armed != NONE))
    }

    /// The entry has been reached at `now`. The wheel is locked.
    pub fn reached(&self, now: u64) -> Reached {
        self.armed.store(UNDECIDED, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let (armed, reached) = match self.due.load(Ordering::Relaxed) {
            NONE => (NONE, Reached::Idle),
            due if due <= now => (NONE, Reached::Due),
            due => (due, Reached::Later(due)),
        };
        self.armed.store(armed, Ordering::Relaxed);
        reached
    }

    /// The process has ended. True if it may have an entry, which must be removed ([`Deadline::disarm`]).
    pub fn end(&self) -> bool {
        self.due.store(NONE, Ordering::Relaxed);
        self.armed.load(Ordering::Relaxed) != NONE
    }

    /// The entry is to be removed. False if there is none any more. The wheel is locked.
    pub fn disarm(&self) -> bool {
        self.armed.swap(NONE, Ordering::Relaxed) != NONE
    }
}
