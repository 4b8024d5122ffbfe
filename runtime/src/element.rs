//! Pointers to elements of vectors that need no box: (header of the vector, generation, index).
//!
//! `vat` in a loop over a large vector would box every element. Instead a vector that is pointed into gets a
//! [`Header`], and a pointer names the element by its index, valid as long as the header has the generation that
//! the pointer remembers. The header knows which indexes have been pointed to (*pins*). Only when an operation
//! would move or remove a pinned element are all pinned elements boxed, logged under generation and index, and the
//! generation advanced: older pointers then find their box in the log. So each pointer made pays for one box at
//! most, and pointers follow their element wherever it goes (values.md §6.2).
//!
//! Headers are type-stable: they are used again, with their generation and log, but never given back while the
//! process lives.

use crate::cell::{Cell, kind};
use crate::heap::{Heap, live_slot, pointer_to};
use crate::value::{Vector, identify, resolve};
use rustc_hash::FxHashMap;

/// What element pointers of one vector lead to.
pub struct Header {
    /// Advanced when indexes lose their meaning; below [`GENERATIONS`].
    generation: u32,
    /// The vector; dangling while the header is unused, when no pointer has its generation.
    vector: *mut Vector,
    /// Bit per index: some pointer of this generation leads to it.
    pinned: Vec<u64>,
    /// The pinned indexes, unless there are so many that looking through `pinned` costs no more.
    pins: Vec<u32>,
    has_more_pins: bool,
    /// Box pointers of elements that pointers of older generations lead to.
    log: FxHashMap<(u32, u32), Cell>,
    /// When the log has this many entries, those of dead elements are thrown out.
    sweep_at: usize,
}

/// A pointer's tag word holds the kind in 8 bits, the generation in 24, the index in 32.
const GENERATIONS: u32 = 1 << 24;
const FIRST_SWEEP: usize = 16;

fn index_of(pointer: Cell) -> u32 {
    (pointer.tag >> 32) as u32
}
fn generation_of(pointer: Cell) -> u32 {
    (pointer.tag >> 8) as u32 & (GENERATIONS - 1)
}

/// Makes a pointer to an element.
///
/// # Safety
/// `vector` must be a vector of the process that owns `heap`, and have an element at `index`.
#[inline(always)]
pub unsafe fn point(heap: &mut Heap, vector: *mut Vector, index: usize) -> Cell {
    // SAFETY: as promised by the caller.
    unsafe {
        let header = (*vector).header;
        if !header.is_null() {
            let elements: &Vec<Cell> = &(*vector).elements;
            let element = elements.as_ptr().add(index);
            let (word, bit) = (index / 64, 1 << (index % 64));
            let pinned = &mut (*header).pinned;
            if (*element).kind() != kind::BOXED && word < pinned.len() {
                if *pinned.as_ptr().add(word) & bit == 0 {
                    pin(header, index);
                }
                return element_pointer(header, index);
            }
        }
        point_slowly(heap, vector, index)
    }
}

#[inline(always)]
unsafe fn element_pointer(header: *mut Header, index: usize) -> Cell {
    // SAFETY: the header is in use.
    let generation = unsafe { (*header).generation };
    Cell { tag: u64::from(kind::ELEMENT) | u64::from(generation) << 8 | (index as u64) << 32, payload: header as u64 }
}

/// Notes that there is a pointer to this index.
#[inline]
unsafe fn pin(header: *mut Header, index: usize) {
    // SAFETY: the header is in use, and has a bit for the index.
    unsafe {
        let header = &mut *header;
        header.pinned[index / 64] |= 1 << (index % 64);
        if header.pins.len() < header.pinned.len() {
            header.pins.push(index as u32);
        } else {
            header.has_more_pins = true;
        }
    }
}

#[cold]
#[inline(never)]
unsafe fn point_slowly(heap: &mut Heap, vector: *mut Vector, index: usize) -> Cell {
    // SAFETY: as promised by the caller of `point`.
    unsafe {
        let elements = &mut (*vector).elements;
        if elements[index].kind() == kind::BOXED || u32::try_from(elements.len()).is_err() {
            return pointer_to(identify(heap, &raw mut elements[index]));
        }
        if (*vector).header.is_null() {
            (*vector).header = heap.new_header(vector);
        }
        let header = (*vector).header;
        // Room for all elements that the vector can hold without growing.
        let pinned = &mut (*header).pinned;
        pinned.resize(elements.capacity().div_ceil(64), 0);
        if pinned[index / 64] & 1 << (index % 64) == 0 {
            pin(header, index);
        }
        element_pointer(header, index)
    }
}

/// The place that an element pointer leads to, if its element still lives.
#[inline(always)]
pub fn place(pointer: Cell) -> Option<*mut Cell> {
    let header: *mut Header = pointer.address();
    // SAFETY: headers are never given back while their process lives, and a pointer never leaves it unsevered. The
    // generation fits, so the vector is alive and its indexes are those the pointer was made with.
    unsafe {
        if (*header).generation != generation_of(pointer) {
            return place_in_log(header, pointer);
        }
        let elements = &mut (*(*header).vector).elements;
        let index = index_of(pointer) as usize;
        debug_assert!(index < elements.len());
        Some(elements.as_mut_ptr().add(index))
    }
}

#[cold]
#[inline(never)]
unsafe fn place_in_log(header: *mut Header, pointer: Cell) -> Option<*mut Cell> {
    // SAFETY: as in `place`.
    let logged = unsafe { (*header).log.get(&(generation_of(pointer), index_of(pointer))).copied()? };
    // SAFETY: the slot of a live box pointer is in use.
    live_slot(logged).map(|slot| unsafe { &raw mut (*slot).cell })
}

/// Must be called before an operation that moves or removes elements from index `from` on.
///
/// # Safety
/// `vector` must be a vector of the process that owns `heap`.
#[inline]
pub unsafe fn prepare_change(heap: &mut Heap, vector: *mut Vector, from: usize) {
    // SAFETY: as promised by the caller.
    unsafe {
        let header = (*vector).header;
        if !header.is_null() && affects_pins(&*header, from, (*vector).elements.len()) {
            box_pinned(heap, vector);
        }
    }
}

/// Whether one of the elements from `from` on is pinned. The last element is looked at exactly, since removing it
/// is what queues and stacks do; for the others any pin will do.
fn affects_pins(header: &Header, from: usize, length: usize) -> bool {
    if from + 1 == length {
        return header.pinned.get(from / 64).is_some_and(|word| word & 1 << (from % 64) != 0);
    }
    from < length && !header.pins.is_empty()
}

#[cold]
unsafe fn box_pinned(heap: &mut Heap, vector: *mut Vector) {
    // SAFETY: as promised by the caller of `prepare_change`.
    unsafe {
        let header = (*vector).header;
        let indexes = take_pins(&mut *header);
        let generation = (*header).generation;
        for index in indexes {
            let slot = identify(heap, &raw mut (&mut (*vector).elements)[index as usize]);
            (*header).log.insert((generation, index), pointer_to(slot));
        }
        advance(heap, vector);
        let header = &mut *header;
        if header.log.len() >= header.sweep_at {
            header.log.retain(|_, pointer| live_slot(*pointer).is_some());
            header.sweep_at = (header.log.len() * 2).max(FIRST_SWEEP);
        }
    }
}

/// All pinned indexes; afterwards there are none.
fn take_pins(header: &mut Header) -> Vec<u32> {
    let pins = std::mem::take(&mut header.pins);
    if !std::mem::take(&mut header.has_more_pins) {
        for index in &pins {
            header.pinned[*index as usize / 64] = 0;
        }
        return pins;
    }
    let mut all = Vec::new();
    for (word, bits) in header.pinned.iter_mut().enumerate() {
        while *bits != 0 {
            all.push(word as u32 * 64 + bits.trailing_zeros());
            *bits &= *bits - 1;
        }
    }
    all
}

/// Starts a new generation. A header whose generations are used up is left to the pointers that know it.
unsafe fn advance(heap: &mut Heap, vector: *mut Vector) {
    // SAFETY: the vector has a header.
    unsafe {
        let header = (*vector).header;
        (*header).generation += 1;
        if (*header).generation == GENERATIONS - 1 {
            (*vector).header = std::ptr::null_mut();
            heap.keep_header(header);
        }
    }
}

/// Gives up the header of a vector that is destroyed or leaves its process: pointers to its elements are dead.
/// Boxes of elements that have left the vector earlier can still be found.
///
/// # Safety
/// `vector` must be a vector of the process that owns `heap`.
pub unsafe fn retire(heap: &mut Heap, vector: *mut Vector) {
    // SAFETY: as promised by the caller.
    unsafe {
        let header = std::mem::replace(&mut (*vector).header, std::ptr::null_mut());
        if header.is_null() {
            return;
        }
        take_pins(&mut *header);
        (*header).generation += 1;
        (*header).vector = std::ptr::null_mut();
        (*header).pinned = Vec::new();
        if (*header).generation < GENERATIONS - 1 {
            heap.free_header(header);
        } else {
            heap.keep_header(header);
        }
    }
}

/// The headers of one process.
#[derive(Default)]
pub struct Headers {
    #[allow(clippy::vec_box)] // pointers lead to the boxes
    all: Vec<Box<Header>>,
    free: Vec<*mut Header>,
}

impl Headers {
    /// Whether there has never been one.
    pub fn is_unused(&self) -> bool {
        self.all.is_empty()
    }
}

impl Heap {
    fn new_header(&mut self, vector: *mut Vector) -> *mut Header {
        if let Some(header) = self.headers.free.pop() {
            // SAFETY: the header is unused.
            unsafe { (*header).vector = vector };
            return header;
        }
        self.headers.all.push(Box::new(Header {
            generation: 0,
            vector,
            pinned: Vec::new(),
            pins: Vec::new(),
            has_more_pins: false,
            log: FxHashMap::default(),
            sweep_at: FIRST_SWEEP,
        }));
        self.headers.all.last_mut().map_or(std::ptr::null_mut(), |header| &raw mut **header)
    }

    fn free_header(&mut self, header: *mut Header) {
        self.headers.free.push(header);
    }

    /// A header without further generations is never used again; it stays where pointers can find its log.
    fn keep_header(&mut self, _header: *mut Header) {}
}

/// The value that a pointer of this process leads to, if it still lives: looked through boxes.
#[inline(always)]
pub fn pointee(pointer: Cell) -> Option<*mut Cell> {
    match pointer.kind() {
        // SAFETY: the slot of a live pointer is in use.
        kind::POINTER => live_slot(pointer).map(|slot| unsafe { &raw mut (*slot).cell }),
        // SAFETY: the place is an element of a vector of this process.
        kind::ELEMENT => place(pointer).map(|place| unsafe { resolve(place) }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{get, release};
    use proptest::prelude::*;

    /// What can happen to a vector and to elements that have left it.
    #[derive(Clone, Debug)]
    enum Event {
        Push,
        Insert(usize),
        /// Into a register.
        Remove(usize),
        /// To `void`.
        Destroy(usize),
        Point(usize),
        /// A register moves back into the vector.
        Return(usize, usize),
        /// A register is overwritten.
        Forget(usize),
        /// The vector dies, and an empty one takes its place.
        Renew,
    }

    fn event() -> impl Strategy<Value = Event> {
        let at = 0..100usize;
        prop_oneof![
            6 => Just(Event::Push),
            2 => at.clone().prop_map(Event::Insert),
            3 => at.clone().prop_map(Event::Remove),
            1 => at.clone().prop_map(Event::Destroy),
            8 => at.clone().prop_map(Event::Point),
            2 => (at.clone(), at.clone()).prop_map(|(from, to)| Event::Return(from, to)),
            1 => at.prop_map(Event::Forget),
            1 => Just(Event::Renew),
        ]
    }

    /// A vector beside a model of it: every value is a number of its own, so a pointer is right when it leads to
    /// its number, and dead exactly when that number is nowhere any more.
    struct World {
        heap: Heap,
        vector: Cell,
        registers: Vec<Cell>,
        model: Vec<i64>,
        model_registers: Vec<i64>,
        pointers: Vec<(Cell, i64)>,
        last: i64,
    }

    impl World {
        fn new() -> World {
            World {
                heap: Heap::default(),
                vector: Cell::boxed(kind::VECTOR, Box::new(Vector::of(Vec::new()))),
                registers: Vec::new(),
                model: Vec::new(),
                model_registers: Vec::new(),
                pointers: Vec::new(),
                last: 0,
            }
        }

        fn insert(&mut self, at: usize, cell: Cell, number: i64) {
            unsafe {
                prepare_change(&mut self.heap, self.vector.address(), at);
                get::<Vector>(self.vector).elements.insert(at, cell);
            }
            self.model.insert(at, number);
        }

        fn remove(&mut self, at: usize) -> (Cell, i64) {
            unsafe {
                prepare_change(&mut self.heap, self.vector.address(), at);
                (get::<Vector>(self.vector).elements.remove(at), self.model.remove(at))
            }
        }

        fn apply(&mut self, event: Event) {
            let length = self.model.len();
            match event {
                Event::Push | Event::Insert(_) => {
                    self.last += 1;
                    let at = if let Event::Insert(at) = event { at % (length + 1) } else { length };
                    self.insert(at, Cell::integer(self.last), self.last);
                }
                Event::Remove(at) if length > 0 => {
                    let (cell, number) = self.remove(at % length);
                    self.registers.push(cell);
                    self.model_registers.push(number);
                }
                Event::Destroy(at) if length > 0 => {
                    let (cell, _) = self.remove(at % length);
                    release(&mut self.heap, cell);
                }
                Event::Point(at) if length > 0 => {
                    let at = at % length;
                    let pointer = unsafe { point(&mut self.heap, self.vector.address(), at) };
                    self.pointers.push((pointer, self.model[at]));
                }
                Event::Return(from, to) if !self.registers.is_empty() => {
                    let from = from % self.registers.len();
                    let (cell, number) = (self.registers.remove(from), self.model_registers.remove(from));
                    self.insert(to % (length + 1), cell, number);
                }
                Event::Forget(at) if !self.registers.is_empty() => {
                    let at = at % self.registers.len();
                    self.model_registers.remove(at);
                    let cell = self.registers.remove(at);
                    release(&mut self.heap, cell);
                }
                Event::Renew => {
                    let new = Cell::boxed(kind::VECTOR, Box::new(Vector::of(Vec::new())));
                    let old = std::mem::replace(&mut self.vector, new);
                    release(&mut self.heap, old);
                    self.model.clear();
                }
                Event::Remove(_) | Event::Destroy(_) | Event::Point(_) | Event::Return(..) | Event::Forget(_) => {}
            }
        }

        fn check(&self) {
            for (pointer, number) in &self.pointers {
                let alive = self.model.contains(number) || self.model_registers.contains(number);
                let found = pointee(*pointer).map(|place| unsafe { (*place).as_integer() });
                assert_eq!(found, alive.then_some(*number));
            }
        }

        fn end(mut self) {
            release(&mut self.heap, self.vector);
            for cell in self.registers {
                release(&mut self.heap, cell);
            }
        }
    }

    proptest! {
        #[test]
        fn pointers_follow_their_element_and_die_with_it(events in prop::collection::vec(event(), 0..200)) {
            let mut world = World::new();
            for event in events {
                world.apply(event);
                world.check();
            }
            world.end();
        }
    }

    #[test]
    fn the_log_does_not_grow_with_dead_elements() {
        let mut world = World::new();
        for _ in 0..1000 {
            world.apply(Event::Push);
            world.apply(Event::Point(0));
            world.apply(Event::Destroy(0));
        }
        let logged: usize = world.heap.headers.all.iter().map(|header| header.log.len()).sum();
        assert!(logged <= 2 * FIRST_SWEEP, "{logged} entries");
        world.end();
    }
}
