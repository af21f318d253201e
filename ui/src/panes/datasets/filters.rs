//! The bar of filters: each as a chip that is opened to change it, words that are typed, and how many rows pass.

use super::DatasetsPane;
use super::filter_form::{FilterForm, Kind};
use super::filter_words;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, MenuItem, icon_button};
use egui::{
    Align, Frame, Id, Key, Layout, Margin, Modifiers, Rect, Response, Role, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use glassworks_protocol::datasets::{DatasetRecord, Filter};

/// The least that can be typed in.
const FIELD: f32 = 72.0;
const PAD: f32 = 8.0;

#[derive(Default)]
pub struct FilterBar {
    /// What is being typed.
    text: String,
    pub form: FilterForm,
    pub want_focus: bool,
}

/// The field as one thing for the keyboard.
fn field_id(cx: &PaneCx) -> Id {
    Id::unique(("filter field", cx.slot))
}

impl DatasetsPane {
    pub(super) fn filter_bar(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord) {
        let t = cx.theme.tokens;
        let (_, rect) = ui.allocate_space(vec2(ui.available_width().max(200.0), size::CONTROL));
        let focused = ui.memory(|m| m.has_focus(field_id(cx)));
        let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
        ui.painter().rect(rect, f32::from(size::RADIUS_CONTROL), t.field, line, StrokeKind::Inside);
        let inner = rect.shrink2(vec2(2.0, 2.0));
        let builder = UiBuilder::new().id_salt("filters").max_rect(inner);
        let mut child = ui.new_child(builder.layout(Layout::left_to_right(Align::Center)));
        child.set_clip_rect(inner.intersect(ui.clip_rect()));
        child.spacing_mut().item_spacing.x = 4.0;
        let button = icon_button(&mut child, icons::FUNNEL, cx.t("datasets.add_filter"));
        self.filter_menu(&button, cx, record);
        let end = self.count_ui(ui, cx, record, rect);
        let room = end - child.cursor().left() - FIELD;
        self.chips_ui(&mut child, cx, room);
        let field =
            Rect::from_min_max(pos2(child.cursor().left() + 2.0, rect.top()), pos2(end, rect.bottom()));
        self.field_ui(&mut child, cx, field);
        self.filter_form_ui(ui, cx, record);
    }

    /// How many pass, and what stops the search; says where it begins.
    fn count_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord, rect: Rect) -> f32 {
        let t = cx.theme.tokens;
        let mut right = rect.right() - PAD;
        let job = self.view.job();
        if job.is_some() {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(320));
        }
        if let Some(job) = job.filter(|_| self.view.is_slow(cx.now_ms)) {
            let place = Rect::from_min_size(pos2(right - 20.0, rect.top() + 2.0), vec2(24.0, 24.0));
            let mut child = ui.new_child(UiBuilder::new().id_salt("stop").max_rect(place));
            if icon_button(&mut child, icons::STOP, cx.t("datasets.stop_finding")).clicked() {
                cx.cancel(job);
                self.view.stopped();
            }
            right -= 28.0;
        }
        let n = units::grouped(self.view.rows.len() as u64);
        let words = match self.view.filters.is_empty() {
            true => n,
            false => cx.tf("datasets.n_of", &[("n", &n), ("all", &units::grouped(record.n_rows))]),
        };
        let selected = self.selection.len();
        let words = match selected {
            0 | 1 => words,
            n => cx.tf("datasets.and_selected", &[("words", &words), ("n", &units::grouped(n as u64))]),
        };
        let ink = if job.is_some() && self.view.is_slow(cx.now_ms) { t.warm } else { t.text_3 };
        let galley = widgets::galley(ui, &words, Type::Hint.mono(Weight::Regular), ink);
        let at = pos2(right - galley.size().x, rect.center().y - galley.size().y / 2.0);
        let place = Rect::from_min_size(at, galley.size());
        let response = ui.interact(place, Id::unique(("n rows", cx.slot)), Sense::hover());
        let name = cx.tf("datasets.n_shown", &[("words", &words)]);
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &name));
        ui.painter().galley(at, galley, ink);
        at.x - PAD
    }

    /// Filters that stand; those there is no room for are told as a number.
    fn chips_ui(&mut self, ui: &mut Ui, cx: &PaneCx, room: f32) {
        let words: Vec<String> =
            self.view.filters.iter().map(|filter| filter_words::words(cx, filter)).collect();
        let most = (room * 0.6).clamp(90.0, 220.0);
        let mut left = room;
        let mut remove = None;
        for (at, words) in words.iter().enumerate() {
            let more = words.len() - at;
            if left < 64.0 && more > 0 {
                widgets::mono(ui, format!("+{}", self.view.filters.len() - at));
                break;
            }
            let asked = chip(ui, cx, at, words, most.min(left));
            left -= asked.width + 4.0;
            if asked.removed {
                remove = Some(at);
            }
            if let Some(place) = asked.opened
                && let Some(kind) = Kind::of(&self.view.filters[at])
            {
                self.filters.form.open(kind, Some((at, &self.view.filters[at])), place);
            }
        }
        if let Some(at) = remove {
            self.view.filters.remove(at);
        }
    }

    fn field_ui(&mut self, ui: &mut Ui, cx: &PaneCx, place: Rect) {
        let t = cx.theme.tokens;
        let id = field_id(cx);
        if std::mem::take(&mut self.filters.want_focus) {
            ui.memory_mut(|m| m.request_focus(id));
        }
        let font = Type::Body.font(Weight::Regular);
        let hint = cx.t("datasets.filter_hint");
        let empty = self.filters.text.is_empty();
        let edit = TextEdit::singleline(&mut self.filters.text)
            .id(id)
            .frame(Frame::NONE)
            .margin(Margin::ZERO)
            .font(font.clone())
            .text_color(t.text_1)
            .desired_width(place.width())
            .min_size(place.size())
            .align(egui::Align2::LEFT_CENTER)
            .hint_text(egui::RichText::new(hint).font(font).color(t.text_3));
        let response = ui.place(place, edit).accessible_name(cx.t("datasets.filter_field"));
        let pressed = |key| ui.input(|i| i.key_pressed(key));
        if response.lost_focus() && pressed(Key::Enter) {
            if let Some(filter) = filter_words::typed(&self.filters.text) {
                self.view.filters.push(filter);
                self.filters.text.clear();
                response.request_focus();
            } else {
                self.grid.want_focus = true;
            }
        } else if response.lost_focus() && pressed(Key::Escape) {
            self.filters.text.clear();
            self.grid.want_focus = true;
        }
        if response.has_focus() && empty && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Backspace)) {
            self.view.filters.pop();
        }
    }

    /// What there is to filter by.
    fn filter_menu(&mut self, button: &Response, cx: &PaneCx, record: &DatasetRecord) {
        let measured = cx.model.datasets.measure(record.id).is_some();
        let labelled = cx.model.datasets.labels(record.id).is_some_and(|labels| !labels.is_empty());
        let chosen = widgets::menu(button, 240.0, |ui| {
            let mut chosen = None;
            for (kind, icon) in Kind::FORMS {
                let shown = match kind {
                    Kind::Tokens => measured,
                    Kind::Labels => labelled,
                    _ => true,
                };
                if shown && MenuItem::new(cx.t(kind.key())).icon(icon).show(ui).clicked() {
                    chosen = Some(Ok(*kind));
                }
            }
            widgets::divider(ui);
            for (filter, needs_measure) in filter_words::plain() {
                if needs_measure && !measured {
                    continue;
                }
                let on = self.view.filters.contains(&filter);
                let words = filter_words::words(cx, &filter);
                if MenuItem::new(words).selected(on).show(ui).clicked() {
                    chosen = Some(Err(filter));
                }
            }
            chosen
        });
        match chosen.flatten() {
            Some(Ok(kind)) => self.filters.form.open(kind, None, button.rect),
            Some(Err(filter)) => self.toggle_filter(filter),
            None => {}
        }
    }

    /// Adds a filter, or takes it away where it stands already.
    pub(super) fn toggle_filter(&mut self, filter: Filter) {
        match self.view.filters.iter().position(|one| *one == filter) {
            Some(at) => drop(self.view.filters.remove(at)),
            None => self.view.filters.push(filter),
        }
        self.tab = super::Tab::Rows;
    }
}

/// What was done with a chip.
struct ChipAsked {
    width: f32,
    removed: bool,
    opened: Option<Rect>,
}

fn chip(ui: &mut Ui, cx: &PaneCx, at: usize, words: &str, most: f32) -> ChipAsked {
    let t = cx.theme.tokens;
    let font = Type::Hint.font(Weight::Medium);
    let mut job = egui::text::LayoutJob::simple_singleline(words.to_owned(), font, t.accent);
    job.wrap = egui::text::TextWrapping::truncate_at_width((most - 36.0).max(24.0));
    let galley = ui.painter().layout_job(job);
    let width = galley.size().x + 36.0;
    let (_, rect) = ui.allocate_space(vec2(width, 22.0));
    let (body, close) = rect.split_left_right_at_x(rect.right() - 24.0);
    let opened = ui.interact(body, Id::unique(("filter", cx.slot, at)), Sense::click());
    opened.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    let removed = ui.interact(close, Id::unique(("remove filter", cx.slot, at)), Sense::click());
    let name = cx.tf("datasets.remove_filter", &[("words", &words)]);
    removed.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let radius = f32::from(size::RADIUS_TAG);
    ui.painter().rect_filled(rect, radius, t.selected);
    if removed.hovered() {
        ui.painter().rect_filled(close.shrink(2.0), radius, t.hover);
    }
    let top = rect.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(rect.left() + 8.0, top), galley, t.accent);
    widgets::shape_icon(ui, close.center(), icons::X, 12.0, false, t.accent);
    widgets::focus_ring(ui, &opened, body);
    widgets::focus_ring(ui, &removed, close);
    let keys = removed.has_focus() && ui.input(|i| i.key_pressed(Key::Delete));
    ChipAsked { width, removed: removed.clicked() || keys, opened: opened.clicked().then_some(rect) }
}
