//! The sampler against definitions, a plain reference, and chance.

use super::*;
use glassworks_protocol::generate::{BeamSpec, MirostatSpec, SamplingPreset};

const LOGITS: [f32; 6] = [2.0, 1.0, 0.5, 0.0, -1.0, -3.0];

fn plain() -> SamplingSpec {
    SamplingSpec { temperature: 1.0, ..SamplingPreset::Steady.spec() }
}

/// What may be drawn, likeliest first, and how likely each is.
fn kept_of(spec: SamplingSpec, logits: &[f32]) -> Vec<(u32, f32)> {
    let mut sampler = Sampler::new(spec, 0, &[]).expect("in range");
    let ids = match sampler.filter(logits).expect("finite") {
        Kept::Few(ids) => ids,
        Kept::All | Kept::Ordered => likeliest(logits, logits.len()),
    };
    ids.into_iter().map(|id| (id, sampler.room.probs[id as usize])).collect()
}

fn kept(spec: SamplingSpec) -> Vec<(u32, f32)> {
    kept_of(spec, &LOGITS)
}

fn ids(kept: &[(u32, f32)]) -> Vec<u32> {
    kept.iter().map(|(id, _)| *id).collect()
}

#[test]
fn the_models_own_numbers_do_not_depend_on_the_settings() {
    let sum: f64 = LOGITS.iter().map(|l| f64::from(*l).exp()).sum();
    for spec in SamplingPreset::ALL.map(SamplingPreset::spec) {
        let draw = Sampler::new(spec, 1, &[]).expect("in range").draw(&LOGITS).expect("finite");
        let p = f64::from(LOGITS[draw.id as usize]).exp() / sum;
        assert!((f64::from(draw.logprob) - p.ln()).abs() < 1e-6);
        let h: f64 = LOGITS.iter().map(|l| f64::from(*l).exp() / sum).map(|p| -p * p.ln()).sum();
        assert!((f64::from(draw.entropy) - h).abs() < 1e-6);
        assert_eq!(draw.rank, draw.id, "the logits are sorted");
        assert!((draw.top.iter().map(|t| t.1).sum::<f32>() - 1.0).abs() < 1e-6);
        let sampled: f32 = draw.top.iter().map(|t| t.2).sum();
        assert!((sampled - 1.0).abs() < 1e-6, "{sampled}");
    }
}

#[test]
fn filters_keep_what_transformers_keeps() {
    // Probabilities by hand: .5586 .2055 .1246 .0756 .0278 .0038 (rounded)
    assert_eq!(ids(&kept(SamplingSpec { top_k: Some(2), ..plain() })), [0, 1]);
    assert_eq!(ids(&kept(SamplingSpec { top_p: Some(0.75), ..plain() })), [0, 1]);
    assert_eq!(ids(&kept(SamplingSpec { top_p: Some(0.77), ..plain() })), [0, 1, 2]);
    assert_eq!(ids(&kept(SamplingSpec { top_p: Some(1e-6), ..plain() })), [0], "one stays");
    assert_eq!(ids(&kept(SamplingSpec { min_p: Some(0.2), ..plain() })), [0, 1, 2]);
    assert_eq!(ids(&kept(SamplingSpec { temperature: 0.0, ..plain() })), [0]);
    assert_eq!(kept(plain()).len(), LOGITS.len());
}

/// What [`Sampler::filter`] is to keep, said plainly: everything in order, then one filter after the other.
fn plainly(spec: &SamplingSpec, logits: &[f32]) -> Vec<(u32, f32)> {
    let score = |id: u32| logits[id as usize] / spec.temperature;
    let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
    ids.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
    ids.truncate(spec.top_k.map_or(usize::MAX, |k| k as usize));
    let renormalise = |kept: &mut Vec<(u32, f64)>| {
        let sum: f64 = kept.iter().map(|(_, p)| p).sum();
        kept.iter_mut().for_each(|(_, p)| *p /= sum);
    };
    let mut kept: Vec<(u32, f64)> =
        ids.iter().map(|id| (*id, f64::from(score(*id) - score(ids[0])).exp())).collect();
    renormalise(&mut kept);
    if let Some(p) = spec.top_p {
        let mut removed = 0.0;
        while kept.len() > 1 {
            removed += kept[kept.len() - 1].1;
            if removed > f64::from(1.0 - p) {
                break;
            }
            kept.pop();
        }
        renormalise(&mut kept);
    }
    if let Some(p) = spec.min_p {
        let least = kept[0].1 * f64::from(p);
        kept.retain(|(_, prob)| *prob >= least);
        renormalise(&mut kept);
    }
    kept.into_iter().map(|(id, p)| (id, p as f32)).collect()
}

#[test]
fn a_large_vocabulary_is_filtered_as_if_it_had_been_put_in_order() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for width in [0.5, 4.0, 12.0] {
        let logits: Vec<f32> =
            (0..5000).map(|_| (rng.next_u32() as f32 / u32::MAX as f32 - 0.5) * width).collect();
        for (top_k, top_p, min_p) in [
            (Some(40), None, None),
            (Some(40), Some(0.9), Some(0.3)),
            (None, Some(0.02), None),
            (None, Some(0.95), None),
            (None, Some(0.5), Some(0.9)),
            (None, None, Some(0.4)),
            (None, None, None),
        ] {
            let spec = SamplingSpec { temperature: 0.8, top_k, top_p, min_p, ..plain() };
            let (found, expected) = (kept_of(spec.clone(), &logits), plainly(&spec, &logits));
            // One at a filter's very edge may fall to either side.
            assert!(found.len().abs_diff(expected.len()) <= 1, "{} of {}", found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.0, expected.0, "{spec:?}");
                assert!((found.1 - expected.1).abs() < 1e-5 * (1e-3 + expected.1), "{spec:?}");
            }
        }
    }
}

#[test]
fn the_whole_in_order_is_drawn_from_as_the_list_of_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let logits: Vec<f32> = (0..5000).map(|_| rng.next_u32() as f32 / u32::MAX as f32).collect();
    let spec = SamplingSpec { top_p: Some(1.0), ..plain() };
    for seed in 0..20 {
        let mut sampler = Sampler::new(spec.clone(), seed, &[]).expect("in range");
        assert!(matches!(sampler.filter(&logits), Ok(Kept::Ordered)));
        let list = likeliest(&logits, logits.len());
        assert_eq!(sampler.pick(&Kept::Ordered), sampler.pick(&Kept::Few(list)));
    }
}

#[test]
fn equals_keep_their_order_and_ranks_are_places() {
    let scores: Vec<f32> = (0..1000).map(|i| ((i * 7) % 10) as f32).collect();
    let found = likeliest(&scores, 150);
    assert!(found.is_sorted_by(|a, b| order(&scores, *a, *b) == Ordering::Less));
    assert!(found.iter().enumerate().all(|(place, id)| rank(&scores, *id) == place as u32));
    assert_eq!(likeliest(&scores, 5000).len(), 1000);
    assert_eq!(likeliest(&[0.0; 50], 3), [0, 1, 2]);
}

#[test]
fn penalties_follow_their_definitions() {
    let spec =
        SamplingSpec { repetition_penalty: 2.0, frequency_penalty: 0.5, presence_penalty: 0.25, ..plain() };
    let mut sampler = Sampler::new(spec, 0, &[4]).expect("in range");
    sampler.go_on_from(&[0, 0]).expect("no grammar");
    let mut scores = LOGITS;
    sampler.penalise(&mut scores);
    assert_eq!(scores[0], 2.0 / 2.0 - 2.0 * 0.5 - 0.25, "seen, twice in the reply");
    assert_eq!(scores[4], -2.0, "seen in the prompt: negative scores are multiplied");
    assert_eq!(scores[1], 1.0);
}

#[test]
fn a_seed_repeats_and_a_place_is_its_own() {
    let write = |n: usize, from: &[u32]| {
        let mut sampler = Sampler::new(plain(), 7, &[]).expect("in range");
        sampler.go_on_from(from).expect("no grammar");
        (0..n).map(|_| sampler.draw(&LOGITS).expect("finite").id).collect::<Vec<_>>()
    };
    let whole = write(50, &[]);
    assert_eq!(write(50, &[]), whole);
    assert_eq!(write(30, &whole[..20]), whole[20..], "going on later gives the same");
    assert!(whole.iter().any(|id| *id != whole[0]));
}

#[test]
fn frequencies_match_probabilities() {
    let sampler = |seed| Sampler::new(plain(), seed, &[]).expect("in range").draw(&LOGITS).expect("finite");
    let n = 20_000;
    let zeros = (0..n).filter(|seed| sampler(*seed).id == 0).count() as f64 / n as f64;
    let p = f64::from(kept(plain())[0].1);
    // Five standard deviations of a binomial.
    assert!((zeros - p).abs() < 5.0 * (p * (1.0 - p) / n as f64).sqrt(), "{zeros} against {p}");
}

#[test]
fn values_out_of_range_are_named() {
    for (spec, name) in [
        (SamplingSpec { temperature: -1.0, ..plain() }, "temperature"),
        (SamplingSpec { temperature: f32::NAN, ..plain() }, "temperature"),
        (SamplingSpec { top_p: Some(0.0), ..plain() }, "top-p"),
        (SamplingSpec { min_p: Some(1.5), ..plain() }, "min-p"),
        (SamplingSpec { typical_p: Some(0.0), ..plain() }, "typical-p"),
        (SamplingSpec { mirostat: Some(MirostatSpec { tau: -1.0, eta: 0.1 }), ..plain() }, "mirostat"),
        (SamplingSpec { mirostat: Some(MirostatSpec { tau: 5.0, eta: 0.0 }), ..plain() }, "mirostat-eta"),
        (SamplingSpec { beams: Some(BeamSpec { n: 1, ..BeamSpec::default() }), ..plain() }, "num-beams"),
        (SamplingSpec { beams: Some(BeamSpec { n: 17, ..BeamSpec::default() }), ..plain() }, "num-beams"),
        (
            SamplingSpec {
                beams: Some(BeamSpec { length_penalty: f32::NAN, ..BeamSpec::default() }),
                ..plain()
            },
            "length-penalty",
        ),
        (SamplingSpec { repetition_penalty: 0.0, ..plain() }, "repetition-penalty"),
        (SamplingSpec { presence_penalty: f32::INFINITY, ..plain() }, "presence-penalty"),
    ] {
        let failure = Sampler::new(spec, 0, &[]).err().expect("refused");
        assert!(failure.summary.args.iter().any(|(_, v)| v == name), "{failure}");
    }
}

#[test]
fn logits_that_are_no_numbers_fail_aloud() {
    let mut sampler = Sampler::new(plain(), 0, &[]).expect("in range");
    assert!(sampler.draw(&[0.0, f32::NAN]).is_err());
    assert!(sampler.draw(&[f32::NEG_INFINITY; 3]).is_err());
}
