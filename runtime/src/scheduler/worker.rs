//! A worker: the thread that runs processes, slice by slice, and what it keeps for itself so that the usual
//! cases (a process that begins or ends, a message, a wake-up) touch nothing that other workers use.

use super::idle::Searcher;
use super::mailbox::{Node, Sent};
use super::memory::allocated;
use super::queue::{RunQueue, Task};
use super::records::SpareRecords;
use super::stats::{Counters, add};
use super::table::{Arguments, SpareSlots, Stage};
use super::{Lane, MachineRef, Scheduler, limit};
use crate::cell::Cell;
use crate::code::Body;
use crate::dispatch::{self, SLICE};
use crate::heap::Heap;
use crate::machine::Machine;
use crate::process::{Process, Status, Wait};
use crate::raise::Raise;
use crate::unwind;
use crate::value::release;
use crossbeam::sync::Parker;
use std::sync::atomic::Ordering;

/// What beginning or going on with a process counts for, in reductions: a chain of processes that do nothing
/// but wake each other uses up its slice, too.
const RUN_REDUCTIONS: i64 = 4;
/// That many empty messages a worker keeps; a burst of more goes back to the allocator.
const SPARE_NODES: usize = 1024;
/// Times that a worker looks everywhere for work before it sleeps: a few microseconds.
const SEARCHES: usize = 8;
/// Output is flushed when a worker has run that many slices without sleeping: within some 20 milliseconds.
const ROUNDS_TO_FLUSH: u32 = 16;

/// A worker.
pub struct Worker {
    machine: MachineRef,
    index: usize,
    pub(super) queue: RunQueue,
    parker: Parker,
    spare_slots: SpareSlots,
    pub(super) spare_records: SpareRecords,
    #[allow(clippy::vec_box)] // the boxes are what is kept
    spare_nodes: Vec<Box<Node<Cell>>>,
    /// When it last took a process out of its queue, others were left.
    had_more: bool,
    random: u32,
    rounds: u32,
}

// SAFETY: a worker is sent to its thread before it has anything, and stays there.
unsafe impl Send for Worker {}

impl Worker {
    pub(super) fn new(machine: MachineRef, index: usize, queue: RunQueue, parker: Parker) -> Worker {
        Worker {
            machine,
            index,
            queue,
            parker,
            spare_slots: SpareSlots::new(),
            spare_records: SpareRecords::new(),
            spare_nodes: Vec::new(),
            had_more: false,
            random: index as u32 * 2 + 1,
            rounds: 0,
        }
    }

    pub(super) fn machine(&self) -> &'static Machine {
        // SAFETY: the machine outlives its workers and what they run.
        unsafe { &*std::ptr::from_ref::<Machine>(&self.machine) }
    }
    pub(super) fn scheduler(&self) -> &'static Scheduler {
        &self.machine().scheduler
    }
    fn lane(&self) -> &'static Lane {
        &self.scheduler().lanes[self.index]
    }
    pub(super) fn counters(&self) -> &'static Counters {
        &self.lane().counters
    }
    pub(super) fn spare_slots(&mut self) -> &mut SpareSlots {
        &mut self.spare_slots
    }

    /// Makes a process. The arguments must have left the process they come from; they are destroyed if there
    /// cannot be another process. `parent` is the pid of the process that starts it, or 0.
    pub fn spawn(
        &mut self,
        parent: u64,
        body: &'static Body,
        mut arguments: Arguments,
        joinable: bool,
    ) -> Result<u64, Raise> {
        let scheduler = self.scheduler();
        if let Some(most) = scheduler.limits.processes
            && scheduler.alive.fetch_add(1, Ordering::Relaxed) >= most
        {
            scheduler.alive.fetch_sub(1, Ordering::Relaxed);
            arguments.cells().iter().for_each(|cell| release(&mut Heap::default(), *cell));
            return limit(format!("number of processes exceeds its limit of {most}"));
        }
        let Some(slot) = scheduler.table.make(&mut self.spare_slots, joinable, parent, body, arguments) else {
            return limit("number of processes exceeds what can be told apart".to_owned());
        };
        add(&self.counters().born, 1);
        let pid = slot.pid();
        self.queue.push(slot);
        Ok(pid)
    }

    /// Appends a message to a mailbox; false if there is no such process any more.
    pub fn send(&mut self, pid: u64, message: Cell) -> Result<bool, Raise> {
        let Some(slot) = self.scheduler().table.get(pid) else { return Ok(false) };
        if let Some(most) = self.scheduler().limits.mailbox
            && !slot.count_message(most)
        {
            let mut form = b"mailbox of ".to_vec();
            crate::print::pid(pid, &mut form);
            return limit(format!("{} exceeds its limit of {most} messages", String::from_utf8_lossy(&form)));
        }
        let node = match self.spare_nodes.pop() {
            Some(mut node) => {
                (node.receiver, node.message) = (pid, message);
                node
            }
            None => Node::new(pid, message),
        };
        match slot.mailbox.send(node) {
            Sent::Queued => {}
            Sent::Wakes => self.queue.push(slot),
            Sent::Refused(node) => {
                self.keep(node);
                return Ok(false);
            }
        }
        add(&self.counters().sent, 1);
        Ok(true)
    }

    /// A message has been taken out of a mailbox.
    pub fn received(&mut self, slot: Task, node: Box<Node<Cell>>) {
        self.keep(node);
        add(&self.counters().received, 1);
        if self.scheduler().limits.mailbox.is_some() {
            slot.uncount_message();
        }
    }

    pub(super) fn keep(&mut self, node: Box<Node<Cell>>) {
        if self.spare_nodes.len() < SPARE_NODES {
            self.spare_nodes.push(node);
        }
    }

    /// Runs processes until all have ended.
    pub(super) fn run(&mut self) {
        while let Some((task, slice)) = self.next() {
            if !self.execute(task, slice) {
                break;
            }
        }
        self.scheduler().records.give_back(&mut self.spare_records, 0);
    }

    /// As [`Worker::run`], for a worker that is woken to look for work.
    pub(super) fn run_as_searcher(&mut self) {
        if let Some((task, slice)) = self.search(true)
            && self.execute(task, slice)
        {
            self.run();
        }
    }

    fn next(&mut self) -> Option<(Task, i64)> {
        if self.queue.is_round() {
            self.round();
        }
        if let Some(next) = self.queue.pop() {
            // Other workers are called when something has waited for a run: who has just been woken by a message
            // is no reason to wake a thread, since soon the sender will wait for an answer.
            let has_more = !self.queue.has_nothing_to_steal();
            if has_more && self.had_more {
                self.scheduler().offer_work();
            }
            self.had_more = has_more;
            return Some(next);
        }
        self.had_more = false;
        if let Some(task) = self.queue.fetch(&self.scheduler().injector) {
            return Some((task, SLICE));
        }
        self.search(false)
    }

    /// From time to time: looks at what comes from outside.
    #[cold]
    fn round(&mut self) {
        self.queue.take_in(&self.scheduler().injector);
        self.counters().allocated.store(allocated(), Ordering::Relaxed);
        self.rounds += 1;
        if self.rounds >= ROUNDS_TO_FLUSH {
            self.rounds = 0;
            self.machine().output.flush();
        }
    }

    /// Looks for work at other workers; sleeps if there is none. `None` when everything is over.
    #[cold]
    fn search(&mut self, is_searcher: bool) -> Option<(Task, i64)> {
        let scheduler = self.scheduler();
        let task = scheduler.idle.search(self.index, scheduler.lanes.len(), is_searcher, self)?;
        Some((task, SLICE))
    }

    /// Runs a process until it is preempted, or waits, or has ended. False if the machine has been stopped: nothing
    /// runs any more.
    fn execute(&mut self, slot: Task, mut left: i64) -> bool {
        // SAFETY: who has the task has the process.
        let stage = unsafe { slot.stage() };
        let process = match stage {
            Stage::Alive(process) => *process,
            Stage::Unborn(..) => {
                let process = self.scheduler().records.take(&mut self.spare_records, &self.machine);
                let Stage::Unborn(mut start) = std::mem::replace(stage, Stage::Alive(process)) else {
                    return true;
                };
                // A function that another program calls has no entry frame; its outcome is taken as by a join.
                let is_main = slot.pid() == super::table::FIRST_PID && !slot.exit.is_joinable();
                // SAFETY: the record is blank and ours.
                unsafe { (*process.as_ptr()).begin(slot, start.body(), start.cells(), is_main) };
                process
            }
            Stage::Free | Stage::Ended(_) => return true,
        };
        let p = process.as_ptr();
        let limits = &self.scheduler().limits;
        loop {
            if self.scheduler().gate.is_closed() {
                self.scheduler().gate.step_aside();
            }
            if limits.have_end() && !self.scheduler().grant(&mut left) {
                return false;
            }
            // SAFETY: the process is ours until it is parked or pushed into a queue.
            let (status, wait) = unsafe {
                (*p).worker = self;
                let status = if limits.have_memory() {
                    run_limited(self.scheduler(), self.counters(), &mut *p, left)
                } else {
                    dispatch::run(&mut *p, left)
                };
                (status, (*p).wait)
            };
            // SAFETY: as above.
            let spent = left - unsafe { (*p).reductions };
            left = left - spent - RUN_REDUCTIONS;
            self.queue.charge(spent + RUN_REDUCTIONS, left);
            let counters = self.counters();
            add(&counters.reductions, spent as u64);
            add(&counters.runs, 1);
            match status {
                Status::Suspended | Status::Continue => {
                    add(&counters.preempted, 1);
                    if self.is_alone() {
                        left = SLICE;
                        if self.queue.is_round() {
                            self.round();
                        }
                        continue;
                    }
                    // What comes from outside waits no longer than what is here.
                    self.queue.take_in(&self.scheduler().injector);
                    self.queue.push_preempted(slot);
                    return true;
                }
                Status::Blocked => {
                    // SAFETY: as above.
                    if let Some(deadline) = unsafe { (*p).deadline }
                        && self.scheduler().timers.set(slot, deadline)
                    {
                        self.start_timers();
                    }
                    if slot.mailbox.park(wait == Some(Wait::Message)) {
                        return true;
                    }
                    // Something has come meanwhile. It goes on, with a slice of its own if this one is used up:
                    // who has been woken is not preempted before it has looked.
                    if left <= 0 {
                        left = RUN_REDUCTIONS;
                    }
                }
                Status::Done => {
                    self.finish(slot, process);
                    return true;
                }
                Status::Exception => {
                    if self.die(slot, process) {
                        return true;
                    }
                    left = left.max(RUN_REDUCTIONS);
                }
            }
        }
    }

    /// Whether there is nobody else to run.
    fn is_alone(&self) -> bool {
        self.queue.is_empty() && self.scheduler().injector.is_empty()
    }

    fn start_timers(&self) {
        let machine = self.machine.again();
        self.scheduler().start_thread("viua-timers", move || {
            let scheduler = &machine.scheduler;
            scheduler.timers.run(&scheduler.table, |slot| {
                if slot.mailbox.wake() {
                    scheduler.inject(slot);
                }
            });
        });
    }
}

impl Scheduler {
    /// Cuts a slice down to what is left of the reductions. False if there are none left, or the machine has been
    /// stopped already.
    #[cold]
    fn grant(&self, slice: &mut i64) -> bool {
        if let Some(most) = self.limits.reductions {
            let used = self.lanes.iter().map(|lane| lane.counters.reductions.load(Ordering::Relaxed)).sum::<u64>();
            match i64::try_from(most.saturating_sub(used)) {
                Ok(0) => self.exceed(format!("{most} reductions")),
                Ok(left) => *slice = left.min(*slice),
                Err(_) => {}
            }
        }
        !self.is_stopped()
    }
}

impl Searcher for Worker {
    type Task = Task;

    fn look_around(&mut self) -> Option<Task> {
        let scheduler = self.scheduler();
        let count = scheduler.lanes.len();
        for _ in 0..SEARCHES {
            if let Some(task) = self.queue.fetch(&scheduler.injector) {
                return Some(task);
            }
            // xorshift: thieves should not all begin with the same victim.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let first = self.random as usize % count;
            for distance in 0..count {
                let victim = (first + distance) % count;
                if victim == self.index {
                    continue;
                }
                if let Some(task) = self.queue.steal(&scheduler.lanes[victim].shares) {
                    add(&self.counters().steals, 1);
                    return Some(task);
                }
            }
            for _ in 0..64 {
                std::hint::spin_loop();
            }
        }
        None
    }

    fn has_work(&self) -> bool {
        self.scheduler().has_work()
    }
    fn call_another(&self) {
        self.scheduler().call_worker();
    }
    fn give_up(&mut self) {
        // Nothing else is going to happen soon.
        self.machine().output.flush();
        self.counters().allocated.store(allocated(), Ordering::Relaxed);
    }
    fn park(&mut self) {
        let scheduler = self.scheduler();
        add(&self.counters().sleeps, 1);
        scheduler.gate.leave();
        self.parker.park();
        scheduler.gate.enter();
    }
    fn step_aside(&self) {
        if self.scheduler().gate.is_closed() {
            self.scheduler().gate.step_aside();
        }
    }
    fn is_over(&self) -> bool {
        self.scheduler().is_over()
    }
    fn stop(&self) {
        self.scheduler().stop();
    }
    fn is_stopped(&self) -> bool {
        self.scheduler().is_stopped()
    }
}

/// Runs a process whose memory is limited.
#[cold]
fn run_limited(scheduler: &Scheduler, counters: &Counters, p: &mut Process, slice: i64) -> Status {
    let before = allocated();
    let own = match scheduler.limits.process_memory {
        Some(most) => {
            if p.memory <= most as i64 {
                p.rare().memory_allowed = 0;
            }
            p.rare().memory_allowed.max(most as i64) - p.memory
        }
        None => i64::MAX,
    };
    let total = match scheduler.limits.memory {
        Some(most) => {
            counters.allocated.store(before, Ordering::Relaxed);
            let left = most as i64 - scheduler.memory();
            if left > 0 && scheduler.limits.process_memory.is_none() {
                p.rare().memory_allowed = 0;
            }
            // Beyond the limit nobody gets more than he gives back, but for what an exception takes.
            left.max(if p.rare().memory_allowed > 0 { EXCEPTIONS } else { 0 })
        }
        None => i64::MAX,
    };
    p.rare().own_memory_stop = before.saturating_add(own);
    p.memory_stop = before.saturating_add(own.min(total));
    let status = dispatch::run(p, slice);
    // What values that came or went weigh has been added meanwhile.
    p.memory += allocated() - before;
    status
}

/// Bytes that a process may take in a slice, though there are none left, if it has been told so before.
const EXCEPTIONS: i64 = 1 << 16;

impl Process {
    /// The process has exceeded a limit of memory: raises `Limit` at the instruction it would execute. Until it is
    /// below the limit again it may take another eighth of it, so that a catcher can do something.
    #[cold]
    pub fn exceed_memory(&mut self) -> Option<Status> {
        let (now, limits) = (allocated(), self.machine.scheduler.limits);
        let own_stop = self.rare().own_memory_stop;
        let (who, most) = match (limits.process_memory, limits.memory) {
            (Some(most), _) if now > own_stop => ("process", most),
            (_, most) => ("program", most.unwrap_or(0)),
        };
        if self.rare().memory_allowed == 0 {
            let grace = most as i64 / 8;
            let own = limits.process_memory.unwrap_or(0) as i64 + now.saturating_sub(own_stop);
            self.rare().memory_allowed = own.max(1) + grace;
            self.rare().own_memory_stop = own_stop.max(now).saturating_add(grace);
            self.memory_stop = now + grace;
        }
        match limit::<()>(format!("{who} exceeds its memory limit of {most} bytes")) {
            Err(raise) => unwind::throw(self, raise),
            Ok(()) => None,
        }
    }
}
