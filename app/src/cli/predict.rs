//! `glassworks predict`: what a model or a run's result makes of every row of a file.

use super::Cx;
use super::args::PredictArgs;
use super::meter::Meter;
use super::out::{self, Out, Stop};
use super::session::Session;
use super::{runs, source};
use glassworks_engine::Mode;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::predict::{MAX_NEW_TOKENS, PredictSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{AdapterSource, MethodSpec};
use glassworks_protocol::{Failure, FailureKind, JobOutput, JobSpec};

pub fn run(cx: &Cx, args: &PredictArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    // Held until all rows are done: it may hold the starter's files.
    let found = args.model.as_deref().map(|model| source::find(&session, model)).transpose()?;
    let (model, adapter) = match &found {
        Some(found) => {
            let adapter = args.adapter.clone().map(|path| AdapterSource { path, strength: 1.0 });
            (found.source.clone(), adapter)
        }
        // One of the two is asked for when arguments are read.
        None => result_of(&session, args.run.as_deref().unwrap_or_default())?,
    };
    let spec = PredictSpec {
        model,
        tuned: None,
        adapter,
        data: args.data.clone(),
        column: args.column.clone(),
        template: args.template.clone(),
        out: args.out.clone(),
        max_new_tokens: args.max_new_tokens.unwrap_or(MAX_NEW_TOKENS),
        precision: args.precision.into(),
        keep: None,
    };
    let output = session.run_quietly(JobSpec::Predict(Box::new(spec)), &Meter::new(cx))?;
    let JobOutput::Predicted(report) = output else { return Ok(()) };
    if args.json {
        return Out::new().json(&*report);
    }
    if out::is_watched() {
        let args: [(&str, &dyn std::fmt::Display); 2] =
            [("path", &report.out.display()), ("n", &report.n_rows)];
        out::note(&cx.language.format("cli.predicted", &args));
        if report.n_left_out > 0 {
            out::note(&cx.language.format("cli.predicted_left_out", &[("n", &report.n_left_out)]));
        }
    }
    Ok(())
}

/// What a run has made: the model, with the adapter beside it or as a whole.
fn result_of(session: &Session, run: &str) -> Result<(ModelSource, Option<AdapterSource>), Stop> {
    let run = runs::find(session, run)?;
    let Some(result) = run.progress.result.clone() else {
        let summary = Text::new("cli.run_has_no_result").arg("name", &run.name);
        return Err(Failure::new(FailureKind::Input, summary)
            .hint(Text::new("cli.run_has_no_result_hint"))
            .into());
    };
    Ok(match run.spec.method {
        MethodSpec::Lora(_) => (run.spec.model.clone(), Some(AdapterSource { path: result, strength: 1.0 })),
        MethodSpec::Full(_) => (ModelSource::Path(result), None),
    })
}
