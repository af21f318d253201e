//! Working an adapter into a model's weights, into a new Hugging Face folder.

use super::models::{files_of, own_from_shelf};
use crate::durable;
use crate::job_cx::JobCx;
use crate::shelf::adapter::AdapterFiles;
use crate::train::save::{self, SavedHead};
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::MergeSpec;
use glassworks_protocol::{Event, Failure, FailureKind, JobOutput, Notice, Unit};

pub fn run(cx: &JobCx, spec: &MergeSpec) -> Result<JobOutput> {
    let to = std::path::absolute(&spec.out)?;
    if to.exists() {
        return Err(Failure::new(
            FailureKind::Input,
            Text::new("failure.out_exists").arg("path", to.display()),
        )
        .hint(Text::new("failure.out_exists_hint"))
        .into());
    }
    let adapter = AdapterFiles::read(&spec.adapter.path)?;
    let model = own_from_shelf(cx, &spec.model)?;
    adapter.check(&model.name, model.own()?)?;
    if let Some(warning) = adapter.other_base(&model) {
        cx.shared.outbox.send(Event::Notice(Notice::Alert(warning)));
    }
    let companions = files_of(cx, &spec.model)?.companions()?;
    let stage = Text::new("train.stage.merging").arg("name", &model.name);
    let between = |done: usize, total: usize| {
        cx.checkpoint()?;
        cx.progress(&stage, done as u64, Some(total as u64), Unit::Layers);
        Ok(())
    };
    let strength = spec.adapter.strength;
    let pad = model.codec.eos_ids().first().copied();
    let head =
        adapter.head.as_ref().map(|head| SavedHead { labels: &head.labels, weight: &head.weight, pad });
    durable::replace_folder(&to, &mut |folder| {
        let mut alter = |name: &str, values: &mut [f32], n_in: usize| {
            if let Some(one) = name.strip_suffix(".weight").and_then(|name| adapter.beside.get(name)) {
                one.merge_into(values, n_in, strength);
            }
        };
        save::model_folder(folder, &companions, model.own()?, head.as_ref(), spec.dtype, &mut alter, &between)
    })?;
    Ok(JobOutput::Merged { size_bytes: durable::folder_bytes(&to), to })
}
