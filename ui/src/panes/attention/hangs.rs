//! What a token hangs on, as ground under the text: what flows to it through all layers, or which tokens its next logit
//! moves with.

use super::AttentionPane;
use super::asked::Asked;
use super::card::exact;
use super::names::visible;
use super::running::Running;
use super::scales::{self, signed};
use super::wrote::Whose;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, icons};
use crate::widgets::{self, Button, NumberField, segments};
use egui::{Color32, Ui};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{
    Capture, GradientReport, GradientSpec, InsideJob, InsideOutput, RolloutSpec,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    #[default]
    Flow,
    GradientTimesInput,
    Integrated,
}

pub struct Hangs {
    flow: Asked<(CaptureId, usize)>,
    gradients: Asked<(Whose, u32)>,
    n_steps: u32,
    running: Running,
}

impl Default for Hangs {
    fn default() -> Self {
        Self { flow: Asked::default(), gradients: Asked::default(), n_steps: 50, running: Running::default() }
    }
}

/// A number a token up to the picked one, and where colours end.
struct Shares {
    values: Vec<f32>,
    most: f32,
    signed: bool,
}

impl Shares {
    fn colour(&self, t: &Tokens, value: f32) -> Color32 {
        match self.signed {
            true => t.delta(-value / self.most.max(f32::MIN_POSITIVE)),
            false => Tokens::map(&t.chip, value / self.most.max(f32::MIN_POSITIVE)),
        }
    }
}

impl AttentionPane {
    pub(super) fn hangs_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let (whose, n_steps) = (self.whose(capture), self.lens.hangs.n_steps);
        let position = whose.1;
        let flow = self.choices.ground == Ground::Flow;
        let mut start = false;
        ui.horizontal_wrapped(|ui| {
            let token = self.names.alone.get(position).cloned().unwrap_or_default();
            widgets::semibold(ui, cx.tf("inside.hangs_title", &[("token", &token)]));
            let ways = [
                (Ground::Flow, cx.t("inside.flow")),
                (Ground::GradientTimesInput, cx.t("inside.gradient_input")),
                (Ground::Integrated, cx.t("inside.integrated")),
            ];
            segments(ui, &cx.t("inside.hangs"), &mut self.choices.ground, &ways, None);
            let why = self.base(cx).is_none().then(|| cx.t("inside.needs_all"));
            let button = Button::control(cx.t("inside.compute")).icon(icons::PLAY).off(why);
            start = button.show(ui).clicked();
            if !flow {
                widgets::label(ui, cx.t("inside.steps"));
                let name = cx.t("inside.n_steps");
                NumberField::new(&name, 2.0..=400.0).width(52.0).show_u32(ui, &mut self.lens.hangs.n_steps);
            }
        });
        let key = match self.choices.ground {
            Ground::Flow => "inside.flow_hint",
            Ground::GradientTimesInput => "inside.gradient_hint",
            Ground::Integrated => "inside.integrated_hint",
        };
        widgets::hint(ui, cx.t(key));
        let title = "inside.hangs_working";
        if flow && self.lens.hangs.flow.is(&(capture.id, position)) {
            start |= self.lens.hangs.flow.state_ui(ui, cx, title);
        } else if !flow && self.lens.hangs.gradients.is(&(whose, n_steps)) {
            start |= self.lens.hangs.gradients.state_ui(ui, cx, title);
        }
        if start {
            self.ask_hangs(cx, whose, flow);
        }
        let shares = if flow { self.flow(cx, capture, position) } else { self.gradient_shares(cx, whose) };
        let report = self.gradients(cx, whose).filter(|_| !flow);
        if let Some(report) = &report {
            self.gap_ui(ui, cx, report);
        }
        self.grounds_ui(ui, cx, capture, shares.as_ref());
    }

    fn ask_hangs(&mut self, cx: &mut PaneCx, whose: Whose, flow: bool) {
        let Some(base) = self.base(cx) else { return };
        let (id, position, target, against) = whose;
        if flow {
            let spec = RolloutSpec { base, query: position as u32 };
            return self.lens.hangs.flow.ask(cx, (id, position), InsideJob::Rollout(spec));
        }
        let n_steps = self.lens.hangs.n_steps;
        let position = position as u32;
        let spec = GradientSpec { base, position, target, against, baseline: None, n_steps };
        self.lens.hangs.gradients.ask(cx, (whose, n_steps), InsideJob::Gradients(spec));
    }

    fn flow(&self, cx: &PaneCx, capture: &Capture, position: usize) -> Option<Shares> {
        let asked = &self.lens.hangs.flow;
        match asked.output(cx.model)? {
            InsideOutput::Rollout(row) if asked.is(&(capture.id, position)) => Some(Shares {
                most: row.iter().copied().fold(0.0, f32::max),
                values: row.to_vec(),
                signed: false,
            }),
            _ => None,
        }
    }

    fn gradients(&self, cx: &PaneCx, whose: Whose) -> Option<Arc<GradientReport>> {
        let asked = &self.lens.hangs.gradients;
        match asked.output(cx.model)? {
            InsideOutput::Gradients(report) if asked.is(&(whose, self.lens.hangs.n_steps)) => {
                Some(Arc::clone(report))
            }
            _ => None,
        }
    }

    fn gradient_shares(&self, cx: &PaneCx, whose: Whose) -> Option<Shares> {
        let report = self.gradients(cx, whose)?;
        let values = match self.choices.ground {
            Ground::Integrated => report.integrated.clone(),
            Ground::GradientTimesInput | Ground::Flow => report.gradient_times_input.clone(),
        };
        let most = values.iter().map(|value| value.abs()).fold(0.0, f32::max);
        Some(Shares { values, most, signed: true })
    }

    /// How far integrated gradients are from what they explain, and from where they begin.
    fn gap_ui(&self, ui: &mut Ui, cx: &PaneCx, report: &GradientReport) {
        let gap = format!("{:.2}", 100.0 * report.gap());
        let token = match &report.against {
            Some((_, other)) => format!("{} − {}", visible(&report.target.1), visible(other)),
            None => visible(&report.target.1),
        };
        let args: [(&str, &dyn std::fmt::Display); 5] = [
            ("token", &token),
            ("gap", &gap),
            ("baseline", &visible(&report.baseline_token.1)),
            ("from", &format!("{:.3}", report.baseline)),
            ("to", &format!("{:.3}", report.logit)),
        ];
        ui.label(Type::Hint.number(cx.tf("inside.gap", &args), cx.theme.tokens.text_2));
    }

    fn grounds_ui(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, shares: Option<&Shares>) {
        let t = cx.theme.tokens;
        if let Some(shares) = shares {
            let most = shares.most;
            if shares.signed {
                scales::legend(ui, cx, signed(-most, 3), signed(most, 3), |part| {
                    shares.colour(&t, (2.0 * part - 1.0) * most)
                });
            } else {
                scales::legend(ui, cx, "0", format!("{most:.3}"), |part| shares.colour(&t, part * most));
            }
        }
        let text = self.lens.hangs.running.laid_out(ui, &self.names, capture);
        let value = |at: usize| shares.and_then(|shares| shares.values.get(at).copied());
        let ground = |at: usize| shares.zip(value(at)).map(|(shares, value)| shares.colour(&t, value));
        let name = cx.t("inside.hangs_text");
        let marked = Some(self.position(capture));
        let shown = widgets::chips(ui, &name, &text, capture.n_tokens(), marked, ground);
        let words = |at: usize| {
            let token = self.names.alone.get(at).cloned().unwrap_or_default();
            value(at).map(|value| format!("{token}  {}", exact(value)))
        };
        let picked = marked.and_then(words);
        if let Some(words) = shown.hovered.and_then(words) {
            shown.response.on_hover_ui_at_pointer(|ui| {
                ui.label(Type::Hint.number(words, t.text_1));
            });
        }
        // Without a pointer, the picked one's number is below.
        if let Some(words) = picked {
            ui.label(Type::Hint.number(words, t.text_2));
        }
        if let Some(at) = shown.chosen.or(shown.moved) {
            (self.look.query, self.look.key) = (Some(at), None);
        }
    }
}
