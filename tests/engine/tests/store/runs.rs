//! Runs in the store: their records, measurements, checkpoints; renamed, interrupted, resumed, recovered.

use super::{Bench, run};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{
    CheckpointKind, CheckpointRecord, MetricPoint, RunProgress, RunRecord, RunStatus, Series, TrainSpec,
};
use glassworks_protocol::{Edit, FailureKind, Stored};
use std::path::PathBuf;

fn record(name: &str) -> RunRecord {
    RunRecord {
        id: RunId::mint(),
        name: name.to_owned(),
        spec: TrainSpec { seed: 7, ..TrainSpec::default() },
        status: RunStatus::Running,
        progress: RunProgress { n_steps: 40, model_name: "SmolLM2".to_owned(), ..RunProgress::default() },
        folder: PathBuf::from("runs/1"),
        created_at_ms: 5,
        changed_at_ms: 5,
        tags: Vec::new(),
        notes: String::new(),
        trashed_at_ms: None,
    }
}

fn points(steps: std::ops::RangeInclusive<u64>, value: f64) -> Vec<MetricPoint> {
    let series = [Series::TrainLoss, Series::LearningRate];
    steps.flat_map(|step| series.map(|series| MetricPoint { series, step, value, at_ms: 9 })).collect()
}

#[test]
fn runs_are_kept_with_what_was_measured() {
    run(async {
        let mut bench = Bench::new().await;
        let (first, second) = (record("first"), record("second"));
        for run in [&first, &second] {
            let Stored::Run(stored) = bench.store().add_run(run).await.unwrap() else { panic!("a run") };
            assert_eq!(*stored, *run);
        }
        assert!(bench.store().add_run(&first).await.is_err(), "an id is entered once");
        bench.store().add_points(first.id, &points(1..=1200, 2.5)).await.unwrap();
        bench.store().add_points(second.id, &points(1..=3, 1.0)).await.unwrap();
        let nan = MetricPoint { series: Series::GradNorm, step: 1, value: f64::NAN, at_ms: 9 };
        bench.store().add_points(second.id, &[nan]).await.unwrap();
        let progress = RunProgress { step: 1200, best_loss: Some(0.1 + 0.2), ..first.progress.clone() };
        bench.store().update_run(first.id, RunStatus::Paused, &progress).await.unwrap();
        bench.reopen().await;

        let runs = bench.store().runs().await.unwrap();
        let shown: Vec<(&str, RunStatus)> = runs.iter().map(|run| (run.name.as_str(), run.status)).collect();
        let expected = [("second", RunStatus::Interrupted), ("first", RunStatus::Paused)];
        assert_eq!(shown, expected, "newest first; what ran when the program ended says so");
        assert_eq!(runs[1].progress, progress);
        assert_eq!(bench.store().run_points(first.id).await.unwrap().len(), 2400);
        assert_eq!(bench.store().run_points(second.id).await.unwrap().len(), 6);
    });
}

#[test]
fn resuming_replaces_what_was_measured_after_the_checkpoint() {
    run(async {
        let bench = Bench::new().await;
        let run = record("resumed");
        bench.store().add_run(&run).await.unwrap();
        bench.store().add_points(run.id, &points(1..=10, 1.0)).await.unwrap();
        bench.store().drop_points_after(run.id, 6).await.unwrap();
        bench.store().add_points(run.id, &points(6..=8, 2.0)).await.unwrap();
        let kept = bench.store().run_points(run.id).await.unwrap();
        let losses: Vec<(u64, f64)> =
            kept.iter().filter(|p| p.series == Series::TrainLoss).map(|p| (p.step, p.value)).collect();
        let expected = [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 2.0), (7, 2.0), (8, 2.0)];
        assert_eq!(losses, expected);
    });
}

#[test]
fn a_checkpoint_takes_the_place_of_the_one_before() {
    run(async {
        let bench = Bench::new().await;
        let run = record("saved");
        bench.store().add_run(&run).await.unwrap();
        let checkpoint = |kind: CheckpointKind, step| CheckpointRecord {
            run: run.id,
            kind,
            step,
            validation_loss: Some(1.5),
            path: PathBuf::from("runs/1").join(kind.folder()),
            size_bytes: 1000,
            at_ms: 3,
        };
        for (kind, step) in [(CheckpointKind::Last, 2), (CheckpointKind::Best, 4), (CheckpointKind::Last, 4)]
        {
            bench.store().keep_checkpoint(&checkpoint(kind, step)).await.unwrap();
        }
        let kept = bench.store().run_checkpoints(run.id).await.unwrap();
        let kept: Vec<(CheckpointKind, u64)> = kept.iter().map(|c| (c.kind, c.step)).collect();
        assert_eq!(kept, [(CheckpointKind::Last, 4), (CheckpointKind::Best, 4)]);
    });
}

#[test]
fn runs_come_back_from_a_damaged_database() {
    run(async {
        let mut bench = Bench::new().await;
        let run = record("precious");
        bench.store().add_run(&run).await.unwrap();
        // Whole numbers among the values, which SQLite stores as such.
        bench
            .store()
            .add_points(run.id, &[points(1..=50, 3.0), points(51..=90, 0.3)].concat())
            .await
            .unwrap();
        bench.store().update_run(run.id, RunStatus::Done, &run.progress).await.unwrap();
        bench.close().await;
        let mut bytes = std::fs::read(bench.database()).unwrap();
        bytes[..16].fill(b'?');
        std::fs::write(bench.database(), bytes).unwrap();
        bench.open().await;
        assert_eq!(bench.notices.len(), 1);
        let runs = bench.store().runs().await.unwrap();
        assert_eq!((runs.len(), runs[0].status, &runs[0].spec), (1, RunStatus::Done, &run.spec));
        assert_eq!(bench.store().run_points(run.id).await.unwrap().len(), 180);
    });
}

#[test]
fn a_new_name_stays_while_the_run_goes_on() {
    run(async {
        let mut bench = Bench::new().await;
        let one = record("SmolLM2 · tutor");
        bench.store().add_run(&one).await.unwrap();
        let rename = Edit::RenameRun { run: one.id, name: String::from(" 古诗 r16 ") };
        let stored = bench.store().edit(rename).await.unwrap();
        assert!(matches!(&stored[..], [Stored::Run(run)] if run.name == "古诗 r16"));
        let progress = RunProgress { step: 3, ..RunProgress::default() };
        bench.store().update_run(one.id, RunStatus::Paused, &progress).await.unwrap();
        bench.reopen().await;
        let kept = bench.store().run(one.id).await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.progress.step), ("古诗 r16", 3));
        for (id, name, kind) in
            [(one.id, " ", FailureKind::Input), (RunId::mint(), "x", FailureKind::Missing)]
        {
            let edit = Edit::RenameRun { run: id, name: name.to_owned() };
            assert_eq!(bench.store().edit(edit).await.unwrap_err().kind, kind);
        }
    });
}

#[test]
fn tags_notes_and_the_trash_are_kept() {
    run(async {
        let mut bench = Bench::new().await;
        let one = record("tutor");
        bench.store().add_run(&one).await.unwrap();
        let tags = [" poems", "", "keep", "poems"].map(String::from).to_vec();
        let notes = String::from("第一次\n  as typed ");
        bench.store().edit(Edit::SetRunTags { run: one.id, tags }).await.unwrap();
        bench.store().edit(Edit::SetRunNotes { run: one.id, notes: notes.clone() }).await.unwrap();
        let stored = bench.store().edit(Edit::TrashRun(one.id)).await.unwrap();
        assert!(matches!(&stored[..], [Stored::Run(run)] if run.trashed_at_ms.is_some()));
        bench.store().update_run(one.id, RunStatus::Done, &one.progress).await.unwrap();
        bench.reopen().await;
        let kept = bench.store().run(one.id).await.unwrap().unwrap();
        assert_eq!((kept.tags.clone(), &kept.notes), (vec!["poems".to_owned(), "keep".to_owned()], &notes));
        assert!(kept.trashed_at_ms.is_some());
        bench.store().edit(Edit::RestoreRun(one.id)).await.unwrap();
        assert_eq!(bench.store().run(one.id).await.unwrap().unwrap().trashed_at_ms, None);
        for edit in [Edit::TrashRun(RunId::mint()), Edit::SetRunTags { run: RunId::mint(), tags: Vec::new() }]
        {
            assert_eq!(bench.store().edit(edit).await.unwrap_err().kind, FailureKind::Missing);
        }
    });
}
