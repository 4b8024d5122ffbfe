//! The table of functions that native modules get (runtime.md §8.3).
//!
//! A handle is the address of a cell: of an argument or an element when it is lent, of a cell in a box of its own when
//! it is given. Readers treat both alike; who owns a handle is the module's business.

use super::entry;
use super::object::{CObject, copied_type};
use super::value::{Value, View};
use super::{Kind, entry::bytes};
use crate::atom::Atom;
use crate::bits::Bits;
use crate::cell::{Cell, kind};
use crate::element::prepare_change;
use crate::io::Port;
use crate::machine::Machine;
use crate::raise::exception;
use crate::value::{
    Content, LongBits, Struct, Text, Vector, bits_cell, bits_view, contains, copy, get, release, resolve,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};
use viua_ffi::sys::status::*;
use viua_ffi::sys::{VIUA_ABI, viua_api, viua_object_type, viua_pid, viua_value};

/// What modules get.
pub static TABLE: viua_api = viua_api {
    abi: VIUA_ABI,
    size: size_of::<viua_api>() as u32,
    name: entry::name,
    argument_count: entry::argument_count,
    argument: entry::argument,
    take_argument: entry::take_argument,
    give_result: entry::give_result,
    raise: entry::raise,
    raise_value: entry::raise_value,
    raise_status: entry::raise_status,
    self_: entry::this,
    dereference: entry::dereference,
    kind: kind_of,
    type_name,
    get_integer,
    get_float,
    get_boolean,
    get_bytes,
    get_bits,
    get_pid,
    get_descriptor,
    get_exception,
    get_object,
    truth,
    print,
    make_integer,
    make_float,
    make_boolean,
    make_text,
    make_string,
    make_atom,
    make_bits,
    make_vector,
    make_struct,
    make_function,
    make_process,
    make_exception,
    make_port,
    make_object,
    vector_length,
    vector_at,
    vector_push,
    vector_take,
    struct_length,
    struct_key,
    struct_at,
    struct_insert,
    struct_take,
    copy: copied,
    drop: destroy,
    send,
};

/// The two kinds of handles.
pub struct Handle;

impl Handle {
    /// A value that the module owns from now on.
    pub fn give(value: Value) -> *mut viua_value {
        Box::into_raw(Box::new(value)).cast()
    }
    /// A value that the module gives up; none for NULL.
    ///
    /// # Safety
    /// The handle must be NULL or given.
    pub unsafe fn take(given: *mut viua_value) -> Option<Value> {
        // SAFETY: made by `give`; `Value` is a cell and nothing else.
        (!given.is_null()).then(|| unsafe { *Box::from_raw(given.cast::<Value>()) })
    }
    /// Looks at a value; none for NULL.
    ///
    /// # Safety
    /// The handle must be NULL or valid.
    pub unsafe fn view<'a>(handle: *const viua_value) -> Option<View<'a>> {
        // SAFETY: handles are addresses of cells.
        (!handle.is_null()).then(|| unsafe { View::of(handle.cast::<Cell>().cast_mut()) })
    }
}

/// What a pid looks like outside: number of the process and of its machine.
pub fn pid_of(number: u64, machine: u64) -> viua_pid {
    viua_pid { word: [number, machine, 0, 0] }
}

/// The value itself, if it is of that kind.
unsafe fn of_kind(value: *const viua_value, wanted: Kind) -> Result<Cell, i32> {
    // SAFETY: a valid handle or NULL.
    let view = unsafe { Handle::view(value) }.ok_or(VIUA_EEMPTY)?;
    match view.kind() {
        kind if kind == wanted => Ok(view.cell()),
        Kind::Empty => Err(VIUA_EEMPTY),
        _ => Err(VIUA_ETYPE),
    }
}

/// Writes a result, and turns a failure into a status.
unsafe fn answer<T>(place: *mut T, result: Result<T, i32>) -> i32 {
    match result {
        Ok(value) => {
            // SAFETY: the module gives a place to write to.
            unsafe { place.write(value) };
            VIUA_OK
        }
        Err(status) => status,
    }
}

unsafe extern "C" fn kind_of(value: *const viua_value) -> u32 {
    // SAFETY: a valid handle or NULL.
    unsafe { Handle::view(value) }.map_or(Kind::Empty, View::kind) as u32
}

unsafe extern "C" fn type_name(value: *const viua_value, length: *mut usize) -> *const c_char {
    // SAFETY: a valid handle or NULL; a place for the length.
    unsafe {
        let name = Handle::view(value).map_or(&b""[..], View::type_name);
        if !length.is_null() {
            *length = name.len();
        }
        name.as_ptr().cast()
    }
}

unsafe extern "C" fn get_integer(value: *const viua_value, out: *mut i64) -> i32 {
    // SAFETY: a valid handle or NULL.
    unsafe { answer(out, of_kind(value, Kind::Integer).map(Cell::as_integer)) }
}

unsafe extern "C" fn get_float(value: *const viua_value, out: *mut f64) -> i32 {
    // SAFETY: as above.
    unsafe { answer(out, of_kind(value, Kind::Float).map(Cell::as_float)) }
}

unsafe extern "C" fn get_boolean(value: *const viua_value, out: *mut i32) -> i32 {
    // SAFETY: as above.
    unsafe { answer(out, of_kind(value, Kind::Boolean).map(|cell| i32::from(cell.payload != 0))) }
}

/// Bytes that are lent outside of calls, by the address of the text they are the form of.
static LENT: Mutex<Option<FxHashMap<u64, Box<[u8]>>>> = Mutex::new(None);

unsafe extern "C" fn get_bytes(value: *const viua_value, lent: *mut *const u8, length: *mut usize) -> i32 {
    // SAFETY: a valid handle or NULL; places for the results.
    unsafe {
        let Some(view) = Handle::view(value) else { return VIUA_EEMPTY };
        let Some(form) = view.as_bytes() else { return VIUA_ETYPE };
        *length = form.len();
        *lent = match form {
            std::borrow::Cow::Borrowed(bytes) => bytes.as_ptr(),
            // A text that is not stored as UTF-8.
            std::borrow::Cow::Owned(bytes) => entry::lend(bytes.into()).unwrap_or_else(|bytes| {
                let mut table = LENT.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = table.get_or_insert_default().entry(view.cell().payload).insert_entry(bytes);
                kept.get().as_ptr()
            }),
        };
        VIUA_OK
    }
}

unsafe extern "C" fn get_bits(value: *const viua_value, width: *mut u64, buffer: *mut u8, capacity: usize) -> i32 {
    // SAFETY: a valid handle or NULL; a place for the width, and a buffer of that capacity.
    unsafe {
        let cell = match of_kind(value, Kind::Bits) {
            Ok(cell) => cell,
            Err(status) => return status,
        };
        let bits = bits_view(&raw const cell);
        *width = bits.width.into();
        let count = bits.width.div_ceil(8) as usize;
        if count > capacity {
            return VIUA_ERANGE;
        }
        for (index, byte) in bits.words.iter().flat_map(|word| word.to_le_bytes()).take(count).enumerate() {
            buffer.add(index).write(byte);
        }
        VIUA_OK
    }
}

unsafe extern "C" fn get_pid(value: *const viua_value, out: *mut viua_pid) -> i32 {
    // SAFETY: a valid handle or NULL; a place for the result.
    unsafe {
        let pid = of_kind(value, Kind::Process).and_then(|cell| {
            let machine = entry::current_machine().or_else(Machine::only).ok_or(VIUA_EORIGIN)?;
            Ok(pid_of(cell.payload, machine))
        });
        answer(out, pid)
    }
}

/// A closed port has descriptor -1, which no system call accepts.
unsafe extern "C" fn get_descriptor(value: *const viua_value, out: *mut i32) -> i32 {
    // SAFETY: a valid handle or NULL; a place for the result.
    unsafe {
        let Some(view) = Handle::view(value) else { return VIUA_EEMPTY };
        let descriptor = match (view.as_port(), view.as_integer()) {
            (Some(port), _) => Ok(if port.borrow().is_some() { port.number() } else { -1 }),
            (None, Some(number)) => i32::try_from(number).ok().filter(|number| *number >= 0).ok_or(VIUA_ERANGE),
            (None, None) => Err(VIUA_ETYPE),
        };
        answer(out, descriptor)
    }
}

unsafe extern "C" fn get_exception(
    value: *const viua_value,
    tag: *mut *const c_char,
    tag_length: *mut usize,
    lent: *mut *const viua_value,
) -> i32 {
    // SAFETY: a valid handle or NULL; places for the results, which may be NULL.
    unsafe {
        let cell = match of_kind(value, Kind::Exception) {
            Ok(cell) => cell,
            Err(status) => return status,
        };
        let exception: &mut crate::value::Exception = get(cell);
        if !tag.is_null() {
            *tag = exception.tag.bytes().as_ptr().cast();
        }
        if !tag_length.is_null() {
            *tag_length = exception.tag.bytes().len();
        }
        if !lent.is_null() {
            *lent = match &exception.content {
                Content::Value(value) => std::ptr::from_ref(value).cast(),
                Content::Nothing | Content::Description(_) | Content::OuterOnly(_) => std::ptr::null(),
            };
        }
        VIUA_OK
    }
}

unsafe extern "C" fn get_object(
    value: *const viua_value,
    object_type: *const viua_object_type,
    data: *mut *mut c_void,
) -> i32 {
    // SAFETY: a valid handle or NULL; a place for the result.
    unsafe {
        let found = of_kind(value, Kind::Foreign).and_then(|cell| {
            let object: &mut dyn std::any::Any = &mut **get::<Box<dyn super::Object>>(cell);
            let object: &CObject = object.downcast_ref().ok_or(VIUA_ETYPE)?;
            object.data_of(object_type).ok_or(VIUA_ETYPE)
        });
        answer(data, found)
    }
}

unsafe extern "C" fn truth(value: *const viua_value) -> i32 {
    // SAFETY: a valid handle or NULL. A pointer is dead outside of its process.
    unsafe {
        Handle::view(value).is_some_and(|view| match view.held_by() {
            Some(pid) => entry::with_heap(|_, current| current == Some(pid)) && view.is_true(),
            None => view.is_true(),
        }) as i32
    }
}

unsafe extern "C" fn print(value: *const viua_value) -> *mut viua_value {
    // SAFETY: a valid handle or NULL.
    Handle::give(Value::string(unsafe { Handle::view(value) }.map(View::printed).unwrap_or_default()))
}

extern "C" fn make_integer(value: i64) -> *mut viua_value {
    Handle::give(Value::integer(value))
}

extern "C" fn make_float(value: f64) -> *mut viua_value {
    Handle::give(Value::float(value))
}

extern "C" fn make_boolean(value: i32) -> *mut viua_value {
    Handle::give(Value::boolean(value != 0))
}

unsafe extern "C" fn make_text(text: *const c_char, length: usize) -> *mut viua_value {
    // SAFETY: a text with its length.
    match Text::from_utf8(unsafe { bytes(text, length) }) {
        Some(text) => Handle::give(Value::plain(Cell::boxed(kind::TEXT, Box::new(text)))),
        None => null_mut(),
    }
}

unsafe extern "C" fn make_string(text: *const u8, length: usize) -> *mut viua_value {
    // SAFETY: bytes with their length.
    Handle::give(Value::string(unsafe { bytes(text.cast(), length) }))
}

unsafe extern "C" fn make_atom(text: *const c_char, length: usize) -> *mut viua_value {
    // SAFETY: a text with its length.
    match str::from_utf8(unsafe { bytes(text, length) }) {
        Ok(name) => Handle::give(Value::atom(name)),
        Err(_) => null_mut(),
    }
}

/// Bits beyond the given bytes are zero; bytes beyond the width are ignored.
unsafe extern "C" fn make_bits(width: u64, source: *const u8, length: usize) -> *mut viua_value {
    // SAFETY: bytes with their length.
    let source = unsafe { bytes(source.cast(), length) };
    let Ok(width) = u32::try_from(width) else { return null_mut() };
    let count = (width as usize).div_ceil(8);
    let mut words: Vec<u64> = Vec::new();
    if words.try_reserve_exact(count.div_ceil(8)).is_err() {
        return null_mut();
    }
    words.resize(count.div_ceil(8), 0);
    for (index, byte) in source.iter().take(count).enumerate() {
        words[index / 8] |= u64::from(*byte) << (index % 8 * 8);
    }
    if let (Some(last), used) = (words.last_mut(), width % 64)
        && used != 0
    {
        *last &= (1 << used) - 1;
    }
    Handle::give(Value::plain(bits_cell(if width <= 64 {
        Bits::Short { width, word: words.first().copied().unwrap_or(0) }
    } else {
        Bits::Long(LongBits { width, words: words.into() })
    })))
}

extern "C" fn make_vector() -> *mut viua_value {
    Handle::give(Value::vector([]))
}

extern "C" fn make_struct() -> *mut viua_value {
    Handle::give(Value::record([]))
}

unsafe extern "C" fn make_function(name: *const c_char, length: usize) -> *mut viua_value {
    // SAFETY: a text with its length.
    let name = str::from_utf8(unsafe { bytes(name, length) }).ok();
    let machine = entry::current_machine().or_else(Machine::only).and_then(Machine::find);
    match (name, machine) {
        (Some(name), Some(machine)) => {
            let slot = std::ptr::from_ref(machine.slot(name)) as u64;
            Handle::give(Value::plain(Cell::new(kind::FUNCTION, slot)))
        }
        _ => null_mut(),
    }
}

extern "C" fn make_process(pid: viua_pid) -> *mut viua_value {
    Handle::give(Value::plain(Cell::new(kind::PID, pid.word[0])))
}

unsafe extern "C" fn make_exception(tag: *const c_char, tag_length: usize, given: *mut viua_value) -> *mut viua_value {
    // SAFETY: a text with its length, and a value that is given, or NULL.
    unsafe {
        let content = match Handle::take(given) {
            Some(value) => Content::Value(value.embed()),
            None => Content::Nothing,
        };
        let exception = exception(&String::from_utf8_lossy(bytes(tag, tag_length)), content);
        Handle::give(Value::plain(Cell::boxed(kind::EXCEPTION, exception)))
    }
}

extern "C" fn make_port(descriptor: i32, owned: i32) -> *mut viua_value {
    let port = if owned != 0 { Port::owned_number(descriptor) } else { Port::borrowed(descriptor) };
    Handle::give(Value::plain(Cell::boxed(kind::PORT, Box::new(port))))
}

unsafe extern "C" fn make_object(object_type: *const viua_object_type, data: *mut c_void) -> *mut viua_value {
    // SAFETY: a description that stays valid.
    match unsafe { copied_type(object_type) } {
        Some((behaviour, name)) => Handle::give(Value::object(CObject::new(object_type, behaviour, name, data))),
        None => null_mut(),
    }
}

unsafe extern "C" fn vector_length(value: *const viua_value, length: *mut usize) -> i32 {
    // SAFETY: a valid handle or NULL; the kind tells the type.
    unsafe { answer(length, of_kind(value, Kind::Vector).map(|cell| get::<Vector>(cell).elements.len())) }
}

unsafe extern "C" fn vector_at(value: *const viua_value, index: usize, lent: *mut *mut viua_value) -> i32 {
    // SAFETY: as above.
    unsafe {
        let found = of_kind(value, Kind::Vector).and_then(|cell| {
            let element = get::<Vector>(cell).elements.get_mut(index).ok_or(VIUA_ERANGE)?;
            Ok(std::ptr::from_mut(element).cast())
        });
        answer(lent, found)
    }
}

/// Whether a value is, or contains, the container that it would be put into.
unsafe fn would_contain_itself(given: *mut viua_value, container: Cell) -> bool {
    // SAFETY: a valid handle.
    unsafe { Handle::view(given) }.is_some_and(|given| contains(given.cell(), container.payload))
}

unsafe extern "C" fn vector_push(value: *mut viua_value, given: *mut viua_value) -> i32 {
    // SAFETY: as above; the given value is taken only if nothing fails.
    unsafe {
        let cell = match of_kind(value, Kind::Vector) {
            Ok(cell) => cell,
            Err(status) => return status,
        };
        if would_contain_itself(given, cell) {
            return VIUA_ERANGE;
        }
        match Handle::take(given) {
            Some(given) => get::<Vector>(cell).elements.push(given.embed()),
            None => return VIUA_EEMPTY,
        }
        VIUA_OK
    }
}

/// An element that has been taken out of its container; put back by the caller if it cannot be detached.
unsafe fn detached(element: Cell) -> Result<Value, (i32, Cell)> {
    entry::with_heap(|heap, pid| {
        Value::detach(heap, pid.unwrap_or(u64::MAX), element).map_err(|(raise, element)| {
            crate::raise::discard(heap, raise);
            (VIUA_ECOPY, element)
        })
    })
}

unsafe extern "C" fn vector_take(value: *mut viua_value, index: usize, given: *mut *mut viua_value) -> i32 {
    // SAFETY: as above.
    unsafe {
        let taken = of_kind(value, Kind::Vector).and_then(|cell| {
            let vector: *mut Vector = cell.address();
            if index >= (*vector).elements.len() {
                return Err(VIUA_ERANGE);
            }
            entry::with_heap(|heap, _| prepare_change(heap, vector, index));
            let element = (*vector).elements.remove(index);
            detached(element).map(Handle::give).map_err(|(status, element)| {
                (*vector).elements.insert(index, element);
                status
            })
        });
        answer(given, taken)
    }
}

unsafe extern "C" fn struct_length(value: *const viua_value, length: *mut usize) -> i32 {
    // SAFETY: as above.
    unsafe { answer(length, of_kind(value, Kind::Struct).map(|cell| get::<Struct>(cell).fields.len())) }
}

unsafe extern "C" fn struct_key(
    value: *const viua_value,
    index: usize,
    lent: *mut *const c_char,
    length: *mut usize,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        let cell = match of_kind(value, Kind::Struct) {
            Ok(cell) => cell,
            Err(status) => return status,
        };
        let Some(key) = get::<Struct>(cell).fields.keys().nth(index) else { return VIUA_ERANGE };
        *lent = key.bytes().as_ptr().cast();
        *length = key.bytes().len();
        VIUA_OK
    }
}

/// The fields of a struct, and the key, if anything is called that.
unsafe fn fields_and_key<'f>(
    value: *const viua_value,
    key: *const c_char,
    length: usize,
) -> Result<(&'f mut BTreeMap<Atom, Cell>, Atom), i32> {
    // SAFETY: a valid handle or NULL, and a text with its length.
    unsafe {
        let cell = of_kind(value, Kind::Struct)?;
        let key = Atom::known(bytes(key, length)).ok_or(VIUA_EKEY)?;
        Ok((&mut get::<Struct>(cell).fields, key))
    }
}

unsafe extern "C" fn struct_at(
    value: *const viua_value,
    key: *const c_char,
    length: usize,
    lent: *mut *mut viua_value,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        let found = fields_and_key(value, key, length).and_then(|(fields, key)| {
            let field = fields.get_mut(&key).ok_or(VIUA_EKEY)?;
            Ok(std::ptr::from_mut(field).cast())
        });
        answer(lent, found)
    }
}

unsafe extern "C" fn struct_insert(
    value: *mut viua_value,
    key: *const c_char,
    length: usize,
    given: *mut viua_value,
) -> i32 {
    // SAFETY: as above; the given value is taken only if nothing fails.
    unsafe {
        let cell = match of_kind(value, Kind::Struct) {
            Ok(cell) => cell,
            Err(status) => return status,
        };
        let Ok(key) = str::from_utf8(bytes(key, length)) else { return VIUA_EUTF8 };
        if would_contain_itself(given, cell) {
            return VIUA_ERANGE;
        }
        let Some(given) = Handle::take(given) else { return VIUA_EEMPTY };
        let old = get::<Struct>(cell).fields.insert(Atom::intern(key.as_bytes()), given.embed());
        if let Some(old) = old {
            entry::with_heap(|heap, _| release(heap, old));
        }
        VIUA_OK
    }
}

unsafe extern "C" fn struct_take(
    value: *mut viua_value,
    key: *const c_char,
    length: usize,
    given: *mut *mut viua_value,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        let taken = fields_and_key(value, key, length).and_then(|(fields, key)| {
            let field = fields.remove(&key).ok_or(VIUA_EKEY)?;
            detached(field).map(Handle::give).map_err(|(status, field)| {
                fields.insert(key, field);
                status
            })
        });
        answer(given, taken)
    }
}

unsafe extern "C" fn copied(value: *const viua_value, given: *mut *mut viua_value) -> i32 {
    // SAFETY: a valid handle or NULL; a place for the result.
    unsafe {
        let Some(view) = Handle::view(value) else { return VIUA_EEMPTY };
        let copied = match view.held_copy() {
            Some(held) => Ok(held),
            None => entry::with_heap(|heap, pid| match copy(heap, *resolve(value.cast::<Cell>().cast_mut())) {
                Ok(copied) => Value::detach(heap, pid.unwrap_or(u64::MAX), copied).map_err(|(raise, copied)| {
                    release(heap, copied);
                    crate::raise::discard(heap, raise);
                    VIUA_ECOPY
                }),
                Err(raise) => {
                    crate::raise::discard(heap, raise);
                    Err(VIUA_ECOPY)
                }
            }),
        };
        answer(given, copied.map(Handle::give))
    }
}

unsafe extern "C" fn destroy(given: *mut viua_value) {
    // SAFETY: NULL or a value that is given.
    unsafe {
        if let Some(value) = Handle::take(given) {
            let cell = value.view().cell();
            if cell.kind() == kind::TEXT && matches!(get::<Text>(cell), Text::Wide(_)) {
                let mut table = LENT.lock().unwrap_or_else(PoisonError::into_inner);
                table.as_mut().and_then(|table| table.remove(&cell.payload));
            }
        }
    }
}

unsafe extern "C" fn send(pid: *const viua_pid, given: *mut viua_value) -> i32 {
    // SAFETY: a pid, and a value that is given.
    unsafe {
        let [number, machine, ..] = (*pid).word;
        if let Some(value) = Handle::take(given) {
            match Machine::find(machine) {
                Some(machine) => machine.deliver(number, value.embed()),
                None => drop(value),
            }
        }
        VIUA_OK
    }
}
