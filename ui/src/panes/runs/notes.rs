//! What a person says about a run: tags, and notes that are kept as they are typed.

use super::RunsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button, Field};
use egui::{Frame, Id, Key, Margin, RichText, Stroke, TextEdit, Ui, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::RunRecord;
use std::time::Duration;

/// Notes are stored at most this long after the first change to them.
const AUTOSAVE_MS: i64 = 800;

#[derive(Default)]
pub struct NotesState {
    /// Notes being typed, and since when they are not stored.
    draft: Option<(RunId, String, Option<i64>)>,
    /// A tag being typed.
    tag: String,
}

impl NotesState {
    /// Stores what is due, or everything.
    pub fn store(&mut self, cx: &mut PaneCx, at_once: bool) {
        let Some((run, text, since)) = &mut self.draft else { return };
        if since.is_some_and(|since| at_once || cx.now_ms - since >= AUTOSAVE_MS) {
            *since = None;
            let edit = Edit::SetRunNotes { run: *run, notes: text.clone() };
            cx.edit(edit);
        }
    }

    /// Takes up another run's notes.
    fn of(&mut self, cx: &mut PaneCx, run: &RunRecord) {
        if self.draft.as_ref().is_none_or(|(id, ..)| *id != run.id) {
            self.store(cx, true);
            self.draft = Some((run.id, run.notes.clone(), None));
            self.tag.clear();
        }
    }
}

impl RunsPane {
    pub(super) fn notes_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        self.notes.of(cx, run);
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 16, bottom: 4 }).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            self.tags_ui(ui, cx, run);
            self.field(ui, cx);
        });
    }

    /// The tags, each to be taken off, and a field for another.
    fn tags_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let mut tags = run.tags.clone();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            widgets::semibold(ui, cx.t("runs.tags"));
            ui.add_space(8.0);
            tags.retain(|tag| {
                let name = cx.tf("runs.remove_tag", &[("tag", tag)]);
                let off = Button::control(tag.clone()).icon(icons::X).small().name(name);
                !off.show(ui).clicked()
            });
            let name = cx.t("runs.add_tag");
            let field = Field::new(&name).placeholder(&name).width(120.0).id(Id::unique(("tag", cx.slot)));
            let response = field.show(ui, &mut self.notes.tag);
            if response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
                let tag = std::mem::take(&mut self.notes.tag).trim().to_owned();
                if !tag.is_empty() && !tags.contains(&tag) {
                    tags.push(tag);
                }
                response.request_focus();
            }
        });
        if tags != run.tags {
            cx.edit(Edit::SetRunTags { run: run.id, tags });
        }
    }

    fn field(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some((_, text, since)) = &mut self.notes.draft else { return };
        let t = cx.theme.tokens;
        let id = Id::unique(("notes", cx.slot));
        let focused = ui.memory(|m| m.has_focus(id));
        let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
        let inset = if focused { 8 } else { 9 };
        let font = Type::Body.font(Weight::Regular);
        let hint = RichText::new(cx.t("runs.notes_hint")).font(font.clone()).color(t.text_3);
        let frame = Frame::new().fill(t.well).stroke(line).corner_radius(size::RADIUS_CONTROL);
        let shown = frame.inner_margin(Margin::symmetric(inset, inset - 3)).show(ui, |ui| {
            let edit = TextEdit::multiline(text).id(id).frame(Frame::NONE).margin(Margin::ZERO).font(font);
            let edit = edit.text_color(t.text_1).desired_rows(1).desired_width(f32::INFINITY).hint_text(hint);
            ui.add(edit).accessible_name(cx.t("runs.notes"))
        });
        if shown.inner.changed() {
            since.get_or_insert(cx.now_ms);
        }
        let left = shown.inner.lost_focus();
        let waits = since.is_some();
        self.notes.store(cx, left);
        if waits {
            ui.ctx().request_repaint_after(Duration::from_millis(AUTOSAVE_MS.unsigned_abs() + 20));
        }
    }
}
