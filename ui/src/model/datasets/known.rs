//! What is known of one dataset besides its record: lines, documents, bad rows, versions, labels, reports.

use super::lines::Lines;
use crate::model::Told;
use glassworks_protocol::datasets::edit::{RowChange, VersionDiff, VersionRecord};
use glassworks_protocol::datasets::import::BadRow;
use glassworks_protocol::datasets::measure::MeasureReport;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::datasets::{Row, RowDocument, RowFlags, RowId};
use std::sync::Arc;

/// Documents that stay at hand.
const MOST_DOCUMENTS: usize = 12;
/// Lines that could not be read, asked for at once.
pub const BAD_PAGE: u64 = 20;
/// Pages of them that stay at hand: each may be more than a megabyte.
const MOST_BAD_PAGES: usize = 24;

/// All of a row, as it was told.
#[derive(Debug)]
struct Document {
    row: RowId,
    /// `None`: on its way. `Some(None)`: the row is gone.
    told: Option<Option<Arc<RowDocument>>>,
    asked: bool,
    old: bool,
}

/// Where it begins, and what it holds once it has come.
type BadPage = (u64, Option<Arc<Vec<BadRow>>>);

/// Lines that could not be read.
#[derive(Clone, Debug, Default)]
pub struct Bad {
    pub n_bad: u64,
    /// By the place of their first row.
    pages: Vec<BadPage>,
    /// Shown until the new ones are there.
    old: Vec<BadPage>,
}

impl Bad {
    /// The one at this place among those that are left.
    #[must_use]
    pub fn row(&self, place: u64) -> Option<BadRow> {
        let from = place / BAD_PAGE * BAD_PAGE;
        let of = |pages: &'_ [BadPage]| pages.iter().find(|(one, _)| *one == from)?.1.clone();
        let page = of(&self.pages).or_else(|| of(&self.old))?;
        page.get((place - from) as usize).cloned()
    }

    /// The page that has to be asked for, so that this place can be shown.
    #[must_use]
    pub fn wanted(&self, place: u64) -> Option<u64> {
        let from = place / BAD_PAGE * BAD_PAGE;
        self.pages.iter().all(|(one, _)| *one != from).then_some(from)
    }
}

/// Two versions, the present where there is no second, and what is different.
type Compared = ((u32, Option<u32>), Told<VersionDiff>);
/// All of some rows.
pub type Values = Arc<Vec<(RowId, Row)>>;

#[derive(Debug, Default)]
pub struct Known {
    pub lines: Lines,
    documents: Vec<Document>,
    /// Rises when views have to be found anew.
    pub order: u64,
    /// New rows of the last change that had some, and the state after it.
    pub added: Option<(u64, Arc<Vec<RowId>>)>,
    pub bad: Option<Bad>,
    /// Newest first.
    pub versions: Option<Vec<VersionRecord>>,
    /// The version and the state that they were asked for in.
    pub versions_at: Option<(u32, u64)>,
    pub compared: Option<Compared>,
    pub labels: Option<Vec<(String, u64)>>,
    /// The state that labels were asked for in.
    pub labels_at: Option<u64>,
    /// All of some rows: those asked for last.
    pub values: Option<(Vec<RowId>, Option<Values>)>,
    pub overview: Option<Arc<OverviewReport>>,
    pub measure: Option<Arc<MeasureReport>>,
}

impl Known {
    pub fn document(&self, row: RowId) -> Option<&Option<Arc<RowDocument>>> {
        self.documents.iter().find(|one| one.row == row)?.told.as_ref()
    }

    pub fn wants_document(&self, row: RowId) -> bool {
        self.documents.iter().find(|one| one.row == row).is_none_or(|one| one.old && !one.asked)
    }

    pub fn asked_document(&mut self, row: RowId) {
        match self.documents.iter_mut().find(|one| one.row == row) {
            Some(one) => (one.asked, one.old) = (true, false),
            None => {
                if self.documents.len() >= MOST_DOCUMENTS {
                    self.documents.remove(0);
                }
                self.documents.push(Document { row, told: None, asked: true, old: false });
            }
        }
    }

    pub fn fetched_document(&mut self, row: RowId, told: Option<Arc<RowDocument>>) {
        if let Some(one) = self.documents.iter_mut().find(|one| one.row == row) {
            (one.asked, one.told) = (false, Some(told));
        }
    }

    pub fn document_refused(&mut self, row: RowId) {
        self.documents.retain(|one| one.row != row || one.told.is_some());
    }

    /// Rows are other ones from this state on; `None`: any may be.
    pub fn changed(&mut self, revision: u64, rows: Option<&[RowId]>) {
        self.lines.changed(revision, rows);
        for one in &mut self.documents {
            one.old |= rows.is_none_or(|rows| rows.contains(&one.row));
        }
        self.compared = None;
        if rows.is_none() {
            self.order += 1;
        }
    }

    /// Nothing is known for sure any more.
    pub fn doubt(&mut self) {
        self.lines.doubt();
        self.documents.iter_mut().for_each(|one| one.old = true);
        self.forget_bad();
        self.versions_at = None;
    }

    pub fn forget_bad(&mut self) {
        if let Some(bad) = &mut self.bad {
            let pages = std::mem::take(&mut bad.pages);
            if pages.iter().any(|(_, page)| page.is_some()) {
                bad.old = pages;
            }
        }
    }

    pub fn asked_bad(&mut self, from: u64) {
        let bad = self.bad.get_or_insert_default();
        if bad.pages.iter().all(|(one, _)| *one != from) {
            bad.pages.push((from, None));
        }
        if bad.pages.len() > MOST_BAD_PAGES {
            bad.pages.remove(0);
        }
    }

    pub fn fetched_bad(&mut self, from: u64, n_bad: u64, rows: Vec<BadRow>) {
        let bad = self.bad.get_or_insert_default();
        bad.n_bad = n_bad;
        if let Some((_, page)) = bad.pages.iter_mut().find(|(one, _)| *one == from) {
            *page = Some(Arc::new(rows));
        }
    }

    /// Shows at once what an edit will make of rows.
    pub fn edited(&mut self, columns: &[String], changes: &[RowChange]) {
        for change in changes {
            match change {
                RowChange::Set { row, value } => {
                    self.lines.set(*row, columns, value);
                    self.change(*row, |document| document.value.clone_from(value));
                }
                RowChange::SetSplit { rows, split } => {
                    for row in rows {
                        self.lines.set_split(*row, *split);
                        self.change(*row, |document| document.split = *split);
                    }
                }
                RowChange::Accept { rows, accepted } => {
                    for row in rows {
                        self.lines.accept(*row, *accepted);
                        self.change(*row, |document| {
                            document.flags.0 &= !RowFlags::ACCEPTED.0;
                            if *accepted {
                                document.flags.set(RowFlags::ACCEPTED);
                            }
                        });
                    }
                }
                RowChange::Add { .. } | RowChange::Remove { .. } | RowChange::Move { .. } => {}
            }
        }
    }

    fn change(&mut self, row: RowId, change: impl FnOnce(&mut RowDocument)) {
        let found = self.documents.iter_mut().find(|one| one.row == row);
        if let Some(Some(document)) = found.and_then(|one| one.told.as_mut()) {
            change(Arc::make_mut(document));
        }
    }
}
