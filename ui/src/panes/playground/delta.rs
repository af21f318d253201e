//! A reply read again: by another model, coloured by how much likelier or less likely it finds each stretch, or by its
//! own in Exact. Drawn in the place of the reply's text.

use super::Playground;
use super::delta_card::{self, Sides};
use crate::model::{Offer, Reading};
use crate::panes::PaneCx;
use crate::theme::{DELTA_FULL_BITS, Type, icons};
use crate::units::grouped;
use crate::widgets::{self, icon_button};
use egui::{Align, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::JobSpec;
use glassworks_protocol::generate::{ModelSource, Prompt, TokenPiece};
use glassworks_protocol::ids::{JobId, MessageId};
use glassworks_protocol::model::Precision;
use glassworks_protocol::score::{ScoreReport, ScoreSpec, Stretch, apart, perplexity, stretches};
use glassworks_protocol::train::TunedSource;
use std::rc::Rc;
use std::sync::Arc;

/// Replies shown this way at one time.
const MAX: usize = 24;
/// Below this share a token stays bare.
const BARE: f64 = 0.06;

/// A text that is there, and how it came to be.
pub(super) struct Read {
    /// The message, or what stands for one.
    pub of: MessageId,
    pub tokens: Arc<Vec<TokenPiece>>,
    pub prompt: Prompt,
    pub precision: Precision,
    /// Who wrote it; `None` when that is not there any more, or not as it was.
    pub by: Option<(ModelSource, Option<TunedSource>)>,
    /// As it is called.
    pub name: String,
    pub max_new_tokens: u32,
    pub at_ms: i64,
}

impl Read {
    fn spec(&self, model: ModelSource, tuned: Option<TunedSource>) -> JobSpec {
        JobSpec::Score(Box::new(ScoreSpec {
            model,
            tuned,
            prompt: self.prompt.clone(),
            reply: self.tokens.iter().map(|token| (token.id, token.text.clone())).collect(),
            precision: Precision::Exact,
            max_new_tokens: self.max_new_tokens,
            at_ms: self.at_ms,
        }))
    }
}

/// How a reply is shown while it is read again.
struct Shown {
    of: MessageId,
    name: String,
    /// The numbers that it came with are Fast's.
    fast: bool,
    /// Its own model in Exact, where it was written in Fast.
    own: Option<JobId>,
    /// Another model, and how it is called.
    other: Option<(JobId, String)>,
    /// What was cut of the tokens, and by which report.
    cut: Option<(Arc<ScoreReport>, Rc<Vec<Stretch>>)>,
}

#[derive(Default)]
pub struct DeltaState {
    shown: Vec<Shown>,
}

impl DeltaState {
    #[must_use]
    pub fn is_shown(&self, of: MessageId) -> bool {
        self.shown.iter().any(|shown| shown.of == of)
    }

    fn put(&mut self, cx: &mut PaneCx, shown: Shown) {
        self.close(cx, shown.of);
        self.shown.push(shown);
        if self.shown.len() > MAX {
            let oldest = self.shown[0].of;
            self.close(cx, oldest);
        }
    }

    /// The reply is a page again; what is still being read for it is stopped.
    fn close(&mut self, cx: &mut PaneCx, of: MessageId) {
        for shown in self.shown.iter().filter(|shown| shown.of == of) {
            for job in shown.own.into_iter().chain(shown.other.as_ref().map(|(job, _)| *job)) {
                if cx.model.scores.get(job) == Some(&Reading::Running) {
                    cx.cancel(job);
                }
            }
        }
        self.shown.retain(|shown| shown.of != of);
    }
}

impl Playground {
    /// Has its own model read a reply in Exact.
    pub(super) fn recheck(&mut self, cx: &mut PaneCx, read: &Read) {
        let Some((model, tuned)) = read.by.clone() else { return };
        let own = Some(cx.start(read.spec(model, tuned)));
        let shown = Shown { of: read.of, name: read.name.clone(), fast: true, own, other: None, cut: None };
        self.delta.put(cx, shown);
    }

    /// Has another model read it. Both are measured in Exact, as far as the one that wrote it is there.
    pub(super) fn compare_under(&mut self, cx: &mut PaneCx, read: &Read, choice: Offer) {
        let (model, tuned, name) = match choice {
            Offer::Model { model, .. } => (model.id, None, model.name.clone()),
            Offer::Part { base, run, part } => {
                let tuned = TunedSource { run: run.id, part: part.part, strength: 1.0 };
                (base, Some(tuned), run.name.clone())
            }
        };
        let by = read.by.clone().filter(|_| read.precision == Precision::Fast);
        let own = by.map(|(model, tuned)| cx.start(read.spec(model, tuned)));
        let job = cx.start(read.spec(ModelSource::Library(model), tuned));
        let other = Some((job, name));
        let fast = read.precision == Precision::Fast;
        self.delta.put(cx, Shown { of: read.of, name: read.name.clone(), fast, own, other, cut: None });
    }

    /// A reply as it is read again; `tokens` are its own.
    pub(super) fn delta_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, of: MessageId, tokens: &[TokenPiece]) {
        let Some(at) = self.delta.shown.iter().position(|shown| shown.of == of) else { return };
        ui.spacing_mut().item_spacing.y = 4.0;
        let shown = &self.delta.shown[at];
        let jobs: Vec<JobId> =
            shown.own.into_iter().chain(shown.other.as_ref().map(|(job, _)| *job)).collect();
        let words = match &shown.other {
            Some((_, other)) => cx.tf("compare.under", &[("name", other)]),
            None => cx.t("compare.exact"),
        };
        let mut close = false;
        ui.horizontal(|ui| {
            ui.set_min_height(24.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                close = icon_button(ui, icons::X, cx.t("compare.close_delta")).clicked();
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::truncated(ui, Type::Body.semibold(words, cx.theme.tokens.text_1));
                });
            });
        });
        let mut reports = Vec::new();
        for job in jobs {
            match cx.model.scores.get(job) {
                Some(Reading::Done(report)) => reports.push(Arc::clone(report)),
                Some(Reading::Failed(failure)) => {
                    widgets::failed_line(ui, failure, None);
                    return self.end_delta(cx, of, close);
                }
                Some(Reading::Running) => {
                    waiting(ui, cx, job);
                    return self.end_delta(cx, of, close);
                }
                Some(Reading::Stopped) | None => {
                    widgets::hint(ui, cx.t("compare.not_read"));
                    return self.end_delta(cx, of, close);
                }
            }
        }
        match (&self.delta.shown[at].other, &reports[..]) {
            (None, [exact]) => self.exact_ui(ui, cx, of, tokens, exact),
            (Some(_), [other]) => self.under_ui(ui, cx, at, tokens, other, false),
            (Some(_), [own, other]) => self.under_ui(ui, cx, at, &own.tokens, other, true),
            _ => {}
        }
        self.end_delta(cx, of, close);
    }

    fn end_delta(&mut self, cx: &mut PaneCx, of: MessageId, close: bool) {
        if close {
            self.delta.close(cx, of);
        }
    }

    /// Exact's numbers in the place of Fast's, and how far apart they were.
    fn exact_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        of: MessageId,
        tokens: &[TokenPiece],
        exact: &ScoreReport,
    ) {
        let (mean, most) = apart(tokens, &exact.tokens);
        let words = cx.tf(
            "compare.apart",
            &[
                ("mean", &format!("{mean:.4}")),
                ("most", &format!("{most:.3}")),
                ("fast", &format!("{:.2}", perplexity(tokens))),
                ("exact", &format!("{:.2}", perplexity(&exact.tokens))),
            ],
        );
        widgets::hint(ui, words);
        dropped(ui, cx, exact);
        ui.add_space(4.0);
        let name = cx.t("compare.exact_chips");
        self.answer_chips_ui(ui, cx, of, &name, &exact.tokens, cx.t("compare.reading_only"));
    }

    /// The reply's own tokens, coloured by the difference.
    fn under_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        at: usize,
        own: &[TokenPiece],
        other: &Arc<ScoreReport>,
        rechecked: bool,
    ) {
        let shown = &mut self.delta.shown[at];
        let cut = match &shown.cut {
            Some((report, cut)) if Arc::ptr_eq(report, other) => Rc::clone(cut),
            _ => {
                let cut = Rc::new(stretches(own, &other.tokens));
                shown.cut = Some((Arc::clone(other), Rc::clone(&cut)));
                cut
            }
        };
        let fast = shown.fast;
        let (of, names) =
            (shown.of, [shown.name.clone(), shown.other.clone().map(|o| o.1).unwrap_or_default()]);
        totals(ui, cx, &cut, own, &other.tokens);
        legend(ui, cx);
        if !other.same_tokens {
            widgets::hint(ui, cx.tf("compare.other_tokens", &[("name", &names[1])]));
        }
        if !rechecked && fast {
            widgets::hint(ui, cx.tf("compare.own_is_fast", &[("name", &names[0])]));
        }
        dropped(ui, cx, other);
        ui.add_space(4.0);
        let whose: Vec<Option<usize>> = {
            let mut whose = vec![None; own.len()];
            for (i, stretch) in cut.iter().enumerate() {
                whose[stretch.one.clone()].fill(Some(i));
            }
            whose
        };
        let stretch = |token: usize| whose.get(token).copied().flatten().and_then(|i| cut.get(i));
        let t = cx.theme.tokens;
        let name = cx.tf("compare.delta_chips", &[("name", &names[1])]);
        let seen = self.chips.show(ui, of, &name, own, |token| {
            let share = stretch(token)?.delta() / std::f64::consts::LN_2 / f64::from(DELTA_FULL_BITS);
            (share.abs() >= BARE).then(|| t.delta(share as f32))
        });
        let sides = Sides { names: &names, own, other: &other.tokens };
        match (seen.open, seen.hovered.and_then(stretch)) {
            (None, Some(stretch)) => {
                seen.response.on_hover_ui_at_pointer(|ui| delta_card::card(ui, cx, &sides, stretch));
            }
            (Some((token, place, just_opened)), _) => {
                let open = stretch(token)
                    .is_some_and(|stretch| delta_card::show(ui, cx, &sides, stretch, place, just_opened));
                if !open {
                    self.chips.open = None;
                }
            }
            (None, None) => {}
        }
    }
}

fn waiting(ui: &mut Ui, cx: &mut PaneCx, job: JobId) {
    let known = cx.model.jobs.get(job);
    let stage = known.and_then(|job| job.progress.as_ref()).map(|p| cx.render(&p.stage));
    let title = stage.unwrap_or_else(|| cx.t("playground.waiting"));
    let stop = cx.t("shell.stop");
    if widgets::job_row(ui, &title, known.and_then(|job| job.progress.as_ref()), Some(&stop)) {
        cx.cancel(job);
    }
}

fn dropped(ui: &mut Ui, cx: &PaneCx, report: &ScoreReport) {
    if report.n_dropped > 0 {
        let n = grouped(report.n_dropped.into());
        ui.label(Type::Hint.text(cx.tf("playground.dropped", &[("n", &n)]), cx.theme.tokens.warn));
    }
}

/// `Δ −12.3 nats (−17.7 bits) · perplexity 4.2 → 9.1`
fn totals(ui: &mut Ui, cx: &PaneCx, cut: &[Stretch], own: &[TokenPiece], other: &[TokenPiece]) {
    let nats: f64 = cut.iter().map(Stretch::delta).sum();
    let words = cx.tf(
        "compare.totals",
        &[
            ("nats", &signed(nats)),
            ("bits", &signed(nats / std::f64::consts::LN_2)),
            ("own", &format!("{:.2}", perplexity(own))),
            ("other", &format!("{:.2}", perplexity(other))),
        ],
    );
    ui.add(egui::Label::new(Type::Hint.number(words, cx.theme.tokens.text_2)).wrap())
        .on_hover_text(cx.t("compare.totals_hint"));
}

/// A number with its sign, a true minus.
#[must_use]
pub(super) fn signed(number: f64) -> String {
    let sign = if number < -0.005 {
        "−"
    } else if number >= 0.005 {
        "+"
    } else {
        ""
    };
    format!("{sign}{:.2}", number.abs())
}

/// From less likely under the other to likelier.
fn legend(ui: &mut Ui, cx: &PaneCx) {
    let t = cx.theme.tokens;
    ui.horizontal(|ui| {
        ui.set_height(Type::Caption.line());
        ui.spacing_mut().item_spacing.x = 6.0;
        let bits = |sign: &str| cx.tf("playground.bits", &[("n", &format!("{sign}{DELTA_FULL_BITS:.0}"))]);
        let (low, high) = (bits("−"), bits("+"));
        ui.label(Type::Caption.text(&low, t.text_3));
        let (rect, response) = ui.allocate_exact_size(vec2(72.0, 10.0), Sense::hover());
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Image, true, format!("{low} – {high}, {}", cx.t("compare.likelier")))
        });
        let n = 36;
        for i in 0..n {
            let x = |i: usize| rect.left() + rect.width() * i as f32 / n as f32;
            let cell = Rect::from_min_max(pos2(x(i), rect.top()), pos2(x(i + 1), rect.bottom()));
            ui.painter().rect_filled(cell, 0.0, t.delta(2.0 * i as f32 / (n - 1) as f32 - 1.0));
        }
        ui.painter().rect_stroke(rect, 2.0, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Outside);
        ui.label(Type::Caption.text(&high, t.text_3));
        widgets::truncated(ui, Type::Caption.text(cx.t("compare.likelier"), t.text_3));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_their_sign() {
        assert_eq!([-1.234, 0.0, 2.0, -0.001].map(signed), ["−1.23", "0.00", "+2.00", "0.00"]);
    }
}
