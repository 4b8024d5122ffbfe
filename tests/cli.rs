//! Command lines, end to end.
