//! `viuac strip`: removes debug information.

use crate::failure::{Failure, SUCCESS};
use crate::input::read_bytes;
use crate::output::{self, Content};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  viuac strip prog               in place
  viuac strip prog -o small      into another file

The result is what a build with --strip writes.";

/// Remove debug information from a program or library.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Strip {
    /// A program or library; '-' is standard input
    file: PathBuf,
    /// Where to write instead of FILE itself; '-' is standard output
    #[arg(short, long, visible_alias = "output", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write to a terminal all the same
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(options: &Strip) -> Result<u8, Failure> {
    let bytes = read_bytes(&options.file)?;
    let path = options.file.display().to_string();
    let module = viua_bytecode::read(&bytes, &path).map_err(|error| Failure::refused(error.to_string()))?;
    let target = options.out.as_ref().unwrap_or(&options.file);
    output::write(target, viua_bytecode::write(&viua_bytecode::strip(&module)), Content::Container, options.force)?;
    Ok(SUCCESS)
}
