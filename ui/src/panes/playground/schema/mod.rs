//! Replies as JSON: the row of the sampling panel, the mark beside the composer, and the dialog in which the schema is
//! made, of fields or as it is written.

mod editor;
mod fields;

use super::Playground;
use super::doc::View;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{Button, icon_button};
use editor::Editor;
use egui::Ui;
use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::generate::SamplingSpec;

#[derive(Default)]
pub struct SchemaState {
    /// The one used last, for turning it on again.
    pub last: Option<String>,
    editor: Option<Editor>,
}

/// `3 fields`, or what else can be said of a schema in few words.
fn words(cx: &PaneCx, schema: &str) -> String {
    match fields::from_schema(schema).map(|fields| fields.len()) {
        Some(1) => cx.t("playground.schema_one_field"),
        Some(n) => cx.tf("playground.schema_n_fields", &[("n", &n)]),
        None => cx.t("playground.schema_own"),
    }
}

impl Playground {
    /// The button that opens the dialog, and the one that turns the schema off.
    pub(super) fn schema_buttons(&mut self, ui: &mut Ui, cx: &PaneCx, name: &str, spec: &mut SamplingSpec) {
        let Some(schema) = spec.json_schema.clone() else {
            let button = Button::control(cx.t("playground.off")).caret();
            if button.name(format!("{name}: {}", cx.t("playground.off"))).show(ui).clicked() {
                self.edit_schema(spec);
            }
            return;
        };
        if icon_button(ui, icons::X, cx.t("playground.schema_end")).clicked() {
            self.schema.last = spec.json_schema.take();
        }
        let words = words(cx, &schema);
        let button = Button::control(&words).icon(icons::BRACKETS_CURLY).name(format!("{name}: {words}"));
        if button.show(ui).clicked() {
            self.edit_schema(spec);
        }
    }

    /// Where a message is written: that its answer will be JSON.
    pub(super) fn schema_mark(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let spec = self.sampling.spec(cx);
        if spec.json_schema.is_none() {
            return;
        }
        let button = Button::quiet("JSON").icon(icons::BRACKETS_CURLY).name(cx.t("playground.schema_mark"));
        if button.tooltip(cx.t("playground.schema_mark_tip")).show(ui).clicked() {
            self.edit_schema(&spec);
        }
    }

    fn edit_schema(&mut self, spec: &SamplingSpec) {
        let text = spec.json_schema.as_ref().or(self.schema.last.as_ref());
        self.schema.editor = Some(Editor::of(text.map(String::as_str), spec.json_schema.is_some()));
    }

    pub(super) fn schema_dialog(&mut self, ui: &Ui, cx: &mut PaneCx, view: &View) {
        let Some(editor) = &mut self.schema.editor else { return };
        let asks = view.record.kind == ChatKind::Chat;
        match editor.show(ui.ctx(), cx, asks) {
            editor::Asked::Nothing => {}
            editor::Asked::Close => self.end_schema(),
            editor::Asked::Use(schema) => {
                self.schema.last = Some(schema.clone());
                self.sampling.set_schema(cx, Some(schema));
                self.end_schema();
            }
            editor::Asked::TurnOff => {
                self.schema.last = self.sampling.spec(cx).json_schema;
                self.sampling.set_schema(cx, None);
                self.end_schema();
            }
            editor::Asked::Ask(words) => self.add_to_draft(cx, &words),
        }
    }

    fn end_schema(&mut self) {
        self.schema.editor = None;
        self.composer.want_focus = true;
    }

    /// Below what is typed already.
    fn add_to_draft(&mut self, cx: &PaneCx, words: &str) {
        let Some(doc) = &mut self.doc else { return };
        if !doc.draft.contains(words) {
            let gap = if doc.draft.trim().is_empty() { "" } else { "\n" };
            doc.draft = format!("{}{gap}{words}", doc.draft.trim_end());
            doc.typed(cx.now_ms);
        }
    }
}
