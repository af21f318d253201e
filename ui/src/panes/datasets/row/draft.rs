//! What a person writes into rows until it is stored. Typing never waits: a draft is what is shown, the engine is told
//! when the hands rest or the field is left, and each time it is told is one edit.

use crate::panes::PaneCx;
use glassworks_protocol::Edit;
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::{DatasetEdit, Row, RowDocument, RowId};
use glassworks_protocol::ids::DatasetId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// So long after the last key what was written is stored,
const REST_MS: i64 = 1200;
/// and so long after the first one, for who never rests.
const LONGEST_MS: i64 = 10_000;
/// An edit that has not come back after so long was overtaken, by an undo or another edit.
const OVERTAKEN_MS: i64 = 2000;

/// A row as it stands in the editor.
pub struct Draft {
    /// What it began from.
    document: Arc<RowDocument>,
    pub value: Row,
    /// What is no value yet, by column: half a number, JSON with an open bracket.
    pub typed: BTreeMap<String, String>,
    /// Told to the engine and not yet seen to have come back, the oldest first.
    sent: Vec<Row>,
    sent_at_ms: i64,
    /// Of what is not stored: the first and the last key.
    written_ms: Option<(i64, i64)>,
    /// Until then, what is stored counts and not what was sent.
    follows_until_ms: i64,
}

impl Draft {
    fn of(document: &Arc<RowDocument>) -> Self {
        Self {
            document: Arc::clone(document),
            value: document.value.clone(),
            typed: BTreeMap::new(),
            sent: Vec::new(),
            sent_at_ms: 0,
            written_ms: None,
            follows_until_ms: 0,
        }
    }

    /// The row was told anew. What is being written stays; else it is shown as it is stored.
    fn follow(&mut self, document: &Arc<RowDocument>, now_ms: i64) {
        if Arc::ptr_eq(&self.document, document) {
            return;
        }
        let before = std::mem::replace(&mut self.document, Arc::clone(document));
        let stored = &self.document.value;
        if let Some(at) = self.sent.iter().position(|sent| sent == stored) {
            self.sent.drain(..=at);
        }
        if self.written_ms.is_some() {
            return;
        }
        let overtaken = now_ms < self.follows_until_ms || now_ms - self.sent_at_ms > OVERTAKEN_MS;
        if self.sent.is_empty() && *stored != before.value || overtaken {
            self.sent.clear();
            if self.value != *stored {
                self.value = stored.clone();
                self.typed.clear();
            }
        }
    }

    fn write(&mut self, now_ms: i64) {
        let first = self.written_ms.map_or(now_ms, |(first, _)| first);
        self.written_ms = Some((first, now_ms));
    }

    fn due_ms(&self) -> Option<i64> {
        self.written_ms.map(|(first, last)| (last + REST_MS).min(first + LONGEST_MS))
    }

    /// What the engine is to be told, if it is anything new.
    fn take(&mut self, now_ms: i64) -> Option<Row> {
        self.written_ms.take()?;
        let known = self.sent.last().unwrap_or(&self.document.value);
        if *known == self.value {
            return None;
        }
        self.sent.push(self.value.clone());
        self.sent_at_ms = now_ms;
        Some(self.value.clone())
    }

    fn is_done(&self) -> bool {
        self.sent.is_empty() && self.written_ms.is_none() && self.typed.is_empty()
    }
}

/// The drafts of all rows that were written in.
#[derive(Default)]
pub struct Drafts(HashMap<(DatasetId, RowId), Draft>);

impl Drafts {
    /// A row to be shown: as it was being written, or as it is stored.
    pub fn open(
        &mut self,
        dataset: DatasetId,
        document: &Arc<RowDocument>,
        cx: &mut PaneCx,
        others: bool,
    ) -> &mut Draft {
        let key = (dataset, document.id);
        if others {
            // Whoever goes to another row has left the field.
            self.save(cx, |one| one != key);
            self.0.retain(|one, draft| *one == key || !draft.is_done());
        }
        let draft = self.0.entry(key).or_insert_with(|| Draft::of(document));
        draft.follow(document, cx.now_ms);
        draft
    }

    /// Something was written. `at_once`: nothing more is to come.
    pub fn wrote(&mut self, dataset: DatasetId, row: RowId, cx: &mut PaneCx, at_once: bool) {
        let key = (dataset, row);
        if let Some(draft) = self.0.get_mut(&key) {
            draft.write(cx.now_ms);
        }
        if at_once {
            self.save(cx, |one| one == key);
        }
    }

    /// Stores what has rested; says in how many milliseconds there is more to store.
    pub fn rest(&mut self, cx: &mut PaneCx) -> Option<u64> {
        let now_ms = cx.now_ms;
        let due: Vec<_> = self.0.iter().filter_map(|(key, draft)| Some((*key, draft.due_ms()?))).collect();
        self.save(cx, |one| due.iter().any(|(key, at)| *key == one && *at <= now_ms));
        let next = due.iter().map(|(_, at)| *at).filter(|at| *at > now_ms).min()?;
        u64::try_from(next - now_ms).ok()
    }

    /// Stores all there is: before an undo, before the window closes. Says whether there was anything.
    pub fn flush(&mut self, cx: &mut PaneCx) -> bool {
        self.save(cx, |_| true)
    }

    /// After an undo or redo what is stored counts, whatever was sent before it.
    pub fn follow_stored(&mut self, now_ms: i64) {
        for draft in self.0.values_mut() {
            draft.follows_until_ms = now_ms + OVERTAKEN_MS;
        }
    }

    fn save(&mut self, cx: &mut PaneCx, which: impl Fn((DatasetId, RowId)) -> bool) -> bool {
        let now_ms = cx.now_ms;
        let mut any = false;
        for ((dataset, row), draft) in self.0.iter_mut().filter(|(key, _)| which(**key)) {
            if let Some(value) = draft.take(now_ms) {
                let changes = vec![RowChange::Set { row: *row, value }];
                cx.edit(Edit::Dataset(DatasetEdit::Rows { dataset: *dataset, changes }));
                any = true;
            }
        }
        any
    }

    /// A row as it stands in the editor, where that is another one than what is stored.
    #[must_use]
    pub fn unsaved(&self, dataset: DatasetId, row: RowId) -> Option<&Row> {
        let draft = self.0.get(&(dataset, row))?;
        (draft.value != draft.document.value).then_some(&draft.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(text: &str) -> Arc<RowDocument> {
        let serde_json::Value::Object(value) = json!({ "text": text }) else { unreachable!() };
        Arc::new(RowDocument {
            id: RowId(3),
            position: 3,
            split: None,
            value,
            flags: Default::default(),
            issues: Vec::new(),
            made: None,
        })
    }

    fn text(draft: &Draft) -> &str {
        draft.value["text"].as_str().unwrap()
    }

    fn write(draft: &mut Draft, words: &str, now_ms: i64) {
        draft.value.insert("text".into(), words.into());
        draft.write(now_ms);
    }

    #[test]
    fn what_is_written_is_sent_once_and_stays_while_older_news_arrive() {
        let mut draft = Draft::of(&document("a"));
        write(&mut draft, "ab", 0);
        assert_eq!(draft.due_ms(), Some(REST_MS));
        assert_eq!(draft.take(0).unwrap()["text"], "ab");
        assert!(draft.take(0).is_none());
        write(&mut draft, "abc", 500);
        assert_eq!(draft.take(500).unwrap()["text"], "abc");
        // The first one comes back, then the second.
        draft.follow(&document("ab"), 600);
        assert_eq!(text(&draft), "abc");
        draft.follow(&document("abc"), 700);
        assert!(text(&draft) == "abc" && draft.is_done());
        // Someone else changes it.
        draft.follow(&document("x"), 800);
        assert_eq!(text(&draft), "x");
    }

    #[test]
    fn what_is_being_written_wins_over_what_is_told() {
        let mut draft = Draft::of(&document("a"));
        write(&mut draft, "ab", 0);
        draft.follow(&document("x"), 100);
        assert_eq!(text(&draft), "ab");
        assert_eq!(draft.take(2000).unwrap()["text"], "ab");
        // Written and taken back by hand: nothing to tell.
        let mut draft = Draft::of(&document("a"));
        write(&mut draft, "ab", 0);
        write(&mut draft, "a", 10);
        assert!(draft.take(20).is_none());
    }

    #[test]
    fn an_undo_right_after_is_followed() {
        let mut draft = Draft::of(&document("a"));
        write(&mut draft, "ab", 0);
        draft.take(0);
        draft.follows_until_ms = 10 + OVERTAKEN_MS;
        draft.follow(&document("a"), 50);
        assert!(text(&draft) == "a" && draft.is_done());
        // The same from elsewhere, after a while.
        let mut draft = Draft::of(&document("a"));
        write(&mut draft, "ab", 0);
        draft.take(0);
        draft.follow(&document("a"), 100);
        assert_eq!(text(&draft), "ab");
        draft.follow(&document("a"), 100 + OVERTAKEN_MS);
        assert_eq!(text(&draft), "a");
    }
}
