//! One instruction: encoding and decoding. An opcode byte, then one operand after the other as the row of the
//! instruction table says; there is exactly one encoding for each instruction.
//!
//! An operand is a tag byte and a payload (little-endian):
//!
//! | tag | operand | payload |
//! | --- | --- | --- |
//! | `0x00` | `void` | none |
//! | `0x01` | index | u16 |
//! | `0x02` | integer | i64 |
//! | `0x03` | float | f64, its bits |
//! | `0x04`, `0x05` | `false`, `true` | none |
//! | `0x06` | timeout | u32 milliseconds, all ones: infinity |
//! | `0x07` | data (text, string, atom, tag, module name) | u32 index |
//! | `0x08` | data (bits) | u32 index |
//! | `0x09` | symbol | u32 index |
//! | `0x0a` | external | u32 index |
//! | `0x0b` | jump target | u32 instruction number |
//! | `0x80` + mode × 8 + set | register | u16 index |

use crate::layout::Pool;
use crate::module::{DataId, Reference};
use viua_isa::{AccessMode, Forms, Opcode, RegisterSet};

/// A register operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// How the value is reached.
    pub mode: AccessMode,
    /// Which set.
    pub set: RegisterSet,
    /// Which register.
    pub index: u16,
}

/// An operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// Nothing.
    Void,
    /// A register.
    Register(Register),
    /// A count or slot.
    Index(u16),
    /// A 64-bit integer.
    Integer(i64),
    /// A float, by its bits.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// Milliseconds; `None` is infinity.
    Timeout(Option<u32>),
    /// Bytes of a text, string, atom, tag or module name.
    Data(DataId),
    /// A bit string.
    Bits(DataId),
    /// A function, closure or block.
    Name(Reference),
    /// The number of an instruction of the same body.
    Target(u32),
}

impl Operand {
    /// The number of bytes of its encoding, tag included.
    pub const fn encoded_length(&self) -> usize {
        match self {
            Operand::Void | Operand::Boolean(_) => 1,
            Operand::Register(_) | Operand::Index(_) => 3,
            Operand::Timeout(_) | Operand::Data(_) | Operand::Bits(_) | Operand::Name(_) | Operand::Target(_) => 5,
            Operand::Integer(_) | Operand::Float(_) => 9,
        }
    }

    /// The table that it points into, if it is an index into one.
    pub const fn pool(&self) -> Option<Pool> {
        match self {
            Operand::Data(_) | Operand::Bits(_) => Some(Pool::Data),
            Operand::Name(Reference::Symbol(_)) => Some(Pool::Symbols),
            Operand::Name(Reference::External(_)) => Some(Pool::Externals),
            Operand::Void | Operand::Register(_) | Operand::Index(_) | Operand::Integer(_) | Operand::Float(_) => None,
            Operand::Boolean(_) | Operand::Timeout(_) | Operand::Target(_) => None,
        }
    }
}

/// An instruction: opcode and operands. No instruction has more than four.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instruction {
    /// Which one.
    pub opcode: Opcode,
    operands: [Operand; 4],
}

impl Instruction {
    /// Puts an instruction together. The operands must be as many as the table says.
    pub fn new(opcode: Opcode, operands: &[Operand]) -> Instruction {
        assert_eq!(operands.len(), opcode.row().operands.len(), "operands of {}", opcode.mnemonic());
        let mut all = [Operand::Void; 4];
        all[..operands.len()].copy_from_slice(operands);
        Instruction { opcode, operands: all }
    }

    /// The operands.
    pub fn operands(&self) -> &[Operand] {
        &self.operands[..self.opcode.row().operands.len()]
    }
}

/// An operand that is an index into a table, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndexOperand {
    /// Where the operand's tag stands, in bytes from the start of the code; the index follows it.
    pub offset: usize,
    /// The operand.
    pub operand: Operand,
}

/// The operands of well-formed code that hold an index: what has to be renumbered when modules are merged.
pub fn index_operands(code: &[u8]) -> impl Iterator<Item = IndexOperand> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let (instruction, length) = decode(&code[start..]).ok()?;
        let mut offset = start + 1;
        start += length;
        let mut found = [None; 4];
        for (slot, &operand) in found.iter_mut().zip(instruction.operands()) {
            *slot = operand.pool().map(|_| IndexOperand { offset, operand });
            offset += operand.encoded_length();
        }
        Some(found)
    })
    .flatten()
    .flatten()
}

/// Replaces indexes in well-formed code by other indexes.
pub fn renumber(code: &mut [u8], mut replacement: impl FnMut(Operand) -> Operand) {
    let mut start = 0;
    let mut encoded = Vec::new();
    while let Ok((instruction, length)) = decode(&code[start..]) {
        let mut at = start + 1;
        for operand in instruction.operands() {
            let end = at + operand.encoded_length();
            if operand.pool().is_some() {
                encoded.clear();
                encode_operand(&replacement(*operand), &mut encoded);
                // All operands with an index are of the same length.
                code[at..end].copy_from_slice(&encoded);
            }
            at = end;
        }
        start += length;
    }
}

/// Why bytes are not an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("instruction crosses the end of its body")]
    Truncated,
    /// No instruction has this number.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u8),
    /// The operand may not be of this kind.
    #[error("operand {operand} of {} may not be of kind {tag:#04x}", .opcode.mnemonic())]
    BadOperand {
        /// The instruction.
        opcode: Opcode,
        /// Number of the operand.
        operand: u8,
        /// What stands there.
        tag: u8,
    },
}

const INFINITY: u32 = u32::MAX;

/// Appends the encoding of an instruction.
pub fn encode(instruction: &Instruction, code: &mut Vec<u8>) {
    code.push(instruction.opcode as u8);
    for operand in instruction.operands() {
        encode_operand(operand, code);
    }
}

fn encode_operand(operand: &Operand, code: &mut Vec<u8>) {
    fn tagged<const N: usize>(code: &mut Vec<u8>, tag: u8, payload: [u8; N]) {
        code.push(tag);
        code.extend_from_slice(&payload);
    }
    match *operand {
        Operand::Void => code.push(0x00),
        Operand::Index(index) => tagged(code, 0x01, index.to_le_bytes()),
        Operand::Integer(value) => tagged(code, 0x02, value.to_le_bytes()),
        Operand::Float(value) => tagged(code, 0x03, value.to_bits().to_le_bytes()),
        Operand::Boolean(value) => code.push(0x04 + u8::from(value)),
        Operand::Timeout(limit) => tagged(code, 0x06, limit.unwrap_or(INFINITY).to_le_bytes()),
        Operand::Data(id) => tagged(code, 0x07, id.0.to_le_bytes()),
        Operand::Bits(id) => tagged(code, 0x08, id.0.to_le_bytes()),
        Operand::Name(Reference::Symbol(index)) => tagged(code, 0x09, index.to_le_bytes()),
        Operand::Name(Reference::External(index)) => tagged(code, 0x0a, index.to_le_bytes()),
        Operand::Target(number) => tagged(code, 0x0b, number.to_le_bytes()),
        Operand::Register(Register { mode, set, index }) => {
            tagged(code, 0x80 | (mode as u8) << 3 | set as u8, index.to_le_bytes());
        }
    }
}

/// Decodes the instruction at the front of `code`; also tells its length in bytes.
///
/// Checks opcode, kinds of operands and access modes against the instruction table; indexes into pools and jump
/// targets are the verifier's business.
pub fn decode(code: &[u8]) -> Result<(Instruction, usize), DecodeError> {
    let (&number, mut rest) = code.split_first().ok_or(DecodeError::Truncated)?;
    let opcode = Opcode::from_number(number).filter(|opcode| *opcode != Opcode::Bool);
    let opcode = opcode.ok_or(DecodeError::UnknownOpcode(number))?;
    let mut operands = [Operand::Void; 4];
    for (at, spec) in opcode.row().operands.iter().enumerate() {
        let (operand, needed) = decode_operand(&mut rest)?;
        let bad = |tag| DecodeError::BadOperand { opcode, operand: at as u8, tag };
        if !needed.allowed_by(spec.forms) {
            return Err(bad(needed.tag));
        }
        // A callee is `%N` or `*N`; `@N` cannot be written (language.md §14.5).
        if let Operand::Register(register) = operand
            && spec.forms.has(Forms::FUNCTION)
            && register.mode == AccessMode::Indirect
        {
            return Err(bad(needed.tag));
        }
        operands[at] = operand;
    }
    Ok((Instruction { opcode, operands }, code.len() - rest.len()))
}

struct Found {
    tag: u8,
    forms: Forms,
}

impl Found {
    fn allowed_by(&self, forms: Forms) -> bool {
        // `allocate_registers` may be written with any register; only its number is stored.
        forms.meets(self.forms) && !(self.tag >= 0x80 && forms.has(Forms::INDEX))
    }
}

fn decode_operand(rest: &mut &[u8]) -> Result<(Operand, Found), DecodeError> {
    fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], DecodeError> {
        let (bytes, after) = rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        *rest = after;
        Ok(*bytes)
    }
    let [tag] = take::<1>(rest)?;
    let number = |rest: &mut &[u8]| take::<4>(rest).map(u32::from_le_bytes);
    let none = Forms(0);
    let (operand, forms) = match tag {
        0x00 => (Operand::Void, Forms::VOID),
        0x01 => (Operand::Index(u16::from_le_bytes(take(rest)?)), Forms::INDEX),
        0x02 => (Operand::Integer(i64::from_le_bytes(take(rest)?)), Forms::INTEGER),
        0x03 => (Operand::Float(f64::from_bits(u64::from_le_bytes(take(rest)?))), Forms::FLOAT),
        0x04 | 0x05 => (Operand::Boolean(tag == 0x05), Forms::BOOLEAN),
        0x06 => {
            let limit = number(rest)?;
            (Operand::Timeout((limit != INFINITY).then_some(limit)), Forms::TIMEOUT)
        }
        0x07 => (Operand::Data(DataId(number(rest)?)), Forms::STRING.or(Forms::ATOM).or(Forms::TAG).or(Forms::MODULE)),
        0x08 => (Operand::Bits(DataId(number(rest)?)), Forms::BITS),
        0x09 => (Operand::Name(Reference::Symbol(number(rest)?)), Forms::FUNCTION.or(Forms::BLOCK)),
        0x0a => (Operand::Name(Reference::External(number(rest)?)), Forms::FUNCTION.or(Forms::BLOCK)),
        0x0b => (Operand::Target(number(rest)?), Forms::TARGET),
        _ => {
            let mode = match (tag >> 3) & 3 {
                0 => Some(AccessMode::Direct),
                1 => Some(AccessMode::Indirect),
                2 => Some(AccessMode::Dereference),
                _ => None,
            };
            let set = RegisterSet::ALL.get(usize::from(tag & 7)).copied();
            match (tag & 0xe0 == 0x80, mode, set) {
                (true, Some(mode), Some(set)) => {
                    let index = u16::from_le_bytes(take(rest)?);
                    (Operand::Register(Register { mode, set, index }), Forms::REGISTER)
                }
                _ => (Operand::Void, none),
            }
        }
    };
    Ok((operand, Found { tag, forms }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(index: u16) -> Operand {
        Operand::Register(Register { mode: AccessMode::Direct, set: RegisterSet::Local, index })
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let cases = [
            Instruction::new(Opcode::Nop, &[]),
            Instruction::new(Opcode::Integer, &[local(1), Operand::Integer(-5)]),
            Instruction::new(Opcode::If, &[local(1), Operand::Target(3), Operand::Target(4)]),
            Instruction::new(Opcode::Call, &[Operand::Void, Operand::Name(Reference::Symbol(2))]),
            Instruction::new(Opcode::AllocateRegisters, &[Operand::Index(7)]),
        ];
        for case in cases {
            let mut code = Vec::new();
            encode(&case, &mut code);
            assert_eq!(decode(&code), Ok((case, code.len())));
            for length in 0..code.len() {
                assert_eq!(decode(&code[..length]), Err(DecodeError::Truncated));
            }
        }
    }

    #[test]
    fn kinds_are_checked() {
        let mut code = vec![Opcode::Print as u8, 0x00];
        assert!(matches!(decode(&code), Err(DecodeError::BadOperand { operand: 0, .. })));
        code[0] = Opcode::Bool as u8;
        assert_eq!(decode(&code), Err(DecodeError::UnknownOpcode(Opcode::Bool as u8)));
        assert_eq!(decode(&[250]), Err(DecodeError::UnknownOpcode(250)));
    }
}
