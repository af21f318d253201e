//! Predicts with the starter of the home folder given and an adapter, from a file into another, saying how many rows are
//! done, until it is done or killed: what the crash tests kill. With the id of a prediction it is kept, and text is
//! written by the starter alone.

use glassworks_protocol::predict::PredictSpec;
use glassworks_protocol::train::AdapterSource;
use glassworks_protocol::{Event, JobSpec, Outcome};
use glassworks_tests_engine::Lab;
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let (home, adapter, data, to, keep) = match &*paths {
        [home, adapter, data, to] => (home, Some(adapter), data, to, None),
        [home, keep, data, to, _] => (home, None, data, to, keep.to_str().map(str::parse).transpose()?),
        _ => anyhow::bail!("home, adapter or prediction, data, out, perhaps `keep`"),
    };
    let mut lab = Lab::open(home);
    let spec = PredictSpec {
        model: lab.starter(),
        tuned: None,
        adapter: adapter.map(|path| AdapterSource { path: path.clone(), strength: 1.0 }),
        data: data.clone(),
        column: "text".to_owned(),
        template: None,
        out: to.clone(),
        max_new_tokens: 1,
        keep,
        precision: glassworks_protocol::model::Precision::Exact,
    };
    let job = lab.start(JobSpec::Predict(Box::new(spec)));
    let mut out = std::io::stdout().lock();
    loop {
        let (done, outcome) = lab.until("news", |event| match event {
            Event::Progress(id, progress) if *id == job => Some((progress.done, None)),
            Event::Settled(id, outcome) if *id == job => Some((0, Some(outcome.clone()))),
            _ => None,
        });
        match outcome {
            None => {
                writeln!(out, "{done}")?;
                out.flush()?;
            }
            Some(Outcome::Done(_)) => break,
            Some(other) => anyhow::bail!("{other:?}"),
        }
    }
    lab.close();
    Ok(())
}
