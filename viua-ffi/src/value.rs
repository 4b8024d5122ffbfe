//! Values: [`Value`] belongs to the module and drops itself, [`Ref`] is lent.

use crate::api;
use crate::object::{Object, behaviour_of};
use crate::sys::{kind, status, viua_pid, viua_value};
use std::ffi::{c_char, c_void};
use std::marker::PhantomData;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::ptr::{NonNull, null, null_mut};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Empty,
    Integer,
    Float,
    Boolean,
    Text,
    String,
    Atom,
    Bits,
    Vector,
    Struct,
    Function,
    Closure,
    Process,
    Pointer,
    Exception,
    Port,
    Request,
    Foreign,
    /// A kind that came after this crate.
    Other(u32),
}

impl From<u32> for Kind {
    fn from(number: u32) -> Kind {
        match number {
            kind::VIUA_EMPTY => Kind::Empty,
            kind::VIUA_INTEGER => Kind::Integer,
            kind::VIUA_FLOAT => Kind::Float,
            kind::VIUA_BOOLEAN => Kind::Boolean,
            kind::VIUA_TEXT => Kind::Text,
            kind::VIUA_STRING => Kind::String,
            kind::VIUA_ATOM => Kind::Atom,
            kind::VIUA_BITS => Kind::Bits,
            kind::VIUA_VECTOR => Kind::Vector,
            kind::VIUA_STRUCT => Kind::Struct,
            kind::VIUA_FUNCTION => Kind::Function,
            kind::VIUA_CLOSURE => Kind::Closure,
            kind::VIUA_PROCESS => Kind::Process,
            kind::VIUA_POINTER => Kind::Pointer,
            kind::VIUA_EXCEPTION => Kind::Exception,
            kind::VIUA_IO_PORT => Kind::Port,
            kind::VIUA_IO_REQUEST => Kind::Request,
            kind::VIUA_FOREIGN => Kind::Foreign,
            number => Kind::Other(number),
        }
    }
}

/// A process. Plain data: may be kept and copied; sending to one that has ended does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pid(pub(crate) viua_pid);

impl Pid {
    /// Appends a value to the mailbox of the process; on any thread, also after the call has returned.
    pub fn send(self, value: Value) {
        // SAFETY: the value is given.
        unsafe { (api().send)(&raw const self.0, value.into_raw()) };
    }
}

/// A value that the module owns.
#[derive(Debug)]
pub struct Value {
    handle: NonNull<viua_value>,
}

// SAFETY: values that have not been handed over may be used on any thread, by one at a time (runtime.md §8.3, rule 5).
unsafe impl Send for Value {}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: the value is owned, and given up.
        unsafe { (api().drop)(self.handle.as_ptr()) };
    }
}

/// Where to begin with no bytes at all.
fn start(bytes: &[u8]) -> *const c_char {
    bytes.as_ptr().cast()
}

impl Value {
    /// Takes over a handle that was given.
    pub(crate) unsafe fn given(handle: *mut viua_value) -> Option<Value> {
        NonNull::new(handle).map(|handle| Value { handle })
    }
    fn made(handle: *mut viua_value) -> Value {
        // As with any allocation in Rust: without memory there is nothing sensible left to do.
        let handle = NonNull::new(handle).expect("memory is exhausted");
        Value { handle }
    }
    /// Gives it up.
    pub(crate) fn into_raw(self) -> *mut viua_value {
        std::mem::ManuallyDrop::new(self).handle.as_ptr()
    }
    /// Looks at it.
    pub fn view(&self) -> Ref<'_> {
        Ref { handle: self.handle, owner: PhantomData }
    }

    /// An Integer.
    pub fn integer(value: i64) -> Value {
        // SAFETY: the function has no preconditions; nor have those below, which get slices with their lengths.
        Value::made(unsafe { (api().make_integer)(value) })
    }
    /// A Float.
    pub fn float(value: f64) -> Value {
        // SAFETY: as above.
        Value::made(unsafe { (api().make_float)(value) })
    }
    /// A Boolean.
    pub fn boolean(value: bool) -> Value {
        // SAFETY: as above.
        Value::made(unsafe { (api().make_boolean)(value.into()) })
    }
    /// A Text.
    pub fn text(text: &str) -> Value {
        // SAFETY: as above.
        Value::made(unsafe { (api().make_text)(start(text.as_bytes()), text.len()) })
    }
    /// A String.
    pub fn string(bytes: impl AsRef<[u8]>) -> Value {
        let bytes = bytes.as_ref();
        // SAFETY: as above.
        Value::made(unsafe { (api().make_string)(bytes.as_ptr(), bytes.len()) })
    }
    /// An Atom.
    pub fn atom(name: &str) -> Value {
        // SAFETY: as above.
        Value::made(unsafe { (api().make_atom)(start(name.as_bytes()), name.len()) })
    }
    /// A bit string of that many bits, least significant byte first. `None` if it is too wide.
    pub fn bits(width: u64, bytes: &[u8]) -> Option<Value> {
        // SAFETY: as above.
        unsafe { Value::given((api().make_bits)(width, bytes.as_ptr(), bytes.len())) }
    }
    /// A function, by its name. `None` if no machine is there to call it.
    pub fn function(name: &str) -> Option<Value> {
        // SAFETY: as above.
        unsafe { Value::given((api().make_function)(start(name.as_bytes()), name.len())) }
    }
    /// A process.
    pub fn process(pid: Pid) -> Value {
        // SAFETY: as above.
        Value::made(unsafe { (api().make_process)(pid.0) })
    }
    /// An exception, to be handed on as a value.
    pub fn exception(tag: &str, value: Option<Value>) -> Value {
        let value = value.map_or(null_mut(), Value::into_raw);
        // SAFETY: the value is given.
        Value::made(unsafe { (api().make_exception)(start(tag.as_bytes()), tag.len(), value) })
    }
    /// A port that closes the descriptor.
    pub fn port(descriptor: OwnedFd) -> Value {
        // SAFETY: the descriptor is given.
        Value::made(unsafe { (api().make_port)(descriptor.into_raw_fd(), 1) })
    }
    /// An object.
    pub fn object<T: Object>(object: T) -> Value {
        let data: *mut c_void = Box::into_raw(Box::new(object)).cast();
        // SAFETY: the behaviour is that of `T`, and lives for ever.
        Value::made(unsafe { (api().make_object)(behaviour_of::<T>(), data) })
    }
    /// A Vector.
    pub fn vector(elements: impl IntoIterator<Item = Value>) -> Value {
        // SAFETY: as above.
        let mut vector = Value::made(unsafe { (api().make_vector)() });
        elements.into_iter().for_each(|element| vector.push(element));
        vector
    }
    /// A Struct.
    pub fn record<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
        // SAFETY: as above.
        let mut record = Value::made(unsafe { (api().make_struct)() });
        fields.into_iter().for_each(|(key, value)| record.insert(key, value));
        record
    }
    /// Appends to a Vector. Of anything else nothing is changed.
    pub fn push(&mut self, element: Value) {
        let element = element.into_raw();
        // SAFETY: the element is given, and taken back if it is refused.
        unsafe {
            if (api().vector_push)(self.handle.as_ptr(), element) != status::VIUA_OK {
                drop(Value::given(element));
            }
        }
    }
    /// Sets a field of a Struct. Of anything else nothing is changed.
    pub fn insert(&mut self, key: &str, value: Value) {
        let value = value.into_raw();
        // SAFETY: the value is given, and taken back if it is refused.
        unsafe {
            if (api().struct_insert)(self.handle.as_ptr(), start(key.as_bytes()), key.len(), value) != status::VIUA_OK {
                drop(Value::given(value));
            }
        }
    }
    /// Takes an element out of a Vector.
    pub fn take_at(&mut self, index: usize) -> Option<Value> {
        let mut taken = null_mut();
        // SAFETY: a place for the result.
        unsafe {
            (api().vector_take)(self.handle.as_ptr(), index, &raw mut taken);
            Value::given(taken)
        }
    }
    /// Takes a field out of a Struct.
    pub fn take_field(&mut self, key: &str) -> Option<Value> {
        let mut taken = null_mut();
        // SAFETY: a place for the result.
        unsafe {
            (api().struct_take)(self.handle.as_ptr(), start(key.as_bytes()), key.len(), &raw mut taken);
            Value::given(taken)
        }
    }
}

/// A value that is lent.
#[derive(Clone, Copy, Debug)]
pub struct Ref<'a> {
    handle: NonNull<viua_value>,
    owner: PhantomData<&'a Value>,
}

impl<'a> Ref<'a> {
    /// A handle that is lent as long as `'a`.
    pub(crate) unsafe fn lent(handle: *mut viua_value) -> Option<Ref<'a>> {
        NonNull::new(handle).map(|handle| Ref { handle, owner: PhantomData })
    }
    pub(crate) fn as_ptr(self) -> *mut viua_value {
        self.handle.as_ptr()
    }
    /// Reads something, unless the value is of another kind.
    fn read<T>(self, mut place: T, read: impl FnOnce(*const viua_value, *mut T) -> i32) -> Result<T, i32> {
        match read(self.handle.as_ptr(), &raw mut place) {
            status::VIUA_OK => Ok(place),
            status => Err(status),
        }
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        // SAFETY: the handle is valid; so it is below.
        unsafe { (api().kind)(self.as_ptr()) }.into()
    }
    /// The name of its type.
    pub fn type_name(self) -> String {
        let mut length = 0;
        // SAFETY: as above; the name is copied at once.
        unsafe {
            let name: *const u8 = (api().type_name)(self.as_ptr(), &raw mut length).cast();
            String::from_utf8_lossy(std::slice::from_raw_parts(name, length)).into_owned()
        }
    }
    /// An Integer.
    pub fn integer(self) -> Result<i64, i32> {
        // SAFETY: as above, and a place for the result; so it is below.
        self.read(0, |value, place| unsafe { (api().get_integer)(value, place) })
    }
    /// A Float.
    pub fn float(self) -> Result<f64, i32> {
        // SAFETY: as above.
        self.read(0.0, |value, place| unsafe { (api().get_float)(value, place) })
    }
    /// A Boolean.
    pub fn boolean(self) -> Result<bool, i32> {
        // SAFETY: as above.
        self.read(0, |value, place| unsafe { (api().get_boolean)(value, place) }).map(|value| value != 0)
    }
    /// The bytes of a text, string or atom, or of the name of a function or closure.
    pub fn bytes(self) -> Result<&'a [u8], i32> {
        let mut length = 0;
        // SAFETY: as above; the bytes are lent as long as the value.
        unsafe {
            let bytes = self.read(null(), |value, place| (api().get_bytes)(value, place, &raw mut length))?;
            Ok(if length == 0 { &[] } else { std::slice::from_raw_parts(bytes, length) })
        }
    }
    /// Width and bytes of a bit string, least significant byte first.
    pub fn bits(self) -> Result<(u64, Vec<u8>), i32> {
        let mut width = 0;
        // SAFETY: as above; the buffer has the capacity it is said to have.
        unsafe {
            match (api().get_bits)(self.as_ptr(), &raw mut width, null_mut(), 0) {
                status::VIUA_OK => Ok((width, Vec::new())),
                status::VIUA_ERANGE => {
                    let mut bytes = vec![0; width.div_ceil(8) as usize];
                    match (api().get_bits)(self.as_ptr(), &raw mut width, bytes.as_mut_ptr(), bytes.len()) {
                        status::VIUA_OK => Ok((width, bytes)),
                        status => Err(status),
                    }
                }
                status => Err(status),
            }
        }
    }
    /// A process.
    pub fn pid(self) -> Result<Pid, i32> {
        // SAFETY: as above.
        self.read(viua_pid::default(), |value, place| unsafe { (api().get_pid)(value, place) }).map(Pid)
    }
    /// The descriptor of a port, or a non-negative Integer.
    pub fn descriptor(self) -> Result<i32, i32> {
        // SAFETY: as above.
        self.read(-1, |value, place| unsafe { (api().get_descriptor)(value, place) })
    }
    /// Tag and value of an exception.
    pub fn exception(self) -> Result<(String, Option<Ref<'a>>), i32> {
        let (mut length, mut value) = (0, null());
        // SAFETY: as above; the tag is copied at once, the value is lent.
        unsafe {
            let tag: *const c_char = self.read(null(), |exception, place| {
                (api().get_exception)(exception, place, &raw mut length, &raw mut value)
            })?;
            let tag = String::from_utf8_lossy(std::slice::from_raw_parts(tag.cast(), length)).into_owned();
            Ok((tag, Ref::lent(value.cast_mut())))
        }
    }
    /// What it is as a condition.
    pub fn is_true(self) -> bool {
        // SAFETY: as above.
        unsafe { (api().truth)(self.as_ptr()) != 0 }
    }
    /// What `echo` would write.
    pub fn printed(self) -> Vec<u8> {
        // SAFETY: as above.
        let printed = Value::made(unsafe { (api().print)(self.as_ptr()) });
        printed.view().bytes().unwrap_or_default().to_vec()
    }
    /// Another value like it.
    pub fn copied(self) -> Result<Value, i32> {
        // SAFETY: as above.
        self.read(null_mut(), |value, place| unsafe { (api().copy)(value, place) }).map(Value::made)
    }
    /// The number of elements of a Vector.
    pub fn length(self) -> Result<usize, i32> {
        // SAFETY: as above.
        self.read(0, |value, place| unsafe { (api().vector_length)(value, place) })
    }
    /// An element of a Vector.
    pub fn at(self, index: usize) -> Result<Ref<'a>, i32> {
        // SAFETY: as above; the element is lent as long as the vector.
        unsafe {
            let element = self.read(null_mut(), |value, place| (api().vector_at)(value, index, place))?;
            Ref::lent(element).ok_or(status::VIUA_EEMPTY)
        }
    }
    /// The elements of a Vector.
    pub fn elements(self) -> Result<impl Iterator<Item = Ref<'a>>, i32> {
        Ok((0..self.length()?).map_while(move |index| self.at(index).ok()))
    }
    /// The keys of a Struct, in order.
    pub fn keys(self) -> Result<Vec<String>, i32> {
        // SAFETY: as above; keys are copied at once.
        unsafe {
            let count = self.read(0, |value, place| (api().struct_length)(value, place))?;
            let key = |index| {
                let mut length = 0;
                let key = self.read(null(), |value, place| (api().struct_key)(value, index, place, &raw mut length))?;
                Ok(String::from_utf8_lossy(std::slice::from_raw_parts(key.cast(), length)).into_owned())
            };
            (0..count).map(key).collect()
        }
    }
    /// A field of a Struct.
    pub fn field(self, key: &str) -> Result<Ref<'a>, i32> {
        // SAFETY: as above; the field is lent as long as the struct.
        unsafe {
            let (bytes, length) = (start(key.as_bytes()), key.len());
            let field = self.read(null_mut(), |value, place| (api().struct_at)(value, bytes, length, place))?;
            Ref::lent(field).ok_or(status::VIUA_EEMPTY)
        }
    }
    /// An object of this module.
    pub fn object<T: Object>(self) -> Result<&'a mut T, i32> {
        // SAFETY: the data of an object of this type is a `T`; nothing else uses it during the call.
        unsafe {
            let get = |value, place| (api().get_object)(value, behaviour_of::<T>(), place);
            let data = self.read(null_mut(), get)?;
            Ok(&mut *data.cast::<T>())
        }
    }
}
