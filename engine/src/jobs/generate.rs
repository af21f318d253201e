//! Writing a reply: save the question, take the model, build the prompt, run the loop, save as it goes.

use super::keep::Keeper;
use super::models::{writer_from_shelf, writes};
use super::tuned::{self, Chosen};
use crate::failure::Cancelled;
use crate::generate::decode::{self, DecodeSpec, Decoded, Listener};
use crate::generate::prompt::{self, PromptTokens};
use crate::generate::sampler::fresh_seed;
use crate::job_cx::JobCx;
use crate::shelf::LoadedModel;
use anyhow::Result;
use glassworks_protocol::generate::{
    FinishReason, Forced, GenerateSpec, ModelSource, Prompt, PromptPreview, Reply, ReplyStats, TokenPiece,
};
use glassworks_protocol::model::Precision;
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, Partial, Unit};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tokens are told in batches, about 30 a second.
const BATCH_INTERVAL: Duration = Duration::from_millis(33);

pub fn run(cx: &JobCx, spec: GenerateSpec) -> Result<JobOutput> {
    let seed = spec.sampling.seed.map_or_else(fresh_seed, Ok)?;
    let mut keeper = Keeper::begin(cx, &spec, seed)?;
    match write(cx, &spec, seed, &mut keeper) {
        Ok(reply) => {
            keeper.finish(cx, Some(&reply.stats))?;
            if reply.stats.finish == FinishReason::Cancelled {
                return Err(Cancelled.into());
            }
            Ok(JobOutput::Replied(Arc::new(reply)))
        }
        Err(error) if error.is::<Cancelled>() => {
            keeper.stopped(cx)?;
            Err(error)
        }
        Err(error) => {
            // What there is, is kept; the first error is the one to tell.
            if let Err(second) = keeper.failed(cx) {
                tracing::error!("a failed reply could not be stored: {second:#}");
            }
            Err(error)
        }
    }
}

/// What would be read, without reading it.
pub fn preview(cx: &JobCx, source: &ModelSource, prompt: &Prompt) -> Result<JobOutput> {
    let model = writer_from_shelf(cx, source)?;
    let context_length = model.model.shape().context_length;
    // Too long is something to show here, not to refuse: nothing will be computed.
    let tokens = prompt::whole(&model, prompt, cx.now_ms())?;
    Ok(JobOutput::Preview(Arc::new(PromptPreview {
        n_tokens: tokens.ids.len() as u32,
        text: tokens.text,
        context_length: context_length as u32,
        template: tokens.template,
    })))
}

fn write(cx: &JobCx, spec: &GenerateSpec, seed: u64, keeper: &mut Keeper) -> Result<Reply> {
    let Chosen { model, adapters, step } = tuned::choose(cx, spec)?;
    writes(&model)?;
    keeper.drop_end_of_text(model.codec.eos_ids());
    let context_length = model.model.shape().context_length;
    let room = (spec.sampling.max_new_tokens as usize).min(context_length / 4) + keeper.tokens().len();
    let prompt = prompt::tokens(&model, &spec.prompt, spec.overflow, room, cx.now_ms())?;
    let before: Vec<u32> = keeper.tokens().iter().map(|piece| piece.id).collect();
    let forced = match &keeper.forced {
        Some(Forced::Token(id)) => {
            anyhow::ensure!((*id as usize) < model.model.shape().vocab_size, "the model has no token {id}");
            vec![*id]
        }
        None => Vec::new(),
        Some(Forced::Text(text)) => model.codec.encode(text, false)?,
    };
    let decoded = {
        let mut voice = Voice::new(cx, keeper, &model);
        let beams = spec.sampling.beams;
        voice.searching = beams.map(|beams| Text::new("job.searching").arg("n", beams.n));
        let decode = DecodeSpec {
            prompt: &prompt.ids,
            reply: &before,
            forced: &forced,
            sampling: &spec.sampling,
            stops: &prompt.stops,
            seed,
            precision: spec.precision,
            cache: spec.cache,
            adapters: adapters.map(Arc::new),
        };
        let decoded = decode::decode(&model, &cx.shared.ledger, &decode, &mut voice)?;
        voice.flush();
        decoded
    };
    let stats = ReplyStats { tuned_step: step, ..stats(spec, seed, &prompt, &decoded, context_length) };
    Ok(Reply { text: keeper.text().to_owned(), tokens: keeper.tokens().to_vec(), stats })
}

fn stats(
    spec: &GenerateSpec,
    seed: u64,
    prompt: &PromptTokens,
    decoded: &Decoded,
    context_length: usize,
) -> ReplyStats {
    ReplyStats {
        n_prompt: prompt.ids.len() as u32,
        n_reused: decoded.n_reused as u32,
        n_dropped: prompt.n_dropped as u32,
        n_new: decoded.n_new as u32,
        first_token_secs: decoded.first_token_secs,
        tokens_per_sec: decoded.tokens_per_sec,
        context_used: decoded.context_used as u32,
        context_length: context_length as u32,
        seed,
        finish: decoded.finish.clone(),
        // What only runs is computed in f32 always.
        precision: if decoded.is_run_only { Precision::Exact } else { spec.precision },
        template: prompt.template.clone(),
        tuned_step: None,
    }
}

/// Tells the window and the store what the loop writes.
struct Voice<'a> {
    cx: &'a JobCx,
    keeper: &'a mut Keeper,
    context_length: u32,
    reading: Text,
    writing: Text,
    /// Where several texts are tried.
    searching: Option<Text>,
    /// What the reply had before.
    n_before: usize,
    /// Index of the first token not told yet.
    told: usize,
    told_at: Option<Instant>,
}

impl<'a> Voice<'a> {
    fn new(cx: &'a JobCx, keeper: &'a mut Keeper, model: &LoadedModel) -> Self {
        Self {
            cx,
            told: keeper.tokens().len(),
            n_before: keeper.tokens().len(),
            keeper,
            context_length: model.model.shape().context_length as u32,
            reading: Text::new("job.reading_prompt"),
            writing: Text::new("job.writing_reply"),
            searching: None,
            told_at: None,
        }
    }

    fn flush(&mut self) {
        let pieces: Vec<TokenPiece> = self.keeper.tokens()[self.told..].to_vec();
        if !pieces.is_empty() {
            let first = self.told as u32;
            self.told += pieces.len();
            self.cx.partial(Partial::Tokens { first, pieces });
            if self.searching.is_none() {
                // How long it gets, nobody knows: the limit is seldom reached.
                let n_new = (self.told - self.n_before) as u64;
                self.cx.progress(&self.writing, n_new, None, Unit::Tokens);
            }
        }
        self.told_at = Some(Instant::now());
    }
}

impl Listener for Voice<'_> {
    fn checkpoint(&self) -> Result<()> {
        self.cx.checkpoint()
    }

    fn reading(&mut self, done: usize, total: usize) {
        self.cx.progress(&self.reading, done as u64, Some(total as u64), Unit::Tokens);
    }

    fn prompt_read(&mut self, n_prompt: usize, n_reused: usize) {
        self.cx.partial(Partial::PromptRead {
            n_prompt: n_prompt as u32,
            n_reused: n_reused as u32,
            context_length: self.context_length,
        });
    }

    fn searching(&mut self, n_tokens: usize) {
        if let Some(searching) = &self.searching {
            self.cx.progress(searching, n_tokens as u64, None, Unit::Tokens);
        }
    }

    fn pieces(&mut self, pieces: Vec<TokenPiece>) -> Result<()> {
        self.keeper.push(self.cx, pieces)?;
        if self.told_at.is_none_or(|at| at.elapsed() >= BATCH_INTERVAL) {
            self.flush();
        }
        Ok(())
    }
}
