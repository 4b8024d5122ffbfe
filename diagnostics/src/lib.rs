//! What the tool chain says to people: the model of a finding, its code, where it points, and the renderers.
//!
//! A stage of the tool chain returns [`Diagnostic`]s and never prints; only the driver renders and writes them.
//! Everything here is plain data; see diagnostics.md of the reference manual.

mod catalogue;
mod draw;
mod excerpt;
pub mod explain;
mod github;
mod human;
mod json;
mod lints;
mod render;
mod sarif;
mod short;
mod source;
mod text;

pub use catalogue::{CATALOGUE, Code, Row};
pub use lints::{GROUPS, LINTS, Level, Levels, Lint, UnknownLint, closest};
pub use render::{Format, RenderOptions, render};
pub use source::{FileId, Location, Source, SourceMap, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Only within a finding, and for the list of candidates before `more than one candidate for main function`.
    Note,
    /// A lint at level *warn*.
    Warning,
    /// The input is refused.
    Error,
}

impl Severity {
    /// The word of all renderers.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A finding: the fault, the places that have to do with it, and the steps that lead to it (diagnostics.md §1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning; the level of a lint is applied when it is made.
    pub severity: Severity,
    /// The cause. `None` only for the notes of E0705 that stand alone.
    pub code: Option<Code>,
    /// The lint that found it; findings of `later-paths` carry the code of their fault and this name.
    pub lint: Option<&'static str>,
    /// The fault itself.
    pub fault: Entry,
    /// Places, then steps: the most specific first, `in function …` last.
    pub trace: Vec<Entry>,
    /// What to do, for people; only the human and the machine formats show it.
    pub help: Vec<String>,
    /// A mechanical replacement, where there is one.
    pub suggestion: Option<Suggestion>,
}

/// One line of a finding, with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What part it plays.
    pub kind: EntryKind,
    /// Where.
    pub at: Position,
    /// Error text; `None` if the entry consists of notes only.
    pub message: Option<String>,
    /// Notes at the same position.
    pub notes: Vec<String>,
    /// Further marked (underlined) tokens; the token of the position is marked in any case.
    pub marks: Vec<Span>,
    /// A proposal, with the token it stands under.
    pub hint: Option<Hint>,
}

/// The part that an entry plays in its finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntryKind {
    /// The first entry.
    #[default]
    Fault,
    /// Another place that has to do with the fault.
    Place,
    /// How control gets there.
    Step,
}

/// Where an entry points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// At a token of a source file.
    At(Location),
    /// At a file as a whole: `PATH: error: …`.
    File(String),
    /// At a file as a whole, without the blank: `PATH:error: …` (the three faults of imports, modules.md §5).
    FileTight(String),
    /// Nowhere: the tool itself.
    #[default]
    Nowhere,
}

/// `^ did you mean 'print'?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The text after the caret.
    pub message: String,
    /// The token it stands under.
    pub at: Option<Location>,
}

/// Replace these bytes by that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What to replace.
    pub at: Location,
    /// By what.
    pub replacement: String,
}

impl Diagnostic {
    /// An error at a token.
    pub fn error(code: Code, at: Location, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, Some(code), Position::At(at), message.into())
    }

    /// An error about a whole file.
    pub fn file_error(code: Code, path: impl Into<String>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, Some(code), Position::File(path.into()), message.into())
    }

    /// A finding with nothing but its fault.
    pub fn new(severity: Severity, code: Option<Code>, at: Position, message: String) -> Diagnostic {
        Diagnostic {
            severity,
            code,
            lint: code.and_then(|code| code.row().lint),
            fault: Entry { at, message: Some(message), ..Entry::default() },
            trace: Vec::new(),
            help: Vec::new(),
            suggestion: None,
        }
    }

    /// Adds a note at the fault.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.fault.notes.push(note.into());
        self
    }

    /// Marks a further token of the fault.
    pub fn mark(mut self, span: Span) -> Diagnostic {
        self.fault.marks.push(span);
        self
    }

    /// Adds a proposal under a token.
    pub fn hint(mut self, at: Location, message: impl Into<String>) -> Diagnostic {
        self.fault.hint = Some(Hint { message: message.into(), at: Some(at) });
        self
    }

    /// Adds an entry to the trace.
    pub fn then(mut self, entry: Entry) -> Diagnostic {
        self.trace.push(entry);
        self
    }

    /// Adds a line of help for people.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Whether it refuses the input.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Entry {
    /// A place with a text of its own, such as `already defined here:`.
    pub fn place(at: Location, message: impl Into<String>) -> Entry {
        Entry { kind: EntryKind::Place, at: Position::At(at), message: Some(message.into()), ..Entry::default() }
    }

    /// A place that consists of a note, such as `erased here:`.
    pub fn place_note(at: Location, note: impl Into<String>) -> Entry {
        Entry { kind: EntryKind::Place, at: Position::At(at), notes: vec![note.into()], ..Entry::default() }
    }

    /// A step of the path with a text of its own, such as `in function main/0`.
    pub fn step(at: Location, message: impl Into<String>) -> Entry {
        Entry { kind: EntryKind::Step, ..Entry::place(at, message) }
    }

    /// A step that consists of a note, such as `after jumping back here:`.
    pub fn step_note(at: Location, note: impl Into<String>) -> Entry {
        Entry { kind: EntryKind::Step, ..Entry::place_note(at, note) }
    }

    /// Marks a further token.
    pub fn mark(mut self, span: Span) -> Entry {
        self.marks.push(span);
        self
    }
}
