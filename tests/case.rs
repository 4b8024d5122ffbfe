//! A conformance case: what its header demands. The format is described in `conformance/README.md`.

use std::path::{Path, PathBuf};

/// What must happen to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is assembled and run.
    Run,
    /// It is refused.
    Reject,
}

/// The header of a case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub path: PathBuf,
    /// `run` or `reject`.
    pub kind: Kind,
    /// Extra flags of the assembler.
    pub flags: Vec<String>,
    /// Libraries linked statically.
    pub links: Vec<String>,
    /// Module name and file.
    pub modules: Vec<(String, String)>,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// Environment of the program.
    pub env: Vec<(String, String)>,
    /// Lines of standard input.
    pub stdin: Vec<String>,
    /// Exit code of the program.
    pub exit: i32,
    /// Lines of standard output.
    pub stdout: Option<Vec<String>>,
    /// Compare them sorted.
    pub unordered: bool,
    /// Patterns in standard output.
    pub stdout_match: Vec<String>,
    /// Patterns in standard error.
    pub stderr_match: Vec<String>,
    /// Tag and perhaps value of the uncaught object.
    pub uncaught: Option<(String, Option<String>)>,
    /// All lines of diagnostics.
    pub diag: Option<Vec<String>>,
    /// The first line of diagnostics.
    pub diag_first: Option<String>,
    /// Whether it is disassembled and assembled again.
    pub round_trip: bool,
}

/// All cases of a folder, as (`area/name`, file), sorted; folders called `lib` hold what cases link.
pub fn find(folder: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut cases = Vec::new();
    for area in std::fs::read_dir(folder)? {
        let area = area?;
        if !area.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(area.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "asm")
                && let Some(name) = path.file_stem()
            {
                cases.push((format!("{}/{}", area.file_name().display(), name.display()), path));
            }
        }
    }
    cases.sort();
    Ok(cases)
}

/// Reads the header of a case.
pub fn read(path: &Path) -> Result<Case, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut case = Case {
        path: path.to_owned(),
        kind: Kind::Run,
        flags: Vec::new(),
        links: Vec::new(),
        modules: Vec::new(),
        args: Vec::new(),
        env: Vec::new(),
        stdin: Vec::new(),
        exit: 0,
        stdout: None,
        unordered: false,
        stdout_match: Vec::new(),
        stderr_match: Vec::new(),
        uncaught: None,
        diag: None,
        diag_first: None,
        round_trip: true,
    };
    let mut kind = None;
    for line in text.split('\n') {
        let Some(directive) = line.strip_prefix(";@") else {
            if line.starts_with(';') || line.trim().is_empty() {
                continue;
            }
            break;
        };
        match directive.trim() {
            "run" => kind = Some(Kind::Run),
            "reject" => kind = Some(Kind::Reject),
            "unordered" => case.unordered = true,
            _ => {
                let (key, value) = directive.split_once(':').unwrap_or((directive, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                set(&mut case, key.trim(), value).map_err(|what| format!("{}: {what}", path.display()))?;
            }
        }
    }
    case.kind = kind.ok_or_else(|| format!("{}: neither ;@ run nor ;@ reject", path.display()))?;
    Ok(case)
}

fn set(case: &mut Case, key: &str, value: &str) -> Result<(), String> {
    let words = || shlex::split(value).ok_or_else(|| format!("open quote in {value:?}"));
    let pair = || {
        let (name, what) = value.split_once('=').unwrap_or((value, ""));
        (name.trim().to_owned(), what.trim().to_owned())
    };
    match key {
        "flags" => case.flags.extend(words()?),
        "link" => case.links.push(value.trim().to_owned()),
        "module" => case.modules.push(pair()),
        "args" => case.args.extend(words()?),
        "env" => case.env.push(pair()),
        "stdin" => case.stdin.push(value.to_owned()),
        "exit" => case.exit = value.trim().parse().map_err(|_| format!("no exit code: {value:?}"))?,
        "stdout" => case.stdout.get_or_insert_default().push(value.to_owned()),
        "stdout-match" => case.stdout_match.push(value.to_owned()),
        "stderr-match" => case.stderr_match.push(value.to_owned()),
        "uncaught" => {
            case.uncaught = Some(match value.split_once(" = ") {
                Some((tag, text)) => (tag.trim().to_owned(), Some(text.to_owned())),
                None => (value.trim().to_owned(), None),
            });
        }
        "diag" => case.diag.get_or_insert_default().push(value.to_owned()),
        "diag-first" => case.diag_first = Some(value.to_owned()),
        "round-trip" => case.round_trip = value.trim() != "no",
        "beyond" => {}
        _ => return Err(format!("unknown directive {key:?}")),
    }
    Ok(())
}
