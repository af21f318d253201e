//! Records to show: a machine, models, settings.

use super::Window;
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{JobId, ModelId, RunId};
use glassworks_protocol::machine::{MachineReport, StartReport};
use glassworks_protocol::model::{ModelCard, ModelFormat, ModelRecord};
use glassworks_protocol::settings::{DeviceChoice, Settings, ThemeChoice};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{
    CheckpointKind, CheckpointRecord, RunProgress, RunRecord, RunStatus, TrainSpec,
};
use glassworks_protocol::{Command, JobSpec};
use glassworks_protocol::{Progress, Unit};
use std::sync::Arc;

/// A first start in the dark, in English, with the starter and one chat model.
#[must_use]
pub fn start() -> StartReport {
    let starter = model("Starter", true);
    StartReport {
        version: "0.1.0".to_owned(),
        settings: Settings {
            theme: ThemeChoice::Dark,
            language: Some(Language::English),
            ..Settings::default()
        },
        machine: machine(),
        home: "/home/ada/.local/share/glassworks".into(),
        log_file: "/home/ada/.local/share/glassworks/glassworks.log".into(),
        starter: Some(starter.id),
        samples: vec!["/home/ada/.local/share/glassworks/datasets/reviews/reviews.csv".into()],
        models: vec![starter, model("SmolLM2-135M-Instruct", false)],
        chats: Vec::new(),
        notices: Vec::new(),
    }
}

/// The same with another pane open, so that the playground never loads a model.
#[must_use]
pub fn start_on(pane: &str) -> StartReport {
    let mut start = start();
    start.settings.layout = Some(serde_json::json!({ "slots": [pane] }));
    start
}

#[must_use]
pub fn machine() -> MachineReport {
    MachineReport {
        processor: "Example Processor 9000".to_owned(),
        n_physical_cores: 16,
        n_threads: 16,
        instruction_sets: vec!["AVX-512".to_owned(), "AMX".to_owned()],
        isa: "AMX".to_owned(),
        isa_capped: false,
        device: "CPU".to_owned(),
        device_reason: Text::new("settings.device_not_built"),
        device_choice: DeviceChoice::Auto,
        accelerators: Vec::new(),
        memory_limit_bytes: 16_535_624_090,
    }
}

/// A model of the library; the starter has no chat template.
#[must_use]
pub fn model(name: &str, starter: bool) -> Arc<ModelRecord> {
    let template = if starter {
        TemplateSource::Fallback("plain".to_owned())
    } else {
        TemplateSource::Model("tokenizer_config.json".to_owned())
    };
    Arc::new(ModelRecord {
        id: ModelId::mint(),
        name: name.to_owned(),
        path: format!("/models/{name}").into(),
        card: ModelCard {
            format: if starter { ModelFormat::Folder } else { ModelFormat::Gguf },
            architecture: "llama".to_owned(),
            n_params: if starter { 850_000 } else { 134_515_008 },
            size_bytes: if starter { 3_400_000 } else { 98_000_000 },
            weight_type: if starter { "F32" } else { "Q4_1" }.to_owned(),
            context_length: if starter { 256 } else { 8192 },
            n_layers: 30,
            width: 576,
            n_heads: 9,
            n_kv_heads: 3,
            vocab_size: 49152,
            tied_embeddings: true,
            template,
            license: Some(if starter { "MIT" } else { "Apache-2.0" }.to_owned()),
            description: starter.then(|| "Goes on with what was begun".to_owned()),
            examples: if starter { vec!["Alice was beginning to".to_owned()] } else { Vec::new() },
            labels: Vec::new(),
            run_only: false,
            content_hash: "ab".repeat(32),
        },
        added_at_ms: super::NOW_MS - 1000,
        used_at_ms: None,
        starter,
    })
}

/// One that only runs: it writes, and nothing else is done with it.
#[must_use]
pub fn run_only(name: &str, architecture: &str) -> Arc<ModelRecord> {
    let mut record = model(name, false);
    let card = &mut Arc::make_mut(&mut record).card;
    card.format = ModelFormat::Folder;
    architecture.clone_into(&mut card.architecture);
    card.weight_type = "BF16".to_owned();
    (card.n_params, card.size_bytes, card.context_length) = (3_821_079_552, 7_642_181_880, 2047);
    card.license = Some("MIT".to_owned());
    card.run_only = true;
    record
}

/// 412 of 717 files, 17 minutes left.
#[must_use]
pub fn progress() -> Progress {
    Progress {
        stage: Text::new("job.hashing").arg("name", "runs"),
        done: 412,
        total: Some(717),
        unit: Unit::Files,
        per_sec: Some(0.3),
    }
}

/// Starts a job as if a pane had: its id.
pub fn run_job(window: &mut Window, spec: JobSpec) -> JobId {
    let id = JobId::mint();
    window.harness.state_mut().send(Command::Start(id, spec));
    window.run();
    id
}

/// A done run of `base` with an adapter, its best checkpoint at step 350 of 717; what it has kept beside its result.
#[must_use]
pub fn run(base: &ModelRecord, name: &str) -> (RunRecord, Vec<Arc<CheckpointRecord>>) {
    let id = RunId::mint();
    let folder = std::path::PathBuf::from(format!("/runs/{id}"));
    let record = RunRecord {
        id,
        name: name.to_owned(),
        spec: TrainSpec { model: ModelSource::Library(base.id), ..TrainSpec::default() },
        status: RunStatus::Done,
        progress: RunProgress {
            step: 717,
            n_steps: 717,
            model_name: base.name.clone(),
            base_hash: base.card.content_hash.clone(),
            best_step: Some(350),
            result: Some(folder.join("result")),
            ..RunProgress::default()
        },
        folder: folder.clone(),
        created_at_ms: super::NOW_MS,
        changed_at_ms: super::NOW_MS,
        tags: Vec::new(),
        notes: String::new(),
        trashed_at_ms: None,
    };
    let kept = [(CheckpointKind::Last, 717, 1.61), (CheckpointKind::Best, 350, 1.43)];
    let kept = kept.map(|(kind, step, loss)| {
        Arc::new(CheckpointRecord {
            run: id,
            kind,
            step,
            validation_loss: Some(loss),
            path: folder.join(kind.folder()),
            size_bytes: 19_800_000,
            at_ms: super::NOW_MS + step as i64,
        })
    });
    (record, kept.to_vec())
}
