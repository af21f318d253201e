//! What a run makes: a model as a Hugging Face folder, an adapter's folder, and the card that says what it is.

use super::checkpoint;
use super::peft;
use crate::models::{ARCHITECTURES, CausalLm, MlpParts, NormParts, SCORE};
use crate::nn::matrix::{Floats, Frozen};
use crate::nn::{Linear, Projection, Weight};
use anyhow::{Context as _, Result, ensure};
use glassworks_protocol::model::ModelCard;
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{CheckpointKind, RunRecord, SaveType};
use half::{bf16, f16};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Changes a tensor on its way out: its name, its values `[out, in]`, and in.
pub type Alter<'a> = &'a mut dyn FnMut(&str, &mut [f32], usize);

/// A tensor as a checkpoint has it.
struct Entry<'m> {
    name: String,
    /// A vector has one row.
    rows: usize,
    cols: usize,
    is_vector: bool,
    /// The checkpoint keeps it as `[in, out]`.
    turned: bool,
    values: Source<'m>,
}

enum Source<'m> {
    Matrix(Frozen<'m>),
    Vector(Floats<'m>),
    Values(&'m [f32]),
}

/// What tells labels apart in place of a model's unembedding.
pub struct SavedHead<'a> {
    pub labels: &'a [String],
    /// `[K, D]`
    pub weight: &'a [f32],
    /// What fills up short texts of a batch, where config.json doesn't say.
    pub pad: Option<u32>,
}

/// Writes the files that go beside the weights, and the weights as `model.safetensors`, each changed by `alter`.
///
/// # Errors
/// When the disk says no.
pub fn model_folder(
    to: &Path,
    companions: &[(String, Vec<u8>)],
    model: &dyn CausalLm,
    head: Option<&SavedHead<'_>>,
    dtype: SaveType,
    alter: Alter<'_>,
    between: &dyn Fn(usize, usize) -> Result<()>,
) -> Result<()> {
    for (name, contents) in companions {
        let contents =
            if name == "config.json" { changed_config(contents, head, dtype)? } else { contents.clone() };
        std::fs::write(to.join(name), contents).with_context(|| format!("writing {name}"))?;
    }
    let path = to.join("model.safetensors");
    write_weights(&path, &entries(model, head)?, dtype, alter, between)
        .with_context(|| format!("writing {}", path.display()))
}

/// config.json with the type that the weights are written in, and with the labels of a head.
fn changed_config(config: &[u8], head: Option<&SavedHead<'_>>, dtype: SaveType) -> Result<Vec<u8>> {
    let mut config: Map<String, Value> = serde_json::from_slice(config).context("reading config.json")?;
    let name = match dtype {
        SaveType::F32 => "float32",
        SaveType::F16 => "float16",
        SaveType::Bf16 => "bfloat16",
    };
    config.remove("dtype");
    config.insert("torch_dtype".to_owned(), name.into());
    if let Some(head) = head {
        classify(&mut config, head)?;
    }
    Ok((serde_json::to_string_pretty(&config)? + "\n").into_bytes())
}

/// As transformers' `PreTrainedConfig` has a classifier's labels.
fn classify(config: &mut Map<String, Value>, head: &SavedHead<'_>) -> Result<()> {
    let kind = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let architecture = ARCHITECTURES.iter().find(|a| a.model_types.contains(&kind));
    let name = architecture.context("an architecture that is not known")?.classifier_name;
    let numbered = || head.labels.iter().enumerate();
    let by_id: Map<String, Value> = numbered().map(|(i, label)| (i.to_string(), json!(label))).collect();
    let by_label: Map<String, Value> = numbered().map(|(i, label)| (label.clone(), json!(i))).collect();
    config.insert("architectures".to_owned(), json!([name]));
    config.insert("num_labels".to_owned(), json!(head.labels.len()));
    config.insert("id2label".to_owned(), by_id.into());
    config.insert("label2id".to_owned(), by_label.into());
    config.insert("problem_type".to_owned(), json!("single_label_classification"));
    if config.get("pad_token_id").is_none_or(Value::is_null)
        && let Some(pad) = head.pad
    {
        config.insert("pad_token_id".to_owned(), json!(pad));
    }
    Ok(())
}

/// Every tensor of the model, the unembedding left out where it is the embedding, or where there is a head for it.
fn entries<'m>(model: &'m dyn CausalLm, head: Option<&'m SavedHead<'_>>) -> Result<Vec<Entry<'m>>> {
    let parts = model.parts();
    let mut all = Vec::new();
    matrix(&mut all, &parts.tokens.name, parts.tokens.part.weight(), false)?;
    if let Some(positions) = &parts.positions {
        matrix(&mut all, &positions.name, positions.part.weight(), false)?;
    }
    for block in &parts.blocks {
        norm(&mut all, &block.norm_1.name, block.norm_1.part)?;
        let attention = block.attention;
        let qkv: Vec<&Linear> = match &attention.qkv {
            Projection::Separate { q, k, v } => vec![q, k, v],
            Projection::Joint(qkv) | Projection::ByHead(qkv) => vec![qkv],
        };
        let mut linears: Vec<(&String, &Linear)> = block.qkv_names.iter().zip(qkv).collect();
        linears.push((&block.o_name, &attention.o));
        match &block.mlp {
            MlpParts::Gated { mlp, gate, up, down } => {
                linears.extend([(gate, &mlp.gate), (up, &mlp.up), (down, &mlp.down)]);
            }
            MlpParts::Plain { mlp, up, down } => linears.extend([(up, &mlp.up), (down, &mlp.down)]),
        }
        for (name, linear) in linears {
            matrix(&mut all, name, linear.weight(), parts.conv1d)?;
            if let Some(bias) = linear.bias() {
                all.push(vector(format!("{name}.bias"), Floats::of(bias)?));
            }
        }
        let more = block.qk_norms.iter().flatten().chain(&block.after_attention).chain(&block.after_mlp);
        for named in [&block.norm_2].into_iter().chain(more) {
            norm(&mut all, &named.name, named.part)?;
        }
    }
    norm(&mut all, &parts.norm.name, parts.norm.part)?;
    if let Some(head) = head {
        let (rows, cols) = (head.labels.len(), parts.shape.width);
        ensure!(head.weight.len() == rows * cols, "a head of another shape");
        let values = Source::Values(head.weight);
        let name = format!("{SCORE}.weight");
        all.push(Entry { name, rows, cols, is_vector: false, turned: false, values });
    } else if !parts.tied {
        matrix(&mut all, &parts.lm_head.name, parts.lm_head.part.weight(), false)?;
    }
    Ok(all)
}

fn matrix<'m>(all: &mut Vec<Entry<'m>>, name: &str, weight: &'m Weight, turned: bool) -> Result<()> {
    let (rows, cols) = weight.dims();
    let values = Source::Matrix(Frozen::of(weight)?);
    all.push(Entry { name: format!("{name}.weight"), rows, cols, is_vector: false, turned, values });
    Ok(())
}

fn vector(name: String, floats: Floats<'_>) -> Entry<'_> {
    let cols = floats.values().len();
    Entry { name, rows: 1, cols, is_vector: true, turned: false, values: Source::Vector(floats) }
}

fn norm<'m>(all: &mut Vec<Entry<'m>>, name: &str, part: NormParts<'m>) -> Result<()> {
    match part {
        NormParts::Rms(norm) => all.push(vector(format!("{name}.weight"), Floats::of(norm.parts().0)?)),
        NormParts::Layer(norm) => {
            let (weight, bias, _) = norm.parts();
            all.push(vector(format!("{name}.weight"), Floats::of(weight)?));
            all.push(vector(format!("{name}.bias"), Floats::of(bias)?));
        }
    }
    Ok(())
}

fn write_weights(
    path: &Path,
    entries: &[Entry<'_>],
    dtype: SaveType,
    alter: Alter<'_>,
    between: &dyn Fn(usize, usize) -> Result<()>,
) -> Result<()> {
    let (word, width) = match dtype {
        SaveType::F32 => ("F32", 4),
        SaveType::F16 => ("F16", 2),
        SaveType::Bf16 => ("BF16", 2),
    };
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut at = 0;
    for entry in entries {
        let end = at + entry.rows * entry.cols * width;
        let shape = match (entry.is_vector, entry.turned) {
            (true, _) => vec![entry.cols],
            (false, false) => vec![entry.rows, entry.cols],
            (false, true) => vec![entry.cols, entry.rows],
        };
        header
            .insert(entry.name.clone(), json!({ "dtype": word, "shape": shape, "data_offsets": [at, end] }));
        at = end;
    }
    let mut header = serde_json::to_vec(&header)?;
    // Data begins at a multiple of eight.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for (i, entry) in entries.iter().enumerate() {
        between(i, entries.len())?;
        let mut values = match &entry.values {
            Source::Matrix(frozen) => frozen.to_f32(),
            Source::Vector(floats) => floats.values().to_vec(),
            Source::Values(values) => values.to_vec(),
        };
        alter(&entry.name, &mut values, entry.cols);
        if entry.turned {
            values = turn(&values, entry.rows, entry.cols);
        }
        write_values(&mut file, &values, dtype)?;
    }
    Ok(file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?)
}

fn turn(values: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    (0..rows * cols).map(|i| values[i % rows * cols + i / rows]).collect()
}

fn write_values(file: &mut impl Write, values: &[f32], dtype: SaveType) -> std::io::Result<()> {
    for value in values {
        match dtype {
            SaveType::F32 => file.write_all(&value.to_le_bytes())?,
            SaveType::F16 => file.write_all(&f16::from_f32(*value).to_le_bytes())?,
            SaveType::Bf16 => file.write_all(&bf16::from_f32(*value).to_le_bytes())?,
        }
    }
    Ok(())
}

/// Copies an adapter out of a checkpoint.
///
/// # Errors
/// When the disk says no.
pub fn copy_adapter(from: &Path, to: &Path) -> Result<()> {
    for name in [peft::CONFIG, peft::WEIGHTS, peft::ABOUT] {
        std::fs::copy(from.join(name), to.join(name)).with_context(|| format!("copying {name}"))?;
    }
    Ok(())
}

/// What a checkpoint of whole weights changes of a model.
///
/// # Errors
/// `Failure` naming the folder.
pub fn trained_values(
    folder: &Path,
    kind: CheckpointKind,
) -> Result<std::collections::BTreeMap<String, Vec<f32>>> {
    Ok(checkpoint::read(folder, kind)?.values)
}

/// Writes README.md: base, data, recipe, results.
///
/// # Errors
/// When the disk says no.
pub fn model_card(
    to: &Path,
    run: &RunRecord,
    base: &ModelCard,
    kind: CheckpointKind,
    recipe: &str,
    language: Language,
) -> Result<()> {
    let progress = &run.progress;
    let say = |key: &str, args: &[(&str, &dyn std::fmt::Display)]| language.format(key, args);
    let number = |loss: Option<f64>| loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
    let (loss, step) = match kind {
        CheckpointKind::Best => (progress.best_loss, progress.best_step.unwrap_or(progress.step)),
        CheckpointKind::Last | CheckpointKind::Step(_) => (progress.validation_loss, progress.step),
    };
    let license = base.license.as_ref().map_or_else(String::new, |license| format!("license: {license}\n"));
    let name = &progress.model_name;
    // What was made from nothing has no model below it.
    let base = if run.spec.scratch().is_some() { String::new() } else { format!("base_model: {name}\n") };
    let text = [
        format!("---\n{base}{license}tags:\n- glassworks\n---\n\n# {}\n", run.name),
        match run.spec.scratch() {
            Some(_) => say("train.card.scratch", &[("hash", &progress.base_hash)]),
            None => say("train.card.base", &[("name", name), ("hash", &progress.base_hash)]),
        },
        say(
            "train.card.data",
            &[
                ("train", &progress.data.n_train),
                ("validation", &progress.data.n_validation),
                ("hash", &progress.data.hash),
            ],
        ),
        say(
            "train.card.results",
            &[("step", &step), ("first", &number(progress.first_validation_loss)), ("loss", &number(loss))],
        ),
        format!("```toml\n{}\n```\n", recipe.trim_end()),
    ];
    std::fs::write(to.join("README.md"), text.join("\n\n")).context("writing README.md")
}
