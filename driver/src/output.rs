//! Output files. All of a run are written beside their targets first and renamed when everything has succeeded, so
//! that after a failure each target is what it was, and nobody ever sees half a file.

use crate::console::print;
use crate::failure::Failure;
use std::fs::{self, Permissions};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// The name that means a standard stream.
pub const STANDARD: &str = "-";

/// What is written into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// For people or other tools.
    Text,
    /// A container: not for terminals.
    Container,
}

/// Outputs that wait for the end of the run.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Closed, since there may be more of them than files can be open.
    staged: Vec<(TempPath, PathBuf)>,
    /// Devices and pipes, which cannot be replaced, and standard output.
    direct: Vec<(Option<PathBuf>, Vec<u8>)>,
}

impl Outputs {
    /// Prepares an output; `-` is standard output. Containers go to a terminal only if forced.
    pub fn add(&mut self, target: &Path, data: Vec<u8>, content: Content, force: bool) -> Result<(), Failure> {
        if target == Path::new(STANDARD) {
            if content == Content::Container && !force && std::io::stdout().is_terminal() {
                return Err(Failure::unable("a container is not written to a terminal (--force does it all the same)"));
            }
            self.direct.push((None, data));
            return Ok(());
        }
        let cannot = |error: std::io::Error| Failure::unable(format!("cannot write {}: {error}", target.display()));
        // A symbolic link stays one: what it points to is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let permissions = match fs::metadata(&target) {
            Ok(existing) if existing.is_dir() => {
                return Err(Failure::unable(format!("cannot write {}: it is a directory", target.display())));
            }
            Ok(existing) if !existing.is_file() => {
                self.direct.push((Some(target), data));
                return Ok(());
            }
            Ok(existing) => Some(existing.permissions()),
            Err(_) => None,
        };
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut file = temporary(folder).map_err(cannot)?;
        file.write_all(&data).map_err(cannot)?;
        if let Some(permissions) = permissions {
            file.as_file().set_permissions(permissions).map_err(cannot)?;
        }
        self.staged.push((file.into_temp_path(), target));
        Ok(())
    }

    /// Puts everything in place.
    pub fn commit(self) -> Result<(), Failure> {
        for (target, data) in self.direct {
            match target {
                None => print(&data)?,
                Some(target) => {
                    let written =
                        fs::OpenOptions::new().write(true).open(&target).and_then(|mut it| it.write_all(&data));
                    written.map_err(|error| Failure::unable(format!("cannot write {}: {error}", target.display())))?;
                }
            }
        }
        for (file, target) in self.staged {
            file.persist(&target)
                .map_err(|error| Failure::unable(format!("cannot write {}: {}", target.display(), error.error)))?;
        }
        Ok(())
    }
}

/// A file with the permissions of an ordinary new file.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".viuac-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
    }
    #[cfg(not(unix))]
    builder.tempfile_in(folder)
}

/// Writes a single output.
pub fn write(target: &Path, data: Vec<u8>, content: Content, force: bool) -> Result<(), Failure> {
    let mut outputs = Outputs::default();
    outputs.add(target, data, content, force)?;
    outputs.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_before_everything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("missing/second"));
        fs::write(&first, "old").unwrap();
        let mut outputs = Outputs::default();
        outputs.add(&first, b"new".to_vec(), Content::Text, false).unwrap();
        assert!(outputs.add(&second, b"new".to_vec(), Content::Text, false).is_err());
        drop(outputs);
        assert_eq!(fs::read(&first).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn devices_are_written_not_replaced() {
        write(Path::new("/dev/null"), b"x".to_vec(), Content::Container, false).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new".to_vec(), Content::Text, false).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}
