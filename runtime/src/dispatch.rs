//! The interpreter loop: one handler for each fast operation, and [`slow`] for everything else.
//!
//! A handler ends by calling the handler of the next instruction. The compiler turns that call into a jump as long
//! as no handler keeps anything on the native stack across it (no destructors, no addresses of locals), so the
//! handlers form threaded code. Builds without optimisation, and those with `--cfg viua_trampoline` (sanitizers),
//! return to a loop instead; the handlers are the same.
//!
//! Handlers take registers by byte offset from the first local register and check nothing but types: indexes were
//! checked when the code was decoded. Whatever is unusual (an owned value in the target, a pointed-to or shared
//! source, a type that does not fit) goes to [`slow`], which executes the generic form of the same instruction.

use crate::cell::{Cell, FIRST_OWNED, copy_words, kind, tag};
use crate::code::{Body, Ins, NameSlot};
use crate::element::{point, pointee};
use crate::exec;
use crate::process::{Frame, HEADER, MAX_DEPTH, Process, Status};
use crate::value::{Vector, get};
use bits::{bitand, bitor, bits_of_integer, bitxor, shl, shr, wrapadd, wrapmul, wrapsub};

/// Instructions between two looks at the scheduler are charged at calls and backward jumps only; this many make a
/// slice of some 15 microseconds, against which a switch does not count.
pub const SLICE: i64 = 4000;

/// The operand `a` of a call without a result.
pub const NO_TARGET: u16 = u16::MAX;

type Handler = unsafe fn(*const Ins, *mut Cell, i64, *mut Process) -> Status;

/// Runs a process until that many reductions are used up, or it waits, or it has ended.
pub fn run(p: &mut Process, slice: i64) -> Status {
    p.reductions = slice;
    // SAFETY: the process was left by the interpreter, or is new: ip, base and frame fit together, and all code
    // comes from the decoder.
    unsafe { enter(p) }
}

macro_rules! handlers {
    ($($op:ident $handler:expr,)*) => {
        /// The fast operations; the numbers are indexes into the table of handlers.
        #[allow(non_camel_case_types, missing_docs, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Op { $($op),* }

        static HANDLERS: [Handler; [$(Op::$op),*].len()] = [$($handler),*];
    };
}

handlers! {
    Generic slow,
    Nop nop,
    Zero zero,
    Small small,
    Number number,
    Increment increment,
    Decrement decrement,
    IncrementPointee increment_pointee,
    DecrementPointee decrement_pointee,
    Move move_,
    MoveParameter move_parameter,
    MoveArgument move_argument,
    Copy copy,
    CopyParameter copy_parameter,
    CopyArgument copy_argument,
    Add add,
    Sub sub,
    Mul mul,
    Div div,
    Lt lt,
    Lte lte,
    Gt gt,
    Gte gte,
    Eq eq,
    LtIf lt_if,
    LteIf lte_if,
    GtIf gt_if,
    GteIf gte_if,
    EqIf eq_if,
    Itof itof,
    Ftoi ftoi,
    Not not,
    If if_,
    IfPointee if_pointee,
    Jump jump,
    Frame frame,
    Call call,
    FrameCall1 frame_call::<1>,
    FrameCall2 frame_call::<2>,
    FrameCall3 frame_call::<3>,
    Return return_,
    Vat vat,
    Vpush vpush,
    Vlen vlen,
    Bitand bitand,
    Bitor bitor,
    Bitxor bitxor,
    Wrapadd wrapadd,
    Wrapsub wrapsub,
    Wrapmul wrapmul,
    ShlToVoid shl,
    ShrToVoid shr,
    BitsOfInteger bits_of_integer,
    Traced traced,
}

/// Goes on with the instruction at `ip`.
#[cfg(not(any(debug_assertions, viua_trampoline)))]
macro_rules! next {
    ($ip:expr, $base:expr, $red:expr, $p:expr) => {{
        let ip = $ip;
        $crate::dispatch::HANDLERS.get_unchecked((*ip).op as usize)(ip, $base, $red, $p)
    }};
}

#[cfg(any(debug_assertions, viua_trampoline))]
macro_rules! next {
    ($ip:expr, $base:expr, $red:expr, $p:expr) => {{
        let ip = $ip;
        (*$p).ip = ip;
        (*$p).base = $base;
        (*$p).reductions = $red;
        Status::Continue
    }};
}

// Behind the macro that its handlers end with.
mod bits;

#[cfg(not(any(debug_assertions, viua_trampoline)))]
unsafe fn enter(p: &mut Process) -> Status {
    // SAFETY: as promised by the caller.
    unsafe { next!(p.ip, p.base, p.reductions, p) }
}

#[cfg(any(debug_assertions, viua_trampoline))]
unsafe fn enter(p: &mut Process) -> Status {
    loop {
        // SAFETY: as promised by the caller; the decoder writes no other operations.
        let status = unsafe { HANDLERS[(*p.ip).op as usize](p.ip, p.base, p.reductions, p) };
        if status != Status::Continue {
            return status;
        }
    }
}

#[inline(always)]
unsafe fn at(base: *mut Cell, offset: u16) -> *mut Cell {
    // SAFETY: the decoder has checked the offset.
    unsafe { base.byte_add(offset as usize) }
}

#[inline(always)]
unsafe fn is_owned(cell: *const Cell) -> bool {
    // SAFETY: the low byte of the tag word comes first in memory.
    unsafe { *cell.cast::<u8>() >= FIRST_OWNED }
}

#[inline(always)]
unsafe fn set(cell: *mut Cell, tag: u64, payload: u64) {
    // SAFETY: the cell is a register.
    unsafe {
        (*cell).tag = tag;
        (*cell).payload = payload;
    }
}

/// Executes the generic form of the instruction.
#[inline(never)]
unsafe fn slow(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: this is the state that `exec::step` expects.
    unsafe {
        (*p).ip = ip;
        (*p).base = base;
        (*p).reductions = red;
        match exec::step(&mut *p) {
            None => next!((*p).ip, (*p).base, (*p).reductions, p),
            Some(status) => status,
        }
    }
}

/// As [`slow`], in a machine that traces.
#[inline(never)]
unsafe fn traced(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: as in `slow`.
    unsafe {
        (*p).ip = ip;
        (*p).base = base;
        (*p).reductions = red;
        crate::trace::line(&*p);
        slow(ip, base, red, p)
    }
}

/// Leaves the interpreter; `ip` is the instruction to go on with.
#[inline(never)]
unsafe fn suspend(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: `p` is the running process.
    unsafe {
        (*p).ip = ip;
        (*p).base = base;
        (*p).reductions = red;
    }
    Status::Suspended
}

/// Goes `distance` instructions on; back edges are charged.
macro_rules! go {
    ($ip:expr, $distance:expr, $base:expr, $red:expr, $p:expr) => {{
        let distance = $distance as isize;
        let ip = $ip.offset(distance);
        if distance <= 0 {
            let red = $red - 1;
            if red < 0 {
                return suspend(ip, $base, red, $p);
            }
            next!(ip, $base, red, $p)
        } else {
            next!(ip, $base, $red, $p)
        }
    }};
}

/// Keeps the compiler from merging the two ends of a branch into one that waits for the data.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block)] // nothing is read through it
fn apart(ip: *const Ins) -> *const Ins {
    #[cfg(target_arch = "x86_64")]
    {
        let mut ip = ip;
        // SAFETY: the assembly is a comment.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) ip, options(nomem, nostack, preserves_flags)) };
        ip
    }
    #[cfg(not(target_arch = "x86_64"))]
    ip
}

macro_rules! branch {
    ($condition:expr, $ins:expr, $ip:expr, $base:expr, $red:expr, $p:expr) => {{
        if $condition {
            go!(apart($ip), (*$ins).b as i16, $base, $red, $p)
        } else {
            go!($ip, (*$ins).c as i16, $base, $red, $p)
        }
    }};
}

unsafe fn nop(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { next!(ip.add(1), base, red, p) }
}

unsafe fn zero(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let target = at(base, (*ip).a);
        if is_owned(target) {
            return slow(ip, base, red, p);
        }
        set(target, tag::INTEGER, 0);
        next!(ip.add(1), base, red, p)
    }
}

/// An integer that fits 16 bits.
unsafe fn small(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let target = at(base, (*ip).a);
        if is_owned(target) {
            return slow(ip, base, red, p);
        }
        set(target, tag::INTEGER, (*ip).b as i16 as i64 as u64);
        next!(ip.add(1), base, red, p)
    }
}

/// A number from the pool of the body.
unsafe fn number(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let target = at(base, (*ip).a);
        if is_owned(target) {
            return slow(ip, base, red, p);
        }
        let numbers = (*(*(*p).fp).body).numbers.as_ptr();
        copy_words(numbers.add((*ip).b as usize), target);
        next!(ip.add(1), base, red, p)
    }
}

macro_rules! step {
    ($name:ident, $pointee_name:ident, $step:ident) => {
        unsafe fn $name(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module.
            unsafe {
                let place = at(base, (*ip).a);
                if (*place).tag != tag::INTEGER {
                    return slow(ip, base, red, p);
                }
                (*place).payload = (*place).payload.$step(1);
                next!(ip.add(1), base, red, p)
            }
        }
        unsafe fn $pointee_name(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module; the slot of a live pointer is in use.
            unsafe {
                let pointer = *at(base, (*ip).a);
                let Some(place) = pointee(pointer) else { return slow(ip, base, red, p) };
                if (*place).tag != tag::INTEGER {
                    return slow(ip, base, red, p);
                }
                (*place).payload = (*place).payload.$step(1);
                next!(ip.add(1), base, red, p)
            }
        }
    };
}
step!(increment, increment_pointee, wrapping_add);
step!(decrement, decrement_pointee, wrapping_sub);

/// Moves a cell. The source is cleared before the target is written, since they may be the same.
macro_rules! move_cell {
    ($source:expr, $target:expr, $ip:expr, $base:expr, $red:expr, $p:expr) => {{
        let (source, target) = ($source, $target);
        if is_owned(target) {
            return slow($ip, $base, $red, $p);
        }
        let tag = std::ptr::read_volatile(&raw const (*source).tag);
        let payload = std::ptr::read_volatile(&raw const (*source).payload);
        (*source).tag = kind::EMPTY as u64;
        set(target, tag, payload);
        next!($ip.add(1), $base, $red, $p)
    }};
}

/// Copies a cell that owns nothing and is not empty.
macro_rules! copy_cell {
    ($source:expr, $target:expr, $ip:expr, $base:expr, $red:expr, $p:expr) => {{
        let (source, target) = ($source, $target);
        if is_owned(target) || is_owned(source) || (*source).is_empty() {
            return slow($ip, $base, $red, $p);
        }
        copy_words(source, target);
        next!($ip.add(1), $base, $red, $p)
    }};
}

/// The parameter with that index, or the slow path if there is none.
macro_rules! parameter {
    ($index:expr, $ip:expr, $base:expr, $red:expr, $p:expr) => {{
        let (frame, index) = ((*$p).fp, $index);
        if index >= (*frame).argc {
            return slow($ip, $base, $red, $p);
        }
        frame.cast::<Cell>().sub(index as usize + 1)
    }};
}

/// The argument with that index, or the slow path if there is none.
macro_rules! argument {
    ($index:expr, $ip:expr, $base:expr, $red:expr, $p:expr) => {{
        let index = $index as u32;
        if index >= (*$p).pending_count {
            return slow($ip, $base, $red, $p);
        }
        (*$p).pending.cast::<Cell>().sub(index as usize + 1)
    }};
}

unsafe fn move_(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { move_cell!(at(base, (*ip).b), at(base, (*ip).a), ip, base, red, p) }
}
unsafe fn move_parameter(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { move_cell!(parameter!((*ip).b, ip, base, red, p), at(base, (*ip).a), ip, base, red, p) }
}
unsafe fn move_argument(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { move_cell!(at(base, (*ip).b), argument!((*ip).a, ip, base, red, p), ip, base, red, p) }
}
unsafe fn copy(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { copy_cell!(at(base, (*ip).b), at(base, (*ip).a), ip, base, red, p) }
}
unsafe fn copy_parameter(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { copy_cell!(parameter!((*ip).b, ip, base, red, p), at(base, (*ip).a), ip, base, red, p) }
}
unsafe fn copy_argument(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { copy_cell!(at(base, (*ip).b), argument!((*ip).a, ip, base, red, p), ip, base, red, p) }
}

/// `$integer` and `$float` compute the payload of the result, or `None` for the slow path.
macro_rules! arithmetic {
    ($name:ident, $integer:expr, $float:expr) => {
        unsafe fn $name(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module.
            unsafe {
                let (target, x, y) = (at(base, (*ip).a), at(base, (*ip).b), at(base, (*ip).c));
                if is_owned(target) {
                    return slow(ip, base, red, p);
                }
                if (*x).tag == tag::INTEGER && (*y).tag == tag::INTEGER {
                    let integer: fn(i64, i64) -> Option<i64> = $integer;
                    let Some(result) = integer((*x).payload as i64, (*y).payload as i64) else {
                        return slow(ip, base, red, p);
                    };
                    set(target, tag::INTEGER, result as u64);
                } else if (*x).tag == tag::FLOAT && (*y).tag == tag::FLOAT {
                    let float: fn(f64, f64) -> Option<f64> = $float;
                    let Some(result) = float((*x).as_float(), (*y).as_float()) else {
                        return slow(ip, base, red, p);
                    };
                    set(target, tag::FLOAT, result.to_bits());
                } else {
                    return slow(ip, base, red, p);
                }
                next!(ip.add(1), base, red, p)
            }
        }
    };
}
arithmetic!(add, |x, y| Some(x.wrapping_add(y)), |x, y| Some(x + y));
arithmetic!(sub, |x, y| Some(x.wrapping_sub(y)), |x, y| Some(x - y));
arithmetic!(mul, |x, y| Some(x.wrapping_mul(y)), |x, y| Some(x * y));
arithmetic!(div, |x, y| (y != 0).then(|| x.wrapping_div(y)), |x, y| (y != 0.0).then_some(x / y));

/// A comparison, and the same with the `if` behind it that branches on its result.
macro_rules! comparison {
    ($name:ident, $fused:ident, $operator:tt) => {
        unsafe fn $name(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module.
            unsafe {
                let (target, x, y) = (at(base, (*ip).a), at(base, (*ip).b), at(base, (*ip).c));
                if is_owned(target) {
                    return slow(ip, base, red, p);
                }
                let result = if (*x).tag == tag::INTEGER && (*y).tag == tag::INTEGER {
                    ((*x).payload as i64) $operator ((*y).payload as i64)
                } else if (*x).tag == tag::FLOAT && (*y).tag == tag::FLOAT {
                    (*x).as_float() $operator (*y).as_float()
                } else {
                    return slow(ip, base, red, p);
                };
                set(target, tag::BOOLEAN, result as u64);
                next!(ip.add(1), base, red, p)
            }
        }
        unsafe fn $fused(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module; the decoder fuses only with an `if` behind it.
            unsafe {
                let (target, x, y) = (at(base, (*ip).a), at(base, (*ip).b), at(base, (*ip).c));
                if is_owned(target) {
                    return slow(ip, base, red, p);
                }
                let ip = ip.add(1);
                if (*x).tag == tag::INTEGER && (*y).tag == tag::INTEGER {
                    let result = ((*x).payload as i64) $operator ((*y).payload as i64);
                    set(target, tag::BOOLEAN, result as u64);
                    branch!(result, ip, ip, base, red, p)
                } else if (*x).tag == tag::FLOAT && (*y).tag == tag::FLOAT {
                    let result = (*x).as_float() $operator (*y).as_float();
                    set(target, tag::BOOLEAN, result as u64);
                    branch!(result, ip, ip, base, red, p)
                } else {
                    slow(ip.sub(1), base, red, p)
                }
            }
        }
    };
}
comparison!(lt, lt_if, <);
comparison!(lte, lte_if, <=);
comparison!(gt, gt_if, >);
comparison!(gte, gte_if, >=);
comparison!(eq, eq_if, ==);

unsafe fn itof(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let (target, source) = (at(base, (*ip).a), at(base, (*ip).b));
        if is_owned(target) || (*source).tag != tag::INTEGER {
            return slow(ip, base, red, p);
        }
        set(target, tag::FLOAT, ((*source).as_integer() as f64).to_bits());
        next!(ip.add(1), base, red, p)
    }
}

unsafe fn ftoi(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let (target, source) = (at(base, (*ip).a), at(base, (*ip).b));
        if is_owned(target) || (*source).tag != tag::FLOAT {
            return slow(ip, base, red, p);
        }
        set(target, tag::INTEGER, (*source).as_float() as i64 as u64);
        next!(ip.add(1), base, red, p)
    }
}

unsafe fn not(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let (target, source) = (at(base, (*ip).a), at(base, (*ip).b));
        if is_owned(target) || !matches!((*source).tag, tag::INTEGER | tag::BOOLEAN) {
            return slow(ip, base, red, p);
        }
        set(target, tag::BOOLEAN, u64::from((*source).payload == 0));
        next!(ip.add(1), base, red, p)
    }
}

unsafe fn if_(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe {
        let condition = at(base, (*ip).a);
        if !matches!((*condition).tag, tag::INTEGER | tag::BOOLEAN) {
            return slow(ip, base, red, p);
        }
        branch!((*condition).payload != 0, ip, ip, base, red, p)
    }
}

unsafe fn if_pointee(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the slot of a live pointer is in use.
    unsafe {
        let pointer = *at(base, (*ip).a);
        let Some(place) = pointee(pointer) else { return slow(ip, base, red, p) };
        if !matches!((*place).tag, tag::INTEGER | tag::BOOLEAN) {
            return slow(ip, base, red, p);
        }
        branch!((*place).payload != 0, ip, ip, base, red, p)
    }
}

/// The distance is 32 bits wide, in `a` and `b`.
unsafe fn jump(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module.
    unsafe { go!(ip, ((*ip).a as u32 | ((*ip).b as u32) << 16) as i32, base, red, p) }
}

unsafe fn frame(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the frame being prepared lies above the locals of the running one.
    unsafe {
        let running = (*p).fp;
        let count = (*ip).a as usize;
        let header = running.cast::<Cell>().add(HEADER + (*running).locals as usize + count);
        if !(*p).pending.is_null() || header.add(HEADER) > (*p).limit {
            return slow(ip, base, red, p);
        }
        (*p).pending = header.cast();
        (*p).pending_count = count as u32;
        next!(ip.add(1), base, red, p)
    }
}

/// `frame`, its passes and the `call` in one, when they stand one behind the other: the decoder sees to it that the
/// next `N` instructions each fill another slot from another local register, and that the call follows. Whatever is
/// unusual sends it to [`frame`], which does the first of these instructions only.
unsafe fn frame_call<const N: usize>(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; as `frame`, `copy_argument`, `move_argument` and `call`.
    unsafe {
        let caller = (*p).fp;
        let call = ip.add(N + 1);
        let slot: &NameSlot = *(*(*caller).body).callees.as_ptr().add((*call).b as usize | ((*call).c as usize) << 16);
        let body: *const Body = slot.function();
        let frame = caller.cast::<Cell>().add(HEADER + (*caller).locals as usize + N);
        if red <= 0 || body.is_null() || !(*p).pending.is_null() || (*p).depth > MAX_DEPTH {
            return self::frame(ip, base, red, p);
        }
        let locals = (*body).locals;
        let new_base = frame.add(HEADER);
        if new_base.add(locals as usize) > (*p).limit {
            return self::frame(ip, base, red, p);
        }
        for pass in 1..=N {
            let source = at(base, (*ip.add(pass)).b);
            if is_owned(source) || (*source).is_empty() {
                return self::frame(ip, base, red, p);
            }
        }
        for pass in 1..=N {
            let pass = ip.add(pass);
            let source = at(base, (*pass).b);
            copy_words(source, frame.sub((*pass).a as usize + 1));
            if (*pass).op == Op::MoveArgument as u16 {
                (*source).tag = kind::EMPTY as u64;
            }
        }
        (*caller).ip = call;
        let frame: *mut Frame = frame.cast();
        (*frame).body = body;
        (*frame).delta = ((*caller).locals as usize + N + HEADER) as u32;
        (*frame).locals = locals;
        (*frame).argc = N as u16;
        (*frame).extra = std::ptr::null_mut();
        (*p).fp = frame;
        (*p).depth += 1;
        next!((*body).entry, new_base, red - 1, p)
    }
}

unsafe fn call(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the new frame lies above the running one, and there is room for its locals.
    unsafe {
        let (caller, frame) = ((*p).fp, (*p).pending);
        let slot: &NameSlot = *(*(*caller).body).callees.as_ptr().add((*ip).b as usize | ((*ip).c as usize) << 16);
        let body: *const Body = slot.function();
        if red <= 0 || body.is_null() || frame.is_null() || (*p).depth > MAX_DEPTH {
            return slow(ip, base, red, p);
        }
        let locals = (*body).locals;
        let new_base = frame.cast::<Cell>().add(HEADER);
        if new_base.add(locals as usize) > (*p).limit {
            return slow(ip, base, red, p);
        }
        (*caller).ip = ip;
        (*frame).body = body;
        (*frame).delta = frame.cast::<Cell>().offset_from(caller.cast::<Cell>()) as u32;
        (*frame).locals = locals;
        (*frame).argc = (*p).pending_count as u16;
        (*frame).extra = std::ptr::null_mut();
        (*p).fp = frame;
        (*p).pending = std::ptr::null_mut();
        (*p).pending_count = 0;
        (*p).depth += 1;
        next!((*body).entry, new_base, red - 1, p)
    }
}

/// Returns from a frame that has nothing unusual about it to one that has not either. Nothing is changed before it
/// is certain that nothing is raised; registers that were cleared before an owned one is met do not matter any more.
unsafe fn return_(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the caller's `ip` stands at its call.
    unsafe {
        let frame = (*p).fp;
        let delta = (*frame).delta as usize;
        if delta == 0 || !(*frame).extra.is_null() || !(*p).pending.is_null() || (*p).try_owner == frame {
            return slow(ip, base, red, p);
        }
        let caller: *mut Frame = frame.cast::<Cell>().sub(delta).cast();
        let back = (*caller).ip;
        let locals = (*frame).locals as usize;
        if !(*caller).extra.is_null() || (*back).op != Op::Call as u16 || locals == 0 {
            return slow(ip, base, red, p);
        }
        let caller_base = caller.cast::<Cell>().add(HEADER);
        let wanted = (*back).a != NO_TARGET;
        let target = if wanted { at(caller_base, (*back).a) } else { base };
        if wanted && (is_owned(target) || (*base).is_empty()) {
            return slow(ip, base, red, p);
        }
        let header = frame.cast::<Cell>();
        // From the last local down to the second, then the parameters.
        let mut cell = base.add(locals);
        let first = base.add(usize::from(wanted));
        while cell > first {
            cell = cell.sub(1);
            if is_owned(cell) {
                return slow(ip, base, red, p);
            }
            (*cell).tag = kind::EMPTY as u64;
        }
        cell = header;
        let last = header.sub((*frame).argc as usize);
        while cell > last {
            cell = cell.sub(1);
            if is_owned(cell) {
                return slow(ip, base, red, p);
            }
            (*cell).tag = kind::EMPTY as u64;
        }
        if wanted {
            copy_words(base, target);
            (*base).tag = kind::EMPTY as u64;
        }
        (*header).tag = kind::EMPTY as u64;
        (*header.add(1)).tag = kind::EMPTY as u64;
        (*p).fp = caller;
        (*p).depth -= 1;
        next!(back.add(1), caller_base, red, p)
    }
}

unsafe fn vat(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the kind tells the type.
    unsafe {
        let (target, container, index) = (at(base, (*ip).a), *at(base, (*ip).b), at(base, (*ip).c));
        if is_owned(target) || container.kind() != kind::VECTOR || (*index).tag != tag::INTEGER {
            return slow(ip, base, red, p);
        }
        let vector: *mut Vector = container.address();
        let index = (*index).payload as usize;
        if index >= (*vector).elements.len() {
            return slow(ip, base, red, p);
        }
        let pointer = point(&mut (*p).heap, vector, index);
        set(target, pointer.tag, pointer.payload);
        next!(ip.add(1), base, red, p)
    }
}

unsafe fn vpush(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the kind tells the type.
    unsafe {
        let (container, source) = (*at(base, (*ip).a), at(base, (*ip).b));
        let movable = !matches!((*source).kind(), kind::EMPTY | kind::SHARED);
        if container.kind() != kind::VECTOR || !movable || (*ip).a == (*ip).b {
            return slow(ip, base, red, p);
        }
        let value = *source;
        (*source).tag = kind::EMPTY as u64;
        get::<Vector>(container).elements.push(value);
        next!(ip.add(1), base, red, p)
    }
}

unsafe fn vlen(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module; the kind tells the type.
    unsafe {
        let (target, container) = (at(base, (*ip).a), *at(base, (*ip).b));
        if is_owned(target) || container.kind() != kind::VECTOR {
            return slow(ip, base, red, p);
        }
        let length = get::<Vector>(container).elements.len();
        set(target, tag::INTEGER, length as u64);
        next!(ip.add(1), base, red, p)
    }
}
