//! `std::random` (stdlib.md §8): all numbers come from the operating system's generator.

use super::Outcome;
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::File;
use std::io::Read;
use viua_runtime::ffi::{Call, Exception, Export, Value};

pub const EXPORTS: &[Export] = &[
    Export::quick("std::random::random/0", random),
    Export::quick("std::random::randint/2", randint),
    Export::new("std::random::device::random/0", device_random),
    Export::new("std::random::device::urandom/0", device_urandom),
];

/// 64 random bits.
fn bits() -> u64 {
    let mut bytes = [0; 8];
    let mut filled = 0;
    while filled < bytes.len() {
        match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            // Only interruptions are possible once the generator is up.
            Err(_) => continue,
        }
    }
    u64::from_ne_bytes(bytes)
}

fn random(_: &mut Call) -> Outcome {
    // 53 bits are what the mantissa holds.
    Ok(Some(Value::float((bits() >> 11) as f64 / (1u64 << 53) as f64)))
}

fn randint(call: &mut Call) -> Outcome {
    let (a, b) = (call.integer(0)?, call.integer(1)?);
    Ok(Some(Value::integer(uniform(a.min(b), a.max(b), bits))))
}

/// A number from `lower` up to, but not including, `upper`; `lower` if they are equal.
fn uniform(lower: i64, upper: i64, mut bits: impl FnMut() -> u64) -> i64 {
    let span = upper.abs_diff(lower);
    if span == 0 {
        return lower;
    }
    // The largest multiple of the span: numbers beyond it would prefer small results.
    let limit = u64::MAX - u64::MAX % span;
    loop {
        let number = bits();
        if number < limit {
            return lower.wrapping_add_unsigned(number % span);
        }
    }
}

fn device(path: &str) -> Outcome {
    let mut bytes = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|_| Exception::text(format!("failed to open random device: {path}")))?;
    Ok(Some(Value::integer(i32::from_ne_bytes(bytes).into())))
}

fn device_random(_: &mut Call) -> Outcome {
    device("/dev/random")
}

fn device_urandom(_: &mut Call) -> Outcome {
    device("/dev/urandom")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_half_open_and_may_be_negative() {
        assert_eq!(uniform(7, 7, || 1), 7);
        assert_eq!(uniform(-3, -2, || 12345), -3);
        assert_eq!(uniform(i64::MIN, i64::MAX, || u64::MAX - 1), i64::MAX - 1);
        // A number beyond the last whole multiple is thrown away.
        let mut numbers = [u64::MAX, 4].into_iter();
        assert_eq!(uniform(0, 3, || numbers.next().unwrap()), 1);
    }
}
