//! The verifier: what must hold before anything of a module is used (modules.md §12.9; numbers in comments are those
//! of its list). This file has pools and tables (checks 8 to 18), [`crate::verify_code`] the code.

use crate::layout::{SectionId, header, limit};
use crate::module::{DataId, Debug, External, ExternalKind, Kind, Module, NO_ENTRY, NameId, Symbol, SymbolKind};
use crate::names;
use crate::reader::{Damage, Front, Section, damage, entry_of_library};
use crate::verify_code::{is_quoted, verify_code};

/// Little-endian fields of bytes whose length has been checked; zero beyond the end.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
    }
    pub(crate) fn u16(self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }
    pub(crate) fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }
    pub(crate) fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }
}

/// Builds the module out of sections whose checksums and item counts are right, checking all the rest.
pub(crate) fn verify<'a, 's: 'a>(
    front: &Front,
    find: &impl Fn(SectionId) -> Option<&'a Section<'s>>,
) -> Result<Module, Damage> {
    let mut module = Module {
        kind: front.kind.unwrap_or(Kind::Library),
        entry: front.entry,
        names: Vec::new(),
        data: Vec::new(),
        symbols: Vec::new(),
        externals: Vec::new(),
        imports: Vec::new(),
        meta: Vec::new(),
        code: Vec::new(),
        debug: Debug::default(),
    };
    if let Some(section) = find(SectionId::Strs) {
        module.names = read_names(section)?;
    }
    if let Some(section) = find(SectionId::Data) {
        module.data = read_data(section)?;
    }
    let mut taken = Taken(vec![0; module.names.len()]);
    if let Some(section) = find(SectionId::Syms) {
        let code_length = find(SectionId::Code).map_or(0, |code| code.content.len());
        read_symbols(section, &mut module, &mut taken, code_length)?;
    }
    if let Some(section) = find(SectionId::Exts) {
        read_externals(section, &mut module, &mut taken)?;
    }
    if let Some(section) = find(SectionId::Imps) {
        read_imports(section, &mut module)?;
    }
    if let Some(section) = find(SectionId::Meta) {
        read_meta(section, &mut module)?;
    }
    check_entry(&module, front)?;
    if let Some(section) = find(SectionId::Code) {
        verify_code(section, find(SectionId::Relo), &mut module)?;
        module.code = section.content.to_vec();
    }
    Ok(module)
}

/// Checks 8: the strings of a section, each with its offset in the file.
pub(crate) fn strings<'a>(section: &Section<'a>) -> Result<impl Iterator<Item = (u64, &'a [u8])>, Damage> {
    let name = String::from_utf8_lossy(&section.name).into_owned();
    let (ends, content) = section.content.split_at(section.count as usize * 4);
    let mut start = 0;
    for (at, end) in ends.chunks_exact(4).enumerate() {
        let end = Bytes(end).u32(0);
        if end < start {
            return damage(&name, section.offset + 4 * at as u64, "string offsets are not ascending");
        }
        start = end;
    }
    if u64::from(start) != content.len() as u64 {
        return damage(&name, section.offset + ends.len() as u64, "the strings do not fill the section");
    }
    let base = section.offset + ends.len() as u64;
    let mut start = 0;
    Ok(ends.chunks_exact(4).map(move |end| {
        let end = Bytes(end).u32(0) as usize;
        let string = (base + start as u64, &content[start..end]);
        start = end;
        string
    }))
}

/// Checks 9 and 10 for names.
fn read_names(section: &Section) -> Result<Vec<Box<str>>, Damage> {
    let bad = |at: u64, what: &str| damage("STRS", at, what);
    let mut names: Vec<Box<str>> = Vec::with_capacity(section.count as usize);
    for (at, string) in strings(section)? {
        let Ok(text) = std::str::from_utf8(string) else { return bad(at, "a name is not UTF-8") };
        if text.contains('\0') {
            return bad(at, "a name holds a NUL");
        }
        if text.len() as u64 > limit::NAME {
            return bad(at, "a name is too long");
        }
        if names.last().is_some_and(|last| **last >= *text) {
            return bad(at, "names are not strictly ascending");
        }
        names.push(text.into());
    }
    Ok(names)
}

/// Check 10 for data. That bit strings are not empty (11) is checked where bits are used: the pool has no kinds.
fn read_data(section: &Section) -> Result<Vec<Box<[u8]>>, Damage> {
    let bad = |at: u64, what: &str| damage("DATA", at, what);
    let mut data: Vec<Box<[u8]>> = Vec::with_capacity(section.count as usize);
    for (at, string) in strings(section)? {
        if string.len() as u64 > limit::DATA {
            return bad(at, "a piece of data is too long");
        }
        if data.last().is_some_and(|last| **last >= *string) {
            return bad(at, "data are not strictly ascending");
        }
        data.push(string.into());
    }
    Ok(data)
}

/// Which names are taken, per namespace.
struct Taken(Vec<u8>);

impl Taken {
    const INVOCABLE: u8 = 1;
    const BLOCK: u8 = 2;

    /// Takes a name; false if it was taken.
    fn take(&mut self, name: NameId, space: u8) -> bool {
        let spaces = &mut self.0[name.0 as usize];
        let free = *spaces & space == 0;
        *spaces |= space;
        free
    }
}

/// The records of a section, each with its offset in the file.
fn records<'a>(section: &'a Section, size: usize) -> impl Iterator<Item = (u64, Bytes<'a>)> {
    let offset = section.offset;
    section.content.chunks_exact(size).enumerate().map(move |(at, row)| (offset + (at * size) as u64, Bytes(row)))
}

/// Check 12 for a name.
fn name_in(module: &Module, id: u32, section: &str, at: u64) -> Result<NameId, Damage> {
    if (id as usize) < module.names.len() { Ok(NameId(id)) } else { damage(section, at, "no such name") }
}

/// Checks 12 to 15 for symbols.
fn read_symbols(section: &Section, module: &mut Module, taken: &mut Taken, code: usize) -> Result<(), Damage> {
    let bad = |at: u64, what: &str| damage("SYMS", at, what);
    if u64::from(section.count) > limit::SYMBOLS {
        return bad(section.offset, "too many symbols");
    }
    let mut symbols = Vec::with_capacity(section.count as usize);
    let mut end = 0u64;
    let mut blocks_are_over = false;
    for (at, row) in records(section, 16) {
        let name = name_in(module, row.u32(0), "SYMS", at)?;
        let text = module.name(name);
        let kinds = [SymbolKind::Function, SymbolKind::Closure, SymbolKind::Block];
        let Some(kind) = kinds.into_iter().find(|kind| *kind as u8 == row.0[4]) else {
            return bad(at, "unknown kind of symbol");
        };
        let (legal, arity, space) = match kind {
            SymbolKind::Function | SymbolKind::Closure => {
                let arity = names::arity_of(text);
                // A closure is never variadic.
                let legal = arity.is_some() && (kind == SymbolKind::Function || arity != Some(None));
                (legal, arity.flatten(), Taken::INVOCABLE)
            }
            SymbolKind::Block => (names::is_block_name(text), None, Taken::BLOCK),
        };
        if !legal {
            return bad(at, "name does not fit the kind of symbol");
        }
        if row.0[5] != u8::from(arity.is_some()) || row.u16(6) != arity.unwrap_or(0) {
            return bad(at, "arity does not fit the name");
        }
        if kind == SymbolKind::Block && blocks_are_over {
            return bad(at, "block after a function");
        }
        blocks_are_over |= kind != SymbolKind::Block;
        if !taken.take(name, space) {
            return bad(at, "name is defined twice");
        }
        let (offset, length) = (row.u32(8), row.u32(12));
        if u64::from(offset) != end || length == 0 {
            return bad(at, "bodies are not adjacent, or one is empty");
        }
        end += u64::from(length);
        if end > code as u64 {
            return bad(at, "body is outside of the code");
        }
        // The number of instructions is found when the code is decoded.
        symbols.push(Symbol { name, kind, arity, offset, length, instructions: 0 });
    }
    if end != code as u64 {
        return bad(section.offset, "bodies do not cover the code");
    }
    module.symbols = symbols;
    Ok(())
}

/// Checks 12 to 14 for externals.
fn read_externals(section: &Section, module: &mut Module, taken: &mut Taken) -> Result<(), Damage> {
    let bad = |at: u64, what: &str| damage("EXTS", at, what);
    let mut externals = Vec::with_capacity(section.count as usize);
    for (at, row) in records(section, 8) {
        let name = name_in(module, row.u32(0), "EXTS", at)?;
        let text = module.name(name);
        let kinds = [ExternalKind::Function, ExternalKind::Block];
        let Some(kind) = kinds.into_iter().find(|kind| *kind as u8 == row.0[4]) else {
            return bad(at, "unknown kind of external");
        };
        let (legal, space) = match kind {
            ExternalKind::Function => (names::is_function_name(text), Taken::INVOCABLE),
            ExternalKind::Block => (names::is_block_name(text), Taken::BLOCK),
        };
        if !legal {
            return bad(at, "name does not fit the kind of external");
        }
        if row.0[5..8] != [0; 3] {
            return bad(at, "a reserved byte is not zero");
        }
        if !taken.take(name, space) {
            return bad(at, "name is declared twice, or defined");
        }
        externals.push(External { name, kind });
    }
    module.externals = externals;
    Ok(())
}

/// Checks 12 and 16.
fn read_imports(section: &Section, module: &mut Module) -> Result<(), Damage> {
    let mut imports: Vec<NameId> = Vec::with_capacity(section.count as usize);
    for (at, row) in records(section, 4) {
        let name = name_in(module, row.u32(0), "IMPS", at)?;
        if !names::is_module_name(module.name(name)) {
            return damage("IMPS", at, "not a module name");
        }
        // Names are sorted, so their numbers are as good.
        if imports.last().is_some_and(|last| *last >= name) {
            return damage("IMPS", at, "imports are not strictly ascending");
        }
        imports.push(name);
    }
    module.imports = imports;
    Ok(())
}

/// Checks 12 and 17.
fn read_meta(section: &Section, module: &mut Module) -> Result<(), Damage> {
    let mut meta: Vec<(NameId, DataId)> = Vec::with_capacity(section.count as usize);
    for (at, row) in records(section, 8) {
        let key = name_in(module, row.u32(0), "META", at)?;
        // A key is one token of the source, quotes included.
        let text = module.name(key);
        if text.is_empty() || (text.contains([' ', '\t', '\n']) && !is_quoted(text.as_bytes())) {
            return damage("META", at, "not a key that can be written");
        }
        let value = row.u32(4);
        if value as usize >= module.data.len() {
            return damage("META", at, "no such piece of data");
        }
        if meta.last().is_some_and(|(last, _)| *last >= key) {
            return damage("META", at, "keys are not strictly ascending");
        }
        meta.push((key, DataId(value)));
    }
    module.meta = meta;
    Ok(())
}

/// Whether it is `main/0`, `main/1` or `main/2`.
pub fn is_main(name: &str) -> bool {
    matches!(name, "main/0" | "main/1" | "main/2")
}

/// Check 18.
fn check_entry(module: &Module, front: &Front) -> Result<(), Damage> {
    let bad = |what: &str| damage("header", header::ENTRY as u64, what);
    if module.kind == Kind::Library {
        return entry_of_library(front);
    }
    if module.entry == NO_ENTRY || module.entry as usize >= module.symbols.len() {
        return bad("no such entry point");
    }
    let mut mains = (0u32..).zip(&module.symbols).filter(|(_, symbol)| is_main_symbol(module, symbol));
    match (mains.next(), mains.next()) {
        (Some((index, _)), None) if index == module.entry => Ok(()),
        (Some(_), Some(_)) => bad("more than one main function"),
        _ => bad("the entry point is no main function"),
    }
}

fn is_main_symbol(module: &Module, symbol: &Symbol) -> bool {
    symbol.kind != SymbolKind::Block && is_main(module.name(symbol.name))
}
