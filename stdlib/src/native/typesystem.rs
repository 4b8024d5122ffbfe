//! `std::typesystem` (stdlib.md §9).

use super::Outcome;
use viua_runtime::ffi::{Call, Exception, Export, Kind, Value};

pub const EXPORTS: &[Export] = &[Export::quick("std::typesystem::typeof/1", type_of)];

fn type_of(call: &mut Call) -> Outcome {
    let Some(pointer) = call.find(0) else {
        return Err(if call.argument_count() > 0 { Exception::text("requires 1 parameter") } else { call.missing(0) });
    };
    if pointer.kind() != Kind::Pointer {
        return Err(Exception::text("expected a pointer as parameter 0"));
    }
    Ok(Some(Value::string(call.dereference(pointer)?.type_name())))
}
