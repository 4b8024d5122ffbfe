//! The lints of analyser-flow.md §9, a file each. They are warnings by default; a lint that is allowed is not run.

pub mod constants;
pub mod dead_value;
pub mod unreachable_code;
pub mod unread_parameter;
pub mod unused_function;

use crate::Options;
use crate::body::Analysed;
use crate::fresh::Definition;
use crate::program::Program;
use crate::scope::{Scope, UnitId};
use crate::solve::Solution;
use crate::unused::Usage;
use viua_diagnostics::{Diagnostic, Entry, Level, Position};
use viua_ir::BodyId;

/// `in function main/0`.
pub fn in_function(program: &Program, body: BodyId) -> Entry {
    let body = program.module.body(body);
    Entry::step(program.module.at(body.name_span), format!("in function {}", body.name))
}

/// Where a finding stands in its source.
pub fn offset(finding: &Diagnostic) -> u32 {
    match &finding.fault.at {
        Position::At(location) => location.span.start,
        Position::File(_) | Position::FileTight(_) | Position::Nowhere => 0,
    }
}

/// Runs the lints that look at one body.
pub fn of_body(
    scope: &Scope,
    solution: &Solution,
    usage: &Usage,
    overwrites: &[Definition],
    options: &Options,
    analysed: &mut Analysed,
) {
    let is_wanted = |name: &str| options.levels.of(name) != Level::Allow;
    let mut found: Vec<(UnitId, Diagnostic)> = Vec::new();
    if is_wanted("dead-value") {
        found.extend(dead_value::find(scope, solution, usage, overwrites));
    }
    if is_wanted("unreachable-code") {
        found.extend(unreachable_code::find(scope));
    }
    if is_wanted("constant-condition") || is_wanted("division-by-zero") {
        found.extend(constants::find(scope));
    }
    if is_wanted("unread-parameter") {
        analysed.passes = unread_parameter::passes(scope);
    }
    let root = scope.unit(0).body;
    for (unit, finding) in found {
        let finding = finding.then(in_function(scope.program, root));
        match unit {
            0 => analysed.lints.push(finding),
            block => analysed.block_lints.push((scope.unit(block).body, finding)),
        }
    }
    analysed.lints.sort_by_key(offset);
}
