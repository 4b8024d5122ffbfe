//! Atoms: interned byte strings, compared by address. They are shared by everything in the program and are
//! never given back; a program has as many as it has literals, keys and tags.

use rustc_hash::FxHashSet;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What an atom is made of.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct AtomData {
    bytes: Box<[u8]>,
}

impl Borrow<[u8]> for &'static AtomData {
    fn borrow(&self) -> &[u8] {
        &self.bytes
    }
}

/// An atom. Equality is by address, order by bytes.
#[derive(Clone, Copy, Debug)]
pub struct Atom(&'static AtomData);

static ATOMS: LazyLock<Mutex<FxHashSet<Interned>>> = LazyLock::new(Mutex::default);

#[derive(PartialEq, Eq)]
struct Interned(&'static AtomData);

// The hash of the entry must be that of the bytes, since entries are looked up by their bytes.
impl std::hash::Hash for Interned {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.bytes.hash(state);
    }
}
impl Borrow<[u8]> for Interned {
    fn borrow(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl Atom {
    /// The atom with these bytes. Takes a lock: done when code is loaded and for atoms made at run time only.
    pub fn intern(bytes: &[u8]) -> Atom {
        let mut atoms = ATOMS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = atoms.get(bytes) {
            return Atom(found.0);
        }
        let data: &'static AtomData = Box::leak(Box::new(AtomData { bytes: bytes.into() }));
        atoms.insert(Interned(data));
        Atom(data)
    }
    /// The atom with these bytes, if there is one already.
    pub fn known(bytes: &[u8]) -> Option<Atom> {
        let atoms = ATOMS.lock().unwrap_or_else(PoisonError::into_inner);
        atoms.get(bytes).map(|found| Atom(found.0))
    }
    /// Its bytes.
    pub fn bytes(self) -> &'static [u8] {
        &self.0.bytes
    }
    /// For the payload of a cell.
    pub(crate) fn address(self) -> u64 {
        self.0 as *const AtomData as u64
    }
    /// From the payload of a cell.
    ///
    /// # Safety
    /// `address` must come from [`Atom::address`].
    pub(crate) unsafe fn from_address(address: u64) -> Atom {
        // SAFETY: atoms are never given back.
        Atom(unsafe { &*(address as *const AtomData) })
    }
}

impl PartialEq for Atom {
    fn eq(&self, other: &Atom) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}
impl Eq for Atom {}
impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Atom) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Atom {
    fn cmp(&self, other: &Atom) -> Ordering {
        if self == other { Ordering::Equal } else { self.0.bytes.cmp(&other.0.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_one_atom() {
        assert_eq!(Atom::intern(b"foo"), Atom::intern(b"foo"));
        assert_ne!(Atom::intern(b"foo"), Atom::intern(b"bar"));
        assert!(Atom::intern(b"B") < Atom::intern(b"a"));
    }
}
