//! What is known about a module before any body is analysed: which instructions are reached (that depends on no fact),
//! what every block may touch, and which registers the file names at all.
//!
//! Blocks are looked at in the order "entered before entering"; recursion among them is iterated.

use crate::fresh::{Freshness, freshness};
use crate::ops::Key;
use crate::unit::Unit;
use std::sync::OnceLock;
use viua_ir::cfg::{self, Catchers};
use viua_ir::{Body, BodyId, BodyKind, Module, Name, OperandKind};
use viua_isa::{AccessMode, Opcode, RegisterSet};

/// Whether an instruction is reached, and by which edges (analyser-flow.md §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Not at all.
    #[default]
    Never,
    /// On paths with a later edge only.
    Later,
    /// On a forward path.
    Forward,
}

/// What an `enter` or `catch` leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// A block of the file that is analysed.
    Block(BodyId),
    /// A block of the file with `no_sa`: all local registers are unknown behind it.
    Unchecked(BodyId),
    /// A block that is not there: the same.
    External,
    /// The operand is no block.
    Nothing,
}

/// What an `enter` does to whoever enters.
#[derive(Clone, Debug, Default)]
pub struct BlockInfo {
    /// The number of its `leave`s on forward paths; more than two count as two.
    pub forward_leaves: u8,
    /// Whether some path leaves it.
    pub leaves: bool,
    /// All registers that it, and what it enters, names; ascending.
    pub keys: Vec<Key>,
}

/// A module with what its bodies have in common.
#[derive(Debug)]
pub struct Program<'a> {
    /// The IR.
    pub module: &'a Module,
    /// By [`BodyId`]; empty but for blocks.
    pub blocks: Vec<BlockInfo>,
    units: Vec<OnceLock<Unit>>,
    freshness: Vec<Option<Freshness>>,
    named: Vec<bool>,
}

impl<'a> Program<'a> {
    /// Prepares a module. O(n) but for blocks that enter each other in circles.
    pub fn new(module: &'a Module) -> Program<'a> {
        let count = module.bodies.len();
        let mut program = Program {
            module,
            blocks: vec![BlockInfo::default(); count],
            freshness: vec![None; count],
            units: (0..count).map(|_| OnceLock::new()).collect(),
            named: named_registers(module),
        };
        program.look_at_blocks();
        program
    }

    /// Whether some operand of the file may define this register.
    pub fn is_named(&self, key: Key) -> bool {
        self.named.get(key.0 as usize).copied().unwrap_or(false)
    }

    /// The compiled form of a block.
    pub fn block(&self, id: BodyId) -> &Unit {
        self.units[id.0 as usize].get_or_init(|| Unit::compile(self, id))
    }

    /// What a block does with fresh values; nothing is known of one that enters itself while it is looked at.
    pub fn freshness(&self, id: BodyId) -> Option<&Freshness> {
        self.freshness[id.0 as usize].as_ref()
    }

    /// What an operand of `enter` or `catch` leads to.
    pub fn entered(&self, operand: Option<&viua_ir::Operand>) -> Entered {
        match operand.map(|operand| operand.kind) {
            Some(OperandKind::Label(Name::Definition(id)) | OperandKind::FunctionName(Name::Definition(id)))
                if self.module.body(id).kind == BodyKind::Block =>
            {
                if self.module.body(id).no_sa {
                    Entered::Unchecked(id)
                } else {
                    Entered::Block(id)
                }
            }
            Some(OperandKind::Label(_) | OperandKind::FunctionName(_)) => Entered::External,
            _ => Entered::Nothing,
        }
    }

    /// The block that an `enter` enters.
    pub fn entered_at(&self, body: &Body, number: u32) -> Entered {
        let instruction = &self.module.instructions(body)[number as usize];
        self.entered(self.module.operands(instruction).first())
    }

    /// The block that a `catch` names.
    pub fn catcher_at(&self, body: &Body, number: u32) -> Entered {
        let instruction = &self.module.instructions(body)[number as usize];
        self.entered(self.module.operands(instruction).get(1))
    }

    /// How control gets behind an `enter`.
    pub fn behind_enter(&self, body: &Body, catchers: &Catchers, number: u32) -> Reached {
        match self.entered_at(body, number) {
            Entered::Block(id) if self.blocks[id.0 as usize].forward_leaves == 0 => {
                let leaves = self.blocks[id.0 as usize].leaves
                    || catchers.of(number).iter().any(|catch| match self.catcher_at(body, *catch) {
                        Entered::Block(catcher) => self.blocks[catcher.0 as usize].leaves,
                        Entered::Unchecked(_) => true,
                        Entered::External | Entered::Nothing => false,
                    });
                if leaves { Reached::Later } else { Reached::Never }
            }
            Entered::Block(_) | Entered::Unchecked(_) | Entered::External | Entered::Nothing => Reached::Forward,
        }
    }

    /// How each instruction of a body is reached from its start.
    pub fn reached(&self, body: &Body, catchers: &Catchers) -> Vec<Reached> {
        let instructions = self.module.instructions(body);
        let mut reached = vec![Reached::Never; instructions.len()];
        let mut rest = Vec::new();
        let reach = |number: usize, how: Reached, reached: &mut [Reached], rest: &mut Vec<u32>| {
            if number < reached.len() && reached[number] < how {
                reached[number] = how;
                rest.push(number as u32);
            }
        };
        reach(0, Reached::Forward, &mut reached, &mut rest);
        while let Some(number) = rest.pop() {
            let own = reached[number as usize];
            let is_enter = instructions[number as usize].opcode == Opcode::Enter;
            let limit = if is_enter { self.behind_enter(body, catchers, number) } else { Reached::Forward };
            for edge in cfg::successors(self.module, body, number) {
                let how = if edge.is_later { Reached::Later } else { Reached::Forward };
                reach(edge.to as usize, how.min(own).min(limit), &mut reached, &mut rest);
            }
        }
        reached
    }

    fn look_at_blocks(&mut self) {
        let order = self.blocks_in_order();
        // Every pass brings something new or is the last one; without recursion the second is.
        loop {
            let mut is_stable = true;
            for id in &order {
                let info = self.look_at_block(*id);
                let old = &mut self.blocks[id.0 as usize];
                is_stable &= old.forward_leaves == info.forward_leaves
                    && old.leaves == info.leaves
                    && old.keys.len() == info.keys.len();
                *old = info;
            }
            if is_stable {
                break;
            }
        }
        for id in order {
            self.freshness[id.0 as usize] = Some(freshness(self, self.block(id), |_| false));
        }
    }

    fn look_at_block(&self, id: BodyId) -> BlockInfo {
        let body = self.module.body(id);
        let catchers = catchers_if_needed(self.module, body);
        let reached = self.reached(body, &catchers);
        let mut info = BlockInfo::default();
        for (number, instruction) in self.module.instructions(body).iter().enumerate() {
            match (instruction.opcode, reached[number]) {
                (_, Reached::Never) => continue,
                (Opcode::Leave, how) => {
                    info.leaves = true;
                    info.forward_leaves = (info.forward_leaves + u8::from(how == Reached::Forward)).min(2);
                }
                (Opcode::Enter, _) => {
                    let entered = catchers.of(number as u32).iter().map(|catch| self.catcher_at(body, *catch));
                    for entered in entered.chain([self.entered_at(body, number as u32)]) {
                        match entered {
                            Entered::Block(id) => info.keys.extend(&self.blocks[id.0 as usize].keys),
                            Entered::Unchecked(_) | Entered::External => info.keys.push(Key::REST),
                            Entered::Nothing => {}
                        }
                    }
                }
                _ => own_keys(self, instruction, &mut info.keys),
            }
        }
        info.keys.sort_unstable();
        info.keys.dedup();
        info
    }

    /// All analysed blocks, those that are entered before those that enter them (but for recursion).
    fn blocks_in_order(&self) -> Vec<BodyId> {
        let mut order = Vec::new();
        let mut is_seen = vec![false; self.module.bodies.len()];
        let mut stack: Vec<(BodyId, Vec<BodyId>)> = Vec::new();
        for (id, body) in self.module.bodies_with_ids() {
            if body.kind != BodyKind::Block || body.no_sa || is_seen[id.0 as usize] {
                continue;
            }
            is_seen[id.0 as usize] = true;
            stack.push((id, self.named_blocks(id)));
            while let Some((block, rest)) = stack.last_mut() {
                match rest.pop() {
                    Some(next) if !is_seen[next.0 as usize] => {
                        is_seen[next.0 as usize] = true;
                        stack.push((next, self.named_blocks(next)));
                    }
                    Some(_) => {}
                    None => {
                        order.push(*block);
                        stack.pop();
                    }
                }
            }
        }
        order
    }

    fn named_blocks(&self, id: BodyId) -> Vec<BodyId> {
        let body = self.module.body(id);
        let number_of_instructions = body.instructions.len() as u32;
        (0..number_of_instructions)
            .filter_map(|number| match self.module.instructions(body)[number as usize].opcode {
                Opcode::Enter => Some(self.entered_at(body, number)),
                Opcode::Catch => Some(self.catcher_at(body, number)),
                _ => None,
            })
            .filter_map(|entered| match entered {
                Entered::Block(id) => Some(id),
                Entered::Unchecked(_) | Entered::External | Entered::Nothing => None,
            })
            .collect()
    }
}

/// The catchers of a body; bodies without `enter` need none.
pub fn catchers_if_needed(module: &Module, body: &Body) -> Catchers {
    let enters = module.instructions(body).iter().any(|instruction| instruction.opcode == Opcode::Enter);
    if enters { cfg::catchers(module, body) } else { Catchers::default() }
}

/// The registers that an instruction names, those that hold an index included.
pub fn own_keys(program: &Program, instruction: &viua_ir::Instruction, keys: &mut Vec<Key>) {
    let operands = program.module.operands(instruction);
    for (operand, spec) in operands.iter().zip(instruction.opcode.row().operands) {
        let Some(register) = operand.register().filter(|_| spec.is_register()) else { continue };
        let Some(index) = register.number() else { continue };
        match (register.set, register.mode) {
            (RegisterSet::Arguments, AccessMode::Indirect) => keys.push(Key::new(RegisterSet::Local, index)),
            (RegisterSet::Arguments, AccessMode::Direct | AccessMode::Dereference) => {}
            (set, _) => keys.push(Key::new(set, index)),
        }
    }
    if instruction.opcode == Opcode::Vector
        && let [_, first, count] = operands
        && let Some((first, start)) = first.register().and_then(|first| first.number().map(|start| (first, start)))
        && let Some(count) = count.register().and_then(|count| count.number())
    {
        for index in u32::from(start)..u32::from(start) + u32::from(count) {
            let Some(key) = u16::try_from(index).ok().map(|index| Key::new(first.set, index)) else { break };
            keys.push(key);
            if !program.is_named(key) {
                break;
            }
        }
    }
}

/// Registers that occur in the file, by [`Key`]: all others are empty wherever they are packed.
fn named_registers(module: &Module) -> Vec<bool> {
    let mut named = Vec::new();
    let has_packs = module.instructions.iter().any(|instruction| instruction.opcode == Opcode::Vector);
    if !has_packs {
        return named;
    }
    let mut name = |set: RegisterSet, index: u16| {
        let at = Key::new(set, index).0 as usize;
        if named.len() <= at {
            named.resize(at + 1, false);
        }
        named[at] = true;
    };
    let most_parameters = module.bodies.iter().filter_map(|body| body.arity).max().unwrap_or(0);
    (0..most_parameters).for_each(|index| name(RegisterSet::Parameters, index));
    for operand in &module.operands {
        if let Some(register) = operand.register()
            && let Some(index) = register.number()
        {
            name(register.set, index);
            // A slot of a capture is a local register of the closure.
            name(RegisterSet::Local, index);
        }
    }
    named
}
