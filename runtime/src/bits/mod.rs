//! Bit strings of any width (isa-bits.md), as pure functions: nothing here knows of registers or exceptions. A
//! string is a width and an array of words, least significant first, whose bits above the width are zero; all
//! functions rely on that and leave it so. A string of up to 64 bits is an array of at most one word, which lies
//! in the cell itself: such strings never allocate.

mod arithmetic;
mod shift;
mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;

pub use arithmetic::{Fault, Fit, Operation, Reading, Rules, compute, step};
pub use shift::{
    arithmetic_left, arithmetic_right, rotate_left, rotate_right, shift_left, shift_right, shifted_out_left,
    shifted_out_right,
};

use crate::value::LongBits;
use std::cmp::Ordering;
use words::{trim, words_for, zeroed};

/// A string of that many bits cannot be: it is wider than any may be, or there is no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooWide(pub u64);

/// A string to be read.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The number of bits.
    pub width: u32,
    /// As many words as the width needs.
    pub words: &'a [u64],
}

impl View<'_> {
    /// Whether any bit is set.
    pub fn any(self) -> bool {
        self.words.iter().any(|word| *word != 0)
    }
    /// Whether the bit with that index, which must be below the width, is set.
    pub fn bit(self, index: u32) -> bool {
        self.words[index as usize / 64] >> (index % 64) & 1 != 0
    }
    /// The most significant bit.
    fn sign(self) -> bool {
        self.width > 0 && self.bit(self.width - 1)
    }
    /// The lowest 64 bits.
    pub fn low_word(self) -> u64 {
        self.words.first().copied().unwrap_or(0)
    }
    /// A copy.
    pub fn copied(self) -> Result<Bits, TooWide> {
        let mut result = Bits::zeros(self.width.into())?;
        result.words_mut().copy_from_slice(self.words);
        Ok(result)
    }
}

/// A new string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bits {
    /// Up to 64 bits.
    Short {
        /// The number of bits.
        width: u32,
        /// The bits.
        word: u64,
    },
    /// More.
    Long(LongBits),
}

impl Bits {
    /// A string of zeros. The largest width is that of a `u32`.
    pub fn zeros(width: u64) -> Result<Bits, TooWide> {
        let too_wide = TooWide(width);
        let short = u32::try_from(width).map_err(|_| too_wide)?;
        if short <= 64 {
            return Ok(Bits::Short { width: short, word: 0 });
        }
        let words = zeroed(words_for(width)).ok_or(too_wide)?;
        Ok(Bits::Long(LongBits { width: short, words }))
    }
    /// The 64 bits of a word.
    pub const fn of_word(word: u64) -> Bits {
        Bits::Short { width: 64, word }
    }
    /// Its words.
    fn words_mut(&mut self) -> &mut [u64] {
        match self {
            Bits::Short { width, word } => one_word_mut(*width, word),
            Bits::Long(long) => &mut long.words,
        }
    }
    /// To be read.
    #[cfg(test)]
    pub fn view(&self) -> View<'_> {
        match self {
            Bits::Short { width, word } => View { width: *width, words: one_word(*width, word) },
            Bits::Long(long) => View { width: long.width, words: &long.words },
        }
    }
}

/// The words of a string of up to 64 bits.
pub fn one_word(width: u32, word: &u64) -> &[u64] {
    &std::slice::from_ref(word)[..words_for(width.into())]
}

/// The words of a string of up to 64 bits, to be changed.
pub fn one_word_mut(width: u32, word: &mut u64) -> &mut [u64] {
    &mut std::slice::from_mut(word)[..words_for(width.into())]
}

/// All bits inverted.
pub fn invert(source: View) -> Result<Bits, TooWide> {
    let mut result = Bits::zeros(source.width.into())?;
    let words = result.words_mut();
    for (target, word) in words.iter_mut().zip(source.words) {
        *target = !word;
    }
    trim(words, source.width);
    Ok(result)
}

/// A logical function of the bits that both have; the rest of the left-hand side becomes zero.
pub fn logic(lhs: View, rhs: View, function: fn(u64, u64) -> u64) -> Result<Bits, TooWide> {
    let mut result = Bits::zeros(lhs.width.into())?;
    let common = lhs.width.min(rhs.width);
    let words = &mut result.words_mut()[..words_for(common.into())];
    for ((target, x), y) in words.iter_mut().zip(lhs.words).zip(rhs.words) {
        *target = function(*x, *y);
    }
    trim(words, common);
    Ok(result)
}

/// Sets or clears a bit, whose index must be below the width.
pub fn set_bit(words: &mut [u64], index: u32, value: bool) {
    let (word, bit) = (&mut words[index as usize / 64], 1 << (index % 64));
    *word = if value { *word | bit } else { *word & !bit };
}

/// As strings: the longer is the greater, equally long ones compare as unsigned numbers.
pub fn compare_strings(lhs: View, rhs: View) -> Ordering {
    lhs.width.cmp(&rhs.width).then_with(|| lhs.words.iter().rev().cmp(rhs.words.iter().rev()))
}

/// As signed numbers, whatever the widths.
pub fn compare_signed(lhs: View, rhs: View) -> Ordering {
    let count = lhs.words.len().max(rhs.words.len());
    let (x, y) = (lhs.read(Reading::Signed), rhs.read(Reading::Signed));
    let numbers = || (0..count).rev().map(|index| x.word(index)).cmp((0..count).rev().map(|index| y.word(index)));
    y.is_negative().cmp(&x.is_negative()).then_with(numbers)
}
