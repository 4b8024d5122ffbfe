//! A hierarchical timer wheel: deadlines in ticks, inserted, removed and expired in O(1) (each is moved at most
//! once per level). Level *l* has 64 slots of 64^*l* ticks. A deadline lies on the level of the highest group of six
//! bits in which it differs from now; so everything on a lower level comes before everything on a higher one.

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 8;
/// Deadlines further away than this are moved here; it is more than two thousand years.
const FARTHEST: u64 = (1 << (BITS * LEVELS as u32)) - 1;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Entry {
    due: u64,
    payload: u64,
    /// In a slot, the neighbours; in the free list, `next`.
    previous: u32,
    next: u32,
}

/// The wheel.
pub struct Wheel {
    now: u64,
    entries: Vec<Entry>,
    free: u32,
    heads: Box<[[u32; SLOTS]; LEVELS]>,
    /// Bit per slot: there is something in it.
    occupied: [u64; LEVELS],
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel {
            now: 0,
            entries: Vec::new(),
            free: NONE,
            heads: Box::new([[NONE; SLOTS]; LEVELS]),
            occupied: [0; LEVELS],
        }
    }
}

impl Wheel {
    /// Adds a deadline; the number names it until it is removed or expires. One that has passed expires with the
    /// next tick.
    pub fn insert(&mut self, due: u64, payload: u64) -> u32 {
        let entry = Entry { due: due.clamp(self.now + 1, FARTHEST), payload, previous: NONE, next: NONE };
        let index = match self.free {
            NONE => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
            index => {
                self.free = self.entries[index as usize].next;
                self.entries[index as usize] = entry;
                index
            }
        };
        self.link(index);
        index
    }

    /// Removes a deadline.
    pub fn remove(&mut self, index: u32) {
        let Entry { due, previous, next, .. } = self.entries[index as usize];
        if previous == NONE {
            let (level, slot) = self.place(due);
            self.heads[level][slot] = next;
            if next == NONE {
                self.occupied[level] &= !(1 << slot);
            }
        } else {
            self.entries[previous as usize].next = next;
        }
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        self.release(index);
    }

    /// When there is something to do next: a deadline, or moving some to a lower level.
    pub fn next(&self) -> Option<u64> {
        self.next_slot().map(|(_, _, tick)| tick)
    }

    /// Goes on to a tick; `expired` gets every deadline that has been reached, in order of time.
    pub fn advance(&mut self, to: u64, mut expired: impl FnMut(u64)) {
        while let Some((level, slot, tick)) = self.next_slot() {
            if tick > to {
                break;
            }
            self.now = tick;
            self.occupied[level] &= !(1 << slot);
            let mut index = std::mem::replace(&mut self.heads[level][slot], NONE);
            while index != NONE {
                let entry = self.entries[index as usize];
                if entry.due <= tick {
                    self.release(index);
                    expired(entry.payload);
                } else {
                    self.link(index);
                }
                index = entry.next;
            }
        }
        self.now = self.now.max(to.min(FARTHEST - 1));
    }

    /// The number of deadlines.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.heads.iter().flatten().map(|head| std::iter::successors(self.at(*head), |e| self.at(e.next)).count()).sum()
    }
    #[cfg(test)]
    fn at(&self, index: u32) -> Option<&Entry> {
        self.entries.get(index as usize)
    }

    /// Where a deadline lies now. It stays there until its slot is reached: up to then `now` differs from it in
    /// the same group.
    fn place(&self, due: u64) -> (usize, usize) {
        let level = ((due ^ self.now) | 1).ilog2() / BITS;
        (level as usize, (due >> (level * BITS)) as usize % SLOTS)
    }

    fn link(&mut self, index: u32) {
        let (level, slot) = self.place(self.entries[index as usize].due);
        let head = std::mem::replace(&mut self.heads[level][slot], index);
        if head != NONE {
            self.entries[head as usize].previous = index;
        }
        let entry = &mut self.entries[index as usize];
        (entry.previous, entry.next) = (NONE, head);
        self.occupied[level] |= 1 << slot;
    }

    fn release(&mut self, index: u32) {
        self.entries[index as usize].next = self.free;
        self.free = index;
    }

    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let shift = level as u32 * BITS;
        let above = self.now >> (shift + BITS) << (shift + BITS);
        Some((level, slot, above | (slot as u64) << shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        Remove(usize),
        Advance(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let distance = (0u32..40, 0u64..64).prop_map(|(shift, low)| (1u64 << shift) + low);
        prop_oneof![
            4 => distance.clone().prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Remove),
            2 => distance.prop_map(Step::Advance),
            1 => (0u64..3).prop_map(Step::Advance),
        ]
    }

    proptest! {
        #[test]
        fn deadlines_expire_when_they_are_due(steps in proptest::collection::vec(step(), 0..200)) {
            let mut wheel = Wheel::default();
            let mut model: BTreeSet<(u64, u64)> = BTreeSet::new();
            let mut keys: Vec<(u32, u64, u64)> = Vec::new();
            let mut now = 0;
            for (number, step) in steps.into_iter().enumerate() {
                let number = number as u64;
                match step {
                    Step::Insert(distance) => {
                        let key = wheel.insert(now + distance, number);
                        model.insert((now + distance, number));
                        keys.push((key, now + distance, number));
                    }
                    Step::Remove(which) if !keys.is_empty() => {
                        let (key, due, payload) = keys.swap_remove(which % keys.len());
                        wheel.remove(key);
                        model.remove(&(due, payload));
                    }
                    Step::Remove(_) => {}
                    Step::Advance(distance) => {
                        now += distance;
                        let mut expired = Vec::new();
                        wheel.advance(now, |payload| expired.push(payload));
                        let expected: Vec<(u64, u64)> = model.iter().copied().filter(|(due, _)| *due <= now).collect();
                        model.retain(|(due, _)| *due > now);
                        keys.retain(|(_, due, _)| *due > now);
                        // In order of time; which of equal ones comes first is open.
                        let dues: Vec<u64> = expired
                            .iter()
                            .filter_map(|payload| expected.iter().find(|(_, p)| p == payload).map(|(due, _)| *due))
                            .collect();
                        prop_assert_eq!(dues, expected.iter().map(|(due, _)| *due).collect::<Vec<_>>());
                        prop_assert_eq!(expired.len(), expected.len());
                    }
                }
                prop_assert_eq!(wheel.len(), model.len());
                let first = model.first().map(|(due, _)| *due);
                prop_assert_eq!(wheel.next().is_some(), first.is_some());
                prop_assert!(wheel.next() <= first);
            }
        }
    }
}
