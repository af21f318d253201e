//! Parts switched off, beside the same done to the model's eager pass by candle.

use super::*;
use candle_core::Tensor;
use glassworks_protocol::generate::{Prompt, SamplingPreset, SamplingSpec};
use glassworks_protocol::inside::{
    AblateReport, AblateSpec, Ablation, ContinueReport, ContinueSpec, InsidePartial, Instead, Part,
    SweepReport, SweepSpec,
};
use glassworks_protocol::{Event, Partial};

fn ablate(lab: &mut Lab, base: &Arc<Capture>, ablations: &[Ablation]) -> Arc<AblateReport> {
    let spec = AblateSpec { base: Arc::clone(base), ablations: ablations.to_vec(), seed: 5 };
    match lab.done(JobSpec::Inside(InsideJob::Ablate(spec))) {
        JobOutput::Inside(InsideOutput::Ablated(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn head(layer: u32, head: u32, instead: Instead) -> Ablation {
    Ablation { part: Part::Head { layer, head }, instead }
}

/// Log-probabilities of each token after the first, with tensors replaced on the way.
fn replaced(
    model: &dyn CausalLm,
    ids: &[u32],
    mut replace: impl FnMut(Site, Vec<f32>) -> Option<Vec<f32>> + Send + 'static,
) -> Vec<f32> {
    let mut probe = Probe::Replace(Box::new(move |site, tensor: &Tensor| {
        let values = tensor.flatten_all()?.to_vec1()?;
        let other = replace(site, values);
        Ok(other.map(|other| Tensor::from_vec(other, tensor.dims(), tensor.device())).transpose()?)
    }));
    let logits = by_candle(model, ids, &mut probe);
    let vocab = model.shape().vocab_size;
    let rows = logits.chunks_exact(vocab).zip(&ids[1..]);
    rows.map(|(row, id)| {
        let most = row.iter().copied().fold(f32::MIN, f32::max);
        row[*id as usize] - most - row.iter().map(|x| (x - most).exp()).sum::<f32>().ln()
    })
    .collect()
}

fn logprobs(report: &AblateReport) -> Vec<f32> {
    report.read.iter().map(|token| token.logprob).collect()
}

/// Heads at the input of the output projection: zero, mean over positions, uniform; a kv-head takes its group. And
/// acceptance 4: all heads of a layer at zero are its attention without all but the bias, which is what zeroing what
/// heads made leaves.
#[test]
fn heads_are_switched_off_where_they_are_heads() {
    let (_home, mut lab) = lab();
    let ids = some_ids(30);
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let shape = *model.shape();
        let (h, e, width) = (shape.n_heads, shape.head_width, shape.n_heads * shape.head_width);
        let base = capture(&mut lab, spec(of(name), &ids));
        let group = h / shape.n_kv_heads;
        let cases: Vec<(Ablation, std::ops::Range<usize>)> = vec![
            (head(1, 1, Instead::Zero), 1..2),
            (head(0, h as u32 - 1, Instead::Mean), h - 1..h),
            (Ablation { part: Part::KvHead { layer: 1, kv_head: 0 }, instead: Instead::Zero }, 0..group),
        ];
        for (ablation, heads) in cases {
            let report = ablate(&mut lab, &base, &[ablation]);
            let layer = ablation.part.layer() as usize;
            let expected = replaced(&*model, &ids, move |site, mut x| {
                if site != Site::HeadOutputs(layer) {
                    return None;
                }
                for column in heads.start * e..heads.end * e {
                    let mean = x.iter().skip(column).step_by(width).sum::<f32>() / (x.len() / width) as f32;
                    let value = if ablation.instead == Instead::Mean { mean } else { 0.0 };
                    x.iter_mut().skip(column).step_by(width).for_each(|x| *x = value);
                }
                Some(x)
            });
            close(&format!("{name} {ablation:?}"), &logprobs(&report), &expected, 1e-3);
            assert!(report.kl.iter().all(|kl| kl.is_finite() && *kl >= 0.0) && report.kl.len() == 30);
        }
        let all: Vec<Ablation> = (0..h as u32).map(|at| head(1, at, Instead::Zero)).collect();
        let report = ablate(&mut lab, &base, &all);
        let expected =
            replaced(&*model, &ids, |site, x| (site == Site::HeadOutputs(1)).then(|| vec![0.0; x.len()]));
        close(&format!("{name} all heads"), &logprobs(&report), &expected, 1e-3);
    }
    lab.close();
}

/// An edge is cut before the softmax; a uniform head weighs all that it sees alike: both beside changed weights.
#[test]
fn weights_can_be_changed() {
    let (_home, mut lab) = lab();
    let ids = some_ids(25);
    for name in ["llama-gqa", "gpt2-tiny", "mistral-window", "gemma2-caps", "neox-serial"] {
        let model = load(&fixtures().join(name));
        let base = capture(&mut lab, spec(of(name), &ids));
        let shape = base.layers[1].shape;
        let edge =
            Ablation { part: Part::Edge { layer: 1, head: 2, query: 20, key: 18 }, instead: Instead::Zero };
        let other = Ablation { part: Part::Edge { layer: 1, head: 2, query: 20, key: 19 }, ..edge };
        let report = ablate(&mut lab, &base, &[edge, other]);
        let expected = replaced(&*model, &ids, |site, mut a| {
            if site != Site::Attention(1) {
                return None;
            }
            let row = &mut a[(2 * 25 + 20) * 25..][..25];
            (row[18], row[19]) = (0.0, 0.0);
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|a| *a /= sum);
            Some(a)
        });
        close(&format!("{name} edge"), &logprobs(&report), &expected, 1e-3);
        let report = ablate(&mut lab, &base, &[head(1, 2, Instead::Uniform)]);
        let expected = replaced(&*model, &ids, move |site, mut a| {
            if site != Site::Attention(1) {
                return None;
            }
            for query in 0..25 {
                let seen = shape.visible(query);
                for key in 0..25 {
                    a[(2 * 25 + query) * 25 + key] =
                        if seen.contains(&key) { 1.0 / seen.len() as f32 } else { 0.0 };
                }
            }
            Some(a)
        });
        close(&format!("{name} uniform"), &logprobs(&report), &expected, 1e-3);
    }
    lab.close();
}

/// What a layer does not see of a change, it need not compute: with and without the stream kept the digits agree.
#[test]
fn what_lies_below_is_not_run_again() {
    let (_home, mut lab) = lab();
    let ids = some_ids(40);
    for name in ["gemma3-local", "neox-parallel"] {
        let base = capture(&mut lab, spec(of(name), &ids));
        let mut lean = spec(of(name), &ids);
        lean.plan.residuals = false;
        let lean = capture(&mut lab, lean);
        assert!(lean.residuals.is_empty() && !base.residuals.is_empty());
        for part in [Part::Mlp { layer: 1 }, Part::Layer { layer: 1 }, Part::Attention { layer: 0 }] {
            for instead in [Instead::Zero, Instead::Mean, Instead::Resample] {
                let ablation = [Ablation { part, instead }];
                let (one, other) = (ablate(&mut lab, &base, &ablation), ablate(&mut lab, &lean, &ablation));
                close(name, &logprobs(&one), &logprobs(&other), 1e-4);
                assert_eq!(one.next[0].id, other.next[0].id);
                assert!(one.kl.iter().any(|kl| *kl > 1e-6), "{name} {part:?} {instead:?} does something");
            }
        }
    }
    lab.close();
}

/// A layer that is switched off passes on what it got.
#[test]
fn a_layer_that_is_off_adds_nothing() {
    let (_home, mut lab) = lab();
    let ids = some_ids(20);
    let model = load(&fixtures().join("llama-gqa"));
    let base = capture(&mut lab, spec(of("llama-gqa"), &ids));
    let last = model.shape().n_layers as u32 - 1;
    let off = Ablation { part: Part::Layer { layer: last }, instead: Instead::Zero };
    let report = ablate(&mut lab, &base, &[off]);
    // The last layer's input, unembedded: what the lens says there.
    let lens = super::lens::lens(&mut lab, &base, 0, 20);
    for (token, cell) in report.read.iter().zip(&lens.layers[last as usize]) {
        assert!((token.logprob.exp() - cell.next.expect("there is one").0).abs() < 1e-5);
    }
    lab.close();
}

#[test]
fn a_sweep_is_every_head_by_itself() {
    let (_home, mut lab) = lab();
    let ids = some_ids(24);
    let base = capture(&mut lab, spec(of("gemma2-caps"), &ids));
    let sweep = SweepSpec { base: Arc::clone(&base), instead: Instead::Zero, position: 10, seed: 1 };
    let job = lab.start(JobSpec::Inside(InsideJob::Sweep(sweep)));
    for expected in 0..base.sizes.n_layers {
        let told = lab.until("a layer", |event| match event {
            Event::Partial(id, Partial::Inside(InsidePartial::Swept { layer, .. })) if *id == job => {
                Some(*layer)
            }
            _ => None,
        });
        assert_eq!(told, expected);
    }
    let glassworks_protocol::Outcome::Done(JobOutput::Inside(InsideOutput::Swept(swept))) =
        lab.until_settled(job)
    else {
        panic!("swept")
    };
    let SweepReport { effects, target, .. } = &*swept;
    assert_eq!(*target, ids[11]);
    let was = base.read[(11 - base.read_from) as usize].logprob;
    for (layer, heads) in effects.iter().enumerate() {
        assert_eq!(heads.len(), base.sizes.n_heads as usize);
        for (at, effect) in heads.iter().enumerate() {
            let one = ablate(&mut lab, &base, &[head(layer as u32, at as u32, Instead::Zero)]);
            let now = one.read[(11 - base.read_from) as usize].logprob;
            assert!((effect.delta_logprob - (now - was)).abs() < 1e-3, "{layer}.{at}");
            assert!((effect.kl - one.kl[10 - (base.read_from as usize - 1)]).abs() < 1e-4);
        }
    }
    lab.close();
}

/// Written on from a cache, the words are those that whole passes would have chosen.
#[test]
fn writing_on_keeps_parts_switched_off() {
    let (_home, mut lab) = lab();
    let starter = lab.starter();
    let mut text = spec(starter.clone(), &[]);
    text.subject =
        Subject::Text { prompt: Prompt::Text("Alice was beginning".to_owned()), reply: Vec::new(), at_ms: 0 };
    let base = capture(&mut lab, text);
    let n_heads = base.sizes.n_heads;
    for instead in [Instead::Zero, Instead::Uniform] {
        let ablations: Vec<Ablation> = (0..n_heads).map(|at| head(0, at, instead)).collect();
        let sampling = SamplingSpec { max_new_tokens: 6, ignore_eos: true, ..SamplingPreset::Steady.spec() };
        let spec = ContinueSpec {
            base: Arc::clone(&base),
            ablations: ablations.clone(),
            sampling: SamplingSpec { temperature: 0.0, repetition_penalty: 1.0, ..sampling },
        };
        let report: Arc<ContinueReport> = match lab.done(JobSpec::Inside(InsideJob::Continue(Box::new(spec))))
        {
            JobOutput::Inside(InsideOutput::Continued(report)) => report,
            other => panic!("{other:?}"),
        };
        let mut ids: Vec<u32> = base.tokens.iter().map(|token| token.id).collect();
        for token in &report.ablated {
            let so_far = capture(&mut lab, super::spec(starter.clone(), &ids));
            assert_eq!(ablate(&mut lab, &so_far, &ablations).next[0].id, token.id, "{instead:?}");
            ids.push(token.id);
        }
        let mut ids: Vec<u32> = base.tokens.iter().map(|token| token.id).collect();
        for token in &report.baseline {
            assert_eq!(capture(&mut lab, super::spec(starter.clone(), &ids)).next[0].id, token.id);
            ids.push(token.id);
        }
        assert_ne!(report.baseline, report.ablated);
    }
    lab.close();
}

#[test]
fn parts_that_are_not_there_are_refused() {
    let (_home, mut lab) = lab();
    let base = capture(&mut lab, spec(of("llama-gqa"), &some_ids(9)));
    let edge = |query, key| Part::Edge { layer: 0, head: 0, query, key };
    let zero = Instead::Zero;
    for (part, instead) in [
        (Part::Head { layer: 9, head: 0 }, zero),
        (Part::Head { layer: 0, head: 99 }, zero),
        (Part::Mlp { layer: 0 }, Instead::Uniform),
        (edge(3, 4), zero),
        (edge(9, 4), zero),
    ] {
        let spec =
            AblateSpec { base: Arc::clone(&base), ablations: vec![Ablation { part, instead }], seed: 0 };
        assert_eq!(lab.fails(JobSpec::Inside(InsideJob::Ablate(spec))).summary.key, "failure.inside_part");
    }
    let none = AblateSpec { base, ablations: Vec::new(), seed: 0 };
    assert_eq!(lab.fails(JobSpec::Inside(InsideJob::Ablate(none))).summary.key, "failure.inside_part");
    lab.close();
}
