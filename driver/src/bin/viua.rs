//! The virtual machine.

use std::process::ExitCode;
use viua_driver::{entry, viua};

fn main() -> ExitCode {
    entry::main(viua::command(), viua::run)
}
