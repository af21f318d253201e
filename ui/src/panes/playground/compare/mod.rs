//! Compare: two to four models, or one under several settings, asked the same and answering together. This file holds
//! what there is of it and what is kept; rounds, columns, answers, votes and the composer have files of their own.

mod answer;
mod bar;
mod column;
mod keep;
mod round;
mod score;
mod show;

use super::Playground;
use super::ask::Asker;
use super::composer::Ime;
use super::doc::View;
use super::tuned;
use crate::action::Toast;
use crate::model::Listed;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::Button;
use egui::Ui;
use glassworks_protocol::Query;
use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageRecord, Role};
use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::ids::{MessageId, ModelId};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TunedSource;
use round::Round;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const LEAST: usize = 2;
const MOST: usize = 4;
/// Rounds that stay within reach; the answers of older ones are forgotten.
const MAX_ROUNDS: usize = 16;

/// A model and how it is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    id: u64,
    model: Option<ModelId>,
    tuned: Option<TunedSource>,
    /// In the place of what is set for all.
    sampling: Option<SamplingSpec>,
    /// In the place of the conversation's; blank for none of its own.
    system_prompt: String,
}

/// What stands before the question, where Compare was come to from a document.
#[derive(Clone, Debug)]
struct Before {
    record: ChatRecord,
    path: Vec<Arc<MessageRecord>>,
    /// Whether the document was stored when it was left.
    stored: bool,
    /// What stands after a free text's cursor.
    tail: String,
}

#[derive(Default)]
pub struct CompareState {
    pub shown: bool,
    columns: Vec<Column>,
    /// Questions, or texts to go on with.
    kind: ChatKind,
    blind: bool,
    draft: String,
    before: Option<Before>,
    rounds: Vec<Round>,
    /// The round in sight.
    at: usize,
    ime: Ime,
    /// The score is to be begun anew, once that is confirmed.
    confirms: bool,
    next_id: u64,
}

/// What is kept between launches.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    shown: bool,
    columns: Vec<Column>,
    kind: ChatKind,
    blind: bool,
    draft: String,
}

impl CompareState {
    pub fn save(&self) -> serde_json::Value {
        let (columns, draft) = (self.columns.clone(), self.draft.clone());
        let kept = Kept { shown: self.shown, columns, kind: self.kind, blind: self.blind, draft };
        serde_json::to_value(kept).unwrap_or_default()
    }

    pub fn restore(&mut self, kept: serde_json::Value) {
        let kept: Kept = serde_json::from_value(kept).unwrap_or_default();
        (self.shown, self.columns, self.kind) = (kept.shown, kept.columns, kept.kind);
        (self.blind, self.draft) = (kept.blind, kept.draft);
        self.columns.truncate(MOST);
    }

    /// An id that no column has had.
    fn fresh_id(&mut self) -> u64 {
        let next = self.columns.iter().map(|column| column.id + 1).max().unwrap_or(0).max(self.next_id);
        self.next_id = next + 1;
        next
    }

    fn round(&self) -> Option<&Round> {
        self.rounds.get(self.at)
    }

    /// Whether names are hidden now.
    fn hides(&self) -> bool {
        self.round().is_some_and(Round::hides)
    }

    fn is_busy(&self, cx: &PaneCx) -> bool {
        self.rounds.last().is_some_and(|round| !round.is_done(cx))
    }
}

impl Playground {
    /// Shows Compare, with the chosen model and one to compare it with if nothing was there.
    pub(super) fn open_compare(&mut self, cx: &mut PaneCx) {
        self.store_system_prompt(cx);
        self.autosave(cx, true);
        self.welcomed = true;
        self.compare.shown = true;
        self.composer.want_focus = true;
        if self.compare.columns.is_empty() {
            self.compare.kind = self.natural_kind(cx);
        }
    }

    /// Goes on with documents. Rounds stay; what is being written is not stopped.
    pub(super) fn leave_compare(&mut self) {
        if std::mem::take(&mut self.compare.shown) {
            self.compare.before = None;
            self.composer.want_focus = true;
        }
    }

    /// Makes sure that there are columns, and that what they name is there.
    fn begin_compare(&mut self, cx: &mut PaneCx) {
        if *cx.model.votes.listed() == Listed::NotAsked {
            cx.fetch(Query::Votes);
        }
        let known = |id: &ModelId| cx.model.library.get(*id).is_some();
        let chosen = self.model.filter(known);
        let rest = || {
            let others = cx.model.library.models().iter().map(|model| model.id);
            others.filter(move |id| Some(*id) != chosen)
        };
        if self.compare.columns.is_empty() {
            let tuned = self.tuned_now(cx).map(|(_, _, tuned)| tuned);
            let other = if tuned.is_some() { chosen } else { rest().next().or(chosen) };
            let (id, beside) = (self.compare.fresh_id(), self.compare.fresh_id());
            let first = Column { id, model: chosen, tuned, ..Column::default() };
            self.compare.columns = vec![first, Column { id: beside, model: other, ..Column::default() }];
        }
        while self.compare.columns.len() < LEAST {
            let id = self.compare.fresh_id();
            self.compare.columns.push(Column { id, model: chosen, ..Column::default() });
        }
        let knows_runs = cx.model.knows_runs();
        let mut gone = Vec::new();
        for column in &mut self.compare.columns {
            column.model = column.model.filter(known).or(chosen);
            let Some(was) = column.tuned.filter(|_| knows_runs) else { continue };
            column.tuned = cx.model.tuned(&was).map(|(_, part)| TunedSource { part: part.part, ..was });
            if column.tuned.is_none() {
                gone.push((was.run, column.model));
            }
        }
        for (run, base) in gone {
            let name = cx.model.run_name(run).unwrap_or_default().to_owned();
            let base = base.and_then(|id| cx.model.library.get(id)).map(|model| model.name.clone());
            let text = Text::new("playground.tuned_gone").arg("name", name);
            cx.toast(Toast::new(text.arg("base", base.unwrap_or_default())).icon(icons::WARNING));
        }
    }

    /// Asks who answers in a column; `seed` is shared by all that have none of their own.
    fn column_asker(&self, cx: &PaneCx, column: &Column, seed: u64) -> Option<Asker> {
        let all = self.sampling.spec(cx);
        let json_schema = all.json_schema.clone();
        let mut sampling = SamplingSpec { json_schema, ..column.sampling.clone().unwrap_or(all) };
        sampling.seed.get_or_insert(seed);
        Some(Asker {
            model: column.model?,
            tuned: column.tuned,
            sampling,
            precision: cx.settings().precision,
            cache: cx.settings().cache,
            now_ms: cx.now_ms,
        })
    }

    /// The base of the tuned model that is chosen, if one is.
    fn base_beside(&self, cx: &PaneCx) -> Option<ModelId> {
        if self.tuned_now(cx).is_some() {
            return self.model;
        }
        let model = cx.model.library.get(self.model?)?;
        let base = cx.model.base_of(cx.model.maker_of(model)?)?;
        (base.id != model.id).then_some(base.id)
    }

    /// Where a tuned model is chosen: it and its base in Compare, asked what is typed or was asked last.
    pub(super) fn compare_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if view.job.is_some() || self.base_beside(cx).is_none() {
            return;
        }
        let why = match self.to_compare(view) {
            Some(_) if self.compare.is_busy(cx) => Some(cx.t("playground.busy")),
            Some(_) => None,
            None => Some(cx.t("playground.nothing_to_send")),
        };
        let button = Button::control(cx.t("playground.compare")).icon(icons::COLUMNS).off(why);
        if button.tooltip(cx.t("playground.compare_tip")).show(ui).clicked() {
            self.compare_now(cx, view);
        }
    }

    /// What would be asked: what is typed, else what was asked last; and how much of the path stands before it.
    fn to_compare(&self, view: &View) -> Option<(String, usize)> {
        if view.record.kind == ChatKind::Completion {
            let text = self.editor.before_cursor();
            return (!text.is_empty()).then(|| (text.to_owned(), view.path.len()));
        }
        let draft = self.doc.as_ref().map(|doc| doc.draft.trim()).unwrap_or_default();
        if !draft.is_empty() {
            return Some((draft.to_owned(), view.path.len()));
        }
        let last = view.path.iter().rposition(|message| message.role == Role::User)?;
        Some((view.path[last].text.clone(), last))
    }

    fn compare_now(&mut self, cx: &mut PaneCx, view: &View) {
        let (Some(base), Some((text, at))) = (self.base_beside(cx), self.to_compare(view)) else { return };
        let is_there = view.path.get(at).filter(|_| view.record.kind == ChatKind::Chat).map(|m| m.id);
        let before = Before {
            record: view.record.clone(),
            path: view.path[..at].to_vec(),
            stored: self.stored_document().is_some(),
            tail: self.editor.after_cursor().to_owned(),
        };
        let tuned = self.tuned_now(cx).map(|(_, _, tuned)| tuned);
        let (id, beside) = (self.compare.fresh_id(), self.compare.fresh_id());
        let one = Column { id, model: Some(base), ..Column::default() };
        let other = Column { id: beside, model: self.model, tuned, ..Column::default() };
        self.compare.columns = vec![one, other];
        self.compare.kind = view.record.kind;
        self.compare.blind = false;
        self.compare.before = Some(before);
        self.open_compare(cx);
        self.ask_all(cx, &text, is_there);
    }

    /// Asks all columns; `is_there` is the question where the conversation has it already.
    fn ask_all(&mut self, cx: &mut PaneCx, text: &str, is_there: Option<MessageId>) {
        self.sampling.store(cx, true);
        let n = self.compare.rounds.len() as i64;
        let seed = super::sampling::drawn_seed(cx.now_ms.wrapping_add(n.wrapping_mul(7919)));
        let columns = self.compare.columns.clone();
        let askers: Vec<(Column, Asker)> = columns
            .into_iter()
            .filter_map(|column| self.column_asker(cx, &column, seed).map(|asker| (column, asker)))
            .collect();
        let Some((_, first)) = askers.first() else { return self.opener.open() };
        let before = self.compare.before.clone().unwrap_or_else(|| Before {
            record: ChatRecord::new(self.compare.kind, cx.now_ms),
            path: Vec::new(),
            stored: false,
            tail: String::new(),
        });
        let parent = before.path.last().map(|message| message.id);
        let question = is_there.is_none().then(|| first.question(&before.record, parent, text, &before.tail));
        let mut seats = Vec::new();
        for (i, (column, asker)) in askers.iter().enumerate() {
            let mut record = before.record.clone();
            if !column.system_prompt.trim().is_empty() {
                record.system_prompt.clone_from(&column.system_prompt);
            }
            let head = self.column_head(cx, column, i);
            seats.push(round::Seat::ask(cx, column.id, head, asker, &record, &before.path, text));
        }
        let mut round = Round::new(text.to_owned(), before.record, before.stored, seats);
        (round.question, round.parent) = (question, is_there.or(parent));
        if self.compare.blind {
            round.hide(cx.now_ms.wrapping_add(n));
        }
        self.compare.rounds.push(round);
        if self.compare.rounds.len() > MAX_ROUNDS {
            self.compare.rounds.remove(0);
        }
        self.compare.at = self.compare.rounds.len() - 1;
        self.chips.leave();
    }

    /// Who answers in a column, as it is told beside its answer.
    fn column_head(&self, cx: &PaneCx, column: &Column, i: usize) -> round::Head {
        let color = cx.theme.tokens.series[i % cx.theme.tokens.series.len()];
        let name = column.model.and_then(|id| cx.model.library.get(id)).map(|model| model.name.clone());
        let mut name = name.unwrap_or_default();
        let mut parts = Vec::new();
        if let Some((run, part)) = column.tuned.and_then(|chosen| cx.model.tuned(&chosen)) {
            name.clone_from(&run.name);
            parts.push(cx.part_words(&part));
            if let Some(tuned) = column.tuned.filter(|_| tuned::is_adapter(run)) {
                parts.push(tuned::strength_words(cx, tuned.strength));
            }
        }
        parts.extend(self.own_words(cx, column));
        round::Head { name, detail: as_sentence(&parts.join(" · ")), color }
    }

    /// What a column has of its own, in a line.
    fn own_words(&self, cx: &PaneCx, column: &Column) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(own) = &column.sampling {
            words.extend(column::differences(cx, own, &self.sampling.spec(cx)));
        }
        if !column.system_prompt.trim().is_empty() {
            words.push(cx.t("compare.own_system_prompt"));
        }
        words
    }

    /// Stops all that is being written.
    pub(super) fn stop_compare(&mut self, cx: &mut PaneCx) -> bool {
        let Some(round) = self.compare.rounds.last() else { return false };
        let jobs: Vec<_> = round.writing(cx).collect();
        jobs.iter().for_each(|job| cx.cancel(*job));
        !jobs.is_empty()
    }

    /// Commands that mean something else here; says whether this was one.
    pub(super) fn compare_command(&mut self, command: crate::command::UiCommand, cx: &mut PaneCx) -> bool {
        use crate::command::UiCommand;
        match command {
            UiCommand::Send => self.ask_typed(cx),
            UiCommand::Stop => return self.stop_compare(cx),
            UiCommand::Regenerate => self.ask_again(cx),
            UiCommand::PreviousBranch => self.step_round(-1),
            UiCommand::NextBranch => self.step_round(1),
            _ => return false,
        }
        true
    }

    fn step_round(&mut self, step: isize) {
        let last = self.compare.rounds.len().saturating_sub(1);
        self.compare.at = self.compare.at.saturating_add_signed(step).min(last);
        self.chips.leave();
    }
}

/// With a capital at the beginning.
fn as_sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_what_makes_no_sense_does_not() {
        let mut state = CompareState { blind: true, draft: "Why?".to_owned(), ..CompareState::default() };
        state.columns = (0..2).map(|id| Column { id, ..Column::default() }).collect();
        state.columns[1].system_prompt = "Be brief".to_owned();
        let mut back = CompareState::default();
        back.restore(state.save());
        assert_eq!((back.blind, back.draft.as_str(), &back.columns), (true, "Why?", &state.columns));
        assert_eq!([back.fresh_id(), back.fresh_id()], [2, 3]);
        back.restore(serde_json::json!({ "columns": "none", "blind": 7 }));
        assert!(back.columns.is_empty() && !back.blind);
        back.restore(serde_json::Value::Null);
        assert!(back.columns.is_empty());
    }
}
