//! `glassworks runs`: list them, show one, export what was measured.

use super::args::{ExportRunArgs, ListArgs, RunsArgs, RunsCommand, ShowRunArgs};
use super::out::{Out, Stop};
use super::run_file::Exported;
use super::session::Session;
use super::{Cx, run_file, table};
use glassworks_engine::Mode;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{Ending, Look, RunRecord, RunSample, RunStatus, WorstRows};
use glassworks_protocol::{Failure, FailureKind, Page, Query};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Rows in a report.
const WORST: u32 = 20;

pub fn run(cx: &Cx, args: &RunsArgs) -> Result<(), Stop> {
    match &args.what {
        RunsCommand::List(args) => list(cx, args),
        RunsCommand::Show(args) => show(cx, args),
        RunsCommand::Export(args) => export(cx, args),
    }
}

fn all(session: &Session) -> Result<Vec<Arc<RunRecord>>, Stop> {
    match session.fetch(Query::Runs)? {
        Page::Runs(runs) => Ok(runs),
        _ => Ok(Vec::new()),
    }
}

/// The run of this id, of the beginning of one, or of this name, the newest of those that fit.
///
/// # Errors
/// `Failure { Missing }` when there is none.
pub fn find(session: &Session, asked: &str) -> Result<Arc<RunRecord>, Stop> {
    let runs = all(session)?;
    let fits = |run: &&Arc<RunRecord>| run.name == asked || run.id.to_string() == asked;
    let begins = |run: &&Arc<RunRecord>| asked.len() >= 4 && run.id.to_string().starts_with(asked);
    let found = runs.iter().find(fits).or_else(|| runs.iter().find(begins));
    found.cloned().ok_or_else(|| {
        Failure::new(FailureKind::Missing, Text::new("failure.run_gone").arg("name", asked))
            .hint(Text::new("failure.run_gone_hint"))
            .into()
    })
}

fn list(cx: &Cx, args: &ListArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let mut runs = all(&session)?;
    runs.retain(|run| run.trashed_at_ms.is_none());
    let mut out = Out::new();
    if args.json {
        return out.json(&runs.iter().map(|run| run_json(run)).collect::<Vec<_>>());
    }
    if runs.is_empty() {
        return out.text(&format!("{}\n", cx.say("cli.no_runs")));
    }
    let heading = ["id", "name", "state", "steps", "loss_first", "loss_best", "speed", "tags"];
    let heading = heading.map(|column| cx.language.get(&format!("cli.column.{column}")).to_owned()).to_vec();
    let rows = runs.iter().map(|run| {
        let progress = &run.progress;
        vec![
            run.id.to_string(),
            run.name.clone(),
            state(cx, run).to_owned(),
            format!("{} / {}", progress.step, progress.n_steps),
            loss(progress.first_validation_loss),
            loss(progress.best_loss),
            format!("{:.0}", progress.tokens_per_sec),
            run.tags.join(", "),
        ]
    });
    out.text(&table::aligned(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
}

fn loss(loss: Option<f64>) -> String {
    loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"))
}

fn state(cx: &Cx, run: &RunRecord) -> &'static str {
    cx.say(state_key(run))
}

/// Key of what has become of a run.
pub fn state_key(run: &RunRecord) -> &'static str {
    match (run.status, run.progress.ending) {
        (RunStatus::Running, _) => "cli.run.running",
        (RunStatus::Paused, _) => "cli.run.paused",
        (RunStatus::Stopped, _) => "cli.run.stopped",
        (RunStatus::Interrupted, _) => "cli.run.interrupted",
        (RunStatus::Done, Some(Ending::EarlyStop)) => "cli.run.early_stop",
        (RunStatus::Done, Some(Ending::Kept)) => "cli.run.kept",
        (RunStatus::Done, _) => "cli.run.done",
        (RunStatus::Failed, _) => "cli.run.failed",
    }
}

fn show(cx: &Cx, args: &ShowRunArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let run = find(&session, &args.run)?;
    let mut out = Out::new();
    let looks = Looks::fetch(&session, &run, args)?;
    if args.json {
        let mut json = run_json(&run);
        json["samples"] = json!(looks.samples);
        json["worst_rows"] = json!(looks.worst);
        return out.json(&json);
    }
    let progress = &run.progress;
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String| {
        rows.push(vec![cx.language.get(&format!("cli.column.{key}")).to_owned(), value]);
    };
    row("id", run.id.to_string());
    row("name", run.name.clone());
    row("state", state(cx, &run).to_owned());
    row("model", progress.model_name.clone());
    row("tags", run.tags.join(", "));
    row("notes", run.notes.clone());
    row("steps", format!("{} / {}", progress.step, progress.n_steps));
    row("rows", format!("{} + {}", progress.data.n_train, progress.data.n_validation));
    row("left_out", format!("{} ({})", progress.data.n_left_out, progress.data.n_truncated));
    row("trained", table::grouped(progress.n_trained));
    row("loss_first", loss(progress.first_validation_loss));
    row("loss_best", loss(progress.best_loss));
    row("loss_train", loss(progress.train_loss));
    row("speed", format!("{:.1}", progress.tokens_per_sec));
    row("memory", table::file_size(progress.peak_bytes));
    if progress.held_bytes > 0 {
        let (held, foreseen) =
            (table::file_size(progress.held_bytes), table::file_size(progress.foreseen_bytes));
        row("held", format!("{held} ({foreseen})"));
    }
    row("path", progress.result.as_ref().unwrap_or(&run.folder).display().to_string());
    if let Some(failure) = &progress.failure {
        row("failure", cx.language.render(&failure.summary));
    }
    for problem in &progress.data.problems {
        let file = problem.file.display();
        row("row", format!("{file}:{}: {}", problem.row, cx.language.render(&problem.reason)));
    }
    out.text(&table::aligned(&rows))?;
    looks.tell(cx, &mut out)
}

/// What of a run's evaluations was asked for.
struct Looks {
    samples: Vec<Arc<RunSample>>,
    worst: Option<Arc<WorstRows>>,
}

impl Looks {
    fn fetch(session: &Session, run: &RunRecord, args: &ShowRunArgs) -> Result<Self, Stop> {
        let mut looks = Self { samples: Vec::new(), worst: None };
        if args.samples
            && let Page::RunSamples(samples) = session.fetch(Query::RunSamples(run.id))?
        {
            looks.samples = samples;
        }
        if let Some(n) = args.worst
            && let Page::WorstRows(rows) =
                session.fetch(Query::WorstRows { run: run.id, look: Look::Last, n })?
        {
            looks.worst = rows;
        }
        Ok(looks)
    }

    fn tell(&self, cx: &Cx, out: &mut Out) -> Result<(), Stop> {
        for sample in &self.samples {
            let goes_on = if sample.ended { "" } else { " …" };
            let args: [(&str, &dyn std::fmt::Display); 2] =
                [("step", &sample.step), ("prompt", &sample.prompt)];
            let heading = cx.language.format("cli.sample", &args);
            out.text(&format!("\n{heading}\n{}{goes_on}\n", sample.text))?;
        }
        let Some(worst) = &self.worst else { return Ok(()) };
        let args: [(&str, &dyn std::fmt::Display); 2] = [("n", &worst.n_rows), ("step", &worst.step)];
        out.text(&format!("\n{}\n", cx.language.format("cli.worst_rows", &args)))?;
        let heading = ["loss", "change", "place", "begins"];
        let heading =
            heading.map(|column| cx.language.get(&format!("cli.column.{column}")).to_owned()).to_vec();
        let rows = worst.rows.iter().map(|row| {
            let change = row.first_loss.map_or_else(String::new, |first| format!("{:+.4}", row.loss - first));
            let place = format!("{}:{}", row.row.file.display(), row.row.row);
            vec![format!("{:.4}", row.loss), change, place, row.row.start.clone()]
        });
        out.text(&table::aligned(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
    }
}

fn export(cx: &Cx, args: &ExportRunArgs) -> Result<(), Stop> {
    let is_page = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
    if let Some(path) = args.html.as_deref().filter(|path| !is_page(path)) {
        return Err(run_file::no_kind(path).into());
    }
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let run = find(&session, &args.run)?;
    let Page::RunPoints(points) = session.fetch(Query::RunPoints(run.id))? else { return Ok(()) };
    let checkpoints = match session.fetch(Query::RunCheckpoints(run.id))? {
        Page::RunCheckpoints(checkpoints) => checkpoints,
        _ => Vec::new(),
    };
    let log = match session.fetch(Query::LogTail)? {
        Page::LogTail(log) => log,
        _ => String::new(),
    };
    let asked = ShowRunArgs { run: args.run.clone(), json: false, samples: true, worst: Some(WORST) };
    let Looks { samples, worst } = Looks::fetch(&session, &run, &asked)?;
    let exported = Exported {
        run: &run,
        points: &points,
        checkpoints: &checkpoints,
        samples: &samples,
        worst: worst.as_deref(),
        log: &log,
    };
    // clap sees to it that there is one of them.
    for out in args.out.iter().chain(&args.html) {
        run_file::write(cx.language, &exported, out)?;
    }
    Ok(())
}

/// A run for scripts.
#[must_use]
pub fn run_json(run: &RunRecord) -> Value {
    json!({
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "tags": run.tags,
        "notes": run.notes,
        "folder": run.folder,
        "created_at_ms": run.created_at_ms,
        "progress": run.progress,
        "spec": run.spec,
    })
}
