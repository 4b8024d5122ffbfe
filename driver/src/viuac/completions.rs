//! `viuac completions`: completion scripts, derived from the command line.

use crate::console::print;
use crate::failure::{Failure, SUCCESS};
use clap_complete::{Shell, generate};

const EXAMPLES: &str = "\
Examples:
  viuac completions bash > ~/.local/share/bash-completion/completions/viuac
  viuac completions fish > ~/.config/fish/completions/viuac.fish";

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(options: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    generate(options.shell, &mut super::command(), "viuac", &mut script);
    print(&script)?;
    Ok(SUCCESS)
}
