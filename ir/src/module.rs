//! The data of the IR. Flat pools, spans instead of texts: see the crate's opening paragraph.

use std::borrow::Cow;
use std::sync::Arc;
use viua_diagnostics::{FileId, Location, Span};
use viua_isa::{AccessMode, Opcode, RegisterSet};
pub use viua_parser::ast::{BodyKind, PoolRange};

/// Index into [`Module::bodies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyId(pub u32);

/// The IR of one file.
#[derive(Clone, Debug)]
pub struct Module {
    /// The file that spans refer to.
    pub file: FileId,
    /// Its text.
    pub source: Arc<[u8]>,
    /// Functions, closures and blocks in the order of their `.end`: an inline block stands before the
    /// definition that holds it.
    pub bodies: Vec<Body>,
    /// The instructions of all bodies.
    pub instructions: Vec<Instruction>,
    /// The operands of all instructions.
    pub operands: Vec<Operand>,
    /// The markers of all bodies.
    pub markers: Vec<Marker>,
    /// The `.name:` directives of all bodies.
    pub register_names: Vec<RegisterName>,
    /// Operands beyond what an instruction takes: the first one of each, ascending by instruction.
    pub surplus: Vec<Surplus>,
    /// `.signature:`, in source order.
    pub signatures: Vec<Signature>,
    /// `.bsignature:`, in source order.
    pub block_signatures: Vec<Signature>,
    /// `.import:`, in source order.
    pub imports: Vec<Import>,
    /// `.info:`, in source order.
    pub meta: Vec<Meta>,
}

/// A function, closure or block.
#[derive(Clone, Debug)]
pub struct Body {
    /// What it is.
    pub kind: BodyKind,
    /// Its full name: with arity, mangled for an inline block.
    pub name: String,
    /// The name as written.
    pub name_span: Span,
    /// The number behind the slash; `None` for blocks and variadic functions.
    pub arity: Option<u16>,
    /// The opening directive.
    pub directive: Span,
    /// `.end`.
    pub end: Span,
    /// `[[no_sa]]` was given.
    pub no_sa: bool,
    /// The definition that an inline block stands in.
    pub outer: Option<BodyId>,
    /// Range of [`Module::instructions`].
    pub instructions: PoolRange,
    /// Range of [`Module::markers`].
    pub markers: PoolRange,
    /// Range of [`Module::register_names`].
    pub register_names: PoolRange,
    /// The first line, wrapped instructions being taken out; `None` only after a syntax error.
    pub first_line: Option<Line>,
    /// The last line.
    pub last_line: Option<Line>,
}

/// A line of a body, wrapped instructions having lines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The instruction with that number in the body.
    Instruction(u32),
    /// `.mark:`, `.name:` or `.unused:`.
    Directive {
        /// The directive.
        directive: Span,
        /// Its operands; the second may be empty.
        operands: [Span; 2],
    },
}

/// A marker.
#[derive(Clone, Copy, Debug)]
pub struct Marker {
    /// The label.
    pub label: Span,
    /// Number of the instruction it stands before (one behind the last, at the end of a body).
    pub at: u32,
}

/// `.name: %1 total`.
#[derive(Clone, Copy, Debug)]
pub struct RegisterName {
    /// The directive.
    pub directive: Span,
    /// The token of the index.
    pub index_span: Span,
    /// The register.
    pub index: u32,
    /// The name.
    pub name: Span,
    /// Number of the instruction it stands before.
    pub at: u32,
}

/// A declared function or block.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Its name.
    pub name: Span,
}

/// `.import:`.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    /// The module name.
    pub name: Span,
    /// `[[static]]` was given; it wins over `dynamic`.
    pub is_static: bool,
    /// `[[dynamic]]` was given.
    pub is_dynamic: bool,
}

/// `.info:`.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// The key, one token.
    pub key: Span,
    /// The quoted value.
    pub value: Span,
}

/// The first operand that an instruction does not take.
#[derive(Clone, Copy, Debug)]
pub struct Surplus {
    /// Index into [`Module::instructions`].
    pub instruction: u32,
    /// The operand.
    pub operand: Operand,
    /// Whether the last operand that the instruction takes is a register without a set name, so that this would
    /// have to be one (language.md §12.1 rule 4).
    pub in_place_of_set: bool,
}

/// An instruction in canonical form.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// Which one.
    pub opcode: Opcode,
    /// The number of its operands; fewer than the row of the table has if some are missing.
    pub operand_count: u8,
    /// Index into [`Module::operands`].
    pub first_operand: u32,
    /// The mnemonic.
    pub mnemonic: Span,
    /// The token that ends the line (language.md §1.1).
    pub end_of_line: Span,
}

impl Instruction {
    /// Whether an operand is missing.
    pub fn is_incomplete(&self) -> bool {
        usize::from(self.operand_count) < self.opcode.row().operands.len()
    }
}

/// An operand in canonical form.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// What it is.
    pub kind: OperandKind,
    /// Its token; that of a register is sigil and index. For the register of a wrapped instruction it is the token
    /// in that instruction, for a list count the first token in the list, for an inline block its name. An
    /// inserted operand has the token it was derived from.
    pub span: Span,
    /// Who wrote it.
    pub origin: Origin,
    /// `[[maybe_unused]]` follows.
    pub maybe_unused: bool,
}

/// How an operand came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its text stands at its span.
    Written,
    /// It replaces the word `default`, which stands at its span.
    Default,
    /// It was left out; its span is that of the token it was derived from.
    Inserted,
}

/// A register operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// How the value is reached.
    pub mode: AccessMode,
    /// Which set: the one written, or the one that language.md §12.1 supplies.
    pub set: RegisterSet,
    /// Which register.
    pub index: RegisterIndex,
    set_at: u32,
}

impl Register {
    const UNWRITTEN: u32 = u32::MAX;

    /// A register; `set_span` is the set name if it is written.
    pub fn new(mode: AccessMode, index: RegisterIndex, set: RegisterSet, set_span: Option<Span>) -> Register {
        Register { mode, set, index, set_at: set_span.map_or(Register::UNWRITTEN, |span| span.start) }
    }
    /// The set name, if it is written.
    pub fn set_span(&self) -> Option<Span> {
        (self.set_at != Register::UNWRITTEN).then(|| Span::new(self.set_at, self.set_at + self.set.name().len() as u32))
    }
    /// Its number, if it is known.
    pub fn number(&self) -> Option<u16> {
        match self.index {
            RegisterIndex::Number(number) => Some(number),
            RegisterIndex::Unresolved => None,
        }
    }
}

/// The index of a register operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterIndex {
    /// A number, or a name that means this number.
    Number(u16),
    /// A name that no `.name:` before it declares; it stands in the source ([`Module::register_word`]).
    Unresolved,
}

/// The class of an operand. Literals are decoded when they are used ([`crate::literal`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandKind {
    /// A register.
    Register(Register),
    /// An integer literal; also a number that stands for `iota` or was left out.
    Integer(i64),
    /// An integer literal that does not fit 64 bits.
    IntegerOutOfRange,
    /// `+[0-9]+` where no jump target is taken.
    Offset,
    /// A float literal; 0.0 if it is not written ([`Origin`]).
    Float,
    /// A bits literal.
    Bits,
    /// A duration.
    Duration,
    /// `infinity`.
    Infinity,
    /// `"…"`; empty if it is not written ([`Origin`]).
    Text,
    /// `'…'`.
    Atom,
    /// `true` or `false`.
    Boolean(bool),
    /// `void`.
    Void,
    /// `default` where it means nothing.
    Default,
    /// A function name, and what has that name.
    FunctionName(Name),
    /// Any other name (blocks, inline or not, modules), and what has that name.
    Label(Name),
    /// A jump target that is a number, an offset or a word.
    Target {
        /// How it is written.
        form: TargetForm,
        /// Where it leads.
        to: Destination,
    },
}

/// What a name means in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A function, closure or block.
    Definition(BodyId),
    /// Index into [`Module::signatures`].
    Signature(u32),
    /// Index into [`Module::block_signatures`].
    BlockSignature(u32),
    /// Nothing.
    Unknown,
}

/// How a jump target is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// A marker.
    Marker,
    /// `N`.
    Absolute,
    /// `+N`.
    Forward,
    /// `-N`.
    Backward,
}

/// Where a jump target leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The instruction with that number.
    Instruction(u32),
    /// Before the first one.
    BeforeStart,
    /// Behind the last one.
    BehindEnd,
    /// There is no such marker.
    Unknown,
}

impl Operand {
    /// The register, if it is one.
    pub fn register(&self) -> Option<Register> {
        match self.kind {
            OperandKind::Register(register) => Some(register),
            _ => None,
        }
    }
    /// The instruction number of a jump target that leads somewhere.
    pub fn target(&self) -> Option<u32> {
        match self.kind {
            OperandKind::Target { to: Destination::Instruction(number), .. } => Some(number),
            _ => None,
        }
    }
}

impl Module {
    /// The body with that id.
    pub fn body(&self, id: BodyId) -> &Body {
        &self.bodies[id.0 as usize]
    }
    /// All bodies with their ids.
    pub fn bodies_with_ids(&self) -> impl Iterator<Item = (BodyId, &Body)> {
        self.bodies.iter().enumerate().map(|(id, body)| (BodyId(id as u32), body))
    }
    /// The instructions of a body.
    pub fn instructions(&self, body: &Body) -> &[Instruction] {
        &self.instructions[body.instructions.range()]
    }
    /// The operands of an instruction.
    pub fn operands(&self, instruction: &Instruction) -> &[Operand] {
        let first = instruction.first_operand as usize;
        &self.operands[first..first + usize::from(instruction.operand_count)]
    }
    /// The markers of a body, ascending by position.
    pub fn markers(&self, body: &Body) -> &[Marker] {
        &self.markers[body.markers.range()]
    }
    /// The `.name:` directives of a body, in text order.
    pub fn register_names(&self, body: &Body) -> &[RegisterName] {
        &self.register_names[body.register_names.range()]
    }
    /// The bytes of a token.
    pub fn text(&self, span: Span) -> &[u8] {
        self.source.get(span.range()).unwrap_or_default()
    }
    /// The bytes of a token as a message shows them.
    pub fn lossy(&self, span: Span) -> Cow<'_, str> {
        String::from_utf8_lossy(self.text(span))
    }
    /// A token as a location.
    pub fn at(&self, span: Span) -> Location {
        span.in_file(self.file)
    }
    /// The name behind the sigil of a register token.
    pub fn register_word(&self, span: Span) -> &[u8] {
        match self.text(span) {
            [b'%' | b'@' | b'*', word @ ..] => word.trim_ascii_start(),
            word => word,
        }
    }
    /// The full name that a function name or label operand means; an inline block is known by its mangled name.
    pub fn name(&self, operand: &Operand) -> Cow<'_, str> {
        match operand.kind {
            OperandKind::FunctionName(Name::Definition(id)) | OperandKind::Label(Name::Definition(id)) => {
                Cow::Borrowed(self.body(id).name.as_str())
            }
            _ => self.lossy(operand.span),
        }
    }
    /// An operand as messages and the text form spell it: names of registers and `iota` replaced by numbers, what was
    /// left out written out. The set of a register is not part of it.
    pub fn spelling(&self, operand: &Operand) -> Cow<'_, str> {
        let is_written = operand.origin == Origin::Written;
        match operand.kind {
            OperandKind::Register(register) => {
                let sigil = register.mode.sigil();
                match register.index {
                    RegisterIndex::Number(number) => format!("{sigil}{number}").into(),
                    RegisterIndex::Unresolved => {
                        format!("{sigil}{}", String::from_utf8_lossy(self.register_word(operand.span))).into()
                    }
                }
            }
            OperandKind::Integer(value) if !is_written || self.text(operand.span) == b"iota" => {
                value.to_string().into()
            }
            OperandKind::Target { form: TargetForm::Absolute, to: Destination::Instruction(number) }
                if self.text(operand.span) == b"iota" =>
            {
                number.to_string().into()
            }
            OperandKind::Float if !is_written => "0.0".into(),
            OperandKind::Text if !is_written => r#""""#.into(),
            OperandKind::Target { .. } if !is_written => "+1".into(),
            OperandKind::Infinity => "infinity".into(),
            OperandKind::Void => "void".into(),
            OperandKind::FunctionName(_) | OperandKind::Label(_) => self.name(operand),
            OperandKind::Integer(_)
            | OperandKind::IntegerOutOfRange
            | OperandKind::Offset
            | OperandKind::Float
            | OperandKind::Bits
            | OperandKind::Duration
            | OperandKind::Text
            | OperandKind::Atom
            | OperandKind::Boolean(_)
            | OperandKind::Default
            | OperandKind::Target { .. } => self.lossy(operand.span),
        }
    }
    /// The body that a function name or label operand means.
    pub fn definition_of(&self, operand: &Operand) -> Option<BodyId> {
        match operand.kind {
            OperandKind::FunctionName(Name::Definition(id)) | OperandKind::Label(Name::Definition(id)) => Some(id),
            _ => None,
        }
    }
    /// The first token of the first line of a body.
    pub fn first_token(&self, body: &Body) -> Span {
        match body.first_line {
            Some(Line::Instruction(number)) => self.instructions(body)[number as usize].mnemonic,
            Some(Line::Directive { directive, .. }) => directive,
            None => body.directive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_and_operands_are_small() {
        assert!(size_of::<Operand>() <= 32);
        assert!(size_of::<Instruction>() <= 24);
    }
}
