//! The parts of the reference manual that are rendered from the table: the index of instructions, the table of
//! canonical operands and short forms (language.md §12.3), and a page with an entry for every instruction.
//!
//! The manual (docs/reference) holds them between markers, so that they can be read without building anything;
//! [`fill`] puts the present rendering there. A test compares, so the manual cannot drift from the table.
//! [`entry`] also serves `viuac explain add`.

use crate::{Access, Default, Expected, Forms, Instruction, Opcode, Operand, SetRule, TABLE};
use std::fmt::Write;

/// A section of the reference manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// File name of the part.
    pub part: &'static str,
    /// Number of the section, such as `7` or `1.3`.
    pub number: &'static str,
    /// Its heading, without the number.
    pub title: &'static str,
}

impl Section {
    /// The heading line as it stands in the part.
    pub fn heading(&self) -> String {
        match self.number.contains('.') {
            true => format!("### {} {}", self.number, self.title),
            false => format!("## {}. {}", self.number, self.title),
        }
    }

    /// A link to the section, relative to the folder of the manual.
    pub fn link(&self) -> String {
        format!("[{} §{}]({}#{})", self.part, self.number, self.part, anchor(&self.heading()))
    }
}

/// The anchor that renderers of Markdown give a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim();
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            'a'..='z' | '0'..='9' | '_' | '-' => Some(c),
            'A'..='Z' => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

/// Renders the block between a pair of markers, told by its name; `None` if there is no such block.
pub fn block(name: &str) -> Option<String> {
    match name {
        "index" => Some(index()),
        "short forms" => Some(short_forms()),
        "instructions" => Some(entries()),
        _ => None,
    }
}

/// A text of the manual with all its generated blocks as they have to be. A block stands between the lines
/// `<!-- generated: NAME -->` and `<!-- end -->`. Blocks of unknown names and open blocks stay as they are.
pub fn fill(text: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPEN) {
        let name_end = rest[start..].find(OPEN_END).map(|at| start + at);
        let end = name_end.and_then(|from| rest[from..].find(CLOSE).map(|at| from + at));
        let (Some(name_end), Some(end)) = (name_end, end) else { break };
        let body = name_end + OPEN_END.len();
        filled.push_str(&rest[..body]);
        match block(&rest[start + OPEN.len()..name_end]) {
            Some(block) => {
                filled.push_str("\n\n");
                filled.push_str(&block);
                filled.push('\n');
            }
            None => filled.push_str(&rest[body..end]),
        }
        filled.push_str(CLOSE);
        rest = &rest[end + CLOSE.len()..];
    }
    filled.push_str(rest);
    filled
}

const OPEN: &str = "<!-- generated: ";
const OPEN_END: &str = " -->";
const CLOSE: &str = "<!-- end -->";

fn by_name() -> Vec<&'static Instruction> {
    let mut rows: Vec<_> = TABLE.iter().collect();
    rows.sort_by_key(|row| row.mnemonic);
    rows
}

/// All instructions in alphabetical order, four columns, each with a link to the section that defines it.
pub fn index() -> String {
    const COLUMNS: usize = 4;
    let rows = by_name();
    let height = rows.len().div_ceil(COLUMNS);
    let mut out =
        String::from("| instruction | instruction | instruction | instruction |\n| --- | --- | --- | --- |\n");
    for line in 0..height {
        for column in 0..COLUMNS {
            out.push_str("| ");
            if let Some(row) = rows.get(column * height + line) {
                let section = section(row.opcode);
                let part = section.part.trim_end_matches(".md");
                let target = anchor(&section.heading());
                let _ = write!(out, "`{}` [{part} {}]({}#{target}) ", row.mnemonic, section.number, section.part);
            }
        }
        out.push_str("|\n");
    }
    out
}

/// The table of canonical operands and short forms; one line for all instructions that are written alike.
pub fn short_forms() -> String {
    let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
    for row in &TABLE {
        let description = format!("{} | {} | {}", canonical(row), left_out(row), takes_default(row));
        // `bool` has no operands because it is no instruction; it has a line of its own.
        let alike = lines.iter_mut().find(|(_, other)| *other == description && row.opcode != Opcode::Bool);
        match alike {
            Some((names, _)) => names.push(row.mnemonic),
            None => lines.push((vec![row.mnemonic], description)),
        }
    }
    let mut out =
        String::from("| mnemonic | canonical operands | when left out | `default` for |\n| --- | --- | --- | --- |\n");
    for (names, description) in lines {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(out, "| {} | {description} |", names.join(" "));
    }
    out
}

fn canonical(row: &Instruction) -> String {
    match (row.opcode, row.operands) {
        (Opcode::Bool, _) => "reserved, not implemented".to_owned(),
        (_, []) => "none".to_owned(),
        (_, operands) => operands.iter().map(|operand| written(operand, "\\|")).collect::<Vec<_>>().join(" "),
    }
}

fn left_out(row: &Instruction) -> String {
    let mut parts: Vec<String> = row.operands.iter().filter(|operand| operand.omittable).map(replacement).collect();
    if row.two_operand_form {
        parts.push("`op A B` is `op A A B`".to_owned());
    }
    parts.join(", ")
}

fn replacement(operand: &Operand) -> String {
    match default_text(operand.default) {
        Some(text) => format!("{} = {text}", operand.name),
        None => operand.name.to_owned(),
    }
}

fn takes_default(row: &Instruction) -> String {
    let names: Vec<_> =
        row.operands.iter().filter(|operand| operand.takes_default).map(|operand| operand.name).collect();
    names.join(", ")
}

fn default_text(default: Default) -> Option<&'static str> {
    match default {
        Default::None => None,
        Default::Void => Some("`void`"),
        Default::Infinity => Some("`infinity`"),
        Default::Zero => Some("`0`"),
        Default::ZeroFloat => Some("`0.0`"),
        Default::EmptyString => Some("`\"\"`"),
        Default::IndexZero => Some("`%0`"),
        Default::NextInstruction => Some("`+1`"),
        Default::SameAsFirst => Some("the first operand"),
        Default::LocalOfIndex => Some("the local register of that index"),
    }
}

/// The forms of an operand in the notation of language.md §12.3.
fn written(operand: &Operand, or: &str) -> String {
    const LITERALS: [(Forms, &str); 13] = [
        (Forms::INTEGER, "INT"),
        (Forms::FLOAT, "FLOAT"),
        (Forms::BOOLEAN, "BOOL"),
        (Forms::BITS, "BITS"),
        (Forms::STRING, "STR"),
        (Forms::ATOM, "ATOM"),
        (Forms::TAG, "STR"),
        (Forms::TIMEOUT, "TIME"),
        (Forms::FUNCTION, "FN"),
        (Forms::BLOCK, "block"),
        (Forms::MODULE, "module"),
        (Forms::TARGET, "*jump*"),
        (Forms::INDEX, "*index*"),
    ];
    let mut forms: Vec<&str> =
        LITERALS.iter().filter(|(form, _)| operand.forms.has(*form)).map(|(_, name)| *name).collect();
    if operand.is_register() {
        forms.push(match operand.set {
            SetRule::Local => "R",
            SetRule::LikeFirst => "R=",
        });
    }
    if operand.forms.has(Forms::VOID) {
        forms.push("void");
    }
    forms.join(or)
}

/// What is done with the register of an operand: the class of values.md §4.1, in words.
fn class(access: Access) -> Option<&'static str> {
    match access {
        Access::Target => Some("T"),
        Access::Take => Some("R, emptied"),
        Access::Register => Some("R"),
        Access::Index => Some("X"),
        Access::Value => Some("V"),
        Access::InPlace => Some("V, changed in place"),
        Access::Consume => Some("C"),
        Access::Immediate => None,
    }
}

/// An entry for every instruction, in alphabetical order.
pub fn entries() -> String {
    let entries: Vec<_> = by_name().iter().map(|row| entry(row.opcode)).collect();
    entries.join("\n")
}

/// What there is to know about one instruction at a glance, as Markdown that is also fit for a terminal.
pub fn entry(opcode: Opcode) -> String {
    let row = opcode.row();
    let mut out = format!("## `{}`\n\n    {}\n\n{}\n\n", row.mnemonic, synopsis(opcode), row.doc);
    for operand in row.operands {
        let _ = writeln!(out, "- {}", description(operand));
    }
    if row.two_operand_form {
        let _ = writeln!(out, "- short form: `{0} A B` is `{0} A A B`", row.mnemonic);
    }
    for exception in row.raises {
        // Texts may hold a backtick, as in: use `frame 0' in source code.
        let fence = if exception.contains('`') { "``" } else { "`" };
        let _ = writeln!(out, "- raises {fence}{}{fence}", exception.replacen(": ", " = ", 1));
    }
    if !row.steps.is_empty() {
        let _ = writeln!(out, "- checked by `{}`", row.steps);
    }
    let section = section(opcode);
    let _ = writeln!(out, "- defined in {}, {}", section.link(), section.title);
    out
}

/// How the instruction is written: mnemonic and operands, those that may be left out in brackets.
pub fn synopsis(opcode: Opcode) -> String {
    let row = opcode.row();
    let mut out = row.mnemonic.to_owned();
    for operand in row.operands {
        let name = operand.name.to_uppercase();
        let _ = match operand.omittable {
            true => write!(out, " [{name}]"),
            false => write!(out, " {name}"),
        };
    }
    out
}

fn description(operand: &Operand) -> String {
    let mut out = format!("*{}*: {}", operand.name, written(operand, " or "));
    if let (true, Some(class)) = (operand.is_register(), class(operand.access)) {
        let _ = write!(out, ", class {class}");
    }
    if operand.expected != Expected::Any {
        let _ = write!(out, ", of type {}", operand.expected.name());
    }
    if let Some(text) = default_text(operand.default) {
        let _ = match (operand.omittable, operand.takes_default) {
            (true, true) => write!(out, "; left out or `default`: {text}"),
            (true, false) => write!(out, "; left out: {text}"),
            (false, _) => write!(out, "; `default`: {text}"),
        };
    }
    out
}

const fn at(part: &'static str, number: &'static str, title: &'static str) -> Section {
    Section { part, number, title }
}

/// The section that defines an instruction.
#[rustfmt::skip]
pub const fn section(opcode: Opcode) -> Section {
    use Opcode::*;
    match opcode {
        Nop => at("isa-values.md", "2", "Summary"),
        Izero | Integer | Iinc | Idec | Float | Itof | Ftoi | Stoi | Stof | Add | Sub | Mul | Div | Lt | Lte | Gt | Gte | Eq =>
            at("isa-values.md", "3", "Numbers"),
        String | Streq | Text | Texteq | Textat | Textsub | Textlength | Textcommonprefix | Textcommonsuffix | Textconcat
        | Atom | Atomeq => at("isa-values.md", "4", "Strings, texts, atoms"),
        Vector | Vinsert | Vpush | Vpop | Vat | Vlen => at("isa-values.md", "5", "Vectors"),
        Struct | Structinsert | Structremove | Structat | Structkeys => at("isa-values.md", "6", "Structs"),
        Not | And | Or => at("isa-values.md", "7", "Logic"),
        Bool => at("isa-values.md", "8", "`bool`"),
        Move | Copy | Swap | Delete | Isnull => at("isa-values.md", "9", "Registers"),
        Ptr | Ptrlive => at("isa-values.md", "10", "Pointers"),
        Print | Echo => at("isa-values.md", "11", "Output"),
        Bits | BitsOfInteger | IntegerOfBits | Bitswidth => at("isa-bits.md", "3", "Instructions"),
        Bitand | Bitor | Bitnot | Bitxor | Bitat | Bitset => at("isa-bits.md", "4", "Logic and single bits"),
        Shl | Shr | Ashl | Ashr | Rol | Ror => at("isa-bits.md", "5", "Shifts and rotations"),
        Bitseq | Bitslt | Bitslte | Bitsgt | Bitsgte | Bitaeq | Bitalt | Bitalte | Bitagt | Bitagte =>
            at("isa-bits.md", "6", "Comparisons"),
        Wrapincrement | Wrapdecrement | Wrapadd | Wrapsub | Wrapmul | Wrapdiv
        | Checkedsincrement | Checkedsdecrement | Checkedsadd | Checkedssub | Checkedsmul | Checkedsdiv
        | Checkeduincrement | Checkedudecrement | Checkeduadd | Checkedusub | Checkedumul | Checkedudiv
        | Saturatingsincrement | Saturatingsdecrement | Saturatingsadd | Saturatingssub | Saturatingsmul | Saturatingsdiv
        | Saturatinguincrement | Saturatingudecrement | Saturatinguadd | Saturatingusub | Saturatingumul | Saturatingudiv =>
            at("isa-bits.md", "7", "Arithmetic"),
        Frame | Call | AllocateRegisters | Return => at("isa-control.md", "2", "Calls"),
        Tailcall => at("isa-control.md", "3", "`tailcall`"),
        Defer => at("isa-control.md", "4", "`defer`"),
        Jump | If | Halt => at("isa-control.md", "5", "Branches"),
        Function | Closure | Capture | Capturecopy | Capturemove =>
            at("isa-control.md", "6", "Functions, closures, shared variables"),
        Import => at("isa-control.md", "7", "`import`"),
        Try | Catch | Enter | Leave => at("isa-control.md", "8", "Blocks"),
        Throw | Draw | Exception | ExceptionTag | ExceptionValue => at("isa-control.md", "9", "Exceptions"),
        Process => at("runtime.md", "1.2", "`process TARGET FUNCTION`"),
        SelfPid | Pideq => at("runtime.md", "1.3", "Pids"),
        Join => at("runtime.md", "1.4", "`join TARGET PID [TIMEOUT]`"),
        Send => at("runtime.md", "2.1", "`send PID VALUE`"),
        Receive => at("runtime.md", "2.2", "`receive TARGET [TIMEOUT]`"),
        Watchdog => at("runtime.md", "4.2", "`watchdog FUNCTION`"),
        IoRead | IoWrite | IoClose | IoWait | IoCancel => at("runtime.md", "7.2", "Instructions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synopsis_brackets_what_may_be_left_out() {
        assert_eq!(synopsis(Opcode::Call), "call [RESULT] CALLEE");
        assert_eq!(synopsis(Opcode::Receive), "receive RESULT [TIMEOUT]");
        assert_eq!(synopsis(Opcode::Nop), "nop");
    }

    #[test]
    fn an_entry_tells_operands_and_exceptions() {
        let entry = entry(Opcode::Div);
        assert!(entry.contains("    div TARGET LHS RHS\n"), "{entry}");
        assert!(entry.contains("- *rhs*: R=, class V, of type Number\n"), "{entry}");
        assert!(entry.contains("- raises `Zero_division = zero division`\n"), "{entry}");
        assert!(entry.contains("(isa-values.md#3-numbers)"), "{entry}");
    }

    #[test]
    fn blocks_are_filled_and_all_else_stays() {
        let text = "a\n<!-- generated: short forms -->\nold\n<!-- end -->\nb <!-- generated: none -->x<!-- end -->\n<!-- generated: index";
        let filled = fill(text);
        assert!(filled.starts_with("a\n<!-- generated: short forms -->\n\n| mnemonic "), "{filled}");
        assert!(filled.ends_with("<!-- end -->\nb <!-- generated: none -->x<!-- end -->\n<!-- generated: index"));
        assert!(!filled.contains("old"));
        assert_eq!(fill(&filled), filled);
    }

    #[test]
    fn anchors_are_those_of_renderers() {
        assert_eq!(section(Opcode::Join).link(), "[runtime.md §1.4](runtime.md#14-join-target-pid-timeout)");
        assert_eq!(anchor("## 4. Strings, texts, atoms"), "4-strings-texts-atoms");
    }
}
