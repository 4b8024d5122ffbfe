//! Native modules, built and used: one in C, one in Rust. The programs are called through an embedded machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use viua_diagnostics::{Source, SourceMap};
use viua_driver::assemble::{self, assemble};
use viua_runtime::ffi::Value;
use viua_runtime::{Found, Instance, LoadError, Options};

/// A machine that finds native modules in a directory.
fn machine(directory: &Path) -> Instance {
    let directory = directory.to_owned();
    let search = move |name: &str| {
        let path = directory.join(format!("{name}.so"));
        if path.is_file() {
            return Ok(Found::SharedObject(path));
        }
        Err(LoadError { tag: "LinkException".to_owned(), text: format!("failed to locate module: {name}") })
    };
    Instance::new(Options { search: Box::new(search), schedulers: 2, ..Options::default() })
}

/// The container of a library.
fn library(source: &str) -> Vec<u8> {
    let mut sources = SourceMap::default();
    let file = sources.add(Source::new("test.asm", source.as_bytes()));
    let options = assemble::Options { library: true, no_sa: true, ..assemble::Options::default() };
    let assembly = assemble(sources.source(file), file, &options);
    viua_bytecode::write(&assembly.module.unwrap_or_else(|| panic!("{:#?}", assembly.diagnostics)))
}

fn shown(outcome: Result<Option<Value>, viua_runtime::ffi::Exception>) -> String {
    match outcome {
        Ok(Some(value)) => format!("{value:?}"),
        Ok(None) => "nothing".to_owned(),
        Err(exception) => exception.to_string(),
    }
}

/// Compiles a C file; nothing if there is no compiler.
fn compile(source: &Path, output: &Path, flags: &[&str]) -> Option<()> {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I"]).arg(include).args(flags);
    match compiler.arg("-o").arg(output).arg(source).arg("-lm").output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("skipped: there is no C compiler ({error})");
            return None;
        }
    }
    Some(())
}

const CALLER: &str = "
.signature: example::root/1
.signature: example::same/1
.signature: example::append/2
.signature: example::swap_bytes/1
.signature: example::inspect/1
.signature: example::point/2
.signature: example::points/0
.signature: example::throw/1
.signature: example::misbehave/0

.function: root/1
    allocate_registers %10 local
    frame %1
    move %0 arguments %0 parameters
    call %0 local example::root/1
    return
.end
.function: root_of_nothing/0
    allocate_registers %10 local
    frame ^[(move %0 arguments (integer %9 local 1) local)]
    move %9 local %0 arguments
    call %0 local example::root/1
    return
.end
.function: [[no_sa]] root_without_frame/0
    allocate_registers %10 local
    frame %0
    call %0 local example::root/1
    return
.end
.function: pointer_comes_back/0
    allocate_registers %10 local
    integer %1 local 42
    ptr %2 local %1 local
    frame %1
    move %0 arguments %2 local
    call %2 local example::same/1
    copy %0 local *2 local
    return
.end
.function: append_twice/0
    allocate_registers %10 local
    vector %1 local
    ptr %2 local %1 local
    frame %2
    copy %0 arguments %2 local
    move %1 arguments (text %9 local \"one\") local
    call void example::append/2
    frame %2
    copy %0 arguments %2 local
    move %1 arguments (integer %9 local 2) local
    call %3 local example::append/2
    vpush %1 local %3 local
    move %0 local %1 local
    return
.end
.function: append_to_dead/0
    allocate_registers %10 local
    vector %1 local
    ptr %2 local %1 local
    delete %1 local
    frame %2
    copy %0 arguments %2 local
    move %1 arguments (integer %9 local 2) local
    call %0 local example::append/2
    return
.end
.function: swap/0
    allocate_registers %10 local
    bits %1 local 0x123456
    frame %1
    move %0 arguments %1 local
    call %0 local example::swap_bytes/1
    return
.end
.function: inspect/1
    allocate_registers %10 local
    frame %1
    move %0 arguments %0 parameters
    call %0 local example::inspect/1
    return
.end
.function: print_point/0
    allocate_registers %10 local
    frame %2
    move %0 arguments (integer %9 local 3) local
    move %1 arguments (integer %9 local -4) local
    call %1 local example::point/2
    text %0 local %1 local
    return
.end
.function: copy_point/0
    allocate_registers %10 local
    frame %2
    move %0 arguments (integer %9 local 3) local
    move %1 arguments (integer %9 local 4) local
    call %1 local example::point/2
    copy %0 local %1 local
    return
.end
.function: points/0
    allocate_registers %10 local
    frame %0
    call %0 local example::points/0
    return
.end
.function: throw/1
    allocate_registers %10 local
    frame %1
    move %0 arguments %0 parameters
    call void example::throw/1
    return
.end
.function: misbehave/0
    allocate_registers %10 local
    frame %0
    call void example::misbehave/0
    return
.end
";

#[test]
fn a_module_in_c() {
    let directory = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/example.c");
    let Some(()) = compile(&source, &directory.path().join("example.so"), &[]) else { return };
    let mut machine = machine(directory.path());
    machine.load("caller", &library(CALLER)).unwrap();
    let undefined = "Exception = call to undefined function: example::root/1";
    assert_eq!(shown(machine.call("root/1", [Value::float(2.25)])), undefined);
    machine.import("example").unwrap();
    machine.import("example").unwrap();

    assert_eq!(shown(machine.call("root/1", [Value::float(2.25)])), "Float(1.500000)");
    assert_eq!(shown(machine.call("root/1", [Value::float(-1.0)])), "Domain_error = negative");
    let wrong = "Exception = fetched invalid type: expected 'Float' but got 'Integer'";
    assert_eq!(shown(machine.call("root/1", [Value::integer(4)])), wrong);
    let empty = "Exception = (get) read from null register: 0";
    assert_eq!(shown(machine.call("root_of_nothing/0", [])), empty);
    let missing = "Exception = register access out of bounds: read from 0";
    assert_eq!(shown(machine.call("root_without_frame/0", [])), missing);

    assert_eq!(shown(machine.call("pointer_comes_back/0", [])), "Integer(42)");
    assert_eq!(shown(machine.call("append_twice/0", [])), "Vector([\"one\", 2, 2])");
    assert_eq!(shown(machine.call("append_to_dead/0", [])), "Expired_pointer");
    assert_eq!(shown(machine.call("swap/0", [])), "Bits(010101100011010000010010)");
    let inspected = "Struct({'kind': 4, 'printed': b\"\u{e4}\", 'truth': true, 'type': \"Text\"})";
    assert_eq!(shown(machine.call("inspect/1", [Value::text("\u{e4}")])), inspected);

    assert_eq!(shown(machine.call("print_point/0", [])), "Text((3, -4))");
    assert_eq!(shown(machine.call("copy_point/0", [])), "Exception = Point is not copyable");
    assert_eq!(shown(machine.call("points/0", [])), "Integer(0)");
    assert_eq!(shown(machine.call("throw/1", [Value::text("down")])), "Text = down");
    let failed = "Exception = foreign function failed: example::misbehave/0";
    assert_eq!(shown(machine.call("misbehave/0", [])), failed);
}

#[test]
fn faults_of_native_modules() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("text.so"), "no shared object").unwrap();
    let source = file("source.c");
    std::fs::write(
        &source,
        "#include \"viua.h\"\n\
         static int32_t load(const viua_api *vm) { (void)vm; return LOAD; }\n\
         static const viua_export table[] = {{\"f/0\", NULL, 0, 0}, {NULL, NULL, 0, 0}};\n\
         static const viua_module module = {ABI, sizeof(viua_module), TABLE, load, NULL};\n\
         VIUA_EXPORT const viua_module *SYMBOL(void) { return &module; }\n",
    )
    .unwrap();
    let build = |name: &str, abi: &str, table: &str, load: &str, symbol: &str| {
        let flags = [abi, table, load, symbol];
        compile(&source, &file(name), &[&flags[..], &["-Wno-unused-const-variable"]].concat())
    };
    let (abi, none, zero, symbol) = ("-DABI=VIUA_ABI", "-DTABLE=NULL", "-DLOAD=0", "-DSYMBOL=viua_module_v1");
    if build("other.so", abi, none, zero, "-DSYMBOL=something_else").is_none() {
        return;
    }
    build("future.so", "-DABI=7", none, zero, symbol);
    build("table.so", abi, "-DTABLE=table", zero, symbol);
    build("unwilling.so", abi, none, "-DLOAD=1", symbol);
    let mut machine = machine(directory.path());
    let mut fault = |name: &str| {
        let error = machine.import(name).unwrap_err();
        format!("{} = {}", error.tag, error.text)
    };
    assert_eq!(fault("absent"), "LinkException = failed to locate module: absent");
    assert!(fault("text").starts_with("LinkException = failed to open handle: text: "), "{}", fault("text"));
    assert_eq!(fault("other"), "Exception = failed to extract interface from module: other");
    assert_eq!(fault("future"), "LinkException = incompatible interface of module: future: ABI 7, expected 1");
    let table = "LinkException = incompatible interface of module: table: export without a function: f/0";
    assert_eq!(fault("table"), table);
    assert_eq!(fault("unwilling"), "LinkException = failed to initialise module: unwilling");
}

/// Examples are built before tests; they lie beside them.
fn built_example(name: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    let examples = test.parent()?.parent()?.join("examples");
    let file = examples.join(format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX));
    file.is_file().then_some(file)
}

const COUNTING: &str = "
.signature: counters::new/1
.signature: counters::next/1
.signature: counters::sum/1
.signature: counters::later/2
.signature: counters::describe/1
.signature: counters::fail/0

.function: count/1
    allocate_registers %10 local
    frame %1
    move %0 arguments %0 parameters
    call %1 local counters::new/1
    ptr %2 local %1 local
    frame %1
    copy %0 arguments %2 local
    call void counters::next/1
    copy %3 local %1 local
    frame %1
    copy %0 arguments %2 local
    call void counters::next/1
    vector %0 local
    vpush %0 local %1 local
    vpush %0 local %3 local
    return
.end
.function: count_something_else/0
    allocate_registers %10 local
    text %1 local \"seven\"
    ptr %2 local %1 local
    frame %1
    copy %0 arguments %2 local
    call %0 local counters::next/1
    return
.end
.function: sum/1
    allocate_registers %10 local
    frame %1
    move %0 arguments %0 parameters
    call %0 local counters::sum/1
    return
.end
.function: wait/1
    allocate_registers %10 local
    frame %2
    move %0 arguments (integer %9 local 20) local
    move %1 arguments %0 parameters
    call void counters::later/2
    receive %0 local 10s
    return
.end
.function: describe/1
    allocate_registers %10 local
    frame %1
    move %0 arguments %0 parameters
    call %0 local counters::describe/1
    return
.end
.function: fail/0
    allocate_registers %10 local
    frame %0
    call void counters::fail/0
    return
.end
";

#[test]
fn a_module_in_rust() {
    let Some(example) = built_example("counters") else {
        eprintln!("skipped: the example has not been built");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(example, directory.path().join("counters.so")).unwrap();
    let mut machine = machine(directory.path());
    machine.import("counters").unwrap();
    machine.load("counting", &library(COUNTING)).unwrap();

    let counted = "Vector([Counter at 7, Counter at 6])";
    assert_eq!(shown(machine.call("count/1", [Value::integer(5)])), counted);
    let wrong = "Exception = fetched invalid type: expected 'Integer' but got 'Text'";
    assert_eq!(shown(machine.call("count/1", [Value::text("five")])), wrong);
    let wrong = "Exception = fetched invalid type: expected 'Counter' but got 'Text'";
    assert_eq!(shown(machine.call("count_something_else/0", [])), wrong);

    let numbers = Value::vector([1, 2, 39].map(Value::integer));
    assert_eq!(shown(machine.call("sum/1", [numbers])), "Integer(42)");
    let mixed = Value::vector([Value::integer(1), Value::boolean(true)]);
    assert_eq!(shown(machine.call("sum/1", [mixed])), "Not_a_number = Boolean");
    let wrong = "Exception = fetched invalid type: expected 'Vector' but got 'Integer'";
    assert_eq!(shown(machine.call("sum/1", [Value::integer(1)])), wrong);

    assert_eq!(shown(machine.call("wait/1", [Value::string("later")])), "String(later)");
    let record = Value::record([("b", Value::vector([Value::integer(1)])), ("a", Value::text("x"))]);
    let described = "Vector([\"a: x\", \"b: [1] (a vector)\"])";
    assert_eq!(shown(machine.call("describe/1", [record])), described);
    let failed = "Exception = foreign function failed: counters::fail/0";
    assert_eq!(shown(machine.call("fail/0", [])), failed);
}
