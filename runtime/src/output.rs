//! Standard output as processes see it: `print` and `echo` write whole pieces into one buffer, which is flushed in
//! order with everything else that the program writes (runtime.md §7.4).

use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// Beyond this many bytes the buffer is written.
const CAPACITY: usize = 1 << 16;

/// The buffer in front of standard output.
pub struct Output {
    buffer: Mutex<Vec<u8>>,
    is_terminal: bool,
}

impl Output {
    /// An empty buffer. On a terminal every line is written at once.
    pub fn new(is_terminal: bool) -> Output {
        Output { buffer: Mutex::default(), is_terminal }
    }

    /// Appends one uninterrupted piece.
    pub fn write(&self, piece: &[u8]) {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(piece);
        if buffer.len() >= CAPACITY || self.is_terminal && piece.ends_with(b"\n") {
            drain(&mut buffer);
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&self) {
        drain(&mut self.buffer.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn drain(buffer: &mut Vec<u8>) {
    if buffer.is_empty() {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(buffer).and_then(|()| stdout.flush());
    buffer.clear();
    if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        // Nobody reads any more: end as an ordinary Unix filter would.
        std::process::exit(141);
    }
}
