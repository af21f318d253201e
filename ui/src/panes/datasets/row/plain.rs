//! Text to go on with: one large field.

use super::area::Area;
use super::work::Work;
use crate::panes::PaneCx;
use crate::units;
use crate::widgets;
use egui::Ui;
use glassworks_protocol::datasets::Role;

pub fn plain(ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
    let Some(column) = work.column(Role::Text) else { return };
    let mut text = work.text(Role::Text).unwrap_or_default();
    let name = cx.t("datasets.row_role_text");
    widgets::semibold(ui, &name);
    let response = Area::new(work.id.with("text"), &name).rows(18).show(ui, &mut text);
    if response.changed() {
        work.set_text(&column, &text);
    }
    work.heard(&response);
    length(ui, cx, &text);
}

/// `1,204 characters, 211 words`
pub fn length(ui: &mut Ui, cx: &PaneCx, text: &str) {
    let chars = units::grouped(text.chars().count() as u64);
    // Scripts without spaces have no words that spaces tell.
    let words = match text.split_whitespace().count() {
        0 | 1 => cx.tf("datasets.row_chars", &[("chars", &chars)]),
        n => {
            let n = units::grouped(n as u64);
            cx.tf("datasets.row_length", &[("chars", &chars), ("words", &n)])
        }
    };
    widgets::hint(ui, words);
}
