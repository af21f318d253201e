//! How models, and what runs made of them, are told wherever one is chosen: a bead, a name, words and a tip.

use super::PaneCx;
use crate::model::{ModelState, Offer, Part, Pick, PickFor};
use crate::units;
use crate::widgets::{self, PickRow, PickWords};
use egui::{Color32, Response, Ui};
use glassworks_protocol::model::{ModelCard, ModelRecord};
use glassworks_protocol::train::{CheckpointKind, RunPart, RunRecord};

impl PaneCx<'_> {
    /// What is chosen in a list below `button`; `foot` says whether what stands under the list closes it.
    pub fn choose(
        &self,
        button: &Response,
        wanted: PickFor,
        now: Option<Pick>,
        foot: impl FnOnce(&mut Ui) -> bool,
    ) -> Option<Pick> {
        let (find, none) = (self.t("playground.find_model"), self.t("playground.no_model_found"));
        let words = PickWords { find: &find, none: &none };
        let offers = || self.model.offers(wanted);
        let row = |offer: &Offer| self.offer_row(offer, Some(offer.pick()) == now);
        let rows = || -> Vec<PickRow> { offers().iter().map(row).collect() };
        let at = widgets::pick_below(button, words, &rows, foot)?;
        offers().get(at).map(Offer::pick)
    }

    /// A line of what is offered.
    #[must_use]
    pub fn offer_row(&self, offer: &Offer, selected: bool) -> PickRow {
        let (name, detail) = (offer.name().to_owned(), self.offer_words(offer));
        let (label, tip, bead) = match offer {
            Offer::Model { model, .. } => {
                let bead = self.bead_color(self.model.library.state(model.id));
                (name.clone(), self.model_tip(model), bead)
            }
            Offer::Part { run, part, .. } => {
                let label = self.tf("playground.part_row", &[("name", &name), ("part", &detail)]);
                let live = self.model.run_state(run).is_live();
                (label, self.part_tip(run, part), live.then_some(self.theme.tokens.warm))
            }
        };
        let mono = matches!(offer, Offer::Model { .. }) && !offer.sorts();
        PickRow { name, label, detail, mono, tip, bead, under: offer.is_under(), selected }
    }

    /// `Q4_1  98 MB`, or which weights of a run; of what sorts, by how many labels.
    #[must_use]
    pub fn offer_words(&self, offer: &Offer) -> String {
        let sorts = offer.sorts().then(|| self.tf("predict.sorts", &[("n", &offer.labels().len())]));
        match (offer, sorts) {
            (Offer::Model { .. }, Some(sorts)) => sorts,
            (Offer::Model { model, .. }, None) => {
                let card = &model.card;
                let kind = if card.run_only { self.t("model.runs_only") } else { card.weight_type.clone() };
                format!("{kind}  {}", units::size(card.size_bytes))
            }
            (Offer::Part { part, .. }, Some(sorts)) => {
                format!("{sorts}{}{}", self.t("finetune.comma"), self.part_words(part))
            }
            (Offer::Part { part, .. }, None) => self.part_words(part),
        }
    }

    /// `best, step 120`
    #[must_use]
    pub fn part_words(&self, part: &Part) -> String {
        self.part_at(part.part, part.step)
    }

    #[must_use]
    pub fn part_at(&self, part: RunPart, step: Option<u64>) -> String {
        let words = self.t(match part {
            RunPart::Result => "playground.part_result",
            RunPart::Checkpoint(CheckpointKind::Best) => "playground.part_best",
            RunPart::Checkpoint(CheckpointKind::Last) => "playground.part_last",
            RunPart::Checkpoint(CheckpointKind::Step(_)) => "playground.part_kept",
            RunPart::Live => "playground.part_live",
        });
        match step {
            Some(step) => {
                self.tf("playground.part_step", &[("part", &words), ("step", &units::grouped(step))])
            }
            None => words,
        }
    }

    /// What the pointer reads over a run's weights.
    #[must_use]
    pub fn part_tip(&self, run: &RunRecord, part: &Part) -> String {
        let base = &run.progress.model_name;
        let words = self.part_words(part);
        let mut tip =
            self.tf("playground.part_tip", &[("name", &run.name), ("base", base), ("part", &words)]);
        if let Some(loss) = part.loss {
            tip.push('\n');
            tip.push_str(&self.tf("playground.part_loss", &[("loss", &format!("{loss:.4}"))]));
        }
        tip
    }

    /// What the pointer reads over a model.
    #[must_use]
    pub fn model_tip(&self, model: &ModelRecord) -> String {
        let state = self.model.library.state(model.id);
        let mut lines =
            vec![format!("{} · {}", model.name, self.state_word(state)), self.card_words(&model.card)];
        lines.extend(model.card.description.clone());
        lines.extend(self.runs_only(&model.card));
        if let ModelState::Loading(job) = state
            && let Some(progress) = self.model.jobs.get(*job).and_then(|job| job.progress.as_ref())
        {
            lines.push(units::progress(self.language, progress));
        }
        lines.join("\n")
    }

    /// `llama, 135 M weights, 98 MB, 2,048 tokens of context`
    #[must_use]
    pub fn card_words(&self, card: &ModelCard) -> String {
        self.tf(
            "model.card_line",
            &[
                ("architecture", &card.architecture),
                ("params", &units::count(card.n_params)),
                ("size", &units::size(card.size_bytes)),
                ("context", &units::grouped(card.context_length.into())),
            ],
        )
    }

    #[must_use]
    pub fn state_word(&self, state: &ModelState) -> String {
        self.t(match state {
            ModelState::Idle => "model.idle",
            ModelState::Loading(_) => "model.loading",
            ModelState::Ready => "model.ready",
            ModelState::Failed(_) => "model.failed",
        })
    }

    /// Of the bead beside a model's name; `None`: a ring.
    #[must_use]
    pub fn bead_color(&self, state: &ModelState) -> Option<Color32> {
        let t = self.theme.tokens;
        match state {
            ModelState::Idle => None,
            ModelState::Loading(_) => Some(t.warm),
            ModelState::Ready => Some(t.ok),
            ModelState::Failed(_) => Some(t.danger),
        }
    }
}
