//! `glassworks inspect`: one exact forward pass, everything seen written to a safetensors file.

use super::Cx;
use super::args::InspectArgs;
use super::meter::Meter;
use super::out::{self, Stop};
use super::session::Session;
use super::{generate, source, table};
use glassworks_engine::Mode;
use glassworks_protocol::inspect::InspectSpec;
use glassworks_protocol::{JobOutput, JobSpec};

pub fn run(cx: &Cx, args: &InspectArgs) -> Result<(), Stop> {
    let prompt = generate::text(&args.prompt)?;
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let model = source::find(&session, &args.model)?;
    let spec = InspectSpec { model: model.source.clone(), prompt, out: args.out.clone() };
    let output = session.run_quietly(JobSpec::Inspect(spec), &Meter::new(cx))?;
    if let JobOutput::Inspected(report) = output
        && out::is_watched()
    {
        let line = cx.language.format(
            "cli.inspected",
            &[
                ("path", &report.out.display()),
                ("size", &table::file_size(report.size_bytes)),
                ("n_tokens", &report.tokens.len()),
                ("n_layers", &report.n_layers),
                ("n_heads", &report.n_heads),
            ],
        );
        out::note(&line);
    }
    Ok(())
}
