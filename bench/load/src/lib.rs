//! What the load clients share: random numbers, percentiles, and the memory of a process.

use std::fs;
use std::time::Duration;

/// Numbers that are random enough to vary a load (xorshift64*), and the same for the same seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// The value that `share` of all (0 to 1) do not exceed; zero if there are none. Sorts them.
pub fn percentile(all: &mut [Duration], share: f64) -> Duration {
    all.sort_unstable();
    let at = ((all.len() as f64 * share).ceil() as usize).saturating_sub(1);
    all.get(at).copied().unwrap_or_default()
}

/// Resident memory of a process in KiB; `None` if it is gone, or where there is no `/proc`.
pub fn resident_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// Processor time of a process, user and system together, in clock ticks (usually 1/100 s).
pub fn processor_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks; what follows its parenthesis does not.
    let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut all: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut all, 0.5), Duration::from_millis(50));
        assert_eq!(percentile(&mut all, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&mut all, 1.0), Duration::from_millis(100));
        assert_eq!(percentile(&mut [], 0.5), Duration::ZERO);
    }

    #[test]
    fn random_numbers_stay_below_their_limit_and_differ() {
        let mut random = Random::new(7);
        let all: std::collections::HashSet<_> = (0..1000).map(|_| random.below(1 << 30)).collect();
        assert!(all.len() > 990 && all.iter().all(|number| *number < 1 << 30));
    }
}
