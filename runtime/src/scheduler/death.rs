//! How a process ends (runtime.md §4): its outcome, its watchdog, what becomes of its mailbox and its record, and who
//! is told.

use super::queue::Task;
use super::stats::add;
use super::table::{FIRST_PID, Stage};
use super::worker::Worker;
use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::cross;
use crate::heap::Heap;
use crate::machine::exit_code;
use crate::process::Process;
use crate::raise::{Raise, discard, thrown};
use crate::report;
use crate::value::{Struct, Vector, release};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

impl Worker {
    /// A process has ended with a result.
    pub(super) fn finish(&mut self, slot: Task, process: NonNull<Process>) {
        // SAFETY: the process is ours.
        let p = unsafe { &mut *process.as_ptr() };
        let pid = p.pid;
        let after_watchdog = p.has_watchdog && !p.has_entry_frame;
        let halted = p.halted;
        let mut outcome = p.outcome.take().unwrap_or(Ok(Cell::EMPTY));
        if let Ok(result) = &mut outcome
            && let Err(raise) = cross::leave(&mut p.heap, pid, result)
        {
            release(&mut p.heap, std::mem::replace(result, Cell::EMPTY));
            outcome = Err(raise);
        }
        match self.end(slot, process, outcome) {
            Some(Ok(result)) if pid == FIRST_PID => {
                let code = exit_code(result, after_watchdog);
                self.scheduler().exit_code.store(if halted { 0 } else { code }, Ordering::Relaxed);
            }
            Some(Ok(result)) => release(&mut Heap::default(), result),
            Some(Err(exception)) => discard(&mut Heap::default(), exception),
            None => {}
        }
    }

    /// A process has died of an exception. True if that was its end, false if a watchdog takes over.
    pub(super) fn die(&mut self, slot: Task, process: NonNull<Process>) -> bool {
        // SAFETY: the process is ours.
        let p = unsafe { &mut *process.as_ptr() };
        let pid = p.pid;
        if !slot.exit.is_joinable() {
            if start_watchdog(p) {
                return false;
            }
            report::uncaught(self.machine(), p);
            if pid == FIRST_PID {
                self.scheduler().exit_code.store(1, Ordering::Relaxed);
            }
        }
        let outcome = match p.outcome.take() {
            Some(Err(exception)) => {
                let mut cell = Cell::boxed(kind::EXCEPTION, exception);
                p.drop_stacks();
                match cross::leave(&mut p.heap, pid, &mut cell) {
                    Ok(()) => Err(thrown(cell)),
                    Err(raise) => {
                        release(&mut p.heap, cell);
                        Err(raise)
                    }
                }
            }
            outcome => outcome.unwrap_or(Ok(Cell::EMPTY)),
        };
        match self.end(slot, process, outcome) {
            Some(Err(exception)) => discard(&mut Heap::default(), exception),
            Some(Ok(result)) => release(&mut Heap::default(), result),
            None => {}
        }
        true
    }

    /// The process is gone; its outcome waits for a join, or comes back if nobody can.
    fn end(
        &mut self,
        slot: Task,
        process: NonNull<Process>,
        outcome: Result<Cell, Raise>,
    ) -> Option<Result<Cell, Raise>> {
        let scheduler = self.scheduler();
        // SAFETY: the process is ours.
        let p = unsafe { &mut *process.as_ptr() };
        let pid = p.pid;
        scheduler.timers.end(slot);
        let mut dropped = 0;
        for mut messages in [std::mem::take(&mut p.inbox), slot.mailbox.close()] {
            while let Some(node) = messages.pop() {
                release(&mut Heap::default(), node.message);
                self.keep(node);
                dropped += 1;
            }
        }
        if dropped > 0 {
            add(&self.counters().dropped, dropped);
        }
        p.reset();
        scheduler.records.give(&mut self.spare_records, process);
        if scheduler.limits.processes.is_some() {
            scheduler.alive.fetch_sub(1, Ordering::Relaxed);
        }
        add(&self.counters().ended, 1);
        if slot.exit.is_joinable() {
            // SAFETY: the process is ours until it is announced that it has ended.
            unsafe { *slot.stage() = Stage::Ended(outcome) };
            slot.exit.end(slot.place(), &scheduler.crowds, |joiner| {
                if let Some(joiner) = scheduler.table.get(joiner)
                    && joiner.mailbox.wake()
                {
                    self.queue.push(joiner);
                }
            });
            return None;
        }
        // SAFETY: a detached process is claimed by nobody else.
        unsafe {
            *slot.stage() = Stage::Free;
            if slot.claim(pid) {
                scheduler.table.release(slot, self.spare_slots());
            }
        }
        Some(outcome)
    }
}

/// Lets the watchdog of a process take over, if it has one that has not run (runtime.md §4.3).
fn start_watchdog(process: &mut Process) -> bool {
    let Some((name, mut arguments)) = process.rare.as_mut().and_then(|rare| rare.watchdog.take()) else {
        return false;
    };
    let bottom = process.bottom_frame();
    // SAFETY: the bottom frame of the first stack is still there.
    let function = match unsafe { process.extra_of(bottom) }.and_then(|extra| extra.name) {
        Some(first) => first,
        None => process.function_of(bottom).name,
    };
    let has_entry = process.has_entry_frame;
    // A process whose bottom function is the watchdog is its own failed watchdog.
    // SAFETY: a slot holds null or a body, and none is given back within a slice.
    let body = if !has_entry && std::ptr::eq(function, name) { None } else { unsafe { name.function().as_ref() } };
    // The exception stays where it is if there is no watchdog to take it.
    let exception = body.and_then(|_| process.outcome.take_if(|outcome| outcome.is_err()));
    let (Some(body), Some(Err(exception))) = (body, exception) else {
        for argument in arguments {
            release(&mut process.heap, argument);
        }
        return false;
    };
    let function = if has_entry { process.machine.slot("__entry") } else { function };
    let parameters = if has_entry { Vec::new() } else { process.take_parameters(bottom) };
    let message = Cell::boxed(
        kind::STRUCT,
        Box::new(Struct {
            fields: BTreeMap::from([
                (Atom::intern(b"exception"), Cell::boxed(kind::EXCEPTION, exception)),
                (Atom::intern(b"function"), Cell::new(kind::FUNCTION, std::ptr::from_ref(function) as u64)),
                (Atom::intern(b"parameters"), Cell::boxed(kind::VECTOR, Box::new(Vector::of(parameters)))),
            ]),
        }),
    );
    process.drop_stacks();
    process.has_entry_frame = false;
    match arguments.first_mut() {
        Some(first) => {
            let reserved = std::mem::replace(first, message);
            release(&mut process.heap, reserved);
        }
        None => release(&mut process.heap, message),
    }
    process.start(body, &arguments, None);
    true
}
