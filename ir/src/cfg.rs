//! Control flow: the edges of single instructions (cheap, for the analyser), and graphs of basic blocks and of calls as
//! petgraph graphs (for dominators, loops, and pictures). Which edges there are, and which are *later*, is said in
//! analyser-flow.md §3.

use crate::module::{Body, BodyId, BodyKind, Instruction, Module, Operand};
use crate::print::instruction_text;
use petgraph::algo::dominators::{Dominators, simple_fast};
use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::fmt::Write;
use std::ops::Range;
use viua_isa::{Forms, Opcode};

/// How control goes from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// To the next instruction; behind an `enter`, when the block has been left.
    Next,
    /// True side of an `if`.
    True,
    /// False side of an `if`.
    False,
    /// `jump`.
    Jump,
    /// Into an entered block.
    Enter,
    /// From a block to behind its `enter`.
    Leave,
    /// From an entered block to a catcher.
    Catch,
}

impl EdgeKind {
    /// The word in pictures.
    pub const fn name(self) -> &'static str {
        match self {
            EdgeKind::Next => "",
            EdgeKind::True => "true",
            EdgeKind::False => "false",
            EdgeKind::Jump => "jump",
            EdgeKind::Enter => "enter",
            EdgeKind::Leave => "leave",
            EdgeKind::Catch => "catch",
        }
    }
}

/// An edge inside a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What makes it.
    pub kind: EdgeKind,
    /// Number of the instruction it leads to.
    pub to: u32,
    /// Whether it is a later edge: that of a backward `jump`, or of an `if` with a backward side.
    pub is_later: bool,
}

/// The edges that leave an instruction inside its body, true side first. `enter` has the edge to the instruction
/// behind it (taken if the block is left); entered blocks and catchers are up to the caller. Targets that lead nowhere
/// have no edge. O(1), no allocation.
pub fn successors(module: &Module, body: &Body, number: u32) -> impl Iterator<Item = Edge> + use<> {
    let instruction = &module.instructions(body)[number as usize];
    let edge = |kind, to, is_later| Some(Edge { kind, to, is_later });
    let edges = match instruction.opcode {
        Opcode::Return | Opcode::Tailcall | Opcode::Throw | Opcode::Halt | Opcode::Leave => [None, None],
        Opcode::Jump => {
            let to = module.operands(instruction).first().and_then(Operand::target);
            [to.and_then(|to| edge(EdgeKind::Jump, to, to < number)), None]
        }
        Opcode::If => {
            let operands = module.operands(instruction);
            let [yes, no] = [1, 2].map(|at| operands.get(at).and_then(Operand::target));
            let is_later = [yes, no].into_iter().flatten().any(|to| to < number);
            [
                yes.and_then(|to| edge(EdgeKind::True, to, is_later)),
                no.and_then(|to| edge(EdgeKind::False, to, is_later)),
            ]
        }
        _ if (number as usize) + 1 < body.instructions.len() => [edge(EdgeKind::Next, number + 1, false), None],
        _ => [None, None],
    };
    edges.into_iter().flatten()
}

/// The catchers of the `enter`s of a body: `catch` instructions between an `enter` and the last `try` before it, in
/// textual order.
#[derive(Clone, Debug, Default)]
pub struct Catchers {
    /// Numbers of the `catch` instructions of the body.
    pub catches: Vec<u32>,
    /// Per `enter`: its number and its range of `catches`; ascending.
    pub enters: Vec<(u32, Range<u32>)>,
}

impl Catchers {
    /// The `catch` instructions that are in force at an `enter`.
    pub fn of(&self, enter: u32) -> &[u32] {
        match self.enters.binary_search_by_key(&enter, |(number, _)| *number) {
            Ok(at) => {
                let range = &self.enters[at].1;
                &self.catches[range.start as usize..range.end as usize]
            }
            Err(_) => &[],
        }
    }
}

/// Finds the catchers of a body. O(n).
pub fn catchers(module: &Module, body: &Body) -> Catchers {
    let mut catchers = Catchers::default();
    let mut since_try = 0;
    for (number, instruction) in module.instructions(body).iter().enumerate() {
        let so_far = catchers.catches.len() as u32;
        match instruction.opcode {
            Opcode::Try => since_try = so_far,
            Opcode::Catch => catchers.catches.push(number as u32),
            Opcode::Enter => catchers.enters.push((number as u32, since_try..so_far)),
            _ => {}
        }
    }
    catchers
}

/// The block that an `enter` or `catch` names, if the file defines it.
pub fn named_block(module: &Module, instruction: &Instruction) -> Option<BodyId> {
    let at = instruction.opcode.row().operands.iter().position(|spec| spec.forms.has(Forms::BLOCK))?;
    let id = module.definition_of(module.operands(instruction).get(at)?)?;
    (module.body(id).kind == BodyKind::Block).then_some(id)
}

/// A node of a control flow graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A basic block: instructions that run one after the other, by number.
    Instructions(Range<u32>),
    /// A block that is entered or catches, seen from outside: the instruction that names it.
    Block(u32),
}

/// The control flow graph of a body.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Basic blocks in order of their first instruction, then the blocks that are entered.
    pub graph: DiGraph<Node, EdgeKind>,
    /// Where the body begins; `None` if it has no instructions.
    pub entry: Option<NodeIndex>,
}

/// Builds the control flow graph of a body. O(n) plus the catchers of each `enter`.
pub fn cfg(module: &Module, body: &Body) -> Cfg {
    let count = body.instructions.len() as u32;
    let mut starts = vec![false; count as usize];
    let mut ends = vec![false; count as usize];
    for number in 0..count {
        let mut goes_on = false;
        for edge in successors(module, body, number) {
            goes_on |= edge.kind == EdgeKind::Next;
            starts[edge.to as usize] |= edge.kind != EdgeKind::Next;
        }
        let opcode = module.instructions(body)[number as usize].opcode;
        ends[number as usize] = !goes_on || opcode == Opcode::Enter;
    }
    let mut graph = DiGraph::new();
    let mut node_of = Vec::with_capacity(count as usize);
    let mut first = 0;
    for number in 0..count {
        let ends_here = number + 1 == count || ends[number as usize] || starts[number as usize + 1];
        if ends_here {
            let node = graph.add_node(Node::Instructions(first..number + 1));
            node_of.extend((first..=number).map(|_| node));
            first = number + 1;
        }
    }
    let catchers = catchers(module, body);
    for number in 0..count {
        let ends_here = node_of.get(number as usize + 1) != Some(&node_of[number as usize]);
        if !ends_here {
            continue;
        }
        let node = node_of[number as usize];
        if module.instructions(body)[number as usize].opcode != Opcode::Enter {
            for edge in successors(module, body, number) {
                graph.add_edge(node, node_of[edge.to as usize], edge.kind);
            }
            continue;
        }
        let entered = graph.add_node(Node::Block(number));
        graph.add_edge(node, entered, EdgeKind::Enter);
        let behind = node_of.get(number as usize + 1).copied();
        if let Some(behind) = behind {
            graph.add_edge(entered, behind, EdgeKind::Leave);
        }
        for catch in catchers.of(number) {
            let catcher = graph.add_node(Node::Block(*catch));
            graph.add_edge(entered, catcher, EdgeKind::Catch);
            if let Some(behind) = behind {
                graph.add_edge(catcher, behind, EdgeKind::Leave);
            }
        }
    }
    Cfg { graph, entry: node_of.first().copied() }
}

/// A natural loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// Its header, which dominates it.
    pub header: NodeIndex,
    /// All its nodes, ascending.
    pub nodes: Vec<NodeIndex>,
}

impl Cfg {
    /// The dominators of all nodes that can be reached.
    pub fn dominators(&self) -> Option<Dominators<NodeIndex>> {
        self.entry.map(|entry| simple_fast(&self.graph, entry))
    }

    /// The natural loops, by header; loops with one header are one. O(edges) per loop: for pictures and reports.
    pub fn loops(&self) -> Vec<Loop> {
        let Some(dominators) = self.dominators() else { return Vec::new() };
        let dominates = |header: NodeIndex, node| {
            dominators.dominators(node).is_some_and(|mut chain| chain.any(|dominator| dominator == header))
        };
        let mut loops = Vec::new();
        for header in self.graph.node_indices() {
            let mut rest: Vec<NodeIndex> = self
                .graph
                .neighbors_directed(header, petgraph::Incoming)
                .filter(|from| dominates(header, *from))
                .collect();
            if rest.is_empty() {
                continue;
            }
            let mut inside = vec![false; self.graph.node_count()];
            inside[header.index()] = true;
            while let Some(node) = rest.pop() {
                if !std::mem::replace(&mut inside[node.index()], true) {
                    rest.extend(self.graph.neighbors_directed(node, petgraph::Incoming));
                }
            }
            let nodes = self.graph.node_indices().filter(|node| inside[node.index()]).collect();
            loops.push(Loop { header, nodes });
        }
        loops
    }

    /// The graph as Graphviz source.
    pub fn dot(&self, module: &Module, body: &Body) -> String {
        let node_text = |node: &Node| match node {
            Node::Instructions(range) => range.clone().fold(String::new(), |mut text, number| {
                let instruction = &module.instructions(body)[number as usize];
                let _ = write!(text, "{number}: {}\\l", escape(&instruction_text(module, instruction)));
                text
            }),
            Node::Block(number) => {
                let operands = module.operands(&module.instructions(body)[*number as usize]);
                operands.last().map_or(String::new(), |name| escape(&module.name(name)))
            }
        };
        let edge_attributes = |_, edge: petgraph::graph::EdgeReference<'_, EdgeKind>| match edge.weight() {
            EdgeKind::Next => String::new(),
            kind => format!("label=\"{}\"", kind.name()),
        };
        let node_attributes = |_, (_, node): (NodeIndex, &Node)| {
            let shape = match node {
                Node::Instructions(_) => "box",
                Node::Block(_) => "ellipse",
            };
            format!("shape={shape} fontname=monospace label=\"{}\"", node_text(node))
        };
        let settings = [Config::NodeNoLabel, Config::EdgeNoLabel, Config::GraphContentOnly];
        let dot = Dot::with_attr_getters(&self.graph, &settings, &edge_attributes, &node_attributes);
        format!("digraph \"{}\" {{\n{dot:?}}}\n", escape(&body.name))
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\\\n"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The control flow graphs of all bodies as Graphviz source, one graph each.
pub fn dot(module: &Module) -> String {
    module.bodies.iter().map(|body| cfg(module, body).dot(module, body)).collect()
}

/// Who names whom: nodes are all bodies, by [`BodyId`]; an edge carries the instruction (`call`, `closure`, `enter`, …).
pub fn call_graph(module: &Module) -> DiGraph<BodyId, Opcode> {
    let mut graph = DiGraph::with_capacity(module.bodies.len(), module.bodies.len());
    for (id, _) in module.bodies_with_ids() {
        graph.add_node(id);
    }
    for (id, body) in module.bodies_with_ids() {
        for instruction in module.instructions(body) {
            for (operand, spec) in module.operands(instruction).iter().zip(instruction.opcode.row().operands) {
                if spec.forms.meets(Forms::FUNCTION.or(Forms::BLOCK))
                    && let Some(named) = module.definition_of(operand)
                {
                    graph.add_edge(NodeIndex::new(id.0 as usize), NodeIndex::new(named.0 as usize), instruction.opcode);
                }
            }
        }
    }
    graph
}

/// The bodies that can be reached from the given ones in a call graph, those included: one flag per body.
pub fn reachable(graph: &DiGraph<BodyId, Opcode>, from: impl IntoIterator<Item = BodyId>) -> Vec<bool> {
    let mut reached = vec![false; graph.node_count()];
    let mut rest: Vec<NodeIndex> = from.into_iter().map(|id| NodeIndex::new(id.0 as usize)).collect();
    while let Some(node) = rest.pop() {
        if let Some(flag) = reached.get_mut(node.index())
            && !std::mem::replace(flag, true)
        {
            rest.extend(graph.edges(node).map(|edge| edge.target()));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lowered;

    const LOOP: &str = ".block: b\nleave\n.end\n.block: c\nleave\n.end\n.function: f/0\n\
        izero %1 local\n.mark: top\nif %1 local body out\n.mark: body\niinc %1 local\njump top\n.mark: out\n\
        try\ncatch \"T\" c\nenter b\nreturn\n.end\n";

    #[test]
    fn edges_of_instructions() {
        let module = lowered(LOOP);
        let body = &module.bodies[2];
        let edges = |number| successors(&module, body, number).map(|edge| (edge.kind, edge.to, edge.is_later));
        assert_eq!(edges(0).collect::<Vec<_>>(), [(EdgeKind::Next, 1, false)]);
        assert_eq!(edges(1).collect::<Vec<_>>(), [(EdgeKind::True, 2, false), (EdgeKind::False, 4, false)]);
        assert_eq!(edges(3).collect::<Vec<_>>(), [(EdgeKind::Jump, 1, true)]);
        assert_eq!(edges(7).collect::<Vec<_>>(), []);
        assert_eq!(catchers(&module, body).of(6), [5]);
    }

    #[test]
    fn blocks_loops_and_dominators() {
        let module = lowered(LOOP);
        let graph = cfg(&module, &module.bodies[2]);
        let nodes: Vec<_> = graph.graph.node_weights().cloned().collect();
        assert_eq!(
            nodes,
            [
                Node::Instructions(0..1),
                Node::Instructions(1..2),
                Node::Instructions(2..4),
                Node::Instructions(4..7),
                Node::Instructions(7..8),
                Node::Block(6),
                Node::Block(5),
            ]
        );
        let dominators = graph.dominators().unwrap();
        assert_eq!(dominators.immediate_dominator(NodeIndex::new(3)), Some(NodeIndex::new(1)));
        let header_and_body = [NodeIndex::new(1), NodeIndex::new(2)];
        assert_eq!(graph.loops(), [Loop { header: NodeIndex::new(1), nodes: header_and_body.to_vec() }]);
        let dot = graph.dot(&module, &module.bodies[2]);
        assert!(dot.starts_with("digraph \"f/0\" {"), "{dot}");
        assert!(dot.contains("label=\"catch\""), "{dot}");
        assert!(dot.contains("catch \\\"T\\\" c"), "{dot}");
    }

    #[test]
    fn the_call_graph_knows_who_is_reached() {
        let module = lowered(
            ".block: b\nleave\n.end\n.function: lonely/0\nreturn\n.end\n.function: main/0\nenter b\nreturn\n.end\n",
        );
        let graph = call_graph(&module);
        assert_eq!(reachable(&graph, [BodyId(2)]), [true, false, true]);
    }
}
