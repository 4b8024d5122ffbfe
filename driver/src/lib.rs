//! The command line tools: `viuac` (everything about source and containers) and `viua` (the virtual machine).
//!
//! Only this crate prints, exits, and reads the environment. [`assemble`] is the tool chain as one function, which does
//! none of that; around it are the command lines ([`viuac`], [`viua`]; one file per subcommand) and the few rules they
//! share: how findings are printed ([`report`]), how files are written ([`output`]), how a command ends ([`failure`]).

pub mod assemble;
pub mod console;
pub mod entry;
pub mod failure;
pub mod input;
pub mod machine;
pub mod modules;
pub mod output;
pub mod report;
pub mod tokens;
pub mod tree;
pub mod viua;
pub mod viuac;

/// Limits of memory need to know what is taken.
#[global_allocator]
static ALLOCATOR: viua_runtime::CountingAllocator = viua_runtime::CountingAllocator;
