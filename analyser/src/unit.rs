//! A body made ready for analysis: basic blocks, operations, registers counted from 0, and the value graph.
//!
//! Nothing in a unit depends on who enters it or on facts, so that the unit of a block serves all functions.

use crate::graph::ValueGraph;
use crate::ops::{Key, NONE, Op, OpKind, Ops, SlotUse, Var, Vars};
use crate::program::{self, Entered, Program, Reached, catchers_if_needed};
use std::ops::Range;
use std::sync::OnceLock;
use viua_ir::cfg::{self, EdgeKind};
use viua_ir::{Body, BodyId, BodyKind};
use viua_isa::Opcode;

/// An edge between basic blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The basic block it comes from, or leads to.
    pub block: u32,
    /// What makes it; behind an `enter` [`EdgeKind::Leave`].
    pub kind: EdgeKind,
    /// Whether the edge itself is a forward edge.
    pub is_forward: bool,
}

/// How a basic block has to do with other bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has nothing to do with them.
    Plain,
    /// It enters a block: index into [`Unit::enters`].
    Enter(u32),
    /// It leaves the block that this body is.
    Leave,
}

/// Instructions that run one after the other.
#[derive(Clone, Debug)]
pub struct BasicBlock {
    /// Number of the first instruction.
    pub first: u32,
    /// Behind the last one.
    pub end: u32,
    /// Whether a forward path leads here.
    pub is_forward: bool,
    /// What the last instruction does with other bodies.
    pub ending: Ending,
    /// Where control goes, true side first.
    pub successors: [Option<Edge>; 2],
    /// Range of [`Unit::predecessors`].
    predecessors: (u32, u32),
}

/// An `enter`.
#[derive(Clone, Debug)]
pub struct Enter {
    /// Number of the instruction.
    pub instruction: u32,
    /// The block.
    pub entered: Entered,
    /// The `catch` instructions in force, with their blocks.
    pub catchers: Vec<(u32, Entered)>,
}

/// A body made ready for analysis.
#[derive(Debug)]
pub struct Unit {
    /// Which body.
    pub body: BodyId,
    /// Whether it is a block, so that others go on with its registers.
    pub is_block: bool,
    /// How each instruction is reached from the start of the body.
    pub reached: Vec<Reached>,
    /// Operations, slots, registers and faults that no fact is needed for.
    pub ops: Ops,
    op_start: Vec<u32>,
    slot_start: Vec<u32>,
    /// The basic blocks that are reached, in textual order.
    pub blocks: Vec<BasicBlock>,
    predecessors: Vec<Edge>,
    block_of: Vec<u32>,
    /// The `enter`s, ascending.
    pub enters: Vec<Enter>,
    /// Where values come from.
    pub graph: ValueGraph,
    mentions: OnceLock<(Vec<u32>, Vec<u32>)>,
}

impl Unit {
    /// Compiles a body. O(n) for its instructions, and for each register the part of the body in which it is live.
    pub fn compile(program: &Program, id: BodyId) -> Unit {
        let body = program.module.body(id);
        let catchers = catchers_if_needed(program.module, body);
        let reached = program.reached(body, &catchers);
        let mut unit = Unit {
            body: id,
            is_block: body.kind == BodyKind::Block,
            ops: Ops::default(),
            op_start: Vec::with_capacity(reached.len() + 1),
            slot_start: Vec::with_capacity(reached.len() + 1),
            blocks: Vec::new(),
            predecessors: Vec::new(),
            block_of: Vec::new(),
            enters: Vec::new(),
            graph: ValueGraph::default(),
            mentions: OnceLock::new(),
            reached,
        };
        unit.compile_instructions(program, body, &catchers);
        unit.find_blocks(program, body, &catchers);
        unit.graph = ValueGraph::build(&unit);
        unit
    }

    /// The operations of an instruction.
    pub fn ops_of(&self, instruction: u32) -> &[Op] {
        &self.ops.ops[self.op_start[instruction as usize] as usize..self.op_start[instruction as usize + 1] as usize]
    }

    /// The slots of an instruction.
    pub fn slots_of(&self, instruction: u32) -> Range<u32> {
        self.slot_start[instruction as usize]..self.slot_start[instruction as usize + 1]
    }

    /// The register of a slot.
    pub fn var_of(&self, slot: u32) -> Var {
        self.ops.slots[slot as usize]
    }

    /// The register of a slot, whatever the unit.
    pub fn key_of(&self, slot: u32) -> Key {
        self.vars().keys[self.var_of(slot) as usize]
    }

    /// The slots of a register, ascending. The index is made when something is to be reported.
    pub fn mentions(&self, var: Var) -> &[u32] {
        let (start, slots) = self.mentions.get_or_init(|| {
            let mut start = vec![0_u32; self.vars().keys.len() + 1];
            self.ops.slots.iter().for_each(|var| start[*var as usize + 1] += 1);
            for at in 1..start.len() {
                start[at] += start[at - 1];
            }
            let mut next = start.clone();
            let mut slots = vec![0; self.ops.slots.len()];
            for (slot, var) in self.ops.slots.iter().enumerate() {
                slots[next[*var as usize] as usize] = slot as u32;
                next[*var as usize] += 1;
            }
            (start, slots)
        });
        &slots[start[var as usize] as usize..start[var as usize + 1] as usize]
    }

    /// The slots of a register in a range of instructions, ascending.
    pub fn mentions_in(&self, var: Var, instructions: Range<u32>) -> &[u32] {
        let mentions = self.mentions(var);
        let first = self.slot_start[instructions.start as usize];
        let end = self.slot_start[instructions.end.max(instructions.start) as usize];
        let start = mentions.partition_point(|slot| *slot < first);
        &mentions[start..start.max(mentions.partition_point(|slot| *slot < end))]
    }

    /// The instruction of a slot.
    pub fn instruction_of(&self, slot: u32) -> u32 {
        self.slot_start.partition_point(|start| *start <= slot) as u32 - 1
    }

    /// The registers.
    pub fn vars(&self) -> &Vars {
        &self.ops.vars
    }

    /// The basic block of an instruction that is reached.
    pub fn block_of(&self, instruction: u32) -> u32 {
        self.block_of[instruction as usize]
    }

    /// The edges that lead to a basic block.
    pub fn predecessors(&self, block: u32) -> &[Edge] {
        let (start, end) = self.blocks[block as usize].predecessors;
        &self.predecessors[start as usize..end as usize]
    }

    /// Whether an edge carries forward paths.
    pub fn is_forward(&self, edge: Edge) -> bool {
        edge.is_forward && self.blocks[edge.block as usize].is_forward
    }

    /// The number of instructions.
    pub fn len(&self) -> u32 {
        self.reached.len() as u32
    }

    fn compile_instructions(&mut self, program: &Program, body: &Body, catchers: &cfg::Catchers) {
        let mut all_locals = None;
        for (number, instruction) in program.module.instructions(body).iter().enumerate() {
            self.op_start.push(self.ops.ops.len() as u32);
            self.slot_start.push(self.ops.slots.len() as u32);
            if self.reached[number] == Reached::Never {
                continue;
            }
            self.ops.compile(program, number as u32, instruction);
            if instruction.opcode == Opcode::Enter {
                self.compile_enter(program, body, catchers, number as u32, &mut all_locals);
            }
        }
        self.op_start.push(self.ops.ops.len() as u32);
        self.slot_start.push(self.ops.slots.len() as u32);
        if self.is_block {
            self.name_everything_at_leaves(program, body);
        }
    }

    /// An `enter` concerns all registers that the entered block and its catchers name.
    fn compile_enter(
        &mut self,
        program: &Program,
        body: &Body,
        catchers: &cfg::Catchers,
        number: u32,
        all_locals: &mut Option<Vec<Key>>,
    ) {
        let enter = Enter {
            instruction: number,
            entered: program.entered_at(body, number),
            // A catcher that is only declared has no edge.
            catchers: catchers
                .of(number)
                .iter()
                .map(|catch| (*catch, program.catcher_at(body, *catch)))
                .filter(|(_, catcher)| matches!(catcher, Entered::Block(_) | Entered::Unchecked(_)))
                .collect(),
        };
        self.ops.begin();
        let mut keys = Vec::new();
        for entered in enter.catchers.iter().map(|(_, entered)| *entered).chain([enter.entered]) {
            match entered {
                Entered::Block(id) => keys.extend(&program.blocks[id.0 as usize].keys),
                Entered::Unchecked(_) | Entered::External => keys.push(Key::REST),
                Entered::Nothing => {}
            }
        }
        keys.sort_unstable();
        keys.dedup();
        if keys.last() == Some(&Key::REST) {
            keys.pop();
            keys.extend(all_locals.get_or_insert_with(|| self.local_keys(program, body, catchers)).iter());
            keys.sort_unstable();
            keys.dedup();
        }
        let passing = SlotUse { reads: true, ..SlotUse::default() };
        for key in keys {
            let var = self.ops.vars.intern(key);
            self.ops.slots.push(var);
            self.ops.slot_uses.push(passing);
        }
        self.enters.push(enter);
    }

    /// Every local register that the body and what it enters name; for a block, [`Key::REST`] stands for all others.
    fn local_keys(&self, program: &Program, body: &Body, catchers: &cfg::Catchers) -> Vec<Key> {
        let mut keys = Vec::new();
        if self.is_block {
            keys.extend(&program.blocks[self.body.0 as usize].keys);
        } else {
            for (number, instruction) in program.module.instructions(body).iter().enumerate() {
                if self.reached[number] == Reached::Never {
                    continue;
                }
                program::own_keys(program, instruction, &mut keys);
                if instruction.opcode == Opcode::Enter {
                    let catchers = catchers.of(number as u32).iter().map(|catch| program.catcher_at(body, *catch));
                    for entered in catchers.chain([program.entered_at(body, number as u32)]) {
                        if let Entered::Block(id) = entered {
                            keys.extend(&program.blocks[id.0 as usize].keys);
                        }
                    }
                }
            }
            keys.retain(|key| *key != Key::REST);
        }
        keys.retain(|key| key.is_local());
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// A `leave` gives back every register; the slots are added when all registers are known.
    fn name_everything_at_leaves(&mut self, program: &Program, body: &Body) {
        let instructions = program.module.instructions(body);
        for key in &program.blocks[self.body.0 as usize].keys {
            self.ops.vars.intern(*key);
        }
        let is_leave =
            |number: usize| instructions[number].opcode == Opcode::Leave && self.reached[number] != Reached::Never;
        if !(0..instructions.len()).any(is_leave) {
            return;
        }
        let all = self.ops.vars.keys.len() as Var;
        let mut slots = Vec::with_capacity(self.ops.slots.len() + all as usize);
        let mut slot_uses = Vec::with_capacity(slots.capacity());
        let mut moved = Vec::with_capacity(self.ops.slots.len());
        let mut slot_start = Vec::with_capacity(self.slot_start.len());
        for number in 0..instructions.len() {
            slot_start.push(slots.len() as u32);
            for old in self.slots_of(number as u32) {
                moved.push(slots.len() as u32);
                slots.push(self.ops.slots[old as usize]);
                slot_uses.push(self.ops.slot_uses[old as usize]);
            }
            if is_leave(number) {
                slots.extend(0..all);
                slot_uses.resize(slots.len(), SlotUse { reads: true, ..SlotUse::default() });
            }
        }
        slot_start.push(slots.len() as u32);
        for op in &mut self.ops.ops {
            if op.slot != NONE {
                op.slot = moved[op.slot as usize];
            }
            let has_source = matches!(op.kind, OpKind::Capture | OpKind::DefineFrom | OpKind::DefineSaved);
            if has_source && op.other != NONE {
                op.other = moved[op.other as usize];
            }
        }
        self.ops.slots = slots;
        self.ops.slot_uses = slot_uses;
        self.slot_start = slot_start;
    }

    fn find_blocks(&mut self, program: &Program, body: &Body, catchers: &cfg::Catchers) {
        let count = self.reached.len();
        let mut starts = vec![false; count + 1];
        let mut has_branches = false;
        if count > 0 {
            starts[0] = true;
        }
        let instructions = program.module.instructions(body);
        for number in 0..count {
            if self.reached[number] == Reached::Never {
                starts[number + 1] = true;
                continue;
            }
            match instructions[number].opcode {
                Opcode::Jump | Opcode::If => {
                    has_branches = true;
                    for edge in cfg::successors(program.module, body, number as u32) {
                        starts[edge.to as usize] = true;
                    }
                    starts[number + 1] = true;
                }
                Opcode::Enter | Opcode::Return | Opcode::Tailcall | Opcode::Throw | Opcode::Halt | Opcode::Leave => {
                    starts[number + 1] = true
                }
                _ => {}
            }
        }
        self.block_of = vec![NONE; count];
        for number in 0..count {
            if self.reached[number] == Reached::Never {
                continue;
            }
            if starts[number] || self.blocks.is_empty() {
                self.blocks.push(BasicBlock {
                    first: number as u32,
                    end: number as u32,
                    is_forward: self.reached[number] == Reached::Forward,
                    ending: Ending::Plain,
                    successors: [None; 2],
                    predecessors: (0, 0),
                });
            }
            let current = self.blocks.len() - 1;
            self.blocks[current].end = number as u32 + 1;
            self.block_of[number] = current as u32;
            match instructions[number].opcode {
                Opcode::Enter => {
                    let enter = self.enters.partition_point(|enter| enter.instruction < number as u32);
                    self.blocks[current].ending = Ending::Enter(enter as u32);
                }
                Opcode::Leave if self.is_block => self.blocks[current].ending = Ending::Leave,
                _ => {}
            }
        }
        if has_branches || self.blocks.len() > 1 {
            self.find_edges(program, body, catchers);
        }
    }

    fn find_edges(&mut self, program: &Program, body: &Body, catchers: &cfg::Catchers) {
        let instructions = program.module.instructions(body);
        let mut incoming = vec![0_u32; self.blocks.len() + 1];
        for at in 0..self.blocks.len() {
            let last = self.blocks[at].end - 1;
            let is_enter = instructions[last as usize].opcode == Opcode::Enter;
            let limit = if is_enter { program.behind_enter(body, catchers, last) } else { Reached::Forward };
            if limit == Reached::Never {
                continue;
            }
            for (side, edge) in cfg::successors(program.module, body, last).enumerate() {
                let block = self.block_of[edge.to as usize];
                let kind = if is_enter { EdgeKind::Leave } else { edge.kind };
                let is_forward = !edge.is_later && limit == Reached::Forward;
                self.blocks[at].successors[side] = Some(Edge { block, kind, is_forward });
                incoming[block as usize] += 1;
            }
        }
        let mut total = 0;
        for (block, incoming) in self.blocks.iter_mut().zip(&incoming) {
            block.predecessors = (total, total);
            total += incoming;
        }
        self.predecessors = vec![Edge { block: NONE, kind: EdgeKind::Next, is_forward: false }; total as usize];
        for at in 0..self.blocks.len() {
            for edge in self.blocks[at].successors.into_iter().flatten() {
                let (_, end) = &mut self.blocks[edge.block as usize].predecessors;
                self.predecessors[*end as usize] = Edge { block: at as u32, ..edge };
                *end += 1;
            }
        }
    }
}
