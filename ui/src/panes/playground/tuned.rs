//! Models that runs have made: which is chosen, how it is told, its weights and its strength.

use super::Playground;
use crate::action::Toast;
use crate::model::{Gone, Listed, Part};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Select, Tone, slider_row};
use egui::Ui;
use glassworks_protocol::Query;
use glassworks_protocol::chat::MessageRecord;
use glassworks_protocol::ids::{ModelId, RunId};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{CheckpointKind, MethodSpec, RunPart, RunRecord, TunedRef, TunedSource};
use std::path::PathBuf;
use std::sync::Arc;

impl Playground {
    /// Asks what runs there are, and lets go of a choice of which nothing is left.
    pub(super) fn begin_tuned(&mut self, cx: &mut PaneCx) {
        if *cx.model.runs.listed() == Listed::NotAsked {
            cx.fetch(Query::Runs);
        }
        if !cx.model.runs.asked_checkpoints() {
            cx.fetch(Query::Checkpoints);
        }
        if !cx.model.knows_runs() {
            return;
        }
        if let Some(wanted) = self.tuned_wanted.take() {
            self.open_tuned(wanted, cx);
        }
        let Some(chosen) = self.tuned else { return };
        match cx.model.tuned(&chosen) {
            Some((_, part)) => self.tuned = Some(TunedSource { part: part.part, ..chosen }),
            None => {
                self.tuned = None;
                let name = cx.model.run_name(chosen.run).unwrap_or_default().to_owned();
                let base = self.model.and_then(|id| cx.model.library.get(id)).map(|model| model.name.clone());
                let text = Text::new("playground.tuned_gone").arg("name", name);
                let text = text.arg("base", base.unwrap_or_default());
                cx.toast(Toast::new(text).icon(icons::WARNING));
            }
        }
    }

    /// The run that is chosen, and which of its weights.
    pub(super) fn tuned_now<'a>(&self, cx: &'a PaneCx) -> Option<(&'a Arc<RunRecord>, Part, TunedSource)> {
        let chosen = self.tuned?;
        let (run, part) = cx.model.tuned(&chosen)?;
        Some((run, part, TunedSource { part: part.part, ..chosen }))
    }

    /// Talks to what a run made of `base` from now on.
    pub(super) fn choose_tuned(&mut self, base: ModelId, run: RunId, part: RunPart, cx: &mut PaneCx) {
        let strength = self.tuned.filter(|old| old.run == run).map_or(1.0, |old| old.strength);
        let is_adapter = cx.model.runs.get(run).is_some_and(|run| is_adapter(run));
        if is_adapter {
            self.choose_model(base, cx);
        } else {
            // Its own weights are loaded with the first reply; the base's need not be.
            self.model = Some(base);
            self.composer.want_focus = true;
        }
        self.tuned = Some(TunedSource { run, part, strength });
    }

    /// Talks to a run's model, the weights one would choose first, if there are any.
    fn open_tuned(&mut self, id: RunId, cx: &mut PaneCx) {
        let Some(run) = cx.model.runs.get(id).cloned() else { return };
        let model = cx.model;
        let whole = run.progress.result.as_ref().filter(|_| !is_adapter(&run));
        if let Some(made) = whole.and_then(|path| model.library.models().iter().find(|m| m.path == *path)) {
            return self.choose_model(made.id, cx);
        }
        if let (Some(base), Some(part)) = (model.base_of(&run), model.parts(&run).first()) {
            self.choose_tuned(base.id, id, part.part, cx);
        }
    }

    /// Which weights and how strong, above the sampling numbers.
    pub(super) fn tuned_section(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let Some((run, part, mut chosen)) = self.tuned_now(cx) else { return };
        ui.spacing_mut().item_spacing.y = 8.0;
        widgets::semibold(ui, cx.t("playground.tuned"));
        let parts = cx.model.parts(run);
        let options: Vec<(RunPart, String)> = parts.iter().map(|p| (p.part, cx.part_words(p))).collect();
        let name = cx.t("playground.tuned_part");
        let was = chosen.part;
        Select::new(&name).width(ui.available_width()).show(ui, &mut chosen.part, &options);
        if is_adapter(run) {
            let name = cx.t("playground.strength");
            slider_row(ui, &name, &mut chosen.strength, 0.0..=1.0, 2, &cx.t("playground.strength_hint"));
        } else {
            widgets::hint(ui, cx.t("playground.whole_weights"));
        }
        if chosen.part == RunPart::Live {
            let step = units::grouped(part.step.unwrap_or_default());
            widgets::hint(
                ui,
                match is_adapter(run) {
                    true => cx.t("playground.live_adapter"),
                    false => cx.tf("playground.live_weights", &[("step", &step)]),
                },
            );
        }
        if let Some(words) = other_base(cx, run) {
            ui.label(Type::Hint.text(words, cx.theme.tokens.warn));
        }
        ui.add_space(4.0);
        widgets::divider(ui);
        ui.add_space(4.0);
        if chosen.part != was || self.tuned != Some(chosen) {
            self.tuned = Some(chosen);
        }
    }
}

#[must_use]
pub(super) fn is_adapter(run: &RunRecord) -> bool {
    matches!(run.spec.method, MethodSpec::Lora(_))
}

/// Where an adapter lies on disk; of one that is trained now, its last checkpoint.
#[must_use]
pub(super) fn folder(run: &RunRecord, part: &Part) -> PathBuf {
    let at = |kind: CheckpointKind| run.folder.join(kind.folder());
    match part.part {
        RunPart::Result => run.progress.result.clone().unwrap_or_else(|| at(CheckpointKind::Best)),
        RunPart::Checkpoint(kind) => at(kind),
        RunPart::Live => at(CheckpointKind::Last),
    }
}

/// What to say when the base has other weights than the run began with.
fn other_base(cx: &PaneCx, run: &RunRecord) -> Option<String> {
    let base = cx.model.base_of(run)?;
    let (now, then) = (&base.card.content_hash, &run.progress.base_hash);
    let differs = !now.is_empty() && !then.is_empty() && now != then;
    differs.then(|| cx.tf("playground.other_base", &[("name", &run.name)]))
}

/// Who wrote a reply, short and in full.
#[must_use]
pub(super) fn speaker(
    cx: &PaneCx,
    message: &MessageRecord,
    base: &str,
    tuned: &TunedRef,
) -> (String, String) {
    let step =
        message.reply.as_ref().and_then(|reply| reply.stats.as_ref()).and_then(|stats| stats.tuned_step);
    let name = cx.model.run_name(tuned.run).unwrap_or(&tuned.name).to_owned();
    let part = cx.part_at(tuned.part, step);
    let mut full = cx.tf("playground.spoke_tuned", &[("base", &base), ("name", &name), ("part", &part)]);
    if let Some(strength) = tuned.strength {
        full.push_str(" · ");
        full.push_str(&strength_words(cx, strength));
    }
    let gone = cx.model.is_gone(tuned, step).map(|gone| match gone {
        Gone::Run => "playground.run_gone",
        Gone::Weights => "playground.weights_gone",
    });
    if let Some(key) = gone {
        full.push('\n');
        full.push_str(&cx.t(key));
    }
    (name, full)
}

/// `strength 0.70`
#[must_use]
pub(super) fn strength_words(cx: &PaneCx, strength: f32) -> String {
    cx.tf("playground.stat_strength", &[("n", &format!("{strength:.2}"))])
}

/// A model that a run made and that is gone: said under the reply, where nobody has to hover.
pub(super) fn gone_badge(ui: &mut Ui, cx: &PaneCx, message: &MessageRecord) {
    let Some(reply) = &message.reply else { return };
    let Some(tuned) = &reply.model.tuned else { return };
    let step = reply.stats.as_ref().and_then(|stats| stats.tuned_step);
    let key = match cx.model.is_gone(tuned, step) {
        Some(Gone::Run) => "playground.run_gone",
        Some(Gone::Weights) => "playground.weights_gone",
        None => return,
    };
    widgets::badge(ui, Tone::Plain, icons::INFO, cx.t(key));
    ui.add_space(6.0);
}
