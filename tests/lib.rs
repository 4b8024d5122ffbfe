//! What the tests of the whole tool chain share: reading conformance cases, running them, running programs.
//!
//! The tests are targets of the driver (`conformance.rs` and `cli.rs` beside this file), since cargo tells only
//! the package that owns the binaries where they were built.

pub mod case;
pub mod check;
pub mod pending;
pub mod process;
pub mod program;

use std::path::PathBuf;

/// The folder of the conformance cases.
pub fn conformance_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance")
}
