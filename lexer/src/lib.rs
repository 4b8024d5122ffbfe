//! Tokens of the assembly language
