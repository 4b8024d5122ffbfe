//! Strings, texts, atoms (isa-values.md §4).

use super::{Flow, Outcome};
use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::code::{Arg, Cold, Constant};
use crate::print;
use crate::process::Process;
use crate::raise::{Raise, Raised};
use crate::value::{Text, get};
use viua_isa::Opcode;

pub fn boxed(text: Text) -> Cell {
    Cell::boxed(kind::TEXT, Box::new(text))
}

pub fn atom(atom: Atom) -> Cell {
    Cell::new(kind::ATOM, atom.address())
}

fn invalid<T>() -> Result<T, Raise> {
    Raised::tagged("Invalid_text", "not a valid UTF-8 sequence")
}

pub fn literal(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let result = match cold.args[1] {
        Arg::Constant(index) => {
            // SAFETY: the running frame has a body; constant operands are indexes into its pool.
            let constant = unsafe { &(&(*(*p.fp).body).constants)[index as usize] };
            match constant {
                Constant::Text(text) => boxed(text.clone()),
                Constant::InvalidText => return invalid(),
                Constant::Bytes(bytes) => Cell::boxed(kind::STRING, Box::new(bytes.to_vec())),
                Constant::Atom(name) => atom(*name),
                Constant::Bits(_) => return Raised::text("operand is not a literal"),
            }
        }
        source => {
            let mut form = Vec::new();
            // SAFETY: `value` found a place of this process.
            print::outer(unsafe { *p.value(source)? }, &mut form);
            match Text::from_utf8(&form) {
                Some(text) => boxed(text),
                None => return invalid(),
            }
        }
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, result) }
}

pub fn equal(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let (wanted, name) = match cold.opcode {
        Opcode::Streq => (kind::STRING, "String"),
        Opcode::Texteq => (kind::TEXT, "Text"),
        _ => (kind::ATOM, "Atom"),
    };
    let a = p.typed(cold.args[1], wanted, name)?;
    let b = p.typed(cold.args[2], wanted, name)?;
    // SAFETY: the kind tells the type; both are only read.
    unsafe {
        let equal = match wanted {
            kind::STRING => *get::<Vec<u8>>(a) == *get::<Vec<u8>>(b),
            kind::TEXT => a.payload == b.payload || *get::<Text>(a) == *get::<Text>(b),
            _ => a.payload == b.payload,
        };
        p.finish(target, Cell::boolean(equal))
    }
}

fn text(p: &mut Process, arg: Arg) -> Result<&'static Text, Raise> {
    let cell = p.typed(arg, kind::TEXT, "Text")?;
    // SAFETY: the kind tells the type; the text is used before the instruction changes anything.
    Ok(unsafe { get(cell) })
}

/// An index from the front for one that may count from the end; negative if it is out of range there.
fn effective(index: i64, length: usize) -> i64 {
    if index < 0 { index.wrapping_add(length as i64) } else { index }
}

pub fn at(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let source = text(p, args[1])?;
    let length = source.length();
    let index = effective(p.integer(args[2])?, length);
    if index < 0 || index as u64 >= length as u64 {
        let index = index as u64;
        return Raised::tagged(
            "Out_of_range",
            format!("index {index} is out of range for string of {length} characters"),
        );
    }
    let result = boxed(source.slice(index as usize, index as usize + 1));
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, result) }
}

pub fn sub(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let source = text(p, args[1])?;
    let length = source.length();
    // A negative index below the first character counts as beyond the end.
    let clip = |index: i64| match effective(index, length) {
        index if index < 0 => length,
        index => (index as u64).min(length as u64) as usize,
    };
    let from = clip(p.integer(args[2])?);
    let to = clip(p.integer(args[3])?);
    let result = boxed(source.slice(from, to.max(from)));
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, result) }
}

pub fn length(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let length = text(p, args[1])?.length();
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, Cell::integer(length as i64)) }
}

pub fn common(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let a = text(p, cold.args[1])?;
    let b = text(p, cold.args[2])?;
    let (m, n) = (a.length(), b.length());
    let shared = if cold.opcode == Opcode::Textcommonprefix {
        (0..m.min(n)).take_while(|i| a.at(*i) == b.at(*i)).count()
    } else {
        (1..=m.min(n)).take_while(|i| a.at(m - i) == b.at(n - i)).count()
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, Cell::integer(shared as i64)) }
}

pub fn concat(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let a = text(p, args[1])?;
    let b = text(p, args[2])?;
    let result = boxed(a.concat(b));
    // SAFETY: `target` found a register of this process.
    unsafe { p.store(target, result) };
    Ok(Flow::Next)
}
