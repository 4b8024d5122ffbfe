//! A machine inside another program: modules are loaded into it, and their functions called.

use crate::cell::Cell;
use crate::ffi::{Entry, Exception, Export, Value};
use crate::heap::Heap;
use crate::import::LoadError;
use crate::machine::{Machine, Options};
use crate::names::Definitions;
use crate::raise::Raised;
use crate::value::release;
use std::sync::Arc;
use viua_bytecode::read;

/// A machine that a program holds.
///
/// Each call runs in a process of its own, and lasts until this process and all that it has started have ended. Loaded
/// modules stay from call to call; processes, messages and registers do not. What a function prints goes to standard
/// output, as always; an exception comes back and is not reported.
///
/// ```
/// use viua_bytecode::{Draft, Instruction, Kind, Operand, Register, SymbolKind, write};
/// use viua_isa::{AccessMode, Opcode, RegisterSet};
/// use viua_runtime::ffi::Value;
/// use viua_runtime::{Instance, Limits, Options};
///
/// // What `viuac build --lib` makes of
/// //     .function: double/1
/// //         allocate_registers %2 local
/// //         move %1 local %0 parameters
/// //         add %0 local %1 local %1 local
/// //         return
/// //     .end
/// let register = |index, set| Operand::Register(Register { index, set, mode: AccessMode::Direct });
/// let (local, parameter) = (|index| register(index, RegisterSet::Local), register(0, RegisterSet::Parameters));
/// let mut draft = Draft::new(Kind::Library);
/// draft.define(SymbolKind::Function, "double/1", &[
///     Instruction::new(Opcode::AllocateRegisters, &[Operand::Index(2)]),
///     Instruction::new(Opcode::Move, &[local(1), parameter]),
///     Instruction::new(Opcode::Add, &[local(0), local(1), local(1)]),
///     Instruction::new(Opcode::Return, &[]),
/// ]);
/// let bytes = write(&draft.finish());
///
/// let limits = Limits { processes: Some(100), ..Limits::default() };
/// let mut machine = Instance::new(Options { limits, ..Options::default() });
/// machine.load("example", &bytes).unwrap();
/// let result = machine.call("double/1", [Value::integer(21)]).unwrap();
/// assert_eq!(result.unwrap().view().as_integer(), Some(42));
///
/// let exception = machine.call("double/1", [Value::text("twenty-one")]).unwrap_err();
/// assert_eq!(exception.tag(), "Exception");
/// assert_eq!(exception.printed(), b"fetched invalid type: expected 'Number' but got 'Text'");
/// ```
pub struct Instance {
    machine: Arc<Machine>,
    schedulers: usize,
    limits: crate::machine::Limits,
}

impl Instance {
    /// A machine without modules. Those to preload are ignored: they can be imported.
    pub fn new(options: Options) -> Instance {
        let (schedulers, limits) = (options.schedulers, options.limits);
        Instance { machine: Machine::new(options), schedulers, limits }
    }

    /// Loads a container, a library or a program; `name` stands for it in messages. Its dynamic imports are loaded
    /// before it. Definitions replace earlier ones of the same name.
    pub fn load(&mut self, name: &str, bytes: &[u8]) -> Result<(), LoadError> {
        let module = read(bytes, name).map_err(|error| LoadError::link(error.to_string()))?;
        for import in &module.imports {
            self.machine.import_once(module.name(*import))?;
        }
        let damaged = |fault| LoadError::link(format!("damaged file: {name}: {fault}"));
        self.machine.define(vec![Definitions::Library(self.machine.decode(&module).map_err(damaged)?)]);
        Ok(())
    }

    /// Loads a module that the search of the options finds.
    pub fn import(&mut self, name: &str) -> Result<(), LoadError> {
        self.machine.import(name)
    }

    /// Lets bytecode call functions of the program that holds the machine.
    pub fn provide(&mut self, exports: &[Export]) {
        for export in exports {
            self.machine.provide(export.name, Entry::Native(export.function), export.is_quick);
        }
    }

    /// Calls a function and waits until everything that it has started has ended. Its result, if it has one. An
    /// exception `Limit` may mean that the machine was stopped ([`crate::Limits`]); it can be called again then.
    pub fn call(
        &mut self,
        function: &str,
        arguments: impl IntoIterator<Item = Value>,
    ) -> Result<Option<Value>, Exception> {
        let arguments: Vec<Cell> = arguments.into_iter().map(Value::embed).collect();
        let name = self.machine.slot(function);
        let outcome = if name.function().is_null() {
            arguments.into_iter().for_each(|argument| release(&mut Heap::default(), argument));
            Raised::text(format!("call to undefined function: {function}"))
        } else {
            Machine::renew(&mut self.machine, self.schedulers, self.limits);
            self.machine.call(name, arguments)
        };
        match outcome {
            Ok(result) => Ok((!result.is_empty()).then(|| Value::plain(result))),
            Err(raise) => Err(Exception::of(raise)),
        }
    }

    /// The machine, to look at what it does.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.machine.shut_down();
    }
}
