//! Statements of more than one line, or with more than one result: containers, pointers, branches, loops, blocks, calls.

use super::{Body, Held, KEPT, Type};

impl Body<'_, '_> {
    pub(super) fn vector(&mut self) {
        use Type::{Any, Integer, Vector};
        match self.choices.below(6) {
            0 | 1 => {
                let (vector, kind) = (self.source(Vector), self.any_type());
                let value = self.owned(kind);
                self.line(&format!("vpush {vector} %{value} local"));
                self.emptied(value);
            }
            2 => self.compute("vlen", Integer, &[Vector]),
            3 => {
                let vector = self.source(Vector);
                if self.outer.is_typed {
                    self.line(&format!("vpop void {vector} void"));
                } else {
                    let target = self.target();
                    self.line(&format!("vpop %{target} local {vector} void"));
                    self.defined(target, Held::Is(Any));
                }
            }
            4 if !self.outer.is_typed => {
                let (vector, index) = (self.source(Vector), self.source(Integer));
                let target = self.pointer_target();
                self.line(&format!("vat %{target} local {vector} {index}"));
                self.defined(target, Held::PointerTo(Any));
            }
            _ if self.protected == 0 => {
                self.look_at_all();
                self.line("integer %5 local 5");
                self.line("text %6 local \"six\"");
                let target = 4 + self.choices.below(3) as usize;
                self.line(&format!("vector %{target} local %5 local %2"));
                (5..7).for_each(|register| self.emptied(register));
                self.defined(target, Held::Is(Vector));
            }
            _ => {}
        }
    }

    pub(super) fn structure(&mut self) {
        use Type::{Any, Atom, Struct, Vector};
        let value = self.source(Struct);
        let key = self.source(Atom);
        match self.choices.below(4) {
            0 | 1 => {
                let kind = self.any_type();
                let field = self.owned(kind);
                self.line(&format!("structinsert {value} {key} %{field} local"));
                self.emptied(field);
            }
            2 => self.compute("structkeys", Vector, &[Struct]),
            _ if self.outer.is_typed => self.line(&format!("structremove void {value} {key}")),
            _ => {
                let target = self.pointer_target();
                self.line(&format!("structat %{target} local {value} {key}"));
                self.defined(target, Held::PointerTo(Any));
            }
        }
    }

    pub(super) fn pointer(&mut self) {
        let pointers: Vec<usize> = (8..10).filter(|at| matches!(self.held[*at], Held::PointerTo(_))).collect();
        match self.choices.below(4) {
            0 if !pointers.is_empty() => {
                let pointer = self.choices.pick(&pointers);
                let target = self.target();
                self.line(&format!("ptrlive %{target} local %{pointer} local"));
                self.is_fresh[pointer] = false;
                self.defined(target, Held::Is(Type::Boolean));
            }
            1 if !pointers.is_empty() => {
                let pointer = self.choices.pick(&pointers);
                self.line(&format!("delete %{pointer} local"));
                self.emptied(pointer);
            }
            _ => {
                let kind = self.any_type();
                let value = self.owned(kind);
                let Held::Is(kind) = self.held[value] else { return };
                let target = self.pointer_target();
                self.line(&format!("ptr %{target} local %{value} local"));
                self.defined(target, Held::PointerTo(kind));
            }
        }
    }

    /// What the writer remembers where two ways meet.
    fn meet(&mut self, other: &[Held; 16]) {
        for (here, there) in self.held.iter_mut().zip(other) {
            if here != there {
                *here = Held::Mixed;
            }
        }
        self.is_fresh = [false; 16];
    }

    pub(super) fn branch(&mut self) {
        if self.depth > 3 {
            return;
        }
        let condition = self.source(Type::Any);
        let label = self.label();
        self.line(&format!("if {condition} yes_{label} no_{label}"));
        self.is_fresh = [false; 16];
        self.depth += 1;
        let before = self.held;
        self.line(&format!(".mark: yes_{label}"));
        self.statements(4);
        let ends = self.choices.one_in(6) && self.end();
        if !ends {
            self.line(&format!("jump end_{label}"));
        }
        let behind_yes = std::mem::replace(&mut self.held, before);
        self.is_fresh = [false; 16];
        self.line(&format!(".mark: no_{label}"));
        self.statements(4);
        self.line(&format!(".mark: end_{label}"));
        if ends {
            self.is_fresh = [false; 16];
        } else {
            self.meet(&behind_yes);
        }
        self.depth -= 1;
    }

    /// Ends the path.
    fn end(&mut self) -> bool {
        match self.choices.below(4) {
            0 => {
                let kind = self.any_type();
                let thrown = self.owned(kind);
                self.line(&format!("throw %{thrown} local"));
            }
            1 if self.is_block => self.line("leave"),
            2 => self.line("halt"),
            _ => {
                self.line("izero %0 local");
                self.line("return");
            }
        }
        true
    }

    pub(super) fn looping(&mut self) {
        if self.depth > 3 {
            return;
        }
        let Some(counter) = self.counters.next() else { return };
        let label = self.label();
        let tests_first = self.choices.below(2) == 0;
        let rounds = 1 + self.choices.below(3);
        self.line(&format!("integer %{counter} local {rounds}"));
        self.look_at_all();
        self.line(&format!(".mark: top_{label}"));
        if tests_first {
            self.line(&format!("if %{counter} local body_{label} out_{label}"));
            self.line(&format!(".mark: body_{label}"));
        }
        self.depth += 1;
        // What the body may change is not known at its start.
        let kept = std::mem::replace(&mut self.protected, KEPT);
        for register in KEPT + 1..10 {
            self.held[register] = Held::Mixed;
        }
        let at_top = self.held;
        self.statements(5);
        self.look_at_all();
        self.held = at_top;
        self.protected = kept;
        self.line(&format!("idec %{counter} local"));
        if tests_first {
            self.line(&format!("jump top_{label}"));
        } else {
            self.line(&format!("if %{counter} local top_{label} out_{label}"));
        }
        self.line(&format!(".mark: out_{label}"));
        self.is_fresh = [false; 16];
        self.counters.start = counter;
        self.depth -= 1;
    }

    pub(super) fn enter(&mut self) {
        if self.outer.blocks == 0 {
            return;
        }
        self.look_at_all();
        self.line("try");
        for _ in 0..self.choices.below(3) {
            let tag = self.choices.pick(&["Oops", "Zero_division", "Out_of_bounds", "Expired_pointer", "Text"]);
            let block = self.choices.below(self.outer.blocks);
            self.line(&format!("catch \"{tag}\" b{block}"));
        }
        let block = self.choices.below(self.outer.blocks);
        self.line(&format!("enter b{block}"));
        for register in KEPT + 1..10 {
            self.held[register] = Held::Mixed;
        }
        self.is_fresh = [false; 16];
    }

    pub(super) fn call(&mut self) {
        if self.outer.functions.is_empty() {
            return;
        }
        let callee = self.choices.below(self.outer.functions.len() as u32);
        let arity = self.outer.functions[callee as usize];
        let arguments: Vec<String> = (0..arity).map(|_| self.source(Type::Any)).collect();
        self.line(&format!("frame %{arity}"));
        for (number, argument) in arguments.iter().enumerate() {
            self.line(&format!("copy %{number} arguments {argument}"));
        }
        match self.choices.below(6) {
            0 if !self.outer.is_typed => {
                self.line(&format!("call %7 local f{callee}/{arity}"));
                self.line("delete %7 local");
            }
            1 => self.line(&format!("defer f{callee}/{arity}")),
            2 if arity == 0 => {
                let function = self.source(Type::Function);
                if self.type_of(&function) == Type::Function {
                    self.line(&format!("call void {function}"));
                } else {
                    self.line(&format!("call void f{callee}/{arity}"));
                }
            }
            _ => self.line(&format!("call void f{callee}/{arity}")),
        }
    }

    pub(super) fn closure(&mut self) {
        if self.outer.closures == 0 {
            return;
        }
        let number = self.choices.below(self.outer.closures);
        let (first, second) = (self.source(Type::Integer), self.source(Type::Text));
        self.line(&format!("closure %10 local c{number}/0"));
        // A shared variable may get another type behind the back of the closure.
        let ways: &[&str] = if self.outer.is_typed { &["capturecopy"] } else { &["capturecopy", "capture"] };
        let way =
            if first.starts_with('*') || first.ends_with("static") { "capturecopy" } else { self.choices.pick(ways) };
        self.line(&format!("{way} %10 local %1 {first}"));
        self.line(&format!("capturecopy %10 local %2 {second}"));
        for _ in 0..1 + self.choices.below(2) {
            self.line("frame %0");
            self.line("call void %10 local");
        }
        self.line("delete %10 local");
    }
}
