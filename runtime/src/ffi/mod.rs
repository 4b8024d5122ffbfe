//! Foreign functions (runtime.md §8): code that is not bytecode, called like a function.
//!
//! There are two ways to write them, with the same abilities: in Rust against [`Call`] and [`Value`], as the standard
//! library does, and in any language against the C ABI of `viua.h` ([`viua_ffi::sys`]). Both
//! see a call as *the arguments, taken out of the prepared frame, and the heap of the process*, which nothing else
//! uses while the process waits. Values that native code owns refer to nothing of any process, so they may be kept
//! and used on any thread.

mod api;
mod call;
mod entry;
pub(crate) mod load;
mod object;
mod value;

pub use call::Call;
pub use object::Object;
pub use value::{Exception, Kind, Value, View};

use crate::code::{Body, NameSlot};
use crate::heap::Heap;
use crate::machine::Machine;
use crate::output::FOREVER;
use crate::raise::Raise;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use viua_ffi::sys::viua_function;

/// A function written in Rust.
pub type NativeFunction = fn(&mut Call) -> Result<Option<Value>, Exception>;

/// A function that a native module exports.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    /// `module::function/arity`.
    pub name: &'static str,
    /// What it does.
    pub function: NativeFunction,
    /// It returns within microseconds, never waits and writes nothing, so it may run where the process runs.
    pub is_quick: bool,
}

impl Export {
    /// A function that may block.
    pub const fn new(name: &'static str, function: NativeFunction) -> Export {
        Export { name, function, is_quick: false }
    }
    /// A function that returns within microseconds.
    pub const fn quick(name: &'static str, function: NativeFunction) -> Export {
        Export { name, function, is_quick: true }
    }
}

/// How a foreign function is entered.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// In Rust.
    Native(NativeFunction),
    /// By the C ABI.
    Foreign(viua_function),
}

/// A foreign function that is loaded.
#[derive(Debug)]
pub struct Foreign {
    /// How it is entered.
    pub entry: Entry,
    /// It may run in place.
    pub is_quick: bool,
    stub: OnceLock<Box<Body>>,
}

impl Foreign {
    /// A function that is loaded now.
    pub fn new(entry: Entry, is_quick: bool) -> Foreign {
        Foreign { entry, is_quick, stub: OnceLock::new() }
    }

    /// Whether it is the same function.
    pub fn is_same(&self, other: &Foreign) -> bool {
        let is_entry = match (self.entry, other.entry) {
            (Entry::Native(a), Entry::Native(b)) => std::ptr::fn_addr_eq(a, b),
            (Entry::Foreign(a), Entry::Foreign(b)) => std::ptr::fn_addr_eq(a, b),
            (Entry::Native(_), Entry::Foreign(_)) | (Entry::Foreign(_), Entry::Native(_)) => false,
        };
        is_entry && self.is_quick == other.is_quick
    }

    /// What runs when the function is deferred.
    pub fn stub(&'static self, name: &'static NameSlot) -> &'static Body {
        self.stub.get_or_init(|| Box::new(Body::stub(name, self)))
    }

    /// Calls it. Whatever happens inside comes back as a result or an exception.
    fn enter(&self, call: &mut Call) -> Result<Option<Value>, Exception> {
        let how = self.entry;
        let entered = catch_unwind(AssertUnwindSafe(|| match how {
            Entry::Native(function) => function(call),
            Entry::Foreign(function) => entry::enter(function, call),
        }));
        entered.unwrap_or_else(|_| Err(Exception::text(format!("foreign function failed: {}", call.name()))))
    }

    /// Calls it with these arguments, and destroys what it leaves of them.
    pub fn run(&self, call: &mut Call) -> Result<Option<crate::cell::Cell>, Raise> {
        // Who must not wait writes nothing either.
        if !self.is_quick {
            call.machine.output.flush_and_wait(FOREVER);
        }
        let outcome = self.enter(call);
        call.discard_arguments();
        match outcome {
            Ok(result) => Ok(result.map(|value| value.attach(call.pid))),
            Err(exception) => Err(exception.into_raise()),
        }
    }
}

/// What came of work that was done for a process on another thread.
pub type JobOutcome = Result<Option<crate::cell::Cell>, Raise>;

/// Work that is done for a process on another thread while the process waits. The heap of the process goes with it,
/// so that pointers among the arguments can be followed there.
pub struct Job {
    done: Mutex<Option<(Heap, JobOutcome)>>,
}

// SAFETY: the process waits until the outcome is there, so its heap and what is reached through it are used by one
// thread at a time.
unsafe impl Send for Job {}
unsafe impl Sync for Job {}

/// What a job takes to its thread: the heap, and the duty to bring it back.
pub struct Errand {
    job: Arc<Job>,
    machine: Arc<Machine>,
    pid: u64,
    heap: Option<Heap>,
}

// SAFETY: as for `Job`.
unsafe impl Send for Errand {}

impl Errand {
    /// The work is done; the process is notified.
    pub fn finish(mut self, outcome: JobOutcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: JobOutcome) {
        if let Some(heap) = self.heap.take() {
            self.job.finish(heap, outcome);
            self.machine.scheduler.notify(self.pid);
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        // Nobody will do the work: the machine was stopped.
        self.end(crate::raise::Raised::text("foreign function failed"));
    }
}

/// What is done on the way.
struct Carried<T>(T);
// SAFETY: as for `Job`.
unsafe impl<T> Send for Carried<T> {}

impl Job {
    /// Starts work on a thread for foreign calls. The process is notified when it is done.
    pub fn start(
        machine: &Arc<Machine>,
        pid: u64,
        heap: Heap,
        work: impl FnOnce(&Arc<Machine>, &mut Heap) -> JobOutcome + 'static,
    ) -> Arc<Job> {
        let (job, errand) = Job::open(machine, pid, heap);
        let carried = Carried((errand, work));
        let task = Box::new(move || {
            let carried = carried;
            let Carried((mut errand, work)) = carried;
            let Some(heap) = &mut errand.heap else { return };
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&errand.machine, heap)))
                .unwrap_or_else(|_| crate::raise::Raised::text("foreign function failed"));
            errand.finish(outcome);
        });
        if let Err(task) = machine.foreign.run(task) {
            // There is no thread and none to be had. Late is better than never.
            task();
        }
        job
    }

    /// Work that somebody else will do.
    pub fn open(machine: &Arc<Machine>, pid: u64, heap: Heap) -> (Arc<Job>, Errand) {
        let job = Arc::new(Job { done: Mutex::default() });
        let errand = Errand { job: job.clone(), machine: machine.clone(), pid, heap: Some(heap) };
        (job, errand)
    }

    fn finish(&self, heap: Heap, outcome: JobOutcome) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = Some((heap, outcome));
    }

    /// The outcome and the heap, once they are there.
    pub fn collect(&self) -> Option<(Heap, JobOutcome)> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
