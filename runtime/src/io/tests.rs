//! Requests on real pipes and sockets.

use super::{Collected, Port, Request};
use crate::cell::{Cell, kind};
use crate::heap::Heap;
use crate::machine::{Machine, Options};
use crate::raise::discard;
use crate::value::{get, release};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What came of a request, as text; `None` if nothing has within that time.
fn within(machine: &Arc<Machine>, request: &Request, milliseconds: u64) -> Option<String> {
    let end = Instant::now() + Duration::from_millis(milliseconds);
    loop {
        match request.collect(machine, u64::MAX) {
            Collected::Outcome(Ok(cell)) => {
                let mut form = Vec::new();
                crate::print::outer(cell, &mut form);
                release(&mut Heap::default(), cell);
                return Some(String::from_utf8_lossy(&form).into_owned());
            }
            Collected::Outcome(Err(raise)) => {
                let tag = String::from_utf8_lossy(raise.tag.bytes()).into_owned();
                let mut form = Vec::new();
                crate::print::outer(Cell::new(kind::EXCEPTION, std::ptr::from_ref(&*raise) as u64), &mut form);
                discard(&mut Heap::default(), raise);
                return Some(format!("{tag} = {}", String::from_utf8_lossy(&form)));
            }
            Collected::NotYet if Instant::now() > end => return None,
            Collected::NotYet => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

const LONG: u64 = 10_000;
const SHORT: u64 = 50;

fn machine() -> Arc<Machine> {
    Machine::new(Options::default())
}
fn port(descriptor: impl Into<OwnedFd>) -> Cell {
    Cell::boxed(kind::PORT, Box::new(Port::owned(descriptor.into())))
}
fn drop_port(port: Cell) {
    release(&mut Heap::default(), port);
}
fn read(port: Cell, limit: u64) -> Request {
    Request::read(port, limit).ok().unwrap()
}
fn write(machine: &Machine, port: Cell, bytes: &[u8]) -> Request {
    Request::write(port, bytes.to_vec(), machine).ok().unwrap()
}
fn close(port: Cell) -> Request {
    // SAFETY: the cell holds a port.
    Request::close(unsafe { get(port) })
}
fn pipes() -> (PipeReader, PipeWriter) {
    pipe().unwrap()
}

#[test]
fn a_read_waits_for_data_and_takes_what_is_there() {
    let machine = machine();
    let (reader, mut writer) = pipes();
    let reader = port(reader);
    let request = read(reader, 100);
    assert_eq!(within(&machine, &request, SHORT), None);
    writer.write_all(b"hello").unwrap();
    assert_eq!(within(&machine, &request, LONG).unwrap(), "hello");
    assert_eq!(within(&machine, &request, LONG).unwrap(), "Exception = I/O not completed");
    drop(writer);
    assert_eq!(within(&machine, &read(reader, 100), LONG).unwrap(), "");
    drop_port(reader);
}

#[test]
fn requests_in_one_direction_are_performed_in_order() {
    let machine = machine();
    for stream in [true, false] {
        let (a, b): (Cell, Cell) = if stream {
            let (a, b) = UnixStream::pair().unwrap();
            (port(a), port(b))
        } else {
            let (reader, writer) = pipes();
            (port(writer), port(reader))
        };
        let writes: Vec<Request> = (0..50).map(|n| write(&machine, a, format!("{n:04}").as_bytes())).collect();
        let reads: Vec<Request> = (0..50).map(|_| read(b, 4)).collect();
        for (n, request) in reads.iter().enumerate() {
            assert_eq!(within(&machine, request, LONG).unwrap(), format!("{n:04}"));
        }
        for request in &writes {
            assert_eq!(within(&machine, request, LONG).unwrap(), "");
        }
        drop_port(a);
        drop_port(b);
    }
}

#[test]
fn reads_and_writes_on_a_socket_do_not_wait_for_each_other() {
    let machine = machine();
    let (a, mut b) = UnixStream::pair().unwrap();
    let a = port(a);
    let pending = read(a, 10);
    assert_eq!(within(&machine, &write(&machine, a, b"out"), LONG).unwrap(), "");
    let mut buffer = [0; 3];
    b.read_exact(&mut buffer).unwrap();
    assert_eq!(within(&machine, &pending, SHORT), None);
    b.write_all(b"in").unwrap();
    assert_eq!(within(&machine, &pending, LONG).unwrap(), "in");
    drop_port(a);
}

#[test]
fn what_is_larger_than_the_buffer_of_a_pipe_is_written_piece_by_piece() {
    let machine = machine();
    let (mut reader, writer) = pipes();
    let writer = port(writer);
    let bytes: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
    let request = write(&machine, writer, &bytes);
    assert_eq!(within(&machine, &request, SHORT), None);
    let mut got = vec![0; bytes.len()];
    reader.read_exact(&mut got).unwrap();
    assert_eq!(within(&machine, &request, LONG).unwrap(), "");
    assert!(got == bytes);
    drop_port(writer);
}

#[test]
fn a_cancelled_write_gives_back_what_was_not_written() {
    let machine = machine();
    let (mut reader, writer) = pipes();
    let writer = port(writer);
    let request = write(&machine, writer, &vec![b'x'; 300_000]);
    assert_eq!(within(&machine, &request, SHORT), None);
    request.cancel();
    let rest = within(&machine, &request, LONG).unwrap().len();
    assert!(rest > 0 && rest < 300_000, "{rest}");
    drop_port(writer);
    let mut got = Vec::new();
    reader.read_to_end(&mut got).unwrap();
    assert_eq!(got.len() + rest, 300_000);
}

#[test]
fn what_waits_can_be_cancelled_and_what_is_behind_it_goes_on() {
    let machine = machine();
    let (reader, mut writer) = pipes();
    let reader = port(reader);
    let requests: Vec<Request> = (0..3).map(|_| read(reader, 1)).collect();
    requests[1].cancel();
    assert_eq!(within(&machine, &requests[1], LONG).unwrap(), "IO_cancel = I/O cancelled");
    requests[0].cancel();
    assert_eq!(within(&machine, &requests[0], LONG).unwrap(), "IO_cancel = I/O cancelled");
    writer.write_all(b"ab").unwrap();
    assert_eq!(within(&machine, &requests[2], LONG).unwrap(), "a");
    let request = read(reader, 1);
    assert_eq!(within(&machine, &request, LONG).unwrap(), "b");
    request.cancel();
    assert_eq!(within(&machine, &request, LONG).unwrap(), "Exception = I/O not completed");
    drop_port(reader);
}

#[test]
fn a_close_comes_after_writes_and_ends_reads() {
    let machine = machine();
    let (a, mut b) = UnixStream::pair().unwrap();
    let a = port(a);
    let pending = read(a, 10);
    let written = write(&machine, a, b"last words");
    let closed = close(a);
    assert_eq!(within(&machine, &closed, LONG).unwrap(), "true");
    assert_eq!(within(&machine, &written, LONG).unwrap(), "");
    assert_eq!(within(&machine, &pending, LONG).unwrap(), "IO_cancel = I/O cancelled");
    let mut got = String::new();
    b.read_to_string(&mut got).unwrap();
    assert_eq!(got, "last words");
    for late in [read(a, 1), write(&machine, a, b"x"), close(a)] {
        assert_eq!(within(&machine, &late, LONG).unwrap(), "Integer = 9");
    }
    drop_port(a);
}

#[test]
fn errors_of_the_system_are_numbers() {
    let machine = machine();
    assert_eq!(within(&machine, &read(Cell::integer(987_654), 1), LONG).unwrap(), "Integer = 9");
    assert_eq!(within(&machine, &read(Cell::integer(-1), 1), LONG).unwrap(), "Integer = 9");
    assert_eq!(within(&machine, &write(&machine, Cell::integer(1 << 40), b"x"), LONG).unwrap(), "Integer = 9");
    let (reader, writer) = pipes();
    drop(reader);
    let writer = port(writer);
    assert_eq!(within(&machine, &write(&machine, writer, b"x"), LONG).unwrap(), "Integer = 32");
    let directory = port(std::fs::File::open("/").unwrap());
    assert_eq!(within(&machine, &read(directory, 1), LONG).unwrap(), "Integer = 21");
    drop_port(writer);
    drop_port(directory);
}

#[test]
fn a_port_that_is_destroyed_closes_when_its_requests_are_done() {
    let machine = machine();
    let (mut reader, writer) = pipes();
    let writer = port(writer);
    let request = write(&machine, writer, &vec![b'x'; 100_000]);
    drop_port(writer);
    let mut got = Vec::new();
    reader.read_to_end(&mut got).unwrap();
    assert_eq!(got.len(), 100_000);
    assert_eq!(within(&machine, &request, LONG).unwrap(), "");
}

#[test]
fn a_request_that_is_destroyed_is_cancelled() {
    let machine = machine();
    let (reader, mut writer) = pipes();
    let reader = port(reader);
    drop(read(reader, 1));
    writer.write_all(b"z").unwrap();
    assert_eq!(within(&machine, &read(reader, 1), LONG).unwrap(), "z");
    drop_port(reader);
}

#[test]
fn descriptors_named_by_number_stay_open_and_blocking() {
    let machine = machine();
    let (reader, mut writer) = pipes();
    let number = Cell::integer(reader.as_raw_fd().into());
    writer.write_all(b"ab").unwrap();
    assert_eq!(within(&machine, &read(number, 1), LONG).unwrap(), "a");
    let flags = rustix::fs::fcntl_getfl(&reader).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
    assert_eq!(within(&machine, &read(number, 0), LONG).unwrap(), "");
    assert_eq!(within(&machine, &read(number, u64::MAX), LONG).unwrap(), "b");
}

#[test]
fn many_requests_at_once_wait_without_threads_of_their_own() {
    let machine = machine();
    let pairs: Vec<(Cell, PipeWriter)> = (0..200)
        .map(|_| {
            let (reader, writer) = pipes();
            (port(reader), writer)
        })
        .collect();
    let requests: Vec<Request> = pairs.iter().map(|(reader, _)| read(*reader, 10)).collect();
    std::thread::sleep(Duration::from_millis(50));
    for (n, (_, writer)) in pairs.iter().enumerate().rev() {
        let mut writer = writer;
        write!(writer, "{n}").unwrap();
    }
    for (n, request) in requests.iter().enumerate() {
        assert_eq!(within(&machine, request, LONG).unwrap(), n.to_string());
    }
    pairs.iter().for_each(|(reader, _)| drop_port(*reader));
}
