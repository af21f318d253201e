//! A field for each variable of a prompt, by its kind.

use super::{Field, Select, text, toggle};
use crate::theme;
use egui::{Response, Ui};
use glassworks_protocol::prompts::{Values, Variable, VariableKind};

/// Draws the fields, one below the other; says whether something was changed. What cannot be taken is told below its
/// field once something is written there, or for all with `strict`.
pub fn value_fields(ui: &mut Ui, variables: &[Variable], values: &mut Values, strict: bool) -> bool {
    let mut changed = false;
    for variable in variables {
        ui.push_id(&variable.name, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let mut value = values.get(&variable.name).cloned().unwrap_or_default();
            let response = field(ui, variable, &mut value);
            if response.changed() {
                changed = true;
                values.insert(variable.name.clone(), value.clone());
            }
            let written = Some(value.as_str());
            if let Err(why) = variable.take(written)
                && (strict || !value.trim().is_empty())
            {
                let theme = theme::of(ui);
                let words = theme.language.render(&why);
                ui.label(theme::Type::Hint.text(words, theme.tokens.danger));
            }
            ui.add_space(4.0);
        });
    }
    changed
}

fn field(ui: &mut Ui, variable: &Variable, value: &mut String) -> Response {
    let name = variable.shown().to_owned();
    let problem = !value.trim().is_empty() && variable.take(Some(value)).is_err();
    let width = ui.available_width();
    if let VariableKind::YesNo { .. } = variable.kind {
        return ui
            .horizontal(|ui| {
                let mut on = variable.is_yes(Some(value));
                let response = toggle(ui, &name, &mut on);
                text::label(ui, &name);
                if response.changed() {
                    *value = if on { "yes" } else { "no" }.to_owned();
                }
                response
            })
            .inner;
    }
    text::label(ui, &name);
    match &variable.kind {
        VariableKind::LongText => {
            let field = Field::new(&name).rows(4).width(width).placeholder(&variable.default);
            field.problem(problem).show(ui, value)
        }
        VariableKind::Choice(choices) => {
            let shown = if value.trim().is_empty() { &variable.default } else { &*value };
            let mut chosen = shown.trim().to_owned();
            let mut options: Vec<(String, String)> =
                choices.iter().map(|choice| (choice.trim().to_owned(), choice.trim().to_owned())).collect();
            if variable.optional || !options.iter().any(|(choice, _)| *choice == chosen) {
                options.insert(0, (chosen.clone(), chosen.clone()));
                options.dedup();
            }
            let response = Select::new(&name).width(width).show(ui, &mut chosen, &options);
            if response.changed() {
                *value = chosen;
            }
            response
        }
        VariableKind::Number { .. } => {
            let field = Field::new(&name).mono().width(width.min(140.0)).placeholder(&variable.default);
            field.problem(problem).show(ui, value)
        }
        VariableKind::Text | VariableKind::YesNo { .. } => {
            Field::new(&name).width(width).placeholder(&variable.default).problem(problem).show(ui, value)
        }
    }
}
