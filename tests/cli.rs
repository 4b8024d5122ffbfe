//! Command lines, end to end: exit codes, what goes where, what happens to files when something fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use viua_tests::check::clean_command;
use viua_tests::process::{Outcome, run};

const HELLO: &str = "\
.info: author \"me\"
.function: main/1
    allocate_registers %3 local
    .name: %1 greeting
    text %greeting local \"hello\"
    print %greeting local
    move %2 local %0 parameters
    print %2 local
    izero %0 local
    return
.end
";

const LIBRARY: &str =
    ".function: answer/0\n    allocate_registers %1 local\n    integer %0 local 42\n    return\n.end\n";

const CALLER: &str = "\
.signature: answer/0
.function: main/0
    allocate_registers %2 local
    frame %0
    call %1 local answer/0
    print %1 local
    izero %0 local
    return
.end
";

/// A folder to work in, with the sources above.
struct Bench(TempDir);

impl Bench {
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        bench.write("hello.asm", HELLO);
        bench.write("answer.asm", LIBRARY);
        bench.write("caller.asm", CALLER);
        bench.write("bad.asm", ".function: main/0\n    prnit %1 local\n    return\n.end\n");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, tool: &str) -> Command {
        let program = match tool {
            "viua" => env!("CARGO_BIN_EXE_viua"),
            _ => env!("CARGO_BIN_EXE_viuac"),
        };
        let mut command = clean_command(Path::new(program));
        command.current_dir(self.0.path());
        command
    }

    fn run_with(&self, tool: &str, arguments: &[&str], stdin: &str) -> Outcome {
        run(self.command(tool).args(arguments), stdin.as_bytes(), Duration::from_secs(60)).unwrap()
    }

    fn viuac(&self, arguments: &[&str]) -> Outcome {
        self.run_with("viuac", arguments, "")
    }

    fn viua(&self, arguments: &[&str]) -> Outcome {
        self.run_with("viua", arguments, "")
    }

    /// The names of all files.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.0.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn succeeds(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.out(), outcome.err());
    outcome
}

#[track_caller]
fn fails(outcome: Outcome, code: i32, message: &str) {
    assert_eq!(outcome.code, Some(code), "{}{}", outcome.out(), outcome.err());
    assert!(outcome.err().contains(message), "{}", outcome.err());
}

#[test]
fn build_and_run() {
    let bench = Bench::new();
    let built = succeeds(bench.viuac(&["build", "hello.asm"]));
    assert_eq!(built.out() + &built.err(), "");
    assert_eq!(
        succeeds(bench.viua(&["a.out", "-v", "--", "x"])).out(),
        "hello\n[b\"a.out\", b\"-v\", b\"--\", b\"x\"]\n"
    );
    assert_eq!(succeeds(bench.viua(&["run", "a.out"])).out(), "hello\n[b\"a.out\"]\n");
    assert_eq!(
        succeeds(bench.viuac(&["run", "hello.asm", "--strip"])).out(),
        "hello\n[b\"hello.asm\", b\"--strip\"]\n"
    );
}

#[test]
fn standard_streams_stand_for_files() {
    let bench = Bench::new();
    assert!(succeeds(bench.run_with("viuac", &["run", "-"], HELLO)).out().starts_with("hello\n"));
    let built = succeeds(bench.run_with("viuac", &["build", "-o", "-", "-"], HELLO));
    assert!(built.stdout.starts_with(b"\x8bVIUA"));
    bench.write("copy", &built.stdout);
    assert!(succeeds(bench.viuac(&["dis", "copy"])).out().contains("text %1 local \"hello\""));
    fails(bench.run_with("viuac", &["check", "-"], "nonsense"), 1, "<stdin>:1:1: error");
}

#[test]
fn refused_sources_exit_with_1_and_change_nothing() {
    let bench = Bench::new();
    bench.write("a.out", "old");
    let before = bench.files();
    for command in ["build", "check", "run"] {
        fails(bench.viuac(&[command, "bad.asm"]), 1, "bad.asm:2:5: error[E0114]: unknown instruction");
    }
    fails(bench.viuac(&["build", "missing.asm"]), 1, "missing.asm: error[E0800]: could not open file");
    fails(bench.viuac(&["build", "."]), 1, "could not open file");
    fails(bench.viuac(&["build", "hello.asm", "missing.module"]), 1, "failed to open file: missing.module");
    fails(bench.viuac(&["build", "hello.asm", "bad.asm"]), 1, "not a linkable file: bad.asm");
    assert_eq!(bench.read("a.out"), "old");
    assert_eq!(bench.files(), before);
}

#[test]
fn bad_usage_exits_with_2() {
    let bench = Bench::new();
    fails(bench.viuac(&[]), 2, "Usage:");
    fails(bench.viuac(&["bulid", "hello.asm"]), 2, "'build'");
    fails(bench.viuac(&["build", "--emti=dis", "hello.asm"]), 2, "'--emit'");
    fails(
        bench.viuac(&["build", "-A", "unused-valu", "hello.asm"]),
        2,
        "unknown lint: unused-valu; did you mean 'unused-value'?",
    );
    fails(bench.viuac(&["build"]), 2, "<SOURCE>");
    fails(bench.viuac(&["build", "@missing"]), 2, "cannot read arguments from missing");
    fails(bench.viuac(&["explain", "ad"]), 2, "did you mean 'add'?");
    fails(bench.viua(&[]), 2, "no program given");
    fails(bench.viua(&["--schedulers", "0", "a.out"]), 2, "--schedulers");
    assert_eq!(bench.viuac(&["--help"]).code, Some(0));
    assert_eq!(bench.viuac(&["help", "build"]).code, Some(0));
    assert_eq!(bench.viuac(&["build", "-h"]).code, Some(0));
    assert!(succeeds(bench.viuac(&["-V"])).out().starts_with("viuac "));
    assert!(succeeds(bench.viuac(&["-Vv"])).out().contains("container format: 1.0\n"));
}

#[test]
fn outputs_that_cannot_be_written_exit_with_2() {
    let bench = Bench::new();
    fails(bench.viuac(&["build", "-o", "missing/x", "hello.asm"]), 2, "cannot write missing/x");
    fails(bench.viuac(&["build", "-o", ".", "hello.asm"]), 2, "it is a directory");
    fails(bench.viuac(&["build", "-o", "hello.asm", "hello.asm"]), 2, "would replace the input hello.asm");
    assert_eq!(bench.read("hello.asm"), HELLO);
    bench.write("x", "old");
    fails(bench.viuac(&["build", "-o", "x", "--emit=bin,dis=missing/y", "hello.asm"]), 2, "cannot write missing/y");
    assert_eq!(bench.read("x"), "old");
    assert_eq!(bench.files(), ["answer.asm", "bad.asm", "caller.asm", "hello.asm", "x"]);
    succeeds(bench.viuac(&["build", "-o", "/dev/null", "hello.asm"]));
}

#[test]
fn a_closed_pipe_ends_quietly_with_141() {
    let bench = Bench::new();
    for arguments in [&["explain", "--list"][..], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outcome = bench.command("viuac").args(arguments).stdout(writer).output().unwrap();
        assert_eq!((outcome.status.code(), outcome.stderr.as_slice()), (Some(141), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn libraries_are_linked_by_file_and_by_name() {
    let bench = Bench::new();
    succeeds(bench.viuac(&["build", "--lib", "answer.asm"]));
    succeeds(bench.viuac(&["build", "caller.asm", "answer.module", "-o", "linked"]));
    assert_eq!(succeeds(bench.viua(&["linked"])).out(), "42\n");
    succeeds(bench.viuac(&["build", "-L.", "-l", "answer", "caller.asm", "-o", "named"]));
    assert_eq!(fs::read(bench.path("linked")).unwrap(), fs::read(bench.path("named")).unwrap());
    succeeds(bench.viuac(&["build", "--import", "answer", "-L", ".", "caller.asm", "-o", "dynamic"]));
    assert_eq!(succeeds(bench.viua(&["-L", ".", "dynamic"])).out(), "42\n");
    fails(bench.viua(&["dynamic"]), 1, "fatal: kernel initialisation fault: failed to locate module: answer");

    succeeds(bench.viuac(&["build", "-c", "caller.asm"]));
    succeeds(bench.viuac(&["link", "caller.module", "answer.module", "-o", "again"]));
    assert_eq!(succeeds(bench.viua(&["again"])).out(), "42\n");
    fails(bench.viuac(&["link", "answer.module", "-o", "none"]), 1, "main function is not defined");
    succeeds(bench.viuac(&["link", "--lib", "caller.module", "answer.module"]));
    assert!(succeeds(bench.viuac(&["inspect", "a.module"])).out().contains("library"));
}

#[test]
fn programs_that_cannot_be_started_exit_with_1() {
    let bench = Bench::new();
    succeeds(bench.viuac(&["build", "--lib", "answer.asm"]));
    bench.write("cut", &fs::read(bench.path("answer.module")).unwrap()[..90]);
    bench.write("empty", "");
    let starts = |file: &str| bench.viua(&[file]);
    let says = |file: &str, text: &str| {
        let outcome = starts(file);
        assert_eq!((outcome.code, outcome.err().as_str(), outcome.out().as_str()), (Some(1), text, ""), "{file}");
    };
    says("missing", "fatal: could not open file: missing\n");
    says(".", "fatal: could not open file: .\n");
    says("answer.module", "error: not an executable file: answer.module\n");
    says("empty", "error: invalid magic number\n");
    says("hello.asm", "error: invalid magic number\nhint: to run source text, use 'viuac run hello.asm'\n");
    fails(starts("cut"), 1, "error: damaged file: cut: ");
    fails(bench.viua(&["verify", "answer.module", "cut"]), 1, "damaged file: cut: ");
    succeeds(bench.viua(&["verify", "answer.module"]));
    fails(bench.viuac(&["dis", "cut"]), 1, "damaged file: cut: ");
    fails(bench.viuac(&["inspect", "--verify", "cut"]), 1, "damaged file: cut: ");
    fails(bench.viuac(&["strip", "missing"]), 1, "failed to open file: missing");
}

#[test]
fn debug_information_is_a_matter_of_levels() {
    let bench = Bench::new();
    for (name, options) in
        [("strip", &["--strip"][..]), ("lines", &[]), ("full", &["-g"]), ("last", &["--strip", "-g"])]
    {
        succeeds(bench.viuac(&[&["build", "hello.asm", "-o", name], options].concat()));
    }
    let bytes = |name: &str| fs::read(bench.path(name)).unwrap();
    assert!(bytes("strip").len() < bytes("lines").len() && bytes("lines").len() < bytes("full").len());
    assert_eq!(bytes("full"), bytes("last"));
    for name in ["lines", "full"] {
        succeeds(bench.viuac(&["strip", name]));
        assert_eq!(bytes(name), bytes("strip"));
    }
    assert!(succeeds(bench.viuac(&["dis", "last"])).out().contains("print %greeting local"));
    assert!(succeeds(bench.viuac(&["dis", "--no-names", "last"])).out().contains("print %1 local"));
    fails(bench.viuac(&["dis", "-F", "mian/1", "last"]), 1, "no such symbol: mian/1; did you mean 'main/1'?");
}

#[test]
fn everything_that_can_be_emitted_goes_to_its_own_file() {
    let bench = Bench::new();
    succeeds(bench.viuac(&["build", "hello.asm", "-o", "h", "--emit=bin,dis,ir,cfg,tokens,ast,deps"]));
    for name in ["h", "h.dis", "h.ir", "h.dot", "h.tokens", "h.ast", "h.d"] {
        assert!(!fs::read(bench.path(name)).unwrap().is_empty(), "{name}");
    }
    assert_eq!(bench.read("h.d"), "h: hello.asm\n");
    succeeds(bench.viuac(&["build", "h.dis", "-o", "again", "--strip"]));
    succeeds(bench.viuac(&["strip", "h"]));
    assert_eq!(fs::read(bench.path("again")).unwrap(), fs::read(bench.path("h")).unwrap());

    let before = bench.files();
    let printed = |kind: &str| succeeds(bench.viuac(&["build", "hello.asm", "--print", kind])).out();
    assert_eq!(printed("meta"), "author = \"me\"\n");
    assert_eq!(printed("symbols"), "function main/1\n");
    assert_eq!(printed("entry"), "main/1\n");
    assert!(printed("size").trim().parse::<usize>().is_ok());
    assert_eq!(succeeds(bench.viuac(&["build", "--emit=diag", "hello.asm"])).out(), "");
    assert_eq!(bench.files(), before);
}

#[test]
fn tokens_and_trees_are_valid_json() {
    let bench = Bench::new();
    bench.write("odd.asm", ".function: main/0\n    print (text %1 local \"\\x1b\u{1}\") local\n    return\n.end\n");
    for arguments in [
        &["lex", "--format=json", "odd.asm"][..],
        &["lex", "--format=json", "--stage=raw", "odd.asm"],
        &["lex", "--format=json", "--stage=ws", "odd.asm"],
        &["lex", "--format=json", "--stage=directives", "odd.asm"],
        &["parse", "--format=json", "odd.asm"],
        &["parse", "--no-verify", "--format=json", "hello.asm"],
    ] {
        let outcome = bench.viuac(arguments);
        let document: serde_json::Value = serde_json::from_slice(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}{}", outcome.out(), outcome.err()));
        assert_eq!(document["format"], 1);
    }
    let raw = succeeds(bench.viuac(&["lex", "--stage=raw", "odd.asm"])).out();
    assert!(raw.contains("2:11 punctuation \"(\"\n"), "{raw}");
}

#[test]
fn diagnostics_go_where_they_are_sent() {
    let bench = Bench::new();
    let outcome = bench.viuac(&["check", "--error-format=json", "--error-output=log", "bad.asm"]);
    assert_eq!((outcome.code, outcome.err().as_str()), (Some(1), ""));
    let finding: serde_json::Value = serde_json::from_str(&bench.read("log")).unwrap();
    assert_eq!((&finding["code"], &finding["line"]), (&"E0114".into(), &2.into()));
    let short = bench.viuac(&["check", "--error-format=short", "--remap-path-prefix=bad=good", "bad.asm"]);
    assert!(short.err().starts_with("good.asm:2:5: error: unknown instruction\n"), "{}", short.err());
    let both = bench.viuac(&["check", "--max-errors=1", "bad.asm", "bad.asm"]);
    assert!(both.err().ends_with("1 error (1 more error not shown)\n"), "{}", both.err());
    let colored = bench.viuac(&["check", "--color=always", "bad.asm"]);
    assert!(colored.err().contains("\x1b[1;31merror[E0114]:\x1b[0m"), "{}", colored.err());
}

#[test]
fn arguments_come_from_files() {
    let bench = Bench::new();
    bench.write("options", "--lib\n-o\nout of the way.module\n");
    succeeds(bench.viuac(&["build", "@options", "answer.asm"]));
    assert!(bench.files().contains(&"out of the way.module".to_owned()));
}

#[test]
fn information_about_the_machine() {
    let bench = Bench::new();
    let info = succeeds(bench.viua(&["-i", "--schedulers=3", "--ffi-schedulers=4", "--io-schedulers=5"])).out();
    assert!(info.starts_with('[') && info.ends_with(":3:4:5]\n"), "{info}");
    let mut command = bench.command("viua");
    command.args(["-v", "info"]).env("VIUA_PROC_SCHEDULERS", "7 of them").env("VIUA_IO_SCHEDULERS", "many");
    let outcome = run(&mut command, b"", Duration::from_secs(60)).unwrap();
    assert!(outcome.out().contains(":proc=7:"), "{}", outcome.out());
    assert!(outcome.err().contains("VIUA_IO_SCHEDULERS"), "{}", outcome.err());
}

#[test]
fn fmt_lays_out_files_and_directories() {
    const MESSY: &str = ".function: f/0\r\n nop;x\n\n\n\treturn\n\n.end";
    const NEAT: &str = ".function: f/0\n    nop  ;x\n\n    return\n.end\n";
    let bench = Bench::new();
    fs::create_dir_all(bench.path("src/deep/.hidden")).unwrap();
    for name in ["src/b.asm", "src/deep/a.asm", "src/deep/.hidden/c.asm", "src/notes.txt"] {
        bench.write(name, MESSY);
    }
    fails(bench.viuac(&["fmt", "--check", "src", "hello.asm"]), 1, "");
    let listed = bench.viuac(&["fmt", "--check", "src", "hello.asm", "answer.asm"]).out();
    assert_eq!(listed, "src/b.asm\nsrc/deep/a.asm\nhello.asm\n");
    assert_eq!(succeeds(bench.viuac(&["fmt", "--stdout", "src/b.asm"])).out(), NEAT);
    assert_eq!(bench.read("src/b.asm"), MESSY);

    // One that is refused keeps the others from being written.
    fails(bench.viuac(&["fmt", "src", "bad.asm"]), 1, "bad.asm:2:5: error[E0114]");
    fails(bench.viuac(&["fmt", "src", "missing.asm"]), 1, "missing.asm: error[E0800]: could not open file");
    assert_eq!(bench.read("src/b.asm"), MESSY);

    let done = succeeds(bench.viuac(&["fmt", "src"]));
    assert_eq!(done.out() + &done.err(), "");
    assert_eq!((bench.read("src/b.asm").as_str(), bench.read("src/deep/a.asm").as_str()), (NEAT, NEAT));
    assert_eq!((bench.read("src/deep/.hidden/c.asm").as_str(), bench.read("src/notes.txt").as_str()), (MESSY, MESSY));
    assert_eq!(succeeds(bench.viuac(&["fmt", "--check", "src"])).out(), "");
}

#[test]
fn fmt_filters_standard_input() {
    let bench = Bench::new();
    assert_eq!(succeeds(bench.run_with("viuac", &["fmt", "-"], " .signature:f/0")).out(), ".signature: f/0\n");
    let checked = bench.run_with("viuac", &["fmt", "--check", "-"], " .signature:f/0");
    assert_eq!((checked.code, checked.out().as_str()), (Some(1), "<stdin>\n"));
    let refused = bench.run_with("viuac", &["fmt", "-"], "nonsense");
    assert_eq!((refused.code, refused.out().as_str()), (Some(1), ""));
    fails(bench.viuac(&["fmt"]), 2, "required");
    fails(bench.viuac(&["fmt", "--check", "--stdout", "hello.asm"]), 2, "cannot be used with");
}

#[test]
fn fmt_does_not_change_what_is_built() {
    let bench = Bench::new();
    succeeds(bench.viuac(&["build", "--strip", "-o", "before", "hello.asm"]));
    succeeds(bench.viuac(&["fmt", "hello.asm"]));
    assert!(bench.read("hello.asm").starts_with(".info: author \"me\"\n\n.function: main/1\n"));
    succeeds(bench.viuac(&["build", "--strip", "-o", "after", "hello.asm"]));
    assert_eq!(fs::read(bench.path("before")).unwrap(), fs::read(bench.path("after")).unwrap());
}
