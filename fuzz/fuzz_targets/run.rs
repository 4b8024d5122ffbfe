//! Whatever the verifier accepts may be run: it raises exceptions, and is stopped by limits, but does no harm. The
//! inputs are modules; most changes keep their form.
#![no_main]

#[path = "../../bytecode/tests/support/checksums.rs"]
mod checksums;
mod mutation;

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::time::Duration;
use viua_bytecode::{Module, SymbolKind, read, write};
use viua_isa::Opcode;
use viua_runtime::ffi::Value;
use viua_runtime::{CountingAllocator, Found, Instance, Limits, LoadError, Options, ReportOptions};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = mutation::Random::new(seed);
    if random.below(8) > 0
        && let Ok(module) = read(&data[..size], "f")
    {
        let file = write(&mutation::mutate(&module, &mut random));
        if file.len() <= max_size {
            data[..file.len()].copy_from_slice(&file);
            return file.len();
        }
    }
    let size = fuzzer_mutate(data, size, max_size);
    checksums::fix_checksums(&mut data[..size]);
    size
});

fuzz_target!(init: silence(), |data: &[u8]| -> Corpus {
    let Ok(module) = read(data, "f") else { return Corpus::Reject };
    // Nothing outside shall be touched.
    let does_io = |opcode| matches!(opcode, Opcode::IoRead | Opcode::IoWrite);
    if module.symbols.iter().any(|symbol| module.instructions(symbol).any(|instruction| does_io(instruction.opcode))) {
        return Corpus::Reject;
    }
    run(data, &module);
    Corpus::Keep
});

fn run(data: &[u8], module: &Module) {
    let limits = Limits {
        processes: Some(50),
        mailbox: Some(50),
        memory: Some(64 << 20),
        process_memory: Some(16 << 20),
        reductions: Some(20_000),
        time: Some(Duration::from_millis(20)),
    };
    let found = module.clone();
    let search = move |name: &str| match name.len() % 2 {
        // It may load itself again while it runs.
        0 => Ok(Found::Library(Box::new(found.clone()))),
        _ => Err(LoadError { tag: "LinkException".to_owned(), text: format!("failed to locate module: {name}") }),
    };
    let report = ReportOptions { json: true, ..ReportOptions::default() };
    let mut machine = Instance::new(Options { search: Box::new(search), report, limits, ..Options::default() });
    if machine.load("f", data).is_err() {
        return;
    }
    let functions = module.symbols.iter().filter(|symbol| symbol.kind != SymbolKind::Block);
    let mut names: Vec<&str> = functions.map(|symbol| module.name(symbol.name)).collect();
    if let Some(entry) = module.symbols.get(module.entry as usize) {
        names = vec![module.name(entry.name)];
    }
    for name in names.into_iter().rev().take(4) {
        let argument = |number| match number {
            0 => Value::integer(7),
            _ => Value::text("text"),
        };
        let arity = name.rsplit('/').next().and_then(|arity| arity.parse::<usize>().ok()).unwrap_or(1);
        let outcome = machine.call(name, (0..arity.min(3)).map(argument));
        // What came out is looked at, too.
        match outcome {
            Ok(result) => drop(result.map(|value| value.view().printed())),
            Err(exception) => drop(exception.printed()),
        }
    }
}

/// Nothing is read from standard input, and nobody wants to see what programs print.
fn silence() {
    static NULL: OnceLock<File> = OnceLock::new();
    let null = File::options().read(true).write(true).open("/dev/null").expect("there is a null device");
    let null = NULL.get_or_init(|| null);
    for descriptor in [0, 1] {
        // SAFETY: descriptors are not memory.
        assert!(unsafe { libc::dup2(null.as_raw_fd(), descriptor) } >= 0);
    }
}
