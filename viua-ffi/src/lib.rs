//! Foreign modules for Viua, written in Rust: safe wrappers around the C ABI of `include/viua.h` ([`sys`]).
//!
//! A module is a crate of type `cdylib` with functions of the form of [`Function`] and one [`module!`]:
//!
//! ```
//! use viua_ffi::{Call, Exception, Value};
//!
//! fn root(call: &mut Call) -> Result<Option<Value>, Exception> {
//!     let x: f64 = call.argument(0)?;
//!     if x < 0.0 {
//!         return Err(Exception::new("Domain_error", "negative"));
//!     }
//!     Ok(Some(Value::float(x.sqrt())))
//! }
//!
//! viua_ffi::module! {
//!     quick "example::root/1" => root;
//! }
//! # fn main() {}
//! ```
//!
//! Built as `libexample.so`, renamed to `example.so` and put into a directory of `VIUA_LIBRARY_PATH`, it is found by
//! `.import: [[dynamic]] example`.

mod call;
mod object;
pub mod sys;
mod value;

pub use call::{Call, Exception, FromValue};
pub use object::Object;
pub use value::{Kind, Pid, Ref, Value};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use sys::{viua_api, viua_call};

/// What a function of a module looks like. A panic in it becomes an exception of the caller.
pub type Function = fn(&mut Call) -> Result<Option<Value>, Exception>;

static API: AtomicPtr<viua_api> = AtomicPtr::new(null_mut());

/// The functions of the virtual machine, which are the same for all calls.
fn api() -> &'static viua_api {
    // SAFETY: set before any function of the module runs; the table is never changed or freed.
    unsafe { API.load(Ordering::Acquire).as_ref() }.expect("values are made after the module has been loaded")
}

/// Called when the module is loaded; written by [`module!`].
///
/// # Safety
/// `vm` must be the table of a virtual machine.
#[doc(hidden)]
pub unsafe fn set_api(vm: *const viua_api) {
    API.store(vm.cast_mut(), Ordering::Release);
}

/// Called by the virtual machine; written by [`module!`].
///
/// # Safety
/// The call must be running.
#[doc(hidden)]
pub unsafe fn enter(function: Function, call: *mut viua_call) -> i32 {
    // SAFETY: as promised by the caller.
    let mut call = unsafe { Call::new(call) };
    match catch_unwind(AssertUnwindSafe(|| function(&mut call))) {
        Ok(Ok(Some(result))) => call.give(result),
        Ok(Ok(None)) => sys::status::VIUA_OK,
        Ok(Err(exception)) => call.raise(exception),
        // Without an exception this says: foreign function failed.
        Err(_) => sys::status::VIUA_ERAISED,
    }
}

/// Defines the symbol by which the virtual machine finds the functions of a module.
///
/// Each line is `"name/arity" => function;`, with `quick` in front if the function returns within microseconds and never
/// waits.
#[macro_export]
macro_rules! module {
    ($($($flag:ident)? $name:literal => $function:expr;)*) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn viua_module_v1() -> *const $crate::sys::viua_module {
            const COUNT: usize = [$($name),*].len() + 1;
            static EXPORTS: [$crate::sys::viua_export; COUNT] = [
                $($crate::sys::viua_export {
                    name: concat!($name, "\0").as_ptr().cast(),
                    function: {
                        unsafe extern "C" fn entry(
                            _: *const $crate::sys::viua_api,
                            call: *mut $crate::sys::viua_call,
                        ) -> i32 {
                            // SAFETY: called by the virtual machine.
                            unsafe { $crate::enter($function, call) }
                        }
                        Some(entry)
                    },
                    flags: $crate::flags!($($flag)?),
                    reserved: 0,
                },)*
                $crate::sys::viua_export { name: std::ptr::null(), function: None, flags: 0, reserved: 0 },
            ];
            unsafe extern "C" fn load(vm: *const $crate::sys::viua_api) -> i32 {
                // SAFETY: called by the virtual machine.
                unsafe { $crate::set_api(vm) };
                0
            }
            static MODULE: $crate::sys::viua_module = $crate::sys::viua_module {
                abi: $crate::sys::VIUA_ABI,
                size: size_of::<$crate::sys::viua_module>() as u32,
                exports: EXPORTS.as_ptr(),
                load: Some(load),
                unload: None,
            };
            &raw const MODULE
        }
    };
}

/// The flags of an export.
#[doc(hidden)]
#[macro_export]
macro_rules! flags {
    () => {
        $crate::sys::flag::VIUA_MAY_BLOCK
    };
    (quick) => {
        $crate::sys::flag::VIUA_QUICK
    };
}
