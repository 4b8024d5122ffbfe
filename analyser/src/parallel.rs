//! Work on many bodies at once, with results in order.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Below this many instructions a thread is not worth its start.
const WORTH_A_THREAD: usize = 4096;
/// So many items are taken at once.
const BATCH: usize = 16;

/// Applies a function to all items, on as many threads as there are cores. The order of the results is that of the
/// items.
pub fn map<T: Sync, R: Send>(items: &[T], size: impl Fn(&T) -> usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let total: usize = items.iter().map(size).sum();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(total / WORTH_A_THREAD).min(items.len().div_ceil(BATCH).max(items.len().min(cores)));
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let batch = BATCH.min(items.len().div_ceil(threads));
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let start = next.fetch_add(batch, Ordering::Relaxed);
            let Some(rest) = items.get(start..).filter(|rest| !rest.is_empty()) else { return done };
            done.push((start, rest.iter().take(batch).map(&work).collect::<Vec<R>>()));
        }
    };
    let mut batches: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut all = worker();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    batches.sort_by_key(|(start, _)| *start);
    batches.into_iter().flat_map(|(_, batch)| batch).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        let items: Vec<usize> = (0..1000).collect();
        let doubled = super::map(&items, |_| 1000, |item| 2 * item);
        assert_eq!(doubled, items.iter().map(|item| 2 * item).collect::<Vec<_>>());
    }
}
