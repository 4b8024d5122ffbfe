//! Any bytes may be given to the parser, and whatever it says about them can be rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viua_diagnostics::{Format, RenderOptions, Source, SourceMap, render};

fuzz_target!(|data: &[u8]| {
    let mut sources = SourceMap::default();
    let file = sources.add(Source::new("fuzz.asm", data));
    let parsed = viua_parser::parse(data, file);
    for format in [Format::Human, Format::Short, Format::Json, Format::Sarif, Format::Github] {
        render(&parsed.diagnostics, &sources, &RenderOptions { format, ..RenderOptions::default() });
    }
});
