//! A text and its label.

use super::area::Area;
use super::labels::{self, KEYS, MOST_SHOWN, Shown, chips, label_of, label_value, share_bar};
use super::new_label::NewLabel;
use super::work::{Work, Wrote};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button};
use egui::{Key, Modifiers, Ui};
use glassworks_protocol::datasets::Role;
use serde_json::Value;

#[derive(Default)]
pub struct Classify {
    new: NewLabel,
}

/// What was asked besides changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelAsked {
    NextUnlabelled,
}

impl Classify {
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work) -> Option<LabelAsked> {
        text_ui(ui, cx, work, 6);
        ui.add_space(4.0);
        widgets::semibold(ui, cx.t("datasets.row_label"));
        let column = work.column(Role::Label)?;
        let chosen = label_of(work.value.get(&column));
        let shown = Shown {
            labels: work.labels,
            chosen: chosen.as_deref(),
            search: self.new.words(),
            n_keys: KEYS.len(),
            counts: true,
        };
        if let Some(label) = chips(ui, &shown) {
            set(work, &column, &label);
        }
        let n = work.labels.all().len();
        if n > MOST_SHOWN && self.new.words().is_empty() {
            widgets::hint(ui, cx.tf("datasets.row_more_labels", &[("n", &(n - MOST_SHOWN))]));
        }
        if let Some(label) = self.new.ui(ui, cx, work, work.kind(&column)) {
            set(work, &column, &label);
        }
        share_bar(ui, &cx.t("datasets.row_label_counts"), work.labels, work.record.n_rows);
        let mut asked = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let next = Button::control(cx.t("datasets.row_next_unlabelled")).icon(icons::ARROW_RIGHT).small();
            if next.shortcut("N").show(ui).clicked() {
                asked = Some(LabelAsked::NextUnlabelled);
            }
            let none = chosen.is_none().then(|| cx.t("datasets.row_no_label"));
            let clear = Button::quiet(cx.t("datasets.row_clear_label")).icon(icons::X).small();
            if clear.off(none).show(ui).clicked() {
                work.value.insert(column.clone(), Value::Null);
                work.did(Wrote::Done);
            }
        });
        asked
    }
}

fn text_ui(ui: &mut Ui, cx: &PaneCx, work: &mut Work, rows: usize) {
    let Some(column) = work.column(Role::Text) else { return };
    let mut text = work.text(Role::Text).unwrap_or_default();
    let name = cx.t("datasets.row_role_text");
    widgets::semibold(ui, &name);
    let response = Area::new(work.id.with("text"), &name).rows(rows).show(ui, &mut text);
    if response.changed() {
        work.set_text(&column, &text);
    }
    work.heard(&response);
}

fn set(work: &mut Work, column: &str, label: &str) {
    let kind = work.kind(column);
    let value = label_value(kind, label).unwrap_or_else(|| Value::String(label.to_owned()));
    if work.value.get(column) != Some(&value) {
        work.value.insert(column.to_owned(), value);
        work.did(Wrote::Done);
    }
}

/// The keys of labels and of the next row without one, while nothing is being typed.
pub fn keys(ui: &Ui, work: &mut Work) -> Option<LabelAsked> {
    let column = work.column(Role::Label)?;
    if let Some(label) = work.labels.pressed(ui, labels::KEYS.len()) {
        set(work, &column, &label);
    }
    let next = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::N));
    next.then_some(LabelAsked::NextUnlabelled)
}
