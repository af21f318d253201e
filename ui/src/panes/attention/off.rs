//! What is switched off: parts that were put together, or the heads that are selected; what stands in their place; and
//! what is asked of the engine about it.

use super::AttentionPane;
use super::asked::Asked;
use super::running::Running;
use super::scales::signed;
use super::sweep::Sweep;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, segments};
use egui::{Align, Layout, Ui};
use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{
    AblateReport, AblateSpec, Ablation, Capture, ContinueReport, ContinueSpec, InsideJob, InsideOutput,
    Instead, Part,
};
use std::sync::Arc;

/// Switched off how, in which text, by which seed.
pub type How = (CaptureId, Vec<Ablation>, u32);

pub struct Off {
    /// Put together by hand; while there are none, the selected heads are switched off.
    pub parts: Vec<Part>,
    pub instead: Instead,
    /// Of random tokens, and of what is written on.
    pub seed: u32,
    pub n_tokens: u32,
    pub ablated: Asked<How>,
    pub written: Asked<(How, u32)>,
    pub sweep: Sweep,
    pub running: Running,
}

impl Default for Off {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            instead: Instead::default(),
            seed: 1,
            n_tokens: 40,
            ablated: Asked::default(),
            written: Asked::default(),
            sweep: Sweep::default(),
            running: Running::default(),
        }
    }
}

impl Off {
    /// One more part, or one less.
    pub fn toggle(&mut self, part: Part) {
        match self.parts.iter().position(|one| *one == part) {
            Some(at) => {
                self.parts.remove(at);
            }
            None => self.parts.push(part),
        }
    }

    /// Forgets what this capture does not have.
    pub fn settle(&mut self, capture: &Capture) {
        let (s, n) = (capture.sizes, capture.n_tokens());
        self.parts.retain(|part| {
            let inside = match *part {
                Part::Head { head, .. } => head < s.n_heads,
                Part::KvHead { kv_head, .. } => kv_head < s.n_kv_heads,
                Part::Edge { head, query, .. } => head < s.n_heads && (query as usize) < n,
                Part::Attention { .. } | Part::Mlp { .. } | Part::Layer { .. } => true,
            };
            inside && part.layer() < s.n_layers
        });
    }
}

/// Each part with what stands in its place; what `instead` does not fit is set to zero.
#[must_use]
pub fn ablations(parts: &[Part], instead: Instead) -> Vec<Ablation> {
    let fitting = |part: Part| if part.takes(instead) { instead } else { Instead::Zero };
    parts.iter().map(|part| Ablation { part: *part, instead: fitting(*part) }).collect()
}

impl AttentionPane {
    /// What would be switched off now.
    pub(super) fn switched(&self) -> Vec<Part> {
        if self.off.parts.is_empty() { self.selected_parts() } else { self.off.parts.clone() }
    }

    pub(super) fn selected_parts(&self) -> Vec<Part> {
        let head = |head: &u32| self.look.layer.map(|layer| Part::Head { layer, head: *head });
        self.look.heads.iter().filter_map(head).collect()
    }

    pub(super) fn part_name(&self, cx: &PaneCx, part: Part) -> String {
        match part {
            Part::Head { layer, head } => format!("{layer}.{head}"),
            Part::KvHead { layer, kv_head } => {
                cx.tf("inside.part_kv", &[("layer", &layer), ("kv", &kv_head)])
            }
            Part::Attention { layer } => cx.tf("inside.part_attention", &[("layer", &layer)]),
            Part::Mlp { layer } => cx.tf("inside.part_mlp", &[("layer", &layer)]),
            Part::Layer { layer } => cx.tf("inside.part_layer", &[("layer", &layer)]),
            Part::Edge { layer, head, query, key } => {
                let name = |at: u32| self.names.alone.get(at as usize).cloned().unwrap_or_default();
                format!("{layer}.{head}  {} ← {}", name(query), name(key))
            }
        }
    }

    fn how(&self, base: &Capture, parts: &[Part]) -> How {
        (base.id, ablations(parts, self.off.instead), self.off.seed)
    }

    pub(super) fn ask_ablated(&mut self, cx: &mut PaneCx, parts: &[Part]) {
        let Some(base) = self.base(cx).filter(|_| !parts.is_empty()) else { return };
        let how = self.how(&base, parts);
        let spec = AblateSpec { base, ablations: how.1.clone(), seed: how.2.into() };
        self.off.ablated.ask(cx, how, InsideJob::Ablate(spec));
    }

    pub(super) fn ask_written(&mut self, cx: &mut PaneCx, parts: &[Part]) {
        let Some(base) = self.base(cx).filter(|_| !parts.is_empty()) else { return };
        let how = self.how(&base, parts);
        let sampling = SamplingSpec {
            seed: Some(self.off.seed.into()),
            max_new_tokens: self.off.n_tokens,
            ..SamplingSpec::default()
        };
        let spec = ContinueSpec { base, ablations: how.1.clone(), sampling };
        self.off.written.ask(cx, (how, self.off.n_tokens), InsideJob::Continue(Box::new(spec)));
    }

    /// What came of it, of the capture that is shown.
    pub(super) fn ablated(&self, cx: &PaneCx) -> Option<Arc<AblateReport>> {
        let (of, ..) = self.off.ablated.what()?;
        match self.off.ablated.output(cx.model)? {
            InsideOutput::Ablated(report) if Some(*of) == self.shown => Some(Arc::clone(report)),
            _ => None,
        }
    }

    pub(super) fn written(&self, cx: &PaneCx) -> Option<Arc<ContinueReport>> {
        let ((of, ..), _) = self.off.written.what()?;
        match self.off.written.output(cx.model)? {
            InsideOutput::Continued(report) if Some(*of) == self.shown => Some(Arc::clone(report)),
            _ => None,
        }
    }

    /// In the inspector: the selected heads off, and the two numbers that say most.
    pub(super) fn switch_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        ui.spacing_mut().item_spacing.y = 6.0;
        let several = self.look.heads.len() > 1;
        let mut all = false;
        ui.horizontal(|ui| {
            let key = if several { "inside.switch_heads" } else { "inside.switch_head" };
            widgets::semibold(ui, cx.t(key));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                all = widgets::link(ui, cx.t("inside.side_by_side")).clicked();
            });
        });
        let ways = [Instead::Zero, Instead::Mean, Instead::Resample]
            .map(|instead| (instead, cx.t(instead_key(instead))));
        let width = ui.available_width();
        segments(ui, &cx.t("inside.instead"), &mut self.off.instead, &ways, Some(width));
        let parts = self.selected_parts();
        let asked = self.base(cx).is_some_and(|base| self.off.ablated.is(&self.how(&base, &parts)));
        let mut again = false;
        if asked {
            again = self.off.ablated.state_ui(ui, cx, "inside.switching_off");
            if let Some(report) = self.ablated(cx) {
                self.short_ui(ui, cx, capture, &report);
            }
        } else {
            widgets::hint(ui, cx.t(instead_hint(self.off.instead)));
        }
        let off = self.base(cx).is_none().then(|| cx.t("inside.needs_all"));
        let button = Button::control(cx.t("inside.compare_off")).icon(icons::POWER).off(off).width(width);
        if button.show(ui).clicked() || again {
            self.ask_ablated(cx, &parts);
        }
        if all {
            // What is compared there is what was compared here.
            self.off.parts.clear();
            self.choices.view = super::look::View::Ablate;
        }
    }

    /// `“·tired” after “·too”  −0.83 log p`, and the KL there.
    fn short_ui(&self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, report: &AblateReport) {
        let at = self.position(capture);
        let (token, before) = (self.following(capture, at), self.names.alone.get(at).cloned());
        let watched = cx.tf("inside.watched", &[("token", &token), ("before", &before.unwrap_or_default())]);
        let delta = delta_at(capture, report, at);
        let number = delta.map_or_else(|| "–".to_owned(), |delta| format!("{} log p", signed(delta, 2)));
        pair(ui, cx, &watched, &number);
        let kl = kl_at(capture, report, at).map_or_else(|| "–".to_owned(), |kl| format!("{kl:.3}"));
        pair(ui, cx, &cx.t("inside.whole_kl"), &kl);
    }
}

pub(super) fn instead_key(instead: Instead) -> &'static str {
    match instead {
        Instead::Zero => "inside.zero",
        Instead::Mean => "inside.mean",
        Instead::Resample => "inside.resample",
        Instead::Uniform => "inside.uniform",
    }
}

pub(super) fn instead_hint(instead: Instead) -> &'static str {
    match instead {
        Instead::Zero => "inside.zero_hint",
        Instead::Mean => "inside.mean_hint",
        Instead::Resample => "inside.resample_hint",
        Instead::Uniform => "inside.uniform_hint",
    }
}

/// Words at the left, a number at the right.
pub(super) fn pair(ui: &mut Ui, cx: &PaneCx, words: &str, number: &str) {
    let t = cx.theme.tokens;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(Type::Hint.number(number, t.text_1));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::truncated(ui, Type::Hint.text(words, t.text_2));
            });
        });
    });
}

/// How much likelier the token after a position is now, nats; behind the end the likeliest one.
#[must_use]
pub fn delta_at(capture: &Capture, report: &AblateReport, position: usize) -> Option<f32> {
    if position + 1 >= capture.n_tokens() {
        let (was, now) = (capture.next.first()?.prob, report.baseline_next.first()?);
        return Some(now.max(f32::MIN_POSITIVE).ln() - was.max(f32::MIN_POSITIVE).ln());
    }
    let at = (position + 1).checked_sub(capture.read_from as usize)?;
    Some(report.read.get(at)?.logprob - capture.read.get(at)?.logprob)
}

#[must_use]
pub fn kl_at(capture: &Capture, report: &AblateReport, position: usize) -> Option<f32> {
    let at = (position + 1).checked_sub(capture.read_from as usize)?;
    report.kl.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_no_part_is_set_to_zero() {
        let head = Part::Head { layer: 1, head: 2 };
        let both = ablations(&[head, Part::Mlp { layer: 1 }], Instead::Uniform);
        assert_eq!(both.iter().map(|one| one.instead).collect::<Vec<_>>(), [Instead::Uniform, Instead::Zero]);
        let mut off = Off::default();
        off.toggle(head);
        off.toggle(Part::Mlp { layer: 1 });
        off.toggle(head);
        assert_eq!(off.parts, [Part::Mlp { layer: 1 }]);
    }
}
