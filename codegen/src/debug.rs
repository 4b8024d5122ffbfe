//! Debug information (modules.md §12.5): positions of instructions, names of registers and labels.

use crate::{DebugLevel, Options};
use rustc_hash::FxHashSet;
use viua_bytecode::{Debug, LineEntry};
use viua_ir::{Body, BodyId, Module};

/// The debug tables of the symbols, which stand in the given order.
pub fn tables(module: &Module, order: &[BodyId], options: &Options) -> Debug {
    let mut debug = Debug::default();
    if options.debug == DebugLevel::None {
        return debug;
    }
    debug.files.push(options.source_path.clone());
    let mut lines = Lines::new(&module.source);
    debug.lines = order
        .iter()
        .map(|id| module.instructions(module.body(*id)).iter().map(|i| lines.entry(i.mnemonic.start)).collect())
        .collect();
    if options.debug == DebugLevel::Full {
        debug.registers = order.iter().map(|id| register_names(module, module.body(*id))).collect();
        debug.labels = order.iter().map(|id| labels(module, module.body(*id))).collect();
    }
    debug
}

/// Lines of the source. Instructions mostly stand one line below the other, so the line found last is tried first.
struct Lines {
    starts: Vec<u32>,
    last: usize,
}

impl Lines {
    fn new(source: &[u8]) -> Lines {
        let mut starts = vec![0];
        starts.extend(source.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at as u32 + 1));
        Lines { starts, last: 0 }
    }

    fn entry(&mut self, offset: u32) -> LineEntry {
        let holds =
            |line: usize| self.starts[line] <= offset && self.starts.get(line + 1).is_none_or(|next| offset < *next);
        let near = (self.last..self.starts.len().min(self.last + 4)).find(|line| holds(*line));
        self.last = near.unwrap_or_else(|| self.starts.partition_point(|start| *start <= offset).saturating_sub(1));
        LineEntry { file: 0, line: self.last as u32 + 1, column: offset - self.starts[self.last] + 1 }
    }
}

/// Index and name, ascending; the first name of a register, and the first register of a name.
fn register_names(module: &Module, body: &Body) -> Vec<(u16, String)> {
    let (mut indexes, mut seen) = (FxHashSet::default(), FxHashSet::default());
    let mut names = Vec::new();
    for name in module.register_names(body) {
        let text = module.text(name.name);
        if let Ok(index) = u16::try_from(name.index)
            && is_usable(text)
            && !seen.contains(text)
            && indexes.insert(index)
        {
            seen.insert(text);
            names.push((index, String::from_utf8_lossy(text).into_owned()));
        }
    }
    names.sort_unstable();
    names
}

/// Whether a register operand can be written with this name: `NAME(::NAME)*`.
fn is_usable(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
        if end == 0 || rest[0].is_ascii_digit() {
            return false;
        }
        match &rest[end..] {
            [] => return true,
            [b':', b':', after @ ..] => rest = after,
            _ => return false,
        }
    }
}

/// Instruction and label, ascending; the first label of a place, and the first place of a label.
fn labels(module: &Module, body: &Body) -> Vec<(u32, String)> {
    let mut seen = FxHashSet::default();
    let mut labels: Vec<(u32, String)> = Vec::new();
    for marker in module.markers(body) {
        let is_first = seen.insert(module.text(marker.label));
        let is_inside = (marker.at as usize) < body.instructions.len();
        if is_first && is_inside && labels.last().is_none_or(|(at, _)| *at != marker.at) {
            labels.push((marker.at, module.lossy(marker.label).into_owned()));
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_found_forwards_and_backwards() {
        let mut lines = Lines::new(b"ab\n\ncd\n\n\n\n\nefg");
        let at = |lines: &mut Lines, offset| {
            let entry = lines.entry(offset);
            (entry.line, entry.column)
        };
        assert_eq!(at(&mut lines, 1), (1, 2));
        assert_eq!(at(&mut lines, 5), (3, 2));
        assert_eq!(at(&mut lines, 12), (8, 2));
        assert_eq!(at(&mut lines, 0), (1, 1));
        assert_eq!(at(&mut lines, 3), (2, 1));
    }

    #[test]
    fn names_must_be_writable() {
        for (name, usable) in [("a", true), ("a::b", true), ("a/0", false), ("5", false), ("a::", false), ("", false)] {
            assert_eq!(is_usable(name.as_bytes()), usable, "{name}");
        }
    }
}
