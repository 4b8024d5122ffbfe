//! The traced errors that the README shows are those that the tools print. `UPDATE_TRACES=1` rewrites the pictures in
//! `tests/traces`; the README has to be mended by hand.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What `viuac check` says about a file of `tests/traces`.
fn picture(name: &str) -> String {
    let check = Command::new(env!("CARGO_BIN_EXE_viuac"))
        .args(["check", "--color=never", "--explain-hint=no"])
        .arg(format!("{name}.asm"))
        .env("COLUMNS", "100")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(root().join("tests/traces"))
        .output()
        .expect("viuac can be run");
    String::from_utf8(check.stderr).expect("findings are text")
}

#[test]
fn readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README is there");
    for name in ["branches", "blocks", "loop"] {
        let printed = picture(name);
        let stored = root().join("tests/traces").join(name).with_extension("txt");
        if std::env::var_os("UPDATE_TRACES").is_some() {
            std::fs::write(&stored, &printed).expect("the picture can be written");
        }
        let expected = std::fs::read_to_string(&stored).expect("a stored picture");
        assert_eq!(printed, expected, "{name}");
        let shown =
            expected.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n");
        assert!(readme.contains(&shown), "the README does not show {name}:\n{shown}");
    }
}
