//! `std::posix::io` (stdlib.md §6).

use super::{Outcome, io_error, path};
use std::fs::File;
use viua_runtime::ffi::{Call, Export, Value};

pub const EXPORTS: &[Export] = &[Export::new("std::posix::io::open/1", open)];

fn open(call: &mut Call) -> Outcome {
    let file = File::open(path(call, 0)?).map_err(|error| io_error(&error))?;
    Ok(Some(Value::port(file.into())))
}
