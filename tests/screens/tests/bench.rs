//! "How fast is this machine", in the settings: nothing yet, measuring, measured, failed; in both languages.

use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::bench::{
    BenchCase, BenchKind, BenchMachine, BenchModel, BenchPlan, BenchRecord, BenchResult, BenchSpec, Ceilings,
    LeftOut, Measured,
};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{BenchId, JobId};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::model::Precision;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{
    Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Page, Partial, Progress, Query,
    Stored, Unit,
};
use glassworks_tests_screens::{NOW_MS, Queryable, Window, fixtures};
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;

fn start(language: Language, theme: ThemeChoice) -> StartReport {
    let mut start = fixtures::start_on("settings");
    start.settings.language = Some(language);
    start.settings.theme = theme;
    start.settings.last_model = Some(start.models[1].id);
    Arc::make_mut(&mut start.models[0]).card.content_hash = "cd".repeat(32);
    start
}

/// The settings with only this section left, so that all of it is in sight.
fn open(start: StartReport, width: f32, height: f32) -> Window {
    let language = start.settings.language.unwrap_or_default();
    let mut window = Window::sized(start, width, height, 1.0);
    window.harness.get_by_role_and_label(Role::TextInput, language.get("settings.search")).focus();
    window.run();
    window.type_text(language.get("settings.bench"));
    window
}

fn english() -> Window {
    open(start(Language::English, ThemeChoice::Dark), 1440.0, 900.0)
}

fn measured(median: f64) -> Measured {
    Measured { median, least: median * 0.98, most: median * 1.02, n_runs: 5 }
}

fn case(kind: BenchKind, batch: u32, context: u32) -> BenchCase {
    BenchCase { kind, batch, context }
}

/// What a machine of the usual kind says; `faster` than usual by this factor.
fn record(days_ago: i64, faster: f64) -> Arc<BenchRecord> {
    let result = |kind, batch, context, speed: f64, share: f64| BenchResult {
        case: case(kind, batch, context),
        n_tokens: 32,
        tokens_per_sec: measured(speed * faster),
        share: Some(share * faster),
        peak_bytes: Some(310 << 20),
    };
    Arc::new(BenchRecord {
        id: BenchId::mint(),
        at_ms: NOW_MS - days_ago * DAY_MS,
        version: "0.1.0".to_owned(),
        machine: BenchMachine {
            processor: "Example Processor 9000".to_owned(),
            n_cores: 16,
            n_threads: 16,
            isa: "amx".to_owned(),
            device: "CPU".to_owned(),
        },
        model: BenchModel {
            name: "SmolLM2-135M-Instruct".to_owned(),
            content_hash: "ab".repeat(32),
            weight_type: "Q4_1".to_owned(),
            n_params: 134_515_008,
            size_bytes: 98_000_000,
        },
        precision: Precision::Fast,
        ceilings: Some(Ceilings {
            read_one_thread: measured(14.2e9),
            read: measured(27.1e9),
            f32_flops: measured(391e9),
            bf16_flops: Some(measured(1.12e12)),
        }),
        load_secs: Some(0.31),
        first_token_secs: Some(0.08),
        peak_bytes: Some(310 << 20),
        reserved_bytes: 290 << 20,
        results: vec![
            result(BenchKind::Prefill, 1, 128, 1432.0, 0.34),
            result(BenchKind::Decode, 1, 128, 242.0, 0.86),
            result(BenchKind::Decode, 4, 128, 640.0, 0.62),
            result(BenchKind::Decode, 16, 128, 1180.0, 0.31),
            result(BenchKind::Prefill, 1, 1024, 1290.0, 0.33),
            result(BenchKind::Decode, 1, 1024, 198.0, 0.9),
        ],
        left_out: vec![(case(BenchKind::Prefill, 1, 4096), LeftOut::Time)],
    })
}

/// Answers the window's question about what is kept.
fn answer(window: &mut Window, kept: &[Arc<BenchRecord>]) {
    let asked = window.commands().into_iter().find_map(|command| match command {
        Command::Fetch(id, Query::Benches) => Some(id),
        _ => None,
    });
    window.tell(Event::Fetched(asked.expect("it asks what is kept"), Page::Benches(kept.to_vec())));
}

fn begun(window: &mut Window) -> (JobId, BenchSpec) {
    let commands = window.commands();
    let newest = commands.iter().rev().find_map(|command| match command {
        Command::Start(id, JobSpec::Bench(spec)) => Some((*id, spec.clone())),
        _ => None,
    });
    newest.unwrap_or_else(|| panic!("{commands:?}"))
}

fn stage() -> Progress {
    let stage = Text::new("job.bench_writing").arg("n", 1024);
    Progress { stage, done: 5, total: Some(9), unit: Unit::Steps, per_sec: None }
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut window = open(start(language, ThemeChoice::Dark), 1440.0, 900.0);
        answer(&mut window, &[]);
        assert!(window.shows(&say("settings.bench")) && window.shows(&say("settings.bench_hint")));
        assert!(!window.shows(&say("settings.bench_again")));
        window.click(&say("settings.bench_measure"));
        let (job, _) = begun(&mut window);
        window.tell(Event::Progress(job, stage()));
        let title = language.format("job.title_bench", &[("name", &"SmolLM2-135M-Instruct")]);
        let bars = window.harness.get_all_by_role_and_label(Role::ProgressIndicator, &title);
        assert_eq!(bars.count(), 2, "in the pane and in the status bar");
        let failure = Failure::new(FailureKind::Memory, Text::new("failure.disk_full"))
            .hint(Text::new("failure.disk_full_hint"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.disk_full")) && window.shows(&say("failure.disk_full_hint")));
        window.tell(Event::Stored(Stored::Bench(record(0, 1.0))));
        assert!(window.shows(&say("settings.bench_again")) && !window.shows(&say("settings.bench_measure")));
        let reading = language.format("job.bench_reading", &[("n", &"1,024")]);
        assert!(window.shows_part(&reading) && window.shows_part("GFLOP/s"));
        let left_out = language.format("job.bench_reading", &[("n", &"4,096")]);
        assert!(window.shows(&language.format("settings.bench_no_time", &[("case", &left_out)])));
    }
}

#[test]
fn measuring_asks_for_the_chosen_model_shows_what_comes_and_stops() {
    let mut window = english();
    answer(&mut window, &[]);
    window.click("Measure");
    let (job, spec) = begun(&mut window);
    let chosen = window.harness.state().model().library.models()[1].id;
    let expected =
        BenchSpec { model: ModelSource::Library(chosen), precision: Precision::Fast, plan: BenchPlan::Full };
    assert_eq!(spec, expected);
    window.tell(Event::Progress(job, stage()));
    assert!(window.shows("Writing after 1024 tokens"), "what is measured now");
    let mut partial = record(0, 1.0);
    Arc::make_mut(&mut partial).results.truncate(1);
    window.tell(Event::Partial(job, Partial::Bench(partial)));
    assert!(window.shows("Reading 128 tokens: 1,432 tokens/s, 34 % of what the machine can do"));
    assert!(!window.shows_part("Writing after 128 tokens"));
    window.click("Measure");
    assert!(window.commands().is_empty(), "one at a time");
    // The status bar has one too.
    let stops = window.harness.query_all_by_label("Stop: Measuring the speed of SmolLM2-135M-Instruct");
    stops.last().expect("a way to stop it").click();
    assert!(window.commands().contains(&Command::Cancel(job)));
    window.tell(Event::Settled(job, Outcome::Cancelled));
    assert!(!window.shows_part("Reading 128 tokens"), "half of it counts for nothing");

    window.click("Measure with: SmolLM2-135M-Instruct");
    window.click("Starter");
    window.click("Measure");
    let starter = window.harness.state().model().library.models()[0].id;
    assert_eq!(begun(&mut window).1.model, ModelSource::Library(starter));
}

#[test]
fn what_was_measured_is_compared_with_the_last_time_like_it() {
    let mut window = english();
    let mut elsewhere = record(1, 9.0);
    Arc::make_mut(&mut elsewhere).machine.isa = "avx2".to_owned();
    answer(&mut window, &[elsewhere, record(3, 0.8)]);
    let job = fixtures::run_job(
        &mut window,
        JobSpec::Bench(BenchSpec {
            model: ModelSource::Path("/models/x".into()),
            precision: Precision::Fast,
            plan: BenchPlan::Full,
        }),
    );
    let now = record(0, 1.0);
    window.tell(Event::Stored(Stored::Bench(Arc::clone(&now))));
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Benched(now))));
    assert!(window.shows("Writing after 128 tokens: 242 tokens/s, 86 % of what the machine can do, +25 %"));
    assert!(window.shows_part("2026-11-21 12:00 · Glassworks 0.1.0"));
    assert!(window.shows_part("16 threads, AMX · memory 27.1 GB/s, 14.2 with one thread · f32 391 GFLOP/s"));
    assert!(
        window.shows(
            "Loaded in 0.3 s · first token after 0.1 s · 310 MiB of memory at most · 290 MiB reserved"
        )
    );
    // What another model did is not shown as this one's.
    window.click("Measure with: SmolLM2-135M-Instruct");
    window.click("Starter");
    assert!(window.shows("Measure") && !window.shows_part("Writing after"));
}

#[test]
fn the_list_of_jobs_says_how_fast_it_was() {
    let mut window = Window::new(fixtures::start_on("jobs"));
    let spec = BenchSpec {
        model: ModelSource::Path("/models/x.gguf".into()),
        precision: Precision::Exact,
        plan: BenchPlan::Quick,
    };
    let job = fixtures::run_job(&mut window, JobSpec::Bench(spec));
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Benched(record(0, 1.0)))));
    assert!(window.shows("Measuring the speed of x.gguf") && window.shows("writes 242.0 tokens/s"));
}

#[test]
fn pictures_of_how_fast_it_is() {
    let mut all = SnapshotResults::new();
    let mut window = english();
    answer(&mut window, &[record(0, 1.0), record(9, 0.93)]);
    window.picture(&mut all, "bench_dark");

    let mut window = open(start(Language::Chinese, ThemeChoice::Light), 1024.0, 700.0);
    answer(&mut window, &[record(0, 0.9), record(9, 1.0)]);
    window.picture(&mut all, "bench_light_chinese_narrow");

    // Beside another pane.
    let mut side = start(Language::English, ThemeChoice::Light);
    side.settings.layout = Some(serde_json::json!({ "slots": ["settings", "jobs"] }));
    let mut window = open(side, 1024.0, 700.0);
    answer(&mut window, &[record(0, 1.0), record(9, 0.93)]);
    window.picture(&mut all, "bench_beside");

    let mut window = english();
    answer(&mut window, &[]);
    window.click("Measure");
    let (job, _) = begun(&mut window);
    window.tell(Event::Progress(job, stage()));
    let mut partial = record(0, 1.0);
    Arc::make_mut(&mut partial).results.truncate(4);
    Arc::make_mut(&mut partial).left_out.clear();
    window.tell(Event::Partial(job, Partial::Bench(partial)));
    window.picture(&mut all, "bench_measuring");
}
