//! Frames and calls in textual order (language.md §14.4 to §14.6).

use crate::module::{Body, Instruction, Module, Operand, OperandKind};
use crate::verify::{error, in_body, missing_operand, with_place};
use rustc_hash::FxHashMap;
use viua_diagnostics::{Code, Diagnostic, Entry, Span};
use viua_isa::{AccessMode, Opcode, RegisterSet};

fn takes_frame(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Call | Opcode::Tailcall | Opcode::Defer | Opcode::Process | Opcode::Watchdog)
}

/// Pass 4: every call has a frame, every frame a call. Reports the first fault of a body: what follows would count wrong.
pub fn balance(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    findings.extend(first_imbalance(module, body));
}

fn first_imbalance(module: &Module, body: &Body) -> Option<Diagnostic> {
    let mut spawned: Option<Span> = None;
    for instruction in module.instructions(body) {
        let at = instruction.mnemonic;
        let before = spawned;
        match instruction.opcode {
            Opcode::Frame => spawned = Some(at),
            opcode if takes_frame(opcode) => spawned = None,
            _ => {}
        }
        match (instruction.opcode, before) {
            (Opcode::Frame, Some(first)) => {
                let place = Entry::place_note(module.at(first), "unused frame:");
                return Some(with_place(error(module, body, Code::E0501, at, "excess frame spawned"), place));
            }
            (Opcode::Return | Opcode::Leave | Opcode::Throw, Some(frame)) => {
                let place = Entry::place_note(module.at(frame), "spawned here:");
                return Some(with_place(error(module, body, Code::E0502, at, "lost frame at:"), place));
            }
            (opcode, None) if takes_frame(opcode) => {
                let message = format!("call with '{}' without a frame", opcode.mnemonic());
                return Some(error(module, body, Code::E0500, at, message));
            }
            _ => {}
        }
    }
    None
}

/// Pass 5: what is called, and with how many arguments.
pub fn callees(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    let mut frame: Option<(Span, u16)> = None;
    // Where frames do not match calls, their numbers say nothing about arities.
    let mut balanced: Option<bool> = None;
    for instruction in module.instructions(body) {
        let operands = module.operands(instruction);
        let callee_at = match instruction.opcode {
            Opcode::Frame => {
                match operands.first().map(|count| (count, count.register())) {
                    Some((count, None)) => {
                        findings.push(
                            error(module, body, Code::E0122, count.span, "invalid operand")
                                .note("expected register index"),
                        );
                        frame = None;
                    }
                    Some((_, Some(count))) => frame = count.number().map(|count| (instruction.mnemonic, count)),
                    None => frame = None,
                }
                continue;
            }
            Opcode::Call | Opcode::Process => 1,
            Opcode::Tailcall | Opcode::Defer | Opcode::Watchdog => 0,
            _ => continue,
        };
        let Some(callee) = operands.get(callee_at) else {
            findings.push(missing_operand(module, instruction, callee_at).then(in_body(module, body)));
            continue;
        };
        if let Some(finding) = wrong_callee(module, body, instruction, callee) {
            findings.push(finding);
        } else if is_function_name(callee)
            && instruction.opcode != Opcode::Watchdog
            && let Some((spawned, given)) = frame
        {
            let name = module.name(callee);
            if let Some(expected) = arity_other_than(&name, given)
                && *balanced.get_or_insert_with(|| first_imbalance(module, body).is_none())
            {
                let message = format!(
                    "invalid number of parameters in call to function {name}: expected {expected}, got {given}"
                );
                let finding = error(module, body, Code::E0503, instruction.mnemonic, message).mark(callee.span);
                findings.push(with_place(finding, Entry::place(module.at(spawned), "from frame spawned here")));
            }
        }
    }
}

/// The arity in a function name, if it has one and it is not this; zeros in front do not count.
fn arity_other_than(name: &str, given: u16) -> Option<&str> {
    let digits = name.rsplit('/').next().filter(|digits| !digits.is_empty())?;
    let arity = digits.trim_start_matches('0');
    let arity = if arity.is_empty() { "0" } else { arity };
    // A number too long for this one differs from all frames.
    (arity.parse() != Ok(given)).then_some(arity)
}

fn wrong_callee(module: &Module, body: &Body, instruction: &Instruction, callee: &Operand) -> Option<Diagnostic> {
    let invalid = |note: &str| Some(error(module, body, Code::E0122, callee.span, "invalid operand").note(note));
    match (instruction.opcode, callee.kind) {
        (_, OperandKind::FunctionName(_) | OperandKind::Atom) => None,
        (Opcode::Watchdog, _) => invalid("expected function name or atom literal"),
        (Opcode::Process, OperandKind::Register(_)) => invalid("expected function name"),
        (_, OperandKind::Register(_)) => None,
        (_, OperandKind::Label(_)) => {
            Some(error(module, body, Code::E0504, callee.span, "not a valid function name").mark(instruction.mnemonic))
        }
        _ => {
            let message = "invalid operand: expected function name, atom, or register index";
            Some(error(module, body, Code::E0505, callee.span, message))
        }
    }
}

fn is_function_name(operand: &Operand) -> bool {
    matches!(operand.kind, OperandKind::FunctionName(_))
}

/// The frame that is being filled.
struct Frame {
    mnemonic: Span,
    size: u16,
    /// The number of slots that are filled.
    filled: usize,
    /// A slot was filled that is not known.
    has_unknown: bool,
    /// A fault was found: what follows from it is not reported again.
    is_faulty: bool,
}

/// Pass 6: each slot of a frame is filled once.
pub fn gaps(module: &Module, body: &Body, findings: &mut Vec<Diagnostic>) {
    let mut frame: Option<Frame> = None;
    // Slot to number of its frame and place; never cleared, so that a large frame costs nothing later.
    let mut slots: FxHashMap<u16, (u32, Span)> = FxHashMap::default();
    let mut frames = 0_u32;
    for instruction in module.instructions(body) {
        match instruction.opcode {
            Opcode::Frame => {
                frames += 1;
                let size = module.operands(instruction).first().and_then(Operand::register);
                frame = size.and_then(|size| size.number()).map(|size| Frame {
                    mnemonic: instruction.mnemonic,
                    size,
                    filled: 0,
                    has_unknown: false,
                    is_faulty: false,
                });
            }
            Opcode::Copy | Opcode::Move => {
                let target = module.operands(instruction).first();
                if let Some(frame) = &mut frame
                    && let Some(target) = target
                {
                    findings.extend(fill(module, body, instruction, target, frame, frames, &mut slots));
                }
            }
            Opcode::Call | Opcode::Process | Opcode::Defer => {
                let Some(frame) = &mut frame else { continue };
                if frame.is_faulty || frame.has_unknown || frame.filled >= usize::from(frame.size) {
                    continue;
                }
                // A frame of the wrong size has been reported for that.
                let callee = module.operands(instruction).last().filter(|callee| is_function_name(callee));
                if callee.is_some_and(|callee| arity_other_than(&module.name(callee), frame.size).is_some()) {
                    continue;
                }
                frame.is_faulty = true;
                let is_empty = |slot: &u16| slots.get(slot).is_none_or(|(filled_in, _)| *filled_in != frames);
                let empty = (0..frame.size).find(is_empty).unwrap_or_default();
                let place = Entry::place(module.at(instruction.mnemonic), format!("slot {empty} left empty at"));
                findings.push(with_place(error(module, body, Code::E0508, frame.mnemonic, "gap in frame"), place));
            }
            _ => {}
        }
    }
}

fn fill(
    module: &Module,
    body: &Body,
    instruction: &Instruction,
    target: &Operand,
    frame: &mut Frame,
    frames: u32,
    slots: &mut FxHashMap<u16, (u32, Span)>,
) -> Option<Diagnostic> {
    let register = target.register().filter(|register| register.set == RegisterSet::Arguments)?;
    let slot = match (register.mode, register.number()) {
        (AccessMode::Dereference, _) => return None,
        (AccessMode::Indirect, _) | (AccessMode::Direct, None) => {
            frame.has_unknown = true;
            return None;
        }
        (AccessMode::Direct, Some(slot)) => slot,
    };
    let at = instruction.mnemonic;
    if slot >= frame.size {
        frame.is_faulty = true;
        let message = format!("pass to parameter slot {slot} in frame with only {} slots available", frame.size);
        return Some(error(module, body, Code::E0506, at, message));
    }
    match slots.insert(slot, (frames, at)) {
        Some((filled_in, first)) if filled_in == frames => {
            frame.is_faulty = true;
            let finding = error(module, body, Code::E0507, at, format!("double pass to parameter slot {slot}"));
            let finding = with_place(finding.mark(target.span), Entry::place_note(module.at(first), "first pass at"));
            Some(with_place(finding, Entry::place_note(module.at(frame.mnemonic), "in frame spawned at")))
        }
        _ => {
            frame.filled += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{first, short};

    #[test]
    fn frames_and_calls_alternate() {
        assert_eq!(
            first(".function: f/0\ncall void f/0\nreturn\n.end\n"),
            ["2:1: error: call with 'call' without a frame", "1:12: error: in function f/0"]
        );
        assert_eq!(
            short(".function: f/0\nframe %0\nframe %1\ncall void f/0\nreturn\n.end\n"),
            ["3:1: error: excess frame spawned", "2:1: note: unused frame:", "1:12: error: in function f/0",]
        );
        for end in ["return", "leave", "throw %1 local\nreturn"] {
            assert_eq!(
                first(&format!(".block: f\nframe %0\n{end}\n.end\n")),
                ["3:1: error: lost frame at:", "2:1: note: spawned here:", "1:9: error: in block f"]
            );
        }
        assert_eq!(first(".function: [[no_sa]] f/0\nframe %0\nreturn\n.end\n"), [""; 0]);
    }

    #[test]
    fn callees_have_kinds_and_arities() {
        let callee = |instruction: &str| first(&format!(".function: f/0\nframe %0\n{instruction}\nreturn\n.end\n"));
        assert_eq!(callee("call void f"), ["3:11: error: not a valid function name", "1:12: error: in function f/0"]);
        assert_eq!(
            callee("defer 5"),
            [
                "3:7: error: invalid operand: expected function name, atom, or register index",
                "1:12: error: in function f/0"
            ]
        );
        assert_eq!(
            callee("call %1 local"),
            ["3:1: error: not enough operands", "3:1: note: when extracting operand 1", "1:12: error: in function f/0"]
        );
        assert_eq!(callee("defer")[1], "3:1: note: when extracting operand 0");
        assert_eq!(
            callee("process void %1 local"),
            ["3:14: error: invalid operand", "3:14: note: expected function name", "1:12: error: in function f/0"]
        );
        assert_eq!(
            callee("watchdog %1 local"),
            [
                "3:10: error: invalid operand",
                "3:10: note: expected function name or atom literal",
                "1:12: error: in function f/0"
            ]
        );
        assert_eq!(
            callee("call g/2"),
            [
                "3:1: error: invalid number of parameters in call to function g/2: expected 2, got 0",
                "2:1: error: from frame spawned here",
                "1:12: error: in function f/0"
            ]
        );
        for accepted in ["call g/", "call 'atom'", "watchdog g/2", "call void *1 local", "defer @1 local"] {
            assert_eq!(callee(accepted), [""; 0], "{accepted}");
        }
        assert_eq!(
            first(".function: f/0\nframe 5\ncall f/0\nreturn\n.end\n"),
            ["2:7: error: invalid operand", "2:7: note: expected register index", "1:12: error: in function f/0"]
        );
    }

    #[test]
    fn slots_are_filled_once() {
        let body = |lines: &str| first(&format!(".function: f/0\nframe %2\n{lines}\ncall void g/2\nreturn\n.end\n"));
        assert_eq!(
            body("copy %2 arguments %1 local"),
            [
                "3:1: error: pass to parameter slot 2 in frame with only 2 slots available",
                "1:12: error: in function f/0"
            ]
        );
        assert_eq!(
            body("copy %1 arguments %1 local\nmove %1 arguments %1 local"),
            [
                "4:1: error: double pass to parameter slot 1",
                "3:1: note: first pass at",
                "2:1: note: in frame spawned at",
                "1:12: error: in function f/0"
            ]
        );
        assert_eq!(
            body("copy %0 arguments %1 local"),
            ["2:1: error: gap in frame", "4:1: error: slot 1 left empty at", "1:12: error: in function f/0"]
        );
        assert_eq!(body("copy *0 arguments %1 local\ncopy %1 arguments %1 local")[0], "2:1: error: gap in frame");
        assert_eq!(body("copy @0 arguments %1 local"), [""; 0]);
        assert_eq!(first(".function: f/0\nframe %1\ntailcall g/1\n.end\n"), [""; 0]);
    }
}
