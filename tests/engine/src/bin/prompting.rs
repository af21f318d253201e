//! Runs a prompt over its table with the starter of the home folder given, saying how many replies are on disk, until
//! it is done or killed: what the crash tests kill.

use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::ids::{PromptId, PromptRunId};
use glassworks_protocol::model::Precision;
use glassworks_protocol::prompts::{PromptJob, PromptStored, RunPromptSpec};
use glassworks_protocol::{Event, JobSpec, Outcome, Stored};
use glassworks_tests_engine::Lab;
use std::io::Write as _;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [home, prompt, run] = &*words else { anyhow::bail!("home, prompt, run") };
    let (prompt, run): (PromptId, PromptRunId) = (prompt.parse()?, run.parse()?);
    let mut lab = Lab::open(home.as_ref());
    let spec = RunPromptSpec {
        run,
        prompt,
        version: 1,
        model: lab.starter(),
        tuned: None,
        sampling: SamplingSpec { temperature: 0.0, max_new_tokens: 12, ..SamplingSpec::default() },
        precision: Precision::Exact,
    };
    let job = lab.start(JobSpec::Prompt(PromptJob::Run { spec: Box::new(spec), rows: None }));
    let mut out = std::io::stdout().lock();
    let mut n = 0;
    loop {
        let settled = lab.until("news", |event| match event {
            Event::Stored(Stored::Prompt(PromptStored::Result { .. })) => Some(None),
            Event::Settled(id, outcome) if *id == job => Some(Some(outcome.clone())),
            _ => None,
        });
        match settled {
            None => {
                n += 1;
                writeln!(out, "{n}")?;
                out.flush()?;
            }
            Some(Outcome::Done(_)) => break,
            Some(other) => anyhow::bail!("{other:?}"),
        }
    }
    lab.close();
    Ok(())
}
