//! What is odd about a dataset, as lines a person reads: name, how bad it is, how many rows, which rows, and what
//! mends it.

use super::{Asked, Known};
use crate::panes::datasets::prepare::Remedy;
use crate::theme::{Tokens, icons};
use egui::Color32;
use glassworks_protocol::datasets::Filter;
use glassworks_protocol::datasets::overview::FindingKind;

/// Near-duplicates are told and taken apart from this share of common shingles on.
pub const NEAR: f64 = 0.8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// What could not be read when it came in, and waits.
    Unread,
    Found(FindingKind),
    /// By the measure: longer than the limit.
    Cut,
    /// By the measure: nothing to learn, before or after cutting.
    NothingLeft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Severe,
    Doubtful,
    Told,
}

/// A problem and how often it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub problem: Problem,
    pub n_rows: u64,
    /// Of those that say the same: how many groups they are.
    pub n_groups: u64,
}

/// All there are, the worst first.
pub fn lines(known: &Known) -> Vec<Line> {
    let Known { record, report, measure, .. } = *known;
    let unread = Line { problem: Problem::Unread, n_rows: record.n_bad, n_groups: 0 };
    let found = report.into_iter().flat_map(|report| &report.findings).map(|finding| Line {
        problem: Problem::Found(finding.kind),
        n_rows: finding.rows.len() as u64,
        n_groups: finding.n_groups,
    });
    let measured = measure.into_iter().flat_map(|measure| {
        let nothing = measure.n_cut_away + measure.n_no_target + measure.n_left_out;
        [(Problem::NothingLeft, nothing), (Problem::Cut, measure.n_cut)].map(|(problem, n_rows)| Line {
            problem,
            n_rows,
            n_groups: 0,
        })
    });
    let all = std::iter::once(unread).chain(found).chain(measured);
    let mut all: Vec<Line> = all.filter(|line| line.n_rows > 0).collect();
    all.sort_by_key(|line| line.problem.severity());
    all
}

impl Severity {
    /// Icon, whether it is filled, and its colour.
    pub fn look(self, t: &Tokens) -> (&'static str, bool, Color32) {
        match self {
            Self::Severe => (icons::WARNING_CIRCLE, true, t.danger),
            Self::Doubtful => (icons::WARNING, true, t.warn),
            Self::Told => (icons::INFO, false, t.text_3),
        }
    }

    /// For who does not see the icon.
    pub fn key(self) -> &'static str {
        match self {
            Self::Severe => "datasets.finding_severe",
            Self::Doubtful => "datasets.finding_doubtful",
            Self::Told => "datasets.finding_told",
        }
    }
}

impl Problem {
    /// The key of its name; with `_hint` that of what it means.
    pub fn key(self) -> &'static str {
        use FindingKind as Kind;
        match self {
            Self::Found(Kind::Empty) => "datasets.finding_empty",
            Self::Found(Kind::Broken) => "datasets.finding_broken",
            Self::Found(Kind::NoTarget) => "datasets.finding_no_target",
            Self::Found(Kind::BadTags) => "datasets.finding_bad_tags",
            Self::Found(Kind::NotLiteral) => "datasets.finding_not_literal",
            Self::Found(Kind::BadTurns) => "datasets.finding_bad_turns",
            Self::Found(Kind::Duplicate) => "datasets.finding_duplicate",
            Self::Found(Kind::NearDuplicate) => "datasets.finding_near_duplicate",
            Self::Found(Kind::Contradiction) => "datasets.finding_contradiction",
            Self::Found(Kind::Leakage) => "datasets.finding_leakage",
            Self::Found(Kind::ControlCharacters) => "datasets.finding_control",
            Self::Found(Kind::RareLabel) => "datasets.finding_rare_label",
            Self::Found(Kind::OtherLanguage) => "datasets.finding_other_language",
            Self::Unread => "datasets.bad_title",
            Self::Cut => "datasets.finding_cut",
            Self::NothingLeft => "datasets.finding_nothing_left",
        }
    }

    pub fn severity(self) -> Severity {
        use FindingKind as Kind;
        match self {
            Self::Unread | Self::NothingLeft => Severity::Severe,
            Self::Found(kind) if kind.is_severe() => Severity::Severe,
            Self::Found(Kind::ControlCharacters | Kind::RareLabel | Kind::OtherLanguage) => Severity::Told,
            Self::Found(_) | Self::Cut => Severity::Doubtful,
        }
    }

    /// What leads to its rows; `None` for those that are no rows yet.
    pub fn filter(self) -> Option<Filter> {
        match self {
            Self::Unread => None,
            Self::Found(kind) => Some(Filter::Finding(kind)),
            Self::Cut => Some(Filter::Cut),
            Self::NothingLeft => Some(Filter::NoTarget),
        }
    }

    /// What a press on it asks for.
    pub fn asked(self) -> Asked {
        self.filter().map_or(Asked::Bad, |filter| Asked::Rows(vec![filter]))
    }

    /// What mends it at once; the rest is mended row by row.
    pub fn remedy(self) -> Option<Remedy> {
        use FindingKind as Kind;
        match self {
            Self::Found(Kind::Empty) => Some(Remedy::DropEmpty),
            Self::Found(Kind::NoTarget) => Some(Remedy::DropWithoutTarget),
            Self::Found(Kind::Duplicate) => Some(Remedy::DropDuplicates),
            Self::Found(Kind::NearDuplicate) => Some(Remedy::DropNear),
            Self::Found(Kind::Leakage) => Some(Remedy::SplitApart),
            Self::Found(Kind::ControlCharacters) => Some(Remedy::StripControl),
            Self::Found(Kind::RareLabel) => Some(Remedy::Balance),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::text::Language;

    #[test]
    fn every_problem_has_its_words_and_severe_ones_come_first() {
        let found = FindingKind::ALL.map(Problem::Found);
        for problem in found.into_iter().chain([Problem::Unread, Problem::Cut, Problem::NothingLeft]) {
            for language in Language::ALL {
                assert!(language.has(problem.key()), "{problem:?}");
                assert!(language.has(&format!("{}_hint", problem.key())), "{problem:?}");
                assert!(language.has(problem.severity().key()), "{problem:?}");
                if let Some(remedy) = problem.remedy() {
                    assert!(language.has(remedy.key()), "{problem:?}");
                }
            }
        }
        assert!(Severity::Severe < Severity::Doubtful && Severity::Doubtful < Severity::Told);
    }
}
