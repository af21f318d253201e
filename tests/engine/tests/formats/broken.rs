//! GGUF files that are cut short, damaged or lying: failures that name the file, never a panic, never an allocation
//! of what a header claims.

use crate::{check_names, failure, fixtures};
use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::Failure;
use std::fs;
use std::path::Path;

/// Opens everything that a file can give.
fn open_all(path: &Path) -> Result<(), Failure> {
    let told = |error: anyhow::Error| failure(&error).clone();
    let files = ModelFiles::open(path)?;
    files.card().map_err(told)?;
    files.tokenizer().map_err(told)?;
    files.load(&|_, _| Ok(())).map_err(told)?;
    Ok(())
}

fn whole(name: &str) -> Vec<u8> {
    fs::read(fixtures().join("gguf").join(name)).unwrap()
}

/// The most memory this process has held, where the system says.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn check(&self, bytes: &[u8], must_fail: bool) -> Option<Failure> {
        let path = self.folder.path().join("model.gguf");
        fs::write(&path, bytes).unwrap();
        match open_all(&path) {
            Ok(()) => {
                assert!(!must_fail, "opened");
                None
            }
            Err(failure) => {
                check_names(&failure, &path);
                Some(failure)
            }
        }
    }
}

#[test]
fn files_cut_short() {
    let whole = whole("llama-gqa.q8_0.gguf");
    let place = Place::new();
    for end in (0..whole.len()).step_by(64) {
        place.check(&whole[..end], true);
    }
    assert!(place.check(&whole, false).is_none());
}

#[test]
fn flipped_bytes() {
    let files = ["llama-gqa.q8_0.gguf", "gemma3-local.f32.gguf", "neox-parallel.f32.gguf"].map(whole);
    let place = Place::new();
    let mut state = 42u64;
    let mut next = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let before = peak_bytes();
    let mut refused = 0;
    for round in 0..3000 {
        let mut bytes = files[round / 2 % files.len()].clone();
        let header = bytes.len() / 5;
        // Most at the beginning, where counts and lengths are.
        let reach = if round % 3 == 0 { 600 } else { header };
        for _ in 0..=next(3) {
            let at = next(reach);
            bytes[at] = match next(4) {
                0 => 0xff,
                1 => 0,
                2 => bytes[at] ^ (1 << next(8)),
                _ => next(256) as u8,
            };
        }
        refused += usize::from(place.check(&bytes, false).is_some());
    }
    assert!(refused > 300, "{refused}");
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        assert!(after < before.max(256 << 20) + (1 << 30), "{} MiB", after >> 20);
    }
}

/// A file's first bytes with numbers of its own choosing.
fn header(version: u32, n_tensors: u64, n_values: u64, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(n_tensors.to_le_bytes());
    bytes.extend(n_values.to_le_bytes());
    bytes.extend(rest);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.bytes());
    bytes
}

#[test]
fn headers_that_lie() {
    let place = Place::new();
    let huge = u64::MAX.to_le_bytes();
    let some = (1u64 << 40).to_le_bytes();
    for rest in [&huge, &some] {
        place.check(&header(3, u64::MAX, 0, rest), true);
        place.check(&header(3, 0, u64::MAX, rest), true);
        place.check(&header(3, 0, 1, rest), true);
        place.check(&header(3, 1, 0, rest), true);
        // A text, a list of numbers, of texts, of lists: each longer than anything.
        for kind in [
            [8u32].map(u32::to_le_bytes).concat(),
            [9u32, 0].map(u32::to_le_bytes).concat(),
            [9u32, 12].map(u32::to_le_bytes).concat(),
            [9u32, 8].map(u32::to_le_bytes).concat(),
            [9u32, 9].map(u32::to_le_bytes).concat(),
        ] {
            place.check(&header(3, 0, 1, &[text("a.key"), kind, rest.to_vec(), vec![0; 64]].concat()), true);
        }
    }
    // Lists in lists in lists.
    let nested: Vec<u8> =
        (0..5000).flat_map(|_| [9u32.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat()).collect();
    place.check(&header(3, 0, 1, &[text("a.key"), 9u32.to_le_bytes().to_vec(), nested].concat()), true);
    place.check(&header(3, 0, 1, &[text("a.key"), 77u32.to_le_bytes().to_vec(), vec![0; 64]].concat()), true);
    // Tensors of impossible shapes and places.
    let tensor = |dims: &[u64], kind: u32, at: u64| {
        let mut bytes = text("token_embd.weight");
        bytes.extend((dims.len() as u32).to_le_bytes());
        bytes.extend(dims.iter().flat_map(|d| d.to_le_bytes()));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(at.to_le_bytes());
        bytes.extend([0; 128]);
        bytes
    };
    for (dims, kind, at) in [
        (&[u64::MAX, 2][..], 0, 0),
        (&[1 << 33, 1 << 33], 0, 0),
        (&[32, 1 << 60], 2, 0),
        (&[0, 4], 0, 0),
        (&[], 0, 0),
        (&[1, 1, 1, 1, 1], 0, 0),
        (&[33], 2, 0),
        (&[8], 0, u64::MAX),
        (&[8], 0, 1 << 40),
        (&[1 << 40], 0, 0),
    ] {
        place.check(&header(3, 1, 0, &tensor(dims, kind, at)), true);
    }
}

#[test]
fn other_files_are_refused_by_name() {
    let place = Place::new();
    let key = |failure: Option<Failure>| failure.unwrap().summary.key.into_owned();
    assert_eq!(key(place.check(&header(1, 0, 0, &[]), true)), "failure.gguf_version");
    assert_eq!(key(place.check(&header(4, 0, 0, &[]), true)), "failure.gguf_version");
    assert_eq!(key(place.check(&header(3u32.swap_bytes(), 0, 0, &[]), true)), "failure.gguf_big_endian");
    let architecture =
        |name: &str| [text("general.architecture"), 8u32.to_le_bytes().to_vec(), text(name)].concat();
    let failure = place.check(&header(3, 0, 1, &architecture("mamba")), true).unwrap();
    assert_eq!(failure.summary.key, "failure.architecture_unknown");
    assert!(failure.summary.args.iter().any(|(_, v)| v == "mamba"));
    let failure = place.check(&header(3, 0, 1, &architecture("phi3")), true).unwrap();
    assert_eq!(failure.summary.key, "failure.gguf_run_only", "it is run from a folder alone");
    assert_eq!(key(place.check(&header(3, 0, 0, &[]), true)), "failure.gguf_key");
    assert_eq!(key(place.check(&header(3, 0, 1, &architecture("llama")), true)), "failure.gguf_key");
    let split = [
        architecture("llama"),
        text("split.count"),
        2u32.to_le_bytes().to_vec(),
        3u16.to_le_bytes().to_vec(),
    ];
    assert_eq!(key(place.check(&header(2, 0, 2, &split.concat()), true)), "failure.gguf_split");
    assert_eq!(key(place.check(b"PK\x03\x04 and so on", true)), "failure.model_file_broken");
    assert_eq!(key(place.check(b"", true)), "failure.model_file_broken");
}

/// Puts `new` in the place of `old`, of the same length, everywhere.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut out = bytes.to_vec();
    let mut found = false;
    for at in 0..=out.len() - old.len() {
        if out[at..].starts_with(old) {
            out[at..at + old.len()].copy_from_slice(new);
            found = true;
        }
    }
    assert!(found);
    out
}

#[test]
fn what_would_compute_something_else_is_refused() {
    let whole = whole("llama-gqa.f32.gguf");
    let place = Place::new();
    let refused =
        |old: &str, new: &str| place.check(&replaced(&whole, old.as_bytes(), new.as_bytes()), true).unwrap();
    // A tensor that no block knows, one that is missing, one of another kind.
    assert_eq!(
        refused("blk.0.ffn_gate.weight", "blk.0.ffn_gaze.weight").summary.key,
        "failure.config_refused"
    );
    assert_eq!(refused("output_norm.weight", "output_form.weight").summary.key, "failure.tensor_missing");
    assert_eq!(refused("llama.block_count", "llama.block_cound").summary.key, "failure.gguf_key");
    let failure = refused("llama.feed_forward_length", "llama.feed_forward_lenght");
    assert!(failure.summary.args.iter().any(|(_, v)| v == "llama.feed_forward_length"), "{failure:?}");
    // The same number of heads, each of another width.
    let mut bytes = whole.clone();
    let key = b"llama.attention.head_count\x04\0\0\0";
    let at = bytes.windows(key.len()).position(|w| w == key).unwrap() + key.len();
    bytes[at] *= 2;
    place.check(&bytes, true);
    // Layers without end where each is asked for its window; heads that don't make up the width.
    let set = |file: &str, key: &str, value: u32| {
        let mut bytes = self::whole(file);
        let key = [key.as_bytes(), &4u32.to_le_bytes()].concat();
        let at = bytes.windows(key.len()).position(|w| w == key).unwrap() + key.len();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        place.check(&bytes, true).unwrap().summary.key
    };
    assert_eq!(set("gemma3-local.f32.gguf", "gemma3.block_count", u32::MAX), "failure.config_refused");
    assert_eq!(
        set("gemma3-local.f32.gguf", "gemma3.attention.sliding_window", u32::MAX),
        "failure.config_refused"
    );
    assert_eq!(set("neox-parallel.f32.gguf", "gptneox.attention.head_count", 7), "failure.gguf_key");
    assert_eq!(set("neox-parallel.f32.gguf", "gptneox.rope.dimension_count", 5), "failure.config_refused");
}
