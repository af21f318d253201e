//! A damaged database: what can be read moves into a fresh one, the old file is set aside.
//!
//! **Invariant.** Interrupted at any point nothing is lost: the fresh file is filled under another name, and
//! carries its final name only once it is whole; [`finish_interrupted`] goes on from there at the next start.

use super::error::Result;
use super::salvage::{Pages, Row, Value};
use super::shapes::{TABLES, Table};
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
        "DELETE FROM prompts WHERE length(id) <> 16 OR NOT json_valid(tags)",
        "DELETE FROM prompt_versions WHERE NOT json_valid(body)",
        // A prompt whose page was lost is there again by what it was last.
        "INSERT INTO prompts (id, name, folder, tags, version, created_at_ms, changed_at_ms)
            SELECT prompt, 'Prompt', '', '[]', max(n), min(at_ms), max(at_ms) FROM prompt_versions
            WHERE length(prompt) = 16 AND prompt NOT IN (SELECT id FROM prompts) GROUP BY prompt",
        "UPDATE prompts SET version = (SELECT max(n) FROM prompt_versions v WHERE v.prompt = prompts.id)
            WHERE EXISTS (SELECT 1 FROM prompt_versions v WHERE v.prompt = prompts.id)
            AND NOT EXISTS (SELECT 1 FROM prompt_versions v WHERE v.prompt = prompts.id AND v.n = version)",
        "DELETE FROM prompts WHERE id NOT IN (SELECT prompt FROM prompt_versions)",
        "UPDATE prompts SET draft = NULL WHERE draft IS NOT NULL AND NOT json_valid(draft)",
        "DELETE FROM prompt_edits WHERE prompt NOT IN (SELECT id FROM prompts)
            OR NOT json_valid(undo) OR NOT json_valid(redo)",
        "DELETE FROM prompt_sheets WHERE prompt NOT IN (SELECT id FROM prompts) OR NOT json_valid(sheet)",
        "DELETE FROM prompt_runs WHERE length(id) <> 16 OR prompt NOT IN (SELECT id FROM prompts)
            OR NOT json_valid(record)",
        "DELETE FROM prompt_results WHERE run NOT IN (SELECT id FROM prompt_runs) OR NOT json_valid(result)",
        "DELETE FROM datasets WHERE length(id) <> 16 OR NOT json_valid(record)",
        "DELETE FROM dataset_edits WHERE dataset NOT IN (SELECT id FROM datasets)
            OR NOT json_valid(undo) OR NOT json_valid(redo) OR NOT json_valid(what)",
        "DELETE FROM dataset_versions WHERE dataset NOT IN (SELECT id FROM datasets)",
        "DELETE FROM dataset_bad_done WHERE dataset NOT IN (SELECT id FROM datasets)",
        "DELETE FROM votes WHERE length(id) <> 16 OR NOT json_valid(contenders) OR winner >= n_contenders",
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
