//! Code as the interpreter runs it: bodies of fixed-size instructions, and the slots that names are called through.
//!
//! Every source instruction has exactly one [`Ins`] at the same index, so an instruction pointer is an instruction
//! number. A body holds its code twice, one after the other: first the *fast* form, in which the usual
//! instructions on local registers have operands as byte offsets into the frame, then the *plain* form, in which
//! every instruction is generic and checks everything. The fast form assumes that the frame has at least
//! [`Body::needs`] local registers; a block or closure that runs on fewer is run in the plain form.

use crate::atom::Atom;
use crate::cell::Cell;
use crate::decode::GENERIC;
use crate::ffi::Foreign;
use crate::value::Text;
use std::sync::atomic::{AtomicPtr, Ordering};
use viua_bytecode::{LineEntry, Register};
use viua_isa::Opcode;

/// An instruction: 8 bytes. What `a`, `b`, `c` mean depends on the handler.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ins {
    /// Index into the table of handlers.
    pub op: u16,
    /// Usually the target, as byte offset from the first local register.
    pub a: u16,
    /// Usually the first source.
    pub b: u16,
    /// Usually the second source.
    pub c: u16,
}

/// An operand of the generic form, ready-made.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    /// `void`, or no operand.
    Void,
    /// A register.
    Reg(Register),
    /// A count, a slot.
    Index(u16),
    /// An integer literal.
    Integer(i64),
    /// A float literal.
    Float(f64),
    /// A boolean literal.
    Boolean(bool),
    /// Milliseconds; `None` is infinity.
    Timeout(Option<u32>),
    /// Index into [`Body::constants`].
    Constant(u32),
    /// A function or block, by its slot.
    Name(&'static NameSlot),
    /// A jump target: number of an instruction of the body.
    Target(u32),
    /// A foreign function that is handed the parameters of the running frame; in the body of [`Body::stub`] only.
    Foreign(&'static Foreign),
}

/// The generic form of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Cold {
    /// Which one.
    pub opcode: Opcode,
    /// Its operands; [`Arg::Void`] behind the last.
    pub args: [Arg; 4],
}

/// A constant operand that is more than a word.
#[derive(Debug)]
pub enum Constant {
    /// A text.
    Text(Text),
    /// Bytes for `text` that are not UTF-8: executing it raises `Invalid_text`.
    InvalidText,
    /// A string, or the name of a module.
    Bytes(Box<[u8]>),
    /// An atom, or the tag of a catcher.
    Atom(Atom),
    /// A bit string: a template that is copied.
    Bits(crate::value::LongBits),
}

/// What a body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// A function.
    Function,
    /// The body of a closure.
    Closure,
    /// A block.
    Block,
}

/// The code of a function, closure or block.
#[derive(Debug)]
pub struct Body {
    /// Its name.
    pub name: &'static NameSlot,
    /// What it is.
    pub kind: BodyKind,
    /// Registers that the leading `allocate_registers` gives; a call does its work and starts behind it.
    pub locals: u16,
    /// Number of the instruction at which a call starts: 1 if there is a leading `allocate_registers`.
    pub start: u32,
    /// Number of local registers that the fast form takes for granted.
    pub needs: u32,
    /// Where a call starts: `start`, in the form that fits `locals` registers.
    pub entry: *const Ins,
    /// Fast form and a sentinel, then plain form and a sentinel.
    pub code: Box<[Ins]>,
    /// The generic form of each instruction.
    pub cold: Box<[Cold]>,
    /// Constants of the generic and the fast form.
    pub constants: Box<[Constant]>,
    /// Ready-made numbers of the fast form.
    pub numbers: Box<[Cell]>,
    /// Slots that calls of the fast form go through.
    pub callees: Box<[&'static NameSlot]>,
    /// Position of each instruction; empty without debug information.
    pub lines: Box<[LineEntry]>,
    /// Files that `lines` refers to. Atoms, since positions outlive the body.
    pub files: std::sync::Arc<[Atom]>,
}

// SAFETY: a body never changes after it has been made; atoms and names are shared by design.
unsafe impl Send for Body {}
unsafe impl Sync for Body {}

impl Body {
    /// The number of instructions.
    pub fn len(&self) -> usize {
        self.cold.len()
    }
    /// The number of the instruction at an address of either form (`len` for the sentinel).
    pub fn number_of(&self, ip: *const Ins) -> usize {
        // SAFETY: an instruction pointer of a frame lies in the code of the frame's body.
        let offset = unsafe { ip.offset_from(self.code.as_ptr()) } as usize;
        offset % (self.len() + 1)
    }
    /// The body of a deferred foreign function: it runs the function on its own parameters, and returns.
    pub fn stub(name: &'static NameSlot, foreign: &'static Foreign) -> Body {
        let call = Cold { opcode: Opcode::Call, args: [Arg::Void, Arg::Foreign(foreign), Arg::Void, Arg::Void] };
        let code: Box<[Ins]> = vec![GENERIC; 6].into();
        Body {
            name,
            kind: BodyKind::Function,
            locals: 0,
            start: 0,
            needs: 0,
            entry: code.as_ptr(),
            code,
            cold: [call, Cold { opcode: Opcode::Return, args: [Arg::Void; 4] }].into(),
            constants: [].into(),
            numbers: [].into(),
            callees: [].into(),
            lines: [].into(),
            files: [].into(),
        }
    }
    /// Where an instruction stands.
    pub fn place(&self, number: u32) -> Place {
        match self.lines.get(number as usize) {
            Some(entry) => Place::Source {
                file: self.files.get(entry.file as usize).copied(),
                line: entry.line,
                column: entry.column,
            },
            None => Place::Number(number),
        }
    }
    /// Whether it only stands for a foreign function, which stack traces do not show.
    pub fn is_stub(&self) -> bool {
        matches!(self.cold.first(), Some(Cold { args: [_, Arg::Foreign(_), ..], .. }))
    }
    /// The address of an instruction, in the fast form if the frame has enough registers for it.
    pub fn address(&self, number: u32, locals: usize) -> *const Ins {
        let plain = if self.needs as usize <= locals { 0 } else { self.len() + 1 };
        &raw const self.code[plain + number as usize]
    }
}

/// A name that code calls through: one slot per distinct name and machine, at a stable address. Loading a module
/// replaces what slots mean; no call is ever patched.
#[derive(Debug)]
pub struct NameSlot {
    name: Box<str>,
    /// Dense number, for the static register sets of a process.
    pub id: u32,
    function: AtomicPtr<Body>,
    block: AtomicPtr<Body>,
    foreign: AtomicPtr<Foreign>,
}

impl NameSlot {
    /// A slot that means nothing yet.
    pub fn new(name: &str, id: u32) -> NameSlot {
        NameSlot {
            name: name.into(),
            id,
            function: AtomicPtr::default(),
            block: AtomicPtr::default(),
            foreign: AtomicPtr::default(),
        }
    }
    /// The name, arity included.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What calls of the name mean now.
    #[inline(always)]
    pub fn function(&self) -> *const Body {
        self.function.load(Ordering::Acquire)
    }
    /// What `enter` and `catch` of the name mean now.
    pub fn block(&self) -> *const Body {
        self.block.load(Ordering::Acquire)
    }
    /// What calls of the name mean if no bytecode defines it (modules.md §9).
    pub fn foreign(&self) -> Option<&'static Foreign> {
        // SAFETY: a slot holds null or a foreign function, and these live as long as the machine.
        unsafe { self.foreign.load(Ordering::Acquire).as_ref() }
    }
    /// Replaces the foreign function of the name.
    pub fn define_foreign(&self, foreign: &'static Foreign) {
        self.foreign.store(std::ptr::from_ref(foreign).cast_mut(), Ordering::Release);
    }
    /// Replaces what the name means; gives back what it meant before, or null. Null makes it mean nothing.
    pub fn define(&self, is_block: bool, body: *mut Body) -> *mut Body {
        let slot = if is_block { &self.block } else { &self.function };
        slot.swap(body, Ordering::AcqRel)
    }
}

/// Where an instruction stands, for people. Does not refer to the body, which may be given back before exceptions
/// that were thrown in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a source text.
    Source {
        /// The file, if it is known.
        file: Option<Atom>,
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
    },
    /// Its number in its body: there are no lines.
    Number(u32),
}
