//! `viuac parse`: the syntax tree of a source.

use super::Context;
use super::source::{SourceArgs, TextOrJson, open, refuses};
use crate::console::print;
use crate::failure::Failure;
use crate::report::Report;
use crate::tree;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  viuac parse prog.asm                  definitions, instructions and operands as written
  viuac parse --format=json prog.asm    for programs";

/// Print the syntax tree of a source.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Parse {
    /// The source; '-' is standard input
    source: PathBuf,
    /// Text or JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: TextOrJson,
    /// Skip the structural checks
    #[arg(long)]
    no_verify: bool,
    #[command(flatten)]
    common: SourceArgs,
}

pub(crate) fn run(options: &Parse, context: &Context) -> Result<u8, Failure> {
    let mut report = Report::default();
    if let Some(file) = open(&options.source, &options.common.names(), &mut report)? {
        let source = report.sources.source(file).clone();
        let parsed = viua_parser::parse(&source.text, file);
        let mut refused = refuses(parsed.diagnostics, &mut report, context);
        if !refused && !options.no_verify {
            let module = viua_ir::lower(&source.text, file, &parsed.tree);
            refused = refuses(viua_ir::verify(&module), &mut report, context);
        }
        if !refused {
            let text = match options.format {
                TextOrJson::Text => tree::text(&parsed.tree, &source),
                TextOrJson::Json => tree::json(&parsed.tree, &source, options.common.lib),
            };
            print(text.as_bytes())?;
        }
    }
    report.finish(&options.common.diagnostics, &context.console)
}
