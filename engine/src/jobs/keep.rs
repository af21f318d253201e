//! Keeps a reply while it is being written: at most half a second of it can be lost.

use crate::job_cx::JobCx;
use anyhow::{Context as _, Result};
use glassworks_protocol::chat::{MessageStatus, ReplyRecord};
use glassworks_protocol::generate::{
    FinishReason, Forced, GenerateSpec, ModelSource, ReplyStats, TokenPiece,
};
use glassworks_protocol::ids::MessageId;
use glassworks_protocol::model::ModelRef;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{TunedRef, TunedSource};
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two saves of a reply that is being written.
const SAVE_INTERVAL: Duration = Duration::from_millis(500);

/// A reply being written, and its place in the store if it has one.
pub struct Keeper {
    reply: Option<MessageId>,
    tokens: Vec<TokenPiece>,
    text: String,
    /// What a new branch goes on with, whatever the model makes of it.
    pub forced: Option<Forced>,
    saved_at: Instant,
}

impl Keeper {
    /// Saves the question and the reply's place, and takes up what the reply already has.
    pub fn begin(cx: &JobCx, spec: &GenerateSpec, seed: u64) -> Result<Self> {
        let mut keeper = Self {
            reply: None,
            tokens: Vec::new(),
            text: String::new(),
            forced: None,
            saved_at: Instant::now(),
        };
        if let Some(keep) = &spec.keep {
            let record = ReplyRecord {
                model: model_ref(cx, spec)?,
                sampling: glassworks_protocol::generate::SamplingSpec {
                    seed: Some(seed),
                    ..spec.sampling.clone()
                },
                stats: None,
                tokens: Arc::default(),
            };
            let begun = cx.wait(cx.shared.store.begin_reply(keep, &record))?;
            keeper.reply = Some(keep.reply);
            // A branch that was cut off and goes on has it already.
            let branch = keep.branch.as_ref().filter(|_| begun.is_new);
            keeper.forced = branch.map(|branch| branch.then.clone());
            keeper.tokens = begun.existing_tokens().to_vec();
            keeper.text = keeper.tokens.iter().map(|piece| piece.text.as_str()).collect();
            cx.stored(begun.stored);
        }
        Ok(keeper)
    }

    #[must_use]
    pub fn tokens(&self) -> &[TokenPiece] {
        &self.tokens
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A reply that goes on does not go on after its end.
    pub fn drop_end_of_text(&mut self, eos_ids: &[u32]) {
        while self.tokens.last().is_some_and(|piece| piece.text.is_empty() && eos_ids.contains(&piece.id)) {
            self.tokens.pop();
        }
    }

    /// Adds pieces, and saves when it is time.
    pub fn push(&mut self, cx: &JobCx, pieces: Vec<TokenPiece>) -> Result<()> {
        pieces.iter().for_each(|piece| self.text.push_str(&piece.text));
        self.tokens.extend(pieces);
        if let Some(reply) = self.reply.filter(|_| self.saved_at.elapsed() >= SAVE_INTERVAL) {
            cx.wait(cx.shared.store.save_reply_progress(reply, &self.text, &self.tokens))?;
            self.saved_at = Instant::now();
        }
        Ok(())
    }

    /// Saves the end of a reply that ran its course, or was stopped.
    pub fn finish(&self, cx: &JobCx, stats: Option<&ReplyStats>) -> Result<()> {
        let stopped = stats.is_some_and(|stats| stats.finish == FinishReason::Cancelled);
        self.end(cx, if stopped { MessageStatus::Stopped } else { MessageStatus::Complete }, stats)
    }

    /// Saves a reply that was stopped before the model began.
    pub fn stopped(&self, cx: &JobCx) -> Result<()> {
        self.end(cx, MessageStatus::Stopped, None)
    }

    /// Saves what there is of a reply that failed.
    pub fn failed(&self, cx: &JobCx) -> Result<()> {
        self.end(cx, MessageStatus::Failed, None)
    }

    fn end(&self, cx: &JobCx, status: MessageStatus, stats: Option<&ReplyStats>) -> Result<()> {
        if let Some(reply) = self.reply {
            let end = cx.shared.store.finish_reply(reply, &self.text, &self.tokens, status, stats.cloned());
            cx.stored(cx.wait(end)?);
        }
        Ok(())
    }
}

/// The name under which the reply remembers its model.
fn model_ref(cx: &JobCx, spec: &GenerateSpec) -> Result<ModelRef> {
    let ModelSource::Library(id) = &spec.model else {
        anyhow::bail!("a reply can be kept only with a model of the library")
    };
    let model = cx.wait(cx.shared.store.model(*id))?.ok_or_else(|| {
        Failure::new(FailureKind::Missing, Text::new("failure.model_gone"))
            .hint(Text::new("failure.model_gone_hint"))
    });
    let model = model.context("naming the model")?;
    Ok(ModelRef {
        base: model.card.content_hash.clone(),
        name: model.name.clone(),
        precision: spec.precision,
        tuned: spec.tuned.as_ref().map(|tuned| tuned_ref(cx, tuned)).transpose()?,
    })
}

fn tuned_ref(cx: &JobCx, tuned: &TunedSource) -> Result<TunedRef> {
    Ok(tuned.named(&*super::train::find_any(cx, tuned.run)?))
}
