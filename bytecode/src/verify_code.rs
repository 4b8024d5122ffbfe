//! The verifier, continued: code and relocations (checks 19 to 28 of modules.md §12.9), one body after the other,
//! one pass over the bytes.

use crate::instruction::{Operand, decode};
use crate::layout::Pool;
use crate::module::{ExternalKind, Module, Reference, SymbolKind};
use crate::names::is_label;
use crate::reader::{Damage, Section, damage};
use crate::verifier::Bytes;
use viua_isa::Forms;

/// Checks all bodies, and fills in the number of their instructions.
pub(crate) fn verify_code(code: &Section, relo: Option<&Section>, module: &mut Module) -> Result<(), Damage> {
    let mut relocations = relo.map(|section| Relocations { section, next: 0 });
    for index in 0..module.symbols.len() {
        let symbol = module.symbols[index];
        let start = symbol.offset as usize;
        let end = start + symbol.length as usize;
        let count = verify_body(code, start, end, module, &mut relocations)?;
        module.symbols[index].instructions = count;
    }
    match relocations {
        Some(relocations) => relocations.finish(),
        None => Ok(()),
    }
}

/// Checks the body between two offsets; returns the number of its instructions.
fn verify_body(
    section: &Section,
    start: usize,
    end: usize,
    module: &Module,
    relocations: &mut Option<Relocations>,
) -> Result<u32, Damage> {
    let place = |at: usize| section.offset + at as u64;
    let bad = |at: usize, what: String| damage("CODE", place(at), what);
    let mut at = start;
    let mut count = 0u32;
    let mut farthest_jump = (0, start);
    while at < end {
        // 19 to 22: opcodes, kinds, modes, sets, unused bits, and that nothing crosses the end.
        let (instruction, length) = match decode(&section.content[at..end]) {
            Ok(decoded) => decoded,
            Err(error) => return bad(at, error.to_string()),
        };
        let mut operand_at = at + 1;
        for (operand, spec) in instruction.operands().iter().zip(instruction.opcode.row().operands) {
            if let Operand::Target(number) = *operand
                && number >= farthest_jump.0
            {
                farthest_jump = (number, operand_at);
            }
            if let Err(what) = check_operand(operand, spec.forms, module) {
                return bad(operand_at, what.to_owned());
            }
            if let (Some(relocations), Some(pool)) = (relocations.as_mut(), operand.pool()) {
                relocations.expect(operand_at + 1, pool)?;
            }
            operand_at += operand.encoded_length();
        }
        at += length;
        count += 1;
    }
    // 23: instructions are numbered, so a target is good if it is small enough. (A body is not empty.)
    if farthest_jump.0 >= count {
        return bad(farthest_jump.1, "jump out of the body".to_owned());
    }
    Ok(count)
}

/// Checks 24 to 27. Indexes of registers and counts are 16 bits wide and so always in range, and so are timeouts.
pub(crate) fn check_operand(operand: &Operand, forms: Forms, module: &Module) -> Result<(), &'static str> {
    match *operand {
        Operand::Data(id) => match module.data.get(id.0 as usize) {
            None => Err("no such piece of data"),
            Some(tag) if forms.has(Forms::TAG) && tag_quote(tag).is_none() => Err("not a tag that can be written"),
            Some(name) if forms.has(Forms::MODULE) && !is_module_operand(name) => Err("not an operand of import"),
            Some(_) => Ok(()),
        },
        // 11
        Operand::Bits(id) => match module.data.get(id.0 as usize) {
            None => Err("no such piece of data"),
            Some(bits) if bits.is_empty() => Err("empty bit string"),
            Some(_) => Ok(()),
        },
        Operand::Name(reference) => {
            let is_block = match reference {
                Reference::Symbol(index) => {
                    module.symbols.get(index as usize).map(|symbol| symbol.kind == SymbolKind::Block)
                }
                Reference::External(index) => {
                    module.externals.get(index as usize).map(|external| external.kind == ExternalKind::Block)
                }
            };
            match is_block {
                None => Err("no such symbol or external"),
                Some(is_block) if is_block != forms.has(Forms::BLOCK) => Err("a block for a function, or the reverse"),
                Some(_) => Ok(()),
            }
        }
        // No literal is a NaN; one that is too large is an infinity.
        Operand::Float(value) if value.is_nan() => Err("not a number"),
        Operand::Void | Operand::Register(_) | Operand::Index(_) | Operand::Integer(_) | Operand::Float(_) => Ok(()),
        Operand::Boolean(_) | Operand::Timeout(_) | Operand::Target(_) => Ok(()),
    }
}

/// The quotes between which a tag, which is stored as written, can be written again: the double ones if possible.
pub(crate) fn tag_quote(tag: &[u8]) -> Option<u8> {
    [b'"', b'\''].into_iter().find(|&quote| fits_between(quote, tag))
}

/// Whether it is a quoted literal, quotes included.
pub(crate) fn is_quoted(literal: &[u8]) -> bool {
    match literal {
        [first @ (b'"' | b'\''), content @ .., last] => first == last && fits_between(*first, content),
        _ => false,
    }
}

/// Whether the content of a literal would end where it ends.
fn fits_between(quote: u8, content: &[u8]) -> bool {
    let mut escaped = false;
    for &byte in content {
        if byte == quote && !escaped {
            return false;
        }
        escaped = byte == b'\\' && !escaped;
    }
    // A backslash at the end would escape the closing quote.
    !escaped
}

/// Whether it is the operand of `import`: a label, or a quoted literal with its quotes.
fn is_module_operand(name: &[u8]) -> bool {
    is_quoted(name) || std::str::from_utf8(name).is_ok_and(is_label)
}

/// Check 28: the relocations are exactly the indexes found in the code.
struct Relocations<'a, 's> {
    section: &'a Section<'s>,
    next: usize,
}

impl Relocations<'_, '_> {
    fn expect(&mut self, offset: usize, pool: Pool) -> Result<(), Damage> {
        let row = Bytes(self.section.content.get(self.next..).unwrap_or_default());
        if row.0.len() >= 8 && row.u32(0) as usize == offset && row.u32(4) == pool as u32 {
            self.next += 8;
            return Ok(());
        }
        damage("RELO", self.section.offset + self.next as u64, "relocations do not fit the code")
    }

    fn finish(self) -> Result<(), Damage> {
        if self.next == self.section.content.len() {
            return Ok(());
        }
        damage("RELO", self.section.offset + self.next as u64, "relocation without an operand")
    }
}
