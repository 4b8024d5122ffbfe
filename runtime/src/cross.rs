//! What happens to a value that leaves its process (values.md §5): pointers to it and in it die, and sharing ends.
//! The result is a tree of plain values that refers to nothing of the process it came from.

use crate::cell::{Cell, kind};
use crate::heap::{BoxSlot, Heap, VariableSlot};
use crate::raise::Raise;
use crate::value::{Closure, ClosureRegisters, Content, Exception, Struct, Vector, copy, get, release};
use std::rc::Rc;

/// Work that is still to do, innermost last.
enum Work {
    /// Make this element a plain value.
    Plain(*mut Cell),
    /// The value of the variable whose replacement began last has been dealt with.
    Done,
}

/// Makes a value that has been taken out of its register ready to leave process `pid`. It must not be a handle.
/// Fails, and changes nothing, if a value in a closure would have to be copied and cannot be.
pub fn leave(heap: &mut Heap, pid: u64, value: &mut Cell) -> Result<(), Raise> {
    if !value.is_owned() && !matches!(value.kind(), kind::POINTER | kind::ELEMENT) {
        return Ok(());
    }
    check(heap, value)?;
    let mut being_replaced: Vec<*mut VariableSlot> = Vec::new();
    let mut work = vec![Work::Plain(value)];
    while let Some(next) = work.pop() {
        let cell = match next {
            Work::Plain(cell) => cell,
            Work::Done => {
                being_replaced.pop();
                continue;
            }
        };
        // SAFETY: the cells are elements of the value, which nothing else uses; handles and boxes are this
        // process's, the kind tells the type.
        unsafe {
            if (*cell).kind() == kind::SHARED {
                let variable: *mut VariableSlot = (*cell).address();
                if being_replaced.contains(&variable) {
                    let handle = std::mem::replace(&mut *cell, Cell::EMPTY);
                    release(heap, handle);
                    continue;
                }
                if (*variable).handles == 1 {
                    *cell = heap.drop_handle(variable).unwrap_or(Cell::EMPTY);
                } else {
                    // `check` has made sure that it can be copied.
                    let copied = copy(heap, (*variable).cell).unwrap_or(Cell::EMPTY);
                    heap.drop_handle(variable);
                    *cell = copied;
                    being_replaced.push(variable);
                    work.push(Work::Done);
                }
            }
            if (*cell).kind() == kind::BOXED {
                *cell = heap.take_box((*cell).address());
            }
            let value = *cell;
            match value.kind() {
                kind::POINTER | kind::ELEMENT => *cell = Cell::new(kind::SEVERED, pid),
                kind::VECTOR => {
                    crate::element::retire(heap, value.address());
                    work.extend(plain(get::<Vector>(value).elements.iter_mut()));
                }
                kind::STRUCT => work.extend(plain(get::<Struct>(value).fields.values_mut())),
                kind::EXCEPTION => {
                    if let Content::Value(carried) = &mut get::<Exception>(value).content {
                        work.push(Work::Plain(carried));
                    }
                }
                kind::CLOSURE => {
                    let closure: &mut Closure = get(value);
                    if Rc::strong_count(&closure.registers) > 1 {
                        // An activation is running: the values go with the closure, it finds its registers empty.
                        let own = ClosureRegisters::new(closure.registers.len());
                        std::ptr::swap_nonoverlapping(closure.registers.base(), own.base(), own.len());
                        closure.registers = Rc::new(own);
                    }
                    let (base, count) = (closure.registers.base(), closure.registers.len());
                    work.extend((0..count).map(|index| Work::Plain(base.add(index))));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn plain<'a>(cells: impl Iterator<Item = &'a mut Cell>) -> impl Iterator<Item = Work> {
    cells
        .filter(|cell| cell.is_owned() || matches!(cell.kind(), kind::POINTER | kind::ELEMENT))
        .map(|cell| Work::Plain(cell))
}

/// Whether every shared value in closures that would have to be copied can be.
fn check(heap: &mut Heap, value: &Cell) -> Result<(), Raise> {
    let mut waiting = vec![*value];
    let mut seen: Vec<u64> = Vec::new();
    while let Some(mut cell) = waiting.pop() {
        // SAFETY: as in `leave`; nothing is changed here.
        unsafe {
            if cell.kind() == kind::SHARED {
                if seen.contains(&cell.payload) {
                    continue;
                }
                seen.push(cell.payload);
                let variable: *mut VariableSlot = cell.address();
                cell = (*variable).cell;
                if (*variable).handles > 1 {
                    let copied = copy(heap, cell)?;
                    release(heap, copied);
                }
            }
            if cell.kind() == kind::BOXED {
                cell = (*cell.address::<BoxSlot>()).cell;
            }
            match cell.kind() {
                kind::VECTOR => waiting.extend(get::<Vector>(cell).elements.iter().filter(|cell| cell.is_owned())),
                kind::STRUCT => waiting.extend(get::<Struct>(cell).fields.values().filter(|cell| cell.is_owned())),
                kind::EXCEPTION => {
                    if let Content::Value(carried) = get::<Exception>(cell).content {
                        waiting.push(carried);
                    }
                }
                kind::CLOSURE => {
                    let registers = &get::<Closure>(cell).registers;
                    waiting.extend((0..registers.len()).map(|index| *registers.base().add(index)));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
