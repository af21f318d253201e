//! Whether what is shown is of the rows as they are: looking now, changed since, failed; and the way to look again.

use super::{Asked, Known};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button};
use egui::Ui;
use glassworks_protocol::Progress;

/// One line, or nothing while what is shown is true.
pub fn line(ui: &mut Ui, cx: &PaneCx, known: &Known) -> Option<Asked> {
    let t = cx.theme.tokens;
    let mut asked = None;
    if let Some(job) = known.working() {
        let name = cx.t("datasets.overview_looking");
        let fraction = job.progress.as_ref().and_then(Progress::fraction);
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 34.0).max(40.0);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                ui.set_width(width);
                widgets::hint(ui, name.as_str());
                widgets::progress_bar(ui, &name, width, fraction, t.warm);
            });
            if widgets::icon_button(ui, icons::STOP, cx.t("datasets.overview_stop")).clicked() {
                asked = Some(Asked::StopLooking);
            }
        });
        return asked;
    }
    let failure = known.job.and_then(|job| job.failure());
    let words = match (failure, known.n_changes()) {
        (Some(failure), _) => cx.render(&failure.summary),
        (None, Some(0)) => return None,
        (None, Some(1)) => cx.t("datasets.overview_changed_once"),
        (None, Some(n)) => cx.tf("datasets.overview_changed", &[("n", &units::grouped(n))]),
        (None, None) => cx.t("datasets.overview_not_looked"),
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let ink = if failure.is_some() { t.danger } else { t.text_3 };
        ui.label(Type::Hint.text(words, ink));
        let key = if known.report.is_some() { "datasets.overview_again" } else { "datasets.overview_look" };
        if Button::control(cx.t(key)).small().icon(icons::ARROW_CLOCKWISE).show(ui).clicked() {
            asked = Some(Asked::Look);
        }
    });
    asked
}
