//! Answers made without a model to what is asked of captures: parts switched off, lenses, shares of a logit.

use super::made::Random;
use glassworks_protocol::generate::{Alternative, TokenPiece};
use glassworks_protocol::inside::{
    AblateReport, AblateSpec, AttributionReport, AttributionSpec, Capture, ContinueReport, ContinueSpec,
    Effect, GradientReport, GradientSpec, InsideJob, InsideOutput, LensCell, LensReport, LensSpec,
    RolloutSpec, SeenToken, SweepReport, SweepSpec,
};
use std::sync::Arc;

const NEXT: [(&str, f32); 10] = [
    (" The", 0.312),
    (" It", 0.184),
    ("\n", 0.121),
    (" When", 0.073),
    (" Then", 0.052),
    (" He", 0.031),
    (" After", 0.024),
    (" And", 0.021),
    (" But", 0.018),
    (" She", 0.012),
];

fn alternative((id, (text, prob)): (u32, (&str, f32))) -> Alternative {
    Alternative { id, text: text.to_owned(), prob, sampled_prob: prob }
}

pub fn piece(id: u32, text: &str, logprob: f32) -> TokenPiece {
    let top = (500..).zip(NEXT).map(alternative).collect();
    TokenPiece { id, text: text.to_owned(), logprob, sampled_prob: logprob.exp(), rank: 0, entropy: 1.5, top }
}

/// How likely a text's tokens were, from the second on.
pub fn read(tokens: &[SeenToken]) -> Vec<TokenPiece> {
    let mut random = Random(77);
    let one = |token: &SeenToken| piece(token.id, &token.text, -2.5 + 2.4 * random.next());
    tokens.iter().skip(1).map(one).collect()
}

pub fn next() -> Vec<Alternative> {
    (500..).zip(NEXT).map(alternative).collect()
}

/// What is answered to a question.
pub fn answer(job: &InsideJob) -> InsideOutput {
    match job {
        InsideJob::Ablate(spec) => InsideOutput::Ablated(Arc::new(ablated(spec))),
        InsideJob::Continue(spec) => InsideOutput::Continued(Arc::new(continued(spec))),
        InsideJob::Sweep(spec) => InsideOutput::Swept(Arc::new(swept(spec))),
        InsideJob::Lens(spec) => InsideOutput::Lens(Arc::new(lens(spec))),
        InsideJob::Attribute(spec) => InsideOutput::Attributed(Arc::new(attributed(spec))),
        InsideJob::Gradients(spec) => InsideOutput::Gradients(Arc::new(gradients(spec))),
        InsideJob::Rollout(spec) => InsideOutput::Rollout(Arc::new(rollout(spec))),
        other => panic!("no answer to {other:?}"),
    }
}

fn ablated(spec: &AblateSpec) -> AblateReport {
    let mut random = Random(spec.seed + 5);
    let mut read = spec.base.read.clone();
    for (at, one) in read.iter_mut().enumerate() {
        // Some hardly change, some a lot; the ninth is looked at by the tests.
        one.logprob += if at == 8 { -0.83 } else { random.next().powi(3) * 2.2 };
    }
    let mut next = spec.base.next.clone();
    next.swap(0, 1);
    next.insert(2, alternative((900, (" Finally", 0.09))));
    AblateReport {
        ablations: spec.ablations.clone(),
        kl: (0..=read.len()).map(|at| 0.214 * (at % 4) as f32 / 3.0).collect(),
        read,
        next,
        baseline_next: [0.201, 0.244, 0.1, 0.08, 0.051, 0.03, 0.02, 0.02, 0.02, 0.01].to_vec(),
        logit_difference: (0.53, -0.19),
    }
}

fn continued(spec: &ContinueSpec) -> ContinueReport {
    let write = |text: &str| -> Vec<TokenPiece> {
        super::made::tokens(text).iter().skip(1).map(|token| piece(token.id, &token.text, -1.0)).collect()
    };
    ContinueReport {
        baseline: write(" The driver waved to it and went on, slowly, until the light had changed."),
        ablated: write(" The driver waved at the street and the street was too wide to be crossed."),
        seed: spec.sampling.seed.expect("a seed"),
    }
}

/// Of a layer's heads: most do nothing.
pub fn effects(layer: u32, n_heads: u32) -> Vec<Effect> {
    let mut random = Random(u64::from(layer) * 31 + 9);
    let one = |head: u32| {
        let delta_logprob = match (layer, head) {
            (1, 2) => -0.83,
            (2, 5) => 0.41,
            _ => random.next().powi(5) * 0.3,
        };
        Effect { delta_logprob, kl: delta_logprob * delta_logprob / 3.0 }
    };
    (0..n_heads).map(one).collect()
}

fn swept(spec: &SweepSpec) -> SweepReport {
    let s = spec.base.sizes;
    SweepReport {
        effects: (0..s.n_layers).map(|layer| effects(layer, s.n_heads)).collect(),
        target: 11,
        target_text: " was".into(),
    }
}

fn lens(spec: &LensSpec) -> LensReport {
    let n_layers = spec.base.sizes.n_layers;
    let words =
        [" the", " a", " it", " animal", " street", ".", " of", " was", " and", "\n", " tired", " 's"];
    let cell = |layer: u32, at: u32| {
        let mut random = Random(u64::from(layer * 131 + at * 7) + 3);
        let part = layer as f32 / n_layers as f32;
        let p = (0.06 + 0.8 * part * part + 0.1 * random.next()).clamp(0.02, 0.97);
        let own = spec.base.tokens.get(at as usize + 1);
        let right = own.filter(|_| part > 0.6 && !at.is_multiple_of(3)).map(|token| token.text.clone());
        let pick = |i: u32| words[((layer / 3 + at * 5 + i * 4) % words.len() as u32) as usize].to_owned();
        let top = (0..5).map(|i| {
            let text = if i == 0 { right.clone().unwrap_or_else(|| pick(0)) } else { pick(i) };
            (40 + i, text, p * 0.4f32.powi(i as i32))
        });
        LensCell {
            top: top.collect(),
            entropy: 8.0 * (1.0 - part) + 0.6,
            kl: 9.0 * (1.0 - part).powi(2),
            next: own.map(|_| (p * 0.7, ((1.0 - part) * 9000.0) as u32)),
            norm: 3.0 + 60.0 * part.powi(3) + 2.0 * random.next(),
        }
    };
    let row = |layer: u32| (spec.from..spec.from + spec.n).map(|at| cell(layer, at)).collect();
    LensReport { from: spec.from, layers: (0..=n_layers).map(row).collect() }
}

fn target(base: &Capture, position: u32) -> (u32, String) {
    let own = base.tokens.get(position as usize + 1).map(|token| (token.id, token.text.clone()));
    own.unwrap_or_else(|| (base.next[0].id, base.next[0].text.clone()))
}

fn attributed(spec: &AttributionSpec) -> AttributionReport {
    let s = spec.base.sizes;
    let mut random = Random(u64::from(spec.position) + 21);
    let heads = |layer: u32, random: &mut Random| -> Vec<f32> {
        let one = |head: u32| if (layer, head) == (1, 2) { 2.6 } else { random.next().powi(3) * 0.4 };
        (0..s.n_heads).map(one).collect()
    };
    let mut report = AttributionReport {
        target: target(&spec.base, spec.position),
        against: spec.against.map(|id| (id, " It".to_owned())),
        embedding: 0.42,
        heads: (0..s.n_layers).map(|layer| heads(layer, &mut random)).collect(),
        attention_rest: vec![0.01; s.n_layers as usize],
        mlps: (0..s.n_layers).map(|_| random.next() * 1.4).collect(),
        bias: -0.31,
        logit: 0.0,
        capped: false,
    };
    report.logit = report.total();
    report
}

fn gradients(spec: &GradientSpec) -> GradientReport {
    let mut random = Random(u64::from(spec.position) + 4);
    let n = spec.position as usize + 1;
    let gradient_times_input = (0..n).map(|_| random.next().powi(3) * 3.0).collect();
    let integrated: Vec<f32> = (0..n).map(|_| random.next().powi(3) * 2.0).collect();
    let explained: f32 = integrated.iter().sum::<f32>() * 1.004;
    GradientReport {
        target: target(&spec.base, spec.position),
        against: None,
        gradient_times_input,
        integrated,
        baseline_token: (2, "<|endoftext|>".into()),
        logit: 12.5,
        baseline: 12.5 - explained,
    }
}

fn rollout(spec: &RolloutSpec) -> Vec<f32> {
    let n = spec.query as usize + 1;
    let mut shares: Vec<f32> =
        (0..n).map(|at| 1.0 / (n - at + 1) as f32 + if at == 2 { 0.4 } else { 0.0 }).collect();
    let sum: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}
