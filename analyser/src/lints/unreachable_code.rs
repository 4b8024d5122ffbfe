//! `unreachable-code`: instructions that no path reaches.

use crate::program::Reached;
use crate::scope::{Scope, UnitId};
use crate::unused::lint;
use viua_diagnostics::{Code, Diagnostic};
use viua_ir::{Instruction, Operand};
use viua_isa::{AccessMode, Opcode, RegisterSet};

/// One finding for each run of such instructions.
pub fn find(scope: &Scope) -> Vec<(UnitId, Diagnostic)> {
    let module = scope.program.module;
    let mut findings = Vec::new();
    for (unit_id, unit) in scope.numbered() {
        let instructions = module.instructions(module.body(unit.body));
        let mut at = 0;
        while at < instructions.len() {
            let length = unit.reached[at..].iter().take_while(|reached| **reached == Reached::Never).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let run = &instructions[at..at + length];
            let is_at_end = at + length == instructions.len();
            let operands = |instruction: &Instruction| module.operands(instruction);
            if !(is_at_end && is_demanded(run, operands)) {
                let finding = lint(scope.program, Code::W0600, run[0].mnemonic, "unreachable code");
                findings.push((unit_id, finding));
            }
            at += length;
        }
    }
    findings
}

/// Whether these instructions stand there only because the verifier wants a body to end like this.
fn is_demanded<'a>(run: &[Instruction], operands: impl Fn(&Instruction) -> &'a [Operand]) -> bool {
    match run {
        [only] => matches!(only.opcode, Opcode::Return | Opcode::Leave),
        [result, last] => {
            let target = operands(result).first().and_then(Operand::register);
            let is_result = |target: viua_ir::Register| {
                target.mode == AccessMode::Direct && target.set == RegisterSet::Local && target.number() == Some(0)
            };
            result.opcode == Opcode::Izero && last.opcode == Opcode::Return && target.is_some_and(is_result)
        }
        _ => false,
    }
}
