//! What a run's evaluations leave: samples, and the loss of each held-out row.

use super::Store;
use super::error::{Result, StoreError};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{HeldOutRow, Look, RowLoss, RunSample, WorstRows};
use glassworks_protocol::{Failure, Stored};
use std::sync::Arc;

impl Store {
    /// Keeps what a run wrote, in the place of what it wrote before for the same prompts at the same step.
    ///
    /// # Errors
    /// When the run is gone or the disk says no.
    pub async fn keep_samples(&self, samples: &[RunSample]) -> std::result::Result<Vec<Stored>, Failure> {
        Ok(self.keep_samples_inner(samples).await?)
    }

    async fn keep_samples_inner(&self, samples: &[RunSample]) -> Result<Vec<Stored>> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        for sample in samples {
            sqlx::query("INSERT OR REPLACE INTO run_samples (run, step, n, record) VALUES (?, ?, ?, ?)")
                .bind(&sample.run.as_bytes()[..])
                .bind(sample.step as i64)
                .bind(i64::from(sample.n))
                .bind(serde_json::to_string(sample)?)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(samples.iter().map(|sample| Stored::Sample(Arc::new(sample.clone()))).collect())
    }

    /// What a run wrote, by step and prompt.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn run_samples(&self, id: RunId) -> std::result::Result<Vec<Arc<RunSample>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT record FROM run_samples WHERE run = ? ORDER BY step, n")
                .bind(&id.as_bytes()[..])
                .fetch_all(&mut *reader)
                .await
                .map_err(StoreError::from)?;
        Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).map(Arc::new).collect())
    }

    /// Keeps which rows a run holds out.
    ///
    /// # Errors
    /// When the run is gone or the disk says no.
    pub async fn keep_rows(&self, id: RunId, rows: &[HeldOutRow]) -> std::result::Result<(), Failure> {
        let json = serde_json::to_string(rows).map_err(StoreError::from)?;
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query("INSERT OR REPLACE INTO run_rows (run, rows) VALUES (?, ?)")
            .bind(&id.as_bytes()[..])
            .bind(json)
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// Keeps the loss of each held-out row after `step` steps, as these evaluations of the run.
    ///
    /// # Errors
    /// When the run is gone or the disk says no.
    pub async fn keep_row_losses(
        &self,
        id: RunId,
        looks: &[Look],
        step: u64,
        losses: &[f32],
    ) -> std::result::Result<Stored, Failure> {
        let bytes: Vec<u8> = losses.iter().flat_map(|loss| loss.to_le_bytes()).collect();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        for look in looks {
            sqlx::query(
                "INSERT OR REPLACE INTO run_row_losses (run, look, step, losses) VALUES (?, ?, ?, ?)",
            )
            .bind(&id.as_bytes()[..])
            .bind(look.word())
            .bind(step as i64)
            .bind(&bytes)
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Stored::RowsMeasured(id))
    }

    /// Forgets what was seen of a run after `step`.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn drop_looks_after(&self, id: RunId, step: u64) -> std::result::Result<(), Failure> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        for sql in [
            "DELETE FROM run_samples WHERE run = ? AND step > ?",
            "DELETE FROM run_row_losses WHERE run = ? AND step > ?",
        ] {
            sqlx::query(sql)
                .bind(&id.as_bytes()[..])
                .bind(step as i64)
                .execute(&mut *tx)
                .await
                .map_err(StoreError::from)?;
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// The `n` rows that a run does worst on; nothing where no rows were measured. Equal losses stand in the rows'
    /// order.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn worst_rows(
        &self,
        id: RunId,
        look: Look,
        n: usize,
    ) -> std::result::Result<Option<WorstRows>, Failure> {
        Ok(self.worst_rows_inner(id, look, n).await?)
    }

    async fn worst_rows_inner(&self, id: RunId, look: Look, n: usize) -> Result<Option<WorstRows>> {
        let mut reader = self.inner.readers.acquire().await?;
        let rows: Option<String> = sqlx::query_scalar("SELECT rows FROM run_rows WHERE run = ?")
            .bind(&id.as_bytes()[..])
            .fetch_optional(&mut *reader)
            .await?;
        let mut looks: Vec<(String, i64, Vec<u8>)> =
            sqlx::query_as("SELECT look, step, losses FROM run_row_losses WHERE run = ?")
                .bind(&id.as_bytes()[..])
                .fetch_all(&mut *reader)
                .await?;
        let mut take = |look: Look| {
            let at = looks.iter().position(|(word, ..)| word == look.word())?;
            let (_, step, bytes) = looks.swap_remove(at);
            let losses: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            Some((step as u64, losses))
        };
        let first = take(Look::First);
        let asked = if look == Look::First { first.clone() } else { take(look) };
        let (Some(rows), Some((step, losses))) = (rows, asked) else { return Ok(None) };
        let rows: Vec<HeldOutRow> = serde_json::from_str(&rows)?;
        let mut worst: Vec<usize> = (0..rows.len().min(losses.len())).collect();
        worst.sort_by(|a, b| losses[*b].total_cmp(&losses[*a]));
        let n_rows = worst.len() as u64;
        worst.truncate(n);
        let first = first.map(|(_, losses)| losses).unwrap_or_default();
        let rows = worst.into_iter().map(|i| RowLoss {
            row: rows[i].clone(),
            loss: losses[i],
            first_loss: first.get(i).copied(),
        });
        Ok(Some(WorstRows { step, n_rows, rows: rows.collect() }))
    }
}
