//! A model that begins from nothing: how large it is, how many tokens it knows, how many it reads at once.

use super::{AdamWSpec, BatchSpec, FullSpec, MethodSpec, OptimizerSpec, TaskSpec, TrainSpec};
use crate::chat::TemplateSource;
use crate::model::{ModelCard, ModelFormat};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A Llama model with seeded first values, and a byte-level BPE tokenizer of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScratchSpec {
    pub size: ScratchSize,
    /// Tokens that the tokenizer is trained to, at most; `None`: as the size has it.
    pub vocab_size: Option<u32>,
    /// Tokens that the model reads at once; `None`: as the size has it.
    pub context_length: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScratchSize {
    Tiny,
    #[default]
    Small,
    Medium,
    Large,
}

/// An entry in [`SIZES`].
#[derive(Clone, Copy, Debug)]
pub struct SizeRow {
    pub size: ScratchSize,
    /// In a recipe.
    pub word: &'static str,
    /// Key of its name.
    pub label: &'static str,
    pub n_layers: u32,
    /// D
    pub width: u32,
    /// H; as many for keys and values.
    pub n_heads: u32,
    /// F
    pub mlp_width: u32,
    /// V
    pub vocab_size: u32,
    pub context_length: u32,
    /// The highest rate for AdamW: the larger, the lower.
    pub learning_rate: f64,
}

/// From the smallest to the largest: about 0.5, 1.5, 3.5 and 10 million weights. Heads are 32 wide, the middle of the
/// MLP 8/3 of the width (Touvron et al. 2023, arXiv:2302.13971).
pub const SIZES: [SizeRow; 4] = [
    SizeRow {
        size: ScratchSize::Tiny,
        word: "tiny",
        label: "train.size.tiny",
        n_layers: 4,
        width: 96,
        n_heads: 3,
        mlp_width: 256,
        vocab_size: 1024,
        context_length: 256,
        learning_rate: 3e-3,
    },
    SizeRow {
        size: ScratchSize::Small,
        word: "small",
        label: "train.size.small",
        n_layers: 5,
        width: 128,
        n_heads: 4,
        mlp_width: 352,
        vocab_size: 4096,
        context_length: 256,
        learning_rate: 3e-3,
    },
    SizeRow {
        size: ScratchSize::Medium,
        word: "medium",
        label: "train.size.medium",
        n_layers: 6,
        width: 192,
        n_heads: 6,
        mlp_width: 512,
        vocab_size: 4096,
        context_length: 256,
        learning_rate: 2e-3,
    },
    SizeRow {
        size: ScratchSize::Large,
        word: "large",
        label: "train.size.large",
        n_layers: 6,
        width: 320,
        n_heads: 10,
        mlp_width: 864,
        vocab_size: 8192,
        context_length: 512,
        learning_rate: 1e-3,
    },
];

impl ScratchSize {
    /// The line of the table.
    #[must_use]
    pub fn row(self) -> &'static SizeRow {
        // In the order of the variants, which a test holds.
        &SIZES[self as usize]
    }
}

impl ScratchSpec {
    #[must_use]
    pub fn vocab_size(&self) -> u32 {
        self.vocab_size.unwrap_or(self.size.row().vocab_size)
    }

    #[must_use]
    pub fn context_length(&self) -> u32 {
        self.context_length.unwrap_or(self.size.row().context_length)
    }

    /// Numbers in the model: the table of tokens, which is also the unembedding, blocks, norms.
    #[must_use]
    pub fn n_params(&self) -> u64 {
        let row = self.size.row();
        let (width, mlp) = (u64::from(row.width), u64::from(row.mlp_width));
        let block = 4 * width * width + 3 * width * mlp + 2 * width;
        u64::from(self.vocab_size()) * width + u64::from(row.n_layers) * block + width
    }

    /// What it is called: `Llama 3.4M`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("Llama {:.1}M", self.n_params() as f64 / 1e6)
    }

    /// What can be said of the model before it is there.
    #[must_use]
    pub fn card(&self) -> ModelCard {
        let row = self.size.row();
        ModelCard {
            format: ModelFormat::Folder,
            architecture: "llama".to_owned(),
            n_params: self.n_params(),
            size_bytes: self.n_params() * 4,
            weight_type: "F32".to_owned(),
            context_length: self.context_length(),
            n_layers: row.n_layers,
            width: row.width,
            n_heads: row.n_heads,
            n_kv_heads: row.n_heads,
            vocab_size: self.vocab_size(),
            tied_embeddings: true,
            template: TemplateSource::Fallback(String::new()),
            license: None,
            description: None,
            examples: Vec::new(),
            content_hash: String::new(),
            labels: Vec::new(),
            run_only: false,
        }
    }
}

/// The decay of gradients' squares in AdamW, and the decay of weights, as models are pre-trained (Brown et al. 2020,
/// arXiv:2005.14165, appendix B).
const BETA2: f64 = 0.95;
const WEIGHT_DECAY: f64 = 0.1;
/// Pieces of text in a step.
const SEQUENCES: u32 = 16;

impl TrainSpec {
    /// The defaults of a run that begins from nothing.
    #[must_use]
    pub fn from_scratch(scratch: ScratchSpec) -> Self {
        Self {
            task: TaskSpec::Scratch(scratch),
            method: MethodSpec::Full(FullSpec::default()),
            optimizer: OptimizerSpec::AdamW(AdamWSpec {
                beta2: BETA2,
                weight_decay: WEIGHT_DECAY,
                ..AdamWSpec::default()
            }),
            batch: BatchSpec { sequences: SEQUENCES, accumulation: 1, packing: true, ..BatchSpec::default() },
            ..Self::default()
        }
    }

    /// What the model is, where the run makes it itself.
    #[must_use]
    pub fn scratch(&self) -> Option<&ScratchSpec> {
        match &self.task {
            TaskSpec::Scratch(scratch) => Some(scratch),
            TaskSpec::Chat | TaskSpec::Text | TaskSpec::Classification(_) => None,
        }
    }

    /// The card of the model that is trained: one that the run makes, else the `chosen` one.
    #[must_use]
    pub fn trained_card<'a>(&self, chosen: Option<&'a ModelCard>) -> Option<Cow<'a, ModelCard>> {
        self.scratch().map(|scratch| Cow::Owned(scratch.card())).or(chosen.map(Cow::Borrowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;
    use crate::train::{ModelSize, PRESETS};
    use serde_json::json;

    #[test]
    fn sizes_are_what_they_are_called() {
        for (row, millions) in SIZES.iter().zip([0.5, 1.5, 3.4, 10.1]) {
            let spec = ScratchSpec { size: row.size, ..ScratchSpec::default() };
            assert_eq!(row.size.row().word, row.word, "the table is in the order of the sizes");
            assert_eq!(serde_json::to_value(row.size).expect("a word"), row.word);
            assert!(Language::ALL.iter().all(|language| language.has(row.label)), "{}", row.label);
            assert_eq!(spec.name(), format!("Llama {millions:.1}M"));
            assert_eq!(row.width, row.n_heads * 32);
            assert_eq!(ModelSize::of(&spec.card()).mlp_width, u64::from(row.mlp_width));
        }
        let own = ScratchSpec { vocab_size: Some(1000), context_length: Some(64), ..ScratchSpec::default() };
        assert_eq!((own.card().vocab_size, own.card().context_length), (1000, 64));
    }

    #[test]
    fn a_run_from_nothing_has_defaults_of_its_own() {
        let spec = TrainSpec::from_new(&json!({ "task": { "kind": "scratch", "size": "medium" } }));
        let spec = spec.expect("it reads");
        assert_eq!(
            spec,
            TrainSpec::from_scratch(ScratchSpec { size: ScratchSize::Medium, ..ScratchSpec::default() })
        );
        assert_eq!(spec.learning_rate(), 2e-3);
        assert_eq!(spec.max_length(20, 9999), 256, "windows are as long as the model reads");
        let problems =
            |spec: &TrainSpec| spec.problems(None).into_iter().map(|p| p.field).collect::<Vec<_>>();
        assert_eq!(problems(&spec), ["data.files"]);
        let lora = json!({ "task": { "kind": "scratch", "vocab_size": 3 }, "method": { "kind": "lora" } });
        let lora = TrainSpec::from_new(&lora).expect("it reads");
        assert_eq!(problems(&lora), ["task.vocab_size", "data.files", "method.kind"]);
        for preset in &PRESETS {
            let made = preset.applied_to(&spec);
            assert_eq!((made.task, &made.method), (spec.task, &spec.method));
            assert!(made.batch.packing && preset.changed(&made).is_empty());
        }
        let back = PRESETS[0].applied_to(&TrainSpec { task: TaskSpec::Text, ..spec });
        assert!(matches!(back.method, MethodSpec::Lora(_)) && !back.batch.packing);
    }

    #[test]
    fn what_is_said_of_it_does_not_depend_on_the_model_chosen_before() {
        let spec = TrainSpec::from_scratch(ScratchSpec::default());
        let card = spec.trained_card(None).expect("its own");
        assert_eq!(card.n_params, ScratchSpec::default().n_params());
        assert_eq!(TrainSpec::default().trained_card(None), None);
        let mut other = spec.clone();
        other.model = crate::generate::ModelSource::Path("elsewhere".into());
        assert!(spec.reads_as(&other) && spec.steps_as(&other));
        other.task = TaskSpec::Scratch(ScratchSpec { size: ScratchSize::Medium, ..ScratchSpec::default() });
        assert!(spec.reads_as(&other), "the same tokens in a wider model");
        assert!(!spec.steps_as(&other));
        other.task = TaskSpec::Scratch(ScratchSpec { vocab_size: Some(500), ..ScratchSpec::default() });
        assert!(!spec.reads_as(&other));
    }
}
