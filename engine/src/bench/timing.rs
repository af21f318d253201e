//! The same thing several times over, by the clock.

use anyhow::Result;
use glassworks_protocol::bench::Measured;
use std::time::{Duration, Instant};

/// How often something is run.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// So many at most, after the one that warms up.
    pub most: u32,
    /// None is begun after so long. A first run that takes a good part of it counts instead of warming up.
    pub budget: Duration,
}

/// Runs `run` again and again, in units per second: each time it says how many units it did and how long they took.
///
/// # Errors
/// What `run` returns.
pub fn repeat(runs: Runs, mut run: impl FnMut() -> Result<(f64, Duration)>) -> Result<Measured> {
    let begun = Instant::now();
    let mut rates = Vec::new();
    let first = rate(run()?);
    if begun.elapsed() > runs.budget / 4 {
        rates.push(first);
    }
    while rates.is_empty() || (rates.len() < runs.most as usize && begun.elapsed() < runs.budget) {
        rates.push(rate(run()?));
    }
    Ok(measured(rates))
}

fn rate((units, took): (f64, Duration)) -> f64 {
    tidy(units / took.as_secs_f64().max(1e-9))
}

/// Six digits: more than any clock here is good for, and as many as text brings back to the last bit.
#[must_use]
pub fn tidy(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn measured(mut rates: Vec<f64>) -> Measured {
    rates.sort_by(f64::total_cmp);
    let (n, last) = (rates.len(), rates.len().saturating_sub(1));
    let at = |i: usize| rates.get(i).copied().unwrap_or_default();
    // Of an even number, between the two in the middle.
    let median = tidy(f64::midpoint(at(last / 2), at(n / 2)));
    Measured { median, least: at(0), most: at(last), n_runs: n as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_extremes() {
        let check = |rates: &[f64], median, least, most| {
            let expected = Measured { median, least, most, n_runs: rates.len() as u32 };
            assert_eq!(measured(rates.to_vec()), expected);
        };
        check(&[3.0, 1.0, 2.0], 2.0, 1.0, 3.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5, 1.0, 4.0);
        check(&[5.0], 5.0, 5.0, 5.0);
    }

    #[test]
    fn a_quick_first_run_only_warms_up_and_a_long_one_is_all_there_is() {
        let mut took = [4.0, 1.0, 2.0, 1.0].into_iter();
        let runs = Runs { most: 3, budget: Duration::from_secs(3600) };
        let quick = repeat(runs, || Ok((8.0, Duration::from_secs_f64(took.next().expect("four")))));
        let quick = quick.expect("it runs");
        assert_eq!((quick.median, quick.least, quick.most, quick.n_runs), (8.0, 4.0, 8.0, 3));

        let mut n = 0;
        let long = repeat(Runs { most: 3, budget: Duration::ZERO }, || {
            n += 1;
            Ok((1.0, Duration::from_secs(2)))
        });
        assert_eq!(long.expect("it runs"), Measured { median: 0.5, least: 0.5, most: 0.5, n_runs: 1 });
        assert_eq!(n, 1);
    }

    #[test]
    fn six_digits_come_back_from_json() {
        for value in [1.0 / 3.0, 1_181_718_007.586_543, 6.840_335_821_738_345, 0.0] {
            let tidied = tidy(value);
            assert!((tidied - value).abs() <= value * 1e-5);
            let json = serde_json::to_string(&tidied).expect("a number");
            assert_eq!(serde_json::from_str::<f64>(&json).ok(), Some(tidied), "{json}");
        }
        assert_eq!(tidy(1_181_718_007.6), 1_181_720_000.0);
    }

    #[test]
    fn what_stops_a_run_stops_them_all() {
        let runs = Runs { most: 3, budget: Duration::from_secs(3600) };
        assert!(repeat(runs, || anyhow::bail!("enough")).is_err());
    }
}
