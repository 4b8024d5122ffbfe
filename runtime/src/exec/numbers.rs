//! Numbers and logic (isa-values.md §3, §7).

use super::{Flow, Outcome};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Cold};
use crate::number;
use crate::process::Process;
use crate::raise::{Raise, Raised};
use crate::value::{get, truth};
use viua_isa::Opcode;

pub fn simple(p: &mut Process, cold: &Cold) -> Outcome {
    let args = &cold.args;
    if let Opcode::Iinc | Opcode::Idec = cold.opcode {
        let place = p.value(args[0])?;
        // SAFETY: `value` found a place of this process.
        unsafe {
            if (*place).kind() != kind::INTEGER {
                return Raised::wrong_type("Integer", *place);
            }
            let step = if cold.opcode == Opcode::Iinc { 1 } else { -1 };
            (*place).payload = (*place).as_integer().wrapping_add(step) as u64;
        }
        return Ok(Flow::Next);
    }
    let target = p.target(args[0])?;
    let value = match args[1] {
        Arg::Integer(value) => Cell::integer(value),
        Arg::Float(value) => Cell::float(value),
        _ => Cell::integer(0),
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, value) }
}

pub fn convert(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let source = cold.args[1];
    let result = match cold.opcode {
        Opcode::Itof => Cell::float(p.integer(source)? as f64),
        Opcode::Ftoi => Cell::integer(p.typed(source, kind::FLOAT, "Float")?.as_float() as i64),
        opcode => {
            let string = p.typed(source, kind::STRING, "String")?;
            // SAFETY: the kind tells the type.
            let bytes: &Vec<u8> = unsafe { get(string) };
            let (name, result) = if opcode == Opcode::Stoi {
                ("stoi", number::integer_prefix(bytes).map(Cell::integer))
            } else {
                ("stof", number::float_prefix(bytes).map(Cell::float))
            };
            match result {
                Ok(cell) => cell,
                Err(fault) => {
                    let what = match fault {
                        number::Fault::Invalid => "invalid argument for",
                        number::Fault::Range => "out of range for",
                    };
                    return Raised::text([format!("{what} {name}: ").as_bytes(), bytes].concat());
                }
            }
        }
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, result) }
}

/// Both sources, the second converted to the type of the first.
fn numbers(p: &mut Process, args: &[Arg; 4]) -> Result<(Cell, Cell), Raise> {
    let mut sources = [Cell::EMPTY; 2];
    for (source, arg) in sources.iter_mut().zip(&args[1..3]) {
        // SAFETY: `value` found a place of this process.
        *source = unsafe { *p.value(*arg)? };
        if !matches!(source.kind(), kind::INTEGER | kind::FLOAT) {
            return Raised::wrong_type("Number", *source);
        }
    }
    let [a, mut b] = sources;
    if a.kind() != b.kind() {
        b = if a.kind() == kind::INTEGER {
            Cell::integer(b.as_float() as i64)
        } else {
            Cell::float(b.as_integer() as f64)
        };
    }
    Ok((a, b))
}

pub fn arithmetic(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let (a, b) = numbers(p, &cold.args)?;
    let result = if a.kind() == kind::INTEGER {
        let (x, y) = (a.as_integer(), b.as_integer());
        Cell::integer(match cold.opcode {
            Opcode::Add => x.wrapping_add(y),
            Opcode::Sub => x.wrapping_sub(y),
            Opcode::Mul => x.wrapping_mul(y),
            _ if y == 0 => return Raised::zero_division(),
            _ => x.wrapping_div(y),
        })
    } else {
        let (x, y) = (a.as_float(), b.as_float());
        Cell::float(match cold.opcode {
            Opcode::Add => x + y,
            Opcode::Sub => x - y,
            Opcode::Mul => x * y,
            _ if y == 0.0 => return Raised::zero_division(),
            _ => x / y,
        })
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, result) }
}

pub fn compare(p: &mut Process, cold: &Cold) -> Outcome {
    fn holds<T: PartialOrd>(opcode: Opcode, a: T, b: T) -> bool {
        match opcode {
            Opcode::Lt => a < b,
            Opcode::Lte => a <= b,
            Opcode::Gt => a > b,
            Opcode::Gte => a >= b,
            _ => a == b,
        }
    }
    let target = p.target(cold.args[0])?;
    let (a, b) = numbers(p, &cold.args)?;
    let result = if a.kind() == kind::INTEGER {
        holds(cold.opcode, a.as_integer(), b.as_integer())
    } else {
        holds(cold.opcode, a.as_float(), b.as_float())
    };
    // SAFETY: `target` found a register of this process.
    unsafe { p.finish(target, Cell::boolean(result)) }
}

pub fn logic(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    // SAFETY: `value` finds places of this process, `target` a register.
    unsafe {
        let a = truth(*p.value(cold.args[1])?);
        let result = match cold.opcode {
            Opcode::Not => !a,
            opcode => {
                let b = truth(*p.value(cold.args[2])?);
                if opcode == Opcode::And { a && b } else { a || b }
            }
        };
        p.finish(target, Cell::boolean(result))
    }
}
