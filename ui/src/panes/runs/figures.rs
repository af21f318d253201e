//! The figures of a run in a row: step, time, losses, speed, memory.

use crate::model::{Curves, RunState};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight};
use crate::units;
use crate::widgets;
use egui::{Color32, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::train::{RunRecord, Series};

const HEIGHT: f32 = 68.0;
/// Steps that the time left is reckoned from.
const PACE_STEPS: usize = 50;

struct Figure {
    name: String,
    value: String,
    /// Weaker, after the value.
    unit: String,
    ink: Color32,
}

pub fn show(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, state: RunState) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEIGHT));
    let t = cx.theme.tokens;
    let figures = figures(cx, run, state);
    let mut x = rect.left() + 16.0;
    let memory = 216.0;
    for figure in &figures {
        let width = figure_ui(ui, figure, pos2(x, rect.top() + 12.0), rect.right() - 12.0);
        let Some(width) = width else { break };
        x += width + 20.0;
        if x + 8.0 < rect.right() {
            ui.painter().vline(x, rect.shrink2(vec2(0.0, 14.0)).y_range(), Stroke::new(1.0, t.line_soft));
        }
        x += 20.0;
    }
    if x + memory < rect.right() {
        memory_ui(ui, cx, run, Rect::from_min_max(pos2(x, rect.top() + 12.0), rect.max - vec2(16.0, 12.0)));
    }
}

/// Draws a figure if it fits; says how wide it is.
fn figure_ui(ui: &mut Ui, figure: &Figure, at: egui::Pos2, end: f32) -> Option<f32> {
    let t = crate::theme::of(ui).tokens;
    let name = widgets::galley(ui, &figure.name, Type::Hint.font(Weight::Regular), t.text_3);
    let value = widgets::galley(ui, &figure.value, Type::Figure.mono(Weight::Medium), figure.ink);
    let unit = widgets::galley(ui, &figure.unit, Type::Body.mono(Weight::Regular), t.text_3);
    let gap = if figure.unit.is_empty() { 0.0 } else { 8.0 };
    let width = name.size().x.max(value.size().x + gap + unit.size().x);
    if at.x + width > end {
        return None;
    }
    let rect = Rect::from_min_size(at, vec2(width, HEIGHT - 24.0));
    let response = ui.interact(rect, ui.scope_id().with(&figure.name), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Label,
            true,
            format!("{} {} {}", figure.name, figure.value, figure.unit).trim_end(),
        )
    });
    ui.painter().galley(at, name, t.text_3);
    let y = at.y + 20.0;
    let after = at.x + value.size().x + gap;
    let base = y + value.size().y - unit.size().y - 1.0;
    ui.painter().galley(pos2(at.x, y), value, figure.ink);
    ui.painter().galley(pos2(after, base), unit, t.text_3);
    Some(width)
}

fn figures(cx: &PaneCx, run: &RunRecord, state: RunState) -> Vec<Figure> {
    let t = cx.theme.tokens;
    let progress = &run.progress;
    let curves = cx.model.runs.curves(run.id);
    let last = |series| curves.and_then(|curves| curves.last(series));
    let job = cx.model.runs.job(run.id).and_then(|id| cx.model.jobs.get(id));
    let live = job.and_then(|job| job.progress.as_ref()).filter(|_| state == RunState::Running);
    let step = live.map_or(progress.step, |live| live.done.max(progress.step));
    let n_steps = live.and_then(|live| live.total).unwrap_or(progress.n_steps);
    let mut figures = vec![Figure {
        name: cx.t("runs.step"),
        value: units::grouped(step),
        unit: format!("/ {}", units::grouped(n_steps)),
        ink: t.text_1,
    }];
    let secs = last(Series::TrainSecs).map_or(progress.train_secs, |sample| sample.value);
    let left =
        curves.filter(|_| state == RunState::Running).and_then(|curves| left_secs(curves, step, n_steps));
    let (name, secs) = match left {
        Some(left) => ("runs.left", left),
        None => ("runs.took", secs),
    };
    figures.push(plain(cx.t(name), units::duration(cx.language, secs as f32), t.text_1));
    let validation = last(Series::ValidationLoss).map(|sample| sample.value).or(progress.validation_loss);
    if let Some(loss) = validation {
        let best = progress.best_loss.is_none_or(|best| loss <= best);
        let unit = if best { cx.t("runs.best") } else { String::new() };
        let name = cx.t("train.metric.validation_loss");
        figures.push(Figure { name, value: format!("{loss:.3}"), unit, ink: t.series_text[1] });
    }
    if let Some(loss) = last(Series::TrainLoss).map(|sample| sample.value).or(progress.train_loss) {
        figures.push(plain(cx.t("train.metric.train_loss"), format!("{loss:.3}"), t.series_text[0]));
    }
    if let Some(tally) = &progress.last_classes {
        let percent = format!("{:.1}", 100.0 * tally.confusion.accuracy());
        let name = cx.t("train.metric.accuracy");
        figures.push(Figure { name, value: percent, unit: "%".to_owned(), ink: t.text_1 });
    }
    let now = last(Series::TokensPerSec).map(|sample| sample.value).filter(|_| state == RunState::Running);
    let speed = now.unwrap_or(progress.tokens_per_sec);
    if speed > 0.0 {
        figures.push(Figure {
            name: cx.t("runs.speed"),
            value: if speed < 100.0 { format!("{speed:.1}") } else { units::grouped(speed as u64) },
            unit: cx.t("runs.tokens_a_sec"),
            ink: t.text_1,
        });
    }
    figures
}

fn plain(name: String, value: String, ink: Color32) -> Figure {
    Figure { name, value, unit: String::new(), ink }
}

/// Reckoned from the newest steps, so that a pause or a slow start does not count.
fn left_secs(curves: &Curves, step: u64, n_steps: u64) -> Option<f64> {
    let secs = curves.of(Series::TrainSecs);
    let last = secs.last()?;
    let first = secs[secs.len().saturating_sub(PACE_STEPS + 1)];
    let steps = last.step.checked_sub(first.step).filter(|steps| *steps > 0)?;
    let per_step = (last.value - first.value) / steps as f64;
    Some(per_step * n_steps.saturating_sub(step) as f64)
}

fn memory_ui(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, rect: Rect) {
    let t = cx.theme.tokens;
    let curves = cx.model.runs.curves(run.id);
    let live =
        curves.and_then(|curves| curves.last(Series::MemoryBytes)).map_or(0, |sample| sample.value as u64);
    let (peak, limit) = (run.progress.peak_bytes.max(live), cx.model.machine.memory_limit_bytes);
    if peak == 0 || limit == 0 {
        return;
    }
    let words = cx.tf("runs.memory", &[("peak", &units::gib(peak)), ("limit", &units::gib(limit))]);
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("memory").max_rect(rect));
    let held = run.progress.held_bytes;
    child.spacing_mut().item_spacing.y = if held > 0 { 4.0 } else { 8.0 };
    child.label(RichText::new(&words).font(Type::Hint.font(Weight::Regular)).color(t.text_3));
    let fraction = Some((peak as f64 / limit as f64) as f32);
    widgets::progress_bar(&mut child, &words, rect.width(), fraction, t.selected_line);
    if held > 0 {
        let foreseen = run.progress.foreseen_bytes;
        let words =
            cx.tf("runs.memory_held", &[("held", &units::gib(held)), ("foreseen", &units::gib(foreseen))]);
        let ink = if held > foreseen { t.warn } else { t.text_3 };
        child.label(Type::Caption.text(words, ink));
    }
}
