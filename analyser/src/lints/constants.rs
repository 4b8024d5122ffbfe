//! `constant-condition` and `division-by-zero`: constants along the value graph.
//!
//! A register is *known* where all its definitions give one constant. The lattice has three levels, so a few sweeps
//! are enough; a body that does not settle has no findings.

use crate::graph::{Node, ValueGraph};
use crate::ops::Op;
use crate::program::Entered;
use crate::scope::{Place, Scope, UnitId};
use crate::solve::counterpart;
use crate::unit::{Ending, Unit};
use crate::unused::lint;
use std::sync::Arc;
use viua_diagnostics::{Code, Diagnostic, Entry, Span};
use viua_ir::{BodyKind, Operand, OperandKind, literal};
use viua_isa::{Access, AccessMode, Opcode, RegisterSet};

const MOST_SWEEPS: usize = 64;

/// A constant of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Integer(i64),
    /// By its bits.
    Float(u64),
    Boolean(bool),
    Bits(Arc<[u8]>),
}

impl Value {
    fn is_true(&self) -> bool {
        match self {
            Value::Integer(value) => *value != 0,
            Value::Float(bits) => f64::from_bits(*bits) != 0.0,
            Value::Boolean(value) => *value,
            Value::Bits(bytes) => bytes.iter().any(|byte| *byte != 0),
        }
    }
}

/// What is known of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// No definition has come up.
    Nothing,
    /// All definitions give this; the first of them in source order.
    Constant(Value, Span),
    /// Definitions differ, or one is no constant.
    Anything,
}

impl Known {
    fn join(&mut self, other: Known) -> bool {
        let joined = match (&*self, other) {
            (_, Known::Nothing) | (Known::Anything, _) => return false,
            (Known::Nothing, other) => other,
            (Known::Constant(value, token), Known::Constant(new, at)) if *value == new => {
                Known::Constant(new, at.min(*token))
            }
            (Known::Constant(..), _) => Known::Anything,
        };
        let is_news = joined != *self;
        *self = joined;
        is_news
    }
}

/// The findings of both lints.
pub fn find(scope: &Scope) -> Vec<(UnitId, Diagnostic)> {
    let asks = |place: &Place| asked_operand(scope.instruction(*place).opcode).is_some();
    let mut questions: Vec<Place> = Vec::new();
    for (unit, compiled) in scope.numbered() {
        let instructions = compiled.blocks.iter().flat_map(|block| block.first..block.end);
        questions.extend(instructions.map(|instruction| Place { unit, instruction }).filter(asks));
    }
    let has_constants = scope.units.iter().any(|unit| !unit.ops.writes_anywhere)
        && scope.numbered().any(|(unit, compiled)| {
            let mut instructions = compiled.blocks.iter().flat_map(|block| block.first..block.end);
            instructions.any(|instruction| constant(scope, Place { unit, instruction }).is_some())
        });
    if questions.is_empty() || !has_constants || scope.units.iter().any(|unit| unit.ops.writes_anywhere) {
        return Vec::new();
    }
    let mut constants = Constants {
        scope,
        nodes: scope.units.iter().map(|unit| vec![Known::Nothing; unit.graph.len()]).collect(),
        is_changed: false,
    };
    if !constants.settle() {
        return Vec::new();
    }
    questions.into_iter().filter_map(|place| constants.finding(place).map(|finding| (place.unit, finding))).collect()
}

/// The operand that an instruction makes a question of.
fn asked_operand(opcode: Opcode) -> Option<usize> {
    match opcode {
        Opcode::If => Some(0),
        Opcode::Div
        | Opcode::Wrapdiv
        | Opcode::Checkedsdiv
        | Opcode::Checkedudiv
        | Opcode::Saturatingsdiv
        | Opcode::Saturatingudiv => Some(2),
        _ => None,
    }
}

/// The constant that an instruction defines.
fn constant(scope: &Scope, place: Place) -> Option<Value> {
    let module = scope.program.module;
    let instruction = scope.instruction(place);
    let literal = scope.operands(place).get(1);
    match (instruction.opcode, literal.map(|literal| literal.kind)) {
        (Opcode::Izero, _) => Some(Value::Integer(0)),
        (Opcode::Integer, Some(OperandKind::Integer(value))) => Some(Value::Integer(value)),
        (Opcode::Float, Some(OperandKind::Float)) => {
            let spelling = literal.map(|literal| module.spelling(literal))?;
            literal::float(spelling.as_bytes()).map(|value| Value::Float(value.to_bits()))
        }
        (Opcode::Bits, Some(OperandKind::Bits)) => {
            literal::bits(module.text(literal?.span)).map(|bytes| Value::Bits(bytes.into()))
        }
        _ => None,
    }
}

fn direct_local(operand: Option<&Operand>) -> Option<u16> {
    operand
        .and_then(Operand::register)
        .filter(|register| register.mode == AccessMode::Direct && register.set == RegisterSet::Local)
        .and_then(|register| register.number())
}

struct Constants<'s, 'p> {
    scope: &'s Scope<'p>,
    nodes: Vec<Vec<Known>>,
    is_changed: bool,
}

impl Constants<'_, '_> {
    fn settle(&mut self) -> bool {
        for _ in 0..MOST_SWEEPS {
            self.is_changed = false;
            for unit in 0..self.scope.units.len() as UnitId {
                self.sweep(unit);
            }
            let may_change = self.scope.units.iter().any(|unit| unit.graph.is_cyclic);
            if !self.is_changed || !may_change {
                return true;
            }
        }
        false
    }

    fn get(&self, unit: UnitId, node: Option<Node>) -> Known {
        node.map_or(Known::Nothing, |node| self.nodes[unit as usize][node as usize].clone())
    }

    fn join(&mut self, unit: UnitId, node: Node, known: Known) {
        self.is_changed |= self.nodes[unit as usize][node as usize].join(known);
    }

    fn sweep(&mut self, unit_id: UnitId) {
        let unit = self.scope.unit(unit_id);
        let graph: &ValueGraph = &unit.graph;
        if unit_id == 0 {
            let is_closure = self.scope.program.module.body(unit.body).kind == BodyKind::Closure;
            for (var, key) in unit.vars().keys.iter().enumerate() {
                // An empty local register is no definition; in a closure it may have been captured.
                if !key.is_local() || is_closure {
                    self.join(unit_id, graph.start_of(var as u32), Known::Anything);
                }
            }
        }
        for (block_id, block) in unit.blocks.iter().enumerate() {
            for join in graph.joins_of(block_id as u32) {
                for arg in graph.args(*join) {
                    let known = self.get(unit_id, Some(arg.node));
                    self.join(unit_id, graph.join_node(*join), known);
                }
            }
            for instruction in block.first..block.end {
                if instruction + 1 == block.end
                    && let Ending::Enter(enter) = block.ending
                {
                    self.enter(unit_id, unit, enter);
                } else {
                    self.instruction(unit, Place { unit: unit_id, instruction });
                }
            }
        }
    }

    fn instruction(&mut self, unit: &Unit, place: Place) {
        for slot in unit.slots_of(place.instruction) {
            let slot_use = unit.ops.slot_uses[slot as usize];
            let known = if slot_use.defines {
                let defines = |op: &&Op| op.slot == slot && op.kind.is_definition();
                let last = unit.ops_of(place.instruction).iter().rev().find(defines);
                last.map_or(Known::Anything, |op| self.defined(unit, place, op))
            } else if slot_use.changes || self.is_changed_in_place(place, unit, slot) {
                Known::Anything
            } else {
                self.get(place.unit, unit.graph.input(slot))
            };
            self.join(place.unit, unit.graph.node_of(slot), known);
        }
    }

    fn defined(&self, unit: &Unit, place: Place, op: &Op) -> Known {
        let operands = self.scope.operands(place);
        let Some(token) = operands.get(usize::from(op.operand)) else { return Known::Anything };
        if let Some(value) = constant(self.scope, place) {
            return Known::Constant(value, token.span);
        }
        if self.scope.instruction(place).opcode != Opcode::Not {
            return Known::Anything;
        }
        let source = operands.get(1);
        let slot = direct_local(source).and_then(|index| slot_of(unit, place.instruction, index));
        match slot.map(|slot| self.get(place.unit, unit.graph.input(slot))) {
            Some(Known::Constant(value, _)) => Known::Constant(Value::Boolean(!value.is_true()), token.span),
            Some(Known::Nothing) => Known::Nothing,
            Some(Known::Anything) | None => Known::Anything,
        }
    }

    /// Whether the instruction changes a register in place, or gives others a way to do so.
    fn is_changed_in_place(&self, place: Place, unit: &Unit, slot: u32) -> bool {
        let key = unit.key_of(slot);
        let instruction = self.scope.instruction(place);
        let specs = instruction.opcode.row().operands;
        self.scope.operands(place).iter().zip(specs).enumerate().any(|(number, (operand, spec))| {
            let shares = matches!((instruction.opcode, number), (Opcode::Ptr, 1) | (Opcode::Capture, 2));
            (spec.access == Access::InPlace || shares)
                && key.is_local()
                && direct_local(Some(operand)) == Some(key.index())
        })
    }

    /// A block sees what is known where it is entered; what it may change is unknown behind it.
    fn enter(&mut self, unit_id: UnitId, unit: &Unit, enter: u32) {
        let enter = &unit.enters[enter as usize];
        for slot in unit.slots_of(enter.instruction) {
            let key = unit.key_of(slot);
            let known = self.get(unit_id, unit.graph.input(slot));
            let mut behind = known.clone();
            let entered = enter.catchers.iter().map(|(_, catcher)| (*catcher, true)).chain([(enter.entered, false)]);
            for (entered, catches) in entered {
                let Entered::Block(block) = entered else {
                    if entered != Entered::Nothing && key.is_local() {
                        behind = Known::Anything;
                    }
                    continue;
                };
                let Some(callee_id) = self.scope.unit_of(block) else { continue };
                let callee = self.scope.unit(callee_id);
                let Some(var) = counterpart(callee, key) else { continue };
                if catches {
                    // It may be changed anywhere in the block before the catcher begins.
                    self.join(callee_id, callee.graph.start_of(var), Known::Anything);
                } else {
                    self.join(callee_id, callee.graph.start_of(var), known.clone());
                }
                if self.may_change(callee_id, var) {
                    behind = Known::Anything;
                }
            }
            self.join(unit_id, unit.graph.node_of(slot), behind);
        }
    }

    fn may_change(&self, unit_id: UnitId, var: u32) -> bool {
        let unit = self.scope.unit(unit_id);
        unit.mentions(var).iter().any(|slot| {
            let place = Place { unit: unit_id, instruction: unit.instruction_of(*slot) };
            let block = &unit.blocks[unit.block_of(place.instruction) as usize];
            let is_entering = matches!(block.ending, Ending::Enter(_)) && place.instruction + 1 == block.end;
            is_entering || unit.ops.slot_uses[*slot as usize].changes || self.is_changed_in_place(place, unit, *slot)
        })
    }

    fn finding(&self, place: Place) -> Option<Diagnostic> {
        let unit = self.scope.unit(place.unit);
        let opcode = self.scope.instruction(place).opcode;
        let operand = self.scope.operands(place).get(asked_operand(opcode)?)?;
        let slot = slot_of(unit, place.instruction, direct_local(Some(operand))?)?;
        let Known::Constant(value, token) = self.get(place.unit, unit.graph.input(slot)) else { return None };
        let program = self.scope.program;
        let finding = if opcode == Opcode::If {
            let message = if value.is_true() { "condition is always true" } else { "condition is always false" };
            lint(program, Code::W0601, operand.span, message)
        } else if value.is_true() {
            return None;
        } else {
            lint(program, Code::W0602, operand.span, "division by zero")
        };
        let finding = finding.mark(self.scope.instruction(place).mnemonic);
        Some(finding.then(Entry::place_note(program.module.at(token), "value defined here")))
    }
}

fn slot_of(unit: &Unit, instruction: u32, index: u16) -> Option<u32> {
    let key = crate::ops::Key::new(RegisterSet::Local, index);
    unit.slots_of(instruction).find(|slot| unit.key_of(*slot) == key)
}
