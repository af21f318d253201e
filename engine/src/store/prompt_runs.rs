//! Tables of inputs that prompts are run over, and what was written for their rows.

use super::Store;
use super::error::{Result, StoreError};
use super::prompts;
use glassworks_protocol::ids::{PromptId, PromptRunId};
use glassworks_protocol::prompts::{PromptResult, PromptRun, PromptSheet, PromptStored, PromptTable};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Stored};
use serde::de::DeserializeOwned;
use sqlx::SqliteConnection;
use std::sync::Arc;

impl Store {
    /// The inputs of a prompt, its runs and all they wrote.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn prompt_table(&self, prompt: PromptId) -> std::result::Result<PromptTable, Failure> {
        Ok(self.prompt_table_inner(prompt).await?)
    }

    async fn prompt_table_inner(&self, prompt: PromptId) -> Result<PromptTable> {
        let mut reader = self.inner.readers.acquire().await?;
        let id = &prompt.as_bytes()[..];
        let sheet: Option<String> = sqlx::query_scalar("SELECT sheet FROM prompt_sheets WHERE prompt = ?")
            .bind(id)
            .fetch_optional(&mut *reader)
            .await?;
        let runs: Vec<String> =
            sqlx::query_scalar("SELECT record FROM prompt_runs WHERE prompt = ? ORDER BY seq DESC")
                .bind(id)
                .fetch_all(&mut *reader)
                .await?;
        let results: Vec<String> = sqlx::query_scalar(
            "SELECT result FROM prompt_results WHERE run IN (SELECT id FROM prompt_runs WHERE prompt = ?)
                ORDER BY seq",
        )
        .bind(id)
        .fetch_all(&mut *reader)
        .await?;
        Ok(PromptTable {
            sheet: sheet.and_then(|json| read(&json)).unwrap_or_default(),
            runs: runs.iter().filter_map(|json| read(json).map(Arc::new)).collect(),
            results: results.iter().filter_map(|json| read(json).map(Arc::new)).collect(),
        })
    }

    /// Keeps a run; one that is there already stays as it is.
    ///
    /// # Errors
    /// When the prompt is gone, or the disk says no.
    pub async fn keep_prompt_run(&self, run: &PromptRun) -> std::result::Result<Stored, Failure> {
        Ok(self.keep_prompt_run_inner(run).await?)
    }

    async fn keep_prompt_run_inner(&self, run: &PromptRun) -> Result<Stored> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        prompts::get(&mut tx, run.prompt).await?;
        sqlx::query(
            "INSERT INTO prompt_runs (id, prompt, record, created_at_ms) VALUES (?, ?, ?, ?)
                ON CONFLICT (id) DO NOTHING",
        )
        .bind(&run.id.as_bytes()[..])
        .bind(&run.prompt.as_bytes()[..])
        .bind(serde_json::to_string(run)?)
        .bind(run.created_at_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Stored::Prompt(PromptStored::Run(Arc::new(run.clone()))))
    }

    /// Keeps what was written for a row, in the place of what was kept of it.
    ///
    /// # Errors
    /// When the run is gone, or the disk says no.
    pub async fn keep_prompt_result(
        &self,
        prompt: PromptId,
        result: PromptResult,
    ) -> std::result::Result<Stored, Failure> {
        Ok(self.keep_prompt_result_inner(prompt, result).await?)
    }

    async fn keep_prompt_result_inner(&self, prompt: PromptId, result: PromptResult) -> Result<Stored> {
        let now_ms = self.now();
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        sqlx::query(
            "INSERT INTO prompt_results (run, row, result, at_ms) VALUES (?, ?, ?, ?)
                ON CONFLICT (run, row) DO UPDATE SET result = excluded.result, at_ms = excluded.at_ms",
        )
        .bind(&result.run.as_bytes()[..])
        .bind(result.row as i64)
        .bind(serde_json::to_string(&result)?)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Stored::Prompt(PromptStored::Result { prompt, result: Arc::new(result) }))
    }
}

/// What can't be read hides itself, not the others.
fn read<T: DeserializeOwned>(json: &str) -> Option<T> {
    match serde_json::from_str(json) {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!("a part of a prompt's table is left out: {error}");
            None
        }
    }
}

pub(super) async fn save_sheet(
    tx: &mut SqliteConnection,
    prompt: PromptId,
    sheet: &PromptSheet,
    now_ms: i64,
) -> Result<Vec<Stored>> {
    prompts::get(tx, prompt).await?;
    sqlx::query(
        "INSERT INTO prompt_sheets (prompt, changed_at_ms, sheet) VALUES (?, ?, ?)
            ON CONFLICT (prompt) DO UPDATE SET
            changed_at_ms = excluded.changed_at_ms, sheet = excluded.sheet",
    )
    .bind(&prompt.as_bytes()[..])
    .bind(now_ms)
    .bind(serde_json::to_string(sheet)?)
    .execute(tx)
    .await?;
    Ok(vec![Stored::Prompt(PromptStored::Sheet { prompt, sheet: Arc::new(sheet.clone()) })])
}

pub(super) async fn remove(tx: &mut SqliteConnection, run: PromptRunId) -> Result<Vec<Stored>> {
    let prompt: Option<Vec<u8>> = sqlx::query_scalar("DELETE FROM prompt_runs WHERE id = ? RETURNING prompt")
        .bind(&run.as_bytes()[..])
        .fetch_optional(tx)
        .await?;
    let gone = || Failure::new(FailureKind::Missing, Text::new("failure.prompt_run_gone"));
    let prompt = prompt.ok_or_else(gone)?;
    let prompt = PromptId::from_slice(&prompt)
        .ok_or_else(|| StoreError::Word(String::from("an id of a wrong length")))?;
    Ok(vec![Stored::Prompt(PromptStored::RunRemoved { prompt, run })])
}
