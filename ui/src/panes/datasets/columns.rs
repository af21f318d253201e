//! The columns of the grid: which there are, in which order, and how wide.

use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::datasets::{ColumnKind, DatasetRecord, Role, SortKey};
use std::collections::BTreeMap;

pub const LEAST: f32 = 56.0;
const MOST: f32 = 1200.0;
/// A column of text is no narrower by itself; one that means nothing to the task is.
const TEXT_LEAST: f32 = 150.0;
const OTHER_LEAST: f32 = 96.0;
const SPLIT: f32 = 84.0;
const LABEL: f32 = 116.0;
const NUMBER: f32 = 84.0;
const COUNT: f32 = 92.0;
const PROBLEM: f32 = 148.0;

/// Widths that a person gave, by column.
pub type Widths = BTreeMap<String, f32>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Number,
    Split,
    /// One of the dataset's own.
    Cell(usize),
    /// Of the one that holds the conversation, what is asked first.
    Question(usize),
    /// And what is answered last.
    Answer(usize),
    Count,
    Problem,
}

impl Shows {
    /// The place of the dataset's column whose field is shown, whole or in part.
    #[must_use]
    pub fn field(self) -> Option<usize> {
        match self {
            Self::Cell(at) | Self::Question(at) | Self::Answer(at) => Some(at),
            Self::Number | Self::Split | Self::Count | Self::Problem => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Column {
    pub shows: Shows,
    /// What its width is kept under.
    pub key: String,
    pub heading: String,
    pub sort: Option<SortKey>,
    /// Its left edge, from that of the first column that scrolls; for the row's number from that of the grid.
    pub x: f32,
    pub width: f32,
    /// Numbers stand at the right.
    pub right: bool,
}

/// The columns of a dataset in so much room, the one with row numbers first.
pub fn columns(
    cx: &PaneCx,
    record: &DatasetRecord,
    n_rows: usize,
    room: f32,
    widths: &Widths,
) -> Vec<Column> {
    let digits = units::grouped(n_rows.max(record.n_rows as usize) as u64).len();
    let number = (digits as f32 * 7.4 + 36.0).max(56.0);
    let column = |shows, key: &str, heading: String, sort, width| Column {
        shows,
        key: key.to_owned(),
        heading,
        sort,
        x: 0.0,
        width,
        right: false,
    };
    let mut all =
        vec![column(Shows::Number, "#", cx.t("datasets.column_row"), Some(SortKey::Position), number)];
    if record.n_by_split[..3].iter().any(|n| *n > 0) {
        all.push(column(Shows::Split, "#split", cx.t("datasets.column_split"), Some(SortKey::Split), SPLIT));
    }
    for at in order(record) {
        let one = &record.columns[at];
        let is_label = record.mapping.column(Role::Label) == Some(&one.name);
        let sort = if is_label { SortKey::Label } else { SortKey::Column(one.name.clone()) };
        if one.kind == ColumnKind::Messages && record.mapping.column(Role::Messages) == Some(&one.name) {
            let (user, assistant) = (cx.t("datasets.turn_user"), cx.t("datasets.turn_assistant"));
            all.push(column(Shows::Question(at), &one.name, user, Some(sort), 0.0));
            all.push(column(Shows::Answer(at), &format!("{}#answer", one.name), assistant, None, 0.0));
            continue;
        }
        let mut made = column(Shows::Cell(at), &one.name, one.name.clone(), Some(sort), 0.0);
        made.right = one.kind == ColumnKind::Number && !is_label;
        all.push(made);
    }
    let by_tokens = cx.model.datasets.measure(record.id).is_some();
    let (heading, sort) = match by_tokens {
        true => ("datasets.column_tokens", SortKey::Tokens),
        false => ("datasets.column_characters", SortKey::Characters),
    };
    let mut count = column(Shows::Count, "#count", cx.t(heading), Some(sort), COUNT);
    count.right = true;
    all.push(count);
    all.push(column(Shows::Problem, "#problem", cx.t("datasets.column_problem"), None, PROBLEM));
    lay(&mut all, record, room, widths);
    all
}

/// Columns with a role first, in the order in which a person reads them.
pub fn order(record: &DatasetRecord) -> Vec<usize> {
    let roles = glassworks_protocol::datasets::roles::TaskRow::of(record.mapping.task).roles();
    let rank = |at: usize| {
        let name = record.columns[at].name.as_str();
        let role = roles.iter().position(|role| record.mapping.column(*role) == Some(name));
        role.unwrap_or(roles.len())
    };
    let mut order: Vec<usize> = (0..record.columns.len()).collect();
    order.sort_by_key(|at| rank(*at));
    order
}

/// Texts share what others leave.
fn lay(all: &mut [Column], record: &DatasetRecord, room: f32, widths: &Widths) {
    let share = |column: &Column| -> Option<f32> {
        let at = column.shows.field()?;
        let one = &record.columns[at];
        let role = |role| record.mapping.column(role) == Some(one.name.as_str());
        match one.kind {
            ColumnKind::Number | ColumnKind::Bool => None,
            _ if role(Role::Label) || role(Role::Group) => None,
            _ if record.mapping.roles.values().any(|name| *name == one.name) => Some(3.0),
            _ => Some(1.0),
        }
    };
    let mut shares = 0.0;
    let mut fixed = 0.0;
    for column in all.iter_mut() {
        if let Some(width) = widths.get(&column.key) {
            column.width = width.clamp(LEAST, MOST);
        } else if let Some(share) = share(column) {
            shares += share;
            continue;
        } else if column.width == 0.0 {
            column.width = if column.right { NUMBER } else { LABEL };
        }
        fixed += column.width;
    }
    let mut x = 0.0;
    for column in all {
        if column.width == 0.0 {
            let share = share(column).unwrap_or(1.0);
            let least = if share > 1.0 { TEXT_LEAST } else { OTHER_LEAST };
            column.width = ((room - fixed) * share / shares).max(least).floor();
        }
        if column.shows != Shows::Number {
            column.x = x;
            x += column.width;
        }
    }
}
