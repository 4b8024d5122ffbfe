//! The text form of the IR: canonical assembly that lowers to the same IR again. Wrapped instructions have lines of
//! their own, inline blocks are definitions, register sets and defaults are written out, names of registers are
//! numbers; the number of each instruction stands behind it in a comment.

use crate::module::{Body, Instruction, Module, Operand, OperandKind, Origin, Register, RegisterIndex};
use std::fmt::Write;
use viua_isa::Forms;

/// The text form of a module.
pub fn print(module: &Module) -> String {
    let mut text = String::with_capacity(module.source.len() * 2);
    for meta in &module.meta {
        let _ = writeln!(text, ".info: {} {}", module.lossy(meta.key), module.lossy(meta.value));
    }
    for signature in &module.signatures {
        let _ = writeln!(text, ".signature: {}", module.lossy(signature.name));
    }
    for signature in &module.block_signatures {
        let _ = writeln!(text, ".bsignature: {}", module.lossy(signature.name));
    }
    for import in &module.imports {
        let mode = match (import.is_static, import.is_dynamic) {
            (true, _) => "[[static]] ",
            (false, true) => "[[dynamic]] ",
            (false, false) => "",
        };
        let _ = writeln!(text, ".import: {mode}{}", module.lossy(import.name));
    }
    for body in &module.bodies {
        if !text.is_empty() {
            text.push('\n');
        }
        print_body(module, body, &mut text);
    }
    text
}

fn print_body(module: &Module, body: &Body, text: &mut String) {
    let attribute = if body.no_sa { "[[no_sa]] " } else { "" };
    let _ = writeln!(text, ".{}: {attribute}{}", body.kind.name(), body.name);
    let instructions = module.instructions(body);
    // A name that could not be resolved where it stands might be resolved by a directive that has moved.
    let keeps_names = !instructions.iter().any(|instruction| {
        let is_unresolved = |register: Register| register.index == RegisterIndex::Unresolved;
        module.operands(instruction).iter().any(|operand| operand.register().is_some_and(is_unresolved))
    });
    let mut names = module.register_names(body).iter().filter(|_| keeps_names).peekable();
    let mut markers = module.markers(body).iter().peekable();
    for number in 0..=instructions.len() as u32 {
        while let Some(name) = names.next_if(|name| name.at <= number) {
            let _ = writeln!(text, "    .name: %{} {}", name.index, module.lossy(name.name));
        }
        while let Some(marker) = markers.next_if(|marker| marker.at <= number) {
            let _ = writeln!(text, "    .mark: {}", module.lossy(marker.label));
        }
        if let Some(instruction) = instructions.get(number as usize) {
            let line = instruction_text(module, instruction);
            let _ = writeln!(text, "    {line:<44} ; {number}");
        }
    }
    text.push_str(".end\n");
}

/// An instruction in canonical form.
pub fn instruction_text(module: &Module, instruction: &Instruction) -> String {
    let row = instruction.opcode.row();
    let mut text = row.mnemonic.to_owned();
    for (operand, spec) in module.operands(instruction).iter().zip(row.operands) {
        text.push(' ');
        match operand.kind {
            OperandKind::Register(register) if spec.forms == Forms::INDEX => match register.index {
                RegisterIndex::Number(number) => {
                    let _ = write!(text, "%{number}");
                }
                RegisterIndex::Unresolved => text.push_str(&module.spelling(operand)),
            },
            OperandKind::Register(register) => {
                let _ = write!(text, "{} {}", module.spelling(operand), register.set.name());
            }
            _ => text.push_str(&module.spelling(operand)),
        }
        if is_maybe_unused(operand) {
            text.push_str(" [[maybe_unused]]");
        }
    }
    text
}

fn is_maybe_unused(operand: &Operand) -> bool {
    operand.maybe_unused && operand.origin != Origin::Inserted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lowered;

    #[test]
    fn short_forms_are_written_out() {
        let text = |line: &str| {
            let module = lowered(&format!(".function: f/0\n.name: %7 seven\n{line}\n.end\n"));
            let lines: Vec<_> =
                module.instructions.iter().map(|instruction| instruction_text(&module, instruction)).collect();
            lines.join("; ")
        };
        let cases = [
            ("add %1 static %2", "add %1 static %1 static %2 static"),
            ("add %3 static %1 local %2", "add %3 static %1 local %2 static"),
            ("not *1", "not *1 local *1 local"),
            ("integer %1", "integer %1 local 0"),
            ("integer %1 static default", "integer %1 static 0"),
            ("integer %1 local iota", "integer %1 local 1"),
            ("float %1 default", "float %1 local 0.0"),
            ("text %seven", "text %7 local \"\""),
            ("text %1 % seven", "text %1 local %7 local"),
            ("string %1 static default", "string %1 static \"\""),
            ("vector %1 global", "vector %1 global %0 global %0"),
            ("vinsert %1 %2", "vinsert %1 local %2 local void"),
            ("vpop void %1", "vpop void %1 local void"),
            ("capture %1 %2", "capture %1 local %2 %2 local"),
            ("capture %1 %2 local", "capture %1 local %2 local"),
            ("frame", "frame %0"),
            ("frame *3 global", "frame %3"),
            ("call f/0", "call void f/0"),
            ("call %1 f/0", "call %1 local f/0"),
            ("call default %1", "call void %1 local"),
            ("call %1", "call %1 local"),
            ("call", "call void"),
            ("process f/0", "process void f/0"),
            ("join default %1", "join void %1 local infinity"),
            ("join", "join"),
            ("receive", "receive"),
            ("receive void default", "receive void infinity"),
            ("io_wait %1 %2 1s", "io_wait %1 local %2 local 1s"),
            ("if %1 2", "if %1 local 2 +1"),
            ("move void %1", "move void %1 local"),
            ("move %1 static %2", "move %1 static %2 static"),
            ("bits %1 static %2", "bits %1 static %2 static"),
            ("integer %iota [[maybe_unused]] 5", "integer %1 local [[maybe_unused]] 5"),
            ("print %unknown", "print %unknown local"),
        ];
        for (short, canonical) in cases {
            assert_eq!(text(short), canonical, "{short}");
        }
    }

    #[test]
    fn wrapped_instructions_get_lines_of_their_own() {
        let text = |line: &str| {
            let module = lowered(&format!(".function: f/0\n{line}\n.end\n"));
            let lines: Vec<_> =
                module.instructions.iter().map(|instruction| instruction_text(&module, instruction)).collect();
            lines.join("; ")
        };
        let cases = [
            ("print (text %1 local \"x\") local", "text %1 local \"x\"; print %1 local"),
            ("not (not (izero %1))", "izero %1 local; not %1 local %1 local; not %1 local %1 local"),
            ("add %3 (izero %1) (izero %2) static", "izero %1 local; izero %2 local; add %3 local %1 local %2 static"),
            ("integer (.name: %iota n) static 5", "integer %1 static 5"),
            ("print *(ptr %2 (copy %1 %n))", "copy %1 local %n local; ptr %2 local %1 local; print *2 local"),
            ("print (copy *(izero %1) %3)", "izero %1 local; copy *1 local %3 local; print *1 local"),
            (
                "add %1 %1 ^(idec %2 ^(iinc %3)) ^(idec %4)",
                "add %1 local %1 local %2 local; idec %2 local %3 local; iinc %3 local; idec %4 local",
            ),
            ("frame [(izero %1) (izero %2)]", "izero %1 local; izero %2 local; frame %2"),
            ("frame ^[(izero %1) (izero %2)]", "frame %2; izero %1 local; izero %2 local"),
            ("frame []", "frame %0"),
            (
                "vector %1 %iota [(izero %iota) (izero %iota)]",
                "izero %0 local; izero %1 local; vector %1 local %1 local %2",
            ),
        ];
        for (written, flat) in cases {
            // `idec` takes one operand: the second is surplus and only shows its instruction.
            assert_eq!(text(written), flat.replace("idec %2 local %3 local", "idec %2 local"), "{written}");
        }
    }

    #[test]
    fn what_is_printed_lowers_to_the_same() {
        let module = lowered(
            ".info: a \"b\"\n.signature: g/0\n.bsignature: s\n.import: [[dynamic]] m\n\
             .function: [[no_sa]] main/0\n.name: %1 x\ntry\ncatch 'T' .block: h\n.name: %2 x\ndraw %x\nleave\n.end\n\
             enter s\n.mark: a\n.mark: a\nif %x a\nif %x +0 -1\njump 3\nprint %y\nreturn\n.end\n\
             .closure: c/0\nprint (text %iota \"x\\n\")\nreturn\n.end\n",
        );
        let text = print(&module);
        assert_eq!(print(&lowered(&text)), text, "{text}");
        assert!(text.contains(".block: main/0__nested__h\n    .name: %2 x\n    draw %2 local"), "{text}");
        assert!(text.contains("    catch 'T' main/0__nested__h"), "{text}");
    }
}
