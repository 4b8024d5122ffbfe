//! Mirrors of `include/viua.h`, ABI 1: one contract, which the virtual machine implements and native modules use. What
//! each function does is said in runtime.md §8.3. Kinds and status codes are plain numbers, since others may come.

#![allow(non_camel_case_types, missing_docs)]

use std::ffi::{c_char, c_void};

pub const VIUA_ABI: u32 = 1;

/// One running foreign call.
#[repr(C)]
pub struct viua_call {
    _opaque: [u8; 0],
}

/// One value.
#[repr(C)]
pub struct viua_value {
    _opaque: [u8; 0],
}

/// Plain data: may be kept, copied, compared.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct viua_pid {
    pub word: [u64; 4],
}

macro_rules! numbers {
    ($type:ty: $($name:ident = $value:literal,)*) => {
        $(pub const $name: $type = $value;)*
        /// Names and numbers, to be compared with the header.
        #[cfg(test)]
        pub(crate) const NUMBERS: &[(&str, i64)] = &[$((stringify!($name), $value)),*];
    };
}

pub mod kind {
    //! Kinds of values.
    numbers! { u32:
        VIUA_EMPTY = 0,
        VIUA_INTEGER = 1,
        VIUA_FLOAT = 2,
        VIUA_BOOLEAN = 3,
        VIUA_TEXT = 4,
        VIUA_STRING = 5,
        VIUA_ATOM = 6,
        VIUA_BITS = 7,
        VIUA_VECTOR = 8,
        VIUA_STRUCT = 9,
        VIUA_FUNCTION = 10,
        VIUA_CLOSURE = 11,
        VIUA_PROCESS = 12,
        VIUA_POINTER = 13,
        VIUA_EXCEPTION = 14,
        VIUA_IO_PORT = 15,
        VIUA_IO_REQUEST = 16,
        VIUA_FOREIGN = 17,
    }
}

pub mod status {
    //! What functions return that return `int32_t`.
    numbers! { i32:
        VIUA_OK = 0,
        VIUA_ERAISED = 1,
        VIUA_ETYPE = 2,
        VIUA_EEMPTY = 3,
        VIUA_ERANGE = 4,
        VIUA_EKEY = 5,
        VIUA_EUTF8 = 6,
        VIUA_EDEAD = 7,
        VIUA_EORIGIN = 8,
        VIUA_ECOPY = 9,
        VIUA_EMEMORY = 10,
    }
}

pub mod flag {
    //! Flags of exports.
    numbers! { u32:
        VIUA_MAY_BLOCK = 0,
        VIUA_QUICK = 1,
    }
}

macro_rules! layout {
    ($(#[$doc:meta])* pub struct $name:ident { $(pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            $(pub $field: $type,)*
        }
        impl $name {
            /// Names and places of the fields, to be compared with the header.
            pub const FIELDS: &[(&str, usize)] = &[$((stringify!($field), std::mem::offset_of!($name, $field))),*];
        }
    };
}

layout! {
    /// Behaviour of an object made by a module.
    pub struct viua_object_type {
        pub size: u32,
        pub reserved: u32,
        pub type_name: *const c_char,
        pub drop: Option<unsafe extern "C" fn(*mut c_void)>,
        pub print: Option<unsafe extern "C" fn(*const c_void, *mut c_char, usize) -> usize>,
        pub truth: Option<unsafe extern "C" fn(*const c_void) -> i32>,
        pub copy: Option<unsafe extern "C" fn(*const c_void) -> *mut c_void>,
    }
}

// SAFETY: the type is constant data.
unsafe impl Sync for viua_object_type {}
// SAFETY: as above.
unsafe impl Send for viua_object_type {}

layout! {
    /// What the virtual machine does for modules.
    pub struct viua_api {
        pub abi: u32,
        pub size: u32,

        pub name: unsafe extern "C" fn(*mut viua_call, *mut usize) -> *const c_char,
        pub argument_count: unsafe extern "C" fn(*mut viua_call) -> u32,
        pub argument: unsafe extern "C" fn(*mut viua_call, u32) -> *mut viua_value,
        pub take_argument: unsafe extern "C" fn(*mut viua_call, u32) -> *mut viua_value,
        pub give_result: unsafe extern "C" fn(*mut viua_call, *mut viua_value),
        pub raise: unsafe extern "C" fn(*mut viua_call, *const c_char, usize, *const c_char, usize) -> i32,
        pub raise_value: unsafe extern "C" fn(*mut viua_call, *mut viua_value) -> i32,
        pub raise_status: unsafe extern "C" fn(*mut viua_call, i32, u32, u32) -> i32,
        pub self_: unsafe extern "C" fn(*mut viua_call) -> viua_pid,
        pub dereference: unsafe extern "C" fn(*mut viua_call, *const viua_value, *mut *mut viua_value) -> i32,

        pub kind: unsafe extern "C" fn(*const viua_value) -> u32,
        pub type_name: unsafe extern "C" fn(*const viua_value, *mut usize) -> *const c_char,
        pub get_integer: unsafe extern "C" fn(*const viua_value, *mut i64) -> i32,
        pub get_float: unsafe extern "C" fn(*const viua_value, *mut f64) -> i32,
        pub get_boolean: unsafe extern "C" fn(*const viua_value, *mut i32) -> i32,
        pub get_bytes: unsafe extern "C" fn(*const viua_value, *mut *const u8, *mut usize) -> i32,
        pub get_bits: unsafe extern "C" fn(*const viua_value, *mut u64, *mut u8, usize) -> i32,
        pub get_pid: unsafe extern "C" fn(*const viua_value, *mut viua_pid) -> i32,
        pub get_descriptor: unsafe extern "C" fn(*const viua_value, *mut i32) -> i32,
        pub get_exception: unsafe extern "C" fn(
            *const viua_value,
            *mut *const c_char,
            *mut usize,
            *mut *const viua_value,
        ) -> i32,
        pub get_object: unsafe extern "C" fn(*const viua_value, *const viua_object_type, *mut *mut c_void) -> i32,
        pub truth: unsafe extern "C" fn(*const viua_value) -> i32,
        pub print: unsafe extern "C" fn(*const viua_value) -> *mut viua_value,

        pub make_integer: unsafe extern "C" fn(i64) -> *mut viua_value,
        pub make_float: unsafe extern "C" fn(f64) -> *mut viua_value,
        pub make_boolean: unsafe extern "C" fn(i32) -> *mut viua_value,
        pub make_text: unsafe extern "C" fn(*const c_char, usize) -> *mut viua_value,
        pub make_string: unsafe extern "C" fn(*const u8, usize) -> *mut viua_value,
        pub make_atom: unsafe extern "C" fn(*const c_char, usize) -> *mut viua_value,
        pub make_bits: unsafe extern "C" fn(u64, *const u8, usize) -> *mut viua_value,
        pub make_vector: unsafe extern "C" fn() -> *mut viua_value,
        pub make_struct: unsafe extern "C" fn() -> *mut viua_value,
        pub make_function: unsafe extern "C" fn(*const c_char, usize) -> *mut viua_value,
        pub make_process: unsafe extern "C" fn(viua_pid) -> *mut viua_value,
        pub make_exception: unsafe extern "C" fn(*const c_char, usize, *mut viua_value) -> *mut viua_value,
        pub make_port: unsafe extern "C" fn(i32, i32) -> *mut viua_value,
        pub make_object: unsafe extern "C" fn(*const viua_object_type, *mut c_void) -> *mut viua_value,

        pub vector_length: unsafe extern "C" fn(*const viua_value, *mut usize) -> i32,
        pub vector_at: unsafe extern "C" fn(*const viua_value, usize, *mut *mut viua_value) -> i32,
        pub vector_push: unsafe extern "C" fn(*mut viua_value, *mut viua_value) -> i32,
        pub vector_take: unsafe extern "C" fn(*mut viua_value, usize, *mut *mut viua_value) -> i32,
        pub struct_length: unsafe extern "C" fn(*const viua_value, *mut usize) -> i32,
        pub struct_key: unsafe extern "C" fn(*const viua_value, usize, *mut *const c_char, *mut usize) -> i32,
        pub struct_at: unsafe extern "C" fn(*const viua_value, *const c_char, usize, *mut *mut viua_value) -> i32,
        pub struct_insert: unsafe extern "C" fn(*mut viua_value, *const c_char, usize, *mut viua_value) -> i32,
        pub struct_take: unsafe extern "C" fn(*mut viua_value, *const c_char, usize, *mut *mut viua_value) -> i32,

        pub copy: unsafe extern "C" fn(*const viua_value, *mut *mut viua_value) -> i32,
        pub drop: unsafe extern "C" fn(*mut viua_value),
        pub send: unsafe extern "C" fn(*const viua_pid, *mut viua_value) -> i32,
    }
}

/// A foreign function.
pub type viua_function = unsafe extern "C" fn(*const viua_api, *mut viua_call) -> i32;

layout! {
    /// A function that a module exports.
    pub struct viua_export {
        pub name: *const c_char,
        pub function: Option<viua_function>,
        pub flags: u32,
        pub reserved: u32,
    }
}

// SAFETY: the table is constant data.
unsafe impl Sync for viua_export {}
// SAFETY: as above.
unsafe impl Send for viua_export {}

layout! {
    /// What a module says about itself.
    pub struct viua_module {
        pub abi: u32,
        pub size: u32,
        pub exports: *const viua_export,
        pub load: Option<unsafe extern "C" fn(*const viua_api) -> i32>,
        pub unload: Option<unsafe extern "C" fn()>,
    }
}

// SAFETY: the description is constant data.
unsafe impl Sync for viua_module {}
// SAFETY: as above.
unsafe impl Send for viua_module {}

/// The one symbol that a module must define.
pub type viua_module_v1 = unsafe extern "C" fn() -> *const viua_module;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = include_str!("../../include/viua.h");

    /// The part of the header between a line and the end of its braces.
    fn section(start: &str) -> &'static str {
        let from = HEADER.find(start).unwrap_or_else(|| panic!("{start} is not in the header")) + start.len();
        &HEADER[from..from + HEADER[from..].find("\n}").unwrap()]
    }

    /// Names of the members of a struct, in order.
    fn members(start: &str) -> Vec<&'static str> {
        let member = |line: &'static str| {
            let line = line.trim();
            let name = match line.split_once("(*") {
                Some((_, rest)) => rest.split(')').next(),
                None => {
                    line.split(';').next().filter(|_| line.contains(';')).and_then(|line| line.split(' ').next_back())
                }
            };
            name.map(|name| name.trim_start_matches('*'))
        };
        section(start).lines().filter(|line| !line.trim().starts_with("/*")).filter_map(member).collect()
    }

    fn fields(fields: &[(&'static str, usize)]) -> Vec<&'static str> {
        fields.iter().map(|(name, _)| name.trim_end_matches('_')).collect()
    }

    #[test]
    fn structs_have_the_members_of_the_header_in_order() {
        assert_eq!(members("typedef struct viua_api {"), fields(viua_api::FIELDS));
        assert_eq!(members("typedef struct viua_object_type {"), fields(viua_object_type::FIELDS));
        assert_eq!(members("typedef struct viua_export {"), fields(viua_export::FIELDS));
        assert_eq!(members("typedef struct viua_module {"), fields(viua_module::FIELDS));
    }

    #[test]
    fn numbers_are_those_of_the_header() {
        for (name, value) in [kind::NUMBERS, status::NUMBERS, flag::NUMBERS].concat() {
            let written = [format!("{name} = {value},"), format!("{name} = {value} "), format!("{name} = {value}\n")];
            assert!(written.iter().any(|written| HEADER.contains(written)), "{name} = {value}");
        }
    }
}
