//! A row as a text to look into: what its fields make, for the attention pane.

use super::DatasetsPane;
use crate::action::{Action, LookInside, Open};
use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use glassworks_protocol::datasets::{DatasetRecord, Mapping, Role, Row, RowDocument};
use glassworks_protocol::generate::Prompt;
use glassworks_protocol::inside::Subject;
use serde_json::Value;
use std::sync::Arc;

impl DatasetsPane {
    /// Shows how a model reads the row; the one that the strip counts for.
    pub(super) fn look_inside(&self, cx: &mut PaneCx, record: &DatasetRecord, document: &RowDocument) {
        let Some(prompt) = prompt(&record.mapping, &document.value) else { return };
        let row = units::grouped(u64::from(document.id.0) + 1);
        let look = LookInside {
            title: cx.tf("inside.from_row", &[("row", &row), ("name", &record.name)]),
            subject: Subject::Text { prompt, reply: Vec::new(), at_ms: cx.now_ms },
            model: self.seen.spec(cx, record).map(|spec| (spec.model, None)),
        };
        cx.push(Action::Open(Open::Inside(Arc::new(look))));
    }
}

/// A conversation where there are turns, else the texts below each other; `None` where there is nothing to read.
#[must_use]
pub fn prompt(mapping: &Mapping, row: &Row) -> Option<Prompt> {
    let of = |role: Role| row.get(mapping.column(role)?);
    let text = |role: Role| of(role).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let turns = turns(&of, &text);
    if !turns.is_empty() {
        let template = TemplateOptions { add_generation_prompt: false, ..TemplateOptions::default() };
        return Some(Prompt::Chat { turns, template });
    }
    let words = of(Role::Tokens)
        .and_then(Value::as_array)
        .map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
    let texts = [Role::Context, Role::Question, Role::Text, Role::Source, Role::Target].map(text);
    let texts: Vec<&str> = texts.into_iter().flatten().chain(words.as_deref()).collect();
    (!texts.is_empty()).then(|| Prompt::Text(texts.join("\n")))
}

fn turns<'a>(of: &impl Fn(Role) -> Option<&'a Value>, text: &impl Fn(Role) -> Option<&'a str>) -> Vec<Turn> {
    if let Some(turns) = of(Role::Messages).and_then(Value::as_array) {
        let part =
            |turn: &Value, name: &str| turn.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        return turns.iter().map(|turn| Turn::new(part(turn, "role"), part(turn, "content"))).collect();
    }
    let asked: Vec<&str> = [Role::Prompt, Role::Input].into_iter().filter_map(text).collect();
    let said = text(Role::Completion).or_else(|| text(Role::Chosen));
    if asked.is_empty() {
        return Vec::new();
    }
    let system = text(Role::System).map(|words| Turn::new("system", words));
    let asked = Turn::new("user", asked.join("\n\n"));
    system.into_iter().chain([asked]).chain(said.map(|words| Turn::new("assistant", words))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::DataTask;
    use serde_json::json;

    fn check(roles: &[(Role, &str)], row: Value, expected: Option<Prompt>) {
        let roles = roles.iter().map(|(role, name)| (*role, (*name).to_owned())).collect();
        let mapping = Mapping { task: DataTask::Chat, roles };
        let Value::Object(row) = row else { panic!("a row") };
        assert_eq!(prompt(&mapping, &row), expected);
    }

    #[test]
    fn rows_are_read_as_what_they_are() {
        let template = TemplateOptions { add_generation_prompt: false, ..TemplateOptions::default() };
        let turns = vec![Turn::new("user", "Why?\n\nSand"), Turn::new("assistant", "So")];
        let chat = Some(Prompt::Chat { turns, template });
        let roles = [(Role::Prompt, "q"), (Role::Input, "i"), (Role::Completion, "a")];
        check(&roles, json!({ "q": "Why?", "i": "Sand", "a": "So" }), chat);
        check(&[(Role::Text, "t")], json!({ "t": "Glass" }), Some(Prompt::Text("Glass".into())));
        check(&[(Role::Tokens, "w")], json!({ "w": ["a", "b"] }), Some(Prompt::Text("a b".into())));
        check(&[(Role::Text, "t")], json!({ "t": " ", "other": "x" }), None);
    }
}
