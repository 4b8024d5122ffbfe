//! The canonical tokens of a file, as `viuac lex` lists them at its final stage (tools.md §5, §8): wrapped instructions
//! taken out, inline blocks moved before the definition that held them, names of registers and `iota` replaced, missing
//! operands filled in. Each token still knows what was written.

use crate::module::{Body, BodyKind, Instruction, Module, Operand, OperandKind, Origin, TargetForm};
use std::borrow::Cow;
use viua_diagnostics::Span;
use viua_isa::Forms;
use viua_parser::ast::{Item, PoolRange, Tree};

/// A canonical token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// Where it stands; for an inserted token, what it was derived from.
    pub span: Span,
    /// Its class, named like those of the lexer.
    pub kind: &'static str,
    /// Its text after all replacements.
    pub text: Cow<'a, str>,
    /// Nobody wrote it.
    pub inserted: bool,
}

/// Lists the canonical tokens of a file. O(n).
pub fn tokens<'a>(module: &'a Module, tree: &Tree) -> Vec<Token<'a>> {
    let mut list = List { module, tokens: Vec::with_capacity(module.operands.len() * 2) };
    let mut next_body = 0;
    for item in &tree.items {
        match item {
            Item::Definition(id) => {
                let end = (id.0 as usize + 1).min(module.bodies.len());
                for (body, definition) in module.bodies.iter().zip(&tree.definitions).take(end).skip(next_body) {
                    list.body(body, tree, definition.attributes);
                }
                next_body = next_body.max(end);
            }
            Item::Signature(declaration) | Item::BlockSignature(declaration) => {
                list.written(declaration.directive, "directive");
                let is_function = matches!(item, Item::Signature(_));
                list.written(declaration.name, if is_function { "function-name" } else { "label" });
                list.end_of_line(declaration.name);
            }
            Item::Import(import) => {
                list.written(import.directive, "directive");
                list.attributes(tree, import.attributes);
                list.written(import.name, "label");
                list.end_of_line(import.name);
            }
            Item::Info(info) => {
                list.written(info.directive, "directive");
                list.written(info.key, "label");
                list.written(info.value, "text");
                list.end_of_line(info.value);
            }
        }
    }
    list.tokens
}

struct List<'a> {
    module: &'a Module,
    tokens: Vec<Token<'a>>,
}

impl<'a> List<'a> {
    fn push(&mut self, span: Span, kind: &'static str, text: impl Into<Cow<'a, str>>, inserted: bool) {
        self.tokens.push(Token { span, kind, text: text.into(), inserted });
    }

    fn written(&mut self, span: Span, kind: &'static str) {
        self.push(span, kind, self.module.lossy(span), false);
    }

    fn end_of_line(&mut self, last: Span) {
        self.push(Span::new(last.end, last.end), "newline", "\n", false);
    }

    fn attributes(&mut self, tree: &Tree, range: PoolRange) {
        let attributes = tree.attributes.get(range.range()).unwrap_or_default();
        let (Some(first), Some(last)) = (attributes.first(), attributes.last()) else { return };
        self.push(first.key, "attribute-bracket", "[[", true);
        for attribute in attributes {
            self.written(attribute.key, "label");
            self.push(attribute.key, "attribute-punctuation", "{", true);
            if let Some(value) = attribute.value {
                self.written(value, "label");
            }
            self.push(attribute.key, "attribute-punctuation", "}", true);
        }
        self.push(last.key, "attribute-bracket", "]]", true);
    }

    fn body(&mut self, body: &'a Body, tree: &Tree, attributes: PoolRange) {
        let module = self.module;
        self.written(body.directive, "directive");
        self.attributes(tree, attributes);
        let name_kind = match body.kind {
            BodyKind::Function | BodyKind::Closure => "function-name",
            BodyKind::Block => "label",
        };
        self.push(body.name_span, name_kind, body.name.as_str(), false);
        self.end_of_line(body.name_span);
        let mut names = module.register_names(body).iter().peekable();
        let mut markers = module.markers(body).iter().peekable();
        let instructions = module.instructions(body);
        for number in 0..=instructions.len() as u32 {
            while let Some(name) = names.next_if(|name| name.at <= number) {
                self.written(name.directive, "directive");
                self.push(name.index_span, "integer", name.index.to_string(), false);
                self.written(name.name, "label");
                self.end_of_line(name.name);
            }
            while let Some(marker) = markers.next_if(|marker| marker.at <= number) {
                self.push(marker.label, "directive", ".mark:", true);
                self.written(marker.label, "label");
                self.end_of_line(marker.label);
            }
            if let Some(instruction) = instructions.get(number as usize) {
                self.instruction(instruction);
            }
        }
        self.written(body.end, "directive");
        self.end_of_line(body.end);
    }

    fn instruction(&mut self, instruction: &Instruction) {
        let module = self.module;
        self.push(instruction.mnemonic, "label", instruction.opcode.mnemonic(), false);
        for (operand, spec) in module.operands(instruction).iter().zip(instruction.opcode.row().operands) {
            let inserted = operand.origin == Origin::Inserted;
            self.push(operand.span, kind_of(operand), module.spelling(operand), inserted);
            if let OperandKind::Register(register) = operand.kind
                && spec.forms != Forms::INDEX
            {
                match register.set_span() {
                    Some(set) if !inserted => self.written(set, "set-name"),
                    _ => self.push(operand.span, "set-name", register.set.name(), true),
                }
            }
            if operand.maybe_unused && !inserted {
                self.push(operand.span, "attribute-bracket", "[[", true);
                self.push(operand.span, "label", "maybe_unused", false);
                self.push(operand.span, "attribute-bracket", "]]", true);
            }
        }
        self.push(instruction.end_of_line, "newline", "\n", false);
    }
}

fn kind_of(operand: &Operand) -> &'static str {
    match operand.kind {
        OperandKind::Register(_) => "register",
        OperandKind::Integer(_) | OperandKind::IntegerOutOfRange => "integer",
        OperandKind::Offset => "offset",
        OperandKind::Float => "float",
        OperandKind::Bits => "bits",
        OperandKind::Duration => "duration",
        OperandKind::Text => "text",
        OperandKind::Atom => "atom",
        OperandKind::Boolean(_) => "boolean",
        OperandKind::Infinity | OperandKind::Void | OperandKind::Default | OperandKind::Label(_) => "label",
        OperandKind::FunctionName(_) => "function-name",
        OperandKind::Target { form, to: _ } => match form {
            TargetForm::Marker => "label",
            TargetForm::Absolute | TargetForm::Backward => "integer",
            TargetForm::Forward => "offset",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower;
    use std::sync::Arc;
    use viua_diagnostics::FileId;

    #[test]
    fn what_was_left_out_is_inserted() {
        let source: Arc<[u8]> =
            b".function: f/0\n.name: %iota x\nadd %x (izero %2 static)\nreceive default\nreturn\n.end\n"
                .as_slice()
                .into();
        let tree = viua_parser::parse(&source, FileId(0)).tree;
        let module = lower(&source, FileId(0), &tree);
        let tokens = tokens(&module, &tree);
        let text = |inserted: bool| {
            let chosen = tokens.iter().filter(|token| token.inserted == inserted);
            chosen.map(|token| &*token.text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            text(false),
            ".function: f/0 \n .name: 1 x \n izero %2 static \n add %1 %2 \n receive void \n return \n .end \n"
        );
        assert_eq!(text(true), "local %1 local local infinity");
        let one = tokens.iter().find(|token| token.text == "%1").map(|token| module.text(token.span));
        assert_eq!(one, Some(b"%x".as_slice()));
    }
}
