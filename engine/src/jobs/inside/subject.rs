//! The text that is looked at, as its model reads it.

use crate::chat_template::ChatTemplate;
use crate::generate::{prompt, score};
use crate::shelf::LoadedModel;
use anyhow::Result;
use glassworks_protocol::chat::{TemplateOptions, TemplateSource, Turn};
use glassworks_protocol::generate::{Overflow, Prompt};
use glassworks_protocol::inside::{SeenToken, Subject, TurnSpan};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};

/// A text in tokens.
pub struct ReadSubject {
    pub ids: Vec<u32>,
    pub tokens: Vec<SeenToken>,
    pub turns: Vec<TurnSpan>,
}

/// # Errors
/// When there is nothing to read, it is longer than the context, ids are outside of the vocabulary, or the template
/// refuses the turns.
pub fn read(model: &LoadedModel, subject: &Subject) -> Result<ReadSubject> {
    let (ids, turns) = match subject {
        Subject::Tokens(ids) => (ids.clone(), Vec::new()),
        Subject::Text { prompt, reply, at_ms } => of_text(model, prompt, reply, *at_ms)?,
    };
    let shape = model.model.shape();
    if ids.is_empty() || ids.iter().any(|id| *id as usize >= shape.vocab_size) {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.nothing_to_read"))
            .hint(Text::new("failure.nothing_to_read_hint"))
            .into());
    }
    if ids.len() > shape.context_length {
        let summary = Text::new("failure.too_long")
            .arg("n", ids.len())
            .arg("most", shape.context_length)
            .arg("name", &model.name);
        let hint = Text::new("failure.inside_too_long_hint");
        return Err(Failure::new(FailureKind::Input, summary).hint(hint).into());
    }
    Ok(ReadSubject { tokens: seen(model, &ids), ids, turns })
}

fn of_text(
    model: &LoadedModel,
    prompt: &Prompt,
    reply: &[(u32, String)],
    at_ms: i64,
) -> Result<(Vec<u32>, Vec<TurnSpan>)> {
    let read = prompt::tokens(model, prompt, Overflow::Refuse, 0, at_ms)?;
    let adds = match prompt {
        Prompt::Text(_) => true,
        Prompt::Chat { .. } => matches!(read.template, Some(TemplateSource::Fallback(_))),
    };
    let mut turns = match prompt {
        Prompt::Text(_) => Vec::new(),
        Prompt::Chat { turns, template } => spans(model, turns, template, (&read.text, adds), at_ms)?,
    };
    let n_prompt = read.ids.len() as u32;
    let mut ids = read.ids;
    if !reply.is_empty() {
        ids.extend(score::read_by(model, (&ids, &read.text), adds, reply)?.ids);
    }
    let end = ids.len() as u32;
    if matches!(prompt, Prompt::Chat { .. }) && end > n_prompt {
        // What opens the answer belongs to it.
        let start = turns.last().map_or(0, |turn| turn.tokens.end);
        turns.push(TurnSpan { role: "assistant".to_owned(), tokens: start..end });
    } else if let Some(last) = turns.last_mut() {
        last.tokens.end = end;
    }
    Ok((ids, turns))
}

/// Where turns lie, by what the template makes of the first so many of them; nothing where it makes something else of
/// the beginning of a conversation than of the whole.
fn spans(
    model: &LoadedModel,
    turns: &[Turn],
    options: &TemplateOptions,
    (whole, adds): (&str, bool),
    at_ms: i64,
) -> Result<Vec<TurnSpan>> {
    let (_, places) = model.codec.encode_places(whole, adds)?;
    let options = TemplateOptions { add_generation_prompt: false, ..options.clone() };
    let template: &ChatTemplate = &model.template;
    let (mut spans, mut start) = (Vec::with_capacity(turns.len()), 0);
    for n in 1..=turns.len() {
        let Ok(text) = template.render(&turns[..n], &options, &model.codec, at_ms) else { continue };
        if !whole.starts_with(&text) {
            continue;
        }
        let end = places.iter().position(|(_, end)| *end > text.len()).unwrap_or(places.len()) as u32;
        if end > start {
            spans.push(TurnSpan { role: turns[n - 1].role.clone(), tokens: start..end });
            start = end;
        }
    }
    Ok(spans)
}

fn seen(model: &LoadedModel, ids: &[u32]) -> Vec<SeenToken> {
    let mut stream = model.codec.stream();
    let token = |id: &u32| {
        let special = model.codec.is_special(*id);
        let text = stream.push(*id);
        let name = model.codec.token_name(*id);
        SeenToken {
            id: *id,
            text: if special && text.is_empty() { name.clone() } else { text },
            name,
            special,
        }
    };
    ids.iter().map(token).collect()
}
