//! The engine's part: it reads texts as `made` makes them, draws maps, measures heads, and keeps what it was asked.

use super::made::{self, Recipe};
use glassworks_protocol::generate::{Prompt, PromptPreview};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::inside::{
    Capture, CaptureSpec, HeadSpec, InsideJob, InsideOutput, InsidePartial, ScoresReport, ScoresSpec,
    SeenToken, Subject, TurnSpan,
};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Command, Event, JobOutput, JobSpec, Outcome, Page, Partial, Query};
use glassworks_tests_screens::{Window, fixtures};
use std::sync::Arc;

pub const WIDE: (f32, f32) = (1440.0, 900.0);
pub const NARROW: (f32, f32) = (1024.0, 700.0);
pub const ANIMAL: &str =
    "The animal didn't cross the street because it was too tired, so the driver waited until it slept.";

#[derive(Default)]
pub struct Fake {
    pub recipe: Recipe,
    /// Captures stop before this layer and don't end.
    pub until: Option<u32>,
    /// Maps are not drawn.
    pub draws_nothing: bool,
    pub captures: Vec<(JobId, CaptureSpec)>,
    pub heads: Vec<(JobId, HeadSpec)>,
    pub scores: Vec<(JobId, ScoresSpec)>,
    /// All else.
    pub asked: Vec<(JobId, InsideJob)>,
    /// All else is not answered.
    pub silent: bool,
    pub cancelled: Vec<JobId>,
    /// The newest, whole.
    pub capture: Option<Arc<Capture>>,
}

impl Fake {
    pub fn open(&mut self, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
        let mut start = fixtures::start_on("attention");
        (start.settings.language, start.settings.theme) = (Some(language), theme);
        // The starter reads short texts only.
        start.settings.last_model = Some(start.models[1].id);
        self.open_with(start, size)
    }

    pub fn open_with(&mut self, start: StartReport, size: (f32, f32)) -> Window {
        let mut window = Window::sized(start, size.0, size.1, 1.0);
        self.answer(&mut window);
        window
    }

    /// With a text looked into.
    pub fn looked(&mut self, text: &str, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
        let mut window = self.open(language, theme, size);
        self.look(&mut window, text, language);
        window
    }

    pub fn look(&mut self, window: &mut Window, text: &str, language: Language) {
        window.focus(language.get("inside.text_field"));
        window.type_text(text);
        self.answer(window);
        window.click(language.get("inside.start"));
        self.answer(window);
    }

    pub fn answer(&mut self, window: &mut Window) {
        // Hands have rested: what is written is counted.
        (0..3).for_each(|_| window.harness.step());
        for _ in 0..8 {
            let commands = window.commands();
            if commands.is_empty() {
                return;
            }
            commands.into_iter().for_each(|command| self.carry_out(window, command));
            window.run();
        }
    }

    fn carry_out(&mut self, window: &mut Window, command: Command) {
        let say = |event| window.engine.outbox.send(event);
        let done = |job, output| say(Event::Settled(job, Outcome::Done(JobOutput::Inside(output))));
        match command {
            Command::Fetch(id, Query::Runs) => say(Event::Fetched(id, Page::Runs(Vec::new()))),
            Command::Fetch(id, Query::Checkpoints) => say(Event::Fetched(id, Page::Checkpoints(Vec::new()))),
            Command::Start(job, JobSpec::PreviewPrompt { prompt, .. }) => {
                let (tokens, _) = read(&prompt, &[]);
                let preview = PromptPreview {
                    text: String::new(),
                    n_tokens: tokens.len() as u32,
                    context_length: 8192,
                    template: None,
                };
                say(Event::Settled(job, Outcome::Done(JobOutput::Preview(Arc::new(preview)))));
            }
            Command::Start(job, JobSpec::Inside(InsideJob::Capture(spec))) => {
                self.read(window, job, &spec);
                self.captures.push((job, *spec));
            }
            Command::Start(job, JobSpec::Inside(InsideJob::Head(spec))) => {
                if !self.draws_nothing {
                    let image = spec.draw(|| Ok::<(), ()>(())).expect("goes on");
                    done(job, InsideOutput::Head(Arc::new(image)));
                }
                self.heads.push((job, spec));
            }
            Command::Start(job, JobSpec::Inside(InsideJob::Scores(spec))) => self.scores.push((job, spec)),
            Command::Start(job, JobSpec::Inside(other)) => {
                if !self.silent {
                    done(job, super::reports::answer(&other));
                }
                self.asked.push((job, other));
            }
            Command::Cancel(job) => {
                say(Event::Settled(job, Outcome::Cancelled));
                self.cancelled.push(job);
            }
            _ => {}
        }
    }

    fn read(&mut self, window: &Window, job: JobId, spec: &CaptureSpec) {
        let say = |event| window.engine.outbox.send(event);
        let (tokens, turns) = match &spec.subject {
            Subject::Text { prompt, reply, .. } => read(prompt, reply),
            Subject::Tokens(_) => (made::tokens("tokens"), Vec::new()),
        };
        let mut capture = made::begun(spec, tokens, turns, &self.recipe);
        say(Event::Partial(job, Partial::Inside(InsidePartial::Begun(Arc::new(capture.clone())))));
        for layer in 0..self.until.unwrap_or(self.recipe.n_layers) {
            let layer = Arc::new(made::layer(&capture.tokens, layer, &self.recipe));
            say(Event::Partial(job, Partial::Inside(InsidePartial::Layer(Arc::clone(&layer)))));
            capture.size_bytes += layer.maps.size_bytes();
            capture.layers.push(layer);
        }
        capture.took_ms = 420;
        let capture = Arc::new(capture);
        self.capture = Some(Arc::clone(&capture));
        if self.until.is_none() {
            let output = JobOutput::Inside(InsideOutput::Captured(capture));
            say(Event::Settled(job, Outcome::Done(output)));
        }
    }

    /// The newest question about heads is answered: the first does induction, all others nothing much.
    pub fn measured(&self, window: &mut Window) {
        let (job, _) = self.scores.last().expect("asked");
        let one = |layer: u32, head: u32| glassworks_protocol::inside::HeadScores {
            induction: Some(if (layer, head) == (1, 2) { 0.93 } else { 0.01 * head as f32 }),
            duplicate: Some(0.02),
            previous: if (layer, head) == (0, 4) { 0.88 } else { 0.1 },
            sink: 0.3,
            entropy: 0.5,
        };
        let heads = |layer| (0..self.recipe.n_heads).map(|head| one(layer, head)).collect();
        let report = ScoresReport { heads: (0..self.recipe.n_layers).map(heads).collect(), n_tokens: 64 };
        let output = JobOutput::Inside(InsideOutput::Scored(Arc::new(report)));
        window.tell(Event::Settled(*job, Outcome::Done(output)));
    }
}

fn read(prompt: &Prompt, reply: &[(u32, String)]) -> (Vec<SeenToken>, Vec<TurnSpan>) {
    let mut turns = Vec::new();
    let mut tokens = match prompt {
        Prompt::Text(text) => made::tokens(text),
        Prompt::Chat { turns: all, .. } => {
            let mut tokens = Vec::new();
            for turn in all {
                let from = tokens.len() as u32;
                tokens.extend(made::tokens(&turn.content));
                turns.push(TurnSpan { role: turn.role.clone(), tokens: from..tokens.len() as u32 });
            }
            tokens
        }
    };
    let own = |(id, text): &(u32, String)| SeenToken {
        id: *id,
        text: text.clone(),
        name: text.clone(),
        special: false,
    };
    tokens.extend(reply.iter().map(own));
    (tokens, turns)
}
