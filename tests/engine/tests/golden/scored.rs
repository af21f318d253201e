//! Replies that are read, not written: their probabilities are those of the reference's logits.

use super::*;
use glassworks_engine::generate::score::{self, ReadReply, ScoreRun};
use glassworks_engine::memory::Ledger;
use glassworks_engine::shelf::Shelf;

/// ln p of each id after the first, by the reference: log-softmax of the logits before it.
fn expected(golden: &Golden, prefix: &str) -> (Vec<u32>, Vec<f32>) {
    let ids = golden.ids(&format!("{prefix}ids"));
    let (shape, logits) = &golden.tensors[&format!("{prefix}logits")];
    let vocab = shape[shape.len() - 1];
    let after = |i: usize| {
        let row = &logits[i * vocab..(i + 1) * vocab];
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|l| f64::from(l - most).exp()).sum();
        (f64::from(row[ids[i + 1] as usize] - most) - sum.ln()) as f32
    };
    let logprobs = (0..ids.len() - 1).map(after).collect();
    (ids, logprobs)
}

fn check(folder: &Path, golden: &Golden, prefixes: &[&str]) {
    let name = folder.display().to_string();
    let ledger = Ledger::new(u64::MAX);
    let model = Shelf::on(Device::Cpu).load(folder, "m", String::new(), &ledger, &|_, _| Ok(())).unwrap();
    for prefix in prefixes {
        let (ids, logprobs) = expected(golden, prefix);
        // From the first token on, and from the middle.
        for at in [1, ids.len() / 2] {
            let texts = vec![String::new(); ids.len() - at];
            let reply = ReadReply { ids: ids[at..].to_vec(), texts, same_tokens: true };
            let (prompt, precision) = (&ids[..at], Precision::Exact);
            let run = ScoreRun { prompt, reply: &reply, precision, adapters: None };
            let pieces = score::score(&model, &ledger, &run, &|| Ok(()), &|_, _| {}).unwrap();
            let ours: Vec<f32> = pieces.iter().map(|piece| piece.logprob).collect();
            assert_close(&format!("{name}, {prefix} from {at}"), &ours, &logprobs[at - 1..]);
        }
    }
}

/// A copy of a checkpoint without a tokenizer, with any.
fn with_tokenizer(folder: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    std::fs::copy(fixtures().join("llama-tied/tokenizer.json"), to.path().join("tokenizer.json")).unwrap();
    to
}

#[test]
fn a_reply_is_as_likely_as_the_reference_finds_it() {
    for name in FOLDERS {
        let folder = fixtures().join(name);
        check(&folder, &Golden::read(&folder.join("golden.safetensors")), &["p0.", "p1."]);
    }
    for name in run_only::NAMES {
        let folder = fixtures().join("run_only").join(name);
        let whole = with_tokenizer(&folder);
        check(whole.path(), &Golden::read(&folder.join("golden.safetensors")), &[""]);
    }
    check(&starter(), &Golden::read(&fixtures().join("starter.safetensors")), &[""]);
}
