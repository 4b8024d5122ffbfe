//! Conformance, end-to-end and property tests of the whole tool chain.
