//! A run that the battery paused: nothing of it is in memory, and it goes on by itself once the machine is plugged in.

use super::train::GLANCE;
use crate::job_cx::JobCx;
use crate::power;
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{PausedBy, RunRecord, RunStatus};
use glassworks_protocol::{Event, Notice, Signal, Stored, Unit};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at where the power comes from.
const LOOK: Duration = Duration::from_secs(2);

pub fn has_paused(run: &RunRecord) -> bool {
    run.status == RunStatus::Paused && run.progress.paused_by == Some(PausedBy::Battery)
}

/// Waits until the run can go on, or says how it stays. Stopped while it waits, it is as the battery paused it.
///
/// # Errors
/// When it is stopped.
pub fn wait(cx: &JobCx, run: &RunRecord) -> Result<Option<Arc<RunRecord>>> {
    tracing::info!("{} is paused: the machine runs on battery", run.name);
    let mut looked: Option<Instant> = None;
    loop {
        cx.checkpoint()?;
        match cx.signal() {
            Some(Signal::Pause) => return stays(cx, run).map(Some),
            Some(Signal::GoOn) => {
                cx.heard(Signal::GoOn);
                return Ok(None);
            }
            // Carried out where it goes on.
            Some(Signal::StopKeepBest) => return Ok(None),
            None => {}
        }
        if looked.is_none_or(|at| at.elapsed() >= LOOK) {
            looked = Some(Instant::now());
            if !power::on_battery(&cx.shared.power.supplies) {
                tracing::info!("{} goes on: the machine is plugged in again", run.name);
                let told = Text::new("train.plugged_in").arg("name", &run.name);
                cx.shared.outbox.send(Event::Notice(Notice::Info(told)));
                return Ok(None);
            }
            let (step, n_steps) = (run.progress.step, run.progress.n_steps);
            cx.progress(&Text::new("train.stage.unplugged"), step, Some(n_steps), Unit::Steps);
        }
        std::thread::sleep(GLANCE);
    }
}

/// Somebody wants it to stay paused, mains or not.
fn stays(cx: &JobCx, run: &RunRecord) -> Result<Arc<RunRecord>> {
    let mut record = run.clone();
    record.progress.paused_by = None;
    let stored = cx.wait(cx.shared.store.update_run(run.id, RunStatus::Paused, &record.progress))?;
    let kept = match &stored {
        Stored::Run(kept) => Arc::clone(kept),
        _ => Arc::new(record),
    };
    cx.stored([stored]);
    Ok(kept)
}
