//! Where modules are searched (modules.md §8): directories of the command line and the environment, the standard
//! library, the installation.

use std::path::{Path, PathBuf};
use viua_bytecode::layout::FORMAT_MAJOR;
use viua_linker::{Search, split_library_path};

/// The search of this run.
pub fn search(given: &[PathBuf]) -> Search {
    let mut directories = given.to_vec();
    directories.extend(split_library_path(&std::env::var_os("VIUA_LIBRARY_PATH").unwrap_or_default()));
    Search { directories, built_in: viua_stdlib::built_in(), installed: installed().into_iter().collect() }
}

/// `<prefix>/lib/viua/<format major>/`, the prefix being the parent of the directory of this program.
fn installed() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let prefix = program.parent().and_then(Path::parent)?;
    Some(prefix.join("lib/viua").join(FORMAT_MAJOR.to_string()))
}
