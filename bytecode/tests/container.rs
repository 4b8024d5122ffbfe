//! The container as a whole: what is written is read, what is damaged is refused, and nothing panics.

mod support;

use proptest::prelude::*;
use support::{Plan, Surroundings, fix_checksums, module, plans};
use viua_bytecode::instruction::{decode, encode};
use viua_bytecode::{
    DisassembleOptions, Draft, Kind, ReadError, check_limits, disassemble, disassemble_unverified, read,
    read_container, strip, write,
};

fn plan(library: bool) -> Plan {
    let word =
        |at: u64| ((at as u8).wrapping_mul(37), [at.wrapping_mul(0x9e37_79b9_7f4a_7c15), at << 40, at * 77, at * 13]);
    let bodies = (1..5).map(|body| (0..8).map(|at| word(body * 31 + at)).collect()).collect();
    Plan { library, with_debug: true, bodies, strings: vec![b"\xff".to_vec(), b"text".to_vec(), vec![]] }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn instructions_survive_encoding(words in support::words()) {
        let mut draft = Draft::new(Kind::Library);
        let strings = [b"x".to_vec()];
        let mut around = Surroundings { draft: &mut draft, strings: &strings, blocks: 3, invocables: 4, length: 9 };
        let instruction = support::instruction(words, &mut around);
        let mut code = Vec::new();
        encode(&instruction, &mut code);
        prop_assert_eq!(decode(&code), Ok((instruction, code.len())));
        for length in 0..code.len() {
            prop_assert!(decode(&code[..length]).is_err());
        }
    }

    #[test]
    fn decoding_is_the_only_encoding(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        if let Ok((instruction, length)) = decode(&bytes) {
            let mut code = Vec::new();
            encode(&instruction, &mut code);
            // Floats are kept bit by bit.
            prop_assert_eq!(&code[..], &bytes[..length]);
        }
    }

    #[test]
    fn modules_survive_writing(plan in plans()) {
        let module = module(&plan);
        let file = write(&module);
        let container = read_container(&file, "m").unwrap();
        prop_assert!(container.warnings.is_empty());
        prop_assert_eq!(&write(&container.module), &file);
        prop_assert_eq!(&container.module, &module);
        prop_assert_eq!(read(&write(&strip(&module)), "m"), Ok(strip(&module)));
        for symbol in &module.symbols {
            prop_assert_eq!(module.instructions(symbol).count(), symbol.instructions as usize);
        }
    }

    #[test]
    fn disassembly_never_fails(plan in plans(), json: bool, without_names: bool) {
        let module = module(&plan);
        let options = DisassembleOptions { json, without_names, info: true, addresses: true, lines: true, ..Default::default() };
        let text = disassemble(&module, &options).unwrap();
        prop_assert_eq!(text.last(), Some(&b'\n'));
    }

    #[test]
    fn mutations_with_right_checksums_do_not_panic(plan in plans(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut file = write(&module(&plan));
        for (at, value) in edits {
            let at = at.index(file.len());
            file[at] = value;
        }
        fix_checksums(&mut file);
        disassemble_unverified(&file, "m", &DisassembleOptions::default());
        if let Ok(container) = read_container(&file, "m") {
            // What is accepted is in its canonical form and fit for everything else.
            let again = read(&write(&container.module), "m").unwrap();
            prop_assert_eq!(&again, &container.module);
            prop_assert!(disassemble(&again, &DisassembleOptions::default()).is_ok());
        }
    }
}

#[test]
fn every_changed_byte_is_found() {
    for library in [false, true] {
        let file = write(&module(&plan(library)));
        for at in 0..file.len() {
            for bit in [1, 0x80] {
                let mut changed = file.clone();
                changed[at] ^= bit;
                match read_container(&changed, "m") {
                    Err(_) => {}
                    Ok(container) => assert!(!container.warnings.is_empty(), "byte {at}"),
                }
            }
        }
    }
}

#[test]
fn every_changed_byte_with_right_checksums_is_harmless() {
    for library in [false, true] {
        let file = write(&module(&plan(library)));
        for at in 0..file.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, file[at].wrapping_add(1)] {
                let mut changed = file.clone();
                changed[at] = value;
                fix_checksums(&mut changed);
                if let Ok(container) = read_container(&changed, "m") {
                    assert!(read(&write(&container.module), "m").is_ok(), "byte {at}");
                }
            }
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let file = write(&module(&plan(true)));
    for length in 0..file.len() {
        let expected_start = if length < 64 { "invalid magic number: m" } else { "damaged file: m: " };
        let error = read(&file[..length], "m").unwrap_err().to_string();
        assert!(error.starts_with(expected_start), "{length}: {error}");
        let mut fixed = file[..length].to_vec();
        fix_checksums(&mut fixed);
        assert!(read(&fixed, "m").is_err(), "{length}");
    }
}

#[test]
fn huge_counts_cost_nothing() {
    let file = write(&module(&plan(true)));
    let sections = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    for row in (0..sections).map(|at| 64 + 32 * at) {
        // Lengths and counts of all sections, one by one.
        for (at, length) in [(row + 16, 8), (row + 28, 4)] {
            let mut changed = file.clone();
            changed[at..at + length].fill(0xff);
            fix_checksums(&mut changed);
            match read_container(&changed, "m") {
                Err(ReadError::Damaged { .. }) => {}
                Ok(container) => assert!(!container.warnings.is_empty()),
                Err(error) => panic!("{error}"),
            }
        }
    }
    let mut changed = file.clone();
    changed[16..20].fill(0xff);
    let error = read(&changed, "m").unwrap_err().to_string();
    assert_eq!(error, "damaged file: m: header at byte 16: section count is larger than the file");
}

#[test]
fn messages_say_what_is_wrong() {
    let file = write(&module(&plan(false)));
    assert_eq!(read(b"text", "dir/x").unwrap_err().to_string(), "invalid magic number: dir/x");
    let mut newer = file.clone();
    newer[12] = 3;
    assert_eq!(
        read(&newer, "x").unwrap_err().to_string(),
        "unsupported format version 1.3: x (this tool reads 1.0 to 1.0)"
    );
    let mut bad = file.clone();
    bad[20] ^= 1;
    fix_checksums(&mut bad);
    assert_eq!(read(&bad, "x").unwrap_err().to_string(), "damaged file: x: header at byte 20: wrong file length");
    let mut bad = file;
    let code = read_container(&bad, "x").unwrap().sections.into_iter().find(|section| section.name == "CODE").unwrap();
    bad[code.offset as usize] = 250;
    fix_checksums(&mut bad);
    let expected = format!("damaged file: x: CODE at byte {}: unknown opcode 250", code.offset);
    assert_eq!(read(&bad, "x").unwrap_err().to_string(), expected);
}

#[test]
fn a_damaged_debug_section_is_ignored_with_one_warning() {
    let module = module(&plan(false));
    let mut file = write(&module);
    let section = |file: &[u8], name: &str| {
        read_container(file, "m").unwrap().sections.into_iter().find(|section| section.name == name).unwrap()
    };
    let lines = section(&file, "DLIN");
    file[lines.offset as usize + 1] ^= 0xff;
    let container = read_container(&file, "m").unwrap();
    let warning = format!("ignoring damaged debug section: DLIN at byte {}: wrong checksum", lines.offset);
    assert_eq!(container.warnings, [warning]);
    assert!(container.module.debug.lines.is_empty());
    assert_eq!(container.module.debug.labels, module.debug.labels);
    assert_eq!(strip(&container.module), strip(&module));
}

#[test]
fn unknown_sections_are_skipped_unless_critical() {
    let file = write(&strip(&module(&plan(false))));
    let with = |flags: u8| {
        let mut file = file.clone();
        let table_end = 64 + 32 * usize::from(file[16]);
        let offset = (file.len() + 32).next_multiple_of(8);
        let mut row = b"XtraFFFFooooooooLLLLLLLLccccnnnn".to_vec();
        row[4..8].copy_from_slice(&[flags, 0, 0, 0]);
        row[8..16].copy_from_slice(&(offset as u64).to_le_bytes());
        row[16..24].copy_from_slice(&3u64.to_le_bytes());
        file.splice(table_end..table_end, row);
        file[16] += 1;
        for at in (64..table_end).step_by(32) {
            let moved = u64::from_le_bytes(file[at + 8..at + 16].try_into().unwrap()) + 32;
            file[at + 8..at + 16].copy_from_slice(&moved.to_le_bytes());
        }
        file.resize(offset, 0);
        file.extend_from_slice(b"new");
        let length = file.len() as u64;
        file[20..28].copy_from_slice(&length.to_le_bytes());
        fix_checksums(&mut file);
        file
    };
    assert_eq!(write(&read(&with(0), "m").unwrap()), file);
    assert_eq!(write(&read(&with(2), "m").unwrap()), file);
    assert!(read(&with(1), "m").unwrap_err().to_string().ends_with("unknown critical section"));
    assert!(read(&with(4), "m").unwrap_err().to_string().ends_with("wrong section flags"));
}

#[test]
fn limits_are_told_before_writing() {
    let mut draft = Draft::new(Kind::Library);
    draft.name(&"n".repeat(65535));
    assert_eq!(check_limits(&draft.clone().finish()), Ok(()));
    draft.name(&"n".repeat(65536));
    let error = check_limits(&draft.finish()).unwrap_err();
    assert_eq!(error.to_string(), "name too large: 65536 (limit 65535)");
}

#[test]
fn a_damaged_file_is_shown_as_far_as_possible() {
    use viua_bytecode::{Instruction, Operand, SymbolKind};
    use viua_isa::Opcode;
    let mut draft = Draft::new(Kind::Library);
    let jump = |target| Instruction::new(Opcode::Jump, &[Operand::Target(target)]);
    let nop = Instruction::new(Opcode::Nop, &[]);
    draft.define(SymbolKind::Function, "f/0", &[jump(1), jump(9), nop, nop]);
    let mut module = draft.finish();
    module.code[12] = 250;
    let shown = disassemble_unverified(&write(&module), "m", &DisassembleOptions::default());
    let start = String::from_utf8(shown).unwrap();
    let expected = "; damaged file: m: CODE at byte 228: unknown opcode 250\n\n\
        .function: [[no_sa]] f/0\n    jump L1\n    ; fault at @6: jump: jump out of the body\n    .mark: L1\n    nop\n    \
        ; fault at @12: unknown opcode 250\n.end\n";
    // Where CODE begins in the file is of no interest.
    let place =
        |text: &str| text.split_once("byte ").and_then(|(_, rest)| rest.split_once(':')).map(|it| it.1.to_owned());
    assert_eq!(place(&start), place(expected), "{start}");
}
