//! The head of a column: its model, what it has of its own, and the ways to duplicate and remove it.

use super::super::Playground;
use super::super::models_menu::{Shown, paint_model_button};
use super::super::pick::Chosen;
use super::super::text_area::text_area;
use super::super::tuned;
use super::round::{Decided, Round, letter};
use super::show::Place;
use super::{Column, LEAST, MOST};
use crate::model::Offer;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, MenuItem, Select, Tone, icon_button, slider_row};
use egui::{Align, Layout, Rect, Ui, UiBuilder, vec2};
use glassworks_protocol::generate::{SamplingPreset, SamplingSpec};
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::train::{RunPart, TunedSource};

const HEAD: f32 = 68.0;

impl Playground {
    /// Draws a column; says whether it is to be removed.
    pub(super) fn column_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        rect: Rect,
        i: usize,
        place: Place,
        round: Option<&mut Round>,
    ) -> bool {
        let inner = rect.shrink2(vec2(size::PADDING, 0.0));
        let layout = Layout::top_down(Align::Min);
        let mut child = ui.new_child(UiBuilder::new().id_salt(("column", i)).max_rect(inner).layout(layout));
        child.set_clip_rect(child.clip_rect().intersect(rect));
        let ui = &mut child;
        ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
        let head = Rect::from_min_size(inner.min, vec2(inner.width(), HEAD));
        let mut gone = false;
        ui.scope_builder(UiBuilder::new().max_rect(head).layout(layout), |ui| {
            ui.add_space(10.0);
            match (place.column, place.seat, round.as_deref()) {
                (Some(column), ..) => gone = self.head_ui(ui, cx, i, column),
                (None, Some(seat), Some(round)) => seat_head(ui, cx, round, seat),
                _ => {}
            }
        });
        let body = Rect::from_min_max(egui::pos2(inner.left(), head.bottom()), inner.max);
        ui.painter().hline(inner.x_range(), head.bottom(), egui::Stroke::new(1.0, cx.theme.tokens.line_soft));
        let mut child = ui.new_child(UiBuilder::new().id_salt("body").max_rect(body).layout(layout));
        let ui = &mut child;
        ui.add_space(12.0);
        match (place.seat, round) {
            (Some(seat), Some(round)) => self.answer_ui(ui, cx, body, i, seat, round),
            (None, Some(_)) => drop(widgets::hint(ui, cx.t("compare.not_asked"))),
            _ => {}
        }
        gone
    }

    /// Model, settings and menu; below, what is its own. Says whether it is to be removed.
    fn head_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, i: usize, column: usize) -> bool {
        let mut gone = false;
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), size::CONTROL),
            Layout::right_to_left(Align::Center),
            |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                gone = self.column_menu(ui, cx, i, column);
                self.column_settings(ui, cx, i, column);
                ui.add_space(4.0);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    self.column_model(ui, cx, i, column);
                });
            },
        );
        ui.add_space(6.0);
        let own = self.compare.columns[column].clone();
        let head = self.column_head(cx, &own, column);
        ui.horizontal(|ui| {
            ui.set_height(Type::Hint.line());
            widgets::bead(ui, head.color);
            let words = if head.detail.is_empty() { cx.t("compare.as_all") } else { head.detail };
            widgets::truncated(ui, Type::Hint.text(&words, cx.theme.tokens.text_3)).on_hover_text(&words);
        });
        gone
    }

    /// The model of a column, and the popover to choose another.
    fn column_model(&mut self, ui: &mut Ui, cx: &mut PaneCx, i: usize, column: usize) {
        let own = self.compare.columns[column].clone();
        let Some(model) = own.model.and_then(|id| cx.model.library.get(id)).cloned() else { return };
        let run = own.tuned.and_then(|chosen| cx.model.tuned(&chosen));
        let mut shown = match &run {
            Some((run, part)) => Shown::tuned(cx, run, part),
            None => Shown::model(cx, &model),
        };
        let state = cx.state_word(cx.model.library.state(model.id));
        let said = [("n", &(i + 1) as &dyn std::fmt::Display), ("name", &shown.name), ("state", &state)];
        shown.label = cx.tf("compare.column_model", &said);
        let response = paint_model_button(ui, cx, model.id, &shown);
        let mut choice = None;
        let now = Chosen { model: own.model, tuned: own.tuned, manages: true };
        let done = widgets::popover(&response, 360.0, |ui| self.models(ui, cx, now, &mut choice));
        let own = &mut self.compare.columns[column];
        match choice {
            Some(Offer::Model { model, .. }) => (own.model, own.tuned) = (Some(model.id), None),
            Some(Offer::Part { base, run, part }) => {
                let strength = own.tuned.filter(|old| old.run == run.id).map_or(1.0, |old| old.strength);
                let tuned = TunedSource { run: run.id, part: part.part, strength };
                (own.model, own.tuned) = (Some(base), Some(tuned));
            }
            None => {}
        }
        if done == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }

    fn column_menu(&mut self, ui: &mut Ui, cx: &PaneCx, i: usize, column: usize) -> bool {
        let button = icon_button(ui, icons::DOTS_THREE, cx.tf("compare.column_menu", &[("n", &(i + 1))]));
        let n = self.compare.columns.len();
        let full = (n >= MOST).then(|| cx.tf("compare.full", &[("n", &MOST)]));
        let few = (n <= LEAST).then(|| cx.tf("compare.few", &[("n", &LEAST)]));
        let (mut copy, mut gone) = (false, false);
        widgets::menu(&button, 200.0, |ui| {
            let row = |key: &str, icon| MenuItem::new(cx.t(key)).icon(icon);
            copy = row("compare.duplicate", icons::COPY).off(full).show(ui).clicked();
            gone = row("compare.remove", icons::TRASH).off(few).show(ui).clicked();
        });
        if copy {
            let id = self.compare.fresh_id();
            let copy = Column { id, ..self.compare.columns[column].clone() };
            self.compare.columns.insert(column + 1, copy);
        }
        gone
    }

    /// What a column has of its own.
    fn column_settings(&mut self, ui: &mut Ui, cx: &mut PaneCx, i: usize, column: usize) {
        let name = cx.tf("compare.column_settings", &[("n", &(i + 1))]);
        let button = icon_button(ui, icons::SLIDERS_HORIZONTAL, name);
        widgets::popover(&button, 320.0, |ui| {
            let height = (ui.ctx().content_rect().height() - 220.0).clamp(200.0, 560.0);
            let area = egui::ScrollArea::vertical().max_height(height).min_scrolled_height(height);
            area.show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                self.settings_ui(ui, cx, i, column);
            });
        });
    }

    fn settings_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, i: usize, column: usize) {
        let mut own = self.compare.columns[column].clone();
        tuned_ui(ui, cx, &mut own);
        let name = cx.t("compare.system_prompt");
        widgets::semibold(ui, &name);
        let id = egui::Id::unique(("column system prompt", cx.slot, own.id));
        let label = cx.tf("compare.system_prompt_of", &[("n", &(i + 1))]);
        text_area(ui, id, &label, &cx.t("compare.system_prompt_none"), 2, false, &mut own.system_prompt);
        widgets::hint(ui, cx.t("compare.system_prompt_hint"));
        widgets::divider(ui);
        let mut on = own.sampling.is_some();
        let name = cx.t("compare.own_sampling");
        ui.horizontal(|ui| {
            widgets::semibold(ui, &name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| widgets::toggle(ui, &name, &mut on));
        });
        if !on {
            widgets::hint(ui, cx.t("compare.own_sampling_hint"));
        }
        own.sampling = on.then(|| own.sampling.take().unwrap_or_else(|| self.sampling.spec(cx)));
        if let Some(spec) = &mut own.sampling {
            self.sampling_numbers(ui, cx, spec);
        }
        self.compare.columns[column] = own;
    }

    /// One more, of a model that is in none if there is one.
    pub(super) fn add_column(&mut self, cx: &PaneCx) {
        if self.compare.columns.len() >= MOST {
            return;
        }
        let id = self.compare.fresh_id();
        let taken = |model: &ModelId| self.compare.columns.iter().any(|column| column.model == Some(*model));
        let free = cx.model.library.models().iter().map(|model| model.id).find(|model| !taken(model));
        let model = free.or(self.compare.columns.last().and_then(|column| column.model));
        self.compare.columns.push(Column { id, model, ..Column::default() });
    }

    /// Takes a column away, and its answer out of the round in sight.
    pub(super) fn remove_column(&mut self, place: Place, round: Option<&mut Round>) {
        if let Some(column) = place.column.filter(|_| self.compare.columns.len() > LEAST) {
            self.compare.columns.remove(column);
            if let (Some(seat), Some(round)) = (place.seat, round) {
                round.seats.remove(seat);
            }
        }
    }
}

/// Which weights of a run, and how strong.
fn tuned_ui(ui: &mut Ui, cx: &PaneCx, own: &mut Column) {
    let Some((run, chosen)) =
        own.tuned.as_mut().and_then(|chosen| Some((cx.model.tuned(chosen)?.0.clone(), chosen)))
    else {
        return;
    };
    widgets::semibold(ui, cx.t("playground.tuned"));
    let parts = cx.model.parts(&run);
    let options: Vec<(RunPart, String)> = parts.iter().map(|part| (part.part, cx.part_words(part))).collect();
    let name = cx.t("playground.tuned_part");
    Select::new(&name).width(ui.available_width()).show(ui, &mut chosen.part, &options);
    if tuned::is_adapter(&run) {
        let (name, hint) = (cx.t("playground.strength"), cx.t("playground.strength_hint"));
        slider_row(ui, &name, &mut chosen.strength, 0.0..=1.0, 2, &hint);
    } else {
        widgets::hint(ui, cx.t("playground.whole_weights"));
    }
    widgets::divider(ui);
}

/// Who sits here: a letter while names are hidden.
fn seat_head(ui: &mut Ui, cx: &PaneCx, round: &Round, seat: usize) {
    let t = cx.theme.tokens;
    let one = &round.seats[seat];
    ui.horizontal(|ui| {
        ui.set_height(size::CONTROL);
        if round.blind {
            ui.label(Type::Figure.semibold(letter(seat), t.text_1));
        }
        if !round.hides() {
            widgets::bead(ui, one.head.color);
            let won = round.decided == Some(Decided::Vote(Some(seat)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if won {
                    widgets::badge(ui, Tone::Ok, icons::CHECK, cx.t("compare.won"));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::truncated(ui, Type::Body.semibold(&one.head.name, t.text_1));
                });
            });
        }
    });
    ui.add_space(4.0);
    let words = match (round.hides(), one.head.detail.is_empty()) {
        (true, _) => cx.t("compare.hidden"),
        (false, true) => cx.t("compare.as_all"),
        (false, false) => one.head.detail.clone(),
    };
    widgets::truncated(ui, Type::Hint.text(&words, t.text_3)).on_hover_text(&words);
}

/// How `own` is unlike `all`, in words; its preset's name where it is one.
pub(super) fn differences(cx: &PaneCx, own: &SamplingSpec, all: &SamplingSpec) -> Vec<String> {
    let of = |name: &str, value: String| format!("{} {value}", cx.t(name).to_lowercase());
    let off = || cx.t("playground.off").to_lowercase();
    let mut words = Vec::new();
    let preset = SamplingPreset::of(own).filter(|preset| SamplingPreset::of(all) != Some(*preset));
    if let Some(preset) = preset {
        words.push(cx.t(super::super::sampling::preset_key(preset)));
    } else {
        if own.temperature != all.temperature {
            words.push(of("playground.temperature", format!("{:.2}", own.temperature)));
        }
        if own.top_p != all.top_p {
            words.push(of("playground.top_p", own.top_p.map_or_else(off, |p| format!("{p:.2}"))));
        }
        if own.top_k != all.top_k {
            words.push(of("playground.top_k", own.top_k.map_or_else(off, |k| k.to_string())));
        }
        if own.min_p != all.min_p {
            words.push(of("playground.min_p", own.min_p.map_or_else(off, |p| format!("{p:.2}"))));
        }
        if own.repetition_penalty != all.repetition_penalty {
            words.push(of("playground.repetition", format!("{:.2}", own.repetition_penalty)));
        }
    }
    if own.max_new_tokens != all.max_new_tokens {
        words.push(of("playground.length_limit", own.max_new_tokens.to_string()));
    }
    if own.seed.is_some() && own.seed != all.seed {
        words.extend(own.seed.map(|seed| of("playground.seed", seed.to_string())));
    }
    let plain = |spec: &SamplingSpec| SamplingSpec {
        seed: None,
        json_schema: None,
        max_new_tokens: 0,
        repetition_penalty: 1.0,
        temperature: 0.0,
        top_k: None,
        top_p: None,
        min_p: None,
        ..spec.clone()
    };
    if plain(own) != plain(all) {
        words.push(cx.t("compare.more_differs"));
    }
    words
}
