//! A dataset with its rows as the engine would keep it: views, edits, undo, what a row holds.

use crate::reports;
use glassworks_protocol::datasets::edit::{RowChange, RowDiff, VersionDiff, VersionRecord};
use glassworks_protocol::datasets::import::BadRow;
use glassworks_protocol::datasets::marks::Tag;
use glassworks_protocol::datasets::overview::LabelShare;
use glassworks_protocol::datasets::{
    DatasetRecord, DatasetStored, Filter, Made, Role, Row, RowDocument, RowFlags, RowId, RowIssue, RowLine,
    Sort, SortKey, Split, TurnsLine, ViewSpec,
};
use glassworks_protocol::text::Text;
use serde_json::Value;
use std::sync::Arc;

/// A row of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeRow {
    pub id: RowId,
    pub value: Row,
    pub split: Option<Split>,
    pub flags: RowFlags,
    pub issues: Vec<RowIssue>,
    pub made: Option<Made>,
}

/// A dataset with its rows, and what it was before its edits.
pub struct FakeSet {
    pub record: DatasetRecord,
    pub bad: Vec<BadRow>,
    pub versions: Vec<VersionRecord>,
    pub rows: Vec<FakeRow>,
    pub undo: Vec<Vec<FakeRow>>,
    pub redo: Vec<Vec<FakeRow>>,
    pub next: u32,
}

impl FakeSet {
    pub fn count(&mut self) {
        self.record.n_rows = self.rows.len() as u64;
        self.record.n_by_split = [0; 4];
        for row in &self.rows {
            self.record.n_by_split[row.split.map_or(3, |split| split as usize)] += 1;
        }
    }

    pub fn row(&self, id: RowId) -> Option<&FakeRow> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// As the engine tells it: on one line, lists by their items.
    pub fn cell(value: Option<&Value>) -> String {
        let of = |value: &Value, name: &str| Self::cell(value.get(name));
        match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Some(Value::Array(items)) if items.iter().any(|item| item.get("label").is_some()) => {
                let span = |item| format!("{} {}–{}", of(item, "label"), of(item, "start"), of(item, "end"));
                items.iter().map(span).collect::<Vec<_>>().join(", ")
            }
            Some(Value::Array(items)) if items.iter().all(|item| !item.is_object()) => {
                items.iter().map(|item| Self::cell(Some(item))).collect::<Vec<_>>().join(" ")
            }
            Some(other) => match other.get("text").and_then(Value::as_array) {
                Some(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
                None => other.to_string(),
            },
        }
    }

    pub fn line(&self, id: RowId) -> Option<RowLine> {
        let row = self.row(id)?;
        let cells: Vec<String> =
            self.record.columns.iter().map(|column| Self::cell(row.value.get(&column.name))).collect();
        Some(RowLine {
            id,
            split: row.split,
            n_chars: cells.iter().map(|cell| cell.chars().count() as u32).sum(),
            cells,
            turns: self.turns(row),
            flags: row.flags,
            made: None,
            tokens: None,
        })
    }

    fn turns(&self, row: &FakeRow) -> Option<TurnsLine> {
        let turns = row.value.get(self.record.mapping.column(Role::Messages)?)?.as_array()?;
        let role = |turn: &&Value, role: &str| turn["role"] == role;
        let text = |turn: Option<&Value>| Self::cell(turn.map(|turn| &turn["content"]));
        Some(TurnsLine {
            question: text(turns.iter().find(|turn| role(turn, "user"))),
            answer: text(turns.iter().rfind(|turn| role(turn, "assistant"))),
            n: turns.iter().filter(|turn| !role(turn, "system")).count() as u32,
        })
    }

    pub fn document(&self, id: RowId) -> Option<RowDocument> {
        let position = self.rows.iter().position(|row| row.id == id)?;
        let row = &self.rows[position];
        Some(RowDocument {
            id,
            position: position as u64,
            split: row.split,
            value: row.value.clone(),
            flags: row.flags,
            issues: row.issues.clone(),
            made: row.made,
        })
    }

    pub fn labels(&self) -> Vec<(String, u64)> {
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        for row in &self.rows {
            let get = |role| row.value.get(self.record.mapping.column(role)?);
            let each = |role| get(role).and_then(Value::as_array).into_iter().flatten();
            let tags = each(Role::Tags).filter_map(Value::as_str).map(|tag| Tag::read(tag).kind());
            let spans = each(Role::Spans).map(|span| span.get("label").and_then(Value::as_str));
            let label = std::iter::once(get(Role::Label).and_then(Value::as_str));
            let of_row: std::collections::BTreeSet<&str> = label.chain(tags).chain(spans).flatten().collect();
            for label in of_row {
                *counts.entry(label.to_owned()).or_default() += 1;
            }
        }
        let mut labels: Vec<(String, u64)> = counts.into_iter().collect();
        labels.sort_by_key(|(label, n)| (std::cmp::Reverse(*n), label.clone()));
        labels
    }

    /// How many rows have each label, and how many have none.
    pub fn shares(&self) -> Vec<LabelShare> {
        let mut shares: Vec<LabelShare> =
            self.labels().into_iter().map(|(label, n)| reports::label(Some(&label), [0, 0, 0, n])).collect();
        let labelled: u64 = shares.iter().map(|share| share.n_by_split[3]).sum();
        if labelled > 0 {
            shares.push(reports::label(None, [0, 0, 0, (self.rows.len() as u64).saturating_sub(labelled)]));
        }
        shares
    }

    pub fn find(&self, spec: &ViewSpec) -> Vec<RowId> {
        let mut rows: Vec<&FakeRow> = self
            .rows
            .iter()
            .filter(|row| spec.filters.iter().all(|filter| self.passes(row, filter)))
            .collect();
        if let Some(Sort { by, descending }) = &spec.sort {
            let key = |row: &&FakeRow| match by {
                SortKey::Column(column) => Self::cell(row.value.get(column)),
                SortKey::Characters => {
                    format!("{:09}", self.line(row.id).map_or(0, |line| line.n_chars))
                }
                SortKey::Label => Self::cell(row.value.get("label")),
                SortKey::Split => format!("{:?}", row.split),
                SortKey::Position | SortKey::Tokens => String::new(),
            };
            rows.sort_by_key(key);
            if *descending {
                rows.reverse();
            }
        }
        rows.into_iter().map(|row| row.id).collect()
    }

    /// Against what the first row says in capitals.
    pub fn compare(&self, from: u32, to: Option<u32>) -> VersionDiff {
        let row = &self.rows[0];
        let mut before = row.value.clone();
        if let Some(Value::String(text)) = before.values_mut().next() {
            *text = text.replacen("have", "need", 1);
        }
        let changed = RowDiff { row: row.id, before: Some(before), after: Some(row.value.clone()) };
        let removed = RowDiff { row: RowId(900), before: Some(self.rows[1].value.clone()), after: None };
        VersionDiff {
            from,
            to,
            n_added: 0,
            n_removed: 1,
            n_changed: 1,
            n_moved: 12,
            rows: vec![removed, changed],
        }
    }

    pub fn passes(&self, row: &FakeRow, filter: &Filter) -> bool {
        let texts = || row.value.values().map(|value| Self::cell(Some(value)));
        match filter {
            Filter::Contains { text, case_sensitive: false, .. } => {
                texts().any(|one| one.to_lowercase().contains(&text.to_lowercase()))
            }
            Filter::Contains { text, .. } => texts().any(|one| one.contains(text)),
            Filter::Splits(splits) => splits.contains(&row.split),
            Filter::HasProblem => row.flags.has_problem(),
            Filter::Labels(labels) => {
                let label = row.value.get("label").and_then(Value::as_str).map(str::to_owned);
                labels.contains(&label)
            }
            Filter::Unlabelled => row.value.get("label").is_none_or(Value::is_null),
            Filter::Not(inner) => !self.passes(row, inner),
            _ => true,
        }
    }

    /// Carries an edit out.
    pub fn change(&mut self, changes: &[RowChange]) -> Vec<DatasetStored> {
        self.undo.push(self.rows.clone());
        self.redo.clear();
        let mut added = Vec::new();
        for change in changes {
            match change {
                RowChange::Set { row, value } => {
                    self.each(&[*row], |one| one.value.clone_from(value));
                }
                RowChange::Add { after, value, split, .. } => {
                    let id = RowId(self.next);
                    self.next += 1;
                    let new = FakeRow {
                        id,
                        value: value.clone(),
                        split: *split,
                        flags: RowFlags::default(),
                        issues: Vec::new(),
                        made: None,
                    };
                    let place = after.and_then(|after| self.rows.iter().position(|row| row.id == after));
                    self.rows.insert(place.map_or(0, |place| place + 1), new);
                    added.push(id);
                }
                RowChange::Remove { rows } => self.rows.retain(|row| !rows.contains(&row.id)),
                RowChange::Move { rows, before } => {
                    let (moved, rest): (Vec<_>, Vec<_>) =
                        self.rows.drain(..).partition(|row| rows.contains(&row.id));
                    self.rows = rest;
                    let place = before.and_then(|before| self.rows.iter().position(|row| row.id == before));
                    let place = place.unwrap_or(self.rows.len());
                    self.rows.splice(place..place, moved);
                }
                RowChange::SetSplit { rows, split } => self.each(rows, |row| row.split = *split),
                RowChange::Accept { rows, accepted } => self.each(rows, |row| {
                    row.flags.0 &= !RowFlags::ACCEPTED.0;
                    if *accepted {
                        row.flags.set(RowFlags::ACCEPTED);
                    }
                }),
            }
        }
        self.told(added)
    }

    pub fn each(&mut self, rows: &[RowId], change: impl Fn(&mut FakeRow)) {
        self.rows.iter_mut().filter(|row| rows.contains(&row.id)).for_each(change);
    }

    pub fn step(&mut self, undo: bool) -> Vec<DatasetStored> {
        let (from, to) =
            if undo { (&mut self.undo, &mut self.redo) } else { (&mut self.redo, &mut self.undo) };
        let Some(rows) = from.pop() else { return Vec::new() };
        to.push(std::mem::replace(&mut self.rows, rows));
        self.told(Vec::new())
    }

    pub fn told(&mut self, added: Vec<RowId>) -> Vec<DatasetStored> {
        let edit = || Text::new("datasets.add_row");
        self.record.revision += 1;
        self.record.undo = (!self.undo.is_empty()).then(edit);
        self.record.redo = (!self.redo.is_empty()).then(edit);
        self.count();
        vec![
            DatasetStored::Dataset(Arc::new(self.record.clone())),
            DatasetStored::RowsChanged {
                dataset: self.record.id,
                revision: self.record.revision,
                changed: None,
                added: Arc::new(added),
                order_changed: true,
            },
        ]
    }

    /// A column's texts, in order.
    pub fn texts(&self, column: &str) -> Vec<String> {
        self.rows.iter().map(|row| Self::cell(row.value.get(column))).collect()
    }
}
