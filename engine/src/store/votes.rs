//! Blind votes: kept, taken back, put there again.

use super::Store;
use super::error::{Result, StoreError};
use glassworks_protocol::ids::VoteId;
use glassworks_protocol::text::Text;
use glassworks_protocol::vote::VoteRecord;
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, SqliteConnection};
use std::sync::Arc;

impl Store {
    /// All that count, oldest first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn votes(&self) -> std::result::Result<Vec<Arc<VoteRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows = sqlx::query(
            "SELECT id, winner, contenders, at_ms FROM votes WHERE removed_at_ms IS NULL ORDER BY at_ms, seq",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(StoreError::from)?;
        // One of a shape we can't read hides itself, not the others.
        let readable = |row: &SqliteRow| {
            let vote = read(row);
            vote.inspect_err(|e| tracing::warn!("a vote is left out: {e}")).ok().map(Arc::new)
        };
        Ok(rows.iter().filter_map(readable).collect())
    }
}

fn read(row: &SqliteRow) -> Result<VoteRecord> {
    let (id, winner, contenders, at_ms): (Vec<u8>, Option<i64>, String, i64) = FromRow::from_row(row)?;
    let id = VoteId::from_slice(&id).ok_or_else(|| StoreError::Word("an id of another length".to_owned()))?;
    let winner = winner.and_then(|winner| u32::try_from(winner).ok());
    Ok(VoteRecord { id, contenders: serde_json::from_str(&contenders)?, winner, at_ms })
}

/// Keeps a vote; the same once more is the same.
pub(super) async fn add(tx: &mut SqliteConnection, vote: &VoteRecord) -> Result<Vec<Stored>> {
    let n = vote.contenders.len();
    if n < 2 || vote.winner.is_some_and(|winner| winner as usize >= n) {
        return Err(Failure::new(FailureKind::Bug, Text::new("failure.vote_for_nobody")).into());
    }
    sqlx::query(
        "INSERT OR IGNORE INTO votes (id, n_contenders, winner, contenders, at_ms) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(&vote.id.as_bytes()[..])
    .bind(n as i64)
    .bind(vote.winner.map(i64::from))
    .bind(serde_json::to_string(&vote.contenders)?)
    .bind(vote.at_ms)
    .execute(&mut *tx)
    .await?;
    told(tx, vote.id).await
}

/// A vote counts no more.
pub(super) async fn remove(tx: &mut SqliteConnection, id: VoteId, now_ms: i64) -> Result<Vec<Stored>> {
    get(tx, id).await?;
    sqlx::query("UPDATE votes SET removed_at_ms = ? WHERE id = ?")
        .bind(now_ms)
        .bind(&id.as_bytes()[..])
        .execute(tx)
        .await?;
    Ok(vec![Stored::VoteRemoved(id)])
}

/// It counts again.
pub(super) async fn restore(tx: &mut SqliteConnection, id: VoteId) -> Result<Vec<Stored>> {
    sqlx::query("UPDATE votes SET removed_at_ms = NULL WHERE id = ?")
        .bind(&id.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    told(tx, id).await
}

/// All of them count no more, and what had been taken back before is gone for good.
pub(super) async fn reset(tx: &mut SqliteConnection, at_ms: i64) -> Result<Vec<Stored>> {
    sqlx::query("DELETE FROM votes WHERE removed_at_ms IS NOT NULL AND removed_at_ms <> ?")
        .bind(at_ms)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE votes SET removed_at_ms = ? WHERE removed_at_ms IS NULL")
        .bind(at_ms)
        .execute(tx)
        .await?;
    Ok(vec![Stored::VotesReset])
}

/// What was taken back by the reset of that moment counts again.
pub(super) async fn undo_reset(tx: &mut SqliteConnection, at_ms: i64) -> Result<Vec<Stored>> {
    let rows = sqlx::query(
        "UPDATE votes SET removed_at_ms = NULL WHERE removed_at_ms = ?
            RETURNING id, winner, contenders, at_ms",
    )
    .bind(at_ms)
    .fetch_all(tx)
    .await?;
    if rows.is_empty() {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.store_nothing_to_undo")).into());
    }
    rows.iter().map(|row| Ok(Stored::Vote(Arc::new(read(row)?)))).collect()
}

async fn told(tx: &mut SqliteConnection, id: VoteId) -> Result<Vec<Stored>> {
    Ok(vec![Stored::Vote(Arc::new(get(tx, id).await?))])
}

async fn get(tx: &mut SqliteConnection, id: VoteId) -> Result<VoteRecord> {
    let row = sqlx::query("SELECT id, winner, contenders, at_ms FROM votes WHERE id = ?")
        .bind(&id.as_bytes()[..])
        .fetch_optional(tx)
        .await?;
    let gone = || {
        Failure::new(FailureKind::Missing, Text::new("failure.vote_gone"))
            .hint(Text::new("failure.vote_gone_hint"))
    };
    read(&row.ok_or_else(gone)?)
}
