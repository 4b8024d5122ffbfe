//! Directives, and where definitions begin and end (language.md §5). What is missing at the end of one is supplied here;
//! that it is missing is reported by the actions, which know the names.

use super::{Context, Part, Pass, Scope, Statement};
use crate::findings::text;
use crate::terminal::Terminal;
use viua_diagnostics::{Code, Span};
use viua_lexer::{Kind, Token};

impl Pass<'_> {
    pub(super) fn directive(&mut self, token: Token) {
        let text = token.text(self.source);
        match text {
            b".function:" => return self.definition(token, Terminal::Function),
            b".closure:" => return self.definition(token, Terminal::Closure),
            b".block:" if self.open_bodies.is_empty() => return self.definition(token, Terminal::Block),
            b".block:" => return self.inline_block(token),
            _ => {}
        }
        if self.statement.part != Part::Start || self.in_list() {
            return self.operand(token, Terminal::Invalid);
        }
        let (terminal, is_declaration) = match text {
            b".name:" => (Terminal::Name, false),
            b".mark:" => (Terminal::Mark, false),
            b".unused:" => (Terminal::Unused, false),
            b".signature:" => (Terminal::Signature, true),
            b".bsignature:" => (Terminal::BlockSignature, true),
            b".import:" => (Terminal::Import, true),
            b".info:" => (Terminal::Info, true),
            _ => (Terminal::UnknownDirective, false),
        };
        if self.contexts.is_empty() {
            if is_declaration {
                self.in_junk = false;
            } else {
                self.illegal_directive(token);
            }
        }
        self.head(token, terminal, Part::Directive);
    }

    fn illegal_directive(&mut self, token: Token) {
        let finding = self.findings.error(Code::E0101, token.span(), "illegal directive");
        self.report_at_top_level(finding.note("expected a function or block definition (or signature)"));
    }

    /// A dot that begins no directive, perhaps because a colon is missing.
    pub(super) fn dot(&mut self, token: Token, next: Option<Token>) {
        if let Some(name) = next.and_then(|next| self.name_without_colon(next)) {
            let message = format!("missing ':' after `{}'", text(self.source, name));
            let finding = self.findings.error(Code::E0002, name, message);
            self.findings.colons.push(finding);
            self.without_colon = name.start;
        }
        if self.statement.part != Part::Start || self.in_list() {
            return self.operand(token, Terminal::Invalid);
        }
        if self.contexts.is_empty() {
            self.illegal_directive(token);
        }
        self.head(token, Terminal::UnknownDirective, Part::Directive);
    }

    fn name_without_colon(&self, next: Token) -> Option<Span> {
        const NAMES: [&[u8]; 9] =
            [b"function", b"closure", b"block", b"signature", b"bsignature", b"info", b"name", b"import", b"mark"];
        if next.kind == Kind::Newline {
            return None;
        }
        let token = next.text(self.source);
        let length = token.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(token.len());
        let name = &token[..length];
        // The name may be the first word of a longer token (`function/0`, `info::x`), but not part of a word.
        let is_word = matches!(token.get(length), None | Some(b'/' | b':'));
        if !is_word || !(NAMES.contains(&name) || name == b"iota") {
            return None;
        }
        let end = next.start + length as u32;
        let behind = self.source[end as usize..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        (behind != Some(&b':')).then_some(Span::new(next.start, end))
    }

    /// `.function:`, `.closure:`, or `.block:` at top level.
    fn definition(&mut self, token: Token, opener: Terminal) {
        if self.statement.part == Part::Header {
            return self.operand(token, Terminal::Invalid);
        }
        if self.open_bodies.is_empty() {
            if self.statement.part == Part::Directive {
                self.operand(token, Terminal::Invalid);
            }
            self.break_statement(token.start);
        } else {
            self.end_all_bodies(token.span(), Terminal::Interrupted);
        }
        self.in_junk = false;
        self.head(token, opener, Part::Header);
        self.open_body(None);
    }

    fn inline_block(&mut self, token: Token) {
        if self.statement.part == Part::Header {
            return self.operand(token, Terminal::Invalid);
        }
        if !self.in_list() {
            self.begin_headless(token);
        }
        let outer = self.statement;
        self.head(token, Terminal::InlineBlock, Part::Header);
        self.open_body(Some(outer));
    }

    fn open_body(&mut self, inline_in: Option<Statement>) {
        self.open_bodies.push(self.contexts.len());
        self.contexts.push(Context::Body { inline_in });
        self.scopes.push(Scope { is_list: false, next: 1 });
    }

    /// `.end`
    pub(super) fn end(&mut self, token: Token) {
        if self.open_bodies.is_empty() {
            if self.statement.part != Part::Start || !self.contexts.is_empty() {
                return self.operand(token, Terminal::Invalid);
            }
            self.report_at_top_level(self.findings.error(Code::E0102, token.span(), "stray .end marker"));
            // The grammar gets it as the beginning of a statement that is passed over.
            self.begin_headless(token);
            return self.emit(token.span(), Terminal::Invalid);
        }
        if self.statement.part != Part::Start || !matches!(self.contexts.last(), Some(Context::Body { .. })) {
            self.operand(token, Terminal::Invalid);
            self.break_statement(token.start);
            // What it cuts off from its definition is part of the same mistake.
            self.in_junk = true;
        }
        self.close_body(token.span(), Terminal::End);
    }

    /// Closes the innermost body; the statement in it must be closed.
    fn close_body(&mut self, at: Span, how: Terminal) {
        self.open_bodies.pop();
        let body = self.contexts.pop();
        while self.scopes.pop().is_some_and(|scope| scope.is_list) {}
        self.emit(at, how);
        match body {
            Some(Context::Body { inline_in: Some(outer) }) => {
                self.statement = Statement { takes_set: false, ..outer };
            }
            _ => {
                self.statement = Statement::default();
                self.behind_definition = true;
            }
        }
    }

    pub(super) fn end_all_bodies(&mut self, at: Span, how: Terminal) {
        while !self.open_bodies.is_empty() {
            self.break_statement(at.start);
            self.close_body(at, how);
        }
        self.behind_definition = false;
        self.emit(Span::new(at.start, at.start), Terminal::Newline);
    }
}
