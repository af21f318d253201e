//! Datasets to show, and an engine's answers about them.

use crate::fake_set::{FakeRow, FakeSet};
use crate::reports;
use glassworks_protocol::datasets::edit::{RowChange, VersionRecord};
use glassworks_protocol::datasets::overview::{LabelShare, OverviewSpec};
use glassworks_protocol::datasets::transform::TransformSpec;
use glassworks_protocol::datasets::view::FoundRows;
use glassworks_protocol::datasets::{
    ColumnKind, ColumnRecord, DatasetEdit, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery,
    DatasetRecord, DatasetStored, Filter, Mapping, Row, RowFlags, RowId, Split, ViewSpec,
};
use glassworks_protocol::ids::{DatasetId, EditId, JobId, RunId};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{CheckpointRecord, RunRecord};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Page, Query, RequestId, Stored,
};
use glassworks_tests_screens::{NOW_MS, Window, fixtures};
use serde_json::{Value, json};
use std::sync::Arc;

pub const WIDE: (f32, f32) = (1440.0, 900.0);
pub const NARROW: (f32, f32) = (1024.0, 700.0);

pub struct Fake {
    pub start: StartReport,
    pub sets: Vec<FakeSet>,
    /// Whether questions about datasets are answered.
    pub silent: bool,
    /// Whether rows are found at once, or by [`Fake::found`].
    pub finds: bool,
    pub finding: Vec<(JobId, ViewSpec)>,
    /// What rows were searched for last.
    pub filters: Vec<Filter>,
    /// Whether datasets are looked over at once, or by [`Fake::look`].
    pub looks: bool,
    pub overviews: Vec<(JobId, OverviewSpec)>,
    /// What stands for the labels that are counted.
    pub labels: Vec<LabelShare>,
    /// Changes that were asked for and wait.
    pub transforms: Vec<(JobId, TransformSpec)>,
    /// What runs made.
    pub runs: Vec<Arc<RunRecord>>,
    pub checkpoints: Vec<Arc<CheckpointRecord>>,
    /// What else was asked.
    pub orders: Vec<Command>,
}

pub fn row(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}

pub fn column(name: &str, kind: ColumnKind) -> ColumnRecord {
    ColumnRecord { name: name.to_owned(), kind }
}

impl Fake {
    pub fn new() -> Self {
        Self {
            start: fixtures::start_on("datasets"),
            sets: Vec::new(),
            silent: false,
            finds: true,
            finding: Vec::new(),
            filters: Vec::new(),
            looks: true,
            overviews: Vec::new(),
            labels: Vec::new(),
            transforms: Vec::new(),
            runs: Vec::new(),
            checkpoints: Vec::new(),
            orders: Vec::new(),
        }
    }

    /// A run that has tuned the model that converses.
    pub fn run(&mut self, name: &str) -> RunId {
        let (run, kept) = fixtures::run(&self.start.models[1], name);
        let id = run.id;
        self.runs.push(Arc::new(run));
        self.checkpoints.extend(kept);
        id
    }

    /// Some datasets; the first is of tutoring talks.
    pub fn stocked() -> Self {
        let mut fake = Self::new();
        fake.talks(40);
        fake.reviews();
        fake.starter();
        fake
    }

    /// Adds a dataset with these rows.
    pub fn add(
        &mut self,
        name: &str,
        columns: Vec<ColumnRecord>,
        rows: Vec<(Value, Option<Split>)>,
    ) -> DatasetId {
        let id = DatasetId::mint();
        let rows: Vec<FakeRow> = rows
            .into_iter()
            .enumerate()
            .map(|(at, (value, split))| FakeRow {
                id: RowId(at as u32),
                value: row(value),
                split,
                flags: RowFlags::default(),
                issues: Vec::new(),
                made: None,
            })
            .collect();
        let record = DatasetRecord {
            id,
            name: name.to_owned(),
            mapping: Mapping::guess(&columns),
            columns,
            n_rows: 0,
            n_by_split: [0; 4],
            n_bytes: 1_234_567,
            n_bad: 0,
            version: 1,
            revision: 1,
            undo: None,
            redo: None,
            origin: format!("{}.jsonl", name.to_lowercase().replace(' ', "-")),
            notes: String::new(),
            licence: String::new(),
            starter: false,
            created_at_ms: NOW_MS - 9_000_000,
            changed_at_ms: NOW_MS - 1_000_000 - 1000 * self.sets.len() as i64,
            trashed_at_ms: None,
        };
        let next = rows.len() as u32;
        let version = VersionRecord {
            n: 1,
            what: Text::new("datasets.job_import").arg("name", &record.origin),
            label: String::new(),
            n_rows: rows.len() as u64,
            at_ms: record.created_at_ms,
        };
        let (bad, versions) = (Vec::new(), vec![version]);
        let mut set = FakeSet { record, bad, versions, rows, undo: Vec::new(), redo: Vec::new(), next };
        set.count();
        self.sets.push(set);
        id
    }

    /// Instructions with answers, in three splits.
    pub fn talks(&mut self, n: u32) -> DatasetId {
        let asked = [
            "Hi! I have to add 3/4 and 5/6 and I keep getting 8/10. 我不知道哪里错了。",
            "Explain photosynthesis as if I were ten",
            "What is the difference between weather and climate?",
            "请解释为什么负数乘负数等于正数",
            "My essay is due tomorrow and I have only a title",
            "How do boats made of steel float?",
            "Why does the moon follow our car?",
        ];
        let told = [
            "You are closer than you think. What do the two numbers below the lines tell you?",
            "Then you already know the first half. What does a plant need to grow?",
            "Look out of the window first. What do you see?",
            "我们先从欠钱说起。如果你欠三个朋友每人两元，一共欠多少？",
            "Let's make it smaller. If you could only say one sentence, which would it be?",
            "Try this with a spoon and a bowl of water.",
            "It does look that way! Hold up your thumb and walk a few steps.",
        ];
        let rows = (0..n).map(|at| {
            let i = at as usize % asked.len();
            let question = if at < 7 { asked[i].to_owned() } else { format!("{} ({})", asked[i], at + 1) };
            let split = match at % 10 {
                8 => Split::Validation,
                9 => Split::Test,
                _ => Split::Train,
            };
            (json!({ "question": question, "answer": told[i] }), Some(split))
        });
        let columns = vec![column("question", ColumnKind::Text), column("answer", ColumnKind::Text)];
        let id = self.add("Tutoring talks", columns, rows.collect());
        if let Some(row) = self.set(id).rows.get_mut(4) {
            row.value.insert("answer".to_owned(), json!(""));
            row.flags = RowFlags::NO_TARGET;
        }
        id
    }

    /// Texts with labels, some without.
    pub fn reviews(&mut self) -> DatasetId {
        let texts =
            ["Warm and funny", "It drags from the first minute", "See it twice", "A waste of an evening"];
        let rows = (0..24).map(|at| {
            let label = if at % 7 == 6 { Value::Null } else { json!(["good", "bad"][at % 2]) };
            (json!({ "text": format!("{}, {at}", texts[at % 4]), "label": label, "stars": at % 5 }), None)
        });
        let columns = vec![
            column("text", ColumnKind::Text),
            column("label", ColumnKind::Text),
            column("stars", ColumnKind::Number),
        ];
        self.add("Film reviews", columns, rows.collect())
    }

    /// One that comes along.
    pub fn starter(&mut self) -> DatasetId {
        let rows = ["Alice was beginning to get very tired", "Down the Rabbit-Hole", "The Pool of Tears"];
        let rows = rows.map(|text| (json!({ "text": text }), None)).to_vec();
        let id = self.add("Alice in Wonderland", vec![column("text", ColumnKind::Text)], rows);
        let record = &mut self.set(id).record;
        record.starter = true;
        record.licence = "CC0-1.0".to_owned();
        record.origin = "alice".to_owned();
        id
    }

    pub fn set(&mut self, id: DatasetId) -> &mut FakeSet {
        self.sets.iter_mut().find(|set| set.record.id == id).expect("the dataset")
    }

    pub fn open(&mut self, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
        self.start.settings.language = Some(language);
        self.start.settings.theme = theme;
        let mut window = Window::sized(self.start.clone(), size.0, size.1, 1.0);
        self.answer(&mut window);
        window
    }

    /// Opens the window on a dataset's rows.
    pub fn open_on(
        &mut self,
        name: &str,
        language: Language,
        theme: ThemeChoice,
        size: (f32, f32),
    ) -> Window {
        let id = self.sets.iter().find(|set| set.record.name == name).expect("the dataset").record.id;
        let kept = json!({ "slots": ["datasets"], "panes": { "0/datasets": { "open": id } } });
        self.start.settings.layout = Some(kept);
        self.open(language, theme, size)
    }

    /// Answers what the window asked, until it asks no more.
    pub fn answer(&mut self, window: &mut Window) {
        for _ in 0..24 {
            let commands = window.commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                match command {
                    Command::Fetch(id, Query::Dataset(query)) if !self.silent => {
                        if let Some(page) = self.page(&query) {
                            window.tell(Event::Fetched(id, Page::Dataset(page)));
                        }
                    }
                    Command::Fetch(id, Query::Runs) => {
                        window.tell(Event::Fetched(id, Page::Runs(self.runs.clone())));
                    }
                    Command::Fetch(id, Query::Checkpoints) => {
                        window.tell(Event::Fetched(id, Page::Checkpoints(self.checkpoints.clone())));
                    }
                    Command::Edit(id, Edit::Dataset(edit)) if self.mend(window, id, &edit) => {}
                    Command::Edit(_, Edit::Dataset(edit)) => {
                        for stored in self.edit(edit) {
                            window.tell(Event::Stored(Stored::Dataset(stored)));
                        }
                    }
                    Command::Start(job, JobSpec::Dataset(DatasetJob::Find(spec))) => {
                        self.filters.clone_from(&spec.filters);
                        self.finding.push((job, spec));
                        if self.finds {
                            self.found(window);
                        }
                    }
                    Command::Start(job, JobSpec::Dataset(DatasetJob::Overview(spec))) => {
                        self.overviews.push((job, spec));
                        if self.looks {
                            self.look(window);
                        }
                    }
                    Command::Start(job, JobSpec::Dataset(DatasetJob::Transform(spec))) => {
                        self.transforms.push((job, *spec));
                    }
                    other => self.orders.push(other),
                }
            }
        }
    }

    /// Ends all searches for rows.
    pub fn found(&mut self, window: &mut Window) {
        for (job, spec) in std::mem::take(&mut self.finding) {
            let set = self.set(spec.dataset);
            let rows = Arc::new(set.find(&spec));
            let revision = set.record.revision;
            let found = FoundRows { dataset: spec.dataset, revision, first: 0, rows };
            let output = JobOutput::Dataset(DatasetOutput::Found(Arc::new(found)));
            window.tell(Event::Settled(job, Outcome::Done(output)));
        }
    }

    /// Ends all looks at datasets.
    pub fn look(&mut self, window: &mut Window) {
        for (job, spec) in std::mem::take(&mut self.overviews) {
            let given = self.labels.clone();
            let set = self.set(spec.dataset);
            let labels = if given.is_empty() { set.shares() } else { given };
            let report = reports::overview(&set.record, labels);
            window.tell(reports::done(job, DatasetOutput::Overview(Arc::new(report))));
        }
    }

    /// Rows have been changed by a job.
    pub fn transformed(&mut self, window: &mut Window, dataset: DatasetId) {
        let set = self.set(dataset);
        set.undo.push(set.rows.clone());
        for stored in set.told(Vec::new()) {
            window.tell(Event::Stored(Stored::Dataset(stored)));
        }
    }

    pub fn page(&mut self, query: &DatasetQuery) -> Option<DatasetPage> {
        Some(match query {
            DatasetQuery::All => {
                DatasetPage::All(self.sets.iter().map(|set| Arc::new(set.record.clone())).collect())
            }
            DatasetQuery::Rows { dataset, rows } => {
                let set = self.set(*dataset);
                let lines = rows.iter().filter_map(|row| set.line(*row)).collect();
                DatasetPage::Rows { revision: set.record.revision, rows: Arc::new(lines) }
            }
            DatasetQuery::Row { dataset, row } => {
                DatasetPage::Row(self.set(*dataset).document(*row).map(Arc::new))
            }
            DatasetQuery::Values { dataset, rows } => {
                let set = self.set(*dataset);
                let value = |id: &RowId| Some((*id, set.row(*id)?.value.clone()));
                DatasetPage::Values(Arc::new(rows.iter().filter_map(value).collect()))
            }
            DatasetQuery::Bad { dataset, from, n } => {
                let bad = &self.set(*dataset).bad;
                let rows = bad.iter().skip(*from as usize).take(*n as usize).cloned().collect();
                DatasetPage::Bad { n_bad: bad.len() as u64, rows }
            }
            DatasetQuery::Versions(dataset) => {
                DatasetPage::Versions(self.set(*dataset).versions.iter().rev().cloned().collect())
            }
            DatasetQuery::Compare { dataset, from, to } => {
                DatasetPage::Compared(Arc::new(self.set(*dataset).compare(*from, *to)))
            }
            DatasetQuery::Labels(dataset) => DatasetPage::Labels(self.set(*dataset).labels()),
        })
    }

    /// Carries an edit of bad rows out: what is mended has to be JSON.
    fn mend(&mut self, window: &mut Window, id: EditId, edit: &DatasetEdit) -> bool {
        let (dataset, gone) = match edit {
            DatasetEdit::MendBad { dataset, bad, text } => {
                let Ok(Value::Object(value)) = serde_json::from_str(text) else {
                    let failure = Failure::new(FailureKind::Input, Text::new("datasets.import_no_rows"));
                    window.tell(Event::Refused(RequestId::Edit(id), failure));
                    return true;
                };
                let after = self.set(*dataset).rows.last().map(|row| row.id);
                let add = RowChange::Add { after, value, split: None, made: None };
                for stored in self.set(*dataset).change(&[add]) {
                    window.tell(Event::Stored(Stored::Dataset(stored)));
                }
                (*dataset, Some(*bad))
            }
            DatasetEdit::DismissBad { dataset, bad } => (*dataset, *bad),
            _ => return false,
        };
        let set = self.set(dataset);
        set.bad.retain(|bad| gone.is_some_and(|gone| bad.n != gone));
        set.record.n_bad = set.bad.len() as u64;
        set.record.revision += 1;
        let stored = DatasetStored::Dataset(Arc::new(set.record.clone()));
        window.tell(Event::Stored(Stored::Dataset(stored)));
        true
    }

    /// The newest job that was started and is not answered by itself.
    pub fn started(&mut self, window: &mut Window) -> (JobId, DatasetJob) {
        self.answer(window);
        let is_job = |order: &Command| matches!(order, Command::Start(_, JobSpec::Dataset(_)));
        let at = self.orders.iter().rposition(is_job).expect("a job is started");
        match self.orders.remove(at) {
            Command::Start(id, JobSpec::Dataset(job)) => (id, job),
            other => panic!("{other:?}"),
        }
    }

    /// Ends a job well.
    pub fn done(&mut self, window: &mut Window, job: JobId, output: DatasetOutput) {
        window.tell(Event::Settled(job, Outcome::Done(JobOutput::Dataset(output))));
        self.answer(window);
    }

    fn edit(&mut self, edit: DatasetEdit) -> Vec<DatasetStored> {
        match edit {
            DatasetEdit::Create(record) => {
                let (columns, name, id) = (record.columns.clone(), record.name.clone(), record.id);
                let made = self.add(&name, columns, Vec::new());
                let set = self.set(made);
                set.record = *record;
                return vec![DatasetStored::Dataset(Arc::new(self.set(id).record.clone()))];
            }
            DatasetEdit::Duplicate { dataset, copy, ref name } => {
                let set = self.set(dataset);
                let (columns, rows) = (set.record.columns.clone(), set.rows.clone());
                let made = self.add(name, columns, Vec::new());
                let set = self.set(made);
                (set.record.id, set.rows) = (copy, rows);
                set.count();
                return vec![DatasetStored::Dataset(Arc::new(set.record.clone()))];
            }
            DatasetEdit::Rename { dataset, ref name } => self.set(dataset).record.name = name.clone(),
            DatasetEdit::SetNotes { dataset, ref notes } => self.set(dataset).record.notes = notes.clone(),
            DatasetEdit::SetMapping { dataset, ref mapping } => {
                self.set(dataset).record.mapping = mapping.clone()
            }
            DatasetEdit::Trash(dataset) => self.set(dataset).record.trashed_at_ms = Some(NOW_MS),
            DatasetEdit::Restore(dataset) => self.set(dataset).record.trashed_at_ms = None,
            DatasetEdit::DeleteForever(dataset) => {
                self.sets.retain(|set| set.record.id != dataset);
                return vec![DatasetStored::Deleted(dataset)];
            }
            DatasetEdit::Rows { dataset, ref changes } => return self.set(dataset).change(changes),
            DatasetEdit::Undo(dataset) => return self.set(dataset).step(true),
            DatasetEdit::Redo(dataset) => return self.set(dataset).step(false),
            ref other => {
                self.orders.push(Command::Edit(EditId::mint(), Edit::Dataset(other.clone())));
                return Vec::new();
            }
        }
        let dataset = match edit {
            DatasetEdit::Rename { dataset, .. }
            | DatasetEdit::SetNotes { dataset, .. }
            | DatasetEdit::SetMapping { dataset, .. }
            | DatasetEdit::Trash(dataset)
            | DatasetEdit::Restore(dataset) => dataset,
            _ => return Vec::new(),
        };
        let set = self.set(dataset);
        set.record.revision += 1;
        vec![DatasetStored::Dataset(Arc::new(set.record.clone()))]
    }
}
