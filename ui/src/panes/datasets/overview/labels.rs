//! How many rows each label has: a bar in the label's colour, its part in each split a shade of it.

use super::{Asked, shares};
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight, size};
use crate::units;
use crate::widgets::{self, Button};
use egui::{Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::datasets::Filter;
use glassworks_protocol::datasets::overview::LabelShare;

const ROW: f32 = 26.0;
/// More labels than these are shown when asked.
const FEW: usize = 12;
/// The widest a label's name gets, as a share of the row.
const NAME_SHARE: f32 = 0.34;
const NUMBERS: f32 = 118.0;
/// Train, validation, test, none.
const SHADES: [f32; 4] = [1.0, 0.62, 0.38, 0.2];

/// The colour of a label by its place among the most frequent first.
pub fn color(t: &Tokens, place: usize) -> Color32 {
    t.series[place % t.series.len()]
}

/// All labels, the first few until `all` is asked for.
pub fn labels(ui: &mut Ui, cx: &PaneCx, labels: &[LabelShare], all: &mut bool) -> Option<Asked> {
    let mut asked = None;
    let most = labels.iter().map(total).max().unwrap_or(1);
    let whole = labels.iter().map(total).sum();
    legend(ui, cx, labels);
    ui.spacing_mut().item_spacing.y = 0.0;
    let few = if *all || labels.len() <= FEW + 2 { labels.len() } else { FEW };
    for (place, label) in labels.iter().enumerate().take(few) {
        if row(ui, cx, label, place, most, whole) {
            asked = Some(Asked::Rows(vec![Filter::Labels(vec![label.label.clone()])]));
        }
    }
    if few < labels.len() || *all {
        ui.add_space(4.0);
        let words = match *all {
            true => cx.t("datasets.overview_few_labels"),
            false => cx.tf("datasets.overview_all_labels", &[("n", &labels.len())]),
        };
        if Button::quiet(words).small().show(ui).clicked() {
            *all ^= true;
        }
    }
    asked
}

fn total(label: &LabelShare) -> u64 {
    label.n_by_split.iter().sum()
}

/// Which shade is which split; nothing where all rows are in one.
fn legend(ui: &mut Ui, cx: &PaneCx, labels: &[LabelShare]) {
    let used: Vec<usize> = (0..4).filter(|at| labels.iter().any(|label| label.n_by_split[*at] > 0)).collect();
    if used.len() < 2 {
        return;
    }
    let t = cx.theme.tokens;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
        ui.spacing_mut().interact_size.y = 16.0;
        for at in used {
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
            let sample = Rect::from_center_size(rect.center(), vec2(12.0, 8.0));
            ui.painter().rect_filled(sample, 2.0, t.text_1.gamma_multiply(SHADES[at]));
            ui.label(Type::Caption.text(shares::split_name(cx, shares::PLACES[at]), t.text_3));
            ui.add_space(6.0);
        }
    });
    ui.add_space(4.0);
}

/// A label's line; says whether it was pressed.
fn row(ui: &mut Ui, cx: &PaneCx, label: &LabelShare, place: usize, most: u64, whole: u64) -> bool {
    let t = cx.theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let name = label.label.clone().unwrap_or_else(|| cx.t("datasets.overview_unlabelled"));
    let n = total(label);
    let said = cx.tf("datasets.overview_label_row", &[("name", &name), ("n", &units::grouped(n))]);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &said));
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), f32::from(size::RADIUS_TAG), t.hover);
    }
    widgets::focus_ring(ui, &response, rect);
    let ink = color(&t, place);
    let bead = label.label.is_some().then_some(ink);
    widgets::paint_bead(ui, rect.left_center() + vec2(4.0, 0.0), bead);
    let name_end = rect.left() + 18.0 + (rect.width() * NAME_SHARE).min(220.0);
    let words = Rect::from_min_max(pos2(rect.left() + 18.0, rect.top()), pos2(name_end - 8.0, rect.bottom()));
    let name_ink = if label.label.is_some() { t.text_1 } else { t.text_3 };
    widgets::one_line(ui, words, name.as_str(), Type::Body.font(Weight::Regular), name_ink);
    let room = Rect::from_min_max(
        pos2(name_end, rect.center().y - 5.0),
        pos2(rect.right() - NUMBERS, rect.center().y + 5.0),
    );
    let width = room.width() * (n as f64 / most.max(1) as f64) as f32;
    let bar = Rect::from_min_size(room.min, vec2(width.max(2.0), room.height()));
    let parts: Vec<_> = label
        .n_by_split
        .iter()
        .zip(SHADES)
        .map(|(n, shade)| (if label.label.is_some() { ink } else { t.line_strong }.gamma_multiply(shade), *n))
        .collect();
    shares::paint_bar(ui, bar, &parts);
    let share = widgets::galley(ui, shares::percent(n, whole), Type::Hint.mono(Weight::Regular), t.text_3);
    let y = |height: f32| rect.center().y - height / 2.0;
    ui.painter().galley(pos2(rect.right() - share.size().x, y(share.size().y)), share, t.text_3);
    let number = widgets::galley(ui, units::grouped(n), Type::Hint.mono(Weight::Regular), t.text_1);
    let right = rect.right() - 52.0;
    ui.painter().galley(pos2(right - number.size().x, y(number.size().y)), number, t.text_1);
    response.on_hover_text(by_split(cx, &name, label)).clicked()
}

/// The whole name, and the counts behind the bar.
fn by_split(cx: &PaneCx, name: &str, label: &LabelShare) -> String {
    let parts = shares::PLACES.into_iter().zip(label.n_by_split).filter(|(_, n)| *n > 0);
    let lines = parts.map(|(split, n)| format!("{} {}", shares::split_name(cx, split), units::grouped(n)));
    [name.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}
