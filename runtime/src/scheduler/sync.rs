//! The atomics that the lock-free parts of the scheduler are built on. The model tests put loom's in their place,
//! so these parts name nothing else.

pub use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
pub use std::sync::{Condvar, Mutex};
