//! `viuac build`: assemble, analyse, link, write.

use super::Context;
use super::products::{Data, Made, ProductArgs, print_data, write};
use super::source::{SourceArgs, open};
use crate::assemble::{Goal, Options, assemble};
use crate::failure::{Failure, SUCCESS};
use crate::modules::search;
use crate::output::STANDARD;
use crate::report::Report;
use std::path::{Path, PathBuf};
use viua_linker::Library;

const EXAMPLES: &str = "\
Examples:
  viuac build prog.asm                          write a.out
  viuac build prog.asm -o prog -g               with names of registers and labels
  viuac build --lib list.asm                    write list.module
  viuac build prog.asm list.module -l std::io   link libraries, by file and by module name
  viuac build --emit=dis=-,diag prog.asm        show the disassembly, write nothing
  viuac build -D warnings prog.asm              treat all warnings as errors";

/// Assemble a source: check it, link it, write a program or library.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    /// The source; '-' is standard input
    source: PathBuf,
    /// Libraries to link statically, in this order
    libraries: Vec<PathBuf>,
    #[command(flatten)]
    product: ProductArgs,
    #[command(flatten)]
    common: SourceArgs,
}

pub(crate) fn run(options: Build, context: &Context) -> Result<u8, Failure> {
    let Build { source: path, libraries, product, common } = options;
    let data = product.data();
    let search = search(&common.search);
    let goal = match data {
        Some(Data::Meta) => Goal::Analysis,
        Some(Data::Size) => Goal::Object,
        Some(_) | None => Goal::Module,
    };
    let mut report = Report::default();
    let Some(file) = open(&path, &common.names(), &mut report)? else {
        return report.finish(&common.diagnostics, &context.console);
    };
    let source = report.sources.source(file).clone();
    context.console.progress(|| format!("{}: {} bytes of source", source.path, source.text.len()));
    let how = Options {
        library: common.lib,
        no_sa: common.no_sa,
        levels: context.levels.clone(),
        debug: product.debug_level(),
        search,
        libraries: libraries.iter().map(Library::file).collect(),
        link_names: product.link_names.clone(),
        imports: product.imports.clone(),
        goal,
    };
    let mut assembly = assemble(&source, file, &how);
    report.findings.append(&mut assembly.diagnostics);
    assembly.linked.iter().for_each(|path| context.console.progress(|| format!("linked {path}")));
    for name in &assembly.dynamic {
        let found = how.search.find(name).map(|found| found.path()).unwrap_or_default();
        context.console.progress(|| format!("imports {name}, found at {found}"));
    }
    let code = report.finish(&common.diagnostics, &context.console)?;
    if code != SUCCESS {
        return Ok(code);
    }
    match data {
        Some(data) => print_data(data, &assembly, &how.search)?,
        None => {
            let target = product.out.clone().unwrap_or_else(|| default_output(&path, common.lib));
            let mut inputs = vec![path];
            inputs.extend(libraries);
            let made = Made {
                source: Some((&source, file)),
                assembly: &assembly,
                search: &how.search,
                inputs: &inputs,
                target: &target,
            };
            write(&made, &product)?;
            let size = assembly.module.as_ref().map_or(0, |module| module.code.len());
            context.console.progress(|| format!("{}: {size} bytes of code", target.display()));
        }
    }
    Ok(code)
}

/// `a.out`, or the name of the source with `.module` for a library; in the current directory.
fn default_output(source: &Path, library: bool) -> PathBuf {
    if !library {
        return PathBuf::from("a.out");
    }
    let stem = if source == Path::new(STANDARD) { None } else { source.file_stem() };
    Path::new(stem.unwrap_or("stdin".as_ref())).with_added_extension("module")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_named_after_its_source() {
        assert_eq!(default_output(Path::new("src/a.b.asm"), true), Path::new("a.b.module"));
        assert_eq!(default_output(Path::new("src/list.asm"), false), Path::new("a.out"));
        assert_eq!(default_output(Path::new("-"), true), Path::new("stdin.module"));
    }
}
