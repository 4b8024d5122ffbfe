//! Arithmetic (isa-bits.md §7). One rule for all of it: read the operands as integers, compute the exact result, fit
//! it into the width of the left-hand side. Operands of up to 64 bits are computed with in 128 bits. Of longer ones
//! the exact result is never stored beyond the width of the left-hand side (and a word): sums are judged while they
//! are made, and a product that cannot fit is known by the lengths of its factors.

use super::words::{bit_length, divide, multiply, negate, significant, top_mask, trim, words_for, zeroed};
use super::{Bits, TooWide, View};
use std::borrow::Cow;

/// What is computed from two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    /// Truncates towards zero.
    Divide,
}

/// How operands are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Reading {
    Signed,
    Unsigned,
}

/// What becomes of a result that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Its lowest bits.
    Wrap,
    /// [`Fault::Overflow`].
    Check,
    /// The nearest number in range.
    Saturate,
}

/// A family of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rules {
    pub fit: Fit,
    pub reading: Reading,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The exact result is out of range.
    Overflow,
    /// The right-hand side has no set bits.
    DivisionByZero,
    /// There is no memory.
    TooWide(TooWide),
}

impl From<TooWide> for Fault {
    fn from(too_wide: TooWide) -> Fault {
        Fault::TooWide(too_wide)
    }
}

/// A string read as an integer: two's complement words without end.
#[derive(Clone, Copy)]
pub struct Number<'a> {
    words: &'a [u64],
    /// What the last word has above the width.
    above: u64,
    /// All words behind the last.
    fill: u64,
}

impl<'a> View<'a> {
    /// Reads it as an integer.
    pub fn read(self, reading: Reading) -> Number<'a> {
        let negative = reading == Reading::Signed && self.sign();
        let (above, fill) = if negative { (!top_mask(self.width), u64::MAX) } else { (0, 0) };
        Number { words: self.words, above, fill }
    }
}

impl Number<'_> {
    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.fill != 0
    }
    /// A word of it.
    pub fn word(self, index: usize) -> u64 {
        match self.words.get(index) {
            Some(word) if index + 1 == self.words.len() => word | self.above,
            Some(word) => *word,
            None => self.fill,
        }
    }
    /// Its value, if it is at most 64 bits wide.
    fn short(self) -> i128 {
        i128::from(self.fill as i64) << 64 | i128::from(self.word(0))
    }
    /// Its distance from zero, without leading zero words; `None` if there is no memory.
    fn magnitude(&self) -> Option<Cow<'_, [u64]>> {
        if !self.is_negative() {
            return Some(Cow::Borrowed(significant(self.words)));
        }
        let mut words = zeroed(self.words.len())?;
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.word(index);
        }
        negate(&mut words);
        let mut words = words.into_vec();
        words.truncate(significant(&words).len());
        Some(Cow::Owned(words))
    }
}

/// Computes with two operands.
pub fn compute(operation: Operation, rules: Rules, lhs: View, rhs: View) -> Result<Bits, Fault> {
    if operation == Operation::Divide && !rhs.any() {
        return Err(Fault::DivisionByZero);
    }
    if lhs.width <= 64 && rhs.width <= 64 {
        return short(operation, rules, lhs, rhs);
    }
    let mut result = Bits::zeros(lhs.width.into())?;
    let words = result.words_mut();
    match operation {
        Operation::Add => sum(rules, lhs, rhs, false, words)?,
        Operation::Subtract => sum(rules, lhs, rhs, true, words)?,
        Operation::Multiply => product(rules, lhs, rhs, words)?,
        Operation::Divide => quotient(rules, lhs, rhs, words)?,
    }
    Ok(result)
}

/// Adds or subtracts 1 in place.
pub fn step(rules: Rules, words: &mut [u64], width: u32, up: bool) -> Result<(), Fault> {
    let at_limit =
        |words: &[u64]| words.iter().enumerate().all(|(index, word)| *word == limit(index, width, rules.reading, !up));
    match rules.fit {
        Fit::Check if at_limit(words) => return Err(Fault::Overflow),
        Fit::Saturate if at_limit(words) => return Ok(()),
        Fit::Wrap | Fit::Check | Fit::Saturate => {}
    }
    for word in words.iter_mut() {
        let goes_on;
        (*word, goes_on) = if up { word.overflowing_add(1) } else { word.overflowing_sub(1) };
        if !goes_on {
            break;
        }
    }
    trim(words, width);
    Ok(())
}

/// A word of the least or greatest number of that width.
fn limit(index: usize, width: u32, reading: Reading, least: bool) -> u64 {
    let word = if least { 0 } else { u64::MAX };
    if width == 0 || index != (width as usize - 1) / 64 {
        return word;
    }
    let sign = match reading {
        Reading::Signed => 1 << ((width - 1) % 64),
        Reading::Unsigned => 0,
    };
    (word ^ sign) & top_mask(width)
}

fn short(operation: Operation, rules: Rules, lhs: View, rhs: View) -> Result<Bits, Fault> {
    let (x, y) = (lhs.read(rules.reading).short(), rhs.read(rules.reading).short());
    let exact = match (operation, rules.fit) {
        (Operation::Add, _) => x + y,
        (Operation::Subtract, _) => x - y,
        // Large unsigned products leave the 128 bits. Then they are out of range as well, or only low bits count.
        (Operation::Multiply, Fit::Wrap) => x.wrapping_mul(y),
        (Operation::Multiply, Fit::Check | Fit::Saturate) => x.saturating_mul(y),
        (Operation::Divide, _) => x / y,
    };
    let width = lhs.width;
    let (least, greatest) = match rules.reading {
        _ if width == 0 => (0, 0),
        Reading::Signed => (-1 << (width - 1), (1 << (width - 1)) - 1),
        Reading::Unsigned => (0, (1 << width) - 1),
    };
    let fitting = match rules.fit {
        Fit::Check if exact < least || exact > greatest => return Err(Fault::Overflow),
        Fit::Saturate => exact.clamp(least, greatest),
        Fit::Check | Fit::Wrap => exact,
    };
    let mut result = Bits::zeros(width.into())?;
    if let Some(word) = result.words_mut().first_mut() {
        *word = fitting as u64 & top_mask(width);
    }
    Ok(result)
}

/// Cuts a result to its width; one that is out of range is replaced or refused.
fn fit(rules: Rules, width: u32, in_range: bool, negative: bool, words: &mut [u64]) -> Result<(), Fault> {
    match rules.fit {
        Fit::Check if !in_range => return Err(Fault::Overflow),
        Fit::Saturate if !in_range => {
            for (index, word) in words.iter_mut().enumerate() {
                *word = limit(index, width, rules.reading, negative);
            }
        }
        Fit::Wrap | Fit::Check | Fit::Saturate => trim(words, width),
    }
    Ok(())
}

fn sum(rules: Rules, lhs: View, rhs: View, subtract: bool, words: &mut [u64]) -> Result<(), Fault> {
    let (x, y) = (lhs.read(rules.reading), rhs.read(rules.reading));
    let inverted = if subtract { u64::MAX } else { 0 };
    let mut carry = subtract;
    let mut next = |index: usize| {
        let (sum, first) = x.word(index).overflowing_add(y.word(index) ^ inverted);
        let (sum, second) = sum.overflowing_add(carry.into());
        carry = first || second;
        sum
    };
    for (index, word) in words.iter_mut().enumerate() {
        *word = next(index);
    }
    if rules.fit == Fit::Wrap {
        return fit(rules, lhs.width, true, false, words);
    }
    // The words of the exact result that are not stored. One behind the longer operand holds nothing but the sign.
    let (mut any, mut all, mut last) = (0, u64::MAX, 0);
    for index in words.len()..=lhs.words.len().max(rhs.words.len()) {
        last = next(index);
        any |= last;
        all &= last;
    }
    let negative = last >> 63 != 0;
    // In range, everything from the sign bit on (from behind the width, if there is no sign) looks alike.
    let has_sign = rules.reading == Reading::Signed && lhs.width > 0;
    let fill = if negative && has_sign { u64::MAX } else { 0 };
    let from = lhs.width - u32::from(has_sign);
    let top = words.get(from as usize / 64).is_none_or(|word| word >> (from % 64) == fill >> (from % 64));
    let in_range = top && if fill == 0 { any == 0 } else { all == u64::MAX };
    fit(rules, lhs.width, in_range, negative, words)
}

/// Whether the number with that magnitude, and the sign that goes with it, fits the width.
fn fits(reading: Reading, width: u32, negative: bool, magnitude: &[u64]) -> bool {
    let (length, width) = (bit_length(magnitude), u64::from(width));
    match reading {
        Reading::Unsigned => length <= width,
        Reading::Signed if length == width && negative => {
            magnitude.iter().map(|word| word.count_ones()).sum::<u32>() <= 1
        }
        Reading::Signed => length < width || length == 0,
    }
}

fn product(rules: Rules, lhs: View, rhs: View, words: &mut [u64]) -> Result<(), Fault> {
    if rules.fit == Fit::Wrap {
        multiply(significant(lhs.words), significant(rhs.words), words);
        trim(words, lhs.width);
        return Ok(());
    }
    let too_wide = TooWide(lhs.width.into());
    let (x, y) = (lhs.read(rules.reading), rhs.read(rules.reading));
    let (a, b) = (x.magnitude().ok_or(too_wide)?, y.magnitude().ok_or(too_wide)?);
    if a.is_empty() || b.is_empty() {
        return Ok(());
    }
    let negative = x.is_negative() != y.is_negative();
    // A product is at most one bit shorter than its factors together. If it cannot fit it is not computed.
    let room = u64::from(lhs.width) + 1;
    if bit_length(&a) + bit_length(&b) > room {
        return fit(rules, lhs.width, false, negative, words);
    }
    let mut exact = zeroed(words_for(room)).ok_or(too_wide)?;
    multiply(&a, &b, &mut exact);
    let in_range = fits(rules.reading, lhs.width, negative, &exact);
    words.copy_from_slice(&exact[..words.len()]);
    if negative {
        negate(words);
    }
    fit(rules, lhs.width, in_range, negative, words)
}

fn quotient(rules: Rules, lhs: View, rhs: View, words: &mut [u64]) -> Result<(), Fault> {
    let too_wide = TooWide(lhs.width.into());
    let (x, y) = (lhs.read(rules.reading), rhs.read(rules.reading));
    let (a, b) = (x.magnitude().ok_or(too_wide)?, y.magnitude().ok_or(too_wide)?);
    divide(&a, &b, words).ok_or(too_wide)?;
    let negative = x.is_negative() != y.is_negative();
    let in_range = fits(rules.reading, lhs.width, negative, words);
    if negative {
        negate(words);
    }
    fit(rules, lhs.width, in_range, negative, words)
}
