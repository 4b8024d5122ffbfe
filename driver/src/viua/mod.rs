//! `viua`: the virtual machine (tools.md §9).

mod info;
mod run;
mod verify;

use crate::console::{Console, ConsoleArgs, print};
use crate::entry::version;
use crate::failure::{Failure, SUCCESS};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  viua prog one --two                run prog; what follows it belongs to the program
  viua -L modules prog               search modules here, too
  viua verify prog list.module       only check that the files are sound
  viua -iv                           how many schedulers there are

To run source text, use 'viuac run'.
Exit codes: that of the program, 1 for an uncaught exception or a program that cannot be loaded, 2 for bad usage.";

/// The Viua virtual machine: runs programs that viuac made.
#[derive(Debug, Parser)]
#[command(name = "viua", after_help = EXAMPLES, disable_version_flag = true, args_override_self = true)]
pub struct Viua {
    #[command(flatten)]
    console: ConsoleArgs,
    /// Print the version; with -v also format, instruction set and host
    #[arg(short = 'V', long, global = true, help_heading = "General options")]
    version: bool,
    /// Show the numbers of schedulers
    #[arg(short, long)]
    info: bool,
    #[command(flatten)]
    run: run::Run,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Verify(verify::Verify),
    Info(info::Info),
}

/// The command line as data, for manual pages.
pub fn command() -> clap::Command {
    Viua::command()
}

/// Carries out a command line; the exit code.
pub fn run(matches: &ArgMatches) -> Result<u8, Failure> {
    let viua = Viua::from_arg_matches(matches).map_err(|error| Failure::unable(error.to_string()))?;
    let console = Console { tool: "viua", options: viua.console };
    if viua.info {
        return info::run(&info::Info::default(), &viua.run.machine, &console);
    }
    if viua.version {
        print(version("viua", viua.console.verbose > 0).as_bytes())?;
        return Ok(SUCCESS);
    }
    match viua.command {
        None => run::run(viua.run, &console),
        Some(Command::Run(options)) => run::run(options.over(viua.run), &console),
        Some(Command::Verify(options)) => verify::run(&options, &console),
        Some(Command::Info(options)) => info::run(&options, &viua.run.machine, &console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Viua {
        Viua::try_parse_from(["viua"].iter().chain(arguments)).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Viua::command().debug_assert();
    }

    #[test]
    fn options_end_at_the_program() {
        let viua = parse(&["-v", "-L", "x", "prog", "-v", "--two", "verify", "--"]);
        assert_eq!(viua.console.verbose, 1);
        assert_eq!(viua.run.program, ["prog", "-v", "--two", "verify", "--"]);
        assert!(viua.command.is_none());
    }

    #[test]
    fn run_may_be_written() {
        let viua = parse(&["-L", "x", "run", "-L", "y", "verify", "a"]);
        let Some(Command::Run(options)) = viua.command else { panic!("not run") };
        let options = options.over(viua.run);
        assert_eq!(options.program, ["verify", "a"]);
        assert_eq!(options.search, [std::path::Path::new("x"), std::path::Path::new("y")]);
        assert!(matches!(parse(&["-v", "info"]).command, Some(Command::Info(_))));
    }
}
