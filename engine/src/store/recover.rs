//! A damaged database: what can be read moves into a fresh one, the old file is set aside.
//!
//! **Invariant.** Interrupted at any point nothing is lost: the fresh file is filled under another name, and
//! carries its final name only once it is whole; [`finish_interrupted`] goes on from there at the next start.

use super::error::Result;
use super::salvage::{Pages, Row, Value};
use super::{now_ms, open};
use crate::home::{DATABASE, Home, cannot_use, sync_folder};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Notice};
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, Connection};
use std::path::{Path, PathBuf};

const FILLING: &str = "glassworks.recovering.db";
const READY: &str = "glassworks.recovered-";
const ASIDE: &str = "glassworks.corrupt-";
#[derive(Debug, Default)]
struct Recovered {
    n_chats: i64,
    n_messages: i64,
    n_models: i64,
}

/// Recovers what can be read of the home's database and puts the result in its place.
pub(super) async fn set_aside(home: &Home, why: &str) -> std::result::Result<Notice, Failure> {
    tracing::error!("the database is damaged: {why}");
    let filling = home.path().join(FILLING);
    for suffix in ["", "-journal", "-wal", "-shm"] {
        remove(&with_suffix(&filling, suffix))?;
    }
    let recovered = fill(&home.database(), &filling).await?;
    let stamp = free_stamp(home.path());
    let ready = home.path().join(format!("{READY}{stamp}.db"));
    rename(&filling, &ready)?;
    let aside = put_in_place(home, &ready, &stamp)?;
    let summary = Text::new("failure.store_recovered")
        .arg("chats", recovered.n_chats)
        .arg("messages", recovered.n_messages)
        .arg("models", recovered.n_models);
    let hint = Text::new("failure.store_recovered_hint").arg("file", aside.display());
    Ok(Notice::Alert(Failure::new(FailureKind::Io, summary).hint(hint).detail(why)))
}

/// Goes on with a recovery that was cut off after the fresh database was whole.
pub(super) fn finish_interrupted(home: &Home) -> std::result::Result<Option<Notice>, Failure> {
    let entries = std::fs::read_dir(home.path()).map_err(|e| cannot_use(home.path(), &e))?;
    for entry in entries {
        let name = entry.map_err(|e| cannot_use(home.path(), &e))?.file_name();
        let stamp = name.to_str().and_then(|n| n.strip_prefix(READY)?.strip_suffix(".db"));
        if let Some(stamp) = stamp {
            let aside = put_in_place(home, &home.path().join(&name), stamp)?;
            let hint = Text::new("failure.store_recovered_hint").arg("file", aside.display());
            let summary = Text::new("failure.store_recovered_earlier");
            return Ok(Some(Notice::Alert(Failure::new(FailureKind::Io, summary).hint(hint))));
        }
    }
    Ok(None)
}

/// The old file and its log go aside under one name, then the fresh one takes its place.
fn put_in_place(home: &Home, ready: &Path, stamp: &str) -> std::result::Result<PathBuf, Failure> {
    let aside = home.path().join(format!("{ASIDE}{stamp}.db"));
    for suffix in ["-wal", "-shm", ""] {
        let old = with_suffix(&home.database(), suffix);
        if old.exists() {
            rename(&old, &with_suffix(&aside, suffix))?;
        }
    }
    rename(ready, &home.path().join(DATABASE))?;
    sync_folder(home.path()).map_err(|e| cannot_use(home.path(), &e))?;
    Ok(aside)
}

fn free_stamp(folder: &Path) -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms()).unwrap_or_default();
    let stamp = now.strftime("%Y%m%d-%H%M%S").to_string();
    let taken = |stamp: &str| folder.join(format!("{ASIDE}{stamp}.db")).exists();
    if !taken(&stamp) {
        return stamp;
    }
    (2..).map(|n| format!("{stamp}-{n}")).find(|s| !taken(s)).unwrap_or(stamp)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn rename(from: &Path, to: &Path) -> std::result::Result<(), Failure> {
    std::fs::rename(from, to).map_err(|e| cannot_use(from, &e))
}

fn remove(path: &Path) -> std::result::Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(cannot_use(path, &e)),
        _ => Ok(()),
    }
}

/// Makes a fresh database at `to` from what can be read of `from`.
async fn fill(from: &Path, to: &Path) -> Result<Recovered> {
    let mut fresh = open::connect_writer(to, SqliteJournalMode::Delete).await?;
    open::migrate(&mut fresh).await?;
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut fresh).await?;
    let cannot_read = |e: std::io::Error| cannot_use(from, &e);
    let mut pages = Pages::open(from, &with_suffix(from, "-wal")).map_err(cannot_read)?;
    let mut tx = fresh.begin().await?;
    for number in pages.numbers() {
        for row in pages.rows(number).map_err(cannot_read)? {
            if let Some(table) = TABLES.iter().find(|table| table.fits(&row.values)) {
                insert(&mut tx, table, row).await?;
            }
        }
    }
    tx.commit().await?;
    mend(&mut fresh).await?;
    let (n_chats, n_messages, n_models) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM chats), (SELECT count(*) FROM messages), (SELECT count(*) FROM models)",
    )
    .fetch_one(&mut fresh)
    .await?;
    fresh.close().await?;
    Ok(Recovered { n_chats, n_messages, n_models })
}

async fn insert(tx: &mut SqliteConnection, table: &Table, row: Row) -> Result<()> {
    let names: Vec<&str> = table.columns.iter().take(row.values.len()).map(|(name, _)| *name).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {} ({}) VALUES ({marks})", table.name, names.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(row.rowid);
    for value in row.values.into_iter().skip(1) {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Int(value) => query.bind(value),
            Value::Real(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Blob(value) => query.bind(value),
        };
    }
    query.execute(tx).await?;
    Ok(())
}

/// What a row of a table looks like, so that its pages are known without a schema.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Shape)],
    /// How many of the last columns a row from before their migration lacks.
    n_added: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// The row's number; stored as nothing.
    Seq,
    Id,
    MaybeId,
    Int,
    MaybeInt,
    Text,
    MaybeText,
    Blob,
    /// Whole numbers are stored as such.
    Real,
}

impl Table {
    fn fits(&self, values: &[Value]) -> bool {
        (self.columns.len() - self.n_added..=self.columns.len()).contains(&values.len())
            && values.iter().zip(self.columns).all(|(value, (_, shape))| match (value, shape) {
                (Value::Null, Shape::Seq | Shape::MaybeId | Shape::MaybeInt | Shape::MaybeText) => true,
                (Value::Blob(bytes), Shape::Id | Shape::MaybeId) => bytes.len() == 16,
                (Value::Blob(_), Shape::Blob) => true,
                (Value::Int(_) | Value::Real(_), Shape::Real) => true,
                (Value::Int(_), Shape::Int | Shape::MaybeInt) => true,
                (Value::Text(_), Shape::Text | Shape::MaybeText) => true,
                _ => false,
            })
    }
}

/// Every table of ours, columns in the order of the migrations.
const TABLES: [Table; 17] = [
    Table {
        name: "chats",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("kind", Shape::Text),
            ("title", Shape::Text),
            ("titled_by_hand", Shape::Int),
            ("system_prompt", Shape::Text),
            ("draft", Shape::Text),
            ("leaf", Shape::MaybeId),
            ("template", Shape::Text),
            ("created_at_ms", Shape::Int),
            ("changed_at_ms", Shape::Int),
            ("trashed_at_ms", Shape::MaybeInt),
        ],
        n_added: 0,
    },
    Table {
        name: "messages",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("chat", Shape::Id),
            ("parent", Shape::MaybeId),
            ("role", Shape::Text),
            ("text", Shape::Text),
            ("tail", Shape::Text),
            ("status", Shape::Text),
            ("created_at_ms", Shape::Int),
            ("hidden_by", Shape::MaybeId),
            ("reply", Shape::MaybeText),
        ],
        n_added: 0,
    },
    Table {
        name: "message_tokens",
        columns: &[
            ("seq", Shape::Seq),
            ("message", Shape::Id),
            ("first", Shape::Int),
            ("n", Shape::Int),
            ("pieces", Shape::Blob),
        ],
        n_added: 0,
    },
    Table {
        name: "edits",
        columns: &[
            ("seq", Shape::Seq),
            ("chat", Shape::Id),
            ("undo", Shape::Text),
            ("redo", Shape::Text),
            ("undone", Shape::Int),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "models",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("name", Shape::Text),
            ("path", Shape::Text),
            ("card", Shape::Text),
            ("added_at_ms", Shape::Int),
            ("used_at_ms", Shape::MaybeInt),
            ("starter", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "content_hashes",
        columns: &[
            ("seq", Shape::Seq),
            ("path", Shape::Text),
            ("size_bytes", Shape::Int),
            ("mtime_ns", Shape::Int),
            ("hash", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "settings",
        columns: &[("id", Shape::Seq), ("version", Shape::Int), ("json", Shape::Text)],
        n_added: 0,
    },
    Table {
        name: "runs",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("name", Shape::Text),
            ("status", Shape::Text),
            ("spec", Shape::Text),
            ("progress", Shape::Text),
            ("folder", Shape::Text),
            ("created_at_ms", Shape::Int),
            ("changed_at_ms", Shape::Int),
            ("tags", Shape::Text),
            ("notes", Shape::Text),
            ("trashed_at_ms", Shape::MaybeInt),
        ],
        n_added: 3,
    },
    Table {
        name: "metric_points",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("series", Shape::Text),
            ("step", Shape::Int),
            ("value", Shape::Real),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "checkpoints",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("kind", Shape::Text),
            ("step", Shape::Int),
            ("record", Shape::Text),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "run_samples",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("step", Shape::Int),
            ("n", Shape::Int),
            ("record", Shape::Text),
        ],
        n_added: 0,
    },
    Table {
        name: "run_rows",
        columns: &[("seq", Shape::Seq), ("run", Shape::Id), ("rows", Shape::Text)],
        n_added: 0,
    },
    Table {
        name: "run_row_losses",
        columns: &[
            ("seq", Shape::Seq),
            ("run", Shape::Id),
            ("look", Shape::Text),
            ("step", Shape::Int),
            ("losses", Shape::Blob),
        ],
        n_added: 0,
    },
    Table {
        name: "predictions",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("record", Shape::Text),
            ("created_at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "mends",
        columns: &[
            ("seq", Shape::Seq),
            ("prediction", Shape::Id),
            ("row", Shape::Int),
            ("answer", Shape::Text),
            ("confirmed", Shape::Int),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "mend_edits",
        columns: &[
            ("seq", Shape::Seq),
            ("prediction", Shape::Id),
            ("row", Shape::Int),
            ("undo", Shape::Text),
            ("redo", Shape::Text),
            ("undone", Shape::Int),
            ("at_ms", Shape::Int),
        ],
        n_added: 0,
    },
    Table {
        name: "benches",
        columns: &[
            ("seq", Shape::Seq),
            ("id", Shape::Id),
            ("at_ms", Shape::Int),
            ("machine", Shape::Text),
            ("model", Shape::Text),
            ("precision", Shape::Text),
            ("version", Shape::Text),
            ("record", Shape::Text),
        ],
        n_added: 0,
    },
];

/// Rows that lost what they refer to, or hold what no program wrote.
async fn mend(fresh: &mut SqliteConnection) -> Result<()> {
    let mut tx = fresh.begin().await?;
    for sql in [
        "DELETE FROM chats WHERE length(id) <> 16 OR kind NOT IN ('chat', 'completion')",
        "DELETE FROM messages WHERE length(id) <> 16 OR length(chat) <> 16
            OR role NOT IN ('user', 'assistant', 'prompt')
            OR status NOT IN ('complete', 'streaming', 'stopped', 'interrupted', 'failed')",
        "DELETE FROM models WHERE length(id) <> 16 OR NOT json_valid(card)",
        "UPDATE messages SET reply = NULL WHERE reply IS NOT NULL AND NOT json_valid(reply)",
        // A parent is older than its child, so a damaged one cannot close a circle.
        "UPDATE messages SET parent = NULL WHERE parent IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM messages p WHERE p.id = messages.parent AND p.chat = messages.chat
             AND p.seq < messages.seq)",
        "INSERT INTO chats (id, kind, title, titled_by_hand, system_prompt, draft, template,
            created_at_ms, changed_at_ms)
            SELECT chat, iif(max(role = 'prompt'), 'completion', 'chat'), '', 0, '', '', '{}',
                min(created_at_ms), max(created_at_ms)
            FROM messages WHERE chat NOT IN (SELECT id FROM chats) GROUP BY chat",
        "DELETE FROM message_tokens WHERE message NOT IN (SELECT id FROM messages)",
        "DELETE FROM edits WHERE chat NOT IN (SELECT id FROM chats)
            OR NOT json_valid(undo) OR NOT json_valid(redo)",
        "DELETE FROM runs WHERE length(id) <> 16 OR status NOT IN
            ('running', 'paused', 'stopped', 'interrupted', 'done', 'failed')",
        "DELETE FROM metric_points WHERE run NOT IN (SELECT id FROM runs)",
        "DELETE FROM checkpoints WHERE run NOT IN (SELECT id FROM runs) OR NOT json_valid(record)",
        "DELETE FROM run_samples WHERE run NOT IN (SELECT id FROM runs) OR NOT json_valid(record)",
        "DELETE FROM run_rows WHERE run NOT IN (SELECT id FROM runs) OR NOT json_valid(rows)",
        "DELETE FROM run_row_losses WHERE run NOT IN (SELECT id FROM runs)
            OR look NOT IN ('first', 'best', 'last')",
        "DELETE FROM predictions WHERE length(id) <> 16 OR NOT json_valid(record)",
        "DELETE FROM mends WHERE prediction NOT IN (SELECT id FROM predictions)",
        "DELETE FROM mend_edits WHERE prediction NOT IN (SELECT id FROM predictions)
            OR NOT json_valid(undo) OR NOT json_valid(redo)",
        "DELETE FROM benches WHERE length(id) <> 16 OR NOT json_valid(record)",
    ] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    let untitled: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM chats WHERE title = '' AND titled_by_hand = 0")
            .fetch_all(&mut *tx)
            .await?;
    for id in untitled {
        super::replies::give_title(&mut tx, super::rows::chat_id(&id)?).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A migration that changes a table must change its shape here.
    #[test]
    fn the_shapes_are_those_of_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let path = folder.path().join("db");
            let mut fresh = open::connect_writer(&path, SqliteJournalMode::Delete).await.unwrap();
            open::migrate(&mut fresh).await.unwrap();
            let mut names: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'
                    AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations' ORDER BY name",
            )
            .fetch_all(&mut fresh)
            .await
            .unwrap();
            for table in &TABLES {
                let columns: Vec<(String, String, bool, bool)> =
                    sqlx::query_as("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?)")
                        .bind(table.name)
                        .fetch_all(&mut fresh)
                        .await
                        .unwrap();
                assert_eq!(columns.len(), table.columns.len(), "{}", table.name);
                for ((name, kind, required, key), (wanted, shape)) in columns.iter().zip(table.columns) {
                    assert_eq!(name, wanted, "{}", table.name);
                    let fits = match shape {
                        Shape::Seq => *key,
                        Shape::Id | Shape::Blob => kind == "BLOB" && *required,
                        Shape::MaybeId => kind == "BLOB" && !required,
                        Shape::Int => kind == "INTEGER" && *required,
                        Shape::Real => kind == "REAL" && *required,
                        Shape::MaybeInt => kind == "INTEGER" && !required,
                        Shape::Text => kind == "TEXT" && *required,
                        Shape::MaybeText => kind == "TEXT" && !required,
                    };
                    assert!(fits, "{}.{name}", table.name);
                }
                names.retain(|name| name != table.name);
            }
            assert!(names.is_empty(), "tables without a shape: {names:?}");
        });
    }
}
