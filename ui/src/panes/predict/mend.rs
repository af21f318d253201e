//! Saying what is right: by keys, one row after the other, or by pressing a label.

use super::Predict;
use super::table::table_id;
use crate::model::Looked;
use crate::panes::PaneCx;
use egui::{Key, Modifiers, Ui};
use glassworks_protocol::Edit;
use glassworks_protocol::predict::{Mend, PredictedRow, PredictedWhole, PredictionRecord};

/// Answers that have a key.
const KEYS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// The answers with a key, in order. What a model wrote has keys only as long as there are few.
pub fn choices(whole: &PredictedWhole) -> &[(String, u64)] {
    let few = whole.sorts || whole.answers.len() <= KEYS.len();
    if few { &whole.answers[..whole.answers.len().min(KEYS.len())] } else { &[] }
}

/// What a key asks for.
enum Asked {
    Go(i64),
    To(u64),
    Answer(usize),
    Confirm,
    Clear,
}

impl Predict {
    /// Takes the keys while nothing else wants them.
    pub(super) fn keys(&mut self, ui: &Ui, cx: &mut PaneCx, record: &PredictionRecord, looked: &Looked) {
        let ctx = ui.ctx();
        let focus = ctx.memory(|m| m.focused());
        let free = focus.is_none_or(|id| id == table_id(cx));
        if !cx.focused || !free || egui::Popup::is_any_open(ctx) || self.dialog_is_open() {
            return;
        }
        let n_rows = looked.n_rows().unwrap_or(0);
        let page = (self.results.height / super::table::ROW).floor().max(1.0) as i64;
        let Some(asked) = pressed(ui, page, n_rows, choices(looked.whole()).len()) else { return };
        match asked {
            Asked::Go(by) => self.go_to(self.results.at.saturating_add_signed(by), n_rows),
            Asked::To(place) => self.go_to(place, n_rows),
            Asked::Answer(_) | Asked::Confirm | Asked::Clear => {
                let Some(row) = looked.row(self.results.at) else { return };
                let answer = match asked {
                    Asked::Answer(at) => choices(looked.whole()).get(at).map(|(answer, _)| answer.clone()),
                    Asked::Confirm => row.answer.clone(),
                    _ => return cx.edit(Edit::Mend { prediction: record.id, row: row.row, mend: None }),
                };
                if let Some(answer) = answer {
                    say(cx, record, row, answer);
                    self.go_to(self.results.at + 1, n_rows);
                }
            }
        }
    }

    fn go_to(&mut self, place: u64, n_rows: u64) {
        self.results.at = place.min(n_rows.saturating_sub(1));
        self.results.follow = true;
    }

    fn dialog_is_open(&self) -> bool {
        self.results.again.is_open() || self.doomed.is_some() || self.data.is_open()
    }

    /// Undo and redo of what was said here. Says whether there was anything.
    pub(super) fn take_back(&mut self, cx: &mut PaneCx, undo: bool) -> bool {
        let Some(record) = self.open.and_then(|id| cx.model.predictions.get(id)).cloned() else {
            return false;
        };
        let can = if undo { record.can_undo } else { record.can_redo };
        if can {
            cx.edit(if undo { Edit::UndoMend(record.id) } else { Edit::RedoMend(record.id) });
        }
        can
    }
}

fn pressed(ui: &Ui, page: i64, n_rows: u64, n_answers: usize) -> Option<Asked> {
    ui.input_mut(|i| {
        let mut key = |key: Key| i.consume_key(Modifiers::NONE, key);
        for (one, by) in
            [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, page), (Key::PageUp, -page)]
        {
            if key(one) {
                return Some(Asked::Go(by));
            }
        }
        if let Some(at) = KEYS.iter().take(n_answers).position(|one| key(*one)) {
            return Some(Asked::Answer(at));
        }
        match () {
            () if key(Key::Home) => Some(Asked::To(0)),
            () if key(Key::End) => Some(Asked::To(n_rows)),
            () if key(Key::Enter) => Some(Asked::Confirm),
            () if key(Key::Backspace) || key(Key::Delete) => Some(Asked::Clear),
            () => None,
        }
    })
}

/// Says that this is the right answer to the row.
pub fn say(cx: &mut PaneCx, record: &PredictionRecord, row: &PredictedRow, answer: String) {
    let confirmed = row.answer.as_ref() == Some(&answer);
    let mend = Some(Mend { answer, confirmed });
    cx.edit(Edit::Mend { prediction: record.id, row: row.row, mend });
}
