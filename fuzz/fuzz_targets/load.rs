//! Any bytes may be given to the reader. They are tried as they are, with their checksums set right, and as the
//! contents of sections of a file whose frame is right, which leads deepest into the verifier.
#![no_main]

#[path = "../../bytecode/tests/support/checksums.rs"]
mod checksums;

use libfuzzer_sys::fuzz_target;
use viua_bytecode::layout::{CRITICAL, DEBUG, MAGIC};
use viua_bytecode::{DisassembleOptions, disassemble, disassemble_unverified, read_container, write};

fuzz_target!(|data: &[u8]| {
    load(data);
    let mut fixed = data.to_vec();
    checksums::fix_checksums(&mut fixed);
    load(&fixed);
    load(&framed(data));
});

/// What is accepted must be canonical, and fit for the tools.
fn load(file: &[u8]) {
    disassemble_unverified(file, "f", &DisassembleOptions::default());
    let Ok(container) = read_container(file, "f") else { return };
    let module = container.module;
    let again = read_container(&write(&module), "f").expect("what was read can be written").module;
    assert_eq!(again, module);
    for symbol in &module.symbols {
        assert_eq!(module.instructions(symbol).count(), symbol.instructions as usize);
    }
    let options = DisassembleOptions { addresses: true, lines: true, ..DisassembleOptions::default() };
    assert!(disassemble(&module, &options).is_ok());
    assert!(disassemble(&module, &DisassembleOptions { json: true, ..options }).is_ok());
}

/// A file with the input as contents: per section a byte for its length and one for the number of its items, then
/// the content; a length of zero leaves a section out. The first bytes are kind and entry point.
fn framed(data: &[u8]) -> Vec<u8> {
    let names = [
        (b"STRS", CRITICAL),
        (b"DATA", CRITICAL),
        (b"SYMS", CRITICAL),
        (b"EXTS", CRITICAL),
        (b"IMPS", CRITICAL),
        (b"META", 0),
        (b"CODE", CRITICAL),
        (b"RELO", CRITICAL),
        (b"DFIL", DEBUG),
        (b"DLIN", DEBUG),
        (b"DREG", DEBUG),
        (b"DLAB", DEBUG),
    ];
    let mut rest = data;
    let mut next = || {
        let (first, after) = rest.split_first().unwrap_or((&0, &[]));
        rest = after;
        *first
    };
    let (kind, entry) = (1 + next() % 2, next());
    let mut sections = Vec::new();
    for (name, flags) in names {
        let (length, count) = (next(), next());
        let content: Vec<u8> = (0..length).map(|_| next()).collect();
        let always = matches!(name, b"STRS" | b"SYMS" | b"CODE") || (name == b"RELO" && kind == 2);
        if always || length > 0 {
            let count = if name == b"CODE" { length } else { count };
            sections.push((name, flags, count, content));
        }
    }
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&[1, 0, 0, 0, 0, 0, kind, 0]);
    file.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    file.resize(64, 0);
    let entry = if kind == 2 { u32::MAX } else { u32::from(entry) };
    file[28..32].copy_from_slice(&entry.to_le_bytes());
    file[32] = 1;
    let mut contents = Vec::new();
    let base = 64 + 32 * sections.len();
    for (name, flags, count, content) in &sections {
        contents.resize(contents.len().next_multiple_of(8), 0);
        file.extend_from_slice(*name);
        file.extend_from_slice(&flags.to_le_bytes());
        file.extend_from_slice(&((base + contents.len()) as u64).to_le_bytes());
        file.extend_from_slice(&(content.len() as u64).to_le_bytes());
        file.extend_from_slice(&[0, 0, 0, 0, *count, 0, 0, 0]);
        contents.extend_from_slice(content);
    }
    file.extend_from_slice(&contents);
    let length = file.len() as u64;
    file[20..28].copy_from_slice(&length.to_le_bytes());
    checksums::fix_checksums(&mut file);
    file
}
