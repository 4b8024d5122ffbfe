//! Quoted literals, such that reading them gives the same bytes (tools.md §6.4).

/// A literal of `text` or `string`, where the assembler knows octal escapes: plain ASCII and printable UTF-8 only.
pub(super) fn print_full(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let encoded = character.encode_utf8(&mut buffer).as_bytes();
            match escape_of(encoded[0], b'"') {
                Some(escape) => out.extend_from_slice(&[b'\\', escape]),
                None if character.is_control() => encoded.iter().for_each(|byte| print_octal(*byte, out)),
                None => out.extend_from_slice(encoded),
            }
        }
        chunk.invalid().iter().for_each(|byte| print_octal(*byte, out));
    }
    out.push(b'"');
}

/// An atom or a value of meta information, where only the simple escapes exist: other bytes are written raw.
pub(super) fn print_simple(bytes: &[u8], quote: u8, out: &mut Vec<u8>) {
    out.push(quote);
    for &byte in bytes {
        match escape_of(byte, quote) {
            Some(escape) => out.extend_from_slice(&[b'\\', escape]),
            None => out.push(byte),
        }
    }
    out.push(quote);
}

/// What stands behind the backslash.
fn escape_of(byte: u8, quote: u8) -> Option<u8> {
    match byte {
        b'\\' => Some(b'\\'),
        0x07 => Some(b'a'),
        0x08 => Some(b'b'),
        0x0c => Some(b'f'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        0x0b => Some(b'v'),
        _ if byte == quote => Some(quote),
        _ => None,
    }
}

fn print_octal(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
}

/// The shortest decimal that reads back to the same value, without exponent, a digit on each side of the point.
pub(super) fn float(value: f64) -> String {
    if value.is_infinite() {
        // Only a literal that is too large makes one; this is the shortest such.
        let digits = "0".repeat(308);
        return format!("{}2{digits}.0", if value < 0.0 { "-" } else { "" });
    }
    let mut text = value.to_string();
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

/// All bits of whole bytes, given least significant byte first.
pub(super) fn bits(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let narrower_in_hexadecimal = bytes.last() == Some(&0);
    let binary = bytes.len() <= 2 || narrower_in_hexadecimal;
    let mut text = String::from(if binary { "0b" } else { "0x" });
    for byte in bytes.iter().rev() {
        // Writing to a string does not fail.
        let _ = if binary { write!(text, "{byte:08b}") } else { write!(text, "{byte:02x}") };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        print_full(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_printable() {
        assert_eq!(full(b"say \"hi\" and 'ho' \\ back"), r#""say \"hi\" and 'ho' \\ back""#);
        assert_eq!(full("ż\u{7f}\u{85}\0\x1b".as_bytes()), r#""ż\177\302\205\000\033""#);
        assert_eq!(full(b"\xffa\xe2\x82"), r#""\377a\342\202""#);
        assert_eq!(full(b"\x07\x08\t\n\x0b\x0c\r"), r#""\a\b\t\n\v\f\r""#);
    }

    #[test]
    fn atoms_keep_bytes() {
        let mut out = Vec::new();
        print_simple(b"it's \"\xff\"\n", b'\'', &mut out);
        assert_eq!(out, b"'it\\'s \"\xff\"\\n'");
    }

    #[test]
    fn floats_have_a_point_and_no_exponent() {
        let cases: [(f64, &str); 6] = [
            (2.5, "2.5"),
            (3.0, "3.0"),
            (-0.0, "-0.0"),
            (123456789.125, "123456789.125"),
            (0.00000012345, "0.00000012345"),
            (1e21, "1000000000000000000000.0"),
        ];
        for (value, text) in cases {
            assert_eq!(float(value), text);
        }
        for value in [f64::MAX, f64::MIN_POSITIVE, f64::from_bits(1), f64::INFINITY, f64::NEG_INFINITY, 0.1] {
            assert_eq!(float(value).parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
    }

    #[test]
    fn bits_keep_their_width() {
        assert_eq!(bits(&[5]), "0b00000101");
        assert_eq!(bits(&[0xff, 0x01]), "0b0000000111111111");
        assert_eq!(bits(&[0xff, 0xff, 0x0f]), "0x0fffff");
        assert_eq!(bits(&[1, 0, 0]), "0b000000000000000000000001");
        assert_eq!(bits(&[0, 0, 1]), "0x010000");
    }
}
