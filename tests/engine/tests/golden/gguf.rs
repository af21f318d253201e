//! GGUF files made by llama.cpp's converter: the numbers of the folders they were made from.

use super::forward::check_pass;
use super::*;

/// File, its golden, the type that most of it is stored in, and its architecture. Mistral's files are Llama's.
pub const FILES: [(&str, &str, &str, &str); 10] = [
    ("llama-gqa.f32.gguf", "llama-gqa/golden.safetensors", "F32", "llama"),
    ("llama-gqa.q8_0.gguf", "gguf/llama-gqa.q8_0.safetensors", "Q8_0", "llama"),
    ("llama-tied.bf16.gguf", "llama-tied/golden.safetensors", "BF16", "llama"),
    ("llama-mha-sharded.f16.gguf", "llama-mha-sharded/golden.safetensors", "F16", "llama"),
    ("mistral-window.f16.gguf", "gguf/mistral-window.f16.safetensors", "F16", "llama"),
    ("qwen2-window.f16.gguf", "gguf/qwen2-window.f16.safetensors", "F16", "qwen2"),
    ("qwen3-tied.bf16.gguf", "qwen3-tied/golden.safetensors", "BF16", "qwen3"),
    ("neox-parallel.f32.gguf", "neox-parallel/golden.safetensors", "F32", "gpt_neox"),
    ("gemma2-caps.f16.gguf", "gguf/gemma2-caps.f16.safetensors", "F16", "gemma2"),
    ("gemma3-local.f32.gguf", "gemma3-local/golden.safetensors", "F32", "gemma3"),
];

#[test]
fn gguf_files_give_the_references_numbers() {
    for (name, golden, ..) in FILES {
        let model = load(&fixtures().join("gguf").join(name));
        let golden = Golden::read(&fixtures().join(golden));
        for prefix in ["p0.", "p1."] {
            check_pass(name, &*model, &golden, prefix);
        }
    }
}

#[test]
fn cards_of_gguf_files_say_what_the_headers_say() {
    for (name, golden, weight_type, architecture) in FILES {
        let files = ModelFiles::open(&fixtures().join("gguf").join(name)).unwrap();
        let card = files.card().unwrap();
        assert_eq!(card.weight_type, weight_type, "{name}");
        assert_eq!(card.architecture, architecture, "{name}");
        let folder = fixtures().join(golden);
        let folder = folder.parent().unwrap();
        if folder.join("config.json").exists() {
            let theirs = ModelFiles::open(folder).unwrap().card().unwrap();
            assert_eq!(
                (card.n_params, card.n_layers, card.width),
                (theirs.n_params, theirs.n_layers, theirs.width)
            );
            assert_eq!((card.n_heads, card.n_kv_heads), (theirs.n_heads, theirs.n_kv_heads), "{name}");
            assert_eq!(
                (card.vocab_size, card.tied_embeddings),
                (theirs.vocab_size, theirs.tied_embeddings),
                "{name}"
            );
            assert_eq!(card.context_length, theirs.context_length, "{name}");
        }
        assert_eq!(files.name(), name.trim_end_matches(".gguf"));
        let mut bytes = 0;
        load(&fixtures().join("gguf").join(name))
            .linears(&mut |_, linear| bytes += linear.weight().size_bytes());
        let reserved = files.loaded_bytes(&Device::Cpu);
        assert!(bytes <= reserved && reserved < 2 * bytes, "{name}: {bytes} of {reserved}");
    }
}

/// Ids of the GGUF's tokenizer are those of the folder's.
#[test]
fn gguf_tokenizers_are_those_of_the_folders() {
    for (name, folder) in [
        ("llama-gqa.f32.gguf", "llama-gqa"),
        ("llama-tied.bf16.gguf", "llama-tied"),
        ("llama-mha-sharded.f16.gguf", "llama-mha-sharded"),
        ("mistral-window.f16.gguf", "mistral-window"),
        ("qwen2-window.f16.gguf", "qwen2-window"),
        ("qwen3-tied.bf16.gguf", "qwen3-tied"),
        ("neox-parallel.f32.gguf", "neox-parallel"),
        ("gemma2-caps.f16.gguf", "gemma2-caps"),
        ("gemma3-local.f32.gguf", "gemma3-local"),
    ] {
        let ours = ModelFiles::open(&fixtures().join("gguf").join(name)).unwrap();
        let theirs = ModelFiles::open(&fixtures().join(folder)).unwrap();
        let (codec, other) = (ours.tokenizer().unwrap(), theirs.tokenizer().unwrap());
        for text in ["A small glass model", "  reads\n\nevery wörd 你好 🦙 1234", ""] {
            assert_eq!(
                codec.encode(text, true).unwrap(),
                other.encode(text, true).unwrap(),
                "{name}: {text:?}"
            );
        }
        assert_eq!(codec.bos_id(), other.bos_id(), "{name}");
    }
}

#[test]
fn loading_a_gguf_can_be_stopped() {
    let files = ModelFiles::open(&fixtures().join("gguf/llama-gqa.q8_0.gguf")).unwrap();
    let stopped = files.load(&|done, _| if done > 1000 { Err(anyhow::anyhow!("stop")) } else { Ok(()) });
    assert_eq!(stopped.err().unwrap().to_string(), "stop");
}
