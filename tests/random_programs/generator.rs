//! Random programs that mostly make sense: branches, loops that end, blocks with catchers, calls, closures, pointers and
//! values of many types. The writer keeps a rough record of what registers hold, and looks away from it now and then:
//! so about half of the programs have something that the analyser must refuse.
//!
//! Register use in every body: 1 to 6 hold values, 7 is for passing things on, 8 and 9 hold pointers, 10 a closure, 11 and
//! 12 count the loops of functions, 13 to 15 those of blocks, one each: whoever is in a loop and enters a block goes on
//! counting. Static registers are numbered from 10 on, so that messages about them can be told from others.

mod compound;

use std::fmt::Write;
use std::ops::Range;

/// A program, and what may be expected of it.
#[derive(Debug)]
pub struct Program {
    /// The source text.
    pub text: String,
    /// Nothing in it makes a value whose type the analyser does not know.
    pub is_typed: bool,
}

/// Writes a program; the same choices give the same program, fewer choices a shorter one.
pub fn program(choices: &[u16]) -> Program {
    let mut choices = Choices(choices);
    let is_typed = choices.below(2) == 0;
    let mut text = String::new();
    let blocks = choices.below(4);
    for number in 0..blocks {
        let outer = Outer { is_typed, blocks: number, functions: Vec::new(), closures: 0 };
        let mut body = Body::new(&mut choices, &outer, true);
        body.statements(6);
        body.look_at_all();
        body.line("leave");
        let _ = write!(text, ".block: b{number}\n{}.end\n", body.text);
    }
    let closures = choices.below(3);
    for number in 0..closures {
        let outer = Outer { is_typed, blocks: 0, functions: Vec::new(), closures: 0 };
        let mut body = Body::new(&mut choices, &outer, false);
        // What is captured: see `Body::closure`. It stays, since a closure may be called twice.
        body.held[1] = Held::Is(Type::Integer);
        body.held[2] = Held::Is(Type::Text);
        body.protected = 2;
        body.statements(5);
        body.line("return");
        let _ = write!(text, ".closure: c{number}/0\n{}.end\n", body.text);
    }
    let mut functions: Vec<u32> = Vec::new();
    for number in 0..1 + choices.below(3) {
        let arity = if is_typed { 0 } else { choices.below(3) };
        let outer = Outer { is_typed, blocks, functions: functions.clone(), closures };
        let mut body = Body::new(&mut choices, &outer, false);
        body.line("allocate_registers %16 local");
        for parameter in 0..arity {
            let way = if body.choices.below(2) == 0 { "copy" } else { "move" };
            body.has_moved |= way == "move";
            body.line(&format!("{way} %{} local %{parameter} parameters", parameter + 1));
            body.defined(parameter as usize + 1, Held::Is(Type::Any));
        }
        body.statements(12);
        body.look_at_all();
        body.line("izero %0 local");
        body.line("return");
        let _ = write!(text, ".function: f{number}/{arity}\n{}.end\n", body.text);
        functions.push(arity);
    }
    let outer = Outer { is_typed, blocks, functions, closures };
    let mut body = Body::new(&mut choices, &outer, false);
    body.line("allocate_registers %16 local");
    body.statements(16);
    body.line("izero %0 local");
    body.line("return");
    let _ = write!(text, ".function: main/0\n{}.end\n", body.text);
    Program { text, is_typed }
}

/// Numbers to choose by; 0 when there are none left.
struct Choices<'a>(&'a [u16]);

impl Choices<'_> {
    fn below(&mut self, limit: u32) -> u32 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u32::from(*first) % limit
    }

    fn one_in(&mut self, limit: u32) -> bool {
        self.below(limit) == limit - 1
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u32) as usize]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Integer,
    Float,
    Text,
    String,
    Atom,
    Boolean,
    Bits,
    Vector,
    Struct,
    Pid,
    Function,
    Exception,
    /// One that the analyser does not know.
    Any,
}

const TYPES: [Type; 12] = [
    Type::Integer,
    Type::Float,
    Type::Text,
    Type::String,
    Type::Atom,
    Type::Boolean,
    Type::Bits,
    Type::Vector,
    Type::Struct,
    Type::Pid,
    Type::Function,
    Type::Exception,
];

/// What a register holds, as far as the writer remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Empty,
    /// It depends.
    Mixed,
    Is(Type),
    PointerTo(Type),
}

/// Loops and blocks leave registers up to this one alone.
const KEPT: usize = 3;

/// What a body may name.
struct Outer {
    is_typed: bool,
    blocks: u32,
    /// Their arities.
    functions: Vec<u32>,
    closures: u32,
}

struct Body<'a, 'c> {
    choices: &'a mut Choices<'c>,
    outer: &'a Outer,
    text: String,
    held: [Held; 16],
    /// Values that nobody has looked at.
    is_fresh: [bool; 16],
    /// These registers, from 1 on, are never written or emptied.
    protected: usize,
    /// Operands of the statement that is being written.
    busy: Vec<usize>,
    /// Registers for loops that are not in use.
    counters: Range<u32>,
    depth: u32,
    labels: u32,
    is_block: bool,
    /// A parameter has been moved out.
    has_moved: bool,
}

impl<'a, 'c> Body<'a, 'c> {
    fn new(choices: &'a mut Choices<'c>, outer: &'a Outer, is_block: bool) -> Self {
        // A block does not know who enters it.
        let held = if is_block { Held::Mixed } else { Held::Empty };
        Body {
            choices,
            outer,
            text: String::new(),
            held: [held; 16],
            is_fresh: [false; 16],
            protected: if is_block { KEPT } else { 0 },
            busy: Vec::new(),
            counters: match is_block {
                true => 13 + outer.blocks..14 + outer.blocks,
                false => 11..13,
            },
            depth: 0,
            labels: 0,
            is_block,
            has_moved: false,
        }
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "    {line}");
    }

    fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels
    }

    /// Now and then the writer does something that may be wrong.
    fn errs(&mut self) -> bool {
        self.choices.one_in(80)
    }

    fn defined(&mut self, register: usize, held: Held) {
        self.held[register] = held;
        self.is_fresh[register] = true;
    }

    fn look(&mut self, register: usize) {
        self.line(&format!("not %7 local %{register} local"));
        self.line("delete %7 local");
        self.is_fresh[register] = false;
    }

    fn look_at_all(&mut self) {
        for register in 1..10 {
            if self.is_fresh[register] {
                self.look(register);
            }
        }
    }

    fn writable(&mut self) -> usize {
        let free = 6 - self.protected as u32;
        self.protected + 1 + self.choices.below(free) as usize
    }

    /// A register for a result.
    fn target(&mut self) -> usize {
        let register = self.writable();
        if self.is_fresh[register] && !self.errs() {
            self.look(register);
        }
        register
    }

    fn pointer_target(&mut self) -> usize {
        let register = 8 + self.choices.below(2) as usize;
        if self.is_fresh[register] {
            self.look(register);
        }
        register
    }

    fn literal(&mut self, kind: Type) -> usize {
        let mut register = self.target();
        for _ in 0..6 {
            if !self.busy.contains(&register) {
                break;
            }
            register = if register == 6 { self.protected + 1 } else { register + 1 };
        }
        if self.is_fresh[register] {
            self.look(register);
        }
        let number = self.choices.below(4);
        match kind {
            Type::Integer if number == 0 => self.line(&format!("izero %{register} local")),
            Type::Integer => self.line(&format!("integer %{register} local {number}")),
            Type::Float => self.line(&format!("float %{register} local {number}.5")),
            Type::Text => self.line(&format!("text %{register} local \"text {number}\"")),
            Type::String => self.line(&format!("string %{register} local \"{number}\"")),
            Type::Atom => {
                self.line(&format!("atom %{register} local '{}'", ["a", "b", "Oops", "Other"][number as usize]))
            }
            Type::Bits => self.line(&format!("bits %{register} local 0b0{number:02b}1")),
            Type::Vector => self.line(&format!("vector %{register} local")),
            Type::Struct => self.line(&format!("struct %{register} local")),
            Type::Pid => self.line(&format!("self %{register} local")),
            Type::Boolean => {
                self.line(&format!("integer %7 local {}", number / 2));
                self.line(&format!("not %{register} local %7 local"));
                self.line("delete %7 local");
            }
            Type::Exception => {
                self.line("atom %7 local 'Oops'");
                self.line(&format!("exception %{register} local %7 local void"));
                self.line("delete %7 local");
            }
            Type::Function if self.outer.functions.contains(&0) => {
                let all = self.outer.functions.iter().enumerate();
                let names: Vec<usize> = all.filter(|(_, arity)| **arity == 0).map(|(number, _)| number).collect();
                let name = self.choices.pick(&names);
                self.line(&format!("function %{register} local f{name}/0"));
            }
            Type::Function | Type::Any => {
                self.line(&format!("izero %{register} local"));
                self.defined(register, Held::Is(Type::Integer));
                return register;
            }
        }
        self.defined(register, Held::Is(kind));
        register
    }

    fn any_type(&mut self) -> Type {
        self.choices.pick(&TYPES)
    }

    fn fits(held: Held, kind: Type) -> bool {
        matches!(held, Held::Is(is) | Held::PointerTo(is) if is == kind || is == Type::Any || kind == Type::Any)
    }

    /// An operand to read a value of this type from.
    fn source(&mut self, kind: Type) -> String {
        if self.errs() {
            // Not those that count: loops end.
            let (mode, index) = (self.choices.pick(&["%", "%", "%", "*"]), self.choices.below(12));
            let index = if index < 11 { index } else { 17 };
            // A parameter that has been moved is still there for the analyser.
            let other = if self.has_moved { "local" } else { "parameters" };
            let set = self.choices.pick(&["local", "local", "local", "local", other]);
            if let Some(fresh) = self.is_fresh.get_mut(index as usize) {
                *fresh = false;
            }
            return format!("{mode}{index} {set}");
        }
        if !self.outer.is_typed && self.choices.one_in(40) {
            return format!("%{} static", 10 + self.choices.below(2));
        }
        let fitting: Vec<usize> = (1..10).filter(|register| Self::fits(self.held[*register], kind)).collect();
        let register = if fitting.is_empty() { self.literal(kind) } else { self.choices.pick(&fitting) };
        self.is_fresh[register] = false;
        self.busy.push(register);
        match self.held[register] {
            Held::PointerTo(_) => format!("*{register} local"),
            Held::Empty | Held::Mixed | Held::Is(_) => format!("%{register} local"),
        }
    }

    fn type_of(&self, operand: &str) -> Type {
        let register = operand[1..].split(' ').next().and_then(|index| index.parse::<usize>().ok());
        match register.and_then(|register| self.held.get(register)) {
            Some(Held::Is(kind) | Held::PointerTo(kind)) if operand.ends_with("local") => *kind,
            _ => Type::Any,
        }
    }

    /// A register that holds a value of this type and may be emptied.
    fn owned(&mut self, kind: Type) -> usize {
        let fits = |register: &usize| Self::fits(self.held[*register], kind) && !self.busy.contains(register);
        let fitting: Vec<usize> = (self.protected + 1..7).filter(fits).collect();
        let register = if fitting.is_empty() { self.literal(kind) } else { self.choices.pick(&fitting) };
        self.is_fresh[register] = false;
        self.busy.push(register);
        register
    }

    fn emptied(&mut self, register: usize) {
        self.held[register] = Held::Empty;
        self.is_fresh[register] = false;
    }

    /// Instructions that make a result of known type from sources of known types.
    fn compute(&mut self, mnemonic: &str, result: Type, sources: &[Type]) {
        let sources: Vec<String> = sources.iter().map(|kind| self.source(*kind)).collect();
        let target = self.target();
        self.line(&format!("{mnemonic} %{target} local {}", sources.join(" ")));
        self.defined(target, Held::Is(result));
    }

    fn statements(&mut self, most: u32) {
        for _ in 0..self.choices.below(most + 1) {
            self.statement();
        }
    }

    fn statement(&mut self) {
        self.busy.clear();
        use Type::{Any, Atom, Bits, Boolean, Exception, Float, Integer, Pid, Struct, Text, Vector};
        match self.choices.below(34) {
            0 | 1 => {
                let kind = self.any_type();
                self.literal(kind);
            }
            2 | 3 => {
                let mnemonic = self.choices.pick(&["add", "sub", "mul", "div"]);
                let (a, b) = (self.choices.pick(&[Integer, Float]), self.choices.pick(&[Integer, Float]));
                let (left, right) = (self.source(a), self.source(b));
                let result = self.type_of(&left);
                let target = self.target();
                self.line(&format!("{mnemonic} %{target} local {left} {right}"));
                self.defined(target, Held::Is(result));
            }
            4 => {
                let mnemonic = self.choices.pick(&["lt", "lte", "gt", "gte", "eq"]);
                let (a, b) = (self.choices.pick(&[Integer, Float]), self.choices.pick(&[Integer, Float]));
                self.compute(mnemonic, Boolean, &[a, b]);
            }
            5 => {
                let (mnemonic, value) = (self.choices.pick(&["iinc", "idec"]), self.source(Integer));
                self.line(&format!("{mnemonic} {value}"));
            }
            6 => match self.choices.below(5) {
                0 => self.compute("textconcat", Text, &[Text, Text]),
                1 => self.compute("textlength", Integer, &[Text]),
                2 => self.compute("textat", Text, &[Text, Integer]),
                3 => self.compute("textsub", Text, &[Text, Integer, Integer]),
                _ => self.compute("textcommonprefix", Integer, &[Text, Text]),
            },
            7 => match self.choices.below(4) {
                0 => self.compute("streq", Boolean, &[Type::String, Type::String]),
                1 => self.compute("texteq", Boolean, &[Text, Text]),
                2 => self.compute("atomeq", Boolean, &[Atom, Atom]),
                _ => self.compute("pideq", Boolean, &[Pid, Pid]),
            },
            8 => match self.choices.below(5) {
                0 => self.compute("itof", Float, &[Integer]),
                1 => self.compute("ftoi", Integer, &[Float]),
                2 => self.compute("stoi", Integer, &[Type::String]),
                3 => self.compute("stof", Float, &[Type::String]),
                // Like `not`, it does not ask for a pointer behind `*`.
                _ => {
                    let (value, target) = (self.owned(Integer), self.target());
                    self.line(&format!("text %{target} local %{value} local"));
                    self.defined(target, Held::Is(Text));
                }
            },
            9 => {
                let kind = self.any_type();
                let source = self.source(kind);
                let kind = self.type_of(&source);
                let target = self.target();
                self.line(&format!("copy %{target} local {source}"));
                self.defined(target, Held::Is(kind));
            }
            10 => {
                let kind = self.any_type();
                let source = self.owned(kind);
                let held = self.held[source];
                let target = self.target();
                if target != source {
                    self.line(&format!("move %{target} local %{source} local"));
                    self.emptied(source);
                    self.defined(target, held);
                }
            }
            11 => {
                let (a, b) = (self.any_type(), self.any_type());
                let left = self.owned(a);
                let right = self.owned(b);
                if left != right && matches!(self.held[left], Held::Is(_)) {
                    self.line(&format!("swap %{left} local %{right} local"));
                    self.held.swap(left, right);
                    (self.is_fresh[left], self.is_fresh[right]) = (true, true);
                }
            }
            12 => {
                let kind = self.any_type();
                let register = self.owned(kind);
                self.line(&format!("delete %{register} local"));
                self.emptied(register);
            }
            13 => self.vector(),
            14 => self.structure(),
            15 => match self.choices.below(4) {
                0 => {
                    let mnemonic = self.choices.pick(&["bitand", "bitor", "bitxor", "wrapadd", "checkedsadd"]);
                    self.compute(mnemonic, Bits, &[Bits, Bits]);
                }
                1 => self.compute("bitat", Boolean, &[Bits, Integer]),
                2 => self.compute("bitnot", Bits, &[Bits]),
                _ => {
                    let (value, by) = (self.source(Bits), self.source(Integer));
                    let mnemonic = self.choices.pick(&["rol", "ror"]);
                    self.line(&format!("{mnemonic} {value} {by}"));
                }
            },
            16 | 17 => self.pointer(),
            18 => {
                let errs = self.errs();
                let is_asked = |at: &usize| self.held[*at] == Held::Empty || errs;
                let empty: Vec<usize> = (1..7).filter(is_asked).collect();
                if let Some(asked) = empty.last() {
                    let target = self.target();
                    self.line(&format!("isnull %{target} local %{asked} local"));
                    self.defined(target, Held::Is(Boolean));
                }
            }
            19 | 20 => self.branch(),
            21 | 22 => self.looping(),
            23 | 24 => self.enter(),
            25 | 26 => self.call(),
            27 => self.closure(),
            28 => match self.choices.below(3) {
                0 => self.compute("exception_tag", Atom, &[Exception]),
                1 if !self.outer.is_typed => self.compute("exception_value", Any, &[Exception]),
                _ => {
                    let (tag, value) = (self.source(Atom), self.owned(Integer));
                    let target = self.target();
                    if target != value {
                        self.line(&format!("exception %{target} local {tag} %{value} local"));
                        self.emptied(value);
                        self.defined(target, Held::Is(Exception));
                    }
                }
            },
            29 => {
                let (mnemonic, target) = (self.choices.pick(&["jump +2", "nop", "nop"]), self.choices.below(4));
                self.line(mnemonic);
                if target == 0 {
                    let label = self.label();
                    self.line(&format!("jump past_{label}"));
                    self.line("nop");
                    self.line(&format!(".mark: past_{label}"));
                } else if mnemonic != "nop" {
                    self.line("nop");
                }
            }
            30 if !self.outer.is_typed => {
                let source = self.source(Any);
                let index = 10 + self.choices.below(2);
                self.line(&format!("copy %{index} static {source}"));
            }
            31 if !self.outer.is_typed && self.is_block => {
                let target = self.target();
                self.line(&format!("draw %{target} local"));
                self.defined(target, Held::Is(Any));
            }
            32 => self.compute("vector", Vector, &[]),
            33 => self.compute("struct", Struct, &[]),
            _ => {
                let source = self.source(Any);
                self.line(&format!("copy %7 local {source}"));
                self.line("delete %7 local");
            }
        }
    }
}
