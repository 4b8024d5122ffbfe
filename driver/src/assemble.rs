//! The tool chain as one function: source text in, module and findings out. Nothing here prints, exits or reads the
//! environment; the phases and their order are those of language.md §1.2.
//!
//! This file uses nothing of the driver but itself, so that a build script can include it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use viua_bytecode::{Kind, Module, SymbolKind, check_limits, strip};
use viua_codegen::DebugLevel;
use viua_diagnostics::{Code, Diagnostic, FileId, Levels, Source, Span};
use viua_ir::BodyKind;
use viua_linker::{Import, Library, Request, Search, Site, Unit};
use viua_parser::ast::Tree;

/// How far to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// Up to the analysis (phases A to F).
    Analysis,
    /// The unit's own code as well (phase I), but no linking.
    Object,
    /// Everything.
    #[default]
    Module,
}

/// What to make.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A library, without entry point.
    pub library: bool,
    /// Skip phase F.
    pub no_sa: bool,
    /// What becomes of the findings of lints.
    pub levels: Levels,
    /// How much debug information is written.
    pub debug: DebugLevel,
    /// Where modules are found.
    pub search: Search,
    /// Libraries given as files.
    pub libraries: Vec<Library>,
    /// Libraries given as module names, to be linked statically.
    pub link_names: Vec<String>,
    /// Dynamic imports besides those of the source.
    pub imports: Vec<String>,
    /// How far to go.
    pub goal: Goal,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Assembly {
    /// All findings, at their levels, in the order in which they are reported.
    pub diagnostics: Vec<Diagnostic>,
    /// The syntax tree, if there is no error in it.
    pub tree: Option<Tree>,
    /// The IR, if all phases up to the analysis passed.
    pub unit: Option<viua_ir::Module>,
    /// The module, if that was the goal and nothing is wrong.
    pub module: Option<Module>,
    /// Paths of the libraries that were linked.
    pub linked: Vec<String>,
    /// Dynamic imports of the unit.
    pub dynamic: Vec<String>,
}

/// Assembles a source text. Its file in messages and debug information is `source.path`.
pub fn assemble(source: &Source, file: FileId, options: &Options) -> Assembly {
    let mut assembly = Assembly::default();
    // Each step ends the run by giving nothing back: its findings have an error among them.
    let _ = stages(source, file, options, &mut assembly);
    assembly
}

fn stages(source: &Source, file: FileId, options: &Options, assembly: &mut Assembly) -> Option<()> {
    let parsed = viua_parser::parse(&source.text, file);
    accept(parsed.diagnostics, options, assembly)?;
    let mut unit = viua_ir::lower(&source.text, file, &parsed.tree);
    assembly.tree = Some(parsed.tree);
    accept(viua_ir::verify(&unit), options, assembly)?;
    if !options.no_sa {
        accept(analyse(&unit, options), options, assembly)?;
    }
    if options.goal == Goal::Module {
        add_imports(&mut unit, &options.imports);
        let module = link(&unit, source, options.debug, options, assembly);
        assembly.unit = Some(unit);
        assembly.module = Some(module?);
    } else {
        let object = (options.goal == Goal::Object).then(|| generate(&unit, source, options.debug, options, assembly));
        assembly.unit = Some(unit);
        assembly.module = object.flatten();
    }
    Some(())
}

/// Adds findings; `None` if there is an error now.
fn accept(findings: Vec<Diagnostic>, options: &Options, assembly: &mut Assembly) -> Option<()> {
    let findings = options.levels.apply(findings);
    let refused = findings.iter().any(Diagnostic::is_error);
    assembly.diagnostics.extend(findings);
    (!refused).then_some(())
}

fn analyse(unit: &viua_ir::Module, options: &Options) -> Vec<Diagnostic> {
    viua_analyser::analyse(unit, &viua_analyser::Options { library: options.library, levels: options.levels.clone() })
}

/// Phases G, H and I, in this order; the code is generated last, since linking does not need it to find its faults.
fn link(
    unit: &viua_ir::Module,
    source: &Source,
    debug: DebugLevel,
    options: &Options,
    assembly: &mut Assembly,
) -> Option<Module> {
    let path = source.path.as_str();
    let names: Vec<(Cow<str>, &viua_ir::Import)> =
        unit.imports.iter().map(|import| (unit.lossy(import.name), import)).collect();
    let is_written = |span: Span| (span.end as usize) <= source.text.len();
    let imports: Vec<Import> = names
        .iter()
        .map(|(name, import)| Import {
            name,
            is_static: import.is_static,
            is_dynamic: import.is_dynamic,
            at: Some(import.name).filter(|span| is_written(*span)),
        })
        .collect();
    let found = match viua_linker::resolve_imports(path, &imports, &options.search) {
        Ok(found) => found,
        Err(faults) => {
            accept(faults, options, assembly)?;
            return None;
        }
    };

    accept(viua_ir::check_main(unit, options.library).into_iter().collect(), options, assembly)?;
    let mut libraries = options.libraries.clone();
    for name in &options.link_names {
        match viua_linker::find_static(path, name, &options.search) {
            Ok(library) => libraries.push(library),
            Err(fault) => accept(vec![*fault], options, assembly)?,
        }
    }
    libraries.extend(found.libraries);
    assembly.linked = libraries.iter().map(|library| library.path.clone()).collect();
    assembly.dynamic = found.dynamic.clone();

    let kind = if options.library { Kind::Library } else { Kind::Program };
    let request = Request { file: path, kind, libraries: &libraries, search: &options.search };
    let symbols = unit.bodies.iter().map(|body| (body.name.clone(), symbol_kind(body.kind))).collect();
    let own: Arc<str> = path.into();
    let site = |body: &viua_ir::Body| {
        let (line, column) = source.line_column(body.name_span.start);
        Some(Site { file: own.clone(), line: line as u32, column: column as u32 })
    };
    let sites = unit.bodies.iter().map(site).collect();
    let resolved = match viua_linker::resolve(&request, Some(&Unit { symbols, sites, imports: found.dynamic })) {
        Ok(resolved) => resolved,
        Err(faults) => {
            accept(faults, options, assembly)?;
            return None;
        }
    };
    accept(resolved.warnings.clone(), options, assembly)?;
    let is_defined = |name: &str| resolved.functions.contains(name);
    accept(viua_ir::check_undefined(unit, &is_defined), options, assembly)?;

    let object = generate(unit, source, debug, options, assembly)?;
    if libraries.is_empty() {
        return Some(object);
    }
    let module = resolved.link(Some(&object));
    if let Err(limit) = check_limits(&module) {
        accept(vec![Diagnostic::file_error(Code::E0805, path, limit.to_string())], options, assembly)?;
    }
    // Libraries bring debug information of their own.
    Some(if options.debug == DebugLevel::None { strip(&module) } else { module })
}

fn generate(
    unit: &viua_ir::Module,
    source: &Source,
    debug: DebugLevel,
    options: &Options,
    assembly: &mut Assembly,
) -> Option<Module> {
    let how = viua_codegen::Options { library: options.library, debug, source_path: source.path.clone() };
    match viua_codegen::generate(unit, &how) {
        Ok(object) => Some(object),
        Err(findings) => {
            accept(findings, options, assembly)?;
            None
        }
    }
}

const fn symbol_kind(kind: BodyKind) -> SymbolKind {
    match kind {
        BodyKind::Function => SymbolKind::Function,
        BodyKind::Closure => SymbolKind::Closure,
        BodyKind::Block => SymbolKind::Block,
    }
}

/// Adds dynamic imports that no token of the source names: they get tokens behind its end.
fn add_imports(unit: &mut viua_ir::Module, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let mut text = unit.source.to_vec();
    for name in names {
        // Not adjacent to what the source ends with.
        text.push(b'\n');
        let start = text.len() as u32;
        text.extend_from_slice(name.as_bytes());
        let name = Span::new(start, text.len() as u32);
        unit.imports.push(viua_ir::Import { name, is_static: false, is_dynamic: true });
    }
    unit.source = Arc::from(text);
}

/// The meta information of a unit: the first value of each key, sorted by key.
pub fn meta(unit: &viua_ir::Module) -> BTreeMap<String, Vec<u8>> {
    let mut meta = BTreeMap::new();
    for entry in &unit.meta {
        let value = || viua_ir::literal::atom(unit.text(entry.value)).into_owned();
        meta.entry(unit.lossy(entry.key).into_owned()).or_insert_with(value);
    }
    meta
}

/// Links libraries without a source; messages are about `file`.
pub fn link_libraries(file: &str, options: &Options) -> Assembly {
    let mut assembly = Assembly::default();
    let _ = link_stages(file, options, &mut assembly);
    assembly
}

fn link_stages(file: &str, options: &Options, assembly: &mut Assembly) -> Option<()> {
    let source = Source::new(file, &b""[..]);
    let mut unit = viua_ir::lower(&source.text, FileId(0), &Tree::default());
    add_imports(&mut unit, &options.imports);
    // The source that never was leaves no name behind.
    assembly.module = Some(link(&unit, &source, DebugLevel::None, options, assembly)?);
    Some(())
}
