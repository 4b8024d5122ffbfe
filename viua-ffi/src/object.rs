//! Objects: values of the module's own making.

use crate::sys::viua_object_type;
use std::any::TypeId;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

/// What a type must be able to do to be the value of a register. Objects go where their value goes, also to other
/// threads.
pub trait Object: Send + Sized + 'static {
    /// The name that messages show.
    const TYPE_NAME: &'static CStr;
    /// What `print` shows.
    fn print(&self) -> String {
        Self::TYPE_NAME.to_string_lossy().into_owned()
    }
    /// What it is as a condition.
    fn is_true(&self) -> bool {
        true
    }
    /// Another one like it, if it can be copied.
    fn copied(&self) -> Option<Self> {
        None
    }
}

/// The description whose address is the identity of the type. There is one for each type, and it lives for ever.
pub(crate) fn behaviour_of<T: Object>() -> *const viua_object_type {
    static KNOWN: Mutex<Vec<(TypeId, &'static viua_object_type)>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, behaviour)) = known.iter().find(|(id, _)| *id == TypeId::of::<T>()) {
        return *behaviour;
    }
    let behaviour = Box::leak(Box::new(viua_object_type {
        size: size_of::<viua_object_type>() as u32,
        reserved: 0,
        type_name: T::TYPE_NAME.as_ptr(),
        drop: Some(drop_object::<T>),
        print: Some(print_object::<T>),
        truth: Some(truth_of_object::<T>),
        copy: Some(copy_object::<T>),
    }));
    known.push((TypeId::of::<T>(), behaviour));
    behaviour
}

// A panic must not leave a callback; what is said instead is what an object without the ability would say.

unsafe extern "C" fn drop_object<T: Object>(data: *mut c_void) {
    // SAFETY: made by `Value::object`, and given up.
    let object = unsafe { Box::from_raw(data.cast::<T>()) };
    let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
}

unsafe extern "C" fn print_object<T: Object>(data: *const c_void, buffer: *mut c_char, capacity: usize) -> usize {
    // SAFETY: the data of an object of this type.
    let object = unsafe { &*data.cast::<T>() };
    let form = catch_unwind(AssertUnwindSafe(|| object.print())).unwrap_or_default();
    // SAFETY: the buffer has that capacity.
    unsafe { std::ptr::copy_nonoverlapping(form.as_ptr(), buffer.cast(), form.len().min(capacity)) };
    form.len()
}

unsafe extern "C" fn truth_of_object<T: Object>(data: *const c_void) -> i32 {
    // SAFETY: as above.
    let object = unsafe { &*data.cast::<T>() };
    catch_unwind(AssertUnwindSafe(|| object.is_true())).unwrap_or(true).into()
}

unsafe extern "C" fn copy_object<T: Object>(data: *const c_void) -> *mut c_void {
    // SAFETY: as above.
    let object = unsafe { &*data.cast::<T>() };
    match catch_unwind(AssertUnwindSafe(|| object.copied())) {
        Ok(Some(copied)) => Box::into_raw(Box::new(copied)).cast(),
        Ok(None) | Err(_) => null_mut(),
    }
}
