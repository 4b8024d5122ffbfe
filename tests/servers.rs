//! The servers in `examples/servers`, built and used over the loopback interface.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use viua_tests::check::clean_command;
use viua_tests::program::Running;

const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with what has been built.
struct Bench(TempDir);

impl Bench {
    fn new() -> Bench {
        Bench(tempfile::tempdir().unwrap())
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    /// Builds a source of the examples.
    fn build(&self, source: &str, output: &str, flags: &[&str]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/servers").join(source);
        let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_viuac")));
        command.env("VIUA_LIBRARY_PATH", self.0.path()).arg("build").args(flags);
        let output = command.arg("-o").arg(self.path(output)).arg(source).current_dir(self.0.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(said, "", "an example should give no warnings");
    }
    /// Builds a server that speaks in lines.
    fn build_with_lines(&self, name: &str) {
        self.build("lines.asm", "lines.module", &["--lib"]);
        self.build(&format!("{name}/{name}.asm"), name, &["-l", "lines"]);
    }
    fn machine(&self, program: &str) -> Command {
        let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_viua")));
        command.env("VIUA_LIBRARY_PATH", self.0.path()).current_dir(self.0.path()).arg(self.path(program));
        command
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server and waits until it says that it is there.
fn start(command: &mut Command) -> Running {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let server = Running(child);
    assert_eq!(line, "listening\n");
    server
}

/// A client that speaks in lines.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }
    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }
}

#[test]
fn echo() {
    let bench = Bench::new();
    bench.build("echo/echo.asm", "echo", &[]);
    let port = free_port();
    let _server = start(bench.machine("echo").arg(port.to_string()));
    let clients: Vec<_> = (0..20u8)
        .map(|number| {
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let sent: Vec<u8> = (0..100_000u32).map(|n| (n as u8) ^ number).collect();
                let mut writer = stream.try_clone().unwrap();
                let bytes = sent.clone();
                let writing = std::thread::spawn(move || {
                    writer.write_all(&bytes).unwrap();
                    writer.shutdown(std::net::Shutdown::Write).unwrap();
                });
                let mut got = Vec::new();
                stream.read_to_end(&mut got).unwrap();
                writing.join().unwrap();
                assert!(got == sent);
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}

#[test]
fn irc() {
    let bench = Bench::new();
    bench.build_with_lines("irc");
    let port = free_port();
    let _server = start(bench.machine("irc").arg(port.to_string()));
    let (mut ann, mut bob) = (Client::connect(port), Client::connect(port));
    ann.say("NICK ann");
    assert_eq!(ann.ask("USER ann 0 * :Ann"), ":localhost 001 ann :Welcome");
    assert_eq!(bob.ask("NICK ann"), ":localhost 433 ann :Nickname is already in use");
    bob.say("NICK bob");
    assert_eq!(bob.ask("USER bob 0 * :Bob"), ":localhost 001 bob :Welcome");

    assert_eq!(ann.ask("JOIN #tea"), ":ann!ann@localhost JOIN #tea");
    assert_eq!(bob.ask("JOIN #tea"), ":bob!bob@localhost JOIN #tea");
    assert_eq!(ann.hear(), ":bob!bob@localhost JOIN #tea");
    bob.say("PRIVMSG #tea :one lump or two?");
    assert_eq!(ann.hear(), ":bob!bob@localhost PRIVMSG #tea :one lump or two?");
    ann.say("PRIVMSG bob :three \u{2615}");
    assert_eq!(bob.hear(), ":ann!ann@localhost PRIVMSG bob :three \u{2615}");
    assert_eq!(ann.ask("PRIVMSG eve :hello"), ":localhost 401 ann eve :No such nick");
    assert_eq!(ann.ask("PING 42"), ":localhost PONG localhost 42");
    assert_eq!(ann.ask("DANCE"), ":localhost 421 DANCE :Unknown command");

    assert_eq!(ann.ask("PART #tea"), ":ann!ann@localhost PART #tea");
    assert_eq!(bob.hear(), ":ann!ann@localhost PART #tea");
    bob.say("PRIVMSG #tea :anybody?");
    assert_eq!(ann.ask("JOIN #tea"), ":ann!ann@localhost JOIN #tea");
    assert_eq!(bob.hear(), ":ann!ann@localhost JOIN #tea");
    assert_eq!(bob.ask("QUIT"), "ERROR :Closing Link");
    assert_eq!(bob.hear(), "");
    assert_eq!(ann.hear(), ":bob!bob@localhost QUIT #tea");

    // Who disappears has quit; who sends rubbish is thrown out. Nobody else is troubled.
    let mut eve = Client::connect(port);
    eve.say("NICK eve");
    eve.say("USER eve");
    assert_eq!(eve.hear(), ":localhost 001 eve :Welcome");
    assert_eq!(eve.ask("JOIN #tea"), ":eve!eve@localhost JOIN #tea");
    assert_eq!(ann.hear(), ":eve!eve@localhost JOIN #tea");
    drop(eve);
    assert_eq!(ann.hear(), ":eve!eve@localhost QUIT #tea");
    let mut rubbish = TcpStream::connect(("127.0.0.1", port)).unwrap();
    rubbish.write_all(b"\xff\xfe\n").unwrap();
    assert_eq!(rubbish.read(&mut [0; 10]).unwrap(), 0);
    assert_eq!(ann.ask("PING 43"), ":localhost PONG localhost 43");
}

/// Starts the queue on a journal, which is appended to through descriptor 3.
fn start_queue(bench: &Bench, port: u16) -> Running {
    let machine = bench.machine("queue");
    let mut shell = clean_command(Path::new("/bin/sh"));
    shell.env("VIUA_LIBRARY_PATH", bench.0.path()).current_dir(bench.0.path());
    shell.args(["-c", "exec \"$@\" 3>>journal", "sh"]).arg(machine.get_program()).args(machine.get_args());
    start(shell.arg(port.to_string()).arg("journal"))
}

#[test]
fn a_queue_that_is_killed_loses_nothing_that_it_has_acknowledged() {
    let bench = Bench::new();
    bench.build_with_lines("queue");
    File::create(bench.path("journal")).unwrap();
    let port = free_port();
    let server = start_queue(&bench, port);
    let mut first = Client::connect(port);
    assert_eq!(first.ask("GET"), "EMPTY");
    for (number, words) in ["one", "two words", "trois \u{e9}"].iter().enumerate() {
        assert_eq!(first.ask(&format!("PUT {words}")), format!("OK {}", number + 1));
    }
    assert_eq!(first.ask("GET"), "MSG 1 one");
    assert_eq!(first.ask("GET"), "MSG 2 two words");
    let mut second = Client::connect(port);
    assert_eq!(second.ask("GET"), "MSG 3 trois \u{e9}");
    assert_eq!(second.ask("GET"), "EMPTY");
    assert_eq!(first.ask("ACK 1"), "OK");
    assert_eq!(first.ask("ACK 1"), "UNKNOWN");
    assert_eq!(first.ask("NONSENSE"), "WHAT");

    // kill -9, in the middle of a record.
    drop(server);
    OpenOptions::new().append(true).open(bench.path("journal")).unwrap().write_all(b"\nP 4 half of").unwrap();
    let server = start_queue(&bench, port);
    let (mut first, mut second) = (Client::connect(port), Client::connect(port));
    assert_eq!(first.ask("GET"), "MSG 2 two words");
    assert_eq!(second.ask("GET"), "MSG 3 trois \u{e9}");
    assert_eq!(second.ask("PUT four"), "OK 4");
    assert_eq!(second.ask("ACK 3"), "OK");
    // A client that goes without acknowledging gives its messages back, to be delivered first.
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let message = second.ask("GET");
        if message == "MSG 2 two words" {
            break;
        }
        assert!(Instant::now() < deadline, "{message}");
        drop(second);
        second = Client::connect(port);
    }
    assert_eq!(second.ask("ACK 2"), "OK");

    drop(server);
    let _server = start_queue(&bench, port);
    let mut last = Client::connect(port);
    assert_eq!(last.ask("GET"), "MSG 4 four");
    assert_eq!(last.ask("GET"), "EMPTY");
}

#[test]
fn cron_restarts_what_fails_and_goes_on_with_the_rest() {
    let bench = Bench::new();
    bench.build_with_lines("cron");
    let table = "\
        # This line is none, although it is long enough to be one.\n\
        * * * * * * echo every >> log\n\
        */2 * * * * * echo even >> log\n\
        61 * * * * * echo never >> log\n\
        * * * * * * test -f flag && echo flagged >> log\n";
    fs::write(bench.path("crontab"), table).unwrap();
    let mut child = bench.machine("cron").arg("crontab").stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let _server = Running(child);
    assert_eq!(said.next().unwrap(), "running");
    for _ in 0..2 {
        let failed = "restarted: test -f flag && echo flagged >> log, status 256";
        assert_eq!(said.next().unwrap(), failed);
    }
    fs::write(bench.path("flag"), "").unwrap();
    let deadline = Instant::now() + PATIENCE;
    let count = |log: &str, word: &str| log.lines().filter(|line| *line == word).count();
    loop {
        let log = fs::read_to_string(bench.path("log")).unwrap_or_default();
        if count(&log, "flagged") > 0 && count(&log, "even") > 1 {
            assert!(count(&log, "every") > count(&log, "even"), "{log}");
            assert_eq!(count(&log, "never"), 0);
            break;
        }
        assert!(Instant::now() < deadline, "{log}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_is_upgraded_between_two_requests() {
    let bench = Bench::new();
    bench.build("upgrade/handler_1.asm", "handler.module", &["--lib"]);
    bench.build_with_lines("upgrade");
    let port = free_port();
    let _server = start(bench.machine("upgrade").arg(port.to_string()));
    let (mut one, mut two) = (Client::connect(port), Client::connect(port));
    assert_eq!(one.ask("hello"), "first: hello");
    bench.build("upgrade/handler_2.asm", "handler.module", &["--lib"]);
    assert_eq!(one.ask("hello"), "first: hello");
    assert_eq!(one.ask("UPGRADE"), "upgraded");
    assert_eq!(one.ask("hello"), "second: 5");
    assert_eq!(two.ask("good morning"), "second: 12");
    // What is no module changes nothing.
    fs::write(bench.path("handler.module"), "rubbish").unwrap();
    let refused = two.ask("UPGRADE");
    assert!(refused.starts_with("invalid magic number: "), "{refused}");
    assert_eq!(two.ask("still there"), "second: 11");
}
