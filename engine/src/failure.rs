//! Turns an error or a panic into the one shape a person sees: each exactly once, at the job's boundary.

use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::any::Any;
use std::io;

/// The job was told to stop: the one way out besides an error.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A [`Failure`] anywhere in the chain wins; otherwise the kind is read off the causes.
#[must_use]
pub fn from_error(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    let detail = format!("{error:#}");
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.clone();
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return from_io(error, detail);
        }
    }
    Failure::new(FailureKind::Bug, Text::new("failure.unexpected"))
        .hint(Text::new("failure.report_hint"))
        .detail(detail)
}

fn from_io(error: &io::Error, detail: String) -> Failure {
    let (kind, key, hint) = match error.kind() {
        io::ErrorKind::NotFound => {
            (FailureKind::Missing, "failure.file_missing", "failure.file_missing_hint")
        }
        io::ErrorKind::PermissionDenied => {
            (FailureKind::Io, "failure.no_permission", "failure.no_permission_hint")
        }
        io::ErrorKind::StorageFull => (FailureKind::Io, "failure.disk_full", "failure.disk_full_hint"),
        _ => (FailureKind::Io, "failure.io", "failure.io_hint"),
    };
    Failure::new(kind, Text::new(key)).hint(Text::new(hint)).detail(detail)
}

/// What a caught panic becomes.
#[must_use]
pub fn from_panic(payload: &(dyn Any + Send)) -> Failure {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    Failure::new(FailureKind::Bug, Text::new("failure.panic"))
        .hint(Text::new("failure.report_hint"))
        .detail(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_failure_inside_the_chain_is_what_a_person_sees() {
        let inner = Failure::new(FailureKind::Input, Text::new("failure.unexpected"));
        let error = anyhow::Error::new(inner.clone()).context("reading a model");
        assert_eq!(from_error(&error), inner);
    }

    #[test]
    fn io_errors_name_their_kind() {
        let error = Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull))
            .context("writing a.bin")
            .expect_err("it failed");
        let failure = from_error(&error);
        assert_eq!(failure.summary.key, "failure.disk_full");
        assert!(failure.detail.contains("a.bin"));
    }

    #[test]
    fn panics_keep_their_words() {
        let payload = std::panic::catch_unwind(|| panic!("the {} broke", "lens")).expect_err("it panics");
        assert_eq!(from_panic(&*payload).detail, "the lens broke");
    }
}
