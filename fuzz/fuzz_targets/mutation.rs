//! Changes of valid modules that mostly leave them valid: the verifier lets them through, and the interpreter meets
//! code that no compiler makes.

use viua_bytecode::instruction::encode;
use viua_bytecode::{DataId, Debug, Instruction, Module, Operand, Reference, Register, SymbolKind};
use viua_isa::{AccessMode, Forms, Opcode, RegisterSet, TABLE};

/// Random numbers (xorshift64*).
pub struct Random(u64);

impl Random {
    /// The same numbers for the same seed.
    pub fn new(seed: u32) -> Random {
        Random(u64::from(seed) * 2 + 0x9e37_79b9_7f4a_7c15 | 1)
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() >> 33) as usize % bound }
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

type Bodies = Vec<Vec<Instruction>>;

/// A module with a few changes.
pub fn mutate(module: &Module, random: &mut Random) -> Module {
    let mut module = module.clone();
    let mut bodies: Bodies = module.symbols.iter().map(|symbol| module.instructions(symbol).collect()).collect();
    for _ in 0..1 + random.below(4) {
        change(&mut module, &mut bodies, random);
    }
    assemble(&mut module, &bodies);
    module
}

/// Puts the bodies together again. Jumps beyond the end go somewhere else.
fn assemble(module: &mut Module, bodies: &Bodies) {
    module.code.clear();
    for (symbol, body) in module.symbols.iter_mut().zip(bodies) {
        symbol.offset = module.code.len() as u32;
        for instruction in body {
            let operands: Vec<Operand> = instruction
                .operands()
                .iter()
                .map(|operand| match *operand {
                    Operand::Target(target) => Operand::Target(target % body.len() as u32),
                    other => other,
                })
                .collect();
            encode(&Instruction::new(instruction.opcode, &operands), &mut module.code);
        }
        symbol.length = module.code.len() as u32 - symbol.offset;
        symbol.instructions = body.len() as u32;
    }
    let fits = module.debug.lines.iter().zip(bodies).all(|(lines, body)| lines.is_empty() || lines.len() == body.len());
    if !fits {
        module.debug = Debug::default();
    }
}

fn change(module: &mut Module, bodies: &mut Bodies, random: &mut Random) {
    let which = random.below(bodies.len());
    let Some(length) = bodies.get(which).map(Vec::len) else { return };
    let at = random.below(length);
    match random.below(16) {
        0..=5 => {
            let instruction = bodies[which][at];
            let mut operands = instruction.operands().to_vec();
            let number = random.below(operands.len());
            if let Some(operand) = operands.get_mut(number) {
                let forms = instruction.opcode.row().operands[number].forms;
                *operand = match random.below(2) {
                    0 => near(*operand, random),
                    _ => operand_of(forms, module, length, random).unwrap_or(*operand),
                };
                bodies[which][at] = Instruction::new(instruction.opcode, &operands);
            }
        }
        6 => bodies[which].swap(at, random.below(length)),
        7 if length > 1 => {
            bodies[which].remove(at);
        }
        8 => {
            let copied = bodies[which][at];
            bodies[which].insert(random.below(length), copied);
        }
        9..=10 => {
            if let Some(new) = random_instruction(module, length, random) {
                bodies[which].insert(at, new);
            }
        }
        11 => {
            // The same operands for another instruction.
            let old = bodies[which][at];
            let row = &TABLE[random.below(TABLE.len())];
            let forms = |opcode: Opcode| opcode.row().operands.iter().map(|operand| operand.forms).collect::<Vec<_>>();
            if row.opcode != Opcode::Bool && forms(row.opcode) == forms(old.opcode) {
                bodies[which][at] = Instruction::new(row.opcode, old.operands());
            }
        }
        12 => {
            // A piece of another body.
            let from = &bodies[random.below(bodies.len())];
            let start = random.below(from.len());
            let piece: Vec<Instruction> = from[start..].iter().take(1 + random.below(8)).copied().collect();
            bodies[which].splice(at..at, piece);
        }
        13 => {
            // Another function body for this name.
            let other = random.below(bodies.len());
            let is_block = |index: usize| module.symbols[index].kind == SymbolKind::Block;
            if is_block(which) == is_block(other) {
                bodies.swap(which, other);
            }
        }
        14 => {
            let kind = &mut module.symbols[which].kind;
            *kind = match kind {
                SymbolKind::Function => SymbolKind::Closure,
                SymbolKind::Closure => SymbolKind::Function,
                SymbolKind::Block => SymbolKind::Block,
            };
        }
        _ => change_data(module, bodies, random),
    }
}

/// Changes a piece of data, and sorts the pool again.
fn change_data(module: &mut Module, bodies: &mut Bodies, random: &mut Random) {
    if module.data.is_empty() {
        return;
    }
    let which = random.below(module.data.len());
    let mut bytes = module.data[which].to_vec();
    let at = random.below(bytes.len() + 1);
    match random.below(4) {
        0 => bytes.insert(at, random.next() as u8),
        1 if at < bytes.len() => bytes[at] = random.next() as u8,
        2 if at < bytes.len() => {
            bytes.remove(at);
        }
        _ => bytes.extend_from_within(..at.min(64)),
    }
    if module.data.iter().any(|known| **known == *bytes) {
        return;
    }
    let mut entries: Vec<(Box<[u8]>, usize)> =
        module.data.iter().cloned().enumerate().map(|(number, data)| (data, number)).collect();
    entries[which].0 = bytes.into();
    entries.sort_unstable();
    let mut new = vec![0; entries.len()];
    for (number, (_, old)) in entries.iter().enumerate() {
        new[*old] = number as u32;
    }
    module.data = entries.into_iter().map(|(data, _)| data).collect();
    for (_, value) in &mut module.meta {
        value.0 = new[value.0 as usize];
    }
    for instruction in bodies.iter_mut().flatten() {
        let renumbered: Vec<Operand> = instruction
            .operands()
            .iter()
            .map(|operand| match *operand {
                Operand::Data(id) => Operand::Data(DataId(new[id.0 as usize])),
                Operand::Bits(id) => Operand::Bits(DataId(new[id.0 as usize])),
                other => other,
            })
            .collect();
        *instruction = Instruction::new(instruction.opcode, &renumbered);
    }
}

fn random_instruction(module: &Module, length: usize, random: &mut Random) -> Option<Instruction> {
    let row = &TABLE[random.below(TABLE.len())];
    if row.opcode == Opcode::Bool {
        return None;
    }
    let operands: Option<Vec<Operand>> =
        row.operands.iter().map(|operand| operand_of(operand.forms, module, length, random)).collect();
    Some(Instruction::new(row.opcode, &operands?))
}

/// A little different.
fn near(operand: Operand, random: &mut Random) -> Operand {
    let step = random.pick(&[-1i64, 1, 1, 2, 15, -15]);
    match operand {
        Operand::Register(register) => Operand::Register(match random.below(4) {
            0 => Register { mode: mode(random), ..register },
            1 => Register { set: random.pick(&RegisterSet::ALL), ..register },
            _ => Register { index: register.index.wrapping_add_signed(step as i16), ..register },
        }),
        Operand::Index(index) => Operand::Index(index.saturating_add_signed(step as i16)),
        Operand::Integer(value) => Operand::Integer(value.wrapping_add(step)),
        Operand::Target(target) => Operand::Target(target.wrapping_add_signed(step as i32)),
        Operand::Boolean(value) => Operand::Boolean(!value),
        Operand::Float(value) => Operand::Float(-value),
        Operand::Timeout(_) => Operand::Timeout(Some(random.below(3) as u32)),
        other => other,
    }
}

fn mode(random: &mut Random) -> AccessMode {
    random.pick(&[AccessMode::Direct, AccessMode::Direct, AccessMode::Indirect, AccessMode::Dereference])
}

/// Any operand of one of these forms.
fn operand_of(forms: Forms, module: &Module, length: usize, random: &mut Random) -> Option<Operand> {
    let all = [
        Forms::REGISTER,
        Forms::REGISTER,
        Forms::REGISTER,
        Forms::VOID,
        Forms::INDEX,
        Forms::INTEGER,
        Forms::FLOAT,
        Forms::BOOLEAN,
        Forms::BITS,
        Forms::STRING,
        Forms::ATOM,
        Forms::TAG,
        Forms::TIMEOUT,
        Forms::FUNCTION,
        Forms::FUNCTION,
        Forms::BLOCK,
        Forms::MODULE,
        Forms::TARGET,
    ];
    // An operand of which only the index counts is never a register.
    let registers = !forms.has(Forms::INDEX);
    let fitting: Vec<Forms> =
        all.into_iter().filter(|form| forms.has(*form) && (*form != Forms::REGISTER || registers)).collect();
    if fitting.is_empty() {
        return None;
    }
    let data = |random: &mut Random| (!module.data.is_empty()).then(|| DataId(random.below(module.data.len()) as u32));
    Some(match random.pick(&fitting) {
        Forms::REGISTER => Operand::Register(Register {
            mode: if forms.has(Forms::FUNCTION) { AccessMode::Direct } else { mode(random) },
            set: if random.below(4) > 0 { RegisterSet::Local } else { random.pick(&RegisterSet::ALL) },
            index: {
                let bound = if random.below(16) > 0 { 8 } else { 300 };
                random.below(bound) as u16
            },
        }),
        Forms::VOID => Operand::Void,
        Forms::INDEX => Operand::Index(random.pick(&[0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 255, 4094, 4095, 65535])),
        Forms::INTEGER => Operand::Integer(random.pick(&[
            0,
            1,
            -1,
            2,
            3,
            7,
            8,
            63,
            64,
            65,
            255,
            256,
            1 << 16,
            -(1 << 15),
            1 << 31,
            1 << 32,
            i64::MAX,
            i64::MIN,
        ])),
        Forms::FLOAT => Operand::Float(random.pick(&[0.0, -0.0, 1.5, -1e300, 1e18, 1e19, f64::INFINITY, 5e-324])),
        Forms::BOOLEAN => Operand::Boolean(random.below(2) == 0),
        Forms::BITS => Operand::Bits(data(random)?),
        Forms::TIMEOUT => Operand::Timeout(random.pick(&[Some(0), Some(1), Some(5), None])),
        Forms::FUNCTION | Forms::BLOCK => {
            let count = module.symbols.len() + module.externals.len();
            let number = random.below(count);
            Operand::Name(match number.checked_sub(module.symbols.len()) {
                None => Reference::Symbol(number as u32),
                Some(external) => Reference::External(external as u32),
            })
        }
        Forms::TARGET => Operand::Target(random.below(length) as u32),
        _ => Operand::Data(data(random)?),
    })
}
