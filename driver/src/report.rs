//! Diagnostic options (tools.md §10), and the one place where findings are printed.

use crate::console::{Console, has_unicode, width};
use crate::failure::{Failure, REFUSED, SUCCESS};
use crate::output::{self, Content};
use clap::ArgMatches;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use viua_diagnostics::{Diagnostic, Format, GROUPS, LINTS, Level, Levels, RenderOptions, Severity, SourceMap, render};

/// `--error-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ErrorFormat {
    /// Excerpts of the source and the path to the fault
    #[default]
    Human,
    /// One line per message
    Short,
    /// One object per finding and line
    Json,
    /// A SARIF 2.1.0 log
    Sarif,
    /// Annotations of GitHub workflows
    Github,
}

/// `--explain-hint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum YesNo {
    /// Do it
    Yes,
    /// Do not
    No,
}

/// Options of every command that reads source.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Diagnostics")]
pub struct DiagnosticArgs {
    /// How findings are printed
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub error_format: ErrorFormat,
    /// Print findings to FILE instead of standard error; '-' is standard output
    #[arg(long, value_name = "FILE")]
    pub error_output: Option<PathBuf>,
    /// Print at most N errors; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_errors: usize,
    /// Whether to point to 'viuac explain'; by default on a terminal
    #[arg(long, value_enum, value_name = "WHETHER")]
    pub explain_hint: Option<YesNo>,
    /// Be silent about what this lint finds ('viuac explain --lints' lists them)
    #[arg(short = 'A', value_name = "LINT")]
    pub allow: Vec<String>,
    /// Warn about what this lint finds
    #[arg(short = 'W', value_name = "LINT")]
    pub warn: Vec<String>,
    /// Treat what this lint finds as an error; 'warnings' are all that warn, 'all' is every lint
    #[arg(short = 'D', value_name = "LINT")]
    pub deny: Vec<String>,
}

/// The levels of lints after all `-A`, `-W`, `-D`, in the order in which they were given.
pub fn levels(matches: &ArgMatches) -> Result<Levels, Failure> {
    let mut given = Vec::new();
    for (id, level) in [("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)] {
        let indices = matches.indices_of(id).into_iter().flatten();
        let names = matches.get_many::<String>(id).into_iter().flatten();
        given.extend(indices.zip(names).map(|(index, name)| (index, level, name)));
    }
    given.sort_by_key(|(index, ..)| *index);
    let mut levels = Levels::default();
    for (_, level, name) in given {
        levels.set(name, level).map_err(|unknown| {
            let hint = unknown.suggestion.map_or(String::new(), |name| format!("; did you mean '{name}'?"));
            Failure::unable(format!("unknown lint: {}{hint}", unknown.name))
        })?;
    }
    Ok(levels)
}

/// The list of lints, for people.
pub fn list_of_lints() -> String {
    let mut text = String::new();
    for lint in LINTS {
        let level = match lint.default {
            Level::Allow => "allow",
            Level::Warn => "warn",
            Level::Deny => "deny",
        };
        text.push_str(&format!("{:20} {level:6} {}\n", lint.name, lint.finds));
    }
    text.push_str(&format!("groups: {}\n", GROUPS.join(", ")));
    text
}

/// The findings of a run, and the texts they point into.
#[derive(Debug, Default)]
pub struct Report {
    /// All texts that were read.
    pub sources: SourceMap,
    /// What was found, in order.
    pub findings: Vec<Diagnostic>,
}

impl Report {
    /// Adds what a failure has to say, if it is about input; gives back any other failure.
    pub fn absorb(&mut self, failure: Failure) -> Result<(), Failure> {
        match failure {
            Failure::Refused(findings) => {
                self.findings.extend(findings);
                Ok(())
            }
            other => Err(other),
        }
    }

    /// Prints everything; the exit code says whether there was an error.
    pub fn finish(mut self, options: &DiagnosticArgs, console: &Console) -> Result<u8, Failure> {
        let code = if self.findings.iter().any(Diagnostic::is_error) { REFUSED } else { SUCCESS };
        if console.options.quiet {
            self.findings.retain(|finding| finding.severity != Severity::Warning);
        }
        let to_file = options.error_output.as_deref();
        let on_terminal = to_file.is_none() && std::io::stderr().is_terminal();
        let render_options = RenderOptions {
            format: match options.error_format {
                ErrorFormat::Human => Format::Human,
                ErrorFormat::Short => Format::Short,
                ErrorFormat::Json => Format::Json,
                ErrorFormat::Sarif => Format::Sarif,
                ErrorFormat::Github => Format::Github,
            },
            color: to_file.is_none() && console.colors_stderr(),
            unicode: has_unicode(),
            width: width(),
            max_errors: options.max_errors,
            explain_hint: options.explain_hint.map_or(on_terminal, |choice| choice == YesNo::Yes),
        };
        let text = render(&self.findings, &self.sources, &render_options);
        match to_file {
            Some(path) => output::write(path, text.into_bytes(), Content::Text, true)?,
            // A log that nobody reads is no reason to fail.
            None => drop(std::io::stderr().lock().write_all(text.as_bytes())),
        }
        Ok(code)
    }
}
