//! How fast a model reads and writes on a machine, and how near that is to what the machine could do.

use crate::generate::ModelSource;
use crate::ids::BenchId;
use crate::model::Precision;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is to be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchSpec {
    pub model: ModelSource,
    pub precision: Precision,
    pub plan: BenchPlan,
}

/// Which cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BenchPlan {
    /// 128, 1,024 and 4,096 tokens, as far as the model's context reaches and a minute does; 1, 4 and 16 sequences.
    Full,
    /// 128 tokens, 1 and 4 sequences, fewer runs.
    Quick,
    /// One length and one number of sequences; what is left open is chosen to fit the model.
    One { n_prompt: Option<u32>, n_new: Option<u32>, batch: Option<u32> },
}

/// Several runs of the same thing: the middle one, and how far they lie apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    /// The run that warms up is not among them.
    pub n_runs: u32,
}

impl Measured {
    /// Half of the distance between the extremes, as a part of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        if self.median > 0.0 { (self.most - self.least) / 2.0 / self.median } else { 0.0 }
    }
}

/// What the machine does at best, measured with the program's own kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ceilings {
    /// Bytes per second that one thread reads from main memory.
    pub read_one_thread: Measured,
    /// The same with all threads.
    pub read: Measured,
    /// Floating-point operations per second in a matrix product, all threads; a multiplication and an addition are
    /// two.
    pub f32_flops: Measured,
    /// The same in bf16; `None` where Fast has none.
    pub bf16_flops: Option<Measured>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchKind {
    /// Reading a prompt.
    Prefill,
    /// Writing, a token at a time.
    Decode,
}

/// Which measurement: what two records are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BenchCase {
    pub kind: BenchKind,
    /// Sequences that go on together.
    pub batch: u32,
    /// Tokens read, or those that stood before the first that was written.
    pub context: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchResult {
    pub case: BenchCase,
    /// Tokens of one sequence that a run went through.
    pub n_tokens: u32,
    /// Of all sequences together.
    pub tokens_per_sec: Measured,
    /// Of the ceiling that counts: memory when writing, products when reading. Above 1 where weights stay in the
    /// processor's cache or are multiplied as whole numbers. `None` on a device whose ceilings were not measured.
    pub share: Option<f64>,
    /// The most that the process has held so far, where the system says it.
    pub peak_bytes: Option<u64>,
}

impl BenchResult {
    #[must_use]
    pub fn per_sequence(&self) -> f64 {
        self.tokens_per_sec.median / f64::from(self.case.batch.max(1))
    }
}

/// Why a case was not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// Its caches would not fit into memory.
    Memory,
    /// It would have taken minutes.
    Time,
}

/// Where it was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchMachine {
    pub processor: String,
    pub n_cores: u32,
    pub n_threads: u32,
    /// The instruction set in use, by the name it has in `GLASSWORKS_ISA`.
    pub isa: String,
    /// As [`crate::machine::MachineReport::device`].
    pub device: String,
}

/// What was measured, as it can still be told when the model is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchModel {
    pub name: String,
    /// SHA-256 over the weights, in hexadecimal.
    pub content_hash: String,
    pub weight_type: String,
    pub n_params: u64,
    pub size_bytes: u64,
}

/// A benchmark as it is kept; while it runs, as far as it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRecord {
    pub id: BenchId,
    /// When it began; milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// Of the program.
    pub version: String,
    pub machine: BenchMachine,
    pub model: BenchModel,
    pub precision: Precision,
    /// `None` where something else than the processor computes.
    pub ceilings: Option<Ceilings>,
    /// From disk to ready; `None` if the model was in memory already.
    pub load_secs: Option<f64>,
    /// The very first pass: a short prompt, to the logits of its last position.
    pub first_token_secs: Option<f64>,
    /// The most that the process has held, where the system says it.
    pub peak_bytes: Option<u64>,
    /// The most that was reserved, everything in memory together.
    pub reserved_bytes: u64,
    pub results: Vec<BenchResult>,
    pub left_out: Vec<(BenchCase, LeftOut)>,
}

impl BenchRecord {
    #[must_use]
    pub fn result(&self, case: BenchCase) -> Option<&BenchResult> {
        self.results.iter().find(|result| result.case == case)
    }

    /// Whether what differs between the two can only be due to the program, or to the machine's mood.
    #[must_use]
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.machine == other.machine
            && self.model.content_hash == other.model.content_hash
            && self.precision == other.precision
    }

    /// How much faster than in `before`: 0.1 is 10 %. `None` unless both have measured it.
    #[must_use]
    pub fn change(&self, before: &Self, case: BenchCase) -> Option<f64> {
        let (now, then) =
            (self.result(case)?.tokens_per_sec.median, before.result(case)?.tokens_per_sec.median);
        (then > 0.0).then(|| now / then - 1.0)
    }

    /// The newest of `kept` that is older than this one and can be compared with it.
    #[must_use]
    pub fn last_time<'a>(&self, kept: &'a [Arc<Self>]) -> Option<&'a Arc<Self>> {
        let older = kept.iter().filter(|one| one.id != self.id && one.at_ms <= self.at_ms);
        older.filter(|one| self.is_comparable(one)).max_by_key(|one| one.at_ms)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(at_ms: i64, speed: f64) -> Arc<BenchRecord> {
        let case = BenchCase { kind: BenchKind::Decode, batch: 4, context: 128 };
        let tokens_per_sec = Measured { median: speed, least: speed * 0.9, most: speed * 1.1, n_runs: 3 };
        Arc::new(BenchRecord {
            id: BenchId::mint(),
            at_ms,
            version: "1".to_owned(),
            machine: BenchMachine::default(),
            model: BenchModel::default(),
            precision: Precision::Exact,
            ceilings: None,
            load_secs: None,
            first_token_secs: None,
            peak_bytes: None,
            reserved_bytes: 0,
            results: vec![BenchResult { case, n_tokens: 32, tokens_per_sec, share: None, peak_bytes: None }],
            left_out: Vec::new(),
        })
    }

    #[test]
    fn a_record_is_compared_with_the_last_like_it() {
        let (first, second) = (record(1, 100.0), record(2, 80.0));
        let mut elsewhere = record(3, 400.0);
        Arc::make_mut(&mut elsewhere).machine.n_threads = 64;
        let now = record(4, 100.0);
        let later = record(5, 1.0);
        let kept = [&now, &later, &elsewhere, &first, &second].map(Arc::clone);
        let before = now.last_time(&kept).expect("one of them");
        assert_eq!(before.id, second.id);
        let case = now.results[0].case;
        assert!((now.change(before, case).expect("both have it") - 0.25).abs() < 1e-12);
        assert_eq!(now.change(before, BenchCase { batch: 1, ..case }), None);
        assert_eq!(first.last_time(&kept), None);
        assert!((now.results[0].tokens_per_sec.spread() - 0.1).abs() < 1e-12);
        assert!((now.results[0].per_sequence() - 25.0).abs() < 1e-12);
    }
}
