//! Opening the database: looking before touching, migrating, and the connections.

use super::error::{Result, StoreError};
use super::recover;
use crate::home::{Home, cannot_use};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Notice};
use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// `Glsw`, in the header of the file.
const APPLICATION_ID: i32 = 0x476C_7377;
const HEADER: &[u8; 16] = b"SQLite format 3\0";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const N_READERS: u32 = 3;

/// The newest migration that this program knows.
pub(crate) fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0)
}

/// What a look at the file tells, nothing having been changed.
#[derive(Debug)]
pub(super) enum Finding {
    Absent,
    /// Usable, at this schema.
    Sound(i64),
    /// Why it cannot be used as it is.
    Damaged(String),
}

pub(super) async fn for_writer(
    home: &Home,
) -> std::result::Result<(SqliteConnection, SqlitePool, Vec<Notice>), Failure> {
    let path = home.database();
    let mut notices: Vec<Notice> = recover::finish_interrupted(home)?.into_iter().collect();
    if let Finding::Damaged(why) = look(&path).await? {
        notices.push(recover::set_aside(home, &why).await?);
    }
    let (writer, n_interrupted) = open_writer(&path).await?;
    if n_interrupted > 0 {
        tracing::info!(n_interrupted, "replies that were being written when the program ended");
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(N_READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options(&path).read_only(true))
        .await
        .map_err(StoreError::from)?;
    Ok((writer, readers, notices))
}

async fn open_writer(path: &Path) -> Result<(SqliteConnection, u64)> {
    let mut writer = connect_writer(path, SqliteJournalMode::Wal).await?;
    migrate(&mut writer).await?;
    let interrupted = sqlx::query("UPDATE messages SET status = 'interrupted' WHERE status = 'streaming'")
        .execute(&mut writer)
        .await?;
    sqlx::query("UPDATE runs SET status = 'interrupted' WHERE status = 'running'")
        .execute(&mut writer)
        .await?;
    Ok((writer, interrupted.rows_affected()))
}

/// FULL: each commit is on disk before anyone hears of it.
pub(super) async fn connect_writer(path: &Path, journal: SqliteJournalMode) -> Result<SqliteConnection> {
    let options = options(path)
        .create_if_missing(true)
        .journal_mode(journal)
        .synchronous(SqliteSynchronous::Full)
        // What is deleted is gone, also for a recovery that reads free pages.
        .pragma("secure_delete", "ON");
    Ok(SqliteConnection::connect_with(&options).await?)
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(BUSY_TIMEOUT)
}

pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    MIGRATIONS.run_direct(None, connection, false).await?;
    Ok(())
}

/// Looks at the file without changing it.
///
/// # Errors
/// When the file is from a newer version or cannot be read at all.
pub(super) async fn look(path: &Path) -> std::result::Result<Finding, Failure> {
    let mut head = Vec::new();
    match std::fs::File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Finding::Absent),
        Err(e) => return Err(cannot_use(path, &e)),
        Ok(file) => file.take(16).read_to_end(&mut head).map_err(|e| cannot_use(path, &e))?,
    };
    if head != HEADER {
        return Ok(Finding::Damaged(String::from("the file is not a SQLite database")));
    }
    match look_inside(path).await {
        Ok(finding) => Ok(finding),
        Err(e) if e.is_damage() => Ok(Finding::Damaged(e.to_string())),
        Err(e) => Err(e.into()),
    }
}

async fn look_inside(path: &Path) -> Result<Finding> {
    let mut reader = SqliteConnection::connect_with(&options(path).read_only(true)).await?;
    let found = look_with(&mut reader, path).await;
    let closed = reader.close().await;
    let found = found?;
    closed?;
    Ok(found)
}

async fn look_with(reader: &mut SqliteConnection, path: &Path) -> Result<Finding> {
    let application: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *reader).await?;
    let schema = schema_version(reader).await?;
    if schema > newest_schema() {
        let text = Text::new("failure.store_newer").arg("path", path.display());
        let failure = Failure::new(FailureKind::Input, text)
            .hint(Text::new("failure.store_newer_hint"))
            .detail(format!("schema {schema}, this version knows {}", newest_schema()));
        return Err(failure.into());
    }
    // The migrations' own table is made first, and alone when the very first start was cut off.
    let n_tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'")
            .fetch_one(&mut *reader)
            .await?;
    if application != APPLICATION_ID && n_tables > 0 {
        return Ok(Finding::Damaged(format!("the database is not Glassworks's: {application:#x}")));
    }
    if n_tables > 0 && schema == 0 {
        return Ok(Finding::Damaged(String::from("the database does not say which version made it")));
    }
    // Table by table: the whole check would also compare the search index with every text, for seconds.
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
            .fetch_all(&mut *reader)
            .await?;
    for table in tables.iter().map(String::as_str).chain(["sqlite_schema"]) {
        let problem: Option<String> = sqlx::query_scalar("SELECT * FROM pragma_quick_check(?) LIMIT 1")
            .bind(table)
            .fetch_optional(&mut *reader)
            .await?;
        if let Some(problem) = problem.filter(|problem| problem != "ok") {
            return Ok(Finding::Damaged(problem));
        }
    }
    Ok(Finding::Sound(schema))
}

/// The newest migration that was applied, 0 for an empty database.
async fn schema_version(reader: &mut SqliteConnection) -> Result<i64> {
    let exists: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *reader)
            .await?;
    if exists == 0 {
        return Ok(0);
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *reader).await?;
    Ok(newest.unwrap_or(0))
}

pub(super) async fn for_reader(home: &Home) -> std::result::Result<SqlitePool, Failure> {
    let path = home.database();
    let one = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    match look(&path).await? {
        Finding::Absent | Finding::Sound(0) => {
            let empty = one.connect_with(SqliteConnectOptions::new().in_memory(true));
            let empty = empty.await.map_err(StoreError::from)?;
            let mut connection = empty.acquire().await.map_err(StoreError::from)?;
            migrate(&mut connection).await?;
            drop(connection);
            Ok(empty)
        }
        Finding::Sound(schema) if schema < newest_schema() => {
            let text = Text::new("failure.store_older").arg("path", path.display());
            Err(Failure::new(FailureKind::Input, text).hint(Text::new("failure.store_older_hint")))
        }
        Finding::Sound(_) => {
            Ok(one.connect_with(options(&path).read_only(true)).await.map_err(StoreError::from)?)
        }
        Finding::Damaged(why) => {
            let text = Text::new("failure.store_damaged");
            Err(Failure::new(FailureKind::Io, text).hint(Text::new("failure.store_damaged_hint")).detail(why))
        }
    }
}

/// Whether `path` is a sound database of a version that this program can read: what a restore asks first.
///
/// # Errors
/// When it is not.
pub async fn check_database(path: &Path) -> std::result::Result<(), Failure> {
    match look(path).await? {
        Finding::Sound(_) => Ok(()),
        Finding::Absent => {
            Err(Failure::new(FailureKind::Input, Text::new("failure.store_backup_incomplete")))
        }
        Finding::Damaged(why) => {
            let text = Text::new("failure.store_backup_damaged").arg("file", crate::home::DATABASE);
            Err(Failure::new(FailureKind::Input, text).detail(why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Mode;
    use crate::store::Store;
    use glassworks_protocol::Edit;
    use glassworks_protocol::chat::{ChatKind, ChatRecord};

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    async fn open(folder: &Path) -> std::result::Result<(Store, Vec<Notice>), Failure> {
        Store::open(&Home::open(folder, Mode::writer("test"))?).await
    }

    /// Runs `sql` on a database of a writer that has closed, or leaves its log behind as a crash would.
    async fn change(folder: &Path, sql: &'static str, crash: bool) {
        let (store, _) = open(folder).await.unwrap();
        let chat = ChatRecord::new(ChatKind::Chat, 1);
        store.edit(Edit::CreateChat(chat)).await.unwrap();
        if let Some(writer) = store.inner.writer.lock().await.as_mut() {
            sqlx::raw_sql(sql).execute(writer).await.unwrap();
        }
        if crash {
            let copies =
                ["glassworks.db", "glassworks.db-wal"].map(|n| (n, std::fs::read(folder.join(n)).unwrap()));
            store.close().await.unwrap();
            for (name, bytes) in copies {
                std::fs::write(folder.join(name), bytes).unwrap();
            }
        } else {
            store.close().await.unwrap();
        }
    }

    const NEWER: &str =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (1000, 'from the future', 1, x'00', 0); CREATE TABLE from_the_future (x)";

    #[test]
    fn a_newer_database_is_refused_and_not_touched() {
        run(async {
            for crash in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                change(folder.path(), NEWER, crash).await;
                let files = || {
                    ["glassworks.db", "glassworks.db-wal"].map(|n| std::fs::read(folder.path().join(n)).ok())
                };
                let before = files();
                assert_eq!(before[1].as_ref().is_some_and(|log| !log.is_empty()), crash);
                for mode in [Mode::writer("window"), Mode::Reader] {
                    let home = Home::open(folder.path(), mode).unwrap();
                    let refused = Store::open(&home).await.err().unwrap();
                    assert_eq!(refused.summary.key, "failure.store_newer");
                    assert!(refused.hint.is_some());
                }
                let after = files();
                assert_eq!(after[0], before[0]);
                assert_eq!(after[1].clone().unwrap_or_default(), before[1].clone().unwrap_or_default());
            }
        });
    }

    #[test]
    fn a_database_of_another_program_is_set_aside() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            change(folder.path(), "PRAGMA application_id = 7", false).await;
            let (_, notices) = open(folder.path()).await.unwrap();
            assert!(matches!(&notices[..], [Notice::Alert(_)]), "{notices:?}");
        });
    }

    #[test]
    fn a_first_start_that_was_cut_off_is_a_first_start_again() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("glassworks.db");
            let mut half = connect_writer(&path, SqliteJournalMode::Wal).await.unwrap();
            sqlx::raw_sql(
                "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
                checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
            )
            .execute(&mut half)
            .await
            .unwrap();
            half.close().await.unwrap();
            let (store, notices) = open(folder.path()).await.unwrap();
            assert!(notices.is_empty() && store.chats("", false).await.unwrap().is_empty());
        });
    }

    #[test]
    fn a_full_disk_is_said_and_loses_nothing() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let (store, _) = open(folder.path()).await.unwrap();
            let chat = ChatRecord::new(ChatKind::Chat, 1);
            let id = chat.id;
            store.edit(Edit::CreateChat(chat)).await.unwrap();
            let draft = |n: usize| Edit::SaveDraft { chat: id, text: "x".repeat(n) };
            store.edit(draft(10)).await.unwrap();
            if let Some(writer) = store.inner.writer.lock().await.as_mut() {
                sqlx::raw_sql("PRAGMA max_page_count = 1").execute(writer).await.unwrap();
            }
            let refused = store.edit(draft(1_000_000)).await.unwrap_err();
            assert_eq!(refused.summary.key, "failure.store_disk_full");
            assert_eq!(store.chat(id).await.unwrap().chat.draft.len(), 10);
            if let Some(writer) = store.inner.writer.lock().await.as_mut() {
                sqlx::raw_sql("PRAGMA max_page_count = 1000000").execute(writer).await.unwrap();
            }
            store.edit(draft(1_000_000)).await.unwrap();
            assert_eq!(store.chat(id).await.unwrap().chat.draft.len(), 1_000_000);
        });
    }
}
