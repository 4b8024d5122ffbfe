//! What an instruction takes: kinds, directions and defaults of operands (language.md §12.3, values.md §4).

/// How an operand reaches its value: the sigil of a register operand (values.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AccessMode {
    /// `%N`: register N.
    Direct = 0,
    /// `@N`: the register whose index is the integer in register N.
    Indirect = 1,
    /// `*N`: the value that the pointer in register N points to.
    Dereference = 2,
}

impl AccessMode {
    /// The character that is written before the index.
    pub const fn sigil(self) -> char {
        match self {
            AccessMode::Direct => '%',
            AccessMode::Indirect => '@',
            AccessMode::Dereference => '*',
        }
    }
}

/// A register set (values.md §3). The numbers are those of the container and of run-time messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RegisterSet {
    /// One per process, 255 registers.
    Global = 0,
    /// One per call frame; the size is given by `allocate_registers`.
    Local = 1,
    /// One per function name and process, 16 registers.
    Static = 2,
    /// The registers of the frame that is being prepared.
    Arguments = 3,
    /// The registers that were passed to the running call.
    Parameters = 4,
}

impl RegisterSet {
    /// All sets, by number.
    pub const ALL: [RegisterSet; 5] =
        [RegisterSet::Global, RegisterSet::Local, RegisterSet::Static, RegisterSet::Arguments, RegisterSet::Parameters];

    /// The word of the assembly language.
    pub const fn name(self) -> &'static str {
        match self {
            RegisterSet::Global => "global",
            RegisterSet::Local => "local",
            RegisterSet::Static => "static",
            RegisterSet::Arguments => "arguments",
            RegisterSet::Parameters => "parameters",
        }
    }
}

/// What an operand does with the register it names (values.md §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// T: the result is stored in this register.
    Target,
    /// R: the instruction acts on the register itself, and empties it (source of `move`, operand of `delete`, `throw`).
    Take,
    /// R: the instruction acts on the register itself, whatever it holds (both sides of `swap`, source of `isnull`).
    Register,
    /// X: read, but never through a pointer.
    Index,
    /// V: the value is read where it is.
    Value,
    /// V: the value is changed in place.
    InPlace,
    /// C: moved out of its register, or copied when reached through a pointer.
    Consume,
    /// Not a register: a literal, a name, a count.
    Immediate,
}

/// The type that a value operand must have at run time: the word in `fetched invalid type: expected '…'`
/// (isa-values.md §1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Expected {
    Any,
    Integer,
    Float,
    Number,
    Boolean,
    Text,
    String,
    Atom,
    Vector,
    Struct,
    Bits,
    Pointer,
    Process,
    Function,
    Closure,
    Exception,
    IoRequest,
    IoPort,
}

impl Expected {
    /// The type name as run-time messages write it.
    pub const fn name(self) -> &'static str {
        match self {
            Expected::Any => "value",
            Expected::Integer => "Integer",
            Expected::Float => "Float",
            Expected::Number => "Number",
            Expected::Boolean => "Boolean",
            Expected::Text => "Text",
            Expected::String => "String",
            Expected::Atom => "Atom",
            Expected::Vector => "Vector",
            Expected::Struct => "Struct",
            Expected::Bits => "Bits",
            Expected::Pointer => "Pointer",
            Expected::Process => "Process",
            Expected::Function => "Function",
            Expected::Closure => "Closure",
            Expected::Exception => "Exception",
            Expected::IoRequest => "IO_request",
            Expected::IoPort => "IO_port",
        }
    }
}

/// The set of forms an operand may be written in. A bit set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms(pub u16);

#[allow(missing_docs)]
impl Forms {
    pub const REGISTER: Forms = Forms(1 << 0);
    /// The word `void`.
    pub const VOID: Forms = Forms(1 << 1);
    /// A register operand of which only the number counts (*index* of language.md §12.3).
    pub const INDEX: Forms = Forms(1 << 2);
    pub const INTEGER: Forms = Forms(1 << 3);
    pub const FLOAT: Forms = Forms(1 << 4);
    pub const BOOLEAN: Forms = Forms(1 << 5);
    pub const BITS: Forms = Forms(1 << 6);
    /// STR: a quoted literal that is decoded, either quotes.
    pub const STRING: Forms = Forms(1 << 7);
    pub const ATOM: Forms = Forms(1 << 8);
    /// A quoted literal that is not decoded: the tag of `catch`.
    pub const TAG: Forms = Forms(1 << 9);
    /// TIME: a duration or `infinity`.
    pub const TIMEOUT: Forms = Forms(1 << 10);
    /// FN: a function name.
    pub const FUNCTION: Forms = Forms(1 << 11);
    /// A block name.
    pub const BLOCK: Forms = Forms(1 << 12);
    /// A module name, bare or quoted.
    pub const MODULE: Forms = Forms(1 << 13);
    /// A jump target: marker, absolute number or offset.
    pub const TARGET: Forms = Forms(1 << 14);

    pub const fn or(self, other: Forms) -> Forms {
        Forms(self.0 | other.0)
    }
    /// Whether all forms of `other` are in this set.
    pub const fn has(self, other: Forms) -> bool {
        self.0 & other.0 == other.0
    }
    /// Whether some form of `other` is in this set.
    pub const fn meets(self, other: Forms) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a register set that is left out means (language.md §12.1 rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetRule {
    /// `local`.
    Local,
    /// R=: the set of operand 0 (`local` if that is `void`).
    LikeFirst,
}

/// What is supplied when a trailing operand is left out or written `default` (language.md §12.1 rules 2, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It may not be left out.
    None,
    /// The word `void`.
    Void,
    /// `infinity`.
    Infinity,
    /// The integer 0.
    Zero,
    /// The float 0.0.
    ZeroFloat,
    /// The empty literal `""`.
    EmptyString,
    /// The index `%0`.
    IndexZero,
    /// `+1`, the next instruction.
    NextInstruction,
    /// Index and set of operand 0.
    SameAsFirst,
    /// The register of the local set with the index of the operand before (captures).
    LocalOfIndex,
}

/// One operand of one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// A word for help texts and tables, such as `target` or `divisor`.
    pub name: &'static str,
    /// How it may be written.
    pub forms: Forms,
    /// What is done with the register, when it is one.
    pub access: Access,
    /// The type that is demanded of the value at run time.
    pub expected: Expected,
    /// What a set name that is left out means.
    pub set: SetRule,
    /// What stands for it when it is left out or written `default`.
    pub default: Default,
    /// Whether it may be left out: trailing operands, and the result in front of a callee.
    pub omittable: bool,
    /// Whether the word `default` may be written for it.
    pub takes_default: bool,
}

impl Operand {
    pub(crate) const fn new(name: &'static str, forms: Forms, access: Access) -> Operand {
        Operand {
            name,
            forms,
            access,
            expected: Expected::Any,
            set: SetRule::Local,
            default: Default::None,
            omittable: false,
            takes_default: false,
        }
    }
    pub(crate) const fn named(mut self, name: &'static str) -> Operand {
        self.name = name;
        self
    }
    /// Demands a type at run time.
    pub(crate) const fn of(mut self, expected: Expected) -> Operand {
        self.expected = expected;
        self
    }
    /// Makes it R=.
    pub(crate) const fn like_first(mut self) -> Operand {
        self.set = SetRule::LikeFirst;
        self
    }
    pub(crate) const fn or(mut self, forms: Forms) -> Operand {
        self.forms = self.forms.or(forms);
        self
    }
    /// Supplies a default for an operand that is left out.
    pub(crate) const fn omitted(mut self, default: Default) -> Operand {
        self.default = default;
        self.omittable = true;
        self
    }
    /// Supplies a default for an operand that is left out or written `default`.
    pub(crate) const fn defaults(mut self, default: Default) -> Operand {
        self.default = default;
        self.omittable = true;
        self.takes_default = true;
        self
    }
    /// Takes the default back to the written word: the operand may not be left out.
    pub(crate) const fn required(mut self) -> Operand {
        self.omittable = false;
        self
    }
    /// Whether a register (with access mode and set) may stand here.
    pub const fn is_register(&self) -> bool {
        self.forms.has(Forms::REGISTER)
    }
}
