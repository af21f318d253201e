//! Chats as they are read and written: the list, a document with its tree, single messages.

use super::error::{Result, StoreError};
use super::rows::{ChatRow, MessageRow, SummaryRow, chat_id, kind_word, reply_json, role_word, status_word};
use super::search::Search;
use super::{Store, tokens};
use glassworks_protocol::chat::{ChatDocument, ChatRecord, ChatSummary, MessageRecord};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::collections::HashMap;
use std::sync::Arc;

impl Store {
    /// The list, newest first; the trash by when things were put there.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn chats(&self, search: &str, trashed: bool) -> std::result::Result<Vec<ChatSummary>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let mut summaries = list(&mut reader, trashed).await?;
        let search = Search::new(search);
        if !search.is_empty() {
            let mut matches = match search.messages(&mut reader).await {
                Err(e) if self.heals(&e) => {
                    self.rebuild_search().await?;
                    search.messages(&mut reader).await?
                }
                found => found?,
            };
            summaries.retain_mut(|summary| {
                summary.excerpt = matches.remove(&summary.id);
                summary.excerpt.is_some() || search.matches(&summary.title)
            });
        }
        Ok(summaries)
    }

    /// A chat with its whole tree, what was removed from it left out.
    ///
    /// # Errors
    /// When it isn't there, or the disk says no.
    pub async fn chat(&self, id: ChatId) -> std::result::Result<ChatDocument, Failure> {
        let documents = self.documents(&[id]).await?;
        documents.into_iter().next().ok_or_else(chat_gone)
    }
}

/// What has no visible answer is a leaf, and a visible message's parent is visible.
const SUMMARY: &str = "SELECT c.id, c.kind, c.title, c.changed_at_ms, c.trashed_at_ms,
    (SELECT count(*) FROM messages m WHERE m.chat = c.id AND m.hidden_by IS NULL) AS n_messages,
    (SELECT count(*) - count(DISTINCT m.parent) FROM messages m
        WHERE m.chat = c.id AND m.hidden_by IS NULL) AS n_branches,
    (SELECT m.reply ->> '$.model.name' FROM messages m
        WHERE m.chat = c.id AND m.hidden_by IS NULL AND m.reply IS NOT NULL
        ORDER BY m.seq DESC LIMIT 1) AS model_name
    FROM chats c";

async fn list(reader: &mut SqliteConnection, trashed: bool) -> Result<Vec<ChatSummary>> {
    let which = if trashed {
        "WHERE c.trashed_at_ms IS NOT NULL ORDER BY c.trashed_at_ms DESC, c.seq DESC"
    } else {
        "WHERE c.trashed_at_ms IS NULL ORDER BY c.changed_at_ms DESC, c.seq DESC"
    };
    let sql = AssertSqlSafe(format!("{SUMMARY} {which}"));
    let rows: Vec<SummaryRow> = sqlx::query_as(sql).fetch_all(reader).await?;
    rows.into_iter().map(SummaryRow::record).collect()
}

/// The chat's own fields, if it is there.
pub(super) async fn find(connection: &mut SqliteConnection, id: ChatId) -> Result<Option<ChatRecord>> {
    let row: Option<ChatRow> = sqlx::query_as("SELECT * FROM chats WHERE id = ?")
        .bind(&id.as_bytes()[..])
        .fetch_optional(connection)
        .await?;
    row.map(ChatRow::record).transpose()
}

/// # Errors
/// [`FailureKind::Missing`] when it isn't there.
pub(super) async fn get(connection: &mut SqliteConnection, id: ChatId) -> Result<ChatRecord> {
    match find(connection, id).await? {
        Some(chat) => Ok(chat),
        None => Err(chat_gone().into()),
    }
}

fn chat_gone() -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.store_chat_gone"))
}

/// The chat as it stands now, for the window.
pub(super) async fn stored(connection: &mut SqliteConnection, id: ChatId) -> Result<Stored> {
    let chat = get(connection, id).await?;
    let sql = AssertSqlSafe(format!("{SUMMARY} WHERE c.id = ?"));
    let row: SummaryRow = sqlx::query_as(sql).bind(&id.as_bytes()[..]).fetch_one(connection).await?;
    Ok(Stored::Chat { chat: Arc::new(chat), summary: Arc::new(row.record()?) })
}

pub(super) async fn insert(connection: &mut SqliteConnection, chat: &ChatRecord) -> Result<()> {
    sqlx::query(
        "INSERT INTO chats (id, kind, title, titled_by_hand, system_prompt, draft, leaf, template,
            created_at_ms, changed_at_ms, trashed_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&chat.id.as_bytes()[..])
    .bind(kind_word(chat.kind))
    .bind(&chat.title)
    .bind(chat.titled_by_hand)
    .bind(&chat.system_prompt)
    .bind(&chat.draft)
    .bind(chat.leaf.as_ref().map(|leaf| &leaf.as_bytes()[..]))
    .bind(serde_json::to_string(&chat.template)?)
    .bind(chat.created_at_ms)
    .bind(chat.changed_at_ms)
    .bind(chat.trashed_at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

const MESSAGE: &str = "SELECT id, chat, parent, role, text, tail, status, created_at_ms, reply FROM messages";

pub(super) async fn document(connection: &mut SqliteConnection, id: ChatId) -> Result<ChatDocument> {
    let mut chat = get(connection, id).await?;
    let sql = AssertSqlSafe(format!("{MESSAGE} WHERE chat = ? AND hidden_by IS NULL ORDER BY seq"));
    let rows: Vec<MessageRow> =
        sqlx::query_as(sql).bind(&id.as_bytes()[..]).fetch_all(&mut *connection).await?;
    let runs: Vec<(Vec<u8>, i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT t.message, t.first, t.n, t.pieces FROM message_tokens t JOIN messages m ON m.id = t.message
            WHERE m.chat = ? AND m.hidden_by IS NULL ORDER BY t.message, t.first",
    )
    .bind(&id.as_bytes()[..])
    .fetch_all(connection)
    .await?;
    let mut runs_of: HashMap<Vec<u8>, Vec<tokens::Run>> = HashMap::new();
    for (message, first, n, pieces) in runs {
        runs_of.entry(message).or_default().push((first, n, pieces));
    }
    let messages: Vec<Arc<MessageRecord>> = rows
        .into_iter()
        .map(|row| {
            let runs = runs_of.remove(&row.id).unwrap_or_default();
            row.record(runs).map(Arc::new)
        })
        .collect::<Result<_>>()?;
    if !messages.iter().any(|m| Some(m.id) == chat.leaf) {
        chat.leaf = messages.last().map(|m| m.id);
    }
    Ok(ChatDocument { chat, messages })
}

/// One message with its tokens, hidden or not.
pub(super) async fn find_message(
    connection: &mut SqliteConnection,
    id: MessageId,
) -> Result<Option<MessageRecord>> {
    let sql = AssertSqlSafe(format!("{MESSAGE} WHERE id = ?"));
    let row: Option<MessageRow> =
        sqlx::query_as(sql).bind(&id.as_bytes()[..]).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let runs: Vec<tokens::Run> =
        sqlx::query_as("SELECT first, n, pieces FROM message_tokens WHERE message = ? ORDER BY first")
            .bind(&id.as_bytes()[..])
            .fetch_all(connection)
            .await?;
    row.record(runs).map(Some)
}

/// The chat that a message is part of and whether it is shown, if there is such a message.
pub(super) async fn place_of(
    connection: &mut SqliteConnection,
    id: MessageId,
) -> Result<Option<(ChatId, bool)>> {
    let row: Option<(Vec<u8>, bool)> =
        sqlx::query_as("SELECT chat, hidden_by IS NULL FROM messages WHERE id = ?")
            .bind(&id.as_bytes()[..])
            .fetch_optional(connection)
            .await?;
    row.map(|(chat, shown)| Ok((chat_id(&chat)?, shown))).transpose()
}

/// # Errors
/// [`FailureKind::Missing`] unless `id` is a message that `chat` shows.
pub(super) async fn must_show(connection: &mut SqliteConnection, chat: ChatId, id: MessageId) -> Result<()> {
    match place_of(connection, id).await? {
        Some((place, true)) if place == chat => Ok(()),
        _ => Err(message_gone().into()),
    }
}

pub(super) fn message_gone() -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.store_message_gone"))
}

pub(super) async fn insert_message(connection: &mut SqliteConnection, message: &MessageRecord) -> Result<()> {
    sqlx::query(
        "INSERT INTO messages (id, chat, parent, role, text, tail, status, created_at_ms, reply)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&message.id.as_bytes()[..])
    .bind(&message.chat.as_bytes()[..])
    .bind(message.parent.as_ref().map(|parent| &parent.as_bytes()[..]))
    .bind(role_word(message.role))
    .bind(&message.text)
    .bind(&message.tail)
    .bind(status_word(message.status))
    .bind(message.created_at_ms)
    .bind(message.reply.as_ref().map(reply_json).transpose()?)
    .execute(&mut *connection)
    .await?;
    match &message.reply {
        Some(reply) => tokens::replace(connection, message.id.as_bytes(), &reply.tokens).await,
        None => Ok(()),
    }
}

/// Sets the shown path and, unless it is `None`, when the chat changed.
pub(super) async fn set_leaf(
    connection: &mut SqliteConnection,
    chat: ChatId,
    leaf: Option<MessageId>,
    changed_at_ms: Option<i64>,
) -> Result<()> {
    sqlx::query("UPDATE chats SET leaf = ?, changed_at_ms = coalesce(?, changed_at_ms) WHERE id = ?")
        .bind(leaf.as_ref().map(|leaf| &leaf.as_bytes()[..]))
        .bind(changed_at_ms)
        .bind(&chat.as_bytes()[..])
        .execute(connection)
        .await?;
    Ok(())
}
