//! `viuac link`: libraries without a source.

use super::Context;
use super::products::{Made, ProductArgs, print_data, write};
use crate::assemble::{Options, link_libraries};
use crate::failure::{Failure, SUCCESS};
use crate::modules::search;
use crate::report::{DiagnosticArgs, Report};
use std::path::PathBuf;
use viua_linker::Library;

const EXAMPLES: &str = "\
Examples:
  viuac link main.module list.module -o prog     a program: one of them brings main
  viuac link --lib a.module b.module -o ab.module";

/// Link libraries into a program, or into one library.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Link {
    /// The libraries, in this order
    #[arg(required_unless_present = "link_names")]
    libraries: Vec<PathBuf>,
    /// Make a library
    #[arg(short = 'c', long = "lib")]
    lib: bool,
    /// Search modules in DIR, before the directories of VIUA_LIBRARY_PATH; repeatable
    #[arg(short = 'L', value_name = "DIR")]
    search: Vec<PathBuf>,
    #[command(flatten)]
    product: ProductArgs,
    #[command(flatten)]
    diagnostics: DiagnosticArgs,
}

pub(crate) fn run(options: Link, context: &Context) -> Result<u8, Failure> {
    let Link { libraries, lib, search: directories, product, diagnostics } = options;
    let target = product.out.clone().unwrap_or_else(|| PathBuf::from(if lib { "a.module" } else { "a.out" }));
    let how = Options {
        library: lib,
        levels: context.levels.clone(),
        debug: product.debug_level(),
        search: search(&directories),
        libraries: libraries.iter().map(Library::file).collect(),
        link_names: product.link_names.clone(),
        imports: product.imports.clone(),
        ..Options::default()
    };
    let mut report = Report::default();
    let mut assembly = link_libraries(&target.display().to_string(), &how);
    report.findings.append(&mut assembly.diagnostics);
    let code = report.finish(&diagnostics, &context.console)?;
    if code != SUCCESS {
        return Ok(code);
    }
    match product.data() {
        Some(data) => print_data(data, &assembly, &how.search)?,
        None => {
            let made =
                Made { source: None, assembly: &assembly, search: &how.search, inputs: &libraries, target: &target };
            write(&made, &product)?;
        }
    }
    Ok(code)
}
