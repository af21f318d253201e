//! The model library's index, and the hashes of weight files so that each is read once.

use super::error::{Result, StoreError};
use super::{Store, unicode_path};
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::{ModelCard, ModelRecord};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use sqlx::{FromRow, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Store {
    /// The library, by when they were used or added last.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn models(&self) -> std::result::Result<Vec<Arc<ModelRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let rows: Vec<ModelRow> =
            sqlx::query_as("SELECT * FROM models ORDER BY coalesce(used_at_ms, added_at_ms) DESC, seq DESC")
                .fetch_all(&mut *reader)
                .await
                .map_err(StoreError::from)?;
        // A card of a shape we can't read hides one model, not the library.
        Ok(rows.into_iter().filter_map(ModelRow::readable).collect())
    }

    /// # Errors
    /// When the disk says no.
    pub async fn model(&self, id: ModelId) -> std::result::Result<Option<Arc<ModelRecord>>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        Ok(find(&mut reader, id).await?)
    }

    /// Enters a model. Files that are in the library already keep their id, name and history; their card is
    /// brought up to date. A model that is known by its id has moved: it keeps all but its path.
    ///
    /// # Errors
    /// When the path is no valid Unicode, or the disk says no.
    pub async fn add_model(&self, record: &ModelRecord) -> std::result::Result<Arc<ModelRecord>, Failure> {
        Ok(self.add_inner(record).await?)
    }

    async fn add_inner(&self, record: &ModelRecord) -> Result<Arc<ModelRecord>> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let id: Vec<u8> = sqlx::query_scalar(
            "INSERT INTO models (id, name, path, card, added_at_ms, used_at_ms, starter)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (path) DO UPDATE SET card = excluded.card, starter = excluded.starter
                ON CONFLICT (id) DO UPDATE SET path = excluded.path, card = excluded.card, starter = excluded.starter
                RETURNING id",
        )
        .bind(&record.id.as_bytes()[..])
        .bind(&record.name)
        .bind(unicode_path(&record.path)?)
        .bind(serde_json::to_string(&record.card)?)
        .bind(record.added_at_ms)
        .bind(record.used_at_ms)
        .bind(record.starter)
        .fetch_one(&mut *tx)
        .await?;
        let id = model_id(&id)?;
        let stored = find(&mut tx, id).await?.ok_or_else(model_gone)?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Replaces what is known about a model, such as its content hash once the weights have been read.
    ///
    /// # Errors
    /// When the model is gone or the disk says no.
    pub async fn update_model_card(
        &self,
        id: ModelId,
        card: &ModelCard,
    ) -> std::result::Result<Arc<ModelRecord>, Failure> {
        let json = serde_json::to_string(card).map_err(StoreError::from)?;
        Ok(self.update(id, "UPDATE models SET card = ?1 WHERE id = ?2", Value::Text(json)).await?)
    }

    /// Notes that a model was used now.
    ///
    /// # Errors
    /// When the model is gone or the disk says no.
    pub async fn touch_model(&self, id: ModelId) -> std::result::Result<Arc<ModelRecord>, Failure> {
        let now = Value::Time(self.now());
        Ok(self.update(id, "UPDATE models SET used_at_ms = ?1 WHERE id = ?2", now).await?)
    }

    async fn update(&self, id: ModelId, sql: &'static str, value: Value) -> Result<Arc<ModelRecord>> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let query = match value {
            Value::Text(text) => sqlx::query(sql).bind(text),
            Value::Time(ms) => sqlx::query(sql).bind(ms),
        };
        query.bind(&id.as_bytes()[..]).execute(&mut *tx).await?;
        let stored = find(&mut tx, id).await?.ok_or_else(model_gone)?;
        tx.commit().await?;
        Ok(stored)
    }

    /// The hash of a weight file, or a folder of them, if it has not changed since it was read.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn known_hash(
        &self,
        path: &Path,
        size_bytes: u64,
        mtime_ns: i64,
    ) -> std::result::Result<Option<String>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        let hash = sqlx::query_scalar(
            "SELECT hash FROM content_hashes WHERE path = ? AND size_bytes = ? AND mtime_ns = ?",
        )
        .bind(unicode_path(path)?)
        .bind(size_bytes as i64)
        .bind(mtime_ns)
        .fetch_optional(&mut *reader)
        .await;
        Ok(hash.map_err(StoreError::from)?)
    }

    /// Remembers what [`Store::known_hash`] answers.
    ///
    /// # Errors
    /// When the path is no valid Unicode, or the disk says no.
    pub async fn keep_hash(
        &self,
        path: &Path,
        size_bytes: u64,
        mtime_ns: i64,
        hash: &str,
    ) -> std::result::Result<(), Failure> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query(
            "INSERT INTO content_hashes (path, size_bytes, mtime_ns, hash) VALUES (?, ?, ?, ?)
                ON CONFLICT (path) DO UPDATE SET size_bytes = excluded.size_bytes,
                mtime_ns = excluded.mtime_ns, hash = excluded.hash",
        )
        .bind(unicode_path(path)?)
        .bind(size_bytes as i64)
        .bind(mtime_ns)
        .bind(hash)
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

enum Value {
    Text(String),
    Time(i64),
}

#[derive(FromRow)]
struct ModelRow {
    id: Vec<u8>,
    name: String,
    path: String,
    card: String,
    added_at_ms: i64,
    used_at_ms: Option<i64>,
    starter: bool,
}

impl ModelRow {
    fn record(self) -> Result<Arc<ModelRecord>> {
        Ok(Arc::new(ModelRecord {
            id: model_id(&self.id)?,
            name: self.name,
            path: PathBuf::from(self.path),
            card: serde_json::from_str(&self.card)?,
            added_at_ms: self.added_at_ms,
            used_at_ms: self.used_at_ms,
            starter: self.starter,
        }))
    }

    fn readable(self) -> Option<Arc<ModelRecord>> {
        let path = self.path.clone();
        self.record().inspect_err(|e| tracing::warn!("the entry of {path} is left out: {e}")).ok()
    }
}

async fn find(connection: &mut SqliteConnection, id: ModelId) -> Result<Option<Arc<ModelRecord>>> {
    let row: Option<ModelRow> = sqlx::query_as("SELECT * FROM models WHERE id = ?")
        .bind(&id.as_bytes()[..])
        .fetch_optional(connection)
        .await?;
    row.map(ModelRow::record).transpose()
}

pub(super) async fn rename(tx: &mut SqliteConnection, id: ModelId, name: &str) -> Result<Vec<Stored>> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.store_name_empty")).into());
    }
    sqlx::query("UPDATE models SET name = ? WHERE id = ?")
        .bind(name)
        .bind(&id.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    Ok(vec![Stored::Model(find(tx, id).await?.ok_or_else(model_gone)?)])
}

pub(super) async fn remove(tx: &mut SqliteConnection, id: ModelId) -> Result<Vec<Stored>> {
    let removed = sqlx::query("DELETE FROM models WHERE id = ?").bind(&id.as_bytes()[..]).execute(tx).await?;
    if removed.rows_affected() == 0 {
        return Err(model_gone().into());
    }
    Ok(vec![Stored::ModelRemoved(id)])
}

fn model_id(bytes: &[u8]) -> Result<ModelId> {
    ModelId::from_slice(bytes).ok_or_else(|| StoreError::Word(String::from("an id of a wrong length")))
}

fn model_gone() -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.store_model_gone"))
}
