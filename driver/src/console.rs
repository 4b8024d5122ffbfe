//! What the tools say besides diagnostics, where colours are used, and how wide a line may be.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Options of every command.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct ConsoleArgs {
    /// Say what is done; twice: say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "General options")]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = "General options")]
    pub quiet: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, help_heading = "General options")]
    pub color: ColorChoice,
}

/// The terminal or file that messages go to.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// `viuac` or `viua`.
    pub tool: &'static str,
    /// The options that concern it.
    pub options: ConsoleArgs,
}

impl Console {
    /// A line of progress, with `-v`.
    pub fn progress(&self, text: impl FnOnce() -> String) {
        self.at_level(1, text);
    }

    /// A line of detail, with `-vv`.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        self.at_level(2, text);
    }

    fn at_level(&self, level: u8, text: impl FnOnce() -> String) {
        if self.options.verbose >= level && !self.options.quiet {
            self.line(&text());
        }
    }

    /// An error of the tool itself.
    pub fn error(&self, text: &str) {
        self.line(&format!("error: {text}"));
    }

    /// A warning of the tool itself.
    pub fn warning(&self, text: &str) {
        if !self.options.quiet {
            self.line(&format!("warning: {text}"));
        }
    }

    fn line(&self, text: &str) {
        // Nothing can be done when standard error is gone.
        drop(writeln!(std::io::stderr().lock(), "{}: {text}", self.tool));
    }

    /// Whether standard error gets colours.
    pub fn colors_stderr(&self) -> bool {
        wants_color(self.options.color, std::io::stderr().is_terminal())
    }
}

/// A bar that shows how far long work has come: on a terminal, and only when it takes more than a second.
pub struct Bar {
    bar: ProgressBar,
    since: Instant,
    is_wanted: bool,
}

/// Work that is done sooner is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

impl Console {
    /// A bar for that many steps.
    pub fn bar(&self, steps: usize) -> Bar {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        // The template is a constant; if it were wrong the default one would do.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        let is_wanted = steps > 1 && !self.options.quiet && std::io::stderr().is_terminal();
        Bar { bar, since: Instant::now(), is_wanted }
    }
}

impl Bar {
    /// The next step begins.
    pub fn next(&mut self, what: &Path) {
        if !self.is_wanted || self.since.elapsed() < PATIENCE {
            return self.bar.inc(1);
        }
        if self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(what.display().to_string());
        self.bar.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The rules of tools.md §7: the option, then the variable of the original tools, then the customs of all tools.
fn wants_color(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => return true,
        ColorChoice::Never => return false,
        ColorChoice::Auto => {}
    }
    match variable("VIUAVM_ASM_COLOUR").as_deref() {
        Some("always") => return true,
        Some("never") => return false,
        Some(_) | None => {}
    }
    if variable("NO_COLOR").is_some() {
        return false;
    }
    if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && variable("TERM").is_none_or(|term| term != "dumb")
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// Columns of standard error: the terminal's, or what suits a log.
pub fn width() -> usize {
    const LOG: usize = 100;
    let stderr = std::io::stderr();
    let of_terminal = || terminal_size::terminal_size_of(&stderr).map(|(width, _)| usize::from(width.0));
    let given = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    given.or_else(of_terminal).filter(|width| *width > 0).unwrap_or(LOG)
}

/// Whether the locale lets us draw with more than ASCII; without a locale we assume so.
pub fn has_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Writes requested data to standard output.
pub fn print(data: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(data).and_then(|()| stdout.flush()).map_err(|error| Failure::stdout(&error))
}
