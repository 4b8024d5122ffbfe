//! Modules for the tests: any instruction of the table, and any module made of them, out of plain random words.

mod checksums;

pub use checksums::fix_checksums;
use proptest::prelude::*;
use viua_bytecode::{
    Draft, External, ExternalKind, Instruction, Kind, LineEntry, Module, Operand, Reference, Register, SymbolKind,
};
use viua_isa::{AccessMode, Forms, Opcode, RegisterSet, TABLE};

/// What a random instruction is made of.
pub type Words = (u8, [u64; 4]);

/// What a random module is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    pub library: bool,
    pub with_debug: bool,
    pub bodies: Vec<Vec<Words>>,
    pub strings: Vec<Vec<u8>>,
}

pub fn words() -> impl Strategy<Value = Words> {
    (any::<u8>(), any::<[u64; 4]>())
}

pub fn plans() -> impl Strategy<Value = Plan> {
    let bodies = prop::collection::vec(prop::collection::vec(words(), 1..12), 1..6);
    let strings = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 1..5);
    (any::<bool>(), any::<bool>(), bodies, strings).prop_map(|(library, with_debug, bodies, strings)| Plan {
        library,
        with_debug,
        bodies,
        strings,
    })
}

/// What operands may refer to.
pub struct Surroundings<'a> {
    pub draft: &'a mut Draft,
    pub strings: &'a [Vec<u8>],
    pub blocks: u32,
    pub invocables: u32,
    pub length: u32,
}

/// An instruction of the table; all of it depends on the words only.
pub fn instruction((opcode, words): Words, around: &mut Surroundings) -> Instruction {
    let implemented: Vec<Opcode> = TABLE.iter().map(|row| row.opcode).filter(|it| *it != Opcode::Bool).collect();
    let opcode = implemented[usize::from(opcode) % implemented.len()];
    let specs = opcode.row().operands.iter();
    let operands: Vec<Operand> = specs.zip(words).map(|(spec, word)| operand(spec.forms, word, around)).collect();
    Instruction::new(opcode, &operands)
}

fn operand(forms: Forms, word: u64, around: &mut Surroundings) -> Operand {
    let all = [
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
        Forms::BLOCK,
        Forms::MODULE,
        Forms::TARGET,
    ];
    let only_index = forms.has(Forms::INDEX);
    let possible: Vec<Forms> =
        all.into_iter().filter(|form| forms.has(*form) && !(only_index && *form == Forms::REGISTER)).collect();
    let form = possible[word as usize % possible.len()];
    let word = word / possible.len() as u64;
    let pick = |number: usize| word as usize % number;
    let string = around.strings[pick(around.strings.len())].clone();
    match form {
        Forms::REGISTER => {
            let modes = [AccessMode::Direct, AccessMode::Dereference, AccessMode::Indirect];
            let modes = if forms.has(Forms::FUNCTION) { &modes[..2] } else { &modes[..] };
            Operand::Register(Register {
                mode: modes[pick(modes.len())],
                set: RegisterSet::ALL[(word >> 8) as usize % 5],
                index: (word >> 16) as u16,
            })
        }
        Forms::VOID => Operand::Void,
        Forms::INDEX => Operand::Index(word as u16),
        Forms::INTEGER => Operand::Integer(word as i64),
        Forms::FLOAT => {
            let value = f64::from_bits(word);
            Operand::Float(if value.is_nan() { -0.0 } else { value })
        }
        Forms::BOOLEAN => Operand::Boolean(word & 1 == 1),
        Forms::BITS => {
            let bits = if string.is_empty() { vec![0] } else { string };
            Operand::Bits(around.draft.data(&bits))
        }
        Forms::STRING | Forms::ATOM => Operand::Data(around.draft.data(&string)),
        Forms::TAG => Operand::Data(around.draft.data(["Integer", "a\\\"b", "a\"b", ""][pick(4)].as_bytes())),
        Forms::MODULE => Operand::Data(around.draft.data(["a::b", "\"a\""][pick(2)].as_bytes())),
        Forms::TIMEOUT => Operand::Timeout((word & 1 == 1).then_some((word >> 1) as u32 % u32::MAX)),
        Forms::FUNCTION => Operand::Name(match pick(2) {
            0 => Reference::External(0),
            _ => Reference::Symbol(around.blocks + (word >> 1) as u32 % around.invocables),
        }),
        Forms::BLOCK => Operand::Name(match pick(2) {
            1 if around.blocks > 0 => Reference::Symbol((word >> 1) as u32 % around.blocks),
            _ => Reference::External(1),
        }),
        Forms::TARGET => Operand::Target(word as u32 % around.length),
        other => unreachable!("{other:?}"),
    }
}

/// The module of a plan: the first half of the bodies are blocks, the last body is the main function.
pub fn module(plan: &Plan) -> Module {
    let kind = if plan.library { Kind::Library } else { Kind::Program };
    let mut draft = Draft::new(kind);
    let count = plan.bodies.len();
    let blocks = count / 2;
    for (at, body) in plan.bodies.iter().enumerate() {
        let (symbol_kind, name) = match at {
            _ if at + 1 == count => (SymbolKind::Function, "main/0".to_owned()),
            _ if at < blocks => (SymbolKind::Block, format!("main/0__nested__b{at}")),
            _ if at % 2 == 0 => (SymbolKind::Closure, format!("c{at}/1")),
            _ => (SymbolKind::Function, format!("ns::f{at}/")),
        };
        let mut around = Surroundings {
            draft: &mut draft,
            strings: &plan.strings,
            blocks: blocks as u32,
            invocables: (count - blocks) as u32,
            length: body.len() as u32,
        };
        let instructions: Vec<Instruction> = body.iter().map(|words| instruction(*words, &mut around)).collect();
        let index = draft.define(symbol_kind, &name, &instructions);
        if at + 1 == count && !plan.library {
            draft.module.entry = index;
        }
        if plan.with_debug {
            let line = |(at, words): (usize, &Words)| LineEntry {
                file: words.1[0] as u32 % 2,
                line: 1 + (words.1[1] as u32 >> 1) + at as u32,
                column: 1 + words.1[2] as u32 % 200,
            };
            let debug = &mut draft.module.debug;
            debug.lines.push(body.iter().enumerate().map(line).collect());
            debug.registers.push((0..=at as u16).map(|index| (index, format!("r{index}"))).collect());
            debug.labels.push(vec![(0, "start".to_owned()), (body.len() as u32, "end".to_owned())]);
            debug.files = vec!["a.asm".to_owned(), "dir/b.asm".to_owned()];
        }
    }
    let function = draft.name("ext::f/2");
    let block = draft.name("ext_block");
    let imported = [draft.name("std::vector"), draft.name("io")];
    let key = draft.name("author");
    let value = draft.data(&plan.strings[0]);
    draft.module.externals.push(External { name: function, kind: ExternalKind::Function });
    draft.module.externals.push(External { name: block, kind: ExternalKind::Block });
    draft.module.imports.extend(imported);
    draft.module.meta.push((key, value));
    draft.finish()
}
