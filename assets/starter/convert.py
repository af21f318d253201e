"""Writes this folder's model files from the published `glassllm` 0.1.0 package.

    pip download --no-deps glassllm==0.1.0
    pip install numpy safetensors
    python assets/starter/convert.py glassllm-0.1.0-py3-none-any.whl

The package keeps its English model as one .npz of float16 matrices stored
[in, out], with rotary positions on adjacent pairs, and a byte-pair vocabulary
in a JSON of its own. This writes the same model as a standard Hugging Face
Llama folder: matrices [out, in], the rows of q and k reordered for the
half-split rotation that Llama checkpoints use, and a `tokenizers` file that
gives the same ids. Nothing is retrained or rounded: every float16 is kept.
`tests/engine/fixtures/export.py starter` proves it against the package itself.
"""
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent
SPECIALS = ["<pad>", "<unk>", "<bos>", "<eos>"]
SPACE = "\u2581"  # ▁, the package's visible space


def half_split(rows, heads):
    """Reorder a projection's output rows [heads * d, in] from adjacent-pair
    rotation (0,1)(2,3)… to half-split rotation (0,d/2)(1,d/2+1)…"""
    d = rows.shape[0] // heads
    pairs = rows.reshape(heads, d // 2, 2, -1)
    return np.ascontiguousarray(pairs.transpose(0, 2, 1, 3).reshape(rows.shape))


def weights(npz, cfg):
    out = {"model.embed_tokens.weight": npz["E"], "model.norm.weight": npz["norm_f.gamma"]}
    for i in range(cfg["n_layers"]):
        src, dst = f"blocks.{i}.", f"model.layers.{i}."
        matrix = lambda name: np.ascontiguousarray(npz[src + name].T)
        out[dst + "self_attn.q_proj.weight"] = half_split(matrix("attn.W_Q"), cfg["n_heads"])
        out[dst + "self_attn.k_proj.weight"] = half_split(matrix("attn.W_K"), cfg["n_kv_heads"])
        out[dst + "self_attn.v_proj.weight"] = matrix("attn.W_V")
        out[dst + "self_attn.o_proj.weight"] = matrix("attn.W_O")
        out[dst + "mlp.gate_proj.weight"] = matrix("ffn.W1")
        out[dst + "mlp.up_proj.weight"] = matrix("ffn.W3")
        out[dst + "mlp.down_proj.weight"] = matrix("ffn.W2")
        out[dst + "input_layernorm.weight"] = npz[src + "norm1.gamma"]
        out[dst + "post_attention_layernorm.weight"] = npz[src + "norm2.gamma"]
    return out


def config(cfg, intermediate):
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": cfg["vocab_size"],
        "hidden_size": cfg["d_model"],
        "intermediate_size": intermediate,
        "num_hidden_layers": cfg["n_layers"],
        "num_attention_heads": cfg["n_heads"],
        "num_key_value_heads": cfg["n_kv_heads"],
        "head_dim": cfg["d_model"] // cfg["n_heads"],
        "hidden_act": "silu",
        "max_position_embeddings": cfg["max_len"],
        "rms_norm_eps": cfg["eps"],
        "rope_theta": cfg["rope_base"],
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "initializer_range": cfg["init_std"],
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "torch_dtype": "float16",
    }


def tokenizer(own):
    """NFC, spaces shown as ▁, cut into newlines, words with the spaces before
    them, and trailing spaces; then byte-pair merges over characters."""
    vocab = SPECIALS + own["alphabet"] + [a + b for a, b in own["merges"]]
    assert len(set(vocab)) == len(vocab)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False, "special": True}
            for i, token in enumerate(SPECIALS)
        ],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
        ]},
        "pre_tokenizer": {"type": "Split", "behavior": "Isolated", "invert": False,
                          "pattern": {"Regex": f"\\n|{SPACE}*[^{SPACE}\\n]+|{SPACE}+"}},
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
            {"type": "Fuse"},
        ]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>",
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(vocab)},
            "merges": own["merges"],
        },
    }


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, indent=1 if name == "tokenizer.json" else 2)
    (HERE / name).write_text(text + "\n", encoding="utf-8")


def main(wheel):
    with zipfile.ZipFile(wheel) as package:
        npz = dict(np.load(io.BytesIO(package.read("glassllm/weights/en.npz"))))
        own = json.loads(package.read("glassllm/weights/en.tokenizer.json"))
    cfg = json.loads(str(npz.pop("__config__")))
    tensors = weights(npz, cfg)
    assert sum(t.size for t in tensors.values()) == sum(t.size for t in npz.values()) == 852_608
    assert all(t.dtype == np.float16 for t in tensors.values())
    save_file(tensors, HERE / "model.safetensors", metadata={"format": "pt"})
    write("config.json", config(cfg, npz["blocks.0.ffn.W1"].shape[1]))
    write("tokenizer.json", tokenizer(own))
    write("tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": cfg["max_len"],
        "pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>",
        "add_bos_token": False, "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
    })
    write("generation_config.json", {
        "do_sample": True, "temperature": 0.7, "top_p": 0.95,
        "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
    })


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
