//! One training step: the loss of a batch and its gradients by whatever is trained, layer by layer, outside any
//! tape. Start reading at [`Tuner::accumulate`]. Data, schedules and checkpoints do not live here.
//!
//! Each block is a vector-Jacobian product written out: frozen matrices get no gradient, activations are let go
//! as they are consumed, buffers come from one arena, and everything is computed by `glassworks-kernels`. A batch
//! is packed: its sequences lie one after the other, no padding, and see only themselves.

mod attention;
mod batch;
mod block;
pub mod checkpoint;
mod classes;
mod held;
mod linear;
pub mod live;
mod mlp;
mod norm;
mod optim;
mod params;
mod part;
pub mod peft;
pub mod plan;
mod recorder;
pub mod run;
pub mod sample;
pub mod save;
mod schedule;
pub mod scratch;
pub(crate) mod watch;

pub(crate) use batch::{Angles, StepCx};
pub use batch::{Batch, BatchLoss, IGNORED};
pub use classes::{ClassHead, Classified, probabilities};
pub use linear::{LORA_A, LORA_B};
pub use optim::Optimizer;
pub use params::{AdamWConfig, Parameter, ParameterId, Parameters, SgdConfig};
pub use part::PartConfig;
pub use schedule::Schedule;

use crate::models::{CausalLm, DecoderParts, SCORE};
use crate::nn;
use crate::nn::matrix::Frozen;
use anyhow::{Result, ensure};
use block::{Saved, TuneBlock};
use candle_core::Device;
use glassworks_kernels::arena::{Arena, Buf};
use glassworks_kernels::dispatch::Precision;
use glassworks_kernels::loss::{Head, Objective};
use glassworks_kernels::{affine, embedding, loss};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use linear::{AdapterShape, TuneLinear};
use norm::TuneNorm;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use watch::{Watch, whole};

/// What is trained.
pub enum Tune<'a> {
    /// Every parameter.
    Full,
    /// Every parameter but those that stay as they are.
    Part(PartConfig),
    /// Adapters beside the linear maps that are chosen.
    Lora(LoraConfig<'a>),
}

/// An adapter's two matrices: A `[rank, in]` and B `[out, rank]`.
pub struct Factors {
    pub a: Vec<f32>,
    pub b: Vec<f32>,
}

/// As PEFT's `LoraConfig` has them.
pub struct LoraConfig<'a> {
    /// r
    pub rank: usize,
    /// The adapter's output is multiplied by this: alpha / r, or alpha / √r with rsLoRA.
    pub scale: f32,
    /// The part of an adapter's input that is left out at random while it is trained.
    pub dropout: f64,
    /// Whether the linear map of this name gets one.
    pub targets: &'a dyn Fn(&str) -> bool,
    /// First values for (name, out, in).
    pub values: &'a mut dyn FnMut(&str, usize, usize) -> Result<Factors>,
}

/// How a step is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepConfig {
    pub precision: Precision,
    /// Keep only each block's input and compute the rest again on the way back: less memory, more time.
    pub recompute: bool,
    /// Of labels, in training alone: 0 for none.
    pub smoothing: f32,
}

/// A model with what is trained of it.
pub struct Tuner<'m> {
    pub params: Parameters,
    pub config: StepConfig,
    parts: DecoderParts<'m>,
    tokens: TuneTable<'m>,
    positions: Option<TuneTable<'m>>,
    blocks: Vec<TuneBlock<'m>>,
    norm: TuneNorm<'m>,
    lm_head: TuneLinear<'m>,
    arena: Arena,
    /// Draws the dropout of the next [`Self::accumulate`].
    pub dropout_key: u64,
    /// Once set, a pass leaves off inside of a layer too, and ends as cancelled.
    pub stop: Option<Arc<AtomicBool>>,
    /// Of what the head makes, the last token of each sequence is asked for a class; how much a class counts, or
    /// nothing where all count the same.
    class_weights: Option<Vec<f32>>,
}

/// An embedding table.
struct TuneTable<'m> {
    frozen: Frozen<'m>,
    trained: Option<ParameterId>,
}

impl<'m> Tuner<'m> {
    /// # Errors
    /// `Failure { Input }` for a model on another device than the processor; if a first value has the wrong shape.
    pub fn new(model: &'m dyn CausalLm, tune: Tune<'_>, config: StepConfig) -> Result<Self> {
        Self::with_head(model, tune, config, None)
    }

    /// The same with another head in place of the unembedding, which is trained whole with every method.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_head(
        model: &'m dyn CausalLm,
        tune: Tune<'_>,
        config: StepConfig,
        head: Option<ClassHead>,
    ) -> Result<Self> {
        let mut parts = model.parts();
        in_main_memory(parts.tokens.part.weight().device())?;
        for rope in &parts.ropes {
            ensure!(rope.width() <= parts.shape.head_width, "more of a head is turned than it is wide");
        }
        let mut class_weights = None;
        let lm_head = match head {
            None => TuneLinear::frozen(parts.lm_head.name.clone(), parts.lm_head.part)?,
            Some(ClassHead { n_classes, weight, class_weights: weights }) => {
                let width = parts.shape.width;
                ensure!(n_classes > 0 && weight.len() == n_classes * width, "a head of another shape");
                ensure!(weights.as_ref().is_none_or(|w| w.len() == n_classes), "a weight for each class");
                (parts.tied, parts.logit_cap, class_weights) = (false, None, weights);
                TuneLinear::own(SCORE, n_classes, width, weight)
            }
        };
        let mut tuner = Self {
            params: Parameters::default(),
            config,
            tokens: TuneTable::frozen(parts.tokens.part.weight())?,
            positions: parts.positions.as_ref().map(|p| TuneTable::frozen(p.part.weight())).transpose()?,
            blocks: parts.blocks.iter().map(TuneBlock::frozen).collect::<Result<_>>()?,
            norm: TuneNorm::frozen(&parts.norm)?,
            lm_head,
            parts,
            arena: Arena::new(),
            dropout_key: 0,
            stop: None,
            class_weights,
        };
        match tune {
            Tune::Full => tuner.train_part(PartConfig::default()),
            Tune::Part(part) => tuner.train_part(part),
            Tune::Lora(lora) => tuner.adapt(lora)?,
        }
        Ok(tuner)
    }

    fn adapt(&mut self, lora: LoraConfig<'_>) -> Result<()> {
        let LoraConfig { rank, scale, dropout, targets, values } = lora;
        ensure!(rank > 0, "an adapter has a rank of at least 1");
        let linears = self.blocks.iter_mut().flat_map(TuneBlock::linears_mut);
        for (number, linear) in linears.enumerate() {
            if !targets(&linear.name) {
                continue;
            }
            let (n_out, n_in) = (linear.n_out(), linear.n_in());
            let factors = values(&linear.name, n_out, n_in)?;
            ensure!(
                factors.a.len() == rank * n_in && factors.b.len() == n_out * rank,
                "{}: an adapter of rank {rank} has another shape",
                linear.name
            );
            let shape = AdapterShape { rank, scale, dropout };
            linear.adapt(&mut self.params, shape, number as u64, factors);
        }
        ensure!(self.params.count() > 0, "no linear map was chosen");
        if self.lm_head.name == SCORE {
            self.lm_head.train(&mut self.params);
        }
        Ok(())
    }

    /// Whether the checkpoint keeps the blocks' matrices as `[in, out]`; here they are `[out, in]`.
    #[must_use]
    pub fn is_conv1d(&self) -> bool {
        self.parts.conv1d
    }

    /// The loss of a batch, and `scale` times the gradient of its sum added to the gradients there are. For the
    /// mean over several batches' targets, `scale` is 1 / their number. `between` is called between the layers;
    /// its error ends the pass, the gradients then being of no use.
    ///
    /// # Errors
    /// For tokens outside the vocabulary, sequences beyond learned positions, and what `between` returns.
    pub fn accumulate(
        &mut self,
        batch: &Batch,
        scale: f32,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<BatchLoss> {
        let stop = self.stop.clone();
        whole(stop.as_ref(), || self.pass(batch, scale, between))
    }

    fn pass(&mut self, batch: &Batch, scale: f32, between: &dyn Fn() -> Result<()>) -> Result<BatchLoss> {
        let positions = batch.positions();
        let arena = self.arena.clone();
        let dropout_key = Some(self.dropout_key);
        let cx = StepCx { dropout_key, ..self.step_cx(&arena, batch, &positions, between)? };
        // Below the lowest block that is trained nothing needs a gradient.
        let lowest = self.lowest_trained();
        let mut x = self.embed(&cx, batch);
        let mut inputs: Vec<(Buf, Option<Saved>)> = Vec::with_capacity(self.blocks.len());
        for (l, block) in self.blocks.iter().enumerate() {
            between()?;
            let (next, saved) = block.forward(&cx, &self.params, &x)?;
            if l >= lowest {
                inputs.push((x, (!self.config.recompute).then_some(saved)));
            }
            x = next;
        }
        between()?;
        let (loss, mut dx) = self.head_backward(&cx, &x, batch, scale)?;
        drop(x);
        for (l, (input, saved)) in inputs.into_iter().enumerate().map(|(i, kept)| (lowest + i, kept)).rev() {
            between()?;
            let block = &self.blocks[l];
            let saved = match saved {
                Some(saved) => saved,
                None => block.forward(&cx, &self.params, &input)?.1,
            };
            let wants_dx = l > lowest || self.tokens.trained.is_some();
            block.backward(&cx, &mut self.params, &input, saved, &mut dx, wants_dx)?;
        }
        self.embed_backward(&positions, batch, &mut dx);
        Ok(loss)
    }

    /// The loss of a batch alone.
    ///
    /// # Errors
    /// As [`Self::accumulate`].
    pub fn evaluate(&self, batch: &Batch, between: &dyn Fn() -> Result<()>) -> Result<BatchLoss> {
        let mut all = BatchLoss::default();
        self.evaluate_rows(batch, between)?.into_iter().for_each(|one| all.add(one));
        Ok(all)
    }

    /// The loss of each sequence of a batch.
    ///
    /// # Errors
    /// As [`Self::accumulate`].
    pub fn evaluate_rows(&self, batch: &Batch, between: &dyn Fn() -> Result<()>) -> Result<Vec<BatchLoss>> {
        whole(self.stop.as_ref(), || self.row_losses(batch, between))
    }

    fn row_losses(&self, batch: &Batch, between: &dyn Fn() -> Result<()>) -> Result<Vec<BatchLoss>> {
        let positions = batch.positions();
        let cx = self.step_cx(&self.arena, batch, &positions, between)?;
        let normed = self.normed(&cx, batch)?;
        let weight = &self.lm_head.matrix(&self.params);
        let watch = Watch::new(between);
        let mut losses = vec![0.0; cx.m];
        loss::linear_token_losses(
            &normed,
            Head { weight, soft_cap: self.parts.logit_cap },
            &batch.targets,
            &mut losses,
            &|| watch.goes_on(),
            cx.arena,
            cx.precision,
        );
        watch.end()?;
        let sequence = |pair: &[usize]| {
            let targets = &batch.targets[pair[0]..pair[1]];
            let mut one = BatchLoss::default();
            for (loss, target) in losses[pair[0]..pair[1]].iter().zip(targets).filter(|(_, t)| **t != IGNORED)
            {
                let weight = self.weight_of(*target);
                one.add(BatchLoss { sum: weight * loss, n_targets: 1, weight });
            }
            one
        };
        Ok(batch.starts.windows(2).map(sequence).collect())
    }

    /// What the last norm makes of a batch: `[M, D]`.
    fn normed(&self, cx: &StepCx, batch: &Batch) -> Result<Buf> {
        let mut x = self.embed(cx, batch);
        for block in &self.blocks {
            (cx.between)()?;
            x = block.forward(cx, &self.params, &x)?.0;
        }
        (cx.between)()?;
        Ok(self.norm.forward(cx, &self.params, &x).0)
    }

    fn batch_loss(&self, batch: &Batch, loss: loss::Loss) -> BatchLoss {
        BatchLoss { sum: loss.loss_sum, n_targets: loss.n_targets, weight: self.target_weight(batch) }
    }

    fn lowest_trained(&self) -> usize {
        if self.tokens.trained.is_some() {
            return 0;
        }
        self.blocks.iter().position(TuneBlock::is_trained).unwrap_or(self.blocks.len())
    }

    fn step_cx<'a>(
        &self,
        arena: &'a Arena,
        batch: &'a Batch,
        positions: &'a [u32],
        between: &'a dyn Fn() -> Result<()>,
    ) -> Result<StepCx<'a>> {
        let s = &self.parts.shape;
        let m = batch.tokens.len();
        ensure!(
            m > 0 && batch.targets.len() == m,
            "an empty batch, or one whose targets are not its tokens'"
        );
        ensure!(
            batch.starts.first() == Some(&0) && batch.starts.last() == Some(&m),
            "sequences cover the batch"
        );
        ensure!(batch.tokens.iter().all(|t| (*t as usize) < s.vocab_size), "a token outside the vocabulary");
        let n_outputs = self.lm_head.n_out();
        let in_range = |t: &i32| *t == IGNORED || usize::try_from(*t).is_ok_and(|t| t < n_outputs);
        ensure!(batch.targets.iter().all(in_range), "a target outside the vocabulary");
        let longest = batch.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        ensure!(
            self.positions.is_none() || longest <= s.context_length,
            "a sequence of {longest} tokens where the model knows {} positions",
            s.context_length
        );
        let angles = self.parts.ropes.iter().map(|rope| {
            let (cos, sin) = rope.tables(0, longest);
            Angles { cos, sin, half: rope.width() / 2 }
        });
        let angles = angles.collect();
        let precision = self.config.precision;
        let starts = &batch.starts;
        Ok(StepCx { arena, precision, m, starts, positions, angles, dropout_key: None, between })
    }

    fn embed(&self, cx: &StepCx, batch: &Batch) -> Buf {
        let mut x = cx.arena.take(cx.m * self.parts.shape.width);
        embedding::gather(&batch.tokens, &self.tokens.matrix(&self.params), &mut x);
        if self.parts.embedding_scale != 1.0 {
            affine::scale(&mut x, self.parts.embedding_scale);
        }
        if let Some(positions) = &self.positions {
            let mut p = cx.arena.take(x.len());
            embedding::gather(cx.positions, &positions.matrix(&self.params), &mut p);
            affine::add(&mut x, &p);
        }
        x
    }

    /// Adds to the tables' gradients; `dx`, that of the embeddings, is of no use afterwards.
    fn embed_backward(&mut self, positions: &[u32], batch: &Batch, dx: &mut [f32]) {
        let width = self.parts.shape.width;
        if let Some(id) = self.positions.as_ref().and_then(|table| table.trained) {
            embedding::scatter_add(positions, dx, width, &mut self.params.get_mut(id).grad);
        }
        if let Some(id) = self.tokens.trained {
            if self.parts.embedding_scale != 1.0 {
                affine::scale(dx, self.parts.embedding_scale);
            }
            embedding::scatter_add(&batch.tokens, dx, width, &mut self.params.get_mut(id).grad);
        }
    }

    /// Final norm, unembedding and loss: the loss, and its gradient by `x`.
    fn head_backward(
        &mut self,
        cx: &StepCx,
        x: &[f32],
        batch: &Batch,
        scale: f32,
    ) -> Result<(BatchLoss, Buf)> {
        let watch = Watch::new(cx.between);
        let (normed, moments) = self.norm.forward(cx, &self.params, x);
        let mut dnormed = cx.arena.take(x.len());
        // Taken out for the call, which also reads a value of the same store.
        let trained = self.lm_head.trained_weight();
        let mut dw = trained.map(|id| std::mem::take(&mut self.params.get_mut(id).grad));
        let weight = &self.lm_head.matrix(&self.params);
        let loss = loss::linear_cross_entropy(
            &normed,
            cx.m,
            Head { weight, soft_cap: self.parts.logit_cap },
            &batch.targets,
            Objective {
                scale,
                smoothing: self.config.smoothing,
                weights: self.class_weights.as_deref(),
                go_on: &|| watch.goes_on(),
            },
            Some(&mut dnormed),
            dw.as_deref_mut(),
            cx.arena,
            cx.precision,
        );
        if let (Some(id), Some(dw)) = (trained, dw) {
            self.params.get_mut(id).grad = dw;
        }
        watch.end()?;
        drop(normed);
        let mut dx = cx.arena.zeroed(x.len());
        self.norm.backward(&mut self.params, x, &moments, &dnormed, &mut dx);
        Ok((self.batch_loss(batch, loss), dx))
    }
}

/// What training asks of a model's device: the kernels read main memory.
fn in_main_memory(device: &Device) -> Result<(), Failure> {
    let name = match device {
        Device::Cpu => return Ok(()),
        Device::Cuda(_) => "CUDA",
        Device::Metal(_) => "Metal",
    };
    Err(Failure::new(FailureKind::Input, Text::new("failure.train_device").arg("device", name))
        .hint(Text::new("failure.train_device_hint")))
}

impl<'m> TuneTable<'m> {
    fn frozen(weight: &'m nn::Weight) -> Result<Self> {
        Ok(Self { frozen: Frozen::of(weight)?, trained: None })
    }

    fn train(&mut self, params: &mut Parameters, name: &str) -> ParameterId {
        let matrix = self.frozen.matrix();
        let id = params.add(format!("{name}.weight"), matrix.n_out, matrix.n_in, self.frozen.to_f32());
        self.trained = Some(id);
        id
    }

    fn matrix<'a>(&'a self, params: &'a Parameters) -> glassworks_kernels::weight::Weight<'a> {
        let frozen = self.frozen.matrix();
        match self.trained {
            Some(id) => {
                glassworks_kernels::weight::Weight::f32(frozen.n_out, frozen.n_in, &params.get(id).value)
            }
            None => frozen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_model_on_a_card_is_refused_by_name() {
        assert!(in_main_memory(&Device::Cpu).is_ok());
        let failure = in_main_memory(&Device::Cuda(candle_core::CudaDevice)).expect_err("refused");
        assert_eq!((failure.kind, &*failure.summary.key), (FailureKind::Input, "failure.train_device"));
        assert!(failure.to_string().contains("CUDA") && failure.hint.is_some(), "{failure}");
    }
}
