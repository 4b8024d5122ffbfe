//! The memory that gives values an identity: slots for pointed-to values and for shared variables. Each process
//! has one [`Heap`]; slots keep their address and type as long as the process lives, so a pointer to a value that
//! is gone still points at a slot, whose generation tells that it is dead (values.md §6.2).

use crate::cell::{Cell, kind};
use std::ptr;

/// A value that pointers refer to.
#[repr(C)]
pub struct BoxSlot {
    /// Counts the values that lived here; a pointer is live while it has the same number.
    pub generation: u64,
    /// The value; in a free slot the payload is the next free slot.
    pub cell: Cell,
}

/// A shared variable (isa-control.md §6).
#[repr(C)]
pub struct VariableSlot {
    /// The number of registers that hold a handle; 0 in a free slot.
    pub handles: u64,
    /// The value, which may be boxed; empty if the variable has none yet.
    pub cell: Cell,
}

/// Generations are stored above the kind byte of a pointer's tag word.
const GENERATION_BITS: u32 = 56;

struct Slab<T> {
    chunks: Vec<Box<[T]>>,
    free: *mut T,
    fresh: *mut T,
    fresh_left: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { chunks: Vec::new(), free: ptr::null_mut(), fresh: ptr::null_mut(), fresh_left: 0 }
    }
}

/// Few processes take pointers at all, and some take millions: chunks start small and double.
const FIRST_CHUNK: usize = 8;
const LARGEST_CHUNK: usize = 4096;

impl<T> Slab<T> {
    #[cold]
    #[inline(never)]
    fn refill(&mut self, make: fn() -> T) {
        let size = (FIRST_CHUNK << self.chunks.len().min(16)).min(LARGEST_CHUNK);
        let mut chunk: Box<[T]> = (0..size).map(|_| make()).collect();
        self.fresh = chunk.as_mut_ptr();
        self.fresh_left = size;
        self.chunks.push(chunk);
    }
}

/// The slots of one process.
#[derive(Default)]
pub struct Heap {
    boxes: Slab<BoxSlot>,
    variables: Slab<VariableSlot>,
    /// Headers of vectors that are pointed into.
    pub(crate) headers: crate::element::Headers,
    /// Elements that were copied since the process was charged for copying.
    pub copied: u32,
}

// SAFETY: the raw pointers lead into the heap's own chunks.
unsafe impl Send for Heap {}

impl Heap {
    /// Whether it has never had a slot.
    pub fn is_unused(&self) -> bool {
        self.boxes.chunks.is_empty() && self.variables.chunks.is_empty() && self.headers.is_unused()
    }

    /// Puts a value into a slot of its own.
    #[inline]
    pub fn new_box(&mut self, cell: Cell) -> *mut BoxSlot {
        debug_assert!(!matches!(cell.kind(), kind::BOXED | kind::SHARED));
        let slab = &mut self.boxes;
        // SAFETY: `free` and `fresh` lead to unused slots of our chunks.
        unsafe {
            let slot = if !slab.free.is_null() {
                let slot = slab.free;
                slab.free = (*slot).cell.address();
                slot
            } else {
                if slab.fresh_left == 0 {
                    slab.refill(|| BoxSlot { generation: 0, cell: Cell::EMPTY });
                }
                let slot = slab.fresh;
                slab.fresh = slot.add(1);
                slab.fresh_left -= 1;
                slot
            };
            (*slot).cell = cell;
            slot
        }
    }

    /// Takes the value out of its slot; all pointers to it are dead from now on.
    ///
    /// # Safety
    /// `slot` must be in use and of this heap.
    pub unsafe fn take_box(&mut self, slot: *mut BoxSlot) -> Cell {
        // SAFETY: as promised by the caller.
        unsafe {
            let cell = (*slot).cell;
            (*slot).generation += 1;
            // A slot whose generations are used up is never used again, so no dead pointer ever revives.
            if (*slot).generation < 1 << GENERATION_BITS {
                (*slot).cell = Cell::new(kind::EMPTY, self.boxes.free as u64);
                self.boxes.free = slot;
            }
            cell
        }
    }

    /// Makes a variable with one handle.
    pub fn new_variable(&mut self, cell: Cell) -> *mut VariableSlot {
        let slab = &mut self.variables;
        // SAFETY: `free` and `fresh` lead to unused slots of our chunks.
        unsafe {
            let slot = if !slab.free.is_null() {
                let slot = slab.free;
                slab.free = (*slot).cell.address();
                slot
            } else {
                if slab.fresh_left == 0 {
                    slab.refill(|| VariableSlot { handles: 0, cell: Cell::EMPTY });
                }
                let slot = slab.fresh;
                slab.fresh = slot.add(1);
                slab.fresh_left -= 1;
                slot
            };
            *slot = VariableSlot { handles: 1, cell };
            slot
        }
    }

    /// Gives up one handle; the value comes back if it was the last.
    ///
    /// # Safety
    /// `slot` must be in use and of this heap.
    pub unsafe fn drop_handle(&mut self, slot: *mut VariableSlot) -> Option<Cell> {
        // SAFETY: as promised by the caller.
        unsafe {
            (*slot).handles -= 1;
            if (*slot).handles > 0 {
                return None;
            }
            let cell = (*slot).cell;
            (*slot).cell = Cell::new(kind::EMPTY, self.variables.free as u64);
            self.variables.free = slot;
            Some(cell)
        }
    }

    /// Empties the next variable that is still in use, beginning at chunk `from.0`, slot `from.1`. Called when the
    /// process ends: variables and closures that refer to each other in a circle are still there then.
    pub fn drain_variable(&mut self, from: &mut (usize, usize)) -> Option<Cell> {
        while let Some(chunk) = self.variables.chunks.get_mut(from.0) {
            while let Some(slot) = chunk.get_mut(from.1) {
                from.1 += 1;
                if slot.handles > 0 && !slot.cell.is_empty() {
                    return Some(std::mem::replace(&mut slot.cell, Cell::EMPTY));
                }
            }
            *from = (from.0 + 1, 0);
        }
        None
    }
}

/// A pointer to the value in a slot.
///
/// # Safety
/// `slot` must be in use.
pub unsafe fn pointer_to(slot: *mut BoxSlot) -> Cell {
    // SAFETY: as promised by the caller.
    let generation = unsafe { (*slot).generation };
    Cell { tag: u64::from(kind::POINTER) | generation << 8, payload: slot as u64 }
}

/// The slot that a pointer of this process leads to, if its value still lives.
#[inline(always)]
pub fn live_slot(pointer: Cell) -> Option<*mut BoxSlot> {
    debug_assert_eq!(pointer.kind(), kind::POINTER);
    let slot: *mut BoxSlot = pointer.address();
    // SAFETY: slots are never given back while their process lives, and a pointer never leaves it unsevered.
    (unsafe { (*slot).generation } == pointer.tag >> 8).then_some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_pointer_stays_dead_when_its_slot_is_used_again() {
        let mut heap = Heap::default();
        let slot = heap.new_box(Cell::integer(1));
        let pointer = unsafe { pointer_to(slot) };
        assert_eq!(live_slot(pointer), Some(slot));
        assert_eq!(unsafe { heap.take_box(slot) }.as_integer(), 1);
        assert_eq!(live_slot(pointer), None);
        let again = heap.new_box(Cell::integer(2));
        assert_eq!(again, slot);
        assert_eq!(live_slot(pointer), None);
        assert_eq!(live_slot(unsafe { pointer_to(again) }), Some(slot));
    }

    #[test]
    fn a_variable_lives_as_long_as_its_handles() {
        let mut heap = Heap::default();
        let slot = heap.new_variable(Cell::integer(7));
        unsafe {
            (*slot).handles += 1;
            assert!(heap.drop_handle(slot).is_none());
            assert_eq!(heap.drop_handle(slot).map(Cell::as_integer), Some(7));
        }
    }
}
