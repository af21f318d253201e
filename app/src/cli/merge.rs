//! `glassworks merge`: a model with an adapter worked into its weights, as a Hugging Face folder.

use super::Cx;
use super::args::MergeArgs;
use super::meter::Meter;
use super::out::{self, Stop};
use super::session::Session;
use super::{source, table};
use glassworks_engine::Mode;
use glassworks_protocol::train::{AdapterSource, MergeSpec};
use glassworks_protocol::{JobOutput, JobSpec};

pub fn run(cx: &Cx, args: &MergeArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let model = source::find(&session, &args.model)?;
    let adapter = AdapterSource { path: args.adapter.clone(), strength: args.strength.unwrap_or(1.0) };
    let dtype = args.dtype.into();
    let spec = MergeSpec { model: model.source.clone(), adapter, out: args.out.clone(), dtype };
    let output = session.run_quietly(JobSpec::Merge(spec), &Meter::new(cx))?;
    if let JobOutput::Merged { to, size_bytes } = output
        && out::is_watched()
    {
        let size = table::file_size(size_bytes);
        out::note(&cx.language.format("cli.merged", &[("path", &to.display()), ("size", &size)]));
    }
    Ok(())
}
