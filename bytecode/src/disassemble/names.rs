//! How places and registers are called in the disassembly of a body: `L7` and `%1`, or the names that debug
//! information has for them, where these would be understood when the text is assembled again.

use crate::instruction::Operand;
use crate::module::Module;
use crate::names::{is_label, is_module_name};
use std::borrow::Cow;
use std::collections::HashMap;
use viua_isa::RegisterSet;

/// The names of one body.
pub(super) struct BodyNames<'a> {
    /// The instructions that are jumped to, ascending.
    targets: Vec<u32>,
    labels: HashMap<u32, &'a str>,
    declared: Vec<(u16, &'a str)>,
    registers: HashMap<u16, &'a str>,
}

impl<'a> BodyNames<'a> {
    /// Collects them. O(length of the body).
    pub(super) fn of(module: &'a Module, symbol: usize, without_names: bool) -> BodyNames<'a> {
        let mut targets = Vec::new();
        for instruction in module.instructions(&module.symbols[symbol]) {
            targets.extend(instruction.operands().iter().filter_map(|operand| match operand {
                Operand::Target(number) => Some(*number),
                _ => None,
            }));
        }
        targets.sort_unstable();
        targets.dedup();
        let mut names = BodyNames { targets, labels: HashMap::new(), declared: Vec::new(), registers: HashMap::new() };
        if !without_names {
            names.take_labels(module.debug.labels.get(symbol).map_or(&[], Vec::as_slice));
            names.take_registers(module.debug.registers.get(symbol).map_or(&[], Vec::as_slice));
        }
        names
    }

    fn take_labels(&mut self, labels: &'a [(u32, String)]) {
        let mut places: HashMap<&str, Option<u32>> = HashMap::new();
        for (number, label) in labels {
            // A label at two places is ambiguous, and so is one that looks like that of another place.
            let own = places.entry(label).or_insert(Some(*number));
            if *own != Some(*number) || label_number(label).is_some_and(|other| other != u64::from(*number)) {
                *own = None;
            }
        }
        for (number, label) in labels {
            let is_good = is_label(label) && !viua_isa::is_reserved_word(label);
            if is_good && places.get(label.as_str()) == Some(&Some(*number)) {
                self.labels.entry(*number).or_insert(label);
            }
        }
    }

    fn take_registers(&mut self, registers: &'a [(u16, String)]) {
        let mut taken: HashMap<&str, u16> = HashMap::new();
        for (index, name) in registers {
            // Names that operands cannot use are allowed in a source; a name that was bound again is not repeated.
            let usable =
                is_module_name(name) && !viua_isa::is_reserved_word(name) && viua_isa::register_set_of(name).is_none();
            if usable && !taken.contains_key(name.as_str()) {
                taken.insert(name, *index);
                self.declared.push((*index, name));
                self.registers.entry(*index).or_insert(name);
            }
        }
    }

    /// The instructions that need a label, ascending.
    pub(super) fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// The label of an instruction.
    pub(super) fn label(&self, number: u32) -> Cow<'a, str> {
        match self.labels.get(&number) {
            Some(label) => Cow::Borrowed(label),
            None => Cow::Owned(format!("L{number}")),
        }
    }

    /// The named registers, to be declared.
    pub(super) fn declared(&self) -> &[(u16, &'a str)] {
        &self.declared
    }

    /// The name of a register. A name belongs to an index, whatever the set; but what is passed to and from calls
    /// has indexes of its own, and would only be confused with the variables of the body.
    pub(super) fn register(&self, index: u16, set: RegisterSet) -> Option<&'a str> {
        match set {
            RegisterSet::Local | RegisterSet::Static | RegisterSet::Global => self.registers.get(&index).copied(),
            RegisterSet::Arguments | RegisterSet::Parameters => None,
        }
    }
}

/// The number in a label of the form `L7`.
fn label_number(label: &str) -> Option<u64> {
    label.strip_prefix('L')?.parse().ok()
}
