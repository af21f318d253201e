//! What can go wrong in the store, and how it reaches a person.

use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};

/// Inside the store; its public functions turn it into a [`Failure`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("a stored record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    #[error("a stored record cannot be read: {0}")]
    Word(String),
    #[error(transparent)]
    Refused(Box<Failure>),
}

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Refused(Box::new(failure))
    }
}

impl StoreError {
    /// SQLite's primary result code.
    fn sqlite_code(&self) -> Option<i32> {
        self.extended_code().map(|code| code & 0xff)
    }

    fn extended_code(&self) -> Option<i32> {
        let e = match self {
            Self::Sql(e)
            | Self::Migrate(
                sqlx::migrate::MigrateError::Execute(e) | sqlx::migrate::MigrateError::ExecuteMigration(e, _),
            ) => e,
            _ => return None,
        };
        e.as_database_error()?.code()?.parse().ok()
    }

    /// Whether the search index contradicts itself: rows of our own get their numbers from SQLite.
    pub fn is_index_damage(&self) -> bool {
        self.is_damage() || self.extended_code() == Some(ROW_NUMBER_TAKEN)
    }

    /// Whether the file itself is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self.sqlite_code(), Some(CORRUPT | NOT_A_DATABASE))
    }
}

const BUSY: i32 = 5;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;
const ROW_NUMBER_TAKEN: i32 = 1555;

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Self {
        let e = match e {
            StoreError::Refused(failure) => return *failure,
            e => e,
        };
        let detail = e.to_string();
        let io = |key, hint| Self::new(FailureKind::Io, Text::new(key)).hint(Text::new(hint));
        let failure = match e.sqlite_code() {
            Some(FULL) => io("failure.store_disk_full", "failure.home_disk_full_hint"),
            Some(READ_ONLY) => io("failure.store_cannot_write", "failure.home_read_only_hint"),
            Some(IO | CANNOT_OPEN) => io("failure.store_cannot_write", "failure.store_io_hint"),
            Some(BUSY) => io("failure.store_busy", "failure.store_busy_hint"),
            Some(CORRUPT | NOT_A_DATABASE) => io("failure.store_damaged", "failure.store_damaged_hint"),
            _ => Self::new(FailureKind::Bug, Text::new("failure.store_unexpected"))
                .hint(Text::new("failure.report_hint")),
        };
        failure.detail(detail)
    }
}
