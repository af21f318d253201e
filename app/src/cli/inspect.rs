//! `glassworks inspect`: one exact forward pass, everything seen written to a safetensors file, or what was asked of it
//! to standard output.

use super::Cx;
use super::args::{HeadArg, InspectArgs};
use super::meter::Meter;
use super::out::{self, Out, Stop};
use super::session::Session;
use super::{generate, inspect_tables, source, table};
use glassworks_engine::Mode;
use glassworks_protocol::generate::{ModelSource, Prompt};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{
    AblateSpec, Ablation, Capture, CapturePlan, CaptureSpec, InsideJob, InsideOutput, Instead, LensSpec,
    Part, ScoresSpec, Subject,
};
use glassworks_protocol::inspect::InspectSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput, JobSpec};
use serde_json::json;
use std::sync::Arc;

/// Tokens of the sequence that heads are measured on, once.
const N_RANDOM: u32 = 64;

pub fn run(cx: &Cx, args: &InspectArgs) -> Result<(), Stop> {
    let prompt = generate::text(&args.prompt)?;
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let model = source::find(&session, &args.model)?;
    if let Some(out) = &args.out {
        let spec = InspectSpec { model: model.source.clone(), prompt: prompt.clone(), out: out.clone() };
        let output = session.run_quietly(JobSpec::Inspect(spec), &Meter::new(cx))?;
        told(cx, &output);
    }
    let seen = Seen { cx, session: &session, model: &model.source, json: args.json };
    if args.lens || !args.ablate.is_empty() {
        let capture = seen.capture(prompt)?;
        if args.lens {
            seen.lens(&capture)?;
        }
        if !args.ablate.is_empty() {
            seen.ablate(&capture, &args.ablate)?;
        }
    }
    if args.scores {
        seen.scores()?;
    }
    Ok(())
}

fn told(cx: &Cx, output: &JobOutput) {
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
}

/// What is asked of one model.
struct Seen<'a> {
    cx: &'a Cx,
    session: &'a Session,
    model: &'a ModelSource,
    json: bool,
}

impl Seen<'_> {
    fn ask(&self, job: InsideJob) -> Result<InsideOutput, Stop> {
        match self.session.run_quietly(JobSpec::Inside(job), &Meter::new(self.cx))? {
            JobOutput::Inside(output) => Ok(output),
            _ => Err(unexpected()),
        }
    }

    fn capture(&self, prompt: String) -> Result<Arc<Capture>, Stop> {
        let spec = CaptureSpec {
            id: CaptureId::mint(),
            model: self.model.clone(),
            tuned: None,
            subject: Subject::Text { prompt: Prompt::Text(prompt), reply: Vec::new(), at_ms: 0 },
            // Maps are what `--out` writes; here they would only take memory.
            plan: CapturePlan { maps: false, ..CapturePlan::default() },
        };
        match self.ask(InsideJob::Capture(Box::new(spec)))? {
            InsideOutput::Captured(capture) => Ok(capture),
            _ => Err(unexpected()),
        }
    }

    fn lens(&self, base: &Arc<Capture>) -> Result<(), Stop> {
        // What is not shown need not be computed.
        let n = base.tokens.len() as u32;
        let from = if self.json { 0 } else { n.saturating_sub(inspect_tables::COLUMNS as u32) };
        let spec = LensSpec { base: Arc::clone(base), from, n: n - from };
        let InsideOutput::Lens(report) = self.ask(InsideJob::Lens(spec))? else { return Err(unexpected()) };
        if self.json {
            let tokens: Vec<&str> = base.tokens.iter().map(|token| token.text.as_str()).collect();
            return Out::new().json(&json!({ "tokens": tokens, "lens": report.layers }));
        }
        Out::new().text(&inspect_tables::lens(self.cx.language, base, &report))
    }

    fn ablate(&self, base: &Arc<Capture>, heads: &[HeadArg]) -> Result<(), Stop> {
        let off = |head: &HeadArg| Ablation {
            part: Part::Head { layer: head.layer, head: head.head },
            instead: Instead::Zero,
        };
        let spec = AblateSpec { base: Arc::clone(base), ablations: heads.iter().map(off).collect(), seed: 0 };
        let InsideOutput::Ablated(report) = self.ask(InsideJob::Ablate(spec))? else {
            return Err(unexpected());
        };
        if self.json {
            let heads: Vec<String> =
                heads.iter().map(|head| format!("{}.{}", head.layer, head.head)).collect();
            let line = json!({
                "ablated": heads, "was": base.read, "now": report.read, "next_was": base.next,
                "next_now": report.next, "kl": report.kl,
            });
            return Out::new().json(&line);
        }
        Out::new().text(&inspect_tables::ablated(self.cx.language, base, &report))
    }

    fn scores(&self) -> Result<(), Stop> {
        let spec = ScoresSpec { model: self.model.clone(), tuned: None, n_tokens: N_RANDOM, seed: 0 };
        let InsideOutput::Scored(report) = self.ask(InsideJob::Scores(spec))? else {
            return Err(unexpected());
        };
        if self.json {
            return Out::new().json(&json!({ "n_tokens": report.n_tokens, "heads": report.heads }));
        }
        Out::new().text(&inspect_tables::scores(self.cx.language, &report))
    }
}

fn unexpected() -> Stop {
    Stop::Failed(Failure::new(FailureKind::Bug, Text::new("cli.unexpected")))
}
