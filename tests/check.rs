//! Runs a conformance case on a built tool chain and says everything that is wrong.

use crate::case::{Case, Kind};
use crate::process::{Outcome, run};
use regex::RegexBuilder;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The tool chain under test.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The assembler.
    pub viuac: PathBuf,
    /// The virtual machine.
    pub viua: PathBuf,
    /// Time limit of every single program.
    pub limit: Duration,
}

/// Variables that would change what the tools do.
const CLEARED: &[&str] = &[
    "VIUA_LIBRARY_PATH",
    "VIUA_IMPORT",
    "VIUA_PROC_SCHEDULERS",
    "VIUA_FFI_SCHEDULERS",
    "VIUA_IO_SCHEDULERS",
    "VIUA_STACK_TRACES",
    "VIUA_STACKTRACE_SERIALISATION",
    "VIUA_STACKTRACE_PRINT_TO",
    "VIUA_ENABLE_TRACING",
    "VIUAVM_ASM_COLOUR",
    "NO_COLOR",
    "CLICOLOR_FORCE",
];

/// A command without the variables of ours that the surroundings may have set.
pub fn clean_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in CLEARED {
        command.env_remove(name);
    }
    command
}

/// One run of the assembler.
struct Assembly<'a> {
    source: &'a str,
    output: &'a Path,
    flags: &'a [String],
    links: &'a [PathBuf],
    library: bool,
    folder: &'a Path,
    modules: &'a Path,
}

impl Tools {
    fn assemble(&self, assembly: &Assembly) -> Result<Outcome, String> {
        let mut command = clean_command(&self.viuac);
        command.args(["build", "--error-format=short", "--max-errors=1", "-A", "warnings"]);
        if assembly.library {
            command.arg("--lib");
        }
        command.args(assembly.flags).arg("-o").arg(assembly.output).arg(assembly.source).args(assembly.links);
        command.current_dir(assembly.folder).env("VIUA_LIBRARY_PATH", assembly.modules);
        run(&mut command, b"", self.limit).map_err(|what| format!("assembler {what}"))
    }
}

/// Everything that is wrong with a case; empty if it passes.
pub fn check(tools: &Tools, case: &Case) -> Result<Vec<String>, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let scratch = scratch.path();
    let modules = scratch.join("mods");
    std::fs::create_dir(&modules).map_err(|error| error.to_string())?;
    let folder = case.path.parent().unwrap_or(Path::new("."));
    let name = case.path.file_name().unwrap_or_default().to_string_lossy().into_owned();

    let no_sa = ["--no-sa".to_owned()];
    for (module, file) in &case.modules {
        let output = modules.join(module.replace("::", "/") + ".module");
        std::fs::create_dir_all(output.parent().unwrap_or(&modules)).map_err(|error| error.to_string())?;
        let flags: &[String] = if case.flags.contains(&no_sa[0]) { &no_sa } else { &[] };
        library(tools, "module", file, &output, flags, folder, &modules)?;
    }
    let mut links = Vec::new();
    for (number, file) in case.links.iter().enumerate() {
        let output = scratch.join(format!("link{number}.module"));
        library(tools, "link", file, &output, &[], folder, &modules)?;
        links.push(output);
    }

    let binary = scratch.join("a.out");
    let assembly = Assembly {
        source: &name,
        output: &binary,
        flags: &case.flags,
        links: &links,
        library: false,
        folder,
        modules: &modules,
    };
    let outcome = tools.assemble(&assembly)?;
    let text = outcome.out() + &outcome.err();
    if case.kind == Kind::Reject {
        return Ok(judge_refusal(case, &name, &outcome, &text, &binary));
    }
    if outcome.code != Some(0) {
        return Ok(vec![format!("did not assemble (exit {}): {}", outcome.exit(), text.trim())]);
    }
    let mut wrong = judge_run(tools, case, &binary, &modules)?;
    if case.round_trip && case.links.is_empty() && case.modules.is_empty() {
        wrong.extend(round_trip(tools, &assembly, scratch).err());
    }
    Ok(wrong)
}

fn library(
    tools: &Tools,
    what: &str,
    file: &str,
    output: &Path,
    flags: &[String],
    folder: &Path,
    modules: &Path,
) -> Result<(), String> {
    let outcome =
        tools.assemble(&Assembly { source: file, output, flags, links: &[], library: true, folder, modules })?;
    match outcome.code {
        Some(0) => Ok(()),
        _ => Err(format!("{what} {file} did not assemble: {}{}", outcome.out(), outcome.err())),
    }
}

fn judge_refusal(case: &Case, name: &str, outcome: &Outcome, text: &str, binary: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    if outcome.code != Some(1) {
        wrong.push(format!("assembler exit {}, expected 1", outcome.exit()));
    }
    let is_hint = |line: &str| line.trim_start().starts_with("^ ");
    let mut got = diagnostic_lines(text, name);
    if let Some(first) = &case.diag_first
        && got.first() != Some(first)
    {
        wrong.push(format!("first diagnostic: want {first:?} got {:?}", got.first()));
    }
    if let Some(want) = &case.diag {
        let want: Vec<String> =
            want.iter().map(|line| if is_hint(line) { line.trim().to_owned() } else { line.clone() }).collect();
        if !want.iter().any(|line| is_hint(line)) {
            got.retain(|line| !is_hint(line));
        }
        if got != want {
            let (want, got) = (want.join("\n       "), got.join("\n       "));
            wrong.push(format!("diagnostics:\n  want {want}\n  got  {got}\n  all  {}", text.trim()));
        }
    }
    if binary.exists() {
        wrong.push("an output file was left behind".to_owned());
    }
    wrong
}

/// The lines about the file, without its name, and the lines of hints.
fn diagnostic_lines(text: &str, name: &str) -> Vec<String> {
    let prefix = format!("{name}:");
    let about = |line: &str| match line.strip_prefix(&prefix) {
        Some(rest) => Some(rest.to_owned()),
        None => line.trim().starts_with("^ ").then(|| line.trim().to_owned()),
    };
    text.lines().filter_map(about).collect()
}

fn judge_run(tools: &Tools, case: &Case, binary: &Path, modules: &Path) -> Result<Vec<String>, String> {
    let mut command = clean_command(&tools.viua);
    command.arg(binary).args(&case.args).env("VIUA_LIBRARY_PATH", modules);
    command.envs(case.env.iter().map(|(name, value)| (name, value)));
    let stdin = if case.stdin.is_empty() { String::new() } else { case.stdin.join("\n") + "\n" };
    let outcome = match run(&mut command, stdin.as_bytes(), tools.limit) {
        Ok(outcome) => outcome,
        Err(what) => return Ok(vec![format!("run {what}")]),
    };
    let (stdout, stderr) = (outcome.out(), outcome.err());
    let mut wrong = Vec::new();
    if outcome.code != Some(case.exit) {
        wrong.push(format!("exit {}, expected {}; stderr: {}", outcome.exit(), case.exit, stderr.trim()));
    }
    if let Some(want) = &case.stdout {
        let mut want: Vec<&str> = want.iter().map(String::as_str).collect();
        while want.len() > 1 && want.last() == Some(&"") {
            want.pop();
        }
        let printed = stdout.trim_end_matches('\n');
        let mut got: Vec<&str> = if stdout.is_empty() { Vec::new() } else { printed.split('\n').collect() };
        if case.unordered {
            want.sort_unstable();
            got.sort_unstable();
        }
        if got != want && !(want == [""] && got.is_empty()) {
            wrong.push(format!("stdout:\n  want {want:?}\n  got  {got:?}"));
        }
    }
    for (name, text, patterns) in [("stdout", &stdout, &case.stdout_match), ("stderr", &stderr, &case.stderr_match)] {
        for pattern in patterns {
            if !matches(pattern, text)? {
                wrong.push(format!("{name} does not match {pattern:?}: {text:?}"));
            }
        }
    }
    if let Some((tag, value)) = &case.uncaught {
        let reported: Vec<(&str, Option<&str>)> = stderr
            .lines()
            .filter_map(|line| line.strip_prefix("uncaught object: "))
            .map(|object| object.split_once(" = ").map_or((object, None), |(tag, value)| (tag, Some(value))))
            .collect();
        let is_wanted = |(got_tag, got_value): &(&str, Option<&str>)| {
            got_tag.trim() == tag
                && value.as_ref().is_none_or(|value| got_value.is_some_and(|got| got.trim() == value.trim()))
        };
        if !reported.iter().any(is_wanted) {
            wrong.push(format!("uncaught: want {tag:?} {value:?}, got {reported:?}; stderr: {}", stderr.trim()));
        }
    }
    Ok(wrong)
}

fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    // The end of the text is written `\Z` in the cases.
    let pattern = pattern.replace("\\Z", "\\z");
    let regex = RegexBuilder::new(&pattern).multi_line(true).build().map_err(|error| error.to_string())?;
    Ok(regex.is_match(text))
}

/// Strip, disassemble, assemble again: the same bytes (tools.md §6.1).
fn round_trip(tools: &Tools, assembly: &Assembly, scratch: &Path) -> Result<(), String> {
    let mut flags = assembly.flags.to_vec();
    flags.push("--strip".to_owned());
    let stripped = scratch.join("stripped.out");
    let outcome = tools.assemble(&Assembly { output: &stripped, flags: &flags, ..*assembly })?;
    if outcome.code != Some(0) {
        return Err(format!("--strip did not assemble: {}{}", outcome.out(), outcome.err()));
    }
    let disassembly = scratch.join("dis.asm");
    let mut command = clean_command(&tools.viuac);
    command.arg("dis").arg("-o").arg(&disassembly).arg(&stripped);
    let outcome = run(&mut command, b"", tools.limit).map_err(|what| format!("disassembler {what}"))?;
    if outcome.code != Some(0) {
        return Err(format!("disassembler exit {}: {}", outcome.exit(), outcome.err()));
    }
    let again = scratch.join("b.out");
    let source = disassembly.to_string_lossy();
    let assembly = Assembly { source: &source, output: &again, flags: &flags, folder: scratch, ..*assembly };
    let outcome = tools.assemble(&assembly)?;
    if outcome.code != Some(0) {
        return Err(format!("disassembly did not assemble: {}{}", outcome.out(), outcome.err()));
    }
    match (std::fs::read(&stripped), std::fs::read(&again)) {
        (Ok(before), Ok(after)) if before == after => Ok(()),
        _ => Err("round trip is not byte-identical".to_owned()),
    }
}
