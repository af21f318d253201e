//! Replies read again: under the model that wrote them, under one with another vocabulary, stopped, and refused.

use glassworks_protocol::generate::{
    GenerateSpec, ModelSource, Overflow, Prompt, Reply, SamplingPreset, SamplingSpec,
};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::score::{ScoreReport, ScoreSpec, apart, stretches};
use glassworks_protocol::{Command, Event, FailureKind, JobOutput, JobSpec, Outcome};
use glassworks_tests_engine::{Lab, config, fixtures, long_winded};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PROMPT: &str = "Alice looked at the";

fn ask(model: &ModelSource, precision: Precision, n: u32) -> GenerateSpec {
    GenerateSpec {
        model: model.clone(),
        adapter: None,
        tuned: None,
        prompt: Prompt::Text(PROMPT.to_owned()),
        sampling: SamplingSpec { max_new_tokens: n, ..SamplingPreset::Steady.spec() },
        precision,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    }
}

fn read(model: &ModelSource, asked: &GenerateSpec, reply: &Reply) -> ScoreSpec {
    ScoreSpec {
        model: model.clone(),
        tuned: None,
        prompt: asked.prompt.clone(),
        reply: reply.tokens.iter().map(|token| (token.id, token.text.clone())).collect(),
        precision: Precision::Exact,
        max_new_tokens: asked.sampling.max_new_tokens,
        at_ms: 0,
    }
}

fn score(lab: &mut Lab, spec: ScoreSpec) -> Arc<ScoreReport> {
    match lab.done(JobSpec::Score(Box::new(spec))) {
        JobOutput::Scored(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_under_its_own_model_is_as_likely_as_when_it_was_written() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let asked = ask(&model, Precision::Exact, 40);
    let reply = lab.reply(asked.clone());
    let report = score(&mut lab, read(&model, &asked, &reply));
    assert!(report.same_tokens && report.precision == Precision::Exact);
    assert_eq!((report.n_prompt, report.n_dropped), (reply.stats.n_prompt, 0));
    assert_eq!(report.tokens.len(), reply.tokens.len());
    for (written, read) in reply.tokens.iter().zip(&report.tokens) {
        assert_eq!((written.id, &written.text, written.rank), (read.id, &read.text, read.rank));
        assert!((written.logprob - read.logprob).abs() < 1e-4, "{} {}", written.logprob, read.logprob);
        assert!((written.entropy - read.entropy).abs() < 1e-3);
        assert!((read.sampled_prob - read.logprob.exp()).abs() < 1e-5, "nothing is filtered");
        assert_eq!(read.top.len(), 20);
    }
    let all = stretches(&reply.tokens, &report.tokens);
    assert_eq!(all.len(), reply.tokens.len());
    assert!(all.iter().all(|stretch| stretch.delta().abs() < 1e-4));
    lab.close();
}

#[test]
fn what_was_written_fast_is_checked_exactly() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let asked = ask(&model, Precision::Fast, 40);
    let fast = lab.reply(asked.clone());
    let report = score(&mut lab, read(&model, &asked, &fast));
    let (mean, most) = apart(&fast.tokens, &report.tokens);
    eprintln!("Fast and Exact are {mean:.5} nats apart, {most:.5} at most");
    assert!(mean < 0.02 && most < 0.2, "{mean} {most}");
    // Read in Exact it is what Exact would have written the same words with.
    let exact = lab.reply(ask(&model, Precision::Exact, 40));
    if exact.text == fast.text {
        assert!(apart(&exact.tokens, &report.tokens).1 < 1e-4);
    }
    lab.close();
}

#[test]
fn a_model_of_another_vocabulary_reads_the_same_words() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let asked = ask(&model, Precision::Exact, 24);
    let reply = lab.reply(asked.clone());
    for name in ["llama-gqa", "llama-mha-sharded", "gemma3-local"] {
        let other = ModelSource::Path(fixtures().join(name));
        let report = score(&mut lab, read(&other, &asked, &reply));
        assert!(!report.same_tokens, "{name}");
        let text: String = report.tokens.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(text, reply.text, "{name}");
        assert!(report.tokens.iter().all(|token| token.logprob < 0.0 && token.logprob.is_finite()));
        let all = stretches(&reply.tokens, &report.tokens);
        let covered: String =
            all.iter().flat_map(|s| &reply.tokens[s.one.clone()]).map(|token| token.text.as_str()).collect();
        assert_eq!(covered, reply.text, "{name}: all of the text is compared");
    }
    lab.close();
}

#[test]
fn reading_is_stopped_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = ModelSource::Path(long_winded(home.path()));
    let short = lab.reply(ask(&model, Precision::Exact, 8));
    let long: Vec<(u32, String)> =
        short.tokens.iter().map(|token| (token.id, token.text.clone())).cycle().take(12_000).collect();
    let spec = ScoreSpec { reply: long, ..read(&model, &ask(&model, Precision::Exact, 8), &short) };
    let job = lab.start(JobSpec::Score(Box::new(spec)));
    lab.until("progress", |event| match event {
        Event::Progress(of, progress) => (*of == job && progress.stage.key == "job.scoring").then_some(()),
        _ => None,
    });
    let asked = Instant::now();
    lab.send(Command::Cancel(job));
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    lab.close();
}

#[test]
fn what_does_not_fit_is_refused_with_a_way_on() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let starter = lab.starter();
    let asked = ask(&starter, Precision::Exact, 8);
    let reply = lab.reply(asked.clone());
    // Longer than the model can read at all.
    let long = read(&starter, &asked, &reply).reply.into_iter().cycle().take(600).collect();
    let spec = ScoreSpec { reply: long, ..read(&starter, &asked, &reply) };
    let refused = lab.fails(JobSpec::Score(Box::new(spec)));
    assert_eq!((refused.kind, &*refused.summary.key), (FailureKind::Input, "failure.too_long"));
    assert!(refused.hint.is_some());
    let empty = ScoreSpec { reply: Vec::new(), ..read(&starter, &asked, &reply) };
    assert_eq!(lab.fails(JobSpec::Score(Box::new(empty))).kind, FailureKind::Input);
    let spec = read(&ModelSource::Path(long_winded(home.path())), &asked, &reply);
    lab.close();

    // The weights have room, what reading takes has none.
    let mut small = config(home.path());
    small.memory_limit_bytes = Some(9_000_000);
    let mut lab = Lab::with(small).expect("the engine starts");
    let long = spec.reply.iter().cloned().cycle().take(8_000).collect();
    let refused = lab.fails(JobSpec::Score(Box::new(ScoreSpec { reply: long, ..spec })));
    assert_eq!(refused.kind, FailureKind::Memory, "{refused}");
    assert!(refused.hint.is_some());
    lab.close();
}
