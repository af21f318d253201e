//! Carrying out what the window asks, with a log of each document's edits for undo and redo.

use super::changes::Change;
use super::error::{Result, StoreError};
use super::{Store, chats, models, predictions, prompts, rows, runs, settings, votes};
use glassworks_protocol::chat::{ChatRecord, MessageRecord, MessageStatus};
use glassworks_protocol::ids::ChatId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, Failure, FailureKind, Stored};
use sqlx::SqliteConnection;
use std::sync::Arc;

impl Store {
    /// Carries out an edit in one transaction; returns the new state of what it touched, once that is on disk.
    ///
    /// # Errors
    /// When what it names is gone, nothing is left to undo, or the disk says no; nothing has changed then.
    pub async fn edit(&self, edit: Edit) -> std::result::Result<Vec<Stored>, Failure> {
        match self.edit_inner(edit.clone()).await {
            Err(e) if self.heals(&e) => {
                self.rebuild_search().await?;
                Ok(self.edit_inner(edit).await?)
            }
            done => Ok(done?),
        }
    }

    async fn edit_inner(&self, edit: Edit) -> Result<Vec<Stored>> {
        let now_ms = self.now();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let stored = carry_out(&mut tx, edit, now_ms).await?;
        tx.commit().await?;
        Ok(stored)
    }
}

async fn carry_out(tx: &mut SqliteConnection, edit: Edit, now_ms: i64) -> Result<Vec<Stored>> {
    let (chat, change) = match edit {
        Edit::CreateChat(chat) => return create(tx, chat).await,
        Edit::SaveDraft { chat, text } => return save_draft(tx, chat, &text).await,
        Edit::ShowBranch { chat, leaf } => {
            chats::must_show(tx, chat, leaf).await?;
            chats::set_leaf(tx, chat, Some(leaf), None).await?;
            return Ok(vec![chats::stored(tx, chat).await?]);
        }
        Edit::DeleteChatForever(chat) => {
            chats::get(tx, chat).await?;
            return delete(tx, chat).await.map(|stored| vec![stored]);
        }
        Edit::EmptyTrash => return empty_trash(tx).await,
        Edit::AddMessage(message) => return add_message(tx, *message, now_ms).await,
        Edit::Undo(chat) => return step(tx, chat, Direction::Undo).await,
        Edit::Redo(chat) => return step(tx, chat, Direction::Redo).await,
        Edit::RenameModel { model, name } => return models::rename(tx, model, &name).await,
        Edit::RemoveModel(model) => return models::remove(tx, model).await,
        Edit::RenameRun { run, name } => return runs::rename(tx, run, &name).await,
        Edit::DeleteCheckpoint { run, kind } => return runs::delete_checkpoint(tx, run, kind).await,
        Edit::SetRunTags { run, tags } => return runs::set_tags(tx, run, &tags).await,
        Edit::SetRunNotes { run, notes } => return runs::set_notes(tx, run, notes).await,
        Edit::TrashRun(run) => return runs::set_trashed(tx, run, Some(now_ms)).await,
        Edit::RestoreRun(run) => return runs::set_trashed(tx, run, None).await,
        Edit::Mend { prediction, row, mend } => {
            return predictions::mend(tx, prediction, row, mend, now_ms).await;
        }
        Edit::UndoMend(prediction) => return predictions::step(tx, prediction, true, now_ms).await,
        Edit::RedoMend(prediction) => return predictions::step(tx, prediction, false, now_ms).await,
        Edit::RemovePrediction(prediction) => return predictions::remove(tx, prediction).await,
        Edit::Prompt(edit) => return prompts::carry_out(tx, edit, now_ms).await,
        // The engine carries them out, for rows lie in files.
        Edit::Dataset(_) => return Err(Failure::new(FailureKind::Bug, Text::new("failure.job_twice")).into()),
        Edit::AddVote(vote) => return votes::add(tx, &vote).await,
        Edit::RemoveVote(vote) => return votes::remove(tx, vote, now_ms).await,
        Edit::RestoreVote(vote) => return votes::restore(tx, vote).await,
        Edit::ResetVotes { at_ms } => return votes::reset(tx, at_ms).await,
        Edit::UndoVotesReset { at_ms } => return votes::undo_reset(tx, at_ms).await,
        Edit::SaveSettings(settings) => return settings::save(tx, *settings).await,
        Edit::RenameChat { chat, title } => {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            // An emptied title is made anew from the first words.
            let by_hand = !title.is_empty();
            let title = if by_hand { title } else { super::replies::automatic_title(tx, chat).await? };
            (chat, Change::Title { title, by_hand })
        }
        Edit::SetSystemPrompt { chat, text } => (chat, Change::SystemPrompt(text)),
        Edit::SetTemplate { chat, template } => (chat, Change::Template(template)),
        Edit::RemoveMessage { chat, message } => (chat, Change::Hide { message, leaf: None }),
        Edit::TrashChat(chat) if chats::get(tx, chat).await?.trashed_at_ms.is_some() => {
            return Ok(vec![chats::stored(tx, chat).await?]);
        }
        Edit::TrashChat(chat) => (chat, Change::Trashed(Some(now_ms))),
        Edit::RestoreChat(chat) => (chat, Change::Trashed(None)),
    };
    if let Some(inverse) = change.apply(tx, chat).await? {
        log(tx, chat, &inverse, &change, now_ms).await?;
    }
    told(tx, chat, &change).await
}

async fn told(tx: &mut SqliteConnection, chat: ChatId, change: &Change) -> Result<Vec<Stored>> {
    let mut stored = vec![chats::stored(tx, chat).await?];
    if change.touches_tree() {
        stored.push(Stored::TreeChanged(chat));
    }
    Ok(stored)
}

async fn create(tx: &mut SqliteConnection, chat: ChatRecord) -> Result<Vec<Stored>> {
    let id = chat.id;
    // The same chat asked for twice, say by a first message that was quicker, is one chat.
    if chats::find(tx, id).await?.is_none() {
        chats::insert(tx, &ChatRecord { leaf: None, ..chat }).await?;
    }
    Ok(vec![chats::stored(tx, id).await?])
}

async fn add_message(tx: &mut SqliteConnection, message: MessageRecord, now_ms: i64) -> Result<Vec<Stored>> {
    let (chat, id) = (message.chat, message.id);
    let before = chats::get(tx, chat).await?;
    if let Some(parent) = message.parent {
        chats::must_show(tx, chat, parent).await?;
    }
    if chats::place_of(tx, id).await?.is_none() {
        let status = match message.status {
            MessageStatus::Streaming => MessageStatus::Complete,
            status => status,
        };
        chats::insert_message(tx, &MessageRecord { status, ..message }).await?;
        chats::set_leaf(tx, chat, Some(id), Some(now_ms)).await?;
        let undo = Change::Hide { message: id, leaf: before.leaf };
        let redo = Change::Show { message: id, leaf: Some(id) };
        super::replies::give_title(tx, chat).await?;
        log(tx, chat, &undo, &redo, now_ms).await?;
    }
    chats::must_show(tx, chat, id).await?;
    let message = chats::find_message(tx, id).await?.ok_or_else(chats::message_gone)?;
    Ok(vec![chats::stored(tx, chat).await?, Stored::Message(Arc::new(message))])
}

async fn save_draft(tx: &mut SqliteConnection, chat: ChatId, text: &str) -> Result<Vec<Stored>> {
    chats::get(tx, chat).await?;
    sqlx::query("UPDATE chats SET draft = ? WHERE id = ?")
        .bind(text)
        .bind(&chat.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    Ok(vec![chats::stored(tx, chat).await?])
}

async fn delete(tx: &mut SqliteConnection, chat: ChatId) -> Result<Stored> {
    sqlx::query("DELETE FROM chats WHERE id = ?").bind(&chat.as_bytes()[..]).execute(tx).await?;
    Ok(Stored::ChatDeleted(chat))
}

async fn empty_trash(tx: &mut SqliteConnection) -> Result<Vec<Stored>> {
    let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM chats WHERE trashed_at_ms IS NOT NULL")
        .fetch_all(&mut *tx)
        .await?;
    let mut stored = Vec::with_capacity(ids.len());
    for id in ids {
        stored.push(delete(tx, rows::chat_id(&id)?).await?);
    }
    Ok(stored)
}

/// Adds an edit to the document's log; what had been taken back can no longer be done again.
async fn log(
    tx: &mut SqliteConnection,
    chat: ChatId,
    undo: &Change,
    redo: &Change,
    now_ms: i64,
) -> Result<()> {
    sqlx::query("DELETE FROM edits WHERE chat = ? AND undone = 1")
        .bind(&chat.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO edits (chat, undo, redo, at_ms) VALUES (?, ?, ?, ?)")
        .bind(&chat.as_bytes()[..])
        .bind(serde_json::to_string(undo)?)
        .bind(serde_json::to_string(redo)?)
        .bind(now_ms)
        .execute(tx)
        .await?;
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Undo,
    Redo,
}

/// Takes back the newest edit, or does the oldest one taken back again.
async fn step(tx: &mut SqliteConnection, chat: ChatId, direction: Direction) -> Result<Vec<Stored>> {
    chats::get(tx, chat).await?;
    let newest = match direction {
        Direction::Undo => {
            "SELECT seq, undo, redo FROM edits WHERE chat = ? AND undone = 0 ORDER BY seq DESC LIMIT 1"
        }
        Direction::Redo => {
            "SELECT seq, undo, redo FROM edits WHERE chat = ? AND undone = 1 ORDER BY seq LIMIT 1"
        }
    };
    let row: Option<(i64, String, String)> =
        sqlx::query_as(newest).bind(&chat.as_bytes()[..]).fetch_optional(&mut *tx).await?;
    let Some((seq, undo, redo)) = row else { return Err(nothing_left(direction).into()) };
    let (undo, redo): (Change, Change) = (serde_json::from_str(&undo)?, serde_json::from_str(&redo)?);
    let change = if direction == Direction::Undo { &undo } else { &redo };
    // The other half is taken anew: the shown branch, say, may have changed since.
    let inverse = change.apply(tx, chat).await?;
    let (undo_now, redo_now) = match (direction, inverse) {
        (Direction::Undo, inverse) => (undo.clone(), inverse.unwrap_or_else(|| redo.clone())),
        (Direction::Redo, inverse) => (inverse.unwrap_or_else(|| undo.clone()), redo.clone()),
    };
    sqlx::query("UPDATE edits SET undone = ?, undo = ?, redo = ? WHERE seq = ?")
        .bind(direction == Direction::Undo)
        .bind(serde_json::to_string(&undo_now)?)
        .bind(serde_json::to_string(&redo_now)?)
        .bind(seq)
        .execute(&mut *tx)
        .await?;
    let mut stored = told(tx, chat, change).await?;
    let what = if direction == Direction::Undo { redo.undone() } else { redo.redone() };
    let (can_undo, can_redo) = reach(tx, chat).await?;
    stored.push(Stored::Undone { chat, what, can_undo, can_redo });
    Ok(stored)
}

async fn reach(tx: &mut SqliteConnection, chat: ChatId) -> Result<(bool, bool)> {
    sqlx::query_as(
        "SELECT coalesce(min(undone) = 0, 0), coalesce(max(undone) = 1, 0) FROM edits WHERE chat = ?",
    )
    .bind(&chat.as_bytes()[..])
    .fetch_one(tx)
    .await
    .map_err(StoreError::from)
}

fn nothing_left(direction: Direction) -> Failure {
    let key = match direction {
        Direction::Undo => "failure.store_nothing_to_undo",
        Direction::Redo => "failure.store_nothing_to_redo",
    };
    Failure::new(FailureKind::Input, Text::new(key))
}
