//! A reply's life: begun together with its question, saved while it streams, ended.

use super::error::Result;
use super::rows::status_word;
use super::{Store, chats, rows, title, tokens};
use glassworks_protocol::chat::{ChatRecord, MessageRecord, MessageStatus, ReplyRecord, Role};
use glassworks_protocol::generate::{BranchSpec, KeepReply, ReplyStats, TokenPiece};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::SqliteConnection;
use std::sync::Arc;

/// What is on disk before the model starts.
#[derive(Clone, Debug)]
pub struct Begun {
    pub stored: Vec<Stored>,
    /// The reply as it stands: its text and tokens are not empty when it goes on from an earlier stop.
    pub reply: Arc<MessageRecord>,
    /// Whether the reply was not there before.
    pub is_new: bool,
}

impl Begun {
    /// The tokens the reply goes on from.
    #[must_use]
    pub fn existing_tokens(&self) -> Arc<Vec<TokenPiece>> {
        self.reply.reply.as_ref().map_or_else(Arc::default, |reply| Arc::clone(&reply.tokens))
    }
}

impl Store {
    /// Saves the chat if it is new, the question, and the reply as streaming, in one transaction; shows the
    /// reply's branch and titles an untitled chat. `record` says who writes; its tokens and stats are not used. A
    /// new reply that parts from another one has that one's first tokens.
    ///
    /// # Errors
    /// When the parent is gone or the disk says no.
    pub async fn begin_reply(
        &self,
        keep: &KeepReply,
        record: &ReplyRecord,
    ) -> std::result::Result<Begun, Failure> {
        Ok(self.begin_inner(keep, record).await?)
    }

    async fn begin_inner(&self, keep: &KeepReply, record: &ReplyRecord) -> Result<Begun> {
        let now_ms = self.now();
        let chat = keep.chat.id;
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        if chats::find(&mut tx, chat).await?.is_none() {
            chats::insert(&mut tx, &ChatRecord { leaf: None, ..keep.chat.clone() }).await?;
        }
        let mut stored = Vec::new();
        if let Some(question) = &keep.question {
            save_question(&mut tx, chat, question).await?;
            stored.extend(message_stored(&mut tx, question.id).await?);
        }
        let is_new = open_reply(&mut tx, keep, record, now_ms).await?;
        chats::set_leaf(&mut tx, chat, Some(keep.reply), Some(now_ms)).await?;
        give_title(&mut tx, chat).await?;
        let reply = chats::find_message(&mut tx, keep.reply).await?.ok_or_else(chats::message_gone)?;
        let reply = Arc::new(reply);
        stored.push(Stored::Message(Arc::clone(&reply)));
        stored.insert(0, chats::stored(&mut tx, chat).await?);
        tx.commit().await?;
        Ok(Begun { stored, reply, is_new })
    }

    /// Saves what there is of a streaming reply: its text, and those of `tokens` (all so far) that are new.
    /// Cheap enough for twice a second.
    ///
    /// # Errors
    /// When the reply's chat was deleted meanwhile, or the disk says no.
    pub async fn save_reply_progress(
        &self,
        reply: MessageId,
        text: &str,
        tokens: &[TokenPiece],
    ) -> std::result::Result<(), Failure> {
        Ok(self.progress_inner(reply, text, tokens).await?)
    }

    async fn progress_inner(&self, reply: MessageId, text: &str, tokens: &[TokenPiece]) -> Result<()> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let updated = sqlx::query("UPDATE messages SET text = ? WHERE id = ?")
            .bind(text)
            .bind(&reply.as_bytes()[..])
            .execute(&mut *tx)
            .await?;
        if updated.rows_affected() == 0 {
            return Err(chats::message_gone().into());
        }
        tokens::append(&mut tx, reply.as_bytes(), tokens).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a reply: `tokens` are all of it, `stats` are `None` only when it failed before there were any.
    ///
    /// # Errors
    /// When the reply's chat was deleted meanwhile, or the disk says no.
    pub async fn finish_reply(
        &self,
        reply: MessageId,
        text: &str,
        tokens: &[TokenPiece],
        status: MessageStatus,
        stats: Option<ReplyStats>,
    ) -> std::result::Result<Vec<Stored>, Failure> {
        match self.finish_inner(reply, text, tokens, status, stats.clone()).await {
            Err(e) if self.heals(&e) => {
                self.rebuild_search().await?;
                Ok(self.finish_inner(reply, text, tokens, status, stats).await?)
            }
            done => Ok(done?),
        }
    }

    async fn finish_inner(
        &self,
        reply: MessageId,
        text: &str,
        tokens: &[TokenPiece],
        status: MessageStatus,
        stats: Option<ReplyStats>,
    ) -> Result<Vec<Stored>> {
        let now_ms = self.now();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let message = chats::find_message(&mut tx, reply).await?.ok_or_else(chats::message_gone)?;
        let meta = message.reply.map(|record| rows::reply_json(&ReplyRecord { stats, ..record }));
        sqlx::query("UPDATE messages SET text = ?, status = ?, reply = ? WHERE id = ?")
            .bind(text)
            .bind(status_word(status))
            .bind(meta.transpose()?)
            .bind(&reply.as_bytes()[..])
            .execute(&mut *tx)
            .await?;
        tokens::replace(&mut tx, reply.as_bytes(), tokens).await?;
        sqlx::query("UPDATE chats SET changed_at_ms = ? WHERE id = ?")
            .bind(now_ms)
            .bind(&message.chat.as_bytes()[..])
            .execute(&mut *tx)
            .await?;
        let mut stored = message_stored(&mut tx, reply).await?;
        stored.push(chats::stored(&mut tx, message.chat).await?);
        tx.commit().await?;
        Ok(stored)
    }
}

async fn message_stored(tx: &mut SqliteConnection, id: MessageId) -> Result<Vec<Stored>> {
    let message = chats::find_message(tx, id).await?;
    Ok(message.map(|m| Stored::Message(Arc::new(m))).into_iter().collect())
}

async fn save_question(tx: &mut SqliteConnection, chat: ChatId, question: &MessageRecord) -> Result<()> {
    if let Some((place, shown)) = chats::place_of(tx, question.id).await? {
        // Already saved by an attempt that failed later.
        return if place == chat && shown { Ok(()) } else { Err(chats::message_gone().into()) };
    }
    if let Some(parent) = question.parent {
        chats::must_show(tx, chat, parent).await?;
    }
    let question = MessageRecord { chat, status: MessageStatus::Complete, ..question.clone() };
    chats::insert_message(tx, &question).await
}

/// Says whether the reply is a new one.
async fn open_reply(
    tx: &mut SqliteConnection,
    keep: &KeepReply,
    record: &ReplyRecord,
    now_ms: i64,
) -> Result<bool> {
    let chat = keep.chat.id;
    let record = ReplyRecord { stats: None, tokens: Arc::default(), ..record.clone() };
    if let Some(existing) = chats::find_message(tx, keep.reply).await? {
        chats::must_show(tx, chat, keep.reply).await?;
        let no_tokens = existing.reply.is_none_or(|reply| reply.tokens.is_empty());
        if existing.role != Role::Assistant || (no_tokens && !existing.text.is_empty()) {
            // Written by hand or by another program: going on from its tokens would lose its text.
            let text = Text::new("failure.store_cannot_continue");
            let hint = Text::new("failure.store_cannot_continue_hint");
            return Err(Failure::new(FailureKind::Input, text).hint(hint).into());
        }
        sqlx::query("UPDATE messages SET status = 'streaming', reply = ? WHERE id = ?")
            .bind(rows::reply_json(&record)?)
            .bind(&keep.reply.as_bytes()[..])
            .execute(tx)
            .await?;
        return Ok(false);
    }
    if let Some(parent) = keep.parent {
        chats::must_show(tx, chat, parent).await?;
    }
    let kept = match &keep.branch {
        Some(branch) => beginning(tx, chat, branch).await?,
        None => Vec::new(),
    };
    let reply = MessageRecord {
        id: keep.reply,
        chat,
        parent: keep.parent,
        role: Role::Assistant,
        text: kept.iter().map(|piece| piece.text.as_str()).collect(),
        tail: String::new(),
        status: MessageStatus::Streaming,
        created_at_ms: now_ms,
        reply: Some(ReplyRecord { tokens: Arc::new(kept), ..record }),
    };
    chats::insert_message(tx, &reply).await?;
    Ok(true)
}

/// The tokens that a branch keeps of the reply it parts from.
async fn beginning(tx: &mut SqliteConnection, chat: ChatId, branch: &BranchSpec) -> Result<Vec<TokenPiece>> {
    chats::must_show(tx, chat, branch.of).await?;
    let of = chats::find_message(tx, branch.of).await?.ok_or_else(chats::message_gone)?;
    let tokens = of.reply.map(|reply| reply.tokens).unwrap_or_default();
    let kept = tokens.get(..branch.n_kept as usize).ok_or_else(chats::message_gone)?;
    Ok(kept.to_vec())
}

/// Titles a chat that has no title yet.
pub(super) async fn give_title(tx: &mut SqliteConnection, chat: ChatId) -> Result<()> {
    let now = chats::get(tx, chat).await?;
    if now.titled_by_hand || !now.title.is_empty() {
        return Ok(());
    }
    let title = automatic_title(tx, chat).await?;
    sqlx::query("UPDATE chats SET title = ? WHERE id = ?")
        .bind(title)
        .bind(&chat.as_bytes()[..])
        .execute(tx)
        .await?;
    Ok(())
}

/// From the first words of the first thing a person wrote; empty while there is nothing.
pub(super) async fn automatic_title(tx: &mut SqliteConnection, chat: ChatId) -> Result<String> {
    let first: Option<String> = sqlx::query_scalar(
        "SELECT text FROM messages WHERE chat = ? AND role <> 'assistant' AND hidden_by IS NULL
            ORDER BY seq LIMIT 1",
    )
    .bind(&chat.as_bytes()[..])
    .fetch_optional(tx)
    .await?;
    Ok(first.map_or_else(String::new, |text| title::from_text(&text)))
}
