//! `viuac`: everything about source and containers, as subcommands (tools.md §7, §8). Each has a file of its own: its
//! options, and a function that carries it out.

mod build;
mod check;
mod completions;
mod dis;
mod explain;
mod fmt;
mod inspect;
mod lex;
mod link;
mod man;
mod parse;
mod products;
mod run;
mod source;
mod strip;

use crate::console::{Console, ConsoleArgs, print};
use crate::entry::version;
use crate::failure::{Failure, SUCCESS, UNABLE};
use crate::report::levels;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use viua_diagnostics::Levels;

const EXAMPLES: &str = "\
Examples:
  viuac run hello.asm                  assemble in memory and run
  viuac check src/*.asm                find faults, write nothing
  viuac build hello.asm -o hello       make a program
  viuac build --lib greet.asm          make a library, greet.module
  viuac build main.asm greet.module    link it statically
  viuac dis hello                      show what is in a program
  viuac explain E0301                  what a diagnostic means

Arguments can be read from a file, one per line: viuac build @arguments
Exit codes: 0 success, 1 the input is refused, 2 the command could not be carried out.";

/// Assembler, static analyser and linker of the Viua virtual machine.
#[derive(Debug, Parser)]
#[command(name = "viuac", after_help = EXAMPLES, disable_version_flag = true, args_override_self = true)]
pub struct Viuac {
    #[command(flatten)]
    console: ConsoleArgs,
    /// Print the version; with -v also format, instruction set and host
    #[arg(short = 'V', long, global = true, help_heading = "General options")]
    version: bool,
    /// List all subcommands
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Build),
    Check(check::Check),
    Run(run::Run),
    Link(link::Link),
    Dis(dis::Dis),
    Strip(strip::Strip),
    Inspect(inspect::Inspect),
    Fmt(fmt::Fmt),
    Lex(lex::Lex),
    Parse(parse::Parse),
    Explain(explain::Explain),
    Completions(completions::Completions),
    Man(man::Man),
}

/// What every subcommand gets.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Where to talk.
    pub console: Console,
    /// What becomes of findings.
    pub levels: Levels,
}

/// The command line as data, for manual pages and completions.
pub fn command() -> clap::Command {
    Viuac::command()
}

/// Carries out a command line; the exit code.
pub fn run(matches: &ArgMatches) -> Result<u8, Failure> {
    let viuac = Viuac::from_arg_matches(matches).map_err(|error| Failure::unable(error.to_string()))?;
    let console = Console { tool: "viuac", options: viuac.console };
    if viuac.version {
        print(version("viuac", viuac.console.verbose > 0).as_bytes())?;
        return Ok(SUCCESS);
    }
    if viuac.list {
        print(list().as_bytes())?;
        return Ok(SUCCESS);
    }
    let Some(command) = viuac.command else {
        // Help that nobody asked for is an error.
        drop(std::io::Write::write_all(&mut std::io::stderr(), Viuac::command().render_help().to_string().as_bytes()));
        return Ok(UNABLE);
    };
    let lints = match matches.subcommand() {
        Some((_, of_command)) if of_command.try_contains_id("allow").is_ok() => levels(of_command)?,
        _ => Levels::default(),
    };
    let context = Context { console, levels: lints };
    match command {
        Command::Build(options) => build::run(options, &context),
        Command::Check(options) => check::run(options, &context),
        Command::Run(options) => run::run(options, &context),
        Command::Link(options) => link::run(options, &context),
        Command::Dis(options) => dis::run(options, &context),
        Command::Strip(options) => strip::run(&options),
        Command::Inspect(options) => inspect::run(&options, &context),
        Command::Fmt(options) => fmt::run(&options, &context),
        Command::Lex(options) => lex::run(&options, &context),
        Command::Parse(options) => parse::run(&options, &context),
        Command::Explain(options) => explain::run(&options),
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    }
}

/// One line per subcommand.
fn list() -> String {
    let command = Viuac::command();
    let rows = command.get_subcommands().map(|sub| {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        format!("{:12} {about}\n", sub.get_name())
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Viuac::command().debug_assert();
    }

    #[test]
    fn levels_are_applied_from_left_to_right() {
        let of = |arguments: &[&str]| {
            let all = ["viuac", "check"].iter().chain(arguments).chain(&["x.asm"]);
            let matches = Viuac::command().try_get_matches_from(all).unwrap();
            levels(matches.subcommand().unwrap().1).unwrap()
        };
        use viua_diagnostics::Level;
        assert_eq!(of(&["-A", "warnings", "-Wdead-value"]).of("dead-value"), Level::Warn);
        assert_eq!(of(&["-Wdead-value", "-A", "warnings"]).of("dead-value"), Level::Allow);
        assert_eq!(of(&["-D", "warnings", "-A", "warnings"]).of("dead-value"), Level::Deny);
    }
}
