//! Every program in `examples/` that has an expected output beside it is assembled without a warning, and prints it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the examples are there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "asm"))
        .collect();
    sources.sort();
    sources
}

#[test]
fn examples_print_what_they_should() {
    let sources = examples();
    assert!(sources.len() >= 7, "only {} examples", sources.len());
    for source in sources {
        let expected = std::fs::read_to_string(source.with_extension("out")).expect("an expected output");
        let run = Command::new(env!("CARGO_BIN_EXE_viuac"))
            .args(["run", "-D", "warnings"])
            .arg(&source)
            .output()
            .expect("viuac can be run");
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{}: {}\n{errors}", source.display(), run.status);
        assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{}", source.display());
    }
}
