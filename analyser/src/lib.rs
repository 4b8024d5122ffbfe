//! The data-flow analyser
