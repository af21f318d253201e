//! What the run will take, what is worth a look, and the button that starts it.

use super::Finetune;
use super::choices::fit_badge;
use super::draft::field;
use super::facts::{Facts, Memory};
use super::findings::Answer;
use super::form::group_of;
use crate::action::{Action, Open};
use crate::model::{Job, JobState};
use crate::panes::{PaneCx, PaneId};
use crate::theme::{Type, Weight, icon_font, icons, size};
use crate::units;
use crate::widgets::{self, Button, Tone, tiles};
use egui::{Align, Layout, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::JobOutput;
use glassworks_protocol::model::Precision;
use glassworks_protocol::train::Estimate;

/// The room that the start button and what stands below it take.
const FOOT: f32 = 136.0;

impl Finetune {
    /// The whole tile: what it takes above, the start below.
    pub(super) fn cost(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        let tile = ui.max_rect();
        tiles::header(
            ui,
            |_| {},
            |ui| {
                widgets::title(ui, cx.t("finetune.before"));
            },
        );
        tiles::scroll(ui, "cost", FOOT, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            // Rows of numbers, not of controls.
            ui.spacing_mut().interact_size.y = 20.0;
            self.time(ui, cx, facts);
            widgets::divider(ui);
            memory(ui, cx, facts);
            numbers(ui, cx, facts);
            self.worth_a_look(ui, cx, facts);
        });
        let foot = Rect::from_min_max(pos2(tile.left(), tile.bottom() - FOOT), tile.max);
        let t = cx.theme.tokens;
        ui.painter().hline(foot.x_range(), foot.top(), egui::Stroke::new(1.0, t.line_soft));
        let inner = foot.shrink2(vec2(16.0, 12.0));
        let builder = egui::UiBuilder::new().id_salt("start").max_rect(inner);
        let mut child = ui.new_child(builder.layout(Layout::top_down(Align::Min)));
        child.spacing_mut().item_spacing.y = 6.0;
        self.start(&mut child, cx, facts);
    }

    /// The button; while a run trains, how far it is and the way to it.
    pub(super) fn start(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        if let Some(job) = facts.training.clone().or_else(|| self.newest(cx)) {
            if run_row(ui, cx, &job) {
                return;
            }
            self.run = None;
        }
        let why = self.why_off(cx, facts);
        let made = self.draft.spec.scratch().is_some();
        let words = if made { "finetune.start_scratch" } else { "finetune.start" };
        let button = Button::accent(cx.t(words)).filled_icon(icons::PLAY).main();
        let pressed = button.width(ui.available_width()).off(why.clone()).show(ui).clicked();
        widgets::hint(ui, why.unwrap_or_else(|| cx.t("finetune.start_hint")));
        if pressed {
            self.begin(cx);
        }
    }

    fn time(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        let t = cx.theme.tokens;
        widgets::semibold(ui, cx.t("finetune.time"));
        match &facts.timing {
            Answer::Known(report) => {
                let Some(estimate) = &facts.estimate else { return };
                let secs = report.run_secs(&self.draft.spec, estimate) as f32;
                let words = units::duration(cx.language, secs);
                let shown =
                    ui.label(RichText::new(words).font(Type::Headline.mono(Weight::Regular)).color(t.text_1));
                shown.on_hover_text(cx.t("finetune.time_hint"));
                widgets::hint(ui, cx.tf("finetune.from_batches", &[("n", &report.n_batches)]));
                let end = units::clock(cx.now_ms + (secs * 1000.0) as i64, cx.utc_offset_secs);
                if secs < 20.0 * 3600.0 {
                    widgets::label(ui, cx.tf("finetune.done_at", &[("time", &end)]));
                }
            }
            Answer::Working(job) => {
                let title = cx.render(&job.title);
                let stop = cx.tf("shell.stop_job", &[("name", &title)]);
                let words = cx.t("finetune.measuring");
                if widgets::job_row(ui, &words, job.progress.as_ref(), (!job.stopping).then_some(&stop)) {
                    cx.cancel(job.id);
                }
            }
            Answer::Failed(failure) => {
                let again = Button::control(cx.t("finetune.measure"));
                if widgets::failed_line(ui, failure, Some(again)) {
                    self.findings.measure(cx, &self.draft.spec);
                }
            }
            Answer::None | Answer::Stopped => {
                ui.label(Type::Hint.text(cx.t("finetune.time_unknown"), t.text_3));
                let off = self.why_off(cx, facts);
                let button = Button::control(cx.t("finetune.measure")).icon(icons::CLOCK).off(off);
                if button.show(ui).clicked() {
                    self.findings.measure(cx, &self.draft.spec);
                }
            }
        }
        ui.add_space(4.0);
    }

    /// Problems first, then what is only doubtful; a press opens where it can be changed.
    fn worth_a_look(&mut self, ui: &mut Ui, cx: &PaneCx, facts: &Facts) {
        let wrong = facts.problems.iter().map(|problem| (Tone::Danger, problem));
        let doubtful = facts.advice.iter().map(|problem| (Tone::Warn, problem));
        let all: Vec<_> = wrong.chain(doubtful).collect();
        if all.is_empty() {
            return;
        }
        let t = cx.theme.tokens;
        widgets::divider(ui);
        ui.horizontal(|ui| {
            widgets::semibold(ui, cx.t("finetune.to_look_at"));
            widgets::tag(ui, Tone::Warn, all.len().to_string());
        });
        for (tone, problem) in all {
            let label = field(&problem.field).map_or_else(String::new, |field| cx.t(field.label));
            let (icon, ink) = match tone {
                Tone::Danger => (icons::WARNING_CIRCLE, t.danger),
                _ => (icons::WARNING, t.warn),
            };
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(icon).font(icon_font(size::ICON_SMALL, true)).color(ink));
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    if widgets::link(ui, label).clicked()
                        && let Some(group) = group_of(&problem.field)
                    {
                        self.open.insert(group.key.to_owned());
                    }
                    ui.label(Type::Hint.text(cx.render(&problem.text), t.text_2));
                });
            });
        }
    }

    /// The run that was started here, unless it is gone from the list of jobs.
    fn newest(&self, cx: &PaneCx) -> Option<std::sync::Arc<Job>> {
        self.run.and_then(|id| cx.model.jobs.get(id)).cloned()
    }
}

/// How a run goes or went, with the way to it; false when that has been put aside for the next start.
fn run_row(ui: &mut Ui, cx: &mut PaneCx, job: &Job) -> bool {
    let title = cx.render(&job.title);
    let mut stays = true;
    match (job.state(), job.failure()) {
        (JobState::Waiting | JobState::Running, _) => {
            let stop = cx.tf("shell.stop_job", &[("name", &title)]);
            if widgets::job_row(ui, &title, job.progress.as_ref(), (!job.stopping).then_some(&stop)) {
                cx.cancel(job.id);
            }
        }
        (_, Some(failure)) => {
            ui.label(Type::Body.semibold(cx.render(&failure.summary), cx.theme.tokens.danger));
        }
        _ => {
            ui.horizontal(|ui| {
                let (icon, ink) = match job.output() {
                    Some(_) => (icons::CHECK_CIRCLE, cx.theme.tokens.ok),
                    None => (icons::STOP, cx.theme.tokens.text_3),
                };
                ui.label(RichText::new(icon).font(icon_font(size::ICON, true)).color(ink));
                widgets::medium(ui, title);
            });
            if let Some(JobOutput::Trained(run)) = job.output() {
                let progress = &run.progress;
                let loss = progress.best_loss.or(progress.train_loss).unwrap_or_default();
                let args: [(&str, &dyn std::fmt::Display); 3] =
                    [("step", &progress.step), ("n", &progress.n_steps), ("loss", &format!("{loss:.3}"))];
                widgets::hint(ui, cx.tf("job.result_trained", &args));
            }
        }
    }
    ui.horizontal(|ui| {
        if Button::control(cx.t("finetune.show_run")).icon(icons::ARROW_RIGHT).show(ui).clicked() {
            cx.push(match cx.model.runs.run_of(job.id) {
                Some(run) => Action::Open(Open::Run(run)),
                None => Action::Show(PaneId::Runs),
            });
        }
        if job.state() == JobState::Ended && Button::quiet(cx.t("finetune.another")).show(ui).clicked() {
            stays = false;
        }
    });
    stays
}

fn memory(ui: &mut Ui, cx: &PaneCx, facts: &Facts) {
    ui.horizontal(|ui| {
        widgets::semibold(ui, cx.t("finetune.memory"));
        if let Some(memory) = &facts.memory {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| fit_badge(ui, cx, memory.fit()));
        }
    });
    let Some(memory) = &facts.memory else {
        widgets::hint(ui, cx.t("finetune.known_with_data"));
        return;
    };
    let t = cx.theme.tokens;
    let parts = [
        ("finetune.memory_weights", memory.weights, t.series[1]),
        ("finetune.memory_state", memory.state, t.series[4]),
        ("finetune.memory_activations", memory.activations, t.series[0]),
    ];
    bar(ui, cx, memory, &parts.map(|(_, bytes, ink)| (bytes, ink)));
    let free = cx.tf(
        "finetune.memory_of",
        &[("needed", &units::memory(memory.needed())), ("free", &units::memory(memory.free))],
    );
    widgets::mono(ui, free);
    for (key, bytes, ink) in parts {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(8.0, 16.0), Sense::hover());
            ui.painter().rect_filled(Rect::from_center_size(rect.center(), vec2(8.0, 8.0)), 2.0, ink);
            widgets::label(ui, cx.t(key));
            right(ui, cx, units::memory(bytes));
        });
    }
    if memory.weights == 0 {
        widgets::hint(ui, cx.t("finetune.weights_loaded"));
    }
    ui.add_space(4.0);
}

/// What is taken of what is free, part by part.
fn bar(ui: &mut Ui, cx: &PaneCx, memory: &Memory, parts: &[(u64, egui::Color32)]) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 10.0), Sense::hover());
    let name = cx.t("finetune.memory");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let t = cx.theme.tokens;
    ui.painter().rect_filled(rect, 3.0, t.hatch);
    let whole = memory.free.max(memory.needed()).max(1) as f32;
    let mut x = rect.left();
    for (bytes, ink) in parts.iter().filter(|(bytes, _)| *bytes > 0) {
        // What is there is seen, however little it is.
        let width = (rect.width() * *bytes as f32 / whole).max(2.0);
        let to = (x + width).min(rect.right());
        ui.painter().rect_filled(Rect::from_min_max(pos2(x, rect.top()), pos2(to, rect.bottom())), 1.0, *ink);
        x = to + 1.0;
    }
}

fn numbers(ui: &mut Ui, cx: &PaneCx, facts: &Facts) {
    let Some(estimate) = &facts.estimate else { return };
    widgets::divider(ui);
    for (key, value) in rows(cx, facts, estimate) {
        ui.horizontal(|ui| {
            widgets::label(ui, cx.t(key));
            right(ui, cx, value);
        });
    }
    ui.add_space(4.0);
}

fn rows(cx: &PaneCx, facts: &Facts, estimate: &Estimate) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("finetune.trained", units::count(estimate.n_trained)),
        ("finetune.steps", units::grouped(estimate.n_steps)),
        ("finetune.tokens", units::count(estimate.n_tokens)),
    ];
    if let Some(report) = facts.data.known() {
        rows.push(("finetune.longest", units::grouped(report.longest.min(report.max_length).into())));
    }
    if estimate.n_kept_wanted > 0 {
        let (n, all) = (units::grouped(estimate.n_kept), units::grouped(estimate.n_kept_wanted));
        rows.push(("finetune.checkpoints_kept", cx.tf("finetune.n_of", &[("n", &n), ("all", &all)])));
    }
    rows.push(("finetune.disk", units::size(estimate.disk_bytes)));
    if let Some(disk) = cx.model.disk {
        rows.push(("finetune.disk_free", units::size(disk.free_bytes)));
    }
    let precision = match cx.settings().precision {
        Precision::Exact => "playground.exact",
        Precision::Fast => "playground.fast",
    };
    rows.push(("finetune.arithmetic", cx.t(precision)));
    rows
}

/// A number at the right end of a row.
fn right(ui: &mut Ui, cx: &PaneCx, value: String) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.label(Type::Hint.number(value, cx.theme.tokens.text_1));
    });
}
