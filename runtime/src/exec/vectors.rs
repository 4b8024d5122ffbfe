//! Vectors (isa-values.md §5).

use super::{Flow, Outcome};
use crate::cell::{Cell, kind};
use crate::code::Arg;
use crate::element;
use crate::process::Process;
use crate::raise::{Raise, Raised};
use crate::registers::Consumable;
use crate::value::{Vector, contains, get, release, resolve};
use viua_bytecode::Register;
use viua_isa::{AccessMode, RegisterSet};

pub fn pack(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let (Arg::Reg(target_register), Arg::Reg(first), Arg::Index(count)) = (args[0], args[1], args[2]) else {
        return Raised::text("operand is not a register");
    };
    let target = p.target(args[0])?;
    if first.mode == AccessMode::Dereference {
        p.target(args[1])?;
    }
    let start = p.written_index(first)?;
    let goal = p.written_index(target_register)?;
    let end = start + count as usize;
    if start < goal && goal < end {
        return Raised::text("vector would pack itself");
    }
    if end > p.local_count() {
        return Raised::text("vector: packing outside of register set range");
    }
    for index in start..end {
        let slot = p.register(first.set, index as u16)?;
        // SAFETY: `register` found a register of this process.
        if unsafe { (*resolve(slot)).is_empty() } {
            return Raised::text("vector: cannot pack null register");
        }
    }
    if count > 0 && first.set != RegisterSet::Local {
        let set = first.set as u8;
        return Raised::text(format!("packing vector from non-local register set is not allowed: {set} {count}"));
    }
    // Handles are replaced by copies first: copying is all that can fail, and must leave everything as it was.
    let mut copies: Vec<(usize, Cell)> = Vec::new();
    for index in start..end {
        // SAFETY: the register was found above; `shared_by_others` looks at handles only.
        unsafe {
            let slot = p.base.add(index);
            if p.is_shared_by_others(slot) {
                match crate::value::copy(&mut p.heap, *resolve(slot)) {
                    Ok(copied) => copies.push((index, copied)),
                    Err(raise) => {
                        for (_, copied) in copies {
                            release(&mut p.heap, copied);
                        }
                        return Err(raise);
                    }
                }
            }
        }
    }
    let mut copies = copies.into_iter().peekable();
    let mut elements = Vec::with_capacity(count as usize);
    for index in start..end {
        // SAFETY: as above.
        unsafe {
            let slot = p.base.add(index);
            if copies.peek().is_some_and(|(at, _)| *at == index) {
                elements.extend(copies.next().map(|(_, copied)| copied));
                let handle = std::mem::replace(&mut *slot, Cell::EMPTY);
                release(&mut p.heap, handle);
            } else {
                elements.push(p.take_value(slot)?);
            }
        }
    }
    // SAFETY: `target` found a register of this process; the stack has not moved.
    unsafe { p.finish(target, Cell::boxed(kind::VECTOR, Box::new(Vector::of(elements)))) }
}

impl Process {
    /// The index that a `%` or `@` operand comes to.
    fn written_index(&mut self, register: Register) -> Result<usize, Raise> {
        if register.mode != AccessMode::Indirect {
            return Ok(register.index as usize);
        }
        let set = if register.set == RegisterSet::Arguments { RegisterSet::Local } else { register.set };
        let holder = self.register(set, register.index)?;
        // SAFETY: a register of this process; `target` has already checked what it holds, the source has not.
        let value = unsafe { *resolve(holder) };
        if value.is_empty() {
            return Raised::null_register(register.index);
        }
        if value.kind() != kind::INTEGER {
            return Raised::wrong_type("Integer", value);
        }
        match value.as_integer() {
            index if index < 0 => Raised::tagged("Invalid_register_index", "registers cannot be negative"),
            index if index > i64::from(u16::MAX) => {
                Raised::text(format!("register access out of bounds: read from {index}"))
            }
            index => Ok(index as usize),
        }
    }

    /// Whether the register holds a handle that is not the last one of its variable.
    unsafe fn is_shared_by_others(&self, slot: *mut Cell) -> bool {
        // SAFETY: handles lead to variables in use.
        unsafe { (*slot).kind() == kind::SHARED && (*(*slot).address::<crate::heap::VariableSlot>()).handles > 1 }
    }

    /// Refuses to put a value into a container that it is, or is in. Copies are new values and always fit.
    pub(super) fn refuse_cycle(
        &mut self,
        (arg, container): (Arg, Cell),
        source: Consumable,
        text: &str,
    ) -> Result<(), Raise> {
        let Consumable::Taken(slot) = source else { return Ok(()) };
        // SAFETY: `consumable` found a register of this process.
        unsafe {
            if self.is_shared_by_others(slot) {
                return Ok(());
            }
            let value = *resolve(slot);
            let by_pointer = matches!(arg, Arg::Reg(Register { mode: AccessMode::Dereference, .. }));
            let same = value.kind() == container.kind() && value.payload == container.payload;
            if same || by_pointer && value.is_owned() && contains(value, container.payload) {
                return Raised::text(text);
            }
        }
        Ok(())
    }
}

fn out_of_bounds<T>(index: i64, length: usize, empty_counts: bool) -> Result<T, Raise> {
    Raised::tagged(
        "Out_of_bounds",
        if length == 0 && empty_counts {
            format!("positive index {index} with empty vector")
        } else {
            let sign = if index < 0 { "negative" } else { "positive" };
            format!("{sign} index {index} with size {length}")
        },
    )
}

/// The offset of an element for `vpop` and `vat`.
fn element(index: i64, length: usize) -> Result<usize, Raise> {
    let offset = if index < 0 { index.wrapping_add(length as i64) } else { index };
    if offset < 0 || offset as u64 >= length as u64 {
        return out_of_bounds(index, length, true);
    }
    Ok(offset as usize)
}

/// The instruction takes its source before it looks at the index: when the index is bad the source is gone.
pub fn insert(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let container = p.typed(args[0], kind::VECTOR, "Vector")?;
    let source = p.consumable(args[1])?;
    p.refuse_cycle((args[0], container), source, "vector would contain itself")?;
    let value = p.consume(source)?;
    // SAFETY: the kind tells the type. The source may have been an element reached through a pointer, but it was
    // copied then, so the vector is still where it was.
    let vector: &mut Vector = unsafe { get(container) };
    let length = vector.elements.len();
    let offset = p.index_or_void(args[2]).and_then(|index| {
        let index = index.unwrap_or(0);
        let offset = if index < 0 { index.wrapping_add(length as i64) } else { index };
        if offset < 0 || offset as u64 > length as u64 { out_of_bounds(index, length, false) } else { Ok(offset) }
    });
    match offset {
        Ok(offset) => {
            // SAFETY: a vector of this process.
            unsafe { element::prepare_change(&mut p.heap, vector, offset as usize) };
            vector.elements.insert(offset as usize, value);
            Ok(Flow::Next)
        }
        Err(raise) => {
            release(&mut p.heap, value);
            Err(raise)
        }
    }
}

pub fn push(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let container = p.typed(args[0], kind::VECTOR, "Vector")?;
    let source = p.consumable(args[1])?;
    p.refuse_cycle((args[0], container), source, "vector would contain itself")?;
    let value = p.consume(source)?;
    // SAFETY: the kind tells the type.
    unsafe { get::<Vector>(container) }.elements.push(value);
    Ok(Flow::Next)
}

pub fn pop(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let container = p.typed(args[1], kind::VECTOR, "Vector")?;
    let index = p.index_or_void(args[2])?.unwrap_or(-1);
    // SAFETY: the kind tells the type; `target` is a register of this process.
    unsafe {
        let vector: &mut Vector = get(container);
        let offset = element(index, vector.elements.len())?;
        element::prepare_change(&mut p.heap, vector, offset);
        let value = vector.elements.remove(offset);
        match target {
            Some(target) => p.store(target, value),
            None => release(&mut p.heap, value),
        }
    }
    Ok(Flow::Next)
}

pub fn at(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let container = p.typed(args[1], kind::VECTOR, "Vector")?;
    let index = p.integer(args[2])?;
    // SAFETY: the kind tells the type; `target` is a register of this process.
    unsafe {
        let vector: &mut Vector = get(container);
        let offset = element(index, vector.elements.len())?;
        let pointer = element::point(&mut p.heap, vector, offset);
        p.finish(target, pointer)
    }
}

pub fn len(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let container = p.typed(args[1], kind::VECTOR, "Vector")?;
    // SAFETY: the kind tells the type; `target` is a register of this process.
    unsafe {
        let length = get::<Vector>(container).elements.len();
        p.finish(target, Cell::integer(length as i64))
    }
}
