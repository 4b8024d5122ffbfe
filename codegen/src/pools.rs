//! The tables of the container that come from declarations: externals, imports, meta information.

use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use viua_bytecode::ExternalKind;
use viua_ir::{BodyKind, Module, Name, OperandKind, literal};
use viua_isa::Forms;

/// Names that the unit does not define: functions before blocks, each in order of declaration, then in order of use.
///
/// (Functions first, because that is how a disassembly declares them, and it must assemble to the same bytes.)
#[derive(Debug, Default)]
pub struct Externals<'a> {
    /// Name and kind.
    pub list: Vec<(Cow<'a, str>, ExternalKind)>,
    functions: FxHashMap<Cow<'a, str>, u32>,
    blocks: FxHashMap<Cow<'a, str>, u32>,
}

impl<'a> Externals<'a> {
    /// The externals of a unit. O(n).
    pub fn of(module: &'a Module) -> Externals<'a> {
        let mut functions: Vec<Cow<str>> =
            module.signatures.iter().map(|signature| module.lossy(signature.name)).collect();
        let mut blocks: Vec<Cow<str>> =
            module.block_signatures.iter().map(|signature| module.lossy(signature.name)).collect();
        for instruction in &module.instructions {
            for (operand, spec) in module.operands(instruction).iter().zip(instruction.opcode.row().operands) {
                let (OperandKind::FunctionName(name) | OperandKind::Label(name)) = operand.kind else { continue };
                if spec.forms.has(Forms::BLOCK) && !is_defined(module, name, ExternalKind::Block) {
                    blocks.push(module.name(operand));
                }
                if spec.forms.has(Forms::FUNCTION)
                    && matches!(operand.kind, OperandKind::FunctionName(_))
                    && !is_defined(module, name, ExternalKind::Function)
                {
                    functions.push(module.name(operand));
                }
            }
        }
        let mut externals = Externals::default();
        for (names, kind) in [(functions, ExternalKind::Function), (blocks, ExternalKind::Block)] {
            for name in names {
                externals.add(name, kind);
            }
        }
        externals
    }

    fn add(&mut self, name: Cow<'a, str>, kind: ExternalKind) {
        let next = self.list.len() as u32;
        let known = match kind {
            ExternalKind::Function => &mut self.functions,
            ExternalKind::Block => &mut self.blocks,
        };
        if let std::collections::hash_map::Entry::Vacant(free) = known.entry(name.clone()) {
            free.insert(next);
            self.list.push((name, kind));
        }
    }

    /// The number of a name.
    pub fn number(&self, name: &str, kind: ExternalKind) -> Option<u32> {
        match kind {
            ExternalKind::Function => self.functions.get(name).copied(),
            ExternalKind::Block => self.blocks.get(name).copied(),
        }
    }
}

/// Whether a name means a definition of that kind.
pub fn is_defined(module: &Module, name: Name, kind: ExternalKind) -> bool {
    match name {
        Name::Definition(id) => (module.body(id).kind == BodyKind::Block) == (kind == ExternalKind::Block),
        Name::Signature(_) | Name::BlockSignature(_) | Name::Unknown => false,
    }
}

/// Names of modules that the virtual machine is to load, once each.
pub fn dynamic_imports(module: &Module) -> Vec<Cow<'_, str>> {
    let dynamic = module.imports.iter().filter(|import| import.is_dynamic && !import.is_static);
    let mut names: Vec<_> = dynamic.map(|import| module.lossy(import.name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Meta information: the first value of each key (modules.md §11), decoded.
pub fn meta(module: &Module) -> Vec<(String, Cow<'_, [u8]>)> {
    let mut seen = FxHashSet::default();
    module
        .meta
        .iter()
        // Names hold no NUL (modules.md §12.9).
        .map(|meta| (module.lossy(meta.key).replace('\0', "\u{fffd}"), literal::atom(module.text(meta.value))))
        .filter(|(key, _)| seen.insert(key.clone()))
        .collect()
}
