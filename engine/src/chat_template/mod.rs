//! Chat templates: from turns to the text a model was trained on.
//!
//! Templates come with models and are not trusted: what one may compute and make is metered (`meter`), it sees
//! nothing but the conversation and the clock, and a panic in it stays in its thread.

mod answers;
mod args;
mod checks;
mod eval;
mod expr;
mod filters;
mod filters_seq;
mod functions;
mod json;
mod lookup;
mod meter;
mod methods;
mod ops;
mod parse;
mod percent;
mod render;
mod rendering;
mod sort;
mod source;
mod strings;
mod text;
mod value;

pub use answers::{Answers, MARKS};
pub use rendering::{Rendering, Room};

use crate::tokenizer::TextCodec;
use glassworks_protocol::chat::{TemplateOptions, TemplateSource, Turn};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use jiff::Zoned;
use serde_json::{Map, Value, json};

/// A model's chat template, or the fallback.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: TemplateSource,
    /// Named in failures.
    file: String,
    default: String,
    /// For conversations with tools, when the model brings one apart.
    tool_use: Option<String>,
}

const FALLBACK_NAME: &str = "User: … / Assistant: …";
const FALLBACK: &str = "\
{%- for message in messages -%}
    {%- if message.role == 'user' -%}{{ 'User: ' + message.content|trim + '\\n' }}
    {%- elif message.role == 'assistant' -%}{{ 'Assistant: ' + message.content|trim + '\\n' }}
    {%- else -%}{{ message.content|trim + '\\n\\n' }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ 'Assistant:' }}{%- endif -%}";

impl ChatTemplate {
    /// For models that bring none: each turn a line that begins with who speaks, the system prompt a paragraph
    /// before them. A base model continues such text well; [`Self::stop_strings`] ends its reply where the next
    /// question would begin.
    #[must_use]
    pub fn fallback() -> Self {
        Self {
            source: TemplateSource::Fallback(FALLBACK_NAME.to_owned()),
            file: FALLBACK_NAME.to_owned(),
            default: FALLBACK.to_owned(),
            tool_use: None,
        }
    }

    /// The template `text` found in `file`; `origin` says where for a person: `tokenizer_config.json`.
    #[must_use]
    pub fn new(file: impl Into<String>, origin: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            source: TemplateSource::Model(origin.into()),
            file: file.into(),
            default: text.into(),
            tool_use: None,
        }
    }

    /// Another template for conversations with tools.
    #[must_use]
    pub fn with_tool_use(self, text: Option<&str>) -> Self {
        Self { tool_use: text.map(str::to_owned), ..self }
    }

    /// The template itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.default
    }

    /// Where it is from.
    #[must_use]
    pub fn source(&self) -> &TemplateSource {
        &self.source
    }

    /// What ends a reply besides the model's own end-of-text tokens.
    #[must_use]
    pub fn stop_strings(&self) -> Vec<String> {
        match self.source {
            TemplateSource::Fallback(_) => vec!["\nUser:".to_owned()],
            TemplateSource::Model(_) => Vec::new(),
        }
    }

    /// The text of a conversation.
    ///
    /// # Errors
    /// `Failure { Input }` when the template refuses the turns, is broken, or wants more than a template may have;
    /// when the tool descriptions are no JSON.
    pub fn render(
        &self,
        turns: &[Turn],
        options: &TemplateOptions,
        codec: &TextCodec,
        now_ms: i64,
    ) -> Result<String, Failure> {
        self.render_as(turns, options, codec, now_ms, render::Answers::Plain)
    }

    fn render_as(
        &self,
        turns: &[Turn],
        options: &TemplateOptions,
        codec: &TextCodec,
        now_ms: i64,
        answers: render::Answers,
    ) -> Result<String, Failure> {
        let messages: Vec<Value> =
            turns.iter().map(|turn| json!({ "role": turn.role, "content": turn.content })).collect();
        let mut variables = Map::new();
        for (name, text) in codec.special_texts() {
            variables.insert(name.to_owned(), Value::String(text.to_owned()));
        }
        variables.insert("add_generation_prompt".into(), Value::Bool(options.add_generation_prompt));
        if let Some(thinking) = options.enable_thinking {
            variables.insert("enable_thinking".into(), Value::Bool(thinking));
        }
        variables.insert("tools".into(), tools(&options.tools)?);
        let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let now = now.to_zoned(jiff::tz::TimeZone::system());
        self.render_with(&Value::Array(messages), &variables, &now, answers)
    }

    /// The text of `messages` with all `variables` as given: what transformers' `apply_chat_template` makes.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_json(
        &self,
        messages: &Value,
        variables: &Map<String, Value>,
        now: &Zoned,
    ) -> Result<String, Failure> {
        self.render_with(messages, variables, now, render::Answers::Plain)
    }

    fn render_with(
        &self,
        messages: &Value,
        variables: &Map<String, Value>,
        now: &Zoned,
        answers: render::Answers,
    ) -> Result<String, Failure> {
        let with_tools = variables.get("tools").is_some_and(|tools| !tools.is_null());
        let template = self.tool_use.as_deref().filter(|_| with_tools).unwrap_or(&self.default);
        render::render(template, messages, variables, now, answers).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &render::RenderError) -> Failure {
        let input = |text: Text| Failure::new(FailureKind::Input, text);
        match error {
            render::RenderError::Raised(message) => {
                input(Text::new("failure.template_raised").arg("message", message))
                    .hint(Text::new("failure.template_raised_hint"))
            }
            render::RenderError::Limit { why, line } => {
                input(Text::new("failure.template_limit").arg("file", &self.file))
                    .hint(Text::new("failure.template_hint"))
                    .detail(format!("line {line}: {why}"))
            }
            render::RenderError::Broken { why, line } => {
                input(Text::new("failure.template_broken").arg("file", &self.file))
                    .hint(Text::new("failure.template_hint"))
                    .detail(format!("line {line}: {why}"))
            }
        }
    }
}

/// The tools a person described; null for none, as transformers passes it.
fn tools(text: &str) -> Result<Value, Failure> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(tools)) => Ok(Value::Array(tools)),
        parsed => Err(Failure::new(FailureKind::Input, Text::new("failure.tools_not_json"))
            .hint(Text::new("failure.tools_not_json_hint"))
            .detail(parsed.err().map(|e| e.to_string()).unwrap_or_default())),
    }
}
