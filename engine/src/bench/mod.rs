//! How fast a model reads and writes here: cases run through [`Runner`], by the clock, and what share each is of the
//! machine's [`ceilings`]. Start reading at [`Bench::run`]. Who asks, and where it is kept, is told to it.

mod ceilings;
mod cost;
mod plan;
mod timing;

pub use timing::tidy;

use crate::generate::decode::PREFILL_CHUNK;
use crate::infer::{Request, Runner, Sequence, Wanted};
use crate::memory::{self, Ledger, Reservation};
use crate::shelf::LoadedModel;
use anyhow::Result;
use cost::Cost;
use glassworks_kernels::dispatch;
use glassworks_protocol::Failure;
use glassworks_protocol::bench::{
    BenchCase, BenchKind, BenchPlan, BenchRecord, BenchResult, Ceilings, LeftOut, Measured,
};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Text;
use plan::{Plan, Stop};
use std::time::Instant;

/// Tokens of the prompt to the first token of all.
const FIRST_PROMPT: usize = 32;

/// Who listens.
pub trait Listener {
    /// At least every 250 ms.
    ///
    /// # Errors
    /// [`crate::failure::Cancelled`] once a person has stopped it.
    fn checkpoint(&self) -> Result<()>;
    /// What is being measured now: the how-manieth of how many.
    fn stage(&self, stage: &Text, done: usize, total: usize);
    /// The record as far as it has come.
    fn so_far(&self, record: &BenchRecord);
}

/// The instruction set that is measured, by its name in `GLASSWORKS_ISA`.
#[must_use]
pub fn isa() -> &'static str {
    dispatch::active().name()
}

/// Measures what the processor does at best.
///
/// # Errors
/// `Failure { Memory }` when there is no room for it, and what `listener` returns.
pub fn ceilings(asked: BenchPlan, ledger: &Ledger, listener: &dyn Listener) -> Result<Ceilings> {
    let stage = Text::new("job.bench_machine");
    ceilings::measure(ledger, plan::effort(asked), &|done, total| {
        listener.stage(&stage, done, total);
        listener.checkpoint()
    })
}

/// A model being measured.
pub struct Bench<'a> {
    model: &'a LoadedModel,
    ledger: &'a Ledger,
    listener: &'a dyn Listener,
    asked: BenchPlan,
    runner: Runner<'a>,
    cost: Cost,
    /// What is known so far.
    record: BenchRecord,
    /// Tokens that are read and written; which ones makes no difference to the clock.
    tokens: Vec<u32>,
    n_cases: usize,
    /// Tokens per second that were read last: what the next context will take.
    read_rate: Option<f64>,
    /// Whether the system counts the process's peak from when it was told to.
    knows_peak: bool,
}

impl<'a> Bench<'a> {
    /// `record` says everything but what the model does.
    ///
    /// # Errors
    /// When the model can't be run, or not in this precision for want of memory.
    pub fn new(
        model: &'a LoadedModel,
        ledger: &'a Ledger,
        asked: BenchPlan,
        record: BenchRecord,
        listener: &'a dyn Listener,
    ) -> Result<Self> {
        let shape = model.model.shape();
        let vocabulary = shape.vocab_size.max(1) as u32;
        Ok(Self {
            runner: Runner::new(model.own()?)?,
            cost: Cost::of(model.own()?),
            tokens: (0..shape.context_length as u32).map(|i| i.wrapping_mul(7919) % vocabulary).collect(),
            model,
            ledger,
            listener,
            asked,
            record,
            n_cases: 0,
            read_rate: None,
            knows_peak: memory::forget_peak(),
        })
    }

    /// Goes through the cases; the record with what was measured.
    ///
    /// # Errors
    /// `Failure { Input }` when what was asked for is longer than the model's context, and what model and listener
    /// return.
    pub fn run(mut self) -> Result<BenchRecord> {
        let plan = Plan::new(self.asked, self.runner.shape().context_length)?;
        self.n_cases = plan.stops.iter().flat_map(Stop::cases).count();
        self.first_token()?;
        for stop in &plan.stops {
            self.stop(stop, plan.n_new)?;
        }
        Ok(self.record)
    }

    /// One context: reading up to it, writing on from it.
    fn stop(&mut self, stop: &Stop, n_new: usize) -> Result<()> {
        let context = stop.context;
        let expected_secs = self.read_rate.map_or(0.0, |rate| context as f64 / rate);
        if expected_secs > plan::patience(self.asked).as_secs_f64() {
            self.leave_out(stop.cases(), LeftOut::Time);
            return Ok(());
        }
        let Ok(_room) = self.reserve(1, context + n_new) else {
            self.leave_out(stop.cases(), LeftOut::Memory);
            return Ok(());
        };
        let mut sequence = self.runner.sequence(CacheWidth::Full);
        for case in stop.cases() {
            self.tell(case);
            match case.kind {
                BenchKind::Prefill => {
                    let speed = self.prefill(&mut sequence, context)?;
                    self.read_rate = Some(speed.median);
                    self.add(case, context, speed, self.cost.prefill_flops(context) / context as f64);
                }
                BenchKind::Decode => {
                    let batch = case.batch as usize;
                    let Ok(_more_room) = self.reserve(batch - 1, context + n_new) else {
                        self.leave_out([case], LeftOut::Memory);
                        continue;
                    };
                    let speed = self.decode(&mut sequence, batch, n_new)?;
                    // Of the step in the middle.
                    let bytes = self.cost.decode_bytes(batch, context + n_new / 2) / batch as f64;
                    self.add(case, n_new, speed, bytes);
                }
            }
        }
        Ok(())
    }

    fn first_token(&mut self) -> Result<()> {
        let n = FIRST_PROMPT.min(self.runner.shape().context_length / 2).max(1);
        let _room = self.reserve(1, n)?;
        let started = Instant::now();
        let mut sequence = self.runner.sequence(CacheWidth::Full);
        self.read(&mut sequence, n)?;
        self.record.first_token_secs = Some(tidy(started.elapsed().as_secs_f64()));
        Ok(())
    }

    fn prefill(&mut self, sequence: &mut Sequence, n: usize) -> Result<Measured> {
        timing::repeat(plan::runs(self.asked), || {
            sequence.truncate(0);
            let started = Instant::now();
            self.read(sequence, n)?;
            Ok((n as f64, started.elapsed()))
        })
    }

    /// The first `n` tokens, in turns as a reply reads its prompt.
    fn read(&mut self, sequence: &mut Sequence, n: usize) -> Result<()> {
        let mut at = 0;
        while at < n {
            let end = (at + PREFILL_CHUNK).min(n);
            let logits = if end == n { Wanted::Last } else { Wanted::Nothing };
            let tokens = &self.tokens[at..end];
            let request = Request { sequence, tokens, adapters: None, logits, watch: None };
            self.runner.step(&mut [request], self.record.precision, &|| self.listener.checkpoint())?;
            at = end;
        }
        Ok(())
    }

    /// `n_new` tokens after `first`, and after `batch - 1` copies of it at the same time. In the end `first` is as it
    /// was.
    fn decode(&mut self, first: &mut Sequence, batch: usize, n_new: usize) -> Result<Measured> {
        let context = first.len();
        let mut copies = (1..batch).map(|_| first.prefix(context)).collect::<Result<Vec<_>>>()?;
        let mut all: Vec<&mut Sequence> = std::iter::once(first).chain(&mut copies).collect();
        timing::repeat(plan::runs(self.asked), || {
            let started = Instant::now();
            for at in context..context + n_new {
                let tokens = &self.tokens[at..=at];
                let request = |sequence| Request {
                    sequence,
                    tokens,
                    adapters: None,
                    logits: Wanted::Last,
                    watch: None,
                };
                let mut requests: Vec<_> = all.iter_mut().map(|one| request(&mut **one)).collect();
                self.runner.step(&mut requests, self.record.precision, &|| self.listener.checkpoint())?;
            }
            let took = started.elapsed();
            all.iter_mut().for_each(|sequence| sequence.truncate(context));
            Ok(((batch * n_new) as f64, took))
        })
    }

    /// Room for the caches of so many sequences.
    fn reserve(&self, n_sequences: usize, n_positions: usize) -> Result<Reservation, Failure> {
        let each = Sequence::bytes_for(self.runner.shape(), n_positions, CacheWidth::Full);
        self.model.reserve(self.ledger, each * n_sequences as u64)
    }

    fn tell(&self, case: BenchCase) {
        let stage = match (case.kind, case.batch) {
            (BenchKind::Prefill, _) => Text::new("job.bench_reading").arg("n", case.context),
            (BenchKind::Decode, 1) => Text::new("job.bench_writing").arg("n", case.context),
            (BenchKind::Decode, batch) => Text::new("job.bench_batch").arg("n", batch),
        };
        let n_done = self.record.results.len() + self.record.left_out.len();
        self.listener.stage(&stage, n_done, self.n_cases);
    }

    /// `cost` is what a token takes of its ceiling: operations or bytes.
    fn add(&mut self, case: BenchCase, n_tokens: usize, tokens_per_sec: Measured, cost: f64) {
        let share = self.ceiling(case.kind).map(|ceiling| tidy(cost * tokens_per_sec.median / ceiling));
        let record = &mut self.record;
        record.reserved_bytes = record.reserved_bytes.max(self.ledger.reserved());
        record.peak_bytes = if self.knows_peak { memory::peak() } else { None };
        let peak_bytes = record.peak_bytes;
        let n_tokens = n_tokens as u32;
        record.results.push(BenchResult { case, n_tokens, tokens_per_sec, share, peak_bytes });
        self.listener.so_far(record);
    }

    fn leave_out(&mut self, cases: impl IntoIterator<Item = BenchCase>, why: LeftOut) {
        self.record.left_out.extend(cases.into_iter().map(|case| (case, why)));
        self.listener.so_far(&self.record);
    }

    fn ceiling(&self, kind: BenchKind) -> Option<f64> {
        let ceilings = self.record.ceilings.as_ref()?;
        let measured = match (kind, self.record.precision) {
            (BenchKind::Decode, _) => ceilings.read,
            (BenchKind::Prefill, Precision::Exact) => ceilings.f32_flops,
            (BenchKind::Prefill, Precision::Fast) => ceilings.bf16_flops.unwrap_or(ceilings.f32_flops),
        };
        (measured.median > 0.0).then_some(measured.median)
    }
}
