//! How far something is: what, done and total with unit, speed, time left.

use super::button::Button;
use super::mark::{bead, bead_ring};
use super::text;
use crate::theme::{self, Type, icons};
use crate::units;
use egui::{Align, Color32, Layout, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Progress;

/// A 4-px bar, or a quarter of it in motion while the end is unknown.
pub fn progress_bar(ui: &mut Ui, name: &str, width: f32, fraction: Option<f32>, color: Color32) -> Response {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 4.0), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = fraction.map(f64::from);
        info
    });
    let painter = ui.painter();
    painter.rect_filled(rect, 2.0, theme.tokens.hatch);
    let (from, to) = match fraction {
        Some(f) => (0.0, f.clamp(0.0, 1.0)),
        None if theme.reduced_motion => (0.0, 0.25),
        None => {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(50));
            let t = (ui.input(|i| i.time) * 0.6).fract() as f32;
            (t * 0.75, t * 0.75 + 0.25)
        }
    };
    let x = |f: f32| rect.left() + f * rect.width();
    let part = Rect::from_min_max(pos2(x(from), rect.top()), pos2(x(to), rect.bottom()));
    painter.rect_filled(part, 2.0, color);
    response
}

/// `412 / 717 tokens · 39 tokens/s · 17 s left`, as far as it is known.
pub fn progress_line(ui: &mut Ui, progress: &Progress) -> Response {
    let theme = theme::of(ui);
    let words = units::progress(theme.language, progress);
    ui.label(Type::Hint.number(words, theme.tokens.text_2))
}

/// A running job: title, bar, numbers, Stop. Says whether Stop was pressed.
pub fn job_row(ui: &mut Ui, title: &str, progress: Option<&Progress>, stop: Option<&str>) -> bool {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let mut stopped = false;
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        stopped = line_with_stop(ui, stop, |ui| {
            bead(ui, t.warm);
            text::medium(ui, title);
            if let Some(progress) = progress {
                let stage = theme.language.render(&progress.stage);
                text::truncated(ui, Type::Hint.text(stage, t.text_3));
            }
        });
        progress_bar(ui, title, ui.available_width(), progress.and_then(Progress::fraction), t.warm);
        if let Some(progress) = progress {
            progress_line(ui, progress);
        }
    });
    stopped
}

/// A job that has not begun, and why. Says whether Stop was pressed.
pub fn waiting_row(ui: &mut Ui, title: &str, why: &str, stop: Option<&str>) -> bool {
    let t = theme::of(ui).tokens;
    line_with_stop(ui, stop, |ui| {
        bead_ring(ui);
        text::medium(ui, title);
        text::truncated(ui, Type::Hint.text(why, t.text_3));
    })
}

/// Stop at the right, what `left` draws in the room that is left.
fn line_with_stop(ui: &mut Ui, name: Option<&str>, left: impl FnOnce(&mut Ui)) -> bool {
    let words = theme::of(ui).t("shell.stop");
    let whole = vec2(ui.available_width(), 24.0);
    ui.allocate_ui_with_layout(whole, Layout::right_to_left(Align::Center), |ui| {
        let stop = name.map(|name| Button::control(words).icon(icons::STOP).small().name(name));
        let stopped = stop.is_some_and(|stop| stop.show(ui).clicked());
        ui.with_layout(Layout::left_to_right(Align::Center), left);
        stopped
    })
    .inner
}
