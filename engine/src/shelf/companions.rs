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
    let mut model = of_family(config)?;
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

/// config.json as transformers has it for the family.
fn of_family(config: &ModelConfig) -> Result<Map<String, Value>> {
    let Some(rope) = &config.rope else { return Err(no_folder(config).into()) };
    let s = &config.shape;
    let (class, kind, more) = match config.architecture {
        "llama" => ("LlamaForCausalLM", "llama", json!({})),
        "qwen2" => ("Qwen2ForCausalLM", "qwen2", json!({ "use_sliding_window": false })),
        "qwen3" => ("Qwen3ForCausalLM", "qwen3", json!({ "use_sliding_window": false })),
        "gemma2" => ("Gemma2ForCausalLM", "gemma2", gemma(config)),
        "gemma3" => ("Gemma3ForCausalLM", "gemma3_text", gemma(config)),
        "gpt_neox" => {
            let turned = rope.width as f64 / s.head_width as f64;
            let more = json!({
                "layer_norm_eps": config.norm_eps,
                "rotary_emb_base": rope.theta,
                "rotary_pct": turned,
                "use_parallel_residual": config.parallel_residual,
            });
            ("GPTNeoXForCausalLM", "gpt_neox", more)
        }
        _ => return Err(no_folder(config).into()),
    };
    let has_windows = config.windows.iter().any(Option::is_some);
    if has_windows && !kind.starts_with("gemma") {
        return Err(no_folder(config).into());
    }
    let activation = match config.activation {
        Activation::Silu => "silu",
        Activation::GeluNew => "gelu_pytorch_tanh",
        Activation::Gelu => "gelu",
    };
    let common = json!({
        "architectures": [class],
        "model_type": kind,
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
    let fields = [common, more].into_iter().filter_map(|value| match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Ok(fields.flatten().collect())
}

/// What Gemma 2 and 3 have besides.
fn gemma(config: &ModelConfig) -> Value {
    let kind = |window: &Option<usize>| if window.is_some() { "sliding_attention" } else { "full_attention" };
    let layers: Vec<&str> = match config.windows.as_slice() {
        [] => vec!["full_attention"; config.shape.n_layers],
        windows => windows.iter().map(kind).collect(),
    };
    let local = config.local_rope.as_ref().map(|rope| rope.theta);
    let mut fields = json!({
        "hidden_activation": "gelu_pytorch_tanh",
        // A whole number, of which the scale is the root's inverse.
        "query_pre_attn_scalar": config.attention_scale.powi(-2).round(),
        "sliding_window": config.windows.iter().flatten().next(),
        "layer_types": layers,
        "attn_logit_softcapping": config.attention_cap,
        "final_logit_softcapping": config.logit_cap,
    });
    if let (Some(local), Value::Object(fields)) = (local, &mut fields) {
        fields.insert("rope_local_base_freq".to_owned(), json!(local));
        fields.remove("attn_logit_softcapping");
    }
    fields
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
