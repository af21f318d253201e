//! The model in the header: a button with its state, a popover to choose another, and what went wrong.

use super::Playground;
use super::pick::Chosen;
use crate::model::{ModelState, Offer, Part};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button};
use egui::{Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::train::RunRecord;

impl Playground {
    pub(super) fn model_button(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(model) = self.model.and_then(|id| cx.model.library.get(id)).cloned() else {
            if Button::control(cx.t("playground.open_model")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
                self.opener.open();
            }
            return;
        };
        let now = Chosen { model: Some(model.id), tuned: self.tuned, manages: true };
        let tuned = self.tuned_now(cx).map(|(run, part, _)| Shown::tuned(cx, run, &part));
        let mut shown = tuned.unwrap_or_else(|| Shown::model(cx, &model));
        let state = cx.state_word(cx.model.library.state(model.id));
        shown.label = cx.tf("playground.model_button", &[("name", &shown.name), ("state", &state)]);
        let response = paint_model_button(ui, cx, model.id, &shown);
        let mut choice = None;
        let closed = widgets::popover(&response, 360.0, |ui| self.models(ui, cx, now, &mut choice));
        match choice {
            Some(Offer::Model { model, .. }) => self.choose_model(model.id, cx),
            Some(Offer::Part { base, run, part }) => self.choose_tuned(base, run.id, part.part, cx),
            None => {}
        }
        if closed == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }

    /// All models of the library; says whether the popover has done its work.
    pub(super) fn models(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        now: Chosen,
        choice: &mut Option<Offer>,
    ) -> bool {
        ui.spacing_mut().item_spacing.y = 2.0;
        *choice = self.entries_ui(ui, cx, now);
        let mut done = choice.is_some();
        ui.add_space(6.0);
        widgets::divider(ui);
        ui.add_space(6.0);
        let open = Button::quiet(cx.t("playground.open_model")).icon(icons::FOLDER_OPEN);
        if open.tooltip(cx.tip(ui, crate::command::UiCommand::OpenModel)).show(ui).clicked() {
            self.opener.open();
            done = true;
        }
        done
    }

    /// A model that could not be loaded: why, and the ways on.
    pub(super) fn model_trouble(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(id) = self.model else { return };
        let ModelState::Failed(failure) = cx.model.library.state(id) else { return };
        let t = cx.theme.tokens;
        egui::Frame::new().fill(t.danger_wash).inner_margin(egui::Margin::symmetric(16, 10)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let again = Button::control(cx.t("playground.try_again")).icon(icons::ARROW_CLOCKWISE);
            if widgets::failed_line(ui, failure, Some(again)) {
                self.choose_model(id, cx);
            }
        });
    }
}

/// What the button says.
pub(super) struct Shown {
    pub name: String,
    /// Weaker, where there is room.
    pub detail: String,
    pub tip: String,
    /// What it is called.
    pub label: String,
}

impl Shown {
    pub(super) fn model(cx: &PaneCx, model: &ModelRecord) -> Self {
        Self {
            name: model.name.clone(),
            detail: model.card.weight_type.clone(),
            tip: cx.model_tip(model),
            label: String::new(),
        }
    }

    pub(super) fn tuned(cx: &PaneCx, run: &RunRecord, part: &Part) -> Self {
        let (name, label) = (run.name.clone(), String::new());
        Self { name, detail: cx.part_words(part), tip: cx.part_tip(run, part), label }
    }
}

/// Bead, name, type of weights, caret, and a bar while it is being loaded.
pub(super) fn paint_model_button(ui: &mut Ui, cx: &PaneCx, id: ModelId, shown: &Shown) -> Response {
    let t = cx.theme.tokens;
    let state = cx.model.library.state(id);
    let room = (ui.available_width() - 8.0).clamp(80.0, 320.0);
    let detail = widgets::galley(ui, &shown.detail, Type::Hint.mono(Weight::Regular), t.text_3);
    let fixed = 12.0 + 8.0 + 8.0 + 8.0 + 12.0 + 12.0;
    let mut job = egui::text::LayoutJob::simple_singleline(
        shown.name.clone(),
        Type::Body.font(Weight::Medium),
        t.text_1,
    );
    let with_detail = room > fixed + detail.size().x + 90.0;
    let rest = room - fixed - if with_detail { detail.size().x + 8.0 } else { 0.0 };
    job.wrap = egui::text::TextWrapping::truncate_at_width(rest.max(24.0));
    let name = ui.painter().layout_job(job);
    let width = fixed + name.size().x + if with_detail { detail.size().x + 8.0 } else { 0.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &shown.label));
    let fill = if response.is_pointer_button_down_on() {
        t.pressed
    } else if response.hovered() {
        t.hover
    } else {
        t.control
    };
    let radius = f32::from(size::RADIUS_CONTROL);
    ui.painter().rect(rect, radius, fill, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let y = rect.center().y;
    widgets::paint_bead(ui, pos2(rect.left() + 16.0, y), cx.bead_color(state));
    let mut x = rect.left() + 28.0;
    ui.painter().galley(pos2(x, y - name.size().y / 2.0), name.clone(), t.text_1);
    x += name.size().x + 8.0;
    if with_detail {
        ui.painter().galley(pos2(x, y - detail.size().y / 2.0), detail, t.text_3);
    }
    let caret = pos2(rect.right() - 16.0, y);
    widgets::shape_icon(ui, caret, icons::CARET_DOWN, 12.0, false, t.text_2);
    loading_bar(ui, cx, state, rect);
    widgets::focus_ring(ui, &response, rect);
    response.on_hover_text(&shown.tip)
}

/// A warm line along the foot of the button.
fn loading_bar(ui: &Ui, cx: &PaneCx, state: &ModelState, rect: Rect) {
    let ModelState::Loading(job) = state else { return };
    let fraction = cx.model.jobs.get(*job).and_then(|j| j.progress.as_ref()).and_then(|p| p.fraction());
    let inner = rect.shrink2(vec2(6.0, 0.0));
    let width = inner.width() * fraction.unwrap_or(0.15);
    let bar = Rect::from_min_size(pos2(inner.left(), rect.bottom() - 3.0), vec2(width, 2.0));
    ui.painter().rect_filled(bar, 1.0, cx.theme.tokens.warm);
}
