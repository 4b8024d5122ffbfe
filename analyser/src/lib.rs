//! The data-flow analyser
mod closures;
mod facts;
mod fresh;
mod graph;
mod messages;
mod ops;
mod program;
mod scope;
mod solve;
mod unit;
mod paths;
mod trace;
mod trie;
