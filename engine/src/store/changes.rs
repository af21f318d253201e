//! Changes to a document that can be taken back: each knows how to happen, and what would undo it.

use super::error::Result;
use super::{chats, rows};
use glassworks_protocol::chat::TemplateOptions;
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::text::Text;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

/// Stored as JSON in the edit log, so variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    Title {
        title: String,
        by_hand: bool,
    },
    SystemPrompt(String),
    Template(TemplateOptions),
    /// Hide a message and what is shown below it; `leaf` is shown then, or the nearest one left.
    Hide {
        message: MessageId,
        leaf: Option<MessageId>,
    },
    /// Show again what went with `message`.
    Show {
        message: MessageId,
        leaf: Option<MessageId>,
    },
    Trashed(Option<i64>),
}

impl Change {
    /// Does it; returns its inverse, or `None` when nothing was to be done.
    pub async fn apply(&self, connection: &mut SqliteConnection, chat: ChatId) -> Result<Option<Self>> {
        let now = chats::get(connection, chat).await?;
        let id = &chat.as_bytes()[..];
        let inverse = match self {
            Self::Title { title, by_hand } => {
                sqlx::query("UPDATE chats SET title = ?, titled_by_hand = ? WHERE id = ?")
                    .bind(title)
                    .bind(by_hand)
                    .bind(id)
                    .execute(connection)
                    .await?;
                Self::Title { title: now.title, by_hand: now.titled_by_hand }
            }
            Self::SystemPrompt(text) => {
                sqlx::query("UPDATE chats SET system_prompt = ? WHERE id = ?")
                    .bind(text)
                    .bind(id)
                    .execute(connection)
                    .await?;
                Self::SystemPrompt(now.system_prompt)
            }
            Self::Template(template) => {
                sqlx::query("UPDATE chats SET template = ? WHERE id = ?")
                    .bind(serde_json::to_string(template)?)
                    .bind(id)
                    .execute(connection)
                    .await?;
                Self::Template(now.template)
            }
            Self::Hide { message, leaf } => {
                chats::must_show(connection, chat, *message).await?;
                hide(connection, *message).await?;
                let leaf = leaf_after_hiding(connection, chat, *message, [*leaf, now.leaf]).await?;
                chats::set_leaf(connection, chat, leaf, None).await?;
                Self::Show { message: *message, leaf: now.leaf }
            }
            Self::Show { message, leaf } => {
                sqlx::query("UPDATE messages SET hidden_by = NULL WHERE chat = ? AND hidden_by = ?")
                    .bind(id)
                    .bind(&message.as_bytes()[..])
                    .execute(&mut *connection)
                    .await?;
                chats::set_leaf(connection, chat, leaf.or(now.leaf), None).await?;
                Self::Hide { message: *message, leaf: now.leaf }
            }
            Self::Trashed(at_ms) => {
                sqlx::query("UPDATE chats SET trashed_at_ms = ? WHERE id = ?")
                    .bind(at_ms)
                    .bind(id)
                    .execute(connection)
                    .await?;
                Self::Trashed(now.trashed_at_ms)
            }
        };
        Ok((inverse != *self).then_some(inverse))
    }

    /// Whether the tree has other messages afterwards.
    pub fn touches_tree(&self) -> bool {
        matches!(self, Self::Hide { .. } | Self::Show { .. })
    }

    /// What a person hears when it was taken back: `self` is what was done first.
    pub fn undone(&self) -> Text {
        Text::new(match self {
            Self::Title { .. } => "playground.undone_title",
            Self::SystemPrompt(_) => "playground.undone_system_prompt",
            Self::Template(_) => "playground.undone_template",
            Self::Hide { .. } => "playground.undone_remove",
            Self::Show { .. } => "playground.undone_add",
            Self::Trashed(Some(_)) => "playground.undone_trash",
            Self::Trashed(None) => "playground.undone_restore",
        })
    }

    /// What a person hears when it was done again.
    pub fn redone(&self) -> Text {
        Text::new(match self {
            Self::Title { .. } => "playground.redone_title",
            Self::SystemPrompt(_) => "playground.redone_system_prompt",
            Self::Template(_) => "playground.redone_template",
            Self::Hide { .. } => "playground.redone_remove",
            Self::Show { .. } => "playground.redone_add",
            Self::Trashed(Some(_)) => "playground.redone_trash",
            Self::Trashed(None) => "playground.redone_restore",
        })
    }
}

/// What an earlier removal hid stays its own, so that undoing either brings back what went with it.
async fn hide(connection: &mut SqliteConnection, message: MessageId) -> Result<()> {
    sqlx::query(
        "WITH RECURSIVE below (id) AS (
            SELECT ?1 UNION
            SELECT m.id FROM messages m JOIN below ON m.parent = below.id
         ) UPDATE messages SET hidden_by = ?1 WHERE hidden_by IS NULL AND id IN below",
    )
    .bind(&message.as_bytes()[..])
    .execute(connection)
    .await?;
    Ok(())
}

/// The first candidate still shown; else the newest message below the removed one's parent; else the parent.
async fn leaf_after_hiding(
    connection: &mut SqliteConnection,
    chat: ChatId,
    removed: MessageId,
    candidates: [Option<MessageId>; 2],
) -> Result<Option<MessageId>> {
    for candidate in candidates.into_iter().flatten() {
        if matches!(chats::place_of(connection, candidate).await?, Some((place, true)) if place == chat) {
            return Ok(Some(candidate));
        }
    }
    let newest: Option<Vec<u8>> = sqlx::query_scalar(
        "WITH RECURSIVE below (id, seq) AS (
            SELECT m.id, m.seq FROM messages m
                WHERE m.chat = ?1 AND m.hidden_by IS NULL
                AND m.parent IS (SELECT parent FROM messages WHERE id = ?2) UNION
            SELECT m.id, m.seq FROM messages m JOIN below ON m.parent = below.id WHERE m.hidden_by IS NULL
         ) SELECT id FROM below ORDER BY seq DESC LIMIT 1",
    )
    .bind(&chat.as_bytes()[..])
    .bind(&removed.as_bytes()[..])
    .fetch_optional(&mut *connection)
    .await?;
    let leaf = match newest {
        Some(leaf) => Some(leaf),
        None => {
            sqlx::query_scalar::<_, Option<Vec<u8>>>("SELECT parent FROM messages WHERE id = ?")
                .bind(&removed.as_bytes()[..])
                .fetch_one(connection)
                .await?
        }
    };
    leaf.as_deref().map(rows::message_id).transpose()
}
