//! The stack of a process: frames are made at its top and leave nothing behind but empty cells; it moves when it grows,
//! and goes back to the cells it was born with when the record is used again.

use super::{Continuation, Deferred, FIRST_STACK, Frame, FrameExtra, HEADER, Process, Waiting};
use crate::cell::Cell;
use crate::code::{Body, BodyKind, Ins};
use crate::raise::discard;
use crate::scheduler::table::{Arguments, FEW};
use crate::value::{ClosureRegisters, release};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::rc::Rc;

/// 2^26 cells, 1 GiB: beyond this `call` and `frame` raise.
const LARGEST_STACK: usize = 1 << 26;

impl Process {
    /// Makes the frame at the bottom of a stack whose first free cell is `top`.
    pub(super) fn push_bottom_frame(
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

fn stack_layout(cells: usize) -> Layout {
    Layout::array::<Cell>(cells).expect("stacks are limited to far less than the address space")
}
