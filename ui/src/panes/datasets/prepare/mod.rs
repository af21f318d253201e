//! Changes to many rows, step by step: each with its form, what it would do with rows before and after, and the button
//! that carries it out as one version. Also searching and replacing.

mod augment;
mod balance;
mod carry_out;
mod clean;
mod draft;
mod outcome;
mod parts;
mod privacy;
mod remedy;
pub mod replace;
mod samples;
mod split;
mod step;
mod trial;
mod write;

pub use remedy::Remedy;
pub use replace::Replace;

use super::overview::NEAR;
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::units;
use crate::widgets::{self, segments};
use carry_out::CarryOut;
use draft::{Draft, Step};
use egui::Ui;
use glassworks_protocol::datasets::transform::{Transform, TransformReport};
use glassworks_protocol::datasets::{DatasetRecord, RowId};
use glassworks_protocol::ids::DatasetId;
use std::sync::Arc;
use trial::Trial;

/// Datasets up to this size are looked through at every change of a form.
const SMALL_ROWS: u64 = 20_000;
const WIDEST: f32 = 1180.0;

/// Which rows there are to change.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub record: &'a DatasetRecord,
    /// Those that the filters leave; `None` while there is no filter.
    pub filtered: Option<&'a Arc<Vec<RowId>>>,
}

/// What a person does in the tab.
#[derive(Default)]
pub struct Prepare {
    dataset: Option<DatasetId>,
    draft: Option<Draft>,
    open: Option<Step>,
    /// Change the filtered rows alone.
    filtered: bool,
    trial: Trial,
    carry_out: CarryOut,
    /// What was carried out last, while its form is as it was.
    done: Option<(Transform, Arc<TransformReport>)>,
    /// A step that was opened from elsewhere is to be seen.
    scroll: bool,
}

impl Prepare {
    /// Opens a step, set up to mend something.
    pub fn mend(&mut self, cx: &mut PaneCx, record: &DatasetRecord, remedy: Remedy) {
        self.begin(cx, record);
        if let Some(draft) = &mut self.draft {
            self.open = Some(remedy.set_up(draft, NEAR));
            self.filtered = false;
            self.done = None;
            self.scroll = true;
            self.trial.forget(cx);
        }
    }

    /// The whole tab.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, scope: Scope) {
        self.begin(cx, scope.record);
        if let Some((question, report)) = self.carry_out.tend(cx) {
            self.done = Some((question.transform, report));
            self.trial.forget(cx);
        }
        if scope.record.n_rows == 0 {
            let (title, words) = (cx.t("datasets.overview_empty"), cx.t("datasets.prepare_empty_sentence"));
            widgets::empty(ui, &title, &words, None);
            return;
        }
        widgets::tiles::scroll(ui, "prepare", 0.0, |ui| {
            ui.set_max_width(ui.available_width().min(WIDEST));
            ui.spacing_mut().item_spacing.y = 8.0;
            self.scope_ui(ui, cx, scope);
            for step in Step::ALL {
                ui.push_id(step.key(), |ui| self.step_ui(ui, cx, scope, step));
            }
        });
    }

    /// Another dataset is another draft.
    fn begin(&mut self, cx: &mut PaneCx, record: &DatasetRecord) {
        if self.dataset == Some(record.id) && self.draft.is_some() {
            return;
        }
        self.trial.forget(cx);
        let draft = Some(Draft::of(record));
        *self = Self { dataset: Some(record.id), draft, ..Self::default() };
    }

    fn scope_ui(&mut self, ui: &mut Ui, cx: &PaneCx, scope: Scope) {
        let all = cx.tf("datasets.prepare_all_rows", &[("n", &units::grouped(scope.record.n_rows))]);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(12.0, 4.0);
            let name = cx.t("datasets.prepare_which");
            match scope.filtered {
                Some(rows) => {
                    let n = units::grouped(rows.len() as u64);
                    let options = [(false, all), (true, cx.tf("datasets.prepare_filtered", &[("n", &n)]))];
                    widgets::label(ui, &name);
                    if segments(ui, &name, &mut self.filtered, &options, None).changed() {
                        self.done = None;
                    }
                }
                None => {
                    self.filtered = false;
                    let words = format!("{name} {all}");
                    ui.label(Type::Body.text(words, cx.theme.tokens.text_2));
                    widgets::hint(ui, cx.t("datasets.prepare_which_hint"));
                }
            }
        });
        ui.add_space(4.0);
    }

    /// The rows that are changed.
    fn rows(&self, scope: Scope) -> Option<Arc<Vec<RowId>>> {
        scope.filtered.filter(|_| self.filtered).cloned()
    }
}
