//! From IR to an object module
