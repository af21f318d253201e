//! What a model is, however its files spell it; and config.json, read with typed and checked access.

use crate::nn::{Activation, ModelShape, RopeConfig};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Sizes above this are no model's, and would overflow in products.
const MAX_SIZE: usize = 1 << 24;
const MAX_LAYERS: usize = 1024;

/// What [`super::Architecture::build`] goes by; made from config.json or from GGUF metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The name in [`super::ARCHITECTURES`].
    pub architecture: &'static str,
    pub shape: ModelShape,
    pub norm_eps: f64,
    /// Norms multiply by one more than their weights.
    pub norms_add_one: bool,
    /// Sublayers' outputs have norms, too, before they are added.
    pub post_norms: bool,
    /// Each head's queries and keys have norms.
    pub qk_norms: bool,
    pub activation: Activation,
    /// `None` where positions are learned.
    pub rope: Option<RopeConfig>,
    /// That of layers with a window, where it is another.
    pub local_rope: Option<RopeConfig>,
    /// Of each layer: how many keys a query sees, itself and those right before it. Empty: no layer has one.
    pub windows: Vec<Option<usize>>,
    /// Biases on q, k and v.
    pub attention_bias: bool,
    /// A bias on o.
    pub output_bias: bool,
    pub mlp_bias: bool,
    /// Attention and MLP see the same input, and both are added to it.
    pub parallel_residual: bool,
    /// The unembedding is the embedding.
    pub tied_embeddings: bool,
    /// Embeddings are multiplied by it.
    pub embedding_scale: f32,
    /// Attention scores are multiplied by it.
    pub attention_scale: f64,
    /// Attention scores are divided by the layer's number, counted from 1.
    pub scale_by_layer: bool,
    /// Attention scores become `cap · tanh(score / cap)`.
    pub attention_cap: Option<f32>,
    /// The same for logits.
    pub logit_cap: Option<f32>,
    /// The labels that a head in place of the unembedding tells apart; empty where tokens are predicted.
    pub classes: Vec<String>,
}

impl ModelConfig {
    /// A decoder with nothing special to it.
    #[must_use]
    pub fn plain(architecture: &'static str, shape: ModelShape) -> Self {
        Self {
            architecture,
            shape,
            norm_eps: 1e-6,
            norms_add_one: false,
            post_norms: false,
            qk_norms: false,
            activation: Activation::Silu,
            rope: None,
            local_rope: None,
            windows: Vec::new(),
            attention_bias: false,
            output_bias: false,
            mlp_bias: false,
            parallel_residual: false,
            tied_embeddings: false,
            embedding_scale: 1.0,
            attention_scale: 1.0 / (shape.head_width as f64).sqrt(),
            scale_by_layer: false,
            attention_cap: None,
            logit_cap: None,
            classes: Vec::new(),
        }
    }

    /// The matrix that makes outputs, by name and number of them: the unembedding, called `unembedding`, or what
    /// tells labels apart. `None` where it is the embedding.
    #[must_use]
    pub fn head(&self, unembedding: &'static str) -> Option<(&'static str, usize)> {
        match (self.classes.len(), self.tied_embeddings) {
            (0, true) => None,
            (0, false) => Some((unembedding, self.shape.vocab_size)),
            (n, _) => Some((super::SCORE, n)),
        }
    }

    /// Makes it tell `classes` apart.
    #[must_use]
    pub fn classifying(self, classes: Vec<String>) -> Self {
        Self { tied_embeddings: false, logit_cap: None, classes, ..self }
    }

    /// What attention scores of a layer are multiplied by.
    #[must_use]
    pub fn scale_of(&self, layer_idx: usize) -> f32 {
        let by = if self.scale_by_layer { (layer_idx + 1) as f64 } else { 1.0 };
        (self.attention_scale / by) as f32
    }

    /// How many keys a query of a layer sees.
    #[must_use]
    pub fn window_of(&self, layer_idx: usize) -> Option<usize> {
        self.windows.get(layer_idx).copied().flatten()
    }

    /// Checks that the sizes make a model, before anything is computed from them. `file` is named in the error.
    ///
    /// # Errors
    /// `Failure { Input }`.
    pub fn check(&self, file: &Path) -> Result<(), Failure> {
        let s = &self.shape;
        let sizes = [
            ("hidden_size", s.width),
            ("num_attention_heads", s.n_heads),
            ("num_key_value_heads", s.n_kv_heads),
            ("head_dim", s.head_width),
            ("intermediate_size", s.mlp_width),
            ("vocab_size", s.vocab_size),
            ("max_position_embeddings", s.context_length),
        ];
        if let Some((field, value)) = sizes.iter().find(|(_, n)| *n == 0 || *n > MAX_SIZE) {
            return Err(refused(file, field, value));
        }
        if s.n_layers == 0 || s.n_layers > MAX_LAYERS {
            return Err(refused(file, "num_hidden_layers", &s.n_layers));
        }
        if !s.n_heads.is_multiple_of(s.n_kv_heads) {
            return Err(refused(file, "num_key_value_heads", &s.n_kv_heads));
        }
        if s.n_heads * s.head_width > MAX_SIZE {
            return Err(refused(file, "head_dim", &s.head_width));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps > 0.0) {
            return Err(refused(file, "norm_eps", &self.norm_eps));
        }
        let sound = |x: f64| x.is_finite() && x > 0.0;
        let factors = [
            ("query_pre_attn_scalar", Some(self.attention_scale)),
            ("attn_logit_softcapping", self.attention_cap.map(f64::from)),
            ("final_logit_softcapping", self.logit_cap.map(f64::from)),
        ];
        if let Some((field, value)) = factors.iter().find(|(_, x)| x.is_some_and(|x| !sound(x))) {
            return Err(refused(file, field, &value.unwrap_or_default()));
        }
        if let Some(window) = self.windows.iter().flatten().find(|n| **n == 0 || **n > MAX_SIZE) {
            return Err(refused(file, "sliding_window", window));
        }
        for rope in self.rope.iter().chain(&self.local_rope) {
            if !(rope.theta.is_finite() && rope.theta > 1.0) {
                return Err(refused(file, "rope_theta", &rope.theta));
            }
            if rope.width % 2 != 0 || rope.width == 0 || rope.width > s.head_width {
                return Err(refused(file, "head_dim", &rope.width));
            }
        }
        Ok(())
    }
}

/// config.json, or an object in it.
pub struct ConfigJson {
    file: PathBuf,
    /// Put before field names in messages: `rope_scaling.`.
    prefix: String,
    fields: Map<String, Value>,
}

impl ConfigJson {
    /// # Errors
    /// `Failure { Input }` when it isn't a JSON object.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Failure> {
        let value: Value = serde_json::from_str(text).map_err(|e| broken(file, &e.to_string()))?;
        let Value::Object(fields) = value else { return Err(broken(file, "no JSON object")) };
        Ok(Self { file: file.to_owned(), prefix: String::new(), fields })
    }

    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The value unless it is absent or null.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|v| !v.is_null())
    }

    /// Whether there is anything, null included.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// # Errors
    /// `Failure { Input }` when it is absent or no non-negative integer.
    pub fn size(&self, field: &str) -> Result<usize, Failure> {
        self.size_or(field, None)
    }

    /// # Errors
    /// `Failure { Input }` when there is neither a value nor a default, or the value is no non-negative integer.
    pub fn size_or(&self, field: &str, default: impl Into<Option<usize>>) -> Result<usize, Failure> {
        let size = match self.get(field) {
            None => default.into(),
            Some(value) => value.as_u64().and_then(|n| usize::try_from(n).ok()),
        };
        size.ok_or_else(|| self.missing(field))
    }

    /// # Errors
    /// `Failure { Input }` when there is neither a value nor a default, or the value is no number.
    pub fn number_or(&self, field: &str, default: impl Into<Option<f64>>) -> Result<f64, Failure> {
        let number = match self.get(field) {
            None => default.into(),
            Some(value) => value.as_f64(),
        };
        number.ok_or_else(|| self.missing(field))
    }

    /// # Errors
    /// `Failure { Input }` when the value is neither true nor false.
    pub fn flag_or(&self, field: &str, default: bool) -> Result<bool, Failure> {
        match self.get(field) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.missing(field)),
        }
    }

    /// # Errors
    /// `Failure { Input }` when the value is no text.
    pub fn text(&self, field: &str) -> Result<Option<&str>, Failure> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.missing(field)),
        }
    }

    /// # Errors
    /// `Failure { Input }` when the value is no object.
    pub fn object(&self, field: &str) -> Result<Option<Self>, Failure> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self {
                file: self.file.clone(),
                prefix: format!("{}{field}.", self.prefix),
                fields: fields.clone(),
            })),
            Some(_) => Err(self.missing(field)),
        }
    }

    /// The activation called `name`.
    ///
    /// # Errors
    /// `Failure { Input }` when it isn't one that the blocks compute.
    pub fn activation(&self, field: &str, default: Activation) -> Result<Activation, Failure> {
        Ok(match self.text(field)? {
            None => default,
            Some("silu" | "swish") => Activation::Silu,
            Some("gelu_new" | "gelu_pytorch_tanh") => Activation::GeluNew,
            Some("gelu") => Activation::Gelu,
            Some(_) => return Err(self.refuse(field)),
        })
    }

    /// Refuses the value of a field.
    #[must_use]
    pub fn refuse(&self, field: &str) -> Failure {
        let value = self.fields.get(field).unwrap_or(&Value::Null);
        refused(&self.file, &format!("{}{field}", self.prefix), &shorten(&value.to_string()))
    }

    /// # Errors
    /// `Failure { Input }` naming the first of `fields` that is there and is neither null nor false.
    pub fn refuse_set(&self, fields: &[&str]) -> Result<(), Failure> {
        for field in fields {
            if self.get(field).is_some_and(|v| *v != Value::Bool(false)) {
                return Err(self.refuse(field));
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn missing(&self, field: &str) -> Failure {
        Failure::new(
            FailureKind::Input,
            Text::new("failure.config_missing")
                .arg("file", self.file.display())
                .arg("field", format!("{}{field}", self.prefix)),
        )
        .hint(Text::new("failure.config_missing_hint"))
    }
}

/// A value that would have to be honoured, and can't be.
#[must_use]
pub fn refused(file: &Path, field: &str, value: &dyn std::fmt::Display) -> Failure {
    let summary = Text::new("failure.config_refused")
        .arg("file", file.display())
        .arg("field", field)
        .arg("value", value);
    Failure::new(FailureKind::Input, summary).hint(Text::new("failure.config_refused_hint"))
}

fn broken(file: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.model_file_broken").arg("file", file.display()))
        .hint(Text::new("failure.model_file_broken_hint"))
        .detail(why)
}

fn shorten(value: &str) -> String {
    const MOST: usize = 80;
    if value.chars().count() <= MOST {
        return value.to_owned();
    }
    value.chars().take(MOST).chain(['…']).collect()
}
