//! What a run's evaluations left to look at: labels, samples, the rows it does worst on.

use super::super::table::grouped;
use super::{Page, escaped};
use glassworks_protocol::train::{ConfusionMatrix, RunSample, WorstRows};
use std::fmt::Display;
use std::sync::Arc;

/// Evaluations whose samples are shown at most, the first and the last among them.
const MOST_STEPS: usize = 12;
/// Characters of a text that are shown before it is folded.
const SHORT: usize = 240;
/// Labels of a matrix that still fits on a page.
const MOST_LABELS: usize = 20;

impl Page<'_> {
    /// How well labels were found: of the best evaluation, or of the newest.
    pub fn labels(&self) -> String {
        let progress = &self.run.progress;
        let Some(tally) = progress.best_classes.as_ref().or(progress.last_classes.as_ref()) else {
            return String::new();
        };
        let confusion = &tally.confusion;
        let (low, high) = confusion.accuracy_interval();
        let percent = |x: f64| format!("{:.1}", 100.0 * x);
        let args: [(&str, &dyn Display); 5] = [
            ("accuracy", &percent(confusion.accuracy())),
            ("low", &percent(low)),
            ("high", &percent(high)),
            ("f1", &format!("{:.3}", confusion.macro_f1())),
            ("n", &grouped(confusion.n_rows())),
        ];
        let step = self.language.format("runs.card_step", &[("n", &grouped(tally.step))]);
        let summary = format!("{} · {step}", self.language.format("runs.labels_summary", &args));
        let matrix =
            if confusion.labels.len() <= MOST_LABELS { self.matrix(confusion) } else { String::new() };
        format!("<p>{}</p>\n{matrix}{}", escaped(&summary), self.classes(confusion))
    }

    /// A row for each label, a column for what it was taken for.
    fn matrix(&self, confusion: &ConfusionMatrix) -> String {
        let labels = &confusion.labels;
        let heads: String = labels.iter().map(|label| format!("<th>{}</th>", escaped(label))).collect();
        let mut rows = String::new();
        for (i, label) in labels.iter().enumerate() {
            let of_label: u64 = (0..labels.len()).map(|j| confusion.count(i, j)).sum();
            let cell = |j: usize| {
                let n = confusion.count(i, j);
                // The part of the row, as the depth of its ground.
                let depth = 60 * n / of_label.max(1);
                let ground = if i == j { "right" } else { "wrong" };
                format!("<td class=\"{ground}\" style=\"--depth: {depth}%\">{}</td>", grouped(n))
            };
            let cells: String = (0..labels.len()).map(cell).collect();
            rows.push_str(&format!("<tr><th>{}</th>{cells}</tr>\n", escaped(label)));
        }
        format!(
            "<p class=\"state\">{}</p>\n<table class=\"many\">\n<tr><td></td>{heads}</tr>\n{rows}</table>\n",
            escaped(&self.say("runs.confusion_hint"))
        )
    }

    fn classes(&self, confusion: &ConfusionMatrix) -> String {
        let head = self.heads(&[
            "runs.label",
            "runs.label_precision",
            "runs.label_recall",
            "runs.label_f1",
            "runs.label_rows",
        ]);
        let row = |row: &glassworks_protocol::train::ClassRow<'_>| {
            let values = [row.precision, row.recall, row.f1].map(|x| format!("<td>{x:.3}</td>")).concat();
            format!("<tr><th>{}</th>{values}<td>{}</td></tr>\n", escaped(row.label), grouped(row.support))
        };
        let rows: String = confusion.rows().iter().map(row).collect();
        format!("<table class=\"many\">\n{head}{rows}</table>\n")
    }

    fn heads(&self, keys: &[&str]) -> String {
        let head = |key: &&str| format!("<th>{}</th>", escaped(&self.say(key)));
        format!("<tr>{}</tr>\n", keys.iter().map(head).collect::<String>())
    }

    /// Prompt by prompt, what was written at each evaluation.
    pub fn samples(&self, samples: &[Arc<RunSample>]) -> String {
        let mut steps: Vec<u64> = samples.iter().map(|sample| sample.step).collect();
        steps.sort_unstable();
        steps.dedup();
        let n = steps.len();
        let shown = n.min(MOST_STEPS);
        let at = |i: usize| steps[i * (n - 1) / (shown - 1).max(1)];
        let shown: Vec<u64> = (0..shown).map(at).collect();
        let mut html = String::new();
        if shown.len() < n {
            let args: [(&str, &dyn Display); 2] = [("n", &shown.len()), ("all", &grouped(n as u64))];
            let words = self.language.format("runs.report_some_steps", &args);
            html.push_str(&format!("<p class=\"state\">{}</p>\n", escaped(&words)));
        }
        let n_prompts = samples.iter().map(|sample| sample.n + 1).max().unwrap_or(0);
        for prompt in 0..n_prompts {
            let of = |step: u64| samples.iter().find(move |one| one.n == prompt && one.step == step);
            let Some(first) = shown.iter().find_map(|step| of(*step)) else { continue };
            html.push_str(&format!(
                "<div class=\"prompt\">{}</div>\n<table class=\"texts\">\n",
                folded(&first.prompt)
            ));
            for sample in shown.iter().filter_map(|step| of(*step)) {
                let step = self.language.format("runs.card_step", &[("n", &grouped(sample.step))]);
                let goes_on = if sample.ended { "" } else { " …" };
                let text = match sample.text.as_str() {
                    "" => format!("<em>{}</em>", escaped(&self.say("runs.wrote_nothing"))),
                    text => folded(&format!("{text}{goes_on}")),
                };
                html.push_str(&format!("<tr><th>{}</th><td>{text}</td></tr>\n", escaped(&step)));
            }
            html.push_str("</table>\n");
        }
        html
    }

    /// The held-out rows with the highest loss.
    pub fn worst(&self, worst: Option<&WorstRows>) -> String {
        let Some(worst) = worst.filter(|worst| !worst.rows.is_empty()) else { return String::new() };
        let args: [(&str, &dyn Display); 2] = [("n", &grouped(worst.n_rows)), ("step", &grouped(worst.step))];
        let words = self.language.format("runs.report_worst", &args);
        let head = self.heads(&["runs.loss", "runs.change", "runs.row", "runs.begins"]);
        let row = |row: &glassworks_protocol::train::RowLoss| {
            let change = row.first_loss.map_or_else(String::new, |first| format!("{:+.3}", row.loss - first));
            let file = row.row.file.file_name().unwrap_or(row.row.file.as_os_str()).to_string_lossy();
            format!(
                "<tr><td>{:.3}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                row.loss,
                change.replace('-', "−"),
                escaped(&format!("{file}:{}", row.row.row)),
                folded(&row.row.start)
            )
        };
        let rows: String = worst.rows.iter().map(row).collect();
        format!(
            "<p class=\"state\">{}</p>\n<table class=\"many rows\">\n{head}{rows}</table>\n",
            escaped(&words)
        )
    }
}

/// A text as it is; a long one by its beginning, which opens to the whole.
fn folded(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(SHORT) else { return escaped(text) };
    format!("<details><summary>{}…</summary>{}</details>", escaped(&text[..cut]), escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_folded_between_characters() {
        assert_eq!(folded("<b>"), "&lt;b&gt;");
        let long = "古<".repeat(200);
        let html = folded(&long);
        assert!(html.starts_with("<details><summary>古&lt;") && html.ends_with("&lt;</details>"));
        assert_eq!(html.matches('古').count(), SHORT / 2 + 200);
    }
}
