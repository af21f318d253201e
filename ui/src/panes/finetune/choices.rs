//! The three choices and the presets: cards side by side, one below the other where there is little room.

use super::Finetune;
use super::facts::{Facts, Fit};
use super::findings::Answer;
use crate::action::Action;
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, MenuItem, Tone, choice_card, choice_heading, three_cards};
use egui::{Align, Layout, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};
use glassworks_protocol::dataset::{DataReport, DataSpec, LabelCount};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::train::{
    ClassWeights, ClassificationSpec, PRESETS, Preset, SIZES, ScratchSpec, TaskSpec,
};

const CHOICE_HEIGHT: f32 = 136.0;
const PRESET_HEIGHT: f32 = 84.0;
/// Labels that are named on the card.
const FEW_LABELS: usize = 6;
/// What can be learned, in the order of the menu.
const GOALS: [TaskSpec; 3] = [
    TaskSpec::Chat,
    TaskSpec::Text,
    TaskSpec::Classification(ClassificationSpec { class_weights: ClassWeights::None }),
];

impl Finetune {
    pub(super) fn choices(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        let [model, data, goal] = three_cards(ui, CHOICE_HEIGHT);
        let mut inner = choice_card(ui, "model", model, false);
        match self.draft.spec.scratch().copied() {
            Some(made) => self.size_card(&mut inner, cx, facts, made),
            None => self.model_card(&mut inner, cx, facts),
        }
        let mut inner = choice_card(ui, "data", data, false);
        self.data_card(&mut inner, cx, facts);
        let mut inner = choice_card(ui, "goal", goal, false);
        self.goal_card(&mut inner, cx, facts);
    }

    fn model_card(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        let name = cx.t("finetune.change_model");
        let button = choice_heading(ui, 1, &cx.t("finetune.model"), &cx.t("finetune.change"), &name);
        let chosen = widgets::menu(&button, 280.0, |ui| {
            let mut chosen = None;
            let (only_run, tuned): (Vec<_>, Vec<_>) =
                cx.model.library.models().iter().partition(|model| model.card.run_only);
            for model in tuned {
                let selected = self.draft.model() == Some(model.id);
                let hint = format!("{}  {}", model.card.weight_type, units::size(model.card.size_bytes));
                if MenuItem::new(&model.name).hint(hint).selected(selected).show(ui).clicked() {
                    chosen = Some(ModelSource::Library(model.id));
                }
            }
            if !only_run.is_empty() {
                menu_heading(ui, &cx.t("finetune.only_run"));
            }
            for model in only_run {
                let item = MenuItem::new(&model.name).hint(&model.card.architecture);
                item.off(cx.runs_only(&model.card)).show(ui);
            }
            widgets::divider(ui);
            let other = MenuItem::new(cx.t("finetune.other_model")).icon(icons::FOLDER_OPEN);
            if other.show(ui).clicked() {
                cx.push(Action::Run(UiCommand::OpenModel));
            }
            chosen
        });
        if let Some(source) = chosen.flatten() {
            self.draft.spec.model = source;
        }
        let Some(model) = &facts.model else {
            widgets::choice_title(ui, &cx.t("finetune.no_model"));
            return;
        };
        widgets::choice_title(ui, &model.name);
        let kind = cx.t(if model.card.is_chat() { "finetune.chat_model" } else { "finetune.base_model" });
        let weights = units::count(model.card.n_params);
        widgets::choice_hint(ui, &cx.tf("finetune.model_line", &[("kind", &kind), ("weights", &weights)]));
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            match facts.memory.as_ref().map(|memory| memory.fit()) {
                _ if model.card.run_only => {
                    let why = cx.runs_only(&model.card).unwrap_or_default();
                    widgets::badge(ui, Tone::Danger, icons::X, cx.t("model.runs_only")).on_hover_text(why);
                }
                Some(fit) => fit_badge(ui, cx, fit),
                None => {
                    widgets::tag(ui, Tone::Plain, model.card.weight_type.as_str());
                }
            }
            if let Some(license) = &model.card.license {
                widgets::tag(ui, Tone::Plain, license.as_str());
            }
        });
    }

    /// In place of the model, where it is made: how large it becomes.
    fn size_card(&mut self, ui: &mut Ui, cx: &PaneCx, facts: &Facts, made: ScratchSpec) {
        let weights = |made: ScratchSpec| units::count(made.n_params());
        let name = cx.t("finetune.change_size");
        let button = choice_heading(ui, 1, &cx.t("train.field.size"), &cx.t("finetune.change"), &name);
        let chosen = widgets::menu(&button, 280.0, |ui| {
            let mut chosen = None;
            for row in &SIZES {
                let one = ScratchSpec { size: row.size, ..made };
                let hint = cx.tf("finetune.n_weights", &[("weights", &weights(one))]);
                let item = MenuItem::new(cx.t(row.label)).hint(hint).selected(row.size == made.size);
                if item.show(ui).clicked() {
                    chosen = Some(one);
                }
            }
            chosen
        });
        if let Some(one) = chosen.flatten() {
            self.draft.spec.task = TaskSpec::Scratch(one);
        }
        widgets::choice_title(ui, &cx.t(made.size.row().label));
        widgets::choice_hint(ui, &cx.tf("finetune.size_line", &[("weights", &weights(made))]));
        ui.add_space(4.0);
        if let Some(memory) = &facts.memory {
            fit_badge(ui, cx, memory.fit());
        }
    }

    fn data_card(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        let name = cx.t("finetune.change_data");
        if self.draft.spec.data.is_empty() {
            ui.horizontal(|ui| widgets::mono(ui, format!("2 {}", cx.t("finetune.data"))));
            widgets::choice_title(ui, &cx.t("finetune.no_data"));
            ui.label(Type::Hint.text(cx.t("finetune.no_data_sentence"), cx.theme.tokens.text_2));
            ui.add_space(2.0);
            // The one accent of the pane until it can start.
            if Button::accent(cx.t("finetune.choose")).small().name(name).show(ui).clicked() {
                self.data.open();
            }
            return;
        }
        if choice_heading(ui, 2, &cx.t("finetune.data"), &cx.t("finetune.change"), &name).clicked() {
            self.data.open();
        }
        widgets::choice_title(ui, &data_name(cx, &self.draft.spec.data));
        match &facts.data {
            Answer::Known(report) => data_facts(ui, cx, report),
            Answer::Working(job) => {
                let title = cx.t("finetune.title_check");
                let fraction = job.progress.as_ref().and_then(|progress| progress.fraction());
                ui.horizontal(|ui| {
                    widgets::hint(ui, cx.t("finetune.reading"));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let stop = Button::control(cx.t("shell.stop")).small();
                        if stop.name(cx.tf("shell.stop_job", &[("name", &title)])).show(ui).clicked() {
                            cx.cancel(job.id);
                        }
                    });
                });
                let warm = cx.theme.tokens.warm;
                widgets::progress_bar(ui, &title, ui.available_width(), fraction, warm);
            }
            Answer::Failed(_) => {
                widgets::badge(ui, Tone::Danger, icons::WARNING_CIRCLE, cx.t("finetune.unusable"));
            }
            Answer::Stopped => {
                if Button::control(cx.t("finetune.read_data")).small().show(ui).clicked() {
                    self.findings.check_again();
                }
            }
            Answer::None => {
                widgets::hint(ui, cx.t("finetune.reading"));
            }
        }
    }

    fn goal_card(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts) {
        let name = cx.t("finetune.change_goal");
        let button = choice_heading(ui, 3, &cx.t("finetune.goal"), &cx.t("finetune.change"), &name);
        let chosen = widgets::menu(&button, 280.0, |ui| {
            let mut chosen = None;
            let made = self.draft.spec.scratch().copied().unwrap_or_default();
            for task in GOALS.into_iter().chain([TaskSpec::Scratch(made)]) {
                let (title, hint) = goal_keys(task);
                let selected = goal_keys(self.draft.spec.task) == goal_keys(task);
                if MenuItem::new(cx.t(title)).hint(cx.t(hint)).selected(selected).show(ui).clicked() {
                    chosen = Some(task);
                }
            }
            chosen
        });
        if let Some(task) =
            chosen.flatten().filter(|task| goal_keys(*task) != goal_keys(self.draft.spec.task))
        {
            self.draft.choose_goal(task);
            self.form.forget();
        }
        let (title, hint) = goal_keys(self.draft.spec.task);
        widgets::choice_title(ui, &cx.t(title));
        ui.label(Type::Hint.text(cx.t(hint), cx.theme.tokens.text_2));
        if let Some(report) = facts.data.known() {
            ui.add_space(4.0);
            if !report.labels.is_empty() {
                labels(ui, cx, report);
                return;
            }
            let share = 100.0 * report.n_targets as f64 / report.n_tokens.max(1) as f64;
            let share = format!("{share:.0}");
            widgets::tag(ui, Tone::Plain, cx.tf("finetune.learned_share", &[("share", &share)]));
        }
    }

    pub(super) fn presets(&mut self, ui: &mut Ui, cx: &PaneCx, facts: &Facts) {
        let places = three_cards(ui, PRESET_HEIGHT);
        for (preset, rect) in PRESETS.iter().zip(places) {
            let selected = self.draft.preset == preset.id;
            let steps = facts.card.as_ref().zip(facts.data.known()).map(|(card, report)| {
                let n = preset.applied_to(&self.draft.spec).estimate(card, report).n_steps;
                preset.steps_for(&self.draft.spec, card, report).unwrap_or(n)
            });
            let made = self.draft.spec.scratch().is_some();
            let hint =
                if made { format!("{}_made_hint", preset.label) } else { format!("{}_hint", preset.label) };
            if preset_card(ui, cx, preset, rect, selected, steps, &cx.t(&hint)).clicked() {
                self.draft.choose_preset(preset.id);
                self.form.forget();
            }
        }
    }
}

fn preset_card(
    ui: &mut Ui,
    cx: &PaneCx,
    preset: &Preset,
    rect: Rect,
    selected: bool,
    steps: Option<u64>,
    hint: &str,
) -> Response {
    let t = cx.theme.tokens;
    let name = cx.t(preset.label);
    let response = ui.interact(rect, ui.make_persistent_id(preset.label), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, selected, &name));
    let mut inner = choice_card(ui, preset.label, rect, selected);
    if response.hovered() && !selected {
        ui.painter().rect_filled(rect.shrink(1.0), f32::from(size::RADIUS_TILE), t.hover);
    }
    let words = widgets::galley(&inner, &name, Type::Body.font(Weight::Semibold), t.text_1);
    let (_, line) = inner.allocate_space(vec2(inner.available_width(), 20.0));
    inner.painter().galley(line.min, words, t.text_1);
    if let Some(steps) = steps {
        let words = cx.tf("finetune.n_steps", &[("n", &units::grouped(steps))]);
        let words = widgets::galley(&inner, words, Type::Hint.mono(Weight::Regular), t.text_2);
        let at = egui::pos2(line.right() - words.size().x, line.top() + 2.0);
        inner.painter().galley(at, words, t.text_2);
    }
    inner.label(Type::Hint.text(hint, t.text_2));
    widgets::focus_ring(ui, &response, rect);
    response
}

fn goal_keys(task: TaskSpec) -> (&'static str, &'static str) {
    match task {
        TaskSpec::Chat => ("finetune.goal_chat", "finetune.goal_chat_hint"),
        TaskSpec::Text => ("finetune.goal_text", "finetune.goal_text_hint"),
        TaskSpec::Scratch(_) => ("finetune.goal_scratch", "finetune.goal_scratch_hint"),
        TaskSpec::Classification(_) => ("finetune.goal_classification", "finetune.goal_classification_hint"),
    }
}

/// Words before rows of a menu that have something in common.
fn menu_heading(ui: &mut Ui, words: &str) {
    widgets::divider(ui);
    let margin = egui::Margin { left: 32, right: 8, top: 6, bottom: 2 };
    egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        // Rows of a menu are as wide as it is; words are not drawn apart for that.
        ui.with_layout(Layout::top_down(Align::Min), |ui| widgets::hint(ui, words));
    });
}

/// How many labels there are, and each with its rows on hover.
fn labels(ui: &mut Ui, cx: &PaneCx, report: &DataReport) {
    let words = cx.tf("finetune.n_labels", &[("n", &report.labels.len())]);
    let line = |label: &LabelCount| {
        let n = units::grouped(label.n_train + label.n_validation);
        cx.tf("finetune.labels_of", &[("name", &label.name), ("n", &n)])
    };
    let all: Vec<String> = report.labels.iter().map(line).collect();
    ui.horizontal(|ui| {
        widgets::tag(ui, Tone::Plain, words).on_hover_text(all.join("\n"));
        let few = all.iter().take(FEW_LABELS).cloned().collect::<Vec<_>>().join(&cx.t("finetune.comma"));
        let more = if all.len() > FEW_LABELS { "…" } else { "" };
        widgets::choice_hint(ui, &format!("{few}{more}"));
    });
}

pub(super) fn fit_badge(ui: &mut Ui, cx: &PaneCx, fit: Fit) {
    let (tone, icon, key) = match fit {
        Fit::Fits => (Tone::Ok, icons::CHECK, "finetune.fits"),
        Fit::Tight => (Tone::Warn, icons::WARNING, "finetune.tight"),
        Fit::TooLarge => (Tone::Danger, icons::X, "finetune.too_large"),
    };
    widgets::badge(ui, tone, icon, cx.t(key));
}

/// The dataset's name, or the first file's, and how many more there are.
fn data_name(cx: &PaneCx, data: &DataSpec) -> String {
    // A dataset may be called otherwise by now.
    let dataset = data.dataset.as_ref().and_then(|dataset| cx.model.datasets.get(dataset.id?));
    if let Some(record) = dataset {
        return record.name.clone();
    }
    match data.names().as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => cx.tf("finetune.and_more", &[("name", first), ("n", &rest.len())]),
    }
}

fn data_facts(ui: &mut Ui, cx: &PaneCx, report: &DataReport) {
    let rows = units::grouped(report.n_train);
    let tokens = units::count(report.n_tokens);
    widgets::choice_hint(ui, &cx.tf("finetune.data_line", &[("rows", &rows), ("tokens", &tokens)]));
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if report.n_left_out > 0 {
            let words = cx.tf("finetune.left_out", &[("n", &units::grouped(report.n_left_out))]);
            widgets::badge(ui, Tone::Warn, icons::WARNING, words);
        }
        if report.n_truncated > 0 {
            let words = cx.tf("finetune.cut", &[("n", &units::grouped(report.n_truncated))]);
            widgets::badge(ui, Tone::Warn, icons::WARNING, words);
        }
        if report.n_validation > 0 {
            let words = cx.tf("finetune.held_out", &[("n", &units::grouped(report.n_validation))]);
            widgets::tag(ui, Tone::Plain, words);
        }
    });
}
