//! What looking inside asks of a runner besides steps: whole sequences watched from any layer on, rows of the residual
//! stream unembedded, parts of a layer by themselves.

use super::pass::{self, Rider, Start};
use super::watch::Watch;
use super::{Runner, Wanted, Way, as_kernels_say, cache_shape, not_in_main_memory};
use crate::nn::Adapters;
use anyhow::{Context as _, Result, ensure};
use glassworks_kernels::attention::{AttentionShape, BlockCache};
use glassworks_kernels::{embedding, pool};
use glassworks_protocol::model::{CacheWidth, Precision};

/// Where a logit grows.
pub struct LogitDirection {
    /// `[D]`
    pub direction: Vec<f32>,
    /// Of norm and unembedding.
    pub bias: f32,
    /// Whether logits are capped after that.
    pub capped: bool,
}

/// One sequence from its beginning, for [`Runner::whole`].
#[derive(Clone, Copy)]
pub struct Whole<'a> {
    pub tokens: &'a [u32],
    pub adapters: Option<&'a Adapters>,
    /// Not with the tokens, but with what a layer got of them before.
    pub start: Option<Start<'a>>,
    /// Of which positions logits are wanted.
    pub wanted: Wanted,
}

impl Runner<'_> {
    /// How each layer attends.
    ///
    /// # Errors
    /// `Failure { Input }` where the model's weights are not in main memory.
    pub fn attention(&self) -> Result<Vec<AttentionShape>> {
        let Way::Plan(_, plan) = &self.way else { return Err(not_in_main_memory().into()) };
        Ok(plan.blocks.iter().map(|block| block.attention).collect())
    }

    /// Runs one sequence, all of it at once, with someone watching: the logits that it wants,
    /// `[n, V]`. Everything below the layer that it starts at is left out.
    ///
    /// # Errors
    /// As [`Runner::step`]; `Failure { Input }` where the model's weights are not in main memory.
    pub fn whole(
        &mut self,
        pass: &Whole<'_>,
        watch: &mut dyn Watch,
        precision: Precision,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<f32>> {
        self.wholes(pass, &mut [watch], precision, between)?.pop().context("a pass gave nothing")
    }

    /// The same sequence once for each of `watches`, all at once: what each sees and changes is its own.
    ///
    /// # Errors
    /// As [`Self::whole`].
    pub fn wholes(
        &mut self,
        pass: &Whole<'_>,
        watches: &mut [&mut dyn Watch],
        precision: Precision,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<f32>>> {
        ensure!(!pass.tokens.is_empty(), "no tokens to run");
        let Way::Plan(_, plan) = &self.way else { return Err(not_in_main_memory().into()) };
        let Whole { tokens, adapters, start, wanted } = *pass;
        let shape = cache_shape(self.shape(), CacheWidth::Full);
        let mut caches: Vec<BlockCache> = watches.iter().map(|_| BlockCache::new(shape)).collect();
        let mut logits: Vec<Vec<f32>> = vec![Vec::new(); watches.len()];
        let each = caches.iter_mut().zip(&mut logits).zip(watches.iter_mut());
        let mut riders: Vec<Rider<'_>> = each
            .map(|((cache, logits), watch)| Rider {
                cache,
                tokens,
                adapters,
                wanted,
                logits,
                watch: Some(&mut **watch),
            })
            .collect();
        // All begin alike.
        let x = start.map(|start| start.x.repeat(riders.len()));
        let start = start.zip(x.as_deref()).map(|(start, x)| Start { layer: start.layer, x });
        let precision = as_kernels_say(precision);
        pool::at_hand(|| pass::run(plan, &self.arena, &mut riders, start, precision, between))?;
        drop(riders);
        Ok(logits)
    }

    /// Final norm and unembedding of rows of the residual stream: `[n, D]` → `[n, V]`.
    ///
    /// # Errors
    /// `Failure { Input }` where the model's weights are not in main memory.
    pub fn unembed(
        &mut self,
        rows: &[f32],
        adapters: Option<&Adapters>,
        precision: Precision,
    ) -> Result<Vec<f32>> {
        let Way::Plan(_, plan) = &self.way else { return Err(not_in_main_memory().into()) };
        Ok(pool::at_hand(|| pass::unembed(plan, &self.arena, rows, adapters, as_kernels_say(precision))))
    }

    /// A layer's output projection without its bias: `[n, H·E]` → `[n, D]`, Exact.
    ///
    /// # Errors
    /// `Failure { Input }` where the model's weights are not in main memory.
    pub fn project(&mut self, layer: usize, rows: &[f32], adapters: Option<&Adapters>) -> Result<Vec<f32>> {
        let Way::Plan(_, plan) = &self.way else { return Err(not_in_main_memory().into()) };
        let n = rows.len() / (plan.shape.n_heads * plan.shape.head_width);
        let block = plan.blocks.get(layer).context("no such layer")?;
        Ok(pool::at_hand(|| pass::project(block, rows, n, adapters)))
    }

    /// Along which direction of the residual stream the logit of `target` (less that of `against`) grows, the final norm's
    /// scale frozen as it is for `last` `[D]`.
    ///
    /// # Errors
    /// `Failure { Input }` where the model's weights are not in main memory.
    pub fn direction(
        &mut self,
        last: &[f32],
        (target, against): (u32, Option<u32>),
        adapters: Option<&Adapters>,
    ) -> Result<LogitDirection> {
        let Way::Plan(_, plan) = &self.way else { return Err(not_in_main_memory().into()) };
        let width = plan.shape.width;
        let ids: Vec<u32> = std::iter::once(target).chain(against).collect();
        let mut rows = vec![0.0; ids.len() * width];
        embedding::gather(&ids, &plan.head.weight.matrix(), &mut rows);
        if let Some(adapters) = adapters {
            for (id, row) in ids.iter().zip(rows.chunks_exact_mut(width)) {
                adapters.add_row(plan.head.id, *id as usize, row);
            }
        }
        let (of_target, of_other) = rows.split_at_mut(width);
        of_target.iter_mut().zip(of_other).for_each(|(a, b)| *a -= *b);
        let (direction, mut bias) = plan.norm.back(last, of_target);
        if let Some(values) = plan.head.bias.as_ref().map(|bias| bias.values()) {
            let of = |id: u32| values.get(id as usize).map_or(0.0, |b| f64::from(*b));
            bias += of(target) - against.map_or(0.0, of);
        }
        Ok(LogitDirection { direction, bias: bias as f32, capped: plan.logit_cap.is_some() })
    }

    /// What a direction behind a layer's norm of what attention adds is before it, the scale frozen as it is for what the
    /// heads wrote, `[H, D]`, and the projection's bias; the same direction where the layer has no such norm.
    ///
    /// # Errors
    /// `Failure { Input }` where the model's weights are not in main memory.
    pub fn through_attention_norm(
        &self,
        layer: usize,
        written: &[f32],
        direction: &[f32],
    ) -> Result<Vec<f32>> {
        let Way::Plan(_, plan) = &self.way else { return Err(not_in_main_memory().into()) };
        let block = plan.blocks.get(layer).context("no such layer")?;
        let Some(norm) = &block.after_attention else { return Ok(direction.to_vec()) };
        let mut all = match &block.o.bias {
            Some(bias) => bias.values().to_vec(),
            None => vec![0.0; plan.shape.width],
        };
        for row in written.chunks_exact(plan.shape.width) {
            all.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        Ok(norm.back(&all, direction).0)
    }
}
