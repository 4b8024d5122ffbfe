//! A virtual machine: the names its code knows, the modules it has loaded, its processes, its output.

use crate::cell::{Cell, kind};
use crate::code::{Body, NameSlot};
use crate::decode::{DecodeFault, decode};
use crate::ffi::load::{NativeExport, NativeModule};
use crate::ffi::{self, Entry, Export, Foreign};
use crate::output::Output;
use crate::pool::Pool;
use crate::raise::Raise;
use crate::report::ReportOptions;
use crate::scheduler::Scheduler;
use crate::scheduler::stats::{ProcessInfo, Stats};
use crate::value::{Vector, release, truth};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::hash_map::Entry as MapEntry;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use viua_bytecode::Module;

/// Why a module cannot be loaded: the tag and text of the exception that `import` raises (modules.md §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// `LinkException`.
    pub tag: String,
    /// `failed to locate module: …` and the like.
    pub text: String,
}

/// A module that was found.
pub enum Found {
    /// A verified library.
    Library(Box<Module>),
    /// A native module that comes with the machine.
    Native(&'static [Export]),
    /// A native module in a file.
    SharedObject(PathBuf),
}

/// A module that is ready to be used: nothing more can go wrong.
enum Ready {
    Library(Box<Module>),
    Native(Vec<(String, Entry, bool)>),
}

/// How modules are found: from a module name to the module.
pub type Search = dyn Fn(&str) -> Result<Found, LoadError> + Send + Sync;

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
    /// Threads for I/O that are kept ready; shared by all machines, the first one decides.
    pub io_schedulers: usize,
}

impl Default for Options {
    /// One thread of each kind, no limits, and no modules to be found.
    fn default() -> Options {
        let search = |name: &str| {
            let text = format!("failed to locate module: {name}");
            Err(LoadError { tag: "LinkException".to_owned(), text })
        };
        Options {
            search: Box::new(search),
            preload: Vec::new(),
            report: ReportOptions::default(),
            is_terminal: false,
            schedulers: 1,
            limits: Limits::default(),
            ffi_schedulers: 1,
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
}

impl Limits {
    /// Whether memory has to be counted.
    pub fn have_memory(&self) -> bool {
        self.memory.is_some() || self.process_memory.is_some()
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

#[derive(Default)]
struct Names {
    slots: FxHashMap<&'static str, &'static NameSlot>,
    /// Names that the program itself defines, functions and blocks apart: no import replaces them (modules.md §9).
    own: FxHashSet<(u32, bool)>,
    /// Everything that must be given back with the machine.
    bodies: Vec<*mut Body>,
    foreign: Vec<*mut Foreign>,
}

// SAFETY: bodies are made here, never change, and are given back when the machine is dropped.
unsafe impl Send for Names {}

/// A virtual machine.
pub struct Machine {
    names: Mutex<Names>,
    /// Its number among those of this operating system process.
    pub id: u64,
    natives: Mutex<FxHashMap<String, NativeModule>>,
    /// Modules that are loaded; held while one is being loaded, so that imports happen one after the other.
    loaded: Mutex<FxHashSet<String>>,
    search: Box<Search>,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
            loaded: Mutex::default(),
            search: options.search,
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
    pub(crate) fn call(self: &Arc<Machine>, body: &'static Body, arguments: Vec<Cell>) -> Result<Cell, Raise> {
        let outcome = Scheduler::call(self, body, arguments);
        self.output.flush();
        outcome
    }

    /// Registers a foreign function.
    pub(crate) fn provide(&self, name: &str, entry: Entry, is_quick: bool) {
        lock(&self.names).define_foreign(name, Foreign::new(entry, is_quick));
    }

    /// Loads a module if it is not loaded yet.
    pub(crate) fn import_once(&self, name: &str) -> Result<(), LoadError> {
        let is_loaded = lock(&self.loaded).contains(name);
        if is_loaded { Ok(()) } else { self.import(name) }
    }

    /// The slot of a name; made if nobody has named it before.
    pub fn slot(&self, name: &str) -> &'static NameSlot {
        lock(&self.names).slot(name)
    }

    /// Loads the code of a module. `own`: it is the program itself.
    pub(crate) fn define(&self, module: &Module, own: bool) -> Result<(), DecodeFault> {
        let mut names = lock(&self.names);
        let bodies = decode(module, &mut |name| names.slot(name))?;
        for body in bodies {
            let body = Box::into_raw(Box::new(body));
            names.bodies.push(body);
            // SAFETY: bodies live as long as the machine.
            let body: &'static Body = unsafe { &*body };
            let key = (body.name.id, body.kind == crate::code::BodyKind::Block);
            if own {
                names.own.insert(key);
            } else if names.own.contains(&key) {
                continue;
            }
            body.name.define(body);
        }
        Ok(())
    }

    /// Loads what is native; that is done once for each module.
    fn make_ready(&self, name: &str, found: Found) -> Result<Ready, LoadError> {
        Ok(match found {
            Found::Library(module) => Ready::Library(module),
            Found::Native(exports) => {
                let export =
                    |export: &Export| (export.name.to_owned(), Entry::Native(export.function), export.is_quick);
                Ready::Native(exports.iter().map(export).collect())
            }
            Found::SharedObject(path) => {
                let mut natives = lock(&self.natives);
                let native = match natives.entry(name.to_owned()) {
                    MapEntry::Occupied(native) => native.into_mut(),
                    MapEntry::Vacant(place) => place.insert(ffi::load::load(name, &path)?),
                };
                let export = |export: &NativeExport| (export.name.clone(), export.entry, export.is_quick);
                Ready::Native(native.exports.iter().map(export).collect())
            }
        })
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

    /// Loads a module with its dynamic imports, dependencies first; loads the module itself again if it is loaded
    /// already (modules.md §6). A failing import changes nothing.
    pub fn import(&self, name: &str) -> Result<(), LoadError> {
        let mut loaded = lock(&self.loaded);
        let mut order: Vec<(String, Ready)> = Vec::new();
        let mut known: FxHashSet<String> = FxHashSet::default();
        // Depth first without recursion: a module is put into the order when its dependencies have been.
        let mut open: Vec<(String, Ready, Vec<String>)> = Vec::new();
        let find = |name: &str| -> Result<(String, Ready, Vec<String>), LoadError> {
            let ready = self.make_ready(name, (self.search)(name)?)?;
            let needs = match &ready {
                Ready::Library(module) => module.imports.iter().rev().map(|id| module.name(*id).to_owned()).collect(),
                Ready::Native(_) => Vec::new(),
            };
            Ok((name.to_owned(), ready, needs))
        };
        known.insert(name.to_owned());
        open.push(find(name)?);
        while let Some((_, _, needs)) = open.last_mut() {
            match needs.pop() {
                Some(need) => {
                    if !loaded.contains(&need) && known.insert(need.clone()) {
                        open.push(find(&need)?);
                    }
                }
                None => order.extend(open.pop().map(|(name, module, _)| (name, module))),
            }
        }
        for (name, ready) in order {
            match ready {
                Ready::Library(module) => self.define(&module, false).map_err(|fault| LoadError {
                    tag: "LinkException".to_owned(),
                    text: format!("damaged file: {name}: {fault}"),
                })?,
                Ready::Native(exports) => {
                    exports.into_iter().for_each(|(name, entry, is_quick)| self.provide(&name, entry, is_quick));
                }
            }
            loaded.insert(name);
        }
        Ok(())
    }
}

impl Names {
    fn slot(&mut self, name: &str) -> &'static NameSlot {
        if let Some(slot) = self.slots.get(name) {
            return slot;
        }
        let slot: &'static NameSlot = Box::leak(Box::new(NameSlot::new(name, self.slots.len() as u32)));
        self.slots.insert(slot.name(), slot);
        slot
    }

    /// Registers a foreign function; earlier ones of the same name are kept for those that are inside them.
    fn define_foreign(&mut self, name: &str, foreign: Foreign) {
        let slot = self.slot(name);
        // A module may be imported any number of times.
        if slot.foreign().is_some_and(|known| known.is_same(&foreign)) {
            return;
        }
        let foreign = Box::into_raw(Box::new(foreign));
        self.foreign.push(foreign);
        // SAFETY: foreign functions live as long as the machine.
        slot.define_foreign(unsafe { &*foreign });
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Processes and messages refer to slots and bodies: they go first.
        self.scheduler.clear();
        let names = self.names.get_mut().unwrap_or_else(PoisonError::into_inner);
        for body in names.bodies.drain(..) {
            // SAFETY: made by `define`; nothing refers to it any more.
            drop(unsafe { Box::from_raw(body) });
        }
        for foreign in names.foreign.drain(..) {
            // SAFETY: made by `define_foreign`; nothing refers to it any more.
            drop(unsafe { Box::from_raw(foreign) });
        }
        for (_, slot) in names.slots.drain() {
            // SAFETY: made by `slot`; nothing refers to it any more.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(slot).cast_mut()) });
        }
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
        let code = Scheduler::run_program(&self.machine, self.body, std::mem::take(&mut self.arguments));
        self.machine.output.flush();
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
    machine.define(&module, true)?;
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
