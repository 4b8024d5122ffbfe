//! `dead-value`: a definition whose value no path uses. Liveness, backward along the value graph.

use crate::fresh::Definition;
use crate::graph::{Node, NodeKind};
use crate::messages::Names;
use crate::ops::{Key, OpKind, Var};
use crate::program::Entered;
use crate::scope::{Place, Scope, UnitId};
use crate::solve::{Solution, counterpart};
use crate::unit::{Ending, Unit};
use crate::unused::{Usage, lint, type_of};
use rustc_hash::FxHashSet;
use viua_diagnostics::{Code, Diagnostic, Entry, Span};

/// Basic blocks that are looked at for the next definition of a value; behind that there is no note.
const FARTHEST: usize = 4096;

/// One finding for each such definition.
pub fn find(scope: &Scope, solution: &Solution, usage: &Usage, overwrites: &[Definition]) -> Vec<(UnitId, Diagnostic)> {
    let live = Liveness::of(scope);
    let mut names = None;
    let mut findings = Vec::new();
    for (unit_id, unit) in scope.numbered() {
        let dead = dead_definitions(unit, &live.nodes[unit_id as usize]);
        for (instruction, number) in dead {
            let op = unit.ops_of(instruction)[number as usize];
            let key = unit.key_of(op.slot);
            let place = Place { unit: unit_id, instruction };
            if !key.is_local() || key == Key::REST || key.index() == 0 || usage.is_unused(key) {
                continue;
            }
            let next = next_definition(unit, instruction, unit.var_of(op.slot));
            let is_reported = next.is_some_and(|(instruction, op)| {
                overwrites.binary_search(&Definition { body: unit.body, instruction, op }).is_ok()
            });
            let Some(token) = scope.operands(place).get(usize::from(op.operand)).filter(|_| !is_reported) else {
                continue;
            };
            let names = names
                .get_or_insert_with(|| Names::new(scope.program.module, scope.program.module.body(scope.unit(0).body)));
            let facts = solution.behind(unit_id, op.slot)[1];
            let (index, name) = (key.index(), names.shown(key.index()));
            let message = format!("dead {} in register \"{index}\"{name}", type_of(facts));
            let mut finding = lint(scope.program, Code::W0302, token.span, message);
            if let Some(token) = next.and_then(|next| token_of(scope, unit_id, next)) {
                let at = scope.program.module.at(token);
                finding = finding.then(Entry::place_note(at, "overwritten here:"));
            }
            findings.push((unit_id, finding));
        }
    }
    findings
}

fn token_of(scope: &Scope, unit: UnitId, (instruction, op): (u32, u32)) -> Option<Span> {
    let place = Place { unit, instruction };
    let op = scope.unit(unit).ops_of(instruction)[op as usize];
    scope.operands(place).get(usize::from(op.operand)).map(|token| token.span)
}

/// The last definition of each slot whose node is not live, unless `[[maybe_unused]]` follows.
fn dead_definitions(unit: &Unit, live: &[bool]) -> Vec<(u32, u32)> {
    let mut dead = Vec::new();
    for instruction in unit.blocks.iter().flat_map(|block| block.first..block.end) {
        let ops = unit.ops_of(instruction);
        for (number, op) in ops.iter().enumerate() {
            if op.kind.is_definition()
                && !live[unit.graph.node_of(op.slot) as usize]
                && !ops[number + 1..].iter().any(|later| {
                    later.slot == op.slot && (later.kind.is_definition() || later.kind == OpKind::MarkUsed)
                })
            {
                dead.push((instruction, number as u32));
            }
        }
    }
    dead
}

/// The one definition that every path from a dead one comes to next.
fn next_definition(unit: &Unit, instruction: u32, var: Var) -> Option<(u32, u32)> {
    let defines = |slot: u32, instruction: u32| {
        if !unit.ops.slot_uses[slot as usize].defines {
            return None;
        }
        let ops = unit.ops_of(instruction);
        ops.iter().position(|op| op.slot == slot && op.kind.is_definition()).map(|op| (instruction, op as u32))
    };
    let mut next = None;
    let mut seen = FxHashSet::default();
    let mut rest = vec![(unit.block_of(instruction), instruction + 1)];
    while let Some((block_id, from)) = rest.pop() {
        if seen.len() > FARTHEST {
            return None;
        }
        let block = &unit.blocks[block_id as usize];
        let mut mentions =
            unit.mentions_in(var, from..block.end).iter().map(|slot| (*slot, unit.instruction_of(*slot)));
        if let Some((slot, at)) = mentions
            .find(|(slot, at)| defines(*slot, *at).is_some() || (*at + 1 == block.end && block.ending != Ending::Plain))
        {
            let found = defines(slot, at)?;
            if next.is_some_and(|known| known != found) {
                return None;
            }
            next = Some(found);
            continue;
        }
        let mut is_end = true;
        for edge in block.successors.into_iter().flatten() {
            is_end = false;
            if seen.insert(edge.block) {
                rest.push((edge.block, unit.blocks[edge.block as usize].first));
            }
        }
        if is_end {
            return None;
        }
    }
    next
}

/// Which nodes are used later on some path, by unit.
struct Liveness<'s, 'p> {
    scope: &'s Scope<'p>,
    nodes: Vec<Vec<bool>>,
    rest: Vec<(UnitId, Node)>,
    /// By unit: the `enter`s that enter it, and those that it catches for.
    entering: Vec<Vec<(UnitId, u32)>>,
    catching: Vec<Vec<(UnitId, u32)>>,
}

impl<'s, 'p> Liveness<'s, 'p> {
    fn of(scope: &'s Scope<'p>) -> Self {
        let count = scope.units.len();
        let mut live = Liveness {
            scope,
            nodes: scope.units.iter().map(|unit| vec![false; unit.graph.len()]).collect(),
            rest: Vec::new(),
            entering: vec![Vec::new(); count],
            catching: vec![Vec::new(); count],
        };
        for (unit_id, unit) in scope.numbered() {
            for (number, enter) in unit.enters.iter().enumerate() {
                let at = (unit_id, number as u32);
                live.unit_of(enter.entered).into_iter().for_each(|unit| live.entering[unit as usize].push(at));
                for (_, catcher) in &enter.catchers {
                    live.unit_of(*catcher).into_iter().for_each(|unit| live.catching[unit as usize].push(at));
                }
            }
        }
        for (unit_id, unit) in scope.numbered() {
            for op in &unit.ops.ops {
                let is_use = matches!(op.kind, OpKind::Use | OpKind::Pack);
                if let Some(node) = is_use.then(|| unit.graph.input(op.slot)).flatten() {
                    live.mark(unit_id, node);
                }
            }
            for enter in unit.enters.iter().filter(|enter| matches!(enter.entered, Entered::Unchecked(_))) {
                for slot in unit.slots_of(enter.instruction) {
                    unit.graph.input(slot).into_iter().for_each(|node| live.mark(unit_id, node));
                }
            }
        }
        while let Some((unit, node)) = live.rest.pop() {
            live.visit(unit, node);
        }
        live
    }

    fn unit_of(&self, entered: Entered) -> Option<UnitId> {
        match entered {
            Entered::Block(block) => self.scope.unit_of(block),
            Entered::Unchecked(_) | Entered::External | Entered::Nothing => None,
        }
    }

    fn mark(&mut self, unit: UnitId, node: Node) {
        if !std::mem::replace(&mut self.nodes[unit as usize][node as usize], true) {
            self.rest.push((unit, node));
        }
    }

    /// A live node makes those live that its value comes from.
    fn visit(&mut self, unit_id: UnitId, node: Node) {
        let unit = self.scope.unit(unit_id);
        match unit.graph.kind(node) {
            NodeKind::Join(join) => {
                for arg in unit.graph.args(join) {
                    self.mark(unit_id, arg.node);
                }
            }
            NodeKind::Start(var) => self.visit_start(unit_id, unit, unit.vars().keys[var as usize]),
            NodeKind::Slot(slot) => {
                let instruction = unit.instruction_of(slot);
                let block = &unit.blocks[unit.block_of(instruction) as usize];
                if let Ending::Enter(enter) = block.ending
                    && instruction + 1 == block.end
                {
                    self.visit_enter(unit_id, unit, enter, slot);
                }
                let is_defined = unit.ops.slot_uses[slot as usize].defines;
                if !is_defined && let Some(node) = unit.graph.input(slot) {
                    self.mark(unit_id, node);
                }
            }
        }
    }

    /// What is live at the start of a block is live wherever the block is entered, and if it is a catcher, everywhere
    /// in the blocks that it catches from.
    fn visit_start(&mut self, unit_id: UnitId, unit: &Unit, key: Key) {
        let is_own = |caller: &Unit, slot: u32| {
            let outer = caller.key_of(slot);
            outer == key || (key == Key::REST && counterpart(unit, outer) == unit.vars().find(key))
        };
        for at in 0..self.entering[unit_id as usize].len() + self.catching[unit_id as usize].len() {
            let entering = self.entering[unit_id as usize].len();
            let catches = at >= entering;
            let (caller_id, enter) = if catches {
                self.catching[unit_id as usize][at - entering]
            } else {
                self.entering[unit_id as usize][at]
            };
            let caller = self.scope.unit(caller_id);
            let enter = &caller.enters[enter as usize];
            for slot in caller.slots_of(enter.instruction).filter(|slot| is_own(caller, *slot)) {
                if let Some(node) = caller.graph.input(slot) {
                    self.mark(caller_id, node);
                }
            }
            if catches && let Some(entered) = self.unit_of(enter.entered) {
                self.mark_everywhere(entered, key);
            }
        }
    }

    fn mark_everywhere(&mut self, unit_id: UnitId, key: Key) {
        let mut seen = FxHashSet::default();
        let mut rest = vec![unit_id];
        while let Some(unit_id) = rest.pop() {
            if !seen.insert(unit_id) {
                continue;
            }
            let unit = self.scope.unit(unit_id);
            if let Some(var) = unit.vars().find(key) {
                self.mark(unit_id, unit.graph.start_of(var));
                for slot in unit.mentions(var) {
                    self.mark(unit_id, unit.graph.node_of(*slot));
                }
            }
            for enter in &unit.enters {
                let entered = enter.catchers.iter().map(|(_, catcher)| *catcher).chain([enter.entered]);
                rest.extend(entered.filter_map(|entered| self.unit_of(entered)));
            }
        }
    }

    /// What is live behind an `enter` is live where the block, or a catcher, is left.
    fn visit_enter(&mut self, unit_id: UnitId, unit: &Unit, enter: u32, slot: u32) {
        let enter = &unit.enters[enter as usize];
        let key = unit.key_of(slot);
        let mut entered: Vec<UnitId> = self.unit_of(enter.entered).into_iter().collect();
        entered.extend(enter.catchers.iter().filter_map(|(_, catcher)| self.unit_of(*catcher)));
        for callee_id in entered {
            let callee = self.scope.unit(callee_id);
            let Some(var) = counterpart(callee, key) else { continue };
            for slot in callee.mentions(var) {
                let instruction = callee.instruction_of(*slot);
                let block = &callee.blocks[callee.block_of(instruction) as usize];
                if block.ending == Ending::Leave
                    && instruction + 1 == block.end
                    && let Some(node) = callee.graph.input(*slot)
                {
                    self.mark(callee_id, node);
                }
            }
        }
        if !enter.catchers.is_empty()
            && let Some(callee) = self.unit_of(enter.entered)
        {
            // A catcher that does not know the register passes on what it was anywhere.
            self.mark_everywhere(callee, key);
        }
        debug_assert_eq!(self.scope.unit(unit_id).body, unit.body);
    }
}
