//! The fine-tune pane: three choices, a preset and a button; the rest folded below, what it takes beside.

mod choices;
mod cost;
mod data;
mod draft;
mod facts;
mod findings;
mod form;
mod open_recipe;
mod recipe;
mod rows;

use super::{Pane, PaneCx};
use crate::action::{Action, Open, Toast};
use crate::command::UiCommand;
use crate::model::Listed;
use crate::theme::{icons, size};
use crate::widgets::tiles::{self, TileSizes};
use crate::widgets::{self, Button, SpecForm};
use data::DataDialog;
use draft::Draft;
use egui::Ui;
use facts::Facts;
use findings::Findings;
use glassworks_protocol::datasets::DatasetQuery;
use glassworks_protocol::ids::{JobId, RunId};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{TrainJob, TrainSpec};
use glassworks_protocol::{JobSpec, Query};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The widest the form gets.
const WIDTH: f32 = 1040.0;
const INSPECTOR: f32 = 320.0;

pub struct Finetune {
    draft: Draft,
    form: SpecForm,
    /// Keys of the groups that are unfolded.
    open: BTreeSet<String>,
    findings: Findings,
    data: DataDialog,
    recipe_shown: bool,
    opener: open_recipe::OpenRecipe,
    /// The run that was started here last.
    run: Option<JobId>,
    sizes: TileSizes,
    drawer: bool,
}

impl Default for Finetune {
    fn default() -> Self {
        Self {
            draft: Draft::default(),
            form: SpecForm::default(),
            open: BTreeSet::new(),
            findings: Findings::default(),
            data: DataDialog::default(),
            recipe_shown: false,
            opener: open_recipe::OpenRecipe::default(),
            run: None,
            sizes: TileSizes { inspector: INSPECTOR, ..TileSizes::default() },
            drawer: false,
        }
    }
}

impl Pane for Finetune {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.draft.settle(cx);
        if *cx.model.datasets.listed() == Listed::NotAsked {
            cx.fetch(Query::Dataset(DatasetQuery::All));
        }
        self.findings.follow(ui.ctx(), cx, &self.draft.spec);
        let mut facts = self.facts(cx);
        if let (Some(model), Some(report)) = (&facts.model, facts.data.known())
            && self.draft.fit(&model.card, report)
        {
            facts = self.facts(cx);
        }
        if facts.estimate.is_some() && cx.model.wants_disk() {
            cx.fetch(Query::Disk);
        }
        let folded = cx.folds_inspector();
        let columns = tiles::columns(ui, &mut self.sizes, false, !folded);
        tiles::tile(ui, "main", columns.main, |ui| self.main(ui, cx, &facts, folded));
        match columns.inspector {
            Some(rect) => tiles::tile(ui, "cost", rect, |ui| self.cost(ui, cx, &facts)),
            None => {
                let mut open = self.drawer;
                tiles::drawer(ui, "cost", columns.main, INSPECTOR, &mut open, |ui| self.cost(ui, cx, &facts));
                self.drawer = open;
            }
        }
        self.data_dialog(ui.ctx(), cx);
        self.recipe_dialog(ui.ctx(), cx, &facts);
        self.open_recipe_dialog(ui.ctx(), cx);
    }

    fn command(&mut self, command: UiCommand, _: &mut PaneCx) -> bool {
        let mine = command == UiCommand::Inspector;
        self.drawer ^= mine;
        mine
    }

    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        match open {
            Open::Path(path) if path.extension().is_some_and(|ending| ending == "toml") => {
                cx.push(Action::ReadRecipe(path.clone()));
                true
            }
            Open::Path(path) => self.drop_file(path, cx),
            Open::Recipe(file) => {
                self.take_recipe(cx, file);
                true
            }
            Open::LearnFrom(id) => {
                let Some(record) = cx.model.datasets.get(*id).cloned() else { return false };
                self.draft.take_dataset(&record);
                let text = Text::new("finetune.dataset_taken").arg("name", &record.name);
                cx.toast(Toast::new(text).icon(icons::CHECK));
                true
            }
            Open::Learn(report) => {
                self.take_rows(cx, report);
                true
            }
            _ => false,
        }
    }

    fn save(&self) -> Option<Value> {
        Some(json!({ "draft": self.draft.save(), "open": self.open, "sizes": self.sizes }))
    }

    fn restore(&mut self, kept: &Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.draft = Draft::restore(&part("draft"));
        self.open = serde_json::from_value(part("open")).unwrap_or_default();
        self.sizes = serde_json::from_value(part("sizes")).unwrap_or(self.sizes);
    }
}

impl Finetune {
    fn main(&mut self, ui: &mut Ui, cx: &mut PaneCx, facts: &Facts, folded: bool) {
        let tip = cx.tip(ui, UiCommand::Inspector);
        tiles::header(
            ui,
            |ui| {
                if folded {
                    let before = Button::quiet(cx.t("finetune.before")).icon(icons::SLIDERS_HORIZONTAL);
                    if before.tooltip(tip).show(ui).clicked() {
                        self.drawer = !self.drawer;
                    }
                }
                if Button::quiet(cx.t("finetune.show_recipe")).icon(icons::CODE).show(ui).clicked() {
                    self.recipe_shown = true;
                }
                if Button::quiet(cx.t("finetune.open_recipe")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
                    self.opener.show();
                }
            },
            |ui| {
                widgets::title(ui, cx.t("shell.pane_finetune"));
                widgets::truncated(
                    ui,
                    crate::theme::Type::Hint.text(self.draft.spec.name.as_str(), cx.theme.tokens.text_3),
                );
            },
        );
        let tile = ui.max_rect();
        let runs = facts.training.is_some() || self.run.is_some();
        let foot = if runs { FOOT_WITH_RUN } else { FOOT };
        tiles::scroll(ui, "form", if folded { foot } else { 0.0 }, |ui| {
            ui.set_max_width(WIDTH.min(ui.available_width()));
            self.choices(ui, cx, facts);
            self.data_trouble(ui, cx, facts);
            ui.add_space(4.0);
            self.presets(ui, cx, facts);
            ui.add_space(8.0);
            self.groups(ui, cx, facts);
        });
        if folded {
            let rect = egui::Rect::from_min_max(egui::pos2(tile.left(), tile.bottom() - foot), tile.max);
            let line = egui::Stroke::new(1.0, cx.theme.tokens.line_soft);
            ui.painter().hline(rect.x_range(), rect.top(), line);
            let inner = rect.shrink2(egui::vec2(size::PADDING, 10.0));
            let builder = egui::UiBuilder::new().id_salt("foot").max_rect(inner);
            let mut child = ui.new_child(builder.layout(egui::Layout::top_down(egui::Align::Min)));
            child.spacing_mut().item_spacing.y = 6.0;
            // While the drawer is open it has the button.
            if !self.drawer {
                self.start(&mut child, cx, facts);
            }
        }
    }

    fn begin(&mut self, cx: &mut PaneCx) {
        let mut spec = Box::new(self.draft.spec.clone());
        if spec.scratch().is_some() {
            // The model chosen for another goal has no part in it.
            spec.model = TrainSpec::default().model;
        }
        self.run = Some(cx.start(JobSpec::Train(TrainJob::New { run: RunId::mint(), spec })));
    }
}

/// Room for the start button below the form, where the inspector is a drawer.
const FOOT: f32 = 84.0;
/// The same while there is a run to show instead.
const FOOT_WITH_RUN: f32 = 120.0;
