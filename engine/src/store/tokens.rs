//! A reply's tokens as bytes: a version, then the pieces in postcard's encoding.
//!
//! **Invariant.** The structs of a version never change; a new layout is a new version beside it.

use super::error::Result;
use glassworks_protocol::generate::{Alternative, TokenPiece};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

const VERSION: u8 = 1;
/// As many likeliest tokens are kept a piece.
const N_ALTERNATIVES: usize = 20;
/// Pieces to a row once the reply has ended.
const ROW_LENGTH: usize = 1024;

#[derive(Serialize, Deserialize)]
struct PieceV1 {
    id: u32,
    text: String,
    logprob: f32,
    sampled_prob: f32,
    rank: u32,
    entropy: f32,
    top: Vec<AlternativeV1>,
}

#[derive(Serialize, Deserialize)]
struct AlternativeV1 {
    id: u32,
    text: String,
    prob: f32,
    sampled_prob: f32,
}

fn encode(pieces: &[TokenPiece]) -> std::result::Result<Vec<u8>, postcard::Error> {
    let pieces: Vec<PieceV1> = pieces
        .iter()
        .map(|p| PieceV1 {
            id: p.id,
            text: p.text.clone(),
            logprob: p.logprob,
            sampled_prob: p.sampled_prob,
            rank: p.rank,
            entropy: p.entropy,
            top: p.top.iter().take(N_ALTERNATIVES).map(AlternativeV1::from).collect(),
        })
        .collect();
    postcard::to_extend(&pieces, vec![VERSION])
}

impl From<&Alternative> for AlternativeV1 {
    fn from(a: &Alternative) -> Self {
        Self { id: a.id, text: a.text.clone(), prob: a.prob, sampled_prob: a.sampled_prob }
    }
}

/// `None` for bytes of a version or shape that this program does not know.
fn decode(bytes: &[u8]) -> Option<Vec<TokenPiece>> {
    let (&VERSION, rest) = bytes.split_first()? else { return None };
    let pieces: Vec<PieceV1> = postcard::from_bytes(rest).ok()?;
    let alternative =
        |a: AlternativeV1| Alternative { id: a.id, text: a.text, prob: a.prob, sampled_prob: a.sampled_prob };
    let piece = |p: PieceV1| TokenPiece {
        id: p.id,
        text: p.text,
        logprob: p.logprob,
        sampled_prob: p.sampled_prob,
        rank: p.rank,
        entropy: p.entropy,
        top: p.top.into_iter().map(alternative).collect(),
    };
    Some(pieces.into_iter().map(piece).collect())
}

/// A stored run of tokens: `first`, `n`, `pieces`.
pub(super) type Run = (i64, i64, Vec<u8>);

/// Joins a message's runs, in order. Stops at a gap or at one that cannot be read: what follows would be
/// shown at the wrong place.
pub(super) fn join(runs: impl IntoIterator<Item = Run>) -> Vec<TokenPiece> {
    let mut all = Vec::new();
    for (first, n, bytes) in runs {
        match decode(&bytes) {
            Some(pieces) if first == all.len() as i64 && n == pieces.len() as i64 => all.extend(pieces),
            _ => {
                tracing::warn!(first, n, "tokens that cannot be read are left out");
                break;
            }
        }
    }
    all
}

/// Writes the tokens that are not there yet; everything anew if those that are there are not the first of
/// `tokens`, as when a reply goes on from before its end-of-text token.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    message: &[u8],
    tokens: &[TokenPiece],
) -> Result<()> {
    let last: Option<Run> = sqlx::query_as(
        "SELECT first, n, pieces FROM message_tokens WHERE message = ? ORDER BY first DESC LIMIT 1",
    )
    .bind(message)
    .fetch_optional(&mut *connection)
    .await?;
    let saved = match &last {
        None => 0,
        Some((first, _, bytes)) => match after(tokens, *first, &decode(bytes).unwrap_or_default()) {
            Some(saved) => saved,
            None => return replace(connection, message, tokens).await,
        },
    };
    match tokens.get(saved..) {
        Some(new) if !new.is_empty() => insert(connection, message, saved, new).await,
        _ => Ok(()),
    }
}

/// How many tokens are saved if `run`, which begins at `first`, is a part of `tokens`.
fn after(tokens: &[TokenPiece], first: i64, run: &[TokenPiece]) -> Option<usize> {
    let first = usize::try_from(first).ok()?;
    let end = first + run.len();
    let same = |(a, b): (&TokenPiece, &TokenPiece)| a.id == b.id && a.text == b.text;
    let fits = !run.is_empty() && tokens.get(first..end)?.iter().zip(run).all(same);
    fits.then_some(end)
}

/// Replaces whatever is stored.
pub(super) async fn replace(
    connection: &mut SqliteConnection,
    message: &[u8],
    tokens: &[TokenPiece],
) -> Result<()> {
    sqlx::query("DELETE FROM message_tokens WHERE message = ?")
        .bind(message)
        .execute(&mut *connection)
        .await?;
    for (idx, row) in tokens.chunks(ROW_LENGTH).enumerate() {
        insert(connection, message, idx * ROW_LENGTH, row).await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    message: &[u8],
    first: usize,
    pieces: &[TokenPiece],
) -> Result<()> {
    let bytes = encode(pieces).map_err(|e| super::error::StoreError::Word(e.to_string()))?;
    sqlx::query("INSERT INTO message_tokens (message, first, n, pieces) VALUES (?, ?, ?, ?)")
        .bind(message)
        .bind(first as i64)
        .bind(pieces.len() as i64)
        .bind(bytes)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(id: u32, n_top: u32) -> TokenPiece {
        let alternative = |id| Alternative { id, text: format!(" w{id}"), prob: 0.25, sampled_prob: 0.0 };
        TokenPiece {
            id,
            text: String::from("水"),
            logprob: -0.1 * id as f32,
            sampled_prob: 1.0,
            rank: id,
            entropy: 2.5,
            top: (0..n_top).map(alternative).collect(),
        }
    }

    fn run(first: usize, pieces: &[TokenPiece]) -> Run {
        (first as i64, pieces.len() as i64, encode(pieces).unwrap())
    }

    #[test]
    fn pieces_survive_and_keep_twenty_alternatives() {
        let mut pieces: Vec<TokenPiece> = (0..100).map(|id| piece(id, 20)).collect();
        pieces[3].logprob = f32::NEG_INFINITY;
        let bytes = encode(&pieces).unwrap();
        assert_eq!(decode(&bytes).unwrap(), pieces);
        assert!(bytes.len() < 100 * 400, "{} bytes for 100 tokens", bytes.len());
        assert_eq!(decode(&encode(&[piece(1, 30)]).unwrap()).unwrap()[0].top.len(), 20);
    }

    #[test]
    fn strange_bytes_are_no_tokens() {
        let mut bytes = encode(&[piece(1, 2)]).unwrap();
        assert!(decode(&bytes[..bytes.len() - 1]).is_none());
        bytes[0] = 2;
        assert!(decode(&bytes).is_none(), "an unknown version");
        assert!(decode(&[]).is_none());
        assert!(decode(&[VERSION, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_none(), "a length that lies");
    }

    #[test]
    fn runs_join_up_to_the_first_gap() {
        let pieces: Vec<TokenPiece> = (0..6).map(|id| piece(id, 1)).collect();
        let whole = join([run(0, &pieces[..2]), run(2, &pieces[2..])]);
        assert_eq!(whole, pieces);
        let gap = join([run(0, &pieces[..2]), run(3, &pieces[3..])]);
        assert_eq!(gap, pieces[..2]);
    }

    #[test]
    fn runs_that_were_taken_back_are_seen() {
        let pieces: Vec<TokenPiece> = (0..6).map(|id| piece(id, 1)).collect();
        assert_eq!(after(&pieces, 2, &pieces[2..4]), Some(4));
        assert_eq!(after(&pieces, 2, &[piece(2, 1), piece(9, 1)]), None);
        assert_eq!(after(&pieces[..3], 2, &pieces[2..4]), None);
        assert_eq!(after(&pieces, -1, &pieces[..1]), None);
    }
}
