//! One forward pass, seen from inside, into a safetensors file.

use super::models::{own_from_shelf, writes};
use crate::generate::prompt;
use crate::inspect;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::JobOutput;
use glassworks_protocol::Unit;
use glassworks_protocol::generate::{Overflow, Prompt};
use glassworks_protocol::inspect::{InspectReport, InspectSpec};
use glassworks_protocol::text::Text;
use std::sync::Arc;

pub fn run(cx: &JobCx, spec: &InspectSpec) -> Result<JobOutput> {
    let model = own_from_shelf(cx, &spec.model)?;
    writes(&model)?;
    let shape = *model.model.shape();
    let tokens =
        prompt::tokens(&model, &Prompt::Text(spec.prompt.clone()), Overflow::Refuse, 0, cx.now_ms())?;
    let held = inspect::bytes_needed(&shape, tokens.ids.len());
    let _reservation = cx.shared.ledger.reserve(held, &model.name)?;
    let stage = Text::new("job.looking_inside").arg("name", &model.name);
    cx.progress(&stage, 0, Some(shape.n_layers as u64), Unit::Layers);
    let captured = inspect::run(model.own()?, &tokens.ids, &|| cx.checkpoint())?;
    cx.checkpoint()?;
    let size_bytes = inspect::write_safetensors(&captured, &spec.out)?;
    Ok(JobOutput::Inspected(Arc::new(InspectReport {
        out: spec.out.clone(),
        tokens: tokens.ids.iter().map(|id| (*id, model.codec.token_text(*id))).collect(),
        n_layers: shape.n_layers as u32,
        n_heads: shape.n_heads as u32,
        size_bytes,
    })))
}
