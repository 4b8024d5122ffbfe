//! `viuac man`: manual pages, derived from the command line.

use crate::console::print;
use crate::failure::{Failure, SUCCESS};
use crate::viua;
use viua_diagnostics::closest;

const EXAMPLES: &str = "\
Examples:
  viuac man | man -l -             the page of viuac
  viuac man build > viuac-build.1  the page of a subcommand
  viuac man viua > viua.1          the page of the virtual machine";

/// Print a manual page as roff.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// A subcommand, or 'viua'; without it the page of viuac
    command: Option<String>,
}

pub(crate) fn run(options: &Man) -> Result<u8, Failure> {
    let viuac = super::command();
    let page = match options.command.as_deref() {
        None | Some("viuac") => viuac,
        Some("viua") => viua::command(),
        Some(name) => {
            let sub = viuac.find_subcommand(name).ok_or_else(|| {
                let near = closest(name, viuac.get_subcommands().map(clap::Command::get_name));
                let hint = near.map_or(String::new(), |near| format!("; did you mean '{near}'?"));
                Failure::unable(format!("no such command: {name}{hint}"))
            })?;
            sub.clone().name(format!("viuac-{name}")).bin_name(format!("viuac {name}"))
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff).map_err(|error| Failure::unable(error.to_string()))?;
    print(&roff)?;
    Ok(SUCCESS)
}
