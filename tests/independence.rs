//! What blocks one process delays no other (runtime.md §6, guarantee 4).

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use viua_tests::check::clean_command;
use viua_tests::program::{Program, Running};

const PATIENCE: Duration = Duration::from_secs(60);

fn build(source: &str) -> Program {
    Program::build(env!("CARGO_BIN_EXE_viuac"), env!("CARGO_BIN_EXE_viua"), source, &[])
}

/// A machine with a single worker, on which everything has to be.
fn machine(program: &Program) -> Command {
    program.machine(&["--schedulers", "1"])
}

/// Two processes that exchange a number of messages; then the second is over, and the first goes on.
const PLAY: &str = "
.function: player/2
    allocate_registers %4 local
    .name: 1 other
    .name: 2 left
    .name: 3 ball
    move %other local %0 parameters
    move %left local %1 parameters
    .mark: again
    receive %ball local
    send %other local %ball local
    idec %left local
    if %left local again +1
    return
.end

.function: play/1
    allocate_registers %5 local
    .name: 1 left
    .name: 2 other
    .name: 3 ball
    .name: 4 me
    move %left local %0 parameters
    self %me local
    frame %2
    move %0 arguments %me local
    copy %1 arguments %left local
    process %other local player/2
    izero %ball local
    .mark: again
    send %other local %ball local
    receive %ball local
    iinc %ball local
    idec %left local
    if %left local again +1
    move %0 local %ball local
    join void %other local
    return
.end
";

#[test]
fn foreign_functions_that_sleep() {
    let source = PLAY.to_owned()
        + r#"
.import: [[dynamic]] std::kitchensink
.signature: std::kitchensink::sleep/1

.function: sleeper/0
    allocate_registers %2 local
    integer %1 local 3
    frame ^[(move %0 arguments %1 local)]
    call void std::kitchensink::sleep/1
    print (text %1 local "slept") local
    return
.end

.function: main/0
    allocate_registers %2 local
    integer %1 local 64
    .mark: more
    frame %0
    process void sleeper/0
    idec %1 local
    if %1 local more +1
    integer %1 local 20000
    frame ^[(move %0 arguments %1 local)]
    call %1 local play/1
    print %1 local
    izero %0 local
    return
.end
"#;
    let program = build(&source);
    let output = machine(&program).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "20000\n".to_owned() + &"slept\n".repeat(64), "the game was over before anybody woke");
}

#[test]
fn a_reader_of_standard_output_that_does_not_read() {
    let source = PLAY.to_owned()
        + r#"
.function: chatterbox/0
    allocate_registers %2 local
    text %1 local "a line that nobody reads"
    print %1 local
    frame %0
    tailcall chatterbox/0
.end

.function: main/0
    allocate_registers %1 local
    frame %0
    process void chatterbox/0
    frame %0
    call void games/0
    izero %0 local
    return
.end

.function: games/0
    allocate_registers %4 local
    integer %1 local 2000
    frame ^[(move %0 arguments %1 local)]
    call void play/1
    io_write %2 local (integer %3 local 3) local (text %1 local "played\n") local
    io_wait void %2 local
    frame %0
    tailcall games/0
.end
"#;
    let program = build(&source);
    let machine = machine(&program);
    let mut shell = clean_command(Path::new("/bin/sh"));
    shell.current_dir(program.folder()).stdout(Stdio::piped());
    shell.args(["-c", "exec \"$@\" 3>played", "sh"]).arg(machine.get_program()).args(machine.get_args());
    let mut running = Running(shell.spawn().unwrap());
    let count = || fs::read_to_string(program.folder().join("played")).map_or(0, |text| text.lines().count());
    let wait_for = |wanted: usize| {
        let deadline = Instant::now() + PATIENCE;
        while count() < wanted {
            assert!(Instant::now() < deadline, "{} games", count());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // The pipe has long been full, and so is all that the machine is willing to keep.
    wait_for(200);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    for _ in 0..100_000 {
        assert_eq!(lines.next().unwrap().unwrap(), "a line that nobody reads");
    }
    wait_for(count() + 20);
    // Who stops reading ends the machine, as any filter.
    drop(lines);
    assert_eq!(running.0.wait().unwrap().code(), Some(141));
}

#[test]
fn sockets_that_are_silent() {
    let echo = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/servers/echo/echo.asm"));
    let program = build(&echo.unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut running = Running(machine(&program).arg(port.to_string()).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "listening\n");
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    // Not more than the usual limit of open files allows.
    let silent: Vec<_> = (0..400).map(|_| connect()).collect();
    let mut busy = connect();
    for turn in 0..500u32 {
        busy.write_all(&turn.to_le_bytes()).unwrap();
        let mut answer = [0; 4];
        busy.read_exact(&mut answer).unwrap();
        assert_eq!(u32::from_le_bytes(answer), turn);
    }
    for mut stream in silent {
        stream.write_all(b"after all").unwrap();
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"after all");
    }
}
