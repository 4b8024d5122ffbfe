//! The gate that workers pass between two slices. It is closed when everybody must stand still: while the meaning of
//! names changes ([`crate::machine`]), so that nobody sees half of it, and so that the stacks of all processes can
//! be looked through.
//!
//! A worker is *inside* from when it begins until it ends, except while it sleeps. The word counts who is inside and
//! says whether the gate is closed, so a worker that finds nothing unusual reads one word that seldom changes.

use super::sync::{AtomicUsize, Condvar, Mutex, Ordering};

const CLOSED: usize = 1;
const ONE: usize = 2;

/// A gate. It is open at first.
pub struct Gate {
    /// Workers inside, times [`ONE`], and [`CLOSED`].
    word: AtomicUsize,
    changed: Mutex<()>,
    change: Condvar,
    /// Who closes it keeps others from closing it.
    keeper: Mutex<()>,
}

impl Gate {
    /// An open gate with nobody inside.
    pub fn new() -> Gate {
        Gate { word: AtomicUsize::new(0), changed: Mutex::new(()), change: Condvar::new(), keeper: Mutex::new(()) }
    }

    /// Whether those inside should [`Gate::step_aside`].
    #[inline(always)]
    pub fn is_closed(&self) -> bool {
        self.word.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Goes inside; waits until the gate is open.
    pub fn enter(&self) {
        while self.word.fetch_add(ONE, Ordering::AcqRel) & CLOSED != 0 {
            self.leave();
            let mut changed = self.changed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            while self.is_closed() {
                changed = self.change.wait(changed).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
        }
    }

    /// Goes outside.
    pub fn leave(&self) {
        if self.word.fetch_sub(ONE, Ordering::AcqRel) == ONE + CLOSED {
            self.announce();
        }
    }

    /// Somebody inside has found the gate closed: waits until it is open again.
    #[cold]
    pub fn step_aside(&self) {
        self.leave();
        self.enter();
    }

    /// Does something while nobody is inside. Must not be called from inside.
    pub fn while_closed<T>(&self, work: impl FnOnce() -> T) -> T {
        let _keeper = self.keeper.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
        // Opens also behind a panic.
        let _open = Open(self);
        {
            let mut changed = self.changed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            while self.word.load(Ordering::Acquire) != CLOSED {
                changed = self.change.wait(changed).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
        }
        work()
    }

    /// Wakes those that wait for a change of the word. Who waits looks at the word under the lock.
    fn announce(&self) {
        drop(self.changed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        self.change.notify_all();
    }
}

struct Open<'a>(&'a Gate);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.word.fetch_and(!CLOSED, Ordering::AcqRel);
        self.0.announce();
    }
}
