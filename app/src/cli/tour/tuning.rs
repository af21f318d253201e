//! The tour's fine-tune: a handful of rows, an adapter, a minute at most. Before and after are the same question.

use super::{Findings, SEED, not_as_asked};
use crate::cli::meter::Meter;
use crate::cli::out::Stop;
use crate::cli::session::Session;
use crate::cli::{Cx, run_plot};
use glassworks_protocol::dataset::DataSpec;
use glassworks_protocol::generate::{GenerateSpec, ModelSource, Overflow, Prompt, SamplingSpec};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::model::{CacheWidth, ModelRecord, Precision};
use glassworks_protocol::train::{
    AdamWSpec, BatchSpec, EvaluationSpec, LengthSpec, LoraSpec, MethodSpec, MetricPoint, OptimizerSpec,
    RunPart, RunRecord, TrainJob, TrainSpec, TunedSource,
};
use glassworks_protocol::{JobOutput, JobSpec, Page, Query};
use std::path::Path;
use std::sync::Arc;

/// The picture of its losses.
pub const PLOT: &str = "losses.svg";
/// The rows it learned from.
pub const ROWS: &str = "rows.jsonl";
const STEPS: u64 = 20;
/// No row has this animal in this place.
const QUESTION: &str = "Where is the swan?";

/// What came of it.
pub struct Tuned {
    pub run: Arc<RunRecord>,
    pub points: Vec<MetricPoint>,
    pub question: String,
    pub before: String,
    pub after: String,
}

/// Writes the rows, tunes the model on them, asks it before and after.
///
/// # Errors
/// When the folder cannot be written, or the engine says no.
pub fn tune(cx: &Cx, session: &Session, model: &ModelRecord, out: &Path) -> Result<Tuned, Stop> {
    let rows = out.join(ROWS);
    std::fs::write(&rows, examples()).map_err(|error| super::cannot_write(&rows, &error))?;
    let source = ModelSource::Library(model.id);
    let before = ask(cx, session, &source, None)?;
    let spec = TrainSpec {
        model: source.clone(),
        data: DataSpec { files: vec![rows], validation_share: 0.1, ..DataSpec::default() },
        method: MethodSpec::Lora(LoraSpec { rank: 8, dropout: Some(0.0), ..LoraSpec::default() }),
        optimizer: OptimizerSpec::AdamW(AdamWSpec { learning_rate: Some(3e-3), ..AdamWSpec::default() }),
        batch: BatchSpec { sequences: 4, accumulation: 1, ..BatchSpec::default() },
        run: LengthSpec { steps: Some(STEPS), ..LengthSpec::default() },
        evaluation: EvaluationSpec { every: Some(4), patience: None, ..EvaluationSpec::default() },
        seed: SEED,
        ..TrainSpec::default()
    };
    let job = TrainJob::New { run: RunId::mint(), spec: Box::new(spec) };
    let JobOutput::Trained(run) = session.run_quietly(JobSpec::Train(job), &Meter::hidden(cx))? else {
        return Err(not_as_asked("train"));
    };
    let Page::RunPoints(points) = session.fetch(Query::RunPoints(run.id))? else {
        return Err(not_as_asked("points"));
    };
    let tuned = TunedSource { run: run.id, part: RunPart::Result, strength: 1.0 };
    let after = ask(cx, session, &source, Some(tuned))?;
    Ok(Tuned { run, points: points.to_vec(), question: QUESTION.to_owned(), before, after })
}

/// Draws its losses.
///
/// # Errors
/// When a font or the file cannot be used.
pub fn draw(cx: &Cx, findings: &Findings, out: &Path) -> anyhow::Result<()> {
    run_plot::draw(cx.language, &findings.tuned.run, &findings.tuned.points, &out.join(PLOT))
}

fn ask(cx: &Cx, session: &Session, model: &ModelSource, tuned: Option<TunedSource>) -> Result<String, Stop> {
    let spec = GenerateSpec {
        model: model.clone(),
        adapter: None,
        tuned,
        prompt: Prompt::Chat {
            turns: vec![glassworks_protocol::chat::Turn::new("user", QUESTION)],
            template: Default::default(),
        },
        sampling: SamplingSpec {
            temperature: 0.0,
            max_new_tokens: 24,
            seed: Some(SEED),
            ..glassworks_protocol::generate::SamplingPreset::Steady.spec()
        },
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    };
    match session.run_quietly(JobSpec::Generate(Box::new(spec)), &Meter::hidden(cx))? {
        JobOutput::Replied(reply) => Ok(reply.text.trim().to_owned()),
        _ => Err(not_as_asked("generate")),
    }
}

/// Questions and answers of one kind, so that a few steps teach something that shows.
fn examples() -> String {
    let animals = ["cat", "dog", "hare", "mouse", "owl", "fish", "fox", "bear"];
    let places = ["garden", "hall", "river", "wood", "school", "town"];
    let mut text = String::new();
    for animal in animals {
        for place in places {
            let row = serde_json::json!({
                "prompt": format!("Where is the {animal}?"),
                "completion": format!("The {animal} is in the {place}, said Alice."),
            });
            text.push_str(&row.to_string());
            text.push('\n');
        }
    }
    text
}
