//! Where a module is found (modules.md §8). The same search serves the tool chain and the virtual machine.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use viua_bytecode::names::is_module_name;

/// What a module is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleKind {
    /// A container.
    Library,
    /// A shared object.
    Native,
}

/// A module that comes with the tools.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    /// Its module name.
    pub name: Cow<'static, str>,
    /// What it is made of.
    pub kind: ModuleKind,
    /// The container; empty for a native one.
    pub bytes: Cow<'static, [u8]>,
}

/// Where to look, in this order.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Those of `-L`, then those of `VIUA_LIBRARY_PATH`.
    pub directories: Vec<PathBuf>,
    /// The standard library.
    pub built_in: Vec<BuiltIn>,
    /// Directories of the installation.
    pub installed: Vec<PathBuf>,
}

/// A module that was found. Whether it is any good is not known yet.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// What it is made of.
    pub kind: ModuleKind,
    /// Where it is.
    pub place: Place<'a>,
}

/// Where a module is.
#[derive(Clone, Debug)]
pub enum Place<'a> {
    /// In a file.
    File(PathBuf),
    /// In the tools.
    BuiltIn(&'a BuiltIn),
}

impl Found<'_> {
    /// Its path for messages: as found, the search directory as it was given.
    pub fn path(&self) -> String {
        match &self.place {
            Place::File(path) => path.to_string_lossy().into_owned(),
            Place::BuiltIn(module) => format!("<built-in>/{}.module", module.name.replace("::", "/")),
        }
    }
}

impl Search {
    /// The first module of that name. A name that is no module name never reaches the file system.
    pub fn find(&self, name: &str) -> Option<Found<'_>> {
        if !is_module_name(name) {
            return None;
        }
        let relative = name.replace("::", "/");
        let in_any = |directories: &[PathBuf]| directories.iter().find_map(|directory| in_one(directory, &relative));
        let built_in = || {
            let module = self.built_in.iter().find(|module| module.name == name)?;
            Some(Found { kind: module.kind, place: Place::BuiltIn(module) })
        };
        in_any(&self.directories).or_else(built_in).or_else(|| in_any(&self.installed))
    }
}

fn in_one(directory: &Path, relative: &str) -> Option<Found<'static>> {
    [(ModuleKind::Library, "module"), (ModuleKind::Native, "so")].into_iter().find_map(|(kind, extension)| {
        let path = directory.join(format!("{relative}.{extension}"));
        path.is_file().then_some(Found { kind, place: Place::File(path) })
    })
}

/// The directories in a value of `VIUA_LIBRARY_PATH`. Empty components are ignored.
pub fn split_library_path(value: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn empty_components_are_ignored() {
        let split = |value: &str| split_library_path(OsStr::new(value));
        assert_eq!(split(""), Vec::<PathBuf>::new());
        assert_eq!(split(":a::b/c:"), [PathBuf::from("a"), PathBuf::from("b/c")]);
    }

    #[test]
    fn first_directory_wins_and_libraries_go_before_native_modules() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (root.path().join("one"), root.path().join("two"));
        for directory in [&one, &two] {
            fs::create_dir_all(directory.join("a")).unwrap();
        }
        fs::write(one.join("a/native.so"), "").unwrap();
        fs::write(two.join("a/native.module"), "").unwrap();
        fs::write(two.join("a/both.module"), "").unwrap();
        fs::write(two.join("a/both.so"), "").unwrap();
        fs::create_dir_all(one.join("a/both.module")).unwrap();
        let built_in =
            |name: &'static str| BuiltIn { name: name.into(), kind: ModuleKind::Library, bytes: Cow::Borrowed(b"") };
        let search = Search {
            directories: vec![one.clone(), two.clone()],
            built_in: vec![built_in("a::both"), built_in("std::misc")],
            installed: vec![],
        };
        let path = |name: &str| search.find(name).map(|found| (found.kind, found.path()));
        let shown = |path: PathBuf| path.to_str().unwrap().to_owned();
        assert_eq!(path("a::native"), Some((ModuleKind::Native, shown(one.join("a/native.so")))));
        assert_eq!(path("a::both"), Some((ModuleKind::Library, shown(two.join("a/both.module")))));
        assert_eq!(path("std::misc"), Some((ModuleKind::Library, "<built-in>/std/misc.module".to_owned())));
        assert_eq!(path("a::missing"), None);
        assert_eq!(path("../one/a/native"), None);
        assert_eq!(path("\"a::native\""), None);
    }
}
