//! From tokens to terminals: one pass that gives every token its part, so that the grammar can read any file.
//!
//! Here brackets are matched, `iota` is replaced, newlines are dropped where language.md §8 allows them, and what is
//! missing (`.end`, closing brackets) is supplied. The pass also makes the checks of phase A that need no operands, and
//! the ones of §5.1 about what may stand at top level. All nesting is kept in vectors: nothing here recurses.

use crate::findings::{Findings, escaped, text};
use crate::terminal::Terminal;
use crate::words::{mnemonic, register_set};
use viua_diagnostics::{Code, FileId, Span};
use viua_lexer::{Kind, Lexer, Token};

/// A terminal with its place.
pub(crate) type Placed = (u32, Terminal, u32);

/// How many terminals are made at a time: few enough for the first-level cache.
const BATCH: usize = 512;

/// Turns a source text into a stream of terminals that the grammar accepts. O(n) in all, in constant memory but for the
/// nesting.
pub(crate) struct Arranged<'s> {
    pass: Pass<'s>,
    tokens: Lexer<'s>,
    next: Option<Token>,
    /// What was made and not handed out.
    batch: Vec<Placed>,
    taken: usize,
    ended: bool,
}

impl<'s> Arranged<'s> {
    pub(crate) fn new(source: &'s [u8], file: FileId) -> Arranged<'s> {
        let mut tokens = Lexer::new(source);
        let next = tokens.next();
        Arranged { pass: Pass::new(source, file), tokens, next, batch: Vec::new(), taken: 0, ended: false }
    }

    /// What was found on the way; complete when the stream has ended.
    pub(crate) fn into_findings(self) -> Findings {
        self.pass.findings
    }

    #[inline(never)]
    fn refill(&mut self) {
        std::mem::swap(&mut self.batch, &mut self.pass.out);
        self.pass.out.clear();
        self.batch.clear();
        self.taken = 0;
        while self.pass.out.len() < BATCH {
            let Some(token) = self.next else {
                if !std::mem::replace(&mut self.ended, true) {
                    self.pass.end_of_file();
                }
                break;
            };
            self.next = self.tokens.next();
            self.pass.end = token.start;
            if self.pass.is_iota_directive(token) {
                if self.pass.iota_directive(token, self.next) {
                    self.next = self.tokens.next();
                }
            } else {
                self.pass.token(token, self.next);
            }
        }
        std::mem::swap(&mut self.batch, &mut self.pass.out);
    }
}

impl Iterator for Arranged<'_> {
    type Item = Placed;

    #[inline]
    fn next(&mut self) -> Option<Placed> {
        if self.taken == self.batch.len() {
            self.refill();
        }
        let terminal = self.batch.get(self.taken).copied();
        self.taken += 1;
        terminal
    }
}

/// What the terminals since the last newline are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nothing yet.
    Start,
    /// An instruction, or something that should have been one.
    Instruction,
    /// A directive. Its words are words, even if they are mnemonics.
    Directive,
    /// The line of `.function:`, `.closure:` or `.block:`.
    Header,
}

#[derive(Clone, Copy)]
struct Statement {
    part: Part,
    /// Whether a set name here would belong to the operand before.
    takes_set: bool,
}

impl Default for Statement {
    fn default() -> Statement {
        Statement { part: Part::Start, takes_set: false }
    }
}

/// What is open in the stream of terminals.
enum Context {
    /// A definition; an inline one goes on with the statement it stands in.
    Body { inline_in: Option<Statement> },
    /// `(`
    Paren(Bracket),
    /// `[`
    List(Bracket),
}

struct Bracket {
    /// Index into [`Pass::brackets`]; `None` if its bracket is closed there already.
    bracket: Option<usize>,
    outer: Statement,
}

/// An opening bracket that has no partner yet.
struct OpenBracket {
    at: Span,
    is_list: bool,
    line: u32,
    /// Tokens up to and including it.
    seen: usize,
    /// Its place in [`Pass::contexts`]; `None` if it was closed there before its partner came, or never opened.
    context: Option<usize>,
}

struct Scope {
    is_list: bool,
    next: u64,
}

/// How much of what stands at top level is passed over because it was reported before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Junk {
    None,
    /// The rest of the line.
    Line,
    /// Everything up to the next definition or declaration.
    Run,
}

struct Pass<'s> {
    source: &'s [u8],
    /// Where the last token begins.
    end: u32,
    findings: Findings,
    out: Vec<Placed>,
    contexts: Vec<Context>,
    /// Places of the bodies in `contexts`.
    open_bodies: Vec<usize>,
    brackets: Vec<OpenBracket>,
    open_parens: usize,
    open_lists: usize,
    scopes: Vec<Scope>,
    statement: Statement,
    junk: Junk,
    in_attributes: bool,
    /// Behind the `.end` of a definition, on its line.
    behind_definition: bool,
    begins_line: bool,
    line: u32,
    seen: usize,
    /// The last directive that lacks its colon; `iota` is nothing else there.
    without_colon: u32,
}

impl<'s> Pass<'s> {
    fn new(source: &'s [u8], file: FileId) -> Pass<'s> {
        Pass {
            source,
            end: 0,
            findings: Findings { file, ..Findings::default() },
            out: Vec::new(),
            contexts: Vec::new(),
            open_bodies: Vec::new(),
            brackets: Vec::new(),
            open_parens: 0,
            open_lists: 0,
            scopes: Vec::new(),
            statement: Statement::default(),
            junk: Junk::None,
            in_attributes: false,
            behind_definition: false,
            begins_line: true,
            line: 0,
            seen: 0,
            without_colon: u32::MAX,
        }
    }

    fn token(&mut self, token: Token, next: Option<Token>) {
        if token.kind == Kind::Newline {
            return self.newline(token, next);
        }
        self.seen += 1;
        let begins_line = std::mem::replace(&mut self.begins_line, false);
        if self.in_attributes {
            return self.attribute(token);
        }
        if self.behind_definition {
            self.surplus_behind_definition(token);
        }
        match token.kind {
            Kind::Newline => {}
            Kind::Label => self.label(token, begins_line),
            Kind::SetName => self.set_name(token),
            Kind::Register => self.register(token),
            Kind::Directive => self.directive(token),
            Kind::End => self.end(token),
            Kind::Dot => self.dot(token, next),
            Kind::Iota => {
                let value = self.use_iota(token);
                self.operand(token, Terminal::Iota(value));
            }
            Kind::ParenOpen => self.open_paren(token),
            Kind::BracketOpen => self.open_list(token),
            Kind::ParenClose => self.close(token, false),
            Kind::BracketClose => self.close(token, true),
            Kind::Caret | Kind::Star => self.prefix(token, next),
            Kind::AttributesOpen => self.open_attributes(token),
            Kind::Integer => self.operand(token, Terminal::Integer),
            Kind::FunctionName => self.operand(token, Terminal::FunctionName),
            Kind::Offset => self.operand(token, Terminal::Offset),
            Kind::Float => self.operand(token, Terminal::Float),
            Kind::Bits => self.operand(token, Terminal::Bits),
            Kind::Duration => self.operand(token, Terminal::Duration),
            Kind::Text => self.operand(token, Terminal::Text),
            Kind::Atom => self.operand(token, Terminal::Atom),
            Kind::Unterminated => {
                let at = Span::new(token.start, token.start + 1);
                let finding = self.findings.error(Code::E0001, at, "unterminated literal");
                self.findings.literals.push(finding);
                self.operand(token, Terminal::Text);
            }
            Kind::True => self.word(token, Terminal::True),
            Kind::False => self.word(token, Terminal::False),
            Kind::Void => self.word(token, Terminal::Void),
            Kind::Default => self.word(token, Terminal::Default),
            Kind::Infinity => self.word(token, Terminal::Infinity),
            Kind::AttributesClose | Kind::BraceOpen | Kind::BraceClose | Kind::Comma | Kind::Other => {
                self.operand(token, Terminal::Invalid)
            }
        }
    }

    fn emit(&mut self, span: Span, terminal: Terminal) {
        self.out.push((span.start, terminal, span.end));
    }

    fn in_list(&self) -> bool {
        matches!(self.contexts.last(), Some(Context::List(_)))
    }

    /// A token that is no head; it begins a statement without one if nothing came before it.
    #[inline]
    fn operand(&mut self, token: Token, terminal: Terminal) {
        if self.in_list() {
            return self.emit(token.span(), Terminal::Invalid);
        }
        self.begin_headless(token);
        self.emit(token.span(), terminal);
        self.statement.takes_set = false;
    }

    /// A word with a meaning; in directives it is a name like any other.
    fn word(&mut self, token: Token, terminal: Terminal) {
        let is_name = matches!(self.statement.part, Part::Directive | Part::Header);
        self.operand(token, if is_name { Terminal::Label } else { terminal });
    }

    #[inline]
    fn begin_headless(&mut self, token: Token) {
        if self.statement.part == Part::Start {
            self.begin_junk(token);
            self.statement.part = Part::Instruction;
            self.emit(Span::new(token.start, token.start), Terminal::Headless);
        }
    }

    fn head(&mut self, token: Token, terminal: Terminal, part: Part) {
        self.emit(token.span(), terminal);
        self.statement = Statement { part, takes_set: false };
    }

    /// The first token of a line that is neither a directive nor `.end`: at top level none may begin so.
    #[inline]
    fn begin_junk(&mut self, token: Token) {
        if self.contexts.is_empty() && self.junk == Junk::None {
            self.report_junk(token, Junk::Run);
        }
    }

    #[cold]
    fn report_junk(&mut self, token: Token, pass_over: Junk) {
        let message = "expected a function or a block definition (or signature), or a newline";
        let finding = self.findings.error(Code::E0100, token.span(), message);
        self.findings.parsing.push(finding);
        self.junk = pass_over;
    }

    fn surplus_behind_definition(&mut self, token: Token) {
        self.behind_definition = false;
        self.emit(Span::new(token.start, token.start), Terminal::Newline);
        self.report_junk(token, Junk::Line);
    }

    fn newline(&mut self, token: Token, next: Option<Token>) {
        self.line += 1;
        self.begins_line = true;
        if std::mem::take(&mut self.in_attributes) {
            self.emit(token.span(), Terminal::AttributesCut);
        }
        if std::mem::take(&mut self.behind_definition) {
            return self.emit(token.span(), Terminal::Newline);
        }
        match self.contexts.last() {
            Some(Context::List(_)) => return,
            Some(Context::Paren(paren)) => {
                if self.statement.part == Part::Start || next.is_some_and(|next| next.kind == Kind::ParenClose) {
                    return;
                }
                let is_partnerless = paren.bracket.is_none();
                if !is_partnerless {
                    self.emit(token.span(), Terminal::Invalid);
                }
                // A line that begins like a new one ends the wrapped instruction, any other goes on with it.
                if !is_partnerless && next.is_some_and(|next| !self.begins_statement(next)) {
                    self.statement.takes_set = false;
                    return;
                }
                self.close_brackets(token.start);
            }
            Some(Context::Body { .. }) | None => {}
        }
        if self.statement.part != Part::Start {
            self.emit(token.span(), Terminal::Newline);
            self.statement = Statement::default();
        }
        if self.junk == Junk::Line {
            self.junk = Junk::None;
        }
    }

    fn begins_statement(&self, token: Token) -> bool {
        match token.kind {
            Kind::Directive | Kind::End | Kind::Dot => true,
            Kind::Label => mnemonic(token.text(self.source)).is_some(),
            _ => false,
        }
    }

    /// Ends the statement that is open, if any, where the source does not.
    fn break_statement(&mut self, at: u32) {
        self.close_brackets(at);
        if self.statement.part != Part::Start {
            self.emit(Span::new(at, at), Terminal::Newline);
            self.statement = Statement::default();
        }
    }

    fn label(&mut self, token: Token, begins_line: bool) {
        let label = token.text(self.source);
        if begins_line && label == b"end" {
            let finding = self.findings.error(Code::E0009, token.span(), "missing '.' character before 'end'");
            self.findings.ends.push(finding);
        }
        match self.statement.part {
            Part::Start if !self.in_list() => match mnemonic(label) {
                Some(opcode) => {
                    self.begin_junk(token);
                    self.head(token, Terminal::Mnemonic(opcode), Part::Instruction);
                }
                None => self.operand(token, Terminal::Label),
            },
            Part::Start | Part::Directive | Part::Header => self.operand(token, Terminal::Label),
            Part::Instruction if self.statement.takes_set && label == b"current" => {
                self.emit(token.span(), Terminal::Current);
                self.statement.takes_set = false;
            }
            Part::Instruction if mnemonic(label).is_some() => self.operand(token, Terminal::Invalid),
            Part::Instruction => self.operand(token, Terminal::Label),
        }
    }

    fn set_name(&mut self, token: Token) {
        if self.statement.part == Part::Start && !self.in_list() {
            self.begin_junk(token);
            return self.head(token, Terminal::LoneSet, Part::Instruction);
        }
        match register_set(token.text(self.source)) {
            Some(set) if self.statement.takes_set => {
                self.statement.takes_set = false;
                match self.out.last_mut() {
                    // Something may have vanished between the two.
                    Some((_, Terminal::Register(joined), end))
                        if self.source[*end as usize..token.start as usize].iter().all(|byte| is_blank(*byte)) =>
                    {
                        *joined = Some(set);
                        *end = token.end;
                    }
                    _ => self.emit(token.span(), Terminal::Set(set)),
                }
            }
            _ => self.operand(token, Terminal::Label),
        }
    }

    fn register(&mut self, token: Token) {
        let terminal =
            if self.is_iota(token) { Terminal::RegisterIota(self.use_iota(token)) } else { Terminal::Register(None) };
        self.operand(token, terminal);
        self.statement.takes_set = self.statement.part == Part::Instruction && !self.in_list();
    }

    fn is_iota(&self, register: Token) -> bool {
        let text = &register.text(self.source)[1..];
        text.ends_with(b"iota") && text.trim_ascii_start() == b"iota"
    }

    /// The next number of the innermost scope.
    fn use_iota(&mut self, token: Token) -> u32 {
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

    fn is_iota_directive(&self, token: Token) -> bool {
        token.kind == Kind::Directive && !self.in_attributes && token.text(self.source) == b".iota:"
    }

    /// `.iota:` and its argument vanish. Returns whether there is an argument.
    fn iota_directive(&mut self, directive: Token, argument: Option<Token>) -> bool {
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

    fn directive(&mut self, token: Token) {
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
                self.junk = Junk::None;
            } else {
                self.illegal_directive(token);
            }
        }
        self.head(token, terminal, Part::Directive);
    }

    fn illegal_directive(&mut self, token: Token) {
        if self.junk == Junk::None {
            let finding = self.findings.error(Code::E0101, token.span(), "illegal directive");
            self.findings.parsing.push(finding.note("expected a function or block definition (or signature)"));
            self.junk = Junk::Line;
        }
    }

    /// A dot that begins no directive, perhaps because a colon is missing.
    fn dot(&mut self, token: Token, next: Option<Token>) {
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
        self.junk = Junk::None;
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
    fn end(&mut self, token: Token) {
        if self.open_bodies.is_empty() {
            if self.statement.part != Part::Start || !self.contexts.is_empty() {
                return self.operand(token, Terminal::Invalid);
            }
            if self.junk == Junk::None {
                let finding = self.findings.error(Code::E0102, token.span(), "stray .end marker");
                self.findings.parsing.push(finding);
                self.junk = Junk::Line;
            }
            // The grammar gets it as the beginning of a statement that is passed over.
            self.begin_headless(token);
            return self.emit(token.span(), Terminal::Invalid);
        }
        if self.statement.part != Part::Start || !matches!(self.contexts.last(), Some(Context::Body { .. })) {
            self.operand(token, Terminal::Invalid);
            self.break_statement(token.start);
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

    fn end_all_bodies(&mut self, at: Span, how: Terminal) {
        while !self.open_bodies.is_empty() {
            self.break_statement(at.start);
            self.close_body(at, how);
        }
        self.behind_definition = false;
        self.emit(Span::new(at.start, at.start), Terminal::Newline);
    }

    fn prefix(&mut self, token: Token, next: Option<Token>) {
        let terminal = match (token.kind, next.map(|next| next.kind)) {
            _ if self.in_list() => Terminal::Invalid,
            (Kind::Caret, Some(Kind::ParenOpen | Kind::BracketOpen)) => Terminal::Caret,
            (Kind::Star, Some(Kind::ParenOpen)) => Terminal::Star,
            _ => Terminal::Invalid,
        };
        self.operand(token, terminal);
    }

    fn open_paren(&mut self, token: Token) {
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

    fn open_list(&mut self, token: Token) {
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
    fn close(&mut self, token: Token, is_list: bool) {
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

    fn report_unbalanced(&mut self, bracket: &OpenBracket) {
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
    fn close_brackets(&mut self, at: u32) {
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

    fn open_attributes(&mut self, token: Token) {
        if self.statement.part == Part::Start {
            return self.operand(token, Terminal::Invalid);
        }
        self.emit(token.span(), Terminal::AttributesOpen);
        self.statement.takes_set = false;
        self.in_attributes = true;
    }

    fn attribute(&mut self, token: Token) {
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

    fn end_of_file(&mut self) {
        let end = self.end;
        let mut line = None;
        // A literal that is not closed swallows the closing brackets, too.
        let swallowed = !self.findings.literals.is_empty();
        for bracket in std::mem::take(&mut self.brackets) {
            // Brackets that are left open on one line are one mistake.
            if !swallowed && line.replace(bracket.line) != Some(bracket.line) {
                self.report_unbalanced(&bracket);
            }
        }
        self.break_statement(end);
        if !self.open_bodies.is_empty() {
            self.end_all_bodies(Span::new(end, end), Terminal::MissingEnd);
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
