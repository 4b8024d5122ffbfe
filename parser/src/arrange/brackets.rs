//! Wrapped instructions and lists (language.md §8): brackets are matched over the whole file, whatever stands between
//! them, but the stream only has pairs that lie in one line and one body. Also the brackets of attributes (§10.1).

use super::{Bracket, Context, OpenBracket, Part, Pass, Scope, Statement};
use crate::terminal::Terminal;
use viua_diagnostics::{Code, Span};
use viua_lexer::{Kind, Token};

impl Pass<'_> {
    pub(super) fn prefix(&mut self, token: Token, next: Option<Token>) {
        let terminal = match (token.kind, next.map(|next| next.kind)) {
            _ if self.in_list() => Terminal::Invalid,
            (Kind::Caret, Some(Kind::ParenOpen | Kind::BracketOpen)) => Terminal::Caret,
            (Kind::Star, Some(Kind::ParenOpen)) => Terminal::Star,
            _ => Terminal::Invalid,
        };
        self.operand(token, terminal);
    }

    pub(super) fn open_paren(&mut self, token: Token) {
        if !self.in_list() {
            self.begin_headless(token);
        }
        self.emit(token.span(), Terminal::ParenOpen);
        self.open_parens += 1;
        let bracket = Bracket { bracket: Some(self.brackets.len()), outer: self.statement };
        self.open_bracket(token, false, true);
        self.contexts.push(Context::Paren(bracket));
        self.statement = Statement::default();
    }

    pub(super) fn open_list(&mut self, token: Token) {
        self.open_lists += 1;
        self.scopes.push(Scope { is_list: true, next: 0 });
        if self.in_list() {
            self.emit(token.span(), Terminal::Invalid);
            return self.open_bracket(token, true, false);
        }
        self.begin_headless(token);
        self.emit(token.span(), Terminal::ListOpen);
        let bracket = Bracket { bracket: Some(self.brackets.len()), outer: self.statement };
        self.open_bracket(token, true, true);
        self.contexts.push(Context::List(bracket));
        self.statement = Statement::default();
    }

    fn open_bracket(&mut self, token: Token, is_list: bool, in_stream: bool) {
        let context = in_stream.then_some(self.contexts.len());
        self.brackets.push(OpenBracket { at: token.span(), is_list, line: self.line, seen: self.seen, context });
    }

    /// `)` or `]`
    pub(super) fn close(&mut self, token: Token, is_list: bool) {
        let open = if is_list { self.open_lists } else { self.open_parens };
        if open == 0 {
            return self.operand(token, Terminal::Invalid);
        }
        let Some(bracket) = self.partner(is_list) else { return };
        if !is_list && self.seen - 1 - bracket.seen < 2 {
            let message = "at least two tokens are required in a wrapped instruction";
            let finding = self.findings.error(Code::E0007, bracket.at, message);
            self.findings.wrapping.push(finding);
        }
        if is_list && self.scopes.last().is_some_and(|scope| scope.is_list) {
            self.scopes.pop();
        }
        let Some(context) = bracket.context else { return };
        if self.open_bodies.last().is_some_and(|&body| body > context) {
            // It was opened outside of the body that it stands in. The outer one will be closed with its line.
            self.orphan(context);
            return self.operand(token, Terminal::Invalid);
        }
        self.orphan(context);
        while self.contexts.len() > context + 1 {
            self.close_bracket(token.start, token.start);
        }
        self.close_bracket(token.start, token.end);
    }

    /// Takes the innermost open bracket of that kind; those inside of it are not closed.
    fn partner(&mut self, is_list: bool) -> Option<OpenBracket> {
        while let Some(bracket) = self.brackets.pop() {
            if bracket.is_list {
                self.open_lists -= 1;
            } else {
                self.open_parens -= 1;
            }
            if bracket.is_list == is_list {
                return Some(bracket);
            }
            self.report_unbalanced(&bracket);
            if let Some(context) = bracket.context {
                self.orphan(context);
            }
        }
        None
    }

    pub(super) fn report_unbalanced(&mut self, bracket: &OpenBracket) {
        let message = "unbalanced parenthesis in wrapped instruction";
        let finding = self.findings.error(Code::E0006, bracket.at, message);
        self.findings.wrapping.push(finding);
    }

    fn orphan(&mut self, context: usize) {
        match self.contexts.get_mut(context) {
            Some(Context::Paren(bracket) | Context::List(bracket)) => bracket.bracket = None,
            Some(Context::Body { .. }) | None => {}
        }
    }

    /// Closes all brackets of the line in the stream; their partners will be passed over.
    pub(super) fn close_brackets(&mut self, at: u32) {
        while matches!(self.contexts.last(), Some(Context::Paren(_) | Context::List(_))) {
            self.close_bracket(at, at);
        }
    }

    /// Closes the innermost context, which must be a bracket, in the stream.
    fn close_bracket(&mut self, start: u32, end: u32) {
        let (bracket, terminal) = match self.contexts.pop() {
            Some(Context::Paren(bracket)) => {
                if self.statement.part == Part::Start {
                    self.emit(Span::new(start, start), Terminal::Headless);
                }
                (bracket, Terminal::ParenClose)
            }
            Some(Context::List(bracket)) => (bracket, Terminal::ListClose),
            Some(Context::Body { .. }) | None => return,
        };
        self.emit(Span::new(start, end), terminal);
        if let Some(open) = bracket.bracket.and_then(|index| self.brackets.get_mut(index)) {
            open.context = None;
        }
        self.statement =
            Statement { takes_set: bracket.outer.part == Part::Instruction && !self.in_list(), ..bracket.outer };
    }

    pub(super) fn open_attributes(&mut self, token: Token) {
        if self.statement.part == Part::Start {
            return self.operand(token, Terminal::Invalid);
        }
        self.emit(token.span(), Terminal::AttributesOpen);
        self.statement.takes_set = false;
        self.in_attributes = true;
    }

    pub(super) fn attribute(&mut self, token: Token) {
        let terminal = match token.kind {
            Kind::AttributesClose => {
                self.in_attributes = false;
                Terminal::AttributesClose
            }
            Kind::Comma => Terminal::Comma,
            Kind::BraceOpen => Terminal::BraceOpen,
            Kind::BraceClose => Terminal::BraceClose,
            Kind::Unterminated => {
                self.in_attributes = false;
                self.emit(Span::new(token.start, token.start), Terminal::AttributesCut);
                return self.token(token, None);
            }
            _ => {
                if token.kind == Kind::Iota || (token.kind == Kind::Register && self.is_iota(token)) {
                    self.use_iota(token);
                }
                Terminal::Word
            }
        };
        self.emit(token.span(), terminal);
    }
}
