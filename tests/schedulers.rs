//! Processes on several schedulers: random graphs of processes whose result is known, limits, figures.

use std::fmt::Write;
use std::process::{Command, Output};
use viua_load::processor_ticks;
use viua_tests::program::{Program, Running};

/// A small generator of random numbers; the same seed gives the same program.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// How a parent gets the result of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It joins it.
    Join,
    /// It joins it with a timeout that does not pass.
    JoinInTime,
    /// The child throws the result, and `join` throws it here.
    Throw,
    /// It joins it again and again, each time for a millisecond only.
    Poll,
    /// The child sends it, in a vector.
    Send,
    /// The child sends it, and it waits for a millisecond only, again and again.
    Await,
    /// The child dies of it, and its watchdog sends it.
    Watchdog,
    /// A third process joins the child and sends it.
    Relay,
}

impl Way {
    const ALL: [Way; 8] =
        [Way::Join, Way::JoinInTime, Way::Throw, Way::Poll, Way::Send, Way::Await, Way::Watchdog, Way::Relay];

    /// The function of the child.
    fn function(self) -> &'static str {
        match self {
            Way::Join | Way::JoinInTime | Way::Poll => "joined",
            Way::Throw => "thrown",
            Way::Send | Way::Await => "sent",
            Way::Watchdog => "watched",
            Way::Relay => "relayed",
        }
    }

    /// Whether the result comes as a message; nobody joins the child then.
    fn is_message(self) -> bool {
        matches!(self, Way::Send | Way::Await | Way::Watchdog | Way::Relay)
    }
}

/// What a function does: works for a while, starts children, adds up what they give.
struct Node {
    own: i64,
    work: u64,
    /// The function of the child, what is added to the number it gets, and how the result comes back.
    children: Vec<(usize, i64, Way)>,
}

fn graph(seed: u64, size: usize) -> Vec<Node> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..size)
        .map(|index| Node {
            own: random.below(1000) as i64,
            work: [0, 0, 10, 300, 9000][random.below(5) as usize],
            children: (0..if index + 1 < size { 1 + random.below(3) } else { 0 })
                .map(|_| {
                    let child = index + 1 + random.below((size - index - 1) as u64) as usize;
                    (child, random.below(100) as i64, Way::ALL[random.below(8) as usize])
                })
                .collect(),
        })
        .collect()
}

/// What the function with that index gives for `x`, and how many processes that takes.
fn value(graph: &[Node], index: usize, x: i64) -> (i64, u64) {
    let node = &graph[index];
    node.children.iter().fold((x + node.own, 1), |(sum, count), (child, added, _)| {
        let (value, processes) = value(graph, *child, x + added);
        (sum.wrapping_add(value), count + processes)
    })
}

/// `body_I/2` (parent, number) computes the result; `joined_I/2`, `thrown_I/2` and so on hand it over.
fn program(graph: &[Node]) -> String {
    let mut out = String::new();
    for (index, node) in graph.iter().enumerate() {
        let count = node.children.len();
        writeln!(out, ".function: body_{index}/2\n    allocate_registers %{} local", 8 + count).unwrap();
        writeln!(out, "    move %1 local %0 parameters\n    move %2 local %1 parameters").unwrap();
        writeln!(out, "    integer %3 local {}\n    add %3 local %3 local %2 local\n    self %4 local", node.own)
            .unwrap();
        for (place, (child, added, way)) in node.children.iter().enumerate() {
            let function = way.function();
            writeln!(out, "    integer %5 local {added}\n    add %5 local %5 local %2 local").unwrap();
            writeln!(out, "    frame %2\n    copy %0 arguments %4 local\n    move %1 arguments %5 local").unwrap();
            let target = if way.is_message() { "void".to_owned() } else { format!("%{} local", 8 + place) };
            writeln!(out, "    process {target} {function}_{child}/2").unwrap();
        }
        if node.work > 0 {
            writeln!(out, "    integer %5 local {}\n    .mark: work\n    idec %5 local", node.work).unwrap();
            writeln!(out, "    if %5 local work +1").unwrap();
        }
        for (place, (.., way)) in node.children.iter().enumerate() {
            match way {
                Way::Join => writeln!(out, "    join %5 local %{} local", 8 + place).unwrap(),
                Way::JoinInTime => writeln!(out, "    join %5 local %{} local 3600s", 8 + place).unwrap(),
                Way::Throw => {
                    writeln!(out, "    move %6 local %{} local", 8 + place).unwrap();
                    writeln!(out, "    try\n    catch \"Integer\" caught\n    enter join_it").unwrap();
                    writeln!(out, "    exception_value %5 local %6 local").unwrap();
                }
                Way::Poll => {
                    writeln!(out, "    copy %6 local %{} local\n    .mark: again_{place}", 8 + place).unwrap();
                    writeln!(out, "    try\n    catch \"Exception\" not_yet\n    enter join_soon").unwrap();
                    writeln!(out, "    if %7 local again_{place} +1").unwrap();
                }
                Way::Await => {
                    writeln!(out, "    .mark: again_{place}").unwrap();
                    writeln!(out, "    try\n    catch \"Exception\" not_yet\n    enter receive_soon").unwrap();
                    writeln!(out, "    if %7 local again_{place} +1").unwrap();
                    writeln!(out, "    integer %7 local 0\n    vpop %5 local %6 local %7 local").unwrap();
                }
                Way::Send | Way::Watchdog | Way::Relay => {
                    writeln!(out, "    receive %6 local\n    integer %7 local 0").unwrap();
                    writeln!(out, "    vpop %5 local %6 local %7 local").unwrap();
                }
            }
            writeln!(out, "    add %3 local %3 local %5 local").unwrap();
        }
        writeln!(out, "    move %0 local %3 local\n    return\n.end").unwrap();
        for (function, end) in [
            ("joined", "    move %0 local %2 local\n    return"),
            ("thrown", "    throw %2 local\n    return"),
            ("sent", "    vector %3 local\n    vpush %3 local %2 local\n    send %1 local %3 local\n    return"),
            (
                "watched",
                "    frame %3\n    move %1 arguments %1 local\n    copy %2 arguments %2 local\n\
                 \x20   watchdog report/3\n    throw %2 local\n    return",
            ),
        ] {
            writeln!(out, ".function: {function}_{index}/2\n    allocate_registers %4 local").unwrap();
            writeln!(out, "    move %1 local %0 parameters\n    frame %2\n    copy %0 arguments %1 local").unwrap();
            writeln!(out, "    move %1 arguments %1 parameters\n    call %2 local body_{index}/2\n{end}\n.end")
                .unwrap();
        }
        writeln!(out, ".function: relayed_{index}/2\n    allocate_registers %4 local\n    frame %2").unwrap();
        writeln!(out, "    copy %0 arguments %0 parameters\n    move %1 arguments %1 parameters").unwrap();
        writeln!(out, "    process %3 local joined_{index}/2\n    frame %2").unwrap();
        writeln!(out, "    move %0 arguments %0 parameters\n    move %1 arguments %3 local").unwrap();
        writeln!(out, "    process void relay/2\n    return\n.end").unwrap();
    }
    out.push_str(
        ".function: report/3\n    allocate_registers %4 local\n    move %1 local %1 parameters\n\
         \x20   vector %3 local\n    move %2 local %2 parameters\n    vpush %3 local %2 local\n\
         \x20   send %1 local %3 local\n    return\n.end\n\
         .function: relay/2\n    allocate_registers %4 local\n    move %1 local %1 parameters\n\
         \x20   join %2 local %1 local\n    vector %3 local\n    vpush %3 local %2 local\n\
         \x20   move %1 local %0 parameters\n    send %1 local %3 local\n    return\n.end\n\
         .block: join_soon\n    join %5 local %6 local 1ms\n    izero %7 local\n    leave\n.end\n\
         .block: receive_soon\n    receive %6 local 1ms\n    izero %7 local\n    leave\n.end\n\
         .block: not_yet\n    draw %7 local\n    integer %7 local 1\n    leave\n.end\n",
    );
    out.push_str(
        ".block: join_it\n    join %6 local %6 local\n    leave\n.end\n\
         .block: caught\n    draw %6 local\n    leave\n.end\n\
         .function: main/0\n    allocate_registers %4 local\n    self %1 local\n    frame %2\n\
         \x20   move %0 arguments %1 local\n    copy %1 arguments (izero %2 local) local\n\
         \x20   process %3 local joined_0/2\n    join %3 local %3 local\n    print %3 local\n\
         \x20   izero %0 local\n    return\n.end\n",
    );
    out
}

/// Builds a program as it is, mistakes included.
fn build(source: &str) -> Program {
    Program::build(env!("CARGO_BIN_EXE_viuac"), env!("CARGO_BIN_EXE_viua"), source, &["--no-sa"])
}

fn run(program: &Program, flags: &[&str]) -> Output {
    program.machine(flags).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first random graph to try: other ones are tried with another number in `VIUA_TEST_SEED`.
fn first_seed() -> u64 {
    std::env::var("VIUA_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[test]
fn random_graphs_of_processes_give_the_same_result_on_any_number_of_schedulers() {
    let mut tried = 0;
    for seed in first_seed().. {
        let graph = graph(seed, 9);
        let (expected, processes) = value(&graph, 0, 0);
        if !(50..20_000).contains(&processes) {
            continue;
        }
        let program = build(&program(&graph));
        for schedulers in ["1", "2", "3", "8"] {
            let output = run(&program, &["--schedulers", schedulers, "--stats"]);
            let (said, figures) = (stdout(&output), stderr(&output));
            assert_eq!(said, format!("{expected}\n"), "seed {seed}, {schedulers} schedulers: {figures}");
            assert!(output.status.success());
            // Nobody is left, no message is lost, and nothing else was said.
            assert!(figures.starts_with("processes: ") && figures.contains(" ended, 0 alive\n"), "{figures}");
            assert!(figures.contains(" 0 waiting\n"), "{figures}");
        }
        tried += 1;
        if tried == 12 {
            return;
        }
    }
}

/// Starts processes that wait for ever, in a loop without end; the exception is caught and printed.
const CROWD: &str = "\
.function: waiter/0
    allocate_registers %2 local
    receive %1 local 300ms
    return
.end
.block: start
    .mark: again
    frame %0
    process %1 local waiter/0
    jump again
    leave
.end
.block: caught
    draw %1 local
    print %1 local
    leave
.end
.function: main/0
    allocate_registers %2 local
    try
    catch \"Limit\" caught
    enter start
    izero %0 local
    return
.end
";

#[test]
fn there_are_no_more_processes_than_allowed() {
    let output = run(&build(CROWD), &["--max-processes", "100"]);
    assert_eq!(stdout(&output), "number of processes exceeds its limit of 100\n");
    assert!(output.status.success());
}

#[test]
fn a_full_mailbox_is_the_fault_of_the_sender() {
    let source = CROWD.replace(
        "    frame %0\n    process %1 local waiter/0\n",
        "    self %1 local\n    send %1 local (izero %2 local) local\n",
    );
    let source = source.replace("allocate_registers %2 local\n    try", "allocate_registers %3 local\n    try");
    let output = run(&build(&source), &["--max-mailbox", "1000"]);
    let said = stdout(&output);
    assert!(said.starts_with("mailbox of ") && said.ends_with(" exceeds its limit of 1000 messages\n"), "{said}");
}

/// Takes more and more, and goes on when it has been told to stop.
const GREEDY: &str = "\
.block: grow
    text %2 local \"a text that takes some memory because it is doubled again and again\"
    .mark: again
    textconcat %2 local %2 local %2 local
    vector %3 local
    jump again
    leave
.end
.block: caught
    draw %1 local
    print %1 local
    leave
.end
.function: main/0
    allocate_registers %4 local
    try
    catch \"Limit\" caught
    enter grow
    delete %2 local
    text %2 local \"alive\"
    print %2 local
    izero %0 local
    return
.end
";

#[test]
fn a_process_takes_no_more_memory_than_allowed() {
    let output = run(&build(GREEDY), &["--max-process-memory", "8M"]);
    assert_eq!(stdout(&output), "process exceeds its memory limit of 8388608 bytes\nalive\n", "{}", stderr(&output));
}

#[test]
fn a_program_takes_no_more_memory_than_allowed() {
    let output = run(&build(GREEDY), &["--max-memory", "32M"]);
    assert_eq!(stdout(&output), "program exceeds its memory limit of 33554432 bytes\nalive\n", "{}", stderr(&output));
}

#[test]
fn endless_recursion_meets_the_limit_of_memory_first() {
    let source = "\
.function: deeper/1
    allocate_registers %60000 local
    frame %1
    copy %0 arguments (izero %1 local) local
    call void deeper/1
    return
.end
.block: go
    frame %1
    copy %0 arguments (izero %1 local) local
    call void deeper/1
    leave
.end
.block: caught
    draw %1 local
    print %1 local
    leave
.end
.function: main/0
    allocate_registers %2 local
    try
    catch \"Limit\" caught
    enter go
    izero %0 local
    return
.end
";
    let output = run(&build(source), &["--max-process-memory", "16M"]);
    assert_eq!(stdout(&output), "process exceeds its memory limit of 16777216 bytes\n", "{}", stderr(&output));
}

#[test]
fn messages_change_accounts() {
    // A producer sends far more than its limit, to a consumer that destroys it: neither exceeds anything.
    let source = "\
.function: consumer/1
    allocate_registers %3 local
    move %1 local %0 parameters
    .mark: again
    receive %2 local
    delete %2 local
    idec %1 local
    if %1 local again +1
    return
.end
.function: main/0
    allocate_registers %6 local
    integer %2 local 2000
    frame %1
    copy %0 arguments %2 local
    process %1 local consumer/1
    .mark: again
    text %3 local \"a text of a hundred characters and more, so that two thousand of them, doubled, are much memory\"
    textconcat %3 local %3 local %3 local
    textconcat %3 local %3 local %3 local
    textconcat %3 local %3 local %3 local
    textconcat %3 local %3 local %3 local
    send %1 local %3 local
    idec %2 local
    if %2 local again +1
    join void %1 local
    print (text %4 local \"done\") local
    izero %0 local
    return
.end
";
    let program = build(source);
    for schedulers in ["1", "2"] {
        let output = run(&program, &["--schedulers", schedulers, "--max-process-memory", "4M"]);
        assert_eq!(stdout(&output), "done\n", "{}", stderr(&output));
    }
}

#[test]
fn figures_are_shown_at_the_end() {
    let output = run(&build(&CROWD.replace("jump again", "izero %1 local")), &["--stats", "--schedulers", "2"]);
    let said = stderr(&output);
    assert!(said.contains("processes: 2 started, 2 ended, 0 alive\n"), "{said}");
    assert!(said.contains("messages: 0 sent, 0 received, 0 waiting\n"), "{said}");
    assert!(said.contains("\nscheduler 1: "), "{said}");
}

#[cfg(unix)]
#[test]
fn figures_are_shown_on_a_signal() {
    use std::io::{BufRead, BufReader};
    let program = build(&CROWD.replace("jump again", "izero %1 local").replace("300ms", "3600s"));
    let mut command = program.machine(&["--stats"]);
    let mut running = Running(command.stderr(std::process::Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
    let mut first = None;
    // The signal ends a program that does not wait for it yet, so it is sent when the program is well under way.
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let status = Command::new("kill").args(["-USR1", &running.0.id().to_string()]).status().unwrap();
        if status.success() {
            first = lines.next();
            break;
        }
    }
    assert_eq!(first.unwrap().unwrap(), "processes: 2 started, 1 ended, 1 alive");
}

#[test]
fn the_program_sees_its_own_figures() {
    let source = "\
.import: [[dynamic]] std::runtime
.signature: std::runtime::stats/0
.signature: std::runtime::processes/0
.function: waiter/0
    allocate_registers %1 local
    receive void
    return
.end
.function: show/2
    allocate_registers %4 local
    move %1 local %0 parameters
    move %2 local %1 parameters
    structremove %3 local %1 local %2 local
    print %3 local
    move %0 local %1 local
    return
.end
.function: main/0
    allocate_registers %6 local
    frame %0
    process %1 local waiter/0
    frame %0
    call %2 local std::runtime::stats/0
    frame %2
    move %0 arguments %2 local
    move %1 arguments (atom %3 local 'started') local
    call %2 local show/2
    frame %2
    move %0 arguments %2 local
    move %1 arguments (atom %3 local 'alive') local
    call %2 local show/2
    frame %0
    call %2 local std::runtime::processes/0
    vpop %3 local %2 local (integer %4 local -1) local
    frame %2
    move %0 arguments %3 local
    move %1 arguments (atom %4 local 'function') local
    call %3 local show/2
    vlen %5 local %2 local
    print %5 local
    send %1 local %5 local
    izero %0 local
    return
.end
";
    for schedulers in ["1", "2"] {
        let output = run(&build(source), &["--schedulers", schedulers]);
        assert_eq!(stdout(&output), "2\n2\nwaiter/0\n1\n", "{}", stderr(&output));
    }
}

#[test]
fn a_report_names_those_who_started_the_process() {
    let source = "\
.function: child/0
    allocate_registers %1 local
    throw (integer %0 local 42) local
    return
.end
.function: parent/0
    allocate_registers %1 local
    frame %0
    process void child/0
    receive %0 local
    return
.end
.function: watch/1
    allocate_registers %1 local
    return
.end
.function: main/0
    allocate_registers %3 local
    frame %0
    process %1 local parent/0
    try
    catch \"Exception\" late
    enter wait
    send %1 local (izero %2 local) local
    join void %1 local
    izero %0 local
    return
.end
.block: wait
    receive void 500ms
    leave
.end
.block: late
    draw %2 local
    leave
.end
";
    let output = run(&build(source), &[]);
    let said = stderr(&output);
    let line: Vec<&str> = said.lines().skip_while(|line| *line != "process ancestry:").skip(1).collect();
    let functions: Vec<&str> = line.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(functions, ["child/0", "parent/0", "main/0"], "{said}");
}

#[test]
fn of_many_joiners_one_gets_the_outcome() {
    let source = "\
.function: target/0
    allocate_registers %1 local
    receive %0 local
    return
.end
.function: joiner/2
    allocate_registers %4 local
    move %1 local %0 parameters
    move %2 local %1 parameters
    try
    catch \"Process_cannot_be_joined\" late
    enter wait
    send %1 local %3 local
    return
.end
.block: wait
    join %3 local %2 local
    leave
.end
.block: late
    draw %3 local
    izero %3 local
    leave
.end
.function: main/0
    allocate_registers %7 local
    integer %1 local 20000
    copy %2 local %1 local
    self %3 local
    frame %0
    process %4 local target/0
    .mark: start
    frame %2
    copy %0 arguments %3 local
    copy %1 arguments %4 local
    process void joiner/2
    idec %2 local
    if %2 local start +1
    send %4 local (integer %5 local 7) local
    izero %6 local
    .mark: gather
    receive %5 local
    add %6 local %6 local %5 local
    idec %1 local
    if %1 local gather +1
    print %6 local
    izero %0 local
    return
.end
";
    let program = build(source);
    for schedulers in ["1", "2", "8"] {
        let output = run(&program, &["--schedulers", schedulers]);
        assert_eq!(stdout(&output), "7\n", "{}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn processes_that_wait_use_no_processor_time() {
    let crowd = CROWD.replace(
        "    process %1 local waiter/0\n    jump again\n",
        "    process %1 local waiter/0\n    idec %2 local\n    if %2 local again +1\n",
    );
    let source = crowd
        .replace(
            "allocate_registers %2 local\n    try",
            "allocate_registers %3 local\n    integer %2 local 2000\n    try",
        )
        .replace("300ms", "3600s");
    let program = build(&source);
    for schedulers in ["1", "8"] {
        let running = Running(program.machine(&["--schedulers", schedulers]).spawn().unwrap());
        let ticks = || processor_ticks(running.0.id()).unwrap();
        // It has started them all when the time it has used does not grow any more.
        let pause = || std::thread::sleep(std::time::Duration::from_millis(500));
        pause();
        let mut before = ticks();
        loop {
            pause();
            let now = ticks();
            if now == before {
                break;
            }
            before = now;
        }
        (0..4).for_each(|_| pause());
        let used = ticks() - before;
        assert!(used <= 1, "{used} ticks");
    }
}
