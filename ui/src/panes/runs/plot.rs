//! The plot of the selected run and those laid over it, its toolbar, and the small plots below.

use super::RunsPane;
use super::prepared::{Chart, Prepared, RunCurves};
use crate::model::RunState;
use crate::panes::PaneCx;
use crate::theme::Tokens;
use crate::units;
use crate::widgets::metric_plot::{
    Future, LegendEntry, LineStyle, MetricPlot, PlotLine, PlotLook, PlotMark, legend, spark, spark_width,
};
use crate::widgets::{self, Button, segments};
use egui::{Align, Color32, Layout, Margin, Stroke, Ui, UiBuilder, vec2};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::RunRecord;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Below this width of the tile the toolbar takes two lines.
const TWO_LINES_BELOW: f32 = 900.0;

/// What the plot's horizontal axis counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axis {
    #[default]
    Step,
    Tokens,
    Time,
}

/// How plots are drawn: kept between starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    chart: Chart,
    axis: Axis,
    log: bool,
    clip: bool,
    smoothing: f32,
}

impl Default for Choices {
    fn default() -> Self {
        Self { chart: Chart::Loss, axis: Axis::Step, log: false, clip: true, smoothing: 0.9 }
    }
}

#[derive(Default)]
pub struct PlotState {
    pub choices: Choices,
    pub look: PlotLook,
    hidden: Vec<String>,
    prepared: Prepared,
}

/// A run in the plot.
struct Shown {
    name: String,
    color: Color32,
    /// Of those laid over the selected one.
    dash: Option<usize>,
    curves: Rc<RunCurves>,
}

impl RunsPane {
    pub(super) fn plot_ui(&mut self, ui: &mut Ui, cx: &PaneCx, run: &RunRecord, state: RunState, room: f32) {
        let ids = self.shown();
        self.plot.prepared.keep(&ids);
        let shown: Vec<Shown> = ids.iter().filter_map(|id| self.prepare(cx, *id)).collect();
        let has = |chart: Chart| shown.iter().any(|run| !run.curves.of(chart).is_empty());
        if self.plot.choices.chart.is_measure() && !shown.is_empty() && !has(self.plot.choices.chart) {
            self.plot.choices.chart = Chart::Loss;
        }
        let entries = self.entries(cx, &shown);
        self.toolbar(ui, cx, &entries);
        let height = (room * 0.46).clamp(190.0, 520.0).round();
        let empty = shown.iter().all(|run| run.curves.of(self.plot.choices.chart).is_empty());
        if empty && shown.iter().all(|run| run.curves.validation.is_empty()) {
            let waits = !state.is_live() && cx.model.runs.curves(run.id).is_none();
            let words = cx.t(if waits { "runs.reading_points" } else { "runs.nothing_measured" });
            let layout = Layout::centered_and_justified(egui::Direction::TopDown);
            ui.allocate_ui_with_layout(vec2(ui.available_width(), height), layout, |ui| {
                widgets::hint(ui, words)
            });
        } else {
            egui::Frame::new().inner_margin(Margin::symmetric(16, 4)).show(ui, |ui| {
                self.large(ui, cx, run, state, &shown, height);
            });
        }
        widgets::divider(ui);
        self.small(ui, cx, &shown);
        widgets::divider(ui);
    }

    fn prepare(&mut self, cx: &PaneCx, id: RunId) -> Option<Shown> {
        let run = cx.model.runs.get(id)?;
        let curves = cx.model.runs.curves(id)?;
        let color = self.color(id, &cx.theme.tokens)?;
        let dash = self.beside.iter().find(|(beside, _)| *beside == id).map(|(_, color)| *color);
        let Choices { axis, smoothing, .. } = self.plot.choices;
        let curves = self.plot.prepared.of(id, curves, axis, smoothing);
        Some(Shown { name: run.name.clone(), color, dash, curves })
    }

    fn entries(&self, cx: &PaneCx, shown: &[Shown]) -> Vec<LegendEntry> {
        let mut entries = Vec::new();
        for run in shown {
            let style = run.dash.map_or(LineStyle::Solid, LineStyle::Dashed);
            let loss = self.plot.choices.chart == Chart::Loss;
            let name = match run.dash {
                None if loss => cx.t("runs.training"),
                _ => run.name.clone(),
            };
            entries.push(LegendEntry { name, color: run.color, style });
            if run.dash.is_none() && loss && !run.curves.validation.is_empty() {
                let color = cx.theme.tokens.series[1];
                entries.push(LegendEntry { name: cx.t("runs.validation"), color, style: LineStyle::Dots });
            }
        }
        entries
    }

    /// The lines that are not hidden, the selected run's first.
    fn lines<'a>(&self, cx: &PaneCx, shown: &'a [Shown], t: &Tokens) -> Vec<PlotLine<'a>> {
        let chart = self.plot.choices.chart;
        let hidden = |name: &str| self.plot.hidden.iter().any(|hidden| hidden == name);
        let mut lines = Vec::new();
        for run in shown {
            let (name, validation) = match run.dash {
                None if chart == Chart::Loss => (cx.t("runs.training"), cx.t("runs.validation")),
                _ => (run.name.clone(), cx.tf("runs.validation_of", &[("name", &run.name)])),
            };
            let style = match run.dash {
                None if chart.is_measure() => LineStyle::Dots,
                dash => dash.map_or(LineStyle::Solid, LineStyle::Dashed),
            };
            let whole = !hidden(&name);
            if whole {
                lines.push(PlotLine { name, curve: run.curves.of(chart), color: run.color, style });
            }
            // An entry stands for both lines of a run that is laid over.
            let dots = if run.dash.is_some() { whole } else { !hidden(&validation) };
            if chart == Chart::Loss && dots {
                let color = if run.dash.is_some() { run.color } else { t.series[1] };
                let curve = &run.curves.validation;
                lines.push(PlotLine { name: validation, curve, color, style: LineStyle::Dots });
            }
        }
        lines
    }

    fn large(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        run: &RunRecord,
        state: RunState,
        shown: &[Shown],
        height: f32,
    ) {
        let Choices { chart, axis, log, clip, .. } = self.plot.choices;
        let lines = self.lines(cx, shown, &cx.theme.tokens);
        let main = shown.first().filter(|main| main.dash.is_none());
        let mut marks = Vec::new();
        if chart == Chart::Loss
            && axis == Axis::Step
            && lines.iter().any(|line| line.style == LineStyle::Dots)
            && let (Some(step), Some(loss)) = (run.progress.best_step, run.progress.best_loss)
        {
            marks.push(PlotMark { x: step as f64, y: loss, text: cx.t("runs.best_kept") });
        }
        let ends = state.is_live() || state.can_resume();
        let future = main.filter(|_| ends && axis == Axis::Step && run.progress.n_steps > 0).map(|main| {
            let from = main.curves.of(chart).extent().map_or(0.0, |(_, now)| now);
            let to = run.progress.n_steps as f64;
            let n = units::grouped((to - from).max(0.0) as u64);
            Future { from, to, text: cx.tf("runs.to_go", &[("n", &n)]) }
        });
        let place = |x: f64| words(cx, axis, x);
        let card = |x: f64| card_words(cx, axis, x);
        let aside = |x: f64| cx.tf("runs.aside", &[("place", &words(cx, axis, x))]);
        let plot = MetricPlot {
            name: cx.tf("runs.plot_name", &[("metric", &cx.t(chart.key())), ("name", &run.name)]),
            lines: &lines,
            marks: &marks,
            future,
            log,
            clip,
            x_tick: &place,
            x_card: &card,
            x_aside: &aside,
            height,
        };
        plot.show(ui, &mut self.plot.look);
    }

    fn toolbar(&mut self, ui: &mut Ui, cx: &PaneCx, entries: &[LegendEntry]) {
        let two = ui.available_width() < TWO_LINES_BELOW;
        let row =
            |ui: &mut Ui| ui.allocate_space(vec2(ui.available_width(), 44.0)).1.shrink2(vec2(16.0, 0.0));
        let mut first = row(ui);
        let second = if two { row(ui) } else { first };
        let right = Layout::right_to_left(Align::Center);
        let mut controls = ui.new_child(UiBuilder::new().id_salt("controls").max_rect(second).layout(right));
        controls.spacing_mut().item_spacing.x = 8.0;
        self.controls(&mut controls, cx);
        if !two {
            first.max.x = controls.min_rect().left() - 8.0;
        }
        let left = Layout::left_to_right(Align::Center);
        let mut names = ui.new_child(UiBuilder::new().id_salt("legend").max_rect(first).layout(left));
        names.set_clip_rect(first.intersect(ui.clip_rect()));
        names.spacing_mut().item_spacing.x = 8.0;
        widgets::semibold(&mut names, cx.t(self.plot.choices.chart.key()));
        names.add_space(4.0);
        legend(&mut names, entries, &mut self.plot.hidden);
    }

    /// Right to left.
    fn controls(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let choices = &mut self.plot.choices;
        let clip = Button::quiet(cx.t("runs.clip")).small().selected(choices.clip);
        if clip.tooltip(cx.t("runs.clip_tip")).show(ui).clicked() {
            choices.clip = !choices.clip;
        }
        let log = Button::quiet(cx.t("runs.log")).small().selected(choices.log);
        if log.tooltip(cx.t("runs.log_tip")).show(ui).clicked() {
            choices.log = !choices.log;
        }
        let options = [
            (Axis::Step, cx.t("runs.axis_step")),
            (Axis::Tokens, cx.t("runs.axis_tokens")),
            (Axis::Time, cx.t("runs.axis_time")),
        ];
        if segments(ui, &cx.t("runs.axis"), &mut choices.axis, &options, None).changed() {
            self.plot.look = PlotLook::default();
        }
        let name = cx.t("runs.smoothing");
        let detail = format!("{:.2}", choices.smoothing);
        let button = Button::quiet(&name).detail(detail).caret().small().show(ui);
        widgets::popover(&button, 248.0, |ui| {
            let hint = cx.t("runs.smoothing_hint");
            widgets::slider_row(ui, &name, &mut choices.smoothing, 0.0..=0.99, 2, &hint);
        });
        if self.plot.look.zoom.is_some() && Button::quiet(cx.t("runs.whole")).small().show(ui).clicked() {
            self.plot.look = PlotLook::default();
        }
    }

    /// The charts that are not shown large, in as many lines as their names and numbers need.
    fn small(&mut self, ui: &mut Ui, cx: &PaneCx, shown: &[Shown]) {
        let t = cx.theme.tokens;
        let has =
            |chart: &Chart| !chart.is_measure() || shown.iter().any(|run| !run.curves.of(*chart).is_empty());
        let charts = Chart::ALL.into_iter().filter(|chart| *chart != self.plot.choices.chart).filter(has);
        let charts: Vec<Small> = charts.map(|chart| Small::of(cx, shown, chart)).collect();
        let widest = charts.iter().map(|one| spark_width(ui, &one.name, &one.value)).fold(1.0, f32::max);
        let fit = (ui.available_width() / widest).floor().max(1.0) as usize;
        let lines = charts.len().div_ceil(fit).max(1);
        let in_line = charts.len().div_ceil(lines).max(1);
        let width = ui.available_width() / in_line as f32;
        let mut chosen = None;
        for (n, line) in charts.chunks(in_line).enumerate() {
            if n > 0 {
                widgets::divider(ui);
            }
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                for (i, one) in line.iter().enumerate() {
                    let curves: Vec<_> = shown
                        .iter()
                        .map(|run| (run.curves.of(one.chart), run.dash.map_or(t.text_2, |_| run.color)))
                        .collect();
                    let response = spark(ui, &one.name, &one.value, width, &curves);
                    if i > 0 {
                        let line = Stroke::new(1.0, t.line_soft);
                        ui.painter().vline(response.rect.left(), response.rect.y_range(), line);
                    }
                    if response.on_hover_text(cx.t("runs.show_large")).clicked() {
                        chosen = Some(one.chart);
                    }
                }
            });
        }
        if let Some(chart) = chosen {
            self.plot.choices.chart = chart;
            self.plot.hidden.clear();
        }
    }
}

/// A chart that is not shown large.
struct Small {
    chart: Chart,
    name: String,
    /// The newest of the selected run.
    value: String,
}

impl Small {
    fn of(cx: &PaneCx, shown: &[Shown], chart: Chart) -> Self {
        let last = shown.first().map(|run| run.curves.of(chart)).and_then(|curve| {
            curve.extent().and_then(|(_, last)| curve.nearest(last)).map(|(_, value)| value)
        });
        let value = last.map(|value| number(chart, value)).unwrap_or_default();
        Self { chart, name: cx.t(chart.key()), value }
    }
}

fn number(chart: Chart, value: f64) -> String {
    match chart {
        Chart::Speed if value >= 100.0 => units::grouped(value as u64),
        Chart::Speed => format!("{value:.1}"),
        Chart::Memory => format!("{value:.2}"),
        Chart::Loss | Chart::GradNorm | Chart::Accuracy | Chart::MacroF1 => format!("{value:.3}"),
        Chart::LearningRate => format!("{value:.2e}"),
    }
}

/// A place on the axis.
fn words(cx: &PaneCx, axis: Axis, x: f64) -> String {
    let whole = x.max(0.0).round() as u64;
    match axis {
        Axis::Step => units::grouped(whole),
        Axis::Tokens => units::count(whole),
        Axis::Time => units::duration(cx.language, x as f32),
    }
}

/// A place on the axis, as the card's head has it.
fn card_words(cx: &PaneCx, axis: Axis, x: f64) -> String {
    let whole = units::grouped(x.max(0.0).round() as u64);
    match axis {
        Axis::Step => cx.tf("runs.card_step", &[("n", &whole)]),
        Axis::Tokens => cx.tf("runs.card_tokens", &[("n", &whole)]),
        Axis::Time => cx.tf("runs.card_time", &[("time", &words(cx, axis, x))]),
    }
}
