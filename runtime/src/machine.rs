//! A virtual machine: the names its code knows, the modules it has loaded, its processes, its output.

use crate::cell::{Cell, kind};
use crate::code::{Body, NameSlot};
use crate::decode::{DecodeFault, decode};
use crate::output::Output;
use crate::report::ReportOptions;
use crate::scheduler::Scheduler;
use crate::value::{Vector, release, truth};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use viua_bytecode::Module;

/// Why a module cannot be loaded: the tag and text of the exception that `import` raises (modules.md §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// `LinkException`.
    pub tag: String,
    /// `failed to locate module: …` and the like.
    pub text: String,
}

/// How modules are found: from a module name to the library.
pub type Search = dyn Fn(&str) -> Result<Module, LoadError> + Send + Sync;

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
}

// SAFETY: bodies are made here, never change, and are given back when the machine is dropped.
unsafe impl Send for Names {}

/// A virtual machine.
pub struct Machine {
    names: Mutex<Names>,
    /// Modules that are loaded; held while one is being loaded, so that imports happen one after the other.
    loaded: Mutex<FxHashSet<String>>,
    search: Box<Search>,
    /// Standard output.
    pub output: Output,
    /// The processes.
    pub scheduler: Scheduler,
    /// How uncaught exceptions are reported.
    pub report: ReportOptions,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done behind a panic here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    fn new(search: Box<Search>, is_terminal: bool, report: ReportOptions) -> Arc<Machine> {
        Arc::new(Machine {
            names: Mutex::default(),
            loaded: Mutex::default(),
            search,
            output: Output::new(is_terminal),
            scheduler: Scheduler::default(),
            report,
        })
    }

    /// The slot of a name; made if nobody has named it before.
    pub fn slot(&self, name: &str) -> &'static NameSlot {
        lock(&self.names).slot(name)
    }

    /// Loads the code of a module. `own`: it is the program itself.
    fn define(&self, module: &Module, own: bool) -> Result<(), DecodeFault> {
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

    /// Loads a module with its dynamic imports, dependencies first; loads the module itself again if it is loaded
    /// already (modules.md §6). A failing import changes nothing.
    pub fn import(&self, name: &str) -> Result<(), LoadError> {
        let mut loaded = lock(&self.loaded);
        let mut order: Vec<(String, Module)> = Vec::new();
        let mut known: FxHashSet<String> = FxHashSet::default();
        // Depth first without recursion: a module is put into the order when its dependencies have been.
        let mut open: Vec<(String, Module, Vec<String>)> = Vec::new();
        let find = |name: &str| -> Result<(String, Module, Vec<String>), LoadError> {
            let module = (self.search)(name)?;
            let needs = module.imports.iter().rev().map(|id| module.name(*id).to_owned()).collect();
            Ok((name.to_owned(), module, needs))
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
        for (name, module) in order {
            self.define(&module, false).map_err(|fault| LoadError {
                tag: "LinkException".to_owned(),
                text: format!("damaged file: {name}: {fault}"),
            })?;
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

/// Runs a program to its end: until all of its processes have ended. Returns its exit code (isa-control.md §11).
pub fn run(program: Program, options: Options) -> Result<i32, StartError> {
    let module = program.module;
    let Some(entry) = module.symbols.get(module.entry as usize) else {
        return Err(StartError::NoEntry);
    };
    let entry = module.name(entry.name).to_owned();
    let machine = Machine::new(options.search, options.is_terminal, options.report);
    machine.define(&module, true)?;
    for id in &module.imports {
        let name = module.name(*id);
        if !lock(&machine.loaded).contains(name) {
            machine.import(name).map_err(|error| StartError::Import(error.text))?;
        }
    }
    for name in &options.preload {
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
    let outcome = Scheduler::run_program(&machine, body, arguments);
    machine.output.flush();
    Ok(outcome)
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
