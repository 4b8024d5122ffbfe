//! `iota` (language.md §6): scopes, the numbers, and the directive that sets them.

use super::Pass;
use crate::findings::{escaped, text};
use viua_diagnostics::Code;
use viua_lexer::{Kind, Token};

impl Pass<'_> {
    pub(super) fn is_iota(&self, register: Token) -> bool {
        let text = &register.text(self.source)[1..];
        text.ends_with(b"iota") && text.trim_ascii_start() == b"iota"
    }

    /// The next number of the innermost scope.
    pub(super) fn use_iota(&mut self, token: Token) -> u32 {
        let Some(scope) = self.scopes.last_mut() else {
            if token.start == self.without_colon {
                return 0;
            }
            let message = format!("{} used outside of iota scope", text(self.source, token.span()));
            let finding = self.findings.error(Code::E0005, token.span(), message);
            self.findings.iota.push(finding);
            return 0;
        };
        let value = scope.next;
        scope.next += 1;
        u32::try_from(value).unwrap_or(u32::MAX)
    }

    pub(super) fn is_iota_directive(&self, token: Token) -> bool {
        token.kind == Kind::Directive && !self.in_attributes && token.text(self.source) == b".iota:"
    }

    /// `.iota:` and its argument vanish. Returns whether there is an argument.
    pub(super) fn iota_directive(&mut self, directive: Token, argument: Option<Token>) -> bool {
        let Some(argument) = argument else { return false };
        let consumed = argument.kind != Kind::Newline;
        let Some(scope) = self.scopes.last_mut() else {
            let message = "'.iota:' directive used outside of iota scope";
            let finding = self.findings.error(Code::E0003, directive.span(), message);
            self.findings.iota.push(finding);
            return consumed;
        };
        let digits = argument.text(self.source);
        let value = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u32>().ok());
        match value {
            Some(value) if argument.kind == Kind::Integer => scope.next = u64::from(value),
            _ => {
                let shown = match argument.kind {
                    Kind::Newline => "\\n".to_owned(),
                    _ => escaped(&text(self.source, argument.span())),
                };
                let message = format!("invalid argument to '.iota:' directive: {shown}");
                let finding = self.findings.error(Code::E0004, argument.span(), message);
                self.findings.iota.push(finding);
            }
        }
        consumed
    }
}
