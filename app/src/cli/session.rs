//! An engine without a window: commands go down, events are waited for, Ctrl+C cancels.

use super::Cx;
use super::meter::Meter;
use super::out::{self, Stop};
use crate::paths;
use crate::starter::{DATASETS, SAMPLES, STARTER};
use glassworks_engine::{Engine, EngineConfig, Mode, PowerConfig, Running};
use glassworks_protocol::ids::{EditId, JobId, ModelId, QueryId};
use glassworks_protocol::link::SendError;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Notice, Outcome, Page, Partial, Query,
    RequestId,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How often Ctrl+C is looked for while nothing comes.
const GLANCE: Duration = Duration::from_millis(50);

pub struct Session {
    engine: Option<Running>,
    interrupted: Arc<AtomicBool>,
    language: Language,
}

impl Session {
    /// Starts an engine on `home`.
    ///
    /// # Errors
    /// When the home cannot be opened, or another process holds it.
    pub fn open(cx: &Cx, home: &Path, mode: Mode) -> Result<Self, Stop> {
        Self::with_threads(cx, home, mode, None)
    }

    /// As [`Self::open`], computing with so many threads.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_threads(cx: &Cx, home: &Path, mode: Mode, n_threads: Option<u32>) -> Result<Self, Stop> {
        let config = EngineConfig { n_threads, ..config(home, mode, cx.language) };
        let engine = Engine::spawn(config, Box::new(|| {}))?;
        Ok(Self { engine: Some(engine), interrupted: interruption(), language: cx.language })
    }

    /// Starts an engine on a home that nobody else knows, without what comes with the program.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn bare(cx: &Cx, home: &Path) -> Result<Self, Stop> {
        let config = EngineConfig {
            starter: &[],
            samples: &[],
            datasets: &[],
            ..config(home, Mode::writer("data"), cx.language)
        };
        let engine = Engine::spawn(config, Box::new(|| {}))?;
        Ok(Self { engine: Some(engine), interrupted: interruption(), language: cx.language })
    }

    /// The model that was talked to last, if it is still in the library.
    #[must_use]
    pub fn last_model(&self) -> Option<ModelId> {
        let start = &self.engine.as_ref()?.start;
        start.settings.last_model.filter(|id| start.models.iter().any(|model| model.id == *id))
    }

    /// Whether Ctrl+C has been pressed.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Runs a job to its end, showing its progress on `meter`; `partial` is called for what comes before the end,
    /// and stops the job by an error.
    ///
    /// # Errors
    /// The job's failure, the stop that `partial` asked for, [`Stop::Interrupted`] after Ctrl+C.
    pub fn run(
        &self,
        spec: JobSpec,
        meter: &Meter,
        partial: &mut dyn FnMut(Partial) -> Result<(), Stop>,
    ) -> Result<JobOutput, Stop> {
        self.run_until(spec, meter, partial, Command::Cancel)
    }

    /// As [`Self::run`]; `interrupt` is what Ctrl+C sends the job.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_until(
        &self,
        spec: JobSpec,
        meter: &Meter,
        partial: &mut dyn FnMut(Partial) -> Result<(), Stop>,
        interrupt: fn(JobId) -> Command,
    ) -> Result<JobOutput, Stop> {
        let job = JobId::mint();
        self.send(Command::Start(job, spec))?;
        let mut stopped: Option<Stop> = None;
        let (mut told, mut begun) = (false, false);
        loop {
            if stopped.is_none() && self.is_interrupted() {
                stopped = Some(Stop::Interrupted);
            }
            if stopped.is_some() && !told {
                let by_hand = matches!(stopped, Some(Stop::Interrupted));
                self.send(if by_hand { interrupt(job) } else { Command::Cancel(job) })?;
                told = true;
            }
            match self.next() {
                // Once there is something to show, the meter would only stand in its way.
                Some(Event::Progress(id, progress)) if id == job && stopped.is_none() && !begun => {
                    meter.show(&progress);
                }
                Some(Event::Partial(id, news)) if id == job => {
                    // A benchmark's table comes at its end, and samples are not shown: until then there is only the
                    // meter.
                    begun |= !matches!(news, Partial::Bench(_) | Partial::Samples(_));
                    // After Ctrl+C what was written by then is still shown; after an error nothing is.
                    if !matches!(stopped, Some(Stop::Failed(_) | Stop::Closed))
                        && let Err(stop) = partial(news)
                    {
                        stopped = Some(stop);
                    }
                }
                Some(Event::Settled(id, outcome)) if id == job => {
                    meter.clear();
                    return settled(outcome, stopped);
                }
                Some(Event::Refused(RequestId::Job(id), failure)) if id == job => return Err(failure.into()),
                Some(other) => self.overhear(&other)?,
                None => {}
            }
        }
    }

    /// As [`Self::run`], for jobs that say nothing before their end.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_quietly(&self, spec: JobSpec, meter: &Meter) -> Result<JobOutput, Stop> {
        self.run(spec, meter, &mut |_| Ok(()))
    }

    /// Asks for something stored.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn fetch(&self, query: Query) -> Result<Page, Stop> {
        let id = QueryId::mint();
        self.send(Command::Fetch(id, query))?;
        loop {
            match self.next() {
                Some(Event::Fetched(answered, page)) if answered == id => return Ok(page),
                Some(Event::Refused(RequestId::Query(refused), failure)) if refused == id => {
                    return Err(failure.into());
                }
                Some(other) => self.overhear(&other)?,
                None if self.is_interrupted() => return Err(Stop::Interrupted),
                None => {}
            }
        }
    }

    /// Changes something stored, and waits until it is. An edit stores before anything sent later is answered,
    /// so the answer to a question sent after it says that it is done.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn edit(&self, edit: Edit) -> Result<(), Stop> {
        let id = EditId::mint();
        self.send(Command::Edit(id, edit))?;
        let question = QueryId::mint();
        self.send(Command::Fetch(question, Query::Memory))?;
        loop {
            match self.next() {
                Some(Event::Refused(RequestId::Edit(refused), failure)) if refused == id => {
                    return Err(failure.into());
                }
                Some(Event::Fetched(answered, _)) if answered == question => return Ok(()),
                Some(other) => self.overhear(&other)?,
                None if self.is_interrupted() => return Err(Stop::Interrupted),
                None => {}
            }
        }
    }

    /// Ends the engine and waits until it has.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop();
        }
    }

    fn send(&self, command: Command) -> Result<(), Stop> {
        let engine = self.engine.as_ref().ok_or_else(ended)?;
        engine.window.send(command).map_err(|error| match error {
            SendError::Busy => Failure::new(FailureKind::Bug, Text::new("cli.engine_busy")).into(),
            SendError::Ended => ended(),
        })
    }

    fn next(&self) -> Option<Event> {
        self.engine.as_ref().and_then(|engine| engine.window.wait(GLANCE))
    }

    /// What answers no question of ours: alerts are told, the engine's end ends us.
    fn overhear(&self, event: &Event) -> Result<(), Stop> {
        match event {
            Event::Notice(Notice::Alert(failure)) => out::tell(failure, self.language, false),
            Event::Notice(Notice::Ended) => return Err(ended()),
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

/// What an engine of this program is told.
#[must_use]
pub fn config(home: &Path, mode: Mode, language: Language) -> EngineConfig {
    EngineConfig {
        home: home.to_owned(),
        mode,
        starter: STARTER,
        samples: SAMPLES,
        datasets: DATASETS,
        version: env!("CARGO_PKG_VERSION"),
        language,
        memory_limit_bytes: None,
        disk_free_bytes: None,
        power: PowerConfig::default(),
        isa_cap: paths::isa_cap(),
        n_threads: None,
        clock: now_ms,
    }
}

fn settled(outcome: Outcome, stopped: Option<Stop>) -> Result<JobOutput, Stop> {
    match (outcome, stopped) {
        // It was done before it heard of the interruption.
        (Outcome::Done(output), None | Some(Stop::Interrupted)) => Ok(output),
        (Outcome::Done(_) | Outcome::Cancelled, Some(stop)) => Err(stop),
        (Outcome::Cancelled, None) => Err(Stop::Interrupted),
        (Outcome::Failed(failure), _) => Err(failure.into()),
    }
}

fn ended() -> Stop {
    Failure::new(FailureKind::Bug, Text::new("cli.engine_ended"))
        .hint(Text::new("cli.engine_ended_hint"))
        .into()
}

/// Milliseconds since 1970, UTC.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The flag that Ctrl+C raises. The second press ends the program at once.
fn interruption() -> Arc<AtomicBool> {
    static FLAG: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        let handler = ctrlc::set_handler(move || {
            if raised.swap(true, Ordering::Relaxed) {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "asked twice: something hangs, nothing is to be waited for"
                )]
                std::process::exit(i32::from(super::INTERRUPTED));
            }
        });
        if let Err(error) = handler {
            tracing::warn!("Ctrl+C ends the program at once: {error}");
        }
        flag
    });
    Arc::clone(flag)
}
