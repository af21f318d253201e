//! The prompts that a run writes on from at each evaluation: those a person wrote, or how held-out rows begin.

use crate::data::{Dataset, Example};
use crate::generate::prompt;
use crate::shelf::LoadedModel;
use crate::train::IGNORED;
use crate::train::sample::Sampler;
use anyhow::Result;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use glassworks_protocol::generate::{Overflow, Prompt};
use glassworks_protocol::train::{TaskSpec, TrainSpec};

/// Tokens of a text that is written on from its beginning.
const TEXT_START: usize = 16;

/// What writes, and each prompt as a person knows it.
pub struct Samples<'m> {
    pub sampler: Sampler<'m>,
    pub prompts: Vec<String>,
}

/// # Errors
/// `Failure { Input }` for a prompt that leaves no room in the model's context, or that its template refuses.
pub fn of<'m>(model: &'m LoadedModel, spec: &TrainSpec, data: &Dataset, now_ms: i64) -> Result<Samples<'m>> {
    let context = model.model.shape().context_length;
    let n_tokens = (spec.evaluation.sample_tokens as usize).min(context / 2);
    let mut found: Vec<(String, Vec<u32>)> = Vec::new();
    if spec.task.classifies() {
        // It sorts and has nothing to say.
    } else if spec.evaluation.prompts.is_empty() {
        let rows = data.held_out.iter().zip(&data.validation).take(spec.evaluation.samples as usize);
        for (place, example) in rows {
            let (ids, is_question) = beginning(example);
            let from = ids.len().saturating_sub(context - n_tokens);
            let shown = if is_question { place.start.to_string() } else { model.codec.decode(ids, true)? };
            found.push((shown, ids[from..].to_vec()));
        }
    } else {
        for text in &spec.evaluation.prompts {
            let prompt = match spec.task {
                TaskSpec::Text | TaskSpec::Scratch(_) => Prompt::Text(text.clone()),
                TaskSpec::Chat | TaskSpec::Classification(_) => Prompt::Chat {
                    turns: vec![Turn::new("user", text.as_str())],
                    template: TemplateOptions::default(),
                },
            };
            let tokens = prompt::tokens(model, &prompt, Overflow::Refuse, n_tokens, now_ms)?;
            found.push((text.clone(), tokens.ids));
        }
    }
    let (prompts, ids) = found.into_iter().unzip();
    let sampler = Sampler {
        model: model.own()?,
        prompts: ids,
        ends: model.codec.eos_ids().to_vec(),
        n_tokens,
        precision: spec.precision,
    };
    Ok(Samples { sampler, prompts })
}

/// What stands before the first word that is learned; of a text that is learned from its start, a beginning. And
/// whether it is the former.
fn beginning(example: &Example) -> (&[u32], bool) {
    let first = example.labels.iter().position(|label| *label != IGNORED).unwrap_or(0);
    if first > 1 {
        return (&example.ids[..first], true);
    }
    let n = (example.ids.len() / 2).clamp(1, TEXT_START);
    (&example.ids[..n.min(example.ids.len())], false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_and_a_text_begun() {
        let check = |labels: &[i32], expected: usize, is_question: bool| {
            let example =
                Example { ids: (0..labels.len() as u32).collect(), labels: labels.to_vec(), class: None };
            let (ids, question) = beginning(&example);
            assert_eq!((ids.len(), question), (expected, is_question), "{labels:?}");
        };
        check(&[-100, -100, -100, 3, 4], 3, true);
        check(&[0, 1, 2, 3, 4, 5], 3, false);
        check(&[-100, 1, 2, 3], 2, false);
        check(&[7; 100], TEXT_START, false);
        check(&[7], 1, false);
    }
}
