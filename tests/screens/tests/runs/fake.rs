//! Runs to show, and an engine's answers about them.

use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{
    CheckpointKind, CheckpointRecord, ClassTally, ClassificationSpec, ConfusionMatrix, Ending, HeldOutRow,
    Look, LoraSpec, MethodSpec, MetricPoint, RowLoss, RunProgress, RunRecord, RunSample, RunStatus, Series,
    TaskSpec, TrainSpec, WorstRows,
};
use glassworks_protocol::{Command, Event, Failure, FailureKind, Page, Query};
use glassworks_tests_screens::{NOW_MS, Window, fixtures};
use std::collections::HashMap;
use std::sync::Arc;

/// What is stored.
#[derive(Default)]
pub struct Fake {
    pub runs: Vec<Arc<RunRecord>>,
    pub points: HashMap<RunId, Vec<MetricPoint>>,
    /// Everything that was asked and is no question.
    pub orders: Vec<Command>,
}

impl Fake {
    pub fn add(&mut self, run: RunRecord, points: Vec<MetricPoint>) -> RunId {
        let id = run.id;
        self.points.insert(id, points);
        self.runs.insert(0, Arc::new(run));
        id
    }

    /// Answers what the window asked, until it asks no more.
    pub fn answer(&mut self, window: &mut Window) {
        for _ in 0..8 {
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
                    other => self.orders.push(other),
                }
            }
        }
    }

    fn page(&self, query: &Query) -> Option<Page> {
        Some(match query {
            Query::Runs => Page::Runs(self.runs.clone()),
            Query::RunPoints(id) => {
                Page::RunPoints(Arc::new(self.points.get(id).cloned().unwrap_or_default()))
            }
            Query::RunCheckpoints(id) => Page::RunCheckpoints(self.checkpoints(*id)),
            Query::RunSamples(id) => Page::RunSamples(self.samples(*id)),
            Query::WorstRows { run, look, n } => Page::WorstRows(self.worst_rows(*run, *look, *n)),
            Query::Checkpoints => {
                Page::Checkpoints(self.runs.iter().flat_map(|run| self.checkpoints(run.id)).collect())
            }
            _ => return None,
        })
    }

    fn samples(&self, id: RunId) -> Vec<Arc<RunSample>> {
        let talks = |run: &&Arc<RunRecord>| run.id == id && !run.spec.task.classifies();
        let Some(run) = self.runs.iter().find(talks) else { return Vec::new() };
        (0..=run.progress.step).step_by(100).flat_map(|step| samples(id, step)).map(Arc::new).collect()
    }

    fn worst_rows(&self, id: RunId, look: Look, n: u32) -> Option<Arc<WorstRows>> {
        let run = self.runs.iter().find(|run| run.id == id)?;
        let step = if look == Look::Best { run.progress.best_step? } else { run.progress.step };
        let starts = [
            "Can you explain why the seasons change, for a child of nine?",
            "what is 7 times 8???",
            "Translate “good morning” into Portuguese and say it slowly",
            "My answer was 3/4, but the book says 0.75. Who is right, and why do both look so different?",
        ];
        let rows = (0..n.min(446)).map(|i| RowLoss {
            row: HeldOutRow {
                file: "/data/tutoring-talks.jsonl".into(),
                row: 17 + u64::from(i) * 61,
                start: starts[i as usize % starts.len()].to_owned(),
            },
            loss: 4.2 - i as f32 * 0.07,
            first_loss: Some(if i == 1 { 3.9 } else { 5.1 - i as f32 * 0.05 }),
        });
        Some(Arc::new(WorstRows { step, n_rows: 446, rows: rows.collect() }))
    }

    pub fn checkpoints(&self, id: RunId) -> Vec<Arc<CheckpointRecord>> {
        let Some(run) = self.runs.iter().find(|run| run.id == id) else { return Vec::new() };
        let record = |kind: CheckpointKind, step, validation_loss| {
            Arc::new(CheckpointRecord {
                run: id,
                kind,
                step,
                validation_loss,
                path: run.folder.join(kind.folder()),
                size_bytes: 19_800_000,
                at_ms: NOW_MS + step as i64,
            })
        };
        let last = record(CheckpointKind::Last, run.progress.step, run.progress.validation_loss);
        let best =
            run.progress.best_step.map(|step| record(CheckpointKind::Best, step, run.progress.best_loss));
        let kept = (1..=run.progress.step / 300)
            .rev()
            .map(|i| record(CheckpointKind::Step(i * 300), i * 300, Some(1.52)));
        std::iter::once(last).chain(best).chain(kept).collect()
    }
}

/// A run of 717 steps that is at `step`.
pub fn run(name: &str, status: RunStatus, step: u64) -> RunRecord {
    let id = RunId::mint();
    let spec = TrainSpec {
        name: name.to_owned(),
        model: ModelSource::Path("/models/SmolLM2-135M-Instruct".into()),
        data: glassworks_protocol::dataset::DataSpec {
            files: vec!["/data/tutoring-talks.jsonl".into()],
            ..Default::default()
        },
        ..TrainSpec::default()
    };
    let best_step = step / 50 * 50;
    RunRecord {
        id,
        name: name.to_owned(),
        spec,
        status,
        progress: RunProgress {
            step,
            n_steps: 717,
            n_tokens: step * 4096,
            n_trained: 4_884_480,
            model_name: "SmolLM2-135M-Instruct".to_owned(),
            data: DataReport { n_train: 4012, n_validation: 446, ..DataReport::default() },
            train_loss: Some(loss(step, 0)),
            validation_loss: Some(validation(best_step)),
            first_validation_loss: Some(validation(0)),
            best_loss: Some(validation(best_step)),
            best_step: Some(best_step),
            peak_bytes: 3_650_722_202,
            held_bytes: 2_440_000_000,
            foreseen_bytes: 2_710_000_000,
            tokens_per_sec: 1490.0,
            train_secs: step as f64 * 2.75,
            ending: (status == RunStatus::Done).then_some(Ending::Steps),
            ..RunProgress::default()
        },
        folder: format!("/runs/{id}").into(),
        created_at_ms: NOW_MS - 3_600_000,
        changed_at_ms: NOW_MS - 60_000,
        tags: Vec::new(),
        notes: String::new(),
        trashed_at_ms: None,
    }
}

/// What a run wrote for its two prompts.
pub fn samples(run: RunId, step: u64) -> Vec<RunSample> {
    let prompts = ["How do I divide a fraction by a fraction?", "Why is the sky blue?"];
    let texts = match step {
        0 => ["The fraction is a fraction of the fraction of the fraction of the", "The sky is blue."],
        100..=300 => [
            "You can divide a fraction by a fraction by multiplying by it",
            "Good question! Blue light is scattered more",
        ],
        _ => [
            "Let's take it step by step. Turn the second fraction over, then multiply: what do you get?",
            "Good question! What colours do you think are in sunlight? Blue bends the most.",
        ],
    };
    let sample = |(n, (prompt, text)): (usize, (&str, &str))| RunSample {
        run,
        step,
        n: n as u32,
        prompt: prompt.to_owned(),
        text: text.to_owned(),
        ended: text.ends_with(['.', '?']),
    };
    prompts.into_iter().zip(texts).enumerate().map(sample).collect()
}

/// A wobble that is the same every time, between -1 and 1.
fn wobble(step: u64, seed: u64) -> f64 {
    let mut mixed = (step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed.wrapping_mul(0xD1B5_4A32_D192_ED03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed >> 33) % 2001) as f64 / 1000.0 - 1.0
}

fn loss(step: u64, seed: u64) -> f64 {
    1.32 + 0.02 * seed as f64 + 1.2 * (-(step as f64) / 140.0).exp() + 0.11 * wobble(step, seed)
}

pub fn validation(step: u64) -> f64 {
    1.38 + 1.16 * (-(step as f64) / 150.0).exp()
}

/// What was measured of `steps`.
pub fn points(steps: std::ops::RangeInclusive<u64>, seed: u64) -> Vec<MetricPoint> {
    let mut points = Vec::new();
    for step in steps {
        let mut add = |series, value| {
            points.push(MetricPoint { series, step, value, at_ms: NOW_MS + step as i64 * 2750 });
        };
        if step.is_multiple_of(50) {
            add(Series::ValidationLoss, validation(step) + 0.02 * seed as f64);
        }
        if step == 0 {
            continue;
        }
        let rate = 2e-4
            * (step as f64 / 22.0).min(1.0)
            * (0.5 + 0.5 * (step as f64 / 717.0 * std::f64::consts::PI).cos());
        add(Series::TrainLoss, loss(step, seed));
        add(Series::LearningRate, rate);
        add(Series::GradNorm, 0.6 + 0.2 * wobble(step, seed + 7));
        add(Series::TokensPerSec, 1490.0 + 40.0 * wobble(step, seed + 9));
        add(Series::MemoryBytes, 3.4e9 + 2e8 * (-(step as f64) / 30.0).exp());
        add(Series::Tokens, step as f64 * 4096.0);
        add(Series::TrainSecs, step as f64 * 2.75);
    }
    points
}

pub fn failed() -> RunRecord {
    let mut run = run("Tutor, all layers", RunStatus::Failed, 96);
    run.spec.method = MethodSpec::Lora(LoraSpec { rank: 64, ..LoraSpec::default() });
    run.progress.failure = Some(
        Failure::new(FailureKind::Io, Text::new("failure.disk_full"))
            .hint(Text::new("failure.disk_full_hint"))
            .detail("writing last: No space left on device (os error 28)"),
    );
    run
}

/// A run that sorts by `labels`, with what it took them for.
pub fn sorting(name: &str, labels: &[&str]) -> (RunRecord, Vec<MetricPoint>) {
    let mut record = run(name, RunStatus::Done, 717);
    record.spec.task = TaskSpec::Classification(ClassificationSpec::default());
    record.spec.data.files = vec!["/data/reviews.csv".into()];
    let k = labels.len();
    let tally = |step: u64, right: u64| {
        let mut confusion = ConfusionMatrix::new(labels.iter().map(|label| (*label).to_owned()).collect());
        for (i, count) in confusion.counts.iter_mut().enumerate() {
            let (own, found) = (i / k, i % k);
            *count = if own == found { right + 9 * own as u64 } else { (3 * own + 5 * found) as u64 % 11 };
        }
        ClassTally { step, confusion }
    };
    record.progress.best_step = Some(650);
    record.progress.best_classes = Some(tally(650, 84));
    record.progress.last_classes = Some(tally(717, 79));
    let mut points = points(0..=717, 5);
    for step in (0..=717).step_by(50) {
        let value = 0.93 - 0.45 * (-(step as f64) / 160.0).exp();
        let mut add = |series, value| points.push(MetricPoint { series, step, value, at_ms: NOW_MS });
        add(Series::Accuracy, value);
        add(Series::MacroF1, value - 0.02);
    }
    (record, points)
}

/// Four runs: the newest is in the middle of it, but nobody is on it.
pub fn some() -> Fake {
    let mut fake = Fake::default();
    fake.add(run("Sentiment", RunStatus::Done, 717), points(0..=717, 3));
    fake.add(failed(), points(0..=96, 2));
    let mut tutor = run("Tutor, r8", RunStatus::Done, 717);
    tutor.spec.method = MethodSpec::Lora(LoraSpec { rank: 8, ..LoraSpec::default() });
    tutor.spec.seed = 3;
    fake.add(tutor, points(0..=717, 1));
    fake.add(run("Patient tutor", RunStatus::Paused, 412), points(0..=412, 0));
    fake
}

/// The window over a home with `fake`'s runs, everything it asked at the start answered.
pub fn open(fake: &mut Fake, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
    let mut start = fixtures::start_on("runs");
    start.settings.language = Some(language);
    start.settings.theme = theme;
    let mut window = Window::sized(start, size.0, size.1, 1.0);
    fake.answer(&mut window);
    window
}
