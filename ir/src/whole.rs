//! Checks of the program as a whole (phase H): the main function of the file (language.md §15.1) and names that nobody
//! defines (§15.3, modules.md §7).

use crate::module::{Body, BodyKind, Instruction, Module, Name, Operand, OperandKind};
use viua_diagnostics::{Code, Diagnostic};
use viua_isa::{AccessMode, Opcode, RegisterSet};

const MAIN_NAMES: [&str; 3] = ["main/0", "main/1", "main/2"];

/// The main function that the file defines, if it defines one; functions come before closures.
pub fn main_function(module: &Module) -> Option<&Body> {
    [BodyKind::Function, BodyKind::Closure].iter().find_map(|kind| {
        MAIN_NAMES.iter().find_map(|name| module.bodies.iter().find(|body| body.kind == *kind && body.name == *name))
    })
}

/// Checks that the main function returns a value; a library has none.
pub fn check_main(module: &Module, library: bool) -> Option<Diagnostic> {
    if library {
        return None;
    }
    let main = main_function(module)?;
    let last = match module.instructions(main) {
        [.., last, _] | [last] => last,
        [] => return None,
    };
    let at = module.at(last.mnemonic);
    let returns = matches!(last.opcode, Opcode::Copy | Opcode::Move | Opcode::Swap | Opcode::Izero | Opcode::Integer);
    let result = module.operands(last).first().and_then(Operand::register);
    let Some(result) =
        result.filter(|result| returns && result.mode == AccessMode::Direct && result.number() == Some(0))
    else {
        let message = format!("main function does not return a value: {}", main.name);
        return Some(Diagnostic::error(Code::E0207, at, message));
    };
    if last.opcode == Opcode::Izero && result.set_span().is_none() {
        let message = "main function must explicitly return to local register set";
        return Some(Diagnostic::error(Code::E0208, at, message));
    }
    if result.set != RegisterSet::Local {
        let message = format!("main function uses invalid register set to return a value: {}", result.set.name());
        let mut finding = Diagnostic::error(Code::E0209, at, message);
        finding.fault.marks.extend(result.set_span());
        return Some(finding);
    }
    None
}

/// Checks that all functions that are named in the file are defined: by it, by a signature, or, as `is_defined` tells,
/// by a linked or imported module. In source order; first the calls, then the values.
pub fn check_undefined(module: &Module, is_defined: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    let scans: [Scan; 2] = [called, made_a_value];
    let mut findings = Vec::new();
    for scan in scans {
        let mut found: Vec<(u32, Diagnostic)> = Vec::new();
        for instruction in &module.instructions {
            if let Some((at, words)) = scan(instruction.opcode)
                && let Some(name) = module.operands(instruction).get(at)
                && !is_known(module, instruction, name, is_defined)
            {
                let message = format!("{words} {}", module.spelling(name));
                let finding = match instruction.opcode {
                    Opcode::Function | Opcode::Closure => {
                        Diagnostic::error(Code::E0702, module.at(instruction.mnemonic), message).mark(name.span)
                    }
                    _ => Diagnostic::error(Code::E0702, module.at(name.span), message),
                };
                found.push((instruction.mnemonic.start, finding));
            }
        }
        // Inline blocks stand before the body that holds them.
        found.sort_by_key(|(position, _)| *position);
        findings.extend(found.into_iter().map(|(_, finding)| finding));
    }
    findings
}

/// Which operand of an instruction is a name that must be defined, and what is said if it is not.
type Scan = fn(Opcode) -> Option<(usize, &'static str)>;

fn called(opcode: Opcode) -> Option<(usize, &'static str)> {
    match opcode {
        Opcode::Call => Some((1, "call to undefined function")),
        Opcode::Process => Some((1, "process from undefined function")),
        Opcode::Tailcall => Some((0, "tail call to undefined function")),
        Opcode::Defer => Some((0, "deferred undefined function")),
        Opcode::Watchdog => Some((0, "watchdog from undefined function")),
        _ => None,
    }
}

fn made_a_value(opcode: Opcode) -> Option<(usize, &'static str)> {
    match opcode {
        Opcode::Function => Some((1, "function from undefined function:")),
        Opcode::Closure => Some((1, "closure from undefined function:")),
        _ => None,
    }
}

fn is_known(module: &Module, instruction: &Instruction, name: &Operand, is_defined: &dyn Fn(&str) -> bool) -> bool {
    match name.kind {
        OperandKind::FunctionName(Name::Signature(_)) => true,
        OperandKind::FunctionName(Name::Definition(id)) if module.body(id).kind != BodyKind::Block => true,
        OperandKind::FunctionName(_) => is_defined(&module.name(name)),
        // Spelt as they are, these are nobody's names.
        OperandKind::Atom => made_a_value(instruction.opcode).is_some(),
        OperandKind::Register(register) => {
            register.mode != AccessMode::Indirect || made_a_value(instruction.opcode).is_some()
        }
        // No callee at all: lowering says so.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{lowered, render};

    fn main_of(lines: &str) -> Vec<String> {
        let module = lowered(&format!(".function: main/0\nallocate_registers %1 local\n{lines}\n.end\n"));
        render(&module, check_main(&module, false).as_slice())
    }

    #[test]
    fn main_returns_a_value_to_the_local_set() {
        let fine = ["izero %0 local\nreturn", "move %0 %1\nreturn", ".name: %0 r\ninteger %r 5\n.mark: x\nreturn"];
        for lines in fine {
            assert_eq!(main_of(lines), [""; 0], "{lines}");
        }
        let cases = [
            ("izero %0\nreturn", "3:1: error: main function must explicitly return to local register set"),
            (
                "izero %0 global\nreturn",
                "3:1: error: main function uses invalid register set to return a value: global",
            ),
            ("izero %1 local\nreturn", "3:1: error: main function does not return a value: main/0"),
            ("izero *0 local\nreturn", "3:1: error: main function does not return a value: main/0"),
            ("izero %0 local\nnop\nreturn", "4:1: error: main function does not return a value: main/0"),
            ("return", "2:1: error: main function does not return a value: main/0"),
        ];
        for (lines, message) in cases {
            assert_eq!(main_of(lines), [message], "{lines}");
        }
        let module = lowered(".function: main/0\nreturn\n.end\n");
        assert_eq!(check_main(&module, true), None);
    }

    #[test]
    fn undefined_functions() {
        let module = lowered(
            ".signature: known/0\n.block: b\nfunction %1 local a/0\ncall void a/0\nleave\n.end\n\
             .function: [[no_sa]] f/0\nclosure %1 a/0\nprocess a/0\ndefer a/0\nwatchdog a/0\ncall 'x'\ncall void @1\n\
             call void %1\ncall known/0\ncall linked/0\ncall f/0\ntailcall b/0\n.end\n",
        );
        assert_eq!(
            render(&module, &check_undefined(&module, &|name| name == "linked/0")),
            [
                "4:11: error: call to undefined function a/0",
                "9:9: error: process from undefined function a/0",
                "10:7: error: deferred undefined function a/0",
                "11:10: error: watchdog from undefined function a/0",
                "12:6: error: call to undefined function 'x'",
                "13:11: error: call to undefined function @1",
                "18:10: error: tail call to undefined function b/0",
                "3:1: error: function from undefined function: a/0",
                "8:1: error: closure from undefined function: a/0",
            ]
        );
    }
}
