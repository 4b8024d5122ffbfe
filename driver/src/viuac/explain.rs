//! `viuac explain`: what a diagnostic code means, or what an instruction does.

use crate::console::print;
use crate::failure::{Failure, SUCCESS};
use crate::report::list_of_lints;
use viua_diagnostics::{Code, LINTS, closest, explain};

const EXAMPLES: &str = "\
Examples:
  viuac explain E0301      a diagnostic code
  viuac explain add        an instruction
  viuac explain --list     all codes";

/// Explain a diagnostic code or an instruction.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// A code such as E0301, a lint, or a mnemonic
    #[arg(required_unless_present_any = ["list", "lints"])]
    code: Option<String>,
    /// List all codes
    #[arg(long)]
    list: bool,
    /// List all lints with their default levels
    #[arg(long)]
    lints: bool,
}

pub(crate) fn run(options: &Explain) -> Result<u8, Failure> {
    let mut text = String::new();
    if options.list {
        Code::all().for_each(|code| text.push_str(&row(code)));
    }
    if options.lints {
        text.push_str(&list_of_lints());
    }
    if let Some(word) = &options.code {
        text.push_str(&explanation(word).ok_or_else(|| unknown(word))?);
    }
    print(text.as_bytes())?;
    Ok(SUCCESS)
}

fn row(code: Code) -> String {
    match code.row().lint {
        Some(lint) => format!("{code} {} ({lint})\n", explain::title(code)),
        None => format!("{code} {}\n", explain::title(code)),
    }
}

fn explanation(word: &str) -> Option<String> {
    let of_lint = || Code::all().find(|code| code.row().lint == Some(word));
    if let Some(code) = Code::find(word).or_else(of_lint) {
        let row = code.row();
        let lint = row.lint.map_or(String::new(), |lint| format!("Lint: {lint} (viuac explain --lints)\n"));
        let parts: Vec<String> = row.specified.split(", ").map(part_of_manual).collect();
        let page = explain::text(code);
        return Some(format!("{page}\nMessage: {}\n{lint}Specified in: {}\n", row.title, parts.join(", ")));
    }
    // The lint without a code of its own.
    if let Some(lint) = LINTS.iter().find(|lint| lint.name == word) {
        return Some(format!("{word}: {}\nIts findings have the code of the fault.\n", lint.finds));
    }
    viua_isa::opcode_of(word).map(viua_isa::manual::entry)
}

/// `L 3.2` is `language.md §3.2`.
fn part_of_manual(reference: &str) -> String {
    let (letter, section) = reference.split_once(' ').unwrap_or(("", reference));
    let part = match letter {
        "L" => "language.md ",
        "R" => "analyser-rules.md ",
        "F" => "analyser-flow.md ",
        "M" => "modules.md ",
        "T" => "tools.md ",
        // A further section of the same part.
        _ => "",
    };
    format!("{part}§{section}")
}

fn unknown(word: &str) -> Failure {
    let known = Code::all().map(|code| code.as_str()).chain(viua_isa::TABLE.iter().map(|row| row.mnemonic));
    let hint = closest(word, known).map_or(String::new(), |near| format!("; did you mean '{near}'?"));
    Failure::unable(format!("neither a diagnostic code nor an instruction: {word}{hint}"))
}
