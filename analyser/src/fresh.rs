//! Freshness: the values that nobody has looked at yet, for `overwrite of unused value:` (analyser-rules.md §4.6).
//!
//! Freshness ends at every `if` and wherever forward paths meet, so what is fresh follows from the one *chain* of basic
//! blocks that leads to a place. Chains do not overlap; each is walked once. What an entered block does with the fresh
//! values of who enters it is its summary: the first thing that happens to each register.

use crate::ops::{Key, NONE, OpKind, Var};
use crate::program::{Entered, Program};
use crate::unit::{Edge, Ending, Unit};
use viua_ir::BodyId;
use viua_ir::cfg::EdgeKind;
use viua_isa::RegisterSet;

/// A D step, by body, instruction and number of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Definition {
    /// The function, closure or block.
    pub body: BodyId,
    /// The instruction.
    pub instruction: u32,
    /// Index into [`Unit::ops_of`].
    pub op: u32,
}

/// What happens first to a register that comes into a block.
#[derive(Clone, Copy, Debug)]
enum First {
    Used,
    Overwritten(Definition),
}

/// The freshness of a body.
#[derive(Clone, Debug, Default)]
pub struct Freshness {
    /// The D steps that overwrite a fresh value, those of entered blocks included.
    pub overwrites: Vec<Definition>,
    firsts: Vec<(Key, First)>,
    fresh_behind: Vec<Key>,
    /// Whether what nobody touches is as fresh behind the block as before it.
    keeps: bool,
}

/// Walks a body in which these registers are fresh at the start.
pub fn freshness(program: &Program, unit: &Unit, start: impl Fn(Key) -> bool) -> Freshness {
    let vars = unit.vars().keys.len();
    let mut walk = Walk {
        program,
        unit,
        stamp: 0,
        fresh: vec![0; vars],
        touched: vec![false; vars],
        defined: Vec::new(),
        is_first_chain: false,
        result: Freshness::default(),
    };
    for (at, block) in unit.blocks.iter().enumerate() {
        if !block.is_forward || !is_head(program, unit, at as u32) {
            continue;
        }
        walk.forget();
        walk.is_first_chain = at == 0;
        if at == 0 {
            for (var, key) in unit.vars().keys.iter().enumerate() {
                if start(*key) {
                    walk.set(var as Var);
                }
            }
        }
        walk.chain(at as u32);
    }
    walk.result
}

/// Whether freshness ends at the start of a basic block: behind an `if`, and wherever not exactly one forward edge leads.
pub fn is_head(program: &Program, unit: &Unit, block: u32) -> bool {
    let mut incoming = unit.predecessors(block).iter().filter(|edge| unit.is_forward(**edge));
    match (incoming.next(), incoming.next()) {
        (Some(Edge { kind: EdgeKind::True | EdgeKind::False, .. }), None) => true,
        (Some(edge), None) => forward_edges(program, unit, *edge) != 1,
        _ => true,
    }
}

/// An edge from behind an `enter` stands for as many as the block has `leave`s.
fn forward_edges(program: &Program, unit: &Unit, edge: Edge) -> u8 {
    match unit.blocks[edge.block as usize].ending {
        Ending::Enter(enter) => match unit.enters[enter as usize].entered {
            Entered::Block(id) => program.blocks[id.0 as usize].forward_leaves,
            Entered::Unchecked(_) | Entered::External | Entered::Nothing => 1,
        },
        Ending::Plain | Ending::Leave => 1,
    }
}

struct Walk<'a> {
    program: &'a Program<'a>,
    unit: &'a Unit,
    /// Registers with this stamp are fresh.
    stamp: u32,
    fresh: Vec<u32>,
    /// Registers to which something has happened since the start of the body, in its first chain.
    touched: Vec<bool>,
    defined: Vec<Var>,
    is_first_chain: bool,
    result: Freshness,
}

impl Walk<'_> {
    fn forget(&mut self) {
        self.stamp += 1;
        self.defined.clear();
        self.is_first_chain = false;
    }

    fn set(&mut self, var: Var) {
        self.fresh[var as usize] = self.stamp;
        self.defined.push(var);
    }

    fn touch(&mut self, var: Var, first: First) {
        if self.is_first_chain && !std::mem::replace(&mut self.touched[var as usize], true) {
            self.result.firsts.push((self.unit.vars().keys[var as usize], first));
        }
        if let First::Overwritten(definition) = first
            && self.fresh[var as usize] == self.stamp
        {
            self.result.overwrites.push(definition);
        }
        self.fresh[var as usize] = 0;
    }

    fn chain(&mut self, head: u32) {
        let mut at = head;
        loop {
            let block = &self.unit.blocks[at as usize];
            for instruction in block.first..block.end {
                self.instruction(instruction);
            }
            match block.ending {
                Ending::Plain => {}
                Ending::Enter(enter) => self.enter(self.unit.enters[enter as usize].entered),
                Ending::Leave => return self.leave(),
            }
            match block.successors {
                [Some(edge), None] if edge.is_forward && !is_head(self.program, self.unit, edge.block) => {
                    at = edge.block
                }
                _ => return,
            }
        }
    }

    fn instruction(&mut self, instruction: u32) {
        for (number, op) in self.unit.ops_of(instruction).iter().enumerate() {
            if op.slot == NONE {
                continue;
            }
            match self.unit.key_of(op.slot).set() {
                RegisterSet::Local | RegisterSet::Parameters => {}
                RegisterSet::Static | RegisterSet::Global | RegisterSet::Arguments => continue,
            }
            let var = self.unit.var_of(op.slot);
            match op.kind {
                OpKind::Use | OpKind::Pack | OpKind::MarkUsed | OpKind::Recover => self.touch(var, First::Used),
                OpKind::Define | OpKind::DefineFrom | OpKind::DefineSaved => {
                    let definition = Definition { body: self.unit.body, instruction, op: number as u32 };
                    self.touch(var, First::Overwritten(definition));
                    self.set(var);
                }
                OpKind::Type
                | OpKind::Erase
                | OpKind::Save
                | OpKind::Null
                | OpKind::Conversion
                | OpKind::Capture
                | OpKind::Bound
                | OpKind::Allocate => {}
            }
        }
    }

    fn enter(&mut self, entered: Entered) {
        let block = match entered {
            Entered::Block(block) => block,
            Entered::Unchecked(_) | Entered::External => return self.forget(),
            Entered::Nothing => return,
        };
        let program = self.program;
        let Some(summary) = program.freshness(block) else { return self.forget() };
        for (key, first) in &summary.firsts {
            if let Some(var) = self.unit.vars().find(*key) {
                self.touch(var, *first);
            }
        }
        if !summary.keeps {
            self.forget();
        }
        for key in &summary.fresh_behind {
            if let Some(var) = self.unit.vars().find(*key) {
                self.set(var);
            }
        }
    }

    fn leave(&mut self) {
        if self.program.blocks[self.unit.body.0 as usize].forward_leaves == 1 {
            self.result.keeps = self.is_first_chain;
            let mut fresh: Vec<Key> = self
                .defined
                .iter()
                .filter(|var| self.fresh[**var as usize] == self.stamp)
                .map(|var| self.unit.vars().keys[*var as usize])
                .collect();
            fresh.sort_unstable();
            fresh.dedup();
            self.result.fresh_behind = fresh;
        }
    }
}
