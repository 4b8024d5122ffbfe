//! Runs every conformance case as a test of its own, `area::name`.
//!
//! `cargo test --test conformance` runs all, `cargo test --test conformance -- language::` one area. Cases listed in
//! `pending.txt` are run too and must fail.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use viua_tests::check::{Tools, check};
use viua_tests::{case, conformance_folder, pending};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, String> {
    let tools = Tools {
        viuac: PathBuf::from(env!("CARGO_BIN_EXE_viuac")),
        viua: PathBuf::from(env!("CARGO_BIN_EXE_viua")),
        limit: Duration::from_secs(60),
    };
    let mut pending = pending::read(include_str!("pending.txt"))?;
    let mut trials = Vec::new();
    for (name, path) in case::find(&conformance_folder()).map_err(|error| error.to_string())? {
        let reason = pending.remove(&name);
        // What is expected to fail need not be waited for as long.
        let limit = if reason.is_some() { Duration::from_secs(5) } else { tools.limit };
        let tools = Tools { limit, ..tools.clone() };
        let is_pending = reason.is_some();
        let trial = Trial::test(name.replace('/', "::"), move || {
            let wrong = case::read(&path).and_then(|case| check(&tools, &case)).unwrap_or_else(|what| vec![what]);
            match (wrong.is_empty(), reason) {
                (true, None) | (false, Some(_)) => Ok(()),
                (false, None) => Err(Failed::from(wrong.join("\n"))),
                (true, Some(reason)) => {
                    Err(format!("passes: remove it from tests/pending.txt (where it stands for: {reason})").into())
                }
            }
        });
        trials.push(if is_pending { trial.with_kind("pending") } else { trial });
    }
    match pending.into_keys().next() {
        Some(name) => Err(format!("tests/pending.txt names {name}, which is no case")),
        None => Ok(trials),
    }
}
