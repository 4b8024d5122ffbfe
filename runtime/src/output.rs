//! Standard output as processes see it: `print` and `echo` write whole pieces into one buffer, which is flushed in
//! order with everything else that the program writes (runtime.md §7.4).

use crate::io::standard;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Beyond this many bytes the buffer is written.
const CAPACITY: usize = 1 << 16;
/// What is printed is seen after this time at the latest, if nothing else flushes the buffer.
const LATEST: Duration = Duration::from_millis(50);

/// The buffer in front of standard output.
pub struct Output {
    shared: Arc<Shared>,
    is_terminal: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    has_flusher: bool,
    is_stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    /// An empty buffer. On a terminal every line is written at once.
    pub fn new(is_terminal: bool) -> Output {
        Output { shared: Arc::default(), is_terminal }
    }

    /// Appends one uninterrupted piece.
    pub fn write(&self, piece: &[u8]) {
        let mut state = self.shared.lock();
        let was_empty = state.buffer.is_empty();
        state.buffer.extend_from_slice(piece);
        if state.buffer.len() >= CAPACITY || self.is_terminal && piece.ends_with(b"\n") {
            drain(&mut state.buffer);
        } else if was_empty {
            self.flush_soon(&mut state);
        }
    }

    /// Sees to it that the buffer is written soon, even if nothing else happens.
    fn flush_soon(&self, state: &mut State) {
        if state.has_flusher {
            return self.shared.changed.notify_one();
        }
        let shared = self.shared.clone();
        // Without a thread the buffer is written when it is full, and at exit.
        let started = thread::Builder::new().name("viua-output".to_owned()).spawn(move || flush_now_and_then(&shared));
        state.has_flusher = started.is_ok();
    }

    /// Writes out what is buffered.
    pub fn flush(&self) {
        drain(&mut self.shared.lock().buffer);
    }
}

fn flush_now_and_then(shared: &Shared) {
    let mut state = shared.lock();
    while !state.is_stopped {
        if state.buffer.is_empty() {
            // An idle machine sleeps.
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(state);
        thread::sleep(LATEST);
        state = shared.lock();
        drain(&mut state.buffer);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        drain(&mut state.buffer);
        state.is_stopped = true;
        self.shared.changed.notify_all();
    }
}

fn drain(buffer: &mut Vec<u8>) {
    if buffer.is_empty() {
        return;
    }
    // What processes have asked to be written before comes before.
    standard::wait_for_writes();
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(buffer).and_then(|()| stdout.flush());
    buffer.clear();
    if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        // Nobody reads any more: end as an ordinary Unix filter would.
        std::process::exit(141);
    }
}
