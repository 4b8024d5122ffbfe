//! What an instruction does with the registers it names, in a form without access modes, register sets and missing
//! operands: operations on slots. They are made from the instruction table by [`steps`].

mod steps;

pub use steps::created_closure;

use viua_isa::{RegisterSet, steps as isa};

/// A register as the analyser identifies it: set and index (analyser-rules.md §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u32);

impl Key {
    /// In a block: any local register that the block and what it enters do not name.
    pub const REST: Key = Key(u32::MAX);

    /// The register of that set with that index.
    pub const fn new(set: RegisterSet, index: u16) -> Key {
        Key((set as u32) << 16 | index as u32)
    }
    /// Which register set; that of [`Key::REST`] is the local one.
    pub fn set(self) -> RegisterSet {
        RegisterSet::ALL.get((self.0 >> 16) as usize).copied().unwrap_or(RegisterSet::Local)
    }
    /// Which register of the set.
    pub const fn index(self) -> u16 {
        self.0 as u16
    }
    /// Whether it is a local register, [`Key::REST`] included.
    pub fn is_local(self) -> bool {
        self.set() == RegisterSet::Local
    }
}

/// A register of a unit, counted from 0 ([`Vars`]).
pub type Var = u32;

/// Stands for "none" in indices.
pub const NONE: u32 = u32::MAX;

/// The registers that a unit names.
#[derive(Debug, Default)]
pub struct Vars {
    /// What each of them is.
    pub keys: Vec<Key>,
    by_index: [Vec<Var>; 5],
    rest: Option<Var>,
}

impl Vars {
    /// The number of a register; a new one is added.
    pub fn intern(&mut self, key: Key) -> Var {
        let new = self.keys.len() as Var;
        if key == Key::REST {
            return *self.rest.get_or_insert_with(|| {
                self.keys.push(key);
                new
            });
        }
        let table = &mut self.by_index[key.set() as usize];
        let index = usize::from(key.index());
        if table.len() <= index {
            table.resize(index + 1, NONE);
        }
        if table[index] == NONE {
            table[index] = new;
            self.keys.push(key);
        }
        table[index]
    }
    /// The number of a register, if the unit names it.
    pub fn find(&self, key: Key) -> Option<Var> {
        if key == Key::REST {
            return self.rest;
        }
        self.by_index[key.set() as usize].get(usize::from(key.index())).copied().filter(|var| *var != NONE)
    }
}

/// What is done with a register. The first of an instruction that fails for a fact reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// The last part of a U step: it must be defined.
    Use,
    /// One register of a packed range: it must be defined, and is erased.
    Pack,
    /// A T step; `arg` is the number of the requirement.
    Type,
    /// An E step; `arg` is 1 for a register that may be defined without the analyser knowing.
    Erase,
    /// A D step with the fact `arg`.
    Define,
    /// A D step whose type is that of slot `other`, by the map `arg`.
    DefineFrom,
    /// Keeps the fact of the slot for [`OpKind::DefineSaved`].
    Save,
    /// A D step with the type that was saved.
    DefineSaved,
    /// A target of an instruction that has failed before its D step.
    Recover,
    /// `[[maybe_unused]]`: used, and not fresh.
    MarkUsed,
    /// `isnull`: it must not be defined on every path.
    Null,
    /// `text` of a register: it must not be a text on every path.
    Conversion,
    /// A capture of slot `other` (if any) into the closure in this slot.
    Capture,
    /// The local register with the index `other` must be within bounds. No slot.
    Bound,
    /// `allocate_registers` with the count `other`. No slot.
    Allocate,
}

impl OpKind {
    /// Whether it is a D step.
    pub const fn is_definition(self) -> bool {
        matches!(self, OpKind::Define | OpKind::DefineFrom | OpKind::DefineSaved)
    }
}

/// One operation of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// What is done.
    pub kind: OpKind,
    /// Which operand is the cause.
    pub operand: u8,
    /// The number of the step in the row of the table.
    pub step: u8,
    /// See [`OpKind`].
    pub arg: u8,
    /// A slot of the unit: a register of this instruction.
    pub slot: u32,
    /// See [`OpKind`].
    pub other: u32,
}

/// What is wrong with an instruction whatever the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An operand is missing.
    Missing,
    /// The operand is of the wrong kind.
    Kind(isa::Kind),
    /// `move` into something that is no register, or `void` where it may not be.
    MoveTarget,
    /// The name of the operand is not resolved.
    Name,
    /// A read from the arguments set.
    Arguments,
    /// A read from the parameters set by anything but `move` and `copy`.
    Parameters,
    /// The access mode of the operand.
    Mode,
    /// A bits literal as index of `bitset`.
    BitsetIndex,
    /// The value of `bitset`.
    BitsetValue,
    /// The operand of `watchdog`.
    Watchdog,
    /// The operand of `enter` is no block name.
    NoBlock,
    /// The entered block is only declared.
    ExternalBlock,
    /// A register of the arguments set in a packed range.
    PackedArguments,
}

impl Cause {
    /// Whether it is about registers and how they are used. Operands of a wrong kind and missing names are no code at all,
    /// so that lowering refuses them wherever they stand; blocks that are not there are looked for when linking.
    pub const fn is_only_ours(self) -> bool {
        match self {
            Cause::Arguments | Cause::Parameters | Cause::PackedArguments | Cause::Mode => true,
            Cause::Missing
            | Cause::Kind(_)
            | Cause::MoveTarget
            | Cause::Name
            | Cause::BitsetIndex
            | Cause::BitsetValue
            | Cause::Watchdog
            | Cause::NoBlock
            | Cause::ExternalBlock => false,
        }
    }
}

/// A fault that does not depend on facts.
#[derive(Clone, Copy, Debug)]
pub struct StaticFault {
    /// Number of the instruction in its body.
    pub instruction: u32,
    /// Which step fails.
    pub step: u8,
    /// Which operand it is about.
    pub operand: u8,
    /// Why.
    pub cause: Cause,
}

/// What an instruction does with one of its registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotUse {
    /// It looks at what the register held.
    pub reads: bool,
    /// It defines the register.
    pub defines: bool,
    /// It gives the register another value, or none.
    pub changes: bool,
}

/// The operations of the instructions of a body, while they are made.
#[derive(Debug, Default)]
pub struct Ops {
    /// All operations.
    pub ops: Vec<Op>,
    /// All slots: the register that each stands for.
    pub slots: Vec<Var>,
    /// What the instruction does with each slot.
    pub slot_uses: Vec<SlotUse>,
    /// The registers.
    pub vars: Vars,
    /// What fails whatever the facts.
    pub faults: Vec<StaticFault>,
    /// The `closure` instructions whose closure is analysed.
    pub creations: Vec<u32>,
    /// The instructions with a rule about all paths.
    pub checks: Vec<u32>,
    /// The highest local register that must be within bounds.
    pub highest: Option<u32>,
    /// The `allocate_registers`, with their counts.
    pub allocations: Vec<(u32, u32)>,
    /// Whether a register may be written that is only known at run time.
    pub writes_anywhere: bool,
    first_slot: usize,
    current: u32,
}

impl Ops {
    /// The slot of a register in this instruction.
    pub fn slot(&mut self, key: Key) -> u32 {
        let var = self.vars.intern(key);
        // Instructions name a handful of registers; only packed ranges have more, and theirs are all different.
        const FEW: usize = 8;
        let found = self.slots[self.first_slot..].iter().take(FEW).position(|slot| *slot == var);
        match found {
            Some(at) => (self.first_slot + at) as u32,
            None => {
                self.slots.push(var);
                self.slot_uses.push(SlotUse::default());
                self.slots.len() as u32 - 1
            }
        }
    }

    /// Begins the slots of an instruction that has none of the steps' operations.
    pub fn begin(&mut self) {
        self.first_slot = self.slots.len();
    }

    fn read(&mut self, slot: u32) {
        let slot = &mut self.slot_uses[slot as usize];
        slot.reads |= !slot.defines;
    }

    fn define(&mut self, slot: u32) {
        let slot = &mut self.slot_uses[slot as usize];
        (slot.defines, slot.changes) = (true, true);
    }

    fn push(&mut self, kind: OpKind, at: (u8, u8), slot: u32, arg: u8, other: u32) {
        match kind {
            OpKind::Null | OpKind::Conversion => self.checks.push(self.current),
            OpKind::Bound => self.highest = self.highest.max(Some(other)),
            OpKind::Allocate => self.allocations.push((self.current, other)),
            _ => {}
        }
        match kind {
            OpKind::Use | OpKind::Type | OpKind::Save | OpKind::Null | OpKind::Conversion | OpKind::Capture => {
                self.read(slot);
            }
            OpKind::Pack | OpKind::Erase => {
                self.read(slot);
                self.slot_uses[slot as usize].changes = true;
            }
            OpKind::DefineFrom => {
                self.read(other);
                self.define(slot);
            }
            OpKind::Define | OpKind::DefineSaved => self.define(slot),
            OpKind::Recover => self.slot_uses[slot as usize].changes = true,
            OpKind::MarkUsed | OpKind::Bound | OpKind::Allocate => {}
        }
        if kind == OpKind::Capture && other != NONE {
            self.read(other);
        }
        let (step, operand) = at;
        self.ops.push(Op { kind, operand, step, arg, slot, other });
    }
}
