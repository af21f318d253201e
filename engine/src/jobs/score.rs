//! Reading a reply with a model, to say how likely the model finds it.

use super::models::writes;
use super::tuned::{self, Chosen};
use crate::generate::prompt;
use crate::generate::score::{self, ReadReply, ScoreRun};
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::generate::{Overflow, Prompt};
use glassworks_protocol::score::{ScoreReport, ScoreSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput, Unit};
use std::sync::Arc;

pub fn run(cx: &JobCx, spec: &ScoreSpec) -> Result<JobOutput> {
    let Chosen { model, adapters, step } = tuned::choose_from(cx, &spec.model, None, spec.tuned.as_ref())?;
    writes(&model)?;
    let context_length = model.model.shape().context_length;
    if spec.reply.iter().all(|(_, text)| text.is_empty()) {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.nothing_to_read"))
            .hint(Text::new("failure.nothing_to_read_hint"))
            .into());
    }
    // So much room had the reply when it was written; then the same turns of a long conversation are left out.
    let mut room =
        (spec.max_new_tokens as usize).min(context_length / 4).max(spec.reply.len().saturating_sub(1));
    let (prompt, reply) = loop {
        let prompt = prompt::tokens(&model, &spec.prompt, Overflow::DropOldest, room, spec.at_ms)?;
        let adds = match &spec.prompt {
            Prompt::Text(_) => true,
            Prompt::Chat { .. } => matches!(prompt.template, Some(TemplateSource::Fallback(_))),
        };
        let reply = score::read_by(&model, (&prompt.ids, &prompt.text), adds, &spec.reply)?;
        if prompt.ids.len() + reply.ids.len() <= context_length + 1 {
            break (prompt, reply);
        }
        // Another tokenizer may need more tokens for the same words.
        if room >= reply.ids.len() {
            return Err(too_long(&model.name, &reply, context_length).into());
        }
        room = reply.ids.len();
    };
    let stage = Text::new("job.scoring").arg("name", &model.name);
    let run = ScoreRun {
        prompt: &prompt.ids,
        reply: &reply,
        precision: spec.precision,
        adapters: adapters.map(Arc::new),
    };
    let tokens = score::score(&model, &cx.shared.ledger, &run, &|| cx.checkpoint(), &|done, total| {
        cx.progress(&stage, done as u64, Some(total as u64), Unit::Tokens);
    })?;
    Ok(JobOutput::Scored(Arc::new(ScoreReport {
        tokens,
        same_tokens: reply.same_tokens,
        n_prompt: prompt.ids.len() as u32,
        n_dropped: prompt.n_dropped as u32,
        precision: spec.precision,
        tuned_step: step,
    })))
}

fn too_long(name: &str, reply: &ReadReply, most: usize) -> Failure {
    let text = Text::new("failure.too_long").arg("n", reply.ids.len()).arg("most", most).arg("name", name);
    Failure::new(FailureKind::Input, text).hint(Text::new("failure.score_too_long_hint"))
}
