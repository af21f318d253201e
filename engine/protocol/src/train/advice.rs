//! What would mend a field, and what is allowed but seldom wanted.

use super::fields::{Field, FieldKind, FieldProblem};
use super::{MethodSpec, OptimizerSpec, TrainSpec};
use crate::dataset::DataReport;
use crate::model::ModelCard;
use crate::text::Text;
use serde_json::{Value, json};

/// From so many times the usual learning rate runs tend to diverge.
const RISKY: f64 = 9.99;

impl TrainSpec {
    /// The learning rate that is taken when nobody says otherwise.
    #[must_use]
    pub fn usual_learning_rate(&self) -> f64 {
        let mut spec = self.clone();
        match &mut spec.optimizer {
            OptimizerSpec::AdamW(adamw) => adamw.learning_rate = None,
            OptimizerSpec::Sgd(sgd) => sgd.learning_rate = None,
        }
        spec.learning_rate()
    }

    /// A value for `field` that has none of its problems; `None` where only a person knows one.
    #[must_use]
    pub fn repair(&self, field: &Field, card: Option<&ModelCard>) -> Option<Value> {
        match field.path {
            "optimizer.learning_rate" => return Some(json!(self.usual_learning_rate())),
            "run.label_smoothing" if self.smooths_weighed() => return Some(json!(0.0)),
            "evaluation.every" if !self.may_measure() => return Some(Value::Null),
            _ => {}
        }
        let spec = serde_json::to_value(self).unwrap_or_default();
        let value = field.value(&spec)?;
        let card = self.trained_card(card);
        let card = card.as_deref();
        let nearest = match field.kind {
            FieldKind::Whole { least, most } => {
                let most = match (field.path, card, &self.method) {
                    ("batch.max_length", Some(card), _) => most.min(card.context_length.into()),
                    ("method.last_layers", Some(card), MethodSpec::Full(_)) => most.min(card.n_layers.into()),
                    _ => most,
                };
                json!(value.as_u64()?.clamp(least, most.max(least)))
            }
            FieldKind::Number { least, most } => json!(value.as_f64()?.clamp(least, most)),
            FieldKind::Choice(_)
            | FieldKind::Switch
            | FieldKind::Words
            | FieldKind::List
            | FieldKind::Lines => return None,
        };
        (nearest != *value).then_some(nearest)
    }

    /// What is no mistake and yet worth a look, for rows as in `data`.
    #[must_use]
    pub fn advice(&self, data: Option<&DataReport>) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        let mut tell = |field: &str, text: Text| found.push(FieldProblem { field: field.to_owned(), text });
        let times = self.learning_rate() / self.usual_learning_rate();
        if times >= RISKY {
            let text = Text::new("finetune.rate_risky").arg("times", times.round());
            tell("optimizer.learning_rate", text);
        }
        if let Some(data) = data {
            if data.n_truncated > 0 {
                let text =
                    Text::new("finetune.rows_cut").arg("n", data.n_truncated).arg("max", data.max_length);
                tell("batch.max_length", text);
            }
            if data.n_validation == 0 {
                tell("data.validation_share", Text::new("finetune.nothing_held_out"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::fields::FIELDS;

    fn field(path: &str) -> &'static Field {
        FIELDS.iter().find(|field| field.path == path).expect("a field")
    }

    fn check(input: Value, path: &str, expected: Option<Value>) {
        let spec = TrainSpec::from_new(&input).expect("it reads");
        assert_eq!(spec.repair(field(path), None), expected, "{input}");
        let Some(mended) = expected else { return };
        let mut input = input;
        let (table, name) = path.split_once('.').expect("a table's field");
        input[table][name] = mended;
        let spec = TrainSpec::from_new(&input).expect("it reads");
        assert!(spec.problems(None).iter().all(|problem| problem.field != path), "{input} is mended");
    }

    #[test]
    fn problems_are_mended_by_the_nearest_value() {
        check(json!({ "method": { "rank": 0 } }), "method.rank", Some(json!(1)));
        check(json!({ "run": { "epochs": 1e9 } }), "run.epochs", Some(json!(10_000.0)));
        check(json!({ "method": { "rank": 4 } }), "method.rank", None);
        let nothing = json!({ "data": { "validation_share": 0.0 }, "evaluation": { "every": 3 } });
        check(nothing, "evaluation.every", Some(Value::Null));
        check(
            json!({ "optimizer": { "learning_rate": 50.0 } }),
            "optimizer.learning_rate",
            Some(json!(2e-4)),
        );
    }

    #[test]
    fn ten_times_the_usual_rate_is_told() {
        let advice = |rate: f64, data: Option<&DataReport>| {
            let spec =
                TrainSpec::from_new(&json!({ "optimizer": { "learning_rate": rate } })).expect("it reads");
            spec.advice(data).into_iter().map(|advice| advice.field).collect::<Vec<_>>()
        };
        assert_eq!(advice(2e-3, None), ["optimizer.learning_rate"]);
        assert!(advice(1e-3, None).is_empty());
        let cut = DataReport { n_truncated: 2, n_validation: 1, ..DataReport::default() };
        assert_eq!(advice(2e-4, Some(&cut)), ["batch.max_length"]);
    }
}
