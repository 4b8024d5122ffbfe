//! All operations on random strings against integers of another make.

use super::vectors::{FAMILIES, parse};
use super::*;
use num_bigint::{BigInt, BigUint, Sign};
use proptest::prelude::*;

/// Random strings for each of the properties. They go through all the instructions of a group, which makes some
/// 300,000 cases in all.
const CASES: u32 = 6000;

fn unsigned(bits: View) -> BigInt {
    let bytes: Vec<u8> = bits.words.iter().flat_map(|word| word.to_le_bytes()).collect();
    BigInt::from_biguint(Sign::Plus, BigUint::from_bytes_le(&bytes))
}

fn power(exponent: u32) -> BigInt {
    BigInt::from(1) << exponent
}

fn read(bits: View, reading: Reading) -> BigInt {
    let number = unsigned(bits);
    let negative = reading == Reading::Signed && bits.width > 0 && number >= power(bits.width - 1);
    if negative { number - power(bits.width) } else { number }
}

/// Rounds towards minus infinity, unlike `%`.
fn modulo(number: &BigInt, width: u32) -> BigInt {
    let modulus = power(width);
    ((number % &modulus) + &modulus) % modulus
}

/// The string of that width that stands for the number modulo 2^width.
fn string(number: &BigInt, width: u32) -> Bits {
    let mut bits = Bits::zeros(width.into()).unwrap();
    let digits = modulo(number, width).to_biguint().unwrap().to_u64_digits();
    bits.words_mut()[..digits.len()].copy_from_slice(&digits);
    bits
}

fn model(rules: Rules, width: u32, exact: &BigInt) -> Result<Bits, Fault> {
    let (least, greatest) = match rules.reading {
        _ if width == 0 => (BigInt::ZERO, BigInt::ZERO),
        Reading::Signed => (-power(width - 1), power(width - 1) - 1),
        Reading::Unsigned => (BigInt::ZERO, power(width) - 1),
    };
    match rules.fit {
        Fit::Wrap => Ok(string(exact, width)),
        Fit::Check if *exact < least || *exact > greatest => Err(Fault::Overflow),
        Fit::Check | Fit::Saturate => Ok(string(exact.max(&least).min(&greatest), width)),
    }
}

/// Widths around the edges of words come often.
fn width() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 1_u32..=300, 1 => 0_u32..=9, 3 => prop::sample::select(vec![63, 64, 65, 127, 128, 129, 192, 256])]
}

/// Words that make carries run and guessed digits go wrong come often.
fn word() -> impl Strategy<Value = u64> {
    let edges = vec![0, 1, 2, u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, (1 << 63) + 1, u32::MAX.into()];
    prop_oneof![2 => any::<u64>(), 3 => prop::sample::select(edges), 1 => any::<u64>().prop_map(|word| word >> (word % 64))]
}

/// A string of that width; every other one has zeros or ones in front.
fn of_width(width: u32) -> impl Strategy<Value = Bits> {
    let words = prop::collection::vec(word(), words_for(width.into()));
    (words, any::<bool>(), 0..=width, any::<bool>()).prop_map(move |(words, short, from, ones)| {
        let mut bits = Bits::zeros(width.into()).unwrap();
        bits.words_mut().copy_from_slice(&words);
        trim(bits.words_mut(), width);
        for index in if short { from..width } else { 0..0 } {
            set_bit(bits.words_mut(), index, ones);
        }
        bits
    })
}

fn pair() -> impl Strategy<Value = (Bits, Bits)> {
    let widths = (width(), width(), any::<bool>());
    widths.prop_flat_map(|(a, b, equal)| (of_width(a), of_width(if equal { a } else { b })))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn arithmetic_is_exact_and_then_fitted((lhs, rhs) in pair()) {
        let (x, y) = (lhs.view(), rhs.view());
        for (_, fit, family_reading) in FAMILIES {
            for operation in [Operation::Add, Operation::Subtract, Operation::Multiply, Operation::Divide] {
                let divides = operation == Operation::Divide;
                let reading = if divides && fit == Fit::Wrap { Reading::Signed } else { family_reading };
                let rules = Rules { fit, reading };
                let (a, b) = (read(x, reading), read(y, reading));
                let expected = match operation {
                    Operation::Divide if b == BigInt::ZERO => Err(Fault::DivisionByZero),
                    Operation::Add => model(rules, x.width, &(a + b)),
                    Operation::Subtract => model(rules, x.width, &(a - b)),
                    Operation::Multiply => model(rules, x.width, &(a * b)),
                    Operation::Divide => model(rules, x.width, &(a / b)),
                };
                prop_assert_eq!(compute(operation, rules, x, y), expected, "{:?} {:?}", operation, rules);
            }
        }
    }

    #[test]
    fn steps_add_and_subtract_one(lhs in width().prop_flat_map(of_width)) {
        let width = lhs.view().width;
        for (_, fit, reading) in FAMILIES {
            for (up, by) in [(true, 1), (false, -1)] {
                let rules = Rules { fit, reading };
                let mut stepped = lhs.clone();
                let result = step(rules, stepped.words_mut(), width, up);
                let expected = model(rules, width, &(read(lhs.view(), reading) + by));
                prop_assert_eq!(result.map(|()| stepped.clone()), expected.clone(), "{:?} {}", rules, by);
                if expected.is_err() {
                    prop_assert_eq!(&stepped, &lhs);
                }
            }
        }
    }

    #[test]
    fn logic_works_on_common_bits((lhs, rhs) in pair()) {
        let (x, y) = (lhs.view(), rhs.view());
        let common = x.width.min(y.width);
        let (a, b) = (modulo(&unsigned(x), common), modulo(&unsigned(y), common));
        prop_assert_eq!(logic(x, y, |x, y| x & y).unwrap(), string(&(&a & &b), x.width));
        prop_assert_eq!(logic(x, y, |x, y| x | y).unwrap(), string(&(&a | &b), x.width));
        prop_assert_eq!(logic(x, y, |x, y| x ^ y).unwrap(), string(&(&a ^ &b), x.width));
        prop_assert_eq!(invert(x).unwrap(), string(&(power(x.width) - 1 - unsigned(x)), x.width));
        prop_assert_eq!(x.any(), unsigned(x) != BigInt::ZERO);
        prop_assert_eq!(x.low_word(), modulo(&unsigned(x), 64).to_u64_digits().1.first().copied().unwrap_or(0));
        prop_assert_eq!(x.copied().unwrap(), lhs.clone());
    }

    #[test]
    fn comparisons_order_numbers((lhs, rhs) in pair()) {
        for (x, y) in [(lhs.view(), rhs.view()), (lhs.view(), lhs.view()), (rhs.view(), lhs.view())] {
            let as_strings = x.width.cmp(&y.width).then(unsigned(x).cmp(&unsigned(y)));
            prop_assert_eq!(compare_strings(x, y), as_strings);
            prop_assert_eq!(compare_signed(x, y), read(x, Reading::Signed).cmp(&read(y, Reading::Signed)));
        }
    }

    #[test]
    fn single_bits(lhs in width().prop_flat_map(of_width), index in any::<u32>(), value: bool) {
        let width = lhs.view().width;
        if width > 0 {
            let index = index % width;
            let number = unsigned(lhs.view());
            let bit = (&number >> index) % 2 == BigInt::from(1);
            prop_assert_eq!(lhs.view().bit(index), bit);
            let mut changed = lhs.clone();
            set_bit(changed.words_mut(), index, value);
            let expected = number + (i32::from(value) - i32::from(bit)) * power(index);
            prop_assert_eq!(changed, string(&expected, width));
        }
    }

    #[test]
    fn shifts_and_rotations_multiply_and_divide(
        lhs in width().prop_flat_map(of_width),
        amount in prop_oneof![width(), 0_u32..700],
    ) {
        let (width, number) = (lhs.view().width, unsigned(lhs.view()));
        let n = u64::from(amount);
        let changed = |change: fn(&mut [u64], u32, u64)| {
            let mut bits = lhs.clone();
            change(bits.words_mut(), width, n);
            bits
        };
        let left = string(&(&number << amount), width);
        prop_assert_eq!(changed(shift_left), left.clone());
        prop_assert_eq!(changed(shift_right), string(&(&number >> amount), width));
        let signed = read(lhs.view(), Reading::Signed);
        prop_assert_eq!(changed(arithmetic_right), string(&(&signed >> amount), width));
        let mut kept = left;
        if width > 0 {
            set_bit(kept.words_mut(), width - 1, signed < BigInt::ZERO);
        }
        prop_assert_eq!(changed(arithmetic_left), kept);
        let highest = if amount > width { &number << (amount - width) } else { &number >> (width - amount) };
        prop_assert_eq!(shifted_out_left(lhs.view(), n).unwrap(), string(&highest, amount));
        prop_assert_eq!(shifted_out_right(lhs.view(), n).unwrap(), string(&number, amount));

        let turn = if width == 0 { 0 } else { amount % width };
        let turned = (&number << turn) + (&number >> (width - turn));
        let mut bits = lhs.clone();
        rotate_left(bits.words_mut(), width, n).unwrap();
        prop_assert_eq!(bits.clone(), string(&turned, width));
        rotate_right(bits.words_mut(), width, n).unwrap();
        prop_assert_eq!(&bits, &lhs);
    }
}

#[test]
fn guessed_digits_that_are_too_large() {
    // Quotients whose digits are guessed one too large by two words, and are found out by subtracting.
    let high = "1".to_owned() + &"0".repeat(63);
    let zeros = "0".repeat(64);
    let one = "0".repeat(63) + "1";
    let three = "0".repeat(62) + "11";
    for (a, b) in [
        (format!("{high}{zeros}{three}"), format!("001{}{zeros}{one}", "0".repeat(61))),
        (format!("0{high}{zeros}{zeros}{one}"), format!("0{high}{zeros}{}", "1".repeat(64))),
    ] {
        let (a, b) = (parse(&a), parse(&b));
        let rules = Rules { fit: Fit::Check, reading: Reading::Unsigned };
        let expected = unsigned(a.view()) / unsigned(b.view());
        let actual = compute(Operation::Divide, rules, a.view(), b.view()).unwrap();
        assert_eq!(actual, string(&expected, a.view().width));
    }
}

#[test]
fn absurd_widths_are_refused() {
    assert_eq!(Bits::zeros(1 << 32), Err(TooWide(1 << 32)));
    assert_eq!(Bits::zeros(u64::MAX), Err(TooWide(u64::MAX)));
    let byte = parse("10110011");
    assert_eq!(shifted_out_left(byte.view(), u64::MAX), Err(TooWide(u64::MAX)));
    assert_eq!(shifted_out_right(byte.view(), 1 << 40), Err(TooWide(1 << 40)));
}

#[test]
fn any_amount_shifts_everything_out() {
    for width in [8, 64, 65, 200] {
        let mut bits = string(&(power(width) - 1), width);
        arithmetic_right(bits.words_mut(), width, u64::MAX);
        assert_eq!(bits, string(&BigInt::from(-1), width));
        shift_left(bits.words_mut(), width, u64::MAX);
        assert!(!bits.view().any());
    }
}
