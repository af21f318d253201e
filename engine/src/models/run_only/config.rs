//! From config.json to what candle's model is built by: the fields that it honours, those that it takes for granted,
//! those that say nothing of its numbers. Any other is refused by its name.

use super::super::rope;
use super::{Family, HeadWidth, Lit};
use crate::models::{ConfigJson, ModelConfig};
use crate::nn::{ModelShape, RopeConfig, RopeScaling};
use glassworks_protocol::Failure;
use serde_json::{Map, Value, json};

/// Experts in all layers together, at most: more is no model's.
const MOST_EXPERTS: u64 = 1 << 16;
const MOST: u64 = 1 << 24;

/// Fields of every configuration that change nothing of what is computed for a text: where it comes from, how it was
/// trained, how it is to be sampled.
const SILENT: &[&str] = &[
    "architectures",
    "model_type",
    "transformers_version",
    "torch_dtype",
    "dtype",
    "auto_map",
    "use_cache",
    "initializer_range",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "sep_token_id",
    "decoder_start_token_id",
    "attention_dropout",
    "attn_pdrop",
    "resid_pdrop",
    "embd_pdrop",
    "hidden_dropout",
    "residual_dropout",
    "embedding_dropout",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "return_dict",
    "id2label",
    "label2id",
    "chunk_size_feed_forward",
    "tokenizer_class",
    "prefix",
    "task_specific_params",
    "finetuning_task",
    "max_length",
    "min_length",
    "do_sample",
    "num_beams",
    "num_beam_groups",
    "diversity_penalty",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "repetition_penalty",
    "length_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "num_return_sequences",
    "unsloth_version",
    "unsloth_fixed",
];
/// Fields that all families honour.
const COMMON: &[&str] = &[
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    "tie_word_embeddings",
    "rope_theta",
    "rope_parameters",
    "rope_scaling",
    "partial_rotary_factor",
    "layer_types",
];
/// The same field under another name.
const ALIASES: &[(&str, &str)] = &[("num_experts", "num_local_experts")];

/// What a model of candle's is built by.
#[derive(Clone)]
pub struct RunOnlyConfig {
    pub family: &'static Family,
    /// As candle's configurations spell it.
    pub(super) values: Value,
    pub(super) shape: ModelShape,
    pub(super) tied: bool,
}

impl Family {
    /// Reads config.json; refuses, by name, whatever candle's model would not honour.
    ///
    /// # Errors
    /// `Failure { Input }` naming the field.
    pub fn config(&'static self, json: &ConfigJson) -> Result<(RunOnlyConfig, ModelConfig), Failure> {
        self.refuse_unknown(json)?;
        let mut more = Map::new();
        let mut shape = self.shape(json)?;
        (self.adjust)(json, &mut shape, &mut more)?;
        ModelConfig::plain(self.name, shape).check(json.file())?;
        let turned = self.positions(json, shape.head_width)?;
        let tied = json.flag_or("tie_word_embeddings", self.tied_embeddings)?;
        let mut values = json!({
            "vocab_size": shape.vocab_size,
            "hidden_size": shape.width,
            "intermediate_size": shape.mlp_width,
            "num_hidden_layers": shape.n_layers,
            "num_attention_heads": shape.n_heads,
            "num_key_value_heads": shape.n_kv_heads,
            "head_dim": shape.head_width,
            "max_position_embeddings": shape.context_length,
            "hidden_act": self.activation(json)?,
            "tie_word_embeddings": tied,
            "rope_theta": turned.theta,
            // No more is read than a window holds, so that none is needed.
            "sliding_window": shape.context_length,
            "max_window_layers": shape.n_layers,
            "use_sliding_window": false,
            "use_flash_attn": false,
            "use_cache": true,
            "bos_token_id": 0,
            "eos_token_id": 0,
        });
        if self.partial.is_some() {
            values["partial_rotary_factor"] = (turned.width as f64 / shape.head_width as f64).into();
        }
        let mut norm_eps = 1e-5;
        if let Some((field, absent)) = self.norm_eps {
            norm_eps = json.number_or(field, absent)?;
            if !(norm_eps.is_finite() && norm_eps > 0.0) {
                return Err(json.refuse(field));
            }
            values[field] = norm_eps.into();
        }
        for (field, only) in self.fixed {
            values[*field] = only.value();
        }
        for (field, absent) in self.honoured {
            values[*field] = honoured(json, field, *absent)?;
        }
        more.into_iter().for_each(|(field, value)| values[field] = value);
        experts(json, &values, shape.n_layers)?;
        let plain = ModelConfig::plain(self.name, shape);
        let model = ModelConfig { norm_eps, rope: Some(turned), tied_embeddings: tied, ..plain };
        model.check(json.file())?;
        Ok((RunOnlyConfig { family: self, values, shape, tied }, model))
    }

    fn refuse_unknown(&self, json: &ConfigJson) -> Result<(), Failure> {
        for (field, only) in self.fixed {
            if json.get(field).is_some_and(|value| !same(value, &only.value())) {
                return Err(json.refuse(field));
            }
        }
        let known = |field: &str| {
            field.starts_with('_')
                || [SILENT, COMMON, self.ignored, self.activation.0].iter().any(|list| list.contains(&field))
                || self.norm_eps.is_some_and(|(name, _)| name == field)
                || self.windowed && field == "sliding_window"
                || [self.honoured, self.fixed].iter().any(|list| list.iter().any(|(name, _)| *name == field))
                || self.names.iter().any(|(_, theirs)| *theirs == field)
                || ALIASES.iter().any(|(ours, theirs)| {
                    *theirs == field && self.honoured.iter().any(|(name, _)| name == ours)
                })
        };
        let unknown: Vec<&str> = json.names().filter(|field| !known(field)).collect();
        json.refuse_set(&unknown)
    }

    fn shape(&self, json: &ConfigJson) -> Result<ModelShape, Failure> {
        let width = json.size("hidden_size")?;
        let n_heads = json.size("num_attention_heads")?;
        let share = (n_heads > 0 && width.is_multiple_of(n_heads)).then(|| width / n_heads.max(1));
        let head_width = match self.head_width {
            HeadWidth::FieldOr(absent) => json.size_or("head_dim", absent)?,
            HeadWidth::FieldOrShare => json.size_or("head_dim", share)?,
            HeadWidth::Share => {
                let share = share.ok_or_else(|| json.refuse("num_attention_heads"))?;
                if json.size_or("head_dim", share)? != share {
                    return Err(json.refuse("head_dim"));
                }
                share
            }
        };
        let n_layers = json.size("num_hidden_layers")?;
        let context_length = json.size_or("max_position_embeddings", self.context_length)?;
        let shape = ModelShape {
            n_layers,
            width,
            n_heads,
            n_kv_heads: json
                .size_or(self.called("num_key_value_heads"), self.n_kv_heads.unwrap_or(n_heads))?,
            head_width,
            mlp_width: match self.called("intermediate_size") {
                "intermediate_size" => json.size("intermediate_size")?,
                other => json.size_or(other, width.saturating_mul(4))?,
            },
            vocab_size: json.size("vocab_size")?,
            context_length: self.window(json)?.map_or(context_length, |window| window.min(context_length)),
        };
        // Before anything is computed from them.
        ModelConfig::plain(self.name, shape).check(json.file())?;
        Ok(shape)
    }

    /// What the files call a common field.
    fn called(&self, field: &'static str) -> &'static str {
        self.names.iter().find(|(ours, _)| *ours == field).map_or(field, |(_, theirs)| theirs)
    }

    /// The most that may be read so that every token sees all before it.
    fn window(&self, json: &ConfigJson) -> Result<Option<usize>, Failure> {
        let known = |kind: &Value| match kind.as_str() {
            Some("sliding_attention") => self.windowed,
            Some(kind) => self.layers.contains(&kind),
            None => false,
        };
        let types = json.get("layer_types");
        if types.is_some_and(|types| !types.as_array().is_some_and(|types| types.iter().all(known))) {
            return Err(json.refuse("layer_types"));
        }
        if !self.windowed || json.get("sliding_window").is_none() {
            return Ok(None);
        }
        json.size("sliding_window").map(Some)
    }

    fn activation(&self, json: &ConfigJson) -> Result<&'static str, Failure> {
        let (fields, absent) = self.activation;
        let Some(field) = fields.iter().find(|field| json.get(field).is_some()) else { return Ok(absent) };
        match json.text(field)?.unwrap_or(absent) {
            "silu" | "swish" => Ok("silu"),
            "gelu" => Ok("gelu"),
            "gelu_new" | "gelu_pytorch_tanh" => Ok("gelu_pytorch_tanh"),
            "relu" => Ok("relu"),
            _ => Err(json.refuse(field)),
        }
    }

    /// How queries and keys are turned: unstretched.
    fn positions(&self, json: &ConfigJson, head_width: usize) -> Result<RopeConfig, Failure> {
        const PARTIAL: &str = "partial_rotary_factor";
        let (mut theta, mut partial) =
            (json.number_or("rope_theta", self.rope_theta)?, json.get(PARTIAL).cloned());
        for field in ["rope_parameters", "rope_scaling"] {
            let Some(parameters) = json.object(field)? else { continue };
            if rope::scaling(json, &parameters, field)? != RopeScaling::None {
                return Err(json.refuse(field));
            }
            theta = parameters.number_or("rope_theta", theta)?;
            partial = parameters.get(PARTIAL).cloned().or(partial);
        }
        let share = match partial {
            Some(value) => value.as_f64().ok_or_else(|| json.missing(PARTIAL))?,
            None => self.partial.unwrap_or(1.0),
        };
        let width = (share * head_width as f64) as usize;
        let possible = if self.partial.is_some() { share > 0.0 && share <= 1.0 } else { share == 1.0 };
        if !possible || width == 0 || !width.is_multiple_of(2) {
            return Err(crate::models::refused(json.file(), PARTIAL, &share));
        }
        Ok(RopeConfig { theta, width, scaling: RopeScaling::None })
    }
}

/// A field's value, of the kind that its row has.
fn honoured(json: &ConfigJson, field: &str, absent: Lit) -> Result<Value, Failure> {
    let alias = ALIASES.iter().find(|(ours, _)| *ours == field).map(|(_, theirs)| *theirs);
    let name =
        alias.filter(|theirs| json.get(field).is_none() && json.get(theirs).is_some()).unwrap_or(field);
    let Some(value) = json.get(name) else { return Ok(absent.value()) };
    let fits = match absent {
        Lit::Flag(_) => value.is_boolean(),
        Lit::Size(_) => value.as_u64().is_some_and(|n| n > 0 && n <= MOST),
        Lit::Number(_) => value.as_f64().is_some_and(|x| x.is_finite() && x > 0.0),
        Lit::Word(_) => value.is_string(),
        Lit::Null | Lit::Nothing => match value {
            Value::Number(x) => x.as_f64().is_some_and(|x| x.is_finite() && x > 0.0),
            Value::Array(flags) => {
                flags.len() == json.size("num_hidden_layers")?
                    && flags.iter().all(|flag| flag.as_u64().is_some_and(|flag| flag < 2))
            }
            _ => false,
        },
    };
    if fits { Ok(value.clone()) } else { Err(json.refuse(name)) }
}

fn experts(json: &ConfigJson, values: &Value, n_layers: usize) -> Result<(), Failure> {
    let field = if values.get("num_experts").is_some() { "num_experts" } else { "num_local_experts" };
    let n = values.get(field).and_then(Value::as_u64);
    let Some(n) = n.filter(|n| *n > 0) else { return Ok(()) };
    if n * n_layers as u64 > MOST_EXPERTS {
        return Err(crate::models::refused(json.file(), field, &n));
    }
    match values["num_experts_per_tok"].as_u64() {
        Some(each) if each <= n => Ok(()),
        _ => Err(json.refuse("num_experts_per_tok")),
    }
}

/// Whether two values are the same, 1 and 1.0 among them.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
