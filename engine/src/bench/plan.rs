//! Which cases a model is measured in, and how much time each is given.

use super::ceilings::Effort;
use super::timing::Runs;
use glassworks_protocol::bench::{BenchCase, BenchKind, BenchPlan};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::time::Duration;

/// The cases, in the order of measuring: those of one context follow one another, reading first.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub stops: Vec<Stop>,
    /// Tokens written in a run, by each sequence.
    pub n_new: usize,
}

/// A context, and how many sequences go on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub context: usize,
    pub batches: Vec<usize>,
}

impl Stop {
    /// Reading up to here, then writing on from here.
    pub fn cases(&self) -> impl Iterator<Item = BenchCase> {
        let context = self.context as u32;
        let write = move |batch: &usize| BenchCase { kind: BenchKind::Decode, batch: *batch as u32, context };
        std::iter::once(BenchCase { kind: BenchKind::Prefill, batch: 1, context })
            .chain(self.batches.iter().map(write))
    }
}

const CONTEXTS: [usize; 3] = [128, 1024, 4096];
const BATCHES: [usize; 3] = [1, 4, 16];
/// What is chosen for lengths that are left open, where the model has room.
const N_PROMPT: usize = 512;
const N_NEW: usize = 128;

impl Plan {
    /// For a model of this context length.
    ///
    /// # Errors
    /// `Failure { Input }` when what is asked for doesn't fit into the context, or is nothing.
    pub fn new(asked: BenchPlan, context_length: usize) -> Result<Self, Failure> {
        let (n_new, batches): (usize, &[usize]) = match asked {
            BenchPlan::Full => (32, &BATCHES),
            BenchPlan::Quick => (16, &BATCHES[..2]),
            BenchPlan::One { n_prompt, n_new, batch } => {
                let open = |chosen: Option<u32>, usual: usize| chosen.map_or(usual, |n| n as usize);
                let n_new = open(n_new, N_NEW.min(context_length / 4));
                let context = open(n_prompt, N_PROMPT.min(context_length.saturating_sub(n_new)));
                let batch = open(batch, 1);
                if context == 0 || batch == 0 || context + n_new > context_length {
                    return Err(refused(context, n_new, context_length));
                }
                let batches = if n_new == 0 { Vec::new() } else { vec![batch] };
                return Ok(Self { stops: vec![Stop { context, batches }], n_new });
            }
        };
        let n_contexts = if asked == BenchPlan::Full { CONTEXTS.len() } else { 1 };
        let mut contexts: Vec<usize> = CONTEXTS[..n_contexts].to_vec();
        contexts.retain(|context| context + n_new <= context_length);
        let n_new = n_new.min(context_length / 2);
        if contexts.is_empty() {
            contexts.push(context_length - n_new);
        }
        let stop = |(i, context)| Stop {
            context,
            batches: batches[..if i == 0 { batches.len() } else { 1 }].to_vec(),
        };
        Ok(Self { stops: contexts.into_iter().enumerate().map(stop).collect(), n_new })
    }
}

fn refused(context: usize, n_new: usize, context_length: usize) -> Failure {
    let text = Text::new("failure.bench_context").arg("n", context + n_new).arg("context", context_length);
    Failure::new(FailureKind::Input, text).hint(Text::new("failure.bench_context_hint"))
}

/// How often each case is run.
#[must_use]
pub fn runs(asked: BenchPlan) -> Runs {
    match asked {
        BenchPlan::Full => Runs { most: 5, budget: Duration::from_secs(6) },
        BenchPlan::Quick => Runs { most: 3, budget: Duration::from_millis(500) },
        BenchPlan::One { .. } => Runs { most: 5, budget: Duration::from_secs(20) },
    }
}

/// No context is read that would take longer than this, unless it was asked for alone.
#[must_use]
pub fn patience(asked: BenchPlan) -> Duration {
    if matches!(asked, BenchPlan::One { .. }) { Duration::MAX } else { Duration::from_secs(60) }
}

#[must_use]
pub fn effort(asked: BenchPlan) -> Effort {
    if asked == BenchPlan::Quick { Effort::QUICK } else { Effort::FULL }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: BenchPlan, context_length: usize, n_new: usize, expected: &[(usize, &[usize])]) {
        let plan = Plan::new(asked, context_length).expect("it fits");
        let stops: Vec<(usize, &[usize])> =
            plan.stops.iter().map(|stop| (stop.context, &stop.batches[..])).collect();
        assert_eq!((&stops[..], plan.n_new), (expected, n_new), "{asked:?} {context_length}");
        for stop in &plan.stops {
            let cases: Vec<BenchCase> = stop.cases().collect();
            assert_eq!((cases.len(), cases[0].kind), (1 + stop.batches.len(), BenchKind::Prefill));
            assert!(cases.iter().all(|case| case.context as usize == stop.context));
        }
    }

    #[test]
    fn contexts_are_those_that_the_model_has_room_for() {
        let all: &[usize] = &[1, 4, 16];
        check(BenchPlan::Full, 8192, 32, &[(128, all), (1024, &[1]), (4096, &[1])]);
        check(BenchPlan::Full, 4096, 32, &[(128, all), (1024, &[1])]);
        check(BenchPlan::Full, 256, 32, &[(128, all)]);
        check(BenchPlan::Full, 64, 32, &[(32, all)]);
        check(BenchPlan::Full, 10, 5, &[(5, all)]);
        check(BenchPlan::Quick, 8192, 16, &[(128, &[1, 4])]);
    }

    #[test]
    fn one_case_is_what_was_asked_or_what_fits() {
        let one = |n_prompt, n_new, batch| BenchPlan::One { n_prompt, n_new, batch };
        check(one(Some(512), Some(128), None), 8192, 128, &[(512, &[1])]);
        check(one(Some(512), Some(128), Some(8)), 8192, 128, &[(512, &[8])]);
        check(one(None, None, Some(2)), 256, 64, &[(192, &[2])]);
        check(one(Some(100), Some(0), None), 256, 0, &[(100, &[])]);
        for bad in [one(Some(512), None, None), one(Some(0), None, None), one(None, None, Some(0))] {
            assert_eq!(Plan::new(bad, 256).expect_err("it does not fit").kind, FailureKind::Input);
        }
    }
}
