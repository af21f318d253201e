//! A row as a model is given it, token by token.

use super::encode::IGNORED;
use super::{Content, Encoder, Example};
use crate::tokenizer::TextCodec;
use glassworks_protocol::datasets::measure::{SeenRow, SeenToken};
use glassworks_protocol::datasets::rows::RowId;
use glassworks_protocol::text::Text;

/// What `encoder` makes of a row, cut at `max_length` tokens. Of one that cannot be used it is the tokens that it would
/// have, where there are some, and why.
#[must_use]
pub fn seen(encoder: &Encoder<'_>, row: RowId, content: Result<Content, Text>, max_length: u32) -> SeenRow {
    let in_pieces = encoder.cuts_into_pieces();
    let (example, mut problem) = match content {
        Err(reason) => (Example::default(), Some(reason)),
        Ok(content) => match encoder.example(&content) {
            Ok(example) => (example, None),
            Err(reason) => (encoder.unlearned(&content).unwrap_or_default(), Some(reason)),
        },
    };
    let usable = problem.is_none();
    let n = example.ids.len();
    let most = max_length.max(1) as usize;
    let n_kept = if in_pieces { n } else { n.min(most) };
    // A class is learned of the whole, however much is cut off.
    let class = usize::from(usable && encoder.task.classifies());
    let begins = |at: usize| at == 0 || in_pieces && at.is_multiple_of(most);
    let learned: Vec<bool> = (0..n).map(|at| example.labels[at] != IGNORED && !begins(at)).collect();
    let count = |some: &[bool]| (class + some.iter().filter(|learned| **learned).count()) as u32;
    let n_targets = (class + example.labels.iter().skip(1).filter(|label| **label != IGNORED).count()) as u32;
    let n_kept_targets = count(&learned[..n_kept]);
    if usable && n_kept_targets == 0 {
        problem = Some(if n_targets == 0 {
            Text::new("train.row.one_token")
        } else {
            Text::new("train.row.cut_away").arg("max", max_length)
        });
    }
    let texts = texts(encoder.codec, &example.ids);
    let token = |((id, text), learned): ((&u32, String), bool)| SeenToken {
        id: *id,
        text,
        special: encoder.codec.is_special(*id),
        learned,
    };
    SeenRow {
        row,
        tokens: example.ids.iter().zip(texts).zip(learned).map(token).collect(),
        n_targets,
        n_kept: n_kept as u32,
        n_kept_targets,
        max_length,
        in_pieces,
        problem,
    }
}

/// What each token adds to the text. One that ends within a character shows as U+FFFD, and the one that ends the
/// character has it whole.
fn texts(codec: &TextCodec, ids: &[u32]) -> Vec<String> {
    let mut pending: Vec<u8> = Vec::new();
    let text = |id: &u32| {
        pending.extend(codec.token_bytes(*id));
        let mut text = String::new();
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    text.push_str(whole);
                    rest = &[];
                }
                Err(error) => {
                    let (whole, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    text.push(char::REPLACEMENT_CHARACTER);
                    match error.error_len() {
                        Some(bad) => rest = &after[bad..],
                        None => {
                            rest = after;
                            break;
                        }
                    }
                }
            }
        }
        pending = rest.to_vec();
        text
    };
    ids.iter().map(text).collect()
}
