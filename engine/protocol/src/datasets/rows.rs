//! Datasets and their rows as they are shown.

use super::measure::TokenCount;
use super::roles::{ColumnRecord, Mapping};
use crate::ids::DatasetId;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// A row's fields, in the order of its columns.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// A row's name for as long as its dataset lives: given once, in order of appearance, never again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(pub u32);

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// In files and commands.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Where a row that nobody brought comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub from: RowId,
    pub how: MadeHow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeHow {
    TokenDropout,
    TokenSwap,
    CharacterNoise,
    Synonyms,
    Casing,
    Punctuation,
    /// Written by a model.
    Model,
    Counterfactual,
    Oversampling,
}

/// What holds of a row, as bits; computed under the dataset's mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowFlags(pub u16);

impl RowFlags {
    /// All that is read is empty or spaces.
    pub const EMPTY: Self = Self(1);
    /// A role's field is missing or of the wrong kind.
    pub const BROKEN: Self = Self(1 << 1);
    /// There is nothing to learn: no answer, no target.
    pub const NO_TARGET: Self = Self(1 << 2);
    /// No label, no tags, no spans, no answers, where the task has some.
    pub const UNLABELLED: Self = Self(1 << 3);
    /// Control characters besides tab and newline, or U+FFFD.
    pub const CONTROL: Self = Self(1 << 4);
    /// Tags that are no BIO, or as many as words.
    pub const BAD_TAGS: Self = Self(1 << 5);
    /// A span or an answer that is not literally there.
    pub const NOT_LITERAL: Self = Self(1 << 6);
    /// Made of another row.
    pub const MADE: Self = Self(1 << 7);
    /// Turns in an order no template takes: two of one role, an assistant first, an unknown role.
    pub const BAD_TURNS: Self = Self(1 << 8);
    /// A person has looked at what is wrong and keeps it.
    pub const ACCEPTED: Self = Self(1 << 9);

    /// What makes a row one with a problem.
    pub const PROBLEMS: Self = Self(
        Self::EMPTY.0
            | Self::BROKEN.0
            | Self::NO_TARGET.0
            | Self::CONTROL.0
            | Self::BAD_TAGS.0
            | Self::NOT_LITERAL.0
            | Self::BAD_TURNS.0,
    );

    /// Whether any of them holds.
    #[must_use]
    pub fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    pub fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    /// Whether the row has a problem nobody has accepted.
    #[must_use]
    pub fn has_problem(self) -> bool {
        self.any(Self::PROBLEMS) && !self.any(Self::ACCEPTED)
    }
}

/// What is wrong with a row, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowIssue {
    pub flag: RowFlags,
    /// With the column and the place where there is one: what, where, what to do.
    pub text: Text,
}

/// A row as a line of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowLine {
    pub id: RowId,
    pub split: Option<Split>,
    /// One for each of the dataset's columns, on one line and cut to some 200 characters; of a conversation its first
    /// question and its last answer, `question → answer`.
    pub cells: Vec<String>,
    /// Of the column that holds the conversation, where there is one: what the grid shows in two.
    pub turns: Option<TurnsLine>,
    pub flags: RowFlags,
    pub made: Option<Made>,
    /// Characters of all that is read.
    pub n_chars: u32,
    /// By the measure that the view asked for, where there is one and the row has not changed since.
    pub tokens: Option<TokenCount>,
}

/// A conversation as the grid shows it; texts are cut as cells are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnsLine {
    /// What is asked first.
    pub question: String,
    /// What is answered last.
    pub answer: String,
    /// Turns, that of the system aside.
    pub n: u32,
}

/// All of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowDocument {
    pub id: RowId,
    /// Counted from 0, in the dataset's own order.
    pub position: u64,
    pub split: Option<Split>,
    pub value: Row,
    pub flags: RowFlags,
    pub issues: Vec<RowIssue>,
    pub made: Option<Made>,
}

/// A dataset in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    pub id: DatasetId,
    pub name: String,
    pub mapping: Mapping,
    pub columns: Vec<ColumnRecord>,
    pub n_rows: u64,
    /// Of them: train, validation, test, and those that are in none.
    pub n_by_split: [u64; 4],
    /// Of the segments that its rows lie in.
    pub n_bytes: u64,
    /// Lines that could not be read when it came in and are neither mended nor dismissed.
    pub n_bad: u64,
    /// The version it stands at or stands on with later edits.
    pub version: u32,
    /// Raised by every change; what was computed under another one is old.
    pub revision: u64,
    /// What the next undo takes back, and what the next redo does.
    pub undo: Option<Text>,
    pub redo: Option<Text>,
    /// Where it came from, as shown: file names, "Pasted".
    pub origin: String,
    /// Markdown: a starter's card, or a person's notes.
    pub notes: String,
    /// Its SPDX name, where it is known.
    pub licence: String,
    /// Came with the program.
    pub starter: bool,
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    pub trashed_at_ms: Option<i64>,
}
