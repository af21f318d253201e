//! `glassworks models`: list the library, describe a model, enter one.

use super::Cx;
use super::args::{ImportArgs, InfoArgs, ListArgs, ModelsArgs, ModelsCommand};
use super::meter::Meter;
use super::out::{Out, Stop};
use super::session::Session;
use super::{source, table};
use glassworks_engine::Mode;
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::model::{ModelCard, ModelFormat, ModelRecord};
use glassworks_protocol::{Edit, JobOutput, JobSpec};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

pub fn run(cx: &Cx, args: &ModelsArgs) -> Result<(), Stop> {
    match &args.what {
        ModelsCommand::List(args) => list(cx, args),
        ModelsCommand::Info(args) => info(cx, args),
        ModelsCommand::Import(args) => import(cx, args),
    }
}

fn list(cx: &Cx, args: &ListArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let models = source::library(&session)?;
    let mut out = Out::new();
    if args.json {
        return out.json(&models.iter().map(|model| record_json(model)).collect::<Vec<_>>());
    }
    if models.is_empty() {
        return out.text(&format!("{}\n", cx.say("cli.no_models")));
    }
    let heading = ["name", "architecture", "parameters", "weights", "size", "context", "path"];
    let heading = heading.map(|column| cx.language.get(&format!("cli.column.{column}")).to_owned()).to_vec();
    let rows = models.iter().map(|model| {
        let card = &model.card;
        vec![
            model.name.clone(),
            architecture(cx, card),
            table::parameters(card.n_params),
            card.weight_type.clone(),
            table::file_size(card.size_bytes),
            table::grouped(card.context_length.into()),
            model.path.display().to_string(),
        ]
    });
    out.text(&table::aligned(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
}

fn info(cx: &Cx, args: &InfoArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let found = source::find(&session, &args.model)?;
    if let Some(record) = &found.record {
        return show(cx, Some(record), &record.card, &record.path, args.json);
    }
    let path = found.path().unwrap_or(Path::new(&args.model)).to_owned();
    let output = session.run_quietly(JobSpec::DescribeModel { path: path.clone() }, &Meter::new(cx))?;
    match output {
        JobOutput::ModelDescribed(card) => show(cx, None, &card, &path, args.json),
        _ => Ok(()),
    }
}

fn import(cx: &Cx, args: &ImportArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::writer("models import"))?;
    let spec = JobSpec::ImportModel { path: args.path.clone() };
    let JobOutput::ModelImported(mut record) = session.run_quietly(spec, &Meter::new(cx))? else {
        return Ok(());
    };
    if let Some(name) = &args.name {
        session.edit(Edit::RenameModel { model: record.id, name: name.clone() })?;
        Arc::make_mut(&mut record).name.clone_from(name);
    }
    session.close();
    if args.json {
        return Out::new().json(&record_json(&record));
    }
    let line = cx.language.format(
        "cli.imported",
        &[("name", &record.name), ("path", &record.path.display()), ("id", &record.id)],
    );
    Out::new().text(&format!("{line}\n"))
}

fn show(
    cx: &Cx,
    record: Option<&ModelRecord>,
    card: &ModelCard,
    path: &Path,
    as_json: bool,
) -> Result<(), Stop> {
    let mut out = Out::new();
    if as_json {
        return out.json(&record.map_or_else(|| card_json(card, path), record_json));
    }
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String| {
        rows.push(vec![cx.language.get(&format!("cli.column.{key}")).to_owned(), value]);
    };
    if let Some(record) = record {
        row("name", record.name.clone());
        row("id", record.id.to_string());
    }
    row("path", path.display().to_string());
    row("format", format_name(card.format).to_owned());
    row("architecture", architecture(cx, card));
    row("parameters", table::grouped(card.n_params));
    row("weights", card.weight_type.clone());
    row("size", table::file_size(card.size_bytes));
    row("context", table::grouped(card.context_length.into()));
    row("layers", card.n_layers.to_string());
    row("width", table::grouped(card.width.into()));
    row("heads", format!("{} / {}", card.n_heads, card.n_kv_heads));
    row("vocabulary", table::grouped(card.vocab_size.into()));
    row("tied", cx.say(if card.tied_embeddings { "cli.yes" } else { "cli.no" }).to_owned());
    row("template", template(cx, &card.template));
    row("license", card.license.clone().unwrap_or_else(|| cx.say("cli.not_stated").to_owned()));
    if let Some(description) = &card.description {
        row("description", description.clone());
    }
    if !card.content_hash.is_empty() {
        row("hash", card.content_hash.clone());
    }
    out.text(&table::aligned(&rows))
}

/// `phi3 (runs only)`
fn architecture(cx: &Cx, card: &ModelCard) -> String {
    match card.run_only {
        true => cx.language.format("cli.runs_only", &[("architecture", &card.architecture)]),
        false => card.architecture.clone(),
    }
}

fn template(cx: &Cx, source: &TemplateSource) -> String {
    match source {
        TemplateSource::Model(name) => name.clone(),
        TemplateSource::Fallback(name) => cx.language.format("cli.fallback_template", &[("name", name)]),
    }
}

fn format_name(format: ModelFormat) -> &'static str {
    match format {
        ModelFormat::Folder => "Hugging Face",
        ModelFormat::Gguf => "GGUF",
    }
}

fn record_json(record: &ModelRecord) -> Value {
    let mut value = json!({ "id": record.id, "name": record.name, "starter": record.starter });
    if let (Some(all), Value::Object(card)) = (value.as_object_mut(), card_json(&record.card, &record.path)) {
        all.extend(card);
    }
    value
}

fn card_json(card: &ModelCard, path: &Path) -> Value {
    let (template, is_fallback) = match &card.template {
        TemplateSource::Model(name) => (name, false),
        TemplateSource::Fallback(name) => (name, true),
    };
    json!({
        "path": path.to_string_lossy(),
        "format": match card.format { ModelFormat::Folder => "folder", ModelFormat::Gguf => "gguf" },
        "architecture": card.architecture,
        "run_only": card.run_only,
        "n_params": card.n_params,
        "weight_type": card.weight_type,
        "size_bytes": card.size_bytes,
        "context_length": card.context_length,
        "n_layers": card.n_layers,
        "width": card.width,
        "n_heads": card.n_heads,
        "n_kv_heads": card.n_kv_heads,
        "vocab_size": card.vocab_size,
        "tied_embeddings": card.tied_embeddings,
        "template": template,
        "template_is_fallback": is_fallback,
        "license": card.license,
        "description": card.description,
        "content_hash": (!card.content_hash.is_empty()).then_some(&card.content_hash),
    })
}
