//! From IR to an object module: phase I of the assembler (language.md §16) and the tables of the container.
//!
//! [`generate`] looks at everything that earlier phases may have passed over (unreached code, `no_sa` definitions,
//! `--no-sa`), decodes literals, and encodes. The result depends on the source alone: pools are sorted, symbols and
//! externals stand in the order of the file, nothing comes out of a hash map.

mod debug;
mod operands;
mod pools;

use pools::Externals;
use viua_bytecode::{
    Draft, External, Instruction as Encoded, Kind, Module as Object, NO_ENTRY, Operand as EncodedOperand, SymbolKind,
    check_limits,
};
use viua_diagnostics::{Code, Diagnostic};
use viua_ir::{Body, BodyId, BodyKind, Instruction, Line, Module, missing_operand};
use viua_isa::Opcode;

/// How much debug information is written (modules.md §12.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DebugLevel {
    /// `--strip`.
    None,
    /// The line table.
    #[default]
    Lines,
    /// `-g`: names of registers and labels too.
    Full,
}

/// What to generate.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A library, without entry point.
    pub library: bool,
    /// Debug information.
    pub debug: DebugLevel,
    /// The path that goes into the debug information, as given on the command line.
    pub source_path: String,
}

const MAIN_NAMES: [&str; 3] = ["main/0", "main/1", "main/2"];

/// Generates the object module of a unit, or says why it cannot be. O(n log n).
///
/// Functions that the unit neither defines nor declares become externals: a library that is linked may define them.
/// The entry point is the unit's only main function; without one, or with several, it is left to the linker.
pub fn generate(module: &Module, options: &Options) -> Result<Object, Vec<Diagnostic>> {
    let kind = if options.library { Kind::Library } else { Kind::Program };
    let order = symbol_order(module);
    let mut generator = Generator {
        module,
        symbols: vec![0; module.bodies.len()],
        externals: Externals::of(module),
        draft: Draft::new(kind),
        findings: Vec::new(),
    };
    for (symbol, id) in order.iter().enumerate() {
        generator.symbols[id.0 as usize] = symbol as u32;
    }
    for id in &order {
        generator.define(module.body(*id));
    }
    let Generator { externals, mut draft, mut findings, .. } = generator;
    if !findings.is_empty() {
        // Blocks, functions, closures; in each the order of the text.
        findings.sort_by_key(|(kind, finding)| (rank(*kind), operands::position(finding)));
        return Err(findings.into_iter().map(|(_, finding)| finding).collect());
    }
    for (name, kind) in &externals.list {
        let name = draft.name(name);
        draft.module.externals.push(External { name, kind: *kind });
    }
    for name in pools::dynamic_imports(module) {
        let name = draft.name(&name);
        draft.module.imports.push(name);
    }
    for (key, value) in pools::meta(module) {
        let entry = (draft.name(&key), draft.data(&value));
        draft.module.meta.push(entry);
    }
    draft.module.entry = entry(module, &order, options);
    draft.module.debug = debug::tables(module, &order, options);
    let object = draft.finish();
    match check_limits(&object) {
        Ok(()) => Ok(object),
        Err(limit) => Err(vec![Diagnostic::file_error(Code::E0805, options.source_path.as_str(), limit.to_string())]),
    }
}

fn entry(module: &Module, order: &[BodyId], options: &Options) -> u32 {
    let mut mains = (0..).zip(order).filter(|(_, id)| {
        let body = module.body(**id);
        body.kind != BodyKind::Block && MAIN_NAMES.contains(&body.name.as_str())
    });
    match (mains.next(), mains.next()) {
        (Some((only, _)), None) if !options.library => only,
        _ => NO_ENTRY,
    }
}

/// Blocks first, then functions and closures, each in order of definition.
fn symbol_order(module: &Module) -> Vec<BodyId> {
    let (blocks, others): (Vec<_>, Vec<_>) =
        module.bodies_with_ids().partition(|(_, body)| body.kind == BodyKind::Block);
    blocks.into_iter().chain(others).map(|(id, _)| id).collect()
}

/// The order of findings.
fn rank(kind: BodyKind) -> u8 {
    match kind {
        BodyKind::Block => 0,
        BodyKind::Function => 1,
        BodyKind::Closure => 2,
    }
}

struct Generator<'a> {
    module: &'a Module,
    /// Per body, its symbol.
    symbols: Vec<u32>,
    externals: Externals<'a>,
    draft: Draft,
    findings: Vec<(BodyKind, Diagnostic)>,
}

impl Generator<'_> {
    fn define(&mut self, body: &Body) {
        let module = self.module;
        let instructions = module.instructions(body);
        let mut encoded = Vec::with_capacity(instructions.len());
        let first_surplus = module.surplus.partition_point(|surplus| surplus.instruction < body.instructions.start);
        let mut surplus = module.surplus[first_surplus..].iter().peekable();
        for (number, instruction) in instructions.iter().enumerate() {
            let place = body.instructions.start + number as u32;
            let in_place_of_set = surplus
                .next_if(|surplus| surplus.instruction == place)
                .filter(|surplus| surplus.in_place_of_set)
                .map(|surplus| surplus.operand);
            match (self.instruction(instruction, number as u32), in_place_of_set) {
                (Ok(instruction), None) => encoded.push(instruction),
                (Ok(_), Some(token)) => self.findings.push((body.kind, operands::not_a_set(module, &token))),
                (Err(finding), _) => self.findings.push((body.kind, *finding)),
            }
        }
        for marker in module.markers(body) {
            let name = module.lossy(marker.label);
            if viua_isa::is_reserved_word(&name) {
                let message = format!("invalid marker name: '{name}' is a registered keyword");
                self.findings.push((body.kind, Diagnostic::error(Code::E0010, module.at(marker.label), message)));
            }
        }
        if let (true, Some(Line::Directive { directive, .. })) = (instructions.is_empty(), body.last_line) {
            let message = "invalid end of block: expected mnemonic";
            self.findings.push((body.kind, Diagnostic::error(Code::E0601, module.at(directive), message)));
        }
        if self.findings.is_empty() {
            let kind = match body.kind {
                BodyKind::Function => SymbolKind::Function,
                BodyKind::Closure => SymbolKind::Closure,
                BodyKind::Block => SymbolKind::Block,
            };
            self.draft.define(kind, &body.name, &encoded);
        }
    }

    fn instruction(&mut self, instruction: &Instruction, number: u32) -> Result<Encoded, Box<Diagnostic>> {
        let module = self.module;
        if instruction.opcode == Opcode::Bool {
            let message = "unimplemented instruction: \"bool\"";
            return Err(Box::new(Diagnostic::error(Code::E0127, module.at(instruction.mnemonic), message)));
        }
        let written = module.operands(instruction);
        if instruction.is_incomplete() {
            return Err(Box::new(missing_operand(module, instruction, written.len())));
        }
        let mut encoded = [EncodedOperand::Void; 4];
        for ((operand, spec), encoded) in written.iter().zip(instruction.opcode.row().operands).zip(&mut encoded) {
            *encoded = self.operand(instruction, spec, operand, number)?;
        }
        Ok(Encoded::new(instruction.opcode, &encoded[..written.len()]))
    }
}

#[cfg(test)]
mod tests;
