//! Snippets and what is said about them.
