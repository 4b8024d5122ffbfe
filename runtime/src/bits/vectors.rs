//! The reference vectors (isa-bits.md §10), each row of them.

use super::*;
use std::cmp::Ordering;

const TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/bits/vectors.tsv"));

/// A string from its printed form.
pub fn parse(digits: &str) -> Bits {
    let digits = if digits == "\"\"" { "" } else { digits };
    let mut bits = Bits::zeros(digits.len() as u64).unwrap();
    for (index, digit) in digits.bytes().rev().enumerate() {
        set_bit(bits.words_mut(), index as u32, digit == b'1');
    }
    bits
}

fn printed(bits: &Bits) -> String {
    let mut out = Vec::new();
    let cell = crate::value::bits_cell(bits.clone());
    crate::print::inner(cell, &mut out);
    crate::value::release(&mut crate::heap::Heap::default(), cell);
    if out.is_empty() { "\"\"".to_owned() } else { String::from_utf8(out).unwrap() }
}

/// The families and operations that arithmetic mnemonics are put together from.
pub const FAMILIES: [(&str, Fit, Reading); 5] = [
    ("wrap", Fit::Wrap, Reading::Unsigned),
    ("checkeds", Fit::Check, Reading::Signed),
    ("checkedu", Fit::Check, Reading::Unsigned),
    ("saturatings", Fit::Saturate, Reading::Signed),
    ("saturatingu", Fit::Saturate, Reading::Unsigned),
];

/// `result`, `out` and `exception` of a row.
fn outcome(op: &str, lhs: &str, rhs: &str) -> Result<(String, String), String> {
    let done = |result: Bits| Ok((printed(&result), "-".to_owned()));
    let plain = |result: &dyn std::fmt::Display| Ok((result.to_string(), "-".to_owned()));
    let amount = |digits: &str| {
        let number: i64 = digits.parse().unwrap();
        u64::try_from(number).map_err(|_| "Exception = number is negative".to_owned())
    };
    let string = || parse(lhs);
    let both = || (parse(lhs), parse(rhs));
    let compared = |order: fn(View, View) -> Ordering, relation: &str| {
        let (lhs, rhs) = both();
        let order = order(lhs.view(), rhs.view());
        plain(&match relation {
            "eq" => order.is_eq(),
            "lt" => order.is_lt(),
            "lte" => order.is_le(),
            "gt" => order.is_gt(),
            "gte" => order.is_ge(),
            _ => panic!("{op}"),
        })
    };
    let logical = |function| {
        let (lhs, rhs) = both();
        done(logic(lhs.view(), rhs.view(), function).unwrap())
    };
    let shifted = |shifted_out: fn(View, u64) -> Result<Bits, TooWide>, change: fn(&mut [u64], u32, u64)| {
        let (mut bits, amount) = (string(), amount(rhs)?);
        let (out, width) = (shifted_out(bits.view(), amount).unwrap(), bits.view().width);
        change(bits.words_mut(), width, amount);
        Ok((printed(&bits), printed(&out)))
    };
    let rotated = |change: fn(&mut [u64], u32, u64) -> Result<(), TooWide>| {
        let (mut bits, amount) = (string(), amount(rhs)?);
        let width = bits.view().width;
        change(bits.words_mut(), width, amount).unwrap();
        done(bits)
    };
    match op {
        "literal" => {
            let bytes = viua_ir::literal::bits(lhs.as_bytes()).unwrap();
            let mut bits = Bits::zeros(bytes.len() as u64 * 8).unwrap();
            for (index, byte) in bytes.iter().enumerate() {
                bits.words_mut()[index / 8] |= u64::from(*byte) << (index % 8 * 8);
            }
            done(bits)
        }
        "bits" => done(Bits::zeros(amount(lhs)?).unwrap()),
        "bits_of_integer" => done(Bits::of_word(amount(lhs)?)),
        "integer_of_bits" => plain(&(string().view().low_word() as i64)),
        "bitswidth" => plain(&string().view().width),
        "bitnot" => done(invert(string().view()).unwrap()),
        "bitand" => logical(|x, y| x & y),
        "bitor" => logical(|x, y| x | y),
        "bitxor" => logical(|x, y| x ^ y),
        "bitat" => {
            let (bits, index) = (string(), amount(rhs)?);
            let width = bits.view().width;
            if index >= width.into() {
                return Err(format!("Out_of_range = index {index} is out of range for bit string of {width} bits"));
            }
            plain(&bits.view().bit(index as u32))
        }
        "shl" => shifted(shifted_out_left, shift_left),
        "shr" => shifted(shifted_out_right, shift_right),
        "ashl" => shifted(shifted_out_left, arithmetic_left),
        "ashr" => shifted(shifted_out_right, arithmetic_right),
        "rol" => rotated(rotate_left),
        "ror" => rotated(rotate_right),
        _ => {
            if let Some((family, fit, reading)) = FAMILIES.iter().find(|(family, ..)| op.starts_with(family)) {
                return calculated(&op[family.len()..], *fit, *reading, lhs, rhs);
            }
            match op.strip_prefix("bits") {
                Some(relation) => compared(compare_strings, relation),
                None => compared(compare_signed, op.strip_prefix("bita").unwrap()),
            }
        }
    }
}

fn calculated(operation: &str, fit: Fit, reading: Reading, lhs: &str, rhs: &str) -> Result<(String, String), String> {
    let mut lhs = parse(lhs);
    let width = lhs.view().width;
    let rules = Rules { fit, reading };
    let mut stepped = |up| step(rules, lhs.words_mut(), width, up);
    let (name, result) = match operation {
        "increment" => ("Increment", stepped(true).map(|()| lhs)),
        "decrement" => ("Decrement", stepped(false).map(|()| lhs)),
        _ => {
            let (name, operation) = match operation {
                "add" => ("Addition", Operation::Add),
                "sub" => ("Subtraction", Operation::Subtract),
                "mul" => ("Multiplication", Operation::Multiply),
                "div" => ("Division", Operation::Divide),
                _ => panic!("{operation}"),
            };
            let reading = if (fit, operation) == (Fit::Wrap, Operation::Divide) { Reading::Signed } else { reading };
            (name, compute(operation, Rules { fit, reading }, lhs.view(), parse(rhs).view()))
        }
    };
    match result {
        Ok(bits) => Ok((printed(&bits), "-".to_owned())),
        Err(Fault::DivisionByZero) => Err("Exception = division by zero".to_owned()),
        Err(Fault::Overflow) => Err(format!("Exception = CheckedArithmetic{name}{reading:?}Overflow")),
        Err(Fault::TooWide(fault)) => panic!("{fault:?}"),
    }
}

#[test]
fn every_reference_vector_holds() {
    let mut count = 0;
    for row in TABLE.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [op, width, lhs, rhs, result, out, exception, _original] = columns[..] else { panic!("{row}") };
        match outcome(op, lhs, rhs) {
            Ok((actual, shifted_out)) => {
                assert_eq!((&*actual, &*shifted_out, "-"), (result, out, exception), "{row}");
                if matches!(op, "literal" | "bits" | "bits_of_integer") {
                    assert_eq!(parse(&actual).view().width.to_string(), width, "{row}");
                }
            }
            Err(actual) => assert_eq!(("-", "-", &*actual), (result, out, exception), "{row}"),
        }
        count += 1;
    }
    assert_eq!(count, 1019);
}
