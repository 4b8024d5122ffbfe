//! The stock of process records. A record is a [`Process`] with its first stack behind it, in one piece; it is used
//! again and again, and given back with the machine.

use crate::cell::Cell;
use crate::process::{FIRST_STACK, Process};
use crate::scheduler::MachineRef;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a record.
pub const RECORD: usize = size_of::<Process>() + FIRST_STACK * size_of::<Cell>();
const _: () =
    assert!(size_of::<Process>().is_multiple_of(size_of::<Cell>()) && align_of::<Process>() == align_of::<Cell>());
/// What a process costs at birth, its slot included.
const _: () = assert!(RECORD + size_of::<super::table::Slot>() <= 1024);

/// Records that a worker has in hand.
pub type SpareRecords = Vec<NonNull<Process>>;

/// A worker gets that many at once, and gives as many back when it has four times as many. That is some 30 KiB: a
/// page more or less does not matter for a small program, and a worker that makes and ends processes keeps to
/// what fits into its cache.
const BATCH: usize = 32;

/// The records of a machine.
#[derive(Default)]
pub struct Records {
    stock: Mutex<Stock>,
}

#[derive(Default)]
struct Stock {
    free: Vec<NonNull<Process>>,
    chunks: Vec<NonNull<u8>>,
}

// SAFETY: records in stock belong to nobody else; the pointers are just their addresses.
unsafe impl Send for Stock {}

fn chunk_layout() -> Layout {
    Layout::from_size_align(RECORD * BATCH, 64).expect("a chunk is small")
}

impl Records {
    fn lock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record without a process.
    #[inline]
    pub fn take(&self, spare: &mut SpareRecords, machine: &MachineRef) -> NonNull<Process> {
        match spare.pop() {
            Some(record) => record,
            None => self.refill(spare, machine),
        }
    }

    #[cold]
    fn refill(&self, spare: &mut SpareRecords, machine: &MachineRef) -> NonNull<Process> {
        let mut stock = self.lock();
        if stock.free.is_empty() {
            // SAFETY: the layout is not empty.
            let chunk = unsafe { alloc_zeroed(chunk_layout()) };
            let Some(chunk) = NonNull::new(chunk) else { handle_alloc_error(chunk_layout()) };
            stock.chunks.push(chunk);
            for number in (0..BATCH).rev() {
                // SAFETY: the record lies in the chunk, which is zeroed: the stack is empty.
                unsafe {
                    let record = chunk.add(number * RECORD).cast::<Process>();
                    let stack = record.add(1).cast::<Cell>();
                    record.write(Process::blank(machine.again(), stack.as_ptr()));
                    stock.free.push(record);
                }
            }
        }
        let left = stock.free.len().saturating_sub(BATCH);
        spare.extend(stock.free.drain(left..));
        spare.pop().expect("a batch has just been added")
    }

    /// Gives a record back; it must have been reset.
    #[inline]
    pub fn give(&self, spare: &mut SpareRecords, record: NonNull<Process>) {
        spare.push(record);
        if spare.len() >= 4 * BATCH {
            self.give_back(spare, 3 * BATCH);
        }
    }

    /// Gives back all that a worker has beyond `keep`.
    #[cold]
    pub fn give_back(&self, spare: &mut SpareRecords, keep: usize) {
        let keep = keep.min(spare.len());
        for record in &spare[keep..] {
            // SAFETY: it belongs to nobody.
            unsafe { (*record.as_ptr()).shrink() };
        }
        self.lock().free.extend(spare.drain(keep..));
    }

    /// Destroys all records. Nobody uses one any more.
    pub fn clear(&mut self) {
        let stock = self.stock.get_mut().unwrap_or_else(PoisonError::into_inner);
        stock.free.clear();
        for chunk in stock.chunks.drain(..) {
            for number in 0..BATCH {
                // SAFETY: made by `refill`.
                unsafe { chunk.add(number * RECORD).cast::<Process>().drop_in_place() };
            }
            // SAFETY: allocated with this layout.
            unsafe { dealloc(chunk.as_ptr(), chunk_layout()) };
        }
    }
}
