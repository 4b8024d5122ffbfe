//! From an operand to the cell it names (values.md §3, §4): register sets, access modes, operand classes, and the
//! rules for registers that hold a handle to a shared variable (isa-control.md §6).
//!
//! This is the generic way, with all checks; the fast handlers of [`crate::dispatch`] address locals directly.

use crate::cell::{Cell, kind};
use crate::code::Arg;
use crate::element::pointee;
use crate::process::Process;
use crate::raise::{Raise, Raised};
use crate::value::{copy, release, resolve};
use viua_bytecode::Register;
use viua_isa::{AccessMode, RegisterSet};

type Found = Result<*mut Cell, Raise>;

fn out_of_bounds<T>(index: impl std::fmt::Display) -> Result<T, Raise> {
    Raised::text(format!("register access out of bounds: read from {index}"))
}

impl Process {
    /// The register with that index, whatever it holds.
    pub fn register(&mut self, set: RegisterSet, index: u16) -> Found {
        let at = index as usize;
        // SAFETY: the index is compared with the size of the set.
        let found = unsafe {
            match set {
                RegisterSet::Local => (at < self.local_count()).then(|| self.base.add(at)),
                RegisterSet::Parameters => (at < (*self.fp).argc as usize).then(|| self.fp.cast::<Cell>().sub(at + 1)),
                RegisterSet::Arguments => {
                    if self.pending.is_null() {
                        return Raised::text("arguments register set used without a frame");
                    }
                    (at < self.pending_count as usize).then(|| self.pending.cast::<Cell>().sub(at + 1))
                }
                RegisterSet::Static => self.static_register(at),
                RegisterSet::Global => self.global(at),
            }
        };
        found.map_or_else(|| out_of_bounds(index), Ok)
    }

    /// The register that `%N` or `@N` names.
    fn named(&mut self, register: Register) -> Found {
        match register.mode {
            AccessMode::Direct => self.register(register.set, register.index),
            AccessMode::Indirect => {
                let holder_set = match register.set {
                    RegisterSet::Arguments => RegisterSet::Local,
                    set => set,
                };
                let holder = self.register(holder_set, register.index)?;
                // SAFETY: a register of this process.
                let value = unsafe { *resolve(holder) };
                if value.is_empty() {
                    return Raised::null_register(register.index);
                }
                if value.kind() != kind::INTEGER {
                    return Raised::wrong_type("Integer", value);
                }
                match u16::try_from(value.as_integer()) {
                    Ok(index) => self.register(register.set, index),
                    Err(_) if value.as_integer() < 0 => {
                        Raised::tagged("Invalid_register_index", "registers cannot be negative")
                    }
                    Err(_) => out_of_bounds(value.as_integer()),
                }
            }
            AccessMode::Dereference => Raised::tagged("Invalid_access", "pointer dereference not allowed"),
        }
    }

    /// Classes T and R: the register itself.
    pub fn target(&mut self, arg: Arg) -> Found {
        match arg {
            Arg::Reg(register) => self.named(register),
            _ => Raised::text("operand is not a register"),
        }
    }

    /// Class T|void.
    pub fn target_or_void(&mut self, arg: Arg) -> Result<Option<*mut Cell>, Raise> {
        match arg {
            Arg::Void => Ok(None),
            _ => self.target(arg).map(Some),
        }
    }

    /// Class V: the place of the value, which is not empty.
    pub fn value(&mut self, arg: Arg) -> Found {
        let Arg::Reg(register) = arg else {
            return Raised::text("operand is not a register");
        };
        let direct = Register { mode: AccessMode::Direct, ..register };
        let slot = self.named(if register.mode == AccessMode::Dereference { direct } else { register })?;
        // SAFETY: a register of this process.
        let place = unsafe { resolve(slot) };
        // SAFETY: as above.
        let value = unsafe { *place };
        if value.is_empty() {
            return Raised::null_register(register.index);
        }
        if register.mode == AccessMode::Dereference { self.pointee(value) } else { Ok(place) }
    }

    /// What a pointer points to (values.md §4, *dereference resolution*).
    fn pointee(&mut self, pointer: Cell) -> Found {
        match pointer.kind() {
            kind::POINTER | kind::ELEMENT => match pointee(pointer) {
                // SAFETY: what a live pointer leads to. It is empty only while an exception is on its way.
                Some(place) if !unsafe { *place }.is_empty() => Ok(place),
                Some(_) | None => Raised::tag("Expired_pointer"),
            },
            kind::SEVERED if pointer.payload == self.pid => Raised::tag("Expired_pointer"),
            kind::SEVERED => Raised::tagged("Invalid_dereference", "outside of original process"),
            _ => {
                let name = crate::value::type_name(pointer);
                Raised::tagged("Not_a_pointer", [b"dereferenced value is not a pointer: ", name].concat())
            }
        }
    }

    /// The place that [`crate::value::identify`] needs for a V operand: the register or element that holds the
    /// value, looked through pointers but not through boxes.
    pub fn holder(&mut self, arg: Arg) -> Found {
        let place = self.value(arg)?;
        match arg {
            Arg::Reg(register) if register.mode != AccessMode::Dereference => self.named(register),
            _ => Ok(place),
        }
    }

    /// Class V with a type: `name` is what the message expects.
    pub fn typed(&mut self, arg: Arg, wanted: u8, name: &str) -> Result<Cell, Raise> {
        // SAFETY: `value` returns a place of this process.
        let value = unsafe { *self.value(arg)? };
        if value.kind() == wanted { Ok(value) } else { Raised::wrong_type(name, value) }
    }

    /// V:Integer, read.
    pub fn integer(&mut self, arg: Arg) -> Result<i64, Raise> {
        Ok(self.typed(arg, kind::INTEGER, "Integer")?.as_integer())
    }

    /// Class X|void.
    pub fn index_or_void(&mut self, arg: Arg) -> Result<Option<i64>, Raise> {
        if let Arg::Reg(Register { mode: AccessMode::Dereference, .. }) = arg {
            self.target(arg)?;
        }
        if matches!(arg, Arg::Void) { Ok(None) } else { self.integer(arg).map(Some) }
    }

    /// Stores a value in a register and destroys what was there. In a register that holds a handle it becomes the
    /// value of the variable; a handle stored in such a register passes its value on.
    ///
    /// # Safety
    /// `slot` must be a register of this process; the cell is given away.
    #[inline]
    pub unsafe fn store(&mut self, slot: *mut Cell, cell: Cell) {
        // SAFETY: as promised by the caller.
        unsafe {
            let old = *slot;
            if !old.is_owned() {
                *slot = cell;
            } else {
                self.replace(slot, cell);
            }
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn replace(&mut self, slot: *mut Cell, cell: Cell) {
        // SAFETY: as for `store`; handles lead to variables in use.
        unsafe {
            if (*slot).kind() != kind::SHARED {
                let old = std::mem::replace(&mut *slot, cell);
                return release(&mut self.heap, old);
            }
            let variable: *mut crate::heap::VariableSlot = (*slot).address();
            let value = if cell.kind() != kind::SHARED {
                cell
            } else if cell.payload == (*slot).payload {
                return release(&mut self.heap, cell);
            } else {
                // A value that cannot be copied and is still shared stays where it is: the handle is kept instead.
                match self.take_from_handle(cell) {
                    Ok(value) => value,
                    Err(_) => {
                        let old = std::mem::replace(&mut *slot, cell);
                        return release(&mut self.heap, old);
                    }
                }
            };
            let old = std::mem::replace(&mut (*variable).cell, value);
            release(&mut self.heap, old);
        }
    }

    /// Gives a handle up for the value of its variable: moved out if it was the last one, else copied. On failure
    /// the handle is still there.
    ///
    /// # Safety
    /// `handle` must be a handle of this process that the caller owns.
    pub unsafe fn take_from_handle(&mut self, handle: Cell) -> Result<Cell, Raise> {
        // SAFETY: as promised by the caller.
        unsafe {
            let variable: *mut crate::heap::VariableSlot = handle.address();
            if (*variable).handles == 1 {
                return Ok(self.heap.drop_handle(variable).unwrap_or(Cell::EMPTY));
            }
            let value = copy(&mut self.heap, (*variable).cell)?;
            self.heap.drop_handle(variable);
            Ok(value)
        }
    }

    /// Takes the content of a register for a place where no handle may be: containers, exceptions, messages. The
    /// register must not be empty, nor its variable. On failure nothing has changed.
    ///
    /// # Safety
    /// `slot` must be a register of this process.
    pub unsafe fn take_value(&mut self, slot: *mut Cell) -> Result<Cell, Raise> {
        // SAFETY: as promised by the caller.
        unsafe {
            let content = *slot;
            let value = if content.kind() == kind::SHARED { self.take_from_handle(content)? } else { content };
            *slot = Cell::EMPTY;
            Ok(value)
        }
    }

    /// Class C, first half: where the value is, and whether it is copied (`*N`) or taken.
    pub fn consumable(&mut self, arg: Arg) -> Result<Consumable, Raise> {
        match arg {
            Arg::Reg(Register { mode: AccessMode::Dereference, .. }) => Ok(Consumable::Copied(self.value(arg)?)),
            Arg::Reg(register) => {
                self.value(arg)?;
                self.named(register).map(Consumable::Taken)
            }
            _ => Raised::text("operand is not a register"),
        }
    }

    /// Class C, second half.
    pub fn consume(&mut self, source: Consumable) -> Result<Cell, Raise> {
        // SAFETY: `consumable` found places of this process.
        unsafe {
            match source {
                Consumable::Copied(place) => copy(&mut self.heap, *place),
                Consumable::Taken(slot) => self.take_value(slot),
            }
        }
    }
}

/// A consumed operand that has been found but not taken yet.
#[derive(Clone, Copy)]
pub enum Consumable {
    /// Copied from where the pointer points to.
    Copied(*mut Cell),
    /// Moved out of its register.
    Taken(*mut Cell),
}
