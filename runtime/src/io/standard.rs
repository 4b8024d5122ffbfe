//! Standard input read line by line, and the order of standard output.
//!
//! `getline` reads ahead; what it has read too much is kept here, and the next reader of descriptor 0 gets it first,
//! be it `getline` again or `io_read`. Writes that processes have asked for on descriptor 1 are counted, so that what
//! is printed after them is not written before them (runtime.md §7.4).

use super::channel;
use std::os::fd::BorrowedFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Read, but not delivered yet.
static AHEAD: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// Held while a line is read: each reader gets a whole one.
static READER: Mutex<()> = Mutex::new(());

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    // Nothing is left half done behind a panic here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next line, without its newline; what is left at the end of input.
pub fn read_line() -> Vec<u8> {
    let reader = lock(&READER);
    let mut searched = 0;
    let mut chunk = vec![0; 1 << 13];
    // SAFETY: descriptor 0 is only read from; if it is not open, reading fails.
    let input = unsafe { BorrowedFd::borrow_raw(0) };
    loop {
        let mut ahead = lock(&AHEAD);
        // `io_read` may have taken some meanwhile.
        searched = searched.min(ahead.len());
        if let Some(found) = ahead[searched..].iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = ahead.drain(..=searched + found).collect();
            line.pop();
            let more = !ahead.is_empty();
            drop((ahead, reader));
            if more {
                channel::kick(0);
            }
            return line;
        }
        searched = ahead.len();
        drop(ahead);
        match rustix::io::read(input, &mut chunk) {
            Ok(0) => return std::mem::take(&mut *lock(&AHEAD)),
            Ok(count) => lock(&AHEAD).extend_from_slice(&chunk[..count]),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let mut ready = [rustix::event::PollFd::new(&input, rustix::event::PollFlags::IN)];
                let _ = rustix::event::poll(&mut ready, None);
            }
            Err(_) => return std::mem::take(&mut *lock(&AHEAD)),
        }
    }
}

/// Takes at most `limit` bytes of what was read ahead. Empty if there are none.
pub(super) fn take_ahead(limit: usize) -> Vec<u8> {
    let mut ahead = lock(&AHEAD);
    let count = limit.min(ahead.len());
    ahead.drain(..count).collect()
}

/// Whether there is something to take.
pub(super) fn has_ahead() -> bool {
    !lock(&AHEAD).is_empty()
}

/// Writes on descriptor 1: how many were asked for, how many are done.
static WRITES: Mutex<(u64, u64)> = Mutex::new((0, 0));
static WRITTEN: Condvar = Condvar::new();

/// A write on descriptor 1 that is not done yet.
pub struct WriteMark(());

impl WriteMark {
    /// One more.
    pub fn new() -> WriteMark {
        lock(&WRITES).0 += 1;
        WriteMark(())
    }
}

impl Drop for WriteMark {
    fn drop(&mut self) {
        lock(&WRITES).1 += 1;
        WRITTEN.notify_all();
    }
}

/// Whether there are writes on descriptor 1 that have been asked for and are not done.
pub fn has_writes() -> bool {
    let writes = lock(&WRITES);
    writes.1 < writes.0
}

/// Waits until the writes on descriptor 1 that have been asked for are done, or patience ends.
pub fn wait_for_writes(patience: Duration) {
    let writes = lock(&WRITES);
    let made = writes.0;
    drop(WRITTEN.wait_timeout_while(writes, patience, |writes| writes.1 < made));
}
