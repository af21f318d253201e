//! The recipe of the selected run beside those laid over it: where they differ, or where one differs from the
//! defaults; and what it keeps on disk.

use super::RunsPane;
use crate::action::Action;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::units;
use crate::widgets::{self, Button, icon_button};
use egui::{Align, Layout, Margin, Ui, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::train::fields::{FIELDS, Field};
use glassworks_protocol::train::{CheckpointKind, CheckpointRecord, RunRecord, TrainSpec};
use serde_json::Value;
use std::sync::Arc;

const LABEL: f32 = 176.0;
const COLUMN: f32 = 160.0;

#[derive(Default)]
pub struct RecipeState {
    everything: bool,
}

/// A recipe that can be run again.
pub fn as_json(spec: &TrainSpec) -> String {
    serde_json::to_string_pretty(spec).unwrap_or_default()
}

impl RunsPane {
    pub(super) fn recipe_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let runs: Vec<Arc<RunRecord>> =
            self.shown().iter().filter_map(|id| cx.model.runs.get(*id)).cloned().collect();
        egui::Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
            self.kept_ui(ui, cx, run);
            ui.horizontal(|ui| {
                let several = runs.len() > 1;
                widgets::semibold(ui, cx.t(if several { "runs.recipe_diff" } else { "runs.recipe" }));
                let words = match (self.recipe.everything, several) {
                    (false, _) => "runs.show_everything",
                    (true, true) => "runs.show_differences",
                    (true, false) => "runs.show_chosen",
                };
                if Button::quiet(cx.t(words)).small().show(ui).clicked() {
                    self.recipe.everything = !self.recipe.everything;
                }
            });
            self.fields_ui(ui, cx, &runs);
        });
    }

    fn fields_ui(&self, ui: &mut Ui, cx: &PaneCx, runs: &[Arc<RunRecord>]) {
        let t = cx.theme.tokens;
        let specs: Vec<Value> =
            runs.iter().map(|run| serde_json::to_value(&run.spec).unwrap_or_default()).collect();
        let mut rows = besides(runs, self.recipe.everything);
        rows.extend(fields(&specs, self.recipe.everything).into_iter().map(|(field, values)| {
            // Without a dataset there are files: nothing is chosen for a person.
            let is_there = |value: &&Value| field.path != "data.dataset" || !value.is_null();
            let words = |value: Option<&Value>| {
                value.filter(is_there).map_or_else(|| "—".to_owned(), |value| words(cx, value))
            };
            (field.label, values.into_iter().map(words).collect())
        }));
        if runs.len() > 1 {
            row(ui, |ui| {
                ui.add_space(LABEL);
                for run in runs {
                    cell(ui, |ui| {
                        widgets::bead(ui, self.color(run.id, &t).unwrap_or(t.text_3));
                        widgets::truncated(ui, Type::Hint.medium(&run.name, t.text_1));
                    });
                }
            });
        }
        if rows.is_empty() {
            widgets::hint(ui, cx.t(if runs.len() > 1 { "runs.same_recipe" } else { "runs.all_default" }));
        }
        for (label, values) in rows {
            row(ui, |ui| {
                let layout = Layout::left_to_right(Align::Center);
                ui.allocate_ui_with_layout(vec2(LABEL, 20.0), layout, |ui| {
                    ui.set_min_width(LABEL);
                    widgets::truncated(ui, Type::Body.text(cx.t(label), t.text_2));
                });
                for value in values {
                    cell(ui, |ui| {
                        widgets::truncated(ui, Type::Hint.number(value, t.text_1));
                    });
                }
            });
        }
    }

    /// The checkpoints, and the folders they lie in.
    fn kept_ui(&self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let kept = cx.model.runs.checkpoints(run.id).to_vec();
        if kept.is_empty() {
            return;
        }
        ui.horizontal(|ui| {
            widgets::semibold(ui, cx.t("runs.kept"));
            let total: u64 = kept.iter().map(|checkpoint| checkpoint.size_bytes).sum();
            ui.label(Type::Hint.number(units::size(total), cx.theme.tokens.text_3));
        });
        for checkpoint in kept {
            checkpoint_ui(ui, cx, &checkpoint);
        }
        ui.add_space(12.0);
    }
}

fn row(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.set_min_height(size::CONTROL_SMALL);
        add(ui);
    });
}

fn cell(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let layout = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(COLUMN, 20.0), layout, |ui| {
        ui.set_min_width(COLUMN);
        ui.set_max_width(COLUMN - 8.0);
        ui.spacing_mut().item_spacing.x = 6.0;
        add(ui);
    });
}

fn checkpoint_ui(ui: &mut Ui, cx: &mut PaneCx, checkpoint: &CheckpointRecord) {
    let t = cx.theme.tokens;
    row(ui, |ui| {
        let key = match checkpoint.kind {
            CheckpointKind::Last => "runs.kept_last",
            CheckpointKind::Best => "runs.kept_best",
            CheckpointKind::Step(_) => "runs.kept_stays",
        };
        let layout = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(vec2(LABEL, 20.0), layout, |ui| {
            ui.set_min_width(LABEL);
            ui.label(Type::Body.text(cx.t(key), t.text_2));
        });
        let step = cx.tf("runs.card_step", &[("n", &units::grouped(checkpoint.step))]);
        cell(ui, |ui| {
            ui.label(Type::Hint.number(step, t.text_1));
        });
        let loss = checkpoint.validation_loss.map_or_else(|| "—".to_owned(), |loss| format!("{loss:.4}"));
        cell(ui, |ui| {
            ui.label(Type::Hint.number(loss, t.text_1));
        });
        ui.label(Type::Hint.number(units::size(checkpoint.size_bytes), t.text_2));
        ui.add_space(8.0);
        let kind = match checkpoint.kind {
            CheckpointKind::Step(_) => cx.tf("runs.card_step", &[("n", &units::grouped(checkpoint.step))]),
            _ => cx.t(key),
        };
        let name = cx.tf("runs.show_checkpoint", &[("kind", &kind)]);
        if icon_button(ui, icons::FOLDER_OPEN, name).clicked() {
            cx.push(Action::Reveal(checkpoint.path.clone()));
        }
        if let CheckpointKind::Step(step) = checkpoint.kind {
            let name = cx.tf("runs.delete_checkpoint", &[("step", &units::grouped(step))]);
            if icon_button(ui, icons::TRASH, name).clicked() {
                cx.edit(Edit::DeleteCheckpoint { run: checkpoint.run, kind: checkpoint.kind });
            }
        }
    });
}

/// What a recipe has besides the fields of a form: shown where runs differ in it.
fn besides(runs: &[Arc<RunRecord>], everything: bool) -> Vec<(&'static str, Vec<String>)> {
    let models = runs.iter().map(|run| run.progress.model_name.clone()).collect();
    let seeds = runs.iter().map(|run| run.spec.seed.to_string()).collect();
    let both: [(&str, Vec<String>); 2] = [("runs.model", models), ("runs.seed", seeds)];
    both.into_iter()
        .filter(|(_, values)| everything || values.iter().any(|value| *value != values[0]))
        .collect()
}

/// The fields to show, with each recipe's value.
fn fields(specs: &[Value], everything: bool) -> Vec<(&'static Field, Vec<Option<&Value>>)> {
    let default = serde_json::to_value(TrainSpec::default()).unwrap_or_default();
    let values = FIELDS.iter().filter(|field| field.path != "name").map(|field| {
        let values: Vec<Option<&Value>> = specs.iter().map(|spec| field.value(spec)).collect();
        (field, values)
    });
    values
        .filter(|(field, values)| {
            let there = values.iter().any(Option::is_some);
            let chosen = match values[..] {
                // One field that the defaults lack belongs to a kind that was chosen.
                [one] => one != field.value(&default),
                _ => values.iter().any(|value| *value != values[0]),
            };
            there && (everything || chosen)
        })
        .collect()
}

fn words(cx: &PaneCx, value: &Value) -> String {
    match value {
        Value::Null => cx.t("runs.automatic"),
        Value::Bool(true) => cx.t("runs.yes"),
        Value::Bool(false) => cx.t("runs.no"),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "—".to_owned(),
        Value::Array(list) => list.iter().map(file_name).collect::<Vec<_>>().join(", "),
        // A dataset.
        Value::Object(fields) => match (&fields["name"], &fields["version"]) {
            (Value::String(name), Value::Number(n)) => {
                cx.tf("runs.dataset_version", &[("name", name), ("n", n)])
            }
            (Value::String(name), _) => name.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// The end of a path: where it lies is seen on hover.
fn file_name(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.rsplit(['/', '\\']).next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(specs: &[Value], expected: &[&str]) {
        let specs: Vec<Value> = specs
            .iter()
            .map(|spec| serde_json::to_value(TrainSpec::from_stored(spec)).expect("plain"))
            .collect();
        let found: Vec<_> = fields(&specs, false).iter().map(|(field, _)| field.path).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_was_chosen_or_differs_is_shown() {
        check(&[json!({})], &[]);
        check(&[json!({ "method": { "kind": "lora", "rank": 8 } })], &["method.rank"]);
        let low = json!({ "optimizer": { "kind": "adamw", "learning_rate": 1e-4 } });
        check(&[json!({}), low], &["optimizer.learning_rate"]);
        check(&[json!({ "recompute": true }), json!({ "recompute": true })], &[]);
    }
}
