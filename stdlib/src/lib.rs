//! The standard library (stdlib.md): what programs find by `import std::…` wherever they run.
//!
//! Modules written in Viua assembly (`src/asm`) are assembled by the tool chain itself when this crate is built, and are
//! ordinary containers. Modules written in Rust (`src/native`) are tables of functions against [`viua_runtime::ffi`].

mod native;

use viua_runtime::ffi::Export;

/// What a module is made of.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// A container.
    Bytecode(&'static [u8]),
    /// Foreign functions.
    Native(&'static [Export]),
}

/// A module of the standard library.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// The name it is imported by.
    pub name: &'static str,
    /// What it is made of.
    pub content: Content,
}

macro_rules! bytecode {
    ($file:literal) => {
        Content::Bytecode(include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".module")))
    };
}

const fn module(name: &'static str, content: Content) -> Module {
    Module { name, content }
}

/// All modules. The capitalised names are second names; functions keep their lower-case ones.
pub const MODULES: &[Module] = &[
    module("std::vector", bytecode!("vector")),
    module("std::functional", bytecode!("functional")),
    module("std::misc", bytecode!("misc")),
    module("std::io", Content::Native(native::io::EXPORTS)),
    module("Std::Io", Content::Native(native::io::EXPORTS)),
    module("std::posix::io", Content::Native(native::posix_io::EXPORTS)),
    module("Std::Posix::Io", Content::Native(native::posix_io::EXPORTS)),
    module("std::os", Content::Native(native::os::EXPORTS)),
    module("Std::Os", Content::Native(native::os::EXPORTS)),
    module("std::random", Content::Native(native::random::EXPORTS)),
    module("Std::Random", Content::Native(native::random::EXPORTS)),
    module("std::runtime", Content::Native(native::runtime::EXPORTS)),
    module("std::typesystem", Content::Native(native::typesystem::EXPORTS)),
    module("std::kitchensink", Content::Native(native::kitchensink::EXPORTS)),
    module("std::posix::network", Content::Native(native::network::EXPORTS)),
    module("Std::Posix::Network", Content::Native(native::network::EXPORTS)),
];

/// The module of that name.
pub fn find(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytecode_modules_pass_the_verifier_and_define_what_they_should() {
        for (name, functions) in [("std::vector", 6), ("std::functional", 5), ("std::misc", 2)] {
            let Some(Content::Bytecode(bytes)) = find(name).map(|module| module.content) else {
                panic!("{name} is not bytecode")
            };
            let module = viua_bytecode::read(bytes, name).unwrap();
            let is_function = |kind| kind == viua_bytecode::SymbolKind::Function;
            assert_eq!(module.symbols.iter().filter(|symbol| is_function(symbol.kind)).count(), functions, "{name}");
        }
    }

    #[test]
    fn native_functions_have_names_of_their_own() {
        let mut names = Vec::new();
        for module in MODULES.iter().filter(|module| module.name.starts_with("std")) {
            if let Content::Native(exports) = module.content {
                names.extend(exports.iter().map(|export| export.name));
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
