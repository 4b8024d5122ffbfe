//! Processes, messages, watchdogs, imports, I/O requests (runtime.md §1 to §4, §7).

use super::{Flow, Outcome};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Body, Cold, Constant, NameSlot};
use crate::cross;
use crate::io;
use crate::process::{Process, Status, Wait};
use crate::raise::{Raise, Raised};
use crate::scheduler::{Joined, cannot_be_joined};
use crate::value::{get, release, resolve};
use std::time::{Duration, Instant};
use viua_isa::Opcode;

const UNFRAMED: &str =
    "function call without a frame: use `frame 0' in source code if the function takes no parameters";

fn function_of(name: &'static NameSlot) -> Option<&'static Body> {
    // SAFETY: a slot holds null or a body, and bodies live as long as the machine.
    unsafe { name.function().as_ref() }
}

pub fn spawn(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let Arg::Name(name) = args[1] else { return Raised::text("operand is not a function name") };
    let Some(body) = function_of(name) else {
        return Raised::text(format!("call to undefined function: {}", name.name()));
    };
    let Some(mut arguments) = p.take_pending() else { return Raised::text(UNFRAMED) };
    for index in 0..arguments.len() {
        if let Err(raise) = leave(p, &mut arguments[index]) {
            for argument in arguments {
                release(&mut p.heap, argument);
            }
            return Err(raise);
        }
    }
    let machine = p.machine.clone();
    let pid = machine.scheduler.spawn(&machine, body, arguments, target.is_some());
    if let Some(target) = target {
        // SAFETY: `target_or_void` found a register of this process.
        unsafe { p.store(target, Cell::new(kind::PID, pid)) };
    }
    Ok(Flow::Next)
}

/// Makes a value that was taken out of a register ready to leave the process; a handle is replaced by its value.
fn leave(p: &mut Process, value: &mut Cell) -> Result<(), Raise> {
    if value.kind() == kind::SHARED {
        // SAFETY: the handle was taken out of its register.
        *value = unsafe { p.take_from_handle(*value)? };
    }
    cross::leave(&mut p.heap, p.pid, value)
}

pub fn this(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, Cell::new(kind::PID, p.pid)) }
}

fn pid(p: &mut Process, arg: Arg) -> Result<u64, Raise> {
    Ok(p.typed(arg, kind::PID, "Process")?.payload)
}

pub fn equal(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let a = pid(p, args[1])?;
    let b = pid(p, args[2])?;
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, Cell::boolean(a == b)) }
}

impl Process {
    /// Waits, or finds that the time is up. The deadline starts when the instruction first executes. With
    /// [`Wait::Event`] the instruction is executed again after `scheduler.notify(pid)`.
    pub fn block(&mut self, wait: Wait, limit: Arg, expired: &str) -> Outcome {
        let limit = match limit {
            Arg::Timeout(limit) => limit,
            _ => None,
        };
        let now = Instant::now();
        let deadline =
            *self.deadline.get_or_insert_with(|| limit.map(|limit| now + Duration::from_millis(limit.into())));
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.stop_waiting();
            return Raised::text(expired);
        }
        self.wait = Some(wait);
        Ok(Flow::Leave(Status::Blocked))
    }

    /// Forgets the deadline of an instruction that waited; it has completed or raises.
    pub fn stop_waiting(&mut self) {
        self.wait = None;
        self.deadline = None;
    }
}

pub fn join(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let other = pid(p, args[1])?;
    match p.machine.scheduler.join(p.pid, other) {
        Joined::Running => p.block(Wait::Process(other), args[2], "process did not join"),
        Joined::Impossible => {
            p.stop_waiting();
            cannot_be_joined(other)
        }
        Joined::Outcome(Err(exception)) => {
            p.stop_waiting();
            Err(exception)
        }
        Joined::Outcome(Ok(result)) => {
            p.stop_waiting();
            match target {
                // SAFETY: `target_or_void` found a register of this process.
                Some(target) => unsafe { p.finish(target, result) },
                None => {
                    release(&mut p.heap, result);
                    Ok(Flow::Next)
                }
            }
        }
    }
}

pub fn send(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let receiver = pid(p, args[0])?;
    let slot = p.target(args[1])?;
    // SAFETY: `target` found a register of this process.
    unsafe {
        if (*resolve(slot)).is_empty() {
            return Raised::text("send from null register");
        }
        let content = *slot;
        let mut message = p.take_value(slot)?;
        if let Err(raise) = cross::leave(&mut p.heap, p.pid, &mut message) {
            // Nothing has changed if a value that would have to be copied cannot be.
            if content.kind() != kind::SHARED {
                *slot = message;
            } else {
                release(&mut p.heap, message);
            }
            return Err(raise);
        }
        if !p.machine.scheduler.send(receiver, message) {
            release(&mut p.heap, message);
        }
    }
    Ok(Flow::Next)
}

pub fn receive(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let Some(message) = p.machine.scheduler.receive(p.pid) else {
        return p.block(Wait::Message, args[1], "no message received");
    };
    p.stop_waiting();
    match target {
        // SAFETY: `target_or_void` found a register of this process.
        Some(target) => unsafe { p.finish(target, message) },
        None => {
            release(&mut p.heap, message);
            Ok(Flow::Next)
        }
    }
}

pub fn watchdog(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let Arg::Name(name) = args[0] else { return Raised::text("operand is not a function name") };
    if function_of(name).is_none() {
        return Raised::text(format!("watchdog process from undefined function: {}", name.name()));
    }
    if p.has_watchdog {
        return Raised::text("watchdog already set");
    }
    let Some(arguments) = p.take_pending() else { return Raised::text(UNFRAMED) };
    p.watchdog = Some((name, arguments));
    p.has_watchdog = true;
    Ok(Flow::Next)
}

pub fn import(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let name = match args[0] {
        // SAFETY: the running frame has a body; constant operands are indexes into its pool.
        Arg::Constant(index) => match unsafe { &(&(*(*p.fp).body).constants)[index as usize] } {
            Constant::Bytes(bytes) => bytes,
            _ => return Raised::text("operand is not a module name"),
        },
        _ => return Raised::text("operand is not a module name"),
    };
    let name = String::from_utf8_lossy(name);
    match p.machine.import(&name) {
        Ok(()) => Ok(Flow::Next),
        Err(error) => Raised::tagged(&error.tag, error.text),
    }
}

/// I/O is performed where it is asked for; `io_wait` collects what came of it.
pub fn io(p: &mut Process, cold: &Cold) -> Outcome {
    let args = &cold.args;
    match cold.opcode {
        Opcode::IoWait => {
            let target = p.target_or_void(args[0])?;
            let request = p.typed(args[1], kind::REQUEST, "IO_request")?;
            // SAFETY: the kind tells the type.
            let result = unsafe { get::<io::Request>(request) }.collect()?;
            match target {
                // SAFETY: `target_or_void` found a register of this process.
                Some(target) => unsafe { p.finish(target, result) },
                None => {
                    release(&mut p.heap, result);
                    Ok(Flow::Next)
                }
            }
        }
        Opcode::IoCancel => {
            p.typed(args[0], kind::REQUEST, "IO_request")?;
            Ok(Flow::Next)
        }
        Opcode::IoClose => {
            p.target(args[0])?;
            // SAFETY: `value` found a place of this process.
            Raised::wrong_type("IO_port", unsafe { *p.value(args[1])? })
        }
        opcode => {
            let target = p.target(args[0])?;
            let slot = p.target(args[1])?;
            // SAFETY: `target` found registers of this process.
            let port = unsafe { *resolve(slot) };
            if port.is_empty() {
                p.value(args[1])?;
            }
            if port.kind() != kind::INTEGER {
                return Raised::wrong_type("IO_port", port);
            }
            let source = p.target(args[2])?;
            p.value(args[2])?;
            let request = if opcode == Opcode::IoRead {
                let limit = p.integer(args[2])?;
                if limit < 0 {
                    return Raised::text("I/O read limit cannot be negative");
                }
                io::Request::read(port.as_integer(), limit as u64, &p.machine.output)
            } else {
                let mut form = Vec::new();
                // SAFETY: as above.
                crate::print::outer(unsafe { *source }, &mut form);
                io::Request::write(port.as_integer(), form, &p.machine.output)
            };
            // SAFETY: as above.
            unsafe {
                let content = std::mem::replace(&mut *source, Cell::EMPTY);
                release(&mut p.heap, content);
                p.finish(target, Cell::boxed(kind::REQUEST, Box::new(request)))
            }
        }
    }
}
