//! A trace: one line for each instruction that is executed. Code of a machine that traces is decoded into the one fast
//! operation that writes the line and then executes the generic form; other machines pay nothing.

use crate::code::{Arg, Place};
use crate::machine::lock;
use crate::process::Process;
use std::io::Write;
use std::sync::Mutex;
use viua_isa::Opcode;

/// Where the lines of a trace go.
pub struct Trace {
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Trace {
    /// Lines go there.
    pub fn new(sink: Box<dyn Write + Send>) -> Trace {
        Trace { sink: Mutex::new(sink) }
    }

    /// Whatever is still in buffers is written.
    pub fn flush(&self) {
        // Nobody may be listening.
        let _ = lock(&self.sink).flush();
    }
}

/// `<0.1> main/0 prog.asm:3:5 integer`: process, function or block, position, mnemonic. An instruction that waits, or
/// that will be executed in the next slice, is not counted twice.
pub fn line(p: &Process) {
    let Some(trace) = &p.machine.trace else { return };
    // SAFETY: there is a running frame, whose body stays as long as it does.
    let body = unsafe { &*(*p.fp).body };
    let number = body.number_of(p.ip);
    let Some(cold) = body.cold.get(number) else { return };
    let charged = match cold.opcode {
        Opcode::Call => !matches!(cold.args[1], Arg::Foreign(_)),
        Opcode::Tailcall | Opcode::Enter => true,
        _ => false,
    };
    if p.wait.is_some() || charged && p.reductions <= 0 {
        return;
    }
    let mut line = Vec::new();
    crate::print::pid(p.pid, &mut line);
    let place = match body.place(number as u32) {
        Place::Source { file: Some(file), line, column } => {
            format!("{}:{line}:{column}", String::from_utf8_lossy(file.bytes()))
        }
        Place::Source { file: None, line, column } => format!("{line}:{column}"),
        Place::Number(number) => format!("+{number}"),
    };
    line.extend_from_slice(format!(" {} {place} {}\n", body.name.name(), cold.opcode.mnemonic()).as_bytes());
    let _ = lock(&trace.sink).write_all(&line);
}
