//! What the machine does at best: bytes read from main memory, operations in matrix products.

use super::timing::{Runs, repeat};
use crate::memory::Ledger;
use anyhow::Result;
use glassworks_kernels::dispatch::{self, Precision};
use glassworks_kernels::matmul::{self, Input};
use glassworks_kernels::pool;
use glassworks_kernels::weight::{Values, Weight};
use glassworks_protocol::bench::Ceilings;
use half::bf16;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much is spent on it.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Larger by far than the caches. No more than a quarter of what is free is taken.
    pub n_bytes: u64,
    /// y = x·Wᵀ, x `[m, n]`, W `[n, n]`.
    pub m: usize,
    pub n: usize,
    pub runs: Runs,
}

impl Effort {
    pub const FULL: Self = Self {
        n_bytes: 512 << 20,
        m: 512,
        n: 2048,
        runs: Runs { most: 7, budget: Duration::from_millis(900) },
    };
    pub const QUICK: Self = Self {
        n_bytes: 64 << 20,
        m: 256,
        n: 1024,
        runs: Runs { most: 3, budget: Duration::from_millis(200) },
    };
}

/// Words that one task of the pool reads: a megabyte, so that its start costs nothing beside it.
const TASK: usize = 1 << 17;

/// Measures all of them. `between` is called before each run with the ceilings that are done and all of them.
///
/// # Errors
/// When the buffer doesn't fit, and what `between` returns.
pub fn measure(
    ledger: &Ledger,
    effort: Effort,
    between: &dyn Fn(usize, usize) -> Result<()>,
) -> Result<Ceilings> {
    let has_bf16 = dispatch::has_bf16(dispatch::active());
    let checkpoint = |done: usize| between(done, 3 + usize::from(has_bf16));
    let free = ledger.limit().saturating_sub(ledger.reserved());
    let n_bytes = effort.n_bytes.min(free / 4);
    let reservation = ledger.reserve(n_bytes, "bench")?;
    // Written, since pages that never were are all the same one.
    let mut buffer = vec![0u64; (n_bytes / 8) as usize];
    pool::chunks_mut(&mut buffer, TASK, |i, part| part.fill(i as u64));
    let read = |one_thread: bool| {
        repeat(effort.runs, || {
            checkpoint(usize::from(!one_thread))?;
            let started = Instant::now();
            black_box(if one_thread { sum(&buffer) } else { sum_on_pool(&buffer) });
            Ok((n_bytes as f64, started.elapsed()))
        })
    };
    let (read_one_thread, read_all) = (read(true)?, read(false)?);
    drop((buffer, reservation));

    let Effort { m, n, .. } = effort;
    let x: Vec<f32> = ramp(m * n).collect();
    let mut y = vec![0.0; m * n];
    let mut products = |x: Input<'_>, w: Values<'_>, precision: Precision| {
        repeat(effort.runs, || {
            checkpoint(2 + usize::from(precision == Precision::Fast))?;
            let started = Instant::now();
            matmul::linear(x, m, &Weight::new(n, n, w), &mut y, false, precision);
            black_box(&mut y);
            Ok(((2 * m * n * n) as f64, started.elapsed()))
        })
    };
    let w: Vec<f32> = ramp(n * n).collect();
    let f32_flops = products(Input::F32(&x), Values::F32(&w), Precision::Exact)?;
    let bf16_flops = if has_bf16 {
        let [x, w] = [&x, &w].map(|values| values.iter().map(|v| bf16::from_f32(*v)).collect::<Vec<_>>());
        Some(products(Input::Bf16(&x), Values::Bf16(&w), Precision::Fast)?)
    } else {
        None
    };
    Ok(Ceilings { read_one_thread, read: read_all, f32_flops, bf16_flops })
}

/// Numbers of no meaning, none of them slow to compute with.
fn ramp(n: usize) -> impl Iterator<Item = f32> {
    (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 64.0)
}

/// Reads every word once. In lanes, so that the compiler makes wide loads of it.
fn sum(words: &[u64]) -> u64 {
    let mut lanes = [0u64; 16];
    let mut whole = words.chunks_exact(lanes.len());
    for part in whole.by_ref() {
        for (lane, word) in lanes.iter_mut().zip(part) {
            *lane = lane.wrapping_add(*word);
        }
    }
    lanes.iter().chain(whole.remainder()).fold(0, |sum, word| sum.wrapping_add(*word))
}

fn sum_on_pool(words: &[u64]) -> u64 {
    let total = AtomicU64::new(0);
    pool::for_each(words.len().div_ceil(TASK), |i| {
        let part = &words[i * TASK..words.len().min((i + 1) * TASK)];
        total.fetch_add(sum(part), Ordering::Relaxed);
    });
    total.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word is read, whoever reads it: a pass that skipped some would tell of a faster memory.
    #[test]
    fn reading_is_reading_all_of_it() {
        for n in [0, 1, 15, 16, 17, TASK - 1, TASK, 3 * TASK + 5] {
            let words: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
            let expected = words.iter().fold(0u64, |sum, word| sum.wrapping_add(*word));
            assert_eq!((sum(&words), sum_on_pool(&words)), (expected, expected), "{n} words");
        }
    }

    #[test]
    fn every_ceiling_is_somewhere() {
        let ledger = Ledger::new(1 << 30);
        let seen = std::cell::Cell::new((0, 0));
        let between = |done: usize, total: usize| {
            assert!(done < total && done >= seen.get().0, "{done} of {total}");
            seen.set((done, total));
            Ok(())
        };
        let told = measure(&ledger, Effort::QUICK, &between).expect("it fits");
        assert_eq!(seen.get(), if told.bf16_flops.is_some() { (3, 4) } else { (2, 3) });
        for one in [told.read_one_thread, told.read, told.f32_flops].into_iter().chain(told.bf16_flops) {
            assert!(one.least > 0.0 && one.least <= one.median && one.median <= one.most, "{told:?}");
            assert!((1..=3).contains(&one.n_runs), "{told:?}");
        }
        assert_eq!(ledger.reserved(), 0);
        assert!(measure(&ledger, Effort::QUICK, &|_, _| anyhow::bail!("stopped")).is_err());
        assert_eq!(ledger.reserved(), 0);
    }
}
