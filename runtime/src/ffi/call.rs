//! One call of a foreign function: the arguments, and the process that waits for it.

use super::object::Object;
use super::value::{Exception, Kind, Value, View};
use crate::cell::{Cell, kind};
use crate::element::pointee;
use crate::heap::Heap;
use crate::io;
use crate::machine::Machine;
use crate::output::FOREVER;
use crate::scheduler::stats::{ProcessInfo, Stats};
use crate::value::{get, release};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// A running call.
pub struct Call<'a> {
    name: &'a str,
    pub(crate) arguments: Vec<Cell>,
    pub(crate) heap: &'a mut Heap,
    pub(crate) pid: u64,
    pub(crate) machine: &'a Arc<Machine>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        name: &'a str,
        arguments: Vec<Cell>,
        heap: &'a mut Heap,
        pid: u64,
        machine: &'a Arc<Machine>,
    ) -> Call<'a> {
        Call { name, arguments, heap, pid, machine }
    }

    pub(crate) fn discard_arguments(&mut self) {
        for argument in std::mem::take(&mut self.arguments) {
            release(self.heap, argument);
        }
    }

    /// The name that the function was called by.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The number of arguments.
    pub fn argument_count(&self) -> usize {
        self.arguments.len()
    }

    /// An argument; `None` if there is none, or its register is empty.
    pub fn find(&self, index: usize) -> Option<View<'_>> {
        let place = std::ptr::from_ref(self.arguments.get(index)?).cast_mut();
        // SAFETY: arguments stay where they are during the call, and change only through `&mut self`.
        let view = unsafe { View::of(place) };
        (view.kind() != Kind::Empty).then_some(view)
    }

    /// An argument that has to be there.
    pub fn argument(&self, index: usize) -> Result<View<'_>, Exception> {
        self.find(index).ok_or_else(|| self.missing(index))
    }

    /// What is raised for a missing argument.
    pub fn missing(&self, index: usize) -> Exception {
        if index < self.arguments.len() {
            Exception::text(format!("(get) read from null register: {index}"))
        } else {
            Exception::text(format!("register access out of bounds: read from {index}"))
        }
    }

    /// Takes an argument out of the frame.
    pub fn take(&mut self, index: usize) -> Result<Value, Exception> {
        self.argument(index)?;
        let cell = std::mem::replace(&mut self.arguments[index], Cell::EMPTY);
        Value::detach(self.heap, self.pid, cell).map_err(|(raise, cell)| {
            self.arguments[index] = cell;
            Exception::of(raise)
        })
    }

    /// What a pointer leads to.
    pub fn dereference<'v>(&'v self, pointer: View<'v>) -> Result<View<'v>, Exception> {
        if pointer.kind() != Kind::Pointer {
            return Err(Exception::wrong_type("Pointer", pointer));
        }
        match self.locate(pointer) {
            // SAFETY: what a live pointer of this process leads to.
            Ok(place) => Ok(unsafe { View::of(place) }),
            Err(is_own) if is_own => Err(Exception::bare("Expired_pointer")),
            Err(_) => Err(Exception::tagged("Invalid_dereference", "outside of original process")),
        }
    }

    /// The place that a pointer leads to. If there is none: whether the pointer is at least one of this process.
    pub(super) fn locate(&self, pointer: View) -> Result<*mut Cell, bool> {
        let cell = pointer.cell();
        let is_own = pointer.held_by().is_none_or(|pid| pid == self.pid);
        match cell.kind() {
            kind::POINTER | kind::ELEMENT if is_own => match pointee(cell) {
                // SAFETY: what a live pointer of this process leads to. It is empty while an exception is on its way.
                Some(place) if !unsafe { *place }.is_empty() => Ok(place),
                Some(_) | None => Err(true),
            },
            kind::SEVERED => Err(cell.payload == self.pid),
            _ => Err(false),
        }
    }

    /// An argument that is an Integer.
    pub fn integer(&self, index: usize) -> Result<i64, Exception> {
        let view = self.argument(index)?;
        view.as_integer().ok_or_else(|| Exception::wrong_type("Integer", view))
    }

    /// The outer printed form of an argument.
    pub fn printed(&self, index: usize) -> Result<Vec<u8>, Exception> {
        Ok(self.argument(index)?.printed())
    }

    /// The object that an argument points to.
    pub fn object<T: Object>(&mut self, index: usize, type_name: &str) -> Result<&mut T, Exception> {
        let found = self.dereference(self.argument(index)?)?;
        let cell = found.cell();
        if cell.kind() == kind::FOREIGN {
            // SAFETY: the kind tells the type; nothing else uses the object during the call.
            let object: &mut dyn Object = unsafe { &mut **get::<Box<dyn Object>>(cell) };
            let object: &mut dyn std::any::Any = object;
            if let Some(object) = object.downcast_mut() {
                return Ok(object);
            }
        }
        Err(Exception::wrong_type(type_name, found))
    }

    fn port(&self, index: usize) -> Result<&io::Port, Exception> {
        let argument = self.argument(index)?;
        let found = if argument.kind() == Kind::Pointer { self.dereference(argument)? } else { argument };
        found.as_port().ok_or_else(|| Exception::wrong_type("IO_fd", found))
    }

    /// The descriptor of an argument that is a port, or points to one. `None` if it has been closed.
    pub fn descriptor(&self, index: usize) -> Result<Option<BorrowedFd<'_>>, Exception> {
        Ok(self.port(index)?.borrow())
    }

    /// Closes the descriptor of an argument that is a port, or points to one. Its requests are cancelled. `None`
    /// if it had been closed before.
    pub fn close_port(&mut self, index: usize) -> Result<Option<std::io::Result<()>>, Exception> {
        Ok(self.port(index)?.close_now())
    }

    /// Figures of the machine.
    pub fn stats(&self) -> Stats {
        self.machine.stats()
    }

    /// The processes of the machine.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.machine.processes()
    }

    /// Writes to standard output, in order with what is printed.
    pub fn write_output(&self, bytes: &[u8]) {
        self.machine.output.write(bytes);
        self.machine.output.flush_and_wait(FOREVER);
    }

    /// The next line of standard input, without its newline.
    pub fn read_line(&self) -> Vec<u8> {
        io::standard::read_line()
    }
}
