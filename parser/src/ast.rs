//! The syntax tree. It keeps what was written, with a span on every token: a wrapped instruction is a node in
//! an operand, an inline block a node in an operand, short forms stay short. Completion (defaults, register
//! names, unwrapping) happens when the tree is lowered to IR.
//!
//! Instructions, operands and wrapped nodes live in flat pools of [`Tree`] and refer to each other by index, so
//! dropping, cloning and printing a tree never recurses, however deep the source nests.

use std::ops::Range;
use viua_diagnostics::Span;
use viua_isa::{AccessMode, Opcode, RegisterSet};

/// A range of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolRange {
    /// Index of the first element.
    pub start: u32,
    /// Index behind the last one.
    pub end: u32,
}

impl PoolRange {
    /// For slicing the pool.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
    /// The number of elements.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Index into [`Tree::definitions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefinitionId(pub u32);
/// Index into [`Tree::instructions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstructionId(pub u32);
/// Index into [`Tree::wrapped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WrappedId(pub u32);

/// The tree of one file.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// What stands at top level, in source order.
    pub items: Vec<Item>,
    /// Functions, closures and blocks. Inline blocks stand before the definition that holds them
    /// (in the order of their `.end`).
    pub definitions: Vec<Definition>,
    /// All instructions.
    pub instructions: Vec<Instruction>,
    /// The operands of all instructions; those of one instruction are adjacent.
    pub operands: Vec<Operand>,
    /// All wrapped operands.
    pub wrapped: Vec<Wrapped>,
    /// All attributes, of definitions, imports and operands, in source order.
    pub attributes: Vec<Attribute>,
}

/// What stands at top level.
#[derive(Clone, Debug)]
pub enum Item {
    /// `.function:`, `.closure:` or `.block:`.
    Definition(DefinitionId),
    /// `.signature: name`.
    Signature(Declaration),
    /// `.bsignature: name`.
    BlockSignature(Declaration),
    /// `.import: [[mode]] name`.
    Import(Import),
    /// `.info: key "value"`.
    Info(Info),
}

/// A declared function or block.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// The directive.
    pub directive: Span,
    /// The name.
    pub name: Span,
}

/// `.import:`.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    /// The directive.
    pub directive: Span,
    /// Range of [`Tree::attributes`].
    pub attributes: PoolRange,
    /// `[[static]]` was given; it wins over `dynamic`.
    pub is_static: bool,
    /// `[[dynamic]]` was given.
    pub is_dynamic: bool,
    /// The module name.
    pub name: Span,
}

/// `.info:`.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// The directive.
    pub directive: Span,
    /// The key, one token.
    pub key: Span,
    /// The quoted value.
    pub value: Span,
}

/// `[[key{value}]]`.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The key.
    pub key: Span,
    /// What stands between the braces, if something does.
    pub value: Option<Span>,
    /// Whether the key has a meaning where it stands.
    pub known: bool,
}

/// The kinds of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// `.function:`
    Function,
    /// `.closure:`
    Closure,
    /// `.block:`
    Block,
}

impl BodyKind {
    /// The word of messages.
    pub const fn name(self) -> &'static str {
        match self {
            BodyKind::Function => "function",
            BodyKind::Closure => "closure",
            BodyKind::Block => "block",
        }
    }
}

/// A function, closure or block.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What it is.
    pub kind: BodyKind,
    /// The opening directive.
    pub directive: Span,
    /// The name as written (short, for an inline block).
    pub name: Span,
    /// Range of [`Tree::attributes`].
    pub attributes: PoolRange,
    /// `[[no_sa]]` was given.
    pub no_sa: bool,
    /// The lines, in source order; instructions are the outermost ones (wrapped ones hang in operands).
    pub body: Vec<Line>,
    /// `.end`.
    pub end: Span,
    /// The definition that an inline block stands in.
    pub outer: Option<DefinitionId>,
}

/// A line of a body.
#[derive(Clone, Copy, Debug)]
pub enum Line {
    /// An instruction.
    Instruction(InstructionId),
    /// `.mark: label`.
    Mark(Mark),
    /// `.name: index NAME`.
    Name(NameDirective),
    /// `.unused: token`.
    Unused {
        /// The directive.
        directive: Span,
        /// Its operand.
        operand: Span,
    },
}

/// `.mark:`.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The directive.
    pub directive: Span,
    /// The label.
    pub label: Span,
}

/// `.name: %1 total`.
#[derive(Clone, Copy, Debug)]
pub struct NameDirective {
    /// The directive.
    pub directive: Span,
    /// The token of the index (`1`, `%1`, `%iota`).
    pub index_span: Span,
    /// Its number.
    pub index: u32,
    /// The name; any token is accepted here, but only labels can be used in operands.
    pub name: Span,
}

/// An instruction as written.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// Which one.
    pub opcode: Opcode,
    /// The mnemonic.
    pub mnemonic: Span,
    /// Range of [`Tree::operands`]; surplus operands included.
    pub operands: PoolRange,
    /// The token that ends the line: position of its newline character; inside a wrapped instruction the
    /// opening parenthesis (language.md §1.1 *end of line*).
    pub end_of_line: Span,
}

/// An operand as written.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// What it is.
    pub kind: OperandKind,
    /// The first token: for a register sigil and index (without the set name), for a wrapped operand the opening
    /// `^`, `*`, `(` or `[`, for an inline block the directive.
    pub span: Span,
    /// `[[maybe_unused]]` follows.
    pub maybe_unused: bool,
}

/// The set name behind a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetName {
    /// Which set.
    pub set: RegisterSet,
    /// The word.
    pub span: Span,
}

/// The index of a register operand as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterIndex {
    /// `%3`.
    Number(u16),
    /// `%iota`, replaced by its value.
    Iota(u16),
    /// `%name`; the name is the token without its sigil and blanks.
    Name(Span),
}

/// The classes of operands (language.md §3). Literals are decoded when they are lowered; their text is the span's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandKind {
    /// `%1 local`, `@total`, `*iota static`.
    Register {
        /// The sigil.
        mode: AccessMode,
        /// The index.
        index: RegisterIndex,
        /// The set, if it is written.
        set: Option<SetName>,
    },
    /// `-?[0-9]+`; also a negative jump offset.
    Integer,
    /// The bare word `iota`, replaced by its value.
    Iota(u32),
    /// `+[0-9]+`.
    Offset,
    /// `-?[0-9]+\.[0-9]+`.
    Float,
    /// `0b…`, `0o…`, `0x…`.
    Bits,
    /// `[0-9]+(ms|s)`.
    Duration,
    /// `"…"`, quotes included in the span.
    Text,
    /// `'…'`, quotes included in the span.
    Atom,
    /// `true` or `false`.
    Boolean(bool),
    /// `void`.
    Void,
    /// `default`.
    Default,
    /// `infinity`.
    Infinity,
    /// `f/1`, `a::f/`.
    FunctionName,
    /// Any other name: markers, blocks, modules; also a set name that stands alone.
    Label,
    /// `(…)`, `*(…)`, `^(…)`, `[…]`, `^[…]`.
    Wrapped(WrappedId),
    /// `.block: name … .end`; [`Operand::span`] is the directive.
    InlineBlock(DefinitionId),
}

/// A wrapped operand (language.md §8).
#[derive(Clone, Debug)]
pub struct Wrapped {
    /// `(` or `[`.
    pub open: Span,
    /// `)` or `]`.
    pub close: Span,
    /// `^` precedes: the elements come after the instruction that holds them.
    pub after: bool,
    /// `*` precedes: the register is used through a pointer.
    pub dereference: bool,
    /// `[…]`: stands for the number of its elements.
    pub is_list: bool,
    /// The first token after `[` (the position of the count).
    pub first_inside: Span,
    /// One element for `(…)`, any number for `[…]`.
    pub elements: Vec<WrappedElement>,
    /// The set name after the closing parenthesis.
    pub set: Option<SetName>,
}

/// What stands in the parentheses.
#[derive(Clone, Copy, Debug)]
pub enum WrappedElement {
    /// An instruction.
    Instruction(InstructionId),
    /// A `.name:` directive.
    Name(NameDirective),
}

impl Tree {
    /// The definition with that id.
    pub fn definition(&self, id: DefinitionId) -> &Definition {
        &self.definitions[id.0 as usize]
    }
    /// The instruction with that id.
    pub fn instruction(&self, id: InstructionId) -> &Instruction {
        &self.instructions[id.0 as usize]
    }
    /// The operands of an instruction.
    pub fn operands(&self, instruction: &Instruction) -> &[Operand] {
        &self.operands[instruction.operands.range()]
    }
    /// The wrapped operand with that id.
    pub fn wrapped(&self, id: WrappedId) -> &Wrapped {
        &self.wrapped[id.0 as usize]
    }
}
