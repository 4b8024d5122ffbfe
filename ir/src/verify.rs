//! Phase E (language.md §14): seven passes over all bodies, each finished before the next starts; before them the two
//! lints that need nothing but the canonical operands (tools.md §10). Definitions with the attribute `no_sa` are left
//! out of the passes; the flag `--no-sa` changes nothing here.

use crate::module::{Body, BodyKind, Instruction, Line, Module, Name, Operand, OperandKind};
use crate::{frames, jumps};
use viua_diagnostics::{Code, Diagnostic, Entry, Position, Severity, Span};
use viua_isa::{Forms, Opcode};

/// Verifies a module. All findings of the phase, in the order of the passes; lints are warnings.
pub fn verify(module: &Module) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    surplus_operands(module, &mut findings);
    quoted_module_names(module, &mut findings);
    let passes: [fn(&Module, &Body, &mut Vec<Diagnostic>); 7] =
        [entered_blocks, catching_blocks, ends, frames::balance, frames::callees, frames::gaps, jumps::targets];
    for pass in passes {
        for body in in_order_of_passes(module).filter(|body| !body.no_sa) {
            pass(module, body, &mut findings);
        }
    }
    findings
}

/// Functions and closures in file order, then blocks.
fn in_order_of_passes(module: &Module) -> impl Iterator<Item = &Body> {
    let is_block = |body: &&Body| body.kind == BodyKind::Block;
    module.bodies.iter().filter(move |body| !is_block(body)).chain(module.bodies.iter().filter(is_block))
}

/// `in function main/0`, the end of a trace.
pub fn in_body(module: &Module, body: &Body) -> Entry {
    let kind = match body.kind {
        BodyKind::Function | BodyKind::Closure => "function",
        BodyKind::Block => "block",
    };
    Entry::step(module.at(body.name_span), format!("in {kind} {}", body.name))
}

/// An error that ends with the body it is in, after the entries added by `places`.
pub fn error(module: &Module, body: &Body, code: Code, at: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, module.at(at), message).then(in_body(module, body))
}

/// Puts a place before the last entry, which is the body.
pub fn with_place(mut finding: Diagnostic, place: Entry) -> Diagnostic {
    let before_body = finding.trace.len().saturating_sub(1);
    finding.trace.insert(before_body, place);
    finding
}

/// `not enough operands` (language.md §13.2), without a trace.
pub fn missing_operand(module: &Module, instruction: &Instruction, number: usize) -> Diagnostic {
    Diagnostic::error(Code::E0121, module.at(instruction.mnemonic), "not enough operands")
        .note(format!("when extracting operand {number}"))
}

fn surplus_operands(module: &Module, findings: &mut Vec<Diagnostic>) {
    if module.surplus.is_empty() {
        return;
    }
    for body in in_order_of_passes(module) {
        let first = module.surplus.partition_point(|surplus| surplus.instruction < body.instructions.start);
        let of_body = module.surplus[first..].iter().take_while(|surplus| surplus.instruction < body.instructions.end);
        for surplus in of_body {
            let instruction = &module.instructions[surplus.instruction as usize];
            // Lowering has a message of its own for a word where a set name is missing, and for `bool`.
            if surplus.in_place_of_set || instruction.opcode == Opcode::Bool {
                continue;
            }
            let row = instruction.opcode.row();
            let message = format!("operand is ignored: {}", module.spelling(&surplus.operand));
            let takes = match row.operands.len() {
                0 => "no operands".to_owned(),
                1 => "1 operand".to_owned(),
                n => format!("{n} operands"),
            };
            findings.push(
                lint(module, Code::W0100, surplus.operand.span, message)
                    .note(format!("'{}' takes {takes}", row.mnemonic))
                    .then(in_body(module, body)),
            );
        }
    }
}

fn quoted_module_names(module: &Module, findings: &mut Vec<Diagnostic>) {
    for body in in_order_of_passes(module) {
        for instruction in module.instructions(body).iter().filter(|instruction| instruction.opcode == Opcode::Import) {
            if let Some(name @ Operand { kind: OperandKind::Text | OperandKind::Atom, .. }) =
                module.operands(instruction).first()
            {
                let message = format!("module name in quotes is never found: {}", module.lossy(name.span));
                findings.push(lint(module, Code::W0701, name.span, message).then(in_body(module, body)));
            }
        }
    }
}

fn lint(module: &Module, code: Code, at: Span, message: String) -> Diagnostic {
    Diagnostic::new(Severity::Warning, Some(code), Position::At(module.at(at)), message)
}

fn entered_blocks(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    blocks(module, body, Opcode::Enter, findings, |instruction, name| {
        error(module, body, Code::E0509, name.span, format!("cannot enter undefined block: {}", module.spelling(name)))
            .mark(instruction.mnemonic)
    });
}

fn catching_blocks(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    blocks(module, body, Opcode::Catch, findings, |instruction, name| {
        let message = format!("cannot catch using undefined block: {}", module.spelling(name));
        error(module, body, Code::E0510, name.span, message).mark(instruction.mnemonic)
    });
}

fn blocks(
    module: &Module,
    body: &Body,
    opcode: Opcode,
    findings: &mut Vec<Diagnostic>,
    undefined: impl Fn(&Instruction, &Operand) -> Diagnostic,
) {
    let block = opcode.row().operands.iter().position(|spec| spec.forms.has(Forms::BLOCK)).unwrap_or_default();
    for instruction in module.instructions(body).iter().filter(|instruction| instruction.opcode == opcode) {
        let operands = module.operands(instruction);
        match operands.get(block) {
            None => {
                findings.push(missing_operand(module, instruction, operands.len()).then(in_body(module, body)));
            }
            Some(name) if !is_block(module, name) => findings.push(undefined(instruction, name)),
            Some(_) => {}
        }
    }
}

fn is_block(module: &Module, operand: &Operand) -> bool {
    match operand.kind {
        OperandKind::Label(name) | OperandKind::FunctionName(name) => match name {
            Name::Definition(id) => module.body(id).kind == BodyKind::Block,
            Name::BlockSignature(_) => true,
            Name::Signature(_) | Name::Unknown => false,
        },
        _ => false,
    }
}

fn ends(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    match body.last_line {
        None => {}
        Some(Line::Directive { directive, operands }) => {
            let mut finding = error(module, body, Code::E0601, directive, "invalid end of block: expected mnemonic");
            for operand in operands.into_iter().filter(|operand| !operand.is_empty()) {
                finding = finding.mark(operand);
            }
            findings.push(finding);
        }
        Some(Line::Instruction(number)) => {
            let last = &module.instructions(body)[number as usize];
            if !matches!(last.opcode, Opcode::Leave | Opcode::Return | Opcode::Tailcall) {
                findings.push(
                    error(module, body, Code::E0602, last.mnemonic, "invalid last mnemonic")
                        .note("expected one of: leave, return, or tailcall"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{first, short};

    #[test]
    fn entered_and_catching_blocks_must_be_known() {
        let source = ".bsignature: there\n.block: b\nleave\n.end\n.function: f/0\n\
            try\ncatch \"A\" b\ncatch \"A\" nowhere\nenter there\nenter f/0\nreturn\n.end\n";
        assert_eq!(
            short(source),
            [
                "10:7: error: cannot enter undefined block: f/0",
                "5:12: error: in function f/0",
                "8:11: error: cannot catch using undefined block: nowhere",
                "5:12: error: in function f/0",
            ]
        );
        assert_eq!(
            first(".block: b\nenter\nleave\n.end\n"),
            ["2:1: error: not enough operands", "2:1: note: when extracting operand 0", "1:9: error: in block b"]
        );
        assert_eq!(
            first(".block: b\ncatch \"A\"\nleave\n.end\n"),
            ["2:1: error: not enough operands", "2:1: note: when extracting operand 1", "1:9: error: in block b"]
        );
    }

    #[test]
    fn bodies_end_with_an_instruction_that_leaves() {
        assert_eq!(
            first(".function: f/0\nreturn\n.mark: behind\n.end\n"),
            ["3:1: error: invalid end of block: expected mnemonic", "1:12: error: in function f/0"]
        );
        assert_eq!(
            first(".closure: f/0\nreturn\nprint %1 local\n.end\n"),
            [
                "3:1: error: invalid last mnemonic",
                "3:1: note: expected one of: leave, return, or tailcall",
                "1:11: error: in function f/0"
            ]
        );
        assert_eq!(first(".function: [[no_sa]] f/0\nnop\n.end\n"), [""; 0]);
    }

    #[test]
    fn surplus_operands_are_a_lint() {
        assert_eq!(
            first(".block: b\nleave 1 2\n.end\n"),
            ["2:7: warning: operand is ignored: 1", "2:7: note: 'leave' takes no operands", "1:9: warning: in block b"]
        );
    }

    #[test]
    fn quoted_module_names_are_a_lint() {
        assert_eq!(
            first(".block: b\nimport \"a::b\"\nleave\n.end\n")[0],
            "2:8: warning: module name in quotes is never found: \"a::b\""
        );
    }
}
