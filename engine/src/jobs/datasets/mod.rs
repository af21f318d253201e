//! Datasets that are kept: jobs over them, one file each, and questions about them.

use crate::job_cx::{JobCx, Shared};
use anyhow::Result;
use glassworks_protocol::Failure;
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput, DatasetPage, DatasetQuery};
use std::sync::Arc;

/// Carries a job out.
///
/// # Errors
/// As each kind says.
pub fn run(_cx: &JobCx, job: DatasetJob) -> Result<DatasetOutput> {
    anyhow::bail!("not built: {job:?}")
}

/// Answers a question.
///
/// # Errors
/// As each kind says.
pub async fn page(_shared: &Arc<Shared>, query: DatasetQuery) -> Result<DatasetPage, Failure> {
    Err(crate::failure::from_error(&anyhow::anyhow!("not built: {query:?}")))
}
