//! What both programs do before and after the work: arguments from files, the command line, panics, exit codes.

use crate::console::{Console, ConsoleArgs};
use crate::failure::{Failure, SUCCESS, UNABLE};
use crate::input::expand_arguments;
use clap::{ArgMatches, Command};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use viua_bytecode::layout;

/// Runs a program: its command line, and what carries it out.
pub fn main(command: Command, carry_out: fn(&ArgMatches) -> Result<u8, Failure>) -> ExitCode {
    let tool = if command.get_name() == "viua" { "viua" } else { "viuac" };
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("{tool}: internal error: {panic}");
        eprintln!("{tool}: this is a bug of {tool}, please report it together with the input that shows it");
    }));
    let console = Console { tool, options: ConsoleArgs::default() };
    // Unwinding removes temporary files.
    match catch_unwind(AssertUnwindSafe(|| parse_and_carry_out(command, carry_out))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(Failure::Message(text, code))) => {
            console.error(&text);
            ExitCode::from(code)
        }
        Ok(Err(Failure::Line(text, code))) => {
            eprintln!("{text}");
            ExitCode::from(code)
        }
        Ok(Err(Failure::Refused(findings))) => {
            // Commands that read source print their findings themselves.
            for finding in findings {
                console.error(&finding.fault.message.unwrap_or_default());
            }
            ExitCode::from(crate::failure::REFUSED)
        }
        Ok(Err(Failure::Closed)) => ExitCode::from(crate::failure::CLOSED),
        Err(_) => ExitCode::from(UNABLE),
    }
}

fn parse_and_carry_out(command: Command, carry_out: fn(&ArgMatches) -> Result<u8, Failure>) -> Result<u8, Failure> {
    let mut built = command.clone();
    built.build();
    let arguments = expand_arguments(&built, std::env::args_os().collect())?;
    match command.try_get_matches_from(arguments) {
        Ok(matches) => carry_out(&matches),
        Err(error) => {
            // Help and version are answers, everything else is bad usage.
            let code = if error.use_stderr() { UNABLE } else { SUCCESS };
            match error.print() {
                Err(what) if code == SUCCESS => Err(Failure::stdout(&what)),
                Ok(()) | Err(_) => Ok(code),
            }
        }
    }
}

/// The answer to `--version`.
pub fn version(tool: &str, in_full: bool) -> String {
    let mut text = format!("{tool} {}\n", env!("CARGO_PKG_VERSION"));
    if in_full {
        let (major, minor) = (layout::FORMAT_MAJOR, layout::FORMAT_MINOR);
        text.push_str(&format!("container format: {major}.{minor}\n"));
        text.push_str(&format!("instruction set: revision {}\n", layout::INSTRUCTION_SET_REVISION));
        text.push_str(&format!("commit: {}\n", option_env!("VIUA_COMMIT").unwrap_or("unknown")));
        text.push_str(&format!("host: {}-{}\n", std::env::consts::ARCH, std::env::consts::OS));
    }
    text
}
