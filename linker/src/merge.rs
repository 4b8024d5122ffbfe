//! Merging modules that fit together into one (modules.md §4, §12.4).
//!
//! Bodies are concatenated: jumps count from the start of their body and need no care. Operands that hold an index
//! are renumbered; externals that are defined by now become symbols. What no operand refers to any more is left
//! out, so the result does not show where it came from.

use rustc_hash::FxHashMap;
use viua_bytecode::instruction::renumber;
use viua_bytecode::{
    DataId, Draft, External, ExternalKind, Kind, LineEntry, Module, NO_ENTRY, Operand, Reference, Symbol, SymbolKind,
    is_main,
};

/// One module made of the unit and the libraries, in that order; no name is defined twice.
pub(crate) fn merge(kind: Kind, unit: Option<&Module>, libraries: &[Module]) -> Module {
    let modules: Vec<&Module> = unit.into_iter().chain(libraries).collect();
    let mut draft = Draft::new(kind);
    let order = order_of_symbols(&modules);
    let references = references(&modules, &order, &mut draft);
    let mut data: Vec<Vec<Option<DataId>>> = modules.iter().map(|module| vec![None; module.data.len()]).collect();
    let mut body = Vec::new();
    for &(from, index) in &order {
        let module = modules[from];
        let symbol = module.symbols[index];
        body.clear();
        body.extend_from_slice(module.body(&symbol));
        let mut data_of = |id: DataId| {
            let slot = &mut data[from][id.0 as usize];
            *slot.get_or_insert_with(|| draft.data(module.bytes(id)))
        };
        renumber(&mut body, |operand| match operand {
            Operand::Data(id) => Operand::Data(data_of(id)),
            Operand::Bits(id) => Operand::Bits(data_of(id)),
            Operand::Name(Reference::Symbol(index)) => Operand::Name(references[from].symbols[index as usize]),
            Operand::Name(Reference::External(index)) => Operand::Name(references[from].externals[index as usize]),
            other => other,
        });
        let name = draft.name(module.name(symbol.name));
        let offset = draft.module.code.len() as u32;
        draft.module.code.extend_from_slice(&body);
        draft.module.symbols.push(Symbol { name, offset, ..symbol });
    }
    for module in &modules {
        for import in &module.imports {
            let name = draft.name(module.name(*import));
            draft.module.imports.push(name);
        }
    }
    // Libraries lose theirs.
    if let Some(unit) = unit {
        for (key, value) in &unit.meta {
            let entry = (draft.name(unit.name(*key)), draft.data(unit.bytes(*value)));
            draft.module.meta.push(entry);
        }
    }
    merge_debug(&modules, &order, &mut draft);
    let mut module = draft.finish();
    module.entry = match kind {
        Kind::Library => NO_ENTRY,
        Kind::Program => entry_of(&module),
    };
    module
}

/// Which symbols follow one another, as module and index: all blocks, then functions and closures, own before linked.
fn order_of_symbols(modules: &[&Module]) -> Vec<(usize, usize)> {
    let mut order = Vec::new();
    for blocks in [true, false] {
        for (from, module) in modules.iter().enumerate() {
            let symbols = module.symbols.iter().enumerate();
            let chosen = symbols.filter(|(_, symbol)| (symbol.kind == SymbolKind::Block) == blocks);
            order.extend(chosen.map(|(index, _)| (from, index)));
        }
    }
    order
}

/// What the references of a module have become.
struct References {
    symbols: Vec<Reference>,
    externals: Vec<Reference>,
}

/// Numbers symbols and externals anew. The externals that remain are those of all modules in order of declaration,
/// functions before blocks.
fn references(modules: &[&Module], order: &[(usize, usize)], draft: &mut Draft) -> Vec<References> {
    let unknown = Reference::Symbol(0);
    let mut references: Vec<References> = modules
        .iter()
        .map(|module| References {
            symbols: vec![unknown; module.symbols.len()],
            externals: vec![unknown; module.externals.len()],
        })
        .collect();
    let mut known: FxHashMap<(ExternalKind, &str), Reference> = FxHashMap::default();
    for (number, &(from, index)) in (0..).zip(order) {
        let module = modules[from];
        let symbol = &module.symbols[index];
        let kind = match symbol.kind {
            SymbolKind::Block => ExternalKind::Block,
            SymbolKind::Function | SymbolKind::Closure => ExternalKind::Function,
        };
        references[from].symbols[index] = Reference::Symbol(number);
        known.insert((kind, module.name(symbol.name)), Reference::Symbol(number));
    }
    for kind in [ExternalKind::Function, ExternalKind::Block] {
        for (module, references) in modules.iter().zip(&mut references) {
            let slots = module.externals.iter().zip(&mut references.externals);
            for (external, slot) in slots.filter(|(external, _)| external.kind == kind) {
                let text = module.name(external.name);
                *slot = *known.entry((kind, text)).or_insert_with(|| {
                    let name = draft.name(text);
                    draft.module.externals.push(External { name, kind });
                    Reference::External(draft.module.externals.len() as u32 - 1)
                });
            }
        }
    }
    references
}

/// The main function; there is one (it was looked for before).
fn entry_of(module: &Module) -> u32 {
    let is_entry = |symbol: &Symbol| symbol.kind != SymbolKind::Block && is_main(module.name(symbol.name));
    module.symbols.iter().position(is_entry).map_or(NO_ENTRY, |index| index as u32)
}

/// Puts the debug information of all modules together. Where one has none, its symbols have no entries.
fn merge_debug(modules: &[&Module], order: &[(usize, usize)], draft: &mut Draft) {
    let debug = &mut draft.module.debug;
    let mut numbers: FxHashMap<&str, u32> = FxHashMap::default();
    let mut files: Vec<Vec<u32>> = Vec::new();
    for module in modules {
        let numbered = module.debug.files.iter().map(|file| {
            *numbers.entry(file).or_insert_with(|| {
                debug.files.push(file.clone());
                debug.files.len() as u32 - 1
            })
        });
        files.push(numbered.collect());
    }
    let in_file = |from: usize, entry: &LineEntry| LineEntry { file: files[from][entry.file as usize], ..*entry };
    if modules.iter().any(|module| !module.debug.lines.is_empty()) {
        debug.lines = table(order, |from, index| {
            let lines = modules[from].debug.lines.get(index);
            lines.map_or(Vec::new(), |lines| lines.iter().map(|entry| in_file(from, entry)).collect())
        });
    }
    if modules.iter().any(|module| !module.debug.registers.is_empty()) {
        debug.registers =
            table(order, |from, index| modules[from].debug.registers.get(index).cloned().unwrap_or_default());
    }
    if modules.iter().any(|module| !module.debug.labels.is_empty()) {
        debug.labels = table(order, |from, index| modules[from].debug.labels.get(index).cloned().unwrap_or_default());
    }
}

fn table<T>(order: &[(usize, usize)], entries: impl Fn(usize, usize) -> Vec<T>) -> Vec<Vec<T>> {
    order.iter().map(|&(from, index)| entries(from, index)).collect()
}
