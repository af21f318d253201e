//! The pass that writes: several sequences one step on, at once. Start reading at [`Runner::step`].
//!
//! In main memory it walks the model's parts over plain slices ([`pass`]): one product for all that share an input,
//! attention over caches in blocks, buffers used again; whoever [`watch`]es sees its own sequence's rows. On another device it asks the model itself
//! ([`CausalLm::hidden`]), one sequence after the other; a model that only runs goes over its [`Bridge`]. Files of everything and gradients go through `inspect::probe`;
//! sampling and what ends a reply live in `generate`.

mod inside;
mod parts;
mod pass;
pub mod watch;

use crate::inspect::probe::Probe;
use crate::models::run_only::{Asked, Bridge, BridgeSequence};
use crate::models::{CausalLm, ForwardCx, Model, ModelShape};
use crate::nn::{Adapters, KvCache};
use anyhow::{Context as _, Result, bail, ensure};
use glassworks_kernels::arena::Arena;
use glassworks_kernels::attention::{BLOCK, BlockCache, CachePrecision, CacheShape};
use glassworks_kernels::{dispatch, pool};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
pub use inside::{LogitDirection, Whole};
use parts::{Plan, Values};
use pass::Rider;
pub use pass::Start;
use std::collections::BTreeMap;
use watch::Watch;

/// What a model remembers of one sequence: the keys and values of the positions it has been through.
pub struct Sequence {
    cache: Cache,
}

enum Cache {
    /// In main memory.
    Blocks(BlockCache),
    /// Where the weights are.
    Tensors(KvCache),
    /// In a copy of a model that only runs.
    Bridge(BridgeSequence),
}

/// How one sequence goes on.
pub struct Request<'a> {
    pub sequence: &'a mut Sequence,
    /// What follows what the sequence has been through, at least one.
    pub tokens: &'a [u32],
    /// Laid beside the linear maps, for this sequence alone.
    pub adapters: Option<&'a Adapters>,
    pub logits: Wanted,
    /// Only in main memory.
    pub watch: Option<&'a mut dyn Watch>,
}

/// Of which positions logits are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// More of the prompt follows.
    Nothing,
    Last,
    /// The last so many.
    Tail(usize),
    /// That of this pass, counted from 0.
    At(usize),
    All,
}

/// Values that stand in for a model's own, by their names in the checkpoint: `….weight`, `….bias`. Matrices are
/// `[out, in]`.
pub type Instead<'a> = BTreeMap<String, &'a [f32]>;

/// A model ready to run, for as long as someone uses it: what a pass needs besides weights and caches.
///
/// Passes on one runner follow one another; several runners of one model may run at once.
pub struct Runner<'m> {
    way: Way<'m>,
    arena: Arena,
}

/// How passes go through a model.
enum Way<'m> {
    /// Its weights are in main memory.
    Plan(&'m dyn CausalLm, Box<Plan<'m>>),
    /// They are not.
    Tensors(&'m dyn CausalLm),
    Bridge(&'m Bridge),
}

impl<'m> Runner<'m> {
    /// # Errors
    /// If the model's parts do not fit together.
    pub fn new(model: &'m dyn CausalLm) -> Result<Self> {
        Self::with(model, &Instead::new())
    }

    /// Whatever model it is.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(model: &'m Model) -> Result<Self> {
        match model {
            Model::Own(model) => Self::new(&**model),
            Model::RunOnly(bridge) => Ok(Self { way: Way::Bridge(bridge), arena: Arena::new() }),
        }
    }

    /// A model that runs with other values than its own: with what is being trained of it.
    ///
    /// # Errors
    /// As [`Self::new`]; if a value has another shape than the model's, or weights are not in main memory and there
    /// are values to stand in for them.
    pub fn with(model: &'m dyn CausalLm, instead: &Instead<'m>) -> Result<Self> {
        let in_main_memory = model.parts().tokens.part.weight().device().is_cpu();
        ensure!(in_main_memory || instead.is_empty(), "values for a model elsewhere");
        let way = match in_main_memory {
            true => Way::Plan(model, Box::new(Plan::of(model, &Values { instead })?)),
            false => Way::Tensors(model),
        };
        Ok(Self { way, arena: Arena::new() })
    }

    #[must_use]
    pub fn shape(&self) -> &'m ModelShape {
        match &self.way {
            Way::Plan(model, _) | Way::Tensors(model) => model.shape(),
            Way::Bridge(bridge) => bridge.shape(),
        }
    }

    /// The most memory that passes have held at one time besides weights and sequences.
    #[cfg(test)]
    pub fn peak_bytes(&self) -> usize {
        self.arena.peak_bytes()
    }

    /// A sequence that has not begun; in main memory its cache is `width` wide, elsewhere always f32.
    #[must_use]
    pub fn sequence(&self, width: CacheWidth) -> Sequence {
        let shape = self.shape();
        Sequence {
            cache: match self.way {
                Way::Plan(..) => Cache::Blocks(BlockCache::new(cache_shape(shape, width))),
                Way::Tensors(_) => Cache::Tensors(KvCache::new(shape)),
                Way::Bridge(bridge) => Cache::Bridge(bridge.sequence()),
            },
        }
    }

    /// The most memory, bytes, that one more sequence of `n_positions` takes which begins as another one's first
    /// `n_shared` positions do: in main memory it shares the blocks that are full.
    #[must_use]
    pub fn fork_bytes(&self, n_shared: usize, n_positions: usize, width: CacheWidth) -> u64 {
        let shape = self.shape();
        match self.way {
            Way::Plan(..) => {
                let own = n_positions.saturating_sub(n_shared / BLOCK * BLOCK);
                BlockCache::bytes_for(&cache_shape(shape, width), own) as u64
            }
            Way::Tensors(_) => KvCache::bytes_for(shape, n_positions),
            Way::Bridge(bridge) => bridge.sequence_bytes(n_positions),
        }
    }

    /// Runs every request's tokens after its sequence: the logits it wants, `[n, V]` row after row. What one gets
    /// does not depend on the others. `between` is called between the layers; its error ends the pass and leaves
    /// every sequence as it was, or, of a model that only runs, as if it had not begun.
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
        let plan = match &self.way {
            Way::Plan(_, plan) => plan,
            Way::Tensors(model) => return one_by_one(*model, requests, precision, between),
            Way::Bridge(bridge) => return over(bridge, requests, between),
        };
        let mut logits: Vec<Vec<f32>> = vec![Vec::new(); requests.len()];
        let riders = requests.iter_mut().zip(&mut logits).map(|(request, logits)| {
            let Cache::Blocks(cache) = &mut request.sequence.cache else {
                bail!("a sequence of a model elsewhere")
            };
            let Request { tokens, adapters, logits: wanted, .. } = *request;
            let watch = request.watch.as_deref_mut().map(|watch| watch as &mut dyn Watch);
            Ok(Rider { cache, tokens, adapters, wanted, logits, watch })
        });
        let mut riders = riders.collect::<Result<Vec<_>>>()?;
        let precision = as_kernels_say(precision);
        pool::at_hand(|| pass::run(plan, &self.arena, &mut riders, None, precision, between))?;
        drop(riders);
        Ok(logits)
    }
}

fn as_kernels_say(precision: Precision) -> dispatch::Precision {
    match precision {
        Precision::Exact => dispatch::Precision::Exact,
        Precision::Fast => dispatch::Precision::Fast,
    }
}

fn not_in_main_memory() -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.inside_elsewhere"))
        .hint(Text::new("failure.inside_elsewhere_hint"))
}

/// Each request over the bridge.
fn over(
    bridge: &Bridge,
    requests: &mut [Request<'_>],
    between: &dyn Fn() -> Result<()>,
) -> Result<Vec<Vec<f32>>> {
    let step = |request: &mut Request<'_>| {
        let Cache::Bridge(sequence) = &mut request.sequence.cache else {
            bail!("a sequence of another model")
        };
        ensure!(request.adapters.is_none(), "adapters for a model that only runs");
        let asked = match request.logits {
            Wanted::Nothing => Asked::Nothing,
            Wanted::Last => Asked::Last,
            Wanted::All | Wanted::Tail(_) | Wanted::At(_) => Asked::All,
        };
        ensure!(request.watch.is_none(), "nobody looks into a model that only runs");
        let mut logits = bridge.step(sequence, request.tokens, asked, between)?;
        let vocab = bridge.shape().vocab_size;
        match request.logits {
            Wanted::Tail(n) => drop(logits.drain(..logits.len().saturating_sub(n * vocab))),
            Wanted::At(at) => logits = logits.get(at * vocab..(at + 1) * vocab).unwrap_or(&[]).to_vec(),
            Wanted::Nothing | Wanted::Last | Wanted::All => {}
        }
        Ok(logits)
    };
    requests.iter_mut().map(step).collect()
}

/// Each request by the model's own pass; all or none.
fn one_by_one(
    model: &dyn CausalLm,
    requests: &mut [Request<'_>],
    precision: Precision,
    between: &dyn Fn() -> Result<()>,
) -> Result<Vec<Vec<f32>>> {
    let lens: Vec<usize> = requests.iter().map(|r| r.sequence.len()).collect();
    let logits: Result<_> =
        requests.iter_mut().map(|request| alone(model, request, precision, between)).collect();
    if logits.is_err() {
        for (request, len) in requests.iter_mut().zip(lens) {
            request.sequence.truncate(len);
        }
    }
    logits
}

/// The model's own pass.
fn alone(
    model: &dyn CausalLm,
    request: &mut Request<'_>,
    precision: Precision,
    between: &dyn Fn() -> Result<()>,
) -> Result<Vec<f32>> {
    if request.watch.is_some() {
        return Err(not_in_main_memory().into());
    }
    let Cache::Tensors(cache) = &mut request.sequence.cache else {
        bail!("a sequence of a model in main memory")
    };
    let probe = &mut Probe::Off;
    let mut cx = ForwardCx { precision, cache, probe, adapters: request.adapters, between };
    let hidden = model.hidden(request.tokens, &mut cx)?;
    let hidden = match request.logits {
        Wanted::Nothing => return Ok(Vec::new()),
        Wanted::Last => hidden.narrow(0, request.tokens.len() - 1, 1)?,
        Wanted::Tail(n) => {
            let n = n.min(request.tokens.len());
            hidden.narrow(0, request.tokens.len() - n, n)?
        }
        Wanted::At(at) => hidden.narrow(0, at, 1)?,
        Wanted::All => hidden,
    };
    let logits = model.logits(&hidden, &mut cx)?;
    logits.flatten_all()?.to_vec1().context("reading the logits")
}

impl Sequence {
    /// Positions it has been through.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.cache {
            Cache::Blocks(cache) => cache.len(),
            Cache::Tensors(cache) => cache.len(),
            Cache::Bridge(sequence) => sequence.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a text that shares its first `len` positions can go on from there.
    #[must_use]
    pub fn can_go_on_at(&self, len: usize) -> bool {
        match &self.cache {
            Cache::Blocks(_) | Cache::Tensors(_) => true,
            Cache::Bridge(sequence) => sequence.can_go_on_at(len),
        }
    }

    /// Whether there is anything that another text could go on from.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        !self.is_empty() && self.can_go_on_at(self.len())
    }

    /// Forgets all positions from `len` on; a model that only runs forgets all if any.
    pub fn truncate(&mut self, len: usize) {
        match &mut self.cache {
            Cache::Blocks(cache) => cache.truncate(len),
            Cache::Tensors(cache) => cache.truncate(len),
            Cache::Bridge(sequence) => sequence.truncate(len),
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
            Cache::Bridge(_) => return Err(not_side_by_side().into()),
        };
        Ok(Self { cache })
    }

    /// The most memory that a sequence of `n_positions` takes with this model.
    #[must_use]
    pub fn bytes_of(model: &Model, n_positions: usize, width: CacheWidth) -> u64 {
        match model {
            Model::Own(model) => Self::bytes_for(model.shape(), n_positions, width),
            Model::RunOnly(bridge) => bridge.sequence_bytes(n_positions),
        }
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

/// What a model that only runs has read is in the model: no other text can begin with it.
fn not_side_by_side() -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.runs_only_one_text"))
        .hint(Text::new("failure.runs_only_one_text_hint"))
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
