//! Options that all subcommands which read source have in common, and the first steps of those.

use super::Context;
use crate::failure::Failure;
use crate::input::{PathMap, read_source};
use crate::report::{DiagnosticArgs, Report};
use std::path::PathBuf;
use viua_diagnostics::{Diagnostic, FileId};

/// Options of every subcommand that reads source.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Source")]
pub(crate) struct SourceArgs {
    /// Make a library: no entry point is looked for
    #[arg(short = 'c', long = "lib")]
    pub lib: bool,
    /// Search modules in DIR, before the directories of VIUA_LIBRARY_PATH; repeatable
    #[arg(short = 'L', value_name = "DIR")]
    pub search: Vec<PathBuf>,
    /// Skip the static analysis; structural checks stay
    #[arg(long)]
    pub no_sa: bool,
    /// Show paths that begin with A as if they began with B; repeatable
    #[arg(long, value_name = "A=B", value_parser = parse_remap)]
    pub remap_path_prefix: Vec<(String, String)>,
    #[command(flatten)]
    pub diagnostics: DiagnosticArgs,
}

fn parse_remap(rule: &str) -> Result<(String, String), String> {
    let (from, to) = rule.split_once('=').ok_or("expected A=B")?;
    Ok((from.to_owned(), to.to_owned()))
}

impl SourceArgs {
    /// How paths are shown.
    pub fn names(&self) -> PathMap {
        PathMap(self.remap_path_prefix.clone())
    }
}

/// The form of printed data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Reads a source into the report. `None`: it cannot be read, which the report says now.
pub(crate) fn open(path: &std::path::Path, names: &PathMap, report: &mut Report) -> Result<Option<FileId>, Failure> {
    match read_source(path, names) {
        Ok(source) => Ok(Some(report.sources.add(source))),
        Err(failure) => report.absorb(failure).map(|()| None),
    }
}

/// Adds the findings of a stage, at the levels of their lints; whether the input is refused now.
pub(crate) fn refuses(findings: Vec<Diagnostic>, report: &mut Report, context: &Context) -> bool {
    let findings = context.levels.apply(findings);
    let refused = findings.iter().any(Diagnostic::is_error);
    report.findings.extend(findings);
    refused
}
