//! Above the table: words to look for, order, answers, what was mended; below that what is known of all rows.

use super::Predict;
use crate::model::Looked;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, Field, Select, Tone};
use egui::{Margin, Ui};
use glassworks_protocol::predict::{PredictedWhole, RowOrder, RowsView};
use std::time::Duration;

/// Hands that rest so long have typed what they wanted.
const REST_SECS: f64 = 0.25;
const SEARCH: f32 = 200.0;

impl Predict {
    pub(super) fn toolbar(&mut self, ui: &mut Ui, cx: &PaneCx, looked: &Looked) {
        let whole = looked.whole();
        let mut view = self.results.view.clone();
        egui::Frame::new().inner_margin(Margin { left: 16, right: 16, top: 10, bottom: 2 }).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                self.search_ui(ui, cx, &mut view);
                order_ui(ui, cx, whole, &mut view);
                answers_ui(ui, cx, whole, &mut view);
                let mended = Button::control(cx.t("predict.looked_at")).icon(icons::PENCIL_SIMPLE);
                if mended.selected(view.mended).show(ui).clicked() {
                    view.mended ^= true;
                }
            });
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                ui.set_min_height(20.0);
                summary(ui, cx, looked);
                let hint = match view.order {
                    RowOrder::File => None,
                    RowOrder::Margin => Some("predict.order_margin_hint"),
                    RowOrder::Wrong => Some("predict.order_wrong_hint"),
                };
                if let Some(key) = hint {
                    widgets::truncated(ui, Type::Hint.text(cx.t(key), cx.theme.tokens.text_3));
                }
            });
        });
        self.results.choose(view);
    }

    fn search_ui(&mut self, ui: &mut Ui, cx: &PaneCx, view: &mut RowsView) {
        let now = ui.input(|i| i.time);
        let search = &mut self.results.search;
        let name = cx.t("predict.search");
        let field = Field::new(&name).icon(icons::MAGNIFYING_GLASS).placeholder(&name).width(SEARCH);
        let response = field.show(ui, &mut search.text);
        if response.changed() {
            search.typed_at = now;
        }
        if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            search.text.clear();
        }
        let typed = search.text.trim();
        if typed != view.search {
            let rested = now - search.typed_at >= REST_SECS;
            if rested || response.lost_focus() {
                view.search = typed.to_owned();
            } else {
                ui.ctx().request_repaint_after(Duration::from_secs_f64(REST_SECS));
            }
        }
    }
}

fn order_ui(ui: &mut Ui, cx: &PaneCx, whole: &PredictedWhole, view: &mut RowsView) {
    let mut orders = vec![(RowOrder::File, cx.t("predict.order_file"))];
    if whole.sorts {
        orders.push((RowOrder::Margin, cx.t("predict.order_margin")));
    }
    if whole.n_labelled > 0 {
        orders.push((RowOrder::Wrong, cx.t("predict.order_wrong")));
    }
    Select::new(&cx.t("predict.order")).show(ui, &mut view.order, &orders);
}

fn answers_ui(ui: &mut Ui, cx: &PaneCx, whole: &PredictedWhole, view: &mut RowsView) {
    if whole.answers.is_empty() {
        return;
    }
    let mut answers = vec![(None, cx.t("predict.all_answers"))];
    answers.extend(whole.answers.iter().filter(|(_, n)| *n > 0).map(|(answer, n)| {
        let words = cx.tf("finetune.labels_of", &[("name", answer), ("n", &units::grouped(*n))]);
        (Some(answer.clone()), words)
    }));
    Select::new(&cx.t("predict.answers")).show(ui, &mut view.answer, &answers);
}

/// `10,070 rows`, how many are in sight of them, how many are right.
fn summary(ui: &mut Ui, cx: &PaneCx, looked: &Looked) {
    let whole = looked.whole();
    let n = units::grouped(whole.n_rows);
    let words = match looked.n_rows() {
        Some(shown) if shown != whole.n_rows => {
            cx.tf("predict.rows_of", &[("n", &units::grouped(shown)), ("all", &n)])
        }
        _ => cx.tf("predict.n_rows", &[("n", &n)]),
    };
    widgets::mono(ui, words);
    if whole.n_labelled > 0 {
        let share = format!("{:.1}", 100.0 * whole.n_right as f64 / whole.n_labelled as f64);
        let all = units::grouped(whole.n_labelled);
        let words = cx.tf("predict.right", &[("share", &share), ("n", &all)]);
        widgets::tag(ui, Tone::Plain, words);
    }
}
