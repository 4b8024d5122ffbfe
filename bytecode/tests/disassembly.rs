//! The disassembly of a module made by hand: the example of tools.md §6.5, and the options.

use viua_bytecode::{
    DisassembleOptions, Draft, External, ExternalKind, Instruction, Kind, LineEntry, Module, Operand, Reference,
    Register, SymbolKind, disassemble,
};
use viua_isa::{AccessMode, Opcode, RegisterSet};

fn local(index: u16) -> Operand {
    Operand::Register(Register { mode: AccessMode::Direct, set: RegisterSet::Local, index })
}

fn op(opcode: Opcode, operands: &[Operand]) -> Instruction {
    Instruction::new(opcode, operands)
}

fn example() -> Module {
    let mut draft = Draft::new(Kind::Program);
    let bump = [op(Opcode::Print, &[local(1)]), op(Opcode::Iinc, &[local(1)]), op(Opcode::Return, &[])];
    let bump = draft.define(SymbolKind::Closure, "bump/0", &bump);
    let main = [
        op(Opcode::AllocateRegisters, &[Operand::Index(4)]),
        op(Opcode::Float, &[local(3), Operand::Float(0.1)]),
        op(Opcode::Print, &[local(3)]),
        op(Opcode::Integer, &[local(1), Operand::Integer(3)]),
        op(Opcode::Closure, &[local(2), Operand::Name(Reference::Symbol(bump))]),
        op(Opcode::Capturemove, &[local(2), Operand::Index(1), local(1)]),
        op(Opcode::Integer, &[local(1), Operand::Integer(2)]),
        op(Opcode::Frame, &[Operand::Index(0)]),
        op(Opcode::Call, &[Operand::Void, local(2)]),
        op(Opcode::Idec, &[local(1)]),
        op(Opcode::If, &[local(1), Operand::Target(7), Operand::Target(11)]),
        op(Opcode::Izero, &[local(0)]),
        op(Opcode::Return, &[]),
    ];
    draft.module.entry = draft.define(SymbolKind::Function, "main/0", &main);
    let author = draft.name("author");
    let me = draft.data(b"me");
    draft.module.meta.push((author, me));
    let mut module = draft.finish();
    let name = |index: u16, name: &str| (index, name.to_owned());
    module.debug.registers = vec![vec![], vec![name(1, "n"), name(2, "clo"), name(3, "t")]];
    module.debug.labels = vec![vec![], vec![(7, "again".to_owned())]];
    module.debug.files = vec!["x.asm".to_owned()];
    module.debug.lines = vec![
        (0..3).map(|at| LineEntry { file: 0, line: 3 + at, column: 5 }).collect(),
        (0..13).map(|at| LineEntry { file: 0, line: 8 + at, column: 5 }).collect(),
    ];
    module
}

fn text(module: &Module, options: DisassembleOptions) -> String {
    String::from_utf8(disassemble(module, &options).unwrap()).unwrap()
}

const EXAMPLE: &str = r#"; meta information
.info: author "me"

.closure: [[no_sa]] bump/0
    print %1 local
    iinc %1 local
    return
.end

.function: [[no_sa]] main/0
    allocate_registers %4 local
    float %3 local 0.1
    print %3 local
    integer %1 local 3
    closure %2 local bump/0
    capturemove %2 local %1 %1 local
    integer %1 local 2
    .mark: L7
    frame %0
    call void %2 local
    idec %1 local
    if %1 local L7 L11
    .mark: L11
    izero %0 local
    return
.end
"#;

#[test]
fn example_of_the_manual() {
    assert_eq!(text(&viua_bytecode::strip(&example()), DisassembleOptions::default()), EXAMPLE);
    let without_names = DisassembleOptions { without_names: true, ..Default::default() };
    assert_eq!(text(&example(), without_names), EXAMPLE);
}

#[test]
fn names_are_used_when_there_are_any() {
    let options = DisassembleOptions { only: vec!["main/0".to_owned()], with_analysis: true, ..Default::default() };
    let expected = r#".function: main/0
    .name: %1 n
    .name: %2 clo
    .name: %3 t
    allocate_registers %4 local
    float %t local 0.1
    print %t local
    integer %n local 3
    closure %clo local bump/0
    capturemove %clo local %1 %n local
    integer %n local 2
    .mark: again
    frame %0
    call void %clo local
    idec %n local
    if %n local again L11
    .mark: L11
    izero %0 local
    return
.end
"#;
    assert_eq!(text(&example(), options), expected);
}

#[test]
fn names_that_would_mislead_are_left_out() {
    let mut module = example();
    let label = |at: u32, name: &str| (at, name.to_owned());
    // Twice, the name of another place, a mnemonic.
    for labels in [
        vec![label(7, "again"), label(11, "again")],
        vec![label(7, "L11"), label(11, "L7")],
        vec![label(7, "print"), label(11, "no label")],
    ] {
        module.debug.labels = vec![vec![], labels];
        let shown = text(&module, DisassembleOptions::default());
        assert!(shown.contains("if %n local L7 L11\n"), "{shown}");
    }
    module.debug.registers[1] = vec![(1, "local".to_owned()), (2, "a b".to_owned()), (3, "t".to_owned())];
    let shown = text(&module, DisassembleOptions::default());
    assert!(shown.contains("main/0\n    .name: %3 t\n    allocate"), "{shown}");
}

#[test]
fn comments_come_before_what_they_are_about() {
    let options = DisassembleOptions {
        only: vec!["bump/0".to_owned()],
        info: true,
        addresses: true,
        lines: true,
        ..Default::default()
    };
    let shown = text(&example(), options);
    assert!(
        shown.starts_with(
            "; kind: program\n; format version: 1.0\n; entry point: main/0\n; sections:\n;   STRS offset "
        )
    );
    assert!(shown.contains("\n;   closure bump/0 offset 0 length 9\n;   function main/0 offset 9 length "), "{shown}");
    let print = Opcode::Print as u8;
    let line = format!("    ; 0 +0 @0: {print:02x} 81 01 00\n    ; x.asm:3:5\n    print %1 local\n");
    assert!(shown.contains(&line), "{shown}");
}

#[test]
fn lines_of_the_source_stand_before_what_became_of_them() {
    let source = ["", "; a line", ".closure: bump/0", "  print\t%1 local ; shows it"].map(str::to_owned).to_vec();
    let mut module = example();
    module.debug.lines[0] = [(4, 3), (4, 5), (9, 1)].map(|(line, column)| LineEntry { file: 0, line, column }).to_vec();
    let options = DisassembleOptions {
        only: vec!["bump/0".to_owned()],
        sources: [("x.asm".to_owned(), source)].into(),
        ..Default::default()
    };
    let shown = text(&module, options);
    let body = shown.lines().skip(1).take(2).collect::<Vec<_>>();
    assert_eq!(body, ["    ; | print %1 local ; shows it", "    print %1 local"]);
    assert_eq!(shown.matches("; |").count(), 1, "once for each line, and not where there is none: {shown}");
}

#[test]
fn unknown_symbols_are_reported_with_a_suggestion() {
    let options = DisassembleOptions { only: vec!["mian/0".to_owned()], ..Default::default() };
    let error = disassemble(&example(), &options).unwrap_err();
    assert_eq!(error.to_string(), "no such symbol: mian/0");
    assert_eq!(error.suggestion.as_deref(), Some("main/0"));
}

#[test]
fn every_kind_of_operand() {
    let mut draft = Draft::new(Kind::Library);
    let register = |mode, set| Operand::Register(Register { mode, set, index: 5 });
    let text_data = draft.data(b"tab\there \"q\" \xff");
    let atom = draft.data(b"it's");
    let bits = draft.data(&[0xff, 0x01]);
    let tag = draft.data(b"a\"b");
    let module_name = draft.data(b"a::b");
    let body = [
        op(
            Opcode::Move,
            &[
                register(AccessMode::Indirect, RegisterSet::Static),
                register(AccessMode::Direct, RegisterSet::Parameters),
            ],
        ),
        op(Opcode::Print, &[register(AccessMode::Dereference, RegisterSet::Global)]),
        op(Opcode::Text, &[local(1), Operand::Data(text_data)]),
        op(Opcode::Atom, &[local(1), Operand::Data(atom)]),
        op(Opcode::Bits, &[local(1), Operand::Bits(bits)]),
        op(Opcode::Bitset, &[local(1), local(2), Operand::Boolean(true)]),
        op(Opcode::Receive, &[Operand::Void, Operand::Timeout(None)]),
        op(Opcode::Join, &[Operand::Void, local(1), Operand::Timeout(Some(1000))]),
        op(Opcode::Vector, &[local(1), local(0), Operand::Index(2)]),
        op(Opcode::Try, &[]),
        op(Opcode::Catch, &[Operand::Data(tag), Operand::Name(Reference::External(1))]),
        op(Opcode::Import, &[Operand::Data(module_name)]),
        op(Opcode::Call, &[local(1), Operand::Name(Reference::External(0))]),
    ];
    draft.define(SymbolKind::Function, "f/", &body);
    let (function, block) = (draft.name("g/1"), draft.name("handler"));
    draft.module.externals.push(External { name: function, kind: ExternalKind::Function });
    draft.module.externals.push(External { name: block, kind: ExternalKind::Block });
    let imported = draft.name("std::misc");
    draft.module.imports.push(imported);
    let module = draft.finish();
    let expected = r#"; external function signatures
.signature: g/1

; external block signatures
.bsignature: handler

; dynamic imports
.import: [[dynamic]] std::misc

.function: [[no_sa]] f/
    move @5 static %5 parameters
    print *5 global
    text %1 local "tab\there \"q\" \377"
    atom %1 local 'it\'s'
    bits %1 local 0b0000000111111111
    bitset %1 local %2 local true
    receive void infinity
    join void %1 local 1000ms
    vector %1 local %0 local %2
    try
    catch 'a"b' handler
    import a::b
    call %1 local g/1
.end
"#;
    assert_eq!(text(&module, DisassembleOptions::default()), expected);
    assert_eq!(viua_bytecode::read(&viua_bytecode::write(&module), "f"), Ok(module.clone()));
    let json = DisassembleOptions { json: true, ..Default::default() };
    let json: serde_json::Value = serde_json::from_str(&text(&module, json)).unwrap();
    assert_eq!(json["signatures"][0], "g/1");
    let join = &json["definitions"][0]["instructions"][7];
    assert_eq!(join["mnemonic"], "join");
    assert_eq!(join["operands"][2], serde_json::json!({"text": "1000ms", "kind": "timeout", "milliseconds": 1000}));
}
