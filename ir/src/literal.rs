//! Decoding of literals: from the bytes of a token to the value they mean, and the escaping of tokens in messages.

use std::borrow::Cow;

/// The longest timeout in milliseconds (runtime.md §3); all ones mean infinity.
pub const LONGEST_TIMEOUT: u32 = u32::MAX - 1;

/// What stands between the quotes of a text or atom literal.
pub fn content(token: &[u8]) -> &[u8] {
    match token {
        [b'"', content @ .., b'"'] | [b'\'', content @ .., b'\''] => content,
        _ => token,
    }
}

fn simple_escape(byte: u8) -> u8 {
    match byte {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        other => other,
    }
}

/// Decodes a text or string literal, quotes included (isa-values.md §4.1).
pub fn string(token: &[u8]) -> Cow<'_, [u8]> {
    decode(token, true)
}

/// Decodes an atom or the value of `.info:`, quotes included: no numeric escapes.
pub fn atom(token: &[u8]) -> Cow<'_, [u8]> {
    decode(token, false)
}

fn decode(token: &[u8], numeric: bool) -> Cow<'_, [u8]> {
    let content = content(token);
    let Some(first) = content.iter().position(|byte| *byte == b'\\') else {
        return Cow::Borrowed(content);
    };
    let mut decoded = content[..first].to_vec();
    let mut rest = &content[first..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            decoded.push(byte);
            continue;
        }
        match *rest {
            [a @ b'0'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7', ref after @ ..] if numeric => {
                // The byte modulo 256.
                decoded.push((a - b'0').wrapping_mul(64).wrapping_add((b - b'0') * 8 + (c - b'0')));
                rest = after;
            }
            [b'x', high, low, ref after @ ..] if numeric && is_hexadecimal(high) && is_hexadecimal(low) => {
                decoded.push(hexadecimal(high) << 4 | hexadecimal(low));
                rest = after;
            }
            [escaped, ref after @ ..] => {
                decoded.push(simple_escape(escaped));
                rest = after;
            }
            [] => decoded.push(b'\\'),
        }
    }
    Cow::Owned(decoded)
}

fn is_hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn hexadecimal(digit: u8) -> u8 {
    match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'0'),
    }
}

/// A signed 64-bit integer.
pub fn integer(token: &[u8]) -> Option<i64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// The float nearest to a decimal literal.
pub fn float(token: &[u8]) -> Option<f64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// Milliseconds of a duration; `None` if it is too long.
pub fn duration(token: &[u8]) -> Option<u32> {
    let (digits, factor) = match token {
        [digits @ .., b'm', b's'] => (digits, 1),
        [digits @ .., b's'] => (digits, 1000),
        _ => return None,
    };
    let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    number.checked_mul(factor).filter(|milliseconds| *milliseconds <= LONGEST_TIMEOUT)
}

/// The bytes of a bits literal, least significant first (isa-bits.md §1.1); its width is eight times their number.
/// O(digits).
pub fn bits(token: &[u8]) -> Option<Vec<u8>> {
    let (digits, bits_per_digit) = match token {
        [b'0', b'b', digits @ ..] => (digits, 1),
        [b'0', b'o', digits @ ..] => (digits, 3),
        [b'0', b'x', digits @ ..] => (digits, 4),
        _ => return None,
    };
    let mut bytes = Vec::with_capacity(digits.len() * bits_per_digit / 8 + 1);
    let (mut pending, mut count) = (0_u32, 0);
    for digit in digits.iter().rev() {
        pending |= u32::from(hexadecimal(*digit)) << count;
        count += bits_per_digit;
        if count >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        bytes.push(pending as u8);
    }
    // Leading zeros count in the binary form only.
    if bits_per_digit > 1 {
        while bytes.len() > 1 && bytes.last() == Some(&0) {
            bytes.pop();
        }
    }
    Some(bytes)
}

/// *quoted(t)* of language.md §1.1.
pub fn quoted(token: &[u8]) -> String {
    let mut escaped = String::with_capacity(token.len() + 2);
    escaped.push('"');
    for character in String::from_utf8_lossy(token).chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\u{7}' => escaped.push_str("\\a"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{b}' => escaped.push_str("\\v"),
            other => escaped.push(other),
        }
    }
    escaped.push('"');
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_texts() {
        let cases: [(&[u8], &[u8]); 9] = [
            (br#""plain""#, b"plain"),
            (br#"'\"\'\q\?'"#, b"\"'q?"),
            (br#""\8 \12 \x4 \xAB""#, b"8 12 x4 xAB"),
            (br#""\101\x42|\103""#, b"AB|C"),
            (br#""\x414""#, b"A4"),
            (br#""\xc5\xbc""#, "\u{17c}".as_bytes()),
            (br#""\777""#, b"\xff"),
            (br#""\a\b\f\n\r\t\v\\""#, b"\x07\x08\x0c\n\r\t\x0b\\"),
            (b"\"\"", b""),
        ];
        for (token, value) in cases {
            assert_eq!(*string(token), *value, "{}", String::from_utf8_lossy(token));
        }
    }

    #[test]
    fn escapes_of_atoms() {
        assert_eq!(*atom(br"'f\101\x41\n'"), *b"f101x41\n");
    }

    #[test]
    fn bits_are_padded_to_bytes() {
        let cases: [(&str, &[u8]); 12] = [
            ("0b1", &[1]),
            ("0b0", &[0]),
            ("0o0", &[0]),
            ("0x0000", &[0]),
            ("0b000000001", &[1, 0]),
            ("0o377", &[255]),
            ("0o0000377", &[255]),
            ("0x00ff", &[255]),
            ("0o777", &[255, 1]),
            ("0b111111111", &[255, 1]),
            ("0x0fffff", &[255, 255, 15]),
            ("0x10000000000000000", &[0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        for (token, value) in cases {
            assert_eq!(bits(token.as_bytes()).as_deref(), Some(value), "{token}");
        }
    }

    #[test]
    fn durations_have_a_unit_and_a_limit() {
        assert_eq!(duration(b"10ms"), Some(10));
        assert_eq!(duration(b"007s"), Some(7000));
        assert_eq!(duration(b"4294967294ms"), Some(LONGEST_TIMEOUT));
        assert_eq!(duration(b"4294967295ms"), None);
        assert_eq!(duration(b"4294968s"), None);
        assert_eq!(duration(b"10"), None);
    }

    #[test]
    fn quoting_escapes_controls() {
        assert_eq!(quoted(b"a\"\\\n\t"), r#""a\"\\\n\t""#);
    }
}
