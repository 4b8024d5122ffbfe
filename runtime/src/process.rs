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
mod stack;

use crate::cell::Cell;
use crate::code::{Body, Ins, NameSlot};
use crate::heap::Heap;
use crate::raise::{Raise, discard};
use crate::scheduler::mailbox::Inbox;
use crate::scheduler::table::Slot;
use crate::scheduler::{MachineRef, Worker};
use crate::value::{ClosureRegisters, release};
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

    /// What few processes have; made if it is not there yet.
    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    /// The rare parts of a frame, if it has any.
    ///
    /// # Safety
    /// `frame` must be a frame of this process.
    pub unsafe fn extra_of<'a>(&self, frame: *mut Frame) -> Option<&'a mut FrameExtra> {
        // SAFETY: as promised by the caller.
        unsafe { (*frame).extra.as_mut() }
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
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reset();
        self.shrink();
    }
}
