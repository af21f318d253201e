//! A spec as a recipe to keep and to run again: TOML that `glassworks train` reads.

use super::fields::{FIELDS, Field, FieldKind};
use super::{TrainSpec, VERSION};
use serde_json::Value;
use std::fmt::Write as _;

impl TrainSpec {
    /// The recipe: everything that is set, in the order of forms. `model` is the word for the model: a path, or its
    /// name in the library; one that is made from nothing has none.
    #[must_use]
    pub fn recipe(&self, model: &str) -> String {
        let spec = serde_json::to_value(self).unwrap_or_default();
        let plain = serde_json::to_value(Self::default()).unwrap_or_default();
        let model = self.scratch().map_or_else(|| format!("model = {}\n", quoted(model)), |_| String::new());
        // What an earlier version began is begun again as it was.
        let version =
            if self.version == VERSION { String::new() } else { format!("version = {}\n", self.version) };
        let mut tables = vec![("", model + &version)];
        for field in &FIELDS {
            let Some(value) = field.value(&spec).and_then(|value| written(field, value, &plain)) else {
                continue;
            };
            let (table, name) = field.path.rsplit_once('.').unwrap_or(("", field.path));
            let at = tables.iter().position(|(known, _)| *known == table).unwrap_or_else(|| {
                tables.push((table, String::new()));
                tables.len() - 1
            });
            // Writing into a string cannot fail.
            let _infallible = writeln!(tables[at].1, "{name} = {value}");
        }
        let table = |(name, lines): (&str, String)| match name {
            "" => lines,
            _ => format!("[{name}]\n{lines}"),
        };
        tables.into_iter().map(table).collect::<Vec<_>>().join("\n")
    }
}

/// A value as TOML; `None` for what says itself when it is left out.
fn written(field: &Field, value: &Value, plain: &Value) -> Option<String> {
    match value {
        // TOML has no null: where the default is a number, the highest one means "no limit".
        Value::Null => match (field.value(plain), field.kind) {
            (None | Some(Value::Null), _) => None,
            (_, FieldKind::Whole { most, .. }) => Some(most.to_string()),
            (_, FieldKind::Number { most, .. }) => Some(format!("{most:?}")),
            _ => None,
        },
        Value::String(text) => (!text.is_empty()).then(|| quoted(text)),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(Value::as_str).map(quoted).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        Value::Object(_) => inline(value),
        other => Some(other.to_string()),
    }
}

/// A table on one line, without what is null: TOML has none.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(quoted(text)),
        Value::Object(fields) => {
            let fields =
                fields.iter().filter_map(|(name, value)| Some(format!("{name} = {}", inline(value)?)));
            Some(format!("{{ {} }}", fields.collect::<Vec<_>>().join(", ")))
        }
        other => Some(other.to_string()),
    }
}

/// A basic string: JSON's escapes are TOML's, but for one character.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{DataSpec, DatasetRef};
    use crate::datasets::roles::{DataTask, Mapping, Role};
    use crate::train::PRESETS;

    #[test]
    fn a_recipe_says_what_is_set() {
        let mut spec = PRESETS[0].applied_to(&TrainSpec::default());
        spec.data.files = vec!["/tmp/a \"b\".jsonl".into()];
        spec.run.max_grad_norm = None;
        let recipe = spec.recipe("starter");
        let first = "model = \"starter\"\nseed = 0\nprecision = \"Exact\"\nrecompute = false\n\n[data]\n";
        assert!(recipe.starts_with(first), "{recipe}");
        for line in
            ["files = [\"/tmp/a \\\"b\\\".jsonl\"]", "rank = 8", "steps = 120", "max_grad_norm = 1000000.0"]
        {
            assert!(recipe.lines().any(|one| one == line), "{line} in\n{recipe}");
        }
        assert!(!recipe.contains("null") && !recipe.contains("name") && !recipe.contains("version"));
        let roles = [(Role::Prompt, "said \"so\"".to_owned())].into();
        let mapping = Some(Mapping { task: DataTask::Chat, roles });
        let dataset = DatasetRef { name: "Tutor".into(), version: Some(3), mapping, ..DatasetRef::default() };
        let kept = DataSpec { dataset: Some(dataset), ..DataSpec::default() };
        let kept = TrainSpec { data: kept, ..spec.clone() }.recipe("starter");
        let dataset = kept.lines().find(|line| line.starts_with("dataset = {")).expect("it is there");
        for part in ["prompt = \"said \\\"so\\\"\"", "task = \"chat\"", "name = \"Tutor\"", "version = 3"] {
            assert!(dataset.contains(part), "{part} in {dataset}");
        }
        let old = TrainSpec { version: 1, ..spec.clone() }.recipe("starter");
        assert_eq!(old, recipe.replace("starter\"\n", "starter\"\nversion = 1\n"));
    }
}
