//! The static analyser: what registers hold on all paths, what is wrong with that, and how control gets there
//! (analyser-rules.md, analyser-flow.md).
//!
//! [`analyse`] takes the IR of a file and returns its findings. The way of a body through this crate:
//!
//! ```text
//! instruction table ─ops→ operations ─unit→ basic blocks, registers 0.. ─graph→ value graph
//!   ─solve, transfer→ facts at every node ─body→ what fails ─paths→ shortest paths ─trace, messages→ findings
//! ```
//!
//! A body costs time in proportion to its instructions and the joins of values in them; paths are searched only if there
//! is something to report. Functions are independent of each other and analysed in parallel; the closures that they make
//! come after (`closing`), and the lints that need the whole file last. Nothing here recurses with the input.

mod body;
mod closing;
mod closures;
mod facts;
mod fresh;
mod graph;
mod lints;
mod messages;
mod ops;
#[cfg(test)]
mod oracle;
mod parallel;
mod paths;
mod program;
mod scope;
mod solve;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trace;
mod transfer;
mod trie;
mod unit;
mod unused;

use body::{Analysed, Beginning};
use program::Program;
use viua_diagnostics::{Code, Diagnostic, Level, Levels};
use viua_ir::{BodyId, BodyKind, Line, Module};
use viua_isa::Opcode;

/// The lint of faults that no forward path has.
const LATER_PATHS: &str = "later-paths";

/// What the analysis has to know besides the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The output is a library: functions may be called from elsewhere.
    pub library: bool,
    /// The levels of lints. They are applied to the findings afterwards; here they decide which of two lints a finding
    /// belongs to (analyser-flow.md §7), and lints that are allowed are not run.
    pub levels: Levels,
}

/// Analyses a file that has passed verification. All findings, in the order in which they are reported.
pub fn analyse(module: &Module, options: &Options) -> Vec<Diagnostic> {
    let program = Program::new(module);
    let functions: Vec<BodyId> = module
        .bodies_with_ids()
        .filter(|(_, body)| body.kind == BodyKind::Function && !body.no_sa)
        .map(|(id, _)| id)
        .collect();
    let size = |id: &BodyId| module.body(*id).instructions.len();
    let analysed = parallel::map(&functions, size, |id| {
        allocates_first(module, *id).then(|| body::analyse(&program, &Beginning::new(&program, *id), options))
    });
    let roots: Vec<(BodyId, Option<Analysed>)> = functions.into_iter().zip(analysed).collect();
    let mut findings = closing::close(&program, roots, options);
    if !options.library && options.levels.of("unused-function") != Level::Allow {
        findings.extend(lints::unused_function::find(&program));
    }
    findings
}

/// Whether a function begins as it must.
fn allocates_first(module: &Module, id: BodyId) -> bool {
    let body = module.body(id);
    match body.first_line {
        Some(Line::Instruction(number)) => {
            module.instructions(body)[number as usize].opcode == Opcode::AllocateRegisters
        }
        Some(Line::Directive { .. }) | None => false,
    }
}

/// The finding for a function that does not.
fn no_allocation(module: &Module, id: BodyId) -> Diagnostic {
    let at = module.at(module.first_token(module.body(id)));
    Diagnostic::error(Code::E0600, at, "first instruction must be 'allocate_registers' for local registers")
}
