//! The disassembler: a module as source text that assembles to the same module (tools.md §6).
//!
//! This file has the options and the order of things; [`operand`] prints operands, [`literal`] the quoted ones,
//! [`names`] decides how labels and registers are called in a body, [`json`] is the same content as JSON,
//! [`unverified`] shows damaged files.

mod json;
mod literal;
mod names;
mod operand;
mod unverified;

use crate::module::{ExternalKind, Kind, LineEntry, Module, NameId, Symbol, SymbolKind};
use crate::{reader, writer};
use names::BodyNames;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
pub use unverified::disassemble_unverified;

/// What to print, and how (tools.md §6.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisassembleOptions {
    /// Only these functions, closures and blocks (`-F`); all if empty.
    pub only: Vec<String>,
    /// First a comment block about the module (`-i`).
    pub info: bool,
    /// A comment with addresses before each instruction (`-a`).
    pub addresses: bool,
    /// A comment with the source position before each instruction (`--lines`).
    pub lines: bool,
    /// The lines of source files, by the names that debug information has for them: a comment with the line before the
    /// first of the instructions that stand in it (`--source`).
    pub sources: BTreeMap<String, Vec<String>>,
    /// Leave `[[no_sa]]` out (`--sa`).
    pub with_analysis: bool,
    /// Print as if there were no names of registers and labels (`--no-names`).
    pub without_names: bool,
    /// One JSON document (`--format=json`).
    pub json: bool,
}

/// There is no function, closure or block of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such symbol: {name}")]
pub struct NoSuchSymbol {
    /// The name asked for.
    pub name: String,
    /// A symbol whose name is near.
    pub suggestion: Option<String>,
}

/// The text of a module. It is UTF-8 unless literals that know no numeric escapes hold other bytes.
/// O(size of the module).
pub fn disassemble(module: &Module, options: &DisassembleOptions) -> Result<Vec<u8>, NoSuchSymbol> {
    disassemble_with_faults(module, options, &[])
}

/// The text of a module of which parts could not be read: per symbol, the number of the instruction before which
/// something is missing, and why.
pub(crate) fn disassemble_with_faults(
    module: &Module,
    options: &DisassembleOptions,
    faults: &[Vec<(u32, String)>],
) -> Result<Vec<u8>, NoSuchSymbol> {
    let chosen = choose(module, &options.only)?;
    if options.json {
        return Ok(json::print(module, options, &chosen));
    }
    let mut text = Vec::new();
    if options.info {
        print_info(module, &mut text);
    }
    if options.only.is_empty() {
        print_groups(module, &mut text);
    }
    for (at, &index) in chosen.iter().enumerate() {
        if at > 0 {
            text.push(b'\n');
        }
        print_definition(module, index, options, faults.get(index).map_or(&[], Vec::as_slice), &mut text);
    }
    Ok(text)
}

/// The symbols to print.
fn choose(module: &Module, only: &[String]) -> Result<Vec<usize>, NoSuchSymbol> {
    let all = || module.symbols.iter().map(|symbol| module.name(symbol.name));
    if only.is_empty() {
        return Ok((0..module.symbols.len()).collect());
    }
    if let Some(name) = only.iter().find(|name| !all().any(|symbol| symbol == **name)) {
        let suggestion = viua_isa::suggest(name, all()).map(str::to_owned);
        return Err(NoSuchSymbol { name: name.clone(), suggestion });
    }
    let wanted: std::collections::HashSet<&str> = only.iter().map(String::as_str).collect();
    Ok(all().enumerate().filter(|(_, name)| wanted.contains(name)).map(|(index, _)| index).collect())
}

fn put(text: &mut Vec<u8>, what: impl Display) {
    // Writing to a vector does not fail.
    let _ = write!(text, "{what}");
}

/// The comment block of `-i`.
fn print_info(module: &Module, text: &mut Vec<u8>) {
    let kind = match module.kind {
        Kind::Program => "program",
        Kind::Library => "library",
    };
    put(text, format_args!("; kind: {kind}\n"));
    put(text, format_args!("; format version: {}.{}\n", crate::layout::FORMAT_MAJOR, crate::layout::FORMAT_MINOR));
    if let Some(entry) = module.symbols.get(module.entry as usize) {
        put(text, format_args!("; entry point: {}\n", module.name(entry.name)));
    }
    put(text, "; sections:\n");
    let file = writer::write(module);
    if let Ok(container) = reader::read_container(&file, "") {
        for section in &container.sections {
            let reader::SectionInfo { name, offset, length, count, .. } = section;
            put(text, format_args!(";   {name} offset {offset} length {length} items {count}\n"));
        }
    }
    put(text, "; symbols:\n");
    for symbol in &module.symbols {
        let (kind, name) = (kind_word(symbol.kind), module.name(symbol.name));
        put(text, format_args!(";   {kind} {name} offset {} length {}\n", symbol.offset, symbol.length));
    }
    text.push(b'\n');
}

fn kind_word(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "function",
        SymbolKind::Closure => "closure",
        SymbolKind::Block => "block",
    }
}

/// What stands before the definitions.
fn print_groups(module: &Module, text: &mut Vec<u8>) {
    if !module.meta.is_empty() {
        put(text, "; meta information\n");
        for (key, value) in &module.meta {
            put(text, format_args!(".info: {} ", module.name(*key)));
            literal::print_simple(module.bytes(*value), b'"', text);
            text.push(b'\n');
        }
        text.push(b'\n');
    }
    let externals = |kind| {
        let found = module.externals.iter().filter(move |external| external.kind == kind);
        found.map(|external| external.name)
    };
    print_group("; external function signatures", ".signature:", externals(ExternalKind::Function), module, text);
    print_group("; external block signatures", ".bsignature:", externals(ExternalKind::Block), module, text);
    let imports = module.imports.iter().copied();
    print_group("; dynamic imports", ".import: [[dynamic]]", imports, module, text);
}

fn print_group(title: &str, directive: &str, names: impl Iterator<Item = NameId>, module: &Module, text: &mut Vec<u8>) {
    let mut names = names.peekable();
    if names.peek().is_none() {
        return;
    }
    put(text, format_args!("{title}\n"));
    for name in names {
        put(text, format_args!("{directive} {}\n", module.name(name)));
    }
    text.push(b'\n');
}

fn print_definition(
    module: &Module,
    index: usize,
    options: &DisassembleOptions,
    faults: &[(u32, String)],
    text: &mut Vec<u8>,
) {
    let symbol = &module.symbols[index];
    let names = BodyNames::of(module, index, options.without_names);
    let attribute = if options.with_analysis { "" } else { "[[no_sa]] " };
    put(text, format_args!(".{}: {attribute}{}\n", kind_word(symbol.kind), module.name(symbol.name)));
    for (register, name) in names.declared() {
        put(text, format_args!("    .name: %{register} {name}\n"));
    }
    let mut targets = names.targets().iter().peekable();
    let mut faults = faults.iter().peekable();
    let mut instructions = module.instructions(symbol);
    let mut number = 0;
    let mut shown = None;
    loop {
        while let Some((_, fault)) = faults.next_if(|(at, _)| *at == number) {
            put(text, format_args!("    ; {fault}\n"));
        }
        let offset = instructions.offset();
        let Some(instruction) = instructions.next() else { break };
        if targets.next_if(|target| **target == number).is_some() {
            put(text, format_args!("    .mark: {}\n", names.label(number)));
        }
        if options.addresses {
            print_address(module, symbol, number, offset..instructions.offset(), text);
        }
        if options.lines
            && let Some(line) = source_line(module, index, number)
        {
            put(text, format_args!("    ; {line}\n"));
        }
        if !options.sources.is_empty()
            && let Some(entry) = module.debug.lines.get(index).and_then(|lines| lines.get(number as usize))
            && shown.replace((entry.file, entry.line)) != Some((entry.file, entry.line))
            && let Some(line) = text_of(module, entry, &options.sources)
        {
            put(text, format_args!("    ; | {line}\n"));
        }
        put(text, format_args!("    {}", instruction.opcode.mnemonic()));
        for (operand, spec) in instruction.operands().iter().zip(instruction.opcode.row().operands) {
            text.push(b' ');
            operand::print(module, &names, spec, operand, text);
        }
        text.push(b'\n');
        number += 1;
    }
    put(text, ".end\n");
}

/// The comment of `-a`. Offsets count from the start of the body, and from the start of all code.
fn print_address(module: &Module, symbol: &Symbol, number: u32, range: std::ops::Range<u32>, text: &mut Vec<u8>) {
    let absolute = u64::from(symbol.offset) + u64::from(range.start);
    put(text, format_args!("    ; {number} +{} @{absolute}:", range.start));
    for byte in &module.body(symbol)[range.start as usize..range.end as usize] {
        put(text, format_args!(" {byte:02x}"));
    }
    text.push(b'\n');
}

/// `file:line:column`, if known.
fn source_line(module: &Module, symbol: usize, number: u32) -> Option<String> {
    let entry = module.debug.lines.get(symbol)?.get(number as usize)?;
    let file = module.debug.files.get(entry.file as usize)?;
    Some(format!("{}:{}:{}", printable(file), entry.line, entry.column))
}

/// The line of the source that an instruction stands in, without the blanks around it.
fn text_of(module: &Module, entry: &LineEntry, sources: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let lines = sources.get(module.debug.files.get(entry.file as usize)?)?;
    let line = lines.get(entry.line.checked_sub(1)? as usize)?;
    Some(printable(&line.trim().replace('\t', " ")))
}

/// Comments end with the line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
