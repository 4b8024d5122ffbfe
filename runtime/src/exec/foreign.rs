//! Calls of foreign functions (runtime.md §8.1). The arguments and the heap of the process go to a thread for foreign
//! calls; the process waits, and executes the `call` again when the outcome is there.

use super::{Flow, Outcome};
use crate::cell::Cell;
use crate::code::{Arg, NameSlot};
use crate::ffi::{Call, Foreign, Job, JobOutcome};
use crate::process::{Process, Status, Wait};
use crate::raise::Raised;
use crate::value::release;

const NO_RESULT: &str = "return value requested by frame but external function did not set return register";

/// Calls a foreign function; the result goes where `target` says.
pub fn call(
    p: &mut Process,
    foreign: &'static Foreign,
    name: &'static NameSlot,
    arguments: Vec<Cell>,
    target: Arg,
) -> Outcome {
    let pid = p.pid;
    if foreign.is_quick {
        let machine = p.machine.clone();
        let outcome = foreign.run(&mut Call::new(name.name(), arguments, &mut p.heap, pid, &machine));
        return finish(p, target, outcome);
    }
    p.give_away(&arguments);
    let heap = std::mem::take(&mut p.heap);
    let job = Job::start(&p.machine, pid, heap, move |machine, heap| {
        foreign.run(&mut Call::new(name.name(), arguments, heap, pid, machine))
    });
    wait_for(p, job)
}

/// Waits until a job is done. The instruction is executed again then, and must look for it with [`resume`].
pub fn wait_for(p: &mut Process, job: std::sync::Arc<Job>) -> Outcome {
    p.job = Some(job);
    p.wait = Some(Wait::Event);
    Ok(Flow::Leave(Status::Blocked))
}

/// The instruction that started a job is executed again: its outcome, if it is there.
pub fn resume(p: &mut Process) -> Result<JobOutcome, Flow> {
    if let Some((heap, outcome)) = p.job.as_ref().and_then(|job| job.collect()) {
        p.job = None;
        p.wait = None;
        p.heap = heap;
        if let Ok(Some(result)) = outcome {
            p.take_over(result);
        }
        return Ok(outcome);
    }
    p.wait = Some(Wait::Event);
    Err(Flow::Leave(Status::Blocked))
}

/// The call is over.
pub fn finish(p: &mut Process, target: Arg, outcome: JobOutcome) -> Outcome {
    let result = outcome?;
    match (p.target_or_void(target), result) {
        // SAFETY: `target_or_void` found a register of this process.
        (Ok(Some(target)), Some(result)) => unsafe { p.finish(target, result) },
        (Ok(Some(_)), None) => Raised::text(NO_RESULT),
        (Ok(None), result) => {
            result.into_iter().for_each(|result| release(&mut p.heap, result));
            Ok(Flow::Next)
        }
        (Err(raise), result) => {
            result.into_iter().for_each(|result| release(&mut p.heap, result));
            Err(raise)
        }
    }
}
