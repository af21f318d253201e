//! What is wrong with a row, and what is known of it: the one place that says so, for facts, issues and findings.
//!
//! Roles count as the first set of the task's needs that the mapping has whole, with the task's other roles.
//! - What is read (text, prompt, source, …): missing or of another kind is broken; null or blank is empty.
//! - What is answered (completion, target, chosen, …): missing, null or blank is nothing to learn.
//! - What is marked (label, tags, spans, answers): missing, null or empty is unlabelled, which is no issue.

mod spans;
mod texts;
mod turns;

use super::hash::Hash;
use super::raw::{self, Raw, RawKind};
use glassworks_protocol::datasets::roles::{TASKS, TaskRow};
use glassworks_protocol::datasets::{DataTask, Mapping, Role, Row, RowFlags, RowIssue};
use glassworks_protocol::text::Text;

/// How many roles there are.
const N_ROLES: usize = Role::Group as usize + 1;

/// What is wrong with a row, in the order of its roles.
#[must_use]
pub fn issues(row: &Row, mapping: &Mapping) -> Vec<RowIssue> {
    let line = crate::to_line(row).unwrap_or_default();
    Checker::new(mapping).issues(&line)
}

/// The flags that its content gives a row: those of its issues, and [`RowFlags::UNLABELLED`].
#[must_use]
pub fn flags(row: &Row, mapping: &Mapping) -> RowFlags {
    let line = crate::to_line(row).unwrap_or_default();
    Checker::new(mapping).read(&line, &mut Vec::new()).flags
}

/// The labels of a row: its label, or the kinds of its tags or spans.
#[must_use]
pub fn labels(row: &Row, mapping: &Mapping) -> Vec<String> {
    let (line, mut labels) = (crate::to_line(row).unwrap_or_default(), Vec::new());
    Checker::new(mapping).read(&line, &mut labels);
    labels
}

/// Takes what is found.
trait Sink {
    fn tell(&mut self, flag: RowFlags, say: impl FnOnce() -> Text);
}

impl Sink for RowFlags {
    fn tell(&mut self, flag: RowFlags, _: impl FnOnce() -> Text) {
        self.set(flag);
    }
}

impl Sink for Vec<RowIssue> {
    fn tell(&mut self, flag: RowFlags, say: impl FnOnce() -> Text) {
        self.push(RowIssue { flag, text: say() });
    }
}

/// What was read of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) hash: u64,
    pub(crate) n_chars: u32,
    pub(crate) flags: RowFlags,
}

/// A role's column.
#[derive(Clone, Debug)]
struct Column {
    role: Role,
    name: String,
    /// As it stands in lines.
    escaped: Vec<u8>,
}

/// Checks rows under one mapping.
#[derive(Clone, Debug)]
pub(crate) struct Checker {
    task: DataTask,
    /// Of the roles that count.
    columns: Vec<Column>,
}

impl Checker {
    pub(crate) fn new(mapping: &Mapping) -> Self {
        let columns = active(mapping).into_iter().filter_map(|role| {
            let name = mapping.column(role)?.to_owned();
            Some(Column { role, escaped: raw::escape(&name), name })
        });
        Self { task: mapping.task, columns: columns.collect() }
    }

    pub(crate) fn issues(&self, line: &[u8]) -> Vec<RowIssue> {
        let mut issues = Vec::new();
        self.check(line, &mut issues, &mut Vec::new());
        issues
    }

    /// Facts of a line; its labels are put into `labels`.
    pub(crate) fn read(&self, line: &[u8], labels: &mut Vec<String>) -> Reading {
        let mut flags = RowFlags::default();
        let looked = self.check(line, &mut flags, labels);
        if looked.unlabelled {
            flags.set(RowFlags::UNLABELLED);
        }
        Reading { hash: looked.hash, n_chars: looked.n_chars, flags }
    }

    fn check(&self, line: &[u8], sink: &mut impl Sink, labels: &mut Vec<String>) -> Looked {
        let found = self.find(line);
        let mut look = Look { checker: self, found, looked: Looked::default(), labels };
        look.looked.hash = look.hash(line);
        if self.columns.is_empty() {
            look.all_texts(line, sink);
            return look.looked;
        }
        match self.task {
            DataTask::Chat => look.chat(sink),
            DataTask::Classification => look.classification(sink),
            DataTask::Tagging => look.tagging(sink),
            DataTask::QuestionAnswering => look.question_answering(sink),
            DataTask::Pairs => look.pairs(sink),
            DataTask::Preference => look.preference(sink),
            DataTask::Text => look.text_task(sink),
        }
        look.looked
    }

    /// The fields of the roles.
    fn find<'a>(&self, line: &'a [u8]) -> [Option<Raw<'a>>; N_ROLES] {
        let (mut found, mut left) = ([None; N_ROLES], self.columns.len());
        for (key, value) in raw::fields(line) {
            for column in self.columns.iter().filter(|column| column.escaped == key) {
                found[column.role as usize] = Some(value);
                left = left.saturating_sub(1);
            }
            if left == 0 {
                break;
            }
        }
        found
    }

    fn name(&self, role: Role) -> &str {
        self.columns.iter().find(|column| column.role == role).map_or("", |column| &column.name)
    }

    fn has(&self, role: Role) -> bool {
        self.columns.iter().any(|column| column.role == role)
    }
}

/// The roles that count, in the task's order.
fn active(mapping: &Mapping) -> Vec<Role> {
    let task = TASKS.iter().find(|row| row.task == mapping.task).unwrap_or(TaskRow::of(mapping.task));
    let has = |role: &Role| mapping.roles.contains_key(role);
    let lacks = |set: &&&[Role]| set.iter().filter(|role| !has(role)).count();
    let set = task.needs.iter().min_by_key(lacks).copied().unwrap_or_default();
    set.iter().chain(task.also).copied().filter(has).collect()
}

/// What came of looking at a row, besides what is wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    hash: u64,
    n_chars: u32,
    unlabelled: bool,
}

/// A row being looked at.
struct Look<'a, 'c> {
    checker: &'c Checker,
    found: [Option<Raw<'a>>; N_ROLES],
    looked: Looked,
    labels: &'c mut Vec<String>,
}

impl<'a> Look<'a, '_> {
    fn field(&self, role: Role) -> Option<Raw<'a>> {
        self.found[role as usize]
    }

    /// A field that says something: there and not null.
    fn value(&self, role: Role) -> Option<Raw<'a>> {
        self.field(role).filter(|raw| raw.kind() != RawKind::Null)
    }

    /// Of every role but the group; of a row without roles, of all.
    fn hash(&self, line: &[u8]) -> u64 {
        let mut hash = Hash::new();
        if self.checker.columns.is_empty() {
            hash.piece(line);
        }
        for column in self.checker.columns.iter().filter(|column| column.role != Role::Group) {
            hash.piece(self.found[column.role as usize].map_or(&b"null"[..], Raw::bytes));
        }
        hash.value()
    }

    /// A sentence about a role's column.
    fn say(&self, key: &'static str, role: Role) -> Text {
        Text::new(key).arg("column", self.checker.name(role))
    }
}

#[cfg(test)]
mod tests;
