//! Filters in words, and words as filters.

use super::list;
use super::overview::Problem;
use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::datasets::Filter;
use glassworks_protocol::datasets::view::LengthUnit;

/// Those that need nothing said, and whether they need a measure.
pub fn plain() -> [(Filter, bool); 7] {
    [
        (Filter::HasProblem, false),
        (Filter::Unlabelled, false),
        (Filter::Duplicate, false),
        (Filter::Empty, false),
        (Filter::Made, false),
        (Filter::Cut, true),
        (Filter::NoTarget, true),
    ]
}

/// What words in the bar mean: a pattern between slashes, else a text that is looked for.
pub fn typed(text: &str) -> Option<Filter> {
    let text = text.trim();
    let pattern =
        text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|rest| !rest.is_empty());
    if let Some(pattern) = pattern {
        return Some(Filter::Regex { pattern: pattern.to_owned(), column: None });
    }
    let contains = Filter::Contains { text: text.to_owned(), column: None, case_sensitive: false };
    (!text.is_empty()).then_some(contains)
}

/// A filter as its chip says it.
pub fn words(cx: &PaneCx, filter: &Filter) -> String {
    match filter {
        Filter::Contains { text, column, .. } => {
            within(cx, cx.tf("datasets.says", &[("text", text)]), column)
        }
        Filter::Regex { pattern, column } => within(cx, format!("/{pattern}/"), column),
        Filter::Length { unit, at_least, at_most } => length(cx, *unit, *at_least, *at_most),
        Filter::Labels(labels) => {
            let all = labels.iter().map(|label| label.clone().unwrap_or_else(|| cx.t("datasets.no_label")));
            all.collect::<Vec<_>>().join(", ")
        }
        Filter::Splits(splits) => {
            let all = splits.iter().map(|split| super::cells::split_word(cx, *split));
            all.collect::<Vec<_>>().join(", ")
        }
        Filter::Empty => cx.t("datasets.filter_empty"),
        Filter::Duplicate => cx.t("datasets.filter_duplicate"),
        Filter::HasProblem => cx.t("datasets.filter_problem"),
        Filter::Unlabelled => cx.t("datasets.filter_unlabelled"),
        Filter::Made => cx.t("datasets.filter_made"),
        Filter::Finding(kind) => cx.t(Problem::Found(*kind).key()),
        Filter::Cut => cx.t("datasets.filter_cut"),
        Filter::NoTarget => cx.t("datasets.filter_no_target"),
        Filter::Rows(rows) => {
            cx.tf("datasets.filter_rows", &[("rows", &list::n_rows(cx, rows.len() as u64))])
        }
        Filter::Not(inner) => cx.tf("datasets.not", &[("what", &words(cx, inner))]),
    }
}

fn within(cx: &PaneCx, words: String, column: &Option<String>) -> String {
    match column {
        Some(column) => cx.tf("datasets.in_column", &[("what", &words), ("column", column)]),
        None => words,
    }
}

fn length(cx: &PaneCx, unit: LengthUnit, least: Option<u32>, most: Option<u32>) -> String {
    let number = |n: u32| units::grouped(u64::from(n));
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("{}–{}", number(least), number(most)),
        (Some(least), None) => format!("≥ {}", number(least)),
        (None, Some(most)) => format!("≤ {}", number(most)),
        (None, None) => "…".to_owned(),
    };
    let key = match unit {
        LengthUnit::Characters => "datasets.n_characters",
        LengthUnit::Tokens => "datasets.n_tokens",
    };
    cx.tf(key, &[("n", &range)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_words_are_filters() {
        let contains =
            |text: &str| Filter::Contains { text: text.to_owned(), column: None, case_sensitive: false };
        assert_eq!(typed("  "), None);
        assert_eq!(typed(" moon "), Some(contains("moon")));
        assert_eq!(typed("1/2"), Some(contains("1/2")));
        assert_eq!(typed("//"), Some(contains("//")));
        assert_eq!(typed(r"/\d+/"), Some(Filter::Regex { pattern: r"\d+".to_owned(), column: None }));
    }
}
