//! Edits a dataset of the home folder given row by row, saying each edit that is told to be stored, and now and then
//! adds rows from a file, until it is killed: what the test of datasets kills.

use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::import::ImportSpec;
use glassworks_protocol::datasets::{DatasetEdit, DatasetJob, DatasetStored, Row, RowId};
use glassworks_protocol::ids::EditId;
use glassworks_protocol::{Command, Edit, Event, JobSpec, Stored};
use glassworks_tests_engine::Lab;
use glassworks_tests_engine::datasets::pasted;
use std::io::Write as _;
use std::path::PathBuf;

/// Edits between two imports.
const EDITS: u32 = 40;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [home, dataset, round] = &*args else { anyhow::bail!("home, dataset, round") };
    let (mut lab, dataset) = (Lab::open(&PathBuf::from(home)), dataset.parse()?);
    let mut out = std::io::stdout().lock();
    for n in 0u32.. {
        if n % EDITS == EDITS - 1 {
            let lines: String = (0..500).map(|i| format!("{{\"text\":\"import {n} row {i}\"}}\n")).collect();
            let spec = ImportSpec { append: true, ..pasted(dataset, &lines) };
            lab.done(JobSpec::Dataset(DatasetJob::Import(Box::new(spec))));
            writeln!(out, "import {n}")?;
        } else {
            let mut value = Row::new();
            value.insert("text".to_owned(), format!("edit {round} {n}").into());
            let changes = vec![RowChange::Set { row: RowId(n % 50), value }];
            lab.send(Command::Edit(EditId::mint(), Edit::Dataset(DatasetEdit::Rows { dataset, changes })));
            lab.until("an edit", |event| match event {
                Event::Stored(Stored::Dataset(DatasetStored::RowsChanged { .. })) => Some(()),
                _ => None,
            });
            writeln!(out, "edit {n}")?;
        }
        out.flush()?;
        lab.stored();
    }
    Ok(())
}
