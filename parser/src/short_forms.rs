//! Phase B: short forms that cannot be completed (language.md §12.2). Any other missing operand is found later.

use crate::ast::{Instruction, Operand, OperandKind, Tree};
use crate::findings::Findings;
use viua_diagnostics::{Code, Diagnostic};
use viua_isa::{Default, Opcode, SetRule};

/// Looks at every instruction of the file, those outside of definitions included. O(n).
pub(crate) fn check_short_forms(tree: &Tree, findings: &mut Findings) {
    for instruction in &tree.instructions {
        if let Some(finding) = incomplete(instruction, tree.operands(instruction), findings) {
            findings.short_forms.push(finding);
        }
    }
}

#[inline]
fn incomplete(instruction: &Instruction, operands: &[Operand], findings: &Findings) -> Option<Diagnostic> {
    match operands {
        [] if instruction.opcode == Opcode::If => {
            Some(findings.error(Code::E0119, instruction.mnemonic, "branch without operands"))
        }
        [condition] if instruction.opcode == Opcode::If => {
            let is_register = matches!(condition.kind, OperandKind::Register { .. } | OperandKind::Wrapped(_));
            is_register.then(|| findings.error(Code::E0119, instruction.mnemonic, "branch without a target"))
        }
        [_] if demands_second(instruction.opcode) => {
            Some(findings.error(Code::E0120, instruction.end_of_line, "missing second operand"))
        }
        _ => None,
    }
}

/// The instructions whose second operand takes its set from the first, and cannot be left out. Those with a two-operand
/// form are completed first and lack their third operand then; `vlen` is left to the checks of operands.
fn demands_second(opcode: Opcode) -> bool {
    let row = opcode.row();
    let second = row.operands.get(1);
    second.is_some_and(|second| second.set == SetRule::LikeFirst && second.default == Default::None)
        && !row.two_operand_form
        && opcode != Opcode::Vlen
}

#[cfg(test)]
mod tests {
    use super::*;
    use viua_isa::TABLE;

    #[test]
    fn instructions_that_demand_a_second_operand() {
        let demanding: Vec<_> = TABLE.iter().filter(|row| demands_second(row.opcode)).map(|row| row.mnemonic).collect();
        let mut specified: Vec<_> =
            "move copy swap ptr isnull send textlength structkeys bits bitset bitat".split(' ').collect();
        specified.sort_by_key(|mnemonic| viua_isa::opcode_of(mnemonic));
        assert_eq!(demanding, specified);
    }
}
