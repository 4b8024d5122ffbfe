//! `viuac dis`: the disassembler.

use super::Context;
use crate::failure::{Failure, REFUSED, SUCCESS};
use crate::input::read_bytes;
use crate::output::{self, Content};
use std::path::PathBuf;
use viua_bytecode::{DisassembleOptions, NoSuchSymbol};

const EXAMPLES: &str = "\
Examples:
  viuac dis prog                 the whole program; what it prints can be built again
  viuac dis -F main/0 prog       one function
  viuac dis -ia --lines prog     with a summary, addresses and source positions";

/// Disassemble a program or library.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dis {
    /// A program or library; '-' is standard input
    file: PathBuf,
    /// Where to write; '-' is standard output
    #[arg(short, long, visible_alias = "output", value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Only this function, closure or block; repeatable
    #[arg(short = 'F', long = "function", value_name = "NAME")]
    functions: Vec<String>,
    /// Begin with comments about the module
    #[arg(short, long)]
    info: bool,
    /// Put address and bytes before each instruction
    #[arg(short, long)]
    addresses: bool,
    /// Put the source position before each instruction
    #[arg(long)]
    lines: bool,
    /// Leave [[no_sa]] out, so that building analyses
    #[arg(long)]
    sa: bool,
    /// Print numbers even where names of registers and labels are known
    #[arg(long)]
    no_names: bool,
    /// Text that can be built again, or JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: super::source::TextOrJson,
    /// Print what can be decoded of a damaged file; it is refused all the same
    #[arg(long)]
    unverified: bool,
}

pub(crate) fn run(options: Dis, context: &Context) -> Result<u8, Failure> {
    let bytes = read_bytes(&options.file)?;
    let path = options.file.display().to_string();
    let how = DisassembleOptions {
        only: options.functions,
        info: options.info,
        addresses: options.addresses,
        lines: options.lines,
        with_analysis: options.sa,
        without_names: options.no_names,
        json: options.format == super::source::TextOrJson::Json,
    };
    let (text, code) = match viua_bytecode::read_container(&bytes, &path) {
        Ok(container) => {
            container.warnings.iter().for_each(|warning| context.console.warning(&format!("{path}: {warning}")));
            (viua_bytecode::disassemble(&container.module, &how).map_err(no_such_symbol)?, SUCCESS)
        }
        Err(error) if options.unverified => {
            context.console.error(&error.to_string());
            (viua_bytecode::disassemble_unverified(&bytes, &path, &how), REFUSED)
        }
        Err(error) => return Err(Failure::refused(error.to_string())),
    };
    context.console.detail(|| format!("{path}: {} bytes of disassembly", text.len()));
    output::write(&options.out, text, Content::Text, true)?;
    Ok(code)
}

fn no_such_symbol(error: NoSuchSymbol) -> Failure {
    let hint = error.suggestion.as_ref().map_or(String::new(), |near| format!("; did you mean '{near}'?"));
    Failure::refused(format!("{error}{hint}"))
}
