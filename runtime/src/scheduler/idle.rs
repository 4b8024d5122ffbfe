//! Workers that have nothing to do. A worker first looks for work elsewhere (it *searches*), then sleeps; whoever
//! makes work wakes one sleeper, unless somebody searches already.
//!
//! Nobody sleeps beside work: a sleeper counts itself before it looks at the queues a last time, and a thread that
//! puts work into the common queue looks at the counters afterwards, with a fence between on both sides, so one sees
//! the other. A worker that has more to do than it can looks at the counters again and again.

use super::sync::{AtomicUsize, Mutex, Ordering, fence};

/// A worker as the search for work sees it.
pub trait Searcher {
    /// What it looks for.
    type Task;
    /// Takes something from any queue.
    fn look_around(&mut self) -> Option<Self::Task>;
    /// Whether there is something in any queue.
    fn has_work(&self) -> bool;
    /// There is work for more than this one.
    fn call_another(&self);
    /// There is nothing to be found; it is going to sleep.
    fn give_up(&mut self);
    /// Sleeps until it is woken; at once, if it has been woken already.
    fn park(&mut self);
    /// Waits while everybody has to stand still.
    fn step_aside(&self);
    /// Whether nothing can happen any more, given that all workers sleep.
    fn is_over(&self) -> bool;
    /// Wakes all workers for good.
    fn stop(&self);
    /// Whether [`Searcher::stop`] was called.
    fn is_stopped(&self) -> bool;
}

/// Who sleeps and how many search.
pub struct Idle {
    sleeping: Mutex<Vec<usize>>,
    sleepers: AtomicUsize,
    searchers: AtomicUsize,
}

impl Idle {
    /// Worker 0 is awake, the others sleep until they are needed.
    pub fn new(workers: usize) -> Idle {
        Idle {
            sleeping: Mutex::new((1..workers).rev().collect()),
            sleepers: AtomicUsize::new(workers - 1),
            searchers: AtomicUsize::new(0),
        }
    }

    fn sleeping(&self) -> impl std::ops::DerefMut<Target = Vec<usize>> + '_ {
        self.sleeping.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// There is new work in some queue: the worker that must be woken, which searches then.
    #[inline]
    pub fn worker_for_work(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) == 0 || self.searchers.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.wake_one()
    }

    /// As [`Idle::worker_for_work`], for a worker that will ask again soon as long as there is work in its queue: a
    /// sleeper that it does not see yet it sees the next time.
    #[inline]
    pub fn worker_for_surplus(&self) -> Option<usize> {
        if self.sleepers.load(Ordering::Relaxed) == 0 || self.searchers.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.wake_one()
    }

    #[cold]
    fn wake_one(&self) -> Option<usize> {
        let mut sleeping = self.sleeping();
        if self.searchers.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let worker = sleeping.pop()?;
        self.searchers.fetch_add(1, Ordering::SeqCst);
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        Some(worker)
    }

    /// A worker that was awake begins to search.
    pub fn begin_search(&self) {
        self.searchers.fetch_add(1, Ordering::SeqCst);
    }

    /// A searcher has found something. True if nobody searches any more: it must look into the queues once more,
    /// and wake another if there is work, since work that came meanwhile relied on the searcher.
    pub fn end_search(&self) -> bool {
        let last = self.searchers.fetch_sub(1, Ordering::SeqCst) == 1;
        fence(Ordering::SeqCst);
        last
    }

    /// A searcher has found nothing and goes to sleep, unless there is work after all. `has_work` looks into all
    /// queues. False: the worker stays awake, and is not a searcher any more.
    pub fn sleep(&self, worker: usize, has_work: impl FnOnce() -> bool) -> bool {
        {
            let mut sleeping = self.sleeping();
            sleeping.push(worker);
            self.sleepers.fetch_add(1, Ordering::SeqCst);
        }
        self.searchers.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !has_work() {
            return true;
        }
        let mut sleeping = self.sleeping();
        match sleeping.iter().position(|sleeper| *sleeper == worker) {
            Some(index) => {
                sleeping.swap_remove(index);
                self.sleepers.fetch_sub(1, Ordering::SeqCst);
                false
            }
            // Somebody is waking this worker: it sleeps until that has come through.
            None => true,
        }
    }

    /// Looks for work until there is some; sleeps meanwhile. `None` when everything is over. A worker that was woken
    /// is a searcher already.
    pub fn search<S: Searcher>(
        &self,
        worker: usize,
        workers: usize,
        mut is_searcher: bool,
        searcher: &mut S,
    ) -> Option<S::Task> {
        loop {
            // A searcher that finds nothing although there is work would keep those from it who must stand still.
            searcher.step_aside();
            if searcher.is_stopped() {
                return None;
            }
            if !std::mem::replace(&mut is_searcher, true) {
                self.begin_search();
            }
            if let Some(task) = searcher.look_around() {
                if self.end_search() && searcher.has_work() {
                    searcher.call_another();
                }
                return Some(task);
            }
            searcher.give_up();
            if !self.sleep(worker, || searcher.has_work()) {
                is_searcher = false;
                continue;
            }
            if self.all_sleep(workers) && searcher.is_over() {
                searcher.stop();
                return None;
            }
            searcher.park();
        }
    }

    /// Whether all of that many workers sleep.
    pub fn all_sleep(&self, workers: usize) -> bool {
        self.sleeping().len() == workers
    }
}
