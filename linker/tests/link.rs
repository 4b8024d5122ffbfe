//! Linking of modules made by hand: what comes out, and what is refused.

use viua_bytecode::{
    DisassembleOptions, Draft, External, ExternalKind, Instruction, Kind, LineEntry, Module, Operand, Reference,
    Register, SymbolKind, disassemble, read, strip, write,
};
use viua_diagnostics::{Diagnostic, Position, Severity};
use viua_isa::{AccessMode, Opcode, RegisterSet};
use viua_linker::{BuiltIn, Library, ModuleKind, Request, Resolved, Search, Unit, resolve};

fn op(opcode: Opcode, operands: &[Operand]) -> Instruction {
    Instruction::new(opcode, operands)
}

/// A module out of lines such as `function f/0 calls g/0 h`, `block b`, `import m`, `signature g/0`. Each body
/// stores a text with its own name, then makes its calls. Blocks first, as in any module.
fn module(kind: Kind, lines: &[&str]) -> Module {
    let mut draft = Draft::new(kind);
    let split: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
    let named = |words: &[&str]| -> Vec<&str> {
        split.iter().filter(|line| words.contains(&line[0])).map(|line| line[1]).collect()
    };
    let defined = named(&["block", "function", "closure"]);
    let declared = named(&["signature", "bsignature"]);
    for line in &split {
        let symbol_kind = match line[0] {
            "block" => SymbolKind::Block,
            "closure" => SymbolKind::Closure,
            "function" => SymbolKind::Function,
            "import" => {
                let name = draft.name(line[1]);
                draft.module.imports.push(name);
                continue;
            }
            "info" => {
                let entry = (draft.name(line[1]), draft.data(line[2].as_bytes()));
                draft.module.meta.push(entry);
                continue;
            }
            word => {
                let kind = if word == "signature" { ExternalKind::Function } else { ExternalKind::Block };
                let name = draft.name(line[1]);
                draft.module.externals.push(External { name, kind });
                continue;
            }
        };
        let target = Operand::Register(Register { mode: AccessMode::Direct, set: RegisterSet::Local, index: 1 });
        let own = Operand::Data(draft.data(line[1].as_bytes()));
        let mut body = vec![op(Opcode::Text, &[target, own]), op(Opcode::Jump, &[Operand::Target(0)])];
        for callee in line.iter().skip(3) {
            let find = |names: &[&str]| names.iter().position(|name| name == callee).map(|index| index as u32);
            let reference = find(&defined).map(Reference::Symbol).or(find(&declared).map(Reference::External)).unwrap();
            body.push(match callee.contains('/') {
                true => op(Opcode::Call, &[Operand::Void, Operand::Name(reference)]),
                false => op(Opcode::Enter, &[Operand::Name(reference)]),
            });
        }
        let index = draft.define(symbol_kind, line[1], &body);
        if kind == Kind::Program && line[1] == "main/0" {
            draft.module.entry = index;
        }
    }
    draft.finish()
}

fn library(path: &str, lines: &[&str]) -> Library {
    Library::bytes(path, write(&module(Kind::Library, lines)))
}

fn dynamic(name: &'static str, lines: &[&str]) -> BuiltIn {
    BuiltIn { name: name.into(), kind: ModuleKind::Library, bytes: write(&module(Kind::Library, lines)).into() }
}

fn search() -> Search {
    let built_in = vec![
        dynamic("a", &["function a/0", "function shared/0"]),
        dynamic("b", &["function b/0", "function shared/0"]),
        dynamic("deep", &["function deep/0", "import missing"]),
        dynamic("mid", &["block h", "function mid/0", "import a"]),
        BuiltIn { name: "native".into(), kind: ModuleKind::Native, bytes: vec![].into() },
    ];
    Search { built_in, ..Search::default() }
}

fn try_link(kind: Kind, unit: Option<&Module>, libraries: &[Library]) -> Result<Resolved, Vec<Diagnostic>> {
    let search = search();
    let request = Request { file: "x.asm", kind, libraries, search: &search };
    resolve(&request, unit.map(Unit::of).as_ref())
}

fn link(kind: Kind, unit: &Module, libraries: &[Library]) -> Module {
    let linked = try_link(kind, Some(unit), libraries).unwrap().link(Some(unit));
    // Whatever is linked passes the verifier, unchanged.
    assert_eq!(read(&write(&linked), "linked").as_ref(), Ok(&linked));
    linked
}

fn errors(kind: Kind, unit: &[&str], libraries: &[Library]) -> Vec<String> {
    let unit = module(Kind::Library, unit);
    shown(&try_link(kind, Some(&unit), libraries).unwrap_err())
}

fn shown(findings: &[Diagnostic]) -> Vec<String> {
    let line = |finding: &Diagnostic| {
        let at = match &finding.fault.at {
            Position::File(path) => format!("{path}: "),
            Position::FileTight(path) => format!("{path}:"),
            Position::At(_) | Position::Nowhere => String::new(),
        };
        format!("{at}{}: {}", finding.severity.name(), finding.fault.message.clone().unwrap_or_default())
    };
    findings.iter().map(line).collect()
}

fn text(module: &Module) -> String {
    String::from_utf8(disassemble(module, &DisassembleOptions::default()).unwrap()).unwrap()
}

#[test]
fn calls_go_both_ways_and_signatures_disappear() {
    let unit = ["signature f/0", "info who me", "function main/0 calls f/0", "function back/0"];
    let unit = module(Kind::Library, &unit);
    let lib = ["signature gone/1", "signature back/0", "info who lib", "block b", "function f/0 calls back/0 b"];
    let linked = link(Kind::Program, &unit, &[library("lib.module", &lib)]);
    let expected = r#"; meta information
.info: who "me"

; external function signatures
.signature: gone/1

.block: [[no_sa]] b
    .mark: L0
    text %1 local "b"
    jump L0
.end

.function: [[no_sa]] main/0
    .mark: L0
    text %1 local "main/0"
    jump L0
    call void f/0
.end

.function: [[no_sa]] back/0
    .mark: L0
    text %1 local "back/0"
    jump L0
.end

.function: [[no_sa]] f/0
    .mark: L0
    text %1 local "f/0"
    jump L0
    call void back/0
    enter b
.end
"#;
    assert_eq!(text(&linked), expected);
    assert_eq!(linked.kind, Kind::Program);
    assert_eq!(linked.name(linked.symbols[linked.entry as usize].name), "main/0");
    // What only the library's meta information used is gone.
    assert!(linked.data.iter().all(|data| &**data != b"lib"));
}

#[test]
fn linking_leaves_no_trace_of_the_split() {
    let whole = ["import a", "signature x/0", "block b", "function f/0", "function g/0 calls f/0 b"];
    let whole = module(Kind::Library, &whole);
    let one = ["import a", "signature x/0", "signature g/0", "block b", "function f/0"];
    let one = module(Kind::Library, &one);
    let two = ["signature f/0", "signature x/0", "bsignature b", "function g/0 calls f/0 b"];
    assert_eq!(link(Kind::Library, &one, &[]), one);
    assert_eq!(write(&link(Kind::Library, &one, &[library("two", &two)])), write(&whole));
}

#[test]
fn linked_libraries_can_be_linked_again() {
    let inner = library("inner", &["block b", "function inner/0 calls b"]);
    let outer = module(Kind::Library, &["signature inner/0", "function outer/0 calls inner/0"]);
    let both = link(Kind::Library, &outer, &[inner]);
    let main = module(Kind::Library, &["signature outer/0", "function main/0 calls outer/0"]);
    let program = link(Kind::Program, &main, &[Library::bytes("both", write(&both))]);
    let names: Vec<&str> = program.symbols.iter().map(|symbol| program.name(symbol.name)).collect();
    assert_eq!(names, ["b", "main/0", "outer/0", "inner/0"]);
    assert!(program.externals.is_empty());
    assert!(text(&program).contains("    call void inner/0\n"));
}

#[test]
fn libraries_are_linked_without_a_source() {
    let libraries = [library("main", &["function main/1"]), library("other", &["function f/0", "import native"])];
    let program = try_link(Kind::Program, None, &libraries).unwrap().link(None);
    assert_eq!(program.name(program.symbols[program.entry as usize].name), "main/1");
    assert_eq!(program.name(program.imports[0]), "native");
}

#[test]
fn debug_information_is_kept() {
    let mut unit = module(Kind::Library, &["function main/0"]);
    unit.debug.files = vec!["main.asm".to_owned()];
    unit.debug.lines = vec![vec![LineEntry { file: 0, line: 2, column: 5 }; 2]];
    let mut with_names = module(Kind::Library, &["block b"]);
    with_names.debug.files = vec!["lib.asm".to_owned(), "main.asm".to_owned()];
    with_names.debug.lines = vec![vec![LineEntry { file: 1, line: 7, column: 1 }; 2]];
    with_names.debug.registers = vec![vec![(1, "x".to_owned())]];
    let libraries = [Library::bytes("lib", write(&with_names)), library("stripped", &["function f/0"])];
    let linked = link(Kind::Program, &unit, &libraries);
    assert_eq!(linked.debug.files, ["main.asm", "lib.asm"]);
    let positions = |at: usize| linked.debug.lines[at].iter().map(|it| (it.file, it.line)).collect::<Vec<_>>();
    assert_eq!([positions(0), positions(1), positions(2)], [vec![(0, 7); 2], vec![(0, 2); 2], vec![]]);
    assert_eq!(linked.debug.registers, [vec![(1, "x".to_owned())], vec![], vec![]]);
    let bare = [Library::bytes("lib", write(&strip(&with_names))), library("stripped", &["function f/0"])];
    assert_eq!(link(Kind::Program, &strip(&unit), &bare), strip(&linked));
}

#[test]
fn clashes_tell_where_both_definitions_are() {
    let at = |path: &str, file: &str, line| {
        let mut module = module(Kind::Library, &["function f/0"]);
        module.debug.files = vec![file.to_owned()];
        module.debug.lines = vec![vec![LineEntry { file: 0, line, column: 5 }; 2]];
        Library::bytes(path, write(&module))
    };
    let clash = |libraries: &[Library]| try_link(Kind::Library, None, libraries).unwrap_err().remove(0).help;
    let (one, two) = (at("one", "src/one.asm", 3), at("two", "src/two.asm", 9));
    let places = ["the first definition is at src/one.asm:3:5", "the second definition is at src/two.asm:9:5"];
    assert_eq!(clash(&[one, two.clone()]), places);
    assert_eq!(clash(&[library("stripped", &["function f/0"]), two]), places[1..]);
}

#[test]
fn clashes_are_found() {
    let f = || library("dir/lib.module", &["function f/0"]);
    assert_eq!(
        errors(Kind::Library, &["function f/0"], &[f()]),
        ["x.asm: error: duplicate symbol 'f/0' found when linking 'dir/lib.module' (previously found in 'x.asm')"]
    );
    assert_eq!(
        errors(Kind::Library, &[], &[f(), library("two", &["closure f/0"])]),
        ["x.asm: error: duplicate symbol 'f/0' found when linking 'two' (previously found in 'dir/lib.module')"]
    );
    assert_eq!(
        errors(Kind::Library, &["block b"], &[library("two", &["block b", "function g/0"])]),
        ["x.asm: error: duplicate symbol 'b' found when linking 'two' (previously found in 'x.asm')"]
    );
    assert_eq!(
        errors(Kind::Library, &[], &[f(), f()]),
        ["x.asm: error: requested to link module 'dir/lib.module' more than once"]
    );
    // A block and a function are different things, whatever they are called.
    let unit = module(Kind::Library, &["block f/0", "function main/0"]);
    assert_eq!(link(Kind::Program, &unit, &[f()]).symbols.len(), 3);
}

#[test]
fn dynamic_modules_take_part_in_the_check() {
    assert_eq!(
        errors(Kind::Library, &["import b", "import a"], &[]),
        ["x.asm: error: duplicate symbol 'shared/0' found when linking 'b' (previously found in 'a')"]
    );
    // Those of libraries come first, then the unit's own, then what they need.
    assert_eq!(
        errors(Kind::Library, &["import a"], &[library("lib", &["function l/0", "import b"])]),
        ["x.asm: error: duplicate symbol 'shared/0' found when linking 'a' (previously found in 'b')"]
    );
    assert_eq!(
        errors(Kind::Library, &["function a/0", "import mid"], &[]),
        ["x.asm: error: duplicate symbol 'a/0' found when linking 'a' (previously found in 'x.asm')"]
    );
    assert_eq!(errors(Kind::Library, &["import deep"], &[]), ["x.asm:error: did not find module \"missing\""]);
    let unit = module(Kind::Library, &["import mid", "import native", "function f/0"]);
    let resolved = try_link(Kind::Library, Some(&unit), &[]).unwrap();
    for name in ["f/0", "mid/0", "a/0", "shared/0"] {
        assert!(resolved.functions.contains(name), "{name}");
    }
    let linked = resolved.link(Some(&unit));
    let imports: Vec<&str> = linked.imports.iter().map(|name| linked.name(*name)).collect();
    assert_eq!(imports, ["mid", "native"]);
}

#[test]
fn a_program_has_one_main_function() {
    assert_eq!(errors(Kind::Program, &["function main/3"], &[]), ["x.asm: error: main function is not defined"]);
    assert_eq!(
        errors(Kind::Program, &["closure main/2", "function main/0"], &[library("lib", &["function main/1"])]),
        [
            "x.asm: note: main/0 function found in module x.asm",
            "x.asm: note: main/2 function found in module x.asm",
            "x.asm: note: main/1 function found in module lib",
            "x.asm: error: more than one candidate for main function",
        ]
    );
    let glue = module(Kind::Library, &[]);
    let several = [library("lib", &["function main/1", "function main/2"])];
    assert_eq!(link(Kind::Library, &glue, &several).entry, viua_bytecode::NO_ENTRY);
}

#[test]
fn what_is_no_library_is_refused() {
    let refused = |library: Library| errors(Kind::Library, &[], &[library]).join("\n");
    assert_eq!(refused(Library::file("no/such.module")), "x.asm: error: failed to open file: no/such.module");
    let program = write(&module(Kind::Program, &["function main/0"]));
    assert_eq!(refused(Library::bytes("p", program)), "x.asm: error: not a linkable file: p");
    assert_eq!(refused(Library::bytes("p", &b".function: f/0\n"[..])), "x.asm: error: not a linkable file: p");
    assert_eq!(refused(Library::bytes("p", &b"\x7fELF\0"[..])), "x.asm: error: invalid magic number: p");
    let mut file = write(&module(Kind::Library, &["function f/0"]));
    file[20] ^= 1;
    let damaged = "x.asm: error: damaged file: p: header at byte 60: wrong checksum";
    assert_eq!(refused(Library::bytes("p", file.clone())), damaged);
    file[8] = 9;
    let newer = "x.asm: error: unsupported format version 9.0: p (this tool reads 1.0 to 1.0)";
    assert_eq!(refused(Library::bytes("p", file)), newer);
}

#[test]
fn a_library_without_functions_gets_a_warning() {
    let unit = module(Kind::Library, &["function main/0"]);
    let resolved = try_link(Kind::Program, Some(&unit), &[library("dir/blocks", &["block b"])]).unwrap();
    let warning = "x.asm: warning: static-linked module \"dir/blocks\" defines no functions";
    assert_eq!(shown(&resolved.warnings), [warning]);
    assert_eq!(resolved.warnings[0].severity, Severity::Warning);
    assert_eq!(resolved.warnings[0].lint, Some("empty-module"));
    assert_eq!(resolved.link(Some(&unit)).symbols.len(), 2);
}
