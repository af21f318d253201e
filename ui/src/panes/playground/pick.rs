//! What can be chosen in the models' popover, which is also where models are renamed and removed.

use super::Playground;
use crate::action::{Open, Toast, ToastAction};
use crate::model::{Offer, PickFor};
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::widgets::{self, Field, PickRow, PickWords, icon_button};
use egui::Ui;
use glassworks_protocol::Edit;
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TunedSource;
use std::sync::Arc;

/// What is chosen now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Chosen {
    pub model: Option<ModelId>,
    pub tuned: Option<TunedSource>,
    /// Models can be renamed and removed here.
    pub manages: bool,
}

impl Chosen {
    fn is(&self, offer: &Offer) -> bool {
        match offer {
            Offer::Model { model, .. } => self.model == Some(model.id) && self.tuned.is_none(),
            Offer::Part { run, part, .. } => {
                self.tuned.is_some_and(|tuned| tuned.run == run.id && tuned.part == part.part)
            }
        }
    }
}

/// What is done to a model of the list.
enum Asked {
    Rename(ModelId, String),
    Remove(Arc<ModelRecord>),
}

impl Playground {
    /// All that can be chosen; says what was.
    pub(super) fn entries_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, now: Chosen) -> Option<Offer> {
        let mut offers = cx.model.offers(PickFor::Talk);
        let rows: Vec<PickRow> = offers.iter().map(|offer| cx.offer_row(offer, now.is(offer))).collect();
        let (find, none) = (cx.t("playground.find_model"), cx.t("playground.no_model_found"));
        let words = PickWords { find: &find, none: &none };
        let (renaming, mut asked) = (&mut self.header.renaming, None);
        let at =
            widgets::pick_list(
                ui,
                words,
                &rows,
                &mut self.header.search,
                &mut |ui, at, row| match &offers[at] {
                    Offer::Model { model, .. } if now.manages && !model.starter => {
                        managed_row(ui, cx, model, row, renaming, &mut asked)
                    }
                    _ => row.show(ui, ui.available_width()).clicked(),
                },
            );
        match asked {
            Some(Asked::Rename(model, name)) => cx.edit(Edit::RenameModel { model, name }),
            Some(Asked::Remove(model)) => {
                cx.edit(Edit::RemoveModel(model.id));
                let text = Text::new("playground.model_removed").arg("name", &model.name);
                let back = ToastAction::Open(Open::Path(model.path.clone()));
                cx.toast(Toast::new(text).icon(icons::TRASH).action(Text::new("shell.undo"), back));
            }
            None => {}
        }
        at.map(|at| offers.swap_remove(at))
    }
}

/// A model with buttons to rename and remove it, or the field its name is written in; whether it was chosen.
fn managed_row(
    ui: &mut Ui,
    cx: &PaneCx,
    model: &Arc<ModelRecord>,
    row: &PickRow,
    renaming: &mut Option<(ModelId, String)>,
    asked: &mut Option<Asked>,
) -> bool {
    if renaming.as_ref().is_some_and(|(id, _)| *id == model.id) {
        *asked = rename_field(ui, cx, renaming).or(asked.take());
        return false;
    }
    let width = ui.available_width() - 2.0 * (size::CONTROL_SMALL + 2.0);
    let shown = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let chosen = row.show(ui, width).clicked();
        let rename = cx.tf("playground.rename_model", &[("name", &model.name)]);
        if icon_button(ui, icons::PENCIL_SIMPLE, rename).clicked() {
            *renaming = Some((model.id, model.name.clone()));
        }
        let remove = cx.tf("playground.remove_model", &[("name", &model.name)]);
        if icon_button(ui, icons::TRASH, remove).clicked() {
            *asked = Some(Asked::Remove(Arc::clone(model)));
        }
        chosen
    });
    shown.inner
}

fn rename_field(ui: &mut Ui, cx: &PaneCx, renaming: &mut Option<(ModelId, String)>) -> Option<Asked> {
    let (id, name) = renaming.as_mut()?;
    let field = egui::Id::unique(("rename model", cx.slot));
    let label = cx.t("playground.model_name");
    let response = Field::new(&label).id(field).width(ui.available_width()).show(ui, name);
    if !response.has_focus() && !response.lost_focus() {
        response.request_focus();
    }
    if !response.lost_focus() {
        return None;
    }
    let (id, name) = (*id, name.trim().to_owned());
    *renaming = None;
    let kept = !name.is_empty() && !ui.input(|i| i.key_pressed(egui::Key::Escape));
    kept.then_some(Asked::Rename(id, name))
}
