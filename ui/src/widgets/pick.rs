//! Lists to choose one of: rows with a bead, a name and weaker words, those that belong under another a step to the
//! right, and a field to search them where they are many.

use super::{Field, focus_ring, galley, hint, one_line, paint_bead, popover};
use crate::theme::{self, Type, Weight, size};
use egui::{Color32, Popup, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// From so many rows on there is a field to search them.
const SEARCHED_FROM: usize = 9;
/// Rows in sight.
const MOST_HEIGHT: f32 = 400.0;
const INDENT: f32 = 20.0;

/// A row to choose.
#[derive(Clone, Debug)]
pub struct PickRow {
    pub name: String,
    /// What it is called.
    pub label: String,
    /// Weaker, at the right.
    pub detail: String,
    /// It is of numbers.
    pub mono: bool,
    pub tip: String,
    /// `None`: a ring.
    pub bead: Option<Color32>,
    /// It belongs under the one before that does not.
    pub under: bool,
    pub selected: bool,
}

impl PickRow {
    pub fn show(&self, ui: &mut Ui, width: f32) -> Response {
        let t = theme::of(ui).tokens;
        let (rect, response) = ui.allocate_exact_size(vec2(width, size::ROW), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::MenuItemRadio, true, self.selected, &self.label));
        let fill = match (self.selected, response.hovered() || response.has_focus()) {
            (true, _) => t.selected,
            (_, true) => t.hover,
            _ => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_TAG), fill);
        let left = rect.left() + if self.under { INDENT } else { 0.0 };
        let y = rect.center().y;
        paint_bead(ui, pos2(left + 12.0, y), self.bead);
        let (mono, plain) = (Type::Hint.mono(Weight::Regular), Type::Hint.font(Weight::Regular));
        let detail = galley(ui, self.detail.as_str(), if self.mono { mono } else { plain }, t.text_3);
        let right = rect.right() - 8.0 - detail.size().x;
        let weight = if self.under { Weight::Regular } else { Weight::Medium };
        let most = (right - 12.0).max(left + 64.0);
        let place = Rect::from_min_max(pos2(left + 24.0, rect.top()), pos2(most, rect.bottom()));
        one_line(ui, place, self.name.as_str(), Type::Body.font(weight), t.text_1);
        ui.painter().galley(pos2(right, y - detail.size().y / 2.0), detail, t.text_3);
        focus_ring(ui, &response, rect.shrink(2.0));
        response.on_hover_text(&self.tip)
    }
}

/// What the field of a list is called, and what is said where nothing fits.
#[derive(Clone, Copy, Debug)]
pub struct PickWords<'a> {
    pub find: &'a str,
    pub none: &'a str,
}

/// All rows of which `search` is part of the name; which one `draw` says was chosen.
pub fn pick_list(
    ui: &mut Ui,
    words: PickWords,
    rows: &[PickRow],
    search: &mut String,
    draw: &mut dyn FnMut(&mut Ui, usize, &PickRow) -> bool,
) -> Option<usize> {
    let mut fit: Vec<usize> = (0..rows.len()).collect();
    if rows.len() >= SEARCHED_FROM {
        Field::new(words.find).placeholder(words.find).width(ui.available_width()).show(ui, search);
        ui.add_space(6.0);
        let wanted = search.trim().to_lowercase();
        fit.retain(|at| rows[*at].name.to_lowercase().contains(&wanted));
    }
    if fit.is_empty() {
        hint(ui, words.none);
    }
    let mut chosen = None;
    let area = egui::ScrollArea::vertical().max_height(MOST_HEIGHT);
    area.show_rows(ui, size::ROW, fit.len(), |ui, shown| {
        for at in &fit[shown] {
            if draw(ui, *at, &rows[*at]) {
                chosen = Some(*at);
            }
        }
    });
    chosen
}

/// The list below a button, with `foot` under it, which says whether it closes the list; which row was chosen.
pub fn pick_below(
    button: &Response,
    words: PickWords,
    rows: &dyn Fn() -> Vec<PickRow>,
    foot: impl FnOnce(&mut Ui) -> bool,
) -> Option<usize> {
    let searched = button.id.with("search");
    if button.clicked() {
        button.ctx.data_mut(|data| data.remove::<String>(searched));
    }
    let chosen = popover(button, 340.0, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let mut search = ui.data(|data| data.get_temp::<String>(searched)).unwrap_or_default();
        let chosen = pick_list(ui, words, &rows(), &mut search, &mut |ui, _, row| {
            row.show(ui, ui.available_width()).clicked()
        });
        ui.data_mut(|data| data.insert_temp(searched, search));
        if foot(ui) || chosen.is_some() {
            Popup::close_all(ui.ctx());
        }
        chosen
    });
    chosen.flatten()
}
