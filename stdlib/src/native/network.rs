//! `std::posix::network`: TCP over IPv4 with blocking calls (stdlib.md §11).
//!
//! A socket is passed by pointer, or moved. A moved one is destroyed with the arguments unless it is taken out of them
//! as the result.

use super::Outcome;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_reuseaddr, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::BorrowedFd;
use std::time::Duration;
use viua_runtime::ffi::{Call, Exception, Export, Value};

pub const EXPORTS: &[Export] = &[
    Export::new("std::posix::network::socket/0", socket),
    Export::new("std::posix::network::bind/3", bind),
    Export::new("std::posix::network::listen/2", listen),
    Export::new("std::posix::network::accept/1", accept),
    Export::new("std::posix::network::connect/3", connect),
    Export::new("std::posix::network::write/2", write),
    Export::new("std::posix::network::read/1", read),
    Export::new("std::posix::network::recv/2", recv),
    Export::new("std::posix::network::shutdown/1", shutdown),
    Export::new("std::posix::network::close/1", close),
];

/// How long `read` and `recv` wait on an accepted socket.
const RECEIVE_TIMEOUT: Duration = Duration::from_millis(500);
const LARGEST_READ: usize = 1024;
/// A large size is not allocated in advance.
const LARGEST_RECEIVE: usize = 1 << 16;

/// Errors that a group of functions names; every other is `Unknown_errno` in some form.
type Names = &'static [(Errno, &'static str)];

const CONNECTION: Names = &[
    (Errno::ADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::ALREADY, "EALREADY"),
    (Errno::BADF, "EBADF"),
    (Errno::CONNREFUSED, "ECONNREFUSED"),
    (Errno::INPROGRESS, "EINPROGRESS"),
    (Errno::INTR, "EINTR"),
    (Errno::ISCONN, "EISCONN"),
    (Errno::NETUNREACH, "ENETUNREACH"),
    (Errno::NOTSOCK, "ENOTSOCK"),
    (Errno::PROTOTYPE, "EPROTOTYPE"),
    (Errno::TIMEDOUT, "ETIMEDOUT"),
    (Errno::IO, "EIO"),
    (Errno::LOOP, "ELOOP"),
    (Errno::NAMETOOLONG, "ENAMETOOLONG"),
    (Errno::NOENT, "ENOENT"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::ACCESS, "EACCES"),
    (Errno::ADDRINUSE, "EADDRINUSE"),
    (Errno::CONNRESET, "ECONNRESET"),
    (Errno::HOSTUNREACH, "EHOSTUNREACH"),
    (Errno::INVAL, "EINVAL"),
    (Errno::NETDOWN, "ENETDOWN"),
    (Errno::NOBUFS, "ENOBUFS"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP"),
];
const CREATION: Names = &[
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::MFILE, "EMFILE"),
    (Errno::NFILE, "ENFILE"),
    (Errno::PROTONOSUPPORT, "EPROTONOSUPPORT"),
    (Errno::PROTOTYPE, "EPROTOTYPE"),
    (Errno::ACCESS, "EACCES"),
    (Errno::NOBUFS, "ENOBUFS"),
    (Errno::NOMEM, "ENOMEM"),
];
const SHUTDOWN: Names = &[
    (Errno::BADF, "EBADF"),
    (Errno::INVAL, "EINVAL"),
    (Errno::NOTCONN, "ENOTCONN"),
    (Errno::NOTSOCK, "ENOTSOCK"),
    (Errno::NOBUFS, "ENOBUFS"),
];
const CLOSING: Names = &[(Errno::BADF, "EBADF"), (Errno::INTR, "EINTR"), (Errno::IO, "EIO")];
const OPTIONS: Names = &[
    (Errno::BADF, "EBADF"),
    (Errno::DOM, "EDOM"),
    (Errno::INVAL, "EINVAL"),
    (Errno::ISCONN, "EISCONN"),
    (Errno::NOPROTOOPT, "ENOPROTOOPT"),
    (Errno::NOTSOCK, "ENOTSOCK"),
    (Errno::NOMEM, "ENOMEM"),
    (Errno::NOBUFS, "ENOBUFS"),
];

/// The name as a text, if the group has it.
fn named(names: Names, error: Errno) -> Option<Exception> {
    let (_, name) = names.iter().find(|(named, _)| *named == error)?;
    Some(Exception::text(name))
}

fn unknown(names: Names, error: Errno) -> Exception {
    named(names, error).unwrap_or_else(|| Exception::text("Unknown_errno"))
}

fn option_failed(error: Errno) -> Exception {
    let number = error.raw_os_error();
    named(OPTIONS, error).unwrap_or_else(|| Exception::text(format!("setsockopt(3): Unknown_errno: {number}")))
}

/// The socket in argument 0, or pointed to by it.
fn sock<'c>(call: &'c Call, names: Names) -> Result<BorrowedFd<'c>, Exception> {
    call.descriptor(0)?.ok_or_else(|| unknown(names, Errno::BADF))
}

fn address(call: &Call) -> Result<SocketAddrV4, Exception> {
    let (address, port) = (call.printed(1)?, call.integer(2)?);
    let address: Option<Ipv4Addr> = str::from_utf8(&address).ok().and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| Exception::bare("Misformatted_address"))?;
    Ok(SocketAddrV4::new(address, port.rem_euclid(1 << 16) as u16))
}

fn socket(_: &mut Call) -> Outcome {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .map_err(|error| unknown(CREATION, error))?;
    set_socket_reuseaddr(&socket, true).map_err(option_failed)?;
    Ok(Some(Value::port(socket)))
}

fn bind(call: &mut Call) -> Outcome {
    let socket = sock(call, CONNECTION)?;
    rustix::net::bind(socket, &address(call)?).map_err(|error| unknown(CONNECTION, error))?;
    call.take(0).map(Some)
}

fn listen(call: &mut Call) -> Outcome {
    let socket = sock(call, CONNECTION)?;
    let backlog = call.integer(1)?.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    rustix::net::listen(socket, backlog).map_err(|error| unknown(CONNECTION, error))?;
    call.take(0).map(Some)
}

fn accept(call: &mut Call) -> Outcome {
    let accepted = rustix::net::accept_with(sock(call, CONNECTION)?, SocketFlags::CLOEXEC).map_err(|error| {
        let number = error.raw_os_error();
        named(CONNECTION, error).unwrap_or_else(|| Exception::text(format!("accept(3): Unknown_errno: {number}")))
    })?;
    set_socket_timeout(&accepted, Timeout::Recv, Some(RECEIVE_TIMEOUT)).map_err(option_failed)?;
    Ok(Some(Value::port(accepted)))
}

fn connect(call: &mut Call) -> Outcome {
    let socket = sock(call, CONNECTION)?;
    rustix::net::connect(socket, &address(call)?).map_err(|error| unknown(CONNECTION, error))?;
    call.take(0).map(Some)
}

fn write(call: &mut Call) -> Outcome {
    let socket = sock(call, CONNECTION)?;
    let data = call.printed(1)?;
    let written = rustix::net::send(socket, &data, SendFlags::NOSIGNAL).map_err(|error| unknown(CONNECTION, error))?;
    Ok(Some(Value::integer(written as i64)))
}

fn receive(socket: BorrowedFd, size: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; size];
    let (count, _) = rustix::net::recv(socket, buffer.as_mut_slice(), RecvFlags::empty())?;
    buffer.truncate(count);
    Ok(buffer)
}

fn unless_ended(bytes: Vec<u8>) -> Outcome {
    if bytes.is_empty() { Err(Exception::tagged("Eof", "end of file reached")) } else { Ok(Some(Value::string(bytes))) }
}

fn read(call: &mut Call) -> Outcome {
    let bytes = receive(sock(call, CONNECTION)?, LARGEST_READ).map_err(|error| unknown(CONNECTION, error))?;
    unless_ended(bytes)
}

fn recv(call: &mut Call) -> Outcome {
    let socket = sock(call, CONNECTION)?;
    let size = call.integer(1)?;
    let size = usize::try_from(size).map_err(|_| Exception::text("I/O read limit cannot be negative"))?;
    if size == 0 {
        return Ok(Some(Value::string("")));
    }
    let bytes = receive(socket, size.min(LARGEST_RECEIVE)).map_err(|error| match error {
        Errno::AGAIN => Exception::tagged("Eagain", "try again"),
        error => named(CONNECTION, error).unwrap_or_else(|| {
            Exception::tagged("Unknown_errno", format!("recv(3): Unknown_errno: {}", error.raw_os_error()))
        }),
    })?;
    unless_ended(bytes)
}

fn shutdown(call: &mut Call) -> Outcome {
    rustix::net::shutdown(sock(call, SHUTDOWN)?, Shutdown::Both).map_err(|error| unknown(SHUTDOWN, error))?;
    Ok(None)
}

fn close(call: &mut Call) -> Outcome {
    match call.close_port(0)? {
        None => Err(unknown(CLOSING, Errno::BADF)),
        Some(Ok(())) => Ok(None),
        Some(Err(error)) => {
            let number = error.raw_os_error().unwrap_or_default();
            Err(unknown(CLOSING, Errno::from_raw_os_error(number)))
        }
    }
}
