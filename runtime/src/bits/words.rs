//! Arrays of words, least significant first: the long way round of what a processor does with one word.

use std::alloc::{Layout, alloc_zeroed};
use std::ptr;

/// The number of words for that many bits.
pub fn words_for(width: u64) -> usize {
    width.div_ceil(64) as usize
}

/// That many zero words; `None` if there is no memory for them. Fresh memory is not touched, so that a string takes
/// room only as it is used.
pub fn zeroed(count: usize) -> Option<Box<[u64]>> {
    if count == 0 {
        return Some(Box::default());
    }
    let layout = Layout::array::<u64>(count).ok()?;
    // SAFETY: the layout is not empty, and that of the slice; zeros are words.
    unsafe {
        let words = alloc_zeroed(layout).cast::<u64>();
        if words.is_null() { None } else { Some(Box::from_raw(ptr::slice_from_raw_parts_mut(words, count))) }
    }
}

/// Clears the bits above the width. There are as many words as it needs.
pub fn trim(words: &mut [u64], width: u32) {
    if let Some(last) = words.last_mut() {
        *last &= top_mask(width);
    }
}

/// The bits of the last word of a string of that width.
pub const fn top_mask(width: u32) -> u64 {
    u64::MAX >> (width.wrapping_neg() % 64)
}

/// The 64 bits from `position` on, which may lie outside on either side: there are zeros.
pub fn bits_at(words: &[u64], position: i64) -> u64 {
    let (index, shift) = (position.div_euclid(64), position.rem_euclid(64));
    let word = |index: i64| usize::try_from(index).ok().and_then(|index| words.get(index)).copied().unwrap_or(0);
    if shift == 0 { word(index) } else { word(index) >> shift | word(index + 1) << (64 - shift) }
}

/// Without the zero words at the most significant end.
pub fn significant(words: &[u64]) -> &[u64] {
    &words[..words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1)]
}

/// The number of bits without leading zeros.
pub fn bit_length(words: &[u64]) -> u64 {
    let words = significant(words);
    words.last().map_or(0, |last| words.len() as u64 * 64 - u64::from(last.leading_zeros()))
}

/// The two's complement.
pub fn negate(words: &mut [u64]) {
    let mut carry = true;
    for word in words {
        (*word, carry) = (!*word).overflowing_add(carry.into());
    }
}

/// Adds the product to `result`, which is zero; words of the product beyond its length are lost. Schoolbook.
pub fn multiply(a: &[u64], b: &[u64], result: &mut [u64]) {
    for (index, &x) in a.iter().enumerate().take(result.len()) {
        let row = &mut result[index..];
        let (row, rest) = row.split_at_mut(b.len().min(row.len()));
        let mut carry = 0;
        for (target, &y) in row.iter_mut().zip(b) {
            let sum = u128::from(x) * u128::from(y) + u128::from(*target) + u128::from(carry);
            (*target, carry) = (sum as u64, (sum >> 64) as u64);
        }
        if let Some(target) = rest.first_mut() {
            // No row before this one has come here.
            *target = carry;
        }
    }
}

/// Puts a / b into `quotient`, which is zero and long enough. Both have no zero word at the most significant end; b
/// is not zero. `None` if there is no memory for the work. Knuth's algorithm D, with words as digits.
pub fn divide(a: &[u64], b: &[u64], quotient: &mut [u64]) -> Option<()> {
    if a.len() < b.len() {
        return Some(());
    }
    if let [divisor] = *b {
        let divisor = u128::from(divisor);
        let mut rest = 0;
        for (target, &word) in quotient[..a.len()].iter_mut().zip(a).rev() {
            let part = rest << 64 | u128::from(word);
            (*target, rest) = ((part / divisor) as u64, part % divisor);
        }
        return Some(());
    }
    // With the highest bit of the divisor set, a digit guessed from the highest words is at most two too large, and
    // the word after them tells nearly all of these cases.
    let count = b.len();
    let shift = i64::from(b[count - 1].leading_zeros());
    let shifted = |words: &[u64], target: &mut [u64]| {
        for (index, word) in target.iter_mut().enumerate() {
            *word = bits_at(words, index as i64 * 64 - shift);
        }
    };
    let mut divisor = zeroed(count)?;
    let mut rest = zeroed(a.len() + 1)?;
    shifted(b, &mut divisor);
    shifted(a, &mut rest);
    let (high, next) = (u128::from(divisor[count - 1]), u128::from(divisor[count - 2]));
    for (at, target) in quotient[..=a.len() - count].iter_mut().enumerate().rev() {
        let window = &mut rest[at..=at + count];
        let part = u128::from(window[count]) << 64 | u128::from(window[count - 1]);
        let mut digit = (part / high).min(u64::MAX.into());
        let mut left = part - digit * high;
        while left >> 64 == 0 && digit * next > (left << 64 | u128::from(window[count - 2])) {
            digit -= 1;
            left += high;
        }
        if subtract_multiple(window, digit, &divisor) {
            digit -= 1;
            add_back(window, &divisor);
        }
        *target = digit as u64;
    }
    Some(())
}

/// Subtracts `digit` times `divisor`; whether that was too much.
fn subtract_multiple(window: &mut [u64], digit: u128, divisor: &[u64]) -> bool {
    let mut carry = 0;
    for (word, &part) in window.iter_mut().zip(divisor) {
        carry += digit * u128::from(part);
        let (difference, borrow) = word.overflowing_sub(carry as u64);
        *word = difference;
        carry = (carry >> 64) + u128::from(borrow);
    }
    let last = &mut window[divisor.len()];
    let (difference, borrow) = last.overflowing_sub(carry as u64);
    *last = difference;
    borrow
}

fn add_back(window: &mut [u64], divisor: &[u64]) {
    let mut carry = 0;
    for (word, &part) in window.iter_mut().zip(divisor) {
        let sum = u128::from(*word) + u128::from(part) + carry;
        (*word, carry) = (sum as u64, sum >> 64);
    }
    let last = &mut window[divisor.len()];
    *last = last.wrapping_add(carry as u64);
}
