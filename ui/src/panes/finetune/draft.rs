//! The draft of a run: the spec as it stands, the preset it began as, and the groups its fields are shown in.

use crate::panes::PaneCx;
use glassworks_protocol::dataset::{DataReport, DataSpec, DatasetRef};
use glassworks_protocol::datasets::{DataTask, DatasetRecord};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::ModelCard;
use glassworks_protocol::train::fields::FIELDS;
use glassworks_protocol::train::{ClassificationSpec, Field, Preset, PresetId, TaskSpec, TrainSpec};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Fields under one heading.
pub struct Group {
    /// Key of the heading.
    pub key: &'static str,
    /// Paths in [`FIELDS`], in order.
    pub fields: &'static [&'static str],
    /// Those whose values the folded heading shows.
    pub summary: &'static [&'static str],
}

/// All headings, in order. What is chosen above them or in the settings is not in them.
pub const GROUPS: [Group; 5] = [
    Group {
        key: "finetune.group_method",
        fields: &[
            "method.kind",
            "method.rank",
            "method.alpha",
            "method.dropout",
            "method.targets",
            "method.rslora",
            "method.last_layers",
            "method.freeze_embeddings",
            "method.freeze_norms",
            "optimizer.learning_rate",
            "task.class_weights",
        ],
        summary: &["method.kind", "method.rank", "method.last_layers", "optimizer.learning_rate"],
    },
    Group {
        key: "finetune.group_pace",
        fields: &[
            "run.epochs",
            "run.steps",
            "batch.sequences",
            "batch.accumulation",
            "optimizer.kind",
            "optimizer.beta1",
            "optimizer.beta2",
            "optimizer.eps",
            "optimizer.momentum",
            "optimizer.weight_decay",
            "schedule.kind",
            "schedule.warmup_share",
            "run.max_grad_norm",
            "run.label_smoothing",
            "recompute",
            "run.pause_on_battery",
        ],
        summary: &["run.epochs", "run.steps", "batch.sequences", "optimizer.kind", "schedule.kind"],
    },
    Group {
        key: "finetune.group_checks",
        fields: &[
            "evaluation.every",
            "evaluation.patience",
            "evaluation.samples",
            "evaluation.prompts",
            "evaluation.sample_tokens",
        ],
        summary: &["evaluation.every", "evaluation.patience", "evaluation.samples"],
    },
    Group {
        key: "finetune.group_keep",
        fields: &[
            "name",
            "checkpoints.every",
            "checkpoints.keep_best",
            "checkpoints.keep_every",
            "checkpoints.budget_gb",
        ],
        summary: &["checkpoints.every", "checkpoints.keep_best"],
    },
    Group {
        key: "finetune.group_data",
        fields: &[
            "task.vocab_size",
            "task.context_length",
            "data.validation_share",
            "batch.max_length",
            "batch.packing",
            "batch.group_by_length",
            "seed",
        ],
        summary: &["task.vocab_size", "data.validation_share", "batch.max_length", "batch.packing"],
    },
];

/// The entry of the table of fields.
pub fn field(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.path == path)
}

pub struct Draft {
    pub spec: TrainSpec,
    pub preset: PresetId,
    /// A person has said what is to be learned; until then it follows the files.
    pub goal_chosen: bool,
    /// What the preset has put into the steps.
    preset_steps: Option<u64>,
}

impl Default for Draft {
    fn default() -> Self {
        let preset = PresetId::default();
        let spec = preset.preset().applied_to(&TrainSpec::default());
        Self { preset_steps: spec.run.steps, spec, preset, goal_chosen: false }
    }
}

impl Draft {
    /// What is kept between runs.
    pub fn save(&self) -> Value {
        json!({
            "spec": self.spec,
            "preset": self.preset,
            "goal_chosen": self.goal_chosen,
            "preset_steps": self.preset_steps,
        })
    }

    pub fn restore(kept: &Value) -> Self {
        let Some(spec) = kept.get("spec") else { return Self::default() };
        let preset = kept.get("preset").and_then(|preset| serde_json::from_value(preset.clone()).ok());
        let preset: PresetId = preset.unwrap_or_default();
        Self {
            preset_steps: kept.get("preset_steps").and_then(Value::as_u64).or(preset.preset().steps()),
            spec: TrainSpec::from_stored(spec),
            preset,
            goal_chosen: kept.get("goal_chosen").and_then(Value::as_bool).unwrap_or_default(),
        }
    }

    pub fn preset(&self) -> &'static Preset {
        self.preset.preset()
    }

    pub fn model(&self) -> Option<ModelId> {
        match self.spec.model {
            ModelSource::Library(id) => Some(id),
            ModelSource::Path(_) => None,
        }
    }

    /// A model that is there: the chosen one, else the one used last if it can be tuned, else the starter. And the
    /// precision in use.
    pub fn settle(&mut self, cx: &PaneCx) {
        let library = &cx.model.library;
        let there = |id: &ModelId| library.get(*id).is_some();
        if !self.model().is_some_and(|id| there(&id)) {
            let tunable = |id: &ModelId| library.get(*id).is_some_and(|model| !model.card.run_only);
            let other = cx.settings().last_model.filter(tunable).or(library.starter.filter(there));
            if let Some(id) = other.or_else(|| library.models().first().map(|model| model.id)) {
                self.spec.model = ModelSource::Library(id);
            }
        }
        self.spec.precision = cx.settings().precision;
    }

    pub fn choose_preset(&mut self, id: PresetId) {
        self.preset = id;
        self.spec = id.preset().applied_to(&self.spec);
        self.preset_steps = self.spec.run.steps;
    }

    /// Lets the preset's steps follow the data, unless a person has set others; says whether something has changed.
    pub fn fit(&mut self, card: &ModelCard, report: &DataReport) -> bool {
        let steps = self.preset().steps_for(&self.spec, card, report);
        let changes = self.spec.run.steps == self.preset_steps && steps != self.preset_steps;
        if changes {
            (self.spec.run.steps, self.preset_steps) = (steps, steps);
        }
        changes
    }

    /// The fields that are not as the preset made them.
    pub fn changed(&self) -> Vec<&'static Field> {
        let mut spec = self.spec.clone();
        if spec.run.steps == self.preset_steps {
            spec.run.steps = self.preset().steps();
        }
        self.preset().changed(&spec)
    }

    /// Another goal; where a model is made, everything else is as that takes it, and the other way round.
    pub fn choose_goal(&mut self, task: TaskSpec) {
        let was_made = self.spec.scratch().is_some();
        self.spec.task = task;
        self.goal_chosen = true;
        if self.spec.scratch().is_some() != was_made {
            self.choose_preset(self.preset);
        }
    }

    /// Whether a field says anything to what is to be learned: a model that is made is trained as a whole.
    pub fn has(&self, path: &str) -> bool {
        self.spec.scratch().is_none() || !path.starts_with("method.")
    }

    /// Learns from a dataset, in place of all that was chosen. The goal follows it, unless a person chose one.
    pub fn take_dataset(&mut self, record: &DatasetRecord) {
        let chosen = DatasetRef { id: Some(record.id), name: record.name.clone(), ..DatasetRef::default() };
        let validation_share = self.spec.data.validation_share;
        self.spec.data = DataSpec { dataset: Some(chosen), validation_share, ..DataSpec::default() };
        if !self.goal_chosen {
            self.spec.task = match record.mapping.task {
                DataTask::Classification => TaskSpec::Classification(ClassificationSpec::default()),
                DataTask::Text | DataTask::Tagging => TaskSpec::Text,
                DataTask::Chat | DataTask::QuestionAnswering | DataTask::Pairs | DataTask::Preference => {
                    TaskSpec::Chat
                }
            };
        }
    }

    /// Adds a file to learn from, in place of a dataset. The goal follows the first one, unless a person chose it.
    pub fn add_file(&mut self, path: PathBuf) {
        if self.spec.data.files.contains(&path) {
            return;
        }
        self.spec.data.dataset = None;
        if self.spec.data.files.is_empty() && !self.goal_chosen {
            self.spec.task = if is_plain_text(&path) {
                TaskSpec::Text
            } else if is_table(&path) {
                TaskSpec::Classification(ClassificationSpec::default())
            } else {
                TaskSpec::Chat
            };
        }
        self.spec.data.files.push(path);
    }

    /// The spec with another value in one field; `None` when it would be no spec.
    pub fn with(&self, path: &str, value: &Value) -> Option<TrainSpec> {
        let mut whole = serde_json::to_value(&self.spec).ok()?;
        let mut at = &mut whole;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                at = at.get_mut(part)?;
            } else if part == "kind" {
                // Another kind has other fields: they begin as their defaults.
                *at = json!({ "kind": value });
            } else {
                at.as_object_mut()?.insert(part.to_owned(), value.clone());
            }
        }
        TrainSpec::from_new(&whole).ok()
    }
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Endings of files that can be learned from.
pub const ENDINGS: [&str; 8] = ["jsonl", "json", "ndjson", "csv", "tsv", "txt", "md", "text"];

pub fn is_data(path: &Path) -> bool {
    ENDINGS.contains(&ending(path).as_str()) && path.file_name().is_none_or(|name| name != "config.json")
}

fn is_plain_text(path: &Path) -> bool {
    matches!(ending(path).as_str(), "txt" | "md" | "text")
}

fn is_table(path: &Path) -> bool {
    matches!(ending(path).as_str(), "csv" | "tsv")
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::train::ScratchSpec;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_is_in_one_group_or_chosen_above() {
        // The precision is a setting of the program.
        let mut seen = BTreeSet::from([
            "data.dataset",
            "data.files",
            "data.validation_files",
            "task.kind",
            "task.size",
            "precision",
        ]);
        for group in &GROUPS {
            for path in group.fields {
                assert!(seen.insert(path), "{path} twice");
            }
            assert!(group.summary.iter().all(|path| group.fields.contains(path)), "{}", group.key);
        }
        assert_eq!(seen, FIELDS.iter().map(|field| field.path).collect());
    }

    #[test]
    fn another_kind_has_its_own_fields() {
        let draft = Draft::default();
        let full = draft.with("method.kind", &json!("full")).expect("a spec");
        assert_ne!(full.method, draft.spec.method);
        let rank = draft.with("method.rank", &json!(4)).expect("a spec");
        assert_ne!(rank, draft.spec);
        assert_eq!(draft.with("method.rank", &Value::Null), None, "a rank is needed");
        assert!(draft.with("evaluation.patience", &Value::Null).is_some());
    }

    #[test]
    fn a_model_that_is_made_is_trained_whole_and_the_goal_before_comes_back() {
        let mut draft = Draft::default();
        let before = draft.spec.clone();
        draft.choose_goal(TaskSpec::Scratch(ScratchSpec::default()));
        assert!(draft.preset().changed(&draft.spec).is_empty() && draft.spec.batch.packing);
        assert!(!draft.has("method.kind") && draft.has("optimizer.learning_rate"));
        draft.choose_goal(TaskSpec::Chat);
        assert_eq!(draft.spec, before);
        draft.spec.run.epochs = 2.0;
        draft.choose_goal(TaskSpec::Text);
        assert_eq!(draft.spec.run.epochs, 2.0, "what both goals have stays");
    }

    #[test]
    fn drafts_come_back() {
        let mut draft = Draft::default();
        draft.add_file("/tmp/a.txt".into());
        draft.choose_preset(PresetId::Thorough);
        let back = Draft::restore(&draft.save());
        assert_eq!((back.spec, back.preset), (draft.spec.clone(), PresetId::Thorough));
        assert_eq!(draft.spec.task, TaskSpec::Text);
        assert_eq!(Draft::restore(&json!({ "spec": 3 })).spec, TrainSpec::default());
    }
}
