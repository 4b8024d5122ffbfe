//! From a verified module to bodies that the interpreter runs: generic forms with ready-made operands, and fast
//! operations for the usual shapes of the hottest instructions. O(size of the code).

use crate::atom::Atom;
use crate::bits::Bits;
use crate::cell::Cell;
use crate::code::{Arg, Body, BodyKind, Cold, Constant, Ins, NameSlot};
use crate::dispatch::{NO_TARGET, Op};
use crate::value::{LongBits, Text, bits_cell};
use std::sync::Arc;
use viua_bytecode::{Instruction, Module, Operand, Register, Symbol, SymbolKind, instruction};
use viua_isa::{AccessMode, Opcode, RegisterSet};

/// The bytes of a body are not instructions; the verifier was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("code of {symbol} cannot be decoded: {fault}")]
pub struct DecodeFault {
    /// Index of the symbol.
    pub symbol: usize,
    /// What is wrong.
    pub fault: instruction::DecodeError,
}

/// Decodes all bodies of a module. `slot` gives the slot of a name. With `traced`, every instruction is executed in its
/// generic form, and tells of it before.
pub fn decode(
    module: &Module,
    traced: bool,
    slot: &mut dyn FnMut(&str) -> &'static NameSlot,
) -> Result<Vec<Body>, DecodeFault> {
    let symbols: Vec<_> = module.symbols.iter().map(|symbol| slot(module.name(symbol.name))).collect();
    let externals: Vec<_> = module.externals.iter().map(|external| slot(module.name(external.name))).collect();
    let files: Arc<[Atom]> = module.debug.files.iter().map(|file| Atom::intern(file.as_bytes())).collect();
    let mut bodies = Vec::with_capacity(module.symbols.len());
    for (index, symbol) in module.symbols.iter().enumerate() {
        let mut decoder = Decoder {
            module,
            symbols: &symbols,
            externals: &externals,
            cold: Vec::new(),
            constants: Vec::new(),
            numbers: Vec::new(),
            callees: Vec::new(),
            needs: 0,
            traced,
        };
        let fault = |fault| DecodeFault { symbol: index, fault };
        decoder.read(module.body(symbol)).map_err(fault)?;
        let lines = module.debug.lines.get(index).map_or(&[][..], Vec::as_slice);
        bodies.push(decoder.finish(symbol, symbols[index], lines, files.clone()));
    }
    Ok(bodies)
}

struct Decoder<'a> {
    module: &'a Module,
    symbols: &'a [&'static NameSlot],
    externals: &'a [&'static NameSlot],
    cold: Vec<Cold>,
    constants: Vec<Constant>,
    numbers: Vec<Cell>,
    callees: Vec<&'static NameSlot>,
    needs: u32,
    traced: bool,
}

/// The largest register index whose byte offset fits an operand of the fast form.
const LARGEST_FAST_INDEX: u16 = 4094;

impl Decoder<'_> {
    fn read(&mut self, mut code: &[u8]) -> Result<(), instruction::DecodeError> {
        while !code.is_empty() {
            let (instruction, length) = instruction::decode(code)?;
            code = &code[length..];
            let mut args = [Arg::Void; 4];
            for (arg, operand) in args.iter_mut().zip(instruction.operands()) {
                *arg = self.arg(&instruction, *operand);
            }
            self.cold.push(Cold { opcode: instruction.opcode, args });
        }
        Ok(())
    }

    fn arg(&mut self, instruction: &Instruction, operand: Operand) -> Arg {
        match operand {
            Operand::Void => Arg::Void,
            Operand::Register(register) => Arg::Reg(register),
            Operand::Index(index) => Arg::Index(index),
            Operand::Integer(value) => Arg::Integer(value),
            Operand::Float(value) => Arg::Float(value),
            Operand::Boolean(value) => Arg::Boolean(value),
            Operand::Timeout(limit) => Arg::Timeout(limit),
            Operand::Target(number) => Arg::Target(number),
            Operand::Name(viua_bytecode::Reference::Symbol(index)) => Arg::Name(self.symbols[index as usize]),
            Operand::Name(viua_bytecode::Reference::External(index)) => Arg::Name(self.externals[index as usize]),
            Operand::Data(id) => {
                let bytes = self.module.bytes(id);
                self.constant(match instruction.opcode {
                    Opcode::Text => Text::from_utf8(bytes).map_or(Constant::InvalidText, Constant::Text),
                    Opcode::Atom | Opcode::Catch => Constant::Atom(Atom::intern(bytes)),
                    _ => Constant::Bytes(bytes.into()),
                })
            }
            Operand::Bits(id) => {
                let bytes = self.module.bytes(id);
                let words = bytes.chunks(8).map(|chunk| {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    u64::from_le_bytes(word)
                });
                self.constant(Constant::Bits(LongBits { width: bytes.len() as u32 * 8, words: words.collect() }))
            }
        }
    }

    fn constant(&mut self, constant: Constant) -> Arg {
        self.constants.push(constant);
        Arg::Constant(self.constants.len() as u32 - 1)
    }

    fn finish(
        mut self,
        symbol: &Symbol,
        name: &'static NameSlot,
        lines: &[viua_bytecode::LineEntry],
        files: Arc<[Atom]>,
    ) -> Body {
        let kind = match symbol.kind {
            SymbolKind::Function => BodyKind::Function,
            SymbolKind::Closure => BodyKind::Closure,
            SymbolKind::Block => BodyKind::Block,
        };
        let allocations = self.cold.iter().filter(|cold| cold.opcode == Opcode::AllocateRegisters).count();
        let leading = match self.cold.first() {
            Some(Cold { opcode: Opcode::AllocateRegisters, args: [Arg::Index(count), ..] })
                if kind != BodyKind::Block && !self.traced =>
            {
                Some(*count)
            }
            _ => None,
        };
        // How many registers fast instructions may take for granted. A body that changes its local set half way
        // can count on none, nor can a function that never makes one.
        let granted = match (leading, allocations) {
            (Some(count), 1) => count,
            (None, 0) if kind != BodyKind::Function => u16::MAX,
            _ => 0,
        };
        let cold = std::mem::take(&mut self.cold);
        let count = cold.len();
        let mut code = Vec::with_capacity(2 * (count + 1));
        if !self.traced {
            for number in 0..count {
                code.push(self.fast(&cold, number, granted).unwrap_or(GENERIC));
            }
            fuse(&mut code);
            fuse_calls(&mut code);
        }
        code.resize(2 * (count + 1), if self.traced { TRACED } else { GENERIC });
        let code: Box<[Ins]> = code.into();
        let locals = leading.unwrap_or(0);
        let start = u32::from(leading.is_some());
        let plain = if self.needs <= u32::from(locals) { 0 } else { count + 1 };
        Body {
            name,
            kind,
            locals,
            start,
            needs: self.needs,
            entry: &raw const code[plain + start as usize],
            code,
            cold: cold.into(),
            constants: self.constants.into(),
            numbers: self.numbers.into(),
            callees: self.callees.into(),
            lines: lines.into(),
            files,
        }
    }

    /// The fast form of an instruction, if it has one.
    fn fast(&mut self, cold: &[Cold], number: usize, granted: u16) -> Option<Ins> {
        let Cold { opcode, args } = cold[number];
        let mut needs = self.needs;
        let ins = {
            // Byte offset of a local register in direct mode.
            let mut local = |arg: Arg| match arg {
                Arg::Reg(Register { mode: AccessMode::Direct, set: RegisterSet::Local, index })
                    if index < granted && index <= LARGEST_FAST_INDEX =>
                {
                    needs = needs.max(u32::from(index) + 1);
                    Some(index * size_of::<Cell>() as u16)
                }
                _ => None,
            };
            let of_set = |arg: Arg, wanted: RegisterSet| match arg {
                Arg::Reg(Register { mode: AccessMode::Direct, set, index }) if set == wanted => Some(index),
                _ => None,
            };
            let pointer = |arg: Arg| match arg {
                Arg::Reg(register) if register.mode == AccessMode::Dereference => {
                    Arg::Reg(Register { mode: AccessMode::Direct, ..register })
                }
                _ => Arg::Void,
            };
            let ins = |op: Op, a: u16, b: u16, c: u16| Some(Ins { op: op as u16, a, b, c });
            let distance = |arg: Arg| match arg {
                Arg::Target(target) => Some(i64::from(target) - number as i64),
                _ => None,
            };
            let near = |arg: Arg| distance(arg).and_then(|distance| i16::try_from(distance).ok()).map(|d| d as u16);
            let [a, b, c, _] = args;
            match opcode {
                Opcode::Nop => ins(Op::Nop, 0, 0, 0),
                Opcode::Izero => ins(Op::Zero, local(a)?, 0, 0),
                Opcode::Integer | Opcode::Float => {
                    let target = local(a)?;
                    match b {
                        Arg::Integer(value) if i16::try_from(value).is_ok() => ins(Op::Small, target, value as u16, 0),
                        _ => {
                            let index = u16::try_from(self.numbers.len()).ok()?;
                            self.numbers.push(match b {
                                Arg::Integer(value) => Cell::integer(value),
                                Arg::Float(value) => Cell::float(value),
                                _ => return None,
                            });
                            ins(Op::Number, target, index, 0)
                        }
                    }
                }
                Opcode::Iinc | Opcode::Idec => {
                    let (direct, pointee) = if opcode == Opcode::Iinc {
                        (Op::Increment, Op::IncrementPointee)
                    } else {
                        (Op::Decrement, Op::DecrementPointee)
                    };
                    match local(a) {
                        Some(place) => ins(direct, place, 0, 0),
                        None => ins(pointee, local(pointer(a))?, 0, 0),
                    }
                }
                Opcode::Move => match (local(a), of_set(a, RegisterSet::Arguments)) {
                    (Some(target), _) => match (local(b), of_set(b, RegisterSet::Parameters)) {
                        (Some(source), _) => ins(Op::Move, target, source, 0),
                        (None, Some(source)) => ins(Op::MoveParameter, target, source, 0),
                        (None, None) => None,
                    },
                    (None, Some(target)) => ins(Op::MoveArgument, target, local(b)?, 0),
                    (None, None) => None,
                },
                Opcode::Copy => match (local(a), of_set(a, RegisterSet::Arguments)) {
                    (Some(target), _) => match (local(b), of_set(b, RegisterSet::Parameters)) {
                        (Some(source), _) => ins(Op::Copy, target, source, 0),
                        (None, Some(source)) => ins(Op::CopyParameter, target, source, 0),
                        (None, None) => None,
                    },
                    (None, Some(target)) => ins(Op::CopyArgument, target, local(b)?, 0),
                    (None, None) => None,
                },
                Opcode::Add => ins(Op::Add, local(a)?, local(b)?, local(c)?),
                Opcode::Sub => ins(Op::Sub, local(a)?, local(b)?, local(c)?),
                Opcode::Mul => ins(Op::Mul, local(a)?, local(b)?, local(c)?),
                Opcode::Div => ins(Op::Div, local(a)?, local(b)?, local(c)?),
                Opcode::Lt => ins(Op::Lt, local(a)?, local(b)?, local(c)?),
                Opcode::Lte => ins(Op::Lte, local(a)?, local(b)?, local(c)?),
                Opcode::Gt => ins(Op::Gt, local(a)?, local(b)?, local(c)?),
                Opcode::Gte => ins(Op::Gte, local(a)?, local(b)?, local(c)?),
                Opcode::Eq => ins(Op::Eq, local(a)?, local(b)?, local(c)?),
                Opcode::Itof => ins(Op::Itof, local(a)?, local(b)?, 0),
                Opcode::Ftoi => ins(Op::Ftoi, local(a)?, local(b)?, 0),
                Opcode::Not => ins(Op::Not, local(a)?, local(b)?, 0),
                Opcode::Vlen => ins(Op::Vlen, local(a)?, local(b)?, 0),
                Opcode::Vat => ins(Op::Vat, local(a)?, local(b)?, local(c)?),
                Opcode::Vpush => ins(Op::Vpush, local(a)?, local(b)?, 0),
                Opcode::If => match local(a) {
                    Some(condition) => ins(Op::If, condition, near(b)?, near(c)?),
                    None => ins(Op::IfPointee, local(pointer(a))?, near(b)?, near(c)?),
                },
                Opcode::Jump => {
                    let distance = i32::try_from(distance(a)?).ok()? as u32;
                    ins(Op::Jump, distance as u16, (distance >> 16) as u16, 0)
                }
                Opcode::Frame => match a {
                    Arg::Index(count) => ins(Op::Frame, count, 0, 0),
                    _ => None,
                },
                Opcode::Call => match b {
                    Arg::Name(callee) => {
                        let target = if matches!(a, Arg::Void) { NO_TARGET } else { local(a)? };
                        let index = self.callees.len();
                        self.callees.push(callee);
                        ins(Op::Call, target, index as u16, (index >> 16) as u16)
                    }
                    _ => None,
                },
                Opcode::Return => ins(Op::Return, 0, 0, 0),
                Opcode::Bits => match b {
                    Arg::Constant(literal) => {
                        let (target, index) = (local(a)?, u16::try_from(self.numbers.len()).ok()?);
                        let Constant::Bits(bits) = &self.constants[literal as usize] else { return None };
                        let word = *bits.words.first().filter(|_| bits.width <= 64)?;
                        self.numbers.push(bits_cell(Bits::Short { width: bits.width, word }));
                        ins(Op::Number, target, index, 0)
                    }
                    _ => None,
                },
                Opcode::BitsOfInteger => ins(Op::BitsOfInteger, local(a)?, local(b)?, 0),
                Opcode::Bitand => ins(Op::Bitand, local(a)?, local(b)?, local(c)?),
                Opcode::Bitor => ins(Op::Bitor, local(a)?, local(b)?, local(c)?),
                Opcode::Bitxor => ins(Op::Bitxor, local(a)?, local(b)?, local(c)?),
                Opcode::Wrapadd => ins(Op::Wrapadd, local(a)?, local(b)?, local(c)?),
                Opcode::Wrapsub => ins(Op::Wrapsub, local(a)?, local(b)?, local(c)?),
                Opcode::Wrapmul => ins(Op::Wrapmul, local(a)?, local(b)?, local(c)?),
                Opcode::Shl if matches!(a, Arg::Void) => ins(Op::ShlToVoid, 0, local(b)?, local(c)?),
                Opcode::Shr if matches!(a, Arg::Void) => ins(Op::ShrToVoid, 0, local(b)?, local(c)?),
                // The generic form does all others; which of them deserve a fast one is a matter of measuring.
                _ => None,
            }
        };
        if ins.is_some() {
            self.needs = needs;
        }
        ins
    }
}

/// An instruction that is executed in its generic form.
pub const GENERIC: Ins = Ins { op: Op::Generic as u16, a: 0, b: 0, c: 0 };
/// As [`GENERIC`], in a machine that traces.
const TRACED: Ins = Ins { op: Op::Traced as u16, a: 0, b: 0, c: 0 };

/// Lets a comparison do the work of the `if` behind it that looks at its result. The `if` stays where it is: it may
/// be jumped to.
fn fuse(code: &mut [Ins]) {
    for number in 1..code.len() {
        let [comparison, branch] = [code[number - 1], code[number]];
        if branch.op != Op::If as u16 || branch.a != comparison.a {
            continue;
        }
        let pairs =
            [(Op::Lt, Op::LtIf), (Op::Lte, Op::LteIf), (Op::Gt, Op::GtIf), (Op::Gte, Op::GteIf), (Op::Eq, Op::EqIf)];
        if let Some((_, fused)) = pairs.iter().find(|(plain, _)| *plain as u16 == comparison.op) {
            code[number - 1].op = *fused as u16;
        }
    }
}

/// Lets a `frame` do the work of its passes and its call, when they follow at once and are the simple ones.
fn fuse_calls(code: &mut [Ins]) {
    for number in 0..code.len() {
        let ins = code[number];
        let fused = match ins.a {
            1 => Op::FrameCall1,
            2 => Op::FrameCall2,
            3 => Op::FrameCall3,
            _ => continue,
        };
        let count = ins.a as usize;
        if ins.op != Op::Frame as u16 || number + count + 1 >= code.len() {
            continue;
        }
        let passes = &code[number + 1..=number + count];
        let simple = passes.iter().enumerate().all(|(index, pass)| {
            let distinct = passes[..index].iter().all(|earlier| earlier.a != pass.a && earlier.b != pass.b);
            let passes = pass.op == Op::MoveArgument as u16 || pass.op == Op::CopyArgument as u16;
            passes && usize::from(pass.a) < count && distinct
        });
        if simple && code[number + count + 1].op == Op::Call as u16 {
            code[number].op = fused as u16;
        }
    }
}
