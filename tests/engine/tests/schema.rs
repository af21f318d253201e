//! Replies that follow a JSON schema: whatever the model would rather write, they do, from any tokenizer.

use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::generate::{
    BeamSpec, BranchSpec, FinishReason, Forced, GenerateSpec, ModelSource, Overflow, Prompt, Reply,
    SamplingPreset, SamplingSpec,
};
use glassworks_protocol::model::Precision;
use glassworks_protocol::{JobOutput, JobSpec};
use glassworks_tests_engine::{Lab, Talk, fixtures, long_winded, reply_id, root};
use serde_json::{Value, json};
use std::sync::Arc;

/// A schema and what it means, said in Rust.
type Case = (Value, fn(&Value) -> bool);

fn cases() -> [Case; 5] {
    let person = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "maxLength": 8 },
            "age": { "type": "integer", "minimum": 0, "maximum": 120 },
            "mood": { "enum": ["good", "bad", "很好"] },
            "seen": { "type": "array", "items": { "type": "boolean" }, "minItems": 1, "maxItems": 3 },
        },
        "required": ["name", "age", "mood", "seen"],
        "additionalProperties": false,
    });
    let pair = json!({
        "$defs": { "part": { "anyOf": [{ "const": "left" }, { "const": 7 }, { "type": "null" }] } },
        "type": "object",
        "properties": { "a": { "$ref": "#/$defs/part" }, "b": { "$ref": "#/$defs/part" } },
        "required": ["a"],
        "additionalProperties": false,
    });
    [
        (person, |v| {
            let keys: Vec<&str> = v.as_object().into_iter().flatten().map(|(k, _)| k.as_str()).collect();
            keys == ["name", "age", "mood", "seen"]
                && v["name"].as_str().is_some_and(|name| name.chars().count() <= 8)
                && v["age"].as_u64().is_some_and(|age| age <= 120)
                && ["good", "bad", "很好"].iter().any(|mood| v["mood"] == *mood)
                && v["seen"]
                    .as_array()
                    .is_some_and(|seen| (1..=3).contains(&seen.len()) && seen.iter().all(Value::is_boolean))
        }),
        (pair, |v| {
            let is_part = |value: &Value| [json!("left"), json!(7), Value::Null].contains(value);
            is_part(&v["a"])
                && v.as_object().is_some_and(|o| o.len() == 1 || (o.len() == 2 && is_part(&o["b"])))
        }),
        (json!({ "enum": ["yes", "no"] }), |v| v == "yes" || v == "no"),
        (json!({ "type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$" }), |v| {
            v.as_str().is_some_and(|s| {
                let (letters, digits) = s.split_at(2);
                letters.bytes().all(|b| b.is_ascii_uppercase())
                    && digits.len() == 4
                    && digits.strip_prefix('-').is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()))
            })
        }),
        (
            json!({ "type": "array", "items": { "type": "integer", "minimum": -9, "maximum": 99 },
                    "minItems": 2, "maxItems": 4 }),
            |v| {
                v.as_array().is_some_and(|all| {
                    (2..=4).contains(&all.len())
                        && all.iter().all(|n| n.as_i64().is_some_and(|n| (-9..=99).contains(&n)))
                })
            },
        ),
    ]
}

/// The bundled model, whose tokens spell every byte.
fn starter() -> ModelSource {
    ModelSource::Path(root().join("assets/starter"))
}

fn sampling(schema: &Value) -> SamplingSpec {
    SamplingSpec { json_schema: Some(schema.to_string()), seed: Some(1), ..SamplingPreset::Steady.spec() }
}

fn spec(model: ModelSource, sampling: SamplingSpec) -> GenerateSpec {
    GenerateSpec {
        model,
        adapter: None,
        tuned: None,
        prompt: Prompt::Text("a b".to_owned()),
        sampling,
        precision: Precision::Exact,
        cache: Default::default(),
        overflow: Overflow::Refuse,
        keep: None,
    }
}

fn check(what: &str, reply: &Reply, fits: fn(&Value) -> bool) {
    assert_eq!(reply.stats.finish, FinishReason::EndOfText, "{what}: {}", reply.text);
    let value: Value = serde_json::from_str(&reply.text).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(fits(&value), "{what}: {}", reply.text);
    // Written as Python's json.dumps writes it, so that nothing but values is left to the model.
    assert!(!reply.text.contains(":\"") && !reply.text.contains(",  "), "{what}: {}", reply.text);
}

/// Every text of a search stands somewhere else in its schema.
#[test]
fn beams_follow_a_schema_too() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    for (i, (schema, fits)) in cases().into_iter().enumerate() {
        let beams = Some(BeamSpec { n: 3, ..BeamSpec::default() });
        let sampling = SamplingSpec { beams, max_new_tokens: 160, ..sampling(&schema) };
        check(&format!("case {i}"), &lab.reply(spec(starter(), sampling)), fits);
    }
    lab.close();
}

#[test]
fn any_model_and_tokenizer_writes_what_the_schema_asks_for() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut models = vec![("starter", root().join("assets/starter"))];
    for name in ["gpt2-tiny", "llama-gqa", "neox-serial", "gemma3-local", "mistral-window"] {
        models.push((name, fixtures().join(name)));
    }
    let mut n_long = 0;
    for (name, path) in models {
        for (i, (schema, fits)) in cases().into_iter().enumerate() {
            for (temperature, seed) in [(0.0, 1), (1.0, 2), (1.0, 3), (3.0, 4)] {
                let sampling = SamplingSpec { temperature, seed: Some(seed), ..sampling(&schema) };
                let reply = lab.reply(spec(ModelSource::Path(path.clone()), sampling));
                // The tiny models' contexts hold few of the longer ones.
                if reply.stats.finish == FinishReason::ContextFull {
                    n_long += 1;
                    continue;
                }
                check(&format!("{name}, schema {i}, seed {seed}"), &reply, fits);
                let kept: f32 = reply.tokens.iter().map(|t| t.sampled_prob).fold(1.0, f32::min);
                assert!(kept > 0.0, "{name}: nothing that is not allowed is drawn");
            }
        }
    }
    assert!(n_long < 30, "{n_long} of 120 replies did not fit");
    lab.close();
}

/// Without a token that ends a text the reply ends with its last brace, and `ignore_eos` doesn't go past it.
#[test]
fn what_is_whole_ends() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let (schema, fits) = cases()[0].clone();
    let sampling = SamplingSpec { ignore_eos: true, temperature: 1.0, ..sampling(&schema) };
    let reply = lab.reply(spec(starter(), sampling));
    check("past the end", &reply, fits);
    let model = home.path().join("endless");
    std::fs::create_dir(&model).expect("a folder");
    for file in std::fs::read_dir(root().join("assets/starter")).expect("a folder") {
        let path = file.expect("a file").path();
        let to = model.join(path.file_name().expect("a name"));
        if path.extension().is_some_and(|e| e == "json") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let mut json: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(object) = json.as_object_mut() {
                object.retain(|key, _| !key.starts_with("eos"));
            }
            std::fs::write(to, json.to_string()).expect("written");
        } else if path.is_file() {
            std::fs::copy(&path, to).expect("copied");
        }
    }
    let reply = lab.reply(spec(ModelSource::Path(model), self::sampling(&schema)));
    check("without an end", &reply, fits);
    lab.close();
}

#[test]
fn a_reply_cut_short_goes_on_to_the_same_end() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = root().join("assets/starter");
    let JobOutput::ModelImported(model) = lab.done(JobSpec::ImportModel { path }) else { panic!("imported") };
    let model = ModelSource::Library(model.id);
    let (schema, fits) = cases()[0].clone();
    let whole = SamplingSpec { temperature: 1.0, ..sampling(&schema) };
    let mut talk = Talk::new(ChatKind::Chat);
    let ask = talk.ask(&model, "Who?", whole.clone());
    let undisturbed = lab.reply(ask);
    check("undisturbed", &undisturbed, fits);

    let mut talk = Talk::new(ChatKind::Chat);
    let ask = talk.ask(&model, "Who?", SamplingSpec { max_new_tokens: 6, ..whole.clone() });
    let reply = reply_id(&ask);
    let begun = lab.reply(ask);
    assert_eq!(begun.stats.finish, FinishReason::Length);
    let rest = lab.reply(talk.again(&model, reply, whole.clone()));
    assert_eq!(rest.text, undisturbed.text);

    // What a person puts there must fit too.
    let mut branch = talk.again(&model, glassworks_protocol::ids::MessageId::mint(), whole);
    let keep = branch.keep.as_mut().expect("kept");
    keep.branch = Some(BranchSpec { of: reply, n_kept: 2, then: Forced::Text("nonsense".to_owned()) });
    let failure = lab.fails(JobSpec::Generate(Box::new(branch)));
    assert_eq!(failure.summary.key, "failure.schema_other_text");
    lab.close();
}

#[test]
fn a_schema_that_cannot_be_followed_is_refused_with_the_reason() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let starter = lab.starter();
    let check = |lab: &mut Lab, schema: &str| match lab.done(JobSpec::CheckSchema(schema.to_owned())) {
        JobOutput::SchemaChecked { warnings } => warnings,
        other => panic!("{other:?}"),
    };
    assert!(check(&mut lab, r#"{"type": "object"}"#).is_empty());
    assert!(check(&mut lab, "true").is_empty());
    for (schema, key, why) in [
        ("{", "failure.schema_no_json", "line 1"),
        ("[1]", "failure.schema_unusable", "object"),
        (r#"{"type": "objekt"}"#, "failure.schema_unusable", "objekt"),
        (r#"{"$ref": "https://example.org/x.json"}"#, "failure.schema_unusable", "ref"),
        (r#"{"type": "string", "not": {"type": "string"}}"#, "failure.schema_unusable", "not"),
        (r#"{"type": "string", "pattern": "("}"#, "failure.schema_unusable", ""),
    ] {
        let failure = lab.fails(JobSpec::CheckSchema(schema.to_owned()));
        assert_eq!(failure.summary.key, key, "{schema}");
        assert!(failure.detail.to_lowercase().contains(why), "{schema}: {}", failure.detail);
        let spec = SamplingSpec { json_schema: Some(schema.to_owned()), ..SamplingPreset::Steady.spec() };
        let failure = lab.fails(JobSpec::Generate(Box::new(self::spec(starter.clone(), spec))));
        assert_eq!(failure.summary.key, key, "{schema}");
    }
    // This one's tokens spell no quotation mark.
    let model = ModelSource::Path(long_winded(home.path()));
    let failure = lab.fails(JobSpec::Generate(Box::new(spec(model, sampling(&json!({ "type": "string" }))))));
    assert_eq!(failure.summary.key, "failure.schema_no_token");
    // Absurd ones end, too, and take nothing down.
    let deep = format!("{}{{}}{}", r#"{"items":"#.repeat(5000), "}".repeat(5000));
    let wide = json!({ "type": "string", "pattern": "((a{1,500}){1,500}){1,500}" }).to_string();
    for schema in [deep, wide] {
        let job = lab.start(JobSpec::CheckSchema(schema));
        lab.until_settled(job);
    }
    assert!(check(&mut lab, "{}").is_empty());
    lab.close();
}

/// Jobs that write together each follow their own schema, or none.
#[test]
fn schemas_are_nobody_elses() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = starter();
    let alone = |lab: &mut Lab, sampling: SamplingSpec| lab.reply(spec(model.clone(), sampling));
    let mut asked: Vec<SamplingSpec> =
        cases().iter().map(|(s, _)| SamplingSpec { temperature: 1.0, ..sampling(s) }).collect();
    asked.push(SamplingSpec { max_new_tokens: 30, ..SamplingPreset::Steady.spec() });
    let expected: Vec<Arc<Reply>> = asked.iter().map(|s| alone(&mut lab, s.clone())).collect();
    let jobs: Vec<_> = asked
        .iter()
        .map(|s| lab.start(JobSpec::Generate(Box::new(spec(model.clone(), s.clone())))))
        .collect();
    for (job, expected) in jobs.into_iter().zip(expected) {
        match lab.until_settled(job) {
            glassworks_protocol::Outcome::Done(JobOutput::Replied(reply)) => {
                assert_eq!(reply.text, expected.text);
            }
            other => panic!("{other:?}"),
        }
    }
    lab.close();
}
