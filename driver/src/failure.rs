//! How a command ends when it does not succeed, and the exit code that says so (tools.md §7).

use std::io;
use viua_diagnostics::Diagnostic;

/// Success; warnings are allowed.
pub const SUCCESS: u8 = 0;
/// The input is refused, missing or unreadable.
pub const REFUSED: u8 = 1;
/// The command could not be carried out: bad usage, output that cannot be written, an internal error.
pub const UNABLE: u8 = 2;
/// Nobody reads standard output any more; what a shell reports for a filter ended by SIGPIPE.
pub const CLOSED: u8 = 141;

/// Why a command stopped.
#[derive(Debug)]
pub enum Failure {
    /// The input is refused; the findings say why and are printed as diagnostics.
    Refused(Vec<Diagnostic>),
    /// A message of the tool, and the exit code.
    Message(String, u8),
    /// A line that is printed as it is, since its text binds, and the exit code.
    Line(String, u8),
    /// Standard output was closed: nothing is said.
    Closed,
}

impl Failure {
    /// The command cannot be carried out.
    pub fn unable(what: impl Into<String>) -> Failure {
        Failure::Message(what.into(), UNABLE)
    }

    /// The input is refused, without a finding.
    pub fn refused(what: impl Into<String>) -> Failure {
        Failure::Message(what.into(), REFUSED)
    }

    /// Standard output could not be written.
    pub fn stdout(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::unable(format!("cannot write to standard output: {error}")),
        }
    }
}
