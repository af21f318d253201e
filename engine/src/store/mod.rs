//! Everything worth keeping, in one SQLite file: chats, models, settings. Knows no tensor and no channel.
//!
//! **Invariant.** A [`Stored`](glassworks_protocol::Stored) is returned only after its transaction is on disk
//! (`synchronous=FULL`), and it carries the state as it was read back inside that transaction.

mod adopt;
pub mod backup;
mod benches;
mod changes;
mod chats;
mod datasets;
mod edits;
mod error;
mod lenient;
mod looks;
mod models;
mod open;
mod predictions;
mod prompt_changes;
mod prompt_runs;
mod prompts;
mod recover;
mod replies;
pub mod restore;
mod rows;
mod runs;
mod salvage;
mod search;
mod settings;
mod shapes;
mod title;
mod tokens;
pub mod transfer;
mod votes;

pub use datasets::{DatasetCommit, Log, LoggedEdit};
pub use open::check_database;
pub use replies::Begun;

use crate::home::Home;
use error::{Result, StoreError};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Notice};
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqlitePool};
use sqlx::{Connection, Sqlite, Transaction};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, MutexGuard};

/// The open database; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    home: Home,
    /// `None` for a reader, and after [`Store::close`].
    writer: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
    clock: Clock,
}

/// Milliseconds since 1970, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

#[must_use]
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

impl Store {
    /// Opens or makes the home's database. A writer migrates it, sets a damaged one aside and marks replies
    /// that a crash cut off; the notices say so.
    ///
    /// # Errors
    /// When the database is from a newer version (it is left untouched), or the disk says no.
    pub async fn open(home: &Home) -> std::result::Result<(Self, Vec<Notice>), Failure> {
        Self::open_with_clock(home, Arc::new(now_ms)).await
    }

    /// [`Store::open`] with the caller's clock.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with_clock(
        home: &Home,
        clock: Clock,
    ) -> std::result::Result<(Self, Vec<Notice>), Failure> {
        let mut notices = home.notices().to_vec();
        let (writer, readers) = if home.is_writer() {
            let (writer, readers, more) = open::for_writer(home).await?;
            notices.extend(more);
            (Some(writer), readers)
        } else {
            (None, open::for_reader(home).await?)
        };
        let inner = Inner { home: home.clone(), writer: Mutex::new(writer), readers, clock };
        Ok((Self { inner: Arc::new(inner) }, notices))
    }

    #[must_use]
    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    /// Ends every connection, so that the write-ahead log is folded into the file.
    ///
    /// # Errors
    /// When the disk says no; what was announced is in the log and comes back at the next start.
    pub async fn close(&self) -> std::result::Result<(), Failure> {
        self.inner.readers.close().await;
        let writer = self.inner.writer.lock().await.take();
        if let Some(writer) = writer {
            writer.close().await.map_err(StoreError::from)?;
        }
        Ok(())
    }

    fn now(&self) -> i64 {
        (self.inner.clock)()
    }

    async fn write(&self) -> Result<Writing<'_>> {
        let mut guard = self.inner.writer.lock().await;
        let Some(writer) = guard.as_mut() else {
            let text = Text::new("failure.store_read_only");
            return Err(Failure::new(FailureKind::Io, text).into());
        };
        writer.ping().await?;
        if writer.is_in_transaction() {
            // On a full disk SQLite rolls back by itself, and sqlx goes on counting a transaction.
            *guard = Some(open::connect_writer(&self.inner.home.database(), SqliteJournalMode::Wal).await?);
        }
        Ok(Writing { guard })
    }

    /// A consistent copy of the whole database at `to`, which must not exist yet.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn copy_database(&self, to: &std::path::Path) -> std::result::Result<(), Failure> {
        let to = unicode_path(to)?;
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        sqlx::query("VACUUM INTO ?").bind(to).execute(&mut *reader).await.map_err(StoreError::from)?;
        Ok(())
    }
}

/// The one writer, for as long as one transaction takes.
struct Writing<'a> {
    guard: MutexGuard<'a, Option<SqliteConnection>>,
}

impl Writing<'_> {
    /// A setting of the connection, outside any transaction.
    async fn pragma(&mut self, sql: &'static str) -> Result<()> {
        match self.guard.as_mut() {
            Some(writer) => sqlx::query(sql).execute(writer).await.map(drop).map_err(Into::into),
            None => Err(sqlx::Error::PoolClosed.into()),
        }
    }

    async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>> {
        match self.guard.as_mut() {
            Some(writer) => Ok(writer.begin_with("BEGIN IMMEDIATE").await?),
            None => Err(sqlx::Error::PoolClosed.into()),
        }
    }
}

fn unicode_path(path: &std::path::Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        let text = Text::new("failure.store_path_not_unicode").arg("path", path.display());
        Failure::new(FailureKind::Input, text).into()
    })
}
