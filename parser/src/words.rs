//! Look-up of words by their bytes. It is asked for every word of the source, so it neither decodes nor hashes with care.

use rustc_hash::FxHashMap;
use std::sync::LazyLock;
use viua_isa::{Opcode, RegisterSet, TABLE};

static MNEMONICS: LazyLock<FxHashMap<&'static [u8], Opcode>> =
    LazyLock::new(|| TABLE.iter().map(|row| (row.mnemonic.as_bytes(), row.opcode)).collect());

/// The instruction of that name.
#[inline]
pub(crate) fn mnemonic(word: &[u8]) -> Option<Opcode> {
    MNEMONICS.get(word).copied()
}

/// The register set of that name.
#[inline]
pub(crate) fn register_set(word: &[u8]) -> Option<RegisterSet> {
    RegisterSet::ALL.into_iter().find(|set| set.name().as_bytes() == word)
}
