//! The command line: one file a subcommand, all of them on the same engine and the same protocol as the window.
//!
//! Exit codes: 0 done, 2 for bad input, 130 after Ctrl+C, 1 otherwise.

mod args;
mod bench;
mod bench_tables;
mod completions;
mod data;
mod data_args;
mod generate;
mod help;
mod inspect;
mod inspect_tables;
mod merge;
mod meter;
mod models;
pub mod out;
mod predict;
pub mod recipe_file;
pub mod run_file;
mod run_plot;
mod run_report;
mod runs;
pub mod session;
mod source;
mod table;
mod tour;
mod train;

use crate::{logging, paths, window};
use args::{Cli, Command};
use clap::FromArgMatches as _;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Failure, FailureKind};
use out::Stop;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const BAD_INPUT: u8 = 2;
const INTERRUPTED: u8 = 130;

/// What every subcommand is given.
pub struct Cx {
    pub home: PathBuf,
    pub language: Language,
    pub verbose: bool,
}

impl Cx {
    /// The sentence for `key`.
    #[must_use]
    pub fn say(&self, key: &'static str) -> &'static str {
        self.language.get(key)
    }
}

/// Reads the arguments and does what they ask.
pub fn main(arguments: Vec<OsString>, language: Language) -> ExitCode {
    logging::hook_panics();
    let matches = match help::localised(language).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return not_understood(&error, language),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, language),
    };
    let home = match paths::home(cli.home.as_deref()) {
        Ok(home) => home,
        Err(failure) => return ended(Err(failure.into()), language, cli.verbose),
    };
    let cx = Cx { home, language, verbose: cli.verbose };
    match cli.command {
        None => window::open(&cx, cli.open),
        Some(command) => ended(run(&cx, command), language, cx.verbose),
    }
}

fn run(cx: &Cx, command: Command) -> Result<(), Stop> {
    // Whoever may not write the home may not write its log either.
    let log_home = command.writes_home().then_some(cx.home.as_path());
    start_log(cx, log_home);
    match command {
        Command::Generate(args) => generate::run(cx, &args),
        Command::Inspect(args) => inspect::run(cx, &args),
        Command::Bench(args) => bench::run(cx, &args),
        Command::Models(args) => models::run(cx, &args),
        Command::Train(args) => train::run(cx, &args),
        Command::Runs(args) => runs::run(cx, &args),
        Command::Merge(args) => merge::run(cx, &args),
        Command::Predict(args) => predict::run(cx, &args),
        Command::Data(args) => data::run(cx, &args),
        Command::Tour(args) => tour::run(cx, &args),
        Command::Completions(args) => completions::run(cx.language, args.shell),
    }
}

pub fn start_log(cx: &Cx, home: Option<&Path>) {
    logging::start(home, paths::log_filter().as_deref(), cx.verbose);
}

/// Help and version are answers; anything else is a fault in the arguments.
fn not_understood(error: &clap::Error, language: Language) -> ExitCode {
    if !error.use_stderr() {
        let answer = out::Out::new().text(&error.render().to_string());
        return ended(answer, language, false);
    }
    let failure = help::usage_failure(error);
    ended(Err(failure.into()), language, false)
}

/// Tells how it ended and turns it into the exit code.
fn ended(result: Result<(), Stop>, language: Language, verbose: bool) -> ExitCode {
    match result {
        Ok(()) | Err(Stop::Closed) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(Stop::Failed(failure)) => {
            out::tell(&failure, language, verbose);
            exit_code(&failure)
        }
    }
}

fn exit_code(failure: &Failure) -> ExitCode {
    match failure.kind {
        FailureKind::Input | FailureKind::Missing => ExitCode::from(BAD_INPUT),
        FailureKind::Memory | FailureKind::Io | FailureKind::Bug => ExitCode::FAILURE,
    }
}
