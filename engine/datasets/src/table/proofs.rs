//! Any sequence of changes comes to what a list of rows comes to; files that are torn are refused or made anew.

use super::tests::no_tick;
use super::*;
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::{DataTask, MadeHow, Role};
use proptest::prelude::*;
use serde_json::json;

/// A row of the list that tables are compared with.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    id: RowId,
    value: Row,
    split: Option<Split>,
    made: Option<Made>,
    accepted: bool,
}

type Rows = Vec<Plain>;

#[derive(Clone, Debug)]
enum Small {
    Set(usize, u8),
    Add(Option<usize>, u8, Option<Split>, bool),
    Remove(Vec<usize>),
    Move(Vec<usize>, Option<usize>),
    SetSplit(Vec<usize>, Option<Split>),
    Accept(Vec<usize>, bool),
}

#[derive(Clone, Debug)]
enum Step {
    Edit(Vec<Small>),
    Batch(Vec<Small>),
    Undo,
    Redo,
    Save,
    Reopen,
    Remap,
}

fn split() -> impl Strategy<Value = Option<Split>> {
    prop::sample::select(vec![None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)])
}

fn small() -> impl Strategy<Value = Small> {
    let rows = || prop::collection::vec(any::<usize>(), 0..4);
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(row, text)| Small::Set(row, text)),
        4 => (any::<Option<usize>>(), any::<u8>(), split(), any::<bool>())
            .prop_map(|(after, text, split, made)| Small::Add(after, text, split, made)),
        2 => rows().prop_map(Small::Remove),
        2 => (rows(), any::<Option<usize>>()).prop_map(|(rows, before)| Small::Move(rows, before)),
        1 => (rows(), split()).prop_map(|(rows, split)| Small::SetSplit(rows, split)),
        1 => (rows(), any::<bool>()).prop_map(|(rows, accepted)| Small::Accept(rows, accepted)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(small(), 1..4).prop_map(Step::Edit),
        2 => prop::collection::vec(small(), 1..8).prop_map(Step::Batch),
        5 => Just(Step::Undo),
        3 => Just(Step::Redo),
        1 => Just(Step::Save),
        2 => Just(Step::Reopen),
        1 => Just(Step::Remap),
    ]
}

fn mapping(n: usize) -> Mapping {
    let roles = |text: &str, label: &str| [(Role::Text, text.to_owned()), (Role::Label, label.to_owned())];
    let roles = if n.is_multiple_of(2) { roles("text", "label") } else { roles("label", "text") };
    Mapping { task: DataTask::Classification, roles: roles.into() }
}

fn value(text: u8) -> Row {
    let words = ["", "a", "\n\u{7}", "é\"\\", "中文", "long one"];
    let word = words[usize::from(text) % words.len()];
    json!({"text": format!("{word}{}", text / 64), "label": word}).as_object().unwrap().clone()
}

/// What one change comes to for rows; `None`: it names none that is there.
fn change(rows: &Rows, small: &Small) -> Option<RowChange> {
    let at = |n: usize| (!rows.is_empty()).then(|| rows[n % rows.len()].id);
    let several = |all: &[usize]| {
        let mut ids: Vec<RowId> = Vec::new();
        all.iter().filter_map(|n| at(*n)).for_each(|id| {
            if !ids.contains(&id) {
                ids.push(id);
            }
        });
        ids
    };
    Some(match small {
        Small::Set(row, text) => RowChange::Set { row: at(*row)?, value: value(*text) },
        Small::Add(after, text, split, made) => RowChange::Add {
            after: after.and_then(at),
            value: value(*text),
            split: *split,
            made: made.then_some(Made { from: RowId(u32::from(*text)), how: MadeHow::Synonyms }),
        },
        Small::Remove(rows) => RowChange::Remove { rows: several(rows) },
        Small::Move(rows, before) => RowChange::Move { rows: several(rows), before: before.and_then(at) },
        Small::SetSplit(rows, split) => RowChange::SetSplit { rows: several(rows), split: *split },
        Small::Accept(rows, accepted) => RowChange::Accept { rows: several(rows), accepted: *accepted },
    })
}

/// The same for the list. A batch forgets acceptance also where a row is set to what it is.
fn carry_out(rows: &mut Rows, change: &RowChange, next_id: &mut u32, is_batch: bool) {
    let find = |rows: &Rows, id: RowId| rows.iter().position(|row| row.id == id).unwrap();
    match change {
        RowChange::Set { row, value } => {
            let at = find(rows, *row);
            if is_batch || rows[at].value != *value {
                rows[at].accepted = false;
                rows[at].value = value.clone();
            }
        }
        RowChange::Add { after, value, split, made } => {
            let at = after.map_or(0, |after| find(rows, after) + 1);
            let id = RowId(*next_id);
            *next_id += 1;
            let one = Plain { id, value: value.clone(), split: *split, made: *made, accepted: false };
            rows.insert(at, one);
        }
        RowChange::Remove { rows: gone } => rows.retain(|row| !gone.contains(&row.id)),
        RowChange::Move { rows: moved, before } => {
            // The next that stays, from the one named on.
            let from = before.map_or(rows.len(), |before| find(rows, before));
            let before = rows[from..].iter().find(|row| !moved.contains(&row.id)).map(|row| row.id);
            let mut taken = Vec::new();
            for id in moved {
                taken.push(rows.remove(find(rows, *id)));
            }
            let at = before.map_or(rows.len(), |before| find(rows, before));
            rows.splice(at..at, taken);
        }
        RowChange::SetSplit { rows: ids, split } => {
            rows.iter_mut().filter(|row| ids.contains(&row.id)).for_each(|row| row.split = *split);
        }
        RowChange::Accept { rows: ids, accepted } => {
            rows.iter_mut().filter(|row| ids.contains(&row.id)).for_each(|row| row.accepted = *accepted);
        }
    }
}

/// A table kept as the engine keeps one, beside the list.
struct Kept {
    folder: tempfile::TempDir,
    table: Table,
    rows: Rows,
    next_id: u32,
    n_states: u32,
    /// The state that it is opened with, and what was changed since.
    base: u32,
    since: Vec<Change>,
    undo: Vec<(Change, Change, Rows, Rows)>,
    redo: Vec<(Change, Change, Rows, Rows)>,
    n_mapped: usize,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut table = Table::create(folder.path(), &mapping(0)).unwrap();
        table.save_state(1).unwrap();
        Self {
            folder,
            table,
            rows: Vec::new(),
            next_id: 0,
            n_states: 1,
            base: 1,
            since: Vec::new(),
            undo: Vec::new(),
            redo: Vec::new(),
            n_mapped: 0,
        }
    }

    fn save(&mut self) -> u32 {
        self.n_states += 1;
        self.table.save_state(self.n_states).unwrap();
        self.base = self.n_states;
        self.since.clear();
        self.n_states
    }

    fn done(&mut self, change: Change, inverse: Change, was: Rows) {
        let stored = |change: &Change| serde_json::from_str(&serde_json::to_string(change).unwrap()).unwrap();
        self.undo.push((stored(&change), stored(&inverse), was, self.rows.clone()));
        self.redo.clear();
        self.since.push(change);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Edit(smalls) => {
                let (was, mut changes) = (self.rows.clone(), Vec::new());
                for small in smalls {
                    if let Some(change) = change(&self.rows, small) {
                        carry_out(&mut self.rows, &change, &mut self.next_id, false);
                        changes.push(change);
                    }
                }
                let planned = self.table.plan(&changes).unwrap();
                // What comes to nothing leaves the table as it was.
                assert!(!planned.change.is_empty() || was == self.rows);
                self.table = planned.table;
                if !planned.change.is_empty() {
                    self.done(planned.change, planned.inverse, was);
                }
            }
            Step::Batch(smalls) => self.batch(smalls),
            Step::Undo => {
                if let Some((change, inverse, was, is)) = self.undo.pop() {
                    self.table.take(&inverse, &no_tick).unwrap();
                    self.since.push(inverse.clone());
                    self.rows = was.clone();
                    self.redo.push((change, inverse, was, is));
                }
            }
            Step::Redo => {
                if let Some((change, inverse, was, is)) = self.redo.pop() {
                    self.table.take(&change, &no_tick).unwrap();
                    self.since.push(change.clone());
                    self.rows = is.clone();
                    self.undo.push((change, inverse, was, is));
                }
            }
            Step::Save => drop(self.save()),
            Step::Reopen => {
                let mapping = mapping(self.n_mapped);
                self.table = Table::open(self.folder.path(), self.base, &mapping, &no_tick).unwrap();
                for change in &self.since {
                    self.table.take(change, &no_tick).unwrap();
                }
                self.table.reserve(self.next_id);
            }
            Step::Remap => {
                self.n_mapped += 1;
                self.table = self.table.with_mapping(&mapping(self.n_mapped), &no_tick).unwrap();
            }
        }
    }

    fn batch(&mut self, smalls: &[Small]) {
        let back = self.table.saved().unwrap_or_else(|| self.save());
        let was = self.rows.clone();
        let mut batch = Batch::new(&self.table);
        // Rows go in behind those that were there when it began, in the order in which they come.
        let mut last: HashMap<Option<RowId>, RowId> = HashMap::new();
        for small in smalls {
            let there: Rows =
                self.rows.iter().filter(|row| was.iter().any(|one| one.id == row.id)).cloned().collect();
            let Some(change) = change(&there, small) else { continue };
            match &change {
                RowChange::Set { row, value } => {
                    batch.set(*row, &crate::to_line(value).unwrap()).unwrap();
                    carry_out(&mut self.rows, &change, &mut self.next_id, true);
                }
                RowChange::Add { after, value, split, made } => {
                    let at = after.map_or(At::First, At::After);
                    let id = batch.add(at, &crate::to_line(value).unwrap(), *split, *made).unwrap();
                    let behind = last.insert(*after, id).or(*after);
                    let change =
                        RowChange::Add { after: behind, value: value.clone(), split: *split, made: *made };
                    carry_out(&mut self.rows, &change, &mut self.next_id, true);
                }
                RowChange::Remove { rows } => {
                    // Not those that others were put behind: the list has no place for them any more.
                    for row in rows.iter().filter(|row| !last.contains_key(&Some(**row))) {
                        batch.remove(*row).unwrap();
                        self.rows.retain(|one| one.id != *row);
                    }
                }
                RowChange::SetSplit { rows, split } => {
                    rows.iter().for_each(|row| batch.split(*row, *split).unwrap());
                    carry_out(&mut self.rows, &change, &mut self.next_id, true);
                }
                RowChange::Move { .. } | RowChange::Accept { .. } => (),
            }
        }
        self.n_states += 1;
        self.table = batch.commit(self.n_states).unwrap();
        self.done(Change::State(self.n_states), Change::State(back), was);
        self.base = self.n_states;
        self.since.clear();
    }

    fn check(&self) {
        let table = &self.table;
        let ids: Vec<RowId> = self.rows.iter().map(|row| row.id).collect();
        assert_eq!(**table.order(), ids);
        assert_eq!(table.next_id(), self.next_id);
        let (mut counts, mut labels) = ([0; 4], BTreeMap::<String, u64>::new());
        let checker = check::Checker::new(&mapping(self.n_mapped));
        for (at, row) in self.rows.iter().enumerate() {
            let document = table.document(row.id).unwrap();
            assert_eq!(document.position, at as u64);
            assert_eq!(document.value, row.value);
            assert_eq!((document.split, document.made), (row.split, row.made));
            assert_eq!(document.flags.any(RowFlags::ACCEPTED), row.accepted);
            assert_eq!(document.flags.any(RowFlags::MADE), row.made.is_some());
            let mut names = Vec::new();
            let reading = checker.read(&crate::to_line(&row.value).unwrap(), &mut names);
            let facts = table.facts(row.id).unwrap();
            assert_eq!((facts.hash, facts.n_chars), (reading.hash, reading.n_chars));
            assert_eq!(table.labels_of(row.id), names);
            counts[OverviewReport::place(row.split)] += 1;
            names.into_iter().for_each(|name| *labels.entry(name).or_default() += 1);
        }
        assert_eq!(table.n_by_split(), counts);
        assert_eq!(table.labels().into_iter().collect::<BTreeMap<_, _>>(), labels);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_comes_to_what_a_list_comes_to(steps in prop::collection::vec(step(), 1..40)) {
        let mut kept = Kept::new();
        for step in &steps {
            let clone = (kept.table.clone(), kept.rows.clone());
            kept.step(step);
            kept.check();
            // A clone stays what it was.
            prop_assert_eq!(&**clone.0.order(), &clone.1.iter().map(|row| row.id).collect::<Vec<_>>());
            for row in &clone.1 {
                prop_assert_eq!(&clone.0.row(row.id).unwrap(), &row.value);
            }
        }
        kept.step(&Step::Reopen);
        kept.check();
        while !kept.undo.is_empty() {
            kept.step(&Step::Undo);
        }
        kept.check();
        while !kept.redo.is_empty() {
            kept.step(&Step::Redo);
        }
        kept.check();
    }
}

/// All that can be asked of a table.
fn all_of(table: &Table) -> Vec<(RowId, Row, Option<Split>, Facts)> {
    let one = |row: &RowId| (*row, table.row(*row).unwrap(), table.split(*row), table.facts(*row).unwrap());
    table.order().iter().map(one).collect()
}

#[test]
fn torn_files_are_refused_or_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut batch = Batch::new(&Table::create(folder.path(), &mapping(0)).unwrap());
    for n in 0..60_u8 {
        let split = Split::ALL.get(usize::from(n % 4)).copied();
        batch.add(At::Last, &crate::to_line(&value(n.wrapping_mul(7))).unwrap(), split, None).unwrap();
    }
    let table = batch.commit(1).unwrap();
    let rows: Vec<RowId> = table.order().iter().copied().step_by(3).collect();
    let mut table = table.plan(&[RowChange::Move { rows, before: None }]).unwrap().table;
    let set = |n: u32| RowChange::Set { row: RowId(n), value: value(200) };
    table = table.plan(&[set(3), set(50)]).unwrap().table;
    table.save_state(2).unwrap();
    let whole = all_of(&table);
    let newest =
        ["0001.jsonl", "0001.idx", "0001.facts", "0002.jsonl", "0002.idx", "0002.facts", "state-2.bin"];
    for name in newest {
        let path = folder.path().join(name);
        let bytes = std::fs::read(&path).unwrap();
        let mut torn: Vec<Vec<u8>> = (0..bytes.len()).step_by(100).map(|n| bytes[..n].to_vec()).collect();
        torn.push(bytes[..bytes.len() - 1].to_vec());
        torn.push([&bytes[..], b"more"].concat());
        if !name.ends_with("jsonl") {
            torn.extend((0..bytes.len()).step_by(37).map(|n| {
                let mut lying = bytes.clone();
                lying[n] ^= 1 << (n % 8);
                lying
            }));
        }
        let (mut refused, mut made_anew) = (0, 0);
        for one in &torn {
            std::fs::write(&path, one).unwrap();
            match Table::open(folder.path(), 2, &mapping(0), &no_tick) {
                Ok(opened) => {
                    assert_eq!(all_of(&opened), whole, "{name} of {} bytes", one.len());
                    made_anew += 1;
                }
                Err(error) => {
                    let failure = error.downcast::<glassworks_protocol::Failure>().unwrap();
                    assert_eq!(failure.summary.args[0].1, name);
                    refused += 1;
                }
            }
        }
        let may_be_made_anew = name.ends_with("idx") || name.ends_with("facts");
        assert_eq!((refused == 0, made_anew == 0), (may_be_made_anew, !may_be_made_anew), "{name}");
        // A refusal removes nothing.
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(all_of(&Table::open(folder.path(), 2, &mapping(0), &no_tick).unwrap()), whole);
    }
    // A text that lies is found out when all of it is read.
    table.verify(&no_tick).unwrap();
    let path = folder.path().join("0001.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[12] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let failure = table.verify(&no_tick).unwrap_err().downcast::<glassworks_protocol::Failure>().unwrap();
    assert_eq!(failure.summary.key, "data.file_damaged");
}

#[test]
fn states_that_are_not_kept_go_with_their_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = Table::create(folder.path(), &mapping(0)).unwrap();
    for n in 1..=3 {
        let add = RowChange::Add { after: None, value: value(n), split: None, made: None };
        table = table.plan(&[add]).unwrap().table;
        table.save_state(u32::from(n)).unwrap();
        table.take(&Change::State(1), &no_tick).unwrap();
    }
    assert_eq!(state::list(folder.path()).unwrap(), [1, 2, 3]);
    state::prune(folder.path(), &[1, 3]).unwrap();
    assert_eq!(state::list(folder.path()).unwrap(), [1, 3]);
    assert!(!folder.path().join("0002.jsonl").exists());
    assert_eq!(Table::open(folder.path(), 3, &mapping(0), &no_tick).unwrap().len(), 2);
    assert!(state::prune(folder.path(), &[7]).is_err());
}
