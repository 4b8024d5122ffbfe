//! Exceptions that the machine itself raises.

use crate::atom::Atom;
use crate::bits::TooWide;
use crate::cell::{Cell, kind};
use crate::heap::Heap;
use crate::value::{Content, Exception, release, type_name};

/// An exception on its way to a catcher. Boxed, so that results stay small on the paths where nothing is raised.
pub type Raise = Box<Exception>;

/// The ways to raise; each returns an `Err`, so that an instruction can `return Raised::text(..)`.
pub struct Raised;

impl Raised {
    /// `Exception = text`.
    pub fn text<T>(text: impl AsRef<[u8]>) -> Result<T, Raise> {
        Raised::tagged("Exception", text)
    }
    /// `Tag = text`.
    pub fn tagged<T>(tag: &str, text: impl AsRef<[u8]>) -> Result<T, Raise> {
        Err(exception(tag, Content::Description(text.as_ref().into())))
    }
    /// `Tag`, without a text.
    pub fn tag<T>(tag: &str) -> Result<T, Raise> {
        Err(exception(tag, Content::Nothing))
    }
    /// `fetched invalid type: expected '…' but got '…'`.
    pub fn wrong_type<T>(expected: &str, value: Cell) -> Result<T, Raise> {
        let mut text = format!("fetched invalid type: expected '{expected}' but got '").into_bytes();
        text.extend_from_slice(type_name(value));
        text.push(b'\'');
        Raised::text(text)
    }
    /// `read from null register: N`.
    pub fn null_register<T>(index: u16) -> Result<T, Raise> {
        Raised::text(format!("read from null register: {index}"))
    }
    /// `Zero_division = zero division`.
    pub fn zero_division<T>() -> Result<T, Raise> {
        Err(exception("Zero_division", Content::OuterOnly((*b"zero division").into())))
    }
    /// `Invalid_field_access = invalid field access: 'KEY'`.
    pub fn invalid_field<T>(key: Atom) -> Result<T, Raise> {
        let text = [b"invalid field access: '", key.bytes(), b"'"].concat();
        Err(exception("Invalid_field_access", Content::OuterOnly(text.into())))
    }
}

impl From<TooWide> for Raise {
    fn from(TooWide(width): TooWide) -> Raise {
        let text = format!("bit string of {width} bits is too wide").into_bytes();
        exception("Out_of_range", Content::Description(text.into()))
    }
}

/// An exception with that tag.
pub fn exception(tag: &str, content: Content) -> Raise {
    Box::new(Exception { tag: Atom::intern(tag.as_bytes()), content, throw_points: Vec::new(), identity: None })
}

/// Destroys an exception and what it carries.
pub fn discard(heap: &mut Heap, exception: Raise) {
    release(heap, Cell::boxed(kind::EXCEPTION, exception));
}

/// What is thrown when a program throws this value: an exception as it is, anything else wrapped
/// (isa-control.md §9).
pub fn thrown(value: Cell) -> Raise {
    if value.kind() == kind::EXCEPTION {
        // SAFETY: the kind tells the type, and the caller gives the value away.
        return unsafe { crate::value::into_box(value) };
    }
    Box::new(Exception {
        tag: Atom::intern(type_name(value)),
        content: Content::Value(value),
        throw_points: Vec::new(),
        identity: None,
    })
}
