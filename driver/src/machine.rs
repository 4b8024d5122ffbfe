//! Running a program: options and environment of the virtual machine (tools.md §9), and what is said when a program
//! cannot be started (modules.md §10). Options win over variables.

use crate::console::Console;
use crate::failure::{Failure, REFUSED};
use crate::modules::load;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use viua_bytecode::Module;
use viua_linker::Search;
use viua_runtime::StartError;

/// What a stack trace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TraceWord {
    /// Text, without the entry frame
    Default,
    /// The entry frame, too
    Full,
    /// One line of JSON
    Json,
}

/// Where a stack trace in JSON goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TraceStream {
    /// Standard output
    Stdout,
    /// Standard error
    Stderr,
}

/// Options of everything that runs a program.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Virtual machine")]
pub struct MachineArgs {
    /// Load this module before the program starts; repeatable (VIUA_IMPORT)
    #[arg(long = "import", value_name = "NAME")]
    pub imports: Vec<String>,
    /// Schedulers of processes (VIUA_PROC_SCHEDULERS; default: one per CPU)
    #[arg(long, value_name = "N")]
    pub schedulers: Option<NonZeroUsize>,
    /// Workers for foreign calls (VIUA_FFI_SCHEDULERS; default: half the CPUs)
    #[arg(long, value_name = "N")]
    pub ffi_schedulers: Option<NonZeroUsize>,
    /// Workers for I/O (VIUA_IO_SCHEDULERS; default: half the CPUs)
    #[arg(long, value_name = "N")]
    pub io_schedulers: Option<NonZeroUsize>,
    /// At most N living processes
    #[arg(long, value_name = "N")]
    pub max_processes: Option<u64>,
    /// At most N messages in a mailbox
    #[arg(long, value_name = "N")]
    pub max_mailbox: Option<u32>,
    /// At most this much memory for all processes: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_memory: Option<u64>,
    /// At most this much memory for each process
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_process_memory: Option<u64>,
    /// At most N reductions (calls, backward jumps) of all processes; then the program is stopped
    #[arg(long, value_name = "N")]
    pub max_reductions: Option<u64>,
    /// At most N milliseconds; then the program is stopped
    #[arg(long, value_name = "N")]
    pub max_time: Option<u64>,
    /// Print figures of the schedulers at the end, and whenever SIGUSR1 comes
    #[arg(long)]
    pub stats: bool,
    /// Write one line for each instruction that is executed to F, or to standard error (VIUA_ENABLE_TRACING)
    #[arg(long, value_name = "F", num_args = 0..=1, require_equals = true, default_missing_value = "/dev/stderr")]
    pub trace: Option<PathBuf>,
    /// How uncaught exceptions are reported (VIUA_STACK_TRACES, VIUA_STACKTRACE_SERIALISATION)
    #[arg(long, value_enum, value_name = "WORD", value_delimiter = ',')]
    pub stack_trace: Vec<TraceWord>,
    /// Where reports in JSON go (VIUA_STACKTRACE_PRINT_TO; default: stdout)
    #[arg(long, value_enum, value_name = "STREAM")]
    pub stack_trace_to: Option<TraceStream>,
}

impl MachineArgs {
    /// These options, and where they say nothing, those that stand further left.
    pub fn over(mut self, left: MachineArgs) -> MachineArgs {
        self.imports.splice(0..0, left.imports);
        self.schedulers = self.schedulers.or(left.schedulers);
        self.ffi_schedulers = self.ffi_schedulers.or(left.ffi_schedulers);
        self.io_schedulers = self.io_schedulers.or(left.io_schedulers);
        self.max_processes = self.max_processes.or(left.max_processes);
        self.max_mailbox = self.max_mailbox.or(left.max_mailbox);
        self.max_memory = self.max_memory.or(left.max_memory);
        self.max_process_memory = self.max_process_memory.or(left.max_process_memory);
        self.max_reductions = self.max_reductions.or(left.max_reductions);
        self.max_time = self.max_time.or(left.max_time);
        self.stats |= left.stats;
        self.trace = self.trace.or(left.trace);
        if self.stack_trace.is_empty() {
            self.stack_trace = left.stack_trace;
        }
        self.stack_trace_to = self.stack_trace_to.or(left.stack_trace_to);
        self
    }
}

/// A number of bytes: `4096`, `64K`, `512M`, `2G`.
fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((index, 'k' | 'K')) => (&text[..index], 10),
        Some((index, 'm' | 'M')) => (&text[..index], 20),
        Some((index, 'g' | 'G')) => (&text[..index], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "not a number of bytes".to_owned())?;
    number.checked_mul(1 << shift).filter(|size| i64::try_from(*size).is_ok()).ok_or_else(|| "too large".to_owned())
}

/// Figures of the machine on standard error.
fn show(stats: &viua_runtime::Stats) {
    // Nobody may be listening.
    let _ = write!(std::io::stderr(), "{stats}");
}

/// Shows figures whenever SIGUSR1 comes.
fn show_on_signal(machine: std::sync::Weak<viua_runtime::Machine>) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGUSR1])?;
    let watch = move || {
        for _ in signals.forever() {
            match machine.upgrade() {
                Some(machine) => show(&machine.stats()),
                None => return,
            }
        }
    };
    std::thread::Builder::new().name("viua-stats".to_owned()).spawn(watch).map(|_| ())
}

/// The numbers that `viua --info` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedulers {
    /// Processors of the machine.
    pub cpus: usize,
    /// For processes.
    pub processes: usize,
    /// For foreign calls.
    pub foreign: usize,
    /// For I/O.
    pub io: usize,
}

/// The numbers of schedulers after options and environment.
pub fn schedulers(options: &MachineArgs, console: &Console) -> Schedulers {
    let cpus = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let number = |given: Option<NonZeroUsize>, variable: &str, default: usize| {
        given.map(NonZeroUsize::get).or_else(|| from_variable(variable, console)).unwrap_or(default)
    };
    Schedulers {
        cpus,
        processes: number(options.schedulers, "VIUA_PROC_SCHEDULERS", cpus),
        foreign: number(options.ffi_schedulers, "VIUA_FFI_SCHEDULERS", (cpus / 2).max(1)),
        io: number(options.io_schedulers, "VIUA_IO_SCHEDULERS", (cpus / 2).max(1)),
    }
}

/// A positive number in a variable; zero and negative ones mean the default, anything else is warned about.
fn from_variable(name: &str, console: &Console) -> Option<usize> {
    let value = std::env::var_os(name)?;
    let text = value.to_string_lossy();
    match leading_number(&text) {
        Some(number) => usize::try_from(number).ok().filter(|number| *number > 0),
        None => {
            console.warning(&format!("{name} is not a number: {text}"));
            None
        }
    }
}

/// The number that a text begins with; what follows the digits is ignored.
fn leading_number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse::<i64>().ok().map(|number| sign * number)
}

/// The modules in a value of `VIUA_IMPORT`: separated by `,`, and by `:` that is not part of `::`.
fn split_imports(value: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let separates = match character {
            ',' => true,
            ':' => characters.peek() != Some(&':'),
            _ => false,
        };
        if separates {
            names.push(String::new());
            continue;
        }
        let name = names.last_mut().expect("there is always a name being read");
        name.push(character);
        if character == ':' {
            characters.next();
            name.push(':');
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn variable_is(name: &str, value: &str) -> bool {
    std::env::var_os(name).is_some_and(|set| set == value)
}

/// Runs a program; its exit code.
pub fn execute(
    module: Module,
    path: &OsStr,
    arguments: &[OsString],
    search: Search,
    options: &MachineArgs,
    console: &Console,
) -> Result<u8, Failure> {
    let (full, json) = match options.stack_trace.as_slice() {
        [] => (variable_is("VIUA_STACK_TRACES", "full"), variable_is("VIUA_STACKTRACE_SERIALISATION", "json")),
        words => (words.contains(&TraceWord::Full), words.contains(&TraceWord::Json)),
    };
    let to_stdout = match options.stack_trace_to {
        Some(stream) => stream == TraceStream::Stdout,
        None => std::env::var_os("VIUA_STACKTRACE_PRINT_TO").is_none_or(|to| to.is_empty() || to == "stdout"),
    };
    let mut preload = split_imports(&std::env::var_os("VIUA_IMPORT").unwrap_or_default().to_string_lossy());
    preload.extend(options.imports.iter().cloned());
    let schedulers = schedulers(options, console);
    console.detail(|| format!("{schedulers:?}, preloaded: {preload:?}"));
    let bytes = |text: &OsStr| text.as_encoded_bytes().to_vec();
    let program = viua_runtime::Program {
        module,
        path: bytes(path),
        arguments: arguments.iter().map(|argument| bytes(argument)).collect(),
    };
    let how = viua_runtime::Options {
        search: Box::new(move |name: &str| load(&search, name)),
        preload,
        report: viua_runtime::ReportOptions { full, json, json_to_stderr: !to_stdout },
        is_terminal: std::io::stdout().is_terminal(),
        schedulers: schedulers.processes,
        limits: viua_runtime::Limits {
            processes: options.max_processes,
            mailbox: options.max_mailbox,
            memory: options.max_memory,
            process_memory: options.max_process_memory,
            reductions: options.max_reductions,
            time: options.max_time.map(std::time::Duration::from_millis),
        },
        ffi_schedulers: schedulers.foreign,
        io_schedulers: schedulers.io,
        trace: trace(options)?,
    };
    let loaded =
        viua_runtime::prepare(program, how).map_err(|error| Failure::Line(not_started(&error, path), REFUSED))?;
    let machine = loaded.machine();
    if options.stats
        && let Err(error) = show_on_signal(std::sync::Arc::downgrade(&machine))
    {
        console.warning(&format!("no figures on SIGUSR1: {error}"));
    }
    let code = loaded.run();
    if options.stats {
        show(&machine.stats());
    }
    // The low eight bits are the exit code.
    Ok((code & 0xff) as u8)
}

/// Where a trace goes, if there is to be one.
fn trace(options: &MachineArgs) -> Result<Option<Box<dyn Write + Send>>, Failure> {
    let to_stderr = || Some(Box::new(std::io::stderr()) as Box<dyn Write + Send>);
    match &options.trace {
        Some(path) if path == Path::new("/dev/stderr") => Ok(to_stderr()),
        Some(path) => match std::fs::File::create(path) {
            Ok(file) => Ok(Some(Box::new(std::io::BufWriter::new(file)))),
            Err(error) => Err(Failure::unable(format!("cannot write {}: {error}", path.display()))),
        },
        None => match std::env::var("VIUA_ENABLE_TRACING").as_deref() {
            Ok("yes" | "true" | "1") => Ok(to_stderr()),
            _ => Ok(None),
        },
    }
}

/// What is said about a program that does not start; the texts bind.
fn not_started(error: &StartError, path: &OsStr) -> String {
    match error {
        StartError::NoEntry => format!("error: not an executable file: {}", path.display()),
        StartError::Import(_) | StartError::Preload(_) => format!("fatal: {error}"),
        StartError::Damaged(_) => format!("error: damaged file: {}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_schedulers_are_read_leniently() {
        assert_eq!(leading_number("4"), Some(4));
        assert_eq!(leading_number(" 4 cores"), Some(4));
        assert_eq!(leading_number("-1"), Some(-1));
        assert_eq!(leading_number("many"), None);
        assert_eq!(leading_number(""), None);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64K"), Ok(65536));
        assert_eq!(size("2g"), Ok(2 << 30));
        assert!(size("").is_err());
        assert!(size("M").is_err());
        assert!(size("-1").is_err());
        assert!(size("99999999999G").is_err());
    }

    #[test]
    fn module_names_keep_their_colons() {
        assert_eq!(split_imports("a:b::c,d"), ["a", "b::c", "d"]);
        assert_eq!(split_imports(":a::b:"), ["a::b"]);
        assert!(split_imports("").is_empty());
    }
}
