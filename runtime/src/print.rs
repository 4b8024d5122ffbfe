//! The printed forms of values (values.md §1.1 to §1.3). O(length of the form), without recursion.

use crate::atom::Atom;
use crate::bits::View;
use crate::cell::{Cell, kind};
use crate::code::NameSlot;
use crate::io::{Port, Request};
use crate::value::{Closure, Content, Exception, Struct, Text, Vector, bits_view, get};
use std::io::Write;
use std::sync::LazyLock;

/// Appends what `print` writes (without its newline).
pub fn outer(value: Cell, out: &mut Vec<u8>) {
    let value = unbox(value);
    // SAFETY: the kind tells the type.
    unsafe {
        match value.kind() {
            kind::TEXT => get::<Text>(value).write(out),
            kind::STRING => out.extend_from_slice(get::<Vec<u8>>(value)),
            kind::REQUEST => {
                let Request { descriptor, number, .. } = get::<Request>(value);
                write!(out, "<I/O request: {descriptor}.{number}>").expect("writing to memory does not fail");
            }
            kind::PORT => {
                out.extend_from_slice(b"IO_fd: ");
                inner(value, out);
            }
            kind::EXCEPTION => match &get::<Exception>(value).content {
                Content::Nothing => {}
                Content::Value(value) => outer_of_carried(*value, out),
                Content::Description(text) | Content::OuterOnly(text) => out.extend_from_slice(text),
            },
            _ => inner(value, out),
        }
    }
}

/// An exception may carry an exception, and so on: follow the chain in a loop.
fn outer_of_carried(mut value: Cell, out: &mut Vec<u8>) {
    loop {
        value = unbox(value);
        // SAFETY: the kind tells the type.
        match value.kind() {
            kind::EXCEPTION => match unsafe { &get::<Exception>(value).content } {
                Content::Value(carried) => value = *carried,
                Content::Nothing => return,
                Content::Description(text) | Content::OuterOnly(text) => return out.extend_from_slice(text),
            },
            _ => return outer(value, out),
        }
    }
}

fn unbox(cell: Cell) -> Cell {
    let mut cell = cell;
    // SAFETY: registers hold valid cells.
    unsafe { *crate::value::resolve(&raw mut cell) }
}

enum Open {
    Vector(std::slice::Iter<'static, Cell>, bool),
    Struct(std::collections::btree_map::Iter<'static, Atom, Cell>, bool),
}

/// Appends the form that a value has inside containers.
pub fn inner(value: Cell, out: &mut Vec<u8>) {
    let mut open: Vec<Open> = Vec::new();
    write_or_open(value, out, &mut open);
    while let Some(container) = open.last_mut() {
        let next = match container {
            Open::Vector(elements, first) => elements.next().map(|element| {
                if !std::mem::take(first) {
                    out.extend_from_slice(b", ");
                }
                *element
            }),
            Open::Struct(fields, first) => fields.next().map(|(key, field)| {
                if !std::mem::take(first) {
                    out.extend_from_slice(b", ");
                }
                quoted(key.bytes(), b'\'', out);
                out.extend_from_slice(b": ");
                *field
            }),
        };
        match next {
            Some(element) => write_or_open(element, out, &mut open),
            None => {
                let closing = if matches!(container, Open::Vector(..)) { b']' } else { b'}' };
                out.push(closing);
                open.pop();
            }
        }
    }
}

fn write_or_open(value: Cell, out: &mut Vec<u8>, open: &mut Vec<Open>) {
    let value = unbox(value);
    // SAFETY: the kind tells the type; values are not changed while they are printed.
    unsafe {
        match value.kind() {
            kind::VECTOR => {
                out.push(b'[');
                let elements: &'static Vec<Cell> = &get::<Vector>(value).elements;
                open.push(Open::Vector(elements.iter(), true));
            }
            kind::STRUCT => {
                out.push(b'{');
                open.push(Open::Struct(get::<Struct>(value).fields.iter(), true));
            }
            _ => leaf(value, out),
        }
    }
}

fn leaf(value: Cell, out: &mut Vec<u8>) {
    let write = |out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>| {
        out.write_fmt(arguments).expect("writing to memory does not fail");
    };
    // SAFETY: the kind tells the type.
    unsafe {
        match value.kind() {
            kind::INTEGER => write(out, format_args!("{}", value.as_integer())),
            kind::FLOAT => float(value.as_float(), out),
            kind::BOOLEAN => out.extend_from_slice(if value.payload != 0 { b"true" } else { b"false" }),
            kind::TEXT => {
                let mut text = Vec::new();
                get::<Text>(value).write(&mut text);
                quoted(&text, b'"', out);
            }
            kind::STRING => {
                out.push(b'b');
                quoted(get::<Vec<u8>>(value), b'"', out);
            }
            kind::ATOM => quoted(Atom::from_address(value.payload).bytes(), b'\'', out),
            kind::POINTER | kind::ELEMENT | kind::SEVERED => out.extend_from_slice(b"Pointer"),
            kind::PID => pid(value.payload, out),
            kind::FUNCTION => write(out, format_args!("Function: {}", (*value.address::<NameSlot>()).name())),
            kind::CLOSURE => write(out, format_args!("Closure: {}", get::<Closure>(value).name.name())),
            kind::BITS | kind::LONG_BITS => bits(bits_view(&raw const value), out),
            kind::EXCEPTION => {
                let exception = get::<Exception>(value);
                out.extend_from_slice(exception.tag.bytes());
                out.extend_from_slice(b": ");
                match &exception.content {
                    Content::Description(text) => quoted(text, b'"', out),
                    Content::Nothing | Content::Value(_) | Content::OuterOnly(_) => out.extend_from_slice(b"\"\""),
                }
            }
            kind::REQUEST => out.extend_from_slice(b"<I/O request>"),
            kind::PORT => write(out, format_args!("{}", get::<Port>(value).number())),
            kind::FOREIGN => crate::value::object(value).print(out),
            _ => {}
        }
    }
}

/// Writes `quote`, the content with a backslash before each `quote`, and `quote` (values.md §1.2).
pub fn quoted(content: &[u8], quote: u8, out: &mut Vec<u8>) {
    out.push(quote);
    for &byte in content {
        if byte == quote {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(quote);
}

/// Six digits after the point, never an exponent (values.md §1.3).
pub fn float(value: f64, out: &mut Vec<u8>) {
    let result = if value.is_nan() {
        out.write_all(if value.is_sign_negative() { b"-nan" } else { b"nan" })
    } else {
        write!(out, "{value:.6}")
    };
    result.expect("writing to memory does not fail");
}

/// As many digits as the string is wide, most significant first.
fn bits(source: View, out: &mut Vec<u8>) {
    out.extend((0..source.width).rev().map(|index| b'0' + u8::from(source.bit(index))));
}

/// The first field of all pids of this run: random between runs (runtime.md §1.3).
static RUN: LazyLock<u64> = LazyLock::new(|| {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
});

/// `7cb5818261c77f98:5b55000000009e3c:ce300014:7521:0081`: the number of the process is spread over fields two
/// and three, so that two pids are equal exactly if they print alike.
pub fn pid(number: u64, out: &mut Vec<u8>) {
    let run = *RUN;
    write!(out, "{:016x}:{:016x}:{:08x}:{:04x}:{:04x}", run, number, run as u32, run >> 16 & 0xffff, run >> 48)
        .expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: f64) -> String {
        let mut out = Vec::new();
        float(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_round_to_the_even_digit() {
        for (value, expected) in [
            (0.1, "0.100000"),
            (-0.0, "-0.000000"),
            (-0.0000001, "-0.000000"),
            (0.0000005, "0.000000"),
            (0.00000051, "0.000001"),
            (0.0078125, "0.007812"),
            (0.0234375, "0.023438"),
            (123456.7890625, "123456.789062"),
            (1.0000005, "1.000001"),
            (999999.9999995, "999999.999999"),
            (0.9999995, "1.000000"),
            (9007199254740993.0, "9007199254740992.000000"),
            (1e50, "100000000000000007629769841091887003294964970946560.000000"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(printed(value), expected);
        }
    }

    #[test]
    fn quoting_escapes_the_quote_only() {
        let mut out = Vec::new();
        quoted(br#"a\b"c'"#, b'"', &mut out);
        assert_eq!(out, br#""a\b\"c'""#);
    }
}
