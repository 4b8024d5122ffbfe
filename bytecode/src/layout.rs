//! How the file is laid out: the header, the section table and the sections, as constants (modules.md §12.2).
//! Writer and reader both work from the rows here, so that they cannot disagree.

/// The first bytes of every container.
pub const MAGIC: [u8; 8] = [0x8b, b'V', b'I', b'U', b'A', 0x0d, 0x0a, 0x1a];
/// Format major that is written and read.
pub const FORMAT_MAJOR: u16 = 1;
/// Format minor that is written, and the highest required minor that is read.
pub const FORMAT_MINOR: u16 = 0;
/// The revision of the instruction set: how many times instructions were added, counted from 1.
pub const INSTRUCTION_SET_REVISION: u32 = 1;

pub(crate) const HEADER_LENGTH: usize = 64;
pub(crate) const TABLE_ENTRY_LENGTH: usize = 32;
/// What the checksum of the header covers, besides the section table.
pub(crate) const CHECKED_HEADER: usize = 60;

/// Offsets of the fields of the header.
pub(crate) mod header {
    pub const MAJOR: usize = 8;
    pub const MINOR: usize = 10;
    pub const REQUIRED_MINOR: usize = 12;
    pub const KIND: usize = 14;
    pub const ZERO: usize = 15;
    pub const SECTION_COUNT: usize = 16;
    pub const FILE_LENGTH: usize = 20;
    pub const ENTRY: usize = 28;
    pub const REVISION: usize = 32;
    pub const RESERVED: usize = 36;
    pub const CHECKSUM: usize = 60;
}

/// Limits of modules.md §12.10.
pub mod limit {
    /// Bytes of a name.
    pub const NAME: u64 = 65535;
    /// Bytes of a piece of data.
    pub const DATA: u64 = (1 << 31) - 1;
    /// Symbols of a module.
    pub const SYMBOLS: u64 = 1 << 24;
    /// Instructions of a body.
    pub const INSTRUCTIONS: u64 = (1 << 32) - 1;
    /// Sections of a file.
    pub const SECTIONS: u64 = 64;
    /// Bytes of a file.
    pub const FILE: u64 = 1 << 40;
    /// Bytes of a pool and of all code, whose offsets are 32 bits wide; also the number of entries of a table.
    pub const SECTION: u64 = (1 << 32) - 1;
}

/// A reader that does not know the section must refuse the file.
pub const CRITICAL: u32 = 1;
/// The section is never needed to run.
pub const DEBUG: u32 = 2;

/// The sections of format 1, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum SectionId {
    Strs,
    Data,
    Syms,
    Exts,
    Imps,
    Meta,
    Code,
    Relo,
    Dfil,
    Dlin,
    Dreg,
    Dlab,
}

/// How the items of a section lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    /// The end of each string as u32, then the strings.
    Strings,
    /// Records of so many bytes.
    Records(usize),
    /// Variable; one item per symbol.
    PerSymbol,
}

/// When a section stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Always,
    /// Never empty.
    IfAny,
    Libraries,
}

pub(crate) struct Row {
    pub id: SectionId,
    pub name: [u8; 4],
    pub flags: u32,
    pub items: Items,
    pub presence: Presence,
}

macro_rules! sections {
    ($($id:ident $name:literal $flags:ident $items:expr, $presence:ident;)*) => {
        pub(crate) static SECTIONS: [Row; [$(SectionId::$id),*].len()] = [$(Row {
            id: SectionId::$id, name: *$name, flags: $flags, items: $items, presence: Presence::$presence,
        }),*];
    };
}

/// What can be dropped without changing what the module does.
const OPTIONAL: u32 = 0;

sections! {
    Strs b"STRS" CRITICAL Items::Strings, Always;
    Data b"DATA" CRITICAL Items::Strings, IfAny;
    // u32 name, u8 kind, u8 flags (bit 0: has an arity), u16 arity, u32 offset, u32 length
    Syms b"SYMS" CRITICAL Items::Records(16), Always;
    // u32 name, u8 kind, 3 zero bytes
    Exts b"EXTS" CRITICAL Items::Records(8), IfAny;
    // u32 name
    Imps b"IMPS" CRITICAL Items::Records(4), IfAny;
    // u32 name, u32 data
    Meta b"META" OPTIONAL Items::Records(8), IfAny;
    // bytes
    Code b"CODE" CRITICAL Items::Records(1), Always;
    // u32 offset in CODE, u32 pool
    Relo b"RELO" CRITICAL Items::Records(8), Libraries;
    Dfil b"DFIL" DEBUG Items::Strings, IfAny;
    Dlin b"DLIN" DEBUG Items::PerSymbol, IfAny;
    Dreg b"DREG" DEBUG Items::PerSymbol, IfAny;
    Dlab b"DLAB" DEBUG Items::PerSymbol, IfAny;
}

impl SectionId {
    pub(crate) fn row(self) -> &'static Row {
        &SECTIONS[self as usize]
    }
    /// The four letters.
    pub fn name(self) -> &'static str {
        // All ids are ASCII.
        std::str::from_utf8(&self.row().name).unwrap_or_default()
    }
    /// The section with these letters.
    pub(crate) fn find(name: [u8; 4]) -> Option<SectionId> {
        SECTIONS.iter().find(|row| row.name == name).map(|row| row.id)
    }
    /// Whether it is never needed to run.
    pub fn is_debug(self) -> bool {
        self.row().flags & DEBUG != 0
    }
}

/// Which table an index in an operand points into: the kind of a relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Pool {
    /// `STRS`; no instruction of revision 1 has such an operand.
    Names = 1,
    /// `DATA`.
    Data = 2,
    /// `SYMS`.
    Symbols = 3,
    /// `EXTS`.
    Externals = 4,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_place() {
        for (at, row) in SECTIONS.iter().enumerate() {
            assert_eq!(row.id as usize, at);
            assert_eq!(SectionId::find(row.name), Some(row.id));
            assert_eq!(row.id.name().len(), 4);
        }
    }
}
