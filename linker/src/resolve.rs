//! What may be linked (phase H of language.md §1.2; modules.md §2, §4, §5): repeated paths, libraries one by one,
//! dynamic modules one by one, the entry point. The first fault ends it.

use crate::imports::not_found;
use crate::library::Library;
use crate::merge::merge;
use crate::search::{ModuleKind, Search};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use viua_bytecode::{Kind, Module, SymbolKind, is_main};
use viua_diagnostics::{Code, Diagnostic, Position, Severity};

/// What is to be made of what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What messages are about: the path of the source as given.
    pub file: &'a str,
    /// Program or library.
    pub kind: Kind,
    /// The libraries, in link order: operands, those of `-l`, static imports.
    pub libraries: &'a [Library],
    /// Where dynamic modules are found.
    pub search: &'a Search,
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The path of the source, as it was given when it was assembled.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in bytes.
    pub column: u32,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Site {
    /// Where each symbol of a module begins, if the module says it: the first instruction.
    fn all(module: &Module) -> Vec<Option<Site>> {
        let files: Vec<Arc<str>> = module.debug.files.iter().map(|file| file.as_str().into()).collect();
        let site = |symbol: usize| {
            let entry = module.debug.lines.get(symbol)?.first()?;
            let file = files.get(entry.file as usize)?.clone();
            Some(Site { file, line: entry.line, column: entry.column })
        };
        (0..module.symbols.len()).map(site).collect()
    }
}

/// What has to be known of a unit before its code exists.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// What it defines, in source order.
    pub symbols: Vec<(String, SymbolKind)>,
    /// Where each symbol is defined, as far as that is known.
    pub sites: Vec<Option<Site>>,
    /// Its dynamic imports.
    pub imports: Vec<String>,
}

impl Unit {
    /// The same of a module.
    pub fn of(module: &Module) -> Unit {
        Unit {
            symbols: module.symbols.iter().map(|it| (module.name(it.name).to_owned(), it.kind)).collect(),
            sites: Site::all(module),
            imports: module.imports.iter().map(|name| module.name(*name).to_owned()).collect(),
        }
    }
}

/// Libraries that fit together, and fit the unit.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// All functions and closures that are known: those of the unit, of the libraries, and of the dynamic modules.
    pub functions: FxHashSet<Box<str>>,
    /// What was found on the way, but is no error.
    pub warnings: Vec<Diagnostic>,
    kind: Kind,
    libraries: Vec<Module>,
}

impl Resolved {
    /// Links the unit, if there is one, and the libraries into one module. O(size, times its logarithm for strings).
    ///
    /// The result has to pass [`viua_bytecode::check_limits`].
    pub fn link(&self, unit: Option<&Module>) -> Module {
        merge(self.kind, unit, &self.libraries)
    }
}

/// Reads all libraries and checks what can be known before code is generated. Warnings come before the error.
pub fn resolve(request: &Request, unit: Option<&Unit>) -> Result<Resolved, Vec<Diagnostic>> {
    let mut found = Vec::new();
    match resolve_all(request, unit.unwrap_or(&Unit::default()), &mut found) {
        Ok(resolved) => Ok(Resolved { warnings: found, ..resolved }),
        Err(mut errors) => {
            found.append(&mut errors);
            Err(found)
        }
    }
}

fn resolve_all(request: &Request, unit: &Unit, warnings: &mut Vec<Diagnostic>) -> Result<Resolved, Vec<Diagnostic>> {
    let Request { file, kind, libraries, search } = *request;
    check_repeated(file, libraries)?;
    let mut known = Known::new(file);
    known.add_unit(unit);
    let mut modules = Vec::new();
    for library in libraries {
        let module = library.read(file, warnings).map_err(|fault| vec![*fault])?;
        if module.symbols.iter().all(|symbol| symbol.kind == SymbolKind::Block) {
            let message = format!("static-linked module \"{}\" defines no functions", library.path);
            let at = Position::File(file.to_owned());
            warnings.push(Diagnostic::new(Severity::Warning, Some(Code::W0700), at, message));
        }
        known.add(&module, &library.path)?;
        modules.push(module);
    }
    let names =
        |module: &Module| -> Vec<String> { module.imports.iter().map(|name| module.name(*name).to_owned()).collect() };
    let mut own = unit.imports.clone();
    own.sort_unstable();
    let needed = modules.iter().flat_map(names).chain(own);
    add_dynamic(needed.collect(), file, search, &mut known, warnings)?;
    if kind == Kind::Program {
        check_entry(file, unit, libraries, &modules)?;
    }
    let functions = known.functions.into_keys().collect();
    Ok(Resolved { functions, warnings: Vec::new(), kind, libraries: modules })
}

fn check_repeated(file: &str, libraries: &[Library]) -> Result<(), Vec<Diagnostic>> {
    let mut seen = FxHashSet::default();
    match libraries.iter().find(|library| !seen.insert(library.path.as_str())) {
        None => Ok(()),
        Some(library) => {
            let message = format!("requested to link module '{}' more than once", library.path);
            Err(vec![Diagnostic::file_error(Code::E0707, file, message)])
        }
    }
}

/// Reads the dynamic modules and, breadth-first, those that they need; each once.
fn add_dynamic(
    mut queue: VecDeque<String>,
    file: &str,
    search: &Search,
    known: &mut Known,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(), Vec<Diagnostic>> {
    let mut seen = FxHashSet::default();
    while let Some(name) = queue.pop_front() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let found = search.find(&name).ok_or_else(|| vec![not_found(file, &name)])?;
        // What a native module provides is known to nobody but itself.
        if found.kind == ModuleKind::Native {
            continue;
        }
        let module = Library::found(&found).read(file, warnings).map_err(|fault| vec![*fault])?;
        known.add(&module, &name)?;
        queue.extend(module.imports.iter().map(|import| module.name(*import).to_owned()));
    }
    Ok(())
}

/// The names that are taken, with the place of their definition: an index into `places`, and where it is in the source.
struct Known<'a> {
    file: &'a str,
    places: Vec<String>,
    functions: FxHashMap<Box<str>, (usize, Option<Site>)>,
    blocks: FxHashMap<Box<str>, (usize, Option<Site>)>,
}

impl<'a> Known<'a> {
    fn new(file: &'a str) -> Known<'a> {
        let (functions, blocks) = (FxHashMap::default(), FxHashMap::default());
        Known { file, places: vec![file.to_owned()], functions, blocks }
    }

    /// A unit has been checked for clashes in itself.
    fn add_unit(&mut self, unit: &Unit) {
        for (at, (name, kind)) in unit.symbols.iter().enumerate() {
            let names = if *kind == SymbolKind::Block { &mut self.blocks } else { &mut self.functions };
            names.insert(name.as_str().into(), (0, unit.sites.get(at).cloned().flatten()));
        }
    }

    /// Adds what a module defines: its functions, then its blocks.
    fn add(&mut self, module: &Module, path: &str) -> Result<(), Vec<Diagnostic>> {
        let place = self.places.len();
        self.places.push(path.to_owned());
        let sites = Site::all(module);
        for blocks in [false, true] {
            let names = if blocks { &mut self.blocks } else { &mut self.functions };
            let is_wanted = |kind| (kind == SymbolKind::Block) == blocks;
            for (at, symbol) in module.symbols.iter().enumerate().filter(|(_, symbol)| is_wanted(symbol.kind)) {
                let name = module.name(symbol.name);
                if let Some((earlier, first)) = names.insert(name.into(), (place, sites[at].clone())) {
                    let earlier = &self.places[earlier];
                    let message = format!(
                        "duplicate symbol '{name}' found when linking '{path}' (previously found in '{earlier}')"
                    );
                    let mut fault = Diagnostic::file_error(Code::E0706, self.file, message);
                    if let Some(first) = first {
                        fault = fault.help(format!("the first definition is at {first}"));
                    }
                    if let Some(site) = &sites[at] {
                        fault = fault.help(format!("the second definition is at {site}"));
                    }
                    return Err(vec![fault]);
                }
            }
        }
        Ok(())
    }
}

/// A program has exactly one main function, its own or that of a library.
fn check_entry(file: &str, unit: &Unit, libraries: &[Library], modules: &[Module]) -> Result<(), Vec<Diagnostic>> {
    let mut found: Vec<(String, &str)> = Vec::new();
    // Functions before closures, place by place.
    let mut add = |symbols: &[(String, SymbolKind)], place| {
        for wanted in [SymbolKind::Function, SymbolKind::Closure] {
            let mains = symbols.iter().filter(|(name, kind)| *kind == wanted && is_main(name));
            found.extend(mains.map(|(name, _)| (name.clone(), place)));
        }
    };
    add(&unit.symbols, file);
    for (library, module) in libraries.iter().zip(modules) {
        let mains = module.symbols.iter().filter(|symbol| is_main(module.name(symbol.name)));
        let mains: Vec<_> = mains.map(|symbol| (module.name(symbol.name).to_owned(), symbol.kind)).collect();
        add(&mains, &library.path);
    }
    match found.len() {
        0 => Err(vec![Diagnostic::file_error(Code::E0704, file, "main function is not defined")]),
        1 => Ok(()),
        _ => {
            let note = |(name, place): &(String, &str)| {
                let message = format!("{name} function found in module {place}");
                Diagnostic::new(Severity::Note, None, Position::File(file.to_owned()), message)
            };
            let error = Diagnostic::file_error(Code::E0705, file, "more than one candidate for main function");
            Err(found.iter().map(note).chain([error]).collect())
        }
    }
}
