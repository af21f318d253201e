//! The command palette: everything that can be done, found by a few letters.

mod entries;
mod find;

pub(crate) use entries::Target;

use crate::command::UiCommand;
use crate::model::Model;
use crate::theme::{self, Theme, Type, Weight, icons, size};
use crate::widgets;
use egui::text::LayoutJob;
use egui::{
    Align, Area, Id, Key, Margin, Modifiers, Order, Rect, Role, Sense, TextFormat, Ui, WidgetInfo, vec2,
};
use entries::{Entry, entries};
use find::{Found, find};

const WIDTH: f32 = 560.0;
const FROM_TOP: f32 = 96.0;
const ROW: f32 = 36.0;
const MAX_ROWS: usize = 9;

/// Open or closed, with what has been typed.
#[derive(Default)]
pub(crate) struct Palette {
    open: bool,
    query: String,
    at: usize,
    fresh: bool,
    /// What had the keyboard before, and gets it back.
    before: Option<Id>,
}

impl Palette {
    pub fn toggle(&mut self, ctx: &egui::Context) {
        if self.open {
            return self.close(ctx);
        }
        let before = ctx.memory(|m| m.focused());
        *self = Self { open: true, fresh: true, before, ..Self::default() };
    }

    fn close(&mut self, ctx: &egui::Context) {
        self.open = false;
        if let Some(before) = self.before.take() {
            ctx.memory_mut(|m| m.request_focus(before));
        }
    }

    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it if it is open; says what was chosen.
    pub fn ui(&mut self, ctx: &egui::Context, model: &Model, recent: &[UiCommand]) -> Option<Target> {
        if !self.open {
            return None;
        }
        let theme = theme::of_ctx(ctx);
        let entries = entries(ctx, model, &theme);
        let found = find(&entries, self.query.trim(), recent);
        let (chosen, left) = self.keys(ctx, found.len());
        let mut picked = chosen.and_then(|i| found.get(i)).map(|f| entries[f.index].target);
        let screen = ctx.content_rect();
        let left_edge = (screen.center().x - WIDTH / 2.0).max(8.0);
        let shown = Area::new(Id::unique("palette"))
            .order(Order::Foreground)
            .fixed_pos(egui::pos2(left_edge, FROM_TOP.min(screen.height() * 0.12)))
            .show(ctx, |ui| {
                widgets::popover_frame(ui).inner_margin(Margin::same(1)).show(ui, |ui| {
                    ui.set_width(WIDTH.min(screen.width() - 16.0));
                    ui.spacing_mut().item_spacing.y = 0.0;
                    self.input(ui, &theme);
                    if let Some(target) = self.rows(ui, &theme, &entries, &found) {
                        picked = Some(target);
                    }
                });
            });
        let outside = !self.fresh && shown.response.clicked_elsewhere();
        self.fresh = false;
        if picked.is_some() || left {
            self.close(ctx);
        } else if outside {
            // The click says where the keyboard goes.
            self.open = false;
        }
        picked
    }

    /// Takes the keys before the text field can: what was chosen, and whether Escape was pressed.
    fn keys(&mut self, ctx: &egui::Context, n: usize) -> (Option<usize>, bool) {
        let (mut chosen, mut left) = (None, false);
        ctx.input_mut(|i| {
            let mut moved = 0i64;
            for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, 8), (Key::PageUp, -8)]
            {
                if i.consume_key(Modifiers::NONE, key) {
                    moved += by;
                }
            }
            if moved != 0 && n > 0 {
                let n = n as i64;
                let at = self.at as i64 + moved;
                let at = if moved.abs() == 1 { at.rem_euclid(n) } else { at.clamp(0, n - 1) };
                self.at = at as usize;
            }
            if i.consume_key(Modifiers::NONE, Key::Enter) {
                chosen = Some(self.at);
            }
            if i.consume_key(Modifiers::NONE, Key::Escape) {
                left = true;
            }
        });
        (chosen, left)
    }

    fn input(&mut self, ui: &mut Ui, theme: &Theme) {
        let t = &theme.tokens;
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::HEADER));
        widgets::shape_icon(
            ui,
            egui::pos2(rect.left() + 24.0, rect.center().y),
            icons::MAGNIFYING_GLASS,
            size::ICON,
            false,
            t.text_3,
        );
        let inner = Rect::from_min_max(rect.min + vec2(44.0, 0.0), rect.max - vec2(16.0, 0.0));
        let font = Type::Prose.font(Weight::Regular);
        let name = theme.t("shell.palette_placeholder");
        let edit = egui::TextEdit::singleline(&mut self.query)
            .id(Id::unique("palette_query"))
            .frame(egui::Frame::NONE)
            .margin(Margin::ZERO)
            .font(font.clone())
            .text_color(t.text_1)
            .align(egui::Align2::LEFT_CENTER)
            .min_size(inner.size())
            .desired_width(inner.width())
            .return_key(None)
            .hint_text(egui::RichText::new(&name).font(font).color(t.text_3));
        let response = ui.place(inner, edit).accessible_name(theme.t("shell.cmd_palette"));
        if !response.has_focus() {
            response.request_focus();
        }
        if response.changed() {
            self.at = 0;
        }
    }

    fn rows(&mut self, ui: &mut Ui, theme: &Theme, entries: &[Entry], found: &[Found]) -> Option<Target> {
        let t = &theme.tokens;
        let mut picked = None;
        self.at = self.at.min(found.len().saturating_sub(1));
        if found.is_empty() {
            let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW));
            let at = rect.left_center() + vec2(44.0, 0.0);
            let words = theme.t("shell.palette_nothing");
            let font = Type::Body.font(Weight::Regular);
            ui.painter().text(at, egui::Align2::LEFT_CENTER, words, font, t.text_3);
            return None;
        }
        egui::ScrollArea::vertical().max_height(ROW * MAX_ROWS as f32).show(ui, |ui| {
            for (i, hit) in found.iter().enumerate() {
                let response = row(ui, theme, &entries[hit.index], &hit.letters, i == self.at);
                if response.clicked() {
                    picked = Some(entries[hit.index].target);
                }
                if i == self.at && ui.input(|i| i.keys_down.is_empty()) {
                    // Following the selection while a key is held down would fight the scrolling.
                    continue;
                }
                if i == self.at {
                    response.scroll_to_me(None);
                }
            }
        });
        ui.add_space(4.0);
        picked
    }
}

fn row(ui: &mut Ui, theme: &Theme, entry: &Entry, letters: &[usize], selected: bool) -> egui::Response {
    let t = &theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &entry.name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 0.0, if selected { t.selected } else { t.hover });
    }
    let y = rect.center().y;
    let ink = if selected { t.accent } else { t.text_2 };
    widgets::shape_icon(ui, egui::pos2(rect.left() + 24.0, y), entry.icon, size::ICON, false, ink);
    let mut job = LayoutJob::default();
    for (i, c) in entry.name.chars().enumerate() {
        let weight = if letters.contains(&i) { Weight::Semibold } else { Weight::Regular };
        job.append(c.encode_utf8(&mut [0; 4]), 0.0, TextFormat::simple(Type::Body.font(weight), t.text_1));
    }
    job.append(
        &entry.place,
        10.0,
        TextFormat {
            valign: Align::Center,
            ..TextFormat::simple(Type::Hint.font(Weight::Regular), t.text_3)
        },
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 150.0);
    let galley = ui.painter().layout_job(job);
    let at = egui::pos2(rect.left() + 44.0, y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, t.text_1);
    if let Some(keys) = &entry.keys {
        let font = Type::Caption.mono(Weight::Regular);
        let words = widgets::galley(ui, keys, font, t.text_2);
        let half = vec2(words.size().x / 2.0 + 5.0, 9.0);
        let center = egui::pos2(rect.right() - 16.0 - half.x, y);
        let key = Rect::from_center_size(center, half * 2.0);
        let line = egui::Stroke::new(1.0, t.line_strong);
        ui.painter().rect_stroke(key, f32::from(size::RADIUS_TAG), line, egui::StrokeKind::Inside);
        ui.painter().galley(key.center() - words.size() / 2.0, words, t.text_2);
    }
    response
}
