//! Tries to make the message queue of `examples/servers` lose something: clients put, take and acknowledge messages
//! while the server is killed (SIGKILL) and started again at random.
//!
//! What must hold: a message whose `PUT` was answered is delivered until its `ACK` was answered, and never afterwards;
//! nothing is delivered that nobody has put. What was asked but not answered when the server died may have happened or not.
//!
//! Exit codes: 0 all held, 1 something was lost or came back, 2 wrong arguments.

use clap::Parser;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use viua_load::{Random, percentile, resident_memory};

/// Kill the message queue at random and look whether it loses anything.
#[derive(Parser)]
struct Arguments {
    /// The virtual machine.
    #[arg(long)]
    viua: PathBuf,
    /// The queue server, built from examples/servers/queue.asm.
    #[arg(long)]
    queue: PathBuf,
    /// How long.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Messages a second, all clients together.
    #[arg(long, default_value_t = 50)]
    rate: u64,
    /// Clients.
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// Start of the random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// `PUT` was sent, and not answered.
    Offered,
    /// `PUT` was answered: it must not be lost.
    Accepted,
    /// `ACK` was sent, and not answered.
    Returned,
    /// `ACK` was answered: it must not be seen again.
    Done,
}

#[derive(Default)]
struct Ledger {
    standing: Mutex<HashMap<String, Standing>>,
    faults: Mutex<Vec<String>>,
    accepted: AtomicU64,
    done: AtomicU64,
    again: AtomicU64,
    answers: Mutex<Vec<Duration>>,
}

impl Ledger {
    fn note(&self, text: &str, standing: Standing) {
        lock(&self.standing).insert(text.to_owned(), standing);
    }

    fn fault(&self, text: String) {
        println!("FAULT: {text}");
        lock(&self.faults).push(text);
    }

    fn delivered(&self, text: &str) {
        match lock(&self.standing).get(text) {
            None => self.fault(format!("delivered, but never put: {text}")),
            Some(Standing::Done) => self.fault(format!("delivered after it was acknowledged: {text}")),
            Some(Standing::Returned) => {
                self.again.fetch_add(1, Ordering::Relaxed);
            }
            Some(Standing::Offered | Standing::Accepted) => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Client<'a> {
    stream: BufReader<TcpStream>,
    ledger: &'a Ledger,
}

impl Client<'_> {
    fn connect(port: u16, ledger: &Ledger) -> io::Result<Client<'_>> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Client { stream: BufReader::new(stream), ledger })
    }

    fn ask(&mut self, line: &str) -> io::Result<String> {
        let begin = Instant::now();
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        if !answer.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        lock(&self.ledger.answers).push(begin.elapsed());
        Ok(answer.trim_end().to_owned())
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.ledger.note(text, Standing::Offered);
        let answer = self.ask(&format!("PUT {text}"))?;
        if answer.starts_with("OK ") {
            // It may have been delivered to somebody else, and be done with, before the answer was read here.
            let mut standing = lock(&self.ledger.standing);
            if let Some(known @ Standing::Offered) = standing.get_mut(text) {
                *known = Standing::Accepted;
            }
            self.ledger.accepted.fetch_add(1, Ordering::Relaxed);
        } else {
            self.ledger.fault(format!("PUT answered with {answer:?}"));
        }
        Ok(())
    }

    /// False if there is no message.
    fn take(&mut self, acknowledge: bool) -> io::Result<bool> {
        let answer = self.ask("GET")?;
        if answer == "EMPTY" {
            return Ok(false);
        }
        let mut words = answer.splitn(3, ' ');
        let (Some("MSG"), Some(id), Some(text)) = (words.next(), words.next(), words.next()) else {
            self.ledger.fault(format!("GET answered with {answer:?}"));
            return Ok(true);
        };
        self.ledger.delivered(text);
        if acknowledge {
            self.ledger.note(text, Standing::Returned);
            let answer = self.ask(&format!("ACK {id}"))?;
            if answer == "OK" {
                self.ledger.note(text, Standing::Done);
                self.ledger.done.fetch_add(1, Ordering::Relaxed);
            } else {
                self.ledger.fault(format!("ACK {id} answered with {answer:?}"));
            }
        }
        Ok(true)
    }
}

/// Puts, takes and acknowledges until it is told to stop; connects again whenever the connection breaks.
fn work(number: u64, port: u16, ledger: &Ledger, stop: &AtomicBool, pause: Duration, seed: u64) {
    let mut random = Random::new(seed + number);
    let mut count = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut client) = Client::connect(port, ledger) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        // What others left behind is taken first, so that the queue stays short and its memory tells something.
        let mut rest = 50;
        while rest > 0 && client.take(true).unwrap_or(false) {
            rest -= 1;
        }
        // Now and then somebody goes without a word, with messages in his hands.
        let rounds = 1 + random.below(200);
        for _ in 0..rounds {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            count += 1;
            let text = format!("{number}-{count} {}", "x".repeat(random.below(40) as usize));
            let acknowledge = random.below(20) != 0;
            if client.put(text.trim_end()).and_then(|()| client.take(acknowledge)).is_err() {
                break;
            }
            thread::sleep(pause);
        }
    }
}

struct Server {
    child: Child,
    since: Instant,
    early: Option<u64>,
}

impl Server {
    fn start(arguments: &Arguments, directory: &Path, port: u16) -> io::Result<Server> {
        let mut child = Command::new("/bin/sh")
            .current_dir(directory)
            .args(["-c", "exec \"$@\" 3>>journal", "sh"])
            .arg(&arguments.viua)
            .arg(&arguments.queue)
            .arg(port.to_string())
            .arg("journal")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.as_mut() {
            BufReader::new(stdout.take(10)).read_line(&mut line)?;
        }
        if line != "listening\n" {
            let _ = child.kill();
            return Err(io::Error::other(format!("the queue says {line:?} instead of \"listening\"")));
        }
        Ok(Server { child, since: Instant::now(), early: None })
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn main() -> ExitCode {
    match soak(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak(arguments: &Arguments) -> io::Result<bool> {
    let directory = tempfile::tempdir()?;
    File::create(directory.path().join("journal"))?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let pause = Duration::from_millis(1000 * arguments.clients / arguments.rate.max(1));
    let (ledger, stop) = (Ledger::default(), AtomicBool::new(false));
    let mut random = Random::new(arguments.seed);
    let (mut kills, mut longest_start, mut peak, mut growth) = (0u64, Duration::ZERO, 0, Vec::new());
    let mut server = Some(Server::start(arguments, directory.path(), port)?);
    let begin = Instant::now();
    let end = begin + Duration::from_secs(arguments.seconds);
    thread::scope(|scope| -> io::Result<()> {
        for number in 0..arguments.clients {
            let (ledger, stop) = (&ledger, &stop);
            scope.spawn(move || work(number, port, ledger, stop, pause, arguments.seed));
        }
        let result = (|| {
            let mut next_report = begin + Duration::from_secs(60);
            while Instant::now() < end {
                // Mostly short lives, some long enough to see memory grow.
                let life =
                    if random.below(3) == 0 { 60_000 + random.below(240_000) } else { 500 + random.below(20_000) };
                let death = (Instant::now() + Duration::from_millis(life)).min(end);
                while Instant::now() < death {
                    thread::sleep(Duration::from_millis(250).min(death.saturating_duration_since(Instant::now())));
                    let Some(server) = &mut server else { continue };
                    let memory = resident_memory(server.child.id()).unwrap_or(0);
                    peak = peak.max(memory);
                    if server.early.is_none() && server.since.elapsed() > Duration::from_secs(10) {
                        server.early = Some(memory);
                    }
                    if Instant::now() > next_report {
                        next_report += Duration::from_secs(60);
                        report(&ledger, begin, kills, memory);
                    }
                }
                if Instant::now() >= end {
                    break;
                }
                if let Some(server) = &mut server {
                    let now = resident_memory(server.child.id()).unwrap_or(0);
                    if let Some(early) = server.early {
                        growth.push((server.since.elapsed(), early, now));
                    }
                    server.kill();
                }
                kills += 1;
                let starting = Instant::now();
                server = Some(Server::start(arguments, directory.path(), port)?);
                longest_start = longest_start.max(starting.elapsed());
            }
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        result
    })?;

    // All clients are gone: what they had not acknowledged is there again.
    let mut drained = 0;
    let mut client = Client::connect(port, &ledger)?;
    thread::sleep(Duration::from_millis(500));
    while client.take(true)? {
        drained += 1;
    }
    let standing = lock(&ledger.standing);
    for (text, _) in standing.iter().filter(|(_, standing)| **standing == Standing::Accepted) {
        ledger.fault(format!("accepted, and never delivered: {text}"));
    }
    let memory = server.as_ref().and_then(|server| resident_memory(server.child.id())).unwrap_or(0);
    report(&ledger, begin, kills, memory);
    growth.sort_by_key(|(age, ..)| std::cmp::Reverse(*age));
    for (age, early, late) in growth.iter().take(5) {
        println!("a life of {:.0} s: {early} KiB after 10 s, {late} KiB at the end", age.as_secs_f64());
    }
    println!("peak {peak} KiB, longest start {:.2} s, drained at the end {drained}", longest_start.as_secs_f64());
    let faults = lock(&ledger.faults).len();
    println!("{} messages known, {faults} faults", standing.len());
    Ok(faults == 0)
}

fn report(ledger: &Ledger, begin: Instant, kills: u64, memory: u64) {
    let mut answers = std::mem::take(&mut *lock(&ledger.answers));
    println!(
        "{:5.0} s  kills {kills}  accepted {}  acknowledged {}  taken again {}  memory {memory} KiB  answer p50 {:?} p99 {:?}",
        begin.elapsed().as_secs_f64(),
        ledger.accepted.load(Ordering::Relaxed),
        ledger.done.load(Ordering::Relaxed),
        ledger.again.load(Ordering::Relaxed),
        percentile(&mut answers, 0.5),
        percentile(&mut answers, 0.99),
    );
}
