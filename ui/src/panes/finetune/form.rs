//! The rest of the spec: fields under headings that fold, each heading with its values in a line.

use super::Finetune;
use super::draft::{GROUPS, Group, field};
use super::facts::Facts;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::units;
use crate::widgets::{self, Button, FieldView, Tone, shown_value};
use egui::Ui;
use glassworks_protocol::train::{Field, FieldKind, MethodSpec};
use serde_json::Value;

impl Finetune {
    pub(super) fn groups(&mut self, ui: &mut Ui, cx: &PaneCx, facts: &Facts) {
        ui.spacing_mut().item_spacing.y = 4.0;
        self.changed_line(ui, cx);
        for group in &GROUPS {
            let summary = self.summary(cx, facts, group);
            let mut open = self.open.contains(group.key);
            let was = open;
            ui.push_id(group.key, |ui| {
                widgets::fold(ui, &cx.t(group.key), &summary, &mut open, |ui| {
                    ui.add_space(4.0);
                    egui::Frame::new().inner_margin(egui::Margin { left: 28, ..Default::default() }).show(
                        ui,
                        |ui| {
                            ui.spacing_mut().item_spacing.y = 8.0;
                            for path in group.fields {
                                self.field_row(ui, cx, facts, path);
                            }
                        },
                    );
                    ui.add_space(8.0);
                });
            });
            if open != was {
                if open {
                    self.open.insert(group.key.to_owned());
                } else {
                    self.open.remove(group.key);
                }
            }
            widgets::divider(ui);
        }
    }

    /// How far the draft has gone from its preset, and the way back.
    fn changed_line(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let n = self.draft.changed().len();
        ui.horizontal(|ui| {
            ui.set_min_height(28.0);
            widgets::semibold(ui, cx.t("finetune.details"));
            if n > 0 {
                let preset = cx.t(self.draft.preset().label);
                widgets::hint(ui, cx.tf("finetune.n_changed", &[("n", &n), ("preset", &preset)]));
                let reset =
                    Button::quiet(cx.t("finetune.reset")).icon(icons::ARROW_COUNTER_CLOCKWISE).small();
                if reset.show(ui).clicked() {
                    self.draft.choose_preset(self.draft.preset);
                    self.form.forget();
                }
            }
        });
    }

    fn field_row(&mut self, ui: &mut Ui, cx: &PaneCx, facts: &Facts, path: &str) {
        let Some(entry) = field(path).filter(|_| self.draft.has(path)) else { return };
        let spec = serde_json::to_value(&self.draft.spec).unwrap_or_default();
        let Some(value) = entry.value(&spec) else { return };
        let draft = &self.draft;
        let found = |problems: &[glassworks_protocol::train::FieldProblem]| {
            problems.iter().find(|problem| problem.field == path).map(|problem| cx.render(&problem.text))
        };
        let problem = found(&facts.problems).map(|words| (Tone::Danger, words));
        let problem = problem.or_else(|| found(&facts.advice).map(|words| (Tone::Warn, words)));
        let card = facts.card.as_ref();
        // Rows that are cut are a matter of taste: only what is wrong or risky is mended by a press.
        let mends = problem.is_some() && (facts.problems.iter().any(|p| p.field == path) || path == RATE);
        let repair = mends.then(|| draft.spec.repair(entry, card)).flatten().map(|value| {
            let shown = if value.is_null() { self.automatic(cx, facts, entry) } else { shown_value(&value) };
            (cx.tf("finetune.use_value", &[("value", &shown)]), value)
        });
        let view = FieldView {
            field: entry,
            label: cx.t(entry.label),
            hint: hint(cx, entry),
            automatic: self.automatic(cx, facts, entry),
            options: options(cx, entry),
            problem,
            repair,
            unreadable: cx.t("finetune.no_value"),
            fits: &|value| draft.with(path, value).is_some(),
        };
        let set = self.form.row(ui, &view, value);
        if let Some(spec) = set.and_then(|value| self.draft.with(path, &value)) {
            self.draft.spec = spec;
        }
    }

    /// What stands for a field that nobody has set.
    fn automatic(&self, cx: &PaneCx, facts: &Facts, entry: &Field) -> String {
        let spec = &self.draft.spec;
        let number = |x: f64| shown_value(&Value::from(x));
        match (entry.path, facts.data.known(), &facts.estimate) {
            (RATE, ..) => number(spec.usual_learning_rate()),
            ("method.dropout", Some(report), _) => match &spec.method {
                MethodSpec::Lora(lora) => number(lora.dropout(report.n_train)),
                MethodSpec::Full(_) => String::new(),
            },
            ("batch.max_length", Some(report), _) => {
                let context = facts.card.as_ref().map_or(u32::MAX, |card| card.context_length);
                let mut automatic = spec.clone();
                automatic.batch.max_length = None;
                units::grouped(automatic.max_length(report.percentile_95, context).into())
            }
            ("evaluation.every", _, Some(estimate)) => {
                let mut automatic = spec.clone();
                automatic.evaluation.every = None;
                units::grouped(automatic.evaluate_every(estimate.n_steps))
            }
            ("task.vocab_size", ..) => spec
                .scratch()
                .map_or_else(String::new, |made| units::grouped(made.size.row().vocab_size.into())),
            ("task.context_length", ..) => spec
                .scratch()
                .map_or_else(String::new, |made| units::grouped(made.size.row().context_length.into())),
            ("run.steps", _, Some(estimate)) => units::grouped(estimate.n_steps),
            ("evaluation.patience", ..) => cx.t("finetune.never"),
            ("run.max_grad_norm", ..) => cx.t("finetune.no_limit"),
            ("method.last_layers" | "method.targets", ..) => cx.t("finetune.all"),
            ("checkpoints.every", ..) => cx.t("finetune.each_minute"),
            ("checkpoints.keep_every", ..) => cx.t("finetune.none_kept"),
            ("evaluation.prompts", ..) => cx.t("finetune.held_out_rows"),
            _ => cx.t("finetune.automatic"),
        }
    }

    /// A folded group's values in a line.
    fn summary(&self, cx: &PaneCx, facts: &Facts, group: &Group) -> String {
        let spec = serde_json::to_value(&self.draft.spec).unwrap_or_default();
        let part = |path: &&str| {
            let entry = field(path).filter(|_| self.draft.has(path))?;
            let value = entry.value(&spec)?;
            let unset = value.is_null();
            // Only what is set says anything here.
            if unset && matches!(entry.path, "run.steps" | "method.last_layers") {
                return None;
            }
            let word = match (entry.kind, value) {
                (FieldKind::Choice(_), value) => {
                    return options(cx, entry)
                        .into_iter()
                        .find(|(one, _)| one == value)
                        .map(|(_, word)| word);
                }
                (FieldKind::Switch, Value::Bool(on)) => {
                    cx.t(if *on { "finetune.on" } else { "finetune.off" })
                }
                _ if unset => self.automatic(cx, facts, entry),
                _ => shown_value(value),
            };
            Some(cx.tf("finetune.label_value", &[("label", &cx.t(entry.label)), ("value", &word)]))
        };
        group.summary.iter().filter_map(part).collect::<Vec<_>>().join(&cx.t("finetune.comma"))
    }
}

const RATE: &str = "optimizer.learning_rate";

/// The table's hint; the window has words of its own where the table's speak of words in a recipe.
fn hint(cx: &PaneCx, entry: &Field) -> String {
    let label = entry.label;
    match entry.path {
        "method.kind" => cx.t("finetune.method_hint"),
        "optimizer.kind" => cx.t("finetune.optimizer_hint"),
        "task.class_weights" => cx.t("finetune.class_weights_hint"),
        _ => cx.t(&format!("{label}_hint")),
    }
}

fn options(cx: &PaneCx, entry: &Field) -> Vec<(Value, String)> {
    let FieldKind::Choice(words) = entry.kind else { return Vec::new() };
    words.iter().map(|word| (Value::from(*word), cx.t(&format!("finetune.choice_{word}")))).collect()
}

/// The group that a field is in.
pub(super) fn group_of(path: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.fields.contains(&path))
}
