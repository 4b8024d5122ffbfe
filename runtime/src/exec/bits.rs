//! Bit strings (isa-bits.md).

use super::Outcome;
use crate::code::{Arg, Cold, Constant};
use crate::decode::bits_cell;
use crate::process::Process;
use crate::raise::Raised;
use viua_isa::Opcode;

pub fn execute(p: &mut Process, cold: &Cold) -> Outcome {
    if let (Opcode::Bits, Arg::Constant(index)) = (cold.opcode, cold.args[1]) {
        let target = p.target(cold.args[0])?;
        // SAFETY: the running frame has a body; constant operands are indexes into its pool.
        let Constant::Bits(bits) = (unsafe { &(&(*(*p.fp).body).constants)[index as usize] }) else {
            return Raised::text("operand is not a bit string");
        };
        // SAFETY: `target` found a register of this process.
        return unsafe { p.finish(target, bits_cell(bits)) };
    }
    Raised::text(format!("unimplemented instruction: {}", cold.opcode.mnemonic()))
}
