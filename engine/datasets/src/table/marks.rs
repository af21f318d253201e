//! What is known of a row besides its content, in a byte.

use glassworks_protocol::datasets::{RowFlags, Split};

/// Split in the two lowest bits, then whether its problems are accepted and whether it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(pub(super) u8);

const ACCEPTED: u8 = 4;
const MADE: u8 = 8;

impl Marks {
    pub(super) fn new(split: Option<Split>, accepted: bool, made: bool) -> Self {
        let mut marks = Self::default();
        marks.set_split(split);
        marks.set_accepted(accepted);
        if made {
            marks.0 |= MADE;
        }
        marks
    }

    pub(super) fn split(self) -> Option<Split> {
        match self.0 & 3 {
            0 => None,
            n => Split::ALL.get(usize::from(n) - 1).copied(),
        }
    }

    pub(super) fn set_split(&mut self, split: Option<Split>) {
        self.0 = self.0 & !3
            | match split {
                None => 0,
                Some(Split::Train) => 1,
                Some(Split::Validation) => 2,
                Some(Split::Test) => 3,
            };
    }

    pub(super) fn accepted(self) -> bool {
        self.0 & ACCEPTED != 0
    }

    pub(super) fn set_accepted(&mut self, accepted: bool) {
        self.0 = self.0 & !ACCEPTED | if accepted { ACCEPTED } else { 0 };
    }

    /// The flags that do not come of a row's content.
    pub(super) fn flags(self) -> RowFlags {
        let mut flags = RowFlags::default();
        if self.accepted() {
            flags.set(RowFlags::ACCEPTED);
        }
        if self.0 & MADE != 0 {
            flags.set(RowFlags::MADE);
        }
        flags
    }
}
