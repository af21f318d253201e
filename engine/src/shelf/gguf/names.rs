//! Hugging Face names of a model's tensors, what GGUF calls them, and what the converter has done to their values.

/// How llama.cpp's converter writes the tensors of a family.
pub(super) struct Names {
    /// Before a layer's number.
    layers: &'static str,
    outside: &'static [(&'static str, &'static str)],
    inside: &'static [(&'static str, &'static str)],
    /// Tensors whose rows it puts in another order.
    moved: &'static [&'static str],
    order: Order,
    /// It adds one to the norms' weights.
    pub(super) norms_hold_one: bool,
}

/// How rows were moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Rotary pairs side by side in each head (2i, 2i+1), where Hugging Face has them half a head apart (i, i + E/2).
    Pairs,
    /// All queries, all keys, all values, where Hugging Face has each head's together.
    Thirds,
}

const OUTSIDE: &[(&str, &str)] =
    &[("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];

macro_rules! inside {
    ($($more:expr),* $(,)?) => {
        &[
            ("input_layernorm", "attn_norm"),
            ("self_attn.q_proj", "attn_q"),
            ("self_attn.k_proj", "attn_k"),
            ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"),
            ("mlp.gate_proj", "ffn_gate"),
            ("mlp.up_proj", "ffn_up"),
            ("mlp.down_proj", "ffn_down"),
            $($more),*
        ]
    };
}

pub(super) static LLAMA: Names = Names {
    layers: "model.layers.",
    outside: OUTSIDE,
    inside: inside![("post_attention_layernorm", "ffn_norm")],
    moved: &["self_attn.q_proj", "self_attn.k_proj"],
    order: Order::Pairs,
    norms_hold_one: false,
};

pub(super) static QWEN2: Names = Names { moved: &[], ..LLAMA };

pub(super) static QWEN3: Names = Names {
    inside: inside![
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
    ],
    ..QWEN2
};

pub(super) static GEMMA2: Names = Names {
    inside: inside![
        ("post_attention_layernorm", "post_attention_norm"),
        ("pre_feedforward_layernorm", "ffn_norm"),
        ("post_feedforward_layernorm", "post_ffw_norm"),
    ],
    norms_hold_one: true,
    ..QWEN2
};

pub(super) static GEMMA3: Names = Names {
    inside: inside![
        ("post_attention_layernorm", "post_attention_norm"),
        ("pre_feedforward_layernorm", "ffn_norm"),
        ("post_feedforward_layernorm", "post_ffw_norm"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
    ],
    ..GEMMA2
};

pub(super) static GPT_NEOX: Names = Names {
    layers: "gpt_neox.layers.",
    outside: &[
        ("gpt_neox.embed_in", "token_embd"),
        ("gpt_neox.final_layer_norm", "output_norm"),
        ("embed_out", "output"),
    ],
    inside: &[
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("attention.query_key_value", "attn_qkv"),
        ("attention.dense", "attn_output"),
        ("mlp.dense_h_to_4h", "ffn_up"),
        ("mlp.dense_4h_to_h", "ffn_down"),
    ],
    moved: &["attention.query_key_value"],
    order: Order::Thirds,
    norms_hold_one: false,
};

impl Names {
    /// `model.layers.3.self_attn.q_proj.weight` → `blk.3.attn_q.weight`
    pub(super) fn in_gguf(&self, name: &str) -> Option<String> {
        let (name, end) = name.rsplit_once('.')?;
        if let Some((_, gguf)) = self.outside.iter().find(|(hugging_face, _)| *hugging_face == name) {
            return Some(format!("{gguf}.{end}"));
        }
        let (layer, name) = name.strip_prefix(self.layers)?.split_once('.')?;
        let (_, gguf) = self.inside.iter().find(|(hugging_face, _)| *hugging_face == name)?;
        Some(format!("blk.{layer}.{gguf}.{end}"))
    }

    /// Whether a tensor of this GGUF name is one that the forward pass uses, or that changes nothing.
    pub(super) fn is_known(&self, name: &str) -> bool {
        let Some((name, _)) = name.rsplit_once('.') else { return true };
        let Some(inside) = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) else {
            return true;
        };
        // Rotary frequencies were once stored with every layer; they are computed anyway.
        self.inside.iter().any(|(_, gguf)| *gguf == inside.1) || inside.1 == "attn_rot_embd"
    }

    /// How the rows of the tensor of this Hugging Face name were moved, if they were.
    pub(super) fn order_of(&self, name: &str) -> Option<Order> {
        let (name, _) = name.rsplit_once('.')?;
        let (_, name) = name.strip_prefix(self.layers)?.split_once('.')?;
        self.moved.contains(&name).then_some(self.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_from_one_spelling_to_the_other() {
        for (names, hugging_face, gguf) in [
            (&LLAMA, "model.embed_tokens.weight", "token_embd.weight"),
            (&LLAMA, "model.norm.weight", "output_norm.weight"),
            (&LLAMA, "lm_head.weight", "output.weight"),
            (&LLAMA, "model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"),
            (&LLAMA, "model.layers.12.self_attn.k_proj.bias", "blk.12.attn_k.bias"),
            (&LLAMA, "model.layers.7.post_attention_layernorm.weight", "blk.7.ffn_norm.weight"),
            (&GEMMA2, "model.layers.7.post_attention_layernorm.weight", "blk.7.post_attention_norm.weight"),
            (&GEMMA3, "model.layers.7.self_attn.k_norm.weight", "blk.7.attn_k_norm.weight"),
            (&GPT_NEOX, "gpt_neox.layers.3.attention.query_key_value.bias", "blk.3.attn_qkv.bias"),
            (&GPT_NEOX, "embed_out.weight", "output.weight"),
        ] {
            assert_eq!(names.in_gguf(hugging_face).as_deref(), Some(gguf));
            assert!(names.is_known(gguf));
        }
        assert_eq!(LLAMA.in_gguf("model.layers.0.self_attn.q_norm.weight"), None);
        assert!(!LLAMA.is_known("blk.0.attn_q_norm.weight") && QWEN3.is_known("blk.0.attn_q_norm.weight"));
        assert!(LLAMA.is_known("rope_freqs.weight"));
    }

    #[test]
    fn moved_rows_are_known_by_name() {
        let queries = "model.layers.0.self_attn.q_proj.weight";
        assert_eq!(LLAMA.order_of("model.layers.0.self_attn.k_proj.bias"), Some(Order::Pairs));
        assert_eq!(LLAMA.order_of("model.layers.0.self_attn.v_proj.weight"), None);
        assert_eq!((LLAMA.order_of(queries), QWEN2.order_of(queries)), (Some(Order::Pairs), None));
        let all = "gpt_neox.layers.11.attention.query_key_value.weight";
        assert_eq!(GPT_NEOX.order_of(all), Some(Order::Thirds));
    }
}
