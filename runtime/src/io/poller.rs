//! Threads that wait until descriptors are ready. Each descriptor belongs to one of them, by its number.

use super::{channel, workers};
use polling::{Event, Events, PollMode, Poller};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::{Arc, OnceLock};
use std::thread;

/// The pollers; made, with their threads, when the first request has to wait.
fn pollers() -> &'static [Arc<Poller>] {
    static POLLERS: OnceLock<Vec<Arc<Poller>>> = OnceLock::new();
    POLLERS.get_or_init(|| (0..workers()).map_while(|_| start().ok()).collect())
}

fn start() -> std::io::Result<Arc<Poller>> {
    let poller = Arc::new(Poller::new()?);
    let shared = poller.clone();
    thread::Builder::new().name("viua-poller".to_owned()).spawn(move || watch(&shared))?;
    Ok(poller)
}

fn watch(poller: &Poller) {
    let mut events = Events::new();
    loop {
        events.clear();
        // Without a time limit this returns with events, or interrupted.
        if poller.wait(&mut events, None).is_err() {
            continue;
        }
        for event in events.iter() {
            if let Ok(number) = RawFd::try_from(event.key) {
                channel::ready(number, event.readable, event.writable);
            }
        }
        crate::scheduler::memory::settle();
    }
}

fn poller_of(number: RawFd) -> std::io::Result<&'static Arc<Poller>> {
    let pollers = pollers();
    let index = (number as usize).checked_rem(pollers.len());
    index.map(|index| &pollers[index]).ok_or_else(|| std::io::ErrorKind::Unsupported.into())
}

/// Waits once for the descriptor to become ready. Fails if it is not of a kind that can be waited for.
pub fn arm(number: RawFd, read: bool, write: bool, is_known: bool) -> std::io::Result<()> {
    let poller = poller_of(number)?;
    let event = Event::new(number as usize, read, write);
    // SAFETY: the number is that of a request, not -1; if it is not open, the call fails.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    if is_known {
        match poller.modify_with_mode(descriptor, event, PollMode::Oneshot) {
            // Somebody has closed it, and opened something else under its number.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            modified => return modified,
        }
    }
    // SAFETY: `forget` is called before the descriptor is closed, if it is ours. If it is not, the kernel removes it.
    unsafe { poller.add_with_mode(number, event, PollMode::Oneshot) }
}

/// Reports each change of the descriptor from now on, and how it stands now.
pub fn watch_changes(number: RawFd) -> std::io::Result<()> {
    let poller = poller_of(number)?;
    let event = Event::all(number as usize);
    // SAFETY: as in `arm`.
    match unsafe { poller.add_with_mode(number, event, PollMode::Edge) } {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            // SAFETY: as in `arm`.
            poller.modify_with_mode(unsafe { BorrowedFd::borrow_raw(number) }, event, PollMode::Edge)
        }
        added => added,
    }
}

/// Does not wait for it any more, nor know it.
pub fn forget(number: RawFd) {
    if let Ok(poller) = poller_of(number) {
        // SAFETY: as above.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        // It may have been closed by somebody else, and is gone then.
        let _ = poller.delete(descriptor);
    }
}
