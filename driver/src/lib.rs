//! The command line tools viuac and viua
