//! The pass that writes: several sequences one step on, at once. Start reading at [`Runner::step`].
//!
//! In main memory it walks the model's parts over plain slices ([`pass`]): one product for all that share an input,
//! attention over caches in blocks, buffers used again. On another device it asks the model itself
//! ([`CausalLm::hidden`]), one sequence after the other. Looking inside has its own way through a model, `inspect`;
//! sampling and what ends a reply live in `generate`.

mod parts;
mod pass;

use crate::inspect::probe::Probe;
use crate::models::{CausalLm, ForwardCx, ModelShape};
use crate::nn::{Adapters, KvCache};
use anyhow::{Context as _, Result, bail, ensure};
use glassworks_kernels::arena::Arena;
use glassworks_kernels::attention::{BlockCache, CachePrecision, CacheShape};
use glassworks_kernels::{dispatch, pool};
use glassworks_protocol::model::{CacheWidth, Precision};
use parts::{Plan, Values};
use pass::Rider;
use std::collections::BTreeMap;

/// What a model remembers of one sequence: the keys and values of the positions it has been through.
pub struct Sequence {
    cache: Cache,
}

enum Cache {
    /// In main memory.
    Blocks(BlockCache),
    /// Where the weights are.
    Tensors(KvCache),
}

/// How one sequence goes on.
pub struct Request<'a> {
    pub sequence: &'a mut Sequence,
    /// What follows what the sequence has been through, at least one.
    pub tokens: &'a [u32],
    /// Laid beside the linear maps, for this sequence alone.
    pub adapters: Option<&'a Adapters>,
    pub logits: Wanted,
}

/// Of which positions logits are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// More of the prompt follows.
    Nothing,
    Last,
    All,
}

/// Values that stand in for a model's own, by their names in the checkpoint: `….weight`, `….bias`. Matrices are
/// `[out, in]`.
pub type Instead<'a> = BTreeMap<String, &'a [f32]>;

/// A model ready to run, for as long as someone uses it: what a pass needs besides weights and caches.
///
/// Passes on one runner follow one another; several runners of one model may run at once.
pub struct Runner<'m> {
    model: &'m dyn CausalLm,
    /// `None` where the weights are not in main memory.
    plan: Option<Plan<'m>>,
    arena: Arena,
}

impl<'m> Runner<'m> {
    /// # Errors
    /// If the model's parts do not fit together.
    pub fn new(model: &'m dyn CausalLm) -> Result<Self> {
        Self::with(model, &Instead::new())
    }

    /// A model that runs with other values than its own: with what is being trained of it.
    ///
    /// # Errors
    /// As [`Self::new`]; if a value has another shape than the model's, or weights are not in main memory and there
    /// are values to stand in for them.
    pub fn with(model: &'m dyn CausalLm, instead: &Instead<'m>) -> Result<Self> {
        let in_main_memory = model.parts().tokens.part.weight().device().is_cpu();
        ensure!(in_main_memory || instead.is_empty(), "values for a model elsewhere");
        let plan = in_main_memory.then(|| Plan::of(model, &Values { instead })).transpose()?;
        Ok(Self { model, plan, arena: Arena::new() })
    }

    #[must_use]
    pub fn shape(&self) -> &'m ModelShape {
        self.model.shape()
    }

    /// The most memory that passes have held at one time besides weights and sequences.
    #[cfg(test)]
    pub fn peak_bytes(&self) -> usize {
        self.arena.peak_bytes()
    }

    /// A sequence that has not begun; in main memory its cache is `width` wide, elsewhere always f32.
    #[must_use]
    pub fn sequence(&self, width: CacheWidth) -> Sequence {
        let shape = self.model.shape();
        Sequence {
            cache: match self.plan {
                Some(_) => Cache::Blocks(BlockCache::new(cache_shape(shape, width))),
                None => Cache::Tensors(KvCache::new(shape)),
            },
        }
    }

    /// Runs every request's tokens after its sequence: the logits it wants, `[n, V]` row after row. What one gets
    /// does not depend on the others. `between` is called between the layers; its error ends the pass and leaves
    /// every sequence as it was.
    ///
    /// # Errors
    /// For ids outside the vocabulary and positions past the context, and what `between` returns.
    pub fn step(
        &mut self,
        requests: &mut [Request<'_>],
        precision: Precision,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<f32>>> {
        ensure!(requests.iter().all(|request| !request.tokens.is_empty()), "no tokens to run");
        let Some(plan) = &self.plan else { return self.one_by_one(requests, precision, between) };
        let mut logits: Vec<Vec<f32>> = vec![Vec::new(); requests.len()];
        let riders = requests.iter_mut().zip(&mut logits).map(|(request, logits)| {
            let Cache::Blocks(cache) = &mut request.sequence.cache else {
                bail!("a sequence of a model elsewhere")
            };
            let Request { tokens, adapters, logits: wanted, .. } = *request;
            Ok(Rider { cache, tokens, adapters, wanted, logits })
        });
        let mut riders = riders.collect::<Result<Vec<_>>>()?;
        let precision = match precision {
            Precision::Exact => dispatch::Precision::Exact,
            Precision::Fast => dispatch::Precision::Fast,
        };
        pool::at_hand(|| pass::run(plan, &self.arena, &mut riders, precision, between))?;
        drop(riders);
        Ok(logits)
    }

    /// Each request by the model's own pass; all or none.
    fn one_by_one(
        &self,
        requests: &mut [Request<'_>],
        precision: Precision,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<f32>>> {
        let lens: Vec<usize> = requests.iter().map(|r| r.sequence.len()).collect();
        let logits: Result<_> =
            requests.iter_mut().map(|request| self.alone(request, precision, between)).collect();
        if logits.is_err() {
            for (request, len) in requests.iter_mut().zip(lens) {
                request.sequence.truncate(len);
            }
        }
        logits
    }

    /// The model's own pass.
    fn alone(
        &self,
        request: &mut Request<'_>,
        precision: Precision,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let Cache::Tensors(cache) = &mut request.sequence.cache else {
            bail!("a sequence of a model in main memory")
        };
        let probe = &mut Probe::Off;
        let mut cx = ForwardCx { precision, cache, probe, adapters: request.adapters, between };
        let hidden = self.model.hidden(request.tokens, &mut cx)?;
        let hidden = match request.logits {
            Wanted::Nothing => return Ok(Vec::new()),
            Wanted::Last => hidden.narrow(0, request.tokens.len() - 1, 1)?,
            Wanted::All => hidden,
        };
        let logits = self.model.logits(&hidden, &mut cx)?;
        logits.flatten_all()?.to_vec1().context("reading the logits")
    }
}

impl Sequence {
    /// Positions it has been through.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.cache {
            Cache::Blocks(cache) => cache.len(),
            Cache::Tensors(cache) => cache.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all positions from `len` on.
    pub fn truncate(&mut self, len: usize) {
        match &mut self.cache {
            Cache::Blocks(cache) => cache.truncate(len),
            Cache::Tensors(cache) => cache.truncate(len),
        }
    }

    /// A sequence of its own that begins as this one's first `len` positions do; in main memory they share them.
    ///
    /// # Errors
    /// When the beginning can't be copied.
    pub fn prefix(&self, len: usize) -> Result<Self> {
        let cache = match &self.cache {
            Cache::Blocks(cache) => Cache::Blocks(cache.prefix(len)),
            Cache::Tensors(cache) => Cache::Tensors(cache.prefix(len)?),
        };
        Ok(Self { cache })
    }

    /// The most memory that a sequence of `n_positions` takes, its cache being `width` wide where it can be.
    #[must_use]
    pub fn bytes_for(shape: &ModelShape, n_positions: usize, width: CacheWidth) -> u64 {
        let blocks = BlockCache::bytes_for(&cache_shape(shape, width), n_positions) as u64;
        match width {
            CacheWidth::Full => blocks.max(KvCache::bytes_for(shape, n_positions)),
            CacheWidth::Eight => blocks,
        }
    }
}

fn cache_shape(shape: &ModelShape, width: CacheWidth) -> CacheShape {
    CacheShape {
        n_layers: shape.n_layers,
        n_kv_heads: shape.n_kv_heads,
        head_width: shape.head_width,
        precision: match width {
            CacheWidth::Full => CachePrecision::F32,
            CacheWidth::Eight => CachePrecision::Int8,
        },
    }
}
