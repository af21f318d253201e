//! Benchmarks: what was measured of which model, on which machine, by which version.

use super::Store;
use super::error::{Result, StoreError};
use glassworks_protocol::bench::BenchRecord;
use glassworks_protocol::model::Precision;
use glassworks_protocol::{Failure, Stored};
use std::sync::Arc;

impl Store {
    /// All that were kept, newest first.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn benches(&self) -> std::result::Result<Vec<Arc<BenchRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT record FROM benches ORDER BY at_ms DESC, seq DESC")
                .fetch_all(&mut *reader)
                .await
                .map_err(StoreError::from)?;
        // One of a shape we can't read hides itself, not the others.
        let readable = |json: &String| {
            let record = serde_json::from_str(json);
            record.inspect_err(|e| tracing::warn!("a benchmark is left out: {e}")).ok().map(Arc::new)
        };
        Ok(rows.iter().filter_map(readable).collect())
    }

    /// Keeps a benchmark.
    ///
    /// # Errors
    /// When there is one of this id, or the disk says no.
    pub async fn add_bench(&self, record: &BenchRecord) -> std::result::Result<Stored, Failure> {
        self.add_bench_inner(record).await?;
        Ok(Stored::Bench(Arc::new(record.clone())))
    }

    async fn add_bench_inner(&self, record: &BenchRecord) -> Result<()> {
        let machine = &record.machine;
        let machine = format!(
            "{}, {} cores, {} threads, {}, {}",
            machine.processor, machine.n_cores, machine.n_threads, machine.isa, machine.device
        );
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query(
            "INSERT INTO benches (id, at_ms, machine, model, precision, version, record)
                VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&record.id.as_bytes()[..])
        .bind(record.at_ms)
        .bind(machine)
        .bind(&record.model.content_hash)
        .bind(match record.precision {
            Precision::Exact => "exact",
            Precision::Fast => "fast",
        })
        .bind(&record.version)
        .bind(serde_json::to_string(record)?)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
