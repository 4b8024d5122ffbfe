//! Files that are mapped instead of read (modules.md §12.7). Whoever can write to the file can change what has been
//! verified, so this is for files that are trusted, and only if somebody asks for it.

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::ptr::{null_mut, slice_from_raw_parts};

/// The contents of a file.
#[derive(Debug)]
pub struct Mapped {
    address: *mut c_void,
    length: usize,
}

impl Mapped {
    /// Maps a regular file. Nobody may shorten it as long as it is mapped, or the program ends.
    pub fn open(path: &Path) -> io::Result<Mapped> {
        let file = File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if length == 0 {
            return Ok(Mapped { address: null_mut(), length });
        }
        // SAFETY: a new mapping touches no other memory.
        let address = unsafe { mmap(null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, &file, 0)? };
        Ok(Mapped { address, length })
    }
}

impl Deref for Mapped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the mapping has that length and lives as long as `self`. That nobody changes the file is up to
        // whoever has asked for mapping.
        unsafe { &*slice_from_raw_parts(self.address.cast(), self.length) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: mapped by `open`, with this length. It cannot fail for a whole mapping.
            let _ = unsafe { munmap(self.address, self.length) };
        }
    }
}
