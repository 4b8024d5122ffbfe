//! Modules that are loaded again while processes run their code (modules.md §6, §9), and machines that are stopped by
//! limits: machines inside this program, whose modules are assembled when they are asked for.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use viua_bytecode::Module;
use viua_diagnostics::{RenderOptions, Source, SourceMap, render};
use viua_driver::assemble::{self, assemble};
use viua_runtime::ffi::Value;
use viua_runtime::{Found, Instance, Limits, LoadError, Options};

fn module(text: &str) -> Module {
    let mut sources = SourceMap::default();
    let file = sources.add(Source::new("test.asm".to_owned(), text.as_bytes().to_vec()));
    let options = assemble::Options { library: true, no_sa: true, ..assemble::Options::default() };
    let assembly = assemble(sources.source(file), file, &options);
    assembly.module.unwrap_or_else(|| panic!("{}", render(&assembly.diagnostics, &sources, &RenderOptions::default())))
}

/// A machine with a program, and a module `m` that is different each time it is loaded. Also tells how often it was.
fn machine(
    program: &str,
    limits: Limits,
    make: impl Fn(u64) -> String + Send + Sync + 'static,
) -> (Instance, Arc<AtomicU64>) {
    let loads = Arc::new(AtomicU64::new(0));
    let counter = loads.clone();
    let search = move |name: &str| match name {
        "m" => {
            let version = counter.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Found::Library(Box::new(module(&make(version)))))
        }
        _ => {
            let text = format!("failed to locate module: {name}");
            Err(LoadError { tag: "LinkException".to_owned(), text })
        }
    };
    let options = Options { search: Box::new(search), schedulers: 4, limits, ..Options::default() };
    let mut machine = Instance::new(options);
    machine.load("program", &viua_bytecode::write(&module(program))).unwrap();
    (machine, loads)
}

fn integer(machine: &mut Instance, function: &str, arguments: &[i64]) -> i64 {
    let result = machine.call(function, arguments.iter().map(|argument| Value::integer(*argument)));
    match result {
        Ok(result) => result.and_then(|value| value.view().as_integer()).expect("an integer"),
        Err(exception) => panic!("{}: {}", exception.tag(), String::from_utf8_lossy(&exception.printed())),
    }
}

/// As many functions that tell the version, and a block that puts it into register 2.
const FUNCTIONS: usize = 8;

fn versioned(version: u64) -> String {
    let mut text = format!(".block: version_block\n    integer %2 local {version}\n    leave\n.end\n");
    for number in 0..FUNCTIONS {
        let body = format!("    allocate_registers %1 local\n    integer %0 local {version}\n    return\n");
        write!(text, ".function: v{number}/0\n{body}.end\n").unwrap();
    }
    text
}

/// `look/1` asks everything for its version, one after the other. It gives the last one, and throws if one is older
/// than the one before.
fn look() -> String {
    let check = "    lt %3 local %2 local %1 local\n    if %3 local older +1\n    move %1 local %2 local\n";
    let mut text = ".bsignature: version_block\n".to_owned();
    (0..FUNCTIONS).for_each(|number| writeln!(text, ".signature: v{number}/0").unwrap());
    text += ".function: look/1\n    allocate_registers %4 local\n    move %1 local %0 parameters\n";
    for number in 0..FUNCTIONS {
        write!(text, "    frame %0\n    call %2 local v{number}/0\n{check}").unwrap();
        write!(text, "    try\n    enter version_block\n{check}").unwrap();
    }
    text + "    move %0 local %1 local\n    return\n    .mark: older\n    throw %2 local\n    return\n.end\n"
}

#[test]
fn everybody_sees_a_change_at_once() {
    const PAIRS: usize = 6;
    let mut main = String::new();
    for pair in 0..PAIRS {
        let (echo, asker) = (2 * pair + 2, 2 * pair + 3);
        write!(
            main,
            "    frame %0\n    process %{echo} local echo/0\n    frame ^[(copy %0 arguments %{echo} local) (copy %1 \
             arguments %0 parameters)]\n    process %{asker} local asker/2\n"
        )
        .unwrap();
    }
    let joins: String = (1..2 * PAIRS + 2).map(|process| format!("    join void %{process} local\n")).collect();
    let program = look()
        + &format!(
            "
.function: echo/0
    allocate_registers %4 local
    .mark: again
    receive %1 local
    receive %2 local
    frame ^[(copy %0 arguments %2 local)]
    call %3 local look/1
    send %1 local %3 local
    if (not %3 local (gte %3 local %2 local (integer %3 local 0) local) local) local end again
    .mark: end
    return
.end
.function: asker/2
    allocate_registers %6 local
    move %1 local %0 parameters
    move %2 local %1 parameters
    izero %3 local
    .mark: again
    if %2 local +1 end
    frame ^[(copy %0 arguments %3 local)]
    call %3 local look/1
    self %4 local
    send %1 local %4 local
    copy %5 local %3 local
    send %1 local %5 local
    receive %5 local
    lt %4 local %5 local %3 local
    if %4 local older +1
    move %3 local %5 local
    idec %2 local
    jump again
    .mark: end
    self %4 local
    send %1 local %4 local
    integer %5 local -1
    send %1 local %5 local
    return
    .mark: older
    throw %5 local
    return
.end
.function: importer/1
    allocate_registers %2 local
    move %1 local %0 parameters
    .mark: again
    import m
    idec %1 local
    if %1 local again +1
    return
.end
.function: main/2
    allocate_registers %{registers} local
    import m
    frame ^[(copy %0 arguments %1 parameters)]
    process %1 local importer/1
{main}{joins}
    frame ^[(move %0 arguments (izero %1 local) local)]
    call %0 local look/1
    return
.end
",
            registers = 2 * PAIRS + 2,
        );
    let (mut machine, loads) = machine(&program, Limits::default(), versioned);
    let (rounds, imports) = (300, 200);
    let last = integer(&mut machine, "main/2", &[rounds, imports]);
    // Each import that begins when the one before has ended loads the module.
    assert_eq!((last, loads.load(Ordering::SeqCst)), (imports + 1, imports as u64 + 1));
    machine.import("m").unwrap();
    assert_eq!(machine.machine().code().retired, 0);
}

#[test]
fn code_is_given_back_when_nothing_refers_to_it() {
    let program = "
.signature: wait/0
.function: reload/1
    allocate_registers %2 local
    move %1 local %0 parameters
    .mark: again
    import m
    idec %1 local
    if %1 local again +1
    izero %0 local
    return
.end
.function: main/1
    allocate_registers %5 local
    import m
    frame %0
    process %1 local wait/0
    frame %0
    call void wait_for_child/0
    frame ^[(move %0 arguments %0 parameters)]
    call void reload/1
    frame %0
    process %2 local wait/0
    integer %3 local 1
    send %1 local %3 local
    integer %3 local 1
    send %2 local %3 local
    join %3 local %1 local
    join %4 local %2 local
    integer %0 local 1000000
    mul %3 local %3 local %0 local
    add %0 local %3 local %4 local
    return
.end
.function: wait_for_child/0
    try
    catch \"Exception\" caught
    enter pause
    return
.end
.block: pause
    receive void 20ms
    leave
.end
.block: caught
    draw void
    leave
.end
";
    // It waits in an entered block, with a catcher, a deferred call and a closure, all of its own version.
    let make = |version| {
        format!(
            "
.function: deferred/0
    return
.end
.closure: inner/0
    integer %1 local {version}
    return
.end
.block: entered
    receive void
    leave
.end
.block: catcher
    draw void
    leave
.end
.function: wait/0
    allocate_registers %3 local
    frame %0
    defer deferred/0
    closure %1 local inner/0
    try
    catch \"Exception\" catcher
    enter entered
    frame %0
    call void %1 local
    integer %0 local {version}
    return
.end
"
        )
    };
    let (mut machine, loads) = machine(program, Limits::default(), make);
    let reloads = 2000;
    assert_eq!(integer(&mut machine, "main/1", &[reloads]), 1_000_000 + reloads + 1);
    assert_eq!(loads.load(Ordering::SeqCst), reloads as u64 + 1);
    let code = machine.machine().code();
    // The first version waited all the time; nothing of those between is left.
    assert!((1..=5).contains(&code.retired), "{code:?}");
    machine.import("m").unwrap();
    let after = machine.machine().code();
    assert_eq!((after.current, after.retired), (code.current, 0));
}

#[test]
fn imports_at_the_same_time_load_a_module_once() {
    let program = "
.function: importer/0
    allocate_registers %1 local
    import m
    return
.end
.function: main/1
    allocate_registers %4 local
    move %1 local %0 parameters
    vector %2 local
    .mark: more
    frame %0
    process %3 local importer/0
    vpush %2 local %3 local
    idec %1 local
    if %1 local more +1
    .mark: wait
    vlen %1 local %2 local
    if %1 local +1 end
    vpop %3 local %2 local void
    join void %3 local
    jump wait
    .mark: end
    izero %0 local
    return
.end
";
    let slowly = |version| {
        std::thread::sleep(Duration::from_millis(30));
        versioned(version)
    };
    let (mut machine, loads) = machine(program, Limits::default(), slowly);
    integer(&mut machine, "main/1", &[500]);
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    // Now they load it again, since it may have changed: the first one, and once for those that asked meanwhile.
    integer(&mut machine, "main/1", &[500]);
    let loads = loads.load(Ordering::SeqCst);
    assert!((2..=6).contains(&loads), "{loads}");
}

const ENDLESS: &str = "
.function: loop/0
    .mark: again
    nop
    jump again
    return
.end
.function: catching/0
    allocate_registers %1 local
    try
    catch \"Limit\" again
    catch \"Exception\" again
    enter again
    return
.end
.block: again
    frame %0
    call void loop/0
    leave
.end
.block: nested
    try
    catch \"Integer\" nested
    enter thrower
    leave
.end
.block: thrower
    throw (integer %1 local 1) local
    leave
.end
.function: nesting/0
    allocate_registers %2 local
    try
    enter nested
    return
.end
.function: wait/0
    receive void
    return
.end
.function: crowd/0
    allocate_registers %2 local
    frame %0
    process void wait/0
    frame %0
    process void catching/0
    frame %0
    process %1 local wait/0
    join void %1 local
    return
.end
.function: chain/0
    frame %0
    process void chain/0
    return
.end
.function: fine/0
    allocate_registers %1 local
    integer %0 local 42
    return
.end
";

#[test]
fn a_machine_is_stopped_by_its_limits_and_can_be_used_again() {
    let reductions = Limits { reductions: Some(1_000_000), ..Limits::default() };
    let time = Limits { time: Some(Duration::from_millis(100)), ..Limits::default() };
    for (limits, functions) in [
        (reductions, &["loop/0", "catching/0", "nesting/0", "chain/0"][..]),
        (time, &["loop/0", "catching/0", "nesting/0", "wait/0", "crowd/0", "chain/0"]),
    ] {
        let (mut machine, _) = machine(ENDLESS, limits, versioned);
        for function in functions {
            let began = Instant::now();
            let exception = machine.call(function, []).expect_err("it never ends by itself");
            assert_eq!(exception.tag(), "Limit", "{function}");
            assert!(began.elapsed() < Duration::from_secs(20), "{function}");
            assert_eq!(integer(&mut machine, "fine/0", &[]), 42, "after {function}");
        }
    }
}

#[test]
fn reductions_are_counted_exactly_on_one_scheduler() {
    let limits = Limits { reductions: Some(12_345), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let mut machine = Instance::new(options);
    machine.load("program", &viua_bytecode::write(&module(ENDLESS))).unwrap();
    let exception = machine.call("loop/0", []).expect_err("it never ends by itself");
    assert_eq!(exception.printed(), b"program exceeds its limit of 12345 reductions");
    let used = machine.machine().stats().reductions;
    assert!((12_345..=12_346).contains(&used), "{used}");
}
