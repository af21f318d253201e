//! The model in the header: a button with its state, a popover to choose, rename and remove, and what went wrong.

use super::Playground;
use super::pick::{Choice, Chosen};
use super::tuned::{part_tip, part_words};
use crate::action::{Open, Toast, ToastAction};
use crate::model::{ModelState, Part};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, Field, icon_button};
use egui::{Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::{ModelCard, ModelRecord};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::RunRecord;
use std::sync::Arc;

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
        let state = state_word(cx, cx.model.library.state(model.id));
        shown.label = cx.tf("playground.model_button", &[("name", &shown.name), ("state", &state)]);
        let response = paint_model_button(ui, cx, model.id, &shown);
        let mut choice = None;
        let closed = widgets::popover(&response, 360.0, |ui| self.models(ui, cx, now, &mut choice));
        match choice {
            Some(Choice::Model(id)) => self.choose_model(id, cx),
            Some(Choice::Tuned { base, run, part }) => self.choose_tuned(base, run, part, cx),
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
        choice: &mut Option<Choice>,
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

    pub(super) fn model_row(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        model: &Arc<ModelRecord>,
        (selected, manages): (bool, bool),
    ) -> bool {
        if self.header.renaming.as_ref().is_some_and(|(id, _)| *id == model.id) {
            self.rename_model(ui, cx);
            return false;
        }
        let width = ui.available_width();
        let mut done = false;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let manages = manages && !model.starter;
            let buttons = if !manages { 0.0 } else { 2.0 * (size::CONTROL_SMALL + 2.0) };
            done = model_row_button(ui, cx, model, selected, width - buttons).clicked();
            if !manages {
                return;
            }
            let rename = cx.tf("playground.rename_model", &[("name", &model.name)]);
            if icon_button(ui, icons::PENCIL_SIMPLE, rename).clicked() {
                self.header.renaming = Some((model.id, model.name.clone()));
            }
            let remove = cx.tf("playground.remove_model", &[("name", &model.name)]);
            if icon_button(ui, icons::TRASH, remove).clicked() {
                cx.edit(Edit::RemoveModel(model.id));
                let text = Text::new("playground.model_removed").arg("name", &model.name);
                let back = ToastAction::Open(Open::Path(model.path.clone()));
                cx.toast(Toast::new(text).icon(icons::TRASH).action(Text::new("shell.undo"), back));
            }
        });
        done
    }

    fn rename_model(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some((id, name)) = &mut self.header.renaming else { return };
        let field = egui::Id::unique(("rename model", cx.slot));
        let label = cx.t("playground.model_name");
        let response = Field::new(&label).id(field).width(ui.available_width()).show(ui, name);
        if !response.has_focus() && !response.lost_focus() {
            response.request_focus();
        }
        if response.lost_focus() {
            let (id, name) = (*id, name.trim().to_owned());
            if !name.is_empty() && !ui.input(|i| i.key_pressed(egui::Key::Escape)) {
                cx.edit(Edit::RenameModel { model: id, name });
            }
            self.header.renaming = None;
        }
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
            tip: describe(cx, model, cx.model.library.state(model.id)),
            label: String::new(),
        }
    }

    pub(super) fn tuned(cx: &PaneCx, run: &RunRecord, part: &Part) -> Self {
        let (name, label) = (run.name.clone(), String::new());
        Self { name, detail: part_words(cx, part), tip: part_tip(cx, run, part), label }
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
    widgets::paint_bead(ui, pos2(rect.left() + 16.0, y), bead_color(cx, state));
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

fn bead_color(cx: &PaneCx, state: &ModelState) -> Option<egui::Color32> {
    let t = cx.theme.tokens;
    match state {
        ModelState::Idle => None,
        ModelState::Loading(_) => Some(t.warm),
        ModelState::Ready => Some(t.ok),
        ModelState::Failed(_) => Some(t.danger),
    }
}

pub(super) fn state_word(cx: &PaneCx, state: &ModelState) -> String {
    cx.t(match state {
        ModelState::Idle => "model.idle",
        ModelState::Loading(_) => "model.loading",
        ModelState::Ready => "model.ready",
        ModelState::Failed(_) => "model.failed",
    })
}

fn describe(cx: &PaneCx, model: &ModelRecord, state: &ModelState) -> String {
    let mut lines = vec![format!("{} · {}", model.name, state_word(cx, state)), card_words(cx, &model.card)];
    lines.extend(model.card.description.clone());
    lines.extend(cx.runs_only(&model.card));
    if let ModelState::Loading(job) = state
        && let Some(progress) = cx.model.jobs.get(*job).and_then(|j| j.progress.as_ref())
    {
        lines.push(units::progress(cx.language, progress));
    }
    lines.join("\n")
}

/// `llama, 135 M weights, 98 MB, 2,048 tokens of context`.
#[must_use]
pub(super) fn card_words(cx: &PaneCx, card: &ModelCard) -> String {
    cx.tf(
        "model.card_line",
        &[
            ("architecture", &card.architecture),
            ("params", &units::count(card.n_params)),
            ("size", &units::size(card.size_bytes)),
            ("context", &units::grouped(card.context_length.into())),
        ],
    )
}

fn model_row_button(ui: &mut Ui, cx: &PaneCx, model: &ModelRecord, selected: bool, width: f32) -> Response {
    let t = cx.theme.tokens;
    let state = cx.model.library.state(model.id);
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::MenuItemRadio, true, selected, &model.name));
    let fill = match (selected, response.hovered() || response.has_focus()) {
        (true, _) => t.selected,
        (_, true) => t.hover,
        _ => egui::Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, f32::from(size::RADIUS_TAG), fill);
    let y = rect.center().y;
    widgets::paint_bead(ui, pos2(rect.left() + 12.0, y), bead_color(cx, state));
    let kind = if model.card.run_only { cx.t("model.runs_only") } else { model.card.weight_type.clone() };
    let size_words = format!("{kind}  {}", units::size(model.card.size_bytes));
    let detail = widgets::galley(ui, size_words, Type::Hint.mono(Weight::Regular), t.text_3);
    let mut job = egui::text::LayoutJob::simple_singleline(
        model.name.clone(),
        Type::Body.font(Weight::Medium),
        t.text_1,
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width((width - detail.size().x - 48.0).max(40.0));
    let name = ui.painter().layout_job(job);
    ui.painter().galley(pos2(rect.left() + 24.0, y - name.size().y / 2.0), name, t.text_1);
    let right = rect.right() - 8.0 - detail.size().x;
    ui.painter().galley(pos2(right, y - detail.size().y / 2.0), detail, t.text_3);
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.on_hover_text(describe(cx, model, state))
}
