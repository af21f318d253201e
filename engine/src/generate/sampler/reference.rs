//! Typical sampling against transformers, mirostat against its paper: the rows of `sampling.json`, which
//! `export_beams.py` beside it has made.

use super::*;
use glassworks_protocol::generate::{MirostatSpec, SamplingPreset};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Rows {
    logits: Vec<Vec<f32>>,
    typical: Vec<Typical>,
    mirostat: Vec<Mirostat>,
}

#[derive(Deserialize)]
struct Typical {
    row: usize,
    typical_p: f32,
    temperature: Option<f32>,
    top_k: Option<u32>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    kept: Vec<(u32, f32)>,
}

#[derive(Deserialize)]
struct Mirostat {
    tau: f32,
    eta: f32,
    temperature: f32,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    row: usize,
    kept: Vec<(u32, f32)>,
    chosen: u32,
}

fn rows() -> Rows {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/engine/fixtures/sampling.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the fixture is there")).expect("JSON")
}

#[track_caller]
fn check(what: &str, sampler: &mut Sampler, logits: &[f32], expected: &[(u32, f32)]) {
    let Kept::Few(ids) = sampler.filter(logits).expect("finite") else {
        panic!("{what}: nothing was filtered")
    };
    let found: Vec<(u32, f32)> = ids.into_iter().map(|id| (id, sampler.room.probs[id as usize])).collect();
    assert_eq!(found.len(), expected.len(), "{what}: {found:?} is not {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.0, expected.0, "{what}");
        assert!((found.1 - expected.1).abs() < 1e-5, "{what}: {found:?} is not {expected:?}");
    }
}

#[test]
fn typical_sampling_keeps_what_transformers_keeps() {
    let Rows { logits, typical, .. } = rows();
    assert!(
        typical.iter().any(|case| case.kept[0].0 != likeliest(&logits[case.row], 1)[0]),
        "never the likeliest"
    );
    for (i, case) in typical.iter().enumerate() {
        let spec = SamplingSpec {
            temperature: case.temperature.unwrap_or(1.0),
            top_k: case.top_k,
            top_p: case.top_p,
            min_p: case.min_p,
            typical_p: Some(case.typical_p),
            ..SamplingPreset::Steady.spec()
        };
        let mut sampler = Sampler::new(spec, 0, &[]).expect("in range");
        check(&format!("case {i}"), &mut sampler, &logits[case.row], &case.kept);
    }
}

/// More than are looked at first, against the definition said plainly.
#[test]
fn a_large_vocabulary_is_cut_by_the_same_rule() {
    let row: Vec<f32> = (0..5000_u32).map(|i| ((i * 7919) % 5003) as f32 / 700.0).collect();
    for mass in [0.01, 0.3, 0.8, 0.999] {
        let spec = SamplingSpec { temperature: 1.0, typical_p: Some(mass), ..SamplingPreset::Steady.spec() };
        let mut sampler = Sampler::new(spec, 0, &[]).expect("in range");
        let Kept::Few(mut found) = sampler.filter(&row).expect("finite") else {
            panic!("nothing was filtered")
        };
        let sum: f64 = row.iter().map(|l| f64::from(*l).exp()).sum();
        let surprise = |id: u32| sum.ln() - f64::from(row[id as usize]);
        let prob = |id: u32| (-surprise(id)).exp();
        let entropy: f64 = (0..5000).map(|id| prob(id) * surprise(id)).sum();
        let off = |id: u32| (surprise(id) - entropy).abs();
        let mut order: Vec<u32> = (0..5000).collect();
        order.sort_by(|a, b| off(*a).total_cmp(&off(*b)));
        let mut reached = 0.0;
        let n = 1 + order
            .iter()
            .position(|id| {
                reached += prob(*id);
                reached >= f64::from(mass)
            })
            .expect("it is reached");
        let mut expected = order[..n].to_vec();
        expected.sort_unstable();
        found.sort_unstable();
        // One at the very edge may fall to either side.
        assert!(found.len().abs_diff(n) <= 1, "{mass}: {} of {n}", found.len());
        let common = found.iter().filter(|id| expected.binary_search(id).is_ok()).count();
        assert!(common + 1 >= n, "{mass}: {common} of {n}");
    }
}

#[test]
fn mirostat_follows_its_paper() {
    let Rows { logits, mirostat, .. } = rows();
    for case in &mirostat {
        let spec = SamplingSpec {
            temperature: case.temperature,
            mirostat: Some(MirostatSpec { tau: case.tau, eta: case.eta }),
            // It takes their place.
            top_k: Some(1),
            top_p: Some(0.1),
            ..SamplingPreset::Steady.spec()
        };
        let mut sampler = Sampler::new(spec, 0, &[]).expect("in range");
        let mut lens = HashSet::new();
        for (i, step) in case.steps.iter().enumerate() {
            check(&format!("τ {}, token {i}", case.tau), &mut sampler, &logits[step.row], &step.kept);
            lens.insert(step.kept.len());
            let draw = sampler.take(&logits[step.row], step.chosen).expect("finite");
            assert!(draw.sampled_prob > 0.0);
        }
        assert!(lens.len() > 2, "its bound moves");
    }
}

#[test]
fn beams_are_scored_by_log_probabilities_with_penalties() {
    let Rows { logits, .. } = rows();
    let row = &logits[1];
    let spec = SamplingSpec { repetition_penalty: 1.5, ..SamplingPreset::Steady.spec() };
    let mut sampler = Sampler::new(spec, 0, &[3]).expect("in range");
    let sum: f64 = row.iter().map(|l| f64::from(*l).exp()).sum();
    let log_prob = |id: usize| f64::from(row[id]) - sum.ln();
    let scored = sampler.score(row, row.len()).expect("finite");
    for (id, score) in &scored.best {
        let penalty = if *id == 3 { 1.5 } else { 1.0 };
        assert!((f64::from(*score) - penalty * log_prob(*id as usize)).abs() < 1e-5, "{id}");
    }
    let after: f32 = (0..row.len() as u32).map(|id| sampler.measured(&scored, row, id).sampled_prob).sum();
    assert!((after - 1.0).abs() < 1e-5, "{after}");
    let other = sampler.measured(&scored, row, 5);
    assert!(
        (f64::from(other.logprob) - log_prob(5)).abs() < 1e-5 && other.sampled_prob > other.logprob.exp()
    );
    let mut fork = sampler.fork();
    fork.note(5).expect("no grammar");
    let penalised = |sampler: &mut Sampler| {
        let best = sampler.score(row, row.len()).expect("finite").best;
        best.iter().find(|(id, _)| *id == 5).expect("it is there").1
    };
    assert!(penalised(&mut fork) < penalised(&mut sampler), "what one has noted the other has not");
}
