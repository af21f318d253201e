//! The models a person has, and which of them are in memory.

use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{JobId, ModelId};
use glassworks_protocol::inside::{Capture, InsideJob};
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::prompts::PromptJob;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{ScratchSpec, TrainJob, TrainSpec};
use glassworks_protocol::{Edit, Failure, JobOutput, JobSpec, Outcome};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum ModelState {
    Idle,
    Loading(JobId),
    Ready,
    Failed(Failure),
}

#[derive(Clone, Debug, Default)]
pub struct Library {
    models: Vec<Arc<ModelRecord>>,
    pub starter: Option<ModelId>,
    states: HashMap<ModelId, ModelState>,
    users: HashMap<JobId, ModelId>,
}

impl Library {
    pub(super) fn new(models: Vec<Arc<ModelRecord>>, starter: Option<ModelId>) -> Self {
        Self { models, starter, ..Self::default() }
    }

    /// As the engine lists them.
    #[must_use]
    pub fn models(&self) -> &[Arc<ModelRecord>] {
        &self.models
    }

    #[must_use]
    pub fn get(&self, id: ModelId) -> Option<&Arc<ModelRecord>> {
        self.models.iter().find(|m| m.id == id)
    }

    #[must_use]
    pub fn state(&self, id: ModelId) -> &ModelState {
        self.states.get(&id).unwrap_or(&ModelState::Idle)
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec) {
        let source = match spec {
            JobSpec::Score(spec) => &spec.model,
            JobSpec::Inside(InsideJob::Capture(spec)) => &spec.model,
            JobSpec::Inside(InsideJob::Scores(spec)) => &spec.model,
            JobSpec::LoadModel(source) => source,
            JobSpec::Generate(spec) => &spec.model,
            _ => return,
        };
        if let ModelSource::Library(id) = source {
            self.users.insert(job, *id);
            if *self.state(*id) != ModelState::Ready {
                self.states.insert(*id, ModelState::Loading(job));
            }
        }
    }

    pub(super) fn settled(&mut self, job: JobId, outcome: &Outcome) {
        if let Outcome::Done(JobOutput::ModelImported(record)) = outcome {
            self.stored(Arc::clone(record));
        }
        let Some(id) = self.users.remove(&job) else { return };
        let was = self.state(id).clone();
        let now = match outcome {
            Outcome::Done(_) => ModelState::Ready,
            Outcome::Cancelled if was == ModelState::Ready => ModelState::Ready,
            // A stopped reply was being written, so the weights may well be there; the next use says.
            Outcome::Cancelled => ModelState::Idle,
            Outcome::Failed(_) if was == ModelState::Ready => ModelState::Ready,
            Outcome::Failed(failure) => ModelState::Failed(failure.clone()),
        };
        self.states.insert(id, now);
    }

    pub(super) fn edited(&mut self, edit: &Edit) {
        match edit {
            Edit::RenameModel { model, name } => {
                if let Some(record) = self.models.iter_mut().find(|m| m.id == *model) {
                    Arc::make_mut(record).name = name.clone();
                }
            }
            Edit::RemoveModel(id) => self.removed(*id),
            _ => {}
        }
    }

    pub(super) fn stored(&mut self, record: Arc<ModelRecord>) {
        match self.models.iter_mut().find(|m| m.id == record.id) {
            Some(old) => *old = record,
            None => self.models.push(record),
        }
    }

    pub(super) fn removed(&mut self, id: ModelId) {
        self.models.retain(|m| m.id != id);
        self.states.remove(&id);
    }

    pub(super) fn replace(&mut self, models: Vec<Arc<ModelRecord>>) {
        self.models = models;
    }

    /// What a person calls a model, wherever its files are.
    #[must_use]
    pub fn name_of(&self, source: &ModelSource) -> String {
        match source {
            ModelSource::Library(id) => self.get(*id).map_or_else(String::new, |m| m.name.clone()),
            ModelSource::Path(path) => file_name(path),
        }
    }

    /// The name of what a run trains.
    pub(super) fn name_of_trained(&self, spec: &TrainSpec) -> String {
        spec.scratch().map_or_else(|| self.name_of(&spec.model), ScratchSpec::name)
    }

    pub(super) fn name_of_spec(&self, spec: &JobSpec) -> Text {
        match spec {
            JobSpec::Generate(spec) => Text::new("job.title_generate").arg("name", self.name_of(&spec.model)),
            JobSpec::Score(spec) => Text::new("job.title_score").arg("name", self.name_of(&spec.model)),
            JobSpec::LoadModel(source) => Text::new("job.title_load").arg("name", self.name_of(source)),
            JobSpec::ImportModel { path } => Text::new("job.title_import_model").arg("name", file_name(path)),
            JobSpec::DescribeModel { path } => Text::new("job.title_describe").arg("name", file_name(path)),
            JobSpec::PreviewPrompt { .. } => Text::new("job.title_preview"),
            JobSpec::Tokenize(_) => Text::new("job.title_tokenize"),
            JobSpec::CheckSchema(_) => Text::new("job.title_schema"),
            JobSpec::Inspect(spec) => Text::new("job.title_inspect").arg("name", self.name_of(&spec.model)),
            JobSpec::Inside(InsideJob::Capture(spec)) => {
                Text::new("job.title_inspect").arg("name", self.name_of(&spec.model))
            }
            JobSpec::Inside(InsideJob::Scores(spec)) => {
                Text::new("job.title_head_scores").arg("name", self.name_of(&spec.model))
            }
            JobSpec::Inside(InsideJob::Ablate(spec)) => switching_off(&spec.base),
            JobSpec::Inside(InsideJob::Continue(spec)) => switching_off(&spec.base),
            JobSpec::Inside(InsideJob::Sweep(spec)) => switching_off(&spec.base),
            JobSpec::Inside(InsideJob::Lens(spec)) => looking_inside(&spec.base),
            JobSpec::Inside(InsideJob::Attribute(spec)) => looking_inside(&spec.base),
            JobSpec::Inside(InsideJob::Gradients(spec)) => looking_inside(&spec.base),
            JobSpec::Inside(InsideJob::Rollout(spec)) => looking_inside(&spec.base),
            JobSpec::Inside(InsideJob::Values(spec)) => looking_inside(&spec.base),
            JobSpec::Inside(InsideJob::Head(_)) => Text::new("job.title_draw_map"),
            JobSpec::Bench(spec) => Text::new("job.title_bench").arg("name", self.name_of(&spec.model)),
            JobSpec::CheckData(_) => Text::new("finetune.title_check"),
            JobSpec::MeasureTraining(spec) => {
                Text::new("finetune.title_measure").arg("name", self.name_of_trained(spec))
            }
            JobSpec::Train(TrainJob::New { spec, .. }) => {
                Text::new("job.title_train").arg("name", self.name_of_trained(spec))
            }
            JobSpec::Train(TrainJob::Resume { .. }) => Text::new("job.title_resume"),
            JobSpec::DeleteRuns(runs) => Text::new("job.title_delete_runs").arg("n", runs.len()),
            JobSpec::Merge(spec) => Text::new("job.title_merge").arg("name", file_name(&spec.out)),
            JobSpec::Predict(spec) => Text::new("job.title_predict").arg("name", file_name(&spec.data)),
            JobSpec::KeepRows(spec) => Text::new("job.title_keep_rows").arg("name", file_name(&spec.out)),
            JobSpec::Prompt(PromptJob::Run { spec, .. }) => {
                Text::new("job.title_run_prompt").arg("name", self.name_of(&spec.model))
            }
            JobSpec::Prompt(PromptJob::Export { to, .. } | PromptJob::ExportResults { to, .. }) => {
                Text::new("job.title_export_prompts").arg("name", file_name(to))
            }
            JobSpec::Prompt(PromptJob::Import { path }) => {
                Text::new("job.title_import_prompts").arg("name", file_name(path))
            }
            JobSpec::Dataset(job) => super::datasets::title(job),
            JobSpec::ExportChats(spec) => {
                Text::new("job.title_export_chats").arg("name", file_name(&spec.to))
            }
            JobSpec::ImportChats { path } => Text::new("job.title_import_chats").arg("name", file_name(path)),
            JobSpec::Backup { to, .. } => Text::new("job.title_backup").arg("name", file_name(to)),
            JobSpec::Restore { from } => Text::new("job.title_restore").arg("name", file_name(from)),
        }
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn switching_off(base: &Capture) -> Text {
    Text::new("job.switching_off").arg("name", &base.model.name)
}

fn looking_inside(base: &Capture) -> Text {
    Text::new("job.title_inspect").arg("name", &base.model.name)
}
