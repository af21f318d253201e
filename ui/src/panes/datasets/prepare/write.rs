//! The form of writing rows with a model: which one, what it is asked, where what it writes goes.

use super::draft::{WriteDraft, Wrong, texts};
use super::parts;
use crate::model::{Offer, PickFor};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button, Field, NumberField, Select};
use egui::Ui;
use glassworks_protocol::datasets::DatasetRecord;
use glassworks_protocol::generate::SamplingPreset;

const WIDE: f32 = 420.0;
const MOST_NEW_TOKENS: f64 = 4096.0;

pub fn form(ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord, draft: &mut WriteDraft, wrong: Option<Wrong>) {
    let said = |of: Wrong| wrong.filter(|wrong| *wrong == of).map(|wrong| cx.t(wrong.key()));
    parts::row(ui, cx, "datasets.write_model", said(Wrong::NoModel), |ui, name| model(ui, cx, name, draft));
    template(ui, cx, record, draft, said(Wrong::NoTemplate));
    parts::row(ui, cx, "datasets.write_column", said(Wrong::NoColumn), |ui, name| {
        let options: Vec<_> = texts(record).into_iter().map(|name| (Some(name.clone()), name)).collect();
        Select::new(name).width(200.0).show(ui, &mut draft.column, &options);
    });
    parts::row(ui, cx, "datasets.write_sampling", None, |ui, name| {
        let options = [
            (Some(SamplingPreset::Steady), cx.t("playground.steady")),
            (Some(SamplingPreset::Balanced), cx.t("playground.balanced")),
            (Some(SamplingPreset::Playful), cx.t("playground.playful")),
            (None, cx.t("datasets.write_as_playground")),
        ];
        Select::new(name).width(200.0).show(ui, &mut draft.preset, &options);
    });
    parts::row(ui, cx, "datasets.write_longest", None, |ui, name| {
        NumberField::new(name, 1.0..=MOST_NEW_TOKENS).show_u32(ui, &mut draft.max_tokens);
    });
    parts::copies(ui, cx, &mut draft.copies);
    parts::row(ui, cx, "datasets.prepare_seed", None, |ui, name| {
        let mut wide = draft.seed.map(|seed| seed as f64);
        let field = NumberField::new(name, 0.0..=9_007_199_254_740_992.0).or_off(cx.t("playground.fresh"));
        if field.show_opt(ui, &mut wide).changed() {
            draft.seed = wide.map(|seed| seed as u64);
        }
    });
    parts::note(ui, &cx.t("datasets.augment_note"));
}

fn model(ui: &mut Ui, cx: &PaneCx, name: &str, draft: &mut WriteDraft) {
    let now = cx.model.writer(draft.model);
    let words = now.as_ref().map_or_else(|| cx.t("datasets.prepare_no_model"), |one| one.name().to_owned());
    let button = Button::control(&words).icon(icons::CUBE).caret().name(format!("{name}: {words}"));
    let response = button.width(260.0).show(ui);
    let chosen = cx.choose(&response, PickFor::Write, now.as_ref().map(Offer::pick), |_| false);
    draft.model = chosen.or(draft.model);
    if let Some(offer) = now.filter(|offer| offer.is_under()) {
        widgets::hint(ui, cx.offer_words(&offer));
    }
}

/// What the model is asked, with buttons that put a column in.
fn template(ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord, draft: &mut WriteDraft, wrong: Option<String>) {
    let name = cx.t("datasets.write_template");
    let unknown = unknown(&draft.template, record);
    let bad = wrong.is_some();
    let width = WIDE.min(ui.available_width() - crate::theme::size::FORM_LABEL - 24.0).max(160.0);
    widgets::explained_row(
        ui,
        &name,
        |ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                Field::new(&name).rows(4).width(width).problem(bad).show(ui, &mut draft.template);
                ui.horizontal_wrapped(|ui| {
                    ui.set_max_width(width);
                    ui.spacing_mut().item_spacing = egui::vec2(6.0, 6.0);
                    for column in &record.columns {
                        let words = format!("{{{}}}", column.name);
                        let name = cx.tf("datasets.write_put_in", &[("column", &words)]);
                        if Button::control(&words).small().name(name).show(ui).clicked() {
                            draft.template.push_str(&words);
                        }
                    }
                });
            });
        },
        Some(|ui: &mut Ui| match (wrong, unknown) {
            (Some(words), _) => parts::problem(ui, &words),
            (None, Some(name)) => {
                let t = cx.theme.tokens;
                let words = cx.tf("datasets.write_unknown", &[("column", &format!("{{{name}}}"))]);
                ui.label(crate::theme::Type::Hint.text(words, t.warn));
            }
            (None, None) => drop(widgets::hint(ui, cx.t("datasets.write_template_hint"))),
        }),
    );
}

/// The first name in braces that is no column; other braces stay as they are, so it is no error.
fn unknown(template: &str, record: &DatasetRecord) -> Option<String> {
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        let Some(close) = rest.find('}') else { break };
        let name = &rest[..close];
        let is_word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if is_word && !record.columns.iter().any(|column| column.name == name) {
            return Some(name.to_owned());
        }
    }
    None
}
