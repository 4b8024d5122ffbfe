//! `viuac dis`: the disassembler.

use super::Context;
use crate::failure::{Failure, REFUSED, SUCCESS};
use crate::input::read_bytes;
use crate::output::{self, Content};
use std::collections::BTreeMap;
use std::path::PathBuf;
use viua_bytecode::{DisassembleOptions, NoSuchSymbol};

const EXAMPLES: &str = "\
Examples:
  viuac dis prog                 the whole program; what it prints can be built again
  viuac dis -F main/0 prog       one function
  viuac dis -ia --lines prog     with a summary, addresses and source positions
  viuac dis --source prog        with the lines of the source";

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
    /// Put lines of the source between instructions, as far as the files are there (paths as they were assembled)
    #[arg(long)]
    source: bool,
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
    let mut how = DisassembleOptions {
        only: options.functions,
        info: options.info,
        addresses: options.addresses,
        lines: options.lines,
        sources: BTreeMap::new(),
        with_analysis: options.sa,
        without_names: options.no_names,
        json: options.format == super::source::TextOrJson::Json,
    };
    let (text, code) = match viua_bytecode::read_container(&bytes, &path) {
        Ok(container) => {
            if options.source {
                how.sources = sources(&container.module.debug.files, context);
            }
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

/// The sources that can be read. What they say is not needed, so what cannot be read is only warned of.
fn sources(files: &[String], context: &Context) -> BTreeMap<String, Vec<String>> {
    let mut sources = BTreeMap::new();
    for file in files {
        // A module from elsewhere may name anything: only files end.
        let bytes = std::fs::metadata(file).and_then(|status| {
            if status.is_file() { std::fs::read(file) } else { Err(std::io::Error::other("not a file")) }
        });
        match bytes {
            Ok(bytes) => {
                let lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
                sources.insert(file.clone(), lines);
            }
            Err(error) => context.console.warning(&format!("cannot read source {file:?}: {error}")),
        }
    }
    sources
}

fn no_such_symbol(error: NoSuchSymbol) -> Failure {
    let hint = error.suggestion.as_ref().map_or(String::new(), |near| format!("; did you mean '{near}'?"));
    Failure::refused(format!("{error}{hint}"))
}
