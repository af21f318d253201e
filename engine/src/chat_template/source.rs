//! Where a model folder keeps its chat template.

use super::ChatTemplate;
use crate::tokenizer::files::{read_json, read_text};
use glassworks_protocol::Failure;
use serde_json::Value;
use std::path::Path;

impl ChatTemplate {
    /// The template in a folder: `chat_template.jinja`, `chat_template.json` or `tokenizer_config.json`, in this
    /// order as transformers has it. `None` when there is none.
    ///
    /// # Errors
    /// `Failure` naming a file that cannot be read.
    pub fn from_folder(folder: &Path) -> Result<Option<Self>, Failure> {
        let jinja = folder.join("chat_template.jinja");
        if let Some(text) = read_text(&jinja)? {
            let mut template = Self::new(jinja.display().to_string(), "chat_template.jinja", text);
            template.tool_use = read_text(&folder.join("additional_chat_templates").join("tool_use.jinja"))?;
            return Ok(Some(template));
        }
        for name in ["chat_template.json", "tokenizer_config.json"] {
            let file = folder.join(name);
            let Some(json) = read_json(&file)? else { continue };
            if let Some(template) = json.get("chat_template").and_then(|value| from_value(&file, name, value))
            {
                return Ok(Some(template));
            }
        }
        Ok(None)
    }
}

/// One template, or a list of named ones.
fn from_value(file: &Path, origin: &str, value: &Value) -> Option<ChatTemplate> {
    let file = file.display().to_string();
    match value {
        Value::String(text) => Some(ChatTemplate::new(file, origin, text.as_str())),
        Value::Array(named) => {
            let find = |name: &str| {
                let entry =
                    named.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))?;
                entry.get("template").and_then(Value::as_str).map(str::to_owned)
            };
            let first = || named.first()?.get("template")?.as_str().map(str::to_owned);
            let mut template = ChatTemplate::new(file, origin, find("default").or_else(first)?);
            template.tool_use = find("tool_use");
            Some(template)
        }
        _ => None,
    }
}
