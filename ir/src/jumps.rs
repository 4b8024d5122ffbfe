//! Jump targets (language.md §14.7).

use crate::module::{Body, Destination, Module, Operand, OperandKind, TargetForm};
use crate::verify::error;
use viua_diagnostics::{Code, Diagnostic, Span};
use viua_isa::Opcode;

const EXPECTED: &str = "expected a label or an offset";

/// Pass 7.
pub fn targets(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    for (number, instruction) in module.instructions(body).iter().enumerate() {
        let operands = module.operands(instruction);
        let own = number as u32;
        match instruction.opcode {
            Opcode::Jump => {
                findings.extend(wrong_target(module, body, operands.first(), own, instruction.end_of_line));
            }
            Opcode::If => {
                let useless = || {
                    let message = "useless branch: both targets point to the same instruction";
                    error(module, body, Code::E0609, instruction.mnemonic, message)
                };
                let (yes, no) = (operands.get(1), operands.get(2));
                if let (Some(yes), Some(no)) = (yes, no)
                    && module.spelling(yes) == module.spelling(no)
                {
                    findings.push(useless());
                    continue;
                }
                let before = findings.len();
                findings.extend(wrong_target(module, body, yes, own, instruction.end_of_line));
                if yes.is_some() {
                    findings.extend(wrong_target(module, body, no, own, instruction.end_of_line));
                }
                let number = |target: Option<&Operand>| target.and_then(Operand::target);
                if findings.len() == before && number(yes).is_some() && number(yes) == number(no) {
                    findings.push(useless());
                }
            }
            _ => {}
        }
    }
}

fn wrong_target(
    module: &Module,
    body: &Body,
    target: Option<&Operand>,
    own: u32,
    end_of_line: Span,
) -> Option<Diagnostic> {
    let Some(target) = target else {
        return Some(not_a_target(module, end_of_line).then(crate::verify::in_body(module, body)));
    };
    let at = |code, message| Some(error(module, body, code, target.span, message));
    match target.kind {
        OperandKind::Target { form: TargetForm::Marker, to: Destination::Unknown } => {
            at(Code::E0608, format!("jump to unrecognised marker: {}", module.lossy(target.span)))
        }
        OperandKind::Target { to: Destination::Instruction(number), .. } if number == own => {
            at(Code::E0605, "zero-distance jump".to_owned())
        }
        OperandKind::Target { to: Destination::BeforeStart, .. } => {
            at(Code::E0606, "backward out-of-range jump".to_owned())
        }
        OperandKind::Target { to: Destination::BehindEnd, .. } => {
            at(Code::E0607, "forward out-of-range jump".to_owned())
        }
        OperandKind::Target { .. } => None,
        _ => Some(byte_address_or_nonsense(module, target).then(crate::verify::in_body(module, body))),
    }
}

/// The finding for an operand that is no jump target at all, without a trace.
pub fn byte_address_or_nonsense(module: &Module, target: &Operand) -> Diagnostic {
    if target.kind == OperandKind::Bits && module.text(target.span).starts_with(b"0x") {
        let message = format!("jump target is a byte address: {}", module.lossy(target.span));
        return Diagnostic::error(Code::E0604, module.at(target.span), message).note(EXPECTED);
    }
    not_a_target(module, target.span)
}

fn not_a_target(module: &Module, at: Span) -> Diagnostic {
    Diagnostic::error(Code::E0603, module.at(at), "invalid operand for jump instruction").note(EXPECTED)
}

#[cfg(test)]
mod tests {
    use crate::testing::first;

    fn body(line: &str) -> Vec<String> {
        first(&format!(".block: b\nnop\n.mark: here\n{line}\nleave\n.end\n"))
    }

    #[test]
    fn targets_are_markers_numbers_and_offsets() {
        for accepted in ["jump 0", "jump +1", "jump -1", "jump 2", "if %1 0", "if %1 -1 2"] {
            assert_eq!(body(accepted), [""; 0], "{accepted}");
        }
        let cases = [
            ("jump here", "4:6: error: zero-distance jump"),
            ("jump +0", "4:6: error: zero-distance jump"),
            ("jump -0", "4:6: error: zero-distance jump"),
            ("jump 1", "4:6: error: zero-distance jump"),
            ("jump -2", "4:6: error: backward out-of-range jump"),
            ("jump +2", "4:6: error: forward out-of-range jump"),
            ("jump 3", "4:6: error: forward out-of-range jump"),
            ("jump 99999999999999999999", "4:6: error: forward out-of-range jump"),
            ("jump +4294967295", "4:6: error: forward out-of-range jump"),
            ("jump there", "4:6: error: jump to unrecognised marker: there"),
            ("jump b/0", "4:6: error: jump to unrecognised marker: b/0"),
            ("jump true", "4:6: error: jump to unrecognised marker: true"),
            ("jump 0xff", "4:6: error: jump target is a byte address: 0xff"),
            ("jump 0b1", "4:6: error: invalid operand for jump instruction"),
            ("jump %1", "4:6: error: invalid operand for jump instruction"),
            ("jump  ", "4:7: error: invalid operand for jump instruction"),
            ("if %1 0 there", "4:9: error: jump to unrecognised marker: there"),
            ("if %1 there there", "4:1: error: useless branch: both targets point to the same instruction"),
            ("if %1 2 +1", "4:1: error: useless branch: both targets point to the same instruction"),
            ("if %1 +1", "4:1: error: useless branch: both targets point to the same instruction"),
        ];
        for (line, message) in cases {
            assert_eq!(body(line).first().map(String::as_str), Some(message), "{line}");
        }
        assert_eq!(body("jump 'x'")[1], "4:6: note: expected a label or an offset");
    }
}
