//! What a path is made of: chains, each a thread that is followed to the end of a basic block, and what comes before it.

use crate::facts::Fact;
use crate::ops::Var;
use crate::trie::{Decisions, Trie};
use std::cmp::Ordering;
use viua_ir::cfg::EdgeKind;

/// What is followed along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thread {
    /// Nothing but the path.
    Bare,
    /// A fact of a register.
    Fact(Var, Fact),
    /// That a register is fresh; [`NONE`](crate::ops::NONE) is one that a block does not know.
    Fresh(Var),
    /// The number of local registers.
    Count(u32),
}

/// How long a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its `if` decisions.
    pub decisions: Decisions,
    /// Its instructions.
    pub length: u64,
}

impl Label {
    /// Fewest decisions first, then true before false, then the shorter one.
    pub fn compare(&self, other: &Label, trie: &Trie) -> Ordering {
        trie.compare_paths(self.decisions, other.decisions).then(self.length.cmp(&other.length))
    }
}

/// Index into [`Search::chains`](super::Search::chains).
pub type ChainId = u32;

/// A thread from some instruction to the end of its basic block.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// Where it came from.
    pub parent: Parent,
    /// The context it is in.
    pub context: u32,
    /// The basic block.
    pub block: u32,
    /// The first instruction; the end of the basic block if there is none left.
    pub start: u32,
    /// What is followed.
    pub thread: Thread,
    /// The path up to here.
    pub label: Label,
    /// Number of the context and the thread together.
    pub(super) line: u32,
    /// What is to be done when its turn comes.
    pub(super) task: Task,
}

/// What is done with a chain. Each of these waits until its path is the shortest of all that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The thread is followed to the end of the basic block.
    Run,
    /// The last instruction of the basic block enters or leaves a block.
    End,
    /// The thread may be thrown from here.
    Throw,
    /// A catcher of the `enter` at the end of the basic block begins.
    Catch {
        /// Which of its catchers.
        number: u32,
        /// Where the entered block was left.
        inner: ChainId,
    },
}

/// How a catcher is entered: the `catch` instruction, and where the block that it catches from was left.
pub type Caught = (u32, ChainId);

/// What comes before a chain.
#[derive(Clone, Copy, Debug)]
pub enum Parent {
    /// The start of the body.
    Start,
    /// The end of another basic block.
    Flow {
        /// That one.
        chain: ChainId,
        /// The edge.
        kind: EdgeKind,
    },
    /// The end of another basic block, behind which the register is unknown.
    Forgotten {
        /// That one.
        chain: ChainId,
    },
    /// A definition in the same basic block.
    Definition {
        /// The chain up to there.
        chain: ChainId,
        /// The instruction, and its operation.
        definition: (u32, u32),
    },
    /// The same thread, or the same register with another fact, before the first instruction of the chain.
    Same {
        /// The chain up to there.
        chain: ChainId,
    },
    /// The start of an entered block.
    Entered {
        /// The first to enter.
        caller: ChainId,
        /// For a catcher.
        caught: Option<Caught>,
    },
    /// The end of a block that has been left again.
    Left {
        /// Who entered, which need not be the first to do so.
        caller: ChainId,
        /// For a catcher.
        caught: Option<Caught>,
        /// The end in the block.
        inner: ChainId,
    },
}
