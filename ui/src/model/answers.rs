//! Answers that are not kept: what was asked without a place in a document, as it is written.

use glassworks_protocol::generate::{GenerateSpec, Reply, ReplyStats, TokenPiece};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::{Command, Failure, JobOutput, JobSpec, Outcome, Partial};
use std::sync::Arc;

/// The newest of them stay.
const MAX: usize = 64;

/// An answer being written, or written.
#[derive(Clone, Debug)]
pub struct Answer {
    pub job: JobId,
    pub spec: GenerateSpec,
    pub text: String,
    pub tokens: Arc<Vec<TokenPiece>>,
    /// Once it has ended well.
    pub stats: Option<ReplyStats>,
    pub failure: Option<Failure>,
    pub ended: bool,
    first_token_at_ms: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Answers {
    all: Vec<Answer>,
}

impl Answer {
    /// Tokens a second since the first one; of the whole answer once it has ended.
    #[must_use]
    pub fn per_sec(&self, now_ms: i64) -> Option<f32> {
        if let Some(stats) = &self.stats {
            return Some(stats.tokens_per_sec).filter(|speed| *speed > 0.0);
        }
        let secs = (now_ms - self.first_token_at_ms?) as f32 / 1000.0;
        (!self.ended && self.tokens.len() > 1 && secs > 0.0).then(|| (self.tokens.len() - 1) as f32 / secs)
    }
}

impl Answers {
    #[must_use]
    pub fn get(&self, job: JobId) -> Option<&Answer> {
        self.all.iter().find(|answer| answer.job == job)
    }

    pub(super) fn sent(&mut self, command: &Command) {
        let Command::Start(job, JobSpec::Generate(spec)) = command else { return };
        if spec.keep.is_some() {
            return;
        }
        self.all.push(Answer {
            job: *job,
            spec: (**spec).clone(),
            text: String::new(),
            tokens: Arc::default(),
            stats: None,
            failure: None,
            ended: false,
            first_token_at_ms: None,
        });
        if self.all.len() > MAX {
            self.all.remove(0);
        }
    }

    pub(super) fn partial(&mut self, job: JobId, partial: &Partial, now_ms: i64) {
        let Partial::Tokens { first, pieces } = partial else { return };
        let Some(answer) = self.all.iter_mut().find(|answer| answer.job == job && !answer.ended) else {
            return;
        };
        answer.first_token_at_ms.get_or_insert(now_ms);
        // After a gap nothing fits any more: the end brings what was missed.
        if answer.tokens.len() == *first as usize {
            pieces.iter().for_each(|piece| answer.text.push_str(&piece.text));
            Arc::make_mut(&mut answer.tokens).extend_from_slice(pieces);
        }
    }

    pub(super) fn settled(&mut self, job: JobId, outcome: &Outcome) {
        let Some(answer) = self.all.iter_mut().find(|answer| answer.job == job) else { return };
        answer.ended = true;
        match outcome {
            Outcome::Done(JobOutput::Replied(reply)) => answer.take(reply),
            Outcome::Failed(failure) => answer.failure = Some(failure.clone()),
            Outcome::Done(_) | Outcome::Cancelled => {}
        }
    }
}

impl Answer {
    fn take(&mut self, reply: &Reply) {
        self.text.clone_from(&reply.text);
        self.tokens = Arc::new(reply.tokens.clone());
        self.stats = Some(reply.stats.clone());
    }
}
