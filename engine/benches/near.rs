//! How near Fast comes to Exact, teacher-forced over a text: mean KL divergence, both perplexities, and how often the
//! likeliest token is the same. Prints one line of JSON. The bounds are house rules: KL below 0.02, perplexity within
//! 1 %.
//!
//!     cargo run --release -p glassworks-engine --example near -- MODEL TEXT_FILE [TOKENS]
//!
//! Fast is computed both ways a reply meets it: the text at once, as a prompt is read, and token by token, as one is
//! written.

use anyhow::{Context as _, Result, ensure};
use glassworks_engine::infer::{Request, Runner, Wanted};
use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::model::{CacheWidth, Precision};
use std::io::Write as _;
use std::path::Path;

/// Σ over positions.
#[derive(Default)]
struct Sums {
    kl: f64,
    exact_nats: f64,
    fast_nats: f64,
    same: usize,
    n: usize,
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "MODEL TEXT_FILE [TOKENS]";
    let (model, text) = (args.next().context(usage)?, args.next().context(usage)?);
    let n: usize = args.next().map_or(Ok(512), |n| n.parse()).context(usage)?;
    let files = ModelFiles::open(Path::new(&model))?;
    let (model, codec) = (files.load(&|_, _| Ok(()))?, files.tokenizer()?);
    let mut ids = codec.encode(&std::fs::read_to_string(text)?, true)?;
    ids.truncate(n);
    ensure!(ids.len() > 1, "a text of at least two tokens");
    let mut runner = Runner::new(&*model)?;
    let exact = logits(&mut runner, &ids, Precision::Exact, ids.len())?;
    let mut out = std::io::stdout();
    for (how, step) in [("prompt", ids.len()), ("reply", 1)] {
        let fast = logits(&mut runner, &ids, Precision::Fast, step)?;
        let vocab = model.shape().vocab_size;
        let sums = compare(&exact, &fast, vocab, &ids);
        let n = sums.n as f64;
        let (exact_ppl, fast_ppl) = ((sums.exact_nats / n).exp(), (sums.fast_nats / n).exp());
        writeln!(
            out,
            "{{\"how\":\"{how}\",\"tokens\":{},\"kl\":{:.6},\"ppl_exact\":{exact_ppl:.4},\"ppl_fast\":{fast_ppl:.4},\
             \"ppl_off\":{:.5},\"same_best\":{:.4}}}",
            ids.len(),
            sums.kl / n,
            fast_ppl / exact_ppl - 1.0,
            sums.same as f64 / n,
        )?;
    }
    Ok(())
}

/// Of every position, `step` tokens a pass: `[T, V]`.
fn logits(runner: &mut Runner<'_>, ids: &[u32], precision: Precision, step: usize) -> Result<Vec<f32>> {
    let mut sequence = runner.sequence(CacheWidth::Full);
    let mut all = Vec::new();
    for tokens in ids.chunks(step) {
        let mut requests =
            [Request { sequence: &mut sequence, tokens, adapters: None, logits: Wanted::All, watch: None }];
        for logits in runner.step(&mut requests, precision, &|| Ok(()))? {
            all.extend(logits);
        }
    }
    Ok(all)
}

fn compare(exact: &[f32], fast: &[f32], vocab: usize, ids: &[u32]) -> Sums {
    let mut sums = Sums::default();
    let rows = exact.chunks_exact(vocab).zip(fast.chunks_exact(vocab));
    for ((exact, fast), next) in rows.zip(&ids[1..]) {
        let (p, q) = (log_softmax(exact), log_softmax(fast));
        sums.kl += p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>();
        sums.exact_nats -= p[*next as usize];
        sums.fast_nats -= q[*next as usize];
        sums.same += usize::from(best(exact) == best(fast));
        sums.n += 1;
    }
    sums
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    logits.iter().map(|x| f64::from(x - most) - sum.ln()).collect()
}

fn best(logits: &[f32]) -> Option<usize> {
    (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b]))
}
