//! Linking: where modules are found, what may be linked to what, and the merging of modules into one (modules.md).
//!
//! The checks come before the code: [`resolve_imports`] (phase G of language.md §1.2) and [`resolve`] (phase H) need
//! only the names of what a unit defines, so that they can run before its code is generated; [`Resolved::link`] then
//! merges, and cannot fail. Nothing here reads the environment; files are only read.

mod imports;
mod library;
mod merge;
mod resolve;
mod search;

pub use imports::{Import, Imports, find_static, resolve_imports};
pub use library::Library;
pub use resolve::{Request, Resolved, Site, Unit, resolve};
pub use search::{BuiltIn, Found, ModuleKind, Place, Search, split_library_path};
