//! What an engine would say of a dataset: reports to show.

use crate::fake::row;
use glassworks_protocol::datasets::measure::{MeasureReport, MeasureSpec};
use glassworks_protocol::datasets::overview::{
    Finding, FindingKind, Histogram, LabelShare, LanguageShare, OverviewReport,
};
use glassworks_protocol::datasets::transform::{
    PrivacyKind, TransformReport, TransformSample, TransformSpec,
};
use glassworks_protocol::datasets::{DatasetOutput, DatasetRecord, RowId, Split};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::train::TaskSpec;
use glassworks_protocol::{Event, JobOutput, Outcome};
use serde_json::json;
use std::sync::Arc;

/// The end of a job.
pub fn done(job: JobId, output: DatasetOutput) -> Event {
    Event::Settled(job, Outcome::Done(JobOutput::Dataset(output)))
}

/// Something of everything.
pub fn overview(record: &DatasetRecord, labels: Vec<LabelShare>) -> OverviewReport {
    let finding = |kind, n: u32, n_groups| {
        let rows = Arc::new((0..n).map(RowId).collect());
        Finding { kind, rows, n_groups }
    };
    OverviewReport {
        dataset: record.id,
        revision: record.revision,
        n_rows: record.n_rows,
        n_by_split: record.n_by_split,
        labels,
        lengths: bell(64, 40),
        p50: 612,
        p95: 1_480,
        p99: 2_050,
        longest: 2_549,
        languages: vec![language("eng", "English", 84), language("cmn", "中文", 15), language("", "", 1)],
        findings: vec![
            finding(FindingKind::NoTarget, 4, 0),
            finding(FindingKind::NearDuplicate, 112, 40),
            finding(FindingKind::Duplicate, 12, 6),
            finding(FindingKind::Leakage, 3, 3),
            finding(FindingKind::ControlCharacters, 9, 0),
        ],
        secs: 0.4,
    }
}

fn language(code: &str, name: &str, n_rows: u64) -> LanguageShare {
    LanguageShare { code: code.to_owned(), name: name.to_owned(), n_rows }
}

/// Many at a quarter of the way, a few at the end.
fn bell(width: u32, n: u32) -> Histogram {
    let at = |i: u32| {
        let x = (f64::from(i) - f64::from(n) / 4.0) / (f64::from(n) / 5.0);
        (400.0 * (-x * x).exp()).round() as u64 + u64::from(i + 1 == n)
    };
    Histogram { width, counts: (0..n).map(at).collect() }
}

pub fn label(name: Option<&str>, n_by_split: [u64; 4]) -> LabelShare {
    LabelShare { label: name.map(str::to_owned), n_by_split }
}

/// As a model counts them: 37 rows are longer than the limit.
pub fn measure(record: &DatasetRecord) -> MeasureReport {
    MeasureReport {
        spec: MeasureSpec {
            dataset: record.id,
            model: ModelSource::Path("/models/qwen".into()),
            task: TaskSpec::default(),
            max_length: Some(1024),
        },
        revision: record.revision,
        n_rows: record.n_rows,
        n_tokens: 1_204_332,
        n_targets: 811_040,
        longest: 1_437,
        p50: 302,
        p95: 911,
        p99: 1_180,
        max_length: 1024,
        n_cut: 37,
        n_cut_away: 1,
        n_no_target: 0,
        n_left_out: 1,
        lengths: bell(36, 40),
        secs: 1.0,
    }
}

/// What a change would do, or did.
pub fn transform(spec: &TransformSpec, revision: u64) -> TransformReport {
    let asked = "How do boats made of  steel float? Ask ada@example.org";
    let before = row(json!({ "question": asked, "answer": "Try it." }));
    let mended = "How do boats made of steel float? Ask [EMAIL]";
    let after = row(json!({ "question": mended, "answer": "Try it." }));
    let sample = |row: u32, after, added| TransformSample {
        row: RowId(row),
        before: before.clone(),
        after,
        added,
        split: Some(Split::Train),
    };
    TransformReport {
        dataset: spec.dataset,
        revision,
        applied: spec.apply,
        n_looked_at: spec.rows.as_ref().map_or(40, |rows| rows.len() as u64),
        n_changed: 214,
        n_removed: 12,
        n_added: 1,
        n_moved: 0,
        n_same: 2,
        n_by_split: [3_611, 200, 201, 0],
        n_by_kind: vec![(PrivacyKind::Email, 9), (PrivacyKind::Phone, 0)],
        samples: vec![
            sample(410, Some(after.clone()), false),
            sample(2_939, None, false),
            sample(7, Some(after), true),
        ],
    }
}
