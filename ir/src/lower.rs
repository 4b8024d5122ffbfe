//! From the syntax tree to IR. The tree is walked once, body by body, with a stack of our own: wrapped instructions
//! may nest as deep as the source likes.
//!
//! Register names need no walk in text order: where a name is used, the last `.name:` before it *in the text* counts,
//! and spans are positions in the text.

use crate::complete::complete;
use crate::literal;
use crate::module::{
    Body, BodyId, BodyKind, Destination, Import, Instruction, Line, Marker, Meta, Module, Name, Operand, OperandKind,
    Origin, PoolRange, Register, RegisterIndex, RegisterName, Signature, Surplus, TargetForm,
};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use viua_diagnostics::{FileId, Span};
use viua_isa::{AccessMode, Forms, RegisterSet};
use viua_parser::ast::{self, Definition, DefinitionId, InstructionId, Item, Tree, WrappedElement, WrappedId};

/// Lowers the tree of a file. Never fails: what is wrong stays visible in the operands. O(n log n) in the worst case
/// (a name that is bound again and again), else O(n).
pub fn lower(source: &Arc<[u8]>, file: FileId, tree: &Tree) -> Module {
    let mut module = Module {
        file,
        source: source.clone(),
        bodies: Vec::with_capacity(tree.definitions.len()),
        instructions: Vec::with_capacity(tree.instructions.len()),
        operands: Vec::with_capacity(tree.operands.len() + tree.operands.len() / 8),
        markers: Vec::new(),
        register_names: Vec::new(),
        surplus: Vec::new(),
        signatures: Vec::new(),
        block_signatures: Vec::new(),
        imports: Vec::new(),
        meta: Vec::new(),
    };
    for item in &tree.items {
        match item {
            Item::Definition(_) => {}
            Item::Signature(declaration) => module.signatures.push(Signature { name: declaration.name }),
            Item::BlockSignature(declaration) => module.block_signatures.push(Signature { name: declaration.name }),
            Item::Import(import) => module.imports.push(Import {
                name: import.name,
                is_static: import.is_static,
                is_dynamic: import.is_dynamic,
            }),
            Item::Info(info) => module.meta.push(Meta { key: info.key, value: info.value }),
        }
    }
    let full_names: Vec<String> =
        tree.definitions.iter().map(|definition| full_name(source, tree, definition)).collect();
    let mut lowering = Lowering {
        tree,
        source,
        names: names_of(source, &full_names, &module),
        registers: register_names(source, tree),
        first_registers: vec![None; tree.wrapped.len()],
        module,
        tasks: Vec::new(),
        written: Vec::new(),
        targets: Vec::new(),
        first_line: None,
        last_line: None,
    };
    for (id, definition) in tree.definitions.iter().enumerate() {
        lowering.body(DefinitionId(id as u32), definition);
    }
    let mut module = lowering.module;
    for (body, name) in module.bodies.iter_mut().zip(full_names) {
        body.name = name;
    }
    module
}

fn text(source: &[u8], span: Span) -> &[u8] {
    source.get(span.range()).unwrap_or_default()
}

fn full_name(source: &[u8], tree: &Tree, definition: &Definition) -> String {
    let own = String::from_utf8_lossy(text(source, definition.name));
    match definition.outer.and_then(|outer| tree.definitions.get(outer.0 as usize)) {
        Some(outer) => format!("{}__nested__{own}", String::from_utf8_lossy(text(source, outer.name))),
        None => own.into_owned(),
    }
}

fn names_of<'a>(source: &'a [u8], full_names: &'a [String], module: &Module) -> FxHashMap<&'a [u8], Name> {
    let mut names = FxHashMap::default();
    names.reserve(full_names.len() + module.signatures.len() + module.block_signatures.len());
    for (id, name) in full_names.iter().enumerate() {
        names.entry(name.as_bytes()).or_insert(Name::Definition(BodyId(id as u32)));
    }
    for (id, signature) in module.signatures.iter().enumerate() {
        names.entry(text(source, signature.name)).or_insert(Name::Signature(id as u32));
    }
    for (id, signature) in module.block_signatures.iter().enumerate() {
        names.entry(text(source, signature.name)).or_insert(Name::BlockSignature(id as u32));
    }
    names
}

/// Where names of registers are bound: position and index, ascending by position. The key holds the outermost
/// definition, which is as far as a name reaches.
type RegisterNames<'a> = FxHashMap<(DefinitionId, &'a [u8]), Vec<(u32, u32)>>;

fn register_names<'a>(source: &'a [u8], tree: &Tree) -> RegisterNames<'a> {
    let mut names = RegisterNames::default();
    let mut add = |outermost, name: &ast::NameDirective| {
        names.entry((outermost, text(source, name.name))).or_default().push((name.directive.start, name.index));
    };
    for (id, definition) in tree.definitions.iter().enumerate() {
        for line in &definition.body {
            if let ast::Line::Name(name) = line {
                add(definition.outer.unwrap_or(DefinitionId(id as u32)), name);
            }
        }
    }
    // A wrapped directive does not know its definition, but outermost definitions do not overlap.
    let outermost: Vec<u32> =
        (0..tree.definitions.len() as u32).filter(|id| tree.definitions[*id as usize].outer.is_none()).collect();
    for element in tree.wrapped.iter().flat_map(|wrapped| &wrapped.elements) {
        if let WrappedElement::Name(name) = element {
            let start = name.directive.start;
            let behind = outermost.partition_point(|id| tree.definitions[*id as usize].directive.start < start);
            if let Some(at) = behind.checked_sub(1) {
                add(DefinitionId(outermost[at]), name);
            }
        }
    }
    for bindings in names.values_mut() {
        bindings.sort_unstable();
    }
    names
}

/// What is left to be done in a body.
enum Task {
    /// An instruction with all that is wrapped in it.
    Expand(InstructionId),
    /// The instruction itself.
    Emit(InstructionId),
    /// A directive.
    Name(ast::NameDirective),
}

struct Lowering<'a> {
    tree: &'a Tree,
    source: &'a [u8],
    names: FxHashMap<&'a [u8], Name>,
    registers: RegisterNames<'a>,
    /// Per wrapped operand: the operand that remains in its place, its set being left out.
    first_registers: Vec<Option<Operand>>,
    module: Module,
    tasks: Vec<Task>,
    written: Vec<Operand>,
    /// Jump targets of the body at hand, to be resolved at its end: index of the operand, number of the instruction.
    targets: Vec<(u32, u32)>,
    first_line: Option<Line>,
    last_line: Option<Line>,
}

impl<'a> Lowering<'a> {
    fn body(&mut self, id: DefinitionId, definition: &Definition) {
        let outermost = definition.outer.unwrap_or(id);
        let first_instruction = self.module.instructions.len() as u32;
        let first_marker = self.module.markers.len() as u32;
        let first_name = self.module.register_names.len() as u32;
        (self.first_line, self.last_line) = (None, None);
        for line in &definition.body {
            match *line {
                ast::Line::Instruction(id) => self.expand(id, outermost, first_instruction),
                ast::Line::Mark(mark) => {
                    let at = self.module.instructions.len() as u32 - first_instruction;
                    self.module.markers.push(Marker { label: mark.label, at });
                    self.line(Line::Directive { directive: mark.directive, operands: [mark.label, Span::default()] });
                }
                ast::Line::Name(name) => self.register_name(&name, first_instruction),
                ast::Line::Unused { directive, operand } => {
                    self.line(Line::Directive { directive, operands: [operand, Span::default()] });
                }
            }
        }
        let body = Body {
            kind: definition.kind,
            name: String::new(),
            name_span: definition.name,
            arity: match definition.kind {
                BodyKind::Function | BodyKind::Closure => arity(text(self.source, definition.name)),
                BodyKind::Block => None,
            },
            directive: definition.directive,
            end: definition.end,
            no_sa: definition.no_sa,
            outer: definition.outer.map(|outer| BodyId(outer.0)),
            instructions: PoolRange { start: first_instruction, end: self.module.instructions.len() as u32 },
            markers: PoolRange { start: first_marker, end: self.module.markers.len() as u32 },
            register_names: PoolRange { start: first_name, end: self.module.register_names.len() as u32 },
            first_line: self.first_line,
            last_line: self.last_line,
        };
        self.resolve_targets(&body);
        self.module.bodies.push(body);
    }

    fn line(&mut self, line: Line) {
        self.first_line.get_or_insert(line);
        self.last_line = Some(line);
    }

    fn register_name(&mut self, name: &ast::NameDirective, first_instruction: u32) {
        self.module.register_names.push(RegisterName {
            directive: name.directive,
            index_span: name.index_span,
            index: name.index,
            name: name.name,
            at: self.module.instructions.len() as u32 - first_instruction,
        });
        self.line(Line::Directive { directive: name.directive, operands: [name.index_span, name.name] });
    }

    /// Emits an instruction and what is wrapped in it, in order of execution (language.md §8).
    fn expand(&mut self, id: InstructionId, outermost: DefinitionId, first_instruction: u32) {
        self.tasks.push(Task::Expand(id));
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Name(name) => self.register_name(&name, first_instruction),
                Task::Emit(id) => self.emit(id, outermost, first_instruction),
                Task::Expand(id) => {
                    let operands = self.tree.operands(self.tree.instruction(id));
                    if operands.iter().any(|operand| matches!(operand.kind, ast::OperandKind::Wrapped(_))) {
                        // The stack gives back last what is pushed first.
                        self.push_elements(operands, true);
                        self.tasks.push(Task::Emit(id));
                        self.push_elements(operands, false);
                    } else {
                        self.emit(id, outermost, first_instruction);
                    }
                }
            }
        }
    }

    fn push_elements(&mut self, operands: &[ast::Operand], after: bool) {
        for operand in operands.iter().rev() {
            let ast::OperandKind::Wrapped(id) = operand.kind else { continue };
            let wrapped = self.tree.wrapped(id);
            if wrapped.after != after {
                continue;
            }
            self.tasks.extend(wrapped.elements.iter().rev().map(|element| match element {
                WrappedElement::Instruction(id) => Task::Expand(*id),
                WrappedElement::Name(name) => Task::Name(*name),
            }));
        }
    }

    fn emit(&mut self, id: InstructionId, outermost: DefinitionId, first_instruction: u32) {
        let instruction = self.tree.instruction(id);
        let row = instruction.opcode.row();
        let number = self.module.instructions.len() as u32;
        let mut written = std::mem::take(&mut self.written);
        written.clear();
        for operand in self.tree.operands(instruction) {
            written.push(self.operand(operand, outermost));
        }
        let completed = complete(row, instruction.mnemonic, number - first_instruction, &mut written);
        self.written = written;
        let first_operand = self.module.operands.len() as u32;
        for (spec, operand) in row.operands.iter().zip(completed.operands.iter().flatten()) {
            if spec.forms.has(Forms::TARGET) {
                self.targets.push((self.module.operands.len() as u32, number - first_instruction));
            }
            self.module.operands.push(*operand);
        }
        let operand_count = self.module.operands.len() as u32 - first_operand;
        if let Some(operand) = completed.surplus {
            let last = row.operands.last().filter(|spec| spec.is_register());
            let wants_set = last.is_some()
                && self
                    .module
                    .operands
                    .last()
                    .and_then(Operand::register)
                    .is_some_and(|last| last.set_span().is_none());
            // A set name can stand alone behind an attribute; then it is ignored like any surplus operand.
            let is_set = std::str::from_utf8(text(self.source, operand.span))
                .is_ok_and(|word| viua_isa::register_set_of(word).is_some());
            let in_place_of_set = wants_set && !is_set;
            self.module.surplus.push(Surplus { instruction: number, operand, in_place_of_set });
        }
        self.module.instructions.push(Instruction {
            opcode: instruction.opcode,
            operand_count: operand_count as u8,
            first_operand,
            mnemonic: instruction.mnemonic,
            end_of_line: instruction.end_of_line,
        });
        self.line(Line::Instruction(number - first_instruction));
    }

    fn operand(&mut self, operand: &ast::Operand, outermost: DefinitionId) -> Operand {
        let mut lowered = match operand.kind {
            ast::OperandKind::Wrapped(id) => self.wrapped(id, outermost),
            _ => self.plain(operand, outermost),
        };
        lowered.maybe_unused = operand.maybe_unused;
        lowered
    }

    fn plain(&self, operand: &ast::Operand, outermost: DefinitionId) -> Operand {
        let mut span = operand.span;
        let kind = match operand.kind {
            ast::OperandKind::Register { mode, index, set } => {
                let index = match index {
                    ast::RegisterIndex::Number(number) | ast::RegisterIndex::Iota(number) => {
                        RegisterIndex::Number(number)
                    }
                    ast::RegisterIndex::Name(name) => self.resolve_register(name, outermost),
                };
                let name = set.map_or(RegisterSet::Local, |set| set.set);
                OperandKind::Register(Register::new(mode, index, name, set.map(|set| set.span)))
            }
            ast::OperandKind::Integer => match literal::integer(text(self.source, span)) {
                Some(value) => OperandKind::Integer(value),
                None => OperandKind::IntegerOutOfRange,
            },
            ast::OperandKind::Iota(value) => OperandKind::Integer(i64::from(value)),
            ast::OperandKind::Offset => OperandKind::Offset,
            ast::OperandKind::Float => OperandKind::Float,
            ast::OperandKind::Bits => OperandKind::Bits,
            ast::OperandKind::Duration => OperandKind::Duration,
            ast::OperandKind::Text => OperandKind::Text,
            ast::OperandKind::Atom => OperandKind::Atom,
            ast::OperandKind::Boolean(value) => OperandKind::Boolean(value),
            ast::OperandKind::Void => OperandKind::Void,
            ast::OperandKind::Default => OperandKind::Default,
            ast::OperandKind::Infinity => OperandKind::Infinity,
            ast::OperandKind::FunctionName => OperandKind::FunctionName(self.name(span)),
            ast::OperandKind::Label => OperandKind::Label(self.name(span)),
            ast::OperandKind::InlineBlock(id) => {
                span = self.tree.definition(id).name;
                OperandKind::Label(Name::Definition(BodyId(id.0)))
            }
            // Wrapped operands have a way of their own; one cannot come here.
            ast::OperandKind::Wrapped(_) => OperandKind::Default,
        };
        Operand { kind, span, origin: Origin::Written, maybe_unused: false }
    }

    fn name(&self, span: Span) -> Name {
        self.names.get(text(self.source, span)).copied().unwrap_or(Name::Unknown)
    }

    fn resolve_register(&self, name: Span, outermost: DefinitionId) -> RegisterIndex {
        let Some(bindings) = self.registers.get(&(outermost, text(self.source, name))) else {
            return RegisterIndex::Unresolved;
        };
        let before = bindings.partition_point(|(position, _)| *position < name.start);
        match before.checked_sub(1).map(|last| u16::try_from(bindings[last].1)) {
            Some(Ok(number)) => RegisterIndex::Number(number),
            Some(Err(_)) | None => RegisterIndex::Unresolved,
        }
    }

    /// What remains in the place of a wrapped operand: the register of its first operand, or the count of a list.
    fn wrapped(&mut self, id: WrappedId, outermost: DefinitionId) -> Operand {
        let wrapped = self.tree.wrapped(id);
        let mut operand = if wrapped.is_list {
            let count = u16::try_from(wrapped.elements.len());
            let index = count.map_or(RegisterIndex::Unresolved, RegisterIndex::Number);
            register_at(wrapped.first_inside, AccessMode::Direct, index)
        } else {
            self.first_register(id, outermost)
        };
        if let OperandKind::Register(register) = operand.kind {
            let mode = if wrapped.dereference { AccessMode::Dereference } else { register.mode };
            let (set, span) = match wrapped.set {
                Some(name) => (name.set, Some(name.span)),
                None => (RegisterSet::Local, None),
            };
            operand.kind = OperandKind::Register(Register::new(mode, register.index, set, span));
        }
        operand
    }

    /// The first operand of a wrapped instruction, looking through those that are wrapped themselves. What is found is
    /// noted for all of them: a chain as long as the file is walked once.
    fn first_register(&mut self, id: WrappedId, outermost: DefinitionId) -> Operand {
        let mut chain = vec![id];
        let mut found = loop {
            let last = chain[chain.len() - 1];
            if let Some(known) = self.first_registers[last.0 as usize] {
                break known;
            }
            let wrapped = self.tree.wrapped(last);
            break match wrapped.elements.first() {
                Some(WrappedElement::Instruction(id)) => match self.tree.operands(self.tree.instruction(*id)).first() {
                    Some(&ast::Operand { kind: ast::OperandKind::Wrapped(inner), .. }) => {
                        if !self.tree.wrapped(inner).is_list {
                            chain.push(inner);
                            continue;
                        }
                        self.wrapped(inner, outermost)
                    }
                    Some(operand) => self.plain(operand, outermost),
                    None => register_at(wrapped.open, AccessMode::Direct, RegisterIndex::Unresolved),
                },
                Some(WrappedElement::Name(name)) => {
                    let mode = match text(self.source, name.index_span).first() {
                        Some(b'@') => AccessMode::Indirect,
                        Some(b'*') => AccessMode::Dereference,
                        _ => AccessMode::Direct,
                    };
                    let index = u16::try_from(name.index).map_or(RegisterIndex::Unresolved, RegisterIndex::Number);
                    register_at(name.index_span, mode, index)
                }
                None => register_at(wrapped.open, AccessMode::Direct, RegisterIndex::Unresolved),
            };
        };
        while let Some(id) = chain.pop() {
            self.first_registers[id.0 as usize] = Some(found);
            if self.tree.wrapped(id).dereference
                && let OperandKind::Register(register) = &mut found.kind
            {
                register.mode = AccessMode::Dereference;
            }
        }
        self.first_registers[id.0 as usize].unwrap_or(found)
    }

    fn resolve_targets(&mut self, body: &Body) {
        if self.targets.is_empty() {
            return;
        }
        let mut markers: FxHashMap<&[u8], u32> = FxHashMap::default();
        for marker in &self.module.markers[body.markers.range()] {
            // Of several markers with one name the first counts.
            markers.entry(text(self.source, marker.label)).or_insert(marker.at);
        }
        let length = body.instructions.len() as u32;
        for (index, own) in self.targets.drain(..) {
            let operand = &mut self.module.operands[index as usize];
            operand.kind = target(operand, text(self.source, operand.span), own, length, &markers);
        }
    }
}

fn register_at(span: Span, mode: AccessMode, index: RegisterIndex) -> Operand {
    let kind = OperandKind::Register(Register::new(mode, index, RegisterSet::Local, None));
    Operand { kind, span, origin: Origin::Written, maybe_unused: false }
}

/// A jump target, if it may be one (language.md §14.7); anything else stays what it is.
fn target(operand: &Operand, text: &[u8], own: u32, length: u32, markers: &FxHashMap<&[u8], u32>) -> OperandKind {
    let at = |number: Option<u32>| match number {
        Some(number) if number < length => Destination::Instruction(number),
        Some(_) | None => Destination::BehindEnd,
    };
    let (form, to) = match operand.kind {
        OperandKind::Target { form, .. } => (form, at(Some(own + 1))),
        OperandKind::Offset => (TargetForm::Forward, at(digits(text).and_then(|distance| own.checked_add(distance)))),
        OperandKind::Integer(value) if value < 0 || text.first() == Some(&b'-') => {
            let distance = u32::try_from(value.unsigned_abs()).ok();
            let to = distance.and_then(|distance| own.checked_sub(distance));
            (TargetForm::Backward, to.map_or(Destination::BeforeStart, Destination::Instruction))
        }
        OperandKind::Integer(value) => (TargetForm::Absolute, at(u32::try_from(value).ok())),
        OperandKind::IntegerOutOfRange if text.first() == Some(&b'-') => {
            (TargetForm::Backward, Destination::BeforeStart)
        }
        OperandKind::IntegerOutOfRange => (TargetForm::Absolute, Destination::BehindEnd),
        OperandKind::Label(_)
        | OperandKind::FunctionName(_)
        | OperandKind::Boolean(_)
        | OperandKind::Void
        | OperandKind::Default
        | OperandKind::Infinity => {
            let to = match markers.get(text) {
                Some(number) => at(Some(*number)),
                None => Destination::Unknown,
            };
            (TargetForm::Marker, to)
        }
        OperandKind::Register(_)
        | OperandKind::Float
        | OperandKind::Bits
        | OperandKind::Duration
        | OperandKind::Text
        | OperandKind::Atom => return operand.kind,
    };
    OperandKind::Target { form, to }
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter()
        .filter(|byte| byte.is_ascii_digit())
        .try_fold(0_u32, |number, digit| number.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

/// The number behind the slash of a function name.
pub fn arity(name: &[u8]) -> Option<u16> {
    let slash = name.iter().rposition(|byte| *byte == b'/')?;
    std::str::from_utf8(&name[slash + 1..]).ok()?.parse().ok()
}
