//! Looking inside a model, for the window: a file a question.

mod ablate;
mod capture;
mod gradients;
mod lens;
mod scores;
mod subject;

use crate::inspect::draw;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::inside::{InsideJob, InsideOutput, RolloutSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;

pub fn run(cx: &JobCx, job: InsideJob) -> Result<InsideOutput> {
    match job {
        InsideJob::Capture(spec) => capture::run(cx, &spec).map(InsideOutput::Captured),
        InsideJob::Head(spec) => {
            draw::draw(&spec, &|| cx.checkpoint()).map(|image| InsideOutput::Head(Arc::new(image)))
        }
        InsideJob::Scores(spec) => scores::run(cx, &spec).map(InsideOutput::Scored),
        InsideJob::Rollout(spec) => rollout(cx, &spec).map(InsideOutput::Rollout),
        InsideJob::Ablate(spec) => ablate::ablate(cx, &spec).map(InsideOutput::Ablated),
        InsideJob::Continue(spec) => ablate::go_on(cx, &spec).map(InsideOutput::Continued),
        InsideJob::Sweep(spec) => ablate::sweep(cx, &spec).map(InsideOutput::Swept),
        InsideJob::Lens(spec) => lens::lens(cx, &spec).map(InsideOutput::Lens),
        InsideJob::Attribute(spec) => lens::attribution(cx, &spec).map(InsideOutput::Attributed),
        InsideJob::Gradients(spec) => gradients::run(cx, &spec).map(InsideOutput::Gradients),
        InsideJob::Values(spec) => lens::values(cx, &spec).map(InsideOutput::Values),
    }
}

/// What `work` computes, left off within a moment once a person has stopped the job.
fn until_stopped<R>(cx: &JobCx, work: impl FnOnce() -> Result<R>) -> Result<R> {
    crate::train::watch::whole(Some(&cx.stop()), work)
}

fn rollout(cx: &JobCx, spec: &RolloutSpec) -> Result<Arc<Vec<f32>>> {
    let (base, query) = (&spec.base, spec.query as usize);
    if query >= base.n_tokens() || base.layers.len() != base.sizes.n_layers as usize {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.inside_part")).into());
    }
    let mut stopped = Ok(());
    let flow = glassworks_protocol::inside::rollout(base.layers.len(), query, |layer, i, out| {
        // Nothing flows any more once somebody has stopped it.
        match cx.checkpoint() {
            Ok(()) => base.layers[layer].mean_row(i, out),
            Err(stop) => {
                out.clear();
                stopped = Err(stop);
            }
        }
    });
    stopped.map(|()| Arc::new(flow))
}
