//! A label that no row has yet, or one that is found by its letters: typed, and taken with Enter.

use super::labels::label_value;
use super::work::Work;
use crate::panes::PaneCx;
use crate::widgets::{self, Field};
use egui::{Key, Ui};
use glassworks_protocol::datasets::ColumnKind;

#[derive(Default)]
pub struct NewLabel(String);

impl NewLabel {
    /// What is typed so far.
    #[must_use]
    pub fn words(&self) -> &str {
        self.0.trim()
    }

    /// Draws the field; the label that was taken.
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &Work, kind: ColumnKind) -> Option<String> {
        let name = cx.t("datasets.row_new_label");
        let words = self.words().to_owned();
        let known = work.labels.spelled(&words).map(str::to_owned);
        let wrong = !words.is_empty() && known.is_none() && label_value(kind, &words).is_none();
        let field = Field::new(&name).placeholder(&name).problem(wrong).id(work.id.with("new label"));
        let response = field.width(ui.available_width().min(260.0)).show(ui, &mut self.0);
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if wrong {
            widgets::hint(ui, cx.t("datasets.row_label_kind"));
            return None;
        }
        if words.is_empty() {
            return None;
        }
        let key = if known.is_some() { "datasets.row_enter_known" } else { "datasets.row_enter_new" };
        let label = known.unwrap_or(words);
        widgets::hint(ui, cx.tf(key, &[("label", &label)]));
        entered.then(|| {
            self.0.clear();
            label
        })
    }
}
