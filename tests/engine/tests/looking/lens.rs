//! The logit lens, direct logit attribution, and what keys would bring in.

use super::*;
use glassworks_protocol::inside::{
    AttributionReport, AttributionSpec, GradientReport, GradientSpec, LensReport, LensSpec, ValuesSpec,
};

pub fn lens(lab: &mut Lab, base: &Arc<Capture>, from: u32, n: u32) -> Arc<LensReport> {
    let spec = LensSpec { base: Arc::clone(base), from, n };
    match lab.done(JobSpec::Inside(InsideJob::Lens(spec))) {
        JobOutput::Inside(InsideOutput::Lens(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn softmax(row: &[f32]) -> Vec<f32> {
    let most = row.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = row.iter().map(|x| (x - most).exp()).sum();
    row.iter().map(|x| (x - most).exp() / sum).collect()
}

/// Acceptance 5: in the end the lens is the model's output; before, it is the model's own norm and unembedding of the
/// stream there.
#[test]
fn the_lens_ends_in_the_models_output() {
    let (_home, mut lab) = lab();
    let ids = some_ids(20);
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let (_, hidden, logits) = eager(&*model, &ids);
        let (vocab, width) = (model.shape().vocab_size, model.shape().width);
        let mut lean = spec(of(name), &ids);
        lean.plan.residuals = name.starts_with("llama");
        let base = capture(&mut lab, lean);
        let report = lens(&mut lab, &base, 3, 17);
        assert_eq!(report.layers.len(), hidden.len());
        for (l, cells) in report.layers.iter().enumerate() {
            let stream = candle_core::Tensor::from_slice(&hidden[l], (20, width), &candle_core::Device::Cpu);
            let mut cache = KvCache::new(model.shape());
            let mut cx = ForwardCx {
                precision: Precision::Exact,
                cache: &mut cache,
                probe: &mut Probe::Off,
                adapters: None,
                between: &|| Ok(()),
            };
            let here = model.logits(&stream.expect("a tensor"), &mut cx).expect("runs");
            let here: Vec<f32> = here.flatten_all().and_then(|t| t.to_vec1()).expect("numbers");
            assert_eq!(cells.len(), 17);
            for (cell, at) in cells.iter().zip(3..) {
                let probs = softmax(&here[at * vocab..(at + 1) * vocab]);
                let last = softmax(&logits[at * vocab..(at + 1) * vocab]);
                for (id, _, prob) in &cell.top {
                    assert!((prob - probs[*id as usize]).abs() < 1e-4, "{name} layer {l}");
                }
                assert!(cell.top.windows(2).all(|pair| pair[0].2 >= pair[1].2));
                let entropy: f32 = probs.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                assert!(
                    (cell.entropy - entropy).abs() < 1e-3,
                    "{name} layer {l}: {} {entropy}",
                    cell.entropy
                );
                let kl: f32 = last.iter().zip(&probs).map(|(p, q)| p * (p / q).ln()).sum();
                assert!((cell.kl - kl).abs() < 1e-3, "{name} layer {l}: {} {kl}", cell.kl);
                let norm = hidden[l][at * width..(at + 1) * width].iter().map(|x| x * x).sum::<f32>().sqrt();
                assert!((cell.norm - norm).abs() < 1e-3 * norm.max(1.0));
                assert_eq!(cell.next.is_some(), at + 1 < 20);
                if let Some((prob, rank)) = cell.next {
                    let id = ids[at + 1] as usize;
                    assert!((prob - probs[id]).abs() < 1e-4);
                    assert!(probs.iter().filter(|p| **p > probs[id]).count().abs_diff(rank as usize) <= 1);
                }
                if l + 1 == hidden.len() {
                    assert!(cell.kl < 1e-6, "the model's own output");
                }
            }
        }
    }
    lab.close();
}

/// The shares of embedding, heads, MLPs and biases are all of the logit.
#[test]
fn shares_add_up_to_the_logit() {
    let (_home, mut lab) = lab();
    let ids = some_ids(18);
    for name in FOLDERS {
        let base = capture(&mut lab, spec(of(name), &ids));
        for (position, target, against) in [(17, None, None), (9, Some(7), Some(11)), (0, None, None)] {
            let spec = AttributionSpec { base: Arc::clone(&base), position, target, against };
            let report: Arc<AttributionReport> = match lab.done(JobSpec::Inside(InsideJob::Attribute(spec))) {
                JobOutput::Inside(InsideOutput::Attributed(report)) => report,
                other => panic!("{other:?}"),
            };
            assert_eq!((report.heads.len(), report.mlps.len()), (base.layers.len(), base.layers.len()));
            let total = report.total();
            if report.capped {
                assert!(against.is_some() || total.abs() >= report.logit.abs() - 1e-3, "{name}");
            } else {
                let off = (total - report.logit).abs();
                assert!(
                    off < 1e-3 * (1.0 + report.logit.abs()),
                    "{name} {position}: {total} {}",
                    report.logit
                );
            }
            if against.is_none() {
                let expected = base.next.first().map(|next| next.id).filter(|_| position == 17);
                assert_eq!(report.target.0, expected.unwrap_or_else(|| ids[position as usize + 1]), "{name}");
            }
        }
    }
    lab.close();
}

/// With one token a head's output is its value: what it writes is that through the head's part of the projection.
#[test]
fn norms_are_of_values_through_the_projection() {
    let (_home, mut lab) = lab();
    for name in ["llama-gqa", "mistral-window"] {
        let model = load(&fixtures().join(name));
        let shape = *model.shape();
        let (h, e, d) = (shape.n_heads, shape.head_width, shape.width);
        let file = fixtures().join(name).join("model.safetensors");
        let stored = candle_core::safetensors::load(file, &candle_core::Device::Cpu).expect("safetensors");
        let w = &stored["model.layers.1.self_attn.o_proj.weight"];
        assert_eq!(w.dims(), [d, h * e]);
        let w = w
            .to_dtype(candle_core::DType::F32)
            .and_then(|w| w.flatten_all()?.to_vec1::<f32>())
            .expect("numbers");
        let plan = ProbePlan { hidden: false, attention: false, head_outputs: true };
        let mut probe = Probe::capture(plan);
        by_candle(&*model, &[77], &mut probe);
        let Probe::Capture(Probed { seen, .. }) = probe else { panic!("a capture") };
        let v: Vec<f32> =
            seen[&Site::HeadOutputs(1)].flatten_all().and_then(|t| t.to_vec1()).expect("numbers");
        let base = capture(&mut lab, spec(of(name), &[77]));
        let values = ValuesSpec { base, layer: 1 };
        let norms = match lab.done(JobSpec::Inside(InsideJob::Values(values))) {
            JobOutput::Inside(InsideOutput::Values(norms)) => norms,
            other => panic!("{other:?}"),
        };
        assert_eq!(norms.len(), h);
        for head in 0..h {
            let written =
                (0..d).map(|i| (head * e..(head + 1) * e).map(|j| w[i * h * e + j] * v[j]).sum::<f32>());
            let norm = written.map(|x| x * x).sum::<f32>().sqrt();
            assert!((norms[head] - norm).abs() < 1e-4 * (1.0 + norm), "{name}: {} {norm}", norms[head]);
        }
    }
    lab.close();
}

/// Acceptance 7: at 50 points the integrated gradients add up to what they explain within a hundredth; and a gradient is
/// what a small step along an embedding shows.
#[test]
fn integrated_gradients_are_complete() {
    let (_home, mut lab) = lab();
    let ids = some_ids(12);
    for name in FOLDERS {
        let base = capture(&mut lab, spec(of(name), &ids));
        let spec =
            GradientSpec { base, position: 10, target: None, against: None, baseline: None, n_steps: 50 };
        let report: Arc<GradientReport> = match lab.done(JobSpec::Inside(InsideJob::Gradients(spec))) {
            JobOutput::Inside(InsideOutput::Gradients(report)) => report,
            other => panic!("{other:?}"),
        };
        assert_eq!((report.integrated.len(), report.target.0), (11, ids[11]), "{name}");
        assert!(report.gap() < 0.01, "{name}: {} of {}", report.gap(), report.logit - report.baseline);
        assert!(report.gradient_times_input.iter().any(|x| x.abs() > 1e-6));
        let model = load(&fixtures().join(name));
        let (.., logits) = eager(&*model, &ids[..11]);
        let vocab = model.shape().vocab_size;
        assert!((report.logit - logits[10 * vocab + ids[11] as usize]).abs() < 1e-3, "{name}");
    }
    lab.close();
}
