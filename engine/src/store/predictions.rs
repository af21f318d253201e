//! Predictions: what was asked for, and what a person says of the answers, with its undo.

use super::Store;
use super::error::{Result, StoreError};
use glassworks_protocol::ids::PredictionId;
use glassworks_protocol::predict::{Mend, PredictionRecord};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Store {
    /// All that are kept, newest first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn predictions(&self) -> std::result::Result<Vec<PredictionRecord>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM predictions ORDER BY seq DESC")
            .fetch_all(&mut *reader)
            .await
            .map_err(StoreError::from)?;
        let mut all = Vec::with_capacity(ids.len());
        for id in ids.iter().filter_map(|id| PredictionId::from_slice(id)) {
            // One of a shape we can't read hides itself, not the others.
            match find(&mut reader, id).await {
                Ok(found) => all.extend(found),
                Err(error) => tracing::warn!("a prediction is left out: {error}"),
            }
        }
        Ok(all)
    }

    /// # Errors
    /// When it is gone, or the disk says no.
    pub async fn prediction(&self, id: PredictionId) -> std::result::Result<PredictionRecord, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        Ok(get(&mut reader, id).await?)
    }

    /// Keeps a prediction, in the place of what was kept of it.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn keep_prediction(&self, record: &PredictionRecord) -> std::result::Result<Stored, Failure> {
        Ok(self.keep_prediction_inner(record).await?)
    }

    async fn keep_prediction_inner(&self, record: &PredictionRecord) -> Result<Stored> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query(
            "INSERT INTO predictions (id, record, created_at_ms) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET record = excluded.record",
        )
        .bind(&record.id.as_bytes()[..])
        .bind(serde_json::to_string(record)?)
        .bind(record.created_at_ms)
        .execute(&mut *tx)
        .await?;
        let record = get(&mut tx, record.id).await?;
        tx.commit().await?;
        Ok(Stored::Prediction(Arc::new(record)))
    }

    /// What a person says of the answers, by row.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn mends(&self, id: PredictionId) -> std::result::Result<BTreeMap<u64, Mend>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<(i64, String, bool)> =
            sqlx::query_as("SELECT row, answer, confirmed FROM mends WHERE prediction = ?")
                .bind(&id.as_bytes()[..])
                .fetch_all(&mut *reader)
                .await
                .map_err(StoreError::from)?;
        let mend = |(row, answer, confirmed)| (row as u64, Mend { answer, confirmed });
        Ok(rows.into_iter().map(mend).collect())
    }
}

async fn find(connection: &mut SqliteConnection, id: PredictionId) -> Result<Option<PredictionRecord>> {
    let row: Option<(String, i64, i64, bool, bool)> = sqlx::query_as(
        "SELECT record,
            (SELECT count(*) FROM mends WHERE prediction = p.id AND confirmed = 0),
            (SELECT count(*) FROM mends WHERE prediction = p.id AND confirmed = 1),
            EXISTS (SELECT 1 FROM mend_edits WHERE prediction = p.id AND undone = 0),
            EXISTS (SELECT 1 FROM mend_edits WHERE prediction = p.id AND undone = 1)
            FROM predictions p WHERE id = ?",
    )
    .bind(&id.as_bytes()[..])
    .fetch_optional(connection)
    .await?;
    let Some((json, n_mended, n_confirmed, can_undo, can_redo)) = row else { return Ok(None) };
    let record: PredictionRecord = serde_json::from_str(&json)?;
    let (n_mended, n_confirmed) = (n_mended as u64, n_confirmed as u64);
    Ok(Some(PredictionRecord { id, n_mended, n_confirmed, can_undo, can_redo, ..record }))
}

async fn get(connection: &mut SqliteConnection, id: PredictionId) -> Result<PredictionRecord> {
    let gone = || {
        Failure::new(FailureKind::Missing, Text::new("failure.prediction_gone"))
            .hint(Text::new("failure.prediction_gone_hint"))
    };
    Ok(find(connection, id).await?.ok_or_else(gone)?)
}

/// Says something of a row's answer; what had been taken back can no longer be done again.
pub(super) async fn mend(
    tx: &mut SqliteConnection,
    id: PredictionId,
    row: u64,
    mend: Option<Mend>,
    now_ms: i64,
) -> Result<Vec<Stored>> {
    get(tx, id).await?;
    let before = said(tx, id, row).await?;
    if before == mend {
        return told(tx, id, row).await;
    }
    sqlx::query("DELETE FROM mend_edits WHERE prediction = ? AND undone = 1")
        .bind(&id.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO mend_edits (prediction, row, undo, redo, at_ms) VALUES (?, ?, ?, ?, ?)")
        .bind(&id.as_bytes()[..])
        .bind(row as i64)
        .bind(serde_json::to_string(&before)?)
        .bind(serde_json::to_string(&mend)?)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
    say(tx, id, row, mend, now_ms).await?;
    told(tx, id, row).await
}

/// Takes back the newest word, or says the oldest one taken back again.
pub(super) async fn step(
    tx: &mut SqliteConnection,
    id: PredictionId,
    undo: bool,
    now_ms: i64,
) -> Result<Vec<Stored>> {
    get(tx, id).await?;
    let (newest, nothing) = match undo {
        true => (
            "SELECT seq, row, undo FROM mend_edits WHERE prediction = ? AND undone = 0
                ORDER BY seq DESC LIMIT 1",
            "failure.store_nothing_to_undo",
        ),
        false => (
            "SELECT seq, row, redo FROM mend_edits WHERE prediction = ? AND undone = 1 ORDER BY seq LIMIT 1",
            "failure.store_nothing_to_redo",
        ),
    };
    let found: Option<(i64, i64, String)> =
        sqlx::query_as(newest).bind(&id.as_bytes()[..]).fetch_optional(&mut *tx).await?;
    let Some((seq, row, json)) = found else {
        return Err(Failure::new(FailureKind::Input, Text::new(nothing)).into());
    };
    sqlx::query("UPDATE mend_edits SET undone = ? WHERE seq = ?")
        .bind(undo)
        .bind(seq)
        .execute(&mut *tx)
        .await?;
    say(tx, id, row as u64, serde_json::from_str(&json)?, now_ms).await?;
    told(tx, id, row as u64).await
}

/// Forgets a prediction: what is left of an unfinished file first, then the record.
pub(super) async fn remove(tx: &mut SqliteConnection, id: PredictionId) -> Result<Vec<Stored>> {
    let record = get(tx, id).await?;
    if !record.done {
        crate::predict::remove_unfinished(&record.spec.out).map_err(|error| {
            Failure::new(FailureKind::Io, Text::new("failure.io"))
                .hint(Text::new("failure.io_hint"))
                .detail(error.to_string())
        })?;
    }
    sqlx::query("DELETE FROM predictions WHERE id = ?").bind(&id.as_bytes()[..]).execute(tx).await?;
    Ok(vec![Stored::PredictionRemoved(id)])
}

async fn said(tx: &mut SqliteConnection, id: PredictionId, row: u64) -> Result<Option<Mend>> {
    let found: Option<(String, bool)> =
        sqlx::query_as("SELECT answer, confirmed FROM mends WHERE prediction = ? AND row = ?")
            .bind(&id.as_bytes()[..])
            .bind(row as i64)
            .fetch_optional(tx)
            .await?;
    Ok(found.map(|(answer, confirmed)| Mend { answer, confirmed }))
}

async fn say(
    tx: &mut SqliteConnection,
    id: PredictionId,
    row: u64,
    mend: Option<Mend>,
    now_ms: i64,
) -> Result<()> {
    let Some(mend) = mend else {
        sqlx::query("DELETE FROM mends WHERE prediction = ? AND row = ?")
            .bind(&id.as_bytes()[..])
            .bind(row as i64)
            .execute(tx)
            .await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT OR REPLACE INTO mends (prediction, row, answer, confirmed, at_ms) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(&id.as_bytes()[..])
    .bind(row as i64)
    .bind(mend.answer)
    .bind(mend.confirmed)
    .bind(now_ms)
    .execute(tx)
    .await?;
    Ok(())
}

async fn told(tx: &mut SqliteConnection, id: PredictionId, row: u64) -> Result<Vec<Stored>> {
    let mend = said(tx, id, row).await?;
    let record = Arc::new(get(tx, id).await?);
    Ok(vec![Stored::Mended { prediction: id, row, mend }, Stored::Prediction(record)])
}
