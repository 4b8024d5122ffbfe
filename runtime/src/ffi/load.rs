//! Native modules in files (runtime.md §8.2): shared objects that define one symbol, through which everything else is
//! found. They stay loaded until the program exits, since what they have made may live as long.

use super::{Entry, api};
use crate::import::LoadError;
use libloading::Library;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::path::Path;
use viua_ffi::sys::{VIUA_ABI, flag, viua_export, viua_module, viua_module_v1};

/// A function that a native module exports.
pub struct NativeExport {
    /// Its name, with arity.
    pub name: String,
    /// How it is entered.
    pub entry: Entry,
    /// It may run in place.
    pub is_quick: bool,
}

/// A native module that has been loaded.
pub struct NativeModule {
    /// What it exports.
    pub exports: Vec<NativeExport>,
    unload: Option<unsafe extern "C" fn()>,
    _library: ManuallyDrop<Library>,
}

impl NativeModule {
    /// All processes have ended.
    pub fn unload(&self) {
        if let Some(unload) = self.unload {
            // SAFETY: the module says that it is to be called now.
            unsafe { unload() };
        }
    }
}

/// More exports than this are no table, but memory that was taken for one.
const MOST_EXPORTS: usize = 1 << 16;

/// Loads a module from a file.
pub fn load(name: &str, path: &Path) -> Result<NativeModule, LoadError> {
    let fault = |tag: &str, text: String| LoadError { tag: tag.to_owned(), text };
    let unopened = |error: &dyn std::fmt::Display| {
        fault("LinkException", format!("failed to open handle: {name}: {}", one_line(&error.to_string())))
    };
    // SAFETY: a native module is trusted as this program is; its initialisers may do anything.
    let library = unsafe { Library::new(path) }.map_err(|error| unopened(&error))?;
    // SAFETY: the symbol has this type in every module that defines it.
    let described = unsafe { library.get::<viua_module_v1>(b"viua_module_v1\0").map(|symbol| symbol()) };
    let Ok(described) = described else {
        return Err(fault("Exception", format!("failed to extract interface from module: {name}")));
    };
    let incompatible =
        |reason: &str| fault("LinkException", format!("incompatible interface of module: {name}: {reason}"));
    // SAFETY: what the symbol returned.
    let module = unsafe { described_module(described) }.map_err(|reason| incompatible(&reason))?;
    // SAFETY: as above.
    let exports = unsafe { exports(module.exports) }.map_err(|reason| incompatible(&reason))?;
    if let Some(load) = module.load {
        // SAFETY: the module says that it is to be called now.
        if unsafe { load(&raw const api::TABLE) } != 0 {
            return Err(fault("LinkException", format!("failed to initialise module: {name}")));
        }
    }
    Ok(NativeModule { exports, unload: module.unload, _library: ManuallyDrop::new(library) })
}

/// Reasons of the dynamic loader become part of a message.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A copy of the description, as far as the module knows it.
unsafe fn described_module(described: *const viua_module) -> Result<viua_module, String> {
    if described.is_null() {
        return Err("no description".to_owned());
    }
    // SAFETY: a description begins with two numbers; members beyond its size do not exist.
    unsafe {
        let (abi, size) = ((*described).abi, (*described).size as usize);
        if abi != VIUA_ABI {
            return Err(format!("ABI {abi}, expected {VIUA_ABI}"));
        }
        if size < std::mem::offset_of!(viua_module, load) {
            return Err(format!("description of {size} bytes"));
        }
        let mut module = viua_module { abi, size: 0, exports: std::ptr::null(), load: None, unload: None };
        let known = size.min(size_of::<viua_module>());
        std::ptr::copy_nonoverlapping(described.cast::<u8>(), (&raw mut module).cast::<u8>(), known);
        Ok(module)
    }
}

unsafe fn exports(mut table: *const viua_export) -> Result<Vec<NativeExport>, String> {
    let mut exports = Vec::new();
    if table.is_null() {
        return Ok(exports);
    }
    // SAFETY: the table ends with an export without a name.
    unsafe {
        while !(*table).name.is_null() {
            let export = &*table;
            let number = exports.len();
            let name = CStr::from_ptr(export.name).to_str();
            let name = name.map_err(|_| format!("name of export {number} is not UTF-8"))?.to_owned();
            let function = export.function.ok_or_else(|| format!("export without a function: {name}"))?;
            if export.flags & !flag::VIUA_QUICK != 0 || export.reserved != 0 {
                return Err(format!("unknown flags of export: {name}"));
            }
            if number == MOST_EXPORTS {
                return Err("table of exports without an end".to_owned());
            }
            let is_quick = export.flags & flag::VIUA_QUICK != 0;
            exports.push(NativeExport { name, entry: Entry::Foreign(function), is_quick });
            table = table.add(1);
        }
    }
    Ok(exports)
}
