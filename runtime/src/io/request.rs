//! A request as a process sees it: made at once, collected once, cancelled when its value is destroyed.

use super::channel::{self, Operation, Work};
use super::port::{Descriptor, Port};
use super::{BAD_DESCRIPTOR, standard};
use crate::cell::{Cell, kind};
use crate::machine::Machine;
use crate::raise::{Raise, Raised, thrown};
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const STANDARD_OUTPUT: RawFd = 1;
const STANDARD_OUTPUT_NUMBER: i64 = STANDARD_OUTPUT as i64;
const STANDARD_ERROR_NUMBER: i64 = 2;

/// What came of a request.
pub enum Outcome {
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
pub struct Ticket {
    state: Mutex<TicketState>,
}

#[derive(Default)]
struct TicketState {
    outcome: Option<Outcome>,
    is_complete: bool,
    wants_cancel: bool,
    waiter: Option<Waiter>,
}

/// Who is told that a request is complete.
enum Waiter {
    /// A process, which then collects the outcome.
    Process(Arc<Machine>, u64),
    /// The machine itself, which takes the outcome at once.
    Machine(Box<dyn FnOnce(Outcome) + Send>),
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
        match state.waiter.take() {
            None => state.outcome = Some(outcome),
            Some(Waiter::Process(machine, pid)) => {
                state.outcome = Some(outcome);
                drop(state);
                machine.scheduler.notify(pid);
            }
            Some(Waiter::Machine(done)) => {
                drop(state);
                done(outcome);
            }
        }
    }
    /// Whether somebody has asked for cancellation.
    pub fn wants_cancel(&self) -> bool {
        self.lock().wants_cancel
    }
}

/// Writes on standard output for the machine itself. `done` is told the number of an error, or what could not be
/// written behind a part that was.
pub fn write_standard_output(bytes: Vec<u8>, done: impl FnOnce(Result<Vec<u8>, i32>) + Send + 'static) {
    let told = |outcome| {
        done(match outcome {
            Outcome::Bytes(rest) => Ok(rest),
            Outcome::Failed(errno) => Err(errno),
            Outcome::Closed | Outcome::Cancelled => Ok(Vec::new()),
        });
    };
    let state = TicketState { waiter: Some(Waiter::Machine(Box::new(told))), ..TicketState::default() };
    channel::submit(Operation {
        descriptor: Descriptor::borrowed(STANDARD_OUTPUT),
        ticket: Arc::new(Ticket { state: Mutex::new(state) }),
        work: Work::Write { bytes, written: 0, mark: None },
    });
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
    fn on_number(descriptor: i64, work: Work, submit: impl FnOnce(Operation)) -> Request {
        let ticket = Arc::<Ticket>::default();
        match RawFd::try_from(descriptor) {
            Ok(number) if number >= 0 => {
                submit(Operation { descriptor: Descriptor::borrowed(number), ticket: ticket.clone(), work });
            }
            _ => ticket.complete(Outcome::Failed(BAD_DESCRIPTOR)),
        }
        Request { descriptor, number: 0, ticket }
    }

    /// Makes a request through a port.
    fn on_port(
        port: &Port,
        descriptor: Option<&Arc<Descriptor>>,
        work: Work,
        submit: impl FnOnce(Operation),
    ) -> Request {
        let ticket = Arc::<Ticket>::default();
        let request = Request { descriptor: port.number().into(), number: port.count(), ticket: ticket.clone() };
        match descriptor {
            Some(descriptor) => submit(Operation { descriptor: descriptor.clone(), ticket, work }),
            None => ticket.complete(Outcome::Failed(BAD_DESCRIPTOR)),
        }
        request
    }

    fn make(port: Cell, work: Work, submit: impl FnOnce(Operation)) -> Result<Request, Raise> {
        match port.kind() {
            kind::INTEGER => Ok(Request::on_number(port.as_integer(), work, submit)),
            kind::PORT => {
                // SAFETY: the kind tells the type.
                let port: &Port = unsafe { crate::value::get(port) };
                Ok(Request::on_port(port, port.descriptor(), work, submit))
            }
            _ => Raised::wrong_type("IO_port", port),
        }
    }

    /// Reads once, at most `limit` bytes.
    pub fn read(port: Cell, limit: u64) -> Result<Request, Raise> {
        Request::make(port, Work::Read { limit }, channel::submit)
    }

    /// Writes all bytes; the result is what could not be written. What was printed before comes first.
    pub fn write(port: Cell, bytes: Vec<u8>, machine: &Machine) -> Result<Request, Raise> {
        let number = match port.kind() {
            kind::INTEGER => port.as_integer(),
            // SAFETY: the kind tells the type.
            kind::PORT => unsafe { crate::value::get::<Port>(port) }.number().into(),
            _ => return Raised::wrong_type("IO_port", port),
        };
        let write = |mark| Work::Write { bytes, written: 0, mark };
        match number {
            STANDARD_OUTPUT_NUMBER => {
                machine.output.flush();
                Request::make(port, write(Some(standard::WriteMark::new())), channel::submit)
            }
            STANDARD_ERROR_NUMBER => {
                Request::make(port, write(None), |operation| machine.output.submit_behind(operation))
            }
            _ => Request::make(port, write(None), channel::submit),
        }
    }

    /// Closes a port after the writes queued before.
    pub fn close(port: &Port) -> Request {
        Request::on_port(port, port.refuse_requests(), Work::Close, channel::submit)
    }

    /// Takes what came of the request.
    pub fn collect(&self, machine: &Arc<Machine>, pid: u64) -> Collected {
        let mut state = self.ticket.lock();
        if !state.is_complete {
            state.waiter = Some(Waiter::Process(machine.clone(), pid));
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
