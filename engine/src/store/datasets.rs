//! What is kept of datasets besides their rows: the record that a list shows, which state file counts, edits with
//! their inverses, versions, and which unreadable lines are done with.

use super::Store;
use super::error::{Result, StoreError};
use glassworks_protocol::datasets::DatasetRecord;
use glassworks_protocol::datasets::edit::VersionRecord;
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// A dataset, and the state of its rows that the present is reached from.
#[derive(Clone, Debug)]
pub struct KeptDataset {
    pub record: DatasetRecord,
    pub state: u32,
    /// No row has had this id or a higher one.
    pub next_row: u32,
}

/// An edit that was made. Steps are JSON of whoever carries them out.
#[derive(Clone, Debug)]
pub struct LoggedEdit {
    pub seq: i64,
    pub undo: String,
    pub redo: String,
    pub what: Text,
}

/// What makes the present of a state: first `back` undone, then `forth` done.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    pub back: Vec<LoggedEdit>,
    pub forth: Vec<LoggedEdit>,
}

/// What one change writes, all of it or nothing.
#[derive(Clone, Debug)]
pub struct DatasetCommit {
    /// As it is from now on; `undo` and `redo` are filled in.
    pub record: DatasetRecord,
    /// As [`KeptDataset::next_row`].
    pub next_row: u32,
    /// A state file that holds everything up to and with this change.
    pub state: Option<u32>,
    pub log: Log,
    /// A version, and its state.
    pub version: Option<(VersionRecord, u32)>,
    /// Unreadable lines that are done with now, or are not any more.
    pub bad_done: Vec<(u64, bool)>,
}

#[derive(Clone, Debug, Default)]
pub enum Log {
    /// Cannot be undone.
    #[default]
    Nothing,
    /// What had been taken back can no longer be done again.
    New { undo: String, redo: String, what: Text },
    /// An edit was taken back, or done again.
    Stepped { seq: i64, undone: bool },
}

impl Store {
    /// All that are kept, those in the trash too, the newest change first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn datasets(&self) -> std::result::Result<Vec<KeptDataset>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<(String, i64, i64)> = sqlx::query_as("SELECT record, state, next_row FROM datasets")
            .fetch_all(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        let mut all = Vec::with_capacity(rows.len());
        for (json, state, next_row) in rows {
            // One of a shape we can't read hides itself, not the others.
            match serde_json::from_str(&json) {
                Ok(record) => {
                    all.push(KeptDataset { record, state: state as u32, next_row: next_row as u32 })
                }
                Err(error) => tracing::warn!("a dataset is left out: {error}"),
            }
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.record.changed_at_ms));
        Ok(all)
    }

    /// # Errors
    /// When it is gone, or the disk says no.
    pub async fn dataset(&self, id: DatasetId) -> std::result::Result<KeptDataset, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        Ok(get(&mut reader, id).await?)
    }

    /// What is to be done to its state file to come to the present.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn dataset_replay(&self, id: DatasetId) -> std::result::Result<Replay, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        Ok(replay(&mut reader, id).await?)
    }

    /// The edit that is taken back next, or done again next.
    ///
    /// # Errors
    /// `Failure` when there is none, or the disk says no.
    pub async fn dataset_step(&self, id: DatasetId, undo: bool) -> std::result::Result<LoggedEdit, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let nothing = if undo { "failure.store_nothing_to_undo" } else { "failure.store_nothing_to_redo" };
        let next = next(&mut reader, id, undo).await?;
        next.ok_or_else(|| Failure::new(FailureKind::Input, Text::new(nothing)))
    }

    /// The steps of every edit, those that take it back and those that do it, as they were written.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn dataset_steps(&self, id: DatasetId) -> std::result::Result<Vec<String>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT undo, redo FROM dataset_edits WHERE dataset = ?")
                .bind(&id.as_bytes()[..])
                .fetch_all(&mut *reader)
                .await
                .map_err(StoreError::from)?;
        Ok(rows.into_iter().flat_map(|(undo, redo)| [undo, redo]).collect())
    }

    /// Writes a change; returns the record as it is now.
    ///
    /// # Errors
    /// When the disk says no; nothing is written then.
    pub async fn commit_dataset(&self, commit: DatasetCommit) -> std::result::Result<DatasetRecord, Failure> {
        Ok(self.commit_dataset_inner(commit).await?)
    }

    async fn commit_dataset_inner(&self, commit: DatasetCommit) -> Result<DatasetRecord> {
        let now_ms = self.now();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let mut record = commit.record;
        record.changed_at_ms = now_ms;
        let id = record.id;
        let key = &id.as_bytes()[..];
        sqlx::query(
            "INSERT INTO datasets (id, record, state, through, next_row) VALUES (?, '', 0, 0, 0)
                ON CONFLICT (id) DO NOTHING",
        )
        .bind(key)
        .execute(&mut *tx)
        .await?;
        log(&mut tx, id, commit.log, now_ms).await?;
        if let Some(state) = commit.state {
            sqlx::query(
                "UPDATE datasets SET state = ?,
                    through = (SELECT coalesce(max(seq), 0) FROM dataset_edits WHERE dataset = ? AND undone = 0)
                    WHERE id = ?",
            )
            .bind(state)
            .bind(key)
            .bind(key)
            .execute(&mut *tx)
            .await?;
        }
        if let Some((version, state)) = commit.version {
            add_version(&mut tx, id, &version, state).await?;
        }
        for (bad, done) in commit.bad_done {
            let query = match done {
                true => "INSERT INTO dataset_bad_done (dataset, bad) VALUES (?, ?) ON CONFLICT DO NOTHING",
                false => "DELETE FROM dataset_bad_done WHERE dataset = ? AND bad = ?",
            };
            sqlx::query(query).bind(key).bind(bad as i64).execute(&mut *tx).await?;
        }
        record.undo = next(&mut tx, id, true).await?.map(|edit| edit.what);
        record.redo = next(&mut tx, id, false).await?.map(|edit| edit.what);
        sqlx::query("UPDATE datasets SET record = ?, next_row = max(next_row, ?) WHERE id = ?")
            .bind(serde_json::to_string(&record)?)
            .bind(commit.next_row)
            .bind(key)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(record)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn dataset_versions(
        &self,
        id: DatasetId,
    ) -> std::result::Result<Vec<(VersionRecord, u32)>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<(i64, i64, i64, i64, String, String)> = sqlx::query_as(
            "SELECT n, state, n_rows, at_ms, what, label FROM dataset_versions WHERE dataset = ? ORDER BY n DESC",
        )
        .bind(&id.as_bytes()[..])
        .fetch_all(&mut *reader)
        .await
        .map_err(StoreError::from)?;
        let version = |(n, state, n_rows, at_ms, what, label): (i64, i64, i64, i64, String, String)| {
            let what = serde_json::from_str(&what).unwrap_or_else(|_| Text::new("data.version_unknown"));
            (VersionRecord { n: n as u32, what, label, n_rows: n_rows as u64, at_ms }, state as u32)
        };
        Ok(rows.into_iter().map(version).collect())
    }

    /// Places of the unreadable lines that are done with.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn dataset_bad_done(&self, id: DatasetId) -> std::result::Result<BTreeSet<u64>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<i64> = sqlx::query_scalar("SELECT bad FROM dataset_bad_done WHERE dataset = ?")
            .bind(&id.as_bytes()[..])
            .fetch_all(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        Ok(rows.into_iter().map(|bad| bad as u64).collect())
    }

    /// Forgets a dataset, with its edits and versions; its files are the caller's.
    ///
    /// # Errors
    /// When it is gone, or the disk says no.
    pub async fn delete_dataset(&self, id: DatasetId) -> std::result::Result<(), Failure> {
        Ok(self.delete_dataset_inner(id).await?)
    }

    async fn delete_dataset_inner(&self, id: DatasetId) -> Result<()> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let query = sqlx::query("DELETE FROM datasets WHERE id = ?").bind(&id.as_bytes()[..]);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(gone().into());
        }
        tx.commit().await?;
        Ok(())
    }
}

fn gone() -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.dataset_gone"))
        .hint(Text::new("failure.dataset_gone_hint"))
}

async fn get(connection: &mut SqliteConnection, id: DatasetId) -> Result<KeptDataset> {
    let row: Option<(String, i64, i64)> =
        sqlx::query_as("SELECT record, state, next_row FROM datasets WHERE id = ?")
            .bind(&id.as_bytes()[..])
            .fetch_optional(connection)
            .await?;
    let (json, state, next_row) = row.ok_or_else(gone)?;
    let record = serde_json::from_str(&json)?;
    Ok(KeptDataset { record, state: state as u32, next_row: next_row as u32 })
}

type EditRow = (i64, String, String, String);

fn logged((seq, undo, redo, what): EditRow) -> Result<LoggedEdit> {
    Ok(LoggedEdit { seq, undo, redo, what: serde_json::from_str(&what)? })
}

async fn next(connection: &mut SqliteConnection, id: DatasetId, undo: bool) -> Result<Option<LoggedEdit>> {
    let query = match undo {
        true => {
            "SELECT seq, undo, redo, what FROM dataset_edits WHERE dataset = ? AND undone = 0
                ORDER BY seq DESC LIMIT 1"
        }
        false => {
            "SELECT seq, undo, redo, what FROM dataset_edits WHERE dataset = ? AND undone = 1
                ORDER BY seq LIMIT 1"
        }
    };
    let row: Option<EditRow> =
        sqlx::query_as(query).bind(&id.as_bytes()[..]).fetch_optional(connection).await?;
    row.map(logged).transpose()
}

async fn replay(connection: &mut SqliteConnection, id: DatasetId) -> Result<Replay> {
    let back: Vec<EditRow> = sqlx::query_as(
        "SELECT seq, undo, redo, what FROM dataset_edits WHERE dataset = ? AND undone = 1
            AND seq <= (SELECT through FROM datasets WHERE id = dataset) ORDER BY seq DESC",
    )
    .bind(&id.as_bytes()[..])
    .fetch_all(&mut *connection)
    .await?;
    let forth: Vec<EditRow> = sqlx::query_as(
        "SELECT seq, undo, redo, what FROM dataset_edits WHERE dataset = ? AND undone = 0
            AND seq > (SELECT through FROM datasets WHERE id = dataset) ORDER BY seq",
    )
    .bind(&id.as_bytes()[..])
    .fetch_all(connection)
    .await?;
    let all = |rows: Vec<EditRow>| rows.into_iter().map(logged).collect::<Result<Vec<_>>>();
    Ok(Replay { back: all(back)?, forth: all(forth)? })
}

async fn log(tx: &mut SqliteConnection, id: DatasetId, log: Log, now_ms: i64) -> Result<()> {
    match log {
        Log::Nothing => {}
        Log::New { undo, redo, what } => {
            sqlx::query("DELETE FROM dataset_edits WHERE dataset = ? AND undone = 1")
                .bind(&id.as_bytes()[..])
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "INSERT INTO dataset_edits (dataset, undo, redo, what, at_ms) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(&id.as_bytes()[..])
            .bind(undo)
            .bind(redo)
            .bind(serde_json::to_string(&what)?)
            .bind(now_ms)
            .execute(tx)
            .await?;
        }
        Log::Stepped { seq, undone } => {
            sqlx::query("UPDATE dataset_edits SET undone = ? WHERE seq = ?")
                .bind(undone)
                .bind(seq)
                .execute(tx)
                .await?;
        }
    }
    Ok(())
}

async fn add_version(
    tx: &mut SqliteConnection,
    id: DatasetId,
    version: &VersionRecord,
    state: u32,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO dataset_versions (dataset, n, state, n_rows, at_ms, what, label) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&id.as_bytes()[..])
    .bind(version.n)
    .bind(state)
    .bind(version.n_rows as i64)
    .bind(version.at_ms)
    .bind(serde_json::to_string(&version.what)?)
    .bind(&version.label)
    .execute(tx)
    .await?;
    Ok(())
}
