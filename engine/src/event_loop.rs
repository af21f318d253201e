//! The one loop: takes commands in order, edits and answers at once, starts a named thread for each job.

use crate::datasets;
use crate::failure::{self, Cancelled};
use crate::job_cx::{JobCx, Shared, Steering};
use crate::jobs::{self, predict_pages};
use glassworks_protocol::datasets::DatasetEdit;
use glassworks_protocol::ids::{EditId, JobId};
use glassworks_protocol::link::EngineEnd;
use glassworks_protocol::machine::DiskStatus;
use glassworks_protocol::text::Text;
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Notice, Outcome, Page, Query, RequestId,
    Stored,
};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

/// Jobs that have not settled.
type Running = Arc<Mutex<HashMap<JobId, Handle>>>;

struct Handle {
    steering: Arc<Steering>,
    thread: Option<JoinHandle<()>>,
}

/// Runs until [`Command::Shutdown`] or until the window's end is gone; then stops every job and waits for it.
pub fn run(end: &EngineEnd, shared: &Arc<Shared>) {
    let running = Running::default();
    let (edits, datasets) = edit_datasets(shared);
    while let Ok(command) = end.commands.recv() {
        match command {
            Command::Start(id, spec) => start(id, spec, shared, &running),
            Command::Cancel(id) => {
                steer(id, &running, |steering| steering.cancel.store(true, Ordering::Relaxed))
            }
            Command::Signal(id, signal) => steer(id, &running, |steering| {
                *steering.signal.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
            }),
            Command::Edit(id, Edit::Dataset(edit)) => {
                shared.datasets.edit_sent();
                if edits.send((id, edit)).is_err() {
                    tracing::error!("the thread that edits datasets has ended");
                }
            }
            Command::Edit(id, edit) => match shared.runtime.block_on(shared.store.edit(edit)) {
                Ok(stored) => stored.into_iter().for_each(|s| end.outbox.send(Event::Stored(s))),
                Err(failure) => refuse(shared, RequestId::Edit(id), failure),
            },
            Command::Fetch(id, query) => answer(id, query, shared),
            Command::Shutdown => break,
        }
    }
    stop_all(&running);
    drop(edits);
    if datasets.is_some_and(|thread| thread.join().is_err()) {
        tracing::error!("the thread that edits datasets panicked");
    }
    if let Err(failure) = shared.runtime.block_on(shared.store.close()) {
        tracing::error!("closing the database: {failure}");
    }
    end.outbox.send(Event::Notice(Notice::Ended));
}

/// Edits of datasets are carried out in order beside the loop: one that touches a million rows holds nothing else up.
fn edit_datasets(shared: &Arc<Shared>) -> (mpsc::Sender<(EditId, DatasetEdit)>, Option<JoinHandle<()>>) {
    let (sender, edits) = mpsc::channel::<(EditId, DatasetEdit)>();
    let context = Arc::clone(shared);
    let work = move || {
        for (id, edit) in edits {
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| datasets::carry_out(&context, edit)));
            match done {
                Ok(Ok(told)) => {
                    told.into_iter().for_each(|one| context.outbox.send(Event::Stored(Stored::Dataset(one))));
                }
                Ok(Err(error)) => refuse(&context, RequestId::Edit(id), failure::from_error(&error)),
                Err(payload) => refuse(&context, RequestId::Edit(id), failure::from_panic(&*payload)),
            }
            context.datasets.edit_done();
        }
    };
    match std::thread::Builder::new().name("edit-datasets".to_owned()).spawn(work) {
        Ok(thread) => (sender, Some(thread)),
        Err(error) => {
            tracing::error!("starting a thread: {error}");
            (sender, None)
        }
    }
}

fn refuse(shared: &Shared, id: RequestId, failure: Failure) {
    tracing::warn!("refused: {failure}");
    shared.outbox.send(Event::Refused(id, failure));
}

fn steer(id: JobId, running: &Running, how: impl FnOnce(&Steering)) {
    // A job that has settled in the meantime has nothing to steer.
    if let Some(handle) = running.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        how(&handle.steering);
    }
}

fn stop_all(running: &Running) {
    let handles: Vec<Handle> =
        running.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, handle)| handle).collect();
    for handle in &handles {
        handle.steering.cancel.store(true, Ordering::Relaxed);
    }
    for thread in handles.into_iter().filter_map(|handle| handle.thread) {
        if thread.join().is_err() {
            tracing::error!("a job's thread panicked outside its boundary");
        }
    }
}

/// Queries run beside the loop, so that a long search does not hold up an edit. Commands sent before have been
/// carried out by then.
fn answer(id: glassworks_protocol::ids::QueryId, query: Query, shared: &Arc<Shared>) {
    let context = Arc::clone(shared);
    shared.runtime.spawn(async move {
        let page = page(&context, query).await;
        match page {
            Ok(page) => context.outbox.send(Event::Fetched(id, page)),
            Err(failure) => refuse(&context, RequestId::Query(id), failure),
        }
    });
}

async fn page(shared: &Arc<Shared>, query: Query) -> Result<Page, Failure> {
    let store = &shared.store;
    Ok(match query {
        Query::Chats { search, trashed } => Page::Chats(store.chats(&search, trashed).await?),
        Query::Chat(id) => Page::Chat(Arc::new(store.chat(id).await?)),
        Query::Models => Page::Models(store.models().await?),
        Query::Runs => Page::Runs(store.runs().await?),
        Query::RunPoints(id) => Page::RunPoints(Arc::new(store.run_points(id).await?)),
        Query::RunCheckpoints(id) => Page::RunCheckpoints(store.run_checkpoints(id).await?),
        Query::RunSamples(id) => Page::RunSamples(store.run_samples(id).await?),
        Query::WorstRows { run, look, n } => {
            Page::WorstRows(store.worst_rows(run, look, n as usize).await?.map(Arc::new))
        }
        Query::Disk => Page::Disk(shared.disk.free().map(|free_bytes| DiskStatus { free_bytes })),
        Query::Checkpoints => Page::Checkpoints(store.checkpoints().await?),
        Query::Predictions => Page::Predictions(predict_pages::list(shared).await?),
        Query::PredictedRows { prediction, view, from, n } => {
            Page::PredictedRows(Arc::new(predict_pages::rows(shared, prediction, view, from, n).await?))
        }
        Query::PredictedRow { prediction, row } => {
            Page::PredictedRow(Arc::new(predict_pages::in_full(shared, prediction, row).await?))
        }
        Query::DataHead(path) => Page::DataHead(Arc::new(predict_pages::head(path).await?)),
        Query::Prompt(query) => Page::Prompt(predict_pages::of_prompts(shared, query).await?),
        Query::Dataset(query) => Page::Dataset(datasets::pages::page(shared, query).await?),
        Query::Benches => Page::Benches(store.benches().await?),
        Query::Votes => Page::Votes(store.votes().await?),
        Query::Memory => Page::Memory(shared.ledger.status()),
        Query::LogTail => Page::LogTail(crate::log::tail(&shared.home.logs().join(crate::log::FILE))),
    })
}

fn start(id: JobId, spec: JobSpec, shared: &Arc<Shared>, running: &Running) {
    let mut jobs = running.lock().unwrap_or_else(PoisonError::into_inner);
    if jobs.contains_key(&id) {
        let failure = Failure::new(FailureKind::Bug, Text::new("failure.job_twice"));
        return refuse(shared, RequestId::Job(id), failure);
    }
    let steering = Arc::new(Steering::default());
    let cx = JobCx::new(id, Arc::clone(shared), Arc::clone(&steering));
    let name = jobs::name(&spec);
    let registry = Arc::clone(running);
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let outcome = outcome_of(|| jobs::run(&cx, spec));
        // Off the list before the end is told, so that whoever hears of it finds the list true.
        registry.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        cx.shared.outbox.send(Event::Settled(id, outcome));
        cx.shared.outbox.send(Event::Notice(Notice::Memory(cx.shared.ledger.status())));
    });
    match thread {
        // The registry's lock is held, so even a job that has ended already finds its entry to remove.
        Ok(thread) => {
            jobs.insert(id, Handle { steering, thread: Some(thread) });
        }
        Err(error) => {
            let failure = failure::from_error(&anyhow::Error::new(error).context("starting a thread"));
            drop(jobs);
            shared.outbox.send(Event::Settled(id, Outcome::Failed(failure)));
        }
    }
}

/// The boundary: whatever happens inside becomes exactly one outcome.
fn outcome_of(work: impl FnOnce() -> anyhow::Result<JobOutput>) -> Outcome {
    match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(output)) => Outcome::Done(output),
        Ok(Err(error)) if error.is::<Cancelled>() => Outcome::Cancelled,
        Ok(Err(error)) => {
            let failure = failure::from_error(&error);
            tracing::warn!("a job failed: {failure}: {error:#}");
            Outcome::Failed(failure)
        }
        Err(payload) => {
            let failure = failure::from_panic(&*payload);
            tracing::error!("a job panicked: {failure}");
            Outcome::Failed(failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn every_end_is_an_outcome() {
        assert_eq!(outcome_of(|| Ok(JobOutput::RestoreReady)), Outcome::Done(JobOutput::RestoreReady));
        assert_eq!(outcome_of(|| Err(Cancelled.into())), Outcome::Cancelled);
        let Outcome::Failed(failure) = outcome_of(|| anyhow::bail!("the disk sang")) else {
            panic!("it failed")
        };
        assert!(failure.detail.contains("the disk sang"));
    }

    #[test]
    fn a_panic_on_a_pool_thread_reaches_its_job() {
        let outcome = outcome_of(|| {
            (0..1000).into_par_iter().for_each(|i| assert!(i != 777, "row {i} broke"));
            Ok(JobOutput::RestoreReady)
        });
        let Outcome::Failed(failure) = outcome else { panic!("it failed") };
        assert_eq!(failure.kind, FailureKind::Bug);
        assert!(failure.detail.contains("row 777 broke"), "{failure}");
    }
}
