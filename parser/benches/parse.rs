//! How fast source text becomes a tree: straight-line arithmetic, as machines write it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use std::hint::black_box;
use viua_diagnostics::FileId;

fn straight_line_program(functions: usize) -> String {
    let mut out = String::new();
    for function in 0..functions {
        let _ = writeln!(out, ".function: work_{function}/1\n    allocate_registers %8 local");
        out.push_str("    move %1 local %0 parameters\n");
        for i in 0..8 {
            let register = 2 + i % 4;
            let _ = writeln!(out, "    integer %{register} local {i}");
            let _ = writeln!(out, "    add %1 local %1 local %{register} local");
            let _ = writeln!(out, "    mul %1 local %1 local %{register} local");
        }
        out.push_str("    print (text %6 local \"done\") local\n    move %0 local %1 local\n    return\n.end\n");
    }
    out
}

fn parse(criterion: &mut Criterion) {
    let source = straight_line_program(1000);
    let lines = source.lines().count() as u64;
    let mut group = criterion.benchmark_group("straight line program");
    group.throughput(Throughput::Elements(lines));
    group.bench_function("lex", |bencher| bencher.iter(|| viua_lexer::lex(black_box(source.as_bytes()))));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| viua_parser::parse(black_box(source.as_bytes()), FileId(0)))
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
