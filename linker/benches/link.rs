//! How linking grows with the number of objects: 1,000 and 10,000 libraries of 100 functions each, from the bytes of
//! the files to a linked module. The time for one object must be the same, as far as the memory of the machine lets it.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use viua_bytecode::{Draft, Instruction, Kind, Operand, Reference, Register, SymbolKind, write};
use viua_isa::{AccessMode, Opcode, RegisterSet};
use viua_linker::{Library, Request, Search, resolve};

const FUNCTIONS: usize = 100;

/// A library whose functions call each other in a row.
fn library(number: usize) -> Library {
    let mut draft = Draft::new(Kind::Library);
    let zero = Operand::Register(Register { mode: AccessMode::Direct, set: RegisterSet::Local, index: 0 });
    for function in 0..FUNCTIONS {
        let callee = Operand::Name(Reference::Symbol(function.saturating_sub(1) as u32));
        let body = [
            Instruction::new(Opcode::AllocateRegisters, &[Operand::Index(1)]),
            Instruction::new(Opcode::Frame, &[Operand::Index(0)]),
            Instruction::new(Opcode::Call, &[Operand::Void, callee]),
            Instruction::new(Opcode::Izero, &[zero]),
            Instruction::new(Opcode::Return, &[]),
        ];
        draft.define(SymbolKind::Function, &format!("library_{number}::function_{function}/0"), &body);
    }
    Library::bytes(format!("library_{number}.module"), write(&draft.finish()))
}

fn linking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("link");
    // An iteration takes long enough to need few of them.
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for objects in [1_000, 10_000] {
        let libraries: Vec<Library> = (0..objects).map(library).collect();
        group.throughput(Throughput::Elements(objects as u64));
        group.bench_with_input(
            BenchmarkId::new("objects of 100 functions", objects),
            &libraries,
            |bencher, libraries| {
                let search = Search::default();
                let request = Request { file: "all", kind: Kind::Library, libraries, search: &search };
                bencher.iter(|| {
                    let resolved = resolve(&request, None).expect("nothing clashes");
                    write(&resolved.link(None)).len()
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, linking);
criterion_main!(benches);
