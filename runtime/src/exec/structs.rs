//! Structs (isa-values.md §6).

use super::texts::atom;
use super::{Flow, Outcome};
use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::code::Arg;
use crate::heap::pointer_to;
use crate::process::Process;
use crate::raise::{Raise, Raised};
use crate::value::{Struct, Vector, get, identify, release};

fn key(p: &mut Process, arg: Arg) -> Result<Atom, Raise> {
    let cell = p.typed(arg, kind::ATOM, "Atom")?;
    // SAFETY: the kind tells the type.
    Ok(unsafe { Atom::from_address(cell.payload) })
}

pub fn make(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, Cell::boxed(kind::STRUCT, Box::<Struct>::default())) }
}

pub fn insert(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let container = p.typed(args[0], kind::STRUCT, "Struct")?;
    let key = key(p, args[1])?;
    let source = p.consumable(args[2])?;
    p.refuse_cycle((args[0], container), source, "struct would contain itself")?;
    let value = p.consume(source)?;
    // SAFETY: the kind tells the type.
    let old = unsafe { get::<Struct>(container) }.fields.insert(key, value);
    if let Some(old) = old {
        release(&mut p.heap, old);
    }
    Ok(Flow::Next)
}

pub fn remove(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let container = p.typed(args[1], kind::STRUCT, "Struct")?;
    let key = key(p, args[2])?;
    // SAFETY: the kind tells the type; `target` is a register of this process.
    unsafe {
        let Some(value) = get::<Struct>(container).fields.remove(&key) else {
            return Raised::invalid_field(key);
        };
        match target {
            Some(target) => p.store(target, value),
            None => release(&mut p.heap, value),
        }
    }
    Ok(Flow::Next)
}

pub fn at(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let container = p.typed(args[1], kind::STRUCT, "Struct")?;
    let key = key(p, args[2])?;
    // SAFETY: the kind tells the type; `target` is a register of this process.
    unsafe {
        let Some(field) = get::<Struct>(container).fields.get_mut(&key) else {
            return Raised::invalid_field(key);
        };
        if let Some(target) = target {
            let slot = identify(&mut p.heap, field);
            p.store(target, pointer_to(slot));
        }
    }
    Ok(Flow::Next)
}

pub fn keys(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let container = p.typed(args[1], kind::STRUCT, "Struct")?;
    // SAFETY: the kind tells the type; `target` is a register of this process.
    unsafe {
        let elements = get::<Struct>(container).fields.keys().map(|key| atom(*key)).collect();
        p.finish(target, Cell::boxed(kind::VECTOR, Box::new(Vector::of(elements))))
    }
}
