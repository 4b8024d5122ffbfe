//! I/O requests (runtime.md §7.2): the instructions only make requests and collect what came of them.

use super::{Flow, Outcome};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Cold};
use crate::io::{Collected, Port, Request};
use crate::process::{Process, Wait};
use crate::raise::Raised;
use crate::value::{get, release, resolve};
use viua_isa::Opcode;

pub fn execute(p: &mut Process, cold: &Cold) -> Outcome {
    let args = &cold.args;
    match cold.opcode {
        Opcode::IoWait => wait(p, args),
        Opcode::IoCancel => {
            let request = p.typed(args[0], kind::REQUEST, "IO_request")?;
            // SAFETY: the kind tells the type.
            unsafe { get::<Request>(request) }.cancel();
            Ok(Flow::Next)
        }
        Opcode::IoClose => {
            let target = p.target(args[0])?;
            let port = p.typed(args[1], kind::PORT, "IO_port")?;
            // SAFETY: the kind tells the type; `target` found a register of this process.
            unsafe {
                let request = Request::close(get::<Port>(port));
                p.finish(target, Cell::boxed(kind::REQUEST, Box::new(request)))
            }
        }
        opcode => transfer(p, args, opcode == Opcode::IoRead),
    }
}

fn transfer(p: &mut Process, args: &[Arg; 4], is_read: bool) -> Outcome {
    let target = p.target(args[0])?;
    let slot = p.target(args[1])?;
    // SAFETY: `target` found registers of this process.
    let port = unsafe { *resolve(slot) };
    if port.is_empty() {
        p.value(args[1])?;
    }
    if !matches!(port.kind(), kind::INTEGER | kind::PORT) {
        return Raised::wrong_type("IO_port", port);
    }
    let source = p.target(args[2])?;
    let value = p.value(args[2])?;
    let request = if is_read {
        let limit = p.integer(args[2])?;
        if limit < 0 {
            return Raised::text("I/O read limit cannot be negative");
        }
        Request::read(port, limit as u64)?
    } else {
        let mut form = Vec::new();
        // SAFETY: `value` found a place of this process.
        crate::print::outer(unsafe { *value }, &mut form);
        p.charge(-(form.capacity() as i64));
        Request::write(port, form, &p.machine)?
    };
    // SAFETY: as above.
    unsafe {
        let content = std::mem::replace(&mut *source, Cell::EMPTY);
        release(&mut p.heap, content);
        p.finish(target, Cell::boxed(kind::REQUEST, Box::new(request)))
    }
}

fn wait(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let request = p.typed(args[1], kind::REQUEST, "IO_request")?;
    // SAFETY: the kind tells the type; the request stays where it is while the process waits.
    let request: &Request = unsafe { get(request) };
    let outcome = match request.collect(&p.machine, p.pid) {
        Collected::Outcome(outcome) => outcome,
        Collected::NotYet => {
            let blocked = p.block(Wait::Event, args[2], "I/O not completed");
            if blocked.is_err() {
                request.stop_waiting();
            }
            return blocked;
        }
    };
    p.stop_waiting();
    let result = outcome?;
    p.take_over(result);
    match target {
        // SAFETY: `target_or_void` found a register of this process.
        Some(target) => unsafe { p.finish(target, result) },
        None => {
            release(&mut p.heap, result);
            Ok(Flow::Next)
        }
    }
}
