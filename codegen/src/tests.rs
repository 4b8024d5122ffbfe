//! A snippet in, the message or the encoded instructions out.

use super::*;
use std::sync::Arc;
use viua_bytecode::{DataId, ExternalKind, NO_ENTRY, Operand, Reference};
use viua_diagnostics::{FileId, Position, Source};

fn lowered(source: &[u8]) -> Module {
    let source: Arc<[u8]> = source.into();
    let parsed = viua_parser::parse(&source, FileId(0));
    let errors: Vec<_> = parsed.diagnostics.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    viua_ir::lower(&source, FileId(0), &parsed.tree)
}

fn object(source: &str) -> Object {
    let options = Options { source_path: "test.asm".to_owned(), ..Options::default() };
    generate(&lowered(source.as_bytes()), &options).expect("no findings")
}

fn findings(source: &str) -> Vec<String> {
    let module = lowered(source.as_bytes());
    let text = Source::new("", source.as_bytes());
    let Err(findings) = generate(&module, &Options::default()) else { return Vec::new() };
    let mut lines = Vec::new();
    for finding in findings {
        assert!(finding.trace.is_empty());
        let Position::At(location) = finding.fault.at else { panic!("no position") };
        let (line, column) = text.line_column(location.span.start);
        lines.push(format!("{line}:{column}: {}", finding.fault.message.unwrap_or_default()));
        lines.extend(finding.fault.notes.into_iter().map(|note| format!("note: {note}")));
    }
    lines
}

/// The operands of the first instruction.
fn operands(line: &str) -> Vec<Operand> {
    let object = object(&format!(".function: [[no_sa]] f/0\n{line}\n.end\n"));
    object.instructions(&object.symbols[0]).next().unwrap().operands().to_vec()
}

fn bytes_of(line: &str) -> Vec<u8> {
    let object = object(&format!(".function: [[no_sa]] f/0\n{line}\n.end\n"));
    let instruction = object.instructions(&object.symbols[0]).next().unwrap();
    let ids = instruction.operands().iter().find_map(|operand| match operand {
        Operand::Data(id) | Operand::Bits(id) => Some(*id),
        _ => None,
    });
    object.bytes(ids.unwrap()).to_vec()
}

#[test]
fn what_nobody_looked_at_is_found_here() {
    let cases: &[(&str, &[&str])] = &[
        ("bool", &["2:1: unimplemented instruction: \"bool\""]),
        ("add %1", &["2:1: not enough operands", "note: when extracting operand 1"]),
        ("call", &["2:1: not enough operands", "note: when extracting operand 1"]),
        ("import", &["2:1: not enough operands", "note: when extracting operand 0"]),
        ("print %name", &["2:7: invalid operand token: %name"]),
        ("print void", &["2:7: invalid operand token: void"]),
        ("frame x", &["2:7: invalid operand token: x"]),
        ("frame % x", &["2:7: invalid operand token: %x"]),
        ("capture %1 %2 local", &["2:15: invalid operand token: local"]),
        ("bits %1 5", &["2:9: invalid operand token: 5"]),
        ("bitset %1 %2 0b1", &["2:14: invalid operand token: 0b1"]),
        ("call void @1", &["2:11: invalid operand token: @1"]),
        ("call void f", &["2:11: invalid operand token: f"]),
        ("self void", &["2:6: invalid operand token: void"]),
        ("print %1 locl", &["2:10: invalid register set type name: locl"]),
        ("print %1 [[a]] local", &[]),
        ("print %1 5", &["2:10: invalid register set type name: 5"]),
        ("print %1 (izero %2)", &["2:17: invalid register set type name: %2"]),
        ("integer %1 %2", &["2:12: cannot resolve register operand: \"%2\""]),
        ("integer %1 +5", &["2:12: cannot resolve register operand: \"+5\""]),
        ("integer %1 \"5\"", &["2:12: cannot resolve register operand: \"\\\"5\\\"\""]),
        ("integer %1 9223372036854775808", &["2:12: integer literal out of range: 9223372036854775808"]),
        ("float %1 nan", &["2:10: invalid operand", "note: expected float literal"]),
        ("string %1 %2", &["2:11: invalid operand", "note: expected text literal"]),
        ("text %1 5", &["2:9: invalid operand", "note: expected text literal"]),
        ("catch x y", &["2:7: invalid operand", "note: expected text literal"]),
        ("catch \"x\" 5", &["2:11: invalid operand", "note: expected a block name"]),
        ("atom %1 \"a\"", &["2:9: invalid operand", "note: expected atom literal"]),
        ("function %1 f", &["2:13: invalid operand", "note: expected function name literal"]),
        ("closure %1 'f/0'", &["2:12: invalid operand", "note: expected function name literal"]),
        ("process void %1", &["2:14: invalid operand", "note: expected function name"]),
        ("watchdog %1", &["2:10: invalid operand", "note: expected function name or atom literal"]),
        ("import 5", &["2:8: invalid operand", "note: expected module name"]),
        ("receive %1 10", &["2:12: invalid timeout token in 'receive'"]),
        ("join %1 %2 4294967295ms", &["2:12: invalid timeout token in 'join'"]),
        ("io_wait %1 %2 void", &["2:15: invalid timeout token in 'io_wait'"]),
        ("jump there", &["2:6: cannot resolve jump to unrecognised marker: \"there\""]),
        ("jump 0x1f", &["2:6: jump target is a byte address: 0x1f", "note: expected a label or an offset"]),
        (
            "jump -3",
            &["2:6: use of relative jump results in a jump to negative index: jump_value = -3, instruction_index = 0"],
        ),
        ("jump +1", &["2:6: forward out-of-range jump"]),
        ("jump 99999999999999999999999999", &["2:6: forward out-of-range jump"]),
        (".mark: return\nnop", &["2:8: invalid marker name: 'return' is a registered keyword"]),
        (".mark: lonely", &["2:1: invalid end of block: expected mnemonic"]),
    ];
    for (line, expected) in cases {
        assert_eq!(findings(&format!(".function: [[no_sa]] f/0\n{line}\n.end\n")), *expected, "{line}");
    }
}

#[test]
fn blocks_come_before_functions_and_closures() {
    let source = ".closure: c/0\nbool\n.end\n.function: f/0\nadd\nbool\n.end\n.block: b\nnop\nbool\n.end\n";
    assert_eq!(
        findings(source),
        [
            "10:1: unimplemented instruction: \"bool\"",
            "5:1: not enough operands",
            "note: when extracting operand 0",
            "6:1: unimplemented instruction: \"bool\"",
            "2:1: unimplemented instruction: \"bool\"",
        ]
    );
}

#[test]
fn literals_are_decoded() {
    assert_eq!(operands("integer %1 -007")[1], Operand::Integer(-7));
    assert_eq!(operands("integer %1 default")[1], Operand::Integer(0));
    assert_eq!(operands("float %1 0.1")[1], Operand::Float(0.1));
    assert_eq!(operands("float %1 -3")[1], Operand::Float(-3.0));
    assert_eq!(operands("float %1 -0.0")[1].clone(), Operand::Float(-0.0));
    assert_eq!(operands("float %1")[1], Operand::Float(0.0));
    assert_eq!(operands("receive void 2s")[1], Operand::Timeout(Some(2000)));
    assert_eq!(operands("receive void")[1], Operand::Timeout(None));
    assert_eq!(operands("bitset %1 %2 true")[2], Operand::Boolean(true));
    assert_eq!(operands("frame @3 static"), [Operand::Index(3)]);
    assert_eq!(operands("allocate_registers *3 static"), [Operand::Index(3)]);
    assert_eq!(operands("vector %1")[2], Operand::Index(0));
    assert_eq!(operands("jump +1\nnop"), [Operand::Target(1)]);
    assert_eq!(bytes_of(r#"text %1 "\x41\101\n""#), b"AA\n");
    assert_eq!(bytes_of("text %1"), b"");
    assert_eq!(bytes_of(r"string %1 'it\'s'"), b"it's");
    assert_eq!(bytes_of(r"atom %1 'a\x41\n'"), b"ax41\n");
    assert_eq!(bytes_of(r#"catch "a\n" b"#), b"a\\n");
    assert_eq!(bytes_of("import a::b"), b"a::b");
    assert_eq!(bytes_of("import 'a'"), b"'a'");
    assert_eq!(bytes_of("bits %1 0x1ff"), [0xff, 1]);
}

#[test]
fn pools_are_sorted_and_hold_nothing_twice() {
    let object = object(
        ".info: b \"z\"\n.info: a \"x\\n\"\n.info: b \"unused\"\n.import: [[dynamic]] z\n.import: [[dynamic]] m::n\n\
         .import: [[static, dynamic]] s\n.function: [[no_sa]] f/0\ntext %1 \"z\"\natom %1 'a'\ntext %1 \"a\"\nreturn\n.end\n",
    );
    let names: Vec<_> = object.names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["a", "b", "f/0", "m::n", "z"]);
    let data: Vec<_> = object.data.iter().map(|data| &**data).collect();
    assert_eq!(data, [b"a".as_slice(), b"x\n", b"z"]);
    let texts: Vec<_> = object.instructions(&object.symbols[0]).map(|i| i.operands().last().copied()).collect();
    let data = |id| Some(Operand::Data(DataId(id)));
    assert_eq!(texts, [data(2), data(0), data(0), None]);
    let imports: Vec<_> = object.imports.iter().map(|id| object.name(*id)).collect();
    assert_eq!(imports, ["m::n", "z"]);
    let meta: Vec<_> = object.meta.iter().map(|(key, value)| (object.name(*key), object.bytes(*value))).collect();
    assert_eq!(meta, [("a", b"x\n".as_slice()), ("b", b"z".as_slice())]);
}

#[test]
fn symbols_and_externals_have_an_order() {
    let source = ".bsignature: known\n.signature: declared/1\n.closure: c/0\nreturn\n.end\n\
        .function: [[no_sa]] main/0\ncall void other/0\nenter strange\nenter .block: b\nleave\n.end\nenter known\n\
        call void declared/1\ncall void c/0\nreturn\n.end\n.block: z\nleave\n.end\n";
    let unit = object(source);
    let symbols: Vec<_> = unit.symbols.iter().map(|symbol| unit.name(symbol.name)).collect();
    assert_eq!(symbols, ["main/0__nested__b", "z", "c/0", "main/0"]);
    assert_eq!(unit.entry, 3);
    let externals: Vec<_> = unit.externals.iter().map(|external| (unit.name(external.name), external.kind)).collect();
    assert_eq!(
        externals,
        [
            ("declared/1", ExternalKind::Function),
            ("other/0", ExternalKind::Function),
            ("known", ExternalKind::Block),
            ("strange", ExternalKind::Block),
        ]
    );
    let named: Vec<_> = unit.instructions(&unit.symbols[3]).filter_map(|i| i.operands().last().copied()).collect();
    let names = [
        Reference::External(1),
        Reference::External(3),
        Reference::Symbol(0),
        Reference::External(2),
        Reference::External(0),
        Reference::Symbol(2),
    ];
    assert_eq!(named, names.map(Operand::Name));
    let two = object(".function: main/0\nreturn\n.end\n.function: main/1\nreturn\n.end\n");
    assert_eq!(two.entry, NO_ENTRY);
}

#[test]
fn debug_information_has_three_levels() {
    let module = lowered(
        b".function: f/0\n    .name: %2 two\n    .name: %1 one\n    .mark: top\n    .mark: again\n\
          print (izero %one)\n    jump top\n    return\n.end\n",
    );
    let with = |debug| generate(&module, &Options { debug, source_path: "a.asm".to_owned(), library: true }).unwrap();
    let (none, lines, full) = (with(DebugLevel::None), with(DebugLevel::Lines), with(DebugLevel::Full));
    assert_eq!(none.debug, viua_bytecode::Debug::default());
    assert_eq!(lines.debug.files, ["a.asm"]);
    let places: Vec<_> = lines.debug.lines[0].iter().map(|entry| (entry.line, entry.column)).collect();
    assert_eq!(places, [(6, 8), (6, 1), (7, 5), (8, 5)]);
    assert_eq!(full.debug.registers, [[(1, "one".to_owned()), (2, "two".to_owned())]]);
    assert_eq!(full.debug.labels, [[(0, "top".to_owned())]]);
    assert_eq!(Object { debug: viua_bytecode::Debug::default(), ..full }, none);
    assert_eq!(none.entry, NO_ENTRY);
}
