//! Lists of `if` decisions as nodes of a tree, so that a path of any length costs one number.
//!
//! Two orders: [`Trie::compare_paths`] finds the path to show (fewest decisions, then true before false), and
//! [`Trie::compare_traces`] sorts findings (at the first difference the true side, a beginning before its
//! continuation); see analyser-flow.md §5.

use crate::ops::NONE;
use std::cmp::Ordering;

/// A list of decisions, outermost first.
pub type Decisions = u32;

#[derive(Clone, Copy, Debug)]
struct TrieNode {
    parent: u32,
    /// An ancestor farther up; makes the way to any ancestor logarithmic.
    jump: u32,
    depth: u32,
    side: u8,
    children: [u32; 2],
}

/// All lists that have come up. Node 0 is the empty one.
#[derive(Clone, Debug)]
pub struct Trie {
    nodes: Vec<TrieNode>,
}

impl Default for Trie {
    fn default() -> Trie {
        Trie { nodes: vec![TrieNode { parent: 0, jump: 0, depth: 0, side: 0, children: [NONE; 2] }] }
    }
}

impl Trie {
    /// The list with one more decision: 0 for the true side, 1 for the false one.
    pub fn append(&mut self, list: Decisions, side: u8) -> Decisions {
        let known = self.nodes[list as usize].children[usize::from(side)];
        if known != NONE {
            return known;
        }
        let new = self.nodes.len() as u32;
        let parent = self.nodes[list as usize];
        let far = self.nodes[parent.jump as usize];
        let farther = self.nodes[far.jump as usize];
        let jump = if parent.depth - far.depth == far.depth - farther.depth { far.jump } else { list };
        self.nodes.push(TrieNode { parent: list, jump, depth: parent.depth + 1, side, children: [NONE; 2] });
        self.nodes[list as usize].children[usize::from(side)] = new;
        new
    }

    /// The number of decisions.
    pub fn depth(&self, list: Decisions) -> u32 {
        self.nodes[list as usize].depth
    }

    /// The decisions of `list` behind the first `skip`.
    pub fn tail(&self, list: Decisions, skip: u32) -> Vec<u8> {
        let mut sides = Vec::new();
        let mut at = list;
        while self.nodes[at as usize].depth > skip {
            sides.push(self.nodes[at as usize].side);
            at = self.nodes[at as usize].parent;
        }
        sides.reverse();
        sides
    }

    fn ancestor(&self, mut list: Decisions, depth: u32) -> Decisions {
        while self.nodes[list as usize].depth > depth {
            let node = self.nodes[list as usize];
            list = if self.nodes[node.jump as usize].depth >= depth { node.jump } else { node.parent };
        }
        list
    }

    /// Fewest decisions first; of as many, true before false.
    pub fn compare_paths(&self, a: Decisions, b: Decisions) -> Ordering {
        self.depth(a).cmp(&self.depth(b)).then_with(|| self.compare_equally_long(a, b))
    }

    /// True before false at the first difference; a beginning first.
    pub fn compare_traces(&self, a: Decisions, b: Decisions) -> Ordering {
        let depth = self.depth(a).min(self.depth(b));
        let common = self.compare_equally_long(self.ancestor(a, depth), self.ancestor(b, depth));
        common.then_with(|| self.depth(a).cmp(&self.depth(b)))
    }

    fn compare_equally_long(&self, mut a: Decisions, mut b: Decisions) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        loop {
            let (left, right) = (self.nodes[a as usize], self.nodes[b as usize]);
            if left.parent == right.parent {
                return left.side.cmp(&right.side);
            }
            (a, b) = if left.jump == right.jump { (left.parent, right.parent) } else { (left.jump, right.jump) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_compared_in_both_orders() {
        let mut trie = Trie::default();
        let list = |trie: &mut Trie, sides: &[u8]| sides.iter().fold(0, |list, side| trie.append(list, *side));
        let yes_no = list(&mut trie, &[0, 1]);
        let no = list(&mut trie, &[1]);
        assert_eq!(trie.compare_paths(no, yes_no), Ordering::Less);
        assert_eq!(trie.compare_traces(no, yes_no), Ordering::Greater);
        assert_eq!(trie.compare_traces(0, yes_no), Ordering::Less);
        assert_eq!(trie.tail(yes_no, 1), [1]);
        let deep: Vec<u8> = (0..1000).map(|at| (at % 3 == 0) as u8).collect();
        let mut other = deep.clone();
        other[17] ^= 1;
        let (a, b) = (list(&mut trie, &deep), list(&mut trie, &other));
        assert_eq!(trie.compare_paths(a, b), deep.cmp(&other));
        assert_eq!(trie.compare_traces(a, b), deep.cmp(&other));
        assert_eq!(trie.tail(a, 0), deep);
    }
}
