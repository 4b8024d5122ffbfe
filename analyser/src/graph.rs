//! The value graph of a unit: for each register that an instruction looks at, where its value comes from.
//!
//! A *node* is a register at a place where its facts may change: at the start of the body, behind an instruction that
//! names it (a slot), or where several values of it meet (a join, the φ of SSA form). The engine and the lints work
//! along the edges of this graph, so that an instruction costs nothing to the registers that it does not name, and a
//! join only to those that differ there and are looked at later. Built register by register with scratch memory of the
//! size of the body; only joins that are needed are kept.

use crate::ops::{NONE, Var};
use crate::unit::{BasicBlock, Unit};
use std::sync::OnceLock;

/// A node: registers at the start, then slots, then joins.
pub type Node = u32;

/// Where values of a register meet.
#[derive(Clone, Copy, Debug)]
pub struct Join {
    /// At the start of this basic block.
    pub block: u32,
    args: (u32, u32),
}

/// A value that comes into a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    /// The value.
    pub node: Node,
    /// Whether it comes along a forward edge that is on a forward path.
    pub is_forward: bool,
}

/// Where values come from. See the module.
#[derive(Debug, Default)]
pub struct ValueGraph {
    vars: u32,
    slots: u32,
    slot_in: Vec<Node>,
    joins: Vec<Join>,
    args: Vec<Arg>,
    joins_by_block: Vec<u32>,
    block_joins: Vec<u32>,
    /// Whether one pass in textual order does not do: values flow backward, or come out of blocks.
    pub is_cyclic: bool,
    users: OnceLock<Users>,
}

/// What looks at a node: instruction `i` as `2i + 1`, the joins of the basic block that starts with it as `2i`.
#[derive(Debug, Default)]
struct Users {
    start: Vec<u32>,
    items: Vec<u32>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A register at the start of the body.
    Start(Var),
    /// A slot.
    Slot(u32),
    /// A join.
    Join(u32),
}

impl ValueGraph {
    /// The number of nodes.
    pub fn len(&self) -> usize {
        (self.vars + self.slots) as usize + self.joins.len()
    }
    /// The node of a register at the start of the body.
    pub const fn start_of(&self, var: Var) -> Node {
        var
    }
    /// The node of a slot.
    pub const fn node_of(&self, slot: u32) -> Node {
        self.vars + slot
    }
    /// The node of a join.
    pub const fn join_node(&self, join: u32) -> Node {
        self.vars + self.slots + join
    }
    /// What a node is.
    pub const fn kind(&self, node: Node) -> NodeKind {
        if node < self.vars {
            NodeKind::Start(node)
        } else if node < self.vars + self.slots {
            NodeKind::Slot(node - self.vars)
        } else {
            NodeKind::Join(node - self.vars - self.slots)
        }
    }
    /// What a slot holds before its instruction; `None` if the instruction does not look at it.
    pub fn input(&self, slot: u32) -> Option<Node> {
        Some(self.slot_in[slot as usize]).filter(|node| *node != NONE)
    }
    /// The join with that number.
    pub fn join(&self, join: u32) -> Join {
        self.joins[join as usize]
    }
    /// What comes into a join.
    pub fn args(&self, join: u32) -> &[Arg] {
        let (start, end) = self.joins[join as usize].args;
        &self.args[start as usize..end as usize]
    }
    /// The joins of a basic block.
    pub fn joins_of(&self, block: u32) -> &[u32] {
        if self.joins.is_empty() {
            return &[];
        }
        let range = self.block_joins[block as usize]..self.block_joins[block as usize + 1];
        &self.joins_by_block[range.start as usize..range.end as usize]
    }

    /// What looks at a node: see [`Users`].
    pub fn users(&self, unit: &Unit, node: Node) -> &[u32] {
        let users = self.users.get_or_init(|| self.find_users(unit));
        &users.items[users.start[node as usize] as usize..users.start[node as usize + 1] as usize]
    }

    fn find_users(&self, unit: &Unit) -> Users {
        let mut start = vec![0_u32; self.len() + 1];
        let inputs = || {
            let of_slots = unit.blocks.iter().flat_map(|block| block.first..block.end).flat_map(|instruction| {
                unit.slots_of(instruction).filter_map(move |slot| Some((self.input(slot)?, 2 * instruction + 1)))
            });
            let of_joins = (0..self.joins.len() as u32).flat_map(|join| {
                let item = 2 * unit.blocks[self.join(join).block as usize].first;
                self.args(join).iter().map(move |arg| (arg.node, item))
            });
            of_slots.chain(of_joins)
        };
        inputs().for_each(|(node, _)| start[node as usize + 1] += 1);
        for at in 1..start.len() {
            start[at] += start[at - 1];
        }
        let mut next = start.clone();
        let mut items = vec![0; start.last().copied().unwrap_or(0) as usize];
        for (node, item) in inputs() {
            items[next[node as usize] as usize] = item;
            next[node as usize] += 1;
        }
        Users { start, items }
    }

    /// Builds the graph of a unit that is complete but for it.
    pub fn build(unit: &Unit) -> ValueGraph {
        let vars = unit.vars().keys.len() as u32;
        let slots = unit.ops.slots.len() as u32;
        let mut graph = ValueGraph { vars, slots, slot_in: vec![NONE; slots as usize], ..ValueGraph::default() };
        if unit.blocks.len() <= 1 && unit.blocks.iter().all(|block| block.successors == [None; 2]) {
            graph.link_straight_line(unit);
        } else {
            Builder::new(unit).build(&mut graph);
        }
        let goes_back = |(at, block): (usize, &BasicBlock)| {
            block.successors.into_iter().flatten().any(|edge| edge.block as usize <= at)
        };
        graph.is_cyclic = !unit.enters.is_empty() || unit.blocks.iter().enumerate().any(goes_back);
        graph
    }

    fn link_straight_line(&mut self, unit: &Unit) {
        let mut current: Vec<Node> = (0..self.vars).collect();
        for slot in 0..self.slots {
            let var = unit.var_of(slot) as usize;
            if unit.ops.slot_uses[slot as usize].reads {
                self.slot_in[slot as usize] = current[var];
            }
            current[var] = self.vars + slot;
        }
    }
}

/// A register in a basic block, with a slot: its first or its last there.
type Mention = (u32, u32);

/// What a register holds at the start of a basic block, while its joins are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtStart {
    Node(Node),
    SameAs(u32),
    Join,
}

struct Builder<'a> {
    unit: &'a Unit,
    // By basic block, valid if stamped with the register at hand.
    last_slot: Vec<(u32, u32)>,
    at_start: Vec<(u32, AtStart)>,
    join_node: Vec<(u32, Node)>,
}

impl<'a> Builder<'a> {
    fn new(unit: &'a Unit) -> Builder<'a> {
        let blocks = unit.blocks.len();
        Builder {
            unit,
            last_slot: vec![(NONE, 0); blocks],
            at_start: vec![(NONE, AtStart::Join); blocks],
            join_node: vec![(NONE, 0); blocks],
        }
    }

    fn build(mut self, graph: &mut ValueGraph) {
        let mut exposed: Vec<(Var, Mention)> = Vec::new();
        let mut lasts: Vec<(Var, Mention)> = Vec::new();
        let mut current = vec![(NONE, 0); graph.vars as usize];
        let mut touched = Vec::new();
        for (at, block) in self.unit.blocks.iter().enumerate() {
            let at = at as u32;
            for slot in self.unit.slots_of(block.first).start..self.unit.slots_of(block.end - 1).end {
                let var = self.unit.var_of(slot);
                let (stamp, previous) = &mut current[var as usize];
                let reads = self.unit.ops.slot_uses[slot as usize].reads;
                if *stamp == at {
                    if reads {
                        graph.slot_in[slot as usize] = graph.vars + *previous;
                    }
                } else {
                    touched.push(var);
                    if reads {
                        exposed.push((var, (at, slot)));
                    }
                }
                (*stamp, *previous) = (at, slot);
            }
            lasts.extend(touched.drain(..).map(|var| (var, (at, current[var as usize].1))));
        }
        let (exposed, exposed_start) = by_var(exposed, graph.vars);
        let (lasts, lasts_start) = by_var(lasts, graph.vars);
        for var in 0..graph.vars {
            let range = |start: &[u32]| start[var as usize] as usize..start[var as usize + 1] as usize;
            let exposed = &exposed[range(&exposed_start)];
            if !exposed.is_empty() {
                self.link(graph, var, exposed, &lasts[range(&lasts_start)]);
            }
        }
        self.sort_joins(graph);
    }

    /// Finds the values that reach the exposed slots of a register.
    fn link(&mut self, graph: &mut ValueGraph, var: Var, exposed: &[Mention], lasts: &[Mention]) {
        for (block, slot) in lasts {
            self.last_slot[*block as usize] = (var, *slot);
        }
        let joins = self.find_live_blocks(graph, var, exposed);
        self.drop_useless_joins(graph, var, &joins);
        let kept: Vec<u32> =
            joins.into_iter().filter(|block| self.at_start[*block as usize].1 == AtStart::Join).collect();
        for block in &kept {
            self.join_node[*block as usize] = (var, graph.join_node(graph.joins.len() as u32));
            graph.joins.push(Join { block: *block, args: (0, 0) });
        }
        for block in kept {
            let start = graph.args.len() as u32;
            if block == 0 {
                graph.args.push(Arg { node: graph.start_of(var), is_forward: true });
            }
            for edge in self.unit.predecessors(block) {
                let node = self.node_at_end(graph, var, edge.block);
                graph.args.push(Arg { node, is_forward: self.unit.is_forward(*edge) });
            }
            let (_, node) = self.join_node[block as usize];
            if let NodeKind::Join(join) = graph.kind(node) {
                graph.joins[join as usize].args = (start, graph.args.len() as u32);
            }
        }
        for (block, slot) in exposed {
            graph.slot_in[*slot as usize] = self.node_at_start(var, *block);
        }
    }

    /// Marks the basic blocks at whose start the register is live, and says for each what it holds there in terms of
    /// its predecessors. Returns those with several predecessors, ascending.
    fn find_live_blocks(&mut self, graph: &ValueGraph, var: Var, exposed: &[Mention]) -> Vec<u32> {
        let mut joins = Vec::new();
        let mut rest: Vec<u32> = exposed.iter().map(|(block, _)| *block).collect();
        while let Some(block) = rest.pop() {
            if self.at_start[block as usize].0 == var {
                continue;
            }
            let edges = self.unit.predecessors(block);
            let is_first = block == 0;
            let value = match edges {
                [] => AtStart::Node(graph.start_of(var)),
                [edge] if !is_first => match self.last_slot[edge.block as usize] {
                    (stamp, slot) if stamp == var => AtStart::Node(graph.node_of(slot)),
                    _ => AtStart::SameAs(edge.block),
                },
                _ => {
                    joins.push(block);
                    AtStart::Join
                }
            };
            self.at_start[block as usize] = (var, value);
            rest.extend(edges.iter().map(|edge| edge.block).filter(|from| self.last_slot[*from as usize].0 != var));
        }
        joins.sort_unstable();
        joins
    }

    /// A join of one value with itself is none. Sweeps go up and down in turn, up first: that settles chains of branches
    /// and nested loops alike. What a few sweeps leave is correct, only not the least.
    fn drop_useless_joins(&mut self, graph: &ValueGraph, var: Var, joins: &[u32]) {
        const SWEEPS: usize = 8;
        let mut rest = joins.to_vec();
        for _ in 0..SWEEPS {
            rest.reverse();
            let before = rest.len();
            rest.retain(|block| {
                let value = self.common_value(graph, var, *block);
                if let Some(value) = value {
                    self.at_start[*block as usize].1 = value;
                }
                value.is_none()
            });
            if rest.is_empty() || rest.len() == before {
                return;
            }
        }
    }

    /// The one value that comes into a join besides itself, if there is only one.
    fn common_value(&mut self, graph: &ValueGraph, var: Var, block: u32) -> Option<AtStart> {
        let mut common = (block == 0).then(|| AtStart::Node(graph.start_of(var)));
        for edge in self.unit.predecessors(block) {
            let value = match self.last_slot[edge.block as usize] {
                (stamp, slot) if stamp == var => AtStart::Node(graph.node_of(slot)),
                _ => self.resolve(edge.block),
            };
            if value == AtStart::SameAs(block) {
                continue;
            }
            match common {
                None => common = Some(value),
                Some(common) if common == value => {}
                Some(_) => return None,
            }
        }
        common
    }

    /// Follows equalities: the result is a node, or the same as a block that has a join.
    fn resolve(&mut self, block: u32) -> AtStart {
        let mut last = block;
        let value = loop {
            match self.at_start[last as usize].1 {
                AtStart::Node(node) => break AtStart::Node(node),
                AtStart::Join => break AtStart::SameAs(last),
                AtStart::SameAs(next) => last = next,
            }
        };
        let mut at = block;
        while let AtStart::SameAs(next) = self.at_start[at as usize].1 {
            self.at_start[at as usize].1 = value;
            at = next;
        }
        value
    }

    fn node_at_start(&mut self, var: Var, block: u32) -> Node {
        match self.resolve(block) {
            AtStart::Node(node) => node,
            AtStart::SameAs(join) => {
                debug_assert_eq!(self.join_node[join as usize].0, var);
                self.join_node[join as usize].1
            }
            AtStart::Join => self.join_node[block as usize].1,
        }
    }

    fn node_at_end(&mut self, graph: &ValueGraph, var: Var, block: u32) -> Node {
        match self.last_slot[block as usize] {
            (stamp, slot) if stamp == var => graph.node_of(slot),
            _ => self.node_at_start(var, block),
        }
    }

    fn sort_joins(&self, graph: &mut ValueGraph) {
        let mut start = vec![0_u32; self.unit.blocks.len() + 1];
        graph.joins.iter().for_each(|join| start[join.block as usize + 1] += 1);
        for at in 1..start.len() {
            start[at] += start[at - 1];
        }
        let mut next = start.clone();
        graph.joins_by_block = vec![0; graph.joins.len()];
        for (number, join) in graph.joins.iter().enumerate() {
            graph.joins_by_block[next[join.block as usize] as usize] = number as u32;
            next[join.block as usize] += 1;
        }
        graph.block_joins = start;
    }
}

/// Sorts by register, keeping the order otherwise; returns where each register begins, too.
fn by_var(mentions: Vec<(Var, Mention)>, vars: u32) -> (Vec<Mention>, Vec<u32>) {
    let mut start = vec![0_u32; vars as usize + 1];
    mentions.iter().for_each(|(var, _)| start[*var as usize + 1] += 1);
    for at in 1..start.len() {
        start[at] += start[at - 1];
    }
    let mut next = start.clone();
    let mut sorted = vec![(0, 0); mentions.len()];
    for (var, mention) in mentions {
        sorted[next[var as usize] as usize] = mention;
        next[var as usize] += 1;
    }
    (sorted, start)
}
