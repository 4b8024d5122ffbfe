//! Random programs: what the analyser accepts runs without the faults that it promises to exclude, and what it refuses it
//! refuses with a path that exists. `PROPTEST_CASES` says how many.
//!
//! What is promised, and to whom. Of a program without findings (those about unused things and the other lints apart) no
//! path reads, deletes, throws or packs an empty local register, names one that is not there, or calls without a frame;
//! this is kept for all programs. Of types the analyser knows only what it sees: values that come as parameters or results,
//! out of containers or exceptions, or through static registers have any type, and what is captured may change behind the
//! back of the closure. So wrong types are excluded only in programs that have nothing of the kind (`is_typed`); nor do these
//! read through `*` where a rule asks for no type, as that of `not` does.

#[path = "random_programs/generator.rs"]
mod generator;
#[path = "random_programs/traces.rs"]
mod traces;

use generator::Program;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use std::cell::{Cell, RefCell};
use viua_analyser::analyse;
use viua_codegen::{DebugLevel, generate};
use viua_diagnostics::{Diagnostic, FileId, Format, Level, Levels, RenderOptions, Source, SourceMap, render};
use viua_ir::{lower, verify};
use viua_runtime::{Instance, Options};

/// The levels under which a program counts as accepted.
fn levels() -> Levels {
    let mut levels = Levels::default();
    for lint in ["unused-register", "unused-value"] {
        levels.set(lint, Level::Allow).expect("a lint");
    }
    levels
}

/// What became of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Refused before the analysis.
    Malformed,
    Refused,
    /// Accepted, but with faults on later paths.
    AcceptedWithLaterFaults,
    Accepted,
}

/// Whether a finding is about what registers hold on some path.
fn has_path(finding: &Diagnostic) -> bool {
    finding.code.is_some_and(|code| {
        let code = code.as_str();
        code.starts_with("E03") || code.starts_with("E04")
    })
}

/// Whether an exception is one that the analyser promises to exclude.
fn is_excluded(exception: &str, is_typed: bool) -> bool {
    const NEVER: [&str; 7] = [
        "Exception = register access out of bounds: ",
        "Exception = delete of null register",
        "Exception = throw from null register",
        "Exception = vector: cannot pack null register",
        "Exception = arguments register set used without a frame",
        "Exception = function call without a frame",
        "Exception = requested new frame",
    ];
    const WRONG_TYPE: [&str; 2] = ["Exception = fetched invalid type: ", "Not_a_pointer = "];
    // Static registers, of which nothing is promised, are those from 10 on.
    let is_local = |index: &str| index.parse::<u32>().is_ok_and(|index| index < 10);
    exception.strip_prefix("Exception = read from null register: ").is_some_and(is_local)
        || NEVER.iter().any(|text| exception.starts_with(text))
        || is_typed && WRONG_TYPE.iter().any(|text| exception.starts_with(text))
}

fn short(finding: &Diagnostic, text: &str) -> String {
    let mut sources = SourceMap::default();
    sources.add(Source::new("random.asm", text.as_bytes()));
    let options = RenderOptions { format: Format::Short, ..RenderOptions::default() };
    render(std::slice::from_ref(finding), &sources, &options)
}

/// Assembles a program, checks the traces of what is wrong with it, and runs it if nothing is.
fn check(program: &Program, machine: &mut Instance) -> Result<(Verdict, Option<String>), String> {
    let parsed = viua_parser::parse(program.text.as_bytes(), FileId(0));
    if parsed.has_errors() {
        return Err(format!("the generator writes nonsense: {:?}", parsed.diagnostics));
    }
    let module = lower(&program.text.as_bytes().into(), FileId(0), &parsed.tree);
    if verify(&module).iter().any(Diagnostic::is_error) {
        return Ok((Verdict::Malformed, None));
    }
    let levels = levels();
    let options = viua_analyser::Options { library: false, levels: levels.clone() };
    let findings = levels.apply(analyse(&module, &options));
    let tokens = traces::Tokens::new(&module);
    for finding in findings.iter().filter(|finding| has_path(finding)) {
        tokens.check(finding).map_err(|what| format!("{what}\n{}", short(finding, &program.text)))?;
    }
    if findings.iter().any(Diagnostic::is_error) {
        return Ok((Verdict::Refused, None));
    }
    let has_faults = findings.iter().any(has_path);
    let how = viua_codegen::Options { library: true, debug: DebugLevel::None, source_path: "random.asm".to_owned() };
    let object = generate(&module, &how).map_err(|findings| format!("accepted, but: {findings:?}"))?;
    machine.load("random", &viua_bytecode::write(&object)).map_err(|error| format!("{error:?}"))?;
    let exception = machine.call("main/0", []).err().map(|exception| exception.to_string());
    if has_faults {
        return Ok((Verdict::AcceptedWithLaterFaults, exception));
    }
    match exception {
        Some(exception) if is_excluded(&exception, program.is_typed) => Err(format!("accepted, but: {exception}")),
        exception => Ok((Verdict::Accepted, exception)),
    }
}

#[test]
fn promises_are_kept_and_traces_are_paths() {
    const CASES: u32 = 1500;
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let cases = config.cases;
    let machine = RefCell::new(Instance::new(Options::default()));
    let counts: [Cell<u32>; 5] = Default::default();
    let choices = proptest::collection::vec(any::<u16>(), 0..500);
    let result = TestRunner::new(config).run(&choices, |choices| {
        let program = generator::program(&choices);
        match check(&program, &mut machine.borrow_mut()) {
            Ok((verdict, exception)) => {
                let kinds = [verdict as usize, 4];
                for kind in kinds.iter().take(1 + usize::from(exception.is_some())) {
                    counts[*kind].set(counts[*kind].get() + 1);
                }
                Ok(())
            }
            Err(what) => Err(TestCaseError::fail(format!("{what}\n{}", program.text))),
        }
    });
    // The choices say nothing to a reader, the program says it all.
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("given up: {reason}"),
    }
    let [malformed, refused, later, accepted, raised] = counts.map(Cell::into_inner);
    let shares = format!(
        "{cases} programs: {malformed} malformed, {refused} refused, {later} with later faults, {accepted} accepted; \
         {raised} of those that ran ended with an exception"
    );
    println!("{shares}");
    assert!(malformed * 20 < cases, "{shares}");
    assert!(refused * 5 > cases && accepted * 5 > cases && raised * 50 > cases, "{shares}");
}
