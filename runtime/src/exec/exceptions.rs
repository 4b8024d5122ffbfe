//! Blocks and exceptions (isa-control.md §8, §9).

use super::texts::{atom, boxed};
use super::{Flow, Outcome};
use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::code::{Arg, Body, Constant, NameSlot};
use crate::heap::BoxSlot;
use crate::process::{Process, Status, TryFrame};
use crate::raise::{Raise, Raised, thrown};
use crate::value::{Content, Exception, Text, get, resolve};

pub fn try_(p: &mut Process) -> Outcome {
    if p.pending_try.is_some() {
        return Raised::text("new try frame requested while last one is unused");
    }
    p.pending_try = Some(Box::default());
    Ok(Flow::Next)
}

fn block_of(name: &'static NameSlot) -> Option<&'static Body> {
    // SAFETY: a slot holds null or a body, and none is given back within a slice.
    unsafe { name.block().as_ref() }
}

pub fn catch(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let (Arg::Constant(tag), Arg::Name(name)) = (args[0], args[1]) else {
        return Raised::text("operand is not a tag and a block");
    };
    // SAFETY: the running frame has a body; constant operands are indexes into its pool.
    let Constant::Atom(tag) = (unsafe { &(&(*(*p.fp).body).constants)[tag as usize] }) else {
        return Raised::text("operand is not a tag");
    };
    let Some(block) = block_of(name) else {
        let name = name.name().as_bytes();
        return Raised::text([b"registering undefined handler block '", name, b"' to handle ", tag.bytes()].concat());
    };
    let Some(pending) = &mut p.pending_try else {
        return Raised::text([b"catch without a try frame: ", tag.bytes()].concat());
    };
    match pending.catchers.iter_mut().find(|(known, _)| known == tag) {
        Some((_, earlier)) => *earlier = block,
        None => pending.catchers.push((*tag, block)),
    }
    Ok(Flow::Next)
}

pub fn enter(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    // A catcher that enters the block again is a loop without a backward jump.
    p.reductions -= 1;
    if p.reductions < 0 {
        return Ok(Flow::Leave(Status::Suspended));
    }
    let Arg::Name(name) = args[0] else { return Raised::text("operand is not a block name") };
    let Some(block) = block_of(name) else {
        return Raised::text(format!("cannot enter undefined block: {}", name.name()));
    };
    let Some(pending) = p.pending_try.take() else {
        return Raised::text(format!("enter without a try frame: {}", name.name()));
    };
    // SAFETY: there is a running frame, whose body stays as long as it does.
    let body = unsafe { &*(*p.fp).body };
    let frame = p.offset_of(p.fp);
    p.tries.push(TryFrame { frame, body: Some(body), ip: Some(p.ip as usize), ..*pending });
    p.try_owner = p.fp;
    run_block(p, block);
    Ok(Flow::Entered)
}

/// Goes on in a block, in the running frame.
pub fn run_block(p: &mut Process, block: &'static Body) {
    // SAFETY: there is a running frame.
    unsafe { (*p.fp).body = block };
    p.ip = block.address(0, p.local_count());
}

pub fn leave(p: &mut Process) -> Outcome {
    let frame = p.offset_of(p.fp);
    let own = p.tries.len() > p.try_base as usize && p.tries.last().is_some_and(|entry| entry.frame == frame);
    let entered = if own { p.tries.pop() } else { None };
    let Some(TryFrame { body: Some(body), ip: Some(ip), .. }) = entered else {
        return Raised::text("bad leave: no block has been entered");
    };
    p.find_try_owner();
    // SAFETY: there is a running frame; behind the `enter` stands another instruction or the sentinel.
    unsafe {
        (*p.fp).body = body;
        p.ip = (ip as *const crate::code::Ins).add(1);
    }
    Ok(Flow::Entered)
}

pub fn throw(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let slot = p.target(args[0])?;
    // SAFETY: `target` found a register of this process.
    unsafe {
        if (*resolve(slot)).is_empty() {
            return Raised::text("throw from null register");
        }
        let content = p.take_value(slot)?;
        Err(if content.kind() == kind::BOXED { without_box(content) } else { thrown(content) })
    }
}

/// A thrown value that pointers refer to. An exception leaves its slot empty and comes back to it when it is
/// caught; other values keep their box inside the exception that wraps them.
unsafe fn without_box(content: Cell) -> Raise {
    // SAFETY: a box leads to a slot in use.
    unsafe {
        let slot: *mut BoxSlot = content.address();
        if (*slot).cell.kind() != kind::EXCEPTION {
            return thrown(content);
        }
        let mut exception = thrown(std::mem::replace(&mut (*slot).cell, Cell::EMPTY));
        exception.identity = Some(slot);
        exception
    }
}

pub fn draw(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    if p.caught.is_empty() && target.is_some() {
        return Raised::text("no caught object to draw");
    }
    let caught = std::mem::replace(&mut p.caught, Cell::EMPTY);
    match target {
        // SAFETY: `target_or_void` found a register of this process.
        Some(target) => unsafe { p.finish(target, caught) },
        None => {
            crate::value::release(&mut p.heap, caught);
            Ok(Flow::Next)
        }
    }
}

pub fn make(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let tag = p.typed(args[1], kind::ATOM, "Atom")?;
    let source = p.target_or_void(args[2])?;
    // SAFETY: the kind tells the type; target and source are registers of this process.
    unsafe {
        let tag = Atom::from_address(tag.payload);
        let content = match source {
            Some(slot) if !(*resolve(slot)).is_empty() => Content::Value(p.take_value(slot)?),
            _ => Content::Nothing,
        };
        let exception = Exception { tag, content, throw_points: Vec::new(), identity: None };
        p.finish(target, Cell::boxed(kind::EXCEPTION, Box::new(exception)))
    }
}

/// The exception that an operand holds; its kind is not told by its type name, which is its tag.
fn exception(p: &mut Process, arg: Arg) -> Result<&'static mut Exception, Raise> {
    let cell = p.typed(arg, kind::EXCEPTION, "Exception")?;
    // SAFETY: the kind tells the type; the exception is used before the instruction changes anything else.
    Ok(unsafe { get(cell) })
}

pub fn tag(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let tag = exception(p, args[1])?.tag;
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, atom(tag)) }
}

pub fn value(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let exception = exception(p, args[1])?;
    let value = match &exception.content {
        Content::Description(text) if !text.is_empty() => match Text::from_utf8(text) {
            Some(text) => boxed(text),
            None => return Raised::tagged("Invalid_text", "not a valid UTF-8 sequence"),
        },
        Content::Value(value) => {
            let value = *value;
            exception.content = Content::Nothing;
            value
        }
        Content::Nothing | Content::Description(_) | Content::OuterOnly(_) => {
            return Raised::tagged("Empty_exception", "exception has no value");
        }
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, value) }
}
