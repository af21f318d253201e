//! A benchmark: the machine first, then the model, told as it comes and kept where the home can be written.

use super::models::{files_of, from_shelf_timed, writes};
use super::train::my_turn;
use crate::bench::{self, Bench, Listener};
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::bench::{BenchMachine, BenchModel, BenchRecord, BenchSpec};
use glassworks_protocol::ids::BenchId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, Partial};
use std::sync::Arc;

pub fn run(cx: &JobCx, spec: BenchSpec) -> Result<JobOutput> {
    files_of(cx, &spec.model)?.check_own()?;
    // Beside a run that trains, neither would be measured rightly.
    let _turn = my_turn(cx)?;
    let shared = &cx.shared;
    let machine = &shared.machine;
    let mut record = BenchRecord {
        id: BenchId::mint(),
        at_ms: cx.now_ms(),
        version: shared.version.to_owned(),
        machine: BenchMachine {
            processor: machine.processor.clone(),
            n_cores: machine.n_physical_cores,
            n_threads: machine.n_threads,
            isa: bench::isa().to_owned(),
            device: machine.device.clone(),
        },
        model: BenchModel::default(),
        precision: spec.precision,
        ceilings: None,
        load_secs: None,
        first_token_secs: None,
        peak_bytes: None,
        reserved_bytes: 0,
        results: Vec::new(),
        left_out: Vec::new(),
    };
    // Before the model is there: what this takes of memory is none of its.
    if machine.computes_on_processor() {
        record.ceilings = Some(bench::ceilings(spec.plan, &shared.ledger, cx)?);
    }
    let (model, load_secs) = from_shelf_timed(cx, &spec.model)?;
    writes(&model)?;
    record.load_secs = load_secs.map(bench::tidy);
    record.model = BenchModel {
        name: model.name.clone(),
        content_hash: model.card.content_hash.clone(),
        weight_type: model.card.weight_type.clone(),
        n_params: model.card.n_params,
        size_bytes: model.card.size_bytes,
    };
    let record = Bench::new(&model, &shared.ledger, spec.plan, record, cx)?.run()?;
    if shared.home.is_writer() {
        cx.stored([cx.wait(shared.store.add_bench(&record))?]);
    }
    Ok(JobOutput::Benched(Arc::new(record)))
}

impl Listener for JobCx {
    fn checkpoint(&self) -> Result<()> {
        Self::checkpoint(self)
    }

    fn stage(&self, stage: &Text, done: usize, total: usize) {
        self.part(stage, done as u64, total as u64);
    }

    fn so_far(&self, record: &BenchRecord) {
        self.partial(Partial::Bench(Arc::new(record.clone())));
    }
}
