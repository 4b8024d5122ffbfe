//! Standard output as processes see it: `print` and `echo` write whole pieces into one buffer, which is written in
//! order with everything else that the program writes (runtime.md §7.4).
//!
//! Workers never write: a reader that is slow must not stop the processes that have nothing to say to it. They hand
//! the buffer over to the I/O scheduler, as one more write on descriptor 1, so that its order among those of `io_write`
//! is that of the requests. Only threads that may block wait until it is written. A process that prints faster than
//! anybody reads waits, too, and alone.

use crate::io::{self, Operation, standard};
use crate::machine::Machine;
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// Beyond this many bytes the buffer is handed over.
const CAPACITY: usize = 1 << 16;
/// What is printed is seen after this time at the latest, if nothing else flushes the buffer.
const LATEST: Duration = Duration::from_millis(50);
/// With so many bytes on their way, whoever prints waits until there are less.
const FULL: usize = 1 << 20;
/// As long as it takes.
pub const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);
/// What an ordinary Unix filter ends with when nobody reads its output.
const NOBODY_READS: i32 = 141;
/// The number of that error.
const BROKEN_PIPE: i32 = 32;

/// The buffer in front of standard output.
pub struct Output {
    shared: Arc<Shared>,
    is_terminal: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Held while the buffer is handed over, or something is put behind it: the order of requests is that of the bytes.
    order: Mutex<()>,
    flusher: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    /// Bytes that are handed over and not written.
    underway: usize,
    /// Requests on other descriptors that come after them.
    behind: Vec<Operation>,
    /// The processes that wait for room.
    waiting: Vec<(Weak<Machine>, u64)>,
    has_flusher: bool,
    is_stopped: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done behind a panic here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Output {
    /// An empty buffer. On a terminal every line is written at once.
    pub fn new(is_terminal: bool) -> Output {
        Output { shared: Arc::default(), is_terminal }
    }

    /// Appends one uninterrupted piece.
    pub fn write(&self, piece: &[u8]) {
        let mut state = lock(&self.shared.state);
        let was_empty = state.buffer.is_empty();
        state.buffer.extend_from_slice(piece);
        if state.buffer.len() >= CAPACITY || self.is_terminal && piece.ends_with(b"\n") {
            drop(state);
            self.flush();
        } else if was_empty {
            self.flush_soon(&mut state);
        }
    }

    /// Whether too much is on its way: then the process is notified, once, when there is less.
    pub fn is_full(&self, machine: &Arc<Machine>, pid: u64) -> bool {
        let mut state = lock(&self.shared.state);
        let is_full = state.underway >= FULL;
        if is_full {
            state.waiting.push((Arc::downgrade(machine), pid));
        }
        is_full
    }

    /// Sees to it that the buffer is written soon, even if nothing else happens.
    fn flush_soon(&self, state: &mut State) {
        if state.has_flusher {
            return self.shared.flusher.notify_one();
        }
        let shared = self.shared.clone();
        // Without a thread the buffer is written when it is full, and at exit.
        let started = thread::Builder::new().name("viua-output".to_owned()).spawn(move || flush_now_and_then(&shared));
        state.has_flusher = started.is_ok();
    }

    /// Hands over what is buffered. Never blocks.
    pub fn flush(&self) {
        let order = lock(&self.shared.order);
        hand_over(&self.shared);
        drop(order);
    }

    /// A request on another descriptor that must not be performed before what was printed.
    pub(crate) fn submit_behind(&self, operation: Operation) {
        let order = lock(&self.shared.order);
        hand_over(&self.shared);
        let mut state = lock(&self.shared.state);
        if state.underway > 0 {
            state.behind.push(operation);
        } else {
            drop(state);
            io::submit(operation);
        }
        drop(order);
    }

    /// Hands over what is buffered, and waits until all that was asked to be written is written, or patience ends.
    pub fn flush_and_wait(&self, patience: Duration) {
        self.flush();
        let state = lock(&self.shared.state);
        let waited = self.shared.written.wait_timeout_while(state, patience, |state| state.underway > 0);
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        if !timeout.timed_out() {
            standard::wait_for_writes(patience);
        }
    }

    /// Writes everything, however long it takes. Nobody prints any more.
    pub fn finish(&self) {
        let mut state = lock(&self.shared.state);
        if state.underway > 0 || standard::has_writes() {
            drop(state);
            self.flush_and_wait(FOREVER);
        } else {
            // Nothing is before it: no other thread is needed.
            let buffer = std::mem::take(&mut state.buffer);
            drop(state);
            write_here(&buffer);
        }
    }
}

/// The caller holds the order.
fn hand_over(shared: &Arc<Shared>) {
    let mut state = lock(&shared.state);
    if state.buffer.is_empty() {
        return;
    }
    let buffer = std::mem::take(&mut state.buffer);
    let count = buffer.len();
    state.underway += count;
    drop(state);
    let shared = shared.clone();
    io::write_standard_output(buffer, move |outcome| match outcome {
        Err(BROKEN_PIPE) => std::process::exit(NOBODY_READS),
        // Nothing can be done about other errors.
        Err(_) => shared.have_written(count),
        Ok(rest) => {
            write_here(&rest);
            shared.have_written(count);
        }
    });
}

fn write_here(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // Nobody reads any more: end as an ordinary Unix filter would.
        std::process::exit(NOBODY_READS);
    }
}

impl Shared {
    fn have_written(&self, count: usize) {
        let mut state = lock(&self.state);
        // What is behind the last of the bytes goes before anybody can see that there are none any more.
        while state.underway == count && !state.behind.is_empty() {
            let behind = std::mem::take(&mut state.behind);
            drop(state);
            behind.into_iter().for_each(io::submit);
            state = lock(&self.state);
        }
        state.underway -= count;
        let waiting = if state.underway < FULL { std::mem::take(&mut state.waiting) } else { Vec::new() };
        drop(state);
        self.written.notify_all();
        for (machine, pid) in waiting {
            if let Some(machine) = machine.upgrade() {
                machine.scheduler.notify(pid);
            }
        }
    }
}

fn flush_now_and_then(shared: &Arc<Shared>) {
    let mut state = lock(&shared.state);
    while !state.is_stopped {
        if state.buffer.is_empty() {
            // An idle machine sleeps.
            state = shared.flusher.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(state);
        thread::sleep(LATEST);
        let order = lock(&shared.order);
        hand_over(shared);
        drop(order);
        state = lock(&shared.state);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.finish();
        lock(&self.shared.state).is_stopped = true;
        self.shared.flusher.notify_all();
    }
}
