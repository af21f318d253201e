//! Jobs that write with one model at once share its passes: each writes what it would write alone, bit for bit, and
//! what happens to one is no concern of the others.

use candle_core::Device;
use glassworks_engine::failure::Cancelled;
use glassworks_engine::generate::batch::HeldAdapters;
use glassworks_engine::generate::decode::{self, DecodeSpec, Decoded, Listener};
use glassworks_engine::memory::Ledger;
use glassworks_engine::nn::{Adapters, LowRank};
use glassworks_engine::shelf::{LoadedModel, Shelf};
use glassworks_protocol::generate::{BeamSpec, SamplingPreset, SamplingSpec, TokenPiece};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_tests_engine::long_winded;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

const PRECISIONS: [Precision; 2] = [Precision::Exact, Precision::Fast];

/// A model that nobody has read with yet.
fn fresh(folder: &Path, ledger: &Ledger) -> Arc<LoadedModel> {
    let shelf = Shelf::on(Device::Cpu);
    shelf.load(folder, "long-winded", String::new(), ledger, &|_, _| Ok(())).expect("it loads")
}

/// What one job asks for.
#[derive(Clone)]
struct Chat {
    prompt: String,
    seed: u64,
    n: u32,
    /// Stopped after so many tokens.
    stop_after: Option<usize>,
    adapted: bool,
    cache: CacheWidth,
    beams: Option<u32>,
}

impl Chat {
    fn new(prompt: &str, seed: u64, n: u32) -> Self {
        Self {
            prompt: prompt.to_owned(),
            seed,
            n,
            stop_after: None,
            adapted: false,
            cache: CacheWidth::Full,
            beams: None,
        }
    }

    /// Writes; `begin` together, if others are there.
    fn write(
        &self,
        model: &LoadedModel,
        ledger: &Ledger,
        precision: Precision,
        begin: Option<&Barrier>,
    ) -> (Vec<TokenPiece>, Decoded) {
        let sampling = SamplingSpec {
            max_new_tokens: self.n,
            ignore_eos: true,
            temperature: 1.0,
            beams: self.beams.map(|n| BeamSpec { n, ..BeamSpec::default() }),
            ..SamplingPreset::Balanced.spec()
        };
        let prompt = model.codec.encode(&self.prompt, true).expect("text");
        let spec = DecodeSpec {
            forced: &[],
            prompt: &prompt,
            reply: &[],
            sampling: &sampling,
            stops: &[],
            seed: self.seed,
            precision,
            cache: self.cache,
            adapters: self.adapted.then(|| Arc::new(adapters(model, ledger))),
        };
        let mut ear = Ear { pieces: Vec::new(), begin, stop_after: self.stop_after.unwrap_or(usize::MAX) };
        let decoded = decode::decode(model, ledger, &spec, &mut ear).expect("it writes");
        (ear.pieces, decoded)
    }
}

/// Listens, and stops the reply when it has heard enough.
struct Ear<'a> {
    pieces: Vec<TokenPiece>,
    begin: Option<&'a Barrier>,
    stop_after: usize,
}

impl Listener for Ear<'_> {
    fn checkpoint(&self) -> anyhow::Result<()> {
        if self.pieces.len() >= self.stop_after { Err(Cancelled.into()) } else { Ok(()) }
    }

    fn reading(&mut self, _done: usize, _total: usize) {
        if let Some(barrier) = self.begin.take() {
            barrier.wait();
        }
    }

    fn prompt_read(&mut self, _n_prompt: usize, _n_reused: usize) {}

    fn pieces(&mut self, pieces: Vec<TokenPiece>) -> anyhow::Result<()> {
        self.pieces.extend(pieces);
        Ok(())
    }
}

/// Beside every map, of rank 2, strong enough to be noticed.
fn adapters(model: &LoadedModel, ledger: &Ledger) -> HeldAdapters {
    let mut adapters = Adapters::new(1.0);
    let numbers = |n: usize, step: usize| (0..n).map(|i| ((i * step % 17) as f32 - 8.0) / 40.0).collect();
    model.own().expect("its own blocks").linears(&mut |_, linear| {
        let (n_out, n_in) = linear.weight().dims();
        let one = LowRank { rank: 2, scale: 1.0, a: numbers(2 * n_in, 5), b: numbers(2 * n_out, 3) };
        adapters.put(linear.id(), one);
    });
    HeldAdapters { adapters, held: ledger.reserve(0, "adapters").expect("nothing fits") }
}

/// Each alone with a model of its own, then all at once with one.
fn check(what: &str, chats: &[Chat]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = long_winded(folder.path());
    let ledger = Ledger::new(u64::MAX);
    for precision in PRECISIONS {
        let alone: Vec<_> =
            chats.iter().map(|chat| chat.write(&fresh(&path, &ledger), &ledger, precision, None)).collect();
        let model = fresh(&path, &ledger);
        let begin = Barrier::new(chats.len());
        let together: Vec<_> = thread::scope(|scope| {
            let jobs: Vec<_> = chats
                .iter()
                .map(|chat| scope.spawn(|| chat.write(&model, &ledger, precision, Some(&begin))))
                .collect();
            jobs.into_iter().map(|job| job.join().expect("no panic")).collect()
        });
        for (i, ((alone, a), (together, b))) in alone.iter().zip(&together).enumerate() {
            assert_eq!(a.finish, b.finish, "{what}, chat {i}, {precision:?}");
            let at = alone.iter().zip(together).position(|(a, b)| a != b);
            assert_eq!(at, None, "{what}, chat {i}, {precision:?}: from this token on");
            if chats[i].stop_after.is_none() {
                assert_eq!(together.len(), chats[i].n as usize, "{what}, chat {i}, {precision:?}");
            }
        }
    }
}

#[test]
fn chats_at_once_write_what_each_writes_alone() {
    let two = [Chat::new("The Queen said", 1, 60), Chat::new("Alice was beginning to", 2, 60)];
    check("two", &two);
    let more = [Chat::new("The Queen said", 3, 40), Chat::new("“Oh dear!” said the Mouse", 4, 20)];
    check("four, of different lengths", &[&two[..], &more].concat());
}

#[test]
fn a_long_prompt_an_adapter_and_a_stop_beside_it_change_nothing() {
    let long = "Alice was beginning to get very tired of sitting by her sister on the bank. ".repeat(40);
    let chats = [
        Chat::new("The Queen said", 1, 80),
        Chat::new(&long, 2, 20),
        Chat { adapted: true, ..Chat::new("The Queen said", 1, 40) },
        Chat { cache: CacheWidth::Eight, ..Chat::new("The Queen said", 1, 40) },
        Chat { stop_after: Some(7), ..Chat::new("Off with", 5, 40) },
    ];
    check("mixed", &chats);
}

/// Beams ride with others, more of them than one pass takes.
#[test]
fn beams_beside_others_change_nothing() {
    let chats = [
        Chat { beams: Some(3), ..Chat::new("The Queen said", 1, 30) },
        Chat::new("Alice was beginning to", 2, 60),
        Chat { beams: Some(12), ..Chat::new("“Oh dear!” said the Mouse", 3, 20) },
        Chat { beams: Some(4), adapted: true, ..Chat::new("Off with", 4, 20) },
    ];
    check("beams", &chats);
}

#[test]
fn the_adapter_of_these_tests_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = long_winded(folder.path());
    let ledger = Ledger::new(u64::MAX);
    let chat = Chat::new("The Queen said", 1, 10);
    let write = |chat: &Chat| chat.write(&fresh(&path, &ledger), &ledger, Precision::Exact, None).0;
    assert_ne!(write(&chat), write(&Chat { adapted: true, ..chat.clone() }));
}
