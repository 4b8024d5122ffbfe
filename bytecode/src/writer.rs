//! From a module to the bytes of its file. Everything is written from the module and nothing else, in one fixed
//! order, so the same module always gives the same bytes.

use crate::debug;
use crate::instruction::index_operands;
use crate::layout::{
    CHECKED_HEADER, FORMAT_MAJOR, FORMAT_MINOR, HEADER_LENGTH, INSTRUCTION_SET_REVISION, MAGIC, Presence, SECTIONS,
    SectionId, TABLE_ENTRY_LENGTH, header, limit,
};
use crate::module::{Kind, Module};

/// Something is larger than the container can hold (modules.md §12.10).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} too large: {number} (limit {limit})")]
pub struct LimitError {
    /// What it is.
    pub what: &'static str,
    /// How large it is.
    pub number: u64,
    /// How large it may be.
    pub limit: u64,
}

/// Checks the limits of the container. To be asked before [`write()`]. O(size of the module).
pub fn check_limits(module: &Module) -> Result<(), LimitError> {
    fn check(what: &'static str, number: usize, limit: u64) -> Result<(), LimitError> {
        let number = number as u64;
        if number > limit { Err(LimitError { what, number, limit }) } else { Ok(()) }
    }
    let total = |lengths: &mut dyn Iterator<Item = usize>| lengths.fold(0usize, usize::saturating_add);
    for name in &module.names {
        check("name", name.len(), limit::NAME)?;
    }
    for data in &module.data {
        check("operand string", data.len(), limit::DATA)?;
    }
    check("symbol table", module.symbols.len(), limit::SYMBOLS)?;
    for symbol in &module.symbols {
        check("body", symbol.instructions as usize, limit::INSTRUCTIONS)?;
    }
    check("name pool", total(&mut module.names.iter().map(|name| name.len())), limit::SECTION)?;
    check("data pool", total(&mut module.data.iter().map(|data| data.len())), limit::SECTION)?;
    check("code", module.code.len(), limit::SECTION)?;
    for entries in [module.names.len(), module.data.len(), module.externals.len(), module.meta.len()] {
        check("table", entries, limit::SECTION)?;
    }
    Ok(())
}

/// The file of a module, which must be within the limits ([`check_limits`]) and well-formed: indexes within their
/// tables, pools sorted, bodies adjacent. O(size of the module).
pub fn write(module: &Module) -> Vec<u8> {
    let mut sections = Vec::new();
    for row in &SECTIONS {
        let (count, content) = content_of(module, row.id);
        let present = match row.presence {
            Presence::Always => true,
            Presence::IfAny => !content.is_empty(),
            Presence::Libraries => module.kind == Kind::Library,
        };
        if present {
            sections.push((row, count, content));
        }
    }
    let table_end = HEADER_LENGTH + TABLE_ENTRY_LENGTH * sections.len();
    let mut table = Vec::new();
    let mut end = table_end;
    for (row, count, content) in &sections {
        let offset = end.next_multiple_of(8);
        end = offset + content.len();
        table.extend_from_slice(&row.name);
        table.extend_from_slice(&row.flags.to_le_bytes());
        table.extend_from_slice(&(offset as u64).to_le_bytes());
        table.extend_from_slice(&(content.len() as u64).to_le_bytes());
        table.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
        table.extend_from_slice(&count.to_le_bytes());
    }
    let mut file = Vec::with_capacity(end);
    file.extend_from_slice(&header_of(module, sections.len() as u32, end as u64));
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&file[..CHECKED_HEADER]), &table);
    file[header::CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
    file.extend_from_slice(&table);
    for (_, _, content) in &sections {
        file.resize(file.len().next_multiple_of(8), 0);
        file.extend_from_slice(content);
    }
    file
}

fn header_of(module: &Module, sections: u32, length: u64) -> [u8; HEADER_LENGTH] {
    let mut bytes = [0; HEADER_LENGTH];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &MAGIC);
    put(header::MAJOR, &FORMAT_MAJOR.to_le_bytes());
    put(header::MINOR, &FORMAT_MINOR.to_le_bytes());
    // Nothing in format 1.0 needs a later reader; to be computed from the features used once there are minors.
    put(header::REQUIRED_MINOR, &0u16.to_le_bytes());
    put(header::KIND, &[module.kind as u8]);
    put(header::SECTION_COUNT, &sections.to_le_bytes());
    put(header::FILE_LENGTH, &length.to_le_bytes());
    put(header::ENTRY, &module.entry.to_le_bytes());
    put(header::REVISION, &INSTRUCTION_SET_REVISION.to_le_bytes());
    bytes
}

/// The item count of a section and its bytes.
fn content_of(module: &Module, id: SectionId) -> (u32, Vec<u8>) {
    let mut bytes = Vec::new();
    let count = match id {
        SectionId::Strs => strings(&module.names, |name| name.as_bytes(), &mut bytes),
        SectionId::Data => strings(&module.data, |data| data, &mut bytes),
        SectionId::Syms => {
            for symbol in &module.symbols {
                bytes.extend_from_slice(&symbol.name.0.to_le_bytes());
                bytes.extend_from_slice(&[symbol.kind as u8, u8::from(symbol.arity.is_some())]);
                bytes.extend_from_slice(&symbol.arity.unwrap_or(0).to_le_bytes());
                bytes.extend_from_slice(&symbol.offset.to_le_bytes());
                bytes.extend_from_slice(&symbol.length.to_le_bytes());
            }
            module.symbols.len()
        }
        SectionId::Exts => {
            for external in &module.externals {
                bytes.extend_from_slice(&external.name.0.to_le_bytes());
                bytes.extend_from_slice(&[external.kind as u8, 0, 0, 0]);
            }
            module.externals.len()
        }
        SectionId::Imps => {
            for name in &module.imports {
                bytes.extend_from_slice(&name.0.to_le_bytes());
            }
            module.imports.len()
        }
        SectionId::Meta => {
            for (key, value) in &module.meta {
                bytes.extend_from_slice(&key.0.to_le_bytes());
                bytes.extend_from_slice(&value.0.to_le_bytes());
            }
            module.meta.len()
        }
        SectionId::Code => {
            bytes.extend_from_slice(&module.code);
            module.code.len()
        }
        SectionId::Relo if module.kind == Kind::Library => {
            let mut count = 0;
            for IndexAt { offset, pool } in relocations(&module.code) {
                bytes.extend_from_slice(&offset.to_le_bytes());
                bytes.extend_from_slice(&pool.to_le_bytes());
                count += 1;
            }
            count
        }
        SectionId::Relo => 0,
        SectionId::Dfil => strings(&module.debug.files, |file| file.as_bytes(), &mut bytes),
        SectionId::Dlin => debug::write_lines(&module.debug.lines, &mut bytes),
        SectionId::Dreg => debug::write_names(&module.debug.registers, &mut bytes),
        SectionId::Dlab => debug::write_names(&module.debug.labels, &mut bytes),
    };
    (count as u32, bytes)
}

struct IndexAt {
    offset: u32,
    pool: u32,
}

/// Where the indexes stand in well-formed code.
fn relocations(code: &[u8]) -> impl Iterator<Item = IndexAt> {
    index_operands(code).filter_map(|found| {
        let pool = found.operand.pool()? as u32;
        Some(IndexAt { offset: found.offset as u32 + 1, pool })
    })
}

fn strings<T>(items: &[T], bytes_of: impl Fn(&T) -> &[u8], bytes: &mut Vec<u8>) -> usize {
    let mut end = 0u32;
    for item in items {
        end = end.wrapping_add(bytes_of(item).len() as u32);
        bytes.extend_from_slice(&end.to_le_bytes());
    }
    for item in items {
        bytes.extend_from_slice(bytes_of(item));
    }
    items.len()
}
