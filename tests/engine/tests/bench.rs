//! The benchmark through the seam: told as it comes, kept, stopped, refused.

use glassworks_engine::{EngineConfig, Mode};
use glassworks_protocol::bench::{BenchCase, BenchKind, BenchPlan, BenchRecord, BenchSpec, LeftOut};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::model::Precision;
use glassworks_protocol::{
    Command, Event, FailureKind, JobOutput, JobSpec, Outcome, Page, Partial, Query, Stored,
};
use glassworks_tests_engine::{Lab, config, long_winded};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn spec(model: ModelSource, plan: BenchPlan) -> JobSpec {
    JobSpec::Bench(BenchSpec { model, precision: Precision::Exact, plan })
}

fn kept(lab: &mut Lab) -> Vec<Arc<BenchRecord>> {
    match lab.fetch(Query::Benches).expect("an answer") {
        Page::Benches(kept) => kept,
        other => panic!("{other:?}"),
    }
}

fn decode(batch: u32, context: u32) -> BenchCase {
    BenchCase { kind: BenchKind::Decode, batch, context }
}

fn prefill(context: u32) -> BenchCase {
    BenchCase { kind: BenchKind::Prefill, batch: 1, context }
}

#[test]
fn a_benchmark_is_told_as_it_comes_and_kept() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let job = lab.start(spec(lab.starter(), BenchPlan::Quick));
    let (mut outcome, mut partial, mut stages, mut stored) = (None, None, Vec::new(), None);
    while outcome.is_none() {
        lab.until("any event", |event| {
            match event {
                Event::Partial(j, Partial::Bench(record)) if *j == job => partial = Some(Arc::clone(record)),
                Event::Progress(j, progress) if *j == job => stages.push(progress.stage.key.to_string()),
                Event::Stored(Stored::Bench(record)) => stored = Some(Arc::clone(record)),
                Event::Settled(j, o) if *j == job => outcome = Some(o.clone()),
                _ => {}
            }
            Some(())
        });
    }
    let Some(Outcome::Done(JobOutput::Benched(record))) = outcome else { panic!("{outcome:?}") };
    assert_eq!(stored.as_ref(), Some(&record), "on disk before it has settled");
    let partial = partial.expect("something was told before the end");
    assert_eq!(partial.results, record.results[..partial.results.len()]);
    assert!(stages.iter().any(|stage| stage.starts_with("job.bench_")), "{stages:?}");

    let cases: Vec<BenchCase> = record.results.iter().map(|result| result.case).collect();
    assert_eq!(cases, [prefill(112), decode(1, 112), decode(4, 112)], "all that its context holds");
    for result in &record.results {
        let speed = result.tokens_per_sec;
        assert!(speed.least > 0.0 && speed.least <= speed.median && speed.median <= speed.most, "{result:?}");
        assert!(speed.n_runs >= 1 && result.share.is_some_and(|share| share > 0.0), "{result:?}");
    }
    let ceilings = record.ceilings.as_ref().expect("the processor computes");
    assert!(ceilings.read.median > 0.0 && ceilings.f32_flops.median > 0.0);
    assert_eq!(record.machine.processor, lab.engine.start.machine.processor);
    assert_eq!(record.machine.n_threads, lab.engine.start.machine.n_threads);
    assert!(["scalar", "avx2", "avx512", "amx"].contains(&record.machine.isa.as_str()));
    assert_eq!((record.model.content_hash.len(), record.version.as_str()), (64, "0.0.0-test"));
    assert!(record.load_secs.is_some_and(|secs| secs > 0.0), "it was not in memory");
    assert!(record.first_token_secs.is_some_and(|secs| secs > 0.0));
    assert!(record.reserved_bytes > record.model.size_bytes / 2, "weights and caches");
    if cfg!(target_os = "linux") {
        assert!(record.peak_bytes.is_some_and(|bytes| bytes > record.model.size_bytes));
    }

    let JobOutput::Benched(again) = lab.done(spec(lab.starter(), BenchPlan::Quick)) else {
        panic!("measured")
    };
    assert_eq!(again.load_secs, None, "it is in memory by now");
    lab.close();
    let mut lab = Lab::open(home.path());
    let kept = kept(&mut lab);
    assert_eq!(kept, [Arc::clone(&again), Arc::clone(&record)]);
    assert_eq!(again.last_time(&kept), Some(&record));
    assert!(again.change(&record, decode(1, 112)).is_some());
    lab.close();
}

/// The share is bytes a token takes, by the speed, of what memory was measured to do; checked from the outside.
#[test]
fn the_share_is_of_what_a_token_cannot_do_without() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let plan = BenchPlan::One { n_prompt: Some(64), n_new: Some(8), batch: Some(2) };
    let JobOutput::Benched(record) = lab.done(spec(lab.starter(), plan)) else { panic!("measured") };
    assert_eq!(record.results.iter().map(|r| r.case).collect::<Vec<_>>(), [prefill(64), decode(2, 64)]);
    let card = lab.engine.start.models.iter().find(|model| model.starter).expect("the starter").card.clone();
    let write = &record.results[1];
    let share = write.share.expect("the processor computes");
    let steps_per_sec = write.tokens_per_sec.median / 2.0;
    let bytes = share * record.ceilings.expect("measured").read.median / steps_per_sec;
    // Embedding rows are looked up, not read, unless they are the unembedding too; norms are next to nothing. Keys
    // and values of two sequences come on top.
    let weights = card.n_params as f64 * 4.0;
    assert!((weights * 0.5..weights * 1.5).contains(&bytes), "{bytes} of {weights}");
    lab.close();
}

#[test]
fn stopping_is_quick_and_keeps_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = ModelSource::Path(long_winded(home.path()));
    let plan = BenchPlan::One { n_prompt: Some(16), n_new: Some(16_000), batch: Some(2) };
    let job = lab.start(spec(model, plan));
    lab.until("the first case", |e| {
        matches!(e, Event::Partial(j, Partial::Bench(_)) if *j == job).then_some(())
    });
    let asked = Instant::now();
    lab.send(Command::Cancel(job));
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(kept(&mut lab), []);
    let Page::Memory(memory) = lab.fetch(Query::Memory).expect("an answer") else { panic!("memory") };
    assert!(memory.reserved_bytes < 100 << 20, "caches are given back: {memory:?}");
    lab.close();
}

#[test]
fn what_does_not_fit_is_refused_or_left_out() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let long = BenchPlan::One { n_prompt: Some(4096), n_new: Some(1), batch: None };
    let failure = lab.fails(spec(lab.starter(), long));
    assert_eq!((failure.kind, failure.summary.key.as_ref()), (FailureKind::Input, "failure.bench_context"));
    let nowhere = ModelSource::Path(home.path().join("none.gguf"));
    assert_eq!(lab.fails(spec(nowhere, BenchPlan::Quick)).kind, FailureKind::Missing);
    assert_eq!(kept(&mut lab), []);

    // A thousand sequences of 16,000 positions: more than any machine's memory holds.
    let model = ModelSource::Path(long_winded(home.path()));
    let many = BenchPlan::One { n_prompt: Some(16), n_new: Some(16_000), batch: Some(1_000_000) };
    let JobOutput::Benched(record) = lab.done(spec(model, many)) else { panic!("measured") };
    assert_eq!(record.results.iter().map(|r| r.case).collect::<Vec<_>>(), [prefill(16)]);
    assert_eq!(record.left_out, [(decode(1_000_000, 16), LeftOut::Memory)]);
    lab.close();
}

#[test]
fn a_reader_measures_beside_a_writer_and_keeps_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let mut writer = Lab::open(home.path());
    let model = writer.starter();
    let mut reader =
        Lab::with(EngineConfig { mode: Mode::Reader, ..config(home.path()) }).expect("beside the writer");
    let plan = BenchPlan::One { n_prompt: Some(8), n_new: Some(4), batch: None };
    assert!(matches!(reader.done(spec(model, plan)), JobOutput::Benched(_)));
    assert_eq!(kept(&mut writer), []);
    reader.close();
    writer.close();
}
