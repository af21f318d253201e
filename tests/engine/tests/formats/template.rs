//! Texts of chat templates against transformers'.

use crate::fixtures;
use glassworks_engine::chat_template::ChatTemplate;
use glassworks_protocol::chat::TemplateSource;
use serde_json::{Map, Value};
use std::fs;

fn now() -> jiff::Zoned {
    jiff::civil::date(2026, 3, 5).at(14, 7, 9, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap()
}

pub fn render(template: &str, messages: &Value, variables: &Map<String, Value>) -> Result<String, String> {
    let template = ChatTemplate::new("here.jinja", "here.jinja", template);
    template.render_json(messages, variables, &now()).map_err(|failure| {
        assert!(failure.hint.is_some(), "{failure:?}");
        match &*failure.summary.key {
            "failure.template_raised" => failure.summary.args[0].1.clone(),
            key => {
                assert!(failure.summary.args.iter().any(|(_, v)| v == "here.jinja"), "{failure:?}");
                format!("{key}: {}", failure.detail)
            }
        }
    })
}

#[test]
fn texts_are_those_of_transformers() {
    let folder = fixtures().join("templates");
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let source = case["source"].as_str().map(str::to_owned).unwrap_or_else(|| {
            fs::read_to_string(folder.join(format!("{}.jinja", case["template"].as_str().unwrap()))).unwrap()
        });
        let ours = render(&source, &case["messages"], case["variables"].as_object().unwrap());
        let theirs = match case.get("expected") {
            Some(text) => Ok(text.as_str().unwrap().to_owned()),
            None => Err(case["error"].as_str().unwrap().to_owned()),
        };
        if ours != theirs {
            wrong.push(format!("{}\n  ours   {ours:?}\n  theirs {theirs:?}", case["name"]));
        }
    }
    assert!(cases.len() > 80, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn messages(turns: &[(&str, &str)]) -> Value {
    turns.iter().map(|(role, content)| serde_json::json!({ "role": role, "content": content })).collect()
}

#[test]
fn the_fallback_is_plain_text_with_a_stop() {
    let fallback = ChatTemplate::fallback();
    assert!(matches!(fallback.source(), TemplateSource::Fallback(_)));
    assert_eq!(fallback.stop_strings(), ["\nUser:"]);
    let turns = messages(&[
        ("system", "Be brief."),
        ("user", " Hi\n"),
        ("assistant", "Hello\nthere"),
        ("user", "Why?"),
    ]);
    let ask = Map::from_iter([("add_generation_prompt".to_owned(), Value::Bool(true))]);
    assert_eq!(
        fallback.render_json(&turns, &ask, &now()).unwrap(),
        "Be brief.\n\nUser: Hi\nAssistant: Hello\nthere\nUser: Why?\nAssistant:"
    );
    assert_eq!(
        fallback.render_json(&messages(&[("user", "Hi")]), &Map::new(), &now()).unwrap(),
        "User: Hi\n"
    );
}

#[test]
fn errors_are_where_transformers_has_them() {
    let turns = messages(&[("user", "hi")]);
    let fails = |template: &str| render(template, &turns, &Map::new()).unwrap_err();
    // Attributes of what is undefined, arithmetic with it, calls of it.
    assert!(fails("{{ nothing.at.all }}").contains("'nothing' is undefined"));
    assert!(fails("{{ messages[0].nothing.more }}").contains("'nothing' is undefined"));
    assert!(fails("{{ nothing + 'x' }}").contains("'nothing' is undefined"));
    assert!(fails("{{ nothing() }}").contains("'nothing' is undefined"));
    // The sandbox changes no lists and no dicts.
    assert!(fails("{% set l = [] %}{{ l.append(1) }}").contains("append"));
    assert!(fails("{{ messages[0].update({}) }}").contains("update"));
    // There is nothing to include.
    assert!(fails("{% include 'x' %}").starts_with("failure.template_broken"));
    assert!(fails("{{ x|nothing }}").contains("nothing"));
    assert!(fails("{% for %}").starts_with("failure.template_broken: line 1"));
    assert!(fails("\n\n{{ 1 / 0 }}").contains("line 3"));
}

#[test]
fn templates_are_found_where_models_keep_them() {
    let own = ChatTemplate::from_folder(&fixtures().join("llama-tied")).unwrap().unwrap();
    assert_eq!(*own.source(), TemplateSource::Model("chat_template.jinja".into()));
    let none = ChatTemplate::from_folder(&fixtures().join("gpt2-bin")).unwrap();
    assert!(none.is_none());

    let folder = tempfile::tempdir().unwrap();
    let named = serde_json::json!({ "chat_template": [
        { "name": "tool_use", "template": "tools" }, { "name": "default", "template": "plain" },
    ] });
    fs::write(folder.path().join("tokenizer_config.json"), named.to_string()).unwrap();
    let template = ChatTemplate::from_folder(folder.path()).unwrap().unwrap();
    let text = |tools: Value| {
        let variables = Map::from_iter([("tools".to_owned(), tools)]);
        template.render_json(&messages(&[]), &variables, &now()).unwrap()
    };
    assert_eq!(text(Value::Null), "plain");
    assert_eq!(text(serde_json::json!([{}])), "tools");

    fs::write(folder.path().join("chat_template.json"), r#"{ "chat_template": "json" }"#).unwrap();
    let template = ChatTemplate::from_folder(folder.path()).unwrap().unwrap();
    assert_eq!(*template.source(), TemplateSource::Model("chat_template.json".into()));
    fs::write(folder.path().join("chat_template.json"), "{").unwrap();
    let failure = ChatTemplate::from_folder(folder.path()).unwrap_err();
    crate::check_names(&failure, &folder.path().join("chat_template.json"));
}
