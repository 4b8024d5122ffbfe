//! A virtual machine: the names its code knows, the modules it has loaded, its processes, its output.

use crate::cell::{Cell, kind};
use crate::code::{Body, NameSlot};
use crate::decode::DecodeFault;
use crate::ffi::Entry;
use crate::ffi::load::NativeModule;
use crate::import::{Imports, Search};
use crate::names::{CodeStats, Definitions, Names};
use crate::output::Output;
use crate::pool::Pool;
use crate::raise::Raise;
use crate::report::ReportOptions;
use crate::scheduler::Scheduler;
use crate::scheduler::stats::{ProcessInfo, Stats};
use crate::trace::Trace;
use crate::value::{Vector, release, truth};
use rustc_hash::FxHashMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use viua_bytecode::Module;

/// What a machine is made with.
pub struct Options {
    /// How modules are found.
    pub search: Box<Search>,
    /// Modules to load before the program starts, in order.
    pub preload: Vec<String>,
    /// How uncaught exceptions are reported.
    pub report: ReportOptions,
    /// Standard output is a terminal: `print` shows every line at once.
    pub is_terminal: bool,
    /// Threads that run processes.
    pub schedulers: usize,
    /// Bounds.
    pub limits: Limits,
    /// Threads for foreign calls that are kept ready.
    pub ffi_schedulers: usize,
    /// Where one line for each instruction that is executed goes, if anywhere. Makes everything slower.
    pub trace: Option<Box<dyn Write + Send>>,
    /// Threads for I/O that are kept ready; shared by all machines, the first one decides.
    pub io_schedulers: usize,
}

impl Default for Options {
    /// One thread of each kind, no limits, and no modules to be found.
    fn default() -> Options {
        let search = |name: &str| Err(crate::import::LoadError::link(format!("failed to locate module: {name}")));
        Options {
            search: Box::new(search),
            preload: Vec::new(),
            report: ReportOptions::default(),
            is_terminal: false,
            schedulers: 1,
            limits: Limits::default(),
            ffi_schedulers: 1,
            trace: None,
            io_schedulers: 1,
        }
    }
}

/// Bounds that a program cannot exceed: it gets a `Limit` exception where it tries (runtime.md §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Living processes.
    pub processes: Option<u64>,
    /// Messages in a mailbox.
    pub mailbox: Option<u32>,
    /// Bytes of all processes together.
    pub memory: Option<u64>,
    /// Bytes of one process.
    pub process_memory: Option<u64>,
    /// Reductions of all processes together: calls, backward jumps, and what else takes time in proportion. Where this
    /// is exceeded the machine stops: no process goes on, and none can catch it.
    pub reductions: Option<u64>,
    /// How long the program may take, waiting included. Where this is exceeded the machine stops; a foreign function
    /// is waited for.
    pub time: Option<Duration>,
}

impl Limits {
    /// Whether memory has to be counted.
    pub fn have_memory(&self) -> bool {
        self.memory.is_some() || self.process_memory.is_some()
    }
    /// Whether the machine may have to stop.
    pub fn have_end(&self) -> bool {
        self.reductions.is_some() || self.time.is_some()
    }
}

/// A program to run.
pub struct Program {
    /// A verified program.
    pub module: Module,
    /// Its path as given, which `main` receives.
    pub path: Vec<u8>,
    /// Its arguments.
    pub arguments: Vec<Vec<u8>>,
}

/// Why a program does not start (modules.md §10).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// It has no entry point.
    #[error("not an executable file")]
    NoEntry,
    /// A declared import cannot be loaded.
    #[error("kernel initialisation fault: {0}")]
    Import(String),
    /// A module to preload cannot be loaded.
    #[error("preload: {0}")]
    Preload(String),
    /// The module was not verified.
    #[error("{0}")]
    Damaged(#[from] DecodeFault),
}

/// A virtual machine.
pub struct Machine {
    pub(crate) names: Mutex<Names>,
    /// Its number among those of this operating system process.
    pub id: u64,
    pub(crate) natives: Mutex<FxHashMap<String, NativeModule>>,
    pub(crate) imports: Mutex<Imports>,
    pub(crate) search: Box<Search>,
    /// Where instructions are told of.
    pub(crate) trace: Option<Trace>,
    /// Standard output.
    pub output: Output,
    /// Where foreign functions run.
    pub foreign: Pool,
    /// The processes.
    pub scheduler: Scheduler,
    /// How uncaught exceptions are reported.
    pub report: ReportOptions,
}

/// All machines, so that modules can send messages from any thread.
static MACHINES: Mutex<Vec<(u64, Weak<Machine>)>> = Mutex::new(Vec::new());
static LAST_MACHINE: AtomicU64 = AtomicU64::new(0);

/// Locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done behind a panic here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    pub(crate) fn new(options: Options) -> Arc<Machine> {
        crate::io::set_workers(options.io_schedulers);
        let id = LAST_MACHINE.fetch_add(1, Ordering::Relaxed) + 1;
        let machine = Arc::new(Machine {
            id,
            natives: Mutex::default(),
            names: Mutex::default(),
            imports: Mutex::default(),
            search: options.search,
            trace: options.trace.map(Trace::new),
            output: Output::new(options.is_terminal),
            foreign: Pool::new("viua-ffi", options.ffi_schedulers),
            scheduler: Scheduler::new(options.schedulers, options.limits),
            report: options.report,
        });
        Machine::announce(&machine);
        machine
    }

    /// Lets modules find the machine from any thread.
    fn announce(machine: &Arc<Machine>) {
        let mut machines = lock(&MACHINES);
        machines.retain(|(_, machine)| machine.strong_count() > 0);
        machines.push((machine.id, Arc::downgrade(machine)));
    }

    /// All processes have ended, and all calls with them: nothing of the machine is left to other threads.
    pub(crate) fn shut_down(&self) {
        drop(lock(&self.imports).abandon());
        self.trace.iter().for_each(Trace::flush);
        self.foreign.stop();
        lock(&self.natives).values().for_each(NativeModule::unload);
    }

    /// Makes the machine as if nothing had run in it yet; modules stay.
    pub(crate) fn renew(machine: &mut Arc<Machine>, schedulers: usize, limits: Limits) {
        let id = machine.id;
        // Nobody can find the machine meanwhile; whoever has found it before lets go of it soon.
        lock(&MACHINES).retain(|(found, _)| *found != id);
        loop {
            if let Some(machine) = Arc::get_mut(machine) {
                machine.scheduler.clear();
                machine.scheduler = Scheduler::new(schedulers, limits);
                break;
            }
            std::thread::yield_now();
        }
        Machine::announce(machine);
    }

    /// Calls a function in a process of its own, until all processes have ended.
    pub(crate) fn call(self: &Arc<Machine>, function: &'static NameSlot, arguments: Vec<Cell>) -> Result<Cell, Raise> {
        let outcome = Scheduler::call(self, function, arguments);
        self.output.finish();
        outcome
    }

    /// Registers a foreign function.
    pub(crate) fn provide(&self, name: &str, entry: Entry, is_quick: bool) {
        self.define(vec![Definitions::Foreign(vec![(name.to_owned(), entry, is_quick)])]);
    }

    /// The slot of a name; made if nobody has named it before.
    pub fn slot(&self, name: &str) -> &'static NameSlot {
        lock(&self.names).slot(name)
    }

    /// The machine with that number, if it is still there.
    pub fn find(id: u64) -> Option<Arc<Machine>> {
        let machines = lock(&MACHINES);
        machines.iter().find(|(found, _)| *found == id).and_then(|(_, machine)| machine.upgrade())
    }

    /// The number of the machine, if there is just one.
    pub fn only() -> Option<u64> {
        let machines = lock(&MACHINES);
        let mut alive = machines.iter().filter(|(_, machine)| machine.strong_count() > 0).map(|(id, _)| *id);
        alive.next().filter(|_| alive.next().is_none())
    }

    /// Sends a message from outside of all processes; it is destroyed if nobody is there.
    pub fn deliver(&self, pid: u64, message: Cell) {
        if let Err(message) = self.scheduler.post(pid, message) {
            release(&mut crate::heap::Heap::default(), message);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Processes and messages refer to names and code: they go first.
        self.scheduler.clear();
    }
}

fn string(bytes: Vec<u8>) -> Cell {
    Cell::boxed(kind::STRING, Box::new(bytes))
}

fn vector(strings: impl IntoIterator<Item = Vec<u8>>) -> Cell {
    let elements = strings.into_iter().map(string).collect();
    Cell::boxed(kind::VECTOR, Box::new(Vector::of(elements)))
}

/// A machine with a program that is loaded and has not begun.
pub struct Loaded {
    machine: Arc<Machine>,
    body: &'static Body,
    arguments: Vec<Cell>,
}

/// Runs a program to its end: until all of its processes have ended. Returns its exit code (isa-control.md §11).
pub fn run(program: Program, options: Options) -> Result<i32, StartError> {
    Ok(prepare(program, options)?.run())
}

impl Loaded {
    /// The machine, to watch it while it runs.
    pub fn machine(&self) -> Arc<Machine> {
        self.machine.clone()
    }

    /// Runs the program to its end: until all of its processes have ended. Returns its exit code.
    pub fn run(mut self) -> i32 {
        let code = Scheduler::run_program(&self.machine, self.body.name, std::mem::take(&mut self.arguments));
        if let Some(text) = self.machine.scheduler.exceeded() {
            self.machine.output.finish();
            // A closed stream is no reason to say more.
            let _ = writeln!(std::io::stderr(), "fatal: Limit = {text}");
        }
        self.machine.output.finish();
        self.machine.shut_down();
        code
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        for argument in self.arguments.drain(..) {
            release(&mut crate::heap::Heap::default(), argument);
        }
    }
}

impl Machine {
    /// Figures about what the machine has done and does.
    pub fn stats(&self) -> Stats {
        self.scheduler.stats()
    }

    /// How much code it has. O(names).
    pub fn code(&self) -> CodeStats {
        lock(&self.names).stats()
    }

    /// The processes that there are: that are alive, or have an outcome nobody has joined.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.scheduler.processes()
    }
}

/// Makes a machine and loads a program into it.
pub fn prepare(program: Program, options: Options) -> Result<Loaded, StartError> {
    let module = program.module;
    let Some(entry) = module.symbols.get(module.entry as usize) else {
        return Err(StartError::NoEntry);
    };
    let entry = module.name(entry.name).to_owned();
    let preload = options.preload.clone();
    let machine = Machine::new(options);
    machine.define(vec![Definitions::Own(machine.decode(&module)?)]);
    for id in &module.imports {
        let name = module.name(*id);
        machine.import_once(name).map_err(|error| StartError::Import(error.text))?;
    }
    for name in &preload {
        machine.import(name).map_err(|error| StartError::Preload(error.text))?;
    }
    // SAFETY: the program has just been defined, so the slot of its entry point holds a body.
    let Some(body) = (unsafe { machine.slot(&entry).function().as_ref() }) else {
        return Err(StartError::NoEntry);
    };
    let arguments = match entry.as_str() {
        "main/1" => vec![vector([program.path].into_iter().chain(program.arguments))],
        "main/2" => vec![string(program.path), vector(program.arguments)],
        _ => Vec::new(),
    };
    Ok(Loaded { machine, body, arguments })
}

/// The exit code of a program whose main process ended with this result.
pub fn exit_code(result: Cell, after_watchdog: bool) -> i32 {
    let code = match result.kind() {
        kind::INTEGER => i32::from(result.as_integer() as u8),
        kind::EMPTY => i32::from(!after_watchdog),
        _ => i32::from(!truth(result)),
    };
    release(&mut crate::heap::Heap::default(), result);
    code
}
