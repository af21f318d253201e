//! Adapters in PEFT's format: a folder with `adapter_config.json` and `adapter_model.safetensors`. What would have
//! to be honoured and is not, is refused by name.

use super::file::read_text;
use super::{LoadedModel, safetensors};
use crate::models::{CausalLm, ConfigJson, SCORE, WeightSource as _};
use crate::nn::{Adapters, LinearId, LowRank};
use crate::train::peft::{ABOUT, CONFIG, LABELS, PREFIX, WEIGHTS};
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::AdapterSource;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const MAX_CONFIG_BYTES: u64 = 1 << 20;
const MODULES_TO_SAVE: &str = "modules_to_save";
/// Fields of PEFT's that change the arithmetic, and are honoured only when they say nothing.
const REFUSED: [&str; 11] = [
    "use_dora",
    "use_qalora",
    "lora_bias",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    MODULES_TO_SAVE,
    "trainable_token_indices",
    "target_parameters",
    "megatron_config",
    "alora_invocation_tokens",
];

/// A head that was trained whole, beside an adapter: PEFT's `modules_to_save`.
pub struct AdapterHead {
    /// In the order of its outputs.
    pub labels: Vec<String>,
    /// `[K, D]`
    pub weight: Vec<f32>,
}

/// An adapter, read.
pub struct AdapterFiles {
    folder: PathBuf,
    /// By the linear map's name in the checkpoint.
    pub beside: BTreeMap<String, LowRank>,
    /// What tells labels apart in place of the unembedding, if it was trained for that.
    pub head: Option<AdapterHead>,
    /// SHA-256 of the weights it was trained on, if it says.
    base_hash: Option<String>,
}

impl AdapterFiles {
    /// # Errors
    /// `Failure` naming the file or field concerned.
    pub fn read(folder: &Path) -> Result<Self> {
        let config = folder.join(CONFIG);
        for name in [CONFIG, WEIGHTS] {
            if !folder.join(name).is_file() {
                let summary =
                    Text::new("failure.adapter_missing").arg("folder", folder.display()).arg("file", name);
                return Err(Failure::new(FailureKind::Missing, summary)
                    .hint(Text::new("failure.adapter_missing_hint"))
                    .into());
            }
        }
        let json = ConfigJson::parse(&config, &read_text(&config, MAX_CONFIG_BYTES)?)?;
        refuse(folder, &json)?;
        let rank = json.size("r")?;
        let alpha = json.number_or("lora_alpha", 8.0)?;
        let below = if json.flag_or("use_rslora", false)? { (rank as f64).sqrt() } else { rank as f64 };
        let about = folder.join(ABOUT);
        let about: Value = match about.is_file() {
            true => serde_json::from_str(&read_text(&about, MAX_CONFIG_BYTES)?).unwrap_or_default(),
            false => Value::Null,
        };
        let base_hash = about.get("base_hash").and_then(Value::as_str).map(str::to_owned);
        let (beside, head) = weights(folder, rank, (alpha / below.max(1.0)) as f32)?;
        let head = head.map(|(n_classes, weight)| {
            let named: Option<Vec<String>> = about
                .get(LABELS)
                .and_then(|labels| serde_json::from_value(labels.clone()).ok())
                .filter(|labels: &Vec<String>| labels.len() == n_classes);
            // As transformers calls what has no name.
            let labels = named.unwrap_or_else(|| (0..n_classes).map(|i| format!("LABEL_{i}")).collect());
            AdapterHead { labels, weight }
        });
        Ok(Self { folder: folder.to_owned(), beside, head, base_hash })
    }

    /// Adapters that are in memory, of a run in `folder` that trains on the weights of this hash.
    #[must_use]
    pub fn of(folder: PathBuf, beside: BTreeMap<String, LowRank>, base_hash: String) -> Self {
        Self { folder, beside, head: None, base_hash: Some(base_hash) }
    }

    /// Says so if the adapter was trained on other weights than the model's.
    #[must_use]
    pub fn other_base(&self, model: &LoadedModel) -> Option<Failure> {
        let base = self.base_hash.as_ref().filter(|hash| **hash != model.card.content_hash)?;
        let summary = Text::new("failure.adapter_other_base")
            .arg("folder", self.folder.display())
            .arg("model", &model.name);
        let detail = format!("{base}, {}", model.card.content_hash);
        let hint = Text::new("failure.adapter_other_base_hint");
        Some(Failure::new(FailureKind::Input, summary).hint(hint).detail(detail))
    }

    /// Lays the adapters beside a model's linear maps, to write with them.
    ///
    /// # Errors
    /// `Failure { Input }` when one has no place there, or another shape, or where labels are told apart.
    pub fn fit(
        mut self,
        name: &str,
        model: &dyn CausalLm,
        source: &AdapterSource,
    ) -> Result<Adapters, Failure> {
        self.check(name, model)?;
        if self.head.is_some() {
            let summary = Text::new("failure.adapter_classifies").arg("folder", self.folder.display());
            return Err(
                Failure::new(FailureKind::Input, summary).hint(Text::new("failure.model_classifies_hint"))
            );
        }
        let mut adapters = Adapters::new(source.strength);
        let mut places: Vec<(LinearId, String)> = Vec::new();
        model.linears(&mut |name, linear| places.push((linear.id(), name.to_owned())));
        for (id, name) in places {
            if let Some(adapter) = self.beside.remove(&name) {
                adapters.put(id, adapter);
            }
        }
        Ok(adapters)
    }

    /// # Errors
    /// As [`Self::fit`].
    pub fn check(&self, name: &str, model: &dyn CausalLm) -> Result<(), Failure> {
        let mut left: BTreeSet<&str> = self.beside.keys().map(String::as_str).collect();
        let mut wrong = None;
        model.linears(&mut |name, linear| {
            let (n_out, n_in) = linear.weight().dims();
            if let Some(one) = self.beside.get(name) {
                left.remove(name);
                if one.a.len() != one.rank * n_in || one.b.len() != one.rank * n_out {
                    wrong.get_or_insert(name.to_owned());
                }
            }
        });
        if self.head.as_ref().is_some_and(|h| h.weight.len() != h.labels.len() * model.shape().width) {
            wrong.get_or_insert(SCORE.to_owned());
        }
        match wrong.as_deref().or(left.first().copied()) {
            None => Ok(()),
            Some(what) => {
                let summary = Text::new("failure.adapter_unfit")
                    .arg("folder", self.folder.display())
                    .arg("model", name)
                    .arg("what", what);
                Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.adapter_unfit_hint")))
            }
        }
    }
}

fn refuse(folder: &Path, json: &ConfigJson) -> Result<(), Failure> {
    let refused = |field: &str| {
        let summary =
            Text::new("failure.adapter_refused").arg("folder", folder.display()).arg("field", field);
        Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.adapter_refused_hint")))
    };
    if json.text("peft_type")? != Some("LORA") {
        return refused("peft_type");
    }
    if json.text("bias")?.is_some_and(|bias| bias != "none") {
        return refused("bias");
    }
    // These begin by changing the model's own weights.
    let first = json.get("init_lora_weights").and_then(Value::as_str).unwrap_or_default();
    if ["pissa", "olora", "loftq", "corda"].iter().any(|name| first.starts_with(name)) {
        return refused("init_lora_weights");
    }
    let says = |value: &Value| match value {
        Value::Bool(on) => *on,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    // A head is trained whole; PEFT names every head that a model of the kind might have.
    let classifies = json.text("task_type")? == Some("SEQ_CLS");
    let heads = |value: &Value| {
        let names = value.as_array().map_or(&[] as &[Value], Vec::as_slice);
        classifies && names.iter().all(|name| name == SCORE || name == "classifier")
    };
    let refused_value =
        |field: &&&str| json.get(field).is_some_and(|v| says(v) && !(**field == MODULES_TO_SAVE && heads(v)));
    match REFUSED.iter().find(refused_value) {
        Some(field) => refused(field),
        None => Ok(()),
    }
}

/// Outputs and values of a head.
type Head = (usize, Vec<f32>);

/// Both matrices of every adapter, and the head if there is one.
fn weights(folder: &Path, rank: usize, scale: f32) -> Result<(BTreeMap<String, LowRank>, Option<Head>)> {
    let path = folder.join(WEIGHTS);
    let stored = safetensors::open(&path)?;
    let total = stored.tensors.values().map(|tensor| tensor.size_bytes).sum();
    let reader = stored.reader(total, &|_, _| Ok(()))?;
    let (mut beside, mut head) = (BTreeMap::new(), None);
    let strange = |name: &str| {
        let summary = Text::new("failure.adapter_refused").arg("folder", folder.display()).arg("field", name);
        Failure::new(FailureKind::Input, summary).hint(Text::new("failure.adapter_refused_hint"))
    };
    for (in_file, tensor) in &stored.tensors {
        let name = in_file.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(".weight"));
        let (Some(name), [rows, cols]) = (name, tensor.shape.as_slice()) else {
            return Err(strange(in_file).into());
        };
        if name == SCORE {
            head = Some((*rows, reader.dense(in_file, &[*rows, *cols])?.flatten_all()?.to_vec1()?));
            continue;
        }
        let (linear, is_a) = match (name.strip_suffix(".lora_A"), name.strip_suffix(".lora_B")) {
            (Some(linear), _) if *rows == rank => (linear, true),
            (_, Some(linear)) if *cols == rank => (linear, false),
            _ => return Err(strange(in_file).into()),
        };
        let values = reader.dense(in_file, &[*rows, *cols])?.flatten_all()?.to_vec1()?;
        let one =
            beside.entry(linear.to_owned()).or_insert(LowRank { rank, scale, a: Vec::new(), b: Vec::new() });
        if is_a { one.a = values } else { one.b = values }
    }
    Ok((beside, head))
}
