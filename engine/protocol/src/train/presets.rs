//! Ready-made ways to train: what a person picks instead of thirty fields.

use super::fields::{FIELDS, Field};
use super::{BatchSpec, EvaluationSpec, LengthSpec, LoraSpec, MethodSpec, TrainSpec};
use crate::dataset::DataReport;
use crate::model::ModelCard;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresetId {
    QuickLook,
    #[default]
    Balanced,
    Thorough,
}

/// An entry in [`PRESETS`]. What it does not name is the default of [`TrainSpec`].
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub id: PresetId,
    /// Key of its name; what it does has `_hint` after it.
    pub label: &'static str,
    rank: u32,
    accumulation: u32,
    epochs: f64,
    steps: Option<u64>,
    patience: u32,
}

/// From the quickest to the longest.
pub const PRESETS: [Preset; 3] = [
    Preset {
        id: PresetId::QuickLook,
        label: "finetune.quick_look",
        rank: 8,
        accumulation: 1,
        epochs: 3.0,
        steps: Some(120),
        // As many as there are evaluations: it looks to the end.
        patience: 10,
    },
    Preset {
        id: PresetId::Balanced,
        label: "finetune.balanced",
        rank: 16,
        accumulation: 4,
        epochs: 3.0,
        steps: None,
        patience: 3,
    },
    Preset {
        id: PresetId::Thorough,
        label: "finetune.thorough",
        rank: 32,
        accumulation: 4,
        epochs: 6.0,
        steps: None,
        patience: 5,
    },
];

impl PresetId {
    /// The line of the table.
    #[must_use]
    pub fn preset(self) -> &'static Preset {
        // In the order of the variants, which a test holds.
        &PRESETS[self as usize]
    }
}

impl Preset {
    /// `spec` trained this way: what it learns, from which data, its name and its seed stay.
    #[must_use]
    pub fn applied_to(&self, spec: &TrainSpec) -> TrainSpec {
        if let Some(scratch) = spec.scratch() {
            let plain = TrainSpec::from_scratch(*scratch);
            return TrainSpec {
                name: spec.name.clone(),
                model: spec.model.clone(),
                data: spec.data.clone(),
                seed: spec.seed,
                precision: spec.precision,
                run: LengthSpec { epochs: self.epochs, steps: self.steps, ..LengthSpec::default() },
                evaluation: EvaluationSpec { patience: Some(self.patience), ..EvaluationSpec::default() },
                ..plain
            };
        }
        let lora = LoraSpec { rank: self.rank, alpha: 2.0 * f64::from(self.rank), ..LoraSpec::default() };
        TrainSpec {
            name: spec.name.clone(),
            model: spec.model.clone(),
            data: spec.data.clone(),
            task: spec.task,
            seed: spec.seed,
            precision: spec.precision,
            method: MethodSpec::Lora(lora),
            batch: BatchSpec { accumulation: self.accumulation, ..BatchSpec::default() },
            run: LengthSpec { epochs: self.epochs, steps: self.steps, ..LengthSpec::default() },
            evaluation: EvaluationSpec { patience: Some(self.patience), ..EvaluationSpec::default() },
            ..TrainSpec::default()
        }
    }

    /// The most steps that it takes, where it says so: no more than the balanced way takes on the same rows, so that a
    /// quick look at little data is quick.
    #[must_use]
    pub fn steps_for(&self, spec: &TrainSpec, card: &ModelCard, data: &DataReport) -> Option<u64> {
        let balanced = PresetId::Balanced.preset().applied_to(spec).estimate(card, data).n_steps;
        self.steps.map(|steps| steps.min(balanced))
    }

    /// The steps that it names before anything is known of the data.
    #[must_use]
    pub fn steps(&self) -> Option<u64> {
        self.steps
    }

    /// The fields in which `spec` is not as this preset makes it.
    #[must_use]
    pub fn changed(&self, spec: &TrainSpec) -> Vec<&'static Field> {
        let made = serde_json::to_value(self.applied_to(spec)).unwrap_or_default();
        let is = serde_json::to_value(spec).unwrap_or_default();
        FIELDS
            .iter()
            .filter(|field| field.value(&is).is_some() && field.value(&is) != field.value(&made))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn presets_keep_what_is_a_persons_and_say_what_was_changed() {
        let mut mine = TrainSpec { name: "mine".to_owned(), seed: 7, ..TrainSpec::default() };
        mine.data.files = vec!["a.jsonl".into()];
        for preset in &PRESETS {
            assert_eq!(preset.id.preset().label, preset.label, "the table is in the order of the ids");
            for language in Language::ALL {
                assert!(language.has(preset.label) && language.has(&format!("{}_hint", preset.label)));
            }
            let mut spec = preset.applied_to(&mine);
            assert_eq!((spec.name.as_str(), spec.seed, &spec.data), ("mine", 7, &mine.data));
            assert_eq!(spec.problems(None), []);
            assert!(preset.changed(&spec).is_empty());
            spec.run.epochs = 2.5;
            spec.recompute = true;
            let changed: Vec<&str> = preset.changed(&spec).into_iter().map(|field| field.path).collect();
            assert_eq!(changed, ["run.epochs", "recompute"]);
        }
        assert_eq!(PresetId::Balanced.preset().applied_to(&mine), mine, "the defaults are the balanced way");
    }
}
