//! The fields of a [`TrainSpec`] that a person fills in: their names, their ranges and what is wrong with them.
//! Forms, `--help` and checks loop over [`FIELDS`].

use super::{ClassWeights, ClassificationSpec, FullSpec, MAX_PROMPTS, MethodSpec, TaskSpec, TrainSpec};
use crate::failure::Failure;
use crate::model::ModelCard;
use crate::text::Text;
use serde_json::Value;

/// What may stand in a field. Ranges include their ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    Whole {
        least: u64,
        most: u64,
    },
    Number {
        least: f64,
        most: f64,
    },
    Choice(&'static [&'static str]),
    Switch,
    Words,
    List,
    /// A list whose items are sentences: one a line.
    Lines,
}

/// An entry in [`FIELDS`]; its default is what [`TrainSpec::default`] says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// In a spec and in a recipe: `method.rank`.
    pub path: &'static str,
    /// The variant that it belongs to, where there are several: `lora`.
    pub of_kind: Option<&'static str>,
    /// Key of its name; the hint's has `_hint` after it.
    pub label: &'static str,
    pub kind: FieldKind,
}

/// A field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// `method.rank`
    pub field: String,
    pub text: Text,
}

const fn whole(path: &'static str, label: &'static str, least: u64, most: u64) -> Field {
    Field { path, of_kind: None, label, kind: FieldKind::Whole { least, most } }
}

const fn number(path: &'static str, label: &'static str, least: f64, most: f64) -> Field {
    Field { path, of_kind: None, label, kind: FieldKind::Number { least, most } }
}

const fn plain(path: &'static str, label: &'static str, kind: FieldKind) -> Field {
    Field { path, of_kind: None, label, kind }
}

impl Field {
    const fn of(self, kind: &'static str) -> Self {
        Self { of_kind: Some(kind), ..self }
    }

    /// The value a spec has here; `None` where it has no such field.
    #[must_use]
    pub fn value<'a>(&self, spec: &'a Value) -> Option<&'a Value> {
        let mut at = spec;
        let mut parts = self.path.split('.').peekable();
        while let Some(part) = parts.next() {
            let kind = at.get("kind").and_then(Value::as_str);
            if parts.peek().is_none() && self.of_kind.is_some() && kind != self.of_kind {
                return None;
            }
            at = at.get(part)?;
        }
        Some(at)
    }

    /// What is wrong with a value; null is what is chosen for a person.
    fn problem(&self, value: &Value) -> Option<Text> {
        let outside = |range: String| Some(Text::new("train.problem.range").arg("range", range));
        match self.kind {
            FieldKind::Whole { least, most } => match value.as_u64() {
                Some(n) if n < least || n > most => outside(format!("{least} – {most}")),
                _ => None,
            },
            FieldKind::Number { least, most } => match value.as_f64() {
                Some(x) if !(least..=most).contains(&x) => outside(format!("{least} – {most}")),
                _ => None,
            },
            FieldKind::Choice(_)
            | FieldKind::Switch
            | FieldKind::Words
            | FieldKind::List
            | FieldKind::Lines => None,
        }
    }
}

const MANY: u64 = 1_000_000_000;

/// Every field a person can set, in the order of forms.
pub const FIELDS: [Field; 50] = [
    plain("name", "train.field.name", FieldKind::Words),
    plain("data.dataset", "train.field.dataset", FieldKind::Words),
    plain("data.files", "train.field.files", FieldKind::List),
    plain("data.validation_files", "train.field.validation_files", FieldKind::List),
    number("data.validation_share", "train.field.validation_share", 0.0, 0.5),
    plain("task.kind", "train.field.task", FieldKind::Choice(&["chat", "text", "classification", "scratch"])),
    plain("task.size", "train.field.size", FieldKind::Choice(&["tiny", "small", "medium", "large"]))
        .of("scratch"),
    whole("task.vocab_size", "train.field.vocab_size", 300, 65_536).of("scratch"),
    whole("task.context_length", "train.field.context_length", 16, 8_192).of("scratch"),
    plain("task.class_weights", "train.field.class_weights", FieldKind::Choice(&["none", "balanced"]))
        .of("classification"),
    plain("method.kind", "train.field.method", FieldKind::Choice(&["lora", "full"])),
    whole("method.rank", "train.field.rank", 1, 1024).of("lora"),
    number("method.alpha", "train.field.alpha", 1e-3, 4096.0).of("lora"),
    number("method.dropout", "train.field.dropout", 0.0, 0.9).of("lora"),
    plain("method.targets", "train.field.targets", FieldKind::List).of("lora"),
    plain("method.rslora", "train.field.rslora", FieldKind::Switch).of("lora"),
    whole("method.last_layers", "train.field.last_layers", 1, 1024).of("full"),
    plain("method.freeze_embeddings", "train.field.freeze_embeddings", FieldKind::Switch).of("full"),
    plain("method.freeze_norms", "train.field.freeze_norms", FieldKind::Switch).of("full"),
    plain("optimizer.kind", "train.field.optimizer", FieldKind::Choice(&["adamw", "sgd"])),
    number("optimizer.learning_rate", "train.field.learning_rate", 1e-9, 10.0),
    number("optimizer.beta1", "train.field.beta1", 0.0, 0.9999).of("adamw"),
    number("optimizer.beta2", "train.field.beta2", 0.0, 0.999_999).of("adamw"),
    number("optimizer.eps", "train.field.eps", 1e-16, 1e-2).of("adamw"),
    number("optimizer.momentum", "train.field.momentum", 0.0, 0.9999).of("sgd"),
    number("optimizer.weight_decay", "train.field.weight_decay", 0.0, 1.0),
    plain("schedule.kind", "train.field.schedule", FieldKind::Choice(&["constant", "linear", "cosine"])),
    number("schedule.warmup_share", "train.field.warmup_share", 0.0, 0.9),
    whole("batch.sequences", "train.field.sequences", 1, 4096),
    whole("batch.accumulation", "train.field.accumulation", 1, 65_536),
    whole("batch.max_length", "train.field.max_length", 2, 1 << 20),
    plain("batch.packing", "train.field.packing", FieldKind::Switch),
    plain("batch.group_by_length", "train.field.group_by_length", FieldKind::Switch),
    number("run.epochs", "train.field.epochs", 1e-3, 10_000.0),
    whole("run.steps", "train.field.steps", 1, MANY),
    number("run.max_grad_norm", "train.field.max_grad_norm", 1e-6, 1e6),
    number("run.label_smoothing", "train.field.label_smoothing", 0.0, 0.5),
    plain("run.pause_on_battery", "train.field.pause_on_battery", FieldKind::Switch),
    whole("evaluation.every", "train.field.evaluate_every", 1, MANY),
    whole("evaluation.patience", "train.field.patience", 1, 10_000),
    whole("evaluation.samples", "train.field.samples", 0, MAX_PROMPTS as u64),
    plain("evaluation.prompts", "train.field.prompts", FieldKind::Lines),
    whole("evaluation.sample_tokens", "train.field.sample_tokens", 1, 512),
    whole("checkpoints.every", "train.field.save_every", 1, MANY),
    plain("checkpoints.keep_best", "train.field.keep_best", FieldKind::Switch),
    whole("checkpoints.keep_every", "train.field.keep_every", 1, MANY),
    number("checkpoints.budget_gb", "train.field.budget_gb", 1e-4, 100_000.0),
    whole("seed", "train.field.seed", 0, u64::MAX),
    plain("precision", "train.field.precision", FieldKind::Choice(&["Exact", "Fast"])),
    plain("recompute", "train.field.recompute", FieldKind::Switch),
];

impl TrainSpec {
    /// What is wrong with the spec, field by field; `card` is the model's, where it is known.
    #[must_use]
    pub fn problems(&self, card: Option<&ModelCard>) -> Vec<FieldProblem> {
        let spec = serde_json::to_value(self).unwrap_or_default();
        let mut problems: Vec<FieldProblem> = FIELDS
            .iter()
            .filter_map(|field| {
                let text = field.problem(field.value(&spec)?)?;
                Some(FieldProblem { field: field.path.to_owned(), text })
            })
            .collect();
        let mut tell =
            |field: &str, text: Text| problems.push(FieldProblem { field: field.to_owned(), text });
        if self.data.is_empty() {
            tell("data.files", Text::new("train.problem.no_files"));
        }
        if let Some(dataset) = &self.data.dataset {
            if dataset.id.is_none() && dataset.name.trim().is_empty() {
                tell("data.dataset", Text::new("train.problem.no_dataset_name"));
            }
            let beside =
                [("data.files", &self.data.files), ("data.validation_files", &self.data.validation_files)];
            for (field, _) in beside.iter().filter(|(_, files)| !files.is_empty()) {
                tell(field, Text::new("train.problem.dataset_alone"));
            }
        }
        for (field, files) in
            [("data.files", &self.data.files), ("data.validation_files", &self.data.validation_files)]
        {
            if files.iter().any(|file| file.as_os_str().is_empty()) {
                tell(field, Text::new("train.problem.empty_name"));
            }
        }
        if !self.may_measure() && self.evaluation.every.is_some() {
            tell("evaluation.every", Text::new("train.problem.nothing_to_measure"));
        }
        if self.smooths_weighed() {
            tell("run.label_smoothing", Text::new("train.problem.smoothing_weighted"));
        }
        if self.evaluation.prompts.len() > MAX_PROMPTS {
            tell("evaluation.prompts", Text::new("train.problem.too_many").arg("most", MAX_PROMPTS));
        }
        if self.evaluation.prompts.iter().any(|prompt| prompt.trim().is_empty()) {
            tell("evaluation.prompts", Text::new("train.problem.empty_prompt"));
        }
        let whole = MethodSpec::Full(FullSpec::default());
        if self.scratch().is_some() && self.method != whole {
            tell("method.kind", Text::new("train.problem.scratch_method"));
        }
        if let Some(card) = self.trained_card(card) {
            self.problems_with(&card, &mut tell);
        }
        problems
    }

    /// Whether there may be rows to measure on: a dataset tells when it is read.
    pub(super) fn may_measure(&self) -> bool {
        let data = &self.data;
        data.validation_share > 0.0 || !data.validation_files.is_empty() || data.dataset.is_some()
    }

    /// Smoothed labels that count differently: PyTorch's rule for that has no fixture here.
    pub(super) fn smooths_weighed(&self) -> bool {
        let balanced = ClassificationSpec { class_weights: ClassWeights::Balanced };
        self.task == TaskSpec::Classification(balanced) && self.run.label_smoothing > 0.0
    }

    fn problems_with(&self, card: &ModelCard, tell: &mut dyn FnMut(&str, Text)) {
        if self.batch.max_length.is_some_and(|n| n > card.context_length) {
            let text = Text::new("train.problem.longer_than_context").arg("context", card.context_length);
            tell("batch.max_length", text);
        }
        if card.run_only {
            tell("model", Text::new("train.problem.model_runs_only").arg("name", &card.architecture));
        }
        if !card.labels.is_empty() && !self.task.classifies() {
            tell("task.kind", Text::new("train.problem.model_classifies"));
        }
        if let MethodSpec::Full(full) = &self.method
            && full.last_layers.is_some_and(|n| n > card.n_layers)
        {
            tell("method.last_layers", Text::new("train.problem.layers").arg("layers", card.n_layers));
        }
    }
}

/// All problems of a spec as one failure: each field is named.
#[must_use]
pub fn failure(problems: &[FieldProblem], language: crate::text::Language) -> Failure {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.field, language.render(&problem.text)))
        .collect();
    Failure::new(
        crate::failure::FailureKind::Input,
        Text::new("failure.recipe").arg("problems", lines.join("; ")),
    )
    .hint(Text::new("failure.recipe_hint"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;
    use crate::train::{OptimizerSpec, ScratchSpec, SgdSpec};
    use serde_json::json;
    use std::collections::BTreeSet;

    fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) if path != "model" => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    leaves(value, &path, found);
                }
            }
            _ => {
                found.insert(path.to_owned());
            }
        }
    }

    #[test]
    fn the_table_has_every_field_and_no_other() {
        let other = TrainSpec {
            task: TaskSpec::Classification(ClassificationSpec::default()),
            method: MethodSpec::Full(FullSpec::default()),
            optimizer: OptimizerSpec::Sgd(SgdSpec::default()),
            ..TrainSpec::default()
        };
        let mut found = BTreeSet::new();
        for spec in [TrainSpec::default(), other, TrainSpec::from_scratch(ScratchSpec::default())] {
            leaves(&serde_json::to_value(spec).expect("plain"), "", &mut found);
        }
        let mut listed: BTreeSet<String> = FIELDS.iter().map(|field| field.path.to_owned()).collect();
        // Chosen from the library, and no question to a person.
        listed.extend(["model", "version"].map(str::to_owned));
        assert_eq!(found, listed);
    }

    #[test]
    fn every_field_has_its_words() {
        for field in &FIELDS {
            for language in Language::ALL {
                assert!(language.has(field.label), "{}", field.label);
                assert!(language.has(&format!("{}_hint", field.label)), "{}", field.label);
            }
        }
    }

    fn check(input: Value, expected: &[&str]) {
        let spec = TrainSpec::from_new(&input).expect("it reads");
        let fields: Vec<String> = spec.problems(None).into_iter().map(|p| p.field).collect();
        assert_eq!(fields, expected, "{input}");
    }

    #[test]
    fn values_out_of_range_are_named() {
        let files = json!({ "files": ["a.jsonl"] });
        check(json!({}), &["data.files"]);
        check(json!({ "data": files }), &[]);
        check(
            json!({ "data": { "dataset": "Reviews", "validation_share": 0.0 }, "evaluation": { "every": 3 } }),
            &[],
        );
        check(json!({ "data": { "dataset": " " } }), &["data.dataset"]);
        check(
            json!({ "data": { "dataset": "Reviews", "files": ["a"], "validation_files": ["b"] } }),
            &["data.files", "data.validation_files"],
        );
        check(
            json!({ "data": files, "method": { "rank": 0, "dropout": 1.5 }, "run": { "epochs": 0.0 } }),
            &["method.rank", "method.dropout", "run.epochs"],
        );
        check(
            json!({ "data": files, "optimizer": { "learning_rate": -1.0 }, "batch": { "sequences": 0 } }),
            &["optimizer.learning_rate", "batch.sequences"],
        );
        check(
            json!({ "data": { "files": ["a"], "validation_share": 0.0 }, "evaluation": { "every": 3 } }),
            &["evaluation.every"],
        );
        check(
            json!({ "data": files, "evaluation": { "prompts": ["Who is she?", " "] } }),
            &["evaluation.prompts"],
        );
        check(json!({ "data": files, "evaluation": { "prompts": vec!["a"; 9] } }), &["evaluation.prompts"]);
    }
}
