//! `std::kitchensink` (stdlib.md §10).

use super::Outcome;
use std::time::Duration;
use viua_runtime::ffi::{Call, Exception, Export};

pub const EXPORTS: &[Export] = &[Export::new("std::kitchensink::sleep/1", sleep)];

fn sleep(call: &mut Call) -> Outcome {
    let seconds = call.argument(0)?;
    // Negative numbers, and what is none, do not sleep at all.
    let whole = match (seconds.as_integer(), seconds.as_float()) {
        (Some(seconds), _) => u64::try_from(seconds).unwrap_or(0),
        (None, Some(seconds)) => seconds as u64,
        (None, None) => return Err(Exception::wrong_type("Number", seconds)),
    };
    std::thread::sleep(Duration::from_secs(whole));
    Ok(None)
}
