//! The virtual machine. It knows bytecode and values, and nothing of source text.
//!
//! * `cell`, `value`, `heap`, `atom`, `bits`, `print`: what a register holds and what can be done with it.
//! * `code`, `decode`: verified bytecode becomes code for the interpreter.
//! * `process`, `registers`, `dispatch`, `exec`, `unwind`: a process executes it.
//! * `names`, `import`: what names mean, and how that changes while processes run.
//! * `scheduler`, `machine`, `cross`, `report`, `output`: processes together.
//! * `io`, [`ffi`], `pool`: the world: requests on descriptors, foreign functions, threads that may block.
//! * `map`, `trace`: files as memory; what is executed, line by line.
//! * `instance`: a machine inside another program.
//!
//! `unsafe` is confined to this crate and to the wrappers of `viua-ffi`. What it relies on: modules have passed the verifier of `viua-bytecode`;
//! the decoder writes no operand that is out of range; a process is run by one thread at a time; cells are owned
//! once.

mod atom;
mod bits;
mod cell;
mod code;
mod cross;
mod decode;
mod dispatch;
mod element;
mod exec;
pub mod ffi;
mod heap;
mod import;
mod instance;
mod io;
mod machine;
mod map;
mod names;
mod number;
mod output;
mod pool;
mod print;
mod process;
mod raise;
mod registers;
mod report;
mod scheduler;
mod trace;
mod unwind;
mod value;

pub use import::{Found, LoadError, Search};
pub use instance::Instance;
pub use machine::{Limits, Loaded, Machine, Options, Program, StartError, prepare, run};
pub use map::Mapped;
pub use names::CodeStats;
pub use report::ReportOptions;
pub use scheduler::memory::CountingAllocator;
pub use scheduler::stats::{Condition, ProcessInfo, Stats, WorkerStats};
