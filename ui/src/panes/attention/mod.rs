//! The attention pane: one text, seen from inside a model. An atlas of all heads, the map of those that are chosen as
//! matrix, lines or text, and an inspector that says how its numbers come about; one selection for all of them.

mod ablate;
mod ablated;
mod asked;
mod atlas;
mod card;
mod draft;
mod drawn;
mod edges;
mod hangs;
mod head;
mod header;
mod lens;
mod lens_grid;
mod lines;
mod look;
mod matrix;
mod names;
mod off;
mod order;
mod picture;
mod running;
mod scales;
mod scatter;
mod sweep;
mod text;
mod tiles_picture;
mod wrote;

use super::{Pane, PaneCx};
use crate::action::Open;
use crate::command::UiCommand;
use crate::model::{CaptureState, Listed, Looking, Pick};
use crate::theme::icons;
use crate::widgets::tiles::{self, TileSizes};
use crate::widgets::{self, Button};
use draft::{Counting, Draft};
use egui::{Key, Rect, Ui, UiBuilder, pos2, vec2};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{Capture, CaptureSpec, InsideJob, LayerCapture, MapKind};
use glassworks_protocol::{JobSpec, Query};
use look::{Choices, Look, View};
use serde_json::{Value, json};
use std::sync::Arc;

const INSPECTOR: f32 = 288.0;
const ATLAS: f32 = 264.0;
/// Of the text below a map, where there is room for it.
const STRIP: f32 = 132.0;
const STRIP_FROM: f32 = 520.0;
const LEGEND_WIDTH: f32 = 264.0;
/// As much of a text is kept between two runs of the program.
const KEPT_CHARS: usize = 10_000;

pub struct AttentionPane {
    draft: Draft,
    counting: Counting,
    writer: Option<Pick>,
    shown: Option<CaptureId>,
    /// The form is shown in place of a capture that is there.
    editing: bool,
    look: Look,
    choices: Choices,
    sizes: TileSizes,
    drawer: bool,
    names: names::Names,
    drawn: drawn::Drawn,
    atlas: atlas::Atlas,
    matrix: matrix::Matrix,
    lines: lines::Lines,
    text: text::TextView,
    off: off::Off,
    lens: lens::Lens,
}

impl Default for AttentionPane {
    fn default() -> Self {
        Self {
            draft: Draft::default(),
            counting: Counting::default(),
            writer: None,
            shown: None,
            editing: false,
            look: Look::default(),
            choices: Choices::default(),
            sizes: TileSizes { list: ATLAS, inspector: INSPECTOR },
            drawer: false,
            names: names::Names::default(),
            drawn: drawn::Drawn::default(),
            atlas: atlas::Atlas::default(),
            matrix: matrix::Matrix::default(),
            lines: lines::Lines::default(),
            text: text::TextView::default(),
            off: off::Off::default(),
            lens: lens::Lens::default(),
        }
    }
}

impl Pane for AttentionPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        begin(cx);
        let state = self.shown.and_then(|id| cx.model.captures.get(id)).cloned();
        if state.is_none() {
            self.shown = None;
        }
        let capture = state.as_ref().and_then(|state| state.capture.clone());
        let failed = state.as_ref().is_some_and(|state| matches!(state.looking, Looking::Failed(_)));
        let shown = capture.as_deref().filter(|_| !self.editing && !failed);
        if let Some(capture) = shown {
            self.names.follow(capture);
            if cx.focused {
                self.keys(ui, capture);
            }
        }
        let layer = shown.and_then(|capture| self.look.settle(capture)).cloned();
        if let (Some(capture), Some(layer)) = (shown, &layer) {
            self.follow(cx, state.as_ref(), capture, layer);
        }
        let ready = shown.is_some();
        // The press that opens the drawer is not one beside it.
        let drawn_before = self.drawer;
        ui.push_id(cx.slot, |ui| {
            let columns = tiles::columns(
                ui,
                &mut self.sizes,
                ready && !cx.folds_list(),
                ready && !cx.folds_inspector(),
            );
            if let Some(rect) = columns.list {
                tiles::tile(ui, "atlas", rect, |ui| self.atlas_tile(ui, cx, shown));
            }
            tiles::tile(ui, "main", columns.main, |ui| {
                self.header_ui(ui, cx, shown);
                self.main_ui(ui, cx, state.as_ref(), shown, layer.as_ref());
            });
            let seen = shown.zip(layer.as_deref());
            if let Some(rect) = columns.inspector {
                tiles::tile(ui, "head", rect, |ui| self.head_tile(ui, cx, seen));
            } else if ready && drawn_before {
                let mut open = self.drawer;
                let width = self.sizes.inspector;
                tiles::drawer(ui, "head", columns.main, width, &mut open, |ui| self.head_tile(ui, cx, seen));
                self.drawer = open;
            }
        });
    }

    fn command(&mut self, command: UiCommand, _cx: &mut PaneCx) -> bool {
        if command == UiCommand::Inspector {
            self.drawer ^= true;
        }
        command == UiCommand::Inspector
    }

    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        let Open::Inside(wanted) = open else { return false };
        if let Some((ModelSource::Library(id), tuned)) = &wanted.model {
            self.writer = Some(match tuned {
                Some(tuned) => Pick::Part(tuned.run, tuned.part),
                None => Pick::Model(*id),
            });
        }
        self.draft.given = Some(Arc::clone(wanted));
        self.start(cx);
        true
    }

    fn save(&self) -> Option<Value> {
        let text: String = self.draft.text.chars().take(KEPT_CHARS).collect();
        let draft = Draft { text, ..self.draft.clone() };
        Some(json!({
            "draft": draft,
            "writer": self.writer,
            "look": self.look,
            "choices": self.choices,
            "tiles": self.sizes,
        }))
    }

    fn restore(&mut self, kept: &Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.draft = serde_json::from_value(part("draft")).unwrap_or_default();
        self.writer = serde_json::from_value(part("writer")).unwrap_or_default();
        self.look = serde_json::from_value(part("look")).unwrap_or_default();
        self.choices = serde_json::from_value(part("choices")).unwrap_or_default();
        self.sizes = serde_json::from_value(part("tiles")).unwrap_or(self.sizes);
    }
}

/// What runs made of models is asked for once.
fn begin(cx: &mut PaneCx) {
    if *cx.model.runs.listed() == Listed::NotAsked {
        cx.fetch(Query::Runs);
    }
    if !cx.model.runs.asked_checkpoints() {
        cx.fetch(Query::Checkpoints);
    }
}

impl AttentionPane {
    /// Has the model read the text; what was being captured for this pane before is stopped.
    fn start(&mut self, cx: &mut PaneCx) {
        let offer = self.offer(cx);
        let base = offer.as_ref().and_then(|offer| cx.model.base_of_pick(offer.pick())).cloned();
        let source = offer.and_then(|offer| cx.model.source_of(offer.pick()));
        let (Some((model, tuned)), Some(base), Some(subject)) = (source, base, self.draft.subject(cx.now_ms))
        else {
            self.editing = true;
            return;
        };
        if base.card.run_only {
            self.editing = true;
            return;
        }
        self.stop(cx);
        let id = CaptureId::mint();
        let plan = self.draft.plan(&base.card);
        let spec = CaptureSpec { id, model, tuned, subject, plan };
        cx.start(JobSpec::Inside(InsideJob::Capture(Box::new(spec))));
        (self.shown, self.editing) = (Some(id), false);
        (self.look.query, self.look.key) = (None, None);
    }

    fn stop(&mut self, cx: &mut PaneCx) {
        let state = self.shown.and_then(|id| cx.model.captures.get(id));
        if let Some(job) = state.filter(|state| state.looking == Looking::Running).map(|state| state.job) {
            cx.cancel(job);
        }
    }

    /// The map that is looked at is the one that is drawn; when all is there, one in the middle is looked at first.
    fn follow(
        &mut self,
        cx: &mut PaneCx,
        state: Option<&CaptureState>,
        capture: &Capture,
        layer: &Arc<LayerCapture>,
    ) {
        let done = state.is_some_and(|state| state.looking == Looking::Done);
        if self.look.layer.is_none() && done {
            let middle = capture.layers.len() / 2;
            self.look.layer = capture.layers.get(middle).map(|layer| layer.layer);
        }
        let layer = self.look.layer.and_then(|layer| capture.layer(layer)).unwrap_or(layer);
        let choices = match self.choices.view {
            View::Matrix => self.choices.clone(),
            // Lines are weights, whatever the matrix shows.
            View::Lines | View::Text | View::Lens | View::Ablate => {
                Choices { kind: MapKind::Weights, ..self.choices.clone() }
            }
        };
        self.drawn.follow(cx, capture, layer, &self.look, &choices);
    }

    /// Layers by brackets, Escape forgets what was picked.
    fn keys(&mut self, ui: &Ui, capture: &Capture) {
        let busy = ui.ctx().text_edit_focused() || egui::Popup::is_any_open(ui.ctx()) || self.drawer;
        if busy {
            return;
        }
        let pressed = |key| ui.input(|i| i.modifiers.is_none() && i.key_pressed(key));
        let by = isize::from(pressed(Key::CloseBracket)) - isize::from(pressed(Key::OpenBracket));
        if by != 0 {
            self.look.step_layer(capture, by);
        }
        if pressed(Key::Escape) {
            self.look.clear();
        }
    }

    fn main_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        state: Option<&CaptureState>,
        shown: Option<&Capture>,
        layer: Option<&Arc<LayerCapture>>,
    ) {
        let Some(state) = state.filter(|_| !self.editing) else { return self.form_ui(ui, cx) };
        match (&state.looking, shown, layer) {
            (Looking::Failed(failure), ..) => {
                let change = Button::control(cx.t("inside.change")).icon(icons::PENCIL_SIMPLE);
                if widgets::failed(ui, failure, Some(change)) {
                    self.editing = true;
                }
            }
            (_, Some(capture), Some(layer)) => self.ready_ui(ui, cx, state, capture, layer),
            (Looking::Running, ..) => {
                let title = cx.tf("inside.reading", &[("text", &self.draft.title())]);
                let progress = cx.model.jobs.get(state.job).and_then(|job| job.progress.clone());
                if widgets::working(ui, &title, progress.as_ref()) {
                    cx.cancel(state.job);
                }
            }
            (Looking::Done | Looking::Stopped, ..) => self.form_ui(ui, cx),
        }
    }

    fn ready_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        state: &CaptureState,
        capture: &Capture,
        layer: &Arc<LayerCapture>,
    ) {
        self.status_ui(ui, cx, state, capture, layer);
        match self.choices.view {
            View::Lens => return self.lens_ui(ui, cx, capture),
            View::Ablate => return self.ablate_ui(ui, cx, capture, layer),
            View::Matrix | View::Lines | View::Text => {}
        }
        self.toolbar_ui(ui, cx, capture, layer);
        let failure = self.drawn.failure.clone();
        if let Some(failure) = failure {
            egui::Frame::new().inner_margin(16).show(ui, |ui| widgets::failed_line(ui, &failure, None));
        }
        let rest = Rect::from_min_max(ui.cursor().min, ui.max_rect().max);
        // The legend is always in sight: beside the map where the inspector is folded.
        let legend = if cx.folds_inspector() { LEGEND_WIDTH } else { 0.0 };
        let (rest, legend) = rest.split_left_right_at_x(rest.right() - legend);
        let strip = match self.choices.view {
            View::Text | View::Lens | View::Ablate => 0.0,
            _ if rest.height() < STRIP_FROM => 0.0,
            View::Matrix | View::Lines => STRIP,
        };
        let (body, strip) = rest.split_top_bottom_at_y(rest.bottom() - strip);
        let mut child = part(ui, "map", body);
        match self.choices.view {
            View::Matrix => {
                let inner = body.shrink2(vec2(16.0, 4.0));
                self.matrix_ui(&mut part(&mut child, "matrix", inner), cx, capture, layer);
            }
            View::Lines => self.lines_ui(&mut child, cx),
            View::Text => self.text_ui(&mut child, cx, capture, layer),
            View::Lens | View::Ablate => {}
        }
        if strip.height() > 1.0 {
            let mut child = part(ui, "strip", strip);
            widgets::divider(&mut child);
            self.text_ui(&mut child, cx, capture, layer);
        }
        if legend.width() > 1.0 {
            let place = legend.shrink2(vec2(16.0, 12.0));
            let place =
                Rect::from_min_max(pos2(place.left(), place.bottom() - head::LEGEND + 24.0), place.max);
            self.legend_ui(&mut part(ui, "legend", place), cx);
        }
    }
}

fn part(ui: &mut Ui, name: &str, rect: Rect) -> Ui {
    let mut child = ui.new_child(UiBuilder::new().id_salt(name).max_rect(rect));
    child.set_clip_rect(rect.intersect(ui.clip_rect()));
    child
}
