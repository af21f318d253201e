//! Votes in the home folder given, saying each vote that is told to be stored, until it is killed: what the test of
//! votes kills.

use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::ids::{EditId, VoteId};
use glassworks_protocol::model::{ModelRef, Precision};
use glassworks_protocol::vote::{Contender, VoteRecord};
use glassworks_protocol::{Command, Edit, Event, Stored};
use glassworks_tests_engine::Lab;
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let home = std::env::args().nth(1).map(PathBuf::from);
    let Some(home) = home else { anyhow::bail!("home") };
    let mut lab = Lab::open(&home);
    let mut out = std::io::stdout().lock();
    let contender = |name: &str| Contender {
        model: ModelRef {
            base: String::new(),
            name: name.to_owned(),
            precision: Precision::Fast,
            tuned: None,
        },
        sampling: SamplingSpec::default(),
        system_prompt: String::new(),
    };
    for at_ms in 0.. {
        let contenders = vec![contender("a"), contender("b")];
        let vote = VoteRecord { id: VoteId::mint(), contenders, winner: Some(at_ms as u32 % 2), at_ms };
        let id = vote.id;
        lab.send(Command::Edit(EditId::mint(), Edit::AddVote(Box::new(vote))));
        lab.until("a vote", |event| match event {
            Event::Stored(Stored::Vote(vote)) if vote.id == id => Some(()),
            _ => None,
        });
        writeln!(out, "{id}")?;
        out.flush()?;
    }
    Ok(())
}
