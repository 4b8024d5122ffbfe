//! The process table: what others see of a process. Slots have fixed addresses and are used again; a pid names a
//! slot and the number of its use, so that an old pid finds nothing.
//!
//! A process that has not run yet, or has ended, is its slot only (128 bytes); registers and stack are in a
//! [`Process`] record, which the worker that runs it first takes from its stock. Short-lived processes so use the
//! same few records again and again.

use super::deadline::Deadline;
use super::exit::Exit;
use super::mailbox::Mailbox;
use crate::cell::Cell;
use crate::code::{Body, NameSlot};
use crate::process::Process;
use crate::raise::Raise;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a process is made of at the moment.
#[derive(Default)]
pub enum Stage {
    /// None.
    #[default]
    Free,
    /// What it will begin with.
    Unborn(Start),
    /// It has run.
    Alive(NonNull<Process>),
    /// It has ended, and its outcome waits for a join.
    Ended(Result<Cell, Raise>),
}

/// Arguments on their way to a new process.
pub enum Arguments {
    /// A few of them.
    Few(u8, [Cell; FEW]),
    /// More.
    Many(Box<[Cell]>),
}

/// What a new process begins with: [`Arguments`] and the function, packed so that a slot holds them.
pub enum Start {
    /// With few arguments.
    Few(&'static Body, u8, [Cell; FEW]),
    /// With more.
    Many(&'static Body, Box<[Cell]>),
}

impl Start {
    fn new(body: &'static Body, arguments: Arguments) -> Start {
        match arguments {
            Arguments::Few(count, cells) => Start::Few(body, count, cells),
            Arguments::Many(cells) => Start::Many(body, cells),
        }
    }

    /// The function.
    pub fn body(&self) -> &'static Body {
        match self {
            Start::Few(body, ..) | Start::Many(body, _) => body,
        }
    }

    /// The arguments.
    pub fn cells(&mut self) -> &mut [Cell] {
        match self {
            Start::Few(_, count, cells) => &mut cells[..*count as usize],
            Start::Many(_, cells) => cells,
        }
    }
}

/// As many arguments fit into a slot.
pub const FEW: usize = 3;

impl Arguments {
    /// All of them.
    pub fn cells(&mut self) -> &mut [Cell] {
        match self {
            Arguments::Few(count, cells) => &mut cells[..*count as usize],
            Arguments::Many(cells) => cells,
        }
    }
}

impl From<Vec<Cell>> for Arguments {
    fn from(cells: Vec<Cell>) -> Arguments {
        if cells.len() > FEW {
            return Arguments::Many(cells.into());
        }
        let mut few = [Cell::EMPTY; FEW];
        few[..cells.len()].copy_from_slice(&cells);
        Arguments::Few(cells.len() as u8, few)
    }
}

/// A process as others see it.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Slot {
    /// The pid of the present process; with [`GONE`], of the last one.
    id: AtomicU64,
    /// Its mailbox, which also says whether it waits.
    pub mailbox: Mailbox<Cell>,
    /// Its end.
    pub exit: Exit,
    /// Its deadline.
    pub deadline: Deadline,
    /// Its entry in the timer wheel; belongs to whoever has locked the wheel.
    pub timer: AtomicU32,
    /// The length of the mailbox, if there is a limit.
    queued: AtomicU32,
    /// The function it was started with; null before the first process.
    function: AtomicPtr<NameSlot>,
    /// The pid of the process that started it, or 0.
    parent: AtomicU64,
    stage: UnsafeCell<Stage>,
}

const _: () = assert!(size_of::<Slot>() == 128);

// SAFETY: the stage belongs to whoever has the process: the one that makes it, the queue it is in, the worker that
// runs it, then (when it has ended) the one that takes the slot by `claim`.
unsafe impl Sync for Slot {}
// SAFETY: cells in arguments and outcomes have left their process (`cross::leave`) and own all they refer to.
unsafe impl Send for Slot {}

/// The low bits of a pid are the index of the slot, the others count its uses from 1.
const INDEX_BITS: u32 = 28;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
/// Set in the id of a slot without a process.
const GONE: u64 = 1 << 63;
/// The pid of the first process: slot 0, first use.
pub const FIRST_PID: u64 = 1 << INDEX_BITS;

impl Slot {
    /// The pid. The slot must have a process.
    pub fn pid(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    /// Its index in the table.
    pub fn place(&self) -> u32 {
        (self.id.load(Ordering::Relaxed) & INDEX_MASK) as u32
    }

    /// Counts a message for the limit of the mailbox. False if there are that many already.
    pub fn count_message(&self, most: u32) -> bool {
        let counted = self.queued.fetch_add(1, Ordering::Relaxed) < most;
        if !counted {
            self.uncount_message();
        }
        counted
    }

    /// A message has left the mailbox. (One that was meant for the process before this one may not have been counted.)
    pub fn uncount_message(&self) {
        let _ = self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| queued.checked_sub(1));
    }

    /// The function that this process was started with and the pid of the process that started it (0 for none), as
    /// long as the slot is not another's. Any thread.
    pub fn origin(&self, pid: u64) -> Option<(&'static NameSlot, u64)> {
        let is_of = || self.id.load(Ordering::Acquire) & !GONE == pid;
        if !is_of() {
            return None;
        }
        // SAFETY: null or a name, and names live as long as the machine.
        let function = unsafe { self.function.load(Ordering::Acquire).as_ref() };
        let parent = self.parent.load(Ordering::Acquire);
        if is_of() { function.map(|function| (function, parent)) } else { None }
    }

    /// Whether it still belongs to that process.
    pub fn is(&self, pid: u64) -> bool {
        self.id.load(Ordering::Acquire) == pid
    }

    /// What the process is made of.
    ///
    /// # Safety
    /// The caller must have the process (see the type).
    #[allow(clippy::mut_from_ref)] // the caller is the only one
    pub unsafe fn stage(&self) -> &mut Stage {
        // SAFETY: as promised by the caller.
        unsafe { &mut *self.stage.get() }
    }

    /// Takes the slot away from a process that has ended; only one succeeds. The slot must then be released.
    pub fn claim(&self, pid: u64) -> bool {
        self.id.compare_exchange(pid, pid | GONE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// The first chunk has that many slots, each further one twice as many as the one before.
const FIRST_CHUNK_BITS: u32 = 10;
const CHUNKS: usize = (INDEX_BITS - FIRST_CHUNK_BITS) as usize + 1;

/// All processes of a machine.
pub struct Table {
    chunks: [AtomicPtr<Slot>; CHUNKS],
    unused: Mutex<Unused>,
}

#[derive(Default)]
struct Unused {
    free: Vec<u32>,
    /// Slots from here on have never been used.
    fresh: u32,
}

/// A line of processes each of which started the next may be as long as there are processes; nobody reads that.
const LONGEST_ANCESTRY: usize = 16;

/// Free slots that a worker has in hand.
pub type SpareSlots = Vec<u32>;
/// A worker gets that many at once, and gives as many back when it has four times as many.
const BATCH: usize = 64;

fn chunk_layout(chunk: usize) -> Layout {
    let first = if chunk == 0 { 1 << FIRST_CHUNK_BITS } else { 1usize << (FIRST_CHUNK_BITS as usize + chunk - 1) };
    Layout::array::<Slot>(first).expect("a chunk is smaller than the address space")
}

/// Chunk and place in it of the slot with that index.
fn place(index: u32) -> (usize, usize) {
    match (index >> FIRST_CHUNK_BITS).checked_ilog2() {
        None => (0, index as usize),
        Some(log) => (log as usize + 1, (index - (1 << (FIRST_CHUNK_BITS + log))) as usize),
    }
}

impl Default for Table {
    fn default() -> Table {
        Table { chunks: [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS], unused: Mutex::default() }
    }
}

impl Table {
    /// The slot of a process that has not been forgotten.
    pub fn get(&self, pid: u64) -> Option<&'static Slot> {
        // Native modules can make up pids; none may name a slot without a process.
        if pid == 0 || pid & GONE != 0 {
            return None;
        }
        let slot = self.at((pid & INDEX_MASK) as u32)?;
        slot.is(pid).then_some(slot)
    }

    /// A process and those that started it: function and pid each, the process itself first, as far as they are
    /// remembered; the last one may be a pid only.
    pub fn ancestry(&self, pid: u64) -> Vec<(Option<&'static NameSlot>, u64)> {
        let mut line = Vec::new();
        let mut next = pid;
        while next != 0 && line.len() < LONGEST_ANCESTRY {
            let origin = self.at((next & INDEX_MASK) as u32).and_then(|slot| slot.origin(next));
            line.push((origin.map(|(function, _)| function), next));
            next = origin.map_or(0, |(_, parent)| parent);
        }
        line
    }

    fn at(&self, index: u32) -> Option<&'static Slot> {
        let (chunk, place) = place(index);
        let first = self.chunks[chunk].load(Ordering::Acquire);
        // SAFETY: the slot lies in its chunk, and chunks live as long as the machine, which nothing outlives that
        // asks for slots.
        (!first.is_null()).then(|| unsafe { &*first.add(place) })
    }

    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a process, which the caller has. `None` if there are 2^28 already.
    pub fn make(
        &self,
        spare: &mut SpareSlots,
        joinable: bool,
        parent: u64,
        body: &'static Body,
        arguments: Arguments,
    ) -> Option<&'static Slot> {
        let index = match spare.pop() {
            Some(index) => index,
            None => self.refill(spare)?,
        };
        let slot = self.at(index)?;
        let last = slot.id.load(Ordering::Relaxed);
        let uses = if last == 0 { 0 } else { (last & !GONE) >> INDEX_BITS };
        slot.exit.begin(joinable);
        slot.mailbox.open();
        slot.queued.store(0, Ordering::Relaxed);
        // After the id has become `GONE`: whoever reads these and then finds the old id has read what belongs to it.
        slot.function.store(std::ptr::from_ref(body.name).cast_mut(), Ordering::Release);
        slot.parent.store(parent, Ordering::Release);
        // SAFETY: a free slot belongs to whoever has its index.
        unsafe { *slot.stage() = Stage::Unborn(Start::new(body, arguments)) };
        slot.id.store((uses + 1) << INDEX_BITS | u64::from(index), Ordering::Release);
        Some(slot)
    }

    #[cold]
    fn refill(&self, spare: &mut SpareSlots) -> Option<u32> {
        let mut unused = self.unused();
        let left = unused.free.len().saturating_sub(BATCH);
        spare.extend(unused.free.drain(left..));
        // A batch never straddles two chunks.
        if spare.is_empty() && unused.fresh < 1 << INDEX_BITS {
            let (chunk, place) = place(unused.fresh);
            if place == 0 {
                let layout = chunk_layout(chunk);
                // SAFETY: the layout is not empty. What others look at in a slot is the id: 0, no process.
                let first = unsafe { alloc_zeroed(layout) }.cast::<Slot>();
                if first.is_null() {
                    handle_alloc_error(layout);
                }
                self.chunks[chunk].store(first, Ordering::Release);
            }
            let first = self.chunks[chunk].load(Ordering::Relaxed);
            for number in place..place + BATCH {
                // SAFETY: the slots lie in the chunk, and nobody else has their numbers. A process that asks for one
                // by a pid that was never given out reads the id, which is 0 before and after.
                unsafe { (*first.add(number)).stage.get().write(Stage::Free) };
            }
            spare.extend((unused.fresh..unused.fresh + BATCH as u32).rev());
            unused.fresh += BATCH as u32;
        }
        spare.pop()
    }

    /// Gives back a slot that has been claimed.
    ///
    /// # Safety
    /// The caller must have claimed it, and its stage must own nothing any more.
    pub unsafe fn release(&self, slot: &'static Slot, spare: &mut SpareSlots) {
        let id = slot.id.load(Ordering::Relaxed);
        // A slot whose uses are used up is never used again, so no pid is.
        if (id & !GONE) >> INDEX_BITS < (1 << (63 - INDEX_BITS)) - 1 {
            spare.push((id & INDEX_MASK) as u32);
        }
        if spare.len() >= 4 * BATCH {
            let left = spare.len() - BATCH;
            self.unused().free.extend(spare.drain(left..));
        }
    }

    /// All processes that there are at the moment. Out of date at once; for people.
    pub fn all(&self) -> impl Iterator<Item = &'static Slot> + '_ {
        let fresh = self.unused().fresh;
        (0..fresh).filter_map(|index| self.at(index)).filter(|slot| {
            let id = slot.id.load(Ordering::Acquire);
            id != 0 && id & GONE == 0
        })
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for (chunk, first) in self.chunks.iter_mut().enumerate() {
            let first = *first.get_mut();
            if !first.is_null() {
                // SAFETY: allocated with this layout; the owner has emptied the slots.
                unsafe { dealloc(first.cast(), chunk_layout(chunk)) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_each_other_without_a_gap() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(1023), (0, 1023));
        assert_eq!(place(1024), (1, 0));
        assert_eq!(place(2047), (1, 1023));
        assert_eq!(place(2048), (2, 0));
        assert_eq!(place(4095), (2, 2047));
        assert_eq!(place((1 << INDEX_BITS) - 1).0, CHUNKS - 1);
    }
}
