//! A request as a process sees it: made at once, collected once, cancelled when its value is destroyed.

use super::channel::{self, Operation, Work};
use super::port::{Descriptor, Port};
use super::{BAD_DESCRIPTOR, standard};
use crate::cell::{Cell, kind};
use crate::machine::Machine;
use crate::raise::{Raise, Raised, thrown};
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What came of a request.
pub(super) enum Outcome {
    /// What was read, or what was not written.
    Bytes(Vec<u8>),
    /// The port is closed.
    Closed,
    /// An error of the operating system.
    Failed(i32),
    /// It was cancelled.
    Cancelled,
}

/// What the request and those who perform it share.
#[derive(Default)]
pub(super) struct Ticket {
    state: Mutex<TicketState>,
}

#[derive(Default)]
struct TicketState {
    outcome: Option<Outcome>,
    is_complete: bool,
    wants_cancel: bool,
    waiter: Option<(Arc<Machine>, u64)>,
}

impl Ticket {
    fn lock(&self) -> MutexGuard<'_, TicketState> {
        // Nothing in here panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// The request is complete; whoever waits for it goes on.
    pub fn complete(&self, outcome: Outcome) {
        let mut state = self.lock();
        if state.is_complete {
            return;
        }
        state.is_complete = true;
        state.outcome = Some(outcome);
        let waiter = state.waiter.take();
        drop(state);
        if let Some((machine, pid)) = waiter {
            machine.scheduler.notify(pid);
        }
    }
    /// Whether somebody has asked for cancellation.
    pub fn wants_cancel(&self) -> bool {
        self.lock().wants_cancel
    }
}

/// The value `IO_request`.
pub struct Request {
    /// The descriptor, for the printed form.
    pub descriptor: i64,
    /// It is the n-th request made through its port.
    pub number: u64,
    ticket: Arc<Ticket>,
}

/// What a process finds when it wants to collect.
pub enum Collected {
    /// The result, or what is raised.
    Outcome(Result<Cell, Raise>),
    /// Nothing yet; the process will be notified.
    NotYet,
}

impl Request {
    /// Makes a request on a descriptor named by number.
    fn on_number(descriptor: i64, work: Work) -> Request {
        let ticket = Arc::<Ticket>::default();
        match RawFd::try_from(descriptor) {
            Ok(number) if number >= 0 => {
                channel::submit(Operation { descriptor: Descriptor::borrowed(number), ticket: ticket.clone(), work })
            }
            _ => ticket.complete(Outcome::Failed(BAD_DESCRIPTOR)),
        }
        Request { descriptor, number: 0, ticket }
    }

    /// Makes a request through a port.
    fn on_port(port: &Port, descriptor: Option<&Arc<Descriptor>>, work: Work) -> Request {
        let ticket = Arc::<Ticket>::default();
        let request = Request { descriptor: port.number().into(), number: port.count(), ticket: ticket.clone() };
        match descriptor {
            Some(descriptor) => channel::submit(Operation { descriptor: descriptor.clone(), ticket, work }),
            None => ticket.complete(Outcome::Failed(BAD_DESCRIPTOR)),
        }
        request
    }

    fn make(port: Cell, work: Work) -> Result<Request, Raise> {
        match port.kind() {
            kind::INTEGER => Ok(Request::on_number(port.as_integer(), work)),
            kind::PORT => {
                // SAFETY: the kind tells the type.
                let port: &Port = unsafe { crate::value::get(port) };
                Ok(Request::on_port(port, port.descriptor(), work))
            }
            _ => Raised::wrong_type("IO_port", port),
        }
    }

    /// Reads once, at most `limit` bytes.
    pub fn read(port: Cell, limit: u64) -> Result<Request, Raise> {
        Request::make(port, Work::Read { limit })
    }

    /// Writes all bytes; the result is what could not be written. What was printed before comes first.
    pub fn write(port: Cell, bytes: Vec<u8>, machine: &Machine) -> Result<Request, Raise> {
        let number = match port.kind() {
            kind::INTEGER => port.as_integer(),
            // SAFETY: the kind tells the type.
            kind::PORT => unsafe { crate::value::get::<Port>(port) }.number().into(),
            _ => return Raised::wrong_type("IO_port", port),
        };
        if number == 1 || number == 2 {
            machine.output.flush();
        }
        let mark = (number == 1).then(standard::WriteMark::new);
        Request::make(port, Work::Write { bytes, written: 0, mark })
    }

    /// Closes a port after the writes queued before.
    pub fn close(port: &Port) -> Request {
        Request::on_port(port, port.refuse_requests(), Work::Close)
    }

    /// Takes what came of the request.
    pub fn collect(&self, machine: &Arc<Machine>, pid: u64) -> Collected {
        let mut state = self.ticket.lock();
        if !state.is_complete {
            state.waiter = Some((machine.clone(), pid));
            return Collected::NotYet;
        }
        Collected::Outcome(match state.outcome.take() {
            Some(Outcome::Bytes(bytes)) => Ok(Cell::boxed(kind::STRING, Box::new(bytes))),
            Some(Outcome::Closed) => Ok(Cell::boolean(true)),
            Some(Outcome::Failed(errno)) => Err(thrown(Cell::integer(errno.into()))),
            Some(Outcome::Cancelled) => Raised::tagged("IO_cancel", "I/O cancelled"),
            None => Raised::text("I/O not completed"),
        })
    }

    /// Nobody waits any more.
    pub fn stop_waiting(&self) {
        self.ticket.lock().waiter = None;
    }

    /// Asks for cancellation.
    pub fn cancel(&self) {
        let mut state = self.ticket.lock();
        if state.is_complete || state.wants_cancel {
            return;
        }
        state.wants_cancel = true;
        drop(state);
        if let Ok(number) = RawFd::try_from(self.descriptor) {
            channel::cancel(number, &self.ticket);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.cancel();
    }
}
