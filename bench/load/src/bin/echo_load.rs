//! Loads an echo server: many connections, each with one request on its way at a time, all from one thread.
//!
//! Prints requests a second and how long answers took. With `--idle N` so many further connections are opened that
//! never say anything, to see what they cost.

use clap::Parser;
use polling::{Event, Events, PollMode, Poller};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use viua_load::{percentile, processor_ticks, resident_memory};

/// Measure an echo server.
#[derive(Parser)]
struct Arguments {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:7007")]
    address: SocketAddr,
    /// Connections that ask all the time.
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Further connections that are silent.
    #[arg(long, default_value_t = 0)]
    idle: usize,
    /// Bytes of a request.
    #[arg(long, default_value_t = 64)]
    bytes: usize,
    /// How long it is measured, after a tenth of that to warm up.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The server's process, to tell its memory and processor time.
    #[arg(long)]
    pid: Option<u32>,
}

struct Connection {
    stream: TcpStream,
    asked: Instant,
    received: usize,
}

fn main() -> ExitCode {
    match load(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Connects, however slow the other side is in accepting.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let mut tries = 0;
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if tries == 100 => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
        tries += 1;
    }
}

fn load(arguments: &Arguments) -> io::Result<()> {
    let begin = Instant::now();
    let silent = (0..arguments.idle).map(|_| connect(arguments.address)).collect::<io::Result<Vec<_>>>()?;
    let poller = Poller::new()?;
    let request: Vec<u8> = (0..arguments.bytes.max(1)).map(|at| at as u8).collect();
    let mut connections = Vec::new();
    for number in 0..arguments.connections {
        let stream = connect(arguments.address)?;
        stream.set_nonblocking(true)?;
        // SAFETY: the connections outlive the poller's last wait, and are deleted with it.
        unsafe { poller.add_with_mode(&stream, Event::readable(number), PollMode::Level)? };
        connections.push(Connection { stream, asked: begin, received: 0 });
    }
    let connected = begin.elapsed();
    for connection in &mut connections {
        ask(connection, &request)?;
    }
    let warm = Instant::now() + Duration::from_secs_f64(arguments.seconds / 10.0);
    let end = warm + Duration::from_secs_f64(arguments.seconds);
    let mut ticks = None;
    let mut answers = Vec::new();
    let mut events = Events::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        events.clear();
        poller.wait(&mut events, Some(Duration::from_secs(10)))?;
        if events.is_empty() {
            return Err(io::Error::other("the server does not answer any more"));
        }
        let now = Instant::now();
        if now >= end {
            break;
        }
        if now >= warm && ticks.is_none() {
            ticks = Some(arguments.pid.and_then(processor_ticks));
        }
        for event in events.iter() {
            let connection = &mut connections[event.key];
            match connection.stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::other("the server has closed a connection")),
                Ok(count) => {
                    let expected = request.get(connection.received..connection.received + count);
                    if expected != Some(&buffer[..count]) {
                        return Err(io::Error::other("the answer is not the request"));
                    }
                    connection.received += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if connection.received == request.len() {
                connection.received = 0;
                if now >= warm {
                    answers.push(connection.asked.elapsed());
                }
                ask(connection, &request)?;
            }
        }
    }
    let seconds = arguments.seconds;
    print!("{:9.0} requests/s", answers.len() as f64 / seconds);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        print!("  {name} {:.2} ms", percentile(&mut answers, share).as_secs_f64() * 1e3);
    }
    print!("  connected in {:.2} s", connected.as_secs_f64());
    if let Some(pid) = arguments.pid {
        let used = processor_ticks(pid).zip(ticks.flatten()).map_or(0, |(now, then)| now.saturating_sub(then));
        let each = used as f64 * 10_000.0 / answers.len().max(1) as f64;
        print!("  server: {each:.1} us cpu a request, {} KiB", resident_memory(pid).unwrap_or(0));
    }
    println!();
    drop(silent);
    Ok(())
}

fn ask(connection: &mut Connection, request: &[u8]) -> io::Result<()> {
    connection.asked = Instant::now();
    // A request is smaller than any socket buffer, which is empty now.
    connection.stream.write_all(request)
}
