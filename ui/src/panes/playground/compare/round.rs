//! One question and its answers: who sits where, whether names are hidden, and what was decided.

use super::super::answer_page::Page;
use super::super::ask::Asker;
use crate::panes::PaneCx;
use egui::Color32;
use glassworks_protocol::JobSpec;
use glassworks_protocol::chat::{ChatRecord, MessageRecord};
use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::ids::{JobId, MessageId};
use glassworks_protocol::vote::Contender;
use std::sync::Arc;

/// What stands above an answer.
#[derive(Clone, Debug)]
pub struct Head {
    pub name: String,
    /// Weaker: which weights, how strong, what it has of its own.
    pub detail: String,
    pub color: Color32,
}

/// One of those who were asked.
pub struct Seat {
    /// The column that it answers in.
    pub column: u64,
    pub head: Head,
    pub contender: Contender,
    pub job: JobId,
    pub page: Page,
    /// Its answer is in a conversation.
    pub kept: bool,
}

impl Seat {
    /// Asks; nothing of it is kept.
    pub fn ask(
        cx: &mut PaneCx,
        column: u64,
        head: Head,
        asker: &Asker,
        record: &ChatRecord,
        path: &[Arc<MessageRecord>],
        text: &str,
    ) -> Self {
        let spec = asker.aside(record, path, text);
        let contender = Contender {
            model: cx.model.model_ref(&spec),
            sampling: SamplingSpec { seed: None, ..spec.sampling.clone() },
            system_prompt: record.system_prompt.trim().to_owned(),
        };
        let job = cx.start(JobSpec::Generate(Box::new(spec)));
        Self { column, head, contender, job, page: Page::default(), kept: false }
    }

    /// Whether it has said something that can be judged.
    pub fn has_answered(&self, cx: &PaneCx) -> bool {
        let answered = |answer: &crate::model::Answer| answer.failure.is_none() && !answer.text.is_empty();
        cx.model.answers.get(self.job).is_some_and(answered)
    }
}

/// How a blind round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// By a vote, for the seat of this number or for none.
    Vote(Option<usize>),
    /// Names were shown without one.
    Shown,
}

pub struct Round {
    pub text: String,
    /// The conversation that it follows, or one that is made when an answer is kept.
    pub record: ChatRecord,
    /// Whether that is stored.
    pub stored: bool,
    /// What was asked, while it is not stored.
    pub question: Option<MessageRecord>,
    /// What answers hang on once the question is stored.
    pub parent: Option<MessageId>,
    /// From left to right.
    pub seats: Vec<Seat>,
    pub blind: bool,
    pub decided: Option<Decided>,
}

impl Round {
    pub fn new(text: String, record: ChatRecord, stored: bool, seats: Vec<Seat>) -> Self {
        Self { text, record, stored, question: None, parent: None, seats, blind: false, decided: None }
    }

    /// Hides names, and draws the order anew.
    pub fn hide(&mut self, now_ms: i64) {
        self.blind = true;
        // Fisher and Yates, with Marsaglia's xorshift, scrambled by Knuth's multiplier.
        let mut random = now_ms.unsigned_abs().wrapping_mul(6_364_136_223_846_793_005);
        for i in (1..self.seats.len()).rev() {
            random |= 1;
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            self.seats.swap(i, (random % (i as u64 + 1)) as usize);
        }
    }

    #[must_use]
    pub fn hides(&self) -> bool {
        self.blind && self.decided.is_none()
    }

    /// The jobs that still write.
    pub fn writing<'a>(&'a self, cx: &'a PaneCx<'_>) -> impl Iterator<Item = JobId> + 'a {
        let writes = |job: &JobId| cx.model.answers.get(*job).is_some_and(|answer| !answer.ended);
        self.seats.iter().map(|seat| seat.job).filter(writes)
    }

    #[must_use]
    pub fn is_done(&self, cx: &PaneCx) -> bool {
        self.writing(cx).next().is_none()
    }
}

/// What a seat is called while names are hidden.
#[must_use]
pub fn letter(i: usize) -> &'static str {
    ["A", "B", "C", "D"].get(i).copied().unwrap_or("?")
}
