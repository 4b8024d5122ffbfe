//! `unread-parameter`: an argument for a function that never looks at it.

use super::in_function;
use crate::program::{Program, Reached};
use crate::scope::Scope;
use crate::unused::lint;
use rustc_hash::FxHashSet;
use viua_diagnostics::{Code, Diagnostic, Entry, Span};
use viua_ir::{BodyId, BodyKind, Operand};
use viua_isa::{AccessMode, Opcode, RegisterSet};

/// An argument that is passed to a function of the file.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// The function or closure whose analysis reached it.
    pub root: BodyId,
    /// The function.
    pub to: BodyId,
    /// Which parameter.
    pub slot: u16,
    /// The token of the target of the `copy` or `move`.
    pub target: Span,
    /// The mnemonic of that.
    pub mnemonic: Span,
}

/// All that a body passes, in source order. Frames are matched with calls in textual order, as in the verifier.
pub fn passes(scope: &Scope) -> Vec<Pass> {
    let module = scope.program.module;
    let mut passes = Vec::new();
    for unit in &scope.units {
        let mut framed: Vec<(u16, Span, Span)> = Vec::new();
        let body = module.body(unit.body);
        for (number, instruction) in module.instructions(body).iter().enumerate() {
            if unit.reached[number] == Reached::Never {
                continue;
            }
            let operands = module.operands(instruction);
            match instruction.opcode {
                Opcode::Frame => framed.clear(),
                Opcode::Copy | Opcode::Move => {
                    if let Some(target) = operands.first()
                        && let Some(register) = target.register()
                        && register.set == RegisterSet::Arguments
                        && register.mode == AccessMode::Direct
                        && let Some(slot) = register.number()
                    {
                        framed.push((slot, target.span, instruction.mnemonic));
                    }
                }
                Opcode::Call | Opcode::Process | Opcode::Tailcall | Opcode::Defer | Opcode::Watchdog => {
                    let callee = operands.last().and_then(|operand: &Operand| module.definition_of(operand));
                    for (slot, target, mnemonic) in framed.drain(..) {
                        if let Some(to) = callee {
                            let root = scope.unit(0).body;
                            passes.push(Pass { root, to, slot, target, mnemonic });
                        }
                    }
                }
                _ => {}
            }
        }
    }
    passes
}

/// The finding for an argument, if the parameters that its function uses are known and this is none of them.
pub fn check(program: &Program, pass: &Pass, used: Option<&FxHashSet<u16>>) -> Option<Diagnostic> {
    let callee = program.module.body(pass.to);
    let is_known = callee.kind == BodyKind::Function && !callee.no_sa;
    if !is_known || callee.arity.is_none_or(|arity| pass.slot >= arity) || used?.contains(&pass.slot) {
        return None;
    }
    let message = format!("argument is never read by {}", callee.name);
    let defined = Entry::place_note(program.module.at(callee.name_span), format!("{} defined here", callee.name));
    let finding = lint(program, Code::W0500, pass.target, message).mark(pass.mnemonic).then(defined);
    Some(finding.then(in_function(program, pass.root)))
}
