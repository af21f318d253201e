//! What jobs of datasets are called.

use crate::model::jobs::JobKind;
use crate::model::library::file_name;
use glassworks_protocol::datasets::DatasetJob;
use glassworks_protocol::datasets::import::ImportSource;
use glassworks_protocol::datasets::transform::Transform;
use glassworks_protocol::text::Text;

/// What kind of job it is.
#[must_use]
pub fn kind(job: &DatasetJob) -> JobKind {
    match job {
        DatasetJob::Preview(_) | DatasetJob::Find(_) | DatasetJob::See(_) => JobKind::LookAtDataset,
        // What a change would do is shown where it is asked, at every change of its form.
        DatasetJob::Transform(spec) if !spec.apply => JobKind::LookAtDataset,
        DatasetJob::Measure(_)
        | DatasetJob::Overview(_)
        | DatasetJob::Import(_)
        | DatasetJob::Transform(_)
        | DatasetJob::Export(_)
        | DatasetJob::ExportBad { .. } => JobKind::Dataset,
    }
}

/// What the list of jobs calls it.
#[must_use]
pub fn title(job: &DatasetJob) -> Text {
    match job {
        DatasetJob::Preview(spec) => match &spec.source {
            ImportSource::Files(paths) => Text::new("datasets.job_preview")
                .arg("name", paths.first().map(|p| file_name(p)).unwrap_or_default()),
            ImportSource::Text(_) => Text::new("datasets.job_preview_pasted"),
            ImportSource::Starter(name) => Text::new("datasets.job_preview").arg("name", name),
        },
        DatasetJob::Import(spec) => Text::new("datasets.job_import").arg("name", &spec.name),
        DatasetJob::Find(_) => Text::new("datasets.job_find"),
        DatasetJob::Measure(_) => Text::new("datasets.job_measure"),
        DatasetJob::See(_) => Text::new("datasets.job_see"),
        DatasetJob::Overview(_) => Text::new("datasets.job_overview"),
        DatasetJob::Transform(spec) => Text::new(match &spec.transform {
            Transform::Replace(_) => "datasets.job_replace",
            Transform::Clean(_) => "datasets.job_clean",
            Transform::Privacy(_) => "datasets.job_privacy",
            Transform::Split(_) => "datasets.job_split",
            Transform::Augment(_) => "datasets.job_augment",
            Transform::Write(_) => "datasets.job_write",
            Transform::Balance(_) => "datasets.job_balance",
        }),
        DatasetJob::Export(spec) => Text::new("datasets.job_export").arg("name", file_name(&spec.to)),
        DatasetJob::ExportBad { to, .. } => Text::new("datasets.job_export").arg("name", file_name(to)),
    }
}
