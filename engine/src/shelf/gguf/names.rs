//! Hugging Face names of a Llama's tensors, and what GGUF calls them.

const OUTSIDE: &[(&str, &str)] =
    &[("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];

const INSIDE: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// `model.layers.3.self_attn.q_proj.weight` → `blk.3.attn_q.weight`
pub(super) fn in_gguf(name: &str) -> Option<String> {
    let (name, end) = name.rsplit_once('.')?;
    if let Some((_, gguf)) = OUTSIDE.iter().find(|(hugging_face, _)| *hugging_face == name) {
        return Some(format!("{gguf}.{end}"));
    }
    let (layer, name) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (_, gguf) = INSIDE.iter().find(|(hugging_face, _)| *hugging_face == name)?;
    Some(format!("blk.{layer}.{gguf}.{end}"))
}

/// Whether a tensor of this GGUF name is one that the forward pass uses, or that changes nothing.
pub(super) fn is_known(name: &str) -> bool {
    let Some((name, _)) = name.rsplit_once('.') else { return true };
    let Some(inside) = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) else { return true };
    // Rotary frequencies were once stored with every layer; they are computed anyway.
    INSIDE.iter().any(|(_, gguf)| *gguf == inside.1) || inside.1 == "attn_rot_embd"
}

/// Whether GGUF keeps the tensor's rows in another order within each head: queries and keys.
pub(super) fn is_turned(name: &str) -> bool {
    name.contains(".self_attn.q_proj.") || name.contains(".self_attn.k_proj.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_from_one_spelling_to_the_other() {
        for (hugging_face, gguf) in [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("model.norm.weight", "output_norm.weight"),
            ("lm_head.weight", "output.weight"),
            ("model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"),
            ("model.layers.12.self_attn.k_proj.bias", "blk.12.attn_k.bias"),
            ("model.layers.7.post_attention_layernorm.weight", "blk.7.ffn_norm.weight"),
        ] {
            assert_eq!(in_gguf(hugging_face).as_deref(), Some(gguf));
            assert!(is_known(gguf));
        }
        assert_eq!(in_gguf("model.layers.0.self_attn.q_norm.weight"), None);
        assert!(!is_known("blk.0.attn_q_norm.weight"));
        assert!(is_known("rope_freqs.weight"));
    }
}
