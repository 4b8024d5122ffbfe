//! The debug sections: line table, register names, labels (modules.md §12.5).
//!
//! One item per symbol, each beginning with its number of entries; numbers are LEB128, in their shortest form. A
//! line table entry is the distance in lines from the entry before (zigzag, doubled, plus one if the file changes),
//! the file if it changes, and the column: two bytes for most instructions.

use crate::module::{LineEntry, Symbol};

/// Writes the line table; nothing if it is empty. Returns the number of items.
pub(crate) fn write_lines(lines: &[Vec<LineEntry>], out: &mut Vec<u8>) -> usize {
    if lines.iter().all(Vec::is_empty) {
        return 0;
    }
    for body in lines {
        put(out, body.len() as u64);
        let (mut line, mut file) = (0, 0);
        for entry in body {
            let distance = i64::from(entry.line) - i64::from(line);
            let zigzag = ((distance << 1) ^ (distance >> 63)) as u64;
            put(out, zigzag << 1 | u64::from(entry.file != file));
            if entry.file != file {
                put(out, u64::from(entry.file));
            }
            put(out, u64::from(entry.column));
            (line, file) = (entry.line, entry.file);
        }
    }
    lines.len()
}

/// Writes names of registers or labels, sorted by their number; nothing if there are none. Returns the number of items.
pub(crate) fn write_names<N: Copy + Ord + Into<u64>>(names: &[Vec<(N, String)>], out: &mut Vec<u8>) -> usize {
    if names.iter().all(Vec::is_empty) {
        return 0;
    }
    for body in names {
        put(out, body.len() as u64);
        let mut sorted: Vec<_> = body.iter().collect();
        sorted.sort_by_key(|(number, _)| *number);
        for (number, name) in sorted {
            put(out, (*number).into());
            put(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
        }
    }
    names.len()
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Why a debug section is ignored: where in the section, and what.
pub(crate) type Fault = (usize, &'static str);

/// Reads a line table. Allocates in proportion to the bytes present.
pub(crate) fn read_lines(bytes: &[u8], symbols: &[Symbol], files: usize) -> Result<Vec<Vec<LineEntry>>, Fault> {
    let mut input = Input { bytes, at: 0 };
    let mut lines = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let count = input.number()?;
        if count != 0 && count != u64::from(symbol.instructions) {
            return input.fault("not one line entry per instruction");
        }
        let count = input.count(count, 2)?;
        let mut body = Vec::with_capacity(count);
        let (mut line, mut file) = (0i64, 0u64);
        for _ in 0..count {
            let head = input.number()?;
            let zigzag = head >> 1;
            let distance = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            line = line.saturating_add(distance);
            if head & 1 == 1 {
                let next = input.number()?;
                if next == file {
                    return input.fault("change to the same file");
                }
                file = next;
            }
            let column = input.number()?;
            match (u32::try_from(line), u32::try_from(column)) {
                (Ok(line @ 1..), Ok(column @ 1..)) if file < files as u64 => {
                    body.push(LineEntry { file: file as u32, line, column });
                }
                _ => return input.fault("position out of range"),
            }
        }
        lines.push(body);
    }
    input.finish(lines)
}

/// Reads names; `largest` tells the largest number that is legal in a symbol.
pub(crate) fn read_names<N: TryFrom<u64>>(
    bytes: &[u8],
    symbols: &[Symbol],
    largest: impl Fn(&Symbol) -> u64,
) -> Result<Vec<Vec<(N, String)>>, Fault> {
    let mut input = Input { bytes, at: 0 };
    let mut names = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let count = input.number()?;
        let count = input.count(count, 2)?;
        let mut body = Vec::with_capacity(count);
        let mut least = 0;
        for _ in 0..count {
            let number = input.number()?;
            if number < least {
                return input.fault("not in ascending order");
            }
            if number > largest(symbol) {
                return input.fault("number out of range");
            }
            least = number;
            let length = input.number()?;
            let length = input.count(length, 1)?;
            let name = std::str::from_utf8(&input.bytes[input.at..input.at + length]);
            match (N::try_from(number), name) {
                (Ok(number), Ok(name)) if !name.is_empty() => body.push((number, name.to_owned())),
                _ => return input.fault("not a name"),
            }
            input.at += length;
        }
        names.push(body);
    }
    input.finish(names)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err((self.at, what))
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else { return self.fault("section ends early") };
            let bits = u64::from(byte & 0x7f);
            // The last byte may not be zero (a shorter form exists), and no bit may fall off the end.
            if (bits << shift) >> shift != bits || (byte == 0 && shift > 0) {
                return self.fault("number is not in its shortest form");
            }
            value |= bits << shift;
            self.at += 1;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        self.fault("number is too long")
    }

    /// Checks a count of things of at least `size` bytes against the bytes that are left.
    fn count(&self, count: u64, size: usize) -> Result<usize, Fault> {
        match usize::try_from(count) {
            Ok(count) if count <= (self.bytes.len() - self.at) / size => Ok(count),
            _ => self.fault("count is larger than the section"),
        }
    }

    fn finish<T>(&self, items: Vec<Vec<T>>) -> Result<Vec<Vec<T>>, Fault> {
        if self.at != self.bytes.len() {
            return self.fault("bytes after the last item");
        }
        // Such a section is not written.
        if items.iter().all(Vec::is_empty) {
            return self.fault("no entries");
        }
        Ok(items)
    }
}
