//! Running a program with a time limit, its output captured.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// What a program did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
    /// The exit code as text.
    pub fn exit(&self) -> String {
        self.code.map_or("signal".to_owned(), |code| code.to_string())
    }
}

/// Runs a command with that input. `Err` says why it could not be run, or that it was ended by the time limit.
pub fn run(command: &mut Command, stdin: &[u8], limit: Duration) -> Result<Outcome, String> {
    let deadline = Instant::now() + limit;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let (sender, receiver) = channel();
    if let Some(mut pipe) = child.stdin.take() {
        let input = stdin.to_owned();
        // A program may end without reading its input.
        std::thread::spawn(move || drop(pipe.write_all(&input)));
    }
    let out = child.stdout.take().map(|pipe| collect(pipe, 0, sender.clone()));
    let err = child.stderr.take().map(|pipe| collect(pipe, 1, sender));
    debug_assert!(out.is_some() && err.is_some());
    let mut streams = [Vec::new(), Vec::new()];
    for _ in 0..2 {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((stream, bytes)) => streams[stream] = bytes,
            Err(_) => return Err(stop(&mut child)),
        }
    }
    // Both streams are closed, so it has ended or is about to.
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) | Err(_) => return Err(stop(&mut child)),
        }
    };
    let [stdout, stderr] = streams;
    Ok(Outcome { code: status.code(), stdout, stderr })
}

fn collect(mut pipe: impl Read + Send + 'static, stream: usize, sender: std::sync::mpsc::Sender<(usize, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.read_to_end(&mut bytes);
        // After the time limit nobody listens any more.
        drop((read, sender.send((stream, bytes))));
    });
}

fn stop(child: &mut std::process::Child) -> String {
    drop((child.kill(), child.wait()));
    "timed out".to_owned()
}
