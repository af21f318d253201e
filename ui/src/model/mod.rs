//! What the window knows: a read-only fold of what the engine told, changed by [`Model::apply`] and
//! [`Model::sent`] only.

mod answers;
mod benches;
mod captures;
mod chats;
mod curves;
mod datasets;
mod jobs;
mod library;
mod live;
mod looks;
mod pick;
mod predictions;
mod prompts;
mod runs;
mod scores;
mod tree;
mod tuned;
mod votes;

pub use answers::{Answer, Answers};
pub use benches::Benches;
pub use captures::{CaptureState, Captures, InsideReport, Looking, Measured};
pub use chats::{ChatState, Chats, Search};
pub use curves::{Curves, Sample};
pub use datasets::{BAD_PAGE, Bad, Datasets, FoundView};
pub use jobs::{Job, JobKind, JobState, Jobs};
pub use library::{Library, ModelState};
pub use live::LiveReply;
pub use looks::Looks;
pub use pick::{Offer, Pick, PickFor};
pub use predictions::{Looked, PAGE, Predictions, Told};
pub use prompts::{Prompts, Running, Table};
pub use runs::{Listed, RunState, Runs};
pub use scores::{Reading, Scores};
pub use tree::{newest_leaf_below, path_to, siblings};
pub use tuned::{Gone, Part};
pub use votes::Votes;

use glassworks_protocol::datasets::{DatasetQuery, DatasetStored};
use glassworks_protocol::generate::GenerateSpec;
use glassworks_protocol::ids::{ChatId, JobId, QueryId, RunId};
use glassworks_protocol::machine::{DiskStatus, MachineReport, MemoryStatus, StartReport};
use glassworks_protocol::model::ModelRef;
use glassworks_protocol::prompts::{PromptQuery, PromptStored};
use glassworks_protocol::settings::Settings;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{PausedBy, RunStatus};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, Notice, Outcome, Page, Partial, Query, RequestId,
    Signal, Stored,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Between two questions about the disk.
const DISK_INTERVAL_MS: i64 = 10_000;

/// Something the person should be told once.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    Info(Text),
    /// An undo or redo: what it did.
    Undone(ChatId, Text),
    Failed(Failure),
    /// A run has come to its end.
    RunEnded(RunId, Text),
    /// A run has failed: its name and why.
    RunFailed(String, Failure),
}

pub struct Model {
    pub version: String,
    pub machine: MachineReport,
    pub home: PathBuf,
    pub log_file: PathBuf,
    /// As chosen, perhaps not stored yet.
    pub settings: Arc<Settings>,
    stored_settings: Arc<Settings>,
    /// What the system's locale asks for.
    pub system_language: Language,
    pub memory: MemoryStatus,
    pub jobs: Jobs,
    /// Bundled data to begin with.
    pub samples: Vec<std::path::PathBuf>,
    pub library: Library,
    pub chats: Chats,
    pub runs: Runs,
    pub benches: Benches,
    pub looks: Looks,
    pub predictions: Predictions,
    pub prompts: Prompts,
    pub datasets: Datasets,
    /// Room on the home folder's disk, as it was when it was asked for last.
    pub disk: Option<DiskStatus>,
    disk_asked_ms: Option<i64>,
    pub answers: Answers,
    pub scores: Scores,
    pub captures: Captures,
    pub votes: Votes,
    /// The newest lines of the log, once asked for.
    pub log_tail: Option<String>,
    /// Stay on screen until dismissed.
    pub alerts: Vec<Failure>,
    /// The engine has gone: nothing will come any more.
    pub engine_ended: bool,
    /// The clock of this frame: milliseconds since 1970, UTC.
    pub now_ms: i64,
    notes: Vec<Note>,
    wishes: Vec<Query>,
    asked: HashMap<QueryId, Query>,
}

impl Model {
    #[must_use]
    pub fn new(start: StartReport, system_language: Language, now_ms: i64) -> Self {
        let settings = Arc::new(start.settings);
        let memory = MemoryStatus { limit_bytes: start.machine.memory_limit_bytes, ..Default::default() };
        let mut model = Self {
            version: start.version,
            machine: start.machine,
            home: start.home,
            log_file: start.log_file,
            stored_settings: Arc::clone(&settings),
            settings,
            system_language,
            memory,
            jobs: Jobs::default(),
            samples: start.samples,
            library: Library::new(start.models, start.starter),
            chats: Chats::new(start.chats),
            runs: Runs::default(),
            benches: Benches::default(),
            looks: Looks::default(),
            predictions: Predictions::default(),
            prompts: Prompts::default(),
            datasets: Datasets::default(),
            disk: None,
            disk_asked_ms: None,
            answers: Answers::default(),
            scores: Scores::default(),
            captures: Captures::default(),
            votes: Votes::default(),
            log_tail: None,
            alerts: Vec::new(),
            engine_ended: false,
            now_ms,
            notes: Vec::new(),
            wishes: vec![Query::Memory],
            asked: HashMap::new(),
        };
        for notice in start.notices {
            model.notice(notice);
        }
        model
    }

    /// The name under which a reply to `spec` remembers what wrote it.
    #[must_use]
    pub fn model_ref(&self, spec: &GenerateSpec) -> ModelRef {
        live::model_ref(spec, (&self.library, &self.runs))
    }

    #[must_use]
    pub fn language(&self) -> Language {
        self.settings.language.unwrap_or(self.system_language)
    }

    /// Takes in what the engine told.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Progress(job, progress) => self.jobs.progress(job, progress),
            Event::Partial(job, partial) => {
                self.jobs.started(job);
                match partial {
                    Partial::Metrics(points) => self.runs.measured(job, &points),
                    Partial::Samples(samples) => self.looks.writes(samples),
                    Partial::Bench(record) => self.benches.measured(job, record),
                    Partial::Found(found) => self.datasets.found(job, &found),
                    Partial::Inside(partial) => self.captures.partial(job, partial),
                    partial => {
                        self.answers.partial(job, &partial, self.now_ms);
                        self.chats.partial(job, partial, self.now_ms);
                    }
                }
            }
            Event::Settled(job, outcome) => {
                let outcome = self.captures.settled(job, outcome);
                self.chats.settled(job, &outcome);
                self.answers.settled(job, &outcome);
                self.scores.settled(job, &outcome);
                self.library.settled(job, &outcome);
                self.benches.settled(job);
                self.datasets.settled(job, &outcome);
                self.run_settled(job, &outcome);
                if self.predictions.settled(job) {
                    self.wishes.push(Query::Predictions);
                }
                if let Outcome::Done(JobOutput::RunsDeleted { freed_bytes, .. }) = &outcome {
                    let size = crate::units::size(*freed_bytes);
                    self.notes.push(Note::Info(Text::new("runs.told_deleted").arg("size", size)));
                }
                if let Outcome::Failed(failure) = &outcome
                    && self.jobs.get(job).is_some_and(|job| job.kind == JobKind::DeleteRuns)
                {
                    self.notes.push(Note::Failed(failure.clone()));
                }
                if let Some(query) = self.jobs.settle(job, outcome, self.now_ms) {
                    self.wishes.push(query);
                }
            }
            Event::Stored(stored) => self.stored(stored),
            Event::Fetched(id, page) => self.fetched(id, page),
            Event::Refused(request, failure) => self.refused(request, failure),
            Event::Notice(notice) => self.notice(notice),
        }
    }

    /// Takes in what was asked of the engine, so that it shows at once.
    pub fn sent(&mut self, command: &Command) {
        self.answers.sent(command);
        self.scores.sent(command);
        match command {
            Command::Start(id, spec) => {
                let title = self.library.name_of_spec(spec);
                self.jobs.start(*id, spec, title, self.now_ms);
                self.library.started(*id, spec);
                self.chats.started(*id, spec, (&self.library, &self.runs), self.now_ms);
                self.runs.started(*id, spec, &self.library, self.now_ms);
                self.predictions.started(*id, spec);
                self.prompts.started(*id, spec);
                self.datasets.started(*id, spec);
                self.captures.started(*id, spec);
            }
            Command::Signal(_, Signal::GoOn) => {}
            Command::Cancel(id) | Command::Signal(id, _) => self.jobs.stopping(*id),
            Command::Edit(_, Edit::SaveSettings(settings)) => self.settings = Arc::new((**settings).clone()),
            Command::Edit(_, Edit::Prompt(edit)) => self.prompts.edited(edit, self.now_ms),
            Command::Edit(id, Edit::Dataset(edit)) => self.datasets.edited(*id, edit, self.now_ms),
            Command::Edit(_, edit) => {
                self.library.edited(edit);
                self.runs.edited(edit, self.now_ms);
                self.predictions.edited(edit);
                self.chats.edited(edit, self.now_ms);
            }
            Command::Fetch(id, query) => {
                self.chats.asked(*id, query);
                self.runs.asked(query);
                self.benches.asked(query);
                self.votes.asked(query);
                self.looks.asked(query);
                self.predictions.asked(query);
                if let Query::Prompt(query) = query {
                    self.prompts.asked(query);
                }
                if let Query::Dataset(query) = query {
                    self.datasets.asked(query);
                }
                if *query == Query::Disk {
                    self.disk_asked_ms = Some(self.now_ms);
                }
                self.asked.insert(*id, query.clone());
            }
            Command::Shutdown => {}
        }
    }

    /// What has to be fetched because of what was told; the caller sends it.
    pub fn take_wishes(&mut self) -> Vec<Query> {
        std::mem::take(&mut self.wishes)
    }

    /// Whether it is time to ask again how much room the disk has.
    #[must_use]
    pub fn wants_disk(&self) -> bool {
        self.disk_asked_ms.is_none_or(|at| self.now_ms - at > DISK_INTERVAL_MS)
    }

    /// What has to be told; the caller shows it.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    fn stored(&mut self, stored: Stored) {
        match stored {
            Stored::Chat { chat, summary } => self.chats.stored_chat(&chat, &summary),
            Stored::Message(message) => self.chats.stored_message(message),
            Stored::TreeChanged(chat) => {
                if self.chats.is_open(chat) {
                    self.wishes.push(Query::Chat(chat));
                }
            }
            Stored::ChatDeleted(chat) => self.chats.deleted(chat),
            Stored::Model(record) => self.library.stored(record),
            Stored::ModelRemoved(id) => self.library.removed(id),
            Stored::Run(run) => {
                if run.status == RunStatus::Running {
                    self.looks.goes_on(run.id, run.progress.step);
                }
                if run.status == RunStatus::Paused
                    && run.progress.paused_by == Some(PausedBy::Battery)
                    && self.runs.get(run.id).is_some_and(|old| old.status == RunStatus::Running)
                {
                    let told = Text::new("runs.told_battery").arg("name", &run.name);
                    self.notes.push(Note::RunEnded(run.id, told));
                }
                self.runs.stored(run);
            }
            Stored::RunDeleted(id) => self.runs.deleted(id),
            Stored::Checkpoint(record) => self.runs.stored_checkpoint(record),
            Stored::CheckpointDeleted { run, kind } => self.runs.checkpoint_deleted(run, kind),
            Stored::Sample(sample) => self.looks.wrote(sample),
            Stored::RowsMeasured(run) => self.looks.measured(run),
            Stored::Bench(record) => self.benches.stored(record),
            Stored::Prediction(record) => self.predictions.stored(record),
            Stored::PredictionRemoved(id) => self.predictions.removed(id),
            Stored::Mended { prediction, row, mend } => {
                self.predictions.mended(prediction, row, mend.as_ref());
            }
            Stored::Prompt(stored) => {
                if let PromptStored::Undone { what, .. } = &stored {
                    self.notes.push(Note::Info(what.clone()));
                }
                self.prompts.stored(stored);
            }
            Stored::Dataset(stored) => {
                if let DatasetStored::Undone { what, .. } = &stored {
                    self.notes.push(Note::Info(what.clone()));
                }
                self.datasets.stored(stored);
            }
            Stored::Vote(vote) => self.votes.stored(vote),
            Stored::VoteRemoved(id) => self.votes.removed(id),
            Stored::VotesReset => self.votes.reset(),
            Stored::Settings(settings) => {
                self.stored_settings = Arc::clone(&settings);
                self.settings = settings;
            }
            Stored::Undone { chat, what, can_undo, can_redo } => {
                self.chats.undone(chat, can_undo, can_redo);
                self.notes.push(Note::Undone(chat, what));
            }
        }
    }

    /// A run has ended, well or not: its measurements are fetched once more, and the person is told.
    fn run_settled(&mut self, job: JobId, outcome: &Outcome) {
        // One that was refused before it began is not in the list afterwards.
        let name = self.runs.run_of(job).and_then(|id| self.run_name(id)).map(str::to_owned);
        let Some((run, wish)) = self.runs.settled(job, outcome) else { return };
        self.looks.settled(run);
        self.wishes.extend(wish);
        match outcome {
            Outcome::Done(JobOutput::Trained(record)) => {
                let paused = record.status == RunStatus::Paused;
                let key = if paused { "runs.told_paused" } else { "runs.told_done" };
                self.runs.stored(Arc::clone(record));
                self.notes.push(Note::RunEnded(run, Text::new(key).arg("name", &record.name)));
            }
            Outcome::Failed(failure) => {
                let name = name.unwrap_or_default();
                self.notes.push(Note::RunFailed(name, failure.clone()));
            }
            Outcome::Done(_) | Outcome::Cancelled => {}
        }
    }

    fn fetched(&mut self, id: QueryId, page: Page) {
        let query = self.asked.remove(&id);
        match page {
            Page::Chats(rows) => {
                if let Some(Query::Chats { search, trashed }) = query {
                    self.chats.fetched_list(id, &search, trashed, rows);
                }
            }
            Page::Chat(document) => self.chats.fetched_document(&document),
            Page::Models(models) => self.library.replace(models),
            Page::Runs(runs) => self.runs.fetched(runs),
            Page::RunPoints(points) => {
                if let Some(Query::RunPoints(run)) = query {
                    self.runs.fetched_points(run, &points);
                }
            }
            Page::RunCheckpoints(records) => {
                if let Some(Query::RunCheckpoints(run)) = query {
                    self.runs.fetched_checkpoints(run, records);
                }
            }
            Page::RunSamples(samples) => {
                if let Some(Query::RunSamples(run)) = query {
                    self.looks.fetched_samples(run, samples);
                }
            }
            Page::WorstRows(rows) => {
                if let Some(query) = query {
                    self.looks.fetched_worst(&query, rows);
                }
            }
            Page::Predictions(list) => self.predictions.fetched(list),
            Page::PredictedRows(rows) => {
                if let Some(query) = query {
                    self.predictions.fetched_rows(&query, rows);
                }
            }
            Page::PredictedRow(full) => {
                if let Some(query) = query {
                    self.predictions.fetched_full(&query, full);
                }
            }
            Page::Prompt(page) => {
                if let Some(Query::Prompt(query)) = query {
                    self.prompts.fetched(&query, page);
                }
            }
            Page::Dataset(page) => {
                if let Some(Query::Dataset(query)) = query {
                    self.datasets.fetched(&query, page);
                }
            }
            Page::DataHead(head) => self.predictions.fetched_head(query.as_ref(), head),
            Page::Disk(status) => self.disk = status,
            Page::Checkpoints(records) => self.runs.fetched_all_checkpoints(records),
            Page::Benches(kept) => self.benches.fetched(kept),
            Page::Votes(votes) => self.votes.fetched(votes),
            Page::Memory(status) => self.memory = status,
            Page::LogTail(text) => self.log_tail = Some(text),
        }
    }

    fn refused(&mut self, request: RequestId, failure: Failure) {
        match request {
            RequestId::Job(id) => {
                self.apply(Event::Settled(id, Outcome::Failed(failure)));
            }
            RequestId::Query(id) => match self.asked.remove(&id) {
                Some(Query::Chat(chat)) => self.chats.failed(chat, failure),
                Some(Query::Prompt(query)) if self.prompts.refused(&query, &failure) => {}
                Some(Query::Dataset(query)) if self.datasets.refused(&query, &failure) => {}
                Some(query)
                    if self.runs.refused(&query, &failure)
                        || self.benches.refused(&query, &failure)
                        || self.votes.refused(&query, &failure)
                        || self.predictions.refused(&query, &failure) => {}
                _ => self.notes.push(Note::Failed(failure)),
            },
            RequestId::Edit(edit) => {
                let (told, ask) = self.datasets.edit_refused(edit, &failure);
                if told {
                    return;
                }
                if ask {
                    self.wishes.push(Query::Dataset(DatasetQuery::All));
                }
                // What was shown at once did not happen: ask for the truth.
                self.settings = Arc::clone(&self.stored_settings);
                self.wishes.push(Query::Chats { search: String::new(), trashed: false });
                self.wishes.extend(self.chats.open_ids().map(Query::Chat));
                if *self.runs.listed() == Listed::Ready {
                    self.wishes.push(Query::Runs);
                }
                if *self.prompts.listed() == Listed::Ready {
                    self.wishes.push(Query::Prompt(PromptQuery::All));
                }
                if self.predictions.edit_refused() {
                    self.wishes.push(Query::Predictions);
                }
                self.notes.push(Note::Failed(failure));
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Info(text) => self.notes.push(Note::Info(text)),
            Notice::Alert(failure) => {
                if !self.alerts.contains(&failure) {
                    self.alerts.push(failure);
                }
            }
            Notice::Memory(status) => self.memory = status,
            Notice::Ended => {
                self.engine_ended = true;
                for id in self.jobs.unsettled() {
                    let failure = Failure::new(FailureKind::Bug, Text::new("shell.engine_ended"));
                    self.apply(Event::Settled(id, Outcome::Failed(failure)));
                }
            }
        }
    }
}
