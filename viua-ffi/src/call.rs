//! One call: arguments in, result or exception out.

use crate::api;
use crate::object::Object;
use crate::sys::{kind, status, viua_call};
use crate::value::{Kind, Pid, Ref, Value};
use std::ptr::null_mut;

/// A running call.
pub struct Call {
    handle: *mut viua_call,
}

/// What a function raises.
#[derive(Debug)]
pub struct Exception(Raised);

#[derive(Debug)]
enum Raised {
    Text { tag: String, text: String },
    Value(Value),
    Status { status: i32, argument: u32, wanted: u32 },
}

impl Exception {
    /// With a tag and a text.
    pub fn new(tag: impl Into<String>, text: impl Into<String>) -> Exception {
        Exception(Raised::Text { tag: tag.into(), text: text.into() })
    }
    /// What `throw` of this value throws.
    pub fn value(value: Value) -> Exception {
        Exception(Raised::Value(value))
    }
    /// The standard exception for a status that came of an argument.
    pub fn status(status: i32, argument: usize, wanted: u32) -> Exception {
        Exception(Raised::Status { status, argument: u32::try_from(argument).unwrap_or(u32::MAX), wanted })
    }
}

/// What an argument can be read as.
pub trait FromValue: Sized {
    /// The kind of value that it is read from, for messages.
    const KIND: u32;
    /// Reads it; the error is a status.
    fn from_value(value: Ref) -> Result<Self, i32>;
}

impl FromValue for i64 {
    const KIND: u32 = kind::VIUA_INTEGER;
    fn from_value(value: Ref) -> Result<i64, i32> {
        value.integer()
    }
}

impl FromValue for f64 {
    const KIND: u32 = kind::VIUA_FLOAT;
    fn from_value(value: Ref) -> Result<f64, i32> {
        value.float()
    }
}

impl FromValue for bool {
    const KIND: u32 = kind::VIUA_BOOLEAN;
    fn from_value(value: Ref) -> Result<bool, i32> {
        value.boolean()
    }
}

impl FromValue for String {
    const KIND: u32 = kind::VIUA_TEXT;
    fn from_value(value: Ref) -> Result<String, i32> {
        match value.kind() {
            Kind::Text => String::from_utf8(value.bytes()?.to_vec()).map_err(|_| status::VIUA_EUTF8),
            _ => Err(status::VIUA_ETYPE),
        }
    }
}

impl FromValue for Vec<u8> {
    const KIND: u32 = kind::VIUA_STRING;
    fn from_value(value: Ref) -> Result<Vec<u8>, i32> {
        match value.kind() {
            Kind::String => value.bytes().map(<[u8]>::to_vec),
            _ => Err(status::VIUA_ETYPE),
        }
    }
}

impl FromValue for Pid {
    const KIND: u32 = kind::VIUA_PROCESS;
    fn from_value(value: Ref) -> Result<Pid, i32> {
        value.pid()
    }
}

impl Call {
    pub(crate) unsafe fn new(handle: *mut viua_call) -> Call {
        Call { handle }
    }

    pub(crate) fn give(&mut self, result: Value) -> i32 {
        // SAFETY: the call is running, and the value is given; so it is below.
        unsafe { (api().give_result)(self.handle, result.into_raw()) };
        status::VIUA_OK
    }

    pub(crate) fn raise(&mut self, exception: Exception) -> i32 {
        // SAFETY: as above; texts come with their lengths.
        unsafe {
            match exception.0 {
                Raised::Text { tag, text } => {
                    let (tag_start, text_start) = (tag.as_ptr().cast(), text.as_ptr().cast());
                    (api().raise)(self.handle, tag_start, tag.len(), text_start, text.len())
                }
                Raised::Value(value) => (api().raise_value)(self.handle, value.into_raw()),
                Raised::Status { status, argument, wanted } => {
                    (api().raise_status)(self.handle, status, argument, wanted)
                }
            }
        }
    }

    /// The name that the function was called by.
    pub fn name(&self) -> String {
        let mut length = 0;
        // SAFETY: as above; the name is copied at once.
        unsafe {
            let name: *const u8 = (api().name)(self.handle, &raw mut length).cast();
            String::from_utf8_lossy(std::slice::from_raw_parts(name, length)).into_owned()
        }
    }
    /// The number of arguments.
    pub fn argument_count(&self) -> usize {
        // SAFETY: as above.
        unsafe { (api().argument_count)(self.handle) as usize }
    }
    /// The process that calls.
    pub fn pid(&self) -> Pid {
        // SAFETY: as above.
        Pid(unsafe { (api().self_)(self.handle) })
    }
    /// An argument, if there is one.
    pub fn find(&self, index: usize) -> Option<Ref<'_>> {
        let index = u32::try_from(index).ok()?;
        // SAFETY: as above; the argument is lent until it is taken, for which the call must not be lent.
        unsafe { Ref::lent((api().argument)(self.handle, index)) }
    }
    /// An argument that has to be there.
    pub fn value(&self, index: usize) -> Result<Ref<'_>, Exception> {
        self.find(index).ok_or_else(|| Exception::status(status::VIUA_EEMPTY, index, kind::VIUA_EMPTY))
    }
    /// An argument of a certain type.
    pub fn argument<T: FromValue>(&self, index: usize) -> Result<T, Exception> {
        T::from_value(self.value(index)?).map_err(|status| Exception::status(status, index, T::KIND))
    }
    /// What an argument points to.
    pub fn pointee(&self, index: usize) -> Result<Ref<'_>, Exception> {
        let pointer = self.value(index)?;
        let mut lent = null_mut();
        // SAFETY: as above; what is lent stays until the call ends.
        unsafe {
            match (api().dereference)(self.handle, pointer.as_ptr(), &raw mut lent) {
                status::VIUA_OK => Ref::lent(lent).ok_or(status::VIUA_EDEAD),
                status => Err(status),
            }
        }
        .map_err(|status| Exception::status(status, index, kind::VIUA_POINTER))
    }
    /// The object that an argument points to.
    pub fn object<T: Object>(&mut self, index: usize) -> Result<&mut T, Exception> {
        let pointee = self.pointee(index)?;
        match pointee.object() {
            Ok(object) => Ok(object),
            Err(_) => {
                let (wanted, got) = (T::TYPE_NAME.to_string_lossy(), pointee.type_name());
                let text = format!("fetched invalid type: expected '{wanted}' but got '{got}'");
                Err(Exception::new("Exception", text))
            }
        }
    }
    /// Takes an argument.
    pub fn take(&mut self, index: usize) -> Result<Value, Exception> {
        self.value(index)?;
        // SAFETY: as above; the argument is given.
        let taken = unsafe { Value::given((api().take_argument)(self.handle, index as u32)) };
        taken.ok_or_else(|| Exception::status(status::VIUA_ECOPY, index, kind::VIUA_EMPTY))
    }
}
