//! Questions about predictions: the list, pages of rows, one row in full, the columns of a file. They are answered
//! beside the loop, by a thread that may wait for the disk.

use crate::failure;
use crate::job_cx::Shared;
use crate::predict::rows::{Rows, Stamp};
use crate::predict::{self, Looking};
use anyhow::{Context as _, Result};
use glassworks_protocol::Failure;
use glassworks_protocol::ids::PredictionId;
use glassworks_protocol::predict::{DataHead, Mend, PredictedRows, PredictionRecord, RowInFull, RowsView};
use glassworks_protocol::prompts::{PromptPage, PromptQuery};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a page at most.
const MOST_ROWS: u32 = 500;

/// All that are kept, newest first, each with the rows that are there.
///
/// # Errors
/// When the disk says no.
pub async fn list(shared: &Arc<Shared>) -> Result<Vec<Arc<PredictionRecord>>, Failure> {
    let records = shared.store.predictions().await?;
    apart(move || Ok(records.into_iter().map(|record| Arc::new(counted(record))).collect())).await
}

/// An unfinished one says how far it is beside its file.
fn counted(record: PredictionRecord) -> PredictionRecord {
    if record.done {
        return record;
    }
    let n_rows = predict::left(&record.spec.out).map_or(0, |left| left.n_rows);
    PredictionRecord { n_rows, ..record }
}

/// A page of rows.
///
/// # Errors
/// When the prediction or its file is gone, or the disk says no.
pub async fn rows(
    shared: &Arc<Shared>,
    id: PredictionId,
    view: RowsView,
    from: u64,
    n: u32,
) -> Result<PredictedRows, Failure> {
    let record = shared.store.prediction(id).await?;
    let mends = shared.store.mends(id).await?;
    let shared = Arc::clone(shared);
    apart(move || {
        let rows = indexed(&shared, &record)?;
        let order = ordered(&shared, id, &rows, &view, &mends)?;
        let place = |place: u64| (place as usize).min(order.len());
        let shown = &order[place(from)..place(from.saturating_add(n.min(MOST_ROWS).into()))];
        let mut page = rows.page(shown)?;
        for row in &mut page {
            row.mend = mends.get(&row.row).cloned();
        }
        Ok(PredictedRows { n_rows: order.len() as u64, from, rows: page, whole: rows.whole.clone() })
    })
    .await
}

/// All of one row.
///
/// # Errors
/// When the prediction, its file or the row is gone, or the disk says no.
pub async fn in_full(shared: &Arc<Shared>, id: PredictionId, row: u64) -> Result<RowInFull, Failure> {
    let record = shared.store.prediction(id).await?;
    let shared = Arc::clone(shared);
    apart(move || indexed(&shared, &record)?.in_full(row)).await
}

/// The columns of a file.
///
/// # Errors
/// When it cannot be read.
pub async fn head(path: PathBuf) -> Result<DataHead, Failure> {
    apart(move || predict::head(&path)).await
}

/// What is asked of the prompt library.
///
/// # Errors
/// When the disk says no, or a file cannot be read.
pub async fn of_prompts(shared: &Arc<Shared>, query: PromptQuery) -> Result<PromptPage, Failure> {
    let store = &shared.store;
    Ok(match query {
        PromptQuery::All => PromptPage::All(store.prompts().await?),
        PromptQuery::Versions(prompt) => PromptPage::Versions(store.prompt_versions(prompt).await?),
        PromptQuery::Table(prompt) => PromptPage::Table(Box::new(store.prompt_table(prompt).await?)),
        PromptQuery::Rows(path) => {
            PromptPage::Rows(Arc::new(apart(move || super::prompts::rows_of(&path)).await?))
        }
    })
}

/// On a thread for what waits.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await.context("looking at rows");
    done.and_then(|result| result).map_err(|error| failure::from_error(&error))
}

/// The rows of a prediction, read once for as long as they are looked at.
///
/// # Errors
/// When the file is gone or cannot be read.
pub fn indexed(shared: &Shared, record: &PredictionRecord) -> Result<Arc<Rows>> {
    let stamp = Stamp::of(record)?;
    let mut looked_at = shared.looked_at.lock();
    if let Some(looking) = looked_at.iter().find(|one| one.id == record.id && one.rows.is(&stamp)) {
        return Ok(Arc::clone(&looking.rows));
    }
    let rows = Arc::new(Rows::index(record, &|| Ok(()))?);
    looked_at.retain(|one| one.id != record.id);
    looked_at.insert(0, Looking { id: record.id, rows: Arc::clone(&rows), order: None });
    looked_at.truncate(predict::MOST_LOOKED_AT);
    Ok(rows)
}

/// The order of a view: that of the newest one is at hand. A view of what was mended is as new as the mends.
fn ordered(
    shared: &Shared,
    id: PredictionId,
    rows: &Arc<Rows>,
    view: &RowsView,
    mends: &BTreeMap<u64, Mend>,
) -> Result<Arc<Vec<u32>>> {
    let mut looked_at = shared.looked_at.lock();
    let looking = looked_at.iter_mut().find(|one| one.id == id && Arc::ptr_eq(&one.rows, rows));
    let known = looking
        .as_ref()
        .and_then(|one| one.order.as_ref())
        .filter(|(of, n, _)| of == view && (!view.mended || *n == mends.len()));
    if let Some((.., order)) = known {
        return Ok(Arc::clone(order));
    }
    let order = Arc::new(rows.order(view, &|row| mends.contains_key(&row))?);
    if let Some(looking) = looking {
        looking.order = Some((view.clone(), mends.len(), Arc::clone(&order)));
    }
    Ok(order)
}
