//! The values behind owned cells, and what holds for every value: type name, truth, copying, destroying
//! (values.md §1). Nothing here recurses: values may be nested as deep as memory allows.
//!
//! All functions take *resolved* cells where they say "value": neither a handle to a shared variable nor a box.

use crate::atom::Atom;
use crate::bits::{Bits, View, one_word};
use crate::cell::{Cell, kind};
use crate::code::NameSlot;
use crate::element::{self, Header, pointee};
use crate::ffi::Object;
use crate::heap::{BoxSlot, Heap, VariableSlot};
use crate::raise::{Raise, Raised};
use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A text: a sequence of code points, indexed in O(1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// All code points below U+0080, one byte each.
    Ascii(Box<[u8]>),
    /// Some code point above.
    Wide(Box<[char]>),
}

impl Text {
    /// From UTF-8; `None` if it is not well-formed.
    pub fn from_utf8(bytes: &[u8]) -> Option<Text> {
        if bytes.is_ascii() {
            return Some(Text::Ascii(bytes.into()));
        }
        std::str::from_utf8(bytes).ok().map(|text| Text::Wide(text.chars().collect()))
    }
    /// The number of code points.
    pub fn length(&self) -> usize {
        match self {
            Text::Ascii(bytes) => bytes.len(),
            Text::Wide(chars) => chars.len(),
        }
    }
    /// A code point.
    pub fn at(&self, index: usize) -> char {
        match self {
            Text::Ascii(bytes) => bytes[index] as char,
            Text::Wide(chars) => chars[index],
        }
    }
    /// The code points `from..to`, which must lie inside.
    pub fn slice(&self, from: usize, to: usize) -> Text {
        match self {
            Text::Ascii(bytes) => Text::Ascii(bytes[from..to].into()),
            Text::Wide(chars) => Text::from_chars(&chars[from..to]),
        }
    }
    fn from_chars(chars: &[char]) -> Text {
        if chars.iter().all(char::is_ascii) {
            Text::Ascii(chars.iter().map(|c| *c as u8).collect())
        } else {
            Text::Wide(chars.into())
        }
    }
    /// Both, one after the other.
    pub fn concat(&self, other: &Text) -> Text {
        match (self, other) {
            (Text::Ascii(a), Text::Ascii(b)) => Text::Ascii([&a[..], &b[..]].concat().into()),
            _ => Text::Wide(
                (0..self.length()).map(|i| self.at(i)).chain((0..other.length()).map(|i| other.at(i))).collect(),
            ),
        }
    }
    /// Appends it as UTF-8.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Text::Ascii(bytes) => out.extend_from_slice(bytes),
            Text::Wide(chars) => {
                let mut buffer = [0; 4];
                for c in chars {
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
            }
        }
    }
}

/// A vector. Elements are values or boxes, never handles, never empty.
#[derive(Debug)]
pub struct Vector {
    /// The elements.
    pub elements: Vec<Cell>,
    /// Where pointers to elements lead; null if there are none.
    pub header: *mut Header,
}

impl Vector {
    /// A vector of these elements.
    pub fn of(elements: Vec<Cell>) -> Vector {
        Vector { elements, header: std::ptr::null_mut() }
    }
}

/// A struct, ordered by key.
#[derive(Debug, Default)]
pub struct Struct {
    /// The fields; values or boxes.
    pub fields: BTreeMap<Atom, Cell>,
}

/// The registers of a closure. All activations and the closure object share them; they die with the last.
pub struct ClosureRegisters {
    cells: UnsafeCell<Box<[Cell]>>,
}

impl ClosureRegisters {
    /// That many empty registers.
    pub fn new(count: usize) -> ClosureRegisters {
        ClosureRegisters { cells: UnsafeCell::new(vec![Cell::EMPTY; count].into()) }
    }
    fn from_cells(cells: Vec<Cell>) -> ClosureRegisters {
        ClosureRegisters { cells: UnsafeCell::new(cells.into()) }
    }
    /// The first register.
    pub fn base(&self) -> *mut Cell {
        // SAFETY: only the address is taken; the box itself never changes.
        unsafe { (*self.cells.get()).as_mut_ptr() }
    }
    /// The number of registers.
    pub fn len(&self) -> usize {
        // SAFETY: the box itself never changes.
        unsafe { (&*self.cells.get()).len() }
    }
}

/// A closure.
pub struct Closure {
    /// The name of its body.
    pub name: &'static NameSlot,
    /// Its registers.
    pub registers: Rc<ClosureRegisters>,
}

/// What an exception carries.
#[derive(Debug)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// A value.
    Value(Cell),
    /// The text of a machine exception.
    Description(Box<[u8]>),
    /// The text of `Zero_division` and `Invalid_field_access`, which has an outer form only (values.md §1.1).
    OuterOnly(Box<[u8]>),
}

/// A place where an exception was thrown.
#[derive(Clone, Copy, Debug)]
pub struct ThrowPoint {
    /// Name of the function whose code ran.
    pub function: &'static NameSlot,
    /// Name of the body the instruction stands in.
    pub body: &'static NameSlot,
    /// It is that of a block.
    pub is_block: bool,
    /// Where the instruction stands.
    pub place: crate::code::Place,
}

/// An exception.
#[derive(Debug)]
pub struct Exception {
    /// Its tag.
    pub tag: Atom,
    /// What it carries.
    pub content: Content,
    /// Where it was thrown, first throw first.
    pub throw_points: Vec<ThrowPoint>,
    /// While it is on its way: the slot that pointers to it lead to, kept for when it is caught.
    pub identity: Option<*mut BoxSlot>,
}

/// Bits wider than 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongBits {
    /// The number of bits.
    pub width: u32,
    /// Least significant word first; bits above the width are zero.
    pub words: Box<[u64]>,
}

/// Refers to the value of an owned cell.
///
/// # Safety
/// The cell must be of the kind that holds a `T`, and nothing else may use the value meanwhile.
#[inline(always)]
pub unsafe fn get<'a, T>(cell: Cell) -> &'a mut T {
    // SAFETY: as promised by the caller.
    unsafe { &mut *cell.address::<T>() }
}

/// Takes the value of an owned cell.
///
/// # Safety
/// As for [`get`]; the cell must not be used again.
pub unsafe fn into_box<T>(cell: Cell) -> Box<T> {
    // SAFETY: as promised by the caller; owned cells are made by `Cell::boxed`.
    unsafe { Box::from_raw(cell.address::<T>()) }
}

/// A bit string as a cell.
pub fn bits_cell(bits: Bits) -> Cell {
    match bits {
        Bits::Short { width, word } => Cell { tag: u64::from(kind::BITS) | u64::from(width) << 8, payload: word },
        Bits::Long(long) => Cell::boxed(kind::LONG_BITS, Box::new(long)),
    }
}

/// The bit string in a cell.
///
/// # Safety
/// The cell must hold bits, and they must not change meanwhile.
pub unsafe fn bits_view<'a>(cell: *const Cell) -> View<'a> {
    // SAFETY: as promised by the caller; the kind tells the type.
    unsafe {
        if (*cell).kind() == kind::BITS {
            let width = ((*cell).tag >> 8) as u32;
            View { width, words: one_word(width, &(*cell).payload) }
        } else {
            let long = &*(*cell).address::<LongBits>();
            View { width: long.width, words: &long.words }
        }
    }
}

/// Looks through a handle and a box. The result is the place where the value itself lies.
///
/// # Safety
/// `cell` must be a valid register or element of the running process.
#[inline(always)]
pub unsafe fn resolve(mut cell: *mut Cell) -> *mut Cell {
    // SAFETY: handles and boxes lead to slots in use.
    unsafe {
        if (*cell).kind() == kind::SHARED {
            cell = &raw mut (*(*cell).address::<VariableSlot>()).cell;
        }
        if (*cell).kind() == kind::BOXED {
            cell = &raw mut (*(*cell).address::<BoxSlot>()).cell;
        }
        cell
    }
}

/// Gives the value an identity, if it has none yet, and returns its slot.
///
/// # Safety
/// `cell` must be a valid, non-empty register or element of the process that owns `heap`.
pub unsafe fn identify(heap: &mut Heap, mut cell: *mut Cell) -> *mut BoxSlot {
    // SAFETY: as promised by the caller.
    unsafe {
        if (*cell).kind() == kind::SHARED {
            cell = &raw mut (*(*cell).address::<VariableSlot>()).cell;
        }
        if (*cell).kind() != kind::BOXED {
            let slot = heap.new_box(*cell);
            *cell = Cell::new(kind::BOXED, slot as u64);
        }
        (*cell).address()
    }
}

/// The object of a native module in a cell of kind `FOREIGN`.
pub fn object(cell: Cell) -> &'static dyn Object {
    // SAFETY: the kind tells the type. The reference is used before the cell changes.
    unsafe { &**get::<Box<dyn Object>>(cell) }
}

/// The type name of a value (values.md §1).
pub fn type_name(value: Cell) -> &'static [u8] {
    match value.kind() {
        kind::INTEGER => b"Integer",
        kind::FLOAT => b"Float",
        kind::BOOLEAN => b"Boolean",
        kind::TEXT => b"Text",
        kind::STRING => b"String",
        kind::ATOM => b"Atom",
        kind::VECTOR => b"Vector",
        kind::STRUCT => b"Struct",
        kind::BITS | kind::LONG_BITS => b"Bits",
        kind::POINTER | kind::ELEMENT | kind::SEVERED => b"Pointer",
        kind::PID => b"Process",
        kind::FUNCTION => b"Function",
        kind::CLOSURE => b"Closure",
        // SAFETY: the kind tells the type.
        kind::EXCEPTION => unsafe { get::<Exception>(value) }.tag.bytes(),
        kind::REQUEST => b"IO_request",
        kind::PORT => b"IO_fd",
        kind::FOREIGN => object(value).type_name().as_bytes(),
        kind::BOXED => type_name(unbox(value)),
        _ => b"value",
    }
}

/// The truth of a value (values.md §1.4).
pub fn truth(value: Cell) -> bool {
    // SAFETY: the kind tells the type.
    unsafe {
        match value.kind() {
            kind::INTEGER | kind::BOOLEAN | kind::BITS => value.payload != 0,
            kind::FLOAT => value.as_float() != 0.0,
            kind::POINTER | kind::ELEMENT => pointee(value).is_some(),
            kind::SEVERED => false,
            kind::TEXT => get::<Text>(value).length() > 0,
            kind::STRING => !get::<Vec<u8>>(value).is_empty(),
            kind::VECTOR => !get::<Vector>(value).elements.is_empty(),
            kind::STRUCT => !get::<Struct>(value).fields.is_empty(),
            kind::LONG_BITS => bits_view(&raw const value).any(),
            kind::FOREIGN => object(value).is_true(),
            _ => true,
        }
    }
}

/// Destroys the content of a cell that has been taken out of its place. O(size of the value).
#[inline]
pub fn release(heap: &mut Heap, cell: Cell) {
    if cell.is_owned() {
        release_owned(heap, cell);
    }
}

#[cold]
#[inline(never)]
fn release_owned(heap: &mut Heap, cell: Cell) {
    // Nested containers wait here instead of on the native stack. `Vec::new` does not allocate.
    let mut waiting: Vec<Cell> = Vec::new();
    let mut next = Some(cell);
    while let Some(cell) = next {
        // SAFETY: the kind tells the type, and the cell is the only owner.
        unsafe {
            match cell.kind() {
                kind::TEXT => drop(into_box::<Text>(cell)),
                kind::STRING => drop(into_box::<Vec<u8>>(cell)),
                kind::LONG_BITS => drop(into_box::<LongBits>(cell)),
                kind::REQUEST => drop(into_box::<crate::io::Request>(cell)),
                kind::PORT => drop(into_box::<crate::io::Port>(cell)),
                kind::FOREIGN => drop(into_box::<Box<dyn Object>>(cell)),
                kind::VECTOR => {
                    element::retire(heap, cell.address());
                    waiting.extend(into_box::<Vector>(cell).elements.into_iter().filter(|element| element.is_owned()));
                }
                kind::STRUCT => {
                    waiting.extend(into_box::<Struct>(cell).fields.into_values().filter(|field| field.is_owned()));
                }
                kind::CLOSURE => {
                    let closure = into_box::<Closure>(cell);
                    release_registers(closure.registers, &mut waiting);
                }
                kind::EXCEPTION => {
                    let exception = into_box::<Exception>(cell);
                    if let Some(slot) = exception.identity {
                        heap.take_box(slot);
                    }
                    if let Content::Value(value) = exception.content {
                        waiting.push(value);
                    }
                }
                kind::BOXED => waiting.push(heap.take_box(cell.address())),
                kind::SHARED => waiting.extend(heap.drop_handle(cell.address())),
                _ => {}
            }
        }
        next = waiting.pop();
        while next.is_some_and(|cell| !cell.is_owned()) {
            next = waiting.pop();
        }
    }
}

/// Gives up one reference to the registers of a closure; the last one moves their contents to `waiting`.
pub fn release_registers(registers: Rc<ClosureRegisters>, waiting: &mut Vec<Cell>) {
    if let Some(registers) = Rc::into_inner(registers) {
        waiting.extend(registers.cells.into_inner().iter().filter(|cell| cell.is_owned()));
    }
}

/// Copies a value by values.md §1.5: deep, or not at all. Takes a value or an element; looks through boxes.
pub fn copy(heap: &mut Heap, source: Cell) -> Result<Cell, Raise> {
    if let Some(result) = copy_leaf(source) {
        return result;
    }
    let mut jobs = vec![Job::new(source)];
    loop {
        let job = jobs.last_mut().expect("the loop ends with the last job");
        heap.copied = heap.copied.saturating_add(1);
        let Some(element) = job.next() else {
            let finished = jobs.pop().expect("just looked at").finish();
            match jobs.last_mut() {
                Some(outer) => outer.push(finished),
                None => return Ok(finished),
            }
            continue;
        };
        match copy_leaf(element) {
            Some(Ok(copied)) => job.push(copied),
            Some(Err(raise)) => {
                for job in jobs {
                    let unfinished = job.finish();
                    release(heap, unfinished);
                }
                return Err(raise);
            }
            None => {
                let inner = Job::new(unbox(element));
                jobs.push(inner);
            }
        }
    }
}

fn unbox(cell: Cell) -> Cell {
    // SAFETY: a box leads to a slot in use.
    if cell.kind() == kind::BOXED { unsafe { (*cell.address::<BoxSlot>()).cell } } else { cell }
}

/// Copies what contains nothing; `None` for containers.
fn copy_leaf(cell: Cell) -> Option<Result<Cell, Raise>> {
    let cell = unbox(cell);
    // SAFETY: the kind tells the type.
    unsafe {
        Some(Ok(match cell.kind() {
            kind::TEXT => Cell::boxed(kind::TEXT, Box::new(get::<Text>(cell).clone())),
            kind::STRING => Cell::boxed(kind::STRING, Box::new(get::<Vec<u8>>(cell).clone())),
            kind::LONG_BITS => return Some(bits_view(&raw const cell).copied().map(bits_cell).map_err(Raise::from)),
            kind::VECTOR | kind::STRUCT | kind::CLOSURE => return None,
            kind::EXCEPTION => match &get::<Exception>(cell).content {
                Content::OuterOnly(text) => Cell::boxed(
                    kind::EXCEPTION,
                    Box::new(Exception {
                        tag: get::<Exception>(cell).tag,
                        content: Content::OuterOnly(text.clone()),
                        throw_points: Vec::new(),
                        identity: None,
                    }),
                ),
                Content::Nothing | Content::Value(_) | Content::Description(_) => {
                    return Some(Raised::text("not copyable"));
                }
            },
            kind::REQUEST => return Some(Raised::tagged("IO_request", "not copyable")),
            kind::PORT => return Some(Raised::tag("Not_copyable")),
            kind::FOREIGN => match object(cell).copied() {
                Some(copied) => Cell::boxed(kind::FOREIGN, Box::new(copied)),
                None => return Some(Raised::text(format!("{} is not copyable", object(cell).type_name()))),
            },
            kind::SHARED => {
                // In registers of closures only: the copy shares the variable.
                (*cell.address::<VariableSlot>()).handles += 1;
                cell
            }
            _ => cell,
        }))
    }
}

/// A container whose copy is being made.
enum Job {
    Vector {
        source: std::slice::Iter<'static, Cell>,
        done: Vec<Cell>,
    },
    Struct {
        source: std::collections::btree_map::Iter<'static, Atom, Cell>,
        key: Option<Atom>,
        done: BTreeMap<Atom, Cell>,
    },
    Closure {
        name: &'static NameSlot,
        source: std::slice::Iter<'static, Cell>,
        done: Vec<Cell>,
    },
}

impl Job {
    fn new(source: Cell) -> Job {
        // SAFETY: the kind tells the type; the source is not changed while it is copied.
        unsafe {
            match source.kind() {
                kind::VECTOR => {
                    let elements: &'static Vec<Cell> = &get::<Vector>(source).elements;
                    Job::Vector { source: elements.iter(), done: Vec::with_capacity(elements.len()) }
                }
                kind::STRUCT => {
                    let fields: &'static BTreeMap<Atom, Cell> = &get::<Struct>(source).fields;
                    Job::Struct { source: fields.iter(), key: None, done: BTreeMap::new() }
                }
                _ => {
                    let closure = get::<Closure>(source);
                    let cells = std::slice::from_raw_parts(closure.registers.base(), closure.registers.len());
                    Job::Closure { name: closure.name, source: cells.iter(), done: Vec::with_capacity(cells.len()) }
                }
            }
        }
    }
    fn next(&mut self) -> Option<Cell> {
        match self {
            Job::Vector { source, .. } | Job::Closure { source, .. } => source.next().copied(),
            Job::Struct { source, key, .. } => source.next().map(|(name, cell)| {
                *key = Some(*name);
                *cell
            }),
        }
    }
    fn push(&mut self, copied: Cell) {
        match self {
            Job::Vector { done, .. } | Job::Closure { done, .. } => done.push(copied),
            Job::Struct { key, done, .. } => {
                if let Some(key) = key.take() {
                    done.insert(key, copied);
                }
            }
        }
    }
    fn finish(self) -> Cell {
        match self {
            Job::Vector { done, .. } => Cell::boxed(kind::VECTOR, Box::new(Vector::of(done))),
            Job::Struct { done, .. } => Cell::boxed(kind::STRUCT, Box::new(Struct { fields: done })),
            Job::Closure { name, done, .. } => {
                let registers = Rc::new(ClosureRegisters::from_cells(done));
                Cell::boxed(kind::CLOSURE, Box::new(Closure { name, registers }))
            }
        }
    }
}

/// Whether `needle` (the address of a container or closure) is `value` or is owned by it at any depth (values.md
/// §1.5). What a closure shares is not owned by it. O(size of the value); asked only where the container was reached
/// through a pointer, since one in a register lies in nothing.
pub fn contains(value: Cell, needle: u64) -> bool {
    let mut waiting = vec![value];
    while let Some(cell) = waiting.pop() {
        let cell = unbox(cell);
        // SAFETY: the kind tells the type.
        unsafe {
            match cell.kind() {
                kind::VECTOR | kind::STRUCT | kind::CLOSURE if cell.payload == needle => return true,
                kind::VECTOR => waiting.extend(get::<Vector>(cell).elements.iter().filter(|cell| cell.is_owned())),
                kind::STRUCT => waiting.extend(get::<Struct>(cell).fields.values().filter(|cell| cell.is_owned())),
                kind::EXCEPTION => {
                    if let Content::Value(value) = get::<Exception>(cell).content {
                        waiting.push(value);
                    }
                }
                kind::CLOSURE => {
                    let registers = &get::<Closure>(cell).registers;
                    let cells = std::slice::from_raw_parts(registers.base(), registers.len());
                    waiting.extend(cells.iter().filter(|cell| cell.is_owned() && cell.kind() != kind::SHARED));
                }
                _ => {}
            }
        }
    }
    false
}
