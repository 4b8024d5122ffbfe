//! Descriptors and ports. A port owns its descriptor (or borrows it); requests made through it share it, so that it is
//! closed only when the last of them is done.

use super::channel;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A descriptor that requests are made on.
pub struct Descriptor {
    number: RawFd,
    is_owned: bool,
    is_closed: AtomicBool,
}

impl Descriptor {
    /// One that the program names by its number.
    pub fn borrowed(number: RawFd) -> Arc<Descriptor> {
        Arc::new(Descriptor { number, is_owned: false, is_closed: AtomicBool::new(false) })
    }
    /// Its number.
    pub fn number(&self) -> RawFd {
        self.number
    }
    /// Whether it is closed when nobody uses it any more.
    pub(super) fn is_owned(&self) -> bool {
        self.is_owned
    }
    /// Closes it, unless it is borrowed or has been closed. Nothing must be using it.
    pub(super) fn close(&self) -> std::io::Result<()> {
        if self.is_owned && !self.is_closed.swap(true, Ordering::AcqRel) {
            // SAFETY: the descriptor is owned, and it is closed once.
            unsafe { rustix::io::try_close(self.number) }?;
        }
        Ok(())
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.is_owned && !*self.is_closed.get_mut() {
            // Nobody is left to be told of an error.
            let _ = channel::close(self);
        }
    }
}

/// The value `IO_fd`.
pub struct Port {
    descriptor: Arc<Descriptor>,
    /// `io_close` was asked for: no further requests are accepted.
    is_closed: AtomicBool,
    made: AtomicU64,
}

impl Port {
    /// A port that closes its descriptor.
    pub fn owned(descriptor: OwnedFd) -> Port {
        Port::of(Descriptor { number: descriptor.into_raw_fd(), is_owned: true, is_closed: AtomicBool::new(false) })
    }
    /// The same, named by its number.
    pub fn owned_number(number: RawFd) -> Port {
        Port::of(Descriptor { number, is_owned: number >= 0, is_closed: AtomicBool::new(false) })
    }
    /// A port that does not.
    pub fn borrowed(number: RawFd) -> Port {
        Port::of(Descriptor { number, is_owned: false, is_closed: AtomicBool::new(false) })
    }
    fn of(descriptor: Descriptor) -> Port {
        Port { descriptor: Arc::new(descriptor), is_closed: AtomicBool::new(false), made: AtomicU64::new(0) }
    }
    /// The number of its descriptor, which it keeps when it has been closed.
    pub fn number(&self) -> RawFd {
        self.descriptor.number
    }
    /// Its descriptor, unless it has been closed.
    pub(super) fn descriptor(&self) -> Option<&Arc<Descriptor>> {
        (!self.is_closed.load(Ordering::Acquire)).then_some(&self.descriptor)
    }
    /// From now on requests fail.
    pub(super) fn refuse_requests(&self) -> Option<&Arc<Descriptor>> {
        (!self.is_closed.swap(true, Ordering::AcqRel)).then_some(&self.descriptor)
    }
    /// The number of the next request made through it.
    pub(super) fn count(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }
    /// Its descriptor for direct use.
    pub fn borrow(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: the descriptor is open as long as the port is not closed, for which it must not be lent.
        self.descriptor().map(|descriptor| unsafe { BorrowedFd::borrow_raw(descriptor.number.as_raw_fd()) })
    }
    /// Closes it at once; requests that wait are cancelled. `None` if it had been closed.
    pub fn close_now(&self) -> Option<std::io::Result<()>> {
        self.refuse_requests().map(|descriptor| channel::close(descriptor))
    }
}
