//! Threads for work that may block: foreign calls, and I/O that has to wait inside a system call. No task ever waits
//! for another one: when all threads are busy, one more is started (runtime.md §6, guarantee 4). Those beyond the
//! number that is kept ready end when they have had nothing to do for a while.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

type Task = Box<dyn FnOnce() + Send>;

/// How long a thread beyond the kept ones waits for work: longer than the pauses of a busy server, short enough to
/// give memory back.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pool of threads.
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    kept: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    idle: usize,
    threads: usize,
    handles: Vec<JoinHandle<()>>,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Tasks run outside the lock, and nothing here panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// A pool that keeps that many threads once they have been needed.
    pub fn new(name: &'static str, kept: usize) -> Pool {
        Pool { shared: Arc::new(Shared { name, kept, state: Mutex::default(), changed: Condvar::new() }) }
    }

    /// Runs a task on some thread, soon. Gives it back if there is no thread at all and none can be started.
    pub fn run(&self, task: Task) -> Result<(), Task> {
        let mut state = self.shared.lock();
        state.tasks.push_back(task);
        if state.idle >= state.tasks.len() {
            self.shared.changed.notify_one();
            return Ok(());
        }
        let shared = self.shared.clone();
        match thread::Builder::new().name(self.shared.name.to_owned()).spawn(move || work(&shared)) {
            Ok(handle) => {
                state.threads += 1;
                state.handles.retain(|handle| !handle.is_finished());
                state.handles.push(handle);
                Ok(())
            }
            // The system gives no more threads: those that are there will come to it.
            Err(_) if state.threads > 0 => Ok(()),
            Err(_) => state.tasks.pop_back().map_or(Ok(()), Err),
        }
    }

    /// Ends all threads, after what they are doing, and waits for them. Tasks that have not begun are dropped.
    pub fn stop(&self) {
        let mut state = self.shared.lock();
        state.stopped = true;
        let tasks = std::mem::take(&mut state.tasks);
        let handles = std::mem::take(&mut state.handles);
        drop(state);
        drop(tasks);
        self.shared.changed.notify_all();
        for handle in handles {
            // A pool may be dropped by one of its own tasks. Threads do not panic: tasks are guarded.
            if handle.thread().id() != thread::current().id() {
                let _ = handle.join();
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Without waiting: a thread may be inside a system call that never returns.
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
    }
}

fn work(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        if let Some(task) = state.tasks.pop_front() {
            drop(state);
            // What a task owes to others it owes also when it panics; it sees to that itself.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
            crate::scheduler::memory::settle();
            state = shared.lock();
            continue;
        }
        if state.stopped {
            break;
        }
        state.idle += 1;
        let (next, timeout) = shared.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        state = next;
        state.idle -= 1;
        if timeout.timed_out() && state.tasks.is_empty() {
            if state.threads > shared.kept {
                break;
            }
            // A kept thread sleeps until there is work.
            state.idle += 1;
            state = shared
                .changed
                .wait_while(state, |state| state.tasks.is_empty() && !state.stopped)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
    state.threads -= 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_blocked_task_does_not_delay_others() {
        let pool = Pool::new("test", 1);
        let (release, blocked) = mpsc::channel::<()>();
        let (done, finished) = mpsc::channel();
        let block = Box::new(move || assert!(blocked.recv().is_err()));
        assert!(pool.run(block).is_ok());
        for number in 0..10 {
            let done = done.clone();
            assert!(pool.run(Box::new(move || done.send(number).unwrap())).is_ok());
        }
        let mut numbers: Vec<i32> = finished.iter().take(10).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
        drop(release);
        pool.stop();
    }
}
