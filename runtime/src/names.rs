//! What the names of a machine mean, and whose code is kept for how long.
//!
//! There is one slot per name, and all calls go through slots, so loading a module replaces what slots mean. It does
//! so for all names of a load at once, while no worker is inside the gate ([`crate::scheduler`]): every instruction
//! is executed either before or after. At the same moment nobody has a body in hand, so those that no slot
//! means any more and that no stack refers to can be given back.

use crate::code::{Body, BodyKind, NameSlot};
use crate::ffi::{Entry, Foreign};
use crate::process::roots::Found;
use rustc_hash::{FxHashMap, FxHashSet};

/// The names of a machine, their meanings, and code that only stacks refer to.
#[derive(Default)]
pub struct Names {
    slots: FxHashMap<&'static str, &'static NameSlot>,
    /// Names that the program itself defines, functions and blocks apart: no import replaces them (modules.md §9).
    own: FxHashSet<(u32, bool)>,
    /// Bodies that no slot means any more.
    retired: Vec<*mut Body>,
    /// Instructions of the bodies that have retired since stacks were looked through.
    unexamined: usize,
    /// Foreign functions are kept: threads may be inside them, and a native module is loaded once.
    foreign: Vec<*mut Foreign>,
}

// SAFETY: slots, bodies and foreign functions may be used by all threads; the pointers are their owners.
unsafe impl Send for Names {}

/// How much code a machine has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeStats {
    /// Functions, closures and blocks that names mean now.
    pub current: usize,
    /// Those that were replaced and are kept because something may still run in them.
    pub retired: usize,
}

/// New meanings of names.
pub enum Definitions {
    /// Code of the program itself.
    Own(Vec<Body>),
    /// Code of a library.
    Library(Vec<Body>),
    /// Foreign functions, and whether they are quick.
    Foreign(Vec<(String, Entry, bool)>),
}

impl Names {
    /// The slot of a name; made if nobody has named it before.
    pub fn slot(&mut self, name: &str) -> &'static NameSlot {
        if let Some(slot) = self.slots.get(name) {
            return slot;
        }
        let slot: &'static NameSlot = Box::leak(Box::new(NameSlot::new(name, self.slots.len() as u32)));
        self.slots.insert(slot.name(), slot);
        slot
    }

    /// Names mean this from now on. To be called while no worker is inside the gate.
    pub fn define(&mut self, definitions: Definitions) {
        let (bodies, is_own) = match definitions {
            Definitions::Own(bodies) => (bodies, true),
            Definitions::Library(bodies) => (bodies, false),
            Definitions::Foreign(exports) => {
                return exports.into_iter().for_each(|(name, entry, is_quick)| {
                    self.define_foreign(&name, Foreign::new(entry, is_quick));
                });
            }
        };
        for body in bodies {
            let (name, is_block) = (body.name, body.kind == BodyKind::Block);
            if is_own {
                self.own.insert((name.id, is_block));
            } else if self.own.contains(&(name.id, is_block)) {
                continue;
            }
            self.retire(name.define(is_block, Box::into_raw(Box::new(body))));
        }
    }

    fn retire(&mut self, body: *mut Body) {
        // SAFETY: what slots mean was made by `define` and is given back by `reclaim` only.
        if let Some(retired) = unsafe { body.as_ref() } {
            self.unexamined += retired.len();
            self.retired.push(body);
        }
    }

    /// Registers a foreign function; earlier ones of the same name are kept for those that are inside them.
    fn define_foreign(&mut self, name: &str, foreign: Foreign) {
        let slot = self.slot(name);
        // A module may be imported any number of times.
        if slot.foreign().is_some_and(|known| known.is_same(&foreign)) {
            return;
        }
        let foreign = Box::into_raw(Box::new(foreign));
        self.foreign.push(foreign);
        // SAFETY: foreign functions live as long as the machine.
        slot.define_foreign(unsafe { &*foreign });
    }

    /// Gives back the code that nothing refers to any more. `stacks` finds what processes refer to, in O(processes and
    /// their frames); it is not asked before there is an instruction for each process to gain, so code that waits
    /// takes far less memory than the processes do. To be called while no worker is inside the gate.
    pub fn reclaim(&mut self, processes: u64, stacks: impl FnOnce(Found)) {
        if self.unexamined == 0 || (self.unexamined as u64) < processes {
            return;
        }
        let candidates: FxHashSet<*const Body> = self.retired.iter().map(|body| body.cast_const()).collect();
        let mut needed = FxHashSet::default();
        stacks(&mut |body| {
            if candidates.contains(&body) {
                needed.insert(body);
            }
        });
        self.retired.retain(|body| {
            let is_needed = needed.contains(&body.cast_const());
            if !is_needed {
                // SAFETY: made by `define`. No slot means it, no stack refers to it, nobody has it in hand.
                drop(unsafe { Box::from_raw(*body) });
            }
            is_needed
        });
        self.unexamined = 0;
    }

    /// How much code there is. O(names).
    pub fn stats(&self) -> CodeStats {
        let meanings = self.slots.values().flat_map(|slot| [slot.function(), slot.block()]);
        CodeStats { current: meanings.filter(|body| !body.is_null()).count(), retired: self.retired.len() }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let slots: Vec<_> = self.slots.drain().map(|(_, slot)| slot).collect();
        for slot in &slots {
            for is_block in [false, true] {
                self.retire(slot.define(is_block, std::ptr::null_mut()));
            }
        }
        for body in self.retired.drain(..) {
            // SAFETY: made by `define`; nothing refers to it any more.
            drop(unsafe { Box::from_raw(body) });
        }
        for foreign in self.foreign.drain(..) {
            // SAFETY: made by `define_foreign`; nothing refers to it any more.
            drop(unsafe { Box::from_raw(foreign) });
        }
        for slot in slots {
            // SAFETY: made by `slot`; nothing refers to it any more.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(slot).cast_mut()) });
        }
    }
}
