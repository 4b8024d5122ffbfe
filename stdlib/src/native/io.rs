//! `std::io`: standard streams, and files as objects (stdlib.md §5).

use super::{Outcome, io_error, path};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use viua_runtime::ffi::{Call, Exception, Export, Object, Value};

pub const EXPORTS: &[Export] = &[
    Export::new("std::io::stdin::getline/0", stdin_getline),
    Export::new("std::io::stdout::write/1", stdout_write),
    Export::new("std::io::stderr::write/1", stderr_write),
    Export::new("std::io::fstream::open/1", open),
    Export::new("std::io::fstream::peek/1", peek),
    Export::new("std::io::fstream::getline/1", getline),
    Export::new("std::io::fstream::getline/2", getline_until),
    Export::new("std::io::fstream::read/1", read),
    Export::new("std::io::fstream::read/2", read_some),
    Export::new("std::io::fstream::write/2", write),
];

fn stdin_getline(call: &mut Call) -> Outcome {
    Ok(Some(Value::string(call.read_line())))
}

fn stdout_write(call: &mut Call) -> Outcome {
    call.write_output(&call.printed(0)?);
    Ok(None)
}

fn stderr_write(call: &mut Call) -> Outcome {
    let form = call.printed(0)?;
    // There is nowhere left to complain to.
    let _ = std::io::stderr().write_all(&form);
    Ok(None)
}

/// A file, and what has been read ahead of its position.
struct Fstream {
    file: Option<File>,
    ahead: Vec<u8>,
    /// Bytes of `ahead` that have been delivered.
    delivered: usize,
}

impl Object for Fstream {
    fn type_name(&self) -> &'static str {
        "Fstream"
    }
    fn is_true(&self) -> bool {
        self.file.is_some()
    }
}

const PIECE: usize = 1 << 13;

impl Fstream {
    /// Reads on. False at the end of the file, and if it cannot be read.
    fn read_ahead(&mut self, wanted: usize) -> bool {
        let Some(file) = &mut self.file else { return false };
        self.ahead.drain(..std::mem::take(&mut self.delivered));
        let filled = self.ahead.len();
        self.ahead.resize(filled + wanted.clamp(1, PIECE), 0);
        let count = loop {
            match file.read(&mut self.ahead[filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result.unwrap_or(0),
            }
        };
        self.ahead.truncate(filled + count);
        count > 0
    }
    fn rest(&self) -> &[u8] {
        &self.ahead[self.delivered..]
    }
    fn deliver(&mut self, count: usize) -> Vec<u8> {
        let bytes = self.rest()[..count].to_vec();
        self.delivered += count;
        bytes
    }
    /// Up to the delimiter, which is consumed, or to the end.
    fn line(&mut self, delimiter: u8) -> Vec<u8> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.rest()[searched..].iter().position(|byte| *byte == delimiter) {
                let mut line = self.deliver(searched + found + 1);
                line.pop();
                return line;
            }
            searched = self.rest().len();
            if !self.read_ahead(PIECE) {
                return self.deliver(searched);
            }
        }
    }
    fn up_to(&mut self, size: usize) -> Vec<u8> {
        while self.rest().len() < size && self.read_ahead(size - self.rest().len()) {}
        self.deliver(size.min(self.rest().len()))
    }
}

fn open(call: &mut Call) -> Outcome {
    let path = path(call, 0)?;
    let file = OpenOptions::new().read(true).write(true).open(&path).or_else(|_| File::open(&path)).ok();
    Ok(Some(Value::object(Fstream { file, ahead: Vec::new(), delivered: 0 })))
}

fn stream<'c>(call: &'c mut Call) -> Result<&'c mut Fstream, Exception> {
    call.object(0, "Fstream")
}

fn peek(call: &mut Call) -> Outcome {
    let stream = stream(call)?;
    if stream.rest().is_empty() {
        stream.read_ahead(PIECE);
    }
    Ok(Some(Value::string(&stream.rest()[..stream.rest().len().min(1)])))
}

fn getline(call: &mut Call) -> Outcome {
    Ok(Some(Value::string(stream(call)?.line(b'\n'))))
}

fn getline_until(call: &mut Call) -> Outcome {
    stream(call)?;
    let delimiter = call.printed(1)?;
    let delimiter = delimiter.first().ok_or_else(|| Exception::text("delimiter cannot be empty"))?;
    Ok(Some(Value::string(stream(call)?.line(*delimiter))))
}

fn read(call: &mut Call) -> Outcome {
    Ok(Some(Value::string(stream(call)?.up_to(usize::MAX))))
}

fn read_some(call: &mut Call) -> Outcome {
    stream(call)?;
    let size = call.integer(1)?;
    let size = usize::try_from(size).map_err(|_| Exception::text("I/O read limit cannot be negative"))?;
    Ok(Some(Value::string(stream(call)?.up_to(size))))
}

/// Writes at the beginning of the file, over what is there.
fn write(call: &mut Call) -> Outcome {
    stream(call)?;
    let data = call.printed(1)?;
    let stream = stream(call)?;
    if let Some(file) = &mut stream.file {
        stream.ahead.clear();
        stream.delivered = 0;
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&data)).map_err(|error| io_error(&error))?;
    }
    Ok(None)
}
