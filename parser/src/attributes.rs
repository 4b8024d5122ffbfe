//! Attributes (language.md §10.1): `[[` then `key`, `key{}` or `key{value}`, separated by commas, then `]]`.

use crate::ast::{Attribute, OperandKind, PoolRange};
use crate::builder::{Builder, Head};
use crate::terminal::Terminal;
use viua_diagnostics::{Code, Diagnostic, Position, Severity, Span};
use viua_isa::Opcode;

/// What a list of attributes may go on with.
enum State {
    /// A key, or the end.
    Key,
    /// What follows a key.
    BehindKey,
    /// A value, or `}`.
    Value,
    /// `}`
    BehindValue,
    /// A key, a comma, or the end.
    BehindBrace,
}

impl Builder<'_> {
    /// Reads a list of attributes into the tree and says what is wrong with it. `close` is `]]` or, if that is missing,
    /// the end of the line.
    pub(crate) fn read_attributes(&mut self, words: &[(Terminal, Span)], close: Span, of_operand: bool) -> PoolRange {
        let start = self.tree.attributes.len() as u32;
        let mut state = State::Key;
        for &(terminal, at) in words {
            state = match (state, terminal) {
                (State::Key | State::BehindBrace, Terminal::Word) => {
                    self.attribute_key(at);
                    State::BehindKey
                }
                (State::BehindKey | State::BehindBrace, Terminal::Comma) => State::Key,
                (State::BehindKey, Terminal::BraceOpen) => State::Value,
                (State::Value | State::BehindValue, Terminal::BraceClose) => State::BehindBrace,
                (State::Value, _) => {
                    if let Some(attribute) = self.tree.attributes.last_mut() {
                        attribute.value = Some(at);
                    }
                    State::BehindValue
                }
                (state, _) => return self.malformed_attributes(state, at, start, of_operand),
            };
        }
        let closed = self.bytes(close) == b"]]";
        match state {
            State::Key | State::BehindKey | State::BehindBrace if closed => {}
            state => return self.malformed_attributes(state, close, start, of_operand),
        }
        PoolRange { start, end: self.tree.attributes.len() as u32 }
    }

    fn malformed_attributes(&mut self, state: State, at: Span, start: u32, of_operand: bool) -> PoolRange {
        let expected = match state {
            State::Key | State::BehindKey | State::BehindBrace => "expected ',' or '{' or ']]'",
            State::Value | State::BehindValue => "expected '}'",
        };
        let finding = self.error(Code::E0118, at, expected);
        if of_operand {
            self.fault(finding);
        } else if self.bodies.is_empty() || !self.at_import() {
            self.findings.parsing.push(finding);
        }
        if let Some(statement) = self.statements.last_mut() {
            statement.faulty = true;
        }
        PoolRange { start, end: start }
    }

    /// An import in a body is wrong as a whole.
    fn at_import(&self) -> bool {
        self.statements.last().is_some_and(|statement| statement.head == Head::Import)
    }

    fn attribute_key(&mut self, key: Span) {
        let word = self.bytes(key);
        let known = match self.statements.last().map(|statement| statement.head) {
            Some(Head::Definition(_) | Head::InlineBlock) => word == b"no_sa",
            Some(Head::Import) => word == b"static" || word == b"dynamic",
            Some(Head::Instruction(Opcode::Integer)) => word == b"maybe_unused" && self.mark_maybe_unused(),
            _ => false,
        };
        if !known {
            let at = Position::At(key.in_file(self.findings.file));
            let message = format!("unknown attribute: {}", self.text(key));
            self.findings.lints.push(Diagnostic::new(Severity::Warning, Some(Code::W0101), at, message));
        }
        self.tree.attributes.push(Attribute { key, value: None, known });
    }

    /// Marks the last operand, if it is a register.
    fn mark_maybe_unused(&mut self) -> bool {
        match self.operands.last_mut() {
            Some(operand) if matches!(operand.kind, OperandKind::Register { .. } | OperandKind::Wrapped(_)) => {
                operand.maybe_unused = true;
                true
            }
            _ => false,
        }
    }
}
