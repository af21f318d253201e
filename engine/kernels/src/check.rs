//! What the tests of kernels share: numbers to compute on, comparison, slopes by finite differences.

use crate::dispatch::Isa;

/// `n` numbers in −1 to 1, the same for the same seed.
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

/// |a − b| ≤ tolerance·(1 + |b|), everywhere.
#[track_caller]
pub(crate) fn close(what: &str, a: &[f32], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{what}: lengths");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let difference = (f64::from(*a) - b).abs();
        assert!(difference <= tolerance * (1.0 + b.abs()), "{what}[{i}]: {a} is not {b}");
    }
}

/// The slope of `f` along each of `x`.
pub(crate) fn slopes(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut at = x.to_vec();
    (0..x.len())
        .map(|i| {
            at[i] = x[i] + STEP;
            let above = f(&at);
            at[i] = x[i] - STEP;
            let below = f(&at);
            at[i] = x[i];
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

pub(crate) fn dot64(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Runs `f` on every instruction set of this machine, and on pools of 1, 2 and 3 threads, whose results must
/// not differ; hands each instruction set's to `judge`.
pub(crate) fn everywhere<R: PartialEq + std::fmt::Debug + Send>(
    f: impl Fn(Isa) -> R + Sync,
    judge: impl Fn(Isa, &R),
) {
    for isa in Isa::available() {
        let results = [1, 2, 3].map(|n| pools()[n - 1].install(|| f(isa)));
        assert_eq!(results[0], results[1], "{isa}: two threads");
        assert_eq!(results[0], results[2], "{isa}: three threads");
        judge(isa, &results[0]);
    }
}

fn pools() -> &'static [rayon::ThreadPool; 3] {
    static POOLS: std::sync::OnceLock<[rayon::ThreadPool; 3]> = std::sync::OnceLock::new();
    POOLS.get_or_init(|| {
        [1, 2, 3]
            .map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("three threads at most"))
    })
}
