//! `viua run`, or just `viua`: loads a program and runs it.

use crate::console::Console;
use crate::failure::{Failure, REFUSED};
use crate::machine::{MachineArgs, execute};
use crate::modules::search;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use viua_bytecode::{Kind, Module, ReadError, read_container};
use viua_runtime::Mapped;

/// Verify a program and run it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Run {
    /// The program, then its arguments
    #[arg(trailing_var_arg = true, value_names = ["PROGRAM", "ARGUMENT"])]
    pub program: Vec<OsString>,
    /// Search modules in DIR, before the directories of VIUA_LIBRARY_PATH; repeatable
    #[arg(short = 'L', value_name = "DIR")]
    pub search: Vec<PathBuf>,
    /// Map the program into memory instead of reading it; only for files that nobody changes meanwhile
    #[arg(long)]
    pub map: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
}

impl Run {
    /// These options, and where they say nothing, those that stand further left.
    pub fn over(mut self, left: Run) -> Run {
        self.search.splice(0..0, left.search);
        self.map |= left.map;
        self.machine = self.machine.over(left.machine);
        self
    }
}

pub(crate) fn run(options: Run, console: &Console) -> Result<u8, Failure> {
    let Some((path, arguments)) = options.program.split_first() else {
        return Err(Failure::unable("no program given (viua --help tells more)"));
    };
    let module = load(Path::new(path), options.map, console)?;
    execute(module, path, arguments, search(&options.search), &options.machine, console)
}

fn load(path: &Path, map: bool, console: &Console) -> Result<Module, Failure> {
    let shown = path.display();
    let refused = |text: String| Failure::Line(text, REFUSED);
    let unopened = || refused(format!("fatal: could not open file: {shown}"));
    if path.is_dir() {
        return Err(unopened());
    }
    let bytes: Box<dyn std::ops::Deref<Target = [u8]>> = match map {
        true => Box::new(Mapped::open(path).map_err(|_| unopened())?),
        false => Box::new(std::fs::read(path).map_err(|_| unopened())?),
    };
    console.progress(|| format!("{shown}: {} bytes", bytes.len()));
    let container = read_container(&bytes, &shown.to_string()).map_err(|error| {
        refused(match error {
            ReadError::NotAContainer { .. } if is_source(&bytes) => {
                format!("error: invalid magic number\nhint: to run source text, use 'viuac run {shown}'")
            }
            ReadError::NotAContainer { .. } => "error: invalid magic number".to_owned(),
            ReadError::UnsupportedVersion { .. } | ReadError::Damaged { .. } => format!("error: {error}"),
        })
    })?;
    container.warnings.iter().for_each(|warning| console.warning(&format!("{shown}: {warning}")));
    match container.module.kind {
        Kind::Program => Ok(container.module),
        Kind::Library => Err(refused(format!("error: not an executable file: {shown}"))),
    }
}

/// Whether it looks like text.
fn is_source(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}
