//! `glassworks train`: a recipe in, a run out; one line a logged step.

use super::Cx;
use super::args::TrainArgs;
use super::meter::Meter;
use super::out::{self, Out, Stop};
use super::session::Session;
use super::{recipe_file, runs, source, table};
use glassworks_engine::Mode;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{
    FieldProblem, MetricPoint, RunRecord, RunStatus, Series, TrainJob, TrainSpec, fields,
};
use glassworks_protocol::{Command, JobOutput, JobSpec, Partial, Signal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub fn run(cx: &Cx, args: &TrainArgs) -> Result<(), Stop> {
    // Looked at before anything is opened: a mistake costs nothing.
    let recipe = args.recipe.as_deref().map(|path| Recipe::read(cx, path)).transpose()?;
    let session = Session::open(cx, &cx.home, Mode::writer("train"))?;
    let job = match (recipe, &args.resume) {
        (Some(recipe), _) => {
            // Held until the run has ended: it may hold the starter's files.
            let found = recipe.model.as_deref().map(|model| source::find(&session, model)).transpose()?;
            let model = found.as_ref().map_or(recipe.spec.model, |found| found.source.clone());
            let spec = Box::new(TrainSpec { model, ..recipe.spec });
            let job = TrainJob::New { run: RunId::mint(), spec };
            return tell(cx, &session, job, args.json);
        }
        (None, Some(asked)) => TrainJob::Resume { run: runs::find(&session, asked)?.id },
        (None, None) => return Ok(()),
    };
    tell(cx, &session, job, args.json)
}

fn tell(cx: &Cx, session: &Session, job: TrainJob, as_json: bool) -> Result<(), Stop> {
    let mut log = Log { out: Out::new(), json: as_json, waiting: BTreeMap::new() };
    let meter = Meter::new(cx);
    let pause = |job| Command::Signal(job, Signal::Pause);
    let result = session.run_until(
        JobSpec::Train(job),
        &meter,
        &mut |news| {
            if let Partial::Metrics(points) = news {
                meter.clear();
                log.add(&points)?;
            }
            Ok(())
        },
        pause,
    );
    log.rest()?;
    let JobOutput::Trained(run) = result? else { return Ok(()) };
    if as_json {
        log.out.json(&runs::run_json(&run))?;
    } else if out::is_watched() {
        out::note(&summary(cx, &run));
    }
    if run.status == RunStatus::Paused { Err(Stop::Interrupted) } else { Ok(()) }
}

fn summary(cx: &Cx, run: &RunRecord) -> String {
    let progress = &run.progress;
    let loss = |loss: Option<f64>| loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
    let (key, path) = match (&progress.result, run.status) {
        (Some(path), RunStatus::Done) => ("cli.trained", path),
        _ => ("cli.train_paused", &run.folder),
    };
    cx.language.format(
        key,
        &[
            ("name", &run.name),
            ("id", &run.id),
            ("step", &progress.step),
            ("n", &progress.n_steps),
            ("first", &loss(progress.first_validation_loss)),
            ("loss", &loss(progress.best_loss.or(progress.train_loss))),
            ("speed", &format!("{:.1}", progress.tokens_per_sec)),
            ("memory", &table::file_size(progress.peak_bytes)),
            ("path", &path.display()),
        ],
    )
}

/// A recipe as it was written: the model by the word for it, the rest as a spec.
struct Recipe {
    /// `None` where the run makes it.
    model: Option<String>,
    spec: TrainSpec,
}

impl Recipe {
    /// # Errors
    /// A failure that names every field with a mistake in it.
    fn read(cx: &Cx, path: &Path) -> Result<Self, Stop> {
        let mut fields = recipe_file::read(path)?;
        let mut problems = Vec::new();
        let value = Value::Object(fields.clone());
        let is_made = value.pointer("/task/kind").and_then(Value::as_str) == Some("scratch");
        let mut model = match (fields.remove("model"), is_made) {
            (Some(Value::String(model)), false) if !model.is_empty() => Some(model),
            (None, true) => None,
            (_, is_made) => {
                let key = if is_made { "cli.recipe_no_model" } else { "cli.recipe_model" };
                problems.push(FieldProblem { field: "model".to_owned(), text: Text::new(key) });
                None
            }
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        match TrainSpec::from_new(&Value::Object(fields.clone())) {
            Ok(mut spec) => {
                problems.extend(spec.problems(None));
                for file in spec.data.files.iter_mut().chain(&mut spec.data.validation_files) {
                    *file = beside(&folder, file);
                }
                let model_file = model.as_ref().map(|model| beside(&folder, Path::new(model)));
                if let Some(file) = model_file.filter(|file| source::is_model_path(file)) {
                    model = Some(file.to_string_lossy().into_owned());
                }
                if problems.is_empty() {
                    return Ok(Self { model, spec });
                }
            }
            Err(more) => {
                problems.extend(more);
                // What could be read is looked at too: all mistakes are told at once.
                let read = TrainSpec::from_stored(&Value::Object(fields));
                for problem in read.problems(None) {
                    if problems.iter().all(|told| told.field != problem.field) {
                        problems.push(problem);
                    }
                }
            }
        }
        Err(fields::failure(&problems, cx.language).into())
    }
}

/// Paths in a recipe are read from where the recipe lies.
fn beside(folder: &Path, path: &Path) -> PathBuf {
    let joined = folder.join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}

/// A line a step: its measurements brought together.
struct Log {
    out: Out,
    json: bool,
    /// By step; the newest may still be growing.
    waiting: BTreeMap<u64, Map<String, Value>>,
}

impl Log {
    fn add(&mut self, points: &[MetricPoint]) -> Result<(), Stop> {
        for point in points {
            let line = self.waiting.entry(point.step).or_default();
            line.insert(point.series.metric().word.to_owned(), json!(point.value));
        }
        while self.waiting.len() > 1 {
            self.one()?;
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<(), Stop> {
        while !self.waiting.is_empty() {
            self.one()?;
        }
        Ok(())
    }

    fn one(&mut self) -> Result<(), Stop> {
        let Some((step, line)) = self.waiting.pop_first() else { return Ok(()) };
        if self.json {
            let mut object = Map::from_iter([("step".to_owned(), json!(step))]);
            object.extend(line);
            return self.out.json(&object);
        }
        let shown = [
            (Series::TrainLoss, 4),
            (Series::ValidationLoss, 4),
            (Series::GradNorm, 2),
            (Series::TokensPerSec, 0),
        ];
        let parts = shown.into_iter().filter_map(|(series, digits)| {
            let word = series.metric().word;
            let value = line.get(word)?.as_f64()?;
            Some(format!("{word} {value:.digits$}"))
        });
        let rate = line.get(Series::LearningRate.metric().word).and_then(Value::as_f64);
        let rate = rate.map(|rate| format!("learning_rate {rate:.2e}"));
        let parts: Vec<String> = [format!("{step:>6}")].into_iter().chain(parts).chain(rate).collect();
        self.out.text(&(parts.join("  ") + "\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::model::Precision;
    use glassworks_protocol::train::PRESETS;

    #[test]
    fn what_the_window_shows_as_a_recipe_reads_back_as_the_same_run() {
        for preset in &PRESETS {
            let mut spec = preset.applied_to(&TrainSpec::default());
            spec.name = "“Tea”\tand \\ more".to_owned();
            spec.data.files = vec!["/data/a \"b\".jsonl".into()];
            spec.seed = 7;
            spec.precision = Precision::Fast;
            spec.evaluation.every = Some(9);
            let mut fields: Map<String, Value> = toml::from_str(&spec.recipe("starter")).expect("TOML");
            assert_eq!(fields.remove("model"), Some(json!("starter")));
            assert_eq!(TrainSpec::from_new(&Value::Object(fields)), Ok(spec));
        }
    }
}
