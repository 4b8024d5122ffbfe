//! Programs that a test brings along as text, and processes of the operating system that end with the test.

use crate::check::clean_command;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use tempfile::TempDir;

/// A folder with a program in it.
pub struct Program {
    folder: TempDir,
    viua: PathBuf,
}

impl Program {
    /// Builds a program; panics with what the tool says if that fails.
    pub fn build(viuac: &str, viua: &str, source: &str, flags: &[&str]) -> Program {
        let program = Program { folder: tempfile::tempdir().expect("a folder"), viua: viua.into() };
        let path = program.folder().join("program.asm");
        std::fs::write(&path, source).expect("a source can be written");
        let mut build = clean_command(Path::new(viuac));
        let built = build.arg("build").args(flags).arg("-o").arg(program.path()).arg(&path).output();
        let built = built.expect("the assembler can be started");
        assert!(built.status.success(), "{}\n{source}", String::from_utf8_lossy(&built.stderr));
        program
    }

    /// Its folder, empty but for the program and its source.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The built program.
    pub fn path(&self) -> PathBuf {
        self.folder().join("program")
    }

    /// A command that runs it, with flags for the machine.
    pub fn machine(&self, flags: &[&str]) -> Command {
        let mut machine = clean_command(&self.viua);
        machine.args(flags).arg(self.path());
        machine
    }
}

/// A process that is killed at the end of the test, without warning.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop((self.0.kill(), self.0.wait()));
    }
}
