//! Statements that are not instructions: directives (language.md §5), and lines that begin with no mnemonic (§13.1).

use crate::ast::*;
use crate::builder::{Builder, Head, Statement, number};
use crate::definitions::{Declared, mangled};
use crate::findings::escaped;
use viua_diagnostics::{Code, Span};
use viua_isa::{TABLE, is_reserved_word, suggest};

/// Candidates for hints, in the order of language.md §5.2.
const DIRECTIVES: [&str; 9] =
    [".end", ".function:", ".closure:", ".block:", ".iota:", ".mark:", ".name:", ".unused:", ".import:"];

impl Builder<'_> {
    /// Completes a statement that is no instruction.
    pub(crate) fn directive(&mut self, statement: &Statement, operands: &[Operand], end_of_line: Span) -> Option<Line> {
        let in_body = !self.bodies.is_empty();
        match statement.head {
            Head::Name => return self.name_directive(statement, operands),
            Head::Mark => return self.mark(statement, operands, end_of_line),
            Head::Unused => return self.unused(statement, operands),
            Head::None => self.unknown_instruction(operands),
            Head::LoneSet => {
                let message = "register set specifier does not follow register index";
                let finding = self.error(Code::E0117, statement.at, message);
                self.fault(finding);
            }
            Head::UnknownDirective => {
                let finding = self.error(Code::E0103, statement.at, "unknown directive");
                let finding = match suggest(&self.text(statement.at), DIRECTIVES) {
                    Some(known) => {
                        let at = statement.at.in_file(self.findings.file);
                        finding.hint(at, format!("did you mean '{known}'?"))
                    }
                    None => finding,
                };
                self.fault(finding);
            }
            Head::Signature | Head::BlockSignature | Head::Import | Head::Info if in_body => {
                let attributes = statement.attributes.map(|(_, open)| open);
                let surplus = attributes.or(operands.first().map(|operand| operand.span)).unwrap_or(statement.at);
                let finding = self.error(Code::E0104, surplus, "extra parameters to a directive");
                self.fault(finding);
            }
            Head::Signature => self.signature(statement, operands),
            Head::BlockSignature => self.block_signature(statement, operands),
            Head::Import => self.import(statement, operands, end_of_line),
            Head::Info => self.info(statement, operands),
            // Headers and instructions are completed elsewhere.
            Head::Instruction(_) | Head::Definition(_) | Head::InlineBlock => {}
        }
        None
    }

    fn unknown_instruction(&mut self, operands: &[Operand]) {
        let Some(first) = operands.first() else { return };
        // If it is a wrapped instruction that was refused, one finding is enough.
        let Some(at) = self.remaining_token(first) else { return };
        if matches!(self.bytes(at), b")" | b"]" | b"^") {
            let finding = self.error(Code::E0115, at, "invalid operand");
            return self.fault(finding);
        }
        if matches!(first.kind, OperandKind::InlineBlock(_))
            && let Some(body) = self.bodies.last_mut()
            && std::mem::replace(&mut body.holds_block, true)
        {
            // All blocks behind one that lacks its end look like this.
            return;
        }
        let word = match first.kind {
            OperandKind::InlineBlock(_) => mangled(self.source, self.bodies.last().and_then(|body| body.name), at),
            _ => self.text(at),
        };
        // The sigil of a register is not compared (language.md §17).
        let compared = word.trim_start_matches(['%', '@', '*']);
        let finding = self.error(Code::E0114, at, "unknown instruction");
        let finding = match suggest(compared, TABLE.iter().map(|row| row.mnemonic)) {
            Some(mnemonic) => finding.hint(at.in_file(self.findings.file), format!("did you mean '{mnemonic}'?")),
            None => finding,
        };
        self.fault(finding);
    }

    /// Reports the first operand beyond those that a directive takes.
    fn extra_parameters(&mut self, operands: &[Operand], taken: usize) {
        if let Some(surplus) = operands.get(taken) {
            let finding = self.error(Code::E0104, surplus.span, "extra parameters to a directive");
            self.fault(finding);
        }
    }

    fn missing_parameters(&mut self, directive: Span) {
        let finding = self.error(Code::E0105, directive, "missing parameters to a directive");
        self.fault(finding);
    }

    fn name_directive(&mut self, statement: &Statement, operands: &[Operand]) -> Option<Line> {
        let [index, name, ..] = operands else {
            self.missing_parameters(statement.at);
            return None;
        };
        if self.refuse_compound(&operands[..2]) {
            return None;
        }
        let word = self.text(name.span);
        let number = self.index_of(index);
        if is_reserved_word(&word) {
            let message = format!("invalid register name: '{word}' is a registered keyword");
            let finding = self.error(Code::E0010, name.span, message);
            self.findings.register_names.push(finding);
        } else if number.is_none() {
            let shown = escaped(&self.text(index.span));
            let finding = self.error(Code::E0008, index.span, format!("invalid register index: {word} := \"{shown}\""));
            self.findings.register_names.push(finding);
        }
        self.extra_parameters(operands, 2);
        let number = number.unwrap_or(0);
        if number > viua_isa::MAX_REGISTER_INDEX {
            self.report_large_index(index.span);
        }
        let directive = statement.at;
        Some(Line::Name(NameDirective { directive, index_span: index.span, index: number, name: name.span }))
    }

    /// The number of `N`, `%N` or `%iota`; huge ones are all alike.
    fn index_of(&self, index: &Operand) -> Option<u32> {
        let text = self.bytes(index.span);
        match index.kind {
            OperandKind::Integer if text.starts_with(b"-") => None,
            OperandKind::Integer => Some(number(text).unwrap_or(u32::MAX)),
            OperandKind::Iota(value) => Some(value),
            OperandKind::Register { index: RegisterIndex::Iota(value), .. } => Some(u32::from(value)),
            OperandKind::Register { index: RegisterIndex::Number(_), .. } => {
                let digits = text[1..].trim_ascii_start();
                match digits.first() {
                    Some(b'-') => None,
                    _ => Some(number(digits).unwrap_or(u32::MAX)),
                }
            }
            _ => None,
        }
    }

    fn mark(&mut self, statement: &Statement, operands: &[Operand], end_of_line: Span) -> Option<Line> {
        match operands.first() {
            Some(label) if label.kind == OperandKind::Label => {
                self.extra_parameters(operands, 1);
                Some(Line::Mark(Mark { directive: statement.at, label: label.span }))
            }
            other => {
                let at = other.map_or(end_of_line, |operand| operand.span);
                let finding = self.error(Code::E0106, at, "invalid marker");
                self.fault(finding);
                None
            }
        }
    }

    fn unused(&mut self, statement: &Statement, operands: &[Operand]) -> Option<Line> {
        let Some(operand) = operands.first() else {
            self.missing_parameters(statement.at);
            return None;
        };
        if self.refuse_compound(&operands[..1]) {
            return None;
        }
        self.extra_parameters(operands, 1);
        Some(Line::Unused { directive: statement.at, operand: operand.span })
    }

    /// Whether one of the operands is not a token, but something in brackets or a block.
    fn refuse_compound(&mut self, operands: &[Operand]) -> bool {
        let compound =
            operands.iter().find(|it| matches!(it.kind, OperandKind::Wrapped(_) | OperandKind::InlineBlock(_)));
        if let Some(operand) = compound {
            let mut finding = self.error(Code::E0115, operand.span, "invalid operand");
            finding.trace.extend(self.in_body());
            self.findings.parsing.push(finding);
        }
        compound.is_some()
    }

    // Declarations. Their findings have no trace.

    fn refuse(&mut self, code: Code, at: Span, message: &str) {
        let finding = self.error(code, at, message);
        self.findings.parsing.push(finding);
    }

    fn signature(&mut self, statement: &Statement, operands: &[Operand]) {
        let Some(name) = operands.first() else {
            return self.refuse(Code::E0107, statement.at, "missing function name");
        };
        if matches!(name.kind, OperandKind::FunctionName | OperandKind::Label) {
            self.declared.push(Declared::function(name.span));
        }
        if name.kind != OperandKind::FunctionName {
            return self.refuse(Code::E0108, name.span, "not a valid function name");
        }
        if let Some(surplus) = operands.get(1) {
            return self.refuse(Code::E0112, surplus.span, "unexpected token after function name");
        }
        self.tree.items.push(Item::Signature(Declaration { directive: statement.at, name: name.span }));
    }

    fn block_signature(&mut self, statement: &Statement, operands: &[Operand]) {
        let Some(name) = operands.first() else {
            return self.refuse(Code::E0107, statement.at, "missing block name");
        };
        if !matches!(name.kind, OperandKind::FunctionName | OperandKind::Label) {
            let message = format!("invalid block name: {}", self.text(name.span));
            return self.refuse(Code::E0111, name.span, &message);
        }
        self.declared.push(Declared::block(name.span));
        if let Some(surplus) = operands.get(1) {
            return self.refuse(Code::E0112, surplus.span, "unexpected token after block name");
        }
        self.tree.items.push(Item::BlockSignature(Declaration { directive: statement.at, name: name.span }));
    }

    fn import(&mut self, statement: &Statement, operands: &[Operand], end_of_line: Span) {
        let Some(name) = operands.first() else {
            if !statement.faulty {
                self.refuse(Code::E0714, statement.at, "missing module name in import directive");
            }
            return;
        };
        if let Some(surplus) = operands.get(1) {
            return self.refuse(Code::E0112, surplus.span, "unexpected token after module name");
        }
        if self.refuse_compound(operands) {
            return;
        }
        if !self.imported.insert(self.bytes(name.span)) {
            let finding = self.error(Code::E0713, end_of_line, "double import");
            let note = format!("module {} was already imported", self.text(name.span));
            return self.findings.parsing.push(finding.note(note));
        }
        let (attributes, _) = statement.attributes.unwrap_or_default();
        let has = |word: &[u8]| {
            self.tree.attributes[attributes.range()].iter().any(|attribute| self.bytes(attribute.key) == word)
        };
        let (is_static, is_dynamic) = (has(b"static"), has(b"dynamic"));
        let directive = statement.at;
        self.tree.items.push(Item::Import(Import { directive, attributes, is_static, is_dynamic, name: name.span }));
    }

    fn info(&mut self, statement: &Statement, operands: &[Operand]) {
        match operands {
            [] => self.refuse(Code::E0128, statement.at, "missing key and value in .info: directive"),
            [_] => self.refuse(Code::E0128, statement.at, "missing value in .info: directive"),
            [_, value, ..] if !matches!(value.kind, OperandKind::Text | OperandKind::Atom) => {
                self.refuse(Code::E0115, value.span, "invalid operand");
            }
            [_, _, surplus, ..] => {
                let message = "expected a function or a block definition (or signature), or a newline";
                self.refuse(Code::E0100, surplus.span, message);
            }
            [key, value] => {
                if self.refuse_compound(operands) {
                    return;
                }
                let info = Info { directive: statement.at, key: key.span, value: value.span };
                self.tree.items.push(Item::Info(info));
            }
        }
    }
}
