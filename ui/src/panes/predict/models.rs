//! What can predict: the library's models, and under each what runs made of it, heads included.

use super::draft::Chosen;
use crate::model::Part;
use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::train::{CheckpointKind, MethodSpec, RunPart, RunRecord, TunedSource};
use std::sync::Arc;

pub struct Entry {
    pub chosen: Chosen,
    pub name: String,
    pub words: String,
    /// It was made of the one above.
    pub under: bool,
}

/// All there is, each run under its base.
pub fn entries(cx: &PaneCx) -> Vec<Entry> {
    let library = cx.model.library.models();
    let base_of = |model: &ModelRecord| {
        let run = cx.model.maker_of(model)?;
        cx.model.base_of(run).map(|base| base.id).filter(|base| *base != model.id)
    };
    let mut all = Vec::new();
    for base in library.iter().filter(|model| base_of(model).is_none()) {
        all.push(of_model(cx, base, false));
        for model in library.iter().filter(|model| base_of(model) == Some(base.id)) {
            all.push(of_model(cx, model, true));
        }
        for run in runs_of(cx, base) {
            for part in parts(cx, run) {
                let name = run.name.clone();
                let chosen = Chosen::Part(run.id, part.part);
                all.push(Entry { chosen, name, words: words(cx, run, &part), under: true });
            }
        }
    }
    all
}

fn of_model(cx: &PaneCx, model: &ModelRecord, under: bool) -> Entry {
    let words = match model.card.labels.len() {
        0 => format!("{}  {}", model.card.weight_type, units::size(model.card.size_bytes)),
        n => cx.tf("predict.sorts", &[("n", &n)]),
    };
    Entry { chosen: Chosen::Model(model.id), name: model.name.clone(), words, under }
}

fn runs_of<'a>(cx: &'a PaneCx, base: &'a ModelRecord) -> impl Iterator<Item = &'a Arc<RunRecord>> + use<'a> {
    let model = cx.model;
    let of_base = move |run: &&Arc<RunRecord>| {
        run.trashed_at_ms.is_none() && model.base_of(run).is_some_and(|one| one.id == base.id)
    };
    model.runs.list().iter().filter(of_base)
}

/// Weights that stay as they are while rows are predicted.
fn parts(cx: &PaneCx, run: &RunRecord) -> Vec<Part> {
    let mut parts = cx.model.weights(run);
    // Of a head that was trained with all weights, only the whole model can be used.
    let whole_head = run.spec.task.classifies() && matches!(run.spec.method, MethodSpec::Full(_));
    parts.retain(|part| part.part != RunPart::Live && !whole_head);
    parts
}

/// What one would choose of a run.
pub fn first(cx: &PaneCx, run: &RunRecord) -> Option<Chosen> {
    let made = |model: &&Arc<ModelRecord>| run.progress.result.as_ref() == Some(&model.path);
    let whole = cx.model.library.models().iter().find(made).map(|model| Chosen::Model(model.id));
    whole.or_else(|| Some(Chosen::Part(run.id, parts(cx, run).first()?.part)))
}

/// `sorts 2 labels, best, step 120`
fn words(cx: &PaneCx, run: &RunRecord, part: &Part) -> String {
    let kind = cx.t(match part.part {
        RunPart::Result => "playground.part_result",
        RunPart::Checkpoint(CheckpointKind::Best) => "playground.part_best",
        RunPart::Checkpoint(CheckpointKind::Last) => "playground.part_last",
        RunPart::Checkpoint(CheckpointKind::Step(_)) => "playground.part_kept",
        RunPart::Live => "playground.part_live",
    });
    let part = match part.step {
        Some(step) => cx.tf("playground.part_step", &[("part", &kind), ("step", &units::grouped(step))]),
        None => kind,
    };
    match run.spec.task.classifies() {
        true => {
            let sorts = cx.tf("predict.sorts", &[("n", &run.progress.data.labels.len())]);
            format!("{sorts}{}{part}", cx.t("finetune.comma"))
        }
        false => part,
    }
}

/// The labels it tells apart; none for what writes.
pub fn labels(cx: &PaneCx, chosen: Chosen) -> Vec<String> {
    match chosen {
        Chosen::Model(id) => {
            cx.model.library.get(id).map_or_else(Vec::new, |model| model.card.labels.clone())
        }
        Chosen::Part(id, _) => cx
            .model
            .runs
            .get(id)
            .filter(|run| run.spec.task.classifies())
            .map_or_else(Vec::new, |run| run.progress.data.label_names()),
    }
}

/// Whether it tells labels apart, and does not write.
pub fn sorts(cx: &PaneCx, chosen: Chosen) -> bool {
    match chosen {
        Chosen::Model(id) => cx.model.library.get(id).is_some_and(|model| !model.card.labels.is_empty()),
        Chosen::Part(id, _) => cx.model.runs.get(id).is_some_and(|run| run.spec.task.classifies()),
    }
}

/// Its name, and a line about it.
pub fn named(cx: &PaneCx, chosen: Chosen) -> Option<(String, String)> {
    match chosen {
        Chosen::Model(id) => {
            let model = cx.model.library.get(id)?;
            Some((model.name.clone(), of_model(cx, model, false).words))
        }
        Chosen::Part(id, part) => {
            let run = cx.model.runs.get(id)?;
            let part = parts(cx, run).into_iter().find(|one| one.part == part)?;
            Some((run.name.clone(), words(cx, run, &part)))
        }
    }
}

/// As the engine is told; `None` for what is gone.
pub fn source(cx: &PaneCx, chosen: Chosen) -> Option<(ModelSource, Option<TunedSource>)> {
    match chosen {
        Chosen::Model(id) => cx.model.library.get(id).map(|model| (ModelSource::Library(model.id), None)),
        Chosen::Part(id, part) => {
            let run = cx.model.runs.get(id).filter(|run| run.trashed_at_ms.is_none())?;
            let base = cx.model.base_of(run)?;
            parts(cx, run).iter().find(|one| one.part == part)?;
            Some((ModelSource::Library(base.id), Some(TunedSource { run: id, part, strength: 1.0 })))
        }
    }
}
