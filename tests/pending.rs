//! The list of cases that belong to later work (`pending.txt`). It can only shrink: a listed case that passes fails
//! the run, and so does a line that names no case.

use std::collections::BTreeMap;

/// Case (`area/name`) and reason. Lines that begin with `#` are comments.
pub fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut pending = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((name, reason)) = line.split_once(char::is_whitespace) else {
            return Err(format!("pending.txt: no reason given for {line}"));
        };
        if pending.insert(name.to_owned(), reason.trim().to_owned()).is_some() {
            return Err(format!("pending.txt: {name} is listed twice"));
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_reason() {
        assert_eq!(read("# later\n\na/b  no such thing yet\n").unwrap()["a/b"], "no such thing yet");
        assert!(read("a/b\n").is_err());
        assert!(read("a/b x\na/b y\n").is_err());
    }
}
