//! Bit strings (isa-bits.md): operands are found and checked here, [`crate::bits`] does the work.
//!
//! What changes a string in place changes the words where they lie: in the cell, or in the array it owns.

use super::{Flow, Outcome};
use crate::bits::{self, Bits, Fault, Fit, Operation, Reading, Rules, TooWide, View};
use crate::cell::{Cell, kind};
use crate::code::{Arg, Cold, Constant};
use crate::process::Process;
use crate::raise::{Raise, Raised};
use crate::value::{LongBits, bits_cell, bits_view, get};
use std::cmp::Ordering;
use viua_isa::Opcode;

pub fn execute(p: &mut Process, cold: &Cold) -> Outcome {
    let args = &cold.args;
    match cold.opcode {
        Opcode::Bits => make(p, args),
        Opcode::BitsOfInteger => of_integer(p, args),
        Opcode::IntegerOfBits | Opcode::Bitswidth => measure(p, cold),
        Opcode::Bitnot => {
            let target = p.target(args[0])?;
            let source = p.bits(args[1])?;
            let result = bits::invert(source.view())?;
            p.finish_bits(target, result)
        }
        Opcode::Bitand => logic(p, args, |x, y| x & y),
        Opcode::Bitor => logic(p, args, |x, y| x | y),
        Opcode::Bitxor => logic(p, args, |x, y| x ^ y),
        Opcode::Bitat => at(p, args),
        Opcode::Bitset => set(p, args),
        Opcode::Shl => shift(p, args, bits::shifted_out_left, bits::shift_left),
        Opcode::Shr => shift(p, args, bits::shifted_out_right, bits::shift_right),
        Opcode::Ashl => shift(p, args, bits::shifted_out_left, bits::arithmetic_left),
        Opcode::Ashr => shift(p, args, bits::shifted_out_right, bits::arithmetic_right),
        Opcode::Rol => rotate(p, args, bits::rotate_left),
        Opcode::Ror => rotate(p, args, bits::rotate_right),
        Opcode::Bitseq => compare(p, args, bits::compare_strings, Ordering::is_eq),
        Opcode::Bitslt => compare(p, args, bits::compare_strings, Ordering::is_lt),
        Opcode::Bitslte => compare(p, args, bits::compare_strings, Ordering::is_le),
        Opcode::Bitsgt => compare(p, args, bits::compare_strings, Ordering::is_gt),
        Opcode::Bitsgte => compare(p, args, bits::compare_strings, Ordering::is_ge),
        Opcode::Bitaeq => compare(p, args, bits::compare_signed, Ordering::is_eq),
        Opcode::Bitalt => compare(p, args, bits::compare_signed, Ordering::is_lt),
        Opcode::Bitalte => compare(p, args, bits::compare_signed, Ordering::is_le),
        Opcode::Bitagt => compare(p, args, bits::compare_signed, Ordering::is_gt),
        Opcode::Bitagte => compare(p, args, bits::compare_signed, Ordering::is_ge),
        opcode => match arithmetic(opcode) {
            Some((Computation::Increment, rules)) => step(p, args, rules, true),
            Some((Computation::Decrement, rules)) => step(p, args, rules, false),
            Some((Computation::Binary(operation), rules)) => compute(p, args, operation, rules),
            None => Raised::text(format!("unimplemented instruction: {}", opcode.mnemonic())),
        },
    }
}

#[derive(Clone, Copy)]
enum Computation {
    Increment,
    Decrement,
    Binary(Operation),
}

/// The thirty instructions of isa-bits.md §7.1.
fn arithmetic(opcode: Opcode) -> Option<(Computation, Rules)> {
    const fn rules(fit: Fit, reading: Reading) -> Rules {
        Rules { fit, reading }
    }
    const WRAP: Rules = rules(Fit::Wrap, Reading::Unsigned);
    const CHECK_S: Rules = rules(Fit::Check, Reading::Signed);
    const CHECK_U: Rules = rules(Fit::Check, Reading::Unsigned);
    const SATURATE_S: Rules = rules(Fit::Saturate, Reading::Signed);
    const SATURATE_U: Rules = rules(Fit::Saturate, Reading::Unsigned);
    const ADD: Computation = Computation::Binary(Operation::Add);
    const SUBTRACT: Computation = Computation::Binary(Operation::Subtract);
    const MULTIPLY: Computation = Computation::Binary(Operation::Multiply);
    const DIVIDE: Computation = Computation::Binary(Operation::Divide);
    use Computation::{Decrement, Increment};
    Some(match opcode {
        Opcode::Wrapincrement => (Increment, WRAP),
        Opcode::Wrapdecrement => (Decrement, WRAP),
        Opcode::Wrapadd => (ADD, WRAP),
        Opcode::Wrapsub => (SUBTRACT, WRAP),
        Opcode::Wrapmul => (MULTIPLY, WRAP),
        Opcode::Wrapdiv => (DIVIDE, rules(Fit::Wrap, Reading::Signed)),
        Opcode::Checkedsincrement => (Increment, CHECK_S),
        Opcode::Checkedsdecrement => (Decrement, CHECK_S),
        Opcode::Checkedsadd => (ADD, CHECK_S),
        Opcode::Checkedssub => (SUBTRACT, CHECK_S),
        Opcode::Checkedsmul => (MULTIPLY, CHECK_S),
        Opcode::Checkedsdiv => (DIVIDE, CHECK_S),
        Opcode::Checkeduincrement => (Increment, CHECK_U),
        Opcode::Checkedudecrement => (Decrement, CHECK_U),
        Opcode::Checkeduadd => (ADD, CHECK_U),
        Opcode::Checkedusub => (SUBTRACT, CHECK_U),
        Opcode::Checkedumul => (MULTIPLY, CHECK_U),
        Opcode::Checkedudiv => (DIVIDE, CHECK_U),
        Opcode::Saturatingsincrement => (Increment, SATURATE_S),
        Opcode::Saturatingsdecrement => (Decrement, SATURATE_S),
        Opcode::Saturatingsadd => (ADD, SATURATE_S),
        Opcode::Saturatingssub => (SUBTRACT, SATURATE_S),
        Opcode::Saturatingsmul => (MULTIPLY, SATURATE_S),
        Opcode::Saturatingsdiv => (DIVIDE, SATURATE_S),
        Opcode::Saturatinguincrement => (Increment, SATURATE_U),
        Opcode::Saturatingudecrement => (Decrement, SATURATE_U),
        Opcode::Saturatinguadd => (ADD, SATURATE_U),
        Opcode::Saturatingusub => (SUBTRACT, SATURATE_U),
        Opcode::Saturatingumul => (MULTIPLY, SATURATE_U),
        Opcode::Saturatingudiv => (DIVIDE, SATURATE_U),
        _ => return None,
    })
}

/// The place of a value that is a bit string.
#[derive(Clone, Copy)]
struct Place(*mut Cell);

impl Place {
    fn view<'a>(self) -> View<'a> {
        // SAFETY: the place is one of the running process, and it holds bits; no view of a string is used any
        // longer once the string is changed or a result is stored.
        unsafe { bits_view(self.0) }
    }
    /// The words, to be changed, and the width.
    fn words<'a>(self) -> (&'a mut [u64], u32) {
        // SAFETY: as above.
        unsafe {
            let cell = self.0;
            if (*cell).kind() == kind::BITS {
                let width = ((*cell).tag >> 8) as u32;
                (bits::one_word_mut(width, &mut (*cell).payload), width)
            } else {
                let long = get::<LongBits>(*cell);
                (&mut long.words, long.width)
            }
        }
    }
}

impl Process {
    /// V:Bits.
    fn bits(&mut self, arg: Arg) -> Result<Place, Raise> {
        let place = self.value(arg)?;
        // SAFETY: `value` found a place of this process.
        let value = unsafe { *place };
        match value.kind() {
            kind::BITS | kind::LONG_BITS => Ok(Place(place)),
            _ => Raised::wrong_type("Bits", value),
        }
    }

    /// Stores a result in a register that `target` has found, and goes on.
    fn finish_bits(&mut self, target: *mut Cell, result: Bits) -> Outcome {
        // SAFETY: a register of this process.
        unsafe { self.finish(target, bits_cell(result)) }
    }

    fn finish_plain(&mut self, target: *mut Cell, result: Cell) -> Outcome {
        // SAFETY: a register of this process.
        unsafe { self.finish(target, result) }
    }
}

fn not_negative(number: i64) -> Result<u64, Raise> {
    u64::try_from(number).or_else(|_| Raised::text("number is negative"))
}

fn make(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let result = if let Arg::Constant(index) = args[1] {
        // SAFETY: the running frame has a body; constant operands are indexes into its pool.
        let Constant::Bits(literal) = (unsafe { &(&(*(*p.fp).body).constants)[index as usize] }) else {
            return Raised::text("operand is not a bit string");
        };
        View { width: literal.width, words: &literal.words }.copied()?
    } else {
        let width = p.integer(args[1])?;
        Bits::zeros(not_negative(width)?)?
    };
    p.finish_bits(target, result)
}

fn of_integer(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let number = p.integer(args[1])?;
    p.finish_bits(target, Bits::of_word(not_negative(number)?))
}

fn measure(p: &mut Process, cold: &Cold) -> Outcome {
    let target = p.target(cold.args[0])?;
    let source = p.bits(cold.args[1])?.view();
    let result = if cold.opcode == Opcode::Bitswidth { i64::from(source.width) } else { source.low_word() as i64 };
    p.finish_plain(target, Cell::integer(result))
}

fn logic(p: &mut Process, args: &[Arg; 4], function: fn(u64, u64) -> u64) -> Outcome {
    let target = p.target(args[0])?;
    let (lhs, rhs) = (p.bits(args[1])?, p.bits(args[2])?);
    let result = bits::logic(lhs.view(), rhs.view(), function)?;
    p.finish_bits(target, result)
}

/// The index, if the string has a bit with it.
fn index_in(source: View, index: i64) -> Result<u32, Raise> {
    let index = not_negative(index)?;
    match u32::try_from(index) {
        Ok(index) if index < source.width => Ok(index),
        _ => {
            let text = format!("index {index} is out of range for bit string of {} bits", source.width);
            Raised::tagged("Out_of_range", text)
        }
    }
}

fn at(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let target = p.target(args[0])?;
    let source = p.bits(args[1])?;
    let index = p.integer(args[2])?;
    let index = index_in(source.view(), index)?;
    p.finish_plain(target, Cell::boolean(source.view().bit(index)))
}

fn set(p: &mut Process, args: &[Arg; 4]) -> Outcome {
    let source = p.bits(args[0])?;
    let index = p.integer(args[1])?;
    let value = match args[2] {
        Arg::Boolean(value) => value,
        register => p.typed(register, kind::BOOLEAN, "Boolean")?.payload != 0,
    };
    let index = index_in(source.view(), index)?;
    bits::set_bit(source.words().0, index, value);
    Ok(Flow::Next)
}

fn shift(
    p: &mut Process,
    args: &[Arg; 4],
    shifted_out: fn(View, u64) -> Result<Bits, TooWide>,
    change: fn(&mut [u64], u32, u64),
) -> Outcome {
    let target = p.target_or_void(args[0])?;
    let source = p.bits(args[1])?;
    let amount = p.integer(args[2])?;
    let amount = not_negative(amount)?;
    let result = target.map(|target| shifted_out(source.view(), amount).map(|out| (target, out))).transpose()?;
    let (words, width) = source.words();
    change(words, width, amount);
    match result {
        Some((target, out)) => p.finish_bits(target, out),
        None => Ok(Flow::Next),
    }
}

fn rotate(p: &mut Process, args: &[Arg; 4], change: fn(&mut [u64], u32, u64) -> Result<(), TooWide>) -> Outcome {
    let source = p.bits(args[0])?;
    let amount = p.integer(args[1])?;
    let (words, width) = source.words();
    change(words, width, not_negative(amount)?)?;
    Ok(Flow::Next)
}

fn compare(
    p: &mut Process,
    args: &[Arg; 4],
    order: fn(View, View) -> Ordering,
    holds: fn(Ordering) -> bool,
) -> Outcome {
    let target = p.target(args[0])?;
    let (lhs, rhs) = (p.bits(args[1])?, p.bits(args[2])?);
    p.finish_plain(target, Cell::boolean(holds(order(lhs.view(), rhs.view()))))
}

fn step(p: &mut Process, args: &[Arg; 4], rules: Rules, up: bool) -> Outcome {
    let (words, width) = p.bits(args[0])?.words();
    let name = if up { "Increment" } else { "Decrement" };
    bits::step(rules, words, width, up).or_else(|fault| fail(fault, name, rules))?;
    Ok(Flow::Next)
}

fn compute(p: &mut Process, args: &[Arg; 4], operation: Operation, rules: Rules) -> Outcome {
    let target = p.target(args[0])?;
    let (lhs, rhs) = (p.bits(args[1])?, p.bits(args[2])?);
    let name = match operation {
        Operation::Add => "Addition",
        Operation::Subtract => "Subtraction",
        Operation::Multiply => "Multiplication",
        Operation::Divide => "Division",
    };
    let result = bits::compute(operation, rules, lhs.view(), rhs.view()).or_else(|fault| fail(fault, name, rules))?;
    p.finish_bits(target, result)
}

fn fail<T>(fault: Fault, name: &str, rules: Rules) -> Result<T, Raise> {
    let sign = match rules.reading {
        Reading::Signed => "Signed",
        Reading::Unsigned => "Unsigned",
    };
    match fault {
        Fault::Overflow => Raised::text(format!("CheckedArithmetic{name}{sign}Overflow")),
        Fault::DivisionByZero => Raised::text("division by zero"),
        Fault::TooWide(fault) => Err(fault.into()),
    }
}
