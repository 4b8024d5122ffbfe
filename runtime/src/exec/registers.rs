//! Registers, pointers, output (isa-values.md §9 to §11).

use super::{Flow, Outcome};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Cold};
use crate::element::pointee;
use crate::heap::pointer_to;
use crate::print;
use crate::process::{Process, Wait};
use crate::raise::Raised;
use crate::value::{copy, identify, release, resolve};
use viua_isa::Opcode;

pub fn take(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let source = p.target(args[1])?;
    // SAFETY: both are registers of this process.
    unsafe {
        match target {
            Some(target) if target == source => {}
            Some(target) => {
                // An empty source, or a handle without a value, empties the target without complaint.
                let content = std::mem::replace(&mut *source, Cell::EMPTY);
                p.store(target, content);
            }
            None => {
                let content = std::mem::replace(&mut *source, Cell::EMPTY);
                release(&mut p.heap, content);
            }
        }
    }
    Ok(Flow::Next)
}

pub fn copied(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let source = p.value(args[1])?;
    // SAFETY: `value` found a place of this process, `target` a register.
    unsafe {
        let value = copy(&mut p.heap, *source)?;
        p.finish(target, value)
    }
}

pub fn swap(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let first = p.target(args[0])?;
    let second = p.target(args[1])?;
    // SAFETY: both are registers of this process; they may be the same.
    unsafe { std::ptr::swap(first, second) };
    Ok(Flow::Next)
}

pub fn delete(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let slot = p.target(args[0])?;
    // SAFETY: `target` found a register of this process.
    unsafe {
        if (*slot).is_empty() {
            return Raised::text("delete of null register");
        }
        let content = std::mem::replace(&mut *slot, Cell::EMPTY);
        release(&mut p.heap, content);
    }
    Ok(Flow::Next)
}

pub fn is_null(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let source = p.target(args[1])?;
    // SAFETY: both are registers of this process.
    unsafe {
        let empty = (*resolve(source)).is_empty();
        p.finish(target, Cell::boolean(empty))
    }
}

pub fn pointer(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let place = p.place_to_identify(args[1])?;
    // SAFETY: the place is of this process and not empty; `target` is a register.
    unsafe {
        let pointer = match place {
            Place::Register(slot) => pointer_to(identify(&mut p.heap, slot)),
            Place::Pointee(pointer) => pointer,
        };
        p.finish(target, pointer)
    }
}

enum Place {
    Register(*mut Cell),
    Pointee(Cell),
}

impl Process {
    /// What `ptr` points at: a register, or what another pointer points to.
    fn place_to_identify(&mut self, arg: Arg) -> Result<Place, crate::raise::Raise> {
        let value = self.value(arg)?;
        match arg {
            Arg::Reg(register) if register.mode == viua_isa::AccessMode::Dereference => {
                // The pointer itself is live, or `value` would have raised: its copy is the second pointer.
                let holder = self.register(register.set, register.index)?;
                // SAFETY: a register of this process.
                Ok(Place::Pointee(unsafe { *resolve(holder) }))
            }
            Arg::Reg(_) => self.holder(arg).map(Place::Register),
            _ => Ok(Place::Register(value)),
        }
    }
}

pub fn pointer_is_live(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    // SAFETY: `value` found a place of this process, `target` a register.
    unsafe {
        let pointer = *p.value(args[1])?;
        let live = match pointer.kind() {
            kind::POINTER | kind::ELEMENT => pointee(pointer).is_some(),
            kind::SEVERED => false,
            _ => return Raised::wrong_type("Pointer", pointer),
        };
        p.finish(target, Cell::boolean(live))
    }
}

pub fn print(p: &mut Process, cold: &Cold) -> Outcome {
    let place = p.value(cold.args[0])?;
    // Whoever prints faster than anybody reads waits for room, and then executes the instruction again.
    if p.machine.output.is_full(&p.machine, p.pid) {
        return p.block(Wait::Event, Arg::Void, "");
    }
    p.stop_waiting();
    let mut form = Vec::new();
    // SAFETY: `value` found a place of this process.
    print::outer(unsafe { *place }, &mut form);
    if cold.opcode == Opcode::Print {
        form.push(b'\n');
    }
    p.machine.output.write(&form);
    Ok(Flow::Next)
}
