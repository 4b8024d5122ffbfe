//! Values in the hands of native code: [`Value`] is owned, [`View`] is lent.
//!
//! An owned value is detached from its process: nothing in it has an identity, pointers inside containers are dead.
//! Only a pointer that was itself taken (or copied) stays alive, together with the number of its process: given back
//! to that process it is the same pointer again, anywhere else it is dead.

use super::object::Object;
use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::cross;
use crate::heap::{Heap, VariableSlot};
use crate::io::Port;
use crate::print;
use crate::raise::{Raise, discard, exception, thrown};
use crate::value::{Closure, Content, Struct, Text, Vector, copy, get, into_box, release, resolve, truth, type_name};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

/// A pointer outside of its process.
struct Held {
    pointer: Cell,
    pid: u64,
}

/// Kind of a cell that holds a [`Held`]; never seen by a process.
const HELD: u8 = 63;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u32)]
pub enum Kind {
    Empty = 0,
    Integer = 1,
    Float = 2,
    Boolean = 3,
    Text = 4,
    String = 5,
    Atom = 6,
    Bits = 7,
    Vector = 8,
    Struct = 9,
    Function = 10,
    Closure = 11,
    Process = 12,
    Pointer = 13,
    Exception = 14,
    Port = 15,
    Request = 16,
    Foreign = 17,
}

impl Kind {
    /// The kind with that number in the C ABI.
    pub(crate) fn of_number(number: u32) -> Kind {
        use Kind::*;
        let all = [
            Empty, Integer, Float, Boolean, Text, String, Atom, Bits, Vector, Struct, Function, Closure, Process,
            Pointer, Exception, Port, Request, Foreign,
        ];
        all.into_iter().find(|kind| *kind as u32 == number).unwrap_or(Empty)
    }

    /// The name of the type in messages.
    pub fn type_name(self) -> &'static str {
        match self {
            Kind::Empty => "value",
            Kind::Integer => "Integer",
            Kind::Float => "Float",
            Kind::Boolean => "Boolean",
            Kind::Text => "Text",
            Kind::String => "String",
            Kind::Atom => "Atom",
            Kind::Bits => "Bits",
            Kind::Vector => "Vector",
            Kind::Struct => "Struct",
            Kind::Function => "Function",
            Kind::Closure => "Closure",
            Kind::Process => "Process",
            Kind::Pointer => "Pointer",
            Kind::Exception => "Exception",
            Kind::Port => "IO_fd",
            Kind::Request => "IO_request",
            Kind::Foreign => "object",
        }
    }
}

/// A value that native code owns.
#[repr(transparent)]
pub struct Value {
    cell: Cell,
}

// SAFETY: the value has been detached: it owns all it refers to, and closures in it share nothing.
unsafe impl Send for Value {}

impl Drop for Value {
    fn drop(&mut self) {
        destroy(std::mem::replace(&mut self.cell, Cell::EMPTY));
    }
}

fn destroy(cell: Cell) {
    if cell.kind() == HELD {
        // SAFETY: the kind tells the type, and the cell is given away.
        drop(unsafe { into_box::<Held>(cell) });
    } else {
        release(&mut Heap::default(), cell);
    }
}

impl Value {
    /// Takes over a cell that refers to nothing of any process.
    pub(crate) fn plain(cell: Cell) -> Value {
        Value { cell }
    }

    /// Takes over the content of a register or element of process `pid`, which must not be empty.
    pub(crate) fn detach(heap: &mut Heap, pid: u64, mut cell: Cell) -> Result<Value, (Raise, Cell)> {
        if cell.kind() == kind::SHARED {
            // SAFETY: a handle of this process that was taken out of its register.
            unsafe {
                let variable: *mut VariableSlot = cell.address();
                let value = if (*variable).handles > 1 { copy(heap, (*variable).cell).map(Some) } else { Ok(None) };
                match value {
                    Ok(copied) => {
                        let last = heap.drop_handle(variable);
                        cell = copied.or(last).unwrap_or(Cell::EMPTY);
                    }
                    Err(raise) => return Err((raise, cell)),
                }
            }
        }
        let value = unboxed(cell);
        if matches!(value.kind(), kind::POINTER | kind::ELEMENT) {
            if cell.kind() == kind::BOXED {
                // SAFETY: the box is owned by the cell, which is given away. Pointers own nothing.
                unsafe { heap.take_box(cell.address()) };
            }
            return Ok(Value { cell: Cell::boxed(HELD, Box::new(Held { pointer: value, pid })) });
        }
        match cross::leave(heap, pid, &mut cell) {
            Ok(()) => Ok(Value { cell }),
            Err(raise) => Err((raise, cell)),
        }
    }

    /// The cell for a register of process `pid`.
    pub(crate) fn attach(mut self, pid: u64) -> Cell {
        let cell = std::mem::replace(&mut self.cell, Cell::EMPTY);
        if cell.kind() != HELD {
            return cell;
        }
        // SAFETY: the kind tells the type, and the cell is given away.
        let held: Box<Held> = unsafe { into_box(cell) };
        if held.pid == pid { held.pointer } else { Cell::new(kind::SEVERED, held.pid) }
    }

    /// The cell for a place outside of all registers: a container, a message. A pointer is dead there.
    pub(crate) fn embed(self) -> Cell {
        // No process has this number.
        self.attach(u64::MAX)
    }

    /// Looks at the value.
    pub fn view(&self) -> View<'_> {
        View { place: std::ptr::from_ref(&self.cell).cast_mut(), owner: PhantomData }
    }

    /// An Integer.
    pub fn integer(value: i64) -> Value {
        Value::plain(Cell::integer(value))
    }
    /// A Float.
    pub fn float(value: f64) -> Value {
        Value::plain(Cell::float(value))
    }
    /// A Boolean.
    pub fn boolean(value: bool) -> Value {
        Value::plain(Cell::boolean(value))
    }
    /// A Text.
    pub fn text(text: &str) -> Value {
        let text = Text::from_utf8(text.as_bytes()).unwrap_or(Text::Ascii([].into()));
        Value::plain(Cell::boxed(kind::TEXT, Box::new(text)))
    }
    /// A String.
    pub fn string(bytes: impl Into<Vec<u8>>) -> Value {
        Value::plain(Cell::boxed(kind::STRING, Box::new(bytes.into())))
    }
    /// An Atom.
    pub fn atom(name: &str) -> Value {
        Value::plain(Cell::new(kind::ATOM, Atom::intern(name.as_bytes()).address()))
    }
    /// A Process: the pid.
    pub fn process(pid: u64) -> Value {
        Value::plain(Cell::new(kind::PID, pid))
    }
    /// A Vector of these.
    pub fn vector(elements: impl IntoIterator<Item = Value>) -> Value {
        let elements = elements.into_iter().map(Value::embed).collect();
        Value::plain(Cell::boxed(kind::VECTOR, Box::new(Vector::of(elements))))
    }
    /// A Struct with these fields. Of fields with the same key the last one stays.
    pub fn record<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
        let mut map = BTreeMap::new();
        for (key, value) in fields {
            if let Some(old) = map.insert(Atom::intern(key.as_bytes()), value.embed()) {
                destroy(old);
            }
        }
        Value::plain(Cell::boxed(kind::STRUCT, Box::new(Struct { fields: map })))
    }
    /// A port that owns a descriptor.
    pub fn port(descriptor: OwnedFd) -> Value {
        Value::plain(Cell::boxed(kind::PORT, Box::new(Port::owned(descriptor))))
    }
    /// An object.
    pub fn object(object: impl Object) -> Value {
        let object: Box<dyn Object> = Box::new(object);
        Value::plain(Cell::boxed(kind::FOREIGN, Box::new(object)))
    }
}

fn unboxed(mut cell: Cell) -> Cell {
    // SAFETY: a cell of the running process.
    unsafe { *resolve(&raw mut cell) }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let view = self.view();
        let (name, form) = (String::from_utf8_lossy(view.type_name()), view.printed());
        write!(f, "{name}({})", String::from_utf8_lossy(&form))
    }
}

/// A value that is lent: an argument, or part of another value.
#[derive(Clone, Copy)]
pub struct View<'a> {
    place: *mut Cell,
    owner: PhantomData<&'a Cell>,
}

impl<'a> View<'a> {
    /// # Safety
    /// The place must hold a value as long as `'a`, and nothing may change it meanwhile.
    pub(crate) unsafe fn of(place: *mut Cell) -> View<'a> {
        View { place, owner: PhantomData }
    }

    /// The value itself, looked through what gives it an identity.
    pub(crate) fn cell(self) -> Cell {
        // SAFETY: as promised to `of`.
        let cell = unsafe { *resolve(self.place) };
        // SAFETY: the kind tells the type.
        if cell.kind() == HELD { unsafe { get::<Held>(cell) }.pointer } else { cell }
    }

    /// The process that a pointer belongs to, if that is known from the value.
    pub(crate) fn held_by(self) -> Option<u64> {
        // SAFETY: as promised to `of`; the kind tells the type.
        unsafe { ((*self.place).kind() == HELD).then(|| get::<Held>(*self.place).pid) }
    }

    /// The same pointer once more, if the value is one outside of its process.
    pub(crate) fn held_copy(self) -> Option<Value> {
        let pid = self.held_by()?;
        Some(Value { cell: Cell::boxed(HELD, Box::new(Held { pointer: self.cell(), pid })) })
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        match self.cell().kind() {
            kind::INTEGER => Kind::Integer,
            kind::FLOAT => Kind::Float,
            kind::BOOLEAN => Kind::Boolean,
            kind::TEXT => Kind::Text,
            kind::STRING => Kind::String,
            kind::ATOM => Kind::Atom,
            kind::BITS | kind::LONG_BITS => Kind::Bits,
            kind::VECTOR => Kind::Vector,
            kind::STRUCT => Kind::Struct,
            kind::FUNCTION => Kind::Function,
            kind::CLOSURE => Kind::Closure,
            kind::PID => Kind::Process,
            kind::POINTER | kind::ELEMENT | kind::SEVERED => Kind::Pointer,
            kind::EXCEPTION => Kind::Exception,
            kind::PORT => Kind::Port,
            kind::REQUEST => Kind::Request,
            kind::FOREIGN => Kind::Foreign,
            _ => Kind::Empty,
        }
    }
    /// The name of its type.
    pub fn type_name(self) -> &'static [u8] {
        type_name(self.cell())
    }
    /// What it is as a condition.
    pub fn is_true(self) -> bool {
        truth(self.cell())
    }
    /// Its outer printed form.
    pub fn printed(self) -> Vec<u8> {
        let mut out = Vec::new();
        print::outer(self.cell(), &mut out);
        out
    }
    /// An Integer.
    pub fn as_integer(self) -> Option<i64> {
        let cell = self.cell();
        (cell.kind() == kind::INTEGER).then(|| cell.as_integer())
    }
    /// A Float.
    pub fn as_float(self) -> Option<f64> {
        let cell = self.cell();
        (cell.kind() == kind::FLOAT).then(|| cell.as_float())
    }
    /// A Boolean.
    pub fn as_boolean(self) -> Option<bool> {
        let cell = self.cell();
        (cell.kind() == kind::BOOLEAN).then_some(cell.payload != 0)
    }
    /// The bytes of a Text, String or Atom, or of the name of a function or closure.
    pub fn as_bytes(self) -> Option<Cow<'a, [u8]>> {
        let cell = self.cell();
        // SAFETY: the kind tells the type; the value is lent for 'a.
        unsafe {
            match cell.kind() {
                kind::STRING => Some(Cow::Borrowed(get::<Vec<u8>>(cell).as_slice())),
                kind::TEXT => Some(match get::<Text>(cell) {
                    Text::Ascii(bytes) => Cow::Borrowed(&**bytes),
                    text @ Text::Wide(_) => {
                        let mut bytes = Vec::new();
                        text.write(&mut bytes);
                        Cow::Owned(bytes)
                    }
                }),
                kind::ATOM => Some(Cow::Borrowed(Atom::from_address(cell.payload).bytes())),
                kind::FUNCTION => Some(Cow::Borrowed((*cell.address::<crate::code::NameSlot>()).name().as_bytes())),
                kind::CLOSURE => Some(Cow::Borrowed(get::<Closure>(cell).name.name().as_bytes())),
                _ => None,
            }
        }
    }
    /// The elements of a Vector.
    pub fn elements(self) -> Option<impl ExactSizeIterator<Item = View<'a>>> {
        let cell = self.cell();
        // SAFETY: the kind tells the type; the elements are lent for 'a.
        unsafe {
            (cell.kind() == kind::VECTOR).then(|| {
                get::<Vector>(cell).elements.iter().map(|element| View::of(std::ptr::from_ref(element).cast_mut()))
            })
        }
    }
    /// A port.
    pub(crate) fn as_port(self) -> Option<&'a Port> {
        let cell = self.cell();
        // SAFETY: the kind tells the type.
        (cell.kind() == kind::PORT).then(|| unsafe { &*get::<Port>(cell) })
    }
}

/// An exception that a foreign function raises.
pub struct Exception(Option<Raise>);

// SAFETY: what it carries has been detached.
unsafe impl Send for Exception {}

impl Drop for Exception {
    fn drop(&mut self) {
        if let Some(raise) = self.0.take() {
            discard(&mut Heap::default(), raise);
        }
    }
}

impl std::fmt::Display for Exception {
    /// `Tag = text`, as in the report of an uncaught exception.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let printed = self.printed();
        if printed.is_empty() {
            return f.write_str(&self.tag());
        }
        write!(f, "{} = {}", self.tag(), String::from_utf8_lossy(&printed))
    }
}

impl std::fmt::Debug for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exception({self})")
    }
}

impl std::error::Error for Exception {}

impl Exception {
    /// With the tag `Exception`.
    pub fn text(text: impl AsRef<[u8]>) -> Exception {
        Exception::tagged("Exception", text)
    }
    /// With a tag and a text.
    pub fn tagged(tag: &str, text: impl AsRef<[u8]>) -> Exception {
        Exception::of(exception(tag, Content::Description(text.as_ref().into())))
    }
    /// With a tag only.
    pub fn bare(tag: &str) -> Exception {
        Exception::of(exception(tag, Content::Nothing))
    }
    /// What `throw` of this value throws.
    pub fn value(value: Value) -> Exception {
        Exception::of(thrown(value.embed()))
    }
    /// `fetched invalid type: expected '…' but got '…'`.
    pub fn wrong_type(wanted: &str, got: View) -> Exception {
        let text = [b"fetched invalid type: expected '", wanted.as_bytes(), b"' but got '", got.type_name(), b"'"];
        Exception::text(text.concat())
    }
    pub(crate) fn of(raise: Raise) -> Exception {
        Exception(Some(raise))
    }
    /// Its tag.
    pub fn tag(&self) -> Cow<'static, str> {
        self.0.as_ref().map_or(Cow::Borrowed(""), |raise| String::from_utf8_lossy(raise.tag.bytes()))
    }
    /// What `print` would write of it: its text, or its value.
    pub fn printed(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(raise) = &self.0 {
            print::outer(Cell::new(kind::EXCEPTION, std::ptr::from_ref(&**raise) as u64), &mut out);
        }
        out
    }
    pub(crate) fn into_raise(mut self) -> Raise {
        self.0.take().unwrap_or_else(|| exception("Exception", Content::Nothing))
    }
}
