//! A row of the list: bead, name, best loss, how it stands; an eye lays it over the selected run.

use crate::model::RunState;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, icon_button, icon_button_off};
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align, Color32, EventFilter, FontId, Key, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};
use glassworks_protocol::train::{Ending, RunRecord};

pub const HEIGHT: f32 = 50.0;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Select,
    /// Lay it over the selected run, or take it away.
    Toggle,
    /// Go so many rows on by keyboard.
    Move(isize),
}

pub struct Look {
    pub selected: bool,
    /// Its colour in the plot, if it is there.
    pub color: Option<Color32>,
    /// No more runs fit over the selected one.
    pub full: bool,
    pub wants_focus: bool,
}

/// Draws it; says what was asked for and whether it has the keyboard.
pub fn show(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, look: &Look) -> (Option<Asked>, bool) {
    let t = cx.theme.tokens;
    let (outer, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    let state = cx.model.run_state(run);
    let words = stands(cx, run, state);
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(words.clone()),
        ..WidgetInfo::selected(Role::ListItem, true, look.selected, &run.name)
    });
    if look.wants_focus {
        response.request_focus();
        // Only what had the keyboard a frame ago can keep the arrow keys to itself.
        ui.ctx().request_repaint();
    }
    let rect = outer.shrink2(vec2(6.0, 1.0));
    let over = ui.rect_contains_pointer(outer);
    let fill = match (look.selected, over) {
        (true, _) => t.selected,
        (_, true) => t.hover,
        _ => Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, f32::from(size::RADIUS_CONTROL), fill);
    let bead = look.color.or_else(|| state.is_live().then_some(t.warm));
    widgets::paint_bead(ui, pos2(rect.left() + 12.0, rect.top() + 15.0), bead);
    let loss = run.progress.best_loss.map_or_else(|| "—".to_owned(), |loss| format!("{loss:.3}"));
    let loss = widgets::galley(ui, loss, Type::Hint.mono(Weight::Regular), t.text_1);
    let (left, right) = (rect.left() + 26.0, rect.right() - 10.0);
    let at = pos2(right - loss.size().x, rect.top() + 15.0 - loss.size().y / 2.0);
    let room = at.x - left - 8.0;
    ui.painter().galley(at, loss, t.text_1);
    cut(ui, &run.name, Type::Body.font(Weight::Medium), t.text_1, pos2(left, rect.top() + 5.0), room);
    let bad = matches!(state, RunState::Failed | RunState::Interrupted);
    let ink = if bad { t.danger } else { t.text_3 };
    // Tab leaves the row for the eye within a frame, at whose beginning the row still had the keyboard.
    let had_focus = response.has_focus() || ui.memory(|m| m.had_focus_last_frame(response.id));
    let eye = !look.selected && (over || had_focus || look.color.is_some() || eye_focused(ui));
    let room = right - left - if eye { 28.0 } else { 0.0 };
    cut(ui, &words, Type::Hint.font(Weight::Regular), ink, pos2(left, rect.top() + 25.0), room);
    widgets::focus_ring(ui, &response, rect.shrink(3.0));
    let mut asked = None;
    if eye && eye_ui(ui, cx, run, look, rect) {
        asked = Some(Asked::Toggle);
    }
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let by = ui.input(|i| i.num_presses(Key::ArrowDown) as isize - i.num_presses(Key::ArrowUp) as isize);
        if by != 0 {
            ui.ctx().request_repaint();
            asked = Some(Asked::Move(by));
        }
    }
    if response.clicked() {
        let with = ui.input(|i| i.modifiers.command);
        asked = Some(if with { Asked::Toggle } else { Asked::Select });
    }
    (asked, response.has_focus())
}

/// Whether the eye of this row had the keyboard in the last frame: it must not go away then.
fn eye_focused(ui: &Ui) -> bool {
    ui.data(|d| d.get_temp(ui.scope_id().with("eye"))).unwrap_or(false)
}

fn eye_ui(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, look: &Look, rect: Rect) -> bool {
    let inside = Rect::from_min_max(pos2(rect.right() - 34.0, rect.top() + 22.0), rect.max - vec2(6.0, 2.0));
    let layout = Layout::right_to_left(Align::Center);
    let mut child = ui.new_child(UiBuilder::new().id_salt("eye").max_rect(inside).layout(layout));
    let response = if look.color.is_some() {
        icon_button(&mut child, icons::EYE_SLASH, cx.tf("runs.take_away", &[("name", &run.name)]))
    } else {
        let name = cx.tf("runs.lay_over", &[("name", &run.name)]);
        let why = look.full.then(|| cx.tf("runs.full", &[("n", &super::MAX_BESIDE)]));
        icon_button_off(&mut child, icons::EYE, name, why)
    };
    let id = ui.scope_id().with("eye");
    let focused = response.has_focus();
    ui.data_mut(|d| d.insert_temp(id, focused));
    response.clicked()
}

/// How a run stands, in a few words.
pub fn stands(cx: &PaneCx, run: &RunRecord, state: RunState) -> String {
    let progress = &run.progress;
    let took = units::duration(cx.language, progress.train_secs as f32);
    let of = |key: &str| {
        let (step, n) = (units::grouped(progress.step), units::grouped(progress.n_steps));
        cx.tf(key, &[("step", &step), ("n", &n)])
    };
    match (state, progress.ending) {
        (RunState::Waiting, _) => cx.t("runs.state_waiting"),
        (RunState::Ending, _) => cx.t("shell.stopping"),
        (RunState::Running, _) => {
            let job = cx.model.runs.job(run.id).and_then(|id| cx.model.jobs.get(id));
            let part = job.and_then(|job| job.progress.as_ref()).and_then(|progress| progress.fraction());
            cx.tf("runs.state_running", &[("percent", &format!("{:.0}", 100.0 * part.unwrap_or(0.0)))])
        }
        (RunState::Paused | RunState::Unplugged, _) => of("runs.state_paused"),
        (RunState::Stopped, _) => of("runs.state_stopped"),
        (RunState::Interrupted, _) => of("runs.state_interrupted"),
        (RunState::Done, Some(Ending::EarlyStop)) => cx.tf("runs.state_early", &[("time", &took)]),
        (RunState::Done, Some(Ending::Kept)) => cx.tf("runs.state_kept", &[("time", &took)]),
        (RunState::Done, _) => cx.tf("runs.state_done", &[("time", &took)]),
        (RunState::Failed, _) => {
            let why =
                progress.failure.as_ref().map(|failure| cx.render(&failure.summary)).unwrap_or_default();
            cx.tf("runs.state_failed", &[("why", &why)])
        }
    }
}

/// One line, cut with an ellipsis.
fn cut(ui: &Ui, text: &str, font: FontId, ink: Color32, at: egui::Pos2, room: f32) {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = TextWrapping::truncate_at_width(room.max(8.0));
    ui.painter().galley(at, ui.painter().layout_job(job), ink);
}
