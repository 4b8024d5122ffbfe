//! A module while it is put together: strings are numbered in the order of their first use, and sorted at the end.
//! Code generation, the linker and tests make modules this way; unused strings cannot get in.

use crate::instruction::{Instruction, Operand, encode, renumber};
use crate::module::{DataId, Debug, Kind, Module, NO_ENTRY, NameId, Symbol, SymbolKind};
use crate::names;
use rustc_hash::FxHashMap;

/// A module whose pools are not sorted yet. The tables of [`Draft::module`] may be filled directly, with ids from
/// [`Draft::name`] and [`Draft::data`].
#[derive(Clone, Debug)]
pub struct Draft {
    /// What there is so far.
    pub module: Module,
    names: FxHashMap<Box<str>, NameId>,
    data: FxHashMap<Box<[u8]>, DataId>,
}

impl Draft {
    /// An empty module.
    pub fn new(kind: Kind) -> Draft {
        let module = Module {
            kind,
            entry: NO_ENTRY,
            names: Vec::new(),
            data: Vec::new(),
            symbols: Vec::new(),
            externals: Vec::new(),
            imports: Vec::new(),
            meta: Vec::new(),
            code: Vec::new(),
            debug: Debug::default(),
        };
        Draft { module, names: FxHashMap::default(), data: FxHashMap::default() }
    }

    /// The id of a name, until [`Draft::finish`].
    pub fn name(&mut self, name: &str) -> NameId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let id = NameId(self.module.names.len() as u32);
        self.module.names.push(name.into());
        self.names.insert(name.into(), id);
        id
    }

    /// The id of a piece of data, until [`Draft::finish`].
    pub fn data(&mut self, data: &[u8]) -> DataId {
        if let Some(id) = self.data.get(data) {
            return *id;
        }
        let id = DataId(self.module.data.len() as u32);
        self.module.data.push(data.into());
        self.data.insert(data.into(), id);
        id
    }

    /// Adds a symbol with its body; blocks must come before functions and closures. Returns its index.
    pub fn define(&mut self, kind: SymbolKind, name: &str, body: &[Instruction]) -> u32 {
        let offset = self.module.code.len();
        for instruction in body {
            encode(instruction, &mut self.module.code);
        }
        let arity = match kind {
            SymbolKind::Function | SymbolKind::Closure => names::arity_of(name).flatten(),
            SymbolKind::Block => None,
        };
        let symbol = Symbol {
            name: self.name(name),
            kind,
            arity,
            offset: offset as u32,
            length: (self.module.code.len() - offset) as u32,
            instructions: body.len() as u32,
        };
        self.module.symbols.push(symbol);
        self.module.symbols.len() as u32 - 1
    }

    /// Sorts the pools and whatever is sorted by them. O(n log n).
    pub fn finish(self) -> Module {
        let mut module = self.module;
        let name_of = sort(&mut module.names);
        let data_of = sort(&mut module.data);
        let renamed = |id: NameId| NameId(name_of[id.0 as usize]);
        for symbol in &mut module.symbols {
            symbol.name = renamed(symbol.name);
        }
        for external in &mut module.externals {
            external.name = renamed(external.name);
        }
        for import in &mut module.imports {
            *import = renamed(*import);
        }
        module.imports.sort_unstable();
        module.imports.dedup();
        for (key, value) in &mut module.meta {
            (*key, *value) = (renamed(*key), DataId(data_of[value.0 as usize]));
        }
        // The first value of a key stays.
        module.meta.sort_by_key(|(key, _)| *key);
        module.meta.dedup_by_key(|(key, _)| *key);
        renumber(&mut module.code, |operand| match operand {
            Operand::Data(id) => Operand::Data(DataId(data_of[id.0 as usize])),
            Operand::Bits(id) => Operand::Bits(DataId(data_of[id.0 as usize])),
            other => other,
        });
        module
    }
}

/// Sorts a pool; returns the new number of each old one.
fn sort<T: Ord + Default>(pool: &mut [T]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..pool.len() as u32).collect();
    order.sort_unstable_by(|a, b| pool[*a as usize].cmp(&pool[*b as usize]));
    let mut number = vec![0; pool.len()];
    for (new, old) in order.iter().enumerate() {
        number[*old as usize] = new as u32;
    }
    let sorted: Vec<T> = order.iter().map(|&old| std::mem::take(&mut pool[old as usize])).collect();
    for (slot, item) in pool.iter_mut().zip(sorted) {
        *slot = item;
    }
    number
}
