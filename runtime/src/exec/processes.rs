//! Processes, messages, watchdogs, imports, I/O requests (runtime.md §1 to §4, §7).

use super::{Flow, Outcome, foreign};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Body, Constant, NameSlot};
use crate::cross;
use crate::ffi::Job;
use crate::process::{Process, Status, Wait};
use crate::raise::{Raise, Raised};
use crate::scheduler::{Joined, cannot_be_joined, memory};
use crate::value::{release, resolve};
use std::time::{Duration, Instant};

const UNFRAMED: &str =
    "function call without a frame: use `frame 0' in source code if the function takes no parameters";

fn function_of(name: &'static NameSlot) -> Option<&'static Body> {
    // SAFETY: a slot holds null or a body, and none is given back within a slice.
    unsafe { name.function().as_ref() }
}

pub fn spawn(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let Arg::Name(name) = args[1] else { return Raised::text("operand is not a function name") };
    let Some(body) = function_of(name) else {
        return Raised::text(match name.foreign() {
            Some(_) => format!("process from undefined function: {}", name.name()),
            None => format!("call to undefined function: {}", name.name()),
        });
    };
    let Some(mut arguments) = p.take_arguments() else { return Raised::text(UNFRAMED) };
    for index in 0..arguments.cells().len() {
        if let Err(raise) = leave(p, &mut arguments.cells()[index]) {
            for argument in arguments.cells() {
                release(&mut p.heap, *argument);
            }
            return Err(raise);
        }
    }
    p.give_away(arguments.cells());
    // SAFETY: the worker that runs the process.
    let pid = unsafe { (*p.worker).spawn(p.pid, body, arguments, target.is_some())? };
    p.reductions -= SPAWN_REDUCTIONS;
    if let Some(target) = target {
        // SAFETY: `target_or_void` found a register of this process.
        unsafe { p.store(target, Cell::new(kind::PID, pid)) };
    }
    Ok(Flow::Next)
}

/// What starting a process and sending a message count for: about what they cost, in calls.
const SPAWN_REDUCTIONS: i64 = 16;
const SEND_REDUCTIONS: i64 = 4;

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
        if let Some(limit) = limit {
            let now = Instant::now();
            let until = *self.deadline.get_or_insert_with(|| now + Duration::from_millis(limit.into()));
            if until <= now {
                self.stop_waiting();
                return Raised::text(expired);
            }
        }
        self.wait = Some(wait);
        Ok(Flow::Leave(Status::Blocked))
    }

    /// Forgets the deadline of an instruction that waited; it has completed or raises.
    pub fn stop_waiting(&mut self) {
        self.wait = None;
        if self.deadline.take().is_some() {
            // SAFETY: the slot of a process lives longer.
            unsafe { (*self.slot).deadline.clear() };
        }
    }

    /// Values leave the process: it has their memory no more.
    pub(super) fn give_away(&mut self, values: &[Cell]) {
        if self.memory_stop != i64::MAX {
            self.charge(-values.iter().map(|value| memory::weight(*value)).sum::<i64>());
        }
    }

    /// Memory has come from another thread, or goes to one.
    pub(super) fn charge(&mut self, bytes: i64) {
        if self.memory_stop != i64::MAX {
            self.memory += bytes;
            self.memory_stop -= bytes;
        }
    }

    /// A value has come from another process: its memory counts for this one.
    pub(super) fn take_over(&mut self, value: Cell) {
        if self.memory_stop != i64::MAX {
            self.charge(memory::weight(value));
        }
    }
}

pub fn join(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let other = pid(p, args[1])?;
    // SAFETY: the worker that runs the process.
    match p.machine.scheduler.join(unsafe { &mut *p.worker }, p.pid, other) {
        Joined::Running => {
            let waits = p.block(Wait::Event, args[2], "process did not join");
            if waits.is_err() {
                p.machine.scheduler.stop_joining(p.pid, other);
            }
            waits
        }
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
        p.give_away(&[message]);
        match (*p.worker).send(receiver, message) {
            Ok(true) => {}
            Ok(false) => release(&mut p.heap, message),
            Err(raise) => {
                p.take_over(message);
                p.store(slot, message);
                return Err(raise);
            }
        }
    }
    p.reductions -= SEND_REDUCTIONS;
    Ok(Flow::Next)
}

impl Process {
    /// Takes the oldest message out of the mailbox.
    fn next_message(&mut self) -> Option<Cell> {
        loop {
            if self.inbox.is_empty() {
                // SAFETY: the slot of a process lives longer.
                self.inbox = unsafe { (*self.slot).mailbox.fetch() };
            }
            let node = self.inbox.pop()?;
            let (receiver, message) = (node.receiver, node.message);
            // SAFETY: the worker that runs the process.
            unsafe { (*self.worker).received(&*self.slot, node) };
            if receiver == self.pid {
                return Some(message);
            }
            // It was meant for the process that had the slot before, and overtaken by its end.
            release(&mut self.heap, message);
        }
    }
}

pub fn receive(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let Some(message) = p.next_message() else {
        return p.block(Wait::Message, args[1], "no message received");
    };
    p.take_over(message);
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
        return Raised::text(match name.foreign() {
            Some(_) => format!("watchdog process must be a native function, used foreign {}", name.name()),
            None => format!("watchdog process from undefined function: {}", name.name()),
        });
    }
    if p.has_watchdog {
        return Raised::text("watchdog already set");
    }
    let Some(arguments) = p.take_pending() else { return Raised::text(UNFRAMED) };
    p.rare().watchdog = Some((name, arguments));
    p.has_watchdog = true;
    Ok(Flow::Next)
}

/// Loading a module reads files: it is done on another thread.
pub fn import(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    if p.job.is_some() {
        return match foreign::resume(p) {
            Ok(outcome) => outcome.map(|_| Flow::Next),
            Err(flow) => Ok(flow),
        };
    }
    let name = match args[0] {
        // SAFETY: the running frame has a body; constant operands are indexes into its pool.
        Arg::Constant(index) => match unsafe { &(&(*(*p.fp).body).constants)[index as usize] } {
            Constant::Bytes(bytes) => bytes,
            _ => return Raised::text("operand is not a module name"),
        },
        _ => return Raised::text("operand is not a module name"),
    };
    let name = String::from_utf8_lossy(name).into_owned();
    let heap = std::mem::take(&mut p.heap);
    let (job, errand) = Job::open(&p.machine, p.pid, heap);
    let waiting = foreign::wait_for(p, job);
    p.machine.import_then(
        name,
        Box::new(move |outcome| {
            errand.finish(match outcome {
                Ok(()) => Ok(None),
                Err(error) => Raised::tagged(&error.tag, error.text),
            });
        }),
    );
    waiting
}
