//! The imports of a unit (phase G of language.md §1.2; faults: modules.md §5).

use crate::library::Library;
use crate::search::{ModuleKind, Search};
use viua_diagnostics::{Code, Diagnostic, Position, Severity, Span};

/// An `.import:` directive.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// The module.
    pub name: &'a str,
    /// `[[static]]` is among the attributes.
    pub is_static: bool,
    /// `[[dynamic]]` is among the attributes.
    pub is_dynamic: bool,
    /// The token of the name, to be marked.
    pub at: Option<Span>,
}

/// What the imports come to. Both in bytewise order of module name.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// To be linked in.
    pub libraries: Vec<Library>,
    /// To be loaded at run.
    pub dynamic: Vec<String>,
}

/// Looks up all imports of a unit, in bytewise order of module name: one fault per module.
pub fn resolve_imports(file: &str, imports: &[Import], search: &Search) -> Result<Imports, Vec<Diagnostic>> {
    let mut sorted = imports.to_vec();
    sorted.sort_by_key(|import| import.name);
    let mut result = Imports::default();
    let mut faults = Vec::new();
    for import in &sorted {
        let resolved = resolve_import(file, import, search);
        match resolved {
            Ok(Some(library)) => result.libraries.push(library),
            Ok(None) => result.dynamic.push(import.name.to_owned()),
            Err(fault) => faults.push(*fault),
        }
    }
    if faults.is_empty() { Ok(result) } else { Err(faults) }
}

/// The library of that name (`-l`), to be linked in.
pub fn find_static(file: &str, name: &str, search: &Search) -> Result<Library, Box<Diagnostic>> {
    let found = search.find(name).ok_or_else(|| Box::new(not_found(file, name)))?;
    match found.kind {
        ModuleKind::Library => Ok(Library::found(&found)),
        ModuleKind::Native => {
            let message = format!("only bytecode modules may be statically imported \"{name}\"");
            Err(Box::new(fault(Code::E0712, file, message)))
        }
    }
}

/// The library to be linked in; none for a dynamic import.
fn resolve_import(file: &str, import: &Import, search: &Search) -> Result<Option<Library>, Box<Diagnostic>> {
    let name = import.name;
    let marked = |diagnostic: Diagnostic| {
        Box::new(match import.at {
            Some(at) => diagnostic.mark(at),
            None => diagnostic,
        })
    };
    if import.is_static {
        return find_static(file, name, search).map(Some).map_err(|fault| marked(*fault));
    }
    if search.find(name).is_none() {
        return Err(marked(not_found(file, name)));
    }
    if import.is_dynamic {
        return Ok(None);
    }
    let missing = fault(Code::E0711, file, format!("link mode not specified for module \"{name}\""));
    Err(marked(missing.note("expected either \"static\" or \"dynamic\"")))
}

pub(crate) fn not_found(file: &str, name: &str) -> Diagnostic {
    fault(Code::E0710, file, format!("did not find module \"{name}\""))
}

/// These faults are printed without the blank behind the file name.
fn fault(code: Code, file: &str, message: String) -> Diagnostic {
    Diagnostic::new(Severity::Error, Some(code), Position::FileTight(file.to_owned()), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::BuiltIn;

    fn search() -> Search {
        let built_in = |name: &'static str, kind| BuiltIn { name: name.into(), kind, bytes: (&b""[..]).into() };
        let modules = vec![built_in("leaf", ModuleKind::Library), built_in("native", ModuleKind::Native)];
        Search { built_in: modules, ..Search::default() }
    }

    fn import(name: &str, is_static: bool, is_dynamic: bool) -> Import<'_> {
        Import { name, is_static, is_dynamic, at: None }
    }

    fn faults(imports: &[Import]) -> Vec<String> {
        let faults = resolve_imports("x.asm", imports, &search()).err().unwrap_or_default();
        let text = |fault: &Diagnostic| {
            assert_eq!(fault.fault.at, Position::FileTight("x.asm".to_owned()));
            [fault.fault.message.clone().into_iter().collect(), fault.fault.notes.clone()].concat().join("; ")
        };
        faults.iter().map(text).collect()
    }

    #[test]
    fn faults_come_in_order_of_name() {
        assert_eq!(
            faults(&[import("z", false, true), import("a::b", true, false), import("leaf", false, false)]),
            [
                "did not find module \"a::b\"",
                "link mode not specified for module \"leaf\"; expected either \"static\" or \"dynamic\"",
                "did not find module \"z\"",
            ]
        );
        assert_eq!(faults(&[import("none", false, false)]), ["did not find module \"none\""]);
        let native = "only bytecode modules may be statically imported \"native\"";
        assert_eq!(faults(&[import("native", true, true)]), [native]);
    }

    #[test]
    fn static_wins_over_dynamic() {
        let imports = [import("leaf", true, true), import("native", false, true)];
        let imports = resolve_imports("x.asm", &imports, &search()).unwrap();
        assert_eq!(imports.dynamic, ["native"]);
        assert_eq!(imports.libraries[0].path, "<built-in>/leaf.module");
    }
}
