//! `viuac lex`: the tokens of a source, as they are after each of the early stages.

use super::Context;
use super::source::{SourceArgs, TextOrJson, open, refuses};
use crate::console::print;
use crate::failure::Failure;
use crate::report::Report;
use crate::tokens::{self, Listed};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  viuac lex prog.asm                  canonical tokens: nothing omitted, names replaced
  viuac lex --stage=raw prog.asm      as split into words and characters
  viuac lex --format=json prog.asm    for programs";

/// Which tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Stage {
    /// Words, literals, comments and single characters: every byte of the source
    Raw,
    /// Without blanks and comments
    Ws,
    /// Joined into classes of tokens
    Directives,
    /// Canonical: short forms completed, names and iota replaced
    #[default]
    Final,
}

/// Print the tokens of a source.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lex {
    /// The source; '-' is standard input
    source: PathBuf,
    /// After which stage
    #[arg(long, value_enum, default_value_t)]
    stage: Stage,
    /// Text or JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: TextOrJson,
    #[command(flatten)]
    common: SourceArgs,
}

pub(crate) fn run(options: &Lex, context: &Context) -> Result<u8, Failure> {
    let mut report = Report::default();
    if let Some(file) = open(&options.source, &options.common.names(), &mut report)? {
        let source = report.sources.source(file).clone();
        let (stage, listed): (&str, Option<Vec<Listed>>) = match options.stage {
            Stage::Raw => ("raw", Some(tokens::raw(&source.text))),
            Stage::Ws => ("ws", Some(tokens::without_blanks(&source.text))),
            Stage::Directives => ("directives", Some(tokens::joined(&source.text))),
            Stage::Final => {
                let parsed = viua_parser::parse(&source.text, file);
                let refused = refuses(parsed.diagnostics, &mut report, context);
                ("final", (!refused).then(|| tokens::canonical(&source, file, &parsed.tree)))
            }
        };
        if let Some(listed) = listed {
            let text = match options.format {
                TextOrJson::Text => tokens::text(&listed, &source),
                TextOrJson::Json => tokens::json(&listed, &source, stage),
            };
            print(text.as_bytes())?;
        }
    }
    report.finish(&options.common.diagnostics, &context.console)
}
