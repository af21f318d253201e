//! Ids and texts against Hugging Face's tokenizers and SentencePiece, from tokenizer.json, tokenizer.model and GGUF
//! alike.

use crate::{check_names, failure, fixtures};
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::shelf::gguf::Header;
use glassworks_engine::tokenizer::{TextCodec, training};
use safetensors::SafeTensors;
use std::fs;
use std::path::Path;

const GGUF: [&str; 6] = ["gpt-2", "smollm", "llama-bpe", "qwen2", "spm", "gemma"];
/// Those that were made from a tokenizer.model.
const MODEL: [&str; 2] = ["spm", "gemma"];

fn lines() -> Vec<String> {
    serde_json::from_slice(&fs::read(fixtures().join("tokenizers/lines.json")).unwrap()).unwrap()
}

fn expected(name: &str) -> Vec<Vec<u32>> {
    let bytes = fs::read(fixtures().join("tokenizers").join(name).join("ids.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let ints = |name: &str| -> Vec<u32> {
        file.tensor(name).unwrap().data().as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect()
    };
    let (ids, offsets) = (ints("ids"), ints("offsets"));
    offsets.windows(2).map(|w| ids[w[0] as usize..w[1] as usize].to_vec()).collect()
}

fn from_json(name: &str) -> TextCodec {
    let folder = if name == "starter" { "glassllm".into() } else { format!("tokenizers/{name}") };
    TextCodec::from_folder(&fixtures().join(folder)).unwrap()
}

fn from_gguf(name: &str) -> TextCodec {
    let path = fixtures().join("tokenizers").join(name).join("vocab.gguf");
    TextCodec::from_gguf(&Header::read(&path).unwrap().metadata).unwrap()
}

#[test]
fn a_tokenizer_trained_here_is_the_one_that_is_trained_there() {
    let (ours, n_tokens) = training::byte_level(&lines(), 640).unwrap();
    let theirs = fs::read(fixtures().join("tokenizers/trained/tokenizer.json")).unwrap();
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(n_tokens, 640);
    assert!(read(ours.as_bytes()) == read(&theirs), "other settings, tokens or merges");
}

/// From a folder that has nothing but SentencePiece's file.
fn from_model(name: &str) -> TextCodec {
    let folder = tempfile::tempdir().unwrap();
    let model = fixtures().join("tokenizers").join(name).join("tokenizer.model");
    fs::copy(model, folder.path().join("tokenizer.model")).unwrap();
    TextCodec::from_folder(folder.path()).unwrap()
}

fn check_ids(what: &str, codec: &TextCodec, expected: &[Vec<u32>]) {
    let wrong: Vec<String> = lines()
        .iter()
        .zip(expected)
        .filter_map(|(line, ids)| {
            let ours = codec.encode(line, false).unwrap();
            (ours != *ids).then(|| format!("{line:?}\n  ours   {ours:?}\n  theirs {ids:?}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{what}: {} lines differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
}

#[test]
fn ids_are_the_references() {
    for name in ["gpt-2", "smollm", "llama-bpe", "qwen2", "spm", "gemma", "trained", "starter"] {
        let expected = expected(name);
        assert_eq!(expected.len(), 1000);
        check_ids(&format!("{name}, tokenizer.json"), &from_json(name), &expected);
        if GGUF.contains(&name) {
            check_ids(&format!("{name}, GGUF"), &from_gguf(name), &expected);
        }
        if MODEL.contains(&name) {
            check_ids(&format!("{name}, tokenizer.model"), &from_model(name), &expected);
        }
    }
}

#[test]
fn texts_come_back_whole_and_piece_by_piece() {
    for name in ["gpt-2", "smollm", "llama-bpe", "qwen2", "spm", "gemma", "trained", "starter"] {
        let ids = expected(name);
        let mut codecs = vec![from_json(name)];
        if GGUF.contains(&name) {
            codecs.push(from_gguf(name));
        }
        if MODEL.contains(&name) {
            codecs.push(from_model(name));
        }
        for codec in codecs {
            for (line, ids) in lines().iter().zip(&ids) {
                let text = codec.decode(ids, false).unwrap();
                if !matches!(name, "qwen2" | "starter") {
                    assert_eq!(text, *line, "{name}");
                }
                let mut stream = codec.stream();
                let mut joined: String = ids.iter().map(|id| stream.push(*id)).collect();
                assert!(!joined.contains('\u{fffd}') || line.contains('\u{fffd}'), "{name}: {joined:?}");
                joined += &stream.finish();
                let shown = codec.decode(ids, true).unwrap();
                // A stream goes on after other text: it keeps the space that begins a text of its own.
                let own = joined.strip_prefix(' ').filter(|_| name == "spm").unwrap_or(&joined);
                assert_eq!(own, shown, "{name}");
            }
        }
    }
}

#[test]
fn a_character_of_several_tokens_comes_once_it_is_whole() {
    for codec in [from_json("gpt-2"), from_gguf("spm")] {
        // Letters that no vocabulary of this size has whole.
        let ids = codec.encode("ꙮ🜀", false).unwrap();
        assert!(ids.len() >= 5, "{ids:?}");
        let mut stream = codec.stream();
        let pieces: Vec<String> = ids.iter().map(|id| stream.push(*id)).collect();
        assert_eq!(pieces.concat().trim_start(), "ꙮ🜀");
        assert!(pieces.iter().filter(|piece| piece.is_empty()).count() >= 3, "{pieces:?}");
        // Cut off in the middle of a character.
        let mut stream = codec.stream();
        let text: String = ids[..ids.len() - 1].iter().map(|id| stream.push(*id)).collect();
        assert_eq!(text.trim_start(), "ꙮ");
        assert_eq!(stream.finish(), "\u{fffd}");
        assert_eq!(stream.finish(), "");
    }
}

#[test]
fn special_tokens_are_read_and_shown_as_asked() {
    for codec in [from_json("smollm"), from_gguf("smollm")] {
        let text = "<|im_start|>user<|im_end|>";
        let read = codec.encode(text, false).unwrap();
        assert_eq!((read.first(), read.last()), (Some(&1), Some(&2)));
        assert_eq!(codec.token_text(1), "<|im_start|>");
        assert!(codec.is_special(1) && !codec.is_special(300));
        assert_eq!(codec.decode(&read, true).unwrap(), "user");
        assert_eq!(codec.decode(&read, false).unwrap(), text);
        assert_eq!(codec.token_bytes(u32::MAX), b"");
        assert_eq!(codec.vocab_size(), 512);
    }
}

#[test]
fn texts_begin_as_the_files_say() {
    for name in GGUF {
        let bos = match name {
            "llama-bpe" => Some(507),
            "spm" => Some(1),
            "gemma" => Some(2),
            _ => None,
        };
        let mut codecs = vec![(from_json(name), "json"), (from_gguf(name), "gguf")];
        if MODEL.contains(&name) {
            codecs.push((from_model(name), "model"));
        }
        for (codec, from) in codecs {
            let (with, without) =
                (codec.encode("glass", true).unwrap(), codec.encode("glass", false).unwrap());
            let want: Vec<u32> = bos.into_iter().chain(without).collect();
            assert_eq!(with, want, "{name} {from}");
        }
    }
}

#[test]
fn ends_are_gathered_from_all_files() {
    for name in ["llama-gqa", "llama-tied", "llama-mha-sharded"] {
        let folder = fixtures().join(name);
        let codec = TextCodec::from_folder(&folder).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap();
        let ends: Vec<u32> = match &json["eos_token_id"] {
            serde_json::Value::Array(ids) => ids.iter().map(|id| id.as_u64().unwrap() as u32).collect(),
            id => vec![id.as_u64().unwrap() as u32],
        };
        assert!(ends.iter().all(|id| codec.eos_ids().contains(id)), "{name}: {:?}", codec.eos_ids());
        assert_eq!(codec.bos_id().map(u64::from), json["bos_token_id"].as_u64(), "{name}");
        let named: Vec<&str> = codec.special_texts().map(|(name, _)| name).collect();
        assert!(named.contains(&"bos_token") && named.contains(&"eos_token"), "{name}: {named:?}");
    }
    let codec = ModelFiles::open(&fixtures().join("gguf/llama-gqa.q8_0.gguf")).unwrap().tokenizer().unwrap();
    assert!(codec.eos_ids().contains(&511));
    assert!(codec.special_texts().any(|(name, text)| name == "bos_token" && text == "<|begin_of_text|>"));
}

/// The small vocabulary, with one text in it put in the place of another of the same length.
fn gguf_with(name: &str, old: &[u8], new: &[u8]) -> tempfile::NamedTempFile {
    assert_eq!(old.len(), new.len());
    let mut bytes = fs::read(fixtures().join("tokenizers").join(name).join("vocab.gguf")).unwrap();
    let at = bytes.windows(old.len()).position(|w| w == old).unwrap();
    bytes[at..at + old.len()].copy_from_slice(new);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    file
}

fn refusal(path: &Path) -> glassworks_protocol::Failure {
    let refused = TextCodec::from_gguf(&Header::read(path).unwrap().metadata);
    let Err(failure) = refused else { panic!("opened") };
    check_names(&failure, path);
    failure
}

#[test]
fn unknown_kinds_are_refused_by_name() {
    let file = gguf_with("smollm", b"\x06\0\0\0\0\0\0\0smollm", b"\x06\0\0\0\0\0\0\0abcdef");
    let failure = refusal(file.path());
    assert!(failure.summary.args.iter().any(|(_, v)| v == "abcdef"), "{failure:?}");
    assert!(failure.hint.unwrap().args.iter().any(|(_, v)| v.contains("smollm")));
    let file = gguf_with("smollm", b"\x04\0\0\0\0\0\0\0gpt2", b"\x04\0\0\0\0\0\0\0bert");
    assert!(refusal(file.path()).summary.args.iter().any(|(_, v)| v == "bert"));
    let file = gguf_with("smollm", b"tokenizer.ggml.merges", b"tokenizer.ggml.merged");
    assert!(refusal(file.path()).summary.args.iter().any(|(_, v)| v == "tokenizer.ggml.merges"));
    let file = gguf_with("spm", b"tokenizer.ggml.scores", b"tokenizer.ggml.scored");
    assert!(refusal(file.path()).summary.args.iter().any(|(_, v)| v == "tokenizer.ggml.scores"));
}

/// A tokenizer.model with fields after its own, which count for more.
fn model_with(more: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(fixtures().join("tokenizers/gemma/tokenizer.model")).unwrap();
    bytes.extend_from_slice(more);
    fs::write(folder.path().join("tokenizer.model"), bytes).unwrap();
    folder
}

#[test]
fn a_sentencepiece_file_that_cannot_be_honoured_is_refused_by_name() {
    // Trainer's field 3 and 24, normalizer's field 2 and 4.
    for (more, what) in [
        (b"\x12\x02\x18\x01".as_slice(), "model_type"),
        (b"\x12\x03\xc0\x01\x01", "treat_whitespace_as_suffix"),
        (b"\x1a\x03\x12\x01x", "precompiled_charsmap"),
        (b"\x1a\x02\x20\x01", "remove_extra_whitespaces"),
    ] {
        let folder = model_with(more);
        let failure = open_in(folder.path());
        check_names(&failure, &folder.path().join("tokenizer.model"));
        assert!(failure.summary.args.iter().any(|(_, v)| v == what), "{failure:?}");
    }
    let folder = model_with(b"\x0a\xff\x01");
    check_names(&open_in(folder.path()), &folder.path().join("tokenizer.model"));
    let path = folder.path().join("tokenizer.model");
    let whole = fs::read(&path).unwrap();
    for end in (0..whole.len() - 40).step_by(97) {
        fs::write(&path, &whole[..end]).unwrap();
        check_names(&open_in(folder.path()), &path);
    }
}

/// Fine-tuned models add tokens in files beside it.
#[test]
fn tokens_added_beside_a_sentencepiece_file_are_known() {
    let folder = model_with(b"");
    let config = r#"{"bos_token": "<bos>", "add_bos_token": false, "add_eos_token": true, "eos_token": "<|end|>",
        "added_tokens_decoder": {"514": {"content": "<|end|>", "special": true}}}"#;
    fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    fs::write(folder.path().join("added_tokens.json"), r#"{"<tool>": 512}"#).unwrap();
    let codec = TextCodec::from_folder(folder.path()).unwrap();
    let ids = codec.encode("glass<tool>  <|end|>", true).unwrap();
    assert_eq!(ids[ids.len() - 4..], [512, 10, 514, 514]);
    assert_eq!((codec.is_special(512), codec.is_special(514), codec.vocab_size()), (false, true, 515));
    assert_eq!((codec.bos_id(), codec.eos_ids()), (Some(2), &[514][..]));
    assert_eq!(codec.decode(&ids, true).unwrap(), "glass<tool>  ");
    for broken in [r#"{"<tool>": -1}"#, r#"{"<tool>": 99999999999}"#, r#"{"<tool>": "1"}"#, "{"] {
        fs::write(folder.path().join("added_tokens.json"), broken).unwrap();
        open_in(folder.path());
    }
}

#[test]
fn broken_tokenizer_files_are_failures() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("tokenizer.json");
    let open = || match TextCodec::from_folder(folder.path()) {
        Ok(_) => panic!("opened"),
        Err(failure) => failure,
    };
    check_names(&open(), &json);
    let whole = fs::read(fixtures().join("tokenizers/llama-bpe/tokenizer.json")).unwrap();
    for end in (0..whole.len()).step_by(997) {
        fs::write(&json, &whole[..end]).unwrap();
        check_names(&open(), &json);
    }
    for garbage in ["", "null", "[]", "{}", "\u{1}", "{\"model\": {\"type\": \"BPE\"}}"] {
        fs::write(&json, garbage).unwrap();
        check_names(&open(), &json);
    }
    fs::write(&json, whole).unwrap();
    let config = folder.path().join("tokenizer_config.json");
    fs::write(&config, "{").unwrap();
    check_names(&open(), &config);
    fs::write(&config, "{\"bos_token\": 7, \"eos_token\": {\"content\": \"<|eot_id|>\"}}").unwrap();
    let codec = TextCodec::from_folder(folder.path()).unwrap();
    assert_eq!((codec.bos_id(), codec.eos_ids()), (None, &[511][..]));
    let missing = ModelFiles::open(&fixtures().join("llama-gqa")).unwrap();
    assert!(missing.tokenizer().is_ok());
    assert_eq!(
        failure(&anyhow::Error::new(open_in(&fixtures().join("templates")))).kind,
        glassworks_protocol::FailureKind::Missing
    );
}

fn open_in(folder: &Path) -> glassworks_protocol::Failure {
    TextCodec::from_folder(folder).err().unwrap()
}
