//! Training runs: their records, what was measured of them, their checkpoints.

use super::error::{Result, StoreError};
use super::{Store, Writing, unicode_path};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{
    CheckpointKind, CheckpointRecord, MetricPoint, RunProgress, RunRecord, RunStatus, Series, TrainSpec,
};
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::{FromRow, QueryBuilder, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;

/// Points that go into the database with one statement.
const POINTS_AT_ONCE: usize = 500;

impl Store {
    /// All runs, newest first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn runs(&self) -> std::result::Result<Vec<Arc<RunRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<RunRow> = sqlx::query_as("SELECT * FROM runs ORDER BY seq DESC")
            .fetch_all(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        // A row of a shape we can't read hides one run, not all of them.
        Ok(rows.into_iter().filter_map(RunRow::readable).collect())
    }

    /// # Errors
    /// When the disk says no.
    pub async fn run(&self, id: RunId) -> std::result::Result<Option<Arc<RunRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        Ok(find(&mut reader, id).await?)
    }

    /// Enters a run.
    ///
    /// # Errors
    /// When there is one of this id, or the disk says no.
    pub async fn add_run(&self, run: &RunRecord) -> std::result::Result<Stored, Failure> {
        Ok(self.add_run_inner(run).await?)
    }

    async fn add_run_inner(&self, run: &RunRecord) -> Result<Stored> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query(
            "INSERT INTO runs (id, name, status, spec, progress, folder, created_at_ms, changed_at_ms)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&run.id.as_bytes()[..])
        .bind(&run.name)
        .bind(status_word(run.status))
        .bind(serde_json::to_string(&run.spec)?)
        .bind(serde_json::to_string(&run.progress)?)
        .bind(unicode_path(&run.folder)?)
        .bind(run.created_at_ms)
        .bind(run.changed_at_ms)
        .execute(&mut *tx)
        .await?;
        let stored = stored(&mut tx, run.id).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Keeps how far a run is.
    ///
    /// # Errors
    /// When the run is gone or the disk says no.
    pub async fn update_run(
        &self,
        id: RunId,
        status: RunStatus,
        progress: &RunProgress,
    ) -> std::result::Result<Stored, Failure> {
        Ok(self.update_run_inner(id, status, progress).await?)
    }

    async fn update_run_inner(&self, id: RunId, status: RunStatus, progress: &RunProgress) -> Result<Stored> {
        let now_ms = self.now();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query("UPDATE runs SET status = ?, progress = ?, changed_at_ms = ? WHERE id = ?")
            .bind(status_word(status))
            .bind(serde_json::to_string(progress)?)
            .bind(now_ms)
            .bind(&id.as_bytes()[..])
            .execute(&mut *tx)
            .await?;
        let stored = stored(&mut tx, id).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Keeps measurements. They may be lost in a power cut, unlike everything else: the checkpoint they came with
    /// makes them again.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn add_points(&self, id: RunId, points: &[MetricPoint]) -> std::result::Result<(), Failure> {
        Ok(self.add_points_inner(id, points).await?)
    }

    async fn add_points_inner(&self, id: RunId, points: &[MetricPoint]) -> Result<()> {
        let mut writing = self.write().await?;
        writing.pragma("PRAGMA synchronous = NORMAL").await?;
        let added = insert_points(&mut writing, id, points).await;
        // Whatever happened: the next transaction is someone else's.
        writing.pragma("PRAGMA synchronous = FULL").await?;
        added
    }

    /// Forgets what was measured after `step`.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn drop_points_after(&self, id: RunId, step: u64) -> std::result::Result<(), Failure> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query("DELETE FROM metric_points WHERE run = ? AND step > ?")
            .bind(&id.as_bytes()[..])
            .bind(step as i64)
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// Everything measured of a run, by series and step.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn run_points(&self, id: RunId) -> std::result::Result<Vec<MetricPoint>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<(String, i64, f64, i64)> = sqlx::query_as(
            "SELECT series, step, value, at_ms FROM metric_points WHERE run = ? ORDER BY series, step",
        )
        .bind(&id.as_bytes()[..])
        .fetch_all(&mut *reader)
        .await
        .map_err(StoreError::from)?;
        let point = |(series, step, value, at_ms): (String, i64, f64, i64)| {
            Some(MetricPoint { series: Series::from_word(&series)?, step: step as u64, value, at_ms })
        };
        Ok(rows.into_iter().filter_map(point).collect())
    }

    /// Keeps where a checkpoint lies, in place of the one of its kind before it.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn keep_checkpoint(&self, record: &CheckpointRecord) -> std::result::Result<Stored, Failure> {
        let json = serde_json::to_string(record).map_err(StoreError::from)?;
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query(
            "INSERT OR REPLACE INTO checkpoints (run, kind, step, record, at_ms) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&record.run.as_bytes()[..])
        .bind(record.kind.folder())
        .bind(record.step as i64)
        .bind(json)
        .bind(record.at_ms)
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Stored::Checkpoint(Arc::new(record.clone())))
    }

    /// Forgets a run and everything that was measured of it. Its files are not looked at.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn delete_run(&self, id: RunId) -> std::result::Result<Stored, Failure> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query("DELETE FROM runs WHERE id = ?")
            .bind(&id.as_bytes()[..])
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Stored::RunDeleted(id))
    }

    /// What all runs keep on disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn checkpoints(&self) -> std::result::Result<Vec<Arc<CheckpointRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<String> = sqlx::query_scalar("SELECT record FROM checkpoints ORDER BY at_ms DESC")
            .fetch_all(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).map(Arc::new).collect())
    }

    /// What a run keeps on disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn run_checkpoints(
        &self,
        id: RunId,
    ) -> std::result::Result<Vec<Arc<CheckpointRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<String> =
            // The newest, the best, those that stay.
            sqlx::query_scalar(
                "SELECT record FROM checkpoints WHERE run = ?
                    ORDER BY kind <> 'last', kind <> 'best', step DESC",
            )
                .bind(&id.as_bytes()[..])
                .fetch_all(&mut *reader)
                .await
                .map_err(StoreError::from)?;
        Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).map(Arc::new).collect())
    }
}

async fn insert_points(writing: &mut Writing<'_>, id: RunId, points: &[MetricPoint]) -> Result<()> {
    // SQLite has no word for a number that is none.
    let points: Vec<&MetricPoint> = points.iter().filter(|point| point.value.is_finite()).collect();
    let mut tx = writing.begin().await?;
    for some in points.chunks(POINTS_AT_ONCE) {
        let mut insert =
            QueryBuilder::new("INSERT OR REPLACE INTO metric_points (run, series, step, value, at_ms) ");
        insert.push_values(some, |mut row, point| {
            row.push_bind(id.as_bytes().to_vec())
                .push_bind(point.series.metric().word)
                .push_bind(point.step as i64)
                .push_bind(point.value)
                .push_bind(point.at_ms);
        });
        insert.build().execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[derive(FromRow)]
struct RunRow {
    id: Vec<u8>,
    name: String,
    status: String,
    spec: String,
    progress: String,
    folder: String,
    created_at_ms: i64,
    changed_at_ms: i64,
    tags: String,
    notes: String,
    trashed_at_ms: Option<i64>,
}

impl RunRow {
    fn record(self) -> Result<Arc<RunRecord>> {
        let spec = serde_json::from_str(&self.spec)?;
        Ok(Arc::new(RunRecord {
            id: RunId::from_slice(&self.id)
                .ok_or_else(|| StoreError::Word(String::from("an id of a wrong length")))?,
            name: self.name,
            status: status(&self.status)?,
            spec: TrainSpec::from_stored(&spec),
            // Of a shape we don't know, it is told anew when the run goes on.
            progress: serde_json::from_str(&self.progress).unwrap_or_default(),
            folder: PathBuf::from(self.folder),
            created_at_ms: self.created_at_ms,
            changed_at_ms: self.changed_at_ms,
            tags: serde_json::from_str(&self.tags).unwrap_or_default(),
            notes: self.notes,
            trashed_at_ms: self.trashed_at_ms,
        }))
    }

    fn readable(self) -> Option<Arc<RunRecord>> {
        let name = self.name.clone();
        self.record().inspect_err(|e| tracing::warn!("the run {name} is left out: {e}")).ok()
    }
}

async fn find(connection: &mut SqliteConnection, id: RunId) -> Result<Option<Arc<RunRecord>>> {
    let row: Option<RunRow> = sqlx::query_as("SELECT * FROM runs WHERE id = ?")
        .bind(&id.as_bytes()[..])
        .fetch_optional(connection)
        .await?;
    row.map(RunRow::record).transpose()
}

pub(super) async fn rename(tx: &mut SqliteConnection, id: RunId, name: &str) -> Result<Vec<Stored>> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.store_name_empty")).into());
    }
    sqlx::query("UPDATE runs SET name = ? WHERE id = ?")
        .bind(name)
        .bind(&id.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    Ok(vec![stored(tx, id).await?])
}

/// Removes a checkpoint that stays: its files, then its record. A second try after a crash finds the record alone.
pub(super) async fn delete_checkpoint(
    tx: &mut SqliteConnection,
    id: RunId,
    kind: CheckpointKind,
) -> Result<Vec<Stored>> {
    if !matches!(kind, CheckpointKind::Step(_)) {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.checkpoint_needed"))
            .hint(Text::new("failure.checkpoint_needed_hint"))
            .into());
    }
    let word = kind.folder();
    if let Some(run) = find(tx, id).await? {
        remove_files(&run.folder.join(&word))?;
    }
    sqlx::query("DELETE FROM checkpoints WHERE run = ? AND kind = ?")
        .bind(&id.as_bytes()[..])
        .bind(&word)
        .execute(&mut *tx)
        .await?;
    Ok(vec![Stored::CheckpointDeleted { run: id, kind }])
}

fn remove_files(folder: &std::path::Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(FailureKind::Io, Text::new("failure.io"))
                .hint(Text::new("failure.io_hint"))
                .detail(format!("removing {}: {error}", folder.display()))
                .into())
        }
        _ => Ok(()),
    }
}

/// Empty ones and repetitions are left out.
pub(super) async fn set_tags(tx: &mut SqliteConnection, id: RunId, tags: &[String]) -> Result<Vec<Stored>> {
    let mut kept: Vec<&str> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    let json = serde_json::to_string(&kept)?;
    change(tx, id, "UPDATE runs SET tags = ? WHERE id = ?", Some(json)).await
}

pub(super) async fn set_notes(tx: &mut SqliteConnection, id: RunId, notes: String) -> Result<Vec<Stored>> {
    change(tx, id, "UPDATE runs SET notes = ? WHERE id = ?", Some(notes)).await
}

/// Into the trash at this time, or out of it.
pub(super) async fn set_trashed(
    tx: &mut SqliteConnection,
    id: RunId,
    at_ms: Option<i64>,
) -> Result<Vec<Stored>> {
    change(tx, id, "UPDATE runs SET trashed_at_ms = ? WHERE id = ?", at_ms).await
}

async fn change<'q, T>(
    tx: &mut SqliteConnection,
    id: RunId,
    sql: &'static str,
    value: Option<T>,
) -> Result<Vec<Stored>>
where
    T: sqlx::Type<sqlx::Sqlite> + sqlx::Encode<'q, sqlx::Sqlite> + 'q,
{
    sqlx::query(sql).bind(value).bind(id.as_bytes().to_vec()).execute(&mut *tx).await?;
    Ok(vec![stored(tx, id).await?])
}

async fn stored(connection: &mut SqliteConnection, id: RunId) -> Result<Stored> {
    let gone = || {
        Failure::new(FailureKind::Missing, Text::new("failure.run_gone").arg("name", id))
            .hint(Text::new("failure.run_gone_hint"))
    };
    Ok(Stored::Run(find(connection, id).await?.ok_or_else(gone)?))
}

fn status_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Paused => "paused",
        RunStatus::Stopped => "stopped",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Done => "done",
        RunStatus::Failed => "failed",
    }
}

fn status(word: &str) -> Result<RunStatus> {
    match word {
        "running" => Ok(RunStatus::Running),
        "paused" => Ok(RunStatus::Paused),
        "stopped" => Ok(RunStatus::Stopped),
        "interrupted" => Ok(RunStatus::Interrupted),
        "done" => Ok(RunStatus::Done),
        "failed" => Ok(RunStatus::Failed),
        _ => Err(StoreError::Word(format!("a run in the state {word}"))),
    }
}
