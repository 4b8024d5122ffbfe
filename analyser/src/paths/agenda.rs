//! The chains that are still to be followed, the best path first.

use super::chain::{ChainId, Label};
use crate::trie::Trie;
use std::cmp::Ordering;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
struct Item {
    label: Label,
    chain: ChainId,
}

/// A heap for the number of decisions whose turn it is, and lists for the numbers to come. The order of two paths is
/// known to the trie alone, so that the heaps of the standard library do not do.
#[derive(Debug, Default)]
pub struct Agenda {
    now: Vec<Item>,
    depth: u32,
    later: BTreeMap<u32, Vec<Item>>,
}

impl Agenda {
    /// Adds a chain with the path whose turn it is to wait for.
    pub fn add(&mut self, trie: &Trie, label: Label, chain: ChainId) {
        let depth = trie.depth(label.decisions);
        let item = Item { label, chain };
        if depth > self.depth {
            self.later.entry(depth).or_default().push(item);
        } else {
            self.now.push(item);
            self.rise(trie, self.now.len() - 1);
        }
    }

    /// Takes out the chain with the best path; of equal paths the one that was found first.
    pub fn next(&mut self, trie: &Trie) -> Option<ChainId> {
        if self.now.is_empty() {
            let (depth, mut all) = self.later.pop_first()?;
            all.sort_by(|a, b| compare(trie, a, b));
            // What is in order is a heap.
            (self.depth, self.now) = (depth, all);
        }
        let last = self.now.len() - 1;
        self.now.swap(0, last);
        let first = self.now.pop()?;
        self.sink(trie);
        Some(first.chain)
    }

    fn rise(&mut self, trie: &Trie, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if compare(trie, &self.now[at], &self.now[parent]) != Ordering::Less {
                return;
            }
            self.now.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self, trie: &Trie) {
        let mut at = 0;
        loop {
            let children = [2 * at + 1, 2 * at + 2].into_iter().filter(|child| *child < self.now.len());
            let Some(least) = children.min_by(|a, b| compare(trie, &self.now[*a], &self.now[*b])) else { return };
            if compare(trie, &self.now[least], &self.now[at]) != Ordering::Less {
                return;
            }
            self.now.swap(at, least);
            at = least;
        }
    }
}

fn compare(trie: &Trie, a: &Item, b: &Item) -> Ordering {
    a.label.compare(&b.label, trie).then(a.chain.cmp(&b.chain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_paths_that_come_late_go_first() {
        let mut trie = Trie::default();
        let mut agenda = Agenda::default();
        let list = |trie: &mut Trie, sides: &[u8]| sides.iter().fold(0, |list, side| trie.append(list, *side));
        let mut wanted = Vec::new();
        for (chain, (sides, length)) in
            [(&[1_u8, 1][..], 3), (&[0, 1], 9), (&[1, 0], 4), (&[], 30), (&[1, 0], 2), (&[1, 1, 0], 1)]
                .iter()
                .enumerate()
        {
            let label = Label { decisions: list(&mut trie, sides), length: *length };
            agenda.add(&trie, label, chain as ChainId);
            wanted.push((sides.len(), sides.to_vec(), *length, chain as ChainId));
        }
        let first = agenda.next(&trie);
        let second = agenda.next(&trie);
        // These come up while their turn is running.
        for (sides, length) in [(&[1_u8, 0][..], 3), (&[0, 1], 10), (&[1, 0], 3)] {
            let label = Label { decisions: list(&mut trie, sides), length };
            let chain = wanted.len() as ChainId;
            agenda.add(&trie, label, chain);
            wanted.push((sides.len(), sides.to_vec(), length, chain));
        }
        wanted.sort();
        let rest = std::iter::from_fn(|| agenda.next(&trie));
        let order: Vec<_> = [first, second].into_iter().flatten().chain(rest).collect();
        assert_eq!(order, wanted.iter().map(|item| item.3).collect::<Vec<_>>());
    }
}
