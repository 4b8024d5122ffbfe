//! `viuac inspect`: what is in a container, or whether it is sound.

use super::Context;
use super::source::TextOrJson;
use crate::console::print;
use crate::failure::{Failure, SUCCESS};
use crate::input::read_bytes;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;
use viua_bytecode::{Container, ExternalKind, Kind, Module, SymbolKind};

const EXAMPLES: &str = "\
Examples:
  viuac inspect prog               header, sections, symbols, externals, imports, meta information
  viuac inspect --verify prog      only say whether the file is sound";

/// Show what is in a program or library.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// A program or library; '-' is standard input
    file: PathBuf,
    /// Only run the verifier
    #[arg(long)]
    verify: bool,
    /// Text or JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: TextOrJson,
}

pub(crate) fn run(options: &Inspect, context: &Context) -> Result<u8, Failure> {
    let bytes = read_bytes(&options.file)?;
    let path = options.file.display().to_string();
    let container =
        viua_bytecode::read_container(&bytes, &path).map_err(|error| Failure::refused(error.to_string()))?;
    container.warnings.iter().for_each(|warning| context.console.warning(&format!("{path}: {warning}")));
    if options.verify {
        context.console.progress(|| format!("{path}: sound"));
        return Ok(SUCCESS);
    }
    let text = match options.format {
        TextOrJson::Text => text(&path, bytes.len(), &container),
        TextOrJson::Json => format!("{}\n", document(&path, bytes.len(), &container)),
    };
    print(text.as_bytes())?;
    Ok(SUCCESS)
}

pub(crate) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Program => "program",
        Kind::Library => "library",
    }
}

pub(crate) const fn symbol_kind_name(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "function",
        SymbolKind::Closure => "closure",
        SymbolKind::Block => "block",
    }
}

pub(crate) const fn external_kind_name(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Function => "function",
        ExternalKind::Block => "block",
    }
}

/// The name of the entry point of a program.
pub(crate) fn entry(module: &Module) -> Option<&str> {
    module.symbols.get(module.entry as usize).map(|symbol| module.name(symbol.name))
}

fn text(path: &str, length: usize, container: &Container) -> String {
    let module = &container.module;
    let (major, minor) = container.version;
    let mut out = format!("{path}: {}, format {major}.{minor}, {length} bytes\n", kind_name(module.kind));
    let mut put = |line: String| {
        let written = writeln!(out, "{line}");
        debug_assert!(written.is_ok());
    };
    if let Some(name) = entry(module) {
        put(format!("entry point: {name}"));
    }
    put("sections:".to_owned());
    for section in &container.sections {
        put(format!(
            "  {} at {:8}, {:8} bytes, {:6} items{}{}",
            section.name,
            section.offset,
            section.length,
            section.count,
            if section.flags & 1 != 0 { ", critical" } else { "" },
            if section.flags & 2 != 0 { ", debug" } else { "" },
        ));
    }
    let mut group = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            put(format!("{title}:"));
            rows.into_iter().for_each(|row| put(format!("  {row}")));
        }
    };
    let symbols = module.symbols.iter().map(|symbol| {
        format!(
            "{:8} at {:8}, {:6} bytes, {:5} instructions  {}",
            symbol_kind_name(symbol.kind),
            symbol.offset,
            symbol.length,
            symbol.instructions,
            module.name(symbol.name)
        )
    });
    group("symbols", symbols.collect());
    let externals = module.externals.iter();
    group(
        "externals",
        externals.map(|it| format!("{:8} {}", external_kind_name(it.kind), module.name(it.name))).collect(),
    );
    group("imports", module.imports.iter().map(|name| module.name(*name).to_owned()).collect());
    group("meta information", meta_lines(module));
    group("source files", module.debug.files.clone());
    out
}

/// One line per entry of the meta information: `<key> = "<value>"`.
pub(crate) fn meta_lines(module: &Module) -> Vec<String> {
    let line = |(key, value): &(_, _)| meta_line(module.name(*key), module.bytes(*value));
    module.meta.iter().map(line).collect()
}

/// `<key> = "<value>"` with escapes encoded.
pub(crate) fn meta_line(key: &str, value: &[u8]) -> String {
    let mut line = format!("{key} = \"");
    for character in String::from_utf8_lossy(value).chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\x07' => line.push_str("\\a"),
            '\x08' => line.push_str("\\b"),
            '\x0c' => line.push_str("\\f"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\x0b' => line.push_str("\\v"),
            _ => line.push(character),
        }
    }
    line.push('"');
    line
}

fn document(path: &str, length: usize, container: &Container) -> Value {
    let module = &container.module;
    let sections = container.sections.iter().map(|section| {
        json!({ "id": section.name, "flags": section.flags, "offset": section.offset, "length": section.length,
                "items": section.count })
    });
    let symbols = module.symbols.iter().map(|symbol| {
        json!({ "kind": symbol_kind_name(symbol.kind), "name": module.name(symbol.name), "arity": symbol.arity,
                "offset": symbol.offset, "length": symbol.length, "instructions": symbol.instructions })
    });
    let externals = module.externals.iter();
    let externals = externals.map(|it| json!({ "kind": external_kind_name(it.kind), "name": module.name(it.name) }));
    let meta = module.meta.iter().map(
        |(key, value)| json!({ "key": module.name(*key), "value": String::from_utf8_lossy(module.bytes(*value)) }),
    );
    json!({
        "format": 1, "file": path, "length": length, "kind": kind_name(module.kind),
        "version": [container.version.0, container.version.1], "entry": entry(module),
        "sections": sections.collect::<Vec<_>>(), "symbols": symbols.collect::<Vec<_>>(),
        "externals": externals.collect::<Vec<_>>(),
        "imports": module.imports.iter().map(|name| module.name(*name)).collect::<Vec<_>>(),
        "meta": meta.collect::<Vec<_>>(), "files": module.debug.files,
    })
}
