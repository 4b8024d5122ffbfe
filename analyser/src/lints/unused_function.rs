//! `unused-function`: what no main function reaches.

use crate::program::Program;
use crate::unused::lint;
use viua_diagnostics::{Code, Diagnostic};
use viua_ir::cfg::{call_graph, reachable};
use viua_ir::{BodyId, BodyKind};

const MAIN_NAMES: [&str; 3] = ["main/0", "main/1", "main/2"];

/// All findings, in source order. Without a main function in the file there are none: it is elsewhere.
pub fn find(program: &Program) -> Vec<Diagnostic> {
    let module = program.module;
    let mains: Vec<BodyId> = module
        .bodies_with_ids()
        .filter(|(_, body)| body.kind != BodyKind::Block && MAIN_NAMES.contains(&body.name.as_str()))
        .map(|(id, _)| id)
        .collect();
    if mains.is_empty() {
        return Vec::new();
    }
    let reached = reachable(&call_graph(module), mains);
    let mut findings: Vec<Diagnostic> = module
        .bodies_with_ids()
        .filter(|(id, body)| body.kind != BodyKind::Block && !reached[id.0 as usize])
        .map(|(_, body)| {
            let kind = if body.kind == BodyKind::Closure { "closure" } else { "function" };
            lint(program, Code::W0501, body.name_span, format!("unused {kind}: {}", body.name))
        })
        .collect();
    findings.sort_by_key(super::offset);
    findings
}
