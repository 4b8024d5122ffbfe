//! From the steps of an instruction (analyser-rules.md §6, stated in the instruction table) to operations on the
//! registers it names. This is the one place that interprets [`viua_isa::steps`]; everything behind it works on
//! [`Op`](super::Op)s, in which access modes, register sets and missing operands have been dealt with.

use super::{Cause, Key, NONE, OpKind, Ops, StaticFault};
use crate::facts::{self, CREATED, Kind, Map, kind_of, plain, pointer_to, requirement_number};
use crate::program::Program;
use viua_ir::{BodyId, BodyKind, Instruction, Name, Operand, OperandKind, Register, RegisterIndex};
use viua_isa::steps::{self, Step, Type};
use viua_isa::{Access, AccessMode, Opcode, RegisterSet};

/// A step that cannot be made: the rest of the instruction is skipped.
struct Stop;

impl Ops {
    /// Appends the operations of an instruction.
    pub fn compile(&mut self, program: &Program, number: u32, instruction: &Instruction) {
        self.first_slot = self.slots.len();
        self.current = number;
        let operands = program.module.operands(instruction);
        self.writes_anywhere |= operands.iter().zip(instruction.opcode.row().operands).any(|(operand, spec)| {
            matches!(spec.access, Access::Target | Access::InPlace | Access::Register)
                && operand.register().is_some_and(|register| register.mode == AccessMode::Indirect)
        });
        let steps = steps::of(instruction.opcode);
        let run = InstructionSteps { program, opcode: instruction.opcode, operands, steps };
        if run.compile(self).is_err() {
            run.recover(self);
        }
    }
}

struct InstructionSteps<'a> {
    program: &'a Program<'a>,
    opcode: Opcode,
    operands: &'a [Operand],
    steps: &'static [Step],
}

/// A register operand as far as the analyser tracks it.
fn tracked(register: Register) -> Option<Key> {
    let index = register.number()?;
    (register.mode != AccessMode::Indirect && register.set != RegisterSet::Arguments)
        .then(|| Key::new(register.set, index))
}

fn is_checked(set: RegisterSet) -> bool {
    match set {
        RegisterSet::Local | RegisterSet::Parameters => true,
        RegisterSet::Static | RegisterSet::Global | RegisterSet::Arguments => false,
    }
}

impl InstructionSteps<'_> {
    fn fail<T>(&self, ops: &mut Ops, step: usize, operand: u8, cause: Cause) -> Result<T, Stop> {
        ops.faults.push(StaticFault { instruction: ops.current, step: step as u8, operand, cause });
        Err(Stop)
    }

    fn operand(&self, ops: &mut Ops, step: usize, number: u8) -> Result<&Operand, Stop> {
        match self.operands.get(usize::from(number)) {
            Some(operand) => Ok(operand),
            None => self.fail(ops, step, number, Cause::Missing),
        }
    }

    /// A register operand; the K step before has seen to it that other operands have no further steps.
    fn register(&self, number: u8) -> Option<Register> {
        self.operands.get(usize::from(number)).and_then(Operand::register)
    }

    fn compile(&self, ops: &mut Ops) -> Result<(), Stop> {
        let mut at = 0;
        while let Some(step) = self.steps.get(at) {
            match *step {
                Step::Kind(number, kind) => self.kind(ops, at, number, kind)?,
                Step::Name(number) => self.name(ops, at, number)?,
                Step::Use(number, _) => self.read(ops, at, number)?,
                Step::Type(number, required) => self.require(ops, at, number, required)?,
                Step::Define(number, defined) => self.define(ops, at, number, defined),
                Step::Erase(number) => self.erase(ops, at, number),
                Step::Mode(number) => self.mode(ops, at, number)?,
                Step::IfRegister(number) => {
                    if self.operand(ops, at, number)?.register().is_none() {
                        at += self.steps[at..].iter().position(|step| *step == Step::End).unwrap_or(0);
                    }
                }
                Step::End => {}
                Step::Special(word) => self.special(ops, at, word)?,
            }
            at += 1;
        }
        Ok(())
    }

    /// One mistake is to give one finding: what the instruction would have defined is unknown from here on.
    fn recover(&self, ops: &mut Ops) {
        let is_move = self.opcode == Opcode::Move;
        for (at, step) in self.steps.iter().enumerate() {
            let number = match *step {
                Step::Define(number, _) => number,
                Step::Special("move") => 0,
                _ => continue,
            };
            if let Some(register) = self.register(number)
                && let Some(key) = tracked(register)
                && (!is_move || register.set == RegisterSet::Local)
            {
                let slot = ops.slot(key);
                ops.push(OpKind::Recover, (at as u8, number), slot, 0, NONE);
            }
        }
    }

    fn kind(&self, ops: &mut Ops, step: usize, number: u8, kind: steps::Kind) -> Result<(), Stop> {
        use OperandKind::{Atom, Bits, FunctionName, Register, Void};
        let operand = self.operand(ops, step, number)?.kind;
        let fits = match kind {
            steps::Kind::Register
            | steps::Kind::Left
            | steps::Kind::Right
            | steps::Kind::RegisterNotVoid
            | steps::Kind::AtFirst
            | steps::Kind::Printed => matches!(operand, Register(_)),
            steps::Kind::RegisterOrVoid | steps::Kind::RegisterOrVoidLiteral => matches!(operand, Register(_) | Void),
            steps::Kind::Function => matches!(operand, FunctionName(_)),
            steps::Kind::Callee => matches!(operand, FunctionName(_) | Atom | Register(_)),
            steps::Kind::Atom => matches!(operand, Atom),
            steps::Kind::Bits => matches!(operand, Register(_) | Bits),
        };
        if fits { Ok(()) } else { self.fail(ops, step, number, Cause::Kind(kind)) }
    }

    fn name(&self, ops: &mut Ops, step: usize, number: u8) -> Result<(), Stop> {
        let Some(register) = self.register(number) else { return Ok(()) };
        let RegisterIndex::Number(index) = register.index else {
            return self.fail(ops, step, number, Cause::Name);
        };
        let is_target = self.steps.iter().any(|step| matches!(step, Step::Define(target, _) if *target == number));
        // Where an index is refused, that comes first.
        let is_refused = self.steps.contains(&Step::Mode(number)) && !self.is_legal(register.mode);
        if is_target && register.mode == AccessMode::Indirect && !is_refused {
            // A write through an index reads the register that holds the index.
            return self.read_holder(ops, step, number, register.set, index);
        }
        Ok(())
    }

    /// U and `t:integer` on the register that holds an index.
    fn read_holder(&self, ops: &mut Ops, step: usize, number: u8, set: RegisterSet, index: u16) -> Result<(), Stop> {
        let set = if set == RegisterSet::Arguments { RegisterSet::Local } else { set };
        self.read_register(ops, step, number, set, index)?;
        if is_checked(set) {
            let slot = ops.slot(Key::new(set, index));
            let integer = requirement_number(Type::Integer, false);
            ops.push(OpKind::Type, (step as u8, number), slot, integer, NONE);
        }
        Ok(())
    }

    fn read_register(&self, ops: &mut Ops, step: usize, number: u8, set: RegisterSet, index: u16) -> Result<(), Stop> {
        match set {
            RegisterSet::Static | RegisterSet::Global => return Ok(()),
            RegisterSet::Arguments => return self.fail(ops, step, number, Cause::Arguments),
            RegisterSet::Parameters => {
                let is_passed_on = matches!(self.opcode, Opcode::Move | Opcode::Copy) && number == 1;
                if !is_passed_on {
                    return self.fail(ops, step, number, Cause::Parameters);
                }
            }
            RegisterSet::Local => ops.push(OpKind::Bound, (step as u8, number), NONE, 0, u32::from(index)),
        }
        let slot = ops.slot(Key::new(set, index));
        ops.push(OpKind::Use, (step as u8, number), slot, 0, NONE);
        Ok(())
    }

    fn read(&self, ops: &mut Ops, step: usize, number: u8) -> Result<(), Stop> {
        self.operand(ops, step, number)?;
        let Some(register) = self.register(number) else { return Ok(()) };
        let RegisterIndex::Number(index) = register.index else {
            return self.fail(ops, step, number, Cause::Name);
        };
        match register.mode {
            AccessMode::Indirect if register.set != RegisterSet::Arguments => {
                self.read_holder(ops, step, number, register.set, index)
            }
            AccessMode::Direct | AccessMode::Dereference | AccessMode::Indirect => {
                self.read_register(ops, step, number, register.set, index)
            }
        }
    }

    fn require(&self, ops: &mut Ops, step: usize, number: u8, required: Type) -> Result<(), Stop> {
        self.operand(ops, step, number)?;
        if let Some(register) = self.register(number)
            && let Some(key) = tracked(register)
            && is_checked(register.set)
        {
            let slot = ops.slot(key);
            let requirement = requirement_number(required, register.mode == AccessMode::Dereference);
            if facts::REQUIREMENTS[usize::from(requirement)] != facts::REQUIREMENTS[0] {
                ops.push(OpKind::Type, (step as u8, number), slot, requirement, NONE);
            }
        }
        Ok(())
    }

    fn define(&self, ops: &mut Ops, step: usize, number: u8, defined: Type) {
        let Some(register) = self.register(number) else { return };
        let Some(key) = tracked(register) else { return };
        if register.set == RegisterSet::Local {
            ops.push(OpKind::Bound, (step as u8, number), NONE, 0, u32::from(key.index()));
        }
        let at = (step as u8, number);
        let (map, source) = match defined {
            Type::Of(source) => (Map::Same, source),
            Type::ScalarOf(source) => (Map::Scalar, source),
            Type::ThroughOf(source) => (Map::Pointee, source),
            Type::PointerTo(source) => (Map::PointerTo, source),
            fixed => {
                let slot = ops.slot(key);
                let fact = match kind_of(fixed) {
                    Some(Kind::Closure) if self.creates(ops) => CREATED,
                    Some(kind) => plain(kind),
                    None => pointer_to(Kind::Value),
                };
                return ops.push(OpKind::Define, at, slot, fact, NONE);
            }
        };
        let from = self.register(source);
        let map = match from.map(|register| register.mode) {
            Some(AccessMode::Direct) if map == Map::Pointee => Map::Same,
            _ => map,
        };
        match from.and_then(tracked) {
            Some(source) => {
                let source = ops.slot(source);
                // The second target of `swap` gets what the first held before.
                let is_saved = self.opcode == Opcode::Swap && number == 1;
                let kind = if is_saved { OpKind::DefineSaved } else { OpKind::DefineFrom };
                let slot = ops.slot(key);
                ops.push(kind, at, slot, map as u8, source);
            }
            None => {
                let slot = ops.slot(key);
                let kind = if map == Map::PointerTo { pointer_to(Kind::Value) } else { plain(Kind::Value) };
                ops.push(OpKind::Define, at, slot, kind, NONE);
            }
        }
    }

    /// Whether this is a `closure` instruction with a closure that the analysis looks into.
    fn creates(&self, ops: &mut Ops) -> bool {
        let created = self.opcode == Opcode::Closure && created_closure(self.program, self.operands).is_some();
        if created {
            ops.creations.push(ops.current);
        }
        created
    }

    fn erase(&self, ops: &mut Ops, step: usize, number: u8) {
        if let Some(register) = self.register(number)
            && register.mode == AccessMode::Direct
            && let Some(key) = tracked(register)
        {
            let slot = ops.slot(key);
            ops.push(OpKind::Erase, (step as u8, number), slot, u8::from(!is_checked(register.set)), NONE);
        }
    }

    fn mode(&self, ops: &mut Ops, step: usize, number: u8) -> Result<(), Stop> {
        let Some(register) = self.register(number) else { return Ok(()) };
        if self.is_legal(register.mode) { Ok(()) } else { self.fail(ops, step, number, Cause::Mode) }
    }

    fn is_legal(&self, mode: AccessMode) -> bool {
        match self.opcode {
            Opcode::Swap | Opcode::Isnull => mode != AccessMode::Dereference,
            _ => mode == AccessMode::Direct,
        }
    }

    fn special(&self, ops: &mut Ops, step: usize, word: &str) -> Result<(), Stop> {
        match word {
            "maybe_unused" => {
                if let Some(target) = self.operands.first().filter(|operand| operand.maybe_unused)
                    && let Some(key) = target.register().and_then(tracked)
                {
                    let slot = ops.slot(key);
                    ops.push(OpKind::MarkUsed, (step as u8, 0), slot, 0, NONE);
                }
            }
            "conversion" => {
                if let Some(register) = self.register(1)
                    && let Some(key) = tracked(register)
                    && is_checked(register.set)
                {
                    let slot = ops.slot(key);
                    ops.push(OpKind::Conversion, (step as u8, 1), slot, 0, NONE);
                }
            }
            "null" => {
                if let Some(register) = self.register(1) {
                    match (register.mode, tracked(register)) {
                        (_, Some(key)) => {
                            let slot = ops.slot(key);
                            ops.push(OpKind::Null, (step as u8, 1), slot, 0, NONE);
                        }
                        (AccessMode::Indirect, None) => self.read(ops, step, 1)?,
                        (AccessMode::Direct | AccessMode::Dereference, None) => {}
                    }
                }
            }
            "pack" => self.pack(ops, step)?,
            "bitset" => self.bitset(ops, step)?,
            "move" => self.transfer(ops, step)?,
            "swap" => {
                if let Some(key) = self.register(0).and_then(tracked) {
                    let slot = ops.slot(key);
                    ops.push(OpKind::Save, (step as u8, 0), slot, 0, NONE);
                }
            }
            "capture" => self.capture(ops, step),
            "allocate" => {
                if let Some(count) = self.register(0).and_then(|register| register.number()) {
                    ops.push(OpKind::Allocate, (step as u8, 0), NONE, 0, u32::from(count));
                }
            }
            "watchdog" => match self.operand(ops, step, 0)?.kind {
                OperandKind::FunctionName(_) | OperandKind::Atom => {}
                _ => return self.fail(ops, step, 0, Cause::Watchdog),
            },
            "enter" => match self.operand(ops, step, 0)?.kind {
                OperandKind::Label(Name::BlockSignature(_)) => {
                    return self.fail(ops, step, 0, Cause::ExternalBlock);
                }
                OperandKind::Label(_) | OperandKind::FunctionName(_) => {}
                _ => return self.fail(ops, step, 0, Cause::NoBlock),
            },
            "import" => drop(self.operand(ops, step, 0)?),
            // `if` ends freshness wherever control is followed.
            "branch" => {}
            other => unreachable!("the table has no rule of its own called {other}"),
        }
        Ok(())
    }

    fn pack(&self, ops: &mut Ops, step: usize) -> Result<(), Stop> {
        let (Some(first), Some(count)) = (self.register(1), self.register(2)) else { return Ok(()) };
        let RegisterIndex::Number(start) = first.index else { return Ok(()) };
        let Some(count) = count.number() else { return self.fail(ops, step, 2, Cause::Name) };
        if count == 0 {
            return Ok(());
        }
        if first.mode == AccessMode::Indirect {
            return self.read(ops, step, 1);
        }
        if first.set == RegisterSet::Arguments {
            return self.fail(ops, step, 1, Cause::PackedArguments);
        }
        for index in u32::from(start)..u32::from(start) + u32::from(count) {
            let Ok(index) = u16::try_from(index) else { break };
            let key = Key::new(first.set, index);
            let slot = ops.slot(key);
            ops.push(OpKind::Pack, (step as u8, 1), slot, 0, NONE);
            // A register that the file never names is empty: nothing behind it is looked at.
            if !self.program.is_named(key) {
                break;
            }
        }
        Ok(())
    }

    fn bitset(&self, ops: &mut Ops, step: usize) -> Result<(), Stop> {
        match self.operand(ops, step, 1)?.kind {
            OperandKind::Register(_) => {
                self.read(ops, step, 1)?;
                self.require(ops, step, 1, Type::Integer)?;
            }
            OperandKind::Bits => return self.fail(ops, step, 1, Cause::BitsetIndex),
            _ => return self.fail(ops, step, 1, Cause::Kind(steps::Kind::Bits)),
        }
        match self.operand(ops, step, 2)?.kind {
            OperandKind::Register(_) => {
                self.read(ops, step, 2)?;
                self.require(ops, step, 2, Type::Boolean)
            }
            OperandKind::Boolean(_) => Ok(()),
            _ => self.fail(ops, step, 2, Cause::BitsetValue),
        }
    }

    /// `move`.
    fn transfer(&self, ops: &mut Ops, step: usize) -> Result<(), Stop> {
        let target = self.operand(ops, step, 0)?.kind;
        let discards =
            target == OperandKind::Void && self.register(1).is_some_and(|source| source.set == RegisterSet::Parameters);
        if self.register(0).is_none() && !discards {
            return self.fail(ops, step, 0, Cause::MoveTarget);
        }
        self.target_of_move(ops, step)?;
        self.operand(ops, step, 1)?;
        if self.register(1).is_none() {
            return self.fail(ops, step, 1, Cause::Kind(steps::Kind::Register));
        }
        self.read(ops, step, 1)?;
        self.require(ops, step, 1, Type::Value)?;
        if self.register(0).is_some_and(|target| target.set == RegisterSet::Local) {
            self.define(ops, step, 0, Type::Of(1));
        }
        if self.register(1).is_some_and(|source| source.set == RegisterSet::Local) {
            self.erase(ops, step, 1);
        }
        Ok(())
    }

    /// The `n0` of `move`, whose row has no D step that the common N step could see.
    fn target_of_move(&self, ops: &mut Ops, step: usize) -> Result<(), Stop> {
        let Some(target) = self.register(0) else { return Ok(()) };
        match (target.index, target.mode) {
            (RegisterIndex::Unresolved, _) => self.fail(ops, step, 0, Cause::Name),
            (RegisterIndex::Number(index), AccessMode::Indirect) => self.read_holder(ops, step, 0, target.set, index),
            (RegisterIndex::Number(_), AccessMode::Direct | AccessMode::Dereference) => Ok(()),
        }
    }

    fn capture(&self, ops: &mut Ops, step: usize) {
        let Some(closure) = self.register(0).filter(|register| register.mode == AccessMode::Direct) else { return };
        if let Some(key) = tracked(closure) {
            let slot = ops.slot(key);
            let source = match self.register(2).and_then(tracked) {
                Some(source) => ops.slot(source),
                None => NONE,
            };
            ops.push(OpKind::Capture, (step as u8, 1), slot, 0, source);
        }
    }
}

/// The closure that a `closure` instruction makes, if its body is analysed.
pub fn created_closure(program: &Program, operands: &[Operand]) -> Option<BodyId> {
    let id = program.module.definition_of(operands.get(1)?)?;
    let body = program.module.body(id);
    (body.kind == BodyKind::Closure && !body.no_sa).then_some(id)
}
