//! One prompt, the answer that is preferred and the one that is not: side by side, their differences marked word by word.

use super::area::Area;
use super::chat;
use super::pairs::beside;
use super::plain::length;
use super::turns::{Compared, Of, Turns};
use super::work::{Work, Wrote};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::diff::Change;
use crate::widgets::{self, Button};
use egui::Ui;
use glassworks_protocol::datasets::Role;
use serde_json::Value;

#[derive(Default)]
pub struct Preference {
    prompt: Turns,
    chosen: Turns,
    rejected: Turns,
    compared: Compared,
}

impl Preference {
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
        chat::part(ui, cx, work, Role::System, &cx.t("datasets.row_role_system"), 2);
        let prompt = cx.t("datasets.row_role_prompt");
        match work.get(Role::Prompt) {
            Some(Value::Array(_)) => {
                widgets::semibold(ui, &prompt);
                let column = work.column(Role::Prompt).unwrap_or_default();
                self.prompt.ui(ui, cx, work, &Of { column: &column, against: None });
            }
            _ => chat::part(ui, cx, work, Role::Prompt, &prompt, 3),
        }
        let swap = Button::quiet(cx.t("datasets.row_swap")).icon(icons::SWAP).small();
        if swap.tooltip(cx.t("datasets.row_swap_tip")).show(ui).clicked() {
            swap_answers(work);
        }
        beside(ui, |ui, second| {
            let (role, other, key) = match second {
                false => (Role::Chosen, Role::Rejected, "datasets.row_role_chosen"),
                true => (Role::Rejected, Role::Chosen, "datasets.row_role_rejected"),
            };
            self.side(ui, cx, work, (role, other), &cx.t(key));
        });
    }

    fn side(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work, (role, other): (Role, Role), name: &str) {
        let t = cx.theme.tokens;
        let chosen = role == Role::Chosen;
        let (icon, ink) = if chosen { (icons::CHECK, t.ok) } else { (icons::X, t.danger) };
        let change = if chosen { Change::Added } else { Change::Removed };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            super::icon_label(ui, icon, false, ink);
            widgets::semibold(ui, name);
        });
        let Some(column) = work.column(role) else { return };
        if let Some(Value::Array(_)) = work.value.get(&column) {
            let other = work.get(other).and_then(Value::as_array).cloned().unwrap_or_default();
            let turns = if chosen { &mut self.chosen } else { &mut self.rejected };
            turns.ui(ui, cx, work, &Of { column: &column, against: Some((&other, change)) });
            return;
        }
        let mut text = work.text(role).unwrap_or_default();
        let against = work.text(other).unwrap_or_default();
        let id = work.id.with(name);
        let parts = self.compared.side(id, &against, &text, change);
        let response = Area::new(id, name).rows(5).parts(&parts).show(ui, &mut text);
        if response.changed() {
            work.set_text(&column, &text);
        }
        work.heard(&response);
        length(ui, cx, &text);
    }
}

fn swap_answers(work: &mut Work) {
    let (Some(chosen), Some(rejected)) = (work.column(Role::Chosen), work.column(Role::Rejected)) else {
        return;
    };
    let take =
        |work: &mut Work, column: &str| work.value.get_mut(column).map(Value::take).unwrap_or_default();
    let (one, other) = (take(work, &chosen), take(work, &rejected));
    work.value.insert(chosen, other);
    work.value.insert(rejected, one);
    work.did(Wrote::Done);
}
