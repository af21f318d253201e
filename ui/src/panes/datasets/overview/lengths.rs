//! How long rows are: bars, the lengths that half, 95 and 99 of a hundred stay below, and the limit at which rows are
//! cut. A bar is chosen by pointer or arrow keys, and shows its rows.

use super::Asked;
use super::bins::{Bin, bins};
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight, size};
use crate::units;
use crate::widgets;
use egui::{
    Align2, EventFilter, Key, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use glassworks_protocol::datasets::Filter;
use glassworks_protocol::datasets::measure::MeasureReport;
use glassworks_protocol::datasets::overview::{Histogram, OverviewReport};
use glassworks_protocol::datasets::view::LengthUnit;

/// The least width of a bar.
const BAR: f32 = 6.0;
/// Between rows of labels above the bars.
const LABEL_ROW: f32 = 15.0;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Lengths<'a> {
    pub unit: LengthUnit,
    pub counts: &'a Histogram,
    /// Half, 95 and 99 of a hundred rows are no longer.
    pub quantiles: [u32; 3],
    pub longest: u32,
    /// Where rows are cut.
    pub limit: Option<u32>,
}

impl<'a> Lengths<'a> {
    pub fn characters(report: &'a OverviewReport) -> Self {
        Self {
            unit: LengthUnit::Characters,
            counts: &report.lengths,
            quantiles: [report.p50, report.p95, report.p99],
            longest: report.longest,
            limit: None,
        }
    }

    pub fn tokens(report: &'a MeasureReport) -> Self {
        Self {
            unit: LengthUnit::Tokens,
            counts: &report.lengths,
            quantiles: [report.p50, report.p95, report.p99],
            longest: report.longest,
            limit: Some(report.max_length),
        }
    }

    /// `128 – 191 tokens: 37 rows`
    fn words(&self, cx: &PaneCx, bin: &Bin) -> String {
        let key = match self.unit {
            LengthUnit::Characters => "datasets.overview_bar_characters",
            LengthUnit::Tokens => "datasets.overview_bar_tokens",
        };
        let range = match bin.to {
            Some(to) => format!("{} – {}", units::grouped(bin.from.into()), units::grouped(to.into())),
            None => format!("≥ {}", units::grouped(bin.from.into())),
        };
        cx.tf(key, &[("range", &range), ("n", &units::grouped(bin.n))])
    }
}

/// Draws it `height` high; `marked` names the quantiles too.
pub fn plot(ui: &mut Ui, cx: &PaneCx, lengths: &Lengths, height: f32, marked: bool) -> Option<Asked> {
    let (outer, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let above = if marked { 2.0 * LABEL_ROW + 4.0 } else { 12.0 };
    let rect = Rect::from_min_max(outer.min + vec2(0.0, above), outer.max - vec2(0.0, 18.0));
    let most = ((rect.width() / BAR) as usize).clamp(8, 64);
    let bins =
        bins(lengths.counts, lengths.longest, lengths.quantiles[2].max(lengths.limit.unwrap_or(0)), most);
    if bins.is_empty() || rect.height() < 16.0 {
        return None;
    }
    let view = View { rect, bins: &bins, lengths };
    let chosen = choose(ui, &response, &view);
    let name = cx.t("datasets.overview_lengths");
    let said = chosen.map(|at| lengths.words(cx, &bins[at]));
    response.widget_info(|| WidgetInfo {
        current_text_value: said.clone(),
        ..WidgetInfo::labeled(Role::Slider, ui.is_enabled(), &name)
    });
    view.bars(ui, chosen);
    view.axis(ui, cx, outer.bottom());
    view.marks(ui, cx, outer.top(), marked);
    widgets::focus_ring(ui, &response, outer);
    let taken = response.clicked() || response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    if let Some(words) = said {
        response.on_hover_text_at_pointer(words);
    }
    let bin = &bins[chosen?];
    (taken && bin.n > 0).then(|| {
        let at_least = Some(bin.from);
        Asked::Rows(vec![Filter::Length { unit: lengths.unit, at_least, at_most: bin.to }])
    })
}

/// The bar under the pointer, or the one that arrow keys stand at.
fn choose(ui: &Ui, response: &Response, view: &View) -> Option<usize> {
    let last = view.bins.len() - 1;
    if let Some(at) = response.hover_pos().filter(|_| response.hovered()) {
        let share = (at.x - view.rect.left()) / view.rect.width();
        return Some(((share * view.bins.len() as f32).max(0.0) as usize).min(last));
    }
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    let id = response.id.with("bar");
    let at = ui.data(|d| d.get_temp::<usize>(id)).unwrap_or(0).min(last);
    let (on, back) = ui.input(|i| (i.num_presses(Key::ArrowRight), i.num_presses(Key::ArrowLeft)));
    let at = (at + on).min(last).saturating_sub(back);
    ui.data_mut(|d| d.insert_temp(id, at));
    Some(at)
}

struct View<'a> {
    rect: Rect,
    bins: &'a [Bin],
    lengths: &'a Lengths<'a>,
}

impl View<'_> {
    fn place(&self, at: usize) -> Rect {
        let each = self.rect.width() / self.bins.len() as f32;
        let most = self.bins.iter().map(|bin| bin.n).max().unwrap_or(1).max(1);
        let bin = &self.bins[at];
        let share = (bin.n as f64 / most as f64) as f32;
        // One row among a million is still there.
        let height = if bin.n == 0 { 0.0 } else { (share * self.rect.height()).max(1.5) };
        let left = self.rect.left() + at as f32 * each;
        let gap = if each >= 4.0 { 1.0 } else { 0.0 };
        Rect::from_min_max(
            pos2(left, self.rect.bottom() - height),
            pos2(left + each - gap, self.rect.bottom()),
        )
    }

    /// Where a length lies; the last bar holds all that are longer than the rest.
    fn x(&self, length: u32) -> f32 {
        let each = self.rect.width() / self.bins.len() as f32;
        let at = self.bins.iter().rposition(|bin| bin.from <= length).unwrap_or(0);
        let bin = &self.bins[at];
        let share = match bin.to {
            Some(to) => f64::from(length - bin.from) / f64::from(to - bin.from + 1),
            None => 0.5,
        };
        self.rect.left() + (at as f32 + (share as f32).clamp(0.0, 1.0)) * each
    }

    fn bars(&self, ui: &Ui, chosen: Option<usize>) {
        let t = crate::theme::of(ui).tokens;
        for (at, bin) in self.bins.iter().enumerate() {
            let past = self.lengths.limit.is_some_and(|limit| bin.from > limit);
            let ink = if past { t.warn } else { t.series[1] };
            let place = self.place(at);
            if chosen == Some(at) {
                let column = Rect::from_x_y_ranges(place.x_range(), self.rect.y_range());
                ui.painter().rect_filled(column, 0.0, t.hover);
            }
            ui.painter().rect_filled(place, 1.0, ink);
        }
        ui.painter().hline(self.rect.x_range(), self.rect.bottom() + 0.5, Stroke::new(1.0, t.line));
    }

    fn axis(&self, ui: &Ui, cx: &PaneCx, bottom: f32) {
        let t = cx.theme.tokens;
        let font = Type::Caption.mono(Weight::Regular);
        ui.painter().text(pos2(self.rect.left(), bottom), Align2::LEFT_BOTTOM, "0", font.clone(), t.text_3);
        let end = match self.bins.last().and_then(|bin| bin.to) {
            Some(_) => units::grouped(self.lengths.longest.into()),
            None => {
                let from = self.bins.last().map_or(0, |bin| bin.from);
                format!("≥ {}", units::grouped(from.into()))
            }
        };
        ui.painter().text(pos2(self.rect.right(), bottom), Align2::RIGHT_BOTTOM, end, font, t.text_3);
    }

    /// The limit dashed, quantiles thin, their words above in two rows so that none lies on another.
    fn marks(&self, ui: &Ui, cx: &PaneCx, top: f32, marked: bool) {
        let t = cx.theme.tokens;
        let mut marks: Vec<(u32, String, bool)> = Vec::new();
        if marked {
            for (name, at) in ["p50", "p95", "p99"].iter().zip(self.lengths.quantiles) {
                marks.push((at, format!("{name} {}", units::grouped(at.into())), false));
            }
        }
        if let Some(limit) = self.lengths.limit.filter(|limit| *limit <= self.lengths.longest) {
            let words = cx.tf("datasets.overview_limit", &[("n", &units::grouped(limit.into()))]);
            marks.push((limit, words, true));
        }
        marks.sort_by_key(|(at, ..)| *at);
        let mut ends = [f32::NEG_INFINITY; 2];
        for (at, words, is_limit) in marks {
            let x = self.x(at).round() + 0.5;
            let ink = if is_limit { t.warn } else { t.text_3 };
            let galley = widgets::galley(ui, words, Type::Caption.mono(Weight::Regular), ink);
            let width = galley.size().x;
            let left =
                (x - width / 2.0).clamp(self.rect.left(), (self.rect.right() - width).max(self.rect.left()));
            let row = usize::from(marked && left < ends[0] + 8.0);
            ends[row] = left + width;
            let y = top + row as f32 * LABEL_ROW;
            self.rule(ui, &t, x, y + LABEL_ROW, is_limit);
            ui.painter().galley(pos2(left, y), galley, ink);
        }
    }

    fn rule(&self, ui: &Ui, t: &Tokens, x: f32, from: f32, is_limit: bool) {
        let ends = [pos2(x, from), pos2(x, self.rect.bottom())];
        if is_limit {
            ui.painter().extend(Shape::dashed_line(&ends, Stroke::new(1.0, t.warn), 3.0, 3.0));
        } else {
            ui.painter().line_segment(ends, Stroke::new(1.0, t.line_strong));
        }
    }
}

/// `Length in tokens`
pub fn heading(cx: &PaneCx, unit: LengthUnit) -> String {
    cx.t(match unit {
        LengthUnit::Characters => "datasets.overview_in_characters",
        LengthUnit::Tokens => "datasets.overview_in_tokens",
    })
}

/// How many rows the limit cuts, and what that loses.
pub fn cut_line(ui: &mut Ui, cx: &PaneCx, report: &MeasureReport) {
    if report.n_cut == 0 {
        return;
    }
    let args: [(&str, &dyn std::fmt::Display); 2] =
        [("n", &units::grouped(report.n_cut)), ("limit", &units::grouped(report.max_length.into()))];
    ui.horizontal(|ui| {
        let icon = egui::RichText::new(crate::theme::icons::SCISSORS);
        let icon = icon.font(crate::theme::icon_font(size::ICON_SMALL, false)).color(cx.theme.tokens.warn);
        ui.label(icon);
        ui.label(Type::Hint.text(cx.tf("datasets.overview_cut", &args), cx.theme.tokens.warn));
    });
}
