//! Listings of the syntax tree, as text and as JSON (tools.md §8). Wrapped instructions nest as deep as the source
//! likes, so the tree is turned into a flat sequence of events first, by a stack of our own.

use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Write;
use viua_diagnostics::{Source, Span};
use viua_isa::AccessMode;
use viua_parser::ast::{
    Attribute, Definition, Instruction, InstructionId, Item, Line, NameDirective, Operand, OperandKind, PoolRange,
    RegisterIndex, Tree, Wrapped, WrappedElement, WrappedId,
};

/// What is met on the way through an instruction, front to back.
enum Event<'t> {
    Instruction(&'t Instruction),
    EndOfInstruction,
    Operand(&'t Operand),
    Wrapped(&'t Operand, &'t Wrapped),
    EndOfWrapped,
    Name(&'t NameDirective),
}

/// What is left to do at a level of nesting.
enum Frame {
    Operands(std::ops::Range<usize>),
    Elements(WrappedId, usize),
}

fn walk<'t>(tree: &'t Tree, outermost: InstructionId, mut meet: impl FnMut(Event<'t>)) {
    let mut stack = Vec::new();
    let enter = |id: InstructionId, stack: &mut Vec<Frame>, meet: &mut dyn FnMut(Event<'t>)| {
        let instruction = tree.instruction(id);
        meet(Event::Instruction(instruction));
        stack.push(Frame::Operands(instruction.operands.range()));
    };
    enter(outermost, &mut stack, &mut meet);
    while let Some(frame) = stack.last_mut() {
        match frame {
            Frame::Operands(rest) => match rest.next() {
                Some(at) => {
                    let operand = &tree.operands[at];
                    if let OperandKind::Wrapped(id) = operand.kind {
                        meet(Event::Wrapped(operand, tree.wrapped(id)));
                        stack.push(Frame::Elements(id, 0));
                    } else {
                        meet(Event::Operand(operand));
                    }
                }
                None => {
                    meet(Event::EndOfInstruction);
                    stack.pop();
                }
            },
            Frame::Elements(id, at) => {
                let element = tree.wrapped(*id).elements.get(*at).copied();
                *at += 1;
                match element {
                    Some(WrappedElement::Instruction(id)) => enter(id, &mut stack, &mut meet),
                    Some(WrappedElement::Name(_)) => {
                        if let WrappedElement::Name(name) = &tree.wrapped(*id).elements[*at - 1] {
                            meet(Event::Name(name));
                        }
                    }
                    None => {
                        meet(Event::EndOfWrapped);
                        stack.pop();
                    }
                }
            }
        }
    }
}

const fn kind_name(kind: &OperandKind) -> &'static str {
    match kind {
        OperandKind::Register { .. } => "register",
        OperandKind::Integer | OperandKind::Iota(_) => "integer",
        OperandKind::Offset => "offset",
        OperandKind::Float => "float",
        OperandKind::Bits => "bits",
        OperandKind::Duration => "duration",
        OperandKind::Text => "text",
        OperandKind::Atom => "atom",
        OperandKind::Boolean(_) => "boolean",
        OperandKind::Void => "void",
        OperandKind::Default => "default",
        OperandKind::Infinity => "infinity",
        OperandKind::FunctionName => "function-name",
        OperandKind::Label => "label",
        OperandKind::Wrapped(_) => "wrapped",
        OperandKind::InlineBlock(_) => "block",
    }
}

const fn mode_name(mode: AccessMode) -> &'static str {
    match mode {
        AccessMode::Direct => "direct",
        AccessMode::Indirect => "indirect",
        AccessMode::Dereference => "dereference",
    }
}

struct Printer<'s> {
    tree: &'s Tree,
    source: &'s Source,
    out: String,
}

impl<'s> Printer<'s> {
    fn token(&self, span: Span) -> Cow<'s, str> {
        String::from_utf8_lossy(self.source.text.get(span.range()).unwrap_or_default())
    }

    fn place(&self, span: Span) -> String {
        let (line, column) = self.source.line_column(span.start);
        format!("{line}:{column}")
    }

    fn attributes(&self, range: PoolRange) -> &'s [Attribute] {
        self.tree.attributes.get(range.range()).unwrap_or_default()
    }

    fn definitions(&self) -> impl Iterator<Item = &'s Definition> + use<'s> {
        self.tree.definitions.iter()
    }
}

/// Definitions, instructions and operands as written, one per line, each with its position.
pub fn text(tree: &Tree, source: &Source) -> String {
    let mut printer = Printer { tree, source, out: String::new() };
    printer.items();
    for definition in printer.definitions() {
        printer.definition(definition);
    }
    printer.out
}

impl Printer<'_> {
    fn line(&mut self, depth: usize, span: Span, text: &str) {
        // Deeper nesting is not worth the blanks.
        const DEEPEST: usize = 40;
        let place = self.place(span);
        let indentation = 4 * depth.min(DEEPEST);
        let written = writeln!(self.out, "{:indentation$}{text} @{place}", "");
        debug_assert!(written.is_ok());
    }

    fn items(&mut self) {
        for item in &self.tree.items {
            match item {
                Item::Definition(_) => {}
                Item::Signature(declared) => {
                    self.line(0, declared.name, &format!("signature {}", self.token(declared.name)))
                }
                Item::BlockSignature(declared) => {
                    self.line(0, declared.name, &format!("block signature {}", self.token(declared.name)));
                }
                Item::Import(import) => {
                    let text = format!("import {}{}", self.attribute_list(import.attributes), self.token(import.name));
                    self.line(0, import.name, &text);
                }
                Item::Info(info) => {
                    self.line(0, info.key, &format!("info {} {}", self.token(info.key), self.token(info.value)));
                }
            }
        }
    }

    fn attribute_list(&self, range: PoolRange) -> String {
        let attributes = self.attributes(range);
        if attributes.is_empty() {
            return String::new();
        }
        let texts: Vec<String> = attributes
            .iter()
            .map(|attribute| match attribute.value {
                Some(value) => format!("{}{{{}}}", self.token(attribute.key), self.token(value)),
                None => self.token(attribute.key).into_owned(),
            })
            .collect();
        format!("[[{}]] ", texts.join(", "))
    }

    fn definition(&mut self, definition: &Definition) {
        let kind = definition.kind.name();
        let text = format!("{kind} {}{}", self.attribute_list(definition.attributes), self.token(definition.name));
        self.line(0, definition.name, &text);
        for line in &definition.body {
            match line {
                Line::Instruction(id) => self.instruction(*id),
                Line::Mark(mark) => self.line(1, mark.label, &format!("mark {}", self.token(mark.label))),
                Line::Name(name) => self.name(1, name),
                Line::Unused { operand, .. } => self.line(1, *operand, &format!("unused {}", self.token(*operand))),
            }
        }
    }

    fn name(&mut self, depth: usize, name: &NameDirective) {
        self.line(depth, name.name, &format!("name {} {}", name.index, self.token(name.name)));
    }

    fn instruction(&mut self, id: InstructionId) {
        let mut depth = 1;
        walk(self.tree, id, |event| match event {
            Event::Instruction(instruction) => {
                let mnemonic = self.token(instruction.mnemonic);
                self.line(depth, instruction.mnemonic, &mnemonic);
                depth += 1;
            }
            Event::Operand(operand) => {
                let mut text = format!("{} {}", kind_name(&operand.kind), self.token(operand.span));
                if let OperandKind::Register { set: Some(set), .. } = operand.kind {
                    text.push(' ');
                    text.push_str(set.set.name());
                }
                if let OperandKind::InlineBlock(id) = operand.kind {
                    text = format!("block {}", self.token(self.tree.definition(id).name));
                }
                if operand.maybe_unused {
                    text.push_str(" [[maybe_unused]]");
                }
                self.line(depth, operand.span, &text);
            }
            Event::Wrapped(operand, wrapped) => {
                let set = wrapped.set.map_or(String::new(), |set| format!(" {}", set.set.name()));
                let after = if wrapped.after { "^" } else { "" };
                let dereference = if wrapped.dereference { "*" } else { "" };
                let brackets = if wrapped.is_list { "[]" } else { "()" };
                self.line(depth, operand.span, &format!("wrapped {after}{dereference}{brackets}{set}"));
                depth += 1;
            }
            Event::EndOfInstruction | Event::EndOfWrapped => depth -= 1,
            Event::Name(name) => self.name(depth, name),
        });
    }
}

/// One document.
pub fn json(tree: &Tree, source: &Source, library: bool) -> String {
    let mut printer = Printer { tree, source, out: String::new() };
    printer.document(library);
    printer.out.push('\n');
    printer.out
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Appends the fields of a leaf object, without its braces.
    fn fields(&mut self, fields: &Value) {
        let text = fields.to_string();
        self.put(text.trim_start_matches('{').strip_suffix('}').unwrap_or_default());
    }

    fn position(&self, span: Span) -> Value {
        let (line, column) = self.source.line_column(span.start);
        json!({ "line": line, "column": column, "offset": span.start, "length": span.len() })
    }

    fn attribute_values(&self, range: PoolRange) -> Value {
        let value = |attribute: &Attribute| {
            json!({ "key": self.token(attribute.key), "value": attribute.value.map(|value| self.token(value)),
                    "position": self.position(attribute.key) })
        };
        self.attributes(range).iter().map(value).collect()
    }

    fn document(&mut self, library: bool) {
        let items = &self.tree.items;
        let declared = |name: Span| json!({ "name": self.token(name), "position": self.position(name) });
        let meta: Vec<Value> = items
            .iter()
            .filter_map(|item| match item {
                Item::Info(info) => Some(json!({ "key": self.token(info.key), "value": self.token(info.value),
                                                 "position": self.position(info.key) })),
                _ => None,
            })
            .collect();
        let signatures: Vec<Value> = items
            .iter()
            .filter_map(|item| match item {
                Item::Signature(declaration) => Some(declared(declaration.name)),
                _ => None,
            })
            .collect();
        let block_signatures: Vec<Value> = items
            .iter()
            .filter_map(|item| match item {
                Item::BlockSignature(declaration) => Some(declared(declaration.name)),
                _ => None,
            })
            .collect();
        let imports: Vec<Value> = items
            .iter()
            .filter_map(|item| match item {
                Item::Import(import) => {
                    let mode = match (import.is_static, import.is_dynamic) {
                        (true, _) => Some("static"),
                        (false, true) => Some("dynamic"),
                        (false, false) => None,
                    };
                    Some(json!({ "name": self.token(import.name), "mode": mode,
                                 "position": self.position(import.name) }))
                }
                _ => None,
            })
            .collect();
        self.put("{");
        self.fields(&json!({
            "format": 1, "file": self.source.path, "lib": library, "meta": meta, "signatures": signatures,
            "block_signatures": block_signatures, "imports": imports,
        }));
        self.put(",\"definitions\":[");
        for (at, definition) in self.definitions().enumerate() {
            self.put(if at > 0 { ",{" } else { "{" });
            self.definition_object(definition);
            self.put("}");
        }
        self.put("]}");
    }

    fn definition_object(&mut self, definition: &Definition) {
        let outer = definition.outer.map(|outer| self.token(self.tree.definition(outer).name));
        self.fields(&json!({
            "kind": definition.kind.name(), "name": self.token(definition.name), "outer": outer,
            "attributes": self.attribute_values(definition.attributes), "position": self.position(definition.name),
        }));
        self.put(",\"body\":[");
        for (at, line) in definition.body.iter().enumerate() {
            if at > 0 {
                self.put(",");
            }
            let directive = match line {
                Line::Instruction(id) => {
                    self.instruction_object(*id);
                    continue;
                }
                Line::Mark(mark) => json!({ "directive": ".mark:", "name": self.token(mark.label),
                                            "position": self.position(mark.directive) }),
                Line::Name(name) => self.name_object(name),
                Line::Unused { directive, operand } => {
                    json!({ "directive": ".unused:", "operand": self.token(*operand),
                            "position": self.position(*directive) })
                }
            };
            self.put(&directive.to_string());
        }
        self.put("]");
    }

    fn name_object(&self, name: &NameDirective) -> Value {
        json!({ "directive": ".name:", "index": name.index, "name": self.token(name.name),
                "position": self.position(name.directive) })
    }

    fn instruction_object(&mut self, id: InstructionId) {
        // Whether the list being written is still empty.
        let mut is_first = true;
        walk(self.tree, id, |event| {
            let closes = matches!(event, Event::EndOfInstruction | Event::EndOfWrapped);
            if !closes && !is_first {
                self.put(",");
            }
            is_first = false;
            match event {
                Event::Instruction(instruction) => {
                    self.put("{");
                    self.fields(&json!({ "instruction": self.token(instruction.mnemonic),
                                         "position": self.position(instruction.mnemonic) }));
                    self.put(",\"operands\":[");
                    is_first = true;
                }
                Event::Wrapped(operand, wrapped) => {
                    self.put("{");
                    self.fields(&json!({
                        "kind": "wrapped", "list": wrapped.is_list, "after": wrapped.after,
                        "dereference": wrapped.dereference, "set": wrapped.set.map(|set| set.set.name()),
                        "position": self.position(operand.span),
                    }));
                    self.put(",\"elements\":[");
                    is_first = true;
                }
                Event::EndOfInstruction | Event::EndOfWrapped => self.put("]}"),
                Event::Operand(operand) => {
                    let object = self.operand_object(operand);
                    self.put(&object.to_string());
                }
                Event::Name(name) => {
                    let object = self.name_object(name);
                    self.put(&object.to_string());
                }
            }
        });
    }

    fn operand_object(&self, operand: &Operand) -> Value {
        let mut object = json!({
            "kind": kind_name(&operand.kind), "text": self.token(operand.span),
            "maybe_unused": operand.maybe_unused, "position": self.position(operand.span),
        });
        match operand.kind {
            OperandKind::Register { mode, index, set } => {
                object["mode"] = json!(mode_name(mode));
                object["set"] = json!(set.map(|set| set.set.name()));
                match index {
                    RegisterIndex::Number(number) | RegisterIndex::Iota(number) => object["index"] = json!(number),
                    RegisterIndex::Name(name) => object["name"] = json!(self.token(name)),
                }
            }
            OperandKind::Iota(value) => object["value"] = json!(value),
            OperandKind::Boolean(value) => object["value"] = json!(value),
            OperandKind::InlineBlock(id) => object["name"] = json!(self.token(self.tree.definition(id).name)),
            OperandKind::Integer
            | OperandKind::Offset
            | OperandKind::Float
            | OperandKind::Bits
            | OperandKind::Duration
            | OperandKind::Text
            | OperandKind::Atom
            | OperandKind::Void
            | OperandKind::Default
            | OperandKind::Infinity
            | OperandKind::FunctionName
            | OperandKind::Label
            | OperandKind::Wrapped(_) => {}
        }
        object
    }
}
