//! What can be chosen in the models' popover: the library's models, and under each what runs made of it.

use super::Playground;
use super::tuned::{self, part_tip};
use crate::model::Part;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, size};
use crate::widgets::{self, Field};
use egui::{Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::ids::{ModelId, RunId};
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::train::{RunPart, RunRecord, TunedSource};
use std::sync::Arc;

/// From so many rows on there is a field to search them.
const SEARCHED_FROM: usize = 9;
/// Rows in sight.
const MOST_HEIGHT: f32 = 400.0;
const INDENT: f32 = 20.0;

enum Entry {
    /// A model; one that a run made whole stands under its base.
    Model { model: Arc<ModelRecord>, under: bool },
    /// Weights of a run.
    Part { base: ModelId, run: Arc<RunRecord>, part: Part },
}

impl Entry {
    fn is_about(&self, search: &str) -> bool {
        let name = match self {
            Self::Model { model, .. } => &model.name,
            Self::Part { run, .. } => &run.name,
        };
        name.to_lowercase().contains(search)
    }
}

/// All there is, each run under its base.
fn entries(cx: &PaneCx) -> Vec<Entry> {
    let library = cx.model.library.models();
    let base_of = |model: &ModelRecord| {
        let run = cx.model.maker_of(model)?;
        cx.model.base_of(run).map(|base| base.id).filter(|base| *base != model.id)
    };
    let mut all = Vec::new();
    for base in library.iter().filter(|model| base_of(model).is_none()) {
        all.push(Entry::Model { model: Arc::clone(base), under: false });
        for model in library.iter().filter(|model| base_of(model) == Some(base.id)) {
            all.push(Entry::Model { model: Arc::clone(model), under: true });
        }
        for (run, parts) in cx.model.runs_of(base) {
            let one = |part| Entry::Part { base: base.id, run: Arc::clone(run), part };
            all.extend(parts.into_iter().map(one));
        }
    }
    all
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Choice {
    Model(ModelId),
    Tuned { base: ModelId, run: RunId, part: RunPart },
}

/// What is chosen now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Chosen {
    pub model: Option<ModelId>,
    pub tuned: Option<TunedSource>,
    /// Models can be renamed and removed here.
    pub manages: bool,
}

impl Playground {
    /// All that can be chosen; says what was.
    pub(super) fn entries_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, now: Chosen) -> Option<Choice> {
        let mut all = entries(cx);
        if all.len() >= SEARCHED_FROM {
            let name = cx.t("playground.find_model");
            Field::new(&name)
                .placeholder(&name)
                .width(ui.available_width())
                .show(ui, &mut self.header.search);
            ui.add_space(6.0);
            let search = self.header.search.trim().to_lowercase();
            all.retain(|entry| search.is_empty() || entry.is_about(&search));
        }
        if all.is_empty() {
            widgets::hint(ui, cx.t("playground.no_model_found"));
        }
        let mut done = None;
        let area = egui::ScrollArea::vertical().max_height(MOST_HEIGHT);
        area.show_rows(ui, size::ROW, all.len(), |ui, rows| {
            for entry in &all[rows] {
                let (clicked, choice) = match entry {
                    Entry::Model { model, under } => {
                        let selected = now.model == Some(model.id) && now.tuned.is_none();
                        let row = (selected, now.manages);
                        (self.model_entry(ui, cx, model, *under, row), Choice::Model(model.id))
                    }
                    Entry::Part { base, run, part } => {
                        let chosen = |tuned: TunedSource| tuned.run == run.id && tuned.part == part.part;
                        let selected = now.tuned.is_some_and(chosen);
                        let width = ui.available_width();
                        let choice = Choice::Tuned { base: *base, run: run.id, part: part.part };
                        (part_row(ui, cx, run, part, selected, width).clicked(), choice)
                    }
                };
                done = done.or(clicked.then_some(choice));
            }
        });
        done
    }

    fn model_entry(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        model: &Arc<ModelRecord>,
        under: bool,
        row: (bool, bool),
    ) -> bool {
        if !under {
            return self.model_row(ui, cx, model, row);
        }
        let shown = ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(INDENT);
            self.model_row(ui, cx, model, row)
        });
        shown.inner
    }
}

/// `tutor, patient            best, step 350`, under its base.
fn part_row(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, part: &Part, selected: bool, width: f32) -> Response {
    let t = cx.theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::ROW), Sense::click());
    let words = tuned::part_words(cx, part);
    let label = cx.tf("playground.part_row", &[("name", &run.name), ("part", &words)]);
    response.widget_info(|| WidgetInfo::selected(Role::MenuItemRadio, true, selected, &label));
    let fill = match (selected, response.hovered() || response.has_focus()) {
        (true, _) => t.selected,
        (_, true) => t.hover,
        _ => egui::Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, f32::from(size::RADIUS_TAG), fill);
    let y = rect.center().y;
    let live = cx.model.run_state(run).is_live();
    widgets::paint_bead(ui, pos2(rect.left() + INDENT + 12.0, y), live.then_some(t.warm));
    let detail = widgets::galley(ui, words, Type::Hint.font(Weight::Regular), t.text_3);
    let mut job = egui::text::LayoutJob::simple_singleline(
        run.name.clone(),
        Type::Body.font(Weight::Regular),
        t.text_1,
    );
    let left = rect.left() + INDENT + 24.0;
    let right = rect.right() - 8.0 - detail.size().x;
    job.wrap = egui::text::TextWrapping::truncate_at_width((right - left - 12.0).max(40.0));
    let name = ui.painter().layout_job(job);
    ui.painter().galley(pos2(left, y - name.size().y / 2.0), name, t.text_1);
    ui.painter().galley(pos2(right, y - detail.size().y / 2.0), detail, t.text_3);
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.on_hover_text(part_tip(cx, run, part))
}
