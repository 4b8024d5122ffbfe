//! Foreign modules for Viua, written in Rust: safe wrappers around the C ABI of `include/viua.h`.

pub mod sys;
