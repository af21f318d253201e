//! What is found is what looking at each row for itself finds.

use super::*;
use crate::table::{At, Batch, check};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{DataTask, Made, MadeHow, Mapping, Role, Row, RowFlags, Split};
use glassworks_protocol::ids::DatasetId;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;

const PATTERNS: [&str; 16] = [
    "a",
    "(?i)AB",
    "^a",
    "b$",
    r"\n",
    "[a-c]{2}",
    "é|中",
    r#"""#,
    r"\\",
    "a.b",
    "(?:ab|bc)+a",
    r"\bab\b",
    "x?",
    r"\d",
    "(?i)É文",
    "[^a]b",
];

fn word() -> impl Strategy<Value = String> {
    let letters =
        ["a", "b", "c", "A", "B", "é", "É", "中", "文", "\"", "\\", "\n", "\u{7}", " ", "1", "ß", "ſ", "n"];
    prop::collection::vec(prop::sample::select(letters.to_vec()), 0..7).prop_map(|letters| letters.concat())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => word().prop_map(Value::from),
        1 => (-3..30_i32).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => prop::collection::vec(word(), 0..3).prop_map(Value::from),
        1 => (word(), word()).prop_map(|(role, text)| json!([{"role": role, "content": text}])),
    ]
}

type OneRow = (Value, Value, Value, Option<Split>, bool, bool);

fn row() -> impl Strategy<Value = OneRow> {
    let split =
        prop::sample::select(vec![None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)]);
    (value(), value(), value(), split, any::<bool>(), prop::bool::weighted(0.2))
}

fn column() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(vec![
        None,
        Some("text".to_owned()),
        Some("a\"b".to_owned()),
        Some("none".to_owned()),
    ])
}

fn filter() -> impl Strategy<Value = Filter> {
    let label =
        prop::sample::select(vec![None, Some("a".to_owned()), Some("true".to_owned()), Some("1".to_owned())]);
    let splits =
        prop::sample::select(vec![None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)]);
    let one = prop_oneof![
        4 => (word(), column(), any::<bool>())
            .prop_map(|(text, column, case_sensitive)| Filter::Contains { text, column, case_sensitive }),
        4 => (prop::sample::select(PATTERNS.to_vec()), column())
            .prop_map(|(pattern, column)| Filter::Regex { pattern: pattern.to_owned(), column }),
        1 => (any::<Option<u8>>(), 0..9_u32).prop_map(|(least, most)| Filter::Length {
            unit: LengthUnit::Characters,
            at_least: least.map(|n| u32::from(n % 5)),
            at_most: Some(most),
        }),
        1 => prop::collection::vec(label, 0..3).prop_map(Filter::Labels),
        1 => prop::collection::vec(splits, 0..3).prop_map(Filter::Splits),
        1 => prop::sample::select(vec![
            Filter::Empty,
            Filter::Duplicate,
            Filter::HasProblem,
            Filter::Unlabelled,
            Filter::Made,
        ]),
        1 => prop::collection::vec(0..40_u32, 0..9)
            .prop_map(|rows| Filter::Rows(std::sync::Arc::new(rows.into_iter().map(RowId).collect()))),
    ];
    (one, 0..4_u8).prop_map(|(one, n)| match n {
        0 => Filter::Not(Box::new(one)),
        1 => Filter::Not(Box::new(Filter::Not(Box::new(one)))),
        _ => one,
    })
}

fn sort() -> impl Strategy<Value = Option<Sort>> {
    let keys = vec![
        SortKey::Position,
        SortKey::Column("text".into()),
        SortKey::Column("a\"b".into()),
        SortKey::Characters,
        SortKey::Label,
        SortKey::Split,
    ];
    prop::option::of(
        (prop::sample::select(keys), any::<bool>()).prop_map(|(by, descending)| Sort { by, descending }),
    )
}

fn mapping() -> Mapping {
    let roles = [(Role::Text, "text".to_owned()), (Role::Label, "label".to_owned())];
    Mapping { task: DataTask::Classification, roles: roles.into() }
}

fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Null => (),
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
        Value::Object(fields) => {
            fields.iter().filter(|(name, _)| *name != "role").for_each(|(_, value)| texts(value, all));
        }
        other => all.push(other.to_string()),
    }
}

/// A row as it is looked at for itself.
struct Plain {
    id: RowId,
    value: Row,
    split: Option<Split>,
    made: bool,
    accepted: bool,
}

impl Plain {
    fn has(&self, column: Option<&String>, is: &dyn Fn(&str) -> bool) -> bool {
        let mut all = Vec::new();
        let fields = self.value.iter().filter(|(name, _)| column.is_none_or(|column| column == *name));
        fields.for_each(|(_, value)| texts(value, &mut all));
        all.iter().any(|text| is(text))
    }

    fn flags(&self) -> RowFlags {
        let mut flags = check::flags(&self.value, &mapping());
        if self.accepted {
            flags.set(RowFlags::ACCEPTED);
        }
        flags
    }

    fn says(&self) -> [Option<&Value>; 2] {
        ["text", "label"].map(|name| self.value.get(name))
    }

    fn n_chars(&self) -> usize {
        match &self.value["text"] {
            Value::String(text) => text.chars().count(),
            Value::Number(number) => number.to_string().len(),
            _ => 0,
        }
    }

    fn passes(&self, filter: &Filter, all: &[Plain]) -> bool {
        match filter {
            Filter::Contains { text, column, case_sensitive } => {
                let pattern = regex::escape(text);
                let pattern =
                    regex::RegexBuilder::new(&pattern).case_insensitive(!case_sensitive).build().unwrap();
                self.has(column.as_ref(), &|one| pattern.is_match(one))
            }
            Filter::Regex { pattern, column } => {
                let pattern = regex::Regex::new(pattern).unwrap();
                self.has(column.as_ref(), &|one| pattern.is_match(one))
            }
            Filter::Length { at_least, at_most, .. } => {
                let n = u32::try_from(self.n_chars()).unwrap();
                at_least.is_none_or(|least| n >= least) && at_most.is_none_or(|most| n <= most)
            }
            Filter::Labels(labels) => {
                let own = check::labels(&self.value, &mapping());
                labels.iter().any(|label| match label {
                    Some(label) => own.contains(label),
                    None => own.is_empty(),
                })
            }
            Filter::Splits(splits) => splits.contains(&self.split),
            Filter::Empty => self.flags().any(RowFlags::EMPTY),
            Filter::Duplicate => all.iter().any(|one| one.id != self.id && one.says() == self.says()),
            Filter::HasProblem => self.flags().has_problem(),
            Filter::Unlabelled => self.flags().any(RowFlags::UNLABELLED),
            Filter::Made => self.made,
            Filter::Rows(rows) => rows.contains(&self.id),
            Filter::Not(inner) => !self.passes(inner, all),
            Filter::Finding(_) | Filter::Cut | Filter::NoTarget => false,
        }
    }

    /// Its place among groups of keys, and the key.
    fn key(&self, by: &SortKey) -> (u8, f64, String) {
        let of_text = |text: &str| (1, 0.0, text.chars().take(64).flat_map(char::to_lowercase).collect());
        let none = (2, 0.0, String::new());
        match by {
            SortKey::Column(column) => match &self.value[column] {
                Value::Number(number) => (0, number.as_f64().unwrap(), String::new()),
                other => {
                    let mut all = Vec::new();
                    texts(other, &mut all);
                    all.first().map_or(none, |first| of_text(first))
                }
            },
            #[expect(clippy::cast_precision_loss, reason = "a few characters")]
            SortKey::Characters => (0, self.n_chars() as f64, String::new()),
            SortKey::Label => match check::labels(&self.value, &mapping()).first() {
                Some(label) => match label.parse::<f64>() {
                    Ok(number) if number.is_finite() => (0, number, String::new()),
                    _ => of_text(label),
                },
                None => none,
            },
            SortKey::Split => self.split.map_or(none, |split| (0, f64::from(split as u8), String::new())),
            SortKey::Position | SortKey::Tokens => (0, 0.0, String::new()),
        }
    }
}

fn naive(all: &[Plain], view: &ViewSpec) -> Vec<RowId> {
    let mut rows: Vec<&Plain> =
        all.iter().filter(|row| view.filters.iter().all(|filter| row.passes(filter, all))).collect();
    if let Some(sort) = &view.sort {
        if sort.by == SortKey::Position && sort.descending {
            rows.reverse();
        }
        rows.sort_by(|a, b| {
            let (a, b) = (a.key(&sort.by), b.key(&sort.by));
            if a.0 == 2 || b.0 == 2 {
                return a.0.cmp(&b.0);
            }
            let order =
                a.0.cmp(&b.0).then(a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal)).then(a.2.cmp(&b.2));
            if sort.descending { order.reverse() } else { order }
        });
    }
    rows.iter().map(|row| row.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_each_row_says(
        rows in prop::collection::vec(row(), 0..30),
        changed in prop::collection::vec((any::<usize>(), value()), 0..4),
        views in prop::collection::vec((prop::collection::vec(filter(), 0..3), sort()), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = Batch::new(&Table::create(folder.path(), &mapping()).unwrap());
        let mut all = Vec::new();
        for (text, label, other, split, made, accepted) in rows {
            let value = json!({"text": text, "label": label, "a\"b": other}).as_object().unwrap().clone();
            let from = made.then_some(Made { from: RowId(0), how: MadeHow::Model });
            let id = batch.add(At::Last, &crate::to_line(&value).unwrap(), split, from).unwrap();
            all.push(Plain { id, value, split, made, accepted });
        }
        let mut table = batch.commit(1).unwrap();
        let accepted = all.iter().filter(|row| row.accepted).map(|row| row.id).collect();
        table = table.plan(&[RowChange::Accept { rows: accepted, accepted: true }]).unwrap().table;
        for (at, text) in changed {
            if let Some(row) = at.checked_rem(all.len()).map(|at| &mut all[at]) {
                let was = row.value.insert("text".into(), text);
                row.accepted &= was.as_ref() == row.value.get("text");
                let set = RowChange::Set { row: row.id, value: row.value.clone() };
                table = table.plan(&[set]).unwrap().table;
            }
        }
        for (filters, sort) in views {
            let view = ViewSpec { dataset: DatasetId::mint(), filters, sort, measure: None };
            let mut told = Vec::new();
            let found = find(&table, &view, &Context::default(), &|_| Ok(()), &mut |rows| told.extend_from_slice(rows));
            let found = found.unwrap();
            prop_assert_eq!(&found, &naive(&all, &view), "{:?}", view);
            prop_assert_eq!(&found, &told);
        }
    }
}
