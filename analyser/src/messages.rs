//! What the findings of the rules say: texts, positions, notes, marks and hints (analyser-rules.md §4, §6).

use crate::facts::{EMPTY, Fact, is_pointer, pointee_name, requirement_name, type_name};
use crate::ops::{Cause, Key, OpKind, StaticFault};
use crate::paths::{Found, Search, Thread};
use crate::scope::{Place, Scope};
use crate::trace::{History, Last, history, last_event};
use std::collections::BTreeMap;
use viua_diagnostics::{Code, Diagnostic, Entry, Hint, Location, Span};
use viua_ir::literal;
use viua_ir::{Body, Module, Operand, OperandKind};
use viua_isa::steps::{self, Kind, Step, Type};
use viua_isa::{AccessMode, Opcode, RegisterSet, suggest};

/// The names of the registers of a body; the last of several names of one index is shown.
#[derive(Clone, Debug, Default)]
pub struct Names {
    by_index: BTreeMap<u32, String>,
    by_name: BTreeMap<String, u32>,
}

impl Names {
    /// Collects the `.name:` directives of a body.
    pub fn new(module: &Module, body: &Body) -> Names {
        let mut names = Names::default();
        for directive in module.register_names(body) {
            let name = module.lossy(directive.name).into_owned();
            names.by_name.entry(name.clone()).or_insert(directive.index);
            names.by_index.insert(directive.index, name);
        }
        names
    }

    /// ` (named "total")`, or nothing.
    pub fn shown(&self, index: u16) -> String {
        self.by_index.get(&u32::from(index)).map_or(String::new(), |name| format!(" (named \"{name}\")"))
    }
}

/// The faults of the `.name:` directives of a body.
pub fn name_faults(module: &Module, body: &Body) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut taken = std::collections::BTreeSet::new();
    for directive in module.register_names(body) {
        let name = module.lossy(directive.name).into_owned();
        if ["arguments", "parameters"].contains(&name.as_str()) {
            let finding = Diagnostic::error(
                Code::E0205,
                module.at(directive.directive),
                format!("invalid register name: {name}"),
            )
            .note(format!("'{name}' is a register set name"))
            .mark(directive.name);
            findings.push(finding);
        } else if !taken.insert(name.clone()) {
            let message = format!("register name already taken: {name}");
            findings.push(Diagnostic::error(Code::E0204, module.at(directive.name), message).mark(directive.directive));
        }
    }
    findings
}

/// Where a register that was there from the start was defined.
pub type DefinedAtStart<'a> = dyn Fn(Key, Option<Fact>) -> Option<Span> + 'a;

/// What the messages of a body need.
pub struct Messages<'a, 's, 'p> {
    /// The body.
    pub scope: &'s Scope<'p>,
    /// Its register names.
    pub names: &'a Names,
    /// See [`DefinedAtStart`].
    pub defined_at_start: &'a DefinedAtStart<'a>,
}

impl Messages<'_, '_, '_> {
    fn module(&self) -> &Module {
        self.scope.program.module
    }

    fn at(&self, span: Span) -> Location {
        self.module().at(span)
    }

    fn operand(&self, place: Place, number: u8) -> Option<&Operand> {
        self.scope.operands(place).get(usize::from(number))
    }

    /// The place of an operand; of the mnemonic, should it not be there.
    fn span(&self, place: Place, number: u8) -> Span {
        self.operand(place, number).map_or(self.scope.instruction(place).mnemonic, |operand| operand.span)
    }

    fn error(&self, place: Place, code: Code, at: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.at(at), message).mark(self.scope.instruction(place).mnemonic)
    }

    fn mark_set(&self, finding: Diagnostic, place: Place, number: u8) -> Diagnostic {
        match self.operand(place, number).and_then(Operand::register).and_then(|register| register.set_span()) {
            Some(set) => finding.mark(set),
            None => finding,
        }
    }

    /// A fault that does not depend on facts.
    pub fn static_fault(&self, place: Place, fault: &StaticFault) -> Diagnostic {
        let number = fault.operand;
        let at = self.span(place, number);
        let invalid = |at, note: &str| self.error(place, Code::E0122, at, "invalid operand").note(note);
        match fault.cause {
            Cause::Missing => self
                .error(place, Code::E0121, self.scope.instruction(place).mnemonic, "not enough operands")
                .note(format!("when extracting operand {number}")),
            Cause::Kind(kind) => self.wrong_kind(place, number, kind),
            Cause::MoveTarget => self.mark_set(invalid(at, "expected register index"), place, number),
            Cause::Name => self.unresolved(place, number),
            Cause::Arguments => {
                let finding = self.error(place, Code::E0303, at, "invalid use of arguments register set").note(
                    "arguments register set may only be used in target register of `copy` and `move` instructions \
                     when a frame is allocated",
                );
                self.mark_set(finding, place, number)
            }
            Cause::Parameters => {
                let finding = self.error(place, Code::E0304, at, "invalid use of parameters register set").note(
                    "parameters register set may only be used in source register of `copy` and `move` instructions",
                );
                self.mark_set(finding, place, number)
            }
            Cause::Mode => self.wrong_mode(place, number),
            Cause::BitsetIndex => invalid(at, "expected register index"),
            Cause::BitsetValue => invalid(self.span(place, 0), "expected register index or boolean literal"),
            Cause::Watchdog => invalid(at, "expected function name or atom literal"),
            Cause::NoBlock => invalid(at, "expected a block name"),
            Cause::ExternalBlock => {
                let name = self.operand(place, number).map_or_else(String::new, |name| self.module().name(name).into());
                self.error(place, Code::E0511, at, format!("reference to undefined block: {name}"))
            }
            Cause::PackedArguments => {
                let first = self.operand(place, number).and_then(Operand::register).and_then(|first| first.number());
                let message = format!("pack of empty arguments register {}", first.unwrap_or_default());
                self.error(place, Code::E0305, at, message)
            }
        }
    }

    fn wrong_kind(&self, place: Place, number: u8, kind: Kind) -> Diagnostic {
        let operand = self.operand(place, number);
        let is_void = operand.is_some_and(|operand| operand.kind == OperandKind::Void);
        if kind == Kind::Printed && is_void {
            return self.error(place, Code::E0123, self.span(place, number), "use of void as input register:");
        }
        let message = match kind {
            Kind::Left => "invalid left-hand side operand",
            Kind::Right => "invalid right-hand side operand",
            _ => "invalid operand",
        };
        let note = match kind {
            Kind::Register | Kind::Left | Kind::Right | Kind::AtFirst | Kind::Printed => "expected register index",
            Kind::RegisterOrVoid | Kind::RegisterNotVoid => "expected register index or void",
            Kind::RegisterOrVoidLiteral => "expected register index or void literal",
            Kind::Function => "expected function name literal",
            Kind::Callee => "expected function name, atom literal, or register index",
            Kind::Atom => "expected atom literal",
            Kind::Bits => "expected register index or bits literal",
        };
        let number = if kind == Kind::AtFirst { 0 } else { number };
        let finding = self.error(place, Code::E0122, self.span(place, number), message).note(note);
        let finding = self.mark_set(finding, place, number);
        match operand.filter(|operand| kind == Kind::Atom && operand.kind == OperandKind::Text) {
            Some(text) => {
                let content = String::from_utf8_lossy(literal::content(self.module().text(text.span))).into_owned();
                finding.hint(self.at(text.span), format!("atom literals use single quotes: '{content}'"))
            }
            None => finding,
        }
    }

    fn unresolved(&self, place: Place, number: u8) -> Diagnostic {
        let at = self.span(place, number);
        let word = String::from_utf8_lossy(self.module().register_word(at)).into_owned();
        let finding = self.error(place, Code::E0206, at, "unresolved name");
        match suggest(&word, self.names.by_name.keys().map(String::as_str)) {
            Some(name) => {
                let index = self.names.by_name.get(name).copied().unwrap_or_default();
                finding.hint(self.at(at), format!("did you mean '{name}' (name of {index})?"))
            }
            None => finding,
        }
    }

    fn wrong_mode(&self, place: Place, number: u8) -> Diagnostic {
        let at = self.span(place, number);
        let opcode = self.scope.instruction(place).opcode;
        let finding = self.error(place, Code::E0308, at, "invalid access mode");
        let what = match opcode {
            Opcode::Swap => "swap",
            Opcode::Delete => "delete",
            Opcode::Isnull => "check",
            Opcode::Join => "join",
            _ => {
                let finding = finding.note("only direct access is legal when setting exception value");
                return self.mark_set(finding, place, number);
            }
        };
        let token = self.operand(place, number).map_or_else(String::new, |token| self.module().spelling(token).into());
        let written = self.module().lossy(at);
        let shown = if written.starts_with(['%', '@', '*']) { &*written } else { &*token };
        let rest = shown.get(1..).unwrap_or_default().trim_start();
        finding
            .note(format!("can only {what} using direct access mode"))
            .hint(self.at(at), format!("did you mean '%{rest}'?"))
    }

    /// A rule that fails for the fact that a path was followed for.
    pub fn failure<'s, 'p>(
        &self,
        search: &Search<'s, 'p, '_>,
        scope: &'s Scope<'p>,
        found: &Found,
        op: u32,
    ) -> Diagnostic {
        let place = found.place;
        let unit = scope.unit(place.unit);
        let operation = unit.ops_of(place.instruction)[op as usize];
        let history = history(search, scope, found, op);
        let number = operation.operand;
        let at = self.span(place, number);
        let key = unit.key_of(operation.slot);
        let defined = history.defined.or_else(|| (self.defined_at_start)(key, history.began));
        let place_note = |note: &str| defined.map(|token| Entry::place_note(self.at(token), note));
        match operation.kind {
            OpKind::Type => self.wrong_type(place, op, found.thread, &history, defined),
            OpKind::Pack => {
                let message = format!("pack of empty {} register {}", key.set().name(), key.index());
                self.error(place, Code::E0305, at, message)
            }
            OpKind::Null => with(
                self.error(place, Code::E0307, at, "useless check, register will always be defined"),
                place_note("register is defined here"),
            ),
            OpKind::Conversion => {
                let finding = self.error(place, Code::E0402, at, "useless conversion of value");
                with(self.mark_set(finding, place, number), place_note("value defined here"))
            }
            _ => self.not_defined(search, scope, found, op, key, &history),
        }
    }

    fn not_defined<'s, 'p>(
        &self,
        search: &Search<'s, 'p, '_>,
        scope: &'s Scope<'p>,
        found: &Found,
        op: u32,
        key: Key,
        history: &History,
    ) -> Diagnostic {
        let place = found.place;
        let unit = scope.unit(place.unit);
        let operation = unit.ops_of(place.instruction)[op as usize];
        let opcode = scope.instruction(place).opcode;
        let phrase = match steps::of(opcode).get(usize::from(operation.step)) {
            Some(Step::Use(_, phrase)) => phrase,
            Some(Step::Special("move")) if operation.operand == 1 => "move from",
            _ => "use of",
        };
        let is_empty = matches!(found.thread, Thread::Fact(_, EMPTY));
        let (code, state) = if is_empty { (Code::E0300, "empty") } else { (Code::E0301, "erased") };
        let index = key.index();
        let name = self.names.shown(index);
        let message = format!("{phrase} {state} {} register \"{index}\"{name}", key.set().name());
        let at = self.span(place, operation.operand);
        let mut finding = self.error(place, code, at, message);
        for set in [RegisterSet::Local, RegisterSet::Static] {
            if set == key.set() {
                continue;
            }
            let other = Key::new(set, index);
            let token = match last_event(search, scope, found, other) {
                Last::Defined(token) => Some(token),
                Last::Gone => None,
                Last::Nothing => (self.defined_at_start)(other, None),
            };
            if let Some(token) = token {
                let (location, set) = (self.at(at), set.name());
                finding.fault.hint =
                    Some(Hint { message: format!("did you mean {set} register {index}?"), at: Some(location) });
                let note = format!("{set} register {index} was defined here");
                finding = finding.then(Entry::place_note(self.at(token), note));
                break;
            }
        }
        match history.erased.filter(|_| !is_empty) {
            Some(erased) => finding.then(Entry::place_note(self.at(erased), "erased here:")),
            None => finding,
        }
    }

    fn wrong_type(
        &self,
        place: Place,
        op: u32,
        thread: Thread,
        history: &History,
        defined: Option<Span>,
    ) -> Diagnostic {
        let unit = self.scope.unit(place.unit);
        let operation = unit.ops_of(place.instruction)[op as usize];
        let number = operation.operand;
        let at = self.span(place, number);
        let Thread::Fact(var, began) = thread else {
            return self.error(place, Code::E0400, at, "invalid type of value contained in register");
        };
        let fact = fact_before(self.scope, place, var, began, op);
        let (required, through) = self.required(place, op);
        let name = requirement_name(required);
        if through && !is_pointer(fact) {
            let message = "invalid type of value contained in register for this access type";
            let needed = if name.starts_with("pointer to ") { name } else { format!("pointer to {name}") };
            let finding =
                self.error(place, Code::E0401, at, message).note(format!("need {needed}, got {}", type_name(fact)));
            return with(finding, defined.map(|token| Entry::place_note(self.at(token), "register defined here")));
        }
        let got = if through { pointee_name(fact).to_owned() } else { type_name(fact) };
        let finding = self
            .error(place, Code::E0400, at, "invalid type of value contained in register")
            .note(format!("expected {name}, got {got}"));
        let finding = with(finding, defined.map(|token| Entry::place_note(self.at(token), "register defined here")));
        let inferred = history.inferred.map(|token| {
            let mut entry = Entry::place_note(self.at(token), "type inferred here");
            let message = format!("deduced type is '{}'", type_name(fact));
            entry.hint = Some(Hint { message, at: Some(self.at(token)) });
            entry
        });
        with(finding, inferred)
    }

    /// The type that a T step requires, and whether it looks through a pointer.
    fn required(&self, place: Place, op: u32) -> (Type, bool) {
        let unit = self.scope.unit(place.unit);
        let operation = unit.ops_of(place.instruction)[op as usize];
        let mode = self.operand(place, operation.operand).and_then(Operand::register).map(|register| register.mode);
        let through = mode == Some(AccessMode::Dereference);
        let opcode = self.scope.instruction(place).opcode;
        match steps::of(opcode).get(usize::from(operation.step)) {
            Some(Step::Type(_, required)) => (*required, through),
            Some(Step::Special("bitset")) if operation.operand == 2 && mode != Some(AccessMode::Indirect) => {
                (Type::Boolean, through)
            }
            Some(Step::Special("move")) if mode != Some(AccessMode::Indirect) => (Type::Value, through),
            // The register that holds an index.
            _ => (Type::Integer, through),
        }
    }

    /// A value is overwritten that nobody has used.
    pub fn overwrite(&self, place: Place, op: u32, defined: Option<Span>) -> Diagnostic {
        let operation = self.scope.unit(place.unit).ops_of(place.instruction)[op as usize];
        let finding = self.error(place, Code::E0306, self.span(place, operation.operand), "overwrite of unused value:");
        with(finding, defined.map(|token| Entry::place_note(self.at(token), "unused value defined here:")))
    }

    /// A register out of bounds.
    pub fn out_of_bounds(&self, place: Place, op: u32, count: u32, allocated: Option<Span>) -> Diagnostic {
        let operation = self.scope.unit(place.unit).ops_of(place.instruction)[op as usize];
        let instruction = self.scope.instruction(place);
        let index = operation.other;
        let message = format!("access to register {index} with only {count} register(s) allocated");
        let finding = self.error(place, Code::E0302, self.span(place, operation.operand), message);
        let is_definition =
            matches!(steps::of(instruction.opcode).get(usize::from(operation.step)), Some(Step::Define(..)))
                || (instruction.opcode == Opcode::Move && operation.operand == 0);
        let marks_set = matches!(
            instruction.opcode,
            Opcode::Integer | Opcode::Exception | Opcode::ExceptionTag | Opcode::ExceptionValue
        );
        let finding =
            if is_definition && !marks_set { finding } else { self.mark_set(finding, place, operation.operand) };
        let mut finding = finding.help(format!("increase the number of registers to {}", index + 1));
        if let Some(token) = allocated {
            let note = format!("increase this value to {} to fix this issue", index + 1);
            finding = finding.then(Entry::place_note(self.at(token), note));
        }
        finding
    }
}

fn with(finding: Diagnostic, entry: Option<Entry>) -> Diagnostic {
    match entry {
        Some(entry) => finding.then(entry),
        None => finding,
    }
}

/// The fact of a register when an operation of its instruction comes to it.
fn fact_before(scope: &Scope, place: Place, var: u32, mut fact: Fact, op: u32) -> Fact {
    let unit = scope.unit(place.unit);
    for earlier in unit.ops_of(place.instruction).iter().take(op as usize) {
        if earlier.kind == OpKind::Type && unit.var_of(earlier.slot) == var {
            fact = crate::facts::REQUIREMENTS[usize::from(earlier.arg)].apply_one(fact);
        }
    }
    fact
}
