//! How fast is this machine: one button, what it measured, and how that compares with the last time.

use super::{PaneCx, Row, SettingsPane};
use crate::model::{Job, JobKind, Listed};
use crate::theme::{Type, Weight, icons};
use crate::units;
use crate::widgets::{self, Button, Select, Tone};
use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::bench::{
    BenchCase, BenchKind, BenchPlan, BenchRecord, BenchResult, BenchSpec, Ceilings, LeftOut,
};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::{ModelRecord, Precision};
use glassworks_protocol::{JobSpec, Query};
use std::sync::Arc;

pub(super) const ROWS: &[Row] =
    &[Row { label: "settings.bench_model", hint: "settings.bench_hint", draw: bench, wide: true }];

/// A change this small is the machine's mood.
const MOOD: f64 = 0.03;
/// Below this width there is no room for bars.
const BARS_FROM: f32 = 600.0;
const LINE: f32 = 26.0;
/// What the button takes of its row.
const BUTTON: f32 = 148.0;

fn bench(pane: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx) {
    if *cx.model.benches.listed() == Listed::NotAsked {
        cx.fetch(Query::Benches);
    }
    let job = cx.model.jobs.newest(JobKind::Bench).cloned();
    let running = job.as_ref().filter(|job| job.outcome.is_none()).cloned();
    let Some(model) = chosen(pane, cx) else { return };
    ask(pane, ui, cx, &model, running.is_some());
    if let Some(job) = &running {
        ui.add_space(4.0);
        in_progress(ui, cx, job);
    } else if let Some(failure) = job.as_ref().and_then(|job| job.failure()) {
        widgets::failed_line(ui, failure, None);
    }
    let kept = cx.model.benches.kept();
    let live = cx.model.benches.live().filter(|_| running.is_some()).cloned();
    let shown = live.or_else(|| kept.iter().find(|record| is_of(record, &model)).cloned());
    if let Some(record) = shown {
        let before = record.last_time(kept).cloned();
        ui.add_space(8.0);
        report(ui, cx, &record, before.as_deref());
    }
}

/// The model that is measured: the one picked here, else the one that is talked to.
fn chosen(pane: &SettingsPane, cx: &PaneCx) -> Option<Arc<ModelRecord>> {
    let library = &cx.model.library;
    let picked = [pane.bench_model, cx.settings().last_model, library.starter];
    let known = picked.into_iter().flatten().find_map(|id| library.get(id));
    known.or_else(|| library.models().first()).cloned()
}

fn is_of(record: &BenchRecord, model: &ModelRecord) -> bool {
    let hash = &model.card.content_hash;
    if hash.is_empty() { record.model.name == model.name } else { record.model.content_hash == *hash }
}

/// The model, and the button.
fn ask(pane: &mut SettingsPane, ui: &mut Ui, cx: &mut PaneCx, model: &ModelRecord, running: bool) {
    let again = cx.model.benches.kept().iter().any(|record| is_of(record, model));
    let label = cx.t("settings.bench_model");
    widgets::form_row(ui, &label, &cx.t("settings.bench_hint"), |ui| {
        let options: Vec<(ModelId, String)> =
            cx.model.library.models().iter().map(|one| (one.id, one.name.clone())).collect();
        let mut id = model.id;
        let width = (ui.available_width() - BUTTON).clamp(96.0, 200.0);
        if Select::new(&label).width(width).show(ui, &mut id, &options).changed() {
            pane.bench_model = Some(id);
        }
        let words = cx.t(if again { "settings.bench_again" } else { "settings.bench_measure" });
        let off = running.then(|| cx.t("settings.busy")).or_else(|| cx.runs_only(&model.card));
        if Button::control(words).icon(icons::LIGHTNING).off(off).show(ui).clicked() {
            let precision = cx.settings().precision;
            let model = ModelSource::Library(id);
            cx.start(JobSpec::Bench(BenchSpec { model, precision, plan: BenchPlan::Full }));
        }
    });
}

fn in_progress(ui: &mut Ui, cx: &mut PaneCx, job: &Job) {
    let title = cx.render(&job.title);
    let stop = cx.tf("shell.stop_job", &[("name", &title)]);
    if widgets::job_row(ui, &title, job.progress.as_ref(), (!job.stopping).then_some(&stop)) {
        cx.cancel(job.id);
    }
}

fn report(ui: &mut Ui, cx: &PaneCx, record: &BenchRecord, before: Option<&BenchRecord>) {
    widgets::card(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        heading(ui, cx, record);
        if let Some(ceilings) = &record.ceilings {
            widgets::hint(ui, ceilings_line(cx, record, ceilings));
        }
        ui.add_space(4.0);
        let columns = Columns::new(ui.available_width());
        columns.heading(ui, cx, before);
        for result in in_order(record) {
            widgets::divider(ui);
            columns.line(ui, cx, result, before.and_then(|before| record.change(before, result.case)));
        }
        let mut notes: Vec<String> =
            record.left_out.iter().map(|(case, why)| left_out(cx, *case, *why)).collect();
        notes.extend(facts(cx, record));
        if !notes.is_empty() {
            widgets::divider(ui);
            ui.add_space(4.0);
        }
        for note in notes {
            widgets::hint(ui, note);
        }
    });
}

fn left_out(cx: &PaneCx, case: BenchCase, why: LeftOut) -> String {
    let key = match why {
        LeftOut::Memory => "settings.bench_no_room",
        LeftOut::Time => "settings.bench_no_time",
    };
    cx.tf(key, &[("case", &case_name(cx, case))])
}

fn heading(ui: &mut Ui, cx: &PaneCx, record: &BenchRecord) {
    let precision = match record.precision {
        Precision::Exact => "settings.precision_exact",
        Precision::Fast => "settings.precision_fast",
    };
    ui.horizontal_wrapped(|ui| {
        widgets::semibold(ui, &record.model.name);
        widgets::tag(ui, Tone::Plain, &record.model.weight_type);
        widgets::tag(ui, Tone::Plain, cx.t(precision));
        let date = units::date(record.at_ms, cx.utc_offset_secs);
        let clock = units::clock(record.at_ms, cx.utc_offset_secs);
        widgets::hint(ui, format!("{date} {clock} · Glassworks {}", record.version));
    });
}

fn ceilings_line(cx: &PaneCx, record: &BenchRecord, ceilings: &Ceilings) -> String {
    let gb = |per_sec: f64| format!("{:.1}", per_sec / 1e9);
    let gflops = |per_sec: f64| units::grouped((per_sec / 1e9).round() as u64);
    let mut parts = vec![
        cx.tf(
            "settings.bench_threads",
            &[("n", &record.machine.n_threads), ("isa", &isa_name(&record.machine.isa))],
        ),
        cx.tf(
            "settings.bench_memory",
            &[("all", &gb(ceilings.read.median)), ("one", &gb(ceilings.read_one_thread.median))],
        ),
        format!("f32 {} GFLOP/s", gflops(ceilings.f32_flops.median)),
    ];
    parts.extend(ceilings.bf16_flops.map(|bf16| format!("bf16 {} GFLOP/s", gflops(bf16.median))));
    parts.join(" · ")
}

/// As processors are advertised.
fn isa_name(isa: &str) -> String {
    match isa {
        "avx512" => "AVX-512".to_owned(),
        "scalar" => isa.to_owned(),
        _ => isa.to_uppercase(),
    }
}

/// Reading, writing, then several at once; by length.
fn in_order(record: &BenchRecord) -> Vec<&BenchResult> {
    let mut results: Vec<&BenchResult> = record.results.iter().collect();
    results.sort_by_key(|result| {
        let case = result.case;
        (case.batch, case.kind == BenchKind::Decode, case.context)
    });
    results
}

fn case_name(cx: &PaneCx, case: BenchCase) -> String {
    let context = units::grouped(case.context.into());
    match (case.kind, case.batch) {
        (BenchKind::Prefill, _) => cx.tf("job.bench_reading", &[("n", &context)]),
        (BenchKind::Decode, 1) => cx.tf("job.bench_writing", &[("n", &context)]),
        (BenchKind::Decode, batch) => cx.tf("job.bench_batch", &[("n", &batch)]),
    }
}

fn facts(cx: &PaneCx, record: &BenchRecord) -> Option<String> {
    let secs = |secs: f64| units::duration(cx.language, secs as f32);
    let mut parts = Vec::new();
    parts.extend(record.load_secs.map(|s| cx.tf("settings.bench_loaded", &[("time", &secs(s))])));
    parts.extend(record.first_token_secs.map(|s| cx.tf("settings.bench_first", &[("time", &secs(s))])));
    parts.extend(
        record.peak_bytes.map(|bytes| cx.tf("settings.bench_peak", &[("size", &units::memory(bytes))])),
    );
    if record.reserved_bytes > 0 {
        let size = units::memory(record.reserved_bytes);
        parts.push(cx.tf("settings.bench_reserved", &[("size", &size)]));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Where the table's columns are, from its left edge.
struct Columns {
    width: f32,
    /// Right edge of the speeds.
    speed: f32,
    /// Left edge and width of the bars, right edge of the shares; where there is room for them.
    share: Option<(f32, f32, f32)>,
}

impl Columns {
    fn new(width: f32) -> Self {
        // Names come to their end before the speeds begin.
        let speed = (width * 0.44).clamp(240.0, 300.0);
        let (from, to) = (speed + 112.0, width - 132.0);
        Self { width, speed, share: (width >= BARS_FROM).then_some((from, to - 52.0 - from, to)) }
    }

    fn heading(&self, ui: &mut Ui, cx: &PaneCx, before: Option<&BenchRecord>) {
        let t = cx.theme.tokens;
        let rect = self.allocate(ui, None);
        let words = |at: f32, align: Align2, words: String| {
            let font = Type::Caption.font(Weight::Regular);
            ui.painter().text(pos2(rect.left() + at, rect.center().y), align, words, font, t.text_3);
        };
        words(self.speed, Align2::RIGHT_CENTER, cx.t("settings.bench_speed"));
        if let Some((from, ..)) = self.share {
            words(from, Align2::LEFT_CENTER, cx.t("settings.bench_share"));
        }
        if let Some(before) = before {
            let date = units::date(before.at_ms, cx.utc_offset_secs);
            words(self.width, Align2::RIGHT_CENTER, cx.tf("settings.bench_since", &[("date", &date)]));
        }
    }

    fn line(&self, ui: &mut Ui, cx: &PaneCx, result: &BenchResult, change: Option<f64>) {
        let t = cx.theme.tokens;
        let name = case_name(cx, result.case);
        let speed = number(result.tokens_per_sec.median);
        let share = result.share.map(percent);
        let change = change.map(|change| (signed_percent(change), change_ink(cx, change)));
        let parts = [
            Some(cx.tf("shell.per_sec", &[("n", &speed), ("unit", &cx.t("shell.unit_tokens"))])),
            share.as_ref().map(|share| cx.tf("settings.bench_of_ceiling", &[("share", share)])),
            change.as_ref().map(|(words, _)| words.clone()),
        ];
        let told: Vec<String> = parts.into_iter().flatten().collect();
        let rect = self.allocate(ui, Some(format!("{name}: {}", told.join(", "))));
        let y = rect.center().y;
        let put = |at: f32, align: Align2, words: &str, font: egui::FontId, ink: Color32| {
            ui.painter().text(pos2(rect.left() + at, y), align, words, font, ink);
        };
        let mono = Type::Hint.mono(Weight::Regular);
        put(0.0, Align2::LEFT_CENTER, &name, Type::Body.font(Weight::Regular), t.text_1);
        put(self.speed, Align2::RIGHT_CENTER, &speed, Type::Body.mono(Weight::Medium), t.text_1);
        let beside = match result.case.batch {
            1 => format!("± {}", percent(result.tokens_per_sec.spread())),
            batch => format!("{batch} × {}", number(result.per_sequence())),
        };
        put(self.speed + 10.0, Align2::LEFT_CENTER, &beside, mono.clone(), t.text_3);
        if let (Some((from, width, to)), Some(share)) = (self.share, result.share) {
            put(to, Align2::RIGHT_CENTER, &percent(share), mono.clone(), t.text_2);
            let left = rect.left() + from;
            let bar = Rect::from_min_max(pos2(left, y - 2.0), pos2(left + width, y + 2.0));
            ui.painter().rect_filled(bar, 2.0, t.hatch);
            let part = width * share.clamp(0.0, 1.0) as f32;
            let ink = t.series[usize::from(result.case.kind == BenchKind::Prefill)];
            ui.painter().rect_filled(bar.with_max_x(left + part), 2.0, ink);
        }
        if let Some((words, ink)) = change {
            put(self.width, Align2::RIGHT_CENTER, &words, mono, ink);
        }
    }

    /// A line's place; `told` is what it says to who can't see it.
    fn allocate(&self, ui: &mut Ui, told: Option<String>) -> Rect {
        let (rect, response) = ui.allocate_exact_size(vec2(self.width, LINE), Sense::hover());
        if let Some(told) = told {
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
        }
        rect
    }
}

fn change_ink(cx: &PaneCx, change: f64) -> Color32 {
    let t = cx.theme.tokens;
    match change {
        c if c > MOOD => t.ok,
        c if c < -MOOD => t.danger,
        _ => t.text_3,
    }
}

fn number(speed: f64) -> String {
    if speed < 100.0 { format!("{speed:.1}") } else { units::grouped(speed.round() as u64) }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn signed_percent(part: f64) -> String {
    let whole = (part * 100.0).round();
    let sign = if whole < 0.0 { "−" } else { "+" };
    if whole == 0.0 { "± 0 %".to_owned() } else { format!("{sign}{:.0} %", whole.abs()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([number(7.96), number(99.94), number(1432.4)], ["8.0", "99.9", "1,432"]);
        assert_eq!([0.031, -0.12, 0.0049, -0.004].map(signed_percent), ["+3 %", "−12 %", "± 0 %", "± 0 %"]);
        assert_eq!(percent(0.614), "61 %");
    }
}
