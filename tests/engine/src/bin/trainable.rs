//! Trains in the home folder given, or goes on with the run that is there, saying each step's loss on standard
//! output, until it is done or killed: what the crash test kills.

use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{RunStatus, Series, TrainJob};
use glassworks_protocol::{Event, JobSpec, Outcome, Page, Partial, Query};
use glassworks_tests_engine::Lab;
use glassworks_tests_engine::training::spec;
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let home = PathBuf::from(std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("which home folder?"))?);
    let mut lab = Lab::open(&home);
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { anyhow::bail!("no runs") };
    let job = match runs.first() {
        Some(run) if run.status == RunStatus::Done => return Ok(()),
        Some(run) => TrainJob::Resume { run: run.id },
        None => TrainJob::New { run: RunId::mint(), spec: Box::new(spec(&lab.starter(), &home)) },
    };
    let job = lab.start(JobSpec::Train(job));
    let mut out = std::io::stdout().lock();
    loop {
        let (points, outcome) = lab.until("news", |event| match event {
            Event::Partial(_, Partial::Metrics(points)) => Some((points.clone(), None)),
            Event::Settled(id, outcome) if *id == job => Some((Vec::new(), Some(outcome.clone()))),
            _ => None,
        });
        for point in points.iter().filter(|point| point.series == Series::TrainLoss) {
            writeln!(out, "{} {:?}", point.step, point.value)?;
            out.flush()?;
        }
        match outcome {
            None => {}
            Some(Outcome::Done(_)) => break,
            Some(other) => anyhow::bail!("{other:?}"),
        }
    }
    lab.close();
    Ok(())
}
