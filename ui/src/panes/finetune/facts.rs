//! What follows from the draft and the findings in one frame: estimates, problems, and why it cannot start.

use super::Finetune;
use super::draft::field;
use super::findings::Answer;
use crate::model::{Job, JobKind, JobState, ModelState};
use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::model::{ModelCard, ModelRecord};
use glassworks_protocol::train::{Estimate, FieldProblem, StepReport};
use std::borrow::Cow;
use std::sync::Arc;

/// From this part of what is free on, it is tight.
const TIGHT: f64 = 0.85;

pub struct Facts {
    pub model: Option<Arc<ModelRecord>>,
    /// Of what is trained: the chosen model's, or that of the one that will be made.
    pub card: Option<ModelCard>,
    pub data: Answer<DataReport>,
    pub timing: Answer<StepReport>,
    pub estimate: Option<Estimate>,
    pub memory: Option<Memory>,
    /// Without what the choices say: that there is no data yet, or that the model only runs.
    pub problems: Vec<FieldProblem>,
    pub advice: Vec<FieldProblem>,
    /// A run that has not ended.
    pub training: Option<Arc<Job>>,
}

/// Bytes that a run takes, and what is there.
pub struct Memory {
    /// Of the model, where it is not in memory already.
    pub weights: u64,
    /// Values, gradients and moments of what is trained.
    pub state: u64,
    pub activations: u64,
    pub free: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    Tight,
    TooLarge,
}

impl Memory {
    pub fn needed(&self) -> u64 {
        self.weights + self.state + self.activations
    }

    pub fn fit(&self) -> Fit {
        let part = self.needed() as f64 / self.free.max(1) as f64;
        if part > 1.0 {
            Fit::TooLarge
        } else if part > TIGHT {
            Fit::Tight
        } else {
            Fit::Fits
        }
    }
}

impl Finetune {
    pub(super) fn facts(&self, cx: &PaneCx) -> Facts {
        let spec = &self.draft.spec;
        let model = self.draft.model().and_then(|id| cx.model.library.get(id)).cloned();
        let data = self.findings.data(cx);
        let chosen = model.as_ref().map(|model| &model.card);
        let card = spec.trained_card(chosen).map(Cow::into_owned);
        let estimate = card.as_ref().zip(data.known()).map(|(card, report)| spec.estimate(card, report));
        let made = spec.scratch().is_some();
        let ready =
            !made && model.as_ref().is_some_and(|m| *cx.model.library.state(m.id) == ModelState::Ready);
        let weights = card.as_ref().map_or(0, |card| if ready { 0 } else { card.size_bytes });
        let memory = estimate.as_ref().map(|estimate| self.memory(cx, weights, estimate));
        let mut problems = spec.problems(chosen);
        // That there is no data, and that a model only runs, the choices say.
        problems.retain(|problem| !["data.files", "model"].contains(&problem.field.as_str()));
        Facts {
            timing: self.findings.timing(cx, spec),
            advice: spec.advice(data.known()),
            training: cx.model.jobs.active().find(|job| job.kind == JobKind::Train).cloned(),
            model,
            card,
            data,
            estimate,
            memory,
            problems,
        }
    }

    fn memory(&self, cx: &PaneCx, weights: u64, estimate: &Estimate) -> Memory {
        let state = self.draft.spec.state_bytes(estimate.n_trained);
        let status = cx.model.memory;
        Memory {
            weights,
            state,
            activations: estimate.memory_bytes.saturating_sub(state),
            free: status.limit_bytes.saturating_sub(status.reserved_bytes),
        }
    }

    /// Why the run cannot start now; `None` when it can.
    pub(super) fn why_off(&self, cx: &PaneCx, facts: &Facts) -> Option<String> {
        if let Some(job) = &facts.training {
            let waits = job.state() == JobState::Waiting;
            return Some(cx.t(if waits { "finetune.off_waiting" } else { "finetune.off_training" }));
        }
        if self.draft.spec.scratch().is_none() {
            let Some(model) = &facts.model else { return Some(cx.t("finetune.off_no_model")) };
            if let Some(why) = cx.runs_only(&model.card) {
                return Some(why);
            }
            if matches!(cx.model.library.state(model.id), ModelState::Failed(_)) {
                return Some(cx.tf("finetune.off_model_failed", &[("name", &model.name)]));
            }
        }
        if self.draft.spec.data.is_empty() {
            return Some(cx.t("finetune.off_no_data"));
        }
        let label = |path: &str| field(path).map_or_else(|| path.to_owned(), |field| cx.t(field.label));
        if let Some(path) = self.form.unreadable() {
            return Some(cx.tf(
                "finetune.off_problem",
                &[("field", &label(path)), ("why", &cx.t("finetune.no_value"))],
            ));
        }
        if let Some(problem) = facts.problems.first() {
            let why = cx.render(&problem.text);
            return Some(cx.tf("finetune.off_problem", &[("field", &label(&problem.field)), ("why", &why)]));
        }
        match &facts.data {
            Answer::Known(_) => {}
            Answer::Failed(_) => return Some(cx.t("finetune.off_bad_data")),
            Answer::Stopped => return Some(cx.t("finetune.off_unread")),
            Answer::None | Answer::Working(_) => return Some(cx.t("finetune.off_reading")),
        }
        let measuring = cx.model.jobs.active().any(|job| job.kind == JobKind::MeasureTraining);
        if measuring {
            return Some(cx.t("finetune.off_measuring"));
        }
        if let Some(memory) = facts.memory.as_ref().filter(|memory| memory.fit() == Fit::TooLarge) {
            let (needed, free) = (units::memory(memory.needed()), units::memory(memory.free));
            return Some(cx.tf("finetune.off_memory", &[("needed", &needed), ("free", &free)]));
        }
        let (disk, estimate) = cx.model.disk.zip(facts.estimate)?;
        (estimate.disk_bytes > disk.free_bytes).then(|| {
            let (needed, free) = (units::size(estimate.disk_bytes), units::size(disk.free_bytes));
            cx.tf("finetune.off_disk", &[("needed", &needed), ("free", &free)])
        })
    }
}
