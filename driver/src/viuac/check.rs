//! `viuac check`: everything but the writing.

use super::Context;
use super::source::{SourceArgs, expand, open};
use crate::assemble::{Options, assemble};
use crate::failure::Failure;
use crate::modules::search;
use crate::report::Report;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  viuac check prog.asm
  viuac check --lib --error-format=short src/*.asm
  viuac check src                     all .asm files in a directory
  viuac check --no-sa prog.asm        structure only";

/// Find faults in sources, each by itself; write nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// Sources, and directories of .asm files; '-' is standard input
    #[arg(required = true)]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    common: SourceArgs,
}

pub(crate) fn run(options: Check, context: &Context) -> Result<u8, Failure> {
    let Check { sources, common } = options;
    let how = Options {
        library: common.lib,
        no_sa: common.no_sa,
        levels: context.levels.clone(),
        search: search(&common.search),
        ..Options::default()
    };
    let mut report = Report::default();
    let sources = expand(&sources)?;
    let mut bar = context.console.bar(sources.len());
    for path in &sources {
        bar.next(path);
        let Some(file) = open(path, &common.names(), &mut report)? else { continue };
        let source = report.sources.source(file).clone();
        context.console.progress(|| format!("{}: {} bytes of source", source.path, source.text.len()));
        report.findings.append(&mut assemble(&source, file, &how).diagnostics);
    }
    drop(bar);
    report.finish(&common.diagnostics, &context.console)
}
