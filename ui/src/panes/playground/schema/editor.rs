//! The dialog in which a schema is made.

use super::fields::{self, FieldRow, Kind};
use crate::panes::PaneCx;
use crate::panes::playground::text_area::text_area;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field, Select, Tone, icon_button, segments};
use egui::{Align, Context, Id, Layout, ScrollArea, Ui};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::{JobOutput, JobSpec, Outcome};
use std::time::Duration;

/// A schema is checked when nothing was typed for this long.
const CHECK_AFTER_MS: i64 = 300;
/// Widths of a field's name and kind.
const NAME: f32 = 170.0;
const KIND: f32 = 150.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Fields,
    Text,
}

/// What is asked of whoever shows the dialog.
pub enum Asked {
    Nothing,
    Close,
    Use(String),
    TurnOff,
    /// Put these words, which ask for the fields, into the message.
    Ask(String),
}

pub struct Editor {
    mode: Mode,
    fields: Vec<FieldRow>,
    text: String,
    /// A schema is on already.
    is_on: bool,
    typed_at_ms: Option<i64>,
    checking: Option<JobId>,
    /// The name of this field should take the keyboard.
    want_focus: Option<usize>,
}

impl Editor {
    pub fn of(schema: Option<&str>, is_on: bool) -> Self {
        let fields = schema.and_then(fields::from_schema);
        let mode = if schema.is_some() && fields.is_none() { Mode::Text } else { Mode::Fields };
        let fields = fields.unwrap_or_else(|| vec![FieldRow::default()]);
        let want_focus = Some(fields.len() - 1);
        let text = schema.unwrap_or_default().to_owned();
        let typed_at_ms = (mode == Mode::Text).then_some(0);
        Self { mode, fields, text, is_on, typed_at_ms, checking: None, want_focus }
    }

    pub fn show(&mut self, ctx: &Context, cx: &mut PaneCx, asks: bool) -> Asked {
        self.check_typed(ctx, cx);
        let theme = std::sync::Arc::clone(&cx.theme);
        let title = cx.t("playground.schema_title");
        let mut asked = Asked::Nothing;
        let close = widgets::dialog(ctx, &theme, "schema", &title, 640.0, |ui| {
            ui.label(Type::Body.text(cx.t("playground.schema_sentence"), theme.tokens.text_2));
            self.modes(ui, cx);
            let room = (ctx.content_rect().height() - 380.0).clamp(120.0, 360.0);
            match self.mode {
                Mode::Fields => self.field_rows(ui, cx, room),
                Mode::Text => self.written(ui, cx, room),
            }
            ui.add_space(4.0);
            asked = self.foot(ui, cx, asks);
        });
        if close { Asked::Close } else { asked }
    }

    fn modes(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let mut mode = self.mode;
        let options = [
            (Mode::Fields, cx.t("playground.schema_fields")),
            (Mode::Text, cx.t("playground.schema_written")),
        ];
        segments(ui, &cx.t("playground.schema_how"), &mut mode, &options, None);
        if mode == self.mode {
            return;
        }
        match mode {
            Mode::Text if fields::problem(&self.fields).is_none() => {
                self.text = fields::to_schema(&self.fields);
                self.typed_at_ms = Some(0);
                self.mode = mode;
            }
            Mode::Text => self.mode = mode,
            Mode::Fields if self.text.trim().is_empty() => self.mode = mode,
            // What fields cannot say would be lost: then it stays as it is written, and says so below.
            Mode::Fields => {
                if let Some(fields) = fields::from_schema(&self.text) {
                    self.fields = fields;
                    self.mode = mode;
                }
            }
        }
    }

    fn field_rows(&mut self, ui: &mut Ui, cx: &PaneCx, room: f32) {
        let mut gone = None;
        ScrollArea::vertical().id_salt("fields").max_height(room).show(ui, |ui| {
            ui.set_width(ui.available_width());
            for idx in 0..self.fields.len() {
                ui.push_id(idx, |ui| {
                    if self.field_row(ui, cx, idx) {
                        gone = Some(idx);
                    }
                });
            }
        });
        if let Some(idx) = gone {
            self.fields.remove(idx);
        }
        ui.horizontal_wrapped(|ui| {
            if Button::control(cx.t("playground.schema_add")).icon(icons::PLUS).show(ui).clicked() {
                self.want_focus = Some(self.fields.len());
                self.fields.push(FieldRow::default());
            }
            if self.fields.iter().all(|field| field.name.is_empty()) {
                ui.add_space(8.0);
                widgets::hint(ui, cx.t("playground.schema_or"));
                for (key, made) in examples(cx) {
                    if Button::quiet(cx.t(key)).show(ui).clicked() {
                        self.fields = made;
                    }
                }
            }
        });
        if fields::problem(&self.fields).is_none() {
            widgets::well(ui, |ui| {
                ui.set_width(ui.available_width());
                let example = fields::example(&self.fields);
                widgets::selectable(ui, Type::Hint.number(example, cx.theme.tokens.text_2));
            });
        }
    }

    /// Says whether the field should go.
    fn field_row(&mut self, ui: &mut Ui, cx: &PaneCx, idx: usize) -> bool {
        let only = self.fields.len() == 1;
        let number = idx + 1;
        let field = &mut self.fields[idx];
        ui.horizontal(|ui| {
            let name = cx.tf("playground.schema_name", &[("n", &number)]);
            let placeholder = cx.t("playground.schema_name_placeholder");
            let shown =
                Field::new(&name).mono().width(NAME).placeholder(placeholder).show(ui, &mut field.name);
            if self.want_focus == Some(idx) {
                self.want_focus = None;
                shown.request_focus();
            }
            let options = Kind::ALL.map(|kind| (kind, cx.t(kind.key())));
            let name = cx.tf("playground.schema_kind", &[("n", &number)]);
            Select::new(&name).width(KIND).show(ui, &mut field.kind, &options);
            let rest = ui.available_width() - 36.0;
            if field.kind == Kind::Choice {
                let name = cx.tf("playground.schema_choices", &[("n", &number)]);
                let placeholder = cx.t("playground.schema_choice_hint");
                Field::new(&name).width(rest).placeholder(placeholder).show(ui, &mut field.choices);
            } else {
                ui.allocate_ui(egui::vec2(rest, 20.0), |ui| {
                    ui.set_width(rest);
                    widgets::hint(ui, cx.t(&format!("{}_hint", field.kind.key())));
                });
            }
            let remove = cx.tf("playground.schema_remove", &[("n", &number)]);
            !only && icon_button(ui, icons::X, remove).clicked()
        })
        .inner
    }

    fn written(&mut self, ui: &mut Ui, cx: &PaneCx, room: f32) {
        let name = cx.t("playground.schema_written");
        let id = Id::unique("json schema");
        ScrollArea::vertical().id_salt("schema text").max_height(room).show(ui, |ui| {
            let rows = ((room - 16.0) / 16.0) as usize;
            if text_area(ui, id, &name, "{ \"type\": \"object\", … }", rows, true, &mut self.text).changed()
            {
                self.typed_at_ms = Some(cx.now_ms);
                self.checking = None;
            }
        });
        self.findings(ui, cx);
    }

    /// What is wrong with what is written, or that nothing is.
    fn findings(&self, ui: &mut Ui, cx: &PaneCx) {
        if self.text.trim().is_empty() {
            widgets::hint(ui, cx.t("playground.schema_empty"));
            return;
        }
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&self.text) {
            let place = [("line", &error.line() as &dyn std::fmt::Display), ("column", &error.column())];
            widgets::badge(
                ui,
                Tone::Danger,
                icons::WARNING_CIRCLE,
                cx.tf("playground.schema_no_json", &place),
            );
            return;
        }
        match self.checked(cx) {
            Some(Outcome::Done(JobOutput::SchemaChecked { warnings })) => {
                ui.horizontal_wrapped(|ui| {
                    if warnings.is_empty() {
                        widgets::badge(ui, Tone::Ok, icons::CHECK, cx.t("playground.schema_fine"));
                    }
                    for warning in warnings {
                        widgets::badge(ui, Tone::Warn, icons::WARNING, warning);
                    }
                    if fields::from_schema(&self.text).is_none() {
                        widgets::hint(ui, cx.t("playground.schema_no_fields"));
                    }
                });
            }
            Some(Outcome::Failed(failure)) => {
                let first = failure.detail.lines().next().unwrap_or_default();
                let words = format!("{}: {first}", cx.render(&failure.summary));
                ui.label(Type::Hint.text(words, cx.theme.tokens.danger));
            }
            _ => {
                widgets::hint(ui, cx.t("playground.schema_checking"));
            }
        }
    }

    fn checked<'a>(&self, cx: &'a PaneCx) -> Option<&'a Outcome> {
        cx.model.jobs.get(self.checking?)?.outcome.as_ref()
    }

    fn check_typed(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(at) = self.typed_at_ms.filter(|_| self.mode == Mode::Text) else { return };
        let left = at + CHECK_AFTER_MS - cx.now_ms;
        if left > 0 {
            ctx.request_repaint_after(Duration::from_millis(left.unsigned_abs()));
            return;
        }
        self.typed_at_ms = None;
        if serde_json::from_str::<serde_json::Value>(&self.text).is_ok() {
            self.checking = Some(cx.start(JobSpec::CheckSchema(self.text.clone())));
        }
    }

    /// The schema, or why there is none yet.
    fn ready(&self, cx: &PaneCx) -> Result<String, String> {
        match self.mode {
            Mode::Fields => match fields::problem(&self.fields) {
                Some(key) => Err(cx.t(key)),
                None => Ok(fields::to_schema(&self.fields)),
            },
            Mode::Text => match self.checked(cx) {
                Some(Outcome::Done(_)) => Ok(self.text.clone()),
                Some(_) => Err(cx.t("playground.schema_mend")),
                None if self.text.trim().is_empty() => Err(cx.t("playground.schema_empty")),
                None => Err(cx.t("playground.schema_checking")),
            },
        }
    }

    fn foot(&mut self, ui: &mut Ui, cx: &PaneCx, asks: bool) -> Asked {
        let ready = self.ready(cx);
        let mut asked = Asked::Nothing;
        let askable = asks && self.mode == Mode::Fields && ready.is_ok();
        if asks {
            widgets::hint(ui, cx.t("playground.schema_unseen"));
        }
        ui.horizontal(|ui| {
            let button = Button::accent(cx.t("playground.schema_use")).off(ready.as_ref().err().cloned());
            if button.show(ui).clicked()
                && let Ok(schema) = ready
            {
                asked = Asked::Use(schema);
            }
            if self.is_on && Button::control(cx.t("playground.schema_end")).show(ui).clicked() {
                asked = Asked::TurnOff;
            }
            if Button::quiet(cx.t("shell.cancel")).show(ui).clicked() {
                asked = Asked::Close;
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let words = cx.t("playground.schema_ask");
                let button = Button::quiet(words).icon(icons::CHAT_TEARDROP_TEXT);
                if askable && button.show(ui).clicked() {
                    asked = Asked::Ask(self.question(cx));
                }
            });
        });
        asked
    }

    /// Words that ask for these fields: the model sees no schema.
    fn question(&self, cx: &PaneCx) -> String {
        let field = |field: &FieldRow| {
            let kind = match field.kind {
                Kind::Choice => field.words().join(" / "),
                kind => cx.t(kind.key()),
            };
            format!("\"{}\" ({kind})", field.name.trim())
        };
        let fields: Vec<String> = self.fields.iter().map(field).collect();
        cx.tf("playground.schema_question", &[("fields", &fields.join(", "))])
    }
}

/// Something to begin with.
fn examples(cx: &PaneCx) -> [(&'static str, Vec<FieldRow>); 3] {
    let t = |key: &str| cx.t(key);
    [
        (
            "playground.schema_opinion",
            vec![
                FieldRow::new(
                    t("playground.schema_opinion_1"),
                    Kind::Choice,
                    t("playground.schema_opinion_words"),
                ),
                FieldRow::new(t("playground.schema_opinion_2"), Kind::Text, ""),
            ],
        ),
        (
            "playground.schema_person",
            vec![
                FieldRow::new(t("playground.schema_person_1"), Kind::Text, ""),
                FieldRow::new(t("playground.schema_person_2"), Kind::Whole, ""),
                FieldRow::new(t("playground.schema_person_3"), Kind::List, ""),
            ],
        ),
        (
            "playground.schema_answer",
            vec![
                FieldRow::new(t("playground.schema_answer_1"), Kind::Text, ""),
                FieldRow::new(t("playground.schema_answer_2"), Kind::YesNo, ""),
            ],
        ),
    ]
}
