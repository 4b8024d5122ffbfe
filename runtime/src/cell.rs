//! The register cell: 16 bytes, a tag word and a payload, copied as plain bits.
//!
//! Ownership is manual: whoever holds the only copy of an owned cell must pass it on or give it to
//! [`crate::value::release`]. The low byte of the tag word is the kind; kinds from [`FIRST_OWNED`] on own heap
//! memory, so that one byte comparison decides whether overwriting a register needs work. The bits above the
//! kind belong to the kind (width of short bits, generation of a pointer); they are zero for numbers and
//! booleans, so that these compare as whole words.

use std::ptr;

/// The kind of a value: the low byte of the tag word. The numbers are fixed; generated code will rely on them.
pub mod kind {
    #![allow(missing_docs)]
    pub const EMPTY: u8 = 0;
    pub const INTEGER: u8 = 1;
    pub const FLOAT: u8 = 2;
    pub const BOOLEAN: u8 = 3;
    /// Payload: address of an interned [`crate::atom::AtomData`].
    pub const ATOM: u8 = 4;
    /// Payload: number of the process.
    pub const PID: u8 = 5;
    /// Payload: the bits; width (0 to 64) above the kind.
    pub const BITS: u8 = 6;
    /// Payload: address of a name slot.
    pub const FUNCTION: u8 = 7;
    /// Payload: address of a box slot of this process; generation above the kind.
    pub const POINTER: u8 = 8;
    /// A pointer that crossed a process boundary: dead for ever. Payload: number of the process that made it.
    pub const SEVERED: u8 = 9;
    /// A pointer to an element of a vector. Payload: address of the vector's header ([`crate::element`]);
    /// generation and index above the kind.
    pub const ELEMENT: u8 = 10;
    pub const TEXT: u8 = 16;
    pub const STRING: u8 = 17;
    pub const VECTOR: u8 = 18;
    pub const STRUCT: u8 = 19;
    /// Bits wider than 64.
    pub const LONG_BITS: u8 = 20;
    pub const CLOSURE: u8 = 21;
    pub const EXCEPTION: u8 = 22;
    pub const REQUEST: u8 = 23;
    pub const PORT: u8 = 24;
    pub const FOREIGN: u8 = 25;
    /// A value with an identity that pointers refer to. Payload: address of a box slot. Never nested.
    pub const BOXED: u8 = 32;
    /// A handle to a shared variable; in registers only. Payload: address of a variable slot.
    pub const SHARED: u8 = 33;
}

/// The least kind that owns heap memory.
pub const FIRST_OWNED: u8 = kind::TEXT;

/// A register, or an element of a container.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Cell {
    /// Kind and what belongs to it.
    pub tag: u64,
    /// The value, or the address of it.
    pub payload: u64,
}

impl Cell {
    /// An empty register. All zero, so that zeroed memory is empty registers.
    pub const EMPTY: Cell = Cell { tag: kind::EMPTY as u64, payload: 0 };

    /// A cell of a kind without further bits in the tag word.
    #[inline(always)]
    pub const fn new(kind: u8, payload: u64) -> Cell {
        Cell { tag: kind as u64, payload }
    }
    /// An integer.
    #[inline(always)]
    pub const fn integer(value: i64) -> Cell {
        Cell::new(kind::INTEGER, value as u64)
    }
    /// A float.
    #[inline(always)]
    pub const fn float(value: f64) -> Cell {
        Cell::new(kind::FLOAT, value.to_bits())
    }
    /// A boolean.
    #[inline(always)]
    pub const fn boolean(value: bool) -> Cell {
        Cell::new(kind::BOOLEAN, value as u64)
    }
    /// A heap value; ownership goes into the cell.
    pub fn boxed<T>(kind: u8, value: Box<T>) -> Cell {
        Cell::new(kind, Box::into_raw(value) as u64)
    }
    /// The kind.
    #[inline(always)]
    pub const fn kind(self) -> u8 {
        self.tag as u8
    }
    /// Whether the register is empty.
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.kind() == kind::EMPTY
    }
    /// Whether overwriting it needs work.
    #[inline(always)]
    pub const fn is_owned(self) -> bool {
        self.kind() >= FIRST_OWNED
    }
    /// The payload as an integer.
    #[inline(always)]
    pub const fn as_integer(self) -> i64 {
        self.payload as i64
    }
    /// The payload as a float.
    #[inline(always)]
    pub const fn as_float(self) -> f64 {
        f64::from_bits(self.payload)
    }
    /// The payload as an address.
    #[inline(always)]
    pub const fn address<T>(self) -> *mut T {
        self.payload as *mut T
    }
}

/// The tag words of the kinds that have nothing above the kind, for whole-word comparison.
pub mod tag {
    #![allow(missing_docs)]
    use super::kind;
    pub const INTEGER: u64 = kind::INTEGER as u64;
    pub const FLOAT: u64 = kind::FLOAT as u64;
    pub const BOOLEAN: u64 = kind::BOOLEAN as u64;
}

/// Copies a cell as two words: one 16-byte load could not be forwarded from two 8-byte stores before it.
///
/// # Safety
/// `from` must be readable and `to` writable.
#[inline(always)]
pub unsafe fn copy_words(from: *const Cell, to: *mut Cell) {
    // SAFETY: as for this function; volatile only keeps the two words apart.
    unsafe {
        let tag = ptr::read_volatile(&raw const (*from).tag);
        let payload = ptr::read_volatile(&raw const (*from).payload);
        (*to).tag = tag;
        (*to).payload = payload;
    }
}
