//! Captures: exact to the reference, within their budget, cancellable, layer by layer.

use super::*;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use glassworks_protocol::generate::Prompt;
use glassworks_protocol::inside::{InsidePartial, RolloutSpec, Segmenting, Storage, rollout, segments};
use glassworks_protocol::{Command, Event, FailureKind, Outcome, Page, Partial, Query};
use glassworks_tests_engine::long_winded;
use std::time::{Duration, Instant};

/// Acceptance 1 and 2: every row sums to 1, and maps, residual stream and probabilities are the reference's, prompts
/// longer than the window included.
#[test]
fn maps_are_the_references() {
    let (_home, mut lab) = lab();
    for name in FOLDERS {
        for prompt in ["p0", "p1"] {
            let ids: Vec<u32> = golden(name, &format!("{prompt}.ids")).iter().map(|id| *id as u32).collect();
            let seen = capture(&mut lab, spec(of(name), &ids));
            assert_eq!((seen.n_tokens(), seen.layers.len()), (ids.len(), seen.sizes.n_layers as usize));
            for layer in &seen.layers {
                assert!(layer.maps.is_exact());
                let ours = maps(&seen, layer.layer);
                let reference = golden(name, &format!("{prompt}.attention.{}", layer.layer));
                close(&format!("{name} {prompt} attention {}", layer.layer), &ours, &reference, 1e-4);
                for row in ours.chunks_exact(ids.len()) {
                    assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{name}: a row sums to 1");
                }
            }
            for (l, kept) in seen.residuals.iter().enumerate() {
                let reference = golden(name, &format!("{prompt}.hidden.{l}"));
                // The reference's last one is after the final norm.
                if l < seen.layers.len() {
                    close(&format!("{name} {prompt} hidden {l}"), kept, &reference, 1e-4);
                }
            }
            let logits = golden(name, &format!("{prompt}.logits"));
            let vocab = seen.sizes.vocab_size as usize;
            for (piece, at) in seen.read.iter().zip(seen.read_from as usize..) {
                let row = &logits[(at - 1) * vocab..at * vocab];
                let most = row.iter().copied().fold(f32::MIN, f32::max);
                let sum: f32 = row.iter().map(|x| (x - most).exp()).sum();
                let expected = row[ids[at] as usize] - most - sum.ln();
                assert!((piece.logprob - expected).abs() < 1e-3, "{name}: {} {expected}", piece.logprob);
            }
            let last = &logits[(ids.len() - 1) * vocab..];
            let likeliest = (0..vocab).max_by(|a, b| last[*a].total_cmp(&last[*b])).expect("some");
            assert_eq!((seen.next[0].id as usize, seen.next.len()), (likeliest, 20), "{name}");
        }
    }
    lab.close();
}

/// Acceptance 3: values made again from queries and keys are the eager pass's to 1e-5, for every architecture.
#[test]
fn what_queries_and_keys_give_is_the_eager_pass() {
    let (_home, mut lab) = lab();
    for name in FOLDERS {
        let model = load(&fixtures().join(name));
        let ids = some_ids(100.min(model.shape().context_length));
        let (attention, hidden, _) = eager(&*model, &ids);
        let seen = capture(&mut lab, spec(of(name), &ids));
        for (layer, expected) in seen.layers.iter().zip(&attention) {
            assert_eq!(layer.maps.storage(), layer.shape.storage(ids.len(), u64::MAX), "{name}");
            close(&format!("{name} {}", layer.layer), &maps(&seen, layer.layer), expected, 1e-5);
        }
        assert_eq!(seen.residuals.len(), hidden.len());
        for (ours, theirs) in seen.residuals.iter().zip(&hidden) {
            close(name, ours, theirs, 1e-4);
        }
    }
    lab.close();
}

/// Weights of 8 and 16 bits stay as they are: what is seen is their own eager pass.
#[test]
fn quantised_files_are_seen_as_they_are() {
    let (_home, mut lab) = lab();
    for name in ["gguf/llama-gqa.q8_0.gguf", "gguf/llama-tied.bf16.gguf", "gguf/gemma2-caps.f16.gguf"] {
        let model = load(&fixtures().join(name));
        let ids = some_ids(60);
        let (attention, hidden, _) = eager(&*model, &ids);
        let seen = capture(&mut lab, spec(of(name), &ids));
        for layer in &seen.layers {
            close(name, &maps(&seen, layer.layer), &attention[layer.layer as usize], 1e-5);
        }
        for (ours, theirs) in seen.residuals.iter().zip(&hidden) {
            close(name, ours, theirs, 1e-4);
        }
    }
    lab.close();
}

#[test]
fn each_way_of_keeping_is_used_and_tells_the_same() {
    /// Room for both layers' maps in 8 bits, and not in 32.
    const BUDGET: u64 = 150_000;
    let (_home, mut lab) = lab();
    let ids = some_ids(100);
    let model = load(&fixtures().join("llama-gqa"));
    assert!(ids.len() < model.shape().context_length);
    let (attention, ..) = eager(&*model, &ids);
    let whole = spec(of("llama-gqa"), &ids);
    let qk = capture(&mut lab, whole.clone());
    assert_eq!(qk.layers[0].maps.storage(), Storage::Qk);
    // Not enough for queries and keys of both layers: they are rounded, and the stream is left out.
    let mut small = whole.clone();
    small.plan.budget_bytes = BUDGET;
    let rounded = capture(&mut lab, small);
    assert_eq!((rounded.layers[0].maps.storage(), rounded.residuals.len()), (Storage::Coded, 0));
    assert!(rounded.size_bytes <= BUDGET);
    for layer in 0..2 {
        close("exact", &maps(&qk, layer), &attention[layer as usize], 1e-5);
        for (row, exact) in
            maps(&rounded, layer).chunks_exact(100).zip(attention[layer as usize].chunks_exact(100))
        {
            let lost: f32 = row.iter().zip(exact).map(|(a, b)| a - b).sum();
            assert!(lost.abs() < 1e-2, "{lost}");
        }
    }
    let mut some = whole.clone();
    some.plan.layers = Some(vec![1]);
    let some = capture(&mut lab, some);
    assert_eq!(some.layers.iter().map(|layer| layer.layer).collect::<Vec<_>>(), [1]);
    let mut none = whole;
    none.plan.budget_bytes = 1000;
    let failure = lab.fails(JobSpec::Inside(InsideJob::Capture(Box::new(none))));
    assert_eq!((failure.kind, &*failure.summary.key), (FailureKind::Memory, "failure.inside_budget"));
    lab.close();
}

/// Pictures are the largest and the mean of what falls into a cell.
#[test]
fn thumbnails_keep_the_largest() {
    let (_home, mut lab) = lab();
    for n in [20, 120] {
        let seen = capture(&mut lab, spec(of("mistral-window"), &some_ids(n)));
        for layer in &seen.layers {
            let all = maps(&seen, layer.layer);
            let side = layer.thumbnails.side as usize;
            assert_eq!(side, n.min(64));
            for head in 0..layer.shape.n_heads as usize {
                let mut most = vec![0.0f32; side * side];
                for i in 0..n {
                    for j in 0..n {
                        let at = i * side / n * side + j * side / n;
                        most[at] = most[at].max(all[(head * n + i) * n + j]);
                    }
                }
                let codes: Vec<u8> = most.iter().map(|a| glassworks_protocol::inside::coded(*a)).collect();
                for (a, b) in layer.thumbnails.of(head).iter().zip(&codes) {
                    assert!(a.abs_diff(*b) <= 1, "{a} {b}");
                }
            }
        }
    }
    lab.close();
}

#[test]
fn layers_are_told_as_they_come_and_the_memory_comes_back() {
    let (_home, mut lab) = lab();
    let before = memory(&mut lab);
    let job =
        lab.start(JobSpec::Inside(InsideJob::Capture(Box::new(spec(of("gemma2-caps"), &some_ids(40))))));
    let mut told = Vec::new();
    let begun = lab.until("the text", |event| match event {
        Event::Partial(id, Partial::Inside(InsidePartial::Begun(capture))) if *id == job => {
            Some(Arc::clone(capture))
        }
        _ => None,
    });
    assert_eq!((begun.n_tokens(), begun.layers.len()), (40, 0));
    for _ in 0..3 {
        told.push(lab.until("a layer", |event| match event {
            Event::Partial(id, Partial::Inside(InsidePartial::Layer(layer))) if *id == job => {
                Some(layer.layer)
            }
            _ => None,
        }));
    }
    assert_eq!(told, [0, 1, 2]);
    let Outcome::Done(JobOutput::Inside(InsideOutput::Captured(seen))) = lab.until_settled(job) else {
        panic!("captured")
    };
    let kept: u64 = seen.layers.iter().map(|layer| layer.maps.size_bytes()).sum();
    let stream: u64 = seen.residuals.iter().map(|kept| 4 * kept.len() as u64).sum();
    let pictures = seen
        .layers
        .iter()
        .map(|layer| layer.thumbnails.max.len() + layer.thumbnails.mean.len() + 2 * layer.mean.len())
        .sum::<usize>();
    assert_eq!(seen.size_bytes, kept + stream + pictures as u64);
    let weights = memory(&mut lab) - before - seen.size_bytes;
    drop(seen);
    assert_eq!(memory(&mut lab), before + weights, "given back once nobody holds it");
    lab.close();
}

fn memory(lab: &mut Lab) -> u64 {
    match lab.fetch(Query::Memory) {
        Ok(Page::Memory(status)) => status.reserved_bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_long_capture_is_stopped_at_once() {
    let (home, mut lab) = lab();
    let model = ModelSource::Path(long_winded(home.path()));
    let ids: Vec<u32> = (0..6000).map(|i| 5 + i * 7 % 400).collect();
    let mut long = spec(model, &ids);
    long.plan.budget_bytes = 4 << 30;
    let job = lab.start(JobSpec::Inside(InsideJob::Capture(Box::new(long))));
    lab.until("progress", |event| matches!(event, Event::Progress(of, _) if *of == job).then_some(()));
    let asked = Instant::now();
    lab.send(Command::Cancel(job));
    let outcome = lab.until_settled(job);
    assert!(matches!(outcome, Outcome::Cancelled), "stopped");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    lab.close();
}

#[test]
fn a_chat_is_read_through_its_template_with_turns() {
    let (_home, mut lab) = lab();
    let starter = lab.starter();
    let turns = vec![
        Turn::new("user", "Who is Alice?"),
        Turn::new("assistant", "A girl."),
        Turn::new("user", "And?"),
    ];
    let prompt = Prompt::Chat { turns, template: TemplateOptions::default() };
    let reply = vec![(0, " She".to_owned()), (0, " fell.".to_owned())];
    let mut chat = spec(starter, &[]);
    chat.subject = Subject::Text { prompt, reply, at_ms: 0 };
    let seen = capture(&mut lab, chat);
    let text: String = seen.tokens.iter().map(|token| token.text.as_str()).collect();
    assert!(text.contains("Who is Alice?") && text.ends_with("fell."), "{text}");
    let parts = segments(&seen.tokens, &seen.turns, Segmenting::Turn);
    let said = |range: &std::ops::Range<u32>| -> String {
        seen.tokens[range.start as usize..range.end as usize]
            .iter()
            .map(|token| token.text.as_str())
            .collect()
    };
    let roles: Vec<&str> = seen.turns.iter().map(|turn| turn.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    for (part, words) in parts.iter().zip(["Who is Alice?", "A girl.", "And?", "fell."]) {
        assert!(said(part).contains(words), "{} for {words}", said(part));
    }
    assert_eq!(parts.len(), 4);
    lab.close();
}

#[test]
fn what_cannot_be_looked_into_says_why() {
    let (home, mut lab) = lab();
    let too_long = some_ids(100_000);
    let failure = lab.fails(JobSpec::Inside(InsideJob::Capture(Box::new(spec(of("llama-gqa"), &too_long)))));
    assert_eq!(failure.summary.key, "failure.too_long");
    let failure = lab.fails(JobSpec::Inside(InsideJob::Capture(Box::new(spec(of("llama-gqa"), &[])))));
    assert_eq!(failure.summary.key, "failure.nothing_to_read");
    // A model that only runs, with the tokenizer that its fixtures share.
    let place = home.path().join("falcon");
    std::fs::create_dir_all(&place).expect("a folder");
    for file in
        ["run_only/falcon/config.json", "run_only/falcon/model.safetensors", "llama-tied/tokenizer.json"]
    {
        let from = fixtures().join(file);
        std::fs::copy(&from, place.join(from.file_name().expect("a name"))).expect("copied");
    }
    let runs_only = spec(ModelSource::Path(place), &[1, 2]);
    let failure = lab.fails(JobSpec::Inside(InsideJob::Capture(Box::new(runs_only))));
    assert_eq!(failure.summary.key, "failure.runs_only");
    lab.close();
}

/// The flow through all layers is what the eager maps' means give.
#[test]
fn rollout_goes_by_the_means_of_heads() {
    let (_home, mut lab) = lab();
    for name in ["llama-gqa", "gemma3-local"] {
        let model = load(&fixtures().join(name));
        let ids = some_ids(30);
        let (attention, ..) = eager(&*model, &ids);
        let seen = capture(&mut lab, spec(of(name), &ids));
        let spec = RolloutSpec { base: Arc::clone(&seen), query: 29 };
        let JobOutput::Inside(InsideOutput::Rollout(flow)) =
            lab.done(JobSpec::Inside(InsideJob::Rollout(spec)))
        else {
            panic!("a rollout")
        };
        let n_heads = model.shape().n_heads;
        let expected = rollout(attention.len(), 29, |layer, i, out| {
            out.clear();
            let mean = |j: usize| {
                (0..n_heads).map(|head| attention[layer][(head * 30 + i) * 30 + j]).sum::<f32>()
                    / n_heads as f32
            };
            out.extend((0..=i).map(mean));
        });
        close(name, &flow, &expected, 1e-4);
        assert!((flow.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let past = RolloutSpec { base: seen, query: 30 };
        assert_eq!(lab.fails(JobSpec::Inside(InsideJob::Rollout(past))).summary.key, "failure.inside_part");
    }
    lab.close();
}
