//! Memory as the limits see it: what the threads have taken from the allocator and not given back. The program that
//! contains the machine makes [`CountingAllocator`] its global allocator; without it, everything counts nothing.
//!
//! The counts of workers are looked at where they are; every other thread that has to do with values adds its count to
//! a common one from time to time ([`settle`]), since values are made on one thread and destroyed on another.
//!
//! A worker looks at the count of its thread before and after a process has run, and so knows what the process
//! took. Values that go to another process are weighed, and change accounts. All this is done only if there is a
//! limit.

use crate::cell::{Cell, kind};
use crate::heap::BoxSlot;
use crate::value::{Closure, Content, Exception, LongBits, Struct, Text, Vector, get};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

thread_local! {
    static ALLOCATED: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

/// The allocator of the system, with a counter for each thread.
pub struct CountingAllocator;

fn count(bytes: i64) {
    // No thread is so far gone that its counter is: the counter has no destructor.
    let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get() + bytes));
}

/// Bytes that the present thread has taken and not given back. Negative if it gives back what others took.
#[inline]
pub fn allocated() -> i64 {
    ALLOCATED.with(std::cell::Cell::get)
}

/// What threads that are not workers have taken and not given back.
static ELSEWHERE: AtomicI64 = AtomicI64::new(0);

/// Adds the count of this thread, which is not a worker, to the common one.
pub fn settle() {
    let bytes = ALLOCATED.with(|allocated| allocated.replace(0));
    if bytes != 0 {
        ELSEWHERE.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What threads that are not workers have taken and not given back, as of their last look.
pub fn elsewhere() -> i64 {
    ELSEWHERE.load(Ordering::Relaxed)
}

// SAFETY: everything is done by the allocator of the system.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// About what a value takes that has left its process. O(size of the value).
pub fn weight(value: Cell) -> i64 {
    const CELL: usize = size_of::<Cell>();
    if !value.is_owned() {
        return 0;
    }
    let mut bytes = 0;
    let mut waiting = vec![value];
    while let Some(cell) = waiting.pop() {
        // SAFETY: the kind tells the type; nothing is changed.
        bytes += unsafe {
            match cell.kind() {
                kind::TEXT => match get::<Text>(cell) {
                    Text::Ascii(bytes) => size_of::<Text>() + bytes.len(),
                    Text::Wide(chars) => size_of::<Text>() + 4 * chars.len(),
                },
                kind::STRING => size_of::<Vec<u8>>() + get::<Vec<u8>>(cell).capacity(),
                kind::LONG_BITS => size_of::<LongBits>() + 8 * get::<LongBits>(cell).words.len(),
                kind::VECTOR => {
                    let elements: &Vec<Cell> = &get::<Vector>(cell).elements;
                    waiting.extend(elements.iter().filter(|cell| cell.is_owned()));
                    size_of::<Vector>() + CELL * elements.capacity()
                }
                kind::STRUCT => {
                    let fields = &get::<Struct>(cell).fields;
                    waiting.extend(fields.values().filter(|cell| cell.is_owned()));
                    size_of::<Struct>() + 2 * CELL * fields.len()
                }
                kind::CLOSURE => {
                    let registers = &get::<Closure>(cell).registers;
                    waiting.extend((0..registers.len()).map(|index| *registers.base().add(index)));
                    size_of::<Closure>() + CELL * registers.len()
                }
                kind::EXCEPTION => {
                    let exception = get::<Exception>(cell);
                    if let Content::Value(carried) = exception.content {
                        waiting.push(carried);
                    }
                    size_of::<Exception>()
                }
                kind::BOXED => {
                    waiting.push((*cell.address::<BoxSlot>()).cell);
                    0
                }
                _ => 0,
            }
        };
    }
    bytes as i64
}
