//! The files that go beside a model's weights when it is written anew: configuration, tokenizer, chat template.

use super::{Kind, ModelFiles};
use crate::models::ModelConfig;
use crate::nn::{Activation, RopeScaling};
use crate::tokenizer::TextCodec;
use anyhow::{Context as _, Result};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Files of a folder that say something of a model, weights apart.
const NAMES: [&str; 12] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
    "LICENSE",
];

impl ModelFiles {
    /// Names and contents: a folder's own files, or what a GGUF file says, spelled as a folder has it.
    ///
    /// # Errors
    /// When a file cannot be read, and for a GGUF file of an architecture that no folder is written for.
    pub fn companions(&self) -> Result<Vec<(String, Vec<u8>)>> {
        match &self.kind {
            Kind::Folder(folder) => of_folder(&folder.path),
            Kind::Gguf(gguf) => {
                let codec = self.tokenizer()?;
                let template = gguf.chat_template()?.map(|template| template.text().to_owned());
                of_config(&gguf.config, &codec, template)
            }
        }
    }
}

fn of_folder(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let there = NAMES.iter().map(|name| (*name, folder.join(name))).filter(|(_, path)| path.is_file());
    let read = |(name, path): (&str, std::path::PathBuf)| {
        let contents = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok((name.to_owned(), contents))
    };
    there.map(read).collect()
}

fn of_config(
    config: &ModelConfig,
    codec: &TextCodec,
    template: Option<String>,
) -> Result<Vec<(String, Vec<u8>)>> {
    let pretty =
        |value: &Value| Ok::<_, anyhow::Error>((serde_json::to_string_pretty(value)? + "\n").into_bytes());
    let mut ids = Map::new();
    ids.extend(codec.bos_id().map(|id| ("bos_token_id".to_owned(), json!(id))));
    match codec.eos_ids() {
        [] => {}
        [one] => drop(ids.insert("eos_token_id".to_owned(), json!(one))),
        all => drop(ids.insert("eos_token_id".to_owned(), json!(all))),
    }
    let mut model = llama(config)?;
    model.extend(ids.clone());
    let mut tokenizer = Map::new();
    tokenizer.insert("tokenizer_class".to_owned(), json!("PreTrainedTokenizerFast"));
    for (name, text) in codec.special_texts() {
        tokenizer.insert(name.to_owned(), json!(text));
    }
    tokenizer.extend(template.map(|text| ("chat_template".to_owned(), json!(text))));
    Ok(vec![
        ("config.json".to_owned(), pretty(&Value::Object(model))?),
        ("generation_config.json".to_owned(), pretty(&Value::Object(ids))?),
        ("tokenizer.json".to_owned(), codec.to_json()?.into_bytes()),
        ("tokenizer_config.json".to_owned(), pretty(&Value::Object(tokenizer))?),
    ])
}

/// transformers' `LlamaConfig`.
fn llama(config: &ModelConfig) -> Result<Map<String, Value>> {
    let (s, Some(rope)) = (&config.shape, &config.rope) else { return Err(no_folder(config).into()) };
    if config.architecture != "llama" {
        return Err(no_folder(config).into());
    }
    let activation = match config.activation {
        Activation::Silu => "silu",
        Activation::GeluNew => "gelu_new",
        Activation::Gelu => "gelu",
    };
    let value = json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": s.vocab_size,
        "hidden_size": s.width,
        "intermediate_size": s.mlp_width,
        "num_hidden_layers": s.n_layers,
        "num_attention_heads": s.n_heads,
        "num_key_value_heads": s.n_kv_heads,
        "head_dim": s.head_width,
        "hidden_act": activation,
        "max_position_embeddings": s.context_length,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": rope.theta,
        "rope_scaling": scaling(config, &rope.scaling)?,
        "attention_bias": config.attention_bias,
        "mlp_bias": config.mlp_bias,
        "tie_word_embeddings": config.tied_embeddings,
    });
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn scaling(config: &ModelConfig, scaling: &RopeScaling) -> Result<Value> {
    Ok(match scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_context_length } => json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            "original_max_position_embeddings": original_context_length,
        }),
        RopeScaling::Divisors(_) => return Err(no_folder(config).into()),
    })
}

fn no_folder(config: &ModelConfig) -> Failure {
    let summary = Text::new("failure.no_folder").arg("architecture", config.architecture);
    Failure::new(FailureKind::Input, summary).hint(Text::new("failure.no_folder_hint"))
}
