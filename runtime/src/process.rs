//! A process: its registers, frames and everything else that survives a suspension.
//!
//! Frames lie in one contiguous stack of cells, growing upward:
//!
//! ```text
//!   argument n-1 … argument 0 | header (2 cells) | local 0 … local w-1 | argument … of the pending frame
//! ```
//!
//! Parameter *i* of a call is the cell *i*+1 below its header, so the caller writes arguments to where the callee
//! finds them and nothing is copied. Everything above the top frame's locals (and pending arguments) is empty.
//! Links between frames are distances, so the stack may move when it grows. A closure runs on the registers of
//! the closure instead of locals in the stack.

pub mod roots;

use crate::cell::Cell;
use crate::code::{Body, BodyKind, Ins, NameSlot};
use crate::heap::Heap;
use crate::raise::{Raise, discard};
use crate::scheduler::mailbox::Inbox;
use crate::scheduler::table::{Arguments, FEW, Slot};
use crate::scheduler::{MachineRef, Worker};
use crate::value::{ClosureRegisters, release};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// The header of a call frame; two cells.
#[repr(C)]
pub struct Frame {
    /// The code that runs: a function, or a block that it entered.
    pub body: *const Body,
    /// Where execution is; of the running frame only when the interpreter has been left.
    pub ip: *const Ins,
    /// Distance to the caller's header in cells; 0 at the bottom of a stack.
    pub delta: u32,
    /// Number of local registers in the stack.
    pub locals: u16,
    /// Number of parameters.
    pub argc: u16,
    /// What only few frames have.
    pub extra: *mut FrameExtra,
}

/// Cells of a [`Frame`].
pub const HEADER: usize = 2;
const _: () = assert!(size_of::<Frame>() == HEADER * size_of::<Cell>());

/// What only few frames have.
#[derive(Default)]
pub struct FrameExtra {
    /// The function the frame was made for, when a tail call replaced it (isa-control.md §3).
    pub name: Option<&'static NameSlot>,
    /// The registers a closure runs on, unless `allocate_registers` set them aside.
    pub closure: Option<Rc<ClosureRegisters>>,
    /// Registers that were set aside are kept until the call ends.
    pub set_aside: Option<Rc<ClosureRegisters>>,
    /// Deferred calls, the last one runs first.
    pub deferred: Vec<Deferred>,
    /// The result, taken out of register 0 before the deferred calls run.
    pub result: Option<Cell>,
}

/// A call that `defer` registered.
pub struct Deferred {
    /// What runs.
    pub body: *const Body,
    /// Its registers, if it is a closure.
    pub closure: Option<Rc<ClosureRegisters>>,
    /// Its arguments.
    pub arguments: Vec<Cell>,
}

/// A try frame in force, or the pending one.
#[derive(Default)]
pub struct TryFrame {
    /// The call frame that entered it, as distance from the start of the stack in cells.
    pub frame: usize,
    /// Where it was entered, to go on behind it.
    pub body: Option<&'static Body>,
    /// The `enter` instruction.
    pub ip: Option<usize>,
    /// Tag and block of each catcher.
    pub catchers: Vec<(crate::atom::Atom, *const Body)>,
    /// Its catcher runs, and so does not catch.
    pub catching: bool,
}

/// What happens when the call that a stack was made for has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// The `return` or `tailcall` that runs the deferred calls is executed again.
    Again,
    /// Unwinding goes on.
    Unwind,
}

/// An exception that is on its way while deferred calls run.
pub struct Unwinding {
    /// The exception.
    pub exception: Raise,
    /// The try frame that catches it and its catcher; `None` if nothing does.
    pub catcher: Option<(usize, *const Body)>,
    /// The next frame whose deferred calls run, as distance from the start of the stack.
    pub cursor: usize,
}

/// One of the stacks of a process that waits while a deferred call runs (isa-control.md §1).
pub struct Waiting {
    fp: usize,
    ip: *const Ins,
    pending: Option<(usize, u32)>,
    pending_try: Option<Box<TryFrame>>,
    try_base: u32,
    caught: Cell,
    depth: u32,
    unwinding: Option<Box<Unwinding>>,
    then: Continuation,
}

/// Why the interpreter was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The process has ended with a result.
    Done = 0,
    /// Its slice is used up.
    Suspended = 1,
    /// It waits: see [`Process::wait`].
    Blocked = 2,
    /// It has ended with an exception.
    Exception = 3,
    /// Goes on; seen only by the loop of builds without threaded code.
    Continue = 4,
}

/// What a blocked process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A message.
    Message,
    /// The end of a process, or a call of `Scheduler::notify` from any thread; the instruction looks for itself what
    /// has come.
    Event,
}

/// The process record. Hot fields first; `repr(C)` so that generated code can find them.
#[repr(C)]
pub struct Process {
    /// Counts down at calls and back edges; the process is suspended below 0.
    pub reductions: i64,
    /// Where the stack ends.
    pub limit: *mut Cell,
    /// The running frame.
    pub fp: *mut Frame,
    /// Its first local register.
    pub base: *mut Cell,
    /// The instruction to execute.
    pub ip: *const Ins,
    /// The header of the frame that is being prepared; null if there is none.
    pub pending: *mut Frame,
    /// The number of its arguments.
    pub pending_count: u32,
    /// The number of frames on the current stack.
    pub depth: u32,
    /// The frame that entered the innermost try frame; null if there is none.
    pub try_owner: *mut Frame,
    /// Slots for pointed-to values and shared variables.
    pub heap: Heap,

    stack: *mut Cell,
    stack_cells: u32,
    /// The try frames of the current stack begin here.
    pub try_base: u32,
    /// The stack at birth, which lies behind the record.
    first_stack: *mut Cell,
    /// The number of the process.
    pub pid: u64,
    /// What others see of it; null without a process.
    pub slot: *const Slot,
    /// The worker that runs it.
    pub worker: *mut Worker,
    /// The machine it runs in.
    pub machine: MachineRef,
    /// Messages that have been fetched from the mailbox.
    pub inbox: Inbox<Cell>,
    /// The count of allocated bytes at which it exceeds a limit.
    pub memory_stop: i64,
    /// What it has taken from the allocator, if there is a limit.
    pub memory: i64,
    /// Try frames of all its stacks, innermost last.
    pub tries: Vec<TryFrame>,
    /// The try frame that is being prepared.
    pub pending_try: Option<Box<TryFrame>>,
    /// The caught exception.
    pub caught: Cell,
    /// The exception that is being handled while deferred calls run.
    pub unwinding: Option<Box<Unwinding>>,
    /// Stacks that wait for a deferred call.
    pub waiting: Vec<Waiting>,
    /// Result or exception, when the process has ended.
    pub outcome: Option<Result<Cell, Raise>>,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// Until when, if not for ever; set when the instruction first executes.
    pub deadline: Option<Instant>,
    /// What another thread does for the instruction that waits; the heap is with it (see [`crate::exec`]).
    pub job: Option<Arc<crate::ffi::Job>>,
    /// Its bottom frame is called by the hidden entry frame, which wants a result (isa-control.md §11).
    pub has_entry_frame: bool,
    /// It was ended by `halt`.
    pub halted: bool,
    /// A watchdog was set (used or not).
    pub has_watchdog: bool,
    /// What few processes have.
    pub rare: Option<Box<Rare>>,
    #[allow(clippy::vec_box)] // the boxes are what is kept
    spare_extras: Vec<Box<FrameExtra>>,
}

/// What few processes have.
#[derive(Default)]
pub struct Rare {
    /// The stored frame and function of the watchdog.
    pub watchdog: Option<(&'static NameSlot, Vec<Cell>)>,
    /// As `memory_stop`, for the limit of the process alone.
    pub own_memory_stop: i64,
    /// What it may have, beyond the limit of memory, since it has raised `Limit`; 0 if it has not.
    pub memory_allowed: i64,
    globals: Vec<Cell>,
    statics: Vec<Option<Box<[Cell; STATIC_REGISTERS]>>>,
}

// SAFETY: everything a process points to is its own (registers, heap, reference-counted closure registers), or
// shared and unchanging (code, names, atoms); only one thread has the process at a time.
unsafe impl Send for Process {}

/// Registers of the static set (values.md §3).
pub const STATIC_REGISTERS: usize = 16;
/// Registers of the global set.
pub const GLOBAL_REGISTERS: usize = 255;
/// Frames on one stack before `call` raises (isa-control.md §2).
pub const MAX_DEPTH: u32 = 8192;
/// The stack at birth: enough for a small function, so that a process fits in a kibibyte.
pub const FIRST_STACK: usize = 22;
/// Beyond this a stack is given back when the process ends: 4 KiB.
const KEPT_STACK: usize = 256;
/// 2^26 cells, 1 GiB: beyond this `call` and `frame` raise.
const LARGEST_STACK: usize = 1 << 26;

impl Process {
    /// A record without a process. `stack` are [`FIRST_STACK`] empty cells that belong to it.
    pub fn blank(machine: MachineRef, stack: *mut Cell) -> Process {
        Process {
            reductions: 0,
            // SAFETY: the end of the cells.
            limit: unsafe { stack.add(FIRST_STACK) },
            fp: std::ptr::null_mut(),
            base: std::ptr::null_mut(),
            ip: std::ptr::null(),
            pending: std::ptr::null_mut(),
            pending_count: 0,
            depth: 0,
            try_owner: std::ptr::null_mut(),
            heap: Heap::default(),
            stack,
            stack_cells: FIRST_STACK as u32,
            first_stack: stack,
            pid: 0,
            slot: std::ptr::null(),
            worker: std::ptr::null_mut(),
            machine,
            inbox: Inbox::default(),
            memory_stop: i64::MAX,
            memory: 0,
            tries: Vec::new(),
            try_base: 0,
            pending_try: None,
            caught: Cell::EMPTY,
            unwinding: None,
            waiting: Vec::new(),
            outcome: None,
            wait: None,
            deadline: None,
            job: None,
            has_entry_frame: false,
            halted: false,
            has_watchdog: false,
            rare: None,
            spare_extras: Vec::new(),
        }
    }

    /// A new process begins in a blank record: it will run `body` with these arguments.
    pub fn begin(&mut self, slot: &Slot, body: &'static Body, arguments: &[Cell], has_entry_frame: bool) {
        self.pid = slot.pid();
        self.slot = slot;
        self.has_entry_frame = has_entry_frame;
        self.start(body, arguments, None);
    }

    /// Starts `body` on an empty stack. The arguments are given away.
    pub fn start(&mut self, body: &'static Body, arguments: &[Cell], closure: Option<Rc<ClosureRegisters>>) {
        self.depth = u32::from(self.has_entry_frame);
        // A body has at most 65535 registers and a frame as many arguments, far below the largest stack.
        self.push_bottom_frame(0, body, arguments, closure);
    }

    /// Makes the frame at the bottom of a stack whose first free cell is `top`.
    fn push_bottom_frame(
        &mut self,
        top: usize,
        body: &'static Body,
        arguments: &[Cell],
        closure: Option<Rc<ClosureRegisters>>,
    ) {
        let argc = arguments.len();
        self.reserve(top + argc + HEADER + body.locals as usize);
        // SAFETY: the cells were just reserved and are empty.
        unsafe {
            let header = self.stack.add(top + argc);
            for (index, argument) in arguments.iter().enumerate() {
                *header.sub(index + 1) = *argument;
            }
            let fp = header.cast::<Frame>();
            *fp = Frame {
                body,
                ip: std::ptr::null(),
                delta: 0,
                locals: body.locals,
                argc: argc as u16,
                extra: std::ptr::null_mut(),
            };
            self.fp = fp;
            if closure.is_some() {
                self.extra().closure = closure;
                (*fp).locals = 0;
            }
        }
        self.depth += 1;
        self.rebase();
        self.ip = self.entry_of(body);
    }

    /// What few processes have; made if it is not there yet.
    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    /// Where a call of `body` starts in the running frame.
    pub fn entry_of(&self, body: &Body) -> *const Ins {
        body.address(body.start, self.local_count())
    }

    /// Grows the stack to at least `cells`. Frames, base and the pending frame move with it. False if the limit
    /// of [`LARGEST_STACK`] forbids it.
    #[cold]
    #[inline(never)]
    pub fn try_reserve(&mut self, cells: usize) -> bool {
        if cells > LARGEST_STACK {
            return false;
        }
        self.reserve(cells);
        true
    }

    fn reserve(&mut self, cells: usize) {
        let old_cells = self.stack_cells as usize;
        if cells <= old_cells {
            return;
        }
        let size = cells.max(old_cells * 2);
        // SAFETY: the layout is not empty; the old cells are moved as bits, pointers into them follow.
        unsafe {
            let layout = stack_layout(size);
            let new = alloc_zeroed(layout).cast::<Cell>();
            if new.is_null() {
                handle_alloc_error(layout);
            }
            let old = self.stack;
            std::ptr::copy_nonoverlapping(old, new, old_cells);
            let moved = |frame: *mut Frame| {
                if frame.is_null() { frame } else { new.add(frame.cast::<Cell>().offset_from(old) as usize).cast() }
            };
            self.fp = moved(self.fp);
            self.pending = moved(self.pending);
            self.try_owner = moved(self.try_owner);
            if old == self.first_stack {
                old.write_bytes(0, FIRST_STACK);
            } else {
                dealloc(old.cast(), stack_layout(old_cells));
            }
            self.stack = new;
            self.stack_cells = size as u32;
            self.limit = new.add(size);
        }
        if !self.fp.is_null() {
            self.rebase();
        }
    }

    /// Sets `base` to the local registers of the running frame.
    pub fn rebase(&mut self) {
        // SAFETY: there is a running frame.
        unsafe {
            self.base = match (*self.fp).extra.as_ref().and_then(|extra| extra.closure.as_ref()) {
                Some(registers) => registers.base(),
                None => self.fp.cast::<Cell>().add(HEADER),
            };
        }
    }

    /// The number of registers in the local set of the running frame.
    pub fn local_count(&self) -> usize {
        // SAFETY: there is a running frame.
        unsafe {
            match (*self.fp).extra.as_ref().and_then(|extra| extra.closure.as_ref()) {
                Some(registers) => registers.len(),
                None => (*self.fp).locals as usize,
            }
        }
    }

    /// The distance of a frame from the start of the stack.
    pub fn offset_of(&self, frame: *mut Frame) -> usize {
        // SAFETY: frames lie in the stack.
        unsafe { frame.cast::<Cell>().offset_from(self.stack) as usize }
    }
    /// The frame at that distance.
    pub fn frame_at(&self, offset: usize) -> *mut Frame {
        // SAFETY: offsets come from `offset_of`.
        unsafe { self.stack.add(offset).cast() }
    }

    /// The first free cell above the running frame.
    pub fn top(&self) -> usize {
        if !self.pending.is_null() {
            return self.offset_of(self.pending) + HEADER;
        }
        // SAFETY: there is a running frame.
        self.offset_of(self.fp) + HEADER + unsafe { (*self.fp).locals } as usize
    }

    /// The rare parts of the running frame; made if it has none.
    pub fn extra(&mut self) -> &mut FrameExtra {
        // SAFETY: there is a running frame; an extra belongs to one frame.
        unsafe {
            if (*self.fp).extra.is_null() {
                (*self.fp).extra = Box::into_raw(self.spare_extras.pop().unwrap_or_default());
            }
            &mut *(*self.fp).extra
        }
    }

    /// The rare parts of a frame, if it has any.
    ///
    /// # Safety
    /// `frame` must be a frame of this process.
    pub unsafe fn extra_of<'a>(&self, frame: *mut Frame) -> Option<&'a mut FrameExtra> {
        // SAFETY: as promised by the caller.
        unsafe { (*frame).extra.as_mut() }
    }

    /// The function whose code a frame runs, looking through blocks.
    pub fn function_of(&self, frame: *mut Frame) -> &'static Body {
        // SAFETY: bodies stay while frames refer to them.
        let body = unsafe { &*(*frame).body };
        if body.kind != BodyKind::Block {
            return body;
        }
        let offset = self.offset_of(frame);
        let outermost = self.tries.iter().find(|entry| entry.frame == offset).and_then(|entry| entry.body);
        outermost.unwrap_or(body)
    }

    /// A register of the global set; made on first use.
    pub fn global(&mut self, index: usize) -> Option<*mut Cell> {
        if index >= GLOBAL_REGISTERS {
            return None;
        }
        let globals = &mut self.rare().globals;
        if globals.is_empty() {
            *globals = vec![Cell::EMPTY; GLOBAL_REGISTERS];
        }
        globals.get_mut(index).map(|cell| cell as *mut Cell)
    }

    /// A register of the static set of the running function; made on first use.
    pub fn static_register(&mut self, index: usize) -> Option<*mut Cell> {
        if index >= STATIC_REGISTERS {
            return None;
        }
        let id = self.function_of(self.fp).name.id as usize;
        let statics = &mut self.rare().statics;
        if statics.len() <= id {
            statics.resize_with(id + 1, || None);
        }
        let set = statics[id].get_or_insert_with(|| Box::new([Cell::EMPTY; STATIC_REGISTERS]));
        Some(&raw mut set[index])
    }

    /// Destroys the pending frame, if there is one.
    pub fn discard_pending(&mut self) {
        for argument in self.take_pending().unwrap_or_default() {
            release(&mut self.heap, argument);
        }
    }

    /// Takes the arguments out of the pending frame, which is gone then.
    pub fn take_pending(&mut self) -> Option<Vec<Cell>> {
        if self.pending.is_null() {
            return None;
        }
        let header = self.pending.cast::<Cell>();
        // SAFETY: the arguments lie below the header of the pending frame.
        let arguments = (1..=self.pending_count as usize)
            .map(|distance| unsafe { std::mem::replace(&mut *header.sub(distance), Cell::EMPTY) })
            .collect();
        self.pending = std::ptr::null_mut();
        self.pending_count = 0;
        Some(arguments)
    }

    /// As [`Process::take_pending`], for a new process.
    pub fn take_arguments(&mut self) -> Option<Arguments> {
        let count = self.pending_count as usize;
        if self.pending.is_null() || count > FEW {
            return self.take_pending().map(Arguments::from);
        }
        let header = self.pending.cast::<Cell>();
        let mut cells = [Cell::EMPTY; FEW];
        for (index, cell) in cells[..count].iter_mut().enumerate() {
            // SAFETY: the arguments lie below the header of the pending frame.
            *cell = unsafe { std::mem::replace(&mut *header.sub(index + 1), Cell::EMPTY) };
        }
        self.pending = std::ptr::null_mut();
        self.pending_count = 0;
        Some(Arguments::Few(count as u8, cells))
    }

    /// Destroys the local registers of the running frame; a closure's are given up.
    pub fn drop_locals(&mut self) {
        // SAFETY: the locals lie behind the header of the running frame.
        unsafe {
            let first = self.fp.cast::<Cell>().add(HEADER);
            for index in 0..(*self.fp).locals as usize {
                let cell = std::mem::replace(&mut *first.add(index), Cell::EMPTY);
                release(&mut self.heap, cell);
            }
            (*self.fp).locals = 0;
            if let Some(extra) = self.extra_of(self.fp) {
                let mut waiting = Vec::new();
                for registers in [extra.closure.take(), extra.set_aside.take()].into_iter().flatten() {
                    crate::value::release_registers(registers, &mut waiting);
                }
                for cell in waiting {
                    release(&mut self.heap, cell);
                }
            }
        }
    }

    /// Drops the running frame: locals, parameters, its try frames. The caller's frame runs then, if there is one.
    pub fn drop_frame(&mut self) {
        self.drop_tries_of(self.fp);
        self.drop_locals();
        // SAFETY: parameters lie below the header; the caller's header is `delta` cells down.
        unsafe {
            let frame = self.fp;
            let header = frame.cast::<Cell>();
            for distance in 1..=(*frame).argc as usize {
                let cell = std::mem::replace(&mut *header.sub(distance), Cell::EMPTY);
                release(&mut self.heap, cell);
            }
            let extra = (*frame).extra;
            if !extra.is_null() {
                self.recycle(Box::from_raw(extra));
            }
            let delta = (*frame).delta as usize;
            *header = Cell::EMPTY;
            *header.add(1) = Cell::EMPTY;
            self.depth -= 1;
            if delta > 0 {
                self.fp = header.sub(delta).cast();
                self.rebase();
            }
        }
    }

    fn recycle(&mut self, mut extra: Box<FrameExtra>) {
        for deferred in extra.deferred.drain(..) {
            let mut waiting = deferred.arguments;
            if let Some(registers) = deferred.closure {
                crate::value::release_registers(registers, &mut waiting);
            }
            for cell in waiting {
                release(&mut self.heap, cell);
            }
        }
        if let Some(result) = extra.result.take() {
            release(&mut self.heap, result);
        }
        extra.name = None;
        if self.spare_extras.len() < 16 {
            self.spare_extras.push(extra);
        }
    }

    /// Drops the try frames that a frame entered.
    pub fn drop_tries_of(&mut self, frame: *mut Frame) {
        if self.try_owner != frame {
            return;
        }
        let offset = self.offset_of(frame);
        while self.tries.len() > self.try_base as usize && self.tries.last().is_some_and(|entry| entry.frame == offset)
        {
            self.tries.pop();
        }
        self.find_try_owner();
    }

    /// Sets `try_owner` after the try frames have changed.
    pub fn find_try_owner(&mut self) {
        self.try_owner = match self.tries[self.try_base as usize..].last() {
            Some(entry) => self.frame_at(entry.frame),
            None => std::ptr::null_mut(),
        };
    }

    /// Sets the current stack aside and starts a deferred call on a new one.
    pub fn start_deferred(&mut self, deferred: Deferred, then: Continuation) {
        let top = self.top();
        let pending = (!self.pending.is_null()).then(|| (self.offset_of(self.pending), self.pending_count));
        self.waiting.push(Waiting {
            fp: self.offset_of(self.fp),
            ip: self.ip,
            pending,
            pending_try: self.pending_try.take(),
            try_base: self.try_base,
            caught: std::mem::replace(&mut self.caught, Cell::EMPTY),
            depth: self.depth,
            unwinding: self.unwinding.take(),
            then,
        });
        self.pending = std::ptr::null_mut();
        self.pending_count = 0;
        self.try_base = self.tries.len() as u32;
        self.try_owner = std::ptr::null_mut();
        self.depth = 0;
        // SAFETY: bodies stay while the process refers to them.
        let body: &'static Body = unsafe { &*deferred.body };
        self.push_bottom_frame(top, body, &deferred.arguments, deferred.closure);
    }

    /// Goes back to the stack that waited for the deferred call that has just ended.
    pub fn resume_waiting(&mut self) -> Option<Continuation> {
        let waiting = self.waiting.pop()?;
        let caught = std::mem::replace(&mut self.caught, waiting.caught);
        release(&mut self.heap, caught);
        self.pending_try = waiting.pending_try;
        self.tries.truncate(self.try_base as usize);
        self.try_base = waiting.try_base;
        self.fp = self.frame_at(waiting.fp);
        self.ip = waiting.ip;
        (self.pending, self.pending_count) = match waiting.pending {
            Some((offset, count)) => (self.frame_at(offset), count),
            None => (std::ptr::null_mut(), 0),
        };
        self.depth = waiting.depth;
        self.unwinding = waiting.unwinding;
        self.find_try_owner();
        self.rebase();
        Some(waiting.then)
    }

    /// The first frame of the process.
    pub fn bottom_frame(&self) -> *mut Frame {
        let mut offset = self.waiting.first().map_or_else(|| self.offset_of(self.fp), |waiting| waiting.fp);
        loop {
            let frame = self.frame_at(offset);
            // SAFETY: distances lead from frame to frame.
            match unsafe { (*frame).delta } {
                0 => return frame,
                delta => offset -= delta as usize,
            }
        }
    }

    /// Takes the parameters that a frame still has, in order.
    pub fn take_parameters(&mut self, frame: *mut Frame) -> Vec<Cell> {
        // SAFETY: parameters lie below the header.
        unsafe {
            let header = frame.cast::<Cell>();
            (1..=(*frame).argc as usize)
                .map(|distance| std::mem::replace(&mut *header.sub(distance), Cell::EMPTY))
                .filter(|cell| !cell.is_empty())
                .collect()
        }
    }

    /// Drops all frames of all stacks, and everything that belongs to them.
    pub fn drop_stacks(&mut self) {
        loop {
            self.discard_pending();
            while !self.fp.is_null() {
                // SAFETY: the running frame is one.
                let bottom = unsafe { (*self.fp).delta } == 0;
                self.drop_frame();
                if bottom {
                    self.fp = std::ptr::null_mut();
                }
            }
            if let Some(unwinding) = self.unwinding.take() {
                discard(&mut self.heap, unwinding.exception);
            }
            if self.waiting.is_empty() {
                break;
            }
            self.resume_waiting();
        }
        let caught = std::mem::replace(&mut self.caught, Cell::EMPTY);
        release(&mut self.heap, caught);
        self.tries.clear();
        self.try_base = 0;
        self.pending_try = None;
        self.try_owner = std::ptr::null_mut();
    }
}

impl Process {
    /// The process has ended: destroys everything it has left. The record is blank then.
    pub fn reset(&mut self) {
        // When a machine is stopped, processes end that wait for other threads.
        if let Some((heap, outcome)) = self.job.take().and_then(|job| job.collect()) {
            self.heap = heap;
            match outcome {
                Ok(result) => result.into_iter().for_each(|result| release(&mut self.heap, result)),
                Err(exception) => discard(&mut self.heap, exception),
            }
        }
        self.drop_stacks();
        if let Some(rare) = self.rare.take() {
            let statics = rare.statics.into_iter().flatten().flat_map(|set| *set);
            let watchdog = rare.watchdog.into_iter().flat_map(|(_, arguments)| arguments);
            for cell in rare.globals.into_iter().chain(statics).chain(watchdog) {
                release(&mut self.heap, cell);
            }
        }
        match self.outcome.take() {
            Some(Ok(result)) => release(&mut self.heap, result),
            Some(Err(exception)) => discard(&mut self.heap, exception),
            None => {}
        }
        while let Some(node) = self.inbox.pop() {
            release(&mut self.heap, node.message);
        }
        if !self.heap.is_unused() {
            // Variables and closures may refer to each other in a circle: empty what is left.
            let mut from = (0, 0);
            while let Some(cell) = self.heap.drain_variable(&mut from) {
                release(&mut self.heap, cell);
            }
            self.heap = Heap::default();
        }
        self.pid = 0;
        self.slot = std::ptr::null();
        self.memory = 0;
        self.memory_stop = i64::MAX;
        self.wait = None;
        self.deadline = None;
        self.has_entry_frame = false;
        self.halted = false;
        self.has_watchdog = false;
        if self.stack_cells as usize > KEPT_STACK {
            self.shrink();
        }
    }

    /// Goes back to the stack at birth. The record must be blank.
    pub fn shrink(&mut self) {
        if self.stack != self.first_stack {
            // SAFETY: allocated with this layout; no frame is left.
            unsafe { dealloc(self.stack.cast(), stack_layout(self.stack_cells as usize)) };
            self.stack = self.first_stack;
            self.stack_cells = FIRST_STACK as u32;
            // SAFETY: the end of the cells.
            self.limit = unsafe { self.first_stack.add(FIRST_STACK) };
        }
        self.spare_extras = Vec::new();
        self.tries = Vec::new();
        self.waiting = Vec::new();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reset();
        self.shrink();
    }
}

fn stack_layout(cells: usize) -> Layout {
    Layout::array::<Cell>(cells).expect("stacks are limited to far less than the address space")
}
