//! Changes to a prompt that can be taken back: each knows how to happen, and what would undo it.

use super::error::Result;
use super::prompts;
use glassworks_protocol::ids::PromptId;
use glassworks_protocol::prompts::PromptStored;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

/// Stored as JSON in the edit log, so variants are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    Name(String),
    Folder(String),
    Tags(Vec<String>),
    /// Which version is in force: versions themselves stay.
    Version(u32),
    Trashed(Option<i64>),
}

impl Change {
    /// Does it; returns its inverse, or `None` when nothing was to be done.
    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        prompt: PromptId,
        now_ms: i64,
    ) -> Result<Option<Self>> {
        let now = prompts::get(connection, prompt).await?;
        let inverse = match self {
            Self::Name(_) => Self::Name(now.name),
            Self::Folder(_) => Self::Folder(now.folder),
            Self::Tags(_) => Self::Tags(now.tags),
            Self::Version(_) => Self::Version(now.version),
            Self::Trashed(_) => Self::Trashed(now.trashed_at_ms),
        };
        if inverse == *self {
            return Ok(None);
        }
        let query = match self {
            Self::Name(name) => sqlx::query("UPDATE prompts SET name = ? WHERE id = ?").bind(name),
            Self::Folder(folder) => sqlx::query("UPDATE prompts SET folder = ? WHERE id = ?").bind(folder),
            Self::Tags(tags) => {
                sqlx::query("UPDATE prompts SET tags = ? WHERE id = ?").bind(serde_json::to_string(tags)?)
            }
            Self::Version(n) => sqlx::query("UPDATE prompts SET version = ? WHERE id = ?").bind(n),
            Self::Trashed(at_ms) => {
                sqlx::query("UPDATE prompts SET trashed_at_ms = ? WHERE id = ?").bind(at_ms)
            }
        };
        query.bind(&prompt.as_bytes()[..]).execute(&mut *connection).await?;
        sqlx::query("UPDATE prompts SET changed_at_ms = ? WHERE id = ?")
            .bind(now_ms)
            .bind(&prompt.as_bytes()[..])
            .execute(connection)
            .await?;
        Ok(Some(inverse))
    }

    /// What a person hears when it was taken back: `self` is what was done first.
    fn undone(&self) -> Text {
        Text::new(match self {
            Self::Name(_) => "prompts.undone_name",
            Self::Folder(_) => "prompts.undone_folder",
            Self::Tags(_) => "prompts.undone_tags",
            Self::Version(_) => "prompts.undone_version",
            Self::Trashed(Some(_)) => "prompts.undone_trash",
            Self::Trashed(None) => "prompts.undone_restore",
        })
    }

    /// What a person hears when it was done again.
    fn redone(&self) -> Text {
        Text::new(match self {
            Self::Name(_) => "prompts.redone_name",
            Self::Folder(_) => "prompts.redone_folder",
            Self::Tags(_) => "prompts.redone_tags",
            Self::Version(_) => "prompts.redone_version",
            Self::Trashed(Some(_)) => "prompts.redone_trash",
            Self::Trashed(None) => "prompts.redone_restore",
        })
    }
}

/// Does `change` and notes how it is taken back; what had been taken back can no longer be done again.
pub(super) async fn make(
    tx: &mut SqliteConnection,
    prompt: PromptId,
    change: &Change,
    now_ms: i64,
) -> Result<()> {
    let Some(inverse) = change.apply(tx, prompt, now_ms).await? else { return Ok(()) };
    sqlx::query("DELETE FROM prompt_edits WHERE prompt = ? AND undone = 1")
        .bind(&prompt.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO prompt_edits (prompt, at_ms, undo, redo) VALUES (?, ?, ?, ?)")
        .bind(&prompt.as_bytes()[..])
        .bind(now_ms)
        .bind(serde_json::to_string(&inverse)?)
        .bind(serde_json::to_string(change)?)
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes back the newest change, or does the oldest one taken back again.
pub(super) async fn step(
    tx: &mut SqliteConnection,
    prompt: PromptId,
    undo: bool,
    now_ms: i64,
) -> Result<Vec<Stored>> {
    prompts::get(tx, prompt).await?;
    let (newest, nothing) = match undo {
        true => (
            "SELECT seq, undo, redo FROM prompt_edits WHERE prompt = ? AND undone = 0
                ORDER BY seq DESC LIMIT 1",
            "failure.store_nothing_to_undo",
        ),
        false => (
            "SELECT seq, undo, redo FROM prompt_edits WHERE prompt = ? AND undone = 1 ORDER BY seq LIMIT 1",
            "failure.store_nothing_to_redo",
        ),
    };
    let row: Option<(i64, String, String)> =
        sqlx::query_as(newest).bind(&prompt.as_bytes()[..]).fetch_optional(&mut *tx).await?;
    let Some((seq, back, forth)) = row else {
        return Err(Failure::new(FailureKind::Input, Text::new(nothing)).into());
    };
    let (back, forth): (Change, Change) = (serde_json::from_str(&back)?, serde_json::from_str(&forth)?);
    if undo { &back } else { &forth }.apply(tx, prompt, now_ms).await?;
    sqlx::query("UPDATE prompt_edits SET undone = ? WHERE seq = ?")
        .bind(undo)
        .bind(seq)
        .execute(&mut *tx)
        .await?;
    let what = if undo { forth.undone() } else { forth.redone() };
    Ok(vec![prompts::told(tx, prompt).await?, Stored::Prompt(PromptStored::Undone { prompt, what })])
}
