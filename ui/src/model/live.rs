//! Replies being written: what was asked shows at once, tokens join it as they come, the end is the truth.

use super::chats::{Chats, put};
use super::library::Library;
use super::runs::Runs;
use glassworks_protocol::chat::{ChatDocument, MessageRecord, MessageStatus, ReplyRecord, Role};
use glassworks_protocol::generate::{BranchSpec, GenerateSpec, ModelSource};
use glassworks_protocol::ids::{ChatId, JobId, MessageId};
use glassworks_protocol::model::ModelRef;
use glassworks_protocol::{JobOutput, JobSpec, Outcome, Partial};
use std::sync::Arc;

/// A reply being written.
#[derive(Clone, Debug)]
pub struct LiveReply {
    pub job: JobId,
    pub chat: ChatId,
    pub message: MessageId,
    pub started_at_ms: i64,
    /// When the first token of this job came.
    pub first_token_at_ms: Option<i64>,
    /// Tokens this job has written.
    pub n_new: u32,
    /// Tokens of the prompt, those of them reused, and the context's length; once it has been read.
    pub prompt: Option<(u32, u32, u32)>,
}

impl LiveReply {
    /// Tokens a second since the first one.
    #[must_use]
    pub fn per_sec(&self, now_ms: i64) -> Option<f32> {
        let secs = (now_ms - self.first_token_at_ms?) as f32 / 1000.0;
        (self.n_new > 1 && secs > 0.0).then(|| (self.n_new - 1) as f32 / secs)
    }
}

impl Chats {
    /// The reply being written into a message.
    #[must_use]
    pub fn live(&self, message: MessageId) -> Option<&LiveReply> {
        self.live.values().find(|l| l.message == message)
    }

    /// The replies being written in a document.
    pub fn live_in(&self, chat: ChatId) -> impl Iterator<Item = &LiveReply> {
        self.live.values().filter(move |l| l.chat == chat)
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec, known: (&Library, &Runs), now_ms: i64) {
        let JobSpec::Generate(spec) = spec else { return };
        let Some(keep) = &spec.keep else { return };
        let state = self.open.entry(keep.chat.id).or_default();
        let document = state
            .document
            .get_or_insert_with(|| ChatDocument { chat: keep.chat.clone(), messages: Vec::new() });
        if let Some(question) = &keep.question {
            self.unstored.insert(question.id);
            put(&mut document.messages, Arc::new(question.clone()));
        }
        match document.messages.iter_mut().find(|m| m.id == keep.reply) {
            Some(old) => Arc::make_mut(old).status = MessageStatus::Streaming,
            None => {
                let parent = keep.question.as_ref().map(|q| q.id).or(keep.parent);
                let mut reply = reply(spec, keep.chat.id, keep.reply, parent, known, now_ms);
                if let Some(branch) = &keep.branch {
                    begin_as(&mut reply, &document.messages, branch);
                }
                document.messages.push(Arc::new(reply));
            }
        }
        document.chat.leaf = Some(keep.reply);
        let live = LiveReply {
            job,
            chat: keep.chat.id,
            message: keep.reply,
            started_at_ms: now_ms,
            first_token_at_ms: None,
            n_new: 0,
            prompt: None,
        };
        self.live.insert(job, live);
    }

    pub(super) fn partial(&mut self, job: JobId, partial: Partial, now_ms: i64) {
        let Some(live) = self.live.get_mut(&job) else { return };
        match partial {
            Partial::PromptRead { n_prompt, n_reused, context_length } => {
                live.prompt = Some((n_prompt, n_reused, context_length));
            }
            // Replies measure nothing.
            Partial::Metrics(_)
            | Partial::Samples(_)
            | Partial::Bench(_)
            | Partial::Found(_)
            | Partial::Inside(_) => {}
            Partial::Tokens { first, pieces } => {
                live.first_token_at_ms.get_or_insert(now_ms);
                live.n_new += pieces.len() as u32;
                let message = self
                    .open
                    .get_mut(&live.chat)
                    .and_then(|s| s.document.as_mut())
                    .and_then(|d| d.messages.iter_mut().find(|m| m.id == live.message));
                let Some(message) = message.map(Arc::make_mut) else { return };
                let Some(reply) = &mut message.reply else { return };
                let tokens = Arc::make_mut(&mut reply.tokens);
                // After a gap nothing fits any more: the stored message will bring what was missed.
                if tokens.len() == first as usize {
                    for piece in &pieces {
                        message.text.push_str(&piece.text);
                    }
                    tokens.extend(pieces);
                }
            }
        }
    }

    pub(super) fn settled(&mut self, job: JobId, outcome: &Outcome) {
        let Some(live) = self.live.remove(&job) else { return };
        let message = self
            .open
            .get_mut(&live.chat)
            .and_then(|s| s.document.as_mut())
            .and_then(|d| d.messages.iter_mut().find(|m| m.id == live.message));
        let Some(message) = message.map(Arc::make_mut) else { return };
        match outcome {
            Outcome::Done(JobOutput::Replied(reply)) => {
                message.text.clone_from(&reply.text);
                if let Some(record) = &mut message.reply {
                    record.tokens = Arc::new(reply.tokens.clone());
                    record.stats = Some(reply.stats.clone());
                }
                message.status = MessageStatus::Complete;
            }
            Outcome::Done(_) => message.status = MessageStatus::Complete,
            // The stored message may have come already, and knows better.
            Outcome::Cancelled if message.status == MessageStatus::Streaming => {
                message.status = MessageStatus::Stopped;
            }
            Outcome::Failed(_) if message.status == MessageStatus::Streaming => {
                message.status = MessageStatus::Failed;
            }
            _ => {}
        }
    }
}

/// The name under which a reply remembers what writes it.
pub(super) fn model_ref(spec: &GenerateSpec, (library, runs): (&Library, &Runs)) -> ModelRef {
    let base = match &spec.model {
        ModelSource::Library(id) => library.get(*id).map(|m| m.card.content_hash.clone()),
        ModelSource::Path(_) => None,
    };
    ModelRef {
        base: base.unwrap_or_default(),
        name: library.name_of(&spec.model),
        precision: spec.precision,
        tuned: spec.tuned.and_then(|tuned| Some(tuned.named(runs.get(tuned.run)?))),
    }
}

/// A branch has the first tokens of the reply it parts from.
fn begin_as(reply: &mut MessageRecord, messages: &[Arc<MessageRecord>], branch: &BranchSpec) {
    let of = messages.iter().find(|m| m.id == branch.of).and_then(|m| m.reply.as_ref());
    let Some(kept) = of.and_then(|of| of.tokens.get(..branch.n_kept as usize)) else { return };
    reply.text = kept.iter().map(|piece| piece.text.as_str()).collect();
    if let Some(record) = &mut reply.reply {
        record.tokens = Arc::new(kept.to_vec());
    }
}

/// A reply of which nothing has been written yet.
fn reply(
    spec: &GenerateSpec,
    chat: ChatId,
    id: MessageId,
    parent: Option<MessageId>,
    known: (&Library, &Runs),
    now_ms: i64,
) -> MessageRecord {
    let model = model_ref(spec, known);
    let record = ReplyRecord { model, sampling: spec.sampling.clone(), stats: None, tokens: Arc::default() };
    MessageRecord {
        id,
        chat,
        parent,
        role: Role::Assistant,
        text: String::new(),
        tail: String::new(),
        status: MessageStatus::Streaming,
        created_at_ms: now_ms,
        reply: Some(record),
    }
}
