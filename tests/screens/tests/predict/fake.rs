//! Predictions to show, and an engine's answers about them.

use glassworks_protocol::dataset::{DataReport, LabelCount};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{JobId, PredictionId, RunId};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::model::Precision;
use glassworks_protocol::predict::{
    DataHead, LearnReport, Mend, PredictSpec, PredictedRow, PredictedRows, PredictedWhole, PredictionRecord,
    RowInFull, RowOrder, RowsToLearn, RowsView,
};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{
    ClassificationSpec, LoraSpec, MethodSpec, RunPart, RunProgress, RunRecord, RunStatus, TaskSpec,
    TrainSpec, TunedSource,
};
use glassworks_protocol::{Command, Edit, Event, JobOutput, JobSpec, Outcome, Page, Query, Stored};
use glassworks_tests_screens::{NOW_MS, Window, fixtures};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const WIDE: (f32, f32) = (1440.0, 900.0);
pub const REVIEWS: &str = "/home/ada/.local/share/glassworks/datasets/reviews/reviews.csv";

pub struct Fake {
    pub start: StartReport,
    pub run: RunRecord,
    pub list: Vec<PredictionRecord>,
    pub n_rows: u64,
    /// Text was written, not sorted.
    pub writes: bool,
    pub mends: BTreeMap<u64, Mend>,
    /// What was mended, newest last: row and what stood before.
    pub undo: Vec<(u64, Option<Mend>)>,
    pub pages_asked: usize,
    pub orders: Vec<Command>,
}

impl Fake {
    pub fn new() -> Self {
        let start = fixtures::start_on("predict");
        let run = head(ModelSource::Library(start.models[1].id));
        Self {
            start,
            run,
            list: Vec::new(),
            n_rows: 10_070,
            writes: false,
            mends: BTreeMap::new(),
            undo: Vec::new(),
            pages_asked: 0,
            orders: Vec::new(),
        }
    }

    pub fn open(&mut self, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
        self.start.settings.language = Some(language);
        self.start.settings.theme = theme;
        let mut window = Window::sized(self.start.clone(), size.0, size.1, 1.0);
        self.answer(&mut window);
        window
    }

    /// A prediction that is in the list.
    pub fn add(&mut self, n_rows: u64, done: bool) -> PredictionId {
        let record = record(&self.run, n_rows, done, self.writes);
        let id = record.id;
        self.list.insert(0, record);
        id
    }

    /// Answers what the window asked, until it asks no more.
    pub fn answer(&mut self, window: &mut Window) {
        for _ in 0..12 {
            let commands = window.commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                match command {
                    Command::Fetch(id, query) => {
                        if let Some(page) = self.page(&query) {
                            window.tell(Event::Fetched(id, page));
                        }
                    }
                    Command::Edit(_, edit) => self.edit(window, edit),
                    other => self.orders.push(other),
                }
            }
        }
    }

    fn page(&mut self, query: &Query) -> Option<Page> {
        Some(match query {
            Query::Runs => Page::Runs(vec![Arc::new(self.run.clone())]),
            Query::Checkpoints => Page::Checkpoints(Vec::new()),
            Query::Predictions => {
                Page::Predictions(self.list.iter().map(|record| Arc::new(self.counted(record))).collect())
            }
            Query::DataHead(file) => Page::DataHead(Arc::new(DataHead {
                file: file.clone(),
                size_bytes: 6_100_000,
                columns: vec![
                    ("label".to_owned(), "good".to_owned()),
                    ("text".to_owned(), text(0)),
                    ("year".to_owned(), "1999".to_owned()),
                ],
                column: Some("text".to_owned()),
                truth: Some("label".to_owned()),
            })),
            Query::PredictedRows { view, from, n, .. } => {
                self.pages_asked += 1;
                Page::PredictedRows(Arc::new(self.rows(view, *from, *n)))
            }
            Query::PredictedRow { row, .. } => Page::PredictedRow(Arc::new(self.full(*row))),
            _ => return None,
        })
    }

    fn counted(&self, record: &PredictionRecord) -> PredictionRecord {
        let n_confirmed = self.mends.values().filter(|mend| mend.confirmed).count() as u64;
        let n_mended = self.mends.len() as u64 - n_confirmed;
        PredictionRecord { n_mended, n_confirmed, can_undo: !self.undo.is_empty(), ..record.clone() }
    }

    fn edit(&mut self, window: &mut Window, edit: Edit) {
        let (prediction, row, mend) = match edit.clone() {
            Edit::Mend { prediction, row, mend } => {
                self.undo.push((row, self.mends.get(&row).cloned()));
                (prediction, row, mend)
            }
            Edit::UndoMend(prediction) => {
                let (row, before) = self.undo.pop().expect("something to undo");
                (prediction, row, before)
            }
            Edit::RemovePrediction(id) => {
                self.list.retain(|record| record.id != id);
                window.tell(Event::Stored(Stored::PredictionRemoved(id)));
                return;
            }
            _ => {
                self.orders.push(Command::Edit(glassworks_protocol::ids::EditId::mint(), edit));
                return;
            }
        };
        match &mend {
            Some(mend) => self.mends.insert(row, mend.clone()),
            None => self.mends.remove(&row),
        };
        window.tell(Event::Stored(Stored::Mended { prediction, row, mend }));
        let record = self.list.iter().find(|record| record.id == prediction).expect("it is there");
        window.tell(Event::Stored(Stored::Prediction(Arc::new(self.counted(record)))));
    }

    fn rows(&self, view: &RowsView, from: u64, n: u32) -> PredictedRows {
        let found = |row: &PredictedRow| {
            view.answer.as_ref().is_none_or(|answer| row.answer.as_ref() == Some(answer))
                && row.text.to_lowercase().contains(&view.search.to_lowercase())
                && (!view.mended || row.mend.is_some())
        };
        let plain = *view == RowsView::default();
        let all: Vec<PredictedRow> = match plain {
            // Few of very many are asked for.
            true => (from..(from + u64::from(n)).min(self.n_rows)).map(|row| self.row(row)).collect(),
            false => {
                let mut all: Vec<PredictedRow> =
                    (0..self.n_rows).map(|row| self.row(row)).filter(found).collect();
                let wrong = |row: &PredictedRow| row.answer != row.truth;
                match view.order {
                    RowOrder::File => {}
                    RowOrder::Margin => all.sort_by(|a, b| a.probability.total_cmp_some(b.probability)),
                    RowOrder::Wrong => all.sort_by_key(|row| !wrong(row)),
                }
                all
            }
        };
        let n_rows = if plain { self.n_rows } else { all.len() as u64 };
        let skip = if plain { 0 } else { from as usize };
        let rows = all.into_iter().skip(skip).take(n as usize).collect();
        let answers = vec![("bad".to_owned(), self.n_rows / 2), ("good".to_owned(), self.n_rows / 2)];
        let whole = PredictedWhole {
            n_rows: self.n_rows,
            answers,
            sorts: !self.writes,
            truth: Some("label".to_owned()),
            n_labelled: self.n_rows,
            n_right: self.n_rows * 9 / 10,
        };
        PredictedRows { n_rows, from, rows, whole }
    }

    pub fn row(&self, row: u64) -> PredictedRow {
        let label = |good: bool| if good { "good" } else { "bad" }.to_owned();
        let probability = 0.999 - ((row * 37) % 49) as f32 / 100.0;
        let good = row.is_multiple_of(2);
        let sorts = !self.writes;
        PredictedRow {
            row,
            text: text(row),
            answer: Some(label(good)),
            probability: sorts.then_some(probability),
            second: sorts.then_some((label(!good), 1.0 - probability)),
            truth: Some(label(good != (row % 10 == 3))),
            mend: self.mends.get(&row).cloned(),
        }
    }

    fn full(&self, row: u64) -> RowInFull {
        let short = self.row(row);
        let own = short.answer.clone().zip(short.probability);
        RowInFull {
            row,
            text: format!("{}\n\nIt goes on for longer than a line of a table.", short.text),
            answer: short.answer,
            probabilities: own.into_iter().chain(short.second).collect(),
            others: vec![("year".to_owned(), "1999".to_owned())],
        }
    }

    /// The newest job of a kind that was started, with what it was asked.
    pub fn started(&mut self, window: &mut Window) -> (JobId, JobSpec) {
        self.answer(window);
        let at = self.orders.iter().rposition(|order| matches!(order, Command::Start(..)));
        match self.orders.remove(at.expect("a job is started")) {
            Command::Start(id, spec) => (id, spec),
            other => panic!("{other:?}"),
        }
    }

    /// Does what was asked: rows to learn from are written.
    pub fn write_rows(&mut self, window: &mut Window) -> RowsToLearn {
        let (job, JobSpec::KeepRows(spec)) = self.started(window) else { panic!("rows are written") };
        let report = LearnReport {
            prediction: spec.prediction,
            out: spec.out.clone(),
            n_rows: 2,
            n_looked: 2,
            run: Some(self.run.id),
            sorts: !self.writes,
        };
        window.tell(Event::Settled(job, Outcome::Done(JobOutput::RowsKept(Arc::new(report)))));
        self.answer(window);
        spec
    }
}

trait TotalCmp {
    fn total_cmp_some(self, other: Self) -> std::cmp::Ordering;
}

impl TotalCmp for Option<f32> {
    fn total_cmp_some(self, other: Self) -> std::cmp::Ordering {
        self.unwrap_or_default().total_cmp(&other.unwrap_or_default())
    }
}

fn text(row: u64) -> String {
    let texts = [
        "a warm, funny and quietly moving film about two brothers who cannot say what they mean",
        "it drags from the first minute, and the ending makes no sense at all",
        "the jokes are old, the songs are older, and yet i laughed more than i should have",
        "nobody asked for a sequel, and this one shows why",
        "shot with care, played with conviction, forgotten by the time the lights come up",
    ];
    texts[(row % 5) as usize].to_owned()
}

/// A run that tells bad from good.
pub fn head(model: ModelSource) -> RunRecord {
    let label = |name: &str| LabelCount { name: name.to_owned(), n_train: 4800, n_validation: 250 };
    let folder: std::path::PathBuf = "/home/ada/.local/share/glassworks/runs/reviews".into();
    RunRecord {
        id: RunId::mint(),
        name: "Reviews".to_owned(),
        spec: TrainSpec {
            name: "Reviews".to_owned(),
            model,
            task: TaskSpec::Classification(ClassificationSpec::default()),
            method: MethodSpec::Lora(LoraSpec { rank: 6, ..LoraSpec::default() }),
            ..TrainSpec::default()
        },
        status: RunStatus::Done,
        progress: RunProgress {
            step: 717,
            n_steps: 717,
            model_name: "SmolLM2-135M-Instruct".to_owned(),
            data: DataReport { labels: vec![label("bad"), label("good")], ..DataReport::default() },
            result: Some(folder.join("result")),
            ..RunProgress::default()
        },
        folder,
        created_at_ms: NOW_MS - 9_000_000,
        changed_at_ms: NOW_MS - 8_000_000,
        tags: Vec::new(),
        notes: String::new(),
        trashed_at_ms: None,
    }
}

fn record(run: &RunRecord, n_rows: u64, done: bool, writes: bool) -> PredictionRecord {
    let id = PredictionId::mint();
    let tuned = TunedSource { run: run.id, part: RunPart::Result, strength: 1.0 };
    PredictionRecord {
        id,
        spec: PredictSpec {
            model: run.spec.model.clone(),
            tuned: (!writes).then_some(tuned),
            adapter: None,
            data: REVIEWS.into(),
            column: "text".to_owned(),
            template: writes.then(|| "Is this good or bad? {text}".to_owned()),
            out: "/home/ada/.local/share/glassworks/predictions/reviews-3f9a.csv".into(),
            max_new_tokens: 64,
            precision: Precision::Fast,
            keep: Some(id),
        },
        model_name: if writes { "SmolLM2-135M-Instruct" } else { "Reviews" }.to_owned(),
        done,
        n_rows,
        n_left_out: 0,
        labels: if writes { Vec::new() } else { vec!["bad".to_owned(), "good".to_owned()] },
        created_at_ms: NOW_MS - 600_000,
        n_mended: 0,
        n_confirmed: 0,
        can_undo: false,
        can_redo: false,
    }
}
