//! What tests of datasets share: bringing one in, reading all of it back.

use crate::Lab;
use glassworks_protocol::datasets::import::{
    FileFormat, ImportReport, ImportSource, ImportSpec, ReadOptions,
};
use glassworks_protocol::datasets::{
    DatasetEdit, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, DatasetRecord, Row, RowId, Split,
    ViewSpec,
};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::{Command, Edit, Event, Failure, JobOutput, JobSpec, Page, Query, RequestId};
use std::path::PathBuf;
use std::sync::Arc;

/// All of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub id: RowId,
    pub split: Option<Split>,
    pub value: Row,
}

/// JSON lines as if they were pasted.
#[must_use]
pub fn pasted(dataset: DatasetId, text: &str) -> ImportSpec {
    ImportSpec {
        dataset,
        append: false,
        name: "Pasted".to_owned(),
        source: ImportSource::Text(text.to_owned()),
        options: ReadOptions { format: Some(FileFormat::Jsonl), ..ReadOptions::default() },
        mapping: None,
        split: None,
    }
}

#[must_use]
pub fn files(dataset: DatasetId, paths: Vec<PathBuf>) -> ImportSpec {
    let options = ReadOptions::default();
    ImportSpec {
        source: ImportSource::Files(paths),
        options,
        name: "Files".to_owned(),
        ..pasted(dataset, "")
    }
}

impl Lab {
    /// # Panics
    /// When it fails.
    pub fn import(&mut self, spec: ImportSpec) -> Arc<ImportReport> {
        match self.done(JobSpec::Dataset(DatasetJob::Import(Box::new(spec)))) {
            JobOutput::Dataset(DatasetOutput::Imported(report)) => report,
            other => panic!("{other:?}"),
        }
    }

    /// # Errors
    /// When the question is refused.
    pub fn ask(&mut self, query: DatasetQuery) -> Result<DatasetPage, Failure> {
        match self.fetch(Query::Dataset(query))? {
            Page::Dataset(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    /// # Panics
    /// When the list cannot be read.
    pub fn datasets(&mut self) -> Vec<Arc<DatasetRecord>> {
        match self.ask(DatasetQuery::All) {
            Ok(DatasetPage::All(all)) => all,
            other => panic!("{other:?}"),
        }
    }

    /// # Panics
    /// When it is not there.
    pub fn dataset(&mut self, id: DatasetId) -> Arc<DatasetRecord> {
        self.datasets().into_iter().find(|one| one.id == id).expect("the dataset is there")
    }

    /// The rows of a view.
    ///
    /// # Panics
    /// When it fails.
    pub fn found(&mut self, view: ViewSpec) -> Arc<Vec<RowId>> {
        match self.done(JobSpec::Dataset(DatasetJob::Find(view))) {
            JobOutput::Dataset(DatasetOutput::Found(found)) => Arc::clone(&found.rows),
            other => panic!("{other:?}"),
        }
    }

    /// Every row, in the dataset's order.
    ///
    /// # Panics
    /// When one cannot be read.
    pub fn rows(&mut self, dataset: DatasetId) -> Vec<Kept> {
        let view = ViewSpec { dataset, filters: Vec::new(), sort: None, measure: None };
        let ids = self.found(view);
        let row = |id: &RowId| match self.ask(DatasetQuery::Row { dataset, row: *id }) {
            Ok(DatasetPage::Row(Some(row))) => {
                Kept { id: row.id, split: row.split, value: row.value.clone() }
            }
            other => panic!("{other:?}"),
        };
        ids.iter().map(row).collect()
    }

    /// Carries an edit out and waits for it.
    ///
    /// # Errors
    /// When it is refused.
    pub fn edit_dataset(&mut self, edit: DatasetEdit) -> Result<(), Failure> {
        let id = glassworks_protocol::ids::EditId::mint();
        self.send(Command::Edit(id, Edit::Dataset(edit)));
        self.datasets();
        let refused = self.refusal(id);
        refused.map_or(Ok(()), Err)
    }

    fn refusal(&mut self, id: glassworks_protocol::ids::EditId) -> Option<Failure> {
        let mut failure = None;
        self.forget(|event| match event {
            Event::Refused(RequestId::Edit(one), why) if *one == id => {
                failure = Some(why.clone());
                true
            }
            _ => false,
        });
        failure
    }
}
