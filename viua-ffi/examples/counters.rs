//! A foreign module in Rust: counters as objects, and what else a module can do.
//!
//! `cargo build -p viua-ffi --example counters`, then copy `target/debug/examples/libcounters.so` to `counters.so` in a
//! directory of `VIUA_LIBRARY_PATH`.

use std::time::Duration;
use viua_ffi::{Call, Exception, Kind, Object, Value};

type Outcome = Result<Option<Value>, Exception>;

struct Counter {
    count: i64,
}

impl Object for Counter {
    const TYPE_NAME: &'static std::ffi::CStr = c"Counter";
    fn print(&self) -> String {
        format!("Counter at {}", self.count)
    }
    fn is_true(&self) -> bool {
        self.count != 0
    }
    fn copied(&self) -> Option<Counter> {
        Some(Counter { count: self.count })
    }
}

/// A counter that begins with a number.
fn new(call: &mut Call) -> Outcome {
    let count = call.argument(0)?;
    Ok(Some(Value::object(Counter { count })))
}

/// Counts on; the counter is passed by pointer.
fn next(call: &mut Call) -> Outcome {
    let counter: &mut Counter = call.object(0)?;
    counter.count += 1;
    Ok(Some(Value::integer(counter.count)))
}

/// The sum of a Vector of Integers.
fn sum(call: &mut Call) -> Outcome {
    let vector = call.value(0)?;
    let elements =
        vector.elements().map_err(|status| Exception::status(status, 0, viua_ffi::sys::kind::VIUA_VECTOR))?;
    let mut sum = 0;
    for element in elements {
        sum += element.integer().map_err(|_| Exception::new("Not_a_number", element.type_name()))?;
    }
    Ok(Some(Value::integer(sum)))
}

/// Sends the second argument to the caller after so many milliseconds; returns at once.
fn later(call: &mut Call) -> Outcome {
    let (pid, delay) = (call.pid(), call.argument::<i64>(0)?);
    let message = call.take(1)?;
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(delay.unsigned_abs()));
        pid.send(message);
    });
    Ok(None)
}

/// Key and value of each field, as texts in a vector.
fn describe(call: &mut Call) -> Outcome {
    let record = call.value(0)?;
    let fields = record.keys().map_err(|status| Exception::status(status, 0, viua_ffi::sys::kind::VIUA_STRUCT))?;
    let lines = fields.iter().filter_map(|key| {
        let field = record.field(key).ok()?;
        let kind = if field.kind() == Kind::Vector { " (a vector)" } else { "" };
        Some(Value::text(&format!("{key}: {}{kind}", String::from_utf8_lossy(&field.printed()))))
    });
    Ok(Some(Value::vector(lines.collect::<Vec<_>>())))
}

/// What happens when native code panics.
fn fail(_: &mut Call) -> Outcome {
    panic!("on purpose")
}

viua_ffi::module! {
    quick "counters::new/1" => new;
    quick "counters::next/1" => next;
    quick "counters::sum/1" => sum;
    "counters::later/2" => later;
    "counters::describe/1" => describe;
    "counters::fail/0" => fail;
}
