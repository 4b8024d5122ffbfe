//! The bit instructions that hashes and random numbers are made of, on strings of up to 64 bits in local registers.
//!
//! The bits above the width are zero in the operands and have to be in the result. What cannot set any needs no
//! mask, so the handlers differ in what they ask of the widths.

use super::{at, is_owned, set, slow};
use crate::cell::{Cell, kind, tag};
use crate::code::Ins;
use crate::process::{Process, Status};

/// The tag word of 64 bits.
const BITS_64: u64 = kind::BITS as u64 | 64 << 8;

/// The bits that a string with that tag word has. None of width 0 is ever set, so all may pass for it.
#[inline(always)]
fn mask(tag: u64) -> u64 {
    u64::MAX >> ((tag >> 8).wrapping_neg() % 64)
}

/// `$fits` judges the tag words of two bit strings; `$compute` makes the payload of the result from the payloads and
/// the tag word of the first, which is also that of the result.
macro_rules! binary {
    ($name:ident, $fits:expr, $compute:expr) => {
        pub unsafe fn $name(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module above.
            unsafe {
                let (target, x, y) = (at(base, (*ip).a), at(base, (*ip).b), at(base, (*ip).c));
                let fits: fn(u64, u64) -> bool = $fits;
                let tag = (*x).tag;
                if is_owned(target) || tag as u8 != kind::BITS || !fits(tag, (*y).tag) {
                    return slow(ip, base, red, p);
                }
                let compute: fn(u64, u64, u64) -> u64 = $compute;
                set(target, tag, compute((*x).payload, (*y).payload, tag));
                next!(ip.add(1), base, red, p)
            }
        }
    };
}
binary!(bitand, |_, y| y as u8 == kind::BITS, |x, y, _| x & y);
binary!(bitor, |x, y| x == y, |x, y, _| x | y);
binary!(bitxor, |x, y| x == y, |x, y, _| x ^ y);
binary!(wrapadd, |_, y| y as u8 == kind::BITS, |x, y, tag| x.wrapping_add(y) & mask(tag));
binary!(wrapsub, |_, y| y as u8 == kind::BITS, |x, y, tag| x.wrapping_sub(y) & mask(tag));
binary!(wrapmul, |_, y| y as u8 == kind::BITS, |x, y, tag| x.wrapping_mul(y) & mask(tag));

/// Shifts to `void`.
macro_rules! shift {
    ($name:ident, $operator:tt) => {
        pub unsafe fn $name(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
            // SAFETY: see the module above.
            unsafe {
                let (source, amount) = (at(base, (*ip).b), at(base, (*ip).c));
                let tag = (*source).tag;
                if tag as u8 != kind::BITS || (*amount).tag != tag::INTEGER || (*amount).payload >= 64 {
                    return slow(ip, base, red, p);
                }
                (*source).payload = (*source).payload $operator (*amount).payload & mask(tag);
                next!(ip.add(1), base, red, p)
            }
        }
    };
}
shift!(shl, <<);
shift!(shr, >>);

pub unsafe fn bits_of_integer(ip: *const Ins, base: *mut Cell, red: i64, p: *mut Process) -> Status {
    // SAFETY: see the module above.
    unsafe {
        let (target, source) = (at(base, (*ip).a), at(base, (*ip).b));
        if is_owned(target) || (*source).tag != tag::INTEGER || (*source).as_integer() < 0 {
            return slow(ip, base, red, p);
        }
        set(target, BITS_64, (*source).payload);
        next!(ip.add(1), base, red, p)
    }
}
