//! The I/O scheduler (runtime.md §7): requests on descriptors, performed while processes do something else.
//!
//! * `port`: descriptors, owned or borrowed, and the values that stand for them.
//! * `request`: what a process holds of a request, and how it learns what came of it.
//! * `channel`: the requests on one descriptor, in order; the one place where they are performed.
//! * `poller`: threads that wait until descriptors are ready.
//! * `standard`: standard input read line by line, and what is ordered around standard output.
//!
//! Descriptors belong to the whole operating system process, and so does all this: it is shared by all machines in it.
//! Nothing is ever switched to non-blocking mode, since other programs may share the descriptor: sockets are used with
//! flags for each call, everything else is asked for readiness first. What may block all the same (regular files, a
//! descriptor that another program empties in between) is done on a pool of threads.

mod channel;
mod poller;
mod port;
mod request;
pub mod standard;
#[cfg(test)]
mod tests;

pub(crate) use channel::{Operation, submit};
pub use port::Port;
pub(crate) use request::write_standard_output;
pub use request::{Collected, Request};

use crate::pool::Pool;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Errors that need no system call.
pub const BAD_DESCRIPTOR: i32 = 9;

static WORKERS: AtomicUsize = AtomicUsize::new(1);

/// Sets the number of threads that are kept ready, before the first request is made.
pub fn set_workers(count: usize) {
    WORKERS.store(count.max(1), Ordering::Relaxed);
}

fn workers() -> usize {
    WORKERS.load(Ordering::Relaxed)
}

/// Threads for requests that may block.
fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new("viua-io", workers()))
}
