//! Objects of native modules: values with a behaviour of their own (`Fstream`).

use crate::atom::Atom;
use std::any::Any;
use std::ffi::{CStr, c_void};
use std::ptr::null;
use viua_ffi::sys::viua_object_type;

/// What an object of a native module must be able to do. Objects go where their value goes: they are used, and
/// destroyed, on whatever thread that happens, never by two at once.
pub trait Object: Any + Send {
    /// The name that messages and `typeof` show.
    fn type_name(&self) -> &'static str;
    /// Appends what `print` shows.
    fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.type_name().as_bytes());
    }
    /// What it is as a condition.
    fn is_true(&self) -> bool {
        true
    }
    /// Another one like it, if it can be copied.
    fn copied(&self) -> Option<Box<dyn Object>> {
        None
    }
}

/// An object of a module that speaks C.
pub(super) struct CObject {
    identity: *const viua_object_type,
    behaviour: viua_object_type,
    name: &'static str,
    data: *mut c_void,
}

// SAFETY: the module promises that its functions may be called on any thread.
unsafe impl Send for CObject {}

/// What a module says about a type, as far as it says anything; none if that is not enough.
///
/// # Safety
/// The description must be NULL or valid, and stay so.
pub(super) unsafe fn copied_type(described: *const viua_object_type) -> Option<(viua_object_type, &'static str)> {
    let nothing =
        viua_object_type { size: 0, reserved: 0, type_name: null(), drop: None, print: None, truth: None, copy: None };
    let mut behaviour = nothing;
    // SAFETY: the description begins with its size; members beyond it do not exist.
    unsafe {
        let size = described.as_ref()?.size as usize;
        let known = size.min(size_of::<viua_object_type>());
        std::ptr::copy_nonoverlapping(described.cast::<u8>(), (&raw mut behaviour).cast::<u8>(), known);
        if behaviour.type_name.is_null() || behaviour.drop.is_none() {
            return None;
        }
        let name = CStr::from_ptr(behaviour.type_name).to_str().ok()?;
        // The name is needed as long as messages may show it.
        let name = str::from_utf8(Atom::intern(name.as_bytes()).bytes()).ok()?;
        Some((behaviour, name))
    }
}

impl CObject {
    /// An object that owns its data.
    pub fn new(
        identity: *const viua_object_type,
        behaviour: viua_object_type,
        name: &'static str,
        data: *mut c_void,
    ) -> CObject {
        CObject { identity, behaviour, name, data }
    }
    /// Its data, if it is of that type.
    pub fn data_of(&self, identity: *const viua_object_type) -> Option<*mut c_void> {
        std::ptr::eq(self.identity, identity).then_some(self.data)
    }
}

impl Object for CObject {
    fn type_name(&self) -> &'static str {
        self.name
    }
    fn print(&self, out: &mut Vec<u8>) {
        let Some(print) = self.behaviour.print else { return out.extend_from_slice(self.name.as_bytes()) };
        let mut buffer = vec![0u8; 256];
        // SAFETY: the function gets a buffer and its size, and tells the full length.
        let mut length = unsafe { print(self.data, buffer.as_mut_ptr().cast(), buffer.len()) };
        if length >= buffer.len() {
            // One more for the NUL that functions like `snprintf` put at the end.
            buffer.resize(length.saturating_add(1), 0);
            // SAFETY: as above.
            length = unsafe { print(self.data, buffer.as_mut_ptr().cast(), buffer.len()) };
        }
        out.extend_from_slice(&buffer[..length.min(buffer.len())]);
    }
    fn is_true(&self) -> bool {
        // SAFETY: the function belongs to the data.
        self.behaviour.truth.is_none_or(|truth| unsafe { truth(self.data) } != 0)
    }
    fn copied(&self) -> Option<Box<dyn Object>> {
        // SAFETY: as above.
        let data = unsafe { self.behaviour.copy?(self.data) };
        if data.is_null() {
            return None;
        }
        Some(Box::new(CObject::new(self.identity, self.behaviour, self.name, data)))
    }
}

impl Drop for CObject {
    fn drop(&mut self) {
        if let Some(drop) = self.behaviour.drop {
            // SAFETY: the data is given up.
            unsafe { drop(self.data) };
        }
    }
}
