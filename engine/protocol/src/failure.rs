//! The one shape in which anything that went wrong reaches a person.

use crate::text::Text;
use serde::{Deserialize, Serialize};

/// Something did not work: what happened, and what to do next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// One sentence for a person, naming the file or thing concerned.
    pub summary: Text,
    /// The chain of causes, for the curious and for bug reports; not translated.
    pub detail: String,
    /// What to do next.
    pub hint: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// What was given is not usable: a broken file, a value out of range.
    Input,
    /// What was named is not there.
    Missing,
    /// It would not fit into memory.
    Memory,
    /// The disk, the database or another program said no.
    Io,
    /// A fault of Glassworks.
    Bug,
}

impl Failure {
    #[must_use]
    pub fn new(kind: FailureKind, summary: Text) -> Self {
        Self { kind, summary, detail: String::new(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: Text) -> Self {
        self.hint = Some(hint);
        self
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// In English, for logs and error chains; windows render through [`crate::text::Language`].
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::text::Language::English.render(&self.summary))?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
