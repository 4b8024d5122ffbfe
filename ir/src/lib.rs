//! Register IR, control flow graphs, and the whole-module checks that need no data flow
