//! The actions of the grammar: they fill the flat pools of the tree, and report what phase D forbids.
//!
//! Statements nest (wrapped instructions, inline blocks), but the operands of one must lie together in the tree. So
//! operands are collected on a stack, and move to the pool when their statement is complete; lines of bodies likewise.

use crate::ast::*;
use crate::definitions::{Declared, mangled};
use crate::findings::{Findings, text};
use crate::terminal::Terminal;
use std::collections::HashSet;
use viua_diagnostics::{Code, Diagnostic, Entry, FileId, Span};
use viua_isa::{AccessMode, MAX_REGISTER_INDEX, Opcode, RegisterSet};

/// What begins a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Instruction(Opcode),
    /// Something that can begin none.
    None,
    LoneSet,
    Name,
    Mark,
    Unused,
    Signature,
    BlockSignature,
    Import,
    Info,
    UnknownDirective,
    Definition(BodyKind),
    InlineBlock,
}

/// What stands before the bracket of a wrapped operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    None,
    After,
    Dereference,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    Written,
    /// By the directive of the next definition.
    Interrupted,
    /// With the file.
    Missing,
}

/// The kind that stands for a token that is no operand, so that it counts as one. Errors keep the tree from being used.
pub(crate) const NO_OPERAND: OperandKind = OperandKind::Default;

/// A statement whose end has not been read.
pub(crate) struct Statement {
    pub(crate) head: Head,
    /// The token of the head.
    pub(crate) at: Span,
    /// Index of the first operand in [`Builder::operands`].
    pub(crate) operands: usize,
    /// Attributes before the first operand, with their opening bracket.
    pub(crate) attributes: Option<(PoolRange, Span)>,
    /// Whether the last operand has its attributes.
    attributed: bool,
    /// Whether a fault of an operand was reported; one per statement is enough.
    pub(crate) faulty: bool,
}

/// A definition whose `.end` has not been read.
pub(crate) struct OpenBody {
    pub(crate) kind: BodyKind,
    pub(crate) directive: Span,
    /// Absent if the source lacks it.
    pub(crate) name: Option<Span>,
    pub(crate) attributes: PoolRange,
    pub(crate) no_sa: bool,
    /// Index of its first line in [`Builder::lines`].
    pub(crate) lines: usize,
    /// The inline blocks in it.
    pub(crate) inner: Vec<DefinitionId>,
    /// Whether nothing was said about its header.
    pub(crate) sound: bool,
    /// Whether there is a line in it, sound or not.
    pub(crate) has_lines: bool,
    /// Whether a line of it begins with `.block:`: perhaps its `.end` is missing.
    pub(crate) holds_block: bool,
}

/// A wrapped operand whose closing bracket has not been read.
struct OpenWrapped {
    prefix: Prefix,
    is_list: bool,
    open: Span,
    /// The first token, prefix included.
    first: Span,
    first_inside: Option<Span>,
    /// Index of the first element in [`Builder::elements`].
    elements: usize,
    /// The opening parenthesis of the element that is being read.
    item: Span,
}

/// The tree under construction.
pub(crate) struct Builder<'s> {
    pub(crate) source: &'s [u8],
    pub(crate) findings: Findings,
    pub(crate) tree: Tree,
    pub(crate) operands: Vec<Operand>,
    pub(crate) statements: Vec<Statement>,
    pub(crate) bodies: Vec<OpenBody>,
    pub(crate) lines: Vec<Line>,
    wrapped: Vec<OpenWrapped>,
    elements: Vec<WrappedElement>,
    /// For each of [`Tree::wrapped`] the token that remains in its place; `None` if the instruction in it was refused.
    remains: Vec<Option<Span>>,
    pub(crate) words: Vec<(Terminal, Span)>,
    /// Names for phase C, in source order.
    pub(crate) declared: Vec<Declared>,
    pub(crate) imported: HashSet<&'s [u8]>,
    /// `in …` of the innermost of the bodies that a definition interrupts.
    pub(crate) interrupted_in: Option<Entry>,
    pub(crate) reported_missing_end: bool,
    /// The inline block that was closed last.
    pub(crate) closed: DefinitionId,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(source: &'s [u8], file: FileId) -> Builder<'s> {
        let findings = Findings { file, ..Findings::default() };
        let mut tree = Tree::default();
        // A line of a dense program has some 30 bytes and three operands.
        tree.instructions.reserve(source.len() / 30);
        tree.operands.reserve(source.len() / 10);
        Builder {
            source,
            findings,
            tree,
            operands: Vec::new(),
            statements: Vec::new(),
            bodies: Vec::new(),
            lines: Vec::new(),
            wrapped: Vec::new(),
            elements: Vec::new(),
            remains: Vec::new(),
            words: Vec::new(),
            declared: Vec::new(),
            imported: HashSet::new(),
            interrupted_in: None,
            reported_missing_end: false,
            closed: DefinitionId(0),
        }
    }

    pub(crate) fn bytes(&self, span: Span) -> &'s [u8] {
        &self.source[span.range()]
    }

    pub(crate) fn text(&self, span: Span) -> String {
        text(self.source, span)
    }

    /// `in function <name>` of the innermost body.
    pub(crate) fn in_body(&self) -> Option<Entry> {
        let (body, outer) = match self.bodies.as_slice() {
            [] => return None,
            [only] => (only, None),
            [.., outer, body] => (body, outer.name),
        };
        let name = body.name?;
        let kind = match body.kind {
            BodyKind::Function | BodyKind::Closure => "function",
            BodyKind::Block => "block",
        };
        let shown = mangled(self.source, outer, name);
        Some(Entry::step(name.in_file(self.findings.file), format!("in {kind} {shown}")))
    }

    /// Adds a finding of phase D with its trace. What stands at top level has been reported already.
    #[cold]
    pub(crate) fn fault(&mut self, finding: Diagnostic) {
        if self.bodies.is_empty() {
            return;
        }
        let finding = match self.in_body() {
            Some(entry) => finding.then(entry),
            None => finding,
        };
        self.findings.parsing.push(finding);
    }

    pub(crate) fn error(&self, code: Code, at: Span, message: impl Into<String>) -> Diagnostic {
        self.findings.error(code, at, message)
    }

    fn invalid_operand(&mut self, at: Span) {
        let Some(statement) = self.statements.last_mut() else { return };
        let is_instruction = matches!(statement.head, Head::Instruction(_));
        if is_instruction && !std::mem::replace(&mut statement.faulty, true) {
            let finding = self.error(Code::E0115, at, "invalid operand");
            self.fault(finding);
        }
    }

    // Statements.

    #[inline]
    pub(crate) fn head(&mut self, head: Head, at: Span) {
        let operands = self.operands.len();
        self.statements.push(Statement { head, at, operands, attributes: None, attributed: false, faulty: false });
    }

    pub(crate) fn line(&mut self, end_of_line: Span) {
        if let Some(line) = self.finish(end_of_line) {
            self.lines.push(line);
        }
        match self.bodies.last_mut() {
            Some(body) => body.has_lines = true,
            None => self.lines.clear(),
        }
    }

    /// Completes the innermost statement. `None` if nothing of it gets into the tree.
    #[inline]
    fn finish(&mut self, end_of_line: Span) -> Option<Line> {
        let statement = self.statements.pop()?;
        if let Head::Instruction(opcode) = statement.head {
            let start = self.tree.operands.len() as u32;
            self.tree.operands.extend_from_slice(&self.operands[statement.operands..]);
            self.operands.truncate(statement.operands);
            let operands = PoolRange { start, end: self.tree.operands.len() as u32 };
            let id = InstructionId(self.tree.instructions.len() as u32);
            self.tree.instructions.push(Instruction { opcode, mnemonic: statement.at, operands, end_of_line });
            return Some(Line::Instruction(id));
        }
        let operands = self.operands.split_off(statement.operands);
        self.directive(&statement, &operands, end_of_line)
    }

    /// The token that an operand leaves behind when it is taken for the beginning of a line.
    pub(crate) fn remaining_token(&self, operand: &Operand) -> Option<Span> {
        match operand.kind {
            OperandKind::Wrapped(id) => self.remains.get(id.0 as usize).copied().flatten(),
            OperandKind::InlineBlock(id) => Some(self.tree.definition(id).name),
            _ => Some(operand.span),
        }
    }

    // Operands.

    #[inline]
    pub(crate) fn operand(&mut self, kind: OperandKind, span: Span) {
        self.operands.push(Operand { kind, span, maybe_unused: false });
        if let Some(statement) = self.statements.last_mut() {
            statement.attributed = false;
        }
    }

    pub(crate) fn invalid(&mut self, at: Span) {
        self.operand(NO_OPERAND, at);
        self.invalid_operand(at);
    }

    /// A register. If it has a set name, that is the end of the span.
    #[inline]
    pub(crate) fn register(&mut self, span: Span, set: Option<RegisterSet>) {
        let set = set.map(|set| set_name(set, span.end));
        let bytes = match set {
            Some(set) => self.bytes(Span::new(span.start, set.span.start)).trim_ascii_end(),
            None => self.bytes(span),
        };
        let span = Span::new(span.start, span.start + bytes.len() as u32);
        let name = bytes[1..].trim_ascii_start();
        let name_at = Span::new(span.end - name.len() as u32, span.end);
        let index = match name {
            [b'0'..=b'9', ..] => match number(name) {
                Some(number) if number <= MAX_REGISTER_INDEX => RegisterIndex::Number(number as u16),
                _ => self.index_too_large(span),
            },
            [b'-', ..] => self.negative_index(span, name_at),
            _ => RegisterIndex::Name(name_at),
        };
        self.operand(OperandKind::Register { mode: access_mode(bytes), index, set }, span);
    }

    fn negative_index(&mut self, span: Span, number: Span) -> RegisterIndex {
        if self.statements.last().is_some_and(|statement| matches!(statement.head, Head::Instruction(_))) {
            let message = format!("register indexes cannot be negative: {}", self.text(number));
            let finding = self.error(Code::E0011, span, message);
            self.fault(finding);
        }
        RegisterIndex::Number(0)
    }

    fn index_too_large(&mut self, span: Span) -> RegisterIndex {
        if self.statements.last().is_some_and(|statement| matches!(statement.head, Head::Instruction(_))) {
            self.report_large_index(span);
        }
        RegisterIndex::Number(0)
    }

    pub(crate) fn report_large_index(&mut self, span: Span) {
        let message = "register index outside of defined range (max allowed register index is 65535)";
        let finding = self.error(Code::E0012, span, message);
        self.fault(finding);
    }

    pub(crate) fn register_iota(&mut self, span: Span, value: u32) {
        let index = match u16::try_from(value) {
            Ok(index) => RegisterIndex::Iota(index),
            Err(_) => self.index_too_large(span),
        };
        let mode = access_mode(self.bytes(span));
        self.operand(OperandKind::Register { mode, index, set: None }, span);
    }

    /// A set name behind the last operand.
    pub(crate) fn set(&mut self, set: RegisterSet, end: u32) {
        let written = set_name(set, end);
        match self.operands.last_mut().map(|operand| &mut operand.kind) {
            Some(OperandKind::Register { set, .. }) => *set = Some(written),
            Some(OperandKind::Wrapped(id)) => {
                if let Some(wrapped) = self.tree.wrapped.get_mut(id.0 as usize) {
                    wrapped.set = Some(written);
                }
            }
            _ => {}
        }
    }

    /// The word `current` behind the last operand.
    pub(crate) fn current(&mut self, at: Span) {
        self.operand(NO_OPERAND, at);
        let finding = self.error(Code::E0116, at, "current register set is illegal");
        self.fault(finding);
    }

    pub(crate) fn inline_block(&mut self) {
        let directive = self.tree.definitions.get(self.closed.0 as usize).map(|definition| definition.directive);
        self.operand(OperandKind::InlineBlock(self.closed), directive.unwrap_or_default());
    }

    pub(crate) fn inline_block_as_item(&mut self) {
        if let Some(definition) = self.tree.definitions.get(self.closed.0 as usize) {
            self.invalid_item(definition.directive);
        }
    }

    // Wrapped operands.

    pub(crate) fn open_wrapped(&mut self, prefix: Prefix, open: Span, first: u32) {
        self.push_wrapped(prefix, false, open, first);
    }

    pub(crate) fn open_list(&mut self, prefix: Prefix, open: Span, first: u32) {
        self.push_wrapped(prefix, true, open, first);
    }

    fn push_wrapped(&mut self, prefix: Prefix, is_list: bool, open: Span, first: u32) {
        let first = Span::new(first, first + 1);
        let elements = self.elements.len();
        self.wrapped.push(OpenWrapped { prefix, is_list, open, first, first_inside: None, elements, item: open });
    }

    pub(crate) fn open_item(&mut self, open: Span) {
        if let Some(list) = self.wrapped.last_mut() {
            list.first_inside.get_or_insert(open);
            list.item = open;
        }
    }

    pub(crate) fn invalid_item(&mut self, at: Span) {
        if let Some(list) = self.wrapped.last_mut() {
            list.first_inside.get_or_insert(at);
        }
        self.invalid_operand(at);
    }

    pub(crate) fn close_item(&mut self) {
        let item = self.wrapped.last().map(|list| list.item).unwrap_or_default();
        self.element(item);
    }

    pub(crate) fn close_wrapped(&mut self, close: Span) {
        let item = self.wrapped.last().map(|wrapped| wrapped.item).unwrap_or_default();
        let remains = self.element(item);
        self.pop_wrapped(close, remains);
    }

    pub(crate) fn close_list(&mut self, close: Span) {
        let first_inside = self.wrapped.last().and_then(|list| list.first_inside);
        self.pop_wrapped(close, first_inside.or(Some(close)));
    }

    /// Completes the statement in parentheses. Returns the token that remains in its place.
    fn element(&mut self, open: Span) -> Option<Span> {
        match self.finish(open)? {
            Line::Instruction(id) => {
                self.elements.push(WrappedElement::Instruction(id));
                let first = self.tree.operands(self.tree.instruction(id)).first();
                first.map_or(Some(open), |first| self.remaining_token(first))
            }
            Line::Name(name) => {
                self.elements.push(WrappedElement::Name(name));
                Some(name.index_span)
            }
            // Of the directives only `.name:` leaves something behind.
            Line::Mark(Mark { directive, .. }) | Line::Unused { directive, .. } => {
                let finding = self.error(Code::E0115, directive, "invalid operand");
                self.fault(finding);
                None
            }
        }
    }

    fn pop_wrapped(&mut self, close: Span, remains: Option<Span>) {
        let Some(wrapped) = self.wrapped.pop() else { return };
        let elements = self.elements.split_off(wrapped.elements);
        let id = WrappedId(self.tree.wrapped.len() as u32);
        self.tree.wrapped.push(Wrapped {
            open: wrapped.open,
            close,
            after: wrapped.prefix == Prefix::After,
            dereference: wrapped.prefix == Prefix::Dereference,
            is_list: wrapped.is_list,
            first_inside: wrapped.first_inside.or(remains).unwrap_or(close),
            elements,
            set: None,
        });
        self.remains.push(remains);
        self.operand(OperandKind::Wrapped(id), wrapped.first);
    }

    // Attributes.

    pub(crate) fn word(&mut self, terminal: Terminal, span: Span) {
        self.words.push((terminal, span));
    }

    pub(crate) fn attributes(&mut self, open: Span, close: Span) {
        let words = std::mem::take(&mut self.words);
        let close_bracket = (self.bytes(close) == b"]]").then_some(close);
        let Some(statement) = self.statements.last_mut() else { return };
        let first = self.operands.len() == statement.operands && statement.attributes.is_none();
        match statement.head {
            Head::Definition(_) | Head::InlineBlock | Head::Import if first => {
                let range = self.read_attributes(&words, close, false);
                if let Some(statement) = self.statements.last_mut() {
                    statement.attributes = Some((range, open));
                }
            }
            Head::Instruction(_) if self.operands.len() > statement.operands && !statement.attributed => {
                statement.attributed = true;
                self.read_attributes(&words, close, true);
            }
            // Not an operand that could be missing or surplus.
            Head::Instruction(_) => self.invalid_operand(open),
            // To other directives all this is so many tokens.
            _ => {
                for at in std::iter::once(open).chain(words.iter().map(|(_, at)| *at)).chain(close_bracket) {
                    self.operand(NO_OPERAND, at);
                }
            }
        }
        self.words = words;
        self.words.clear();
    }
}

fn access_mode(register: &[u8]) -> AccessMode {
    match register.first() {
        Some(b'@') => AccessMode::Indirect,
        Some(b'*') => AccessMode::Dereference,
        _ => AccessMode::Direct,
    }
}

/// The set name that ends there.
fn set_name(set: RegisterSet, end: u32) -> SetName {
    SetName { set, span: Span::new(end - set.name().len() as u32, end) }
}

/// A number of decimal digits; `None` if it is none, or too large.
#[inline]
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
    }
    (!digits.is_empty()).then_some(value)
}
