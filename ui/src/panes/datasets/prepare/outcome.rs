//! What a change would do, or did: counts in a sentence, splits as a bar, rows before and after.

use super::samples;
use super::trial::{Answer, Question, Told, Trial};
use crate::model::Job;
use crate::panes::PaneCx;
use crate::panes::datasets::overview;
use crate::theme::{Type, icon_font, icons, size};
use crate::units;
use crate::widgets::{self, icon_button};
use egui::{RichText, Ui, vec2};
use glassworks_protocol::datasets::transform::TransformReport;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, Progress};
use std::time::Duration;

/// Nothing is said of what takes no longer.
const QUICK_MS: i64 = 300;

/// What is drawn below or beside a form.
pub struct Preview<'a> {
    pub trial: &'a Trial,
    pub wanted: Option<&'a Question>,
    /// Said while nothing has been looked at.
    pub hint: String,
    /// What is already told beside a field.
    pub told_elsewhere: bool,
    pub with_splits: bool,
}

/// Says whether a person wants it stopped.
pub fn preview(ui: &mut Ui, cx: &PaneCx, preview: &Preview) -> bool {
    match preview.trial.answer(cx, preview.wanted) {
        Answer::Working(job) => {
            let name = cx.t("datasets.prepare_looking");
            let young = cx.now_ms - job.started_at_ms < QUICK_MS && job.progress.is_none();
            let stop = match young {
                // What is over at once is not announced.
                true if preview.trial.last().is_some() => {
                    ui.ctx().request_repaint_after(Duration::from_millis(QUICK_MS as u64));
                    false
                }
                _ => working(ui, cx, &name, &job),
            };
            if let Some(told) = preview.trial.last() {
                known(ui, cx, told, preview.with_splits, true);
            }
            stop
        }
        Answer::Failed(failure) => {
            if !preview.told_elsewhere {
                failed(ui, failure);
            }
            false
        }
        Answer::Known(told) => {
            known(ui, cx, told, preview.with_splits, false);
            false
        }
        Answer::None => {
            match preview.trial.last().filter(|_| preview.wanted.is_some()) {
                // Another answer is on its way, or one only has to press.
                Some(told) => known(ui, cx, told, preview.with_splits, true),
                None => drop(widgets::hint(ui, preview.hint.as_str())),
            }
            false
        }
    }
}

pub fn failed(ui: &mut Ui, failure: &Failure) {
    widgets::failed_line(ui, failure, None);
}

/// A bar and its numbers; says whether Stop was pressed.
pub fn working(ui: &mut Ui, cx: &PaneCx, name: &str, job: &Job) -> bool {
    let t = cx.theme.tokens;
    let mut stop = false;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 40.0).clamp(60.0, 360.0);
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 4.0;
            let fraction = job.progress.as_ref().and_then(Progress::fraction);
            let words = job.progress.as_ref().map(|progress| units::progress(cx.language, progress));
            widgets::hint(ui, words.unwrap_or_else(|| name.to_owned()));
            widgets::progress_bar(ui, name, width, fraction, t.warm);
        });
        stop = icon_button(ui, icons::STOP, cx.t("shell.stop")).clicked();
    });
    stop
}

fn known(ui: &mut Ui, cx: &PaneCx, known: &Told, with_splits: bool, faded: bool) {
    let report = &known.report;
    let t = cx.theme.tokens;
    ui.scope(|ui| {
        if faded {
            ui.set_opacity(0.55);
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let (icon, ink) =
                if is_something(report) { (icons::INFO, t.accent) } else { (icons::CHECK_CIRCLE, t.ok) };
            ui.label(RichText::new(icon).font(icon_font(size::ICON, false)).color(ink));
            ui.label(Type::Body.semibold(cx.render(&told(cx, report)), t.text_1));
            let n = units::grouped(report.n_looked_at);
            ui.label(Type::Hint.text(cx.tf("datasets.prepare_of_rows", &[("n", &n)]), t.text_3));
        });
        if report.n_same > 0 {
            let n = units::grouped(report.n_same);
            widgets::hint(ui, cx.tf("datasets.prepare_same", &[("n", &n)]));
        }
        if with_splits {
            splits(ui, cx, report);
        }
    });
    if !known.samples.is_empty() {
        let words = match known.samples.len() {
            1 => cx.t("datasets.prepare_first_row"),
            n => cx.tf("datasets.prepare_first_rows", &[("n", &n)]),
        };
        widgets::hint(ui, words);
        samples::samples_ui(ui, cx, &known.samples, faded);
    }
}

/// The sides as they would be.
fn splits(ui: &mut Ui, cx: &PaneCx, report: &TransformReport) {
    let t = cx.theme.tokens;
    let parts: Vec<_> = overview::PLACES
        .into_iter()
        .zip(report.n_by_split)
        .map(|(split, n)| (overview::split_color(&t, split), n))
        .collect();
    let width = ui.available_width();
    overview::bar(ui, &cx.t("datasets.splits"), width, &parts);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(14.0, 4.0);
        ui.spacing_mut().interact_size.y = 16.0;
        for (split, n) in overview::PLACES.into_iter().zip(report.n_by_split).filter(|(_, n)| *n > 0) {
            let (color, words) = (overview::split_color(&t, split), overview::split_name(cx, split));
            overview::legend(ui, color, &words, &units::grouped(n));
        }
    });
}

/// Whether anything changes at all.
pub fn is_something(report: &TransformReport) -> bool {
    report.n_changed + report.n_removed + report.n_added + report.n_moved > 0
}

/// `Would change 214 rows, remove 12`, or `Done: 214 rows changed, 12 removed`.
pub fn told(cx: &PaneCx, report: &TransformReport) -> Text {
    let keys = match report.applied {
        false => [
            "datasets.prepare_would_change",
            "datasets.prepare_would_remove",
            "datasets.prepare_would_add",
            "datasets.prepare_would_move",
        ],
        true => [
            "datasets.prepare_did_change",
            "datasets.prepare_did_remove",
            "datasets.prepare_did_add",
            "datasets.prepare_did_move",
        ],
    };
    let numbers = [report.n_changed, report.n_removed, report.n_added, report.n_moved];
    let part = |(key, n): (&str, u64)| match n {
        1 => cx.t(&format!("{key}_one")),
        n => cx.tf(key, &[("n", &units::grouped(n))]),
    };
    let parts: Vec<String> = keys.into_iter().zip(numbers).filter(|(_, n)| *n > 0).map(part).collect();
    let parts = parts.join(&cx.t("finetune.comma"));
    match (parts.is_empty(), report.applied) {
        (true, false) => Text::new("datasets.prepare_would_nothing"),
        (true, true) => Text::new("datasets.prepare_did_nothing"),
        (false, false) => Text::new("datasets.prepare_would").arg("parts", parts),
        (false, true) => Text::new("datasets.prepare_did").arg("parts", parts),
    }
}
