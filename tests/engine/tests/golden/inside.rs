//! Looking inside changes nothing, replacing does what it says, and the file holds what was promised.

use super::*;
use glassworks_engine::inspect;
use glassworks_engine::inspect::probe::{CapturePlan, Site};

#[test]
fn being_watched_changes_nothing() {
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let ids: Vec<u32> = (0..30).map(|i| (i * 41 + 5) % 512).collect();
        let alone = values(&full_logits(&*model, &ids));
        let plan = CapturePlan { hidden: true, attention: true, head_outputs: true };
        let nothing = Probe::Replace(Box::new(|_, _| Ok(None)));
        for mut probe in [Probe::capture(plan), nothing] {
            let watched = logits(&*model, &mut KvCache::new(model.shape()), &mut probe, &ids);
            assert_eq!(values(&watched), alone, "{name}");
        }
    }
}

/// The same over a prompt so long that attention is made in tiles: to the digit, as whoever wants to see it in one
/// piece gets the tiles side by side.
#[test]
fn being_watched_changes_nothing_over_a_long_prompt() {
    const T: usize = 1200;
    let copy = copy(&fixtures().join("llama-gqa"));
    let config = copy.path().join("config.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    json["max_position_embeddings"] = (2 * T).into();
    std::fs::write(&config, json.to_string()).unwrap();
    let model = load(copy.path());
    assert!(model.shape().n_heads * T * T > 4 << 20, "long enough for tiles");
    let ids: Vec<u32> = (0..T as u32).map(|i| (i * i + 41 * i + 5) % 512).collect();
    let run = |mut probe: Probe| values(&logits(&*model, &mut KvCache::new(model.shape()), &mut probe, &ids));
    let alone = run(Probe::Off);
    let hidden = CapturePlan { hidden: true, attention: false, head_outputs: true };
    let everything = CapturePlan { attention: true, ..hidden };
    let nothing = Probe::Replace(Box::new(|_, _| Ok(None)));
    for probe in [Probe::capture(hidden), Probe::capture(everything), nothing] {
        assert!(run(probe) == alone, "other digits");
    }
}

/// Attending to nothing is having no head outputs: the output projection's bias is all that is left.
#[test]
fn heads_can_be_taken_out() {
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let ids = [5, 6, 7, 8, 9, 10];
        let without = |site: Site| {
            let replacement = move |at: Site, tensor: &Tensor| -> anyhow::Result<Option<Tensor>> {
                if at == site { Ok(Some(tensor.zeros_like()?)) } else { Ok(None) }
            };
            let mut probe = Probe::Replace(Box::new(replacement));
            values(&logits(&*model, &mut KvCache::new(model.shape()), &mut probe, &ids))
        };
        let no_attention = without(Site::Attention(1));
        assert_eq!(no_attention, without(Site::HeadOutputs(1)), "{name}");
        assert_ne!(no_attention, values(&full_logits(&*model, &ids)), "{name}");
    }
}

#[test]
fn a_replacement_of_another_shape_is_refused() {
    let model = load(&fixtures().join("llama-gqa"));
    let shape = *model.shape();
    let mut cache = KvCache::new(&shape);
    let mut probe = Probe::Replace(Box::new(|_, tensor| Ok(Some(tensor.narrow(0, 0, 1)?))));
    let mut cx = ForwardCx {
        precision: Precision::Exact,
        cache: &mut cache,
        probe: &mut probe,
        adapters: None,
        between: &|| Ok(()),
    };
    assert!(model.hidden(&[1, 2, 3], &mut cx).is_err());
}

#[test]
fn the_file_holds_what_was_seen() {
    let folder = fixtures().join("llama-gqa");
    let model = load(&folder);
    let golden = Golden::read(&folder.join("golden.safetensors"));
    let ids = golden.ids("p0.ids");
    let captured = inspect::run(&*model, &ids, &|| Ok(())).unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("seen.safetensors");
    std::fs::write(&path, "an older file").unwrap();
    let size = inspect::write_safetensors(&captured, &path).unwrap();
    assert_eq!(size, path.metadata().unwrap().len());
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 1, "nothing is left beside it");

    let bytes = std::fs::read(&path).unwrap();
    let mut names: Vec<String> =
        SafeTensors::deserialize(&bytes).unwrap().names().into_iter().map(ToString::to_string).collect();
    names.sort();
    let expected = ["attention.0", "attention.1", "hidden.0", "hidden.1", "hidden.2", "logits", "tokens"]
        .map(str::to_owned);
    assert_eq!(names, expected);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("tokens").unwrap().dtype(), safetensors::Dtype::I32);

    let written = Golden::read(&path);
    assert_eq!(written.ids("tokens"), ids);
    let (t, shape) = (ids.len(), model.shape());
    for (name, dims) in [
        ("logits", vec![t, shape.vocab_size]),
        ("hidden.2", vec![t, shape.width]),
        ("attention.1", vec![shape.n_heads, t, t]),
    ] {
        let (got, values) = &written.tensors[name];
        assert_eq!(*got, dims, "{name}");
        assert_close(name, values, &golden.tensors[&format!("p0.{name}")].1);
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let model = load(&fixtures().join("gpt2-tiny"));
    let captured = inspect::run(&*model, &[1, 2], &|| Ok(())).unwrap();
    let out = tempfile::tempdir().unwrap();
    let error =
        inspect::write_safetensors(&captured, &out.path().join("no/such/folder.safetensors")).unwrap_err();
    assert!(format!("{error:#}").contains("folder.safetensors"), "{error:#}");
    std::fs::create_dir(out.path().join("taken")).unwrap();
    assert!(inspect::write_safetensors(&captured, &out.path().join("taken")).is_err());
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 1);
}

#[test]
fn the_estimate_covers_what_is_kept() {
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let captured = inspect::run(&*model, &[1; 40], &|| Ok(())).unwrap();
        let tensors = captured.hidden.iter().chain(&captured.attention).chain([&captured.logits]);
        let kept: u64 = tensors.map(|t| t.elem_count() as u64 * 4).sum();
        let estimate = inspect::bytes_needed(model.shape(), 40);
        assert!(kept <= estimate && estimate < 8 * kept, "{name}: {kept} of {estimate}");
    }
}
