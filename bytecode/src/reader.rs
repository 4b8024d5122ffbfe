//! From the bytes of a file to a module: the header, the section table, and the order in which everything is checked.
//!
//! This is the front half of the verifier of modules.md §12.9 (checks 1 to 7; numbers in comments are those of the
//! list), [`crate::verifier`] is the rest. Reading is one pass in time and memory linear in the length of the file;
//! nothing is allocated by a count before that count has been checked against the bytes that are there.

use crate::debug;
use crate::layout::{
    CHECKED_HEADER, CRITICAL, DEBUG, FORMAT_MAJOR, FORMAT_MINOR, HEADER_LENGTH, INSTRUCTION_SET_REVISION, Items, MAGIC,
    Presence, SECTIONS, SectionId, TABLE_ENTRY_LENGTH, header, limit,
};
use crate::module::{Debug, Kind, Module, NO_ENTRY};
use crate::names;
use crate::verifier::{self, Bytes};

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is no container at all.
    #[error("invalid magic number: {path}")]
    NotAContainer {
        /// The file.
        path: String,
    },
    /// It needs a newer tool.
    #[error(
        "unsupported format version {major}.{required_minor}: {path} (this tool reads {FORMAT_MAJOR}.0 to {FORMAT_MAJOR}.{FORMAT_MINOR})"
    )]
    UnsupportedVersion {
        /// The file.
        path: String,
        /// Its format major.
        major: u16,
        /// The minor that a reader must know.
        required_minor: u16,
    },
    /// It fails verification.
    #[error("damaged file: {path}: {damage}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        damage: Damage,
    },
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{section} at byte {offset}: {what}")]
pub struct Damage {
    /// The section, or `header`, or `section table`.
    pub section: String,
    /// In bytes from the start of the file.
    pub offset: u64,
    /// The fault.
    pub what: String,
}

/// A file that has been read and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// What it holds.
    pub module: Module,
    /// Damaged debug sections, which were ignored: one text each, without the path.
    pub warnings: Vec<String>,
    /// Format major and minor of the file.
    pub version: (u16, u16),
    /// The section table.
    pub sections: Vec<SectionInfo>,
}

/// A row of the section table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInfo {
    /// The four letters.
    pub name: String,
    /// [`CRITICAL`], [`DEBUG`], or none.
    pub flags: u32,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// The number of its items.
    pub count: u32,
}

/// Reads and verifies a file. The path is only for messages. O(bytes).
pub fn read(bytes: &[u8], path: &str) -> Result<Module, ReadError> {
    read_container(bytes, path).map(|container| container.module)
}

/// Reads and verifies a file, and tells what else there is to know about it.
pub fn read_container(bytes: &[u8], path: &str) -> Result<Container, ReadError> {
    let front = read_header(bytes, path)?;
    let damaged = |damage| ReadError::Damaged { path: path.to_owned(), damage };
    let found = read_table(bytes, &front).map_err(damaged)?;
    read_sections(&front, &found).map_err(damaged)
}

/// Whether the bytes begin like a container.
pub fn is_container(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_LENGTH && bytes.starts_with(&MAGIC)
}

pub(crate) fn damage<T>(section: &str, offset: u64, what: impl Into<String>) -> Result<T, Damage> {
    Err(Damage { section: section.to_owned(), offset, what: what.into() })
}

/// The fields of the header that the rest depends on.
pub(crate) struct Front {
    minor: u16,
    pub(crate) kind: Option<Kind>,
    section_count: u32,
    pub(crate) entry: u32,
}

/// Checks 1: magic and version. Only these decide whether it is a container that we could read.
fn read_header(bytes: &[u8], path: &str) -> Result<Front, ReadError> {
    if !is_container(bytes) {
        return Err(ReadError::NotAContainer { path: path.to_owned() });
    }
    let field = Bytes(bytes);
    let (major, required_minor) = (field.u16(header::MAJOR), field.u16(header::REQUIRED_MINOR));
    if major != FORMAT_MAJOR || required_minor > FORMAT_MINOR {
        return Err(ReadError::UnsupportedVersion { path: path.to_owned(), major, required_minor });
    }
    let kind = [Kind::Program, Kind::Library].into_iter().find(|kind| *kind as u8 == bytes[header::KIND]);
    Ok(Front {
        minor: field.u16(header::MINOR),
        kind,
        section_count: field.u32(header::SECTION_COUNT),
        entry: field.u32(header::ENTRY),
    })
}

/// A section whose place in the file has been checked.
pub(crate) struct Section<'a> {
    /// The known section that it is.
    pub(crate) id: Option<SectionId>,
    pub(crate) name: [u8; 4],
    flags: u32,
    pub(crate) offset: u64,
    pub(crate) content: &'a [u8],
    checksum: u32,
    pub(crate) count: u32,
}

impl Section<'_> {
    fn name(&self) -> String {
        self.name.escape_ascii().to_string()
    }
}

/// Checks 1 to 5: the rest of the header, and the section table.
fn read_table<'a>(bytes: &'a [u8], front: &Front) -> Result<Vec<Section<'a>>, Damage> {
    let field = Bytes(bytes);
    let bad = |at: usize, what: &str| damage("header", at as u64, what);
    if bytes[header::ZERO] != 0 {
        return bad(header::ZERO, "a reserved byte is not zero");
    }
    if let Some(at) = (header::RESERVED..header::CHECKSUM).find(|&at| bytes[at] != 0) {
        return bad(at, "a reserved byte is not zero");
    }
    if front.kind.is_none() {
        return bad(header::KIND, "unknown kind of module");
    }
    // 4 comes before 2: the checksum covers the table.
    let table_end = HEADER_LENGTH as u64 + u64::from(front.section_count) * TABLE_ENTRY_LENGTH as u64;
    if u64::from(front.section_count) > limit::SECTIONS || table_end > bytes.len() as u64 {
        return bad(header::SECTION_COUNT, "section count is larger than the file");
    }
    let table = &bytes[HEADER_LENGTH..table_end as usize];
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..CHECKED_HEADER]), table);
    if checksum != field.u32(header::CHECKSUM) {
        return bad(header::CHECKSUM, "wrong checksum");
    }
    if bytes.len() as u64 > limit::FILE || field.u64(header::FILE_LENGTH) != bytes.len() as u64 {
        return bad(header::FILE_LENGTH, "wrong file length");
    }
    if !(1..=INSTRUCTION_SET_REVISION).contains(&field.u32(header::REVISION)) {
        return bad(header::REVISION, "unknown revision of the instruction set");
    }
    let mut sections: Vec<Section> = Vec::with_capacity(front.section_count as usize);
    let mut end = table_end;
    for (at, row) in table.chunks_exact(TABLE_ENTRY_LENGTH).enumerate() {
        let place = (HEADER_LENGTH + at * TABLE_ENTRY_LENGTH) as u64;
        let section = read_table_entry(bytes, Bytes(row), place, end)?;
        if sections.iter().any(|earlier| earlier.name == section.name) {
            return damage("section table", place, "section occurs twice");
        }
        let last = sections.iter().rev().find_map(|earlier| earlier.id);
        if section.id.is_some() && section.id < last {
            return damage("section table", place, "sections are not in canonical order");
        }
        end = section.offset + section.content.len() as u64;
        sections.push(section);
    }
    if end != bytes.len() as u64 {
        return damage("section table", table_end, "bytes after the last section");
    }
    for row in &SECTIONS {
        let found = sections.iter().find(|section| section.id == Some(row.id));
        let legal = match (row.presence, found) {
            (Presence::Always, found) => found.is_some(),
            (Presence::IfAny, found) => found.is_none_or(|section| section.count > 0 && !section.content.is_empty()),
            (Presence::Libraries, found) => found.is_some() == (front.kind == Some(Kind::Library)),
        };
        // A damaged debug section is ignored later.
        if !legal && !row.id.is_debug() {
            let what = match found {
                None => format!("section {} is missing", row.id.name()),
                Some(_) => format!("section {} does not belong here", row.id.name()),
            };
            return damage("section table", HEADER_LENGTH as u64, what);
        }
    }
    Ok(sections)
}

/// One row; `end` is where the section before it ends.
fn read_table_entry<'a>(bytes: &'a [u8], row: Bytes, place: u64, end: u64) -> Result<Section<'a>, Damage> {
    let bad = |what: &str| damage("section table", place, what);
    let name = [row.0[0], row.0[1], row.0[2], row.0[3]];
    if !name.iter().all(u8::is_ascii_alphabetic) {
        return bad("section name is not made of letters");
    }
    let id = SectionId::find(name);
    let flags = row.u32(4);
    match id {
        Some(id) if flags != id.row().flags => return bad("wrong section flags"),
        Some(_) => {}
        None if flags & !(CRITICAL | DEBUG) != 0 => return bad("wrong section flags"),
        None if flags & CRITICAL != 0 => return bad("unknown critical section"),
        None => {}
    }
    let (offset, length) = (row.u64(8), row.u64(16));
    // One place only: the first multiple of 8 behind the section before.
    if offset != end.next_multiple_of(8) {
        return bad("section is not where it belongs");
    }
    let content = offset.checked_add(length).filter(|&end| end <= bytes.len() as u64);
    let Some(content_end) = content else { return bad("section is not inside the file") };
    if bytes[end as usize..offset as usize].iter().any(|&byte| byte != 0) {
        return bad("bytes between sections are not zero");
    }
    Ok(Section {
        id,
        name,
        flags,
        offset,
        content: &bytes[offset as usize..content_end as usize],
        checksum: row.u32(24),
        count: row.u32(28),
    })
}

/// Check 6: the content is what was written.
fn check_content(section: &Section) -> Result<(), Damage> {
    if crc32c::crc32c(section.content) == section.checksum {
        return Ok(());
    }
    damage(&section.name(), section.offset, "wrong checksum")
}

/// Check 7: the item count fits the content.
fn check_count(section: &Section, items: Items, symbols: usize) -> Result<(), Damage> {
    let (count, length) = (u64::from(section.count), section.content.len() as u64);
    let fits = match items {
        // The offset table must fit; where the strings end is checked with the offsets.
        Items::Strings => count * 4 <= length,
        Items::Records(size) => count * size as u64 == length,
        Items::PerSymbol => count == symbols as u64,
    };
    if fits { Ok(()) } else { damage(&section.name(), section.offset, "item count does not fit the section") }
}

/// Checks 6 to 29, section by section in the order of the table.
fn read_sections(front: &Front, sections: &[Section]) -> Result<Container, Damage> {
    for section in sections.iter().filter(|section| section.flags & DEBUG == 0) {
        check_content(section)?;
        if let Some(id) = section.id {
            check_count(section, id.row().items, 0)?;
        }
    }
    let find = |id: SectionId| sections.iter().find(|section| section.id == Some(id));
    let module = verifier::verify(front, &find)?;
    let mut container = Container {
        module,
        warnings: Vec::new(),
        version: (FORMAT_MAJOR, front.minor),
        sections: sections
            .iter()
            .map(|section| SectionInfo {
                name: section.name(),
                flags: section.flags,
                offset: section.offset,
                length: section.content.len() as u64,
                count: section.count,
            })
            .collect(),
    };
    for section in sections.iter().filter(|section| section.flags & DEBUG != 0) {
        let read = check_content(section).and_then(|()| match section.id {
            Some(id) => read_debug(id, section, &mut container.module),
            None => Ok(()),
        });
        if let Err(damage) = read {
            container.warnings.push(format!("ignoring damaged debug section: {damage}"));
        }
    }
    Ok(container)
}

/// Check 29. Fills the part of [`Debug`] that the section is about.
fn read_debug(id: SectionId, section: &Section, module: &mut Module) -> Result<(), Damage> {
    if section.count == 0 {
        return damage(&section.name(), section.offset, "no entries");
    }
    check_count(section, id.row().items, module.symbols.len())?;
    let bad = |(at, what): debug::Fault| Damage {
        section: section.name(),
        offset: section.offset + at as u64,
        what: what.to_owned(),
    };
    let Module { symbols, debug: Debug { files, lines, registers, labels }, .. } = module;
    match id {
        SectionId::Dfil => {
            let strings = verifier::strings(section)?;
            let mut texts = Vec::with_capacity(section.count as usize);
            for (at, string) in strings {
                let Ok(text) = std::str::from_utf8(string) else {
                    return damage(&section.name(), at, "not UTF-8");
                };
                texts.push(text.to_owned());
            }
            *files = texts;
        }
        SectionId::Dlin => *lines = debug::read_lines(section.content, symbols, files.len()).map_err(bad)?,
        SectionId::Dreg => {
            let largest = |_: &_| u64::from(u16::MAX);
            *registers = debug::read_names(section.content, symbols, largest).map_err(bad)?;
        }
        // A marker may stand behind the last instruction.
        SectionId::Dlab => {
            let found =
                debug::read_names(section.content, symbols, |symbol| u64::from(symbol.instructions)).map_err(bad)?;
            if found.iter().flatten().any(|(_, label): &(u32, String)| !names::is_label(label)) {
                return damage(&section.name(), section.offset, "not a label");
            }
            *labels = found;
        }
        SectionId::Strs | SectionId::Data | SectionId::Syms | SectionId::Exts | SectionId::Imps => {}
        SectionId::Meta | SectionId::Code | SectionId::Relo => {}
    }
    Ok(())
}

/// Check 18, the part that only the header knows: a library has no entry point.
pub(crate) fn entry_of_library(front: &Front) -> Result<(), Damage> {
    if front.entry == NO_ENTRY {
        return Ok(());
    }
    damage("header", header::ENTRY as u64, "a library has no entry point")
}
