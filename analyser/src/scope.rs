//! A body as it is analysed: a function, or a closure body, together with the blocks that it reaches.

use crate::program::{Entered, Program, Reached};
use crate::unit::Unit;
use rustc_hash::FxHashMap;
use viua_ir::BodyId;

/// Index into [`Scope::units`].
pub type UnitId = u32;

/// An instruction of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The unit it stands in.
    pub unit: UnitId,
    /// Its number there.
    pub instruction: u32,
}

/// A function or closure body with the blocks that it reaches.
#[derive(Debug)]
pub struct Scope<'p> {
    /// The module.
    pub program: &'p Program<'p>,
    /// The body itself, then blocks.
    pub units: Vec<&'p Unit>,
    /// How the start of each unit is reached from the start of the first.
    pub reached: Vec<Reached>,
    /// The blocks with `no_sa` that are entered or catch.
    pub unchecked: Vec<BodyId>,
    index: FxHashMap<BodyId, UnitId>,
}

impl<'p> Scope<'p> {
    /// Collects the blocks that a body reaches.
    pub fn new(program: &'p Program<'p>, root: &'p Unit) -> Scope<'p> {
        let mut scope = Scope {
            program,
            units: vec![root],
            reached: vec![Reached::Forward],
            unchecked: Vec::new(),
            index: FxHashMap::default(),
        };
        let mut rest = vec![0];
        while let Some(unit) = rest.pop() {
            let from = scope.units[unit as usize];
            let start = scope.reached[unit as usize];
            for enter in &from.enters {
                let how = from.reached[enter.instruction as usize].min(start);
                scope.reach(enter.entered, how, &mut rest);
                for (_, catcher) in &enter.catchers {
                    scope.reach(*catcher, Reached::Later, &mut rest);
                }
            }
        }
        scope.unchecked.sort_unstable();
        scope.unchecked.dedup();
        scope
    }

    fn reach(&mut self, entered: Entered, how: Reached, rest: &mut Vec<UnitId>) {
        match entered {
            Entered::Block(id) => {
                let new = self.units.len() as UnitId;
                let unit = *self.index.entry(id).or_insert(new);
                if unit == new {
                    self.units.push(self.program.block(id));
                    self.reached.push(Reached::Never);
                }
                if self.reached[unit as usize] < how {
                    self.reached[unit as usize] = how;
                    rest.push(unit);
                }
            }
            Entered::Unchecked(id) => self.unchecked.push(id),
            Entered::External | Entered::Nothing => {}
        }
    }

    /// The unit of a block that is reached.
    pub fn unit_of(&self, block: BodyId) -> Option<UnitId> {
        self.index.get(&block).copied()
    }

    /// A unit.
    pub fn unit(&self, id: UnitId) -> &'p Unit {
        self.units[id as usize]
    }

    /// All units with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (UnitId, &'p Unit)> + '_ {
        self.units.iter().enumerate().map(|(id, unit)| (id as UnitId, *unit))
    }

    /// How an instruction is reached from the start of the body.
    pub fn reached(&self, place: Place) -> Reached {
        let unit = self.unit(place.unit);
        unit.reached[place.instruction as usize].min(self.reached[place.unit as usize])
    }

    /// The instruction itself.
    pub fn instruction(&self, place: Place) -> &'p viua_ir::Instruction {
        let module = self.program.module;
        let body = module.body(self.unit(place.unit).body);
        &module.instructions(body)[place.instruction as usize]
    }

    /// The operands of an instruction.
    pub fn operands(&self, place: Place) -> &'p [viua_ir::Operand] {
        self.program.module.operands(self.instruction(place))
    }
}
