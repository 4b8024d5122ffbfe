//! The lexical path functions (stdlib.md §7): they look at the text only. Linear in its length.

/// A root, if the path begins with a slash; the names; an empty name, if it ends with a slash behind a name.
fn split(path: &[u8]) -> Vec<&[u8]> {
    let mut parts: Vec<&[u8]> = Vec::new();
    if path.starts_with(b"/") {
        parts.push(b"/");
    }
    parts.extend(path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()));
    if path.ends_with(b"/") && parts.last().is_some_and(|last| *last != b"/") {
        parts.push(b"");
    }
    parts
}

/// The path without `.`, and without `name/..`.
pub fn lexically_normal(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return Vec::new();
    }
    let is_absolute = path.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    let mut has_slash_at_end = false;
    for part in split(path) {
        has_slash_at_end = false;
        match part {
            b"/" => {}
            b"" | b"." => has_slash_at_end = true,
            b".." => match names.last() {
                Some(last) if *last != b".." => {
                    names.pop();
                    has_slash_at_end = true;
                }
                None if is_absolute => {}
                Some(_) | None => names.push(b".."),
            },
            name => names.push(name),
        }
    }
    let mut normal = if is_absolute { b"/".to_vec() } else { Vec::new() };
    normal.extend_from_slice(&names.join(&b'/'));
    if has_slash_at_end && names.last().is_some_and(|last| *last != b"..") {
        normal.push(b'/');
    }
    if normal.is_empty() { b".".to_vec() } else { normal }
}

/// The path that leads from `base` to `path`; empty if there is none.
pub fn lexically_relative(path: &[u8], base: &[u8]) -> Vec<u8> {
    if path.starts_with(b"/") != base.starts_with(b"/") {
        return Vec::new();
    }
    let (path, base) = (split(path), split(base));
    let common = path.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let (path, base) = (&path[common..], &base[common..]);
    if path.is_empty() && base.is_empty() {
        return b".".to_vec();
    }
    let up = base.iter().filter(|part| !matches!(**part, b".." | b"." | b"")).count();
    let down = base.iter().filter(|part| **part == b"..").count();
    match up.checked_sub(down) {
        None => Vec::new(),
        Some(0) if path.is_empty() || *path == [b""] => b".".to_vec(),
        Some(count) => {
            let parts: Vec<&[u8]> = std::iter::repeat_n(&b".."[..], count).chain(path.iter().copied()).collect();
            parts.join(&b'/')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_paths() {
        for (path, expected) in [
            ("", ""),
            ("a/b/../c", "a/c"),
            ("/..", "/"),
            ("a/./b", "a/b"),
            ("a//b", "a/b"),
            ("/../x", "/x"),
            ("./a", "a"),
            ("/a/b/../../..", "/"),
            ("a/..", "."),
            (".", "."),
            ("./", "."),
            ("./.", "."),
            ("../../a", "../../a"),
            ("a/../..", ".."),
            ("./..", ".."),
            ("a/", "a/"),
            ("a/b/..", "a/"),
            ("a/b/../", "a/"),
            ("a/b/.", "a/b/"),
            ("foo/./bar/..", "foo/"),
            ("a/../b/", "b/"),
            ("../", ".."),
            ("/", "/"),
            ("//a", "/a"),
        ] {
            assert_eq!(lexically_normal(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }

    #[test]
    fn relative_paths() {
        for (path, base, expected) in [
            ("/a/d", "/a/b/c", "../../d"),
            ("a/b", "/a/b", ""),
            ("/a/b/c", "/a/d", "../b/c"),
            ("", "", "."),
            ("a/b/c", "a", "b/c"),
            ("", "a", ".."),
            ("a/b/c", "a/b/c/x/y", "../.."),
            ("a", "", "a"),
            ("a/b/c", "a/b/c", "."),
            ("a", "../b", "a"),
            ("a/b", "c/d", "../../a/b"),
            ("../a", "b", "../../a"),
            (".", "a", "../."),
            ("a", "a/b/", ".."),
            ("a/b/", "a", "b/"),
            ("a", "a/", "."),
            ("a/.", "a", "."),
            ("/a", "/", "a"),
            ("a/..", "b", "../a/.."),
        ] {
            assert_eq!(lexically_relative(path.as_bytes(), base.as_bytes()), expected.as_bytes(), "{path} {base}");
        }
    }
}
