//! Mends a prediction of the home folder given row by row, saying each row that is told to be stored, until it is
//! killed: what the test of mends kills.

use glassworks_protocol::ids::EditId;
use glassworks_protocol::predict::Mend;
use glassworks_protocol::{Command, Edit, Event, Stored};
use glassworks_tests_engine::Lab;
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [home, prediction] = &*args else { anyhow::bail!("home, prediction") };
    let (mut lab, prediction) = (Lab::open(&PathBuf::from(home)), prediction.parse()?);
    let mut out = std::io::stdout().lock();
    for row in 0.. {
        let mend = Some(Mend { answer: format!("answer {row}"), confirmed: false });
        lab.send(Command::Edit(EditId::mint(), Edit::Mend { prediction, row, mend }));
        lab.until("a mend", |event| match event {
            Event::Stored(Stored::Mended { row: of, .. }) if *of == row => Some(()),
            _ => None,
        });
        writeln!(out, "{row}")?;
        out.flush()?;
    }
    Ok(())
}
