//! `viuac fmt`: canonical layout. Files are replaced when all of them could be laid out, and only those that change.

use super::Context;
use super::source::{SourceArgs, expand, open, refuses};
use crate::console::print;
use crate::failure::{Failure, REFUSED};
use crate::output::{Content, Outputs, STANDARD};
use crate::report::Report;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  viuac fmt prog.asm              in place
  viuac fmt src                   all .asm files in a directory
  viuac fmt --check src           list files that would change; exit code 1 if there are any
  viuac fmt --stdout prog.asm     print the result, change nothing
  viuac fmt - < prog.asm          standard input to standard output

If one of the sources cannot be parsed, no file is changed.";

/// Lay out sources: same program, canonical blanks and line ends.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Fmt {
    /// Sources, and directories of .asm files; '-' is standard input, printed to standard output
    #[arg(required = true)]
    sources: Vec<PathBuf>,
    /// Write nothing, list files that would change; exit code 1 if there are any
    #[arg(long, conflicts_with = "stdout")]
    check: bool,
    /// Print the result instead of writing it back
    #[arg(long)]
    stdout: bool,
    #[command(flatten)]
    common: SourceArgs,
}

pub(crate) fn run(options: &Fmt, context: &Context) -> Result<u8, Failure> {
    let mut report = Report::default();
    let mut outputs = Outputs::default();
    let mut changed = String::new();
    let mut refused = false;
    for path in expand(&options.sources)? {
        let Some(file) = open(&path, &options.common.names(), &mut report)? else {
            refused = true;
            continue;
        };
        let source = report.sources.source(file).clone();
        let text = match viua_formatter::format(&source.text, file) {
            Ok(text) => text,
            Err(findings) => {
                refused |= refuses(findings, &mut report, context);
                continue;
            }
        };
        let is_changed = *text != *source.text;
        let state = if is_changed { "changes" } else { "is laid out already" };
        context.console.progress(|| format!("{} {state}", source.path));
        if options.check {
            if is_changed {
                changed.push_str(&source.path);
                changed.push('\n');
            }
        } else if options.stdout || path == Path::new(STANDARD) {
            outputs.add(Path::new(STANDARD), text, Content::Text, true)?;
        } else if is_changed {
            outputs.add(&path, text, Content::Text, true)?;
        }
    }
    let code = report.finish(&options.common.diagnostics, &context.console)?;
    print(changed.as_bytes())?;
    if !refused {
        outputs.commit()?;
    }
    Ok(if changed.is_empty() { code } else { REFUSED })
}
