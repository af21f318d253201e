//! What each variable of a prompt is: its label, kind and default.

use super::PromptsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, size};
use crate::widgets::{self, Field, Select};
use egui::{Sense, Ui, vec2};
use glassworks_protocol::prompts::{PromptBody, Variable, VariableKind};

/// The room for a name.
const CHIP: f32 = 96.0;

/// A kind without what it holds, to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    LongText,
    Number,
    Choice,
    YesNo,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Text, "prompts.kind_text"),
    (Kind::LongText, "prompts.kind_long_text"),
    (Kind::Number, "prompts.kind_number"),
    (Kind::Choice, "prompts.kind_choice"),
    (Kind::YesNo, "prompts.kind_yes_no"),
];

impl Kind {
    fn of(kind: &VariableKind) -> Self {
        match kind {
            VariableKind::Text => Self::Text,
            VariableKind::LongText => Self::LongText,
            VariableKind::Number { .. } => Self::Number,
            VariableKind::Choice(_) => Self::Choice,
            VariableKind::YesNo { .. } => Self::YesNo,
        }
    }

    fn begun(self, cx: &PaneCx) -> VariableKind {
        match self {
            Self::Text => VariableKind::Text,
            Self::LongText => VariableKind::LongText,
            Self::Number => VariableKind::Number { least: None, most: None },
            Self::Choice => VariableKind::Choice(Vec::new()),
            Self::YesNo => VariableKind::YesNo { yes: cx.t("prompts.yes"), no: cx.t("prompts.no") },
        }
    }
}

impl PromptsPane {
    pub(super) fn variables_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        widgets::semibold(ui, cx.t("prompts.variables"));
        let Some(editing) = &mut self.editing else { return };
        let named = editing.body.named();
        if named.is_empty() {
            widgets::hint(ui, cx.t("prompts.no_variables"));
            return;
        }
        let mut changed = false;
        for variable in named {
            ui.push_id(("variable", &variable.name), |ui| {
                let mut now = variable.clone();
                variable_row(ui, cx, &mut now);
                if now != variable {
                    put(&mut editing.body, now);
                    changed = true;
                }
            });
        }
        if changed {
            self.typed(cx.now_ms);
        }
    }
}

fn put(body: &mut PromptBody, variable: Variable) {
    match body.variables.iter_mut().find(|one| one.name == variable.name) {
        Some(one) => *one = variable,
        None => body.variables.push(variable),
    }
}

fn variable_row(ui: &mut Ui, cx: &PaneCx, variable: &mut Variable) {
    widgets::divider(ui);
    ui.add_space(2.0);
    let named = |key: &str| cx.tf(key, &[("name", &variable.name)]);
    let (label_name, kind_name, default_name) =
        (named("prompts.label_of"), named("prompts.kind_of"), named("prompts.default_of"));
    let optional_name = named("prompts.optional_of");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        chip(ui, cx, &variable.name);
        Field::new(&label_name).placeholder(cx.t("prompts.label")).show(ui, &mut variable.label);
        let mut kind = Kind::of(&variable.kind);
        let options: Vec<(Kind, String)> = KINDS.iter().map(|(kind, key)| (*kind, cx.t(key))).collect();
        if Select::new(&kind_name).width(120.0).show(ui, &mut kind, &options).changed() {
            variable.kind = kind.begun(cx);
        }
        if kind == Kind::YesNo {
            yes_no(ui, cx, variable);
            return;
        }
        let problem = !variable.default.trim().is_empty() && variable.take(None).is_err();
        let default = Field::new(&default_name).placeholder(cx.t("prompts.default"));
        default.problem(problem).show(ui, &mut variable.default);
        widgets::toggle(ui, &optional_name, &mut variable.optional);
        widgets::label(ui, cx.t("prompts.optional"));
    });
    details(ui, cx, variable);
    ui.add_space(4.0);
}

/// The name as it stands in the text.
fn chip(ui: &mut Ui, cx: &PaneCx, name: &str) {
    let t = cx.theme.tokens;
    let words = widgets::galley(ui, format!("{{{name}}}"), Type::Body.font(Weight::Medium), t.accent);
    let width = (words.size().x + 12.0).max(CHIP);
    let (rect, _) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::hover());
    let ground =
        egui::Rect::from_min_size(rect.left_center() - vec2(0.0, 11.0), vec2(words.size().x + 12.0, 22.0));
    ui.painter().rect_filled(ground, f32::from(size::RADIUS_TAG), t.selected);
    let at = egui::pos2(rect.left() + 6.0, rect.center().y - words.size().y / 2.0);
    ui.painter().galley(at, words, t.accent);
}

/// What stands in the text for yes and for no, and which is taken where nothing is said.
fn yes_no(ui: &mut Ui, cx: &PaneCx, variable: &mut Variable) {
    let name = variable.name.clone();
    let mut on = variable.is_yes(None);
    let VariableKind::YesNo { yes, no } = &mut variable.kind else { return };
    let yes_name = cx.tf("prompts.yes_of", &[("name", &name)]);
    Field::new(&yes_name).placeholder(cx.t("prompts.yes_text")).show(ui, yes);
    let no_name = cx.tf("prompts.no_of", &[("name", &name)]);
    Field::new(&no_name).placeholder(cx.t("prompts.no_text")).show(ui, no);
    let default_name = cx.tf("prompts.default_of", &[("name", &name)]);
    if widgets::toggle(ui, &default_name, &mut on).changed() {
        variable.default = if on { "yes" } else { "no" }.to_owned();
    }
    widgets::label(ui, cx.t("prompts.default_yes"));
}

/// What a kind needs besides, below the label.
fn details(ui: &mut Ui, cx: &PaneCx, variable: &mut Variable) {
    let name = variable.name.clone();
    match &mut variable.kind {
        VariableKind::Choice(choices) => {
            let label = cx.tf("prompts.choices_of", &[("name", &name)]);
            let hint = cx.t("prompts.choices_hint");
            indented(ui, |ui| {
                let width = ui.available_width().min(424.0);
                let field = Field::new(&label).width(width).placeholder(hint);
                if let Some(text) = half_typed(ui, field, "choices", choices.join(", ")) {
                    let parts = text.split([',', '，', '、', ';', '；']).map(|part| part.trim().to_owned());
                    *choices = parts.filter(|part| !part.is_empty()).collect();
                }
            });
        }
        VariableKind::Number { least, most } => indented(ui, |ui| {
            for (key, words, value) in
                [("prompts.least_of", "prompts.least", least), ("prompts.most_of", "prompts.most", most)]
            {
                let label = cx.tf(key, &[("name", &name)]);
                widgets::label(ui, cx.t(words));
                let field = Field::new(&label).mono().width(80.0).placeholder(cx.t("prompts.any"));
                let now = value.map(|value| value.to_string()).unwrap_or_default();
                if let Some(text) = half_typed(ui, field, key, now) {
                    *value = text.trim().parse().ok().filter(|value: &f64| value.is_finite());
                }
            }
        }),
        VariableKind::Text | VariableKind::LongText | VariableKind::YesNo { .. } => {}
    }
}

fn indented(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.add_space(CHIP + 8.0);
        add(ui);
    });
}

/// A field whose text is the truth while it is typed, so that a comma or a point at its end can be passed through; the
/// text where it was changed.
fn half_typed(ui: &mut Ui, field: Field, name: &str, now: String) -> Option<String> {
    let id = ui.make_persistent_id(name);
    let focused = ui.memory(|m| m.has_focus(id));
    let mut text = ui.data(|d| d.get_temp::<String>(id)).filter(|_| focused).unwrap_or(now);
    let changed = field.id(id).show(ui, &mut text).changed();
    ui.data_mut(|d| d.insert_temp(id, text.clone()));
    changed.then_some(text)
}
