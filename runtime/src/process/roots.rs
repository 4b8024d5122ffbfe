//! What code a process still needs: everything in its stacks that refers to a body.

use super::{Frame, FrameExtra, Process, TryFrame, Unwinding};
use crate::cell::Cell;
use crate::code::Body;

/// Told about each body that is found; about some more than once.
pub type Found<'a> = &'a mut dyn FnMut(*const Body);

impl Process {
    /// Finds all bodies that frames, entered blocks, catchers and deferred calls refer to. O(frames). The process
    /// must not be running.
    pub fn bodies(&self, found: Found) {
        self.bodies_of_stack(self.fp, found);
        catchers(self.pending_try.as_deref(), found);
        catcher(self.unwinding.as_deref(), found);
        for waiting in &self.waiting {
            self.bodies_of_stack(self.frame_at(waiting.fp), found);
            catchers(waiting.pending_try.as_deref(), found);
            catcher(waiting.unwinding.as_deref(), found);
        }
        for entry in &self.tries {
            if let Some(body) = entry.body {
                found(body);
            }
            catchers(Some(entry), found);
        }
    }

    fn bodies_of_stack(&self, mut frame: *mut Frame, found: Found) {
        while !frame.is_null() {
            // SAFETY: distances lead from frame to frame, down to the bottom.
            unsafe {
                found((*frame).body);
                if let Some(FrameExtra { deferred, .. }) = (*frame).extra.as_ref() {
                    deferred.iter().for_each(|call| found(call.body));
                }
                match (*frame).delta {
                    0 => return,
                    delta => frame = frame.cast::<Cell>().sub(delta as usize).cast(),
                }
            }
        }
    }
}

fn catchers(entry: Option<&TryFrame>, found: Found) {
    entry.iter().flat_map(|entry| &entry.catchers).for_each(|(_, block)| found(*block));
}

fn catcher(unwinding: Option<&Unwinding>, found: Found) {
    if let Some((_, block)) = unwinding.and_then(|unwinding| unwinding.catcher) {
        found(block);
    }
}
