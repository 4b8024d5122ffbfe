//! Processes as a machine sees them (runtime.md §1 to §6): who runs where, who waits, who has ended.
//!
//! A *slot* of the process table is what others see of a process; it goes from queue to queue while the process is
//! runnable. A *worker* is a thread that runs processes; it has a run queue of its own and takes work from others
//! when it has none. Which thread has a process is decided by the word in its mailbox ([`mailbox`]): it is either
//! parked there, or in exactly one queue, or run by exactly one worker.
//!
//! The lock-free parts (`mailbox`, `exit`, `idle`, `deadline`) know nothing of the rest; `tests/models.rs` runs them
//! through all interleavings.

mod deadline;
mod death;
mod exit;
mod gate;
mod idle;
pub mod mailbox;
pub mod memory;
mod queue;
mod records;
pub mod stats;
mod sync;
pub mod table;
mod timers;
mod wheel;
mod worker;

pub use worker::Worker;

use crate::cell::Cell;
use crate::code::NameSlot;
use crate::heap::Heap;
use crate::machine::{Limits, Machine};
use crate::process::roots::Found;
use crate::raise::{Raise, Raised, discard};
use crate::value::release;
use crossbeam::deque::Injector;
use crossbeam::sync::{Parker, Unparker};
use crossbeam::utils::CachePadded;
use exit::{Crowds, Standing};
use gate::Gate;
use idle::Idle;
use mailbox::{Node, Sent};
use queue::{RunQueue, Shares, Task};
use records::Records;
use stats::Counters;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use table::{FIRST_PID, Stage, Table};
use timers::Timers;

/// The machine as processes and workers refer to it: without counting, since it outlives them.
pub struct MachineRef(NonNull<Arc<Machine>>);

// SAFETY: it refers to something that all threads may use.
unsafe impl Send for MachineRef {}
// SAFETY: as above.
unsafe impl Sync for MachineRef {}

impl Deref for MachineRef {
    type Target = Arc<Machine>;
    fn deref(&self) -> &Arc<Machine> {
        // SAFETY: `Scheduler::run_program` keeps it until all workers have ended, and processes run on workers only.
        unsafe { self.0.as_ref() }
    }
}

impl MachineRef {
    /// Another one.
    pub fn again(&self) -> MachineRef {
        MachineRef(self.0)
    }
}

/// What others see of a worker.
struct Lane {
    counters: Counters,
    shares: Shares,
    unparker: Unparker,
    /// What its thread starts with.
    seed: Mutex<Option<(RunQueue, Parker)>>,
}

/// All processes of a machine.
pub struct Scheduler {
    table: Table,
    lanes: Box<[CachePadded<Lane>]>,
    /// Runnable processes from threads that are not workers.
    injector: Injector<Task>,
    idle: Idle,
    gate: Gate,
    crowds: Crowds,
    timers: Timers,
    records: Records,
    limits: Limits,
    /// Living processes; counted only if there is a limit.
    alive: AtomicU64,
    /// Messages from threads that are not workers.
    posted: AtomicU64,
    machine: OnceLock<MachineRef>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stopped: AtomicBool,
    /// The limit that made it stop.
    exceeded: OnceLock<String>,
    exit_code: AtomicI32,
}

thread_local! {
    /// The scheduler whose gate this thread is inside of.
    static INSIDE: std::cell::Cell<*const Scheduler> = const { std::cell::Cell::new(std::ptr::null()) };
}

/// What a process finds when it asks for the outcome of another.
pub enum Joined {
    /// The outcome, which is taken now.
    Outcome(Result<Cell, Raise>),
    /// Nobody can join it, or somebody has.
    Impossible,
    /// It still runs.
    Running,
}

impl Scheduler {
    /// For that many workers.
    pub fn new(workers: usize, limits: Limits) -> Scheduler {
        let workers = workers.max(1);
        let lanes = (0..workers).map(|_| {
            let queue = RunQueue::new();
            let parker = Parker::new();
            CachePadded::new(Lane {
                counters: Counters::default(),
                shares: queue.shares(),
                unparker: parker.unparker().clone(),
                seed: Mutex::new(Some((queue, parker))),
            })
        });
        Scheduler {
            table: Table::default(),
            lanes: lanes.collect(),
            injector: Injector::new(),
            idle: Idle::new(workers),
            gate: Gate::new(),
            crowds: Crowds::default(),
            timers: Timers::default(),
            records: Records::default(),
            limits,
            alive: AtomicU64::new(0),
            posted: AtomicU64::new(0),
            machine: OnceLock::new(),
            threads: Mutex::default(),
            stopped: AtomicBool::new(false),
            exceeded: OnceLock::new(),
            exit_code: AtomicI32::new(0),
        }
    }

    /// Something outside the processes has happened that `pid` may wait for ([`crate::process::Wait::Event`]).
    /// Callable from any thread, before or after the process has begun to wait; it then executes its instruction
    /// again. A call too many does no harm.
    pub fn notify(&self, pid: u64) {
        if let Some(slot) = self.table.get(pid)
            && slot.mailbox.wake()
        {
            self.inject(slot);
        }
    }

    /// Appends a message to a mailbox from a thread that is not a worker. Gives it back if there is no such process
    /// any more, or its mailbox is full.
    pub fn post(&self, pid: u64, message: Cell) -> Result<(), Cell> {
        let Some(slot) = self.table.get(pid) else { return Err(message) };
        if let Some(most) = self.limits.mailbox
            && !slot.count_message(most)
        {
            return Err(message);
        }
        match slot.mailbox.send(Node::new(pid, message)) {
            Sent::Queued => {}
            Sent::Wakes => self.inject(slot),
            Sent::Refused(node) => return Err(node.message),
        }
        self.posted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes a process runnable from a thread that is not a worker.
    fn inject(&self, task: Task) {
        self.injector.push(task);
        self.call_worker();
    }

    /// A worker has more to do than the process it runs next: wakes another one, if one sleeps and nobody is
    /// looking already.
    #[inline]
    fn offer_work(&self) {
        if let Some(worker) = self.idle.worker_for_surplus() {
            self.wake_worker(worker);
        }
    }

    /// There is new work outside of the workers' queues: wakes a worker, if one sleeps and nobody is looking already.
    fn call_worker(&self) {
        if let Some(worker) = self.idle.worker_for_work() {
            self.wake_worker(worker);
        }
    }

    #[cold]
    fn wake_worker(&self, index: usize) {
        let seed = self.lanes[index].seed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((queue, parker)) = seed else { return self.lanes[index].unparker.unpark() };
        let mut worker = Worker::new(self.machine(), index, queue, parker);
        self.start_thread("viua-process", move || {
            let scheduler = worker.scheduler();
            scheduler.inside(|| worker.run_as_searcher());
        });
    }

    /// Starts a thread that ends before `run_program` does.
    fn start_thread(&self, name: &str, body: impl FnOnce() + Send + 'static) {
        // Locked before it runs: if it ends everything at once, `run` still finds it.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return;
        }
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                // Without threads nothing that was promised can be kept.
                eprintln!("viua: cannot start a thread: {error}");
                std::process::exit(1);
            }
        }
    }

    fn machine(&self) -> MachineRef {
        self.machine.get().expect("the machine is set before anything runs").again()
    }

    /// Whether there is something to run in any queue.
    fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.lanes.iter().any(|lane| !lane.shares.is_empty())
    }

    /// Takes the outcome of a process.
    pub fn join(&self, worker: &mut Worker, joiner: u64, pid: u64) -> Joined {
        let Some(slot) = self.table.get(pid) else { return Joined::Impossible };
        match slot.exit.join(slot.place(), joiner, &self.crowds) {
            Standing::Detached => Joined::Impossible,
            // If the slot has changed hands, nobody else will wake the joiner.
            Standing::Running if slot.is(pid) => Joined::Running,
            Standing::Running => Joined::Impossible,
            Standing::Ended => {
                if !slot.claim(pid) {
                    return Joined::Impossible;
                }
                // SAFETY: the slot has been claimed; the stage is `Free` then.
                unsafe {
                    let stage = std::mem::take(slot.stage());
                    self.table.release(slot, worker.spare_slots());
                    match stage {
                        Stage::Ended(outcome) => Joined::Outcome(outcome),
                        Stage::Free | Stage::Unborn(..) | Stage::Alive(_) => Joined::Impossible,
                    }
                }
            }
        }
    }

    /// A process and those that started it: function and pid each, the process itself first. Not all of those that
    /// have ended are remembered.
    pub fn ancestry(&self, pid: u64) -> Vec<(Option<&'static NameSlot>, u64)> {
        self.table.ancestry(pid)
    }

    /// The joiner does not wait for the process any more.
    pub fn stop_joining(&self, joiner: u64, pid: u64) {
        if let Some(slot) = self.table.get(pid) {
            slot.exit.leave(slot.place(), joiner, &self.crowds);
        }
    }

    /// Runs a program from its entry point until all processes have ended. Once for each scheduler.
    pub fn run_program(machine: &Arc<Machine>, function: &'static NameSlot, arguments: Vec<Cell>) -> i32 {
        Scheduler::run(machine, function, arguments, false);
        if machine.scheduler.exceeded().is_some() {
            return 1;
        }
        machine.scheduler.exit_code.load(Ordering::Relaxed)
    }

    /// Runs a function in a process of its own until all processes have ended. Its result (an empty cell if it has
    /// none) or its exception.
    pub fn call(machine: &Arc<Machine>, function: &'static NameSlot, arguments: Vec<Cell>) -> Result<Cell, Raise> {
        Scheduler::run(machine, function, arguments, true);
        if let Some(text) = machine.scheduler.exceeded() {
            return limit(text.to_owned());
        }
        let Some(slot) = machine.scheduler.table.get(FIRST_PID) else { return Ok(Cell::EMPTY) };
        // SAFETY: no worker runs any more.
        match unsafe { std::mem::take(slot.stage()) } {
            Stage::Ended(outcome) => outcome,
            Stage::Free | Stage::Unborn(..) | Stage::Alive(_) => Ok(Cell::EMPTY),
        }
    }

    fn run(machine: &Arc<Machine>, function: &'static NameSlot, arguments: Vec<Cell>, joinable: bool) {
        let scheduler = &machine.scheduler;
        if scheduler.machine.set(MachineRef(NonNull::from(machine))).is_err() {
            return;
        }
        let seed = scheduler.lanes[0].seed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((queue, parker)) = seed else { return };
        let mut worker = Worker::new(scheduler.machine(), 0, queue, parker);
        let watch = scheduler.watch_time();
        scheduler.inside(|| {
            // SAFETY: a slot holds null or a body, and none is given back within a slice.
            let Some(body) = (unsafe { function.function().as_ref() }) else { return };
            match worker.spawn(0, body, arguments.into(), joinable) {
                Ok(_) => worker.run(),
                Err(raise) => discard(&mut Heap::default(), raise),
            }
        });
        drop(worker);
        if let Some(watch) = watch {
            scheduler.stopped.store(true, Ordering::SeqCst);
            watch.unpark();
        }
        scheduler.timers.stop();
        loop {
            let thread = scheduler.threads.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(thread) = thread else { break };
            if thread.join().is_err() {
                std::process::exit(1);
            }
        }
    }

    /// All workers sleep: is there anything that could wake them?
    fn is_over(&self) -> bool {
        let sum = |counter: fn(&Counters) -> &AtomicU64| {
            self.lanes.iter().map(|lane| counter(&lane.counters).load(Ordering::Relaxed)).sum::<u64>()
        };
        sum(|counters| &counters.ended) == sum(|counters| &counters.born)
    }

    /// All processes have ended: the workers end.
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        for lane in &self.lanes {
            lane.unparker.unpark();
        }
    }

    /// Stops everything because of a limit, in the middle of what the processes do.
    #[cold]
    fn exceed(&self, text: String) {
        // The first one counts.
        let _ = self.exceeded.set(format!("program exceeds its limit of {text}"));
        self.stop();
    }

    /// The limit that made it stop.
    pub fn exceeded(&self) -> Option<&str> {
        self.exceeded.get().map(String::as_str)
    }

    /// Sees to it that the program does not take longer than it may.
    fn watch_time(&self) -> Option<Unparker> {
        let time = self.limits.time?;
        let until = Instant::now().checked_add(time)?;
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let machine = self.machine();
        self.start_thread("viua-limit", move || {
            let scheduler = &machine.scheduler;
            while !scheduler.is_stopped() {
                if Instant::now() >= until {
                    return scheduler.exceed(format!("{} ms", time.as_millis()));
                }
                parker.park_deadline(until);
            }
        });
        Some(unparker)
    }

    /// Runs a worker.
    fn inside(&self, work: impl FnOnce()) {
        self.gate.enter();
        let outer = INSIDE.replace(self);
        work();
        INSIDE.set(outer);
        self.gate.leave();
    }

    /// Does something that may wait for the workers; the present thread may be one of them.
    pub fn outside<T>(&self, work: impl FnOnce() -> T) -> T {
        if !std::ptr::eq(INSIDE.get(), self) {
            return work();
        }
        self.gate.leave();
        INSIDE.set(std::ptr::null());
        let outcome = work();
        self.gate.enter();
        INSIDE.set(self);
        outcome
    }

    /// Does something while all workers stand still between two slices, or sleep. It waits for the longest slice that
    /// is being run. To be called from outside ([`Scheduler::outside`]).
    pub fn while_nobody_runs<T>(&self, work: impl FnOnce() -> T) -> T {
        self.gate.while_closed(work)
    }

    /// Finds all bodies that processes refer to. O(processes and their frames). No worker may be inside.
    pub fn bodies(&self, found: Found) {
        for slot in self.table.all() {
            // SAFETY: nobody runs, so processes stay what they are.
            match unsafe { slot.stage() } {
                Stage::Unborn(start) => found(start.body()),
                // SAFETY: as above.
                Stage::Alive(process) => unsafe { process.as_ref() }.bodies(found),
                Stage::Ended(_) | Stage::Free => {}
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Destroys all processes and what waits for them. No worker runs any more.
    pub fn clear(&mut self) {
        for slot in self.table.all() {
            // SAFETY: nobody else is left.
            match unsafe { std::mem::take(slot.stage()) } {
                Stage::Unborn(mut start) => {
                    for argument in start.cells() {
                        release(&mut Heap::default(), *argument);
                    }
                }
                Stage::Ended(Ok(result)) => release(&mut Heap::default(), result),
                Stage::Ended(Err(exception)) => discard(&mut Heap::default(), exception),
                // Records are destroyed with the stock they belong to.
                Stage::Alive(_) | Stage::Free => {}
            }
            let mut messages = slot.mailbox.close();
            while let Some(node) = messages.pop() {
                release(&mut Heap::default(), node.message);
            }
        }
        self.records.clear();
    }
}

/// `Process_cannot_be_joined = <pid>`.
pub fn cannot_be_joined<T>(pid: u64) -> Result<T, Raise> {
    let mut form = Vec::new();
    crate::print::pid(pid, &mut form);
    Raised::tagged("Process_cannot_be_joined", form)
}

/// `Limit = …`: a bound that whoever started the machine has set.
pub fn limit<T>(text: String) -> Result<T, Raise> {
    Raised::tagged("Limit", text)
}
