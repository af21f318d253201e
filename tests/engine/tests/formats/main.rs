//! What files say and how they say it: GGUF, tokenizers, chat templates, and what becomes of broken ones.
//! `fixtures/README.md` describes the fixtures.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod broken;
mod hostile;
mod quant;
mod template;
mod tokenizer;

use glassworks_protocol::{Failure, FailureKind};
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The failure under an error; every error about a file must be one.
fn failure(error: &anyhow::Error) -> &Failure {
    error.chain().find_map(|cause| cause.downcast_ref()).unwrap_or_else(|| panic!("no Failure: {error:#}"))
}

/// Holds a failure to what people were promised: what kind it is, which file, and what to do.
fn check_names(failure: &Failure, file: &Path) {
    assert!(matches!(failure.kind, FailureKind::Input | FailureKind::Missing), "{failure:?}");
    let name = file.display().to_string();
    assert!(failure.summary.args.iter().any(|(_, value)| *value == name), "{failure:?} does not name {name}");
    assert!(failure.hint.is_some(), "{failure:?}");
}
