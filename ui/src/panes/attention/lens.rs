//! The lens: what each layer would say comes next, over a range of tokens; below it, who wrote the token's logit and what
//! it hangs on. What is asked and how it is coloured; the grid itself is drawn by `lens_grid`.

use super::AttentionPane;
use super::ablate::apart;
use super::asked::Asked;
use super::hangs::Hangs;
use super::scales;
use super::wrote::Wrote;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type};
use crate::units::grouped;
use crate::widgets::{self, NumberField, Select, tiles};
use egui::{Color32, Ui};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{Capture, InsideJob, InsideOutput, LensCell, LensReport, LensSpec};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tokens at first, and at most.
const N: u32 = 24;
const MOST: u32 = 128;

/// What cells are coloured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LensBy {
    #[default]
    Probability,
    Entropy,
    Rank,
    Kl,
}

#[derive(Default)]
pub struct Lens {
    /// First token and how many; `None`: the last ones.
    range: Option<(u32, u32)>,
    asked: Asked<(CaptureId, u32, u32)>,
    /// The layer that the keys stand on.
    pub row: Option<usize>,
    pub wrote: Wrote,
    pub hangs: Hangs,
}

/// Numbers as parts of a colour map: 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LensScale {
    pub by: LensBy,
    pub vocab_size: u32,
    /// The largest divergence that is shown, nats.
    pub most_kl: f32,
}

impl LensScale {
    /// `None` where there is no such number.
    pub fn part(self, cell: &LensCell) -> Option<f32> {
        let whole = (self.vocab_size.max(2) as f32).ln();
        Some(match self.by {
            LensBy::Probability => cell.top.first()?.2,
            LensBy::Entropy => cell.entropy / whole,
            LensBy::Rank => 1.0 - ((cell.next?.1 + 1) as f32).ln() / whole,
            LensBy::Kl => cell.kl / self.most_kl.max(f32::MIN_POSITIVE),
        })
    }

    pub fn colour(t: &Tokens, part: f32) -> Color32 {
        Tokens::map(&t.chip, part.clamp(0.0, 1.0))
    }
}

impl AttentionPane {
    pub(super) fn lens_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let n = capture.n_tokens() as u32;
        let (from, len) = self.lens_range(n);
        let of = (capture.id, from, len);
        // What is opened is shown; what was stopped or has failed waits for a press.
        if !self.lens.asked.is(&of)
            && let Some(base) = self.base(cx)
        {
            let spec = LensSpec { base, from, n: len };
            self.lens.asked.ask(cx, of, InsideJob::Lens(spec));
        }
        let report = match self.lens.asked.output(cx.model) {
            Some(InsideOutput::Lens(report)) => Some(Arc::clone(report)),
            _ => None,
        };
        tiles::scroll(ui, "lens", 0.0, |ui| {
            self.lens_bar(ui, cx, capture, report.as_deref());
            if self.base(cx).is_none() {
                widgets::hint(ui, cx.t("inside.needs_all"));
                return;
            }
            if self.lens.asked.state_ui(ui, cx, "inside.lens_reading")
                && let Some(base) = self.base(cx)
            {
                self.lens.asked.ask(cx, of, InsideJob::Lens(LensSpec { base, from, n: len }));
            }
            if let Some(report) = &report {
                let scale = self.lens_scale(capture, report);
                self.lens_grid(ui, cx, capture, report, scale);
            }
            apart(ui);
            self.wrote_ui(ui, cx, capture);
            apart(ui);
            self.hangs_ui(ui, cx, capture);
        });
    }

    /// First token and how many, of a text of `n`.
    fn lens_range(&self, n: u32) -> (u32, u32) {
        let (from, len) = self.lens.range.unwrap_or((n.saturating_sub(N), N));
        let from = from.min(n.saturating_sub(1));
        (from, len.clamp(1, MOST).min(n - from))
    }

    fn lens_scale(&self, capture: &Capture, report: &LensReport) -> LensScale {
        let most_kl = report.layers.iter().flatten().map(|cell| cell.kl).fold(0.0, f32::max);
        LensScale { by: self.choices.lens, vocab_size: capture.sizes.vocab_size, most_kl }
    }

    /// Colours and what they mean, and which tokens.
    fn lens_bar(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, report: Option<&LensReport>) {
        let t = cx.theme.tokens;
        ui.horizontal_wrapped(|ui| {
            ui.set_min_height(24.0);
            let ways = [
                (LensBy::Probability, cx.t("inside.lens_probability")),
                (LensBy::Entropy, cx.t("inside.lens_entropy")),
                (LensBy::Rank, cx.t("inside.lens_rank")),
                (LensBy::Kl, cx.t("inside.lens_kl")),
            ];
            Select::new(&cx.t("inside.lens_by")).small().show(ui, &mut self.choices.lens, &ways);
            let vocab = grouped(capture.sizes.vocab_size.into());
            let (low, high) = match self.choices.lens {
                LensBy::Probability => ("0".to_owned(), "1".to_owned()),
                LensBy::Entropy => ("0".to_owned(), format!("ln {vocab}")),
                LensBy::Rank => (vocab, "1".to_owned()),
                LensBy::Kl => {
                    let most = report.map_or(0.0, |report| self.lens_scale(capture, report).most_kl);
                    ("0".to_owned(), format!("{most:.1}"))
                }
            };
            scales::legend(ui, cx, low, high, |part| LensScale::colour(&t, part));
            let n = capture.n_tokens() as u32;
            let (mut from, mut len) = self.lens_range(n);
            widgets::label(ui, cx.t("inside.lens_from"));
            let name = cx.t("inside.lens_first");
            let most = f64::from(n.saturating_sub(1));
            let first = NumberField::new(&name, 0.0..=most).width(52.0).show_u32(ui, &mut from);
            widgets::label(ui, cx.t("inside.lens_tokens"));
            let name = cx.t("inside.lens_n");
            let most = f64::from(MOST.min(n.max(1)));
            let count = NumberField::new(&name, 1.0..=most).width(48.0).show_u32(ui, &mut len);
            if first.changed() || count.changed() {
                self.lens.range = Some((from, len));
            }
            ui.add(egui::Label::new(Type::Hint.text(cx.t("inside.lens_hint"), t.text_3)).wrap());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_begin_and_end_where_the_legend_says() {
        let cell = LensCell {
            top: vec![(1, " a".into(), 0.25)],
            entropy: 1000f32.ln() / 2.0,
            kl: 3.0,
            next: Some((0.1, 0)),
            norm: 1.0,
        };
        let part = |by| LensScale { by, vocab_size: 1000, most_kl: 6.0 }.part(&cell);
        assert_eq!((part(LensBy::Probability), part(LensBy::Rank)), (Some(0.25), Some(1.0)));
        assert_eq!((part(LensBy::Entropy), part(LensBy::Kl)), (Some(0.5), Some(0.5)));
        let last = LensCell { next: Some((0.0, 999)), ..cell.clone() };
        let rank = LensScale { by: LensBy::Rank, vocab_size: 1000, most_kl: 6.0 };
        assert!(rank.part(&last).is_some_and(|part| part.abs() < 1e-6));
        assert_eq!(rank.part(&LensCell { next: None, ..cell }), None, "nothing follows");
    }
}
