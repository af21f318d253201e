//! Standard output and standard error: each written with its errors handled, never with a panic.

use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write};

/// Why a subcommand ended early.
#[derive(Debug)]
pub enum Stop {
    Failed(Failure),
    /// Ctrl+C.
    Interrupted,
    /// Nobody reads standard output any more: the other end of the pipe has what it wanted.
    Closed,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Standard output, locked for as long as this lives.
pub struct Out {
    to: io::StdoutLock<'static>,
}

impl Out {
    #[must_use]
    pub fn new() -> Self {
        Self { to: io::stdout().lock() }
    }

    /// Writes `text` and sends it off at once.
    ///
    /// # Errors
    /// [`Stop::Closed`] when nobody reads it, a failure when it cannot be written.
    pub fn text(&mut self, text: &str) -> Result<(), Stop> {
        self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()).map_err(refused)
    }

    /// Writes one line of JSON and sends it off at once.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        let mut line = serde_json::to_string(value).map_err(|error| {
            Failure::new(FailureKind::Bug, Text::new("cli.stdout")).detail(error.to_string())
        })?;
        line.push('\n');
        self.text(&line)
    }
}

fn refused(error: io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::Closed;
    }
    let failure = Failure::new(FailureKind::Io, Text::new("cli.stdout"))
        .hint(Text::new("cli.stdout_hint"))
        .detail(error.to_string());
    Stop::Failed(failure)
}

/// Writes a line to standard error. When even that is closed, nobody is there to be told.
pub fn note(line: &str) {
    if writeln!(io::stderr().lock(), "{line}").is_err() {
        tracing::debug!("standard error is closed: {line}");
    }
}

/// Whether a person watches standard error.
#[must_use]
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A cause up to this length is told unasked.
const SHORT: usize = 240;

/// Tells a failure: what happened, then what to do; long causes, and those of mistakes in the program, for who
/// asked for more.
pub fn tell(failure: &Failure, language: Language, verbose: bool) {
    let error = language.get("cli.error");
    note(&format!("{error}{}", language.render(&failure.summary)));
    let detail = failure.detail.trim();
    let short = failure.kind != FailureKind::Bug && detail.len() <= SHORT && !detail.contains('\n');
    if !detail.is_empty() && (verbose || short) {
        note(&format!("  ({detail})"));
    }
    if let Some(hint) = &failure.hint {
        note(&format!("  {}", language.render(hint)));
    }
}
