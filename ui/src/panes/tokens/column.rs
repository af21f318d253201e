//! One tokenizer: what it was asked, what it answered, and the token that is looked at.

use crate::panes::PaneCx;
use crate::theme::{Type, size};
use crate::units::grouped;
use crate::widgets::{self, Select};
use egui::{Frame, Margin, Ui};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{JobId, ModelId};
use glassworks_protocol::tokens::{TokenSeen, TokenizeReport, TokenizeSpec};
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use std::sync::Arc;

/// Height of the card of a token.
pub const CARD: f32 = 88.0;

pub struct Column {
    pub model: ModelId,
    /// What was asked last, and whether it has been answered.
    asked: Option<(JobId, TokenizeSpec)>,
    /// The newest answer, which stays while the next one is made.
    report: Option<Arc<TokenizeReport>>,
    failure: Option<Failure>,
    pub(super) laid_out: super::flow::LaidOut,
}

impl Column {
    pub fn new(model: ModelId) -> Self {
        Self { model, asked: None, report: None, failure: None, laid_out: Default::default() }
    }

    pub fn report(&self) -> Option<&Arc<TokenizeReport>> {
        self.report.as_ref()
    }

    /// Takes an answer, and asks anew when something else is wanted: once at a time, so that the engine is never
    /// behind by more than one text.
    pub fn ask(&mut self, cx: &mut PaneCx, text: &str, add_special: bool) {
        if let Some((job, _)) = &self.asked {
            let Some(job) = cx.model.jobs.get(*job) else { return };
            match &job.outcome {
                None => return,
                Some(Outcome::Done(JobOutput::Tokenized(report))) => {
                    (self.report, self.failure) = (Some(Arc::clone(report)), None);
                }
                Some(Outcome::Failed(failure)) => {
                    (self.report, self.failure) = (None, Some(failure.clone()));
                }
                Some(_) => {}
            }
        }
        let model = ModelSource::Library(self.model);
        let same =
            |spec: &TokenizeSpec| spec.model == model && spec.text == text && spec.add_special == add_special;
        if self.asked.as_ref().is_none_or(|(_, spec)| !same(spec)) {
            let spec = TokenizeSpec { model, text: text.to_owned(), add_special };
            let job = cx.start(JobSpec::Tokenize(Box::new(spec.clone())));
            self.asked = Some((job, spec));
        }
    }

    /// The model whose tokenizer this is. Says whether another was chosen.
    pub fn choose(&mut self, ui: &mut Ui, cx: &PaneCx, at: usize) -> bool {
        let models: Vec<(ModelId, String)> =
            cx.model.library.models().iter().map(|model| (model.id, model.name.clone())).collect();
        let name = cx.tf("tokens.tokenizer", &[("n", &(at + 1))]);
        let changed = Select::new(&name).show(ui, &mut self.model, &models).changed();
        if changed {
            self.report = None;
        }
        changed
    }

    /// `42 tokens · 3.9 characters each · 49,152 in the vocabulary`, and beside another one how many more or fewer.
    pub fn figures(&self, ui: &mut Ui, cx: &PaneCx, other: Option<usize>) {
        ui.horizontal_wrapped(|ui| {
            ui.set_min_height(20.0);
            let Some(report) = &self.report else { return };
            let n = report.tokens.len();
            let mut words = Vec::new();
            if n > 0 {
                words.push(cx.tf("tokens.n_tokens", &[("n", &grouped(n as u64))]));
            }
            let own = report.tokens.iter().filter(|token| token.place.is_some()).count();
            if own > 0 {
                let each = f64::from(report.n_chars) / own as f64;
                words.push(cx.tf("tokens.each", &[("n", &format!("{each:.2}"))]));
            }
            words.push(cx.tf("tokens.vocabulary", &[("n", &grouped(report.vocab_size.into()))]));
            widgets::mono(ui, words.join(" · "));
            if let Some(other) = other.filter(|other| *other > 0) {
                let change = (n as f64 / other as f64 - 1.0) * 100.0;
                let (key, share) = match change.round() {
                    0.0 => ("tokens.as_many", 0.0),
                    more if more > 0.0 => ("tokens.more", more),
                    fewer => ("tokens.fewer", -fewer),
                };
                widgets::mono(ui, format!("· {}", cx.tf(key, &[("n", &share)])));
            }
        });
    }

    /// Why there are no tokens. Says whether there was something to say.
    pub fn trouble(&self, ui: &mut Ui, cx: &PaneCx) -> bool {
        if let Some(failure) = &self.failure {
            Frame::new().inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
                widgets::failed_line(ui, failure, None);
            });
            return true;
        }
        if self.report.is_none() {
            Frame::new().inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
                widgets::hint(ui, cx.t("tokens.reading"));
            });
            return true;
        }
        false
    }

    /// The chosen token, or how many of this column's are in its place.
    pub fn card(&self, ui: &mut Ui, cx: &PaneCx, chosen: Option<usize>, also: Vec<usize>) {
        widgets::divider(ui);
        let Some(report) = &self.report else { return };
        let frame = Frame::new().inner_margin(Margin { left: 16, right: 16, top: 10, bottom: 8 });
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.set_width(ui.available_width());
            let tokens: Vec<&TokenSeen> =
                chosen.into_iter().chain(also).filter_map(|at| report.tokens.get(at)).collect();
            match tokens.as_slice() {
                [] => widgets::hint(ui, cx.t("tokens.nothing_there")),
                [token] => token_words(ui, cx, token),
                several => {
                    widgets::label(ui, cx.tf("tokens.several", &[("n", &several.len())]));
                    let names: Vec<String> = several
                        .iter()
                        .map(|token| format!("{} {}", super::flow::visible(token), token.id))
                        .collect();
                    widgets::truncated(ui, Type::Hint.number(names.join("   "), cx.theme.tokens.text_1))
                }
            };
        });
    }
}

/// Text, id, bytes, place, and how the vocabulary spells it.
fn token_words(ui: &mut Ui, cx: &PaneCx, token: &TokenSeen) -> egui::Response {
    let t = cx.theme.tokens;
    ui.horizontal(|ui| {
        ui.set_min_height(size::CONTROL);
        let text = super::flow::visible(token);
        ui.label(Type::Prose.number(text, t.text_1));
        ui.label(Type::Hint.number(cx.tf("tokens.id", &[("id", &token.id)]), t.text_2));
        if token.special {
            widgets::tag(ui, widgets::Tone::Plain, cx.t("tokens.is_special"));
        }
    });
    let mut words = vec![cx.tf("tokens.spelled", &[("name", &token.name)])];
    if !token.bytes.is_empty() {
        words.push(cx.tf("tokens.bytes", &[("bytes", &hex(&token.bytes))]));
    }
    match token.place {
        Some((from, to)) if to == from + 1 => words.push(cx.tf("tokens.one_char", &[("n", &(from + 1))])),
        Some((from, to)) => words.push(cx.tf("tokens.chars", &[("from", &(from + 1)), ("to", &to)])),
        None => words.push(cx.t("tokens.added")),
    }
    widgets::truncated(ui, Type::Hint.number(words.join(" · "), t.text_2))
}

/// `E7 8E BB`
pub fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    digits.join(" ")
}
