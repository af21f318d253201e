//! The states of a pane that is not simply ready: empty, working, failed.

use super::button::Button;
use super::frame::card_frame;
use super::progress::{progress_bar, progress_line};
use super::text;
use crate::theme::{self, Theme, Type, icons, size};
use egui::{Align, Layout, Ui, vec2};
use glassworks_protocol::{Failure, Progress};

const WIDTH: f32 = 400.0;

fn centred_card(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let width = WIDTH.min(ui.available_width() - 32.0).max(200.0);
    let room = ui.available_size();
    ui.vertical_centered(|ui| {
        ui.add_space((room.y * 0.28).clamp(8.0, 220.0));
        ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
            card_frame(ui).show(ui, |ui| {
                ui.set_width(width - 34.0);
                ui.spacing_mut().item_spacing.y = 8.0;
                add(ui);
            });
        });
    });
}

/// Nothing here yet: what this place is for, and the one thing to do. Says whether that was pressed.
pub fn empty(ui: &mut Ui, title: &str, sentence: &str, action: Option<Button>) -> bool {
    let mut pressed = false;
    centred_card(ui, |ui| {
        text::semibold(ui, title);
        let t = theme::of(ui).tokens;
        ui.label(Type::Body.text(sentence, t.text_2));
        if let Some(action) = action {
            ui.add_space(8.0);
            pressed = action.show(ui).clicked();
        }
    });
    pressed
}

/// Something is being done. Says whether Stop was pressed.
pub fn working(ui: &mut Ui, title: &str, progress: Option<&Progress>) -> bool {
    let mut stopped = false;
    centred_card(ui, |ui| {
        let theme = theme::of(ui);
        ui.horizontal(|ui| {
            super::bead(ui, theme.tokens.warm);
            text::semibold(ui, title);
        });
        let fraction = progress.and_then(Progress::fraction);
        progress_bar(ui, title, ui.available_width(), fraction, theme.tokens.warm);
        if let Some(progress) = progress {
            text::hint(ui, theme.language.render(&progress.stage));
            progress_line(ui, progress);
        }
        ui.add_space(4.0);
        stopped = Button::control(theme.t("shell.stop")).icon(icons::STOP).show(ui).clicked();
    });
    stopped
}

/// Something did not work. `action` is the way out; says whether that was pressed.
pub fn failed(ui: &mut Ui, failure: &Failure, action: Option<Button>) -> bool {
    let mut pressed = false;
    centred_card(ui, |ui| pressed = failed_line(ui, failure, action));
    pressed
}

/// The same without a card, for rows and tiles.
pub fn failed_line(ui: &mut Ui, failure: &Failure, action: Option<Button>) -> bool {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let mut pressed = false;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.label(
            egui::RichText::new(icons::WARNING_CIRCLE)
                .font(theme::icon_font(size::ICON, true))
                .line_height(Some(20.0))
                .color(t.danger),
        );
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let summary = theme.language.render(&failure.summary);
            text::selectable(ui, Type::Body.semibold(summary, t.danger));
            if let Some(hint) = &failure.hint {
                text::selectable(ui, Type::Body.text(theme.language.render(hint), t.text_2));
            }
            ui.add_space(4.0);
            pressed = failed_actions(ui, &theme, failure, action);
        });
    });
    pressed
}

fn failed_actions(ui: &mut Ui, theme: &Theme, failure: &Failure, action: Option<Button>) -> bool {
    let mut pressed = false;
    let id = ui.make_persistent_id(("details", failure.summary.key.as_ref(), &failure.detail));
    let mut open = ui.data(|d| d.get_temp::<bool>(id)).unwrap_or(false);
    ui.horizontal(|ui| {
        let alone = action.is_none();
        if let Some(action) = action {
            pressed = action.show(ui).clicked();
        }
        if !failure.detail.is_empty() {
            let words = theme.t(if open { "shell.hide_details" } else { "shell.details" });
            let button = if alone { Button::control(words).small() } else { Button::quiet(words) };
            if button.show(ui).clicked() {
                open = !open;
                ui.data_mut(|d| d.insert_temp(id, open));
            }
        }
        let copy = Button::quiet(theme.t("shell.copy")).icon(icons::COPY);
        if (if alone { copy.small() } else { copy }).show(ui).clicked() {
            ui.copy_text(report(theme, failure));
        }
    });
    if open {
        super::well(ui, |ui| {
            text::selectable(ui, Type::Hint.number(&failure.detail, theme.tokens.text_2));
        });
    }
    pressed
}

/// What "Copy" copies: everything known about the failure.
fn report(theme: &Theme, failure: &Failure) -> String {
    let mut out = theme.language.render(&failure.summary);
    if let Some(hint) = &failure.hint {
        out.push('\n');
        out.push_str(&theme.language.render(hint));
    }
    if !failure.detail.is_empty() {
        out.push('\n');
        out.push_str(&failure.detail);
    }
    out
}
