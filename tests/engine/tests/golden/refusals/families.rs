//! What configurations of the families after Llama could ask for and would not get.

use super::{Case, config};
use glassworks_protocol::FailureKind;
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let refused = |folder, what, spoil, names| Case {
        what,
        folder,
        spoil,
        kind: FailureKind::Input,
        key: "failure.config_refused",
        names,
    };
    let missing = |folder, what, spoil, names| Case {
        key: "failure.config_missing",
        ..refused(folder, what, spoil, names)
    };
    vec![
        refused(
            "mistral-window",
            "a layer that sees everything among windows",
            |f| config(f, |c| c["layer_types"] = json!(["sliding_attention", "full_attention"])),
            "layer_types",
        ),
        refused(
            "mistral-window",
            "a window of nothing",
            |f| config(f, |c| c["sliding_window"] = json!(0)),
            "sliding_window",
        ),
        refused(
            "mistral-window",
            "a window without end",
            |f| config(f, |c| c["sliding_window"] = json!(u64::MAX)),
            "sliding_window",
        ),
        missing(
            "mistral-window",
            "a window in words",
            |f| config(f, |c| c["sliding_window"] = json!("wide")),
            "sliding_window",
        ),
        refused(
            "qwen2-window",
            "a layer less than there are",
            |f| config(f, |c| c["layer_types"] = json!(["full_attention", "full_attention"])),
            "layer_types",
        ),
        refused(
            "qwen2-window",
            "layers of another kind",
            |f| config(f, |c| c["layer_types"][0] = json!("chunked_attention")),
            "layer_types",
        ),
        refused(
            "qwen2-window",
            "windows in layers that use none",
            |f| config(f, |c| c["use_sliding_window"] = json!(false)),
            "layer_types",
        ),
        refused(
            "qwen3-tied",
            "yarn",
            |f| {
                config(f, |c| c["rope_parameters"] = json!({"rope_type": "yarn", "factor": 4.0}));
            },
            "rope_parameters",
        ),
        refused(
            "neox-parallel",
            "an odd part of a head",
            |f| config(f, |c| c["rope_parameters"]["partial_rotary_factor"] = json!(0.2)),
            "rope_parameters.partial_rotary_factor",
        ),
        refused(
            "neox-parallel",
            "more than a head",
            |f| config(f, |c| c["rope_parameters"]["partial_rotary_factor"] = json!(1.5)),
            "partial_rotary_factor",
        ),
        refused(
            "neox-parallel",
            "heads that don't divide",
            |f| config(f, |c| c["num_attention_heads"] = json!(5)),
            "num_attention_heads",
        ),
        refused(
            "gemma2-caps",
            "layers without end",
            |f| {
                config(f, |c| {
                    c["num_hidden_layers"] = json!(1u64 << 50);
                    c["layer_types"] = Value::Null;
                });
            },
            "num_hidden_layers",
        ),
        refused(
            "gemma2-caps",
            "looking both ways",
            |f| config(f, |c| c["use_bidirectional_attention"] = json!(true)),
            "use_bidirectional_attention",
        ),
        refused(
            "gemma2-caps",
            "a cap of nothing",
            |f| config(f, |c| c["attn_logit_softcapping"] = json!(0.0)),
            "attn_logit_softcapping",
        ),
        refused(
            "gemma2-caps",
            "a cap below nothing",
            |f| config(f, |c| c["final_logit_softcapping"] = json!(-30.0)),
            "final_logit_softcapping",
        ),
        refused(
            "gemma2-caps",
            "a scale of nothing",
            |f| config(f, |c| c["query_pre_attn_scalar"] = json!(0)),
            "query_pre_attn_scalar",
        ),
        refused(
            "gemma2-caps",
            "windows without a size",
            |f| config(f, |c| c["sliding_window"] = Value::Null),
            "layer_types",
        ),
        missing(
            "gemma2-caps",
            "windows without a size or a list",
            |f| {
                config(f, |c| {
                    c["sliding_window"] = Value::Null;
                    c["layer_types"] = Value::Null;
                });
            },
            "sliding_window",
        ),
        refused(
            "gemma3-local",
            "a cap that the reference does not read",
            |f| config(f, |c| c["attn_logit_softcapping"] = json!(50.0)),
            "attn_logit_softcapping",
        ),
        refused(
            "gemma3-local",
            "positions of one kind for two",
            |f| config(f, |c| c["rope_parameters"] = json!({"rope_type": "linear", "factor": 8.0})),
            "rope_parameters",
        ),
        refused(
            "gemma3-local",
            "no layer that sees everything",
            |f| config(f, |c| c["sliding_window_pattern"] = json!(0)),
            "sliding_window_pattern",
        ),
    ]
}
