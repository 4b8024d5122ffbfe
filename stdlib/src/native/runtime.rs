//! `std::runtime`: figures of the running machine (stdlib.md §12).

use super::Outcome;
use viua_runtime::ffi::{Call, Export, Value};
use viua_runtime::{Condition, ProcessInfo, WorkerStats};

pub const EXPORTS: &[Export] =
    &[Export::quick("std::runtime::stats/0", stats), Export::new("std::runtime::processes/0", processes)];

fn number(value: u64) -> Value {
    Value::integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn stats(call: &mut Call) -> Outcome {
    let stats = call.stats();
    Ok(Some(Value::record([
        ("started", number(stats.started)),
        ("ended", number(stats.ended)),
        ("alive", number(stats.alive)),
        ("sent", number(stats.sent)),
        ("received", number(stats.received)),
        ("waiting_messages", number(stats.waiting_messages)),
        ("reductions", number(stats.reductions)),
        ("memory", number(stats.memory)),
        ("memory_per_process", number(stats.memory_per_process())),
        ("schedulers", Value::vector(stats.workers.iter().map(scheduler))),
    ])))
}

fn scheduler(worker: &WorkerStats) -> Value {
    Value::record([
        ("reductions", number(worker.reductions)),
        ("runs", number(worker.runs)),
        ("preempted", number(worker.preempted)),
        ("steals", number(worker.steals)),
        ("sleeps", number(worker.sleeps)),
        ("queue", number(worker.queue)),
    ])
}

fn processes(call: &mut Call) -> Outcome {
    Ok(Some(Value::vector(call.processes().iter().map(process))))
}

fn process(info: &ProcessInfo) -> Value {
    let state = match info.condition {
        Condition::Runnable => "runnable",
        Condition::Waiting => "waiting",
        Condition::Ended => "ended",
    };
    let fields = [
        ("pid", Value::process(info.pid)),
        ("state", Value::atom(state)),
        ("joinable", Value::boolean(info.is_joinable)),
        ("function", Value::text(info.function)),
    ];
    // The first process has no parent.
    Value::record(fields.into_iter().chain(info.parent.map(|parent| ("parent", Value::process(parent)))))
}
