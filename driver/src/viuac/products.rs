//! What `build` and `link` make: the options about it, and the files that come out.

use crate::assemble::Assembly;
use crate::console::print;
use crate::failure::Failure;
use crate::input::same_file;
use crate::output::{Content, Outputs, STANDARD};
use crate::tokens;
use crate::tree;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use viua_bytecode::{DisassembleOptions, Module};
use viua_codegen::DebugLevel;
use viua_diagnostics::{FileId, Source};
use viua_linker::{ModuleKind, Place, Search};

use super::inspect::{entry, external_kind_name, meta_lines, symbol_kind_name};

/// Options of commands that make something.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ProductArgs {
    /// Where to write; '-' is standard output. Default: a.out, of a library its name with .module
    #[arg(short, long, visible_alias = "output", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Link this module statically, found like an import; repeatable
    #[arg(short = 'l', long = "link", value_name = "NAME")]
    pub link_names: Vec<String>,
    /// Import this module dynamically; repeatable
    #[arg(long = "import", value_name = "NAME")]
    pub imports: Vec<String>,
    /// What to write: a comma list of KIND or KIND=FILE
    #[arg(long, value_name = "KIND[=FILE]", value_delimiter = ',', value_parser = parse_emission, long_help = EMIT_HELP)]
    pub emit: Vec<Emission>,
    /// Keep names of registers and labels, too
    #[arg(short = 'g', overrides_with = "strip")]
    pub debug: bool,
    /// Write no debug information at all
    #[arg(long, overrides_with = "debug")]
    pub strip: bool,
    /// Print data about the result instead of writing it
    #[arg(long = "print", value_enum, value_name = "KIND")]
    pub data: Option<Data>,
    /// Short for --print=meta
    #[arg(long)]
    pub meta: bool,
    /// Short for --print=size
    #[arg(long)]
    pub size: bool,
    /// Write a container to a terminal all the same
    #[arg(long)]
    pub force: bool,
}

const EMIT_HELP: &str = "\
What to write: a comma list of KIND or KIND=FILE. Without a file, it goes to the output name with another extension.
  bin     the program or library (default)
  dis     its disassembly (.dis)
  ir      the register IR (.ir)
  cfg     the control flow graphs for Graphviz (.dot)
  tokens  canonical tokens (.tokens)
  ast     the syntax tree (.ast)
  deps    a make rule of all files that were read (.d)
  diag    nothing but diagnostics";

/// A kind of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Bin,
    Dis,
    Ir,
    Cfg,
    Tokens,
    Ast,
    Deps,
    Diag,
}

const PRODUCTS: &[(&str, Product)] = &[
    ("bin", Product::Bin),
    ("dis", Product::Dis),
    ("ir", Product::Ir),
    ("cfg", Product::Cfg),
    ("tokens", Product::Tokens),
    ("ast", Product::Ast),
    ("deps", Product::Deps),
    ("diag", Product::Diag),
];

/// `KIND[=FILE]`.
#[derive(Clone, Debug)]
pub(crate) struct Emission {
    pub product: Product,
    pub file: Option<PathBuf>,
}

fn parse_emission(text: &str) -> Result<Emission, String> {
    let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(PathBuf::from(file))));
    match PRODUCTS.iter().find(|(known, _)| *known == name) {
        Some((_, product)) => Ok(Emission { product: *product, file }),
        None => {
            let names: Vec<&str> = PRODUCTS.iter().map(|(name, _)| *name).collect();
            Err(format!("expected one of {}", names.join(", ")))
        }
    }
}

/// `--print`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Data {
    /// Meta information, one line per entry
    Meta,
    /// Bytes of code
    Size,
    /// What is defined
    Symbols,
    /// What is only declared
    Externals,
    /// Dynamic imports
    Imports,
    /// The entry point
    Entry,
    /// Where modules are searched
    SearchPath,
}

impl ProductArgs {
    /// What is to be printed instead of written. The size wins over the meta information.
    pub fn data(&self) -> Option<Data> {
        match (self.size, self.meta) {
            (true, _) => Some(Data::Size),
            (false, true) => Some(Data::Meta),
            (false, false) => self.data,
        }
    }

    pub fn debug_level(&self) -> DebugLevel {
        match (self.strip, self.debug) {
            (true, _) => DebugLevel::None,
            (false, true) => DebugLevel::Full,
            (false, false) => DebugLevel::Lines,
        }
    }
}

/// What outputs are made from.
pub(crate) struct Made<'a> {
    /// The source; none when only libraries are linked.
    pub source: Option<(&'a Source, FileId)>,
    pub assembly: &'a Assembly,
    pub search: &'a Search,
    /// Files given on the command line.
    pub inputs: &'a [PathBuf],
    /// Where the container goes.
    pub target: &'a Path,
}

/// Writes everything that `--emit` asks for.
pub(crate) fn write(made: &Made, options: &ProductArgs) -> Result<(), Failure> {
    let default = [Emission { product: Product::Bin, file: None }];
    let emissions = if options.emit.is_empty() { &default[..] } else { &options.emit };
    let mut outputs = Outputs::default();
    for emission in emissions {
        let Some((data, extension)) = content(made, emission.product)? else { continue };
        let target = match (&emission.file, emission.product) {
            (Some(file), _) => file.clone(),
            (None, Product::Bin) => made.target.to_owned(),
            (None, _) if made.target == Path::new(STANDARD) => made.target.to_owned(),
            (None, _) => made.target.with_extension(extension),
        };
        if let Some(input) = made.inputs.iter().find(|input| target != Path::new(STANDARD) && same_file(input, &target))
        {
            return Err(Failure::unable(format!("the output would replace the input {}", input.display())));
        }
        let kind = if emission.product == Product::Bin { Content::Container } else { Content::Text };
        outputs.add(&target, data, kind, options.force)?;
    }
    outputs.commit()
}

/// The content of an output and its extension; nothing for what is no file.
fn content(made: &Made, product: Product) -> Result<Option<(Vec<u8>, &'static str)>, Failure> {
    let assembly = made.assembly;
    let no_source = || Failure::unable("there is no source to show");
    Ok(Some(match product {
        Product::Diag => return Ok(None),
        Product::Bin => (viua_bytecode::write(module(assembly)?), "module"),
        Product::Dis => {
            let text = viua_bytecode::disassemble(module(assembly)?, &DisassembleOptions::default());
            (text.map_err(|error| Failure::unable(error.to_string()))?, "dis")
        }
        Product::Ir => (viua_ir::print(assembly.unit.as_ref().ok_or_else(no_source)?).into_bytes(), "ir"),
        Product::Cfg => (viua_ir::cfg::dot(assembly.unit.as_ref().ok_or_else(no_source)?).into_bytes(), "dot"),
        Product::Tokens => {
            let ((source, file), tree) = made.source.zip(assembly.tree.as_ref()).ok_or_else(no_source)?;
            (tokens::text(&tokens::canonical(source, file, tree), source).into_bytes(), "tokens")
        }
        Product::Ast => {
            let ((source, _), tree) = made.source.zip(assembly.tree.as_ref()).ok_or_else(no_source)?;
            (tree::text(tree, source).into_bytes(), "ast")
        }
        Product::Deps => (dependencies(made).into_bytes(), "d"),
    }))
}

fn module(assembly: &Assembly) -> Result<&Module, Failure> {
    assembly.module.as_ref().ok_or_else(|| Failure::unable("there is no module"))
}

/// A make rule: the output depends on everything that was read.
fn dependencies(made: &Made) -> String {
    let escape = |path: &str| path.replace('$', "$$").replace(' ', "\\ ").replace('#', "\\#");
    let mut files: Vec<String> = made.inputs.iter().take(1).map(|path| path.display().to_string()).collect();
    files.extend(made.assembly.linked.iter().cloned());
    let mut queue = made.assembly.dynamic.clone();
    let mut seen = HashSet::new();
    while let Some(name) = queue.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(found) = made.search.find(&name) else { continue };
        if let Place::File(path) = &found.place {
            files.push(found.path());
            if found.kind == ModuleKind::Library
                && let Ok(bytes) = std::fs::read(path)
                && let Ok(module) = viua_bytecode::read(&bytes, &found.path())
            {
                queue.extend(module.imports.iter().map(|import| module.name(*import).to_owned()));
            }
        }
    }
    // Built-in modules are no files.
    files.retain(|file| !file.starts_with('<') && file != STANDARD);
    let first = files.len().min(1);
    files[first..].sort();
    files.dedup();
    let files: Vec<String> = files.iter().map(|file| escape(file)).collect();
    format!("{}: {}\n", escape(&made.target.display().to_string()), files.join(" "))
}

/// Prints data about the result.
pub(crate) fn print_data(data: Data, assembly: &Assembly, search: &Search) -> Result<(), Failure> {
    let lines: Vec<String> = match data {
        Data::Meta => match &assembly.module {
            Some(module) => meta_lines(module),
            None => {
                let meta = assembly.unit.as_ref().map(crate::assemble::meta).unwrap_or_default();
                meta.iter().map(|(key, value)| super::inspect::meta_line(key, value)).collect()
            }
        },
        Data::Size => vec![module(assembly)?.code.len().to_string()],
        Data::Symbols => {
            let module = module(assembly)?;
            let line = |symbol: &viua_bytecode::Symbol| {
                format!("{} {}", symbol_kind_name(symbol.kind), module.name(symbol.name))
            };
            module.symbols.iter().map(line).collect()
        }
        Data::Externals => {
            let module = module(assembly)?;
            let line =
                |it: &viua_bytecode::External| format!("{} {}", external_kind_name(it.kind), module.name(it.name));
            module.externals.iter().map(line).collect()
        }
        Data::Imports => {
            let module = module(assembly)?;
            module.imports.iter().map(|name| module.name(*name).to_owned()).collect()
        }
        Data::Entry => entry(module(assembly)?).into_iter().map(str::to_owned).collect(),
        Data::SearchPath => search_path(search),
    };
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    print(text.as_bytes())
}

/// The directories in which modules are searched, one a line.
pub(crate) fn search_path(search: &Search) -> Vec<String> {
    let shown = |path: &PathBuf| path.display().to_string();
    let built_in = (!search.built_in.is_empty()).then(|| "<built-in>".to_owned());
    search.directories.iter().map(shown).chain(built_in).chain(search.installed.iter().map(shown)).collect()
}
