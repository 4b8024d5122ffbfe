//! Assembler, static analyser and linker.

use std::process::ExitCode;
use viua_driver::{entry, viuac};

fn main() -> ExitCode {
    entry::main(viuac::command(), viuac::run)
}
