//! What mends a finding at one press: a step of Prepare, set up for it and for nothing else.

use super::draft::{Draft, Step};
use glassworks_protocol::datasets::transform::{BalanceWay, CleanSpec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    DropEmpty,
    DropWithoutTarget,
    DropDuplicates,
    DropNear,
    StripControl,
    /// Split anew, with rows that are nearly the same on one side.
    SplitApart,
    Balance,
}

impl Remedy {
    /// The key of its words on a button.
    pub fn key(self) -> &'static str {
        match self {
            Self::DropEmpty => "datasets.remedy_drop_empty",
            Self::DropWithoutTarget => "datasets.remedy_drop_without_target",
            Self::DropDuplicates => "datasets.remedy_drop_duplicates",
            Self::DropNear => "datasets.remedy_drop_near",
            Self::StripControl => "datasets.remedy_strip_control",
            Self::SplitApart => "datasets.remedy_split_apart",
            Self::Balance => "datasets.remedy_balance",
        }
    }

    /// Sets the draft up; the step to open. `near` is the share from which rows were found to be nearly the same.
    pub fn set_up(self, draft: &mut Draft, near: f64) -> Step {
        let nothing = CleanSpec::default();
        draft.clean = match self {
            Self::DropEmpty => CleanSpec { drop_empty: true, ..nothing },
            Self::DropWithoutTarget => CleanSpec { drop_without_target: true, ..nothing },
            Self::DropDuplicates => CleanSpec { drop_duplicates: true, ..nothing },
            Self::DropNear => CleanSpec { drop_near_duplicates: Some(near), ..nothing },
            Self::StripControl => CleanSpec { strip_control: true, ..nothing },
            Self::SplitApart => {
                draft.split.near = Some(near);
                draft.split.keep = false;
                return Step::Split;
            }
            Self::Balance => {
                draft.balance.way = BalanceWay::Over;
                return Step::Balance;
            }
        };
        Step::Clean
    }
}
