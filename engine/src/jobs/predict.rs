//! Predicting over a file: a head is asked about groups of texts in one pass each, a model that writes is asked row by
//! row, greedily.

use super::heard::Heard;
use super::models::{files_of, from_shelf};
use super::predict_kept as kept;
use super::tuned::adapters;
use crate::data::{Encoder, Example};
use crate::generate::batch::HeldAdapters;
use crate::generate::decode::{self, DecodeSpec};
use crate::generate::prompt;
use crate::job_cx::JobCx;
use crate::predict::{self, GROUP, Says, filled, text_of};
use crate::shelf::LoadedModel;
use crate::shelf::adapter::AdapterFiles;
use crate::train::{
    Batch, ClassHead, Factors, LoraConfig, PartConfig, StepConfig, Tune, Tuner, plan, probabilities,
};
use anyhow::{Context as _, Result};
use glassworks_kernels::dispatch::Precision as KernelPrecision;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use glassworks_protocol::generate::{Overflow, Prompt, SamplingSpec};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::predict::{PredictReport, PredictSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{AdapterSource, ClassificationSpec, MethodSpec, TaskSpec};
use glassworks_protocol::{Event, JobOutput, Notice, Unit};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;

pub fn run(cx: &JobCx, spec: &PredictSpec) -> Result<JobOutput> {
    let wanted = PredictSpec { out: std::path::absolute(&spec.out)?, ..spec.clone() };
    if let Some(report) = kept::already_there(cx, &wanted)? {
        return Ok(JobOutput::Predicted(Arc::new(report)));
    }
    let Chosen { model, spec, name } = choose(cx, wanted.clone())?;
    let adapter = spec.adapter.as_ref().map(|source| AdapterFiles::read(&source.path)).transpose()?;
    if let Some(adapter) = &adapter {
        adapter.check(&model.name, model.own()?)?;
    }
    let sorts = adapter.as_ref().is_some_and(|a| a.head.is_some()) || !model.model.classes().is_empty();
    let asked = (&spec.adapter, &spec.template, spec.max_new_tokens, spec.precision);
    let tuned =
        spec.adapter.as_ref().map(|source| weights_hash(&source.path)).transpose()?.unwrap_or_default();
    let identity = format!("{} {tuned} {}", model.card.content_hash, serde_json::to_string(&asked)?);
    let report = if sorts {
        if let Some(warning) = adapter.as_ref().and_then(|adapter| adapter.other_base(&model)) {
            cx.shared.outbox.send(Event::Notice(Notice::Alert(warning)));
        }
        let strength = spec.adapter.as_ref().map_or(1.0, |source| source.strength);
        let longest = model.model.shape().context_length;
        let held = plan::pass_bytes(model.own()?, GROUP * longest.min(USUAL_LENGTH));
        let _memory = cx.shared.ledger.reserve(held, &model.name)?;
        let mut sorter = Sorter::new(cx, &spec, &model, adapter, strength)?;
        kept::begin(cx, &wanted, &name, &sorter.labels)?;
        let report = predict::run(&spec, &identity, &mut sorter)?;
        PredictReport { labels: sorter.labels, ..report }
    } else {
        let held = spec.adapter.as_ref().map(|source| adapters(cx, &model, source)).transpose()?;
        kept::begin(cx, &wanted, &name, &[])?;
        let mut writer = Writer { cx, spec: &spec, model: &model, adapters: held.map(Arc::new) };
        predict::run(&spec, &identity, &mut writer)?
    };
    kept::end(cx, &wanted, &report)?;
    Ok(JobOutput::Predicted(Arc::new(report)))
}

/// What predicts: the model, and the spec with the adapter that a run's part is.
struct Chosen {
    model: Arc<LoadedModel>,
    spec: PredictSpec,
    /// As a person knows it.
    name: String,
}

fn choose(cx: &JobCx, spec: PredictSpec) -> Result<Chosen> {
    if spec.adapter.is_some() || spec.tuned.is_some() {
        files_of(cx, &spec.model)?.check_own()?;
    }
    let Some(tuned) = spec.tuned else {
        let model = from_shelf(cx, &spec.model)?;
        let name = model.name.clone();
        return Ok(Chosen { model, spec, name });
    };
    let run = super::train::find_any(cx, tuned.run)?;
    let name = run.name.clone();
    Ok(match run.spec.method {
        MethodSpec::Lora(_) => {
            let path = super::tuned::folder_of(&run, tuned.part)?;
            let adapter = Some(AdapterSource { path, strength: tuned.strength });
            Chosen { model: from_shelf(cx, &spec.model)?, spec: PredictSpec { adapter, ..spec }, name }
        }
        MethodSpec::Full(_) => {
            Chosen { model: super::tuned::whole(cx, &run, &spec.model, tuned.part)?, spec, name }
        }
    })
}

/// Tokens of a text, where memory is foreseen: few texts that are sorted are longer.
const USUAL_LENGTH: usize = 2048;

fn weights_hash(folder: &Path) -> Result<String> {
    predict::file_hash(&folder.join(crate::train::peft::WEIGHTS))
}

fn told(cx: &JobCx, spec: &PredictSpec, rows: u64, bytes: u64, total: u64) {
    let name = spec.data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Rows are counted as they come: how many there are in all, the bytes tell.
    let all = (rows as f64 * total as f64 / bytes.max(1) as f64).round() as u64;
    cx.progress(&Text::new("job.predicting").arg("name", name), rows, Some(all.max(rows)), Unit::Rows);
}

/// A head that tells labels apart.
struct Sorter<'a> {
    cx: &'a JobCx,
    spec: &'a PredictSpec,
    model: &'a LoadedModel,
    tuner: Tuner<'a>,
    labels: Vec<String>,
}

impl<'a> Sorter<'a> {
    fn new(
        cx: &'a JobCx,
        spec: &'a PredictSpec,
        model: &'a LoadedModel,
        adapter: Option<AdapterFiles>,
        strength: f32,
    ) -> Result<Self> {
        let precision = match spec.precision {
            Precision::Exact => KernelPrecision::Exact,
            Precision::Fast => KernelPrecision::Fast,
        };
        let config = StepConfig { precision, recompute: false, smoothing: 0.0 };
        let n_layers = model.model.shape().n_layers;
        let nothing = PartConfig { first_layer: n_layers, freeze_embeddings: true, freeze_norms: true };
        let Some(mut adapter) = adapter else {
            let tuner = Tuner::new(model.own()?, Tune::Part(nothing), config)?;
            return Ok(Self { cx, spec, model, tuner, labels: model.model.classes().to_vec() });
        };
        let (head, labels) = match adapter.head.take() {
            Some(head) => {
                let n_classes = head.labels.len();
                (Some(ClassHead { n_classes, weight: head.weight, class_weights: None }), head.labels)
            }
            None => (None, model.model.classes().to_vec()),
        };
        let first = adapter.beside.values().next().map(|one| (one.rank, one.scale));
        let Some((rank, scale)) = first else {
            let tuner = Tuner::with_head(model.own()?, Tune::Part(nothing), config, head)?;
            return Ok(Self { cx, spec, model, tuner, labels });
        };
        let names: Vec<String> = adapter.beside.keys().cloned().collect();
        let targets = |name: &str| names.iter().any(|one| one == name);
        let mut values = |name: &str, _: usize, _: usize| {
            let one = adapter.beside.remove(name).context("an adapter that is there")?;
            Ok(Factors { a: one.a, b: one.b })
        };
        let lora = LoraConfig {
            rank,
            scale: scale * strength,
            dropout: 0.0,
            targets: &targets,
            values: &mut values,
        };
        let tuner = Tuner::with_head(model.own()?, Tune::Lora(lora), config, head)?;
        Ok(Self { cx, spec, model, tuner, labels })
    }

    /// The tokens of a row's text; `None` where there is nothing to sort.
    fn example(&self, row: &Map<String, Value>) -> Option<Example> {
        let encoder = Encoder {
            task: TaskSpec::Classification(ClassificationSpec::default()),
            codec: &self.model.codec,
            template: &self.model.template,
            now_ms: 0,
            rendering: None,
        };
        let mut example = encoder.sorted(&text_of(row, &self.spec.column)).ok()?;
        example.ids.truncate(self.model.model.shape().context_length);
        (!example.ids.is_empty()).then_some(example)
    }
}

impl Says for Sorter<'_> {
    fn columns(&self) -> Vec<String> {
        let each = self.labels.iter().map(|label| format!("probability_{label}"));
        ["prediction", "probability"].map(str::to_owned).into_iter().chain(each).collect()
    }

    fn say(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<Vec<Value>>> {
        let examples: Vec<Option<Example>> = rows.iter().map(|row| self.example(row)).collect();
        let mut batch = Batch::default();
        examples.iter().flatten().for_each(|example| batch.push_class(&example.ids, 0));
        let said = match batch.tokens.is_empty() {
            true => Default::default(),
            false => self.tuner.classify(&batch, &|| self.cx.checkpoint())?,
        };
        let mut found = said.found().zip(said.rows());
        let row = |example: &Option<Example>| {
            let Some((class, logits)) = example.as_ref().and_then(|_| found.next()) else {
                return vec![Value::Null; 2 + self.labels.len()];
            };
            // Six places: what is behind them is rounding's.
            let each: Vec<f64> = probabilities(logits).into_iter().map(|p| (p * 1e6).round() / 1e6).collect();
            let mut said = vec![json!(self.labels.get(class)), json!(each.get(class))];
            said.extend(each.into_iter().map(Value::from));
            said
        };
        Ok(examples.iter().map(row).collect())
    }

    fn told(&self, rows: u64, bytes: u64, total: u64) {
        told(self.cx, self.spec, rows, bytes, total);
    }
}

/// A model that writes.
struct Writer<'a> {
    cx: &'a JobCx,
    spec: &'a PredictSpec,
    model: &'a LoadedModel,
    adapters: Option<Arc<HeldAdapters>>,
}

impl Says for Writer<'_> {
    fn columns(&self) -> Vec<String> {
        vec!["prediction".to_owned()]
    }

    fn say(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<Vec<Value>>> {
        let each = rows.iter().map(|row| Ok(vec![self.written(row)?]));
        each.collect()
    }

    fn told(&self, rows: u64, bytes: u64, total: u64) {
        told(self.cx, self.spec, rows, bytes, total);
    }
}

impl Writer<'_> {
    fn written(&self, row: &Map<String, Value>) -> Result<Value> {
        // Nothing was said: nothing is asked, whatever stands around it.
        if text_of(row, &self.spec.column).trim().is_empty() {
            return Ok(Value::Null);
        }
        let text = match &self.spec.template {
            Some(template) => filled(template, row),
            None => text_of(row, &self.spec.column),
        };
        let prompt = match self.model.card.is_chat() {
            true => {
                Prompt::Chat { turns: vec![Turn::new("user", text)], template: TemplateOptions::default() }
            }
            false => Prompt::Text(text),
        };
        let sampling = SamplingSpec {
            temperature: 0.0,
            max_new_tokens: self.spec.max_new_tokens,
            ..SamplingSpec::default()
        };
        let room = (self.spec.max_new_tokens as usize).min(self.model.model.shape().context_length / 4);
        let prompt = prompt::tokens(self.model, &prompt, Overflow::Refuse, room, self.cx.now_ms())?;
        let decode = DecodeSpec {
            forced: &[],
            prompt: &prompt.ids,
            reply: &[],
            sampling: &sampling,
            stops: &prompt.stops,
            seed: 0,
            precision: self.spec.precision,
            cache: CacheWidth::Full,
            adapters: self.adapters.clone(),
        };
        let mut heard = Heard::new(self.cx);
        decode::decode(self.model, &self.cx.shared.ledger, &decode, &mut heard)?;
        self.cx.checkpoint()?;
        Ok(json!(heard.text.trim()))
    }
}
