//! Models, hashes and settings.

use super::{Bench, run};
use glassworks_protocol::chat::TemplateSource;
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::{ModelCard, ModelFormat, ModelRecord};
use glassworks_protocol::settings::{Settings, ThemeChoice};
use glassworks_protocol::text::Language;
use glassworks_protocol::{Edit, FailureKind, Stored};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn record(path: &str) -> ModelRecord {
    let card = ModelCard {
        format: ModelFormat::Gguf,
        architecture: String::from("llama"),
        n_params: 135_000_000,
        size_bytes: 98_000_000,
        weight_type: String::from("Q4_1"),
        context_length: 2048,
        n_layers: 30,
        width: 576,
        n_heads: 9,
        n_kv_heads: 3,
        vocab_size: 49_152,
        tied_embeddings: true,
        template: TemplateSource::Model(String::from("GGUF")),
        license: Some(String::from("apache-2.0")),
        description: None,
        examples: vec![String::from("你好")],
        labels: Vec::new(),
        run_only: false,
        content_hash: String::new(),
    };
    ModelRecord {
        id: ModelId::mint(),
        name: String::from("SmolLM2"),
        path: PathBuf::from(path),
        card,
        added_at_ms: 10,
        used_at_ms: None,
        starter: false,
    }
}

#[test]
fn models_are_entered_once_renamed_used_and_forgotten() {
    run(async {
        let mut bench = Bench::new().await;
        let one = bench.store().add_model(&record("/models/玻璃.gguf")).await.unwrap();
        let two = bench.store().add_model(&record("/models/b.gguf")).await.unwrap();
        let mut again = record("/models/玻璃.gguf");
        again.name = String::from("another name");
        again.card.content_hash = String::from("cafe");
        let kept = bench.store().add_model(&again).await.unwrap();
        assert_eq!((kept.id, kept.name.as_str()), (one.id, "SmolLM2"));
        assert_eq!(kept.card.content_hash, "cafe");
        bench.store().touch_model(one.id).await.unwrap();
        let rename = Edit::RenameModel { model: one.id, name: String::from(" Little one ") };
        let stored = bench.store().edit(rename).await.unwrap();
        assert!(matches!(&stored[..], [Stored::Model(m)] if m.name == "Little one"));
        bench.reopen().await;
        let models = bench.store().models().await.unwrap();
        assert_eq!(models.iter().map(|m| m.id).collect::<Vec<_>>(), [one.id, two.id], "used last first");
        assert_eq!(bench.store().model(one.id).await.unwrap().unwrap(), models[0]);
        let stored = bench.store().edit(Edit::RemoveModel(one.id)).await.unwrap();
        assert_eq!(stored, [Stored::ModelRemoved(one.id)]);
        assert_eq!(bench.store().models().await.unwrap(), std::slice::from_ref(&two));
        for edit in [Edit::RemoveModel(one.id), Edit::RenameModel { model: one.id, name: String::from("x") }]
        {
            assert_eq!(bench.store().edit(edit).await.unwrap_err().kind, FailureKind::Missing);
        }
        let nameless = Edit::RenameModel { model: two.id, name: String::from(" ") };
        assert_eq!(bench.store().edit(nameless).await.unwrap_err().kind, FailureKind::Input);
        assert!(bench.store().touch_model(one.id).await.is_err());
    });
}

#[test]
fn hashes_hold_while_the_file_stays_the_same() {
    run(async {
        let bench = Bench::new().await;
        let path = Path::new("/models/a.gguf");
        bench.store().keep_hash(path, 100, 7, "aa").await.unwrap();
        assert_eq!(bench.store().known_hash(path, 100, 7).await.unwrap().as_deref(), Some("aa"));
        assert_eq!(bench.store().known_hash(path, 100, 8).await.unwrap(), None);
        assert_eq!(bench.store().known_hash(path, 101, 7).await.unwrap(), None);
        bench.store().keep_hash(path, 101, 9, "bb").await.unwrap();
        assert_eq!(bench.store().known_hash(path, 101, 9).await.unwrap().as_deref(), Some("bb"));
        assert_eq!(bench.store().known_hash(path, 100, 7).await.unwrap(), None);
    });
}

#[test]
fn settings_are_kept() {
    run(async {
        let mut bench = Bench::new().await;
        assert_eq!(bench.store().settings().await.unwrap(), Settings::default());
        let settings = Settings {
            theme: ThemeChoice::Light,
            language: Some(Language::Chinese),
            zoom: 1.25,
            layout: Some(serde_json::json!({"tiles": [1, 2.5, "left"]})),
            ..Settings::default()
        };
        let stored = bench.store().edit(Edit::SaveSettings(Box::new(settings.clone()))).await.unwrap();
        assert_eq!(stored, [Stored::Settings(Arc::new(settings.clone()))]);
        bench.reopen().await;
        assert_eq!(bench.store().settings().await.unwrap(), settings);
    });
}
