//! A run as a file, for the command line and the window alike: CSV, a picture of its losses (`run_plot`), or a page
//! with everything (`run_report`).

use super::{run_plot, run_report};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{CheckpointRecord, METRICS, MetricPoint, RunRecord, RunSample, WorstRows};
use glassworks_protocol::{Failure, FailureKind};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What is known of a run, to be written.
pub struct Exported<'a> {
    pub run: &'a RunRecord,
    pub points: &'a [MetricPoint],
    pub checkpoints: &'a [Arc<CheckpointRecord>],
    /// What it wrote at its evaluations, and the rows that it does worst on.
    pub samples: &'a [Arc<RunSample>],
    pub worst: Option<&'a WorstRows>,
    /// The newest lines of the program's log.
    pub log: &'a str,
}

/// Writes what the ending of `path` says: csv, png, svg or html.
///
/// # Errors
/// `Input` for another ending, `Io` when the file or a font cannot be used.
pub fn write(language: Language, exported: &Exported<'_>, path: &Path) -> Result<(), Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let written = match ending.as_deref() {
        Some("csv") => std::fs::write(path, csv(exported.points)).map_err(Into::into),
        Some("html" | "htm") => {
            std::fs::write(path, run_report::page(language, exported)).map_err(Into::into)
        }
        Some("png" | "svg") => run_plot::draw(language, exported.run, exported.points, path),
        _ => {
            return Err(no_kind(path));
        }
    };
    written.map_err(|error: anyhow::Error| {
        Failure::new(FailureKind::Io, Text::new("cli.cannot_write").arg("path", path.display()))
            .hint(Text::new("cli.cannot_write_hint"))
            .detail(format!("{error:#}"))
    })
}

/// A line a step, a column a series; empty where nothing was measured.
fn csv(points: &[MetricPoint]) -> String {
    let mut steps: BTreeMap<u64, [Option<f64>; METRICS.len()]> = BTreeMap::new();
    for point in points {
        steps.entry(point.step).or_default()[point.series as usize] = Some(point.value);
    }
    let words: Vec<&str> = METRICS.iter().map(|metric| metric.word).collect();
    let mut out = format!("step,{}\n", words.join(","));
    for (step, values) in steps {
        let cells: Vec<String> =
            values.iter().map(|value| value.map_or_else(String::new, |value| value.to_string())).collect();
        out.push_str(&format!("{step},{}\n", cells.join(",")));
    }
    out
}

/// What is told of a file with another ending than its kind has.
#[must_use]
pub fn no_kind(path: &Path) -> Failure {
    let summary = Text::new("cli.export_kind").arg("path", path.display());
    Failure::new(FailureKind::Input, summary).hint(Text::new("cli.export_kind_hint"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::train::Series;

    #[test]
    fn a_table_has_a_line_a_step() {
        let point = |series, step, value| MetricPoint { series, step, value, at_ms: 0 };
        let points = [
            point(Series::ValidationLoss, 0, 3.5),
            point(Series::TrainLoss, 1, 3.25),
            point(Series::LearningRate, 1, 1e-5),
        ];
        let expected = "step,train_loss,validation_loss,learning_rate,grad_norm,tokens_per_sec,memory_bytes,tokens,\
                        train_secs,accuracy,macro_f1\n0,,3.5,,,,,,,,\n1,3.25,,0.00001,,,,,,,\n";
        assert_eq!(csv(&points), expected);
    }
}
