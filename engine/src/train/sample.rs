//! What a model writes while it is trained: the weights as they are now, read and not touched, so that a run with
//! samples makes the same numbers as one without.

use super::{LORA_A, LORA_B, Parameters};
use crate::infer::{Instead, Request, Runner, Sequence, Wanted};
use crate::models::CausalLm;
use crate::nn::{Adapters, LowRank};
use anyhow::{Result, ensure};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::train::{LoraSpec, MethodSpec};

/// Prompts that are always the same, and how much is written after each.
pub struct Sampler<'m> {
    pub model: &'m dyn CausalLm,
    /// Tokens of each, at least one.
    pub prompts: Vec<Vec<u32>>,
    /// What ends a text.
    pub ends: Vec<u32>,
    pub n_tokens: usize,
    pub precision: Precision,
}

/// What was written after one prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The end token apart.
    pub ids: Vec<u32>,
    /// The model ended it by itself.
    pub ended: bool,
}

/// A model with what is trained of it, as it is at this moment: adapters are copied, whole weights are lent.
pub struct Snapshot<'a> {
    pub adapters: Option<Adapters>,
    pub instead: Instead<'a>,
}

impl<'a> Snapshot<'a> {
    /// # Errors
    /// If an adapter lacks one of its matrices.
    pub fn of(model: &dyn CausalLm, params: &'a Parameters, method: &MethodSpec) -> Result<Self> {
        match method {
            MethodSpec::Lora(lora) => {
                Ok(Self { adapters: Some(adapters(model, params, lora)?), instead: Instead::new() })
            }
            MethodSpec::Full(_) => {
                let instead = params.iter().map(|p| (p.name.clone(), p.value.as_slice())).collect();
                Ok(Self { adapters: None, instead })
            }
        }
    }
}

/// A copy of the adapters as they are now, at full strength.
///
/// # Errors
/// If one lacks a matrix.
pub fn adapters(model: &dyn CausalLm, params: &Parameters, lora: &LoraSpec) -> Result<Adapters> {
    let value = |name: String| params.iter().find(|p| p.name == name).map(|p| p.value.clone());
    let mut adapters = Adapters::new(1.0);
    let (mut n, scale) = (0, lora.scale() as f32);
    model.linears(&mut |name, linear| {
        let found = value(format!("{name}{LORA_A}")).zip(value(format!("{name}{LORA_B}")));
        if let Some((a, b)) = found {
            n += 2;
            adapters.put(linear.id(), LowRank { rank: lora.rank as usize, scale, a, b });
        }
    });
    ensure!(n == params.iter().count(), "an adapter without its place or its other half");
    Ok(adapters)
}

impl Sampler<'_> {
    /// Bytes that it takes while it writes: what the model remembers of each text, and one more copy of adapters.
    #[must_use]
    pub fn bytes(&self, n_trained: u64, method: &MethodSpec) -> u64 {
        let shape = self.model.shape();
        let one =
            |prompt: &Vec<u32>| Sequence::bytes_for(shape, prompt.len() + self.n_tokens, CacheWidth::Full);
        let copy = match method {
            MethodSpec::Lora(_) => n_trained * 4,
            MethodSpec::Full(_) => 0,
        };
        self.prompts.iter().map(one).sum::<u64>() + copy
    }

    /// Writes after every prompt, the likeliest token each time. `between` is called between the layers, `told` after
    /// each token with what has been written so far.
    ///
    /// # Errors
    /// What `between` returns; and if the values do not fit the model.
    pub fn write(
        &self,
        now: &Snapshot<'_>,
        between: &dyn Fn() -> Result<()>,
        told: &dyn Fn(&[Written]) -> Result<()>,
    ) -> Result<Vec<Written>> {
        let mut runner = Runner::with(self.model, &now.instead)?;
        let mut sequences: Vec<Sequence> =
            self.prompts.iter().map(|_| runner.sequence(CacheWidth::Full)).collect();
        let mut written = vec![Written::default(); self.prompts.len()];
        // What each reads next; nothing once it has ended.
        let mut next: Vec<Vec<u32>> = self.prompts.clone();
        for _ in 0..self.n_tokens {
            let there = next.iter().enumerate().filter(|(_, tokens)| !tokens.is_empty());
            let at: Vec<usize> = there.map(|(i, _)| i).collect();
            let requests = sequences.iter_mut().zip(&next).filter(|(_, tokens)| !tokens.is_empty());
            let mut requests: Vec<Request<'_>> = requests
                .map(|(sequence, tokens)| Request {
                    sequence,
                    tokens,
                    adapters: now.adapters.as_ref(),
                    logits: Wanted::Last,
                    watch: None,
                })
                .collect();
            if requests.is_empty() {
                break;
            }
            let logits = runner.step(&mut requests, self.precision, between)?;
            drop(requests);
            for (i, logits) in at.into_iter().zip(logits) {
                let id = likeliest(&logits);
                let ended = self.ends.contains(&id);
                next[i] = if ended { Vec::new() } else { vec![id] };
                written[i].ended = ended;
                written[i].ids.extend((!ended).then_some(id));
            }
            told(&written)?;
        }
        Ok(written)
    }
}

/// The first of the largest.
fn likeliest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (i, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = i;
        }
    }
    best as u32
}
