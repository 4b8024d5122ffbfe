//! What happens to an exception (isa-control.md §9): the search for a catcher, the deferred calls of the frames
//! that are left, and the end of the process if nothing catches.
//!
//! Deferred calls run on stacks of their own, so the way of an exception is cut into pieces: [`throw`] starts it,
//! [`go_on`] continues it each time a deferred call has returned.

use crate::cell::{Cell, kind};
use crate::code::BodyKind;
use crate::exec;
use crate::process::{Continuation, Process, Status, Unwinding};
use crate::raise::{Raise, discard};
use crate::value::{ThrowPoint, release};

/// Throws an exception at the running instruction. `Some` if the process has died of it.
#[cold]
pub fn throw(p: &mut Process, mut exception: Raise) -> Option<Status> {
    // SAFETY: there is a running frame, whose body stays as long as it does.
    let body = unsafe { &*(*p.fp).body };
    let number = body.number_of(p.ip) as u32;
    exception.throw_points.push(ThrowPoint {
        function: p.function_of(p.fp).name,
        body: body.name,
        is_block: body.kind == BodyKind::Block,
        place: body.place(number),
    });
    p.discard_pending();
    p.pending_try = None;
    // SAFETY: as above.
    unsafe { (*p.fp).ip = p.ip };
    let catcher =
        p.tries[p.try_base as usize..].iter().enumerate().rev().filter(|(_, entry)| !entry.catching).find_map(
            |(index, entry)| {
                let found = entry.catchers.iter().find(|(tag, _)| *tag == exception.tag)?;
                Some((p.try_base as usize + index, found.1))
            },
        );
    let cursor = p.offset_of(p.fp);
    p.unwinding = Some(Box::new(Unwinding { exception, catcher, cursor }));
    go_on(p)
}

/// Runs the next deferred call of the frames that are left; when there is none left, lets the catcher run, or the
/// process die. O(frames left) for the whole way of an exception.
pub fn go_on(p: &mut Process) -> Option<Status> {
    let mut unwinding = p.unwinding.take()?;
    let last = unwinding.catcher.map(|(index, _)| p.tries[index].frame);
    loop {
        if last == Some(unwinding.cursor) {
            break;
        }
        let frame = p.frame_at(unwinding.cursor);
        // SAFETY: the cursor goes from frame to frame.
        if let Some(deferred) = unsafe { p.extra_of(frame) }.and_then(|extra| extra.deferred.pop()) {
            p.unwinding = Some(unwinding);
            p.start_deferred(deferred, Continuation::Unwind);
            return None;
        }
        // SAFETY: as above.
        let delta = unsafe { (*frame).delta } as usize;
        if delta == 0 {
            break;
        }
        unwinding.cursor -= delta;
    }
    match unwinding.catcher {
        Some((index, block)) => {
            let catching = p.tries[index].frame;
            while p.offset_of(p.fp) != catching {
                p.drop_frame();
            }
            p.tries.truncate(index + 1);
            p.tries[index].catching = true;
            p.find_try_owner();
            let mut exception = unwinding.exception;
            let identity = exception.identity.take();
            let mut caught = Cell::boxed(kind::EXCEPTION, exception);
            if let Some(slot) = identity {
                // SAFETY: the slot was kept for this exception.
                unsafe { (*slot).cell = caught };
                caught = Cell::new(kind::BOXED, slot as u64);
            }
            let caught = std::mem::replace(&mut p.caught, caught);
            release(&mut p.heap, caught);
            // SAFETY: bodies stay while the process refers to them.
            exec::run_block(p, unsafe { &*block });
            None
        }
        None => die(p, unwinding.exception),
    }
}

/// The process has died. Its frames are still there, for the report.
fn die(p: &mut Process, mut exception: Raise) -> Option<Status> {
    if let Some(slot) = exception.identity.take() {
        // SAFETY: the slot was kept for this exception; pointers to it die with the process.
        unsafe { p.heap.take_box(slot) };
    }
    if let Some(Err(earlier)) = p.outcome.replace(Err(exception)) {
        discard(&mut p.heap, earlier);
    }
    Some(Status::Exception)
}
