//! Where modules are searched (modules.md §8): directories of the command line and the environment, the standard
//! library, the installation.

use std::path::{Path, PathBuf};
use viua_bytecode::layout::FORMAT_MAJOR;
use viua_bytecode::{Kind, read};
use viua_linker::{BuiltIn, ModuleKind, Place, Search, split_library_path};
use viua_runtime::{Found, LoadError};
use viua_stdlib::Content;

/// The search of this run.
pub fn search(given: &[PathBuf]) -> Search {
    let mut directories = given.to_vec();
    directories.extend(split_library_path(&std::env::var_os("VIUA_LIBRARY_PATH").unwrap_or_default()));
    Search { directories, built_in: built_in(), installed: installed().into_iter().collect() }
}

/// The standard library.
fn built_in() -> Vec<BuiltIn> {
    let modules = viua_stdlib::MODULES.iter().map(|module| match module.content {
        Content::Bytecode(bytes) => {
            BuiltIn { name: module.name.into(), kind: ModuleKind::Library, bytes: bytes.into() }
        }
        Content::Native(_) => BuiltIn { name: module.name.into(), kind: ModuleKind::Native, bytes: (&b""[..]).into() },
    });
    modules.collect()
}

/// `<prefix>/lib/viua/<format major>/`, the prefix being the parent of the directory of this program.
fn installed() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let prefix = program.parent().and_then(Path::parent)?;
    Some(prefix.join("lib/viua").join(FORMAT_MAJOR.to_string()))
}

/// Finds, reads and verifies a module for a running program; the faults are those of modules.md §6.
pub fn load(search: &Search, name: &str) -> Result<Found, LoadError> {
    let fault = |text: String| LoadError { tag: "LinkException".to_owned(), text };
    let found = search.find(name).ok_or_else(|| fault(format!("failed to locate module: {name}")))?;
    let path = found.path();
    let module = match (&found.place, found.kind) {
        (Place::BuiltIn(module), ModuleKind::Library) => read(&module.bytes, &path),
        (Place::BuiltIn(_), ModuleKind::Native) => match viua_stdlib::find(name).map(|module| module.content) {
            Some(Content::Native(exports)) => return Ok(Found::Native(exports)),
            Some(Content::Bytecode(_)) | None => return Err(fault(format!("failed to locate module: {name}"))),
        },
        (Place::File(file), ModuleKind::Library) => {
            let bytes = std::fs::read(file).map_err(|_| fault(format!("failed to open file: {path}")))?;
            read(&bytes, &path)
        }
        (Place::File(file), ModuleKind::Native) => return Ok(Found::SharedObject(file.clone())),
    };
    match module {
        Ok(module) if module.kind == Kind::Library => Ok(Found::Library(Box::new(module))),
        Ok(_) => Err(fault(format!("not a linkable file: {path}"))),
        Err(error) => Err(fault(error.to_string())),
    }
}
