//! Beam search against transformers: the same ids for every fixture, whatever ends a text; and what it leaves behind.

use super::*;
use glassworks_engine::failure::Cancelled;
use glassworks_engine::generate::decode::{self, DecodeSpec, Decoded, Listener};
use glassworks_engine::memory::Ledger;
use glassworks_engine::shelf::{LoadedModel, Shelf};
use glassworks_protocol::Failure;
use glassworks_protocol::generate::{
    BeamSpec, EarlyStopping, FinishReason, SamplingPreset, SamplingSpec, TokenPiece,
};
use glassworks_protocol::model::CacheWidth;
use serde_json::Value;
use std::sync::Arc;

/// A search of `beams.json`.
struct Case {
    prompt: Vec<u32>,
    num_beams: u32,
    length_penalty: f32,
    early_stopping: String,
    repetition_penalty: f32,
    ignore_eos: bool,
    max_new_tokens: u32,
    stop: Option<String>,
    ids: Vec<u32>,
    /// The sum of log-probabilities with penalties, by length.
    score: f32,
}

impl Case {
    fn read(value: &Value) -> Self {
        let number = |key: &str| value[key].as_f64().unwrap() as f32;
        let ids = |key: &str| {
            let ids = value[key].as_array().unwrap().iter();
            ids.map(|id| id.as_u64().unwrap() as u32).collect()
        };
        Self {
            prompt: ids("prompt"),
            num_beams: number("num_beams") as u32,
            length_penalty: number("length_penalty"),
            early_stopping: value["early_stopping"].as_str().unwrap().to_owned(),
            repetition_penalty: number("repetition_penalty"),
            ignore_eos: value["ignore_eos"].as_bool().unwrap(),
            max_new_tokens: number("max_new_tokens") as u32,
            stop: value["stop"].as_str().map(str::to_owned),
            ids: ids("ids"),
            score: number("score"),
        }
    }

    fn sampling(&self) -> SamplingSpec {
        SamplingSpec {
            beams: Some(BeamSpec {
                n: self.num_beams,
                length_penalty: self.length_penalty,
                early_stopping: match self.early_stopping.as_str() {
                    "true" => EarlyStopping::Yes,
                    "false" => EarlyStopping::No,
                    "never" => EarlyStopping::Never,
                    other => panic!("{other}"),
                },
            }),
            repetition_penalty: self.repetition_penalty,
            ignore_eos: self.ignore_eos,
            max_new_tokens: self.max_new_tokens,
            stop: self.stop.iter().cloned().collect(),
            // Beams draw nothing, so these have no say.
            temperature: 0.7,
            top_k: Some(5),
            ..SamplingPreset::Steady.spec()
        }
    }
}

fn cases() -> HashMap<String, Vec<Case>> {
    let text = std::fs::read_to_string(fixtures().join("beams.json")).unwrap();
    let told: HashMap<String, Vec<Value>> = serde_json::from_str(&text).unwrap();
    told.into_iter().map(|(name, cases)| (name, cases.iter().map(Case::read).collect())).collect()
}

fn shelved(path: &Path, ledger: &Ledger) -> Arc<LoadedModel> {
    Shelf::on(Device::Cpu).load(path, "beams", String::new(), ledger, &|_, _| Ok(())).unwrap()
}

/// Gathers what is told, and stops the search after so many steps.
struct Ear {
    pieces: Vec<TokenPiece>,
    /// What had been told before the last step.
    told: usize,
    n_steps: usize,
    stop_after: usize,
}

impl Ear {
    fn new() -> Self {
        Self { pieces: Vec::new(), told: 0, n_steps: 0, stop_after: usize::MAX }
    }
}

impl Listener for Ear {
    fn checkpoint(&self) -> anyhow::Result<()> {
        if self.n_steps >= self.stop_after { Err(Cancelled.into()) } else { Ok(()) }
    }

    fn reading(&mut self, _: usize, _: usize) {}

    fn prompt_read(&mut self, _: usize, _: usize) {}

    fn searching(&mut self, n_tokens: usize) {
        self.n_steps += 1;
        assert_eq!(n_tokens, self.n_steps);
        self.told = self.pieces.len();
    }

    fn pieces(&mut self, pieces: Vec<TokenPiece>) -> anyhow::Result<()> {
        self.pieces.extend(pieces);
        Ok(())
    }
}

/// Parts of a text: prompt, what the reply has, what is put there.
type Parts<'a> = (&'a [u32], &'a [u32], &'a [u32]);

fn write(
    model: &LoadedModel,
    ledger: &Ledger,
    (prompt, reply, forced): Parts<'_>,
    sampling: &SamplingSpec,
    ear: &mut Ear,
) -> anyhow::Result<Decoded> {
    let spec = DecodeSpec {
        prompt,
        reply,
        forced,
        sampling,
        stops: &[],
        seed: 0,
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        adapters: None,
    };
    decode::decode(model, ledger, &spec, ear)
}

fn ids(pieces: &[TokenPiece]) -> Vec<u32> {
    pieces.iter().map(|piece| piece.id).collect()
}

fn check(what: &str, model: &LoadedModel, case: &Case) {
    let ledger = Ledger::new(u64::MAX);
    let mut ear = Ear::new();
    let decoded = write(model, &ledger, (&case.prompt, &[], &[]), &case.sampling(), &mut ear).unwrap();
    let last = *case.ids.last().unwrap();
    if let Some(stop) = &case.stop {
        assert_eq!(decoded.finish, FinishReason::StopString(stop.clone()), "{what}");
        let text: String = ear.pieces.iter().map(|piece| piece.text.as_str()).collect();
        let mut stream = model.codec.stream();
        let whole: String = case.ids.iter().map(|id| stream.push(*id)).collect();
        assert_eq!(text, whole[..whole.find(stop.as_str()).unwrap()], "{what}");
        return;
    }
    assert_eq!(ids(&ear.pieces), case.ids, "{what}");
    let ends = !case.ignore_eos && model.codec.eos_ids().contains(&last);
    assert_eq!(decoded.finish, if ends { FinishReason::EndOfText } else { FinishReason::Length }, "{what}");
    assert_eq!((decoded.n_new, decoded.n_reused), (case.ids.len(), decoded.n_reused), "{what}");
    assert_eq!(decoded.context_used, case.prompt.len() + case.ids.len() - 1, "{what}");
    if case.repetition_penalty == 1.0 {
        let sum: f32 = ear.pieces.iter().map(|piece| piece.logprob).sum();
        let score = sum / (case.ids.len() as f32).powf(case.length_penalty);
        assert!(
            (score - case.score).abs() < 1e-3 * (1.0 + score.abs()),
            "{what}: {score}, not {}",
            case.score
        );
    }
}

#[test]
fn beams_choose_what_transformers_chooses() {
    let cases = cases();
    let ledger = Ledger::new(u64::MAX);
    let mut n_ended = 0;
    for name in FOLDERS.into_iter().chain(["glassllm"]) {
        let model = shelved(&fixtures().join(name), &ledger);
        for (i, case) in cases[name].iter().enumerate() {
            check(&format!("{name}, case {i}"), &model, case);
            n_ended +=
                usize::from(!case.ignore_eos && model.codec.eos_ids().contains(case.ids.last().unwrap()));
        }
        let lens = |early: &str| {
            let of = cases[name].iter().filter(|case| case.early_stopping == early && case.stop.is_none());
            of.map(|case| (case.num_beams, case.ids.len())).collect::<Vec<_>>()
        };
        assert!(!lens("true").is_empty() && !lens("false").is_empty() && !lens("never").is_empty(), "{name}");
    }
    assert!(n_ended >= 20, "{n_ended} texts end by themselves");
}

/// Those that hold the folder's very numbers.
#[test]
fn beams_of_gguf_files_are_those_of_their_folders() {
    let cases = cases();
    let ledger = Ledger::new(u64::MAX);
    let mut n = 0;
    for (file, golden, ..) in gguf::FILES {
        let Some(folder) = golden.strip_suffix("/golden.safetensors") else { continue };
        let model = shelved(&fixtures().join("gguf").join(file), &ledger);
        let mut ours = model.codec.eos_ids().to_vec();
        let mut theirs = shelved(&fixtures().join(folder), &ledger).codec.eos_ids().to_vec();
        ours.sort_unstable();
        theirs.sort_unstable();
        // A header has room for fewer ends of text than a folder names.
        for case in cases[folder].iter().filter(|case| case.ignore_eos || ours == theirs) {
            check(file, &model, case);
            n += 1;
        }
    }
    assert!(n >= 20, "{n} searches");
}

/// A token of a beam is measured as the same token put there is; what was told was never taken back.
#[test]
fn tokens_of_beams_are_measured_like_any_other() {
    let ledger = Ledger::new(u64::MAX);
    let model = shelved(&starter(), &ledger);
    for case in
        cases()["glassllm"].iter().filter(|case| case.stop.is_none() && case.repetition_penalty == 1.0)
    {
        let mut beams = Ear::new();
        write(&model, &ledger, (&case.prompt, &[], &[]), &case.sampling(), &mut beams).unwrap();
        let plain = SamplingSpec {
            max_new_tokens: 0,
            temperature: 1.0,
            ignore_eos: true,
            ..SamplingPreset::Steady.spec()
        };
        let mut forced = Ear::new();
        write(&model, &ledger, (&case.prompt, &[], &case.ids), &plain, &mut forced).unwrap();
        assert_eq!(beams.pieces.len(), forced.pieces.len());
        for (ours, theirs) in beams.pieces.iter().zip(&forced.pieces) {
            assert_eq!((ours.id, ours.rank), (theirs.id, theirs.rank));
            assert!(
                (ours.logprob - theirs.logprob).abs() < 1e-4 && (ours.entropy - theirs.entropy).abs() < 1e-4
            );
            assert!((ours.sampled_prob - theirs.sampled_prob).abs() < 1e-5, "no penalty, no difference");
            assert_eq!(ours.top.len(), 20);
            let tops = ours.top.iter().zip(&theirs.top);
            tops.for_each(|(a, b)| {
                assert!(a.id == b.id && (a.prob - b.prob).abs() < 1e-5 && a.text == b.text)
            });
        }
    }
}

/// With what a reply has and what is put there before them, beams go on as if it had been the prompt; and read again
/// only what is new.
#[test]
fn beams_go_on_from_what_is_there() {
    let ledger = Ledger::new(u64::MAX);
    let model = shelved(&starter(), &ledger);
    let case = &cases()["glassllm"][0];
    let (begun, put) = ([7, 300, 12], [45, 9]);
    let all: Vec<u32> = case.prompt.iter().chain(&begun).chain(&put).copied().collect();
    let mut expected = Ear::new();
    write(&model, &ledger, (&all, &[], &[]), &case.sampling(), &mut expected).unwrap();
    let mut ear = Ear::new();
    let decoded = write(&model, &ledger, (&case.prompt, &begun, &put), &case.sampling(), &mut ear).unwrap();
    assert_eq!(ids(&ear.pieces), [&put[..], &ids(&expected.pieces)].concat());
    assert_eq!(decoded.n_new, ear.pieces.len());
    assert_eq!(decoded.n_reused, case.prompt.len() + begun.len() - 1, "the first search's prompt was kept");
    // And so is what the search itself has read.
    let whole: Vec<u32> = case.prompt.iter().chain(&begun).copied().chain(ids(&ear.pieces)).collect();
    let greedy = SamplingSpec { max_new_tokens: 1, ..SamplingPreset::Steady.spec() };
    let decoded = write(&model, &ledger, (&whole, &[], &[]), &greedy, &mut Ear::new()).unwrap();
    assert!(decoded.n_reused > all.len(), "{} of {}", decoded.n_reused, whole.len());
}

#[test]
fn a_search_that_is_stopped_gives_the_best_so_far() {
    let ledger = Ledger::new(u64::MAX);
    let model = shelved(&starter(), &ledger);
    let case = &cases()["glassllm"][0];
    let sampling = SamplingSpec { max_new_tokens: 60, ignore_eos: true, ..case.sampling() };
    let mut whole = Ear::new();
    write(&model, &ledger, (&case.prompt, &[], &[]), &sampling, &mut whole).unwrap();
    for stop_after in [0, 1, 5, 20] {
        let mut ear = Ear { stop_after, ..Ear::new() };
        let decoded = write(&model, &ledger, (&case.prompt, &[], &[]), &sampling, &mut ear).unwrap();
        assert_eq!(decoded.finish, FinishReason::Cancelled);
        assert_eq!((ear.pieces.len(), decoded.n_new), (stop_after, stop_after));
        let told = ids(&ear.pieces[..ear.told]);
        assert_eq!(told, ids(&whole.pieces)[..ear.told], "what was told was certain");
    }
    assert!(whole.told > 20, "some of it is certain before the end: {}", whole.told);
}

#[test]
fn memory_for_all_beams_is_there_before_the_first_token_is_read() {
    let case = &cases()["glassllm"][0];
    let roomy = Ledger::new(u64::MAX);
    let model = shelved(&starter(), &roomy);
    let one = Sequences::of(&model, case, 1);
    let four = Sequences::of(&model, case, 4);
    assert!(four > one && four < 4 * one, "the prompt's full blocks are shared: {one}, {four}");
    let refused = |limit: u64| {
        let ledger = Ledger::new(limit);
        let sampling = Sequences::sampling(case, 4);
        let outcome = write(&model, &ledger, (&Sequences::prompt(), &[], &[]), &sampling, &mut Ear::new());
        assert_eq!(ledger.reserved() > 0, outcome.is_ok(), "what is kept of it is what is reserved");
        outcome.err().map(|error| error.downcast::<Failure>().unwrap().hint.unwrap().key)
    };
    model.sequences.clear();
    assert_eq!(refused(four), None);
    model.sequences.clear();
    assert_eq!(refused(four - 1).as_deref(), Some("failure.beams_memory_hint"));
}

/// What a search with so many beams reserves at its beginning.
struct Sequences;

impl Sequences {
    /// More than a block of the cache.
    fn prompt() -> Vec<u32> {
        (0..90).map(|i| 20 + i * 7 % 500).collect()
    }

    fn sampling(case: &Case, n: u32) -> SamplingSpec {
        let beams = (n > 1).then(|| BeamSpec { n, ..BeamSpec::default() });
        SamplingSpec { beams, max_new_tokens: 8, ..case.sampling() }
    }

    fn of(model: &LoadedModel, case: &Case, n: u32) -> u64 {
        struct Peak<'l>(&'l Ledger, u64);
        impl Listener for Peak<'_> {
            fn checkpoint(&self) -> anyhow::Result<()> {
                Ok(())
            }
            fn reading(&mut self, _: usize, _: usize) {
                self.1 = self.1.max(self.0.reserved());
            }
            fn prompt_read(&mut self, _: usize, _: usize) {}
            fn pieces(&mut self, _: Vec<TokenPiece>) -> anyhow::Result<()> {
                assert!(self.0.reserved() <= self.1, "more was reserved later");
                Ok(())
            }
        }
        model.sequences.clear();
        let ledger = Ledger::new(u64::MAX);
        let mut peak = Peak(&ledger, 0);
        let spec = DecodeSpec {
            prompt: &Self::prompt(),
            reply: &[],
            forced: &[],
            sampling: &Self::sampling(case, n),
            stops: &[],
            seed: 0,
            precision: Precision::Exact,
            cache: CacheWidth::Full,
            adapters: None,
        };
        decode::decode(model, &ledger, &spec, &mut peak).unwrap();
        peak.1
    }
}
