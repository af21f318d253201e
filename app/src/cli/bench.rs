//! `glassworks bench`: how fast a model reads and writes on this machine, kept unless a window holds the home.

use super::Cx;
use super::args::{BenchArgs, BenchCommand, CompareArgs, ListArgs};
use super::bench_tables::{case_json, compare_table, kept_table, record_json, report};
use super::meter::Meter;
use super::out::{self, Out, Stop};
use super::session::Session;
use super::source::{self, STARTER_NAME};
use glassworks_engine::Mode;
use glassworks_protocol::bench::{BenchPlan, BenchRecord, BenchSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput, JobSpec, Page, Partial, Query};
use std::sync::Arc;

pub fn run(cx: &Cx, args: &BenchArgs) -> Result<(), Stop> {
    match &args.what {
        None => measure(cx, args),
        Some(BenchCommand::List(args)) => list(cx, args),
        Some(BenchCommand::Compare(args)) => compare(cx, args),
    }
}

fn measure(cx: &Cx, args: &BenchArgs) -> Result<(), Stop> {
    let (session, held) = open(cx, args.threads)?;
    let asked = match (&args.model, session.last_model()) {
        (Some(asked), _) => asked.clone(),
        (None, Some(last)) => last.to_string(),
        (None, None) => STARTER_NAME.to_owned(),
    };
    let model = source::find(&session, &asked)?;
    let spec = BenchSpec { model: model.source.clone(), precision: args.precision.into(), plan: plan(args) };
    let kept = kept(&session)?;
    let meter = Meter::new(cx);
    let mut lines = Lines { out: Out::new(), n_told: 0 };
    let mut newest: Option<Arc<BenchRecord>> = None;
    let result = session.run(JobSpec::Bench(spec), &meter, &mut |news| {
        if let Partial::Bench(record) = news {
            if args.json {
                meter.clear();
                lines.tell(&record)?;
            }
            newest = Some(record);
        }
        Ok(())
    });
    let stopped = match result {
        Ok(JobOutput::Benched(record)) => {
            newest = Some(record);
            None
        }
        Ok(_) => None,
        Err(stop) => Some(stop),
    };
    if let Some(record) = newest.filter(|_| !matches!(stopped, Some(Stop::Closed))) {
        if args.json {
            lines.tell(&record)?;
        } else {
            let before = record.last_time(&kept);
            lines.out.text(&report(cx.language, &record, before.map(|before| &**before)))?;
        }
    }
    if let Some(stop) = stopped {
        return Err(stop);
    }
    match held {
        Some(failure) => {
            let why = cx.language.render(&failure.summary);
            out::note(&cx.language.format("cli.bench_not_kept", &[("why", &why)]));
        }
        None if out::is_watched() => out::note(cx.say("cli.bench_kept")),
        None => {}
    }
    Ok(())
}

/// As a writer; beside whoever holds the home, as a reader, with the failure that says who that is.
fn open(cx: &Cx, n_threads: Option<u32>) -> Result<(Session, Option<Failure>), Stop> {
    match Session::with_threads(cx, &cx.home, Mode::writer("bench"), n_threads) {
        Ok(session) => Ok((session, None)),
        Err(Stop::Failed(held)) if held.summary.key.starts_with("failure.home_held") => {
            Ok((Session::with_threads(cx, &cx.home, Mode::Reader, n_threads)?, Some(held)))
        }
        Err(stop) => Err(stop),
    }
}

fn plan(args: &BenchArgs) -> BenchPlan {
    match (args.prompt, args.new, args.batch) {
        (None, None, None) if args.quick => BenchPlan::Quick,
        (None, None, None) => BenchPlan::Full,
        (n_prompt, n_new, batch) => BenchPlan::One { n_prompt, n_new, batch },
    }
}

/// JSON lines, each case once.
struct Lines {
    out: Out,
    n_told: usize,
}

impl Lines {
    fn tell(&mut self, record: &BenchRecord) -> Result<(), Stop> {
        for result in record.results.iter().skip(self.n_told) {
            self.out.json(&case_json(record, result))?;
        }
        self.n_told = self.n_told.max(record.results.len());
        Ok(())
    }
}

fn kept(session: &Session) -> Result<Vec<Arc<BenchRecord>>, Stop> {
    match session.fetch(Query::Benches)? {
        Page::Benches(kept) => Ok(kept),
        _ => Ok(Vec::new()),
    }
}

fn list(cx: &Cx, args: &ListArgs) -> Result<(), Stop> {
    let kept = kept(&Session::open(cx, &cx.home, Mode::Reader)?)?;
    let mut out = Out::new();
    if args.json {
        return out.json(&kept.iter().map(|record| record_json(record)).collect::<Vec<_>>());
    }
    if kept.is_empty() {
        return out.text(&format!("{}\n", cx.say("cli.no_benches")));
    }
    out.text(&kept_table(cx.language, &kept))
}

fn compare(cx: &Cx, args: &CompareArgs) -> Result<(), Stop> {
    let kept = kept(&Session::open(cx, &cx.home, Mode::Reader)?)?;
    let (before, now) = (find(&kept, &args.before)?, find(&kept, &args.now)?);
    if !now.is_comparable(before) {
        out::note(cx.say("cli.bench_unlike"));
    }
    Out::new().text(&compare_table(cx.language, before, now))
}

/// The record of this id, or of the end of one: those of the same day begin alike.
fn find<'a>(kept: &'a [Arc<BenchRecord>], asked: &str) -> Result<&'a BenchRecord, Stop> {
    let fits = |record: &&Arc<BenchRecord>| {
        let id = record.id.to_string();
        id == asked || asked.len() >= 4 && (id.ends_with(asked) || id.starts_with(asked))
    };
    kept.iter().find(fits).map(|record| &**record).ok_or_else(|| {
        Failure::new(FailureKind::Missing, Text::new("cli.no_such_bench").arg("id", asked))
            .hint(Text::new("cli.no_such_bench_hint"))
            .into()
    })
}
