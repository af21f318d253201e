//! The prompt library: records and their versions, and the edits that a person makes, with their undo.

use super::Store;
use super::error::{Result, StoreError};
use super::prompt_changes::{self as changes, Change};
use glassworks_protocol::ids::PromptId;
use glassworks_protocol::prompts::{
    PromptBody, PromptEdit, PromptRecord, PromptStored, PromptVersion, folder_path,
};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::{FromRow, SqliteConnection};
use std::sync::Arc;

impl Store {
    /// All prompts, those in the trash too, in the order of making.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn prompts(&self) -> std::result::Result<Vec<Arc<PromptRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM prompts ORDER BY seq")
            .fetch_all(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        let mut all = Vec::with_capacity(ids.len());
        for id in ids.iter().filter_map(|id| PromptId::from_slice(id)) {
            all.extend(find(&mut reader, id).await?.map(Arc::new));
        }
        Ok(all)
    }

    /// What a prompt was, newest first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn prompt_versions(
        &self,
        prompt: PromptId,
    ) -> std::result::Result<Vec<Arc<PromptVersion>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<VersionRow> = sqlx::query_as(
            "SELECT n, label, body, at_ms FROM prompt_versions WHERE prompt = ? ORDER BY n DESC",
        )
        .bind(&prompt.as_bytes()[..])
        .fetch_all(&mut *reader)
        .await
        .map_err(StoreError::from)?;
        Ok(rows.into_iter().map(|row| Arc::new(row.version(prompt))).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// When it isn't there, or the disk says no.
    pub async fn prompt_version(
        &self,
        prompt: PromptId,
        n: u32,
    ) -> std::result::Result<PromptVersion, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        version(&mut reader, prompt, n).await?.ok_or_else(gone)
    }

    /// Adds prompts, all or none; what is stored of each.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn add_prompts(&self, prompts: Vec<PromptRecord>) -> std::result::Result<Vec<Stored>, Failure> {
        Ok(self.add_prompts_inner(prompts).await?)
    }

    async fn add_prompts_inner(&self, prompts: Vec<PromptRecord>) -> Result<Vec<Stored>> {
        let now_ms = self.now();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let mut stored = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            stored.extend(create(&mut tx, prompt, now_ms).await?);
        }
        tx.commit().await?;
        Ok(stored)
    }
}

#[derive(FromRow)]
struct PromptRow {
    name: String,
    folder: String,
    tags: String,
    version: u32,
    draft: Option<String>,
    created_at_ms: i64,
    changed_at_ms: i64,
    trashed_at_ms: Option<i64>,
    n_versions: u32,
    can_undo: bool,
    can_redo: bool,
}

#[derive(FromRow)]
struct VersionRow {
    n: u32,
    label: String,
    body: String,
    at_ms: i64,
}

impl VersionRow {
    fn version(self, prompt: PromptId) -> PromptVersion {
        PromptVersion { prompt, n: self.n, label: self.label, body: body(&self.body), at_ms: self.at_ms }
    }
}

/// What can't be read of it costs only itself.
fn body(json: &str) -> PromptBody {
    let Ok(fields) = serde_json::from_str(json) else { return PromptBody::default() };
    let (body, bad) = super::lenient::overlay(PromptBody::default(), &fields);
    if !bad.is_empty() {
        tracing::warn!("parts of a prompt cannot be read: {}", bad.join(", "));
    }
    body
}

async fn version(
    connection: &mut SqliteConnection,
    prompt: PromptId,
    n: u32,
) -> Result<Option<PromptVersion>> {
    let row: Option<VersionRow> =
        sqlx::query_as("SELECT n, label, body, at_ms FROM prompt_versions WHERE prompt = ? AND n = ?")
            .bind(&prompt.as_bytes()[..])
            .bind(n)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|row| row.version(prompt)))
}

pub(super) async fn find(connection: &mut SqliteConnection, id: PromptId) -> Result<Option<PromptRecord>> {
    let row: Option<PromptRow> = sqlx::query_as(
        "SELECT name, folder, tags, version, draft, created_at_ms, changed_at_ms, trashed_at_ms,
            (SELECT count(*) FROM prompt_versions WHERE prompt = p.id) AS n_versions,
            EXISTS (SELECT 1 FROM prompt_edits WHERE prompt = p.id AND undone = 0) AS can_undo,
            EXISTS (SELECT 1 FROM prompt_edits WHERE prompt = p.id AND undone = 1) AS can_redo
            FROM prompts p WHERE id = ?",
    )
    .bind(&id.as_bytes()[..])
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let in_force = version(connection, id, row.version).await?;
    Ok(Some(PromptRecord {
        id,
        name: row.name,
        folder: row.folder,
        tags: serde_json::from_str(&row.tags).unwrap_or_default(),
        body: in_force.map(|version| version.body).unwrap_or_default(),
        draft: row.draft.as_deref().map(|json| Box::new(body(json))),
        version: row.version,
        n_versions: row.n_versions,
        created_at_ms: row.created_at_ms,
        changed_at_ms: row.changed_at_ms,
        trashed_at_ms: row.trashed_at_ms,
        can_undo: row.can_undo,
        can_redo: row.can_redo,
    }))
}

fn gone() -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.prompt_gone"))
        .hint(Text::new("failure.prompt_gone_hint"))
}

pub(super) async fn get(connection: &mut SqliteConnection, id: PromptId) -> Result<PromptRecord> {
    Ok(find(connection, id).await?.ok_or_else(gone)?)
}

pub(super) async fn told(connection: &mut SqliteConnection, id: PromptId) -> Result<Stored> {
    let record = get(connection, id).await?;
    Ok(Stored::Prompt(PromptStored::Prompt(Arc::new(record))))
}

/// Carries an edit of the library out.
pub(super) async fn carry_out(
    tx: &mut SqliteConnection,
    edit: PromptEdit,
    now_ms: i64,
) -> Result<Vec<Stored>> {
    let (prompt, change) = match edit {
        PromptEdit::Create(record) => return create(tx, *record, now_ms).await,
        PromptEdit::Draft { prompt, draft } => return keep_draft(tx, prompt, draft.as_deref()).await,
        PromptEdit::Save { prompt, body, label } => return save(tx, prompt, &body, &label, now_ms).await,
        PromptEdit::Label { prompt, version, label } => return relabel(tx, prompt, version, &label).await,
        PromptEdit::DeleteForever(prompt) => return delete(tx, prompt).await,
        PromptEdit::Undo(prompt) => return changes::step(tx, prompt, true, now_ms).await,
        PromptEdit::Redo(prompt) => return changes::step(tx, prompt, false, now_ms).await,
        PromptEdit::SaveSheet { prompt, sheet } => {
            return super::prompt_runs::save_sheet(tx, prompt, &sheet, now_ms).await;
        }
        PromptEdit::RemoveRun(run) => return super::prompt_runs::remove(tx, run).await,
        PromptEdit::Rename { prompt, name } => {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            if name.is_empty() {
                return Ok(vec![told(tx, prompt).await?]);
            }
            (prompt, Change::Name(name))
        }
        PromptEdit::Move { prompt, folder } => (prompt, Change::Folder(folder_path(&folder))),
        PromptEdit::Tag { prompt, tags } => (prompt, Change::Tags(tidy_tags(&tags))),
        PromptEdit::Trash(prompt) if get(tx, prompt).await?.trashed_at_ms.is_some() => {
            return Ok(vec![told(tx, prompt).await?]);
        }
        PromptEdit::Trash(prompt) => (prompt, Change::Trashed(Some(now_ms))),
        PromptEdit::Restore(prompt) => (prompt, Change::Trashed(None)),
    };
    changes::make(tx, prompt, &change, now_ms).await?;
    Ok(vec![told(tx, prompt).await?])
}

/// Each once, none blank.
fn tidy_tags(tags: &[String]) -> Vec<String> {
    let mut tidy: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.split_whitespace().collect::<Vec<_>>().join(" ")) {
        if !tag.is_empty() && !tidy.iter().any(|one| one.to_lowercase() == tag.to_lowercase()) {
            tidy.push(tag);
        }
    }
    tidy
}

async fn create(tx: &mut SqliteConnection, record: PromptRecord, now_ms: i64) -> Result<Vec<Stored>> {
    let id = record.id;
    // The same one asked for twice is one.
    if find(tx, id).await?.is_none() {
        sqlx::query(
            "INSERT INTO prompts (id, name, folder, tags, version, draft, created_at_ms, changed_at_ms)
                VALUES (?, ?, ?, ?, 1, NULL, ?, ?)",
        )
        .bind(&id.as_bytes()[..])
        .bind(record.name.trim())
        .bind(folder_path(&record.folder))
        .bind(serde_json::to_string(&tidy_tags(&record.tags))?)
        .bind(record.created_at_ms)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        add_version(tx, id, 1, "", &record.body.tidied(), now_ms).await?;
    }
    Ok(vec![told(tx, id).await?])
}

async fn add_version(
    tx: &mut SqliteConnection,
    prompt: PromptId,
    n: u32,
    label: &str,
    body: &PromptBody,
    now_ms: i64,
) -> Result<()> {
    sqlx::query("INSERT INTO prompt_versions (prompt, n, label, body, at_ms) VALUES (?, ?, ?, ?, ?)")
        .bind(&prompt.as_bytes()[..])
        .bind(n)
        .bind(label)
        .bind(serde_json::to_string(body)?)
        .bind(now_ms)
        .execute(tx)
        .await?;
    Ok(())
}

async fn keep_draft(
    tx: &mut SqliteConnection,
    prompt: PromptId,
    draft: Option<&PromptBody>,
) -> Result<Vec<Stored>> {
    let record = get(tx, prompt).await?;
    // What is as it was is no draft.
    let draft = draft.filter(|draft| draft.tidied() != record.body).map(serde_json::to_string).transpose()?;
    sqlx::query("UPDATE prompts SET draft = ? WHERE id = ?")
        .bind(draft)
        .bind(&prompt.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    Ok(vec![told(tx, prompt).await?])
}

async fn save(
    tx: &mut SqliteConnection,
    prompt: PromptId,
    body: &PromptBody,
    label: &str,
    now_ms: i64,
) -> Result<Vec<Stored>> {
    let record = get(tx, prompt).await?;
    keep_draft(tx, prompt, None).await?;
    let (body, label) = (body.tidied(), label.trim());
    if body == record.body {
        return match label.is_empty() {
            true => Ok(vec![told(tx, prompt).await?]),
            false => relabel(tx, prompt, record.version, label).await,
        };
    }
    let newest: Option<u32> = sqlx::query_scalar("SELECT max(n) FROM prompt_versions WHERE prompt = ?")
        .bind(&prompt.as_bytes()[..])
        .fetch_one(&mut *tx)
        .await?;
    let n = newest.unwrap_or(0) + 1;
    add_version(tx, prompt, n, label, &body, now_ms).await?;
    changes::make(tx, prompt, &Change::Version(n), now_ms).await?;
    let version = PromptVersion { prompt, n, label: label.to_owned(), body, at_ms: now_ms };
    let version = Stored::Prompt(PromptStored::Version(Arc::new(version)));
    Ok(vec![version, told(tx, prompt).await?])
}

async fn relabel(tx: &mut SqliteConnection, prompt: PromptId, n: u32, label: &str) -> Result<Vec<Stored>> {
    sqlx::query("UPDATE prompt_versions SET label = ? WHERE prompt = ? AND n = ?")
        .bind(label.trim())
        .bind(&prompt.as_bytes()[..])
        .bind(n)
        .execute(&mut *tx)
        .await?;
    let version = version(tx, prompt, n).await?.ok_or_else(gone)?;
    Ok(vec![Stored::Prompt(PromptStored::Version(Arc::new(version))), told(tx, prompt).await?])
}

async fn delete(tx: &mut SqliteConnection, prompt: PromptId) -> Result<Vec<Stored>> {
    get(tx, prompt).await?;
    sqlx::query("DELETE FROM prompts WHERE id = ?").bind(&prompt.as_bytes()[..]).execute(tx).await?;
    Ok(vec![Stored::Prompt(PromptStored::Deleted(prompt))])
}
