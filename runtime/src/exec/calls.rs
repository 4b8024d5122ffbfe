//! Calls, frames, deferred calls, branches (isa-control.md §2 to §5).

use super::{Flow, Outcome, foreign};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Body, NameSlot};
use crate::ffi::Foreign;
use crate::process::{Continuation, Deferred, HEADER, MAX_DEPTH, Process, Status};
use crate::raise::{Raise, Raised};
use crate::value::{Closure, ClosureRegisters, get, release, truth};
use std::rc::Rc;
use viua_bytecode::Register;
use viua_isa::RegisterSet;

const UNFRAMED: &str =
    "function call without a frame: use `frame 0' in source code if the function takes no parameters";
const NO_RESULT: &str = "return value requested by frame but function did not set return register";

pub fn frame(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let Arg::Index(count) = args[0] else { return Raised::text("operand is not an index") };
    if !p.pending.is_null() {
        return Raised::text("requested new frame while last one is unused");
    }
    let header = p.top() + count as usize;
    if !p.has_room(header + HEADER) {
        return Raised::text("register stack exhausted");
    }
    p.pending = p.frame_at(header);
    p.pending_count = u32::from(count);
    Ok(Flow::Next)
}

/// What a callee operand means.
struct Callee {
    name: &'static NameSlot,
    closure: Option<Rc<ClosureRegisters>>,
}

fn callee(p: &mut Process, arg: Arg) -> Result<Callee, Raise> {
    if let Arg::Name(name) = arg {
        return Ok(Callee { name, closure: None });
    }
    // SAFETY: `value` found a place of this process; the kind tells the type.
    unsafe {
        let value = *p.value(arg)?;
        match value.kind() {
            kind::FUNCTION => Ok(Callee { name: &*value.address::<NameSlot>(), closure: None }),
            kind::CLOSURE => {
                let closure = get::<Closure>(value);
                Ok(Callee { name: closure.name, closure: Some(closure.registers.clone()) })
            }
            _ => Raised::wrong_type("Function", value),
        }
    }
}

/// What a callee means now. Both live as long as the machine.
enum Meant {
    Body(&'static Body),
    Foreign(&'static Foreign),
}

fn meant(callee: &Callee, undefined: &str) -> Result<Meant, Raise> {
    // SAFETY: a slot holds null or a body.
    match (unsafe { callee.name.function().as_ref() }, callee.name.foreign()) {
        (Some(body), _) => Ok(Meant::Body(body)),
        (None, Some(foreign)) => Ok(Meant::Foreign(foreign)),
        (None, None) => Raised::text(format!("{undefined}: {}", callee.name.name())),
    }
}

/// Takes the parameters out of the running frame, empty ones included.
fn take_all_parameters(p: &mut Process) -> Vec<Cell> {
    // SAFETY: parameters lie below the header of the running frame.
    unsafe {
        let header = p.fp.cast::<Cell>();
        (1..=(*p.fp).argc as usize).map(|distance| std::mem::replace(&mut *header.sub(distance), Cell::EMPTY)).collect()
    }
}

pub fn call(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    if p.job.is_some() {
        return match foreign::resume(p) {
            Ok(outcome) => foreign::finish(p, args[0], outcome),
            Err(flow) => Ok(flow),
        };
    }
    p.reductions -= 1;
    if p.reductions < 0 {
        return Ok(Flow::Leave(Status::Suspended));
    }
    if let Arg::Reg(Register { set: RegisterSet::Arguments, .. }) = args[0] {
        return Raised::text("result of a call cannot be stored in arguments register set");
    }
    if let Arg::Foreign(function) = args[1] {
        let (name, arguments) = (p.function_of(p.fp).name, take_all_parameters(p));
        return foreign::call(p, function, name, arguments, args[0]);
    }
    p.target_or_void(args[0])?;
    let callee = callee(p, args[1])?;
    let body = match meant(&callee, "call to undefined function")? {
        Meant::Body(body) => body,
        Meant::Foreign(function) => {
            let Some(arguments) = p.take_pending() else { return Raised::text(UNFRAMED) };
            return foreign::call(p, function, callee.name, arguments, args[0]);
        }
    };
    if p.pending.is_null() {
        return Raised::text(UNFRAMED);
    }
    if p.depth > MAX_DEPTH {
        return Raised::text(format!("stack size ({MAX_DEPTH}) exceeded with call to '{}'", callee.name.name()));
    }
    let locals = if callee.closure.is_some() { 0 } else { body.locals };
    if !p.has_room(p.offset_of(p.pending) + HEADER + locals as usize) {
        return Raised::text("register stack exhausted");
    }
    // SAFETY: the pending frame lies above the running one, and there is room for its locals.
    unsafe {
        let caller = p.fp;
        let frame = p.pending;
        (*caller).ip = p.ip;
        (*frame).body = body;
        (*frame).ip = std::ptr::null();
        (*frame).delta = (p.offset_of(frame) - p.offset_of(caller)) as u32;
        (*frame).locals = locals;
        (*frame).argc = p.pending_count as u16;
        (*frame).extra = std::ptr::null_mut();
        p.fp = frame;
    }
    p.pending = std::ptr::null_mut();
    p.pending_count = 0;
    p.depth += 1;
    if callee.closure.is_some() {
        p.extra().closure = callee.closure;
    }
    p.rebase();
    p.ip = p.entry_of(body);
    Ok(Flow::Entered)
}

impl Process {
    /// Makes sure that the stack has that many cells.
    pub fn has_room(&mut self, cells: usize) -> bool {
        // SAFETY: `limit` is the end of the stack that `offset_of` counts from.
        cells <= self.offset_of(self.limit.cast()) || self.try_reserve(cells)
    }
}

/// Where the result of the call at the caller's instruction is wanted; `None` if it is not.
///
/// # Safety
/// The running frame must not be the bottom of its stack.
unsafe fn result_target(p: &Process) -> Arg {
    // SAFETY: as promised by the caller; a caller's `ip` stands at its call.
    unsafe {
        let caller = p.fp.cast::<Cell>().sub((*p.fp).delta as usize).cast::<crate::process::Frame>();
        let body = &*(*caller).body;
        body.cold[body.number_of((*caller).ip)].args[0]
    }
}

pub fn ret(p: &mut Process) -> Outcome {
    // SAFETY: there is a running frame.
    let bottom = unsafe { (*p.fp).delta } == 0;
    let is_entry = bottom && p.waiting.is_empty();
    // SAFETY: not the bottom.
    let wanted = if bottom { p.has_entry_frame && is_entry } else { unsafe { !matches!(result_target(p), Arg::Void) } };
    if wanted && p.extra().result.is_none() {
        p.register(RegisterSet::Local, 0)?;
        match take_register_zero(p) {
            Some(result) => p.extra().result = Some(result),
            None => return Raised::text(NO_RESULT),
        }
    }
    if let Some(deferred) = unsafe { p.extra_of(p.fp) }.and_then(|extra| extra.deferred.pop()) {
        p.start_deferred(deferred, Continuation::Again);
        return Ok(Flow::Entered);
    }
    // The value goes from the frame into the process, or the caller's register; pointers to it stay good.
    let mut result = unsafe { p.extra_of(p.fp) }.and_then(|extra| extra.result.take());
    if is_entry && result.is_none() {
        result = take_register_zero(p);
    }
    p.discard_pending();
    if !bottom {
        p.drop_frame();
        return deliver(p, result);
    }
    p.drop_frame();
    if is_entry {
        p.fp = std::ptr::null_mut();
        // The result leaves its process: a handle is replaced by its value.
        let result = match result {
            // SAFETY: the handle was taken out of register 0.
            Some(handle) if handle.kind() == kind::SHARED => unsafe {
                match p.take_from_handle(handle) {
                    Ok(value) => Some(value),
                    Err(raise) => {
                        release(&mut p.heap, handle);
                        p.outcome = Some(Err(raise));
                        return Ok(Flow::Leave(Status::Exception));
                    }
                }
            },
            result => result,
        };
        p.outcome = Some(Ok(result.unwrap_or(Cell::EMPTY)));
        return Ok(Flow::Leave(Status::Done));
    }
    finish_deferred(p)
}

/// Moves the content of local register 0 out; `None` if there is none.
fn take_register_zero(p: &mut Process) -> Option<Cell> {
    let slot = p.register(RegisterSet::Local, 0).ok()?;
    // SAFETY: `register` found a register of this process.
    unsafe {
        if (*crate::value::resolve(slot)).is_empty() {
            return None;
        }
        Some(std::mem::replace(&mut *slot, Cell::EMPTY))
    }
}

/// After a return: stores the result where the call at the caller's `ip` wants it, and goes on behind the call.
fn deliver(p: &mut Process, result: Option<Cell>) -> Outcome {
    // SAFETY: the running frame is that of the caller, whose `ip` stands at its call.
    unsafe {
        p.ip = (*p.fp).ip;
        let body = &*(*p.fp).body;
        let target = body.cold[body.number_of(p.ip)].args[0];
        if let Some(result) = result {
            // The register was found before the call; it is looked up again, since the holder of an `@` operand
            // may have been changed by the callee through a pointer.
            match p.target_or_void(target) {
                Ok(Some(target)) => p.store(target, result),
                Ok(None) => release(&mut p.heap, result),
                Err(raise) => {
                    release(&mut p.heap, result);
                    return Err(raise);
                }
            }
        }
    }
    Ok(Flow::Next)
}

/// The bottom frame of a deferred call has returned: the stack that waits for it goes on.
fn finish_deferred(p: &mut Process) -> Outcome {
    match p.resume_waiting() {
        Some(Continuation::Again) => Ok(Flow::Entered),
        Some(Continuation::Unwind) => match crate::unwind::go_on(p) {
            Some(status) => Ok(Flow::Leave(status)),
            None => Ok(Flow::Entered),
        },
        None => Ok(Flow::Leave(Status::Done)),
    }
}

pub fn tail_call(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    p.reductions -= 1;
    if p.reductions < 0 {
        return Ok(Flow::Leave(Status::Suspended));
    }
    if let Some(deferred) = unsafe { p.extra_of(p.fp) }.and_then(|extra| extra.deferred.pop()) {
        p.start_deferred(deferred, Continuation::Again);
        return Ok(Flow::Entered);
    }
    let callee = callee(p, args[0])?;
    let body = match meant(&callee, "tail call to undefined function")? {
        Meant::Body(body) => body,
        Meant::Foreign(_) => {
            return Raised::text(format!("tail call to non-native function: {}", callee.name.name()));
        }
    };
    if p.pending.is_null() {
        return Raised::text(UNFRAMED);
    }
    let argc = p.pending_count as usize;
    // A function that does not begin with `allocate_registers` goes on with the old set; a leading one destroys it.
    let keeps_locals = callee.closure.is_none() && body.start == 0;
    if !keeps_locals && !p.has_room(p.offset_of(p.fp) + argc + HEADER + body.locals as usize) {
        return Raised::text("register stack exhausted");
    }
    let frame_name = p.function_of(p.fp).name;
    p.drop_tries_of(p.fp);
    let arguments = p.take_pending().unwrap_or_default();
    let extra = p.extra();
    extra.name.get_or_insert(frame_name);
    if !keeps_locals {
        p.drop_locals();
    }
    replace_parameters(p, arguments);
    // SAFETY: there is a running frame with room for the locals.
    unsafe {
        (*p.fp).body = body;
        if !keeps_locals {
            (*p.fp).locals = if callee.closure.is_some() { 0 } else { body.locals };
        }
    }
    if callee.closure.is_some() {
        p.extra().closure = callee.closure;
    }
    p.rebase();
    p.ip = p.entry_of(body);
    Ok(Flow::Entered)
}

/// Puts new parameters in place of the old ones. Their number may differ, and then header and locals move.
fn replace_parameters(p: &mut Process, arguments: Vec<Cell>) {
    // SAFETY: parameters lie below the header of the running frame, locals behind it; room for the shift was made
    // by the frame that the arguments were written to, which lay above the locals.
    unsafe {
        let header = p.fp.cast::<Cell>();
        let old = (*p.fp).argc as usize;
        for distance in 1..=old {
            let cell = std::mem::replace(&mut *header.sub(distance), Cell::EMPTY);
            release(&mut p.heap, cell);
        }
        let shift = arguments.len() as isize - old as isize;
        if shift != 0 {
            let size = HEADER + (*p.fp).locals as usize;
            let moved = header.offset(shift);
            std::ptr::copy(header, moved, size);
            // What the old place had beyond the new one; the gap of a shift upward is filled by the arguments below.
            let new_end = moved.add(size);
            let mut stale = if new_end > header { new_end } else { header };
            while shift < 0 && stale < header.add(size) {
                *stale = Cell::EMPTY;
                stale = stale.add(1);
            }
            p.fp = moved.cast();
            if (*p.fp).delta != 0 {
                (*p.fp).delta = ((*p.fp).delta as isize + shift) as u32;
            }
        }
        let header = p.fp.cast::<Cell>();
        (*p.fp).argc = arguments.len() as u16;
        for (index, argument) in arguments.into_iter().enumerate() {
            *header.sub(index + 1) = argument;
        }
    }
}

pub fn defer(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let callee = callee(p, args[0])?;
    let body = match meant(&callee, "defer of undefined function")? {
        Meant::Body(body) => body,
        Meant::Foreign(function) => function.stub(callee.name),
    };
    let Some(arguments) = p.take_pending() else {
        return Raised::text(UNFRAMED);
    };
    p.extra().deferred.push(Deferred { body, closure: callee.closure, arguments });
    Ok(Flow::Next)
}

/// Destroys the local set and makes a new one. A closure's own set is set aside for the rest of the call.
pub fn allocate_registers(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let Arg::Index(count) = args[0] else { return Raised::text("operand is not an index") };
    let pending = p.pending_count as usize;
    let has_pending = !p.pending.is_null();
    // SAFETY: there is a running frame.
    let first = p.offset_of(p.fp) + HEADER;
    if !p.has_room(first + count as usize + pending + HEADER) {
        return Raised::text("register stack exhausted");
    }
    let arguments = p.take_pending();
    if let Some(extra) = unsafe { p.extra_of(p.fp) }
        && let Some(registers) = extra.closure.take()
    {
        extra.set_aside = Some(registers);
    }
    let set_aside = unsafe { p.extra_of(p.fp) }.and_then(|extra| extra.set_aside.take());
    p.drop_locals();
    if set_aside.is_some() {
        p.extra().set_aside = set_aside;
    }
    // SAFETY: there is room behind the header.
    unsafe {
        (*p.fp).locals = count;
    }
    if has_pending {
        let header = first + count as usize + pending;
        p.pending = p.frame_at(header);
        p.pending_count = pending as u32;
        for (index, argument) in arguments.unwrap_or_default().into_iter().enumerate() {
            // SAFETY: the arguments lie below the header of the pending frame.
            unsafe { *p.pending.cast::<Cell>().sub(index + 1) = argument };
        }
    }
    p.rebase();
    p.use_fitting_form();
    Ok(Flow::Next)
}

impl Process {
    /// After the local set has changed its size: code that takes more registers for granted goes on in its
    /// plain form, in the running body and in those that entered it.
    fn use_fitting_form(&mut self) {
        let locals = self.local_count();
        let offset = self.offset_of(self.fp);
        // SAFETY: bodies stay while frames and try frames refer to them.
        unsafe {
            let body = &*(*self.fp).body;
            self.ip = body.address(body.number_of(self.ip) as u32, locals);
            for entry in self.tries.iter_mut().filter(|entry| entry.frame == offset) {
                if let (Some(body), Some(ip)) = (entry.body, entry.ip) {
                    entry.ip = Some(body.address(body.number_of(ip as *const _) as u32, locals) as usize);
                }
            }
        }
    }
}

pub fn branch(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    // SAFETY: `value` found a place of this process.
    let condition = truth(unsafe { *p.value(args[0])? });
    match args[if condition { 1 } else { 2 }] {
        Arg::Target(target) => Ok(Flow::Jump(target)),
        _ => Raised::text("branch without a target"),
    }
}

/// Ends the process at once, without result.
pub fn halt(p: &mut Process) -> Status {
    p.drop_stacks();
    p.halted = true;
    p.outcome = Some(Ok(Cell::EMPTY));
    Status::Done
}
