//! Votes through the real engine: what was announced is there after a kill.

use glassworks_protocol::ids::VoteId;
use glassworks_protocol::{Page, Query};
use glassworks_tests_engine::Lab;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn votes_that_were_announced_are_there_after_a_kill() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_voting"))
        .arg(home.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut announced: Vec<VoteId> = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok) {
        announced.push(line.parse().expect("an id"));
        if announced.len() == 15 {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");

    let mut lab = Lab::open(home.path());
    let Ok(Page::Votes(votes)) = lab.fetch(Query::Votes) else { panic!("the votes") };
    let kept: Vec<VoteId> = votes.iter().map(|vote| vote.id).collect();
    assert!(kept.starts_with(&announced), "{} announced, {} kept", announced.len(), kept.len());
    assert!(votes.iter().zip(0..).all(|(vote, i)| vote.winner == Some(i % 2)), "in the order of the clock");
    lab.close();
}
