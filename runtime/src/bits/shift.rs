//! Shifts and rotations (isa-bits.md §5): by words and bits, in place. What is shifted out is a string of its own,
//! made before the source changes, and only if somebody wants it.

use super::words::{bits_at, trim};
use super::{Bits, TooWide, View, set_bit};

/// Shifts towards the most significant end.
pub fn shift_left(words: &mut [u64], width: u32, amount: u64) {
    if amount >= width.into() {
        return words.fill(0);
    }
    for index in (0..words.len()).rev() {
        words[index] = bits_at(words, index as i64 * 64 - amount as i64);
    }
    trim(words, width);
}

/// Shifts towards the least significant end.
pub fn shift_right(words: &mut [u64], width: u32, amount: u64) {
    if amount >= width.into() {
        return words.fill(0);
    }
    for index in 0..words.len() {
        words[index] = bits_at(words, index as i64 * 64 + amount as i64);
    }
}

/// As [`shift_left`], but the sign bit stays.
pub fn arithmetic_left(words: &mut [u64], width: u32, amount: u64) {
    let sign = View { width, words }.sign();
    shift_left(words, width, amount);
    if width > 0 {
        set_bit(words, width - 1, sign);
    }
}

/// As [`shift_right`], but copies of the sign bit move in.
pub fn arithmetic_right(words: &mut [u64], width: u32, amount: u64) {
    let sign = View { width, words }.sign();
    shift_right(words, width, amount);
    if sign {
        let from = u64::from(width).saturating_sub(amount);
        if from < width.into() {
            let first = (from / 64) as usize;
            words[first] |= u64::MAX << (from % 64);
            words[first + 1..].fill(u64::MAX);
            trim(words, width);
        }
    }
}

/// What a shift towards the most significant end shifts out: the `amount` highest bits, followed by zeros if there
/// are not as many.
pub fn shifted_out_left(source: View, amount: u64) -> Result<Bits, TooWide> {
    let mut out = Bits::zeros(amount)?;
    // The amount is a width now.
    slice(source, i64::from(source.width) - amount as i64, &mut out, amount as u32);
    Ok(out)
}

/// What a shift towards the least significant end shifts out: the `amount` lowest bits.
pub fn shifted_out_right(source: View, amount: u64) -> Result<Bits, TooWide> {
    let mut out = Bits::zeros(amount)?;
    slice(source, 0, &mut out, amount as u32);
    Ok(out)
}

/// Copies bits from `position` on, as many as the target has.
fn slice(source: View, position: i64, target: &mut Bits, width: u32) {
    let words = target.words_mut();
    for (index, word) in words.iter_mut().enumerate() {
        *word = bits_at(source.words, position + index as i64 * 64);
    }
    trim(words, width);
}

/// Rotates towards the most significant end.
pub fn rotate_left(words: &mut [u64], width: u32, amount: u64) -> Result<(), TooWide> {
    let Some(amount) = amount.checked_rem(width.into()) else { return Ok(()) };
    let mut out = shifted_out_left(View { width, words }, amount)?;
    shift_left(words, width, amount);
    for (word, moved) in words.iter_mut().zip(out.words_mut()) {
        *word |= *moved;
    }
    Ok(())
}

/// Rotates towards the least significant end.
pub fn rotate_right(words: &mut [u64], width: u32, amount: u64) -> Result<(), TooWide> {
    let Some(amount) = amount.checked_rem(width.into()) else { return Ok(()) };
    rotate_left(words, width, u64::from(width) - amount)
}
