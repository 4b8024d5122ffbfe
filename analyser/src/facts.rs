//! What a register can be at an instruction (analyser-rules.md §2, §3): a *fact*, and sets of facts as one machine word.
//!
//! There are few different facts: four states without a type, a closure that was created in the body at hand, and each
//! type, plain or as the target of a pointer. So a set of them is a `u64`, join is `|`, and what a step does with a set
//! is a handful of masks (the IFDS shape: every step works on each fact alone).

use viua_isa::steps::Type;

/// The number of a fact: a bit of [`Facts`].
pub type Fact = u8;

/// A set of facts. Join is union.
pub type Facts = u64;

/// The set of one fact.
pub const fn one(fact: Fact) -> Facts {
    1 << fact
}

/// Never defined.
pub const EMPTY: Fact = 0;
/// Defined once, and gone.
pub const ERASED: Fact = 1;
/// Nothing is known, not even whether it is defined.
pub const UNKNOWN: Fact = 2;
/// A fact for which a rule of the running instruction has failed; behind the instruction it is [`UNKNOWN`].
pub const FAILED: Fact = 3;
/// A closure made by a `closure` instruction of the body at hand. Which one is followed apart (`closures`).
pub const CREATED: Fact = 4;
const PLAIN: Fact = 8;
const POINTER: Fact = 32;

/// The types, in the order of their bits.
const NAMES: [&str; 19] = [
    "value",
    "integer",
    "float",
    "number",
    "boolean",
    "text",
    "string",
    "vector",
    "bits",
    "function",
    "closure",
    "invocable",
    "atom",
    "pid",
    "struct",
    "I/O request",
    "I/O port",
    "I/O port-like",
    "exception",
];
const COUNT: usize = NAMES.len();

/// A type of the language without "pointer to".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    Value,
    Integer,
    Float,
    Number,
    Boolean,
    Text,
    String,
    Vector,
    Bits,
    Function,
    Closure,
    Invocable,
    Atom,
    Pid,
    Struct,
    IoRequest,
    IoPort,
    IoPortLike,
    Exception,
}

/// The basic types that belong to a type, as a set of kinds.
const fn basic(kind: usize) -> u32 {
    const INTEGER: usize = Kind::Integer as usize;
    match kind {
        3 => 1 << INTEGER | 1 << Kind::Float as usize,
        11 => 1 << Kind::Function as usize | 1 << Kind::Closure as usize,
        17 => 1 << Kind::IoPort as usize | 1 << INTEGER,
        _ => 1 << kind,
    }
}

/// The fact "defined with this type".
pub const fn plain(kind: Kind) -> Fact {
    PLAIN + kind as Fact
}

/// The fact "defined, a pointer to this type".
pub const fn pointer_to(kind: Kind) -> Fact {
    POINTER + kind as Fact
}

const VALUE: Facts = one(plain(Kind::Value));
const POINTER_TO_VALUE: Facts = one(pointer_to(Kind::Value));
const ALL_KINDS: Facts = (1 << COUNT) - 1;
/// All facts "defined with some plain type".
const ALL_PLAIN: Facts = ALL_KINDS << PLAIN | one(CREATED);
/// All facts "defined, a pointer".
const ALL_POINTERS: Facts = ALL_KINDS << POINTER;
/// All facts for which a register is defined.
pub const DEFINED: Facts = ALL_PLAIN | ALL_POINTERS;
/// What makes a use fail.
pub const NOT_DEFINED: Facts = one(EMPTY) | one(ERASED);
/// What the T steps leave alone: other rules are about it.
const WITHOUT_TYPE: Facts = NOT_DEFINED | one(UNKNOWN) | one(FAILED);

/// The type in a step of the instruction table; `None` for those that speak of another operand, and for "any pointer".
pub const fn kind_of(step: Type) -> Option<Kind> {
    Some(match step {
        Type::Value => Kind::Value,
        Type::Integer => Kind::Integer,
        Type::Float => Kind::Float,
        Type::Number => Kind::Number,
        Type::Boolean => Kind::Boolean,
        Type::Text => Kind::Text,
        Type::String => Kind::String,
        Type::Vector => Kind::Vector,
        Type::Bits => Kind::Bits,
        Type::Function => Kind::Function,
        Type::Closure => Kind::Closure,
        Type::Invocable => Kind::Invocable,
        Type::Atom => Kind::Atom,
        Type::Pid => Kind::Pid,
        Type::Struct => Kind::Struct,
        Type::IoRequest => Kind::IoRequest,
        Type::IoPort => Kind::IoPort,
        Type::IoPortLike => Kind::IoPortLike,
        Type::Exception => Kind::Exception,
        Type::Pointer | Type::Of(_) | Type::ScalarOf(_) | Type::ThroughOf(_) | Type::PointerTo(_) => return None,
    })
}

/// What a T step requires, and what it does to a set: all facts of `infer` become `inferred`, those of `fail` fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    infer: Facts,
    inferred: Fact,
    /// The facts for which the step fails.
    pub fail: Facts,
}

impl Requirement {
    /// The facts behind the step, those that fail included as [`FAILED`].
    pub const fn apply(self, facts: Facts) -> Facts {
        let mut out = facts & !(self.infer | self.fail);
        if facts & self.infer != 0 {
            out |= one(self.inferred);
        }
        if facts & self.fail != 0 {
            out |= one(FAILED);
        }
        out
    }
    /// The one fact behind the step.
    pub const fn apply_one(self, fact: Fact) -> Fact {
        self.apply(one(fact)).trailing_zeros() as Fact
    }
}

/// Requirements by [`requirement_number`]: of each kind for direct access, then through `*`, then of "any pointer".
pub static REQUIREMENTS: [Requirement; 2 * COUNT + 2] = {
    let mut table = [Requirement { infer: 0, inferred: 0, fail: 0 }; 2 * COUNT + 2];
    let mut kind = 0;
    while kind < COUNT {
        table[kind] = direct(kind);
        table[COUNT + kind] = through(kind);
        kind += 1;
    }
    // `ptrlive`: pointers do not nest, so through `*` only a pointer to something unknown can be one.
    table[2 * COUNT] = Requirement { infer: VALUE, inferred: pointer_to(Kind::Value), fail: ALL_PLAIN & !VALUE };
    table[2 * COUNT + 1] = Requirement {
        infer: VALUE,
        inferred: pointer_to(Kind::Value),
        fail: (ALL_PLAIN & !VALUE) | (ALL_POINTERS & !POINTER_TO_VALUE),
    };
    table
};

/// The number of the requirement of a T step.
pub fn requirement_number(step: Type, through_pointer: bool) -> u8 {
    let number = match kind_of(step) {
        Some(kind) => kind as usize + if through_pointer { COUNT } else { 0 },
        None => 2 * COUNT + usize::from(through_pointer),
    };
    number as u8
}

const fn intersecting(kind: usize) -> Facts {
    let mut set = 0;
    let mut other = 1;
    while other < COUNT {
        if basic(kind) & basic(other) != 0 {
            set |= 1 << other;
        }
        other += 1;
    }
    set
}

const fn direct(kind: usize) -> Requirement {
    if kind == Kind::Value as usize {
        return Requirement { infer: 0, inferred: 0, fail: 0 };
    }
    let mut accepted = intersecting(kind) << PLAIN;
    if accepted & one(plain(Kind::Closure)) != 0 {
        accepted |= one(CREATED);
    }
    Requirement { infer: VALUE, inferred: PLAIN + kind as Fact, fail: (ALL_PLAIN | ALL_POINTERS) & !VALUE & !accepted }
}

const fn through(kind: usize) -> Requirement {
    let accepted = if kind == Kind::Value as usize { ALL_POINTERS } else { intersecting(kind) << POINTER };
    Requirement {
        infer: VALUE | POINTER_TO_VALUE,
        inferred: POINTER + kind as Fact,
        fail: (ALL_PLAIN | ALL_POINTERS) & !VALUE & !POINTER_TO_VALUE & !accepted,
    }
}

/// How the type of a result follows from the fact of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Map {
    /// The same type.
    Same,
    /// Without "pointer to".
    Scalar,
    /// The type of what is pointed to.
    Pointee,
    /// Pointer to it.
    PointerTo,
}

impl Map {
    const ALL: [Map; 4] = [Map::Same, Map::Scalar, Map::Pointee, Map::PointerTo];

    /// The map with that number.
    pub fn numbered(number: u8) -> Map {
        Map::ALL[usize::from(number)]
    }

    /// What a definition makes of a set of facts of its source. A source without a known type gives an unknown one.
    pub const fn apply(self, facts: Facts) -> Facts {
        if facts == 0 {
            return 0;
        }
        let untyped = if facts & WITHOUT_TYPE != 0 { VALUE } else { 0 };
        let created = facts & one(CREATED);
        let kinds = facts & (ALL_KINDS << PLAIN);
        let pointers = facts & ALL_POINTERS;
        match self {
            Map::Same => untyped | created | kinds | pointers,
            Map::Scalar => untyped | created | kinds | pointers >> (POINTER - PLAIN),
            Map::Pointee => {
                let no_pointer = if kinds | created != 0 { VALUE } else { 0 };
                untyped | no_pointer | pointers >> (POINTER - PLAIN)
            }
            Map::PointerTo => {
                let to_created = if created != 0 { one(pointer_to(Kind::Closure)) } else { 0 };
                let to_untyped = if untyped != 0 { POINTER_TO_VALUE } else { 0 };
                to_untyped | to_created | kinds << (POINTER - PLAIN) | pointers
            }
        }
    }
}

/// The facts of a set, ascending.
pub fn each(mut facts: Facts) -> impl Iterator<Item = Fact> {
    std::iter::from_fn(move || {
        (facts != 0).then(|| {
            let fact = facts.trailing_zeros() as Fact;
            facts &= facts - 1;
            fact
        })
    })
}

/// Whether it is a pointer.
pub const fn is_pointer(fact: Fact) -> bool {
    one(fact) & ALL_POINTERS != 0
}

/// The printed name of the type of a fact; `value` where there is none.
pub fn type_name(fact: Fact) -> String {
    match fact {
        CREATED => "closure".to_owned(),
        fact if is_pointer(fact) => format!("pointer to {}", NAMES[usize::from(fact - POINTER)]),
        fact => plain_name(fact).to_owned(),
    }
}

/// The printed name of the type of a fact without "pointer to".
pub fn pointee_name(fact: Fact) -> &'static str {
    if is_pointer(fact) { NAMES[usize::from(fact - POINTER)] } else { plain_name(fact) }
}

fn plain_name(fact: Fact) -> &'static str {
    fact.checked_sub(PLAIN).and_then(|kind| NAMES.get(usize::from(kind))).copied().unwrap_or(NAMES[0])
}

/// What a T step demands, as its message says it.
pub fn requirement_name(step: Type) -> String {
    match kind_of(step) {
        Some(kind) => NAMES[kind as usize].to_owned(),
        None => "pointer to value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(step: Type) -> Requirement {
        REQUIREMENTS[usize::from(requirement_number(step, false))]
    }
    fn through(step: Type) -> Requirement {
        REQUIREMENTS[usize::from(requirement_number(step, true))]
    }

    #[test]
    fn a_number_satisfies_what_it_meets() {
        let number = one(plain(Kind::Number));
        for step in [Type::Integer, Type::Float, Type::IoPortLike, Type::Number, Type::Value] {
            assert_eq!(direct(step).fail & number, 0, "{step:?}");
        }
        for step in [Type::IoPort, Type::Text, Type::Pointer] {
            assert_ne!(direct(step).fail & number, 0, "{step:?}");
        }
        assert_eq!(direct(Type::Integer).apply(number), number, "unions are never narrowed");
    }

    #[test]
    fn unknown_types_are_inferred() {
        assert_eq!(direct(Type::Integer).apply(VALUE), one(plain(Kind::Integer)));
        assert_eq!(direct(Type::Value).apply(VALUE), VALUE);
        assert_eq!(through(Type::Value).apply(VALUE), POINTER_TO_VALUE);
        assert_eq!(through(Type::Integer).apply(POINTER_TO_VALUE), one(pointer_to(Kind::Integer)));
        assert_eq!(direct(Type::Integer).apply(one(UNKNOWN)), one(UNKNOWN));
    }

    #[test]
    fn pointers_do_not_nest() {
        let to_text = one(pointer_to(Kind::Text));
        assert_eq!(Map::PointerTo.apply(one(plain(Kind::Text))), to_text);
        assert_eq!(Map::PointerTo.apply(to_text), to_text);
        assert_ne!(through(Type::Pointer).fail & to_text, 0);
        assert_eq!(direct(Type::Pointer).fail & to_text, 0);
        assert_ne!(direct(Type::Text).fail & to_text, 0);
    }

    #[test]
    fn a_created_closure_is_a_closure() {
        let created = one(CREATED);
        for step in [Type::Closure, Type::Invocable, Type::Value] {
            assert_eq!(direct(step).apply(created), created, "{step:?}");
        }
        assert_ne!(direct(Type::Function).fail & created, 0);
        assert_eq!(Map::Same.apply(created), created);
        assert_eq!(Map::PointerTo.apply(created), one(pointer_to(Kind::Closure)));
        assert_eq!(type_name(CREATED), "closure");
    }

    #[test]
    fn every_type_has_a_name_and_every_set_its_members() {
        assert_eq!(type_name(plain(Kind::Exception)), "exception");
        assert_eq!(type_name(pointer_to(Kind::IoPortLike)), "pointer to I/O port-like");
        assert_eq!(each(one(EMPTY) | VALUE).collect::<Vec<_>>(), [EMPTY, plain(Kind::Value)]);
    }
}
