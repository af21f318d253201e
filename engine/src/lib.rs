//! The engine: models, text, storage, behind one protocol. Start reading at [`Engine::spawn`].
//!
//! One thread takes commands ([`event_loop`]); each job runs on a named thread of its own ([`jobs`]). Arrows
//! point one way: `event_loop → jobs → {bench, generate, train, data, inspect, shelf, store} → infer → models → nn`.

pub mod bench;
pub mod chat_template;
pub mod data;
mod datasets;
mod device;
mod disk;
mod durable;
mod event_loop;
pub mod failure;
pub mod generate;
pub mod home;
pub mod infer;
pub mod inspect;
mod job_cx;
mod jobs;
mod log;
pub mod memory;
pub mod models;
pub mod nn;
mod power;
mod predict;
pub mod shelf;
mod starter;
pub mod store;
pub mod tokenizer;
pub mod train;

pub use home::Mode;
pub use power::PowerConfig;

use crate::disk::Disk;
use crate::home::Home;
use crate::job_cx::Shared;
use crate::memory::Ledger;
use crate::shelf::Shelf;
use crate::store::Store;
use anyhow::Context as _;
use glassworks_protocol::link::{Waker, WindowEnd, link};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Command, Failure};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// What the engine must know of the world; only the program reads environment and arguments.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    pub home: PathBuf,
    pub mode: Mode,
    /// The bundled model: file names and contents; a writer unpacks it into the home folder.
    pub starter: &'static [(&'static str, &'static [u8])],
    /// Bundled data to begin with: paths under the home's folder of datasets, and contents.
    pub samples: &'static [(&'static str, &'static [u8])],
    /// Datasets that come with the program: their index, and their files by path.
    pub datasets: &'static [(&'static str, &'static [u8])],
    pub version: &'static str,
    /// Of the system's locale; a person's own choice goes before it.
    pub language: Language,
    /// `None`: what the machine has, less a reserve.
    pub memory_limit_bytes: Option<u64>,
    /// Said in place of what is free on the home folder's disk; `None`: what the system says.
    pub disk_free_bytes: Option<u64>,
    /// Mains, battery and what keeps the machine awake.
    pub power: PowerConfig,
    /// The widest instruction set that the kernels may use, by the name it has in `GLASSWORKS_ISA`; `None`: what
    /// the processor has.
    pub isa_cap: Option<String>,
    /// Threads that compute; `None`: as many as the settings say.
    pub n_threads: Option<u32>,
    /// Milliseconds since 1970, UTC.
    pub clock: fn() -> i64,
}

/// The engine, running.
pub struct Running {
    pub window: WindowEnd,
    pub start: StartReport,
    thread: JoinHandle<()>,
}

pub struct Engine;

impl Engine {
    /// Opens the home folder and starts the engine thread; `waker` is called after each event.
    ///
    /// # Errors
    /// When the home folder or its database can't be used, or another writer holds it.
    pub fn spawn(config: EngineConfig, waker: Waker) -> Result<Running, Failure> {
        Self::start(config, waker).map_err(|error| failure::from_error(&error))
    }

    fn start(config: EngineConfig, waker: Waker) -> anyhow::Result<Running> {
        let home = Home::open(&config.home, config.mode)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("engine-io")
            .enable_all()
            .build()
            .context("starting the engine's runtime")?;
        let (store, notices) = runtime.block_on(Store::open_with_clock(&home, Arc::new(config.clock)))?;
        let settings = runtime.block_on(store.settings())?;
        if let Some(cap) = &config.isa_cap {
            device::cap_isa(cap)?;
        }
        let n_threads = device::start_pool(config.n_threads.or(settings.n_threads));
        let chosen = device::choose(settings.device);
        let ledger = config.memory_limit_bytes.map_or_else(|| device::ledger(&chosen.device), Ledger::new);
        let starter = runtime.block_on(starter::install(&home, &store, config.starter, (config.clock)()))?;
        let samples = starter::samples(&home, config.samples)?;
        let chats = runtime.block_on(store.chats("", false))?;
        let start = StartReport {
            version: config.version.to_owned(),
            settings,
            machine: device::report(n_threads, &ledger, &chosen),
            home: home.path().to_owned(),
            log_file: home.logs().join(log::FILE),
            models: runtime.block_on(store.models())?,
            starter,
            samples,
            chats,
            notices,
        };
        let (window, end) = link(waker);
        let shared = Shared {
            disk: Disk::of(home.path(), config.disk_free_bytes),
            power: config.power,
            home,
            store,
            shelf: Shelf::on(chosen.device),
            ledger,
            outbox: end.outbox.clone(),
            runtime,
            language: config.language,
            clock: config.clock,
            version: config.version,
            machine: start.machine.clone(),
            live: train::live::LiveRuns::default(),
            looked_at: predict::LookedAt::default(),
            datasets: datasets::Datasets::default(),
            measures: datasets::seen::Measures::default(),
            bundled: config.datasets,
            training: std::sync::Mutex::new(()),
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                let shared = Arc::new(shared);
                datasets::starters::begin(&shared, config.datasets);
                event_loop::run(&end, &shared);
            })
            .context("starting the engine thread")?;
        Ok(Running { window, start, thread })
    }
}

impl Running {
    /// Stops every job, stores what there is, and waits for the engine to end.
    pub fn stop(self) {
        stop(&self.window, self.thread);
    }

    /// The window's end and what ends the engine, for those who keep them apart.
    #[must_use]
    pub fn split(self) -> (WindowEnd, StartReport, JoinHandle<()>) {
        (self.window, self.start, self.thread)
    }
}

fn stop(window: &WindowEnd, thread: JoinHandle<()>) {
    // An engine that has ended already needs no word, and one that is behind ends when its window is gone.
    if window.send(Command::Shutdown).is_err() {
        tracing::debug!("the engine has ended already");
    }
    if thread.join().is_err() {
        tracing::error!("the engine thread panicked");
    }
}
