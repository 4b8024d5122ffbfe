//! Input: sources, containers, and files of arguments.

use crate::failure::Failure;
use crate::output::STANDARD;
use clap::{ArgAction, Command};
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use viua_diagnostics::{Code, Diagnostic, Source};

/// Replaces the beginning of paths in messages and debug information (`--remap-path-prefix A=B`).
#[derive(Clone, Debug, Default)]
pub struct PathMap(pub Vec<(String, String)>);

impl PathMap {
    /// The path as it is shown. The last fitting rule wins.
    pub fn shown(&self, path: &Path) -> String {
        let path = path.to_string_lossy();
        let rule = self.0.iter().rev().find_map(|(from, to)| path.strip_prefix(from.as_str()).map(|rest| (to, rest)));
        rule.map_or_else(|| path.clone().into_owned(), |(to, rest)| format!("{to}{rest}"))
    }
}

/// Reads a source text; `-` is standard input. A failure is a finding about the file.
pub fn read_source(path: &Path, names: &PathMap) -> Result<Source, Failure> {
    if path == Path::new(STANDARD) {
        let mut text = Vec::new();
        return match std::io::stdin().lock().read_to_end(&mut text) {
            Ok(_) => limited("<stdin>".to_owned(), text),
            Err(_) => Err(unopened("<stdin>".to_owned())),
        };
    }
    let name = names.shown(path);
    // Devices and directories are no sources; a pipe may be one.
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => {}
        Ok(_) | Err(_) => return Err(unopened(name)),
    }
    match std::fs::read(path) {
        Ok(text) => limited(name, text),
        Err(_) => Err(unopened(name)),
    }
}

fn unopened(name: String) -> Failure {
    Failure::Refused(vec![Diagnostic::file_error(Code::E0800, name, "could not open file")])
}

fn limited(name: String, text: Vec<u8>) -> Result<Source, Failure> {
    // Spans are 32 bits wide.
    const LIMIT: u64 = u32::MAX as u64 - 1;
    if text.len() as u64 > LIMIT {
        let message = format!("source too large: {} (limit {LIMIT})", text.len());
        return Err(Failure::Refused(vec![Diagnostic::file_error(Code::E0805, name, message)]));
    }
    Ok(Source::new(name, text))
}

/// Reads a container; `-` is standard input.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new(STANDARD) {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|_| Failure::refused(format!("failed to open file: {}", path.display())))
}

/// The arguments with every `@file` replaced by the lines of that file. What follows `--`, or the first operand of a
/// command that runs a program, is left alone: it belongs to the program.
pub fn expand_arguments(root: &Command, arguments: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let mut expanded = Vec::with_capacity(arguments.len());
    let mut command = root;
    // A virtual machine's first operand is the program, unless it names a subcommand.
    let mut runs = root.get_name() == "viua";
    let mut is_value = false;
    let mut arguments = arguments.into_iter();
    expanded.extend(arguments.next());
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        if std::mem::take(&mut is_value) {
            expanded.push(argument);
            continue;
        }
        if let Some(file) = text.strip_prefix('@').filter(|file| !file.is_empty()) {
            let lines = std::fs::read_to_string(file)
                .map_err(|error| Failure::unable(format!("cannot read arguments from {file}: {error}")))?;
            expanded.extend(lines.lines().filter(|line| !line.is_empty()).map(OsString::from));
            continue;
        }
        let is_operand = !text.starts_with('-') || text == STANDARD;
        let subcommand = if is_operand { command.find_subcommand(&text) } else { None };
        is_value = takes_next(command, root, &text);
        expanded.push(argument);
        if let Some(subcommand) = subcommand {
            runs = subcommand.get_name() == "run";
            command = subcommand;
        } else if text == "--" || (is_operand && runs) {
            expanded.extend(arguments);
            break;
        }
    }
    Ok(expanded)
}

/// Whether the value of this option is the next argument.
fn takes_next(command: &Command, root: &Command, option: &str) -> bool {
    let takes_value = |argument: &clap::Arg| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let mut known = command.get_arguments().chain(root.get_arguments());
    if let Some(long) = option.strip_prefix("--") {
        return known.any(|argument| argument.get_long() == Some(long) && takes_value(argument));
    }
    let Some(cluster) = option.strip_prefix('-') else { return false };
    // In `-vL dir` the last letter takes the value; in `-Ldir` the rest of the cluster is the value.
    for (at, letter) in cluster.char_indices() {
        if known.any(|argument| argument.get_short() == Some(letter) && takes_value(argument)) {
            return at + letter.len_utf8() == cluster.len();
        }
        known = command.get_arguments().chain(root.get_arguments());
    }
    false
}

/// Whether two paths name the same existing file.
pub fn same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((std::fs::canonicalize(a), std::fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    fn expand(root: &str, arguments: &[&str]) -> Vec<String> {
        let root = Command::new(root.to_owned())
            .arg(Arg::new("directory").short('L'))
            .arg(Arg::new("verbose").short('v').action(ArgAction::Count))
            .subcommand(Command::new("run"))
            .subcommand(Command::new("build").arg(Arg::new("output").short('o').long("out")));
        let arguments = arguments.iter().map(OsString::from).collect();
        let expanded = expand_arguments(&root, arguments).unwrap();
        expanded.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn arguments_come_from_files_except_those_of_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("arguments");
        std::fs::write(&file, "-c\nname with blanks\n").unwrap();
        let at = format!("@{}", file.display());
        assert_eq!(expand("viuac", &["viuac", "build", &at]), ["viuac", "build", "-c", "name with blanks"]);
        assert_eq!(expand("viuac", &["viuac", "build", "-o", &at, "--"]), ["viuac", "build", "-o", &at, "--"]);
        assert_eq!(expand("viuac", &["viuac", "run", "a.asm", &at]), ["viuac", "run", "a.asm", &at]);
        assert_eq!(expand("viua", &["viua", "-vL", "x", "prog", &at]), ["viua", "-vL", "x", "prog", &at]);
        assert_eq!(expand("viua", &["viua", "-L", "x", &at]).len(), 5);
    }

    #[test]
    fn prefixes_of_paths_are_replaced() {
        let map = PathMap(vec![("/home/me".into(), "/src".into()), ("/home/me/x".into(), "x".into())]);
        assert_eq!(map.shown(Path::new("/home/me/a.asm")), "/src/a.asm");
        assert_eq!(map.shown(Path::new("/home/me/x/a.asm")), "x/a.asm");
        assert_eq!(map.shown(Path::new("a.asm")), "a.asm");
    }
}
