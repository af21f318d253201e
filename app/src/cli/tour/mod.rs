//! `glassworks tour`: the main job without a window, on what is bundled: write with the starter, keep it, find it
//! again, look inside; a folder of results stays.

pub mod plots;
mod report;
mod seen;
mod tuning;

use super::Cx;
use super::args::TourArgs;
use super::meter::{self, Meter};
use super::out::{Out, Stop};
use super::session::{Session, now_ms};
use super::source;
use glassworks_engine::Mode;
use glassworks_protocol::chat::{ChatDocument, ChatKind, ChatRecord, MessageRecord, MessageStatus, Role};
use glassworks_protocol::generate::{
    GenerateSpec, KeepReply, ModelSource, Overflow, Prompt, Reply, SamplingSpec,
};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::inspect::{InspectReport, InspectSpec};
use glassworks_protocol::model::{CacheWidth, ModelRecord, Precision};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput, JobSpec, Page, Query};
use indicatif::{ProgressBar, ProgressDrawTarget};
use seen::Seen;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tuning::Tuned;

/// The same text on every machine.
const SEED: u64 = 7;
const N_NEW_TOKENS: u32 = 96;
/// Tokens of the text whose attention is drawn: a map that can be read.
const N_TOKENS_INSIDE: usize = 28;
const STEPS: [&str; 7] = [
    "cli.tour.opening",
    "cli.tour.writing",
    "cli.tour.finding_again",
    "cli.tour.looking_inside",
    "cli.tour.tuning",
    "cli.tour.drawing",
    "cli.tour.reporting",
];

/// What the tour found out, for the report.
pub struct Findings {
    pub model: Arc<ModelRecord>,
    pub sampling: SamplingSpec,
    pub prompt: String,
    pub reply: Arc<Reply>,
    pub n_messages: usize,
    pub inside: Arc<InspectReport>,
    pub seen: Seen,
    pub tuned: Tuned,
    pub started: Instant,
}

pub fn run(cx: &Cx, args: &TourArgs) -> Result<(), Stop> {
    let started = Instant::now();
    let out = std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone());
    std::fs::create_dir_all(&out).map_err(|error| cannot_write(&out, &error))?;
    // The tour leaves a person's own home alone.
    let home = tempfile::Builder::new()
        .prefix("home-")
        .tempdir_in(&out)
        .map_err(|error| cannot_write(&out, &error))?;
    let steps = Steps::new(cx);

    steps.begin(0);
    let session = open(cx, home.path())?;
    let model = starter(&session)?;
    let load = JobSpec::LoadModel(ModelSource::Library(model.id));
    session.run_quietly(load, &Meter::hidden(cx))?;

    steps.begin(1);
    let prompt = model.card.examples.first().cloned().unwrap_or_else(|| "Alice".to_owned());
    let sampling = SamplingSpec { seed: Some(SEED), max_new_tokens: N_NEW_TOKENS, ..SamplingSpec::default() };
    let spec = writing(&model, &prompt, &sampling);
    let kept = spec.keep.clone();
    let JobOutput::Replied(reply) =
        session.run_quietly(JobSpec::Generate(Box::new(spec)), &Meter::hidden(cx))?
    else {
        return Err(not_as_asked("generate"));
    };
    session.close();

    steps.begin(2);
    let session = open(cx, home.path())?;
    let kept = kept.ok_or_else(|| not_as_asked("keep"))?;
    let n_messages = find_again(&session, kept.chat.id, kept.reply, &reply)?;

    steps.begin(3);
    let file = out.join("inside.safetensors");
    let text = prompt.clone() + &beginning(&reply, N_TOKENS_INSIDE);
    let spec = InspectSpec { model: ModelSource::Library(model.id), prompt: text, out: file.clone() };
    let JobOutput::Inspected(inside) = session.run_quietly(JobSpec::Inspect(spec), &Meter::hidden(cx))?
    else {
        return Err(not_as_asked("inspect"));
    };
    let seen = Seen::read(&file, &inside, &reply)?;

    steps.begin(4);
    let tuned = tuning::tune(cx, &session, &model, &out)?;
    session.close();

    steps.begin(5);
    let findings = Findings { model, sampling, prompt, reply, n_messages, inside, seen, tuned, started };
    let drawn = plots::draw(cx.language, &findings, &out).and_then(|()| tuning::draw(cx, &findings, &out));
    drawn.map_err(|error| {
        Failure::new(FailureKind::Io, Text::new("cli.tour.cannot_draw"))
            .hint(Text::new("cli.cannot_write_hint"))
            .detail(format!("{error:#}"))
    })?;

    steps.begin(6);
    report::write(cx.language, &findings, &out)?;
    steps.end();
    let path = out.join(report::FILE);
    let secs = format!("{:.1}", started.elapsed().as_secs_f32());
    let line = cx.language.format("cli.tour.done", &[("path", &path.display()), ("secs", &secs)]);
    Out::new().text(&format!("{line}\n"))
}

fn open(cx: &Cx, home: &Path) -> Result<Session, Stop> {
    Session::open(cx, home, Mode::writer("tour"))
}

fn starter(session: &Session) -> Result<Arc<ModelRecord>, Stop> {
    source::library(session)?.into_iter().find(|model| model.starter).ok_or_else(|| not_as_asked("starter"))
}

/// A completion kept as a document, as the window would ask for it.
fn writing(model: &ModelRecord, prompt: &str, sampling: &SamplingSpec) -> GenerateSpec {
    let now = now_ms();
    let chat = ChatRecord::new(ChatKind::Completion, now);
    let question = MessageRecord {
        id: MessageId::mint(),
        chat: chat.id,
        parent: None,
        role: Role::Prompt,
        text: prompt.to_owned(),
        tail: String::new(),
        status: MessageStatus::Complete,
        created_at_ms: now,
        reply: None,
    };
    let parent = Some(question.id);
    GenerateSpec {
        model: ModelSource::Library(model.id),
        adapter: None,
        tuned: None,
        prompt: Prompt::Text(prompt.to_owned()),
        sampling: sampling.clone(),
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: Some(KeepReply {
            chat,
            question: Some(question),
            reply: MessageId::mint(),
            parent,
            branch: None,
        }),
    }
}

/// Looks the reply up in the reopened database and compares it token by token; how many messages there are.
fn find_again(session: &Session, chat: ChatId, id: MessageId, reply: &Reply) -> Result<usize, Stop> {
    let Page::Chat(document) = session.fetch(Query::Chat(chat))? else {
        return Err(not_as_asked("chat"));
    };
    let ChatDocument { messages, .. } = &*document;
    let same = messages.iter().find(|message| message.id == id).is_some_and(|message| {
        message.text == reply.text
            && message.status == MessageStatus::Complete
            && message.reply.as_ref().is_some_and(|kept| {
                kept.tokens.iter().map(|token| token.id).eq(reply.tokens.iter().map(|token| token.id))
            })
    });
    if same { Ok(messages.len()) } else { Err(not_as_asked("reopen")) }
}

fn beginning(reply: &Reply, n_tokens: usize) -> String {
    reply.tokens.iter().take(n_tokens).map(|token| token.text.as_str()).collect()
}

/// Something came back that the tour did not expect: a fault of ours, named by its step.
fn not_as_asked(step: &str) -> Stop {
    Failure::new(FailureKind::Bug, Text::new("cli.tour.not_as_asked").arg("step", step))
        .hint(Text::new("cli.engine_ended_hint"))
        .into()
}

pub fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Io, Text::new("cli.cannot_write").arg("path", path.display()))
        .hint(Text::new("cli.cannot_write_hint"))
        .detail(error.to_string())
}

/// The bar over the tour's steps.
struct Steps<'a> {
    cx: &'a Cx,
    bar: ProgressBar,
}

impl<'a> Steps<'a> {
    fn new(cx: &'a Cx) -> Self {
        let bar = ProgressBar::with_draw_target(Some(STEPS.len() as u64), ProgressDrawTarget::stderr());
        bar.set_style(meter::style("{bar:24} {pos}/{len} {msg}"));
        Self { cx, bar }
    }

    fn begin(&self, step: usize) {
        self.bar.set_position(step as u64);
        self.bar.set_message(self.cx.language.get(STEPS[step]).to_owned());
        self.bar.enable_steady_tick(std::time::Duration::from_millis(120));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
