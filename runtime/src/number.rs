//! Reading numbers from the front of a string, as `stoi` and `stof` do (isa-values.md §3).

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None of the forms.
    Invalid,
    /// Too large, or too small for a float.
    Range,
}

/// Skips blanks and a sign; tells whether it is a minus.
fn sign(bytes: &[u8]) -> (bool, &[u8]) {
    let start = bytes.iter().position(|b| !matches!(b, b' ' | 0x09..=0x0d)).unwrap_or(bytes.len());
    match &bytes[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

fn count(bytes: &[u8], accepts: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| accepts(byte)).count()
}

/// Optional blanks, optional sign, decimal digits; the rest is ignored.
pub fn integer_prefix(bytes: &[u8]) -> Result<i64, Fault> {
    let (negative, rest) = sign(bytes);
    let digits = &rest[..count(rest, u8::is_ascii_digit)];
    if digits.is_empty() {
        return Err(Fault::Invalid);
    }
    digits
        .iter()
        .try_fold(0i64, |value, digit| {
            let digit = i64::from(digit - b'0');
            value.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
        })
        .ok_or(Fault::Range)
}

/// The longest prefix that is a float: decimal, hexadecimal, infinity or not-a-number; the rest is ignored.
pub fn float_prefix(bytes: &[u8]) -> Result<f64, Fault> {
    let (negative, rest) = sign(bytes);
    let lower: Vec<u8> = rest.iter().take(8).map(u8::to_ascii_lowercase).collect();
    let value = if lower.starts_with(b"inf") {
        f64::INFINITY
    } else if lower.starts_with(b"nan") {
        f64::NAN
    } else if lower.starts_with(b"0x") {
        hexadecimal(&rest[2..])?
    } else {
        decimal(rest)?
    };
    Ok(if negative { -value } else { value })
}

fn decimal(bytes: &[u8]) -> Result<f64, Fault> {
    let whole = count(bytes, u8::is_ascii_digit);
    let mut end = whole;
    let mut digits = whole;
    if bytes.get(whole) == Some(&b'.') {
        let fraction = count(&bytes[whole + 1..], u8::is_ascii_digit);
        digits += fraction;
        end = whole + 1 + fraction;
    }
    if digits == 0 {
        return Err(Fault::Invalid);
    }
    let significant = bytes[..end].iter().any(|byte| matches!(byte, b'1'..=b'9'));
    end += exponent(&bytes[end..], b'e').map_or(0, |(_, length)| length);
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Fault::Invalid)?;
    let value: f64 = text.parse().map_err(|_| Fault::Invalid)?;
    // Rust rounds without telling whether the result is exact; a subnormal is when it prints back to the same
    // decimal value. No decimal fraction of a few digits is, so asking for exactness means comparing expansions.
    let too_small = significant && value.abs() < f64::MIN_POSITIVE && !is_exact_decimal(text, value);
    if value.is_infinite() || too_small { Err(Fault::Range) } else { Ok(value) }
}

/// Whether a subnormal's exact decimal expansion is what the text says.
fn is_exact_decimal(text: &str, value: f64) -> bool {
    if value == 0.0 {
        return false;
    }
    // 1074 digits behind the point hold every float exactly.
    let exact = format!("{value:.1074}");
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().unwrap_or(0)),
        None => (text, 0),
    };
    significant_digits(mantissa, exponent) == significant_digits(&exact, 0)
}

/// The significant digits, and the power of ten of the first one.
fn significant_digits(text: &str, exponent: i64) -> (String, i64) {
    let point = text.find('.').unwrap_or(text.len()) as i64;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let leading = digits.len() - digits.trim_start_matches('0').len();
    (digits.trim_matches('0').to_owned(), point - leading as i64 + exponent)
}

/// The exponent behind a mantissa, if there is one: its value and its length with the letter.
fn exponent(bytes: &[u8], letter: u8) -> Option<(i64, usize)> {
    let (first, rest) = bytes.split_first()?;
    if !first.eq_ignore_ascii_case(&letter) {
        return None;
    }
    let signed = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
    let digits = count(&rest[signed..], u8::is_ascii_digit);
    if digits == 0 {
        return None;
    }
    let value = rest[signed..signed + digits]
        .iter()
        .fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1 << 40));
    Some((if rest[0] == b'-' { -value } else { value }, 1 + signed + digits))
}

/// What follows `0x`. Rounds to nearest, ties to even; `0x` alone is 0.
fn hexadecimal(bytes: &[u8]) -> Result<f64, Fault> {
    let mut mantissa: u128 = 0;
    let mut sticky = false;
    let mut power: i64 = 0;
    let mut take = |digit: u8, power: &mut i64, fraction: bool| {
        let digit = u128::from((digit as char).to_digit(16).unwrap_or(0));
        if mantissa >> 120 == 0 {
            mantissa = mantissa << 4 | digit;
            *power -= if fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            *power += if fraction { 0 } else { 4 };
        }
    };
    let whole = count(bytes, u8::is_ascii_hexdigit);
    bytes[..whole].iter().for_each(|digit| take(*digit, &mut power, false));
    let mut end = whole;
    let mut digits = whole;
    if bytes.get(whole) == Some(&b'.') {
        let fraction = count(&bytes[whole + 1..], u8::is_ascii_hexdigit);
        if whole + fraction > 0 {
            bytes[whole + 1..whole + 1 + fraction].iter().for_each(|digit| take(*digit, &mut power, true));
            end = whole + 1 + fraction;
            digits += fraction;
        }
    }
    if digits == 0 {
        return Ok(0.0);
    }
    power += exponent(&bytes[end..], b'p').map_or(0, |(value, _)| value);
    scale(mantissa, sticky, power)
}

/// `mantissa` × 2^`power`, rounded; `sticky` says that something was cut off below.
fn scale(mantissa: u128, sticky: bool, power: i64) -> Result<f64, Fault> {
    if mantissa == 0 {
        return Ok(0.0);
    }
    let bits = 128 - i64::from(mantissa.leading_zeros());
    let top = bits - 1 + power;
    if top > 1023 {
        return Err(Fault::Range);
    }
    // The weight of the lowest bit that the result can hold.
    let lowest = (top - 52).max(-1074);
    let drop = lowest - power;
    let (kept, inexact, up) = if drop <= 0 {
        (mantissa << (-drop).min(127), sticky, false)
    } else if drop > 128 {
        (0, true, false)
    } else {
        let kept = if drop == 128 { 0 } else { mantissa >> drop };
        let rest = mantissa - if drop == 128 { 0 } else { kept << drop };
        let half = 1u128 << (drop - 1);
        let up = rest > half || rest == half && (sticky || kept & 1 == 1);
        (kept, rest != 0 || sticky, up)
    };
    // At most 53 bits: exact as a float; the two scalings are exact, too.
    let rounded = (kept + u128::from(up)) as f64;
    let half_way = lowest / 2;
    let value = rounded * 2f64.powi(half_way as i32) * 2f64.powi((lowest - half_way) as i32);
    if value.is_infinite() || inexact && value < f64::MIN_POSITIVE { Err(Fault::Range) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_from_the_front() {
        for (text, expected) in [
            ("  -42xyz", Ok(-42)),
            ("0x1f", Ok(0)),
            ("12.9", Ok(12)),
            ("\t+7", Ok(7)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("9223372036854775808", Err(Fault::Range)),
            ("", Err(Fault::Invalid)),
            ("- 5", Err(Fault::Invalid)),
        ] {
            assert_eq!(integer_prefix(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn floats_are_read_from_the_front() {
        for (text, expected) in [
            ("7e", Ok(7.0)),
            ("1.5e3x", Ok(1500.0)),
            (".5", Ok(0.5)),
            ("5.", Ok(5.0)),
            ("0x", Ok(0.0)),
            ("0x1.8p1", Ok(3.0)),
            ("0xff", Ok(255.0)),
            ("0x.", Ok(0.0)),
            ("-inf", Ok(f64::NEG_INFINITY)),
            ("Infinity", Ok(f64::INFINITY)),
            ("0e-999", Ok(0.0)),
            ("0x1p-1074", Ok(5e-324)),
            ("0x1p1023", Ok(2f64.powi(1023))),
            ("xyz", Err(Fault::Invalid)),
            (".e5", Err(Fault::Invalid)),
            ("1e999", Err(Fault::Range)),
            ("1e-310", Err(Fault::Range)),
            ("1e-999", Err(Fault::Range)),
            ("0x1p1024", Err(Fault::Range)),
        ] {
            assert_eq!(float_prefix(text.as_bytes()), expected, "{text}");
        }
        assert!(float_prefix(b"nan(x1)").is_ok_and(f64::is_nan));
    }
}
