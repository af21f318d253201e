//! What heads do: scores on a sequence that repeats, and pictures of maps.

use super::*;
use glassworks_protocol::inside::{
    HeadImage, HeadSpec, MapKind, Merge, ScoresReport, ScoresSpec, Segmenting, segments,
};

fn scores(lab: &mut Lab, model: ModelSource, n_tokens: u32) -> Arc<ScoresReport> {
    let spec = ScoresSpec { model, tuned: None, n_tokens, seed: 3 };
    match lab.done(JobSpec::Inside(InsideJob::Scores(spec))) {
        JobOutput::Inside(InsideOutput::Scored(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn image(lab: &mut Lab, spec: HeadSpec) -> Arc<HeadImage> {
    match lab.done(JobSpec::Inside(InsideJob::Head(spec))) {
        JobOutput::Inside(InsideOutput::Head(image)) => image,
        other => panic!("{other:?}"),
    }
}

/// Acceptance 8, the half about random weights: none of their heads copies what followed.
#[test]
fn random_weights_have_no_induction() {
    let (_home, mut lab) = lab();
    for name in ["llama-gqa", "qwen3-tied", "neox-parallel"] {
        let report = scores(&mut lab, of(name), 60);
        assert!(report.n_tokens >= 120, "{name}");
        for head in report.heads.iter().flatten() {
            let induction = head.induction.expect("tokens repeat");
            assert!(induction < 0.05, "{name}: {induction}");
            assert!((0.0..=1.0).contains(&head.entropy) && (0.0..=1.0).contains(&head.sink), "{name}");
        }
    }
    lab.close();
}

/// Scores are the means that their definition names, over the capture's own maps.
#[test]
fn scores_are_means_of_the_maps() {
    let (_home, mut lab) = lab();
    let half = some_ids(400).into_iter().collect::<std::collections::BTreeSet<_>>();
    let half: Vec<u32> = half.into_iter().take(30).collect();
    let n = half.len();
    let ids = [half.clone(), half].concat();
    let seen = capture(&mut lab, spec(of("qwen3-tied"), &ids));
    for layer in &seen.layers {
        let all = maps(&seen, layer.layer);
        for (head, scores) in layer.scores.iter().enumerate() {
            let a = |i: usize, j: usize| all[(head * 2 * n + i) * 2 * n + j];
            let mean = |values: Vec<f32>| values.iter().sum::<f32>() / values.len() as f32;
            let again = |off: usize| mean((n..2 * n).map(|i| a(i, i - n + off)).collect());
            assert!((scores.induction.expect("repeats") - again(1)).abs() < 1e-5);
            assert!((scores.duplicate.expect("repeats") - again(0)).abs() < 1e-5);
            assert!((scores.previous - mean((1..2 * n).map(|i| a(i, i - 1)).collect())).abs() < 1e-5);
            assert!((scores.sink - mean((1..2 * n).map(|i| a(i, 0)).collect())).abs() < 1e-5);
            let entropy = |i: usize| {
                let row = (0..=i).map(|j| a(i, j)).filter(|a| *a > 0.0);
                -row.map(|a| a * a.ln()).sum::<f32>() / (i as f32 + 1.0).ln()
            };
            assert!((scores.entropy - mean((1..2 * n).map(entropy).collect())).abs() < 1e-4);
        }
    }
    let plain = capture(&mut lab, spec(of("qwen3-tied"), &ids[..n]));
    assert!(plain.layers[0].scores.iter().all(|scores| scores.induction.is_none()), "nothing repeats");
    lab.close();
}

#[test]
fn a_picture_is_made_of_the_maps_values() {
    let (_home, mut lab) = lab();
    let ids = some_ids(120);
    let seen = capture(&mut lab, spec(of("gemma3-local"), &ids));
    let layer = Arc::clone(&seen.layers[0]);
    let all = maps(&seen, 0);
    let mut spec = HeadSpec {
        layer: Arc::clone(&layer),
        heads: vec![1],
        merge: Merge::Mean,
        kind: MapKind::Weights,
        segments: Vec::new(),
        value_norms: None,
        n_tokens: 120,
        side: 1024,
    };
    let whole = image(&mut lab, spec.clone());
    for i in 0..120 {
        for j in 0..120 {
            let cell = whole.cells[i * 120 + j];
            if layer.shape.visible(i).contains(&j) {
                assert!((cell - all[(120 + i) * 120 + j]).abs() < 1e-6);
            } else {
                assert!(cell.is_nan(), "masked");
            }
        }
    }
    spec.kind = MapKind::Scores;
    let scored = image(&mut lab, spec.clone());
    let expected = layer.maps.score(&layer.shape, 1, 90, 90).expect("queries and keys are kept");
    assert!((scored.cells[90 * 120 + 90] - expected).abs() < 1e-6 && scored.row_entropy.is_empty());
    spec.kind = MapKind::Weights;
    spec.segments = segments(&seen.tokens, &seen.turns, Segmenting::Word);
    let words = image(&mut lab, spec);
    assert_eq!(words.n as usize, segments(&seen.tokens, &seen.turns, Segmenting::Word).len());
    for row in words.cells.chunks_exact(words.side as usize) {
        let sum: f32 = row.iter().filter(|a| !a.is_nan()).sum();
        assert!((sum - 1.0).abs() < 1e-4, "rows of words sum to 1: {sum}");
    }
    lab.close();
}
