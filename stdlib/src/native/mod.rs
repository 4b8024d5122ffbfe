//! The modules written in Rust, one file each.

pub mod io;
pub mod kitchensink;
pub mod network;
pub mod os;
pub mod paths;
pub mod posix_io;
pub mod random;
pub mod runtime;
pub mod typesystem;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use viua_runtime::ffi::{Call, Exception};

/// What a function comes to: perhaps a value, or an exception.
type Outcome = Result<Option<viua_runtime::ffi::Value>, Exception>;

/// The argument as a path.
fn path(call: &Call, index: usize) -> Result<OsString, Exception> {
    Ok(OsString::from_vec(call.printed(index)?))
}

/// **E**(n) of stdlib.md §1.
fn io_error(error: &std::io::Error) -> Exception {
    // Errors without a number are those of paths that no system call would take.
    let number = error.raw_os_error().unwrap_or(rustix::io::Errno::INVAL.raw_os_error());
    Exception::tagged("IO_error", format!("unknown errno: {number}"))
}
