//! The disassembly of a damaged file (`--unverified`): whatever can be decoded, with comments at the faults.
//!
//! Nothing here trusts anything: sections are cut to the file, indexes that lead nowhere become faults, and an
//! instruction with a fault is shown as `nop`, so that the numbers of the others stay right. The result is for
//! reading, not for assembling.

use super::{DisassembleOptions, disassemble_with_faults};
use crate::instruction::{Instruction, Operand, decode, encode};
use crate::layout::{HEADER_LENGTH, SectionId, TABLE_ENTRY_LENGTH, header};
use crate::module::{DataId, Debug, External, ExternalKind, Kind, Module, NO_ENTRY, NameId, Symbol, SymbolKind};
use crate::names;
use crate::reader::{is_container, read_container};
use crate::verifier::Bytes;
use crate::verify_code::check_operand;
use viua_isa::Opcode;

/// The text of a file, damaged or not. Options that select symbols or JSON are not for this. O(bytes).
pub fn disassemble_unverified(bytes: &[u8], path: &str, options: &DisassembleOptions) -> Vec<u8> {
    let options = DisassembleOptions { only: Vec::new(), json: false, info: false, ..options.clone() };
    let (fault, (module, faults)) = match read_container(bytes, path) {
        Ok(container) => (None, (container.module, Vec::new())),
        Err(error) => (Some(error.to_string()), salvage(bytes)),
    };
    let mut text = Vec::new();
    if let Some(fault) = fault {
        super::put(&mut text, format_args!("; {}\n\n", printable(&fault)));
    }
    // Nothing is selected, so nothing can be missing.
    text.append(&mut disassemble_with_faults(&module, &options, &faults).unwrap_or_default());
    text
}

/// One line, without control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

type Faults = Vec<Vec<(u32, String)>>;

/// A module that holds what can be made out, safe to be printed.
fn salvage(bytes: &[u8]) -> (Module, Faults) {
    let mut module = Module {
        kind: Kind::Library,
        entry: NO_ENTRY,
        names: Vec::new(),
        data: Vec::new(),
        symbols: Vec::new(),
        externals: Vec::new(),
        imports: Vec::new(),
        meta: Vec::new(),
        code: Vec::new(),
        debug: Debug::default(),
    };
    if !is_container(bytes) {
        return (module, Vec::new());
    }
    let section = |id| section_of(bytes, id);
    let names = strings(section(SectionId::Strs));
    module.names = names.iter().map(|name| printable(&String::from_utf8_lossy(name)).into()).collect();
    module.data = strings(section(SectionId::Data)).into_iter().map(Into::into).collect();
    // What has no name is called by this one.
    module.names.push("?".into());
    let unknown = module.names.len() as u32 - 1;
    let name = |id: u32| NameId(id.min(unknown));
    let rows = |id, size| section(id).content.chunks_exact(size).map(Bytes);
    let symbols: Vec<Symbol> = rows(SectionId::Syms, 16)
        .map(|row| Symbol {
            name: name(row.u32(0)),
            kind: match row.0[4] {
                2 => SymbolKind::Closure,
                3 => SymbolKind::Block,
                _ => SymbolKind::Function,
            },
            arity: None,
            offset: row.u32(8),
            length: row.u32(12),
            instructions: 0,
        })
        .collect();
    module.externals = rows(SectionId::Exts, 8)
        .map(|row| External {
            name: name(row.u32(0)),
            kind: if row.0[4] == ExternalKind::Block as u8 { ExternalKind::Block } else { ExternalKind::Function },
        })
        .collect();
    module.imports = rows(SectionId::Imps, 4).map(|row| name(row.u32(0))).collect();
    let meta = rows(SectionId::Meta, 8).map(|row| (name(row.u32(0)), DataId(row.u32(4))));
    module.meta = meta.filter(|(_, value)| (value.0 as usize) < module.data.len()).collect();
    module.symbols = symbols.clone();
    let code = section(SectionId::Code).content;
    let mut faults = Vec::new();
    // Bodies of a damaged file may overlap; printing must not take longer than the file is.
    let mut budget = code.len();
    for (index, symbol) in symbols.iter().enumerate() {
        let start = (symbol.offset as usize).min(code.len());
        let end = start + (symbol.length as usize).min(code.len() - start).min(budget);
        budget -= end - start;
        let offset = module.code.len() as u32;
        let (body, count, found) = salvage_body(&code[start..end], symbol.offset, &module);
        module.code.extend_from_slice(&body);
        let arity = names::arity_of(module.name(symbol.name)).flatten();
        module.symbols[index] = Symbol { arity, offset, length: body.len() as u32, instructions: count, ..*symbol };
        faults.push(found);
    }
    (module, faults)
}

/// The instructions of a body up to the first that cannot be decoded, those with a fault replaced.
fn salvage_body(code: &[u8], offset: u32, module: &Module) -> (Vec<u8>, u32, Vec<(u32, String)>) {
    let mut instructions = Vec::new();
    let mut faults = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let place = u64::from(offset) + at as u64;
        match decode(&code[at..]) {
            Ok((instruction, length)) => {
                instructions.push((place, instruction));
                at += length;
            }
            Err(error) => {
                faults.push((instructions.len() as u32, format!("fault at @{place}: {error}")));
                break;
            }
        }
    }
    let mut body = Vec::new();
    for (number, (place, instruction)) in instructions.iter().enumerate() {
        match fault_of(instruction, instructions.len(), module) {
            None => encode(instruction, &mut body),
            Some(what) => {
                let mnemonic = instruction.opcode.mnemonic();
                faults.push((number as u32, format!("fault at @{place}: {mnemonic}: {what}")));
                encode(&Instruction::new(Opcode::Nop, &[]), &mut body);
            }
        }
    }
    faults.sort_by_key(|(number, _)| *number);
    (body, instructions.len() as u32, faults)
}

fn fault_of(instruction: &Instruction, count: usize, module: &Module) -> Option<&'static str> {
    let specs = instruction.opcode.row().operands;
    instruction.operands().iter().zip(specs).find_map(|(operand, spec)| match *operand {
        Operand::Target(number) if number as usize >= count => Some("jump out of the body"),
        _ => check_operand(operand, spec.forms, module).err(),
    })
}

struct Salvaged<'a> {
    content: &'a [u8],
    count: u32,
}

/// The first section of that name, as far as it is in the file; empty if there is none.
fn section_of(bytes: &[u8], id: SectionId) -> Salvaged<'_> {
    let count = Bytes(bytes).u32(header::SECTION_COUNT) as usize;
    let table = bytes[HEADER_LENGTH..].chunks_exact(TABLE_ENTRY_LENGTH).take(count.min(64)).map(Bytes);
    let clamp = |value: u64, least: usize| usize::try_from(value).unwrap_or(usize::MAX).clamp(least, bytes.len());
    let found = table.filter(|row| row.0[..4] == id.row().name).map(|row| {
        let start = clamp(row.u64(8), 0);
        let end = clamp(row.u64(8).saturating_add(row.u64(16)), start);
        Salvaged { content: &bytes[start..end], count: row.u32(28) }
    });
    found.into_iter().next().unwrap_or(Salvaged { content: &[], count: 0 })
}

fn strings(section: Salvaged<'_>) -> Vec<&[u8]> {
    let count = (section.count as usize).min(section.content.len() / 4);
    let (ends, content) = section.content.split_at(4 * count);
    let mut start = 0;
    let strings = ends.chunks_exact(4).map(|end| {
        let end = (Bytes(end).u32(0) as usize).clamp(start, content.len());
        let string = &content[start..end];
        start = end;
        string
    });
    strings.collect()
}
