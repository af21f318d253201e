//! What was seen inside a model, as tables for the terminal.

use super::table::aligned;
use glassworks_protocol::generate::TokenPiece;
use glassworks_protocol::inside::{AblateReport, Capture, LensReport, ScoresReport};
use glassworks_protocol::text::Language;

/// Tokens that fit beside one another: the last so many.
pub const COLUMNS: usize = 8;
/// Next tokens that are told.
const NEXT: usize = 5;

/// A token by itself: its spaces and line ends are seen.
fn shown(text: &str) -> String {
    let text = text.replace('\n', "⏎");
    match text.strip_prefix(' ') {
        Some(rest) => format!("·{rest}"),
        None => text,
    }
}

/// Layers from the last to the first; what each would say after the last few tokens, and how sure of it.
pub fn lens(language: Language, base: &Capture, report: &LensReport) -> String {
    let n = base.tokens.len();
    let columns = n.saturating_sub(COLUMNS)..n;
    let heading = std::iter::once(language.get("cli.inside.layer").to_owned())
        .chain(base.tokens[columns.clone()].iter().map(|token| shown(&token.text)));
    let mut rows = vec![heading.collect::<Vec<String>>()];
    for (layer, cells) in report.layers.iter().enumerate().rev() {
        let name = match layer + 1 == report.layers.len() {
            true => language.get("cli.inside.output").to_owned(),
            false => layer.to_string(),
        };
        let cell = |at: usize| {
            let top = cells.get(at - report.from as usize).and_then(|cell| cell.top.first());
            top.map_or_else(String::new, |(_, text, prob)| format!("{} {prob:.2}", shown(text)))
        };
        rows.push(std::iter::once(name).chain(columns.clone().map(cell)).collect());
    }
    aligned(&rows)
}

/// Each token before and after, then what would come next.
pub fn ablated(language: Language, base: &Capture, report: &AblateReport) -> String {
    let t = |key: &str| language.get(key).to_owned();
    let mut rows =
        vec![vec![t("cli.inside.token"), t("cli.inside.was"), t("cli.inside.now"), "Δ".to_owned()]];
    let line = |(was, now): (&TokenPiece, &TokenPiece)| {
        let delta = now.logprob - was.logprob;
        vec![
            shown(&was.text),
            format!("{:.3}", was.logprob),
            format!("{:.3}", now.logprob),
            format!("{delta:+.3}"),
        ]
    };
    rows.extend(base.read.iter().zip(&report.read).map(line));
    let mut next = vec![vec![t("cli.inside.next"), t("cli.inside.was"), t("cli.inside.now")]];
    for (was, now) in base.next.iter().zip(&report.baseline_next).take(NEXT) {
        next.push(vec![shown(&was.text), format!("{:.4}", was.prob), format!("{now:.4}")]);
    }
    let kl = report.kl.last().copied().unwrap_or(0.0);
    format!("{}\n{}\nKL {kl:.4}\n", aligned(&rows), aligned(&next))
}

/// A line a head.
pub fn scores(language: Language, report: &ScoresReport) -> String {
    let t = |key: &str| language.get(key).to_owned();
    let mut rows = vec![
        ["head", "induction", "previous", "duplicate", "first", "spread"]
            .iter()
            .map(|name| t(&format!("cli.inside.{name}")))
            .collect::<Vec<String>>(),
    ];
    for (layer, heads) in report.heads.iter().enumerate() {
        for (head, scores) in heads.iter().enumerate() {
            let number = |score: f32| format!("{score:.3}");
            let some = |score: Option<f32>| score.map_or_else(|| "–".to_owned(), number);
            rows.push(vec![
                format!("{layer}.{head}"),
                some(scores.induction),
                number(scores.previous),
                some(scores.duplicate),
                number(scores.sink),
                number(scores.entropy),
            ]);
        }
    }
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_line_ends_are_seen() {
        assert_eq!(shown(" a"), "·a");
        assert_eq!(shown("\n"), "⏎");
        assert_eq!(shown("a b"), "a b");
    }
}
