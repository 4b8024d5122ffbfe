//! `std::os`: programs, directories, paths (stdlib.md §7).

use super::paths::{lexically_normal, lexically_relative};
use super::{Outcome, io_error, path};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use viua_runtime::ffi::{Call, Exception, Export, Value};

pub const EXPORTS: &[Export] = &[
    Export::new("std::os::system/1", system),
    Export::new("std::os::exec_pipe_stdout/1", exec_pipe_stdout),
    Export::new("std::os::lsdir/1", lsdir),
    Export::quick("std::os::fs::path::lexically_normal/1", normal),
    Export::quick("std::os::fs::path::lexically_relative/2", relative),
];

fn system(call: &mut Call) -> Outcome {
    let missing = || Exception::text("expected command to launch (string) as parameter 0");
    let command = OsString::from_vec(call.find(0).ok_or_else(missing)?.printed());
    let status = Command::new("/bin/sh").arg("-c").arg(command).status();
    Ok(Some(Value::integer(status.map_or(-1, |status| status.into_raw().into()))))
}

fn exec_pipe_stdout(call: &mut Call) -> Outcome {
    let missing = || Exception::text("expected command to launch (vector of string) as parameter 0");
    let argv = call.find(0).ok_or_else(missing)?;
    let argv = argv.elements().ok_or_else(|| Exception::wrong_type("Vector", argv))?;
    let argv: Vec<OsString> = argv.map(|word| OsString::from_vec(word.printed())).collect();
    Ok(Some(Value::string(output_of(&argv).unwrap_or_default())))
}

/// What a program writes to standard output until it closes it.
fn output_of(argv: &[OsString]) -> Option<Vec<u8>> {
    let (program, arguments) = argv.split_first()?;
    // A name without a slash would be searched in `PATH`.
    let place = if program.as_bytes().contains(&b'/') { program.into() } else { Path::new(".").join(program) };
    let mut command = Command::new(place);
    command.arg0(program).args(arguments).env_clear().stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        // What has been read before an error is the output.
        let _ = stdout.read_to_end(&mut output);
    }
    if !matches!(child.try_wait(), Ok(Some(_))) {
        // It has closed its output, but goes on: somebody has to wait for its end.
        std::thread::spawn(move || child.wait());
    }
    Some(output)
}

fn lsdir(call: &mut Call) -> Outcome {
    let directory = path(call, 0)?;
    let mut prefix = directory.as_bytes().to_vec();
    if !prefix.ends_with(b"/") {
        prefix.push(b'/');
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(|error| io_error(&error))? {
        let entry = entry.map_err(|error| io_error(&error))?;
        let status = std::fs::metadata(entry.path()).ok();
        entries.push(Value::record([
            ("path", Value::string([&prefix, entry.file_name().as_bytes()].concat())),
            ("is_directory", Value::boolean(status.as_ref().is_some_and(std::fs::Metadata::is_dir))),
            ("is_regular_file", Value::boolean(status.as_ref().is_some_and(std::fs::Metadata::is_file))),
        ]));
    }
    Ok(Some(Value::vector(entries)))
}

fn normal(call: &mut Call) -> Outcome {
    Ok(Some(Value::string(lexically_normal(&call.printed(0)?))))
}

fn relative(call: &mut Call) -> Outcome {
    Ok(Some(Value::string(lexically_relative(&call.printed(0)?, &call.printed(1)?))))
}
