//! Assembles the modules that are written in Viua assembly, with the tool chain of this very workspace.

#[allow(dead_code)]
#[path = "../driver/src/assemble.rs"]
mod assemble;

use std::path::Path;
use viua_diagnostics::{RenderOptions, Source, SourceMap, render};

fn main() {
    let directory = Path::new("src/asm");
    let output = std::env::var_os("OUT_DIR").expect("set by cargo");
    println!("cargo::rerun-if-changed=src/asm");
    for name in ["functional", "misc", "vector"] {
        let path = directory.join(format!("{name}.asm"));
        let text = std::fs::read(&path).expect("the source is part of the crate");
        // Positions in stack traces begin with this name.
        let mut sources = SourceMap::default();
        let file = sources.add(Source::new(format!("std/{name}.asm"), text));
        let options = assemble::Options { library: true, ..assemble::Options::default() };
        let assembly = assemble::assemble(sources.source(file), file, &options);
        let Some(module) = assembly.module else {
            panic!("{}", render(&assembly.diagnostics, &sources, &RenderOptions::default()));
        };
        let bytes = viua_bytecode::write(&module);
        std::fs::write(Path::new(&output).join(format!("{name}.module")), bytes).expect("the output can be written");
    }
}
