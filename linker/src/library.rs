//! Reading a library, and what is said about one that cannot be linked (modules.md §4).

use crate::search::{Found, Place};
use std::borrow::Cow;
use std::path::PathBuf;
use viua_bytecode::{Kind, Module, ReadError, is_container, read_container};
use viua_diagnostics::{Code, Diagnostic, Position, Severity};

/// A library to be linked.
#[derive(Clone, Debug)]
pub struct Library {
    /// Its path, for messages.
    pub path: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    File(PathBuf),
    Bytes(Cow<'static, [u8]>),
}

impl Library {
    /// A file, with its path as given.
    pub fn file(path: impl Into<PathBuf>) -> Library {
        let path = path.into();
        Library { path: path.to_string_lossy().into_owned(), content: Content::File(path) }
    }

    /// The content of a file that has been read already, or of one that never was one.
    pub fn bytes(path: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) -> Library {
        Library { path: path.into(), content: Content::Bytes(bytes.into()) }
    }

    /// A module that was found.
    pub(crate) fn found(found: &Found) -> Library {
        match &found.place {
            Place::File(path) => Library::file(path),
            Place::BuiltIn(module) => Library::bytes(found.path(), module.bytes.clone()),
        }
    }

    /// Reads and verifies it. Messages are about `file`, the source or whatever the output is made of.
    pub(crate) fn read(&self, file: &str, warnings: &mut Vec<Diagnostic>) -> Result<Module, Box<Diagnostic>> {
        let path = &self.path;
        let bytes = match &self.content {
            Content::Bytes(bytes) => Cow::Borrowed(&bytes[..]),
            Content::File(place) => match std::fs::read(place) {
                Ok(bytes) => Cow::Owned(bytes),
                Err(_) => {
                    let message = format!("failed to open file: {path}");
                    return Err(Box::new(Diagnostic::file_error(Code::E0800, file, message)));
                }
            },
        };
        let not_linkable = || Diagnostic::file_error(Code::E0802, file, format!("not a linkable file: {path}"));
        if !is_container(&bytes) && is_text(&bytes) {
            let help = format!("to link source text, build it first: viuac build --lib {path}");
            return Err(Box::new(not_linkable().help(help)));
        }
        let container = read_container(&bytes, path).map_err(|error| {
            let code = match error {
                ReadError::NotAContainer { .. } => Code::E0801,
                ReadError::UnsupportedVersion { .. } => Code::E0803,
                ReadError::Damaged { .. } => Code::E0804,
            };
            Box::new(Diagnostic::file_error(code, file, error.to_string()))
        })?;
        if container.module.kind == Kind::Program {
            return Err(Box::new(not_linkable()));
        }
        warnings.extend(container.warnings.iter().map(|what| {
            let at = Position::File(file.to_owned());
            Diagnostic::new(Severity::Warning, Some(Code::E0804), at, format!("damaged file: {path}: {what}"))
        }));
        Ok(container.module)
    }
}

/// Whether it looks like source: text without other control characters than those of layout.
fn is_text(bytes: &[u8]) -> bool {
    let is_layout = |character: char| matches!(character, '\n' | '\r' | '\t' | '\u{c}');
    !bytes.is_empty()
        && std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(|it| is_layout(it) || !it.is_control()))
}
