//! Processes as a machine sees them: the run queue, mailboxes, waiting, death and watchdogs (runtime.md §1 to §5).
//!
//! One worker runs all processes, slice by slice; everything it shares with the instructions that concern other
//! processes is behind one lock.

use crate::atom::Atom;
use crate::cell::{Cell, kind};
use crate::code::Body;
use crate::cross;
use crate::dispatch;
use crate::heap::Heap;
use crate::machine::{Machine, exit_code};
use crate::process::{Process, Status, Wait};
use crate::raise::{Raise, Raised, discard};
use crate::report;
use crate::value::{Struct, Vector, release};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The number of the main process.
const MAIN: u64 = 1;

/// All processes of a machine.
#[derive(Default)]
pub struct Scheduler {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Box<Process>>,
    table: FxHashMap<u64, Entry>,
    /// Deadlines of waiting processes; those of waits that are over are skipped.
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    last_pid: u64,
    alive: usize,
}

struct Entry {
    mailbox: VecDeque<Cell>,
    parked: Option<Box<Process>>,
    joinable: bool,
    outcome: Option<Result<Cell, Raise>>,
    joiners: Vec<u64>,
    /// `notify` was called since the process last waited for it.
    notified: bool,
}

// SAFETY: cells in mailboxes and outcomes have left their process (`cross::leave`) and own all they refer to.
unsafe impl Send for Entry {}

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
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process. The arguments must have left the process they come from.
    pub fn spawn(&self, machine: &Arc<Machine>, body: &'static Body, arguments: Vec<Cell>, joinable: bool) -> u64 {
        let mut state = self.lock();
        state.last_pid += 1;
        let pid = state.last_pid;
        let process = Process::new(machine.clone(), pid, body, arguments, pid == MAIN);
        state.table.insert(
            pid,
            Entry {
                mailbox: VecDeque::new(),
                parked: None,
                joinable,
                outcome: None,
                joiners: Vec::new(),
                notified: false,
            },
        );
        state.alive += 1;
        state.ready.push_back(process);
        pid
    }

    /// Appends a message to a mailbox; false if there is no such process any more.
    pub fn send(&self, pid: u64, message: Cell) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.table.get_mut(&pid).filter(|entry| entry.outcome.is_none()) else {
            return false;
        };
        entry.mailbox.push_back(message);
        if entry.parked.as_ref().is_some_and(|process| process.wait == Some(Wait::Message)) {
            state.wake(pid);
        }
        true
    }

    /// Takes the oldest message.
    pub fn receive(&self, pid: u64) -> Option<Cell> {
        self.lock().table.get_mut(&pid)?.mailbox.pop_front()
    }

    /// Something outside the processes has happened that `pid` may wait for ([`Wait::Event`]). Callable from any
    /// thread, before or after the process has begun to wait; it then executes its instruction again. A call too
    /// many does no harm.
    pub fn notify(&self, pid: u64) {
        let mut state = self.lock();
        let Some(entry) = state.table.get_mut(&pid) else { return };
        if entry.parked.as_ref().is_some_and(|process| process.wait == Some(Wait::Event)) {
            state.wake(pid);
            self.changed.notify_all();
        } else {
            entry.notified = true;
        }
    }

    /// Takes the outcome of a process.
    pub fn join(&self, joiner: u64, pid: u64) -> Joined {
        let mut state = self.lock();
        let Some(entry) = state.table.get_mut(&pid).filter(|entry| entry.joinable) else {
            return Joined::Impossible;
        };
        match entry.outcome.take() {
            Some(outcome) => {
                state.table.remove(&pid);
                Joined::Outcome(outcome)
            }
            None => {
                if !entry.joiners.contains(&joiner) {
                    entry.joiners.push(joiner);
                }
                Joined::Running
            }
        }
    }

    /// Runs a program from its entry point until all processes have ended.
    pub fn run_program(machine: &Arc<Machine>, body: &'static Body, arguments: Vec<Cell>) -> i32 {
        let scheduler = &machine.scheduler;
        scheduler.spawn(machine, body, arguments, false);
        let mut code = 0;
        while let Some(mut process) = scheduler.next() {
            match dispatch::run(&mut process) {
                Status::Suspended | Status::Continue => scheduler.lock().ready.push_back(process),
                Status::Blocked => scheduler.park(process, machine),
                Status::Done => {
                    let is_main = process.pid == MAIN;
                    let after_watchdog = process.has_watchdog && !process.has_entry_frame;
                    let halted = process.halted;
                    let result = scheduler.finish(process);
                    if let (true, Some(result)) = (is_main, result) {
                        code = if halted { 0 } else { exit_code(result, after_watchdog) };
                    }
                }
                Status::Exception => {
                    let is_main = process.pid == MAIN;
                    if scheduler.died(process, machine) && is_main {
                        code = 1;
                    }
                }
            }
        }
        code
    }

    /// The next process to run; waits for one. `None` when all have ended.
    fn next(&self) -> Option<Box<Process>> {
        let mut state = self.lock();
        loop {
            state.expire(Instant::now());
            if let Some(process) = state.ready.pop_front() {
                return Some(process);
            }
            if state.alive == 0 {
                return None;
            }
            state = match state.timers.peek() {
                Some(Reverse((deadline, _))) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Sets a process aside until what it waits for happens, which may already be the case.
    fn park(&self, process: Box<Process>, machine: &Machine) {
        let mut state = self.lock();
        let pid = process.pid;
        let come = match process.wait {
            Some(Wait::Message) => state.table.get(&pid).is_some_and(|entry| !entry.mailbox.is_empty()),
            Some(Wait::Process(other)) => state.table.get(&other).is_none_or(|entry| entry.outcome.is_some()),
            Some(Wait::Event) => state.table.get_mut(&pid).is_none_or(|entry| std::mem::take(&mut entry.notified)),
            None => true,
        };
        if come {
            return state.ready.push_back(process);
        }
        if let Some(Some(deadline)) = process.deadline {
            state.timers.push(Reverse((deadline, pid)));
        }
        if let Some(entry) = state.table.get_mut(&pid) {
            entry.parked = Some(process);
        }
        if state.ready.is_empty() {
            // Soon after the last output: nothing else is going to happen now.
            machine.output.flush();
        }
    }

    /// A process has ended with a result. That of a detached one is returned.
    fn finish(&self, mut process: Box<Process>) -> Option<Cell> {
        let pid = process.pid;
        let mut outcome = process.outcome.take().unwrap_or(Ok(Cell::EMPTY));
        if let Ok(result) = &mut outcome
            && let Err(raise) = cross::leave(&mut process.heap, pid, result)
        {
            release(&mut process.heap, std::mem::replace(result, Cell::EMPTY));
            outcome = Err(raise);
        }
        drop(process);
        self.end(pid, outcome).and_then(Result::ok)
    }

    /// The process is gone; its outcome waits for a join, or comes back if nobody can.
    fn end(&self, pid: u64, outcome: Result<Cell, Raise>) -> Option<Result<Cell, Raise>> {
        let mut state = self.lock();
        state.alive -= 1;
        let entry = state.table.get_mut(&pid)?;
        let messages = std::mem::take(&mut entry.mailbox);
        let joiners = std::mem::take(&mut entry.joiners);
        let left = if entry.joinable {
            entry.outcome = Some(outcome);
            None
        } else {
            state.table.remove(&pid);
            Some(outcome)
        };
        for joiner in joiners {
            state.wake(joiner);
        }
        drop(state);
        for message in messages {
            release(&mut Heap::default(), message);
        }
        left
    }

    /// A process has died of an exception. True if that was its end, false if a watchdog takes over.
    fn died(&self, mut process: Box<Process>, machine: &Machine) -> bool {
        let pid = process.pid;
        let joinable = self.lock().table.get(&pid).is_some_and(|entry| entry.joinable);
        if !joinable {
            if start_watchdog(&mut process) {
                self.lock().ready.push_back(process);
                return false;
            }
            report::uncaught(machine, &mut process);
        }
        let Some(Err(exception)) = process.outcome.take() else { return true };
        let mut cell = Cell::boxed(kind::EXCEPTION, exception);
        process.drop_stacks();
        let outcome = match cross::leave(&mut process.heap, pid, &mut cell) {
            Ok(()) => Err(crate::raise::thrown(cell)),
            Err(raise) => {
                release(&mut process.heap, cell);
                Err(raise)
            }
        };
        drop(process);
        if let Some(Err(exception)) = self.end(pid, outcome) {
            discard(&mut Heap::default(), exception);
        }
        true
    }

    /// Destroys all processes and what waits for them.
    pub fn clear(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.ready.clear();
        for (_, entry) in state.table.drain() {
            for message in entry.mailbox {
                release(&mut Heap::default(), message);
            }
            match entry.outcome {
                Some(Ok(result)) => release(&mut Heap::default(), result),
                Some(Err(exception)) => discard(&mut Heap::default(), exception),
                None => {}
            }
        }
    }
}

impl State {
    fn wake(&mut self, pid: u64) {
        if let Some(process) = self.table.get_mut(&pid).and_then(|entry| entry.parked.take()) {
            self.ready.push_back(process);
        }
    }

    /// Wakes the processes whose deadline has passed; they find out themselves that nothing else has happened.
    fn expire(&mut self, now: Instant) {
        while let Some(Reverse((deadline, pid))) = self.timers.peek().copied() {
            if deadline > now {
                return;
            }
            self.timers.pop();
            let waits = self.table.get(&pid).and_then(|entry| entry.parked.as_ref());
            if waits.is_some_and(|process| process.deadline == Some(Some(deadline))) {
                self.wake(pid);
            }
        }
    }
}

/// Lets the watchdog of a process take over, if it has one that has not run (runtime.md §4.3).
fn start_watchdog(process: &mut Process) -> bool {
    let Some((name, mut arguments)) = process.watchdog.take() else { return false };
    let bottom = process.bottom_frame();
    // SAFETY: the bottom frame of the first stack is still there.
    let function = match unsafe { process.extra_of(bottom) }.and_then(|extra| extra.name) {
        Some(first) => first,
        None => process.function_of(bottom).name,
    };
    let has_entry = process.has_entry_frame;
    // A process whose bottom function is the watchdog is its own failed watchdog.
    let body = if !has_entry && std::ptr::eq(function, name) { None } else { unsafe { name.function().as_ref() } };
    let (Some(body), Some(Err(exception))) = (body, process.outcome.take_if(|outcome| outcome.is_err())) else {
        for argument in arguments {
            release(&mut process.heap, argument);
        }
        return false;
    };
    let function = if has_entry { process.machine.slot("__entry") } else { function };
    let parameters = if has_entry { Vec::new() } else { process.take_parameters(bottom) };
    let message = Cell::boxed(
        kind::STRUCT,
        Box::new(Struct {
            fields: BTreeMap::from([
                (Atom::intern(b"exception"), Cell::boxed(kind::EXCEPTION, exception)),
                (Atom::intern(b"function"), Cell::new(kind::FUNCTION, std::ptr::from_ref(function) as u64)),
                (Atom::intern(b"parameters"), Cell::boxed(kind::VECTOR, Box::new(Vector::of(parameters)))),
            ]),
        }),
    );
    process.drop_stacks();
    process.has_entry_frame = false;
    match arguments.first_mut() {
        Some(first) => {
            let reserved = std::mem::replace(first, message);
            release(&mut process.heap, reserved);
        }
        None => release(&mut process.heap, message),
    }
    process.start(body, arguments, None);
    true
}

/// `Process_cannot_be_joined = <pid>`.
pub fn cannot_be_joined<T>(pid: u64) -> Result<T, Raise> {
    let mut form = Vec::new();
    crate::print::pid(pid, &mut form);
    Raised::tagged("Process_cannot_be_joined", form)
}
