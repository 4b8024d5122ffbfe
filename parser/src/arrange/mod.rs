//! From tokens to terminals: one pass that gives every token its part, so that the grammar can read any file.
//!
//! Here brackets are matched, `iota` is replaced, newlines are dropped where language.md §8 allows them, and what is
//! missing (`.end`, closing brackets) is supplied. The pass also makes the checks of phase A that need no operands, and
//! the ones of §5.1 about what may stand at top level. All nesting is kept in vectors: nothing here recurses.

mod bodies;
mod brackets;
mod iota;

use crate::findings::Findings;
use crate::terminal::Terminal;
use crate::words::{mnemonic, register_set};
use viua_diagnostics::{Code, Diagnostic, FileId, Span};
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
    /// Whether something was reported at top level: what follows is passed over, up to the next definition or
    /// declaration.
    in_junk: bool,
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
            in_junk: false,
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
        if self.contexts.is_empty() {
            self.junk(token);
        }
    }

    #[cold]
    fn junk(&mut self, token: Token) {
        let message = "expected a function or a block definition (or signature), or a newline";
        self.report_at_top_level(self.findings.error(Code::E0100, token.span(), message));
    }

    /// Adds a finding, if it is the first since the last definition or declaration.
    fn report_at_top_level(&mut self, finding: Diagnostic) {
        if !std::mem::replace(&mut self.in_junk, true) {
            self.findings.parsing.push(finding);
        }
    }

    fn surplus_behind_definition(&mut self, token: Token) {
        self.behind_definition = false;
        self.emit(Span::new(token.start, token.start), Terminal::Newline);
        self.junk(token);
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
