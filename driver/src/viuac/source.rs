//! Options that all subcommands which read source have in common, and the first steps of those.

use super::Context;
use crate::failure::Failure;
use crate::input::{PathMap, read_source};
use crate::output::STANDARD;
use crate::report::{DiagnosticArgs, Report};
use std::path::{Path, PathBuf};
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
pub(crate) fn open(path: &Path, names: &PathMap, report: &mut Report) -> Result<Option<FileId>, Failure> {
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

/// The sources, with the `.asm` files in and below directories in their places, sorted. Hidden files and directories
/// are left alone, and so are links, which might lead in circles.
pub(crate) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        if path == Path::new(STANDARD) || !path.is_dir() {
            sources.push(path.clone());
            continue;
        }
        let before = sources.len();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let unreadable = |error| Failure::refused(format!("cannot read {}: {error}", folder.display()));
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                let kind = entry.file_type().map_err(unreadable)?;
                let path = entry.path();
                if entry.file_name().as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "asm") {
                    sources.push(path);
                }
            }
        }
        sources[before..].sort();
    }
    Ok(sources)
}
