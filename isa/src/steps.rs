//! The analyser's rules of one instruction as a list of elementary steps (analyser-rules.md §4, §6).
//!
//! A row of the table states its steps in the notation of the specification, such as
//! `k0 n0 k1 u1 t1:string d0:integer`; this module parses that notation once.

use crate::{Opcode, TABLE};
use std::sync::LazyLock;

/// The kinds of operand that a K step accepts, and so the words of its message (analyser-rules.md §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `k`: a register.
    Register,
    /// `kL`: a register, left-hand side.
    Left,
    /// `kR`: a register, right-hand side.
    Right,
    /// `kV`: a register or `void`.
    RegisterOrVoid,
    /// `kW`: a register or `void`, other words.
    RegisterOrVoidLiteral,
    /// `kX`: a register; the message speaks of `void` all the same.
    RegisterNotVoid,
    /// `k>`: a register; the message points at operand 0.
    AtFirst,
    /// `kP`: a register; a message of its own for `void`.
    Printed,
    /// `kF`: a function name.
    Function,
    /// `kC`: a function name, an atom or a register.
    Callee,
    /// `kA`: an atom literal.
    Atom,
    /// `kB`: a register or a bits literal.
    Bits,
}

/// A type in a T or D step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    /// `any`, and the unknown type `value`.
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
    Pointer,
    /// `of1`: the type of that operand.
    Of(u8),
    /// `scalar1`: the type of that operand without "pointer to".
    ScalarOf(u8),
    /// `through1`: the type of that operand; through `*`, the pointee's.
    ThroughOf(u8),
    /// `pointer_to1`: pointer to the type of that operand.
    PointerTo(u8),
}

/// One elementary step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `k1`: kind of an operand.
    Kind(u8, Kind),
    /// `n1`: the name of a register operand must be resolved.
    Name(u8),
    /// `u1"phrase"`: use of a register.
    Use(u8, &'static str),
    /// `t1:integer`: type of the value.
    Type(u8, Type),
    /// `d0:integer`: definition.
    Define(u8, Type),
    /// `e1`: erasure.
    Erase(u8),
    /// `m0`: access mode; which modes and words is told by the mnemonic.
    Mode(u8),
    /// `[u2`: the steps up to the matching [`Step::End`] apply only if the operand is a register.
    IfRegister(u8),
    /// `]`.
    End,
    /// `!word`: a rule of its own, named by the instruction (`!pack`, `!conversion`, ...).
    Special(&'static str),
}

static STEPS: LazyLock<Vec<Vec<Step>>> = LazyLock::new(|| TABLE.iter().map(|row| parse(row.steps)).collect());

/// The steps of an instruction, in order.
pub fn of(opcode: Opcode) -> &'static [Step] {
    &STEPS[opcode as usize]
}

fn parse(notation: &'static str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = notation;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return steps;
        }
        if let Some(after) = rest.strip_prefix(']') {
            steps.push(Step::End);
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix('[') {
            // `[u2 ...]`: the condition is the operand of the first step inside.
            let operand = after.bytes().find(u8::is_ascii_digit).expect("a step names its operand") - b'0';
            steps.push(Step::IfRegister(operand));
            rest = after;
            continue;
        }
        let end = word_end(rest);
        steps.push(parse_step(&rest[..end]));
        rest = &rest[end..];
    }
}

/// The end of a step: a blank or `]` outside quotes.
fn word_end(text: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b' ' | b']' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn parse_step(word: &'static str) -> Step {
    if let Some(name) = word.strip_prefix('!') {
        return Step::Special(name);
    }
    let digit = word.bytes().position(|byte| byte.is_ascii_digit()).expect("a step names its operand");
    let operand = word.as_bytes()[digit] - b'0';
    let after = &word[digit + 1..];
    match &word[..digit] {
        "k" => Step::Kind(operand, Kind::Register),
        "kL" => Step::Kind(operand, Kind::Left),
        "kR" => Step::Kind(operand, Kind::Right),
        "kV" => Step::Kind(operand, Kind::RegisterOrVoid),
        "kW" => Step::Kind(operand, Kind::RegisterOrVoidLiteral),
        "kX" => Step::Kind(operand, Kind::RegisterNotVoid),
        "k>" => Step::Kind(operand, Kind::AtFirst),
        "kP" => Step::Kind(operand, Kind::Printed),
        "kF" => Step::Kind(operand, Kind::Function),
        "kC" => Step::Kind(operand, Kind::Callee),
        "kA" => Step::Kind(operand, Kind::Atom),
        "kB" => Step::Kind(operand, Kind::Bits),
        "n" => Step::Name(operand),
        "u" => Step::Use(operand, if after.is_empty() { "use of" } else { after.trim_matches('"') }),
        "t" => Step::Type(operand, parse_type(after.trim_start_matches(':'))),
        "d" => Step::Define(operand, parse_type(after.trim_start_matches(':'))),
        "e" => Step::Erase(operand),
        "m" => Step::Mode(operand),
        other => panic!("unknown step {other} in the instruction table"),
    }
}

fn parse_type(word: &str) -> Type {
    let of = |prefix: &str| word.strip_prefix(prefix).and_then(|digit| digit.parse::<u8>().ok());
    if let Some(operand) = of("of") {
        return Type::Of(operand);
    }
    if let Some(operand) = of("scalar") {
        return Type::ScalarOf(operand);
    }
    if let Some(operand) = of("through") {
        return Type::ThroughOf(operand);
    }
    if let Some(operand) = of("pointer_to") {
        return Type::PointerTo(operand);
    }
    match word {
        "any" | "value" => Type::Value,
        "integer" => Type::Integer,
        "float" => Type::Float,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        "text" => Type::Text,
        "string" => Type::String,
        "vector" => Type::Vector,
        "bits" => Type::Bits,
        "function" => Type::Function,
        "closure" => Type::Closure,
        "invocable" => Type::Invocable,
        "atom" => Type::Atom,
        "pid" => Type::Pid,
        "struct" => Type::Struct,
        "request" => Type::IoRequest,
        "port" => Type::IoPort,
        "port-like" => Type::IoPortLike,
        "exception" => Type::Exception,
        "pointer" => Type::Pointer,
        other => panic!("unknown type {other} in the instruction table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_is_parsed() {
        assert_eq!(
            parse("k0 u1\"move from\" [u2 t2:integer] d0:of1"),
            vec![
                Step::Kind(0, Kind::Register),
                Step::Use(1, "move from"),
                Step::IfRegister(2),
                Step::Use(2, "use of"),
                Step::Type(2, Type::Integer),
                Step::End,
                Step::Define(0, Type::Of(1)),
            ]
        );
    }

    #[test]
    fn every_row_parses_and_names_operands_it_has() {
        for row in &TABLE {
            for step in of(row.opcode) {
                let operand = match *step {
                    Step::Kind(n, _) | Step::Name(n) | Step::Use(n, _) | Step::Type(n, _) | Step::Define(n, _) => n,
                    Step::Erase(n) | Step::Mode(n) | Step::IfRegister(n) => n,
                    Step::End | Step::Special(_) => continue,
                };
                assert!((operand as usize) < row.operands.len(), "{}: operand {operand}", row.mnemonic);
            }
        }
    }
}
