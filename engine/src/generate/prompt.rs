//! From what a person wrote to the tokens a model reads: template, tokenizer, and what to do when it is too long.

use crate::shelf::LoadedModel;
use anyhow::Result;
use glassworks_protocol::chat::{TemplateOptions, TemplateSource, Turn};
use glassworks_protocol::generate::{Overflow, Prompt};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};

/// A prompt ready to read.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptTokens {
    pub ids: Vec<u32>,
    /// The text that the ids spell, special tokens included.
    pub text: String,
    pub n_dropped: usize,
    /// Set for chats.
    pub template: Option<TemplateSource>,
    /// What the template asks to stop at.
    pub stops: Vec<String>,
}

/// Tokens of `prompt`, with at least `room` positions left in the context.
///
/// # Errors
/// `Failure { Input }` when it does not fit (see [`Overflow`]), when there is nothing to read, or when the template
/// refuses the turns.
pub fn tokens(
    model: &LoadedModel,
    prompt: &Prompt,
    overflow: Overflow,
    room: usize,
    now_ms: i64,
) -> Result<PromptTokens> {
    let most = model.model.shape().context_length.saturating_sub(room).max(1);
    let tokens = match prompt {
        Prompt::Text(text) => text_tokens(model, text, overflow, most)?,
        Prompt::Chat { turns, template } => chat_tokens(model, turns, template, overflow, most, now_ms)?,
    };
    if tokens.ids.is_empty() {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.nothing_to_read"))
            .hint(Text::new("failure.nothing_to_read_hint"))
            .into());
    }
    if tokens.ids.len() > most {
        return Err(too_long(model, tokens.ids.len(), most).into());
    }
    Ok(tokens)
}

/// Tokens of the whole `prompt`, whether they fit or not.
///
/// # Errors
/// When the template refuses the turns.
pub fn whole(model: &LoadedModel, prompt: &Prompt, now_ms: i64) -> Result<PromptTokens> {
    match prompt {
        Prompt::Text(text) => text_tokens(model, text, Overflow::Refuse, usize::MAX),
        Prompt::Chat { turns, template } => {
            chat_tokens(model, turns, template, Overflow::Refuse, usize::MAX, now_ms)
        }
    }
}

fn too_long(model: &LoadedModel, n: usize, most: usize) -> Failure {
    Failure::new(
        FailureKind::Input,
        Text::new("failure.too_long").arg("n", n).arg("most", most).arg("name", &model.name),
    )
    .hint(Text::new("failure.too_long_hint"))
}

fn text_tokens(model: &LoadedModel, text: &str, overflow: Overflow, most: usize) -> Result<PromptTokens> {
    let mut ids = model.codec.encode(text, true)?;
    if ids.is_empty() {
        // With nothing to go on from, a model begins where its texts begin.
        ids.extend(model.codec.bos_id().or_else(|| model.codec.eos_ids().first().copied()));
    }
    let mut n_dropped = 0;
    if overflow == Overflow::DropOldest && ids.len() > most {
        let bos = model.codec.bos_id().filter(|bos| ids.first() == Some(bos));
        n_dropped = ids.len() - most;
        ids.drain(..n_dropped);
        if let (Some(bos), Some(first)) = (bos, ids.first_mut()) {
            *first = bos;
        }
    }
    let text = if n_dropped > 0 { model.codec.decode(&ids, false)? } else { text.to_owned() };
    Ok(PromptTokens { ids, text, n_dropped, template: None, stops: Vec::new() })
}

fn chat_tokens(
    model: &LoadedModel,
    turns: &[Turn],
    options: &TemplateOptions,
    overflow: Overflow,
    most: usize,
    now_ms: i64,
) -> Result<PromptTokens> {
    let template = &model.template;
    // A fallback writes no special tokens of its own, so the tokenizer adds what it always adds.
    let add_special = matches!(template.source(), TemplateSource::Fallback(_));
    let read = |turns: &[Turn]| -> Result<(String, Vec<u32>)> {
        let text = template.render(turns, options, &model.codec, now_ms)?;
        let ids = model.codec.encode(&text, add_special)?;
        Ok((text, ids))
    };
    let mut turns = turns.to_vec();
    let (mut text, mut ids) = read(&turns)?;
    let whole = ids.len();
    while overflow == Overflow::DropOldest && ids.len() > most && drop_oldest(&mut turns) {
        (text, ids) = read(&turns)?;
    }
    Ok(PromptTokens {
        n_dropped: whole - ids.len(),
        ids,
        text,
        template: Some(template.source().clone()),
        stops: template.stop_strings(),
    })
}

/// Leaves out the oldest question with all that answered it; false when only the newest is left.
fn drop_oldest(turns: &mut Vec<Turn>) -> bool {
    let is_question = |turn: &Turn| turn.role == "user";
    let Some(first) = turns.iter().position(|turn| turn.role != "system") else { return false };
    let Some(next) = turns.iter().skip(first + 1).position(is_question) else { return false };
    turns.drain(first..first + 1 + next);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_exchange_goes_first_and_the_system_prompt_stays() {
        let turn = |role: &str| Turn::new(role, "x");
        let roles = |turns: &[Turn]| turns.iter().map(|t| t.role.clone()).collect::<Vec<_>>().join(" ");
        let mut turns: Vec<Turn> =
            ["system", "user", "assistant", "user", "assistant", "user"].map(turn).into();
        assert!(drop_oldest(&mut turns));
        assert_eq!(roles(&turns), "system user assistant user");
        assert!(drop_oldest(&mut turns));
        assert_eq!(roles(&turns), "system user");
        assert!(!drop_oldest(&mut turns), "the newest question stays");
        assert!(!drop_oldest(&mut vec![turn("system")]));
        assert!(!drop_oldest(&mut Vec::new()));
    }
}
