//! The end of a process as those see it who wait for it: a word that holds the one joiner, which is the usual
//! case, or says that there are several (kept in a list elsewhere), or that the process has ended.

use super::sync::{AtomicU64, Mutex, Ordering};
use rustc_hash::{FxHashMap, FxHashSet};

const RUNNING: u64 = 0;
const DETACHED: u64 = u64::MAX;
const ENDED: u64 = u64::MAX - 1;
const CROWD: u64 = u64::MAX - 2;

/// Whether a process can be joined, and who waits for it.
pub struct Exit {
    word: AtomicU64,
}

/// The joiners of processes that several wait for, by the place of the process in the table: a joiner that comes too
/// late, and finds another process there, must put the joiners of that one where they are looked for.
pub type Crowds = Mutex<FxHashMap<u32, FxHashSet<u64>>>;

/// What a joiner finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It runs, and will wake the joiner when it ends.
    Running,
    /// It has ended.
    Ended,
    /// It cannot be joined.
    Detached,
}

impl Default for Exit {
    fn default() -> Exit {
        Exit { word: AtomicU64::new(DETACHED) }
    }
}

impl Exit {
    /// A new process begins.
    pub fn begin(&self, joinable: bool) {
        self.word.store(if joinable { RUNNING } else { DETACHED }, Ordering::Release);
    }

    /// Looks whether the process at `place` has ended, and puts `joiner` on its list if not.
    pub fn join(&self, place: u32, joiner: u64, crowds: &Crowds) -> Standing {
        let mut seen = self.word.load(Ordering::Acquire);
        loop {
            match seen {
                DETACHED => return Standing::Detached,
                ENDED => return Standing::Ended,
                RUNNING => match self.word.compare_exchange(RUNNING, joiner, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return Standing::Running,
                    Err(now) => seen = now,
                },
                only if only == joiner => return Standing::Running,
                several => {
                    let mut crowds = crowds.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    // While the lock is held a crowd is not woken: whoever gets onto the list now is woken later.
                    match self.word.compare_exchange(several, CROWD, Ordering::AcqRel, Ordering::Acquire) {
                        Ok(_) => {
                            let crowd = crowds.entry(place).or_default();
                            if several != CROWD {
                                crowd.insert(several);
                            }
                            crowd.insert(joiner);
                            return Standing::Running;
                        }
                        Err(now) => seen = now,
                    }
                }
            }
        }
    }

    /// The joiner does not wait any more: the list does not grow with those who have lost patience.
    pub fn leave(&self, place: u32, joiner: u64, crowds: &Crowds) {
        match self.word.compare_exchange(joiner, RUNNING, Ordering::AcqRel, Ordering::Relaxed) {
            Err(CROWD) => {}
            Ok(_) | Err(_) => return,
        }
        let mut crowds = crowds.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(crowd) = crowds.get_mut(&place) else { return };
        crowd.remove(&joiner);
        if crowd.is_empty() && self.word.compare_exchange(CROWD, RUNNING, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            crowds.remove(&place);
        }
    }

    /// The process has ended and its outcome is in place: gives those to wake. Called once.
    pub fn end(&self, place: u32, crowds: &Crowds, mut wake: impl FnMut(u64)) {
        match self.word.swap(ENDED, Ordering::AcqRel) {
            RUNNING | DETACHED | ENDED => {}
            CROWD => {
                let crowd = crowds.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&place);
                crowd.into_iter().flatten().for_each(wake);
            }
            joiner => wake(joiner),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.word.load(Ordering::Relaxed) == ENDED
    }

    /// Whether anybody can join the process.
    pub fn is_joinable(&self) -> bool {
        self.word.load(Ordering::Relaxed) != DETACHED
    }
}
