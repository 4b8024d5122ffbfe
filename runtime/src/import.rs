//! Loading modules while the machine runs (modules.md §6). Requests are worked off one after the other, on a thread
//! that may block. A request is content with a load that began after it was made, so any number of processes that
//! import the same module at the same time load it once, and nobody gets a version older than the one he asked for.

use crate::decode::{DecodeFault, decode};
use crate::ffi::load::{NativeExport, load};
use crate::ffi::{Entry, Export};
use crate::machine::{Machine, lock};
use crate::names::Definitions;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::collections::hash_map::Entry as MapEntry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use viua_bytecode::Module;

/// Why a module cannot be loaded: the tag and text of the exception that `import` raises (modules.md §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// `LinkException`.
    pub tag: String,
    /// `failed to locate module: …` and the like.
    pub text: String,
}

impl LoadError {
    pub(crate) fn link(text: String) -> LoadError {
        LoadError { tag: "LinkException".to_owned(), text }
    }
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

/// How modules are found: from a module name to the module.
pub type Search = dyn Fn(&str) -> Result<Found, LoadError> + Send + Sync;

/// Who is told what came of an import.
type Done = Box<dyn FnOnce(Result<(), LoadError>) + Send>;

/// What is loaded, and what is to be.
#[derive(Default)]
pub struct Imports {
    /// Modules that are loaded, with the number of the load.
    loaded: FxHashMap<String, u64>,
    /// The number of the last load that has begun.
    last: u64,
    waiting: VecDeque<Request>,
    /// A thread works them off.
    is_busy: bool,
}

pub struct Request {
    name: String,
    /// The last load that had begun when it was made.
    since: u64,
    /// The module was not loaded yet then, so any load will do.
    is_first: bool,
    done: Done,
}

impl Imports {
    /// Requests that nobody will work off any more.
    pub fn abandon(&mut self) -> VecDeque<Request> {
        std::mem::take(&mut self.waiting)
    }
}

impl Machine {
    /// Loads a module with its dynamic imports, dependencies first; loads the module itself again if it is loaded
    /// already (modules.md §6). A failing import changes nothing. From any thread; waits for other imports.
    pub fn import(self: &Arc<Machine>, name: &str) -> Result<(), LoadError> {
        let (done, outcome) = mpsc::channel();
        let done = Box::new(move |outcome| {
            // The receiver waits below.
            let _ = done.send(outcome);
        });
        let must_work = self.request(name.to_owned(), done);
        // A function that runs in place of a process may import, too: a load waits until nobody is inside.
        self.scheduler.outside(|| {
            if must_work {
                self.work_off();
            }
            outcome.recv().unwrap_or_else(|_| Err(failed(name)))
        })
    }

    /// As [`Machine::import`], on another thread, which calls `done`.
    pub(crate) fn import_then(self: &Arc<Machine>, name: String, done: Done) {
        if self.request(name, done) {
            self.delegate();
        }
    }

    /// Loads a module if it is not loaded yet.
    pub(crate) fn import_once(self: &Arc<Machine>, name: &str) -> Result<(), LoadError> {
        let is_loaded = lock(&self.imports).loaded.contains_key(name);
        if is_loaded { Ok(()) } else { self.import(name) }
    }

    /// True if the caller must see to it that requests are worked off.
    fn request(&self, name: String, done: Done) -> bool {
        let mut imports = lock(&self.imports);
        let (since, is_first) = (imports.last, !imports.loaded.contains_key(&name));
        imports.waiting.push_back(Request { name, since, is_first, done });
        !std::mem::replace(&mut imports.is_busy, true)
    }

    fn delegate(self: &Arc<Machine>) {
        let machine = self.clone();
        if self.foreign.run(Box::new(move || machine.work_off())).is_err() {
            // There is no thread and none to be had. Late is better than never.
            self.scheduler.outside(|| self.work_off());
        }
    }

    /// Works off requests until there is none.
    fn work_off(self: &Arc<Machine>) {
        loop {
            let mut imports = lock(&self.imports);
            let Some(request) = imports.waiting.pop_front() else {
                imports.is_busy = false;
                return;
            };
            let is_content = |load: &u64| *load > request.since || request.is_first;
            let outcome = if imports.loaded.get(&request.name).is_some_and(is_content) {
                drop(imports);
                Ok(())
            } else {
                imports.last += 1;
                let number = imports.last;
                drop(imports);
                let load = catch_unwind(AssertUnwindSafe(|| self.load(&request.name, number)));
                load.unwrap_or_else(|_| Err(failed(&request.name)))
            };
            (request.done)(outcome);
        }
    }

    /// Only one thread loads at a time.
    fn load(&self, name: &str, number: u64) -> Result<(), LoadError> {
        let mut order: Vec<String> = Vec::new();
        let mut definitions: Vec<Definitions> = Vec::new();
        let mut known: FxHashSet<String> = FxHashSet::default();
        // Depth first without recursion: a module is put into the order when its dependencies have been.
        let mut open: Vec<(String, Definitions, Vec<String>)> = Vec::new();
        known.insert(name.to_owned());
        open.push(self.find_module(name)?);
        while let Some((_, _, needs)) = open.last_mut() {
            match needs.pop() {
                Some(need) => {
                    if !lock(&self.imports).loaded.contains_key(&need) && known.insert(need.clone()) {
                        open.push(self.find_module(&need)?);
                    }
                }
                None => {
                    if let Some((name, definition, _)) = open.pop() {
                        order.push(name);
                        definitions.push(definition);
                    }
                }
            }
        }
        // Nothing can go wrong any more.
        self.define(definitions);
        lock(&self.imports).loaded.extend(order.into_iter().map(|name| (name, number)));
        Ok(())
    }

    /// A module, its definitions, and its dynamic imports, the first one last.
    fn find_module(&self, name: &str) -> Result<(String, Definitions, Vec<String>), LoadError> {
        let mut needs = Vec::new();
        let definitions = match (self.search)(name)? {
            Found::Library(module) => {
                needs.extend(module.imports.iter().rev().map(|id| module.name(*id).to_owned()));
                let damaged = |fault| LoadError::link(format!("damaged file: {name}: {fault}"));
                Definitions::Library(self.decode(&module).map_err(damaged)?)
            }
            Found::Native(exports) => {
                let export =
                    |export: &Export| (export.name.to_owned(), Entry::Native(export.function), export.is_quick);
                Definitions::Foreign(exports.iter().map(export).collect())
            }
            // What is native is loaded once.
            Found::SharedObject(path) => {
                let mut natives = lock(&self.natives);
                let native = match natives.entry(name.to_owned()) {
                    MapEntry::Occupied(native) => native.into_mut(),
                    MapEntry::Vacant(place) => place.insert(load(name, &path)?),
                };
                let export = |export: &NativeExport| (export.name.clone(), export.entry, export.is_quick);
                Definitions::Foreign(native.exports.iter().map(export).collect())
            }
        };
        Ok((name.to_owned(), definitions, needs))
    }

    /// Makes code of a module.
    pub(crate) fn decode(&self, module: &Module) -> Result<Vec<crate::code::Body>, DecodeFault> {
        // Locked for each name apart, since workers ask for slots, too.
        decode(module, self.trace.is_some(), &mut |name| self.slot(name))
    }

    /// Names mean this from now on, for everybody at once. Code that nothing refers to any more is given back.
    pub(crate) fn define(&self, definitions: Vec<Definitions>) {
        let scheduler = &self.scheduler;
        scheduler.outside(|| {
            scheduler.while_nobody_runs(|| {
                let mut names = lock(&self.names);
                definitions.into_iter().for_each(|definitions| names.define(definitions));
                names.reclaim(scheduler.stats().alive, |found| scheduler.bodies(found));
            });
        });
    }
}

fn failed(name: &str) -> LoadError {
    LoadError::link(format!("failed to load module: {name}"))
}
