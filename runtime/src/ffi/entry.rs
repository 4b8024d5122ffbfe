//! From the virtual machine into a function of the C ABI, and what such a function may ask about its call.
//!
//! While it runs, the call is known to its thread: that is how functions of the table that get no `viua_call` find the
//! heap of the process.

use super::api::{self, Handle};
use super::value::{Exception, Value, View};
use super::{Call, Kind};
use crate::heap::Heap;
use crate::value::{copy, release};
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use viua_ffi::sys::status::*;
use viua_ffi::sys::{viua_call, viua_function, viua_pid, viua_value};

/// What a `viua_call` points to.
struct State<'a, 'c> {
    call: &'a mut Call<'c>,
    result: Option<Value>,
    raised: Option<Exception>,
    /// Bytes that are lent until the call ends.
    lent: Vec<Box<[u8]>>,
}

thread_local! {
    static CURRENT: std::cell::Cell<*mut c_void> = const { std::cell::Cell::new(null_mut()) };
}

/// The call that a handle stands for.
unsafe fn state<'s>(call: *mut viua_call) -> &'s mut State<'s, 's> {
    // SAFETY: handles are given to the function that `enter` calls, and valid until it returns.
    unsafe { &mut *call.cast() }
}

/// The call that runs on this thread.
fn current<'s>() -> Option<&'s mut State<'s, 's>> {
    // SAFETY: set by `enter` while the call runs.
    unsafe { CURRENT.get().cast::<State>().as_mut() }
}

/// Calls a function of a native module.
pub fn enter(function: viua_function, call: &mut Call) -> Result<Option<Value>, Exception> {
    let failed = format!("foreign function failed: {}", call.name());
    let mut state = State { call, result: None, raised: None, lent: Vec::new() };
    let handle: *mut c_void = (&raw mut state).cast();
    let outer = CURRENT.replace(handle);
    // SAFETY: the function was exported with this signature; the handle is valid until it returns.
    let status = unsafe { function(&raw const api::TABLE, handle.cast()) };
    CURRENT.set(outer);
    match (status, state.raised) {
        (VIUA_OK, _) => Ok(state.result),
        (VIUA_ERAISED, Some(exception)) => Err(exception),
        _ => Err(Exception::text(failed)),
    }
}

/// The heap and number of the process whose call runs on this thread; a heap of no process outside of calls.
pub(super) fn with_heap<T>(work: impl FnOnce(&mut Heap, Option<u64>) -> T) -> T {
    match current() {
        Some(state) => {
            let pid = state.call.pid;
            work(state.call.heap, Some(pid))
        }
        None => work(&mut Heap::default(), None),
    }
}

/// The machine of the call that runs on this thread.
pub(super) fn current_machine() -> Option<u64> {
    current().map(|state| state.call.machine.id)
}

/// Keeps bytes for as long as the call runs. Gives them back outside of calls.
pub(super) fn lend(bytes: Box<[u8]>) -> Result<*const u8, Box<[u8]>> {
    match current() {
        Some(state) => {
            let address = bytes.as_ptr();
            state.lent.push(bytes);
            Ok(address)
        }
        None => Err(bytes),
    }
}

pub(super) unsafe extern "C" fn name(call: *mut viua_call, length: *mut usize) -> *const c_char {
    // SAFETY: a valid call; `length` may be written.
    unsafe {
        let name = state(call).call.name();
        if !length.is_null() {
            *length = name.len();
        }
        name.as_ptr().cast()
    }
}

pub(super) unsafe extern "C" fn argument_count(call: *mut viua_call) -> u32 {
    // SAFETY: a valid call. A frame has at most 65535 slots.
    unsafe { state(call) }.call.argument_count() as u32
}

pub(super) unsafe extern "C" fn argument(call: *mut viua_call, index: u32) -> *mut viua_value {
    // SAFETY: a valid call.
    let call = unsafe { &mut state(call).call };
    match call.find(index as usize) {
        Some(_) => (&raw mut call.arguments[index as usize]).cast(),
        None => null_mut(),
    }
}

pub(super) unsafe extern "C" fn take_argument(call: *mut viua_call, index: u32) -> *mut viua_value {
    // SAFETY: a valid call.
    match unsafe { state(call) }.call.take(index as usize) {
        Ok(value) => Handle::give(value),
        Err(_) => null_mut(),
    }
}

pub(super) unsafe extern "C" fn give_result(call: *mut viua_call, given: *mut viua_value) {
    // SAFETY: a valid call and a value that is given.
    unsafe { state(call).result = Handle::take(given) };
}

/// The bytes of a text that comes with its length. NULL is the empty text.
pub(super) unsafe fn bytes<'b>(address: *const c_char, length: usize) -> &'b [u8] {
    if address.is_null() {
        return &[];
    }
    // SAFETY: the module says so.
    unsafe { std::slice::from_raw_parts(address.cast(), length) }
}

pub(super) unsafe extern "C" fn raise(
    call: *mut viua_call,
    tag: *const c_char,
    tag_length: usize,
    text: *const c_char,
    text_length: usize,
) -> i32 {
    // SAFETY: a valid call, and texts with their lengths.
    unsafe {
        let (tag, text) = (String::from_utf8_lossy(bytes(tag, tag_length)), bytes(text, text_length));
        let exception = if text.is_empty() { Exception::bare(&tag) } else { Exception::tagged(&tag, text) };
        state(call).raised = Some(exception);
    }
    VIUA_ERAISED
}

pub(super) unsafe extern "C" fn raise_value(call: *mut viua_call, given: *mut viua_value) -> i32 {
    // SAFETY: a valid call and a value that is given.
    unsafe {
        if let Some(value) = Handle::take(given) {
            state(call).raised = Some(Exception::value(value));
        }
    }
    VIUA_ERAISED
}

pub(super) unsafe extern "C" fn raise_status(call: *mut viua_call, status: i32, argument: u32, wanted: u32) -> i32 {
    // SAFETY: a valid call.
    let state = unsafe { state(call) };
    let call = &mut *state.call;
    let index = argument as usize;
    let exception = match status {
        VIUA_EEMPTY => call.missing(index),
        VIUA_ETYPE => match call.find(index) {
            Some(got) => Exception::wrong_type(Kind::of_number(wanted).type_name(), got),
            None => call.missing(index),
        },
        VIUA_EDEAD => Exception::bare("Expired_pointer"),
        VIUA_EORIGIN => Exception::tagged("Invalid_dereference", "outside of original process"),
        VIUA_ECOPY => match call.find(index).map(View::cell).map(|cell| copy(call.heap, cell)) {
            Some(Err(raise)) => Exception::of(raise),
            Some(Ok(copied)) => {
                release(call.heap, copied);
                Exception::text("not copyable")
            }
            None => call.missing(index),
        },
        _ => Exception::text(format!("foreign function failed: {}", call.name())),
    };
    state.raised = Some(exception);
    VIUA_ERAISED
}

pub(super) unsafe extern "C" fn this(call: *mut viua_call) -> viua_pid {
    // SAFETY: a valid call.
    let call = &unsafe { state(call) }.call;
    api::pid_of(call.pid, call.machine.id)
}

pub(super) unsafe extern "C" fn dereference(
    call: *mut viua_call,
    pointer: *const viua_value,
    lent: *mut *mut viua_value,
) -> i32 {
    // SAFETY: a valid call, a value or NULL, and a place for the result.
    unsafe {
        *lent = null_mut();
        let Some(pointer) = Handle::view(pointer) else { return VIUA_EEMPTY };
        if pointer.kind() != Kind::Pointer {
            return VIUA_ETYPE;
        }
        match state(call).call.locate(pointer) {
            Ok(place) => {
                *lent = place.cast();
                VIUA_OK
            }
            Err(is_own) if is_own => VIUA_EDEAD,
            Err(_) => VIUA_EORIGIN,
        }
    }
}
