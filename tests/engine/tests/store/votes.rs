//! Blind votes in the store: kept in order, taken back and put there again, begun anew, recovered, backed up.

use super::{Bench, run};
use glassworks_protocol::generate::SamplingPreset;
use glassworks_protocol::ids::{RunId, VoteId};
use glassworks_protocol::model::{ModelRef, Precision};
use glassworks_protocol::train::{RunPart, TunedRef};
use glassworks_protocol::vote::{Contender, VoteRecord, standings};
use glassworks_protocol::{Edit, Stored};
use std::sync::Arc;

fn vote(at_ms: i64, winner: Option<u32>) -> VoteRecord {
    let contender = |name: &str, tuned| Contender {
        model: ModelRef { base: "ab".repeat(32), name: name.to_owned(), precision: Precision::Fast, tuned },
        sampling: SamplingPreset::Balanced.spec(),
        system_prompt: "Answer in 古文".to_owned(),
    };
    let tutor = TunedRef {
        run: RunId("018f0000-0000-7000-8000-000000000001".parse().unwrap()),
        name: "tutor".to_owned(),
        part: RunPart::Result,
        strength: Some(0.5),
    };
    let contenders = vec![contender("base", None), contender("base", Some(tutor))];
    VoteRecord { id: VoteId::mint(), contenders, winner, at_ms }
}

async fn add(bench: &Bench, vote: &VoteRecord) {
    let stored = bench.store().edit(Edit::AddVote(Box::new(vote.clone()))).await.unwrap();
    assert_eq!(stored, [Stored::Vote(Arc::new(vote.clone()))]);
}

async fn votes(bench: &Bench) -> Vec<VoteRecord> {
    bench.store().votes().await.unwrap().iter().map(|vote| VoteRecord::clone(vote)).collect()
}

#[test]
fn votes_are_kept_whole_and_in_order() {
    run(async {
        let mut bench = Bench::new().await;
        let (first, second) = (vote(5, Some(1)), vote(9, None));
        for one in [&second, &first, &first] {
            add(&bench, one).await;
        }
        bench.reopen().await;
        assert_eq!(votes(&bench).await, [first, second]);
        let told = standings(&bench.store().votes().await.unwrap());
        assert_eq!((told.len(), told[0].n_rounds, told[0].n_wins, told[0].n_ties), (2, 2, 1, 1));
        let nobody = VoteRecord { winner: Some(2), ..vote(1, None) };
        assert!(bench.store().edit(Edit::AddVote(Box::new(nobody))).await.is_err());
    });
}

#[test]
fn votes_are_taken_back_and_put_there_again() {
    run(async {
        let mut bench = Bench::new().await;
        let (first, second) = (vote(5, Some(1)), vote(9, None));
        add(&bench, &first).await;
        add(&bench, &second).await;
        let stored = bench.store().edit(Edit::RemoveVote(second.id)).await.unwrap();
        assert_eq!(stored, [Stored::VoteRemoved(second.id)]);
        bench.reopen().await;
        assert_eq!(votes(&bench).await, std::slice::from_ref(&first));
        bench.store().edit(Edit::RestoreVote(second.id)).await.unwrap();
        assert_eq!(votes(&bench).await, [first.clone(), second.clone()]);

        // One that was taken back before stays so when a reset is.
        bench.store().edit(Edit::RemoveVote(second.id)).await.unwrap();
        let reset = bench.store().edit(Edit::ResetVotes { at_ms: 77 }).await.unwrap();
        assert_eq!(reset, [Stored::VotesReset]);
        bench.reopen().await;
        assert!(votes(&bench).await.is_empty());
        let back = bench.store().edit(Edit::UndoVotesReset { at_ms: 77 }).await.unwrap();
        assert_eq!(back, [Stored::Vote(Arc::new(first.clone()))]);
        assert_eq!(votes(&bench).await, [first]);
        assert!(
            bench.store().edit(Edit::UndoVotesReset { at_ms: 77 }).await.is_err(),
            "there is nothing left"
        );
        let gone = bench.store().edit(Edit::RestoreVote(second.id)).await.unwrap_err();
        assert_eq!(gone.summary.key, "failure.vote_gone", "the reset let it go");
    });
}

#[test]
fn votes_come_back_from_a_damaged_database() {
    run(async {
        let mut bench = Bench::new().await;
        let (first, second, taken_back) = (vote(5, Some(1)), vote(9, None), vote(11, Some(0)));
        for one in [&first, &second, &taken_back] {
            add(&bench, one).await;
        }
        bench.store().edit(Edit::RemoveVote(taken_back.id)).await.unwrap();
        bench.close().await;
        let mut bytes = std::fs::read(bench.database()).unwrap();
        bytes[..16].fill(b'?');
        std::fs::write(bench.database(), bytes).unwrap();
        bench.open().await;
        assert_eq!(bench.notices.len(), 1);
        assert_eq!(votes(&bench).await, [first, second]);
        bench.store().edit(Edit::RestoreVote(taken_back.id)).await.unwrap();
        assert_eq!(votes(&bench).await.len(), 3);
    });
}

#[test]
fn a_copy_of_the_database_has_the_votes() {
    run(async {
        let mut bench = Bench::new().await;
        let first = vote(5, Some(1));
        add(&bench, &first).await;
        let copy = bench.path().join("copy.db");
        bench.store().copy_database(&copy).await.unwrap();
        bench.store().edit(Edit::ResetVotes { at_ms: 8 }).await.unwrap();
        bench.close().await;
        std::fs::rename(&copy, bench.database()).unwrap();
        bench.open().await;
        assert_eq!(votes(&bench).await, [first]);
    });
}
