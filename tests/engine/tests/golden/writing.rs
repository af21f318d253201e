//! The pass that writes gives the numbers of the pass that is looked into, which are the reference's: whole, in pieces,
//! beside others, under every instruction set.

use super::training::{turn, under_every_cap};
use super::*;
use glassworks_engine::infer::{Request, Runner, Sequence, Wanted};
use glassworks_protocol::model::CacheWidth;

fn step(runner: &mut Runner<'_>, parts: &mut [(&mut Sequence, &[u32])]) -> Vec<Vec<f32>> {
    let mut requests: Vec<Request<'_>> = parts
        .iter_mut()
        .map(|(sequence, tokens)| Request {
            sequence,
            tokens,
            adapters: None,
            logits: Wanted::All,
            watch: None,
        })
        .collect();
    runner.step(&mut requests, Precision::Exact, &|| Ok(())).unwrap()
}

fn check(what: &str, model: &dyn CausalLm, golden: &Golden, prefixes: &[&str]) {
    let mut runner = Runner::new(model).unwrap();
    let prompts: Vec<Vec<u32>> = prefixes.iter().map(|p| golden.ids(&format!("{p}ids"))).collect();
    let theirs: Vec<&[f32]> =
        prefixes.iter().map(|p| golden.tensors[&format!("{p}logits")].1.as_slice()).collect();

    // Whole, alone.
    let alone: Vec<Vec<f32>> = prompts
        .iter()
        .map(|ids| {
            let mut sequence = runner.sequence(CacheWidth::Full);
            step(&mut runner, &mut [(&mut sequence, ids.as_slice())]).concat()
        })
        .collect();
    for (alone, theirs) in alone.iter().zip(&theirs) {
        assert_close(&format!("{what}, alone"), alone, theirs);
    }

    // All at once, in pieces of different lengths; a sequence that began as another one's beginning among them.
    let mut sequences: Vec<Sequence> = prompts.iter().map(|_| runner.sequence(CacheWidth::Full)).collect();
    let mut pieces: Vec<Vec<f32>> = vec![Vec::new(); prompts.len()];
    let mut left: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    for length in [1, 3, 1, 7, 2, usize::MAX] {
        let mut parts = Vec::new();
        let mut whose = Vec::new();
        for (i, (sequence, left)) in sequences.iter_mut().zip(&mut left).enumerate() {
            let (now, rest) = left.split_at(left.len().min(length.saturating_add(i)));
            *left = rest;
            if !now.is_empty() {
                parts.push((sequence, now));
                whose.push(i);
            }
        }
        for (i, logits) in whose.into_iter().zip(step(&mut runner, &mut parts)) {
            pieces[i].extend(logits);
        }
    }
    for (pieces, theirs) in pieces.iter().zip(&theirs) {
        assert_close(&format!("{what}, in pieces"), pieces, theirs);
    }

    // Cut back and forked, it goes on as if nothing had been after it.
    let vocab = model.shape().vocab_size;
    for ((mut sequence, ids), theirs) in sequences.into_iter().zip(&prompts).zip(&theirs) {
        let at = ids.len() / 2;
        let mut fork = sequence.prefix(at).unwrap();
        assert_eq!((fork.len(), sequence.len()), (at, ids.len()));
        sequence.truncate(at - 1);
        let logits = step(&mut runner, &mut [(&mut fork, &ids[at..]), (&mut sequence, &ids[at - 1..])]);
        assert_close(&format!("{what}, forked"), &logits[0], &theirs[at * vocab..]);
        assert_close(&format!("{what}, cut back"), &logits[1], &theirs[(at - 1) * vocab..]);
    }
}

#[test]
fn what_writes_gives_the_references_numbers_under_every_cap() {
    let _turn = turn();
    under_every_cap(|isa| {
        for name in FOLDERS {
            let folder = fixtures().join(name);
            let golden = Golden::read(&folder.join("golden.safetensors"));
            check(&format!("{name}, {isa}"), &*load(&folder), &golden, &["p0.", "p1."]);
        }
        for (name, golden, ..) in gguf::FILES {
            let model = load(&fixtures().join("gguf").join(name));
            check(
                &format!("{name}, {isa}"),
                &*model,
                &Golden::read(&fixtures().join(golden)),
                &["p0.", "p1."],
            );
        }
        let golden = Golden::read(&fixtures().join("starter.safetensors"));
        check(&format!("starter, {isa}"), &*load(&starter()), &golden, &[""]);
    });
}

/// Bit for bit: who else is in a pass is nobody's business.
#[test]
fn a_sequence_beside_others_is_itself() {
    let _turn = turn();
    let model = load(&starter());
    let mut runner = Runner::new(&*model).unwrap();
    let ids: Vec<u32> = (0..60).map(|i| i * 7 % 50).collect();
    for precision in [Precision::Exact, Precision::Fast] {
        let mut run = |parts: &mut [(&mut Sequence, &[u32])]| {
            let mut requests: Vec<Request<'_>> = parts
                .iter_mut()
                .map(|(sequence, tokens)| Request {
                    sequence,
                    tokens,
                    adapters: None,
                    logits: Wanted::Last,
                    watch: None,
                })
                .collect();
            runner.step(&mut requests, precision, &|| Ok(())).unwrap()
        };
        let new = || Runner::new(&*model).unwrap().sequence(CacheWidth::Full);
        let (mut a, mut b, mut c) = (new(), new(), new());
        let mut alone = run(&mut [(&mut a, &ids[..20])]);
        alone.extend(run(&mut [(&mut a, &ids[20..21])]));
        let mut beside = run(&mut [(&mut b, &ids[..20]), (&mut c, &ids[5..60])]);
        beside.truncate(1);
        beside.extend(run(&mut [(&mut c, &ids[..1]), (&mut b, &ids[20..21])]).pop());
        assert_eq!(alone, beside, "{precision:?}");
    }
}

/// A pass that is ended leaves every sequence as it was.
#[test]
fn an_ended_pass_never_was() {
    let model = load(&starter());
    let mut runner = Runner::new(&*model).unwrap();
    let ids: Vec<u32> = (1..40).collect();
    let (mut a, mut b) = (runner.sequence(CacheWidth::Full), runner.sequence(CacheWidth::Full));
    step(&mut runner, &mut [(&mut a, &ids[..10])]);
    let calls = std::cell::Cell::new(0);
    let between = || {
        calls.set(calls.get() + 1);
        anyhow::ensure!(calls.get() < 3, "ended");
        Ok(())
    };
    let mut requests = [
        Request { sequence: &mut a, tokens: &ids[10..20], adapters: None, logits: Wanted::Last, watch: None },
        Request { sequence: &mut b, tokens: &ids, adapters: None, logits: Wanted::Last, watch: None },
    ];
    assert!(runner.step(&mut requests, Precision::Exact, &between).is_err());
    assert_eq!((a.len(), b.len()), (10, 0));
    let again = step(&mut runner, &mut [(&mut a, &ids[10..20])]).concat();
    let mut fresh = runner.sequence(CacheWidth::Full);
    let whole = step(&mut runner, &mut [(&mut fresh, &ids[..20])]).concat();
    assert_close("after it", &again, &whole[whole.len() - again.len()..]);

    let wrong = |tokens: &[u32]| {
        let mut sequence = Runner::new(&*model).unwrap().sequence(CacheWidth::Full);
        let mut requests =
            [Request { sequence: &mut sequence, tokens, adapters: None, logits: Wanted::Last, watch: None }];
        Runner::new(&*model)
            .unwrap()
            .step(&mut requests, Precision::Exact, &|| Ok(()))
            .unwrap_err()
            .to_string()
    };
    assert!(wrong(&[]).contains("no tokens"));
    assert!(wrong(&[1, 999_999]).contains("999999"));
    assert!(wrong(&vec![1; model.shape().context_length + 1]).contains("context"));
}

/// Eight bits of memory: near, a quarter as large, and not the same.
#[test]
fn a_narrow_cache_stays_near() {
    let _turn = turn();
    let model = load(&starter());
    let mut runner = Runner::new(&*model).unwrap();
    let ids: Vec<u32> = (0..100).map(|i| i * 7 % 50).collect();
    let [full, narrow] = [CacheWidth::Full, CacheWidth::Eight].map(|width| {
        let mut sequence = runner.sequence(width);
        let whole = step(&mut runner, &mut [(&mut sequence, &ids[..99])]).concat();
        (whole, step(&mut runner, &mut [(&mut sequence, &ids[99..])]).concat())
    });
    for (full, narrow) in [(&full.0, &narrow.0), (&full.1, &narrow.1)] {
        let most = full.iter().fold(0f32, |a, b| a.max(b.abs()));
        let off = full.iter().zip(narrow).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(off > 0.0 && off < 0.02 * most, "off by {off} of {most}");
    }
    let [full, narrow] =
        [CacheWidth::Full, CacheWidth::Eight].map(|width| Sequence::bytes_for(model.shape(), 100, width));
    assert!(4 * narrow < full + full / 2, "{narrow} of {full}");
}
