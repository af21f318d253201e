//! What the tests of the engine share: an engine on a home folder of its own, and patience with events.

pub mod datasets;
pub mod training;

use glassworks_engine::{Engine, EngineConfig, Mode, PowerConfig, Running};
use glassworks_protocol::chat::{
    ChatDocument, ChatKind, ChatRecord, MessageRecord, MessageStatus, Role, Turn,
};
use glassworks_protocol::generate::{
    GenerateSpec, KeepReply, ModelSource, Overflow, Prompt, Reply, SamplingSpec,
};
use glassworks_protocol::ids::{ChatId, EditId, JobId, MessageId, QueryId};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Language;
use glassworks_protocol::{
    Command, Edit, Event, Failure, JobOutput, JobSpec, Outcome, Page, Query, RequestId, Stored,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `tests/engine/fixtures`.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The files of a bundled model, as a program embeds them: the small one that tests know every number of.
///
/// # Panics
/// When the fixture cannot be read.
#[must_use]
pub fn starter() -> &'static [(&'static str, &'static [u8])] {
    static FILES: std::sync::OnceLock<Vec<(&'static str, &'static [u8])>> = std::sync::OnceLock::new();
    FILES.get_or_init(|| {
        let folder = root().join("tests/engine/fixtures/glassllm");
        let files = std::fs::read_dir(&folder).expect("the fixture is there");
        files
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|e| e == "json" || e == "safetensors"))
            .map(|path| {
                let name = path.file_name().and_then(|n| n.to_str()).expect("a plain name").to_owned();
                let contents = std::fs::read(&path).expect("readable");
                (&*name.leak(), &*contents.leak())
            })
            .collect()
    })
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// The usual configuration for a home folder.
#[must_use]
pub fn config(home: &Path) -> EngineConfig {
    EngineConfig {
        home: home.to_owned(),
        mode: Mode::writer("test"),
        starter: starter(),
        samples: &[],
        datasets: &[],
        version: "0.0.0-test",
        language: Language::English,
        memory_limit_bytes: None,
        disk_free_bytes: None,
        power: PowerConfig { supplies: home.join("power"), inhibitor: None },
        isa_cap: None,
        n_threads: None,
        clock: now_ms,
    }
}

/// An engine and the events nobody has asked for yet.
pub struct Lab {
    pub engine: Running,
    seen: Vec<Event>,
}

impl Lab {
    /// # Panics
    /// When the engine does not start.
    #[must_use]
    pub fn open(home: &Path) -> Self {
        Self::with(config(home)).expect("the engine starts")
    }

    /// # Errors
    /// When the engine does not start.
    pub fn with(config: EngineConfig) -> Result<Self, Failure> {
        Ok(Self { engine: Engine::spawn(config, Box::new(|| {}))?, seen: Vec::new() })
    }

    /// The starter as jobs name it.
    ///
    /// # Panics
    /// When it is not in the library.
    #[must_use]
    pub fn starter(&self) -> ModelSource {
        ModelSource::Library(self.engine.start.starter.expect("the starter is in the library"))
    }

    pub fn send(&self, command: Command) {
        assert_eq!(self.engine.window.send(command), Ok(()));
    }

    pub fn start(&self, spec: JobSpec) -> JobId {
        let id = JobId::mint();
        self.send(Command::Start(id, spec));
        id
    }

    /// The next event for which `pick` has an answer; the others are kept for later questions.
    ///
    /// # Panics
    /// When it does not come in time.
    pub fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        if let Some((at, found)) = self.seen.iter().enumerate().find_map(|(i, e)| pick(e).map(|t| (i, t))) {
            self.seen.remove(at);
            return found;
        }
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let Some(event) = self.engine.window.wait(Duration::from_millis(100)) else { continue };
            if let Some(found) = pick(&event) {
                return found;
            }
            self.seen.push(event);
        }
        panic!("waited in vain for {what}; seen: {:#?}", self.seen)
    }

    pub fn until_settled(&mut self, job: JobId) -> Outcome {
        self.until("the end of a job", |event| match event {
            Event::Settled(id, outcome) if *id == job => Some(outcome.clone()),
            _ => None,
        })
    }

    /// Runs a job to its end.
    ///
    /// # Panics
    /// When it does not succeed.
    pub fn done(&mut self, spec: JobSpec) -> JobOutput {
        let job = self.start(spec);
        match self.until_settled(job) {
            Outcome::Done(output) => output,
            other => panic!("{other:?}"),
        }
    }

    /// Runs a job that fails.
    ///
    /// # Panics
    /// When it succeeds.
    pub fn fails(&mut self, spec: JobSpec) -> Failure {
        let job = self.start(spec);
        match self.until_settled(job) {
            Outcome::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// # Panics
    /// When it is not a reply.
    pub fn reply(&mut self, spec: GenerateSpec) -> Arc<Reply> {
        match self.done(JobSpec::Generate(Box::new(spec))) {
            JobOutput::Replied(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Asks the store.
    ///
    /// # Errors
    /// When the question is refused.
    pub fn fetch(&mut self, query: Query) -> Result<Page, Failure> {
        let id = QueryId::mint();
        self.send(Command::Fetch(id, query));
        self.until("an answer", |event| match event {
            Event::Fetched(q, page) if *q == id => Some(Ok(page.clone())),
            Event::Refused(RequestId::Query(q), failure) if *q == id => Some(Err(failure.clone())),
            _ => None,
        })
    }

    /// # Panics
    /// When the chat is not there.
    pub fn chat(&mut self, chat: ChatId) -> Arc<ChatDocument> {
        match self.fetch(Query::Chat(chat)).expect("the chat is there") {
            Page::Chat(document) => document,
            other => panic!("{other:?}"),
        }
    }

    /// Carries an edit out and waits until everything sent before is on disk.
    pub fn edit(&mut self, edit: Edit) {
        self.send(Command::Edit(EditId::mint(), edit));
        // Commands are taken in order, so the answer comes after the edit.
        self.fetch(Query::Memory).expect("an answer");
    }

    /// Drops the events nobody has asked for that `unwanted` says yes to.
    pub fn forget(&mut self, mut unwanted: impl FnMut(&Event) -> bool) {
        self.seen.retain(|event| !unwanted(event));
    }

    /// Events of things stored that nobody has asked for.
    pub fn stored(&mut self) -> Vec<Stored> {
        let (stored, rest) =
            std::mem::take(&mut self.seen).into_iter().partition(|e| matches!(e, Event::Stored(_)));
        self.seen = rest;
        let stored: Vec<Event> = stored;
        stored.into_iter().filter_map(|e| if let Event::Stored(s) = e { Some(s) } else { None }).collect()
    }

    pub fn close(self) {
        self.engine.stop();
    }
}

/// A conversation as the window holds it: mints ids, builds specs.
pub struct Talk {
    pub chat: ChatRecord,
    pub path: Vec<(MessageId, Turn)>,
}

impl Talk {
    #[must_use]
    pub fn new(kind: ChatKind) -> Self {
        Self { chat: ChatRecord::new(kind, now_ms()), path: Vec::new() }
    }

    /// Asks `text`; the reply's id is minted here.
    pub fn ask(&mut self, model: &ModelSource, text: &str, sampling: SamplingSpec) -> GenerateSpec {
        let role = if self.chat.kind == ChatKind::Chat { Role::User } else { Role::Prompt };
        let question = MessageRecord {
            id: MessageId::mint(),
            chat: self.chat.id,
            parent: self.path.last().map(|(id, _)| *id),
            role,
            text: text.to_owned(),
            tail: String::new(),
            status: MessageStatus::Complete,
            created_at_ms: now_ms(),
            reply: None,
        };
        self.path.push((question.id, Turn::new("user", text)));
        self.spec(model, Some(question), MessageId::mint(), sampling)
    }

    /// The same question again, for another reply; or more of the same reply when `reply` is one that exists.
    #[must_use]
    pub fn again(&self, model: &ModelSource, reply: MessageId, sampling: SamplingSpec) -> GenerateSpec {
        self.spec(model, None, reply, sampling)
    }

    fn spec(
        &self,
        model: &ModelSource,
        question: Option<MessageRecord>,
        reply: MessageId,
        sampling: SamplingSpec,
    ) -> GenerateSpec {
        let turns: Vec<Turn> = self.path.iter().map(|(_, turn)| turn.clone()).collect();
        let prompt = match self.chat.kind {
            ChatKind::Chat => Prompt::Chat { turns, template: self.chat.template.clone() },
            ChatKind::Completion => {
                Prompt::Text(turns.last().map_or_else(String::new, |t| t.content.clone()))
            }
        };
        GenerateSpec {
            model: model.clone(),
            adapter: None,
            tuned: None,
            prompt,
            sampling,
            precision: Precision::Exact,
            cache: CacheWidth::Full,
            overflow: Overflow::DropOldest,
            keep: Some(KeepReply {
                chat: self.chat.clone(),
                question,
                reply,
                parent: self.path.last().map(|(id, _)| *id),
                branch: None,
            }),
        }
    }

    /// Takes note of a reply, so that the next question follows it.
    pub fn heard(&mut self, reply: MessageId, text: &str) {
        self.path.push((reply, Turn::new("assistant", text)));
    }
}

/// The id under which a spec keeps its reply.
///
/// # Panics
/// When it keeps none.
#[must_use]
pub fn reply_id(spec: &GenerateSpec) -> MessageId {
    spec.keep.as_ref().expect("it is kept").reply
}

/// A copy of the starter that reads and writes far longer texts: for replies that take their time.
///
/// # Panics
/// When it cannot be written.
pub fn long_winded(folder: &Path) -> PathBuf {
    let to = folder.join("long-winded");
    std::fs::create_dir_all(&to).expect("a folder");
    for (name, contents) in starter() {
        std::fs::write(to.join(name), contents).expect("written");
    }
    let config = std::fs::read_to_string(to.join("config.json")).expect("readable");
    let mut config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    config["max_position_embeddings"] = 16_384.into();
    std::fs::write(to.join("config.json"), config.to_string()).expect("written");
    to
}
