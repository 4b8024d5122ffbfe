//! A module in memory: the tables of the container, resolved to plain vectors.

use crate::instruction::{Instruction, decode};

/// Program or library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Has an entry point; the virtual machine runs it.
    Program = 1,
    /// Is linked or imported.
    Library = 2,
}

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SymbolKind {
    /// `.function:`
    Function = 1,
    /// `.closure:`
    Closure = 2,
    /// `.block:`
    Block = 3,
}

/// What an external is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExternalKind {
    /// A function or closure.
    Function = 1,
    /// A block.
    Block = 2,
}

/// Index into [`Module::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

/// Index into [`Module::data`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataId(pub u32);

/// A name that code refers to: defined in the module, or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// Index into [`Module::symbols`].
    Symbol(u32),
    /// Index into [`Module::externals`].
    External(u32),
}

/// The value of [`Module::entry`] in a library.
pub const NO_ENTRY: u32 = u32::MAX;

/// A function, closure or block that the module defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name, arity included.
    pub name: NameId,
    /// What it is.
    pub kind: SymbolKind,
    /// The number behind the slash; `None` for blocks and variadic functions.
    pub arity: Option<u16>,
    /// Where its body begins in [`Module::code`], in bytes.
    pub offset: u32,
    /// The length of its body in bytes.
    pub length: u32,
    /// The number of its instructions.
    pub instructions: u32,
}

/// A function or block that is only declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct External {
    /// Its name.
    pub name: NameId,
    /// What it is.
    pub kind: ExternalKind,
}

/// Position of an instruction in a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// Index into [`Debug::files`].
    pub file: u32,
    /// From 1.
    pub line: u32,
    /// From 1, in bytes.
    pub column: u32,
}

/// Debug information; never needed to run (modules.md §12.5). Tables that have an entry for no symbol are not written,
/// and read back as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debug {
    /// Source files as given on the command line.
    pub files: Vec<String>,
    /// Per symbol, per instruction: where it stands. Empty without a line table.
    pub lines: Vec<Vec<LineEntry>>,
    /// Per symbol: register index and name. Empty without names.
    pub registers: Vec<Vec<(u16, String)>>,
    /// Per symbol: instruction number and label. Empty without names.
    pub labels: Vec<Vec<(u32, String)>>,
}

/// A module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Program or library.
    pub kind: Kind,
    /// Index of the entry point in `symbols`, or [`NO_ENTRY`].
    pub entry: u32,
    /// Name pool: sorted bytewise, no duplicates.
    pub names: Vec<Box<str>>,
    /// Pool of byte strings used as operands: sorted, no duplicates. Bit strings are stored least significant
    /// byte first, their width being eight times their length.
    pub data: Vec<Box<[u8]>>,
    /// Blocks first, then functions and closures.
    pub symbols: Vec<Symbol>,
    /// Declared names that the module does not define: functions, then blocks, each in order of declaration.
    pub externals: Vec<External>,
    /// Names of dynamic imports, sorted.
    pub imports: Vec<NameId>,
    /// Key and value, sorted by key; the value is an index into `data`.
    pub meta: Vec<(NameId, DataId)>,
    /// The bodies of all symbols, one after the other.
    pub code: Vec<u8>,
    /// Debug information.
    pub debug: Debug,
}

impl Module {
    /// The text of a name.
    pub fn name(&self, id: NameId) -> &str {
        &self.names[id.0 as usize]
    }
    /// The bytes of a piece of data.
    pub fn bytes(&self, id: DataId) -> &[u8] {
        &self.data[id.0 as usize]
    }
    /// The name that a reference means.
    pub fn reference_name(&self, reference: Reference) -> &str {
        match reference {
            Reference::Symbol(index) => self.name(self.symbols[index as usize].name),
            Reference::External(index) => self.name(self.externals[index as usize].name),
        }
    }
    /// The instructions of a body, in order. The module must have been verified (or made by the encoder): on
    /// anything else the iterator just ends.
    pub fn instructions<'a>(&'a self, symbol: &Symbol) -> Instructions<'a> {
        Instructions { code: self.body(symbol), offset: 0 }
    }
    /// The encoded body of a symbol.
    pub fn body(&self, symbol: &Symbol) -> &[u8] {
        &self.code[symbol.offset as usize..symbol.offset as usize + symbol.length as usize]
    }
}

/// The same module without debug information: that of a `--strip` build (modules.md §12.5). Writing it drops unknown
/// sections, too, since a module does not hold them.
pub fn strip(module: &Module) -> Module {
    let Module { kind, entry, names, data, symbols, externals, imports, meta, code, debug: _ } = module;
    Module {
        kind: *kind,
        entry: *entry,
        names: names.clone(),
        data: data.clone(),
        symbols: symbols.clone(),
        externals: externals.clone(),
        imports: imports.clone(),
        meta: meta.clone(),
        code: code.clone(),
        debug: Debug::default(),
    }
}

/// Iterator over the instructions of a body.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    code: &'a [u8],
    offset: u32,
}

impl Instructions<'_> {
    /// Where the next instruction begins, in bytes from the start of the body.
    pub fn offset(&self) -> u32 {
        self.offset
    }
}

impl Iterator for Instructions<'_> {
    type Item = Instruction;

    fn next(&mut self) -> Option<Instruction> {
        let (instruction, length) = decode(self.code).ok()?;
        self.code = &self.code[length..];
        self.offset += length as u32;
        Some(instruction)
    }
}
