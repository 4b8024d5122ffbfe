//! `viuac run`: build in memory, and run.

use super::Context;
use super::source::{SourceArgs, open};
use crate::assemble::{Options, assemble};
use crate::failure::{Failure, SUCCESS};
use crate::machine::{MachineArgs, execute};
use crate::modules::search;
use crate::report::Report;
use std::ffi::OsString;
use std::path::Path;
use viua_codegen::DebugLevel;
use viua_linker::Library;

const EXAMPLES: &str = "\
Examples:
  viuac run hello.asm
  viuac run -L modules prog.asm one --two     what follows the source belongs to the program
  viuac run - < hello.asm                     the program finds its input at the end

The exit code is that of the program; 1 if the source is refused, 2 for bad usage.";

/// Assemble a source in memory and run it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    /// The source ('-' is standard input), then the arguments of the program
    #[arg(required = true, trailing_var_arg = true, value_names = ["SOURCE", "ARGUMENT"])]
    program: Vec<OsString>,
    /// Link this library statically; repeatable
    #[arg(long = "with", value_name = "LIBRARY")]
    libraries: Vec<std::path::PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    common: SourceArgs,
}

pub(crate) fn run(options: Run, context: &Context) -> Result<u8, Failure> {
    let Run { program, libraries, machine, common } = options;
    let Some((path, arguments)) = program.split_first() else { return Err(Failure::unable("no source given")) };
    let mut report = Report::default();
    let Some(file) = open(Path::new(path), &common.names(), &mut report)? else {
        return report.finish(&common.diagnostics, &context.console);
    };
    let source = report.sources.source(file).clone();
    let how = Options {
        library: common.lib,
        no_sa: common.no_sa,
        levels: context.levels.clone(),
        debug: DebugLevel::Full,
        search: search(&common.search),
        libraries: libraries.iter().map(Library::file).collect(),
        ..Options::default()
    };
    let mut assembly = assemble(&source, file, &how);
    report.findings.append(&mut assembly.diagnostics);
    let code = report.finish(&common.diagnostics, &context.console)?;
    match assembly.module {
        Some(module) if code == SUCCESS => execute(module, path, arguments, how.search, &machine, &context.console),
        Some(_) | None => Ok(code),
    }
}
