//! Logits, hidden states and attentions of every fixture; greedy text; a cache that changes nothing.

use super::*;
use glassworks_engine::inspect;
use std::cell::Cell;

pub fn check_pass(what: &str, model: &dyn CausalLm, golden: &Golden, prefix: &str) {
    let ids = golden.ids(&format!("{prefix}ids"));
    let captured = inspect::run(model, &ids, &|| Ok(())).unwrap();
    assert_eq!(captured.tokens, ids);
    assert_eq!(captured.hidden.len(), model.shape().n_layers + 1, "{what}");
    assert_eq!(captured.attention.len(), model.shape().n_layers, "{what}");
    for (l, hidden) in captured.hidden.iter().enumerate() {
        golden.check(what, &format!("{prefix}hidden.{l}"), hidden);
    }
    for (l, attention) in captured.attention.iter().enumerate() {
        let name = format!("{prefix}attention.{l}");
        golden.check(what, &name, attention);
        check_rows(what, attention);
        // What is hidden, after the query or before its window, is not seen at all.
        let hidden =
            golden.tensors[&name].1.iter().zip(values(attention)).filter(|(theirs, _)| **theirs == 0.0);
        assert!(hidden.into_iter().all(|(_, ours)| ours == 0.0), "{what}: {name}");
    }
    golden.check(what, &format!("{prefix}logits"), &captured.logits);
}

/// Each query's weights sum to 1, and nothing after the query is seen at all.
fn check_rows(what: &str, attention: &Tensor) {
    for head in attention.to_vec3::<f32>().unwrap() {
        for (query, row) in head.iter().enumerate() {
            let sum: f32 = row.iter().sum();
            assert!((sum - 1.0).abs() <= 1e-5, "{what}: a row sums to {sum}");
            assert!(
                row[query + 1..].iter().all(|a| *a == 0.0),
                "{what}: query {query} sees what comes after"
            );
        }
    }
}

/// The likeliest tokens after `ids`, one pass each over what is new.
fn greedy(model: &dyn CausalLm, ids: &[u32], n: usize) -> Vec<u32> {
    let mut cache = KvCache::new(model.shape());
    let mut new = ids.to_vec();
    let mut chosen = Vec::new();
    for _ in 0..n {
        let logits = logits(model, &mut cache, &mut Probe::Off, &new);
        let last = logits.get(new.len() - 1).unwrap().to_vec1::<f32>().unwrap();
        let best = (0..last.len()).max_by(|a, b| last[*a].total_cmp(&last[*b])).unwrap() as u32;
        chosen.push(best);
        new = vec![best];
    }
    chosen
}

#[test]
fn folders_give_the_references_numbers() {
    for name in FOLDERS {
        let folder = fixtures().join(name);
        let model = load(&folder);
        let golden = Golden::read(&folder.join("golden.safetensors"));
        for prefix in ["p0.", "p1."] {
            check_pass(name, &*model, &golden, prefix);
        }
        let expected = golden.ids("p0.greedy");
        assert_eq!(greedy(&*model, &golden.ids("p0.ids"), expected.len()), expected, "{name}");
    }
}

#[test]
fn the_starter_gives_the_numbers_of_the_code_that_trained_it() {
    let model = load(&starter());
    let golden = Golden::read(&fixtures().join("starter.safetensors"));
    check_pass("starter", &*model, &golden, "");
    let expected = golden.ids("greedy");
    assert_eq!(greedy(&*model, &golden.ids("ids"), expected.len()), expected);
}

/// The older spelling of config.json makes the same model.
#[test]
fn a_config_of_transformers_4_is_the_same_model() {
    let mut found = 0;
    for name in FOLDERS {
        let folder = fixtures().join(name);
        let older = folder.join("config.v4.json");
        if older.exists() {
            let copy = copy(&folder);
            std::fs::copy(older, copy.path().join("config.json")).unwrap();
            let ours = ModelFiles::open(copy.path()).unwrap();
            assert_eq!(ours.config(), ModelFiles::open(&folder).unwrap().config(), "{name}");
            found += 1;
        }
    }
    assert_eq!(found, 8);
}

/// GPT-NeoX's unembedding by the name that newer code gives it.
#[test]
fn an_unembedding_may_have_another_name() {
    let folder = fixtures().join("neox-parallel");
    let copy = copy(&folder);
    let path = copy.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let (old, new) = (br#""embed_out.weight""#, br#""lm_head.weight"  "#);
    let at = bytes.windows(old.len()).position(|w| w == old).unwrap();
    bytes[at..at + old.len()].copy_from_slice(new);
    std::fs::write(&path, bytes).unwrap();
    let model = load(copy.path());
    check_pass("lm_head", &*model, &Golden::read(&folder.join("golden.safetensors")), "p0.");
    let mut last = String::new();
    model.linears(&mut |name, _| name.clone_into(&mut last));
    assert_eq!(last, "lm_head");
}

/// Any file of a folder opens the folder.
#[test]
fn a_weight_file_stands_for_its_folder() {
    let files = ModelFiles::open(&fixtures().join("llama-gqa/model.safetensors")).unwrap();
    assert_eq!(files.name(), "llama-gqa");
    assert_eq!(files.card().unwrap().architecture, "llama");
}

#[test]
fn a_folder_with_one_gguf_file_is_that_file() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        |name: &str| std::fs::copy(fixtures().join("gguf/llama-gqa.f32.gguf"), folder.path().join(name));
    file("one.gguf").unwrap();
    assert_eq!(ModelFiles::open(folder.path()).unwrap().name(), "one");
    file("another.gguf").unwrap();
    assert_eq!(ModelFiles::open(folder.path()).err().unwrap().summary.key, "failure.not_a_model");
}

#[test]
fn a_card_says_what_the_headers_say() {
    let card = ModelFiles::open(&starter()).unwrap().card().unwrap();
    assert_eq!((card.n_params, card.n_layers, card.width), (852_608, 4, 128));
    assert_eq!((card.n_heads, card.n_kv_heads, card.vocab_size), (4, 2, 1024));
    assert_eq!((card.weight_type.as_str(), card.context_length, card.tied_embeddings), ("F16", 128, true));
    let sharded = ModelFiles::open(&fixtures().join("llama-mha-sharded")).unwrap();
    let lens: u64 = sharded.weight_files().iter().map(|f| f.metadata().unwrap().len()).sum();
    assert_eq!(sharded.weight_files().len(), 3);
    assert_eq!(sharded.card().unwrap().size_bytes, lens);
    let gpt2 = ModelFiles::open(&fixtures().join("gpt2-bin")).unwrap().card().unwrap();
    assert_eq!((gpt2.architecture.as_str(), gpt2.weight_type.as_str()), ("gpt2", "F32"));
}

/// What is reserved for a model is what its matrices take, norms and biases aside.
#[test]
fn loaded_bytes_cover_the_weights() {
    for name in FOLDERS {
        let files = ModelFiles::open(&fixtures().join(name)).unwrap();
        let model = files.load(&|_, _| Ok(())).unwrap();
        let mut bytes = 0;
        model.linears(&mut |_, linear| bytes += linear.weight().size_bytes());
        let reserved = files.loaded_bytes(&Device::Cpu);
        assert!(bytes <= reserved && reserved < 2 * bytes, "{name}: {bytes} of {reserved}");
    }
}

#[test]
fn every_linear_is_visited_by_its_name() {
    let names = |folder: &str| {
        let mut names = Vec::new();
        load(&fixtures().join(folder)).linears(&mut |name, _| names.push(name.to_owned()));
        names
    };
    let llama = names("llama-gqa");
    assert_eq!(llama.len(), 2 * 7 + 1);
    assert_eq!(llama[0], "model.layers.0.self_attn.q_proj");
    assert_eq!(llama[13], "model.layers.1.mlp.down_proj");
    assert_eq!(names("gpt2-tiny")[0], "transformer.h.0.attn.c_attn");
    let neox = names("neox-parallel");
    assert_eq!((neox.len(), neox[0].as_str()), (2 * 4 + 1, "gpt_neox.layers.0.attention.query_key_value"));
    assert_eq!(neox[8], "embed_out");
}

#[test]
fn decoding_with_a_cache_is_the_full_pass() {
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let golden = Golden::read(&fixtures().join(name).join("golden.safetensors"));
        let ids = golden.ids("p1.ids");
        let full = values(&full_logits(&*model, &ids));
        // Every token alone; in threes; a long piece, then several, then one: all the paths there are.
        for chunks in [vec![1; ids.len()], vec![3; ids.len() / 3 + 1], vec![20, 7, 1, 1, ids.len()]] {
            let mut cache = KvCache::new(model.shape());
            let (mut rest, mut pieces) = (ids.as_slice(), Vec::new());
            for n in chunks {
                let (piece, after) = rest.split_at(n.min(rest.len()));
                if !piece.is_empty() {
                    pieces.extend(values(&logits(&*model, &mut cache, &mut Probe::Off, piece)));
                }
                rest = after;
            }
            assert_eq!(cache.len(), ids.len());
            assert_close(name, &pieces, &full);
        }
    }
}

#[test]
fn a_cache_cut_back_goes_on_as_if_nothing_had_been() {
    let model = load(&fixtures().join("llama-gqa"));
    let ids: Vec<u32> = (0..40).map(|i| (i * 37 + 11) % 512).collect();
    let mut cache = KvCache::new(model.shape());
    logits(&*model, &mut cache, &mut Probe::Off, &ids);
    cache.truncate(10);
    let other: Vec<u32> = ids[..10].iter().copied().chain((0..20).map(|i| i * 3)).collect();
    let again = values(&logits(&*model, &mut cache, &mut Probe::Off, &other[10..]));
    let full = values(&full_logits(&*model, &other));
    assert_close("after a cut", &again, &full[full.len() - again.len()..]);
}

/// A pass that is cancelled half way leaves the cache as it was.
#[test]
fn a_cancelled_pass_leaves_no_trace() {
    let model = load(&fixtures().join("llama-tied"));
    let ids = [3, 1, 4, 1, 5, 9, 2, 6];
    let mut cache = KvCache::new(model.shape());
    logits(&*model, &mut cache, &mut Probe::Off, &ids[..4]);
    let calls = Cell::new(0);
    let between = || {
        calls.set(calls.get() + 1);
        if calls.get() == 2 { Err(anyhow::anyhow!("stop")) } else { Ok(()) }
    };
    let mut cx = ForwardCx {
        precision: Precision::Exact,
        cache: &mut cache,
        probe: &mut Probe::Off,
        adapters: None,
        between: &between,
    };
    assert_eq!(model.hidden(&[7, 7, 7], &mut cx).unwrap_err().to_string(), "stop");
    assert_eq!(cache.len(), 4);
    let rest = values(&logits(&*model, &mut cache, &mut Probe::Off, &ids[4..]));
    let full = values(&full_logits(&*model, &ids));
    assert_close("after a cancel", &rest, &full[full.len() - rest.len()..]);
}

#[test]
fn what_does_not_fit_is_an_error() {
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let shape = *model.shape();
        let run = |tokens: &[u32]| {
            let mut cache = KvCache::new(&shape);
            let probe = &mut Probe::Off;
            let mut cx = ForwardCx {
                precision: Precision::Exact,
                cache: &mut cache,
                probe,
                adapters: None,
                between: &|| Ok(()),
            };
            model.hidden(tokens, &mut cx).map(drop)
        };
        assert!(run(&vec![0; shape.context_length]).is_ok(), "{name}");
        assert!(run(&vec![0; shape.context_length + 1]).is_err(), "{name}: past the context");
        assert!(run(&[shape.vocab_size as u32]).is_err(), "{name}: outside the vocabulary");
        assert!(run(&[]).is_err(), "{name}: nothing");
    }
}

#[test]
fn loading_can_be_stopped() {
    let files = ModelFiles::open(&fixtures().join("llama-gqa")).unwrap();
    let stopped = files.load(&|done, _| if done > 1000 { Err(anyhow::anyhow!("stop")) } else { Ok(()) });
    assert_eq!(stopped.err().unwrap().to_string(), "stop");
}
