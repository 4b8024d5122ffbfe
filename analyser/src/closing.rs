//! From the analysed functions to the findings of the file: the closures that they make are analysed in turn, traces get
//! their ends, and everything is put in order (analyser-flow.md §5.1, §6).

use crate::body::{self, Analysed, Beginning, StaticId};
use crate::closures::{CapturedSlot, Creation, CreationId, join};
use crate::lints::{in_function, offset, unread_parameter};
use crate::messages::name_faults;
use crate::ops::created_closure;
use crate::program::Program;
use crate::{Options, no_allocation, parallel};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use viua_diagnostics::{Code, Diagnostic, Entry, Severity, Span};
use viua_ir::{BodyId, BodyKind};
use viua_isa::Opcode;

/// Index into the made closures.
type MadeId = usize;

/// Who makes a closure: the first body that reaches its `closure` instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Maker {
    Function(BodyId),
    Closure(MadeId),
}

/// A closure as made by one `closure` instruction.
#[derive(Debug)]
struct Made {
    id: CreationId,
    closure: BodyId,
    maker: Maker,
    /// Whether it is later in the body of its maker.
    is_later_there: bool,
    is_later: bool,
    slots: BTreeMap<u16, CapturedSlot>,
}

/// All closures that are made.
#[derive(Default)]
struct Closures {
    made: Vec<Made>,
    by_id: FxHashMap<CreationId, MadeId>,
}

impl Closures {
    /// Takes in what a body says about the closures that it makes; adds those with news to `changed`.
    fn add(&mut self, program: &Program, maker: Maker, creations: &[Creation], changed: &mut Vec<MadeId>) {
        let maker_is_later = match maker {
            Maker::Function(_) => false,
            Maker::Closure(made) => self.made[made].is_later,
        };
        for creation in creations {
            let (body, number) = creation.id;
            let module = program.module;
            let instruction = &module.instructions(module.body(body))[number as usize];
            let Some(closure) = created_closure(program, module.operands(instruction)) else { continue };
            let is_later = maker_is_later || creation.is_later;
            let mut is_news = false;
            let made = *self.by_id.entry(creation.id).or_insert_with(|| {
                is_news = true;
                let is_later_there = creation.is_later;
                let slots = BTreeMap::new();
                self.made.push(Made { id: creation.id, closure, maker, is_later_there, is_later, slots });
                self.made.len() - 1
            });
            let known = &mut self.made[made];
            is_news |= known.is_later && !is_later;
            known.is_later &= is_later;
            for (index, slot) in &creation.slots {
                let mask = |facts: &[u64; 2]| if maker_is_later { [0, facts[1]] } else { *facts };
                let captured = known.slots.entry(*index).or_default();
                is_news |= join(&mut captured.facts, mask(&slot.facts));
                for (token, facts) in &slot.sources {
                    join(captured.sources.entry(*token).or_default(), mask(facts));
                }
            }
            if is_news {
                changed.push(made);
            }
        }
    }

    fn beginning(&self, program: &Program, made: MadeId) -> Beginning {
        let made = &self.made[made];
        Beginning { captures: made.slots.clone(), is_later: made.is_later, ..Beginning::new(program, made.closure) }
    }
}

/// The findings of a file, `unused-function` apart. A function without result does not begin as it must.
pub fn close(program: &Program, functions: Vec<(BodyId, Option<Analysed>)>, options: &Options) -> Vec<Diagnostic> {
    let mut closures = Closures::default();
    let mut changed = Vec::new();
    for (id, analysed) in &functions {
        if let Some(analysed) = analysed {
            closures.add(program, Maker::Function(*id), &analysed.creations, &mut changed);
        }
    }
    find_made_closures(program, &mut closures, changed);
    let ids: Vec<MadeId> = (0..closures.made.len()).collect();
    let size = |id: &MadeId| program.module.body(closures.made[*id].closure).instructions.len();
    let analysed = parallel::map(&ids, size, |id| body::analyse(program, &closures.beginning(program, *id), options));
    let mut bodies: FxHashMap<Maker, Analysed> = FxHashMap::default();
    let mut order = Vec::with_capacity(functions.len() + ids.len());
    for (id, analysed) in functions {
        order.push(Maker::Function(id));
        bodies.insert(Maker::Function(id), analysed.unwrap_or_default());
    }
    for (id, analysed) in ids.into_iter().zip(analysed) {
        order.push(Maker::Closure(id));
        bodies.insert(Maker::Closure(id), analysed);
    }
    let lints = shared_lints(program, &closures, &order, &mut bodies);
    let file = File { program, closures: &closures, steps: FxHashMap::default(), seen: FxHashMap::default() };
    file.findings(&order, bodies, lints)
}

/// Closures that closures make, up to the fixpoint: one may make itself.
fn find_made_closures(program: &Program, closures: &mut Closures, mut changed: Vec<MadeId>) {
    let module = program.module;
    let makes_others = module.bodies.iter().any(|body| {
        body.kind != BodyKind::Function
            && module.instructions(body).iter().any(|instruction| instruction.opcode == Opcode::Closure)
    });
    while makes_others && !changed.is_empty() {
        changed.sort_unstable();
        changed.dedup();
        let size = |id: &MadeId| module.body(closures.made[*id].closure).instructions.len();
        let found = parallel::map(&changed, size, |id| body::creations(program, &closures.beginning(program, *id)));
        let mut next = Vec::new();
        for (made, creations) in changed.into_iter().zip(found) {
            closures.add(program, Maker::Closure(made), &creations, &mut next);
        }
        changed = next;
    }
}

/// The lints that concern bodies reached from several places: one is reported if all of them agree, with the first.
/// Returns the lints by the body they are reported with.
fn shared_lints(
    program: &Program,
    closures: &Closures,
    order: &[Maker],
    bodies: &mut FxHashMap<Maker, Analysed>,
) -> FxHashMap<Maker, Vec<Diagnostic>> {
    let mut used: FxHashMap<BodyId, FxHashSet<u16>> = FxHashMap::default();
    let mut reaching: FxHashMap<BodyId, u32> = FxHashMap::default();
    let mut shared: BTreeMap<(u32, String), (u32, BodyId, Maker, Diagnostic)> = BTreeMap::new();
    let mut lints: FxHashMap<Maker, Vec<Diagnostic>> = FxHashMap::default();
    for maker in order {
        let Some(analysed) = bodies.get_mut(maker) else { continue };
        match maker {
            Maker::Function(id) => {
                used.insert(*id, std::mem::take(&mut analysed.used_parameters));
            }
            Maker::Closure(made) => {
                let closure = closures.made[*made].closure;
                analysed.blocks.push(closure);
                let own = std::mem::take(&mut analysed.lints);
                analysed.block_lints.extend(own.into_iter().map(|finding| (closure, finding)));
            }
        }
        lints.insert(*maker, std::mem::take(&mut analysed.lints));
        for block in &analysed.blocks {
            *reaching.entry(*block).or_default() += 1;
        }
        for (block, finding) in std::mem::take(&mut analysed.block_lints) {
            let text = finding.fault.message.clone().unwrap_or_default();
            let (count, ..) = shared.entry((offset(&finding), text)).or_insert((0, block, *maker, finding));
            *count += 1;
        }
    }
    for (count, block, maker, finding) in shared.into_values() {
        if reaching.get(&block) == Some(&count) {
            lints.entry(maker).or_default().push(finding);
        }
    }
    let mut seen: FxHashSet<Span> = FxHashSet::default();
    for maker in order {
        let Some(analysed) = bodies.get(maker) else { continue };
        for pass in &analysed.passes {
            let is_analysed = !program.module.body(pass.to).no_sa;
            if seen.insert(pass.target)
                && is_analysed
                && let Some(finding) = unread_parameter::check(program, pass, used.get(&pass.to))
            {
                lints.entry(*maker).or_default().push(finding);
            }
        }
    }
    lints.values_mut().for_each(|lints| lints.sort_by_key(offset));
    lints
}

/// The end of writing.
struct File<'a, 'p> {
    program: &'a Program<'p>,
    closures: &'a Closures,
    /// The steps to each closure, in the body of its maker.
    steps: FxHashMap<MadeId, Vec<Entry>>,
    /// Faults that several bodies show, at their highest level so far.
    seen: FxHashMap<StaticId, Severity>,
}

enum Task {
    Open(Maker),
    Lints(Maker),
}

impl File<'_, '_> {
    fn findings(
        mut self,
        order: &[Maker],
        mut bodies: FxHashMap<Maker, Analysed>,
        mut lints: FxHashMap<Maker, Vec<Diagnostic>>,
    ) -> Vec<Diagnostic> {
        let mut children: FxHashMap<Maker, Vec<MadeId>> = FxHashMap::default();
        for (id, made) in self.closures.made.iter().enumerate() {
            children.entry(made.maker).or_default().push(id);
        }
        for made in children.values_mut() {
            made.sort_by_key(|id| self.target(*id));
        }
        let functions = order.iter().filter(|maker| matches!(maker, Maker::Function(_)));
        let mut tasks: Vec<Task> = functions.rev().map(|maker| Task::Open(*maker)).collect();
        let mut findings = Vec::new();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Open(maker) => {
                    if let Some(analysed) = bodies.remove(&maker) {
                        self.report(maker, analysed, &mut findings);
                    }
                    tasks.push(Task::Lints(maker));
                    let made = children.remove(&maker).unwrap_or_default();
                    tasks.extend(made.into_iter().rev().map(|id| Task::Open(Maker::Closure(id))));
                }
                Task::Lints(maker) => findings.extend(lints.remove(&maker).unwrap_or_default()),
            }
        }
        findings
    }

    /// The token of the register that a closure is put into.
    fn target(&self, made: MadeId) -> Span {
        let (body, number) = self.closures.made[made].id;
        let module = self.program.module;
        let instruction = &module.instructions(module.body(body))[number as usize];
        module.operands(instruction).first().map_or(instruction.mnemonic, |target| target.span)
    }

    fn body_of(&self, maker: Maker) -> BodyId {
        match maker {
            Maker::Function(id) => id,
            Maker::Closure(made) => self.closures.made[made].closure,
        }
    }

    fn report(&mut self, maker: Maker, analysed: Analysed, findings: &mut Vec<Diagnostic>) {
        let module = self.program.module;
        let id = self.body_of(maker);
        let body = module.body(id);
        let mut faults = Vec::new();
        if body.kind == BodyKind::Function && !crate::allocates_first(module, id) {
            faults.push(body::Fault { diagnostic: no_allocation(module, id), id: None });
        } else {
            for (number, diagnostic) in name_faults(module, body).into_iter().enumerate() {
                let id = Some((id, u32::MAX - number as u32, 0));
                faults.push(body::Fault { diagnostic, id });
            }
        }
        for fault in faults.into_iter().chain(analysed.faults) {
            let level = fault.diagnostic.severity;
            let is_known = |id| self.seen.get(&id).is_some_and(|known| *known >= level);
            if !fault.id.is_some_and(is_known) {
                self.seen.extend(fault.id.map(|id| (id, level)));
                let mut diagnostic = fault.diagnostic;
                self.end(maker, true, &mut diagnostic.trace);
                findings.push(diagnostic);
            }
        }
        for mut diagnostic in analysed.unused {
            // A register count is that of a function: it has no closure around it.
            debug_assert!(diagnostic.code != Some(Code::W0500));
            self.end(maker, false, &mut diagnostic.trace);
            findings.push(diagnostic);
        }
    }

    /// Adds the end of a trace: the closures around the body, and the function in which all of it began.
    fn end(&mut self, mut maker: Maker, with_steps: bool, trace: &mut Vec<Entry>) {
        let module = self.program.module;
        while let Maker::Closure(made) = maker {
            let closure = module.body(self.closures.made[made].closure);
            trace.push(Entry::step(module.at(closure.name_span), "in a closure defined here:"));
            trace.push(Entry::step(module.at(self.target(made)), "when instantiated here:"));
            maker = self.closures.made[made].maker;
            if with_steps {
                trace.extend_from_slice(self.steps_to(made, maker));
            }
        }
        if let Maker::Function(id) = maker {
            trace.push(in_function(self.program, id));
        }
    }

    fn steps_to(&mut self, made: MadeId, maker: Maker) -> &[Entry] {
        let Made { id, is_later_there, .. } = self.closures.made[made];
        self.steps.entry(made).or_insert_with(|| {
            let beginning = match maker {
                Maker::Function(body) => Beginning::new(self.program, body),
                Maker::Closure(made) => self.closures.beginning(self.program, made),
            };
            body::steps_to(self.program, &beginning, id, is_later_there)
        })
    }
}
