//! The report of an uncaught exception (isa-control.md §12). Written to standard error, or as one line of JSON.

use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::code::{Body, BodyKind, NameSlot, Place};
use crate::machine::Machine;
use crate::print;
use crate::process::{Frame, HEADER, Process};
use crate::value::{Exception, get, resolve};
use std::io::Write;
use std::time::Duration;

/// How long a report waits for what was printed before it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How reports look and where they go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportOptions {
    /// Show the hidden entry frame.
    pub full: bool,
    /// One line of JSON instead of text.
    pub json: bool,
    /// The JSON goes to standard error.
    pub json_to_stderr: bool,
}

/// Longest printed form of a register in the details, in bytes.
const LONGEST_DETAIL: usize = 200;

/// Reports the exception a process has died of. All its frames are still there.
pub fn uncaught(machine: &Machine, p: &mut Process) {
    let Some(Err(exception)) = p.outcome.take() else { return };
    let cell = Cell::boxed(kind::EXCEPTION, exception);
    // SAFETY: just made.
    let exception: &Exception = unsafe { get(cell) };
    let frames = frames(p);
    let mut value = Vec::new();
    print::outer(cell, &mut value);
    let options = machine.report;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let entry = p.has_entry_frame && p.waiting.is_empty();
    if entry && options.full {
        lines.push(b"__entry/0()".to_vec());
    }
    // SAFETY: bodies stay while frames refer to them.
    let shown = frames.iter().rev().filter(|frame| unsafe { !(*(***frame).body).is_stub() });
    lines.extend(shown.map(|frame| frame_line(p, *frame)));
    // A reader that is slow has its chance, and holds nobody up for long.
    machine.output.flush_and_wait(PATIENCE);
    // A closed stream is no reason for a process to die twice.
    let _ = if options.json {
        let line = json(&lines, exception.tag, &value);
        if options.json_to_stderr {
            write(&mut std::io::stderr(), &line)
        } else {
            machine.output.write(&line);
            machine.output.flush();
            Ok(())
        }
    } else {
        write(&mut std::io::stderr(), &text(p, &lines, exception, &value, &frames))
    };
    // SAFETY: the cell is the only owner.
    p.outcome = Some(Err(unsafe { crate::value::into_box(cell) }));
}

fn write(stream: &mut dyn Write, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// The frames of the dying stack, newest first.
fn frames(p: &Process) -> Vec<*mut Frame> {
    let mut frames = Vec::new();
    let mut frame = p.fp;
    loop {
        frames.push(frame);
        // SAFETY: distances lead from frame to frame.
        unsafe {
            match (*frame).delta {
                0 => return frames,
                delta => frame = frame.cast::<Cell>().sub(delta as usize).cast(),
            }
        }
    }
}

/// `outer/2/2(<moved or void>, 2.500000)`.
fn frame_line(p: &Process, frame: *mut Frame) -> Vec<u8> {
    // SAFETY: a frame of the process.
    let (argc, name) = unsafe {
        let name = p.extra_of(frame).and_then(|extra| extra.name).unwrap_or_else(|| p.function_of(frame).name);
        ((*frame).argc as usize, name)
    };
    let mut line = name.name().as_bytes().to_vec();
    line.extend_from_slice(format!("/{argc}(").as_bytes());
    for index in 0..argc {
        if index > 0 {
            line.extend_from_slice(b", ");
        }
        // SAFETY: parameters lie below the header.
        let value = unsafe { *resolve(frame.cast::<Cell>().sub(index + 1)) };
        if value.is_empty() {
            line.extend_from_slice(b"<moved or void>");
        } else {
            print::inner(value, &mut line);
        }
    }
    line.push(b')');
    line
}

fn text(p: &Process, lines: &[Vec<u8>], exception: &Exception, value: &[u8], frames: &[*mut Frame]) -> Vec<u8> {
    let mut out = b"stack trace: from entry point, most recent call last...\n".to_vec();
    for line in lines {
        out.extend_from_slice(b"  ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(b"\nuncaught object: ");
    out.extend_from_slice(exception.tag.bytes());
    if !value.is_empty() {
        out.extend_from_slice(b" = ");
        out.extend_from_slice(value);
    }
    out.extend_from_slice(b"\n\nthrow points:\n");
    for point in exception.throw_points.iter().rev() {
        let place = position(point.body, point.place);
        let block = if point.is_block { format!(", block {}", point.body.name()) } else { String::new() };
        out.extend_from_slice(format!("  {place}: in {}{block}\n", point.function.name()).as_bytes());
    }
    out.extend_from_slice(b"frames:\n");
    for frame in frames {
        // SAFETY: bodies stay while frames refer to them.
        let (body, ip): (&Body, _) = unsafe { (&*(**frame).body, (**frame).ip) };
        let place = position(body.name, body.place(body.number_of(ip) as u32));
        let function = p.function_of(*frame).name.name();
        let block = if body.kind == BodyKind::Block { format!(", block {}", body.name.name()) } else { String::new() };
        out.extend_from_slice(format!("  {place}: {function}{block}\n").as_bytes());
    }
    if let Some(newest) = frames.first() {
        details(p, *newest, &mut out);
    }
    ancestry(p, &mut out);
    out
}

/// `prog.asm:12:5`, or `f/1+3` without a line table.
fn position(body: &NameSlot, place: Place) -> String {
    match place {
        Place::Source { file: Some(file), line, column } => {
            format!("{}:{line}:{column}", String::from_utf8_lossy(file.bytes()))
        }
        Place::Source { file: None, line, column } => format!("{line}:{column}"),
        Place::Number(number) => format!("{}+{number}", body.name()),
    }
}

/// The non-empty registers and parameters of the newest frame.
fn details(p: &Process, frame: *mut Frame, out: &mut Vec<u8>) {
    let mut found = Vec::new();
    let mut list = |set: &str, index: usize, cell: *mut Cell| {
        // SAFETY: a register of the process.
        let value = unsafe { *resolve(cell) };
        if value.is_empty() {
            return;
        }
        let mut form = Vec::new();
        print::inner(value, &mut form);
        // The form of a value may hold line ends, and no line may look like one of the report.
        let form = String::from_utf8_lossy(&form).escape_debug().to_string();
        let cut = form.char_indices().nth(LONGEST_DETAIL).map_or(form.len(), |(at, _)| at);
        let more = if cut < form.len() { "…" } else { "" };
        let kind = String::from_utf8_lossy(crate::value::type_name(value)).escape_debug().to_string();
        found.extend_from_slice(format!("  %{index} {set}: {kind} {}{more}\n", &form[..cut]).as_bytes());
    };
    // SAFETY: a frame of the process: parameters lie below its header, locals behind it or in the closure.
    unsafe {
        for index in 0..(*frame).argc as usize {
            list("parameters", index, frame.cast::<Cell>().sub(index + 1));
        }
        let (base, count) = match p.extra_of(frame).and_then(|extra| extra.closure.as_ref()) {
            Some(registers) => (registers.base(), registers.len()),
            None => (frame.cast::<Cell>().add(HEADER), (*frame).locals as usize),
        };
        for index in 0..count {
            list("local", index, base.add(index));
        }
    }
    if !found.is_empty() {
        out.extend_from_slice(b"frame details:\n");
        out.extend_from_slice(&found);
    }
}

/// The process and those that started it, the process itself first. The main process has nothing to tell.
fn ancestry(p: &Process, out: &mut Vec<u8>) {
    let ancestry = p.machine.scheduler.ancestry(p.pid);
    if ancestry.len() < 2 {
        return;
    }
    out.extend_from_slice(b"process ancestry:\n");
    for (function, pid) in ancestry {
        out.extend_from_slice(format!("  {} ", function.map_or("<forgotten>", |name| name.name())).as_bytes());
        print::pid(pid, out);
        out.push(b'\n');
    }
}

/// One line, no blanks outside strings.
fn json(lines: &[Vec<u8>], tag: Atom, value: &[u8]) -> Vec<u8> {
    let mut out = b"{\"trace\":[".to_vec();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_string(line, &mut out);
    }
    out.extend_from_slice(b"],\"uncaught\":{\"type\":");
    json_string(tag.bytes(), &mut out);
    out.extend_from_slice(b",\"value\":");
    json_string(value, &mut out);
    out.extend_from_slice(b"},\"frame\":{}}\n");
    out
}

fn json_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for c in String::from_utf8_lossy(bytes).chars() {
        let escaped = match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c < ' ' => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        };
        out.extend_from_slice(escaped.as_bytes());
    }
    out.push(b'"');
}
