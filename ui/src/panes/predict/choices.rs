//! Model, data and column; the prompt of a model that writes; the button.

use super::draft::file_name;
use super::{Predict, live};
use crate::action::Action;
use crate::command::UiCommand;
use crate::model::{Offer, PickFor, Told};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{
    self, Button, Field, MenuItem, NumberField, Tone, choice_card, choice_heading, choice_hint, choice_title,
    three_cards,
};
use egui::{Layout, Ui, vec2};

const CARD: f32 = 124.0;
/// Labels that are named on the card.
const FEW_LABELS: usize = 6;
const MOST_NEW_TOKENS: f64 = 4096.0;

impl Predict {
    pub(super) fn choices(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let [model, data, column] = three_cards(ui, CARD);
        let mut inner = choice_card(ui, "model", model, false);
        self.model_card(&mut inner, cx);
        let mut inner = choice_card(ui, "data", data, false);
        self.data_card(&mut inner, cx);
        let mut inner = choice_card(ui, "column", column, false);
        self.column_card(&mut inner, cx);
    }

    fn model_card(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let (change, name) = (cx.t("finetune.change"), cx.t("predict.change_model"));
        let button = choice_heading(ui, 1, &cx.t("finetune.model"), &change, &name);
        let mut other = false;
        let chosen = cx.choose(&button, PickFor::Rows, self.draft.chosen, |ui| {
            ui.add_space(6.0);
            widgets::divider(ui);
            ui.add_space(6.0);
            let button = Button::quiet(cx.t("finetune.other_model")).icon(icons::FOLDER_OPEN);
            other = button.show(ui).clicked();
            other
        });
        if other {
            cx.push(Action::Run(UiCommand::OpenModel));
        }
        self.draft.chosen = chosen.or(self.draft.chosen);
        let Some(offer) = self.draft.chosen.and_then(|chosen| cx.model.offer(chosen)) else {
            choice_title(ui, &cx.t("finetune.no_model"));
            return;
        };
        choice_title(ui, offer.name());
        choice_hint(ui, &cx.offer_words(&offer));
        ui.add_space(4.0);
        labels_line(ui, cx, &offer);
    }

    fn data_card(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let name = cx.t("predict.change_data");
        let Some(file) = self.draft.data.clone() else {
            ui.horizontal(|ui| widgets::mono(ui, format!("2 {}", cx.t("finetune.data"))));
            choice_title(ui, &cx.t("finetune.no_data"));
            choice_hint(ui, &cx.t("predict.no_data_sentence"));
            ui.add_space(2.0);
            if Button::accent(cx.t("finetune.choose")).small().name(name).show(ui).clicked() {
                self.data.open();
            }
            return;
        };
        if choice_heading(ui, 2, &cx.t("finetune.data"), &cx.t("finetune.change"), &name).clicked() {
            self.data.open();
        }
        choice_title(ui, &file_name(&file));
        match self.draft.head(cx).cloned() {
            Some(Told::Known(head)) => {
                let size = units::size(head.size_bytes);
                let args: [(&str, &dyn std::fmt::Display); 2] = [("size", &size), ("n", &head.columns.len())];
                choice_hint(ui, &cx.tf("predict.data_line", &args));
                if let Some(truth) = &head.truth {
                    ui.add_space(4.0);
                    widgets::tag(ui, Tone::Plain, cx.tf("predict.has_labels", &[("column", truth)]));
                }
            }
            Some(Told::Failed(failure)) => {
                widgets::badge(ui, Tone::Danger, icons::WARNING_CIRCLE, cx.t("finetune.unusable"))
                    .on_hover_text(cx.render(&failure.summary));
                choice_hint(ui, &cx.render(failure.hint.as_ref().unwrap_or(&failure.summary)));
            }
            Some(Told::Asked) | None => choice_hint(ui, &cx.t("finetune.reading")),
        }
    }

    fn column_card(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(head) = self.draft.known_head(cx) else {
            ui.horizontal(|ui| widgets::mono(ui, format!("3 {}", cx.t("predict.column"))));
            choice_hint(ui, &cx.t("predict.column_later"));
            return;
        };
        let name = cx.t("predict.change_column");
        let button = choice_heading(ui, 3, &cx.t("predict.column"), &cx.t("finetune.change"), &name);
        let chosen = widgets::menu(&button, 280.0, |ui| {
            let mut chosen = None;
            for (column, sample) in &head.columns {
                let selected = self.draft.column.as_ref() == Some(column);
                let begins: String = sample.chars().take(36).collect();
                if MenuItem::new(column).hint(begins).selected(selected).show(ui).clicked() {
                    chosen = Some(column.clone());
                }
            }
            chosen
        });
        if let Some(column) = chosen.flatten() {
            self.draft.column = Some(column);
        }
        let Some(column) = &self.draft.column else { return };
        choice_title(ui, column);
        if let Some((_, sample)) = head.columns.iter().find(|(name, _)| name == column) {
            ui.label(Type::Hint.text(sample.as_str(), cx.theme.tokens.text_2));
        }
    }

    /// What a model that writes is asked.
    pub(super) fn prompt_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let offer = self.draft.chosen.and_then(|chosen| cx.model.offer(chosen));
        if offer.is_none_or(|offer| offer.sorts()) {
            return;
        }
        ui.add_space(4.0);
        let column = self.draft.column.clone().unwrap_or_else(|| "text".to_owned());
        widgets::explained_row(
            ui,
            &cx.t("predict.prompt"),
            |ui| {
                let name = cx.t("predict.prompt");
                let width = (ui.available_width() - 240.0).clamp(200.0, 420.0);
                let example = cx.tf("predict.prompt_example", &[("column", &format!("{{{column}}}"))]);
                let field = Field::new(&name).rows(3).width(width).placeholder(example);
                field.show(ui, &mut self.draft.template);
            },
            Some(|ui: &mut Ui| {
                widgets::hint(ui, cx.tf("predict.prompt_hint", &[("column", &format!("{{{column}}}"))]));
            }),
        );
        let name = cx.t("predict.longest");
        let tokens = &mut self.draft.max_new_tokens;
        widgets::form_row(ui, &name, &cx.t("predict.longest_hint"), |ui| {
            NumberField::new(&name, 1.0..=MOST_NEW_TOKENS).show_u32(ui, tokens);
        });
    }

    pub(super) fn start_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        ui.add_space(4.0);
        let why = self.why_off(cx);
        let button = Button::accent(cx.t("predict.start")).filled_icon(icons::PLAY).main().off(why.clone());
        let pressed = ui.horizontal(|ui| {
            let pressed = button.show(ui).clicked();
            let words = match (&why, self.draft.out(cx)) {
                (None, Some(out)) => cx.tf("predict.written_to", &[("path", &out.display())]),
                _ => why.clone().unwrap_or_default(),
            };
            let width = vec2(ui.available_width(), 36.0);
            ui.allocate_ui_with_layout(width, Layout::left_to_right(egui::Align::Center), |ui| {
                let text = Type::Hint.text(words.as_str(), cx.theme.tokens.text_3);
                widgets::truncated(ui, text).on_hover_text(words);
            });
            pressed
        });
        if pressed.inner
            && let Some(spec) = self.draft.spec(cx)
        {
            self.start(cx, spec);
            self.draft.begin_another();
        }
    }

    fn why_off(&self, cx: &PaneCx) -> Option<String> {
        let key = match (self.draft.chosen, self.draft.head(cx)) {
            (None, _) => "predict.off_no_model",
            (_, None) if self.draft.data.is_none() => "predict.off_no_data",
            (_, Some(Told::Failed(_))) => "predict.off_bad_data",
            (_, None | Some(Told::Asked)) => "predict.off_reading",
            (_, Some(Told::Known(_))) if self.draft.column.is_none() => "predict.column_later",
            _ if self.started.is_some_and(|(_, id)| live(cx, id).is_some()) => "predict.off_running",
            _ => return None,
        };
        Some(cx.t(key))
    }
}

/// The colour of a label, by its place.
pub fn label_color(cx: &PaneCx, place: usize) -> egui::Color32 {
    let series = cx.theme.tokens.series;
    series[place % series.len()]
}

/// The labels it tells apart, or that it writes.
fn labels_line(ui: &mut Ui, cx: &PaneCx, offer: &Offer) {
    if !offer.sorts() {
        widgets::tag(ui, Tone::Plain, cx.t("predict.writes"));
        return;
    }
    let labels = offer.labels();
    ui.horizontal(|ui| {
        for (i, label) in labels.iter().take(FEW_LABELS).enumerate() {
            widgets::bead(ui, label_color(cx, i));
            widgets::label(ui, label.as_str());
        }
        if labels.len() > FEW_LABELS {
            widgets::hint(ui, "…");
        }
    });
}
