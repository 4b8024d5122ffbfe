//! The requests on one descriptor: two queues, one for each direction, each performed in order and one at a time.
//!
//! A direction is *idle*, or *running* (some thread is in [`advance`] for it), or *waiting* for the descriptor to
//! become ready. What runs is taken out of the queue; what waits is at its front, so that it can be cancelled there.
//! The channel of a socket that a port owns exists until the socket is closed, and the poller is told of it once: it
//! reports changes. Any other channel exists only as long as there is something to do.

use super::poller;
use super::port::Descriptor;
use super::request::{Outcome, Ticket};
use super::standard::{self, WriteMark};
use super::{BAD_DESCRIPTOR, pool};
use crossbeam::utils::CachePadded;
use rustc_hash::FxHashMap;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What is asked for.
pub enum Work {
    /// Read once.
    Read {
        /// At most so many bytes.
        limit: u64,
    },
    /// Write everything.
    Write {
        /// What to write.
        bytes: Vec<u8>,
        /// How much of it is.
        written: usize,
        /// It counts among the writes on standard output.
        mark: Option<WriteMark>,
    },
    /// Close the descriptor.
    Close,
}

/// A request that is to be performed.
pub struct Operation {
    /// On what.
    pub descriptor: Arc<Descriptor>,
    /// Who is told.
    pub ticket: Arc<Ticket>,
    /// What.
    pub work: Work,
}

impl Operation {
    fn complete(self, outcome: Outcome) {
        let Operation { descriptor, ticket, work } = self;
        // Before anybody is told: what is printed from now on may follow, and the descriptor may be closed.
        if let Work::Write { mark, .. } = work {
            drop(mark);
        }
        drop(descriptor);
        ticket.complete(outcome);
    }
    fn cancel(mut self) {
        let outcome = match &mut self.work {
            Work::Write { bytes, written, .. } if *written > 0 => Outcome::Bytes(bytes.split_off(*written)),
            Work::Read { .. } | Work::Write { .. } | Work::Close => Outcome::Cancelled,
        };
        self.complete(outcome);
    }
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Idle,
    Running,
    Waiting,
}

/// Reads and writes do not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

/// How a descriptor is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// It cannot be.
    Bad(i32),
    /// Each call says that it must not wait.
    Socket,
    /// It is asked for readiness first.
    Pollable,
    /// It is always ready, or cannot tell.
    Direct,
}

#[derive(Default)]
struct Queue {
    operations: VecDeque<Operation>,
    progress: Progress,
    /// The poller has reported a change since what runs was begun: before it waits it must be tried again.
    has_changed: bool,
}

struct Channel {
    reads: Queue,
    writes: Queue,
    nature: Nature,
    /// The poller knows the descriptor.
    is_registered: bool,
    /// The socket that keeps the channel alive.
    keeper: Option<Weak<Descriptor>>,
}

type Channels = FxHashMap<RawFd, Channel>;

/// Descriptors that are used at the same moment rarely share a lock.
const SHARDS: usize = 64;
static CHANNELS: LazyLock<[CachePadded<Mutex<Channels>>; SHARDS]> =
    LazyLock::new(|| std::array::from_fn(|_| CachePadded::default()));

fn channels(number: RawFd) -> MutexGuard<'static, Channels> {
    // Nothing is left half done behind a panic here.
    CHANNELS[number as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
}

/// Most that is read at once, however large the limit.
const LARGEST_READ: u64 = 1 << 16;
/// A pipe that says it is ready takes this much without waiting (`PIPE_BUF`).
const PIPE_PIECE: usize = 4096;

impl Channel {
    fn new(number: RawFd) -> Channel {
        let nature = match rustix::fs::fstat(borrow(number)) {
            Err(error) => Nature::Bad(error.raw_os_error()),
            Ok(status) => match FileType::from_raw_mode(status.st_mode) {
                FileType::Socket => Nature::Socket,
                FileType::Fifo | FileType::CharacterDevice => Nature::Pollable,
                FileType::RegularFile
                | FileType::Directory
                | FileType::Symlink
                | FileType::BlockDevice
                | FileType::Unknown => Nature::Direct,
            },
        };
        Channel { reads: Queue::default(), writes: Queue::default(), nature, is_registered: false, keeper: None }
    }

    /// A socket of a port keeps its channel. If its number belonged to something that was closed behind our back, what
    /// is known of that is forgotten.
    fn keep(&mut self, number: RawFd, descriptor: &Arc<Descriptor>) {
        let is_keeper = |keeper: &Weak<Descriptor>| std::ptr::eq(keeper.as_ptr(), Arc::as_ptr(descriptor));
        if !descriptor.is_owned() || self.keeper.as_ref().is_some_and(is_keeper) {
            return;
        }
        if self.keeper.is_some() && self.is_idle() {
            self.disarm(number);
            *self = Channel::new(number);
        }
        if self.nature == Nature::Socket && !self.is_registered {
            self.keeper = Some(Arc::downgrade(descriptor));
        }
    }

    fn is_idle(&self) -> bool {
        self.reads.progress == Progress::Idle && self.writes.progress == Progress::Idle
    }

    fn queue(&mut self, direction: Direction) -> &mut Queue {
        match direction {
            Direction::Read => &mut self.reads,
            Direction::Write => &mut self.writes,
        }
    }

    /// A close waits for a read to end.
    fn is_closing(&self) -> bool {
        self.writes.progress == Progress::Idle
            && matches!(self.writes.operations.front(), Some(Operation { work: Work::Close, .. }))
    }

    /// Tells the poller which directions wait.
    fn arm(&mut self, number: RawFd) -> std::io::Result<()> {
        let (read, write) = (self.reads.progress == Progress::Waiting, self.writes.progress == Progress::Waiting);
        if self.keeper.is_some() {
            if !self.is_registered {
                poller::watch_changes(number)?;
                self.is_registered = true;
            }
        } else if read || write {
            poller::arm(number, read, write, self.is_registered)?;
            self.is_registered = true;
        }
        Ok(())
    }

    fn disarm(&mut self, number: RawFd) {
        if std::mem::take(&mut self.is_registered) {
            poller::forget(number);
        }
    }
}

fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the number is only used for system calls, which fail if the descriptor is not open. Callers have made
    // sure that it is not -1.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Queues an operation, and begins with it if nothing is before it.
pub fn submit(operation: Operation) {
    let number = operation.descriptor.number();
    let direction = match operation.work {
        Work::Read { .. } => Direction::Read,
        Work::Write { .. } | Work::Close => Direction::Write,
    };
    let mut channels = channels(number);
    let channel = channels.entry(number).or_insert_with(|| Channel::new(number));
    channel.keep(number, &operation.descriptor);
    let nature = channel.nature;
    let queue = channel.queue(direction);
    queue.operations.push_back(operation);
    if queue.progress == Progress::Idle {
        queue.progress = Progress::Running;
        drop(channels);
        start(nature, number, direction);
    }
}

/// Goes on with a direction that has just been set running. What cannot block is done here and now.
fn start(nature: Nature, number: RawFd, direction: Direction) {
    match nature {
        Nature::Socket | Nature::Bad(_) => advance(number, direction),
        Nature::Pollable | Nature::Direct => {
            if let Err(task) = pool().run(Box::new(move || advance(number, direction))) {
                // There is no thread and none to be had.
                task();
            }
        }
    }
}

/// Performs the operations of a direction until there are none, or one has to wait.
fn advance(number: RawFd, direction: Direction) {
    loop {
        let mut channels = channels(number);
        let Some(channel) = channels.get_mut(&number) else { return };
        let nature = channel.nature;
        let Some(mut operation) = channel.queue(direction).operations.pop_front() else {
            channel.queue(direction).progress = Progress::Idle;
            if direction == Direction::Read && channel.is_closing() {
                channel.writes.progress = Progress::Running;
                drop(channels);
                start(nature, number, Direction::Write);
            } else if channel.is_idle() && channel.keeper.is_none() {
                channel.disarm(number);
                channels.remove(&number);
            }
            return;
        };
        channel.queue(direction).has_changed = false;
        if let Work::Close = operation.work {
            if channel.reads.progress == Progress::Running {
                // The number must not be used again while somebody reads from it.
                channel.writes.operations.push_front(operation);
                channel.writes.progress = Progress::Idle;
                return;
            }
            channel.reads.progress = Progress::Idle;
            let reads = std::mem::take(&mut channel.reads.operations);
            channel.disarm(number);
            channel.keeper = None;
            let _ = operation.descriptor.close();
            channel.nature = Nature::Bad(BAD_DESCRIPTOR);
            drop(channels);
            reads.into_iter().for_each(Operation::cancel);
            operation.complete(Outcome::Closed);
            continue;
        }
        let is_closing = direction == Direction::Read && channel.is_closing();
        drop(channels);
        if is_closing || operation.ticket.wants_cancel() {
            operation.cancel();
            continue;
        }
        if let Some(outcome) = perform(nature, number, &mut operation.work) {
            operation.complete(outcome);
            continue;
        }
        match wait(number, direction, operation) {
            Ok(Progress::Running) => {}
            Ok(Progress::Idle | Progress::Waiting) => return,
            Err(operation) => operation.cancel(),
        }
    }
}

/// Puts an operation back that has to wait until the descriptor is ready. What the direction does then, which is the
/// caller's business only if it is still running. Gives the operation back if it is cancelled.
fn wait(number: RawFd, direction: Direction, operation: Operation) -> Result<Progress, Operation> {
    let mut channels = channels(number);
    let Some(channel) = channels.get_mut(&number) else { return Err(operation) };
    // Whoever cancels says so in the ticket first, and then looks for the operation in its queue.
    if operation.ticket.wants_cancel() || direction == Direction::Read && channel.is_closing() {
        return Err(operation);
    }
    let queue = channel.queue(direction);
    queue.operations.push_front(operation);
    if std::mem::take(&mut queue.has_changed) {
        return Ok(Progress::Running);
    }
    queue.progress = Progress::Waiting;
    // What was read ahead by somebody else in the meantime is there for the taking.
    let come = number == 0 && direction == Direction::Read && standard::has_ahead();
    if come || channel.arm(number).is_err() {
        if !come {
            channel.keeper = None;
            channel.nature = Nature::Direct;
        }
        channel.queue(direction).progress = Progress::Running;
    }
    Ok(channel.queue(direction).progress)
}

/// The poller has found a descriptor ready.
pub(super) fn ready(number: RawFd, readable: bool, writable: bool) {
    let mut channels = channels(number);
    let Some(channel) = channels.get_mut(&number) else { return };
    let nature = channel.nature;
    let mut starting = Vec::new();
    for (direction, is_ready) in [(Direction::Read, readable), (Direction::Write, writable)] {
        let queue = channel.queue(direction);
        match queue.progress {
            Progress::Waiting if is_ready => {
                queue.progress = Progress::Running;
                starting.push(direction);
            }
            Progress::Running if is_ready => queue.has_changed = true,
            Progress::Idle | Progress::Running | Progress::Waiting => {}
        }
    }
    // Unless it watches for changes, the poller forgets what it waits for when it has
    // reported.
    if channel.arm(number).is_err() {
        for direction in [Direction::Read, Direction::Write] {
            let queue = channel.queue(direction);
            if queue.progress == Progress::Waiting {
                queue.progress = Progress::Running;
                starting.push(direction);
            }
        }
    }
    drop(channels);
    for direction in starting {
        start(nature, number, direction);
    }
}

/// Something has changed that the poller does not see: reads that wait are tried again.
pub(super) fn kick(number: RawFd) {
    ready(number, true, false);
}

/// Cancels an operation that is queued or waits.
pub(super) fn cancel(number: RawFd, ticket: &Arc<Ticket>) {
    let mut channels = channels(number);
    let Some(channel) = channels.get_mut(&number) else { return };
    let nature = channel.nature;
    let mut found = None;
    for direction in [Direction::Read, Direction::Write] {
        let queue = channel.queue(direction);
        let Some(at) = queue.operations.iter().position(|operation| Arc::ptr_eq(&operation.ticket, ticket)) else {
            continue;
        };
        let is_close = matches!(queue.operations[at].work, Work::Close);
        if is_close {
            // The port refuses requests already; the close can only be carried out.
            return;
        }
        found = queue.operations.remove(at).map(|operation| (operation, direction));
        let goes_on = at == 0 && queue.progress == Progress::Waiting;
        if goes_on {
            queue.progress = Progress::Running;
        }
        drop(channels);
        if goes_on {
            // The next one, or nothing: then the channel is given up.
            start(nature, number, direction);
        }
        break;
    }
    if let Some((operation, _)) = found {
        operation.cancel();
    }
}

/// Closes an owned descriptor; its operations that wait are cancelled, those of others on the same number fail.
pub(super) fn close(descriptor: &Descriptor) -> std::io::Result<()> {
    let number = descriptor.number();
    let mut cancelled = Vec::new();
    let mut starting = Vec::new();
    let mut patience = 1000;
    let mut channels = loop {
        let mut channels = channels(number);
        let Some(channel) = channels.get_mut(&number) else { break channels };
        for direction in [Direction::Read, Direction::Write] {
            let queue = channel.queue(direction);
            let (own, others) = std::mem::take(&mut queue.operations)
                .into_iter()
                .partition::<VecDeque<_>, _>(|operation| std::ptr::eq(&*operation.descriptor, descriptor));
            queue.operations = others;
            cancelled.extend(own);
        }
        let is_running = [&channel.reads, &channel.writes].iter().any(|queue| queue.progress == Progress::Running);
        if !is_running || patience == 0 {
            break channels;
        }
        // Somebody is inside a system call on this number; it is not to be given to another file meanwhile.
        patience -= 1;
        drop(channels);
        std::thread::sleep(Duration::from_micros(100));
    };
    let mut nature = Nature::Direct;
    if let Some(channel) = channels.get_mut(&number) {
        channel.disarm(number);
        channel.keeper = None;
        channel.nature = Nature::Bad(BAD_DESCRIPTOR);
        nature = channel.nature;
        for direction in [Direction::Read, Direction::Write] {
            let queue = channel.queue(direction);
            if queue.progress == Progress::Waiting {
                queue.progress = Progress::Running;
                starting.push(direction);
            }
        }
    }
    if channels.get(&number).is_some_and(Channel::is_idle) {
        channels.remove(&number);
    }
    let closed = descriptor.close();
    drop(channels);
    for direction in starting {
        start(nature, number, direction);
    }
    cancelled.into_iter().for_each(Operation::cancel);
    closed
}

/// Performs an operation. `None` if the descriptor is not ready for it.
fn perform(nature: Nature, number: RawFd, work: &mut Work) -> Option<Outcome> {
    match work {
        Work::Read { limit } => read(nature, number, (*limit).min(LARGEST_READ) as usize),
        Work::Write { bytes, written, .. } => {
            let failed = write(nature, number, bytes, written)?;
            Some(match failed {
                // After a part was written the rest is the result, not an error.
                Err(error) if *written == 0 => Outcome::Failed(error),
                Err(_) | Ok(()) => Outcome::Bytes(bytes.split_off(*written)),
            })
        }
        Work::Close => Some(Outcome::Closed),
    }
}

fn is_ready(number: RawFd, flags: PollFlags) -> bool {
    let descriptor = borrow(number);
    let mut poll = [PollFd::new(&descriptor, flags)];
    loop {
        match rustix::event::poll(&mut poll, Some(&Timespec::default())) {
            Ok(count) => return count > 0,
            Err(Errno::INTR) => {}
            // The call that follows will say what is wrong.
            Err(_) => return true,
        }
    }
}

fn read(nature: Nature, number: RawFd, limit: usize) -> Option<Outcome> {
    if limit == 0 {
        return Some(Outcome::Bytes(Vec::new()));
    }
    if number == 0 {
        let ahead = standard::take_ahead(limit);
        if !ahead.is_empty() {
            return Some(Outcome::Bytes(ahead));
        }
    }
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.len() < limit {
            buffer.resize(limit, 0);
        }
        read_into(nature, number, &mut buffer[..limit])
    })
}

thread_local! {
    /// What is read comes here first, so that memory for all that might be read is not cleared each time.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn read_into(nature: Nature, number: RawFd, buffer: &mut [u8]) -> Option<Outcome> {
    loop {
        let count = match nature {
            Nature::Bad(errno) => return Some(Outcome::Failed(errno)),
            Nature::Socket => {
                rustix::net::recv(borrow(number), &mut *buffer, RecvFlags::DONTWAIT).map(|(count, _)| count)
            }
            Nature::Pollable if !is_ready(number, PollFlags::IN) => return None,
            Nature::Pollable | Nature::Direct => rustix::io::read(borrow(number), &mut *buffer),
        };
        match count {
            Ok(count) => return Some(Outcome::Bytes(buffer[..count].to_vec())),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => match nature {
                Nature::Direct => std::thread::sleep(Duration::from_millis(1)),
                Nature::Bad(_) | Nature::Socket | Nature::Pollable => return None,
            },
            // A socket that listens has nothing to read, and fails only when a connection has come.
            Err(Errno::NOTCONN) if !is_ready(number, PollFlags::IN) => return None,
            Err(error) => return Some(Outcome::Failed(error.raw_os_error())),
        }
    }
}

/// Writes on. `None` if there is more to write, but not now.
fn write(nature: Nature, number: RawFd, bytes: &[u8], written: &mut usize) -> Option<Result<(), i32>> {
    if let Nature::Bad(errno) = nature {
        return Some(Err(errno));
    }
    while *written < bytes.len() {
        let rest = &bytes[*written..];
        let count = match nature {
            Nature::Bad(errno) => return Some(Err(errno)),
            Nature::Socket => rustix::net::send(borrow(number), rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
            Nature::Pollable if !is_ready(number, PollFlags::OUT) => return None,
            Nature::Pollable => rustix::io::write(borrow(number), &rest[..rest.len().min(PIPE_PIECE)]),
            Nature::Direct => rustix::io::write(borrow(number), rest),
        };
        match count {
            Ok(0) => break,
            Ok(count) => *written += count,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => match nature {
                Nature::Direct => std::thread::sleep(Duration::from_millis(1)),
                Nature::Bad(_) | Nature::Socket | Nature::Pollable => return None,
            },
            Err(error) => return Some(Err(error.raw_os_error())),
        }
    }
    Some(Ok(()))
}
