//! The grammar of names that a container may hold (language.md §3): functions, blocks, modules, registers.
//!
//! The verifier insists on it, so that whatever a container names can be written in source again, and so that no
//! module name reaches outside a search directory.

/// Whether it is `NAME(::NAME)*`: the name of a module, or of a register that operands can use.
pub fn is_module_name(name: &str) -> bool {
    after_qualified(name) == Some("")
}

/// Whether it is a function name: `NAME(::NAME)*/[0-9]*`.
pub fn is_function_name(name: &str) -> bool {
    digits_of(name).is_some()
}

/// Whether it is a label: `NAME(::NAME)*(/[0-9]*NAME)?`.
pub fn is_label(name: &str) -> bool {
    let Some(rest) = after_qualified(name) else { return false };
    rest.is_empty()
        || rest.strip_prefix('/').is_some_and(|rest| {
            let inner = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            after_simple(inner) == Some("")
        })
}

/// Whether it may name a block: a label or a function name.
pub fn is_block_name(name: &str) -> bool {
    is_label(name) || is_function_name(name)
}

/// The arity in a function name: `Some(None)` for a variadic one, `None` if it is no function name or the number
/// is too large.
pub fn arity_of(name: &str) -> Option<Option<u16>> {
    match digits_of(name)? {
        "" => Some(None),
        digits => digits.parse().ok().map(Some),
    }
}

fn digits_of(name: &str) -> Option<&str> {
    let digits = after_qualified(name)?.strip_prefix('/')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
}

/// What follows the longest `NAME(::NAME)*` at the front.
fn after_qualified(name: &str) -> Option<&str> {
    let mut rest = after_simple(name)?;
    while let Some(after) = rest.strip_prefix("::").and_then(after_simple) {
        rest = after;
    }
    Some(rest)
}

/// What follows the longest `NAME` at the front.
fn after_simple(name: &str) -> Option<&str> {
    let end = name.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).unwrap_or(name.len());
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts_well.then(|| &name[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for name in ["a", "a::b", "_x::Y9"] {
            assert!(is_module_name(name) && is_label(name) && !is_function_name(name), "{name}");
        }
        for name in ["", "::a", "a::", "a:b", "a/b", "../a", "a b", "9a", "ż", "a\0", "\"a\""] {
            assert!(!is_module_name(name), "{name}");
        }
        assert!(is_label("a::f/12__nested__b") && is_block_name("f/0") && !is_label("f/0") && !is_label("f/0/g"));
    }

    #[test]
    fn arity_is_the_number_behind_the_slash() {
        assert_eq!(arity_of("f/0"), Some(Some(0)));
        assert_eq!(arity_of("a::f/0065535"), Some(Some(65535)));
        assert_eq!(arity_of("f/"), Some(None));
        assert_eq!(arity_of("f/65536"), None);
        assert_eq!(arity_of("f"), None);
        assert_eq!(arity_of("f/x"), None);
    }
}
