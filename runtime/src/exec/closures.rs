//! Function values, closures, captures (isa-control.md §6).

use super::{Flow, Outcome};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Cold};
use crate::heap::VariableSlot;
use crate::process::Process;
use crate::raise::Raised;
use crate::value::{Closure, ClosureRegisters, contains, copy, get, release};
use std::rc::Rc;
use viua_isa::Opcode;

/// A closure has at least this many registers.
const LEAST_REGISTERS: usize = 16;

pub fn make(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let Arg::Name(name) = cold.args[1] else { return Raised::text("operand is not a function name") };
    let value = if cold.opcode == Opcode::Function {
        Cell::new(kind::FUNCTION, std::ptr::from_ref(name) as u64)
    } else {
        let count = p.local_count().max(LEAST_REGISTERS);
        let registers = Rc::new(ClosureRegisters::new(count));
        Cell::boxed(kind::CLOSURE, Box::new(Closure { name, registers }))
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, value) }
}

pub fn capture(p: &mut Process, cold: &Cold) -> Outcome {
    let closure = p.typed(cold.args[0], kind::CLOSURE, "Closure")?;
    let Arg::Index(index) = cold.args[1] else { return Raised::text("operand is not an index") };
    // SAFETY: the kind tells the type. The registers are kept alive for the rest of the instruction, since
    // capturing may take the closure itself out of its register.
    let registers = unsafe { get::<Closure>(closure) }.registers.clone();
    if index as usize >= registers.len() {
        return Raised::text("cannot capture object: register index out exceeded size of closure register set");
    }
    // SAFETY: the index is inside.
    let slot = unsafe { registers.base().add(index as usize) };
    let content = match cold.opcode {
        Opcode::Capturecopy => {
            let place = p.value(cold.args[2])?;
            // SAFETY: `value` found a place of this process.
            copy(&mut p.heap, unsafe { *place })?
        }
        Opcode::Capturemove => {
            let source = p.target(cold.args[2])?;
            // SAFETY: `target` found a register of this process.
            let content = unsafe { std::mem::replace(&mut *source, Cell::EMPTY) };
            // A closure that is moved into itself can be reached by nobody any more.
            if content.is_owned() && content.kind() != kind::SHARED && contains(content, closure.payload) {
                release(&mut p.heap, content);
                Cell::EMPTY
            } else {
                content
            }
        }
        _ => {
            let source = p.target(cold.args[2])?;
            // SAFETY: `target` found a register of this process; handles lead to variables in use.
            unsafe {
                if (*source).kind() != kind::SHARED {
                    let variable = p.heap.new_variable(*source);
                    *source = Cell::new(kind::SHARED, variable as u64);
                }
                (*(*source).address::<VariableSlot>()).handles += 1;
                *source
            }
        }
    };
    // The register is bound afresh: what it held is dropped, not written through.
    // SAFETY: the registers are alive.
    let old = unsafe { std::mem::replace(&mut *slot, content) };
    release(&mut p.heap, old);
    let mut waiting = Vec::new();
    crate::value::release_registers(registers, &mut waiting);
    for cell in waiting {
        release(&mut p.heap, cell);
    }
    Ok(Flow::Next)
}
