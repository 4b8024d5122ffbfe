//! Unused registers and values (analyser-flow.md §7). They do not depend on paths: what some instruction of a body
//! uses is used.

use crate::body::Beginning;
use crate::facts::{DEFINED, Facts, each, type_name};
use crate::messages::Names;
use crate::ops::{Key, NONE, OpKind};
use crate::program::{Program, Reached, own_keys};
use crate::scope::{Place, Scope};
use crate::solve::Solution;
use crate::{LATER_PATHS, Options};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use viua_diagnostics::{Code, Diagnostic, Level, Levels, Position, Severity, Span};
use viua_ir::cfg::EdgeKind;
use viua_isa::RegisterSet;

/// What is done to a register.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    is_used: bool,
    /// The first definition in source order: its token, its place and the number of the operation.
    defined: Option<(Span, Place, u32)>,
}

/// What a body does to its registers.
#[derive(Debug, Default)]
pub struct Usage {
    registers: BTreeMap<Key, Use>,
    /// The last `allocate_registers`: the token of its operand, and the count.
    allocated: Option<(Span, u32)>,
    has_loop: bool,
}

impl Usage {
    /// Goes through all instructions that are reached.
    pub fn collect(scope: &Scope, beginning: &Beginning) -> Usage {
        let mut usage = Usage::default();
        for (unit_id, unit) in scope.numbered() {
            // By register of the unit first, which is cheaper.
            let mut registers = vec![Use::default(); unit.vars().keys.len()];
            for block in &unit.blocks {
                for instruction in block.first..block.end {
                    let place = Place { unit: unit_id, instruction };
                    for (number, op) in unit.ops_of(instruction).iter().enumerate() {
                        if op.slot == NONE {
                            continue;
                        }
                        let register = &mut registers[unit.var_of(op.slot) as usize];
                        if matches!(op.kind, OpKind::Use | OpKind::Pack | OpKind::MarkUsed) {
                            register.is_used = true;
                        } else if op.kind.is_definition() && register.defined.is_none() {
                            let token = scope.operands(place).get(usize::from(op.operand));
                            register.defined = token.map(|token| (token.span, place, number as u32));
                        }
                    }
                }
                usage.has_loop |= scope.reached[unit_id as usize] == Reached::Forward
                    && block.is_forward
                    && block.successors.iter().flatten().any(|edge| !edge.is_forward && edge.kind != EdgeKind::Leave);
            }
            for (instruction, count) in &unit.ops.allocations {
                let place = Place { unit: unit_id, instruction: *instruction };
                let token = scope.operands(place).first().map(|count| count.span);
                usage.allocated = usage.allocated.max(token.map(|token| (token, *count)));
            }
            for (key, register) in unit.vars().keys.iter().zip(registers) {
                usage.add(*key, register);
            }
        }
        for block in &scope.unchecked {
            let body = scope.program.module.body(*block);
            let mut keys = Vec::new();
            for instruction in scope.program.module.instructions(body) {
                own_keys(scope.program, instruction, &mut keys);
            }
            keys.into_iter().for_each(|key| usage.add(key, Use { is_used: true, defined: None }));
        }
        usage.define_at_start(beginning);
        usage
    }

    fn add(&mut self, key: Key, register: Use) {
        let known = self.registers.entry(key).or_default();
        known.is_used |= register.is_used;
        known.defined = match (known.defined, register.defined) {
            (Some(known), Some(new)) => Some(if new.0 < known.0 { new } else { known }),
            (known, new) => known.or(new),
        };
    }

    fn define_at_start(&mut self, beginning: &Beginning) {
        for index in 0..beginning.arity.unwrap_or(0) {
            self.registers.entry(Key::new(RegisterSet::Parameters, index)).or_default();
        }
        for index in beginning.captures.keys() {
            self.registers.entry(Key::new(RegisterSet::Local, *index)).or_default();
        }
    }

    /// The parameters that are used.
    pub fn used_parameters(&self) -> FxHashSet<u16> {
        let is_used = |(key, register): (&Key, &Use)| {
            (key.set() == RegisterSet::Parameters && register.is_used).then(|| key.index())
        };
        self.registers.iter().filter_map(is_used).collect()
    }

    /// Whether something is defined in a register that nothing uses.
    pub fn is_unused(&self, key: Key) -> bool {
        self.registers.get(&key).is_some_and(|register| !register.is_used)
    }
}

/// The findings of a body, in order, without the end of their traces.
pub fn findings(
    scope: &Scope,
    solution: &Solution,
    beginning: &Beginning,
    usage: &Usage,
    options: &Options,
) -> Vec<Diagnostic> {
    let program = scope.program;
    let mut findings = Vec::new();
    let is_later = beginning.is_later || usage.has_loop;
    let mut report = |code: Code, at: Span, message: String| {
        findings.push(finding(program, code, at, message, is_later, options));
    };
    if let Some((token, count)) = usage.allocated {
        for index in 1..count.min(u32::from(u16::MAX) + 1) {
            let key = Key::new(RegisterSet::Local, index as u16);
            let is_touched =
                usage.registers.get(&key).is_some_and(|register| register.is_used || register.defined.is_some());
            if !is_touched && !beginning.captures.contains_key(&key.index()) {
                report(Code::W0300, token, format!("unused local register {index}"));
            }
        }
    }
    let mut names = None;
    for set in [RegisterSet::Local, RegisterSet::Parameters] {
        let of_set = usage.registers.range(Key::new(set, 1)..=Key::new(set, u16::MAX));
        for (key, register) in of_set.filter(|(key, register)| **key != Key::REST && !register.is_used) {
            let Some((at, facts)) = first_definition(solution, scope, beginning, *key, register) else { continue };
            let names = names.get_or_insert_with(|| Names::new(program.module, program.module.body(beginning.body)));
            let index = key.index();
            let name = names.shown(index);
            report(Code::W0301, at, format!("unused {} in register \"{index}\"{name}", type_of(facts)));
        }
    }
    findings
}

/// The token of the first definition, and the facts it gives.
fn first_definition(
    solution: &Solution,
    scope: &Scope,
    beginning: &Beginning,
    key: Key,
    register: &Use,
) -> Option<(Span, Facts)> {
    let at_start = match key.set() {
        RegisterSet::Parameters => beginning.arity.filter(|arity| key.index() < *arity).map(|_| (beginning.name, 0)),
        _ => beginning
            .captures
            .get(&key.index())
            .and_then(|slot| slot.sources.iter().next().map(|(token, facts)| (*token, facts[1]))),
    };
    let by_instruction = register.defined.map(|(token, place, op)| {
        let unit = scope.unit(place.unit);
        let slot = unit.ops_of(place.instruction)[op as usize].slot;
        (token, solution.behind(place.unit, slot)[1])
    });
    match (at_start, by_instruction) {
        (Some(start), Some(instruction)) => Some(if instruction.0 < start.0 { instruction } else { start }),
        (start, instruction) => start.or(instruction),
    }
}

/// The type of a definition, if it has but one.
pub fn type_of(facts: Facts) -> String {
    let mut types = each(facts & DEFINED);
    match (types.next(), types.next()) {
        (Some(fact), None) => type_name(fact),
        _ => "value".to_owned(),
    }
}

fn finding(program: &Program, code: Code, at: Span, message: String, is_later: bool, options: &Options) -> Diagnostic {
    let mut finding = lint(program, code, at, message);
    let own = finding.lint.map_or(Level::Deny, |name| options.levels.of(name));
    if is_later && rank(options.levels.of(LATER_PATHS)) < rank(own) {
        finding.lint = Some(LATER_PATHS);
    }
    finding.severity = default_severity(finding.lint);
    finding
}

const fn rank(level: Level) -> u8 {
    match level {
        Level::Allow => 0,
        Level::Warn => 1,
        Level::Deny => 2,
    }
}

/// A finding of a lint, at its default level.
pub fn lint(program: &Program, code: Code, at: Span, message: impl Into<String>) -> Diagnostic {
    let severity = default_severity(code.row().lint);
    Diagnostic::new(severity, Some(code), Position::At(program.module.at(at)), message.into())
}

fn default_severity(lint: Option<&'static str>) -> Severity {
    match lint.map(|name| Levels::default().of(name)) {
        Some(Level::Deny) | None => Severity::Error,
        Some(Level::Warn | Level::Allow) => Severity::Warning,
    }
}
