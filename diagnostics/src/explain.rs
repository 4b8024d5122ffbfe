//! The explanation of each code: the pages of `docs/errors`, compiled in, and their form for a terminal.
//!
//! A page is Markdown of a fixed and simple kind: a heading `# CODE title`, prose, and the sections `## Wrong` and
//! `## Right` with fenced blocks. So a few rules by the line make plain text of it.

use crate::Code;
use crate::catalogue::{CATALOGUE, PAGES};

/// The page of a code, in Markdown.
pub fn page(code: Code) -> &'static str {
    // Codes are made from rows of the catalogue, so there always is one.
    let row = CATALOGUE.iter().position(|row| row.code == code.as_str());
    row.map_or("", |row| PAGES[row])
}

/// The title of a page: what the code means, in a few words.
pub fn title(code: Code) -> &'static str {
    let heading = page(code).lines().next().unwrap_or_default();
    heading.split_once(code.as_str()).map_or(heading, |(_, title)| title.trim())
}

/// The page as plain text: sections as `Wrong:`, blocks indented instead of fenced, commands behind a prompt.
pub fn text(code: Code) -> String {
    let mut text = String::new();
    // What a line of the block that we are in begins with; none outside of blocks.
    let mut block = None;
    for line in page(code).lines() {
        if let Some(language) = line.strip_prefix("```") {
            block = match (block, language) {
                (Some(_), _) => None,
                (None, "sh") => Some("    $ "),
                (None, _) => Some("    "),
            };
            continue;
        }
        if let Some(margin) = block.filter(|_| !line.is_empty()) {
            text.push_str(margin);
            text.push_str(line);
        } else if let Some(section) = line.strip_prefix("## ") {
            text.push_str(section);
            text.push(':');
        } else {
            text.push_str(line.strip_prefix("# ").unwrap_or(line));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_text() {
        assert_eq!(title(Code::E0009), "end without its dot");
        let text = text(Code::E0009);
        assert!(text.starts_with("E0009 end without its dot\n\nDefinitions are closed"), "{text}");
        assert!(text.contains("\n\nWrong:\n\n    .function: main/0\n"), "{text}");
        assert!(
            text.contains("\n    end\n\n    prog.asm:5:1: error: missing '.' character before 'end'\n\nRight:\n"),
            "{text}"
        );
        assert!(!text.contains("```"), "{text}");
        let text = super::text(Code::E0707);
        assert!(text.contains("\n    $ viuac build --lib greetings.asm\n    $ viuac build prog.asm"), "{text}");
    }

    #[test]
    fn every_code_has_a_page() {
        for code in Code::all() {
            assert!(page(code).starts_with(&format!("# {code} {}\n\n", title(code))), "{code}");
        }
    }
}
