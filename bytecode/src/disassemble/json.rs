//! The disassembly as one JSON document: the same content, with typed operands. Definitions are written one by one,
//! so that memory stays in proportion to the largest of them.

use super::names::BodyNames;
use super::operand::{self, DataForm};
use super::{kind_word, source_line};
use crate::DisassembleOptions;
use crate::instruction::{Instruction, Operand, Register};
use crate::module::{ExternalKind, Kind, Module, Reference};
use serde::Serialize;
use viua_isa::{AccessMode, Forms, Operand as Spec};

/// Raised when the form of the document changes.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Head<'a> {
    format: u32,
    kind: &'static str,
    version: String,
    entry: Option<&'a str>,
    meta: Vec<Meta<'a>>,
    signatures: Vec<&'a str>,
    block_signatures: Vec<&'a str>,
    imports: Vec<&'a str>,
}

#[derive(Serialize)]
struct Meta<'a> {
    key: &'a str,
    value: String,
}

#[derive(Serialize)]
struct Definition<'a> {
    kind: &'static str,
    name: &'a str,
    arity: Option<u16>,
    offset: u32,
    length: u32,
    registers: Vec<Named<'a>>,
    instructions: Vec<Line>,
}

#[derive(Serialize)]
struct Named<'a> {
    index: u16,
    name: &'a str,
}

#[derive(Serialize)]
struct Line {
    index: u32,
    offset: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    mnemonic: &'static str,
    operands: Vec<Typed>,
}

#[derive(Serialize)]
struct Typed {
    /// As in the text form.
    text: String,
    #[serde(flatten)]
    value: Value,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Value {
    Void,
    Register {
        mode: &'static str,
        index: u16,
        set: &'static str,
    },
    Index {
        index: u16,
    },
    Integer {
        value: i64,
    },
    Float {
        /// Absent for an infinity, which JSON has not.
        value: Option<f64>,
    },
    Boolean {
        value: bool,
    },
    Timeout {
        milliseconds: Option<u32>,
    },
    /// What is not UTF-8 is replaced; the text form has all bytes.
    String {
        value: String,
    },
    Atom {
        value: String,
    },
    Tag {
        value: String,
    },
    Module {
        value: String,
    },
    Bits {
        width: u64,
    },
    Function {
        name: String,
        defined: bool,
    },
    Block {
        name: String,
        defined: bool,
    },
    Target {
        instruction: u32,
    },
}

/// The document, ending with a line feed.
pub(super) fn print(module: &Module, options: &DisassembleOptions, chosen: &[usize]) -> Vec<u8> {
    let externals = |kind| {
        let found = module.externals.iter().filter(move |external| external.kind == kind);
        found.map(|external| module.name(external.name)).collect()
    };
    let head = Head {
        format: FORMAT,
        kind: match module.kind {
            Kind::Program => "program",
            Kind::Library => "library",
        },
        version: format!("{}.{}", crate::layout::FORMAT_MAJOR, crate::layout::FORMAT_MINOR),
        entry: module.symbols.get(module.entry as usize).map(|symbol| module.name(symbol.name)),
        meta: module
            .meta
            .iter()
            .map(|(key, value)| Meta { key: module.name(*key), value: lossy(module.bytes(*value)) })
            .collect(),
        signatures: externals(ExternalKind::Function),
        block_signatures: externals(ExternalKind::Block),
        imports: module.imports.iter().map(|name| module.name(*name)).collect(),
    };
    let mut text = encode(&head);
    // Open the object again for what follows.
    text.pop();
    text.extend_from_slice(b",\"definitions\":[");
    for (at, &index) in chosen.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&encode(&definition(module, index, options)));
    }
    text.extend_from_slice(b"]}\n");
    text
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Fails only for maps whose keys are no strings.
    serde_json::to_vec(value).unwrap_or_default()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn definition<'a>(module: &'a Module, index: usize, options: &DisassembleOptions) -> Definition<'a> {
    let symbol = &module.symbols[index];
    let names = BodyNames::of(module, index, options.without_names);
    let mut targets = names.targets().iter().peekable();
    let mut instructions = module.instructions(symbol);
    let mut lines = Vec::new();
    for number in 0.. {
        let offset = instructions.offset();
        let Some(instruction) = instructions.next() else { break };
        lines.push(Line {
            index: number,
            offset,
            label: targets.next_if(|target| **target == number).map(|_| names.label(number).into_owned()),
            source: source_line(module, index, number),
            mnemonic: instruction.opcode.mnemonic(),
            operands: operands(module, &names, &instruction),
        });
    }
    Definition {
        kind: kind_word(symbol.kind),
        name: module.name(symbol.name),
        arity: symbol.arity,
        offset: symbol.offset,
        length: symbol.length,
        registers: names.declared().iter().map(|&(index, name)| Named { index, name }).collect(),
        instructions: lines,
    }
}

fn operands(module: &Module, names: &BodyNames, instruction: &Instruction) -> Vec<Typed> {
    let specs = instruction.opcode.row().operands;
    let typed = instruction.operands().iter().zip(specs).map(|(operand, spec)| {
        let mut text = Vec::new();
        operand::print(module, names, spec, operand, &mut text);
        Typed { text: lossy(&text), value: value_of(module, spec, operand) }
    });
    typed.collect()
}

fn value_of(module: &Module, spec: &Spec, operand: &Operand) -> Value {
    match *operand {
        Operand::Void => Value::Void,
        Operand::Register(Register { mode, set, index }) => {
            let mode = match mode {
                AccessMode::Direct => "direct",
                AccessMode::Indirect => "indirect",
                AccessMode::Dereference => "dereference",
            };
            Value::Register { mode, index, set: set.name() }
        }
        Operand::Index(index) => Value::Index { index },
        Operand::Integer(value) => Value::Integer { value },
        Operand::Float(value) => Value::Float { value: value.is_finite().then_some(value) },
        Operand::Boolean(value) => Value::Boolean { value },
        Operand::Timeout(milliseconds) => Value::Timeout { milliseconds },
        Operand::Data(id) => {
            let value = lossy(module.bytes(id));
            match DataForm::of(spec) {
                DataForm::String => Value::String { value },
                DataForm::Atom => Value::Atom { value },
                DataForm::Tag => Value::Tag { value },
                DataForm::Module => Value::Module { value },
            }
        }
        Operand::Bits(id) => Value::Bits { width: module.bytes(id).len() as u64 * 8 },
        Operand::Name(reference) => {
            let name = module.reference_name(reference).to_owned();
            let defined = matches!(reference, Reference::Symbol(_));
            match spec.forms.has(Forms::BLOCK) {
                true => Value::Block { name, defined },
                false => Value::Function { name, defined },
            }
        }
        Operand::Target(instruction) => Value::Target { instruction },
    }
}
