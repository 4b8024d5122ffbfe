//! Every diagnostic code has a page in `docs/errors`, and the pages tell the truth: the wrong example gives exactly the
//! finding of its code, printed as the page shows it, and the right one gives none.
//!
//! A page is a heading `# CODE title`, prose, `## Wrong` and `## Right`. The wrong section holds the files of the example
//! (```` ```viua ````; a first line `; file: NAME` names one if it is not `prog.asm`) and, unless `viuac check prog.asm`
//! is all there is to do, the commands (```` ```sh ````), the last of which gives the finding. What that prints stands in
//! ```` ```text ````; `UPDATE_PAGES=1 cargo test --test explain` writes this block anew. The right section repeats only
//! those files, and commands, that are different.

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use viua_diagnostics::{Code, LINTS, Level};
use viua_tests::check::clean_command;
use viua_tests::process::{Outcome, run};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("every code has a page", codes_have_pages)];
    trials.extend(Code::all().map(|code| Trial::test(code.as_str(), move || check(code).map_err(Failed::from))));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors")
}

fn codes_have_pages() -> Result<(), Failed> {
    let codes: BTreeSet<String> = Code::all().map(|code| format!("{code}.md")).collect();
    let pages: Result<BTreeSet<String>, _> = std::fs::read_dir(folder())?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect();
    let odd: Vec<String> = codes.symmetric_difference(&pages?).cloned().collect();
    if odd.is_empty() { Ok(()) } else { Err(format!("code without page, or page without code: {odd:?}").into()) }
}

/// One section: files, commands, and what the last command prints.
#[derive(Clone, Debug, Default, PartialEq)]
struct Example {
    files: BTreeMap<String, String>,
    commands: Vec<String>,
    printed: Option<String>,
}

fn check(code: Code) -> Result<(), String> {
    let path = folder().join(format!("{code}.md"));
    let page = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    check_form(code, &page)?;
    let (start, wrong_text, right_text) = sections(&page).ok_or("it has no sections '## Wrong' and '## Right'")?;
    let wrong = example(wrong_text, Example::default());
    let right = example(right_text, wrong.clone());
    if wrong == right {
        return Err("the two examples are the same".to_owned());
    }

    let found = wrong.run("json")?;
    let mut findings: Vec<Value> =
        found.err().lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|_| found.err())?;
    // The candidates for a main function are listed before the finding itself.
    findings.retain(|finding| finding["severity"] != "note");
    let severity = severity(code);
    match &findings[..] {
        [one] if one["code"] == code.as_str() && one["severity"] == severity => {}
        _ => {
            return Err(format!(
                "the wrong example must give one {severity} {code}, but gives:\n{}",
                wrong.run("short")?.err()
            ));
        }
    }
    let exit = i32::from(severity == "error");
    if found.code != Some(exit) {
        return Err(format!("the wrong example: exit {}, expected {exit}", found.exit()));
    }
    let accepted = right.run("short")?;
    if accepted.code != Some(0) || !accepted.err().is_empty() {
        return Err(format!("the right example gives (exit {}):\n{}", accepted.exit(), accepted.err()));
    }

    let printed = wrong.run("short")?.err();
    if wrong.printed.as_deref() == Some(&printed) {
        return Ok(());
    }
    if std::env::var_os("UPDATE_PAGES").is_none() {
        return Err(format!("UPDATE_PAGES=1 would write what the wrong example prints:\n{printed}"));
    }
    let without = wrong_text.split("```text\n").next().unwrap_or(wrong_text).trim_end();
    let updated =
        format!("{}{without}\n\n```text\n{printed}```\n\n{}", &page[..start], &page[start + wrong_text.len()..]);
    std::fs::write(&path, updated).map_err(|error| error.to_string())
}

/// What a terminal and a reader in a hurry can bear.
fn check_form(code: Code, page: &str) -> Result<(), String> {
    let title = page.lines().next().unwrap_or_default();
    if title.strip_prefix(&format!("# {code} ")).is_none_or(|title| title.is_empty() || title.len() > 72) {
        return Err(format!("a page begins with '# {code} ' and a short title, not {title:?}"));
    }
    if page.lines().count() > 60 {
        return Err("the page is too long".to_owned());
    }
    // Messages are as long as they are.
    let written = page.lines().filter(|line| !line.starts_with("prog.asm:"));
    match written.into_iter().find(|line| line.chars().count() > 80) {
        Some(line) => Err(format!("a line is too long: {line}")),
        None => Ok(()),
    }
}

fn severity(code: Code) -> &'static str {
    let default = code.row().lint.and_then(|name| LINTS.iter().find(|lint| lint.name == name)).map(|lint| lint.default);
    match default {
        // A page about a lint that is silent by default switches it on.
        Some(Level::Allow | Level::Warn) => "warning",
        Some(Level::Deny) | None => "error",
    }
}

/// Where the wrong section starts, its text, and that of the right one.
fn sections(page: &str) -> Option<(usize, &str, &str)> {
    let (before, rest) = page.split_once("## Wrong\n")?;
    let (wrong, right) = rest.split_once("## Right\n")?;
    Some((before.len() + "## Wrong\n".len(), wrong, right))
}

/// The example of a section, on top of what was said before.
fn example(section: &str, before: Example) -> Example {
    let mut example = before;
    let mut commands: Vec<String> = Vec::new();
    let mut rest = section;
    while let Some((_, block)) = rest.split_once("```") {
        let Some((content, after)) = block.split_once("```\n") else { break };
        let (language, content) = content.split_once('\n').unwrap_or((content, ""));
        match language {
            "viua" => {
                let name = content.lines().next().and_then(|line| line.strip_prefix("; file: "));
                example.files.insert(name.unwrap_or("prog.asm").to_owned(), content.to_owned());
            }
            "sh" => commands.extend(content.lines().map(str::to_owned)),
            _ => example.printed = Some(content.to_owned()),
        }
        rest = after;
    }
    if !commands.is_empty() {
        example.commands = commands;
    } else if example.commands.is_empty() {
        example.commands.push("viuac check prog.asm".to_owned());
    }
    example
}

impl Example {
    /// Does what the example says in a folder of its own; what the last command does.
    fn run(&self, format: &str) -> Result<Outcome, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        for (name, content) in &self.files {
            std::fs::write(folder.path().join(name), content).map_err(|error| format!("{name}: {error}"))?;
        }
        let Some((last, before)) = self.commands.split_last() else { return Err("no command".to_owned()) };
        for command in before {
            let outcome = shell(command, folder.path())?;
            if outcome.code != Some(0) || !outcome.stderr.is_empty() {
                return Err(format!("{command}: exit {}\n{}", outcome.exit(), outcome.err()));
            }
        }
        shell(&format!("{last} --error-format={format}"), folder.path())
    }
}

fn shell(command: &str, folder: &Path) -> Result<Outcome, String> {
    let tools = Path::new(env!("CARGO_BIN_EXE_viuac")).parent().unwrap_or(Path::new("."));
    let mut path = tools.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut sh = clean_command(Path::new("sh"));
    sh.args(["-c", command]).current_dir(folder).env("PATH", path);
    run(&mut sh, b"", Duration::from_secs(60))
}
