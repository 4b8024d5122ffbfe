//! The terminals of the grammar: tokens after [`crate::arrange`] has said what part each of them plays.

use viua_isa::{Opcode, RegisterSet};

/// A terminal. Those that open a statement are told apart from those that are operands, so that the grammar
/// needs no look at the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    /// The end of a statement.
    Newline,

    /// `.function:` that opens a definition.
    Function,
    /// `.closure:` that opens a definition.
    Closure,
    /// `.block:` at top level.
    Block,
    /// `.block:` as an operand.
    InlineBlock,
    /// `.end`
    End,
    /// A `.function:` or `.closure:` that stands where `.end` is missing.
    Interrupted,
    /// The end of the file where `.end` is missing.
    MissingEnd,

    /// A mnemonic that begins a statement.
    Mnemonic(Opcode),
    /// `.name:` that begins a statement, and so on.
    Name,
    Mark,
    Unused,
    Signature,
    BlockSignature,
    Import,
    Info,
    /// A directive that there is not, or a lone dot.
    UnknownDirective,
    /// A set name that begins a statement.
    LoneSet,
    /// Stands (without width) before a statement that begins with anything else.
    Headless,

    /// A register, mostly with the set name behind it: the most frequent operand should be one terminal.
    Register(Option<RegisterSet>),
    /// `%iota` with its value.
    RegisterIota(u32),
    /// A set name behind a register or a wrapped operand, if it is not joined with it.
    Set(RegisterSet),
    /// The word `current` behind a register or a wrapped operand.
    Current,
    Integer,
    /// `iota` with its value.
    Iota(u32),
    Offset,
    Float,
    Bits,
    Duration,
    Text,
    Atom,
    True,
    False,
    Void,
    Default,
    Infinity,
    FunctionName,
    Label,
    /// A token that is no operand.
    Invalid,

    ParenOpen,
    ParenClose,
    ListOpen,
    ListClose,
    Caret,
    Star,

    AttributesOpen,
    AttributesClose,
    /// The end of the line in a list of attributes that is not closed.
    AttributesCut,
    /// A key or value.
    Word,
    Comma,
    BraceOpen,
    BraceClose,
}
