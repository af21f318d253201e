//! All of one row: what is wrong with it, its split, and its fields as its task has them, to read and to write.

mod answers;
mod area;
mod banners;
mod chat;
mod classify;
mod draft;
mod json_field;
mod labels;
mod marked;
mod marking;
mod new_label;
mod others;
mod pairs;
mod plain;
mod preference;
mod said;
mod spans;
mod split_row;
mod tags;
mod turns;
mod unlabelled;
mod words;
mod work;

use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icon_font, icons, size};
use crate::units;
use crate::widgets::{self, Button, Select, icon_button, tiles};
use classify::LabelAsked;
use draft::Drafts;
use egui::{Align, Id, Layout, Response, RichText, Ui, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::marks::Place;
use glassworks_protocol::datasets::measure::SeenRow;
use glassworks_protocol::datasets::{
    DataTask, DatasetEdit, DatasetRecord, MadeHow, Role, Row, RowDocument, RowFlags, RowId, Split,
};
use glassworks_protocol::ids::DatasetId;
use std::sync::Arc;
use std::time::Duration;
use work::{Work, Wrote};

use labels::Labels;

/// What the tile is given to draw.
pub struct Given<'a> {
    pub record: &'a DatasetRecord,
    pub document: &'a Arc<RowDocument>,
    /// As the model is given it, if that is known.
    pub seen: Option<&'a SeenRow>,
}

/// What a person does with one row.
#[derive(Default)]
pub struct RowTile {
    drafts: Drafts,
    labels: Labels,
    at: Option<(DatasetId, RowId)>,
    /// What had the keyboard last.
    focus: Option<Id>,
    turns: turns::Turns,
    classify: classify::Classify,
    spans: spans::Spans,
    tags: tags::Tags,
    answers: answers::Answers,
    preference: preference::Preference,
    unlabelled: unlabelled::Unlabelled,
}

impl RowTile {
    /// Draws all of the row below the tile's head; says which row is to be shown next, if another one is.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, given: &Given) -> Option<RowId> {
        let foot = self.foot_ui(ui, cx, given);
        let mut show = None;
        let id = Id::unique(("row", cx.slot, given.record.id, given.document.id));
        let salt = ("row", given.document.id.0);
        ui.push_id(salt, |ui| {
            tiles::scroll(ui, "row", foot, |ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                show = self.work_ui(ui, cx, given, id);
                self.follow_focus(ui);
            });
        });
        show
    }

    /// What gets the keyboard comes into sight.
    fn follow_focus(&mut self, ui: &Ui) {
        let focus = ui.ctx().memory(|m| m.focused());
        if self.focus == focus {
            return;
        }
        self.focus = focus;
        if let Some(response) = focus.and_then(|id| ui.ctx().read_response(id))
            && response.layer_id == ui.layer_id()
            && ui.min_rect().expand(4.0).contains_rect(response.rect)
            && !ui.clip_rect().contains_rect(response.rect)
        {
            ui.scroll_to_rect_animation(
                response.rect.expand(8.0),
                None,
                egui::style::ScrollAnimation::none(),
            );
        }
    }

    fn work_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, given: &Given, id: Id) -> Option<RowId> {
        let Given { record, document, seen } = *given;
        let (dataset, row) = (record.id, document.id);
        self.follow(cx, record);
        let moved = self.at.replace((dataset, row)) != Some((dataset, row));
        let draft = self.drafts.open(dataset, document, cx, moved);
        let mut work = Work {
            record,
            document,
            value: &mut draft.value,
            typed: &mut draft.typed,
            labels: &self.labels,
            seen,
            id,
            wrote: Wrote::Nothing,
        };
        banners::banners(ui, cx, &work);
        let show = place_ui(ui, cx, record, document);
        let mut asked = None;
        match record.mapping.task {
            DataTask::Chat => chat::chat(ui, cx, &mut work, &mut self.turns),
            DataTask::Classification => asked = self.classify.ui(ui, cx, &mut work),
            DataTask::Tagging if work.column(Role::Tokens).is_some() => self.tags.ui(ui, cx, &mut work),
            DataTask::Tagging => self.spans.ui(ui, cx, &mut work),
            DataTask::QuestionAnswering => self.answers.ui(ui, cx, &mut work),
            DataTask::Pairs => pairs::pairs(ui, cx, &mut work),
            DataTask::Preference => self.preference.ui(ui, cx, &mut work),
            DataTask::Text => plain::plain(ui, cx, &mut work),
        }
        others::others(ui, cx, &mut work);
        let wrote = work.wrote;
        self.heard(ui, cx, (dataset, row), wrote, asked);
        show
    }

    /// The keys of labels, while neither a text nor anything else wants them.
    pub fn keys(&mut self, ui: &Ui, cx: &mut PaneCx, given: &Given) {
        if given.record.mapping.task != DataTask::Classification {
            return;
        }
        let Given { record, document, seen } = *given;
        self.follow(cx, record);
        let draft = self.drafts.open(record.id, document, cx, false);
        let mut work = Work {
            record,
            document,
            value: &mut draft.value,
            typed: &mut draft.typed,
            labels: &self.labels,
            seen,
            id: Id::unique(("row", cx.slot, record.id, document.id)),
            wrote: Wrote::Nothing,
        };
        let asked = classify::keys(ui, &mut work);
        let wrote = work.wrote;
        self.heard(ui, cx, (record.id, document.id), wrote, asked);
    }

    fn heard(
        &mut self,
        ui: &Ui,
        cx: &mut PaneCx,
        (dataset, row): (DatasetId, RowId),
        wrote: Wrote,
        asked: Option<LabelAsked>,
    ) {
        match wrote {
            Wrote::Nothing => {}
            Wrote::Typed => self.drafts.wrote(dataset, row, cx, false),
            Wrote::Done => self.drafts.wrote(dataset, row, cx, true),
        }
        if asked == Some(LabelAsked::NextUnlabelled) {
            self.drafts.flush(cx);
            self.unlabelled.ask(cx, dataset, row);
            ui.ctx().request_repaint();
        }
    }

    /// Takes in the labels that are known of a dataset.
    fn follow(&mut self, cx: &PaneCx, record: &DatasetRecord) {
        self.labels.follow(record.id, cx.model.datasets.labels(record.id).unwrap_or_default());
    }

    /// The labels of a dataset in the order of their keys and colours.
    #[must_use]
    pub fn label_names(&mut self, cx: &PaneCx, record: &DatasetRecord) -> Vec<String> {
        self.follow(cx, record);
        self.labels.all().iter().map(|one| one.name.clone()).collect()
    }

    /// Once a frame: stores what has rested. The row to go to, if one was looked for and has been found.
    pub fn rest(&mut self, ui: &Ui, cx: &mut PaneCx, shown: &[RowId]) -> Option<RowId> {
        if let Some(ms) = self.drafts.rest(cx) {
            ui.ctx().request_repaint_after(Duration::from_millis(ms + 1));
        }
        self.unlabelled.found(cx, shown)
    }

    /// Stores all that is written: at once, before an undo, before the window closes.
    /// Says whether there was anything.
    pub fn flush(&mut self, cx: &mut PaneCx) -> bool {
        self.drafts.flush(cx)
    }

    /// An undo or redo is on its way: what comes of it is shown.
    pub fn follow_stored(&mut self, cx: &PaneCx) {
        self.drafts.follow_stored(cx.now_ms);
    }

    /// The row as it stands here, where it is not what is stored.
    #[must_use]
    pub fn unsaved(&self, dataset: DatasetId, row: RowId) -> Option<&Row> {
        self.drafts.unsaved(dataset, row)
    }

    /// What can be done about a row that is not right, at the foot of the tile; how high that is.
    fn foot_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, given: &Given) -> f32 {
        let Given { record, document, seen } = *given;
        let draft = self.drafts.open(record.id, document, cx, false);
        let work = Work {
            record,
            document,
            value: &mut draft.value,
            typed: &mut draft.typed,
            labels: &self.labels,
            seen,
            id: Id::NULL,
            wrote: Wrote::Nothing,
        };
        if !banners::has_any(cx, &work) {
            return 0.0;
        }
        let accepted = document.flags.any(RowFlags::ACCEPTED);
        let is_cut = seen.is_some_and(|seen| !seen.in_pieces && (seen.n_kept as usize) < seen.tokens.len());
        let share = |seen: &SeenRow| seen.n_kept as f32 / seen.tokens.len().max(1) as f32;
        let halves = seen
            .filter(|_| is_cut)
            .and_then(|seen| split_row::halves(&record.mapping, work.value, share(seen)));
        let mut changes = None;
        let tile = ui.max_rect();
        tiles::footer(ui, tile.expand(1.0), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if let Some((first, second)) = halves {
                let button = Button::control(cx.t("datasets.row_split_in_two")).icon(icons::SCISSORS);
                if button.tooltip(cx.t("datasets.row_split_in_two_tip")).show(ui).clicked() {
                    let (row, split) = (document.id, document.split);
                    let add = RowChange::Add { after: Some(row), value: second, split, made: None };
                    changes = Some(vec![RowChange::Set { row, value: first }, add]);
                }
            }
            let key = if accepted { "datasets.look_again" } else { "datasets.accept" };
            let icon = if accepted { icons::EYE } else { icons::CHECK };
            let button = Button::quiet(cx.t(key)).icon(icon);
            if button.tooltip(cx.t("datasets.row_accept_tip")).show(ui).clicked() {
                changes = Some(vec![RowChange::Accept { rows: vec![document.id], accepted: !accepted }]);
            }
        });
        if let Some(changes) = changes {
            self.drafts.flush(cx);
            self.drafts.follow_stored(cx.now_ms);
            cx.edit(Edit::Dataset(DatasetEdit::Rows { dataset: record.id, changes }));
        }
        size::HEADER
    }
}

/// Its split, and the row it was made of; that row, when it is to be shown.
fn place_ui(ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord, document: &RowDocument) -> Option<RowId> {
    let mut show = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let mut split = document.split;
        let mut options: Vec<(Option<Split>, String)> =
            Split::ALL.iter().map(|one| (Some(*one), split_word(cx, Some(*one)))).collect();
        options.push((None, split_word(cx, None)));
        let name = cx.t("datasets.column_split");
        widgets::label(ui, &name);
        if Select::new(&name).small().show(ui, &mut split, &options).changed() {
            let changes = vec![RowChange::SetSplit { rows: vec![document.id], split }];
            cx.edit(Edit::Dataset(DatasetEdit::Rows { dataset: record.id, changes }));
        }
        if let Some(made) = document.made {
            let n = units::grouped(u64::from(made.from.0) + 1);
            let how = cx.t(made_key(made.how));
            if widgets::link(ui, cx.tf("datasets.row_made_from", &[("how", &how), ("row", &n)])).clicked() {
                show = Some(made.from);
            }
        }
    });
    show
}

fn split_word(cx: &PaneCx, split: Option<Split>) -> String {
    cx.t(match split {
        Some(Split::Train) => "datasets.split_train",
        Some(Split::Validation) => "datasets.split_validation",
        Some(Split::Test) => "datasets.split_test",
        None => "datasets.split_none",
    })
}

fn made_key(how: MadeHow) -> &'static str {
    match how {
        MadeHow::TokenDropout => "datasets.made_token_dropout",
        MadeHow::TokenSwap => "datasets.made_token_swap",
        MadeHow::CharacterNoise => "datasets.made_character_noise",
        MadeHow::Synonyms => "datasets.made_synonyms",
        MadeHow::Casing => "datasets.made_casing",
        MadeHow::Punctuation => "datasets.made_punctuation",
        MadeHow::Model => "datasets.made_model",
        MadeHow::Counterfactual => "datasets.made_counterfactual",
        MadeHow::Oversampling => "datasets.made_oversampling",
    }
}

/// A small icon among words.
fn icon_label(ui: &mut Ui, icon: &str, filled: bool, color: egui::Color32) -> Response {
    let font = icon_font(size::ICON_SMALL, filled);
    ui.label(RichText::new(icon).font(font).line_height(Some(Type::Body.line())).color(color))
}

/// A line with a button at its end that takes it away; says whether it was pressed.
fn removable(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) -> bool {
    let room = vec2(ui.available_width(), size::CONTROL_SMALL);
    let shown = ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(room.x);
        let removed = icon_button(ui, icons::X, name).clicked();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            add(ui);
        });
        removed
    });
    shown.inner
}

/// Some words of the text, cut where there is no room, that can be pressed to be shown in it.
fn words_button(ui: &mut Ui, words: &str, chosen: bool, name: String) -> bool {
    let natural = widgets::galley(ui, words, Type::Body.font(Weight::Medium), egui::Color32::PLACEHOLDER);
    let width = (natural.size().x + 26.0).min((ui.available_width() - 64.0).max(48.0));
    Button::quiet(words).small().width(width).selected(chosen).name(name).show(ui).clicked()
}

/// That words are not where they are said to be; whether the repair was pressed, which there is where they were found.
fn not_there(ui: &mut Ui, cx: &PaneCx, found: Option<Place>) -> bool {
    let mut pressed = false;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
        ui.set_min_height(size::CONTROL_SMALL);
        icon_label(ui, icons::WARNING, true, cx.theme.tokens.danger);
        ui.label(Type::Hint.text(cx.t("datasets.row_not_there"), cx.theme.tokens.danger));
        let off = found.is_none().then(|| cx.t("datasets.row_nowhere"));
        let button = Button::control(cx.t("datasets.row_find_it")).icon(icons::MAGNIFYING_GLASS).small();
        pressed = button.off(off).show(ui).clicked();
    });
    pressed
}
