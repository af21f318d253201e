//! Which day something was, as a list groups it.

const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    Today,
    Yesterday,
    LastWeek,
    Older,
}

impl Age {
    /// By the days of the local calendar; what seems to lie in the future is of today.
    #[must_use]
    pub fn of(at_ms: i64, now_ms: i64, utc_offset_secs: i32) -> Self {
        let day = |ms: i64| (ms + i64::from(utc_offset_secs) * 1000).div_euclid(DAY_MS);
        match day(now_ms) - day(at_ms) {
            ..=0 => Self::Today,
            1 => Self::Yesterday,
            2..=7 => Self::LastWeek,
            _ => Self::Older,
        }
    }

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Today => "playground.today",
            Self::Yesterday => "playground.yesterday",
            Self::LastWeek => "playground.last_week",
            Self::Older => "playground.older",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hours_ago: i64, offset_hours: i32, age: Age) {
        // 2026-11-22, 01:00 UTC.
        let now = 1_795_309_200_000;
        assert_eq!(
            Age::of(now - hours_ago * 3_600_000, now, offset_hours * 3600),
            age,
            "{hours_ago} hours ago"
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        check(0, 0, Age::Today);
        check(2, 0, Age::Yesterday);
        check(2, 8, Age::Today);
        check(26, 0, Age::LastWeek);
        check(24 * 7, 0, Age::LastWeek);
        check(24 * 8, 0, Age::Older);
        check(-5, 0, Age::Today);
    }
}
