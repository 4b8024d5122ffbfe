//! Functions, closures and blocks: their headers and ends (language.md §5.1, §5.3), and phase C, which looks at their
//! names.

use crate::ast::*;
use crate::builder::{BodyEnd, Builder, Head, OpenBody, Statement, number};
use crate::findings::Findings;
use std::collections::HashMap;
use viua_diagnostics::{Code, Entry, Span};
use viua_isa::{MAX_REGISTER_INDEX, is_reserved_word};

/// A name of the one name space for definitions and signatures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared {
    name: Span,
    /// The name of the definition that an inline block stands in.
    outer: Option<Span>,
    /// What its name may not be, for a message; `None` if it may be anything.
    reserved: Option<&'static str>,
}

impl Declared {
    pub(crate) fn function(name: Span) -> Declared {
        Declared { name, outer: None, reserved: Some("function name") }
    }
    pub(crate) fn block(name: Span) -> Declared {
        Declared { name, outer: None, reserved: Some("block name") }
    }
}

/// The full name of a definition: that of an inline block has the name of its definition before it.
pub(crate) fn mangled(source: &[u8], outer: Option<Span>, name: Span) -> String {
    let name = String::from_utf8_lossy(&source[name.range()]);
    match outer {
        Some(outer) => format!("{}__nested__{name}", String::from_utf8_lossy(&source[outer.range()])),
        None => name.into_owned(),
    }
}

/// Phase C: duplicate and reserved names. O(n) in the length of all names.
pub(crate) fn check_names(source: &[u8], declared: &[Declared], findings: &mut Findings) {
    let mut first: HashMap<String, Span> = HashMap::with_capacity(declared.len());
    for &Declared { name: at, outer, reserved } in declared {
        let name = mangled(source, outer, at);
        if let Some(what) = reserved
            && is_reserved_word(&name)
        {
            let message = format!("invalid {what}: '{name}' is a registered keyword");
            let finding = findings.error(Code::E0010, at, message);
            findings.definitions.push(finding);
        } else if let Some(&before) = first.get(&name) {
            let finding = findings.error(Code::E0200, at, format!("duplicated name: {name}"));
            let place = Entry::place(before.in_file(findings.file), "already defined here:");
            findings.definitions.push(finding.then(place));
        } else {
            first.insert(name, at);
        }
    }
}

impl Builder<'_> {
    /// Completes the line of `.function:`, `.closure:` or `.block:`.
    pub(crate) fn open_body(&mut self) {
        let Some(statement) = self.statements.pop() else { return };
        let operands = self.operands.split_off(statement.operands);
        let kind = match statement.head {
            Head::Definition(kind) => kind,
            _ => BodyKind::Block,
        };
        if statement.head == Head::InlineBlock {
            self.check_depth(statement.at);
        }
        let sound = self.check_header(kind, &statement, &operands);
        let name = operands.first().map(|operand| operand.span);
        if let Some(operand) = operands.first()
            && matches!(operand.kind, OperandKind::FunctionName | OperandKind::Label)
        {
            let outer = self.bodies.last().and_then(|body| body.name);
            let declared = match kind {
                BodyKind::Function => Declared::function(operand.span),
                BodyKind::Block if outer.is_none() => Declared::block(operand.span),
                BodyKind::Closure | BodyKind::Block => Declared { name: operand.span, outer, reserved: None },
            };
            self.declared.push(declared);
        }
        let (attributes, _) = statement.attributes.unwrap_or_default();
        let no_sa =
            self.tree.attributes[attributes.range()].iter().any(|attribute| self.bytes(attribute.key) == b"no_sa");
        self.bodies.push(OpenBody {
            kind,
            directive: statement.at,
            name,
            attributes,
            no_sa,
            lines: self.lines.len(),
            inner: Vec::new(),
            sound,
            has_lines: false,
            holds_block: false,
        });
    }

    /// `.block:` in an inline block (phase C).
    fn check_depth(&mut self, directive: Span) {
        let [.., outer, inner] = self.bodies.as_slice() else { return };
        let name = inner.name.map(|name| mangled(self.source, outer.name, name)).unwrap_or_default();
        let finding = self.error(Code::E0201, directive, another_opened(BodyKind::Block, &name));
        self.findings.definitions.push(finding);
    }

    /// Whether there is nothing wrong with the line. Its findings have no trace.
    fn check_header(&mut self, kind: BodyKind, statement: &Statement, operands: &[Operand]) -> bool {
        let Some(name) = operands.first() else {
            if !statement.faulty {
                let message = match kind {
                    BodyKind::Function | BodyKind::Closure => "missing function name",
                    BodyKind::Block => "missing block name",
                };
                let finding = self.error(Code::E0107, statement.at, message);
                self.findings.parsing.push(finding);
            }
            return false;
        };
        let text = self.text(name.span);
        let fault = match kind {
            BodyKind::Function | BodyKind::Closure => {
                let arity = match name.kind {
                    OperandKind::FunctionName => self.bytes(name.span).rsplit(|byte| *byte == b'/').next(),
                    _ => None,
                };
                match arity {
                    None => Some((Code::E0109, format!("invalid function name: {text}"))),
                    Some([]) if kind == BodyKind::Closure => {
                        Some((Code::E0110, format!("function with undefined arity: {text}")))
                    }
                    Some([]) => None,
                    Some(digits) => match number(digits) {
                        Some(arity) if arity <= MAX_REGISTER_INDEX => None,
                        _ => Some((Code::E0109, format!("invalid function name: {text}"))),
                    },
                }
            }
            BodyKind::Block => match name.kind {
                OperandKind::FunctionName | OperandKind::Label => None,
                _ => Some((Code::E0111, format!("invalid block name: {text}"))),
            },
        };
        let fault = fault.map(|(code, message)| (code, name.span, message)).or_else(|| {
            let what = if kind == BodyKind::Block { "block" } else { "function" };
            operands.get(1).map(|surplus| (Code::E0112, surplus.span, format!("unexpected token after {what} name")))
        });
        match fault {
            Some((code, at, message)) => {
                let finding = self.error(code, at, message);
                self.findings.parsing.push(finding);
                false
            }
            None => !statement.faulty,
        }
    }

    /// `.end`, or what stands in its place.
    pub(crate) fn close_body(&mut self, how: BodyEnd, at: Span) {
        match how {
            BodyEnd::Written => {}
            BodyEnd::Interrupted => self.interrupted(at),
            BodyEnd::Missing => self.missing_end(),
        }
        let Some(body) = self.bodies.pop() else { return };
        if let Some(name) = body.name
            && body.sound
            && !body.has_lines
        {
            let what = if body.kind == BodyKind::Block { "block" } else { "function" };
            let message = format!("{what} with empty body: {}", self.text(name));
            let finding = self.error(Code::E0113, name, message);
            self.findings.parsing.push(finding);
        }
        let id = DefinitionId(self.tree.definitions.len() as u32);
        for inner in body.inner {
            self.tree.definitions[inner.0 as usize].outer = Some(id);
        }
        self.tree.definitions.push(Definition {
            kind: body.kind,
            directive: body.directive,
            name: body.name.unwrap_or(body.directive),
            attributes: body.attributes,
            no_sa: body.no_sa,
            body: self.lines.drain(body.lines..).collect(),
            end: at,
            outer: None,
        });
        match self.bodies.last_mut() {
            Some(outer) => outer.inner.push(id),
            None => self.tree.items.push(Item::Definition(id)),
        }
        self.closed = id;
    }

    /// A definition begins in an open one: a matter of phase C if both are of one kind, of phase D if not.
    fn interrupted(&mut self, directive: Span) {
        if self.interrupted_in.is_none() {
            self.interrupted_in = self.in_body();
        }
        let [body] = self.bodies.as_slice() else { return };
        let step = self.interrupted_in.take();
        let opened = match self.bytes(directive) {
            b".function:" => BodyKind::Function,
            _ => BodyKind::Closure,
        };
        if body.kind == opened {
            let name = body.name.map(|name| self.text(name)).unwrap_or_default();
            let finding = self.error(Code::E0201, directive, another_opened(opened, &name));
            self.findings.definitions.push(finding);
        } else if !body.holds_block {
            let mut finding = self.error(Code::E0202, directive, "no '.end' between definitions");
            finding.trace.extend(step);
            self.findings.parsing.push(finding);
        }
    }

    fn missing_end(&mut self) {
        if let Some(body) = self.bodies.last()
            && !std::mem::replace(&mut self.reported_missing_end, true)
        {
            let finding = self.error(Code::E0203, body.directive, "no '.end' at the end of a block");
            self.findings.definitions.push(finding);
        }
    }
}

fn another_opened(kind: BodyKind, open: &str) -> String {
    let kind = kind.name();
    format!("another {kind} opened before assembler reached .end after '{open}' {kind}")
}
