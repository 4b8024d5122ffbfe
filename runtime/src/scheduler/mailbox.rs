//! The mailbox of a process, and with it the answer to "does it wait?": one word for both.
//!
//! The word holds the newest message that has not been fetched (messages are chained newest first) and four bits.
//! Since a message and a wake-up go through the same word as parking does, each of them comes either before the
//! process parks, which then does not happen, or after it, and then exactly one party, the one that takes the
//! `PARKED` bit away, makes the process runnable. So no wake-up is lost and none is doubled.

use super::sync::{AtomicPtr, Ordering};
use std::ptr::null_mut;

/// A message on its way.
#[repr(C, align(16))]
pub struct Node<T> {
    next: *mut Node<T>,
    /// The process it is meant for: its slot may be another's by the time the message gets there.
    pub receiver: u64,
    /// The message.
    pub message: T,
}

impl<T> Node<T> {
    /// A message outside of any mailbox.
    pub fn new(receiver: u64, message: T) -> Box<Node<T>> {
        Box::new(Node { next: null_mut(), receiver, message })
    }
}

/// The process is parked.
const PARKED: usize = 1;
/// It waits for a message, so that one makes it runnable; set only with `PARKED`.
const FOR_MESSAGE: usize = 2;
/// Something happened while it was running: it must look again instead of parking.
const WOKEN: usize = 4;
/// It has ended.
const CLOSED: usize = 8;
const BITS: usize = 15;

fn bits<T>(word: *mut Node<T>) -> usize {
    word.addr() & BITS
}
fn pointer<T>(word: *mut Node<T>) -> *mut Node<T> {
    word.map_addr(|address| address & !BITS)
}
fn with<T>(pointer: *mut Node<T>, bits: usize) -> *mut Node<T> {
    pointer.map_addr(|address| address | bits)
}

/// The shared side of a mailbox: many senders, one receiver.
pub struct Mailbox<T> {
    word: AtomicPtr<Node<T>>,
}

/// What became of a message.
pub enum Sent<T> {
    /// The receiver will find it.
    Queued,
    /// The receiver was parked; the sender must make it runnable.
    Wakes,
    /// The receiver has ended; here is the message.
    Refused(Box<Node<T>>),
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        Mailbox { word: AtomicPtr::new(null_mut()) }
    }
}

impl<T> Mailbox<T> {
    /// Appends a message. Any thread.
    pub fn send(&self, node: Box<Node<T>>) -> Sent<T> {
        let node = Box::into_raw(node);
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            if bits(seen) == CLOSED {
                // SAFETY: nobody has got the node.
                return Sent::Refused(unsafe { Box::from_raw(node) });
            }
            let wakes = bits(seen) & FOR_MESSAGE != 0;
            // SAFETY: as above.
            unsafe { (*node).next = pointer(seen) };
            let new = if wakes { node } else { with(node, bits(seen)) };
            match self.word.compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if wakes => return Sent::Wakes,
                Ok(_) => return Sent::Queued,
                Err(now) => seen = now,
            }
        }
    }

    /// Fetches all messages. Only the running receiver.
    pub fn fetch(&self) -> Inbox<T> {
        if pointer(self.word.load(Ordering::Relaxed)).is_null() {
            return Inbox::default();
        }
        // A `WOKEN` that is lost here told the receiver to look again, which it is doing.
        Inbox::reversed(pointer(self.word.swap(null_mut(), Ordering::AcqRel)))
    }

    /// Parks the receiver; false if something has happened since it last looked. When this returns true the
    /// process may be running on another thread already.
    pub fn park(&self, for_message: bool) -> bool {
        let parked = if for_message { PARKED | FOR_MESSAGE } else { PARKED };
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            let refused = bits(seen) & WOKEN != 0 || for_message && !pointer(seen).is_null();
            let new = if refused { pointer(seen) } else { with(seen, parked) };
            match self.word.compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return !refused,
                Err(now) => seen = now,
            }
        }
    }

    /// Something has happened that the process may wait for. True if it was parked; the caller must make it
    /// runnable then. Any thread; once too often does no harm.
    pub fn wake(&self) -> bool {
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            if bits(seen) == CLOSED {
                return false;
            }
            let wakes = bits(seen) & PARKED != 0;
            let new = if wakes { pointer(seen) } else { with(seen, WOKEN) };
            match self.word.compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return wakes,
                Err(now) => seen = now,
            }
        }
    }

    /// Whether the process is parked. Out of date at once; for people.
    pub fn is_parked(&self) -> bool {
        bits(self.word.load(Ordering::Relaxed)) & PARKED != 0
    }

    /// The receiver has ended: the messages that nobody has fetched.
    pub fn close(&self) -> Inbox<T> {
        Inbox::reversed(pointer(self.word.swap(null_mut::<Node<T>>().map_addr(|_| CLOSED), Ordering::AcqRel)))
    }

    /// Another process moves in.
    pub fn open(&self) {
        self.word.store(null_mut(), Ordering::Release);
    }
}

/// Messages that have been fetched, oldest first.
pub struct Inbox<T> {
    first: *mut Node<T>,
}

impl<T> Default for Inbox<T> {
    fn default() -> Inbox<T> {
        Inbox { first: null_mut() }
    }
}

impl<T> Inbox<T> {
    fn reversed(mut newest: *mut Node<T>) -> Inbox<T> {
        let mut first = null_mut();
        while !newest.is_null() {
            // SAFETY: the chain was fetched as a whole and is ours.
            let next = unsafe { std::mem::replace(&mut (*newest).next, first) };
            first = newest;
            newest = next;
        }
        Inbox { first }
    }

    /// Takes the oldest message.
    pub fn pop(&mut self) -> Option<Box<Node<T>>> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: the chain is ours.
        let node = unsafe { Box::from_raw(self.first) };
        self.first = node.next;
        Some(node)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }
}
