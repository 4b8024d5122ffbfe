//! One operand: from its class in the source to its kind in the container, or the finding of language.md §16 (and, for
//! what the analysis would have found, §13.2).

use crate::Generator;
use crate::pools::is_defined;
use viua_bytecode::{ExternalKind, Operand as Encoded, Reference, Register};
use viua_diagnostics::{Code, Diagnostic, Position, Span};
use viua_ir::{
    Destination, Instruction, Module, Name, Operand, OperandKind, Origin, TargetForm, byte_address_or_nonsense, literal,
};
use viua_isa::{self as isa, AccessMode, Forms, Opcode};

type Lowered = Result<Encoded, Box<Diagnostic>>;

/// `invalid register set type name: locl`
pub fn not_a_set(module: &Module, token: &Operand) -> Diagnostic {
    let message = format!("invalid register set type name: {}", module.spelling(token));
    Diagnostic::error(Code::E0125, module.at(token.span), message)
}

/// Where a finding points, for sorting.
pub fn position(finding: &Diagnostic) -> Span {
    match &finding.fault.at {
        Position::At(location) => location.span,
        Position::File(_) | Position::FileTight(_) | Position::Nowhere => Span::default(),
    }
}

fn not_a_register(module: &Module, operand: &Operand) -> Lowered {
    let message = format!("invalid operand token: {}", module.spelling(operand));
    Err(Box::new(Diagnostic::error(Code::E0124, module.at(operand.span), message)))
}

fn expected(module: &Module, operand: &Operand, what: &str) -> Lowered {
    let finding = Diagnostic::error(Code::E0122, module.at(operand.span), "invalid operand");
    Err(Box::new(finding.note(format!("expected {what}"))))
}

fn error(module: &Module, code: Code, at: Span, message: String) -> Lowered {
    Err(Box::new(Diagnostic::error(code, module.at(at), message)))
}

impl Generator<'_> {
    /// Lowers an operand; `number` is that of its instruction in the body.
    pub fn operand(
        &mut self,
        instruction: &Instruction,
        spec: &isa::Operand,
        operand: &Operand,
        number: u32,
    ) -> Lowered {
        let module = self.module;
        let forms = spec.forms;
        match operand.kind {
            OperandKind::Register(register) if forms.meets(Forms::REGISTER.or(Forms::INDEX)) => {
                let Some(index) = register.number() else {
                    return not_a_register(module, operand);
                };
                if forms.has(Forms::INDEX) {
                    return Ok(Encoded::Index(index));
                }
                // A callee is `%N` or `*N` (language.md §14.5).
                if forms.has(Forms::FUNCTION) && register.mode == AccessMode::Indirect {
                    return not_a_register(module, operand);
                }
                Ok(Encoded::Register(Register { mode: register.mode, set: register.set, index }))
            }
            OperandKind::Void if forms.has(Forms::VOID) => Ok(Encoded::Void),
            _ => self.not_a_register(instruction, forms, operand, number),
        }
    }

    /// Lowers an operand that is neither a register nor `void`, or is one where it may not be.
    fn not_a_register(&mut self, instruction: &Instruction, forms: Forms, operand: &Operand, number: u32) -> Lowered {
        let module = self.module;
        let is_quoted = matches!(operand.kind, OperandKind::Text | OperandKind::Atom);
        if forms.has(Forms::INTEGER) {
            return integer(module, operand);
        }
        if forms.has(Forms::FLOAT) {
            return float(module, operand);
        }
        if forms.has(Forms::STRING) {
            return match is_quoted {
                true if operand.origin != Origin::Written => self.data(b""),
                true => self.data(&literal::string(module.text(operand.span))),
                false => expected(module, operand, "text literal"),
            };
        }
        if forms.has(Forms::TAG) {
            return match is_quoted {
                true => self.data(literal::content(module.text(operand.span))),
                false => expected(module, operand, "text literal"),
            };
        }
        if forms.has(Forms::ATOM) {
            return match operand.kind {
                OperandKind::Atom => self.data(&literal::atom(module.text(operand.span))),
                OperandKind::Text if operand.origin == Origin::Written => {
                    let content = String::from_utf8_lossy(literal::content(module.text(operand.span)));
                    let hint = format!("atom literals use single quotes: '{content}'");
                    expected(module, operand, "atom literal")
                        .map_err(|finding| Box::new(finding.hint(module.at(operand.span), hint)))
                }
                _ => expected(module, operand, "atom literal"),
            };
        }
        if forms.has(Forms::MODULE) {
            return match operand.kind {
                OperandKind::Label(_) => self.data(module.text(operand.span)),
                // The quotes belong to the name (modules.md §6).
                OperandKind::Text | OperandKind::Atom => self.data(module.text(operand.span)),
                _ => expected(module, operand, "module name"),
            };
        }
        if forms.has(Forms::BLOCK) {
            return match operand.kind {
                OperandKind::Label(name) | OperandKind::FunctionName(name) => {
                    self.reference(operand, name, ExternalKind::Block)
                }
                _ => expected(module, operand, "a block name"),
            };
        }
        if forms.has(Forms::TIMEOUT) {
            return timeout(module, instruction, operand);
        }
        if forms.has(Forms::TARGET) {
            return target(module, operand, number);
        }
        match operand.kind {
            OperandKind::FunctionName(name) if forms.has(Forms::FUNCTION) => {
                self.reference(operand, name, ExternalKind::Function)
            }
            OperandKind::Boolean(value) if forms.has(Forms::BOOLEAN) => Ok(Encoded::Boolean(value)),
            OperandKind::Bits if forms.has(Forms::BITS) => match literal::bits(module.text(operand.span)) {
                Some(bytes) => Ok(Encoded::Bits(self.draft.data(&bytes))),
                None => not_a_register(module, operand),
            },
            _ if forms == Forms::FUNCTION => match instruction.opcode {
                Opcode::Watchdog => expected(module, operand, "function name or atom literal"),
                Opcode::Process => expected(module, operand, "function name"),
                _ => expected(module, operand, "function name literal"),
            },
            _ => not_a_register(module, operand),
        }
    }

    fn data(&mut self, bytes: &[u8]) -> Lowered {
        Ok(Encoded::Data(self.draft.data(bytes)))
    }

    fn reference(&mut self, operand: &Operand, name: Name, kind: ExternalKind) -> Lowered {
        let module = self.module;
        match name {
            Name::Definition(id) if is_defined(module, name, kind) => {
                Ok(Encoded::Name(Reference::Symbol(self.symbols[id.0 as usize])))
            }
            _ => match self.externals.number(&module.name(operand), kind) {
                Some(number) => Ok(Encoded::Name(Reference::External(number))),
                None => not_a_register(module, operand),
            },
        }
    }
}

fn integer(module: &Module, operand: &Operand) -> Lowered {
    match operand.kind {
        OperandKind::Integer(value) => Ok(Encoded::Integer(value)),
        OperandKind::IntegerOutOfRange => {
            let message = format!("integer literal out of range: {}", module.lossy(operand.span));
            error(module, Code::E0013, operand.span, message)
        }
        _ => {
            let token = literal::quoted(module.spelling(operand).as_bytes());
            error(module, Code::E0126, operand.span, format!("cannot resolve register operand: {token}"))
        }
    }
}

fn float(module: &Module, operand: &Operand) -> Lowered {
    let value = match operand.kind {
        OperandKind::Float | OperandKind::Integer(_) | OperandKind::IntegerOutOfRange => {
            literal::float(module.spelling(operand).as_bytes())
        }
        _ => None,
    };
    match value {
        Some(value) => Ok(Encoded::Float(value)),
        None => expected(module, operand, "float literal"),
    }
}

fn timeout(module: &Module, instruction: &Instruction, operand: &Operand) -> Lowered {
    let limit = match operand.kind {
        OperandKind::Infinity => return Ok(Encoded::Timeout(None)),
        OperandKind::Duration => literal::duration(module.text(operand.span)),
        _ => None,
    };
    match limit {
        Some(limit) => Ok(Encoded::Timeout(Some(limit))),
        None => {
            let message = format!("invalid timeout token in '{}'", instruction.opcode.mnemonic());
            error(module, Code::E0014, operand.span, message)
        }
    }
}

fn target(module: &Module, operand: &Operand, number: u32) -> Lowered {
    let OperandKind::Target { form, to } = operand.kind else {
        return Err(Box::new(byte_address_or_nonsense(module, operand)));
    };
    let text = module.spelling(operand);
    match (to, form) {
        (Destination::Instruction(number), _) => Ok(Encoded::Target(number)),
        (Destination::Unknown, _) => {
            let token = literal::quoted(text.as_bytes());
            let message = format!("cannot resolve jump to unrecognised marker: {token}");
            error(module, Code::E0608, operand.span, message)
        }
        (Destination::BeforeStart, _) => {
            let message = format!(
                "use of relative jump results in a jump to negative index: jump_value = {text}, instruction_index = {number}"
            );
            error(module, Code::E0606, operand.span, message)
        }
        (
            Destination::BehindEnd,
            TargetForm::Marker | TargetForm::Absolute | TargetForm::Forward | TargetForm::Backward,
        ) => error(module, Code::E0607, operand.span, "forward out-of-range jump".to_owned()),
    }
}
