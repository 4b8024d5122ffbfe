//! I/O requests on the descriptors of the process (runtime.md §7). A request is performed when it is made; what
//! came of it waits in the request until it is collected.

use crate::cell::{Cell, kind};
use crate::output::Output;
use crate::raise::{Raise, Raised, thrown};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;

/// A request that has been performed.
pub struct Request {
    /// The descriptor it was made through.
    pub descriptor: i64,
    outcome: Option<Result<Vec<u8>, i64>>,
}

/// `EBADF`: the descriptor is not open.
const BAD_DESCRIPTOR: i64 = 9;
/// Most that is read at once, however large the limit.
const LARGEST_READ: u64 = 1 << 16;

/// The file behind a descriptor that the program names but does not own.
fn borrowed(descriptor: i64) -> Result<ManuallyDrop<File>, i64> {
    let descriptor = i32::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0).ok_or(BAD_DESCRIPTOR)?;
    // SAFETY: the descriptor is only used for one read or write, which fails if it is not open, and never closed.
    Ok(ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) }))
}

fn errno(error: &std::io::Error) -> i64 {
    error.raw_os_error().map_or(5, i64::from)
}

impl Request {
    /// Reads once, at most `limit` bytes.
    pub fn read(descriptor: i64, limit: u64, output: &Output) -> Request {
        output.flush();
        let outcome = if limit == 0 { Ok(Vec::new()) } else { read_once(descriptor, limit.min(LARGEST_READ)) };
        Request { descriptor, outcome: Some(outcome) }
    }

    /// Writes all bytes; the result is what could not be written.
    pub fn write(descriptor: i64, bytes: Vec<u8>, output: &Output) -> Request {
        output.flush();
        Request { descriptor, outcome: Some(write_all(descriptor, bytes)) }
    }

    /// Takes what came of the request: a string, or the errno as an exception.
    pub fn collect(&mut self) -> Result<Cell, Raise> {
        match self.outcome.take() {
            Some(Ok(bytes)) => Ok(Cell::boxed(kind::STRING, Box::new(bytes))),
            Some(Err(errno)) => Err(thrown(Cell::integer(errno))),
            None => Raised::text("I/O not completed"),
        }
    }
}

fn read_once(descriptor: i64, limit: u64) -> Result<Vec<u8>, i64> {
    let mut file = borrowed(descriptor)?;
    let mut buffer = vec![0; limit as usize];
    loop {
        match file.read(&mut buffer) {
            Ok(count) => {
                buffer.truncate(count);
                return Ok(buffer);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(errno(&error)),
        }
    }
}

fn write_all(descriptor: i64, mut bytes: Vec<u8>) -> Result<Vec<u8>, i64> {
    let mut file = borrowed(descriptor)?;
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => break,
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // After a partial write the rest is the result, not an error.
            Err(_) if written > 0 => break,
            Err(error) => return Err(errno(&error)),
        }
    }
    bytes.drain(..written);
    Ok(bytes)
}
