//! The standard library
