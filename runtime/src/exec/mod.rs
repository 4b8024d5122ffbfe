//! What each instruction does, in the generic form: operands in any set and access mode, all checks, all
//! exceptions. One file per group of the reference manual. The fast handlers of [`crate::dispatch`] do the usual
//! cases of the hottest instructions and come here for the rest.

mod bits;
mod calls;
mod closures;
mod exceptions;
mod foreign;
mod io;
mod numbers;
mod processes;
mod registers;
mod structs;
mod texts;
mod vectors;

pub use exceptions::run_block;

use crate::cell::Cell;
use crate::code::{Arg, Cold};
use crate::process::{Process, Status};
use crate::raise::{Raise, Raised};
use crate::scheduler::memory;
use crate::unwind;
use viua_isa::Opcode;

/// How execution goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With the next instruction.
    Next,
    /// With the instruction of that number in the same body.
    Jump(u32),
    /// At `ip`, which has been set: another frame or body runs.
    Entered,
    /// Not now.
    Leave(Status),
}

/// That many elements are copied in about the time of a call.
const COPIED_PER_REDUCTION: u32 = 4;

/// What executing an instruction comes to.
pub type Outcome = Result<Flow, Raise>;

/// Executes the instruction at `ip` in its generic form and sets `ip` to where execution goes on. `Some` if the
/// interpreter has to be left.
///
/// Never inlined: the handler that calls it could no longer end with a jump to the next one, and the native stack would
/// grow with every instruction.
#[inline(never)]
pub fn step(p: &mut Process) -> Option<Status> {
    // SAFETY: there is a running frame, whose body stays as long as it does.
    let body = unsafe { &*(*p.fp).body };
    let number = body.number_of(p.ip);
    // While another thread works for the instruction it cannot be left: the heap is there.
    if p.memory_stop != i64::MAX && p.job.is_none() && memory::allocated() > p.memory_stop {
        return p.exceed_memory();
    }
    let outcome = match body.cold.get(number) {
        Some(cold) => execute(p, cold),
        None => Raised::text(format!("execution ran off the end of {}", body.name.name())),
    };
    if p.heap.copied >= COPIED_PER_REDUCTION {
        // Else a slice could last as long as it takes to copy the largest value, thousands of times.
        p.reductions -= i64::from(std::mem::take(&mut p.heap.copied) / COPIED_PER_REDUCTION);
    }
    match outcome {
        Ok(Flow::Next) => {
            // SAFETY: behind every instruction stands another one or the sentinel.
            p.ip = unsafe { p.ip.add(1) };
            None
        }
        Ok(Flow::Jump(target)) => {
            // SAFETY: targets are checked when the module is loaded.
            p.ip = unsafe { p.ip.offset(target as isize - number as isize) };
            if target as usize <= number {
                p.reductions -= 1;
                if p.reductions < 0 {
                    return Some(Status::Suspended);
                }
            }
            None
        }
        Ok(Flow::Entered) => None,
        Ok(Flow::Leave(status)) => Some(status),
        Err(raise) => unwind::throw(p, raise),
    }
}

fn execute(p: &mut Process, cold: &Cold) -> Outcome {
    let args = &cold.args;
    match cold.opcode {
        Opcode::Nop => Ok(Flow::Next),
        Opcode::Bool => Raised::text("unimplemented instruction: bool"),
        Opcode::Izero | Opcode::Integer | Opcode::Float | Opcode::Iinc | Opcode::Idec => numbers::simple(p, cold),
        Opcode::Itof | Opcode::Ftoi | Opcode::Stoi | Opcode::Stof => numbers::convert(p, cold),
        Opcode::Add | Opcode::Sub | Opcode::Mul | Opcode::Div => numbers::arithmetic(p, cold),
        Opcode::Lt | Opcode::Lte | Opcode::Gt | Opcode::Gte | Opcode::Eq => numbers::compare(p, cold),
        Opcode::Not | Opcode::And | Opcode::Or => numbers::logic(p, cold),
        Opcode::String | Opcode::Text | Opcode::Atom => texts::literal(p, cold),
        Opcode::Streq | Opcode::Texteq | Opcode::Atomeq => texts::equal(p, cold),
        Opcode::Textat => texts::at(p, args),
        Opcode::Textsub => texts::sub(p, args),
        Opcode::Textlength => texts::length(p, args),
        Opcode::Textcommonprefix | Opcode::Textcommonsuffix => texts::common(p, cold),
        Opcode::Textconcat => texts::concat(p, args),
        Opcode::Vector => vectors::pack(p, args),
        Opcode::Vinsert => vectors::insert(p, args),
        Opcode::Vpush => vectors::push(p, args),
        Opcode::Vpop => vectors::pop(p, args),
        Opcode::Vat => vectors::at(p, args),
        Opcode::Vlen => vectors::len(p, args),
        Opcode::Struct => structs::make(p, args),
        Opcode::Structinsert => structs::insert(p, args),
        Opcode::Structremove => structs::remove(p, args),
        Opcode::Structat => structs::at(p, args),
        Opcode::Structkeys => structs::keys(p, args),
        Opcode::Move => registers::take(p, args),
        Opcode::Copy => registers::copied(p, args),
        Opcode::Swap => registers::swap(p, args),
        Opcode::Delete => registers::delete(p, args),
        Opcode::Isnull => registers::is_null(p, args),
        Opcode::Ptr => registers::pointer(p, args),
        Opcode::Ptrlive => registers::pointer_is_live(p, args),
        Opcode::Print | Opcode::Echo => registers::print(p, cold),
        Opcode::Function | Opcode::Closure => closures::make(p, cold),
        Opcode::Capture | Opcode::Capturecopy | Opcode::Capturemove => closures::capture(p, cold),
        Opcode::Frame => calls::frame(p, args),
        Opcode::Call => calls::call(p, args),
        Opcode::Tailcall => calls::tail_call(p, args),
        Opcode::Defer => calls::defer(p, args),
        Opcode::Return => calls::ret(p),
        Opcode::AllocateRegisters => calls::allocate_registers(p, args),
        Opcode::Halt => Ok(Flow::Leave(calls::halt(p))),
        Opcode::Jump => match args[0] {
            Arg::Target(target) => Ok(Flow::Jump(target)),
            _ => Raised::text("jump without a target"),
        },
        Opcode::If => calls::branch(p, args),
        Opcode::Try => exceptions::try_(p),
        Opcode::Catch => exceptions::catch(p, args),
        Opcode::Enter => exceptions::enter(p, args),
        Opcode::Leave => exceptions::leave(p),
        Opcode::Throw => exceptions::throw(p, args),
        Opcode::Draw => exceptions::draw(p, args),
        Opcode::Exception => exceptions::make(p, args),
        Opcode::ExceptionTag => exceptions::tag(p, args),
        Opcode::ExceptionValue => exceptions::value(p, args),
        Opcode::Import => processes::import(p, args),
        Opcode::Process => processes::spawn(p, args),
        Opcode::SelfPid => processes::this(p, args),
        Opcode::Pideq => processes::equal(p, args),
        Opcode::Join => processes::join(p, args),
        Opcode::Send => processes::send(p, args),
        Opcode::Receive => processes::receive(p, args),
        Opcode::Watchdog => processes::watchdog(p, args),
        Opcode::IoRead | Opcode::IoWrite | Opcode::IoClose | Opcode::IoWait | Opcode::IoCancel => io::execute(p, cold),
        _ => bits::execute(p, cold),
    }
}

impl Process {
    /// Stores the result of an instruction and goes on.
    ///
    /// # Safety
    /// `target` must be a register of this process; the cell is given away.
    unsafe fn finish(&mut self, target: *mut Cell, result: Cell) -> Outcome {
        // SAFETY: as promised by the caller.
        unsafe { self.store(target, result) };
        Ok(Flow::Next)
    }
}
