//! Writes an endless reply into the home folder given, saying each piece on standard output, until it is killed:
//! what the crash test kills.

use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::generate::{ModelSource, SamplingPreset, SamplingSpec};
use glassworks_protocol::{Event, JobOutput, JobSpec, Partial};
use glassworks_tests_engine::{Lab, Talk, long_winded};
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let home = PathBuf::from(std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("which home folder?"))?);
    let mut lab = Lab::open(&home);
    let path = long_winded(&home);
    let JobOutput::ModelImported(model) = lab.done(JobSpec::ImportModel { path }) else {
        anyhow::bail!("the model is not there")
    };
    let sampling = SamplingSpec {
        max_new_tokens: 16_000,
        ignore_eos: true,
        seed: Some(3),
        ..SamplingPreset::Playful.spec()
    };
    let mut talk = Talk::new(ChatKind::Completion);
    let spec = talk.ask(&ModelSource::Library(model.id), "The White Rabbit", sampling);
    lab.start(JobSpec::Generate(Box::new(spec)));
    let mut out = std::io::stdout().lock();
    loop {
        let text = lab.until("tokens", |event| match event {
            Event::Partial(_, Partial::Tokens { pieces, .. }) => {
                Some(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>())
            }
            _ => None,
        });
        writeln!(out, "{}", serde_json::to_string(&text)?)?;
        out.flush()?;
    }
}
