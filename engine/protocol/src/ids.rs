//! Names for things, minted by whoever asks: UUIDv7, so that they sort by time of making.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id.
            #[must_use]
            pub fn mint() -> Self {
                Self(Uuid::now_v7())
            }

            /// The 16 bytes that the database keeps.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads what [`Self::as_bytes`] wrote.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// A job: one run of something slow.
    JobId,
    /// One edit of something stored.
    EditId,
    /// One question about something stored.
    QueryId,
    /// A conversation or a completion document.
    ChatId,
    /// A message in a chat's tree.
    MessageId,
    /// An entry in the model library.
    ModelId,
    /// A training run.
    RunId,
    /// A benchmark that was kept.
    BenchId,
    /// A file that was predicted over.
    PredictionId,
    /// A prompt of the library.
    PromptId,
    /// A prompt that was run over a table.
    PromptRunId,
    /// A blind round that was decided.
    VoteId,
    /// A dataset that is kept.
    DatasetId,
    /// A forward pass that was looked into.
    CaptureId,
}
