//! How fast a source text becomes a module: lines a second, for two sizes of the same text, so that growth beyond
//! linear shows.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use viua_diagnostics::{FileId, Source};
use viua_driver::assemble::{Options, assemble};

/// Many functions of straight-line arithmetic, 35 lines each.
fn straight(functions: usize) -> String {
    let mut text = String::new();
    for f in 0..functions {
        let _ =
            writeln!(text, ".function: work_{f}/1\n    allocate_registers %8 local\n    move %1 local %0 parameters");
        for i in 0..8 {
            let r = 2 + i % 4;
            let _ = writeln!(text, "    integer %{r} local {}", i + f % 97);
            let _ = writeln!(text, "    add %1 local %1 local %{r} local\n    mul %1 local %1 local %{r} local");
        }
        text.push_str("    text %6 local \"done\"\n    print %6 local\n    integer %7 local 3\n    print %7 local\n");
        text.push_str("    move %0 local %1 local\n    return\n.end\n\n");
    }
    text.push_str(".function: main/0\n    allocate_registers %2 local\n    integer %1 local 0\n");
    for f in 0..functions.min(100) {
        let _ = writeln!(text, "    frame %1\n    copy %0 arguments %1 local\n    call void work_{f}/1");
    }
    text.push_str("    izero %0 local\n    return\n.end\n");
    text
}

fn whole_pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assemble");
    group.sample_size(10);
    for functions in [2_000, 20_000] {
        let source = Source::new("straight.asm", straight(functions).into_bytes());
        group.throughput(Throughput::Elements(source.line_count() as u64));
        group.bench_with_input(BenchmarkId::new("straight", functions), &source, |bencher, source| {
            let options = Options::default();
            bencher.iter(|| {
                let assembly = assemble(source, FileId(0), &options);
                assembly.module.expect("the text is right").code.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, whole_pipeline);
criterion_main!(benches);
